"""What a reader's first visit costs: bytes and time until a live figure moves, and the same for a second one.

The built book is served on the loopback address as a host of static pages serves it, text compressed and
everything to be kept for ten minutes, and opened in Chromium, whose own network log counts the bytes. Times
run from the request of the page to the first frame that shows a live figure.
"""

from __future__ import annotations

import functools
import gzip
import subprocess
import threading
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

from playwright.sync_api import sync_playwright

from benchmarks import timing
from benchmarks.results import Table, table
from tests.browser import CHROMIUM, DESKTOP, HTML, labs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

PACKAGES = ("smbook", "playwright")
ROUNDS = 3
TEXT = (".html", ".js", ".css", ".svg", ".json")

# Chromium's own "slow 4G": 1.6 megabits a second, and 150 ms there and back.
SLOW_NETWORK = {"offline": False, "latency": 150, "downloadThroughput": 2e5, "uploadThroughput": 9e4}
SLOW_PROCESSOR = {"rate": 4}

# The moments, in milliseconds since the page was asked for, of the first frame with a live figure in it and
# of those in which the formulas in view, and all, were set; and the tasks that kept the page from answering.
WATCH = """() => {
    const noted = (globalThis.visit = { tasks: [] });
    new PerformanceObserver(list => noted.tasks.push(...list.getEntries().map(task => task.duration)))
        .observe({ type: "longtask", buffered: true });
    const isSet = e => e.querySelector("mjx-container");
    const unset = () => [...document.querySelectorAll(".math")].filter(e => !isSet(e));
    const inView = e => e.getBoundingClientRect().bottom > 0 && e.getBoundingClientRect().top < innerHeight;
    const look = now => {
        const ready = document.readyState !== "loading";
        const missing = ready ? unset() : [];
        if (document.querySelector(".smbook-lab :is(canvas, svg)")) noted.figure ??= now;
        if (ready && !missing.some(inView)) noted.inView ??= now;
        if (ready && missing.length === 0) noted.all ??= now;
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""


class Host(SimpleHTTPRequestHandler):
    """A host of static pages: text goes compressed, and everything may be kept for ten minutes."""

    def do_GET(self) -> None:
        """Answer with a file of the book."""
        path = self.path.split("?")[0]
        file = HTML / path.lstrip("/")
        if not file.is_file():
            self.send_error(404)
            return
        content = compressed(file)
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(path))
        self.send_header("Cache-Control", "max-age=600")
        self.send_header("Content-Length", str(len(content)))
        if file.suffix in TEXT:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing on the terminal."""


@functools.cache
def compressed(file: Any) -> bytes:
    """Return what goes over the wire for a file."""
    content: bytes = file.read_bytes()
    return gzip.compress(content, mtime=0) if file.suffix in TEXT else content


class Line(NamedTuple):
    """One row of the table: bytes and milliseconds until a live figure moves, and what follows."""

    kilobytes: float
    figure: float
    in_view: float
    all_formulas: float
    longest_task: float


@dataclass
class Wire:
    """Counts what comes over the network, with the moment at which each file was there."""

    arrived: list[tuple[float, float]] = field(default_factory=list)
    begun: dict[str, float] = field(default_factory=dict)
    start: float = 0.0

    def attach(self, session: Any) -> None:
        """Listen to the network log of a page."""
        session.on("Network.requestWillBeSent", self._asked)
        session.on("Network.loadingFinished", self._came)

    def _asked(self, event: dict[str, Any]) -> None:
        if event["type"] == "Document":
            self.start = event["timestamp"]
            self.arrived.clear()

    def _came(self, event: dict[str, Any]) -> None:
        self.arrived.append((event["timestamp"], event["encodedDataLength"]))

    def until(self, milliseconds: float) -> float:
        """Return the kilobytes that had come that many milliseconds after the page was asked for."""
        return sum(size for when, size in self.arrived if 1000 * (when - self.start) <= milliseconds) / 1000


def visit(context: BrowserContext, url: str, *, slow: bool) -> Line:
    """Open a page of the book and wait until all its formulas are set."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    wire = Wire()
    wire.attach(session)
    session.send("Network.enable")
    if slow:
        session.send("Network.emulateNetworkConditions", SLOW_NETWORK)
        session.send("Emulation.setCPUThrottlingRate", SLOW_PROCESSOR)
    page.add_init_script(f"({WATCH})()")
    page.goto(url, wait_until="load", timeout=120_000)
    page.wait_for_function("visit.all !== undefined && visit.figure !== undefined", timeout=300_000)
    noted = page.evaluate("visit")
    page.close()
    longest = max(noted["tasks"], default=0.0)
    return Line(wire.until(noted["figure"]), noted["figure"], noted["inView"], noted["all"], longest)


def pages() -> tuple[str, str]:
    """Return the first two pages of the book with live figures."""
    first, second, *_ = dict.fromkeys(place.page for place in labs())
    return first, second


def visits(
    browser: Any, home: str, *, slow: bool = False, offline: bool = False
) -> Iterator[tuple[Line, Line]]:
    """Yield what the first page costs a new reader, and then the second, again and again."""
    for _ in range(1 if timing.hurried() else ROUNDS):
        context = browser.new_context(viewport=DESKTOP)
        context.set_offline(offline)
        first, second = (visit(context, home + page, slow=slow) for page in pages())
        context.close()
        yield first, second


def versions() -> dict[str, str]:
    """Return the version of the browser."""
    told = subprocess.run([str(CHROMIUM), "--version"], check=True, capture_output=True, text=True).stdout
    return {"Chromium": next((word for word in told.split() if word[0].isdigit()), "")}


COLUMNS = {
    "kB until the first live frame": ("kilobytes", 1.0),
    "first live frame, s": ("figure", 1e-3),
    "formulas in view, s": ("in_view", 1e-3),
    "all formulas, s": ("all_formulas", 1e-3),
    "longest task, ms": ("longest_task", 1.0),
}
VISITS: dict[str, dict[str, bool]] = {
    "this machine": {},
    "a processor 4 times slower, slow 4G": {"slow": True},
    "from the file system, no network": {"offline": True},
}


def measure() -> Iterator[Table]:
    """Yield a table for each number that a visit has."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Host)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = f"http://127.0.0.1:{server.server_port}/"
    found: dict[str, tuple[Line, ...]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for name, options in VISITS.items():
            place = HTML.as_uri() + "/" if options.get("offline") else home
            first, second = zip(*visits(browser, place, **options), strict=True)
            found |= {f"first page: {name}": first, f"second page: {name}": second}
        browser.close()
    server.shutdown()
    for column, (field_name, scale) in COLUMNS.items():
        values = {
            name: [scale * getattr(line, field_name) for line in lines]
            for name, lines in found.items()
            if field_name != "kilobytes" or "file system" not in name
        }
        yield table("A first visit", values, unit=column, kind="quantity", column=column)
