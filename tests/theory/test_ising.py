"""Exact results of the Ising model against enumeration, arbitrary precision and published numbers."""

import functools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from smbook.theory import ising
from smbook.theory.ising import CRITICAL_BETA, CRITICAL_TEMPERATURE

BETAS = st.floats(0.01, 3.0)
COUPLINGS = st.floats(-1.5, 1.5)
FIELDS = st.floats(-2.0, 2.0)
PHYSICS = settings(max_examples=60)


# Independent references


@functools.cache
def states(shape):
    """Every state of a lattice by brute force: its sums over bonds and over spins."""
    n = math.prod(shape)
    bits = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    spins = (1 - 2 * bits).reshape(-1, *shape)
    bonds = sum(
        (spins * np.roll(spins, 1, axis)).reshape(2**n, -1).sum(axis=1) for axis in range(1, spins.ndim)
    )
    return bonds, spins.reshape(2**n, -1).sum(axis=1), n


def enumerate_lattice(shape, beta, coupling, field):
    bonds, total, n = states(tuple(shape))
    energy = -coupling * bonds - field * total
    weight = np.exp(-beta * (energy - energy.min()))
    probability = weight / weight.sum()
    mean, mean_spin = probability @ energy, probability @ total
    return (
        (math.log(weight.sum()) - beta * energy.min()) / n,
        mean / n,
        beta**2 * (probability @ (energy - mean) ** 2) / n,
        mean_spin / n,
        beta * (probability @ (total - mean_spin) ** 2) / n,
    )


def kaufman_reference(n, m, k):
    """Kaufman's formula as it stands, with the derivatives of each product, in 50 digits."""
    with mp.workdps(50):
        k = mp.mpf(k)
        s, c = mp.sinh(2 * k), mp.cosh(2 * k)
        level = (c * c / s, 2 * c * (1 - 1 / s**2), 4 * s * (1 - 1 / s**2) + 8 * c * c / s**3)

        def gamma(index):
            if index == 0:
                return 2 * k + mp.log(mp.tanh(k)), 2 + 2 / s, -4 * c / s**2
            cosh = level[0] - mp.cos(mp.pi * index / n)
            sinh = mp.sqrt(cosh**2 - 1)
            slope = level[1] / sinh
            return mp.log(cosh + sinh), slope, (level[2] - cosh * slope**2) / sinh

        def product(parity, function, derivative):
            value, first, second = mp.mpf(1), mp.mpf(0), mp.mpf(0)
            for index in range(parity, 2 * n, 2):
                g, slope, curvature = gamma(index)
                ratio = derivative(m * g / 2) / function(m * g / 2)
                value *= 2 * function(m * g / 2)
                first += m * slope / 2 * ratio
                second += m * curvature / 2 * ratio + (m * slope / 2) ** 2 * (1 - ratio**2)
            return value, first, second

        products = [
            product(parity, *f) for parity in (1, 0) for f in ((mp.cosh, mp.sinh), (mp.sinh, mp.cosh))
        ]
        z = sum(value for value, _, _ in products)
        first = sum(value * d for value, d, _ in products) / z
        second = sum(value * (dd + d**2) for value, d, dd in products) / z - first**2
        sites = n * m
        return (
            mp.log(2 * s) / 2 + mp.log(z / 2) / sites,
            -(c / s + first / sites),
            k**2 * (second / sites - 2 / s**2),
        )


def onsager_reference(k):
    with mp.workdps(50):
        k = mp.mpf(k)
        modulus = 2 * mp.sinh(2 * k) / mp.cosh(2 * k) ** 2
        complement = 2 * mp.tanh(2 * k) ** 2 - 1
        first, second = mp.ellipk(modulus**2), mp.ellipe(modulus**2)
        corner = abs(complement)
        nodes = sorted(
            {mp.mpf(0), *(x for x in (corner / 10, corner, 10 * corner) if 0 < x < 1.5), mp.pi / 2}
        )
        integral = mp.quad(lambda t: mp.log((1 + mp.sqrt(1 - (modulus * mp.cos(t)) ** 2)) / 2), nodes)
        bracket = 2 * first - 2 * second - (1 - complement) * (mp.pi / 2 + complement * first)
        return (
            mp.log(2 * mp.cosh(2 * k)) + integral / mp.pi,
            -mp.coth(2 * k) * (1 + 2 / mp.pi * complement * first),
            2 / mp.pi * (k * mp.coth(2 * k)) ** 2 * bracket,
        )


def derivative(function, x, step=1e-4):
    """Central difference of fourth order."""
    near, far = function(x + step) - function(x - step), function(x + 2 * step) - function(x - 2 * step)
    return (8 * near - far) / (12 * step)


# One dimension


def test_constants():
    assert math.sinh(2 * CRITICAL_BETA) == pytest.approx(1, abs=4e-16)
    assert pytest.approx(0.44068679350977147, abs=1e-16) == CRITICAL_BETA
    assert pytest.approx(2.269185314213022, abs=1e-15) == CRITICAL_TEMPERATURE
    assert ising.CRITICAL_BINDER == 0.61069014


def test_ring_of_ten():
    result = ising.ring(10, 0.5)
    assert 10 * result.log_partition == pytest.approx(8.1330609176, abs=1e-10)
    assert result.energy == pytest.approx(-0.4628726771, abs=1e-10)
    assert result.susceptibility / 0.5 == pytest.approx(2.7158682993, abs=1e-10)
    assert result.magnetization == 0
    assert ising.correlation_length(0.5) == pytest.approx(1.2954427841, abs=1e-10)
    assert ising.correlation_length(0.5, coupling=-1.0) == ising.correlation_length(0.5)
    assert ising.correlation_length(0.0) == 0


@PHYSICS
@given(n=st.integers(2, 11), beta=BETAS, coupling=COUPLINGS, field=FIELDS)
@example(n=2, beta=1.0, coupling=0.0, field=0.0)
@example(n=3, beta=2.0, coupling=-1.0, field=0.0)
@example(n=4, beta=0.0, coupling=1.0, field=1.0)
@example(n=7, beta=3.0, coupling=1.0, field=-1e-9)
def test_ring_agrees_with_enumeration(n, beta, coupling, field):
    exact = enumerate_lattice((n,), beta, coupling, field)
    np.testing.assert_allclose(
        ising.ring(n, beta, coupling=coupling, field=field), exact, rtol=1e-11, atol=1e-12
    )


@PHYSICS
@given(n=st.integers(2, 14), beta=BETAS, coupling=COUPLINGS, field=FIELDS)
def test_ring_agrees_with_counted_states(n, beta, coupling, field):
    counted = ising.density_of_states((n,)).observables(beta, coupling=coupling, field=field)
    np.testing.assert_allclose(
        ising.ring(n, beta, coupling=coupling, field=field), counted, rtol=1e-11, atol=1e-12
    )


@PHYSICS
@given(
    n=st.integers(2, 5000), beta=st.floats(0.1, 2.0), coupling=st.floats(0.1, 1.0), field=st.floats(-0.5, 0.5)
)
def test_ring_densities_are_derivatives(n, beta, coupling, field):
    result = ising.ring(n, beta, coupling=coupling, field=field)

    def at(b, h):
        return ising.ring(n, b, coupling=coupling, field=h)

    assert result.energy == pytest.approx(-derivative(lambda b: at(b, field).log_partition, beta), abs=1e-9)
    slope = derivative(lambda b: at(b, field).energy, beta)
    assert result.specific_heat == pytest.approx(-(beta**2) * slope, rel=1e-5, abs=1e-8)
    tilt = derivative(lambda h: at(beta, h).log_partition, field)
    assert beta * result.magnetization == pytest.approx(tilt, rel=1e-5, abs=1e-8)
    mirrored = at(beta, -field)
    assert mirrored.magnetization == -result.magnetization
    assert mirrored[:3] == result[:3]
    assert mirrored.susceptibility == result.susceptibility


@pytest.mark.parametrize("beta", [1e-6, 0.5, 5.0, 15.0])
def test_cold_and_hot_rings_keep_their_digits(beta):
    n, x, t = 100, mp.exp(-2 * mp.mpf(beta)), mp.tanh(mp.mpf(beta))
    with mp.workdps(60):
        x, t = mp.exp(-2 * mp.mpf(beta)), mp.tanh(mp.mpf(beta))
        energy = -(t + t ** (n - 1)) / (1 + t**n)
        slope = (1 + (n - 1) * t ** (n - 2)) / (1 + t**n) + energy * n * t ** (n - 1) / (1 + t**n)
        heat = mp.mpf(beta) ** 2 * (1 - t**2) * slope
        response = beta / x * (1 - t**n) / (1 + t**n)
        result = ising.ring(n, beta)
        assert result.energy == pytest.approx(float(energy), rel=1e-14)
        assert result.specific_heat == pytest.approx(float(heat), rel=1e-13)
        assert result.susceptibility == pytest.approx(float(response), rel=1e-13)


@PHYSICS
@given(n=st.integers(2, 30), beta=st.floats(0.0, 1.5), coupling=COUPLINGS, field=FIELDS)
def test_transfer_matrix_gives_the_ring(n, beta, coupling, field):
    matrix = ising.transfer_matrix(beta, coupling=coupling, field=field)
    trace = np.trace(np.linalg.matrix_power(matrix, n))
    assert ising.ring(n, beta, coupling=coupling, field=field).log_partition == pytest.approx(
        math.log(trace) / n
    )


def test_transfer_matrix_entries():
    expected = np.exp([[0.5 * (2.0 + 0.3), -1.0], [-1.0, 0.5 * (2.0 - 0.3)]])
    np.testing.assert_allclose(ising.transfer_matrix(0.5, coupling=2.0, field=0.3), expected, rtol=1e-15)
    with pytest.raises(ValueError, match=r"overflows.*1000"):
        ising.transfer_matrix(1000.0)


@pytest.mark.parametrize("coupling", [1.0, -0.7])
@pytest.mark.parametrize("n", [2, 5, 8])
def test_ring_correlation_agrees_with_enumeration(n, coupling):
    bits = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    spins = 1 - 2 * bits
    weight = np.exp(0.8 * coupling * (spins * np.roll(spins, 1, axis=1)).sum(axis=1))
    expected = (weight[:, np.newaxis] * spins * spins[:, :1]).sum(axis=0) / weight.sum()
    result = ising.ring_correlation(n, 0.8, distance=np.arange(n), coupling=coupling)
    np.testing.assert_allclose(result, expected, atol=1e-14)


def test_ring_correlation_at_the_ends():
    assert ising.ring_correlation(7, 0.0, distance=0) == 1
    assert ising.ring_correlation(7, 0.0, distance=3) == 0
    assert ising.ring_correlation(7, 1e3, distance=3) == 1
    assert ising.ring_correlation(7, 1e3, distance=1, coupling=-1.0) == pytest.approx(-(1 - 2 / 7))
    result = ising.ring(50, 0.9)
    assert ising.ring_correlation(50, 0.9, distance=np.arange(50)).sum() * 0.9 == pytest.approx(
        result.susceptibility
    )
    assert ising.ring_correlation(50, 0.9, distance=1) == pytest.approx(-result.energy)


@PHYSICS
@given(beta=BETAS, coupling=COUPLINGS, field=FIELDS)
def test_chain_is_the_limit_of_the_ring(beta, coupling, field):
    assume(ising.correlation_length(beta, coupling=coupling) < 400)
    limit = ising.chain(beta, coupling=coupling, field=field)
    long = ising.ring(100_001, beta, coupling=coupling, field=field)
    np.testing.assert_allclose(limit, long, rtol=1e-12, atol=1e-13)
    sinh = math.sinh(beta * field)
    slow = math.hypot(sinh, math.exp(-2 * beta * coupling))
    assert limit.magnetization == pytest.approx(sinh / slow, rel=1e-13, abs=1e-300)


def test_chain_at_extreme_temperatures():
    hot = ising.chain(0.0, field=1.0)
    assert hot.log_partition == pytest.approx(math.log(2), rel=1e-15)
    assert hot[1:] == (0, 0, 0, 0)
    cold = ising.chain(1e4)
    assert cold[:4] == (1e4, -1, pytest.approx(0, abs=1e-200), 0)
    assert cold.susceptibility == pytest.approx(1e304)
    assert ising.chain(1e4, field=0.1)[1:4] == pytest.approx((-1.1, 0, 1))
    assert ising.chain(1e4, coupling=-1.0, field=0.1)[1:4] == pytest.approx((-1, 0, 0))


# Mean field


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (0.2, 0.9999091217),
        (0.4, 0.9856238716),
        (0.5, 0.9575040241),
        (0.6, 0.9073323166),
        (0.8, 0.7104117835),
        (0.9, 0.5254295127),
        (0.95, 0.3794852067),
        (0.99, 0.1725110700),
    ],
)
def test_curie_weiss_magnetization(temperature, expected):
    assert ising.curie_weiss_magnetization(1 / temperature) == pytest.approx(expected, abs=6e-11)


def test_curie_weiss_free_energy():
    for temperature, expected in ((0.5, -0.50983553), (0.8, -0.58319976), (0.9, -0.63117547)):
        m = ising.curie_weiss_magnetization(1 / temperature)
        assert ising.curie_weiss_free_energy(m, 1 / temperature) == pytest.approx(expected, abs=6e-9)
    ends = ising.curie_weiss_free_energy([-1.0, 0.0, 1.0], 2.0, field=0.25, coupling=3.0)
    np.testing.assert_allclose(ends, [-1.25, -math.log(2) / 2, -1.75], rtol=1e-15)


@PHYSICS
@given(beta=st.floats(0.01, 20.0), field=st.floats(-1.0, 1.0), coupling=st.floats(-1.0, 2.0))
def test_curie_weiss_solutions_are_all_the_zeros(beta, field, coupling):
    solutions = ising.curie_weiss_solutions(beta, field=field, coupling=coupling)
    residual = np.tanh(beta * (coupling * solutions + field)) - solutions
    np.testing.assert_allclose(residual, 0, atol=2e-15 * (1 + beta * abs(coupling)))
    assert (np.diff(solutions) >= 0).all()
    x = np.linspace(-1.0, 1.0, 20_001) * (beta * (abs(coupling) + abs(field)) + 1.1)
    excess = beta * (coupling * np.tanh(x) + field) - x
    crossings = np.count_nonzero(np.diff(np.sign(excess[excess != 0])))
    assert solutions.size >= crossings  # two zeros closer than the grid show no crossing
    assert solutions.size in (1, 3)
    mirrored = ising.curie_weiss_solutions(beta, field=-field, coupling=coupling)
    np.testing.assert_allclose(mirrored, -solutions[::-1], atol=1e-12, rtol=1e-9)


@PHYSICS
@given(beta=st.floats(0.01, 20.0), field=st.floats(-1.0, 1.0), coupling=st.floats(-1.0, 2.0))
def test_curie_weiss_magnetization_has_the_lowest_free_energy(beta, field, coupling):
    m = ising.curie_weiss_magnetization(beta, field=field, coupling=coupling)
    grid = ising.curie_weiss_free_energy(np.linspace(-1, 1, 2001), beta, field=field, coupling=coupling)
    lowest = ising.curie_weiss_free_energy(m, beta, field=field, coupling=coupling)
    assert lowest <= grid.min() + 1e-13 * (1 + 1 / beta)


def test_curie_weiss_near_the_critical_point_and_at_zero_temperature():
    epsilon = 2.0**-40
    m = ising.curie_weiss_magnetization(1 + epsilon)
    assert m == pytest.approx(math.sqrt(3 * epsilon), rel=1e-4)
    assert ising.curie_weiss_solutions(1.0).tolist() == [0.0]
    assert ising.curie_weiss_solutions(0.0, field=3.0).tolist() == [0.0]
    assert ising.curie_weiss_solutions(1 + 2.0**-52).size == 3
    assert ising.curie_weiss_solutions(1e6).tolist() == [-1, 0, 1]
    assert ising.curie_weiss_solutions(1e6, field=0.5).tolist() == [-1, pytest.approx(-0.5, abs=1e-5), 1]
    assert ising.curie_weiss_magnetization(1e6, field=-1e-3) == -1


@pytest.mark.parametrize("k", [1.0, 1 + 2.0**-52, 1 + 2.0**-50, 1 + 2.0**-40, 1.0001, 2.0, 1e3, 1e12])
@pytest.mark.parametrize("field", [0.0, 1e-300, 1e-24, 1e-20, 1e-12, 1e-3, 1.0, 1e9])
def test_every_corner_has_a_solution(k, field):
    for sign in (1, -1):
        solutions = ising.curie_weiss_solutions(k, field=sign * field)
        assert 1 <= solutions.size <= 3
        stable = ising.flip_flop(k, fields=(sign * field, field / 3))
        assert 1 <= len(stable) <= 2
        for states in (solutions, stable):
            assert (np.abs(states) <= 1).all()


@pytest.mark.parametrize(("temperature", "field"), [(0.3, 0.473679), (0.5, 0.266420), (0.8, 0.062244)])
def test_spinodal(temperature, field):
    beta = 1 / temperature
    end = ising.spinodal(beta)
    assert end.magnetization == pytest.approx(math.sqrt(1 - temperature), rel=1e-15)
    assert end.field == pytest.approx(field, abs=6e-7)
    for sign in (1, -1):
        assert ising.curie_weiss_solutions(beta, field=sign * end.field * (1 - 1e-12)).size == 3
        assert ising.curie_weiss_solutions(beta, field=sign * end.field * (1 + 1e-12)).size == 1
    metastable = ising.curie_weiss_solutions(beta, field=end.field * (1 - 1e-12))[:2]
    np.testing.assert_allclose(metastable, -end.magnetization, atol=1e-5)


def test_spinodal_scales_with_the_coupling_and_ends_at_the_critical_point():
    one, two = ising.spinodal(2.0), ising.spinodal(1.0, coupling=2.0)
    assert (two.magnetization, two.field) == (one.magnetization, 2 * one.field)
    assert ising.spinodal(1.0) == (0, 0)
    with pytest.raises(ValueError, match=r"at least 1.*0\.5"):
        ising.spinodal(0.5)


@PHYSICS
@given(beta=st.floats(0.05, 3.0), field=st.floats(0.05, 1.0), coupling=st.floats(-1.0, 1.0))
def test_curie_weiss_susceptibility_is_the_slope(beta, field, coupling):
    m = ising.curie_weiss_magnetization(beta, field=field, coupling=coupling)
    slope = derivative(lambda h: ising.curie_weiss_magnetization(beta, field=h, coupling=coupling), field)
    chi = ising.curie_weiss_susceptibility(m, beta, coupling=coupling)
    assert chi == pytest.approx(slope, rel=1e-5, abs=1e-10)


def test_curie_weiss_susceptibility_signs():
    assert ising.curie_weiss_susceptibility(0.0, 1.0) == math.inf
    assert ising.curie_weiss_susceptibility(0.0, 2.0) == -2.0
    np.testing.assert_allclose(ising.curie_weiss_susceptibility([0.0, 1.0], 0.5), [1.0, 0.0])


@pytest.mark.parametrize(
    ("n", "absolute", "binder"),
    [
        (10, 0.5063645, 0.3865362),
        (100, 0.2867964, 0.3055847),
        (1000, 0.1616183, 0.2814171),
        (10_000, 0.0909546, 0.2739460),
    ],
)
def test_finite_curie_weiss_at_the_critical_point(n, absolute, binder):
    moments = ising.curie_weiss_finite(n, 1.0).moments
    assert moments.absolute == pytest.approx(absolute, abs=6e-8)
    assert moments.binder == pytest.approx(binder, abs=6e-8)


def test_finite_curie_weiss_approaches_its_limits():
    n = 1_000_000
    moments = ising.curie_weiss_finite(n, 1.0).moments
    assert moments.second * math.sqrt(n) == pytest.approx(1.17082866, rel=2e-3)
    assert moments.absolute * n**0.25 == pytest.approx(0.90989059, rel=1e-3)
    assert moments.binder == pytest.approx(1 - math.gamma(0.25) ** 4 / (24 * math.pi**2), abs=5e-4)
    assert 1 - math.gamma(0.25) ** 4 / (24 * math.pi**2) == pytest.approx(0.27052013, abs=5e-9)
    cold = ising.curie_weiss_finite(n, 1.25, field=0.2)
    m = ising.curie_weiss_magnetization(1.25, field=0.2)
    assert cold.magnetization @ cold.probability == pytest.approx(m, abs=1e-5)
    free_energy = ising.curie_weiss_free_energy(m, 1.25, field=0.2)
    assert cold.log_partition == pytest.approx(-1.25 * free_energy, abs=1e-5)


@PHYSICS
@given(n=st.integers(1, 12), beta=st.floats(0.0, 3.0), coupling=COUPLINGS, field=FIELDS)
def test_finite_curie_weiss_agrees_with_enumeration(n, beta, coupling, field):
    bits = (np.arange(2**n)[:, np.newaxis] >> np.arange(n)) & 1
    total = (1 - 2 * bits).sum(axis=1)
    weight = np.exp(beta * (coupling * total**2 / (2 * n) + field * total))
    law = ising.curie_weiss_finite(n, beta, coupling=coupling, field=field)
    assert law.log_partition == pytest.approx(math.log(weight.sum()) / n, rel=1e-13)
    expected = [weight[total == 2 * up - n].sum() / weight.sum() for up in range(n + 1)]
    np.testing.assert_allclose(law.probability, expected, rtol=1e-11)
    np.testing.assert_allclose(law.magnetization * n, np.arange(-n, n + 1, 2), atol=1e-12)
    assert law.moments.fourth == pytest.approx(weight @ (total / n) ** 4 / weight.sum(), rel=1e-12)


def test_finite_curie_weiss_agrees_with_high_precision():
    n, beta, field = 3001, mp.mpf("1.1"), mp.mpf("0.001")
    with mp.workdps(40):
        m = [mp.mpf(2 * up - n) / n for up in range(n + 1)]
        weight, binomial = [], mp.mpf(1)
        for up, value in enumerate(m):
            weight.append(binomial * mp.exp(n * beta * (value**2 / 2 + field * value)))
            binomial = binomial * (n - up) / (up + 1)
        z = mp.fsum(weight)
        expected = [float(w / z) for w in weight]
        log_partition = float(mp.log(z) / n)
    law = ising.curie_weiss_finite(n, 1.1, field=0.001)
    np.testing.assert_allclose(law.probability, expected, rtol=3e-12, atol=1e-200)
    assert law.log_partition == pytest.approx(log_partition, rel=1e-14)
    assert np.isfinite(ising.curie_weiss_finite(1000, 1e5, coupling=-1.0, field=3.0).probability).all()


def test_flip_flop_without_input_holds_either_state():
    m = ising.curie_weiss_magnetization(2.0)
    assert m == pytest.approx(0.957504, abs=5e-7)
    np.testing.assert_allclose(ising.flip_flop(2.0), [[-m, m], [m, -m]], rtol=1e-14)
    np.testing.assert_allclose(ising.flip_flop(2.0, coupling=-1.0), [[-m, -m], [m, m]], rtol=1e-14)
    assert ising.flip_flop(0.9).tolist() == [[0, 0]]
    assert ising.flip_flop(1e4).tolist() == [[-1, 1], [1, -1]]


def test_flip_flop_is_set_and_reset_by_its_inputs():
    (high,) = ising.flip_flop(2.0, fields=(1.0, -1.0))
    (low,) = ising.flip_flop(2.0, fields=(-1.0, 1.0))
    assert high[0] > 0.99 > -0.99 > high[1]
    np.testing.assert_allclose(low, -high, rtol=1e-14)
    assert len(ising.flip_flop(2.0, fields=(0.05, 0.05))) == 2  # equal inputs hold
    assert len(ising.flip_flop(2.0, fields=(2.0, 2.0))) == 1  # unless they are strong


@PHYSICS
@given(
    beta=st.floats(0.1, 6.0),
    fields=st.tuples(st.floats(-1.0, 1.0), st.floats(-1.0, 1.0)),
    coupling=st.floats(-1.2, 1.2),
)
def test_flip_flop_finds_every_stable_state(beta, fields, coupling):
    found = ising.flip_flop(beta, fields=fields, coupling=coupling)
    assert len(found) in (1, 2)
    expected = np.tanh(beta * (np.array(fields) - coupling * found[:, ::-1]))
    np.testing.assert_allclose(found, expected, atol=1e-13 * (1 + (beta * coupling) ** 2))
    gain = (beta * coupling) ** 2 * np.prod(1 - found**2, axis=1)
    assert (gain <= 1 + 1e-6).all()
    assert (np.diff(found[:, 0]) > 0).all()
    assume((gain < 0.9).all())
    starts = np.stack(np.meshgrid(*[np.linspace(-1, 1, 9)] * 2), axis=-1).reshape(-1, 2)
    for _ in range(400):
        starts += 0.5 * (np.tanh(beta * (np.array(fields) - coupling * starts[:, ::-1])) - starts)
    distance = np.abs(starts[:, np.newaxis] - found).max(axis=-1)
    settled = distance.min(axis=1) < 1e-6
    reached = np.unique(distance.argmin(axis=1)[settled])
    speed = np.abs(np.tanh(beta * (np.array(fields) - coupling * starts[:, ::-1])) - starts).max(axis=1)
    moving = speed > 1e-9
    saddle = (beta * coupling) ** 2 * np.prod(1 - starts**2, axis=1) > 1
    assert (settled | moving | saddle).all()
    assert len(reached) == len(found)


# Two dimensions


@pytest.mark.parametrize(
    ("temperature", "energy", "specific_heat", "log_partition", "magnetization"),
    [
        (1.0, -1.9971602041, 0.0233795647, 2.0003482837, 0.9992757520),
        (1.5, -1.9511165731, 0.1972745402, 1.3389621236, 0.9864996026),
        (2.0, -1.7455645753, 0.7248714486, 1.0257928127, 0.9113193779),
        (2.2, -1.5464891441, 1.4142776913, 0.9503391383, 0.7847551314),
        (2.25, -1.4631027326, 2.0530770254, 0.9351105449, 0.6718540267),
        (2.3, -1.3428663877, 1.8223686861, 0.9215777822, 0),
        (2.5, -1.1060792037, 0.8616983568, 0.8793638208, 0),
        (3.0, -0.8173095925, 0.4013795759, 0.8158827319, 0),
        (4.0, -0.5572722406, 0.1711884115, 0.7591064785, 0),
        (5.0, -0.4282288332, 0.0976521776, 0.7345308123, 0),
    ],
)
def test_onsager_and_yang_table(temperature, energy, specific_heat, log_partition, magnetization):
    result = ising.onsager(1 / temperature)
    np.testing.assert_allclose(result, (log_partition, energy, specific_heat), rtol=0, atol=6e-11)
    assert ising.spontaneous_magnetization(1 / temperature) == pytest.approx(magnetization, abs=6e-11)


@pytest.mark.parametrize(
    "k", [1e-8, 1e-3, 0.1, 0.15, 0.2, 0.3, 0.43, 0.4406, 0.44068, 0.4407, 0.45, 0.6, 0.8, 1.0, 2.0, 5.0, 10.0]
)
def test_onsager_keeps_its_digits(k):
    expected = [float(value) for value in onsager_reference(k)]
    np.testing.assert_allclose(ising.onsager(k), expected, rtol=2e-13)
    np.testing.assert_allclose(ising.onsager(k / 2, coupling=-2.0).energy, 2 * expected[1], rtol=2e-13)


def test_onsager_at_the_critical_point():
    result = ising.onsager(CRITICAL_BETA)
    catalan = 0.915965594177219015
    assert result.energy == pytest.approx(-math.sqrt(2), rel=1e-15)
    assert result.log_partition == pytest.approx(math.log(2) / 2 + 2 * catalan / math.pi, rel=1e-15)
    assert result.log_partition + CRITICAL_BETA * result.energy == pytest.approx(0.3064701582, abs=6e-11)
    assert result.specific_heat == math.inf
    near = ising.onsager(1 / (CRITICAL_TEMPERATURE * (1 - np.array([1e-6, 1e-8])))).specific_heat
    assert np.diff(near)[0] / math.log(100) == pytest.approx(0.4945385895, rel=1e-4)
    assert 8 * CRITICAL_BETA**2 / math.pi == pytest.approx(0.4945385895, abs=6e-11)


def test_onsager_at_extreme_temperatures():
    assert ising.onsager(0.0) == (pytest.approx(math.log(2), rel=1e-15), 0, 0)
    assert ising.onsager(1e4) == (pytest.approx(2e4, rel=1e-15), -2, 0)
    assert ising.onsager(3.0, coupling=0.0) == (pytest.approx(math.log(2), rel=1e-15), 0, 0)


@PHYSICS
@given(k=st.floats(0.02, 2.0))
def test_onsager_is_self_dual(k):
    dual = -math.log(math.tanh(k)) / 2
    here, there = ising.onsager(k), ising.onsager(dual)
    expected = there.log_partition + math.log(math.sinh(2 * k))
    assert here.log_partition == pytest.approx(expected, rel=1e-13, abs=1e-13)
    assert here.energy == pytest.approx(
        -derivative(lambda b: ising.onsager(b).log_partition, k, 1e-5), abs=1e-6
    )


def test_yang_exponent_and_sign():
    epsilon = np.array([1e-9, 1e-12])
    m = ising.spontaneous_magnetization(CRITICAL_BETA * (1 + epsilon))
    expected = (8 * math.sqrt(2) * CRITICAL_BETA * epsilon) ** 0.125
    np.testing.assert_allclose(m, expected, rtol=2e-5)
    assert ising.spontaneous_magnetization(CRITICAL_BETA) == 0
    assert ising.spontaneous_magnetization(1.0, coupling=-1.0) == 0
    assert ising.spontaneous_magnetization(1e4) == 1


@pytest.mark.parametrize(
    "shape", [(2, 2), (2, 3), (3, 5), (5, 3), (4, 4), (7, 16), (33, 21), (64, 64), (2, 300)]
)
@pytest.mark.parametrize("k", [0.01, 0.3, CRITICAL_BETA, 0.4407, 1.0, 2.0])
def test_kaufman_keeps_its_digits(shape, k):
    expected = [float(value) for value in kaufman_reference(*shape, k)]
    result = ising.kaufman(shape, k)
    np.testing.assert_allclose(result, expected, rtol=1e-13, atol=1e-16)
    assert result == ising.kaufman(shape[::-1], k)


@pytest.mark.parametrize("k", [0.01, CRITICAL_BETA, 2.0])
def test_kaufman_keeps_its_digits_on_a_large_torus(k):
    expected = [float(value) for value in kaufman_reference(512, 512, k)]
    np.testing.assert_allclose(ising.kaufman((512, 512), k), expected, rtol=2e-13, atol=1e-16)


@pytest.mark.parametrize(
    ("length", "energy", "specific_heat"),
    [
        (4, -1.5656237876, 0.7832668259),
        (6, -1.5168731246, 0.9965818189),
        (8, -1.4915891074, 1.1455592400),
        (12, -1.4659608165, 1.3529506830),
        (16, -1.4530648528, 1.4987049590),
        (24, -1.4401334961, 1.7027336880),
        (32, -1.4336584661, 1.8467675900),
        (64, -1.4239383898, 2.1922113930),
        (128, -1.4190762721, 2.5363313350),
    ],
)
def test_kaufman_at_the_critical_point(length, energy, specific_heat):
    result = ising.kaufman((length, length), CRITICAL_BETA)
    assert result.energy == pytest.approx(energy, abs=6e-11)
    assert result.specific_heat == pytest.approx(specific_heat, abs=6e-10)


def test_kaufman_finite_size_amplitudes():
    half, full = (ising.kaufman((length, length), CRITICAL_BETA) for length in (256, 512))
    assert 512 * (full.energy + math.sqrt(2)) == pytest.approx(-0.62244, abs=6e-6)
    extrapolated = 2 * full.specific_heat - half.specific_heat  # the correction falls off as 1 / L
    assert extrapolated - 0.4945385895 * math.log(1024) == pytest.approx(0.1381, abs=1e-4)


@pytest.mark.parametrize("temperature", [1.0, 2.0, 2.6, 4.0])
def test_large_torus_is_infinite_off_criticality(temperature):
    torus, infinite = ising.kaufman((512, 512), 1 / temperature), ising.onsager(1 / temperature)
    excess = math.log(2) / 512**2 if temperature < CRITICAL_TEMPERATURE else 0.0
    assert torus.log_partition - excess == pytest.approx(infinite.log_partition, rel=1e-14)
    np.testing.assert_allclose(torus[1:], infinite[1:], rtol=1e-12)


@PHYSICS
@given(
    shape=st.tuples(st.integers(2, 6), st.integers(2, 6)),
    beta=st.floats(0.0, 2.5),
    coupling=st.floats(0.1, 1.5),
)
@example(shape=(2, 2), beta=0.0, coupling=1.0)
def test_kaufman_agrees_with_counted_states(shape, beta, coupling):
    counted = counted_states(shape).observables(beta, coupling=coupling)
    np.testing.assert_allclose(
        ising.kaufman(shape, beta, coupling=coupling), counted[:3], rtol=1e-11, atol=1e-14
    )


@PHYSICS
@given(shape=st.tuples(st.integers(2, 40), st.integers(2, 40)), beta=st.floats(0.05, 1.5))
def test_kaufman_densities_are_derivatives(shape, beta):
    result = ising.kaufman(shape, beta)
    slope = derivative(lambda b: ising.kaufman(shape, b).log_partition, beta)
    curvature = derivative(lambda b: ising.kaufman(shape, b).energy, beta)
    assert result.energy == pytest.approx(-slope, abs=1e-8)
    assert result.specific_heat == pytest.approx(-(beta**2) * curvature, rel=1e-6, abs=1e-8)


def test_kaufman_antiferromagnet():
    counted = counted_states((4, 6)).observables(0.7, coupling=-0.8)
    np.testing.assert_allclose(ising.kaufman((4, 6), 0.7, coupling=-0.8), counted[:3], rtol=1e-13)
    with pytest.raises(ValueError, match=r"odd side frustrates.*\(3, 4\)"):
        ising.kaufman((3, 4), 0.7, coupling=-0.8)


def test_kaufman_at_extreme_temperatures():
    assert ising.kaufman((512, 300), 0.0) == (pytest.approx(math.log(2), rel=1e-15), 0, 0)
    cold = ising.kaufman((512, 300), 1e4)
    assert cold == (pytest.approx(2e4 + math.log(2) / (512 * 300), rel=1e-15), -2, 0)


# Counting of states


counted_states = functools.cache(ising.density_of_states)


@pytest.mark.parametrize(
    "shape",
    [
        (2,),
        (3,),
        (9,),
        (2, 2),
        (2, 3),
        (3, 2),
        (3, 3),
        (5, 2),
        (3, 4),
        (4, 4),
        (2, 2, 2),
        (3, 2, 2),
        (2, 4, 2),
    ],
)
def test_density_of_states_agrees_with_enumeration(shape):
    bonds, total, _ = states(shape)
    pairs, count = np.unique(np.stack([bonds, total], axis=1), axis=0, return_counts=True)
    result = counted_states(shape)
    assert result.count.dtype == np.int64
    np.testing.assert_array_equal(np.stack([result.bond_sum, result.spin_sum], axis=1), pairs)
    np.testing.assert_array_equal(result.count, count)


def levels(shape):
    result = counted_states(shape)
    energies = np.unique(-result.bond_sum)
    return {int(energy): int(result.count[-result.bond_sum == energy].sum()) for energy in energies}


def test_density_of_states_tables():
    assert levels((2, 2)) == {-8: 2, 0: 12, 8: 2}
    assert levels((3, 3)) == {-18: 2, -10: 18, -6: 48, -2: 198, 2: 144, 6: 102}
    half = {32: 2, 24: 32, 20: 64, 16: 424, 12: 1728, 8: 6688, 4: 13568}
    assert levels((4, 4)) == {0: 20524} | half | {-energy: count for energy, count in half.items()}
    five = [2, 50, 100, 850, 3140, 16300, 74500, 311800, 1014900]
    assert list(levels((5, 5)).items())[:9] == list(zip([-50, *range(-42, -13, 4)], five, strict=False))[:9]
    six = [2, 72, 144, 1620, 6048, 35148, 159840, 804078, 3846576]
    assert list(levels((6, 6)).items())[:9] == list(zip([-72, *range(-64, -35, 4)], six, strict=True))
    assert levels((6, 6))[0] == 13172279424


@pytest.mark.parametrize("length", [6, 7])
def test_first_levels_of_a_square(length):
    n = length**2
    first = list(levels((length, length)).values())[:5]
    assert first == [2, 2 * n, 4 * n, n * (n + 9), 4 * n * (n + 6)]


@pytest.mark.parametrize("shape", [(5, 5), (4, 6), (7, 7), (3, 3, 3), (2, 3, 4), (40,), (64,)])
def test_density_of_states_sum_rules(shape):
    result, n = counted_states(shape), math.prod(shape)
    count = [int(c) for c in result.count]
    n_bonds = n * len(shape)
    doubled = sum(
        n for side in shape if side == 2
    )  # each double bond adds the square of 2 instead of twice 1
    assert sum(count) == 2**n
    assert sum(c * int(b) for c, b in zip(count, result.bond_sum, strict=True)) == 0
    assert sum(c * int(b) ** 2 for c, b in zip(count, result.bond_sum, strict=True)) == 2**n * (
        n_bonds + doubled
    )
    together = zip(count, result.bond_sum, result.spin_sum, strict=True)
    assert sum(c * int(b) * int(m) ** 2 for c, b, m in together) == 2**n * 2 * n_bonds
    for up in range(0, n + 1, 3):
        assert sum(c for c, m in zip(count, result.spin_sum, strict=True) if m == 2 * up - n) == math.comb(
            n, up
        )
    assert result.n_sites == n


def test_low_levels_of_a_cube():
    result = counted_states((3, 3, 3))
    found = {
        (int(b), int(m)): int(c)
        for b, m, c in zip(result.bond_sum, result.spin_sum, result.count, strict=True)
        if b > 60
    }
    assert found == {(81, 27): 1, (81, -27): 1, (69, 25): 27, (69, -25): 27, (61, 23): 81, (61, -23): 81}


@pytest.mark.parametrize(
    ("length", "absolute", "second", "binder"),
    [
        (2, 0.8992640687, 0.8742640687, 0.6269039582),
        (3, 0.8710719355, 0.8094299893, 0.6201465606),
        (4, 0.8438604448, 0.7613589086, 0.6171993184),
        (5, 0.8227078634, 0.7236972732, 0.6154755344),
        (6, 0.8049765584, 0.6933165911, 0.6143562391),
        (7, 0.7901403136, 0.6681767939, 0.6135903938),
    ],
)
def test_critical_moments(length, absolute, second, binder):
    moments = counted_states((length, length)).moments(CRITICAL_BETA)
    assert moments.absolute == pytest.approx(absolute, abs=6e-11)
    assert moments.second == pytest.approx(second, abs=6e-11)
    assert moments.binder == pytest.approx(binder, abs=6e-11)


def test_four_by_four_table():
    result = counted_states((4, 4))
    energy, absolute = result.observables(1.0).energy, result.moments(1.0).absolute
    assert (energy, absolute) == pytest.approx((-1.9971584403, 0.9992745837), abs=6e-11)
    for temperature, u, c, m, binder in (
        (2.0, -1.7553802888, 0.60553266, 0.9189432674, 0.6448107912),
        (2.5, -1.3791164823, 0.81251523, 0.7647123932, 0.5815276591),
        (3.0, -1.0170696270, 0.60313471, 0.6012913260, 0.4805406601),
    ):
        observables, moments = result.observables(1 / temperature), result.moments(1 / temperature)
        assert observables.energy == pytest.approx(u, abs=6e-11)
        assert observables.specific_heat == pytest.approx(c, abs=6e-9)
        assert (moments.absolute, moments.binder) == pytest.approx((m, binder), abs=6e-11)


@PHYSICS
@given(beta=BETAS, coupling=COUPLINGS, field=FIELDS)
def test_counted_observables_agree_with_enumeration(beta, coupling, field):
    for shape in ((3, 4), (2, 2, 2)):
        result = counted_states(shape).observables(beta, coupling=coupling, field=field)
        np.testing.assert_allclose(
            result, enumerate_lattice(shape, beta, coupling, field), rtol=1e-12, atol=1e-13
        )


def test_counted_observables_do_not_overflow():
    result = counted_states((6, 6)).observables([0.0, 1e5], field=0.5)
    np.testing.assert_allclose(result.log_partition, [math.log(2), 2.5e5])
    np.testing.assert_allclose(result.energy, [0, -2.5], atol=1e-15)
    np.testing.assert_allclose(result.magnetization, [0, 1], atol=1e-15)
    moments = counted_states((6, 6)).moments(1e5)
    assert moments == (1, 1, 1, pytest.approx(2 / 3))


# Arguments


BY_BETA = {
    "ring": lambda beta, **k: ising.ring(6, beta, **k).energy,
    "chain": lambda beta, **k: ising.chain(beta, **k).energy,
    "onsager": lambda beta, **k: ising.onsager(beta, **k).energy,
    "kaufman": lambda beta, **k: ising.kaufman((4, 6), beta, **k).specific_heat,
    "spontaneous_magnetization": ising.spontaneous_magnetization,
    "curie_weiss_magnetization": ising.curie_weiss_magnetization,
    "correlation_length": ising.correlation_length,
    "observables": lambda beta, **k: counted_states((3, 3)).observables(beta, **k).susceptibility,
    "moments": lambda beta, **k: counted_states((3, 3)).moments(beta, **k).binder,
}
BY_NUMBER = {
    "transfer_matrix": ising.transfer_matrix,
    "ring_correlation": lambda beta, **k: ising.ring_correlation(6, beta, distance=1, **k),
    "curie_weiss_solutions": ising.curie_weiss_solutions,
    "curie_weiss_free_energy": lambda beta, **k: ising.curie_weiss_free_energy(0.1, beta, **k),
    "curie_weiss_susceptibility": lambda beta, **k: ising.curie_weiss_susceptibility(0.1, beta, **k),
    "curie_weiss_finite": lambda beta, **k: ising.curie_weiss_finite(5, beta, **k),
    "spinodal": ising.spinodal,
    "flip_flop": ising.flip_flop,
}


@pytest.mark.parametrize("name", BY_BETA)
def test_numbers_and_arrays(name):
    betas = np.array([[0.1, 0.4], [0.5, 1.2]])
    values = BY_BETA[name](betas)
    assert values.shape == betas.shape
    for beta, value in zip(betas.ravel().tolist(), values.ravel().tolist(), strict=True):
        single = BY_BETA[name](beta)
        assert type(single) is float
        assert single == pytest.approx(value, rel=1e-14)
    assert BY_BETA[name](np.array([])).shape == (0,)


@pytest.mark.parametrize("name", [*BY_BETA, *BY_NUMBER])
def test_bad_parameters_are_refused(name):
    function = (BY_BETA | BY_NUMBER)[name]
    for value, message in (
        (-0.5, "at least 0; got -0.5"),
        (math.nan, "finite; got nan"),
        (math.inf, "finite; got inf"),
    ):
        with pytest.raises(ValueError, match=f"beta must be {message}"):
            function(value)
    for value in ("0.5", 1j, True, None):
        with pytest.raises(TypeError, match="beta must"):
            function(value)
    with pytest.raises(ValueError, match="coupling must be finite; got nan"):
        function(0.5, coupling=math.nan)
    with pytest.raises(TypeError, match="coupling must be a real number"):
        function(0.5, coupling="strong")


@pytest.mark.parametrize("name", BY_NUMBER)
def test_one_state_takes_one_temperature(name):
    with pytest.raises(TypeError, match="beta must be a real number"):
        BY_NUMBER[name](np.array([0.5, 0.6]))


@pytest.mark.parametrize("name", ["ring", "chain", "curie_weiss_magnetization", "observables", "moments"])
def test_bad_fields_are_refused(name):
    with pytest.raises(ValueError, match="field must be finite; got inf"):
        BY_BETA[name](0.5, field=math.inf)
    with pytest.raises(TypeError, match="field must be a real number"):
        BY_BETA[name](0.5, field=[0.1])


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((4, 1), ValueError, "side of 1"),
        ((0, 4), ValueError, "zero length"),
        ((-3, 4), ValueError, "got -3"),
        ((4, 4.0), TypeError, "got 4.0"),
        (("4", 4), TypeError, "got '4'"),
        ((4, True), TypeError, "got True"),
        ((4, 4, 4, 4), ValueError, "4: "),
        ((), ValueError, "0: "),
    ],
)
def test_bad_shapes_are_refused(shape, error, message):
    for function in (ising.density_of_states, lambda sides: ising.kaufman(sides, 0.4)):
        with pytest.raises(error, match=message):
            function(shape)


def test_unsuitable_shapes_are_refused():
    with pytest.raises(ValueError, match="2 sides; got 1"):
        ising.kaufman(4, 0.4)
    with pytest.raises(ValueError, match="2 sides; got 3"):
        ising.kaufman((4, 4, 4), 0.4)
    for shape in ((65,), (9, 8), (4, 4, 4), (10, 10)):
        with pytest.raises(ValueError, match="at most 64 spins, in layers of at most 9"):
            ising.density_of_states(shape)


def test_bad_numbers_are_refused():
    for n in (0, 1, -4):
        with pytest.raises(ValueError, match=f"n must be at least 2; got {n}"):
            ising.ring(n, 0.5)
    with pytest.raises(TypeError, match=r"n must be an integer; got 4\.0"):
        ising.ring_correlation(4.0, 0.5, distance=1)
    with pytest.raises(ValueError, match="n must be at least 1; got 0"):
        ising.curie_weiss_finite(0, 0.5)
    with pytest.raises(ValueError, match="n must be at most 10000000; got 10000001"):
        ising.curie_weiss_finite(10**7 + 1, 0.5)
    for distance in (-1, [0, 7]):
        with pytest.raises(ValueError, match="distance must lie between 0 and n = 6"):
            ising.ring_correlation(6, 0.5, distance=distance)
    with pytest.raises(TypeError, match="distance must hold integers"):
        ising.ring_correlation(6, 0.5, distance=1.5)
    for m in (1.5, -1.5, [0.0, 2.0]):
        with pytest.raises(ValueError, match="m must be at"):
            ising.curie_weiss_free_energy(m, 0.5)
    with pytest.raises(ValueError, match="beta must be positive"):
        ising.curie_weiss_free_energy(0.5, 0.0)
    with pytest.raises(ValueError, match=r"fields must be two numbers; got shape \(3,\)"):
        ising.flip_flop(0.5, fields=(1.0, 2.0, 3.0))
    with pytest.raises(ValueError, match="fields must be finite; got nan"):
        ising.flip_flop(0.5, fields=(1.0, math.nan))
