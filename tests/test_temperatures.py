"""`simulate_temperatures` against exact lattices at every temperature, independent lanes, and exchange."""

import itertools
import math
from functools import cache

import numpy as np
import pytest
from numba import njit
from scipy.stats import chi2

from smbook import _pool, _runs
from smbook.ising import (
    Temperatures,
    energy,
    magnetization,
    random_bonds,
    simulate_temperatures,
    temperatures,
)
from smbook.kernels import multispin
from smbook.kernels.multispin import luck, room, sweeps
from smbook.network import edwards_anderson
from smbook.statistics import binder_cumulant, binned_error, reweight_multiple
from smbook.theory.ising import density_of_states, kaufman
from tests.interrupts import interrupted
from tests.network.exact import rebuilt

BETAS = np.linspace(0.05, 0.8, 64)


def assert_scores(scores, *, largest=4.5):
    """Many z-scores, independent from lane to lane: none is large, and their mean square is that of chance.

    Errors from 32 bins follow Student's law, so that the mean square is 31 / 29 and the largest larger.
    """
    scores = np.asarray(scores)
    assert abs(scores).max() < largest, scores
    expected, spread = 31 / 29, math.sqrt(2 / scores.size) * 1.15
    assert abs(np.mean(scores**2) - expected) < 4 * spread


# Exact averages in 64 lanes


@cache
def counted(shape):
    return density_of_states(shape)


EXACT = [
    ((6, 6), "heat-bath", 1.0),
    ((6, 6), "metropolis", 1.0),
    ((4, 6), "heat-bath", -1.0),
    ((2, 8), "heat-bath", 1.0),
    ((2, 2, 4), "heat-bath", 1.0),
    ((2, 2, 6), "metropolis", -1.0),
    ((2, 4, 4), "heat-bath", 1.0),
]


@pytest.mark.parametrize(("shape", "algorithm", "coupling"), EXACT)
def test_averages_are_those_of_all_states_at_each_of_64_temperatures(shape, algorithm, coupling):
    """Energy, m^2 and Binder's cumulant of every lane; a lane with another's chances would be off by many."""
    betas = BETAS * (0.35 if len(shape) == 3 else 0.6)
    runs = simulate_temperatures(shape, betas, 40_000, algorithm=algorithm, coupling=coupling, rng=4)
    exact, moments = (
        f(betas, coupling=coupling) for f in (counted(shape).observables, counted(shape).moments)
    )
    scores = []
    for k in range(64):
        e, m = runs.energy[k, 500:], runs.magnetization[k, 500:]
        scores.append([
            binned_error(e).z(exact.energy[k]), binned_error(m**2).z(moments.second[k]),
            binder_cumulant(m).z(moments.binder[k]),
        ])  # fmt: skip
    for column in np.transpose(scores):
        assert_scores(column, largest=5)


def test_16_by_16_has_kaufmans_energies_at_130_temperatures():
    """Three words of temperatures, the last one filled up with copies."""
    betas = np.linspace(0.02, 0.42, 130)
    runs = simulate_temperatures((16, 16), betas, 20_000, rng=3)
    exact = kaufman((16, 16), betas).energy
    assert_scores([binned_error(row[500:]).z(value) for row, value in zip(runs.energy, exact, strict=True)])


def test_lanes_a_little_too_cold_are_caught():
    """Mean z-scores add up: 64 lanes, each too cold for a bias of 1e-3, are far off together."""
    beta = 0.3
    exact = kaufman((16, 16), beta)
    colder = beta * (1 + 1e-3 * beta * abs(exact.energy) / exact.specific_heat)
    off = []
    for run_at in (beta, colder):
        runs = simulate_temperatures((16, 16), np.full(64, run_at), 80_000, thin=2, rng=2)
        off.append(sum(binned_error(row[500:]).z(exact.energy) for row in runs.energy) / 8)
    assert abs(off[0]) < 4
    assert off[1] < -5


@pytest.mark.parametrize("shape", [(4, 4), (2, 2, 4)], ids=str)
def test_a_spin_glass_has_its_exact_energy_at_every_temperature(shape):
    bonds, network = random_bonds(shape, rng=4), edwards_anderson(shape, disorder="plus-minus", rng=4)
    before = bonds.copy()
    betas = np.linspace(0.1, 0.9, 64)
    runs = simulate_temperatures(shape, betas, 40_000, bonds=bonds, rng=2)
    exact = [network.enumerate(beta).energy / 16 for beta in betas]
    assert_scores([binned_error(row[500:]).z(value) for row, value in zip(runs.energy, exact, strict=True)])
    assert (bonds == before).all()
    np.testing.assert_allclose(
        runs.energy[:, -1], network.energy(runs.spins.reshape(64, -1)) / 16, atol=1e-12
    )


# Lanes are independent


def correlations(series):
    """The correlations of all pairs of rows, in units of what chance makes of them."""
    return np.corrcoef(series)[np.triu_indices(len(series), 1)] * math.sqrt(series.shape[1])


def chance_made(found):
    """Tell whether correlations of 2016 pairs are no larger than chance makes them."""
    return (
        abs(found).max() < 5
        and abs(np.mean(found**2) - 1) < 4 * math.sqrt(2 / found.size)
        and abs(found.mean()) < 4 / math.sqrt(found.size)
    )


@pytest.mark.parametrize(
    ("shape", "options"),
    [((16, 16), {}), ((4, 6), {"algorithm": "metropolis"}), ((4, 4, 4), {}), ((8, 8), {"bonds": "signs"})],
    ids=str,
)
def test_replicas_are_pairwise_uncorrelated(shape, options):
    """64 lattices at one temperature, thinned until entries are independent: all 2016 pairs."""
    if "bonds" in options:
        options = {"bonds": random_bonds(shape, rng=1)}
    runs = simulate_temperatures(shape, np.full(64, 0.15), 16_000, thin=8, rng=7, **options)
    assert chance_made(correlations(runs.energy[:, 10:]))
    assert chance_made(correlations(runs.magnetization[:, 10:]))
    absolute = abs(runs.magnetization[:, 10:])
    assert chance_made(correlations(absolute))


def test_words_side_by_side_are_uncorrelated_too():
    runs = simulate_temperatures((6, 6), np.full(128, 0.15), 16_000, thin=8, rng=7)
    found = np.corrcoef(runs.energy[:, 10:])[:64, 64:] * math.sqrt(runs.energy[:, 10:].shape[1])
    assert abs(found).max() < 5
    assert abs(np.mean(found**2) - 1) < 4 * math.sqrt(2 / found.size)


@njit
def shared_word(s):
    """One random bit for all 64 lattices of a word."""
    s0, s1, s2, s3 = s
    total = s0 + s3
    word = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    carried = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    s1 ^= s2
    s0 ^= s3
    s2 ^= carried
    bits = np.uint64(0xFFFFFFFFFFFFFFFF) if word >> np.uint64(63) else np.uint64(0)
    return bits, (s0, s1, s2, (s3 << np.uint64(45)) | (s3 >> np.uint64(19)))


def run_by(sweep, *, shape=(6, 6), beta=0.15, kept=1000, before=None):
    """Energies of 64 lanes with another kernel, or after something was done to `work`."""
    from tests.kernels.multispin.reference import engine, random_states

    one = engine(shape, beta, seed=7)
    one.fill(random_states(one))
    if before:
        before(one.arrays.work)
    noted = np.empty((kept, 64))
    for row in noted:
        sweep(*one.arrays, 8)
        row[:] = one.measured()[0]
    return noted.T


def test_shared_random_bits_are_caught():
    """The same bits for all lanes make them alike within sweeps; the right kernel passes the same check."""
    assert chance_made(correlations(run_by(sweeps.sweep)[:, 10:]))
    changed = rebuilt(luck, next_word=shared_word)
    wrong = rebuilt(sweeps, try_luck=changed.try_luck, settle=changed.settle)
    energies = run_by(wrong.sweep, kept=100)[:, 10:]
    assert (np.ptp(energies, axis=0) == 0).any() or not chance_made(correlations(energies))


def test_streams_that_are_copies_are_caught():
    """Words that share a stream flip in step: the variance of the energy is no longer the specific heat."""

    def copy_streams(work):
        for start in (room.S0, room.S1, room.S2, room.S3):
            work[start : start + room.BLOCK] = work[start]

    exact = counted((6, 6)).observables(0.15)
    for before, right in ((None, True), (copy_streams, False)):
        energies = run_by(sweeps.sweep, before=before)[:, 10:]
        squares = (energies / 36 + exact.energy) ** 2 * 0.15**2 * 36
        z = (squares.mean() - exact.specific_heat) / (squares.std() / math.sqrt(squares.size))
        assert (abs(z) < 4) == right


# Exchange


@pytest.mark.parametrize("every", [1, 3])
def test_exchange_leaves_the_law_at_every_temperature_as_it_is(every):
    """Energies and m^2 are exact right after the swaps, at 70 temperatures that reach over two words."""
    betas = np.linspace(0.05, 0.7, 70)
    runs = simulate_temperatures((6, 6), betas, 12_000, exchange=every, rng=5)
    exact, moments = counted((6, 6)).observables(betas), counted((6, 6)).moments(betas)
    assert (runs.swap_rates > 0.8).all()
    for series, value in ((runs.energy, exact.energy), (runs.magnetization**2, moments.second)):
        scores = [binned_error(row[200:]).z(mean) for row, mean in zip(series, value, strict=True)]
        assert abs(np.array(scores)).max() < 5
        assert np.mean(np.square(scores)) < 2  # neighbours share lattices, so that scores are not independent


def test_exchange_of_a_spin_glass_and_metropolis_keep_the_law_too():
    bonds, network = random_bonds((4, 4), rng=4), edwards_anderson((4, 4), disorder="plus-minus", rng=4)
    betas = np.linspace(0.2, 1.6, 8)
    runs = simulate_temperatures((4, 4), betas, 20_000, bonds=bonds, exchange=1, rng=2)
    for row, beta in zip(runs.energy, betas, strict=True):
        assert abs(binned_error(row[500:]).z(network.enumerate(beta).energy / 16)) < 4.5
    betas = np.linspace(0.2, 0.6, 5)
    runs = simulate_temperatures(
        (6, 6), betas, 20_000, algorithm="metropolis", coupling=-1.0, exchange=1, rng=2
    )
    for row, value in zip(runs.energy, counted((6, 6)).observables(betas, coupling=-1.0).energy, strict=True):
        assert abs(binned_error(row[500:]).z(value)) < 4.5


def swap_rates_of(shape, betas):
    """The mean of min(1, exp((beta - beta') (E - E'))) over independent states, from the counted energies."""
    states = counted(shape)
    energies, order = np.unique(-states.bond_sum, return_inverse=True)
    counts = np.bincount(order, weights=states.count.astype(float))
    laws = [counts * np.exp(-beta * (energies - energies.min())) for beta in betas]
    laws = [law / law.sum() for law in laws]
    gains = [
        (one - other) * np.subtract.outer(energies, energies) for one, other in itertools.pairwise(betas)
    ]
    return np.array([
        law @ np.exp(np.minimum(gain, 0.0)) @ after
        for law, gain, after in zip(laws[:-1], gains, laws[1:], strict=True)
    ])  # fmt: skip


def test_swaps_are_made_as_often_as_the_counted_states_say():
    """Twelve sweeps between tries let the lattices forget, so that 8000 tries of a pair are independent."""
    betas = np.array([0.1, 0.2, 0.3, 0.45, 0.6])
    expected = swap_rates_of((4, 4), betas)
    options = {"thin": 12, "exchange": 12}
    rates = [simulate_temperatures((4, 4), betas, 12 * 4000, rng=k, **options).swap_rates for k in range(4)]
    errors = np.sqrt(expected * (1 - expected) / 8000)
    z = (np.mean(rates, axis=0) - expected) / errors
    assert abs(z).max() < 4
    assert chi2.sf((z**2).sum(), 4) > 1e-4


@pytest.mark.parametrize("wrong", ["none", "transposed", "per site", "threshold left behind"])
def test_wrong_swaps_are_found(wrong, monkeypatch):
    """A wrong rule shifts the energies of four temperatures by many errors."""
    right = multispin.exchange

    def exchange(betas, energies, parity, lane_of, state, works, *counts):
        if wrong == "transposed":
            energies = -energies
        if wrong == "per site":
            energies = energies / 16
        before = works.copy()
        right(betas, energies, parity, lane_of, state, works, *counts)
        if wrong == "threshold left behind":
            works[:] = before

    monkeypatch.setattr(temperatures.multispin, "exchange", exchange)
    betas = np.linspace(0.1, 0.55, 4)
    runs = simulate_temperatures((4, 4), betas, 12_000, exchange=1, rng=3)
    exact = counted((4, 4)).observables(betas).energy
    z = [binned_error(row[100:]).z(value) for row, value in zip(runs.energy, exact, strict=True)]
    assert max(map(abs, z)) < 4 if wrong == "none" else max(map(abs, z)) > 8


def test_each_lane_has_the_thresholds_of_its_temperature_after_a_run(monkeypatch):
    seen = {}
    right = temperatures._final

    def final(sides, groups, lane_of):
        seen.update(works=np.stack([group.work for group in groups]), lane_of=lane_of.copy())
        return right(sides, groups, lane_of)

    monkeypatch.setattr(temperatures, "_final", final)
    betas = np.linspace(0.1, 0.9, 70)
    simulate_temperatures((4, 6), betas, 301, exchange=1, rng=1)
    lane_of = seen["lane_of"]
    assert sorted(lane_of.tolist()) == list(range(70))
    assert not (lane_of == np.arange(70)).all()
    work = np.zeros(room.WORK_SIZE, dtype=np.uint64)
    for beta, lane in zip(betas, lane_of.tolist(), strict=True):
        multispin.fill_thresholds(np.full(64, beta), 1.0, 2, 1, work)
        for i in range(room.THRESHOLDS, room.THRESHOLDS + 192):
            bit = seen["works"][lane // 64, i] >> np.uint64(lane % 64) & np.uint64(1)
            assert bit == work[i] & np.uint64(1)


def test_equal_temperatures_swap_always_and_lattices_go_round():
    runs = simulate_temperatures((4, 4), np.full(5, 0.4), 1000, exchange=1, rng=1)
    assert (runs.swap_rates == 1).all()
    assert (abs(runs.round_trips - 1000 / 10) <= 1).all()
    rare = simulate_temperatures((4, 4), np.full(5, 0.4), 1000, exchange=4, rng=1)
    assert (abs(rare.round_trips - 250 / 10) <= 1).all()


def test_without_exchange_nothing_is_swapped_and_order_does_not_matter():
    runs = simulate_temperatures((4, 4), [0.5, 0.2, 0.4], 100, rng=1)
    assert not runs.swap_rates.any()
    assert not runs.round_trips.any()
    assert (runs.swap_rates.shape, runs.round_trips.shape) == ((2,), (3,))
    one = simulate_temperatures((4, 4), [0.4], 100, exchange=1, rng=1)
    assert one.swap_rates.shape == (0,)
    assert one.round_trips.tolist() == [0]
    assert (one.energy == simulate_temperatures((4, 4), [0.4], 100, rng=1).energy).all()
    never = simulate_temperatures((4, 4), [0.2, 0.5], 100, exchange=101, rng=1)
    assert never == simulate_temperatures((4, 4), [0.2, 0.5], 100, rng=1)


# What a run returns


@pytest.mark.parametrize("exchange", [0, 1, 3])
@pytest.mark.parametrize(("shape", "count"), [((4, 6), 3), ((2, 2, 4), 64), ((6, 4), 70)], ids=str)
def test_rows_are_temperatures_and_the_last_entries_those_of_the_final_spins(shape, count, exchange):
    betas = np.linspace(0.2, 0.5, count)
    runs = simulate_temperatures(shape, betas, 24, coupling=-0.7, exchange=exchange, thin=3, rng=1)
    assert isinstance(runs, Temperatures)
    assert runs.betas.tolist() == betas.tolist()
    assert runs.energy.shape == runs.magnetization.shape == (count, 8)
    assert runs.energy.dtype == runs.magnetization.dtype == np.float64
    assert (runs.spins.shape, runs.spins.dtype) == ((count, *shape), np.int8)
    assert runs.round_trips.shape == (count,)
    expected = [energy(spins, coupling=-0.7) for spins in runs.spins]
    np.testing.assert_allclose(runs.energy[:, -1], expected, rtol=1e-13)
    assert runs.magnetization[:, -1].tolist() == [magnetization(spins) for spins in runs.spins]


def test_neither_cores_nor_calls_nor_thinning_change_a_result(monkeypatch):
    for exchange, count, signs in ((0, 130, False), (1, 130, False), (3, 70, True), (7, 5, False)):
        bonds = random_bonds((4, 6), rng=1) if signs else None
        betas, options = np.linspace(0.1, 0.6, count), {"exchange": exchange, "bonds": bonds, "rng": 9}
        with monkeypatch.context() as patched:
            whole = simulate_temperatures((4, 6), betas, 40, **options)
            assert whole == simulate_temperatures((4, 6), betas, 40, progress=True, **options)
            assert whole != simulate_temperatures((4, 6), betas, 40, **options | {"rng": 10})
            for cores, updates in itertools.product((1, 2, 7), (1, 1000, 10**9)):
                patched.setattr(_pool, "_cores", lambda cores=cores: cores)
                patched.setattr(_runs, "UPDATES_PER_CALL", updates)
                assert simulate_temperatures((4, 6), betas, 40, **options) == whole
                for thin in (3, 7, 41):
                    thinned = simulate_temperatures((4, 6), betas, 40, thin=thin, **options)
                    assert thinned.energy.tolist() == whole.energy[:, thin - 1 :: thin].tolist()
                    assert thinned.magnetization.tolist() == whole.magnetization[:, thin - 1 :: thin].tolist()
                    assert thinned.spins.tolist() == whole.spins.tolist()
                    assert thinned.swap_rates.tolist() == whole.swap_rates.tolist()
                    assert thinned.round_trips.tolist() == whole.round_trips.tolist()


@pytest.mark.parametrize("exchange", [0, 1])
def test_a_run_of_no_sweep_returns_its_start(exchange):
    options = {"exchange": exchange, "rng": 1}
    betas = np.linspace(0.1, 0.5, 70)
    start = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (70, 4, 6))
    before = start.copy()
    for given in (start, np.asfortranarray(start[0]).copy()):
        none = simulate_temperatures((4, 6), betas, 0, initial=given, **options)
        assert (none.spins == given).all()
        assert none.energy.shape == (70, 0)
        assert not np.shares_memory(none.spins, start)
    start.flags.writeable = False
    simulate_temperatures((4, 6), betas, 5, initial=start, **options)
    assert (start == before).all()
    assert (simulate_temperatures((4, 6), betas, 0, initial="up", **options).spins == 1).all()
    random = simulate_temperatures((16, 16), betas, 0, **options).spins
    assert abs(random.sum(dtype=int)) < 4 * math.sqrt(random.size)
    assert chance_made(correlations(random.reshape(70, -1).astype(float)))


def test_a_generator_seeds_a_run_by_one_draw():
    generator, twin = np.random.default_rng(5), np.random.default_rng(5)
    runs = simulate_temperatures((4, 4), [0.2, 0.4], 10, exchange=1, rng=generator)
    seed = int(twin.integers(0, 2**64, dtype=np.uint64))
    assert runs == simulate_temperatures((4, 4), [0.2, 0.4], 10, exchange=1, rng=seed)
    assert generator.bit_generator.state == twin.bit_generator.state
    assert simulate_temperatures((8, 8), [0.1], 20) != simulate_temperatures((8, 8), [0.1], 20)


def test_betas_may_be_any_numbers_and_are_not_modified():
    betas = [0, 1, 2]
    runs = simulate_temperatures((4, 4), betas, 5, rng=1)
    assert runs.betas.dtype == np.float64
    assert betas == [0, 1, 2]
    held = np.array([0.25, 0.5], dtype=np.float32)
    held.flags.writeable = False
    same = simulate_temperatures((4, 4), held, 5, rng=1)
    assert same == simulate_temperatures((4, 4), [0.25, 0.5], 5, rng=1)
    assert not np.shares_memory(same.betas, held)


def test_results_are_equal_if_their_numbers_are_and_print_their_size():
    runs = simulate_temperatures((4, 6), [0.2, 0.3, 0.4], 10, exchange=1, rng=1)
    assert runs == runs._replace(energy=runs.energy.copy())
    assert runs != runs._replace(spins=-runs.spins)
    assert runs != "runs"
    low, high = runs.swap_rates.min(), runs.swap_rates.max()
    assert repr(runs) == (
        f"Temperatures(10 kept sweeps of 3 lattices of 4 x 6 spins, beta 0.2 to 0.4, swap rates {low:.2f} to "
        f"{high:.2f}, {runs.round_trips.sum()} round trips)"
    )
    one = simulate_temperatures((4, 6), [0.2], 10, rng=1)
    assert repr(one) == "Temperatures(10 kept sweeps of 1 lattice of 4 x 6 spins, beta 0.2 to 0.2)"


def test_cold_lattices_freeze_and_hot_ones_are_free():
    betas = [0.0, 1e-300, 40.0, 700.0, 1e6]
    runs = simulate_temperatures((6, 6), betas, 20_000, initial="up", rng=1)
    assert (runs.magnetization[2:] == 1).all()
    for row in runs.energy[:2]:
        assert abs(binned_error(row).z(0.0)) < 4
    free = simulate_temperatures((6, 6), [0.7, 700.0], 5000, coupling=0.0, exchange=1, rng=1)
    assert not free.energy.any()
    assert (free.swap_rates == 1).all()
    for row in free.magnetization:
        assert abs(binned_error(row**2).z(1 / 36)) < 4
    swapped = simulate_temperatures((6, 6), [0.1, 1e6], 100, exchange=1, rng=1)
    assert np.isfinite(swapped.energy).all()


def test_units_of_energy_are_free():
    one = simulate_temperatures((4, 6), [0.3, 0.4], 50, coupling=-0.7, exchange=2, rng=1)
    for unit in (2.0**900, 2.0**-900):
        betas = np.array([0.3, 0.4]) / unit
        other = simulate_temperatures((4, 6), betas, 50, coupling=-0.7 * unit, exchange=2, rng=1)
        assert (other.energy / unit).tolist() == one.energy.tolist()
        assert other.swap_rates.tolist() == one.swap_rates.tolist()


def test_runs_are_what_reweighting_takes():
    """Some 12 temperatures know the energy between any two of them."""
    betas = np.linspace(0.3, 0.5, 12)
    runs = simulate_temperatures((6, 6), betas, 20_000, exchange=5, rng=4)
    between = 0.5 * (betas[5] + betas[6])
    energies = list(runs.energy[:, 200:])
    found = reweight_multiple(energies, energies, n_sites=36, betas=betas, targets=[between])
    exact = counted((6, 6)).observables(between).energy
    assert abs(found.value[0] - exact) < 4 * found.error[0] < 0.02


# Refusals

GOOD = {"shape": (4, 6), "betas": [0.2, 0.4], "n_sweeps": 10}
ONES = np.ones((2, 4, 6), dtype=np.int8)
REFUSED = [
    ({"betas": []}, ValueError, r"betas must be one-dimensional and not empty; got the shape \(0,\)"),
    ({"betas": 0.4}, ValueError, r"betas must be one-dimensional.*\(\)"),
    ({"betas": [[0.2, 0.4]]}, ValueError, r"betas must be one-dimensional.*\(1, 2\)"),
    ({"betas": [-0.1, 0.4]}, ValueError, "betas must be at least 0; got -0.1"),
    ({"betas": [0.2, math.nan]}, ValueError, "betas must be finite; got nan"),
    ({"betas": [0.2, math.inf]}, ValueError, "betas must be finite; got inf"),
    ({"betas": ["0.2", "0.4"]}, TypeError, "betas must hold real numbers"),
    ({"betas": [True, False]}, TypeError, "betas must hold real numbers"),
    ({"betas": [0.2 + 0j]}, TypeError, "betas must hold real numbers"),
    ({"betas": [[0.2], [0.3, 0.4]]}, TypeError, "betas must hold real numbers"),
    ({"betas": None}, TypeError, "betas must hold real numbers"),
    ({"betas": np.ma.masked_array([0.2, 0.4])}, TypeError, "betas must hold real numbers; got a masked"),
    ({"betas": [0.4, 0.2], "exchange": 1}, ValueError, "betas must not fall where lattices are exchanged"),
    ({"betas": [0.1, 1e308], "coupling": 1e3}, ValueError, "overflows"),
    ({"coupling": math.nan}, ValueError, "coupling must be finite"),
    ({"coupling": "J"}, TypeError, "coupling must be a real number"),
    ({"exchange": -1}, ValueError, "exchange must be at least 0; got -1"),
    ({"exchange": 1.5}, TypeError, "exchange must be an integer; got 1.5"),
    ({"exchange": True}, TypeError, "exchange must be an integer; got True"),
    ({"n_sweeps": -1}, ValueError, "n_sweeps must be at least 0"),
    ({"n_sweeps": 2.5}, TypeError, "n_sweeps must be an integer"),
    ({"thin": 0}, ValueError, "thin must be at least 1"),
    ({"shape": (5, 6)}, ValueError, r"even sides; got shape=\(5, 6\)"),
    ({"shape": (4, 4, 3)}, ValueError, "even sides"),
    ({"shape": 16}, ValueError, "two or three dimensions"),
    ({"shape": (4, 1)}, ValueError, "a side of 1"),
    ({"shape": (4.0, 4)}, TypeError, "each side of shape must be an integer"),
    ({"shape": (2, 2, 2, 2)}, ValueError, "sides; got 4"),
    ({"algorithm": "wolff"}, ValueError, "algorithm must be one of 'heat-bath', 'metropolis'; got 'wolff'"),
    ({"algorithm": None}, ValueError, "algorithm must be one of"),
    ({"algorithm": "metropolis", "betas": [0.0, 0.4]}, ValueError, "every sweep turns every spin"),
    ({"algorithm": "metropolis", "betas": [0.4, 0.0]}, ValueError, "every sweep turns every spin"),
    ({"algorithm": "metropolis", "coupling": 0.0}, ValueError, "every sweep turns every spin"),
    ({"algorithm": "metropolis", "shape": (4, 4)}, ValueError, "on so small a lattice"),
    ({"algorithm": "metropolis", "bonds": ONES}, ValueError, "bonds of both signs"),
    ({"bonds": np.ones((2, 6, 4), dtype=np.int8)}, ValueError, r"bonds must have the shape \(2, 4, 6\)"),
    ({"bonds": np.ones((2, 4, 6))}, TypeError, "bonds must be an int8 array"),
    ({"bonds": np.zeros((2, 4, 6), dtype=np.int8)}, ValueError, r"\+1 and -1 only; got 0"),
    ({"initial": "down"}, ValueError, "initial must be one of 'random', 'up'; got 'down'"),
    ({"initial": None}, TypeError, "initial must be an int8 array; got NoneType"),
    ({"initial": np.ones((4, 6))}, TypeError, "initial must be an int8 array; got dtype float64"),
    ({"initial": np.ones((6, 4), dtype=np.int8)}, ValueError, r"the shape \(4, 6\) or \(2, 4, 6\)"),
    ({"initial": np.ones((3, 4, 6), dtype=np.int8)}, ValueError, r"got \(3, 4, 6\)"),
    ({"initial": np.zeros((2, 4, 6), dtype=np.int8)}, ValueError, r"hold \+1 and -1 only; got 0"),
    ({"initial": np.ones((0, 4, 6), dtype=np.int8)}, ValueError, "zero length|shape"),
    ({"initial": np.ones((2, 4, 6))}, TypeError, r"initial\[0\] must be an int8 array; got dtype float64"),
    ({"initial": [[1] * 6] * 4}, TypeError, "initial must be an int8 array; got list"),
    ({"rng": -1}, ValueError, "rng must be"),
    ({"rng": "1"}, TypeError, "rng must be"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED)
def test_bad_input_is_refused_before_anything_is_touched(wrong, error, message):
    generator = np.random.default_rng(1)
    before = generator.bit_generator.state
    with pytest.raises(error, match=message):
        simulate_temperatures(**{"rng": generator} | GOOD | wrong)
    assert generator.bit_generator.state == before


CTRL_C = """
import sys
import numpy as np
from smbook.ising import simulate_temperatures
betas, every = np.linspace(0.2, 0.6, 128), int(sys.argv[1])
simulate_temperatures((16, 16), betas, 2, exchange=every, rng=1)
print("starts", flush=True)
try:
    simulate_temperatures((16, 16), betas, 10**9, thin=10**int(sys.argv[2]), exchange=every, rng=1)
except KeyboardInterrupt:
    print("heard", flush=True)
"""


@pytest.mark.parametrize(("every", "thin"), [(0, 8), (1, 4)])
def test_ctrl_c_is_heard_at_once(every, thin):
    seconds, _ = interrupted(CTRL_C, str(every), str(thin))
    assert seconds < 1.5
