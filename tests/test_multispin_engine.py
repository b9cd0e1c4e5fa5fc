"""`simulate` on the multi-spin engine: exact averages, signs of bonds, which engine runs, refusals."""

import itertools
import math
from functools import cache

import numpy as np
import pytest

from smbook import _runs
from smbook.ising import _multispin, energy, magnetization, random_bonds, simulate, simulate_temperatures
from smbook.ising._model import Model
from smbook.kernels import multispin
from smbook.kernels.rng import seed_state
from smbook.network import edwards_anderson
from smbook.statistics import binder_cumulant, binned_error
from smbook.theory.ising import density_of_states, kaufman
from tests.interrupts import interrupted

CHOSEN = ((64, 64), (16, 16), (200, 200), (128, 8), (6, 10), (8, 8, 8), (4, 8, 32), (6, 6, 6), (2, 4096))


def assert_equal_runs(one, other):
    assert one.energy.tolist() == other.energy.tolist()
    assert one.magnetization.tolist() == other.magnetization.tolist()
    assert one.spins.tolist() == other.spins.tolist()


# Exact averages of one lattice in blocks


def lattice_in(shape, blocks, beta, algorithm, coupling, seed):
    """A run of one lattice in a layout that `simulate` might not choose: sums over bonds and spins."""
    layout = _multispin.Layout(_multispin._three(shape), np.array((1, *blocks)))
    model = Model(shape, beta, coupling, 0.0)
    state = seed_state(seed)
    arrays = _multispin.arrays(model, layout, algorithm, np.full(64, beta), state)
    multispin.pack(np.ones(math.prod(shape), dtype=np.int8), *layout, arrays.grid, 0, arrays.words)

    def run(n_sweeps):
        totals, sums = np.empty((2, n_sweeps), dtype=np.int64)
        multispin.run(*arrays, np.empty(2, dtype=np.int64), 1, totals, sums)
        return -coupling * totals / math.prod(shape), sums / math.prod(shape)

    return run


@cache
def run_in(shape, blocks, beta, algorithm, coupling):
    run = lattice_in(shape, blocks, beta, algorithm, coupling, seed=6)
    run(1000)
    return run(60_000)


KAUFMAN = [
    (shape, blocks, beta, algorithm, coupling)
    for shape, blocks in (
        ((16, 16), (8, 8)), ((16, 16), (4, 8)), ((32, 8), (16, 4)), ((64, 4), (32, 2)), ((4, 64), (1, 32)),
        ((128, 2), (64, 1)), ((2, 128), (1, 64)), ((12, 20), (6, 10)), ((12, 24), (1, 4)), ((28, 10), (7, 5)),
    )
    for beta, algorithm, coupling in (
        (0.2, "heat-bath", 1.0), (0.4, "metropolis", -1.0), (0.6, "heat-bath", 1.0)
    )
]  # fmt: skip


@pytest.mark.parametrize(("shape", "blocks", "beta", "algorithm", "coupling"), KAUFMAN)
def test_energy_and_specific_heat_are_kaufmans_in_every_layout(shape, blocks, beta, algorithm, coupling):
    """The specific heat is the variance of the energy, which would tell of blocks that flip in step."""
    exact = kaufman(shape, beta, coupling=coupling)
    energies, _ = run_in(shape, blocks, beta, algorithm, coupling)
    assert abs(binned_error(energies).z(exact.energy)) < 4
    squares = (energies - exact.energy) ** 2 * beta**2 * math.prod(shape)
    assert abs(binned_error(squares).z(exact.specific_heat)) < 4


def test_deviations_are_those_of_chance_over_all_layouts():
    """The z-scores of 30 runs have a mean square of 1, to four of its errors."""
    scores = []
    for shape, blocks, beta, algorithm, coupling in KAUFMAN:
        energies, _ = run_in(shape, blocks, beta, algorithm, coupling)
        scores.append(binned_error(energies).z(kaufman(shape, beta, coupling=coupling).energy))
    assert abs(np.mean(np.square(scores)) - 1) < 4 * math.sqrt(2 / len(scores))


def test_a_bias_of_one_in_a_thousand_is_caught():
    """A lattice that is too cold, by as much as lowers the energy by 1e-3, fails."""
    shape, beta = (64, 64), 0.3
    exact = kaufman(shape, beta)
    colder = beta * (1 + 1e-3 * beta * abs(exact.energy) / exact.specific_heat)
    assert kaufman(shape, colder).energy == pytest.approx(1.001 * exact.energy, rel=1e-4)
    scores = []
    for run_at in (beta, colder):
        trace = simulate(shape, run_at, 300_000, rng=2)
        assert trace.engine == "multispin"
        scores.append(binned_error(trace.energy[1000:], n_bins=128).z(exact.energy))
    assert abs(scores[0]) < 4
    assert scores[1] < -5


@pytest.mark.parametrize("beta", [0.1, 0.15])
def test_three_dimensions_in_blocks_agree_with_the_plain_engine(beta):
    """8 x 8 x 8 has no exact energy; both engines know it to a percent and better."""
    runs = [
        simulate((8, 8, 8), beta, n, engine=engine, rng=3)
        for engine, n in (("plain", 10_000), ("multispin", 50_000))
    ]
    for series in (lambda run: run.energy, lambda run: run.magnetization**2):
        one, other = (binned_error(series(run)[500:]) for run in runs)
        assert abs(one.value - other.value) < 4 * math.hypot(one.error, other.error)


def test_magnetization_and_binders_cumulant_of_one_lattice_are_exact():
    """4 x 16 in 16 blocks, whose states can be counted."""
    for beta in (0.3, 0.42):
        exact = density_of_states((4, 16)).moments(beta)
        trace = simulate((4, 16), beta, 150_000, rng=5)
        assert trace.engine == "multispin"
        m = trace.magnetization[1000:]
        assert abs(binned_error(m**2).z(exact.second)) < 4
        found = binder_cumulant(m)
        assert abs(found.z(exact.binder)) < 4
        assert abs(binned_error(m).z(0.0)) < 4


def test_at_infinite_temperature_all_states_are_alike():
    for coupling in (1.0, -1.0, 1e-300):
        trace = simulate((16, 16), 0.0, 20_000, engine="multispin", coupling=coupling, rng=1)
        unit = abs(coupling)
        assert abs(binned_error(trace.energy / unit).z(0.0)) < 4
        assert abs(binned_error(trace.magnetization**2).z(1 / 256)) < 4
    free = simulate((16, 16), 0.7, 20_000, engine="multispin", coupling=0.0, rng=1)
    assert not free.energy.any()
    assert abs(binned_error(free.magnetization**2).z(1 / 256)) < 4


@pytest.mark.parametrize("beta", [1e6, 700.0, 40.0])
def test_frozen_spins_stay_where_they_are_and_random_ones_only_descend(beta):
    for algorithm, shape in itertools.product(("heat-bath", "metropolis"), ((16, 16), (8, 8, 8))):
        options = {"algorithm": algorithm, "engine": "multispin", "rng": 1}
        assert simulate(shape, beta, 20, initial="up", **options).magnetization.min() == 1
        assert (np.diff(simulate(shape, beta, 50, **options).energy) <= 0).all()


# What a run returns


@pytest.mark.parametrize("shape", CHOSEN, ids=str)
def test_auto_picks_the_engine_and_the_trace_says_so(shape):
    trace = simulate(shape, 0.3, 3, coupling=-0.7, rng=1)
    assert trace.engine == "multispin"
    assert trace.energy[-1] == pytest.approx(energy(trace.spins, coupling=-0.7), rel=1e-14)
    assert trace.magnetization[-1] == magnetization(trace.spins)
    assert trace == simulate(shape, 0.3, 3, engine="multispin", coupling=-0.7, rng=1)
    assert trace != simulate(shape, 0.3, 3, engine="plain", coupling=-0.7, rng=1)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((15, 16), {}),
        ((16, 15), {}),
        ((8, 8, 7), {}),
        (64, {}),
        ((64,), {"field": 0.1}),
        ((64, 64), {"field": 0.1}),
        ((64, 64), {"algorithm": "wolff"}),
        ((64, 64), {"algorithm": "swendsen-wang"}),
        ((4, 6), {}),  # in six blocks: the plain engine is as fast
        ((2, 14), {}),
        ((4, 4, 4), {"algorithm": "wolff"}),
    ],
    ids=str,
)
def test_auto_picks_the_plain_engine_elsewhere(shape, options):
    trace = simulate(shape, 0.3, 3, rng=1, **options)
    assert trace.engine == "plain"
    assert trace == simulate(shape, 0.3, 3, rng=1, engine="plain", **options)


def test_engines_know_what_they_are_made_for():
    """A trace of either tells; both have one law."""
    traces = {name: simulate((16, 16), 0.3, 40_000, engine=name, rng=1) for name in ("plain", "multispin")}
    exact = kaufman((16, 16), 0.3).energy
    for name, trace in traces.items():
        assert trace.engine == name
        assert abs(binned_error(trace.energy[100:]).z(exact)) < 4


@pytest.mark.parametrize("signs", [False, True], ids=["ferro", "signs"])
@pytest.mark.parametrize("shape", [(16, 16), (6, 4), (4, 8, 2)], ids=str)
def test_a_seed_fixes_a_run_whatever_its_chunks_thinning_and_kept_spins(shape, signs, monkeypatch):
    bonds = random_bonds(shape, rng=3) if signs else None
    options = {"engine": "multispin", "bonds": bonds, "rng": 9}
    whole = simulate(shape, 0.3, 100, **options)
    assert whole != simulate(shape, 0.3, 100, **options | {"rng": 10})
    assert_equal_runs(whole, simulate(shape, 0.3, 100, progress=True, **options))
    for updates in (1, 300, 3000):
        monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
        for thin in (1, 7, 25, 101):
            thinned = simulate(shape, 0.3, 100, thin=thin, keep_spins=True, **options)
            assert thinned.energy.tolist() == whole.energy[thin - 1 :: thin].tolist()
            assert thinned.magnetization.tolist() == whole.magnetization[thin - 1 :: thin].tolist()
            assert thinned.spins.tolist() == whole.spins.tolist()
            assert thinned.samples.shape == (100 // thin, *shape)
            assert [magnetization(spins) for spins in thinned.samples] == thinned.magnetization.tolist()


def test_a_run_of_no_sweep_returns_its_start():
    start = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (16, 32))
    for n_sweeps in (0, 3):
        trace = simulate((16, 32), 0.3, n_sweeps, initial=start, thin=5, rng=1)
        assert trace.engine == "multispin"
        assert trace.energy.shape == (0,)
        assert (trace.spins == start).all() == (n_sweeps == 0)
    assert (simulate((16, 16), 0.3, 0, initial="up", rng=1).spins == 1).all()


def test_a_run_goes_on_from_the_spins_of_another_and_leaves_them_as_they_were():
    spins = simulate((16, 16), 0.4, 10, rng=1).spins
    before = spins.copy()
    spins.flags.writeable = False
    again = simulate((16, 16), 0.4, 10, initial=spins, rng=2)
    assert (spins == before).all()
    assert not np.shares_memory(again.spins, spins)
    assert again == simulate((16, 16), 0.4, 10, initial=before, rng=2)


@pytest.mark.parametrize("shape", [(2, 4096), (4096, 2), (2, 2, 512), (2, 2), (2, 4), (2, 2, 2)], ids=str)
def test_long_and_small_lattices_run_too(shape):
    trace = simulate(shape, 0.3, 50, engine="multispin", rng=1)
    assert trace.energy[-1] == energy(trace.spins)
    assert trace.magnetization[-1] == magnetization(trace.spins)


# Signs of bonds


def test_random_bonds_are_those_of_the_network_from_the_same_seed():
    for shape in ((4, 6), (3, 5), (2, 4, 6), (7,)):
        bonds = random_bonds(shape, rng=5)
        assert (bonds.shape, bonds.dtype) == ((len(shape), *shape), np.int8)
        assert set(np.unique(bonds)) <= {-1, 1}
        couplings = edwards_anderson(shape, disorder="plus-minus", rng=5).couplings.toarray()
        expected, sites = np.zeros_like(couplings), np.arange(math.prod(shape)).reshape(shape)
        for axis, signs in enumerate(bonds):
            after = np.roll(sites, -1, axis)
            np.add.at(expected, (sites.ravel(), after.ravel()), signs.ravel())
            np.add.at(expected, (after.ravel(), sites.ravel()), signs.ravel())
        assert (couplings == expected).all()
        assert not (bonds == random_bonds(shape, rng=6)).all()


@pytest.mark.parametrize("negative", [0.0, 1.0, 0.5, 0.11])
def test_a_share_of_the_bonds_is_negative(negative):
    bonds = random_bonds((100, 100), negative=negative, rng=2)
    error = math.sqrt(negative * (1 - negative) / bonds.size)
    assert abs((bonds < 0).mean() - negative) <= 4 * error
    generator = np.random.default_rng(3)
    assert not (random_bonds((8, 8), rng=generator) == random_bonds((8, 8), rng=generator)).all()


@pytest.mark.parametrize("shape", [(8, 8), (16, 16), (6, 10), (2, 4), (4, 4, 8), (8, 8, 8)], ids=str)
def test_energies_with_bonds_are_those_of_the_network(shape):
    bonds = random_bonds(shape, rng=7)
    network = edwards_anderson(shape, disorder="plus-minus", rng=7)
    trace = simulate(shape, 0.8, 20, bonds=bonds, coupling=1.5, keep_spins=True, rng=1)
    assert trace.engine == "multispin"
    flat = trace.samples.reshape(20, -1)
    np.testing.assert_allclose(trace.energy, 1.5 * network.energy(flat) / flat.shape[1], atol=1e-12)
    other = simulate(shape, 0.8, 5, bonds=bonds, coupling=-1.0, keep_spins=True, rng=1)
    np.testing.assert_allclose(
        other.energy, -network.energy(other.samples.reshape(5, -1)) / flat.shape[1], atol=1e-12
    )


def test_a_spin_glass_has_the_energy_of_all_its_states():
    """4 x 4 in four blocks, whose 2**16 states are enumerated."""
    bonds, network = random_bonds((4, 4), rng=4), edwards_anderson((4, 4), disorder="plus-minus", rng=4)
    before = bonds.copy()
    for beta in (0.3, 0.8):
        trace = simulate((4, 4), beta, 100_000, bonds=bonds, rng=2)
        exact = network.enumerate(beta).energy / 16
        assert abs(binned_error(trace.energy[200:]).z(exact)) < 4
    assert (bonds == before).all()


def test_a_lattice_without_a_negative_bond_is_a_magnet():
    for shape in ((16, 16), (8, 8, 8)):
        ones = np.ones((len(shape), *shape), dtype=np.int8)
        trace = simulate(shape, 0.3, 50, bonds=ones, rng=3)
        assert_equal_runs(trace, simulate(shape, 0.3, 50, engine="multispin", rng=3))
        assert_equal_runs(
            simulate(shape, 0.3, 50, bonds=-ones, coupling=-1.0, rng=3)._replace(energy=trace.energy), trace
        )


# Refusals

SIGNS = np.ones((2, 4, 4), dtype=np.int8)
REFUSED = [
    ({"shape": (5, 4)}, ValueError, r"chessboard, which needs even sides; got shape=\(5, 4\)"),
    ({"shape": (4, 4, 3)}, ValueError, r"even sides; got shape=\(4, 4, 3\)"),
    ({"shape": 16}, ValueError, r"two or three dimensions; got shape=\(16,\)"),
    ({"field": 0.1}, ValueError, "knows no field; got field=0.1"),
    ({"field": -1e-300}, ValueError, "knows no field; got field=-1e-300"),
    ({"algorithm": "wolff"}, ValueError, "flips no clusters; got algorithm='wolff'"),
    ({"algorithm": "swendsen-wang"}, ValueError, "flips no clusters; got algorithm='swendsen-wang'"),
    ({"algorithm": "metropolis", "beta": 0.0}, ValueError, "every sweep turns every spin.*beta=0.0"),
    ({"algorithm": "metropolis", "coupling": 0.0}, ValueError, "every sweep turns every spin"),
    ({"algorithm": "metropolis"}, ValueError, r"on so small a lattice.*\(4, 4\)"),
    ({"algorithm": "metropolis", "shape": (8, 2)}, ValueError, r"on so small a lattice.*\(8, 2\)"),
    ({"algorithm": "metropolis", "bonds": SIGNS}, ValueError, "bonds of both signs.*use heat-bath"),
    ({"beta": math.inf}, ValueError, "beta must be finite; got inf"),
    ({"beta": -0.1}, ValueError, "beta must be at least 0"),
    ({"bonds": SIGNS, "field": 0.1}, ValueError, "knows no field"),
    ({"bonds": SIGNS, "engine": "auto", "field": 0.1}, ValueError, "knows no field"),
    ({"bonds": SIGNS, "engine": "plain"}, ValueError, "engine 'plain' knows no bonds"),
    ({"bonds": SIGNS, "engine": "auto", "algorithm": "wolff"}, ValueError, "flips no clusters"),
    ({"bonds": SIGNS[:, :3].copy()}, ValueError, r"bonds must have the shape \(2, 4, 4\); got \(2, 3, 4\)"),
    ({"bonds": SIGNS[0]}, ValueError, r"bonds must have the shape \(2, 4, 4\); got \(4, 4\)"),
    ({"bonds": np.ones((1, 16), dtype=np.int8), "shape": 16}, ValueError, "two or three dimensions"),
    ({"bonds": np.ones((2, 3, 4), dtype=np.int8), "shape": (3, 4)}, ValueError, "even sides"),
    ({"bonds": SIGNS.astype(float)}, TypeError, "bonds must be an int8 array; got dtype float64"),
    ({"bonds": SIGNS.tolist()}, TypeError, "bonds must be an int8 array; got list"),
    ({"bonds": "random"}, TypeError, "bonds must be an int8 array; got str"),
    ({"bonds": np.ma.masked_array(SIGNS)}, TypeError, "bonds must be an int8 array; got MaskedArray"),
    ({"bonds": 0 * SIGNS}, ValueError, r"bonds must hold \+1 and -1 only; got 0"),
    ({"bonds": np.asfortranarray(SIGNS)}, ValueError, "bonds must be contiguous"),
    ({"initial": np.ones((4, 5), dtype=np.int8)}, ValueError, r"the shape \(4, 4\); got \(4, 5\)"),
    ({"engine": "Multispin"}, ValueError, "engine must be one of 'auto', 'plain', 'multispin'"),
    ({"engine": None}, ValueError, "engine must be one of"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "error", "message"), REFUSED)
def test_bad_input_is_refused_before_anything_is_touched(wrong, error, message):
    generator = np.random.default_rng(1)
    before = generator.bit_generator.state
    good = {"shape": (4, 4), "beta": 0.4, "n_sweeps": 10, "engine": "multispin"}
    with pytest.raises(error, match=message):
        simulate(**good | wrong, rng=generator)
    assert generator.bit_generator.state == before


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (((4, 1),), {}, ValueError, "a side of 1"),
        (("44",), {}, TypeError, "each side of shape must be an integer"),
        (((4, 4),), {"negative": 1.5}, ValueError, "negative must be at most 1; got 1.5"),
        (((4, 4),), {"negative": -0.1}, ValueError, "negative must be at least 0; got -0.1"),
        (((4, 4),), {"negative": math.nan}, ValueError, "negative must be finite; got nan"),
        (((4, 4),), {"negative": "half"}, TypeError, "negative must be a real number; got 'half'"),
        (((4, 4),), {"rng": -1}, ValueError, "rng must be"),
    ],
)
def test_random_bonds_refuse_what_is_no_lattice_or_no_share(arguments, options, error, message):
    with pytest.raises(error, match=message):
        random_bonds(*arguments, **options)


def test_metropolis_is_refused_as_the_plain_engine_does_where_nothing_costs_energy():
    for run in (
        simulate,
        lambda shape, beta, n, **options: simulate_temperatures(shape, [beta], n, **options),
    ):
        with pytest.raises(ValueError, match="not ergodic"):
            run((16, 16), 0.0, 1, algorithm="metropolis", rng=1)


CTRL_C = """
import sys
from smbook.ising import simulate
options = {"engine": "multispin", "keep_spins": False}
simulate((64, 64), 0.4, 1, rng=1, **options)
print("starts", flush=True)
try:
    simulate((64, 64), 0.4, 10**9, thin=10**int(sys.argv[1]), rng=1, **options)
except KeyboardInterrupt:
    print("heard", flush=True)
"""


@pytest.mark.parametrize("thin", [3, 8])
def test_ctrl_c_is_heard_at_once(thin):
    seconds, _ = interrupted(CTRL_C, str(thin))
    assert seconds < 1.5
