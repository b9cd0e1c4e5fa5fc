"""Counted states against enumeration, sum rules and published numbers."""

import math

import numpy as np
import pytest
from hypothesis import given

from smbook.theory.ising import CRITICAL_BETA
from tests.theory.ising.reference import (
    BETAS,
    COUPLINGS,
    FIELDS,
    PHYSICS,
    counted_states,
    enumerate_lattice,
    states,
)


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
