"""`temper` against all states at every temperature, wrong swaps with known biases, ladders, and refusals."""

import math

import numpy as np
import pytest
from numba import njit

from smbook import _pool, _runs
from smbook.kernels import network as kernels
from smbook.network import (
    SpinNetwork,
    Tempering,
    edwards_anderson,
    ferromagnet,
    sherrington_kirkpatrick,
    tempering,
)
from smbook.statistics import binned_error
from tests.network.exact import (
    energies,
    gibbs,
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


# Against all states, noted right after the swaps and after a single sweep since the last

NETWORKS = {
    "sk": (sherrington_kirkpatrick(8, rng=1), [0.4, 0.9, 1.8, 3.0]),
    "sk in a field, float32": (
        SpinNetwork(random_couplings(8, 2).astype(np.float32), FIELDS),
        [0.3, 1.0, 2.5],
    ),
    "plus-minus": (edwards_anderson((3, 3), disorder="plus-minus", rng=4), [0.2, 0.5, 0.9]),
    "gaussian lattice": (edwards_anderson((2, 4), rng=6), [0.2, 0.5, 0.9, 1.3]),
}


def visited(network, betas, *, n_entries=80_000, **options):
    """States (K, M, N) of four ladders, thinned by twice the longest autocorrelation time, and energies."""
    trial = network.temper(betas, 6000, n_ladders=2, keep_spins=True, rng=1, **options)
    slow = [*trial.replica_overlap[0, :, 100:], *trial.energy[0, :, 100:], *trial.magnetization[0, :, 100:]]
    thin = twice_the_time(*slow)
    run = network.temper(
        betas, n_entries // 4 * thin, n_ladders=4, thin=thin, keep_spins=True, initial=trial.spins[0, -1],
        rng=2, **options,
    )  # fmt: skip
    states = np.moveaxis(run.samples, 0, 1).reshape(len(betas), -1, network.n_spins)
    return states, np.moveaxis(run.energy, 0, 1)


@pytest.mark.parametrize("algorithm", ["heat-bath", "metropolis"])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_histogram_is_that_of_gibbs_at_every_temperature(name, algorithm):
    """Wrong swaps shift energies by a tenth and more, as below; the error here is 2e-3 or so."""
    network, betas = NETWORKS[name]
    states, energy = visited(network, betas, algorithm=algorithm)
    for beta, samples, noted in zip(betas, states, energy, strict=True):
        assert p_value(samples, gibbs(network, beta)) > 1e-4
        assert abs(z_of_energy(noted, network, beta)) < 4
        np.testing.assert_allclose(noted.ravel(), energies(network)[numbers_of(samples)], atol=1e-5)


# Wrong swaps


def swap(gain):
    """The swap of two temperatures with another gain, tried after every sweep."""

    @njit
    def swap_neighbours(at, betas, totals, _first, swaps, state):
        swaps[0, 0] += 1
        a, b = at
        if kernels.uniform(state) < math.exp(min(gain(betas[0] - betas[1], totals, a, b), 0.0)):
            at[0], at[1] = b, a
            swaps[1, 0] += 1
        totals[2:] = totals[:2]

    return swap_neighbours


@njit
def turn_nothing_else(matrix, entries, columns, starts, spins, local, i):  # noqa: ARG001
    """Leave the local fields as they were, until they are refreshed."""
    spins[i] = -spins[i]


# The energies of both configurations, and those that they had before their last sweep, are in `totals`.
RIGHT = swap(njit(lambda difference, totals, a, b: difference * (totals[a] - totals[b])))
WRONG = {
    "right": {},
    "per spin": {
        "_swap_neighbours": swap(
            njit(lambda difference, totals, a, b: difference * (totals[a] - totals[b]) / 16)
        )
    },
    "transposed": {
        "_swap_neighbours": swap(njit(lambda difference, totals, a, b: difference * (totals[b] - totals[a])))
    },
    "stale energies": {
        "_swap_neighbours": swap(
            njit(lambda difference, totals, a, b: difference * (totals[2 + a] - totals[2 + b]))
        )
    },
    "stale local fields": {"turn": turn_nothing_else},
}


@pytest.fixture(scope="module", params=WRONG)
def rule(request):
    """A name, and the kernel of that rule."""
    return request.param, rebuilt(**{"_swap_neighbours": RIGHT} | WRONG[request.param]).temper


def with_room(begin):
    """Let a ladder remember twice as many energies."""

    def started(*start, **options):
        ladder = begin(*start, **options)
        return ladder._replace(totals=np.tile(ladder.totals, 2))

    return started


@pytest.fixture
def temper(rule, monkeypatch):
    """The name of a rule, which is the package's for the while."""
    name, kernel = rule
    monkeypatch.setattr(kernels, "temper", kernel)
    monkeypatch.setattr(tempering, "_begin", with_room(tempering._begin))
    return name


# The exact energies per spin of a Curie-Weiss magnet of 16, and the biases of each rule: heat bath at random
# sites, noted right after a swap, from the stationary vector of the chain of both magnetizations.
EXACT = {(0.5, 2.0): (-0.056308, -0.443795), (0.8, 1.3): (-0.093370, -0.246389)}
BIASES = {
    "right": [(0.0, 0.0), (0.0, 0.0)],
    "per spin": [(-0.133225, 0.273016), (-0.068410, 0.108911)],
    "transposed": [(-0.166214, 0.367021), (-0.097632, 0.159020)],
    "stale energies": [(-0.011584, 0.023708), (-0.030753, 0.048974)],
}


def test_wrong_swaps_have_their_exact_biases_and_the_right_one_has_none(temper):
    """The errors are 1e-3 and less, so that every wrong swap is off by ten of them and more."""
    for (betas, exact), biases in zip(EXACT.items(), BIASES.get(temper, [None] * 2), strict=True):
        run = ferromagnet(16).temper(betas, 30_000, n_ladders=4, order="random", rng=5)
        noted = np.moveaxis(run.energy[:, :, 100:], 1, 0) / 16 - 0.5 / 16  # as with J_ii = J / N
        pulls = []
        for k, rows in enumerate(noted):
            bins = [binned_error(row) for row in rows]
            mean, error = np.mean([one.value for one in bins]), math.hypot(*(one.error for one in bins)) / 4
            if biases is not None:
                assert error < 1.2e-3
                assert abs(mean - exact[k] - biases[k]) < 4 * error + 1e-6
            pulls.append(abs(mean - exact[k]) / error)
        assert max(pulls) < 4 if temper == "right" else max(pulls) > 10


def test_the_histogram_shows_wrong_swaps_and_stale_local_fields(temper):
    network, betas = NETWORKS["sk"][0], (0.9, 3.0)
    run = network.temper(betas, 60_000, n_ladders=4, thin=3, keep_spins=True, rng=1)
    for beta, samples, noted in zip(
        betas, np.moveaxis(run.samples, 1, 0), np.moveaxis(run.energy, 1, 0), strict=True
    ):
        p, z = p_value(samples.reshape(-1, 8), gibbs(network, beta)), z_of_energy(noted, network, beta)
        assert (p > 1e-4 and abs(z) < 4) if temper == "right" else (p < 1e-10 and abs(z) > 8)


# What a ladder notes


@pytest.mark.parametrize("name", ["sk", "plus-minus"])
def test_swaps_are_made_as_often_as_enumeration_says(name):
    """The mean of min(1, exp(D)) over two independent states, D = (beta - beta') (E - E')."""
    network, betas = NETWORKS[name]
    found, laws = energies(network), [gibbs(network, beta) for beta in betas]
    n_sweeps = 40_000
    run = network.temper(betas, n_sweeps, n_ladders=2, rng=8)
    for k, rate in enumerate(run.swap_rates):
        gain = (betas[k] - betas[k + 1]) * np.subtract.outer(found, found)
        expected = laws[k] @ np.exp(np.minimum(gain, 0.0)) @ laws[k + 1]
        inefficiency = 4.0  # successive tries are correlated
        error = math.sqrt(expected * (1 - expected) * inefficiency / n_sweeps)
        assert abs(rate - expected) < 4 * error


def test_a_record_holds_ladders_temperatures_and_kept_sweeps():
    network, betas = NETWORKS["sk"]
    patterns = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (3, 8))
    run = network.temper(betas, 25, n_ladders=5, thin=4, patterns=patterns, keep_spins=True, rng=1)
    assert isinstance(run, Tempering)
    assert run.betas.tolist() == betas
    assert run.energy.shape == run.magnetization.shape == (5, 4, 6)
    assert run.overlaps.shape == (5, 4, 3, 6)
    assert run.replica_overlap.shape == (2, 4, 6)
    assert run.swap_rates.shape == (3,)
    assert run.round_trips.shape == (5, 4)
    assert run.spins.shape == (5, 4, 8)
    assert run.samples.shape == (5, 4, 6, 8)
    np.testing.assert_allclose(run.energy, network.energy(run.samples), atol=1e-13)
    samples = run.samples.astype(float)
    assert run.magnetization.tolist() == samples.mean(axis=-1).tolist()
    np.testing.assert_allclose(run.overlaps, np.einsum("lkti,pi->lkpt", samples, patterns) / 8, atol=1e-15)
    for pair in range(2):
        expected = (samples[2 * pair] * samples[2 * pair + 1]).mean(axis=-1)
        assert run.replica_overlap[pair].tolist() == expected.tolist()
    assert network.energy(run.best_spins) == pytest.approx(run.best_energy, abs=1e-13)
    assert run.best_energy <= run.energy.min() + 1e-13
    bare = network.temper(betas, 25, n_ladders=5, thin=4, rng=1)
    assert bare.samples.shape == (5, 4, 0, 8)
    assert bare.energy.tolist() == run.energy.tolist()
    last = network.temper(betas, 24, n_ladders=5, rng=1)
    assert last.spins.tolist() == run.samples[:, :, -1].tolist()


def test_the_best_state_may_be_the_first():
    network = ferromagnet(8)
    run = network.temper([0.0, 1e-9], 1, n_ladders=1, initial="up", rng=1)
    assert run.best_energy == network.energy(np.ones(8, dtype=np.int8))
    assert (run.best_spins == 1).all()
    none = network.temper([0.5, 1.0], 0, rng=1)
    assert none.energy.shape == (2, 2, 0)
    assert none.swap_rates.tolist() == [0.0]
    assert network.energy(none.best_spins) == pytest.approx(none.best_energy)


def test_one_temperature_is_a_ladder_without_swaps():
    network = NETWORKS["sk"][0]
    run = network.temper([0.8], 50, n_ladders=3, rng=4)
    assert run.energy[:, 0].tolist() == network.sample(0.8, 50, n_chains=3, rng=4).energy.tolist()
    assert run.swap_rates.shape == (0,)
    assert not run.round_trips.any()
    assert repr(run).startswith(
        "Tempering(50 kept sweeps of 3 ladders of 1 temperature, 0 round trips, lowest"
    )


def test_walkers_go_round_as_often_as_swaps_let_them():
    """With betas that are all but one, every swap is made: each walker goes up and down in 2 K sweeps."""
    network, n_betas = ferromagnet(4), 5
    betas = 0.5 + 1e-12 * np.arange(n_betas)
    run = network.temper(betas, 1000, rng=1)
    assert (run.swap_rates > 1 - 1e-9).all()
    assert (abs(run.round_trips - 1000 / (2 * n_betas)) <= 1).all()


# Seeds, cores and calls


def test_neither_cores_nor_calls_change_a_result(monkeypatch):
    for name in ("sk", "gaussian lattice"):
        network, betas = NETWORKS[name]
        options = {"n_ladders": 5, "thin": 3, "keep_spins": True, "rng": 9}
        whole = network.temper(betas, 40, **options)
        assert whole != network.temper(betas, 40, **options | {"rng": 10})
        assert whole == network.temper(betas, 40, progress=True, **options)
        for cores in (1, 2, 7):
            for updates in (1, 2000, 10**5, 10**9):
                monkeypatch.setattr(_pool, "_cores", lambda cores=cores: cores)
                monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
                assert network.temper(betas, 40, **options) == whole
        few = network.temper(betas, 40, **options | {"n_ladders": 2})
        assert few.samples.tolist() == whole.samples[:2].tolist()
        assert few.round_trips.tolist() == whole.round_trips[:2].tolist()


def test_a_generator_seeds_a_run_by_one_draw():
    network, betas = NETWORKS["sk"]
    generator, twin = np.random.default_rng(5), np.random.default_rng(5)
    run = network.temper(betas, 20, rng=generator)
    assert run == network.temper(betas, 20, rng=int(twin.integers(0, 2**64, dtype=np.uint64)))
    assert state_of(generator) == state_of(twin)
    assert network.temper(betas, 20) != network.temper(betas, 20)


def test_ladders_start_where_they_are_told_and_go_on_from_others():
    network, betas = NETWORKS["gaussian lattice"]
    run = network.temper(betas, 20, rng=1)
    before = run.spins.copy()
    again = network.temper(betas, 20, initial=run.spins, rng=2)
    assert run.spins.tolist() == before.tolist()
    assert again == network.temper(betas, 20, initial=np.asfortranarray(before), rng=2)
    assert network.temper(betas, 0, initial=before, rng=1).spins.tolist() == before.tolist()
    assert (network.temper(betas, 0, initial=before[0, 0], rng=1).spins == before[0, 0]).all()


def test_an_interrupted_run_leaves_the_network_as_it_was(monkeypatch):
    network, betas = NETWORKS["sk"]
    whole, kernel, made = network.temper(betas, 30, rng=1), kernels.temper, []

    def interrupted(*arguments):
        kernel(*arguments)
        made.append(1)
        if len(made) == 5:
            raise KeyboardInterrupt

    initial = np.ones((2, 4, 8), dtype=np.int8)
    with monkeypatch.context() as patched:
        patched.setattr(kernels, "temper", interrupted)
        with pytest.raises(KeyboardInterrupt):
            network.temper(betas, 30, initial=initial, rng=1)
    assert (initial == 1).all()
    assert network.temper(betas, 30, rng=1) == whole


def test_results_are_equal_if_their_numbers_are_and_print_their_size():
    network, betas = NETWORKS["sk"]
    run = network.temper(betas, 30, rng=1)
    assert run == network.temper(betas, 30, rng=1)
    assert run != network.temper(betas, 30, rng=2)
    assert run != run._replace(best_energy=0.0)
    assert run != "run"
    rates = f"swap rates {run.swap_rates.min():.2f} to {run.swap_rates.max():.2f}"
    trips = f"{run.round_trips.sum()} round trips, lowest total energy {run.best_energy:.6g}"
    assert repr(run) == f"Tempering(30 kept sweeps of 2 ladders of 4 temperatures, {rates}, {trips})"


# Ladders laid out

LAID_OUT = {
    "sk": (sherrington_kirkpatrick(64, rng=1), 0.3, 2.5),
    "lattice": (edwards_anderson((8, 8), disorder="plus-minus", rng=2), 0.1, 1.5),
}


@pytest.mark.parametrize("name", LAID_OUT)
def test_a_ladder_is_laid_out_for_equal_swaps(name):
    network, lowest, highest = LAID_OUT[name]
    for arguments, n_betas in (((7,), 7), ((), None)):
        betas = network.ladder(lowest, highest, *arguments, acceptance=0.5, rng=3)
        assert n_betas is None or betas.size == n_betas
        assert (betas[0], betas[-1]) == (lowest, highest)
        assert (np.diff(betas) > 0).all()
        assert betas.dtype == np.float64
        rates = network.temper(betas, 3000, rng=4).swap_rates
        assert np.ptp(rates) < 0.12
        if n_betas is None:
            assert 0.45 < rates.mean() < 0.65
        even = network.temper(np.linspace(lowest, highest, betas.size), 3000, rng=4).swap_rates
        assert np.ptp(even) > 0.2


def test_a_ladder_is_fixed_by_its_seed_and_a_generator_advances():
    network, lowest, highest = LAID_OUT["sk"]
    options = {"n_sweeps": 40, "n_temperatures": 5}
    one = network.ladder(lowest, highest, rng=3, **options)
    assert one.tolist() == network.ladder(lowest, highest, rng=3, **options).tolist()
    assert one.tolist() != network.ladder(lowest, highest, rng=4, **options).tolist()
    generator, twin = np.random.default_rng(5), np.random.default_rng(5)
    found = network.ladder(lowest, highest, rng=generator, **options)
    seed = int(twin.integers(0, 2**64, dtype=np.uint64))
    assert found.tolist() == network.ladder(lowest, highest, rng=seed, **options).tolist()
    assert state_of(generator) == state_of(twin)


def test_where_every_swap_is_made_two_temperatures_suffice():
    assert SpinNetwork(np.zeros((3, 3))).ladder(0.1, 1.0, rng=1).tolist() == [0.1, 1.0]
    nothing = SpinNetwork(np.zeros((3, 3))).ladder(0.0, 1.0, 5, rng=1)
    np.testing.assert_allclose(nothing, np.linspace(0, 1, 5), atol=1e-6)


def test_a_ladder_that_does_not_settle_is_told():
    """So long a way that no pilot run finds two temperatures that swap."""
    with pytest.raises(RuntimeError, match="from 0 to 1e\\+06 did not settle in 10 pilot runs of 10 sweeps"):
        sherrington_kirkpatrick(200, rng=1).ladder(0.0, 1e6, n_sweeps=10, rng=1)


# Refusals: each before anything is touched

UP = np.ones(8, dtype=np.int8)
OF_TEMPER = [
    ({"betas": [0.5, 0.5]}, ValueError, "betas must increase; got 0.5 before 0.5 at 0"),
    ({"betas": [0.1, 1.0, 0.5]}, ValueError, "betas must increase; got 1 before 0.5 at 1"),
    ({"betas": []}, ValueError, r"betas must be a row of at least one number; got shape \(0,\)"),
    ({"betas": 1.0}, ValueError, r"betas must be a row of at least one number; got shape \(\)"),
    ({"betas": [-0.1, 1.0]}, ValueError, "betas must be at least 0; got -0.1"),
    ({"betas": [0.1, math.inf]}, ValueError, "betas must be finite; got inf"),
    ({"betas": [0.1, math.nan]}, ValueError, "betas must be finite; got nan"),
    ({"betas": [0.1, 1.7e308]}, ValueError, r"beta times energy overflows; got beta=1.7e\+308"),
    ({"betas": np.array([1j])}, TypeError, "betas must hold real numbers; got dtype complex128"),
    ({"betas": [True]}, TypeError, "betas must hold real numbers; got dtype bool"),
    ({"betas": np.ma.array([0.1, 0.2])}, TypeError, "betas must hold real numbers; got a masked array"),
    ({"n_sweeps": -1}, ValueError, "n_sweeps must be at least 0; got -1"),
    ({"n_sweeps": 5.0}, TypeError, r"n_sweeps must be an integer; got 5\.0"),
    ({"thin": 0}, ValueError, "thin must be at least 1; got 0"),
    ({"n_ladders": 0}, ValueError, "n_ladders must be at least 1; got 0"),
    ({"algorithm": "wolff"}, ValueError, "algorithm must be one of"),
    ({"order": "typewriter"}, ValueError, "order must be one of"),
    ({"initial": "down"}, ValueError, "initial must be one of"),
    ({"initial": np.tile(UP, (2, 1))}, ValueError, r"the shape \(8,\) or \(2, 2, 8\); got \(2, 8\)"),
    ({"initial": UP.astype(int)}, TypeError, "initial must be an int8 array; got dtype int64"),
    ({"patterns": UP[:7]}, ValueError, "patterns must be those of 8 spins"),
    ({"patterns": 2 * UP}, ValueError, r"patterns must hold \+1 and -1 only; got 2"),
]
OF_LADDER = [
    ({"lowest": -1.0}, ValueError, "lowest must be at least 0; got -1.0"),
    ({"lowest": 1.0}, ValueError, "lowest must be below highest; got 1 and 1"),
    ({"lowest": 2.0}, ValueError, "lowest must be below highest; got 2 and 1"),
    ({"highest": math.nan}, ValueError, "highest must be finite; got nan"),
    ({"highest": "2"}, TypeError, "highest must be a real number; got '2'"),
    ({"highest": 1.7e308}, ValueError, "beta times energy overflows"),
    ({"n_temperatures": 1}, ValueError, "n_temperatures must be at least 2; got 1"),
    ({"n_temperatures": 4.0}, TypeError, r"n_temperatures must be an integer; got 4\.0"),
    ({"acceptance": 0.0}, ValueError, "acceptance must lie between 0 and 1; got 0"),
    ({"acceptance": 1.0}, ValueError, "acceptance must lie between 0 and 1; got 1"),
    ({"acceptance": math.nan}, ValueError, "acceptance must be finite; got nan"),
    ({"n_sweeps": 9}, ValueError, "n_sweeps must be at least 10; got 9"),
]


def check_refusal(function, arguments, error, message):
    """Neither arrays nor the generator are touched."""
    generator = np.random.default_rng(1)
    before = state_of(generator)
    with pytest.raises(error, match=message):
        function(**arguments, rng=generator)
    assert state_of(generator) == before


@pytest.mark.parametrize(("wrong", "error", "message"), OF_TEMPER)
def test_bad_input_is_refused_before_anything_is_touched(wrong, error, message):
    good = {"betas": [0.5, 1.0], "n_sweeps": 5, "initial": UP.copy()}
    check_refusal(NETWORKS["sk"][0].temper, good | wrong, error, message)


@pytest.mark.parametrize(("wrong", "error", "message"), OF_LADDER)
def test_an_impossible_ladder_is_refused_before_anything_is_touched(wrong, error, message):
    check_refusal(NETWORKS["sk"][0].ladder, {"lowest": 0.1, "highest": 1.0} | wrong, error, message)
