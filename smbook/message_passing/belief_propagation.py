"""Belief propagation: spins tell their neighbours where they point, each without what that neighbour told."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from smbook._records import equal
from smbook.kernels import messages as kernels
from smbook.message_passing import _spins

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness
    from smbook.message_passing._spins import Floats, Spins
    from smbook.network import SpinNetwork


class Beliefs(NamedTuple):
    """What belief propagation believes of N spins and E edges.

    `magnetization` (N,) holds the means <s_i>, `edges` (E, 2) the pairs i < j of a coupling other than 0, in
    rising order, and `correlations` (E,) their <s_i s_j>. `log_partition` is ln Z in Bethe's approximation.
    `messages` (2E,) are the fields u, times beta: of edge e from edges[e, 0] to edges[e, 1] at e, and back
    at E + e. `steps` updates were made, in the last of which a message would have moved by `change`.
    """

    magnetization: Floats
    edges: NDArray[np.int64]
    correlations: Floats
    log_partition: float
    messages: Floats
    steps: int
    change: float
    converged: bool

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        count = len(self.edges)
        size = f"{self.magnetization.size} spins, {count} edge{'s' * (count != 1)}"
        course = _spins.Course(self.steps, self.change, self.converged)
        return f"Beliefs({size}, ln Z = {_spins.told(self.log_partition)}, {course})"


def belief_propagation(
    network: SpinNetwork,
    beta: float,
    *,
    damping: float = 0.0,
    initial: str | ArrayLike | None = None,
    max_steps: int = 1000,
    tolerance: float = 1e-13,
    rng: Randomness = None,
    progress: bool = False,
) -> Beliefs:
    r"""Find the means of spins, and of products of neighbours, by messages along the edges of a network.

    Spin i tells its neighbour j what field it exerts on it. It goes by its own field and by what all its
    other neighbours told, its cavity field c, as if j were not there:

    .. math:: u_{i \to j} = \operatorname{artanh}[\tanh(\beta J_{ij}) \tanh c_{i \to j}], \qquad
              c_{i \to j} = \beta h_i + \sum_{k \neq j} u_{k \to i}, \qquad
              m_i = \tanh\Bigl(\beta h_i + \sum_k u_{k \to i}\Bigr).

    All messages are sent at once, again and again. On a tree, or on several of them, all is exact as soon as
    there were as many updates as the longest path has edges. Where there are loops, what a spin told comes
    back to it as if it were news: the result is an approximation, good where loops are long, messages may
    depend on where they began, and they need not settle. The result then says so; damping may help. Without
    fields u = 0 is always a fixed point, at which messages stay that begin there.

    Parameters
    ----------
    network
        Any couplings, dense or sparse; those that are 0 are no edges. It need not be connected. An update
        takes time proportional to the number of edges.
    beta
        1/T, at least 0.
    damping
        The share of the old message that is kept, from 0 to below 1.
    initial
        The messages to begin with: those of an earlier result, (2E,), one number for all, "random" for
        independent normal numbers of variance 1, or None for 0.
    max_steps
        At most so many updates, at least 1.
    tolerance
        It has converged when no message would move by more than this, without damping; relative to the
        message where that is above 1. At least 0.
    rng
        As for `smbook.ising.simulate`, for messages that begin at random.
    progress
        Whether a bar shows the updates.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or beta times the energy overflows.

    References
    ----------
    Bethe (1935); Pearl (1988); Mezard and Parisi (2001); Yedidia, Freeman and Weiss (2005) for the free
    energy whose stationary points these are.

    Examples
    --------
    >>> from smbook.network import from_edges
    >>> chain = from_edges(3, [(0, 1), (1, 2)], fields=[0.5, 0.0, 0.0])
    >>> found = belief_propagation(chain, 1.0)
    >>> found
    Beliefs(3 spins, 2 edges, ln Z = 3.067118, converged in 3 steps)
    >>> (found.magnetization / chain.enumerate(1.0).magnetization).round(12)
    array([1., 1., 1.])
    """
    spins = _spins.checked_spins(network, beta)
    way = _spins.checked_way(damping, max_steps, tolerance)
    lower = _lower_ends(spins)
    of = "a message along each edge, both ways"
    given = _spins.checked_beginning(initial, spins.entries.size, of, rng)
    with np.errstate(over="ignore"):
        if not np.isfinite(np.abs(given).sum()):
            raise ValueError(f"initial messages overflow when summed; got {given[np.abs(given).argmax()]:g}")
    return _propagate(spins, lower, given, way, progress)


def _lower_ends(spins: Spins) -> NDArray[np.int64]:
    """Return the places of the entries (i, j) with i < j: the edges."""
    rows = np.repeat(np.arange(spins.n_spins), np.diff(spins.starts))
    return np.flatnonzero(rows < spins.columns)


def _propagate(
    spins: Spins, lower: NDArray[np.int64], given: Floats, way: _spins.Way, progress: bool
) -> Beliefs:
    beta, entries, columns, starts, fields = spins
    reverse, messages = np.empty_like(columns), np.empty_like(entries)
    kernels.reverse_entries(columns, starts, np.empty(fields.size, dtype=np.int64), reverse)
    back_and_forth = np.concatenate([reverse[lower], lower])  # a message stands with the spin that hears it
    messages[back_and_forth] = given
    cavities = np.empty_like(entries)
    known = beta, entries, starts, reverse, fields

    def step() -> float:
        return float(kernels.pass_messages(*known, way.damping, messages, cavities))

    course = _spins.iterate(step, way, progress=progress)
    means, correlations = np.empty(fields.size), np.empty_like(entries)
    kernels.beliefs(beta, starts, fields, messages, means)
    kernels.edge_correlations(*known, messages, cavities, correlations)
    log_partition = float(kernels.bethe_log_partition(*known, messages, cavities))
    edges = np.stack([columns[reverse[lower]], columns[lower]], axis=1)
    return Beliefs(means, edges, correlations[lower], log_partition, messages[back_and_forth], *course)
