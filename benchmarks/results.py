"""Results as they are kept: one JSON file a benchmark, which the book draws its tables and pictures from.

A file says on what it was measured and holds tables. A table is one comparison of several codes in one run:
a group, a column where the group has several, a unit, and rows of a name with median, smallest and largest
value, the number of rounds, the values and the ratios to the first row round by round, and their median.
`kind` says what is better: more ("rate"), less ("time"), or nothing ("quantity", without ratios).
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import re
from fnmatch import fnmatchcase
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FOLDER = Path(__file__).parent / "results"
QUIET = 0.5  # processes that wait or run before a benchmark begins, at most, on a machine that is not busy
Table = dict[str, Any]


def table(
    group: str, values: Mapping[str, Sequence[float]], *, unit: str, kind: str = "rate", column: str = "",
    ratio: str = "",
) -> Table:  # fmt: skip
    """Return a table of values round by round, by the names of codes; the first is what others are told in.

    A code that was timed in fewer rounds, the first ones, is compared in these. `ratio` names the last
    column, if not by what the first code is faster.
    """
    kept = {name: [float(f"{value:.4g}") for value in found] for name, found in values.items()}
    first = next(iter(kept))
    rows = [_row(name, found, kept[first], kind) for name, found in kept.items()]
    made = {"group": group, "column": column, "unit": unit, "kind": kind, "rows": rows}
    return made if kind == "quantity" else made | {"ratio": ratio or f"{first} is faster by"}


def _row(name: str, found: list[float], first: list[float], kind: str) -> dict[str, Any]:
    row = {"name": name, "median": median(found), "min": min(found), "max": max(found)}
    row |= {"rounds": len(found), "values": found}
    if kind == "quantity":
        return row
    pairs = zip(found, first, strict=False)
    ratios = [float(f"{b / a if kind == 'rate' else a / b:.4g}") for a, b in pairs]
    return row | {"ratio": median(ratios), "ratios": ratios}


# ---- On what it was measured.


def machine(packages: Iterable[str], before: tuple[float, ...]) -> dict[str, Any]:
    """Return what the results depend on: processor, versions of what is installed, date and load."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": _processor(),
        "cores": os.cpu_count(),
        "simd": [name for flag, name in (("avx2", "AVX2"), ("avx512f", "AVX-512")) if flag in _flags()],
        "python": platform.python_version(),
        "versions": {name: version for name in packages if (version := _version(name))},
        "load": {"before": [round(x, 2) for x in before], "after": [round(x, 2) for x in os.getloadavg()]},
        "busy": before[0] > QUIET,
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor() -> str:
    names = [line.split(":")[1].strip() for line in _cpu_info() if line.startswith("model name")]
    family, model = (
        next((line.split(":")[1].strip() for line in _cpu_info() if line.startswith(f"{key}\t")), "")
        for key in ("cpu family", "model")
    )
    return f"{names[0]} (family {family}, model {model})" if names else platform.processor()


def _flags() -> set[str]:
    return next((set(line.split()) for line in _cpu_info() if line.startswith("flags")), set())


def _cpu_info() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def sentence(facts: Mapping[str, Any]) -> str:
    """Return in words on what something was measured, and when."""
    simd = f", {' and '.join(facts['simd'])}" if facts["simd"] else ""
    versions = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
    words = (
        f"{facts['machine']}, {facts['cores']} cores{simd}; "
        f"Python {facts['python']}{versions and '; '}{versions}; "
    )
    if facts["load"] is None:  # taken over from a page that did not say when
        return f"{words}written down on {facts['date']}. {facts.get('note', '')}".strip()
    before, after = (facts["load"][key][0] for key in ("before", "after"))
    busy = "busy with other things" if facts["busy"] else "quiet"
    return f"{words}measured on {facts['date']}, when it was {busy} (load {before} before, {after} after)."


# ---- Files.


def save(name: str, tables: list[Table], facts: Mapping[str, Any], folder: Path = FOLDER) -> Path:
    """Write the file of a benchmark, and return where."""
    path = folder / f"{name}.json"
    folder.mkdir(exist_ok=True)
    text = json.dumps({"name": name, "measured": facts, "tables": tables}, ensure_ascii=False, indent=1)
    path.write_text(_short(text) + "\n", encoding="utf8")
    return path


def _short(text: str) -> str:
    """Put lists of numbers on one line."""
    return re.sub(r"\[\s+([-\d.e,\s]+?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", text)


def measured(name: str, folder: Path = FOLDER) -> bool:
    """Tell whether there are results of a benchmark."""
    return (folder / f"{name}.json").exists()


def load(name: str, folder: Path = FOLDER) -> dict[str, Any]:
    """Return the results of a benchmark."""
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf8"))
    return found


def groups(results: Mapping[str, Any], pattern: str = "*") -> dict[str, list[Table]]:
    """Return the tables of a benchmark by their groups, of those that a pattern fits."""
    found: dict[str, list[Table]] = {}
    for entry in results["tables"]:
        if fnmatchcase(entry["group"], pattern):
            found.setdefault(entry["group"], []).append(entry)
    return found


def value(key: str, folder: Path = FOLDER) -> float:
    """Return one number: "benchmark / group / column / row / median", or another field than the median.

    Without a column it is the median over all of the group; the row "first" is the first one.

    Raises
    ------
    KeyError
        If there is no such number.
    """
    name, group, *column, row, field = key.split(" / ")
    tables = groups(load(name, folder)).get(group, [])
    chosen = [entry for entry in tables if not column or entry["column"] == column[0]]
    found = [
        entry[field]
        for part in chosen
        for k, entry in enumerate(part["rows"])
        if row in (entry["name"], "first" if k == 0 else entry["name"])
    ]
    if not found or None in found:
        raise KeyError(f"no result {key}")
    return float(median(found))


# ---- Words.


def words(number: float | None) -> str:
    """Return a number with three digits, as the tables show it.

    Examples
    --------
    >>> words(11834.0), words(0.08484), words(1.0)
    ('11800', '0.0848', '1')
    """
    return "" if number is None else f"{float(f'{number:.3g}'):.6g}"


def markdown(tables: Sequence[Table]) -> str:
    """Return the tables of one group as one: a table alone with its ranges, several side by side."""
    return _alone(tables[0]) if len(tables) == 1 else _beside(tables)


def _alone(one: Table) -> str:
    ranges, ratio = one["rows"][0].get("min") is not None, one.get("ratio")
    head = [", ".join(filter(None, (one["group"], one["column"]))), one["unit"]]
    rounds = f"min to max of {one['rows'][0]['rounds']}"
    lines = [head + [rounds] * ranges + [ratio] * bool(ratio)]
    for row in one["rows"]:
        cells = [row["name"], words(row["median"])]
        cells += [f"{words(row['min'])} to {words(row['max'])}"] * ranges
        lines.append(cells + [words(row.get("ratio"))] * bool(ratio))
    return _grid(lines)


def _beside(tables: Sequence[Table]) -> str:
    names = list(dict.fromkeys(row["name"] for part in tables for row in part["rows"]))
    ratio = tables[0].get("ratio")
    units = {part["unit"] for part in tables}
    head = ", ".join([tables[0]["group"], *(units if len(units) == 1 else ())])
    lines = [[head, *(part["column"] for part in tables), *([ratio] * bool(ratio))]]
    for name in names:
        rows = [next((row for row in part["rows"] if row["name"] == name), {}) for part in tables]
        ratios = [row["ratio"] for row in rows if row.get("ratio") is not None]
        cells = [name, *(words(row.get("median")) or "–" for row in rows)]
        lines.append(cells + ([words(median(ratios))] if ratio else []))
    return _grid(lines)


def _grid(lines: list[list[str]]) -> str:
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
