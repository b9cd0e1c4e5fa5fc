r"""The landscape of spherical p-spin glasses: how many critical points, at which energy, of which index.

The energy of a state sigma of N numbers on the sphere of radius sqrt(N) is

.. math:: H(\sigma) = N^{-(p-1)/2} \sum_{i_1 \dots i_p} J_{i_1 \dots i_p} \sigma_{i_1} \cdots \sigma_{i_p}

with independent standard normal couplings, so that two states have the covariance N q^p, q = sigma.sigma' /
N. Energies u = H / N are per spin. A critical point is a state where H is stationary on the sphere; its index
is the number of directions, of N - 1, along which H falls from there. All numbers are means over the
couplings. Cugliandolo and Kurchan (1993) measure energies in units that are larger by sqrt(2).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.optimize import brentq
from scipy.special import erfc

from smbook import _checks
from smbook.theory._shared import Floats, Values, plain

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_LARGEST_ORDER = 1000
_LARGEST_ENERGY = 1e100
_MOST_SPINS = 400
_MOST_WITH_INDEX = 64
_MOST_NUMBERS = 2**20  # in a batch of matrices
_SMOOTH = 5.0  # waves per length, in which probabilities of counts are smooth
_FEW, _SMALL_CIRCLE = 4, 0.03
_REACH = 8.0  # beyond the edge of the spectrum the density is below 1e-28
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def threshold_energy(p: int) -> float:
    r"""Return the energy per spin below which critical points are minima, or nearly so.

    .. math:: -E_\infty = -2 \sqrt{\frac{p - 1}{p}}

    At energies above a share of all directions leads down, `saddle_index`; below, of all critical points all
    but an exponentially small part are minima. Gradient descent of a large system from a random state comes
    down to this energy and no further, however long it takes (Cugliandolo and Kurchan 1993).

    Parameters
    ----------
    p
        From 2 to 1000.

    Raises
    ------
    TypeError, ValueError
        If p is no integer or out of range.

    References
    ----------
    Cugliandolo and Kurchan (1993); Auffinger, Ben Arous and Cerny (2013).

    Examples
    --------
    >>> round(threshold_energy(3), 7)
    -1.6329932
    """
    return -2 * math.sqrt(1 - 1 / _checked_order(p))


def ground_state_energy(p: int) -> float:
    """Return the lowest energy per spin of a large sample, where the complexity comes down to 0.

    For p = 2 it is the threshold, -sqrt(2): there are no minima but the lowest two.

    Parameters
    ----------
    p
        From 2 to 1000.

    Raises
    ------
    TypeError, ValueError
        If p is no integer or out of range.

    References
    ----------
    Auffinger, Ben Arous and Cerny (2013) for the zero of the mean number; Subag (2017) that samples follow
    the mean.

    Examples
    --------
    >>> round(ground_state_energy(3), 7)
    -1.6569984
    """
    order = _checked_order(p)
    edge = threshold_energy(order)
    if order == 2:
        return edge
    far = -2 * math.sqrt(math.log(order)) - 2.0
    return float(brentq(lambda u: _complexity(np.array(u), order), far, edge, xtol=1e-15, rtol=9e-16))


def complexity(energy: ArrayLike, p: int, *, index: int | None = None) -> Values:
    r"""Return the exponential rate of the mean number of critical points near an energy.

    .. math:: \Theta(u) = \lim_{N \to \infty} \frac1N \ln \langle \mathrm{Crt}(u) \rangle
              = \frac12 \ln(p - 1) - \frac{p - 2}{4 (p - 1)} u^2 - I(u), \qquad
              \Theta_k(u) = \Theta(u) - k I(u)

    for all of them and, below the threshold, for those of the index k, with

    .. math:: I(u) = \frac12 \sinh 2s - s, \qquad \cosh s = \frac{\lvert u \rvert}{E_\infty},

    and I = 0 between the two thresholds. The largest value, ln(p - 1) / 2, is that of the number of all.
    Above the threshold a fixed index is rarer than any exponential of N, and its rate is -inf.

    Parameters
    ----------
    energy
        u, per spin, any shape.
    p
        From 2 to 1000.
    index
        k, at least 0, fixed while N grows; None counts all.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Auffinger, Ben Arous and Cerny (2013); Crisanti and Sommers (1995) for minima.

    Examples
    --------
    >>> round(complexity(threshold_energy(3), 3), 7)
    0.0132403
    >>> complexity([-1.66, -1.64, -1.0], 3, index=1).round(4)
    array([-0.0059,  0.0093,    -inf])
    """
    u, order = _checks.reals("energy", energy), _checked_order(p)
    if u.size and np.abs(u).max() > _LARGEST_ENERGY:
        raise ValueError(f"energy must be at most {_LARGEST_ENERGY:g} in size; got {np.abs(u).max():g}")
    if index is None:
        return plain(_complexity(u, order))
    k = _checks.integer("index", index, minimum=0)
    found = _complexity(u, order) - k * _excess(u, order)
    return plain(np.where(u <= threshold_energy(order), found, -math.inf))


def saddle_index(energy: ArrayLike, p: int) -> Values:
    r"""Return which share of all directions leads down from a typical critical point of an energy.

    .. math:: \frac kN = \frac1\pi \bigl(\pi - \varphi + \sin \varphi \cos \varphi\bigr), \qquad
              \cos\varphi = \frac{u}{E_\infty}

    The curvatures are those of Wigner's semicircle of radius 2 sqrt(p (p - 1)), shifted by -p u. The share is
    0 up to the threshold, 1/2 at u = 0 and 1 from minus the threshold on.

    Parameters
    ----------
    energy
        u, per spin, any shape.
    p
        From 2 to 1000.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Cavagna, Giardina and Parisi (1998); Auffinger, Ben Arous and Cerny (2013).

    Examples
    --------
    >>> saddle_index([-1.7, -1.0, 0.0], 3).round(4)
    array([0.    , 0.1361, 0.5   ])
    """
    u, order = _checks.reals("energy", energy), _checked_order(p)
    angle = np.arccos(np.clip(u / -threshold_energy(order), -1.0, 1.0))
    return plain(1 - (angle - np.sin(angle) * np.cos(angle)) / math.pi)


def mean_critical_points(n: int, p: int, *, index: int | None = None, below: float = math.inf) -> float:
    r"""Return the mean number of critical points of N spins, exactly.

    .. math:: \langle \mathrm{Crt}_k(u) \rangle = 2 \sqrt{\frac 2p}\, (p - 1)^{N/2} \Bigl\langle
              e^{-\frac{p-2}{2p} x_k^2}\; \bigl[ x_k \le \sqrt{\tfrac{p N}{2 (p - 1)}}\, u \bigr]
              \Bigr\rangle

    x_0, ..., x_(N-1), from the smallest on, are the eigenvalues of a symmetric Gaussian matrix, of variance 1
    on the diagonal and 1/2 beside it. Their density is known at every N (Mehta); how many of them lie below a
    value comes from Pfaffians (de Bruijn). For p = 2 there are 2 N, two of each index.

    Parameters
    ----------
    n
        N, from 1 to 400, or to 64 for one index.
    p
        From 2 to 1000.
    index
        k, from 0 (minima) to N - 1 (maxima); None counts all.
    below
        u: only those with at most this energy per spin count.

    Returns
    -------
    float
        With 10 digits. For one index they are digits of what there is of it at all energies.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    OverflowError
        If the number is beyond the range of floats.

    References
    ----------
    Auffinger, Ben Arous and Cerny (2013), theorem 2.1, by the formula of Kac and Rice; Mehta (2004); de
    Bruijn (1955); Fyodorov (2004) for the first such count.

    Examples
    --------
    >>> round(mean_critical_points(2, 3), 6)  # on a circle, 2 sqrt(3 p - 2)
    5.291503
    >>> round(mean_critical_points(10, 2), 6)
    20.0
    >>> [round(mean_critical_points(4, 3, index=k), 4) for k in range(4)]
    [3.5795, 5.8156, 5.8156, 3.5795]
    """
    order = _checked_order(p)
    most = _MOST_SPINS if index is None else _MOST_WITH_INDEX
    size = _checks.integer("n", n, minimum=1, maximum=most)
    k = None if index is None else _checks.integer("index", index, minimum=0, maximum=size - 1)
    end = math.inf if _is_inf(below) else _checks.real("below", below)
    reach = math.sqrt(2 * size) + _REACH
    last = min(end * math.sqrt(order * size / (2 * (order - 1))), reach)
    logarithm = math.log(2) + math.log(2 / order) / 2 + size * math.log(order - 1) / 2
    if logarithm > 700:
        raise OverflowError(f"the number of critical points of {size} spins and p = {order} is no float")
    if last <= -reach:
        return 0.0
    steepness = (order - 2) / (2 * order)
    mean = (
        _mean_of_all(size, steepness, -reach, last) if k is None else _mean_of_one(size, k, steepness, last)
    )
    return math.exp(logarithm) * max(mean, 0.0)


def _complexity(u: Floats, p: int) -> Floats:
    return np.asarray(math.log(p - 1) / 2 - (p - 2) / (4 * (p - 1)) * u**2 - _excess(u, p))


def _excess(u: Floats, p: int) -> Floats:
    """Return I(u), the price of an eigenvalue so far beyond the edge."""
    s = np.arccosh(np.maximum(np.abs(u) / -threshold_energy(p), 1.0))
    return np.asarray(np.sinh(2 * s) / 2 - s)


def _mean_of_all(n: int, steepness: float, first: float, last: float) -> float:
    """Return the sum over all eigenvalues x up to `last` of exp(-steepness x^2), on average."""
    x, weights = _panels(first, last, math.sqrt(2.0 * n))
    return float((weights * np.exp(-steepness * x**2) * _density(n, x)).sum())


def _density(n: int, x: Floats) -> Floats:
    """Return the density of the eigenvalues of a Gaussian symmetric matrix, whose integral is n."""
    square, before, now = np.zeros_like(x), np.zeros_like(x), _ground(x)
    below_before, below = np.zeros_like(x), _integral_of_ground(x)
    whole_before, whole = 0.0, 2 * float(_integral_of_ground(np.zeros(1))[0])
    for j in range(n):
        square += now**2
        down, up = math.sqrt(j / (j + 1)), math.sqrt(2 / (j + 1))
        below_before, below = below, down * below_before - up * now
        last_whole, (whole_before, whole) = whole, (whole, down * whole_before)
        before, now = now, up * x * now - down * before
    found = square + math.sqrt(n / 2) * before * (below - whole / 2)
    return found + before / last_whole if n % 2 else found


def _mean_of_one(n: int, k: int, steepness: float, last: float) -> float:
    """Return the mean of exp(-steepness x^2) of the eigenvalue number k, if it is at most `last`.

    By parts: g(last) F(last) - int g' F, with F(x) the probability that more than k are at most x.
    """
    x, weights = _panels(-math.sqrt(2 * n) - _REACH, last, _SMOOTH)
    places = np.append(x, last)
    parts = np.array_split(places, 1 + places.size * n**2 // _MOST_NUMBERS)
    beyond = np.concatenate([_more_below(n, k, part) for part in parts])
    weight = np.exp(-steepness * places**2)
    slope = -2 * steepness * x * weight[:-1]
    return float(weight[-1] * beyond[-1] - (weights * slope * beyond[:-1]).sum())


def _more_below(n: int, k: int, x: Floats) -> Floats:
    """Return the probability that more than k of n eigenvalues are at most x.

    With z on a circle, the Fourier series of the mean of z^(number below) has the shares as coefficients. For
    a few eigenvalues a small circle needs fewer points.
    """
    if 2 * k > n - 1:
        return 1 - _more_below(n, n - 1 - k, -x)
    radius, n_points = (_SMALL_CIRCLE, k + 10) if 0 < k < _FEW else (float(k > 0), n + 1 if k else 1)
    inside, across, whole = _signed_areas(n, x)
    z = radius * np.exp(2j * math.pi * np.arange(n_points // 2 + 1) / n_points) if k else np.zeros(1)
    means = np.array([_pfaffians(whole + (w - 1) * across + (w - 1) ** 2 * inside) for w in z])
    shares = np.fft.irfft(means.conj(), n_points, axis=0)[: k + 1] if k else means
    sizes = radius ** np.arange(k + 1)[:, np.newaxis]
    return np.asarray(1 - (shares / sizes).sum(axis=0) / _pfaffians(whole[:1]))


def _signed_areas(n: int, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return what Pfaffians are made of: matrices [j, k] of integrals of sgn(t - s) phi_j(s) phi_k(t).

    `inside` has both s and t at most x, `whole` has all; in `across` each pair counts once for each of s and
    t that is at most x. An odd n has a last row and column with the integrals of phi_j alone.
    """
    phi, below, total = _functions(n, x)
    inside = _areas(phi, below, _overlaps(phi, x))
    whole = _areas(np.zeros((n, 1)), np.zeros((n, 1)), np.eye(n)[:, :, np.newaxis])[:, :, 0]
    above = total[:, np.newaxis] - below
    mixed = np.einsum("jx,kx->xjk", below, above)
    across = 2 * np.moveaxis(inside, -1, 0) + mixed - mixed.transpose(0, 2, 1)
    size = n + n % 2
    found = [np.zeros((x.size, size, size)) for _ in range(3)]
    for one, part in zip(found, (np.moveaxis(inside, -1, 0), across, whole), strict=True):
        one[:, :n, :n] = part
    if n % 2:
        for one, column in ((found[1], below.T), (found[2], total)):
            one[:, :n, n], one[:, n, :n] = column, -column
    return found[0], found[1], found[2]


def _functions(n: int, x: Floats) -> tuple[Floats, Floats, Floats]:
    """Return Hermite functions phi_j(x), j < n, their integrals up to x, and those over all."""
    phi, below, total = np.zeros((n, x.size)), np.zeros((n, x.size)), np.zeros(n)
    phi[0], below[0], total[0] = _ground(x), _integral_of_ground(x), 2 * _integral_of_ground(np.zeros(1))[0]
    for j in range(n - 1):
        down, up = math.sqrt(j / (j + 1)), math.sqrt(2 / (j + 1))
        phi[j + 1], below[j + 1] = up * x * phi[j], -up * phi[j]
        if j:
            phi[j + 1] -= down * phi[j - 1]
            below[j + 1] += down * below[j - 1]
            total[j + 1] = down * total[j - 1]
    return phi, below, total


def _overlaps(phi: Floats, x: Floats) -> Floats:
    """Return the integrals of phi_j phi_k up to x, by phi'' = (x^2 - 2 j - 1) phi."""
    n = len(phi)
    j = np.arange(n)[:, np.newaxis]
    slopes = -x * phi
    slopes[1:] += np.sqrt(2 * j[1:]) * phi[:-1]
    apart = np.where(j == j.T, 1, 2 * (j.T - j))[:, :, np.newaxis]
    crossed = slopes[:, np.newaxis] * phi
    found = np.asarray((crossed - crossed.transpose(1, 0, 2)) / apart)
    diagonal = erfc(-x) / 2
    for k in range(n):
        found[k, k] = diagonal
        diagonal = diagonal - (phi[k + 1] * phi[k] / math.sqrt(2 * (k + 1)) if k + 1 < n else 0.0)
    return found


def _areas(phi: Floats, below: Floats, overlaps: Floats) -> Floats:
    """Return integrals of sgn(t - s) phi_j(s) phi_k(t) over s and t up to x, from phi_j' by parts."""
    n = len(phi)
    found = np.zeros((n, n, phi.shape[1]))
    for j in range(n - 1):  # column 0 first, which gives row 0
        _next_area(found[:, :1], j, phi, below[:1], overlaps[:, :1])
    found[0] = -found[:, 0]
    for j in range(n - 1):
        _next_area(found, j, phi, below, overlaps)
    return (found - found.transpose(1, 0, 2)) / 2


def _next_area(found: Floats, j: int, phi: Floats, below: Floats, overlaps: Floats) -> None:
    """Set row j + 1 of areas from rows before."""
    found[j + 1] = phi[j] * below - 2 * overlaps[j]
    if j:
        found[j + 1] += math.sqrt(j / 2) * found[j - 1]
    found[j + 1] /= math.sqrt((j + 1) / 2)


def _pfaffians(matrices: NDArray[np.inexact[Any]]) -> NDArray[np.inexact[Any]]:
    """Return the Pfaffians of antisymmetric matrices (..., m, m), m even, by elimination of pairs."""
    size = matrices.shape[-1]
    left = matrices.reshape(-1, size, size).copy()
    found, each = np.ones(len(left), dtype=left.dtype), np.arange(len(left))
    for k in range(0, size, 2):
        pivots = k + 1 + np.abs(left[:, k, k + 1 :]).argmax(axis=1)
        for axis in (0, 1):
            turned = left if axis == 0 else left.transpose(0, 2, 1)
            turned[each, k + 1], turned[each, pivots] = turned[each, pivots], turned[each, k + 1]
        pivot = left[:, k, k + 1]
        found = found * np.where(pivots == k + 1, pivot, -pivot)
        shares = left[:, k, k + 2 :] / np.where(pivot == 0, 1, pivot)[:, np.newaxis]
        change = shares[:, :, np.newaxis] * left[:, np.newaxis, k + 2 :, k + 1]
        left[:, k + 2 :, k + 2 :] += change - change.transpose(0, 2, 1)
    return found.reshape(matrices.shape[:-2])


def _ground(x: Floats) -> Floats:
    """Return phi_0."""
    return np.asarray(math.pi**-0.25 * np.exp(-(x**2) / 2))


def _integral_of_ground(x: Floats) -> Floats:
    """Return the integral of phi_0 up to x."""
    return np.asarray(math.pi**0.25 / math.sqrt(2) * erfc(-x / math.sqrt(2)))


def _panels(first: float, last: float, wave: float) -> tuple[Floats, Floats]:
    """Return points and weights of Gauss and Legendre, in panels of at most two waves."""
    edges = np.linspace(first, last, 1 + math.ceil(max(1.0, wave) * (last - first) / 6))
    half = np.diff(edges)[:, np.newaxis] / 2
    return (edges[:-1, np.newaxis] + half * (1 + _NODES)).ravel(), (half * _WEIGHTS).ravel()


def _checked_order(p: int) -> int:
    return _checks.integer("p", p, minimum=2, maximum=_LARGEST_ORDER)


def _is_inf(value: object) -> bool:
    return isinstance(value, float) and value == math.inf
