"""The density of eigenvalues of an operator, by stochastic Lanczos quadrature."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg
from scipy.special import ndtr

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _probes
from smbook.landscape._lanczos import lanczos
from smbook.statistics import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness
    from smbook.landscape._probes import Reals


class SpectralDensity(NamedTuple):
    """Hold the density of eigenvalues as weights on nodes, of sum 1.

    Attributes
    ----------
    nodes
        Eigenvalues of the tridiagonal matrices of all probes, rising, (m,).
    weights
        Their shares in the density, (m,).
    probe
        Which probe each belongs to, int64 (m,).
    n_parameters
        The size n of the operator: n times the density counts eigenvalues.
    n_products
        How many products with a vector it took.
    """

    nodes: Reals
    weights: Reals
    probe: NDArray[np.int64]
    n_parameters: int
    n_products: int

    @property
    def n_probes(self) -> int:
        """The number of random directions."""
        return int(self.probe.max()) + 1

    @property
    def smallest(self) -> float:
        """The smallest node, which is at least the smallest eigenvalue and soon close to it."""
        return float(self.nodes[0])

    @property
    def largest(self) -> float:
        """The largest node, which is at most the largest eigenvalue and soon close to it."""
        return float(self.nodes[-1])

    def density(self, grid: ArrayLike, width: float) -> Reals:
        """Return the density at the points of a grid, each node broadened to a Gaussian.

        Parameters
        ----------
        grid
            Eigenvalues, any shape.
        width
            The standard deviation of the Gaussian, above 0.
        """
        x, width = _checks.reals("grid", grid), _checks.positive("width", width)
        distance = (x[..., None] - self.nodes) / width
        peaks = np.exp(-(distance**2) / 2) / (width * math.sqrt(2 * math.pi))
        return np.asarray(peaks @ self.weights)

    def cumulative(self, x: ArrayLike, width: float = 0.0) -> Reals:
        """Return the share of eigenvalues up to x, any shape; with a width, of the broadened density."""
        points, width = _checks.reals("x", x), _checks.real("width", width, minimum=0.0)
        distance = points[..., None] - self.nodes
        below = ndtr(distance / width) if width else (distance >= 0.0).astype(np.float64)
        return np.asarray(below @ self.weights)

    def moment(self, order: int) -> Estimate:
        """Return tr A^order / n with its standard error from the scatter of the probes.

        It has no bias up to the order 2 m - 1 for m steps. With one probe the error is nan.
        """
        order = _checks.integer("order", order, minimum=0)
        count = self.n_probes
        each = count * np.bincount(self.probe, self.weights * self.nodes**order, minlength=count)
        error = each.std(ddof=1) / math.sqrt(count) if count > 1 else math.nan
        return Estimate(float(each.mean()), float(error))

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return (
            f"SpectralDensity({self.n_parameters} eigenvalues between {self.smallest:.4g} and "
            f"{self.largest:.4g}, mean {self.moment(1)}, {self.n_probes} probes, {self.n_products} products)"
        )


def spectral_density(
    operator: Any,
    *,
    n_probes: int = 10,
    n_steps: int = 80,
    rng: Randomness = None,
    progress: bool = False,
) -> SpectralDensity:
    r"""Estimate the density of eigenvalues of a symmetric operator by stochastic Lanczos quadrature.

    .. math:: \rho(\lambda) = \frac1n \sum_k \delta(\lambda - \lambda_k) \approx
              \frac1{n_v} \sum_v \sum_{j=1}^m \tau_{vj}^2 \, \delta(\lambda - \theta_{vj})

    From each random direction v, uniform on the sphere, Lanczos' algorithm makes m steps. The eigenvalues
    theta and the first components tau of the eigenvectors of its tridiagonal matrix are the nodes and weights
    of Gauss' quadrature for the density that v sees, which is exact for powers up to 2 m - 1. Each step is
    made orthogonal to all before it, so that no eigenvalue comes twice. Where directions run out first, as
    for an operator of few different eigenvalues, a probe ends, and its nodes are exact.

    Parameters
    ----------
    operator
        As for `trace`.
    n_probes
        Random directions, at least 1.
    n_steps
        The most steps from each, at least 1. Memory holds as many vectors.
    rng, progress
        As for `trace`.

    Returns
    -------
    SpectralDensity

    Raises
    ------
    TypeError, ValueError
        As `trace`.

    References
    ----------
    Ubaru, Chen and Saad (2017); Papyan (2018) and Ghorbani, Krishnan and Xiao (2019) for networks.

    Examples
    --------
    >>> found = spectral_density(np.diag([1.0, 1.0, 1.0, 5.0]), n_probes=400, rng=1)
    >>> np.unique(found.nodes.round(9))
    array([1., 5.])
    >>> abs(found.moment(1).z(2.0)) < 3, found.n_products
    (True, 800)
    """
    times, n, dtype = _probes.checked_operator(operator)
    n_probes = _checks.integer("n_probes", n_probes, minimum=1)
    n_steps = min(_checks.integer("n_steps", n_steps, minimum=1), n)
    random = _probes.generator(rng)
    nodes, weights, products = [], [], 0
    with progress_bar(n_probes * n_steps, "product", progress) as tell:
        for _ in range(n_probes):
            start = random.standard_normal(n)
            run = lanczos(times, start, n_steps, dtype, tell)
            tell(n_steps - len(run.middle))
            values, vectors = linalg.eigh_tridiagonal(run.middle, run.beside)
            nodes.append(values)
            weights.append(vectors[0] ** 2 / n_probes)
            products += len(run.middle)
    probe = np.repeat(np.arange(n_probes), [len(values) for values in nodes])
    order = np.argsort(np.concatenate(nodes), kind="stable")
    return SpectralDensity(
        np.concatenate(nodes)[order], np.concatenate(weights)[order], probe[order], n, products
    )
