"""What a result can be trusted with, in words and numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook.landscape import _stencil
from smbook.landscape.descent import Descent
from smbook.landscape.eigenpairs import UNITS, Eigenpairs
from smbook.landscape.sections import SectionTrace
from smbook.landscape.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Reals = NDArray[np.float64]

_SMALL = 0.1  # of what curvature does up to the edge: a slope that may be overlooked
_RESIDUAL = 1e-3  # of the largest eigenvalue
_PREDICTED = 0.1  # of a predicted change, by which the measured one may differ from it


class Finding(NamedTuple):
    """A number with its name, whether it is as it should be, and what it says."""

    name: str
    value: float
    good: bool
    words: str


class Report(NamedTuple):
    """What `check` found. Printed it is a line for each finding."""

    title: str
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether all is as it should be."""
        return all(finding.good for finding in self.findings)

    @property
    def numbers(self) -> dict[str, float]:
        """The numbers by their names."""
        return {finding.name: finding.value for finding in self.findings}

    def __str__(self) -> str:
        marks = ("but", "ok ")
        return "\n".join([self.title, *(f"  {marks[each.good]} {each.words}" for each in self.findings)])

    def __repr__(self) -> str:
        return str(self)


def check(result: Any, operator: Any = None) -> Report:
    r"""Report what a result of this package can be trusted with.

    * A `Surface`: whether theta is one of its points, with the loss that the model has there; points that
      are not finite; whether all have seen the same batch; the length of the gradient at theta; for each
      direction slope and curvature, and which of them makes the picture: theta is nearly critical along d if
      the slope changes the loss up to the edge by less than a tenth of what curvature does.
    * A `SectionTrace`: its relative error, and whether its step lies on a plateau, where halving it changes
      nothing.
    * `Eigenpairs`: their residuals relative to each eigenvalue, whether they have converged, and whether the
      smallest eigenvalue can be told from 0, given its residual and what rounding leaves of a product.
    * A `Descent`: whether the loss falls, whether slope or curvature predicts most of it, and up to which
      step the loss follows that prediction within a tenth. A range far below the step of the largest drop
      tells of kinks; it is nan where no change is large enough beside rounding to tell. Only the sum of both
      is held against the loss, and only on this side: within a tenth does not mean that each is right, since
      what curvature lacks a cubic term may make up. The losses at -a tell them apart, as in them the terms of
      odd order change sign.
    * Eigenvalues and eigenvectors, as `scipy.sparse.linalg.eigsh` returns them, beside the operator:
      lengths of the residuals H v - lambda v, which bound the distance from lambda to an eigenvalue of H, and
      how far the vectors are from orthonormal.

    Parameters
    ----------
    result
        One of these. Eigenpairs are a pair (values (k,), vectors (n, k)), or have attributes of these names.
    operator
        The symmetric operator, for eigenpairs only: anything with ``@``. Beside `Eigenpairs` it may be left
        out, as they have residuals of their own.

    Returns
    -------
    Report

    Raises
    ------
    TypeError
        If the result is of another kind, or there is an operator where none is needed or none where one is.
    ValueError
        If eigenpairs have other shapes.

    Examples
    --------
    >>> print(check((np.array([1.0]), np.array([[1.0], [0.0]])), np.diag([1.0, 2.0])))
    1 eigenpair of a 2 x 2 operator
      ok  eigenvalue 1: residual |H v - lambda v| = 0
      ok  vectors differ from orthonormal ones by up to 0
    """
    reports: tuple[tuple[type, Callable[[Any], Report]], ...] = (
        (Surface, _surface),
        (SectionTrace, _trace),
        (Descent, _descent),
    )
    for kind, report in reports:
        if isinstance(result, kind):
            if operator is not None:
                raise TypeError(f"operator must be None beside a {kind.__name__}; it is for eigenpairs")
            return report(result)
    if isinstance(result, Eigenpairs):
        if operator is None:
            return _ends(result)
        result = (result.values, result.vectors.T)
    return _eigenpairs(*_pairs_of(result), operator)


def _surface(found: Surface) -> Report:
    """Report on a surface."""
    findings = [_centre(found), _missing(found), _batch(found), _gradient(found)]
    findings += [_axis(found, k) for k in range(len(found.axes))]
    return Report(repr(found), (*findings, _lowest(found)))


def _centre(found: Surface) -> Finding:
    place = _place(found)
    if place is None:
        return Finding("centre", math.nan, False, "theta is not one of the points")
    away = float(found.values[place]) - found.centre
    words = f"the point at the centre is theta, with the loss {found.centre:.6g}"
    if away:
        words = f"the loss at the centre differs from that at theta, {found.centre:.6g}, by {away:.3g}"
    return Finding("centre", away, away == 0.0, words)


def _missing(found: Surface) -> Finding:
    count = int(np.isnan(found.values).sum())
    words = f"the loss is not finite at {count} of {found.values.size} points"
    return Finding("not finite", count, count == 0, words if count else "the loss is finite at all points")


def _batch(found: Surface) -> Finding:
    words = "a batch that is held" if found.fixed else "batches that were read anew at each"
    return Finding("fixed batch", float(found.fixed), found.fixed, f"points have seen {words}")


def _gradient(found: Surface) -> Finding:
    known = math.isfinite(found.gradient_norm)
    words = f"the gradient at theta has the length {found.gradient_norm:.3g}"
    return Finding(
        "gradient", found.gradient_norm, True, words if known else "the loss has no gradient at theta"
    )


def _axis(found: Surface, axis: int) -> Finding:
    """Compare what slope and curvature at the centre do up to the edge, |g . d| e and |d H d| e^2 / 2."""
    slope, second = float(found.slopes[axis]), _second_derivative(found, axis)
    edge = float(np.abs(found.axes[axis]).max())
    linear, square = abs(slope) * edge, abs(second) * edge**2 / 2.0
    words = f"along direction {axis + 1} slope {slope:.3g} and curvature {second:.3g}"
    if not math.isfinite(linear + square):
        return Finding(f"slope {axis + 1}", slope, False, f"{words}: one of them is not known")
    critical = linear <= _SMALL * square
    verdict = "nearly critical" if critical else "NOT a critical point"
    words += f" change the loss by {linear:.3g} and {square:.3g} up to the edge: {verdict}"
    return Finding(f"slope {axis + 1}", slope, critical, words)


def _lowest(found: Surface) -> Finding:
    coefficients, value = found.lowest
    below = found.centre - value
    where = ", ".join(f"{each:.3g}" for each in coefficients)
    words = f"the lowest point, ({where}), lies {below:.3g} below theta"
    return Finding("below theta", below, True, words if below > 0 else "no point is lower than theta")


def _second_derivative(found: Surface, axis: int) -> float:
    """Return the second derivative at theta from the four points next to it; nan if there are fewer."""
    place = _place(found)
    if place is None:
        return math.nan
    line = found.values if len(place) == 1 else np.moveaxis(found.values, axis, 0)[:, place[1 - axis]]
    middle, step = place[axis], found.axes[axis][1] - found.axes[axis][0]
    if not 2 <= middle < line.size - 2:
        return math.nan
    above, below = line[middle + 1 : middle + 3], line[middle - 2 : middle][::-1]
    return float(_stencil.second_derivatives(above, below, found.centre, np.array([step]))[0])


def _place(found: Surface) -> tuple[int, ...] | None:
    """Return the indices of theta on the grid, None if it lies between points."""
    zeros = [np.flatnonzero(axis == 0.0) for axis in found.axes]
    return tuple(int(zero[0]) for zero in zeros) if all(zero.size for zero in zeros) else None


def _trace(found: SectionTrace) -> Report:
    """Report on a trace from sections."""
    relative = found.error / abs(found.value) if found.value else math.inf if found.error else 0.0
    words = f"the standard error is {relative:.2g} of the value"
    known = Finding("relative error", relative, relative < 0.5, words)
    words = f"halving the step of {found.step:.3g} changes a section's curvature by {found.change:.2g}"
    if not found.flat:
        words += ": NO plateau. Kinks of the loss add to its curvature, or truncation or rounding does"
    shift = float((found.samples - found.halved).mean())
    moves = f"and the trace by {shift:.2g}, where its standard error is {found.error:.2g}"
    return Report(
        repr(found),
        (
            known,
            Finding("change", found.change, found.flat, words),
            Finding("shift", shift, found.flat, moves),
        ),
    )


def _ends(found: Eigenpairs) -> Report:
    """Report on both ends of a spectrum."""
    floor = UNITS * float(np.finfo(found.vectors.dtype).eps * np.abs(found.values).max())
    findings = []
    for name, value, residual in zip(("largest", "smallest"), found.values, found.residuals, strict=True):
        relative = float(residual / abs(value)) if value else math.inf if residual else 0.0
        words = f"{name} eigenvalue {value:.6g}: residual |H v - lambda v| = {residual:.2g}"
        words += f", {relative:.2g} of it"
        good = bool(residual <= max(_RESIDUAL * abs(value), floor))
        findings.append(Finding(f"residual of the {name}", relative, good, words))
    words = "converged" if found.converged else "NOT converged: more steps, or a larger tolerance"
    findings.append(Finding("converged", float(found.converged), found.converged, words))
    off = max(float(found.residuals[1]), floor)
    told = abs(found.smallest) > off
    sign = "negative" if found.smallest < 0 else "positive"
    words = f"the smallest eigenvalue is {sign}: {found.smallest:.3g}, known to {off:.2g}"
    if not told:
        words = f"the smallest eigenvalue, {found.smallest:.3g}, cannot be told from 0: known to {off:.2g}"
    findings.append(Finding("sign", found.smallest, told, words))
    return Report(repr(found), tuple(findings))


def _descent(found: Descent) -> Report:
    """Report on a walk along a direction."""
    step, share = found.best_step, found.share_of_slope
    words = f"the loss falls by {found.drop:.3g} in a step of {step:.3g}, where {found.predicted_drop:.3g}"
    words = f"{words} is predicted" if step else "no step lowers the loss"
    findings = [Finding("drop", found.drop, found.drop > 0.0, words)]
    if step:
        words = f"the share of the slope {found.slope:.3g} in the predicted drop is {share:.2g}: "
        words += "curvature makes the rest" if share < 0.5 else "NO sign of a saddle"
        if math.isnan(share):
            words = "no drop is predicted there: NO sign of a saddle"
        findings.append(Finding("share of slope", share, share < 0.5, words))
    reach = _follows(found)
    words = f"the loss follows slope and curvature within a tenth up to a step of {reach:.3g}"
    good = reach > _SMALL * step if step else reach > 0.0
    if math.isnan(reach):
        words = "no step changes the loss by so much that rounding leaves a tenth of it to compare"
    elif not good:
        words += ": kinks are likely, or a curvature that changes soon"
    return Report(repr(found), (*findings, Finding("follows", reach, good, words)))


def _follows(found: Descent) -> float:
    """Return the largest step up to which changes are as predicted, 0 if none; nan if rounding hides all."""
    expected, measured = (np.abs(each - found.start) for each in (found.predicted, found.losses))
    clear = np.maximum(expected, measured) * _PREDICTED > found.rounding
    if not clear.any():
        return math.nan
    off = np.abs(found.losses - found.predicted) > _PREDICTED * expected
    wrong = np.flatnonzero(clear & off)
    kept = np.flatnonzero(clear[: wrong[0]] if wrong.size else clear)
    return float(found.steps[kept[-1]]) if kept.size else 0.0


def _eigenpairs(values: Reals, vectors: Reals, operator: Any) -> Report:
    """Report on eigenvalues (k,) and eigenvectors (n, k)."""
    if operator is None or not hasattr(operator, "__matmul__"):
        raise TypeError(f"operator must be given with eigenpairs and have @; got {type(operator).__name__}")
    if tuple(getattr(operator, "shape", 2 * (len(vectors),))) != 2 * (len(vectors),):
        raise ValueError(f"operator must be {len(vectors)} x {len(vectors)}; got the shape {operator.shape}")
    images = np.asarray(_array(operator @ vectors), dtype=np.float64)
    residuals = np.linalg.norm(images - vectors * values, axis=0)
    allowed = max(_RESIDUAL * float(np.abs(values).max()), _rounding(operator, len(vectors)))
    findings = [
        Finding(
            f"residual {k + 1}",
            float(residual),
            bool(residual <= allowed),
            f"eigenvalue {value:.6g}: residual |H v - lambda v| = {residual:.2g}",
        )
        for k, (value, residual) in enumerate(zip(values, residuals, strict=True))
    ]
    off = float(np.abs(vectors.T @ vectors - np.eye(len(values))).max())
    words = f"vectors differ from orthonormal ones by up to {off:.2g}"
    findings.append(Finding("not orthonormal", off, off <= _RESIDUAL, words))
    title = f"{len(values)} eigenpair{'s' * (len(values) > 1)} of a {len(vectors)} x {len(vectors)} operator"
    return Report(title, tuple(findings))


def _rounding(operator: Any, n: int) -> float:
    """Return about what rounding leaves of a product that is zero, from one with a random vector."""
    probe = np.random.default_rng(1).standard_normal((n, 1))
    found = np.asarray(_array(operator @ probe))
    kind = found.dtype if found.dtype.kind == "f" else np.dtype(np.float64)
    return float(UNITS * np.finfo(kind).eps * np.linalg.norm(found))


def _pairs_of(result: Any) -> tuple[Reals, Reals]:
    """Return eigenvalues and eigenvectors, or raise."""
    named = hasattr(result, "values") and hasattr(result, "vectors") and not callable(result.values)
    if not named and not (isinstance(result, (tuple, list)) and len(result) == 2):
        raise TypeError(
            f"result must be a Surface, a SectionTrace, a Descent or eigenpairs; got {type(result).__name__}"
        )
    values, vectors = (result.values, result.vectors) if named else result
    values = _checks.reals("values", _array(values))
    vectors = _checks.reals("vectors", _array(vectors))
    if values.ndim != 1 or not values.size or vectors.ndim != 2 or vectors.shape[1] != values.size:
        raise ValueError(
            f"eigenpairs must be values (k,) and vectors (n, k); got {values.shape} and {vectors.shape}"
        )
    return values, vectors


def _array(values: Any) -> Any:
    return values.detach().cpu().numpy() if hasattr(values, "detach") else values
