"""Three browser engines behind one small interface, for the tests in which engines can differ.

Chromium is driven by Playwright, as in all other tests of the pages. The other two are driven as the system
ships them, by the two protocols of the W3C that their makers keep up, and by nothing in between:

* Firefox by WebDriver BiDi, which it serves itself over a websocket (`--remote-debugging-port`); the package
  `websockets` holds the other end. (Debian has no geckodriver, and Playwright drives no Firefox but its own.)
* WebKitGTK by WebDriver, which WebKitWebDriver (Debian's `webkit2gtk-driver`) serves over HTTP. It opens a
  window, and gets a screen in memory for it: `Xvfb`. It does not tell what pages log: a driven session is
  private, and WebKit keeps no console of private sessions.

Every process that is started here ends with the block that started it, or with Python, however that ends; all
that a browser writes is in a folder that goes with it.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory

from websockets.sync.client import connect

from tests.browser import DESKTOP


def unconfined(*names):
    """Return the first of these programs that is there and is not a snap, which would not see our folders."""
    for path in filter(None, map(shutil.which, names)):
        if b"/snap/" not in Path(path).read_bytes():
            return path
    return None


FIREFOX = unconfined("firefox-esr", "firefox")
WEBKIT = shutil.which("WebKitWebDriver")
XVFB = shutil.which("Xvfb")
MISSING = {
    "firefox": [] if FIREFOX else ["firefox-esr"],
    "webkit": [package for package, found in (("webkit2gtk-driver", WEBKIT), ("xvfb", XVFB)) if not found],
}

PATIENCE = 30.0  # seconds until a browser must have started, or answered

# The shell waits until its standard input ends, as it does with the Python that holds the other end; then all
# of its process group has five seconds to go.
LEASH = """
"$@" & child=$!
read -r _
trap "" TERM
kill 0
(sleep 5; kill -KILL 0) &
wait $child
kill -KILL 0
"""


@contextmanager
def started(*command, **environment):
    """Run a command until the block ends; what it writes to its standard output can be read."""
    with subprocess.Popen(
        ["sh", "-c", LEASH, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=os.environ | environment,
        start_new_session=True,
    ) as process:
        yield process


def patiently(ask, seconds=PATIENCE):
    """Ask until the answer is true, and return it."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s")
        time.sleep(0.05)
    return answer


class Engine(ABC):
    """A browser with one open page; places on it are pairs (x, y) in pixels of the window."""

    @abstractmethod
    def open(self, url):
        """Begin to load a page, and do not wait for it."""

    @abstractmethod
    def evaluate(self, script):
        """Return the value, or what is promised, of an expression in JavaScript; JSON must hold it."""

    @abstractmethod
    def drag(self, *places):
        """Press the mouse at the first place, move it over the others, and release it."""

    @abstractmethod
    def press(self, *keys):
        """Press keys, named as `KeyboardEvent.key` names them, one after the other."""

    def until(self, script, seconds=PATIENCE):
        """Wait until an expression is true, and return the seconds that it took.

        What raises an error is not true yet: a page can go while it is asked.
        """
        start = time.monotonic()
        trouble = None

        def ask():
            nonlocal trouble
            try:
                return self.evaluate(f"Boolean({script})")
            except RuntimeError as error:
                trouble = error
                return False

        try:
            patiently(ask, seconds)
        except TimeoutError as error:
            raise TimeoutError(f"{self.name}: {error}: {script} ({trouble or 'false'})") from trouble
        return time.monotonic() - start


class Chromium(Engine):
    """A page of Playwright's."""

    name = "Chromium"

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.on("console", lambda m: self.errors.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, url):
        self.page.goto(url, wait_until="commit")

    def evaluate(self, script):
        return self.page.evaluate(f"async () => ({script})")

    def drag(self, *places):
        self.page.mouse.move(*places[0])
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*place)
        self.page.mouse.up()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)


KEYS = {"ArrowLeft": "\ue012", "ArrowUp": "\ue013", "ArrowRight": "\ue014", "ArrowDown": "\ue015"}
KEYS |= {"Tab": "\ue004", "Enter": "\ue007"}


class Driven(Engine):
    """A browser that takes the actions of WebDriver, whose two protocols write them alike."""

    @abstractmethod
    def perform(self, source):
        """Do the actions of a mouse or a keyboard."""

    def drag(self, *places):
        moves = [
            {"type": "pointerMove", "x": round(x), "y": round(y), "origin": "viewport", "duration": 0}
            for x, y in places
        ]
        down, up = ({"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp"))
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}}
        self.perform(mouse | {"actions": [moves[0], down, *moves[1:], up]})

    def press(self, *keys):
        strokes = itertools.product(keys, ("keyDown", "keyUp"))
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key, kind in strokes]
        self.perform({"type": "key", "id": "keys", "actions": actions})


class Firefox(Driven):
    """A session of WebDriver BiDi over a websocket."""

    name = "Firefox"

    def __init__(self, websocket):
        self.websocket = websocket
        self.numbers = itertools.count()
        self.errors = []
        self.call("session.new", capabilities={})
        self.call("session.subscribe", events=["log.entryAdded"])
        # In the tab that it starts with, the address line has the focus, and no page ever gets it.
        self.tab = self.call("browsingContext.create", type="tab")["context"]
        self.call("browsingContext.setViewport", context=self.tab, viewport=DESKTOP)

    def call(self, method, **params):
        number = next(self.numbers)
        self.websocket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self.websocket.recv(timeout=PATIENCE))
            if message["type"] == "event":
                self.hear(message["params"])
            elif message["id"] == number:
                break
        if message["type"] == "error":
            raise RuntimeError(f"{method}: {message['error']}: {message['message']}")
        return message["result"]

    def hear(self, entry):
        if entry["level"] in ("error", "warn"):
            self.errors.append(entry["text"])

    def open(self, url):
        self.call("browsingContext.navigate", context=self.tab, url=url, wait="none")

    def evaluate(self, script):
        expression = f"(async () => JSON.stringify(await ({script})))()"
        answer = self.call(
            "script.evaluate", target={"context": self.tab}, expression=expression, awaitPromise=True
        )
        if answer["type"] == "exception":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        return json.loads(answer["result"].get("value", "null"))

    def perform(self, source):
        self.call("input.performActions", context=self.tab, actions=[source])


class WebKit(Driven):
    """A session of WebDriver over HTTP."""

    name = "WebKitGTK"
    errors = None

    def __init__(self, port):
        self.port = port
        self.session = ""
        wanted = {"alwaysMatch": {"pageLoadStrategy": "none"}}
        self.session = "/" + self.call("", capabilities=wanted)["sessionId"]
        self.call("/timeouts", script=1000 * PATIENCE)
        self.call("/window/rect", x=0, y=0, **DESKTOP)

    def call(self, path, **body):
        connection = HTTPConnection("127.0.0.1", self.port, timeout=2 * PATIENCE)
        try:
            connection.request("POST", f"/session{self.session}{path}", json.dumps(body))
            answer = json.load(connection.getresponse())["value"]
        finally:
            connection.close()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(f"{path}: {answer['error']}: {answer['message']}")
        return answer

    def open(self, url):
        self.call("/url", url=url)

    def evaluate(self, script):
        body = f"""
            const done = arguments[0];
            (async () => JSON.stringify([await ({script})]))().then(done, (error) => done(`${{error}}`));
        """
        answer = self.call("/execute/async", script=body, args=[])
        if not answer.startswith("["):
            raise RuntimeError(answer)
        return json.loads(answer)[0]

    def perform(self, source):
        self.call("/actions", actions=[source])


@contextmanager
def firefox():
    """Start Firefox, without a window, in a new profile."""
    with TemporaryDirectory() as home:
        command = [FIREFOX, "--headless", "--no-remote", "--profile", home, "--remote-debugging-port", "0"]
        with started(*command, **at(home), MOZ_CRASHREPORTER_DISABLE="1"):
            server = Path(home, "WebDriverBiDiServer.json")
            port = patiently(lambda: server.exists() and json.loads(server.read_text())["ws_port"])
            with connect(
                f"ws://127.0.0.1:{port}/session", max_size=None, ping_interval=None, proxy=None
            ) as websocket:
                yield Firefox(websocket)


@contextmanager
def webkit():
    """Start WebKitGTK on a screen of its own; without a graphics processor it has to draw by itself."""
    screen = "{width}x{height}x24".format(**DESKTOP)
    with (
        TemporaryDirectory() as home,
        started(XVFB, "-displayfd", "1", "-screen", "0", screen, "-nolisten", "tcp") as xvfb,
    ):
        display = ":" + xvfb.stdout.readline().decode().strip()
        port = free_port()
        settings = at(home) | {"DISPLAY": display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1"}
        with started(WEBKIT, f"--port={port}", **settings, WEBKIT_DISABLE_COMPOSITING_MODE="1"):
            patiently(lambda: answers(port))
            yield WebKit(port)


def at(home):
    """Return settings with which a browser writes into a folder, and asks this machine without a proxy."""
    names = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
    return dict.fromkeys(names, home) | {"no_proxy": "127.0.0.1"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
