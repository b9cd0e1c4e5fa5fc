"""The Curie-Weiss magnet and the flip-flop against enumeration, limits and published numbers."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from smbook.theory import ising
from tests.theory.ising.reference import (
    COUPLINGS,
    FIELDS,
    PHYSICS,
    derivative,
)


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


def chain(n, beta, coupling, field):
    """The matrix of one update of the random-site heat bath, by its definition."""
    matrix = np.zeros((n + 1, n + 1))
    for up in range(n + 1):
        total = 2 * up - n
        for eligible, to in ((n - up, 1), (up, -1)):
            if eligible:
                pull = beta * (coupling * (total + to) / n + field)
                matrix[up, up + to] = eligible / n * (1 + to * math.tanh(pull)) / 2
        matrix[up, up] = 1 - matrix[up].sum()
    return matrix


def passage_by_solving(n, beta, start, stop, coupling, field):
    """Solve t = 1 + Q t on the states above `stop`."""
    stay = chain(n, beta, coupling, field)[stop + 1 :, stop + 1 :]
    return np.linalg.solve(np.eye(n - stop) - stay, np.ones(n - stop))[start - stop - 1] / n


@PHYSICS
@given(n=st.integers(1, 30), beta=st.floats(0.0, 1.5), coupling=COUPLINGS, field=FIELDS, data=st.data())
def test_first_passage_solves_the_linear_system(n, beta, coupling, field, data):
    start = data.draw(st.integers(1, n))
    stop = data.draw(st.integers(0, start - 1))
    mean = ising.curie_weiss_first_passage(n, beta, start=start, stop=stop, coupling=coupling, field=field)
    assume(mean < 1e6)  # beyond that the system is hard to solve
    assert mean == pytest.approx(passage_by_solving(n, beta, start, stop, coupling, field), rel=1e-7)


@pytest.mark.parametrize(("n", "expected"), [(10, 36.6), (20, 109.4), (30, 316.0)])
def test_first_passage_from_well_to_well(n, expected):
    low, _, high = ising.curie_weiss_solutions(1 / 0.6, field=-0.05)
    start, stop = (round(n * (1 + m) / 2) for m in (high, low))
    mean = ising.curie_weiss_first_passage(n, 1 / 0.6, start=start, stop=stop, field=-0.05)
    assert mean == pytest.approx(expected, abs=0.05)
    assert mean == pytest.approx(passage_by_solving(n, 1 / 0.6, start, stop, 1.0, -0.05), rel=1e-10)


def test_first_passage_of_large_magnets():
    """ln tau grows by beta (f(hilltop) - f(well)) a spin; beyond a float it is inf."""
    low, top, high = ising.curie_weiss_solutions(1 / 0.6, field=-0.05)
    barrier = np.diff(ising.curie_weiss_free_energy([high, top], 1 / 0.6, field=-0.05))[0] / 0.6

    def mean(n):
        start, stop = (round(n * (1 + m) / 2) for m in (high, low))
        return ising.curie_weiss_first_passage(n, 1 / 0.6, start=start, stop=stop, field=-0.05)

    assert math.log(mean(6000) / mean(3000)) / 3000 == pytest.approx(barrier, rel=1e-3)
    assert mean(10_000) == math.inf


def test_first_passage_of_free_spins_and_of_one_spin():
    """A spin that is up turns within 2 sweeps on the mean; the last of N free ones to turn is the slowest."""
    assert ising.curie_weiss_first_passage(1, 0.0, start=1, stop=0) == pytest.approx(2)
    assert ising.curie_weiss_first_passage(
        1, 1.0, start=1, stop=0, coupling=0.0, field=-0.5
    ) == pytest.approx(1 + math.exp(-1))
    steps = [ising.curie_weiss_first_passage(9, 0.7, start=k, stop=k - 1) for k in range(3, 8)]
    whole = ising.curie_weiss_first_passage(9, 0.7, start=7, stop=2)
    assert whole == pytest.approx(sum(steps), rel=1e-13)


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


def test_the_binder_cumulant_at_the_critical_point_and_its_first_correction():
    """U_4 - U_4* to first order in -N m^6 / 30 and in m^2 / 2, the moments taken with exp(-N m^4 / 12)."""

    def moment(power):
        return 12 ** (power / 4) * math.gamma((power + 1) / 4) / math.gamma(1 / 4)

    def slope(coefficient, power):
        second, fourth = (
            coefficient * (moment(order + power) - moment(order) * moment(power)) for order in (2, 4)
        )
        return (2 * moment(4) * second / moment(2) - fourth) / (3 * moment(2) ** 2)

    limit = 1 - moment(4) / (3 * moment(2) ** 2)
    parts = slope(-1 / 30, 6), slope(1 / 2, 2)
    assert limit == pytest.approx(1 - math.gamma(1 / 4) ** 4 / (24 * np.pi**2))
    assert parts == pytest.approx((0.1807, 0.1609), abs=5e-5)
    gaps = [
        np.sqrt(n) * (ising.curie_weiss_finite(n, 1.0).moments.binder - limit) for n in (10**5, 4 * 10**5)
    ]
    assert 2 * gaps[1] - gaps[0] == pytest.approx(sum(parts), abs=1e-5)
