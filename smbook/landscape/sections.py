"""The trace of the Hessian from the loss alone, along random lines."""

from __future__ import annotations

import copy
import itertools
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _model, _points, _probes, _stencil
from smbook.landscape.directions import KINDS, orthonormal
from smbook.landscape.loss import Loss
from smbook.statistics import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness
    from smbook.landscape._batches import Batches

    Reals = NDArray[np.float64]

_N_PILOT = 10  # sections on which the step is chosen
_N_STEPS = 18  # of the ladder
_TOGETHER = 10  # sections, at most, and
_ENTRIES = 1 << 20  # of their directions
_LARGEST = 0.5  # of its steps, relative to the length of theta
_SMOOTH = 1e-3  # of a second derivative, by which halving the step may change it on a plateau


class SectionTrace(NamedTuple):
    """The trace of the Hessian as the mean second derivative along random lines.

    Two results are equal if all their numbers are.

    Attributes
    ----------
    value, error
        The trace and its standard error, that of a mean over random directions.
    step
        h of the stencil, in units of the directions: length about the root of N for Gaussian ones, else 1.
    samples, halved
        What each section says, (n_sections,), with this step and with half of it: the second derivative,
        times N for directions of length 1. The mean is the trace.
    steps, values, errors
        The plateau: the trace with other steps and its standard errors, (n_steps,), from the first `n_pilot`
        sections, the same for all steps.
    changes
        By how much halving the step changes a sample there, root mean square; inf for the first step.
    rounding
        What rounding of the loss alone would change, by about as much.
    n_pilot
    """

    value: float
    error: float
    step: float
    samples: Reals
    halved: Reals
    steps: Reals
    values: Reals
    errors: Reals
    changes: Reals
    rounding: Reals
    n_pilot: int

    @property
    def change(self) -> float:
        """By how much halving the step changes a sample, root mean square over all sections."""
        return float(np.sqrt(((self.samples - self.halved) ** 2).mean()))

    @property
    def flat(self) -> bool:
        """Whether that is no more than a thousandth of a sample; never where samples are rounding alone."""
        return self.change <= _SMOOTH * float(np.sqrt((self.samples**2).mean()))

    def z(self, exact: float) -> float:
        """Return how many standard errors the value lies above `exact`."""
        return Estimate(self.value, self.error).z(exact)

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        place = "on a plateau" if self.flat else "NOT on a plateau"
        return (
            f"SectionTrace({Estimate(self.value, self.error)}, {len(self.samples)} sections, "
            f"step {self.step:.3g} {place})"
        )


def trace_from_sections(
    loss: Loss,
    n_sections: int = 100,
    *,
    theta: Any = None,
    step: float | None = None,
    kind: str = "gaussian",
    rng: Randomness = None,
    progress: bool = False,
) -> SectionTrace:
    r"""Return the trace of the Hessian from values of the loss along random lines, without any derivative.

    .. math:: \operatorname{tr} H = \langle \ell''(0) \rangle, \qquad \ell(\alpha) = L(\theta + \alpha v),
              \qquad
              \ell''(0) \approx \frac{-\ell_{2h} + 16 \ell_h - 30 \ell_0 + 16 \ell_{-h} - \ell_{-2h}}{12 h^2}

    for directions v with independent entries of mean 0 and variance 1. A section takes six values, two of
    them for half the step; ten sections take more, to choose the step from a ladder. Truncation makes large
    steps wrong, as h^4, and rounding small ones, as h^-2: between lies the plateau, where halving a step
    changes nothing. All is computed in float64: of a loss of less, the model, the loss function and the data
    are copied.

    Where units have kinks (ReLU) the loss has them too. A kink nearer than 2 h adds about its jump of slope
    over h, and on average over the places of kinks their density times the jump, at any step. That is
    curvature of the landscape which a Hessian by automatic differentiation leaves out. A step below the
    distances of all kinks finds that Hessian, where rounding allows one, which with many units and rows it
    does not; `flat` and `smbook.landscape.check` tell. (Boettcher and Wheeler 2022, 2024.)

    Parameters
    ----------
    loss
        A `Loss`.
    n_sections
        At least 2.
    theta
        The point, (n_parameters,); None takes the model's own parameters.
    step
        h, in units of the directions. None chooses it from powers of two below half the length of theta: from
        the middle of the plateau or, where there is none, the one that changes least when it is halved.
    kind
        "gaussian" as above; "unit" for directions uniform on the sphere, and "orthogonal" for orthonormal
        ones, with N v^T H v for v^T H v. Their errors are smaller, the more equal eigenvalues are, and with
        as many orthogonal ones as parameters nothing is left to chance.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system.
    progress
        Show a progress bar.

    Returns
    -------
    SectionTrace

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range; if a value is not finite at the step, or none of
        the ladder is.

    Examples
    --------
    >>> from smbook.landscape import Loss
    >>> model = torch.nn.Linear(3, 1, bias=False).double()
    >>> loss = Loss(model, torch.nn.MSELoss(), np.diag([1.0, 2.0, 3.0]), np.ones((3, 1)))
    >>> found = trace_from_sections(loss, 3, kind="orthogonal", rng=1)
    >>> round(found.value, 6), found.error  # 2 / 3 (1 + 4 + 9), with all directions
    (9.333333, 0.0)
    """
    n_sections = _checks.integer("n_sections", n_sections, minimum=2)
    kind = _checks.choice("kind", kind, KINDS)
    given = None if step is None else _checks.positive("step", step)
    draw, n = _probes.generator(rng), _size(loss)
    if kind == "orthogonal" and n_sections > n:
        raise ValueError(f"n_sections must be at most the {n} parameters if orthogonal; got {n_sections}")
    loss._point(theta)
    precise = in_double(loss)
    lines = _Lines(precise, precise._point(theta), kind, n_sections, draw)
    steps = lines.ladder() if given is None else np.array([given / 2.0, given])
    n_pilot = min(n_sections, _N_PILOT) if given is None else n_sections
    with progress_bar(n_sections, "section", progress) as tell:
        pilot = lines.second_derivatives(n_pilot, steps, tell)
        chosen = _stencil.on_plateau(pilot) if given is None else 1
        rest = lines.second_derivatives(n_sections - n_pilot, steps[chosen - 1 : chosen + 1], tell)
    both = np.concatenate([pilot[:, chosen - 1 : chosen + 1], rest])
    if not np.isfinite(both).all():
        raise ValueError(f"step must be so small that the loss is finite; got {steps[chosen]:g}")
    return SectionTrace(
        float(both[:, 1].mean()),
        float(lines.error(both[:, 1])),
        float(steps[chosen]),
        both[:, 1],
        both[:, 0],
        steps,
        pilot.mean(axis=0),
        lines.error(pilot),
        _stencil.changes(pilot),
        lines.rounding(steps),
        n_pilot,
    )


class _Lines:
    """Random lines through a point, one after another."""

    def __init__(
        self, loss: Loss, point: torch.Tensor, kind: str, n_sections: int, draw: np.random.Generator
    ) -> None:
        self._loss, self._point, self._kind = loss, point, kind
        self._centre = loss(point)
        self._n = loss.n_parameters
        self._together = max(1, min(_TOGETHER, _ENTRIES // self._n))
        self._scale = 1.0 if kind == "gaussian" else float(self._n)
        self._length = math.sqrt(self._n) if kind == "gaussian" else 1.0
        self._directions = self._drawn(n_sections, draw)

    def ladder(self) -> Reals:
        """Return steps up to one that moves the point by half of its length, or entries of it by half."""
        length = float(self._point.norm()) or math.sqrt(self._n)
        return _stencil.ladder(_LARGEST * length / self._length, _N_STEPS)

    def second_derivatives(self, n_sections: int, steps: Reals, tell: Any) -> Reals:
        """Return what has the trace as its mean, (n_sections, n_steps), for the next lines."""
        reach = np.append(steps, 2.0 * steps[-1])
        both = np.concatenate([reach, -reach])[:, None]
        found = np.empty((n_sections, len(steps)))
        for start in range(0, n_sections, self._together):
            rows = np.array(list(itertools.islice(self._directions, min(self._together, n_sections - start))))
            section = _points.Section(self._point, torch.as_tensor(rows, device=self._point.device))
            values = _points.values(self._loss, section, np.kron(np.eye(len(rows)), both))
            above, below = np.moveaxis(values.reshape(len(rows), 2, -1), 1, 0)
            lines = _stencil.second_derivatives(above, below, self._centre, steps)
            found[start : start + len(rows)] = self._scale * lines
            tell(len(rows))
        return found

    def rounding(self, steps: Reals) -> Reals:
        """Return about what rounding of the loss does to each."""
        unit = np.finfo(np.float64).eps * abs(self._centre)
        return np.asarray(self._scale * _stencil.AMPLIFICATION * unit / steps**2)

    def error(self, samples: Reals) -> Any:
        """Return the standard error of the mean along the first axis.

        All orthogonal directions together leave none, as in draws without replacement.
        """
        count = len(samples)
        left = 1.0 - count / self._n if self._kind == "orthogonal" else 1.0
        with np.errstate(invalid="ignore", over="ignore"):
            return samples.std(axis=0, ddof=1) * math.sqrt(left / count)

    def _drawn(self, n_sections: int, draw: np.random.Generator) -> Iterator[Reals]:
        if self._kind == "orthogonal":
            yield from orthonormal(draw.standard_normal((n_sections, self._n)))
            return
        for _ in range(n_sections):
            row = draw.standard_normal(self._n)
            yield row / np.linalg.norm(row) if self._kind == "unit" else row


class _Pairs:
    """The chunks of a loss as pairs (inputs, targets), again and again."""

    def __init__(self, batches: Batches) -> None:
        self._batches = batches

    def __iter__(self) -> Iterator[tuple[tuple[torch.Tensor, ...], torch.Tensor]]:
        for chunk in self._batches:
            yield chunk.inputs, chunk.targets


def in_double(loss: Loss) -> Loss:
    """Return the same loss of a copy of the model and the data in float64; a loss of float64 is returned."""
    if loss.dtype is torch.float64:
        return loss
    function = loss._loss_function
    if isinstance(function, torch.nn.Module):
        function = copy.deepcopy(function).double()
    model = _model.copied(loss._model).double()
    try:
        return Loss(
            model, function, _Pairs(loss._batches), mode=loss.mode, reduction=loss.reduction, keep=loss.fixed
        )
    except RuntimeError as error:
        raise TypeError(
            f"loss must be one that can be taken in torch.float64; its model or loss function gives: {error}"
        ) from error


def _size(loss: Any) -> int:
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
    return loss.n_parameters
