"""Kernels of infinite width beside the book's tables, Gaussian averages, and the flow they give."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from smbook.theory.dynamics import arc_cosine, lazy_outputs, lazy_predictions, nngp_kernel, tangent_kernel

# Theory notes of the book: degrees, kappa_0, kappa_1, Theta.
TABLE = [
    (0, 1, 1, 2),
    (30, 0.83333333, 0.88084278, 1.60253062),
    (45, 0.75, 0.75540916, 1.28573925),
    (60, 0.66666667, 0.60899778, 0.94233111),
    (90, 0.5, 0.31830989, 0.31830989),
    (120, 0.33333333, 0.10899778, -0.05766889),
    (150, 0.16666667, 0.01481738, -0.12952019),
    (180, 0, 0, 0),
]
DEPTH_COSINES = [0.318310, 0.493731, 0.604826, 0.680954, 0.735946]
DEPTH_TANGENT = [0.318310, 0.685709, 1.060388, 1.430390, 1.792196]
depths = st.integers(0, 12)


def at_angle(angle):
    """Two inputs of length 1 that far apart."""
    return [[1.0, 0.0]], [[math.cos(angle), math.sin(angle)]]


def random_inputs(seed, n, dimension, *, spread=1.0):
    rng = np.random.default_rng([seed, 3])
    return rng.standard_normal((n, dimension)) * np.exp(spread * rng.standard_normal((n, 1)))


def steps_and_slopes(seed, n_examples=6):
    """A kernel, a kernel to new inputs, and targets."""
    inputs, new = random_inputs(seed, n_examples, 4), random_inputs(seed + 100, 3, 4)
    targets = np.random.default_rng([seed, 4]).standard_normal(n_examples)
    return tangent_kernel(inputs), tangent_kernel(new, inputs), targets


@pytest.mark.parametrize(("degrees", "slopes", "rectifiers", "tangent"), TABLE)
def test_the_table(degrees, slopes, rectifiers, tangent):
    angle = math.radians(degrees)
    assert arc_cosine(0, math.cos(angle)) == pytest.approx(slopes, abs=5.1e-9)
    assert arc_cosine(1, math.cos(angle)) == pytest.approx(rectifiers, abs=5.1e-9)
    assert nngp_kernel(*at_angle(angle))[0, 0] == pytest.approx(rectifiers, abs=5.1e-9)
    assert tangent_kernel(*at_angle(angle))[0, 0] == pytest.approx(tangent, abs=5.1e-9)


def test_the_table_of_depths():
    pair = at_angle(math.pi / 2)
    cosines = [nngp_kernel(*pair, depth=depth)[0, 0] for depth in range(1, 6)]
    tangent = [tangent_kernel(*pair, depth=depth)[0, 0] for depth in range(1, 6)]
    np.testing.assert_allclose(cosines, DEPTH_COSINES, atol=5.1e-7)
    np.testing.assert_allclose(tangent, DEPTH_TANGENT, atol=5.1e-7)


@pytest.mark.parametrize("seed", range(10))
def test_the_kernels_are_averages_over_gaussian_fields(seed):
    rng = np.random.default_rng(seed)
    u = rng.uniform(-1, 1)
    one, other = rng.standard_normal((2, 100_000))
    other = u * one + math.sqrt(1 - u * u) * other
    products = np.maximum(one, 0) * np.maximum(other, 0), (one > 0) * (other > 0.0)
    for order, draws in ((1, products[0]), (0, products[1])):
        error = 2 * draws.std() / math.sqrt(draws.size)
        assert abs(2 * draws.mean() - arc_cosine(order, u)) < 4 * error


def exact_layers(x, y, depth):
    """The recursion with 40 digits."""
    with mp.workdps(40):
        left, right = mp.matrix(x), mp.matrix(y)
        lengths = mp.norm(left) * mp.norm(right)
        u = mp.fdot(left, right) / lengths
        tangent = u
        for _ in range(depth):
            turn = mp.pi - mp.acos(mp.mpf(max(-1, min(1, u))))
            first = (u * turn + mp.sqrt(max(0, 1 - u * u))) / mp.pi
            tangent, u = tangent * turn / mp.pi + first, first
        return float(lengths * u), float(lengths * tangent)


@settings(max_examples=60, deadline=None)
@given(depth=depths, seed=st.integers(0, 999), apart=st.floats(-16, 1), sign=st.sampled_from([1, -1]))
def test_all_digits_also_for_inputs_that_nearly_agree_or_are_opposite(depth, seed, apart, sign):
    """Where arccos of a product would lose half of the digits, and kappa_1 near -1 all of them."""
    x = random_inputs(seed, 1, 3)
    y = sign * x + 10.0**apart * random_inputs(seed + 1, 1, 3)
    covariance, tangent = exact_layers(x[0].tolist(), y[0].tolist(), depth)
    scale = np.linalg.norm(x) * np.linalg.norm(y)
    assert nngp_kernel(x, y, depth=depth)[0, 0] == pytest.approx(covariance, abs=2e-15 * scale * (depth + 2))
    assert tangent_kernel(x, y, depth=depth)[0, 0] == pytest.approx(tangent, abs=4e-15 * scale * (depth + 2))


@given(depth=depths, seed=st.integers(0, 99))
def test_kernels_are_kernels(depth, seed):
    """Symmetric, without negative eigenvalues, homogeneous, and the squares on the diagonal."""
    inputs = random_inputs(seed, 7, 3, spread=0.5)
    squares = (inputs**2).sum(axis=1)
    for kernel, times in ((nngp_kernel, 1), (tangent_kernel, depth + 1)):
        found = kernel(inputs, depth=depth)
        np.testing.assert_allclose(found, found.T, atol=1e-14 * squares.max())
        np.testing.assert_allclose(np.diag(found), times * squares, rtol=1e-14)
        assert np.linalg.eigvalsh(found)[0] > -1e-12 * found.max()
        np.testing.assert_allclose(kernel(3 * inputs, 2 * inputs, depth=depth), 6 * found, rtol=1e-13)
    np.testing.assert_allclose(nngp_kernel(inputs, depth=0), inputs @ inputs.T, atol=1e-14 * squares.max())


def test_inputs_become_alike_with_depth():
    cosines = [nngp_kernel(*at_angle(math.pi), depth=depth)[0, 0] for depth in range(40)]
    assert cosines[0] == -1.0
    assert (np.diff(cosines) > 0).all()
    assert 0.98 < cosines[-1] < 1.0


def test_a_zero_input_has_no_kernel():
    for kernel in (nngp_kernel, tangent_kernel):
        np.testing.assert_array_equal(kernel([[0.0, 0.0], [1.0, 0.0]])[0], [0.0, 0.0])


# Training with a fixed kernel


@pytest.mark.parametrize("seed", range(3))
def test_lazy_outputs_and_predictions_are_the_integrated_flow(seed):
    kernel, to_new, targets = steps_and_slopes(seed)
    n, start, start_new = len(targets), np.linspace(-1, 1, len(targets)), np.array([0.5, 0.0, -0.5])

    def flow(_, f):
        pull = (targets - f[:n]) / n
        return np.concatenate([kernel @ pull, to_new @ pull])

    times = np.array([0.0, 0.3, 2.0, 11.0])
    begun = np.concatenate([start, start_new])
    exact = solve_ivp(flow, (0, 11), begun, t_eval=times, method="DOP853", rtol=1e-12, atol=1e-12).y.T
    np.testing.assert_allclose(lazy_outputs(kernel, targets, times, initial=start), exact[:, :n], atol=1e-9)
    found = lazy_predictions(kernel, to_new, targets, times, initial=start, initial_new=start_new)
    np.testing.assert_allclose(found, exact[:, n:], atol=1e-9)


def test_the_end_of_training_is_regression_with_the_kernel():
    kernel, to_new, targets = steps_and_slopes(5)
    np.testing.assert_allclose(lazy_outputs(kernel, targets, math.inf), targets, rtol=1e-12)
    expected = to_new @ np.linalg.solve(kernel, targets)
    np.testing.assert_allclose(lazy_predictions(kernel, to_new, targets, math.inf), expected, rtol=1e-10)
    late = lazy_predictions(kernel, to_new, targets, [[1e9, math.inf]])
    assert late.shape == (1, 2, 3)
    np.testing.assert_allclose(late[0, 0], late[0, 1], rtol=1e-12)


@given(seed=st.integers(0, 99), times=st.lists(st.floats(0, 1e6), min_size=2, max_size=5))
def test_the_loss_never_rises(seed, times):
    kernel, _, targets = steps_and_slopes(seed)
    left = ((lazy_outputs(kernel, targets, np.sort(times)) - targets) ** 2).sum(axis=1)
    assert (np.diff(left) <= 1e-12 * left[0]).all()


def test_predictions_at_the_examples_are_the_outputs():
    kernel, _, targets = steps_and_slopes(7)
    times = [0.0, 1.0, 50.0]
    start = np.arange(6.0)
    np.testing.assert_allclose(
        lazy_predictions(kernel, kernel, targets, times, initial=start, initial_new=start),
        lazy_outputs(kernel, targets, times, initial=start),
        atol=1e-12,
    )


def test_what_the_kernel_does_not_see_is_not_learned():
    """Two equal inputs with different targets: their mean is learned, however long it takes."""
    inputs = [[1.0, 0.0], [1.0, 0.0]]
    kernel = tangent_kernel(inputs)
    np.testing.assert_allclose(lazy_outputs(kernel, [1.0, 0.0], [1e30, math.inf]), 0.5, rtol=1e-12)
    np.testing.assert_allclose(lazy_predictions(kernel, kernel, [1.0, 0.0], math.inf), 0.5, rtol=1e-12)


def test_what_is_beyond_floats_is_told_or_the_end():
    assert lazy_outputs([[1e100]], [1.0], 1e300) == [1.0]
    with pytest.raises(FloatingPointError, match="beyond the range of floats"):
        lazy_predictions([[1e-300]], [[1e100]], [1e100], math.inf)
    with pytest.raises(TypeError, match="masked"):
        lazy_outputs([[1.0]], [1.0], np.ma.masked_array([math.inf], mask=[True]))
    with pytest.raises(ValueError, match="depth must be at most 100000"):
        tangent_kernel([[1.0]], depth=10**9)


BAD = [
    (arc_cosine, (2, 0.5), {}, ValueError, "order must be at most 1; got 2"),
    (arc_cosine, (True, 0.5), {}, TypeError, "order must be an integer; got True"),
    (arc_cosine, (0, 1.5), {}, ValueError, "cosine must be at most 1; got 1.5"),
    (arc_cosine, (0, [-1.1]), {}, ValueError, "cosine must be at least -1; got -1.1"),
    (arc_cosine, (0, math.nan), {}, ValueError, "cosine must be finite; got nan"),
    (nngp_kernel, ([1.0, 2.0],), {}, ValueError, "inputs must be a matrix"),
    (nngp_kernel, (np.empty((0, 2)),), {}, ValueError, "inputs must be a matrix"),
    (nngp_kernel, ("ab",), {}, TypeError, "inputs must hold real numbers"),
    (nngp_kernel, (np.ma.masked_array([[1.0]], [[True]]),), {}, TypeError, "masked"),
    (tangent_kernel, ([[1.0]], [[1.0, 2.0]]), {}, ValueError, "others must have 1 numbers"),
    (tangent_kernel, ([[1e200]],), {}, ValueError, "inputs must be at most"),
    (tangent_kernel, ([[1.0]],), {"depth": -1}, ValueError, "depth must be at least 0; got -1"),
    (tangent_kernel, ([[1.0]],), {"depth": 1.0}, TypeError, "depth must be an integer; got 1.0"),
    (lazy_outputs, ([[1.0, 2.0]], [1.0], 1.0), {}, ValueError, "kernel must be square"),
    (lazy_outputs, ([[1.0, 2.0], [0.0, 1.0]], [1.0, 1.0], 1.0), {}, ValueError, "kernel must be symmetric"),
    (
        lazy_outputs,
        ([[1.0, 2.0], [2.0, 1.0]], [1.0, 1.0], 1.0),
        {},
        ValueError,
        "negative eigenvalue; got -1",
    ),
    (lazy_outputs, ([[1.0]], [1.0, 1.0], 1.0), {}, ValueError, "targets must be 1 numbers"),
    (lazy_outputs, ([[1.0]], [1.0], -1.0), {}, ValueError, "times must be at least 0; got -1"),
    (lazy_outputs, ([[1.0]], [1.0], math.nan), {}, ValueError, "times must be finite; got nan"),
    (lazy_outputs, ([[1.0]], [1.0], [True]), {}, TypeError, "times must hold real numbers"),
    (
        lazy_outputs,
        ([[1.0]], [1.0], 1.0),
        {"initial": [1.0, 2.0]},
        ValueError,
        "initial must be one number or 1",
    ),
    (lazy_predictions, ([[1.0]], [1.0], [1.0], 1.0), {}, ValueError, "kernel_to_new must be"),
    (lazy_predictions, ([[1.0]], [[1.0]], [1.0], 1.0), {"initial_new": "a"}, TypeError, "initial_new"),
]


@pytest.mark.parametrize(("function", "arguments", "options", "error", "words"), BAD)
def test_bad_input_is_refused(function, arguments, options, error, words):
    with pytest.raises(error, match=words):
        function(*arguments, **options)
