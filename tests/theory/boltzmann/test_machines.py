"""Solved machines: published values, brute force, arithmetic of fifty digits, duality, and inequalities."""

import itertools
import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import gammaln, xlogy

from smbook.theory import ising
from smbook.theory.boltzmann import one_hidden_unit, uniform
from tests.theory.boltzmann.reference import KINDS, enumerated, states

strengths = st.floats(-1.5, 1.5)
kinds = st.sampled_from(KINDS)


@pytest.mark.parametrize(
    ("n", "m", "weight", "visible_bias", "hidden_bias", "expected"),
    [
        (10, 5, 0.3, -0.5, -1, 9.7300812172),
        (20, 20, 0.3, -0.5, -1, 90.2198306241),
        (100, 50, 0.05, -0.5, -1, 164.3877616004),
        (784, 500, 0.01, -1, -2, 2151.9045442667),
    ],
)
def test_known_values(n, m, weight, visible_bias, hidden_bias, expected):
    machine = uniform(n, m, weight, visible_bias, hidden_bias)
    assert machine.log_partition == pytest.approx(expected, abs=6e-11)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
@pytest.mark.parametrize(("n", "m"), [(1, 1), (3, 2), (2, 3), (5, 2)])
def test_uniform_is_enumeration(n, m, visible, hidden):
    w, b, c = 0.4, -0.3, 0.2
    machine = uniform(n, m, w, b, c, visible=visible, hidden=hidden)
    exact = enumerated(np.full((n, m), w), np.full(n, b), np.full(m, c), visible, hidden)
    assert machine.log_partition == pytest.approx(exact.log_partition, rel=1e-13)
    on = (exact.states == 1).sum(axis=1)
    np.testing.assert_allclose(machine.law, np.bincount(on, weights=exact.law), rtol=1e-12)
    np.testing.assert_allclose(machine.fields[on], c + w * exact.states.sum(axis=1), rtol=1e-13)
    assert machine.visible_mean == pytest.approx(exact.visible[0], rel=1e-12)
    assert machine.hidden_mean == pytest.approx(exact.hidden[0], rel=1e-12)
    assert machine.correlation == pytest.approx(exact.mixed[0, 0], rel=1e-12)
    covariance = exact.mixed[0, 0] - exact.visible[0] * exact.hidden[0]
    assert machine.covariance == pytest.approx(covariance, rel=1e-11)
    assert machine.visible_correlation == pytest.approx(exact.visible_pairs[0, 1] if n > 1 else 0, abs=1e-13)
    assert machine.hidden_correlation == pytest.approx(exact.hidden_pairs[0, 1] if m > 1 else 0, abs=1e-13)
    assert machine.singular_value == pytest.approx(np.linalg.svd(np.full((n, m), w))[1][0], rel=1e-14)


def many_digits(n, m, w, b, c, visible, hidden):
    """ln Z and <v> in fifty digits."""
    with mpmath.workdps(50):
        phi = {
            "binary": lambda x: mpmath.log1p(mpmath.exp(x)),
            "spin": lambda x: mpmath.log(2 * mpmath.cosh(x)),
            "gaussian": lambda x: x * x / 2,
        }[hidden]
        w, b, c = mpmath.mpf(w), mpmath.mpf(b), mpmath.mpf(c)
        count, total, moment = 1, mpmath.mpf(0), mpmath.mpf(0)
        for k in range(n + 1):
            s = k if visible == "binary" else 2 * k - n
            weight = count * mpmath.exp(b * s + m * phi(c + w * s))
            total, moment = total + weight, moment + s * weight
            count = count * (n - k) // (k + 1)
        return float(mpmath.log(total)), float(moment / total / n)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
@pytest.mark.parametrize(
    ("n", "m", "w", "b", "c"),
    [
        (10_000, 10_000, 3e-4, -0.7, -0.4),
        (10_000, 3, 0.01, 0.2, 0.1),
        (3, 10_000, -0.02, 0.2, 0.1),
        (10, 1, 0.1, -60.0, -50.0),  # for binary units ln Z is tiny
    ],
)
def test_uniform_has_twelve_digits_at_any_size(n, m, w, b, c, visible, hidden):
    machine = uniform(n, m, w, b, c, visible=visible, hidden=hidden)
    log_partition, mean = many_digits(n, m, w, b, c, visible, hidden)
    assert machine.log_partition == pytest.approx(log_partition, rel=1e-12, abs=0)
    assert machine.visible_mean == pytest.approx(mean, rel=1e-9, abs=0)
    assert machine.law.sum() == pytest.approx(1, rel=1e-13)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 400), m=st.integers(1, 400), w=strengths, b=strengths, c=strengths)
def test_discrete_layers_can_be_exchanged(n, m, w, b, c):
    w = w / math.sqrt(n * m)
    for kind, other in itertools.product(("binary", "spin"), repeat=2):
        one = uniform(n, m, w, b, c, visible=kind, hidden=other)
        two = uniform(m, n, w, c, b, visible=other, hidden=kind)
        assert one.log_partition == pytest.approx(two.log_partition, rel=1e-12)
        assert one.visible_mean == pytest.approx(two.hidden_mean, abs=1e-11)
        assert one.correlation == pytest.approx(two.correlation, abs=1e-11)
        assert one.visible_correlation == pytest.approx(two.hidden_correlation, abs=1e-10)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 60), m=st.integers(1, 60), w=strengths, b=strengths, c=strengths, kinds=kinds)
def test_averages_are_derivatives(n, m, w, b, c, kinds):
    visible, hidden = kinds
    w = w / math.sqrt(n * m)

    def log_partition(dw=0.0, db=0.0, dc=0.0):
        return uniform(n, m, w + dw, b + db, c + dc, visible=visible, hidden=hidden).log_partition

    machine = uniform(n, m, w, b, c, visible=visible, hidden=hidden)
    step = 1e-4 / math.sqrt(n * m)
    for name, factor, average in (
        ("dw", n * m, machine.correlation),
        ("db", n, machine.visible_mean),
        ("dc", m, machine.hidden_mean),
    ):
        ends = log_partition(**{name: step}), log_partition(**{name: -step})
        scale = abs(machine.log_partition) + 1
        assert (ends[0] - ends[1]) / (2 * step) == pytest.approx(
            factor * average, rel=1e-5, abs=1e-11 * scale / step
        )
        assert ends[0] + ends[1] - 2 * machine.log_partition >= -1e-13 * scale  # convex


@settings(max_examples=50, deadline=None)
@given(n=st.integers(1, 300), m=st.integers(1, 300), w=strengths, b=strengths, c=strengths, kinds=kinds)
def test_bounds(n, m, w, b, c, kinds):
    """Gibbs, Bogoliubov and Feynman from independent units; entropy between 0 and n ln 2; squares."""
    visible, hidden = kinds
    w = w / math.sqrt(n * m)
    free = uniform(n, m, 0.0, b, c, visible=visible, hidden=hidden)
    machine = uniform(n, m, w, b, c, visible=visible, hidden=hidden)
    bound = free.log_partition + w * n * m * free.visible_mean * free.hidden_mean
    assert machine.log_partition >= bound - 1e-12 * abs(bound)
    assert free.covariance == pytest.approx(0, abs=1e-12)
    assert machine.covariance * w >= -1e-13
    k = np.arange(n + 1)
    log_count = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    entropy = -(xlogy(machine.law, machine.law) - machine.law * log_count).sum()
    assert -1e-9 <= entropy <= n * math.log(2) * (1 + 1e-12)
    assert (machine.law >= 0).all()
    if m > 1:
        assert machine.hidden_correlation >= machine.hidden_mean**2 * (1 - 1e-12)


def test_without_weights_units_are_independent():
    machine = uniform(7, 4, 0.0, -0.3, 0.8)
    expected = 7 * math.log1p(math.exp(-0.3)) + 4 * math.log1p(math.exp(0.8))
    assert machine.log_partition == pytest.approx(expected, rel=1e-14)
    assert machine.visible_mean == pytest.approx(1 / (1 + math.exp(0.3)))
    assert machine.correlation == pytest.approx(machine.visible_mean * machine.hidden_mean)
    assert machine.visible_correlation == pytest.approx(machine.visible_mean**2)


def test_spins_are_binary_units_of_other_biases():
    """s = 2 v - 1: the weights are four times as large, and the rest follows."""
    n, m, w, b, c = 12, 9, 0.1, 0.2, -0.3
    spins = uniform(n, m, w, b, c, visible="spin", hidden="spin")
    binary = uniform(n, m, 4 * w, 2 * b - 2 * w * m, 2 * c - 2 * w * n)
    assert spins.log_partition == pytest.approx(binary.log_partition + n * m * w - n * b - m * c, rel=1e-13)
    np.testing.assert_allclose(spins.law, binary.law, rtol=1e-11)


def test_gaussian_hidden_units_make_a_curie_weiss_magnet():
    n, m, beta = 60, 3, 0.4
    machine = uniform(n, m, math.sqrt(beta / n), visible="spin", hidden="gaussian")
    magnet = ising.curie_weiss_finite(n, m * beta)
    np.testing.assert_allclose(machine.law, magnet.probability, rtol=1e-11)
    assert machine.log_partition == pytest.approx(n * magnet.log_partition, rel=1e-13)


def test_draws_from_the_law_are_draws_from_the_machine():
    """A machine whose visible biases are off by one per cent would be 6 errors away."""
    machine = uniform(40, 30, 0.02, -0.4, -0.2)
    rng = np.random.default_rng(5)
    on = rng.choice(41, size=200_000, p=machine.law)
    h = rng.binomial(30, 1 / (1 + np.exp(-machine.fields[on])))
    for values, expected in ((on, 40 * machine.visible_mean), (h, 30 * machine.hidden_mean)):
        assert abs(values.mean() - expected) < 4 * values.std() / math.sqrt(values.size)
    product = on * h
    expected = 40 * 30 * machine.correlation
    assert abs(product.mean() - expected) < 4 * product.std() / math.sqrt(product.size)
    wrong = uniform(40, 30, 0.02, -0.4 * 1.01, -0.2)
    assert abs(on.mean() - 40 * wrong.visible_mean) > 4 * on.std() / math.sqrt(on.size)


@settings(max_examples=60, deadline=None)
@given(weights=st.lists(strengths, min_size=1, max_size=5), b=strengths, c=strengths, kinds=kinds)
def test_one_hidden_unit_is_enumeration(weights, b, c, kinds):
    w = np.array(weights)
    biases = b * np.arange(1, w.size + 1) / w.size
    machine = one_hidden_unit(w, biases, c, visible=kinds[0], hidden=kinds[1])
    exact = enumerated(w[:, np.newaxis], biases, np.array([c]), *kinds)
    assert machine.log_partition == pytest.approx(exact.log_partition, rel=1e-11, abs=1e-11)
    np.testing.assert_allclose(machine.visible_means, exact.visible, atol=1e-10)
    assert machine.hidden_mean == pytest.approx(exact.hidden[0], abs=1e-9)
    np.testing.assert_allclose(machine.correlations, exact.mixed[:, 0], atol=1e-9)


@pytest.mark.parametrize(("visible", "hidden"), KINDS)
@pytest.mark.parametrize(("n", "w"), [(1, 2.0), (30, 0.4), (10_000, 0.012), (10_000, -0.05)])
def test_one_hidden_unit_of_equal_weights_is_a_uniform_machine(n, w, visible, hidden):
    one = one_hidden_unit(np.full(n, w), -0.1, 0.3, visible=visible, hidden=hidden)
    machine = uniform(n, 1, w, -0.1, 0.3, visible=visible, hidden=hidden)
    assert one.log_partition == pytest.approx(machine.log_partition, rel=1e-12)
    np.testing.assert_allclose(one.visible_means, machine.visible_mean, rtol=1e-9, atol=1e-12)
    assert one.hidden_mean == pytest.approx(machine.hidden_mean, rel=1e-9, abs=1e-12)
    np.testing.assert_allclose(one.correlations, machine.correlation, rtol=1e-9, atol=1e-12)


def test_one_hidden_unit_in_closed_form():
    rng = np.random.default_rng(2)
    w, a, b = rng.normal(size=50), rng.normal(size=50), 0.7
    expected = math.log(np.prod(1 + np.exp(a)) + math.exp(b) * np.prod(1 + np.exp(a + w)))
    assert one_hidden_unit(w, a, b).log_partition == pytest.approx(expected, rel=1e-14)


def test_a_gaussian_hidden_unit_by_adaptive_quadrature():
    w, b, c = np.array([0.9, -2.3, 1.4, 0.2]), np.array([0.1, -0.5, 0.3, 0.0]), -0.6

    def integrand(z, power=0):
        return z**power * math.exp(-(z**2) / 2 + c * z) * np.prod(2 * np.cosh(b + w * z))

    total, first = (
        quad(integrand, -40, 40, args=(k,), epsabs=0, epsrel=1e-13, limit=500, points=[-5, 0, 5])[0]
        for k in (0, 1)
    )
    machine = one_hidden_unit(w, b, c, visible="spin", hidden="gaussian")
    assert machine.log_partition == pytest.approx(math.log(total / math.sqrt(2 * math.pi)), rel=1e-13)
    assert machine.hidden_mean == pytest.approx(first / total, rel=1e-12)


def test_hopfield_network_as_a_machine():
    """N = 8, P = 3, beta = 0.7: sums over spins and integrals over hidden units agree, for any patterns.

    Up to gauge transformations three patterns are four numbers of sites. One choice of them has the
    value 998.21063.
    """
    spins, _ = states("spin", 8)
    found = []
    for first, second, third in itertools.combinations(range(11), 3):
        counts = [first, second - first - 1, third - second - 1, 10 - third]
        rows = np.repeat(
            [[1.0, 1.0, 1.0], [1.0, 1.0, -1.0], [1.0, -1.0, 1.0], [1.0, -1.0, -1.0]], counts, axis=0
        )
        found.append(np.exp(0.7 / 16 * ((spins @ rows) ** 2).sum(axis=1)).sum())
    assert np.abs(np.array(found) - 998.21063).min() < 6e-6
    rng = np.random.default_rng(3)
    patterns = rng.choice([-1.0, 1.0], size=(8, 2))
    weights = math.sqrt(0.7 / 8) * patterns
    exact = enumerated(weights, np.zeros(8), np.zeros(2), "spin", "gaussian")
    assert math.exp(exact.log_partition) == pytest.approx(
        np.exp(0.7 / 16 * ((spins @ patterns) ** 2).sum(axis=1)).sum(), rel=1e-12
    )
    same = uniform(8, 3, math.sqrt(0.7 / 8), visible="spin", hidden="gaussian")
    assert math.exp(same.log_partition) == pytest.approx(
        np.exp(3 * 0.7 / 16 * spins.sum(axis=1) ** 2).sum(), rel=1e-12
    )


def test_strong_weights_do_not_overflow():
    machine = uniform(1000, 1000, 5.0, -1.0, -1.0)
    assert machine.log_partition == pytest.approx(5e6 - 2000, rel=1e-12)
    assert machine.visible_mean == pytest.approx(1)
    one = one_hidden_unit(np.full(1000, 30.0), visible="spin", hidden="spin")
    assert one.log_partition == pytest.approx(math.log(2) + 30_000, rel=1e-14)
    np.testing.assert_allclose(one.correlations, 1, rtol=1e-14)


def test_bad_arguments_are_refused():
    for name, value, error in (
        ("n_visible", 0, ValueError),
        ("n_hidden", 0, ValueError),
        ("n_hidden", 2.0, TypeError),
        ("n_visible", 10**7 + 1, ValueError),
        ("weight", math.nan, ValueError),
        ("visible_bias", "1", TypeError),
        ("hidden_bias", math.inf, ValueError),
        ("visible", "gaussian", ValueError),
        ("hidden", "ternary", ValueError),
    ):
        arguments = {"n_visible": 3, "n_hidden": 2, "weight": 0.1} | {name: value}
        with pytest.raises(error, match=name):
            uniform(**arguments)
    with pytest.raises(ValueError, match=r"a weight overflows; got weight=1e\+200"):
        uniform(3, 2, 1e200, visible="spin", hidden="gaussian")
    for weights, biases, message in (
        ([], 0.0, r"weights must have shape \(n_visible,\); got \(0,\)"),
        ([[1.0]], 0.0, r"got \(1, 1\)"),
        ([1.0, 2.0], [1.0], r"visible_biases must be a number or have shape \(2,\); got \(1,\)"),
        ([math.nan], 0.0, "weights must be finite; got nan"),
    ):
        with pytest.raises(ValueError, match=message):
            one_hidden_unit(weights, biases)
    with pytest.raises(ValueError, match="visible must be one of"):
        one_hidden_unit([1.0], visible="gaussian")
    with pytest.raises(ValueError, match=r"weights are too large: their sizes sum up to 1e\+12"):
        one_hidden_unit([1e12], hidden="gaussian")
    with pytest.raises(ValueError, match="a sum overflows"):
        one_hidden_unit([1e308, 1e308])


def test_equality():
    assert uniform(4, 3, 0.1) == uniform(4, 3, 0.1)
    assert uniform(4, 3, 0.1) != uniform(4, 3, 0.2)
    assert one_hidden_unit([0.1, 0.2]) == one_hidden_unit([0.1, 0.2])
    assert one_hidden_unit([0.1, 0.2]) != one_hidden_unit([0.2, 0.1])
