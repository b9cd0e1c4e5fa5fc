"""Keep in the book once what its live figures share: runtime, scripts of the labs, styles and kernels.

Jupyter writes into each page the whole state of its widgets, where every figure carries all of that. Here it
is taken out of the page and stands under `_static/live/`, named by the hash of its content, so that a browser
loads it once for the whole book. Each file is a classic script, since a page from the file system may load no
other kind; it hands what it holds to `globalThis.smbookParts`, from where `_static/widgets.js` takes it. What
stays in the page is the figure's own state, with the names of its parts.
"""

from __future__ import annotations

import base64
import importlib
import json
import re
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smbook.widgets import _modules

if TYPE_CHECKING:
    from sphinx.application import Sphinx

STATE = "application/vnd.jupyter.widget-state+json"
VIEW = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.DOTALL)
FOLDER = "live"
ESCAPED = {ord(c): f"\\x{ord(c):02x}" for c in '\0\n\r"\\'}  # what may not stand in a string of JavaScript


class Part:
    """A file that figures share: what it is called, by its content, and what stands in it."""

    def __init__(self, stem: str, content: str, *, suffix: str = ".js") -> None:
        self.name = f"{stem}.{sha256(content.encode()).hexdigest()[:12]}"
        self.path = f"{FOLDER}/{self.name}{suffix}"
        self.content = content if suffix != ".js" else self.handed(content)

    def handed(self, value: str) -> str:
        """Return the script that hands over a value."""
        return f'(globalThis.smbookParts ??= []).push(["{self.name}", {value}]);\n'

    def write(self, static: Path) -> None:
        """Write the file below the book's `_static`."""
        static.joinpath(self.path).write_text(self.content, encoding="utf8")


def module(stem: str, text: str) -> Part:
    """Return the part of modules: a function that adds them to those that the page has."""
    return Part(stem, f"(modules) => {{\n{text}}}")


@cache
def runtime() -> Part:
    """Return the modules that all labs share."""
    return module("runtime", _modules.runtime())


@cache
def script(name: str) -> Part:
    """Return the module of one kind of lab, with what it needs besides the runtime."""
    return module(Path(name).stem, _modules.own(name))


@cache
def kernels(code: bytes) -> Part:
    """Return the WebAssembly module: a character a byte, which compresses better than base64 by a quarter."""
    return Part("kernels", f'"{code.decode("latin-1").translate(ESCAPED)}"')


@cache
def style(text: str) -> Part:
    """Return a style sheet."""
    return Part("style", text, suffix=".css")


class Figure:
    """One widget of a page: its state, without what the book has once, and the parts that it needs."""

    def __init__(self, model: dict[str, Any]) -> None:
        self.model = model
        self.state = model["state"]
        self.buffers = {tuple(buffer["path"]): buffer["data"] for buffer in model.get("buffers", [])}
        self.scripts: list[Part] = []
        self.styles: list[Part] = []
        kind = known(self.state["_anywidget_id"])
        if kind is not None:
            self.take_out(kind._script)

    def take_out(self, name: str) -> None:
        """Leave the names of the parts in the state where their content was."""
        del self.state["_esm"]
        self.scripts = [runtime(), script(name)]
        self.styles = [style(self.state.pop("_css"))]
        if ("_kernels",) in self.buffers:
            self.scripts.append(kernels(base64.b64decode(self.buffers.pop(("_kernels",)))))
        self.state["_live"] = {"script": name, "parts": [part.name for part in self.scripts]}

    def described(self) -> dict[str, Any]:
        """Return what stays in the page, in the form in which Jupyter writes it."""
        buffers = [
            {"path": list(path), "data": data, "encoding": "base64"} for path, data in self.buffers.items()
        ]
        return {"state": self.state} | ({"buffers": buffers} if buffers else {})


def known(identifier: str) -> Any:
    """Return the package's class of a widget; None for a widget that a chapter defines by itself."""
    place, _, name = identifier.rpartition(".")
    if not place.startswith("smbook."):
        return None
    kind = getattr(importlib.import_module(place), name)
    return kind if hasattr(kind, "_script") else None


def lighten(app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Rewrite the widgets' state of a page, and have the page load the parts that its figures need."""
    for attributes in [asset.attributes for asset in context["script_files"] if hasattr(asset, "attributes")]:
        if attributes.get("type") == STATE:
            models = json.loads(attributes["body"])["state"]
            figures = {name: Figure(model) for name, model in models.items() if "_esm" in model["state"]}
            states = {name: figure.described() for name, figure in figures.items()}
            attributes["body"] = compact({"state": states})
            views = [json.loads(view)["model_id"] for view in VIEW.findall(context["body"])]
            hand_out(app, [figures[view] for view in views if view in figures])


def compact(value: Any) -> str:
    """Return JSON that can stand in a page."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


def hand_out(app: Sphinx, figures: list[Figure]) -> None:
    """Write the parts of a page's figures; its head asks for styles, and for what its first figure needs.

    What other figures need is asked for by `_static/widgets.js` when their turn has come.
    """
    static = Path(app.outdir, "_static")
    static.joinpath(FOLDER).mkdir(parents=True, exist_ok=True)
    for part in {part for figure in figures for part in figure.scripts}:
        part.write(static)
    for part in figures[0].scripts if figures else []:
        app.add_js_file(part.path, **{"async": "async"})
    for part in dict.fromkeys(part for figure in figures for part in figure.styles):
        part.write(static)
        app.add_css_file(part.path)


def forget(app: Sphinx, exception: Exception | None) -> None:
    """Remove the parts of earlier builds that no page names any more."""
    if app.builder.format != "html" or exception:
        return
    texts = [page.read_text(encoding="utf8") for page in Path(app.outdir).rglob("*.html")]
    for path in Path(app.outdir, "_static", FOLDER).glob("*"):
        if not any(path.stem in text for text in texts):
            path.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.connect("html-page-context", lighten, priority=900)  # behind myst_nb, which adds the state
    app.connect("build-finished", forget)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
