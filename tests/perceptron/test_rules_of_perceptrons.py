"""The perceptron rule beside Novikoff's bound, in whole numbers where nothing is rounded; least squares."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from smbook.kernels import perceptron as kernels
from smbook.perceptron import Learned, margin, perceptron_rule, pseudo_inverse
from smbook.theory.perceptron import novikoff_bound
from tests.interrupts import interrupted

SEEDS = range(10)
WHOLE = st.integers(-6, 6)
XOR = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]]), np.array([-1, 1, 1, -1])


@st.composite
def separable(draw):
    """Examples of whole numbers, their labels, and a teacher of whole numbers who gave them."""
    n = draw(st.integers(1, 6))
    inputs = draw(arrays(np.int64, (draw(st.integers(1, 12)), n), elements=WHOLE))
    teacher = draw(arrays(np.int64, n, elements=WHOLE))
    inputs = inputs[inputs @ teacher != 0]
    assume(len(inputs))
    return inputs, np.sign(inputs @ teacher), teacher


def random_examples(seed, n_examples, n_inputs):
    """Gaussian inputs, and the labels of a teacher."""
    rng = np.random.default_rng(seed)
    inputs = rng.standard_normal((n_examples, n_inputs))
    return inputs, np.sign(inputs @ rng.standard_normal(n_inputs)).astype(int)


def squares(inputs):
    return (np.asarray(inputs) ** 2).sum(axis=-1)


# Novikoff


@given(examples=separable(), order=st.sampled_from(["cyclic", "random"]), seed=st.integers(0, 2**32))
def test_mistakes_never_exceed_the_bound_of_any_teacher(examples, order, seed):
    """In whole numbers: M (min y t.x)^2 <= R^2 t^2 for the teacher t, with nothing rounded."""
    inputs, labels, teacher = examples
    found = perceptron_rule(inputs, labels, max_passes=100_000, order=order, rng=seed)
    assert found.converged
    assert (labels * (inputs @ found.weights) > 0).all()
    least = int((labels * (inputs @ teacher)).min())
    assert found.mistakes * least**2 <= int(squares(inputs).max()) * int(teacher @ teacher)
    bound = novikoff_bound(math.sqrt(squares(inputs).max()), margin(inputs, labels).value)
    assert found.mistakes <= bound * (1 + 1e-8)


@given(examples=separable(), wanted=st.integers(1, 50))
def test_with_a_margin_the_bound_has_twice_the_margin_more(examples, wanted):
    inputs, labels, teacher = examples
    found = perceptron_rule(inputs, labels, margin=wanted, max_passes=100_000)
    assert found.converged
    assert (labels * (inputs @ found.weights) > wanted).all()
    least = int((labels * (inputs @ teacher)).min())
    bound = (int(squares(inputs).max()) + 2 * wanted) * int(teacher @ teacher)
    assert found.mistakes * least**2 <= bound


def right_rule(inputs, labels, mu, weights):
    return bool(kernels.perceptron_step(inputs, labels, mu, 0.0, weights))


def without_label(inputs, labels, mu, weights):
    """Add x where y x should be."""
    wrong = labels[mu] * (inputs[mu] @ weights) <= 0
    weights += wrong * inputs[mu]
    return wrong


def also_when_right(inputs, labels, mu, weights):
    """Add y x whatever the answer."""
    weights += labels[mu] * inputs[mu]
    return True


def too_far(inputs, labels, mu, weights):
    """Add half as much again as it should."""
    wrong = labels[mu] * (inputs[mu] @ weights) <= 0
    weights += 1.5 * wrong * labels[mu] * inputs[mu]
    return wrong


def too_short(inputs, labels, mu, weights):
    """Add half of what it should."""
    wrong = labels[mu] * (inputs[mu] @ weights) <= 0
    weights += 0.5 * wrong * labels[mu] * inputs[mu]
    return wrong


def novikoff_holds(rule, inputs, labels, teacher, n_passes):
    """Tell whether both inequalities of the proof hold after each step, and none stops short of the bound.

    After k corrections w.t >= k min y t.x and w.w <= k R^2. With whole numbers nothing is rounded.
    """
    inputs, labels = inputs.astype(float), labels.astype(np.int8)
    least, longest = (labels * (inputs @ teacher)).min(), squares(inputs).max()
    weights, made = np.zeros(inputs.shape[1]), 0
    for mu in list(range(len(inputs))) * n_passes:
        made += rule(inputs, labels, mu, weights)
        if weights @ teacher < made * least or weights @ weights > made * longest:
            return False
        if made * least**2 > longest * (teacher @ teacher):
            return False
    return True


@given(examples=separable())
def test_both_inequalities_of_the_proof_hold_after_each_step(examples):
    assert novikoff_holds(right_rule, *examples, n_passes=20)


@pytest.mark.parametrize("wrong", [without_label, also_when_right, too_far, too_short])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_wrong_rule_breaks_the_inequalities(wrong, seed):
    """On unit vectors at right angles, where both are equations, so that each wrong rule shows."""
    labels = np.random.default_rng(seed).permutation([1, 1, 1, -1, -1, 1, -1])
    assert novikoff_holds(right_rule, np.eye(7), labels, labels, n_passes=20)
    assert not novikoff_holds(wrong, np.eye(7), labels, labels, n_passes=20)


@pytest.mark.parametrize("n", [1, 2, 7, 40])
@pytest.mark.parametrize("order", ["cyclic", "random"])
def test_examples_at_right_angles_take_all_mistakes_that_the_bound_allows(n, order):
    """The margin of P unit vectors at right angles is 1 / sqrt(P) for any labels: M = P = (R / kappa)^2."""
    labels = np.random.default_rng(n).choice([-1, 1], n)
    found = perceptron_rule(np.eye(n), labels, order=order, rng=n)
    assert found == Learned(labels.astype(float), n, 2, True)
    assert novikoff_bound(1.0, margin(np.eye(n), labels).value) == pytest.approx(n, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_bound_does_not_depend_on_the_rate(seed):
    """From 0 a rate only sets the scale of w, so that inputs ten times as long lead to the same mistakes."""
    inputs, labels = random_examples(seed, 30, 6)
    found, scaled = perceptron_rule(inputs, labels), perceptron_rule(8 * inputs, labels)
    assert found.mistakes == scaled.mistakes
    np.testing.assert_array_equal(8 * found.weights, scaled.weights)


# What nothing separates


def test_what_nothing_separates_is_given_up_after_so_many_passes():
    found = perceptron_rule(*XOR, max_passes=57)
    assert (found.passes, found.converged) == (57, False)
    assert repr(found) == f"Learned(not converged: {found.mistakes} mistakes in 57 passes)"
    assert perceptron_rule([[1.0], [1.0]], [1, -1], max_passes=10**4).mistakes == 2 * 10**4


def test_on_whole_numbers_the_weights_of_a_hopeless_task_come_back_in_a_cycle():
    """A bounded length leaves finitely many vectors of whole numbers: one comes back, and all that follow."""
    seen, weights = [], np.zeros(3)
    for _ in range(100):
        weights = perceptron_rule(*XOR, max_passes=1, initial=weights).weights
        seen.append(tuple(weights))
    assert len(set(seen)) < 20
    period = seen[::-1].index(seen[-1], 1)
    assert seen[50:-period] == seen[50 + period :]


def lengths(inputs, labels, n_passes, rule=right_rule):
    weights, found = np.zeros(inputs.shape[1]), []
    order, labels = np.arange(len(inputs)), labels.astype(np.int8)
    for _ in range(n_passes):
        if rule is right_rule:
            kernels.perceptron_pass(inputs, labels, order, 0.0, weights)
        else:
            for mu in order:
                rule(inputs, labels, mu, weights)
        found.append(math.sqrt(weights @ weights))
    return np.array(found)


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_stay_bounded_where_nothing_separates(seed):
    """The record of 20000 passes is hardly above that of the first 1000; the bound sqrt(M) R grows by 4.5."""
    rng = np.random.default_rng(seed)
    inputs, labels = rng.standard_normal((40, 5)), rng.choice([-1, 1], 40)
    found = lengths(inputs, labels, 20_000)
    assert found.max() <= 1.3 * found[:1000].max()


def test_a_rule_that_does_not_look_at_the_answer_grows_without_bound():
    rng = np.random.default_rng(1)
    inputs, labels = rng.standard_normal((40, 5)), rng.choice([-1, 1], 40)
    found = lengths(inputs, labels, 1500, also_when_right)
    assert found.max() > 1.3 * found[:100].max()


# How it goes about it


@pytest.mark.parametrize("wanted", [0.0, 3.0])
def test_it_is_the_rule_written_out_in_python(wanted):
    inputs, labels = random_examples(3, 30, 7)
    weights, mistakes, passes, made = np.zeros(7), 0, 0, 1
    while made:
        made = 0
        for x, y in zip(inputs, labels, strict=True):
            if y * (x @ weights) <= wanted:
                weights, made = weights + y * x, made + 1
        mistakes, passes = mistakes + made, passes + 1
    found = perceptron_rule(inputs, labels, margin=wanted)
    assert found[1:] == (mistakes, passes, True)
    np.testing.assert_allclose(found.weights, weights, atol=1e-12)


def test_parts_of_a_run_make_the_whole():
    inputs, labels = random_examples(4, 50, 20)
    whole = perceptron_rule(inputs, labels)
    first = perceptron_rule(inputs, labels, max_passes=2)
    rest = perceptron_rule(inputs, labels, initial=first.weights)
    assert (first.mistakes + rest.mistakes, first.passes + rest.passes) == whole[1:3]
    np.testing.assert_array_equal(rest.weights, whole.weights)


def test_a_pass_in_several_calls_is_a_pass(monkeypatch):
    inputs, labels = random_examples(4, 50, 20)
    whole = perceptron_rule(inputs, labels, order="random", rng=1)
    monkeypatch.setattr("smbook.perceptron.rules.UPDATES_PER_CALL", 61)
    assert perceptron_rule(inputs, labels, order="random", rng=1) == whole


def test_an_order_is_drawn_anew_for_each_pass_and_follows_from_the_seed():
    inputs, labels = random_examples(5, 60, 20)
    found = [perceptron_rule(inputs, labels, order="random", rng=seed) for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert perceptron_rule(inputs, labels, rng=1) == perceptron_rule(inputs, labels)


def test_weights_that_are_right_already_stay(capsys):
    inputs, labels = random_examples(6, 20, 20)
    weights = pseudo_inverse(inputs, labels)
    found = perceptron_rule(inputs, labels, initial=weights, progress=True)
    assert found == Learned(weights, 0, 1, True)
    assert found.weights is not weights
    assert "pass" in capsys.readouterr().err


def test_what_is_given_is_left_as_it_was():
    inputs, labels = random_examples(7, 20, 20)
    kept, initial = inputs.copy(), np.zeros(20)
    perceptron_rule(inputs, labels, initial=initial)
    pseudo_inverse(inputs, labels)
    np.testing.assert_array_equal(inputs, kept)
    assert not initial.any()


SCRIPT = """
import numpy as np
from smbook.perceptron import adatron, gibbs_learning, minover, online, perceptron_rule
rng = np.random.default_rng(1)
inputs, labels = rng.standard_normal((400, 100)), rng.choice([-1, 1], 400)
few = inputs[:20], labels[:20]
run = {
    "perceptron_rule": lambda: perceptron_rule(inputs, labels, max_passes=10**12),
    "adatron": lambda: adatron(inputs, labels, max_passes=10**12),
    "minover": lambda: minover(inputs, labels, max_passes=10**12),
    "gibbs_learning": lambda: gibbs_learning(*few, 2, thin=10**12),
}[WHAT]
perceptron_rule(inputs, labels, max_passes=1)
print("starts", flush=True)
try:
    run()
except KeyboardInterrupt:
    print("heard", flush=True)
"""


@pytest.mark.parametrize("what", ["perceptron_rule", "adatron", "minover", "gibbs_learning"])
def test_ctrl_c_is_heard_at_once(what):
    seconds, _ = interrupted(f"WHAT = {what!r}\n{SCRIPT}")
    assert seconds < 1.5


# Least squares


@pytest.mark.parametrize("shape", [(5, 12), (12, 12), (30, 12), (1, 1)])
@pytest.mark.parametrize("seed", SEEDS)
def test_pseudo_inverse_is_the_pseudo_inverse_times_the_labels(shape, seed):
    rng = np.random.default_rng(seed)
    inputs, labels = rng.standard_normal(shape), rng.choice([-1, 1], shape[0])
    found = pseudo_inverse(inputs, labels)
    np.testing.assert_allclose(found, np.linalg.pinv(inputs) @ labels, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(inputs.T @ (inputs @ found - labels), 0, atol=1e-7)
    if shape[0] <= shape[1]:
        np.testing.assert_allclose(labels * (inputs @ found), 1, atol=1e-7)


def test_pseudo_inverse_of_dependent_inputs_is_the_shortest_solution():
    inputs = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [0.0, 0.0, 0.0]])
    np.testing.assert_allclose(pseudo_inverse(inputs, [1, 1, -1]), [0.3, 0.3, 0.0], atol=1e-14)


def test_least_squares_may_leave_an_example_on_the_wrong_side_that_can_be_separated():
    """It wants 1 of the example that is far out, too, and turns the plane over one that is near."""
    inputs, labels = np.array([[4.0, 1.0], [1.0, 1.0], [0.0, 1.0], [0.0, -1.0]]), np.array([1, 1, -1, 1])
    fields = labels * (inputs @ pseudo_inverse(inputs, labels))
    np.testing.assert_allclose(fields, np.array([55, -5, 25, 25]) / 43)
    assert perceptron_rule(inputs, labels).converged


# Refusals

REFUSED = [
    ({"margin": -0.1}, ValueError, r"margin must be at least 0; got -0\.1"),
    ({"margin": "1"}, TypeError, "margin must be a real number; got '1'"),
    ({"margin": math.nan}, ValueError, "margin must be finite; got nan"),
    ({"max_passes": 0}, ValueError, "max_passes must be at least 1; got 0"),
    ({"max_passes": 2.0}, TypeError, r"max_passes must be an integer; got 2\.0"),
    ({"max_passes": True}, TypeError, "max_passes must be an integer; got True"),
    ({"order": "sorted"}, ValueError, "order must be one of 'cyclic', 'random'; got 'sorted'"),
    ({"rng": "seed"}, TypeError, "'seed'"),
    ({"rng": -1}, ValueError, "-1"),
    ({"initial": [1.0]}, ValueError, r"initial must be one weight for each of 3 inputs; got \(1,\)"),
    ({"initial": [1.0, math.inf, 0.0]}, ValueError, "initial must be finite; got inf"),
    ({"initial": [1e101, 0.0, 0.0]}, ValueError, r"initial must be at most 1e\+100 in size; got 1e\+101"),
    ({"initial": [True] * 3}, TypeError, "initial must hold real numbers; got dtype bool"),
]


@pytest.mark.parametrize(("arguments", "error", "message"), REFUSED)
def test_bad_arguments_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        perceptron_rule(*XOR, **arguments)
