"""What a threshold unit can tell apart: separability with proofs, the largest margin, and all dichotomies.

Weights w separate examples if all z = y x have z.w > 0. So the origin then lies outside of the convex hull of
the z, and the weights of largest margin point to the hull's nearest point; else some combination of z with
weights that are not negative vanishes. One of the two is found, and holds whatever rounding did: products are
told from 0 by a bound on their errors, and combinations that float64 cannot settle by whole numbers.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook._records import equal
from smbook.perceptron._exact import vanishing_combination
from smbook.perceptron._examples import checked_examples, checked_inputs, checked_weights
from smbook.perceptron._least_weights import ascended, least_weights, nearest_point

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Integers = NDArray[np.int64]

_EPSILON = float(np.finfo(np.float64).eps)
_AT_THE_MARGIN = 1e-9  # of the margin, by which a support vector may be further out
_EXACT = 1e-10  # of the shortest input, to which margins are known
_MOST_POINTS = 20  # with up to a million labelings
_MOST_SUBSETS = 1_000_000
_MOST_NUMBERS = 200_000  # of subsets that are looked at together
_SINGULAR = 1e-12  # of unit vectors, the least singular value of those that count as independent
_NEARLY_NOTHING = 1e-6  # of a combination of unit vectors that may come to vanish
_CLEARLY = 1e-10  # of unit vectors, the least singular value at which nobody doubts that they are independent
_MANY = 40_000  # numbers, P N, from which on the ascent comes first
_ALIKE = 1e3  # the ratio of lengths up to which it does
_TERMS = 6  # of a combination that an error writes out


class NotSeparableError(ValueError):
    """Say that no weights separate examples.

    Attributes
    ----------
    combination
        Numbers of at least 0, one an example, which sum to 1: the proof, as sum_mu c_mu y_mu x_mu = 0.
    """

    def __init__(self, combination: Floats) -> None:
        self.combination = combination
        super().__init__(f"no weights separate these examples: {_in_words(combination)} = 0")

    def __reduce__(self) -> tuple[type[NotSeparableError], tuple[Floats]]:
        return type(self), (self.combination,)


class Margin(NamedTuple):
    """Hold the margin of weights, and which examples it hangs on.

    Attributes
    ----------
    value
        The least y w.x, w of length 1. Below 0 some examples are on the wrong side.
    weights
        w, of length 1, float64 (N,).
    support
        The numbers of the examples at that distance, int64.
    """

    value: float
    weights: Floats
    support: Integers

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"Margin({self.value:.6g}, of {self.support.size} support vectors in {self.weights.size} inputs)"
        )


def is_separable(inputs: ArrayLike, labels: ArrayLike) -> bool:
    """Tell whether weights w exist with y w.x > 0 for every example: a plane through the origin parts them.

    Either answer comes with a proof, weights or a combination sum c_mu y_mu x_mu = 0 with c >= 0; `margin`
    hands both out. The lengths of inputs do not matter. Where examples span fewer than N dimensions the
    second proof needs whole numbers, which takes seconds for a hundred inputs of many digits.

    Parameters
    ----------
    inputs
        Real numbers, (P, N). For a plane with an offset hand in `with_constant(inputs)`.
    labels
        +1 and -1, (P,).

    Raises
    ------
    TypeError, ValueError
        If these are no examples, or if they are so near to the border between both answers, closer than 1e-14
        of the inputs or so, that rounding hides which it is.

    References
    ----------
    Minsky and Papert (1969) for what is not; Lawson and Hanson (1974).

    Examples
    --------
    >>> corners = [[-1, -1], [-1, 1], [1, -1], [1, 1]]
    >>> is_separable(corners, [-1, 1, 1, -1]), is_separable(corners, [-1, -1, 1, 1])
    (False, True)
    """
    rows, signs = checked_examples(inputs, labels)
    if not rows.any(axis=1).all():
        return False
    return _separate(rows * signs[:, np.newaxis])[1] is None


def margin(inputs: ArrayLike, labels: ArrayLike, *, weights: ArrayLike | None = None) -> Margin:
    """Return the largest margin of examples, max_w min_mu y_mu w.x_mu over w of length 1, or that of weights.

    It is the distance from the origin of the convex hull of all y x, found by projection with an active set,
    and checked against both of its bounds: what the weights reach, and the length of the combination of
    support vectors. They agree to 1e-10 of the shortest input. Where inputs are hundreds, passes of `adatron`
    find a first set, all but a few of the support vectors: half a second for 2500 examples of 500 inputs.

    Parameters
    ----------
    inputs
        Real numbers, (P, N).
    labels
        +1 and -1, (P,).
    weights
        Whose margin to return, not all zero, (N,); by default the best ones are found.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if rounding hides whether examples are
        separable.
    NotSeparableError
        A ValueError, if no weights are given and none separate the examples: with a combination of them that
        vanishes.

    References
    ----------
    Lawson and Hanson (1974); Goldfarb and Idnani (1983); Krauth and Mezard (1987).

    Examples
    --------
    >>> best = margin([[1.0, 2.0], [2.0, 1.0], [3.0, 4.0]], [1, 1, 1])
    >>> best
    Margin(2.12132, of 2 support vectors in 2 inputs)
    >>> best.support
    array([0, 1])
    >>> margin([[-1, -1], [-1, 1], [1, -1], [1, 1]], [-1, 1, 1, -1])  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    smbook.perceptron.separability.NotSeparableError: no weights separate ...: 0.5 y_0 x_0 + 0.5 y_3 x_3 = 0
    """
    rows, signs = checked_examples(inputs, labels)
    turned = rows * signs[:, np.newaxis]
    if weights is not None:
        direction = checked_weights("weights", weights, rows.shape[1])
        if not direction.any():
            raise ValueError(f"weights must not be zero; got {direction}")
        return _margin_of(turned, direction)
    _check_nonzero(turned)
    return _largest_margin(turned, _checked_start(turned))


def dichotomies(inputs: ArrayLike) -> NDArray[np.int8]:
    """Return all labelings of a few points that planes through the origin make, int8 (C, P).

    Points join one by one, and each labeling goes on with +1, -1 or both, as `is_separable` says. For points
    in general position C is `smbook.theory.perceptron.cover_count(P, N)`, and otherwise it is less. A
    labeling and its mirror image come together; rows with +1 come first.

    Parameters
    ----------
    inputs
        Real numbers, (P, N), P at most 20, none of the points at the origin.

    Raises
    ------
    TypeError, ValueError
        If inputs are no examples, or too many; or if rounding hides whether some labeling is separable.

    References
    ----------
    Cover (1965).

    Examples
    --------
    >>> len(dichotomies([[1, 0], [0, 1], [1, 1]])), len(dichotomies([[1, 0], [0, 1], [2, 0]]))
    (6, 4)
    """
    rows = checked_inputs(inputs)
    if len(rows) > _MOST_POINTS:
        raise ValueError(f"inputs must be at most {_MOST_POINTS} points; got {len(rows)}")
    if not rows.any(axis=1).all():
        mu = int(np.flatnonzero(~rows.any(axis=1))[0])
        raise ValueError(f"inputs must not be zero, which has no label; example {mu} is {rows[mu]}")
    free = _independent_rows(_unit(rows))
    found: list[tuple[int, ...]] = [(1,)]
    for k in range(1, len(rows)):
        found = [
            (*signs, sign)
            for signs in found
            for sign in (1, -1)
            if k < free or _separate(rows[: k + 1] * np.array([(*signs, sign)]).T)[1] is None
        ]
    half = np.array(found, dtype=np.int8)
    return np.concatenate([half, -half[::-1]])


def in_general_position(inputs: ArrayLike) -> bool:
    """Tell whether every min(P, N) of P points in N dimensions are linearly independent.

    Then planes through the origin make as many labelings as any points allow. All C(P, N) subsets are looked
    at, in microseconds each for few inputs and milliseconds for a hundred; one counts as dependent if scaled
    to length 1 its least singular value is below 1e-12.

    Parameters
    ----------
    inputs
        Real numbers, (P, N), with at most a million subsets.

    Raises
    ------
    TypeError, ValueError
        If inputs are no examples, or have too many subsets.

    References
    ----------
    Cover (1965).

    Examples
    --------
    >>> in_general_position([[1, 0], [0, 1], [1, 1]]), in_general_position([[1, 0], [0, 1], [2, 0]])
    (True, False)
    """
    rows = checked_inputs(inputs)
    size = min(rows.shape)
    count = math.comb(len(rows), size)
    if count > _MOST_SUBSETS:
        raise ValueError(
            f"inputs must have at most {_MOST_SUBSETS} subsets of {size} points; {len(rows)} have {count}"
        )
    if not rows.any(axis=1).all():
        return False
    points = _unit(rows)
    subsets = itertools.combinations(range(len(points)), size)
    together = max(1, _MOST_NUMBERS // (size * points.shape[1]))
    for some in iter(lambda: list(itertools.islice(subsets, together)), []):
        if np.linalg.svd(points[np.array(some)], compute_uv=False)[:, -1].min() < _SINGULAR:
            return False
    return True


def _check_nonzero(rows: Floats) -> None:
    empty = np.flatnonzero(~rows.any(axis=1))
    if empty.size:  # alone it is a combination that vanishes
        raise NotSeparableError(np.eye(len(rows))[empty[0]])


def _checked_start(rows: Floats) -> Floats | None:
    """Return strengths that are near to the best ones, or None where none were found; raise if none can be.

    Weights of the ascent prove separability as any others do.
    """
    lengths = _lengths(rows)
    suits = rows.size >= _MANY and lengths.max() <= _ALIKE * lengths.min()
    found = ascended(rows / lengths.min()) if suits else None
    if found is not None and _proves(_unit(rows), found.weights):
        return found.strengths * lengths
    combination = _separate(rows)[1]
    if combination is not None:
        raise NotSeparableError(combination)
    return None


def _unit(rows: Floats) -> Floats:
    """Return rows with lengths of 1; directions change by rounding alone."""
    scaled = rows / np.abs(rows).max(axis=1, keepdims=True)
    return np.asarray(scaled / np.linalg.norm(scaled, axis=1, keepdims=True))


def _lengths(rows: Floats) -> Floats:
    largest = np.abs(rows).max(axis=1)
    largest[largest == 0.0] = 1.0
    return np.asarray(largest * np.linalg.norm(rows / largest[:, np.newaxis], axis=1))


def _independent_rows(points: Floats) -> int:
    """Return how many of the first points are independent beyond doubt."""
    for k in range(1, min(points.shape) + 1):
        if np.linalg.svd(points[:k], compute_uv=False)[-1] < 1e-6:
            return k - 1
    return int(min(points.shape))


def _separate(rows: Floats) -> tuple[Floats, Floats | None]:
    """Return weights with z.w > 0 for all rows z, or a combination of the rows that vanishes, proven."""
    points = _unit(rows)
    ones = np.ones(len(points))
    for solve in (nearest_point, least_weights):
        found = solve(points, ones)
        if _proves(points, found.weights):
            return found.weights, None
        combination = _combination(rows, points, found.strengths)
        if combination is not None:
            return found.weights, combination
    reached = (points @ found.weights).min() / max(float(np.linalg.norm(found.weights)), 1e-300)
    raise ValueError(
        "inputs are too near to the border of what is separable for float64 to tell: the best weights found "
        f"have a least y w.x of {reached:.1e}, for inputs and weights of length 1"
    )


def _proves(points: Floats, weights: Floats) -> bool:
    """Tell whether z.w > 0 for all rows, with all that rounding of products and rows can have done."""
    doubt = (points.shape[1] + 8) * _EPSILON * (np.abs(points) @ np.abs(weights))
    return bool((points @ weights > doubt).all())


def _combination(rows: Floats, points: Floats, strengths: Floats) -> Floats | None:
    """Return a combination of rows, of weights that sum to 1, which vanishes; None where there is no proof.

    Points that span all N dimensions vanish in a combination near to one of strengths that nearly does: its
    strengths differ by at most the length of what is left, over the least singular value.
    """
    chosen = np.flatnonzero(strengths > 0.0)
    if chosen.size < 2:
        return None
    some, factors = points[chosen], strengths[chosen] / strengths.sum()
    left = factors @ some
    if np.linalg.norm(left) > _NEARLY_NOTHING:
        return None
    found = _corrected(some, factors, left)
    if found is None:
        found = vanishing_combination(rows[chosen])
    else:
        lengths = _lengths(rows[chosen])
        found = found * (lengths.min() / lengths)
    if found is None:
        return None
    combination = np.zeros(len(rows))
    combination[chosen] = found / found.sum()
    return combination


def _corrected(points: Floats, factors: Floats, left: Floats) -> Floats | None:
    """Return factors with which points vanish, near to given ones, where they are sure to be above 0."""
    n_points, n = points.shape
    singular = np.linalg.svd(points, compute_uv=False)[-1]
    if n_points <= n or singular < _CLEARLY:
        return None
    doubt = np.linalg.norm(left) + 4 * (n_points + n + 8) * _EPSILON
    if factors.min() <= 4 * doubt / singular:
        return None
    return np.asarray(factors - np.linalg.lstsq(points.T, left, rcond=None)[0])


def _largest_margin(rows: Floats, start: Floats | None) -> Margin:
    """Return the largest margin of rows that are separable, or raise if rounding leaves it too vague."""
    points, lengths = _unit(rows), _lengths(rows)
    bounds = lengths.min() / lengths
    if start is None:
        start = nearest_point(points, bounds).strengths
    found = least_weights(points, bounds, start)
    best = _margin_of(rows, found.weights)
    most = lengths.min() * np.linalg.norm(found.strengths @ points) / (found.strengths @ bounds)
    allowed = _EXACT * lengths.min() + 100 * _EPSILON * lengths.max()
    if best.value <= 0.0 or most - best.value > allowed:
        raise ValueError(
            "inputs are so near to the border of what is separable, or of so different lengths, that float64 "
            f"leaves their margin between {best.value:.3g} and {most:.3g}"
        )
    return best


def _margin_of(rows: Floats, weights: Floats) -> Margin:
    scaled = weights / np.abs(weights).max()
    direction = scaled / np.linalg.norm(scaled)
    distances = rows @ direction
    value = float(distances.min())
    near = _AT_THE_MARGIN * abs(value) + 32 * _EPSILON * float(_lengths(rows).max())
    return Margin(value, direction, np.flatnonzero(distances <= value + near))


def _in_words(combination: Floats) -> str:
    """Write out the terms of a combination, the first few of them."""
    numbers = np.flatnonzero(combination > 0.0)
    words = " + ".join(f"{combination[mu]:.4g} y_{mu} x_{mu}" for mu in numbers[:_TERMS])
    more = numbers.size - _TERMS
    return words if more <= 0 else f"{words} + {more} more such terms"
