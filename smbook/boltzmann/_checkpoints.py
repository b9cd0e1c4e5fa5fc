"""Machines on disk: plain arrays and a description in JSON, nothing that runs when it is read."""

from __future__ import annotations

import hashlib
import json
import tempfile
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook._archives import Archive
from smbook.boltzmann._layers import Machine, Parameters
from smbook.boltzmann.training import TrainingHistory

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from smbook._archives import Arrays
    from smbook.boltzmann.restricted import RBM
    from smbook.boltzmann.training import Run

_FILES = Archive("smbook.boltzmann.RBM", 1, "machine")
_FREE = ("n_epochs", "rng")  # hyperparameters that may differ when a run goes on


class Saved(NamedTuple):
    """What a file holds: hyperparameters, how far a run was and on which data, a machine, and arrays."""

    hyperparameters: dict[str, Any]
    epoch: int
    fingerprint: str
    machine: Machine
    history: TrainingHistory
    arrays: Arrays


def save(path: Path, machine: RBM) -> None:
    """Write a machine without what a run needs to go on."""
    history = {f"history_{name}": part for name, part in machine.history_._asdict().items()}
    about = _about(machine)
    kinds = {"visible": machine._machine.visible, "hidden": machine._machine.hidden}
    about["hyperparameters"].update(kinds)  # those that it learned with, whatever they were set to since
    _FILES.write(path, about, {**_parameters(machine), **history})


def load(path: Path) -> Saved:
    """Return what a file holds, or raise ValueError with what is wrong with it."""
    about, arrays = _FILES.read(path)
    try:
        hyperparameters = dict(about["hyperparameters"])
        parameters = Parameters(*(arrays[name] for name in Parameters._fields))
        kinds = hyperparameters["visible"], hyperparameters["hidden"]
        machine = Machine(parameters, *kinds, arrays["base"])
        history = TrainingHistory(*(arrays[f"history_{name}"] for name in TrainingHistory._fields))
        return Saved(hyperparameters, int(about["epoch"]), str(about["data"]), machine, history, arrays)
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is no machine that was saved: {error!r} is missing or wrong") from error


class Folder:
    """Checkpoints of one machine that learns from certain data."""

    def __init__(self, folder: Path, machine: RBM, data: NDArray[np.int8]) -> None:
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"checkpoints must be a folder; got the file {folder}")
        self._folder, self._machine, self._fingerprint = folder, machine, fingerprint(data)

    def newest(self) -> Saved | None:
        """Return the last checkpoint of up to `n_epochs`, if any, or raise if one is not of this run."""
        for path in reversed(files(self._folder)):
            saved = load(path)
            self._check(path, saved)
            if saved.epoch <= self._machine.n_epochs:
                return saved
        return None

    def make(self) -> None:
        """Make the folder, and raise if nothing can be written there."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=self._folder):
            pass

    def _check(self, path: Path, saved: Saved) -> None:
        mine = json.loads(json.dumps(_hyperparameters(self._machine)))
        for name, value in mine.items():
            if name not in _FREE and saved.hyperparameters.get(name) != value:
                raise ValueError(
                    f"{path} belongs to another machine: {name} is {saved.hyperparameters.get(name)!r} there "
                    f"and {value!r} here"
                )
        seeds = (saved.hyperparameters.get("rng"), mine["rng"])
        if None not in seeds and seeds[0] != seeds[1]:
            raise ValueError(f"{path} belongs to another run: rng is {seeds[0]} there and {seeds[1]} here")
        if saved.fingerprint != self._fingerprint:
            raise ValueError(f"{path} belongs to other data")

    def write(self, run: Run) -> None:
        """Write a checkpoint of a run as it stands."""
        about = {**_about(self._machine), "epoch": run.epoch, "data": self._fingerprint}
        arrays = {"base": run.machine.base, **run.arrays()}
        _FILES.write(self._folder / f"epoch-{run.epoch:06d}.npz", about, arrays)


def files(folder: Path) -> list[Path]:
    """Return the checkpoints of a folder, the youngest machine first."""
    return sorted(folder.glob("epoch-*.npz"), key=lambda path: (len(path.name), path.name))


def fingerprint(data: NDArray[np.int8]) -> str:
    """Return what tells one set of rows from another."""
    found = hashlib.sha256(repr(data.shape).encode())
    found.update(np.ascontiguousarray(data).data)
    return found.hexdigest()


def _about(machine: RBM) -> dict[str, Any]:
    return {"hyperparameters": _hyperparameters(machine), "epoch": 0, "data": ""}


def _hyperparameters(machine: RBM) -> dict[str, Any]:
    """Return what `RBM` was made with, as JSON can hold it; a generator is left out."""
    found = {
        name: getattr(value, "item", lambda value=value: value)()
        for name, value in machine.get_params().items()
    }
    rng = found["rng"]
    return {**found, "rng": rng if isinstance(rng, int) else None}


def _parameters(machine: RBM) -> Arrays:
    return {**machine._machine.parameters._asdict(), "base": machine._machine.base}
