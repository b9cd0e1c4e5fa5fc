"""Files that are there as a whole or not at all: plain arrays and a description in JSON; nothing runs."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[Any]]

UNFINISHED = ".part"  # how the name of a file ends that a killed process has left half written


class Archive(NamedTuple):
    """A kind of file: its format and version, which stand in it, and what an error calls its content."""

    format: str
    version: int
    content: str

    def write(self, path: Path, about: dict[str, Any], arrays: Arrays) -> None:
        """Write a file that is there as a whole or not at all, whatever happens meanwhile."""
        described = json.dumps({"format": self.format, "version": self.version, **about}).encode()
        arrays = {"about": np.frombuffer(described, np.uint8), **arrays}
        with whole(path) as file:
            np.savez(file, allow_pickle=False, **arrays)

    def read(self, path: Path) -> tuple[dict[str, Any], Arrays]:
        """Return the description and the arrays of a file, or raise.

        Raises
        ------
        FileNotFoundError, ValueError
            If there is no such file, or it is damaged, of another format or of another version.
        """
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {path}")
        wrong = f"{path} is no {self.content} that was saved"
        try:
            # Opened here, as NumPy leaves a truncated archive open.
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            about = json.loads(arrays.pop("about").tobytes())
        except Exception as error:  # numpy, zipfile, zlib and json have many ways to say so
            raise ValueError(f"{wrong}, or is damaged: {error}") from error
        if not isinstance(about, dict) or about.get("format") != self.format:
            raise ValueError(f"{wrong}: it says {str(about)[:80]}")
        if about.get("version") != self.version:
            raise ValueError(
                f"{path} is of version {about.get('version')} of the format; "
                f"this reads version {self.version}"
            )
        return about, arrays


@contextlib.contextmanager
def whole(path: Path) -> Iterator[BinaryIO]:
    """Yield a file to write, which gets its name when it is whole and on the disk, or is removed."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}{UNFINISHED}")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _keep_name(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _keep_name(path: Path) -> None:
    """Have the folder of a file that was renamed on the disk too, where the system knows how to."""
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
