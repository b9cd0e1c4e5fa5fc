"""What is gained by walking along a direction, beside what slope and curvature at its start predict."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._records import equal
from smbook.landscape import _points, _stencil, _vectors
from smbook.landscape.directions import checked_directions
from smbook.landscape.hessian import hessian

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.landscape._vectors import Vector
    from smbook.landscape.loss import Loss

    Reals = NDArray[np.float64]

_FLAT = 64.0  # units in the last place of the gradient, up to which a slope counts as 0
_ROUNDING = 8.0  # units in the last place of the loss, up to which two losses count as the same
_NEAR = (4.0, 8.0, 16.0, 32.0)  # units in the last place of theta: points that differ from it by rounding
_SHORTEST, _LONGEST = -24, 10  # powers of two, in units of the length of theta
_AT_ONCE = 6  # steps of the ladder
_BETWEEN = 8  # further steps in each half of the octaves around the lowest one


class Descent(NamedTuple):
    r"""The loss L(theta + a v) at steps a along a unit vector v, beside L + g . v a + lambda a^2 / 2.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    steps
        The lengths a, rising, above 0, (m,).
    losses
        The loss at each, (m,).
    predicted
        What slope and curvature at theta predict for it, (m,).
    start
        The loss at theta.
    slope
        g . v with the gradient g at theta, never positive.
    curvature
        v . H v.
    gradient_norm
        The length of the gradient at theta.
    direction
        The unit vector v, turned downhill, (N,).
    theta
        The point after the best step, (N,).
    rounding
        By how much losses at points next to theta differ from what is predicted, or from each other by their
        last digits: smaller changes tell nothing.
    """

    steps: Reals
    losses: Reals
    predicted: Reals
    start: float
    slope: float
    curvature: float
    gradient_norm: float
    direction: NDArray[Any]
    theta: NDArray[Any]
    rounding: float

    @property
    def best_step(self) -> float:
        """The step with the lowest loss, 0 if none is lower than at theta."""
        return float(self.steps[self.losses.argmin()]) if self.drop else 0.0

    @property
    def drop(self) -> float:
        """By how much the loss falls at the best step, 0 if it does not by more than rounding."""
        fall = self.start - float(self.losses.min())
        return fall if fall > self.rounding else 0.0

    @property
    def predicted_drop(self) -> float:
        """What slope and curvature predict for the drop at the best step."""
        return -(self.slope * self.best_step + self.curvature * self.best_step**2 / 2.0)

    @property
    def share_of_slope(self) -> float:
        """The share of abs(g . v) a in the predicted drop; above 1 if curvature is against it.

        It is nan where no drop is predicted.
        """
        gained = self.predicted_drop
        return abs(self.slope) * self.best_step / gained if gained > 0.0 else math.nan

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"Descent(loss {self.start:.6g} falls by {self.drop:.3g} in a step of {self.best_step:.3g}, "
            f"predicted {self.predicted_drop:.3g}; slope {self.slope:.3g}, curvature {self.curvature:.3g})"
        )


def descend_along(
    loss: Loss,
    theta: Vector | None,
    direction: Any,
    *,
    steps: ArrayLike | None = None,
    curvature: float | None = None,
) -> Descent:
    r"""Walk from theta along a direction as long as the loss falls, and return how it falls.

    .. math:: L(\theta + a v) = L(\theta) + g \cdot v \, a + \frac{\lambda}{2} a^2 + \dots,
              \qquad g \cdot v \le 0, \quad \lambda = v^T H v

    A loss that falls along an eigenvector of a negative eigenvalue does not make theta a saddle: it falls
    along every direction with a slope. What tells is whether the drop is that of slope or of curvature, and
    whether it is as large as either predicts.

    Parameters
    ----------
    loss
        A `Loss`.
    theta
        The point, (N,); None takes the model's own parameters.
    direction
        (N,), of any length above 0. It is turned downhill; where its slope is 0 up to rounding, both ways are
        tried and the lower one is taken.
    steps
        Lengths above 0, in units of theta. None takes powers of two from 2^-24 of the length of theta up to
        the first at which the loss has risen, or 2^10 of it, and more around the lowest. (If theta is 0, its
        length counts as 1.)
    curvature
        The curvature v . H v if it is known, such as an eigenvalue; None takes a product with the Hessian.

    Returns
    -------
    Descent

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite; if the direction has no length, or the
        loss is not finite at theta.
    FloatingPointError
        If the loss is not finite at one of the `steps`. Those that are not given end before that, but for the
        shortest.

    Examples
    --------
    The loss -x^2 / 2 + x^4 / 4 at x = 0 falls by 1 / 4 up to x = 1:

    >>> from smbook.landscape import Loss
    >>> model = torch.nn.Linear(1, 1, bias=False).double()
    >>> loss = Loss(model, lambda x, _: (x**4 / 4 - x**2 / 2).mean(), np.ones((1, 1)), np.zeros(1))
    >>> found = descend_along(loss, np.zeros(1), np.ones(1))
    >>> found.best_step, found.drop, found.predicted_drop, found.share_of_slope
    (1.0, 0.25, 0.5, 0.0)
    """
    row = _unit(checked_directions(loss, direction, at_most=1)[0])
    point = loss._point(theta).clone()
    lengths = None if steps is None else _checked_steps(steps)
    known = None if curvature is None else _checks.real("curvature", curvature)
    if not math.isfinite(start := loss(point)):
        raise ValueError(f"theta must be where the loss is finite; got {start} there")
    gradient = loss.gradient(point).double()
    slope = float(row.double() @ gradient)
    if known is None:
        known = float(row.double() @ (hessian(loss, point) @ row).double())
    norm = gradient.norm().item()
    flat = abs(slope) <= _FLAT * torch.finfo(loss.dtype).eps * norm
    lines = [
        _Line(loss, _points.Section(point, way[None]), start, -abs(slope) + 0.0, known)
        for way in ([row, -row] if flat else [-row if slope > 0.0 else row])
    ]
    walks = [line.at(lengths) if lengths is not None else line.up_to_a_rise() for line in lines]
    best = min(range(len(lines)), key=lambda k: walks[k][1].min())
    return lines[best].descent(*walks[best], norm)


class _Line(NamedTuple):
    """A line from a point, with the loss, its slope and its curvature there."""

    loss: Loss
    section: _points.Section
    start: float
    slope: float
    curvature: float

    def predicted(self, steps: Reals) -> Reals:
        return self.start + self.slope * steps + self.curvature * steps**2 / 2.0

    def values(self, steps: Reals) -> Reals:
        return _points.values(self.loss, self.section, steps[:, None])

    @property
    def length(self) -> float:
        """The length of the point, 1 if it is 0."""
        return self.section.point.double().norm().item() or 1.0

    def rounding(self) -> float:
        """Measure what rounding makes of the loss."""
        eps = torch.finfo(self.loss.dtype).eps
        near = np.array(_NEAR) * eps * self.length
        off = np.abs(self.values(near) - self.predicted(near))
        return max(_ROUNDING * eps * abs(self.start), 2.0 * float(off[np.isfinite(off)].max(initial=0.0)))

    def at(self, lengths: Reals) -> tuple[Reals, Reals]:
        """Return these steps and the loss at each, or raise."""
        found = self.values(lengths)
        if not np.isfinite(found).all():
            wrong = int(np.flatnonzero(~np.isfinite(found))[0])
            raise FloatingPointError(f"the loss is {found[wrong]} at the step {lengths[wrong]:g}")
        return lengths, found

    def up_to_a_rise(self) -> tuple[Reals, Reals]:
        """Double steps until the loss has risen, and take some more around the lowest one."""
        unit, rounding, end = 2.0 ** round(math.log2(self.length)), self.rounding(), math.inf
        ladder = _stencil.ladder(unit * 2.0**_LONGEST, _LONGEST - _SHORTEST + 1)
        found = np.empty(0)
        while found.size < ladder.size and end == math.inf:
            found = np.append(found, self.values(ladder[found.size : found.size + _AT_ONCE]))
            over = np.flatnonzero(~(np.isfinite(found) & (found <= self.start + rounding)))
            if over.size:
                end = float(ladder[over[0]])
                found = found[: over[0] + bool(np.isfinite(found[over[0]]))]
        if not found.size:
            raise FloatingPointError(f"the loss is not finite at the step {end:g}, the shortest")
        steps = ladder[: found.size]
        if self.start - found.min() > rounding:
            lowest = steps[found.argmin()]
            around = lowest * 2.0 ** (np.arange(1 - _BETWEEN, _BETWEEN) / _BETWEEN)
            around = around[(around != lowest) & (around < end)]
            steps, found = np.append(steps, around), np.append(found, self.values(around))
        order = np.argsort(steps, kind="stable")
        order = order[np.isfinite(found[order])]
        return steps[order], found[order]

    def descent(self, steps: Reals, losses: Reals, norm: float) -> Descent:
        """Return what there is to tell of these steps."""
        row, loss = self.section.rows[0], self.loss
        made = Descent(
            steps, losses, self.predicted(steps), self.start, self.slope, self.curvature, norm,
            _vectors.to_array(row).copy(), _vectors.to_array(self.section.point), self.rounding(),
        )  # fmt: skip
        best = torch.tensor([[made.best_step]], dtype=loss.dtype, device=loss.device)
        return made._replace(theta=_vectors.to_array(self.section.at(best)[0]).copy())


def _unit(row: torch.Tensor) -> torch.Tensor:
    length: torch.Tensor = row.double().norm()
    if not length > 0.0:
        raise ValueError(f"direction must have a length above 0; got {length.item():g}")
    return (row.double() / length).to(row.dtype)


def _checked_steps(steps: Any) -> Reals:
    lengths = np.unique(_checks.reals("steps", steps))
    if not lengths.size:
        raise ValueError("steps must be at least one; got none")
    if lengths[0] <= 0.0:
        raise ValueError(f"steps must be above 0; got {lengths[0]:g}")
    return lengths
