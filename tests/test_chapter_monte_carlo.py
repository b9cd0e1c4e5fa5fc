"""The algorithms that the chapter on Monte Carlo writes out agree with the package, and its claims hold."""

import ast
import itertools
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.stats import chisquare

from smbook import ising, statistics
from smbook.kernels.rng import fill_uint64, seed_state
from smbook.theory import ising as theory
from smbook.widgets import Question

NOTEBOOK = Path(__file__).parents[1] / "book" / "ising" / "monte-carlo.ipynb"
CELLS = json.loads(NOTEBOOK.read_text())["cells"]
CRITICAL = theory.CRITICAL_BETA


def definitions(*tags, **names):
    """Execute the functions that the cells with these tags define; they may use `names`."""
    scope = {"np": np, "statistics": statistics, "itertools": itertools, **names}
    scope |= {"coo_array": coo_array, "connected_components": connected_components}
    for tag in tags:
        (cell,) = [cell for cell in CELLS if tag in cell["metadata"].get("tags", ())]
        body = [node for node in ast.parse("".join(cell["source"])).body if isinstance(node, ast.FunctionDef)]
        exec(compile(ast.Module(body, []), f"{NOTEBOOK.name}: {tag}", "exec"), scope)
    return SimpleNamespace(**scope)


def printed(name):
    """Return what the cell of this name has printed, as the notebook stores it."""
    (cell,) = [cell for cell in CELLS if cell["id"] == name]
    return "".join("".join(output.get("text", "")) for output in cell["outputs"])


def column(name, row, position):
    """Return the number at a position in the printed row that begins with `row`, without its error."""
    (line,) = [line for line in printed(name).splitlines() if line.startswith(row)]
    return float(re.sub(r"\(.*?\)|%", "", line[len(row) :]).split()[position])


SINGLE_SITE = definitions("algorithm-single-site")
CLUSTERS = definitions("algorithm-single-site", "algorithm-clusters")
MATRICES = definitions("algorithm-cluster-matrices")


# One spin at a time


def test_around_lists_the_four_bonds_of_a_torus():
    assert set(SINGLE_SITE.around(0, 0, (3, 5))) == {(0, 1), (0, 4), (1, 0), (2, 0)}
    assert sorted(SINGLE_SITE.around(0, 1, (2, 3))) == [(0, 0), (0, 2), (1, 1), (1, 1)]


def visits(shape):
    """Return the sites in the order of `simulate`: row by row, in a row the even ones first."""
    last = np.arange(shape[-1])
    group = np.where((last == shape[-1] - 1) & (shape[-1] % 2 == 1), 2, last % 2)
    return [(x, int(y)) for x in range(shape[0]) for y in np.argsort(group, kind="stable")]


def draws_of_a_sweep(state, shape):
    rows = np.empty(shape, dtype=np.uint64)
    for row in rows:
        fill_uint64(state, row)
    return (rows >> np.uint64(1)) / 2.0**63


@pytest.mark.parametrize("shape", [(4, 6), (6, 5), (5, 4), (4, 4)])
@pytest.mark.parametrize("beta", [0.2, CRITICAL, 0.9])
@pytest.mark.parametrize("name", ["heat_bath", "metropolis"])
def test_single_site_updates_by_hand_are_the_package_spin_for_spin(shape, beta, name):
    """Metropolis reads a draw from the other end for a spin that is up, which has the same law."""
    update, algorithm = getattr(SINGLE_SITE, name), name.replace("_", "-")
    start = np.random.default_rng(5).choice(np.array([-1, 1], dtype=np.int8), shape)
    spins, state, energy = start.copy(), seed_state(11), np.empty(200)
    for count in range(200):
        draws = draws_of_a_sweep(state, shape)
        for site in visits(shape):
            turned = name == "metropolis" and spins[site] > 0
            draw = 1 - draws[site] if turned else draws[site]
            update(spins, *site, beta, SimpleNamespace(random=lambda draw=draw: draw))
        energy[count] = ising.energy(spins)
    trace = ising.simulate(shape, beta, 200, algorithm=algorithm, engine="plain", initial=start, rng=11)
    assert np.array_equal(spins, trace.spins)
    assert energy == pytest.approx(trace.energy, abs=1e-12)


def test_sweep_all_updates_every_site_once():
    visited = []
    SINGLE_SITE.sweep_all(lambda _, x, y, *__: visited.append((x, y)), np.ones((3, 4)), 0.5, None)
    assert sorted(visited) == list(np.ndindex(3, 4))


def chance_to_turn(update, sheet, site, beta):
    """Return the probability that a by-hand update turns a spin over, by bisection of its draw."""

    def is_turned(draw):
        spins = sheet.copy()
        update(spins, *divmod(site, 3), beta, SimpleNamespace(random=lambda: draw))
        return bool((spins != sheet).any())

    low, high, first = 0.0, 1.0, is_turned(0.0)
    for _ in range(34):
        middle = (low + high) / 2
        low, high = (middle, high) if is_turned(middle) == first else (low, middle)
    return low if first else 1 - low


def three_by_three():
    states = np.arange(512)
    sheets = (2 * (states[:, None] >> np.arange(9) & 1).reshape(-1, 3, 3) - 1).astype(np.int8)
    weights = np.exp([-CRITICAL * 9 * ising.energy(sheet) for sheet in sheets])
    return states, sheets, weights / weights.sum()


def chapter_matrices():
    states, sheets, p = three_by_three()
    rules = {"heat bath": lambda x: x / (1 + x), "Metropolis": lambda x: np.minimum(1, x)}
    cell = definitions("algorithm-matrices", states=states, p=p, rules=rules)
    return sheets, p, cell


@pytest.mark.parametrize(("rule", "name"), [("heat bath", "heat_bath"), ("Metropolis", "metropolis")])
def test_the_matrices_are_those_of_the_updates_by_hand(rule, name):
    sheets, p, cell = chapter_matrices()
    matrix = cell.update_matrix(5, rule)
    some = np.random.default_rng(3).choice(512, 60, replace=False)
    by_hand = [chance_to_turn(getattr(SINGLE_SITE, name), sheets[state], 5, CRITICAL) for state in some]
    assert matrix[some, some ^ (1 << 5)] == pytest.approx(np.array(by_hand), abs=1e-9)
    assert np.count_nonzero(matrix) <= 2 * 512
    assert cell.balanced(matrix)
    assert not cell.balanced(matrix + 1e-9 * np.eye(512, k=1))
    assert p @ matrix == pytest.approx(p, abs=1e-15)


def test_eight_states_of_the_three_by_three_sheet_catch_metropolis_for_ever():
    _, p, cell = chapter_matrices()
    sweep = np.linalg.multi_dot([cell.update_matrix(site, "Metropolis") for site in range(9)])
    trapped = np.flatnonzero(sweep.max(axis=1) > 1 - 1e-12)
    assert trapped.size == 8
    assert np.array_equal(sweep[trapped].argmax(axis=1), 511 - trapped)
    assert np.delete(sweep, trapped, axis=0)[:, trapped].max() == 0
    others = np.delete(np.delete(sweep, trapped, axis=0), trapped, axis=1)
    assert (np.linalg.matrix_power(others, 100) > 0).all()
    assert p[trapped].sum() == pytest.approx(0.0018, abs=5e-5)
    with pytest.raises(ValueError, match="not ergodic here: on so small a lattice"):
        ising.simulate((3, 3), CRITICAL, 1, algorithm="metropolis", rng=1)


# Error bars


def test_errors_by_hand_are_the_package():
    cell = definitions("algorithm-errors", "algorithm-jackknife")
    series = ising.simulate((8, 8), CRITICAL, 2**14, rng=3).energy
    for length in (2, 16, 256):
        expected = statistics.binned_error(series, n_bins=series.size // length).error
        assert cell.error_from_bins(series, length) == pytest.approx(expected, rel=1e-12)
    assert cell.jackknife_error(np.var, series) == pytest.approx(
        statistics.jackknife(np.var, series).error, rel=1e-12
    )
    assert cell.jackknife_error(np.mean, series) == pytest.approx(
        statistics.binned_error(series).error, rel=1e-12
    )
    assert cell.binder(series) == pytest.approx(statistics.binder_cumulant(series).value, rel=1e-12)


def test_autocorrelation_by_hand_sums_to_the_integrated_time():
    series = ising.simulate((8, 8), CRITICAL, 2**17, rng=4).energy
    tau = statistics.integrated_autocorrelation_time(series)
    rho = definitions("algorithm-errors").autocorrelation(series, tau.window + 1)
    assert 0.5 + rho[1:-1].sum() + 0.5 * rho[-1] == pytest.approx(tau.value, rel=1e-3)


def test_the_plateau_of_the_bins_is_the_error_that_tau_gives():
    cell = definitions("algorithm-errors")
    series = ising.simulate((8, 8), CRITICAL, 2**18, rng=6).energy
    tau = statistics.integrated_autocorrelation_time(series).value
    ratio = cell.error_from_bins(series, 512) / cell.error_from_bins(series, 1)
    assert ratio == pytest.approx(np.sqrt(2 * tau), rel=4 / np.sqrt(2 * 512))


def test_times_scatter_more_at_the_critical_point_than_the_formula_for_gaussian_series_says():
    """The formula falls short by almost a half, the jackknife of the chapter by a fifth (short pieces)."""
    memory = definitions("algorithm-slowest").memory
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
    fit = definitions("algorithm-power-law").power_law
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
    slope = definitions("algorithm-exponents").binder_slope
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
    cell = definitions("algorithm-jackknife", "algorithm-exponents", "algorithm-crossing", K_c=CRITICAL)
    runs = [series_at_the_critical_point(length, 20_200, 10 + length) for length in (8, 16)]

    def reweighted(energy, m, k):
        w = np.exp(-(k - CRITICAL) * (energy - energy.mean()))
        return 1 - np.mean(w * m**4) * np.mean(w) / (3 * np.mean(w * m**2) ** 2)

    exact = brentq(lambda k: reweighted(*runs[0], k) - reweighted(*runs[1], k), 0.42, 0.46)
    place, height = cell.crossing(*runs[0], *runs[1])
    assert place - CRITICAL == pytest.approx(exact - CRITICAL, rel=0.2)
    assert height == pytest.approx(reweighted(*runs[0], exact), abs=1e-3)


def test_the_exponents_of_the_chapter_are_right_within_their_errors():
    scores = [column("exponents", row, 2) for row in ("-beta/nu", "gamma/nu", "1/nu")]
    assert np.abs(scores).max() < 4
    for pair in ("16, 32", "24, 48", "32, 64"):
        assert abs(column("crossings", pair, 1)) < 4
        assert abs(column("crossings", pair, 3)) < 4


def test_the_dynamic_exponents_of_the_chapter():
    value, error = re.search(r"heat bath +z = ([\d.]+)\((\d+)\)", printed("race")).groups()
    assert abs(float(value) - 2.1665) < 4 * float(error) * 10.0 ** -len(value.split(".")[1])
    for name in ("Wolff", "Swendsen-Wang"):
        assert 0.1 < float(re.search(rf"{name} +z = ([\d.]+)", printed("race"))[1]) < 0.5


def test_a_stop_that_depends_on_the_run_is_found_out():
    assert abs(column("stop-code", "every second flip", 2)) < 4
    assert column("stop-code", "after N spins turned", 2) < -10


def test_naive_error_bars_break_their_promise_and_the_others_do_not():
    share = {row: float(column("coverage", row, 1)) for row in ("naive", "32 bins", "from tau")}
    assert share["naive"] < 45
    assert min(share["32 bins"], share["from tau"]) > 68.3 - 4 * 1.9


# Formulas that the chapter quotes


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


def test_every_live_figure_has_its_caption_below_it():
    live = [
        index for index, cell in enumerate(CELLS) if re.search(r"^IsingLab\(", "".join(cell["source"]), re.M)
    ]
    assert len(live) == 2
    assert all("".join(CELLS[index + 1]["source"]).startswith("*Live figure.*") for index in live)


# The questions that the page checks


def question(name, **names):
    """Return the question of a cell, which may use `names`."""
    (cell,) = [cell for cell in CELLS if cell["id"] == name]
    body = ast.parse("".join(cell["source"])).body
    scope = {"np": np, "theory": theory, "statistics": statistics, "Question": Question, **names}
    exec(compile(ast.Module(body[:-1], []), name, "exec"), scope)
    return eval(compile(ast.Expression(body[-1].value), name, "eval"), scope)


def test_the_peak_of_a_small_sheet_lies_above_the_critical_temperature():
    asked = question("question-peak")
    verdict = asked.check("above T_c")
    assert verdict.right
    assert "largest at T = 2.36 J" in verdict.words
    assert not asked.check("at T_c").right
    larger = theory.kaufman((32, 32), 1 / np.array([2.28, 2.36])).specific_heat
    assert larger[0] > larger[1]


def test_the_worth_of_a_series():
    """A series in which each entry is repeated k times has tau = k / 2: k sweeps are worth one."""
    noise = np.random.default_rng(1).normal(size=20_000)
    asked = question(
        "question-independent", kept={"$E$": np.repeat(noise, 10), "$|m|$": np.repeat(noise, 30)}
    )
    tau = statistics.integrated_autocorrelation_time(np.repeat(noise, 30)).value
    assert tau == pytest.approx(15, rel=0.1)
    right = asked.check(2000 * tau)
    assert right.right
    assert f"2 · {tau:.1f} · 1000 = {2000 * round(tau, 1):,.0f}. For the energy" in right.words
    assert asked.check(f"{2000 * tau:,.0f}").right
    assert "factor 2" in asked.check(1000 * tau).words
    assert "for longer" in asked.check(2000 * tau / 3).words
    assert "worth one measurement" in asked.check(2 * tau).words
    assert "Turn it round" in asked.check(500 / tau).words


def test_the_times_that_the_question_on_worth_takes_are_printed():
    assert re.findall(r"tau = ([0-9.]+):", printed("errors-code")) == ["13.9", "30.6"]


def test_ten_readings_of_the_live_figure_answer_its_question():
    """Of 30 readers who do as the question says, 29.5 on average are right (Student's t, 9 degrees)."""
    readings = ising.simulate((128, 128), 1 / 2.6, 12_400, rng=1).energy[400:].reshape(30, 10, 40)[:, :, 0]
    errors = readings.std(axis=1, ddof=1) / np.sqrt(10)
    asked = question("question-energy")
    verdicts = [asked.check(*reader) for reader in zip(readings.mean(axis=1), errors, strict=True)]
    assert (errors < 0.01).mean() > 0.95
    assert sum(verdict.right for verdict in verdicts) >= 27
    assert not asked.check(theory.kaufman((128, 128), 1 / 2.5).energy, 0.01).right


def test_the_scatter_of_a_reading_is_what_the_question_says():
    energy = ising.simulate((128, 128), 1 / 2.6, 4400, rng=2).energy[400:]
    assert energy.std() == pytest.approx(0.017, rel=0.1)  # 3.5 % is usual
    assert "One reading scatters by 0.017 J." in question("question-energy").check(-1.0, 0.02).words
