"""Modes learned to the end: the known tables, closed forms beside integrations, enumeration, divergences."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import rel_entr

from smbook.theory import ising
from smbook.theory.boltzmann import (
    gaussian_hidden_curie_weiss,
    gaussian_mode,
    growth_rates,
    learning_threshold,
    one_hidden_unit,
    spin_hidden_curie_weiss,
)
from tests.theory.boltzmann.reference import states

LEARNERS = [gaussian_hidden_curie_weiss, spin_hidden_curie_weiss]


def units_in_the_last_digit(text):
    """Return a printed number and a little more than half a unit in its last place."""
    return float(text), 0.51 * 10.0 ** -len(text.partition(".")[2])


def matches(value, text):
    expected, error = units_in_the_last_digit(text)
    return abs(value - expected) < error


@pytest.mark.parametrize(
    ("beta", "moment", "tenth", "tenth_linear", "one", "one_linear", "almost"),
    [
        (0.5, "1.961745", "2.39953", "2.39417", None, None, "5.47182"),
        (0.9, "6.571054", ".413471", ".413312", None, None, ".877867"),
        (1.2, "38.223046", ".0618627", ".0618591", ".124859", ".123718", ".130721"),
        (1.5, "72.452049", ".0322266", ".0322256", ".0647431", ".0644512", ".0768007"),
    ],
)
def test_table_of_the_gaussian_hidden_unit(beta, moment, tenth, tenth_linear, one, one_linear, almost):
    machine = gaussian_hidden_curie_weiss(100, beta)
    assert matches(machine.second_moment, moment)
    assert machine.fixed_point**2 == pytest.approx(beta, rel=1e-14)
    assert matches(machine.time_to(0.1, initial=0.01), tenth)
    assert matches(machine.linear_time_to(0.1, initial=0.01), tenth_linear)
    assert matches(machine.time_to(0.99 * machine.fixed_point, initial=0.01), almost)
    if one is not None:
        assert matches(machine.time_to(1.0, initial=0.01), one)
        assert matches(machine.linear_time_to(1.0, initial=0.01), one_linear)
    assert machine.kl_divergence() == pytest.approx(0, abs=1e-20)


@pytest.mark.parametrize(
    ("beta", "weight", "tanh", "absolute", "divergence"),
    [
        (0.5, ".0938412", ".0935667", ".1119244", ".008848"),
        (0.9, ".2108629", ".2077923", ".2102620", ".329467"),
        (1.2, ".6810283", ".5921875", ".5921980", "1.121266"),
        (1.5, "1.2497373", ".8482100", ".8482100", ".104222"),
    ],
)
def test_table_of_the_hidden_spin(beta, weight, tanh, absolute, divergence):
    machine = spin_hidden_curie_weiss(100, beta)
    assert matches(machine.fixed_point, weight)
    assert matches(math.tanh(machine.fixed_point), tanh)
    assert matches(machine.absolute, absolute)
    assert matches(machine.kl_divergence(), divergence)


def law_of_magnetizations(n, weight, hidden):
    """The machine by all its visible states."""
    v, _ = states("spin", n)
    x = weight * v.sum(axis=1) / (math.sqrt(n) if hidden == "gaussian" else 1.0)
    p = np.exp(x**2 / 2) if hidden == "gaussian" else 2 * np.cosh(x)
    return np.bincount((v > 0).sum(axis=1), weights=p / p.sum())


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize(("n", "beta", "weight"), [(2, 0.4, 0.3), (7, 1.1, 0.2), (10, 2.0, 1.3)])
def test_a_few_spins_by_enumeration(learner, n, beta, weight):
    machine = learner(n, beta)
    hidden = "gaussian" if learner is gaussian_hidden_curie_weiss else "spin"
    data = law_of_magnetizations(n, math.sqrt(beta), "gaussian")
    learned = law_of_magnetizations(n, weight, hidden)
    np.testing.assert_allclose(machine.law, data, rtol=1e-12)
    np.testing.assert_allclose(machine.learned_law(weight), learned, rtol=1e-12)
    assert machine.kl_divergence(weight) == pytest.approx(rel_entr(data, learned).sum(), rel=1e-11)
    each = weight / math.sqrt(n) if hidden == "gaussian" else weight
    averages = one_hidden_unit(np.full(n, each), visible="spin", hidden=hidden)
    total = n * machine.magnetization
    clamped = each * total if hidden == "gaussian" else np.tanh(each * total)
    gradient = data @ (total / n * clamped) - averages.correlations[0]  # of each weight
    assert machine.growth_rate(weight) == pytest.approx(gradient / each, rel=1e-11)


@pytest.mark.parametrize("learner", LEARNERS)
@settings(max_examples=25, deadline=None)
@given(n=st.integers(3, 300), beta=st.floats(0.05, 3.0))
def test_learning_lowers_the_divergence(learner, n, beta):
    """KL >= 0 falls along the path; it is least at the fixed point, and its slope is the growth rate."""
    machine = learner(n, beta)
    end = machine.fixed_point
    assert machine.growth_rate(0.0) == pytest.approx(growth_rates(machine.second_moment), rel=1e-9, abs=1e-12)
    assert abs(machine.growth_rate(end)) < 1e-9 * machine.second_moment
    divergences = [machine.kl_divergence(share * end) for share in (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)]
    assert (np.diff(divergences) < 0).all()
    assert divergences[-1] >= 0
    assert machine.kl_divergence(1.1 * end) > divergences[-1]
    assert machine.learned_law().sum() == pytest.approx(1, rel=1e-12)
    w, step = 0.5 * end, 1e-5 * end
    slope = (machine.kl_divergence(w - step) - machine.kl_divergence(w + step)) / (2 * step)
    scale = 1 if learner is gaussian_hidden_curie_weiss else n  # each of n weights is driven
    assert slope == pytest.approx(scale * w * machine.growth_rate(w), rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("learner", LEARNERS)
@pytest.mark.parametrize("beta", [0.5, 0.9, 1.2, 1.5])
def test_paths_pass_where_integrals_say(learner, beta):
    machine = learner(100, beta)
    for share in (0.2, 0.9, 0.99):
        time = machine.time_to(share * machine.fixed_point, initial=1e-3)
        assert machine.path(time, initial=1e-3) == pytest.approx(share * machine.fixed_point, rel=1e-8)
    above = machine.time_to(1.01 * machine.fixed_point, initial=3 * machine.fixed_point)
    found = machine.path(above, initial=3 * machine.fixed_point)
    assert found == pytest.approx(1.01 * machine.fixed_point, rel=1e-8)
    times = np.array([[3.0, 0.0], [0.5, 100.0]]) / machine.second_moment
    path = machine.path(times, initial=1e-3)
    assert path.shape == (2, 2)
    assert path[0, 1] == pytest.approx(1e-3)
    np.testing.assert_allclose(path[0, 0], machine.path(times[0, 0], initial=1e-3), rtol=1e-8)
    assert machine.path(1e3, initial=1e-3) == pytest.approx(machine.fixed_point, rel=1e-8)


def test_growth_is_exponential_up_to_ordering():
    machine = gaussian_hidden_curie_weiss(1000, 1.5)
    for weight in (0.03, 0.3, 0.9):
        assert machine.time_to(weight) == pytest.approx(machine.linear_time_to(weight), rel=0.01)


def test_two_spins_are_learned_by_any_hidden_unit():
    for beta in (0.1, 1.0, 5.0):
        machine = spin_hidden_curie_weiss(2, beta)
        assert machine.kl_divergence() == pytest.approx(0, abs=1e-15)
        expected = math.acosh(math.exp(beta)) / 2  # cosh(2 w) = exp(beta)
        assert machine.fixed_point == pytest.approx(expected, rel=1e-9)


def test_a_large_magnet_is_two_states_to_the_hidden_spin():
    machine = spin_hidden_curie_weiss(100_000, 1.5)
    m = ising.curie_weiss_magnetization(1.5)
    assert math.tanh(machine.fixed_point) == pytest.approx(m, abs=1e-4)
    # Gaussian fluctuations of a width that the product state cannot have: ratio of variances r
    r = ising.curie_weiss_susceptibility(m, 1.5) / 1.5 / (1 - m**2)
    assert machine.kl_divergence() == pytest.approx((r - 1 - math.log(r)) / 2, rel=1e-3)


def test_limits():
    for learner in LEARNERS:
        assert learner(100, 0.0).fixed_point == 0
        assert learner(1, 2.0).second_moment == 1
        assert learner(100, 0.0).kl_divergence() == pytest.approx(0, abs=1e-25)
    assert spin_hidden_curie_weiss(1, 2.0).fixed_point == 0
    assert spin_hidden_curie_weiss(100, 1e-3).fixed_point == pytest.approx(math.sqrt(1e-5), rel=1e-3)
    frozen = spin_hidden_curie_weiss(100, 1000.0)
    assert frozen.fixed_point == math.inf
    assert frozen.kl_divergence() == pytest.approx(0, abs=1e-15)
    assert spin_hidden_curie_weiss(100, 100.0).fixed_point == pytest.approx(99, rel=1e-10)


def closed_form(mode, start, end):
    """The time between two weights of a Gaussian mode, by partial fractions in u = (w / largest)^2."""
    u, u0 = ((w / mode.largest_weight) ** 2 for w in (end, start))
    demand = mode.second_moment - mode.weight_decay / mode.hidden_variance
    rest = 1 - mode.visible_variance / demand
    logs = math.log(u / u0) - (1 - rest) * math.log((rest - u) / (rest - u0))
    return logs / (2 * mode.hidden_variance * (demand - mode.visible_variance))


@settings(max_examples=60, deadline=None)
@given(
    moment=st.floats(0.05, 20),
    visible=st.floats(0.2, 2),
    hidden=st.floats(0.2, 2),
    decay=st.floats(0, 0.02),
    shares=st.tuples(st.floats(0.01, 0.95), st.floats(0.01, 0.95)),
)
def test_gaussian_mode_in_closed_form(moment, visible, hidden, decay, shares):
    units = {"visible_variance": visible, "hidden_variance": hidden, "weight_decay": decay}
    mode = gaussian_mode(moment, **units)
    assert mode.growth_rate(0.0) == pytest.approx(growth_rates(moment, **units), abs=1e-12)
    threshold = learning_threshold(**units)
    assert (mode.fixed_point > 0) == (moment > threshold)
    if abs(moment - threshold) < 1e-3 * threshold or moment - decay / hidden < 1e-3:
        return
    if mode.fixed_point > 0:
        assert mode.growth_rate(mode.fixed_point) == pytest.approx(0, abs=1e-10 * moment)
        start, end = (share * mode.fixed_point for share in sorted(shares))
        variance = mode.variance(mode.fixed_point)
        assert variance == pytest.approx(moment - decay / hidden, rel=1e-9)
    else:
        end, start = (share * mode.largest_weight for share in sorted(shares))
    expected = closed_form(mode, start, end)
    assert mode.time_to(end, initial=start) == pytest.approx(expected, rel=1e-8, abs=1e-12)
    assert mode.path(expected, initial=start) == pytest.approx(end, rel=1e-7)


def test_gaussian_modes_known():
    mode = gaussian_mode(4.0)
    assert mode.fixed_point**2 == pytest.approx(1 - 1 / 4)
    assert mode.time_to(0.5) == pytest.approx(closed_form(mode, 0.01, 0.5), rel=1e-10)
    assert mode.path([0.0, 1.0, 100.0]).shape == (3,)
    assert mode.path(0.0, initial=0.3) == pytest.approx(0.3)
    assert mode.path(1000.0, initial=0.999999) == pytest.approx(mode.fixed_point, rel=1e-9)
    assert mode.variance([0.0, mode.fixed_point]).tolist() == pytest.approx([1.0, 4.0])
    assert gaussian_mode(1.0).fixed_point == 0
    assert gaussian_mode(1.0).linear_time_to(0.5) == math.inf
    assert gaussian_mode(0.5).linear_time_to(0.5) < 0
    assert gaussian_mode(4.0).time_to(0.5, initial=0.5) == 0
    assert gaussian_mode(4.0) == mode != gaussian_mode(3.0)


def test_a_gaussian_mode_is_the_gradient_of_its_likelihood():
    """ln p(v) of v ~ N(0, variance(w)), whose mean over data of second moment c is differentiated."""
    mode = gaussian_mode(2.5, visible_variance=0.7, hidden_variance=1.4, weight_decay=0.05)
    for w in (0.1, 0.5, 0.9):

        def likelihood(w):
            variance = mode.variance(w)
            return -mode.second_moment / (2 * variance) - math.log(variance) / 2 - 0.05 * w**2 / 2

        slope = (likelihood(w + 1e-5) - likelihood(w - 1e-5)) / 2e-5
        assert slope == pytest.approx(w * mode.growth_rate(w), abs=1e-7)


def test_bad_arguments_are_refused():
    for learner in LEARNERS:
        for n, beta, error in (
            (0, 1.0, ValueError),
            (10**6 + 1, 1.0, ValueError),
            (2.0, 1.0, TypeError),
            (10, -1.0, ValueError),
            (10, 1e7, ValueError),
            (10, math.nan, ValueError),
        ):
            with pytest.raises(error, match="must be"):
                learner(n, beta)
        machine = learner(10, 1.2)
        with pytest.raises(ValueError, match="weight must be at least 0; got -1"):
            machine.kl_divergence(-1.0)
        with pytest.raises(ValueError, match=r"initial must be positive; got 0\.0"):
            machine.path(1.0, initial=0.0)
        with pytest.raises(ValueError, match="times must be at least 0"):
            machine.path([1.0, -1.0])
        for weight, start in itertools.product((0.005, 5.0), (0.01, 0.02)):
            with pytest.raises(ValueError, match=f"must lie between initial={start} and the fixed point"):
                machine.time_to(weight, initial=start)
    for name in ("visible_variance", "hidden_variance"):
        with pytest.raises(ValueError, match=f"{name} must be positive; got 0"):
            gaussian_mode(2.0, **{name: 0.0})
    with pytest.raises(ValueError, match="second_moment must be at least 0"):
        gaussian_mode(-2.0)
    with pytest.raises(ValueError, match=r"initial must be below 1\.0; got 1\.0"):
        gaussian_mode(2.0).path(1.0, initial=1.0)
    with pytest.raises(ValueError, match=r"weight must be below 1\.0; got 1\.5"):
        gaussian_mode(2.0).variance([0.1, 1.5])
