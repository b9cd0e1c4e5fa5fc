"""What the chapter on storage capacity writes out agrees with smbook, and holds on other seeds."""

import ast
import itertools

import numpy as np
import pytest
from scipy.optimize import brentq, curve_fit, minimize_scalar
from scipy.special import erf, erfc
from scipy.stats import chi2

from smbook import statistics
from smbook.hopfield import basin, hebb, overlap, pseudo_inverse, random_patterns, recall, storkey
from smbook.theory import hopfield as theory
from smbook.theory import spin_glass
from smbook.widgets import PhaseDiagramLab, Question
from tests.chapters import Chapter, source

CHAPTER = Chapter(
    "hopfield/storage-capacity.ipynb",
    np=np,
    hebb=hebb,
    overlap=overlap,
    random_patterns=random_patterns,
    recall=recall,
    statistics=statistics,
    theory=theory,
    curve_fit=curve_fit,
    erf=erf,
    Question=Question,
)
SEEDS = range(10)


def scores_are_honest(z):
    """Ten or more values of z, or rows of them: mean 0 and spread 1, beyond 1 in 1000 at most."""
    z = np.atleast_2d(z)
    n = z.shape[1]
    assert (abs(z.mean(axis=1)) < 4 / np.sqrt(n)).all()
    assert (abs(z.std(axis=1, ddof=1) - 1) < 3.5 / np.sqrt(2 * n)).all()


@pytest.fixture(scope="module")
def final_overlaps():
    return CHAPTER.functions("break")["final_overlaps"]


@pytest.fixture(scope="module")
def aligned_fields():
    return CHAPTER.definitions("algorithm-crosstalk").aligned_fields


# ---- What breaks.


def test_five_hundred_neurons_keep_fifty_patterns_and_lose_125(final_overlaps):
    kept, lost = (
        np.array([final_overlaps(500, count, 10, np.random.default_rng(seed)) for seed in range(20)])
        for count in (50, 125)
    )
    assert (kept > 0.9).mean() > 0.97
    assert 0.2 < 250 * (1 - kept[kept > 0.9].mean()) < 1  # wrong bits
    assert (lost > 0.9).mean() * 125 < 3
    assert np.median(lost) == pytest.approx(0.37, abs=0.05)
    both = {}  # share of networks with kept and with lost patterns
    for count in (60, 80, 90, 100):
        ends = [final_overlaps(500, count, 10, np.random.default_rng(seed)) for seed in range(20)]
        assert np.mean((np.array(ends) > 0.7) & (np.array(ends) < 0.9)) < 1 / 6
        shares = np.mean(np.array(ends) > 0.9, axis=1)
        both[count] = np.mean((shares > 0) & (shares < 1))
    assert both[60] < 0.4
    assert min(both[80], both[90], both[100]) > 0.6


def test_what_is_left_of_a_lost_pattern_is_less_in_larger_networks(final_overlaps):
    left = [
        np.median([final_overlaps(n, n // 4, 8, np.random.default_rng(seed)) for seed in range(5)])
        for n in (500, 2000)
    ]
    assert left[0] == pytest.approx(0.35, abs=0.07)
    assert left[1] < left[0]


# ---- One step.


def test_aligned_fields_are_those_of_the_network(aligned_fields):
    patterns = random_patterns(7, 31, rng=1)
    direct = patterns * (patterns @ hebb(patterns).couplings)
    assert aligned_fields(patterns) == pytest.approx(direct, abs=1e-6)


@pytest.mark.parametrize("shape", [(2, 4), (3, 4), (4, 3), (3, 5)])
def test_the_law_of_the_crosstalk_by_enumeration_of_all_patterns(shape, aligned_fields):
    n_patterns, n = shape
    bits = np.arange(2 ** (n_patterns * n))[:, np.newaxis] >> np.arange(n_patterns * n) & 1
    every = (1 - 2 * bits).astype(np.int8).reshape(-1, *shape)
    unstable = np.array([aligned_fields(patterns) < -1e-6 for patterns in every])
    p = theory.one_step_error_exact(n_patterns, n)
    assert unstable.mean() == pytest.approx(p, abs=1e-12)
    assert unstable.any(axis=2).mean() <= n * p + 1e-12
    assert unstable.any(axis=(1, 2)).mean() <= n_patterns * n * p + 1e-12


def test_unstable_bits_are_as_many_as_the_exact_law_says_and_not_as_the_gaussian(aligned_fields):
    scores, gaussian = [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        row = []
        for n, count, networks in ((100, 15, 100), (100, 20, 100), (500, 50, 30)):
            shares = [
                np.mean(aligned_fields(random_patterns(count, n, rng=rng)) < 0) for _ in range(networks)
            ]
            measured = statistics.disorder_mean(shares).mean
            row.append(measured.z(theory.one_step_error_exact(count, n)))
        scores.append(row)
        gaussian.append(statistics.disorder_mean(shares).mean.z(theory.one_step_error(0.1)))
    scores_are_honest(np.transpose(scores))
    assert np.mean(gaussian) < -1
    assert theory.one_step_error(0.08) / theory.one_step_error_exact(8, 100) == pytest.approx(2.87, abs=0.01)
    for n, count, ratio in ((100, 8, 1.19), (100, 15, 1.00), (500, 33, 1.00), (500, 50, 1.02)):
        own = erfc((n - 1) / np.sqrt(2 * (count - 1) * (n - 1))) / 2
        assert own / theory.one_step_error_exact(count, n) == pytest.approx(ratio, abs=0.006)


def test_bits_fail_together_so_that_more_patterns_are_whole(aligned_fields):
    whole, errors = [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        unstable = [aligned_fields(random_patterns(17, 100, rng=rng)) < 0 for _ in range(60)]
        whole.append(np.mean([~rows.any(axis=1) for rows in unstable]))
        errors.append(np.mean(unstable))
    p = theory.one_step_error_exact(17, 100)
    assert np.mean(errors) == pytest.approx(p, rel=0.06)
    assert min(whole) > (1 - p) ** 100
    assert np.mean(whole) == pytest.approx(0.6, abs=0.03)
    shared, unstable = [], []  # the sum of a pattern's squared overlaps decides how many of its bits fail
    for seed in SEEDS:
        patterns = random_patterns(56, 500, rng=seed)
        m = patterns @ patterns.T.astype(float) / 500
        shared += list((m**2).sum(axis=1) - 1)
        unstable += list((aligned_fields(patterns) < 0).sum(axis=1))
    more = shared > np.median(shared)
    assert np.mean(np.array(unstable)[more]) > 2 * np.mean(np.array(unstable)[~more])


def test_the_printed_capacities():
    lines = CHAPTER.printed("capacities").splitlines()[2:7]
    for line in lines:
        n, one, asymptotic, everything, half, nearly = map(int, line.split())
        assert one == theory.error_free_capacity(n)
        assert everything == theory.error_free_capacity(n, patterns="all")
        assert asymptotic == round(n / (2 * np.log(n)))
        assert abs(half - n / (4 * np.log(n))) <= 0.5
        assert nearly == round(theory.CAPACITY * n)
    assert 1 - asymptotic / one == pytest.approx(0.18, abs=0.005)  # N = 100,000
    assert 1 - half / everything == pytest.approx(0.26, abs=0.005)
    assert theory.error_free_capacity(100) > 13.8


# ---- After many steps.


def test_the_obvious_theory_ends_continuously_at_two_over_pi():
    naive = CHAPTER.functions("feedback-figure")["naive_overlap"]
    assert naive(0.3) == pytest.approx(brentq(lambda m: erf(m / np.sqrt(0.6)) - m, 0.5, 1), abs=1e-12)
    assert naive(0.65) < 1e-3
    for gap in (1e-2, 1e-3):
        alpha = 2 / np.pi * (1 - gap)
        m = brentq(lambda m, a=alpha: erf(m / np.sqrt(2 * a)) - m, 1e-4, 1)
        assert m**2 == pytest.approx(6 * alpha * (1 - np.sqrt(np.pi * alpha / 2)), rel=2 * gap)


def test_the_state_leans_towards_other_patterns_as_theory_says():
    after_recall = CHAPTER.functions("feedback")["crosstalk_after_recall"]
    scores, naive = [], []
    for seed in SEEDS:
        rng, row = np.random.default_rng(seed), []
        for load in (0.08, 0.1, 0.12):
            m, r, _ = zip(*(after_recall(4000, load, 8, rng) for _ in range(12)), strict=True)
            exact = theory.replica_symmetric(load, np.inf)
            row += [statistics.disorder_mean(m).mean.z(exact.m), statistics.disorder_mean(r).mean.z(exact.r)]
        scores.append(row)
        naive.append(statistics.disorder_mean(r).mean.z(1))
    scores_are_honest(np.transpose(scores))
    assert min(naive) > 5


def test_most_errors_at_the_edge_are_made_by_errors():
    assert theory.one_step_error(theory.CAPACITY) == pytest.approx(0.0035, abs=1e-4)
    assert abs((1 - theory.CAPACITY_OVERLAP) / 2 - 0.0163) < 1e-4
    assert theory.retrieval_error(0.13) > 2 * theory.one_step_error(0.13)
    assert theory.replica_symmetric(0.13, np.inf).r == pytest.approx(1.2, abs=0.02)


@pytest.mark.parametrize("beta", [0.5, 2.0, 4.0])
def test_a_gaussian_tilted_by_a_pattern(beta):
    x = np.linspace(-12, 12, 20_001)
    x0, variance = 0.8, 0.2
    weight = np.exp(-((x - x0) ** 2) / (2 * variance) + beta * x**2 / 2)
    weight /= weight.sum()
    c = beta * variance
    assert weight @ x == pytest.approx(x0 / (1 - c), rel=1e-9)
    assert weight @ x**2 - (weight @ x) ** 2 == pytest.approx(variance / (1 - c), rel=1e-6)


@pytest.fixture(scope="module")
def solver():
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    return CHAPTER.definitions(
        "algorithm-self-consistency", nodes=nodes, node_weights=weights / weights.sum()
    )


@pytest.mark.parametrize("point", [(0.01, 0.7), (0.03, 0.5), (0.08, 0.3)])
def test_the_iteration_finds_the_state_of_smbook_where_f_is_stationary(point, solver):
    alpha, beta = point[0], 1 / point[1]
    state, exact = solver.self_consistent(alpha, beta), theory.replica_symmetric(alpha, beta)
    assert state == pytest.approx(exact[:3], abs=2e-6)
    assert solver.free_energy(alpha, beta, *state) == pytest.approx(exact.free_energy, abs=1e-6)
    c = beta * (1 - exact.q)
    energy = -(exact.m**2 + alpha * exact.r * c + alpha * c / (1 - c)) / 2
    assert energy == pytest.approx(exact.energy, abs=1e-10)
    for h in 1e-4 * np.eye(3):
        up, down = (solver.free_energy(alpha, beta, *state + sign * h) for sign in (1, -1))
        assert abs(up - down) / 2e-4 < 1e-6
    wrong = state * [1, 1, 1.1]
    slopes = [
        solver.free_energy(alpha, beta, *wrong + h) - solver.free_energy(alpha, beta, *wrong - h)
        for h in 1e-4 * np.eye(3)
    ]
    assert np.max(np.abs(slopes)) / 2e-4 > 1e-5


def test_the_edge_at_zero_temperature():
    load_of = CHAPTER.definitions("algorithm-edge").load_of
    peak = minimize_scalar(lambda y: -load_of(y), bounds=(0.5, 4), method="bounded", options={"xatol": 1e-10})
    assert -peak.fun == pytest.approx(theory.CAPACITY, abs=1e-12)
    assert erf(peak.x) == pytest.approx(theory.CAPACITY_OVERLAP, abs=1e-7)
    for alpha in (0.05, 0.1, 0.13):
        y = brentq(lambda y, a=alpha: load_of(y) - a, peak.x, 9)
        assert erf(y) == pytest.approx(theory.replica_symmetric(alpha, np.inf).m, abs=1e-10)
        side = y * (np.sqrt(2 * alpha) + 2 / np.sqrt(np.pi) * np.exp(-(y**2)))
        assert side == pytest.approx(erf(y), abs=1e-12)


# ---- Networks of finite size.


@pytest.fixture(scope="module")
def halves():
    return CHAPTER.definitions("algorithm-half")


def test_a_half_is_found_between_loads_with_an_honest_error(halves):
    loads, found = np.array([0.1, 0.2, 0.3]), []
    assert halves.half_load(loads, [0.9, 0.7, 0.2]) == pytest.approx(0.24)
    truth = halves.half_load(loads, [0.8, 0.5, 0.1])
    for seed in range(60):
        rows = np.random.default_rng(seed).binomial(8, [0.8, 0.5, 0.1], (40, 3)) / 8
        found.append(halves.half_load_of_samples(loads, rows).z(truth))
    scores_are_honest(found)


def test_the_edge_sharpens_and_moves_left_but_stays_above(halves, final_overlaps):
    loads = np.arange(0.13, 0.23, 0.02)
    for seed in SEEDS:
        rng, places, widths = np.random.default_rng(seed), [], []
        for n, count in ((250, 24), (1000, 8)):
            rows = [
                [np.mean(final_overlaps(n, round(a * n), 6, rng) > 0.9) for a in loads] for _ in range(count)
            ]
            shares = np.mean(rows, axis=0)
            places.append(halves.half_load(loads, shares))
            widths.append(shares[0] - shares[-1])
        assert places[0] > places[1] > 0.15
        assert widths[1] > widths[0] - 0.05


def stored_halves():
    (node,) = [
        node
        for node in ast.parse(source(CHAPTER.cell("extrapolation"))).body
        if isinstance(node, ast.Assign) and node.targets[0].id == "HALVES"
    ]
    return ast.literal_eval(node.value)


@pytest.mark.parametrize(
    ("n", "count", "loads"),
    [(250, 150, (0.168, 0.18, 0.192, 0.2, 0.208)), (500, 120, (0.16, 0.168, 0.176, 0.184))],
)
def test_fresh_networks_agree_with_the_stored_halves(n, count, loads, halves, final_overlaps):
    rng = np.random.default_rng(n)
    rows = [[np.mean(final_overlaps(n, round(a * n), 10, rng) > 0.9) for a in loads] for _ in range(count)]
    networks, value, error = stored_halves()[n]
    fresh = halves.half_load_of_samples(loads, rows)
    assert abs(fresh.value - value) < 4 * np.hypot(fresh.error, error)
    assert error == pytest.approx(fresh.error * np.sqrt(count / networks), rel=0.5)


def test_what_the_extrapolation_is_worth():
    cell = CHAPTER.definitions("algorithm-extrapolation", HALVES=stored_halves())
    free, _, dof = cell.fit_halves(250)
    assert len(free) == 3
    assert dof == len(stored_halves()) - 3
    for first, omega in ((250, None), (500, None), (1000, None), (250, 0.5), (1000, 0.5)):
        limit = cell.fit_halves(first, omega)[0][0]
        assert 0.138 < limit.value < 0.146
    for first, chance in ((250, False), (1000, False), (2000, True)):
        _, squares, dof = cell.fit_halves(first, 0.5)
        assert (chi2.sf(squares, dof) > 0.05) == chance
    assert cell.fit_halves(2000, 0.5)[0][0].value == pytest.approx(0.141, abs=5e-4)
    n, h, e = np.array([(n, *row[1:]) for n, row in stored_halves().items() if n >= 4000]).T
    v, _ = curve_fit(lambda n, a, power: theory.CAPACITY + a * n**-power, n, h, (0.8, 0.5), e)
    assert np.sum(((h - theory.CAPACITY - v[0] * n ** -v[1]) / e) ** 2) < 2
    assert v[1] == pytest.approx(1 / 3, abs=0.03)
    true = {n: (1, 0.14 + 0.8 * n**-0.5, 0.0003) for n in stored_halves()}
    scores = []
    for seed in range(40):
        noise = np.random.default_rng(seed).normal(0, 0.0003, len(true))
        noisy = {n: (1, row[1] + e, 0.0003) for (n, row), e in zip(true.items(), noise, strict=True)}
        estimates = CHAPTER.definitions("algorithm-extrapolation", HALVES=noisy).fit_halves(250)[0]
        scores.append([one.z(value) for one, value in zip(estimates, (0.14, 0.8, 0.5), strict=True)])
    scores_are_honest(np.transpose(scores))


# ---- The map.


def test_overlaps_and_energies_are_those_of_theory_at_points_of_the_map():
    scores, without_reaction = [], []
    for seed in SEEDS:
        rng, row = np.random.default_rng(seed), []
        for load, temperature in ((0.02, 0.6), (0.05, 0.2), (0.05, 0.4), (0.08, 0.2)):
            samples = []
            for _ in range(12):
                patterns = random_patterns(round(2000 * load), 2000, rng=rng)
                network = hebb(patterns)
                runs = [
                    recall(network, patterns[k], beta=1 / temperature, max_sweeps=150, rng=rng)
                    for k in range(3)
                ]
                m = np.mean([run.overlaps[50:, k] for k, run in enumerate(runs)])
                samples.append((m, np.mean([run.energy[50:] for run in runs]) / 2000))
            exact = theory.replica_symmetric(load, 1 / temperature)
            m, energy = (statistics.disorder_mean(column).mean for column in np.transpose(samples))
            row += [m.z(exact.m), energy.z(exact.energy)]
            if load == 0.02:
                c = exact.susceptibility
                without_reaction.append(energy.z(exact.energy + load * c / (1 - c) / 2))
        scores.append(row)
    assert (abs(np.mean(scores, axis=0)) < 1.3).all()  # corrections of order 1 / N are below the errors
    assert np.max(np.abs(scores)) < 5
    assert max(without_reaction) < -8


def test_the_lines_meet_where_the_chapter_says():
    assert theory.spin_glass_temperature(0.04) == 1.2
    assert abs(theory.COEXISTENCE_LOAD - 0.0518) < 1e-4
    excess = CHAPTER.functions("map")["excess"]
    assert excess(0.0525, 10) == pytest.approx(-0.0010, abs=1e-4)
    assert excess(0.0525, 1 / 0.01) > 0  # the line turns back
    assert excess(0.0531, 1 / 0.09) < 0 < excess(0.0532, 1 / 0.09)
    assert theory.replica_symmetric(0.05, 1 / 0.542).m == pytest.approx(0.83, abs=0.005)
    assert theory.retrieval_temperature(0.05) == pytest.approx(0.542, abs=5e-4)
    assert (1 - theory.retrieval_temperature(1e-6)) / 1e-3 == pytest.approx(1.95, abs=0.005)
    for alpha in (0.1, 0.13):
        border = theory.almeida_thouless_temperature(alpha)
        for factor, stable in ((1.05, True), (0.95, False)):
            state = theory.replica_symmetric(alpha, 1 / (factor * border))
            assert (state.at_stability > 0) == stable
    assert theory.replica_symmetric(theory.CAPACITY - 1e-5, np.inf).entropy == pytest.approx(
        -0.0014, abs=1e-4
    )
    assert theory.capacity(1 / 0.023) > 0.13818 > theory.CAPACITY


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_an_overfilled_memory_is_the_sherrington_kirkpatrick_model(ratio):
    limit, gaps = spin_glass.sk_replica_symmetric(1 / ratio), []
    for alpha in (1e4, 1e6):
        state = theory.replica_symmetric(alpha, 1 / (ratio * np.sqrt(alpha)), state="spin-glass")
        gaps.append((state.q - limit.q, state.energy / np.sqrt(alpha) - limit.energy))
    assert np.abs(gaps[1]).max() < 1e-3
    assert np.array(gaps[0]) / gaps[1] == pytest.approx(10, rel=0.05)


# ---- Better rules.


@pytest.mark.parametrize("seed", range(5))
def test_every_pattern_of_the_pseudo_inverse_is_a_ground_state(seed):
    patterns = random_patterns(4, 12, rng=seed)
    network = pseudo_inverse(patterns)
    for pattern in patterns:
        assert network.energy(pattern) == pytest.approx(-12 / 2 + 4 / 2, abs=1e-9)
        assert recall(network, pattern).flips == 0
        assert recall(network, pattern, dynamics="parallel").flips == 0
    states = np.array(list(itertools.product((-1, 1), repeat=12)))
    energies = -np.einsum("si,ij,sj->s", states, network.couplings, states) / 2
    assert energies.min() == pytest.approx(-4, abs=1e-9)


def test_as_many_patterns_as_neurons_make_the_projector_the_unit_matrix():
    patterns = random_patterns(12, 12, rng=1)
    assert np.abs(pseudo_inverse(patterns).couplings).max() < 1e-9


def test_basins_of_the_three_rules():
    shares = {}
    for load in (0.1, 0.3, 0.4, 0.6):
        for name, rule in (("hebb", hebb), ("storkey", storkey), ("inverse", pseudo_inverse)):
            rows = []
            for seed in range(10, 20):
                patterns = random_patterns(round(200 * load), 200, rng=seed)
                rows.append(basin(rule(patterns), patterns[0], noise=0.1, n_cues=20, rng=seed).share)
            shares[name, load] = np.mean(rows)
    assert min(shares[name, 0.1] for name in ("storkey", "inverse")) > 0.95
    assert shares["hebb", 0.1] > 0.7
    assert shares["hebb", 0.3] < 0.05
    assert shares["storkey", 0.3] > 0.85
    assert 0.05 < shares["storkey", 0.4] < 0.8
    assert shares["inverse", 0.4] > 0.9
    assert shares["inverse", 0.6] < 0.25


# ---- Many at once.


def test_the_hierarchy_stays_to_the_golden_ratio_and_becomes_the_mean_field_state_beyond():
    end = CHAPTER.functions("multitasking")["hierarchy_and_end"]
    for d in (0.2, 0.4, 0.55, 0.65, 0.7):
        solved = theory.multitasking(d, 3).overlaps
        hierarchy = d ** np.arange(3) * (1 - d)
        rows = [end(d, 3, 20_000, np.random.default_rng(seed)) for seed in SEEDS]
        means = [statistics.disorder_mean(column).mean for column in np.transpose(rows)]
        assert all(
            abs(one.value - value) < 4 * one.error + 2e-3 for one, value in zip(means, solved, strict=True)
        )
        assert (np.abs(solved - hierarchy).max() < 1e-9) == (d < 0.618)


def test_the_network_finds_these_states_from_one_pattern():
    for d in (0.4, 0.55, 0.7):
        ends = []
        for seed in SEEDS:
            patterns = random_patterns(3, 20_000, dilution=d, rng=seed)
            blank = np.random.default_rng(seed).choice([-1, 1], 20_000)
            cue = np.where(patterns[0] != 0, patterns[0], blank).astype(np.int8)
            ends.append(-np.sort(-np.abs(recall(hebb(patterns, diluted=True), cue).overlaps[-1])))
        assert np.mean(ends, axis=0) == pytest.approx(theory.multitasking(d, 3).overlaps, abs=0.008)


def test_the_golden_blank():
    def largest(n):
        return brentq(lambda d: 1 - sum(d**k for k in range(1, n)), 0.3, 0.9)

    assert largest(3) == pytest.approx((np.sqrt(5) - 1) / 2)
    assert largest(4) == pytest.approx(0.5437, abs=1e-4)
    assert largest(40) == pytest.approx(0.5, abs=1e-9)
    for n, d in ((3, 0.3), (4, 0.6), (5, 0.9)):
        assert 1 - 2 * d + d**n == pytest.approx((1 - d) * (1 - sum(d**k for k in range(1, n))))


# ---- Exercises and questions.


def test_how_many_neurons():
    assert theory.error_free_capacity(1014) == 100
    assert max(theory.error_free_capacity(n) for n in range(900, 1014)) < 100
    assert 1459 / (2 * np.log(1459)) == pytest.approx(100, abs=0.2)


def test_close_to_the_line_small_networks_lose_what_large_ones_keep():
    kept = {}
    for n in (500, 1000):
        labs = [PhaseDiagramLab(load=0.05, temperature=0.5, spins=n, seed=seed) for seed in range(1, 7)]
        means = np.array([lab.simulate(2000).overlaps[:, 1000:, 0].mean(axis=1) for lab in labs])
        kept[n] = means[means > 0.7]
    assert kept[500].size == 5
    assert kept[1000].size == 12
    assert kept[1000].min() > 0.89
    assert kept[1000].max() < 0.925


def test_clipped_couplings_keep_three_quarters():
    cell = CHAPTER.functions("clipped-code")
    peak = minimize_scalar(lambda y: -cell["clipped_load"](y), bounds=(0.5, 4), method="bounded")
    assert -peak.fun == pytest.approx(0.1018, abs=1e-4)
    assert -peak.fun / theory.CAPACITY == pytest.approx(0.74, abs=0.005)
    shares = [
        np.mean([cell["clipped_overlaps"](1000, count, 6, np.random.default_rng(s)) > 0.9 for s in range(10)])
        for count in (81, 161)
    ]
    assert shares[0] > 0.97
    assert shares[1] < 0.15


def test_without_an_echo_the_obvious_theory_holds():
    cell = CHAPTER.functions("diluted-code")["diluted_overlap"]
    naive = CHAPTER.functions("feedback-figure")["naive_overlap"]
    for load in (0.2, 0.3):
        found = np.mean([cell(2000, 60, load, np.random.default_rng(seed)) for seed in SEEDS])
        assert found == pytest.approx(naive(load), abs=0.02)
        with pytest.raises(ValueError, match="no retrieval state"):
            theory.replica_symmetric(load, np.inf)
    assert np.mean([cell(2000, 60, 0.4, np.random.default_rng(seed)) for seed in SEEDS]) < naive(0.4) - 0.05


def test_questions_take_right_answers_and_know_usual_mistakes():
    step = CHAPTER.question("question-step")
    assert step.check("0.78").right
    assert "one bit" in step.check("0.00078").words
    assert "all patterns" in step.check("78.3").words
    assert 1000 * theory.one_step_error_exact(100, 1000) == pytest.approx(0.74, abs=0.005)
    errors = CHAPTER.question("question-errors")
    assert errors.check("163").right
    assert "one step" in errors.check("35").words
    assert "2/N" in errors.check("326").words
