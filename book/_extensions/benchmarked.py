"""Tables, pictures and numbers of the benchmarks, drawn from the files in `benchmarks/results/`.

`benchmark-tables` shows the groups of a benchmark, all or those that a pattern fits, and says on what they
were measured. `benchmark-picture` draws them on an axis of rates or times. The role `benchmark` sets one
number into a sentence: {benchmark}`lattice / Metropolis, L = 512 / mcising / ratio`.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from itertools import cycle, takewhile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective, SphinxRole
from sphinx.util.logging import getLogger

sys.path.insert(0, str(Path(__file__).parents[2]))  # where the benchmarks are

from benchmarks import results

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MARKS = "osD^vPX"
LOGGER = getLogger(__name__)


# ---- Tables and numbers.


def lines(name: str, pattern: str) -> list[str]:
    """Return the tables of a benchmark as Markdown, each behind what it was measured on."""
    if not results.measured(name):
        return ["*Not measured yet.*"]
    found = results.load(name)
    chosen = results.groups(found, pattern)
    if not chosen:
        raise KeyError(f"no group {pattern} in the results of {name}")
    written: list[str] = []
    said = None
    for tables in chosen.values():
        measured = tables[0].get("measured", found["measured"])
        if measured != said:
            written += [results.sentence(measured), ""]
            said = measured
        written += [*results.markdown(tables).splitlines(), ""]
    return [line.replace("β", r"$\beta$") for line in written]  # the book's bold letters are without Greek


class Tables(SphinxDirective):
    """The tables of a benchmark."""

    required_arguments = 1
    option_spec = {"groups": directives.unchanged}  # noqa: RUF012  # docutils has it so

    def run(self) -> list[nodes.Node]:
        """Parse them as if they stood on the page."""
        name = self.arguments[0]
        self.env.note_dependency(str(results.FOLDER / f"{name}.json"))
        box = nodes.Element()
        text = lines(name, self.options.get("groups", "*"))
        self.state.nested_parse(StringList(text, str(results.FOLDER)), self.content_offset, box)
        return box.children


class Number(SphinxRole):
    """One number of a benchmark."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Look it up."""
        self.env.note_dependency(str(results.FOLDER / f"{self.text.split(' / ')[0]}.json"))
        if not results.measured(self.text.split(" / ")[0]):
            return [nodes.Text("(not measured yet)")], []
        try:
            return [nodes.Text(results.words(results.value(self.text)))], []
        except (KeyError, OSError, ValueError) as error:
            LOGGER.warning("%s", error, location=self.get_location())
            return [nodes.problematic(self.rawtext, self.rawtext)], []


# ---- Pictures.


class Series(NamedTuple):
    """The marks of one kind: for each code the median, the smallest and the largest value."""

    label: str
    values: dict[str, tuple[float, float, float]]


def series(name: str, pattern: str) -> list[Series]:
    """Return a series for each group, over its columns; of a single group, one for each column."""
    chosen = results.groups(results.load(name), pattern)
    if len(chosen) == 1:
        parts = {table["column"]: [table] for tables in chosen.values() for table in tables}
    else:
        parts = dict(zip(told_apart(list(chosen)), chosen.values(), strict=True))
    return [Series(label, _spread(tables)) for label, tables in parts.items()]


def told_apart(names: list[str]) -> list[str]:
    """Return names without the parts that all of them begin with.

    Examples
    --------
    >>> told_apart(["Metropolis, L = 64", "Metropolis, L = 512"])
    ['L = 64', 'L = 512']
    """
    parts = [name.split(", ") for name in names]
    common = sum(1 for _ in takewhile(lambda same: len(set(same)) == 1, zip(*parts, strict=False)))
    return [", ".join(part[common:]) for part in parts]


def _spread(tables: list[results.Table]) -> dict[str, tuple[float, float, float]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in (row for table in tables for row in table["rows"]):
        found.setdefault(row["name"], []).append(row)
    if len(tables) == 1:
        return {name: (row["median"], row["min"], row["max"]) for name, (row,) in found.items()}
    values = {name: [row["median"] for row in rows] for name, rows in found.items()}
    return {name: (median(each), min(each), max(each)) for name, each in values.items()}


def described(drawn: list[Series]) -> str:
    """Return in words what a picture shows."""
    names = list(dict.fromkeys(name for part in drawn for name in part.values))
    told = []
    for name in names:
        marks = [part.values[name][0] for part in drawn if name in part.values]
        low, high = results.words(min(marks)), results.words(max(marks))
        told.append(f"{name} {low}" if low == high else f"{name} {low} to {high}")
    return "; ".join(told) + "."


def draw(drawn: list[Series], unit: str, bound: float | None, path: Path) -> None:
    """Draw a row for each code and a mark for each series, on a logarithmic axis."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    from smbook import figures

    names = list(dict.fromkeys(name for part in drawn for name in part.values))
    with mpl.rc_context():
        figures.use_style()
        figure = Figure(figsize=(7.2, 1.0 + 0.42 * len(names)))
        FigureCanvasAgg(figure)
        ax = figure.subplots()
        for k, (part, mark) in enumerate(zip(drawn, cycle(MARKS), strict=False)):
            shift = 0.5 * (k - (len(drawn) - 1) / 2) / max(len(drawn), 1)
            heights = [names.index(name) + shift for name in part.values]
            middle, low, high = zip(*part.values.values(), strict=True)
            dots = ax.plot(middle, heights, mark, label=part.label or None)
            ax.hlines(heights, low, high, color=dots[0].get_color(), linewidth=1.2)
        if bound is not None:
            ax.axvline(bound, linestyle="--", color="0.35", linewidth=1.2, label="what the random bits allow")
        ax.set(xscale="log", xlabel=unit, yticks=range(len(names)), yticklabels=names)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.grid(axis="x", color="0.9")
        if any(part.label for part in drawn):
            figure.legend(loc="outside right upper")
        path.parent.mkdir(exist_ok=True, parents=True)
        figure.savefig(path, metadata={"Software": None})


class Picture(SphinxDirective):
    """A picture of the values of a benchmark; the content is its caption."""

    required_arguments = 1
    has_content = True
    option_spec = {  # noqa: RUF012
        "groups": directives.unchanged,
        "bound": directives.unchanged,
        "alt": directives.unchanged_required,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        """Draw it, and put it into a figure."""
        name, pattern = self.arguments[0], self.options.get("groups", "*")
        self.env.note_dependency(str(results.FOLDER / f"{name}.json"))
        if not results.measured(name):
            return []
        drawn = series(name, pattern)
        unit = next(iter(results.groups(results.load(name), pattern).values()))[0]["unit"]
        figure = nodes.figure("", nodes.image(uri=self.picture(drawn, unit), alt=self.alt(drawn)))
        box = nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, box)
        figure += nodes.caption("", "", *box.children[0].children)
        self.set_source_info(figure)
        self.add_name(figure)
        return [figure]

    def alt(self, drawn: list[Series]) -> str:
        """Return what it shows, in words and numbers."""
        return f"{self.options['alt']}: {described(drawn)}"

    def picture(self, drawn: list[Series], unit: str) -> str:
        """Return where the picture is, drawn if it is not there yet."""
        bound = self.bound()
        shown = json.dumps([drawn, unit, bound, Path(__file__).read_text(encoding="utf8")])
        folder = Path(self.env.app.doctreedir).parent / "benchmarks"
        path = folder / f"{hashlib.sha256(shown.encode()).hexdigest()[:32]}.png"
        if not path.exists():
            draw(drawn, unit, bound, path)
        return "/" + os.path.relpath(path, self.env.srcdir)

    def bound(self) -> float | None:
        """Return where the bound lies, if it was measured."""
        try:
            return results.value(self.options["bound"]) if "bound" in self.options else None
        except KeyError:
            return None


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to Sphinx."""
    app.add_directive("benchmark-tables", Tables)
    app.add_directive("benchmark-picture", Picture)
    app.add_role("benchmark", Number())
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
