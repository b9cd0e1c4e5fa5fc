"""Mean fields: each spin in the average field of the others, naive or less what it finds of itself in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook import _checks
from smbook._records import equal
from smbook.kernels import messages as kernels
from smbook.message_passing import _spins

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike

    from smbook.kernels.rng import Randomness
    from smbook.message_passing._spins import Floats, Spins
    from smbook.network import SpinNetwork

_REACTIONS = ("older", "same")


class MeanField(NamedTuple):
    """What a mean field makes of N spins: `magnetization` (N,), the means <s_i>, and `log_partition`, ln Z.

    `steps` updates were made, in the last of which a mean would have moved by `change`, without damping.
    """

    magnetization: Floats
    log_partition: float
    steps: int
    change: float
    converged: bool

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        course = _spins.Course(self.steps, self.change, self.converged)
        return (
            f"MeanField({self.magnetization.size} spins, ln Z = {_spins.told(self.log_partition)}, {course})"
        )


def naive_mean_field(
    network: SpinNetwork,
    beta: float,
    *,
    damping: float = 0.0,
    initial: str | ArrayLike | None = None,
    max_steps: int = 1000,
    tolerance: float = 1e-13,
    rng: Randomness = None,
    progress: bool = False,
) -> MeanField:
    r"""Find means of spins that know of each other by their means alone: the best law of independent spins.

    .. math:: m_i = \tanh \beta\Bigl(h_i + \sum_j J_{ij} m_j\Bigr), \qquad
              \ln Z \ge \sum_i [S(m_i) + \beta h_i m_i] + \beta \sum_{i<j} J_{ij} m_i m_j,

    with S the entropy of a spin of mean m. `log_partition` is the right side, below ln Z for whatever m,
    converged or not. All means are replaced at once, which can end in an endless to and fro where couplings
    are negative; with enough damping it goes uphill and settles. Without fields m = 0 is always a fixed
    point, at which means stay that begin there.

    Parameters
    ----------
    network
        Any couplings, dense or sparse.
    beta
        1/T, at least 0.
    damping
        The share of the old means that is kept, from 0 to below 1.
    initial
        The means to begin with, from -1 to 1: (N,), one number for all, "random" for independent ones, or
        None for 0.
    max_steps
        At most so many updates, at least 1.
    tolerance
        It has converged when no mean would move by more than this, without damping. At least 0.
    rng
        As for `smbook.ising.simulate`, for means that begin at random.
    progress
        Whether a bar shows the updates.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or beta times the energy overflows.

    References
    ----------
    Bragg and Williams (1934); Peierls (1938) for the bound.

    Examples
    --------
    >>> from smbook.network import ferromagnet
    >>> naive_mean_field(ferromagnet(1000), 1.5, initial=0.5).magnetization[:2].round(3)
    array([0.858, 0.858])
    """
    spins = _spins.checked_spins(network, beta)
    way = _spins.checked_way(damping, max_steps, tolerance)
    means, room = _first_means(initial, spins.n_spins, rng), np.empty(spins.n_spins)
    step = lambda: kernels.naive_step(*spins, way.damping, means, room)  # noqa: E731
    return _settle(spins, means, step, way, order=1, progress=progress)


def tap(
    network: SpinNetwork,
    beta: float,
    *,
    reaction: str = "older",
    damping: float = 0.0,
    initial: str | ArrayLike | None = None,
    max_steps: int = 1000,
    tolerance: float = 1e-13,
    rng: Randomness = None,
    progress: bool = False,
) -> MeanField:
    r"""Find means of spins by the equations of Thouless, Anderson and Palmer, for many weak couplings.

    .. math:: m_i = \tanh \beta\Bigl[h_i + \sum_j J_{ij} m_j - \beta m_i \sum_j J_{ij}^2 (1 - m_j^2)\Bigr]

    Of the field that j exerts on i a part answers what i exerts on j, and tells i nothing; the last term,
    Onsager's reaction, takes it away. In the Sherrington-Kirkpatrick model the equations become exact for
    large N outside of the spin glass, with errors of the means of order 1 / sqrt(N) each, which average out
    in sums, and ln Z to a number that does not grow. `log_partition`, which has the term
    beta^2 / 2 sum_(ij) J_ij^2 (1 - m_i^2) (1 - m_j^2) beyond the naive one, is no bound.

    Parameters
    ----------
    network, beta, damping, initial, max_steps, tolerance, rng, progress
        As for `naive_mean_field`.
    reaction
        Which means stand in front of the reaction when all are replaced at once. "older": those of one step
        before, so that what came back is taken away when it comes back (0 before the first step, which
        therefore never counts as the last one unless it begins at 0); where the
        Sherrington-Kirkpatrick model is no spin glass this converges. "same": the present ones, which often
        does not.

    Raises
    ------
    TypeError, ValueError
        As for `naive_mean_field`, or if `reaction` is unknown.

    References
    ----------
    Thouless, Anderson and Palmer (1977); Plefka (1982); Bolthausen (2014) for the time index.

    Examples
    --------
    >>> from smbook.network import SpinNetwork, sherrington_kirkpatrick
    >>> couplings = sherrington_kirkpatrick(1000, rng=1).couplings
    >>> found = tap(SpinNetwork(couplings, 1.0), 1.0)
    >>> found.converged, round(float((found.magnetization**2).mean()), 2)
    (True, 0.53)
    """
    spins = _spins.checked_spins(network, beta)
    way = _spins.checked_way(damping, max_steps, tolerance)
    same = int(_checks.choice("reaction", reaction, _REACTIONS) == "same")
    means, room = _first_means(initial, spins.n_spins, rng), np.empty(spins.n_spins)
    older = means.copy() if same else np.zeros(spins.n_spins)
    step = lambda: kernels.tap_step(*spins, way.damping, same, means, older, room)  # noqa: E731
    least = 2 if (means != older).any() else 1  # the first step knows no older means than 0
    return _settle(spins, means, step, way, order=2, progress=progress, least=least)


def _first_means(initial: str | ArrayLike | None, n_spins: int, rng: Randomness) -> Floats:
    means = _spins.checked_beginning(initial, n_spins, "a mean for each spin", rng)
    if isinstance(initial, str):
        return np.asarray(np.tanh(means))
    if (np.abs(means) > 1.0).any():
        raise ValueError(f"initial must be means from -1 to 1; got {means[np.abs(means).argmax()]:g}")
    return means


def _settle(
    spins: Spins,
    means: Floats,
    step: Callable[[], float],
    way: _spins.Way,
    *,
    order: int,
    progress: bool,
    least: int = 1,
) -> MeanField:
    course = _spins.iterate(step, way, progress=progress, least=least)
    log_partition = float(kernels.mean_field_log_partition(*spins, order, means))
    return MeanField(means, log_partition, *course)
