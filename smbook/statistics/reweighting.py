"""Averages measured at some temperatures, carried over to others, and how far they can be carried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import stdtrit

from smbook import _checks
from smbook.statistics._histograms import (
    averages,
    company,
    first_guess,
    join,
    own_energies,
    pool_runs,
)
from smbook.statistics._series import checked_series, spread, unit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from smbook.statistics._histograms import Joint, Pool

    Floats = NDArray[np.float64]

_LEAST_SUPPORT = 10  # effective times independent entries, over those that were drawn


class Reweighted(NamedTuple):
    """Hold reweighted averages at the target temperatures, all in the shape of the targets.

    Attributes
    ----------
    value
        The average, or the function of averages.
    error
        Its jackknife error.
    effective
        The number (sum w)^2 / sum w^2 of entries that carry the weight (Kish 1965), before correlations.
    independent
        What is left of it after correlations: so many independent draws at the target would leave the same
        errors. It is the least of `effective`, of the variance of the observable at the target over its
        squared error (of each observable, with a function), and of one over the squared error of ln Z.
    log_partition
        ln Z at the target minus ln Z at the (first) simulated temperature, per site.
    log_partition_error
        Its jackknife error.
    """

    value: Any
    error: Any
    effective: Any
    independent: Any
    log_partition: Any
    log_partition_error: Any


class ReweightingError(ValueError):
    """Say that runs do not reach a target, or do not fit one another.

    Attributes
    ----------
    result : Reweighted
        What the runs have to say all the same. Out of reach both its values and its errors are wrong.
    """

    def __init__(self, message: str, result: Reweighted) -> None:
        super().__init__(message, result)
        self.result = result

    def __str__(self) -> str:
        return str(self.args[0])


def reweight(
    energy: ArrayLike,
    observable: ArrayLike,
    *,
    n_sites: int,
    beta: float,
    targets: ArrayLike,
    function: Callable[..., Any] | None = None,
    n_bins: int = 32,
) -> Reweighted:
    r"""Carry averages measured at one temperature over to others nearby (single histogram).

    .. math:: \langle O \rangle_{\beta'} = \frac{\sum_t O_t w_t}{\sum_t w_t}, \qquad
              w_t = e^{-(\beta' - \beta) E_t}

    where E_t is the total energy (Ferrenberg and Swendsen 1988). It reaches as far as the run has seen the
    energies that are typical at beta'. Beyond, all weight falls on the few entries that came nearest to them:
    the average sticks there, its error shrinks, and neither shows it. So a target is refused where the
    effective number of entries times the independent one is less than ten times the length n of the run.
    (Were the energies Gaussian, the effective number itself could be believed down to sqrt(n). At our limit
    their averages lean back towards the run by about an error, and errors are too small by a factor of 1.3 to
    2.4; at a product of 100 n the lean is some tenths of an error and the errors are right to a fifth.)

    Parameters
    ----------
    energy
        Energies per site, E_t / N, as a run's `Trace` holds them, shape (n,).
    observable
        The observable in the same sweeps, shape (n,); with `function`, k observables, shape (k, n).
    n_sites
        The number of sites N: what the energies have to be multiplied with to be total. It is 1 for energies
        that are total already.
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
        Arrays in the shape of `targets`: averages and their errors, the effective and the independent number
        of entries, and (ln Z(beta') - ln Z(beta)) / N with its error.

    Raises
    ------
    ReweightingError
        If a target is out of reach. The error carries the result as `.result`.
    ValueError
        If shapes differ, or the series has fewer than two entries a block.

    Examples
    --------
    One spin in a field of 1 has E = -s and the mean tanh(beta).

    >>> spins = np.where(np.random.default_rng(2).random(10_000) < 1 / (1 + np.exp(-1.0)), 1, -1)
    >>> result = reweight(-spins, spins, n_sites=1, beta=0.5, targets=[0.4, 0.6])
    >>> bool(np.all(np.abs(result.value - np.tanh([0.4, 0.6])) < 4 * result.error))
    True
    """
    run = _checks.real("beta", beta)
    return reweight_multiple(
        [energy],
        [observable],
        n_sites=n_sites,
        betas=[run],
        targets=targets,
        function=function,
        n_bins=n_bins,
    )


def reweight_multiple(
    energies: Sequence[ArrayLike],
    observables: Sequence[ArrayLike],
    *,
    n_sites: int,
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

    Targets out of reach are refused as in `reweight`, where n is now the number of entries at the temperature
    that the weight comes from. And the runs must fit one another: their joint mean energy at each beta_j has
    to be that of run j, within its jackknife error, or they are refused. Chance alone does that once in a
    million (by Student's t); energies per site that are called total, runs out of equilibrium and blocks
    too short do it.

    Parameters
    ----------
    energies
        For each run its energies per site, E / N, shape (n_j,).
    observables
        For each run the observable, shape (n_j,); with `function`, k observables, shape (k, n_j).
    n_sites
        The number of sites N, or 1 for energies that are total already.
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
        Arrays in the shape of `targets`: averages and their errors, the effective and the independent number
        of entries, and (ln Z(beta') - ln Z(betas[0])) / N with its error.

    Raises
    ------
    ReweightingError
        If a target is out of reach, or the runs do not fit one another. It carries the result as `.result`.
    ValueError
        If shapes differ, a run has fewer than two entries a block, or the energies of the runs do not
        overlap, so that nothing ties their partition functions together.

    Examples
    --------
    One spin in a field of 1 has Z = 2 cosh(beta).

    >>> rng = np.random.default_rng(2)
    >>> runs = [np.where(rng.random(5000) < 1 / (1 + np.exp(-2 * b)), 1, -1) for b in (0.2, 0.8)]
    >>> energies = [-spins for spins in runs]
    >>> result = reweight_multiple(energies, runs, n_sites=1, betas=[0.2, 0.8], targets=0.5)
    >>> bool(abs(result.value - np.tanh(0.5)) < 4 * result.error)
    True
    """
    points = _checks.reals("targets", targets)
    if points.size == 0:
        raise ValueError("targets must hold at least one inverse temperature; got none")
    sites = _checks.integer("n_sites", n_sites, minimum=1)
    runs = checked_series("betas", betas, minimum=1)
    if inefficiencies is None:
        slowness = np.ones(runs.size)
    else:
        slowness = checked_series("inefficiencies", inefficiencies, minimum=1)
    pool = pool_runs(energies, observables, runs, slowness, function is None, n_bins, sites, points.ravel())
    temperatures = np.append(pool.targets, pool.betas)
    whole = join(pool, None, temperatures, first_guess(pool))
    parts = [join(pool, k, temperatures, whole.logs) for k in range(pool.n_bins)]
    independent, reached = _reach(pool, whole, parts, temperatures)
    columns = (
        *_merged(pool, whole, parts, _only if function is None else function),
        *(whole.effective[: points.size], independent[: points.size]),
        *(part / sites for part in _log_partition(pool, whole, parts)),
    )
    result = Reweighted(*(np.reshape(column, points.shape)[()] for column in columns))
    _check_fit(pool, whole, parts, reached[points.size :], result)
    _check_reach(points.ravel(), reached[: points.size], result)
    return result


def _only(average: Floats) -> Floats:
    """Return the one average there is."""
    return average


def _merged(
    pool: Pool, whole: Joint, parts: list[Joint], function: Callable[..., Any]
) -> tuple[Floats, Floats]:
    """Return the function of averages at the targets and its error, or raise if its shape is another."""

    def merge(joint: Joint) -> Any:
        return function(*np.ldexp(joint.averages[:, : pool.targets.size], pool.scales[:, None]))

    value = merge(whole)
    if np.shape(value) != pool.targets.shape:
        shape = pool.targets.shape
        raise TypeError(f"function must return shape {shape} for that shape; got {np.shape(value)}")
    return value, spread(np.array([merge(part) for part in parts]))


def _log_partition(pool: Pool, whole: Joint, parts: list[Joint]) -> tuple[Floats, Floats]:
    """Return ln Z at the targets minus that of the first run, and its error."""
    n = pool.targets.size
    value = whole.log_partition[:n] - (pool.targets - pool.betas[0]) * pool.origin
    return value, spread(np.array([part.log_partition[:n] for part in parts]))


def _reach(
    pool: Pool, whole: Joint, parts: list[Joint], temperatures: Floats
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the independent number of entries at each temperature, and whether the runs reach it."""
    centres = pool.observables.mean(axis=1, keepdims=True)
    deviations, exponents = unit(pool.observables - centres)
    rows = np.vstack([deviations**2, deviations, company(pool)])
    *moments, crowd = averages(pool._replace(observables=rows), None, whole.logs, temperatures).averages
    squares, means = np.split(np.array(moments), 2)
    variance = np.maximum(squares - means**2, 0)
    error = spread(np.ldexp([part.averages for part in parts], -exponents[:, None]))
    # ln Z is told from that of the nearest run: along a ladder of runs errors add up, and do no harm.
    drift = spread(np.array([part.log_partition[:, None] - part.logs for part in parts])).min(axis=1)
    shares = np.vstack([_precision(variance, error), _precision(np.ones_like(drift), drift)])
    independent = np.minimum(whole.effective, shares.min(axis=0))
    return independent, whole.effective * independent >= _LEAST_SUPPORT * crowd


def _precision(variance: Floats, error: Floats) -> Floats:
    """Return variance / error^2, infinite where numbers of the size of 1 leave no error but rounding."""
    return np.divide(variance, error**2, out=np.full_like(error, np.inf), where=error > 1e-8)


def _check_fit(
    pool: Pool, whole: Joint, parts: list[Joint], reached: NDArray[np.bool_], result: Reweighted
) -> None:
    """Raise if the joint mean energy at the temperature of a run is not that run's own."""
    own = own_energies(pool, None)
    n = pool.targets.size
    excess = whole.energy[n:] - own
    error = spread(np.array([part.energy[n:] - own_energies(pool, k) for k, part in enumerate(parts)]))
    error = np.maximum(error, 1e-9 * np.abs(pool.levels).max())  # the equations are solved to 1e-10
    # Student's t, for an error that has scattered as much as one from so few blocks does.
    most = -stdtrit(pool.n_bins - 1, 0.5e-6 / own.size)
    if not (reached & (np.abs(excess) > most * error)).any():
        return
    j = np.where(reached, np.abs(excess) / error, 0).argmax()
    joint, alone = (np.ldexp(energy[j] + pool.origin, pool.exponent) for energy in (whole.energy[n:], own))
    raise ReweightingError(
        f"the runs do not fit one another: joined, they have the energy {joint:.6g} at beta = "
        f"{pool.simulated[j]:g}, and the run there has {alone:.6g}, {abs(excess[j]) / error[j]:.0f} errors "
        "off; are the energies divided by n_sites, the runs in equilibrium, and the blocks long enough?",
        result,
    )


def _check_reach(targets: Floats, reached: NDArray[np.bool_], result: Reweighted) -> None:
    """Raise if the runs do not reach a target."""
    if reached.all():
        return
    effective, independent = np.ravel(result.effective), np.ravel(result.independent)
    j = np.where(reached, np.inf, effective * independent).argmin()
    within = targets[reached]
    span = f" of those wanted it reaches {within.min():g} to {within.max():g};" if within.size else ""
    raise ReweightingError(
        f"beta = {targets[j]:g} is out of reach: {effective[j]:.3g} entries carry its weight, "
        f"{independent[j]:.2g} after correlations;{span} add a run closer to it or a longer one, and "
        "see that the energies are divided by n_sites",
        result,
    )
