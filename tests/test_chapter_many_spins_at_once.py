"""What the chapter on many spins at once writes out is what smbook does, and holds on other seeds."""

import re
from itertools import product

import numpy as np
import pytest
from scipy.special import logsumexp

from smbook import ising, statistics
from smbook.kernels import rng as generators
from smbook.theory import ising as theory
from smbook.widgets import CurveLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
NONE, ALL = np.uint64(0), ~np.uint64(0)
CHAPTER = Chapter(
    "ising/many-spins-at-once.ipynb",
    np=np,
    logsumexp=logsumexp,
    ising=ising,
    statistics=statistics,
    generators=generators,
    theory=theory,
    Question=Question,
    T_c=theory.CRITICAL_TEMPERATURE,
    K_c=theory.CRITICAL_BETA,
    ONE=np.uint64(1),
    LANES=np.arange(64, dtype=np.uint64),
    NONE=NONE,
    ALL=ALL,
)
MARKDOWN = [cell for cell in CHAPTER.cells if cell["cell_type"] == "markdown"]
TEXT = "\n".join(map(source, MARKDOWN))
TAGS = [f"algorithm-{name}" for name in ("adders", "decide", "sweep", "count")]
TOY = CHAPTER.definitions(*TAGS, "algorithm-kernel", "algorithm-sharing", "algorithm-exchange")
CUBE = CHAPTER.definitions(*TAGS, "algorithm-cube")


def words(seed, *shape):
    return np.random.default_rng(seed).integers(2**64, size=shape, dtype=np.uint64)


def good(z):
    """Tell whether scores of independent estimates scatter as their errors say."""
    z = np.ravel(z)
    return abs(z.mean()) < 4 / np.sqrt(z.size) and abs(np.mean(z**2) - 1) < 6 * np.sqrt(2 / z.size)


def scores(estimates, exact):
    return np.array([estimate.z(value) for estimate, value in zip(estimates, exact, strict=True)])


# ---- Neighbours and sums.


def test_shifts_bring_neighbours_to_the_same_bit():
    given = CHAPTER.definitions("algorithm-layouts")
    bits = np.random.default_rng(1).integers(2, size=(192, 192), dtype=np.uint64)
    lanes = np.arange(64, dtype=np.uint64)
    rows = np.bitwise_or.reduce(bits.reshape(192, 3, 64) << lanes, axis=2)
    found = (given.row_neighbours(rows)[:, :, None] >> lanes & np.uint64(1)).reshape(192, 192)
    assert np.array_equal(found, np.roll(bits, -1, axis=1))
    blocks = np.bitwise_or.reduce(bits.reshape(64, 3, 192) << lanes[:, None, None], axis=0)
    found = given.block_neighbours(blocks) >> lanes[:, None, None] & np.uint64(1)
    assert np.array_equal(found.reshape(192, 192), np.roll(bits, -1, axis=0))
    assert CHAPTER.printed("layouts").count("True") == 2


@pytest.mark.parametrize("toy", [TOY, CUBE])
def test_adders_count(toy):
    """All cases of four and of six bits, one a lane; a carry that is lost would show."""
    for adder, n in ((TOY.sum_of_four, 4), (CUBE.sum_of_six, 6)):
        cases = np.array(list(product((0, 1), repeat=n))).T
        ones, twos, fours = adder(*(toy.pack(np.resize(row, 64)) for row in cases))
        found = toy.unpack(ones) + 2 * toy.unpack(twos) + 4 * toy.unpack(fours)
        assert np.array_equal(found[: 2**n], cases.sum(axis=0))
    assert np.array_equal(toy.pack(toy.unpack(words(2, 5, 3))), words(2, 5, 3))


@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (3, 7), (16, 16), (31, 5)])
def test_counters_count(shape):
    """The text has fewer full adders than words and one for each digit."""
    some, calls = words(3, *shape), []

    def counted(*three):
        calls.append(three[0].size)
        return TOY.full_adder(*three)

    scope = CHAPTER.functions("count", unpack=TOY.unpack)
    scope["full_adder"] = counted
    assert np.array_equal(scope["count"](some), TOY.unpack(some).sum(axis=(1, 2)))
    assert sum(calls) <= some.size + np.log2(some.size)


def test_measured_sums_are_those_of_the_package():
    lattices = 2 * TOY.unpack(words(4, 6, 8)) - 1
    energy, m = TOY.measure(words(4, 6, 8))
    spins = lattices.astype(np.int8)
    assert energy == pytest.approx([ising.energy(s) for s in spins])
    assert m == pytest.approx([ising.magnetization(s) for s in spins])


# ---- Decisions.


def test_a_decision_has_its_probability_exactly():
    """Every sequence of ten bits comes once; p is a multiple of 2**-10 in each of 64 lanes."""
    for start in (0, 64, 960):
        p = np.arange(start, start + 64) / 1024
        sequences = np.arange(1024)
        tape = iter([np.where(sequences >> k & 1, ALL, NONE) for k in range(9, -1, -1)])
        yes = TOY.decide(TOY.digits_of(p)[:10], lambda _, tape=tape: next(tape), np.full(1024, ALL))
        assert np.array_equal(TOY.unpack(yes).sum(axis=1), np.arange(start, start + 64))


def test_digits_are_those_of_the_number():
    p = np.exp(-np.linspace(0.01, 40, 64))
    digits = np.array([TOY.unpack(word) for word in TOY.digits_of(p)])
    whole = [int("".join(map(str, column)), 2) for column in digits.T]
    assert whole == [int(x * 2**64) for x in p]


def plain_half_sweep(spins, temperature, numbers, colour):
    """Turn the sites of a colour one after the other by Metropolis, u < exp(-beta dE) in 64-bit integers."""
    for x, y in np.argwhere(colour):
        rows, columns = spins.shape
        around = spins[(x + 1) % rows, y] + spins[x - 1, y] + spins[x, (y + 1) % columns] + spins[x, y - 1]
        cost = 2 * spins[x, y] * around
        if cost <= 0 or numbers[x, y] < int(np.exp(-cost / temperature) * 2**64):
            spins[x, y] *= -1


def test_a_half_sweep_is_metropolis_site_by_site():
    """With 64 random bits a site, read as one integer; both colours at once would differ."""
    shape, temperatures = (4, 6), np.linspace(0.7, 6, 64)
    black = TOY.checkerboard(shape)
    state, table = words(5, *shape), TOY.metropolis_digits(temperatures)
    before, random = TOY.unpack(state), words(6, 64, *shape)
    tape = iter(random)
    TOY.half_sweep(state, table, lambda _: next(tape), black)
    numbers = sum(TOY.unpack(word).astype(object) << 63 - k for k, word in enumerate(random))
    for lane in range(64):
        spins = 2 * before[lane] - 1
        plain_half_sweep(spins, temperatures[lane], numbers[lane], black != 0)
        assert np.array_equal(2 * TOY.unpack(state)[lane] - 1, spins)
    at_once, tape = words(5, *shape), iter(random)
    TOY.half_sweep(at_once, table, lambda _: next(tape), np.full(shape, ALL))
    assert not np.array_equal(at_once & ~black, state & ~black)


def run_toy(toy, shape, table, n_sweeps, seed, step="half_sweep"):
    state, colour = np.full(shape, ALL), toy.checkerboard(shape)
    draw, seen = toy.fair_bits(np.random.default_rng(seed), shape), []
    for _ in range(n_sweeps):
        for half in (colour, ~colour):
            getattr(toy, step)(state, table, draw, half)
        seen.append(toy.measure(state))
    return np.transpose(seen, (1, 2, 0))


def test_sixty_four_temperatures_at_once_are_right_on_ten_seeds():
    temperatures, z = np.linspace(1.8, 3.6, 64), []
    counted = theory.density_of_states((4, 4))
    exact = counted.observables(1 / temperatures).energy, counted.moments(1 / temperatures).second
    for seed in SEEDS:
        energy, m = run_toy(TOY, (4, 4), TOY.metropolis_digits(temperatures), 700, seed)
        for series, known in ((energy, exact[0]), (m**2, exact[1])):
            z.append(scores(map(statistics.binned_error, series[:, 60:]), known))
    assert abs(np.mean(z)) < 4 / np.sqrt(np.size(z) / 2)
    assert np.mean(np.square(z)) == pytest.approx(1, abs=0.25)


def test_three_rows_of_the_printed_check_are_good():
    rows = [line.split() for line in CHAPTER.printed("check").splitlines()[1:]]
    assert [row[0] for row in rows] == ["E/N", "m^2", "U_4"]
    assert all(0.6 < float(row[1]) < 1.4 and float(row[2]) < 4 for row in rows)


# ---- The kernel of the package.


@pytest.mark.parametrize("seed", [0, 1, 2**63 + 5])
def test_the_package_turns_the_same_spins(seed):
    temperatures = np.linspace(0.9, 6, 64)
    streams, black = generators.streams(seed, 32), TOY.checkerboard((8, 8))
    state, table = np.full((8, 8), ALL), TOY.metropolis_digits(temperatures)
    energies = []
    for _ in range(200):
        for colour in (black, ~black):
            TOY.half_sweep(state, table, TOY.kernel_bits(streams, colour), colour)
        energies.append(TOY.measure(state)[0])
    given = {"algorithm": "metropolis", "initial": "up", "rng": seed}
    run = ising.simulate_temperatures((8, 8), 1 / temperatures, 200, **given)
    assert np.array_equal(2 * TOY.unpack(state) - 1, run.spins)
    assert np.array_equal(np.transpose(energies), run.energy)
    assert CHAPTER.printed("kernel").split()[-1] == "0"


def fenced(label, **names):
    """Return the names that the code within a solution binds."""
    text = next(source(cell) for cell in MARKDOWN if f"{{solution}} {label}" in source(cell))
    block = text[text.index(f"{{solution}} {label}") :]
    scope = CHAPTER.names | vars(TOY) | names
    exec(re.search(r"```python\n(.*?)```", block, re.S)[1], scope)
    return scope


def test_the_heat_bath_of_the_exercise_is_right():
    scope, temperatures, z = fenced("ex-many-bath"), np.linspace(1.8, 3.6, 64), []
    table = scope["bath_digits"](temperatures)
    for digit, x in ((0, 4), (1, 8), (2, 0)):
        assert digit_sum(column[digit] for column in table) == pytest.approx(
            1 / (1 + np.exp(x / temperatures))
        )
    exact = theory.kaufman((4, 4), 1 / temperatures).energy
    for seed in range(4):
        state, colour, seen = np.full((4, 4), ALL), TOY.checkerboard((4, 4)), []
        draw = TOY.fair_bits(np.random.default_rng(seed), (4, 4))
        for _ in range(600):
            scope["bath_half_sweep"](state, table, draw, colour)
            scope["bath_half_sweep"](state, table, draw, ~colour)
            seen.append(TOY.measure(state)[0])
        z.append(scores(map(statistics.binned_error, np.transpose(seen[50:])), exact))
    assert abs(np.mean(z)) < 4 / 16
    assert np.mean(np.square(z)) == pytest.approx(1, abs=0.35)


def digit_sum(planes):
    """Return the numbers that have these binary digits, one a lane."""
    return sum(TOY.unpack(word) * 0.5 ** (k + 1) for k, word in enumerate(planes))


# ---- How many rounds.


def test_the_mean_number_of_rounds():
    mean = CHAPTER.functions("rounds")["mean_rounds"]
    assert mean(1) == pytest.approx(2)
    for j in range(20):
        assert j < mean(2**j) <= j + 2
    for j in range(9, 20):
        assert mean(2**j) - j == pytest.approx(0.5 + np.euler_gamma / np.log(2), abs=2.0 ** (2 - j) + 1e-4)
    assert np.sum(np.exp(-(2.0 ** np.arange(1, 20)))) < 0.16
    for lanes, rounds, late in ((64, 7.34, 1.55), (512, 10.33, 11.75)):
        assert round(mean(lanes), 2) == rounds
        assert round(100 * (1 - (1 - 2.0**-12) ** lanes), 2) == late
        assert CHAPTER.column("rounds", f"{lanes:5}", 0) == rounds


def test_a_decision_alone_takes_two_tosses_at_best():
    """A tree of tosses for p and 1 - p has a leaf at depth k for each digit 1 of either."""

    def best(p, depth=60):
        digits = [(int(x * 2**depth) >> depth - k & 1, k) for x in (p, 1 - p) for k in range(1, depth + 1)]
        return sum(digit * k * 0.5**k for digit, k in digits)

    for p in np.exp(-np.array([4, 8]) / theory.CRITICAL_TEMPERATURE):
        assert best(p) == pytest.approx(2, abs=1e-6)
    assert (best(0.5), best(0.25)) == (1, 1.5)


@pytest.mark.parametrize("seed", range(3))
def test_words_wait_for_the_slowest_of_those_that_decide(seed):
    mean, rng = CHAPTER.functions("rounds")["mean_rounds"], np.random.default_rng(seed)
    for share, lanes in ((0.87, 64), (0.5, 64), (0.87, 512)):
        taken = rng.geometric(0.5, size=(4000, lanes)) * (rng.random((4000, lanes)) < share)
        assert abs(statistics.disorder_mean(taken.max(axis=1)).mean.z(mean(lanes, share))) < 4


# ---- What lanes share.


def run_shared(temperatures, seed, most):
    """Sweep with shared bits until all lattices are the same up to a sign; return how often."""
    rng = np.random.default_rng(seed)
    state, draw = words(seed + 100, 16, 16), TOY.shared_bits(rng, (16, 16))
    table = TOY.metropolis_digits(temperatures)
    for done in range(1, most + 1):
        TOY.sweep(state, table, draw)
        if done % 50 == 0 and len({bytes(s ^ s[0, 0]) for s in TOY.unpack(state)}) == 1:
            return done
    return most + 1


@pytest.mark.parametrize("seed", SEEDS)
def test_at_the_transition_lattices_that_share_become_one(seed):
    assert run_shared(np.full(64, theory.CRITICAL_TEMPERATURE), seed, 1600) <= 1600


@pytest.mark.parametrize("seed", range(3))
def test_above_it_they_stay_apart_and_are_worth_three(seed):
    rng, state = np.random.default_rng(seed), words(seed + 50, 16, 16)
    series = TOY.run_64(state, np.full(64, 3.0), TOY.shared_bits(rng, (16, 16)), 1000, 200)
    rho = TOY.correlation(series)
    assert 0.25 < rho < 0.4
    assert len({bytes(s ^ s[0, 0]) for s in TOY.unpack(state)}) == 64
    own = TOY.run_64(words(seed, 16, 16), np.full(64, 3.0), TOY.fair_bits(rng, (16, 16)), 500, 100)
    assert abs(TOY.correlation(own)) < 0.02
    assert abs(TOY.correlation(rng.normal(size=(4000, 64)))) < 0.002


def test_what_the_table_says_of_sharing():
    rows = [line.split() for line in CHAPTER.printed("sharing").splitlines()[1:]]
    told = {(row[0], row[1]): row[2:] for row in rows}
    assert told["3.00", "shared"][1:] == ["3", "64"]
    assert told["2.27", "shared"] == ["1.0", "1", "1"]
    assert {told[T, "own"][1] for T in ("3.00", "2.27")} == {"64"}
    rows = [line.split() for line in CHAPTER.printed("shared-curves").splitlines()[1:]]
    mean = {name: [abs(float(row[3])) for row in rows if row[0] == name] for name in ("own", "shared")}
    assert max(mean["own"]) <= 0.4  # three times one over the root of 64
    assert max(mean["shared"]) >= 0.8
    assert all(0.7 < float(row[2]) < 1.8 for row in rows)


def ten_runs(bits, seed):
    """Return energies (10, 64, sweeps) of 64 temperatures in ten independent runs, side by side."""
    near, shape = np.linspace(1.7, 2.5, 64), (16, 16, 10)
    state, table = np.full(shape, ALL), TOY.metropolis_digits(near)
    black, draw, rows = TOY.checkerboard(shape[:2])[..., None], bits(np.random.default_rng(seed), shape), []
    for t in range(1400):
        for colour in (black, ~black):
            TOY.half_sweep(state, table, draw, np.broadcast_to(colour, shape))
        if t >= 200 and t % 4 == 0:
            rows.append([TOY.measure(state[..., run])[0] for run in range(10)])
    return np.transpose(rows, (1, 2, 0))


def test_shared_bits_make_good_and_bad_runs_and_better_differences():
    """Over many runs points scatter as their errors say; within a run they do so together."""
    exact = theory.kaufman((16, 16), 1 / np.linspace(1.7, 2.5, 64)).energy
    spread, difference = {}, {}
    for name in ("fair_bits", "shared_bits"):
        energy = ten_runs(getattr(TOY, name), 3)
        z = [scores([statistics.binned_error(e, n_bins=16) for e in run], exact) for run in energy]
        spread[name] = np.sqrt(np.mean(np.square(z), axis=1))
        means = energy.mean(axis=2)
        difference[name] = np.diff(means, axis=1).var(axis=0).mean() / means.var(axis=0).mean()
    assert np.all((spread["fair_bits"] > 0.75) & (spread["fair_bits"] < 1.5))
    assert spread["shared_bits"].min() < 0.8
    assert spread["shared_bits"].max() > 1.4
    assert 0.7 < np.sqrt(np.mean(spread["shared_bits"] ** 2)) < 1.8
    assert difference["fair_bits"] == pytest.approx(2, abs=0.5)
    assert difference["shared_bits"] < 0.6 * difference["fair_bits"]


def test_information_bounds_the_bits():
    h = CHAPTER.functions("bound")["information"]
    assert h(0.5) == 1
    for line in CHAPTER.printed("bound").splitlines()[1:]:
        temperature, one, none, needed, alone, word, vector = map(float, line.split())
        p = np.exp(np.array([-4, -8]) / temperature)
        assert needed == pytest.approx(np.array([one, none]) @ h(p), abs=0.012)
        assert alone == pytest.approx(2 * (one + none), abs=0.07)
        assert needed < alone < word < vector < 12
    needed, *told = (CHAPTER.column("bound", "2.27", k) for k in (2, 3, 4, 5))
    assert 0.2 < needed < 0.3
    assert told == pytest.approx([1.7, 7.1, 10.1], abs=0.11)
    assert 12 / told[2] == pytest.approx(1.2, abs=0.05)


# ---- One curve.


def test_joined_partition_functions_are_those_of_the_package_and_exact():
    """Entries drawn from the exact law of 6 x 6 spins at 12 temperatures."""
    join = CHAPTER.definitions("algorithm-join").join
    states, rng = theory.density_of_states((6, 6)), np.random.default_rng(7)
    betas = 1 / np.linspace(2, 3.2, 12)
    levels, which = np.unique(-states.bond_sum, return_inverse=True)
    counts = np.bincount(which, weights=states.count)
    draws = []
    for beta in betas:
        law = counts * np.exp(-beta * (levels - levels.min()))
        draws.append(rng.choice(levels, size=2000, p=law / law.sum()))
    log_z, found, weights = join(np.array(draws), betas)
    package = statistics.reweight_multiple(draws, draws, n_sites=1, betas=betas, targets=betas)
    assert log_z == pytest.approx(package.log_partition, abs=1e-4)
    exact = 36 * states.observables(betas).log_partition
    z = (log_z - exact + exact[0])[1:] / package.log_partition_error[1:]
    assert np.abs(z).max() < 4
    log_w = weights - 0.4 * found
    mean = np.exp(log_w - logsumexp(log_w)) @ found
    target = statistics.reweight_multiple(draws, draws, n_sites=1, betas=betas, targets=0.4)
    assert mean == pytest.approx(target.value, abs=1e-4)


def test_the_joined_curve_is_honest_on_ten_seeds():
    window, fine = np.linspace(2, 2.7, 64), np.array([2.05, 2.25, 2.4, 2.6])
    exact, z = theory.kaufman((8, 8), 1 / fine).specific_heat, []
    for seed in SEEDS:
        given = {"algorithm": "metropolis", "initial": "up", "thin": 5, "rng": seed}
        run = ising.simulate_temperatures((8, 8), 1 / window, 6000, **given)
        energy = run.energy[:, 100:]
        joined = statistics.reweight_multiple(
            energy,
            [[e, e**2] for e in energy],
            n_sites=64,
            betas=1 / window,
            targets=1 / fine,
            function=lambda e, e2: e2 - e**2,
            n_bins=20,
        )
        z.append((joined.value * (8 / fine) ** 2 - exact) / (joined.error * (8 / fine) ** 2))
    assert np.sqrt(np.mean(np.square(z))) == pytest.approx(1, abs=0.45)
    assert np.abs(np.mean(z, axis=0)).max() < 4 / np.sqrt(10)


def test_what_the_joined_curves_print():
    """Peaks lie at 2.38, 2.33 and 2.30 or so, and come nearer to the transition by halves."""
    distance = []
    for side in (8, 16, 32):
        rms, largest, peak, exact = (CHAPTER.column("joined", f"{side:3}", k) for k in range(4))
        assert rms < 2.5
        assert largest < 4
        assert abs(peak - exact) < 0.04
        grid = np.linspace(2.2, 2.6, 4001)
        heat = theory.kaufman((side, side), 1 / grid).specific_heat
        distance.append(grid[heat.argmax()] - theory.CRITICAL_TEMPERATURE)
    assert np.divide(distance[:-1], distance[1:]) == pytest.approx(2, abs=0.25)


# ---- Temperatures that change places.


def test_two_bits_change_places():
    some = words(8, 50)
    bits = TOY.unpack(some)
    bits[[3, 61]] = bits[[61, 3]]
    assert np.array_equal(TOY.unpack(TOY.swap_bits(some, 3, 61)), bits)
    assert np.array_equal(TOY.swap_bits(some, 9, 9), some)


@pytest.mark.parametrize("seed", range(4))
def test_exchange_frees_the_sign(seed):
    cold_first = np.linspace(1.9, 2.9, 64)
    given = {"algorithm": "metropolis", "initial": "up", "rng": seed}
    turns = []
    for every in (0, 1):
        run = ising.simulate_temperatures((16, 16), 1 / cold_first[::-1], 12_000, exchange=every, **given)
        m = run.magnetization[-1, 1000:]
        turns.append(np.count_nonzero(np.diff(np.sign(m[np.abs(m) > 0.5]))))
    assert turns[0] <= 2
    assert turns[1] >= 5


# ---- Memory.


def test_pooled_memory_is_right_and_so_is_its_error():
    pooled, z = CHAPTER.definitions("algorithm-memory").pooled_memory, []
    for seed in SEEDS:
        rng, a = np.random.default_rng(seed), 0.9
        x = np.empty((64, 3000))
        x[:, 0] = rng.normal(size=64)
        for t in range(1, 3000):
            x[:, t] = a * x[:, t - 1] + np.sqrt(1 - a**2) * rng.normal(size=64)
        z.append(pooled(x).z((1 + a) / (1 - a) / 2))
    assert abs(np.mean(z)) < 1.5  # the window leaves out half a percent, of an error of that size
    assert np.std(z) == pytest.approx(1, abs=0.6)


def test_metropolis_forgets_about_three_times_as_fast():
    bath, metropolis = (
        np.array([CHAPTER.column("memory", rule, k) for k in range(4)])
        for rule in ("heat-bath", "metropolis")
    )
    ratio = bath / metropolis
    assert np.all((ratio > 2) & (ratio < 4))
    assert ratio[2:].mean() == pytest.approx(3, abs=0.6)
    for taus in (bath, metropolis):
        assert 1.9 < np.log(taus[3] / taus[1]) / np.log(4) < 2.4


def test_where_clusters_win():
    text = CHAPTER.printed("crossing").splitlines()
    sizes = [int(line.split("L =")[1]) for line in text if "Wolff" in line]
    assert sizes == sorted(sizes)
    assert sizes[0] == 8  # where the curves begin
    assert 40 < sizes[-2] < 60
    assert 60 < sizes[-1] < 90


def test_the_energy_of_wolff_forgets_in_about_c_sweeps():
    """The tau of E, in sites that are turned per site of the lattice, is c(L) within a few percent."""
    for side in (16, 32):
        beta = theory.CRITICAL_BETA
        c = theory.kaufman((side, side), beta).specific_heat
        run = ising.simulate((side, side), beta, 30_000, algorithm="wolff", rng=side)
        tau = statistics.integrated_autocorrelation_time(run.energy[1000:]).value
        flips = ising.wolff_flips_per_sweep((side, side), beta)
        turned = flips * np.mean(np.square(run.magnetization[1000:]))  # a cluster holds <m^2> N on average
        assert tau * turned / c == pytest.approx(1, abs=0.2)


# ---- Exercises and questions.


def test_how_often_to_measure():
    k = np.arange(1, 1000)
    for tau, best, loss, root in ((5, 7, 2.4, 7.7), (100, 56, 3.7, 56)):
        cost = (k + 3) / np.tanh(k / (2 * tau))
        assert k[cost.argmin()] == best
        assert round(cost[0] / cost.min(), 1) == loss
        assert (6 * tau**2 * 3) ** (1 / 3) == pytest.approx(root, rel=0.01)
        assert f"{loss}" in TEXT


def test_the_numbers_of_the_exercise_in_words():
    a, b, c, d = (np.uint64(int(bits, 2)) for bits in ("0110", "1100", "1010", "1111"))
    assert [f"{int(word):04b}" for word in TOY.sum_of_four(a, b, c, d)] == ["1111", "1110", "0000"]
    assert (128**2 // 64, 128**2 // 64 * 8, 128**2 * 8) == (256, 2048, 131_072)
    assert "131,072 bytes" in TEXT


def test_glass_and_cube_are_right_on_other_seeds():
    for name in ("glass-code", "three-code"):
        assert 0.6 < float(CHAPTER.printed(name).split()[-1]) < 1.4
    temperatures, z = np.linspace(3, 6, 64), []
    chances = (np.exp(-cost / temperatures) for cost in (4, 8, 12))
    table = list(zip(*map(CUBE.digits_of, chances), strict=True))
    exact = theory.density_of_states((2, 4, 4)).moments(1 / temperatures).second
    for seed in range(4):
        state, colour, rows = np.full((2, 4, 4), ALL), CUBE.checkerboard((2, 4, 4)), []
        draw = CUBE.fair_bits(np.random.default_rng(seed), (2, 4, 4))
        for _ in range(500):
            CUBE.cubic_half_sweep(state, table, draw, colour)
            CUBE.cubic_half_sweep(state, table, draw, ~colour)
            rows.append((2 * CUBE.count(state) / 32 - 1) ** 2)
        z.append(scores(map(statistics.binned_error, np.transpose(rows[40:])), exact))
    assert abs(np.mean(z)) < 4 / 16
    assert np.mean(np.square(z)) == pytest.approx(1, abs=0.35)


def test_the_exact_energies_of_the_glass_are_those_of_a_run_of_the_package():
    """With bonds on the wrong side of their sites the frustrated lattice would be another one."""
    exact = CHAPTER.definitions("algorithm-glass").glass_energies
    temperatures = np.linspace(0.8, 3, 64)
    bonds = ising.random_bonds((4, 4), rng=3)
    run = ising.simulate_temperatures((4, 4), 1 / temperatures, 20_000, bonds=bonds, rng=4)
    known = exact((1 - bonds) // 2, temperatures) / 16
    z = scores(map(statistics.binned_error, run.energy[:, 1000:]), known)
    assert np.mean(np.square(z)) == pytest.approx(1, abs=0.7)
    shifted = np.stack([bonds[0], np.roll(bonds[1], 1, axis=1)])
    other = exact((1 - shifted) // 2, temperatures) / 16
    assert np.abs(scores(map(statistics.binned_error, run.energy[:, 1000:]), other)).max() > 10


def test_no_state_of_the_glass_could_run_in_a_cycle():
    """With two unsatisfied bonds at every site all would turn; the lattice without signs has such states."""
    signs = np.random.default_rng(1975).integers(2, size=(2, 4, 4))
    s = 2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1).reshape(-1, 4, 4) - 1
    for bond, some in ((1 - 2 * signs, False), (np.ones((2, 4, 4)), True)):
        after = [bond[k] * np.roll(s, -1, k + 1) for k in (0, 1)]
        before = [np.roll(bond[k] * s, 1, k + 1) for k in (0, 1)]
        assert np.any(np.all(sum(after) + sum(before) == 0, axis=(1, 2))) == some


def test_questions_tell_mistakes_apart():
    assert CHAPTER.tells_apart("question-rounds", 13, (7, 6, 12))
    assert CHAPTER.tells_apart("question-worth", 15.4, (64, 60.8, 20))
    grid = np.linspace(2.2, 2.6, 4001)
    peaks = [grid[theory.kaufman((L, L), 1 / grid).specific_heat.argmax()] for L in (32, 64)]
    assert CHAPTER.tells_apart("question-peak", peaks[1], (peaks[0], theory.CRITICAL_TEMPERATURE, 1.15))
    extrapolated = (peaks[0] + theory.CRITICAL_TEMPERATURE) / 2
    assert CHAPTER.question("question-peak").check(round(extrapolated, 3)).right


def test_the_live_figure_is_what_the_text_says():
    """It knows its errors after some 6000 and 32,000 sweeps, and shows 64 temperatures from 1.5 to 3.5."""
    assert CHAPTER.column("curves", "64 energies: rms z =", 0) < 1.5
    for size, few, enough in (("16", 3000, 9000), ("32", 18_000, 45_000)):
        lab = CurveLab(size=size, running=False)
        early, late = lab.simulate(few), lab.simulate(enough)
        assert early.settled < 64
        assert late.settled == 64
        assert np.allclose(late.temperatures[[0, -1]], (1.5, 3.5))
    assert CurveLab(running=False).size == "64"
    assert round(2**2.25, 1) == 4.8


def test_the_error_bars_of_the_exercise_differ_by_the_root_of_the_memories():
    assert fenced("ex-many-live", CurveLab=CurveLab)["ratio"] == pytest.approx(1.75, abs=0.35)


@pytest.mark.parametrize("seed", [1, 2])
def test_cold_lattices_from_random_spins_are_caught(seed):
    """Their energy is steady, and off by many errors; from all spins up none is."""
    given = {"size": "64", "seed": seed, "running": False}
    found = CurveLab(initial="random", **given).simulate(3000)
    cold = found.temperatures < 2.1
    assert np.nanmax(found.scores[cold]) > 20
    assert np.nanmax(np.abs(CurveLab(**given).simulate(3000).scores[cold])) < 6


def test_a_few_of_the_large_lattices_are_caught():
    """What the live figure is asked for: 128 x 128 spins from random ones, after 20,000 sweeps."""
    found = CurveLab(size="128", initial="random", running=False).simulate(20_000)
    cold = found.temperatures < 2.1
    low = cold & (found.magnetization < 0.7)
    assert 1 <= low.sum() <= 10
    assert np.nanmax(found.scores[low]) > 4
