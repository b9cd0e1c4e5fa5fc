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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness, State

    Reals = NDArray[np.float64]
    Spins = NDArray[np.int8]

_RULES = ("hebb", "pseudo-inverse")
_GIVEN = {"base", "hidden_biases", "n_hidden", "visible", "visible_biases"}
_SAME = 1e-6  # relative difference up to which weights have one size
_ALIKE = 2.0  # how much more of a state may lie outside than of the best one
_DIGITS = 9  # of what lies outside, so that rounding decides nothing


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
        """The mean of the diagonal of `strengths`: with Gaussian hidden units, beta of Hebb's rule."""
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
    nearest to: both are to be near that one. With Gaussian hidden units and Hebb's rule beta r is the same
    overlap of their means. Two results are equal if all their numbers are.
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
        network where the fields v . W on hidden units are small.
    hyperparameters
        Others of `RBM`, such as `dtype`, and those with which it may go on to learn.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, or follows from the patterns; if patterns are
        none or, for "pseudo-inverse", linearly dependent: the error names them.

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
    for name in _GIVEN & hyperparameters.keys():
        raise TypeError(f"{name} follows from the patterns; got {hyperparameters[name]!r}")
    if rule == "hebb":
        weights = math.sqrt(beta / known.shape[1]) * known.T
    else:
        check_independent(known)
        weights = math.sqrt(beta) * linalg.qr(known.T.astype(np.float64), mode="economic")[0]
    return RBM.from_parameters(weights, visible="spin", hidden=hidden, **hyperparameters)


def patterns_of(
    machine: RBM,
    *,
    rank: int | None = None,
    n_starts: int = 2000,
    max_sweeps: int = 100,
    rng: Randomness = None,
) -> StoredPatterns:
    """Return the patterns of +1 and -1 that lie in, or nearest to, what the columns of W span.

    The law of the visible units depends on W W^T alone if hidden units are Gaussian: W O with any rotation O
    is the same machine, and a machine that has learned shows its patterns in no single unit. But the span of
    the columns stays. Where every column has entries of one size it is a pattern itself. Else spins fall,
    from random starts, in the couplings of the projection on the span, whose lowest states are the patterns
    in it. Those of which least lies outside are taken, then spins fall in what the span has besides.

    Parameters
    ----------
    machine
        An `RBM` that knows its weights, of visible units of +1 and -1.
    rank
        How many singular vectors of W, the leading ones, span the patterns, below N; None takes all but
        those of singular value 0. A machine that has learned has small ones beside those that it means.
    n_starts
        Random starts of each search, at least 1. Of random patterns 2000 find all if there are up to 30.
    max_sweeps
        Of each fall, at least 1.
    rng
        As for `smbook.ising.simulate`.

    Returns
    -------
    StoredPatterns
        Patterns in the order of the hidden units if they are columns, else those first that lie in the span
        best; their first spin is +1 then. There may be fewer than the rank. A small residual says that the
        patterns span what the machine has, not that it was made of these: if there are nearly as many as
        spins, other states lie in the same span.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, visible units are not spins, or the columns span
        all states.

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
    n_starts = _checks.integer("n_starts", n_starts, minimum=1)
    max_sweeps = _checks.integer("max_sweeps", max_sweeps, minimum=1)
    state = seed_state(rng)
    sizes = np.abs(weights)
    if rank is None and sizes.min() > 0.0 and (np.ptp(sizes, axis=0) <= _SAME * sizes.max(axis=0)).all():
        strengths = np.diag(len(weights) * (sizes**2).mean(axis=0))
        return _fitted(weights, np.sign(weights.T).astype(np.int8), strengths)
    basis = _span(weights, rank, machine.weights_.dtype)
    return _fitted(weights, _in_span(basis, n_starts, max_sweeps, state))


def order_parameters(
    machine: RBM, visible: Spins, *, patterns: Spins | None = None, rng: Randomness = None
) -> RetrievalOrder:
    """Return the order parameters of retrieval of a machine's states.

    Parameters
    ----------
    machine
        An `RBM` that knows its weights, of visible units of +1 and -1.
    visible
        States, int8 (rows, N); rows 0 and 1, 2 and 3, ... of independent chains for the overlaps of replicas.
    patterns
        int8 (P, N), at least one; None takes those of `patterns_of`.
    rng
        As for `smbook.ising.simulate`, for that search.

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
    states = _layers.checked_units("visible", visible, "spin", n_spins)
    if states.ndim != 2 or not len(states):
        raise ValueError(f"visible must have the shape (rows, {n_spins}), at least one; got {states.shape}")
    known = patterns_of(machine, rng=rng).patterns if patterns is None else patterns
    known = checked_patterns(known, n_spins=n_spins)
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
    if machine._machine.visible != "spin":
        raise ValueError(
            f"machine must have visible units of the kind 'spin'; got {machine._machine.visible!r}"
        )
    return np.asarray(machine.weights_, dtype=np.float64)


def _span(weights: Reals, rank: int | None, dtype: np.dtype[Any]) -> Reals:
    """Return the leading singular vectors of weights that are exact to so many digits, (N, rank)."""
    n_spins, most = len(weights), min(weights.shape)
    if rank is not None:
        rank = _checks.integer("rank", rank, minimum=1, maximum=most)
    vectors, values, _ = linalg.svd(weights, full_matrices=False)
    found = int((values > n_spins * np.finfo(dtype).eps * values[0]).sum())
    found = found if rank is None else min(rank, found)
    if found == n_spins:
        raise ValueError(f"rank must be below the number of spins, {n_spins}: all states lie in the span")
    return np.asarray(vectors[:, :found])


def _in_span(basis: Reals, n_starts: int, max_sweeps: int, state: State) -> Spins:
    """Return independent states that lie in a span best, the best first, up to its dimension."""
    n_spins, rank = basis.shape
    whole = _projection(basis)
    chosen, known = np.empty((0, n_spins), np.int8), np.zeros((n_spins, 0))
    while len(chosen) < rank:
        left = basis - known @ (known.T @ basis)
        vectors, values, _ = linalg.svd(left, full_matrices=False)
        found = _falls(_projection(vectors[:, values > 0.5]), whole, n_starts, max_sweeps, state)
        outside = np.round(1.0 - ((found @ basis) ** 2).sum(axis=1) / n_spins, _DIGITS)
        order = np.argsort(outside, kind="stable")
        before, limit = len(chosen), np.inf
        for k in order:
            rest = found[k] - known @ (known.T @ found[k])
            if len(chosen) == rank or outside[k] > limit:
                break
            if rest @ rest > _SAME * n_spins:
                limit = min(limit, _ALIKE * outside[k] + 0.1**_DIGITS)
                chosen = np.vstack([chosen, found[k]])
                known = linalg.qr(np.column_stack([known, rest]), mode="economic")[0]
        if len(chosen) == before:
            break
    return chosen


def _projection(basis: Reals) -> Reals:
    """Return the couplings of the projection on orthonormal vectors, without their diagonal."""
    found = basis @ basis.T
    np.fill_diagonal(found, 0.0)
    return np.asarray((found + found.T) / 2.0)


def _falls(first: Reals, then: Reals, n_starts: int, max_sweeps: int, state: State) -> Spins:
    """Return the different states, but for a sign, at which spins rest that fall in two couplings in turn."""
    ends = np.empty((n_starts, len(first)), dtype=np.int8)
    nowhere = np.zeros(len(first))
    for spins in ends:
        lattice.randomize(spins, state)
        for couplings in (first, then):
            settle(couplings, nowhere, spins, max_sweeps)
    return np.unique(ends * ends[:, :1], axis=0)


def _fitted(weights: Reals, patterns: Spins, strengths: Reals | None = None) -> StoredPatterns:
    """Return patterns with these strengths, or those by which they make up W W^T best."""
    largest = float(np.abs(weights).max())
    if not len(patterns) or not largest:
        return StoredPatterns(patterns[:0], np.zeros((0, 0)), 1.0)
    known, scaled = patterns.astype(np.float64), weights / largest
    whole = scaled @ scaled.T
    if strengths is None:
        inverse = linalg.pinv(known)  # (N, P)
        strengths = largest**2 * len(weights) * inverse.T @ whole @ inverse
    rest = whole - known.T @ (strengths / largest**2) @ known / len(weights)
    return StoredPatterns(patterns, strengths, float(np.linalg.norm(rest) / np.linalg.norm(whole)))
