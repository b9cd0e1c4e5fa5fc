"""The least work of erasing a bit: bounds in order, both limits, a minimum found without the equations."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri

from smbook.theory.thermodynamics import ErasureWork, erasure_work, label_information

WELLS = [0.0, -8.0, 0.0, 4.0]
CASES = [(WELLS, 0.0), (WELLS, 0.05), (WELLS, 0.3), ([0.0, 0.5, 0.0, 0.0], 0.0), ([0, -40.0, 0, 20.0], 0.01)]


def cell_law(coefficients):
    """Density, its integral from the left, and the inverse of that, by brute force."""
    _, c2, _, c4 = coefficients
    z = 2 * quad(lambda x: math.exp(-c2 * x**2 - c4 * x**4), 0, 8, epsabs=1e-13, limit=200)[0]

    def density(x):
        return np.exp(-c2 * x**2 - c4 * x**4) / z

    x = np.linspace(-6, 6, 1_200_001)
    share = np.concatenate([[0], np.cumsum((density(x[1:]) + density(x[:-1])) / 2 * np.diff(x))])
    return density, x, share / share[-1]


@pytest.mark.parametrize(("coefficients", "wrong"), CASES)
def test_bounds_are_in_order(coefficients, wrong):
    times = np.array([0.005, 0.05, 0.3, 2.0, 30.0, 1e3])
    work = erasure_work(coefficients, times, error=wrong)
    assert (work.landauer == label_information(wrong)).all()
    assert (work.lower > work.landauer).all()
    assert (work.optimal > work.lower).all()
    assert (work.optimal <= work.local_equilibrium * (1 + 1e-7)).all()
    assert (np.diff(work.optimal) < 0).all()
    # slow: local equilibrium costs nothing more, and all tend to Landauer
    assert work.optimal[-1] == pytest.approx(work.local_equilibrium[-1], rel=1e-5)
    assert work.optimal[-1] == pytest.approx(work.landauer[-1], abs=3e-3)
    # quick: the particles are only just brought across
    assert (work.optimal * times)[0] == pytest.approx(
        (work.lower * times)[0], rel=0.15 if wrong < 0.2 else 0.3
    )
    if wrong == 0:
        assert (work.local_equilibrium < 4 * work.optimal).all()
        assert work.local_equilibrium[0] > 1.6 * work.optimal[0]


@pytest.mark.parametrize("wrong", [0.0, 0.1])
def test_distances_by_brute_force(wrong):
    density, x, share = cell_law(WELLS)
    work = erasure_work(WELLS, 1.0, error=wrong)
    q = (np.arange(400_000) + 0.5) / 400_000
    place = np.interp(q, share, x)
    right = np.interp(1 - (1 - q) / (2 * (1 - wrong)), share, x)
    left = np.interp(q / (2 * wrong), share, x) if wrong else right
    target = np.where(q < wrong, left, right)
    square = ((target - place) ** 2).mean()
    assert work.local_equilibrium - work.landauer == pytest.approx(square, rel=1e-5)
    moved = (place**2)[(q > wrong) & (q < 0.5)].sum() / q.size
    assert work.lower - work.landauer == pytest.approx(moved, rel=1e-5)
    assert density(0.0) < 0.05


@pytest.mark.parametrize(("time", "wrong"), [(0.5, 0.0), (5.0, 0.0), (1.0, 0.1)])
def test_a_direct_minimum(time, wrong):
    """Cells of equal probability are laid side by side on both sides of 0, as wide as costs least."""
    _, x, share = cell_law(WELLS)
    n = 2000
    q = (np.arange(n) + 0.5) / n
    z = np.interp(q, share, x)
    split = round(n * wrong)
    log_z = math.log(quad(lambda x: math.exp(8 * x**2 - 4 * x**4), -4, 4)[0])

    def side(z):
        start = np.full(z.size, math.log(2.0 / z.size))

        def cost(logs):
            widths = np.exp(logs)
            middle = np.cumsum(widths) - widths / 2
            energy = -8 * middle**2 + 4 * middle**4
            value = ((middle - z) ** 2 / time + energy + log_z - np.log(widths * n)).sum() / n
            slope = (2 * (middle - z) / time - 16 * middle + 16 * middle**3) / n
            return value, (np.cumsum(slope[::-1])[::-1] - slope / 2) * widths - 1 / n

        return minimize(
            cost, start, jac=True, method="L-BFGS-B", options={"maxiter": 5000, "maxfun": 9999}
        ).fun

    direct = side(z[split:]) + (side(-z[:split][::-1]) if split else 0.0)
    assert erasure_work(WELLS, time, error=wrong).optimal == pytest.approx(direct, rel=5e-4)


def test_only_mobility_times_duration_counts():
    assert erasure_work(WELLS, 0.5, mobility=4.0).optimal == pytest.approx(
        erasure_work(WELLS, 2.0).optimal, rel=1e-6
    )
    both = erasure_work(WELLS, [[2.0], [0.5]])
    assert both.optimal.shape == (2, 1)
    assert both == erasure_work(WELLS, [[2.0], [0.5]])
    assert both != erasure_work(WELLS, [[2.0], [0.6]])
    assert both.optimal[1, 0] == pytest.approx(erasure_work(WELLS, 0.5).optimal, rel=1e-6)
    assert isinstance(erasure_work(WELLS, 0.5), ErasureWork)


def test_a_harmonic_bit_in_a_long_time():
    """To first order in 1 / tau the cost is ln 2 + d^2 / tau, d from half a Gaussian to a whole one."""
    work = erasure_work([0.0, 0.5, 0.0, 0.0], 1000.0)
    normal = np.linspace(-8, 8, 160_001)
    map_to = ndtri((1 + ndtr(normal)) / 2)
    weight = np.exp(-(normal**2) / 2) / math.sqrt(2 * math.pi)
    keep = np.isfinite(map_to)
    square = (weight * (np.where(keep, map_to, 0) - normal) ** 2)[keep].sum() * (normal[1] - normal[0])
    assert (work.local_equilibrium - math.log(2)) * 1000 == pytest.approx(square, rel=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: erasure_work([0.0, 1.0, 0.0], 1.0), ValueError, "coefficients must be c1 to c4"),
        (lambda: erasure_work([0.1, -1.0, 0.0, 1.0], 1.0), ValueError, "c1 = c3 = 0"),
        (lambda: erasure_work([0.0, -1.0, 0.0, 0.0], 1.0), ValueError, "coefficients must confine"),
        (lambda: erasure_work([0.0, 1.0, 0.0, -1.0], 1.0), ValueError, "coefficients must confine"),
        (
            lambda: erasure_work([0.0, -80.0, 0.0, 10.0], 1.0),
            ValueError,
            "a barrier of at most 25; it is 160",
        ),
        (lambda: erasure_work([0.0, math.nan, 0.0, 1.0], 1.0), ValueError, "coefficients must be finite"),
        (lambda: erasure_work("wells", 1.0), TypeError, "coefficients must hold real numbers"),
        (lambda: erasure_work(WELLS, 0.0), ValueError, "duration must be positive; got 0.0"),
        (lambda: erasure_work(WELLS, 1e-6), ValueError, "duration must be from 0.002 to 1e\\+06 of <x\\^2>"),
        (lambda: erasure_work(WELLS, math.inf), ValueError, "duration must be finite; got inf"),
        (lambda: erasure_work(WELLS, 1.0, error=0.5), ValueError, "error must be at most 0.4; got 0.5"),
        (lambda: erasure_work(WELLS, 1.0, error=-0.1), ValueError, "error must be at least 0; got -0.1"),
        (
            lambda: erasure_work(WELLS, 1.0, mobility=True),
            TypeError,
            "mobility must be a real number; got True",
        ),
        (
            lambda: erasure_work([0, -8, 0, 4], 1.0, error=1e-12),
            ValueError,
            "error must be 0 or at least 1e-10",
        ),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
