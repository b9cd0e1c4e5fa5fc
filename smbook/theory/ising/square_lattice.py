"""The infinite square lattice: Onsager's densities and surface tension, Yang's magnetization."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ellipkm1, elliprd, expit

from smbook.theory._shared import Floats, Values, plain
from smbook.theory.ising._shared import Thermal, temperatures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

CRITICAL_BETA = math.asinh(1) / 2  # sinh(2 beta) = 1
_FROZEN = 150.0  # K from which on v is below 1e-258

_ELLIPTIC_SERIES = np.cumprod([((2 * j - 1) / (2 * j)) ** 2 for j in range(1, 10)])
"""Coefficients of D = (2 K / pi - 1) / v^2 in powers of v^2."""


class _Elliptic(NamedTuple):
    """Hold v = min(S, 1/S)^2 for S = sinh 2K, 1 - v, and P, D and Q of v.

    With K(v) and E(v) the elliptic integrals of modulus v: P = 2 K / pi, D = (P - 1) / v^2 and
    Q = 4 (E - (1 - v^2) K) / (pi v^2).
    """

    v: Floats
    one_minus: Floats
    p: Floats
    d: Floats
    q: Floats


def onsager(beta: ArrayLike, *, coupling: float = 1.0) -> Thermal:
    """Return the densities of the infinite square lattice without a field (Onsager, 1944).

    u = -J coth(2K) [1 + 2 (2 tanh(2K)^2 - 1) K(k) / pi] with k = 2 sinh(2K) / cosh(2K)^2 and K = beta J,
    brought by Landen's transformation to the modulus v = sinh(2K)^2 or its inverse, in which no digits cancel
    at high, low or critical temperature. The specific heat is inf at K = CRITICAL_BETA. An antiferromagnet
    has the densities of the ferromagnet.

    Examples
    --------
    >>> [round(value, 10) for value in onsager(0.5)]
    [1.0257928127, -1.7455645753, 0.7248714486]
    >>> onsager(CRITICAL_BETA).specific_heat
    inf
    """
    betas, coupling, _ = temperatures(beta, coupling)
    coupling = abs(coupling)
    k = betas * coupling
    v, one_minus, p, d, q = _elliptic(k)
    with np.errstate(invalid="ignore"):
        gentle = np.where(one_minus > 0, one_minus * d, 0.0)  # (1 - v) ln(1 - v) -> 0
        disordered = p * (1 + 2 * v) - q * v + d * v
        ordered = v**2 * (3 * p - q + d * v)
    energy = np.sqrt(1 + v) * np.where(
        k < CRITICAL_BETA, -np.sqrt(v) * (1 - v * gentle), -(2 - v + v**2 * gentle)
    )
    specific_heat = 2 * np.minimum(k, _FROZEN) ** 2 * np.where(k < CRITICAL_BETA, disordered, ordered)
    return Thermal(*map(plain, (_onsager_log_partition(k, v, one_minus), coupling * energy, specific_heat)))


def spontaneous_magnetization(beta: ArrayLike, *, coupling: float = 1.0) -> Values:
    """Return m = (1 - sinh(2K)^-4)^(1/8) below T_c on the square lattice and 0 above (Yang, 1952).

    An antiferromagnet has none (its staggered magnetization is that of the ferromagnet).

    Examples
    --------
    >>> round(spontaneous_magnetization(0.5), 10)
    0.9113193779
    """
    betas, coupling, _ = temperatures(beta, coupling)
    k = betas * coupling
    v, one_minus = _moduli(np.maximum(k, 0.0))
    return plain(np.where(k > CRITICAL_BETA, (one_minus * (1 + v)) ** 0.125, 0.0))


def surface_tension(beta: ArrayLike, *, coupling: float = 1.0) -> Values:
    r"""Return the free energy of a wall between the two ordered phases, per bond that it cuts.

    .. math:: \sigma = 2J + T \ln\tanh\beta J

    below T_c, for a wall along an axis of the square lattice, and 0 above (Onsager, 1944). It is an energy;
    beta sigma is one over the correlation length of the dual lattice. It is computed as
    T arsinh[cosh(2K) (1 - 1 / sinh(2K))] with K = beta J, in which no digits cancel. An antiferromagnet has
    the surface tension of the ferromagnet, between its two orders.

    Examples
    --------
    >>> round(surface_tension(1 / 1.5), 6)
    1.190089
    >>> surface_tension([0.4, 1e3]).tolist()
    [0.0, 2.0]
    """
    betas, coupling, _ = temperatures(beta, coupling)
    k = betas * abs(coupling)
    cold = np.clip(k, CRITICAL_BETA, _FROZEN)  # from there on the entropy of the wall is lost beside 2K
    s = np.sinh(2 * cold)
    rest = 2 * np.cosh(cold + CRITICAL_BETA) * np.sinh(cold - CRITICAL_BETA) / s  # 1 - 1/s
    return plain(abs(coupling) * np.arcsinh(np.cosh(2 * cold) * rest) / cold)


def _moduli(k: Floats) -> tuple[Floats, Floats]:
    """Return v = min(S, 1/S)^2, S = sinh 2K, and 1 - v from the distance to the critical point."""
    k = np.minimum(k, _FROZEN)
    s = np.sinh(2 * k)
    larger = np.maximum(s, 1.0)
    small = np.where(k < CRITICAL_BETA, s, 1 / larger)
    rest = 2 * np.cosh(k + CRITICAL_BETA) * np.abs(np.sinh(k - CRITICAL_BETA)) / larger  # 1 - small
    return small**2, rest * (1 + small)


def _elliptic(k: Floats) -> _Elliptic:
    """Return the elliptic integrals of the modulus v that belongs to K."""
    v, one_minus = _moduli(k)
    complement = one_minus * (1 + v)  # 1 - v^2
    with np.errstate(divide="ignore", invalid="ignore"):
        first = ellipkm1(complement)
        p = 2 * first / np.pi
        q = np.where(one_minus > 0, 4 / np.pi * (first - elliprd(0, complement, 1) / 3), 4 / np.pi)
        d = np.where(v < 0.1, np.polynomial.polynomial.polyval(v**2, _ELLIPTIC_SERIES), (p - 1) / v**2)
    return _Elliptic(v, one_minus, p, d, q)


def _onsager_log_partition(k: Floats, v: Floats, one_minus: Floats) -> Floats:
    """Return ln(2 cosh 2K) + (1/pi) int_0^(pi/2) ln[(1 + sqrt(1 - k^2 cos(phi)^2)) / 2] dphi.

    The double exponential rule gathers its nodes at phi = 0, where the root has its corner at T_c.
    """
    t = np.linspace(-3.6, 3.6, 145)
    share = expit(np.pi * np.sinh(t))
    weights = (t[1] - t[0]) * np.pi / 2 * np.cosh(t) * share * (1 - share) * np.pi
    sine, cosine = np.sin(np.pi / 2 * share), np.sin(np.pi / 2 * (1 - share))
    v, one_minus = v[..., np.newaxis], one_minus[..., np.newaxis]
    modulus, complement = 2 * np.sqrt(v) / (1 + v), one_minus / (1 + v)  # k and sqrt(1 - k^2)
    root = np.hypot(complement, modulus * sine)
    integrand = np.log1p(-((modulus * cosine) ** 2) / (2 * (1 + root)))
    return np.asarray(2 * k + np.log1p(np.exp(-4 * k)) + integrand @ weights / np.pi)
