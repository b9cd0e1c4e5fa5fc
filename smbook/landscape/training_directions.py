"""The directions of most variance of a training path, and where a path lies in a plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.landscape.directions import check_independent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

CENTRES = ("last", "mean")


class TrainingDirections(NamedTuple):
    """Hold the directions of most variance of a path.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    directions
        Orthonormal rows (k, N), each turned such that the path begins on its positive side.
    shares
        Their shares in the mean square distance from the centre, falling, (k,).
    centre
        The point from which distances are taken, (N,).
    """

    directions: Reals
    shares: Reals
    centre: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        count, n = self.directions.shape
        shares = ", ".join(f"{share:.3g}" for share in self.shares)
        return f"TrainingDirections({count} of {n} parameters, shares {shares})"


class PathProjection(NamedTuple):
    """Hold where the points of a path lie along directions, and how far off what these span.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    coefficients
        In units of the directions, (M, k).
    distances
        From the affine span of the directions, (M,).
    """

    coefficients: Reals
    distances: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        count, k = self.coefficients.shape
        return f"PathProjection({count} points, {k} directions, at most {self.distances.max():.3g} off)"


def training_directions(path: Any, n_directions: int = 2, *, centre: str = "last") -> TrainingDirections:
    r"""Return the directions in which a training path is longest: its principal components.

    .. math:: X = \begin{pmatrix} \theta_1 - \theta_c \\ \vdots \\ \theta_M - \theta_c \end{pmatrix}
              = U S V^T, \qquad \text{shares } \frac{S_k^2}{\sum_j S_j^2}

    with rows of V^T as directions. Li et al. take the last point for the centre c; principal components in
    the usual sense have the mean.

    Large shares say little about a landscape. A random walk of many steps in many dimensions has the shares
    6 / (pi k)^2 about its mean, 0.608 for the first, and 8 / (pi (2 k - 1))^2 about its last point, 0.811 for
    the first. Its coefficients are waves in time, and make Lissajous figures that look like a path into a
    valley. (Antognini and Sohl-Dickstein 2018 for the mean.)

    Parameters
    ----------
    path
        Points of the path in their order, (M, N) with M of at least 2: an array, a tensor, or a list of
        vectors.
    n_directions
        How many, k, at most the dimension of what the path spans.
    centre
        "last" or "mean".

    Returns
    -------
    TrainingDirections

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or not finite; if the path spans fewer
        dimensions than there are to be directions.

    References
    ----------
    Li, Xu, Taylor, Studer and Goldstein (2018), section 7.

    Examples
    --------
    >>> found = training_directions([[3.0, 0.0, 1.0], [1.0, 0.5, 1.0], [0.0, 0.0, 1.0]], 1)
    >>> found.directions.round(3), found.shares.round(3)
    (array([[0.999, 0.051, 0.   ]]), array([0.978]))
    """
    points = _points_of("path", path, minimum=2)
    n_directions = _checks.integer("n_directions", n_directions, minimum=1)
    _checks.choice("centre", centre, CENTRES)
    middle = points[-1].copy() if centre == "last" else points.mean(axis=0)
    away = points - middle
    _, sizes, rows = np.linalg.svd(away, full_matrices=False)
    noise = max(away.shape) * np.finfo(np.float64).eps * float(np.linalg.norm(points))
    rank = int((sizes > noise).sum())
    if n_directions > rank:
        raise ValueError(
            f"n_directions must be at most the {rank} dimensions that the path of {len(points)} points "
            f"spans; got {n_directions}"
        )
    rows = rows[:n_directions]
    rows = rows * np.where(rows @ away[0] < 0.0, -1.0, 1.0)[:, None]
    return TrainingDirections(rows, (sizes**2 / (sizes**2).sum())[:n_directions], middle)


def project_path(path: Any, directions: Any, *, theta: Any = None) -> PathProjection:
    r"""Return where the points of a path lie along directions, and how far off what these span.

    .. math:: \min_c \Bigl\| \theta_t - \theta - \sum_k c_{tk} d_k \Bigr\|

    for each point. Directions need not be orthogonal, nor of unit length.

    Parameters
    ----------
    path
        (M, N), or one point (N,).
    directions
        (k, N), or one direction (N,), such as those of a `Surface`.
    theta
        The origin (N,), such as the centre of a `Surface`; None takes the last point of the path.

    Returns
    -------
    PathProjection

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite; if directions are parallel, or depend on
        each other.

    Examples
    --------
    >>> found = project_path([[3.0, 1.0, 2.0], [1.0, 0.0, 0.0]], [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]])
    >>> found.coefficients.round(9) + 0.0
    array([[1., 1.],
           [0., 0.]])
    >>> found.distances.round(9)
    array([2., 0.])
    """
    points = _points_of("path", path, minimum=1)
    rows = _points_of("directions", directions, minimum=1)
    n = points.shape[1]
    if rows.shape[1] != n:
        raise ValueError(f"directions must be of the path's {n} parameters; got {rows.shape[1]}")
    origin = points[-1] if theta is None else _checks.reals("theta", _array(theta))
    if origin.shape != (n,):
        raise ValueError(f"theta must have the shape ({n},); got {origin.shape}")
    check_independent("directions", rows)
    away = points - origin
    coefficients = np.asarray(np.linalg.lstsq(rows.T, away.T)[0].T, dtype=np.float64)
    off = np.linalg.norm(away - coefficients @ rows, axis=1)
    return PathProjection(coefficients, np.asarray(off, dtype=np.float64))


def _points_of(name: str, values: Any, *, minimum: int) -> Reals:
    """Return rows (m, N) in float64, one vector as a row, or raise."""
    if isinstance(values, (list, tuple)):
        values = [_array(each) for each in values]
    rows = _checks.reals(name, _array(values))
    if rows.ndim == 1 and rows.size:
        rows = rows[None]
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"{name} must be vectors in rows; got the shape {rows.shape}")
    if len(rows) < minimum:
        raise ValueError(f"{name} must have at least {minimum} points; got {len(rows)}")
    return rows


def _array(values: Any) -> Any:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values
