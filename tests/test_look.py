"""How the pages look and read: typeface, icons, heads, images, figures in words, paper and small screens."""

from __future__ import annotations

import functools
import re
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup, NavigableString, Tag
from fontTools.ttLib import TTFont

from tests.browser import (
    DESKTOP,
    HTML,
    PAGES,
    PIXELS,
    Place,
    labs,
    one_of_each,
    open_lab,
    settle,
    states_on,
    without_formulas,
)

pytestmark = pytest.mark.browser

STATIC = HTML / "_static"
AWESOME = "vendor/fontawesome/6.5.2"
CHAPTER = "ising/ising-model.html"
MAGNET = Place(CHAPTER, "lab-1", "IsingLab", running=True)
WRITTEN = [name for name in PAGES if name not in ("genindex.html", "search.html", "prf-prf.html")]
PHONE = {"width": 390, "height": 664}


@functools.cache
def soup(name):
    return BeautifulSoup((HTML / name).read_text(encoding="utf8"), "html.parser")


# ---- Fonts.


def faces():
    return sorted((STATIC / "fonts").glob("*.woff2"))


def test_the_typeface_is_light_and_licensed():
    assert sum(face.stat().st_size for face in faces()) < 100_000
    assert "SIL Open Font License" in (STATIC / "fonts" / "LICENSE.txt").read_text(encoding="utf8")


def texts(node):
    """Give the pieces of text within `node` that are set in the book's faces."""
    for child in node.children:
        if type(child) is NavigableString:
            yield child
        elif isinstance(child, Tag):
            code = child.name in ("script", "style", "pre", "code", "noscript")
            if not code and "math" not in child.get("class", ()):
                yield from texts(child)


def words(name):
    """Return the characters of a page that are set in the book's faces."""
    return set().union(*texts(soup(name).find("article"))) - set("\n")


def test_the_typeface_has_every_character_of_the_text():
    """The stars that grade an exercise are a sign, not a letter: every system has one."""
    known = {*TTFont(STATIC / "fonts" / "serif-regular.woff2").getBestCmap(), ord("★")}
    missing = {name: sorted(c for c in words(name) if ord(c) not in known) for name in WRITTEN}
    assert {name: found for name, found in missing.items() if found} == {}


LOADED = """async () => {
    await document.fonts.ready;
    const loaded = [...document.fonts].filter(face => face.status === "loaded");
    return loaded.map(face => face.family.replaceAll('"', ""));
}"""
FAMILY = "node => getComputedStyle(node).fontFamily"


@pytest.mark.parametrize("origin", ["file", "http"])
def test_text_and_headings_are_set_in_the_typeface(addresses, context, origin):
    page = context.new_page()
    page.goto(addresses[origin] + "intro.html")
    assert {"Book Serif", "Book Sans"} <= set(page.evaluate(LOADED))
    for kind, family in {"p": "Book Serif", "h1": "Book Sans"}.items():
        assert page.locator(f"article {kind}").first.evaluate(FAMILY).startswith(f'"{family}"')
    page.close()


HEIGHTS = "() => [...document.querySelectorAll('article p')].reduce((sum, e) => sum + e.offsetHeight, 0)"


def test_text_hardly_moves_when_the_typeface_comes(addresses, browser):
    """Compare the height of the introduction's text with the reader's faces and with the book's."""
    seen = []
    for come in (True, False):
        context = browser.new_context(viewport=DESKTOP)
        page = context.new_page()
        if not come:
            page.route("**/fonts/*.woff2", lambda route: route.abort())
        page.goto(addresses["http"] + "intro.html")
        settle(page)
        seen.append(page.evaluate(HEIGHTS))
        context.close()
    assert seen[0] == pytest.approx(seen[1], rel=0.05)


def icons(name):
    """Return the classes of the icons that a page or a script names."""
    return set(re.findall(r"\bfa-[a-z0-9][\w-]*", (HTML / name).read_text(encoding="utf8")))


def rules():
    """Return the character of each icon that the style sheet keeps, by its class."""
    sheet = (STATIC / AWESOME / "css" / "all.min.css").read_text(encoding="utf8")
    found = re.findall(r'((?:\.fa-[\w-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}', sheet)
    return {name: int(code, 16) for names, code in found for name in re.findall(r"fa-[\w-]+", names)}


def test_every_icon_has_its_glyph_and_hardly_another():
    fonts = list((STATIC / AWESOME / "webfonts").glob("*.woff2"))
    known = set().union(*(TTFont(font).getBestCmap() or {} for font in fonts))
    manner = {"fa-solid", "fa-brands", "fa-regular", "fa-lg"}
    used = set().union(*map(icons, PAGES), icons("_static/scripts/pydata-sphinx-theme.js")) - manner
    assert len(used) > 8
    assert {icon: rules().get(icon) for icon in used if rules().get(icon) not in known} == {}
    assert sum(font.stat().st_size for font in fonts) < 15_000
    assert (STATIC / AWESOME / "css" / "all.min.css").stat().st_size < 25_000


# ---- Heads and images.


def test_every_page_says_what_it_is():
    descriptions = {}
    for name in PAGES:
        page = soup(name)
        tags = {tag["name"]: tag["content"] for tag in page.find_all("meta", attrs={"name": True})}
        descriptions[name] = tags["description"]
        assert 25 < len(tags["description"]) <= 161, name
        assert len(page.find_all("meta", attrs={"name": "viewport"})) == 1, name
        assert len(page.find_all("h1")) == 1, name
        assert page.html["lang"] == "en"
    own = [descriptions[name] for name in WRITTEN]
    assert len(set(own)) == len(own)


def test_images_keep_their_place_and_come_when_they_are_near():
    for name in WRITTEN:
        images = soup(name).find("article").find_all("img")
        sized = [image for image in images if not image["src"].endswith(".svg")]
        assert all(image.get("width") and image.get("height") for image in sized), name
        assert all(image.get("loading") == "lazy" for image in sized), name


def test_notebooks_are_downloaded():
    links = [link for name in PAGES for link in soup(name).find_all("a", href=re.compile(r"\.ipynb$"))]
    assert links
    assert all(link.has_attr("download") for link in links)


# ---- Without scripts and on paper.


def pictures_are_shown(page, name):
    """See that a page without scripts says so, and shows a picture of each of its live figures."""
    assert page.locator(".without-scripts").is_visible()
    pictures = page.locator(".live-figure img")
    assert pictures.count() == len([place for place in labs() if place.page == name])
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
    told = dict(pictures.evaluate_all("nodes => nodes.map(e => [e.src, e.alt])"))
    assert all(len(words) > 80 for words in told.values())
    assert len({*told.values()}) == len(told)
    page.wait_for_load_state("networkidle")
    assert all(box["width"] > 200 for box in (picture.bounding_box() for picture in pictures.all()))


def questions_are_read(page, name):
    """See that a page without scripts writes its questions and who checks them."""
    ends = {"screen": "This page checks the answer where JavaScript is on."}
    ends["print"] = "The page from which this was printed checks the answer."
    for media, end in ends.items():
        page.emulate_media(media=media)
        written = page.locator(".plain-question").all()
        for root, state in zip(written, states_on(name, "question"), strict=True):
            assert root.is_visible()
            shown = root.inner_text()
            assert all(words in shown for words in [state["text"], *state["_options"], *state["_labels"]])
            assert shown.endswith(end)


WITH_LABS, ASKING = {place.page for place in labs()}, {name for name in PAGES if states_on(name, "question")}


@pytest.mark.parametrize("name", sorted(WITH_LABS | ASKING))
def test_without_scripts_a_page_shows_pictures_and_questions(addresses, browser, name):
    context = browser.new_context(viewport=DESKTOP, java_script_enabled=False)
    page = context.new_page()
    page.goto(addresses["file"] + name)
    if name in WITH_LABS:
        pictures_are_shown(page, name)
    questions_are_read(page, name)
    context.close()


def test_the_pictures_of_figures_are_small():
    pictures = list((STATIC / "figures").glob("*.webp"))
    assert len(pictures) >= len(one_of_each())
    assert all(picture.stat().st_size < 25_000 for picture in pictures)


FOLDED = """() => [
    ...document.querySelectorAll(".admonition.toggle-hidden > :not(.admonition-title, script)")
    ].filter(e => getComputedStyle(e).visibility === "hidden" || e.offsetHeight === 0).length"""


def test_on_paper_solutions_are_unfolded_and_figures_pictured(addresses, context):
    page = context.new_page()
    without_formulas(page)
    page.goto(addresses["file"] + CHAPTER)
    page.locator(".toggle-hidden button.toggle-button").first.wait_for(state="attached")
    assert page.evaluate(FOLDED) > 0
    assert not page.locator(".live-figure").first.is_visible()
    page.emulate_media(media="print")
    assert page.evaluate(FOLDED) == 0
    for hidden in (".toggle-button", ".bd-sidebar-primary", ".smbook-lab", ".copybtn"):
        assert not any(node.is_visible() for node in page.locator(hidden).all()), hidden
    assert all(node.is_visible() for node in page.locator(".live-figure").all())
    assert page.locator(".title-on-paper").is_visible() != page.locator("article h1").is_visible()
    page.close()


# ---- Figures.


@pytest.fixture(scope="module")
def open_magnet(addresses, context):
    lab = open_lab(context, addresses["file"], MAGNET, running="false")
    yield lab
    lab.page.close()


@pytest.fixture
def magnet(open_magnet):
    """The magnet as it was opened, on a page that is opened once."""
    open_magnet.resize(**DESKTOP)
    open_magnet.pause()
    open_magnet.type("Field h", 0)
    open_magnet.type("Temperature T", 2.27)
    open_magnet.hush()
    return open_magnet


@pytest.fixture(scope="module", params=one_of_each(), ids=str)
def lab(request, addresses, context):
    opened = open_lab(context, addresses["file"], request.param, running="false")
    yield opened
    opened.page.close()


TEXT = """root => [...root.querySelectorAll(".lab-chart text")].filter(e => e.checkVisibility()).map(e => {
    const { width } = e.ownerSVGElement.getBoundingClientRect();
    return parseFloat(getComputedStyle(e).fontSize) * width / e.ownerSVGElement.viewBox.baseVal.width;
})"""
OUTSIDE = """root => {
    const { left, right } = root.getBoundingClientRect();
    const seen = [...root.querySelectorAll("input, select, button, dd, text")]
        .filter(e => e.checkVisibility());
    const out = box => box.right > right || box.left < left;
    return seen.filter(e => out(e.getBoundingClientRect())).map(e => e.outerHTML);
}"""
# Names of axes that touch a number beside them.
OVERLAPS = """root => {
    const boxes = [...root.querySelectorAll(".lab-axes")].filter(g => g.checkVisibility())
        .map(g => [...g.querySelectorAll("text")].map(e => [e.textContent, e.getBoundingClientRect()]));
    const across = (a, b) => a.left < b.right && b.left < a.right;
    const meet = (a, b) => across(a, b) && a.top + 2 < b.bottom && b.top + 2 < a.bottom;
    return boxes.flatMap(texts => texts.flatMap(([name, box], i) =>
        texts.slice(i + 1).filter(([, other]) => meet(box, other)).map(([other]) => `${name} on ${other}`)));
}"""


def test_a_figure_can_be_read_on_every_screen(lab):
    for width in (320, 640, 1280):
        lab.resize(width)
        assert min(lab.root.evaluate(TEXT)) >= 11
        assert lab.root.evaluate(OUTSIDE) == []
        assert lab.root.evaluate(OVERLAPS) == []


PHONES = (320, 360, 375, 390, 412, 430)  # pixels of width, as phones have them


def test_no_control_reaches_out_of_its_card_on_any_phone(lab):
    for width in PHONES:
        lab.resize(width)
        assert lab.root.evaluate(OUTSIDE) == [], width


def test_a_phone_shows_the_lattice_and_the_temperature_together(magnet):
    magnet.resize(**PHONE)
    top = magnet.root.locator("canvas").bounding_box()["y"]
    slider = magnet.root.get_by_label("Temperature T, slider").bounding_box()
    assert slider["y"] + slider["height"] - top < PHONE["height"] - 60  # less the bar at the top


def test_the_temperature_has_the_widest_slider_and_room_for_its_digits(magnet):
    widths = magnet.root.evaluate(
        "root => [...root.querySelectorAll('[type=range]')].map(e => [e.ariaLabel, e.offsetWidth])"
    )
    (name, widest), *_, (_, next_widest) = sorted(widths, key=lambda pair: -pair[1])[:2]
    assert name == "Temperature T, slider"
    assert widest > 3 * next_widest
    magnet.button("Go to Tc").click()
    field = magnet.field("Temperature T")
    assert field.input_value() == "2.269185"
    assert field.evaluate("e => e.scrollWidth <= e.clientWidth")


# Pixels between the read-outs and the end of a figure: a line of words.
BELOW = """root => {
    const bottom = e => e.getBoundingClientRect().bottom;
    return bottom(root) - bottom(root.querySelector("dl"));
}"""


def test_nothing_moves_when_a_figure_speaks(magnet):
    magnet.page.wait_for_timeout(100)
    height = "root => root.offsetHeight"
    before = magnet.root.evaluate(height)
    magnet.type("Field h", 9)
    assert "kept between" in magnet.status
    assert magnet.root.evaluate(height) == before
    assert magnet.root.evaluate(BELOW) < 60


def test_presets_set_the_figure(magnet):
    magnet.button("Quench to T = 1").click()
    assert magnet.field("Temperature T").input_value() == "1"
    assert magnet.running


def test_more_settings_fold_by_keyboard_and_keep_their_state(magnet):
    magnet.type("Seed", 77)
    summary = magnet.root.locator("summary")
    summary.press("Enter")
    assert not magnet.field("Seed").is_visible()
    summary.press("Enter")
    assert magnet.field("Seed").input_value() == "77"


# ---- In words.

HEARD = """root => {
    globalThis.heard = [];
    new MutationObserver(() => heard.push(performance.now()))
        .observe(root.querySelector(".lab-aloud"), { childList: true });
}"""


def described(lab):
    lab.page.wait_for_timeout(2100)
    return lab.root.locator(".lab-description").inner_text()


# What is said aloud is what is written, two seconds later at most.
SAID = """root => {
    const [said, written] = [".lab-aloud", ".lab-description"].map(e => root.querySelector(e).innerText);
    return said && said === written;
}"""


def test_every_figure_is_described(lab):
    lab.page.wait_for_function(SAID, arg=lab.root.element_handle(), timeout=10_000)
    short = lab.root.locator(".lab-description").inner_text()
    region = lab.root.locator(".lab-aloud")
    assert region.get_attribute("aria-live") == "polite"
    assert region.inner_text() == short
    assert lab.root.locator(".lab-description").get_attribute("aria-hidden") == "true"
    assert 15 < len(short) < 120
    for drawn in lab.root.locator("canvas, .lab-chart").all():
        long = lab.page.locator(f"#{drawn.get_attribute('aria-describedby')}").inner_text()
        assert len(long) > len(short)


def test_the_description_follows_the_state(magnet):
    magnet.choose("Start from", "up")
    assert described(magnet) == "Near the transition: between order and disorder."
    magnet.type("Temperature T", 1.5)
    assert described(magnet) == "Ordered, below the transition."
    magnet.type("Temperature T", 4)
    assert described(magnet) == "Above the transition: no order lasts."
    magnet.button("Go to Tc").click()
    magnet.page.wait_for_timeout(2100)
    long = magnet.root.locator(".lab-unseen").evaluate("e => e.textContent")
    assert "at temperature 2.2692 without a field, updated by the heat bath" in long
    assert "m = 1.00" in long
    assert "no points measured here." in long
    slider = magnet.root.get_by_label("Temperature T, slider")
    assert slider.get_attribute("aria-valuetext") == "2.2692"
    magnet.type("Field h", -0.1)
    assert described(magnet) == "The field pulls the spins down."
    long = magnet.root.locator(".lab-unseen").evaluate("e => e.textContent")
    assert "in a field of \u22120.1" in long
    assert "are hidden" in long
    magnet.type("Field h", -9)
    assert "between \u22122 and 2" in magnet.status


@pytest.mark.parametrize(("loop_gain", "words"), [(2, "two stable states"), (0.8, "cannot hold a bit")])
def test_a_flip_flop_says_whether_it_holds_a_bit(addresses, context, loop_gain, words):
    place = next(place for place in one_of_each() if place.kind == "AmplifierLab as flip-flop")
    lab = open_lab(context, addresses["file"], place, running="false", loop_gain=loop_gain, speed=0.5)
    told = lab.root.locator(".lab-unseen")
    told.filter(has_text=words).wait_for(state="attached")
    lab.press("Set")
    told.filter(has_text="A set pulse is on.").wait_for(state="attached")
    lab.page.close()


def test_a_running_figure_speaks_every_two_seconds_at_most(magnet):
    magnet.root.evaluate(HEARD)
    for k in range(13):
        magnet.type("Temperature T", 1.5 + k % 3)
        magnet.page.wait_for_timeout(500)
    times = magnet.page.evaluate("heard")
    assert len(times) >= 2
    assert min(b - a for a, b in pairwise(times)) > 1950


def test_fluctuations_are_not_talked_about(addresses, context):
    settings = {"size": 32, "speed": 2000, "temperature": 2.27, "algorithm": "wolff"}
    lab = open_lab(context, addresses["file"], MAGNET, running="false", **settings)
    lab.start()
    lab.page.wait_for_timeout(300)
    lab.root.evaluate(HEARD)
    before = lab.readouts()["m"]
    lab.page.wait_for_timeout(6500)
    assert lab.readouts()["m"] != before
    assert lab.page.evaluate("heard") == []
    lab.page.close()


def test_the_link_is_said_again(magnet):
    said = []
    for _ in range(2):
        magnet.button("Copy link").click()
        magnet.page.wait_for_timeout(150)
        said.append(magnet.root.locator(".lab-status").evaluate("e => e.textContent"))
    assert said[0] != said[1]
    assert said[0].strip() == said[1].strip() != ""


DRAWN = "root => [...root.querySelectorAll('svg, canvas')].map(e => e.toDataURL?.() ?? e.outerHTML).join()"


def test_what_runs_moves(addresses, context):
    """A figure that starts by itself shows something else soon after, not its clock alone."""
    page = context.new_page()
    without_formulas(page)
    page.goto(addresses["file"] + CHAPTER)
    for place in labs():
        if place.page == CHAPTER and place.running:
            root = page.locator(f"[data-lab={place.name}]")
            root.locator(".lab-chart").first.wait_for(state="attached")
            root.scroll_into_view_if_needed()
            before = root.evaluate(DRAWN)
            page.wait_for_timeout(500)
            assert root.evaluate(DRAWN) != before, place
    page.close()


# ---- Brush, forced colours, small screens.


def test_the_brush_is_seen_when_keys_follow_a_click(magnet):
    canvas = magnet.root.locator("canvas")
    canvas.click()
    assert "?" not in magnet.root.evaluate(PIXELS)
    magnet.page.keyboard.press("ArrowLeft")
    assert "?" in magnet.root.evaluate(PIXELS)
    canvas.click()
    assert "?" not in magnet.root.evaluate(PIXELS)


# How the signs of a legend are drawn, with no colour in it; marks have shapes of their own.
SIGNS = """root => [...root.querySelectorAll(".lab-legend")].filter(e => e.checkVisibility()).map(list =>
    [...list.querySelectorAll(".lab-key > *")].map(e => {
        const style = getComputedStyle(e);
        const hollow = /rgba\\(0, 0, 0, 0\\)|none|transparent/.test(style.fill);
        const shape = e.matches(".lab-mark") ? e.getAttribute("d") : e.tagName;
        return [shape, style.strokeDasharray, style.strokeWidth, hollow, style.stroke !== "none"].join();
    }))"""


def test_forced_colours_leave_the_lines_apart(lab):
    lab.page.emulate_media(forced_colors="active")
    for signs in lab.root.evaluate(SIGNS):
        told = [sign for sign in signs if not sign.startswith("rect")]
        assert len(set(told)) == len(told)
    adjust = "nodes => nodes.map(e => getComputedStyle(e).forcedColorAdjust)"
    assert set(lab.root.locator("canvas").evaluate_all(adjust)) <= {"none"}
    lab.page.emulate_media(forced_colors="none")
