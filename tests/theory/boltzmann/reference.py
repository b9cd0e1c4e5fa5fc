"""Machines by brute force: every state of both layers, Gaussian units by a rule of Gauss and Hermite."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

KINDS = list(itertools.product(("binary", "spin"), ("binary", "spin", "gaussian")))
_VALUES = {"binary": (0.0, 1.0), "spin": (-1.0, 1.0)}


class Averages(NamedTuple):
    log_partition: float
    visible: np.ndarray
    hidden: np.ndarray
    mixed: np.ndarray
    visible_pairs: np.ndarray
    hidden_pairs: np.ndarray
    states: np.ndarray  # of the visible units
    law: np.ndarray  # of those


def states(kind, n):
    """All states of n units, one a row, and their weights."""
    if kind == "gaussian":
        points, weights = np.polynomial.hermite_e.hermegauss(60)
        weights = weights / weights.sum()
    else:
        points, weights = np.array(_VALUES[kind]), np.ones(2)
    table = np.array(list(itertools.product(points, repeat=n)))
    return table, np.array(list(itertools.product(weights, repeat=n))).prod(axis=1)


def enumerated(weights, visible_biases, hidden_biases, visible, hidden):
    v, _ = states(visible, weights.shape[0])
    h, measure = states(hidden, weights.shape[1])
    table = np.exp((v @ visible_biases)[:, np.newaxis] + h @ hidden_biases + v @ weights @ h.T) * measure
    p = table / table.sum()
    pv, ph = p.sum(axis=1), p.sum(axis=0)
    return Averages(
        np.log(table.sum()),
        pv @ v,
        ph @ h,
        v.T @ p @ h,
        v.T @ (pv[:, np.newaxis] * v),
        h.T @ (ph[:, np.newaxis] * h),
        v,
        pv,
    )
