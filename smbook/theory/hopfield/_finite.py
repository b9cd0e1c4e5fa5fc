"""A few patterns, entries of any law: the map of overlaps, its fixed points, and their stability."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from smbook.theory._shared import Floats, log_two_cosh, sech_squared, spin_entropy

_STEPS = 500


class Entries(NamedTuple):
    """Hold what the n patterns may have at a site, shape (k, n), and the probabilities, shape (k,)."""

    values: Floats
    weight: Floats

    def fields(self, m: Floats, beta: float) -> Floats:
        """Return beta xi.m for all entries xi; sums that cancel up to rounding are 0."""
        fields = self.values @ m
        return reduced(beta, np.where(np.abs(fields) < 1e-14, 0.0, fields))

    def image(self, m: Floats, beta: float) -> Floats:
        """Return <xi tanh(beta xi.m)>."""
        return np.asarray((self.weight * np.tanh(self.fields(m, beta))) @ self.values)

    def rises(self, m: Floats, step: Floats, beta: float) -> bool:
        """Tell whether f is higher at m - step than at m, beyond rounding."""
        change, u, v = m - step / 2, self.fields(m, beta), self.fields(m - step, beta)
        gain = self.weight @ (log_two_cosh(v, 1.0) - log_two_cosh(u, 1.0)) / beta
        return bool(-step @ change - gain > 1e-16)

    def hessian(self, m: Floats, beta: float) -> Floats:
        """Return that of f in the overlaps, 1 - beta <xi xi / cosh^2(beta xi.m)>."""
        softness = self.weight * sech_squared(self.fields(m, beta))
        return np.asarray(np.eye(m.size) - beta * (self.values.T * softness) @ self.values)

    def eigenvalues(self, m: Floats, beta: float) -> Floats:
        """Return those of the Hessian, rising; at T = 0 -inf for what only spins without a field resist."""
        if beta < math.inf:
            return np.asarray(np.linalg.eigvalsh(self.hessian(m, beta)), dtype=np.float64)
        free = self.values[self.fields(m, beta) == 0]
        softness = np.linalg.eigvalsh(free.T @ free)[::-1]
        return np.asarray(np.where(softness > 1e-9, -math.inf, 1.0), dtype=np.float64)


def reduced(beta: float, fields: Floats) -> Floats:
    """Return beta times fields; at T = 0 a field is 0 or large, so that no product is undefined."""
    return np.asarray(np.clip(min(beta, 1e200) * fields, -1e200, 1e200))


def times(beta: float, response: float) -> float:
    """Return beta times a mean of 1 / cosh^2, which is 0 at T = 0 unless some field is."""
    return beta * response if response > 0 else 0.0


def settle(entries: Entries, m: Floats, beta: float) -> Floats:
    """Return the end of the map that starts at m >= 0; overlaps that are equal, or 0, stay so."""
    if beta * (entries.weight @ entries.values[:, 0] ** 2) <= 1:
        return np.zeros_like(m)
    levels, group = np.unique(m, return_inverse=True)
    spread = (group[:, np.newaxis] == np.arange(levels.size)).astype(np.float64)[:, levels > 0]
    mean = spread.T / spread.sum(axis=0)[:, np.newaxis]
    for _ in range(_STEPS):
        new = spread @ (mean @ entries.image(m, beta))
        change, m = float(np.abs(new - m).max()), new
        if change == 0:
            return m
        if change < 1e-3 and beta < math.inf:
            end = _descended(entries, m, spread, beta)
            if end is not None:
                return end
    raise RuntimeError(f"no state found at beta={beta}: the search did not converge")


def _descended(entries: Entries, m: Floats, spread: Floats, beta: float) -> Floats | None:
    """Return the minimum of f below m by Newton's method, downhill also where f is no bowl, or None.

    At a critical temperature, where the bottom is flat, the steps shrink by a third each.
    """
    for _ in range(_STEPS):
        slope = spread.T @ (m - entries.image(m, beta))
        curvature, axes = np.linalg.eigh(spread.T @ entries.hessian(m, beta) @ spread)
        step = spread @ axes @ ((axes.T @ slope) / np.maximum(np.abs(curvature), 1e-12))
        step *= min(1.0, 0.1 / max(float(np.abs(step).max()), 1e-300))
        while np.abs(step).max() > 1e-14 and entries.rises(m, step, beta):
            step /= 2
        m = m - step
        if np.abs(step).max() < 1e-14 or np.abs(slope).max() < 2e-16:
            return m if curvature[0] > -1e-8 else None
    return None


def state_of(entries: Entries, m: Floats, beta: float) -> tuple[Floats, float, float, float, Floats]:
    """Return overlaps, energy, entropy, free energy and the eigenvalues of the Hessian."""
    entropy = float(entries.weight @ spin_entropy(entries.fields(m, beta)))
    energy = -float(m @ m) / 2
    return m, energy, entropy, energy - entropy / beta, entries.eigenvalues(m, beta)
