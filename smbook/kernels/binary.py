"""Kernels for a unit whose weights are +1 and -1: all that answer right, counted, and a search that may fail.

Inputs are +1 and -1 too. A weight vector of up to 63 of them is a word, bit i set where weight i is +1. An
example is the word of z = y x; then z.w = N - 2 d, where d counts the bits in which the two words differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import types

from smbook.kernels import kernel
from smbook.kernels._jit import instruction
from smbook.kernels.elementary import exp
from smbook.kernels.rng import uniform

if TYPE_CHECKING:
    from collections.abc import Callable


def _bits_in_python(word: Any) -> Any:
    return np.int64(int(word).bit_count())


def _bits_of(_context: Any, _word: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the processor's instruction, which WebAssembly has too."""

    def codegen(_target, builder, _signature, arguments):
        count = builder.module.declare_intrinsic("llvm.ctpop", [ir.IntType(64)])
        return builder.call(count, arguments)

    return types.int64(types.uint64), codegen


_bits = instruction(_bits_in_python)(_bits_of)


@kernel
def bit_count(word):
    """Return how many bits of a uint64 are set.

    Examples
    --------
    >>> bit_count(np.uint64(13))
    3
    """
    return _bits(np.uint64(word))


@kernel
def find_solutions(rows, most, start, stop, found):
    """Count the words from `start` to before `stop` that differ from all `rows` in `most` bits at most.

    The first of them go to `found` (uint64), as many as it has room for. Most words fail at the first example
    or the second, so that a word takes about two steps, however many examples there are.

    Examples
    --------
    >>> rows, found = np.array([0b011, 0b110], dtype=np.uint64), np.zeros(4, dtype=np.uint64)
    >>> find_solutions(rows, 1, 0, 8, found)
    2
    >>> found[:2].tolist()
    [2, 7]
    """
    count = 0
    for number in range(start, stop):
        word, mu = np.uint64(number), 0
        while mu < rows.size and _bits(rows[mu] ^ word) <= most:
            mu += 1
        if mu == rows.size:
            if count < found.size:
                found[count] = word
            count += 1
    return count


@kernel
def find_fields(columns, weights, fields):
    """Write the fields z.w of all examples (int32, P) for weights (int8, N); `columns` (int8, N, P) holds z.

    Examples
    --------
    >>> columns, fields = np.array([[1, -1], [1, 1]], dtype=np.int8), np.zeros(2, dtype=np.int32)
    >>> find_fields(columns, np.array([1, 1], dtype=np.int8), fields)
    >>> fields.tolist()
    [2, 0]
    """
    fields[:] = 0
    for i in range(weights.size):
        _add(columns[i], np.int32(weights[i]), fields)


@kernel
def _add(column, factor, fields):
    """Add a column of inputs to the fields."""
    for mu in range(fields.size):
        fields[mu] += factor * np.int32(column[mu])


@kernel
def count_wrong(bound, fields):
    """Return how many fields are at most `bound`.

    Examples
    --------
    >>> count_wrong(0, np.array([3, 0, -1], dtype=np.int32))
    2
    """
    wrong = np.int64(0)
    for mu in range(fields.size):
        wrong += np.int64(fields[mu] <= bound)
    return wrong


@kernel
def _wrong_after(column, factor, bound, fields):
    """Return how many would be at most `bound` with a column added."""
    wrong = np.int64(0)
    for mu in range(fields.size):
        wrong += np.int64(fields[mu] + factor * np.int32(column[mu]) <= bound)
    return wrong


@kernel
def anneal_sweeps(columns, bound, beta, state, weights, fields, course):
    """Make sweeps of Metropolis on the number of wrong answers, those with z.w <= bound.

    A sweep tries N weights, each drawn at random, and turns one with probability min(1, exp(-beta change)).
    `course` (int64) takes the number of wrong answers after each sweep. It ends where that is 0. Return how
    many sweeps were begun.

    Source: Metropolis et al. (1953).
    """
    wrong = count_wrong(bound, fields)
    for sweep in range(course.size):
        for _ in range(weights.size):
            if wrong == 0:
                break
            i = np.int64(uniform(state) * weights.size)
            factor = np.int32(-2 * weights[i])
            after = _wrong_after(columns[i], factor, bound, fields)
            if after <= wrong or uniform(state) < exp(-beta * (after - wrong)):
                wrong, weights[i] = after, -weights[i]
                _add(columns[i], factor, fields)
        course[sweep] = wrong
        if wrong == 0:
            return sweep + 1
    return course.size
