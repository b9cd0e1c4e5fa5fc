"""Bethe lattices, rings and the onset of order: exact results, limits and thermodynamics."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from smbook.message_passing import belief_propagation
from smbook.network import from_edges, random_tree
from smbook.theory import ising
from smbook.theory.message_passing import (
    bethe_critical_temperature,
    bethe_lattice,
    non_backtracking_radius,
    ring,
)

# Bethe lattices


@pytest.mark.parametrize("field", [0.0, 0.3, -0.5])
def test_two_neighbours_make_a_chain(field):
    betas = np.array([0.1, 0.5, 1.0, 2.0])
    found, exact = (
        bethe_lattice(betas, 2, coupling=0.8, field=field),
        ising.chain(betas, coupling=0.8, field=field),
    )
    np.testing.assert_allclose(found.magnetization, exact.magnetization, atol=1e-12)
    np.testing.assert_allclose(found.energy, exact.energy, rtol=1e-12)
    np.testing.assert_allclose(-betas * found.free_energy, exact.log_partition, rtol=1e-12)


@pytest.mark.parametrize("degree", [3, 4, 6, 100])
def test_order_begins_at_its_temperature_like_a_root(degree):
    critical = bethe_critical_temperature(degree, coupling=2.0)
    above = bethe_lattice(1 / (critical * (1 + 1e-9)), degree, coupling=2.0)
    assert above.magnetization == 0.0
    near = [bethe_lattice(1 / (critical * (1 - x)), degree, coupling=2.0).magnetization for x in (1e-4, 1e-6)]
    assert near[0] / near[1] == pytest.approx(10.0, rel=1e-3)


def test_known_temperatures():
    assert bethe_critical_temperature(4) == pytest.approx(2.8853901, abs=5e-8)
    assert bethe_critical_temperature(6) == pytest.approx(2 / math.log(1.5), rel=1e-15)
    assert bethe_critical_temperature(2) == 0.0
    assert bethe_critical_temperature(1000, coupling=0.001) == pytest.approx(1.0, abs=2e-3)


@pytest.mark.parametrize(("beta", "field"), [(0.3, 0.0), (0.3, 0.2), (0.7, 0.0), (0.7, -0.1), (1.2, 0.4)])
def test_energy_magnetization_and_entropy_are_slopes_of_the_free_energy(beta, field):
    def log_z(b, h):
        return -b * bethe_lattice(b, 3, field=h).free_energy

    found, step = bethe_lattice(beta, 3, field=field), 1e-5
    energy = -(log_z(beta + step, field) - log_z(beta - step, field)) / (2 * step)
    assert abs(found.energy - energy) < 1e-8
    assert found.entropy == pytest.approx(beta * (found.energy - found.free_energy), abs=1e-14)
    if field:
        slope = (log_z(beta, field + step) - log_z(beta, field - step)) / (2 * step * beta)
        assert abs(found.magnetization - slope) < 1e-8


def test_many_weak_neighbours_are_a_mean_field():
    found = bethe_lattice(1.5, 100_000, coupling=1e-5)
    m = brentq(lambda x: math.tanh(1.5 * x) - x, 0.5, 1.0, xtol=1e-14)
    up, down = (1 + m) / 2, (1 - m) / 2
    free_energy = -m * m / 2 + (up * math.log(up) + down * math.log(down)) / 1.5
    assert abs(found.magnetization - m) < 1e-4
    assert abs(found.free_energy - free_energy) < 1e-4


def test_it_is_the_inside_of_a_tree():
    """The root of a tree of 12 generations, 12,287 spins, in a field: the surface is forgotten."""
    edges = [((k - 1) // 2, k) for k in range(1, 2**13 - 1)]
    n = 2**13 - 1 + 2**12
    edges += [(0, 2**13 - 1), *(((k - 1) // 2 + 2**13 - 1, k + 2**13 - 1) for k in range(1, 2**12))]
    found = belief_propagation(from_edges(n, edges, fields=0.5), 0.2)
    theory = bethe_lattice(0.2, 3, field=0.5)
    assert abs(found.magnetization[0] - theory.magnetization) < 1e-5
    assert abs(found.correlations[0] - theory.correlation) < 1e-5
    assert abs(found.magnetization[-1] - theory.magnetization) > 1e-2


def test_cold_and_hot_limits():
    cold = bethe_lattice(500.0, 3, field=0.1)
    assert cold == (1.0, 1.0, pytest.approx(-1.6), pytest.approx(0.0, abs=1e-9), pytest.approx(-1.6))
    assert bethe_lattice(500.0, 3, field=-0.1).magnetization == -1.0
    hot = bethe_lattice(1e-9, 3)
    assert hot.entropy == pytest.approx(math.log(2))
    assert bethe_lattice(1.0, 3, coupling=0.0, field=0.5).magnetization == pytest.approx(math.tanh(0.5))
    assert bethe_lattice([[0.1, 0.2]], 5).energy.shape == (1, 2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: bethe_lattice(0.0, 3), ValueError, "beta must be positive .*; got 0.0"),
        (lambda: bethe_lattice(math.nan, 3), ValueError, "got nan"),
        (lambda: bethe_lattice(math.inf, 3), ValueError, "beta must be finite on a Bethe lattice; got inf"),
        (lambda: bethe_lattice([1.0, -1.0], 3), ValueError, "got -1"),
        (lambda: bethe_lattice(1.0, 1), ValueError, "degree must be at least 2; got 1"),
        (lambda: bethe_lattice(1.0, 3.0), TypeError, "degree must be an integer; got 3.0"),
        (lambda: bethe_lattice(1.0, 3, coupling=-1.0), ValueError, "coupling must be at least 0; got -1"),
        (lambda: bethe_lattice(1.0, 3, field=math.inf), ValueError, "field must be finite; got inf"),
        (lambda: bethe_lattice(1e200, 3, field=1e200), ValueError, r"overflows; got beta=1e\+200"),
        (lambda: bethe_critical_temperature(1), ValueError, "degree must be at least 2; got 1"),
        (lambda: bethe_critical_temperature(3, coupling=-2), ValueError, "at least 0; got -2"),
        (lambda: ring(0.0, [1, 1, 1]), ValueError, "beta must be positive .*; got 0.0"),
        (lambda: ring(math.inf, [1, 1, 1]), ValueError, "beta must be finite on a ring; got inf"),
        (lambda: ring(1.0, [1, 1]), ValueError, r"at least 3 numbers; got shape \(2,\)"),
        (lambda: ring(1.0, [1, math.nan, 1]), ValueError, "couplings must be finite; got nan"),
        (lambda: ring(1.0, [1, 1, 1], fields=[0, 1]), ValueError, r"one number or 3, .* shape \(2,\)"),
        (lambda: ring(1e308, [1, 1, 1]), ValueError, r"overflows; got beta=1e\+308"),
        (lambda: non_backtracking_radius([[0, 1], [2, 0]], 1.0), ValueError, "symmetric; got 1"),
        (lambda: non_backtracking_radius([[0, 1], [1, 0]], -1.0), ValueError, "at least 0; got -1"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Rings


def network_of(couplings, fields):
    n = len(couplings)
    return from_edges(n, [(i, (i + 1) % n) for i in range(n)], couplings=couplings, fields=fields)


@pytest.mark.parametrize("seed", range(10))
def test_a_ring_is_exact_and_messages_find_the_larger_eigenvalue(seed):
    random = np.random.default_rng(seed)
    n = int(random.integers(3, 12))
    couplings, fields = random.normal(size=n), random.normal(size=n)
    found, network = ring(0.8, couplings, fields=fields), network_of(couplings, fields)
    assert abs(found.log_partition - network.enumerate(0.8).log_partition) < 1e-12
    believed = belief_propagation(network, 0.8)
    assert believed.converged
    assert abs(found.bethe - believed.log_partition) < 1e-12
    assert found.log_partition == pytest.approx(found.bethe + math.log1p(found.echo), abs=1e-12)
    assert np.sign(found.echo) == np.prod(np.sign(couplings))


@pytest.mark.parametrize(("n", "sign"), [*itertools.product([3, 4, 7, 20], [1, -1])])
def test_without_a_field_the_loop_is_worth_one_plus_the_product_of_tanh(n, sign):
    couplings = np.ones(n)
    couplings[0] = sign
    found = ring(0.7, couplings)
    assert found.echo == pytest.approx(sign * math.tanh(0.7) ** n, rel=1e-12)
    assert found.bethe == pytest.approx(n * math.log(2 * math.cosh(0.7)), rel=1e-14)


def test_the_three_cycle_has_the_numbers_of_its_table():
    for beta, last, exact, bethe in (
        (0.3, 1, 2.24622904, 2.22227698),
        (0.5, 1, 2.56703637, 2.47986433),
        (1.0, 1, 3.90947938, 3.69966350),
        (0.5, -1, 2.35359414, 2.45435608),
        (1.0, -1, 2.87004121, 3.40960757),
    ):
        found = ring(beta, [1, 1, last], fields=0.2)
        assert abs(found.log_partition - exact) < 1e-8
        assert abs(found.bethe - bethe) < 1e-8


def test_a_cold_frustrated_ring_is_far_from_what_bethe_says():
    """Bethe's energy breaks no bond."""
    found = ring(500.0, [1.0, 2.0, -3.0], fields=0.2)
    assert found.log_partition == pytest.approx(500 * 4.2)
    assert found.bethe == pytest.approx(500 * 6.0)
    assert found.echo == -1.0
    assert ring(1.0, [1.0, 0.0, -3.0]).echo == 0.0


# The non-backtracking matrix


def built(couplings, beta):
    """The matrix, written out bond by bond."""
    bonds = [(int(i), int(j)) for i, j in np.argwhere(couplings)]
    matrix = np.zeros((len(bonds), len(bonds)))
    for a, (i, j) in enumerate(bonds):
        for b, (k, target) in enumerate(bonds):
            if target == i and k != j:
                matrix[a, b] = math.tanh(beta * couplings[i, j])
    return matrix


@given(st.integers(3, 8), st.integers(0, 10**6))
def test_the_radius_is_that_of_the_matrix_written_out(n, seed):
    random = np.random.default_rng(seed)
    upper = np.triu(random.normal(size=(n, n)) * (random.random((n, n)) < 0.6), 1)
    couplings = upper + upper.T
    expected = abs(np.linalg.eigvals(built(couplings, 0.9))).max(initial=0.0)
    found = non_backtracking_radius(couplings, 0.9)
    assert found == pytest.approx(expected, rel=1e-9) or (found == 0.0 and expected < 1e-2)


@pytest.mark.parametrize("seed", range(5))
def test_a_tree_has_none_and_a_ring_the_root_of_its_echo(seed):
    assert non_backtracking_radius(random_tree(30, rng=seed).couplings, 2.0) == 0.0
    couplings = np.random.default_rng(seed).normal(size=7)
    with_tails = from_edges(
        9, [*((i, (i + 1) % 7) for i in range(7)), (0, 7), (7, 8)], couplings=[*couplings, 1.0, 1.0]
    )
    expected = abs(ring(0.6, couplings).echo) ** (1 / 7)
    assert non_backtracking_radius(with_tails.couplings, 0.6) == pytest.approx(expected, rel=1e-9)


def test_lattices_order_where_it_reaches_one():
    grid = from_edges(9, [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)])
    assert non_backtracking_radius(grid.couplings, 0.6584789485) == pytest.approx(1.0, abs=1e-9)
    sides = 20
    torus = from_edges(
        sides**2,
        [
            (sides * x + y, sides * ((x + dx) % sides) + (y + dy) % sides)
            for x in range(sides)
            for y in range(sides)
            for dx, dy in ((1, 0), (0, 1))
        ],
    )
    critical = bethe_critical_temperature(4)  # 1,600 directed bonds: the sparse way
    assert non_backtracking_radius(torus.couplings, 1 / critical) == pytest.approx(1.0, abs=1e-9)
    assert non_backtracking_radius(np.zeros((3, 3)), 1.0) == 0.0
