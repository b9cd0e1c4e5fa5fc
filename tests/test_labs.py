"""The live figures of the built pages, operated in Chromium as readers operate them."""

from __future__ import annotations

import re

import numpy as np
import pytest

from smbook import ising
from smbook.widgets import _modules
from tests.browser import (
    DESKTOP,
    PHONE,
    PIXELS,
    TOO_WIDE,
    Lab,
    Visit,
    labs,
    one_of_each,
    open_lab,
    watched,
)

pytestmark = pytest.mark.browser

LABS = labs()
MAGNET = next((place for place in LABS if place.kind == "IsingLab"), None)


@pytest.fixture(scope="module", params=one_of_each(), ids=str)
def place(request):
    return request.param


@pytest.fixture(scope="module")
def opened(place, addresses, context):
    lab = open_lab(context, addresses["file"], place, running="false")
    yield lab
    lab.page.close()


@pytest.fixture
def lab(opened):
    """A lab of a page, paused, on a bright screen; its settings are those that the last test left."""
    if opened.page.viewport_size != DESKTOP:
        opened.resize(**DESKTOP)
    in_theme(opened, "light")
    opened.reset()
    return opened


def in_theme(lab, scheme):
    lab.page.emulate_media(color_scheme=scheme)
    lab.page.wait_for_function(f"document.documentElement.dataset.theme === '{scheme}'")


@pytest.fixture
def magnet(addresses, context):
    """An IsingLab, paused, small and quick."""
    settings = {"size": 64, "temperature": 2.27, "seed": 1, "speed": 10000}
    opened = open_lab(context, addresses["file"], MAGNET, running="false", **settings)
    yield opened
    opened.page.close()


def test_there_are_labs():
    assert MAGNET is not None


# ---- The same spins as in the notebook.


@pytest.fixture(scope="module", params=[33, 64])
def sized(request, addresses, context):
    opened = open_lab(
        context, addresses["file"], MAGNET, running="false", size=request.param, speed=10000, seed=0
    )
    yield request.param, opened
    opened.page.close()


def run_of(size, n_sweeps, temperature, algorithm, *, field=0.0, initial="random", seed=1):
    return ising.simulate(
        (size, size),
        1.0 / temperature,
        n_sweeps,
        algorithm=algorithm,
        engine="plain",
        field=field,
        initial=initial,
        rng=seed,
    )


RUNS = [
    ("heat-bath", 2.27, 0.0, "random", 1),
    ("heat-bath", 1.5, -0.3, "up", 2**53 - 1),
    ("metropolis", 2.27, 0.0, "random", 0),
    ("metropolis", 3.0, 1.25, "up", 7),
    ("wolff", 2.27, 0.0, "random", 3),
    ("wolff", 4.0, 0.0, "up", 4),
    ("swendsen-wang", 2.27, 0.0, "random", 5),
    ("swendsen-wang", 0.7, 0.0, "up", 6),
]


@pytest.mark.parametrize(("algorithm", "temperature", "field", "initial", "seed"), RUNS)
def test_the_page_and_numba_show_the_same_spins(sized, algorithm, temperature, field, initial, seed):
    size, lab = sized
    lab.choose("Algorithm", algorithm)
    lab.type("Temperature T", temperature)
    lab.type("Field h", field)
    lab.choose("Start from", initial)
    lab.type("Seed", seed)
    lab.button("Reset").click()
    settings = {"field": field, "initial": initial, "seed": seed}
    for n_sweeps in range(4):
        trace = run_of(size, max(n_sweeps, 1), temperature, algorithm, **settings)
        shown = lab.readouts()
        assert shown["sweeps"] == n_sweeps
        if n_sweeps:
            np.testing.assert_array_equal(lab.spins(), trace.spins)
            assert shown["m"] == pytest.approx(trace.magnetization[-1], abs=0.5001e-4)
            assert shown["E / N"] == pytest.approx(trace.energy[-1], abs=0.5001e-4)
        lab.button("Step").click()


@pytest.mark.parametrize("algorithm", ["heat-bath", "metropolis", "wolff", "swendsen-wang"])
def test_the_spins_are_the_same_after_running_freely(magnet, algorithm):
    magnet.choose("Algorithm", algorithm)
    magnet.button("Reset").click()
    magnet.run_for(400)
    n_sweeps = int(magnet.readouts()["sweeps"])
    assert n_sweeps > 10
    np.testing.assert_array_equal(magnet.spins(), run_of(64, n_sweeps, 2.27, algorithm).spins)


def test_another_seed_shows_other_spins(magnet):
    magnet.button("Step").click()
    assert (magnet.spins() != run_of(64, 1, 2.27, "heat-bath", seed=2).spins).any()


# ---- The magnet answers the hand.


@pytest.fixture
def ordered(addresses, browser):
    """An IsingLab of 64 x 64 spins up, on a screen that can be touched; its brush paints them down."""
    context = browser.new_context(viewport=DESKTOP, has_touch=True)
    settings = {"size": 64, "initial": "up", "temperature": 2.27, "field": 0}
    lab = open_lab(context, addresses["file"], MAGNET, running="false", **settings)
    lab.choose("Brush paints", "-1")
    lab.root.locator("canvas").scroll_into_view_if_needed()
    yield lab
    context.close()


def on_canvas(lab, u, v):
    """Return where on the screen the point (u, v) of the canvas is, each from 0 to 1."""
    box = lab.root.locator("canvas").bounding_box()
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def reach(spins, row, column):
    """Return how many spins are down, and how far from a place the farthest of them is."""
    down = np.argwhere(spins == -1)
    return len(down), np.hypot(*(down - (row, column)).T).max(initial=0.0)


def test_a_click_paints_a_disc(ordered):
    assert (ordered.spins() == 1).all()
    ordered.page.mouse.click(*on_canvas(ordered, 0.25, 0.75))
    painted, radius = reach(ordered.spins(), 48, 16)
    assert painted > 10
    assert radius < 5
    assert ordered.readouts()["m"] == pytest.approx(1 - 2 * painted / 64**2, abs=0.5001e-4)


def test_the_mouse_draws_a_line(ordered):
    mouse = ordered.page.mouse
    mouse.move(*on_canvas(ordered, 0.25, 0.5))
    mouse.down()
    mouse.move(*on_canvas(ordered, 0.75, 0.5))
    mouse.up()
    mouse.move(*on_canvas(ordered, 0.75, 0.9))
    spins = ordered.spins()
    assert (spins[32, 16:48] == -1).all()
    assert (spins[40:] == 1).all()


def test_a_finger_paints_and_does_not_scroll(ordered):
    page = ordered.page
    finger = page.context.new_cdp_session(page)
    before = page.evaluate("scrollY")
    for kind, v in (("touchStart", 0.25), ("touchMove", 0.5), ("touchMove", 0.75), ("touchEnd", None)):
        x, y = on_canvas(ordered, 0.5, v or 0)
        points = [] if v is None else [{"x": x, "y": y}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert (ordered.spins()[16:48, 32] == -1).all()
    assert page.evaluate("scrollY") == before


def test_arrow_keys_and_space_paint(ordered):
    """The brush starts in the middle; six steps of a twenty-fourth are a quarter of the canvas."""
    canvas = ordered.root.locator("canvas")
    canvas.focus()
    for key in ["ArrowLeft"] * 6 + ["ArrowDown"] * 6:
        canvas.press(key)
    brush_is_drawn = "?" in ordered.root.evaluate(PIXELS)
    canvas.press(" ")
    canvas.press("Tab")
    painted, radius = reach(ordered.spins(), 48, 16)
    assert brush_is_drawn
    assert painted > 10
    assert radius < 5


def test_a_running_magnet_can_be_painted(ordered):
    """At the lowest temperature a stripe around the torus stays."""
    ordered.type("Temperature T", 0.5)
    ordered.start()
    mouse = ordered.page.mouse
    mouse.move(*on_canvas(ordered, 0.001, 0.5))
    mouse.down()
    mouse.move(*on_canvas(ordered, 0.999, 0.5))
    mouse.up()
    ordered.page.wait_for_timeout(300)
    ordered.pause()
    assert ordered.readouts()["sweeps"] > 0
    assert ordered.readouts()["m"] < 0.97


def test_a_field_and_clusters_exclude_each_other_aloud(magnet):
    magnet.type("Field h", 0.5)
    magnet.choose("Algorithm", "wolff")
    assert magnet.field("Field h").input_value() == "0"
    assert "field" in magnet.status
    magnet.type("Field h", 0.5)
    assert magnet.root.get_by_label("Algorithm").input_value() == "heat-bath"
    assert "cluster" in magnet.status


@pytest.mark.parametrize("origin", ["file", "http"])
def test_the_link_leads_back_to_the_settings(addresses, context, origin):
    settings = {"size": 32, "temperature": 1.73, "field": 0.3, "seed": 12, "initial": "up"}
    lab = open_lab(context, addresses[origin], MAGNET, running="false", **settings)
    lab.button("Copy link").click()
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    link = re.search(r"(file|http)://\S+", lab.status)[0]
    lab.page.goto("about:blank")
    lab.page.goto(link, wait_until="commit")
    again = Lab(lab.page, MAGNET.name)
    again.button("Step").click()
    trace = run_of(32, 1, 1.73, "heat-bath", field=0.3, initial="up", seed=12)
    np.testing.assert_array_equal(again.spins(), trace.spins)
    lab.page.close()


def test_a_link_beyond_the_limits_is_kept_within_them_aloud(addresses, context):
    settings = {"size": 10000, "temperature": "nan", "algorithm": "foo", "nonsense": 1, "toString": 1}
    lab = open_lab(context, addresses["file"], MAGNET, running="false", **settings)
    assert all(
        word in lab.status for word in ("size", "temperature", "algorithm foo", "nonsense", "toString")
    )
    assert lab.spins().shape == (512, 512)
    assert lab.field("Temperature T").input_value() not in ("", "NaN")
    lab.button("Step").click()
    assert lab.readouts()["sweeps"] == 1
    lab.page.close()


@pytest.mark.parametrize(
    ("query", "size"), [("size=33.4", 33), ("size=-5", 8), ("size=1e999", None), ("size=", None)]
)
def test_a_link_gives_whole_numbers_where_they_are_needed(addresses, context, query, size):
    name, value = query.split("=")
    lab = open_lab(context, addresses["file"], MAGNET, running="false", **{name: value})
    side = len(lab.spins())
    assert side == size or (size is None and "number" in lab.status)
    lab.page.close()


def test_the_spins_follow_the_theme(magnet):
    colours = set()
    for scheme in ("light", "dark"):
        in_theme(magnet, scheme)
        magnet.spins()
        colours.add(magnet.root.locator("canvas").evaluate("e => e.toDataURL()"))
    assert len(colours) == 2


# How many frames a page has in so many milliseconds; a lab that runs draws in each.
FRAMES = """milliseconds => new Promise(resolve => {
    let [frames, end] = [0, performance.now() + milliseconds];
    const tick = now => now < end ? requestAnimationFrame(tick, frames += 1) : resolve(frames);
    requestAnimationFrame(tick);
})"""


def test_the_magnet_is_quick(addresses, context, record_property):
    """Only a broken build misses the floor; what a calm machine reaches is printed."""
    lab = open_lab(
        context, addresses["file"], MAGNET, running="true", size=256, speed=10000, algorithm="heat-bath"
    )
    pace = {"frames": lab.page.evaluate(FRAMES, 2500) / 2.5, "sweeps": lab.readouts()["sweeps a second"]}
    lab.page.close()
    for name, value in pace.items():
        record_property(name, value)
    print(f"256 x 256, heat bath: {pace}")
    assert pace["frames"] > 3
    assert pace["sweeps"] > 50


# ---- Amplifier and mean field.

CIRCUIT = next((place for place in LABS if place.kind == "AmplifierLab as amplifier"), None)
BALL = next((place for place in LABS if place.kind == "MeanFieldLab"), None)
TRAIL = "root => root.querySelector('.lab-chart:first-child .lab-line.measured').getAttribute('d')"


def test_an_amplifier_below_one_shows_no_hysteresis(addresses, context):
    """Its trail there and back is nearly one curve, though at a gain of 10 the output is slow."""
    lab = open_lab(context, addresses["file"], CIRCUIT, running="false", loop_gain=0.9, speed=100)
    lab.root.scroll_into_view_if_needed()
    lab.press("Sweep input")
    lab.button("Sweep input").wait_for(timeout=120_000)
    x, y = np.array(re.findall(r"[ML]([\d.]+) ([\d.]+)", lab.root.evaluate(TRAIL)), dtype=float).T
    top, bottom = x.argmax(), x.argmin()
    down, up = slice(top, bottom), slice(bottom, None)
    places = np.linspace(x.min() + 1, x[-1] - 1, 400)
    gap = np.interp(places, x[up], y[up]) - np.interp(places, x[down][::-1], y[down][::-1])
    lab.page.close()
    assert bottom > top
    print(f"the widest gap: {gap.max():.1f} of 142 pixels")
    assert gap.max() < 8


def test_an_input_typed_during_a_sweep_is_obeyed(addresses, context):
    """A hand on the input ends the sweep that moves it."""
    lab = open_lab(context, addresses["file"], CIRCUIT, running="false", loop_gain=0.5, speed=20)
    lab.root.scroll_into_view_if_needed()
    lab.press("Sweep input")
    lab.button("Stop sweep").wait_for()
    lab.field("Input voltage").focus()
    lab.button("Sweep input").wait_for(timeout=5_000)  # the sweep itself would take some 28 s
    lab.type("Input voltage", 0.02)
    lab.type("Response times a second", 100)
    lab.run_for(1000)
    assert lab.readouts()["input"] == 0.02
    assert lab.readouts()["output"] == pytest.approx(0.03996, abs=2e-4)
    lab.page.close()


def test_a_loop_gain_of_one_has_no_thresholds(addresses, context):
    lab = open_lab(context, addresses["file"], CIRCUIT, running="false", loop_gain=1)
    guides = lab.root.locator(".lab-chart").first.locator(".lab-line.guide")
    drawn = "nodes => nodes.map(e => e.getAttribute('d')).join('')"
    assert guides.evaluate_all(drawn) == ""
    lab.type("Loop gain", 1.5)
    assert guides.evaluate_all(drawn) != ""
    lab.page.close()


def test_a_sweep_turns_beyond_the_spinodal_of_the_temperature_now(addresses, context):
    lab = open_lab(context, addresses["file"], BALL, running="false", temperature=2, field=0, speed=100)
    lab.root.scroll_into_view_if_needed()
    lab.press("Sweep field")
    lab.type("Temperature T", 0.2)
    field = lab.field("Field h").element_handle()
    lab.page.wait_for_function("e => e.value > 0.8", arg=field, timeout=60_000)
    lab.page.wait_for_function("e => e.value < -0.8", arg=field, timeout=60_000)
    lab.page.close()


# ---- What holds for labs of every kind.

COLOURS = """
    const blot = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const solid = (colour, ground = [255, 255, 255]) => {
        blot.fillStyle = `rgb(${ground})`;
        blot.fillRect(0, 0, 1, 1);
        blot.fillStyle = colour;
        blot.fillRect(0, 0, 1, 1);
        return [...blot.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const style = e => getComputedStyle(e);
    const ground = e => e ? solid(style(e).backgroundColor, ground(e.parentElement)) : [255, 255, 255];
    const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    const light = rgb => {
        const [r, g, b] = rgb.map(c => linear(c / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (e, property) => {
        const under = ground(e);
        const two = [under, solid(style(e)[property], under)].map(light);
        return (Math.max(...two) + 0.05) / (Math.min(...two) + 0.05);
    };
"""

# Text with less contrast than 4.5, and lines, dots and borders of controls with less than 3.
FAINT = f"""root => {{ {COLOURS}
    const all = kind => [...root.querySelectorAll(kind)].filter(e => e.checkVisibility());
    const writes = e => [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const hidden = e => e.ariaHidden === "true";
    const text = [...all("*").filter(e => writes(e) && !hidden(e)), ...all("input[type=number], select")];
    const drawn = all(".lab-line, .lab-dot").filter(e => style(e).visibility === "visible");
    const ratios = [
        ...text.map(e => [e, contrast(e, e.namespaceURI.endsWith("svg") ? "fill" : "color") / 4.5]),
        ...drawn.map(e => [e, Math.max(...["fill", "stroke"].map(kind => contrast(e, kind))) / 3]),
        ...all("button, input[type=number], select").map(e => [e, contrast(e, "borderTopColor") / 3]),
    ];
    return ratios.filter(([, ratio]) => !(ratio >= 1))
        .map(([e, ratio]) => [e.tagName, e.getAttribute("class"), e.textContent, ratio.toFixed(2)].join(" "));
}}"""

NAMELESS = """root => [...root.querySelectorAll("input, select, button")]
    .filter(e => !(e.ariaLabel ?? e.labels[0]?.textContent ?? e.textContent).trim()).map(e => e.outerHTML)"""

# Sliders that do not show their value in a field beside them.
SPEECHLESS = """root => [...root.querySelectorAll("input[type=range]")].filter(e => {
    const [told, shown] = [e.ariaValueText, e.parentElement.querySelector("[type=number]").value];
    return !(Math.abs(told.replace("\u2212", "-") - shown) <= 5e-4);
}).map(e => e.ariaLabel)"""

SMALL = """root => [...root.querySelectorAll("input, select, button")]
    .filter(e => e.checkVisibility()).map(e => [e.outerHTML, e.getBoundingClientRect()])
    .filter(([, box]) => box.height < 24 || box.width < 24 || box.left < 0 || box.right > innerWidth)
    .map(([text, {width, height}]) => `${text}: ${width} x ${height}`)"""


def test_every_control_has_a_name_and_shows_its_value(lab):
    assert lab.root.evaluate(NAMELESS) == []
    assert lab.root.evaluate(SPEECHLESS) == []


def test_every_figure_says_what_it_shows(lab):
    told = lab.root.evaluate(
        "root => [...root.querySelectorAll('canvas:not([aria-hidden]), .lab-chart')]"
        ".map(e => [e.role, e.ariaLabel ?? ''])"
    )
    assert {role for role, _ in told} <= {"application", "group", "img"}
    assert all(len(words) > 30 for _, words in told), told
    assert len({words for _, words in told}) == len(told) > 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_lab_stands_out_from_its_ground(lab, scheme):
    in_theme(lab, scheme)
    lab.button("Copy link").click()
    assert lab.root.evaluate(FAINT) == []


def test_faint_text_is_seen(magnet):
    colour = "color-mix(in srgb, currentColor 50%, #fff)"
    magnet.root.locator("label").first.evaluate("(e, colour) => { e.style.color = colour; }", colour)
    assert len(magnet.root.evaluate(FAINT)) == 1


def test_a_phone_shows_controls_that_a_finger_hits(lab):
    lab.resize(**PHONE)
    assert lab.root.evaluate(SMALL) == []
    assert lab.root.evaluate(TOO_WIDE) == []


TYPED = {"99": 99.0, "-1": -1.0, "0": 0.0, "1e300": 1e300, "-1e300": -1e300, "": None, "x": None}


# The value of a field, and what its lab has said since it was last asked.
KEPT = """e => {
    const status = e.closest("[data-lab]").querySelector(".lab-status"), said = status.innerText.trim();
    status.replaceChildren();
    return [e.value, said];
}"""


def test_typed_numbers_are_kept_within_their_limits_aloud(lab):
    lab.hush()
    for field in lab.root.get_by_role("spinbutton").all():
        *limits, first = field.evaluate("e => [e.min, e.max, e.value]")
        (low, high), kept = map(float, limits), float(first)
        for typed, given in TYPED.items():
            field.fill(typed.strip("x"))
            if typed == "x":
                field.press_sequentially(typed)
            field.press("Enter")
            kept = kept if given is None else min(max(given, low), high)
            value, said = field.evaluate(KEPT)
            assert float(value) == kept
            assert (said != "") == (kept != given)
        field.fill(first)  # at another value a field further on may be gone
        field.press("Enter")


ORDER = """root => [...root.querySelectorAll("a[href], input, select, button, summary, [tabindex='0']")]
    .filter(e => e.checkVisibility() && !e.disabled).map((e, k) => (e.dataset.order = k))"""

# What has the focus: its place in the lab, and whether the line around it is wide and clear.
FOCUSED = f"""() => {{ {COLOURS}
    const e = document.activeElement;
    const {{outlineStyle, outlineWidth}} = style(e);
    const wide = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    return [Number(e.dataset.order ?? -1), wide && contrast(e, "outlineColor") >= 3];
}}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_tab_walks_through_a_lab_and_out_of_it(lab, scheme):
    in_theme(lab, scheme)
    order = lab.root.evaluate(ORDER)
    keyboard = lab.page.keyboard
    lab.root.locator("[data-order='0']").focus()
    keyboard.press("Shift+Tab")
    assert lab.page.evaluate(FOCUSED)[0] == -1
    for place in order:
        keyboard.press("Tab")
        assert lab.page.evaluate(FOCUSED) == [place, True]
    keyboard.press("Tab")
    assert lab.page.evaluate(FOCUSED)[0] == -1


def test_keys_move_sliders_fields_and_menus(lab):
    for control in lab.root.locator("input:visible, select:visible").element_handles():
        if not control.is_visible():  # since another one was moved
            continue
        before = control.input_value()
        control.press("ArrowUp")
        if control.input_value() == before:
            control.press("ArrowDown")
        assert control.input_value() != before, control.evaluate("e => e.outerHTML")


def test_keys_press_buttons_and_move_what_is_drawn(lab):
    for key in (" ", "Enter"):
        before = lab.snapshot()
        lab.button("Step").press(key)
        assert lab.snapshot() != before
    for drawn in lab.root.locator("[tabindex='0']").all():
        before = lab.snapshot()
        drawn.press("ArrowLeft")
        drawn.press(" ")
        assert lab.snapshot() != before


SCROLL_AWAY = """root => {
    const middle = scrollY + root.getBoundingClientRect().top;
    const end = document.body.scrollHeight;
    scrollTo({top: middle > end / 2 ? 0 : end, behavior: "instant"});
}"""


def test_a_lab_rests_while_nobody_sees_it(lab):
    lab.start()
    lab.root.evaluate(SCROLL_AWAY)
    assert lab.rests()
    before = lab.snapshot()
    lab.root.scroll_into_view_if_needed()
    assert lab.moves(before)


def test_a_reader_who_asks_for_less_motion_starts_a_lab_by_hand(addresses, browser):
    """On the first page; `tests/test_pages.py` opens every chapter so."""
    context = browser.new_context(viewport=DESKTOP, reduced_motion="reduce")
    place = LABS[0]
    lab = open_lab(context, addresses["file"], place)
    assert place.running
    assert not lab.running
    assert "motion" in lab.status
    before = lab.snapshot()
    lab.page.wait_for_timeout(200)
    assert lab.snapshot() == before
    lab.button("Start").click()
    assert lab.moves(before)
    context.close()


def test_only_what_all_labs_share_knows_of_webassembly():
    """So that what one page says without it, all say."""
    runtime, *scripts = _modules.HERE / "runtime", *_modules.HERE.glob("*.js")
    naming = {path.name for path in [*scripts, *runtime.glob("*.js")] if "WebAssembly" in path.read_text()}
    assert naming == {"lab.js", "kernels.js"}
    kinds = [path for path in scripts if path.stem.endswith("_lab")]
    assert len(kinds) > 10
    assert all("export default lab(" in path.read_text() for path in kinds)


@pytest.mark.parametrize("name", [LABS[0].page, MAGNET.page] if LABS else [])
def test_a_lab_says_when_webassembly_is_missing(addresses, browser, name):
    context = browser.new_context(viewport=DESKTOP)
    context.add_init_script("delete globalThis.WebAssembly")
    visit = Visit(name)
    page = watched(context, addresses["file"], visit)
    page.goto(addresses["file"] + name, wait_until="commit")
    for place in LABS:
        if place.page == name:
            page.locator(f"[data-lab={place.name}]", has_text="needs WebAssembly").wait_for()
    context.close()
    assert visit.troubles == []
