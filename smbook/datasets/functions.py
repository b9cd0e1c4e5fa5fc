"""Functions of one number, sampled for networks to approximate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from smbook import _checks
from smbook.datasets.split import Split
from smbook.kernels.rng import seed_state

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]


def oscillation(x: ArrayLike) -> Any:
    r"""Return a smooth function with some oscillations, a target to approximate on [-1, 1].

    .. math:: f(x) = \ln(\sin(10 x) + 2) + \sin x

    It is one of the functions of Adcock and Dexter (2021). That Boettcher and Wheeler (2024) had `fcnn_1` and
    `fcnn_2` of `smbook.landscape` learn it is as we recall, and could not be confirmed.

    Parameters
    ----------
    x
        Numbers of any shape.

    Returns
    -------
    float | NDArray
        As `x`.

    Raises
    ------
    TypeError, ValueError
        If `x` does not hold finite real numbers.

    References
    ----------
    Adcock and Dexter (2021).

    Examples
    --------
    >>> oscillation([0.0, 0.1]).round(6).tolist()
    [0.693147, 1.144155]
    """
    points = _checks.reals("x", x)
    found = np.log(np.sin(10.0 * points) + 2.0) + np.sin(points)
    return found if found.ndim else float(found)


def sampled_function(
    f: Callable[[Reals], Any],
    n_train: int,
    n_test: int,
    *,
    low: float = -1.0,
    high: float = 1.0,
    spacing: str = "even",
    rng: Randomness = None,
) -> Split:
    """Return values of a function of one number, at some points to learn from and at others to test with.

    Parameters
    ----------
    f
        Takes an array of points (n,) and returns as many numbers.
    n_train, n_test
        How many points, at least 1.
    low, high
        The ends of the interval.
    spacing
        "even": points to learn from lie evenly from end to end, and points to test with in the middles of
        `n_test` equal parts of the interval; with `n_test = n_train - 1` these are halfway between the
        others. "random": all are drawn from the uniform law, and sorted.
    rng
        As for `smbook.ising.simulate`; "even" draws nothing.

    Returns
    -------
    Split
        Columns (n, 1) in float32. The function is evaluated at the points as they are in float32.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or the function gives other than a finite number
        for each point.

    Examples
    --------
    >>> sampled_function(np.square, 3, 2)
    Split(3 examples and 2 for tests, inputs 1)
    >>> sampled_function(np.square, 3, 2).test_inputs.tolist()
    [[-0.5], [0.5]]
    """
    if not callable(f):
        raise TypeError(f"f must be callable; got {type(f).__name__}")
    n_train = _checks.integer("n_train", n_train, minimum=1)
    n_test = _checks.integer("n_test", n_test, minimum=1)
    low, high = _checks.real("low", low), _checks.real("high", high)
    if low >= high:
        raise ValueError(f"low must be below high; got {low:g} and {high:g}")
    if _checks.choice("spacing", spacing, ("even", "random")) == "even":
        middles = (np.arange(n_test) + 0.5) / n_test
        points = [np.linspace(low, high, n_train), low + (high - low) * middles]
    else:
        random = np.random.default_rng(seed_state(rng))
        points = [np.sort(random.uniform(low, high, n)) for n in (n_train, n_test)]
    return Split(*_sampled(f, points[0]), *_sampled(f, points[1]))


def _sampled(f: Callable[[Reals], Any], points: Reals) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return points and values as columns, or raise."""
    points = points.astype(np.float32).astype(np.float64)
    values = _checks.reals("the values of f", f(points.copy()))
    if values.shape != points.shape:
        raise ValueError(f"f must return as many numbers as points, {points.shape}; got {values.shape}")
    return points.astype(np.float32)[:, None], values.astype(np.float32)[:, None]
