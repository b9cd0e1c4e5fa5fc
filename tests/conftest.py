"""What all tests share."""

from __future__ import annotations

import functools
import os
import threading
from collections import Counter
from http.server import ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import settings

from tests.browser import CHROMIUM, DESKTOP, HTML, Quiet

# The same examples in every run; no deadline, as a first call may compile a kernel.
settings.register_profile("smbook", deadline=None, derandomize=True)
settings.load_profile("smbook")


@pytest.fixture(scope="session")
def book():
    if not (HTML / "index.html").exists():
        pytest.fail("the book is not built; run: make book")
    return HTML


@pytest.fixture(scope="session")
def browser(book):  # noqa: ARG001
    if CHROMIUM is None:
        tell = pytest.fail if os.environ.get("SMBOOK_REQUIRE_BROWSERS") == "1" else pytest.skip
        tell(
            "no Chromium on this machine: the built pages were NOT tested (Debian: apt-get install chromium)"
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def server(book, tmp_path_factory):
    """Serve the book from a sub-folder, as GitHub Pages does, on the loopback address."""
    root = tmp_path_factory.mktemp("site")
    (root / "some" / "where").mkdir(parents=True)
    (root / "some" / "where" / "book").symlink_to(book, target_is_directory=True)
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(root)))
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/some/where/book/"
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(scope="session")
def addresses(book, server):
    return {"file": book.as_uri() + "/", "http": server}


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(viewport=DESKTOP)
    yield context
    context.close()


# ---- The order of the tests, and what they cost.

N_DEAREST = 20
MAX_NOTEBOOK_SECONDS = 60  # design: a chapter takes 30 s on average, none more than this


def turn(item):
    """Say when a file's turn is: what is long in one piece comes first, so that no core waits at the end."""
    if item.get_closest_marker("browser"):
        return 0
    return 1 if item.path.suffix == ".ipynb" else 2


def pytest_collection_modifyitems(items):
    items.sort(key=turn)


def seconds_of_tests(reports):
    """Sum the seconds of setup, call and teardown of each test, and of all cells of each notebook."""
    tests, notebooks = Counter(), Counter()
    for report in reports:
        file = report.nodeid.partition("::")[0]
        if file.endswith(".ipynb"):
            notebooks[file] += report.duration
        else:
            tests[report.nodeid] += report.duration
    return tests, notebooks


def table_of_notebooks(checked, built):
    """Write each notebook's seconds in the build and in nbval, and a word if they are too many."""
    yield f"{'build':>7} {'nbval':>7}  notebook (seconds)"
    for name in sorted({*checked, *built}):
        seconds = [runs.get(name) for runs in (built, checked)]
        columns = " ".join("      -" if time is None else f"{time:7.1f}" for time in seconds)
        slow = min(filter(None, seconds), default=0) > MAX_NOTEBOOK_SECONDS
        yield f"{columns}  {name}" + f"  TOO LONG: over {MAX_NOTEBOOK_SECONDS} s" * slow


def pytest_terminal_summary(terminalreporter, config):
    """List the dearest tests and files of them, and the seconds of each notebook."""
    reports = [
        report for group in terminalreporter.stats.values() for report in group if hasattr(report, "duration")
    ]
    tests, notebooks = seconds_of_tests(reports)
    if tests:
        terminalreporter.section(f"dearest {min(N_DEAREST, len(tests))} of {len(tests)} tests")
        for name, seconds in tests.most_common(N_DEAREST):
            terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
        files = Counter()
        for name, seconds in tests.items():
            files[name.partition("::")[0]] += seconds
        terminalreporter.section(f"dearest {min(N_DEAREST, len(files))} of {len(files)} files of tests")
        for name, seconds in files.most_common(N_DEAREST):
            terminalreporter.write_line(f"{seconds:7.1f} s  {name}")
    if notebooks:
        from tests.run_notebooks import CACHE, seconds_of_runs  # not at the top: half a second a worker

        root = Path(config.rootpath)
        built = {os.path.relpath(path, root): seconds for path, seconds in seconds_of_runs(CACHE).items()}
        terminalreporter.section("notebooks")
        for line in table_of_notebooks(notebooks, built):
            terminalreporter.write_line(line)
