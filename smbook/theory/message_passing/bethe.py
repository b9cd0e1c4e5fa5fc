"""Where messages are exact, and what they miss: trees without an end, a single loop, the onset of order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import eigs

from smbook import _checks
from smbook._records import equal
from smbook.theory._shared import Values, columns, inverse_temperature, inverse_temperatures
from smbook.theory.message_passing.plefka import _checked_couplings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from smbook.theory._shared import Floats

_LN2 = math.log(2.0)
_MOST_STEPS = 200  # of Newton's method
_DENSE, _ARNOLDI = 1000, 60  # directed bonds of which all eigenvalues are found, and vectors otherwise


class BetheLattice(NamedTuple):
    """A spin on a tree without an end: its magnetization, <s s'> of neighbours, and per spin u, s and f."""

    magnetization: Values
    correlation: Values
    energy: Values
    entropy: Values
    free_energy: Values

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class Ring(NamedTuple):
    """ln Z of a ring, Bethe's ln Z of it, and their true ratio 1 + `echo`, echo = Z / Z_Bethe - 1.

    After n parallel updates, a round of the ring, what messages still lack has become `echo` times as much.
    """

    log_partition: float
    bethe: float
    echo: float


def bethe_lattice(beta: ArrayLike, degree: int, *, coupling: float = 1.0, field: float = 0.0) -> BetheLattice:
    r"""Return the state of a ferromagnet deep inside of a tree in which all spins have `degree` neighbours.

    .. math:: u = \operatorname{artanh}[\tanh(\beta J) \tanh(\beta h + (k - 1) u)], \qquad
              m = \tanh(\beta h + k u)

    All messages are the same there. Without a field the largest u >= 0 is taken, the magnetized state where
    there is one. It is the state of a large random graph, `smbook.network.random_regular`, whose loops are
    long, and for k = 2 of a chain.

    Parameters
    ----------
    beta
        1/T, positive, any shape.
    degree
        k, the number of neighbours, at least 2.
    coupling
        J, at least 0.
    field
        h.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Bethe (1935); Baxter (1982), chapter 4; Mezard and Montanari (2009), chapter 17.

    Examples
    --------
    >>> found = bethe_lattice([0.5, 0.6], 3)
    >>> found.magnetization.round(6)
    array([0.      , 0.684617])
    """
    betas = inverse_temperatures(beta)
    if (betas == math.inf).any():
        raise ValueError("beta must be finite on a Bethe lattice; got inf")
    degree = _checks.integer("degree", degree, minimum=2)
    coupling = _checks.real("coupling", coupling, minimum=0.0)
    field = _checks.real("field", field)
    largest = float(betas.max(initial=0.0)) * (abs(field) + degree * coupling)
    if not math.isfinite(2.0 * largest):
        raise ValueError(f"beta times energy overflows; got beta={betas.max()}, J={coupling}, h={field}")
    records = [_state(b, degree, coupling, field) for b in betas.ravel().tolist()]
    return BetheLattice(*columns(records, betas, 5))


def bethe_critical_temperature(degree: int, *, coupling: float = 1.0) -> float:
    r"""Return the temperature below which a ferromagnet on a Bethe lattice is magnetized without a field.

    .. math:: (k - 1) \tanh(J / T_c) = 1

    Raises
    ------
    TypeError, ValueError
        If `degree` is no integer of at least 2, or `coupling` no real number of at least 0.

    References
    ----------
    Bethe (1935).

    Examples
    --------
    >>> bethe_critical_temperature(2), round(bethe_critical_temperature(4), 7)
    (0.0, 2.8853901)
    """
    degree = _checks.integer("degree", degree, minimum=2)
    coupling = _checks.real("coupling", coupling, minimum=0.0)
    return 0.0 if degree == 2 else 2.0 * coupling / math.log(degree / (degree - 2))


def ring(beta: float, couplings: ArrayLike, *, fields: ArrayLike = 0.0) -> Ring:
    r"""Return ln Z of spins on a ring, and what belief propagation makes of it.

    The product of the transfer matrices around the ring has two eigenvalues, and Z is their sum. Messages
    that have settled know the larger one alone:

    .. math:: Z = \Lambda_1 + \Lambda_2 = Z_{\mathrm{Bethe}} (1 + \Lambda_2 / \Lambda_1), \qquad
              \Lambda_2 / \Lambda_1 = \prod_i \tanh \beta J_i \quad (h = 0).

    The ratio is negative where the ring is frustrated, and Bethe's ln Z then too large.

    Parameters
    ----------
    beta
        1/T, positive.
    couplings
        J, at least 3 numbers: of each spin with the next, and of the last with the first.
    fields
        h, as many numbers, or one for all spins.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Ising (1925); Weiss (2000) for belief propagation on a single loop.

    Examples
    --------
    >>> round(ring(0.5, [1.0, 1.0, 1.0]).echo, 9), round(math.tanh(0.5) ** 3, 9)
    (0.098686167, 0.098686167)
    """
    beta = inverse_temperature(beta)
    if beta == math.inf:
        raise ValueError("beta must be finite on a ring; got inf")
    bonds = _checks.reals("couplings", couplings)
    if bonds.ndim != 1 or bonds.size < 3:
        raise ValueError(f"couplings must be a row of at least 3 numbers; got shape {bonds.shape}")
    local = _checks.reals("fields", fields)
    if local.shape not in ((), bonds.shape):
        raise ValueError(f"fields must be one number or {bonds.size}, one a spin; got shape {local.shape}")
    if not math.isfinite(4.0 * beta * bonds.size * float(np.abs(bonds).max() + np.abs(local).max())):
        raise ValueError(f"beta times energy overflows; got beta={beta}")
    return _around(beta * bonds, np.broadcast_to(beta * local, bonds.shape))


def non_backtracking_radius(couplings: Any, beta: float) -> float:
    r"""Return the spectral radius of the messages' response to each other, where all of them are 0.

    .. math:: \delta u_{i \to j} = \tanh(\beta J_{ij}) \sum_{k \neq j} \delta u_{k \to i}

    A message never goes back at once to where it came from. Without fields m = 0 is stable as long as the
    radius is below 1. Where all couplings are the same it is tanh(beta J) times that of the non-backtracking
    matrix; on trees it is 0. In large networks whose couplings have both signs it may take minutes.

    Parameters
    ----------
    couplings
        J, (N, N), symmetric with a zero diagonal, an array or a `scipy.sparse` one.
    beta
        1/T, at least 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Hashimoto (1989); Krzakala et al. (2013).

    Examples
    --------
    >>> triangle = [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    >>> round(non_backtracking_radius(triangle, 0.5), 9), round(math.tanh(0.5), 9)
    (0.462117157, 0.462117157)
    """
    bonds = _checked_couplings(couplings)
    beta = _checks.real("beta", beta, minimum=0.0)
    weights = np.tanh(beta * bonds)
    core = _core(weights != 0.0)
    weights = weights[np.ix_(core, core)]
    senders, receivers = np.nonzero(weights)
    if not senders.size:
        return 0.0
    response = _responses(weights[senders, receivers], senders, receivers)
    if len(senders) <= _DENSE:
        return float(np.abs(np.linalg.eigvals(response.toarray())).max())
    first = np.ones(len(senders))  # so that the same is found each time
    return float(np.abs(eigs(response, k=2, ncv=_ARNOLDI, v0=first, return_eigenvectors=False)).max())


def _responses(weights: Floats, senders: Any, receivers: Any) -> sparse.csr_array:
    """Return what the message of each directed bond i -> j makes of those from k to i, k other than j."""
    count, every = len(senders), np.arange(len(senders))
    sent = sparse.csr_array((weights, (every, senders)))
    heard = sparse.csr_array((np.ones(count), (every, receivers)))
    there, back = np.lexsort((receivers, senders)), np.lexsort((senders, receivers))
    reverse = np.empty(count, dtype=np.int64)
    reverse[there] = back
    return sparse.csr_array(sent @ heard.T - sparse.csr_array((weights, (every, reverse))))


def _core(joined: Any) -> Any:
    """Return the numbers of the spins that are left when leaves go, and those that become leaves then."""
    kept = np.ones(len(joined), dtype=np.bool_)
    while (leaves := kept & (joined[:, kept].sum(axis=1) < 2)).any():
        kept &= ~leaves
    return np.flatnonzero(kept)


def _passed_on(bond: float, field: float) -> float:
    """Return artanh(tanh(bond) tanh(field)), for any of both."""
    t = math.tanh(bond) * math.tanh(field)
    if abs(t) < 0.5:
        return math.atanh(t)
    p, q = abs(bond), abs(field)
    rest = math.log1p(math.exp(-2 * (p + q))) - math.log1p(math.exp(-2 * abs(p - q)))
    return math.copysign(min(p, q) + rest / 2, t)


def _log_cosh(x: float) -> float:
    return abs(x) + math.log1p(math.exp(-2 * abs(x))) - _LN2


def _message(bond: float, field: float, branches: int) -> float:
    """Return the largest u that the bond passes on of field + branches u, both not below 0.

    What it passes on bends down, so that Newton's method falls to the root from above.
    """
    t, u = math.tanh(bond), bond
    if field == 0 and branches * t <= 1:
        return 0.0
    for _ in range(_MOST_STEPS):
        cavity = field + branches * u
        decay = math.exp(-2 * cavity)
        square = 4 * decay / (1 + decay) ** 2  # 1 / cosh^2
        slope = branches * t * square / (1 - t * t + t * t * square) if square else 0.0
        step = (u - _passed_on(bond, cavity)) / (1 - slope)
        if not (slope < 1 and step > 1e-16 * u):
            break
        u -= step
    return u


def _state(beta: float, degree: int, coupling: float, field: float) -> tuple[float, ...]:
    bond, local = beta * coupling, beta * abs(field)
    u = _message(bond, local, degree - 1)
    total, cavity = local + degree * u, local + (degree - 1) * u
    both = _passed_on(cavity, cavity)
    m, correlation = math.copysign(math.tanh(total), field), math.tanh(bond + both)
    if not u and not local:
        m = 0.0
    log_pair = _log_cosh(bond + both) - _log_cosh(both)
    log_z = _LN2 + _log_cosh(total) + degree * (_log_cosh(bond) - _log_cosh(u) - log_pair / 2)
    energy = -degree * coupling * correlation / 2 - field * m
    return m, correlation, energy, log_z + beta * energy, -log_z / beta


def _around(bonds: Floats, fields: Floats) -> Ring:
    """Return the ring of K = beta J and of fields that are multiplied by beta too."""
    product = np.array([[0.0, -np.inf], [-np.inf, 0.0]])  # the logarithms of a matrix: nothing underflows
    spins = np.array([1.0, -1.0])
    for bond, local in zip(bonds, fields, strict=True):
        turned = local * spins[:, np.newaxis] + bond * np.multiply.outer(spins, spins)
        product = np.logaddexp(product[:, :1] + turned[0], product[:, 1:] + turned[1])
    log_partition = float(np.logaddexp(product[0, 0], product[1, 1]))
    bethe = _log_largest(product)
    if not bonds.all():
        return Ring(log_partition, bethe, 0.0)
    log_determinant = float((np.log(-np.expm1(-4.0 * np.abs(bonds))) + 2.0 * np.abs(bonds)).sum())
    echo = math.exp(min(log_determinant - 2.0 * bethe, 0.0))
    return Ring(log_partition, bethe, math.copysign(echo, float(np.prod(np.sign(bonds)))))


def _log_largest(logarithms: Floats) -> float:
    """Return the logarithm of the largest eigenvalue of a positive matrix whose logarithms are given."""
    across = float(logarithms[0, 1] + logarithms[1, 0])
    scale = max(float(logarithms.diagonal().max()), across / 2.0)
    a, b = (math.exp(float(entry) - scale) for entry in logarithms.diagonal())
    root = math.sqrt((a - b) ** 2 + 4.0 * math.exp(across - 2.0 * scale))
    return scale + math.log((a + b + root) / 2.0)
