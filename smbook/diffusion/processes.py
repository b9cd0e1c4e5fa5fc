"""Noise put on points, and taken off again: the forward process and the reversed one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast

import numpy as np

from smbook import _checks, _runs
from smbook._records import equal
from smbook.diffusion._arguments import (
    LARGEST,
    LONGEST,
    NOISE_APART,
    REVERSE_APART,
    SHORTEST,
    checked_points,
    checked_time,
    parts,
)
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import state_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook.diffusion._arguments import Floats
    from smbook.kernels.rng import Randomness, State

_MOST_STEPS = 10**7


class Scored(Protocol):
    """What has a score: `TwoClusters`, `CurieWeissData`, `PointCloud`, a trained network."""

    def score(self, x: Floats, t: float, /) -> Any:
        """Return the gradient of ln P_t at points (m, d)."""


class Data(Scored, Protocol):
    """What has a score, in so many dimensions."""

    @property
    def n_dimensions(self) -> int:
        """How many coordinates a point has."""


class Reversed(NamedTuple):
    """What a reversed run leaves: points (m, d), their whole path (len(times), m, d) or None, and the times.

    Two are equal if all their numbers are: those of the same run are.
    """

    points: Floats
    path: Floats | None
    times: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        sizes = zip((*self.points.shape, self.times.size - 1), ("point", "dimension", "step"), strict=True)
        points, dimensions, steps = (f"{size} {name}{'s' * (size != 1)}" for size, name in sizes)
        times = f"from t = {self.times[0]:g} to {self.times[-1]:g}"
        kept = "" if self.path is None else ", path kept"
        return f"Reversed({points} in {dimensions}, {steps} {times}{kept})"


def add_noise(samples: ArrayLike, t: float, *, rng: Randomness = None) -> Floats:
    r"""Return points after a time t of noise: :math:`e^{-t} a + \sqrt{1 - e^{-2t}}\, z`, z standard normal.

    This is the exact law of dx = -x dt + sqrt(2) dW at time t, whatever the steps that lead there.

    Parameters
    ----------
    samples
        a, (m, d).
    t
        From 0, which changes nothing, to 350.
    rng
        As for `smbook.ising.simulate`. An integer that has drawn the samples draws noise independent of them.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> noisy = add_noise(np.full((10000, 1), 3.0), np.log(2.0), rng=1)
    >>> bool(abs(noisy.mean() - 1.5) < 0.03), bool(abs(noisy.var() - 0.75) < 0.05)
    (True, True)
    """
    data, time = checked_points("samples", samples), checked_time("t", t, shortest=0.0)
    noisy = np.empty_like(data)
    state = state_apart(rng, NOISE_APART)
    for some in parts(*data.shape):
        kernels.add_noise(data[some], time, state, noisy[some])
    return noisy


def time_grid(
    start: float = 6.0, end: float = 1e-3, *, largest: float = 0.05, relative: float = 0.1
) -> Floats:
    """Return times from `start` down to `end`, in steps min(largest, relative t), the last one shorter.

    Near t = 0 the score of a point cloud changes on the scale of t itself: steps must shrink with it.

    Parameters
    ----------
    start, end
        350 >= start > end >= 1e-12.
    largest
        The longest step, positive.
    relative
        The longest step over the time from which it is made, positive and at most 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or more than 10^7 steps are needed.

    Examples
    --------
    >>> times = time_grid(4.0, 0.001)
    >>> times.size, times[:3].round(2).tolist(), times[-3:].round(5).tolist()
    (130, [4.0, 3.95, 3.9], [0.00123, 0.00111, 0.001])
    """
    start, end = checked_time("start", start), checked_time("end", end)
    if not start > end:
        raise ValueError(f"start must be later than end; got start={start!r}, end={end!r}")
    largest, relative = _checks.positive("largest", largest), _checks.positive("relative", relative)
    if relative > 1:
        raise ValueError(f"relative must be at most 1; got {relative}")
    _check_steps(start, end, largest, relative)
    times = [start]
    while times[-1] > end:
        t = times[-1]
        following = t - min(largest, relative * t)
        times.append(following if following > end * (1 + 1e-9) else end)
    return np.array(times)


def reverse(
    score: Scored | Callable[[Floats, float], Any],
    points: ArrayLike,
    times: ArrayLike,
    *,
    rng: Randomness = None,
    keep: bool = False,
    progress: bool = False,
) -> Reversed:
    r"""Lead points back in time by their score, in Euler steps of the reversed process.

    .. math:: x_{t - dt} = x_t + [x_t + 2 \nabla \ln P_t(x_t)]\, dt + \sqrt{2\, dt}\, z

    With the score of the data and steps to zero, points that are drawn from P_t at the first time come out
    as draws of P_t at the last one (Anderson).

    Parameters
    ----------
    score
        A function of points (m, d) and a time t that returns the gradients (m, d), or an object with such a
        method `score`. It is asked at each time but the last.
    points
        (m, d), at the first of the times.
    times
        Strictly decreasing, from at most 350 to at least 1e-12; the last may be 0. See `time_grid`.
    rng
        As for `smbook.ising.simulate`.
    keep
        Whether the points at all times are kept, len(times) m d numbers.
    progress
        Whether a bar shows the steps.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, if the score returns another shape or numbers
        that are not finite, or if points run away; the error says at which step and time.

    References
    ----------
    Anderson (1982); Song et al. (2021).

    Examples
    --------
    >>> from smbook.diffusion import TwoClusters
    >>> data = TwoClusters([4.0, 0.0])
    >>> points = add_noise(data.sample(500, rng=1), 3.0, rng=1)
    >>> back = reverse(data, points, time_grid(3.0), rng=1)
    >>> back
    Reversed(500 points in 2 dimensions, 109 steps from t = 3 to 0.001)
    >>> bool(abs(np.abs(back.points[:, 0]).mean() - 4.0) < 0.2)
    True
    """
    function, places = _score_of(score), checked_points("points", points)
    grid = _checked_times(times)
    return _go_back(function, places, grid, state_apart(rng, REVERSE_APART), keep, progress)


def generate(
    data: Data,
    n: int,
    *,
    start: float = 6.0,
    end: float = 1e-3,
    largest: float = 0.05,
    relative: float = 0.1,
    rng: Randomness = None,
    progress: bool = False,
) -> Floats:
    """Return `n` new points, led back by the score of `data` from noise alone.

    Noise stands for P_t at `start`, which is right if e^-start times the deviation of the data along each
    direction is far below 1. Steps as in `time_grid`, a run as in `reverse`.

    Parameters
    ----------
    data
        An object with a method `score` of points and a time, and `n_dimensions`.
    n
        At least 0.

    Returns
    -------
    NDArray
        float64, (n, n_dimensions).

    Raises
    ------
    TypeError, ValueError
        As `time_grid` and `reverse`.

    Examples
    --------
    >>> from smbook.diffusion import PointCloud
    >>> points = generate(PointCloud([[1.0], [-1.0]]), 5, rng=1)
    >>> np.abs(points).round(1).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    function = _score_of(data)
    if not hasattr(data, "n_dimensions"):
        raise TypeError(f"data must have n_dimensions; got {data!r}")
    size = _checks.integer("n", n, minimum=0), _checks.integer("n_dimensions", data.n_dimensions, minimum=1)
    grid = time_grid(start, end, largest=largest, relative=relative)
    places, state = np.empty(size), state_apart(rng, REVERSE_APART)
    for some in parts(*places.shape):
        kernels.fill_noise(state, places[some])
    return _go_back(function, places, grid, state, False, progress).points


def _go_back(
    function: Callable[[Floats, float], Any],
    places: Floats,
    grid: Floats,
    state: State,
    keep: bool,
    progress: bool,
) -> Reversed:
    """Move `places`, in place, along the grid."""
    path = np.empty((grid.size, *places.shape)) if keep else None
    noise = np.empty(places.shape[1])
    if path is not None:
        path[0] = places
    with _runs.progress_bar(grid.size - 1, "step", progress) as tell:
        for step, (t, following) in enumerate(zip(grid[:-1].tolist(), grid[1:].tolist(), strict=True)):
            scores = _checked_scores(function(places.copy(), t), places.shape, step, t)
            for some in parts(*places.shape):
                kernels.reverse_step(scores[some], t - following, noise, state, places[some])
            _check_reach(places, step, t)
            if path is not None:
                path[step + 1] = places
            tell(1)
    return Reversed(places, path, grid)


def _score_of(score: Any) -> Callable[[Floats, float], Any]:
    found = getattr(score, "score", score)  # a network is callable, too
    if not callable(found):
        raise TypeError(
            f"score must be a function of points and a time, or have a method score; got {score!r}"
        )
    return cast("Callable[[Floats, float], Any]", found)


def _checked_times(times: ArrayLike) -> Floats:
    grid = _checks.reals("times", times)
    if grid.ndim != 1 or not grid.size:
        raise ValueError(f"times must be at least one, in one row; got the shape {grid.shape}")
    late = np.flatnonzero(np.diff(grid) >= 0)
    if late.size:
        k = int(late[0])
        raise ValueError(f"times must decrease; {grid[k]:g} is followed by {grid[k + 1]:g} at {k + 1}")
    if grid[0] > LONGEST or grid[-1] < 0:
        raise ValueError(f"times must be from 0 to {LONGEST:g}; got {grid[0]:g} down to {grid[-1]:g}")
    if grid.size > 1 and grid[-2] < SHORTEST:
        raise ValueError(f"times but the last must be at least {SHORTEST:g}; got {grid[-2]:g}")
    return grid


def _check_steps(start: float, end: float, largest: float, relative: float) -> None:
    """Raise if a grid would have too many times."""
    change = min(max(largest / relative, end), start)  # where steps begin to shrink
    shrinking = 1.0 if relative == 1 else math.log(change / end) / -math.log1p(-relative)
    steps = (start - change) / largest + shrinking
    if steps > _MOST_STEPS:
        raise ValueError(
            f"steps must be at most {_MOST_STEPS}; got {steps:.3g} of them by largest={largest!r} and "
            f"relative={relative!r}"
        )


def _checked_scores(values: Any, shape: tuple[int, ...], step: int, t: float) -> Floats:
    """Return scores as float64, or raise if they are no finite numbers in the shape of the points."""
    where = f"at step {step}, t = {t:g}"
    try:
        scores = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"score must return an array; got {type(values).__name__} {where}") from None
    if scores.dtype.kind not in "iuf" or isinstance(values, np.ma.MaskedArray):
        kind = f" of {scores.dtype}" if type(values) is np.ndarray else ""
        raise TypeError(f"score must return real numbers; got {type(values).__name__}{kind} {where}")
    if scores.shape != shape:
        raise ValueError(f"score must return the shape of the points, {shape}; got {scores.shape} {where}")
    with np.errstate(over="ignore"):  # of numbers longer than 64 bits
        scores = np.ascontiguousarray(scores, dtype=np.float64)
    wrong = ~np.isfinite(scores)
    if wrong.any():
        raise ValueError(f"score must be finite; got {scores[wrong].flat[0]} {where}")
    return scores


def _check_reach(places: Floats, step: int, t: float) -> None:
    largest = np.abs(places).max(initial=0.0)
    if not largest <= LARGEST:
        raise ValueError(
            f"points run away, to {largest:g} at step {step}, t = {t:g}; the step is too long for this score"
        )
