"""The files of CIFAR-10, read without running anything that they hold."""

from __future__ import annotations

import io
import os
import pickle
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Labels = NDArray[np.int64]
    Read = Callable[[str], bytes]

FILES = (tuple(f"data_batch_{k}" for k in range(1, 6)), ("test_batch",))
_NAMES = {name for names in FILES for name in names}
_FOLDER, _ARCHIVE = "cifar-10-batches-py", "cifar-10-python.tar.gz"
_SHAPE = (3, 32, 32)
_CLASSES = 10
_BYTES = 1 << 20
_DAMAGE = (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError,
           OverflowError, MemoryError, ImportError, RecursionError)  # fmt: skip


def opened(folder: str | os.PathLike[str]) -> Read:
    """Return what gives the content of a file by its name, or raise if there is no folder or archive."""
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"folder must be a path; got {type(folder).__name__}")
    place = Path(folder)
    if not place.exists():
        raise FileNotFoundError(f"folder must be where CIFAR-10 is; got {str(place)!r}, which is not there")
    inside = [each for each in (place, place / _FOLDER) if (each / FILES[0][0]).is_file()]
    archives = [each for each in (place, place / _ARCHIVE) if each.is_file()]
    if archives and not inside:
        return _archived(archives[0])
    return lambda name: _content((*inside, place)[0], name)


def first(read: Read, names: Sequence[str], count: int | None) -> tuple[Pixels, Labels]:
    """Return the first images (n, 3, 32, 32) of some files, all if no count is given, and their labels."""
    images: list[Pixels] = []
    labels: list[Labels] = []
    for name in names:
        if count is None or sum(map(len, labels)) < count:
            found = batch(name, read(name))
            images.append(found[0])
            labels.append(found[1])
    there = sum(map(len, labels))
    if count is not None and there < count:
        raise ValueError(f"n_{'test' if names == FILES[1] else 'train'} must be at most {there}; got {count}")
    return np.concatenate(images)[:count], np.concatenate(labels)[:count]


def batch(name: str, content: bytes) -> tuple[Pixels, Labels]:
    """Return the images and labels of the content of a file, or raise."""
    try:
        found = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        pixels, labels = (_entry(found, key) for key in ("data", "labels"))
        images = pixels.array().reshape(-1, *_SHAPE)
        numbers = np.array(labels)
        if numbers.shape != (len(images),) or numbers.dtype.kind != "i":
            raise ValueError(f"{len(images)} images have labels of shape {numbers.shape}")
        if len(numbers) and not (numbers.min() >= 0 and numbers.max() < _CLASSES):
            raise ValueError(f"labels go from {numbers.min()} to {numbers.max()}")
    except _DAMAGE as error:
        raise ValueError(f"{name} must be a batch of CIFAR-10, python version; {_words(error)}") from error
    return images, numbers.astype(np.int64)


class _Kind:
    """What stands for `numpy.dtype` in a batch: unsigned bytes, and no other kind."""

    def __init__(self, code: Any, *_: Any) -> None:
        if code not in (b"u1", "u1"):
            raise pickle.UnpicklingError(f"it holds numbers of kind {code!r}")

    def __setstate__(self, state: Any) -> None:
        """Take in the byte order, which a byte has none of."""


class _Array:
    """What stands for an array, its shape and its bytes, until it is one."""

    def __init__(self, *_: Any) -> None:
        self._state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self._state = tuple(state)

    def array(self) -> Pixels:
        """Return the array, or raise if there are other bytes than its shape has."""
        _, shape, _, columns_first, content = self._state
        return np.frombuffer(content, dtype=np.uint8).reshape(shape, order="F" if columns_first else "C")


class _Unpickler(pickle.Unpickler):
    """A reader that knows bytes, texts, numbers, lists and dictionaries, and arrays by their stand-ins."""

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("multiarray", "_reconstruct"): _Array,
            ("numpy", "ndarray"): _Array,
            ("numpy", "dtype"): _Kind,
        }
        if module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            module = "multiarray"
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return known[module, name]


def _entry(found: Any, key: str) -> Any:
    if not isinstance(found, dict) or not {key, key.encode()} & found.keys():
        raise ValueError(f"it has no {key!r}")
    return found[key.encode()] if key.encode() in found else found[key]


def _words(error: BaseException) -> str:
    return f"it is damaged or another file ({error or type(error).__name__})"


def _content(folder: Path, name: str) -> bytes:
    path = folder / name
    if not path.is_file():
        raise FileNotFoundError(f"folder must hold the files of CIFAR-10, python version; {path} is missing")
    return path.read_bytes()


def _archived(path: Path) -> Read:
    """Return what gives the content of a file in an archive, which is read once and to its end."""
    known: dict[str, bytes] = {}
    try:
        with tarfile.open(path) as files:
            for member in files:
                *_, folder, name = "", "", *PurePosixPath(member.name).parts
                content = files.extractfile(member) if folder == _FOLDER and name in _NAMES else None
                if content is not None:
                    known[name] = content.read()
            while files.fileobj is not None and files.fileobj.read(_BYTES):
                pass  # only at its end does a compressed file say whether it is as it was made
    except (tarfile.TarError, EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} must be the archive of CIFAR-10; {_words(error)}") from error

    def read(name: str) -> bytes:
        if name not in known:
            raise FileNotFoundError(
                f"{path} must hold the files of CIFAR-10, python version; {_FOLDER}/{name} is missing"
            )
        return known[name]

    return read
