"""Put the modules of the labs together: for a notebook as one, for the book as parts that its pages share.

Each script is a module of its own, those in `runtime/` for all labs. It says `import { a } from "./file.js";`
and `export` before what it names; a lab ends in `export default ...;`. Here each becomes a function of the
others, so that they can stand in one text, in the order in which they need each other.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

CORE = ("runtime/lab.js", "runtime/chart.js", "runtime/loop.js")  # with what these need
HERE = resources.files(__package__)  # also where the package is an archive
_IMPORT = re.compile(r'^import \{([^}]*)\} from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:class|function|const) (\w+))", re.MULTILINE)
_DEFAULT = re.compile(r"^export default ", re.MULTILINE)


@cache
def source(name: str) -> str:
    """Return the text of a module, `name` as "ising_lab.js" or "runtime/dom.js"."""
    return HERE.joinpath(name).read_text(encoding="utf8")


def needs(name: str) -> list[str]:
    """Return the modules that a module imports from.

    Examples
    --------
    >>> needs("runtime/chart.js")
    ['runtime/dom.js']
    """
    folder = PurePosixPath(name).parent
    return [(folder / path).as_posix() for _, path in _IMPORT.findall(source(name))]


def ordered(*names: str) -> list[str]:
    """Return modules and all that they need, each behind those that it needs.

    Raises
    ------
    ValueError
        If modules need each other in a circle.

    Examples
    --------
    >>> ordered("runtime/chart.js")
    ['runtime/dom.js', 'runtime/chart.js']
    """
    done: list[str] = []

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise ValueError(f"modules import each other in a circle: {' -> '.join((*path, name))}")
        if name not in done:
            for other in needs(name):
                visit(other, (*path, name))
            done.append(name)

    for name in names:
        visit(name, ())
    return done


def wrapped(name: str) -> str:
    """Return a module as an entry of `modules`: the function's own scope is the module's."""
    text = source(name)
    folder = PurePosixPath(name).parent

    def imported(match: re.Match[str]) -> str:
        names = " ".join(match[1].replace(" as ", ": ").split()).rstrip(",")
        return f'const {{ {names} }} = modules["{(folder / match[2]).as_posix()}"];\n'

    exported = _EXPORT.findall(text)
    body = _DEFAULT.sub("exported.default = ", _EXPORT.sub("", _IMPORT.sub(imported, text)))
    handed = f"Object.assign(exported, {{ {', '.join(exported)} }});\n" if exported else ""
    return f'modules["{name}"] = ((exported) => {{\n{body}{handed}return exported;\n}})({{}});\n'


def joined(names: Iterable[str]) -> str:
    """Return modules, in an order in which each finds those that it needs, as entries of `modules`."""
    return "".join(wrapped(name) for name in names)


def module(name: str) -> str:
    """Return a lab with all that it needs as one module, which anywidget imports."""
    return f'const modules = {{}};\n{joined(ordered(name))}export default modules["{name}"].default;\n'


def runtime() -> str:
    """Return what every lab needs, as entries of `modules`."""
    return joined(ordered(*CORE))


def own(name: str) -> str:
    """Return a lab with what it needs besides the runtime, as entries of `modules`."""
    core = ordered(*CORE)
    return joined(part for part in ordered(name) if part not in core)
