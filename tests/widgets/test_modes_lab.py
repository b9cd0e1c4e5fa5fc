"""ModesLab: runs on the sigmoids of the theory, a start that has to align, and a page that does the same."""

import numpy as np
import pytest

from smbook.dynamics import train_linear
from smbook.kernels import linear_network as kernels
from smbook.kernels.rng import seed_state
from smbook.theory.dynamics import mode_strength
from smbook.widgets.modes_lab import ModesLab, ModesRun

MODES = ("what all share", "animal or plant", "canary or robin", "oak or rose")
NAMES = ("first", "second", "third", "fourth")

# From Python


def test_the_modes_are_orthonormal_and_name_what_they_tell_apart():
    modes = ModesLab(third=0.1).modes
    np.testing.assert_allclose(modes.left.T @ modes.right, np.eye(4), atol=1e-15)
    assert modes.strengths.tolist() == [2.0, 1.2, 0.1, 0.5]
    canary, robin, oak, rose = modes.left
    assert np.ptp(modes.left[:, 0]) == 0
    assert canary[1] == robin[1] == -oak[1] == -rose[1]
    assert canary[2] == -robin[2] != 0
    assert oak[3] == -rose[3] != 0


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_run_lies_on_its_sigmoids_up_to_the_step_size(depth):
    errors = []
    for rate in (0.004, 0.002):
        lab = ModesLab(depth=depth, initial=0.02, rate=rate)
        run = lab.simulate(round(8 / rate))
        errors.append(np.abs(run.strengths - lab.theory(run.time)).max())
        np.testing.assert_allclose(run.loss, ((lab.singular_values - run.strengths) ** 2).sum(axis=1) / 2)
        assert run.outside.max() < 1e-12
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] < 0.02


@pytest.mark.parametrize("start", ["aligned", "random"])
@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_run_is_that_of_the_simulator(start, depth):
    """On the same first weights `train_linear` notes the same strengths, to the last bits."""
    lab = ModesLab(start=start, depth=depth, initial=0.1, seed=7, fourth=0.0)
    run = lab.simulate(200)
    weights = first_weights(lab)
    left, right = lab.modes[1:]
    target = (left * lab.singular_values) @ right.T
    other = train_linear(weights, target, rate=lab.rate, n_steps=200)
    np.testing.assert_allclose(run.loss, other.losses, rtol=1e-10)
    np.testing.assert_allclose(run.time, other.times)
    np.testing.assert_allclose(run.strengths[:, :3], other.strengths[:, :3], atol=1e-9)


def first_weights(lab):
    """The weights that the lab begins with, from the kernels' own rule."""
    widths = np.array([4, *[8] * (lab.depth - 1), 4])
    theta = np.empty((widths[1:] * widths[:-1]).sum())
    if lab.start == "random":
        kernels.fill_random(widths, lab.initial, seed_state(lab.seed), theta)
    else:
        kernels.fill_aligned(widths, lab.initial, lab.modes.left, lab.modes.right, theta)
    parts = np.split(theta, np.cumsum(widths[1:] * widths[:-1])[:-1])
    return [part.reshape(n, -1) for part, n in zip(parts, widths[1:], strict=True)]


def test_two_layers_align_before_they_learn_from_a_small_random_start():
    """From a tenth on within 10 % of s at 0.001, 3 % at 1e-5, on ten seeds; and what is outside goes away."""
    for initial, allowed in ((1e-3, 0.1), (1e-5, 0.03)):
        for seed in range(10):
            lab = ModesLab(start="random", initial=initial, seed=seed, rate=0.01)
            run = lab.simulate(4000)
            for k, s in enumerate(lab.singular_values):
                first = np.argmax(run.strengths[:, k] > s / 10)
                later = mode_strength(run.time[first:] - run.time[first], s, run.strengths[first, k])
                assert np.abs(run.strengths[first:, k] - later).max() < allowed * s
            assert run.outside[0] > 0.1
            assert run.outside[-1] < 1e-6


def test_the_largest_rate_is_where_the_strongest_mode_still_settles():
    for depth in (1, 2, 3, 4):
        edge = ModesLab(depth=depth).largest_rate
        assert edge == pytest.approx(2 / (depth * 2 ** (2 - 2 / depth)))
        for factor, settles in ((0.95, True), (1.05, False)):
            if factor * edge > 1:
                continue
            end = ModesLab(depth=depth, rate=factor * edge, initial=0.5).simulate(5000)
            assert (abs(end.strengths[-1, 0] - 2) < 1e-6) == settles


def test_a_run_goes_on_from_a_shorter_one_and_may_run_away():
    lab = ModesLab(start="random", depth=3, seed=3)
    short, long = lab.simulate(5), lab.simulate(80)
    assert (long.strengths[:6] == short.strengths).all()
    assert long == lab.simulate(80) != short
    assert long != ModesLab(start="random", depth=3, seed=4).simulate(80)
    assert repr(lab.simulate(0)).startswith("ModesRun(0 steps, loss ")
    lost = ModesLab(depth=4, rate=1.0, initial=1.0).simulate(60)
    assert lost.diverged
    assert np.isnan(lost.strengths[-1]).all()
    assert np.isnan(lost.outside[-1])
    assert np.isfinite(lost.time).all()
    assert repr(lost) == "ModesRun(60 steps, has run away)"
    assert isinstance(lost, ModesRun)


@pytest.mark.parametrize(("count", "error"), [(-1, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_a_bad_number_of_steps_is_refused(count, error):
    with pytest.raises(error, match="n_steps must be"):
        ModesLab().simulate(count)


def test_bad_times_are_refused():
    with pytest.raises(ValueError, match=r"time must be at least 0 and at most 1e\+100; got -1"):
        ModesLab().theory([-1.0])
    with pytest.raises(TypeError, match="time must hold real numbers"):
        ModesLab().theory("now")


# In a page

READ = ["steps", "time", "loss", "outside", *(f"{name}_strength" for name in NAMES)]
READ += ["start", "depth", "initial", "rate", "running", "seed"]


@pytest.fixture
def shown(alone):
    """Open the page of a lab, in a narrower window."""
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1100}, **options)


def told(lab):
    """What the page reports to Python, to the last bit."""
    return lab.page.evaluate(f"() => Object.fromEntries({READ}.map(name => [name, window.saved[name]]))")


def described(lab, words):
    """Wait until the page says something of that kind, and return the longer text."""
    lab.root.locator(".lab-description", has_text=words).wait_for()
    return lab.root.locator(".lab-unseen").evaluate("e => e.textContent")


@pytest.mark.browser
@pytest.mark.parametrize(("start", "depth"), [("aligned", 2), ("random", 3), ("random", 1)])
def test_the_page_runs_what_simulate_returns(shown, start, depth):
    lab = ModesLab(start=start, depth=depth, seed=2**53 - 1, speed=300, running=False)
    page = shown(lab)
    page.run_for(700)
    after = told(page)
    assert after["steps"] > 10
    run = lab.simulate(after["steps"])
    assert after["loss"] == run.loss[-1]
    assert after["time"] == run.time[-1]
    assert after["outside"] == run.outside[-1]
    assert [after[f"{name}_strength"] for name in NAMES] == run.strengths[-1].tolist()
    page.press("Reset")
    assert told(page)["steps"] == 0
    page.press("Step")
    assert told(page)["loss"] == lab.simulate(1).loss[1]


def curve(page, name):
    """The points of a line of theory on the page, in its axes."""
    d = page.root.locator(f".lab-chart .lab-line.mode-{name}").get_attribute("d")
    return np.array([pair.split() for pair in d.replace("M", "L").split("L")[1:]], dtype=float)


def marks(page, name):
    d = page.root.locator(f".lab-chart .lab-mark.mode-{name}").get_attribute("d")
    return np.array([pair.split("m")[0].split() for pair in d.split("M")[1:]], dtype=float)


@pytest.mark.browser
@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_lines_are_those_of_theory_and_marks_lie_on_them(shown, depth):
    """Within a fifth of a pixel for the lines, and within the step size for the marks."""
    lab = ModesLab(depth=depth, initial=0.01, rate=0.002, speed=20_000)
    page = shown(lab)
    page.page.wait_for_function("window.saved.running === false", timeout=30_000)
    texts = page.root.locator(".lab-chart").first.locator(".lab-axes text[y='274']").all_text_contents()
    end = max(map(float, texts))
    assert end <= told(page)["time"] < 2 * end
    assert described(page, "all modes are learned")
    for k, name in enumerate(NAMES):
        line, points = curve(page, name), marks(page, name)
        assert len(line) == 241
        left, right = line[0, 0], line[-1, 0]
        times = (line[:, 0] - left) / (right - left) * end
        strengths = lab.theory(times)[:, k]
        bottom = line[0, 1]
        scale = (bottom - line[-1, 1]) / (strengths[-1] - strengths[0])
        np.testing.assert_allclose(bottom - line[:, 1], scale * (strengths - strengths[0]), atol=0.2)
        heights = np.interp(points[:, 0], line[:, 0], line[:, 1])
        assert np.abs(points[:, 1] - heights).max() < 4
        assert len(points) > 15


@pytest.mark.browser
def test_from_a_random_start_lines_begin_later(shown):
    page = shown(ModesLab(start="random", initial=1e-4, speed=600, running=False))
    assert all(curve(page, name).size == 0 for name in NAMES)
    assert "have to align themselves first" in described(page, "nothing is aligned")
    page.run_for(2500)
    begins = [curve(page, name)[0, 0] for name in NAMES[:2]]
    assert begins[0] < begins[1]
    page.choose("Start", "aligned")
    assert told(page)["steps"] == 0
    assert all(len(curve(page, name)) == 241 for name in NAMES)


@pytest.mark.browser
def test_words_follow_the_state(shown):
    page = shown(ModesLab(speed=200, running=False))
    assert "aligned to the modes" in described(page, "all modes are equally strong")
    page.run_for(400)
    long = described(page, "still waiting")
    assert "2 layers of weights" in long
    assert "settles at up to 0.5)" in long
    page.type("Layers of weights D", 4)
    page.type("Learning rate \u03b7", 1)
    page.type("Initial strength a\u2080", 1)
    for _ in range(12):
        page.press("Step")
    long = described(page, "ran away by step")
    assert "no longer numbers" in long
    assert "lines of theory" not in long
    assert told(page)["loss"] is None
    page.press("Start")  # begins anew
    page.page.wait_for_function("window.saved.running === false", timeout=10_000)


@pytest.mark.browser
def test_words_say_that_a_mode_does_not_settle_where_a_run_ends_and_that_there_is_nothing_to_learn(shown):
    page = shown(ModesLab(rate=0.52, speed=20_000))
    page.page.wait_for_function("window.saved.running === false", timeout=10_000)
    long = described(page, "settles only at rates up to 0.5. The run ends here.")
    words = page.root.locator(".lab-description").inner_text()
    assert ("not settled" in words) != ("too strong" in words)
    assert "being learned" not in words
    assert "do not stay on the lines" in long
    for sign, mode in zip("\u2081\u2082\u2083\u2084", MODES, strict=True):
        page.type(f"s{sign}: {mode}", 0)
    long = described(page, "nothing to learn")
    assert "Infinity" not in long
    assert "Infinity" not in page.root.inner_text()


@pytest.mark.browser
def test_more_settings_are_there_only_where_there_are_any(shown):
    page = shown(ModesLab(running=False))
    assert page.root.locator("summary").is_hidden()
    page.choose("Start", "random")
    assert page.root.locator("summary").is_visible()


@pytest.mark.browser
def test_presets_show_what_they_say(shown):
    page = shown(ModesLab(running=False))
    for name, setting in (
        ("No plateaus", {"depth": 1}),
        ("Four layers", {"depth": 4}),
        ("A large start", {"initial": 0.3}),
        ("A random start", {"start": "random"}),
        ("Too large a rate", {"rate": 0.52}),
        ("One after another", {"depth": 2, "initial": 0.001, "start": "aligned", "rate": 0.02}),
    ):
        page.root.locator("button", has_text=name).click()
        after = told(page)
        assert setting.items() <= after.items()
        assert after["running"]


@pytest.mark.browser
def test_the_answers_can_be_read_cell_by_cell(shown):
    page = shown(ModesLab(initial=1.0, running=False))
    matrix = page.root.locator("canvas[role=application]")
    matrix.focus()
    page.page.keyboard.press("ArrowRight")
    words = page.root.locator(".lab-told").inner_text()
    assert words.startswith("Shown the canary, how far it answers as for the robin: ")
    assert float(words.split(": ")[1].replace("\u2212", "-")) == pytest.approx(0, abs=1e-6)
    page.press("Reset")
    assert page.root.locator(".lab-told").inner_text() == ""


@pytest.mark.browser
def test_nothing_sticks_out_on_a_narrow_page(alone):
    page = alone(ModesLab(running=False), viewport={"width": 320, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(shown):
    page = shown(ModesLab(), reduced_motion="reduce")
    assert not page.running
    assert "Paused" in page.status
