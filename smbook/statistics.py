"""Honest error bars for correlated data: autocorrelation times, bins, jackknife and histogram reweighting.

A series is one number a sweep, in the order of the run and with its transient cut off. Chains of one run
after another are not one series: treat each, then combine.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import fft
from scipy.special import logsumexp

from smbook import _checks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

__all__ = [
    "AutocorrelationTime",
    "ChainTooShortError",
    "Estimate",
    "Reweighted",
    "binder_cumulant",
    "binned_error",
    "integrated_autocorrelation_time",
    "jackknife",
    "mean",
    "reweight",
    "reweight_multiple",
]

_MOST_LEVELS = 10_000
_SHORTEST_CHAIN = 100  # a chain of fewer decay times knows too little of its own correlations


class Estimate(NamedTuple):
    """Hold a measured value and its standard error.

    It prints with the first two digits of the error in brackets, in units of the last digits shown. As any
    tuple it does not calculate: take `.value` and `.error` for arithmetic.

    Examples
    --------
    >>> Estimate(0.45271, 0.00117)
    0.4527(12)
    >>> round(Estimate(0.45271, 0.00117).z(0.4500), 2)
    2.32
    >>> value, error = Estimate(-1523.4, 87.0)
    """

    value: float
    error: float

    def z(self, exact: float) -> float:
        """Return how many standard errors the value lies above `exact`.

        With an error of 0 this is 0 where the two agree and infinite where they do not.
        """
        difference = self.value - exact
        if math.isnan(self.error):
            return math.nan
        if self.error == 0 and difference != 0:
            return math.copysign(math.inf, difference)
        return float(difference / self.error) if difference != 0 else 0.0

    def __repr__(self) -> str:
        return _brackets(float(self.value), float(self.error))

    def __format__(self, specification: str) -> str:
        return format(repr(self), specification)


def _brackets(value: float, error: float) -> str:
    """Return value(error) with two digits of the error, in scientific notation where that is shorter."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{value:.10g}({error:.2g})"
    exponent = max(math.floor(math.log10(max(abs(value), error))), -323)
    if not -5 <= exponent < 7:
        return f"{_brackets(value / 10.0**exponent, error / 10.0**exponent)}e{exponent:+03d}"
    mantissa, power = f"{error:.1e}".split("e")
    decimals = 1 - int(power)
    if decimals > 1:
        return f"{value:.{decimals}f}({mantissa.replace('.', '').lstrip('0')})"
    return f"{round(value, decimals):.{max(decimals, 0)}f}({round(error, decimals):.{max(decimals, 0)}f})"


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


def _series(name: str, values: ArrayLike, *, minimum: int = 2) -> Floats:
    """Return `values` as a one-dimensional float64 array of at least `minimum` entries, or raise."""
    series = _checks.reals(name, values)
    if series.ndim != 1:
        raise ValueError(f"{name} must be one-dimensional, one number a sweep; got shape {series.shape}")
    if series.size < minimum:
        raise ValueError(f"{name} must hold at least {minimum} entries; got {series.size}")
    return series


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
        sum is not positive. The error carries the estimate as `.estimate`.
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
    values = _series("series", series)
    factor = _checks.real("window", window)
    if factor <= 0:
        raise ValueError(f"window must be positive; got {factor:g}")
    if np.ptp(values) == 0:
        raise ValueError(f"series is constant at {values[0]:g}: it has no autocorrelation time")
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
    needed = math.ceil(_SHORTEST_CHAIN * float(decay[index]))
    if not closed.any() or n < needed or estimate.value <= 0:
        raise ChainTooShortError(
            f"{n} entries are too few to judge correlations that decay in about {decay[index]:.3g} steps: "
            f"take at least {max(needed, 2 * n)}; so far tau = {Estimate(*estimate[:2])}",
            estimate,
        )
    return estimate


def mean(series: ArrayLike) -> Estimate:
    r"""Return the mean of a stationary series with the error that its correlations leave.

    .. math:: \text{error} = \sqrt{2 \tau\, C(0) / n}

    with tau from `integrated_autocorrelation_time`, and the next order in tau / n. Near the shortest chains
    accepted, 100 decay times, it comes out 10 to 20 % low; from 1000 on it is right to a few percent. A
    constant series has the error 0, which says no more than that this run never moved.

    Raises
    ------
    ChainTooShortError
        If the series, shape (n,), is too short to judge its correlations.

    Examples
    --------
    >>> noise = np.random.default_rng(7).normal(size=10_000)
    >>> mean(0.25 + noise)
    0.238(10)
    """
    values = _series("series", series)
    average = float(values.mean())
    if np.ptp(values) == 0:
        return Estimate(float(values[0]), 0.0)
    tau = integrated_autocorrelation_time(values).value
    share = 2 * tau / values.size
    return Estimate(average, float(values.std()) * math.sqrt(share * (1 + share)))


def _bins(n: int, n_bins: int) -> NDArray[np.intp]:
    """Return the bin 0 ... n_bins - 1 of each of n entries, as equal and contiguous as can be, or raise."""
    count = _checks.integer("n_bins", n_bins, minimum=2)
    if n < 2 * count:
        raise ValueError(f"a series of {n} entries is too short for {count} bins of at least 2")
    return np.arange(n) * count // n


def _spread(left_out: Floats) -> Floats:
    """Return the jackknife error sqrt((B-1)/B sum_k (x_k - mean)^2) over the first axis."""
    return np.asarray(np.sqrt(left_out.shape[0] - 1) * left_out.std(axis=0))


def binned_error(series: ArrayLike, *, n_bins: int = 32) -> Estimate:
    """Return the mean of a series with the error from the scatter of its bins' means.

    The error is sqrt(sum_k (x_k - x)^2 / (B (B - 1))) over B = `n_bins` contiguous bins. It is honest where a
    bin is much longer than the autocorrelation time: for an exponential decay it comes out low by about the
    part tau / (2 length of a bin). It is itself uncertain by the part 1 / sqrt(2 (B - 1)), 13 % for 32 bins.

    Raises
    ------
    ValueError
        If the series, shape (n,), has fewer than two entries a bin.

    Examples
    --------
    >>> noise = np.random.default_rng(7).normal(size=10_000)
    >>> binned_error(0.25 + noise)
    0.238(12)
    """
    values = _series("series", series)
    bins = _bins(values.size, n_bins)
    means = np.bincount(bins, weights=values - values[0]) / np.bincount(bins)
    return Estimate(float(values.mean()), float(means.std(ddof=1) / math.sqrt(means.size)))


def jackknife(function: Callable[..., float], *series: ArrayLike, n_bins: int = 32) -> Estimate:
    """Return a function of whole series with its blocked jackknife error.

    The value is ``function(*series)``. The error is sqrt((B - 1)/B sum_k (f_k - f)^2), where f_k is the
    function of the same series without their k-th of B = `n_bins` contiguous blocks, and f the mean of the
    f_k (Quenouille 1949, Tukey 1958). It holds for smooth functions of means, not for a median or a maximum,
    and where a block is much longer than the autocorrelation time.

    Parameters
    ----------
    function
        Takes as many float64 arrays as there are series, each of shape (n,) or a block shorter, and returns
        a number.
    series
        Arrays of one common shape (n,), measured in the same sweeps.
    n_bins
        Number of blocks B.

    Raises
    ------
    TypeError
        If the function does not return one real number.
    ValueError
        If the series differ in length or have fewer than two entries a block.

    Examples
    --------
    >>> x = np.random.default_rng(3).normal(size=10_000)
    >>> jackknife(np.var, x)
    1.007(15)
    """
    if not series:
        raise TypeError("jackknife needs at least one series; got none")
    arrays = [_series("series", values) for values in series]
    for array in arrays:
        array.setflags(write=False)  # the next block needs what a function in place would destroy
    if len({array.size for array in arrays}) > 1:
        raise ValueError(f"series must have one length; got {[array.size for array in arrays]}")
    bins = _bins(arrays[0].size, n_bins)
    value = _number(function(*arrays))
    left_out = [_number(function(*(array[bins != k] for array in arrays))) for k in range(bins[-1] + 1)]
    return Estimate(value, float(_spread(np.array(left_out))))


def _number(value: Any) -> float:
    """Return what a jackknifed function returned as a float, or raise if it is not one real number."""
    if np.ndim(value) != 0 or np.asarray(value).dtype.kind not in "iuf":
        raise TypeError(f"function must return one real number; got {value!r}")
    return float(value)


def binder_cumulant(magnetization: ArrayLike, *, n_bins: int = 32) -> Estimate:
    r"""Return Binder's cumulant of a magnetization with its jackknife error.

    .. math:: U = 1 - \frac{\langle m^4 \rangle}{3 \langle m^2 \rangle^2}

    It is 2/3 in the ordered phase and 0 for a Gaussian m; curves of different lattice sizes cross near the
    critical point (Binder 1981). The magnetization, shape (n,), may be total or per site.

    Raises
    ------
    ValueError
        If the magnetization vanishes throughout, or has fewer than two entries a block.

    Examples
    --------
    >>> binder_cumulant(np.random.default_rng(5).choice([-0.9, 0.9, 0.3], size=3000))
    0.5466(32)
    """
    return jackknife(_cumulant, magnetization, n_bins=n_bins)


def _cumulant(magnetization: Floats) -> float:
    """Return 1 - <m^4> / (3 <m^2>^2) of one array."""
    largest = np.abs(magnetization).max()
    if largest == 0:
        raise ValueError(f"magnetization vanishes in {magnetization.size} entries: Binder's cumulant is 0/0")
    squares = (magnetization / largest) ** 2
    return float(1 - np.mean(squares**2) / (3 * np.mean(squares) ** 2))


class Reweighted(NamedTuple):
    """Hold reweighted averages at the target temperatures, all in the shape of the targets.

    Attributes
    ----------
    value
        The average, or the function of averages.
    error
        Its jackknife error.
    effective
        The number (sum w)^2 / sum w^2 of entries that carry the weight (Kish 1965), before
        correlations: where it falls to a few hundred or less, neither value nor error is to be trusted.
    log_partition
        ln Z at the target minus ln Z at the (first) simulated temperature; of the whole system.
    log_partition_error
        Its jackknife error.
    """

    value: Any
    error: Any
    effective: Any
    log_partition: Any
    log_partition_error: Any


def reweight(
    energy: ArrayLike,
    observable: ArrayLike,
    *,
    beta: float,
    targets: ArrayLike,
    function: Callable[..., Any] | None = None,
    n_bins: int = 32,
) -> Reweighted:
    r"""Carry averages measured at one temperature over to others nearby (single histogram).

    .. math:: \langle O \rangle_{\beta'} = \frac{\sum_t O_t w_t}{\sum_t w_t}, \qquad
              w_t = e^{-(\beta' - \beta) E_t}

    (Ferrenberg and Swendsen 1988.) It reaches as far as the run has seen the energies that are typical at
    beta': watch `effective`.

    Parameters
    ----------
    energy
        TOTAL energies E_t (not per site), shape (n,).
    observable
        The observable in the same sweeps, shape (n,); with `function`, k observables, shape (k, n).
    beta
        Inverse temperature of the run.
    targets
        Target inverse temperatures beta', of any shape.
    function
        Takes k arrays of averages and returns an array of their shape, element by element:
        ``lambda e, e2: e2 - e**2`` with ``observable=[E, E**2]`` gives the variance of the energy.
    n_bins
        Blocks of the jackknife, each much longer than the autocorrelation time.

    Returns
    -------
    Reweighted
        Arrays in the shape of `targets`: averages and their errors, the effective number of entries, and
        ln Z(beta') - ln Z(beta) with its error.

    Raises
    ------
    ValueError
        If shapes differ, or the series has fewer than two entries a block.

    Examples
    --------
    One spin in a field of 1 has E = -s and the mean tanh(beta).

    >>> spins = np.where(np.random.default_rng(2).random(10_000) < 1 / (1 + np.exp(-1.0)), 1, -1)
    >>> result = reweight(-spins, spins, beta=0.5, targets=[0.4, 0.6])
    >>> bool(np.all(np.abs(result.value - np.tanh([0.4, 0.6])) < 4 * result.error))
    True
    """
    run = _checks.real("beta", beta)
    return reweight_multiple(
        [energy], [observable], betas=[run], targets=targets, function=function, n_bins=n_bins
    )


def reweight_multiple(
    energies: Sequence[ArrayLike],
    observables: Sequence[ArrayLike],
    *,
    betas: ArrayLike,
    targets: ArrayLike,
    inefficiencies: ArrayLike | None = None,
    function: Callable[..., Any] | None = None,
    n_bins: int = 32,
) -> Reweighted:
    r"""Join runs at several temperatures into averages at any temperature between (multiple histograms).

    .. math::
        Z_{\beta'} = \sum_{i,t}
            \frac{e^{-\beta' E_{it}} / g_i}{\sum_j n_j e^{-\beta_j E_{it}} / (g_j Z_j)}

    The partition functions Z_j of the runs solve these equations for beta' = beta_j (Ferrenberg and Swendsen
    1989; without bins of energy, Shirts and Chodera 2008). They are the minimum of a convex function of the
    ln Z_j, which Newton's method finds to 1e-10, in log space throughout. Up to 10,000 distinct energies, as
    a lattice has them, stay what they are. More are summed as one, their mean, where no ratio of weights
    among all the temperatures tells them apart by more than 2 %: that shifts averages by far less than their
    errors.

    Parameters
    ----------
    energies
        For each run its TOTAL energies, shape (n_j,).
    observables
        For each run the observable, shape (n_j,); with `function`, k observables, shape (k, n_j).
    betas
        Inverse temperature of each run.
    targets
        Inverse temperatures beta' wanted, of any shape.
    inefficiencies
        g_j, twice the autocorrelation time of each run: runs with more independent entries then weigh more.
        Only ratios matter; left out, all are 1. The result is right either way, and its error says how good.
    function
        Takes k arrays of averages and returns an array of their shape, as in `reweight`.
    n_bins
        Blocks of the jackknife: block k is left out of all runs at once, and all equations are solved anew.

    Returns
    -------
    Reweighted
        Arrays in the shape of `targets`: averages and their errors, the effective number of entries, and
        ln Z(beta') - ln Z(betas[0]) with its error.

    Raises
    ------
    ValueError
        If shapes differ, a run has fewer than two entries a block, or the energies of the runs do not
        overlap, so that nothing ties their partition functions together.

    Examples
    --------
    One spin in a field of 1 has Z = 2 cosh(beta).

    >>> rng = np.random.default_rng(2)
    >>> runs = [np.where(rng.random(5000) < 1 / (1 + np.exp(-2 * b)), 1, -1) for b in (0.2, 0.8)]
    >>> result = reweight_multiple([-s for s in runs], runs, betas=[0.2, 0.8], targets=0.5)
    >>> bool(abs(result.value - np.tanh(0.5)) < 4 * result.error)
    True
    """
    points = _checks.reals("targets", targets)
    if points.size == 0:
        raise ValueError("targets must hold at least one inverse temperature; got none")
    runs = _series("betas", betas, minimum=1)
    if inefficiencies is None:
        slowness = np.ones(runs.size)
    else:
        slowness = _series("inefficiencies", inefficiencies, minimum=1)
    span = float(np.ptp(np.append(points, runs)))
    pool = _pool(energies, observables, runs, slowness, function is None, n_bins, span)
    merge = function if function is not None else _only
    logs = _solve(pool, None, _first_guess(pool))
    averages, effective, log_partition = _averages(pool, None, logs, points.ravel())
    if np.shape(value := merge(*averages)) != effective.shape:
        raise TypeError(f"function must return shape {effective.shape} for that shape; got {np.shape(value)}")
    left_out = [_averages(pool, k, _solve(pool, k, logs), points.ravel()) for k in range(pool.n_bins)]
    error = _spread(np.array([merge(*part[0]) for part in left_out]))
    log_error = _spread(np.array([part[2] for part in left_out]))
    results = (value, error, effective, log_partition, log_error)
    return Reweighted(*(np.reshape(result, points.shape)[()] for result in results))


def _only(average: Floats) -> Floats:
    """Return the one average there is."""
    return average


class _Pool(NamedTuple):
    """Hold the entries of all runs, by the distinct energies that occur."""

    betas: Floats  # (runs,)
    levels: Floats  # (levels,) distinct energies, counted from the mean of all
    origin: float  # that mean
    level: NDArray[np.intp]  # (entries,) which level
    run: NDArray[np.intp]  # (entries,) which run
    block: NDArray[np.intp]  # (entries,) which block of its run
    weight: Floats  # (entries,) 1/g of its run
    observables: Floats  # (k, entries)
    n_bins: int


def _pool(
    energies: Sequence[ArrayLike],
    observables: Sequence[ArrayLike],
    betas: Floats,
    slowness: Floats,
    single: bool,
    n_bins: int,
    span: float,
) -> _Pool:
    """Check the runs and return them pooled."""
    if not len(energies) == len(observables) == betas.size == slowness.size:
        sizes = (len(energies), len(observables), betas.size, slowness.size)
        raise ValueError(f"energies, observables, betas and inefficiencies must be one a run; got {sizes}")
    if slowness.min() <= 0:
        raise ValueError(f"inefficiencies must be positive; got {slowness.min():g}")
    series = [_series("energy", energy) for energy in energies]
    tables = [_table(values, energy.size, single) for values, energy in zip(observables, series, strict=True)]
    if len({table.shape[0] for table in tables}) > 1:
        raise ValueError(f"each run must have as many observables; got {[len(table) for table in tables]}")
    blocks = np.concatenate([_bins(energy.size, n_bins) for energy in series])
    run = np.repeat(np.arange(betas.size), [energy.size for energy in series])
    table = np.concatenate(tables, axis=1)
    levels, level, origin = _levels(np.concatenate(series), span)
    return _Pool(betas, levels, origin, level, run, blocks, 1 / slowness[run], table, n_bins)


def _levels(energy: Floats, span: float) -> tuple[Floats, NDArray[np.intp], float]:
    """Return the distinct energies, which of them each entry has, and the mean of all.

    More than some thousands of them are a continuum, and are told apart to 0.02 / span.
    """
    origin = float(energy.mean())
    distinct, level = np.unique(energy, return_inverse=True)
    if distinct.size > _MOST_LEVELS:
        _, level = np.unique(np.floor((energy - origin) * (span / 0.02)), return_inverse=True)
    return _totals(level, energy - origin) / np.bincount(level), level, origin


def _table(values: ArrayLike, n: int, single: bool) -> Floats:
    """Return the observables of one run in the shape (k, n), or raise if theirs is another."""
    table = _checks.reals("observable", values)
    if table.ndim != (1 if single else 2) or table.shape[-1] != n or table.shape[0] == 0:
        expected = f"({n},)" if single else f"(k, {n}), for a function of k averages"
        raise ValueError(f"observable must have the shape {expected}; got {table.shape}")
    return np.atleast_2d(table)


def _kept(pool: _Pool, left_out: int | None) -> Floats:
    """Return the weight of each entry, 0 in the block that is left out."""
    return pool.weight if left_out is None else pool.weight * (pool.block != left_out)


def _totals(index: NDArray[np.intp], weights: Floats) -> Floats:
    """Return the sum of the weights of each index."""
    return np.asarray(np.bincount(index, weights=weights), dtype=np.float64)


def _sizes(pool: _Pool, left_out: int | None) -> Floats:
    """Return the effective size n_j / g_j of each run."""
    return _totals(pool.run, _kept(pool, left_out))


def _first_guess(pool: _Pool) -> Floats:
    """Return ln Z_j - ln Z_0 by integrating the mean energies of the runs over beta."""
    energy = _totals(pool.run, pool.levels[pool.level]) / np.bincount(pool.run)
    order = np.argsort(pool.betas)
    steps = -0.5 * (energy[order][1:] + energy[order][:-1]) * np.diff(pool.betas[order])
    logs = np.zeros(pool.betas.size)
    logs[order[1:]] = np.cumsum(steps)
    return np.asarray(logs - logs[0], dtype=np.float64)


def _mixture(pool: _Pool, left_out: int | None, logs: Floats) -> Floats:
    """Return ln of n_j / g_j e^{-beta_j E} / Z_j, shape (levels, runs)."""
    return np.log(_sizes(pool, left_out)) - logs - pool.levels[:, None] * pool.betas


def _solve(pool: _Pool, left_out: int | None, logs: Floats) -> Floats:
    """Return ln Z_j - ln Z_0 of all runs by damped Newton steps from the guess `logs`."""
    if pool.betas.size == 1:
        return logs
    counts = _totals(pool.level, _kept(pool, left_out))
    sizes = _sizes(pool, left_out)
    for _ in range(200):
        mixture = _mixture(pool, left_out, logs)
        shares = np.exp(mixture - mixture.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        filled = counts @ shares
        curvature = np.diag(filled) - shares.T @ (counts[:, None] * shares)
        _check_overlap(curvature, sizes, pool.betas)
        step = np.concatenate([[0.0], np.linalg.solve(curvature[1:, 1:], (filled - sizes)[1:])])
        size = float(np.ptp(step))
        # Full steps near the minimum, logarithmic ones far out: ln(1 + x)/x suits sums of exponentials.
        logs = logs + step * (math.log1p(size) / size if size > 0 else 1.0)
        if size < 1e-10:
            return logs
    raise RuntimeError(
        f"the equations of the {sizes.size} runs have not converged; the last step was {size:g}"
    )


def _check_overlap(curvature: Floats, sizes: Floats, betas: Floats) -> None:
    """Raise if less than one entry in all links some runs to the others."""
    scale = np.sqrt(sizes)
    gap, slowest = (part[..., 1] for part in np.linalg.eigh(curvature / np.outer(scale, scale)))
    if gap * sizes.sum() < 1:
        side = slowest / scale > 0
        raise ValueError(
            f"the energies of the runs at beta = {betas[side]} do not overlap with those at {betas[~side]}: "
            "add runs between"
        )


def _averages(
    pool: _Pool, left_out: int | None, logs: Floats, targets: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return averages (k, targets), effective numbers (targets,) and ln Z - ln Z_0 (targets,)."""
    kept = _kept(pool, left_out)
    rows = (np.ones(kept.size), kept, *pool.observables)
    sums = np.array([_totals(pool.level, kept * row) for row in rows])
    base = np.where(sums[0] > 0, -logsumexp(_mixture(pool, left_out, logs), axis=1), -np.inf)
    columns = [_average(base - target * pool.levels, sums) for target in targets]
    averages, effective, log_partition = (np.array(part) for part in zip(*columns, strict=True))
    return averages.T, effective, log_partition - (targets - pool.betas[0]) * pool.origin


def _average(log_weights: Floats, table: Floats) -> tuple[Floats, float, float]:
    """Return weighted averages of the rows of `table`, the effective number and ln of the sum of weights."""
    largest = log_weights.max()
    weights = np.exp(log_weights - largest)
    total = weights @ table[0]
    effective = total**2 / (weights**2 @ table[1])
    return table[2:] @ weights / total, float(effective), float(largest + np.log(total))
