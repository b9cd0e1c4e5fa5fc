"""How long a stationary series remembers: its integrated autocorrelation time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import fft

from smbook import _checks
from smbook.statistics._series import checked_series, unit
from smbook.statistics.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

_SHORTEST_CHAIN = 100  # a chain of fewer decay times knows too little of its own correlations
_WINDOWS = 6  # so many windows let one close, though the noise of far correlations adds to the decay time
_NO_DECAY = 0.9  # correlations as large as this, at distances of a quarter of the chain and more


class AutocorrelationTime(NamedTuple):
    """Hold an integrated autocorrelation time, its standard error and the window it was summed over."""

    value: float
    error: float
    window: int


class ChainTooShortError(ValueError):
    """Say that a chain is too short to judge its own correlations.

    Attributes
    ----------
    estimate : AutocorrelationTime
        What the chain has to say all the same: rather too small than too large.
    """

    def __init__(self, message: str, estimate: AutocorrelationTime) -> None:
        super().__init__(message, estimate)
        self.estimate = estimate

    def __str__(self) -> str:
        return str(self.args[0])


def integrated_autocorrelation_time(series: ArrayLike, *, window: float = 5.0) -> AutocorrelationTime:
    r"""Estimate the integrated autocorrelation time of a stationary series.

    .. math:: \tau = \tfrac12 + \sum_{t=1}^{W} \rho(t), \qquad \rho(t) = C(t) / C(0)

    in units of the series' step: the mean of n entries has the variance 2 tau C(0) / n. White noise gives
    1/2, a series that swings back and forth less. The sum stops at the smallest W that is at least
    `window` times the decay time of the correlations (Sokal 1989). Sokal takes tau(W) for the decay time.
    That closes the window at once where sweeps anticorrelate, so we take the larger of tau(W) and of
    (sqrt(1 + s) + sqrt(s))^2 / 2 with s = rho(1)^2 + ... + rho(W)^2, which is tau of the exponential
    abs(rho(t)) = q^t with the same sum of squares: of a positive exponential the two agree. The last lag
    counts half, and the bias from subtracting the sample's own mean is taken out (Wolff 2004).

    Parameters
    ----------
    series
        One number a sweep, shape (n,), with the transient cut off.
    window
        Decay times to sum over. The sum leaves out the part exp(-`window`) of an exponential q^t, of which
        reversible dynamics makes its correlations. It leaves out more where a weak slow mode hides behind a
        fast one, or where the series swings with a period other than 2: see then whether a wider window
        agrees.

    Returns
    -------
    AutocorrelationTime
        The time, its standard error and W. The error is Bartlett's (1946) for Gaussian series; it becomes
        that of Madras and Sokal (1988), tau sqrt(2 (2W + 1) / n), where W is much larger than tau. Energies
        and magnetizations at a critical point are far from Gaussian: there the times of repeated runs scatter
        up to twice as much, and a jackknife over stretches of the series is the safer error.

    Raises
    ------
    ChainTooShortError
        If the chain is shorter than 100 decay times, the window does not close within half the chain, or the
        sum is not positive. It says how many entries would do, as far as this chain can tell, or that none
        would if the series repeats itself. The error carries the estimate as `.estimate`.
    ValueError
        If the series is constant: the ratio C(t) / C(0) does not exist.

    Examples
    --------
    >>> noise = np.random.default_rng(1).normal(size=10_000)
    >>> tau = integrated_autocorrelation_time(noise)
    >>> abs(tau.value - 0.5) < 4 * tau.error
    True
    >>> swinging = noise[1:] - 0.5 * noise[:-1]  # tau = (1 - 1/2)^2 / (1 + 1/4) / 2 = 0.1
    >>> tau = integrated_autocorrelation_time(swinging)
    >>> abs(tau.value - 0.1) < 4 * tau.error
    True
    """
    values, exponent = unit(checked_series("series", series))
    factor = _checks.positive("window", window)
    if np.ptp(values) == 0:
        raise ValueError(
            f"series is constant at {math.ldexp(values[0], int(exponent)):g}: it has no autocorrelation time"
        )
    return _judge(_autocorrelation(values), values.size, factor)


def _judge(rho: Floats, n: int, factor: float) -> AutocorrelationTime:
    """Return the windowed sum over `rho`, or raise if the chain of n entries is too short for it."""
    tau, decay = _partial_sums(rho)
    reach = np.arange(1, rho.size) / decay
    closed = reach >= factor
    index = int(np.argmax(closed if closed.any() else reach))
    window, raw = index + 1, float(tau[index])
    error = math.sqrt(_variance_of_tau(rho[: window + 1], raw, n))
    estimate = AutocorrelationTime(raw * (1 + (2 * window - 2 * raw) / n), error, window)
    if closed.any() and n >= _SHORTEST_CHAIN * decay[index] and estimate.value > 0:
        return estimate
    raise ChainTooShortError(
        f"{_advice(rho, n, float(decay[index]), factor)}; so far tau = {Estimate(*estimate[:2])}", estimate
    )


def _advice(rho: Floats, n: int, decay: float, factor: float) -> str:
    """Return what is wrong with a chain of n entries and what would help."""
    distant = np.abs(rho[rho.size // 2 :])
    if n >= _SHORTEST_CHAIN and all(part.max() > _NO_DECAY for part in np.array_split(distant, 2)):
        lag = rho.size // 2 + int(distant.argmax())
        return (
            f"{n} entries do not forget: those {lag} steps apart still have the correlation {rho[lag]:.3g}, "
            "and no length will do for a series that repeats itself"
        )
    needed = math.ceil(max(_SHORTEST_CHAIN, _WINDOWS * factor) * decay)
    return (
        f"{n} entries are too few to judge correlations that decay in about {decay:.3g} steps: "
        f"take at least {max(needed, 2 * n)}"
    )


def _autocorrelation(series: Floats) -> Floats:
    """Return rho(t) = C(t)/C(0) for t = 0 ... n//2, with C(t) a mean over its n - t pairs."""
    n = series.size
    deviations = series - series.mean()
    deviations /= np.abs(deviations).max()
    n_lags = n // 2 + 1
    spectrum = fft.rfft(deviations, size := fft.next_fast_len(n + n_lags, real=True))
    covariance = fft.irfft(spectrum.real**2 + spectrum.imag**2, size)[:n_lags] / (n - np.arange(n_lags))
    return np.asarray(covariance / covariance[0], dtype=np.float64)


def _partial_sums(rho: Floats) -> tuple[Floats, Floats]:
    """Return tau(W) and the decay time of abs(rho) for all windows W = 1, 2, ..."""
    tails = rho[1:]
    # The last lag counts half: an alternating series then no longer leaks into its sum.
    tau = 0.5 + np.cumsum(tails) - 0.5 * tails
    squares = np.cumsum(tails**2)
    return tau, np.maximum(tau, 0.5 * (np.sqrt(1 + squares) + np.sqrt(squares)) ** 2)


def _variance_of_tau(rho: Floats, tau: float, n: int) -> float:
    """Return Bartlett's variance of tau for the correlations rho(0 ... W) and a chain of n entries.

    The estimate is a weighted sum of C(t) over 2 C(0); each C(t) scatters about rho(t) as a Gaussian
    series makes it, which leaves one sum of squares of (weights * rho)(k), a convolution.
    """
    window = rho.size - 1
    both_sides = np.concatenate([np.zeros(2 * window), rho[:0:-1], rho, np.zeros(2 * window)])
    running = np.concatenate([[0.0], np.cumsum(both_sides)])
    box = running[2 * window + 1 :] - running[: -2 * window - 1]
    box -= 0.5 * (both_sides[: -2 * window] + both_sides[2 * window :])
    kernel = box - 2 * tau * both_sides[window:-window]
    return float(np.sum(kernel**2) / (2 * n))
