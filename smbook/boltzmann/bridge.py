"""The bridge: Hopfield networks as machines with hidden units, and what such a machine has stored."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import linalg
from sklearn.utils.validation import check_is_fitted

from smbook import _checks
from smbook._records import equal
from smbook.boltzmann import _layers
from smbook.boltzmann.restricted import RBM
from smbook.hopfield import overlap
from smbook.hopfield.patterns import checked_patterns
from smbook.hopfield.retrieval import settle
from smbook.hopfield.rules import check_independent
from smbook.kernels import lattice
from smbook.kernels.rng import seed_state
from smbook.network import SpinNetwork

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Reals = NDArray[np.float64]
    Spins = NDArray[np.int8]

_RULES = ("hebb", "pseudo-inverse")
_SAME = 1e-6  # relative difference up to which weights have one size
_TINY = np.finfo(float).tiny
_IN_SPAN = 1e-8  # up to which a singular value is none


class StoredPatterns(NamedTuple):
    """Patterns that a machine's weights hold, and how well they do.

    W W^T = patterns^T . strengths . patterns / N and a rest: `strengths` (P, P) is the best matrix, and
    `residual` the Frobenius norm of the rest over that of W W^T. By Hebb's rule at beta it is beta times the
    identity. Two results are equal if all their numbers are.
    """

    patterns: Spins
    strengths: Reals
    residual: float

    @property
    def beta(self) -> float:
        """The mean of the diagonal of `strengths`: the inverse temperature of Hebb's rule."""
        return float(np.diagonal(self.strengths).mean()) if len(self.strengths) else math.nan

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        count, size = self.patterns.shape
        return f"StoredPatterns({count} patterns of {size} spins, residual {self.residual:.2g})"


class RetrievalOrder(NamedTuple):
    """How a machine's states lie to its patterns and to each other, a row a state.

    `overlaps` (rows, P) are m_mu = sum_i xi_i^mu s_i / N, `hidden` (rows, n_hidden) the means of the hidden
    units, and `participation` (rows,) is (sum m^2)^2 / sum m^4, the number of patterns that a state has to do
    with. Rows 0 and 1, 2 and 3, ... are replicas: `replica_overlap` q and `crosstalk` r (rows // 2,) are
    sum_i s_i s'_i / N, and (N / P) sum m_mu m'_mu over all patterns but the one that the first of the two is
    nearest to. With Gaussian hidden units and Hebb's rule beta r is the same overlap of their means. Two
    results are equal if all their numbers are.
    """

    overlaps: Reals
    hidden: Reals
    participation: Reals
    replica_overlap: Reals
    crosstalk: Reals

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        rows, count = self.overlaps.shape
        return f"RetrievalOrder({rows} states, {count} patterns)"


def from_hopfield(
    patterns: Spins,
    beta: float,
    *,
    rule: str = "hebb",
    hidden: str = "gaussian",
    **hyperparameters: Any,
) -> RBM:
    r"""Return the restricted machine whose visible units are a Hopfield network of patterns at beta.

    There is a hidden unit for each pattern. With W = sqrt(beta / N) xi^T and Gaussian hidden units of
    variance 1,

        p(s) = sum over h of p(s, h) proportional to exp(sum_mu (beta / 2N) (sum_i xi_i^mu s_i)^2),

    which is `smbook.hopfield.hebb` at beta: the free energy is F(s) = beta E(s) - beta P / 2, where beta P /
    2 is the diagonal of the couplings, constant as s_i^2 = 1. Given the spins, unit mu is normal around
    sqrt(beta N) m_mu. For `smbook.hopfield.pseudo_inverse` the patterns are made orthogonal first, xi^T = Q
    R, and W = sqrt(beta) Q.

    Parameters
    ----------
    patterns
        int8 of +1 and -1, (P, N), at least one.
    beta
        Inverse temperature, above 0. The machine has it in its weights: it is sampled at ``beta=1``.
    rule
        "hebb" or "pseudo-inverse".
    hidden
        "gaussian", or "spin" for hidden units +1 and -1 with the same weights. These agree with the Hopfield
        network for fields sqrt(beta / N) sum_i xi_i s_i that are small.
    hyperparameters
        Others of `RBM`, such as `dtype`, and those with which it may go on to learn.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range; if patterns are none or, for "pseudo-inverse",
        linearly dependent: the error names them.

    References
    ----------
    Barra, Bernacchia, Santucci and Contucci (2012) and Agliari et al. (2014) for Hebb's rule; Smart and
    Zilman (2021) for the orthogonal patterns.

    Examples
    --------
    >>> from smbook.hopfield import hebb, random_patterns
    >>> patterns = random_patterns(3, 10, rng=1)
    >>> machine = from_hopfield(patterns, 0.7)
    >>> exact = hebb(patterns).enumerate(0.7).log_partition + 0.7 * 3 / 2
    >>> bool(abs(machine.log_partition().value - exact) < 1e-10)
    True
    """
    known = checked_patterns(patterns)
    beta = _checks.positive("beta", beta)
    _checks.choice("rule", rule, _RULES)
    _checks.choice("hidden", hidden, ("gaussian", "spin"))
    if not len(known):
        raise ValueError("patterns must be at least one; got none")
    if rule == "hebb":
        weights = math.sqrt(beta / known.shape[1]) * known.T
    else:
        check_independent(known)
        weights = math.sqrt(beta) * linalg.qr(known.T.astype(np.float64), mode="economic")[0]
    return RBM.from_parameters(weights, visible="spin", hidden=hidden, **hyperparameters)


def patterns_of(
    machine: RBM,
    *,
    n_patterns: int | None = None,
    n_starts: int = 2000,
    max_sweeps: int = 100,
    rng: Randomness = None,
) -> StoredPatterns:
    """Return the patterns of +1 and -1 that lie in, or nearest to, what the columns of W span.

    The law of the visible units depends on W W^T alone if hidden units are Gaussian: W O with any rotation O
    is the same machine, and a machine that has learned shows its patterns in no single unit. But the span of
    the columns stays. Where every column has entries of one size it is a pattern itself. Else spins fall,
    from random starts, in the couplings of the projection on the span, whose lowest states are the patterns
    in it; of what they find, those of which least lies outside are taken, as many as are independent.

    Parameters
    ----------
    machine
        An `RBM` that knows its weights, of visible units of +1 and -1.
    n_patterns
        How many to return at most, in the span of as many leading singular vectors; None is the rank of W.
    n_starts
        Random starts, at least 1. For random patterns 2000 find all of them up to some P = N / 5, and ten
        times as many up to 0.3 N; `residual` is far from 0 where one is missing.
    max_sweeps
        Of each fall, at least 1.
    rng
        As for `smbook.ising.simulate`.

    Returns
    -------
    StoredPatterns
        Patterns in the order of the hidden units if they are columns, else those first that lie in the span
        best; their signs are such that the first spin is +1 then. There may be fewer than were asked for.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or visible units are not spins.

    References
    ----------
    Smart and Zilman (2021); Personnaz, Guyon and Dreyfus (1985) for the projection.

    Examples
    --------
    >>> from scipy.stats import ortho_group
    >>> from smbook.hopfield import random_patterns
    >>> patterns = random_patterns(4, 100, rng=1)
    >>> hidden = from_hopfield(patterns, 2.0).weights_ @ ortho_group.rvs(4, random_state=1)
    >>> found = patterns_of(RBM.from_parameters(hidden, visible="spin", hidden="gaussian"), rng=1)
    >>> round(found.beta, 6), bool(found.residual < 1e-12)
    (2.0, True)
    >>> np.abs(found.patterns @ patterns.T.astype(int)).max(axis=0)
    array([100, 100, 100, 100])
    """
    weights = _checked_weights(machine)
    rank = min(weights.shape)
    n_patterns = _checks.integer(
        "n_patterns", rank if n_patterns is None else n_patterns, minimum=1, maximum=rank
    )
    n_starts = _checks.integer("n_starts", n_starts, minimum=1)
    max_sweeps = _checks.integer("max_sweeps", max_sweeps, minimum=1)
    sizes = np.abs(weights)
    if (np.ptp(sizes, axis=0) <= _SAME * sizes.max(axis=0)).all() and sizes.min() > 0.0:
        patterns = np.sign(weights.T[:n_patterns]).astype(np.int8)
    else:
        patterns = _in_span(weights, n_patterns, n_starts, max_sweeps, rng)
    return _fitted(weights, patterns)


def order_parameters(machine: RBM, visible: Spins, *, patterns: Spins | None = None) -> RetrievalOrder:
    """Return the order parameters of retrieval of a machine's states.

    Parameters
    ----------
    machine
        An `RBM` that knows its weights, of visible units of +1 and -1.
    visible
        States, int8 (rows, N); rows 0 and 1, 2 and 3, ... of independent chains for the overlaps of replicas.
    patterns
        int8 (P, N), at least one; None takes those of `patterns_of`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or shape, or visible units are not spins.

    References
    ----------
    Amit, Gutfreund and Sompolinsky (1985) for r; Tubiana and Monasson (2017) for the participation.

    Examples
    --------
    >>> from smbook.hopfield import random_patterns
    >>> patterns = random_patterns(5, 200, rng=1)
    >>> machine = from_hopfield(patterns, 4.0)
    >>> states = machine.sample(10, initial=patterns[2], n_sweeps=50, rng=1)
    >>> found = order_parameters(machine, states)
    >>> bool((found.overlaps[:, 2] > 0.95).all())
    True
    """
    n_spins = _checked_weights(machine).shape[0]
    rows = np.asarray(visible)
    if rows.ndim != 2:
        raise ValueError(f"visible must have the shape (rows, {n_spins}); got {rows.shape}")
    states = _layers.checked_units("visible", rows, "spin", n_spins)
    known = patterns_of(machine).patterns if patterns is None else checked_patterns(patterns, n_spins=n_spins)
    if not len(known):
        raise ValueError("patterns must be at least one; got none")
    overlaps = np.asarray(overlap(known, states))
    squares = overlaps**2
    with np.errstate(invalid="ignore"):
        participation = squares.sum(axis=1) ** 2 / (squares**2).sum(axis=1)
    pairs = len(states) // 2
    first, second = overlaps[: 2 * pairs : 2], overlaps[1 : 2 * pairs : 2]
    products = first * second
    products[np.arange(pairs), np.abs(first).argmax(axis=1)] = 0.0
    one, other = states[: 2 * pairs : 2].astype(np.float64), states[1 : 2 * pairs : 2]
    return RetrievalOrder(
        overlaps,
        machine.transform(states),
        participation,
        (one * other).sum(axis=1) / n_spins,
        n_spins / len(known) * products.sum(axis=1),
    )


def _checked_weights(machine: Any) -> Reals:
    """Return the weights of a machine of spins, in float64, or raise."""
    if not isinstance(machine, RBM):
        raise TypeError(f"machine must be an RBM; got {type(machine).__name__}")
    check_is_fitted(machine, "weights_")
    if machine.visible != "spin":
        raise ValueError(f"machine must have visible units of the kind 'spin'; got {machine.visible!r}")
    return np.asarray(machine.weights_, dtype=np.float64)


def _in_span(weights: Reals, n_patterns: int, n_starts: int, max_sweeps: int, rng: Randomness) -> Spins:
    """Return independent states that the couplings of the projection on the span hold, the best first."""
    vectors, values, _ = linalg.svd(weights, full_matrices=False)
    basis = vectors[:, :n_patterns][:, values[:n_patterns] > _IN_SPAN * max(values[0], _TINY)]
    projection = basis @ basis.T
    np.fill_diagonal(projection, 0.0)
    network = SpinNetwork((projection + projection.T) / 2.0)
    found = _falls(network, n_starts, max_sweeps, rng)
    outside = 1.0 - ((found @ basis) ** 2).sum(axis=1) / len(weights)
    chosen: list[Any] = []
    room = np.zeros((0, len(weights)))
    for k in np.argsort(outside, kind="stable"):
        if len(chosen) == basis.shape[1]:
            break
        row = found[k].astype(np.float64)
        rest = row - room.T @ (room @ row)
        if rest @ rest > _SAME * len(row):
            room = np.vstack([room, rest / np.linalg.norm(rest)])
            chosen.append(found[k])
    return np.array(chosen, dtype=np.int8).reshape(-1, len(weights))


def _falls(network: SpinNetwork, n_starts: int, max_sweeps: int, rng: Randomness) -> Spins:
    """Return the different states, but for a sign, at which spins rest that fall from random starts."""
    state = seed_state(rng)
    ends = np.empty((n_starts, network.n_spins), dtype=np.int8)
    for spins in ends:
        lattice.randomize(spins, state)
        spins[:] = settle(network.couplings, network.fields, spins, max_sweeps)
    return np.unique(ends * ends[:, :1], axis=0)


def _fitted(weights: Reals, patterns: Spins) -> StoredPatterns:
    """Return patterns with the strengths by which they make up W W^T best."""
    whole = weights @ weights.T
    if not len(patterns):
        return StoredPatterns(patterns, np.zeros((0, 0)), 1.0)
    known = patterns.astype(np.float64)
    inverse = linalg.pinv(known)  # (N, P)
    strengths = len(weights) * inverse.T @ whole @ inverse
    rest = whole - known.T @ strengths @ known / len(weights)
    size = np.linalg.norm(whole)
    return StoredPatterns(patterns, strengths, float(np.linalg.norm(rest) / size) if size else 0.0)
