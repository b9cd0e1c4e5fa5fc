"""What can differ between browser engines: the live figures in Chromium, in Firefox and in WebKit."""

from __future__ import annotations

import itertools
import math
import os
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import pytest

from smbook import ising
from tests import engines
from tests.browser import PIXELS, PRESS, SNAPSHOT, labs, one_of_each

pytestmark = pytest.mark.browser

MAGNET = next((place for place in labs() if place.kind == "IsingLab"), None)
VISITS = itertools.count()
ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module", params=["chromium", "firefox", "webkit"])
def engine(request):
    """A browser, the same for all tests of this module."""
    if missing := engines.MISSING.get(request.param):
        tell = pytest.fail if os.environ.get("SMBOOK_REQUIRE_BROWSERS") == "1" else pytest.skip
        tell(
            f"no {request.param} on this machine: the live figures were NOT tried in it"
            f" (Debian: apt-get install {' '.join(missing)})"
        )
    if request.param == "chromium":
        starting = nullcontext(engines.Chromium(request.getfixturevalue("context").new_page()))
    else:
        starting = getattr(engines, request.param)()
    with starting as browser:
        yield browser


@pytest.fixture(scope="module")
def bare(book, tmp_path_factory):
    """The book from a file, without formulas, which keep WebKit busy for a minute."""
    copy = tmp_path_factory.mktemp("bare") / "book"
    shutil.copytree(book, copy, ignore=shutil.ignore_patterns("mathjax", "_images", "_sources"))
    return copy.as_uri() + "/"


class Figure:
    """A live figure on the page that an engine has open, and what a reader does with it."""

    def __init__(self, engine, home, place, **settings):
        query = urlencode({key: str(value) for key, value in settings.items()})
        visit = f"?visit={next(VISITS)}"
        self.engine = engine
        self.root = f"document.querySelector('[data-lab={place.name}]')"
        engine.open(f"{home}{place.page}{visit}#{place.name}?{query}")
        self.seconds = engine.until(f"location.search === '{visit}' && {HERE}({self.root})", patience())
        engine.evaluate("dispatchEvent(new Event('wheel'))")  # the reader takes over: the page stands still

    def ask(self, function, *arguments):
        """Return what a function in JavaScript says of the figure."""
        given = "".join(f", {argument!r}" for argument in arguments)
        return self.engine.evaluate(f"({function})({self.root}{given})")

    def press(self, *names):
        assert self.ask(PRESS, [*names])

    def press_key_on(self, kind, *keys):
        """Give the focus to the first element of a kind, and press keys."""
        self.ask(f"root => root.querySelector('{kind}').focus()")
        self.engine.press(*keys)

    def at(self, *shares):
        """Return where in the window the points (u, v) of the canvas are, each from 0 to 1."""
        x, y, width, height = self.ask(BOX)
        return [(x + u * width, y + v * height) for u, v in shares]

    def spins(self):
        """Read the spins off the canvas."""
        letters = np.frombuffer(self.ask(PIXELS).encode(), dtype="S1")
        assert set(letters) <= {b"u", b"d"}
        side = math.isqrt(letters.size)
        return np.where(letters == b"u", 1, -1).astype(np.int8).reshape(side, side)


# Whether a figure has come, with its controls; if it waits for being seen, it is seen now.
HERE = """(root => {
    root?.scrollIntoView({block: "center", behavior: "instant"});
    const drawn = root?.querySelector("canvas, svg") && root.querySelector(".lab-status");
    return drawn && root.querySelector("button") && root.querySelector("input");
})"""

BOX = """root => {
    const canvas = root.querySelector("canvas");
    canvas.scrollIntoView({block: "center", behavior: "instant"});
    const {x, y, width, height} = canvas.getBoundingClientRect();
    return [x, y, width, height];
}"""

CHOOSE = """(root, label, value) => {
    const named = e => [e.ariaLabel, ...[...e.labels].map(label => label.textContent)].includes(label);
    const menu = [...root.querySelectorAll("select")].find(named);
    menu.value = value;
    menu.dispatchEvent(new Event("change", {bubbles: true}));
    return menu.value;
}"""

MOVES = f"""async (root, milliseconds) => {{
    const before = await ({SNAPSHOT})(root);
    const end = performance.now() + milliseconds;
    while (performance.now() < end) {{
        root.scrollIntoView({{block: "center", behavior: "instant"}});
        if (await ({SNAPSHOT})(root) !== before) return true;
    }}
    return false;
}}"""


LEAVE = """
import os
from tests.engines import started
with started("sh", "-c", "echo $$; exec sleep 60") as process:
    print(process.stdout.readline().decode(), flush=True)
    os._exit(0)
"""


def test_no_browser_outlives_its_tests():
    """What is started goes when its block is left, and when Python is killed within it."""
    with engines.started("sh", "-c", "echo $$; exec sleep 60") as process:
        left = int(process.stdout.readline())
        os.kill(left, 0)
    done = subprocess.run([sys.executable, "-c", LEAVE], cwd=ROOT, capture_output=True, check=True)
    for pid in (left, int(done.stdout)):
        engines.patiently(lambda pid=pid: gone(pid))


def gone(pid):
    """Tell whether a process has ended; nobody may have asked yet how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def patience():
    """Seconds until a figure must have come, on a machine that has more to do than it has processors too."""
    return 10.0 * max(1.0, min(3.0, os.getloadavg()[0] / os.cpu_count()))


def test_figures_come_from_a_server_too_and_nothing_is_logged(engine, addresses):
    """It comes first: Firefox logs what it was still loading when it left a page."""
    figure = Figure(engine, addresses["http"], MAGNET)
    engine.until("document.readyState === 'complete'")
    assert figure.ask(MOVES, 5000)
    if engine.errors is None:
        pytest.skip(f"{engine.name} does not tell its errors: they were NOT looked at")
    assert engine.errors == []


@pytest.mark.parametrize("engine", ["firefox", "webkit"], indirect=True)
@pytest.mark.parametrize("place", one_of_each(), ids=str)
def test_every_kind_of_figure_comes_and_moves(engine, addresses, place, record_property):
    """Formulas that are set before the figures, as they once were in WebKit, took them a minute.

    In Chromium `tests/test_pages.py` opens every figure, and `tests/test_controls.py` pauses every kind.
    """
    figure = Figure(engine, addresses["file"], place, running="false")
    record_property("seconds", figure.seconds)
    print(f"{engine.name}: {place} after {figure.seconds:.1f} s")
    figure.press("Start")
    assert figure.ask(MOVES, 5000)
    figure.press("Pause")
    assert not figure.ask(MOVES, 300)


# Whether the top of a figure is where a reader looks first.
ON_TOP = """name => {
    const {top} = document.querySelector(`[data-lab=${name}]`)?.getBoundingClientRect() ?? {};
    return top >= 0 && top < innerHeight / 3;
}"""


def test_a_link_to_a_figure_leads_to_it_and_holds_it(engine, addresses):
    """Figures and formulas that come above it push it away, by thousands of pixels, unless it is held."""
    last = [place for place in labs() if place.page == MAGNET.page][-1]
    engine.open(f"{addresses['file']}{last.page}?{next(VISITS)}#{last.name}?running=false")
    engine.until(f"document.querySelectorAll('[data-lab] .lab-status').length === {int(last.name[4:])}", 60)
    for _ in range(3):
        engine.until(f"({ON_TOP})('{last.name}')", patience())
        time.sleep(1)


@pytest.mark.parametrize(("algorithm", "size"), [("heat-bath", 64), ("wolff", 33)])
def test_the_same_seed_gives_the_same_spins(engine, bare, algorithm, size):
    seed = 2**53 - 1
    settings = {"size": size, "temperature": 2.27, "algorithm": algorithm, "seed": seed}
    figure = Figure(engine, bare, MAGNET, running="false", **settings)
    for n_sweeps in range(1, 4):
        figure.press("Step")
        trace = ising.simulate(
            (size, size), 1 / 2.27, n_sweeps, algorithm=algorithm, engine="plain", rng=seed
        )
        np.testing.assert_array_equal(figure.spins(), trace.spins)


# ---- The hand paints.


@pytest.fixture
def ordered(engine, bare):
    """An IsingLab of 64 x 64 spins up; its brush paints them down."""
    settings = {"size": 64, "initial": "up", "temperature": 2.27, "algorithm": "heat-bath", "seed": 1}
    figure = Figure(engine, bare, MAGNET, running="false", **settings)
    assert figure.ask(CHOOSE, "Brush paints", "-1") == "-1"
    return figure


def reach(spins, row, column):
    """Return how many spins are down, and how far from a place the farthest of them is."""
    down = np.argwhere(spins == -1)
    return len(down), np.hypot(*(down - (row, column)).T).max(initial=0.0)


def test_the_mouse_paints_a_disc_and_a_line(ordered):
    ordered.engine.drag(*ordered.at((0.25, 0.75)))
    painted, radius = reach(ordered.spins(), 48, 16)
    assert painted > 10
    assert radius < 5
    ordered.engine.drag(*ordered.at((0.25, 0.25), (0.75, 0.25)))
    ordered.engine.drag((1, 1), *ordered.at((0.75, 0.9)))
    spins = ordered.spins()
    assert (spins[16, 16:48] == -1).all()
    assert (spins[22:40] == 1).all()
    assert (spins[40:] == -1).sum() == painted


def test_arrow_keys_and_space_paint(ordered):
    """The brush starts in the middle; six steps of a twenty-fourth are a quarter of the canvas."""
    ordered.press_key_on("canvas", *["ArrowLeft"] * 6, *["ArrowDown"] * 6)
    assert "?" in ordered.ask(PIXELS), "the brush is not drawn"
    ordered.engine.press(" ", "Tab")
    painted, radius = reach(ordered.spins(), 48, 16)
    assert painted > 10
    assert radius < 5


def test_the_brush_is_seen_when_keys_follow_a_click(ordered):
    """Firefox takes who has clicked for one who needs no `:focus-visible`, whatever keys come then."""
    ordered.engine.drag(*ordered.at((0.5, 0.5)))
    assert "?" not in ordered.ask(PIXELS)
    ordered.engine.press("ArrowLeft")
    assert "?" in ordered.ask(PIXELS), "the brush is not drawn"


def test_keys_press_buttons(ordered):
    ordered.ask("root => [...root.querySelectorAll('button')].find(e => e.textContent === 'Step').focus()")
    for n_sweeps, key in enumerate((" ", "Enter"), start=1):
        ordered.engine.press(key)
        trace = ising.simulate((64, 64), 1 / 2.27, n_sweeps, engine="plain", initial="up", rng=1)
        np.testing.assert_array_equal(ordered.spins(), trace.spins)
