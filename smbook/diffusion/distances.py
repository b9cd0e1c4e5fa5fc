"""How far points are from those that were learnt: whether a sample is new, or remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial.distance import cdist

from smbook import _checks
from smbook._records import equal
from smbook.diffusion._arguments import checked_points

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from smbook.diffusion._arguments import Floats

_TOGETHER = 1 << 20  # distances that are held at once
_WORK = 1 << 28  # coordinates that are compared at once, so that Ctrl-C is heard


class Nearest(NamedTuple):
    """The nearest of some points for each of others: `distances` (m,) and `indices` (m,).

    Two are equal if all their numbers are.
    """

    distances: Floats
    indices: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        m = len(self.distances)
        mean = f", {self.distances.mean():.4g} away on average" if m else ""
        return f"Nearest(of {m} point{'s' * (m != 1)}{mean})"


def nearest(points: ArrayLike, others: ArrayLike) -> Nearest:
    """Return which of `others` is nearest to each of `points`, and how far away.

    Distances are Euclidean and made of differences, so that they are right near 0 too. The first of several
    that are as near is taken.

    Parameters
    ----------
    points
        (m, d), of which there may be none.
    others
        (n, d), at least one.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite.

    Examples
    --------
    >>> nearest([[0.0, 0.0], [3.0, 4.5]], [[3.0, 4.0], [1.0, 0.0]])
    Nearest(of 2 points, 0.75 away on average)
    >>> nearest([[0.0, 0.0], [3.0, 4.5]], [[3.0, 4.0], [1.0, 0.0]]).indices
    array([1, 0])
    """
    places, known = _checked(points, others, least=1)
    indices = np.empty(len(places), dtype=np.int64)
    distances = np.empty(len(places))
    for some, apart in _distances(places, known):
        indices[some] = apart.argmin(axis=1)
        distances[some] = apart.min(axis=1)
    return Nearest(distances, indices)


def memorized_share(points: ArrayLike, others: ArrayLike, *, factor: float = 1 / 3) -> float:
    """Return the share of `points` that are copies of one of `others`.

    A point is taken for a copy if the nearest is less than `factor` times as far away as the second nearest.
    Equal ones count once. That the point is near to what it may copy is not enough: where points lie densely
    everything is near to something.

    Parameters
    ----------
    points
        (m, d), at least one.
    others
        (n, d), those that were learnt, at least two that differ.
    factor
        Above 0 and at most 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite.

    References
    ----------
    Yoon, Choi, Kwon and Ryu (2023); Gu, Du, Pang, Li, Lin and Wang (2025).

    Examples
    --------
    >>> memorized_share([[0.1], [0.4], [3.2], [9.0]], [[0.0], [1.0], [3.0]])
    0.5
    """
    factor = _checks.positive("factor", factor)
    if factor > 1:
        raise ValueError(f"factor must be at most 1; got {factor}")
    places, known = _checked(points, others, least=2)
    if not len(places):
        raise ValueError("points must be at least one; got none")
    known = np.unique(known, axis=0)
    if len(known) < 2:
        raise ValueError(f"others must be at least two that differ; all are {known[0]}")
    copies = 0
    for _, apart in _distances(places, known):
        first, second = np.partition(apart, 1, axis=1)[:, :2].T
        copies += int(np.count_nonzero(first < factor * second))
    return copies / len(places)


def _checked(points: ArrayLike, others: ArrayLike, *, least: int) -> tuple[Floats, Floats]:
    known = checked_points("others", others)
    if len(known) < least:
        raise ValueError(f"others must be at least {least}; got {len(known)}")
    return checked_points("points", points, known.shape[1]), known


def _distances(places: Floats, known: Floats) -> Iterator[tuple[slice, Floats]]:
    """Yield the distances between some places and all that are known, (some, n), and which places."""
    size = max(1, min(_TOGETHER // len(known), _WORK // known.size))
    for start in range(0, len(places), size):
        some = slice(start, start + size)
        yield some, cdist(places[some], known)
