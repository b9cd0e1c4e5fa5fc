"""What all tests share."""

from __future__ import annotations

import functools
import os
import threading
from http.server import ThreadingHTTPServer

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
