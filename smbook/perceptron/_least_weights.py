"""The least weights with z.w >= b for some rows z, by two quick methods, and by one that is exact."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import solve_triangular
from scipy.optimize import nnls

from smbook.kernels.perceptron import adatron_pass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DEPENDENT = 1e-13  # of a unit vector, what counts as nothing when it is all that others leave of it
_CLEARLY = 1e-10  # of what others leave of it, at which a row may begin as a member
_EPSILON = float(np.finfo(np.float64).eps)
_RATE, _PASSES, _ROUNDS = (
    1.8,
    10,
    100,
)  # of `ascended`: over-relaxation, passes through members, rounds of them
_NEAR = 1e-3  # of the margin, at which it ends; then its members are the right ones, or all but a few


class Found(NamedTuple):
    """Hold the least weights with z.w >= bounds, or what makes them impossible, as nearly as float64 has it.

    With `strengths` (P,), at least 0, the weights are sum_mu strengths_mu z_mu, or that sum vanishes.
    """

    weights: Floats
    strengths: Floats


def nearest_point(points: Floats, bounds: Floats) -> Found:
    """Return about the least weights by least squares with strengths of at least 0, quickly.

    Strengths u that minimize the square of (sum u z, 1 - sum u b) are those of the least weights but for a
    factor, and what is left vanishes if there are none. Near to that half of all digits are lost. Source:
    Lawson and Hanson (1974), chapter 23.
    """
    target = np.zeros(points.shape[1] + 1)
    target[-1] = 1.0
    try:
        strengths = nnls(np.vstack([points.T, bounds]), target)[0]
    except RuntimeError:  # too many turns, where rounding makes it go round in circles
        strengths = np.zeros(len(points))
    return Found(strengths @ points, strengths)


def ascended(points: Floats) -> Found | None:
    """Return about the least weights with z.w >= 1, by ascent in one strength after another, if near.

    Each round goes once through all rows, and ten times through those of strengths above 0. It ends where the
    least z.w / norm(w) is below norm(w) over the sum of strengths, which no weights can surpass, by 1e-3 of
    it. Where rows are hundreds or more, and separable, this is quicker than `nearest_point`, each step of
    which solves for all members. Source: Anlauf and Biehl (1989).
    """
    signs, every = np.ones(len(points), dtype=np.int8), np.arange(len(points))
    strengths, weights = np.zeros(len(points)), np.zeros(points.shape[1])
    for _ in range(_ROUNDS):
        adatron_pass(points, signs, every, _RATE, strengths, weights)
        least = float((points @ weights).min())
        if least > 0.0 and least * strengths.sum() >= (1.0 - _NEAR) * float(weights @ weights):
            return Found(weights, strengths)
        members = np.flatnonzero(strengths > 0.0)
        for _ in range(_PASSES):
            adatron_pass(points, signs, members, _RATE, strengths, weights)
    return None


def least_weights(points: Floats, bounds: Floats, start: Floats | None = None) -> Found:
    """Return the least weights with z.w >= bounds, or strengths with which points vanish.

    Rows join a set that are to be met with equality, the most violated one first, while the weights grow;
    those whose strength would fall below 0 leave it. `start` are strengths to begin at. Source: Goldfarb and
    Idnani (1983).
    """
    active = _Active(points, bounds)
    if start is not None:
        active.begin(np.flatnonzero(start > 0.0).tolist())
    rounding = (points.shape[1] + 8) * _EPSILON  # of the weights, by which a bound may be missed
    for _ in range(100 + 20 * sum(points.shape)):
        gaps = points @ active.weights - bounds
        gaps[active.members] = math.inf
        worst = int(gaps.argmin())
        if gaps[worst] >= -rounding * max(1.0, float(np.linalg.norm(active.weights))):
            break
        if not active.join(worst):
            break
    return Found(active.weights, active.strengths)


class _Active:
    """Keep the least weights that meet the bounds of some independent rows, its members, with equality."""

    def __init__(self, points: Floats, bounds: Floats) -> None:
        self.points, self.bounds = points, bounds
        self.members: list[int] = []
        self.weights, self.strengths = np.zeros(points.shape[1]), np.zeros(len(points))

    def begin(self, members: list[int]) -> None:
        """Take these as members, but those that are dependent or have strengths below 0."""
        while members:
            q, r = np.linalg.qr(self.points[members].T)
            if len(members) > len(r) or np.abs(np.diagonal(r)).min() < _CLEARLY:
                members = members[:-1]
                continue
            self.members = members
            self._settle(q, r)
            if self.strengths.min() >= 0.0:
                return
            members = [k for k in members if self.strengths[k] > 0.0]
        self.__init__(self.points, self.bounds)  # type: ignore[misc]

    def join(self, new: int) -> bool:
        """Raise the strength of a row until its bound is met; tell whether it can be."""
        while True:
            q, r = np.linalg.qr(self.points[self.members].T)
            rest = self.points[new] - q @ (q.T @ self.points[new])
            rest -= q @ (q.T @ rest)
            shares = solve_triangular(r, q.T @ self.points[new]) if self.members else np.zeros(0)
            size = float(rest @ rest)
            missing = float(self.bounds[new] - self.points[new] @ self.weights)
            whole = missing / size if size > _DEPENDENT**2 else math.inf
            strengths = self.strengths[self.members]
            with np.errstate(divide="ignore", invalid="ignore"):
                steps = np.where(shares > 0.0, strengths / shares, math.inf)
            first = int(steps.argmin()) if steps.size else -1
            step = min(whole, steps[first] if steps.size else math.inf)
            if step == math.inf:
                self.strengths[:] = 0.0
                self.strengths[self.members], self.strengths[new] = np.maximum(-shares, 0.0), 1.0
                return False
            self.strengths[self.members] = strengths - step * shares
            self.strengths[new] += step
            if step == whole:
                self.members.append(new)
                self._settle(*np.linalg.qr(self.points[self.members].T))
                return True
            self.weights = self.weights + (step * rest if size > _DEPENDENT**2 else 0.0)
            self.strengths[self.members.pop(first)] = 0.0

    def _settle(self, q: Floats, r: Floats) -> None:
        """Solve for weights and strengths of the members, so that errors do not add up."""
        coordinates = solve_triangular(r, self.bounds[self.members], trans="T")
        self.weights = q @ coordinates
        self.strengths[:] = 0.0
        self.strengths[self.members] = solve_triangular(r, coordinates)
