"""Live threshold units: wire neurons of McCulloch and Pitts into a net, and see time pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels.hopfield import fill_patterns
from smbook.kernels.rng import seed_state
from smbook.perceptron import nets
from smbook.perceptron.units import ThresholdNet, Unit, checked_bits
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    Switch,
    read_out,
    refusing,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Bits = NDArray[np.int8]
    Wholes = NDArray[np.int64]

MOST_INPUTS, MOST_UNITS, HIGHEST = 3, 6, 9  # and the highest threshold
LONGEST_NAME = 14

_EXCLUSIVE_OR = ThresholdNet(2, (Unit((0,), (1,)), Unit((1,), (0,)), Unit((2, 3))), names=tuple("12345"))
# The nets that have a name, and what their inputs and units are called where the names of the net are long.
_NETS: dict[str, tuple[ThresholdNet, tuple[str, ...]]] = {
    "precession": (nets.precession(), ()),
    "disjunction": (nets.disjunction(), ()),
    "conjunction": (nets.conjunction(), ()),
    "conjoined-negation": (nets.conjoined_negation(), ()),
    "exclusive-or": (_EXCLUSIVE_OR, ()),
    "heat-illusion": (nets.heat_illusion(), ("heat", "cold", "a", "b", "feels hot", "feels cold")),
    "memory": (nets.latch(), ("set", "reset", "memory")),
    "oscillator": (nets.oscillator(3), ("start", "1", "2", "3")),
    "counter": (nets.counter(1), ("pulse", "up", "carry", "bit")),
}
_BLANK = ThresholdNet(2, (Unit(()),), names=("a", "b", "1"))  # of the reader's own, before anything is wired


# Which nets are for pulses, as the page's menu says too; and settings that tell what is to be seen.
_PULSED = ("heat-illusion", "memory", "oscillator", "counter")
_OF_THE_NET = {"net", "drive", "first", "second", "third"}


class NeuronRun(NamedTuple):
    """Hold what fired when: `inputs` int8 (T, n_inputs), and `states` of the units, int8 (T + 1, n_units).

    Row t + 1 of the states follows from row t of both; row 0 is silent. Two results are equal if all their
    numbers are.
    """

    inputs: Bits
    states: Bits

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        steps, n_inputs = self.inputs.shape
        return f"NeuronRun({steps} steps of {n_inputs} inputs and {self.states.shape[1]} units)"


class NeuronLab(Lab, script="neuron_lab.js"):
    """A net of threshold units: neurons that fire or do not, synapses that excite or veto, and time in steps.

    A unit fires at t + 1 if, at t, as many of its exciting synapses are active as its threshold says, or
    more, and none of those that inhibit it is. The nets that have a name are the four of McCulloch and Pitts
    (1943), exclusive or with three units, their illusion of heat, a memory of one bit, a ring that oscillates
    once it is started, and a counter by two, for pulses that are two steps apart at least.

    ``NeuronLab(net=...)`` shows a `smbook.perceptron.ThresholdNet` of the reader's own, of up to 3 inputs and
    6 units with two synapses from the same source at most; so does ``NeuronLab(wiring=..., thresholds=...)``:
    a row a unit and a column a source, inputs first, of entries 1 and 2 for one and for two exciting
    synapses, -1 for one that inhibits, 0 for none. On the page a reader edits the same table.

    With the `drive` "switches" an input is on as long as its switch is (`first`, `second`, `third`); with
    "pulses" those whose switch is on at Reset fire in the first step, and from then on whatever is pressed
    fires once; with "random" each fires in each step with the `probability`, drawn with `seed`. After k steps
    from Reset on, with nothing pressed, the page shows the last row of ``simulate(k)``; whatever was pressed,
    it showed ``lab.simulate(len(lab.inputs), lab.inputs)``, of which the first 4096 steps are kept.

    Whoever gives a net but no drive gets the one that suits it, as from the menu: "pulses" for the
    illusion of heat, the memory, the oscillator and the counter, else "switches". Inputs are silent at Reset
    unless they are switched on; only a lab of which neither net nor inputs are given opens with the first on.

    Read-outs are None until a page shows the lab.

    Raises
    ------
    TypeError, ValueError
        As other labs do, or as `wire`.

    Examples
    --------
    >>> lab = NeuronLab(net="exclusive-or", first=True)
    >>> lab
    NeuronLab(net='exclusive-or', drive='switches', first=True, second=False, third=False, probability=0.2,
              speed=2.0, seed=1, running=False)
    >>> lab.wiring
    array([[ 1, -1,  0,  0,  0],
           [-1,  1,  0,  0,  0],
           [ 0,  0,  1,  1,  0]], dtype=int8)
    >>> lab.simulate(3).states
    array([[0, 0, 0],
           [1, 0, 0],
           [1, 0, 1],
           [1, 0, 1]], dtype=int8)
    >>> lab = NeuronLab(wiring=[[1, 1, 1, 0]], thresholds=[2])  # of three the majority
    >>> lab.net, lab.names
    ('own', ('a', 'b', 'c', '1'))
    >>> lab.simulate(1, [[0, 1, 1]]).states[-1]
    array([1], dtype=int8)
    >>> lab.speed = 0.0
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: speed must be at least 0.5; got 0.0
    """

    alt: ClassVar[str] = (
        "Inputs on the left and neurons as circles with their thresholds inside, lit while they fire; arrows "
        "for what excites, and dashed lines with an open ring at their end for what inhibits; beside them a "
        "record with a row for each, in which strokes mark the steps in which it fired."
    )

    net = Choice(*_NETS, "own", doc="which net: one that is known by name, or the reader's own")
    drive = Choice("switches", "pulses", "random", doc="how inputs fire")
    first = Switch(True, doc="whether the first input is on from Reset on, or fires then")
    second = Switch(False, doc="whether the second one is")
    third = Switch(False, doc="whether the third one is")
    probability = Real(0.2, 0.0, 1.0, doc="with which an input that fires at random does so in a step")
    speed = Real(2.0, 0.5, 50.0, doc="steps a second")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of inputs that fire at random")
    running = Switch(False, doc="whether the lab is running")

    steps = read_out("steps since Reset")
    active = read_out("how many of the units fire now")
    output = read_out("1 if the last unit fires now, else 0")

    _nets = traitlets.Dict(read_only=True).tag(sync=True)
    _most = traitlets.Dict(read_only=True).tag(sync=True)
    _wiring = Binary()  # the reader's own net: numbers of inputs and units, thresholds, rows of the matrix
    _called = Binary()  # names of its inputs and units, one a line
    _record = Binary()  # what inputs have done since Reset, a byte a step, bit i for input i

    def __init__(
        self,
        *,
        wiring: ArrayLike | None = None,
        thresholds: ArrayLike | None = None,
        names: Sequence[str] | None = None,
        **settings: Any,
    ) -> None:
        net: Any = wiring
        if isinstance(settings.get("net"), ThresholdNet):
            net = settings.pop("net")
        if net is None and not (thresholds is None and names is None):
            raise TypeError("thresholds and names need wiring, whose units they are of")
        if wiring is not None and (net is not wiring or settings.get("net", "own") != "own"):
            raise TypeError("wiring is a net of its own; give either net or wiring")
        if _OF_THE_NET & settings.keys() or net is not None:
            settings = _suiting(settings, net) | settings
        super().__init__(**settings)
        if net is not None:
            self.wire(net, thresholds, names=names)

    @traitlets.default("_nets")
    def _list_nets(self) -> dict[str, Any]:
        """Of each net its matrix, thresholds and names, as lists."""
        found = {}
        for name, (net, names) in {**_NETS, "own": (_BLANK, ())}.items():
            wiring, thresholds = _parts_of(net)
            found[name] = [wiring.tolist(), thresholds.tolist(), list(names or net.names)]
        return found

    @traitlets.default("_most")
    def _list_most(self) -> dict[str, int]:
        return {"inputs": MOST_INPUTS, "units": MOST_UNITS, "threshold": HIGHEST, "letters": LONGEST_NAME}

    def __repr__(self) -> str:
        if self.net != "own":
            return super().__repr__()
        given: dict[str, Any] = {"wiring": self.wiring.tolist(), "thresholds": self.thresholds.tolist()}
        given["names"] = list(self.names)
        given |= {name: getattr(self, name) for name in self._settings() if name != "net"}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in given.items())})"

    def wire(
        self, net: Any, thresholds: ArrayLike | None = None, *, names: Sequence[str] | None = None
    ) -> None:
        """Give a net of your own, and show it.

        Parameters
        ----------
        net
            A `smbook.perceptron.ThresholdNet`, or the matrix of synapses, (n_units, n_inputs + n_units).
        thresholds
            Those of the units of a matrix, whole numbers from 0 to 9; 1 each if they are not given.
        names
            What inputs and units are called, in at most 14 letters each; those of the net, or a, b, c for
            inputs and numbers for units.

        Raises
        ------
        TypeError, ValueError
            If it is none, or more than the page shows. The lab stays as it was.

        Examples
        --------
        >>> lab = NeuronLab()
        >>> lab.wire([[2, -1, 0]], [2], names=["go", "stop", "runner"])
        >>> lab.thresholds, lab.simulate(1, [[1, 0]]).states[-1]
        (array([2]), array([1], dtype=int8))
        """
        with refusing():
            if isinstance(net, ThresholdNet):
                if thresholds is not None:
                    raise TypeError("a ThresholdNet has its own thresholds; give them with a matrix only")
                names = net.names if names is None else names
                net, thresholds = _parts_of(net)
            matrix = _checked_matrix(net)
            highs = _checked_thresholds(thresholds, len(matrix))
            called = _checked_names(names, *matrix.shape)
        n_units, n_sources = matrix.shape
        with self.hold_sync():
            self._wiring = bytes([n_sources - n_units, n_units, *highs]) + matrix.tobytes()
            self._called = "\n".join(called).encode()
            self.net = "own"

    @property
    def threshold_net(self) -> ThresholdNet:
        """The net that the page shows."""
        if self.net != "own":
            net, names = _NETS[self.net]
            return ThresholdNet(net.n_inputs, net.units, names=names or net.names)
        if not self._wiring:
            return _BLANK
        n_inputs, n_units, *numbers = np.frombuffer(self._wiring, dtype=np.int8).tolist()
        matrix = np.array(numbers[n_units:]).reshape(n_units, -1)
        units = (_unit_of(row, threshold) for row, threshold in zip(matrix, numbers, strict=False))
        return ThresholdNet(n_inputs, units, names=self._called.decode().split("\n"))

    @property
    def wiring(self) -> Bits:
        """The synapses, int8 (n_units, n_inputs + n_units): a row a unit, a column a source, inputs first."""
        return _parts_of(self.threshold_net)[0]

    @property
    def thresholds(self) -> Wholes:
        """The thresholds of the units, int64 (n_units,)."""
        return _parts_of(self.threshold_net)[1]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of inputs and units."""
        return self.threshold_net.names

    @property
    def inputs(self) -> Bits:
        """What the inputs did in the steps from Reset to where the page last paused, int8 (T, n_inputs)."""
        steps = np.frombuffer(self._record, dtype=np.uint8)
        return (steps[:, None] >> np.arange(self.threshold_net.n_inputs) & 1).astype(np.int8)

    def simulate(self, n_steps: int, inputs: ArrayLike | None = None) -> NeuronRun:
        """Return what the page shows from Reset on.

        Parameters
        ----------
        n_steps
            The number of steps, at least 0.
        inputs
            What the inputs do, 0 or 1, (n_steps, n_inputs); as the settings say if it is not given.

        Raises
        ------
        TypeError, ValueError
            If they are no such numbers.

        Examples
        --------
        >>> lab = NeuronLab(net="counter")
        >>> pulses = np.zeros((12, 1), dtype=int)
        >>> pulses[::3] = 1
        >>> lab.simulate(12, pulses).states[:, 2]  # the bit, two steps behind
        array([0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0], dtype=int8)
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        net = self.threshold_net
        if inputs is None:
            fired = self._driven(n_steps, net.n_inputs)
        else:
            fired = checked_bits("inputs", inputs, (n_steps, net.n_inputs))
        return NeuronRun(fired, net.run(fired))

    def _driven(self, n_steps: int, n_inputs: int) -> Bits:
        """Return what inputs do if nothing is pressed."""
        fired = np.zeros((n_steps, n_inputs), dtype=np.int8)
        if self.drive == "random":
            fill_patterns(seed_state(self.seed), 1.0, self.probability, fired.ravel())
        else:
            lasting = slice(None) if self.drive == "switches" else slice(1)
            fired[lasting] = np.array([self.first, self.second, self.third])[:n_inputs]
        return fired


def _unit_of(row: NDArray[np.int64], threshold: int) -> Unit:
    """Return the unit that a row of the matrix describes."""
    excitatory = np.repeat(np.arange(row.size), np.maximum(row, 0)).tolist()
    return Unit(tuple(excitatory), tuple(np.flatnonzero(row < 0).tolist()), int(threshold))


def _suiting(settings: dict[str, Any], net: Any) -> dict[str, Any]:
    """Return the settings of inputs that suit a net, where a reader gives none."""
    pulsed = net is None and isinstance(settings.get("net"), str) and settings["net"] in _PULSED
    return {"drive": "pulses" if pulsed else "switches", "first": False}


def _parts_of(net: ThresholdNet) -> tuple[Bits, Wholes]:
    """Return the matrix and the thresholds of a net, or raise if a page cannot show it."""
    _checks.integer("n_inputs of the net", net.n_inputs, minimum=1, maximum=MOST_INPUTS)
    _checks.integer("n_units of the net", net.n_units, minimum=1, maximum=MOST_UNITS)
    matrix = np.zeros((net.n_units, net.n_inputs + net.n_units), dtype=np.int64)
    for row, unit in zip(matrix, net.units, strict=True):
        np.add.at(row, list(unit.excitatory), 1)
        both = set(unit.excitatory) & set(unit.inhibitory)
        if both:
            raise ValueError(f"a source must excite or inhibit a unit, not both; source {min(both)} does")
        row[list(unit.inhibitory)] = -1
    if matrix.max() > 2:
        raise ValueError(f"a unit must have at most 2 synapses from a source; got {matrix.max()}")
    return matrix.astype(np.int8), np.array([unit.threshold for unit in net.units])


def _checked_matrix(wiring: Any) -> Bits:
    matrix = _checks.integers("wiring", wiring)
    if matrix.ndim != 2:
        raise ValueError(
            f"wiring must have a row for each unit and a column for each source; got {matrix.ndim}D"
        )
    n_units, n_sources = matrix.shape
    _checks.integer("the number of rows of wiring", n_units, minimum=1, maximum=MOST_UNITS)
    n_inputs = n_sources - n_units
    _checks.integer(
        "the number of columns of wiring beyond its rows", n_inputs, minimum=1, maximum=MOST_INPUTS
    )
    if matrix.min() < -1 or matrix.max() > 2:
        wrong = matrix[(matrix < -1) | (matrix > 2)][0]
        raise ValueError(f"wiring must hold -1, 0, 1 and 2 only; got {wrong}")
    return matrix.astype(np.int8)


def _checked_thresholds(thresholds: ArrayLike | None, n_units: int) -> list[int]:
    if thresholds is None:
        return [1] * n_units
    values = _checks.integers("thresholds", thresholds, minimum=0, maximum=HIGHEST)
    if values.shape != (n_units,):
        raise ValueError(f"thresholds must be those of {n_units} units; got shape {values.shape}")
    return [int(value) for value in values]


def _checked_names(names: Sequence[str] | None, n_units: int, n_sources: int) -> list[str]:
    n_inputs = n_sources - n_units
    if names is None:
        return [*"abc"[:n_inputs], *(str(i + 1) for i in range(n_units))]
    if isinstance(names, str) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"names must be a sequence of strings; got {names!r}")
    called = [name.strip() for name in names]
    if len(called) != n_sources:
        raise ValueError(f"names must be {n_sources}, of the inputs and the units; got {len(called)}")
    for name in called:
        if not (1 <= len(name) <= LONGEST_NAME and name.isprintable()):
            raise ValueError(f"a name must have 1 to {LONGEST_NAME} letters on one line; got {name!r}")
    return called
