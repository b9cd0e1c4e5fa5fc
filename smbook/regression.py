"""Linear regression on random examples: a teacher of real numbers, and the student of least squares."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.kernels.rng import fill_normal, seed_state

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]

__all__ = ["LinearExamples", "linear_examples", "ridge"]

_LARGEST = 1e100  # whose square is a float


class LinearExamples(NamedTuple):
    """Hold examples of a linear rule.

    Attributes
    ----------
    inputs
        float64, (n, d), an example a row.
    targets
        float64, (n,).
    coefficients
        float64, (d,): the teacher's, of the features that are seen.
    """

    inputs: Floats
    targets: Floats
    coefficients: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        n, d = self.inputs.shape
        return f"LinearExamples({n} of {d} features)"


def linear_examples(
    n_samples: int,
    n_features: int,
    *,
    signal: float = 1.0,
    noise: float = 0.0,
    n_hidden: int = 0,
    rng: Randomness = None,
) -> LinearExamples:
    r"""Return examples of a random linear rule, with noise on the targets.

    .. math:: y = x \cdot \beta + x' \cdot \beta' + \sigma \xi

    Features x (seen), x' (hidden) and xi are independent standard normal numbers. The coefficients (beta,
    beta') are uniform on the sphere of radius r in d + h dimensions. For a student who sees x alone, what is
    hidden is more noise: `smbook.theory.regression.seen_part` says how much.

    Parameters
    ----------
    n_samples, n_features
        n and d, at least 1.
    signal
        r, at least 0.
    noise
        sigma, at least 0.
    n_hidden
        h, how many features take part in the rule and are left out of `inputs`.
    rng
        As for `smbook.ising.simulate`. A seed draws the same inputs whatever signal, noise and `n_hidden`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> found = linear_examples(4, 3, signal=2.0, rng=1)
    >>> found
    LinearExamples(4 of 3 features)
    >>> bool(np.allclose(found.targets, found.inputs @ found.coefficients))
    True
    >>> round(float(np.linalg.norm(found.coefficients)), 12)
    2.0
    """
    n = _checks.integer("n_samples", n_samples, minimum=1)
    d = _checks.integer("n_features", n_features, minimum=1)
    h = _checks.integer("n_hidden", n_hidden, minimum=0)
    radius = _checks.real("signal", signal, minimum=0.0, maximum=_LARGEST)
    sigma = _checks.real("noise", noise, minimum=0.0, maximum=_LARGEST)
    state = seed_state(rng)
    inputs, direction = _normal(state, n, d), _normal(state, d + h)
    coefficients = direction * (radius / np.linalg.norm(direction))
    targets = inputs @ coefficients[:d] + sigma * _normal(state, n)
    if h:
        targets += _normal(state, n, h) @ coefficients[d:]
    return LinearExamples(inputs, targets, coefficients[:d].copy())


def ridge(inputs: ArrayLike, targets: ArrayLike, penalty: float = 0.0) -> Floats:
    r"""Return the coefficients of least squares, kept short by a penalty.

    .. math:: \hat\beta = \arg\min_b\; \lvert y - X b \rvert^2 + \lambda \lvert b \rvert^2
              = (X^T X + \lambda)^{-1} X^T y

    Without a penalty, of all that fit equally well the shortest, which is the limit of a penalty that goes to
    0 ("ridgeless"). With as many features as examples or more it fits all, noise included.

    Parameters
    ----------
    inputs
        X, (n, d), an example a row.
    targets
        y, (n,).
    penalty
        lambda, at least 0, in units of the sum over the examples.

    Returns
    -------
    Floats
        (d,). Without a penalty, singular values of X below max(n, d) times the rounding of the largest count
        as 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    References
    ----------
    Hoerl and Kennard (1970) for the penalty; Penrose (1956) for the shortest.

    Examples
    --------
    >>> ridge([[1.0, 1.0], [1.0, -1.0]], [3.0, 1.0])
    array([2., 1.])
    >>> ridge([[1.0, 1.0]], [3.0]), ridge([[1.0, 1.0]], [3.0], 1.0)
    (array([1.5, 1.5]), array([1., 1.]))
    """
    rows, y = _checks.reals("inputs", inputs), _checks.reals("targets", targets)
    if rows.ndim != 2 or 0 in rows.shape:
        raise ValueError(f"inputs must be a matrix (n, d); got the shape {rows.shape}")
    if y.shape != rows.shape[:1]:
        raise ValueError(f"targets must be {len(rows)} numbers; got the shape {y.shape}")
    shrink = _checks.real("penalty", penalty, minimum=0.0)
    left, sizes, right = np.linalg.svd(rows, full_matrices=False)
    kept = sizes > max(rows.shape) * np.finfo(np.float64).eps * sizes[0] if shrink == 0 else sizes > 0
    with np.errstate(over="ignore", invalid="ignore"):
        along = left[:, kept].T @ y
        found = np.asarray(right[kept].T @ (along / (sizes[kept] + shrink / sizes[kept])))
    if not all(np.isfinite(numbers).all() for numbers in (sizes, along, found)):
        raise ValueError(
            f"numbers must stay in the range of floats; got inputs up to {np.abs(rows).max():g} "
            f"and targets up to {np.abs(y).max():g}"
        )
    return found


def _normal(state: State, *shape: int) -> Floats:
    numbers = np.empty(shape)
    fill_normal(state, numbers.ravel())
    return numbers
