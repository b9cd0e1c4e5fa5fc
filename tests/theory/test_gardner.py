"""Gardner's capacity and volume beside 30 digits, two replicas that walk, and one step of breaking."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import log_ndtr, ndtr

from smbook import perceptron as simulated
from smbook.theory import perceptron as theory
from smbook.theory.perceptron import _tails

# alpha_c by kappa: theory notes of the book, all digits.
CAPACITIES = {
    0.0: 2.0,
    0.25: 1.3646428,
    0.5: 0.9612051,
    1.0: 0.5195722,
    1.5: 0.3098707,
    2.0: 0.2002310,
    3.0: 0.1000020,
    -0.5: 4.7700989,
}
POINTS = [(1.0, 0.0), (1.9, 0.0), (0.3, 1.0), (5.0, -1.0), (300.0, -2.5), (3e-4, 40.0)]
stabilities = st.floats(-36.9, 1e3)
T, WEIGHT = np.polynomial.hermite_e.hermegauss(120)
WEIGHT = WEIGHT / WEIGHT.sum()


def density(x):
    return np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)


def hazard(x):
    return np.exp(-(x**2) / 2 - log_ndtr(-x)) / math.sqrt(2 * math.pi)


def annealed(load, kappa):
    return load * float(log_ndtr(-kappa))


def functional(q, load, kappa):
    """What is stationary at the solution, to 30 digits."""
    root, scale = mp.sqrt(q), mp.sqrt(1 - q)
    kink, width = -kappa / root, scale / root
    ends = sorted({-14, 14, *(min(max(kink + k * width, -14), 14) for k in (-9, -3, 0, 3, 9))})

    def log_tail(t):
        return mp.npdf(t) * mp.log(mp.erfc((kappa + root * t) / scale / mp.sqrt(2)) / 2)

    return mp.log(1 - q) / 2 + q / (2 * (1 - q)) + load * mp.quad(log_tail, ends)


def replicon(q, load, kappa):
    x = (kappa + math.sqrt(q) * T) / math.sqrt(1 - q)
    return 1 - load * WEIGHT @ (hazard(x) * (hazard(x) - x)) ** 2


# The capacity and its inverse.


@pytest.mark.parametrize("kappa", list(CAPACITIES))
def test_known_capacities(kappa):
    found = theory.gardner_capacity(kappa)
    assert found.load == pytest.approx(CAPACITIES[kappa], abs=6e-8)
    assert found.is_stable is (kappa >= 0)


@pytest.mark.parametrize("kappa", [-6.0, -2.51, -2.49, -1.3, 0.0, 0.7, 4.0, 40.0])
def test_the_capacity_is_its_integral(kappa):
    square, _ = quad(lambda t: density(t - kappa) * t * t, 0, max(kappa, 0) + 12, points=[max(kappa, 0) + 1])
    assert theory.gardner_capacity(kappa).load == pytest.approx(1 / square, rel=1e-8)


@pytest.mark.parametrize("kappa", [-37.0, -20.0, -6.0, -2.5, -0.5, 3.0, 40.0, 1e10])
def test_the_capacity_to_all_digits(kappa):
    with mp.workdps(700):
        k = mp.mpf(kappa)
        square = (1 + k * k) * mp.erfc(-k / mp.sqrt(2)) / 2 + k * mp.exp(-k * k / 2) / mp.sqrt(2 * mp.pi)
        exact = 1 / square
    assert theory.gardner_capacity(kappa).load == pytest.approx(float(exact), rel=2e-13)


def test_a_margin_of_zero_is_what_cover_counts():
    assert theory.gardner_capacity(0).load == 2.0
    assert theory.separable_probability(2 * 500, 500) == 0.5
    assert theory.gardner_stability(2.0) == 0.0


def test_far_out_the_capacity_is_a_power_or_a_tail():
    assert theory.gardner_capacity(1e3).load == pytest.approx(1 / (1 + 1e6), rel=1e-12)
    tail = 20**3 / (2 * float(density(np.array(20.0))))
    assert theory.gardner_capacity(-20.0).load == pytest.approx(tail * (1 + 6 / 400), rel=1e-3)


@given(stabilities)
def test_stability_inverts_the_capacity(kappa):
    load = theory.gardner_capacity(kappa).load
    assert theory.gardner_stability(load) == pytest.approx(kappa, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize(
    ("load", "kappa"), [(1e-300, 1e150), (1e-8, math.sqrt(1e8 - 1)), (1e8, -5.118196), (1e300, -36.870668)]
)
def test_extreme_loads(load, kappa):
    assert theory.gardner_stability(load) == pytest.approx(kappa, rel=1e-7)


@given(st.floats(1e-12, 2.0))
def test_no_more_examples_at_the_margin_than_weights(load):
    assert 0.5 <= theory.support_share(load) <= min(1.0, (1 + 1e-14) / load)
    assert theory.support_share(2.0) == 0.5


def test_below_zero_there_would_be_more():
    """The sign that replica symmetry fails: alpha_c Phi(kappa) crosses 1 at kappa = 0."""
    kappa = np.array([-1.0, -0.1, 0.0, 0.1, 1.0])
    shares = theory.gardner_capacity(kappa).load * ndtr(kappa)
    assert (np.sign((shares - 1).round(15)) == -np.sign(kappa)).all()


@pytest.mark.parametrize("load", [0.01, 0.5, 1.0, 1.9])
def test_stabilities_are_a_gaussian_lifted_to_the_margin(load):
    kappa = theory.gardner_stability(load)
    share, _ = quad(lambda x: theory.stability_distribution(x, load), kappa, kappa + 12)
    assert share + theory.support_share(load) == pytest.approx(1, abs=1e-10)
    assert theory.stability_distribution([kappa - 1e-9, kappa], load)[0] == 0
    lifted, _ = quad(lambda x: density(x) * (kappa - x) ** 2, -12, kappa)
    assert load * lifted == pytest.approx(1, abs=1e-9)


def test_the_margin_of_samples():
    """Twenty samples of 100 examples of 100 inputs; a share of supports off by 0.05 would be seen."""
    n = 100
    margins, shares, means = [], [], []
    for seed in range(20):
        inputs = np.random.default_rng(seed).standard_normal((n, n))
        labels = simulated.random_labels(n, rng=seed)
        best = simulated.margin(inputs, labels)
        margins.append(best.value)
        shares.append(len(best.support) / n)
        means.append((labels * (inputs @ best.weights)).mean() / np.linalg.norm(best.weights))
    kappa = theory.gardner_stability(1.0)
    expected = (kappa, theory.support_share(1.0), kappa * ndtr(kappa) + density(np.array(kappa)))
    for values, value in zip((margins, shares, means), expected, strict=True):
        assert abs(np.mean(values) - value) < 4 * np.std(values) / math.sqrt(20)
    assert abs(np.mean(shares) - 0.63) > 4 * np.std(shares) / math.sqrt(20)


# The volume.


@pytest.mark.parametrize(("load", "kappa"), POINTS)
def test_the_entropy_is_stationary_to_thirty_digits(load, kappa):
    volume = theory.gardner_volume(load, kappa)
    with mp.workdps(30):
        q, alpha, k = mp.mpf(volume.overlap), mp.mpf(load), mp.mpf(kappa)
        assert float(functional(q, alpha, k)) == pytest.approx(volume.entropy, rel=1e-12, abs=1e-14)
        step = (1 - q) * q * mp.mpf("1e-6")
        ahead, here, behind = (functional(q + i * step, alpha, k) for i in (1, 0, -1))
        slope, curvature = (ahead - behind) / 2 / step, (ahead - 2 * here + behind) / step**2
        assert float(slope / curvature / q / (1 - q)) == pytest.approx(0, abs=1e-11)
        # with the mean of G squared in place of the mean of G^2 the overlap would be another
        wrong = q * mp.mpf("0.99")
        off = (functional(wrong + step, alpha, k) - functional(wrong - step, alpha, k)) / 2 / step
        assert abs(float(off / curvature / q / (1 - q))) > 1e-4


@settings(max_examples=30, deadline=None)
@given(share=st.floats(1e-6, 0.999), kappa=st.floats(0.0, 20.0))
def test_convex_volumes_are_stable_and_below_the_annealed_bound(share, kappa):
    load = share * theory.gardner_capacity(kappa).load
    volume = theory.gardner_volume(load, kappa)
    assert volume.is_stable is True
    assert 0 < volume.overlap < 1
    assert volume.entropy <= annealed(load, kappa) * (1 - 1e-12) < 0


@pytest.mark.parametrize(("load", "kappa"), POINTS)
def test_an_example_more_takes_the_mean_log_of_its_tail(load, kappa):
    step = 1e-4 * load
    higher, lower = (theory.gardner_volume(load + h, kappa).entropy for h in (step, -step))
    q = theory.gardner_volume(load, kappa).overlap
    kink = -kappa / math.sqrt(q)

    def log_tail(t):
        return density(t) * log_ndtr(-(kappa + math.sqrt(q) * t) / math.sqrt(1 - q))

    ends = (-12, *([kink] if abs(kink) < 12 else []), 12)
    mean = sum(quad(log_tail, a, b, epsabs=1e-13)[0] for a, b in itertools.pairwise(ends))
    assert (higher - lower) / (2 * step) == pytest.approx(mean, rel=3e-6)


@pytest.mark.parametrize("kappa", [-2.0, 0.0, 1.5])
def test_small_loads(kappa):
    """s = alpha ln H - alpha^2 G^4 / 4, and q = alpha G^2."""
    g = float(hazard(np.array(kappa)))
    for load in (1e-300, 1e-12, 1e-8, 1e-4):
        volume = theory.gardner_volume(load, kappa)
        assert volume.overlap == pytest.approx(load * g**2, rel=20 * load * (1 + g**2) + 1e-12)
        expected = annealed(load, kappa) - (load * g * g) ** 2 / 4
        assert volume.entropy == pytest.approx(expected, rel=1e-13 + load**2 * (1 + g**6))


@pytest.mark.parametrize("kappa", [-0.5, 0.0, 1.0])
def test_towards_the_capacity_directions_close_one_by_one(kappa):
    """f N directions are held by examples and shrink like 1 - q, the others like its root."""
    capacity = theory.gardner_capacity(kappa).load
    held = capacity * ndtr(kappa)
    gap = np.array([1e-6, 1e-7])
    volume = theory.gardner_volume(capacity * (1 - gap), kappa)
    np.testing.assert_allclose((1 - volume.overlap) * (1 + held) / gap, 1, rtol=3e-3)
    slope = np.diff(volume.entropy)[0] / math.log(0.1)
    assert slope == pytest.approx((1 + held) / 2, rel=2e-3)


def test_two_replicas_that_walk_in_the_volume():
    """Hit and run in the version space of 10 examples of 20 inputs: overlaps of samples far apart.

    At N = 20 they are larger than in the limit, by 0.010 +- 0.002 in 300 samples.
    """
    n, far, overlaps = 20, 20, []
    for seed in range(40):
        inputs = np.random.default_rng(seed).standard_normal((n // 2, n))
        labels = simulated.random_labels(n // 2, rng=seed)
        walk = simulated.gibbs_learning(inputs, labels, 80, thin=100, rng=seed)[20:]
        time = np.arange(len(walk))
        overlaps.append((walk @ walk.T / n)[abs(time - time[:, np.newaxis]) > far].mean())
    error = np.std(overlaps) / math.sqrt(len(overlaps))
    assert error < 0.01
    assert abs(np.mean(overlaps) - theory.gardner_volume(0.5).overlap) < 4 * error + 0.2 / n


# The stability of replica symmetry.


def one_step(q0, q1, m, load, kappa):
    """The entropy with one step of symmetry breaking."""
    outer = m * (q1 - q0) + 1 - q1
    sphere = math.log(outer / (1 - q1)) / m + math.log(1 - q1) + q0 / outer
    x = (kappa + math.sqrt(q0) * T[:, np.newaxis] + math.sqrt(q1 - q0) * T) / math.sqrt(1 - q1)
    return sphere / 2 + load / m * WEIGHT @ np.log(np.exp(m * log_ndtr(-x)) @ WEIGHT)


@pytest.mark.parametrize(("load", "kappa"), [(1.0, 0.0), (5.0, -1.0), (9.0, -1.0), (30.0, -1.5)])
@pytest.mark.parametrize("m", [0.3, 0.7])
def test_the_eigenvalue_is_the_curvature_against_breaking(load, kappa, m):
    """Along q1 = q + a, q0 = q - a (1 - m) / m the entropy is bent by (1 - m) lambda / 2 m (1 - q)^2."""
    volume = theory.gardner_volume(load, kappa)
    q = volume.overlap
    a = 2e-3 * (1 - q) * m * np.arange(7)
    values = [one_step(q - (1 - m) / m * step, q + step, m, load, kappa) for step in a]
    _, slope, half = np.polynomial.polynomial.polyfit(a / a[-1], values, 5)[:3] / a[-1] ** np.arange(3)
    expected = (1 - m) / (2 * m) * replicon(q, load, kappa) / (1 - q) ** 2
    assert slope == pytest.approx(0, abs=1e-6)
    assert 2 * half == pytest.approx(expected, abs=2e-3 / (1 - q) ** 2)
    assert volume.is_stable is bool(expected > 0)


@pytest.mark.parametrize("kappa", [-2.8, -2.0, -1.0, -0.5])
def test_the_load_of_de_almeida_and_thouless(kappa):
    load = theory.almeida_thouless_load(kappa)
    assert 0 < load < theory.gardner_capacity(kappa).load
    q = theory.gardner_volume(load, kappa).overlap
    assert replicon(q, load, kappa) == pytest.approx(0, abs=1e-6)
    assert theory.gardner_volume(load * 0.9999, kappa).is_stable is True
    assert theory.gardner_volume(load * 1.0001, kappa).is_stable is False


def test_where_the_instability_begins():
    assert theory.almeida_thouless_load([0.0, 0.5, 40.0]).tolist() == [
        theory.gardner_capacity(kappa).load for kappa in (0.0, 0.5, 40.0)
    ]
    kappa = -np.logspace(-9, -1, 30)
    gap = 1 - theory.almeida_thouless_load(kappa) / theory.gardner_capacity(kappa).load
    assert (gap >= 0).all()
    np.testing.assert_allclose(gap[-10:] / kappa[-10:] ** 2, gap[-10] / kappa[-10] ** 2, rtol=0.3)


def test_where_breaking_would_start_beyond_one():
    """m at the line is <G''^2> alpha / 2 (1 - alpha <G'^3>), and reaches 1 at kappa = -2.043."""

    def start(kappa):
        load = theory.almeida_thouless_load(kappa)
        q = theory.gardner_volume(load, kappa).overlap
        x = (kappa + math.sqrt(q) * T) / math.sqrt(1 - q)
        g, first = hazard(x), hazard(x) * (hazard(x) - x)
        second = first * (g - x) + g * (first - 1)
        return load * WEIGHT @ second**2 / 2 / (1 - load * WEIGHT @ first**3)

    assert start(-2.0431) == pytest.approx(1, abs=1e-4)
    assert start(-1.0) < 0.4 < 1.5 < start(-2.5)


# The functions of tails.


@pytest.mark.parametrize("x", [-6.0, -1.0, 0.0, 2.4, 2.6, 10.0, 1e3, 1e8])
def test_tails_to_all_digits(x):
    with mp.workdps(40):
        z = mp.mpf(x)
        tail = mp.quad(lambda u: mp.exp(-u * u / 2 - z * u), [0, 1 / (1 + abs(z)), 30 / (1 + abs(z)), 30])
        g = mp.exp(-z * z / 2) / mp.sqrt(2 * mp.pi) / (mp.erfc(z / mp.sqrt(2)) / 2) if x < 11 else 1 / tail
        exact = g, g - z, g * (g - z)
    for function, value in zip((_tails.hazard, _tails.excess, _tails.hazard_slope), exact, strict=True):
        assert float(function(np.array(x))) == pytest.approx(float(value), rel=2e-14)


@pytest.mark.parametrize(("q", "kappa"), [(1e-20, 1.0), (0.3, 0.0), (0.9, -2.0), (1 - 1e-10, 0.5)])
def test_rules_average_what_is_known(q, kappa):
    field = _tails.cavity(q, 1 - q, kappa)
    variance = q / (1 - q)
    mean = kappa / math.sqrt(1 - q)
    assert field.weight.sum() == pytest.approx(1, rel=1e-14)
    assert field.mean(field.x**2) == pytest.approx(mean**2 + variance, rel=1e-12)
    expected = ndtr(-kappa)  # the tail of the sum of both Gaussians
    assert field.mean(ndtr(-field.x)) == pytest.approx(expected, rel=1e-13)


# What goes in and out.


def test_scalars_and_arrays():
    assert isinstance(theory.gardner_capacity(1).load, float)
    assert isinstance(theory.gardner_stability(np.float64(1.0)), float)
    grid = theory.gardner_capacity([[0.0, -1.0]])
    assert grid.load.shape == grid.is_stable.shape == (1, 2)
    assert grid.is_stable.tolist() == [[True, False]]
    volume = theory.gardner_volume([[0.1], [0.2]], [0.0, 0.5, 1.0])
    assert volume.overlap.shape == volume.entropy.shape == volume.is_stable.shape == (2, 3)
    assert volume.entropy[1, 2] == theory.gardner_volume(0.2, 1.0).entropy
    assert theory.gardner_volume([]).overlap.shape == (0,)
    assert theory.support_share([]).shape == theory.gardner_stability([]).shape == (0,)
    assert volume == theory.gardner_volume([[0.1], [0.2]], [0.0, 0.5, 1.0])
    assert volume != theory.gardner_volume(0.1)


@pytest.mark.parametrize(
    "function",
    [theory.gardner_stability, theory.gardner_volume, theory.support_share, theory.binary_volume],
)
@pytest.mark.parametrize("load", [0.0, -1.0, math.nan, math.inf, [0.5, -0.1], 1e-320])
def test_loads_that_are_none(function, load):
    with pytest.raises(ValueError, match=r"load must be .*(positive|finite|from)"):
        function(load)


@pytest.mark.parametrize(
    "function", [theory.gardner_capacity, theory.gardner_stability, theory.almeida_thouless_load]
)
@pytest.mark.parametrize("value", ["a", True, [True], 1j, None, np.ma.array([1.0]), [[1.0], [1.0, 2.0]]])
def test_values_that_are_no_numbers(function, value):
    with pytest.raises(TypeError, match="must hold real numbers"):
        function(value)


def test_out_of_range():
    with pytest.raises(ValueError, match=r"stability must be from -37 to 1e\+150; got -37.5"):
        theory.gardner_capacity(-37.5)
    with pytest.raises(ValueError, match="stability must be finite; got nan"):
        theory.gardner_capacity(math.nan)
    with pytest.raises(ValueError, match=r"load must be below the capacity 2 at stability 0; got 2.0"):
        theory.gardner_volume(2.0)
    with pytest.raises(ValueError, match=r"below the capacity 0.5195722 at stability 1; got 0.6"):
        theory.gardner_volume([0.1, 0.6], 1.0)
    with pytest.raises(ValueError, match=r"stability must be from -2.8 .*got -6"):
        theory.gardner_volume(1.0, -6.0)
    with pytest.raises(ValueError, match=r"stability must be from -2.8 .*got -6"):
        theory.almeida_thouless_load(-6.0)
    with pytest.raises(ValueError, match=r"broadcast; got \(2,\) and \(3,\)"):
        theory.gardner_volume([0.1, 0.2], [0.0, 0.1, 0.2])
    for function in (theory.support_share, lambda load: theory.stability_distribution(0.0, load)):
        with pytest.raises(ValueError, match=r"load must be at most 2.*got 2.5"):
            function(2.5)
