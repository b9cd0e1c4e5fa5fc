"""Live messages: a small graph of spins that the reader draws, and what its spins tell each other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import messages as kernels
from smbook.network import SpinNetwork, from_edges
from smbook.widgets._lab import Binary, Choice, Lab, Real, RefusedKindError, Switch, read_out, refusing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Wholes = NDArray[np.int64]

MOST_SPINS = 12
STRONGEST = 10.0  # coupling and field
APART = 0.1  # of two spins in the square
_SETTLED = 1e-13  # a change below it is none
_PATIENCE = 2000  # steps that the page takes at once, at most
_THOUSAND = 1000.0  # places are multiples of a thousandth


class _Graph(NamedTuple):
    """A graph as it is drawn: places (N, 2), edges (E, 2) with couplings (E,), and fields (N,)."""

    places: Floats
    edges: Wholes
    couplings: Floats
    fields: Floats

    def as_lists(self) -> list[Any]:
        """Return what a page needs of it."""
        return [part.tolist() for part in self]


class Propagation(NamedTuple):
    """Hold what a method found, step by step, beside what is exact. Two are equal if all their numbers are.

    Attributes
    ----------
    magnetization
        The means of all spins from step 0 on, (n_steps + 1, N).
    errors
        The largest error of a mean, (n_steps + 1,).
    changes
        By how much the step before changed a message, or a mean, at most; nan for step 0.
    log_partition
        ln Z after the last step, as the method has it.
    messages
        Those of belief propagation after the last step, (2E,), in the order of
        `smbook.message_passing.Beliefs`; none, (0,), for the mean fields.
    """

    magnetization: Floats
    errors: Floats
    changes: Floats
    log_partition: float
    messages: Floats

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        steps, n_spins = len(self.errors) - 1, self.magnetization.shape[1]
        return f"Propagation({steps} steps of {n_spins} spins: off by {self.errors[-1]:.3g} at most)"


class Exact(NamedTuple):
    """Hold what enumeration finds: `magnetization` (N,), `correlations` (E,) and `log_partition`."""

    magnetization: Floats
    correlations: Floats
    log_partition: float

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)


def _drawn(places: Any, edges: Any, couplings: Any, fields: Any) -> _Graph:
    """Return a graph of the lab's own."""
    strengths = np.broadcast_to(np.asarray(couplings, dtype=np.float64), (len(edges),))
    felt = np.broadcast_to(np.asarray(fields, dtype=np.float64), (len(places),))
    return _Graph(np.array(places, dtype=np.float64), np.array(edges), strengths.copy(), felt.copy())


def _circle(n_spins: int) -> Floats:
    """Return places on a circle, from its top on; of one spin the middle."""
    if n_spins == 1:
        return np.array([[0.5, 0.5]])
    angles = 2.0 * np.pi * np.arange(n_spins) / n_spins
    places = 0.5 + 0.5 * np.column_stack([np.sin(angles), -np.cos(angles)])
    return np.round(places * _THOUSAND) / _THOUSAND


_GRID = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]
_GRAPHS: dict[str, _Graph] = {
    "tree": _drawn(
        [[0.5, 0.05], [0.22, 0.45], [0.78, 0.45], [0.05, 0.96], [0.38, 0.8], [0.62, 0.96], [0.95, 0.8]],
        [(0, 1), (0, 2), (1, 3), (1, 4), (2, 5), (2, 6)],
        [0.5, -0.7, 0.9, 0.3, -0.4, 1.1],
        [0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7],
    ),
    "chain": _drawn(
        [[0.06, 0.16], [0.38, 0.08], [0.72, 0.16], [0.94, 0.45], [0.72, 0.76], [0.38, 0.86], [0.06, 0.76]],
        [(i, i + 1) for i in range(6)],
        1.0,
        [0.5, 0, 0, 0, 0, 0, 0],
    ),
    "ring": _drawn(_circle(6), [(i, (i + 1) % 6) for i in range(6)], 1.0, 0.1),
    "grid": _drawn([[i % 3 / 2, i // 3 / 2] for i in range(9)], _GRID, 1.0, 0.1),
    "triangle": _drawn([[0.12, 0.85], [0.5, 0.15], [0.88, 0.85]], [(0, 1), (1, 2), (0, 2)], [1, 1, -1], 0.2),
    "islands": _drawn(
        [[0.08, 0.1], [0.08, 0.5], [0.08, 0.9], [0.38, 0.5], [0.66, 0.85], [0.8, 0.25], [0.96, 0.85]],
        [(0, 1), (1, 2), (1, 3), (4, 5), (5, 6), (4, 6)],
        1.0,
        [0.4, 0, -0.2, 0, 0.2, 0.2, 0.2],
    ),
}
_BLANK = _drawn([[0.2, 0.5], [0.5, 0.5], [0.8, 0.5]], [(0, 1)], 1.0, [0.5, 0, 0])


class MessageLab(Lab, script="message_lab.js"):
    """A graph of spins that tell their neighbours what they know, and the averages that come of it.

    Spins s_i = +1 or -1 have the energy E(s) = -sum_(ij) J_ij s_i s_j - sum_i h_i s_i, the sum over the
    edges. The method "belief-propagation" passes messages along the edges, all at once in each step; "tap"
    and "naive-mean-field" tell all neighbours the same, the mean of a spin, with and without Onsager's
    reaction. Beside what comes of it stands what is exact, by enumeration.

    There are graphs that have a name, and the reader's "own", drawn on the page, or given as a `network`
    (a `smbook.network.SpinNetwork` of at most 12 spins), or as `edges` (E, 2) with `couplings` (one, or E;
    1 unless given), `fields` (one, or N; 0 unless given) and `places` (N, 2) in the unit square, from its
    upper left corner; on a circle unless given. N is the number of fields or places if one of them is
    given, else the largest number in `edges` and one more.

    From Reset on, and whenever a setting or the graph changes, all begins anew: after k steps the page shows
    ``propagate(k)``, bit for bit. Read-outs are None until a page shows the lab.

    Raises
    ------
    TypeError, ValueError
        As other labs do, or as `draw`.

    Examples
    --------
    >>> lab = MessageLab(graph="chain", beta=1.0)
    >>> lab
    MessageLab(graph='chain', beta=1.0, field=0.0, method='belief-propagation', start='nothing', damping=0.0,
               speed=2.0, running=False)
    >>> lab.propagate(6).magnetization[:, 6].round(4).tolist()  # news from spin 0 take six steps
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0902]
    >>> round(float(lab.exact.magnetization[6]), 4)
    0.0902
    >>> ring = MessageLab(edges=[(0, 1), (1, 2), (2, 0)], fields=0.2, beta=1.0)
    >>> ring.propagate(100)
    Propagation(100 steps of 3 spins: off by 0.314 at most)
    >>> lab.beta = 3.0
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: beta must be at most 2; got 3.0
    """

    alt: ClassVar[str] = (
        "Seven spins as circles, joined to a tree, with an arrow in each direction along each bond, filled "
        "for up and open for down; beside it bars of the spins' means that end at the exact ones, and their "
        "largest error by step, which falls to rounding after the fourth."
    )

    graph = Choice(*_GRAPHS, "own", doc="which graph: one that is known by name, or the reader's own")
    beta = Real(1.0, 0.0, 2.0, doc="inverse temperature, in which couplings and fields count")
    field = Real(0.0, -1.0, 1.0, doc="an additional field on all spins, added to those of the graph")
    method = Choice(
        "belief-propagation", "tap", "naive-mean-field", doc="what is passed on, and how it is taken"
    )
    start = Choice("nothing", "up", doc="messages, or means, at first: 0 or 1")
    damping = Real(0.0, 0.0, 0.95, doc="the share of the old message, or mean, that is kept in a step")
    speed = Real(2.0, 0.5, 50.0, doc="steps a second")
    running = Switch(False, doc="whether the lab is running")

    steps = read_out("steps since Reset")
    error = read_out("the largest error of the mean of a spin now")
    edge_error = read_out("the largest error of <s_i s_j> on an edge; None for the mean fields")
    log_partition = read_out("ln Z as the method has it now")
    exact_log_partition = read_out("ln Z by enumeration")
    change = read_out("the largest change of a message, or of a mean, in the last step; None at Reset")
    loops = read_out("how many edges can be cut before the graph falls apart further")
    converged = read_out("1 if the last step changed nothing but by rounding, else 0")

    _graphs = traitlets.Dict(read_only=True).tag(sync=True)
    _facts = traitlets.Dict(read_only=True).tag(sync=True)
    _own = Binary()  # the reader's own graph: lists as of `_Graph`, in JSON

    def __init__(
        self,
        *,
        network: SpinNetwork | None = None,
        edges: ArrayLike | None = None,
        couplings: ArrayLike | None = None,
        fields: ArrayLike | None = None,
        places: ArrayLike | None = None,
        **settings: Any,
    ) -> None:
        given = {"couplings": couplings, "fields": fields, "places": places}
        named = [name for name, value in {"edges": edges, **given}.items() if value is not None]
        own = network is not None or bool(named)
        if own and settings.get("graph", "own") != "own":
            raise TypeError(f"{(named or ['network'])[0]} make a graph of its own; give either it or graph")
        if network is not None and (edges is not None or couplings is not None or fields is not None):
            raise TypeError("a network has its own edges, couplings and fields; give either it or them")
        super().__init__(**settings)
        if network is not None:
            self.draw(_checked_network(network), places=places)
        elif own:
            self.draw([] if edges is None else edges, **given)

    @traitlets.default("_graphs")
    def _list_graphs(self) -> dict[str, Any]:
        return {name: graph.as_lists() for name, graph in {**_GRAPHS, "own": _BLANK}.items()}

    @traitlets.default("_facts")
    def _list_facts(self) -> dict[str, float]:
        return {
            "most": MOST_SPINS,
            "strongest": STRONGEST,
            "apart": APART,
            "settled": _SETTLED,
            "patience": _PATIENCE,
        }

    def __repr__(self) -> str:
        if self.graph != "own":
            return super().__repr__()
        shown = self._shown
        given = {"edges": shown.edges, "couplings": shown.couplings, "fields": shown.fields}
        parts = [f"{name}={part.tolist()!r}" for name, part in {**given, "places": shown.places}.items()]
        parts += [f"{name}={getattr(self, name)!r}" for name in self._settings() if name != "graph"]
        return f"{type(self).__name__}({', '.join(parts)})"

    def draw(
        self,
        edges: SpinNetwork | ArrayLike,
        *,
        couplings: ArrayLike | None = None,
        fields: ArrayLike | None = None,
        places: ArrayLike | None = None,
    ) -> None:
        """Give a graph of your own, and show it.

        Parameters
        ----------
        edges
            Pairs of spins, (E, 2), or a `smbook.network.SpinNetwork`, which has couplings and fields.
        couplings
            J of each edge, or one for all, from -10 to 10 and not 0; 1 unless given.
        fields
            h of each spin, or one for all, from -10 to 10; 0 unless given.
        places
            Where the spins are drawn, (N, 2), from 0 to 1 and at least 0.1 apart; on a circle unless given.

        Raises
        ------
        TypeError, ValueError
            If it is no such graph, or has more than 12 spins. The lab stays as it was.

        Examples
        --------
        >>> lab = MessageLab()
        >>> lab.draw([(0, 1), (1, 2)], couplings=[1.0, -1.0], fields=[0.5, 0.0, 0.0])
        >>> lab.graph, lab.network
        ('own', SpinNetwork(3 spins, sparse couplings in float64, in a field))
        """
        with refusing():
            if isinstance(edges, SpinNetwork):
                if couplings is not None or fields is not None:
                    raise TypeError("a network has its own couplings and fields; give them with edges only")
                edges, couplings, fields = _parts_of(edges)
            drawn = _checked(edges, couplings, fields, places)
        with self.hold_sync():
            self._own = json.dumps(drawn.as_lists()).encode()
            self.graph = "own"

    @property
    def _shown(self) -> _Graph:
        if self.graph != "own":
            return _GRAPHS[self.graph]
        if not self._own:
            return _BLANK
        places, edges, couplings, fields = json.loads(self._own)
        return _drawn(places, np.array(edges, dtype=np.int64).reshape(-1, 2), couplings, fields)

    @property
    def edges(self) -> Wholes:
        """The edges that the page shows, int64 (E, 2)."""
        return self._shown.edges.copy()

    @property
    def couplings(self) -> Floats:
        """J of each edge, (E,)."""
        return self._shown.couplings.copy()

    @property
    def fields(self) -> Floats:
        """The field h of each spin, (N,), to which `field` is added."""
        return self._shown.fields.copy()

    @property
    def places(self) -> Floats:
        """Where the spins are drawn, (N, 2), in the unit square from its upper left corner."""
        return self._shown.places.copy()

    @property
    def network(self) -> SpinNetwork:
        """The network that the page shows, with `field` among its fields.

        One that is assigned is drawn as by `draw`, and `field` becomes 0.
        """
        places, edges, couplings, fields = self._shown
        return from_edges(len(places), edges, couplings=couplings, fields=fields + self.field)

    @network.setter
    def network(self, network: SpinNetwork) -> None:
        with self.hold_sync():
            self.draw(_checked_network(network))
            self.field = 0.0

    @property
    def exact(self) -> Exact:
        """What is exact: the means, the correlations of the edges, and ln Z.

        Examples
        --------
        >>> round(MessageLab(graph="tree").exact.log_partition, 10)
        7.1199492713
        """
        rows = _Rows(self.network)
        means, correlations, log_partition = rows.exact(self.beta)
        return Exact(means, correlations[rows.places_of(self._shown.edges)], log_partition)

    def propagate(self, n_steps: int) -> Propagation:
        """Return what the page shows after so many steps from Reset on.

        Parameters
        ----------
        n_steps
            The number of steps, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> MessageLab(graph="tree").propagate(4)  # the longest path has four edges
        Propagation(4 steps of 7 spins: off by 7.77e-16 at most)
        >>> MessageLab(graph="tree", method="naive-mean-field").propagate(200)
        Propagation(200 steps of 7 spins: off by 0.367 at most)
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        rows = _Rows(self.network)
        exact, *_ = rows.exact(self.beta)
        teller = (_Passed if self.method == "belief-propagation" else _Told)(self, rows)
        means, changes = np.empty((n_steps + 1, exact.size)), np.full(n_steps + 1, np.nan)
        means[0] = teller.means
        for k in range(1, n_steps + 1):
            changes[k] = teller.step()
            means[k] = teller.means
        errors = np.abs(means - exact).max(axis=1)
        return Propagation(means, errors, changes, teller.log_partition(), teller.told())


class _Rows:
    """A network as the kernels take it."""

    def __init__(self, network: SpinNetwork) -> None:
        couplings = network.couplings
        self.entries = np.array(couplings.data, dtype=np.float64)
        self.columns = np.array(couplings.indices, dtype=np.int64)
        self.starts = np.array(couplings.indptr, dtype=np.int64)
        self.fields = np.array(network.fields, dtype=np.float64)
        self.reverse = np.empty(self.columns.size, dtype=np.int64)
        room = np.empty(self.fields.size, dtype=np.int64)
        kernels.reverse_entries(self.columns, self.starts, room, self.reverse)

    def exact(self, beta: float) -> tuple[Floats, Floats, float]:
        means, correlations = np.empty(self.fields.size), np.empty(self.entries.size)
        log_partition = kernels.enumerate_spins(
            beta, self.entries, self.columns, self.starts, self.fields, means, correlations
        )
        return means, correlations, float(log_partition)

    def places_of(self, edges: Wholes) -> list[int]:
        """Return where each edge stands among the entries."""
        return [
            int(self.starts[i] + np.flatnonzero(self.columns[self.starts[i] : self.starts[i + 1]] == j)[0])
            for i, j in edges.tolist()
        ]


class _Passed:
    """Belief propagation, as on the page."""

    def __init__(self, lab: MessageLab, rows: _Rows) -> None:
        first = 1.0 if lab.start == "up" else 0.0
        self._beta, self._damping, self._rows = lab.beta, lab.damping, rows
        self.messages, self._cavities = np.full(rows.entries.size, first), np.empty(rows.entries.size)
        self.means = np.empty(rows.fields.size)
        self._look()

    def _look(self) -> None:
        rows = self._rows
        kernels.beliefs(self._beta, rows.starts, rows.fields, self.messages, self.means)

    def step(self) -> float:
        rows = self._rows
        given = self._beta, rows.entries, rows.starts, rows.reverse, rows.fields
        change = kernels.pass_messages(*given, self._damping, self.messages, self._cavities)
        self._look()
        return float(change)

    def told(self) -> Floats:
        """Return the messages along all edges (i, j), i < j, and then those back."""
        rows = self._rows
        lower = np.flatnonzero(np.repeat(np.arange(self.means.size), np.diff(rows.starts)) < rows.columns)
        both: Floats = self.messages[np.concatenate([rows.reverse[lower], lower])]
        return both

    def log_partition(self) -> float:
        rows = self._rows
        given = self._beta, rows.entries, rows.starts, rows.reverse, rows.fields
        return float(kernels.bethe_log_partition(*given, self.messages, self._cavities))


class _Told:
    """A mean field, as on the page."""

    def __init__(self, lab: MessageLab, rows: _Rows) -> None:
        self.means = np.full(rows.fields.size, 1.0 if lab.start == "up" else 0.0)
        self._older, self._room = np.zeros(rows.fields.size), np.empty(rows.fields.size)
        self._reacts, self._damping = lab.method == "tap", lab.damping
        self._given = lab.beta, rows.entries, rows.columns, rows.starts, rows.fields

    def step(self) -> float:
        given = *self._given, self._damping
        if self._reacts:
            return float(kernels.tap_step(*given, 0, self.means, self._older, self._room))
        return float(kernels.naive_step(*given, self.means, self._room))

    def told(self) -> Floats:
        return np.empty(0)

    def log_partition(self) -> float:
        return float(kernels.mean_field_log_partition(*self._given, 1 + self._reacts, self.means))


def _checked_network(network: Any) -> SpinNetwork:
    if not isinstance(network, SpinNetwork):
        raise RefusedKindError(f"network must be a smbook.network.SpinNetwork; got {network!r}")
    return network


def _parts_of(network: SpinNetwork) -> tuple[Wholes, Floats, Floats]:
    """Return the edges, couplings and fields of a network, or raise if the page cannot show it."""
    n_spins = _checks.integer(
        "the number of spins of network", network.n_spins, minimum=1, maximum=MOST_SPINS
    )
    couplings = network.couplings
    matrix = couplings if isinstance(couplings, np.ndarray) else couplings.toarray()
    above = np.triu(matrix.astype(np.float64))
    first, second = np.nonzero(above)
    edges = np.column_stack([first, second]).astype(np.int64)
    return edges, above[first, second], network.fields.astype(np.float64).reshape(n_spins)


def _checked(edges: Any, couplings: Any, fields: Any, places: Any) -> _Graph:
    """Return a graph, or raise if it is none that the page can show."""
    pairs = _checks.integers(
        "edges", edges if np.size(edges) else np.empty((0, 2), dtype=np.int64), minimum=0
    )
    if pairs.ndim != 2 or pairs.shape[1] != 2:
        raise ValueError(f"edges must have the shape (E, 2); got {pairs.shape}")
    felt = None if fields is None else _checked_numbers("fields", fields)
    put = None if places is None else _checks.reals("places", places)
    known = [len(part) for part in (felt, put) if part is not None and part.ndim]
    n_spins = known[0] if known else 1 + int(pairs.max(initial=-1))
    _checks.integer("the number of spins", n_spins, minimum=1, maximum=MOST_SPINS)
    _check_pairs(pairs, n_spins)
    strengths = _checked_numbers("couplings", 1.0 if couplings is None else couplings)
    if (strengths == 0.0).any():
        raise ValueError("couplings must not be 0; leave the edge out")
    return _Graph(
        _checked_places(put, n_spins),
        pairs,
        _spread("couplings", strengths, len(pairs), "edges"),
        _spread("fields", np.zeros(()) if felt is None else felt, n_spins, "spins"),
    )


def _checked_numbers(name: str, values: Any) -> Floats:
    numbers: Floats = _checks.reals(name, values)
    if (np.abs(numbers) > STRONGEST).any():
        wrong = numbers[np.abs(numbers) > STRONGEST].flat[0]
        raise ValueError(f"{name} must lie between -10 and 10; got {wrong}")
    return numbers


def _spread(name: str, numbers: Floats, count: int, what: str) -> Floats:
    """Return as many numbers as there are edges or spins."""
    if numbers.shape not in ((), (count,)):
        raise ValueError(f"{name} must be one number or those of {count} {what}; got shape {numbers.shape}")
    return np.broadcast_to(numbers, (count,)).copy()


def _check_pairs(pairs: Wholes, n_spins: int) -> None:
    if pairs.size and pairs.max() >= n_spins:
        raise ValueError(f"edges must join spins 0 to {n_spins - 1}; got {pairs.max()}")
    seen = set()
    for i, j in pairs.tolist():
        if i == j:
            raise ValueError(f"an edge must join two spins; got {(i, j)}")
        if frozenset((i, j)) in seen:
            raise ValueError(f"edges must not name a pair twice; got {(i, j)} again")
        seen.add(frozenset((i, j)))


def _checked_places(places: Floats | None, n_spins: int) -> Floats:
    if places is None:
        return _circle(n_spins)
    if places.shape != (n_spins, 2):
        raise ValueError(f"places must have the shape ({n_spins}, 2); got {places.shape}")
    if places.min() < 0.0 or places.max() > 1.0:
        wrong = places[(places < 0.0) | (places > 1.0)][0]
        raise ValueError(f"places must lie between 0 and 1; got {wrong}")
    gaps = np.hypot(*(places[:, None] - places).transpose(2, 0, 1)) + 2.0 * np.eye(n_spins)
    if gaps.min() < APART:
        i, j = np.unravel_index(gaps.argmin(), gaps.shape)
        raise ValueError(
            f"places must be at least {APART} apart; spins {i} and {j} are {gaps.min():.3g} apart"
        )
    return np.round(places * _THOUSAND) / _THOUSAND
