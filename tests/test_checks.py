"""The checks of arguments: what passes comes back in one type, what does not is named with its value."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook import _checks


class Indexable:
    def __index__(self):
        return 7


@pytest.mark.parametrize("value", [7, np.int8(7), np.uint64(7), np.array(7), Indexable()])
def test_an_integer_of_any_kind_comes_back_as_an_int(value):
    assert _checks.integer("n", value, minimum=0) == 7
    assert type(_checks.integer("n", value, minimum=7)) is int


@pytest.mark.parametrize(
    "value", [7.0, np.float64(7), "7", True, np.True_, None, [7], np.array([7, 7]), 7j, Fraction(7)]
)
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(TypeError, match=r"^n must be an integer; got "):
        _checks.integer("n", value, minimum=0)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_an_integer_is_refused_exactly_below_its_minimum(value, minimum):
    if value >= minimum:
        assert _checks.integer("n", value, minimum=minimum) == value
    else:
        with pytest.raises(ValueError, match=rf"^n must be at least {minimum}; got {value}$"):
            _checks.integer("n", value, minimum=minimum)


def test_an_integer_beyond_64_bits_is_refused():
    """Kernels count in int64."""
    assert _checks.integer("n", 2**63 - 1, minimum=0) == 2**63 - 1
    with pytest.raises(ValueError, match=r"^n must be at most .*; got 9223372036854775808$"):
        _checks.integer("n", 2**63, minimum=0)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int8(2), np.array(2.0), Fraction(2)])
def test_a_real_number_of_any_kind_comes_back_as_a_float(value):
    assert _checks.real("x", value) == 2.0
    assert type(_checks.real("x", value, minimum=2.0)) is float


@pytest.mark.parametrize(
    "value",
    ["2", b"2", True, np.False_, None, 2j, np.complex128(2), [2.0], np.array([2.0]), (), {}, np.ma.masked],
)
def test_what_is_no_real_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^x must be a real number; got "):
        _checks.real("x", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400])
def test_a_number_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match=r"^x must be finite; got "):
        _checks.real("x", value)


def test_a_real_number_below_its_minimum_is_refused():
    with pytest.raises(ValueError, match=r"^x must be at least 0; got -5e-324$"):
        _checks.real("x", -5e-324, minimum=0.0)
    assert _checks.real("x", -0.0, minimum=0.0) == 0.0


@pytest.mark.parametrize("values", [3, 0.5, [1, 2], np.ones((2, 3), dtype=np.float32), np.ones(3)])
def test_reals_come_back_as_a_new_float64_array_of_their_shape(values):
    array = _checks.reals("x", values)
    assert array.dtype == np.float64
    assert array.shape == np.shape(values)
    assert (array == values).all()
    assert not np.shares_memory(array, np.asarray(values))


@pytest.mark.parametrize(
    "values", ["2", ["2"], [True], [1j], [None], None, [[1], [1, 2]], np.ma.array([1.0])]
)
def test_what_are_no_reals_is_refused(values):
    with pytest.raises(TypeError, match=r"^x must hold real numbers"):
        _checks.reals("x", values)


@pytest.mark.parametrize("culprit", [math.nan, math.inf, -math.inf])
def test_reals_name_the_entry_that_is_not_finite(culprit):
    with pytest.raises(ValueError, match=rf"^x must be finite; got {culprit}$"):
        _checks.reals("x", [[1.0, culprit], [2.0, 3.0]])


def test_reals_name_the_lowest_entry_below_the_minimum():
    with pytest.raises(ValueError, match=r"^x must be at least 0; got -2.0$"):
        _checks.reals("x", [3.0, -1.0, -2.0], minimum=0.0)


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        (5, (5,)),
        (np.int64(5), (5,)),
        ((5,), (5,)),
        ([2, 3], (2, 3)),
        (np.array([2, 3, 4]), (2, 3, 4)),
        (range(2, 5), (2, 3, 4)),
    ],
)
def test_a_shape_comes_back_as_a_tuple_of_sides(shape, sides):
    assert _checks.lattice_shape(shape) == sides
    assert all(type(side) is int for side in _checks.lattice_shape(shape))


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((), ValueError, "shape must have 1 or 2 or 3 sides; got 0"),
        ((2, 2, 2, 2), ValueError, r"shape must have 1 or 2 or 3 sides; got 4: \(2, 2, 2, 2\)"),
        ((3, 0), ValueError, r"must not have a side of zero length; got \(3, 0\)"),
        ((1, 3), ValueError, r"a side of 1 couples a spin to itself; drop it from the shape \(1, 3\)"),
        ((4, -3), ValueError, r"each side of shape must be at least 2; got .*-3"),
        ((3, 2.0), TypeError, "each side of shape must be an integer; got 2.0"),
        ("33", TypeError, "each side of shape must be an integer; got '33'"),
        ((2**21, 2**21, 2**21), ValueError, r"must have at most 2\*\*63 - 1 sites; got \(2097152,"),
        (("3", 3), TypeError, "each side of shape must be an integer; got '3'"),
        (None, TypeError, "each side of shape must be an integer; got None"),
        (True, TypeError, "each side of shape must be an integer; got True"),
        ([[2, 3], [4, 5]], TypeError, r"each side of shape must be an integer; got \[2, 3\]"),
    ],
)
def test_what_is_no_shape_of_a_lattice_is_refused(shape, error, message):
    with pytest.raises(error, match=message):
        _checks.lattice_shape(shape)


def test_the_number_of_sides_can_be_prescribed():
    assert _checks.lattice_shape((2, 3), dimensions=(2,)) == (2, 3)
    with pytest.raises(ValueError, match="shape must have 2 sides; got 1: 5"):
        _checks.lattice_shape(5, dimensions=(2,))


def test_a_choice_is_one_of_its_options():
    assert _checks.choice("engine", "plain", ("auto", "plain")) == "plain"


@pytest.mark.parametrize("value", ["Plain", "", "plai", None, 1, b"plain", ["plain"]])
def test_what_is_no_option_is_refused_with_the_options(value):
    with pytest.raises(ValueError, match=r"^engine must be one of 'auto', 'plain'; got "):
        _checks.choice("engine", value, (option for option in ("auto", "plain")))
