"""State evolution beside its table, quadratures with more digits, other parts of the package, and limits."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.theory import dynamics
from smbook.theory import message_passing as theory
from smbook.theory.perceptron import bayes_curve, gibbs_curve

# Theory notes of the book: q, error, steps to 1e-6, and the first three steps.
TABLE = {
    ("gaussian", 0.5): (0.280326, 0.322395, 8, (0.2415, 0.2740, 0.2793)),
    ("gaussian", 1.0): (0.486264, 0.254373, 11, (0.3890, 0.4616, 0.4796)),
    ("gaussian", 2.0): (0.728298, 0.174534, 14, (0.5601, 0.6737, 0.7085)),
    ("gaussian", 3.0): (0.842606, 0.129855, 16, (0.6563, 0.7800, 0.8180)),
    ("binary", 0.5): (0.293089, 0.317903, 9, (0.2483, 0.2850, 0.2916)),
    ("binary", 1.0): (0.560715, 0.230626, 15, (0.4146, 0.5099, 0.5414)),
    ("binary", 1.2): (0.668661, 0.195239, 19, (0.4674, 0.5845, 0.6291)),
    ("binary", 1.4): (0.789699, 0.151644, 33, (0.5143, 0.6508, 0.7085)),
    ("binary", 1.48): (0.861077, 0.121576, 74, (0.5316, 0.6751, 0.7377)),
    ("binary", 1.49): (0.879556, 0.112816, 134, (0.5338, 0.6780, 0.7413)),
    ("binary", 1.6): (1.0, 0.0, 18, (0.5562, 0.7092, 0.7788)),
}
PRIORS = ("gaussian", "binary")
loads = st.floats(-5.9, 5.9).map(lambda exponent: 10.0**exponent)


@pytest.mark.parametrize(("prior", "load"), TABLE)
def test_the_table(prior, load):
    overlap, error, steps, first = TABLE[prior, load]
    course = theory.state_evolution(load, prior=prior, n_steps=400)
    np.testing.assert_allclose(course.overlap[1:4], first, atol=5.1e-5)
    assert course.overlap[-1] == pytest.approx(overlap, abs=5.1e-7)
    assert course.error[-1] == pytest.approx(error, abs=5.1e-7)
    settled = int(np.argmax(np.abs(np.diff(course.overlap)) < 1e-6))
    assert abs(settled + 1 - steps) <= 1
    point = theory.fixed_points(load, prior=prior)
    assert point.overlap[0] == pytest.approx(overlap, abs=5.1e-7)
    assert point.error[0] == pytest.approx(error, abs=5.1e-7)


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("overlap", ["0.03", "0.6", "0.97"])
def test_one_step_with_more_digits(prior, overlap):
    """The formulas as they stand, by another quadrature with 30 digits."""
    with mp.workdps(30):
        q, load = mp.mpf(overlap), mp.mpf("1.3")
        points = [-12, -4, 0, 4, 12]
        mean = mp.quad(lambda t: mp.npdf(t) * mp.exp(-q * t * t / 2) / mp.ncdf(-mp.sqrt(q) * t), points)
        r = load / mp.pi / mp.sqrt(1 - q) * mean
        binary = mp.quad(lambda z: mp.npdf(z) * mp.tanh(r + mp.sqrt(r) * z), [-12, -6, -3, 0, 3, 6, 12])
        expected = r / (1 + r) if prior == "gaussian" else binary
    found = theory.state_evolution(1.3, prior=prior, n_steps=1, initial=float(overlap)).overlap[1]
    assert found == pytest.approx(float(expected), abs=2e-14)


@given(load=loads)
@settings(max_examples=25)
def test_gaussian_weights_end_on_the_curve_of_bayes(load):
    point = theory.fixed_points(load)
    assert point.overlap[0] == pytest.approx(gibbs_curve(load).overlap, rel=1e-9)
    assert point.error[0] == pytest.approx(bayes_curve(load).error, rel=1e-9)
    assert point.stable.tolist() == [True, False]
    assert point.free_entropy[1] == -math.inf


def test_binary_weights_are_the_students_at_zero_temperature():
    """Two parts of the package that share no integral."""
    for load in (1e-5, 0.3, 1.0, 1.3, 1.49):
        point, student = theory.fixed_points(load, prior="binary"), dynamics.binary_student(load)
        assert point.overlap[0] == pytest.approx(student.overlap, rel=1e-9)
        assert point.free_entropy[0] == pytest.approx(student.entropy, abs=1e-13)
        assert point.stable.tolist() == [True, False, True]
        assert point.overlap[-1] == 1.0
        assert point.error[-1] == point.free_entropy[-1] == 0.0


def test_the_thresholds():
    found = theory.binary_thresholds()
    assert found.information == pytest.approx(1.2446840, abs=5.1e-8)
    assert found.algorithmic == pytest.approx(1.4926318, abs=5.1e-8)
    assert found.information == pytest.approx(dynamics.transition_load(), abs=1e-11)
    assert found.algorithmic == pytest.approx(dynamics.spinodal_load(), abs=1e-11)
    at = theory.fixed_points(found.information, prior="binary")
    assert at.overlap[0] == pytest.approx(0.693760, abs=5.1e-7)
    assert at.free_entropy[0] == pytest.approx(0.0, abs=1e-14)
    below = theory.fixed_points(found.algorithmic * (1 - 1e-10), prior="binary").overlap
    assert below[:2].mean() == pytest.approx(0.893661, abs=1e-6)
    assert theory.fixed_points(found.algorithmic * (1 + 1e-10), prior="binary").overlap.tolist() == [1.0]
    entropy = theory.fixed_points(1.249, prior="binary").free_entropy[0]
    assert entropy == pytest.approx(-0.0017, abs=5e-5)


@pytest.mark.parametrize(
    ("prior", "load"), [("gaussian", 1.0), ("binary", 0.7), ("binary", 1.3), ("binary", 1.49)]
)
def test_fixed_points_rest_and_are_where_the_free_entropy_is_level(prior, load):
    found = theory.fixed_points(load, prior=prior)
    for k, (overlap, stable) in enumerate(zip(found.overlap, found.stable, strict=True)):
        after = theory.state_evolution(load, prior=prior, n_steps=1, initial=overlap).overlap[1]
        assert after == pytest.approx(overlap, abs=1e-12)
        if overlap == 1.0:
            continue
        near = overlap + 1e-4 * (1 - overlap) * np.array([-1, 1])
        stepped = [theory.state_evolution(load, prior=prior, n_steps=1, initial=q).overlap[1] for q in near]
        assert (abs(stepped[1] - stepped[0]) < near[1] - near[0]) == stable
        heights = theory.free_entropy(load, [near[0], overlap, near[1]], prior=prior)
        slope = (heights[2] - heights[0]) / (near[1] - near[0])
        assert slope == pytest.approx(0.0, abs=1e-6)
        assert heights[1] == pytest.approx(found.free_entropy[k], abs=1e-13)
        assert (heights[1] > heights[0]) == (heights[1] > heights[2]) == stable  # a peak or a valley


@pytest.mark.parametrize("prior", PRIORS)
def test_the_slope_is_half_of_what_is_given_less_what_is_needed(prior):
    """So it rises where a step leads up. The precision needed for q is that of the load at which q rests."""
    for load in (0.4, 1.3, 1.6):
        grid = np.linspace(0.02, 0.98, 33)
        after = [theory.state_evolution(load, prior=prior, n_steps=1, initial=q).overlap[1] for q in grid]
        slope = np.subtract(*theory.free_entropy(load, [grid + 1e-6, grid - 1e-6], prior=prior)) / 2e-6
        assert ((slope > 0) == (np.array(after) > grid)).all()
        if prior == "gaussian":
            given_, needed = np.array(after) / (1 - np.array(after)), grid / (1 - grid)
            np.testing.assert_allclose(slope, (given_ - needed) / 2, rtol=1e-6, atol=1e-7)


def test_the_free_entropy_with_more_digits():
    """Its definition: least in r, and so not less at any other r."""
    load, q, points = 1.1, 0.5, [-9, -3, 0, 3, 9]
    with mp.workdps(18):

        def bracket(r):
            mean = mp.quad(lambda z: mp.npdf(z) * mp.log(mp.cosh(r + mp.sqrt(r) * z)), points)
            return mp.log(2) - r / 2 + mean - r * q / 2

        a = mp.sqrt(q / (1 - mp.mpf(q)))
        doubt = mp.quad(lambda t: mp.npdf(t) * mp.ncdf(a * t) * mp.log(mp.ncdf(a * t)), points)
        r = mp.findroot(
            lambda r: mp.quad(lambda z: mp.npdf(z) * mp.tanh(r + mp.sqrt(r) * z), points) - q,
            (0.8, 1.0),
            solver="secant",
            tol=1e-14,
        )
        least = bracket(r)
        assert all(bracket(r * factor) > least for factor in (0.5, 0.9, 1.1, 2))
        expected = float(least + 2 * load * doubt)
    assert theory.free_entropy(load, q, prior="binary") == pytest.approx(expected, abs=1e-12)


def test_the_ends_of_the_free_entropy():
    """No overlap: half of all weights, at each example. The teacher itself: one set of weights, or none."""
    for load in (1e-6, 1.0, 3.0):
        both = theory.free_entropy(load, [0.0, 1.0], prior="binary")
        np.testing.assert_allclose(both, [(1 - load) * math.log(2), 0.0], atol=1e-14)
        assert theory.free_entropy(load, 0.0) == pytest.approx(-load * math.log(2), rel=1e-14)
        assert theory.free_entropy(load, 1.0) == -math.inf
    assert theory.free_entropy(1.0, 1 - 2**-53, prior="binary") == pytest.approx(0.0, abs=1e-7)
    table = theory.free_entropy([[0.5], [1.0]], [0.1, 0.2, 0.3], prior="binary")
    assert table.shape == (2, 3)
    assert table[1, 2] == theory.free_entropy(1.0, 0.3, prior="binary")
    assert isinstance(theory.free_entropy(1.0, 0.3), float)


@given(load=loads, first=st.floats(0, 1), second=st.floats(0, 1), prior=st.sampled_from(PRIORS))
@settings(max_examples=60, deadline=None)
def test_steps_keep_the_order(load, first, second, prior):
    low, high = sorted((first, second))
    one = theory.state_evolution(load, prior=prior, n_steps=4, initial=low)
    other = theory.state_evolution(load, prior=prior, n_steps=4, initial=high)
    assert (one.overlap <= other.overlap + 1e-12).all()
    for course in (one, other):
        assert ((course.overlap >= 0) & (course.overlap <= 1)).all()
        assert ((course.error >= 0) & (course.error <= 0.5)).all()


def test_from_nothing_it_rises_and_from_the_teacher_it_stays():
    for prior in PRIORS:
        for load in (0.1, 1.0, 1.45, 5.0):
            course = theory.state_evolution(load, prior=prior, n_steps=80)
            assert (np.diff(course.overlap) >= -1e-15).all()
            assert (np.diff(course.error) <= 1e-15).all()
            told = theory.state_evolution(load, prior=prior, n_steps=5, initial=1.0)
            assert told.overlap.tolist() == [1.0] * 6
            assert told.error.tolist() == [0.0] * 6


def test_the_barrier_parts_what_forgets_from_what_finds():
    barrier = theory.fixed_points(1.3, prior="binary").overlap[1]
    below = theory.state_evolution(1.3, prior="binary", n_steps=300, initial=barrier - 1e-3)
    above = theory.state_evolution(1.3, prior="binary", n_steps=300, initial=barrier + 1e-3)
    assert below.overlap[-1] == pytest.approx(theory.fixed_points(1.3, prior="binary").overlap[0], abs=1e-9)
    assert above.overlap[-1] == 1.0


def test_the_time_in_the_bottleneck():
    """All steps to the teacher, from 2074 to 68, are those of the law within three."""
    for load in (1.49264, 1.4927, 1.493, 1.495, 1.5):
        steps = int(np.argmax(theory.state_evolution(load, prior="binary", n_steps=2200).overlap > 1 - 1e-6))
        assert abs(steps - theory.bottleneck_steps(load)) < 3
    last = theory.binary_thresholds().algorithmic
    ratio = theory.bottleneck_steps(last + 1e-6) / theory.bottleneck_steps(last + 1e-4)
    assert ratio == pytest.approx(10.0, rel=1e-4)


def test_no_steps_and_records():
    course = theory.state_evolution(1.0, n_steps=0)
    assert course.overlap.tolist() == [0.0]
    assert course.error.tolist() == [0.5]
    assert theory.state_evolution(1.0) == theory.state_evolution(1.0)
    assert theory.state_evolution(1.0) != theory.state_evolution(1.1)
    assert theory.fixed_points(1.0) == theory.fixed_points(1.0)
    assert theory.fixed_points(1.0) != theory.fixed_points(1.0, prior="binary")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: theory.state_evolution(0.0), ValueError, "load must be at least 1e-06; got 0.0"),
        (lambda: theory.state_evolution(-1), ValueError, "load must be at least"),
        (lambda: theory.state_evolution(1e7), ValueError, r"load must be at most 1e\+06"),
        (lambda: theory.state_evolution(math.nan), ValueError, "load must be finite"),
        (lambda: theory.state_evolution([1.0]), TypeError, "load must be a real number"),
        (lambda: theory.state_evolution("1"), TypeError, "load must be a real number"),
        (lambda: theory.state_evolution(1, prior="gauss"), ValueError, "prior must be one of"),
        (lambda: theory.state_evolution(1, n_steps=-1), ValueError, "n_steps must be at least 0"),
        (lambda: theory.state_evolution(1, n_steps=2.0), TypeError, "n_steps must be an integer"),
        (lambda: theory.state_evolution(1, initial=1.1), ValueError, "initial must be at most 1; got 1.1"),
        (lambda: theory.state_evolution(1, initial=-0.1), ValueError, "initial must be at least 0"),
        (lambda: theory.fixed_points(0.0), ValueError, "load must be at least"),
        (lambda: theory.fixed_points(1.0, prior=0), ValueError, "prior must be one of"),
        (lambda: theory.free_entropy(0.0, 0.5), ValueError, "load must be from 1e-06"),
        (lambda: theory.free_entropy([1.0, math.inf], 0.5), ValueError, "load must be finite"),
        (lambda: theory.free_entropy(1.0, -0.1), ValueError, "overlap must be at least 0; got -0.1"),
        (lambda: theory.free_entropy(1.0, [0.5, 1.5]), ValueError, "overlap must be at most 1; got 1.5"),
        (lambda: theory.free_entropy(1.0, "q"), TypeError, "overlap must hold real numbers"),
        (lambda: theory.free_entropy([1.0, 2.0], [0.1, 0.2, 0.3]), ValueError, "must broadcast"),
        (lambda: theory.free_entropy(1.0, 0.5, prior="none"), ValueError, "prior must be one of"),
        (lambda: theory.bottleneck_steps(1.4), ValueError, "load must be above 1.4926318"),
        (lambda: theory.bottleneck_steps(math.inf), ValueError, "load must be finite"),
    ],
)
def test_what_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
