"""The diagonal of an operator from its products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.landscape import _probes

if TYPE_CHECKING:
    from smbook.kernels.rng import Randomness
    from smbook.landscape._probes import Reals


class DiagonalEstimate(NamedTuple):
    """Hold the diagonal of an operator, the standard error of each entry, and the number of products."""

    values: Reals
    errors: Reals
    n_products: int

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        error = float(np.sqrt((self.errors**2).mean()))
        return (
            f"DiagonalEstimate({len(self.values)} entries, mean {self.values.mean():.4g}, "
            f"error {error:.2g} each, {self.n_products} products)"
        )


def diagonal(
    operator: Any, n_probes: int | None = None, *, rng: Randomness = None, progress: bool = False
) -> DiagonalEstimate:
    r"""Return the diagonal of an operator, by n products exactly or from random signs v.

    .. math:: A_{ii} = \langle v_i (A v)_i \rangle, \qquad
              \operatorname{Var} v_i (A v)_i = \sum_{j \ne i} A_{ij}^2

    Parameters
    ----------
    operator
        As for `trace`.
    n_probes
        Products with random vectors, at least 2; None makes n products with unit vectors instead, after
        which nothing is left to chance and the errors are 0.
    rng, progress
        As for `trace`.

    Returns
    -------
    DiagonalEstimate

    Raises
    ------
    TypeError, ValueError
        As `trace`.

    References
    ----------
    Bekas, Kokiopoulou and Saad (2007).

    Examples
    --------
    >>> diagonal(np.array([[1.0, 5.0], [5.0, 2.0]])).values
    array([1., 2.])
    """
    times, n, dtype = _probes.checked_operator(operator)
    count = n if n_probes is None else _checks.integer("n_probes", n_probes, minimum=2)
    random = _probes.generator(rng)
    total, squares, start = np.zeros(n), np.zeros(n), 0
    origin = np.zeros(n)  # the first sample: beside a large diagonal, squares from 0 would lose the scatter
    with progress_bar(count, "product", progress) as tell:
        for size in _probes.blocks(n, count):
            if n_probes is None:
                vectors = np.eye(n, size, -start, dtype=dtype)
            else:
                vectors = _probes.draw(random, "rademacher", n, size, dtype)
            samples = vectors * times(vectors)
            if not start and n_probes is not None:
                origin = samples[:, 0]
            away = samples - origin[:, None]
            total += away.sum(axis=1)
            squares += (away**2).sum(axis=1)
            start += size
            tell(size)
    if n_probes is None:
        return DiagonalEstimate(total, np.zeros(n), n)
    mean = total / count
    variance = np.maximum(squares / count - mean**2, 0.0) * count / (count - 1)
    return DiagonalEstimate(origin + mean, np.sqrt(variance / count), count)
