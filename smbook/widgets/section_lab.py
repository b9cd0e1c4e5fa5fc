"""Live sections of a loss: surfaces of trained networks along random directions and along the Hessian's."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.theory.curvature import toy_loss
from smbook.widgets._lab import Choice, Lab, Real, RefusedKindError, Switch, read_out, refusing

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from smbook.kernels.rng import Randomness

    Floats = NDArray[np.float64]
    Key = tuple[str, str, str, str]  # network, directions, data, zoom

MOST_POINTS = 201  # along an axis
MOST_STEPS = 1000  # of a path

_KEYS = ("network", "directions", "data", "zoom")
_HALF, _UP, _SIDE, _SEED = 500, 600, 31, 2  # of the example: a saddle of 1001 parameters
_DIGITS = 4  # of the coefficients of a path
_DUST = 1e-11  # of an axis or of all losses, what rounding leaves of 0
_LOW = 0x80  # half a unit of the last place of 24 bits, in those of 32


class Plane(Protocol):
    """What a lab shows: `smbook.landscape.Surface` of two directions, or whatever has these."""

    axes: tuple[Floats, ...]
    values: Floats
    centre: float


class Section(NamedTuple):
    """A loss on a grid of a plane, (len(a), len(b)), with its coefficients and its value at the centre.

    Two sections are equal if all their numbers are.
    """

    axes: tuple[Floats, Floats]
    values: Floats
    centre: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Section) and equal((*self.axes, *self[1:]), (*other.axes, *other[1:]))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        points = " x ".join(str(axis.size) for axis in self.axes)
        known = self.values[np.isfinite(self.values)]
        span = f"{known.min():.4g} to {known.max():.4g}"
        return f"Section({points} points, loss {span}, {self.centre:.4g} at the centre)"


class SectionLab(Lab, script="section_lab.js"):
    r"""The loss of a trained network on planes, :math:`L(\theta + \alpha d_1 + \beta d_2)`.

    ``SectionLab({"random": surface, "Hessian": other})`` shows surfaces that `smbook.landscape.surface` has
    computed, or anything with `axes`, `values` and `centre`, under the names of their directions. In the
    place of a surface there may be several of the same directions, the widest first: the page zooms into
    them. ``test=`` takes surfaces of the same planes with other data. Several networks are told apart by
    names around all this: ``SectionLab({"with shortcuts": {"random": ...}, "without": {"random": ...}})``.

    ``path=`` takes the parameters in the course of training, (M, n_parameters), or such an array for each
    network by its name. The page shows the nearest points of each plane, and says how far off it they are.

    A page holds the loss at the centre, and how far all others are above the lowest one with 16 significant
    bits: `shown` is what it has. It tells values of the grid alone, and the point that a reader moves is one
    of it. While the lab runs, this point goes there and back along the first direction, and with it the cut
    along the second one. Each cut has its own axes, which it fills. Colours are those of one plane, or with
    ``colours="common"`` of the same planes of all networks, of the logarithm where each loss is positive.

    Without surfaces it shows the saddle of Boettcher and Wheeler (2022), `smbook.theory.curvature.toy_loss`,
    with 600 directions curved up, 400 down and one flat: a bowl along random unit directions, and a saddle
    along two eigenvectors of its Hessian. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = SectionLab(directions="Hessian")
    >>> lab
    SectionLab(network='saddle of 1001 parameters', directions='Hessian', data='train', zoom='1', view='map',
               colours='linear', turn=-35.0, tilt=35.0, speed=10.0, running=False)
    >>> lab.shown
    Section(31 x 31 points, loss -0.5 to 0.5, 0 at the centre)
    >>> lab.directions = "random"
    >>> lab.shown
    Section(31 x 31 points, loss 0 to 0.322, 0 at the centre)
    >>> lab.directions = "principal"
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: directions must be one of 'random', 'Hessian'; got 'principal'
    """

    alt = (
        "A map of the loss on a plane through the parameters of a trained network, as colours with lines of "
        "equal loss and the network in its middle; below it the loss along each of the two directions of the "
        "plane, of which one is curved up and the other one down."
    )

    network = Choice("saddle of 1001 parameters", doc="whose loss it is, by name")
    directions = Choice("random", "Hessian", doc="which directions span the plane, by name")
    data = Choice("train", doc="on which data the loss is taken")
    zoom = Choice("1", doc="how many times nearer than the widest surface")
    view = Choice("map", "relief", doc="a map with lines of equal loss, or a surface in space")
    colours = Choice(
        "linear",
        "logarithmic",
        "centred",
        "common",
        doc="what colours and heights stand for, of one plane or all",
    )
    turn = Real(-35.0, -180.0, 180.0, doc="by how many degrees the relief is turned")
    tilt = Real(35.0, 5.0, 90.0, doc="from how many degrees above the plane the relief is seen")
    speed = Real(10.0, 1.0, 200.0, doc="points a second, as far as the machine keeps up")
    running = Switch(False, doc="whether the lab is running")

    points = read_out("points passed since Reset")
    a = read_out("alpha, the coefficient of the first direction, at the point")
    b = read_out("beta, that of the second one")
    loss = read_out("the loss there")

    _planes = traitlets.List(traitlets.Dict(), read_only=True).tag(sync=True)
    _paths = traitlets.List(traitlets.Dict(), read_only=True).tag(sync=True)
    _given = traitlets.Bool(read_only=True).tag(sync=True)

    def __init__(self, surfaces: Any = None, *, test: Any = None, path: Any = None, **settings: Any) -> None:
        with refusing():
            planes = _planes(example() if surfaces is None else surfaces, test)
            paths = _paths(path, planes)
        self._options = {name: list(dict.fromkeys(key[k] for key in planes)) for k, name in enumerate(_KEYS)}
        super().__init__(**{name: options[0] for name, options in self._options.items()} | settings)
        with self.hold_sync():
            self.set_trait("_planes", [_written(key, plane) for key, plane in planes.items()])
            self.set_trait("_paths", paths)
            self.set_trait("_given", surfaces is not None)

    @classmethod
    def from_model(
        cls,
        model: Any,
        *data: Any,
        test: Any = None,
        kinds: Sequence[str] = ("random", "hessian"),
        extents: Any = (1.0, 0.1),
        n_points: int = 51,
        path: Any = None,
        checkpoint: str | os.PathLike[str] | None = None,
        rng: Randomness = None,
        progress: bool = False,
        **settings: Any,
    ) -> SectionLab:
        """Compute the surfaces of a trained network, and return the lab that shows them. This needs torch.

        It takes two surfaces of `n_points` squared losses for each kind of directions, and as many again of
        test data. Random directions are Gaussian ones in proportion to the filters of the network, those of
        the Hessian unit vectors: along both an extent of 1 goes as far as the directions are long.

        Parameters
        ----------
        model
            A `smbook.landscape.Loss`, or a `torch.nn.Module`, as it is now; or several of them by names.
        *data
            With a module the loss function, inputs and targets, as for `Loss`; with a `Loss` nothing.
        test
            A `Loss` of the same model, or inputs and targets; for several networks by their names. None
            leaves test data out.
        kinds
            "random" for `filter_normalized` random directions, "hessian" for `hessian_directions` on the
            training data, "training" for `training_directions` of the path.
        extents
            How far the surfaces of each kind reach, or such a list for each kind by its name; the ratios of
            the extents must be the same for all.
        n_points
            Along each axis, odd.
        path
            Parameters in the course of training, (M, n_parameters), which the page shows in the planes; for
            several networks by their names.
        checkpoint
            A folder. Directions and rows of surfaces that are there are not computed again.
        rng
            An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator` of the directions.
        progress
            Show a progress bar for each surface.
        **settings
            Those of the lab.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or out of range, or a file in `checkpoint` is of another
            network or other data.

        Examples
        --------
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
        >>> x = torch.linspace(-1, 1, 8)[:, None]
        >>> lab = SectionLab.from_model(model, torch.nn.MSELoss(), x, x**2, extents=[1.0], n_points=5, rng=1)
        >>> lab.directions, lab.shown.values.shape
        ('random', (5, 5))
        """
        from smbook.landscape import _surfaces  # with torch, which no other lab needs

        several = isinstance(model, Mapping)
        found, paths = {}, path if several else {"network": path}
        for number, (name, each) in enumerate((model if several else {"network": model}).items(), start=1):
            loss, other = _surfaces.losses(each, data, test[name] if several and test is not None else test)
            folder = (
                None if checkpoint is None else Path(checkpoint) / (f"network-{number}" if several else "")
            )
            found[name] = _surfaces.compute(
                loss,
                other,
                kinds=kinds,
                extents=extents,
                n_points=n_points,
                path=None if paths is None else paths.get(name),
                checkpoint=folder,
                rng=rng,
                progress=progress,
            )
        train, tests = ({name: part[k] for name, part in found.items()} for k in (0, 1))
        return cls(train, test=None if test is None else tests, path=path, **settings)

    @property
    def shown(self) -> Section:
        """The surface that the settings choose, as exactly as the page has it."""
        key = [self.network, self.directions, self.data, self.zoom]
        return _read(next(plane for plane in self._planes if plane["key"] == key))


@cache
def example() -> dict[str, dict[str, Section]]:
    """Return the toy's saddle along two random unit directions, and along two eigenvectors of its Hessian."""
    theta = np.zeros(2 * _HALF + 1)
    theta[-1] = 1.0
    drawn = np.random.default_rng(_SEED).standard_normal((2, theta.size))
    along = {
        "random": drawn / np.linalg.norm(drawn, axis=1, keepdims=True),
        "Hessian": np.eye(theta.size)[[0, _UP]],
    }
    axis = np.linspace(-1, 1, _SIDE)
    grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
    sections = {
        name: Section((axis, axis), np.asarray(toy_loss(theta + grid @ rows, _HALF, _UP)), 0.0)
        for name, rows in along.items()
    }
    return {f"saddle of {theta.size} parameters": sections}


def _planes(surfaces: Any, test: Any) -> dict[Key, Plane]:
    """Return all planes by network, directions, data and zoom, or raise."""
    found: dict[Key, Plane] = {}
    for data, name, given in (("train", "surfaces", surfaces), ("test", "test", test)):
        for network, kinds in ({} if given is None else _by_network(name, given)).items():
            for directions, several in kinds.items():
                for zoom, plane in _by_zoom(name, several).items():
                    found[network, directions, data, zoom] = plane
    options = [list(dict.fromkeys(key[k] for key in found)) for k in range(len(_KEYS))]
    for key in np.ndindex(*map(len, options)):
        wanted = network, directions, data, zoom = tuple(options[k][place] for k, place in enumerate(key))
        if wanted not in found:
            raise ValueError(
                f"surfaces must be there for all networks, directions, data and zooms; there is none of "
                f"{network!r}, {directions!r}, {data!r}, zoom {zoom}"
            )
        plane, first = found[wanted], found[network, directions, "train", zoom]
        if any(not np.array_equal(*axes) for axes in zip(plane.axes, first.axes, strict=True)):
            raise ValueError(f"test must have the axes of surfaces; those of {directions!r} differ")
    return found


def _by_network(name: str, given: Any) -> dict[str, Mapping[str, Any]]:
    """Return what stands under the names of networks and directions, or raise."""
    if hasattr(given, "values") and hasattr(given, "axes"):
        return {"network": {"section": given}}
    if not isinstance(given, Mapping) or not given:
        raise RefusedKindError(
            f"{name} must be a surface, or surfaces by the names of their directions; got {given!r}"
        )
    nested = [isinstance(part, Mapping) for part in given.values()]
    if any(nested) != all(nested):
        raise RefusedKindError(f"{name} must hold surfaces, or all of them by networks; got both")
    found = dict(given) if any(nested) else {"network": given}
    for label in (*found, *(label for kinds in found.values() for label in kinds)):
        if not isinstance(label, str) or not label:
            raise RefusedKindError(f"{name} must be under names; got {label!r}")
    return found


def _by_zoom(name: str, several: Any) -> dict[str, Plane]:
    """Return planes by how many times nearer they are than the first, or raise."""
    planes = [several] if hasattr(several, "axes") else several
    if not isinstance(planes, Sequence) or isinstance(planes, str) or not planes:
        raise RefusedKindError(f"{name} must hold surfaces, or lists of them; got {several!r}")
    for plane in planes:
        _check(name, plane)
    widths = [float(np.ptp(plane.axes[0])) for plane in planes]
    found = {f"{widths[0] / width:.3g}": plane for width, plane in zip(widths, planes, strict=True)}
    if len(found) < len(planes) or sorted(widths, reverse=True) != widths:
        raise ValueError(f"{name} of the same directions must go from wide to narrow; got widths {widths}")
    return found


def _check(name: str, plane: Any) -> None:
    """Raise if a plane is no loss on an even grid."""
    if not all(hasattr(plane, part) for part in ("axes", "values", "centre")):
        raise RefusedKindError(f"{name} must have axes, values and a centre; got {type(plane).__name__}")
    axes = [_checks.reals("axes", axis) for axis in plane.axes]
    values = np.asarray(plane.values)
    if len(axes) != 2 or values.shape != tuple(axis.size for axis in axes):
        raise ValueError(f"{name} must be of two directions; got values of shape {values.shape}")
    for axis in axes:
        if not 3 <= axis.size <= MOST_POINTS:
            raise ValueError(f"{name} must have 3 to {MOST_POINTS} points along each axis; got {axis.size}")
        steps = np.diff(axis)
        if not steps[0] > 0 or np.ptp(steps) > 1e-6 * steps[0]:
            raise ValueError(
                f"{name} must have even axes that rise; got steps from {steps.min():g} to {steps.max():g}"
            )
    if not np.isfinite(values).any() or not math.isfinite(plane.centre):
        raise ValueError(f"{name} must be finite somewhere, and at the centre; got {plane.centre} there")


def _written(key: Key, plane: Plane) -> dict[str, Any]:
    """Return a plane as a page takes it: the loss above the lowest point, floats of 24 bits, row by row."""
    values = np.asarray(plane.values, dtype=np.float64)
    known = np.isfinite(values)
    low = float(values[known].min())
    with np.errstate(over="ignore"):
        above = np.where(known, values - low, np.nan).astype("<f4")
    bits = above.view("<u4")
    rounded = np.where(np.isfinite(above), (bits + np.uint32(_LOW)) >> 8, np.uint32(0x7FC000)).astype("<u4")
    packed = rounded.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()
    return {
        "key": list(key),
        "axes": [[float(axis[0]), float(axis[-1])] for axis in plane.axes],
        "shape": list(values.shape),
        "low": low,
        "centre": float(plane.centre),
        "below": float((values[known] < plane.centre - _DUST * np.ptp(values[known])).mean()),
        "values": base64.b64encode(packed).decode(),
    }


def _read(written: dict[str, Any]) -> Section:
    """Return a plane as a page reads it."""
    packed = np.frombuffer(base64.b64decode(written["values"]), np.uint8).reshape(-1, 3)
    bits = np.zeros((len(packed), 4), np.uint8)
    bits[:, 1:] = packed
    above = bits.view("<f4").astype(np.float64).reshape(written["shape"])
    first, second = (
        np.linspace(low, high, size)
        for (low, high), size in zip(written["axes"], written["shape"], strict=True)
    )
    values = written["low"] + above
    values[np.ix_(np.abs(first) < _DUST * np.ptp(first), np.abs(second) < _DUST * np.ptp(second))] = written[
        "centre"
    ]
    return Section((first, second), values, written["centre"])


def _paths(path: Any, planes: dict[Key, Plane]) -> list[dict[str, Any]]:
    """Return the nearest points of each plane to those of a path, and how far off it they are, or raise."""
    if path is None:
        return []
    networks = list(dict.fromkeys(network for network, *_ in planes))
    if not isinstance(path, Mapping):
        if len(networks) > 1:
            raise ValueError(f"path must be one for each of {', '.join(networks)}; got one")
        path = {networks[0]: path}
    unknown = set(path) - set(networks)
    if unknown:
        raise ValueError(f"path must be of the networks {', '.join(networks)}; got {min(unknown)!r}")
    widest = {key[:2]: plane for key, plane in reversed(planes.items())}
    return [
        {"key": list(key), **_projected(path[key[0]], plane)}
        for key, plane in reversed(widest.items())
        if key[0] in path
    ]


def _projected(path: Any, plane: Any) -> dict[str, Any]:
    """Return the coefficients of the points of a plane that are nearest to those of a path, and distances."""
    if not hasattr(plane, "directions") or not hasattr(plane, "theta"):
        raise RefusedKindError("a path needs surfaces with their directions and theta")
    theta = np.asarray(plane.theta, dtype=np.float64)
    points = np.asarray(path, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != theta.size or not 1 <= len(points) <= MOST_STEPS:
        raise ValueError(
            f"path must be 1 to {MOST_STEPS} points of {theta.size} parameters; got the shape {points.shape}"
        )
    if not np.isfinite(points).all():
        raise ValueError("path must be finite")
    from smbook.landscape import _surfaces  # with torch, which whoever has directions has, too

    found, distances = _surfaces.project(points, plane)
    within = found[:, 0] @ np.asarray(plane.directions, dtype=np.float64).reshape(2, -1)
    return {
        "coefficients": [[_rounded(value) for value in row] for row in found],
        "distances": [_rounded(value) for value in distances],
        "length": _rounded(np.linalg.norm(points - theta, axis=1).max()),
        "start": [_rounded(np.linalg.norm(part)) for part in (points[0] - theta, within)],
    }


def _rounded(value: Any) -> float:
    return float(f"{value:.{_DIGITS}g}")
