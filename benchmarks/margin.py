"""Milliseconds until the largest margin is found, and how much of it is missing: smbook and its peers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import timing
from benchmarks.results import Table, table
from benchmarks.timing import Code
from smbook.perceptron import adatron, margin, teacher, teacher_examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Floats = NDArray[np.float64]
PACKAGES = ("smbook", "numba", "numpy", "scipy", "scikit-learn")

ROUNDS = 3
SIZES = (500, 1000)
LOADS = (1, 2, 5)
TOLERANCES = (1e-3, 1e-6, 1e-10)
SEED = 1
PENALTY = 1e6  # of a wrong answer, in place of one that is not allowed
_MOST_FOR_DEAR = 1_500_000  # numbers, P N, up to which the slowest codes are tried


def _by_margin(inputs: Floats, labels: Floats) -> Floats:
    return margin(inputs, labels).weights


def _by_adatron(inputs: Floats, labels: Floats, *, tolerance: float) -> Floats:
    return adatron(inputs, labels, tolerance=tolerance).weights


def _by_scipy(inputs: Floats, labels: Floats) -> Floats:
    """Find the nearest point of the hull as least squares with strengths of at least 0."""
    from scipy.optimize import nnls

    rows = inputs * labels[:, np.newaxis]
    target = np.zeros(rows.shape[1] + 1)
    target[-1] = 1.0
    return np.asarray(nnls(np.vstack([rows.T, np.ones(len(rows))]), target)[0] @ rows)


def _by_liblinear(inputs: Floats, labels: Floats) -> Floats:
    from sklearn.svm import LinearSVC

    machine = LinearSVC(
        loss="hinge", C=PENALTY, tol=1e-4, fit_intercept=False, max_iter=1_000_000, random_state=SEED
    )
    return np.asarray(machine.fit(inputs, labels).coef_[0])


def _by_libsvm(inputs: Floats, labels: Floats) -> Floats:
    """Hand in each example with its mirror image, so that the bias, which cannot be left out, is 0."""
    from sklearn.svm import SVC

    machine = SVC(kernel="linear", C=PENALTY, tol=1e-4)
    return np.asarray(machine.fit(np.vstack([inputs, -inputs]), np.r_[labels, -labels]).coef_[0])


CODES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "smbook margin": _by_margin,
    **{f"smbook adatron, {share:g}": partial(_by_adatron, tolerance=share) for share in TOLERANCES},
    "SciPy nnls": _by_scipy,
    "scikit-learn LinearSVC": _by_liblinear,
    "scikit-learn SVC": _by_libsvm,
}
DEAR = ("smbook adatron, 1e-06", "smbook adatron, 1e-10", "scikit-learn SVC", "scikit-learn LinearSVC")


def _shortfalls(
    codes: dict[str, Callable[[Floats, Floats], Floats]], examples: Any
) -> dict[str, list[float]]:
    """Return by what share the margin of each code's weights is below the largest one."""
    best = margin(*examples).value
    found = {name: margin(*examples, weights=code(*examples)).value for name, code in codes.items()}
    return {name: [max(1.0 - value / best, 0.0)] for name, value in found.items()}


def measure() -> Iterator[Table]:
    """Yield a table for each number of inputs and of examples, and one of what the codes miss."""
    missing = []
    for n in SIZES:
        for load in LOADS:
            examples = teacher_examples(teacher(n, rng=SEED), load * n, rng=SEED)
            dear = load * n * n > _MOST_FOR_DEAR
            codes = {name: code for name, code in CODES.items() if not (dear and name in DEAR)}
            calls = {name: Code(partial(code, *examples)) for name, code in codes.items()}
            yield timing.times(f"N = {n}, P = {load * n}", calls, "ms", rounds=ROUNDS)
            shares = _shortfalls(codes, examples)
            missing.append(
                table(
                    "Missing share of the largest margin", shares, unit="share", kind="quantity",
                    column=f"N = {n}, P = {load * n}",
                )
            )  # fmt: skip
    yield from missing
