"""Every built page, opened in Chromium as readers open it: from the file system and from a web server."""

from __future__ import annotations

import functools
import importlib
import os
import re
import shutil
import threading
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from bs4 import BeautifulSoup

HTML = Path(__file__).parents[1] / "_build" / "html"
PAGES = sorted(
    path.relative_to(HTML).as_posix()
    for path in HTML.rglob("*.html")
    if path.relative_to(HTML).parts[0] not in ("_static", "_sources", "index.html")
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE = {"width": 400, "height": 800}
DESKTOP = {"width": 1280, "height": 900}

pytestmark = pytest.mark.browser

# Formulas are what Sphinx marked as such; each must have become one typeset container without an error in it.
UNTYPESET = """() => [...document.querySelectorAll("span.math, div.math")]
    .filter(e => !e.querySelector("mjx-container") || e.querySelector("mjx-merror, [data-mjx-error]"))
    .map(e => e.textContent.slice(0, 80))"""

# Text with a dollar or backslash formula that nothing has marked: a mistake in the source.
RAW_TEX = r"""() => {
    const top = document.querySelector("main") ?? document.body;
    const walker = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const {data, parentElement} = walker.currentNode;
        if (parentElement.closest("script, style, code, pre, mjx-container, .math")) continue;
        if (/\$[^$]+\$|\\\(|\\\[|\\begin\{/.test(data)) found.push(data.trim().slice(0, 80));
    }
    return found;
}"""

# Elements of the text that reach out of the window and that no box around them lets scroll or cuts off.
TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const out = e => e.getBoundingClientRect().width > 1 && e.getBoundingClientRect().right > width + 1;
    const held = e => {
        for (let box = e; box && box !== document.body; box = box.parentElement)
            if (/auto|scroll|hidden|clip/.test(getComputedStyle(box).overflowX) && !out(box)) return true;
        return false;
    };
    const wide = [...document.querySelectorAll("article *")].filter(e => out(e) && !held(e));
    if (document.documentElement.scrollWidth > width) wide.push(document.documentElement);
    return wide.map(e => `${e.tagName}.${e.className}`);
}"""

# Images without alt text, or with the hash or the file name that stands in for one.
UNDESCRIBED = r"""() => [...document.images]
    .filter(e => !(e.alt ?? "").trim() || /^(https?:|data:|[0-9a-f]{32})|\.(png|svg)$/.test(e.alt))
    .map(e => e.src.slice(-80))"""
BROKEN_IMAGES = "() => [...document.images].filter(e => e.complete && !e.naturalWidth).map(e => e.src)"


@dataclass
class Visit:
    """What one visit to a page showed."""

    page: str
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    facts: dict[str, list[str]] = field(default_factory=dict)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def book():
    if not (HTML / "index.html").exists():
        pytest.fail("the book is not built; run: make book")
    return HTML


@pytest.fixture(scope="session")
def browser(book):  # noqa: ARG001
    if CHROMIUM is None:
        tell = pytest.fail if os.environ.get("SMBOOK_REQUIRE_CHROMIUM") == "1" else pytest.skip
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
    page.on("requestfailed", lambda request: visit.failures.append(request.url))
    page.on("response", lambda r: visit.failures.append(f"{r.status} {r.url}") if r.status >= 400 else None)
    return page


def settle(page):
    """Wait until the page is loaded, its formulas are set and its fonts are there."""
    page.wait_for_load_state("load")
    page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")


def look(context, home, name):
    """Visit the page `name` of the book at `home` and gather what the tests below judge."""
    visit = Visit(name)
    page = watched(context, home, visit)
    page.goto(home + name)
    settle(page)
    page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    questions = {"untypeset": UNTYPESET, "raw": RAW_TEX, "undescribed": UNDESCRIBED, "broken": BROKEN_IMAGES}
    visit.facts = {key: page.evaluate(script) for key, script in questions.items()}
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(200)
    visit.facts["too wide"] = page.evaluate(TOO_WIDE)
    page.close()
    return visit


@pytest.fixture(scope="module")
def context(browser):
    context = browser.new_context(viewport=DESKTOP)
    yield context
    context.close()


@pytest.fixture(
    scope="module", params=[(origin, page) for origin in ("file", "http") for page in PAGES], ids="-".join
)
def visit(request, addresses, context):
    origin, name = request.param
    return look(context, addresses[origin], name)


def test_the_book_is_built(book):
    assert {"intro.html", "search.html"} < set(PAGES)
    assert (book / "index.html").exists()


def test_console_is_silent(visit):
    assert visit.errors == []


def test_nothing_is_asked_of_another_place(visit):
    assert visit.strangers == []


def test_every_request_is_answered(visit):
    assert visit.failures == []


def test_every_formula_is_typeset(visit):
    assert visit.facts["untypeset"] == []
    assert visit.facts["raw"] == []


def test_every_image_is_there_and_described(visit):
    assert visit.facts["broken"] == []
    assert visit.facts["undescribed"] == []


def test_a_phone_shows_the_page_without_sideways_scrolling(visit):
    assert visit.facts["too wide"] == []


@functools.cache
def anchors(path):
    soup = BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")
    return {tag["id"] for tag in soup.find_all(id=True)} | {
        tag["name"] for tag in soup.find_all("a", attrs={"name": True})
    }


def dead(page, href):
    """Say why a link of `page` leads nowhere, or return None; links to other sites are not followed."""
    target, anchor = urldefrag(urljoin(f"http://book/{page}", href))
    if urlsplit(target).netloc != "book":
        return (
            None if urlsplit(target).scheme in ("https", "mailto") else f"{href}: a strange kind of address"
        )
    path = HTML / unquote(urlsplit(target).path.lstrip("/"))
    if not path.is_file():
        return f"{href}: no such page"
    if anchor and path.suffix == ".html" and unquote(anchor) not in anchors(path):
        return f"{href}: no such place on the page"
    return None


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    soup = BeautifulSoup((HTML / name).read_text(encoding="utf8"), "html.parser")
    found = [dead(name, tag["href"]) for tag in soup.find_all("a", href=True)]
    assert [problem for problem in found if problem] == []


def public(module):
    """List the public names that a module defines, with its own name before them."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]
    return {f"{module.__name__}.{name}" for name in names}


@pytest.mark.parametrize(
    "name",
    [
        "ising",
        "theory.ising",
        "statistics",
        "figures",
        "kernels.rng",
        "kernels.elementary",
        "kernels.lattice",
    ],
)
def test_the_api_page_lists_every_public_name(book, name):
    module = importlib.import_module(f"smbook.{name}")
    assert public(module) - anchors(book / "reference" / "api.html") == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_page_names_no_place_of_the_machine_that_built_it(name):
    text = (HTML / name).read_text(encoding="utf8")
    assert str(HTML.parents[1]) not in text
    assert not re.search(
        r"<script[^>]+src=\"(https?:)?//|<link[^>]+rel=\"(stylesheet|preload)\"[^>]+href=\"(https?:)?//", text
    )


@pytest.mark.parametrize("origin", ["file", "http"])
def test_index_leads_to_the_introduction(addresses, context, origin):
    page = watched(context, addresses[origin], Visit("index.html"))
    page.goto(addresses[origin] + "index.html")
    page.wait_for_url("**/intro.html")
    page.close()


@pytest.mark.parametrize("origin", ["file", "http"])
def test_search_finds_a_page(addresses, context, origin):
    visit = Visit("search.html")
    page = watched(context, addresses[origin], visit)
    page.goto(addresses[origin] + "search.html?q=magnetization")
    page.wait_for_selector("ul.search li a", timeout=10_000)
    assert page.locator("ul.search li a").count() >= 1
    page.close()
    assert visit.errors == visit.strangers == visit.failures == []


def brightness(page, selector):
    """Return the mean of the red, green and blue of an element's background, 0 to 255."""
    colour = page.evaluate("s => getComputedStyle(document.querySelector(s)).backgroundColor", selector)
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


@pytest.mark.parametrize("origin", ["file", "http"])
def test_the_theme_switch_works(addresses, browser, origin):
    context = browser.new_context(viewport=DESKTOP, color_scheme="light")
    page = watched(context, addresses[origin], Visit("intro.html"))
    page.goto(addresses[origin] + "intro.html")
    settle(page)
    seen = {}
    for _ in range(3):
        page.locator("button.theme-switch-button:visible").first.click()
        page.wait_for_timeout(300)
        seen[page.evaluate("() => document.documentElement.dataset.mode")] = brightness(page, "body")
    context.close()
    assert set(seen) == {"light", "dark", "auto"}
    assert seen["dark"] < 60
    assert seen["light"] > 200


def test_the_visit_sees_what_is_wrong(browser, tmp_path):
    """Show the checks a page with every fault they look for."""
    (tmp_path / "bad.html").write_text(
        """<!doctype html><html><body><main><article><p>raw $x$</p><span class="math">\\(y\\)</span>
        <img src="missing.png"><div style="width: 900px">wide</div></article></main>
        <script src="https://example.invalid/a.js"></script><script>undefined_name</script></body></html>"""
    )
    context = browser.new_context(viewport=DESKTOP)
    visit = look(context, tmp_path.as_uri() + "/", "bad.html")
    context.close()
    assert any("undefined_name" in error for error in visit.errors)
    assert visit.strangers == ["https://example.invalid/a.js"]
    assert any("missing.png" in url for url in visit.failures)
    assert all(visit.facts.values()), visit.facts
