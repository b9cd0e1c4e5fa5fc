"""Values and errors print what they hold."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.statistics import Estimate


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.45271, 0.00117, "0.4527(12)"),
        (-0.45271, 0.00117, "-0.4527(12)"),
        (0.4527, 0.0996, "0.45(10)"),
        (1.0, 0.0999, "1.00(10)"),
        (12.345, 1.23, "12.3(1.2)"),
        (12.345, 9.96, "12(10)"),
        (1523.4, 87.0, "1523(87)"),
        (15234.0, 873.0, "15230(870)"),
        (0.001, 3.0, "0.0(3.0)"),
        (0.0, 0.02, "0.000(20)"),
        (1.5e9, 2.0e3, "1.5000000(20)e+09"),
        (1.5e-9, 2.0e-11, "1.500(20)e-09"),
        (1.5e300, 2.0e299, "1.50(20)e+300"),
        (1e-310, 2e-312, "1.000(20)e-310"),
        (0.25, 0.0, "0.25(0)"),
        (0.25, math.nan, "0.25(nan)"),
        (0.25, math.inf, "0.25(inf)"),
        (math.nan, 0.1, "nan(0.1)"),
    ],
)
def test_estimate_prints_two_digits_of_its_error(value, error, text):
    assert str(Estimate(value, error)) == repr(Estimate(value, error)) == text
    assert f"{Estimate(value, error):>20}" == text.rjust(20)


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 1e3))
def test_estimate_prints_what_it_holds(value, error):
    number, digits = str(Estimate(value, error)).rstrip(")").split("(")
    decimals = len(number.partition(".")[2])
    shown = float(digits) if "." in digits or not decimals else float(digits) * 10.0**-decimals
    assert shown == pytest.approx(error, rel=0.051)
    assert float(number) == pytest.approx(value, abs=0.051 * error)


def test_estimate_z():
    assert Estimate(1.2, 0.1).z(1.0) == pytest.approx(2)
    assert Estimate(1.0, 0.0).z(1.0) == 0
    assert Estimate(1.0, 0.0).z(2.0) == -math.inf
    assert math.isnan(Estimate(1.0, math.nan).z(0.5))
