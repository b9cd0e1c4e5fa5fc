"""Students with weights +1 and -1: tempering against all weights, wrong samplers, the jump from both sides.

What the jump was bracketed with, beyond what is run here (N inputs; seconds of one core):

* All weights, at T = 0. The mean chance 1 / S that a student is the teacher, S students being left, comes to
  1/2 at alpha = 1.143(4), 1.186(4), 1.222(3), 1.252(3), 1.259(5), 1.267(10) for N = 9 ... 27 (8000 samples
  up to N = 15, 6000 at 19, 3000 at 23 and 800 at 27; on a busy core the last two took 63 s and 297 s), where
  the limit has 1.2447: 2 % off, on either side. At these sizes weights that differ from the teacher's in one
  place are still there, N exp(-0.6 alpha sqrt(N)) of them, which may be why it overshoots; from 1/4 to 3/4 it
  takes .60 at N = 9, .43 at 19 and .38 at 27.
* Tempering at N = 51, up to beta = 5 (12 samples, 30,000 sweeps at 21 temperatures, 60 s a load and start).
  From random weights the chance comes to 1/2 near 1.28, from the teacher near 1.15. At N = 41 (20 samples,
  20,000 sweeps) near 1.29 and 1.18. The first is too late, the second too early: students at T = 0 are
  single points far from each other, and no run finds its way between them in time.
* At T = 1/2 runs do keep to equilibrium on their side of the jump, which is at 1.5708 there: N = 101, below.
"""

import math
import types

import numpy as np
import pytest
from numba import njit
from scipy.stats import chi2

from smbook import _runs
from smbook.dynamics import StudentsLeft, TemperedStudents, free_entropy, students_left, temper_binary
from smbook.dynamics import binary_students as students_module
from smbook.kernels import binary_students as kernels
from smbook.kernels.rng import uniform
from smbook.perceptron import binary_solutions, random_labels, teacher_examples
from smbook.statistics import integrated_autocorrelation_time, reweight_multiple
from smbook.theory.dynamics import binary_student, mean_binary_students, spinodal_load, transition_load

N, BETAS = 9, np.array([0.3, 0.8, 1.6, 3.0])
TEACHER = random_labels(N, rng=7)
EXAMPLES = teacher_examples(TEACHER, 12, distribution="binary", rng=8)


def all_weights(n):
    return (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8) * 2 - 1


def laws(betas):
    """Gibbs' law over all weights at each temperature."""
    wrong = (EXAMPLES.labels * (all_weights(N) @ EXAMPLES.inputs.T) <= 0).sum(axis=1)
    weights = np.exp(-np.outer(betas, wrong))
    return weights / weights.sum(axis=1, keepdims=True)


def p_values(run, thin):
    """Of chi-square at each temperature, rare weights in one bin."""
    found = []
    for law, samples in zip(laws(run.betas), run.samples[:, 50::thin], strict=True):
        counts = np.bincount((samples > 0) @ (1 << np.arange(N)), minlength=2**N)
        due = law * len(samples)
        common = due >= 8
        seen, wanted = (np.append(x[common], x[~common].sum()) for x in (counts, due))
        found.append(chi2.sf(((seen - wanted) ** 2 / wanted).sum(), seen.size - 1))
    return np.array(found)


def tempered(n_sweeps=60_000, **options):
    return temper_binary(*EXAMPLES, BETAS, n_sweeps, teacher=TEACHER, keep_weights=True, rng=3, **options)


def test_every_temperature_samples_the_law_of_gibbs():
    """Over all 2^9 weights, thinned by twice the autocorrelation time, and what is noted fits the weights."""
    run = tempered()
    slowest = max(integrated_autocorrelation_time(row).value for row in [*run.wrong[:, 50:], *run.overlap])
    assert (p_values(run, math.ceil(2 * slowest)) > 1e-4).all()
    wrong = (EXAMPLES.labels * (run.samples @ EXAMPLES.inputs.T) <= 0).sum(axis=-1)
    np.testing.assert_array_equal(run.wrong, wrong)
    np.testing.assert_allclose(run.overlap, run.samples @ TEACHER.astype(float) / N, atol=1e-6)
    np.testing.assert_array_equal(run.weights, run.samples[:, -1])
    assert run.round_trips.sum() > 1000


@njit
def transposed(at, betas, totals, first, swaps, state):
    """Swap with the wrong sign."""
    for k in range(first, at.size - 1, 2):
        a, b = at[k], at[k + 1]
        gain = (betas[k] - betas[k + 1]) * (totals[b] - totals[a])
        swaps[0, k] += 1
        if uniform(state) < math.exp(min(gain, 0.0)):
            at[k], at[k + 1] = b, a
            swaps[1, k] += 1


@njit
def stuck_where_none_is_wrong(column, factor, bound, fields):
    """Leave weights that answer right to all for ever, as a search would."""
    change = kernels.change_of_wrong(column, factor, bound, fields)
    return np.int32(10**6) if (fields > bound).all() else change


WRONG = {
    "transposed": {"_swap_neighbours": transposed},
    "stuck": {"change_of_wrong": stuck_where_none_is_wrong},
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_sampler_is_caught(name, monkeypatch):
    scope = vars(kernels) | WRONG[name]
    for kernel in ("sweep_weights", "temper_weights"):
        code = getattr(kernels, kernel).py_func.__code__
        scope[kernel] = njit(types.FunctionType(code, scope, kernel))
    monkeypatch.setattr(kernels, "temper_weights", scope["temper_weights"])
    assert p_values(tempered(20_000), 20).min() < 1e-12


def test_the_shares_of_swaps_are_those_of_the_law():
    """The mean of min(1, exp(dbeta dE)) over both laws, for neighbours that are all but independent."""
    betas = np.array([0.0, 0.5])
    run = temper_binary(*EXAMPLES, betas, 40_000, rng=5)
    wrong = (EXAMPLES.labels * (all_weights(N) @ EXAMPLES.inputs.T) <= 0).sum(axis=1)
    hot, cold = laws(betas)
    share = hot @ np.minimum(1.0, np.exp((betas[0] - betas[1]) * (wrong[:, None] - wrong))) @ cold
    assert run.swap_rates[0] == pytest.approx(share, abs=0.02)
    assert run.acceptance[0] == 1.0


# The jump


def chance_of_the_teacher(n, runs):
    """1 / S and its error, for the loads P / N of the result."""
    teacher, first = np.ones(n, np.int8), round(0.8 * n)
    found = [
        students_left(
            *teacher_examples(teacher, 2 * n, distribution="binary", rng=seed), teacher=teacher, first=first
        )
        for seed in range(runs)
    ]
    shares = np.array([1 / one.students for one in found])
    counts = np.array([one.students for one in found])
    return found[0].n_examples / n, shares, counts


def test_all_weights_bracket_the_jump():
    """The chance of the teacher passes 1/2 within 6 % of 1.2447, the steeper the larger N, as said above.

    The mean number of students is exact at every N. Were the teacher left out it would be off by 1, which is
    more than 4 errors.
    """
    widths = []
    for n, runs, expected in ((11, 2000, 1.186), (19, 1200, 1.252), (21, 400, 1.255)):
        loads, shares, counts = chance_of_the_teacher(n, runs)
        quarter, half, most = np.interp((0.25, 0.5, 0.75), shares.mean(axis=0), loads)
        assert half == pytest.approx(expected, abs=0.05)
        assert half == pytest.approx(transition_load(), rel=0.07)
        widths.append(most - quarter)
        for k in (-1, round(0.5 * n)):
            exact = mean_binary_students(round(loads[k] * n), n)
            error = counts[:, k].std() / math.sqrt(runs)
            assert abs(counts[:, k].mean() - exact) < 4 * error
            assert abs(counts[:, -1].mean() - 1 - mean_binary_students(2 * n, n)) > 4 * error or k > 0
        below, above = (shares[:, np.abs(loads - load).argmin()].mean() for load in (1.0, 1.6))
        assert below < 0.4
        assert above > 0.75
    assert max(widths[1:]) < 0.85 * widths[0]


WARM = np.linspace(0.0, 2.0, 9)


def both_sides(load, seed, n_sweeps=1000):
    """Tempering at N = 101 up to beta = 2, from random weights and from the teacher."""
    teacher = np.ones(101, np.int8)
    examples = teacher_examples(teacher, 300, distribution="binary", rng=seed)
    p = round(load * 101)
    starts = (None, teacher)
    return [
        temper_binary(
            examples.inputs[:p], examples.labels[:p], WARM, n_sweeps, initial=start, teacher=teacher, rng=seed
        )
        for start in starts
    ]


def test_the_free_entropy_is_that_of_all_weights_and_of_joined_histograms():
    """Within 4 errors of the joined histograms, at most .003."""
    betas = np.linspace(0.0, 3.0, 7)
    run = temper_binary(*EXAMPLES, betas, 20_000, rng=5)
    wrong = (EXAMPLES.labels * (all_weights(N) @ EXAMPLES.inputs.T) <= 0).sum(axis=1)
    exact = np.log(np.exp(-np.outer(betas, wrong)).sum(axis=1)) / N
    found = free_entropy(run, skip=50)
    assert found[0] == math.log(2)
    joined = reweight_multiple(run.wrong, run.wrong, n_sites=1, betas=betas, targets=betas)
    errors = joined.log_partition_error / N
    assert (np.abs(found - exact)[1:] < 4 * errors[1:]).all()
    assert errors.max() < 4e-3
    assert (np.abs(found - np.log(2))[2:] > 40 * errors[2:]).all()


def test_two_phases_at_finite_temperature():
    """At T = 1/2 two starts end in two phases, at 1.45 and 1.75 on either side of the transition at 1.5708.

    Random weights come to the student's branch, with the R and phi of theory, and phi passes 0 in between:
    their crossing is the transition within 4 errors of .03. The teacher stays, always beyond the transition,
    and mostly, in so short a run, before it.
    """
    loads, phi = np.array([1.45, 1.75]), np.empty((2, 8))
    beyond = binary_student(loads, beta=2.0)
    for k, load in enumerate(loads):
        overlaps, stays = [], []
        for seed in range(8):
            run, other = both_sides(load, seed)
            stays.append(other.overlap[-1, 200:].mean())
            phi[k, seed] = free_entropy(run, skip=200)[-1]
            overlaps.append(run.overlap[-1, 200:].mean())
        assert np.median(stays) > 0.99
        assert min(stays) > 0.99 or load < transition_load(beta=2.0)
        assert np.median(overlaps) == pytest.approx(beyond.overlap[k], abs=0.08)
    errors = phi.std(axis=1, ddof=1) / math.sqrt(8)
    assert (np.abs(phi.mean(axis=1) - beyond.free_entropy) < 4 * errors + 0.01).all()
    assert phi[0].mean() > 0 > phi[1].mean()
    crossing = np.array([np.interp(0.0, pair[::-1], loads[::-1]) for pair in phi.T])
    assert abs(crossing.mean() - transition_load(beta=2.0)) < 4 * crossing.std() / math.sqrt(8) + 0.01


def test_below_the_jump_both_sides_agree():
    """At load 0.65 and T = 1/2 the teacher's state melts, and both runs have the R of theory.

    At 0.8 it does not always melt so soon: for at least 3 of 20 seeds more was left than is allowed here.
    """
    expected = binary_student(66 / 101, beta=2.0).overlap
    for seed in range(4):
        found = [run.overlap[-1, 500:].mean() for run in both_sides(0.65, seed, 1500)]
        assert found[0] == pytest.approx(found[1], abs=0.06)
        assert np.mean(found) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("load", [1.4, 1.6])
def test_a_run_from_random_weights_is_stuck_beyond_the_jump(load):
    """N = 101, down to T = 1/5: the teacher is there, with none wrong, and no run comes near it.

    This goes on beyond the spinodal at 1.4926, where nothing but the teacher attracts in the limit: there a
    run is slow, and ends in glassy states of a few wrong answers. There one of 15 came to the teacher, and
    so one of three may.
    """
    teacher, stuck = np.ones(101, np.int8), 0
    for seed in range(3):
        examples = teacher_examples(teacher, round(load * 101), distribution="binary", rng=seed)
        run = temper_binary(*examples, np.linspace(0.0, 5.0, 21), 1200, teacher=teacher, rng=seed)
        stuck += run.wrong[-1, 600:].mean() > 1 and run.overlap[-1].max() < 0.95
    assert stuck >= 2 + (load < spinodal_load())


# Arguments and results


def test_runs_are_the_same_however_they_are_parted(monkeypatch):
    whole = tempered(60, thin=7)
    assert whole.wrong.shape == (4, 8)
    monkeypatch.setattr(_runs, "UPDATES_PER_CALL", 40)
    assert tempered(60, thin=7) == whole
    assert tempered(60, thin=6) != whole


def test_inputs_are_left_as_they_were():
    inputs, labels, start = EXAMPLES.inputs.copy(), EXAMPLES.labels.copy(), np.ones((4, N), np.int8)
    run = temper_binary(inputs, labels, BETAS, 20, initial=start, rng=1)
    np.testing.assert_array_equal(inputs, EXAMPLES.inputs)
    np.testing.assert_array_equal(start, 1)
    assert np.isnan(run.overlap).all()
    assert run.samples.shape == (4, 0, N)
    begun = temper_binary(inputs, labels, BETAS, 0, initial=start, rng=1)
    np.testing.assert_array_equal(begun.weights, start)
    assert repr(begun) == (
        "TemperedStudents(0 kept sweeps of 4 temperatures, swap rates 0.00 to 0.00, 0 round trips)"
    )
    assert isinstance(begun, TemperedStudents)


def test_students_left_are_the_solutions(monkeypatch):
    left = students_left(*EXAMPLES, teacher=TEACHER, first=3)
    for p, students, overlap in zip(*left, strict=True):
        found = binary_solutions(EXAMPLES.inputs[:p], EXAMPLES.labels[:p])
        assert len(found) == students
        assert (found @ TEACHER.astype(int)).mean() / N == pytest.approx(overlap, abs=1e-12)
    assert left.n_examples.tolist() == list(range(3, 13))
    monkeypatch.setattr(students_module, "_AT_ONCE", 3)
    assert students_left(*EXAMPLES, teacher=TEACHER, first=3) == left
    last = students_left(*EXAMPLES, teacher=TEACHER, first=12)
    assert last == StudentsLeft(left.n_examples[-1:], left.students[-1:], left.overlap[-1:])
    assert last != left


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"betas": [1.0, 1.0]}, ValueError, "betas must increase; got 1 before 1 at 0"),
        ({"betas": []}, ValueError, r"betas must have the shape \(K,\)"),
        ({"betas": [-1.0]}, ValueError, "betas must be at least 0; got -1"),
        ({"betas": [math.inf]}, ValueError, "betas must be finite"),
        ({"betas": [0.0, 1e101]}, ValueError, r"betas must be at most 1e\+100; got 1e\+101"),
        ({"betas": "1"}, TypeError, "betas must hold real numbers"),
        ({"n_sweeps": -1}, ValueError, "n_sweeps must be at least 0"),
        ({"n_sweeps": 1.0}, TypeError, "n_sweeps must be an integer"),
        ({"thin": 0}, ValueError, "thin must be at least 1"),
        ({"initial": np.ones(8)}, ValueError, r"initial must have the shape \(9,\) or \(4, 9\); got \(8,\)"),
        ({"initial": np.zeros(9)}, ValueError, r"initial must be \+1 or -1; got 0"),
        ({"teacher": np.full(9, 2)}, ValueError, r"teacher must be \+1 or -1; got 2"),
        ({"teacher": np.ma.ones(9)}, TypeError, "teacher must hold real numbers; got a masked array"),
        ({"inputs": np.full((12, 9), 0.5)}, ValueError, r"inputs must be \+1 or -1; example 0 has 0\.5"),
        ({"labels": np.ones(3)}, ValueError, "labels must be one for each of 12 examples"),
        ({"rng": -1}, ValueError, "rng must be at least 0; got -1"),
    ],
)
def test_bad_arguments_of_tempering(options, error, message):
    given = {"inputs": EXAMPLES.inputs, "labels": EXAMPLES.labels, "betas": BETAS, "n_sweeps": 1, "rng": 1}
    with pytest.raises(error, match=message):
        temper_binary(**given | options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"teacher": -TEACHER}, ValueError, "teacher must answer right to all examples"),
        ({"teacher": np.ones(3)}, ValueError, r"teacher must have the shape \(9,\); got \(3,\)"),
        ({"first": 0}, ValueError, "first must be at least 1"),
        ({"first": 13}, ValueError, "first must be at most 12"),
        ({"inputs": np.ones((12, 31)), "teacher": np.ones(31)}, ValueError, "at most 30 .* got 31"),
    ],
)
def test_bad_arguments_of_students_left(options, error, message):
    given = {"inputs": EXAMPLES.inputs, "labels": EXAMPLES.labels, "teacher": TEACHER}
    if "inputs" in options:
        given["labels"] = np.ones(12)
    with pytest.raises(error, match=message):
        students_left(**given | options)


def test_all_but_no_temperature():
    run = temper_binary(*EXAMPLES, [0.0, 1.0, 1e100], 400, rng=1)
    assert run.wrong[-1, -1] == run.wrong[-1].min()
    assert np.isfinite(free_entropy(run, skip=399)).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda run: free_entropy(run, skip=5), ValueError, "skip must leave some of 5 kept sweeps; got 5"),
        (lambda run: free_entropy(run, skip=-1), ValueError, "skip must be at least 0"),
        (lambda run: free_entropy(run.wrong), TypeError, "run must be what temper_binary returns"),
        (lambda run: free_entropy(run._replace(betas=BETAS)), ValueError, r"begin at beta = 0.* got 0\.3"),
    ],
)
def test_bad_arguments_of_the_free_entropy(call, error, message):
    run = temper_binary(*EXAMPLES, BETAS - BETAS[0], 5, rng=1)
    with pytest.raises(error, match=message):
        call(run)
