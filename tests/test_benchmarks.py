"""The results of the benchmarks are whole, the page shows them, and their code does what it says."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
import time
import types
from statistics import median

import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from benchmarks import __main__ as command
from benchmarks import clusters, lattice, results, timing
from benchmarks.timing import Code
from smbook import ising
from smbook.kernels.rng import next_uint64, seed_state
from tests.browser import HTML, ROOT

PAGE = (ROOT / "book" / "reference" / "benchmarks.md").read_text(encoding="utf8")
BUILT = HTML / "reference" / "benchmarks.html"
FILES = sorted(path.stem for path in results.FOLDER.glob("*.json"))
PEERS = (
    "mcising",
    "peapods",
    "openjij",
    "dwave",
    "dimod",
    "hopfieldkit",
    "rbms",
    "numba",
    "playwright",
    "torch",
)

specification = importlib.util.spec_from_file_location(
    "benchmarked", ROOT / "book" / "_extensions" / "benchmarked.py"
)
benchmarked = importlib.util.module_from_spec(specification)
specification.loader.exec_module(benchmarked)


# The files.


def complaints(found):
    """Return what is wrong with the results of a benchmark."""
    facts = found["measured"]
    wanted = {"date", "machine", "cores", "simd", "python", "versions", "load", "busy"}
    wrong = [f"no {key}" for key in wanted - facts.keys()]
    wrong += [
        f"{key} is empty" for key in ("date", "machine", "cores", "python", "versions") if not facts.get(key)
    ]
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", facts.get("date", "")):
        wrong.append(f"date {facts.get('date')}")
    if not found["tables"]:
        wrong.append("no tables")
    for table in found["tables"]:
        place = f"{table['group']}, {table['column']}"
        wrong += [f"{place}: {words}" for row in table["rows"] for words in _row_complaints(row, table)]
    return wrong


def _row_complaints(row, table):
    first, name = table["rows"][0], row["name"]
    if row["min"] is not None and not 0 <= row["min"] <= row["median"] <= row["max"]:
        yield f"{name}: {row['median']} is not between {row['min']} and {row['max']}"
    found = row["values"]
    if found and (min(found), median(found), max(found)) != (row["min"], row["median"], row["max"]):
        yield f"{name}: median and range are not those of its rounds"
    if row["rounds"] < 1 or (found and len(found) != row["rounds"]):
        yield f"{name}: {row['rounds']} rounds"
    if table["kind"] == "quantity":
        return
    if row["ratios"] is not None:
        over = [
            b / a if table["kind"] == "rate" else a / b
            for a, b in zip(row["values"], first["values"], strict=False)
        ]
        if not np.allclose(over, row["ratios"], rtol=1e-3) or median(row["ratios"]) != row["ratio"]:
            yield f"{name}: ratios do not follow from the rounds"
    elif not _possible(row, first, table["kind"]):
        yield f"{name}: a ratio of {row['ratio']} cannot be"


def _possible(row, first, kind):
    """Tell whether a ratio lies between those of the extremes; numbers of three digits were taken over."""
    one, other = (first, row) if kind == "rate" else (row, first)
    low = (one["min"] or 0.8 * one["median"]) / (other["max"] or 1.25 * other["median"])
    high = (one["max"] or 1.25 * one["median"]) / (other["min"] or 0.8 * other["median"])
    return 0.99 * low <= row["ratio"] <= 1.01 * high


@pytest.mark.parametrize("name", FILES)
def test_results_are_whole(name):
    found = results.load(name)
    assert found["name"] == name
    assert name in command.NAMES
    assert complaints(found) == []


def test_what_is_wrong_with_results_is_seen():
    whole = {
        "name": "x",
        "measured": results.machine(["numpy"], (0.1, 0.1, 0.1)),
        "tables": [results.table("a", {"one": [3.0, 2.0, 4.0], "other": [1.0, 1.0, 1.1]}, unit="per s")],
    }
    assert complaints(whole) == []
    for change in (
        lambda found: found["measured"].update(date="yesterday"),
        lambda found: found["measured"].pop("load"),
        lambda found: found["tables"][0]["rows"][1].update(median=1.05),
        lambda found: found["tables"][0]["rows"][1].update(ratio=2.9),
        lambda found: found["tables"][0]["rows"][1].update(rounds=4),
        lambda found: found["tables"][0]["rows"][1].update(values=None, ratios=None, ratio=30.0),
    ):
        broken = copy.deepcopy(whole)
        change(broken)
        assert complaints(broken)


# The page.


def test_the_page_shows_every_benchmark_and_each_was_measured():
    shown = re.findall(r"^```\{benchmark-(?:tables|picture)\} (\w+)", PAGE, re.MULTILINE)
    assert set(shown) == set(command.NAMES)
    assert set(shown) <= set(FILES), f"never measured: {set(shown) - set(FILES)}; run make benchmark"


def test_every_number_of_the_prose_is_there():
    keys = re.findall(r"\{benchmark\}`([^`]+)`", PAGE)
    assert len(keys) >= 5
    for key in keys:
        assert results.value(key) > 0
    with pytest.raises(KeyError, match="no result"):
        results.value("lattice / Metropolis, L = 512 / nobody / median")


def test_a_number_without_a_column_is_the_median_over_all(tmp_path):
    tables = [
        results.table("g", {"one": [4.0 * k], "other": [1.0 * k]}, unit="per s", column=f"c{k}")
        for k in (1, 2, 5)
    ]
    results.save("x", tables, results.machine([], (0.0, 0.0, 0.0)), tmp_path)
    assert results.value("x / g / other / median", tmp_path) == 2.0
    assert results.value("x / g / c5 / other / median", tmp_path) == 5.0
    assert results.value("x / g / first / median", tmp_path) == 8.0
    assert results.value("x / g / other / ratio", tmp_path) == 4.0
    assert "| one | 4 | 8 | 20 | 1 |" in results.markdown(tables)


@pytest.mark.skipif(not BUILT.exists(), reason="the book is not built")
def test_the_built_page_holds_the_numbers_of_the_files():
    page = BeautifulSoup(BUILT.read_text(encoding="utf8"), "html.parser")
    shown = [
        [
            [cell.get_text(" ", strip=True).replace(r"\(\beta\)", "β") for cell in row.find_all(["th", "td"])]
            for row in table.find_all("tr")
        ]
        for table in page.find_all("table")
    ]
    for name in FILES:
        for tables in results.groups(results.load(name)).values():
            lines = results.markdown(tables).splitlines()
            cells = [line.strip("| ").split(" | ") for line in (lines[0], *lines[2:])]
            assert cells in shown, cells[0]


@pytest.mark.parametrize(("name", "pattern"), re.findall(r"picture\} (\w+)\n:groups: (.*)", PAGE))
def test_pictures_are_opaque_and_say_in_words_what_they_show(name, pattern, tmp_path):
    if not results.measured(name):
        pytest.skip("not measured yet")
    drawn = benchmarked.series(name, pattern)
    words = benchmarked.described(drawn)
    for part in drawn:
        assert all(each in words for each in part.values)
    path = tmp_path / "picture.png"
    benchmarked.draw(drawn, "attempts per ns", 47.0, path)
    with Image.open(path) as image:
        assert image.convert("RGBA").getextrema()[3] == (255, 255)
        assert image.convert("RGB").getpixel((2, 2)) == (255, 255, 255)


def test_groups_are_told_apart_by_what_they_do_not_share():
    assert benchmarked.told_apart(["A, L = 64", "A, L = 512"]) == ["L = 64", "L = 512"]
    assert benchmarked.told_apart(["N = 1, T = 2", "N = 3, T = 2"]) == ["N = 1, T = 2", "N = 3, T = 2"]


def test_a_machine_says_whether_it_was_busy():
    quiet, busy = (results.machine(["numpy", "no-such-package"], (load, 0.0, 0.0)) for load in (0.1, 1.9))
    assert list(quiet["versions"]) == ["numpy"]
    assert "quiet (load 0.1 before" in results.sentence(quiet)
    assert "busy with other things (load 1.9 before" in results.sentence(busy)


# The command.


def test_help_needs_no_peer():
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({PEERS!r})); sys.argv = ['benchmarks', '--help'];"
        "import runpy; runpy.run_module('benchmarks', run_name='__main__')"
    )
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert all(f"  {name} " in said.stdout for name in command.NAMES)


@pytest.fixture
def invented(monkeypatch, tmp_path):
    """Give the command one benchmark more, and a folder of its own with the results of another."""
    module = types.ModuleType("benchmarks.invented")
    module.PACKAGES = ("numpy",)
    module.measure = lambda: iter(
        [timing.times("pause", {"a": Code(lambda: time.sleep(0.002))}, "ms", rounds=3)]
    )
    monkeypatch.setitem(sys.modules, "benchmarks.invented", module)
    monkeypatch.setitem(command.NAMES, "invented", "nothing")
    monkeypatch.setattr(results.save, "__defaults__", (tmp_path,))
    monkeypatch.setattr(timing, "_quick", False)
    (tmp_path / "margin.json").write_text("as it was")
    return tmp_path


def test_a_run_keeps_its_results_and_leaves_the_others(invented, capsys):
    command.main(["invented"])
    found = json.loads((invented / "invented.json").read_text())
    assert complaints(found) == []
    assert len(found["tables"][0]["rows"][0]["values"]) == 3
    assert (invented / "margin.json").read_text() == "as it was"
    assert "| a | " in capsys.readouterr().out


def test_a_quick_run_keeps_nothing(invented):
    command.main(["--quick", "invented"])
    assert [path.name for path in invented.iterdir()] == ["margin.json"]


def test_an_unknown_benchmark_is_refused(capsys):
    with pytest.raises(SystemExit):
        command.main(["lattice", "latice"])
    assert "no benchmark latice" in capsys.readouterr().err


# What is timed.


@pytest.fixture
def clock(monkeypatch):
    """Put a clock in place of the computer's, which goes on by what is told to it in milliseconds."""
    now = [0.0]
    monkeypatch.setattr(timing, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(timing, "_quick", False)
    return lambda milliseconds: now.__setitem__(0, now[0] + 1e-3 * milliseconds)


def test_ratios_and_preparations(clock):
    codes = {
        "short": Code(lambda: clock(4)),
        "long": Code(lambda: clock(12), rounds=2),
        "prepared": Code(lambda: clock(14), 2.0, lambda: clock(4)),
        "lost": Code(lambda: clock(3), 1.0, lambda: clock(4)),
    }
    table = timing.times("time", codes, "ms", rounds=3)
    rows = {row["name"]: (row["median"], row["ratio"], len(row["values"])) for row in table["rows"]}
    assert rows == {"short": (4.0, 1.0, 3), "long": (12.0, 3.0, 2), "prepared": (5.0, 1.25, 3)}
    rates = timing.rates("rate", {"a": codes["short"], "b": codes["prepared"]}, "per ms", scale=1e-3)
    assert [(row["median"], row["ratio"]) for row in rates["rows"]] == [(0.25, 1.0), (0.2, 1.25)]


def test_what_was_disturbed_once_is_timed_again(clock):
    preparations = iter([1, 1, 50, 1])
    code = Code(lambda: clock(5), 1.0, lambda: clock(next(preparations)))
    assert timing.interleaved({"a": code}, rounds=2)["a"] == pytest.approx([4e-3, 4e-3])


def test_a_first_call_does_not_count_and_rounds_take_turns(clock):
    calls = []
    codes = {name: Code(lambda name=name: (calls.append(name), clock(len(calls)))) for name in "ab"}
    seconds = timing.interleaved(codes, rounds=2)
    assert seconds["a"] == pytest.approx([3e-3, 5e-3])
    assert seconds["b"] == pytest.approx([4e-3, 6e-3])
    assert calls == list("ababab")


@pytest.mark.parametrize("each", [0.001, 0.3, 40.0, 700.0])
@pytest.mark.parametrize("preparation", [0, 5, 300])
def test_the_length_of_a_run_is_fitted_to_the_time(clock, each, preparation):
    """Catch a length that preparation has made short: what counts is the time of the work."""
    length = timing.fitted(lambda n: clock(preparation + each * n), seconds=0.2)
    assert length == 1 or 0.4 < each * length / 200 < 1.6


def test_what_is_not_installed_is_left_out(capsys):
    def absent():
        raise ModuleNotFoundError("No module named 'peer'")

    assert list(timing.there({"here": lambda: Code(int), "peer": absent})) == ["here"]
    assert "peer is left out: No module named 'peer'." in capsys.readouterr().out


def test_the_bound_draws_from_the_generator_of_the_kernels():
    state = seed_state(5)
    lanes = [np.array([word]) for word in state]
    sums = np.zeros(1, dtype=np.uint64)
    lattice._draw(*lanes, sums)
    expected = np.bitwise_xor.reduce([np.uint64(next_uint64(state) & (2**64 - 1)) for _ in range(12)])
    assert sums[0] == expected
    assert [lane[0] for lane in lanes] == list(state)


def test_mean_size_of_a_cluster():
    """Catch a size that is off by five percent; it is N <m^2>, by the improved estimator."""
    side = 32
    run = ising.simulate((side, side), clusters.BETA, 20_000, algorithm="swendsen-wang", initial="up", rng=3)
    squares = (run.magnetization[100:] ** 2).reshape(-1, 100).mean(axis=1)
    error = squares.std() / np.sqrt(squares.size)
    expected = clusters.mean_cluster(side) / side**2
    assert error < 0.0125 * expected
    assert abs(squares.mean() - expected) < 4 * error


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no such thing here")
def test_one_core_is_given_back():
    before = os.sched_getaffinity(0)
    with lattice.one_core():
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == before
