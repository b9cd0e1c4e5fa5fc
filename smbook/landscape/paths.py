"""The loss on paths between two points: the straight line, and curves that learn to keep low."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _points, _probes, _vectors
from smbook.landscape.loss import Loss

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]

_NOISE = 0.01  # of the distance of the ends, by which the bends of a curve start off the straight line
_LAST_RATE = 0.01  # of the learning rate, to which it falls
_PANELS, _NODES = 64, 8  # of the quadrature of a length


class LossPath(NamedTuple):
    r"""The loss on a path between two points.

    The path is a Bezier curve: with k control points :math:`P_i`, of which the first is its start and the
    last its end,

    .. math:: \theta(t) = \sum_{i=0}^{k-1} \binom{k-1}{i} t^i (1 - t)^{k-1-i} P_i, \qquad 0 \le t \le 1

    which for k = 2 is the straight line. Two results are equal if all their numbers are.

    Attributes
    ----------
    positions
        t of each point, (m,), from 0 to 1.
    losses
        The loss there, (m,), nan where it is not finite.
    control_points
        (k, n_parameters), of the model's dtype.
    """

    positions: Reals
    losses: Reals
    control_points: NDArray[Any]

    def at(self, t: ArrayLike) -> NDArray[Any]:
        """Return the point theta(t), (n_parameters,), or a row for each of several t; the ends are exact.

        Raises a ValueError if t is not from 0 to 1.
        """
        places = _checks.reals("t", t, minimum=0.0)
        if (places > 1.0).any():
            raise ValueError(f"t must be at most 1; got {places.max()}")
        if places.ndim > 1:
            raise ValueError(f"t must be one number or a row of them; got the shape {places.shape}")
        weights = _bernstein(np.atleast_1d(places), len(self.control_points))
        found = np.asarray((weights @ self.control_points).astype(self.control_points.dtype))
        return found if places.ndim else np.asarray(found[0])

    @property
    def barrier(self) -> float:
        """How far the loss rises above the straight line between its ends, `barrier` of this path."""
        return barrier(self)

    @property
    def length(self) -> float:
        """The length of the path in the space of parameters."""
        steps = np.diff(self.control_points.astype(np.float64), axis=0)
        if len(steps) == 1:
            return float(np.linalg.norm(steps))
        nodes, shares = np.polynomial.legendre.leggauss(_NODES)
        middles = (np.arange(_PANELS) + 0.5) / _PANELS
        weights = _bernstein((middles[:, None] + nodes / (2 * _PANELS)).ravel(), len(steps))
        squares = np.einsum("ti,ij,tj->t", weights, steps @ steps.T, weights)
        speeds = len(steps) * np.sqrt(np.maximum(squares, 0.0))
        return float(speeds.reshape(_PANELS, _NODES) @ shares @ np.full(_PANELS, 0.5 / _PANELS))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LossPath) and equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        known = self.losses[np.isfinite(self.losses)]
        return (
            f"LossPath({self.losses.size} points, loss {known.min():.4g} to {known.max():.4g}, "
            f"barrier {self.barrier:.4g}, length {self.length:.4g})"
        )


def barrier(path: LossPath | ArrayLike, positions: ArrayLike | None = None) -> float:
    r"""Return how far the loss on a path rises above the straight line between the losses at its ends.

    .. math:: B = \max_t \{L_t - [(1 - t) L_A + t L_B]\}

    over the points that are given, which may miss a higher one between them. It is never negative, as both
    ends have 0. (Entezari, Sedghi, Saukh and Neyshabur 2022.)

    Parameters
    ----------
    path
        A `LossPath`, or losses (m,) at m >= 2 points.
    positions
        t of each loss, (m,), which rises from 0 to 1; None takes evenly spaced ones. A path has its own.

    Returns
    -------
    float
        The barrier; nan if a path has a loss that is not finite.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range.

    Examples
    --------
    >>> barrier([1.0, 3.0, 2.0])
    1.5
    """
    if isinstance(path, LossPath):
        if positions is not None:
            raise TypeError("positions must not be given beside a LossPath, which has its own")
        losses, places = path.losses, path.positions
    else:
        losses = _checks.reals("losses", path)
        if losses.ndim != 1 or losses.size < 2:
            raise ValueError(f"losses must be a row of at least 2; got the shape {losses.shape}")
        places = _checked_positions(positions, losses.size)
    return float(np.max(losses - ((1.0 - places) * losses[0] + places * losses[-1])))


def straight_path(
    loss: Loss, start: Any = None, end: Any = None, *, n_points: int = 25, progress: bool = False
) -> LossPath:
    r"""Return the loss on the straight line between two points.

    .. math:: \theta(t) = (1 - t) \theta_A + t \theta_B

    at evenly spaced t. An odd number of them has the middle among them, where the slope is zero if the ends
    are copies of one network in which pairs of units have changed places. The losses at the ends are exact;
    the model is left as it was.

    Parameters
    ----------
    loss
        A `Loss`.
    start, end
        The points at t = 0 and 1, (n_parameters,), arrays or tensors; None takes the model's own parameters.
    n_points
        At least 3.
    progress
        Show a progress bar.

    Returns
    -------
    LossPath

    Warns
    -----
    UserWarning
        If the loss is not finite at points between the ends, which become nan.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, or the loss is not finite at an end.

    Examples
    --------
    Two weights of which the product is to be 1 have two valleys:

    >>> model = torch.nn.Sequential(*(torch.nn.Linear(1, 1, bias=False) for _ in range(2))).double()
    >>> loss = Loss(model, torch.nn.MSELoss(), np.ones((1, 1)), np.ones((1, 1)))
    >>> straight_path(loss, np.ones(2), -np.ones(2), n_points=5)
    LossPath(5 points, loss 0 to 1, barrier 1, length 2.828)
    """
    ends = _checked_ends(loss, start, end)
    n_points = _checks.integer("n_points", n_points, minimum=3)
    return _path(loss, torch.stack(ends), n_points, progress)


def curve(
    loss: Loss,
    start: Any = None,
    end: Any = None,
    *,
    n_bends: int = 1,
    n_steps: int = 1000,
    learning_rate: float = 0.05,
    momentum: float = 0.9,
    n_points: int = 25,
    rng: Randomness = None,
    progress: bool = False,
) -> LossPath:
    r"""Return the loss on a curve between two points that has learned to keep low.

    A Bezier curve with fixed ends, whose control points P between them are learned: stochastic gradient
    descent of the mean loss on it,

    .. math:: \int_0^1 L(\theta(t))\,dt, \qquad
              P_i \leftarrow P_i - \eta \binom{n}{i} t^i (1 - t)^{n-i} \, \nabla L(\theta(t))

    with n = n_bends + 1 and a new t, uniform in [0, 1], at each step, and momentum. The learning rate stays
    as it is for half of the steps, and falls linearly to a hundredth of it. The control points start on the
    straight line but for a little noise: where the loss has a symmetry, the line may be a ridge that
    gradients do not leave.

    A curve that keeps low shows that both ends lie in one valley. One that does not shows nothing yet: more
    bends, more steps or another rate may find a way. (Garipov, Izmailov, Podoprikhin, Vetrov and Wilson 2018;
    Draxler, Veschgini, Salmhofer and Hamprecht 2018 find such paths by another method.)

    Parameters
    ----------
    loss
        A `Loss`. Each step takes its gradient over all its rows.
    start, end
        The points at t = 0 and 1, (n_parameters,), arrays or tensors; None takes the model's own parameters.
    n_bends
        Control points between the ends: 1 is a quadratic curve, which lies in a plane.
    n_steps
        Steps of gradient descent.
    learning_rate
        The factor of the gradient at first, in units of squared parameters over the loss.
    momentum
        The share of the last step that is taken again, from 0 to below 1.
    n_points
        Points at evenly spaced t where the loss is told in the end, at least 3.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system.
    progress
        Show a progress bar.

    Returns
    -------
    LossPath
        With n_bends + 2 control points.

    Warns
    -----
    UserWarning
        If the loss is not finite at points between the ends, which become nan.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, shape or range, if the loss is not finite at an end or torch has
        no derivative of it.
    FloatingPointError
        If the gradient or the control points are no longer finite: it names the step and the learning rate.

    Examples
    --------
    With two weights in each layer the valleys are one, x . y = 1, and the straight line misses it:

    >>> model = torch.nn.Sequential(torch.nn.Linear(1, 2, bias=False), torch.nn.Linear(2, 1, bias=False))
    >>> loss = Loss(model.double(), torch.nn.MSELoss(), np.ones((1, 1)), np.ones((1, 1)))
    >>> start = np.array([1.0, 0.0, 1.0, 0.0])
    >>> straight_path(loss, start, -start).barrier
    1.0
    >>> curve(loss, start, -start, n_bends=2, rng=1).barrier < 0.002
    True
    """
    ends = _checked_ends(loss, start, end)
    n_bends = _checks.integer("n_bends", n_bends, minimum=1)
    n_steps = _checks.integer("n_steps", n_steps, minimum=1)
    learning_rate = _checks.positive("learning_rate", learning_rate)
    momentum = _checks.share_below_one("momentum", momentum)
    n_points = _checks.integer("n_points", n_points, minimum=3)
    random = _probes.generator(rng)
    controls = _first_guess(*ends, n_bends, random)
    speed, places = torch.zeros_like(controls[1:-1]), random.random(n_steps)
    weights = _tensor(loss, _bernstein(places, n_bends + 2))
    with progress_bar(n_steps, "step", progress) as tell:
        for step, row in enumerate(weights):
            gradient = loss.gradient(row @ controls)
            speed = momentum * speed + row[1:-1, None] * gradient
            controls[1:-1] -= learning_rate * _rate(step / n_steps) * speed
            if not math.isfinite(controls.abs().sum().item()):
                raise FloatingPointError(
                    f"curve is not finite after step {step + 1} of {n_steps}: learning_rate must be smaller; "
                    f"got {learning_rate:g}"
                )
            tell(1)
    return _path(loss, controls, n_points, progress)


def _path(loss: Loss, controls: torch.Tensor, n_points: int, progress: bool) -> LossPath:
    """Return the loss on a curve with these control points, (k, n_parameters)."""
    positions = np.linspace(0.0, 1.0, n_points)
    section = _points.Section(controls[0], controls[1:] - controls[0])
    with progress_bar(n_points, "point", progress) as tell:
        losses = _points.values(loss, section, _bernstein(positions, len(controls))[:, 1:], tell)
    losses[0], losses[-1] = loss(controls[0]), loss(controls[-1])
    if wrong := int((~np.isfinite(losses)).sum()):
        losses[~np.isfinite(losses)] = math.nan
        warnings.warn(f"the loss is not finite at {wrong} of {n_points} points, which are nan", stacklevel=3)
    return LossPath(positions, losses, _vectors.to_array(controls).copy())


def _bernstein(positions: Reals, count: int) -> Reals:
    """Return the weight of each of `count` control points at each position, (m, count)."""
    ranks = np.arange(count)
    binomials = np.array([math.comb(count - 1, k) for k in ranks], dtype=np.float64)
    t = positions[:, None]
    return np.asarray(binomials * t**ranks * (1.0 - t) ** ranks[::-1])


def _first_guess(
    start: torch.Tensor, end: torch.Tensor, n_bends: int, random: np.random.Generator
) -> torch.Tensor:
    """Return control points at even distances on the straight line, those between the ends with noise."""
    shares = torch.linspace(0.0, 1.0, n_bends + 2, dtype=start.dtype, device=start.device)[:, None]
    controls = (1.0 - shares) * start + shares * end
    drawn = random.standard_normal((n_bends, len(start)))
    drawn *= _NOISE * (end - start).norm().item() / np.linalg.norm(drawn, axis=1, keepdims=True)
    controls[1:-1] += torch.as_tensor(drawn).to(controls)
    return controls


def _rate(done: float) -> float:
    """Return the share of the learning rate that holds when so much of the steps is done."""
    return 1.0 - (1.0 - _LAST_RATE) * max(0.0, 2.0 * done - 1.0)


def _checked_ends(loss: Any, start: Any, end: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the points at both ends, copies, or raise."""
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
    found = []
    for name, given in (("start", start), ("end", end)):
        point = loss._point(None) if given is None else None
        if point is None:
            point = _vectors.to_tensor(name, given, loss.n_parameters, loss.dtype, loss.device)
        if not math.isfinite(value := loss(point)):
            raise ValueError(f"{name} must be where the loss is finite; got {value} there")
        found.append(point.clone())
    return found[0], found[1]


def _checked_positions(positions: ArrayLike | None, count: int) -> Reals:
    if positions is None:
        return np.linspace(0.0, 1.0, count)
    found = _checks.reals("positions", positions)
    if found.shape != (count,):
        raise ValueError(f"positions must have the shape ({count},) of the losses; got {found.shape}")
    if found[0] != 0.0 or found[-1] != 1.0 or (np.diff(found) <= 0.0).any():
        raise ValueError(f"positions must rise from 0 to 1; got {found.tolist()}")
    return found


def _tensor(loss: Loss, values: Reals) -> torch.Tensor:
    return torch.as_tensor(values, dtype=loss.dtype, device=loss.device)
