"""`simulate` against exact finite lattices, deliberately wrong samplers, bad input and interruptions."""

import math
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from smbook import _runs
from smbook.ising import energy, magnetization, simulate, wolff_flips_per_sweep
from smbook.ising._model import Model
from smbook.ising.simulation import PLAIN
from smbook.kernels import clusters, lattice
from smbook.kernels.rng import seed_state
from smbook.statistics import binned_error, integrated_autocorrelation_time
from smbook.theory.ising import CRITICAL_BETA, density_of_states, kaufman, ring

SINGLE_SITE = ("heat-bath", "metropolis")
CLUSTERS = ("wolff", "swendsen-wang")
ALGORITHMS = (*SINGLE_SITE, *CLUSTERS)


def state_of(generator):
    return generator.bit_generator.state


# Against the exact averages of finite lattices

# More than the integrated autocorrelation times of the energy in the cases below; than 1.1 where it is hot.
TAU = {"heat-bath": 2.1, "metropolis": 1.6, "wolff": 1.3, "swendsen-wang": 2.2}


@cache
def exact_averages(shape, beta, coupling, field):
    """Energy, its variance for one state, and <m^2> (and <m> in a field) where they are known."""
    n_sites = math.prod(shape)
    if len(shape) == 1:
        exact = ring(shape[0], beta, coupling=coupling, field=field)
    elif n_sites <= 64:
        exact = density_of_states(shape).observables(beta, coupling=coupling, field=field)
    else:
        exact = kaufman(shape, beta, coupling=coupling)
    averages = {"energy": exact.energy}
    if hasattr(exact, "susceptibility"):
        averages["m^2"] = exact.magnetization**2 + exact.susceptibility / (beta * n_sites)
        averages |= {"m": exact.magnetization} if field else {}
    return averages, exact.specific_heat / (beta**2 * n_sites)


def pulls(algorithm, shape, beta, coupling=1.0, field=0.0, *, precision=2.2e-4):
    """Simulate until the energy is known to `precision`; return how many errors each average is off."""
    exact, variance = exact_averages(shape, beta, coupling, field)
    tau = TAU[algorithm] if beta >= 0.3 else 1.1
    n_sweeps = math.ceil(2 * tau * variance / (precision * exact["energy"]) ** 2)
    trace = simulate(
        shape, beta, 1000 + n_sweeps, algorithm=algorithm, coupling=coupling, field=field, rng=2024
    )
    kept = {"energy": trace.energy, "m^2": trace.magnetization**2, "m": trace.magnetization}
    measured = {name: binned_error(kept[name][1000:], n_bins=128) for name in exact}
    assert measured["energy"].error < 1.14 * precision * abs(exact["energy"])
    return {name: measured[name].z(exact[name]) for name in exact}


CASES = [
    ((5, 7), 0.6, 1.0, 0.0, ALGORITHMS),
    ((5, 7), 0.6, -1.0, 0.0, ("heat-bath", *CLUSTERS)),
    ((5, 7), 0.6, -1.0, 0.4, SINGLE_SITE),
    ((9, 6), 0.5, 1.0, 0.3, SINGLE_SITE),
    ((9, 6), 0.5, 1.0, 0.0, CLUSTERS),
    ((4, 6), 0.6, -1.0, 0.3, SINGLE_SITE),
    ((4, 6), 0.6, -1.0, 0.0, CLUSTERS),
    ((7, 35), 0.25, 1.0, 0.0, SINGLE_SITE),
    ((3, 3, 3), 0.35, 1.0, 0.0, ALGORITHMS),
    ((2, 3, 3), 0.6, -1.0, 0.5, SINGLE_SITE),
    ((2, 2, 2), 0.4, 1.0, 1.0, SINGLE_SITE),
    ((2, 2, 2), 0.4, 1.0, 0.0, CLUSTERS),
    ((101,), 1.0, 1.0, 0.0, ("heat-bath", *CLUSTERS)),
    ((101,), 1.0, -1.0, 0.0, ("heat-bath", *CLUSTERS)),
    ((33,), 1.0, -1.0, 0.5, SINGLE_SITE),
    ((33,), 2.0, 0.5, -0.3, SINGLE_SITE),
]


@pytest.mark.parametrize(
    ("algorithm", "shape", "beta", "coupling", "field"),
    [(algorithm, *case) for *case, algorithms in CASES for algorithm in algorithms],
)
def test_averages_are_exact(algorithm, shape, beta, coupling, field):
    """The energy is known to 2.5e-4 or better, so that a relative bias of 1e-3 is four standard errors."""
    z = pulls(algorithm, shape, beta, coupling, field)
    assert max(map(abs, z.values())) < 4, z


WRONG = {"heat-bath": "heat_bath_table", "metropolis": "metropolis_table"}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_bias_of_one_in_a_thousand_is_caught(algorithm, monkeypatch):
    """A sampler that is too cold, by as much as lowers the energy by 1e-3, fails the check above."""
    shape, beta = (5, 7), 0.6
    exact = density_of_states(shape).observables(beta)
    colder = 1 + 1e-3 * beta * abs(exact.energy) / exact.specific_heat
    shifted = density_of_states(shape).observables(beta * colder).energy
    assert shifted == pytest.approx(1.001 * exact.energy, rel=3e-5)
    module, name = (lattice, WRONG[algorithm]) if algorithm in WRONG else (clusters, "bond_threshold")
    right = getattr(module, name)
    monkeypatch.setattr(module, name, lambda beta, *others: right(beta * colder, *others))
    assert pulls(algorithm, shape, beta, precision=1.4e-4)["energy"] < -4


def test_clusters_flipped_until_enough_sites_are_turned_bias_the_energy():
    """A sweep that ends by what happened in it favours states of large clusters: -1.4854 for -1.4531."""
    sampler = PLAIN["wolff"](Model((16, 16), CRITICAL_BETA, 1.0, 0.0))
    spins, noted = np.ones(256, dtype=np.int8), np.empty((2, 1), dtype=np.int64)
    flip = sampler(spins, seed_state(4))
    energies = np.empty(20_000)
    for sweep in range(energies.size):
        turned = 0
        while turned < spins.size:
            before = spins.copy()
            flip(1, *noted)
            turned += np.count_nonzero(before != spins)
        energies[sweep] = -noted[0, 0] / 256
    measured = binned_error(energies[100:])
    assert abs(measured.z(-1.4854)) < 4
    assert measured.z(kaufman((16, 16), CRITICAL_BETA).energy) < -8


@pytest.mark.parametrize("algorithm", ["heat-bath", "swendsen-wang"])
def test_at_infinite_temperature_all_states_are_alike(algorithm):
    trace = simulate((6, 6), 0.0, 20_000, algorithm=algorithm, coupling=2.0, rng=1)
    assert abs(binned_error(trace.energy).z(0.0)) < 4
    assert abs(binned_error(trace.magnetization**2).z(1 / 36)) < 4


def test_free_spins_in_a_field_follow_the_hyperbolic_tangent():
    for algorithm in SINGLE_SITE:
        trace = simulate((6, 6), 0.7, 20_000, algorithm=algorithm, coupling=0.0, field=1.5, rng=1)
        assert abs(binned_error(trace.magnetization).z(math.tanh(0.7 * 1.5))) < 4
        np.testing.assert_allclose(trace.energy, -1.5 * trace.magnetization)


def test_frozen_spins_stay_where_they_are():
    for algorithm in SINGLE_SITE:
        assert simulate((5, 4), 1e6, 10, algorithm=algorithm, initial="up", rng=1).magnetization.min() == 1


# Metropolis turns nearly every spin in each sweep where it is hot


def first_autocorrelation(series):
    deviations = series - series.mean()
    return (deviations[1:] @ deviations[:-1]) / (deviations @ deviations)


@pytest.mark.parametrize("engine", ["plain", "multispin"])
def test_hot_metropolis_sweeps_anticorrelate_as_first_order_theory_says(engine):
    """C(1) = -1 + 3 beta + O(beta^2) for the magnetization, in any order of visits.

    A flip of cost dE > 0 is refused with probability beta dE, and the mean of max(dE, 0) is 3/2 at infinite
    temperature. What neighbours add cancels to this order.
    """
    beta = 0.005
    trace = simulate((16, 16), beta, 200_000, algorithm="metropolis", engine=engine, rng=5)
    assert (1 + first_autocorrelation(trace.magnetization)) / beta == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("engine", ["plain", "multispin"])
@pytest.mark.parametrize(("beta", "highest"), [(0.02, -0.9), (0.1, -0.4)])
def test_hot_metropolis_sweeps_have_short_autocorrelation_times(beta, highest, engine):
    """Taking 1/2 for the least possible time would overrate the error of the magnetization manyfold."""
    trace = simulate((16, 16), beta, 100_000, algorithm="metropolis", engine=engine, rng=6)
    tau = integrated_autocorrelation_time(trace.magnetization[100:])
    assert tau.value + 4 * tau.error < 0.2
    assert first_autocorrelation(trace.magnetization) < highest


# What a run returns


@pytest.mark.parametrize("shape", [7, (7,), (4, 5), (3, 4, 2), np.array([4, 5]), [2, 2]], ids=str)
@pytest.mark.parametrize("algorithm", ["heat-bath", *CLUSTERS])
def test_a_trace_holds_one_entry_a_sweep_and_the_last_spins(algorithm, shape):
    trace = simulate(shape, 0.3, 12, algorithm=algorithm, coupling=-0.7, rng=1)
    assert trace.spins.shape == (tuple(shape) if np.ndim(shape) else (shape,))
    assert trace.spins.dtype == np.int8
    assert set(trace.spins.ravel().tolist()) <= {-1, 1}
    assert trace.energy.shape == trace.magnetization.shape == (12,)
    assert trace.energy.dtype == trace.magnetization.dtype == np.float64
    assert trace.energy[-1] == pytest.approx(energy(trace.spins, coupling=-0.7), rel=1e-14)
    assert trace.magnetization[-1] == magnetization(trace.spins)


@pytest.mark.parametrize("algorithm", SINGLE_SITE)
def test_the_energy_of_a_trace_counts_the_field(algorithm):
    trace = simulate((5, 4), 0.3, 12, algorithm=algorithm, coupling=1.3, field=-0.4, rng=1)
    assert trace.energy[-1] == pytest.approx(energy(trace.spins, coupling=1.3, field=-0.4), rel=1e-14)


@pytest.mark.parametrize(
    "number", [Fraction(1, 2), np.float32(0.5), np.longdouble(0.5), np.array(0.5)], ids=repr
)
def test_any_real_number_will_do_for_parameters(number):
    trace = simulate((4, 4), number, 5, coupling=number, field=number, rng=1)
    same = simulate((4, 4), 0.5, 5, coupling=0.5, field=0.5, rng=1)
    assert trace.energy.dtype == np.float64
    assert trace.energy.tolist() == same.energy.tolist()


def assert_equal_runs(one, other):
    assert one.energy.tolist() == other.energy.tolist()
    assert one.magnetization.tolist() == other.magnetization.tolist()
    assert one.spins.tolist() == other.spins.tolist()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_seed_fixes_a_run_whatever_its_chunks_and_thinning(algorithm, monkeypatch):
    options = {"algorithm": algorithm, "field": 0.1 if algorithm in SINGLE_SITE else 0.0, "rng": 9}
    whole = simulate((6, 5), 0.3, 100, **options)
    assert_equal_runs(whole, simulate((6, 5), 0.3, 100, engine="plain", **options))
    assert simulate((6, 5), 0.3, 100, **options | {"rng": 10}).energy.tolist() != whole.energy.tolist()
    for updates in (1, 300, 3000):  # from one step a call to several sweeps
        monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
        for thin in (1, 7, 25):  # several entries to a call, several calls to an entry
            thinned = simulate((6, 5), 0.3, 100, thin=thin, **options)
            assert thinned.energy.tolist() == whole.energy[thin - 1 :: thin].tolist()
            assert thinned.magnetization.tolist() == whole.magnetization[thin - 1 :: thin].tolist()
            assert thinned.spins.tolist() == whole.spins.tolist()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_kept_spins_are_those_that_were_measured_and_change_nothing(algorithm, monkeypatch):
    options = {"algorithm": algorithm, "rng": 7, "thin": 3}
    plain = simulate((6, 5), 0.3, 100, **options)
    assert plain.samples.shape == (0, 6, 5)
    for updates in (10_000_000, 10):  # many entries to a call, many calls to an entry
        monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
        trace = simulate((6, 5), 0.3, 100, keep_spins=True, **options)
        assert_equal_runs(trace._replace(samples=plain.samples), plain)
        assert trace.samples.shape == (33, 6, 5)
        assert trace.samples.dtype == np.int8
        assert [energy(spins) for spins in trace.samples] == trace.energy.tolist()
        assert [magnetization(spins) for spins in trace.samples] == trace.magnetization.tolist()
    exact = simulate((6, 5), 0.3, 99, keep_spins=True, **options)
    assert exact.samples[-1].tolist() == exact.spins.tolist()
    assert not np.shares_memory(exact.samples, exact.spins)


@pytest.mark.parametrize(
    ("n_sweeps", "thin", "kept"), [(0, 1, 0), (0, 5, 0), (4, 5, 0), (5, 5, 1), (14, 5, 2)]
)
def test_sweeps_beyond_the_last_kept_one_are_run_but_not_noted(n_sweeps, thin, kept):
    trace = simulate((4, 4), 0.3, n_sweeps, thin=thin, rng=3)
    assert trace.energy.shape == trace.magnetization.shape == (kept,)
    assert trace.spins.tolist() == simulate((4, 4), 0.3, n_sweeps, rng=3).spins.tolist()


def test_a_run_of_no_sweep_returns_its_start():
    start = np.array([[1, -1, 1], [-1, -1, 1]], dtype=np.int8)
    assert simulate((2, 3), 0.3, 0, initial=start, rng=1).spins.tolist() == start.tolist()
    assert simulate((2, 3), 0.3, 0, initial="up", rng=1).spins.tolist() == [[1] * 3] * 2
    random = simulate((100, 100), 0.3, 0, rng=1).spins
    assert abs(random.sum()) < 400
    assert random.tolist() != simulate((100, 100), 0.3, 0, rng=2).spins.tolist()


def test_a_generator_seeds_a_run_by_one_draw():
    generator, twin = np.random.default_rng(5), np.random.default_rng(5)
    trace = simulate((4, 4), 0.3, 10, rng=generator)
    seed = int(twin.integers(0, 2**64, dtype=np.uint64))
    assert_equal_runs(trace, simulate((4, 4), 0.3, 10, rng=seed))
    assert state_of(generator) == state_of(twin)


def test_seeds_of_any_size_and_seed_sequences_fix_a_run():
    large = simulate((4, 4), 0.3, 10, rng=2**127 + 1)
    assert_equal_runs(large, simulate((4, 4), 0.3, 10, rng=np.random.SeedSequence(2**127 + 1)))
    assert simulate((4, 4), 0.3, 10, rng=2**127 + 3).energy.tolist() != large.energy.tolist()


def test_without_a_seed_runs_differ():
    assert simulate((8, 8), 0.1, 20).energy.tolist() != simulate((8, 8), 0.1, 20).energy.tolist()


def test_a_run_goes_on_from_the_spins_of_another():
    trace = simulate((6, 4), 0.4, 10, rng=1)
    spins = trace.spins.copy()
    spins.flags.writeable = False
    again = simulate((6, 4), 0.4, 10, initial=spins, rng=2)
    assert_equal_runs(again, simulate((6, 4), 0.4, 10, initial=trace.spins, rng=2))
    assert trace.spins.tolist() == spins.tolist()
    assert not np.shares_memory(again.spins, spins)


def test_spins_that_are_mapped_from_a_file_start_a_run_of_plain_arrays(tmp_path):
    spins = simulate((6, 4), 0.4, 10, rng=1).spins
    np.save(tmp_path / "spins.npy", spins)
    mapped = np.load(tmp_path / "spins.npy", mmap_mode="r")
    for n_sweeps in (0, 10):
        trace = simulate((6, 4), 0.4, n_sweeps, initial=mapped, rng=2)
        assert {type(part) for part in trace[:4]} == {np.ndarray}
        assert trace == simulate((6, 4), 0.4, n_sweeps, initial=spins, rng=2)
    assert energy(mapped) == energy(spins)


def test_traces_are_equal_if_their_numbers_are():
    trace = simulate((4, 6), 0.3, 10, rng=1)
    assert trace == trace._replace(energy=trace.energy.copy(), spins=trace.spins.copy())
    assert trace == simulate((4, 6), 0.3, 10, rng=1)
    assert trace != simulate((4, 6), 0.3, 10, rng=2)
    assert trace != trace._replace(spins=-trace.spins)
    assert trace != trace._replace(spins=trace.spins.reshape(6, 4))
    assert trace != simulate((4, 6), 0.3, 9, rng=1)
    assert trace != (trace.energy, trace.magnetization)
    assert trace != "trace"
    assert trace in [simulate((4, 6), 0.3, 10, rng=2), trace]


def test_a_trace_prints_its_means_and_not_its_arrays():
    trace = simulate((4, 6), 0.3, 10, initial="up", rng=1)
    means = f"mean energy {trace.energy.mean():.6g}, mean magnetization {trace.magnetization.mean():.6g}"
    assert repr(trace) == f"Trace(10 kept sweeps of 4 x 6 spins, {means})"
    assert repr(simulate(5, 0.3, 0, rng=1)) == "Trace(0 kept sweeps of 5 spins)"


@pytest.mark.parametrize("shape", [(2,), (3,), (2, 2), (2, 5), (2, 2, 2), (4, 3, 2)], ids=str)
def test_every_site_has_two_bonds_along_each_axis(shape):
    """A side of 2 has double bonds; with single ones a ring of two would have the energy -1/2 a site."""
    spins = np.ones(shape, dtype=np.int8)
    assert energy(spins) == -len(shape)
    assert energy(spins, coupling=-2.0, field=0.5) == 2 * len(shape) - 0.5
    assert magnetization(spins) == -magnetization(-spins) == 1


@pytest.mark.parametrize(
    ("shape", "beta", "flips"),
    [((64, 64), 0.6, 1), ((64, 64), 0.0, 4096), ((9,), 0.0, 9), ((4, 4, 4), 0.5, 1)],
)
def test_a_wolff_sweep_is_a_number_of_flips_fixed_before_the_run(shape, beta, flips):
    assert wolff_flips_per_sweep(shape, beta) == wolff_flips_per_sweep(shape, beta, coupling=-1.0) == flips


def test_a_wolff_sweep_flips_as_many_clusters_as_it_says():
    """Spins that never join flip one by one, so that the parity of the magnetization counts flips."""
    beta, n_flips = 1e-12, wolff_flips_per_sweep((5, 5), 1e-12)
    trace = simulate((5, 5), beta, 50, algorithm="wolff", initial="up", rng=1)
    assert n_flips == 25
    total = np.rint(25 * np.concatenate([[1.0], trace.magnetization])).astype(int)
    assert (abs(np.diff(total)) // 2 % 2 == n_flips % 2).all()


# Refusals: each before anything is touched

GOOD = {"shape": (4, 4), "beta": 0.4, "n_sweeps": 10}
REFUSED = [
    ({"beta": -0.1}, ValueError, "beta must be at least 0; got -0.1"),
    ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
    ({"beta": math.inf}, ValueError, "beta must be finite; got inf"),
    ({"beta": "0.4"}, TypeError, "beta must be a real number; got '0.4'"),
    ({"beta": 0.4 + 0j}, TypeError, "beta must be a real number"),
    ({"beta": True}, TypeError, "beta must be a real number; got True"),
    ({"beta": 10**400}, ValueError, "beta must be finite"),
    ({"beta": None}, TypeError, "beta must be a real number; got None"),
    ({"beta": [0.4]}, TypeError, "beta must be a real number"),
    ({"beta": 1e308, "coupling": 1e3}, ValueError, r"overflows; got beta=1e\+308, coupling=1000.0"),
    ({"field": 1e308}, ValueError, r"energy overflows; got beta=0.4, coupling=1.0, field=1e\+308"),
    ({"coupling": -1e308, "beta": 0.0}, ValueError, r"energy .*overflows; got .*coupling=-1e\+308"),
    ({"field": -1e307}, ValueError, r"overflows; got .*field=-1e\+307"),  # of one spin it does not
    ({"shape": ()}, ValueError, "shape must have 1 or 2 or 3 sides; got 0"),
    ({"shape": (0,)}, ValueError, "zero length; got"),
    ({"shape": 0}, ValueError, "zero length; got"),
    ({"shape": (1,)}, ValueError, "a side of 1 couples a spin to itself"),
    ({"shape": (4, 1)}, ValueError, r"a side of 1 .* \(4, 1\)"),
    ({"shape": (2.5,)}, TypeError, "each side of shape must be an integer; got 2.5"),
    ({"shape": (4.0, 4)}, TypeError, "each side of shape must be an integer; got 4.0"),
    ({"shape": 4.0}, TypeError, "each side of shape must be an integer; got 4.0"),
    ({"shape": (4, True)}, TypeError, "each side of shape must be an integer; got True"),
    ({"shape": "44"}, TypeError, "each side of shape must be an integer; got '44'"),
    ({"shape": None}, TypeError, "each side of shape must be an integer; got None"),
    ({"shape": (4, 4, 4, 4)}, ValueError, "sides; got 4"),
    ({"shape": (4, -4)}, ValueError, r"each side of shape must be at least 2; got .*-4"),
    ({"algorithm": "kawasaki"}, ValueError, "algorithm must be one of 'heat-bath'.*; got 'kawasaki'"),
    ({"algorithm": None}, ValueError, "algorithm must be one of .*; got None"),
    ({"engine": "warp"}, ValueError, "engine must be one of 'auto', 'plain'.*; got 'warp'"),
    ({"n_sweeps": -1}, ValueError, "n_sweeps must be at least 0; got -1"),
    ({"n_sweeps": 2**63}, ValueError, "n_sweeps must be at most"),
    ({"n_sweeps": 2.5}, TypeError, "n_sweeps must be an integer; got 2.5"),
    ({"n_sweeps": 1e3}, TypeError, "n_sweeps must be an integer; got 1000.0"),
    ({"n_sweeps": "10"}, TypeError, "n_sweeps must be an integer; got '10'"),
    ({"thin": 0}, ValueError, "thin must be at least 1; got 0"),
    ({"thin": 1.5}, TypeError, "thin must be an integer; got 1.5"),
    ({"coupling": math.nan}, ValueError, "coupling must be finite; got nan"),
    ({"coupling": "J"}, TypeError, "coupling must be a real number; got 'J'"),
    ({"field": math.nan}, ValueError, "field must be finite; got nan"),
    ({"field": -math.inf}, ValueError, "field must be finite; got -inf"),
    ({"coupling": 1e308, "beta": 1e-308}, ValueError, "overflows"),
    ({"field": np.zeros(16)}, TypeError, "field must be a real number"),
    ({"initial": "down"}, ValueError, "initial must be one of 'random', 'up'; got 'down'"),
    ({"initial": None}, TypeError, "initial must be an int8 array; got NoneType"),
    ({"initial": [[1] * 4] * 4}, TypeError, "initial must be an int8 array; got list"),
    ({"initial": np.ones((4, 4))}, TypeError, "initial must be an int8 array; got dtype float64"),
    ({"initial": np.ones((4, 4), dtype=bool)}, TypeError, "initial must be an int8 array; got dtype bool"),
    ({"initial": np.ones((4, 5), dtype=np.int8)}, ValueError, r"the shape \(4, 4\); got \(4, 5\)"),
    ({"initial": np.ones(16, dtype=np.int8)}, ValueError, r"the shape \(4, 4\); got \(16,\)"),
    ({"initial": np.zeros((4, 4), dtype=np.int8)}, ValueError, r"hold \+1 and -1 only; got 0"),
    ({"initial": np.full((4, 4), -128, dtype=np.int8)}, ValueError, r"hold \+1 and -1 only; got -128"),
    ({"initial": np.ones((4, 8), dtype=np.int8)[:, ::2]}, ValueError, "initial must be contiguous"),
    ({"initial": np.ones((4, 4), dtype=np.int8, order="F")}, ValueError, "initial must be contiguous"),
    ({"algorithm": "wolff", "field": 0.1}, ValueError, "wolff flips whole clusters.*; got field=0.1"),
    ({"algorithm": "swendsen-wang", "field": -1.0}, ValueError, "swendsen-wang flips whole clusters"),
    ({"algorithm": "wolff", "beta": 0.0}, ValueError, "wolff turns exactly one spin a flip"),
    ({"algorithm": "wolff", "coupling": 0.0}, ValueError, "wolff turns exactly one spin a flip"),
    ({"algorithm": "metropolis", "beta": 0.0}, ValueError, "every sweep turns every spin.*beta=0.0"),
    ({"algorithm": "metropolis", "coupling": 0.0}, ValueError, "every sweep turns every spin"),
    ({"algorithm": "metropolis", "shape": 50}, ValueError, "on a ring without field"),
    ({"algorithm": "metropolis", "shape": (3, 3)}, ValueError, "on so small a lattice"),
    ({"algorithm": "metropolis", "shape": (5, 7), "coupling": -1.0}, ValueError, "on a frustrated lattice"),
    (
        {"algorithm": "wolff", "shape": (5, 7), "coupling": -1.0, "beta": 100.0},
        ValueError,
        "wolff is not ergodic on a frustrated lattice so cold",
    ),
    (
        {"algorithm": "swendsen-wang", "shape": (3, 4), "coupling": -1.0, "beta": 100.0},
        ValueError,
        "swendsen-wang is not ergodic on a frustrated lattice so cold",
    ),
]


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED)
def test_bad_input_is_refused_before_anything_is_touched(wrong, error, message):
    generator = np.random.default_rng(1)
    before = state_of(generator)
    initial = wrong.get("initial", np.ones((4, 4), dtype=np.int8))
    held = np.array(initial)
    with pytest.raises(error, match=message):
        simulate(**{"initial": initial, "rng": generator} | GOOD | wrong)
    assert state_of(generator) == before
    assert np.array_equal(initial, held)


@pytest.mark.parametrize(
    ("rng", "error"),
    [(-1, ValueError), (-(2**70), ValueError), (1.5, TypeError), ("1", TypeError), (True, TypeError)],
)
def test_a_bad_seed_is_refused(rng, error):
    with pytest.raises(error, match="rng must be"):
        simulate(**GOOD, rng=rng)


@pytest.mark.parametrize("measure", [energy, magnetization])
@pytest.mark.parametrize(
    ("spins", "error", "message"),
    [
        ([[1, 1], [1, 1]], TypeError, "spins must be an int8 array; got list"),
        (np.ones((2, 2)), TypeError, "got dtype float64"),
        (np.array([[1, 2], [1, 1]], dtype=np.int8), ValueError, r"\+1 and -1 only; got 2"),
        (np.ones((4, 4), dtype=np.int8)[::2, ::2], ValueError, "contiguous"),
        (np.ones((4, 1), dtype=np.int8), ValueError, "side of 1"),
        (np.ones((0, 4), dtype=np.int8), ValueError, "zero length"),
        (np.ones((2, 2, 2, 2), dtype=np.int8), ValueError, "sides; got 4"),
        (np.int8(1), TypeError, "spins must be an int8 array; got int8"),
        (np.array(1, dtype=np.int8), ValueError, "sides; got 0"),
    ],
)
def test_measuring_refuses_what_is_no_lattice_of_spins(measure, spins, error, message):
    with pytest.raises(error, match=message):
        measure(spins)


@pytest.mark.parametrize("name", ["coupling", "field"])
@pytest.mark.parametrize(("value", "error"), [(math.nan, ValueError), ("1", TypeError), (1j, TypeError)])
def test_measuring_the_energy_refuses_what_is_no_number(name, value, error):
    with pytest.raises(error, match=f"{name} must be"):
        energy(np.ones((2, 2), dtype=np.int8), **{name: value})


@pytest.mark.parametrize("wrong", [{"coupling": 1e308}, {"field": -1e308}, {"coupling": -5e307}])
def test_measuring_refuses_an_energy_beyond_the_range_of_a_float(wrong):
    with pytest.raises(ValueError, match="energy overflows; got coupling="):
        energy(np.ones((4, 4), dtype=np.int8), **wrong)


def test_units_of_energy_are_free():
    """A power of two in the unit changes no digit, however large or small."""
    one = simulate((4, 6), 0.4, 50, coupling=-0.7, field=0.3, rng=1)
    for unit in (2.0**900, 2.0**-900):
        other = simulate((4, 6), 0.4 / unit, 50, coupling=-0.7 * unit, field=0.3 * unit, rng=1)
        assert (other.energy / unit).tolist() == one.energy.tolist()


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_initial_array_keeps_its_values(algorithm):
    initial = np.ones((5, 6), dtype=np.int8)
    trace = simulate((5, 6), 0.1, 50, algorithm=algorithm, initial=initial, rng=1)
    assert (initial == 1).all()
    assert not (trace.spins == 1).all()


def test_an_interrupted_run_leaves_the_initial_array_as_it_was(monkeypatch):
    """Ctrl-C is heard between calls, when the run's own spins have long changed."""
    changed, kernel = [], lattice.single_site

    def interrupted(spins, *arguments):
        kernel(spins, *arguments)
        changed.append((spins != 1).any())
        if len(changed) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(lattice, "single_site", interrupted)
    initial = np.ones((5, 6), dtype=np.int8)
    with pytest.raises(KeyboardInterrupt):
        simulate((5, 6), 0.1, 1000, initial=initial, rng=1)
    assert changed == [True] * 3
    assert (initial == 1).all()
