"""What a worker does: evaluate a function at one point, keep its value at once, and say what came of it."""

from __future__ import annotations

import contextlib
import threading
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from smbook.sweep import _values

if TYPE_CHECKING:
    from collections.abc import Callable

    from smbook._archives import Arrays
    from smbook.sweep._store import Place

keeping = threading.Lock()  # while a value is written; one after another, as a disk writes


class Job(NamedTuple):
    """A point as it is sent to a worker: parameters, the seed of its generator, where its value goes."""

    parameters: dict[str, Any]
    seed: np.random.SeedSequence | None
    place: Place | None


class Value(NamedTuple):
    """What a function has returned; where it is stored, in the form of `_values.pack`."""

    value: Any
    arrays: Arrays
    kept: bool


class Error(NamedTuple):
    """What a function has raised."""

    error: str
    message: str
    traceback: str


def evaluate(function: Callable[..., Any], job: Job) -> Value | Error:
    """Call the function, and write what it returns to the place that is given, if that can be seen from here.

    The values in the file and in what is returned here are the same.
    """
    try:
        given = {} if job.seed is None else {"rng": np.random.default_rng(job.seed)}
        value = function(**_values.copied(job.parameters), **given)  # a function may change what it gets
        if job.place is None:
            return Value(value, {}, kept=False)
        arrays: Arrays = {}
        form = _values.pack(value, arrays)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too is one point's, not the sweep's
        return described(error)
    return Value(form, arrays, kept=_keep(job, form, arrays))


def described(error: BaseException) -> Error:
    """Return an error as text, which can go to another process whatever its type."""
    try:
        message = str(error)
    except Exception:  # an error in an error
        message = "it cannot be told"
    frames = error.__traceback__ and error.__traceback__.tb_next  # without `evaluate`
    lines = traceback.format_exception(type(error), error, frames)
    return Error(type(error).__qualname__, message, "".join(lines))


def _keep(job: Job, form: Any, arrays: Arrays) -> bool:
    """Write a value, and tell whether that went well; if not, who asked for it writes it, or says why not."""
    if job.place is None:
        return False
    with keeping, contextlib.suppress(Exception):
        return job.place.seen() and job.place.write(job.parameters, form, arrays)
    return False
