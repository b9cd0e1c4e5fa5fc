"""Finished points on disk: a folder with a file for each, and one that says whose they are."""

from __future__ import annotations

import contextlib
import datetime
import functools
import importlib.metadata
import inspect
import json
import logging
import os
import platform
import re
import uuid
from typing import TYPE_CHECKING, Any, NamedTuple

from smbook import _archives
from smbook.sweep import _values
from smbook.sweep._grid import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.random import SeedSequence

    from smbook._archives import Arrays
    from smbook.sweep._grid import Point, Points

_log = logging.getLogger("smbook.sweep")
_ABOUT = "sweep.json"
_FORMAT, _VERSION = "smbook.sweep", 1
_POINT = _archives.Archive("smbook.sweep point", 1, "point of a sweep")
_NAME = re.compile(r"[0-9a-f]{32}\.npz")
_PART = re.compile(r"array\(|\.\.\.| at 0x")  # what tells of a value, but not all, or anew in each program
_LONG = 500
_TRIES = 10
_POOL = 4  # words, of a SeedSequence that is not told otherwise
_COMPARED = ("function", "parameters", "rng")


class Place(NamedTuple):
    """Where the value of a point goes: a file, in the folder of a run that has this number."""

    folder: Path
    run: str
    key: str

    @property
    def path(self) -> Path:
        """Return the file."""
        return self.folder / f"{self.key}.npz"

    def seen(self) -> bool:
        """Tell whether the folder is seen from here, as it may not be from another machine."""
        about = json.loads((self.folder / _ABOUT).read_bytes())
        return str(about.get("id")) == self.run

    def write(self, parameters: dict[str, Any], form: Any, arrays: Arrays) -> bool:
        """Write parameters and a value that is packed with these arrays; return True."""
        together = dict(arrays)
        named = {name: _values.pack(_values.plain(value), together) for name, value in parameters.items()}
        for tries_left in reversed(range(_TRIES)):
            try:
                _POINT.write(self.path, {"parameters": named, "value": form}, together)
            except FileNotFoundError:  # another run that began just now took it for the rest of a killed one
                if not tries_left:
                    raise
            else:
                break
        return True

    def read(self) -> tuple[dict[str, Any], Any]:
        """Return the parameters and the value, or raise ValueError with what is wrong and what to do."""
        try:
            about, arrays = _POINT.read(self.path)
            parameters = {name: _values.unpack(form, arrays) for name, form in about["parameters"].items()}
            if _values.key(parameters) != self.key:
                raise ValueError(f"{self.path} is named as another point than its own: {shown(parameters)}")
            return parameters, _values.unpack(about["value"], arrays)
        except Exception as error:  # what a damaged file says may be wrong in many ways
            told = str(self.path) in str(error)
            reason = error if told else f"{self.path} is damaged: {error!r}"
            raise ValueError(f"{reason}. Remove this file, and its point is computed again") from error


class Store:
    """The folder of one run, made by `begin` where there is none."""

    def __init__(self, folder: Path, about: dict[str, Any]) -> None:
        self._folder, self._about = folder, about
        self._run = self._checked()

    def begin(self) -> None:
        """Say which run it is, where nothing does."""
        self._run = self._checked()
        if self._run is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _archives.whole(self._folder / _ABOUT) as file:
                file.write(json.dumps(self._about, indent=1).encode())
            self._run = self._about["id"]

    def _checked(self) -> str | None:
        """Return the number of the run that the folder is of, None if of none, or raise if of another."""
        found = _found(self._folder)
        if found is None:
            return None
        _check(self._folder, found, self._about)
        return str(found["id"])

    def place(self, point: Point) -> Place:
        """Return where the value of a point is, or is to be."""
        return Place(self._folder, self._run or "", point.key)

    def finished(self, points: Points) -> dict[int, Any]:
        """Return the values of points that are finished, by their numbers; raise if others are there."""
        if self._run is None:
            return {}
        here = {name.removesuffix(".npz") for name in os.listdir(self._folder) if _NAME.fullmatch(name)}
        for key in sorted(here.difference(point.key for point in points.points)):
            parameters, _ = Place(self._folder, self._run, key).read()
            raise ValueError(
                f"{self._folder} belongs to another run: it holds the point ({shown(parameters)}), which the "
                "grid does not. A grid may grow from run to run; another one needs a folder of its own"
            )
        found = {point.number: self.place(point).read()[1] for point in points.points if point.key in here}
        for part in self._folder.glob(f".*.npz.*{_archives.UNFINISHED}"):
            with contextlib.suppress(OSError):  # a folder that is only to be read
                part.unlink()
        return found

    def value(self, point: Point) -> Any:
        """Return the value of a point, or raise if it is not there."""
        return self.place(point).read()[1]


def describe(function: Callable[..., Any], points: Points, seed: SeedSequence | None) -> dict[str, Any]:
    """Return what tells one run from others, and what else may be of use, as JSON can hold it."""
    return {
        "format": _FORMAT,
        "version": _VERSION,
        "id": uuid.uuid4().hex,
        "function": _name(function),
        "parameters": sorted(points.names),
        "rng": None
        if seed is None
        else {
            "entropy": _plain(seed.entropy),
            "spawn_key": _plain(seed.spawn_key),
            **({} if seed.pool_size == _POOL else {"pool_size": seed.pool_size}),
        },
        "source": _source(function),
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in ("numpy", "numba")},
        },
    }


def _found(folder: Path) -> dict[str, Any] | None:
    """Return what a folder says of its run; None if it is not there, or is empty; or raise ValueError."""
    if not folder.exists():
        return None
    if not folder.is_dir():
        raise ValueError(f"store must be a folder; got the file {folder}")
    if not (folder / _ABOUT).exists():
        if all(name.endswith(_archives.UNFINISHED) for name in os.listdir(folder)):
            return None
        raise ValueError(f"store must be an empty folder or one of a sweep; {folder} has no {_ABOUT}")
    wrong = f"{folder / _ABOUT} is damaged, and does not say which run the points in this folder belong to"
    try:
        about = json.loads((folder / _ABOUT).read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{wrong}: {error}") from error
    if not isinstance(about, dict) or about.get("format") != _FORMAT or "id" not in about:
        raise ValueError(f"{wrong}: it says {str(about)[:80]}")
    if about.get("version") != _VERSION:
        raise ValueError(f"{folder} is of version {about.get('version')}; this reads version {_VERSION}")
    return about


def _check(folder: Path, found: dict[str, Any], about: dict[str, Any]) -> None:
    for name in _COMPARED:
        if found.get(name) != about[name]:
            raise ValueError(
                f"{folder} belongs to another run: {name} is {found.get(name)!r} there "
                f"and {about[name]!r} here"
            )
    if found.get("source") != about["source"]:
        _log.warning(
            "the text of %s has changed since %s was begun; points that are finished are kept as the earlier "
            "text computed them",
            about["function"],
            folder,
        )


def _name(function: Callable[..., Any]) -> str:
    if isinstance(function, functools.partial):
        given = [*map(_told, function.args), *_all_told(function.keywords)]
        return f"partial({', '.join([_name(function.func), *given])})"
    if not hasattr(function, "__qualname__"):
        return _told(function)
    name = f"{function.__module__}.{function.__qualname__}"
    return f"{name} of {_told(function.__self__)}" if inspect.ismethod(function) else name


def _told(value: Any, *, within: bool = False) -> str:
    """Tell a value from others: by what it says of itself if that is all of it, else by what it holds."""
    if isinstance(value, functools.partial) or (callable(value) and hasattr(value, "__qualname__")):
        return _name(value)
    text = ""
    with contextlib.suppress(Exception):
        text = repr(_values.plain(value))
    speaks = "__repr__" in {name for kind in type(value).__mro__[:-1] for name in vars(kind)}
    says_all = speaks and not _PART.search(text) and len(text) < _LONG
    if text and says_all:
        return text
    with contextlib.suppress(TypeError):
        return f"{type(value).__name__} {_values.key({'': value})}"
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if within or not hasattr(value, "__dict__"):
        return kind
    return f"{kind}({', '.join(_all_told(vars(value), within=True))})"


def _all_told(values: Mapping[str, Any], *, within: bool = False) -> Iterator[str]:
    return (f"{name}={_told(value, within=within)}" for name, value in values.items())


def _source(function: Callable[..., Any]) -> str | None:
    while isinstance(function, functools.partial):
        function = function.func
    try:
        return inspect.getsource(function)
    except Exception:  # made without a file, or not in Python, or what is there is no longer Python
        return None


def _plain(entropy: Any) -> list[int]:
    return [int(word) for word in (entropy if hasattr(entropy, "__iter__") else [entropy])]
