"""Every built page, opened in Chromium as readers open it: from the file system and from a web server."""

from __future__ import annotations

import contextlib
import functools
import importlib
import re
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser import DESKTOP, HTML, PAGES, PHONE, PRESS, SNAPSHOT, TOO_WIDE, Visit, labs, settle, watched

pytestmark = pytest.mark.browser

# Formulas are what Sphinx marked as such; each must have become one typeset container without an error in it.
UNTYPESET = """() => [...document.querySelectorAll("span.math, div.math")]
    .filter(e => !e.querySelector("mjx-container") || e.querySelector("mjx-merror, [data-mjx-error]"))
    .map(e => e.textContent.slice(0, 80))"""

NO_MATHJAX = "!document.querySelector('script[src*=mathjax i], script[type*=mathjax i]')"

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

# Images without alt text, or with the hash or the file name that stands in for one.
UNDESCRIBED = r"""() => [...document.images]
    .filter(e => !(e.alt ?? "").trim() || /^(https?:|data:|[0-9a-f]{32})|\.(png|svg)$/.test(e.alt))
    .map(e => e.src.slice(-80))"""
# Entries of reference and index, tokens, and formulas that look like others already there: axe would take
# minutes to say the same of each.
THIN = """() => {
    const count = new Map();
    for (const entry of document.querySelectorAll("dl.py, .genindextable li")) {
        const kind = entry.localName + entry.className, seen = (count.get(kind) ?? 0) + 1;
        count.set(kind, seen);
        if (seen > 12) entry.remove();
    }
    const known = new Set();
    for (const token of [...document.querySelectorAll("pre span[class], .sig span[class]")].reverse())
        if (known.size < known.add(token.className).size) continue;
        else if (!token.querySelector("*")) token.replaceWith(token.textContent);
    for (const formula of [...document.querySelectorAll(".math")].slice(10)) formula.replaceChildren();
}"""

# Whether the theme, if there is one, has followed the scheme; colours that fade over get there at once.
IN_THEME = """scheme => {
    const fades = document.getAnimations().filter(animation => animation instanceof CSSTransition);
    for (const fade of fades) fade.finish();
    return (document.documentElement.dataset.theme ?? scheme) === scheme && fades.length === 0;
}"""

BROKEN_IMAGES = "() => [...document.images].filter(e => e.complete && !e.naturalWidth).map(e => e.src)"


def lifeless(page, waiting=()):
    """List the live figures of a page that did not come, or do not move.

    Those that are `waiting` for their reader must not move before Step is pressed, and must move then.
    """
    views = page.locator("script[type='application/vnd.jupyter.widget-view+json']").count()
    missing, still = max(views - page.locator(":is([data-lab], [data-question])").count(), 0), []
    for lab in page.locator(".smbook-lab").all():
        lab.scroll_into_view_if_needed()
        name, before = lab.get_attribute("data-lab"), lab.evaluate(SNAPSHOT)
        if name in waiting:
            page.wait_for_timeout(400)
            if lab.evaluate(SNAPSHOT) != before:
                still.append(f"{name} does not wait")
            before = lab.evaluate(SNAPSHOT)
            lab.evaluate(PRESS, ["Step"])
        patience = 10
        while patience and lab.evaluate(SNAPSHOT) == before:
            page.wait_for_timeout(200)
            patience -= 1
        if not patience:
            still.append(name)
    return ["missing"] * missing + still


def barriers(page, rules=()):
    """List what axe-core finds grave, by these rules or all, for readers who do not see or point."""
    page.evaluate(THIN)
    options = {"resultTypes": ["violations"], "preload": False} | ({"runOnly": list(rules)} if rules else {})
    found = Axe().run(page, options=options).response["violations"]
    grave = [rule for rule in found if rule["impact"] in ("serious", "critical")]
    return [f"{rule['id']}: {node['html'][:200]}" for rule in grave for node in rule["nodes"]]


def look(context, home, name, schemes=("light", "dark")):
    """Visit the page `name` of the book at `home` and gather what the tests below judge.

    All of it is looked at in the first colour scheme, if that is light; of others, the contrasts.
    """
    visit = Visit(name)
    page = watched(context, home, visit)
    page.emulate_media(color_scheme=schemes[0])
    page.goto(home + name)
    settle(page)
    waiting = [place.name for place in labs() if place.page == name and not place.running]
    visit.facts["lifeless"] = lifeless(page, waiting)
    page.evaluate("() => window.scrollTo(0, document.body.scrollHeight)")
    page.wait_for_load_state("networkidle")
    with contextlib.suppress(PlaywrightTimeout):  # formulas out of view are set while the page idles
        page.wait_for_function(f"{NO_MATHJAX} || ({UNTYPESET})().length === 0", timeout=60_000)
    questions = {"untypeset": UNTYPESET, "raw": RAW_TEX, "undescribed": UNDESCRIBED, "broken": BROKEN_IMAGES}
    visit.facts |= {key: page.evaluate(script) for key, script in questions.items()}
    page.set_viewport_size(PHONE)
    page.wait_for_timeout(200)
    visit.facts["too wide"] = page.evaluate(TOO_WIDE)
    page.set_viewport_size(DESKTOP)
    visit.facts["barriers"] = []
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme)
        page.wait_for_function(IN_THEME, arg=scheme)
        visit.facts["barriers"] += barriers(page, () if scheme == "light" else ["color-contrast"])
    page.close()
    return visit


# A chapter is opened twice, from the file system in light colours and from a server in dark ones; what all
# chapters share, the pages about the book and the reference, once in both.
CHAPTERS = [page for page in PAGES if "/" in page and not page.startswith("reference/")]
VISITS = {
    f"file-{page}": ("file", page, ("light",) if page in CHAPTERS else ("light", "dark")) for page in PAGES
}
VISITS |= {f"http-{page}": ("http", page, ("dark",)) for page in CHAPTERS}


@pytest.fixture(scope="module", params=VISITS.values(), ids=list(VISITS))
def visit(request, addresses, context):
    origin, name, schemes = request.param
    return look(context, addresses[origin], name, schemes)


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


def test_every_live_figure_lives(visit):
    assert visit.facts["lifeless"] == []


def test_axe_finds_nothing_serious(visit):
    assert visit.facts["barriers"] == []


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
        "boltzmann",
        "curie_weiss",
        "datasets",
        "ising",
        "theory.ising",
        "theory.spin_glass",
        "theory.hopfield",
        "theory.boltzmann",
        "theory.curvature",
        "theory.descent",
        "theory.perceptron",
        "theory.inference",
        "theory.random_matrices",
        "landscape",
        "statistics",
        "figures",
        "hopfield",
        "network",
        "perceptron",
        "kernels.associative",
        "kernels.bipartite",
        "kernels.boltzmann",
        "kernels.bridge",
        "kernels.descent",
        "kernels.margin",
        "kernels.plane",
        "kernels.hebbian",
        "kernels.hopfield",
        "kernels.inference",
        "kernels.restricted",
        "kernels.rng",
        "kernels.elementary",
        "kernels.finite_magnet",
        "kernels.lattice",
        "kernels.mean_field",
        "kernels.multilayer",
        "kernels.network",
        "kernels.perceptron",
        "kernels.projection",
        "kernels.spin_glass",
        "kernels.threshold",
        "kernels.walls",
        "widgets",
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


FIGURES = """<!doctype html><html><body>
<div class="smbook-lab" data-lab="good"><button>Step</button><dd>0</dd></div>
<div class="smbook-lab" data-lab="dead"><button>Step</button><dd>0</dd></div>
<div class="smbook-lab" data-lab="restless"><button>Step</button><dd>0</dd></div>
<div class="smbook-lab" data-lab="runs"><dd>0</dd></div>
<div class="smbook-lab" data-lab="stopped"><button>Step</button><dd>0</dd></div>
<script>
    const count = name => document.querySelector(`[data-lab=${name}] dd`).textContent++;
    for (const name of ["good", "restless", "stopped"])
        document.querySelector(`[data-lab=${name}] button`).addEventListener("click", () => count(name));
    for (const name of ["restless", "runs"]) setInterval(count, 50, name);
</script></body></html>"""


def test_what_runs_must_move_and_what_waits_must_wait(browser):
    """A figure that should run is not pressed; one that waits must answer Step, and nothing else."""
    page = browser.new_page()
    page.set_content(FIGURES)
    assert lifeless(page, ["good", "dead", "restless"]) == ["dead", "restless does not wait", "stopped"]
    page.close()


def test_the_visit_sees_what_is_wrong(browser, tmp_path):
    """Show the checks a page with every fault they look for."""
    (tmp_path / "bad.html").write_text(
        """<!doctype html><html><body><main><article><p>raw $x$</p><span class="math">\\(y\\)</span>
        <img src="missing.png"><div style="width: 900px">wide</div><div class="smbook-lab">a</div>
        </article></main>
        <script src="https://example.invalid/a.js"></script><script>undefined_name</script></body></html>"""
    )
    context = browser.new_context(viewport=DESKTOP)
    visit = look(context, tmp_path.as_uri() + "/", "bad.html")
    context.close()
    assert any("undefined_name" in error for error in visit.errors)
    assert visit.strangers == ["https://example.invalid/a.js"]
    assert any("missing.png" in url for url in visit.failures)
    assert all(visit.facts.values()), visit.facts
