"""The free energy of spins whose means are given, as a series in the strength of the couplings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.special import xlogy

from smbook import _checks

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_ASYMMETRY = 1e-12  # of the largest coupling


def plefka_free_energy(
    couplings: Any, fields: ArrayLike, magnetization: ArrayLike, beta: float, *, order: int
) -> float:
    r"""Return beta G(m), the free energy of spins of given means, to some order in the couplings.

    .. math:: \beta G = - \sum_i [S(m_i) + \beta h_i m_i] - \sum_{i<j} K_{ij} m_i m_j
              - \tfrac12 \sum_{i<j} K_{ij}^2 q_i q_j
              - \tfrac23 \sum_{i<j} K_{ij}^3 m_i q_i m_j q_j
              - \sum_{i<j<k} K_{ij} K_{jk} K_{ki} q_i q_j q_k - \dots

    with K = beta J, q = 1 - m^2 and the entropy S of a spin of mean m. Order 1 has no powers of K above
    the first: naive mean field, never below the true -ln Z. Order 2 is that of Thouless, Anderson and Palmer,
    whose equations say that its slope vanishes; order 3 adds what two bonds do on one edge, and triangles.
    These are no bounds.

    Parameters
    ----------
    couplings
        J, (N, N), symmetric with a zero diagonal, an array or a `scipy.sparse` one.
    fields
        h, N numbers, or one for all spins.
    magnetization
        m, (N,), from -1 to 1.
    beta
        1/T, at least 0.
    order
        1, 2 or 3.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or if the result overflows.

    References
    ----------
    Plefka (1982); Georges and Yedidia (1991) for the third order and more.

    Examples
    --------
    >>> pair, means = [[0.0, 0.5], [0.5, 0.0]], [0.2, -0.1]
    >>> [round(plefka_free_energy(pair, 0.3, means, 1.0, order=order), 6) for order in (1, 2, 3)]
    [-1.38115, -1.49995, -1.498366]
    """
    order = _checks.integer("order", order, minimum=1, maximum=3)
    bonds = _checked_couplings(couplings)
    n = len(bonds)
    local = _checks.reals("fields", fields)
    if local.shape not in ((), (n,)):
        raise ValueError(f"fields must be one number or {n}, one a spin; got shape {local.shape}")
    m = _checks.reals("magnetization", magnetization)
    if m.shape != (n,):
        raise ValueError(f"magnetization must be {n} numbers, one a spin; got shape {m.shape}")
    if (np.abs(m) > 1.0).any():
        raise ValueError(f"magnetization must lie from -1 to 1; got {m[np.abs(m).argmax()]:g}")
    beta = _checks.real("beta", beta, minimum=0.0)
    with np.errstate(over="ignore", invalid="ignore"):
        found = _series(beta * bonds, beta * local, m, order)
    if not math.isfinite(found):
        raise ValueError(
            f"the free energy overflows; got beta={beta}, couplings up to {np.abs(bonds).max():g}"
        )
    return found


def _series(bonds: Floats, fields: Floats, m: Floats, order: int) -> float:
    """Return beta G of K = beta J and of fields that are multiplied by beta too."""
    up, down = (1.0 + m) / 2.0, (1.0 - m) / 2.0
    total = (xlogy(up, up) + xlogy(down, down) - fields * m).sum() - m @ bonds @ m / 2.0
    q = (1.0 - m) * (1.0 + m)
    if order >= 2:
        total -= q @ bonds**2 @ q / 4.0
    if order >= 3:
        through = bonds * np.sqrt(np.multiply.outer(q, q))
        triangles = ((through @ through) * through).sum() / 6.0
        total -= (m * q) @ bonds**3 @ (m * q) / 3.0 + triangles
    return float(total)


def _checked_couplings(couplings: Any) -> Floats:
    given = couplings.toarray() if sparse.issparse(couplings) else couplings
    bonds = _checks.reals("couplings", given)
    if bonds.ndim != 2 or bonds.shape[0] != bonds.shape[1] or not bonds.size:
        raise ValueError(f"couplings must be a square matrix; got shape {bonds.shape}")
    if bonds.diagonal().any():
        i = int(np.flatnonzero(bonds.diagonal())[0])
        raise ValueError(f"couplings must have a zero diagonal; got {bonds[i, i]} at {(i, i)}")
    difference = np.abs(bonds - bonds.T)
    if difference.max() > _ASYMMETRY * np.abs(bonds).max():
        i, j = (int(k) for k in np.unravel_index(difference.argmax(), difference.shape))
        raise ValueError(f"couplings must be symmetric; got {bonds[i, j]} at {(i, j)} and {bonds[j, i]} back")
    return bonds
