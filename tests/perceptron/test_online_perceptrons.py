"""Learning online beside its differential equations, and beside the rules written out."""

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from smbook.perceptron import Online, online

SEEDS = range(10)
ALPHAS = np.array([0.5, 1.0, 2.0, 4.0])
RULES = ("hebb", "perceptron", "adatron")
START = 1e-6  # alpha at which the equations begin where the weights begin at zero


def random_examples(seed, n_examples=40, n_inputs=7):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n_examples, n_inputs)), rng.choice([-1, 1], n_examples)


def slopes(rule, rate):
    """The equations of overlap R and length Q of w for Gaussian inputs, with the averages over two fields.

    Of unit variance and correlation R, with the angle t between them: <abs(h) on mistakes> = (1 - R) /
    sqrt(2 pi), <h^2 on mistakes> = (t - R sin t) / pi, <abs(h h') on mistakes> = (sin t - R t) / pi.
    """

    def of_hebb(r, _):
        gain = math.sqrt(2 / math.pi)
        return gain, gain * r, 1.0

    def of_perceptron(r, _):
        gain = (1 - r) / math.sqrt(2 * math.pi)
        return gain, -gain, math.acos(r) / math.pi

    def of_adatron(r, q):
        angle, sine = math.acos(r), math.sqrt(1 - r * r)
        square = (angle - r * sine) / math.pi
        return q * (sine - r * angle) / math.pi, -q * square, q * q * square

    averages = {"hebb": of_hebb, "perceptron": of_perceptron, "adatron": of_adatron}[rule]

    def slope(_, state):
        r, q = min(max(state[0], -1.0), 1.0), state[1]
        teacher, own, square = averages(r, q)  # averages of f abs(h'), of f y h / Q, and of f^2
        dq = rate * own + rate**2 * square / (2 * q)
        return [(rate * teacher - r * dq) / q, dq]

    return slope


def overlaps_in_theory(rule, start, rate=1.0):
    """R at `ALPHAS` from (alpha, R, Q) at the start."""
    path = solve_ivp(
        slopes(rule, rate), (start[0], ALPHAS[-1]), start[1:], t_eval=ALPHAS, rtol=1e-9, atol=1e-10
    )
    return path.y[0]


def measured(rule, seed, n=1000, initial=None, rate=1.0):
    """Overlaps with a teacher at `ALPHAS`, in one run."""
    rng = np.random.default_rng([seed, RULES.index(rule)])
    teacher, inputs = rng.standard_normal(n), rng.standard_normal((int(ALPHAS[-1] * n), n))
    if initial is not None:  # of this length and at right angles to the teacher
        initial = initial * sideways(rng.standard_normal(n), teacher)
    labels = np.sign(inputs @ teacher)
    found = online(inputs, labels, rule=rule, initial=initial, rate=rate, every=n // 2)
    weights = found.path[(2 * ALPHAS).astype(int)]
    return weights @ teacher / np.linalg.norm(weights, axis=1) / np.linalg.norm(teacher)


def sideways(vector, teacher):
    vector = vector - (vector @ teacher) / (teacher @ teacher) * teacher
    return vector / np.linalg.norm(vector)


def scores(found, expected):
    """z of the mean over seeds, with an error that the seeds tell."""
    return (found.mean(axis=0) - expected) / (found.std(axis=0, ddof=1) / math.sqrt(len(found)))


def test_the_equations_know_the_closed_form_of_hebb_and_the_decay_of_the_others():
    near_zero = (START, math.sqrt(2 * START / math.pi), math.sqrt(START))
    np.testing.assert_allclose(
        overlaps_in_theory("hebb", near_zero), np.sqrt(2 * ALPHAS / (2 * ALPHAS + math.pi)), rtol=1e-5
    )
    late = {"perceptron": (4e5, 0.27807, 1 / 3), "adatron": (4e3, 1.5, 1.0)}
    for rule, (alpha, factor, power) in late.items():
        path = solve_ivp(slopes(rule, 1.0), (0, alpha), [0.0, 1.0], method="LSODA", rtol=1e-9, atol=1e-12)
        error = math.acos(path.y[0, -1]) / math.pi
        assert error * alpha**power == pytest.approx(factor, rel=0.01), rule


@pytest.mark.parametrize("rule", RULES)
def test_overlaps_with_a_teacher_follow_the_equations(rule):
    """From weights of length 1 at right angles to the teacher, at N = 1000 in ten runs, |z| < 4 at each."""
    found = np.array([measured(rule, seed, initial=1.0, rate=1.3) for seed in SEEDS])
    expected = overlaps_in_theory(rule, (0.0, 0.0, 1.0), rate=1.3)
    assert np.abs(scores(found, expected)).max() < 4
    assert found.std(axis=0, ddof=1).max() < 0.04
    for other in {*RULES} - {rule}:
        assert np.abs(scores(found, overlaps_in_theory(other, (0.0, 0.0, 1.0), rate=1.3))).max() > 6
    assert np.abs(scores(found, overlaps_in_theory(rule, (0.0, 0.0, 1.0), rate=1.0))).max() > 4


def test_the_perceptron_follows_its_equations_from_zero_too():
    """At the very beginning every second example is a mistake: Q^2 = alpha / 2 and R = sqrt(alpha / pi)."""
    found = np.array([measured("perceptron", seed + 20) for seed in SEEDS])
    start = (START, math.sqrt(START / math.pi), math.sqrt(START / 2))
    assert np.abs(scores(found, overlaps_in_theory("perceptron", start))).max() < 4


@pytest.mark.parametrize("seed", SEEDS)
def test_hebb_in_one_pass_is_hebb_at_once(seed):
    inputs, labels = random_examples(seed)
    found = online(inputs, labels, rule="hebb", rate=7 / 40)
    np.testing.assert_allclose(found.weights, labels @ inputs / 40, atol=1e-14)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("every", [1, 3, 40, 41])
def test_it_is_the_rule_written_out_in_python(rule, every):
    inputs, labels = random_examples(1)
    initial = np.linspace(-1.0, 1.0, 7)
    path = [initial]
    for x, y in zip(inputs, labels, strict=True):
        field = y * (x @ path[-1])
        factor = {"hebb": 1.0, "perceptron": field <= 0, "adatron": max(-field, 0.0)}[rule]
        path.append(path[-1] + 0.7 / 7 * factor * y * x)
    found = online(inputs, labels, rule=rule, rate=0.7, initial=initial, every=every)
    np.testing.assert_allclose(found.weights, path[-1], atol=1e-13)
    np.testing.assert_array_equal(found.times, np.arange(0, 41, every))
    np.testing.assert_allclose(found.path, np.array(path)[::every], atol=1e-13)


@pytest.mark.parametrize("rule", RULES)
def test_it_does_not_matter_how_a_run_is_parted_into_calls(rule, monkeypatch):
    inputs, labels = random_examples(2)
    whole = online(inputs, labels, rule=rule, every=6)
    monkeypatch.setattr("smbook._runs.UPDATES_PER_CALL", 8)
    assert online(inputs, labels, rule=rule, every=6) == whole


def test_where_it_begins():
    inputs, labels = random_examples(3)
    assert not online(inputs, labels).path[0].any()
    np.testing.assert_array_equal(online(inputs, labels, rule="adatron").path[0], labels[0] * inputs[0] / 7)


def test_what_comes_out_is_a_result_of_its_own(capsys):
    inputs, labels = random_examples(4)
    initial = np.ones(7)
    found = online(inputs, labels, initial=initial, every=9, progress=True)
    assert "example" in capsys.readouterr().err
    assert (initial == 1).all()
    assert repr(found) == "Online(7 weights, noted 5 times)"
    assert found == Online(found.weights.copy(), found.times.copy(), found.path.copy())
    assert found != Online(found.weights + 1, found.times, found.path)
    assert not np.shares_memory(found.weights, found.path)


REFUSED = [
    (
        {"rule": "oja"},
        ValueError,
        "rule must be one of 'hebb', 'perceptron', 'adatron', 'optimal'; got 'oja'",
    ),
    ({"rate": 0.0}, ValueError, r"rate must be positive; got 0\.0"),
    ({"rate": -1}, ValueError, r"rate must be positive; got -1\.0"),
    ({"rate": math.inf}, ValueError, "rate must be finite; got inf"),
    ({"rate": "1"}, TypeError, "rate must be a real number; got '1'"),
    ({"every": 0}, ValueError, "every must be at least 1; got 0"),
    ({"every": 2.0}, TypeError, r"every must be an integer; got 2\.0"),
    ({"initial": np.zeros(3)}, ValueError, r"initial must be one weight for each of 7 inputs; got \(3,\)"),
    ({"initial": np.full(7, np.nan)}, ValueError, "initial must be finite; got nan"),
    (
        {"rule": "adatron", "initial": np.zeros(7)},
        ValueError,
        "initial must not be 0, which the rule 'adatron' never leaves",
    ),
]


def test_an_adatron_cannot_begin_with_an_example_of_zeros():
    with pytest.raises(ValueError, match="initial must not be 0"):
        online([[0.0], [1.0]], [1, 1], rule="adatron")


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        online(*random_examples(0), **arguments)


@pytest.mark.parametrize(
    ("rule", "rate", "scale", "last"), [("adatron", 30.0, 1.0, 700), ("hebb", 1e308, 1e10, 0)]
)
def test_weights_that_run_away_are_refused(rule, rate, scale, last):
    inputs, labels = random_examples(0, 3000)
    with pytest.raises(ValueError, match="rate or initial must be smaller") as caught:
        online(scale * inputs, labels, rule=rule, rate=rate, every=100)
    assert f"after example {last} of 3000, by the rule '{rule}' at rate {rate:g}" in str(caught.value)
