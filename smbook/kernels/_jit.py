"""The one decorator of all kernels: compiled wherever they are, kept on disk where that can be done."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import config, njit
from numba.core.caching import FunctionCache, IndexDataCacheFile
from numba.core.compiler import Compiler
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

_COMPILES = not config.DISABLE_JIT  # type: ignore[attr-defined]  # numba defines it as it loads
_SEAL = hashlib.sha256().digest_size  # bytes


class _Apart(Compiler):
    """numba's compiler, told that the arrays among the arguments of a function do not overlap."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.state.flags.noalias = True


def kernel(function: Callable[..., Any]) -> Any:
    """Return `function` compiled by numba on its first call, free of the interpreter lock.

    NumPy's error model spares each division a branch that raises. Floating point stays strict (no fastmath,
    no fused multiply-add), because a browser has to give the same bits.

    The compiled code is kept on disk; where nothing can be written, or what is there is damaged, it is
    compiled anew. With NUMBA_DISABLE_JIT=1 Python runs the function as it stands, to the same bits.
    """
    return _compiled(function)


def kernel_apart(function: Callable[..., Any]) -> Any:
    """Return `function` as `kernel` does, for arrays that never overlap where one of them is written to.

    Nothing checks that they do not. The compiler then need not ask, and works on many entries at once where
    it would give up before so many arrays.
    """
    return _compiled(function, pipeline_class=_Apart, _nrt=False)


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    if not _COMPILES:
        return _in_python(function)
    compiled: Any = njit(nogil=True, error_model="numpy", **options)(function)
    try:
        compiled._cache = _Cache(function)
    except Exception:  # no place for it: numba and the file system have many ways to say so
        return compiled
    return compiled


def inlined(function: Callable[..., Any]) -> Any:
    """Return `function` written out in every kernel that calls it, for the short steps of a hot loop.

    A call that hands arrays on counts references, which costs as much as a vector of work.
    """
    if not _COMPILES:
        return _in_python(function)
    return njit(nogil=True, error_model="numpy", inline="always")(function)


def instruction(in_python: Callable[..., Any]) -> Callable[[Callable[..., Any]], Any]:
    """Return numba's `intrinsic`, or a decorator that puts `in_python` instead where nothing is compiled."""
    return intrinsic if _COMPILES else lambda _: in_python


def _in_python(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with numba's types of numbers, and as silent as it is about overflow."""

    @functools.wraps(function)
    def run(*arguments: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(*(_typed(argument) for argument in arguments))

    return run


def _typed(argument: Any) -> Any:
    if type(argument) is float:
        return np.float64(argument)
    return np.int64(argument) if type(argument) is int else argument


class _Cache(FunctionCache):
    """numba's cache of a function, whose failures cost a compilation and nothing else."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        stamp = self._impl.locator.get_source_stamp()
        self._cache_file = _SealedFile(self.cache_path, self._impl.filename_base, stamp)

    def load_overload(self, signature: Any, context: Any) -> Any:
        try:
            return super().load_overload(signature, context)
        except Exception:  # what a damaged pickle raises can be anything
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        try:
            super().save_overload(signature, result)
        except Exception:
            self._start_anew(signature, result)

    def _start_anew(self, signature: Any, result: Any) -> None:
        """Write over a damaged index, or do without a cache."""
        try:
            self.flush()
            super().save_overload(signature, result)
        except Exception:
            self.disable()


class _SealedFile(IndexDataCacheFile):
    """numba's files of a cache, each with a checksum at its end: damaged machine code could do anything."""

    def _dump(self, value: Any) -> bytes:
        data: bytes = super()._dump(value)
        return data + hashlib.sha256(data).digest()

    def _load_data(self, name: str) -> Any:
        content = Path(self._data_path(name)).read_bytes()
        if hashlib.sha256(content[:-_SEAL]).digest() != content[-_SEAL:]:
            raise ValueError(f"{name} is damaged")
        return super()._load_data(name)
