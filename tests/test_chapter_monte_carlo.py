"""The algorithms that the chapter on Monte Carlo writes out agree with the package, and its claims hold."""

import re

import numpy as np
import pytest

from smbook import ising, statistics
from smbook.kernels.rng import fill_uint64, seed_state
from smbook.theory import ising as theory
from smbook.widgets import Question
from tests.chapters import Chapter

CHAPTER = Chapter("ising/monte-carlo.ipynb", np=np, theory=theory, statistics=statistics, Question=Question)
CRITICAL = theory.CRITICAL_BETA
SINGLE_SITE = CHAPTER.definitions("algorithm-single-site")


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
    cell = CHAPTER.definitions("algorithm-matrices", states=states, p=p, rules=rules)
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
    cell = CHAPTER.definitions("algorithm-errors", "algorithm-jackknife")
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
    rho = CHAPTER.definitions("algorithm-errors").autocorrelation(series, tau.window + 1)
    assert 0.5 + rho[1:-1].sum() + 0.5 * rho[-1] == pytest.approx(tau.value, rel=1e-3)


def test_the_plateau_of_the_bins_is_the_error_that_tau_gives():
    cell = CHAPTER.definitions("algorithm-errors")
    series = ising.simulate((8, 8), CRITICAL, 2**18, rng=6).energy
    tau = statistics.integrated_autocorrelation_time(series).value
    ratio = cell.error_from_bins(series, 512) / cell.error_from_bins(series, 1)
    assert ratio == pytest.approx(np.sqrt(2 * tau), rel=4 / np.sqrt(2 * 512))


def test_naive_error_bars_break_their_promise_and_the_others_do_not():
    share = {row: float(CHAPTER.column("coverage", row, 1)) for row in ("naive", "32 bins", "from tau")}
    assert share["naive"] < 45
    assert min(share["32 bins"], share["from tau"]) > 68.3 - 4 * 1.9


# Formulas that the chapter quotes


def test_every_live_figure_has_its_caption_below_it():
    live = [
        index for index, cell in enumerate(CELLS) if re.search(r"^IsingLab\(", "".join(cell["source"]), re.M)
    ]
    assert len(live) == 2
    assert all("".join(CELLS[index + 1]["source"]).startswith("*Live figure.*") for index in live)


# The questions that the page checks


def test_the_peak_of_a_small_sheet_lies_above_the_critical_temperature():
    asked = CHAPTER.question("question-peak")
    verdict = asked.check("above T_c")
    assert verdict.right
    assert "largest at T = 2.36 J" in verdict.words
    assert not asked.check("at T_c").right
    larger = theory.kaufman((32, 32), 1 / np.array([2.28, 2.36])).specific_heat
    assert larger[0] > larger[1]


def test_the_worth_of_a_series():
    """A series in which each entry is repeated k times has tau = k / 2: k sweeps are worth one."""
    noise = np.random.default_rng(1).normal(size=20_000)
    asked = CHAPTER.question(
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
    assert re.findall(r"tau = ([0-9.]+):", CHAPTER.printed("errors-code")) == ["13.9", "30.6"]


def test_ten_readings_of_the_live_figure_answer_its_question():
    """Of 30 readers who do as the question says, 29.5 on average are right (Student's t, 9 degrees)."""
    readings = ising.simulate((128, 128), 1 / 2.6, 12_400, rng=1).energy[400:].reshape(30, 10, 40)[:, :, 0]
    errors = readings.std(axis=1, ddof=1) / np.sqrt(10)
    asked = CHAPTER.question("question-energy")
    verdicts = [asked.check(*reader) for reader in zip(readings.mean(axis=1), errors, strict=True)]
    assert (errors < 0.01).mean() > 0.95
    assert sum(verdict.right for verdict in verdicts) >= 27
    assert not asked.check(theory.kaufman((128, 128), 1 / 2.5).energy, 0.01).right


def test_the_scatter_of_a_reading_is_what_the_question_says():
    energy = ising.simulate((128, 128), 1 / 2.6, 4400, rng=2).energy[400:]
    assert energy.std() == pytest.approx(0.017, rel=0.1)  # 3.5 % is usual
    assert "One reading scatters by 0.017 J." in CHAPTER.question("question-energy").check(-1.0, 0.02).words
