"""Gradient descent with finite steps, against the iterations themselves, differences and a small network."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from smbook.theory import descent

STARTS = [  # rate, start, sharpness where the flow ends, x^2 + y^2 where descent ends
    (0.2, (4.0, 0.1), 16.115, 2.002647),
    (0.2, (3.5, 0.1), 12.402, 6.452666),
    (0.2, (3.0, 0.1), 9.210, 8.744779),
    (0.2, (2.0, 0.2), 4.436, 4.383873),
    (0.5, (2.0, 0.2), None, 3.132102),
]
METHODS = ("heavy-ball", "nesterov", "averaged")
moderate = st.floats(-3, 3)


def iterate(curvature, rate, momentum, method, n_steps=4000):
    """The distance from the minimum after so many steps, as the textbook writes them."""
    theta, before, mean = 1.0, 1.0, 0.0
    for _ in range(n_steps):
        if method == "averaged":
            mean = momentum * mean + (1 - momentum) * curvature * theta
            theta -= rate * mean
            continue
        lead = theta + momentum * (theta - before)
        slope = curvature * (lead if method == "nesterov" else theta)
        theta, before = lead - rate * slope, theta
        if abs(theta) > 1e100:
            return math.inf
    return abs(theta) + abs(before if method != "averaged" else mean)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_largest_rate_parts_what_converges_from_what_grows(method, momentum):
    limit = descent.largest_rate(3.0, momentum=momentum, method=method)
    assert iterate(3.0, 0.99 * limit, momentum, method) < 1e-3
    assert iterate(3.0, 1.01 * limit, momentum, method) > 1e3
    for rate, below in ((0.999 * limit, True), (1.001 * limit, False)):
        assert (descent.contraction(3.0, rate, momentum=momentum, method=method) < 1) is below
    assert descent.contraction(3.0, limit, momentum=momentum, method=method) == pytest.approx(1, abs=1e-12)


def test_a_limit_of_the_wrong_method_is_caught():
    """Heavy ball's limit is too large for Nesterov's momentum."""
    rate = 0.99 * descent.largest_rate(3.0, momentum=0.9)
    assert iterate(3.0, rate, 0.9, "heavy-ball") < 1
    assert iterate(3.0, rate, 0.9, "nesterov") == math.inf


def test_the_limit_of_adam():
    assert descent.largest_rate(1.0, momentum=0.9, method="averaged") == pytest.approx(38)
    gentle = descent.largest_rate(5.0, momentum=0.9)
    assert descent.largest_rate(5.0, momentum=0.9, method="averaged") == pytest.approx(gentle / 0.1)


@pytest.mark.parametrize("method", METHODS)
def test_contraction_by_the_matrix_of_a_step(method):
    for curvature, rate, beta in ((2.0, 0.3, 0.4), (0.1, 0.5, 0.9), (7.0, 0.2, 0.05), (-1.0, 0.1, 0.5)):
        q = 1 - rate * curvature * (1 - beta if method == "averaged" else 1)
        rows = [(1 + beta) * q, -beta * q] if method == "nesterov" else [q + beta, -beta]
        expected = np.abs(np.linalg.eigvals([rows, [1.0, 0.0]])).max()
        found = descent.contraction(curvature, rate, momentum=beta, method=method)
        assert found == pytest.approx(expected, rel=1e-12)
        assert (found < 1) is (
            curvature > 0 and rate < descent.largest_rate(abs(curvature), momentum=beta, method=method)
        )


def test_polyaks_best_parameters():
    """With the two of Polyak the ends of the spectrum contract alike, by (sqrt k - 1) / (sqrt k + 1)."""
    low, high = 0.5, 50.0
    root = math.sqrt(high / low)
    rate, beta = 4 / (math.sqrt(high) + math.sqrt(low)) ** 2, ((root - 1) / (root + 1)) ** 2
    found = descent.contraction([low, 3.0, high], rate, momentum=beta)
    np.testing.assert_allclose(found, (root - 1) / (root + 1), rtol=1e-6)


@given(x=moderate, y=moderate)
def test_the_toy_by_differences(x, y):
    step = 1e-4
    gradient = descent.product_gradient(x, y)
    for k, (dx, dy) in enumerate(((step, 0), (0, step))):
        difference = descent.product_loss(x + dx, y + dy) - descent.product_loss(x - dx, y - dy)
        assert gradient[k] == pytest.approx(difference / (2 * step), abs=1e-6)
    hessian = [[y * y, 2 * x * y - 1], [2 * x * y - 1, x * x]]
    np.testing.assert_allclose(
        descent.product_hessian_eigenvalues(x, y), np.linalg.eigvalsh(hessian), atol=1e-13
    )


@pytest.mark.parametrize("x", [0.1, 1.0, -3.0])
def test_minima(x):
    low, high = descent.product_hessian_eigenvalues(x, 1 / x)
    assert low == pytest.approx(0, abs=1e-14)
    assert high == pytest.approx(x**2 + x**-2)
    assert high >= 2


@given(x=moderate, y=moderate, rate=st.floats(0.01, 2))
def test_a_step_balances(x, y, rate):
    after = descent.product_step(x, y, rate)
    gradient = descent.product_gradient(x, y)
    np.testing.assert_allclose(after, [x - rate * gradient[0], y - rate * gradient[1]], atol=1e-13)
    factor = 1 - (rate * (1 - x * y)) ** 2
    scale = 1 + after[0] ** 2 + after[1] ** 2
    assert after[0] ** 2 - after[1] ** 2 == pytest.approx((x * x - y * y) * factor, abs=1e-13 * scale)


@pytest.mark.parametrize("start", [(4.0, 0.1), (0.3, -2.0), (-1.0, -1.5), (0.2, 0.2), (0.5, -0.4), (1e-3, 0)])
def test_where_the_flow_ends(start):
    def slope(_, point):
        return [-part for part in descent.product_gradient(*point)]

    end = solve_ivp(slope, (0, 60), start, rtol=1e-11, atol=1e-13).y[:, -1]
    found = descent.product_flow_minimum(*start)
    np.testing.assert_allclose(found[:2], end, atol=1e-8)
    assert found.x * found.y == pytest.approx(1)
    assert found.sharpness == pytest.approx(found.x**2 + found.y**2)
    assert found.x**2 - found.y**2 == pytest.approx(start[0] ** 2 - start[1] ** 2, abs=1e-12)


@pytest.mark.parametrize(("rate", "start", "flow", "end"), STARTS)
def test_descent_settles_where_it_is_flat_enough(rate, start, flow, end):
    path = descent.product_path(*start, rate, 2000)
    x, y = path.x[-1], path.y[-1]
    assert x * y == pytest.approx(1, abs=1e-12)
    assert x**2 + y**2 == pytest.approx(end, abs=1e-6)
    assert x**2 + y**2 < descent.largest_rate(1.0) / rate
    sharpness = descent.product_flow_minimum(*start).sharpness
    assert x**2 + y**2 < sharpness
    assert flow is None or sharpness == pytest.approx(flow, abs=6e-4)
    assert path.loss[-1] < 1e-20


def test_the_path_of_the_sharpest_start():
    path = descent.product_path(4.0, 0.1, 0.2, 2000)
    assert (path.x[-1], path.y[-1]) == pytest.approx((-0.974608, -1.026053), abs=1e-6)
    one_by_one = [(4.0, 0.1)]
    for _ in range(50):
        one_by_one.append(descent.product_step(*one_by_one[-1], 0.2))
    np.testing.assert_allclose(np.transpose(one_by_one), [path.x[:51], path.y[:51]], rtol=1e-12)


@pytest.mark.parametrize(("rate", "start"), [(0.2, (5.0, 0.05)), (0.5, (3.0, 0.1))])
def test_some_starts_run_away(rate, start):
    path = descent.product_path(*start, rate, 500)
    assert path.diverged
    assert "diverged" in repr(path)
    assert np.isfinite(path.x[:3]).all()


@pytest.mark.parametrize(
    ("rate", "high", "low", "loss"),
    [
        (1.05, 1.0910895, 0.8728716, None),
        (1.1, 1.1160630, 0.8145516, 0.0433884),
        (1.2, 1.1395385, 0.7312902, 0.0763889),
    ],
)
def test_the_orbit_of_period_two(rate, high, low, loss):
    orbit = descent.period_two_orbit(rate)
    assert (orbit.high, orbit.low) == pytest.approx((high, low), abs=5e-8)
    assert loss is None or orbit.mean_loss == pytest.approx(loss, abs=5e-8)
    assert descent.product_step(orbit.high, orbit.high, rate)[0] == pytest.approx(orbit.low, abs=1e-14)
    assert descent.product_step(orbit.low, orbit.low, rate)[1] == pytest.approx(orbit.high, abs=1e-14)
    losses = [descent.product_loss(x, x) for x in (orbit.high, orbit.low)]
    assert orbit.mean_loss == pytest.approx(sum(losses) / 2, abs=1e-14)
    assert orbit.high * orbit.low == pytest.approx(1 / rate)
    assert orbit.stable


@given(rate=st.floats(1.001, 2.5))
def test_two_steps_by_differences(rate):
    """The multipliers are the eigenvalues of the Jacobian of two steps; the orbit is stable as they say."""
    orbit = descent.period_two_orbit(rate)

    def twice(x, y):
        return np.array(descent.product_step(*descent.product_step(x, y, rate), rate))

    h, at = 1e-6, orbit.high
    along = (twice(at + h, at + h) - twice(at - h, at - h))[0] / (2 * h)
    across = (twice(at + h, at - h) - twice(at - h, at + h))[0] / (2 * h)
    assert (orbit.along, orbit.across) == pytest.approx((along, across), abs=1e-5)
    first, last = descent.PERIOD_TWO_RATES
    assert orbit.stable == (first < rate < last)


def test_an_unbalanced_start_reaches_the_orbit():
    path = descent.product_path(1.6, 0.5, 1.1, 2000)
    orbit = descent.period_two_orbit(1.1)
    ends = sorted(path.x[-2:].tolist()), sorted(path.y[-2:].tolist())
    np.testing.assert_allclose(ends, [[orbit.low, orbit.high]] * 2, atol=1e-10)
    assert path.loss[-1000:].mean() == pytest.approx(orbit.mean_loss, abs=1e-10)


def test_period_four():
    assert not descent.period_two_orbit(1.25).stable
    path = descent.product_path(0.9, 0.9, 1.25, 4000)
    expected = [0.656626, 0.755146, 1.123522, 1.160805]
    np.testing.assert_allclose(np.sort(path.x[-4:]), expected, atol=1e-6)


class Network:
    """A network 1-20-20-1 of tanh units that learns a Chebyshev polynomial, by full-batch descent."""

    x = np.linspace(-1, 1, 20)
    target = np.cos(4 * np.arccos(x))

    def __init__(self, seed):
        rng = np.random.default_rng(seed)
        self.theta = np.zeros(481)
        for where, size, fan_in in (
            (slice(0, 20), 20, 1),
            (slice(40, 440), 400, 20),
            (slice(460, 480), 20, 20),
        ):
            self.theta[where] = rng.standard_normal(size) / math.sqrt(fan_in)

    def gradient(self, theta):
        inner, outer = theta[40:440].reshape(20, 20), theta[460:480]
        first = np.tanh(np.outer(theta[:20], self.x) + theta[20:40, np.newaxis])
        second = np.tanh(inner @ first + theta[440:460, np.newaxis])
        error = (outer @ second + theta[480] - self.target) / 20
        back = np.outer(outer, error) * (1 - second**2)
        front = (inner.T @ back) * (1 - first**2)
        parts = [
            front @ self.x,
            front.sum(1),
            (back @ first.T).ravel(),
            back.sum(1),
            second @ error,
            [error.sum()],
        ]
        return np.concatenate(parts)

    def sharpness(self, vector, n_iterations):
        for _ in range(n_iterations):
            vector = vector / np.linalg.norm(vector)
            ahead, behind = (
                self.gradient(self.theta + 1e-5 * vector),
                self.gradient(self.theta - 1e-5 * vector),
            )
            vector, before = (ahead - behind) / 2e-5, vector
        return float(before @ vector), vector

    def train(self, rate, until):
        """The sharpness once in each unit of time, the learning rate times the number of steps."""
        vector, found = np.ones(481), []
        for k in range(round(until / rate)):
            if k % round(1 / rate) == 0:
                value, vector = self.sharpness(vector, 8 if k else 100)
                found.append(value)
            self.theta -= rate * self.gradient(self.theta)
        return np.array(found)


def test_a_network_with_small_steps_sharpens():
    """Nearly gradient flow: nothing holds the sharpness back, which 2 / 0.05 = 40 would not yet."""
    found = Network(0).train(0.05, 401)
    assert found[0] == pytest.approx(5.297, abs=1e-3)
    np.testing.assert_allclose(
        found[[40, 80, 120, 160, 200, 400]], [9.4, 14.9, 21.7, 24.3, 25.2, 26.2], atol=0.06
    )


@pytest.mark.parametrize(
    ("rate", "seed", "crossing", "peak", "mean"),
    [
        (0.1, 0, 108, 22.6, 1.001),
        (0.1, 1, 203, 23.6, 1.014),
        (0.1, 2, 190, 22.2, 1.004),
        (0.2, 0, 48, 13.4, 1.000),
        (0.2, 1, 148, 13.7, 1.027),
        (0.2, 2, 104, 12.9, 1.000),
    ],
)
def test_a_network_at_the_edge_of_stability(rate, seed, crossing, peak, mean):
    """The sharpness rises to what the rate bears, overshoots, and hovers there.

    From the crossing on rounding is amplified: the peak moves by up to 4 % from one processor to another.
    """
    found = Network(seed).train(rate, 400) * rate / 2
    assert abs(int(np.argmax(found > 1)) - crossing) <= 5
    assert found.max() == pytest.approx(peak * rate / 2, rel=0.06)
    assert found[200:].mean() == pytest.approx(mean, abs=0.01)
    assert 1.05 < found.max() < 1.5
    assert 0.95 < found[200:].mean() < 1.06
    assert descent.largest_rate(found[200:].mean() * 2 / rate) == pytest.approx(rate, rel=0.06)


def test_numbers_and_arrays():
    x = np.array([[1.0], [2.0]])
    y = np.array([0.5, -1.0, 2.0])
    assert descent.product_loss(x, y).shape == (2, 3)
    assert [part.shape for part in descent.product_hessian_eigenvalues(x, y)] == [(2, 3)] * 2
    assert descent.product_hessian_eigenvalues(x, y) == descent.product_hessian_eigenvalues(x, y)
    assert descent.product_hessian_eigenvalues(x, y) != descent.product_hessian_eigenvalues(x, -y)
    assert descent.product_step(x, 2.0, 0.1)[0].shape == (2, 1)
    assert type(descent.product_loss(1, 2)) is float
    assert descent.largest_rate([1.0, 4.0]).tolist() == [2.0, 0.5]
    assert descent.product_path(1, 2, 0.1, 3) == descent.product_path(1, 2, 0.1, 3)
    assert descent.product_path(1, 2, 0.1, 3) != descent.product_path(1, 2, 0.1, 4)
    assert descent.product_path(1, 2, 0.1, 0).x.tolist() == [1.0]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: descent.largest_rate([1.0, 0.0]), ValueError, r"curvature must be positive; got 0\.0"),
        (lambda: descent.largest_rate(1.0, momentum=1.0), ValueError, r"momentum must be below 1; got 1\.0"),
        (lambda: descent.largest_rate(1.0, method="adam"), ValueError, "method must be one of"),
        (lambda: descent.contraction(1.0, 0.0), ValueError, r"rate must be positive; got 0\.0"),
        (lambda: descent.contraction("1", 0.1), TypeError, "curvature must hold real numbers"),
        (lambda: descent.contraction(1.0, 0.1, momentum=-0.1), ValueError, "momentum must be at least 0"),
        (lambda: descent.product_loss([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError, "x and y must broadcast"),
        (lambda: descent.product_step(1.0, math.nan, 0.1), ValueError, "y must be finite; got nan"),
        (lambda: descent.product_step(1.0, 1.0, -1.0), ValueError, "rate must be positive"),
        (lambda: descent.product_flow_minimum(1.0, -1.0), ValueError, r"x must not be -y.*got 1\.0, -1\.0"),
        (lambda: descent.product_flow_minimum([1.0], 1.0), TypeError, "x must be a real number"),
        (lambda: descent.product_path(1.0, 1.0, 0.1, -1), ValueError, "n_steps must be at least 0; got -1"),
        (
            lambda: descent.product_path(1.0, 1.0, 0.1, 2.5),
            TypeError,
            r"n_steps must be an integer; got 2\.5",
        ),
        (lambda: descent.period_two_orbit(1.0), ValueError, r"rate must be above 1.*got 1\.0"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
