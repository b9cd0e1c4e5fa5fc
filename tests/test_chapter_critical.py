"""The algorithms that the chapter on critical phenomena writes out agree with the package, and its claims hold."""

import itertools
import re

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import chisquare

from smbook import ising, statistics
from smbook.theory import ising as theory
from smbook.widgets import Question
from tests.chapters import Chapter

CHAPTER = Chapter(
    "ising/critical-phenomena.ipynb",
    np=np,
    theory=theory,
    statistics=statistics,
    itertools=itertools,
    coo_array=coo_array,
    connected_components=connected_components,
    Question=Question,
)
CRITICAL = theory.CRITICAL_BETA
CLUSTERS = CHAPTER.definitions("algorithm-single-site", "algorithm-clusters")
MATRICES = CHAPTER.definitions("algorithm-cluster-matrices")


def test_times_scatter_more_at_the_critical_point_than_the_formula_for_gaussian_series_says():
    """The formula falls short by almost a half, the jackknife of the chapter by a fifth (short pieces)."""
    memory = CHAPTER.definitions("algorithm-slowest").memory
    energy = ising.simulate((8, 8), CRITICAL, 401_000, rng=1).energy[1000:]
    pieces = energy.reshape(100, 4000)
    times = np.array([statistics.integrated_autocorrelation_time(piece)[:2] for piece in pieces])
    honest = np.mean([statistics.jackknife(memory, piece, n_bins=16).error for piece in pieces])
    assert times[:, 0].std() > 1.4 * times[:, 1].mean()
    assert 0.65 < honest / times[:, 0].std() < 1.3


# Clusters


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


# Exponents


def test_power_law_recovers_a_power_with_an_honest_error():
    fit = CHAPTER.definitions("algorithm-power-law").power_law
    sizes, rng = np.array([8, 12, 16, 24, 32]), np.random.default_rng(9)
    scores, sums = [], []
    for _ in range(400):
        errors = 0.02 * sizes**1.5
        estimates = [
            statistics.Estimate(*pair) for pair in zip(rng.normal(sizes**1.5, errors), errors, strict=True)
        ]
        exponent, chi2 = fit(sizes, estimates)
        scores.append(exponent.z(1.5))
        sums.append(chi2)
    assert abs(np.mean(scores)) < 4 / np.sqrt(400)
    assert np.std(scores) == pytest.approx(1, abs=4 / np.sqrt(800))
    assert np.mean(sums) == pytest.approx(3, abs=4 * np.sqrt(6 / 400))


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
    cell = CHAPTER.definitions(
        "algorithm-jackknife", "algorithm-exponents", "algorithm-crossing", K_c=CRITICAL
    )
    runs = [series_at_the_critical_point(length, 20_200, 10 + length) for length in (8, 16)]

    def reweighted(energy, m, k):
        w = np.exp(-(k - CRITICAL) * (energy - energy.mean()))
        return 1 - np.mean(w * m**4) * np.mean(w) / (3 * np.mean(w * m**2) ** 2)

    exact = brentq(lambda k: reweighted(*runs[0], k) - reweighted(*runs[1], k), 0.42, 0.46)
    place, height = cell.crossing(*runs[0], *runs[1])
    assert place - CRITICAL == pytest.approx(exact - CRITICAL, rel=0.2)
    assert height == pytest.approx(reweighted(*runs[0], exact), abs=1e-3)


def test_the_exponents_of_the_chapter_are_right_within_their_errors():
    scores = [CHAPTER.column("exponents", row, 2) for row in ("-beta/nu", "gamma/nu", "1/nu")]
    assert np.abs(scores).max() < 4
    for pair in ("16, 32", "24, 48", "32, 64"):
        assert abs(CHAPTER.column("crossings", pair, 1)) < 4
        assert abs(CHAPTER.column("crossings", pair, 3)) < 4


def test_the_dynamic_exponents_of_the_chapter():
    value, error = re.search(r"heat bath +z = ([\d.]+)\((\d+)\)", CHAPTER.printed("race")).groups()
    assert abs(float(value) - 2.1665) < 4 * float(error) * 10.0 ** -len(value.split(".")[1])
    for name in ("Wolff", "Swendsen-Wang"):
        assert 0.1 < float(re.search(rf"{name} +z = ([\d.]+)", CHAPTER.printed("race"))[1]) < 0.5


def test_a_stop_that_depends_on_the_run_is_found_out():
    assert abs(CHAPTER.column("stop-code", "every second flip", 2)) < 4
    assert CHAPTER.column("stop-code", "after N spins turned", 2) < -10


def test_the_correlation_length_above_the_critical_point():
    """1 / xi = ln coth K - 2 K, which strips of finite width approach from below."""
    width, beta = 10, 1 / 3
    s = 2 * (np.arange(2**width)[:, None] >> np.arange(width) & 1) - 1
    across = np.sum(s * np.roll(s, 1, axis=1), axis=1)
    eigenvalues = np.linalg.eigvalsh(np.exp(beta * (s @ s.T + (across[:, None] + across) / 2)))
    strip = 1 / np.log(eigenvalues[-1] / eigenvalues[-2])
    assert strip < 1 / (np.log(1 / np.tanh(beta)) - 2 * beta) < strip * 1.005


def test_yang_close_to_the_critical_point():
    t = 1e-6
    m = theory.spontaneous_magnetization(CRITICAL / (1 - t))
    assert (8 * np.sqrt(2) * CRITICAL * t) ** (1 / 8) == pytest.approx(m, rel=1e-5)


def test_the_specific_heat_grows_by_the_same_amount_with_every_doubling():
    c = [theory.kaufman((length, length), CRITICAL).specific_heat for length in (512, 1024)]
    assert np.diff(c)[0] / np.log(2) == pytest.approx(8 * CRITICAL**2 / np.pi, rel=6e-4)
