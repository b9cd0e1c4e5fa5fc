"""MaxEntLab from Python and on a page: beside theory, the same runs, and what a reader does with it."""

import itertools
import math
import re

import numpy as np
import pytest

from smbook.theory import inference as theory
from smbook.widgets import MaxEntLab
from smbook.widgets.max_ent_lab import BURN_IN

CASES = {
    "jaynes": {},
    "fair": {"mean": 3.5, "dice": 7},
    "spin": {"system": "spin", "mean": 0.6, "view": "rolls", "dice": 20},
    "oscillator": {"system": "oscillator", "states": 20, "mean": 2.0, "view": "rolls", "seed": 5},
    "two dice": {"view": "rolls", "dice": 2},
    "own": {"view": "own", "mean": 4.5},
    "own oscillator": {"view": "own", "system": "oscillator", "states": 9, "mean": 1.0},
    "beyond": {"mean": 20.0, "states": 4},
}
of_each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


# From Python


@of_each
def test_the_maximum_is_that_of_theory(case):
    lab = MaxEntLab(**case)
    found = lab.maximum
    exact = theory.maximum_entropy([lab.levels], [found.mean])
    assert found.multiplier == pytest.approx(exact.multipliers[0], rel=1e-9, abs=1e-12)
    assert found.entropy == pytest.approx(exact.entropy, rel=1e-10)
    assert found.log_partition == pytest.approx(exact.log_partition, rel=1e-10)
    np.testing.assert_allclose(found.probabilities, exact.probabilities, rtol=1e-9)
    assert found == lab.maximum
    if "mean" in case and case["mean"] < 10 and case.get("view") != "rolls":
        assert found.mean == case["mean"]


def test_a_mean_beyond_the_levels_is_the_nearest_one():
    assert MaxEntLab(mean=20.0).maximum.mean == pytest.approx(5.95)
    assert MaxEntLab(mean=-1.0).maximum.mean == pytest.approx(1.05)
    assert MaxEntLab(system="spin", mean=4.5).maximum.mean == pytest.approx(0.98)


def test_a_spin_is_the_logistic_unit():
    for field in (-2.0, -0.3, 0.0, 1.1):
        lab = MaxEntLab(system="spin", mean=math.tanh(field))
        assert -lab.maximum.multiplier == pytest.approx(field, abs=1e-12)
        assert lab.maximum.probabilities[1] == pytest.approx(1 / (1 + math.exp(-2 * field)))
        assert lab.maximum.log_partition == pytest.approx(math.log(2 * math.cosh(field)))


@pytest.mark.parametrize(("dice", "mean"), [(2, 4.5), (3, 4.5), (4, 2.0), (5, 5.0)])
def test_few_dice_beside_all_sequences(dice, mean):
    lab = MaxEntLab(view="rolls", dice=dice, mean=mean)
    sequences = [s for s in itertools.product(range(6), repeat=dice) if sum(s) == lab.total]
    firsts = np.bincount([s[0] for s in sequences], minlength=6)
    np.testing.assert_allclose(lab.exact_shares, firsts / len(sequences), atol=1e-13)
    assert lab.log_number == pytest.approx(math.log(len(sequences)))
    assert lab.maximum.mean == pytest.approx(1 + lab.total / dice)
    assert lab.log_number / dice < lab.maximum.entropy


def test_the_sampler_beside_the_exact_shares():
    """At |z| < 4 over 12 seeds; Boltzmann's weights, wrong for 3 dice, are caught."""
    lab = MaxEntLab(view="rolls", dice=3)
    shares = []
    for seed in range(12):
        lab.seed = seed
        shares.append(lab.simulate(4000).shares)
    error = np.std(shares, axis=0, ddof=1) / math.sqrt(12) + 1e-12  # no three dice with a one have 14
    assert (np.abs(np.mean(shares, axis=0) - lab.exact_shares) < 4 * error).all()
    assert (np.abs(np.mean(shares, axis=0) - lab.maximum.probabilities) / error).max() > 10


@of_each
def test_a_run_goes_on_from_a_shorter_one(case):
    lab = MaxEntLab(**case)
    short, long = lab.simulate(3), lab.simulate(40)
    np.testing.assert_array_equal(short.rows, long.rows[:4])
    assert long == lab.simulate(40) != short
    assert long.shares.sum() == pytest.approx(1)
    if lab.view != "own":
        assert (long.rows[1:].sum(axis=1) == lab.dice).all()
    if lab.view == "rolls":
        assert (long.rows @ np.arange(lab.levels.size) == lab.total).all()
        np.testing.assert_allclose(long.shares, long.rows[BURN_IN + 1 :].mean(axis=0) / lab.dice)
        np.testing.assert_allclose(short.shares, short.rows[-1] / lab.dice)


def test_long_runs_are_parted_without_a_trace(monkeypatch):
    for view in ("maximum", "rolls"):
        lab = MaxEntLab(view=view)
        whole = lab.simulate(50)
        monkeypatch.setattr("smbook.widgets.max_ent_lab._STEPS_PER_CALL", 7)
        assert lab.simulate(50) == whole
        monkeypatch.undo()


def test_ones_own_has_less_entropy_by_the_relative_entropy():
    rng = np.random.default_rng(2)
    lab = MaxEntLab(view="own")
    for p in (lab.own, *rng.dirichlet(np.ones(6), size=5)):
        lab.own = p
        np.testing.assert_allclose(lab.own, p, rtol=1e-9)
        assert lab.mean == pytest.approx(lab.levels @ p)
        best = lab.maximum
        lacking = best.entropy - theory.entropy(p)
        assert lacking == pytest.approx(theory.relative_entropy(p, best.probabilities), abs=1e-12)
        assert lacking > 0.01
        lab.mean = 3.0
        assert lab.own @ lab.levels == pytest.approx(3.0)


def test_collisions_end_at_the_maximum():
    lab = MaxEntLab(view="own")
    run = lab.simulate(300)
    entropies = theory.entropy(run.rows)
    assert (np.diff(entropies) > -1e-14).all()
    np.testing.assert_allclose(run.shares, lab.maximum.probabilities, atol=1e-6)
    np.testing.assert_allclose(run.rows @ lab.levels, 4.5, atol=1e-12)


@pytest.mark.parametrize(
    ("own", "error", "words"),
    [
        ([0.5, 0.5], ValueError, "own must hold 6 probabilities above 0 with the sum 1"),
        ([0.2] * 6, ValueError, "sum 1"),
        ([0.5, 0.5, 0, 0, 0, 0], ValueError, "above 0"),
        ([math.nan] * 6, ValueError, "own must be finite; got nan"),
        (["a"] * 6, TypeError, "own must hold real numbers"),
        ([1 - 5e-6] + [1e-6] * 5, ValueError, "own must have a mean that is not next to an end"),
    ],
)
def test_what_is_no_distribution_is_refused(own, error, words):
    lab = MaxEntLab()
    before = lab.own, lab.mean
    with pytest.raises(error, match=words):
        lab.own = own
    assert lab.mean == before[1]
    np.testing.assert_array_equal(lab.own, before[0])


@pytest.mark.parametrize("n_steps", [-1, 2.5, True, "3"])
def test_a_bad_number_of_steps_is_refused(n_steps):
    with pytest.raises((TypeError, ValueError), match="n_steps must be"):
        MaxEntLab().simulate(n_steps)


def test_records_tell_what_they_hold():
    assert repr(MaxEntLab().simulate(5)) == "MaxEntRun(5 steps of 6 states)"
    assert repr(MaxEntLab(mean=3.5).maximum).startswith("Maximum(6 states, mean 3.5, multiplier ")
    assert MaxEntLab().maximum != MaxEntLab(mean=3.0).maximum


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(MaxEntLab(**({"running": False} | given)))


def told(lab):
    return lab.page.evaluate("() => ({...saved, _kernels: 0, _esm: 0, _css: 0})")


def setting(lab, name):
    return lab.page.evaluate("name => model.get(name)", name)


HEIGHTS = """root => [...root.querySelectorAll(".lab-boxes")].map(e => e.getAttribute("d"))"""


def heights(lab, top):
    """Read the heights of the bars that are drawn, theory first, on an axis from 0 to top."""
    found = []
    for path in lab.root.evaluate(HEIGHTS):
        v = np.array(re.findall(r"V([\d.]+)H", path or ""), dtype=float)
        found.append((246 - v) / (246 - 34) * top)
    return found


def check_run(lab, python, n_steps):
    said, run, best = told(lab), python.simulate(n_steps), python.maximum
    assert said["steps"] == n_steps
    assert (said["entropy"], said["multiplier"]) == (best.entropy, best.multiplier)
    assert said["log_partition"] == best.log_partition
    if python.view == "own":
        lacking = best.entropy - theory.entropy(run.shares)
        assert said["relative_entropy"] == pytest.approx(lacking, abs=1e-11)
        assert said["own_entropy"] == pytest.approx(theory.entropy(run.shares), abs=1e-12)
        assert said["slope"] is said["log_sequences"] is None
    else:
        counted = run.shares > 0
        x, q = python.levels[counted], run.shares[counted]
        if counted.sum() > 1:
            slope = np.polyfit(x, np.log(q), 1, w=np.sqrt(q))[0]
            assert said["slope"] == pytest.approx(slope, rel=1e-7, abs=1e-9)
        assert said["own_entropy"] is said["relative_entropy"] is None
    if python.view == "rolls":
        assert said["log_sequences"] == pytest.approx(python.log_number, rel=1e-12)


@pytest.mark.browser
@of_each
def test_the_page_and_numba_do_the_same(shown, case):
    python, lab = MaxEntLab(**case), shown(**case)
    for n_steps in range(3):
        check_run(lab, python, n_steps)
        lab.press("Step")


@pytest.mark.browser
@pytest.mark.parametrize("name", ["jaynes", "spin", "two dice", "own oscillator"])
def test_it_is_the_same_run_after_running_freely(shown, name):
    case = CASES[name]
    python, lab = MaxEntLab(**case), shown(**case, speed=1000.0)
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 100")
    lab.pause()
    check_run(lab, python, int(told(lab)["steps"]))


AXIS = """root => Math.max(...[...root.querySelector(".lab-axes").querySelectorAll("text")]
    .filter(e => e.getAttribute("text-anchor") === "end").map(e => Number(e.textContent)))"""


@pytest.mark.browser
@pytest.mark.parametrize("case", ["jaynes", "two dice", "own"])
def test_bars_are_as_high_as_what_python_says(shown, case):
    python, lab = MaxEntLab(**CASES[case]), shown(**CASES[case])
    for _ in range(30):
        lab.press("Step")
    exact, measured = heights(lab, lab.root.evaluate(AXIS))
    run = python.simulate(30)
    if case == "jaynes":
        np.testing.assert_allclose(exact, python.maximum.probabilities, atol=2e-4)
        assert measured.size == 0
    else:
        np.testing.assert_allclose(measured, run.shares, atol=2e-4)


@pytest.mark.browser
def test_presets_do_what_they_are_called(shown):
    lab = shown(speed=1000.0)
    for name, multiplier, words in (
        ("Jaynes’ die 4.5", -0.3710, "1.45 times as likely as the one below"),
        ("Nearly certain", None, "times as likely as the one below"),
        ("A spin in a field", -math.atanh(0.6), "4 times as likely as the one below"),
        ("An oscillator", None, "times as likely as the one above"),
        ("Fair die", 0.0, "All states are equally likely"),
    ):
        lab.press(name)
        assert lab.running
        lab.page.wait_for_function("window.saved?.steps > 5")
        assert words in lab.root.locator(".lab-description").inner_text()
        if multiplier is not None:
            assert told(lab)["multiplier"] == pytest.approx(multiplier, abs=1e-4)
        lab.pause()


@pytest.mark.browser
def test_a_mean_keeps_its_place_in_another_system(shown):
    lab = shown()
    lab.choose("System", "spin")
    assert setting(lab, "mean") == pytest.approx(0.4, abs=1e-3)
    assert not lab.field("States").is_visible()
    assert lab.readouts()["field h"] == pytest.approx(math.atanh(0.4), abs=1e-3)
    lab.choose("System", "oscillator")
    assert setting(lab, "mean") == pytest.approx(0.4, abs=1e-3)
    lab.choose("System", "die")
    assert 1 < setting(lab, "mean") < 1.5
    lab.type("Mean", 99)
    assert setting(lab, "mean") == pytest.approx(5.95)
    assert "kept between" in lab.status
    lab.type("States", 4)
    assert setting(lab, "mean") <= 4


@pytest.mark.browser
def test_what_has_no_power_is_hidden(shown):
    lab = shown()
    tray, legends = lab.root.locator(".lab-tray"), lab.root.locator(".lab-legend")
    for view, dice in (("maximum", True), ("own", False), ("rolls", True)):
        lab.choose("View", view)
        for name in ("Dice N", "Seed"):
            assert lab.field(name).is_visible() == dice
        assert tray.is_visible() == (view == "rolls")
        assert [legends.nth(k).is_visible() for k in range(3)].count(True) == 1
    assert lab.root.locator("dt", has_text="sweeps").is_visible()
    assert not lab.root.locator("dt", has_text="throws").is_visible()


@pytest.mark.browser
def test_a_logarithmic_scale_makes_a_straight_line(shown):
    lab = shown()
    lab.choose("Scale of bars", "logarithmic")
    exact, _ = heights(lab, 1.0)
    np.testing.assert_allclose(np.diff(exact, 2), 0, atol=1e-3)
    assert np.diff(exact).min() > 0.05
    straight = lab.root.locator(".lab-chart").first.locator(".lab-line.guide").get_attribute("d")
    assert straight.count("L") == 5


# What a reader draws


def on_bars(lab, i, p, top, n=6):
    """Return where on the screen a probability of state i is."""
    box = lab.root.locator(".lab-chart").first.bounding_box()
    u = (52 + (i + 0.6) / (n - 0.4 + 0.6) * (360 - 52 - 12)) / 360
    v = (34 + (1 - p / top) * (290 - 34 - 44)) / 290
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


def own(lab):
    return np.array(
        lab.page.evaluate("""() => {
        const view = model.get("_own");
        return Array.from({length: view.byteLength / 8}, (_, i) => view.getFloat64(8 * i, true));
    }""")
    )


@pytest.mark.browser
def test_the_mouse_drags_a_bar_and_the_mean_stays(shown):
    lab = shown(view="own")
    lab.root.scroll_into_view_if_needed()
    top = lab.root.evaluate(AXIS)
    mouse = lab.page.mouse
    mouse.move(*on_bars(lab, 5, 0.1, top))
    mouse.down()
    mouse.move(*on_bars(lab, 5, 0.2, top))
    mouse.move(*on_bars(lab, 5, 0.3, top))
    mouse.up()
    mouse.move(*on_bars(lab, 2, 0.5, top))
    p = own(lab)
    assert p[5] == pytest.approx(0.3, abs=0.003)
    assert p @ np.arange(1, 7) == pytest.approx(4.5)
    assert p.sum() == pytest.approx(1)
    said = told(lab)
    assert said["own_entropy"] == pytest.approx(theory.entropy(p), abs=1e-9)
    python = MaxEntLab(view="own")
    python.set_state({"_own": p.tobytes()})
    lab.press("Step")
    check_run(lab, python, 1)
    lab.press("Reset")
    check_run(lab, python, 0)
    lab.press("Step")
    check_run(lab, python, 1)
    lab.press("Narrow one")
    check_run(lab, MaxEntLab(view="own"), 0)


@pytest.mark.browser
def test_keys_drag_a_bar(shown):
    lab = shown(view="own")
    bar = lab.root.get_by_role("slider", name="Probability of 6; arrow keys change it")
    before = MaxEntLab(view="own").own[5]
    for key, change in (("ArrowUp", 0.01), ("PageUp", 0.06), ("ArrowLeft", 0.05), ("PageDown", 0.0)):
        bar.press(key)
        assert own(lab)[5] == pytest.approx(before + change, abs=1e-9)
    assert bar.get_attribute("aria-valuetext") == f"probability {before:.3g}"
    bar.press("Home")
    assert own(lab)[5] < 0.01
    bar.press("End")
    assert own(lab)[5] > 0.6
    now, most = (float(bar.get_attribute(f"aria-value{name}")) for name in ("now", "max"))
    assert most == pytest.approx(0.7, abs=1e-4)  # the others cannot be below 1
    assert now == pytest.approx(most, abs=0.002)
    lab.type("Mean", 5.8)
    assert float(bar.get_attribute("aria-valuemin")) == pytest.approx(0.8)
    assert float(bar.get_attribute("aria-valuemax")) == pytest.approx(0.96)


@pytest.mark.browser
def test_a_finger_drags_a_bar_and_elsewhere_scrolls(alone):
    lab = alone(MaxEntLab(view="own", running=False), viewport={"width": 400, "height": 700}, has_touch=True)
    page = lab.page
    top = lab.root.evaluate(AXIS)
    finger = page.context.new_cdp_session(page)

    def glide(*points):
        kinds = "touchStart", "touchMove", "touchMove", "touchEnd"
        for kind, point in zip(kinds, [*points, None], strict=True):
            touches = [] if point is None else [dict(zip("xy", on_bars(lab, *point, top), strict=True))]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    share = MaxEntLab(view="own").own[5]
    glide((5, share), (5, 0.2), (5, 0.25))
    page.wait_for_function("model.get('_own').byteLength > 0")
    assert own(lab)[5] == pytest.approx(0.25, abs=0.01)
    assert page.evaluate("scrollY") == 0
    before = own(lab)
    glide((0, 0.1), (0, 0.4), (0, 0.9))
    page.wait_for_function("scrollY > 0")
    np.testing.assert_array_equal(own(lab), before)


@pytest.mark.browser
def test_keys_and_clicks_move_the_mean(shown):
    lab = shown()
    point = lab.root.get_by_role("slider", name="Mean: arrow keys move it")
    for key, mean in (
        ("ArrowRight", 4.55),
        ("PageDown", 4.05),
        ("ArrowLeft", 4.0),
        ("End", 5.95),
        ("ArrowUp", 5.95),
        ("Home", 1.05),
    ):
        point.press(key)
        assert setting(lab, "mean") == pytest.approx(mean, abs=1e-9)
    assert point.get_attribute("aria-valuetext").startswith("mean 1.05, entropy 0.2")
    box = lab.root.locator(".lab-chart").last.bounding_box()
    x = box["x"] + (44 + 0.5 * (360 - 44 - 12)) / 360 * box["width"]
    lab.page.mouse.click(x, box["y"] + 0.5 * box["height"])
    assert setting(lab, "mean") == pytest.approx(3.5, abs=0.03)


@pytest.mark.browser
def test_two_states_leave_nothing_to_choose(shown):
    lab = shown(view="own", system="spin", mean=0.3)
    assert "leave nothing to choose" in lab.root.locator(".lab-description").inner_text()
    assert lab.root.locator(".lab-handle").count() == 1
    assert told(lab)["relative_entropy"] == pytest.approx(0, abs=1e-12)


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    given = {"system": "oscillator", "states": 12, "mean": 3.25, "bars": "logarithmic", "seed": 3}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert again.get_state(list(given)) == given


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 320])
def test_nothing_scrolls_sideways_on_a_narrow_page(alone, width):
    lab = alone(MaxEntLab(view="rolls", running=False), viewport={"width": width, "height": 800})
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_a_copy_says_that_it_goes_without_what_was_drawn(shown):
    lab = shown(view="own")
    for words in ("Copied: MaxEntLab(", "Copied, without the distribution that you have drawn: MaxEntLab("):
        lab.press("Copy as Python")
        lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
        assert lab.status.startswith(words)
        lab.root.get_by_role("slider", name="Probability of 6; arrow keys change it").press("ArrowUp")


def words(lab):
    return lab.root.locator(".lab-description").inner_text()


@pytest.mark.browser
def test_the_sentence_tells_how_much_entropy_is_lacking(shown):
    lab = shown(view="own")
    bar = lab.root.get_by_role("slider", name="Probability of 6; arrow keys change it")
    for _ in range(2):
        lack = told(lab)["relative_entropy"]
        assert words(lab).startswith(f"Drag the bars. Yours has {lack:.3g} nats less entropy")
        bar.press("PageUp")
    lab.press("Step")
    assert words(lab).startswith(f"Yours has {told(lab)['relative_entropy']:.3g} nats less")


@pytest.mark.browser
def test_a_drag_pauses_says_so_and_another_view_goes_on(shown):
    lab = shown(view="own", running=True)
    bar = lab.root.get_by_role("slider", name="Probability of 6; arrow keys change it")
    bar.press("PageUp")
    assert not lab.running
    assert "Press Start" in lab.status
    bar.press("PageUp")
    assert "Press Start" in lab.status
    lab.choose("View", "rolls")
    assert lab.running
    assert lab.status == ""
    lab.pause()
    for view in ("own", "maximum"):
        lab.choose("View", view)
        assert not lab.running  # the reader's own pause stays
    lab.choose("View", "own")
    lab.start()
    lab.press("Reset")
    assert lab.running


@pytest.mark.browser
@pytest.mark.parametrize("view", ["maximum", "rolls"])
def test_the_multiplier_from_the_counts_has_the_sign_of_the_multiplier(shown, view):
    lab = shown(view=view)
    for _ in range(30):
        lab.press("Step")
    said = lab.readouts()
    assert said["\u03bb from the counts"] == pytest.approx(-told(lab)["slope"], abs=6e-5)
    assert said["\u03bb from the counts"] == pytest.approx(said["multiplier \u03bb"], abs=0.06)


@pytest.mark.browser
def test_labels_follow_system_and_view(shown):
    lab = shown()
    for system, many in (("die", "Dice"), ("spin", "Spins"), ("oscillator", "Oscillators")):
        lab.choose("System", system)
        assert lab.field(f"{many} N").is_visible()
    for view, steps in (("maximum", "Throws"), ("own", "Collisions"), ("rolls", "Sweeps")):
        lab.choose("View", view)
        assert lab.field(f"{steps} a second").is_visible()
        assert lab.root.locator("button", has_text="Narrow one").is_visible() == (view == "own")


@pytest.mark.browser
def test_presets_bring_their_dice(shown):
    lab = shown(view="rolls", dice=2)
    assert "So few dice" not in words(lab)
    lab.press("Step")
    assert "So few dice" in words(lab)
    lab.press("Jaynes\u2019 die 4.5")
    lab.page.wait_for_function("window.saved?.steps > 1")
    lab.pause()
    assert setting(lab, "dice") == 100
    assert "So many dice" in words(lab)


# Milliseconds that changes of a setting take, the median of some.
COST = """([name, values]) => {
    const took = values.map((value) => {
        const start = performance.now();
        model.set(name, value);
        return performance.now() - start;
    });
    return took.sort((a, b) => a - b)[took.length >> 1];
}"""


@pytest.mark.browser
def test_what_leaves_the_total_as_it_is_computes_it_once(shown):
    lab = shown(view="rolls", system="oscillator", states=20, mean=9.5, dice=1000)
    mean = lab.page.evaluate(COST, ["mean", [9.2 + 0.1 * k for k in range(9)]])
    seed = lab.page.evaluate(COST, ["seed", list(range(2, 11))])
    assert seed < 0.7 * mean, (seed, mean)
