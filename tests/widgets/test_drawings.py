"""What labs draw with, on a bare page in Chromium: heat maps, bars, histograms, networks, canvases."""

from __future__ import annotations

import re

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe

from smbook.widgets import _modules

pytestmark = pytest.mark.browser

PAGE = """<!DOCTYPE html><html lang="en" data-theme="{theme}"><title>Drawings</title>
<meta name="viewport" content="width=device-width"><style>{styles}
body {{ --pst-color-background: {paper}; background: {paper}; color: {ink}; margin: 1rem;
    font-family: sans-serif }}</style>
<main><h1>Drawings</h1><div class="smbook-lab"></div></main>
<script>"use strict"; const modules = {{}};
{runtime}
const el = document.querySelector(".smbook-lab");
const panel = {{ el, cleanups: [] }};
const use = name => modules[`runtime/${{name}}.js`];
const show = (name, drawing) => {{
    window[name] = drawing;
    el.append(drawing.node ?? drawing.svg ?? drawing.canvas);
}};
</script>"""
INK = {"light": ("#222", "#fff"), "dark": ("#ddd", "#121212")}

# One of each, as labs would make them.
HEAT_MAP = """show("heat", new (use("heatmap").HeatMap)(panel, { rows: 2, columns: 3, x: [0, 3], y: [0, 2],
    xLabel: "x", yLabel: "y", describe: "Energy.", onPick: cell => { window.cell = cell; } }));
heat.set(Float64Array.of(0, 1, 2, 3, 4, NaN));"""
MATRIX = """show("matrix", new (use("heatmap").HeatMap)(panel, { rows: 8, columns: 8, x: [-0.5, 7.5],
    y: [7.5, -0.5], xLabel: "unit j", yLabel: "unit i", describe: "Couplings.", diverging: true,
    onPick() {}, name: ({ row, column }) => `J from ${row} to ${column}` }));
matrix.set(Float64Array.from({ length: 64 }, (_, k) => Math.sin(k % 8 - Math.floor(k / 8))));"""
BARS = """show("bars", new (use("bars").Bars)({ names: ["a", "b", "c", "d"], y: [-0.5, 1.1], xLabel: "unit",
    yLabel: "mean", describe: "Means of four units." }));
bars.set([0.5, -0.25, 0.125, 1], { exact: [0.4, -0.2, 0.1, 0.9], errors: [0.1, 0.05, 0.1, 0.05] });"""
HISTOGRAM = """show("histogram", new (use("histogram").Histogram)({ x: [0, 1], count: 10, y: [0, 2.5],
    errors: true, xLabel: "u", describe: "Histogram of u." }));
for (let k = 0; k < 1000; k += 1) histogram.add(Math.sqrt((k + 0.5) / 1000));
histogram.chart.line("theory", [0, 1], [0, 2]);
histogram.draw();"""
NETWORK = """const states = [1, -1, 1, -1, 1, -1];
show("network", new (use("network").NetworkDrawing)({ places: use("network").circle(6),
    describe: "Six units.", onToggle: i => { states[i] *= -1; network.set(states); } }));
network.couple([[0, 1, 2], [1, 2, -1], [3, 4, 0.5], [0, 3, -2], [2, 5, 0]]);
network.set(states);"""
LAYERS = """show("machine", new (use("network").NetworkDrawing)({ places: use("network").layers(5, 3),
    height: 220, names: ["v1", "v2", "v3", "v4", "v5", "h1", "h2", "h3"], words: ["off", "on"],
    describe: "A machine." }));
machine.couple(Array.from({ length: 15 }, (_, k) => [k % 5, 5 + Math.floor(k / 5), Math.sin(3 * k)]));
machine.set([1, 0, 1, 1, 0, 0, 1, 0]);"""
PAINTING = """show("painting", new (use("painting").Painting)(panel, { low: 0, high: 1, colours: "--lab-grey",
    count: 256 }));
painting.show(new Float64Array(28 * 28), 28);"""
LATTICE = """window.spins = { data: new Int8Array(32 * 32).fill(-1) };
show("lattice", new (use("lattice").Lattice)(panel, () => { window.painted = true; }));
lattice.brushes();
lattice.show({ size: 32, spins });"""
RASTER = """show("raster", new (use("raster").Raster)(panel, { rows: 4 }));
raster.start(3, "Three spins.");
raster.add([1, -1, 1]);
raster.add([-1, -1, 1]);
raster.draw();"""
SHEET = """show("sheet", new (use("sheet").Sheet)(panel, "Five values", "--lab-spins"));
sheet.start(5, "Five values, of which two are marked.");
sheet.draw([1, -1, 1, 1, -1], [[0, 12, 0, 12, 12], [1, 24, 0, 24, 12]], [1, 0]);"""
ALL = [HEAT_MAP, MATRIX, BARS, HISTOGRAM, NETWORK, LAYERS, PAINTING, LATTICE, RASTER, SHEET]

BOXES = "svg => svg.querySelector('.lab-boxes').getAttribute('d')"
COLOURS = """map => {
    const data = map.context.getImageData(0, 0, map.columns, map.rows).data;
    return Array.from({length: data.length / 4}, (_, i) => Array.from(data.slice(4 * i, 4 * i + 4)));
}"""
SIZES = """() => [...document.querySelectorAll("svg text")].map(e =>
    parseFloat(getComputedStyle(e).fontSize) * e.ownerSVGElement.getScreenCTM().a)"""
OUTSIDE = """() => [...document.querySelectorAll("svg text")].filter(e => {
    const [text, svg] = [e, e.ownerSVGElement].map(x => x.getBoundingClientRect());
    return text.left < svg.left - 2 || text.right > svg.right + 2;
}).map(e => e.textContent)"""
OVERLAPS = """() => [...document.querySelectorAll("svg")].flatMap(svg => {
    const boxes = [...svg.querySelectorAll("text")].map(e => [e.getBoundingClientRect(), e.textContent]);
    return boxes.flatMap(([a, text], i) => boxes.slice(i + 1).filter(([b]) =>
        a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 3 && b.top < a.bottom - 3
    ).map(([b, other]) => `${text} on ${other}`));
})"""


RUNTIME = sorted(f"runtime/{file.name}" for file in _modules.HERE.joinpath("runtime").iterdir())


def drawn(browser, tmp_path, *scripts, theme="light", width=420, **media):
    """Open a page with these drawings."""
    ink, paper = INK[theme]
    parts = {"styles": _modules.source("lab.css"), "runtime": _modules.joined(_modules.ordered(*RUNTIME))}
    text = PAGE.format(theme=theme, ink=ink, paper=paper, **parts)
    file = tmp_path / "drawings.html"
    file.write_text(text + "".join(f"<script>{{ {script} }}</script>" for script in scripts), encoding="utf8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.emulate_media(**media)
    faults = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.goto(file.as_uri())
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert faults == []
    return page


@pytest.fixture
def draw(browser, tmp_path):
    pages = []

    def opened(*scripts, **kwargs):
        pages.append(drawn(browser, tmp_path, *scripts, **kwargs))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def colours_of(variable, theme="light"):
    """Read the first and the last colour of a palette off the style sheet."""
    values = re.findall(rf"{variable}: (#[^;]+);", _modules.source("lab.css"))[theme == "dark"].split()
    return [[int(value[i : i + 2], 16) for i in (1, 3, 5)] + [255] for value in (values[0], values[-1])]


def pixels(page, name):
    """Return the colours of a heat map, row by row from the top."""
    return page.evaluate(f"() => ({COLOURS})({name})")


def boxes(page, name):
    """Return the left end, the right end and the height of each box, in the units of the axes."""
    low, high = page.evaluate(f"() => [{name}.chart.y.to(0), {name}.chart.y.to(1)]")
    left, right = page.evaluate(f"() => [{name}.chart.x.to(0), {name}.chart.x.to(1)]")
    d = page.locator("svg").first.evaluate(BOXES)
    found = np.array(re.findall(r"M([\d.-]+) ([\d.-]+)V([\d.-]+)H([\d.-]+)V[\d.-]+Z", d), dtype=float)
    ends = (found[:, [0, 3]] - left) / (right - left)
    return ends[:, 0], ends[:, 1], (found[:, 2] - low) / (high - low)


# ---- Heat maps.


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_first_row_is_the_lowest_and_the_ends_of_the_palette_are_the_ends_of_the_values(draw, theme):
    top, bottom = np.array(pixels(draw(HEAT_MAP, theme=theme), "heat")).reshape(2, 3, 4)
    first, last = colours_of("--lab-sequential")
    assert bottom[0].tolist() == first
    assert top[1].tolist() == last
    assert top[2].tolist() == [0, 0, 0, 0]  # no number
    lightness = np.concatenate([bottom, top[:2]])[:, :3] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()


def test_a_matrix_has_its_first_row_on_top(draw):
    page = draw(HEAT_MAP.replace("y: [0, 2]", "y: [2, 0]"))
    assert pixels(page, "heat")[0] == colours_of("--lab-sequential")[0]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_diverging_colours_are_symmetric_about_zero(draw, theme):
    page = draw(HEAT_MAP.replace("describe", "diverging: true, describe"), theme=theme)
    page.evaluate("heat.set(Float64Array.of(-2, 0, 2, -1, 1, 0.5))")
    low, high = colours_of("--lab-diverging", theme)
    _, bottom = np.array(pixels(page, "heat")).reshape(2, 3, 4)
    assert [bottom[0].tolist(), bottom[2].tolist()] == [low, high]
    red, _, blue, _ = bottom[1]
    assert abs(red - blue) < 16  # no hue at 0
    page.evaluate("heat.set(Float64Array.of(-1, 0, 3, 0, 0, 0))")
    assert page.evaluate("[heat.low, heat.high]") == [-3, 3]
    page.evaluate("heat.set(new Float64Array(6), { low: -5, high: 2 })")
    assert page.evaluate("[heat.low, heat.high]") == [-5, 5]


def test_values_that_are_all_the_same_and_none_at_all_have_colours(draw):
    page = draw(HEAT_MAP)
    page.evaluate("heat.set(new Float64Array(6).fill(7))")
    assert page.evaluate("[heat.low, heat.high]") == [6, 8]
    page.evaluate("heat.set(new Float64Array(6).fill(NaN))")
    assert pixels(page, "heat") == [[0, 0, 0, 0]] * 6
    page.evaluate("heat.set(new Float64Array(6).fill(9), { low: 0, high: 1 })")
    assert pixels(page, "heat") == [colours_of("--lab-sequential")[1]] * 6


def test_the_colour_bar_is_numbered(draw):
    page = draw(HEAT_MAP)
    numbers = page.evaluate("[...heat.numbers.querySelectorAll('text')].map(e => e.textContent)")
    assert numbers == ["0", "1", "2", "3", "4"]
    top = page.evaluate("Array.from(heat.bar.getContext('2d').getImageData(0, 0, 1, 1).data)")
    assert top == colours_of("--lab-sequential")[1]


def test_the_colours_follow_the_theme(draw):
    page = draw(MATRIX)
    light = pixels(page, "matrix")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(50)
    assert pixels(page, "matrix") != light
    assert colours_of("--lab-diverging", "dark")[1] not in light


def test_the_pointer_picks_the_cell_under_it(draw):
    page = draw(HEAT_MAP)
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.75 * box["height"])
    assert page.evaluate("cell") == {"row": 0, "column": 1, "value": 1}
    assert page.locator(".lab-told").inner_text() == "Row 0, column 1: 1"


def test_arrow_keys_pick_cells_and_stop_at_the_edges(draw):
    page = draw(HEAT_MAP)
    page.keyboard.press("Tab")
    assert page.evaluate("cell") == {"row": 0, "column": 0, "value": 0}
    for key in ["ArrowUp", "ArrowRight", "ArrowUp", "ArrowDown", "ArrowUp"]:
        page.keyboard.press(key)
    assert page.evaluate("cell") == {"row": 1, "column": 1, "value": 4}
    told = page.locator(".lab-told")
    assert told.inner_text() == "Row 1, column 1: 4"
    assert told.get_attribute("aria-live") == "polite"
    page.evaluate("heat.set(new Float64Array(6).fill(-0.5))")
    assert told.inner_text() == "Row 1, column 1: \u22120.5"
    assert told.get_attribute("aria-live") == "off"  # a run is not read aloud


def test_the_cell_that_is_marked_is_the_one_that_is_picked(draw):
    page = draw(HEAT_MAP)
    box = page.locator("canvas").first.bounding_box()
    page.mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.1 * box["height"])
    mark = page.locator(".lab-cell rect").first.bounding_box()
    assert mark["x"] + mark["width"] / 2 == pytest.approx(box["x"] + box["width"] * 5 / 6, abs=1.5)
    assert mark["y"] + mark["height"] / 2 == pytest.approx(box["y"] + box["height"] / 4, abs=1.5)


# ---- Bars and histograms.


def test_bars_are_as_high_as_their_values(draw):
    left, right, heights = boxes(draw(BARS), "bars")
    assert heights == pytest.approx([0.5, -0.25, 0.125, 1], abs=1e-3)
    assert (left + right) / 2 == pytest.approx(range(4), abs=2e-3)


def test_bars_have_names_exact_values_errors_and_words(draw):
    page = draw(BARS)
    assert page.evaluate("bars.chart.xTicks([-0.6, 3.6], 286)") == [[0, "a"], [1, "b"], [2, "c"], [3, "d"]]
    words = page.locator("svg").get_attribute("aria-label")
    assert words.startswith("Means of four units. a: 0.5 (exact 0.4), b: \u22120.25 (exact \u22120.2)")
    height, scale = page.evaluate("[bars.chart.y.to(0.4), bars.chart.y.to(0) - bars.chart.y.to(1)]")
    assert page.locator(".lab-line.theory").get_attribute("d").split("M")[1].endswith(f" {height:.1f}")
    low, high = map(
        float, re.match(r"M\S+ (\S+)V([\d.]+)m", page.locator(".lab-errors").get_attribute("d")).groups()
    )
    assert (low - high) / scale == pytest.approx(0.2, abs=2e-3)
    page.evaluate("bars.set([0.5, NaN, 0.1, 0.2])")
    assert len(boxes(page, "bars")[2]) == 3
    assert not page.locator(".lab-errors").get_attribute("d")


def test_names_without_room_are_left_out(draw):
    page = draw(BARS.replace('names: ["a", "b", "c", "d"]', "count: 64"))
    ticks = page.evaluate("bars.chart.xTicks([-0.6, 63.6], 286).map(([i]) => i)")
    assert 5 < len(ticks) < 20
    assert len(set(np.diff(ticks))) == 1


def test_the_boxes_of_a_histogram_hold_one(draw):
    page = draw(HISTOGRAM)
    left, right, heights = boxes(page, "histogram")
    assert ((right - left) * heights).sum() == pytest.approx(1, abs=2e-3)
    density = page.evaluate("Array.from(histogram.density(histogram.counts))")
    assert sum(density) / 10 == pytest.approx(1, abs=1e-12)
    assert density == pytest.approx(2 * (np.arange(10) + 0.5) / 10, abs=0.011)  # that of a root is 2u
    assert heights == pytest.approx(density, abs=0.01)


def test_values_beyond_the_ends_leave_the_boxes_their_height(draw):
    page = draw(HISTOGRAM)
    page.evaluate(
        "histogram.clear(); for (const u of [0, 0.05, 0.1, 1, 1.01, -0.01, 7, 0.95]) histogram.add(u)"
    )
    assert page.evaluate("Array.from(histogram.counts)") == [2, 1, 0, 0, 0, 0, 0, 0, 0, 2]
    assert page.evaluate("histogram.density(histogram.counts)[0]") == pytest.approx(2 / 8 / 0.1)


def test_the_error_of_a_box_is_the_root_of_its_count(draw):
    page = draw(HISTOGRAM)
    scale = page.evaluate("histogram.chart.y.to(0) - histogram.chart.y.to(1)")
    found = re.findall(r"M\S+ ([\d.]+)V([\d.]+)m", page.locator(".lab-errors").get_attribute("d"))
    lengths = [(float(low) - float(high)) / scale for low, high in found]
    counts = np.array(page.evaluate("Array.from(histogram.counts)"))
    assert lengths == pytest.approx(2 * np.sqrt(counts) / 1000 / 0.1, abs=2e-3)


# ---- Networks.


def test_edges_tell_strength_and_sign(draw):
    page = draw(NETWORK)
    edges = page.evaluate("""[...network.edges.children].map(e => {
        const style = getComputedStyle(e);
        return [Number(e.getAttribute("stroke-width")), style.strokeDasharray, style.stroke];
    })""")
    assert [width for width, _, _ in edges] == pytest.approx([4.5, 2.6, 1.65, 4.5], abs=0.01)
    assert [dash == "none" for _, dash, _ in edges] == [True, False, True, False]
    assert edges[0][2] != edges[1][2]
    page.evaluate("network.couple([[0, 1, -1]])")
    assert page.locator(".lab-edge").count() == 1
    assert page.locator(".lab-edge.negative").count() == 1
    page.evaluate("network.couple([[0, 1, 1], [1, 2, -0.021], [2, 3, 0.019], [3, 4, NaN], [4, 5, Infinity]])")
    assert page.locator(".lab-edge").count() == 2
    page.evaluate("network.couple([[0, 1, 1e-17], [1, 2, -2e-17]], 1)")
    assert page.locator(".lab-edge").count() == 0
    page.evaluate("network.couple([])")
    assert page.locator(".lab-edge").count() == 0


def test_the_mouse_toggles_a_node(draw):
    page = draw(NETWORK)
    node = page.get_by_role("button", name="unit 1, down")
    assert node.get_attribute("aria-pressed") == "false"
    node.click()
    assert page.evaluate("network.nodes.map(node => node.classList.contains('up'))") == [True] * 3 + [
        False,
        True,
        False,
    ]
    assert page.get_by_role("button", name="unit 1, up").get_attribute("aria-pressed") == "true"


def test_keys_go_from_node_to_node_and_toggle(draw):
    """On the circle of six, the second node is to the right of the first, and above the third."""
    page = draw(NETWORK)
    here = "() => network.nodes.indexOf(document.activeElement)"
    page.keyboard.press("Tab")
    places = [page.evaluate(here)]
    for key in ["ArrowRight", "ArrowDown", "ArrowRight"]:
        page.keyboard.press(key)
        places.append(page.evaluate(here))
    assert places == [0, 1, 2, 2]
    page.keyboard.press(" ")
    assert page.evaluate("network.nodes[2].getAttribute('aria-label')") == "unit 2, down"
    page.keyboard.press("Enter")
    assert page.evaluate("network.nodes[2].getAttribute('aria-label')") == "unit 2, up"
    page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(here) == 2  # one stop of the tab key, where the focus was last


def test_up_and_down_are_told_apart_without_colour(draw):
    page = draw(NETWORK)
    signs = page.evaluate(
        "network.nodes.map(node => node.querySelector('.lab-sign').getAttribute('d').split('M').length - 1)"
    )
    assert signs == [2, 1, 2, 1, 2, 1]


def test_a_network_that_is_only_looked_at_is_an_image(draw):
    page = draw(NETWORK.replace("onToggle", "unused"))
    assert page.locator("svg[role=img]").count() == 1
    assert page.locator("[tabindex]").count() == 0


def test_places(draw):
    page = draw(NETWORK)
    assert np.array(page.evaluate("use('network').circle(4)")) == pytest.approx(
        np.array([[0.5, 0], [1, 0.5], [0.5, 1], [0, 0.5]])
    )
    assert page.evaluate("use('network').layers(2, 1)") == [[0.25, 1], [0.75, 1], [0.5, 0]]
    assert page.evaluate("use('network').grid(2)") == [[0, 0], [1, 0], [0, 1], [1, 1]]


def test_a_network_of_hundreds_of_edges_is_drawn_within_a_frame(draw):
    page = draw(NETWORK)
    page.evaluate("""() => {
        const { NetworkDrawing, circle } = use("network");
        const many = new NetworkDrawing({ places: circle(30), describe: "Many.", radius: 7 });
        el.append(many.svg);
        const pairs = Array.from({ length: 435 }, (_, k) => [k % 30, (7 * k + 1) % 30, Math.sin(k)]);
        many.couple(pairs);
        window.times = Array.from({ length: 20 }, () => {
            const start = performance.now();
            many.couple(pairs);
            return performance.now() - start;
        });
    }""")
    assert page.locator(".lab-edge").count() > 400
    assert min(page.evaluate("times")) < 16


# ---- Paintings.


def painted(page, values, shape, least):
    """Return rows and columns of what has been painted."""
    array = np.array(page.evaluate(f"Array.from({values})")).reshape(shape)
    return np.argwhere(array > least)


def stroke(page, start, end):
    """Draw with the mouse from one place of the canvas to another, in shares of its sides."""
    box = page.locator("canvas").bounding_box()
    (x, y), (u, v) = [(box["x"] + a * box["width"], box["y"] + b * box["height"]) for a, b in (start, end)]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(u, v)
    page.mouse.up()


def test_the_mouse_paints_a_line_in_grey(draw):
    page = draw(PAINTING)
    page.evaluate("painting.brush = 0.5")
    stroke(page, (0.25, 0.5), (0.75, 0.5))
    found = painted(page, "painting.values", (28, 28), 0)
    assert set(found[:, 1]) >= set(range(7, 21))
    assert set(found[:, 0]) <= {12, 13, 14, 15}
    assert set(page.evaluate("Array.from(painting.values)")) == {0, 0.5}
    page.evaluate("painting.draw()")
    tone = page.evaluate("Array.from(painting.context.getImageData(14, 14, 1, 1).data)")
    low, high = colours_of("--lab-grey")
    assert np.abs(np.array(tone) - (np.array(low) + high) / 2).max() <= 1


def test_an_image_has_edges_and_a_lattice_has_none(draw):
    page = draw(PAINTING)
    stroke(page, (0.5, 0.5), (0.5, 1.2))
    assert painted(page, "painting.values", (28, 28), 0)[:, 0].min() > 10
    page = draw(LATTICE)
    stroke(page, (0.5, 0.5), (0.5, 1.2))
    rows = set(painted(page, "spins.data", (32, 32), 0)[:, 0])
    assert rows >= set(range(16, 32)) | set(range(6))
    assert not rows & set(range(9, 14))
    assert page.evaluate("painted")


@pytest.mark.parametrize(
    ("script", "values", "side", "end"),
    [(PAINTING, "painting.values", 28, 27), (LATTICE, "spins.data", 32, 32 / 3 - 0.5)],
)
def test_arrow_keys_stop_at_the_edges_of_an_image_and_go_around_a_lattice(draw, script, values, side, end):
    """From the middle, 20 steps of a twenty-fourth to the right lead to the edge, or to a third of it."""
    page = draw(script)
    page.keyboard.press("Tab")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    columns = painted(page, values, (side, side), 0)[:, 1]
    assert columns.mean() == pytest.approx(end, abs=1)


def test_the_brush_is_seen_on_white_and_on_black(draw):
    page = draw(PAINTING)
    plain = page.evaluate("painting.canvas.toDataURL()")
    page.keyboard.press("Tab")
    assert page.evaluate("painting.canvas.toDataURL()") != plain
    page.evaluate("painting.values.fill(1); painting.draw()")
    data = page.evaluate("Array.from(painting.context.getImageData(0, 0, 28, 28).data)")
    assert len({tuple(data[i : i + 4]) for i in range(0, len(data), 4)}) > 1


def test_images_need_not_be_square(draw):
    page = draw(PAINTING)
    page.evaluate("window.wide = new Int8Array(20 * 40); painting.show(wide, 20, 40)")
    box = page.locator("canvas").bounding_box()
    assert box["width"] == pytest.approx(2 * box["height"], rel=0.01)
    stroke(page, (0.75, 0.25), (0.75, 0.25))
    assert painted(page, "wide", (20, 40), 0).mean(axis=0) == pytest.approx([4.5, 29.5], abs=0.6)
    assert page.locator("canvas").get_attribute("aria-label").startswith("20 by 40 pixels.")


def test_spins_have_the_colours_of_the_book(draw):
    page = draw(LATTICE)
    page.evaluate("spins.data[0] = 1; lattice.draw()")
    data = page.evaluate("Array.from(lattice.context.getImageData(0, 0, 2, 1).data)")
    assert data == [0xF4, 0xA6, 0x3A, 255, 0x20, 0x45, 0x8F, 255]


# ---- Rasters.

ROWS = """() => {
    const {width, height} = raster.canvas;
    const {data} = raster.context.getImageData(0, 0, width, height);
    return Array.from({length: height}, (_, row) => Array.from({length: width}, (_, column) => {
        const place = 4 * (row * width + column);
        return data[place + 3] && (data[place] > 128 ? 1 : -1);
    }));
}"""


def test_a_raster_fills_from_the_top_and_then_scrolls(draw):
    page = draw(RASTER)
    assert page.evaluate(ROWS) == [[1, -1, 1], [-1, -1, 1], [0, 0, 0], [0, 0, 0]]
    page.evaluate("for (const s of [1, -1, 1]) raster.add([s, s, -s]); raster.draw()")
    assert page.evaluate(ROWS) == [[-1, -1, 1], [1, 1, -1], [-1, -1, 1], [1, 1, -1]]
    page.evaluate("raster.start(2, 'Two spins.'); raster.add([1, -1]); raster.draw()")
    assert page.evaluate(ROWS) == [[1, -1], [0, 0], [0, 0], [0, 0]]
    assert page.locator("canvas").get_attribute("aria-label") == "Two spins."


def test_a_raster_is_only_looked_at_and_follows_the_theme(draw):
    page = draw(RASTER)
    assert page.locator("canvas").evaluate("e => getComputedStyle(e).touchAction") == "auto"
    before = page.evaluate("raster.canvas.toDataURL()")
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_timeout(100)
    assert page.evaluate("raster.canvas.toDataURL()") != before


# ---- All of them, for readers of every kind.


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_has_a_name_and_contrast(draw, theme):
    page = draw(*ALL, theme=theme)
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert [f"{rule['id']}: {node['html'][:200]}" for rule in found for node in rule["nodes"]] == []


@pytest.mark.parametrize("width", [320, 420, 760])
def test_text_is_at_least_eleven_pixels_high_and_in_nothing_s_way(draw, width):
    page = draw(*ALL, width=width)
    assert min(page.evaluate(SIZES)) >= 11
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(OVERLAPS) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_forced_colours_leave_marks_and_text(draw):
    page = draw(*ALL, forced_colors="active")
    ink = page.evaluate("getComputedStyle(document.querySelector('.lab-axes text')).fill")
    for kind in (".lab-boxes", ".lab-edge", ".lab-errors"):
        stroke = page.locator(kind).first.evaluate("e => getComputedStyle(e).stroke")
        assert stroke == ink, kind
