"""Averages measured at some temperatures, carried over to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks
from smbook.statistics import _histograms
from smbook.statistics._series import checked_series, spread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]


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
    runs = checked_series("betas", betas, minimum=1)
    if inefficiencies is None:
        slowness = np.ones(runs.size)
    else:
        slowness = checked_series("inefficiencies", inefficiencies, minimum=1)
    span = float(np.ptp(np.append(points, runs)))
    pool = _histograms.pool_runs(energies, observables, runs, slowness, function is None, n_bins, span)
    merge = function if function is not None else _only
    logs = _histograms.solve(pool, None, _histograms.first_guess(pool))
    averages, effective, log_partition = _histograms.averages(pool, None, logs, points.ravel())
    if np.shape(value := merge(*averages)) != effective.shape:
        raise TypeError(f"function must return shape {effective.shape} for that shape; got {np.shape(value)}")
    left_out = [
        _histograms.averages(pool, k, _histograms.solve(pool, k, logs), points.ravel())
        for k in range(pool.n_bins)
    ]
    error = spread(np.array([merge(*part[0]) for part in left_out]))
    log_error = spread(np.array([part[2] for part in left_out]))
    results = (value, error, effective, log_partition, log_error)
    return Reweighted(*(np.reshape(result, points.shape)[()] for result in results))


def _only(average: Floats) -> Floats:
    """Return the one average there is."""
    return average
