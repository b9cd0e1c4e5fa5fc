"""`enumerate` against sums over all states in NumPy, exact results of magnets and lattices, identities."""

import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook import _pool
from smbook.network import (
    Enumeration,
    SpinNetwork,
    edwards_anderson,
    ferromagnet,
    from_lattice,
    mattis,
    sherrington_kirkpatrick,
)
from smbook.network import enumeration as module
from smbook.theory.ising import curie_weiss_finite, density_of_states, kaufman, ring
from tests.network.exact import all_states, energies, gibbs, random_couplings

# Against sums over all states


@given(st.integers(1, 9), st.integers(0, 1000), st.floats(0, 3), st.booleans())
def test_all_averages_are_sums_over_all_states(n, seed, beta, whole):
    couplings = random_couplings(n, seed, values=[-1.0, 0.0, 1.0] if whole else None)
    fields = np.random.default_rng(seed).choice([-1.0, 0.0, 1.0], n) if whole else None
    network = SpinNetwork(couplings, fields)
    exact, law, found, states = (
        network.enumerate(beta),
        gibbs(network, beta),
        energies(network),
        all_states(n),
    )
    assert isinstance(exact, Enumeration)
    assert exact.beta == beta
    assert exact.n_spins == n
    np.testing.assert_allclose(exact.energies, found, atol=1e-12)
    np.testing.assert_allclose(exact.probabilities, law, rtol=1e-11)
    assert exact.states(np.arange(2**n)).tolist() == states.tolist()
    mean = law @ found
    assert exact.energy == pytest.approx(mean, rel=1e-12, abs=1e-12)
    assert exact.specific_heat == pytest.approx(
        beta**2 * (law @ (found - mean) ** 2) / n, rel=1e-10, abs=1e-14
    )
    shifted = found - found.min()
    log_partition = math.log(np.exp(-beta * shifted).sum()) - beta * found.min()
    assert exact.log_partition == pytest.approx(log_partition, rel=1e-12)
    assert exact.entropy == pytest.approx(-law @ np.log(law), rel=1e-11, abs=1e-12)
    np.testing.assert_allclose(exact.magnetization, law @ states, atol=1e-13)
    np.testing.assert_allclose(exact.correlations, np.einsum("k,ki,kj->ij", law, states, states), atol=1e-13)
    assert exact.ground_energy == pytest.approx(found.min(), abs=1e-12)
    lowest = states[found < found.min() + 1e-9]
    assert exact.ground_states.tolist() == lowest.tolist()


@given(st.integers(1, 6), st.integers(0, 1000), st.floats(0, 3))
def test_the_law_of_the_overlap_is_that_of_all_pairs_of_states(n, seed, beta):
    network = SpinNetwork(random_couplings(n, seed), 0.2)
    law, states = gibbs(network, beta), all_states(n).astype(int)
    products, pairs = states @ states.T, np.outer(law, law)
    q, probability = network.enumerate(beta).overlaps
    assert q.tolist() == [(2 * k - n) / n for k in range(n + 1)] or np.allclose(
        q * n, np.arange(-n, n + 1, 2)
    )
    expected = [pairs[products == 2 * k - n].sum() for k in range(n + 1)]
    np.testing.assert_allclose(probability, expected, atol=1e-14)


@pytest.mark.parametrize("network", [ferromagnet(12, field=0.5), edwards_anderson((3, 4), rng=2)])
@pytest.mark.parametrize("beta", [0.0, 0.7, 30.0])
def test_overlaps_add_up_and_meet_the_correlations(network, beta):
    """<q^2> is the mean square of <s_i s_j>, and <q> that of <s_i>."""
    exact = network.enumerate(beta)
    q, probability = exact.overlaps
    assert (probability >= 0.0).all()
    assert probability.sum() == pytest.approx(1.0, abs=1e-13)
    assert probability @ q == pytest.approx((exact.magnetization**2).mean(), abs=1e-13)
    assert probability @ q**2 == pytest.approx((exact.correlations**2).mean(), abs=1e-13)
    if not network.fields.any():
        np.testing.assert_allclose(probability, probability[::-1], atol=1e-14)


# Identities


@pytest.mark.parametrize("beta", [0.3, 1.0, 2.0])
def test_averages_are_derivatives_of_the_partition_function(beta):
    """Central differences of ln Z by beta and by each field, to their own accuracy of 1e-9."""
    couplings, fields, step = random_couplings(8, 4), np.linspace(-0.5, 0.5, 8), 1e-4
    network = SpinNetwork(couplings, fields)
    exact = network.enumerate(beta)
    colder, hotter = (network.enumerate(beta + sign * step) for sign in (1, -1))
    slope = (colder.log_partition - hotter.log_partition) / (2 * step)
    assert exact.energy == pytest.approx(-slope, abs=1e-7)
    heat = -(beta**2) * (colder.energy - hotter.energy) / (2 * step) / 8
    assert exact.specific_heat == pytest.approx(heat, abs=1e-7)
    entropy = (colder.entropy - hotter.entropy) / (2 * step)
    assert entropy == pytest.approx(-exact.specific_heat * 8 / beta, abs=1e-7)
    for i in range(8):
        shift = step * np.eye(8)[i]
        one, other = (SpinNetwork(couplings, fields + sign * shift).enumerate(beta) for sign in (1, -1))
        assert exact.magnetization[i] == pytest.approx(
            (one.log_partition - other.log_partition) / (2 * step * beta), abs=1e-7
        )
        response = (one.magnetization - other.magnetization) / (2 * step * beta)
        expected = exact.correlations[i] - exact.magnetization[i] * exact.magnetization
        np.testing.assert_allclose(response, expected, atol=1e-6)


@pytest.mark.parametrize("beta", [0.2, 1.0])
def test_spins_meet_the_identity_of_callen(beta):
    """<s_i> = <tanh(beta l_i)>, whatever the couplings."""
    network = SpinNetwork(random_couplings(9, 3), 0.1)
    exact = network.enumerate(beta)
    local = network.local_fields(all_states(9))
    np.testing.assert_allclose(exact.magnetization, exact.probabilities @ np.tanh(beta * local), atol=1e-13)


# Exact results of magnets and lattices


@pytest.mark.parametrize(("coupling", "field"), [(1.0, 0.0), (1.0, 0.3), (-1.0, 0.5)])
@pytest.mark.parametrize("n", [2, 3, 10])
def test_a_ring_is_that_of_the_transfer_matrix(n, coupling, field):
    exact = from_lattice(n, coupling=coupling, field=field).enumerate(0.7)
    theory = ring(n, 0.7, coupling=coupling, field=field)
    assert exact.energy / n == pytest.approx(theory.energy, rel=1e-12)
    assert exact.specific_heat == pytest.approx(theory.specific_heat, rel=1e-11)
    assert exact.magnetization.mean() == pytest.approx(theory.magnetization, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("field", [0.0, 0.1])
def test_a_magnet_is_that_of_curie_and_weiss(field):
    """The sum there has the terms i = j too, which add -J / 2 to the energy."""
    n, beta = 14, 1.3
    exact, theory = ferromagnet(n, field=field).enumerate(beta), curie_weiss_finite(n, beta, field=field)
    assert exact.log_partition == pytest.approx(n * theory.log_partition - beta / 2, rel=1e-12)
    m = theory.magnetization
    assert exact.magnetization.mean() == pytest.approx(m @ theory.probability, abs=1e-13)
    up = np.rint((1 + exact.states(np.arange(2**n)).mean(axis=1)) / 2 * n).astype(int)
    np.testing.assert_allclose(np.bincount(up, weights=exact.probabilities), theory.probability, rtol=1e-11)
    pairs = exact.correlations.sum() / n**2
    assert pairs == pytest.approx(m**2 @ theory.probability, rel=1e-12)


@pytest.mark.parametrize("beta", [0.2, 0.44, 1.0])
def test_a_torus_is_that_of_kaufman_and_of_its_density_of_states(beta):
    exact = from_lattice((4, 4)).enumerate(beta)
    theory, counted = kaufman((4, 4), beta), density_of_states((4, 4)).observables(beta)
    for other in (theory, counted):
        assert exact.energy / 16 == pytest.approx(other.energy, rel=1e-12)
        assert exact.specific_heat == pytest.approx(other.specific_heat, rel=1e-10)
    assert exact.correlations.sum() / 16**2 == pytest.approx(
        counted.susceptibility / (beta * 16) + counted.magnetization**2, rel=1e-12
    )


def test_a_pattern_is_both_ground_states_of_its_magnet():
    xi = np.array([1, -1, -1, 1, -1, 1], dtype=np.int8)
    exact = mattis(xi).enumerate(1.0)
    assert exact.ground_energy == pytest.approx(-2.5)
    assert sorted(exact.ground_states.tolist()) == sorted([xi.tolist(), (-xi).tolist()])


def test_a_frustrated_triangle_has_six_ground_states():
    exact = SpinNetwork([[0, -1, -1], [-1, 0, -1], [-1, -1, 0]]).enumerate(50.0)
    assert len(exact.ground_states) == 6
    assert exact.entropy == pytest.approx(math.log(6), abs=1e-14)
    assert np.allclose(exact.correlations, -1 / 3 + 4 / 3 * np.eye(3))


def test_ground_states_count_as_equal_to_within_rounding():
    """Couplings of a tenth, whose sums round: 2 ground states for an open square, 8 for a frustrated one."""
    bonds = 0.1 * np.array([[0, 1, 0, -1], [1, 0, 1, 0], [0, 1, 0, 1], [-1, 0, 1, 0]])
    assert len(SpinNetwork(bonds).enumerate(1.0).ground_states) == 8
    assert len(SpinNetwork(abs(bonds)).enumerate(1.0).ground_states) == 2
    pinned = random_couplings(12, 1)
    assert len(SpinNetwork(pinned, [1e9] + [0.0] * 11).enumerate(1.0).ground_states) == 1


def test_rounding_stays_far_below_what_counts_as_equal():
    """Of 2^16 additions in a row, against energies that are summed afresh."""
    for network in (SpinNetwork(random_couplings(16, 3)), edwards_anderson((4, 4), rng=1)):
        exact = network.enumerate(1.0)
        states = exact.states(np.arange(0, 2**16, 7))
        off = abs(network.energy(states) - exact.energies[::7]).max()
        assert off < 0.3 * module._DEGENERATE * np.ptp(exact.energies)


def test_the_ground_energies_of_sk_are_those_of_other_enumerations():
    """Means over samples: -0.5718(18) a spin at N = 8, -0.6202(19) at 12, from independent runs."""
    for n, expected, error in ((8, -0.5718, 0.0018), (12, -0.6202, 0.0019)):
        lowest = [
            sherrington_kirkpatrick(n, rng=seed).enumerate(1.0).ground_energy / n for seed in range(300)
        ]
        assert abs(np.mean(lowest) - expected) < 4 * math.hypot(error, np.std(lowest) / math.sqrt(300))


# Limits


def test_infinite_temperature_and_extreme_cold():
    network = sherrington_kirkpatrick(10, rng=1)
    hot, cold = network.enumerate(0.0), network.enumerate(1e300)
    assert hot.log_partition == hot.entropy == pytest.approx(10 * math.log(2))
    assert hot.energy == pytest.approx(0.0, abs=1e-12)
    assert hot.specific_heat == 0.0
    assert cold.energy == pytest.approx(cold.ground_energy)
    assert cold.specific_heat == 0.0
    assert 0.0 <= cold.entropy <= math.log(2) + 1e-12
    one = SpinNetwork([[0.0]], 0.5).enumerate(2.0)
    assert one.magnetization.tolist() == pytest.approx([math.tanh(1.0)])
    np.testing.assert_allclose(one.correlations, [[1.0]])


def test_units_of_energy_are_free():
    couplings = random_couplings(6, 4)
    one = SpinNetwork(couplings).enumerate(0.8)
    for unit in (2.0**900, 2.0**-900):
        other = SpinNetwork(couplings * unit).enumerate(0.8 / unit)
        assert other.specific_heat == pytest.approx(one.specific_heat, rel=1e-13)
        assert other.entropy == pytest.approx(one.entropy, rel=1e-13)
        assert other.energy / unit == pytest.approx(one.energy, rel=1e-13)
        assert other.ground_states.tolist() == one.ground_states.tolist()


def test_cores_and_pieces_change_nothing_but_rounding(monkeypatch):
    network = sherrington_kirkpatrick(12, rng=5)
    whole = network.enumerate(1.0)
    monkeypatch.setattr(module, "_STATES_PER_PIECE", 2**7)
    parts = []
    for cores in (1, 2, 5):
        monkeypatch.setattr(_pool, "_cores", lambda cores=cores: cores)
        parts.append(network.enumerate(1.0).energies)
    assert parts[0].tolist() == parts[1].tolist() == parts[2].tolist()
    np.testing.assert_allclose(parts[0], whole.energies, atol=1e-12)


def test_24_spins_take_seconds_and_half_a_gibibyte():
    network = sherrington_kirkpatrick(24, rng=1)
    ferromagnet(4).enumerate(1.0)  # compiles, which takes memory too
    tracemalloc.start()
    start = time.process_time()
    exact = network.enumerate(1.0)
    assert time.process_time() - start < 15
    assert tracemalloc.get_traced_memory()[1] < 513 * 2**20
    tracemalloc.stop()
    assert exact.energies.size == 2**24
    assert network.energy(exact.ground_states).tolist() == pytest.approx([exact.ground_energy] * 2)
    sample = exact.states(np.arange(0, 2**24, 999_983))
    np.testing.assert_allclose(network.energy(sample), exact.energies[::999_983], atol=1e-11)


def test_results_are_read_only_and_printed_in_one_line():
    exact = ferromagnet(4, coupling=2.0).enumerate(0.5)
    for numbers in (exact.energies, exact.probabilities):
        with pytest.raises(ValueError, match="read-only"):
            numbers[0] = 0.0
    assert repr(exact) == (
        f"Enumeration(4 spins at beta = 0.5, ln Z = {exact.log_partition:.6f}, "
        f"energy {exact.energy:.6f}, ground energy -3.000000)"
    )
    assert exact.states(3).tolist() == [1, 1, -1, -1]
    assert exact.states([[0], [15]]).tolist() == [[[-1] * 4], [[1] * 4]]


# Refusals


@pytest.mark.parametrize(
    ("beta", "error", "message"),
    [
        (-0.1, ValueError, "beta must be at least 0; got -0.1"),
        (math.inf, ValueError, "beta must be finite; got inf"),
        (math.nan, ValueError, "beta must be finite; got nan"),
        (None, TypeError, "beta must be a real number; got None"),
        (1.7e308, ValueError, "beta times energy overflows"),
    ],
)
def test_a_bad_temperature_is_refused(beta, error, message):
    with pytest.raises(error, match=message):
        ferromagnet(4).enumerate(beta)


def test_25_spins_are_refused():
    message = "enumerate sums over 2\\^N states, for N up to 24; got N = 25"
    for network in (ferromagnet(25), edwards_anderson((5, 5), rng=1)):
        with pytest.raises(ValueError, match=message):
            network.enumerate(1.0)


@pytest.mark.parametrize(
    ("numbers", "error"), [(16, ValueError), (-1, ValueError), ([1.0], TypeError), (True, TypeError)]
)
def test_states_that_are_not_there_are_refused(numbers, error):
    with pytest.raises(error, match="numbers must"):
        ferromagnet(4).enumerate(1.0).states(numbers)
