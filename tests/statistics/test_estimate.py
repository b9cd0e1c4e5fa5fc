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


@pytest.mark.parametrize(
    ("value", "error", "specification", "text"),
    [
        (0.45271, 0.00117, ".3f", "0.453(1)"),
        (0.45271, 0.00117, ".5f", "0.45271(117)"),
        (0.45271, 0.00117, ".1f", "0.5(<1)"),
        (0.45271, 0.00117, "f", "0.452710(1170)"),
        (0.45271, 0.00117, ".3e", "4.527(12)e-01"),
        (0.45271, 0.00117, ".3g", "0.453(1)"),
        (0.45271, 0.00117, ".3", "0.453(1)"),
        (0.45271, 0.00117, "+.3f", "+0.453(1)"),
        (0.45271, 0.00117, "12.3f", "    0.453(1)"),
        (0.45271, 0.00117, "*<12.3f", "0.453(1)****"),
        (0.45271, 0.00117, "12", "0.4527(12)  "),
        (12.345, 1.23, ".3f", "12.345(1.230)"),
        (-1523.4, 87.0, ".0f", "-1523(87)"),
        (-1523.4, 87.0, ",.1f", "-1,523.4(87.0)"),
        (-1523.4, 87.0, ".2e", "-1.52(9)e+03"),
        (1234567.0, 400.0, ".4g", "1.235(<1)e+06"),
        (0.25, 0.0, ".3f", "0.250(0)"),
        (0.25, math.nan, ".3f", "0.250(nan)"),
        (0.0, 0.02, ".2f", "0.00(2)"),
        (9.9996, 0.002, ".3g", "10.0(<1)"),
        (1e307, 2e305, ".2e", "1.00(2)e+307"),
        (1e-310, 2e-312, ".2e", "1.00(2)e-310"),
    ],
)
def test_estimate_takes_the_formats_of_a_number(value, error, specification, text):
    assert format(Estimate(value, error), specification) == text


@pytest.mark.parametrize("specification", ["x", "d", ".3d", "%"])
def test_estimate_refuses_other_formats(specification):
    with pytest.raises(ValueError, match="format"):
        format(Estimate(0.5, 0.1), specification)


@given(st.floats(-1e6, 1e6), st.floats(1e-4, 0.9), st.integers(0, 8))
def test_estimate_shows_the_digits_that_are_asked_for(value, error, decimals):
    number, digits = f"{Estimate(value, error):.{decimals}f}".rstrip(")").split("(")
    assert number == f"{value:.{decimals}f}"
    shown = 0.0 if digits == "<1" else float(digits) * 10.0**-decimals
    assert abs(shown - error) <= 0.5000001 * 10.0**-decimals
