"""What every chapter must be besides right; nbval compares its outputs, but passes where none are stored."""

from __future__ import annotations

import re
import symtable
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from tests.conftest import MAX_NOTEBOOK_SECONDS, seconds_of_tests, table_of_notebooks
from tests.run_notebooks import found, fresh_cache, run, seconds_of_runs, store

BOOK = Path(__file__).parents[1] / "book"
NOTEBOOKS = sorted(path for path in BOOK.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
CHAPTERS = [path for path in NOTEBOOKS if path != BOOK / "intro.ipynb"]  # the front page is none
DRAWS = re.compile(r"plt\.(subplots|figure|show|plot)\(|show_spins\(")
MIN_CODE_CELLS, MAX_CODE_CELLS = 15, 25
MIN_QUESTIONS = 2
MAX_LINES = 30


def code_cells(notebook):
    """List (number, cell) of the code cells, numbered as in the error messages of nbval."""
    return list(enumerate(cell for cell in notebook.cells if cell.cell_type == "code"))


def unstored(notebook):
    """Number the cells that were not run, or that print (or end in a value to show) with no output stored."""
    cells = code_cells(notebook)
    unrun = [number for number, cell in cells if cell.execution_count is None]
    silent = [
        number for number, cell in cells if re.search(r"^\s*print\(", cell.source, re.M) and not cell.outputs
    ]
    return sorted({*unrun, *silent})


def kinds(cell):
    """Name the data formats in a cell's stored outputs."""
    return {kind for output in cell.outputs for kind in output.get("data", {})}


def undescribed(notebook):
    """Number the cells that draw a figure without alt text, caption and name in their metadata."""
    return [
        number
        for number, cell in code_cells(notebook)
        if DRAWS.search(cell.source) and shows_figure(cell) and not described(cell.metadata.get("mystnb", {}))
    ]


def shows_figure(cell):
    """Tell whether running the cell showed a figure (a cell may also define a function that draws)."""
    return any("<Figure" in str(output.get("data", {}).get("text/plain", "")) for output in cell.outputs)


def described(metadata):
    """Tell whether a cell's mystnb metadata holds alt text, a caption and a name fig-..."""
    figure = metadata.get("figure", {})
    return bool(
        metadata.get("image", {}).get("alt", "").strip()
        and figure.get("caption", "").strip()
        and figure.get("name", "").startswith("fig-")
    )


def questions(notebook):
    """List the code cells that pose a question which the page checks."""
    return [cell for _, cell in code_cells(notebook) if re.search(r"^Question\(", cell.source, re.MULTILINE)]


def names_of(cell):
    """Return the names that a cell binds at its top, and those that it takes from elsewhere."""
    top = symtable.symtable(cell.source, cell.id, "exec")
    bound = {name.get_name() for name in top.get_symbols() if name.is_assigned() or name.is_imported()}
    tables, read = [top], {name.get_name() for name in top.get_symbols() if name.is_referenced()}
    while tables:
        tables += (children := tables.pop().get_children())
        read |= {name.get_name() for child in children for name in child.get_symbols() if name.is_global()}
    return bound, read - bound


def bound_again(notebook):
    """List what one cell takes from another and more than one binds; a generator serves its section."""
    bound, taken = zip(*[names_of(cell) for _, cell in code_cells(notebook)], strict=True)
    count = Counter(name for names in bound for name in names)
    return sorted(name for name in set().union(*taken) - {"rng"} if count[name] > 1)


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: str(path.relative_to(BOOK)))
def notebook(request):
    return nbformat.read(request.param, as_version=4)


@pytest.fixture(params=CHAPTERS, ids=lambda path: str(path.relative_to(BOOK)))
def chapter(request):
    return nbformat.read(request.param, as_version=4)


def test_the_book_has_a_front_page_and_chapters():
    assert len(CHAPTERS) == len(NOTEBOOKS) - 1 > 0


def test_valid(notebook):
    nbformat.validate(notebook)


def test_outputs_are_stored(notebook):
    assert unstored(notebook) == [], "run: make notebooks"


def test_cells_ran_in_order(notebook):
    counts = [cell.execution_count for _, cell in code_cells(notebook)]
    assert counts == list(range(1, len(counts) + 1)), "run: make notebooks"


def test_no_images_are_stored(notebook):
    stored = {number: kinds(cell) for number, cell in code_cells(notebook)}
    assert not any(kind.startswith("image/") for found in stored.values() for kind in found), (
        "run: make notebooks"
    )


def test_no_errors_and_nothing_on_stderr(notebook):
    outputs = [output for _, cell in code_cells(notebook) for output in cell.outputs]
    assert not any(output.output_type == "error" or output.get("name") == "stderr" for output in outputs)


def test_metadata_is_the_same_on_every_machine(notebook):
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata.language_info == {"name": "python"}, "run: make notebooks"


def test_no_cell_ends_in_a_semicolon(notebook):
    ended = [number for number, cell in code_cells(notebook) if cell.source.rstrip().endswith(";")]
    assert ended == [], "Jupyter hides the last value then, nbval does not: assign it, or end in plt.show()"


def test_figures_are_described(notebook):
    assert undescribed(notebook) == [], (
        "give these cells mystnb metadata: image.alt, figure.caption, figure.name"
    )


def test_figure_names_are_unique():
    names = [
        cell.metadata["mystnb"]["figure"]["name"]
        for path in NOTEBOOKS
        for _, cell in code_cells(nbformat.read(path, as_version=4))
        if "figure" in cell.metadata.get("mystnb", {})
    ]
    assert len(names) == len(set(names))


def test_cells_are_short(notebook):
    too_long = {number: cell.source.count("\n") + 1 for number, cell in code_cells(notebook)}
    assert {number: lines for number, lines in too_long.items() if lines > MAX_LINES} == {}


def test_chapters_are_of_a_readable_length(chapter):
    assert MIN_CODE_CELLS <= len(code_cells(chapter)) <= MAX_CODE_CELLS


def test_chapters_ask_questions_and_do_not_show_how_the_answer_is_computed(chapter):
    asked = questions(chapter)
    assert len(asked) >= MIN_QUESTIONS
    assert [cell.id for cell in asked if "remove-input" not in cell.metadata.get("tags", ())] == []
    assert [cell.id for cell in asked if not kinds(cell)] == [], "let the cell end in its Question"


def test_a_cell_that_is_run_again_does_the_same(notebook):
    assert bound_again(notebook) == []


def test_every_live_figure_has_its_caption_below_it(notebook):
    below = [
        notebook.cells[number + 1].source
        for number, cell in enumerate(notebook.cells)
        if cell.cell_type == "code" and re.search(r"^\w+Lab\(", cell.source, re.MULTILINE)
    ]
    assert below
    assert [text for text in below if "*Live figure.*" not in text[:60]] == []


def test_the_checks_can_fail():
    cell = nbformat.v4.new_code_cell("plt.subplots()\nprint(1)")
    assert unstored(nbformat.v4.new_notebook(cells=[cell])) == [0]
    cell.outputs = [
        nbformat.v4.new_output("display_data", {"text/plain": "<Figure size 640x480 with 1 Axes>"})
    ]
    assert undescribed(nbformat.v4.new_notebook(cells=[cell])) == [0]
    cell.metadata["mystnb"] = {"image": {"alt": "a"}, "figure": {"caption": "b", "name": "fig-c"}}
    assert undescribed(nbformat.v4.new_notebook(cells=[cell])) == []
    codes = "n = 1\nfor i in range(n): k = i", "def f(i): return n * i", "n, k = 2, 3"
    assert bound_again(nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, codes)))) == ["n"]


# ---- Running them: tests/run_notebooks.py


def written(path, *sources):
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def test_notebooks_run_side_by_side_and_what_fails_is_told(tmp_path, capsys):
    """Each waits for a file of the other, which two that ran one after the other would never see."""
    meet = "from pathlib import Path\nimport time\nmine, other = map(Path, {!r})\nmine.touch()\n"
    meet += "while not other.exists(): time.sleep(0.05)\nprint('met')"
    places = [str(tmp_path / name) for name in "ab"]
    one = written(tmp_path / "one.ipynb", meet.format(places))
    two = written(tmp_path / "two.ipynb", meet.format(places[::-1]), "1 / 0")
    cache = fresh_cache(tmp_path / "cache")
    assert run([one, two], cache, 2) == [two]
    told = capsys.readouterr()
    assert "ran" in told.out
    assert "two.ipynb FAILED" in told.err
    assert "ZeroDivisionError" in told.err
    assert found(cache, nbformat.read(two, as_version=4)) is None
    assert list(seconds_of_runs(tmp_path / "cache")) == [str(one)]
    store(one, cache)
    (cell,) = nbformat.read(one, as_version=4).cells
    assert cell.execution_count == 1
    assert cell.outputs[0].text == "met\n"


def test_a_notebook_runs_anew_when_it_or_the_package_has_changed(tmp_path, capsys):
    (tmp_path / "package").mkdir()
    module = tmp_path / "package" / "module.py"
    module.write_text("x = 1")

    def runs(source):
        path = written(tmp_path / "a.ipynb", source)
        assert run([path], fresh_cache(tmp_path / "cache", tmp_path / "package"), 1) == []
        return "ran" in capsys.readouterr().out

    assert runs("1 + 1")
    assert not runs("1 + 1")
    assert runs("1 + 2")
    assert not runs("1 + 2")
    module.write_text("x = 2")
    assert runs("1 + 2")


@pytest.mark.parametrize("file", ["global.db", "base.ipynb"])
def test_a_damaged_cache_is_made_anew(tmp_path, file):
    path, folder = written(tmp_path / "a.ipynb", "1 + 1"), tmp_path / "cache"
    assert run([path], fresh_cache(folder), 1) == []
    for damaged in folder.rglob(file):
        damaged.write_bytes(damaged.read_bytes()[:50])
    assert run([path], fresh_cache(folder), 1) == []
    assert list(seconds_of_runs(folder)) == [str(path)]


def test_a_notebook_that_cannot_be_read_keeps_no_other_from_running(tmp_path, capsys):
    broken, sound = tmp_path / "broken.ipynb", written(tmp_path / "sound.ipynb", "1 + 1")
    broken.write_text("{")
    assert run([broken, sound], fresh_cache(tmp_path / "cache"), 1) == [broken]
    told = capsys.readouterr()
    assert "broken.ipynb FAILED" in told.err
    assert "sound.ipynb" in told.out


def test_the_seconds_of_a_notebook_are_told_and_too_many_are_marked():
    """It is too long if both of its runs were; a single slow one may be the machine's."""
    durations = [
        ("a.ipynb::Cell 0", 0.25),
        ("a.ipynb::Cell 1", 0.5),
        ("t.py::test_a", 2.0),
        ("t.py::test_a", 1.0),
    ]
    reports = [SimpleNamespace(nodeid=name, duration=seconds) for name, seconds in durations]
    tests, notebooks = seconds_of_tests(reports)
    assert (tests, notebooks) == ({"t.py::test_a": 3.0}, {"a.ipynb": 0.75})
    much = MAX_NOTEBOOK_SECONDS + 1.0
    _, *lines = table_of_notebooks({"a": much, "b": much, "c": 1.0}, {"a": much, "b": 1.0})
    assert [line.split()[:3] for line in lines] == [
        ["61.0", "61.0", "a"],
        ["1.0", "61.0", "b"],
        ["-", "1.0", "c"],
    ]
    assert ["TOO LONG" in line for line in lines] == [True, False, False]
