"""The jump of students with weights +1 and -1: its table, its functional by mpmath, exact counts, limits."""

import itertools
import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory import dynamics as theory
from smbook.theory.dynamics import binary_students as module

# overlap, its root, the error of the mean of all students, and the entropy where it was computed elsewhere
TABLE = {
    0.5: (0.293089, 0.541377, 0.317903, 0.3721),
    1.0: (0.560715, 0.748809, 0.230626, 0.1061),
    1.2: (0.668661, 0.817717, 0.195239, None),
    1.4: (0.789699, 0.888650, 0.151644, None),
    1.48: (0.861077, 0.927942, 0.121576, None),
    1.49: (0.879556, 0.937847, 0.112816, None),
}


@pytest.mark.parametrize("load", TABLE)
def test_the_table_of_message_passing(load):
    """The overlap is that of state evolution, whose mean of all students has the root of it."""
    overlap, root, bayes, entropy = TABLE[load]
    found = theory.binary_student(load)
    assert found.overlap == pytest.approx(overlap, abs=5.1e-7)
    assert math.sqrt(found.overlap) == pytest.approx(root, abs=5.1e-7)
    assert math.acos(math.sqrt(found.overlap)) / math.pi == pytest.approx(bayes, abs=5.1e-7)
    assert found.error == pytest.approx(math.acos(found.overlap) / math.pi, abs=1e-14)
    assert found.training_error == 0.0
    assert found.free_entropy == found.entropy
    if entropy is not None:
        assert found.entropy == pytest.approx(entropy, abs=5.1e-5)


def test_the_thresholds():
    assert theory.transition_load() == pytest.approx(1.2446840, abs=5.1e-8)
    assert theory.spinodal_load() == pytest.approx(1.4926318, abs=5.1e-8)
    jump = theory.binary_student(theory.transition_load())
    assert jump.overlap == pytest.approx(0.693760, abs=5.1e-7)
    assert jump.entropy == pytest.approx(0.0, abs=1e-14)
    assert theory.binary_student(theory.spinodal_load()).overlap == pytest.approx(0.893661, abs=5e-7)
    assert theory.binary_student(1.249).entropy == pytest.approx(-0.0017, abs=5e-5)


def test_equilibrium_is_the_teacher_from_the_transition_on():
    last = theory.transition_load()
    loads = np.array([0.3, last * (1 - 1e-12), last, 1.3, 1e6])
    found = theory.binary_student(loads, branch="equilibrium")
    student = theory.binary_student(loads[:2])
    assert found.overlap.tolist() == [*student.overlap.tolist(), 1.0, 1.0, 1.0]
    assert found.error[2:].tolist() == found.entropy[2:].tolist() == [0.0] * 3
    assert (np.diff(found.entropy) <= 0).all()
    assert found == theory.binary_student(loads, branch="equilibrium")
    assert found != theory.binary_student(loads + 1e-3, branch="equilibrium")


def functional(order, load, beta):
    """What is stationary at the solution, of R, q and their conjugates."""
    overlap, q, conjugate, square = order
    floor = mp.exp(-beta)

    def weight(z):
        return mp.npdf(z) * mp.log(2 * mp.cosh(mp.sqrt(square) * z + conjugate))

    def example(t):
        right = mp.ncdf(overlap * t / mp.sqrt(q - overlap**2))
        return mp.npdf(t) * right * mp.log(floor + (1 - floor) * mp.ncdf(mp.sqrt(q / (1 - q)) * t))

    places = [-13, -4, -1, 0, 1, 4, 13]
    energy = 2 * load * mp.quad(example, places)
    return -overlap * conjugate - square * (1 - q) / 2 + mp.quad(weight, places) + energy


def solution(load, beta):
    """R, q, their conjugates and phi as the package finds them."""
    found = theory.binary_student(load, beta=beta)
    low, high = -25.0, module._spinodal(beta)[0]
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if module._point(middle, beta).load < load else (low, middle)
    conjugate, square = module._conjugates(low, beta)
    prior = module._prior(conjugate, square)
    assert prior.overlap == pytest.approx(found.overlap, abs=1e-10)
    return [prior.overlap, prior.spread + prior.overlap**2, conjugate, square], found


@pytest.mark.parametrize(("load", "beta"), [(0.4, 1.0), (1.4, 4.0), (1.2, math.inf)])
def test_the_free_entropy_is_stationary_in_all_four(load, beta):
    """With half or twice the coupling of the labels (2 alpha) it is not; its slope in beta is the energy."""
    order, found = solution(load, beta)
    with mp.workdps(16):
        assert float(functional(order, load, beta)) == pytest.approx(found.free_entropy, abs=1e-11)
        step = mp.mpf("1e-5")
        for k in range(4):
            ends = [[x + sign * step * (j == k) for j, x in enumerate(order)] for sign in (1, -1)]
            higher, lower = (functional(end, load, beta) for end in ends)
            assert float((higher - lower) / 2 / step) == pytest.approx(0.0, abs=1e-6)
            if k < 2:
                off = functional(ends[0], load / 2, beta) - functional(ends[1], load / 2, beta)
                assert abs(float(off / 2 / step)) > 1e-2
        if beta < math.inf:
            slope = (functional(order, load, beta + step) - functional(order, load, beta - step)) / 2 / step
            assert float(slope) == pytest.approx(-load * found.training_error, abs=1e-8)
            heat = beta * load * found.training_error
            assert found.entropy == pytest.approx(found.free_entropy + heat, abs=1e-12)


@settings(max_examples=15, deadline=None)
@given(load=st.floats(0.05, 1.2), beta=st.floats(0.05, 30.0))
def test_inequalities_of_students(load, beta):
    """The mean of Z bounds phi (Jensen), heat adds entropy, and more examples leave less of it."""
    found, cold = theory.binary_student(load, beta=beta), theory.binary_student(load)
    right = (1 + math.exp(-beta)) / 2  # of an answer that is a coin
    angle = np.linspace(0, math.pi, 2001)
    up = np.cos(angle / 2) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nan_to_num(up * np.log(up)) - np.nan_to_num((1 - up) * np.log1p(-up))
    wrong = angle / math.pi
    mean = entropy + load * np.log(1 - wrong + wrong * math.exp(-beta))
    assert found.free_entropy <= mean.max() + 1e-6
    assert math.log(2) + load * math.log(right) <= mean.max() + 1e-6
    assert cold.free_entropy <= found.free_entropy + 1e-12
    assert cold.entropy <= found.entropy + 1e-9
    assert 0 < found.overlap <= cold.overlap + 1e-9
    assert theory.binary_student(load + 0.01, beta=beta).free_entropy < found.free_entropy
    assert 0 <= found.training_error < min(found.error, 0.5)


def test_temperature_moves_the_transition_from_one_limit_to_the_other():
    """At high temperature only alpha beta counts: 1.70 and 2.08 (Seung, Sompolinsky and Tishby 1992)."""
    hot, cold = 0.01, 30.0
    assert theory.transition_load(beta=cold) == pytest.approx(theory.transition_load(), abs=1e-8)
    assert theory.spinodal_load(beta=cold) == pytest.approx(theory.spinodal_load(), abs=1e-8)
    angle = np.linspace(1e-3, 2.0, 20001)
    up = np.cos(angle / 2) ** 2
    entropy = -up * np.log(up) - (1 - up) * np.log1p(-up)
    limit = (math.pi * entropy / angle).max()  # where S(R) - alpha beta arccos(R) / pi has 0 as its largest
    assert limit == pytest.approx(1.70, abs=0.01)
    assert hot * theory.transition_load(beta=hot) == pytest.approx(limit, rel=0.01)
    assert hot * theory.spinodal_load(beta=hot) == pytest.approx(2.08, abs=0.02)
    loads = [theory.transition_load(beta=beta) for beta in (0.5, 1.0, 2.0, 4.0, 8.0)]
    assert (np.diff(loads) < 0).all()
    at = theory.binary_student(loads[2], beta=2.0)
    assert at.free_entropy == pytest.approx(0.0, abs=1e-12)
    assert at.entropy > 0.2


def test_few_examples():
    """R = 2 alpha / pi, and s falls by ln 2 for an example."""
    for load in (1e-6, 1e-4):
        found = theory.binary_student(load)
        assert found.overlap == pytest.approx(2 * load / math.pi, rel=2 * load)
        assert math.log(2) - found.entropy == pytest.approx(load * math.log(2), rel=2 * load, abs=1e-15)
        warm = theory.binary_student(load, beta=1.0)
        assert warm.training_error == pytest.approx(1 / (1 + math.e), rel=2 * load)
        assert warm.overlap == pytest.approx(2 * load / math.pi * math.tanh(0.5), rel=2 * load)


# Exact counts


@pytest.mark.parametrize(("n", "p"), [(1, 2), (3, 1), (3, 2), (5, 1), (5, 2)])
def test_the_mean_number_of_students_over_all_examples(n, p):
    signs = np.array(list(itertools.product([-1, 1], repeat=n)))
    alike = np.sign(signs @ signs.T) > 0
    same = alike == alike[:, :1]  # the teacher is the first
    total = sum(same[list(inputs)].all(axis=0).sum() for inputs in itertools.product(range(2**n), repeat=p))
    assert theory.mean_binary_students(p, n) == pytest.approx(total / 2 ** (n * p), rel=1e-12)
    assert theory.mean_binary_students(0, n) == pytest.approx(2.0**n, rel=1e-12)


def test_after_all_examples_that_a_number_can_count_the_teacher_is_alone():
    for n, kind in ((1001, "binary"), (101, "binary"), (100, "gaussian"), (1001, "gaussian")):
        assert theory.mean_binary_students(2**63 - 1, n, distribution=kind) == pytest.approx(1.0, rel=1e-11)


def test_gaussian_inputs_count_like_angles():
    mean = theory.mean_binary_students(3, 4, distribution="gaussian")
    angles = np.arccos([1.0, 0.5, 0.0, -0.5, -1.0])
    assert mean == pytest.approx(((1 - angles / math.pi) ** 3 * [1, 4, 6, 4, 1]).sum(), rel=1e-12)


def test_the_annealed_load_is_where_the_others_vanish():
    """Lyuu and Rivin's 1.44797; it is above the jump, and below the spinodal."""
    load = theory.annealed_load()
    assert load == pytest.approx(1.44797, abs=5.1e-6)
    assert theory.transition_load() < load < theory.spinodal_load()
    for n in (201, 1001):
        others = [theory.mean_binary_students(round(a * n), n) - 1 for a in (load - 0.1, load + 0.1)]
        assert others[0] > 100
        assert others[1] < 0.1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.binary_student(1.5), ValueError, r"at most 1\.4926318.* got 1\.5"),
        (lambda: theory.binary_student(1.95, beta=2.0), ValueError, r"at most 1\.9026.* got 1\.95"),
        (lambda: theory.binary_student(0.0), ValueError, "load must be positive"),
        (lambda: theory.binary_student(1e-7), ValueError, "load must be at least 1e-06"),
        (lambda: theory.binary_student(math.nan), ValueError, "load must be finite"),
        (lambda: theory.binary_student("1"), TypeError, "load must hold real numbers"),
        (lambda: theory.binary_student(True), TypeError, "load must hold real numbers"),
        (lambda: theory.binary_student(np.ma.array([1.0])), TypeError, "got a masked array"),
        (lambda: theory.binary_student(1.0, branch="teacher"), ValueError, "branch must be one of"),
        (lambda: theory.binary_student(1.0, beta=0.0), ValueError, "beta must be positive"),
        (lambda: theory.binary_student(1.0, beta=0.001), ValueError, "beta must be at least 0.01"),
        (lambda: theory.transition_load(beta=math.nan), ValueError, "beta must be finite"),
        (lambda: theory.spinodal_load(beta=[1.0]), TypeError, "beta must be a real number"),
        (lambda: theory.mean_binary_students(3, 4), ValueError, "n_inputs must be odd .* got 4"),
        (lambda: theory.mean_binary_students(-1, 3), ValueError, "n_examples must be at least 0"),
        (lambda: theory.mean_binary_students(1.0, 3), TypeError, "n_examples must be an integer"),
        (lambda: theory.mean_binary_students(1, 1003), ValueError, "n_inputs must be at most 1001"),
        (
            lambda: theory.mean_binary_students(1, 3, distribution="signs"),
            ValueError,
            "distribution must be one of",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_scalars_and_arrays():
    assert isinstance(theory.binary_student(1).overlap, float)
    assert theory.binary_student([[0.5, 1.0]]).entropy.shape == (1, 2)
    assert theory.binary_student([]).overlap.shape == (0,)
    assert theory.binary_student(1.0, beta=np.float64(math.inf)) == theory.binary_student(1.0)
