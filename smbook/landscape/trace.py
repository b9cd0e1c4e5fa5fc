"""The trace of an operator from its products with random vectors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _probes
from smbook.landscape._piecewise import piecewise_trace
from smbook.landscape.diagonal import diagonal
from smbook.landscape.hessian import hessian
from smbook.landscape.loss import Loss
from smbook.statistics import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness
    from smbook.landscape._probes import Reals
    from smbook.landscape._vectors import Vector

    Times = Callable[[NDArray[Any]], Reals]
    Tell = Callable[[int], Any]

_EXHAUSTED = 1e2  # units in the last place of the largest column that count as zero


class TraceEstimate(NamedTuple):
    """Hold an estimate of a trace and its standard error.

    Attributes
    ----------
    value, error
        The trace, and the standard error of what is estimated in it.
    n_products
        How many products with a vector it took.
    samples
        What is averaged, one for each probe: v^T A v, in "hutch++" of the rest of A. Their scatter over the
        root of their number is the error.
    """

    value: float
    error: float
    n_products: int
    samples: Reals

    def z(self, exact: float) -> float:
        """Return how many standard errors the value lies above `exact`."""
        return Estimate(self.value, self.error).z(exact)

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"TraceEstimate({Estimate(self.value, self.error)}, {self.n_products} products)"


def trace(
    operator: Any,
    n_probes: int = 100,
    *,
    method: str = "hutchinson",
    probes: str = "rademacher",
    rng: Randomness = None,
    progress: bool = False,
) -> TraceEstimate:
    r"""Estimate the trace of a symmetric operator from `n_probes` products with random vectors.

    .. math:: \operatorname{tr} A = \langle v^T A v \rangle, \qquad \langle v v^T \rangle = 1

    One probe has the variance 2 tr A^2 if Gaussian, and 2 (tr A^2 - sum_i A_ii^2), which is never more, if
    its entries are fair signs. "hutch++" spends a third of its products on the span of A S with random S,
    a third on the exact trace in this span, and a third on the probes of the rest: the better, the faster the
    eigenvalues fall off. Its error is that of the rest, given the span, and the estimate has no bias.

    Errors come from the scatter of the probes, of which "hutch++" has a third. One that comes from a handful
    is an order of magnitude, and more often too small than too large.

    Parameters
    ----------
    operator
        Anything with a shape (n, n) and products by @ with columns: a `Hessian`, an array, a SciPy operator.
        It is taken to be symmetric.
    n_probes
        Products in all, at least 2, or 6 for "hutch++".
    method
        "hutchinson" or "hutch++".
    probes
        "rademacher", entries of +1 and -1, or "gaussian".
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system.
    progress
        Show a progress bar on the standard error stream.

    Returns
    -------
    TraceEstimate

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, the operator is not square or not real, or
        a product is not finite.

    References
    ----------
    Hutchinson (1990); Meyer, Musco, Musco and Woodruff (2021) for "hutch++".

    Examples
    --------
    >>> trace(np.diag([1.0, 2.0, 3.0]), 10, rng=1)
    TraceEstimate(6(0), 10 products)
    >>> round(trace(np.ones((3, 3)), 10, method="hutch++", rng=1).value, 9)
    3.0
    """
    times, n, dtype = _probes.checked_operator(operator)
    _checks.choice("method", method, ("hutchinson", "hutch++"))
    _checks.choice("probes", probes, _probes.KINDS)
    n_probes = _checks.integer("n_probes", n_probes, minimum=2 if method == "hutchinson" else 6)
    random = _probes.generator(rng)

    def probe(count: int) -> NDArray[Any]:
        return _probes.draw(random, probes, n, count, dtype)

    with progress_bar(n_probes, "product", progress) as tell:
        if method == "hutchinson":
            samples = _samples(times, probe, np.zeros((n, 0)), n_probes, tell)
            return _estimate(0.0, samples, n_probes)
        return _hutch(times, probe, n, n_probes, tell)


def exact_trace(loss: Loss, theta: Vector | None = None, *, progress: bool = False) -> float:
    r"""Return the trace of the Hessian of a loss, up to rounding.

    For a network whose parameters all are those of linear layers, with piecewise linear units between, such
    as ReLU, and a loss of separate rows, the diagonal of the Hessian is that of J^T B J. Its sum comes from
    one derivative for each output of the model, by the units and not by the weights, which together cost a
    few gradients. Any other model takes `n_parameters` products with the Hessian: those with
    thousands of parameters want `trace`.

    Parameters
    ----------
    loss, theta
        As for `hessian`.
    progress
        Show a progress bar on the standard error stream.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or not finite.

    References
    ----------
    Dangel, Kunstner and Hennig (2020) for the diagonal.

    Examples
    --------
    >>> import torch
    >>> model = torch.nn.Linear(2, 1, bias=False).double()
    >>> exact_trace(Loss(model, torch.nn.MSELoss(), np.array([[1.0, 0.0], [1.0, 2.0]]), np.zeros((2, 1))))
    6.0
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"loss must be a Loss; got {type(loss).__name__}")
    found = piecewise_trace(loss, loss._leaves(loss._point(theta)))
    if found is None:
        return float(diagonal(hessian(loss, theta), progress=progress).values.sum())
    return found


def _estimate(known: float, samples: Reals, n_products: int) -> TraceEstimate:
    error = samples.std(ddof=1) / math.sqrt(len(samples)) if len(samples) else 0.0
    return TraceEstimate(
        known + float(samples.sum() / max(len(samples), 1)), float(error), n_products, samples
    )


def _hutch(
    times: Times, probe: Callable[[int], NDArray[Any]], n: int, n_probes: int, tell: Tell
) -> TraceEstimate:
    """Take a third of the products for a span, one for the trace in it, and one for the rest."""
    third = min(n_probes // 3, n)
    image = _in_blocks(times, probe(third), tell)
    basis = _span(image)
    known = float(np.einsum("ij,ij->", basis, _in_blocks(times, basis, tell)))
    spent = third + basis.shape[1]
    rest = 0 if basis.shape[1] == n else n_probes - spent
    samples = _samples(times, probe, basis, rest, tell)
    return _estimate(known, samples, spent + rest)


def _span(columns: Reals) -> Reals:
    """Return an orthonormal basis of what columns span, up to rounding."""
    basis, factor, _ = linalg.qr(columns, mode="economic", pivoting=True)
    sizes = np.abs(np.diagonal(factor))
    noise = _EXHAUSTED * np.finfo(np.float64).eps
    return np.ascontiguousarray(basis[:, : len(sizes)][:, sizes > noise * sizes.max(initial=0.0)])


def _in_blocks(times: Times, columns: NDArray[Any], tell: Tell) -> Reals:
    found, start = np.empty(columns.shape), 0
    for size in _probes.blocks(*columns.shape):
        found[:, start : start + size] = times(columns[:, start : start + size])
        start += size
        tell(size)
    return found


def _samples(
    times: Times, probe: Callable[[int], NDArray[Any]], basis: Reals, count: int, tell: Tell
) -> Reals:
    """Return v^T A v for probes from which what lies in the span of the basis is taken out."""
    found = []
    for size in _probes.blocks(len(basis), count):
        vectors = probe(size)
        if basis.shape[1]:
            vectors = vectors - basis @ (basis.T @ vectors)
        found.append(np.einsum("ij,ij->j", vectors, times(vectors)))
        tell(size)
    return np.concatenate([np.empty(0), *found])
