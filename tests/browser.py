"""What the tests of the built pages share: where the book is, and how a page is opened and watched."""

from __future__ import annotations

import functools
import json
import math
import re
import shutil
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np

ROOT = Path(__file__).parents[1]
HTML = ROOT / "_build" / "html"
CHAPTERS = [f"{name}.html" for name in re.findall(r"file: (\S+)", (ROOT / "_toc.yml").read_text())]
PAGES = sorted(  # in the order of reading
    (
        path.relative_to(HTML).as_posix()
        for path in HTML.rglob("*.html")
        if path.relative_to(HTML).parts[0] not in ("_static", "_sources", "index.html")
    ),
    key=lambda page: (CHAPTERS.index(page) if page in CHAPTERS else -1, page),
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE = {"width": 400, "height": 800}
DESKTOP = {"width": 1280, "height": 900}
PATIENCE = 40  # looks at a figure, five a second

# Elements of the text that reach out of the window and that no box around them lets scroll or cuts off.
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const out = e => e.getBoundingClientRect().width > 1 && e.getBoundingClientRect().right > width + 1;
    const held = e => {
        for (let box = e; box && box !== document.body; box = box.parentElement) {
            const {overflowX, clipPath} = getComputedStyle(box);
            if (clipPath !== "none" || (/auto|scroll|hidden|clip/.test(overflowX) && !out(box))) return true;
        }
        return false;
    };
    const wide = [...document.querySelectorAll("article *")].filter(e => out(e) && !held(e));
    if (document.documentElement.scrollWidth > width) wide.push(document.documentElement);
    return wide.map(e => `${e.tagName}.${e.className}`);
}"""


@dataclass
class Visit:
    """What one visit to a page showed."""

    page: str
    home: str = ""
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    facts: dict[str, list[Any]] = field(default_factory=dict)
    asked: set[str] = field(default_factory=set)
    weight: tuple[int, int] = (0, 0)
    shown: float | None = None

    @property
    def troubles(self):
        return self.errors + self.strangers + self.failures


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def watched(context, home, visit):
    """Open a page in `context` that notes in `visit` all that goes wrong, and that cannot leave the book."""

    def guard(route):
        url = route.request.url
        if url.startswith((home, "data:", "blob:")):
            route.continue_()
        else:
            visit.strangers.append(url)
            route.abort()

    page = context.new_page()
    page.route("**/*", guard)
    page.on("console", lambda m: visit.errors.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: visit.errors.append(str(error)))
    page.on("requestfailed", lambda request: visit.failures.append(request.url) if lost(request) else None)
    page.on("response", lambda r: visit.failures.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    return page


def lost(request):
    """Tell whether a request went wrong by itself; one that a page was left on is ended by the browser."""
    return request.failure != "net::ERR_ABORTED"


def without_formulas(page):
    """Leave the formulas of a page as they are written, which saves the seconds that they take."""
    page.route("**/mathjax/*.js*", lambda route: route.fulfill(body="", content_type="text/javascript"))


def settle(page):
    """Wait until the page is loaded, its formulas are set and its fonts are there."""
    page.wait_for_load_state("load")
    page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")


STATE = r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>'
VIEW = r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>'


class Place(NamedTuple):
    """Where a live figure is, its class with what it shows, and whether it starts by itself."""

    page: str
    name: str
    kind: str
    running: bool

    def __str__(self):
        return "-".join(self[:3])


@functools.cache
def labs():
    """List the live figures of the book."""
    return [
        Place(page, f"lab-{k}", kind_of(state), state["running"])
        for page in PAGES
        for k, state in enumerate(states_on(page), start=1)
    ]


def one_of_each():
    """List one live figure of each kind."""
    return list({place.kind: place for place in reversed(labs())}.values())


def kind_of(state):
    name = state["_anywidget_id"].rsplit(".")[-1]
    return f"{name} as {state[state['_aspect']]}" if state["_aspect"] else name


def states_on(page, kind="lab"):
    """List the states of the live figures on a page, in their order, or those of its questions."""
    text = (HTML / page).read_text(encoding="utf8")
    models = {}
    for state in re.findall(STATE, text, re.DOTALL):
        models |= json.loads(state)["state"]
    views = [json.loads(view)["model_id"] for view in re.findall(VIEW, text, re.DOTALL)]
    states = [models[view]["state"] for view in views]
    return [state for state in states if state.get("_kind") == kind]


# All that a lab has drawn and read out; its controls and its words are left out. Twice a frame is waited for.
SNAPSHOT = """async root => {
    for (let k = 0; k < 2; k += 1) await new Promise(requestAnimationFrame);
    const all = kind => [...root.querySelectorAll(kind)];
    return JSON.stringify([
        all("canvas").map(e => e.toDataURL()), all("svg").map(e => e.outerHTML),
        all("dd").map(e => e.textContent),
    ]);
}"""

# The pixels of a lattice, a letter each: u and d in the colours of the style sheet, ? in any other.
PIXELS = r"""root => {
    const canvas = root.querySelector("canvas");
    const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    const colour = name => getComputedStyle(root).getPropertyValue(name).trim().slice(1).toLowerCase();
    const letters = {[colour("--spin-up")]: "u", [colour("--spin-down")]: "d"};
    let text = "";
    for (let i = 0; i < data.length; i += 4) {
        const [r, g, b] = data.subarray(i, i + 3);
        text += letters[(r * 65536 + g * 256 + b).toString(16).padStart(6, "0")] ?? "?";
    }
    return text;
}"""


PRESS = """(root, names) => {
    const wanted = e => names.includes(e.textContent) && e.checkVisibility();
    const button = [...root.querySelectorAll("button")].find(wanted);
    button?.click();
    return Boolean(button);
}"""


# Pause and go back to the start, in one call; tell whether there is a button for it.
RESET = f"""root => {{
    const press = {PRESS};
    press(root, ["Pause"]);
    return press(root, ["Outputs to zero"]) || press(root, ["Reset"]);
}}"""


# Ten frames in which neither the page nor the figure has changed its width.
AT_REST = """(root, width) => new Promise(done => {
    let [last, frames] = [0, 0];
    const look = () => {
        frames = innerWidth === width && root.offsetWidth === last ? frames + 1 : 0;
        last = root.offsetWidth;
        frames < 10 ? requestAnimationFrame(look) : done();
    };
    look();
})"""


class Lab:
    """A live figure on an open page, and what a reader does with it."""

    def __init__(self, page, name):
        self.page = page
        self.root = page.locator(f"[data-lab={name}]")
        self.root.locator(".lab-status").wait_for(state="attached")

    def button(self, name):
        return self.root.get_by_role("button", name=name, exact=True)

    def field(self, label):
        return self.root.get_by_role("spinbutton", name=label, exact=True)

    def type(self, label, value):
        """Type a number into the field `label`."""
        self.field(label).fill(str(value))
        self.field(label).press("Enter")

    def choose(self, label, value):
        """Choose an option of the menu `label`."""
        self.root.get_by_label(label, exact=True).select_option(value)

    @property
    def status(self):
        return self.root.locator(".lab-status").inner_text().strip()

    @property
    def running(self):
        return self.button("Pause").count() == 1

    def hush(self):
        """Take away what the lab has said."""
        self.root.locator(".lab-status").evaluate("e => e.replaceChildren()")

    def readouts(self):
        """Return the numbers that the lab shows, by their names; None for what is none."""
        pairs = self.root.evaluate(
            "root => [...root.querySelectorAll('dt')].map(e => [e.textContent, e.nextSibling.textContent])"
        )
        return {name: number(text) for name, text in pairs}

    def snapshot(self):
        return self.root.evaluate(SNAPSHOT)

    def moves(self, before):
        """Tell whether it shows something other than before, within some seconds: a machine may be busy."""
        return any(self.snapshot() != before or self.page.wait_for_timeout(200) for _ in range(PATIENCE))

    def rests(self):
        """Tell whether it stands still for 0.7 s, now or soon."""
        for _ in range(PATIENCE // 4):
            before = self.snapshot()
            self.page.wait_for_timeout(700)
            if self.snapshot() == before:
                return True
        return False

    def spins(self):
        """Read the spins off the canvas."""
        letters = np.frombuffer(self.root.evaluate(PIXELS).encode(), dtype="S1")
        assert set(letters) <= {b"u", b"d"}
        side = math.isqrt(letters.size)
        return np.where(letters == b"u", 1, -1).astype(np.int8).reshape(side, side)

    def press(self, *names):
        """Press the button of one of these names, at once and wherever it is; tell whether there is one."""
        return self.root.evaluate(PRESS, names)

    def start(self):
        self.press("Start")

    def pause(self):
        self.press("Pause")

    def run_for(self, milliseconds):
        self.start()
        self.page.wait_for_timeout(milliseconds)
        self.pause()

    def resize(self, width, height=800):
        """Give the page another size, and wait until the figure has taken its own in it."""
        self.page.set_viewport_size({"width": width, "height": height})
        self.root.evaluate(AT_REST, width)

    def reset(self):
        """Pause, and go back to the start."""
        assert self.root.evaluate(RESET)


def number(text):
    try:
        return float(text.strip().replace("\u2212", "-"))
    except ValueError:
        return None


def open_lab(context, home, place, *, visit=None, **settings):
    """Open the page of a lab, which takes the state that a link with these settings gives it.

    The formulas, which take seconds, are left out unless all that goes wrong is to be noted in `visit`.
    """
    page = watched(context, home, visit) if visit else context.new_page()
    if not visit:
        without_formulas(page)
    query = urlencode({key: str(value) for key, value in settings.items()})
    page.goto(f"{home}{place.page}#{place.name}?{query}", wait_until="commit")
    return Lab(page, place.name)
