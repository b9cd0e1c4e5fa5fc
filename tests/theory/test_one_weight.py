"""The learner of one weight beside the book's table, 30-digit integrals, its limits, and the second law."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from smbook.theory.thermodynamics import OneWeight, label_information, one_weight_engine

FIELDS = [0.1, 0.5, 1.0, 2.0, 3.0]  # the theory notes of the book
WEIGHT = [0.004975, 0.111421, 0.336831, 0.632720, 0.689298]
READOUT = [0.003176, 0.075222, 0.255714, 0.584590, 0.682878]
LARGEST = 0.3186771525559447  # at 0.328154, a little more than 1 / pi of weak fields
EFFICIENCY = [0.3184, 0.3182, 0.3056, 0.2220, 0.1316]


def test_the_table():
    found = one_weight_engine(FIELDS)
    np.testing.assert_allclose(found.information_weight, WEIGHT, atol=6e-7)
    np.testing.assert_allclose(found.information_readout, READOUT, atol=6e-7)
    np.testing.assert_allclose(found.efficiency, EFFICIENCY, atol=6e-5)
    np.testing.assert_allclose(found.heat, np.square(FIELDS) / 2, rtol=1e-15)
    assert (found.entropy_change == found.information_weight).all()


@pytest.mark.parametrize("mean", ["1e-6", "0.01", "0.7", "1.0", "1.3", "4", "9", "25"])
def test_information_of_the_weight_with_more_digits(mean):
    with mp.workdps(30):
        m = mp.mpf(mean)
        places = sorted({-12 - m, -m - 1, -m, -m + 1, -m + 3, mp.mpf(-3), mp.mpf(0), mp.mpf(3), mp.mpf(12)})
        missing = mp.quad(lambda x: mp.npdf(x) * mp.log1p(mp.exp(-2 * m * (m + x))), places)
        exact = mp.log(2) - missing
    found = one_weight_engine(float(mean)).information_weight
    assert found == pytest.approx(float(exact), rel=1e-12)


def test_the_largest_efficiency():
    best = minimize_scalar(lambda field: -one_weight_engine(field).efficiency, bounds=(0.1, 1))
    assert best.x == pytest.approx(0.328154, abs=1e-5)
    assert -best.fun == pytest.approx(LARGEST, rel=1e-14)
    # near 0 it grows by the factor 1 + nu^2 (1 / 3 pi - 1 / 12)
    small = one_weight_engine(0.02).efficiency * math.pi - 1
    assert small == pytest.approx(4e-4 * (1 / (3 * math.pi) - 1 / 12), rel=5e-3)


def test_limits():
    faint = one_weight_engine([1e-12, 1e-6, 1e-3])
    np.testing.assert_allclose(faint.efficiency, 1 / math.pi, rtol=2e-6)
    np.testing.assert_allclose(faint.information_weight, np.square([1e-12, 1e-6, 1e-3]) / 2, rtol=1e-6)
    np.testing.assert_allclose(faint.information_readout, np.square([1e-12, 1e-6, 1e-3]) / math.pi, rtol=1e-6)
    strong = one_weight_engine([60.0, 1e100])
    np.testing.assert_allclose(strong.information_readout, math.log(2), rtol=1e-15)
    np.testing.assert_allclose(strong.probability, 1.0)
    assert strong.efficiency[1] < 1e-199
    nothing = one_weight_engine(0.0)
    assert nothing[:5] == (0.0, 0.0, 0.0, 0.0, 0.5)
    assert nothing.efficiency == pytest.approx(1 / math.pi)
    assert one_weight_engine(-2.0) == one_weight_engine(2.0)


def test_a_short_time_is_a_weaker_field_with_more_heat():
    """The weight is as if it had relaxed in the field nu (1 - e^-t); heat is the force times the way."""
    times = np.array([0.0, 0.1, 1.0, 5.0, math.inf])
    found = one_weight_engine(1.5, duration=times)
    mean = -1.5 * np.expm1(-times)
    as_if = one_weight_engine(mean)
    for name in ("information_weight", "information_readout", "probability", "entropy_change"):
        np.testing.assert_allclose(getattr(found, name), getattr(as_if, name), rtol=1e-14)
    # heat: power of the force minus what the spring keeps, integrated by the midpoint rule
    steps = np.linspace(0, 1, 100_001)
    middle = (steps[1:] + steps[:-1]) / 2
    power = (1.5 - 1.5 * -np.expm1(-middle)) ** 2  # (nu - m) dm/dt
    assert found.heat[2] == pytest.approx((power * np.diff(steps)).sum(), rel=1e-9)
    assert found.heat[0] == 0
    assert found.efficiency[0] == 0
    assert (np.diff(found.efficiency) > 0).all()
    assert one_weight_engine([[1.0], [2.0]], duration=[1.0, 2.0, math.inf]).heat.shape == (2, 3)


@given(
    st.floats(-12, 12).map(lambda e: 10.0**e) | st.floats(0, 60),
    st.floats(-12, 3).map(lambda e: 10.0**e) | st.just(math.inf),
)
def test_the_second_law(field, duration):
    """I(s : sign w) <= I(s : w) <= dS + Q, and no efficiency above the largest."""
    found = one_weight_engine(field, duration=duration)
    slack = 1 + 1e-12
    assert 0 <= found.information_readout <= found.information_weight * slack
    assert found.information_weight <= (found.entropy_change + found.heat) * slack
    assert found.information_weight <= math.log(2)
    assert 0 <= found.efficiency <= LARGEST * slack
    assert found.information_readout == pytest.approx(
        label_information(found.probability), rel=1e-6, abs=1e-15
    )


def test_results_are_equal_if_their_numbers_are():
    assert one_weight_engine(FIELDS) == one_weight_engine(FIELDS)
    assert one_weight_engine(FIELDS) != one_weight_engine(FIELDS[:2])
    assert isinstance(one_weight_engine(1.0), OneWeight)
    assert isinstance(one_weight_engine(1.0).heat, float)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: one_weight_engine(math.nan), ValueError, "field must be finite; got nan"),
        (lambda: one_weight_engine(-math.inf), ValueError, "field must be finite; got -inf"),
        (lambda: one_weight_engine(1e101), ValueError, "field must be within 1e\\+100; got 1e\\+101"),
        (lambda: one_weight_engine("1"), TypeError, "field must hold real numbers"),
        (lambda: one_weight_engine(False), TypeError, "field must hold real numbers"),
        (lambda: one_weight_engine(np.ma.array([1.0])), TypeError, "masked"),
        (lambda: one_weight_engine(1.0, duration=-1.0), ValueError, "duration must be at least 0; got -1"),
        (lambda: one_weight_engine(1.0, duration=math.nan), ValueError, "duration must be finite; got nan"),
        (
            lambda: one_weight_engine(1.0, duration=[math.inf, math.nan]),
            ValueError,
            "duration must be finite",
        ),
        (lambda: one_weight_engine(1.0, duration=-math.inf), ValueError, "duration must be finite; got -inf"),
        (lambda: one_weight_engine(1.0, duration="long"), TypeError, "duration must hold real numbers"),
        (lambda: one_weight_engine(1.0, duration=np.ma.array([math.inf])), TypeError, "masked"),
        (lambda: one_weight_engine([1.0, 2.0], duration=[1, 2, 3]), ValueError, "must broadcast"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
