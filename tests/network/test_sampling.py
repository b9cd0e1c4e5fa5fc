"""`sample` and `anneal` against all states of small networks, wrong samplers, seeds and cores, refusals."""

import itertools
import math

import numpy as np
import pytest
from numba import njit

from smbook import _pool, _runs
from smbook.ising import simulate
from smbook.kernels import network as kernels
from smbook.network import (
    Annealing,
    NetworkTrace,
    SpinNetwork,
    edwards_anderson,
    ferromagnet,
    from_lattice,
    sherrington_kirkpatrick,
)
from tests.network.exact import (
    dense,
    energies,
    gibbs,
    lattice_of,
    numbers_of,
    p_value,
    random_couplings,
    rebuilt,
    twice_the_time,
    z_of_energy,
)

FIELDS = np.array([0.3, -0.2, 0.0, 0.5, 0.0, -0.4, 0.1, 0.0])


def state_of(generator):
    return generator.bit_generator.state


# Against all states

NETWORKS = {
    "sk": (sherrington_kirkpatrick(8, rng=1), 1.0),
    "sk in a field": (SpinNetwork(random_couplings(8, 2), FIELDS), 1.2),
    "sk, float32": (SpinNetwork(random_couplings(8, 3).astype(np.float32), FIELDS), 1.0),
    "plus-minus": (edwards_anderson((3, 3), disorder="plus-minus", rng=4), 0.5),
    "plus-minus in a field": (lattice_of((2, 4), 5, values=[-1.0, 1.0], fields=1.0), 0.4),
    "gaussian lattice": (edwards_anderson((3, 3), rng=6), 0.6),
    "cube": (edwards_anderson((2, 2, 2), rng=7), 0.3),
    "ring": (from_lattice(7, field=0.0), 0.7),
}
CASES = list(itertools.product(NETWORKS, ("heat-bath", "metropolis"), ("sequential", "random")))


def visited(network, beta, *, n_entries=80_000, factor=1.0, **options):
    """States of four chains, thinned by twice the autocorrelation time, and their energies."""
    trial = network.sample(factor * beta, 6000, keep_spins=True, rng=1, **options)
    series = (trial.energy[0, 100:], trial.magnetization[0, 100:], abs(trial.magnetization[0, 100:]))
    slow = trial.samples[0, 100:] @ np.linalg.eigh(np.cov(trial.samples[0, 100:].T))[1][:, -1]
    thin = twice_the_time(*series, slow)
    options |= {"n_chains": 4, "initial": trial.spins[0], "keep_spins": True, "thin": thin, "rng": 2}
    trace = network.sample(factor * beta, n_entries // 4 * thin, **options)
    return trace.samples.reshape(-1, network.n_spins), trace.energy


@pytest.mark.parametrize(("name", "algorithm", "order"), CASES)
def test_the_histogram_of_all_states_is_that_of_gibbs(name, algorithm, order):
    """Chi-square over all states; the energy is known to 2e-3 or so, so that a bias of 1 % is caught."""
    network, beta = NETWORKS[name]
    samples, energy = visited(network, beta, algorithm=algorithm, order=order)
    assert p_value(samples, gibbs(network, beta)) > 1e-4
    assert abs(z_of_energy(energy, network, beta)) < 4
    np.testing.assert_allclose(energy.ravel(), energies(network)[numbers_of(samples)], atol=1e-5)


@pytest.mark.parametrize("name", ["sk in a field", "plus-minus", "gaussian lattice"])
def test_a_sampler_a_little_too_cold_is_caught(name):
    """By 4 % in temperature, which lowers the energy by two hundredths or so."""
    network, beta = NETWORKS[name]
    samples, energy = visited(network, beta, factor=1.04)
    assert z_of_energy(energy, network, beta) < -4
    assert p_value(samples, gibbs(network, beta)) < 1e-4


@njit
def turn_one_way(matrix, entries, columns, starts, spins, local, i):  # noqa: ARG001
    """Bring only those local fields up to date whose spins come later in the sweep."""
    spins[i] = -spins[i]
    for j in range(i + 1, local.size):
        local[j] += 2.0 * matrix[i, j] * spins[i]


def test_a_stale_local_field_is_caught(monkeypatch):
    """Refreshed every 16 N flips only, fields that are not brought up to date show another law."""
    monkeypatch.setattr(kernels, "run", rebuilt(turn=turn_one_way).run)
    network, beta = NETWORKS["sk in a field"]
    trace = network.sample(beta, 100_000, n_chains=4, keep_spins=True, thin=5, rng=1)
    assert p_value(trace.samples.reshape(-1, 8), gibbs(network, beta)) < 1e-10


@njit
def flips_all_ties(rule, spin, reduced, noise):
    if rule == 0:
        return (reduced > noise) != (spin > 0)
    return reduced * spin < noise


def test_metropolis_that_accepts_all_ties_is_caught_on_a_ring(monkeypatch):
    """Seven spins at beta = 0.35, from one start: -0.220 a spin, or another value, for -0.338."""
    network, beta = from_lattice(7), 0.35
    options = {"algorithm": "metropolis", "n_chains": 4, "initial": "up", "rng": 1}
    right = network.sample(beta, 20_000, **options)
    assert abs(z_of_energy(right.energy[:, 100:], network, beta)) < 4
    assert gibbs(network, beta) @ energies(network) / 7 == pytest.approx(-0.338, abs=5e-4)
    monkeypatch.setattr(kernels, "run", rebuilt(_flips=flips_all_ties).run)
    wrong = network.sample(beta, 20_000, **options)
    assert abs(z_of_energy(wrong.energy[:, 100:], network, beta)) > 20


@pytest.mark.parametrize("algorithm", ["heat-bath", "metropolis"])
def test_free_spins_in_a_field_follow_the_hyperbolic_tangent(algorithm):
    network = SpinNetwork(np.zeros((3, 3)), [0.5, -1.0, 0.0])
    trace = network.sample(0.7, 40_000, algorithm=algorithm, keep_spins=True, n_chains=4, rng=3)
    means, errors = trace.samples.mean(axis=1).mean(axis=0), 1 / math.sqrt(4 * 40_000)
    slowness = 1.0 if algorithm == "heat-bath" else 2.0
    expected = np.tanh(0.7 * network.fields)
    assert (abs(means - expected) < 4 * slowness * errors).all()


@pytest.mark.parametrize("algorithm", ["heat-bath", "metropolis"])
def test_at_infinite_temperature_all_states_are_alike(algorithm):
    network = NETWORKS["sk in a field"][0]
    samples, _ = visited(network, 0.0, algorithm=algorithm)
    assert p_value(samples, np.full(256, 1 / 256)) > 1e-4


def test_a_network_of_a_lattice_has_the_law_of_the_ising_model():
    """Means of energy and magnetization of two samplers that share no code but the random numbers."""
    for shape, beta, coupling, field in [
        ((4, 6), 0.4, 1.0, 0.2),
        ((3, 2), 0.3, -1.0, 0.5),
        ((2, 2, 3), 0.2, 0.7, 0.0),
    ]:
        n = math.prod(shape)
        network = from_lattice(shape, coupling=coupling, field=field)
        trace = network.sample(beta, 30_000, n_chains=4, rng=1)
        energy, magnetization = (
            trace.energy[:, 100:].mean(axis=1) / n,
            trace.magnetization[:, 100:].mean(axis=1),
        )
        runs = [simulate(shape, beta, 30_000, coupling=coupling, field=field, rng=seed) for seed in range(4)]
        others = [run.energy[100:].mean() for run in runs], [run.magnetization[100:].mean() for run in runs]
        for one, other in zip((energy, magnetization), others, strict=True):
            error = math.sqrt(np.var([*one - one.mean(), *other - np.mean(other)]) * 8 / 6 / 2)
            assert abs(one.mean() - np.mean(other)) < 5.2 * error  # as |z| < 4 of Student's t with 6 degrees


# What a run returns


def test_a_trace_holds_a_row_a_chain_and_a_column_a_kept_sweep():
    network = NETWORKS["sk in a field"][0]
    patterns = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (3, 8))
    trace = network.sample(0.8, 25, n_chains=5, thin=4, patterns=patterns, keep_spins=True, rng=1)
    assert isinstance(trace, NetworkTrace)
    assert trace.energy.shape == trace.magnetization.shape == (5, 6)
    assert trace.overlaps.shape == (5, 3, 6)
    assert trace.replica_overlap.shape == (2, 6)
    assert trace.samples.shape == (5, 6, 8)
    assert trace.spins.shape == (5, 8)
    assert trace.spins.dtype == trace.samples.dtype == np.int8
    np.testing.assert_allclose(trace.energy, network.energy(trace.samples), atol=1e-13)
    samples = trace.samples.astype(float)
    assert trace.magnetization.tolist() == samples.mean(axis=-1).tolist()
    np.testing.assert_allclose(trace.overlaps, np.einsum("cki,pi->cpk", samples, patterns) / 8, atol=1e-15)
    for pair in range(2):
        expected = (samples[2 * pair] * samples[2 * pair + 1]).mean(axis=-1)
        assert trace.replica_overlap[pair].tolist() == expected.tolist()
    bare = network.sample(0.8, 25, n_chains=5, thin=4, rng=1)
    assert bare.samples.shape == (5, 0, 8)
    assert bare.overlaps.shape == (5, 0, 6)
    assert bare.energy.tolist() == trace.energy.tolist()
    one = network.sample(0.8, 25, n_chains=5, thin=4, patterns=patterns[1], rng=1)
    assert one.overlaps.tolist() == trace.overlaps[:, 1:2].tolist()


def test_a_network_of_one_spin():
    network = SpinNetwork([[0.0]], 0.5)
    trace = network.sample(1.0, 100_000, n_chains=2, rng=1)
    assert abs(trace.magnetization.mean() - math.tanh(0.5)) < 4 / math.sqrt(200_000)
    assert SpinNetwork([[0]]).anneal([1.0], rng=1).energy == 0.0


@pytest.mark.parametrize(
    ("n_sweeps", "thin", "kept"), [(0, 1, 0), (0, 5, 0), (4, 5, 0), (5, 5, 1), (14, 5, 2)]
)
def test_sweeps_beyond_the_last_kept_one_are_run_but_not_noted(n_sweeps, thin, kept):
    network = NETWORKS["sk"][0]
    trace = network.sample(0.8, n_sweeps, thin=thin, n_chains=2, rng=3)
    assert trace.energy.shape == (2, kept)
    assert trace.spins.tolist() == network.sample(0.8, n_sweeps, n_chains=2, rng=3).spins.tolist()


def test_a_run_of_no_sweep_returns_its_start():
    network, start = ferromagnet(3), np.array([1, -1, 1], dtype=np.int8)
    assert network.sample(1.0, 0, initial=start, n_chains=2, rng=1).spins.tolist() == [start.tolist()] * 2
    assert network.sample(1.0, 0, initial="up", rng=1).spins.tolist() == [[1, 1, 1]]
    tossed = network.sample(1.0, 0, n_chains=10_000, rng=1).spins
    assert (abs(tossed.mean(axis=0)) < 4 / 100).all()
    assert (abs(np.corrcoef(tossed.T) - np.eye(3)) < 4 / 100).all()


def test_infinite_cold_stays_where_it_is():
    network = ferromagnet(5)
    for algorithm in ("heat-bath", "metropolis"):
        trace = network.sample(1e300, 20, algorithm=algorithm, initial="up", rng=1)
        assert (trace.magnetization == 1.0).all()


def test_spins_may_start_in_any_layout_and_stay_as_they_are():
    network = NETWORKS["sk"][0]
    starts = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (3, 8))
    expected = network.sample(0.7, 9, n_chains=3, initial=starts, rng=1)
    wide = np.ones((3, 16), dtype=np.int8)
    wide[:, ::2] = starts
    frozen = starts.copy()
    frozen.flags.writeable = False
    for same in (np.asfortranarray(starts), wide[:, ::2], starts[::-1].copy()[::-1], frozen):
        before = same.copy()
        trace = network.sample(0.7, 9, n_chains=3, initial=same, rng=1)
        assert trace == expected
        assert trace.spins.flags.c_contiguous
        assert same.tolist() == before.tolist()
    for row in range(3):
        one = network.sample(0.7, 9, n_chains=3, initial=starts[row], rng=1)
        assert one.energy[row].tolist() == expected.energy[row].tolist()


def test_a_run_goes_on_from_another():
    network = NETWORKS["gaussian lattice"][0]
    trace = network.sample(0.6, 10, n_chains=3, rng=1)
    before = trace.spins.copy()
    again = network.sample(0.6, 10, n_chains=3, initial=trace.spins, rng=2)
    assert trace.spins.tolist() == before.tolist()
    assert again == network.sample(0.6, 10, n_chains=3, initial=before, rng=2)


# Seeds, cores and calls

RUNS = {
    "sample": lambda network, n_chains, rng, **options: network.sample(
        0.8, 60, n_chains=n_chains, keep_spins=True, rng=rng, **options
    ),
    "anneal": lambda network, n_chains, rng, **options: network.anneal(
        np.linspace(0.1, 2.0, 12), n_chains=n_chains, sweeps_per_beta=5, rng=rng, **options
    ),
}


@pytest.mark.parametrize("order", ["sequential", "random"])
@pytest.mark.parametrize("what", RUNS)
def test_neither_cores_nor_calls_change_a_result(what, order, monkeypatch):
    """Five sweeps a temperature in calls of one or all: the best state is that of all sweeps in any case."""
    for name in ("sk", "gaussian lattice"):
        network = NETWORKS[name][0]
        whole = RUNS[what](network, 5, 9, order=order)
        assert whole != RUNS[what](network, 5, 10, order=order)
        assert whole == RUNS[what](network, 5, 9, order=order, progress=True)
        for cores in (1, 2, 7):
            for updates in (1, 5000, 20_000, 10**9):
                monkeypatch.setattr(_pool, "_cores", lambda cores=cores: cores)
                monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
                assert RUNS[what](network, 5, 9, order=order) == whole


def test_a_chain_is_the_same_however_many_run_beside_it():
    network = NETWORKS["sk"][0]
    many, few = (RUNS["sample"](network, n, 9) for n in (6, 3))
    for one, other in zip(
        (many.energy, many.samples, many.spins), (few.energy, few.samples, few.spins), strict=True
    ):
        assert one[:3].tolist() == other.tolist()
    many, few = (RUNS["anneal"](network, n, 9) for n in (6, 3))
    assert many.energies[:3].tolist() == few.energies.tolist()
    assert many.best_spins[:3].tolist() == few.best_spins.tolist()


def test_a_thinned_run_is_part_of_the_whole():
    network = NETWORKS["gaussian lattice"][0]
    whole = network.sample(0.6, 100, n_chains=2, keep_spins=True, rng=9)
    for thin in (7, 25):
        thinned = network.sample(0.6, 100, n_chains=2, keep_spins=True, thin=thin, rng=9)
        assert thinned.energy.tolist() == whole.energy[:, thin - 1 :: thin].tolist()
        assert thinned.samples.tolist() == whole.samples[:, thin - 1 :: thin].tolist()
        assert thinned.spins.tolist() == whole.spins.tolist()


@pytest.mark.parametrize("what", RUNS)
def test_a_generator_seeds_a_run_by_one_draw(what):
    network, generator, twin = NETWORKS["sk"][0], np.random.default_rng(5), np.random.default_rng(5)
    found = RUNS[what](network, 3, generator)
    assert found == RUNS[what](network, 3, int(twin.integers(0, 2**64, dtype=np.uint64)))
    assert state_of(generator) == state_of(twin)
    assert RUNS[what](network, 3, None) != RUNS[what](network, 3, None)


def test_sparse_and_dense_couplings_give_the_same_bits():
    """Of couplings that are whole numbers, whose sums are exact."""
    network = edwards_anderson((4, 5), disorder="plus-minus", rng=3)
    other = SpinNetwork(dense(network))
    for algorithm in ("heat-bath", "metropolis"):
        options = {"n_chains": 3, "algorithm": algorithm, "keep_spins": True, "rng": 1}
        assert network.sample(0.7, 200, **options) == other.sample(0.7, 200, **options)
    betas = [0.2, 0.5, 0.9]
    assert network.temper(betas, 200, keep_spins=True, rng=1) == other.temper(
        betas, 200, keep_spins=True, rng=1
    )
    assert network.anneal(betas, rng=1) == other.anneal(betas, rng=1)


def test_single_precision_makes_the_same_run_until_rounding_tells():
    """A decision in doubt by 1e-6 comes once in 10^6 updates; energies agree to seven digits until then."""
    couplings = random_couplings(50, 4)
    one, other = SpinNetwork(couplings), SpinNetwork(couplings.astype(np.float32))
    assert other.dtype == np.float32
    traces = [network.sample(0.8, 100, n_chains=2, rng=1) for network in (one, other)]
    assert traces[0].spins.tolist() == traces[1].spins.tolist()
    np.testing.assert_allclose(traces[0].energy, traces[1].energy, atol=1e-4)


def test_units_of_energy_are_free():
    couplings = random_couplings(6, 4)
    one = SpinNetwork(couplings, 0.25).sample(0.8, 50, rng=1)
    for unit in (2.0**900, 2.0**-900):
        other = SpinNetwork(couplings * unit, 0.25 * unit).sample(0.8 / unit, 50, rng=1)
        assert (other.energy / unit).tolist() == one.energy.tolist()


def test_an_energy_of_nothing_has_no_sign():
    trace = SpinNetwork(np.zeros((2, 2))).sample(1.0, 3, rng=1)
    assert not np.signbit(trace.energy).any()


def test_an_interrupted_run_leaves_the_network_as_it_was(monkeypatch):
    network = NETWORKS["sk in a field"][0]
    before = dense(network), network.fields.copy()
    runs = {what: run(network, 4, 1) for what, run in RUNS.items()}
    kernel, made = kernels.run, []

    def interrupted(*arguments):
        kernel(*arguments)
        made.append(1)
        if len(made) == 5:
            raise KeyboardInterrupt

    for what, run in RUNS.items():
        made.clear()
        initial = np.ones((4, 8), dtype=np.int8)
        with monkeypatch.context() as patched:
            patched.setattr(kernels, "run", interrupted)
            with pytest.raises(KeyboardInterrupt):
                run(network, 4, 1, initial=initial)
        assert (initial == 1).all()
        assert run(network, 4, 1) == runs[what]
    assert dense(network).tolist() == before[0].tolist()
    assert network.fields.tolist() == before[1].tolist()


# Annealing


def test_annealing_notes_the_end_of_each_temperature_and_the_best_state_of_all_sweeps():
    network = NETWORKS["sk in a field"][0]
    betas = np.linspace(0.1, 1.0, 20)
    found = network.anneal(betas, n_chains=3, sweeps_per_beta=4, rng=2)
    assert isinstance(found, Annealing)
    assert found.energies.shape == (3, 20)
    assert found.best_spins.shape == (3, 8)
    np.testing.assert_allclose(network.energy(found.best_spins), found.best_energies, atol=1e-13)
    assert found.energy == found.best_energies.min()
    assert found.energy == pytest.approx(network.energy(found.spins), abs=1e-13)
    assert (found.best_energies <= found.energies.min(axis=1)).all()
    single = network.anneal(np.repeat(betas, 4), n_chains=3, rng=2)
    np.testing.assert_array_equal(single.energies[:, 3::4], found.energies)
    assert (
        single.best_energies.tolist() == found.best_energies.tolist() == single.energies.min(axis=1).tolist()
    )
    assert single.best_spins.tolist() == found.best_spins.tolist()


def test_annealing_at_one_temperature_is_sampling():
    network = NETWORKS["gaussian lattice"][0]
    assert (
        network.anneal(np.full(30, 0.6), rng=4).energies.tolist()
        == network.sample(0.6, 30, rng=4).energy.tolist()
    )


SAMPLES = [sherrington_kirkpatrick(n, rng=100 + seed) for seed in range(25) for n in (16, 20)]
SAMPLES += [edwards_anderson((4, 5), rng=seed) for seed in range(25)]
SAMPLES += [edwards_anderson((4, 4), disorder="plus-minus", rng=seed) for seed in range(25)]


def test_annealing_and_tempering_find_the_ground_state_in_100_of_100_samples():
    """Of at most 20 spins: 8 chains of 200 sweeps, or 2 ladders of 6 temperatures for 200 sweeps."""
    annealed = tempered = 0
    for seed, network in enumerate(SAMPLES):
        lowest = network.enumerate(1.0).ground_energy
        found = network.anneal(np.linspace(0.1, 4.0, 200), n_chains=8, rng=seed)
        annealed += np.isclose(found.energy, lowest, rtol=1e-10)
        found = network.temper(np.geomspace(0.2, 3.0, 6), 200, rng=seed)
        tempered += np.isclose(found.best_energy, lowest, rtol=1e-10)
        assert network.energy(found.best_spins) == pytest.approx(found.best_energy, rel=1e-10)
    assert (annealed, tempered, len(SAMPLES)) == (100, 100, 100)


# Results


@pytest.mark.parametrize("what", RUNS)
def test_results_are_equal_if_their_numbers_are(what):
    one = RUNS[what](NETWORKS["sk"][0], 3, 1)
    assert one == RUNS[what](NETWORKS["sk"][0], 3, 1)
    assert one != RUNS[what](NETWORKS["sk"][0], 3, 2)
    assert one != one._replace(energy=one.energy + 1)
    assert one != "result"


def test_results_print_their_size_and_not_their_arrays():
    network = ferromagnet(4)
    trace = network.sample(1.0, 10, n_chains=2, initial="up", rng=1)
    mean = f"mean total energy {trace.energy.mean():.6g}"
    assert repr(trace) == f"NetworkTrace(10 kept sweeps of 2 chains of 4 spins, {mean})"
    assert repr(network.sample(1.0, 0, rng=1)) == "NetworkTrace(0 kept sweeps of 1 chain of 4 spins)"
    found = network.anneal([9.0] * 3, initial="up", rng=1)
    assert repr(found) == "Annealing(1 chain, 3 temperatures, lowest total energy -1.5)"


# Refusals: each before anything is touched

UP = np.ones(8, dtype=np.int8)
REFUSED = [
    ({"n_chains": 0}, ValueError, "n_chains must be at least 1; got 0"),
    ({"n_chains": 2.0}, TypeError, r"n_chains must be an integer; got 2\.0"),
    ({"algorithm": "wolff"}, ValueError, "algorithm must be one of 'heat-bath', 'metropolis'; got 'wolff'"),
    ({"order": None}, ValueError, "order must be one of 'sequential', 'random'; got None"),
    ({"initial": "down"}, ValueError, "initial must be one of 'random', 'up'; got 'down'"),
    ({"initial": None}, TypeError, "initial must be an int8 array; got NoneType"),
    ({"initial": [1] * 8}, TypeError, "initial must be an int8 array; got list"),
    ({"initial": np.ones(8)}, TypeError, "initial must be an int8 array; got dtype float64"),
    ({"initial": np.ones(8, dtype=bool)}, TypeError, "initial must be an int8 array; got dtype bool"),
    ({"initial": np.ma.array(UP)}, TypeError, "initial must be an int8 array; got MaskedArray"),
    ({"initial": UP[:7]}, ValueError, r"initial must be those of 8 spins, \(..., 8\); got shape \(7,\)"),
    ({"initial": np.array(1, dtype=np.int8)}, ValueError, r"got shape \(\)"),
    ({"initial": np.tile(UP, (3, 1))}, ValueError, r"the shape \(8,\) or \(2, 8\); got \(3, 8\)"),
    ({"initial": 0 * UP}, ValueError, r"initial must hold \+1 and -1 only; got 0"),
    ({"initial": UP * np.int8(-128)}, ValueError, r"initial must hold \+1 and -1 only; got -128"),
]
OF_SAMPLE = [
    *REFUSED,
    ({"beta": -0.1}, ValueError, "beta must be at least 0; got -0.1"),
    ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
    ({"beta": math.inf}, ValueError, "beta must be finite; got inf"),
    ({"beta": "1"}, TypeError, "beta must be a real number; got '1'"),
    ({"beta": [1.0]}, TypeError, "beta must be a real number"),
    ({"beta": 1.7e308}, ValueError, r"beta times energy overflows; got beta=1.7e\+308, local fields of"),
    ({"n_sweeps": -1}, ValueError, "n_sweeps must be at least 0; got -1"),
    ({"n_sweeps": 1e3}, TypeError, r"n_sweeps must be an integer; got 1000\.0"),
    ({"thin": 0}, ValueError, "thin must be at least 1; got 0"),
    ({"patterns": UP[:3]}, ValueError, r"patterns must be those of 8 spins, \(..., 8\); got shape \(3,\)"),
    ({"patterns": [[1] * 8]}, TypeError, "patterns must be an int8 array; got list"),
    ({"patterns": np.ones((1, 2, 8), dtype=np.int8)}, ValueError, r"the shape \(P, 8\); got \(1, 2, 8\)"),
    ({"patterns": 0 * UP}, ValueError, r"patterns must hold \+1 and -1 only; got 0"),
]
OF_ANNEAL = [
    *REFUSED,
    ({"betas": []}, ValueError, r"betas must be a row of at least one number; got shape \(0,\)"),
    ({"betas": 1.0}, ValueError, r"betas must be a row of at least one number; got shape \(\)"),
    ({"betas": [[1.0]]}, ValueError, r"betas must be a row of at least one number; got shape \(1, 1\)"),
    ({"betas": [1.0, -0.5]}, ValueError, "betas must be at least 0; got -0.5"),
    ({"betas": [1.0, math.nan]}, ValueError, "betas must be finite; got nan"),
    ({"betas": [1.0, 1.7e308]}, ValueError, "beta times energy overflows"),
    ({"betas": ["1"]}, TypeError, "betas must hold real numbers"),
    ({"betas": [[1.0], [1.0, 2.0]]}, TypeError, "betas must hold real numbers in rows of one length"),
    ({"sweeps_per_beta": 0}, ValueError, "sweeps_per_beta must be at least 1; got 0"),
    ({"sweeps_per_beta": 1.5}, TypeError, "sweeps_per_beta must be an integer; got 1.5"),
]


def check_refusal(function, arguments, error, message):
    """Neither arrays nor the generator are touched."""
    generator = np.random.default_rng(1)
    before = state_of(generator)
    held = {name: value.copy() for name, value in arguments.items() if isinstance(value, np.ndarray)}
    with pytest.raises(error, match=message):
        function(**arguments, rng=generator)
    assert state_of(generator) == before
    for name, value in held.items():
        assert np.array_equal(arguments[name], value)


@pytest.mark.parametrize(("wrong", "error", "message"), OF_SAMPLE)
def test_bad_input_is_refused_before_anything_is_touched(wrong, error, message):
    good = {"beta": 1.0, "n_sweeps": 5, "n_chains": 2, "initial": UP.copy(), "patterns": UP.copy()}
    check_refusal(NETWORKS["sk"][0].sample, good | wrong, error, message)


@pytest.mark.parametrize(("wrong", "error", "message"), OF_ANNEAL)
def test_a_bad_schedule_is_refused_before_anything_is_touched(wrong, error, message):
    check_refusal(NETWORKS["sk"][0].anneal, {"betas": [0.5, 1.0], "n_chains": 2} | wrong, error, message)


@pytest.mark.parametrize("rng", [-1, 1.5, "1", True])
def test_a_bad_seed_is_refused(rng):
    for run in RUNS.values():
        with pytest.raises((TypeError, ValueError), match="rng must be"):
            run(NETWORKS["sk"][0], 2, rng)
