"""Try on this machine what Binder does with this repository: `make binder`, or, with options,

    .venv/bin/python -m tests.try_binder --screenshot lab.png

Into a fresh virtual environment goes what the files of `.binder` say, as repo2docker reads them: pip, then
postBuild, both in the root of a copy of the repository, which is the home folder too. JupyterLab starts,
Chromium opens a chapter and runs it, and its first live figure is played with. What Binder has besides is not
tried: the container, the packages that its images bring along (another JupyterLab, say), and its network.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from importlib.metadata import distributions
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import psutil
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from tests.browser import CHROMIUM

ROOT = Path(__file__).resolve().parents[1]
CHAPTER = "book/ising/ising-model.ipynb"
PATIENCE = 300  # seconds that anything may take
AT_FIRST, FROM_PAGE, TYPED, FROM_PYTHON = "3", "1.8", "3.5", "2.75"  # temperatures of the live figure
FOREIGN = ("CONDA", "IPYTHON", "JUPYTER", "MPL", "NUMBA", "PYTHON", "VIRTUAL_ENV", "XDG")

# What the Markdown cells near the window show, by their places in the notebook; without the editors behind
# them and the TeX that formulas carry along.
SHOWN = """() => [...document.querySelectorAll(".jp-MarkdownCell:has(.myst > *)")].map(cell => {
    const copy = cell.querySelector(".myst").cloneNode(true);
    copy.querySelectorAll("annotation").forEach(tex => tex.remove());
    const asides = [...copy.querySelectorAll("aside")].map(aside => aside.textContent);
    return [cell.dataset.windowedListIndex, {text: copy.textContent, asides}];
})"""
# Whether cells have come to the window, and MyST has set those of them that are Markdown.
SET = """() => {
    const panel = document.querySelector(".jp-Notebook .jp-WindowedPanel-outer").getBoundingClientRect();
    const seen = [...document.querySelectorAll(".jp-Notebook .jp-Cell")].filter(cell => {
        const {top, bottom} = cell.getBoundingClientRect();
        return bottom > panel.top && top < panel.bottom;
    });
    return seen.length > 0 && seen.every(cell => cell.matches(":not(.jp-MarkdownCell), :has(.myst > *)"));
}"""
# Scroll the notebook, and say how long it is.
SCROLL = """place => {
    const panel = document.querySelector(".jp-Notebook .jp-WindowedPanel-outer");
    panel.scrollTop = place;
    return panel.scrollHeight;
}"""
PIXELS = '() => document.querySelector(".smbook-lab canvas")?.toDataURL()'
SWEEPS = """() => Number([...document.querySelector(".smbook-lab").querySelectorAll("dt")]
    .find(name => name.textContent === "sweeps").nextSibling.textContent)"""


class TrialError(Exception):
    """What was tried does not work."""


def demand(fact, words):
    if not fact:
        raise TrialError(words)


def wait(condition, words, patience=PATIENCE):
    """Return what `condition()` gives as soon as that is true."""
    end = time.monotonic() + patience
    while not (answer := condition()):
        demand(time.monotonic() < end, f"{words}: not within {patience} s")
        time.sleep(0.05)
    return answer


def insist(attempt, patience=PATIENCE):
    """Return what `attempt()` gives once it finds nothing amiss; at the end raise what it last found."""
    end = time.monotonic() + patience
    while True:
        try:
            return attempt()
        except TrialError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


class Report:
    """Lines of what was done, how long it took, and what was measured."""

    def __init__(self):
        self.last = time.monotonic()

    def __call__(self, words, measured=""):
        now = time.monotonic()
        print(f"{words:<66}{now - self.last:7.1f} s   {measured}".rstrip(), flush=True)
        self.last = now


def megabytes(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return f"{sum(path.stat().st_size for path in files) / 1e6:.0f} MB"


# ---- The environment.


def copy_of_the_tree(tree):
    """Copy what git has or would take of the repository to the folder `tree`."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def prepare_chapter(path):
    """Empty the outputs of the chapter, and give it cells that look at its first live figure."""
    notebook = nbformat.read(path, as_version=4)
    for cell in code_cells(notebook):
        cell.outputs, cell.execution_count = [], None
    place = next(i for i, cell in enumerate(notebook.cells) if "IsingLab(" in cell.source)
    for source in ("lab.temperature", "lab = _"):
        notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(source))
    notebook.cells.append(nbformat.v4.new_code_cell("import torch\n\ntorch.arange(3.0)"))
    nbformat.write(notebook, path)


def wanted_python():
    """Return the interpreter of .binder/runtime.txt, or this one if there is none of that version."""
    name = (ROOT / ".binder" / "runtime.txt").read_text().strip().replace("-", "")
    if name == "python{}.{}".format(*sys.version_info):
        return sys.executable
    return shutil.which(name) or sys.executable


def run(command, log, **where):
    """Run a command; if it fails, say so with the end of what it wrote."""
    with log.open("a+") as stream:
        process = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, **where)
        stream.seek(0)
        said = stream.read()[-4000:]
    demand(process.returncode == 0, f"{said}\n{' '.join(map(str, command))} ended with {process.returncode}")


def keep_whole_seconds(tree):
    """Round the times of all files down, as the layers of an image do."""
    for path in tree.rglob("*"):
        seconds = int(path.lstat().st_mtime)
        os.utime(path, (seconds, seconds), follow_symlinks=False)


def build(folder, tree, report):
    """Install as repo2docker does; return the variables under which it, and then the server, runs."""
    environment, log = folder / "environment", folder / "log"
    run([wanted_python(), "-m", "venv", environment], log)
    variables = {name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)}
    variables |= {"PATH": f"{environment / 'bin'}{os.pathsep}{variables['PATH']}", "TMPDIR": str(folder)}
    version = subprocess.check_output([environment / "bin" / "python", "--version"], text=True).strip()
    report(f"a fresh environment with {version}", megabytes(environment))
    install = [environment / "bin" / "pip", "install", "--no-cache-dir", "-r", ".binder/requirements.txt"]
    run(install, log, cwd=tree, env=variables)
    report("pip install -r .binder/requirements.txt", megabytes(environment))
    variables |= {"HOME": str(tree)}  # only now: pip's own settings may lie in the real one
    (tree / ".binder" / "postBuild").chmod(0o755)
    run(["./.binder/postBuild"], log, cwd=tree, env=variables)
    keep_whole_seconds(tree)
    report(".binder/postBuild", megabytes(environment))
    return variables


def look_for_cuda(environment):
    """Say which PyTorch is there: a CPU build. Refuse CUDA."""
    [packages] = environment.glob("lib/python*/site-packages")
    found = {package.name.lower(): package.version for package in distributions(path=[str(packages)])}
    cuda = [name for name in found if name.startswith(("nvidia", "cuda", "triton"))]
    demand(not cuda, f"CUDA is in the environment: {', '.join(sorted(cuda))}")
    version = found.get("torch")
    demand(version, "PyTorch is not installed, and a chapter imports it")
    demand(version.endswith("+cpu"), f"PyTorch {version} is no CPU build")
    return f"PyTorch {version}"


# ---- The server.


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def answers(address):
    try:
        with urlopen(address, timeout=5):
            return True
    except (URLError, OSError):
        return False


@contextlib.contextmanager
def jupyter_lab(tree, variables, log):
    """Run JupyterLab in `tree`; give its process and the chapter's address; leave nothing running."""
    port, token = free_port(), secrets.token_hex(16)
    options = [f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    command = ["jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", *options]
    with log.open("a") as stream:
        server = subprocess.Popen(
            command, cwd=tree, env=variables, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream
        )
    home = f"http://127.0.0.1:{port}"
    try:
        wait(lambda: answers(f"{home}/api?token={token}") or server.poll() is not None, "JupyterLab starts")
        demand(server.poll() is None, f"{log.read_text()[-4000:]}\nJupyterLab ended with {server.poll()}")
        yield server, f"{home}/lab/tree/{CHAPTER}?token={token}"
    finally:
        family = psutil.Process(server.pid).children(recursive=True) if server.poll() is None else []
        server.send_signal(signal.SIGTERM)  # which ends the notebooks' processes too
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(15)
        for process in psutil.wait_procs(family, timeout=5)[1] + [server] * (server.poll() is None):
            process.kill()
        server.wait()


class Memory(threading.Thread):
    """Watch what a process and its children hold, shared pages counted once; `peak` is in bytes."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.root = psutil.Process(process.pid)
        self.peak = 0
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(0.5):
            held = 0
            for process in [self.root, *self.root.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    held += process.memory_full_info().pss
            self.peak = max(self.peak, held)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


# ---- The reader.


class Reader:
    """Somebody in front of a browser, who has opened the chapter in JupyterLab."""

    def __init__(self, page, path):
        self.page = page
        self.path = path
        self.shown = {}
        self.errors = []
        page.set_default_timeout(1000 * PATIENCE)
        page.on("pageerror", self.note)

    def note(self, error):
        """Keep an error of a live figure, whose script is a blob; JupyterLab's own are not ours to mend."""
        if "blob:" in (error.stack or ""):
            self.errors.append(error.stack)

    def open(self, address):
        self.page.goto(address, wait_until="commit")
        self.page.wait_for_selector(".jp-Notebook .jp-Cell")
        self.page.get_by_text("| Idle").wait_for()  # there is a Python to run it

    def run_all(self):
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_text("Run All Cells", exact=True).click()

    def sees_motion(self):
        """Wait until the spins on the canvas change while sweeps are counted."""
        self.look_at_figure()
        picture, sweeps = self.page.evaluate(PIXELS), self.page.evaluate(SWEEPS)
        wait(lambda: self.look_at_figure() != picture, "the picture changes")
        wait(lambda: self.page.evaluate(SWEEPS) > sweeps, "the count of sweeps grows")

    def look_at_figure(self):
        """Scroll to the figure, which rests while nobody sees it, and return what it shows."""
        self.page.wait_for_selector(".smbook-lab canvas", state="attached")
        if not self.figure.is_visible():
            self.page.evaluate(SCROLL, 0)  # some versions of JupyterLab take cells far away off the page
        self.figure.evaluate("figure => figure.scrollIntoView({block: 'center'})")
        return self.page.evaluate(PIXELS)

    def has_run(self):
        """Save the notebook until all its cells have run, and return them."""
        return wait(self.saves_all, "all cells run")

    def saves_all(self):
        self.page.keyboard.press("Control+s")
        time.sleep(0.5)
        with contextlib.suppress(json.JSONDecodeError):
            cells = code_cells(json.loads(self.path.read_text()))
            return cells if all(cell["execution_count"] for cell in cells) else None

    def reads_through(self):
        """Scroll from top to bottom; return what each Markdown cell shows, or has shown on the way before."""
        place, end = 0, 1
        while place < end:
            end = self.page.evaluate(SCROLL, place)
            with contextlib.suppress(PlaywrightTimeout):  # a cell that MyST does not set is missed below
                self.page.wait_for_function(SET, timeout=10_000)
            self.shown |= dict(self.page.evaluate(SHOWN))
            place += 600
        return list(self.shown.values())

    @property
    def cell(self):
        """The cell that asks for the temperature."""
        return self.page.locator(".jp-CodeCell").filter(has_text="lab.temperature").first

    def runs_cell(self, source=None):
        """Run that cell, with one more line if told, and return what it shows."""
        prompt = self.cell.locator(".jp-InputPrompt")
        before = prompt.text_content()
        self.cell.locator(".cm-content").click()
        if source:
            self.page.keyboard.press("Control+End")
            self.page.keyboard.insert_text(f"\n{source}")
        self.page.keyboard.press("Control+Enter")
        wait(lambda: prompt.text_content() not in (before, "[*]:"), "a cell runs")
        return self.cell.locator(".jp-OutputArea-output").all_text_contents()

    @property
    def figure(self):
        return self.page.locator(".smbook-lab").first

    @property
    def temperature(self):
        return self.figure.get_by_label("Temperature T", exact=True).input_value()

    def drags_temperature(self, value):
        self.figure.get_by_label("Temperature T, slider").fill(value)
        wait(lambda: self.temperature == value, f"the figure shows the T = {value} that was chosen")

    def types_temperature(self, value):
        field = self.figure.get_by_label("Temperature T", exact=True)
        field.fill(value)
        field.press("Enter")

    def presses_on_lattice(self, *keys):
        for key in keys:
            self.figure.locator("canvas").first.press(key)

    @property
    def number_of_cells(self):
        """The number of cells, as JupyterLab's status bar tells it."""
        return self.page.get_by_text(re.compile(r"^Cell \d+/\d+$")).inner_text().split("/")[1]


def no_errors(cells):
    """Refuse a run in which a cell failed or wrote to stderr."""
    for cell in cells:
        for output in cell["outputs"]:
            bad = output["output_type"] == "error" or output.get("name") == "stderr"
            demand(not bad, f"a cell failed:\n{''.join(cell['source'])}\n{output}")


def directives_are_set(reader):
    """Compare what the Markdown cells show with what their source asks for; return what was counted."""
    notebook = nbformat.read(reader.path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "markdown"]
    shown = reader.reads_through()
    demand(len(shown) == len(cells), f"MyST sets {len(shown)} of {len(cells)} Markdown cells")
    marks = (":::", "```", "{term}", "{prf:")
    raw = [cell["text"] for cell in shown if any(mark in cell["text"] for mark in marks)]
    demand(not raw, f"MyST is not rendered: {raw}")
    counts = {}
    for name, kind in {"theorem": "{prf:theorem}", "proof": "{prf:proof}", "exercise": "{exercise}"}.items():
        asked = sum(cell.source.count(kind) for cell in cells)
        seen = sum(aside.startswith(name.capitalize()) for cell in shown for aside in cell["asides"])
        demand(seen == asked, f"{seen} of {asked} blocks {kind} are set")
        counts[name] = seen
    return ", ".join(f"{number} {name}s" for name, number in counts.items())


def compiled(tree):
    """Name what numba has compiled and kept, and when."""
    return {(path.name, path.stat().st_mtime_ns) for path in tree.glob("smbook/**/__pycache__/*.nbc")}


def read(reader, address, tree, report):
    """Do what a reader does, and demand that all of it works."""
    before = compiled(tree)
    demand(before, "postBuild compiled no kernel")
    opened = time.monotonic()
    reader.open(address)
    report(f"JupyterLab shows {CHAPTER}")
    reader.run_all()
    reader.sees_motion()
    report("the live figure moves", f"{time.monotonic() - opened:.1f} s after opening")
    cells = reader.has_run()
    no_errors(cells)
    report(f"all {len(cells)} code cells have run", f"{time.monotonic() - opened:.1f} s after opening")
    again = sorted(name for name, _ in compiled(tree) - before)
    demand(not again, f"postBuild's work was not used; compiled again: {', '.join(again)}")
    report("directives are set", insist(lambda: directives_are_set(reader)))

    reader.sees_motion()
    demand(reader.temperature == AT_FIRST, f"the figure starts at T = {reader.temperature}, not {AT_FIRST}")
    reader.drags_temperature(FROM_PAGE)
    insist(lambda: python_says(reader, FROM_PAGE))
    reader.types_temperature(TYPED)
    insist(lambda: python_says(reader, TYPED))
    number = reader.number_of_cells
    reader.presses_on_lattice("ArrowDown", " ", "d", "d", "a")
    demand(reader.number_of_cells == number, "keys pressed in the live figure were commands to JupyterLab")
    reader.runs_cell(f"lab.temperature = {FROM_PYTHON}")
    wait(lambda: reader.temperature == FROM_PYTHON, f"Python's T = {FROM_PYTHON} arrives in the page")
    reader.sees_motion()
    demand(not reader.errors, f"the live figure failed: {reader.errors}")
    report("temperature: page to Python, Python to page", f"{AT_FIRST}, {FROM_PAGE}, {TYPED}, {FROM_PYTHON}")


def python_says(reader, temperature):
    told = reader.runs_cell()
    demand(told == [temperature], f"the slider was moved to {temperature}, and lab.temperature is {told}")


@contextlib.contextmanager
def chromium():
    demand(CHROMIUM, "no Chromium on this machine (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def try_out(folder, options):
    """Build, start and read in `folder`."""
    report, tree = Report(), folder / "tree"
    copy_of_the_tree(tree)
    prepare_chapter(tree / CHAPTER)
    report("a copy of the repository", megabytes(tree))
    variables = build(folder, tree, report)
    report(look_for_cuda(folder / "environment"))
    with jupyter_lab(tree, variables, folder / "server") as (server, address), Memory(server) as memory:
        report("JupyterLab answers")
        with chromium() as browser:
            reader = Reader(browser.new_page(viewport={"width": 1280, "height": 1000}), tree / CHAPTER)
            try:
                read(reader, address, tree, report)
            finally:
                if options.screenshot:
                    reader.page.screenshot(path=options.screenshot)
    report("JupyterLab has stopped", f"{memory.peak / 1e6:.0f} MB of memory at most, server and kernel")


def main():
    parser = argparse.ArgumentParser(description="Try on this machine what Binder does with this repository.")
    parser.add_argument("--screenshot", metavar="PATH", type=Path, help="keep a picture of the last sight")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        with tempfile.TemporaryDirectory(prefix="binder-") as folder:
            try_out(Path(folder), options)
    except (TrialError, PlaywrightError) as failure:
        sys.exit(f"{failure}\nBinder's steps FAILED.")
    print("Binder's steps work: installed, started, run, alive; nothing is left behind.")


if __name__ == "__main__":
    main()
