"""What the chapter on critical phenomena writes out agrees with the package, and its claims hold."""

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import chisquare

from smbook import ising, statistics, sweep
from smbook.theory import ising as theory
from smbook.widgets import Question
from tests.chapters import Chapter, source

CRITICAL = theory.CRITICAL_BETA
CHAPTER = Chapter(
    "ising/critical-phenomena.ipynb",
    np=np,
    ising=ising,
    theory=theory,
    statistics=statistics,
    itertools=itertools,
    coo_array=coo_array,
    connected_components=connected_components,
    sweep=sweep,
    Question=Question,
    K_c=CRITICAL,
    T_c=1 / CRITICAL,
)
CLUSTERS = CHAPTER.definitions("algorithm-clusters", "algorithm-swendsen-wang")
MATRICES = CHAPTER.definitions("algorithm-cluster-matrices")
FITS = CHAPTER.definitions("algorithm-power-law")
LOOK = CHAPTER.definitions("algorithm-blocks", "algorithm-correlations")
SEEDS = range(3001, 3011)  # none of them the chapter's


# Blocks and correlations


def test_blocks_take_the_majority_and_in_a_tie_the_upper_left_spin():
    rng = np.random.default_rng(1)
    spins = rng.choice([-1, 1], size=(16, 12)).astype(np.int8)
    four = spins.reshape(8, 2, 6, 2).swapaxes(1, 2).reshape(8, 6, 4)
    total = four.sum(axis=2)
    assert (LOOK.blocks(spins) == np.where(total == 0, spins[::2, ::2], np.sign(total))).all()


def test_blocks_grow_alike_below_the_critical_point_and_unlike_above_it():
    rows = [
        [CHAPTER.column("blocks", row, k) for k in range(4)] for row in ("T = 2.4 ", "T = 2.269", "T = 2.15")
    ]
    assert np.diff(rows[0]).max() < -0.05
    assert np.ptp(rows[1]) < 0.05
    assert np.diff(rows[2]).min() > 0.02


def test_the_structure_factor_is_the_transform_of_the_correlations():
    spins = np.random.default_rng(2).choice([-1, 1], size=(8, 8)).astype(np.int8)
    factor = LOOK.structure_factor(spins)
    assert factor[0, 0] == pytest.approx(64 * spins.mean() ** 2)
    correlations = np.fft.ifft2(factor).real
    assert (correlations[0, 1] + correlations[1, 0]) == pytest.approx(-ising.energy(spins))
    direct = np.mean(spins * np.roll(spins, (3, -2), axis=(0, 1)))
    assert correlations[3, -2] == pytest.approx(direct)


def test_the_length_is_that_of_an_ornstein_zernike_factor():
    wave = 2 * np.sin(np.pi / 24)
    assert LOOK.second_moment([3.0], [3.0 / (1 + 5.5**2 * wave**2)], 24) == pytest.approx(5.5, rel=1e-12)


def test_the_measured_length_is_exact_on_the_smallest_torus():
    states = (2 * (np.arange(2**16)[:, None] >> np.arange(16) & 1) - 1).reshape(-1, 4, 4)
    neighbours = states * (np.roll(states, 1, 1) + np.roll(states, 1, 2))
    weights = np.exp(CRITICAL * neighbours.sum(axis=(1, 2)))
    factors = np.abs(np.fft.fft2(states)) ** 2 / 16
    zero, lowest = (np.average(factors[:, 0, k], weights=weights) for k in (0, 1))
    exact = LOOK.second_moment([zero], [lowest], 4)
    runs = LOOK.snapshots(4, 1 / CRITICAL, 4000, np.random.default_rng(3))
    measured = LOOK.measured_length(np.array([LOOK.structure_factor(spins) for spins in runs]), 4)
    assert abs(measured.z(exact)) < 4
    assert measured.error < 0.03 * exact


def theta(kind, z):
    """Return one of Jacobi's functions of the square torus, whose nome is exp(-pi)."""
    q, n = np.exp(-np.pi), np.arange(12)
    z = np.asarray(z)[..., None]
    if kind == 1:
        return 2 * np.sum((-1.0) ** n * q ** ((n + 0.5) ** 2) * np.sin((2 * n + 1) * z), -1)
    if kind == 2:
        return 2 * np.sum(q ** ((n + 0.5) ** 2) * np.cos((2 * n + 1) * z), -1)
    return 1 + 2 * np.sum(
        (1.0 if kind == 3 else -1.0) ** n[1:] * q ** (n[1:] ** 2) * np.cos(2 * n[1:] * z), -1
    )


def on_the_torus(x, y):
    """Return L^(1/4) G / amplitude on a large square torus (Di Francesco, Saleur and Zuber, 1987)."""
    z, n = np.pi * (x + 1j * y), np.arange(12)
    slope = 2 * np.pi * np.sum((-1.0) ** n * (2 * n + 1) * np.exp(-np.pi * (n + 0.5) ** 2))
    sums = sum(np.abs(theta(kind, z / 2)) for kind in (1, 2, 3, 4)) / sum(theta(k, 0.0) for k in (2, 3, 4))
    return np.abs(slope / theta(1, z)) ** 0.25 * sums


def test_the_limits_that_the_chapter_quotes():
    """From exact correlations on a large torus: xi / L, and <m^2> L^(1/4) against counted lattices."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    nodes, weights = (nodes + 1) / 2, weights / 2
    x, weight = nodes**4 / 2, weights * 2 * nodes**3  # smooth at the origin, an eighth of the square
    x, y = x[:, None], x[:, None] * nodes
    values = 8 * weight[:, None] * weights * x * on_the_torus(x, y)
    zero, lowest = values.sum(), (values * (np.cos(2 * np.pi * x) + np.cos(2 * np.pi * y)) / 2).sum()
    assert np.sqrt(zero / lowest - 1) / (2 * np.pi) == pytest.approx(0.9050488292, abs=4e-10)
    amplitude = 2 ** (5 / 24) * np.exp(3 * -0.16542114370045093)  # zeta'(-1)
    assert amplitude == pytest.approx(0.70338, abs=5e-6)
    limit = amplitude * zero
    missing = [limit - L**0.25 * theory.density_of_states((L, L)).moments(CRITICAL).second for L in (4, 6)]
    assert 0 < missing[1] < missing[0] < 0.02
    assert np.log(missing[0] / missing[1]) / np.log(6 / 4) == pytest.approx(2, abs=0.25)  # omega


def test_the_torus_is_more_ordered_than_the_plane_by_an_excess_linear_in_the_distance():
    r = np.array([0.02, 0.05, 0.1])
    assert (on_the_torus(r, 0.0) * r**0.25 - 1) / r == pytest.approx(0.49, abs=0.005)


def test_correlations_of_the_infinite_lattice_along_an_axis():
    """They are determinants (McCoy and Wu, 1973); a coarse grid leaves 1e-8 of the step in their symbol."""
    angle = (np.arange(2**14) + 0.5) * 2 * np.pi / 2**14
    turn, small = np.exp(1j * angle), (np.sqrt(2) - 1) ** 2
    symbol = np.sqrt((1 - small * turn) / (1 - small / turn)) * np.sqrt((1 - 1 / turn) / (1 - turn))
    entries = {k: np.mean(symbol * turn**-k).real for k in range(-20, 21)}

    def along(r):
        return np.linalg.det([[entries[i - j] for j in range(r)] for i in range(r)])

    assert along(1) == pytest.approx(1 / np.sqrt(2), abs=1e-7)
    assert along(2) == pytest.approx(1 - 4 / np.pi**2, abs=1e-7)
    assert along(20) * 20**0.25 == pytest.approx(0.70338, abs=5e-5)


def test_the_correlation_length_above_the_critical_point():
    """1 / xi = ln coth K - 2 K, which strips of finite width approach from below."""
    width, beta = 9, 1 / 3
    s = 2 * (np.arange(2**width)[:, None] >> np.arange(width) & 1) - 1
    across = np.sum(s * np.roll(s, 1, axis=1), axis=1)
    eigenvalues = np.linalg.eigvalsh(np.exp(beta * (s @ s.T + (across[:, None] + across) / 2)))
    strip = 1 / np.log(eigenvalues[-1] / eigenvalues[-2])
    assert strip < LOOK.exponential_length(3) < strip * 1.01


def test_the_two_lengths_differ_by_a_percent_at_most():
    """Where they differ most, at T = 3, from a strip whose columns are summed with the waves along it."""
    width, beta = 10, 1 / 3
    s = 2 * (np.arange(2**width)[:, None] >> np.arange(width) & 1) - 1
    across = np.sum(s * np.roll(s, 1, axis=1), axis=1)
    eigenvalues, vectors = np.linalg.eigh(np.exp(beta * (s @ s.T + (across[:, None] + across) / 2)))
    ratio, overlap = eigenvalues[:-1] / eigenvalues[-1], vectors.T @ (s.sum(axis=1) * vectors[:, -1])
    zero, lowest = (
        np.sum(overlap[:-1] ** 2 * (1 - ratio**2) / (1 - 2 * ratio * np.cos(k) + ratio**2))
        for k in (0, 2 * np.pi / 16)
    )
    assert 0.985 < LOOK.second_moment([zero], [lowest], 16) / LOOK.exponential_length(3) < 0.998


# Critical slowing down


def test_times_scatter_more_at_the_critical_point_than_the_formula_for_gaussian_series_says():
    """The formula falls short by almost a half, the jackknife of the chapter by a fifth (short pieces)."""
    memory = FITS.memory
    energy = ising.simulate((8, 8), CRITICAL, 401_000, rng=1).energy[1000:]
    pieces = energy.reshape(100, 4000)
    times = np.array([statistics.integrated_autocorrelation_time(piece)[:2] for piece in pieces])
    honest = np.mean([statistics.jackknife(memory, piece, n_bins=16).error for piece in pieces])
    assert times[:, 0].std() > 1.4 * times[:, 1].mean()
    assert 0.65 < honest / times[:, 0].std() < 1.3


def z_of_local_times(seed, n_sweeps=100_000):
    """Return the effective exponents of |m| and of E from L = 8 on, as the chapter measures them."""
    sizes = 8, 12, 16, 24, 32
    runs = FITS.critical_runs("heat-bath", sizes, n_sweeps, np.random.default_rng(seed))
    times = [
        [statistics.jackknife(FITS.memory, series, n_bins=16) for series in (np.abs(m), energy)]
        for energy, m in runs.values()
    ]
    return [FITS.power_law(sizes, column)[8][0] for column in zip(*times, strict=True)]


def test_integrated_times_on_small_lattices_have_effective_exponents():
    """Theirs is not the 2.1665 of the exponential time: that of |m| is somewhat low, that of E much.

    Ten short runs have honest errors, but these do not yet tell the exponent of |m| from 2.1665.
    """
    order, energy = zip(*map(z_of_local_times, SEEDS), strict=True)
    for estimates, low, high in ((order, 2.03, 2.13), (energy, 1.55, 1.75)):
        values, errors = np.transpose(estimates)
        assert low < values.mean() < high
        assert 0.5 < values.std(ddof=1) / np.sqrt(np.mean(errors**2)) < 1.7


def test_the_effective_exponents_of_sixty_four_lattices_lie_below_that_of_the_exponential_time():
    """A hundred thousand sweeps of each, all at T_c: that of |m| is low by 0.05 to 0.08, known to 0.01."""
    sizes = np.array([8, 12, 16, 24, 32])
    times = np.empty((2, sizes.size, 64))
    for k, side in enumerate(sizes.tolist()):
        runs = ising.simulate_temperatures(
            (side, side), np.full(64, CRITICAL), 101_000, initial="up", rng=1000 + k
        )
        for of_one, series in zip(times, (np.abs(runs.magnetization), runs.energy), strict=True):
            of_one[k] = [FITS.memory(one) for one in series[:, 1000:]]
    for of_one, low in zip(times, (2.05, 1.60), strict=True):
        weights = of_one.mean(axis=1) / of_one.std(axis=1)
        exponents_of_64 = np.polyfit(np.log(sizes), np.log(of_one), 1, w=weights)[0]
        error = exponents_of_64.std(ddof=1) / 8
        assert error < 0.015
        assert low < exponents_of_64.mean() < 2.1665 - 4 * error


def test_what_the_chapter_prints_of_local_times():
    """Rows of |m| come before those of E."""
    order, energy = CHAPTER.printed("local-times").split("of E")
    for text, low, high in ((order, 1.95, 2.25), (energy, 1.4, 1.8)):
        (row,) = [line for line in text.splitlines() if line.startswith("  8 ")]
        assert low < float(row.split()[2].split("(")[0]) < high


# Clusters


@pytest.mark.parametrize(("algorithm", "n_sweeps"), [("wolff", 60_000), ("swendsen-wang", 40_000)])
def test_clusters_forget_the_energy_more_slowly_than_the_order(algorithm, n_sweeps):
    ((energy, m),) = FITS.critical_runs(algorithm, (32,), n_sweeps, np.random.default_rng(5)).values()
    slow, fast = (statistics.jackknife(FITS.memory, x, n_bins=16) for x in (energy, np.abs(m)))
    assert slow.value > fast.value + np.hypot(slow.error, fast.error)


def test_a_sweep_of_wolff_is_one_flip_at_the_critical_point_and_more_above_it():
    assert {ising.wolff_flips_per_sweep((n, n), CRITICAL) for n in (4, 6, 8, 12, 16, 24, 32, 48, 256)} == {1}
    assert ising.wolff_flips_per_sweep((32, 32), 1 / 2.6) > 1


def test_half_the_coupling_shows_in_the_fluctuations_of_the_energy():
    """A chain that samples twice the temperature T: beta^2 Var(E) / N against the slope of its energies."""
    t, step = 2.0, 1e-4
    slope = np.diff(theory.kaufman((16, 16), 1 / (2 * (t + step * np.array([-1, 1])))).energy)[0] / (2 * step)
    variance = theory.kaufman((16, 16), 1 / (2 * t)).specific_heat * (2 * t) ** 2
    assert variance / t**2 == pytest.approx(2 * slope, rel=1e-5)


def small_torus():
    """Return the bonds, the spins of all states and the law of the 2 x 3 torus."""
    sites = np.arange(6).reshape(2, 3)
    bonds = [
        (int(i), int(j))
        for axis in (0, 1)
        for i, j in zip(sites.flat, np.roll(sites, -1, axis).flat, strict=True)
    ]
    spins = (2 * (np.arange(64)[:, None] >> sites.ravel() & 1) - 1).astype(np.int8).reshape(64, 2, 3)
    weights = np.exp([-CRITICAL * 6 * ising.energy(sheet) for sheet in spins])
    return bonds, spins, weights / weights.sum()


@pytest.mark.parametrize("which", [0, 1], ids=["wolff", "swendsen-wang"])
def test_cluster_steps_are_in_detailed_balance(which):
    bonds, _, p = small_torus()
    flow, wrong = (
        p[:, None] * MATRICES.cluster_matrices(6, bonds, beta)[which] for beta in (CRITICAL, CRITICAL + 1e-6)
    )
    assert flow.sum(axis=0) == pytest.approx(p, abs=1e-14)
    assert np.abs(flow - flow.T).max() < 1e-15
    assert np.abs(wrong - wrong.T).max() > 1e-9


def successors(name, start, n_steps):
    """Return how often each state of the 2 x 3 torus follows `start`, by hand and in the package."""
    by_hand, package = np.zeros((2, 64), dtype=int)
    rng, powers = np.random.default_rng(7), 1 << np.arange(6)
    for seed in range(n_steps):
        spins = start.copy()
        getattr(CLUSTERS, name)(spins, CRITICAL, rng)
        by_hand[(spins.ravel() > 0) @ powers] += 1
        algorithm = name.replace("_", "-")
        end = ising.simulate((2, 3), CRITICAL, 1, algorithm=algorithm, initial=start, rng=seed).spins
        package[(end.ravel() > 0) @ powers] += 1
    return by_hand, package


def p_value(counts, law):
    """Return the p-value of counts under a law, or 0 if something happened that cannot."""
    if counts[law == 0].any():
        return 0.0
    common = law * counts.sum() >= 5
    observed, expected = counts[common], law[common] * counts.sum()
    rest = counts.sum() - observed.sum(), counts.sum() - expected.sum()
    if rest[1] > 1:
        observed, expected = np.append(observed, rest[0]), np.append(expected, rest[1])
    return chisquare(observed, expected * observed.sum() / expected.sum()).pvalue


@pytest.mark.parametrize(("which", "name"), [(0, "wolff"), (1, "swendsen_wang")])
@pytest.mark.parametrize("state", [0b000000, 0b001011, 0b101101])
def test_clusters_by_hand_and_in_the_package_have_the_law_of_the_matrix(which, name, state):
    """1500 steps tell a p_join that is out by a tenth."""
    bonds, spins, _ = small_torus()
    right, wrong = (
        MATRICES.cluster_matrices(6, bonds, beta)[which][state] for beta in (CRITICAL, CRITICAL * 0.8)
    )
    for counts in successors(name, spins[state], 1500):
        assert p_value(counts, right) > 1e-3
        assert state != 0 or p_value(counts, wrong) < 1e-6


def test_the_mean_cluster_holds_the_part_m_squared_of_the_sheet():
    bonds, spins, p = small_torus()
    size = 0.0
    for state, weight in enumerate(p):
        law = MATRICES.partitions(spins[state].ravel(), bonds, 1 - np.exp(-2 * CRITICAL))
        assert sum(law.values()) == pytest.approx(1, abs=1e-14)
        size += weight * sum(q * np.mean([labels.count(b) for b in labels]) for labels, q in law.items())
    square = p @ spins.mean(axis=(1, 2)) ** 2
    assert size / 6 == pytest.approx(square, rel=1e-13)


@pytest.mark.parametrize("beta", [CRITICAL, 0.2])
def test_the_sum_of_squares_of_clusters_is_an_improved_estimator(beta):
    """Exact on the 2 x 3 torus: the same mean as m^2, a smaller variance, and more so at high temperature."""
    bonds, spins, _ = small_torus()
    p = np.exp([-beta * 6 * ising.energy(sheet) for sheet in spins])
    p /= p.sum()
    moments = np.zeros(2)
    for state, weight in enumerate(p):
        law = MATRICES.partitions(spins[state].ravel(), bonds, 1 - np.exp(-2 * beta))
        for labels, q in law.items():
            x = sum(labels.count(b) ** 2 for b in set(labels)) / 36
            moments += weight * q * np.array([x, x**2])
    m = spins.mean(axis=(1, 2))
    assert moments[0] == pytest.approx(p @ m**2, rel=1e-13)
    gain = (p @ m**4 - (p @ m**2) ** 2) / (moments[1] - moments[0] ** 2)
    assert gain > (1.2 if beta == CRITICAL else 3)


def test_what_is_improved_and_what_is_not():
    """Clusters of Swendsen and Wang help above the critical point; at it those of Wolff do not."""
    cell = CHAPTER.definitions("algorithm-blocks", "algorithm-swendsen-wang", "algorithm-improved")
    for seed in SEEDS[:2]:
        plain, better = map(statistics.binned_error, cell.both(32, 2.6, 1000, np.random.default_rng(seed)))
        assert (plain.error / better.error) ** 2 > 1.5
    m = FITS.critical_runs("wolff", (32,), 40_000, np.random.default_rng(1))[32][1]
    sizes = np.abs(np.diff(m)) / 2
    plain, other = map(statistics.binned_error, (m[1:] ** 2, sizes))
    assert abs(plain.value - other.value) < 4 * np.hypot(plain.error, other.error)
    assert (plain.error / other.error) ** 2 < 1.5
    assert sizes.var() > 2 * np.var(m**2)


# Exponents


def test_power_law_recovers_a_power_with_an_honest_error():
    """Also where the errors that it is told scatter as those from 16 blocks do."""
    sizes, rng = np.array([8, 12, 16, 24, 32]), np.random.default_rng(9)
    scores, sums = [], []
    for _ in range(400):
        errors = 0.02 * sizes**1.6
        told = errors * np.sqrt(rng.chisquare(15, size=5) / 15)
        values = rng.normal(sizes**1.5, errors)
        fits = FITS.power_law(sizes, list(zip(values, told, strict=True)))
        assert list(fits) == [8, 12, 16]
        assert [dof for _, _, dof in fits.values()] == [3, 2, 1]
        scores.append(fits[8][0].z(1.5))
        sums.append(fits[8][1])
    assert abs(np.mean(scores)) < 4 / np.sqrt(400)
    assert np.std(scores) == pytest.approx(1, abs=0.2)
    assert np.mean(sums) == pytest.approx(3, abs=0.9)


@cache
def exponents(seed):
    """Return the chapter's fits of a shorter set of runs, by quantity."""
    cell = CHAPTER.definitions("algorithm-exponents")
    sizes, rng = (4, 6, 8, 12, 16, 24, 32, 48), np.random.default_rng(seed)
    single = FITS.critical_runs("wolff", sizes, 8000, rng)
    coins = FITS.critical_runs("swendsen-wang", sizes, 4000, rng)
    columns = {name: {} for name in ("-beta/nu", "gamma/nu", "1/nu", "Wolff", "Swendsen-Wang")}
    for side, (energy, m) in single.items():
        columns["-beta/nu"][side] = statistics.mean(np.abs(m))
        columns["gamma/nu"][side] = statistics.mean(CRITICAL * side**2 * m**2)
        columns["1/nu"][side] = statistics.jackknife(cell.binder_slope, energy, m, n_bins=16)
        flips, share = statistics.jackknife(FITS.memory, energy, n_bins=16), np.mean(m**2)
        columns["Wolff"][side] = statistics.Estimate(flips.value * share, flips.error * share)
        columns["Swendsen-Wang"][side] = statistics.jackknife(FITS.memory, coins[side][0], n_bins=16)
    return {name: (FITS.power_law(sizes, list(column.values())), column) for name, column in columns.items()}


@pytest.mark.parametrize(("name", "exact"), [("-beta/nu", -1 / 8), ("gamma/nu", 7 / 4), ("1/nu", 1.0)])
def test_exponents_are_right_within_their_errors_with_ten_other_seeds(name, exact):
    fits = [exponents(seed)[name][0] for seed in SEEDS]
    scores = np.array([fit[8][0].z(exact) for fit in fits])
    assert abs(scores.mean()) < 4 / np.sqrt(scores.size)
    assert 0.5 < np.sqrt(np.mean(scores**2)) < 1.6
    assert 0.4 < np.mean([fit[8][1] / fit[8][2] for fit in fits]) < 1.8


@pytest.mark.parametrize(("name", "times_heat"), [("Wolff", 0.96), ("Swendsen-Wang", 2.2)])
def test_the_times_of_clusters_and_their_errors_with_ten_other_seeds(name, times_heat):
    """Times in step with the specific heat, and a power (for Wolff) that falls without small lattices."""
    laws = CHAPTER.definitions("algorithm-laws").laws
    results = [exponents(seed)[name] for seed in SEEDS]
    for smallest in (4, 8):
        values, errors = np.transpose([fits[smallest][0] for fits, _ in results])
        assert 0.4 < values.std(ddof=1) / np.sqrt(np.mean(errors**2)) < 1.75
        assert 0.2 < values.mean() < 0.45
    drift = [fits[4][0].value - fits[16][0].value for fits, _ in results]
    assert name != "Wolff" or np.mean(drift) > 0.02
    large = [{L: tau for L, tau in column.items() if L >= 8} for _, column in results]
    sums, ratios = zip(*(laws(list(c), list(c.values()))[1:] for c in large), strict=True)
    assert np.mean(ratios) == pytest.approx(times_heat, rel=0.05)
    assert np.mean(sums) < 2 * 5  # five degrees of freedom


def test_corrections_are_seen_without_noise_on_lattices_that_can_be_counted():
    count = CHAPTER.definitions("algorithm-exponents").counted_at_critical
    sizes = np.arange(4, 8)
    drift = np.diff(np.log([count(L) for L in sizes]), axis=0) / np.diff(np.log(sizes))[:, None]
    off = np.abs(drift - [-1 / 8, 7 / 4, 1])
    assert (np.diff(off, axis=0) < 0).all()
    assert drift[:, 1] == pytest.approx([1.773, 1.765, 1.760], abs=5e-4)
    middle = (sizes[1:] + sizes[:-1]) / 2
    assert np.log(off[0, 1] / off[2, 1]) / np.log(middle[2] / middle[0]) == pytest.approx(2, abs=0.4)


def series_at_the_critical_point(length, n_sweeps, seed):
    run = ising.simulate((length, length), CRITICAL, n_sweeps, algorithm="swendsen-wang", rng=seed)
    return run.energy[200:] * length**2, run.magnetization[200:]


def test_the_slope_of_the_cumulant_is_that_of_the_reweighted_and_of_the_exact_curve():
    slope = CHAPTER.definitions("algorithm-exponents").binder_slope
    energy, m = series_at_the_critical_point(4, 40_200, 8)
    step = 1e-5
    low, high = statistics.reweight(
        energy,
        [m**2, m**4],
        n_sites=1,
        beta=CRITICAL,
        targets=[CRITICAL - step, CRITICAL + step],
        function=lambda q, f: 1 - f / (3 * q**2),
    ).value
    assert slope(energy, m) == pytest.approx((high - low) / (2 * step), rel=1e-6)
    counted = theory.density_of_states((4, 4))
    exact = np.diff(counted.moments(CRITICAL + step * np.array([-1, 1])).binder)[0] / (2 * step)
    assert abs(statistics.jackknife(slope, energy, m).z(exact)) < 4


def test_one_step_of_newton_finds_the_crossing_of_the_reweighted_curves():
    cell = CHAPTER.definitions("algorithm-exponents", "algorithm-crossing")
    runs = [series_at_the_critical_point(length, 20_200, 10 + length) for length in (8, 16)]

    def reweighted(energy, m, k):
        w = np.exp(-(k - CRITICAL) * (energy - energy.mean()))
        return 1 - np.mean(w * m**4) * np.mean(w) / (3 * np.mean(w * m**2) ** 2)

    exact = brentq(lambda k: reweighted(*runs[0], k) - reweighted(*runs[1], k), 0.42, 0.46)
    place, height = cell.crossing(*runs[0], *runs[1])
    assert place - CRITICAL == pytest.approx(exact - CRITICAL, rel=0.2)
    assert height == pytest.approx(reweighted(*runs[0], exact), abs=1e-3)


def test_the_exponents_of_the_chapter_are_right_within_their_errors():
    for name in ("-beta/nu", "gamma/nu", "1/nu"):
        rows = [line.split() for line in CHAPTER.printed("fits").splitlines() if line.startswith(name)]
        scores = {int(row[1]): float(row[3]) for row in rows}
        assert max(abs(scores[L]) for L in (8, 12, 16)) < 4
    for pair in ("16, 32", "24, 48"):
        assert abs(CHAPTER.column("crossings", pair, 1)) < 4
        assert abs(CHAPTER.column("crossings", pair, 3)) < 4
    assert CHAPTER.column("crossings", " 4, 8", 3) > 3  # corrections


def test_the_limit_of_the_cumulant_follows_from_the_ratio_of_moments():
    assert f"{1 - 1 / (3 * 0.856216):.7f}" == f"{theory.CRITICAL_BINDER:.7f}" == "0.6106901"
    assert f"{theory.CRITICAL_BINDER:.7f}" in CHAPTER.printed("crossings")


# Reweighting


def test_reweighting_by_hand_and_in_the_package():
    by_hand = CHAPTER.definitions("algorithm-reweighting").reweighted
    energy, m = series_at_the_critical_point(16, 5200, 4)
    for target in (CRITICAL - 0.01, CRITICAL + 0.02):
        package = statistics.reweight(energy, m**2, n_sites=1, beta=CRITICAL, targets=target).value
        assert by_hand(m**2, energy, target) == pytest.approx(package, rel=1e-12)


def scores_of_reweighting(seed, shifts):
    """Return z of E/N of eight pieces of a run, and whether the package accepts, at each shift of K."""
    energy = FITS.critical_runs("wolff", (32,), 40_000, np.random.default_rng(seed))[32][0]
    scores, accepted = np.empty((2, 8, len(shifts)))
    for i, piece in enumerate(np.split(energy, 8)):
        for k, target in enumerate(CRITICAL + np.array(shifts)):
            try:
                result = statistics.reweight(piece, piece / 32**2, n_sites=1, beta=CRITICAL, targets=target)
                accepted[i, k] = True
            except statistics.ReweightingError as refusal:
                result, accepted[i, k] = refusal.result, False
            exact = theory.kaufman((32, 32), target).energy
            scores[i, k] = (result.value - exact) / result.error
    return scores, accepted


def test_the_reach_of_reweighting():
    """Where targets are accepted error bars are honest; beyond, runs lean back to where they were made."""
    shifts = -0.05, -0.02, -0.005, 0.01, 0.03, 0.05
    runs = [scores_of_reweighting(seed, shifts) for seed in SEEDS[:4]]
    scores, accepted = (np.concatenate(parts) for parts in zip(*runs, strict=True))
    assert accepted.mean(axis=0) == pytest.approx([0, 0, 1, 1, 0, 0], abs=0.2)
    spread = np.sqrt(np.mean(scores**2, axis=0))
    assert spread[0] > 3
    assert spread[5] > 1.5
    assert spread[2:4].max() < 1.5
    assert 1.4 < np.sqrt(np.mean(scores[:, [1, 4]] ** 2)) < 3
    assert np.mean(scores[:, 0] < 0) > 0.8
    assert np.mean(scores[:, 5] > 0) > 0.6


# Exercises


def test_a_stop_that_depends_on_the_run_is_found_out():
    assert abs(CHAPTER.column("stop-code", "every second flip", 2)) < 4
    assert CHAPTER.column("stop-code", "after N spins", 2) < -10


def test_yang_close_to_the_critical_point():
    t = 1e-6
    m = theory.spontaneous_magnetization(CRITICAL / (1 - t))
    assert (8 * np.sqrt(2) * CRITICAL * t) ** (1 / 8) == pytest.approx(m, rel=1e-5)


def test_the_specific_heat_grows_by_the_same_amount_with_every_doubling():
    c = [theory.kaufman((length, length), CRITICAL).specific_heat for length in (512, 1024)]
    assert np.diff(c)[0] / np.log(2) == pytest.approx(8 * CRITICAL**2 / np.pi, rel=6e-4)
    for length in (8, 32, 128, 512):
        one, two = (theory.kaufman((n, n), CRITICAL).specific_heat for n in (length, 2 * length))
        row = f"| {length} to {2 * length} | {(two - one) / np.log(2):.4f} | {np.log2(two / one):.3f} |"
        assert row in source(CHAPTER.cell("stop-end"))


def test_order_decays_as_a_power_from_the_first_sweeps_on():
    def logarithms(seed):
        return np.log(ising.simulate((256, 256), CRITICAL, 200, initial="up", rng=seed).magnetization)

    with ThreadPoolExecutor() as pool:
        logs = list(pool.map(logarithms, range(64)))
    t = np.arange(1, 201)
    powers = [-np.polyfit(np.log(t), y, 1, w=(t >= 20) / np.sqrt(t))[0] for y in logs]
    power = statistics.Estimate(np.mean(powers), np.std(powers, ddof=1) / 8)
    assert abs(power.z(1 / 8 / 2.1665)) < 4
    assert power.error < 0.003


def potts():
    """Return the two functions that the solution of the exercise on three colours writes out."""
    (text,) = re.findall(r"```python\n(.*?)```", source(CHAPTER.cell("decay-end")), re.DOTALL)
    scope = vars(CHAPTER.definitions("algorithm-swendsen-wang"))
    exec(compile(text, "potts", "exec"), scope)
    return SimpleNamespace(**scope)


def test_the_colours_of_potts_have_the_law_of_all_states():
    cell = potts()
    nine = np.array(list(itertools.product(range(3), repeat=9))).reshape(-1, 3, 3)
    energies = np.array([cell.potts_energy(colours) for colours in nine])
    assert energies[0] == -2
    beta = np.log(1 + np.sqrt(3))
    exact, wrong = (np.average(energies, weights=np.exp(-9 * b * energies)) for b in (beta, beta / 2))
    rng, colours, series = np.random.default_rng(6), np.zeros((3, 3), dtype=int), []
    for _ in range(12_000):
        colours = cell.potts_step(colours, 3, beta, rng)
        series.append(cell.potts_energy(colours))
    measured = statistics.mean(series[100:])
    assert f"{exact:.4f}" == "-1.7421"
    assert abs(measured.z(exact)) < 4
    assert 3 * measured.error < 0.03
    assert abs(measured.z(wrong)) > 20


def test_two_colours_are_the_ising_model_with_half_the_coupling():
    """E_Potts / N = E_Ising / 2N - 1, so that at the critical point it tends to -(1 + 1 / sqrt 2)."""
    energy = potts().potts_energy
    spins = np.random.default_rng(8).choice([-1, 1], size=(6, 6)).astype(np.int8)
    assert energy(spins) == pytest.approx(ising.energy(spins) / 2 - 1)
    assert -np.sqrt(2) / 2 - 1 == pytest.approx(
        theory.onsager(CRITICAL * (1 + 1e-12)).energy / 2 - 1, abs=1e-9
    )


# Questions


def test_questions_take_right_answers_and_know_usual_mistakes():
    neighbours = CHAPTER.question("question-neighbours")
    assert neighbours.check("0.708", "0.005").right
    assert "two bonds" in neighbours.check("-1.4167", "0.005").words
    static = {L: (None, statistics.Estimate(chi, 0.1)) for L, chi in ((16, 61.5), (32, 206.5))}
    exponent = CHAPTER.question("question-two-sizes", static=static)
    assert exponent.check(f"{np.log2(206.5 / 61.5):.3f}").right
    assert "ln 2" in exponent.check(f"{np.log(206.5 / 61.5):.3f}").words
    assert CHAPTER.question("question-reach").check("about half as far").right
