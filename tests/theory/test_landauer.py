"""What a bit costs in joules, and what an answer says of a label, beside the table and more digits."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.theory.thermodynamics import label_information, landauer_work


def test_a_bit_costs_what_the_table_says():
    assert landauer_work(300) == pytest.approx(2.870978885e-21, rel=1e-9)
    assert landauer_work(310) == pytest.approx(2.966678e-21, rel=1e-6)
    assert landauer_work(300) / 1.602176634e-19 == pytest.approx(0.0179192, rel=1e-5)  # electron volts
    assert landauer_work(300, bits=8e9) == pytest.approx(8e9 * landauer_work(300), rel=1e-14)
    assert landauer_work(0) == 0


def test_an_erasure_that_fails_half_of_the_time_costs_nothing():
    assert landauer_work(300, error=0.5) == 0
    assert landauer_work(300, error=[0.0, 1.0]) == pytest.approx([landauer_work(300)] * 2)
    found = landauer_work([[300.0], [600.0]], error=[0.0, 0.1, 0.2])
    assert found.shape == (2, 3)
    np.testing.assert_allclose(found[1], 2 * found[0], rtol=1e-15)


@pytest.mark.parametrize("away", ["1e-9", "1e-4", "0.1", "0.4", "0.4999999", "0.49999999999999"])
def test_information_keeps_its_digits(away):
    p = 0.5 + float(away)
    with mp.workdps(40):
        q = mp.mpf(p)
        exact = mp.log(2) + q * mp.log(q) + (1 - q) * mp.log(1 - q)
    assert label_information(p) == pytest.approx(float(exact), rel=1e-13)
    assert label_information(1 - p) == pytest.approx(float(exact), rel=1e-6)


@given(st.floats(0, 1))
def test_information_is_between_nothing_and_a_bit(p):
    found = label_information(p)
    assert 0 <= found <= math.log(2)
    assert found >= 2 * (p - 0.5) ** 2 * (1 - 1e-15)  # Pinsker


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: landauer_work(-1.0), ValueError, "temperature must be at least 0; got -1.0"),
        (lambda: landauer_work(math.nan), ValueError, "temperature must be finite; got nan"),
        (lambda: landauer_work(math.inf), ValueError, "temperature must be finite; got inf"),
        (lambda: landauer_work("300"), TypeError, "temperature must hold real numbers"),
        (lambda: landauer_work(True), TypeError, "temperature must hold real numbers"),
        (lambda: landauer_work(300, bits=-2), ValueError, "bits must be at least 0; got -2"),
        (lambda: landauer_work(300, error=1.5), ValueError, "error must be at most 1; got 1.5"),
        (lambda: landauer_work([1, 2], bits=[1, 2, 3]), ValueError, "must broadcast"),
        (lambda: label_information(-0.1), ValueError, "probability must be at least 0; got -0.1"),
        (lambda: label_information([0.2, 1.1]), ValueError, "probability must be at most 1; got 1.1"),
        (lambda: label_information(np.ma.array([0.5])), TypeError, "masked"),
        (lambda: label_information(0.5j), TypeError, "probability must hold real numbers"),
        (lambda: landauer_work(1e101), ValueError, "temperature must be at most 1e\\+100; got 1e\\+101"),
        (lambda: landauer_work(300, bits=1e200), ValueError, "bits must be at most 1e\\+100"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
