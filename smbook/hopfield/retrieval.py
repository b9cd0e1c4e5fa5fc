"""Recall: from a cue to what a network makes of it, and from how far away it still finds home."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook import _checks, _pool
from smbook._records import equal
from smbook.hopfield import _memory
from smbook.hopfield.patterns import checked_pattern, checked_patterns, overlap, spoiled
from smbook.kernels.rng import seed_state, streams
from smbook.network import SpinNetwork, _couplings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Spins = NDArray[np.int8]

_DYNAMICS = ("asynchronous", "parallel")
_ORDERS = ("sequential", "random")
_WAYS = ("auto", "factors", "couplings")


class Recall(NamedTuple):
    """What a recall leaves: the spins at its end, and what was noted before the first sweep and after each.

    `overlaps` (sweeps + 1, P) are those with the patterns, `energy` (sweeps + 1,) totals, `flips` the number
    of spins that turned. `period` is that of the state that came back: 1 for a fixed point, 2 for a
    two-cycle, 0 if none did, as at a temperature. Two results are equal if all their numbers are.
    """

    spins: Spins
    overlaps: NDArray[np.float64]
    energy: NDArray[np.float64]
    flips: int
    period: int

    @property
    def sweeps(self) -> int:
        """The number of sweeps."""
        return len(self.energy) - 1

    @property
    def outcome(self) -> str:
        """In words: "fixed point", "two-cycle", "cycle of 5", or "not settled"."""
        return {0: "not settled", 1: "fixed point", 2: "two-cycle"}.get(
            self.period, f"cycle of {self.period}"
        )

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        size = f"{self.sweeps} sweep{'s' * (self.sweeps != 1)}, {self.flips} flip{'s' * (self.flips != 1)}"
        return f"Recall({self.outcome} after {size}, energy {self.energy[-1]:.6g})"


class Basin(NamedTuple):
    """The share of cues that came home, its standard error, and the mean overlap at the end; one a noise."""

    noise: Any
    share: Any
    error: Any
    overlap: Any

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


class _Way(NamedTuple):
    """How a recall goes about it, checked."""

    parallel: bool
    shuffled: bool
    beta: float
    max_sweeps: int


def recall(
    network: SpinNetwork | ArrayLike,
    cue: Spins,
    *,
    dynamics: str = "asynchronous",
    order: str = "sequential",
    beta: float = math.inf,
    max_sweeps: int = 100,
    patterns: Spins | None = None,
    through: str = "auto",
    rng: Randomness = None,
) -> Recall:
    """Let the spins of a network follow their local fields from a cue, until nothing changes any more.

    At T = 0 a spin takes the sign of its field, and stays as it is where the field is zero: below 1e-12 of
    the largest that couplings in float64 allow, 1e-6 in float32, and exactly zero through factors.

    * "asynchronous": one spin after another. With symmetric couplings no flip raises the energy, so that
      recall ends in a fixed point, a local minimum.
    * "parallel": all spins at once. With symmetric couplings this ends in a fixed point or a two-cycle.

    At a finite `beta` a spin is up with probability 1 / (1 + exp(-2 beta l_i)), and all `max_sweeps` sweeps
    are made. One spin after another this samples p(s) proportional to exp(-beta E(s)).

    Parameters
    ----------
    network
        A `SpinNetwork`, or couplings (N, N) with a zero diagonal that need not be symmetric: J_ij acts from j
        on i. Where they are not, there is no energy that must fall and no Gibbs distribution; cycles may be
        long, and "energy" is -1/2 s.J.s, which may rise.
    cue
        int8 of +1 and -1, (N,), which is copied.
    dynamics, order
        "asynchronous" or "parallel"; "sequential", in the order of their numbers, or "random", each spin once
        a sweep in an order that is drawn anew.
    beta
        1/T, at least 0; inf is T = 0.
    max_sweeps
        At most so many sweeps, at least 0. Of each the overlaps and the energy are kept, 8 (P + 1) bytes.
    patterns
        With which overlaps are noted, int8 (P, N); None takes those that a network of `hebb` keeps.
    through
        "factors", the overlaps with patterns that a network of `hebb` keeps, N P steps a sweep and no
        couplings at all; "couplings"; or "auto", which takes factors where there are any. Both lead through
        the same states.
    rng
        As for `smbook.ising.simulate`; at T = 0 in sequential order nothing depends on it.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Hopfield (1982); Little (1974) and Goles, Fogelman and Pellegrin (1985) for parallel updates; Glauber
    (1963). Cycles are found as Brent (1980) does, so that they are seen some sweeps after they begin.

    Examples
    --------
    >>> from smbook.hopfield import corrupt, hebb, random_patterns
    >>> patterns = random_patterns(5, 200, rng=1)
    >>> found = recall(hebb(patterns), corrupt(patterns[0], 0.2, rng=2))
    >>> found.outcome, float(found.overlaps[0, 0]), float(found.overlaps[-1, 0])
    ('fixed point', 0.6, 1.0)
    """
    way = checked_way(dynamics, order, max_sweeps, beta)
    store, own = _store(network, _checks.choice("through", through, _WAYS))
    spins = np.array(checked_pattern("cue", cue, store.n_spins))
    known = own if patterns is None else checked_patterns(patterns, diluted=True, n_spins=store.n_spins)
    return run(store, spins, seed_state(rng), way, known, own=known is own and store.by_sums)


def run(store: _memory.Store, spins: Spins, state: State, way: Any, known: Spins, *, own: bool) -> Recall:
    """Return the recall from checked spins, which move; `own` tells that the store keeps `known` itself."""
    parallel, shuffled, beta, max_sweeps = way
    walk = _memory.Run(store, spins, state, parallel=parallel, shuffled=shuffled, beta=beta)
    sites = None if own else np.array(known.T, order="C")
    sums, energies = walk.advance(max_sweeps, sites, len(known))
    return Recall(spins, sums / store.n_spins, energies, walk.flips, walk.period)


def basin(
    network: SpinNetwork | ArrayLike,
    pattern: Spins,
    *,
    noise: ArrayLike,
    n_cues: int = 100,
    threshold: float = 0.95,
    dynamics: str = "asynchronous",
    order: str = "random",
    max_sweeps: int = 100,
    rng: Randomness = None,
) -> Basin:
    """Measure the share of cues that come home: that end with an overlap of `threshold` or more.

    A cue is the pattern with a share `noise` of its spins turned, drawn anew for each. Each cue has a stream
    of random numbers of its own; they run on all cores, whose number changes nothing.

    Parameters
    ----------
    network
        As for `recall`.
    pattern
        int8 of +1 and -1, (N,).
    noise
        From 0 to 1, one number or an array of them.
    n_cues
        How many for each noise, at least 2.
    threshold
        From -1 to 1.
    dynamics, order, max_sweeps, rng
        As for `recall`; T = 0.

    Returns
    -------
    Basin
        `share` k / n, its standard error, (k + 1)(n - k + 1) / ((n + 2)^2 (n + 3)) under the root, which is
        not zero for k = 0 or n (Laplace's rule of succession), and the mean final `overlap`, in the shape of
        `noise`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> from smbook.hopfield import hebb, random_patterns
    >>> patterns = random_patterns(10, 500, rng=1)
    >>> basin(hebb(patterns), patterns[0], noise=[0.1, 0.5], n_cues=50, rng=2).share
    array([1., 0.])
    """
    way = checked_way(dynamics, order, max_sweeps, math.inf)
    n_cues = _checks.integer("n_cues", n_cues, minimum=2)
    threshold = _checks.real("threshold", threshold, minimum=-1.0, maximum=1.0)
    levels = _checks.reals("noise", noise, minimum=0.0)
    if levels.size and levels.max() > 1.0:
        raise ValueError(f"noise must be at most 1; got {levels.max()}")
    store, _ = _store(network, "auto")
    home = checked_pattern("pattern", pattern, store.n_spins)
    flat = levels.reshape(-1)
    final = _final_overlaps(store, home, np.round(flat * home.size).astype(int), n_cues, way, rng)
    home_again = (final >= threshold).sum(axis=1)
    error = np.sqrt((home_again + 1) * (n_cues - home_again + 1) / (n_cues + 2) ** 2 / (n_cues + 3))
    found = (flat, home_again / n_cues, error, final.mean(axis=1))
    if not levels.ndim:
        return Basin(*(float(value[0]) for value in found))
    return Basin(*(value.reshape(levels.shape) for value in found))


def settle(couplings: NDArray[np.float64], fields: NDArray[Any], spins: Spins, max_sweeps: int) -> Spins:
    """Let spins fall at T = 0 in couplings that are known to be right, and return them."""
    rows = _couplings.Rows(couplings)
    strongest = float(np.abs(couplings).sum(axis=1).max() + np.abs(fields).max())
    store = _memory.of_couplings(rows, couplings, fields, strongest)
    walk = _memory.Run(store, spins, seed_state(0), parallel=False, shuffled=False, beta=math.inf)
    walk.advance(max_sweeps, np.empty((spins.size, 0), np.int8), 0)
    return spins


def checked_network(network: Any) -> SpinNetwork:
    """Return a network as it is, or raise if it is none."""
    if not isinstance(network, SpinNetwork):
        raise TypeError(f"network must be a smbook.network.SpinNetwork; got {type(network).__name__}")
    return network


def _final_overlaps(
    store: _memory.Store, home: Spins, counts: Any, n_cues: int, way: _Way, rng: Randomness
) -> NDArray[np.float64]:
    """Return the overlaps (counts, n_cues) with which cues end that begin with so many spins turned."""
    found = np.empty((len(counts), n_cues))
    states = streams(rng, max(found.size, 1))

    def work(k: int) -> None:
        spins = spoiled(home, counts[k // n_cues], states[k])
        walk = _memory.Run(
            store, spins, states[k], parallel=way.parallel, shuffled=way.shuffled, beta=way.beta
        )
        walk.advance(way.max_sweeps, np.empty((home.size, 0), np.int8), 0)
        found.flat[k] = overlap(home, spins)

    with _pool.over(found.size) as each:
        each(work)
    return found


def _store(network: SpinNetwork | ArrayLike, through: str) -> tuple[_memory.Store, Spins]:
    """Return what neurons feel, and the patterns that the network keeps."""
    if not isinstance(network, SpinNetwork):
        if through == "factors":
            raise ValueError("recall through factors needs a network of smbook.hopfield.hebb; got couplings")
        rows = _couplings.checked_one_way(network)
        fields = np.zeros(rows.n_spins, dtype=rows.values.dtype)
        strongest = _couplings.checked_strongest(rows, fields)
        store = _memory.of_couplings(rows, np.ascontiguousarray(rows.values.T), fields, strongest)
        return store, np.empty((0, rows.n_spins), dtype=np.int8)
    factors = network._factors
    if factors is not None:
        through_factors = through != "couplings"
        return (_memory.of_factors if through_factors else _memory.of_products)(factors), factors.patterns
    if through == "factors":
        raise ValueError(f"recall through factors needs a network of smbook.hopfield.hebb; got {network!r}")
    model = network._model
    store = _memory.of_couplings(model.rows, model.rows.matrix, model.fields, model.strongest)
    return store, np.empty((0, network.n_spins), dtype=np.int8)


def checked_way(dynamics: str, order: str, max_sweeps: int, beta: float) -> _Way:
    """Return how a recall is to go about it, or raise."""
    return _Way(
        _checks.choice("dynamics", dynamics, _DYNAMICS) == "parallel",
        _checks.choice("order", order, _ORDERS) == "random",
        _checked_beta(beta),
        _checks.integer("max_sweeps", max_sweeps, minimum=0),
    )


def _checked_beta(beta: float) -> float:
    """Return an inverse temperature of at least 0, which may be inf, or raise."""
    if isinstance(beta, float) and beta == math.inf:
        return math.inf
    return _checks.real("beta", beta, minimum=0.0)
