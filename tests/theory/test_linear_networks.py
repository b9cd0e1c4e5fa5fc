"""Modes of deep linear networks: beside integrated equations and quadrature, their limits, unequal layers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from smbook.theory import dynamics as theory
from smbook.theory.dynamics import correlation_modes, learning_time, mode_strength, two_layer_mode

DEPTHS = (1, 2, 3, 4, 7, 50, math.inf)


def integrated(times, s, start, depth):
    """The equation of a mode, in the logarithm of the strength, by Runge and Kutta of eighth order."""
    layers = 1.0 if depth == math.inf else depth

    def slope(_, y):
        return [layers * math.exp(y[0] * (1 - 2 / depth)) * (s - math.exp(y[0]))]

    end = solve_ivp(slope, (0, times[-1]), [math.log(start)], "DOP853", t_eval=times, rtol=1e-11, atol=1e-12)
    return np.exp(end.y[0])


@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize(("s", "share"), [(3.0, 1e-4), (0.2, 0.3), (1.0, 0.97), (1.0, 1.2), (0.5, 40.0)])
def test_strengths_are_those_of_the_integrated_equation(depth, s, share):
    """Saxe's sigmoids and their kin, to 1e-8, from far below, around and above the singular value."""
    layers = 1.0 if depth == math.inf else depth
    longest = 3 / (layers * s ** (2 - 2 / depth))
    if share < 0.9:
        longest += learning_time(s, share * s, depth=depth, fraction=0.9)
    times = np.linspace(0, longest, 9)
    found = mode_strength(times, s, share * s, depth=depth)
    np.testing.assert_allclose(found, integrated(times, s, share * s, depth), rtol=1e-8)
    wrong = mode_strength(times, s, share * s * (1 + 1e-4), depth=depth)
    assert np.abs(wrong / found - 1).max() > 1e-5  # a start that is 1e-4 off would be seen


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(DEPTHS),
    st.floats(-3, 3).map(lambda x: 10**x),
    st.floats(-8, 2).map(lambda x: 10**x),
    st.floats(0.01, 0.99),
)
def test_time_and_strength_are_inverse(depth, s, share, fraction):
    """To 1e-11, at every depth, from every start; and to what the rounding of the time allows."""
    time = learning_time(s, share * s, depth=depth, fraction=fraction)
    if share >= fraction:
        assert time == 0
    else:
        allowed = 1e-11 + 1e-15 * time * (1.0 if depth == math.inf else depth) * s ** (2 - 2 / depth)
        assert mode_strength(time, s, share * s, depth=depth) == pytest.approx(fraction * s, rel=allowed)


@pytest.mark.parametrize("depth", DEPTHS)
def test_learning_times_by_quadrature(depth):
    """The time is the integral of da over the speed."""
    layers, s, start = 1.0 if depth == math.inf else depth, 1.7, 0.02
    power = 2 - 2 / depth
    for fraction in (0.1, 0.5, 0.9, 0.999):
        exact = quad(
            lambda a: 1 / (layers * a**power * (s - a)), start, fraction * s, epsrel=1e-12, limit=200
        )
        assert learning_time(s, start, depth=depth, fraction=fraction) == pytest.approx(exact[0], rel=1e-10)


@settings(deadline=None, max_examples=40)
@given(st.sampled_from(DEPTHS), st.floats(0.01, 10), st.floats(-6, 2), st.floats(0, 5), st.floats(0, 5))
def test_two_walks_in_a_row_are_one(depth, s, power, first, second):
    """The flow of a mode from above, from below, and at its end."""
    start = s * 10**power
    between = mode_strength(first, s, start, depth=depth)
    at_once = mode_strength(first + second, s, start, depth=depth)
    assert mode_strength(second, s, between, depth=depth) == pytest.approx(at_once, rel=1e-9)
    assert min(start, s) * (1 - 1e-12) <= at_once <= max(start, s) * (1 + 1e-12)


def test_closed_forms():
    """One layer, two layers (Saxe), four layers, and the limit of many."""
    t, s, start = np.linspace(0, 4, 7), 1.3, 0.01
    np.testing.assert_allclose(mode_strength(t, s, start, depth=1), s + (start - s) * np.exp(-t), rtol=1e-14)
    rise = np.exp(2 * s * t)
    np.testing.assert_allclose(mode_strength(t, s, start), s * rise / (rise - 1 + s / start), rtol=1e-13)
    assert learning_time(s, start) == pytest.approx(math.log(s / start - 1) / (2 * s), rel=1e-14)

    def four(v):
        return -2 / v**2 + 2 * math.atanh(v**2)

    expected = (four(0.5**0.25) - four((start / s) ** 0.25)) / (4 * s**1.5)
    assert learning_time(s, start, depth=4) == pytest.approx(expected, rel=1e-13)
    many = learning_time(s, start, depth=1000) * 1000
    endless = learning_time(s, start, depth=math.inf)
    assert many == pytest.approx(endless, rel=2e-2)
    assert abs(many / endless - 1) > 1e-4


def test_what_the_docstring_says_of_small_starts():
    """ln(1000) over 2 s more for two layers; a power of the start for more; no dependence on s for one."""
    one, other = learning_time(2.0, [1e-6, 1e-9])
    assert other - one == pytest.approx(math.log(1000) / 4, rel=1e-5)
    for depth in (3, 4, 6):
        start, s = 1e-12, 0.7
        leading = start ** (2 / depth - 1) / ((depth - 2) * s)
        assert learning_time(s, start, depth=depth) == pytest.approx(leading, rel=2e-2)
    assert np.ptp(learning_time([1.0, 10.0], 1e-9, depth=1)) < 1e-8


@given(st.floats(0.5, 5), st.floats(0.05, 0.95))
def test_stronger_modes_come_first(s, share):
    for depth in (2, 3, 5):
        assert learning_time(s * 1.1, 1e-3, depth=depth, fraction=share) < learning_time(
            s, 1e-3, depth=depth, fraction=share
        )


def test_nothing_to_learn_and_nothing_to_begin_with():
    for depth in DEPTHS:
        assert mode_strength(0.0, 2.0, 0.3, depth=depth) == 0.3
        assert mode_strength(5.0, 2.0, 2.0, depth=depth) == 2.0
        np.testing.assert_allclose(mode_strength(1e9, 2.0, [0.3, 7.0], depth=depth), 2.0, rtol=1e-12)
        faded = mode_strength([0.0, 1.0, 2.0], 0.0, 0.5, depth=depth)
        assert 0.5 == faded[0] > faded[1] > faded[2] > 0
        nearly = mode_strength([0.0, 1.0, 2.0], 1e-14, 0.5, depth=depth)
        np.testing.assert_allclose(nearly, faded, rtol=1e-10)
        assert learning_time(0.0, 0.5, depth=depth) == math.inf
        if depth > 1:
            assert mode_strength([1.0, 1e9], 2.0, 0.0, depth=depth).tolist() == [0.0, 0.0]
            assert learning_time(2.0, 0.0, depth=depth) == math.inf
    assert mode_strength(1.0, 2.0, 0.0, depth=1) == pytest.approx(2 - 2 / math.e)
    assert learning_time(2.0, 0.0, depth=1) == pytest.approx(math.log(2))


def test_extremes_stay_finite():
    times = [0.0, 1e-30, 1e-3, 1.0, 1e6, 1e12, 1e100]
    for depth in DEPTHS:
        for s in (1e-100, 1.0, 1e100):
            for start in (1e-100, 1e-3, 1.0, 1e3, 1e100):
                found = mode_strength(times, s, start, depth=depth)
                inside = (found >= min(s, start) * (1 - 1e-9)) & (found <= max(s, start) * (1 + 1e-9))
                assert inside.all(), (depth, s, start, found)
                assert (np.diff(found) * np.sign(s - start) >= -1e-9 * found[1:]).all()


def test_extremes_of_unequal_layers_stay_finite():
    for s in (0.0, 1e-100, 1.0, 1e100):
        for b, c in ((1e50, -1e-100), (1e50, 1e50), (1e50, -1e50), (-1e-100, 1e-100), (1e-100, 1e-100)):
            found = two_layer_mode([0.0, 1e-100, 1.0, 1e100], s, b, c)
            assert np.isfinite(found.strength).all(), (s, b, c)
            low, high = min(b * c, s), max(b * c, s if b + c else 0.0)
            assert (found.strength >= low - 1e-9 * abs(low)).all(), (s, b, c, found)
            assert (found.strength <= high + 1e-9 * abs(high)).all(), (s, b, c, found)


def test_shapes():
    assert isinstance(mode_strength(1, 2, 0.1), float)
    assert mode_strength(np.zeros((3, 1)), [1.0, 2.0], 0.1, depth=3).shape == (3, 2)
    assert mode_strength([], 1.0, 0.1, depth=3).shape == (0,)
    assert isinstance(learning_time(2, 0.1), float)
    given_times = np.array([0.0, 1.0])
    mode_strength(given_times, 2.0, 0.1, depth=4)
    assert given_times.tolist() == [0.0, 1.0]


# Two layers that are not equally strong

WEIGHT = st.floats(-5, 5).filter(lambda b: b == 0 or abs(b) > 1e-100)
WEIGHTS = [(0.1, 0.0), (0.1, 0.1), (-0.5, 0.2), (3.0, -0.1), (0.1, -0.1), (0.1, -0.1001), (2.0, 1.5), (0, 0)]


@pytest.mark.parametrize(("b", "c"), WEIGHTS)
@pytest.mark.parametrize("s", [0.0, 0.7, 2.0])
def test_unequal_layers_are_those_of_the_integrated_equations(b, c, s):
    times = np.linspace(0, 6, 7)

    def slope(_, y):
        rest = s - y[0] * y[1]
        return [y[1] * rest, y[0] * rest]

    end = solve_ivp(slope, (0, 6), [b, c], "DOP853", t_eval=times, rtol=1e-12, atol=1e-14)
    found = two_layer_mode(times, s, b, c)
    np.testing.assert_allclose(found.first, end.y[0], atol=1e-10)
    np.testing.assert_allclose(found.second, end.y[1], atol=1e-10)


@settings(deadline=None)
@given(WEIGHT, WEIGHT, st.floats(0.01, 10), st.floats(0, 20))
def test_the_hyperbola_is_kept(b, c, s, time):
    found = two_layer_mode(time, s, b, c)
    scale = b**2 + c**2 + s
    assert found.first**2 - found.second**2 == pytest.approx(b**2 - c**2, abs=1e-11 * scale)
    last = two_layer_mode(1e9, s, b, c)
    if b + c != 0:
        assert last.strength == pytest.approx(s, abs=1e-9 * scale)
        assert (last.first + last.second) * (b + c) > 0
    else:
        assert last.strength == pytest.approx(0, abs=1e-8)


def test_equal_layers_are_balanced():
    times = np.linspace(0, 5, 9)
    for root in (0.1, -0.1):
        found = two_layer_mode(times, 1.5, root, root)
        np.testing.assert_allclose(found.strength, mode_strength(times, 1.5, 0.01), rtol=1e-12)
    assert two_layer_mode(1.0, 1.5, 0.1, 0.1) == two_layer_mode(1.0, 1.5, 0.1, 0.1)
    assert two_layer_mode(1.0, 1.5, 0.1, 0.1) != two_layer_mode(1.0, 1.5, 0.1, 0.2)
    assert isinstance(found.strength, np.ndarray)


def test_a_strong_imbalance_learns_as_one_layer():
    """One weight of 30 hardly moves, and the strength approaches s with the rate 900."""
    times = np.array([0.5, 1.0, 2.0]) / 900
    found = two_layer_mode(times, 1.0, 30.0, 0.0)
    np.testing.assert_allclose(found.strength, 1 - np.exp(-900 * times), rtol=2e-3)


# Modes of data


def test_modes_are_the_singular_values_of_the_correlation():
    random = np.random.default_rng(3)
    inputs, targets = random.normal(size=(50, 4)), random.normal(size=(50, 6))
    modes = correlation_modes(inputs, targets)
    assert modes.left.shape == (6, 4)
    assert modes.right.shape == (4, 4)
    np.testing.assert_allclose(
        (modes.left * modes.strengths) @ modes.right.T, targets.T @ inputs / 50, atol=1e-12
    )
    np.testing.assert_allclose(modes.left.T @ modes.left, np.eye(4), atol=1e-12)
    assert (np.diff(modes.strengths) <= 0).all()
    assert (np.take_along_axis(modes.left, np.abs(modes.left).argmax(axis=0)[None], 0) > 0).all()
    assert modes == correlation_modes(inputs, targets)
    assert modes != correlation_modes(inputs, 2 * targets)
    assert repr(modes).startswith("Modes(4 modes, strengths [")


# Bad input


@pytest.mark.parametrize("name", ["time", "singular_value", "initial"])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (-1.0, ValueError),
        (math.nan, ValueError),
        (math.inf, ValueError),
        ("1", TypeError),
        (True, TypeError),
        (np.ma.array([1.0]), TypeError),
        (None, TypeError),
    ],
)
def test_bad_numbers_are_refused_by_name(name, value, error):
    given_ones = {"time": 1.0, "singular_value": 2.0, "initial": 0.1, name: value}
    with pytest.raises(error, match=name):
        mode_strength(*given_ones.values())
    if name != "time":
        with pytest.raises(error, match=name):
            learning_time(given_ones["singular_value"], given_ones["initial"])


def test_other_bad_input_is_refused():
    for depth, error in ((0, ValueError), (2.5, TypeError), (True, TypeError), (-math.inf, TypeError)):
        with pytest.raises(error, match="depth must be"):
            mode_strength(1.0, 1.0, 0.1, depth=depth)
    with pytest.raises(ValueError, match=r"depth must be at most 1000; got 1001"):
        learning_time(1.0, 0.1, depth=1001)
    with pytest.raises(ValueError, match=r"initial must be 0 or from 1e-100 to 1e\+100; got 1e-101"):
        mode_strength(1.0, 1.0, 1e-101)
    with pytest.raises(ValueError, match=r"arguments must broadcast; got time \(2,\), singular_value \(3,\)"):
        mode_strength([1.0, 2.0], [1.0, 2.0, 3.0], 0.1)
    with pytest.raises(ValueError, match=r"time must be at least 0 and at most 1e\+100; got 1e\+101"):
        two_layer_mode(1e101, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match=r"inputs must be at most 1e\+100; got 1e\+200"):
        correlation_modes([[-1e200]], [[1.0]])
    for fraction in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match="fraction must be"):
            learning_time(1.0, 0.1, fraction=fraction)
    with pytest.raises(ValueError, match=r"first must be 0 or of a size from 1e-100 to 1e\+50; got 1e\+60"):
        two_layer_mode(1.0, 1.0, 1e60, 1.0)
    with pytest.raises(TypeError, match="second must hold real numbers"):
        two_layer_mode(1.0, 1.0, 1.0, "1")
    with pytest.raises(ValueError, match="inputs and targets must have as many rows; got 2 and 3"):
        correlation_modes(np.ones((2, 2)), np.ones((3, 2)))
    with pytest.raises(
        ValueError, match=r"targets must be a matrix with rows and columns; got the shape \(3,\)"
    ):
        correlation_modes(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="inputs must be finite; got nan"):
        correlation_modes([[math.nan]], [[1.0]])


def test_all_that_is_public_is_handed_on():
    assert {"Modes", "TwoLayerMode", "mode_strength", "learning_time"} <= set(theory.__all__)
