"""The largest margin, by AdaTron and MinOver: beside quadratic programming and Kuhn and Tucker."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize

from smbook.perceptron import Learned, adatron, margin, minover, perceptron_rule, pseudo_inverse

SEEDS = range(10)
XOR = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]), np.array([-1, 1, 1, -1])


def random_examples(seed, n_examples=9, n_inputs=5):
    """Gaussian inputs, and the labels of a teacher."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n_examples, n_inputs))
    return inputs, np.sign(inputs @ rng.standard_normal(n_inputs)).astype(int)


def shortest(inputs, labels):
    """The shortest w with y w.x >= 1, by sequential quadratic programming from what separates."""
    rows = labels[:, np.newaxis] * inputs
    start = perceptron_rule(inputs, labels).weights
    found = minimize(
        lambda w: w @ w / 2,
        start / (rows @ start).min(),
        jac=lambda w: w,
        constraints={"type": "ineq", "fun": lambda w: rows @ w - 1, "jac": lambda _: rows},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 500},
    )
    assert found.success or found.status == 8  # no step is left that rounding lets improve it
    assert (rows @ found.x).min() > 1 - 1e-9
    return found.x


def conditions_hold(inputs, labels, weights, strengths, tolerance=1e-7):
    """Tell whether Karush, Kuhn and Tucker would call these weights the shortest with y w.x >= 1."""
    fields = labels * (inputs @ weights)
    return bool(
        (strengths >= 0).all()
        and (fields >= 1 - tolerance).all()
        and np.abs(strengths * (fields - 1)).max() <= tolerance
        and np.abs(weights - (strengths * labels) @ inputs).max() <= tolerance
    )


@pytest.mark.parametrize("rate", [0.7, 1.0, 1.6])
@pytest.mark.parametrize("seed", SEEDS)
def test_adatron_finds_what_quadratic_programming_finds(seed, rate):
    inputs, labels = random_examples(seed)
    found, expected = adatron(inputs, labels, rate=rate), shortest(inputs, labels)
    assert found.converged
    assert found.margin == pytest.approx(1 / np.linalg.norm(expected), rel=1e-8)
    np.testing.assert_allclose(found.weights, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("shape", [(9, 5), (30, 40), (60, 40)])
@pytest.mark.parametrize("seed", SEEDS)
def test_adatron_meets_the_conditions_of_kuhn_and_tucker(seed, shape):
    inputs, labels = random_examples(seed, *shape)
    found = adatron(inputs, labels)
    assert found.converged
    assert conditions_hold(inputs, labels, found.weights, found.strengths)
    assert (labels * (inputs @ found.weights)).min() == pytest.approx(1.0, rel=1e-14)
    assert found.margin == pytest.approx(1 / np.linalg.norm(found.weights), rel=1e-14)
    best = margin(inputs, labels)
    assert found.margin == pytest.approx(best.value, rel=1e-9)
    assert set(best.support) >= set(np.flatnonzero(found.strengths > 1e-6 * found.strengths.max()))


def strengths_without_bound(inputs, labels):
    """Coordinate ascent that lets strengths become negative, as adaline does."""
    rows = labels[:, np.newaxis] * inputs
    strengths, weights = np.zeros(len(rows)), np.zeros(rows.shape[1])
    for mu in list(range(len(rows))) * 3000:
        change = (1 - rows[mu] @ weights) / (rows[mu] @ rows[mu])
        strengths[mu] += change
        weights += change * rows[mu]
    return weights, strengths


def test_a_rule_that_lets_strengths_become_negative_is_seen():
    """It finds the pseudo-inverse: all y w.x = 1, and a smaller margin."""
    seen = 0
    for seed in SEEDS:
        inputs, labels = random_examples(seed, 4, 5)
        weights, strengths = strengths_without_bound(inputs, labels)
        np.testing.assert_allclose(weights, pseudo_inverse(inputs, labels), atol=1e-6)
        if not conditions_hold(inputs, labels, weights, strengths):
            assert 1 / np.linalg.norm(weights) < adatron(inputs, labels).margin * (1 - 1e-9)
            seen += 1
    assert seen >= 3


@given(
    inputs=arrays(np.int64, (6, 3), elements=st.integers(-5, 5)),
    other=arrays(np.float64, 3, elements=st.floats(-1, 1)),
    teacher=arrays(np.int64, 3, elements=st.integers(-5, 5)),
)
def test_no_weights_have_a_larger_margin(inputs, other, teacher):
    inputs = inputs[inputs @ teacher != 0]
    assume(len(inputs))
    assume(np.linalg.norm(other) > 1e-3)
    labels = np.sign(inputs @ teacher)
    found = adatron(inputs, labels)
    assert found.converged
    for weights in (other, teacher):
        assert (labels * (inputs @ weights)).min() / np.linalg.norm(weights) <= found.margin * (1 + 1e-9)


@pytest.mark.parametrize("scale", [1e-80, 1e-3, 1.0, 1e80])
def test_the_margin_goes_with_the_scale_of_the_inputs(scale):
    inputs, labels = random_examples(2)
    assert adatron(scale * inputs, labels).margin == pytest.approx(
        scale * adatron(inputs, labels).margin, rel=1e-9
    )


def test_the_margin_of_one_example_is_its_length():
    found = adatron([[3.0, 4.0]], [-1])
    np.testing.assert_allclose(found.weights, [-0.12, -0.16], rtol=1e-14)
    assert (found.margin, found.passes, found.converged) == (pytest.approx(5.0), 1, True)
    assert repr(found) == "Adatron(converged in 1 pass: margin 5)"


def test_two_examples_that_are_the_same_share_the_strength():
    found = adatron([[3.0, 4.0], [3.0, 4.0]], [1, 1])
    assert found.strengths.sum() == pytest.approx(1 / 25)
    assert found.margin == pytest.approx(5.0)


def test_what_nothing_separates_is_given_up():
    found = adatron(*XOR, max_passes=300)
    assert (found.passes, found.converged) == (300, False)
    assert found.margin <= 0
    assert "not converged in 300 passes" in repr(found)
    opposite = adatron([[1.0], [1.0]], [1, -1], max_passes=3)
    assert not opposite.converged
    assert opposite.margin <= 0


# MinOver


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("tolerance", [0.1, 0.003])
def test_minover_comes_as_close_to_the_largest_margin_as_it_says(seed, tolerance):
    inputs, labels = random_examples(seed)
    found, largest = minover(inputs, labels, tolerance=tolerance), adatron(inputs, labels).margin
    assert found.converged
    length = np.linalg.norm(found.weights)
    reached = (labels * (inputs @ found.weights)).min() / length
    assert (1 - tolerance) * largest * (1 - 1e-9) <= reached <= largest * (1 + 1e-9)
    assert largest <= length / found.passes * (1 + 1e-9)
    assert found.passes == found.mistakes


def test_minover_points_ever_more_where_adatron_points():
    inputs, labels = random_examples(1)
    best = adatron(inputs, labels).weights
    angles = []
    for tolerance in (0.3, 0.03, 0.003, 0.0003):
        weights = minover(inputs, labels, tolerance=tolerance).weights
        angles.append(math.acos(best @ weights / np.linalg.norm(best) / np.linalg.norm(weights)))
    assert angles == sorted(angles, reverse=True)
    assert angles[-1] < 0.01


def test_minover_is_the_rule_written_out_in_python():
    inputs, labels = random_examples(3)
    weights = np.zeros(5)
    for _ in range(40):
        mu = (labels * (inputs @ weights)).argmin()
        weights = weights + labels[mu] * inputs[mu]
    found = minover(inputs, labels, max_passes=40, tolerance=1e-14)
    assert found[1:] == (40, 40, False)
    np.testing.assert_allclose(found.weights, weights, atol=1e-12)


def test_minover_in_several_calls_is_minover(monkeypatch):
    inputs, labels = random_examples(3)
    whole = minover(inputs, labels)
    monkeypatch.setattr("smbook.perceptron.stability.UPDATES_PER_CALL", 100)
    assert minover(inputs, labels) == whole


def test_minover_that_ends_with_its_last_pass_has_converged():
    inputs, labels = random_examples(3)
    whole = minover(inputs, labels)
    assert minover(inputs, labels, max_passes=whole.passes) == whole
    assert not minover(inputs, labels, max_passes=whole.passes - 1).converged


def test_minover_gives_up_what_nothing_separates():
    assert minover(*XOR, max_passes=1000)[1:] == (1000, 1000, False)
    assert minover([[1.0], [1.0]], [1, -1], max_passes=4) == Learned(np.zeros(1), 4, 4, False)


# Both


@pytest.mark.parametrize("rule", [adatron, minover])
def test_progress_is_told_and_what_is_given_stays(rule, capsys):
    inputs, labels = random_examples(4)
    kept = inputs.copy()
    assert rule(inputs, labels, progress=True) == rule(inputs, labels)
    assert "pass" in capsys.readouterr().err
    np.testing.assert_array_equal(inputs, kept)


REFUSED = [
    ({"tolerance": 1e-15}, ValueError, r"tolerance must be at least 1e-14; got 1e-15"),
    ({"tolerance": 1.0}, ValueError, r"tolerance must be below 1; got 1\.0"),
    ({"tolerance": None}, TypeError, "tolerance must be a real number; got None"),
    ({"max_passes": 0}, ValueError, "max_passes must be at least 1; got 0"),
    ({"max_passes": 1.5}, TypeError, r"max_passes must be an integer; got 1\.5"),
]


@pytest.mark.parametrize("rule", [adatron, minover])
@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_bad_arguments_are_refused(rule, arguments, error, message):
    with pytest.raises(error, match=message):
        rule(*XOR, **arguments)


@pytest.mark.parametrize(
    ("rate", "error"), [(0.0, ValueError), (2.0, ValueError), (-1, ValueError), ("1", TypeError)]
)
def test_a_rate_at_which_the_ascent_would_not_rise_is_refused(rate, error):
    with pytest.raises(error, match="rate must be"):
        adatron(*XOR, rate=rate)
