"""Random matrices in which a signal of rank one is hidden."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.kernels.lattice import randomize
from smbook.kernels.rng import fill_normal, seed_state

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]

_LARGEST = 1e100


class Spiked(NamedTuple):
    """Hold a random matrix and the signal in it, float64. Two are equal if all their numbers are."""

    matrix: Floats
    signal: Floats

    def overlap(self, vector: ArrayLike) -> float:
        """Return the squared cosine of the angle between a vector of any length and the signal.

        Raises
        ------
        TypeError, ValueError
            If `vector` does not hold as many real numbers as the signal, or no other than 0.
        """
        v = _checks.reals("vector", vector)
        if v.shape != self.signal.shape:
            raise ValueError(f"vector must have the shape {self.signal.shape}; got {v.shape}")
        if not (size := float(np.abs(v).max())):
            raise ValueError("vector must not be 0")
        v = v / size
        return float((v @ self.signal) ** 2 / ((v @ v) * (self.signal @ self.signal)))

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        rows, columns = self.matrix.shape
        return f"Spiked(matrix {rows} x {columns})"


def spiked_wigner(n: int, theta: float, *, rng: Randomness = None) -> Spiked:
    r"""Return a symmetric Gaussian matrix with a signal of random signs in it.

    .. math:: Y = \frac\theta n x x^T + W, \qquad x_i = \pm 1

    W is symmetric, of mean 0 and variance 1 / n off the diagonal, 2 / n on it, so that its eigenvalues fill
    [-2, 2] for large n. For the theory see `smbook.theory.random_matrices.spiked_wigner` and, for those who
    know that x is made of signs, `smbook.theory.random_matrices.spiked_wigner_signs`.

    Parameters
    ----------
    n
        Size, at least 1.
    theta
        Strength of the signal, of either sign.
    rng
        As for `smbook.ising.simulate`. A seed draws the same x and W for every theta.

    Returns
    -------
    Spiked
        `matrix` Y (n, n), `signal` x (n,) of +1.0 and -1.0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> spiked = spiked_wigner(400, 2.0, rng=1)
    >>> values, vectors = np.linalg.eigh(spiked.matrix)
    >>> round(float(values[-1]), 1), round(spiked.overlap(vectors[:, -1]), 1)  # 2.5 and 0.75 for large n
    (2.5, 0.7)
    """
    size = _checks.integer("n", n, minimum=1)
    strength = _checks.real("theta", theta, minimum=-_LARGEST, maximum=_LARGEST)
    state = seed_state(rng)
    signs, entries = np.empty(size, dtype=np.int8), np.empty((size, size))
    randomize(signs, state)
    fill_normal(state, entries.ravel())
    x = signs.astype(np.float64)
    noise = (entries + entries.T) / math.sqrt(2 * size)
    return Spiked(noise + (strength / size) * np.outer(x, x), x)


def spiked_covariance(n_samples: int, n_features: int, ell: float, *, rng: Randomness = None) -> Spiked:
    r"""Return Gaussian samples with variance ell along one random direction, and 1 across it.

    .. math:: x = z + (\sqrt\ell - 1)(v \cdot z)\, v

    with standard normal z and a unit vector v, uniform on the sphere. For the theory of the leading
    eigenvalue of X^T X / n see `smbook.theory.random_matrices.spiked_covariance`.

    Parameters
    ----------
    n_samples, n_features
        n and p, at least 1.
    ell
        Variance along the signal, above 0.
    rng
        As for `smbook.ising.simulate`. A seed draws the same z and v for every ell.

    Returns
    -------
    Spiked
        `matrix` X (n, p) of samples, `signal` v (p,) of length 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> samples, signal = spiked_covariance(800, 400, 4.0, rng=1)
    >>> samples.shape, round(float(signal @ signal), 12)
    ((800, 400), 1.0)
    >>> round(float(np.linalg.eigvalsh(samples.T @ samples / 800)[-1]), 1)  # 4.667 for large n
    4.8
    """
    n = _checks.integer("n_samples", n_samples, minimum=1)
    p = _checks.integer("n_features", n_features, minimum=1)
    population = _checks.positive("ell", ell)
    state = seed_state(rng)
    v, z = np.empty(p), np.empty((n, p))
    fill_normal(state, v)
    fill_normal(state, z.ravel())
    v /= np.linalg.norm(v)
    z += np.outer((math.sqrt(population) - 1) * (z @ v), v)
    return Spiked(z, v)
