"""What the chapter on thermodynamics and scale writes out agrees with smbook, and holds on other seeds."""

import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from smbook import statistics, widgets
from smbook.regression import linear_examples, ridge, stream_least_squares
from smbook.theory import scaling
from smbook.theory import thermodynamics as theory
from smbook.theory.ising import curie_weiss_finite
from smbook.thermodynamics import (
    drive_particles,
    erasure,
    jarzynski,
    moving_trap,
    share_right,
    stiffening_trap,
)
from smbook.widgets import EngineLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
CHAPTER = Chapter(
    "learning/thermodynamics.ipynb",
    np=np,
    quad=quad,
    pairwise=pairwise,
    statistics=statistics,
    scaling=scaling,
    theory=theory,
    linear_examples=linear_examples,
    ridge=ridge,
    stream_least_squares=stream_least_squares,
    curie_weiss_finite=curie_weiss_finite,
    Question=Question,
    a=1.5,
    b=1.5,
    unit=theory.landauer_work(300.0),
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")


def average(values):
    return statistics.disorder_mean(values).mean


def good(z):
    """Tell whether scores of independent estimates scatter as their errors say."""
    z = np.ravel(z)
    return abs(z.mean()) < 4 / np.sqrt(z.size) and abs(np.mean(z**2) - 1) < 6 * np.sqrt(2 / z.size)


def entropy(p):
    return -np.sum(p[p > 0] * np.log(p[p > 0]))


# ---- The theorems, on explicit matrices.


def random_protocol(seed, n, steps):
    """Energies of n states along a protocol, and moves that keep each Gibbs law: Metropolis' matrices."""
    rng = np.random.default_rng(seed)
    energies = rng.normal(0, 1.5, size=(steps + 1, n))
    moves = []
    for level in energies[1:]:
        move = rng.random((n, n))
        move = (move + move.T) / (2 * n) * np.minimum(1, np.exp(level[:, None] - level))
        np.fill_diagonal(move, 0)
        np.fill_diagonal(move, 1 - move.sum(axis=1))
        moves.append(move)
    return energies, moves


def gibbs(level):
    return np.exp(-level) / np.exp(-level).sum()


@given(seed=st.integers(0, 2**32), n=st.integers(2, 6), steps=st.integers(1, 6), skew=st.floats(0, 3))
@settings(deadline=None, max_examples=60)
def test_heat_makes_up_for_entropy_in_every_protocol(seed, n, steps, skew):
    energies, moves = random_protocol(seed, n, steps)
    p = gibbs(energies[0] + skew * np.arange(n))  # any law, not only the first Gibbs law
    first, heat = entropy(p), 0.0
    for level, move in zip(energies[1:], moves, strict=True):
        heat += (p - p @ move) @ level
        p = p @ move
    assert heat + entropy(p) - first >= -1e-12


@given(seed=st.integers(0, 2**32), n=st.integers(2, 6), steps=st.integers(1, 6))
@settings(deadline=None, max_examples=60)
def test_jarzynski_holds_for_every_function_of_the_end(seed, n, steps):
    """With the work of a step taken after its move it would be wrong, which is tried below."""
    energies, moves = random_protocol(seed, n, steps)
    weighted, late = gibbs(energies[0]), gibbs(energies[0])
    for (old, new), move in zip(pairwise(energies), moves, strict=True):
        factor = np.exp(old - new)
        weighted, late = (weighted * factor) @ move, (late @ move) * factor
    known = np.exp(-energies[-1]) / np.exp(-energies[0]).sum()
    assert weighted == pytest.approx(known, rel=1e-10)
    assert late != pytest.approx(known, rel=1e-3)


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 8))
@settings(deadline=None, max_examples=60)
def test_landauers_bound_is_kept_whatever_is_done(seed, steps):
    """Two mirrored wells of three states each; the potential returns at the end."""
    energies, moves = random_protocol(seed, 6, steps)
    well = np.random.default_rng(seed).normal(0, 2, 3)
    first = np.concatenate([well, well[::-1]])
    energies = np.concatenate([[first], energies[1:], [first]])
    p, work = gibbs(first), 0.0
    for (old, new), move in zip(pairwise(energies), [*moves, np.eye(6)], strict=True):
        work += p @ (new - old)
        p = p @ move
    wrong = p[:3].sum()
    assert work >= theory.label_information(wrong) - 1e-12


def test_the_price_of_transport_is_below_what_a_dragged_trap_dissipates():
    for tau in (0.1, 1.0, 5.0, 50.0):
        mean = 1 - (1 - np.exp(-tau)) / tau  # of a trap that is dragged by 1
        work = (tau - 1 + np.exp(-tau)) / tau**2
        dissipated = work - (1 - mean) ** 2 / 2
        assert mean**2 / tau <= dissipated <= 1.4 * mean**2 / tau


# ---- Particles.


@pytest.fixture(scope="module")
def lead():
    return CHAPTER.definitions("algorithm-drive").lead


def test_the_particles_by_hand_are_led_as_those_of_the_package(lead):
    protocol, z = stiffening_trap(0.5, last=4.0), []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        start = rng.normal(size=600)
        x, work, heat = lead(protocol.coefficients[:, 1:], start, protocol.step, rng)
        assert work - heat == pytest.approx(2 * x**2 - start**2 / 2, abs=1e-12)
        run = drive_particles(protocol, 600, rng=seed)
        for ours, theirs in ((work, run.work), (heat, run.heat), (x**2, run.positions**2)):
            one, other = average(ours), average(theirs)
            z.append((one.value - other.value) / np.hypot(one.error, other.error))
    assert good(z)
    assert CHAPTER.printed("drive-check").startswith("first law holds to rounding: True")


def test_without_the_rule_of_acceptance_a_long_step_bends_the_law(lead):
    """At h = 1 in the trap x^2 / 2 the mean of x^2 would be 2; with the rule it is 1."""
    text = source(CHAPTER.cell("drive-code"))
    scope = {"np": np, "pairwise": pairwise}
    exec(text.replace("moves = np.log(rng.random(x.size)) < gain", "moves = gain < np.inf"), scope)
    table = np.tile([0.0, 0.5, 0.0, 0.0], (30, 1))
    for walk, known in ((lead, 1.0), (scope["lead"], 2.0)):
        rng = np.random.default_rng(3)
        x, _, _ = walk(table, rng.normal(size=4000), 1.0, rng)
        assert abs(average(x**2).z(known)) < 4


def test_haste_costs_what_the_text_says():
    *printed, best = CHAPTER.printed("speed").splitlines()[1:]
    rows = np.array([[float(v.split("(")[0]) for v in line.split()] for line in printed])
    assert np.all(rows[:, 4] > 2 * rows[:, 5])  # above the price of transport
    assert rows[1:, 4] == pytest.approx(4.5, abs=1.0)
    assert rows[3:, 5] == pytest.approx(1.7, abs=0.15)
    assert best.endswith("1.7 1.7]")
    assert "near $4.5/\\tau$" in TEXT
    assert np.exp(8) / (0.9 * 8) == pytest.approx(400, abs=20)
    excess = []
    for seed in SEEDS:
        run = drive_particles(erasure(4.0), 1000, rng=seed)
        floor = theory.label_information(share_right(run.positions))
        excess.append(4.0 * (run.work.mean() - floor))
    assert np.mean(excess) == pytest.approx(4.4, abs=0.25)


def test_each_well_owns_one_half_and_a_sample_without_errors_misses_one():
    z, alone = [], []
    for seed in SEEDS:
        bit = drive_particles(erasure(8.0, tilt=1.5), 500, rng=seed)
        weight, right = np.exp(-bit.work), bit.positions > 0
        z += [average(weight * right).z(0.5), average(weight * ~right).z(0.5)]
        few = drive_particles(erasure(16.0), 150, rng=seed)
        alone.append(average(np.exp(-few.work) * (few.positions > 0)).z(0.5))
    assert abs(np.mean(z)) < 4 / np.sqrt(len(z)) + 0.3  # tails make errors from samples a little too small
    assert np.max(np.abs(z)) < 5
    assert np.max(np.abs(alone)) < 4
    rows = [line.split() for line in CHAPTER.printed("halves-code").splitlines()[1:]]
    assert float(rows[0][3]) == pytest.approx(1 / 6, abs=0.02)
    assert 0 < float(rows[2][3]) < 0.012
    carried = [int(row[-2]) for row in rows]
    assert min(carried[:3]) > 100 > 10 > carried[3]


def test_wrong_ends_bring_work_back_in_slow_erasures_only():
    """A hundredth of the runs goes wrong in a slow erasure, and some of these give much back."""
    fast = drive_particles(erasure(0.5), 2000, rng=1)
    assert fast.work[fast.positions < 0].mean() > 2
    slow = drive_particles(erasure(8.0), 4000, rng=1)
    wrong = slow.work[slow.positions < 0]
    assert wrong.mean() + 3 * wrong.std() / np.sqrt(wrong.size) < 0


def test_the_estimate_by_hand_is_that_of_the_package():
    by_hand = CHAPTER.definitions("algorithm-jarzynski").free_energy
    work = np.random.default_rng(1).normal(50, 3, 200)
    assert by_hand(work) == pytest.approx(jarzynski(work).value, abs=1e-12)
    assert by_hand(work - 1e4) == pytest.approx(jarzynski(work).value - 1e4, abs=1e-9)
    rows = [line.split() for line in CHAPTER.printed("jarzynski-code").splitlines()[1:]]
    assert len(rows) == 3
    assert all(row[-2:] == ["True", "True"] for row in rows)
    assert all(float(row[3]) > float(row[1]) for row in rows)


def test_the_bias_of_few_runs_is_that_of_the_theory():
    by_hand, z = CHAPTER.definitions("algorithm-jarzynski").free_energy, []
    for seed in SEEDS:
        pull = moving_trap(1.0, distance=2 * np.sqrt(np.e / 2), step=0.01)
        work = drive_particles(pull, 5000, rng=seed).work
        known = theory.jarzynski_bias(10, work.std())
        z.append(average([by_hand(ten) for ten in work.reshape(-1, 10)]).z(known))
    assert abs(np.mean(z)) < 4 / np.sqrt(len(z))
    assert theory.jarzynski_bias(90, 3.0) == pytest.approx(0.68, abs=0.005)
    assert theory.jarzynski_bias(8103, 3.0) == pytest.approx(0.07, abs=0.005)
    assert theory.jarzynski_bias(10**4, 1.0) == pytest.approx((np.e - 1) / 2e4, rel=0.01)
    assert CHAPTER.printed("bias").rstrip().endswith("True")


# ---- What knowledge costs.


def test_one_weight_is_a_little_better_than_the_limit_of_weak_fields():
    best = minimize_scalar(
        lambda nu: -theory.one_weight_engine(nu).efficiency, bounds=(0.05, 1), method="bounded"
    )
    assert best.x == pytest.approx(0.328, abs=0.002)
    assert -best.fun == pytest.approx(0.318677, abs=2e-6)
    assert -best.fun * np.pi - 1 == pytest.approx(1e-3, abs=3e-4)
    assert theory.one_weight_engine(1e-3).efficiency == pytest.approx(1 / np.pi, rel=1e-6)
    weak = theory.one_weight_engine(1e-3)
    assert weak.information_readout / weak.information_weight == pytest.approx(2 / np.pi, rel=1e-5)
    assert CHAPTER.column("one-weight-code", "efficiency: at most", 0) == 0.3187


def test_heat_and_answers_of_one_weight_on_ten_seeds():
    z = []
    table = np.zeros((601, 4))
    table[:, 1], table[1:, 0] = 0.5, -1.0
    for seed in SEEDS:
        run = drive_particles(table, 1000, step=0.02, rng=seed)
        z += [average(run.heat).z(0.5), average((run.positions > 0) * 1.0).z(norm.cdf(1))]
    assert good(z)
    printed = CHAPTER.printed("one-weight-code") + CHAPTER.printed("patience-code")
    assert printed.count("True") == 6
    assert "False" not in printed


@given(nu=st.floats(1e-3, 100), load=st.floats(1e-3, 100))
@settings(deadline=None, max_examples=50)
def test_no_load_and_no_field_makes_hebb_efficient(nu, load):
    told = theory.label_learning(nu, load)
    spread = load * nu**2
    by_hand = load * theory.label_information(norm.cdf(nu / np.sqrt(1 + spread)))
    by_hand /= spread / 2 + np.log1p(spread) / 2
    assert told.efficiency == pytest.approx(by_hand, rel=1e-5, abs=1e-12)
    assert told.efficiency <= 1 / np.pi + 1e-9


def test_weak_fields_pay_one_over_pi_at_any_load():
    for load in (0.1, 1.0, 10.0):
        assert theory.label_learning(1e-3, load).efficiency == pytest.approx(1 / np.pi, rel=1e-4)


def test_what_a_mixture_of_labels_knows_is_paid_for():
    """Two labels pull at two weights: what the pair knows, against heat and entropies, by sums on a grid."""
    rng, grid = np.random.default_rng(4), np.linspace(-9, 9, 181)
    step = grid[1] - grid[0]
    x, y = np.meshgrid(grid, grid, indexing="ij")
    for _ in range(5):
        pull = rng.normal(0, 1.2, (2, 2))
        means = [pull @ (s, t) for s in (-1, 1) for t in (-1, 1)]
        laws = [norm.pdf(x - m[0]) * norm.pdf(y - m[1]) for m in means]
        joint = np.mean(laws, axis=0)
        ends = [joint.sum(axis=1) * step, joint.sum(axis=0) * step]

        def differential(p, cell):
            return -np.sum(p[p > 0] * np.log(p[p > 0])) * cell

        single = 0.5 * np.log(2 * np.pi * np.e)
        known = differential(joint, step**2) - 2 * single
        cost = sum(differential(p, step) - single for p in ends) + np.mean(np.sum(pull**2, axis=1)) * 2 / 2
        assert 0 < known <= cost


# ---- Joules.


def test_energies_in_the_text_are_those_of_the_cell():
    assert CHAPTER.column("energies", "multiplying 32-bit floats", 1) == 1e9
    assert CHAPTER.column("energies", "a bit through a synapse", 1) == 3e5
    assert CHAPTER.column("energies", "GPT-3 in brains of twenty years:", 0) == pytest.approx(370, abs=5)
    assert theory.landauer_work(300.0) == pytest.approx(2.870978885e-21, rel=1e-9)
    assert np.exp(-40) * 1e9 * 10 * 3.156e7 == pytest.approx(1, rel=0.5)
    assert 1.3e-9 / 3.7e-12 > 200  # "hundreds of times more"
    gwh = 30.84e6 * 0.7e-6
    assert gwh == pytest.approx(21.6, abs=0.05)


# ---- Scale.


@pytest.fixture(scope="module")
def tools():
    defined = CHAPTER.functions("power-law", average=average)
    return defined | CHAPTER.functions("collapse-tools", **defined)


def test_the_slopes_are_the_exponents(tools):
    for line in CHAPTER.printed("exponents").splitlines()[:3]:
        slope, limit = (float(part.split(",")[0]) for part in line.split(" -")[1:])
        assert slope == pytest.approx(limit, abs=2e-3)
    assert CHAPTER.printed("exponents").count("True") == 6
    spectrum, rule, rest = tools["problem"](10)
    assert rest == pytest.approx(2.6123753 - np.sum(np.arange(1, 11) ** -1.5), abs=1e-6)
    assert spectrum * rule**2 == pytest.approx(np.arange(1, 11) ** -1.5)


def test_few_examples_meet_the_typical_error_on_ten_seeds(tools):
    """Half the penalty and half the noise in the theory would be 9 errors off."""
    z, wrong = [], []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        mean = average([tools["fitted"](64, 128, rng) for _ in range(30)])
        z.append(mean.z(tools["typical"](64, 128)))
        spectrum, rule, rest = tools["problem"](128)
        other = scaling.ridge_error(64, spectrum, rule, penalty=rest / 2, noise=(rest / 2) ** 0.5)
        wrong.append(mean.z(other + rest / 2))
    assert abs(np.mean(z)) < 4 / np.sqrt(10) + 0.5  # typical values are off by a share of order 1/n
    assert abs(np.mean(wrong)) > 4


def test_the_best_penalty_is_the_variance_of_what_is_not_seen(tools):
    spectrum, rule, rest = tools["problem"](40)
    for n in (10, 40, 160):
        given = {"noise": rest**0.5}
        at = [scaling.ridge_error(n, spectrum, rule, penalty=rest * f, **given) for f in (0.8, 1.0, 1.25)]
        assert at[1] < min(at[0], at[2])


def test_curves_of_all_sizes_collapse(tools):
    z = np.linspace(-2, 2, 9)
    curve = np.array([tools["magnet_limit"](v) for v in z])
    gaps = []
    for n in (400, 1600, 6400):
        m = np.array([curie_weiss_finite(n, 1 - v / n**0.5).moments.absolute for v in z])
        gaps.append(tools["far"](m * n**0.25, curve) * n**0.5)
    assert max(gaps) / min(gaps) < 1.2  # corrections of relative order one over the root of N
    for ratio in (0.05, 1.0, 20.0):
        by_hand = 2 + quad(lambda u, z: u**-1.5 * np.exp(-2 * z * u**-1.5), 0, 1, (ratio,))[0]
        assert scaling.scaling_function(ratio, 1.5, 1.5) == pytest.approx(by_hand, rel=1e-6)
    rows = [line.replace("%", "").split() for line in CHAPTER.printed("collapse-code").splitlines()]
    assert [float(row[5]) for row in rows] == sorted((float(row[5]) for row in rows), reverse=True)
    assert float(rows[-1][5]) < 5
    assert float(rows[-1][-1]) < 0.2


def test_a_budget_is_spent_at_the_same_ratio(tools):
    printed = CHAPTER.printed("allocation-code").splitlines()
    assert printed[0].endswith("True")
    ratios = [float(line.split()[2]) for line in printed[2:]]
    assert ratios == pytest.approx([3.1] * 4, abs=0.4)
    for d in (100, 400):
        errors = [tools["typical"](round(d * r), d) for r in (1.0, 3.0)]
        assert errors[1] < errors[0]
    best = [scaling.compute_optimal(c, 1.5, 1.5).n_features for c in (1e4, 1e6)]
    assert np.log(best[1] / best[0]) / np.log(100) == pytest.approx(0.4, abs=0.01)


def test_the_formula_of_ridge_regression_is_that_of_the_text():
    """The effective penalty of eq-thermo-ridge, found by halving, gives the package's error."""
    spectrum = scaling.power_law(3000, 1.5)
    rule, n, delta = np.ones(3000), 40, 0.02
    low, high = 1e-9, 1e3
    for _ in range(200):
        kappa = np.sqrt(low * high)
        count = np.sum(spectrum / (spectrum + kappa)) + delta / kappa
        low, high = (kappa, high) if count > n else (low, kappa)
    learned = spectrum / (spectrum + kappa)
    by_hand = spectrum @ (rule * (1 - learned)) ** 2 / (1 - learned @ learned / n)
    assert scaling.ridge_error(n, spectrum, rule, penalty=delta) == pytest.approx(by_hand, rel=1e-8)


def test_a_budget_of_time_collapses():
    rows = [line.split() for line in CHAPTER.printed("time-code").splitlines()[1:]]
    for column in (1, 2, 3):
        values = [float(row[column]) for row in rows]
        assert max(values) / min(values) < 1.1
    assert all(float(row[3]) > float(row[2]) for row in rows)


def test_exponents_move(tools):
    for n, told in ((181, 0.49), (2896, 0.46)):
        errors = tools["typical"](np.array([n, 2 * n]), 2**16, 0.1)
        assert np.log2(errors[0] / errors[1]) == pytest.approx(told, abs=0.02)
    limit = scaling.scaling_exponents(1.5, 1.5)
    assert (limit.samples, limit.noisy_samples) == pytest.approx((1 / 2, 1 / 3))


def test_the_fits_to_language_models_say_what_the_text_says():
    assert CHAPTER.column("chinchilla", "printed", 2) == pytest.approx(93, abs=1)
    assert CHAPTER.column("chinchilla", "fitted again", 2) == pytest.approx(18, abs=1)
    locals_ = [CHAPTER.column("chinchilla", f"1e+{power:02d}", 1) for power in (7, 8, 9, 10)]
    assert locals_[0] == 0.172
    assert locals_[-1] == 0.028
    assert locals_[1] > 0.076 > locals_[2]
    times = 2 ** (1 / 0.076)
    assert times == pytest.approx(9000, rel=0.03)
    spent = 6 * 70e9 * 1.4e12
    assert spent == pytest.approx(5.76e23, rel=0.03)


# ---- Questions and the live figure.


def test_questions_tell_mistakes_apart():
    assert CHAPTER.tells_apart("question-halves", 0.556, [0.5, 0.45, 5.0, 1.0, 0.693])
    assert CHAPTER.tells_apart("question-runs", 22.8, [518.0, 4.77, 3.125, 12.2])
    body = 20 / theory.landauer_work(310.0)
    assert CHAPTER.tells_apart(
        "question-brain",
        body,
        [body * np.log(2), body * 310 / 37, body * 310 / 300, 7e21, 1 / body, body / 8],
    )
    assert CHAPTER.question("question-brain").check(6.7e21).right
    assert CHAPTER.tells_apart("question-budget", 2**2.5, [2**1.25, 2**3.5, 16.0, 2 ** (2 / 1.8), 4.0, 2.0])


def test_the_live_figure_shows_what_the_text_says():
    for tau in (4.0, 8.0):
        lab = EngineLab(duration=tau, running=False)
        runs = lab.simulate(10)
        assert abs((runs.mean_work - np.log(2)) * tau - 4.1) < 4 * tau * runs.mean_work_error
        assert 0.08 < tau * runs.mean_work_error < 0.25
        assert (lab.least_in_time - np.log(2)) * tau == pytest.approx(1.7, abs=0.02)
        assert runs.errors == pytest.approx(0.01, abs=0.01)
        assert (runs.work < np.log(2)).any()
        assert (runs.work < 0).any()
    hasty = EngineLab(duration=1.0, running=False).simulate(4)
    assert hasty.mean_work > 3
    assert hasty.mean_work > runs.mean_work
    weak = EngineLab(barrier=6.0, tilt=1.0, duration=8.0, running=False).simulate(5)
    assert weak.errors > 0.1
    assert weak.least_work < weak.mean_work
    assert min(weak.jarzynski_worth, weak.jarzynski_right_worth) > 100
    assert max(hasty.jarzynski_worth, hasty.jarzynski_right_worth) < 100
    for value, exact in ((weak.jarzynski, 0), (weak.jarzynski_right, np.log(2))):
        assert abs(value[0] - exact) < 4 * value[1]


def test_the_buttons_that_the_text_names_are_there():
    (play,) = [cell for cell in CHAPTER.cells if cell["id"] == "play"]
    named = set(re.findall(r"\*([A-Z][^*]+)\*", source(play)))
    script = (Path(widgets.__file__).parent / "engine_lab.js").read_text()
    assert {"In a hurry", "Slowly"} < named
    assert all(f'"{name}"' in script for name in named)
