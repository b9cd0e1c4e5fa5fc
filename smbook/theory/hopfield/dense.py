"""Dense associative memories: one step from a stored pattern, in the limit and exactly, and capacities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import erfc, erfcinv, gammaln, xlogy

from smbook import _checks

if TYPE_CHECKING:
    from smbook.theory._shared import Floats

_MOST_SPINS, _LARGEST_DEGREE = 10_000, 20
_LONGEST = 2**23  # points of a Fourier transform, half a second
_MOST_EXPONENTIAL = 50
_BLUR = 1e-4  # width by which the crosstalk of exponential memories is smeared
_LONGEST_TIE = 400


def dense_one_step_error(n_patterns: int, n_spins: int, degree: int) -> float:
    r"""Return the chance that a bit of a stored pattern is unstable, for a Gaussian crosstalk.

    The energy is E = -(N / n) sum_mu m_mu^n with n = `degree`. Turning spin i in the pattern 1 raises it, in
    units of 1 / (n N^(n - 1)), by the signal N^n - (N - 2)^n and a crosstalk, a sum over the P - 1 others of

    .. math:: X = \xi\, [(R + 1)^n - (R - 1)^n]

    with a fair sign xi and the sum R of N - 1 others. Its law is symmetric, its variance an exact binomial
    sum; for large N signal^2 / variance = N^(n - 1) / (P (2n - 3)!!). By the central limit theorem the error
    is erfc(signal / sqrt(2 variance)) / 2 for many patterns (Krotov and Hopfield 2016). At n = 2 this is
    Hebb's rule. `dense_one_step_error_exact` shows how far away that is at given size.

    Examples
    --------
    >>> round(dense_one_step_error(500, 100, 3), 8), round(dense_one_step_error(14, 100, 2), 8)
    (0.00516512, 0.00289362)
    """
    patterns, size, n = _dense(n_patterns, n_spins, degree)
    signal, noise = _signal_and_noise(size, n)
    return float(erfc(signal / (noise * math.sqrt(2 * (patterns - 1))))) / 2 if patterns > 1 else 0.0


def dense_one_step_error_exact(n_patterns: int, n_spins: int, degree: int) -> float:
    """Return the same chance exactly: the law of the crosstalk by a Fourier transform, good to 1e-14.

    The crosstalk X of one pattern has N values on a lattice; the law of the sum of P - 1 is the power of its
    transform. It is wrapped around at 4 signals and 9 standard deviations, beyond which there is nothing. An
    energy that stays the same keeps the spin. At degree 2 this is `one_step_error_exact`.

    Raises
    ------
    ValueError
        If the transform would have more than 2^23 points.

    Examples
    --------
    >>> round(dense_one_step_error_exact(500, 100, 3), 8), round(dense_one_step_error_exact(14, 100, 2), 8)
    (0.00525414, 0.00264602)
    """
    patterns, size, n = _dense(n_patterns, n_spins, degree)
    steps = [abs((r + 1) ** n - (r - 1) ** n) for r in range(1 - size, size, 2)]
    unit = math.gcd(*steps) or 1
    signal, noise = _signal_and_noise(size, n)
    reach = min((patterns - 1) * max(steps), 4 * signal + 9 * noise * math.sqrt(patterns - 1)) / unit
    length = 2 ** math.ceil(math.log2(2 * reach + 2))
    if length > _LONGEST:
        raise ValueError(
            f"the law of the crosstalk has {length} values, more than {_LONGEST}; got "
            f"n_patterns={patterns}, n_spins={size}, degree={n}"
        )
    law = np.zeros(length)
    places = np.array([step // unit % length for step in steps])
    np.add.at(law, places, _binomial(size - 1) / 2)
    np.add.at(law, -places % length, _binomial(size - 1) / 2)
    law = np.fft.irfft(np.fft.rfft(law) ** (patterns - 1), length)
    least = (size**n - (size - 2) ** n) // unit + 1  # the crosstalk that turns a spin, negative
    return max(float(law[length // 2 : length - least + 1].sum()), 0.0) if 2 * least <= length else 0.0


def dense_capacity(n_spins: int, degree: int, *, error: float | None = None) -> float:
    """Return how many patterns a dense memory of the degree n holds, by the signal and the noise of one step.

    Without `error` it is the law N^(n - 1) / (2 (2n - 3)!! ln N) for large N, at which the chance of a wrong
    bit is below 1 / N (Krotov and Hopfield 2016). With `error`, between 0 and 1/2, it is the P at which
    `dense_one_step_error` has this value. At n = 2 these are N / (2 ln N) and, at 0.0036, 0.139 N.

    Examples
    --------
    >>> round(dense_capacity(1000, 2), 3), round(dense_capacity(100, 3), 3)
    (72.382, 361.912)
    >>> round(dense_capacity(1000, 2, error=0.0036) / 1000, 4)
    0.1393
    """
    _, size, n = _dense(1, n_spins, degree)
    if error is None:
        return float(size ** (n - 1)) / (2 * math.prod(range(1, 2 * n - 2, 2)) * math.log(size))
    chance = _checks.real("error", error)
    if not 0 < chance < 0.5:
        raise ValueError(f"error must be between 0 and 1/2; got {chance}")
    signal, noise = _signal_and_noise(size, n)
    return 1 + (signal / noise / (math.sqrt(2) * float(erfcinv(2 * chance)))) ** 2


def exponential_one_step_error(n_patterns: int, n_spins: int) -> float:
    r"""Return the chance that a bit of a stored pattern is unstable with E = -ln sum_mu exp(N m_mu).

    Spin i is turned if the sum over the P - 1 others of Y = xi exp(-2k) is below -1, with a fair sign xi and
    the number k of other bits, out of N - 1, in which the pattern differs. A pattern that agrees in all of
    them and differs in the bit (k = 0, xi = -1) leaves the rest to decide, by a fair sign: this makes up
    most of the error while it is small, (P - 1) 2^-(N + 1). The law of the sum S is found from its
    characteristic function,

    .. math:: P(S < -1) = \frac12 - \frac1\pi \int_0^\infty \frac{dt}{t} \sin t\,
              [E \cos(t e^{-2k})]^{P - 1}

    S smeared by a Gaussian of width 1e-4, and sums of exactly -1, which keep the spin, are taken
    out. It is good to 1e-7 of itself or 1e-13, whichever is more. The energy is that of Demircigil et al.
    (2017) up to a monotone function, so that every step is the same.

    Raises
    ------
    ValueError
        If N is above 50, or P above 2^N, where there is nothing left to retrieve.

    Examples
    --------
    >>> error = exponential_one_step_error(60, 12)
    >>> round(error, 6), round(59 * 2.0**-13, 6)
    (0.007101, 0.007202)
    """
    size = _checks.integer("n_spins", n_spins, minimum=2, maximum=_MOST_EXPONENTIAL)
    patterns = _checks.integer("n_patterns", n_patterns, minimum=1, maximum=2**size)
    weight, steps = _binomial(size - 1), np.exp(-2.0 * np.arange(size))
    deviation = math.sqrt((patterns - 1) * float(weight @ steps**2))
    period = 16 + 24 * deviation
    t = (np.arange(math.ceil(8.5 / _BLUR * period / math.tau)) + 0.5) * (math.tau / period)
    transform = np.zeros_like(t)
    for chance, step in zip(weight.tolist(), steps.tolist(), strict=True):
        transform += chance * np.cos(t * step)
    transform = transform ** (patterns - 1) * np.exp(-((_BLUR * t) ** 2) / 2)
    below = 0.5 - 2 / period * float((transform * np.sin(t) / t).sum())
    return max(below - _tie(patterns - 1, weight) / 2, 0.0)


def exponential_capacity(n_spins: int, noise: float = 0.0) -> float:
    """Return how many patterns an exponential memory holds, exp(a N), to leading order in the exponent.

    a = (ln 2 - S(noise)) / 2 with the entropy S(x) = -x ln x - (1 - x) ln(1 - x) of a share x of wrong bits.
    With fewer patterns, by any smaller a, one step leads from a random state at the distance noise N of any
    pattern to the pattern, with a probability that goes to 1; without noise these are 2^(N / 2) patterns that
    are fixed points (Demircigil, Heusel, Loewe, Upgang and Vermet 2017). Raises ValueError for a noise of 1/2
    or more and for N above 2000.

    Examples
    --------
    >>> exponential_capacity(20), round(exponential_capacity(100, 0.1) / 1e7, 3)
    (1024.0, 9.827)
    """
    size = _checks.integer("n_spins", n_spins, minimum=1, maximum=2000)
    share = _checks.real("noise", noise, minimum=0.0)
    if share >= 0.5:
        raise ValueError(f"noise must be below 1/2; got {share}")
    kept = math.log(2) + float(xlogy(share, share) + xlogy(1 - share, 1 - share))
    return float(2.0 ** (size / 2)) if share == 0 else math.exp(size * kept / 2)


def _dense(n_patterns: int, n_spins: int, degree: int) -> tuple[int, int, int]:
    """Return the three numbers, checked."""
    return (
        _checks.integer("n_patterns", n_patterns, minimum=1),
        _checks.integer("n_spins", n_spins, minimum=2, maximum=_MOST_SPINS),
        _checks.integer("degree", degree, minimum=2, maximum=_LARGEST_DEGREE),
    )


def _binomial(n: int) -> Floats:
    """Return the probabilities of 0 to n heads of n fair coins."""
    k = np.arange(n + 1)
    return np.asarray(np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * math.log(2)))


def _signal_and_noise(n_spins: int, degree: int) -> tuple[float, float]:
    """Return N^n - (N - 2)^n and the standard deviation of the crosstalk with one pattern."""
    r = np.arange(1 - n_spins, n_spins, 2)
    steps = np.array([float((int(x) + 1) ** degree - (int(x) - 1) ** degree) for x in r])
    return float(n_spins**degree - (n_spins - 2) ** degree), math.sqrt(
        float(_binomial(n_spins - 1) @ steps**2)
    )


def _tie(n: int, weight: Floats) -> float:
    """Return the chance that n terms xi exp(-2k) sum to -1: one more is negative at k = 0, all else cancels.

    Numbers of terms with either sign at every k are multinomial; powers of e^-2 cancel in no other way. For
    many terms it is nothing.
    """
    if n % 2 == 0 or n > _LONGEST_TIE:
        return 0.0
    half = np.arange((n + 1) // 2)
    series = np.zeros_like(half, dtype=np.float64)
    series[0] = 1.0
    for k, chance in enumerate(weight.tolist()):
        x = n * chance / 2
        more = half + (1 if k == 0 else 0)
        terms = np.exp((half + more) * math.log(x) - gammaln(half + 1) - gammaln(more + 1))
        series = np.convolve(series, terms)[: half.size]
    return float(series[-1]) * math.exp(float(gammaln(n + 1)) - n * math.log(n))
