"""Networks of chosen edges: any graph, random trees, and random graphs of as many neighbours for all."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from smbook import _checks
from smbook.kernels import lattice
from smbook.kernels.rng import fill_normal, fill_uint64, state_apart
from smbook.network.model import SpinNetwork

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from smbook.kernels.rng import Randomness, State

    Floats = NDArray[np.float64]
    Edges = NDArray[np.int64]

_DISORDERS = ("none", "gaussian", "plus-minus")
_MOST_TRIES, _IN_VAIN = 1000, 1000  # starts, and exchanges that do not work


def from_edges(
    n: int, edges: ArrayLike, *, couplings: ArrayLike = 1.0, fields: ArrayLike = 0.0
) -> SpinNetwork:
    """Return a network of `n` spins that are coupled along the given edges, in sparse rows.

    Parameters
    ----------
    n
        Number N of spins, at least 1.
    edges
        Pairs of spins, integers from 0 to N - 1, (E, 2), each pair once; E may be 0. The graph need not be
        connected.
    couplings
        J, E numbers, or one for all edges.
    fields
        h, N numbers, or one for all spins.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range, if an edge names a spin that is not there, joins
        a spin to itself or is named twice, or if there are not as many couplings as edges, or fields as
        spins. It tells which.

    Examples
    --------
    >>> triangle = from_edges(3, [(0, 1), (1, 2), (0, 2)], couplings=[1.0, 1.0, -1.0])
    >>> triangle
    SpinNetwork(3 spins, sparse couplings in float64)
    >>> triangle.enumerate(1.0).ground_energy
    -1.0
    """
    n = _checks.integer("n", n, minimum=1)
    pairs = _checked_edges(edges, n)
    values = _one_each("couplings", couplings, len(pairs), "edge")
    _check_finite("couplings", values, lambda e: f"edge {e}, {_pair(pairs[e])}")
    local = _one_each("fields", fields, n, "spin")
    _check_finite("fields", local, lambda i: f"spin {i}")
    return _network(n, pairs, values, local)


def random_tree(
    n: int, *, disorder: str = "gaussian", fields: ArrayLike = 0.0, rng: Randomness = None
) -> SpinNetwork:
    """Return a network on a tree drawn uniformly from all trees of `n` numbered spins: connected, no loop.

    Parameters
    ----------
    n
        Number N of spins, at least 1; there are N - 1 edges.
    disorder
        Couplings that are "gaussian", of mean 0 and variance 1, "plus-minus", +1 or -1 with probability 1/2,
        or "none": all 1.
    fields
        h, N numbers, or one for all spins.
    rng
        As for `smbook.ising.simulate`. A run from the same seed is independent of the network.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Pruefer (1918), whose words of N - 2 numbers are the trees.

    Examples
    --------
    >>> tree = random_tree(100, rng=1)
    >>> tree.couplings.nnz // 2
    99
    """
    n = _checks.integer("n", n, minimum=1)
    _checks.choice("disorder", disorder, _DISORDERS)
    local = _one_each("fields", fields, n, "spin")
    _check_finite("fields", local, lambda i: f"spin {i}")
    state = state_apart(rng)
    pairs = _tree(_below(n, max(n - 2, 0), state), n)
    return _network(n, pairs, _couplings(disorder, len(pairs), state), local)


def random_regular(
    n: int, degree: int, *, disorder: str = "none", fields: ArrayLike = 0.0, rng: Randomness = None
) -> SpinNetwork:
    """Return a network on a random graph in which every spin has `degree` neighbours.

    Loops are as long as ln N: seen from a spin, it is a tree for a long way, a Bethe lattice that has no
    surface. It is connected with a probability that tends to 1 for a degree of 3 and more.

    Parameters
    ----------
    n
        Number N of spins, at least 1.
    degree
        From 0 to N - 1; N times it is even.
    disorder, fields, rng
        As for `random_tree`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    References
    ----------
    Bollobas (1980): all ends of edges are paired at random. McKay and Wormald (1990): an edge that joins a
    spin to itself, or two that are joined already, changes ends with one drawn from all. For a fixed degree
    and large N all graphs are as likely.

    Examples
    --------
    >>> network = random_regular(1000, 3, rng=1)
    >>> sorted(set(network.couplings.sum(axis=1).tolist()))
    [3.0]
    """
    n = _checks.integer("n", n, minimum=1)
    degree = _checks.integer("degree", degree, minimum=0, maximum=n - 1)
    if n * degree % 2:
        raise ValueError(f"n times degree must be even, twice the number of edges; got {n} times {degree}")
    _checks.choice("disorder", disorder, _DISORDERS)
    local = _one_each("fields", fields, n, "spin")
    _check_finite("fields", local, lambda i: f"spin {i}")
    state = state_apart(rng)
    pairs = _regular(n, degree, state)
    return _network(n, pairs, _couplings(disorder, len(pairs), state), local)


def _network(n: int, pairs: Edges, values: Floats, fields: Floats) -> SpinNetwork:
    both = np.concatenate([pairs, pairs[:, ::-1]])
    entries = np.concatenate([values, values])
    couplings = sparse.coo_array((entries, (both[:, 0], both[:, 1])), shape=(n, n))
    return SpinNetwork(couplings, fields)


def _checked_edges(edges: ArrayLike, n: int) -> Edges:
    """Return pairs of spins as (E, 2), or raise."""
    if not np.ma.isMaskedArray(edges) and np.size(np.asarray(edges, dtype=object)) == 0:
        return np.empty((0, 2), dtype=np.int64)
    pairs = _checks.integers("edges", edges)
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"edges must be pairs of spins, (E, 2); got shape {pairs.shape}")
    strange = np.flatnonzero(((pairs < 0) | (pairs >= n)).any(axis=1))
    if strange.size:
        e = int(strange[0])
        raise ValueError(f"edges must join spins from 0 to {n - 1}; got edge {e}, {_pair(pairs[e])}")
    loops = np.flatnonzero(pairs[:, 0] == pairs[:, 1])
    if loops.size:
        e = int(loops[0])
        raise ValueError(f"edges must join two spins; got edge {e}, {_pair(pairs[e])}, from one to itself")
    _check_named_once(pairs, n)
    return pairs


def _check_named_once(pairs: Edges, n: int) -> None:
    names = _names(pairs, n)
    order = np.argsort(names, kind="stable")
    twice = np.flatnonzero(np.diff(names[order]) == 0)
    if twice.size:
        first, second = (int(e) for e in order[twice[0] : twice[0] + 2])
        raise ValueError(
            f"edges must be named once; got edge {second}, {_pair(pairs[second])}, which edge {first} is too"
        )


def _names(pairs: Edges, n: int) -> Edges:
    """Return a number for each edge that does not depend on its direction."""
    return np.asarray(pairs.min(axis=1) * n + pairs.max(axis=1))


def _pair(edge: Edges) -> tuple[int, int]:
    return int(edge[0]), int(edge[1])


def _one_each(name: str, values: ArrayLike, count: int, each: str) -> Floats:
    """Return numbers as one for each edge or spin, finite or not, or raise."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must hold real numbers; got a masked array")
    try:
        given = np.asarray(values)
    except ValueError:
        raise TypeError(f"{name} must hold real numbers in rows of one length; got {values!r}") from None
    if given.size == 0 and count == 0:
        given = given.astype(np.float64).reshape(0)
    if given.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers; got dtype {given.dtype}")
    if given.shape not in ((), (count,)):
        raise ValueError(
            f"{name} must be one number or {count}, one for each {each}; got shape {given.shape}"
        )
    return np.array(np.broadcast_to(given, (count,)), dtype=np.float64)


def _check_finite(name: str, values: Floats, place: Callable[[int], str]) -> None:
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise ValueError(f"{name} must be finite; got {values[wrong[0]]} at {place(int(wrong[0]))}")


def _couplings(disorder: str, count: int, state: State) -> Floats:
    if disorder == "none":
        return np.ones(count)
    if disorder == "gaussian":
        drawn = np.empty(count)
        fill_normal(state, drawn)
        return drawn
    signs = np.empty(count, dtype=np.int8)
    lattice.randomize(signs, state)
    return signs.astype(np.float64)


def _words(count: int, state: State) -> NDArray[np.uint64]:
    words = np.empty(count, dtype=np.uint64)
    fill_uint64(state, words)
    return words


def _below(n: int, count: int, state: State) -> Edges:
    """Return `count` random integers from 0 to n - 1, whose chances differ by n / 2**63."""
    return ((_words(count, state) >> np.uint64(1)) % np.uint64(n)).astype(np.int64)


def _tree(word: Edges, n: int) -> Edges:
    """Return the edges of the tree that a word of n - 2 numbers stands for: leaves go, the lowest first."""
    degrees = 1 + np.bincount(word, minlength=n)
    pairs = np.empty((n - 1, 2), dtype=np.int64)
    place = leaf = int(np.argmax(degrees == 1))
    for e, joined in enumerate(word.tolist()):
        pairs[e] = leaf, joined
        degrees[joined] -= 1
        if joined < place and degrees[joined] == 1:
            leaf = joined
            continue
        place += 1
        while degrees[place] != 1:
            place += 1
        leaf = place
    if n > 1:
        pairs[-1] = leaf, n - 1
    return pairs


def _regular(n: int, degree: int, state: State) -> Edges:
    """Return the edges of a random regular graph; of many neighbours, those that are none are drawn."""
    if 2 * degree > n - 1:
        upper = np.stack(np.triu_indices(n, 1), axis=1)
        missing = _regular(n, n - 1 - degree, state)
        return np.asarray(upper[~np.isin(_names(upper, n), _names(missing, n))])
    for _ in range(_MOST_TRIES):
        found = _paired(n, degree, state)
        if found is not None:
            return found
    raise RuntimeError(f"no graph of {n} spins with {degree} neighbours each was found; try another rng")


def _paired(n: int, degree: int, state: State) -> Edges | None:
    """Return edges that pair all ends at random, or None if those that cannot stay cannot be mended.

    One that joins a spin to itself, or two that are joined already, changes ends with an edge drawn from all.
    """
    ends = np.repeat(np.arange(n), degree)
    pairs = ends[np.argsort(_words(ends.size, state), kind="stable")].reshape(-1, 2)
    names = _names(pairs, n)
    wrong = np.ones(len(pairs), dtype=np.bool_)
    wrong[np.unique(names, return_index=True)[1]] = False
    wrong |= pairs[:, 0] == pairs[:, 1]
    counts = Counter(names.tolist())
    for e in np.flatnonzero(wrong).tolist():
        while pairs[e, 0] == pairs[e, 1] or counts[int(_names(pairs[e : e + 1], n)[0])] > 1:
            if not any(_exchanged(pairs, e, counts, n, state) for _ in range(_IN_VAIN)):
                return None
    return pairs


def _exchanged(pairs: Edges, e: int, counts: Counter[int], n: int, state: State) -> bool:
    """Let edge e change ends with another, if both new ones are new to the graph; tell whether they are."""
    f, turned = divmod(int(_below(2 * len(pairs), 1, state)[0]), 2)
    fresh = np.stack([[pairs[e, 0], pairs[f, turned]], [pairs[e, 1], pairs[f, 1 - turned]]])
    one, other = _names(fresh, n).tolist()
    if f == e or one == other or counts[one] or counts[other] or (fresh[:, 0] == fresh[:, 1]).any():
        return False
    counts.subtract(_names(pairs[[e, f]], n).tolist())
    counts.update([one, other])
    pairs[e], pairs[f] = fresh
    return True
