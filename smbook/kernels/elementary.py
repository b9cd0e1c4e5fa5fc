"""Exponential, logarithm, tanh and erfc of our own: libm and browsers differ in the last bit.

They reduce the argument by powers of two and sum a series on the short interval that is left. The error
stays below one unit in the last place, that of expm1 below two, and that of tanh below three
(`tests/kernels/test_elementary.py` measures it). All is float64, but `exp2_single`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types

from smbook.kernels import kernel
from smbook.kernels._jit import instruction

if TYPE_CHECKING:
    from collections.abc import Callable

# ln 2 in two parts: the upper one has 37 bits, so that its product with an exponent is exact.
_LN2_HIGH = np.float64(0x162E42FEFA) * 2.0**-37
_LN2_LOW = 1.6465949582897082e-12
_INVERSE_LN2 = 1.4426950408889634
_SQRT_HALF_BITS = np.int64(0x3FE6A09E667F3BCD)
_ONE_BITS = np.int64(0x3FF0000000000000)
_MANTISSA = np.int64(0x000FFFFFFFFFFFFF)
_ROUND = 1.5 * 2.0**52  # added to a float64 and taken away again, it leaves the nearest whole number
_ROUND_BITS = np.int64(np.float64(_ROUND).view(np.int64))
_MOST_NEGATIVE = -708.0  # whose exponential is a normal number
_EXP_OVERFLOW = 709.782712893384
_EXP_UNDERFLOW = -745.1332191019412
_INVERSE_ROOT_PI = 0.5641895835477563
_ERFC_NEAR, _ERFC_UNDERFLOW = 1.5, 28.0
_ERF_TERMS, _ERFC_TERMS = 36, 100
_SHORT = np.int64(-(1 << 27))  # takes all but 26 bits of a number, whose square is exact then
_ROUND_SINGLE = np.float32(1.5 * 2.0**23)
_ROUND_SINGLE_BITS = np.int32(_ROUND_SINGLE.view(np.int32))
_MOST_SINGLE = np.float32(126.0)
_C0, _C1, _C2, _C3, _C4, _C5, _C6, _C7 = (
    np.float32(math.log(2.0) ** k / math.factorial(k)) for k in range(8)
)


def _bit_cast(in_python: Callable[[Any], Any], given: Any, wanted: Any, kind: ir.Type) -> Any:
    """Return an instruction that reads the bits of a number as another one of the same size."""

    def cast(_context: Any, value: Any) -> Any:  # noqa: ARG001  # numba goes by the names
        def codegen(_target, builder, _signature, arguments):
            return builder.bitcast(arguments[0], kind)

        return wanted(given), codegen

    return instruction(in_python)(cast)


_to_bits = _bit_cast(lambda x: np.float64(x).view(np.int64), types.float64, types.int64, ir.IntType(64))
_from_bits = _bit_cast(lambda x: np.int64(x).view(np.float64), types.int64, types.float64, ir.DoubleType())
_to_bits_single = _bit_cast(
    lambda x: np.float32(x).view(np.int32), types.float32, types.int32, ir.IntType(32)
)
_from_bits_single = _bit_cast(
    lambda x: np.int32(x).view(np.float32), types.int32, types.float32, ir.FloatType()
)


@instruction(np.sqrt)
def _square_root(_context: Any, value: Any) -> Any:  # noqa: ARG001
    """Call the processor's instruction."""

    def codegen(_target, builder, _signature, arguments):
        instruction = builder.module.declare_intrinsic("llvm.sqrt", [ir.DoubleType()])
        return builder.call(instruction, arguments)

    return types.float64(types.float64), codegen


@kernel
def _power_of_two(exponent):
    """Return 2**exponent for a normal result, -1022 <= exponent <= 1023."""
    return _from_bits((np.int64(exponent) + np.int64(1023)) << np.int64(52))


@kernel
def _reduced(x):
    """Return k and exp(r) - 1 for a finite x = k ln 2 + r with abs(r) <= ln 2 / 2."""
    scaled = x * _INVERSE_LN2
    k = np.int64(scaled + 0.5) if scaled >= 0.0 else np.int64(scaled - 0.5)
    high = x - k * _LN2_HIGH
    low = k * _LN2_LOW
    return k, _series(high, low)


@kernel
def _series(high, low):
    """Return exp(high - low) - 1 for abs(high - low) <= ln 2 / 2."""
    r = high - low
    rest = (high - r) - low  # what rounding took from r
    tail = 1.0 / 6227020800.0
    tail = tail * r + 1.0 / 479001600.0
    tail = tail * r + 1.0 / 39916800.0
    tail = tail * r + 1.0 / 3628800.0
    tail = tail * r + 1.0 / 362880.0
    tail = tail * r + 1.0 / 40320.0
    tail = tail * r + 1.0 / 5040.0
    tail = tail * r + 1.0 / 720.0
    tail = tail * r + 1.0 / 120.0
    tail = tail * r + 1.0 / 24.0
    tail = tail * r + 1.0 / 6.0
    tail = tail * r + 0.5
    return r + (r * r * tail + rest)


@kernel
def exp(x):
    """Return e**x as float64; nan, infinities, overflow and gradual underflow as in IEEE 754.

    With x = k ln 2 + r and abs(r) <= ln 2 / 2, exp(x) = 2**k (1 + r + r**2 / 2 + ...),
    Taylor's series to r**13.

    Examples
    --------
    >>> exp(0.0), exp(-np.inf)
    (1.0, 0.0)
    """
    if x != x:
        return x
    if x > _EXP_OVERFLOW:
        return np.inf
    if x < _EXP_UNDERFLOW:
        return 0.0
    k, rest = _reduced(x)
    value = 1.0 + rest
    half = k // 2  # two steps, so that neither factor leaves the normal range
    return value * _power_of_two(half) * _power_of_two(k - half)


@kernel
def exp_below_zero(x):
    """Return e**x for x <= 0, without a branch, so that a loop runs in vectors; below -708 it is e**-708.

    Examples
    --------
    >>> exp_below_zero(0.0), exp_below_zero(-1.0) == exp(-1.0)
    (1.0, True)
    """
    x = max(x, _MOST_NEGATIVE)
    shifted = x * _INVERSE_LN2 + _ROUND
    k = shifted - _ROUND
    rest = _series(x - k * _LN2_HIGH, k * _LN2_LOW)
    return (1.0 + rest) * _from_bits((_to_bits(shifted) - _ROUND_BITS + np.int64(1023)) << np.int64(52))


@kernel
def exp2_single(x):
    """Return 2**x as float32, with a relative error below 2e-7; x is taken into [-126, 126].

    With x = k + f and abs(f) <= 1/2 it is 2**k times Taylor's series of 2**f to f**7. No branch: a loop runs
    in vectors.

    Examples
    --------
    >>> float(exp2_single(np.float32(-3.0)))
    0.125
    """
    x = min(max(x, -_MOST_SINGLE), _MOST_SINGLE)
    shifted = x + _ROUND_SINGLE
    f = x - (shifted - _ROUND_SINGLE)
    series = _C7
    series = series * f + _C6
    series = series * f + _C5
    series = series * f + _C4
    series = series * f + _C3
    series = series * f + _C2
    series = series * f + _C1
    series = series * f + _C0
    k = np.int32(_to_bits_single(shifted) - _ROUND_SINGLE_BITS)
    return series * _from_bits_single(np.int32(np.int32(k + np.int32(127)) << np.int32(23)))


@kernel
def expm1(x):
    """Return e**x - 1 as float64, with all its digits near x = 0.

    With x = k ln 2 + r it is 2**k ((exp(r) - 1) + (1 - 2**-k)), in which 1 - 2**-k is exact.

    Examples
    --------
    >>> expm1(1e-20), expm1(-np.inf)
    (1e-20, -1.0)
    """
    if not abs(x) < 36.0:
        return exp(x) - 1.0
    k, rest = _reduced(x)
    if k == 0:
        return rest
    scale = _power_of_two(k)
    return scale * (rest + (1.0 - _power_of_two(-k))) if k > 0 else scale * rest + (scale - 1.0)


@kernel
def tanh(x):
    """Return the hyperbolic tangent of x as float64, odd to the last bit.

    tanh x = t / (t + 2) with t = e**(2x) - 1, and 1 - 2 / (e**(2x) + 1) where x is large.

    Examples
    --------
    >>> tanh(0.0), tanh(-np.inf)
    (0.0, -1.0)
    """
    size = abs(x)
    if size < 1.0:
        t = expm1(2.0 * size)
        value = t / (t + 2.0)
    else:
        value = 1.0 - 2.0 / (exp(2.0 * size) + 1.0)
    if x < 0.0:
        value = -value
    return value


@kernel
def erfc(x):
    """Return the complementary error function of x as float64, with all its digits where it is small.

    Near zero erf x = 2 x exp(-x**2) / sqrt(pi) (1 + 2x**2 / 3 + (2x**2)**2 / 15 + ...), of one sign, and
    beyond 1.5 erfc x = exp(-x**2) / sqrt(pi) / (x + (1/2) / (x + 1 / (x + (3/2) / (x + ...)))) (Laplace).

    Examples
    --------
    >>> erfc(0.0), erfc(np.inf), round(erfc(3.0), 12)
    (1.0, 0.0, 2.2090497e-05)
    """
    size = abs(x)
    if size < _ERFC_NEAR:
        return 1.0 - _erf(x)
    tail = _erfc_tail(size)
    if x < 0.0:
        return 2.0 - tail
    return tail


@kernel
def _erf(x):
    """Return the error function of x for abs(x) < 1.5."""
    square = x * x
    term = total = 1.0
    for n in range(1, _ERF_TERMS):
        term *= 2.0 * square / (2.0 * n + 1.0)
        total += term
    return 2.0 * x * _INVERSE_ROOT_PI * exp(-square) * total


@kernel
def _erfc_tail(x):
    """Return erfc x for x >= 1.5; the square of x is parted, as its rounding would cost digits of exp."""
    if x > _ERFC_UNDERFLOW:
        return 0.0
    fraction = x
    for k in range(_ERFC_TERMS, 0, -1):
        fraction = x + 0.5 * k / fraction
    short = _from_bits(_to_bits(x) & _SHORT)
    return exp(-short * short) * exp((short - x) * (short + x)) * _INVERSE_ROOT_PI / fraction


@kernel
def log(x):
    """Return the natural logarithm of x as float64: nan below zero, -inf at zero, inf at infinity.

    With x = 2**k m, m in [sqrt(1/2), sqrt(2)), f = m - 1 and s = f / (2 + f), log m = 2 artanh s, written as
    f - f**2 / 2 + s (f**2 / 2 + 2 s**2 (1/3 + s**2 / 5 + ...)), so that the leading term f is exact.

    Examples
    --------
    >>> log(1.0), log(0.0)
    (0.0, -inf)
    """
    if x != x or x == np.inf:
        return x
    if x <= 0.0:
        return -np.inf if x == 0.0 else np.nan
    if x < 2.2250738585072014e-308:  # subnormal
        return _log(x * 18014398509481984.0, np.int64(-54))
    return _log(x, np.int64(0))


@kernel
def log_of_normal(x):
    """Return the natural logarithm of a normal x > 0: no branch, so that a loop runs in vectors.

    Examples
    --------
    >>> log_of_normal(1.0)
    0.0
    """
    return _log(x, np.int64(0))


@kernel
def _log(x, k):
    """Return log(2**k x) for a normal x."""
    bits = _to_bits(x) + (_ONE_BITS - _SQRT_HALF_BITS)
    k += (bits >> np.int64(52)) - np.int64(1023)
    f = _from_bits((bits & _MANTISSA) + _SQRT_HALF_BITS) - 1.0
    s = f / (2.0 + f)
    z = s * s
    series = 1.0 / 23.0
    series = series * z + 1.0 / 21.0
    series = series * z + 1.0 / 19.0
    series = series * z + 1.0 / 17.0
    series = series * z + 1.0 / 15.0
    series = series * z + 1.0 / 13.0
    series = series * z + 1.0 / 11.0
    series = series * z + 1.0 / 9.0
    series = series * z + 1.0 / 7.0
    series = series * z + 1.0 / 5.0
    series = series * z + 1.0 / 3.0
    half_square = 0.5 * f * f
    correction = s * (half_square + 2.0 * z * series)
    return k * _LN2_HIGH - ((half_square - (correction + k * _LN2_LOW)) - f)


@kernel
def open_unit(word):
    """Return a float64 inside (0, 1): the middle of the step of length 2**-52 that the upper bits name.

    Examples
    --------
    >>> open_unit(np.uint64(1 << 63))
    0.5000000000000001
    """
    bits = np.int64((word >> np.uint64(12)) | np.uint64(_ONE_BITS))
    return (_from_bits(bits) - 1.0) + 2.0**-53


@kernel
def sqrt(x):
    """Return the square root of x as float64: one instruction everywhere, correctly rounded; nan below zero.

    Examples
    --------
    >>> sqrt(2.25)
    1.5
    """
    return _square_root(np.float64(x))
