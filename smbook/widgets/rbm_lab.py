"""A live restricted Boltzmann machine: it dreams, completes what is clamped, and learns on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import traitlets

from smbook import _checks
from smbook.boltzmann import Parameters
from smbook.boltzmann._layers import KINDS
from smbook.datasets import letters
from smbook.theory.ising import kaufman
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    RefusedValueError,
    Switch,
    read_out,
    refusing,
)
from smbook.widgets._restricted import CHAINS, FREE, Dreams, GibbsRun, Restricted, dreams_of, measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray

    Singles = NDArray[np.float32]

MOST_VISIBLE = 1024
MOST_HIDDEN = 256
MOST_IMAGES = 1000

_FREE = 2  # in the traits that say what is held
_LEVELS = 2**15 - 1  # of a parameter on either side of zero
_SIDE, _HIDDEN = 8, 36  # of the machine that a lab has without one


class Machine(Protocol):
    """What a lab takes as a machine: `smbook.boltzmann.RBM`, or whatever has these."""

    visible: str
    hidden: str
    weights_: Any
    visible_biases_: Any
    hidden_biases_: Any


class RBMLab(Lab, script="rbm_lab.js"):
    """A restricted Boltzmann machine on the page: eight chains of block Gibbs, filters, and learning.

    ``RBMLab(machine, images=images, labels=labels)`` shows a fitted machine, anything with `weights_` (n, m),
    `visible_biases_`, `hidden_biases_`, `visible` and `hidden` ("binary" or "spin"; hidden units may be
    "gaussian"), and data (P, n) in the units of its visible layer. Up to 1024 pixels in rows of `shape`, a
    square unless told, 256 hidden units and 1000 images, with labels from 0 to 255. A page holds parameters
    as multiples of a power of two, 16 bits each, so that the largest is off by less than 1 part in 30,000:
    `given` is what it has. Without a machine 36 hidden units have yet to learn ten letters of 8 x 8 pixels.

    A sweep draws the hidden units of each chain given the visible ones, and then these. At a temperature T
    all parameters are divided by T. Pixels that are painted are clamped (`clamped`); a hidden unit can be
    switched off (`switched_off`). While `learning` is "pcd" or "cd", each sweep comes with an update by
    persistent or by restarted chains of `n_steps` sweeps, as many as a batch has images; it learns at T = 1
    and from unclamped pixels. From Reset on, after k sweeps, the page shows the chains and the machine of
    ``simulate(k)``, bit for bit.

    ``RBMLab(machine, images=images, magnet=beta)`` says that the images are configurations of the Ising model
    of `shape`, periodic, with J = 1 and no field, at inverse temperature beta. While it does not learn, the
    page then measures energy and abs(m) per spin of what the machine dreams, and compares the energy with the
    exact one of this finite torus (Kaufman, 1949), which holds for the machine at T = 1 with all pixels free
    and all units on. Measuring begins anew when one of these changes.

    `reconstruction_error` is not the likelihood: it can fall while what the machine dreams gets worse.
    Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = RBMLab(learning="pcd", rate=0.1, running=False)
    >>> lab
    RBMLab(temperature=1.0, start='noise', image=1, shows='means', parameters='given', learning='pcd',
           rate=0.1, batch=50, n_steps=1, speed=20.0, seed=1, running=False)
    >>> lab.simulate(500)
    GibbsRun(500 sweeps of 8 chains, 64 visible and 36 hidden units)
    >>> [round(lab.simulate(k).reconstruction_error, 2) for k in (0, 2000)]
    [0.2, 0.0]
    >>> lab.temperature = 0.0
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: temperature must be at least 0.2; got 0.0
    """

    alt = (
        "A square of grey pixels that shows a dreamt digit, with seven smaller ones below it; beside it the "
        "filters of the hidden units in two colours, framed where a unit is on, one of them large, and the "
        "reconstruction error against the number of updates."
    )

    temperature = Real(1.0, 0.2, 5.0, doc="T: all parameters are divided by it, but not in learning")
    start = Choice("noise", "image", doc="where the chains start: from noise, or from an image")
    image = Integer(
        1, 1, MOST_IMAGES, doc="the number of that image, from 1 on (the last if there are fewer)"
    )
    shows = Choice("means", "states", doc="what the pictures show: means of the visible units, or the units")
    parameters = Choice("given", "random", doc="the machine at Reset: as it was given, or of random weights")
    learning = Choice("off", "pcd", "cd", doc="whether it learns, by persistent chains or from the data")
    rate = Real(0.05, 0.001, 1.0, doc="the learning rate")
    batch = Integer(50, 1, 100, doc="images of an update, and its chains (all images if there are fewer)")
    n_steps = Integer(1, 1, 20, doc="sweeps of the chains of an update")
    speed = Real(20.0, 1.0, 1000.0, doc="sweeps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the chains, of random weights and of learning")
    running = Switch(True, doc="whether the lab is running")

    sweeps = read_out("sweeps since the chains have started")
    updates = read_out("updates of the parameters since Reset")
    free_energy = read_out("F(v) of the first chain, of p(v) = exp(-F) / Z at T")
    data_free_energy = read_out("the mean of F over the images")
    hidden_on = read_out("the share of hidden units above zero in the first chain; None before a sweep")
    reconstruction_error = read_out("the mean squared difference of an image and its reconstruction")
    nearest = read_out("the number of the image nearest to the first chain, from 1 on")
    difference = read_out("the number of pixels in which they differ")

    magnet = traitlets.Float(
        None, allow_none=True, read_only=True, help="beta of the magnet that the images are of, if any"
    ).tag(sync=True)
    exact_energy = read_out("Kaufman's energy per spin of this magnet; None without one, as all that follows")
    image_energy = read_out("the mean energy per spin of the images")
    image_magnetization = read_out("the mean of abs(m) of the images")
    dream_energy = read_out("the mean energy per spin of the dreams; None while it learns, and at first")
    dream_energy_error = read_out("its standard error, from eight chains")
    dream_magnetization = read_out("the mean of abs(m) of the dreams")
    dream_magnetization_error = read_out("its standard error, from eight chains")

    _shape = traitlets.List(traitlets.Int(), read_only=True).tag(sync=True)
    _units = traitlets.Int(read_only=True).tag(sync=True)  # hidden ones
    _kinds = traitlets.List(traitlets.Unicode(), read_only=True).tag(sync=True)
    _step = traitlets.Float(read_only=True).tag(sync=True)
    _parameters = Binary()  # int16, in units of the step; nothing where the machine is new
    _images = Binary()  # a bit each, the lowest first
    _labels = Binary()  # uint8, if any
    _held = Binary()  # int8, where any pixel is clamped
    _off = Binary()  # the numbers of the hidden units that are switched off, int16
    _visible = Binary()
    _learned = Binary()

    def __init__(
        self,
        machine: Machine | None = None,
        *,
        images: ArrayLike | None = None,
        labels: ArrayLike | None = None,
        shape: tuple[int, int] | None = None,
        magnet: float | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(**settings)
        with refusing():
            if magnet is not None and machine is None:
                raise TypeError(f"magnet belongs to a machine and its images; got {magnet!r} and no machine")
            self._take(machine, images, labels, shape)
            if magnet is not None:
                self._compare(magnet)

    def _take(self, machine: Machine | None, images: Any, labels: Any, shape: Any) -> None:
        """Take a machine and its data, or the letters that a new one is to learn."""
        if machine is None:
            if images is not None or labels is not None or shape is not None:
                raise TypeError("images, labels and shape belong to a machine; got no machine")
            kinds, learned, n_hidden = ("binary", "binary"), None, _HIDDEN
            rows, shape = letters(_SIDE).astype(np.int64), (_SIDE, _SIDE)
        else:
            kinds, learned = _checked_kinds(machine), _checked_parameters(machine)
            n_hidden = learned.hidden_biases.size
            rows = _checked_images(images, kinds[0], learned.visible_biases.size)
            shape = _checked_shape(shape, learned.visible_biases.size)
        marks = (
            np.empty(0, np.int64)
            if labels is None
            else _checks.integers("labels", labels, minimum=0, maximum=255)
        )
        if labels is not None and marks.shape != (len(rows),):
            raise ValueError(f"labels must be one for each of {len(rows)} images; got shape {marks.shape}")
        with self.hold_sync():
            for name, value in (("_shape", list(shape)), ("_units", n_hidden), ("_kinds", list(kinds))):
                self.set_trait(name, value)
            self._images = np.packbits(rows.ravel() > 0, bitorder="little").tobytes()
            self._labels = marks.astype(np.uint8).tobytes()
            self._quantize(learned)

    def _compare(self, magnet: Any) -> None:
        """Take the images for those of a magnet, of which the exact energy is known."""
        beta = _checks.real("magnet", magnet, minimum=0.0)
        if min(self._shape) < 2:
            raise ValueError(f"a magnet needs a shape with sides of at least 2; got {tuple(self._shape)}")
        energies, sides = measure(self.images, self._shape)
        found = {
            "magnet": beta,
            "exact_energy": kaufman((self._shape[0], self._shape[1]), beta).energy,
            "image_energy": float(energies.mean()),
            "image_magnetization": float(abs(sides).mean()),
        }
        with self.hold_sync():
            for name, value in found.items():
                self.set_trait(name, value)

    def _quantize(self, learned: Parameters | None) -> None:
        values = np.concatenate([part.ravel() for part in learned]) if learned else np.zeros(0)
        largest = float(abs(values).max(initial=0.0))
        step = 2.0 ** max(math.ceil(math.log2(largest / _LEVELS)), -60) if largest else 1.0
        self.set_trait("_step", step)
        self._parameters = np.rint(values / step).astype(np.int16).tobytes()

    @property
    def given(self) -> Parameters:
        """The machine as it was given, as exactly as the page has it; zeros where it is new."""
        n, m = math.prod(self._shape), self._units
        flat = np.frombuffer(self._parameters, np.int16).astype(np.float32) * np.float32(self._step)
        return _parted(flat if flat.size else np.zeros(n * m + n + m, np.float32), n, m)

    @property
    def images(self) -> NDArray[np.int8]:
        """The data, int8 (P, n) in the units of the visible layer."""
        n = math.prod(self._shape)
        bits = np.unpackbits(np.frombuffer(self._images, np.uint8), bitorder="little")
        rows: NDArray[np.int8] = bits[: bits.size // n * n].reshape(-1, n).astype(np.int8)
        if self._kinds[0] == "spin":
            rows[rows == 0] = -1
        return rows

    @property
    def clamped(self) -> Singles:
        """The values of clamped pixels, float32 (n,), and nan where a pixel is free.

        Assign such an array, or None to free all pixels; the chains start anew then.

        Raises
        ------
        TypeError, ValueError
            If it is no such array, or has other values than those of visible units.
        """
        held = np.frombuffer(self._held, np.int8)
        n = math.prod(self._shape)
        return np.where(held == _FREE, FREE, held).astype(np.float32) if held.size else np.full(n, FREE)

    @clamped.setter
    def clamped(self, values: ArrayLike | None) -> None:
        n = math.prod(self._shape)
        known = np.full(n, FREE) if values is None else np.array(values)
        with refusing():
            if known.dtype.kind not in "iuf":
                raise TypeError(f"clamped must hold numbers; got dtype {known.dtype}")
            if known.shape != (n,):
                raise ValueError(f"clamped must have the shape ({n},); got {known.shape}")
            low = _low(self._kinds[0])
            wrong = ~(np.isnan(known) | (known == low) | (known == 1))
            if wrong.any():
                raise ValueError(f"clamped must hold {low}, 1 and nan only; got {known[wrong][0]}")
        held = np.where(np.isnan(known), _FREE, known).astype(np.int8)
        self._held = b"" if values is None else held.tobytes()

    @property
    def switched_off(self) -> list[int]:
        """The numbers of the hidden units that are switched off, from 0 on, in order.

        Raises
        ------
        TypeError, ValueError
            If such a list is assigned, and holds no different numbers of hidden units.
        """
        numbers: list[int] = np.frombuffer(self._off, np.int16).tolist()
        return numbers

    @switched_off.setter
    def switched_off(self, numbers: Iterable[int]) -> None:
        with refusing():
            given = [_checks.integer("switched_off", j, minimum=0, maximum=self._units - 1) for j in numbers]
        self._off = np.array(sorted(set(given)), np.int16).tobytes()

    @property
    def visible(self) -> NDArray[np.int8]:
        """The visible units of the chains, int8 (8, n), as the page last paused; before, at the start."""
        flat = np.frombuffer(self._visible, np.int8)
        shown = flat.reshape(CHAINS, -1).copy() if flat.size else self.simulate(0).visible
        return shown

    @property
    def learned(self) -> Parameters:
        """The machine as the page has it since it last paused; before, that of Reset."""
        flat = np.frombuffer(self._learned, np.float32)
        if flat.size:
            return _parted(flat.copy(), math.prod(self._shape), self._units)
        run = self._at_reset()
        return Parameters(run.weights, run.visible_biases, run.hidden_biases)

    def _at_reset(self) -> Restricted:
        learned = self.given if self.parameters == "given" and self._parameters else None
        kinds = self._kinds[0], self._kinds[1]
        run = Restricted(kinds, self.images.astype(np.float32), learned, self._units, self.seed)
        run.held[:], run.off[self.switched_off] = self.clamped, 0.0
        run.start(min(self.image, len(run.rows)) - 1 if self.start == "image" else None)
        return run

    def simulate(self, n_sweeps: int) -> GibbsRun:
        """Return the chains that the page shows from Reset on, and the machine, which may learn meanwhile.

        Chains draw from a state of `seed`, learning and random weights from states apart from it.

        Parameters
        ----------
        n_sweeps
            The number of sweeps, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> lab = RBMLab(learning="cd", start="image", image=3)
        >>> run = lab.simulate(30)
        >>> run.visible.shape, run.free_energy.shape
        ((8, 64), (31, 8))
        """
        n_sweeps = _checks.integer("n_sweeps", n_sweeps, minimum=0)
        run, beta = self._at_reset(), 1.0 / self.temperature
        energies = np.empty((n_sweeps + 1, CHAINS))
        found = np.empty((0 if self.magnet is None else n_sweeps + 1, 2, CHAINS))
        for k in range(n_sweeps + 1):
            if k:
                run.sweep(beta)
                if self.learning != "off":
                    run.learn(self.learning, self.rate, self.batch, self.n_steps)
            energies[k] = run.free_energies(beta, run.visible[2])
            if self.magnet is not None:
                found[k] = measure(run.visible[2], self._shape)
        chains = run.visible[2].astype(np.int8), run.hidden[2], run.visible[1], energies
        machine = run.weights, run.visible_biases, run.hidden_biases
        return GibbsRun(*chains, *machine, run.reconstruction_error, found[:, 0], found[:, 1])

    def dreams(self, n_sweeps: int) -> Dreams | None:
        """Return what the page has measured so many sweeps after Reset, of the chains of `simulate`.

        None without a magnet, while the machine learns, and up to 20 sweeps.

        Parameters
        ----------
        n_sweeps
            As for `simulate`.

        Raises
        ------
        TypeError, ValueError
            As `simulate`.

        Examples
        --------
        >>> from smbook.boltzmann import RBM
        >>> magnet = RBM.from_parameters(np.zeros((16, 2)), visible="spin", hidden="spin")
        >>> lab = RBMLab(magnet, images=np.ones((1, 16), np.int8), magnet=0.3)
        >>> round(lab.exact_energy, 3), round(lab.dreams(1000).energy, 2)
        (-0.844, 0.0)
        """
        run = self.simulate(n_sweeps)
        return None if self.magnet is None or self.learning != "off" else dreams_of(run)


def _parted(flat: Singles, n: int, m: int) -> Parameters:
    return Parameters(flat[: n * m].reshape(n, m), flat[n * m : n * m + n], flat[n * m + n :])


def _low(kind: str) -> int:
    return -1 if kind == "spin" else 0


def _checked_kinds(machine: Machine) -> tuple[str, str]:
    for name in Machine.__annotations__:
        if not hasattr(machine, name):
            raise TypeError(f"machine must have {name}, as a fitted RBM has; got {machine!r}")
    visible = _checks.choice("visible", machine.visible, ("binary", "spin"))
    return visible, _checks.choice("hidden", machine.hidden, KINDS)


def _checked_parameters(machine: Machine) -> Parameters:
    """Return the parameters of a machine in float64, or raise."""
    weights = _checks.reals("weights_", machine.weights_)
    if weights.ndim != 2 or not (1 <= len(weights) <= MOST_VISIBLE and 1 <= weights.shape[1] <= MOST_HIDDEN):
        limits = f"at most {MOST_VISIBLE} visible and {MOST_HIDDEN} hidden units"
        raise ValueError(f"weights_ must have the shape (n, m), {limits}; got {weights.shape}")
    biases = []
    for name, size in zip(("visible_biases_", "hidden_biases_"), weights.shape, strict=True):
        values = _checks.reals(name, getattr(machine, name))
        if values.shape != (size,):
            raise ValueError(f"{name} must have the shape ({size},); got {values.shape}")
        biases.append(values)
    return Parameters(weights, *biases)


def _checked_images(images: Any, kind: str, n_visible: int) -> NDArray[np.int64]:
    low = _low(kind)
    if images is None:
        raise TypeError("images must be the data of the machine; got None")
    rows = _checks.integers("images", images)
    if rows.ndim != 2 or rows.shape[1] != n_visible:
        raise ValueError(f"images must have the shape (P, {n_visible}); got {rows.shape}")
    if not 1 <= len(rows) <= MOST_IMAGES:
        raise RefusedValueError(f"images must be 1 to {MOST_IMAGES}; got {len(rows)}")
    wrong = rows[(rows != low) & (rows != 1)]
    if wrong.size:
        raise ValueError(f"images must hold {low} and 1 only; got {wrong[0]}")
    return rows


def _checked_shape(shape: Any, n_visible: int) -> tuple[int, int]:
    if shape is None:
        side = math.isqrt(n_visible)
        if side**2 != n_visible:
            raise ValueError(f"shape must be given, as {n_visible} pixels are no square; got None")
        return side, side
    sides = tuple(_checks.integers("shape", shape, minimum=1).tolist())
    if len(sides) != 2 or math.prod(sides) != n_visible:
        raise ValueError(f"shape must be rows and columns of {n_visible} pixels; got {sides}")
    return sides
