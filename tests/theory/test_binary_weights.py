"""The volume of weights +1 and -1 beside 25 digits, enumeration, the annealed bound and known limits."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.special import log_ndtr

from smbook.theory import perceptron as theory

T, WEIGHT = np.polynomial.hermite_e.hermegauss(120)
WEIGHT = WEIGHT / WEIGHT.sum()


def functional(q, conjugate, load, kappa):
    """What is stationary at the solution, as Krauth and Mezard write it, to 25 digits."""
    field, root, scale = mp.sqrt(conjugate), mp.sqrt(q), mp.sqrt(1 - q)

    def integrand(z):
        tail = mp.log(mp.erfc((kappa + root * z) / scale / mp.sqrt(2)) / 2)
        return mp.npdf(z) * (mp.log(2 * mp.cosh(field * z)) + load * tail)

    return -conjugate * (1 - q) / 2 + mp.quad(integrand, [-13, -3, 0, 3, 13])


def replicon(volume, load, kappa):
    """Stable where positive: the product of the curvatures of weights and of examples is below 1."""
    q, conjugate, _ = volume
    x = (kappa + math.sqrt(q) * T) / math.sqrt(1 - q)
    hazard = np.exp(-(x**2) / 2 - log_ndtr(-x)) / math.sqrt(2 * math.pi)
    weights = WEIGHT @ np.cosh(math.sqrt(conjugate) * T) ** -4.0
    return 1 - load * weights * (WEIGHT @ (hazard * (hazard - x)) ** 2) / (1 - q) ** 2


def test_krauth_and_mezard():
    capacity = theory.binary_capacity()
    assert capacity == pytest.approx(0.8330786, abs=6e-8)
    volume = theory.binary_volume(capacity)
    assert volume.overlap == pytest.approx(0.5639, abs=6e-5)
    assert volume.entropy == pytest.approx(0, abs=1e-13)


@pytest.mark.parametrize(
    ("load", "kappa"), [(0.1, 0.0), (0.8330786, 0.0), (1.1, 0.0), (0.3, 1.0), (3.0, -1.0), (100.0, -2.5)]
)
def test_the_entropy_is_stationary_in_both(load, kappa):
    volume = theory.binary_volume(load, kappa)
    with mp.workdps(25):
        q, conjugate, alpha, k = map(mp.mpf, (volume.overlap, volume.conjugate, load, kappa))
        assert float(functional(q, conjugate, alpha, k)) == pytest.approx(volume.entropy, abs=1e-11)
        step = mp.mpf("1e-7")
        for dq, dc in ((step, 0), (0, step)):
            higher = functional(q + dq, conjugate + dc, alpha, k)
            lower = functional(q - dq, conjugate - dc, alpha, k)
            assert float((higher - lower) / 2 / step) == pytest.approx(0, abs=1e-9)
        # a conjugate without the factor 1 / (1 - q) is not stationary
        wrong = conjugate * (1 - q)
        off = functional(q, wrong + step, alpha, k) - functional(q, wrong - step, alpha, k)
        assert abs(float(off / 2 / step)) > 1e-3 * volume.overlap


@settings(max_examples=30, deadline=None)
@given(share=st.floats(1e-6, 0.999), kappa=st.floats(-2.5, 10.0))
def test_the_mean_number_of_solutions_bounds_their_entropy(share, kappa):
    load = share * theory.binary_capacity(kappa)
    volume = theory.binary_volume(load, kappa)
    assert 0 < volume.entropy <= theory.binary_first_moment(load, kappa) < math.log(2)
    assert 0 < volume.overlap < 1


@given(st.floats(-2.5, 30.0))
@settings(max_examples=30, deadline=None)
def test_signs_learn_less_than_any_weights(kappa):
    capacity = theory.binary_capacity(kappa)
    assert capacity < 2 / math.pi * theory.gardner_capacity(kappa).load
    assert theory.binary_first_moment(capacity, kappa) > 0


def test_an_example_more_takes_the_mean_log_of_its_tail():
    for load, kappa in ((0.4, 0.0), (0.2, 0.7), (2.0, -1.0)):
        higher, lower = (theory.binary_volume(load + h, kappa).entropy for h in (1e-4, -1e-4))
        q = theory.binary_volume(load, kappa).overlap

        def log_tail(z, kappa=kappa, q=q):
            weight = math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
            return weight * log_ndtr(-(kappa + math.sqrt(q) * z) / math.sqrt(1 - q))

        assert (higher - lower) / 2e-4 == pytest.approx(quad(log_tail, -12, 12)[0], rel=1e-6)


@pytest.mark.parametrize("kappa", [-1.0, 0.0, 2.0])
def test_small_loads(kappa):
    """s = ln 2 + alpha ln H - alpha^2 G^4 / 4: what a few examples leave is as on the sphere."""
    log_tail = float(log_ndtr(-kappa))
    g = math.exp(-(kappa**2) / 2 - log_tail) / math.sqrt(2 * math.pi)
    for load in (1e-300, 1e-8, 1e-5):
        volume = theory.binary_volume(load, kappa)
        assert volume.overlap == pytest.approx(load * g**2, rel=20 * load * (1 + g**2) + 1e-12)
        assert volume.conjugate == pytest.approx(load * g**2, rel=20 * load * (1 + g**2) + 1e-12)
        expected = math.log(2) + load * log_tail - (load * g * g) ** 2 / 4
        assert volume.entropy == pytest.approx(expected, abs=load**3 * (1 + g**6) + 1e-15)
    assert theory.binary_volume(1e-300, kappa).entropy == math.log(2)


def test_the_solution_ends_at_four_over_pi():
    gaps = np.array([1e-2, 1e-3, 1e-4, 1e-6])
    volume = theory.binary_volume(4 / math.pi * (1 - gaps))
    assert (np.diff(volume.overlap) > 0).all()
    assert (np.diff(volume.entropy) < 0).all()
    assert 1 - volume.overlap[-1] < 1e-5
    with pytest.raises(ValueError, match=r"below the end of the solution, 1.27324 at stability 0; got 1.3"):
        theory.binary_volume(1.3)


def test_the_symmetric_solution_is_stable_to_1_015():
    """Krauth and Mezard's line of de Almeida and Thouless, beyond the load where the last solution goes."""
    line = brentq(lambda load: replicon(theory.binary_volume(load), load, 0.0), 0.9, 1.1)
    assert line == pytest.approx(1.015, abs=6e-4)
    for kappa in (-2.5, -1.0, 0.0, 1.0, 3.0):
        load = theory.binary_capacity(kappa)
        assert replicon(theory.binary_volume(load, kappa), load, kappa) > 0.3


def test_enumerated_solutions():
    """Fourteen weights, four examples: the mean number is exact, the mean logarithm near the limit's."""
    n, p, samples = 14, 4, 1600
    weights = 1 - 2.0 * (np.arange(2**n)[:, np.newaxis] >> np.arange(n) & 1)
    rng = np.random.default_rng(7)
    counts = np.array(
        [(weights @ rng.standard_normal((n, p)) > 0).all(axis=1).sum() for _ in range(samples)], np.float64
    )
    error = counts.std() / math.sqrt(samples)
    exact = math.exp(n * theory.binary_first_moment(p / n))
    assert exact == pytest.approx(2.0 ** (n - p), rel=1e-12)
    assert abs(counts.mean() - exact) < 4 * error < 0.2 * exact
    logarithms = np.log(counts) / n
    volume = theory.binary_volume(p / n)
    assert logarithms.mean() == pytest.approx(volume.entropy, abs=0.25 / n)
    assert logarithms.mean() < theory.binary_first_moment(p / n) - 4 * logarithms.std() / math.sqrt(samples)


def test_large_margins():
    """Towards large kappa the capacity is that of the signs of one vector, 2 / pi kappa^2."""
    for kappa in (100.0, 1e4):
        assert theory.binary_capacity(kappa) * kappa**2 == pytest.approx(2 / math.pi, rel=2 / kappa**2 + 1e-3)


def test_scalars_arrays_and_first_moments():
    assert isinstance(theory.binary_capacity(0), float)
    assert theory.binary_capacity([[0.0, 0.5]]).shape == (1, 2)
    volume = theory.binary_volume([[0.1], [0.2]], [0.0, 0.5])
    assert volume.overlap.shape == volume.conjugate.shape == volume.entropy.shape == (2, 2)
    assert volume == theory.binary_volume([[0.1], [0.2]], [0.0, 0.5])
    assert theory.binary_first_moment(1.0) == 0.0
    assert theory.binary_first_moment([0.5, 2.0]).tolist() == pytest.approx([math.log(2) / 2, -math.log(2)])
    assert theory.binary_first_moment(0.5, 1e-300) == pytest.approx(
        theory.binary_first_moment(0.5), rel=1e-15
    )
    assert theory.binary_volume([]).entropy.shape == (0,)


@pytest.mark.parametrize("load", [0.0, -1.0, math.nan, math.inf, 1e8])
def test_loads_without_a_solution(load):
    with pytest.raises(ValueError, match=r"load must be"):
        theory.binary_volume(load)


@pytest.mark.parametrize("kappa", [-6.0, 1e5, math.nan, math.inf])
def test_stabilities_out_of_range(kappa):
    for call in (theory.binary_capacity, lambda kappa: theory.binary_volume(0.1, kappa)):
        with pytest.raises(ValueError, match=r"stability must be (from|finite)"):
            call(kappa)


@pytest.mark.parametrize("value", ["a", True, 1j, None])
def test_values_that_are_no_numbers(value):
    for call in (theory.binary_capacity, theory.binary_volume, theory.binary_first_moment):
        with pytest.raises(TypeError, match="must hold real numbers"):
            call(value)
