"""DescentLab from Python and on a page: the same steps, theory beside them, and what is said of both."""

import math
import re

import numpy as np
import pytest

from smbook.theory import descent as theory
from smbook.widgets import DescentLab
from smbook.widgets.descent_lab import OPTIMIZERS, Race

CASES = {
    "edge": {},
    "orbit": {"rate": 1.1, "start_x": 1.6, "start_y": 0.5, "optimizers": "gradient-descent"},
    "away": {"rate": 0.5, "start_x": 3.0, "optimizers": "heavy-ball", "momentum": 0.5},
    "bowl": {"landscape": "bowl", "condition": 37.5, "rate": 0.03, "start_y": -2.0, "temperature": 0.25},
    "wells": {
        "landscape": "double-well",
        "start_x": 0.0,
        "temperature": 0.5,
        "optimizers": "adam",
        "seed": 9,
    },
}
of_each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


# From Python


@of_each
def test_a_run_goes_on_from_a_shorter_one(case):
    lab = DescentLab(**case)
    short, long = lab.simulate(3), lab.simulate(40)
    for one, other in zip(short, long, strict=True):
        np.testing.assert_array_equal(one, other[:4])
    assert long == lab.simulate(40) != short
    assert (long.x[0] == lab.start_x).all()
    assert (long.y[0] == lab.start_y).all()
    assert long.loss.shape == (41, 3)


def test_long_runs_are_parted_without_a_trace(monkeypatch):
    lab = DescentLab(landscape="bowl", temperature=0.5)
    whole = lab.simulate(100)
    monkeypatch.setattr("smbook.widgets.descent_lab._STEPS_PER_CALL", 7)
    assert lab.simulate(100) == whole


def test_gradient_descent_is_that_of_theory():
    lab = DescentLab(rate=0.2, start_x=3.5, start_y=0.1)
    race, path = lab.simulate(2000), theory.product_path(3.5, 0.1, 0.2, 2000)
    assert (race.x[-1, 0], race.y[-1, 0]) == pytest.approx((path.x[-1], path.y[-1]), abs=1e-6)
    sharpness = theory.product_hessian_eigenvalues(race.x[:, 0], race.y[:, 0]).high
    np.testing.assert_allclose(race.relative_rate[:, 0], 0.2 * sharpness / 2, rtol=1e-12)
    np.testing.assert_allclose(race.relative_rate[0, 1], 0.2 * sharpness[0] / 3.8, rtol=1e-12)
    assert race.relative_rate[-1, 0] < 1 < lab.flow_sharpness * 0.2 / 2


def test_where_the_flow_ends():
    lab = DescentLab(start_x=3.5, start_y=0.1)
    exact = theory.product_flow_minimum(3.5, 0.1)
    assert (*lab.flow_end, lab.flow_sharpness) == pytest.approx(tuple(exact), rel=1e-12)
    assert DescentLab(landscape="double-well", start_x=-0.1).flow_end == (-2.0, 0.0)
    assert DescentLab(landscape="bowl", condition=30.0).flow_sharpness == pytest.approx(30.0)


def test_a_race_tells_where_all_are():
    race = DescentLab(**CASES["away"]).simulate(60)
    assert repr(race).startswith("Race(60 steps: gradient-descent runs away, heavy-ball ")
    assert isinstance(race, Race)
    assert len(OPTIMIZERS) == race.x.shape[1]
    assert np.isnan(race.relative_rate[0, 2])


@pytest.mark.parametrize(
    ("n_steps", "error", "words"),
    [
        (-1, ValueError, "n_steps must be at least 0; got -1"),
        (2.5, TypeError, "n_steps must be an integer; got 2.5"),
        (True, TypeError, "n_steps must be an integer; got True"),
    ],
)
def test_a_bad_number_of_steps_is_refused(n_steps, error, words):
    with pytest.raises(error, match=words):
        DescentLab().simulate(n_steps)


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(DescentLab(**({"running": False} | given)))


def told(lab):
    return lab.page.evaluate("() => ({...saved, _kernels: 0, _esm: 0, _css: 0})")


def setting(lab, *names):
    return [lab.page.evaluate("name => model.get(name)", name) for name in names]


def lead(python):
    return 0 if python.optimizers == "all" else OPTIMIZERS.index(python.optimizers)


def check_run(lab, python, n_steps):
    """Compare the page with the last point of so many steps, to the last bit, and with what is read out."""
    race, said, k = python.simulate(n_steps), told(lab), lead(python)
    assert said["steps"] == n_steps
    for name in ("x", "y", "loss", "relative_rate"):
        value = float(getattr(race, name)[-1, k])
        assert said[name] == (value if math.isfinite(value) else None)
    readouts = lab.readouts()
    assert readouts["steps"] == n_steps
    if said["x"] is not None and abs(said["x"]) < 1e4:
        assert readouts["x"] == pytest.approx(said["x"], abs=0.501e-4)
        assert readouts["loss"] == pytest.approx(said["loss"], rel=6e-3, abs=1e-99)
        assert readouts["sharpness"] == pytest.approx(said["sharpness"], abs=0.501e-4)


@pytest.mark.browser
@of_each
def test_the_page_and_numba_make_the_same_steps(shown, case):
    python, lab = DescentLab(**case), shown(**case)
    for n_steps in range(4):
        check_run(lab, python, n_steps)
        lab.press("Step")


@pytest.mark.browser
@of_each
def test_it_is_the_same_run_after_running_freely(shown, case):
    python, lab = DescentLab(**case), shown(**case, speed=1000.0)
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 200")
    lab.pause()
    check_run(lab, python, int(lab.readouts()["steps"]))


@pytest.mark.browser
def test_sharpness_and_levels_are_those_of_theory(shown):
    lab = shown(rate=1.1, start_x=1.6, start_y=0.5, optimizers="gradient-descent", speed=1000.0)
    said = told(lab)
    assert said["sharpness"] == pytest.approx(theory.product_hessian_eigenvalues(1.6, 0.5).high, rel=1e-12)
    orbit = theory.period_two_orbit(1.1)
    assert said["expected_loss"] == pytest.approx(orbit.mean_loss, rel=1e-12)
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 600")
    lab.pause()
    said = told(lab)
    assert said["mean_loss"] == pytest.approx(orbit.mean_loss, rel=1e-3)
    assert min(abs(said["x"] - orbit.high), abs(said["x"] - orbit.low)) < 1e-5
    assert lab.root.locator(".lab-description").inner_text() == "Gradient descent jumps between two points."


@pytest.mark.browser
def test_a_mean_loss_in_a_bowl_comes_with_its_error(shown):
    given = {"landscape": "bowl", "rate": 0.05, "temperature": 0.3, "start_x": 0.5, "speed": 1000.0}
    lab = shown(**given, optimizers="heavy-ball")
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 3000", timeout=60_000)
    lab.pause()
    said = told(lab)
    assert said["mean_loss_error"] < 0.3 * said["mean_loss"]
    assert abs(said["mean_loss"] - said["expected_loss"]) < 5 * said["mean_loss_error"]


WORDS = {
    "Flat enough": r"Gradient descent has settled, at a sharpness of 4\.38\.",
    "Edge of stability": r"Gradient descent has settled, at a sharpness of 6\.45\.",
    "Period two": r"Gradient descent jumps between two points\.",
    "Runs away": r"Gradient descent ran away by step \d+\.",
    "On the ridge": r"Gradient descent rests on the saddle; heavy ball .*; Adam .*",
    "Ridge with noise": r"Gradient descent moves with the noise\.",
    "Narrow bowl": r"Gradient descent .*; heavy ball .*; Adam .*",
}


@pytest.mark.browser
@pytest.mark.parametrize("name", WORDS)
def test_presets_do_what_they_are_called(shown, name):
    lab = shown(speed=1000.0)
    lab.press(name)
    assert lab.running
    words = lab.root.locator(".lab-description").filter(has_text=re.compile(f"^{WORDS[name]}$"))
    words.wait_for(timeout=20_000)
    if name == "Runs away":
        assert told(lab)["x"] is None
        assert lab.readouts()["x"] is None


@pytest.mark.browser
def test_a_ridge_is_left_with_noise_alone(shown):
    lab = shown(landscape="double-well", start_x=0.0, start_y=3.0, rate=0.1, speed=1000.0)
    for temperature, low, high in ((0.0, 0.0, 0.0), (0.02, 1.0, 3.0)):
        lab.type("Temperature T", temperature)
        lab.press("Reset")
        lab.start()
        lab.page.wait_for_function("window.saved?.steps > 500")
        lab.pause()
        assert low <= abs(told(lab)["x"]) <= high


# The picture


def on_picture(lab, x, y):
    """Return where on the screen a point of the landscape is."""
    box = lab.root.locator(".lab-chart").first.bounding_box()
    u = (40 + (x + 4) / 8 * (360 - 40 - 12)) / 360
    v = (34 + (4 - y) / 8 * (386 - 34 - 44)) / 386
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


@pytest.mark.browser
def test_the_mouse_drags_the_start_and_all_begin_there(shown):
    lab = shown()
    lab.root.scroll_into_view_if_needed()
    lab.press("Step")
    mouse = lab.page.mouse
    mouse.move(*on_picture(lab, 3.5, 0.1))
    mouse.down()
    mouse.move(*on_picture(lab, 2.0, 1.0))
    mouse.move(*on_picture(lab, 1.0, 2.0))
    mouse.up()
    mouse.move(*on_picture(lab, -3.0, -3.0))
    x, y = setting(lab, "start_x", "start_y")
    assert (x, y) == pytest.approx((1.0, 2.0), abs=0.03)
    check_run(lab, DescentLab(start_x=x, start_y=y), 0)
    mouse.click(*on_picture(lab, -2.0, -1.0))
    assert setting(lab, "start_x", "start_y") == pytest.approx([-2.0, -1.0], abs=0.03)


@pytest.mark.browser
def test_a_finger_drags_the_start_and_elsewhere_scrolls(alone):
    lab = alone(DescentLab(running=False), viewport={"width": 400, "height": 700}, has_touch=True)
    page = lab.page
    finger = page.context.new_cdp_session(page)

    def glide(*points):
        kinds = "touchStart", "touchMove", "touchMove", "touchEnd"
        for kind, point in zip(kinds, [*points, None], strict=True):
            touches = [] if point is None else [dict(zip("xy", on_picture(lab, *point), strict=True))]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    glide((3.5, 0.1), (3.0, 1.0), (2.0, 3.0))
    assert setting(lab, "start_x", "start_y") == pytest.approx([2.0, 3.0], abs=0.04)
    assert page.evaluate("scrollY") == 0
    page.touchscreen.tap(*on_picture(lab, -1.0, -2.0))
    page.wait_for_function("model.get('start_x') < 0")
    before = setting(lab, "start_x", "start_y")
    glide((3.0, -3.0), (3.0, -1.0), (3.0, 2.0))
    page.wait_for_function("scrollY > 0")
    assert setting(lab, "start_x", "start_y") == before


@pytest.mark.browser
def test_keys_move_the_start(shown):
    lab = shown()
    start = lab.root.get_by_role("slider", name="Start: x and y where all begin; arrow keys move it")
    for key, x, y in (
        ("ArrowRight", 3.55, 0.1),
        ("ArrowUp", 3.55, 0.15),
        ("ArrowLeft", 3.5, 0.15),
        ("ArrowDown", 3.5, 0.1),
        ("PageUp", 3.5, 0.6),
        ("PageDown", 3.5, 0.1),
        ("End", 4.0, 0.1),
        ("ArrowRight", 4.0, 0.1),
        ("Home", 3.5, 0.1),
    ):
        start.press(key)
        assert setting(lab, "start_x", "start_y") == [x, y]
    assert start.get_attribute("aria-valuetext") == "x 3.5, y 0.1"


PATHS = """root => Object.fromEntries(["measured", "heavy", "adam"].map(kind =>
    [kind, root.querySelector(`.lab-landscape .lab-line.${kind}`).getAttribute("d")]))"""


@pytest.mark.browser
def test_paths_are_where_the_optimizers_were(shown):
    lab = shown(rate=0.1, start_x=2.0, start_y=2.5, momentum=0.5)
    for _ in range(5):
        lab.press("Step")
    race = DescentLab(rate=0.1, start_x=2.0, start_y=2.5, momentum=0.5).simulate(5)
    paths = lab.root.evaluate(PATHS)
    for k, kind in enumerate(("measured", "heavy", "adam")):
        drawn = np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", paths[kind]), dtype=float)
        x, y = (drawn[:, 0] - 40) / 308 * 8 - 4, 4 - (drawn[:, 1] - 34) / 308 * 8
        np.testing.assert_allclose(x, np.clip(race.x[: len(x), k], -100, 100), atol=3e-3)
        np.testing.assert_allclose(y, np.clip(race.y[: len(y), k], -100, 100), atol=3e-3)


MINIMA = """root => ["average", "lost"].map(kind =>
    root.querySelector(`.lab-landscape .lab-line.${kind}`).getAttribute("d"))"""


@pytest.mark.browser
def test_the_curve_of_minima_is_parted_at_the_edge(shown):
    """What holds lies within x^2 + y^2 < 2 / eta, and all is on x y = 1; from eta = 1 on nothing holds."""
    lab = shown(rate=0.2)
    for rate, holds in ((0.2, True), (0.5, True), (1.1, False)):
        lab.type("Learning rate η", rate)
        held, lost = (
            np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path), dtype=float)
            for path in lab.root.evaluate(MINIMA)
        )
        assert (len(held) > 0) == holds
        for drawn, sign in ((held, 1), (lost, -1)):
            if not len(drawn):
                continue
            x, y = (drawn[:, 0] - 40) / 308 * 8 - 4, 4 - (drawn[:, 1] - 34) / 308 * 8
            np.testing.assert_allclose(x * y, 1, atol=0.012)
            assert (sign * (x**2 + y**2) < sign * 2 / rate + 0.05).all()


@pytest.mark.browser
def test_what_has_no_power_or_nothing_to_say_is_hidden(shown):
    lab = shown()
    legend = lab.root.locator(".lab-legend")
    assert not lab.field("Condition number").is_visible()
    assert not lab.field("Seed").is_visible()
    assert lab.field("Momentum β").is_visible()
    assert legend.get_by_text("heavy ball", exact=True).is_visible()
    lab.choose("Optimizers", "gradient-descent")
    assert not lab.field("Momentum β").is_visible()
    assert not legend.get_by_text("heavy ball", exact=True).is_visible()
    assert not legend.get_by_text("orbit of period two").is_visible()
    lab.type("Learning rate η", 1.1)
    assert legend.get_by_text("orbit of period two").is_visible()
    lab.choose("Landscape", "bowl")
    assert lab.field("Condition number").is_visible()
    lab.type("Temperature T", 0.1)
    assert lab.field("Seed").is_visible()


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    given = {"landscape": "bowl", "optimizers": "adam", "rate": 0.034, "condition": 12.0, "seed": 3}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert again.get_state(list(given)) == given


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 320])
def test_nothing_scrolls_sideways_on_a_narrow_page(alone, width):
    lab = alone(DescentLab(running=False), viewport={"width": width, "height": 800})
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= width
