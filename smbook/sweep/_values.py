"""Values in an open form, JSON and plain arrays, and back as they were; what tells parameters apart."""

from __future__ import annotations

import collections
import contextlib
import functools
import hashlib
import importlib
import json
import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from smbook._archives import Arrays

KINDS = "None, numbers, strings, bytes, arrays, and lists, tuples, named tuples and dicts of these"
_DTYPES = "biufcSUmMV"
_DEEPEST = 200  # lists in lists in JSON; at twice as many calls in calls Python gives up
_LARGE = 2**63  # other programs do not read larger integers, and Python refuses very large ones


def pack(value: Any, arrays: Arrays) -> Any:
    """Return `value` as JSON can hold it, with its arrays put among `arrays`, or raise TypeError.

    What JSON has no word for becomes an object of one entry, whose name says what it is.
    """
    form = _packed(value, arrays)
    _check_depth("a value", form, _DEEPEST)
    return form


def _packed(value: Any, arrays: Arrays) -> Any:
    kind = type(value)
    if value is None or kind in (bool, str) or (kind in (int, float) and abs(value) < _LARGE):
        return value
    if kind is list:
        return [_packed(item, arrays) for item in value]
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return {"named tuple": [_path(kind), list(kind._fields), [_packed(item, arrays) for item in value]]}
    for known, name, write in _PACKED:
        if kind is known:
            return {name: write(value, arrays)}
    if _is_plain_number(value):  # an array for each would cost more
        return {"number": [value.dtype.name, _packed(value.item(), arrays)]}
    if kind in (np.str_, np.bytes_):  # an array would drop zeros at the end
        return {"number": [kind.__name__, _packed(plain(value), arrays)]}
    if kind is np.ndarray or isinstance(value, np.generic):
        return {"array" if kind is np.ndarray else "scalar": _kept(value, arrays)}
    raise TypeError(f"a {_called(kind)} cannot be stored; what can are {KINDS}")


def unpack(form: Any, arrays: Arrays) -> Any:
    """Return the value that `pack` has put into this form, or raise an error if there is none."""
    if isinstance(form, list):
        return [unpack(item, arrays) for item in form]
    if not isinstance(form, dict):
        return form
    ((name, content),) = form.items()
    return _READ[name](content, arrays)


def key(parameters: Mapping[str, Any]) -> str:
    """Return 32 hexadecimal digits that tell these parameters from others, or raise TypeError.

    Numbers that are equal are the same, whatever their type, and so are lists and tuples of the same entries.
    """
    form = [[name, _form(name, parameters[name])] for name in sorted(parameters)]
    return hashlib.sha256(json.dumps(form).encode()).hexdigest()[:32]


def plain(value: Any) -> Any:
    """Return the number or string of Python that one of NumPy is, and anything else as it is."""
    if isinstance(value, (np.str_, np.bytes_)):
        return value[:]  # item() would drop zeros at the end
    if isinstance(value, np.generic) and type(value.item()) in (bool, int, float, complex, str, bytes):
        return value.item()
    return value


def copied(value: Any) -> Any:
    """Return a parameter that can be changed without the other being so, as if it came from a process."""
    kind = type(value)
    if kind is np.ndarray:
        return _array(value)
    if isinstance(value, np.void):
        return value.copy()
    if kind is dict:
        return {copied(name): copied(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return getattr(kind, "_make", kind)(map(copied, value))
    return value


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are of the same type and content; a nan equals itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return same(list(one.items()), list(other.items()))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (np.ndarray, np.void)):
        if one.dtype != other.dtype or one.shape != other.shape:
            return False
        if one.dtype.names:
            return all(same(one[name], other[name]) for name in one.dtype.names)
        return np.array_equal(one, other, equal_nan=one.dtype.kind in "fcmM")
    if isinstance(one, complex):
        return same(one.real, other.real) and same(one.imag, other.imag)
    return bool(one == other) or bool(one != one and other != other)


def _is_plain_number(value: Any) -> bool:
    """Tell whether this is a number of NumPy that one of Python is equal to."""
    is_short = isinstance(value, np.generic) and value.dtype.kind in "biuf" and value.itemsize <= 8
    return is_short and bool(np.isfinite(value))


def _array(value: Any) -> NDArray[Any]:
    return np.array(value, order="F" if np.isfortran(value) else "C")


def _check_depth(name: str, form: Any, most: int) -> None:
    """Raise TypeError if there are more than so many lists and objects in each other."""
    level = [form]
    for _ in range(most):
        level = [part for outer in level if isinstance(outer, (list, dict)) for part in _parts(outer)]
        if not level:
            return
    raise TypeError(f"{name} must not be nested so deeply")


def _parts(outer: Any) -> Any:
    return outer.values() if isinstance(outer, dict) else outer


def _kept(value: Any, arrays: Arrays) -> str:
    """Put a copy of an array where arrays are kept, and return its name there."""
    array = _array(value)
    if array.dtype.hasobject or array.dtype.kind not in _DTYPES:
        raise TypeError(f"an array of dtype {array.dtype} cannot be stored; those of plain numbers can")
    if array.dtype.names:  # as it is read, neither aligned nor of records
        array = array.view(np.lib.format.descr_to_dtype(np.lib.format.dtype_to_descr(array.dtype)))
    name = f"array_{len(arrays)}"
    arrays[name] = array
    return name


_PACKED: tuple[tuple[type, str, Callable[[Any, Arrays], Any]], ...] = (
    (int, "integer", lambda value, _: hex(value)),
    (float, "float", lambda value, _: repr(value)),
    (complex, "complex", lambda value, _: [repr(value.real), repr(value.imag)]),
    (bytes, "bytes", lambda value, _: value.hex()),
    (tuple, "tuple", lambda value, arrays: [_packed(item, arrays) for item in value]),
    (
        dict,
        "dict",
        lambda value, arrays: [[_packed(part, arrays) for part in item] for item in value.items()],
    ),
)
_READ: dict[str, Callable[[Any, Arrays], Any]] = {
    "integer": lambda content, _: int(content, 16),
    "float": lambda content, _: float(content),
    "complex": lambda content, _: complex(*map(float, content)),
    "bytes": lambda content, _: bytes.fromhex(content),
    "tuple": lambda content, arrays: tuple(unpack(content, arrays)),
    "dict": lambda content, arrays: {unpack(k, arrays): unpack(v, arrays) for k, v in content},
    "named tuple": lambda content, arrays: _class(*content[:2])._make(unpack(content[2], arrays)),
    "number": lambda content, arrays: np.dtype(content[0]).type(unpack(content[1], arrays)),
    "array": lambda content, arrays: arrays[content],
    "scalar": lambda content, arrays: arrays[content][()],
}


def _called(kind: type) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


def _path(kind: type) -> str:
    module = kind.__module__
    return f"{'__main__' if module == '__mp_main__' else module}:{kind.__qualname__}"


def _class(path: str, fields: list[str]) -> Any:
    """Return a class of named tuples that is loaded, or of smbook; or one of the same name and fields.

    A file is not to say what else is imported.
    """
    module, _, name = path.partition(":")
    if module.partition(".")[0] == "smbook" and module not in sys.modules:
        with contextlib.suppress(ImportError):  # of another version
            importlib.import_module(module)
    found: Any = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, tuple) and getattr(found, "_fields", 0) == tuple(fields):
        return found
    return _stand_in(name.rpartition(".")[2], tuple(fields))


@functools.cache
def _stand_in(name: str, fields: tuple[str, ...]) -> Any:
    kind: Any = collections.namedtuple(  # type: ignore[misc]
        name if name.isidentifier() else "Record", fields, rename=True
    )
    if kind._fields != fields:  # those that were renamed when they were made stay as they are
        raise ValueError(f"these are no fields of a named tuple: {fields}")
    return kind


def _form(name: str, value: Any) -> Any:
    """Return the JSON of a parameter."""
    try:
        form = _canonical(name, value)
    except RecursionError:
        raise TypeError(f"{name} must not be nested so deeply, or hold itself") from None
    _check_depth(name, form, _DEEPEST // 3)  # tuples and dicts take more where they are stored
    return form


def _canonical(name: str, value: Any) -> Any:
    """Return JSON that is the same for equal parameters, and for these alone."""
    value = plain(value)
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int or (kind is float and value.is_integer()):
        return {"integer": hex(int(value))}
    if kind is float:
        return {"float": value.hex()}
    if kind in (list, tuple) or (isinstance(value, tuple) and hasattr(kind, "_fields")):
        return [_canonical(name, item) for item in value]
    if kind is dict:
        pairs = [[_canonical(name, part) for part in item] for item in value.items()]
        return {"dict": sorted(pairs, key=json.dumps)}
    if kind is np.ndarray or isinstance(value, np.generic):
        return _canonical_array(name, value)
    if kind in (complex, bytes):
        return {kind.__name__: repr(value)}
    raise TypeError(
        f"{name} must be one of {KINDS}; got {value!r}. Give a name, and look up what it stands for"
    )


def _canonical_array(name: str, value: Any) -> Any:
    array = np.ascontiguousarray(value)
    if array.dtype.hasobject or array.dtype.kind not in _DTYPES:
        raise TypeError(f"{name} must hold plain numbers; got an array of dtype {array.dtype}")
    dtype = repr(array.dtype.descr) if array.dtype.names else array.dtype.str
    return {"array": [dtype, list(np.shape(value)), hashlib.sha256(array.tobytes()).hexdigest()]}
