"""One dimension: rings and the infinite chain, by the eigenvalues of the transfer matrix."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain
from smbook.theory.ising._shared import Observables, parameters, temperatures

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

_COLDEST_ODD_RING = 100.0  # exp(-4 K) of a frustrated ring is below every rounding error from here on
_FROZEN = 400.0  # exp(-2 K) times any square of K is 0 from here on


class _Spectrum(NamedTuple):
    """Hold what the eigenvalues of the transfer matrix are made of: lambda_+- = exp(K + shift) (c +- y).

    c, s, w and unit are cosh b, sinh b, exp(-2K) and 1 for K = beta J, b = beta h, each divided by exp(shift)
    (unit by its square) so that none overflows; y = hypot(s, w), and gap = c^2 - y^2 has the sign of K.
    """

    k: Floats
    shift: Floats
    c: Floats
    s: Floats
    w: Floats
    unit: Floats
    y: Floats
    gap: Floats


class _Powers(NamedTuple):
    """Hold rho^(n-2), rho^(n-1), rho^n, 1 + rho^n and 1 - rho^n of rho = lambda_- / lambda_+."""

    two_less: Floats
    one_less: Floats
    full: Floats
    one_plus: Floats
    one_minus: Floats


def transfer_matrix(beta: float, *, coupling: float = 1.0, field: float = 0.0) -> Floats:
    """Return the transfer matrix of the chain, T(s, s') = exp(beta J s s' + beta h (s + s') / 2).

    Rows and columns stand for s = +1, -1 in this order; the ring of n spins has Z = tr T^n
    (Kramers and Wannier, 1941). Raises ValueError where an entry would overflow.

    Examples
    --------
    >>> import numpy as np
    >>> eigenvalues = np.linalg.eigvalsh(transfer_matrix(0.5))
    >>> round(float(np.log(np.sum(eigenvalues**10))), 10)
    8.1330609176
    """
    beta, coupling, field = parameters(beta, coupling, field)
    spins = np.array([1.0, -1.0])
    exponents = (beta * coupling) * np.outer(spins, spins) + beta * field * np.add.outer(spins, spins) / 2
    if exponents.max() > 700:
        raise ValueError(f"transfer matrix overflows; its largest exponent is {exponents.max():g}")
    return np.asarray(np.exp(exponents))


def chain(beta: ArrayLike, *, coupling: float = 1.0, field: float = 0.0) -> Observables:
    """Return the densities of the infinite chain, ln Z / N = ln(lambda_plus) (Ising, 1925).

    m = sinh(b) / sqrt(sinh(b)^2 + exp(-4K)) with K = beta J and b = beta h. At h = 0 the susceptibility
    is beta exp(2K), where exp(2K) is cut off at 1e300.

    Examples
    --------
    >>> round(chain(1.0).energy, 10)
    -0.761594156
    >>> round(chain(1.0, field=0.1).magnetization, 10)
    0.5949145396
    """
    return _one_dimensional(None, beta, coupling, field)


def ring(n: int, beta: ArrayLike, *, coupling: float = 1.0, field: float = 0.0) -> Observables:
    """Return the densities of a ring of n >= 2 spins, Z = lambda_plus^n + lambda_minus^n (Ising, 1925).

    A ring of two spins has two bonds. For J > 0 no nearly equal terms are subtracted, so that the specific
    heat keeps its digits at any temperature; for J < 0 it is good to some 1e-13. Raises ValueError for a
    frustrated ring (n odd, J < 0) with beta J < -100.

    Examples
    --------
    >>> [round(value, 10) for value in ring(10, 0.5)[:2]]
    [0.8133060918, -0.4628726771]
    """
    return _one_dimensional(_checks.integer("n", n, minimum=2), beta, coupling, field)


def ring_correlation(n: int, beta: float, *, distance: ArrayLike, coupling: float = 1.0) -> Values:
    """Return <s_0 s_r> = (t^r + t^(n-r)) / (1 + t^n), t = tanh(beta J), on a ring without a field.

    `distance` is r, one integer or an array of them, from 0 to n.

    Examples
    --------
    >>> round(ring_correlation(10, 0.5, distance=1), 10)
    0.4628726771
    """
    n = _checks.integer("n", n, minimum=2)
    beta, coupling, _ = parameters(beta, coupling, 0.0)
    r = _checks.integers("distance", distance, minimum=0, maximum=n)
    t = math.tanh(beta * abs(coupling))
    log_t = -1 / correlation_length(beta, coupling=coupling) if t else -800.0  # exp(-800) is 0, as t is
    log_t = min(log_t, -1e-300)
    sign = np.where((beta * coupling < 0) & (r % 2 == 1), -1, 1)
    if beta * coupling < 0 and n % 2:
        near, sign = np.minimum(r, n - r), np.where(2 * r > n, -sign, sign)
        return plain(sign * np.exp(near * log_t) * np.expm1((n - 2 * near) * log_t) / np.expm1(n * log_t))
    return plain(sign * (np.exp(r * log_t) + np.exp((n - r) * log_t)) / (1 + np.exp(n * log_t)))


def correlation_length(beta: ArrayLike, *, coupling: float = 1.0) -> Values:
    """Return the correlation length -1 / ln(abs(tanh(beta J))) of the chain without a field, in sites.

    Examples
    --------
    >>> round(correlation_length(0.5), 10)
    1.2954427841
    """
    betas, coupling, _ = temperatures(beta, coupling)
    k = betas * abs(coupling)
    with np.errstate(divide="ignore"):
        return plain(np.where(k < 0.5, -1 / np.log(np.tanh(k)), 0.5 / np.arctanh(np.exp(-2 * k))))


def _one_dimensional(n: int | None, beta: ArrayLike, coupling: float, field: float) -> Observables:
    """Return the densities of a ring of n spins, or of the infinite chain for None."""
    beta, coupling, field = temperatures(beta, coupling, field)
    if n is not None and n % 2 and (beta * coupling < -_COLDEST_ODD_RING).any():
        raise ValueError(
            f"a frustrated ring of {n} spins is too cold for double precision; "
            f"beta * coupling must be at least {-_COLDEST_ODD_RING:g}, got {(beta * coupling).min():g}"
        )
    spectrum = _spectrum(beta * coupling, beta * field)
    powers = _no_powers(spectrum) if n is None else _powers(spectrum, n)
    log_partition, bond, m, bond_bond, bond_m, m_m = _derivatives(spectrum, powers, n or 1)
    specific_heat = _specific_heat(beta * coupling, beta * field, bond_bond, bond_m, m_m)
    energy = -(coupling * bond + field * m)
    with np.errstate(over="ignore"):
        return Observables(*map(plain, (log_partition, energy, specific_heat, m, beta * m_m)))


def _specific_heat(k: Floats, b: Floats, bond_bond: Floats, bond_m: Floats, m_m: Floats) -> Floats:
    """Return K^2 <BB> + 2 K b <BM> + b^2 <MM>, and its limit where the spins are frozen.

    A frozen antiferromagnet has no excitations but of the energy 2 abs(b) - 4 abs(K) a spin, which may be 0.
    """
    frozen, apart = k < -_FROZEN / 2, np.clip(np.abs(b) + 2 * np.minimum(k, 0.0), -_FROZEN, _FROZEN)
    k, b = np.clip(k, -_FROZEN, _FROZEN), np.clip(b, -_FROZEN, _FROZEN)
    warm = np.where(frozen, 0.0, k**2 * bond_bond + 2 * k * b * bond_m + b**2 * m_m)
    return np.maximum(np.where(frozen, apart**2 * m_m, warm), 0.0)


def _spectrum(k: Floats, b: Floats) -> _Spectrum:
    """Return the parts of the eigenvalues at K = beta J and b = beta h."""
    shift = np.maximum(np.abs(b), -2 * k)
    rise = np.exp(np.abs(b) - shift) / 2
    fall = np.exp(-2 * np.abs(b))
    s = np.sign(b) * rise * -np.expm1(-2 * np.abs(b))
    w = np.maximum(np.exp(-2 * k - shift), 1e-300)  # keeps y > 0 where exp(-2K) underflows
    unit = np.exp(-2 * shift)
    gap = np.expm1(-4 * np.abs(k)) * np.where(k < 0, w**2, -unit)
    return _Spectrum(k, shift, rise * (1 + fall), s, w, unit, np.hypot(s, w), gap)


def _no_powers(spectrum: _Spectrum) -> _Powers:
    zero = np.zeros_like(spectrum.k)
    return _Powers(zero, zero, zero, zero + 1, zero + 1)


def _powers(spectrum: _Spectrum, n: int) -> _Powers:
    """Return the powers of rho = (c - y) / (c + y), with |rho| near 0 and near 1 to full precision."""
    k, c, y, gap = spectrum.k, spectrum.c, spectrum.y, np.abs(spectrum.gap)
    small = np.log(np.maximum(gap / (c + y) ** 2, 1e-300))
    ratio = np.minimum(np.minimum(c, y) / np.maximum(c, y), 0.5)
    log_rho = np.where(gap < (c + y) ** 2 / 3, small, -2 * np.arctanh(ratio))

    def power(exponent: int) -> Floats:
        sign = np.where(k < 0, (-1.0) ** (exponent % 2), 1.0)
        return np.asarray(sign * np.exp(exponent * log_rho))

    full, complement = power(n), -np.expm1(n * log_rho)
    sums = np.where(full < 0, complement, 1 + full), np.where(full < 0, 1 - full, complement)
    return _Powers(power(n - 2), power(n - 1), full, *sums)


def _derivatives(spectrum: _Spectrum, powers: _Powers, n: int) -> tuple[Floats, ...]:
    """Return ln Z / n and its derivatives K, b, KK, Kb, bb, each a sum without cancellation for K > 0.

    They are those of ln Z = n ln(c^2 - y^2) / 2 + ln 2cosh(n g), tanh g = y / c, with the terms that
    diverge at K = 0 taken together.
    """
    k, shift, c, s, w, unit, y, gap = spectrum
    two_less, one_less, full, one_plus, one_minus = powers
    plus, f, m = c + y, w / y, s / y
    tau = one_minus / one_plus
    log_partition = k + shift + np.log(plus) + np.log(one_plus) / n
    bond = (m**2 * y + (m**2 * (c**2 + w**2) + f**2 * gap) / (c + f * w)) / plus
    bond += 4 * f * w * c * one_less / (plus**2 * one_plus)
    bond_bond = 4 * f**2 * (2 * m * s * plus + f * w * c) / plus**2 * tau
    bond_bond += 16 * w**2 * two_less / (plus**4 * one_plus) * (n * f**2 * c**2 / one_plus - unit)
    bond_m = 2 * m * f**2 * tau - 8 * n * f**2 * c * s * one_less / (plus * one_plus) ** 2
    with np.errstate(over="ignore"):
        m_m = c * f**2 / y * tau + 4 * n * m**2 * full / one_plus**2
    return log_partition, bond, m * tau, bond_bond, bond_m, m_m
