"""Lattices with any bonds against enumeration and Kaufman; bonds against matrices of couplings."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from smbook.theory import ising
from smbook.theory.spin_glass import bonds_of, couplings_of, edwards_anderson, edwards_anderson_ground_state
from tests.theory.spin_glass.reference import enumerate_lattice, lattice_energy

SHAPES = [(2, 2), (2, 3), (3, 2), (3, 3), (2, 5), (4, 3), (3, 4), (6, 2)]


@pytest.mark.parametrize("in_a_field", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_enumeration(shape, in_a_field):
    rng = np.random.default_rng(math.prod(shape))
    bonds, fields = rng.normal(size=(2, *shape)), in_a_field * rng.normal(size=shape)
    given_fields = fields if in_a_field else None
    for beta in (0.0, 0.7, 4.0):
        expected = enumerate_lattice(bonds, fields, beta)
        np.testing.assert_allclose(
            edwards_anderson(bonds, beta, fields=given_fields), expected[:3], atol=1e-13
        )
    ground = edwards_anderson_ground_state(bonds, fields=given_fields)
    assert ground.energy == pytest.approx(expected[3], abs=1e-14)
    assert lattice_energy(bonds, fields, ground.spins) / ground.spins.size == pytest.approx(
        ground.energy, abs=1e-14
    )
    assert ground.spins.shape == shape
    assert ground.spins.dtype == np.int8


@pytest.mark.parametrize("shape", [(2, 2), (4, 7), (8, 8), (24, 5)])
def test_ferromagnet_is_kaufmans(shape):
    betas = np.array([0.0, 0.2, 0.44, 1.0])
    exact, expected = (
        edwards_anderson(np.full((2, *shape), 0.8), betas),
        ising.kaufman(shape, betas, coupling=0.8),
    )
    np.testing.assert_allclose(exact.log_partition, expected.log_partition, rtol=1e-13)
    np.testing.assert_allclose(exact.energy, expected.energy, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(exact.specific_heat, expected.specific_heat, rtol=1e-10, atol=1e-14)


def test_a_gauge_changes_nothing_but_the_states():
    """Bonds J e_i e_j have the ferromagnet's energies, and the ground states +-e."""
    gauge = np.random.default_rng(1).choice([-1, 1], size=(8, 8))
    bonds = np.stack([gauge * np.roll(gauge, -1, axis) for axis in (0, 1)])
    assert edwards_anderson(bonds, 0.44).energy == pytest.approx(
        ising.kaufman((8, 8), 0.44).energy, rel=1e-13
    )
    ground = edwards_anderson_ground_state(bonds)
    assert ground.energy == -2
    assert abs((ground.spins * gauge).sum()) == 64


def test_field_of_the_ferromagnet():
    fields = np.full((4, 4), 0.3)
    expected = ising.density_of_states((4, 4)).observables(0.4, field=0.3)
    np.testing.assert_allclose(
        edwards_anderson(np.ones((2, 4, 4)), 0.4, fields=fields), expected[:3], rtol=1e-12
    )
    ground = edwards_anderson_ground_state(np.ones((2, 4, 4)), fields=-fields)
    assert ground.energy == pytest.approx(-2.3)
    assert (ground.spins == -1).all()


def test_cold_lattice_is_in_its_ground_state():
    bonds = np.random.default_rng(2).choice([-1.0, 1.0], size=(2, 6, 8))
    ground = edwards_anderson_ground_state(bonds)
    cold = edwards_anderson(bonds, 1e6)
    assert cold.energy == pytest.approx(ground.energy, abs=1e-13)
    degeneracy = math.exp(48 * (cold.log_partition + 1e6 * ground.energy))
    assert degeneracy == pytest.approx(round(degeneracy), rel=1e-5)
    assert round(degeneracy) % 2 == 0
    assert cold.specific_heat == pytest.approx(0, abs=1e-9)


def test_couplings_by_hand():
    bonds = np.arange(1.0, 13.0).reshape(2, 2, 3)
    couplings = couplings_of(bonds).toarray()
    assert couplings[0].tolist() == [0, 7, 9, 1 + 4, 0, 0]
    assert couplings[5].tolist() == [0, 0, 3 + 6, 12, 11, 0]
    np.testing.assert_array_equal(couplings, couplings.T)


@settings(max_examples=40)
@given(rows=st.integers(2, 5), columns=st.integers(2, 5), seed=st.integers(0, 1000))
def test_couplings_and_bonds_have_the_same_energies(rows, columns, seed):
    rng = np.random.default_rng(seed)
    bonds = rng.normal(size=(2, rows, columns))
    couplings = couplings_of(bonds)
    spins = rng.choice([-1.0, 1.0], size=(rows, columns))
    energy = -spins.ravel() @ couplings @ spins.ravel() / 2
    assert energy == pytest.approx(lattice_energy(bonds, 0, spins), abs=1e-12)
    for matrix in (couplings, couplings.toarray(), sparse.coo_array(couplings), sparse.csr_matrix(couplings)):
        back = bonds_of(matrix, (rows, columns))
        assert lattice_energy(back, 0, spins) == pytest.approx(energy, abs=1e-12)
        assert (couplings_of(back) != couplings).nnz == 0
    if min(rows, columns) > 2:
        np.testing.assert_array_equal(back, bonds)


def test_matrices_that_are_no_lattice_are_refused():
    couplings = couplings_of(np.ones((2, 3, 4))).toarray()
    for place in ((0, 5), (3, 3)):
        wrong = couplings.copy()
        wrong[place] = wrong[place[::-1]] = 0.5
        with pytest.raises(ValueError, match=rf"join neighbours .* J is 0\.5 at \({place[0]}, {place[1]}\)"):
            bonds_of(wrong, (3, 4))
    wrong = couplings.copy()
    wrong[1, 0] = 0.5
    with pytest.raises(ValueError, match=r"must be symmetric .* J is 0\.5 at \(1, 0\) and 1 at \(0, 1\)"):
        bonds_of(wrong, (3, 4))
    with pytest.raises(ValueError, match=r"must have shape \(9, 9\); got \(12, 12\)"):
        bonds_of(couplings, (3, 3))
    wrong[1, 0] = math.nan
    for matrix in (wrong, sparse.csr_array(wrong)):
        with pytest.raises(ValueError, match="couplings must be finite; got nan"):
            bonds_of(matrix, (3, 4))
    with pytest.raises(TypeError, match="couplings must hold real numbers"):
        bonds_of(couplings * 1j, (3, 4))
    with pytest.raises(TypeError, match="couplings must hold real numbers"):
        bonds_of(sparse.csr_array(couplings * 1j), (3, 4))


@pytest.mark.parametrize(
    "function", [lambda b, **k: edwards_anderson(b, 0.5, **k), edwards_anderson_ground_state]
)
def test_bad_lattices_are_refused(function):
    good = np.ones((2, 3, 4))
    for bonds, message in (
        (good[0], r"shape \(2, rows, columns\); got \(3, 4\)"),
        (np.ones((3, 3, 4)), r"shape \(2, rows, columns\); got \(3, 3, 4\)"),
        (np.ones((2, 1, 4)), "side of 1"),
        (np.ones((2, 11, 12)), r"one side must be at most 10; got \(11, 12\)"),
        (np.full((2, 3, 4), math.nan), "bonds must be finite; got nan"),
        (np.full((2, 3, 4), 1e308), "so large that an energy overflows"),
    ):
        with pytest.raises(ValueError, match=message):
            function(bonds)
    for bonds in (good * 1j, good > 0, np.ma.masked_array(good)):
        with pytest.raises(TypeError, match="bonds must hold real numbers"):
            function(bonds)
    with pytest.raises(ValueError, match=r"fields must have the shape \(3, 4\) of the lattice; got \(4, 3\)"):
        function(good, fields=np.ones((4, 3)))
    with pytest.raises(ValueError, match="fields must be finite; got inf"):
        function(good, fields=np.full((3, 4), math.inf))


def test_temperatures():
    bonds = np.random.default_rng(1).normal(size=(2, 3, 3))
    many = edwards_anderson(bonds, [[0.2, 0.5], [1.0, 2.0]])
    assert many.energy.shape == (2, 2)
    assert edwards_anderson(bonds, 2.0).energy == many.energy[1, 1]
    assert type(edwards_anderson(bonds, 2.0).energy) is float
    with pytest.raises(ValueError, match="beta must be at least 0; got -1"):
        edwards_anderson(bonds, -1.0)
    with pytest.raises(ValueError, match="beta times energy overflows; got beta=1e\\+308"):
        edwards_anderson(bonds, 1e308)
    assert edwards_anderson_ground_state(bonds) == edwards_anderson_ground_state(bonds)
    assert edwards_anderson_ground_state(bonds) != edwards_anderson_ground_state(-bonds)
