"""What the book has once: the parts that live figures share, and the order in which a page comes to life."""

from __future__ import annotations

import base64
import gzip
import json
import re
from collections import Counter
from hashlib import sha256
from statistics import median

import pytest

from smbook.widgets import _modules
from tests.browser import (
    DESKTOP,
    HTML,
    PAGES,
    STATE,
    Lab,
    Visit,
    labs,
    number,
    open_lab,
    watched,
)

LIVE = HTML / "_static" / "live"
WITH_LABS = sorted({place.page for place in labs()})
CHAPTERS = [page for page in WITH_LABS if page != "intro.html"]  # with many formulas
MAGNET = next((place for place in labs() if place.kind == "IsingLab"), None)

# Bytes of a figure's own state, of the median one, and of a page as it goes over the wire.
LARGEST_STATE, MEDIAN_STATE, LARGEST_PAGE = 40_000, 12_000, 450_000


def states(page):
    (text,) = re.findall(STATE, (HTML / page).read_text(encoding="utf8"), re.DOTALL)
    return list(json.loads(text)["state"].values())


def parts(page):
    """Name the files that a page's head asks for, and those that its figures will ask for."""
    asked = re.findall(r"_static/live/([\w.]+)", (HTML / page).read_text(encoding="utf8"))
    later = [
        f"{part}.js"
        for state in (states(page) if page in WITH_LABS else [])
        for part in state["state"]["_live"]["parts"]
    ]
    return [*asked, *later]


@pytest.mark.parametrize("page", WITH_LABS)
def test_a_page_carries_nothing_that_figures_share(page):
    text = (HTML / page).read_text(encoding="utf8")
    for state in states(page):
        assert not {"_esm", "_css"} & set(state["state"])
        assert ["_kernels"] not in [buffer["path"] for buffer in state.get("buffers", [])]
        assert all((LIVE / f"{part}.js").is_file() for part in state["state"]["_live"]["parts"])
    assert "class Kernels" not in text
    assert base64.b64encode((_modules.HERE / "kernels.wasm").read_bytes())[:200].decode() not in text


def test_a_figure_and_a_page_are_light():
    sizes = {
        (page, number): len(json.dumps(state))
        for page in WITH_LABS
        for number, state in enumerate(states(page))
    }
    assert max(sizes.values()) < LARGEST_STATE, sizes
    assert median(sizes.values()) < MEDIAN_STATE, sizes
    wire = {page: len(gzip.compress((HTML / page).read_bytes())) for page in PAGES}
    assert max(wire.values()) < LARGEST_PAGE, wire


def test_parts_are_named_by_their_content_and_none_is_left_over():
    named = {part for page in PAGES for part in parts(page)}
    assert {path.name for path in LIVE.iterdir()} == named
    assert len({name.split(".")[0] for name in named if name.startswith(("runtime", "kernels"))}) == 2
    for name in named:
        content = (LIVE / name).read_text(encoding="utf8")
        stem, mark, suffix = name.split(".")
        if suffix == "js":
            content = re.fullmatch(
                rf'\(globalThis\.smbookParts \?\?= \[\]\)\.push\(\["{stem}\.{mark}", (.*)\]\);\n',
                content,
                re.DOTALL,
            )[1]
        assert mark == sha256(content.encode()).hexdigest()[:12]


@pytest.fixture
def visited(browser, addresses):
    """Open pages of the book, each with a reader of its own, and see that nothing goes wrong on them."""
    contexts, visits = [], []

    def visit(page, origin="file", *, script=None, **options):
        contexts.append(browser.new_context(viewport=DESKTOP, **options))
        if script:
            contexts[-1].add_init_script(script)
        visits.append(Visit(page))
        opened = watched(contexts[-1], addresses[origin], visits[-1])
        opened.goto(addresses[origin] + page, wait_until="commit")
        return opened

    yield visit
    for context in contexts:
        context.close()
    assert [visit.troubles for visit in visits if visit.troubles] == []


# The order in which all came: at each frame, whether figures and formulas in view were there.
ORDER = """(() => {
    const seen = (globalThis.order = []);
    const inView = e => e.getBoundingClientRect().bottom > 0 && e.getBoundingClientRect().top < innerHeight;
    const look = () => {
        if (document.readyState !== "loading") {
            const of = (kind, isThere) => [...document.querySelectorAll(kind)].filter(inView).map(isThere);
            const figures = of("[data-lab]", e => Boolean(e.querySelector("canvas, svg")));
            const formulas = of(".math", e => Boolean(e.querySelector("mjx-container")));
            const set = document.querySelectorAll(".math mjx-container").length;
            seen.push([!figures.includes(false), !formulas.includes(false), set]);
        }
        requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
})()"""

ALL_SET = "document.documentElement?.dataset.formulas === 'set'"  # none before the page begins
UNSET = "[...document.querySelectorAll('.math')].filter(e => !e.querySelector('mjx-container')).length"


def telling():
    """List the pages where the order can go wrong most: with the most formulas, and with the most figures."""
    formulas = {page: (HTML / page).read_text(encoding="utf8").count('class="math') for page in CHAPTERS}
    figures = Counter(place.page for place in labs() if place.page in CHAPTERS)
    return sorted({max(counts, key=counts.get) for counts in (formulas, figures)} | {*CHAPTERS[:1]})


@pytest.mark.browser
@pytest.mark.parametrize("page", telling())
def test_figures_come_first_then_formulas_in_view_then_the_rest(visited, page):
    opened = visited(page, script=ORDER)
    opened.wait_for_function(ALL_SET, timeout=120_000)
    order = opened.evaluate("order")
    figures = next(k for k, (shown, _, _) in enumerate(order) if shown)
    first_formula = next(k for k, (_, _, count) in enumerate(order) if count)
    in_view = next(k for k, (_, formulas, count) in enumerate(order) if formulas and count)
    assert figures <= first_formula <= in_view
    assert order[in_view][2] < order[-1][2] / 2
    assert opened.evaluate(UNSET) == 0


@pytest.mark.browser
def test_a_file_that_does_not_come_costs_no_other_figure(addresses, context):
    page = context.new_page()
    page.route("**/live/ising_lab.*", lambda route: route.abort())
    page.goto(addresses["http"] + CHAPTERS[0], wait_until="commit")
    for place in labs():
        if place.page == CHAPTERS[0]:
            root = page.locator(f"[data-lab={place.name}]")
            if place.kind == "IsingLab":
                root.filter(has_text="has not come").wait_for()
            else:
                root.locator(":is(canvas, svg):visible").first.wait_for()
    page.wait_for_function(f"{UNSET} < 500")
    page.close()


@pytest.mark.browser
def test_a_file_that_takes_its_time_holds_up_its_own_figures_only(addresses, context):
    page = context.new_page()
    page.route("**/live/ising_lab.*", lambda _: None)
    page.goto(addresses["http"] + CHAPTERS[0], wait_until="commit")
    other = next(place for place in labs() if place.page == CHAPTERS[0] and place.kind != "IsingLab")
    page.locator(f"[data-lab={other.name}]").scroll_into_view_if_needed()
    page.locator(f"[data-lab={other.name}] :is(canvas, svg):visible").first.wait_for()
    page.unroute_all(behavior="ignoreErrors")
    page.close()


@pytest.mark.browser
def test_a_figure_comes_without_its_style_sheet(addresses, context):
    page, errors = context.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.route("**/live/style.*", lambda route: route.abort())
    page.goto(addresses["http"] + MAGNET.page)
    lab = Lab(page, MAGNET.name)
    lab.root.scroll_into_view_if_needed()
    lab.run_for(200)
    assert lab.readouts()["sweeps"] > 0
    assert errors == []
    page.close()


@pytest.mark.browser
def test_a_page_that_forbids_webassembly_says_so(addresses, context):
    page = context.new_page()
    page.route(
        "**/ising/*.html",
        lambda route: route.fulfill(
            response=(response := route.fetch()),
            headers=response.headers | {"content-security-policy": "script-src 'self' 'unsafe-inline'"},
        ),
    )
    page.goto(addresses["http"] + MAGNET.page)
    page.locator(f"[data-lab={MAGNET.name}]").filter(has_text="needs WebAssembly").wait_for()
    page.close()


@pytest.mark.browser
def test_a_page_that_was_saved_when_all_had_come_is_alive(visited):
    opened = visited(MAGNET.page)
    opened.wait_for_function(ALL_SET, timeout=120_000)
    saved = HTML / MAGNET.page.replace(".html", "-saved.html")
    try:
        saved.write_text(opened.content(), encoding="utf8")
        again = visited(saved.relative_to(HTML).as_posix())
        again.wait_for_load_state("load")
        lab = Lab(again, MAGNET.name)
        lab.root.scroll_into_view_if_needed()
        lab.run_for(200)
        assert lab.readouts()["sweeps"] > 0
        assert again.locator("[data-lab]").count() == sum(place.page == MAGNET.page for place in labs())
        again.wait_for_function(ALL_SET, timeout=120_000)
        assert again.evaluate(UNSET) == 0
    finally:
        saved.unlink()


@pytest.mark.browser
def test_all_formulas_are_set_before_a_page_is_printed(visited):
    opened = visited(CHAPTERS[0])
    opened.wait_for_function("document.querySelector('.math mjx-container')")
    missing = opened.evaluate(UNSET)
    opened.pdf()
    assert missing > 100
    assert opened.evaluate(UNSET) == 0


@pytest.mark.browser
def test_formulas_are_spoken_with_the_network_cut(visited):
    """Each formula carries MathML for screen readers, and the explorer's files are part of the book."""
    opened = visited("reference/notation.html", origin="http")
    opened.wait_for_function(ALL_SET)
    containers, assistive = opened.evaluate(
        "['mjx-container', 'mjx-container > mjx-assistive-mml > math'].map("
        "kind => document.querySelectorAll(kind).length)"
    )
    assert containers == assistive > 10
    opened.evaluate("MathJax.loader.load('a11y/explorer')")
    assert opened.evaluate("'explorer' in MathJax._.a11y")
    assert (HTML / "_static" / "mathjax" / "sre" / "mathmaps" / "en.json").stat().st_size > 10_000


PLACE = "id => document.getElementById(id).getBoundingClientRect().top"


@pytest.mark.browser
def test_a_link_into_a_page_settles_on_its_target(visited):
    name = re.findall(r'<section id="([^"]+)"', (HTML / CHAPTERS[0]).read_text(encoding="utf8"))[-3]
    opened = visited(f"{CHAPTERS[0]}#{name}")
    opened.wait_for_function(ALL_SET, timeout=120_000)
    opened.wait_for_timeout(300)
    settled = opened.evaluate(PLACE, name)
    opened.evaluate("id => document.getElementById(id).scrollIntoView({behavior: 'instant'})", name)
    assert settled == pytest.approx(opened.evaluate(PLACE, name), abs=3)


IN_VIEW = """name => {
    const {top} = document.querySelector(`[data-lab=${name}]`).getBoundingClientRect();
    return top >= 0 && top < innerHeight / 3;
}"""


@pytest.mark.browser
@pytest.mark.parametrize("query", ["", "?running=false"])
def test_a_link_to_a_figure_settles_on_it(visited, query):
    place = [place for place in labs() if place.page == CHAPTERS[0]][-1]
    opened = visited(f"{place.page}#{place.name}{query}")
    opened.wait_for_function(ALL_SET, timeout=120_000)
    opened.wait_for_timeout(300)
    assert opened.evaluate(IN_VIEW, place.name)


@pytest.mark.browser
def test_who_reloads_a_page_is_where_they_were(visited):
    name = re.findall(r'<section id="([^"]+)"', (HTML / CHAPTERS[0]).read_text(encoding="utf8"))[-1]
    opened = visited(f"{CHAPTERS[0]}#{name}")
    opened.wait_for_function(ALL_SET, timeout=120_000)
    opened.mouse.move(DESKTOP["width"] / 2, DESKTOP["height"] / 2)  # the list of chapters scrolls by itself
    opened.mouse.wheel(0, -3000)
    opened.wait_for_timeout(500)
    opened.reload()
    opened.wait_for_function(ALL_SET, timeout=120_000)
    opened.wait_for_timeout(300)
    assert opened.evaluate(PLACE, name) > 1000


@pytest.mark.browser
@pytest.mark.parametrize("fragment", ["100%", "lab-3?loop_gain=%E"])
def test_a_link_that_was_cut_off_costs_no_formula(visited, fragment):
    opened = visited(f"{CHAPTERS[0]}#{fragment}")
    opened.wait_for_function("document.querySelector('.math mjx-container')")


@pytest.mark.browser
def test_a_link_pasted_into_an_open_page_is_heard(addresses, context):
    lab = open_lab(context, addresses["file"], MAGNET, running="false", temperature=2)
    lab.page.evaluate(f"location.hash = '#{MAGNET.name}?temperature=3.25&running=false'")
    lab.page.wait_for_function("document.querySelector('[type=number]').value === '3.25'")
    assert number(lab.field("Temperature T").input_value()) == 3.25
    lab.page.close()


@pytest.mark.browser
def test_controls_do_not_lie_after_going_on_and_back(browser, addresses):
    """Without its memory of whole pages a browser fills in forms again; the figure runs what it shows."""
    context = browser.new_context(viewport=DESKTOP)
    lab = open_lab(context, addresses["file"], MAGNET, running="false")
    lab.type("Temperature T", 3.75)
    lab.page.goto(addresses["file"] + WITH_LABS[-1], wait_until="load")
    lab.page.go_back(wait_until="load")
    again = Lab(lab.page, MAGNET.name)
    shown = number(again.field("Temperature T").input_value())
    again.button("Copy link").click()
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent.includes('#')")
    assert number(re.search(r"temperature=([\d.]+)", again.status)[1]) == pytest.approx(shown, rel=5e-6)
    context.close()
