"""CapacityLab: Cover's law and Gardner's margin met by its sets, and a page that counts the same."""

import math

import numpy as np
import pytest

from smbook.perceptron import is_separable, margin, random_dichotomy
from smbook.theory.perceptron import gardner_capacity, separable_probability
from smbook.widgets.capacity_lab import CapacityLab, PointSets, _gardner_curve, most_points
from tests.widgets.alone import FRAMES

# From Python


@pytest.mark.parametrize("n", [2, 3, 5, 10, 20, 50])
def test_the_law_is_that_of_theory_and_one_half_at_twice_as_many_points(n):
    law = CapacityLab(inputs=n).law
    assert law.shape == (4 * n,)
    np.testing.assert_array_equal(law, separable_probability(np.arange(1, 4 * n + 1), n))
    assert law[2 * n - 1] == 0.5
    assert (law[:n] == 1).all()


@pytest.mark.parametrize(("n", "count"), [(2, 4000), (3, 4000), (10, 2000), (50, 300)])
def test_sets_meet_the_exact_law_with_honest_errors(n, count):
    """On ten seeds: a share at 2N that is off by 1 in 100 is seen with 4000 sets each."""
    scores = []
    for seed in range(10):
        sets = CapacityLab(inputs=n, seed=seed).simulate(count if seed else 3)
        assert sets.n_sets == (count if seed else 3)
        if seed:
            share = (sets.separable[2 * n] - 0.5) / sets.separable_error[2 * n]
            scores.append((share, (sets.separated - 2 * n) / sets.separated_error))
    scores = np.array(scores)
    assert (np.abs(scores) < 4).all()
    assert (np.abs(scores.sum(axis=0)) / 3 < 4).all()
    assert (scores.std(axis=0) < 2).all()


def test_margins_are_those_of_other_sets_and_approach_gardner_from_above():
    """The shift of the mean margin at P = N is some .3 / N: above its error up to N = 20."""
    rng, above = np.random.default_rng(5), []
    for n, count in ((5, 4000), (20, 2000)):
        sets = CapacityLab(inputs=n).simulate(count)
        others = np.zeros((400, 2))
        for row in others:
            inputs, labels = random_dichotomy(3 * n // 2, n, rng=rng)
            if is_separable(inputs, labels):
                row[0] = margin(inputs, labels).value
            row[1] = margin(inputs[:n], labels[:n]).value
        for p, values in zip((3 * n // 2, n), others.T, strict=True):
            error = math.hypot(values.std() / 20, sets.margin_error[p])
            assert abs(sets.margin[p] - values.mean()) < 4 * error
        limit = _gardner_curve()["one"]
        above.append(sets.margin[n] - limit)
        assert above[-1] > 4 * sets.margin_error[n]
    assert above[1] < above[0] / 2


def test_a_run_goes_on_from_a_shorter_one():
    lab = CapacityLab(inputs=7, seed=3)
    short, long = lab.simulate(5), lab.simulate(80)
    assert short.n_sets == 5
    assert (short.failed <= long.failed).all()
    assert (short.margin_sums <= long.margin_sums).all()
    assert long == lab.simulate(80) != short
    assert long != CapacityLab(inputs=7, seed=4).simulate(80)


def test_a_record_derives_all_from_its_counts():
    failed = np.array([0, 0, 0, 1, 0, 3])
    sets = PointSets(2, failed, np.array([[0.0, 8, 6, 2, 1, 0], [0.0, 20, 12, 2, 1, 0]]))
    assert sets.n_sets == 4
    np.testing.assert_allclose(sets.separable, [1, 1, 1, 0.75, 0.75, 0])
    assert sets.separated == (2 + 3 * 4) / 4
    assert sets.separated_error == pytest.approx(np.std([2, 4, 4, 4], ddof=1) / 2)
    np.testing.assert_allclose(sets.margin[1:], [2, 1.5, 0.5, 0.25, 0])
    assert sets.margin_error[1] == pytest.approx(math.sqrt((20 - 4 * 4) / 3 / 4))
    assert (sets.separable_error[:3] == 0).all()
    assert (sets.separable_error[3:] > 0).all()
    assert repr(sets) == "PointSets(4 sets of points in 2 dimensions)"


def test_without_sets_there_is_nothing_to_tell():
    sets = CapacityLab(inputs=3).simulate(0)
    assert sets.n_sets == 0
    assert sets.failed.shape == (most_points(3) + 1,)
    assert math.isnan(sets.separated)
    assert math.isnan(sets.separated_error)
    for values in (sets.separable, sets.separable_error, sets.margin, sets.margin_error):
        assert np.isnan(values).all()


@pytest.mark.parametrize(("count", "error"), [(-1, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_a_bad_number_of_sets_is_refused(count, error):
    with pytest.raises(error, match="n_sets must be"):
        CapacityLab().simulate(count)


def test_gardners_curve_goes_along():
    curve = CapacityLab()._gardner
    loads = gardner_capacity(np.array(curve["margin"][:-1])).load
    np.testing.assert_allclose(curve["load"][:-1], loads, atol=2e-4)
    assert curve["one"] == pytest.approx(0.470655, abs=1e-6)


# In a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab, in a narrower window."""
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1100}, **options)


NUMBERS = ["points", "margin", "sets", "share", "share_error", "separated", "separated_error", "mean_margin"]
NUMBERS += ["mean_margin_error", "inputs", "speed", "running", "seed"]


def told(lab):
    """What the page reports to Python, to the last bit."""
    return lab.page.evaluate(f"() => Object.fromEntries({NUMBERS}.map(name => [name, window.saved[name]]))")


def described(lab, words):
    """Wait until the page says something of that kind, and return the longer text."""
    lab.root.locator(".lab-description", has_text=words).wait_for()
    return lab.root.locator(".lab-unseen").evaluate("e => e.textContent")


@pytest.mark.browser
@pytest.mark.parametrize(("n", "seed"), [(2, 1), (7, 2**53 - 1), (50, 3)])
def test_the_page_counts_the_sets_of_simulate(shown, n, seed):
    lab = CapacityLab(inputs=n, seed=seed, speed=1e6, running=False)
    page = shown(lab)
    page.run_for(700)
    after = told(page)
    sets = lab.simulate(after["sets"])
    assert after["sets"] > 10
    assert after["share"] == sets.separable[2 * n]
    assert after["share_error"] == pytest.approx(sets.separable_error[2 * n], rel=1e-12)
    assert after["separated"] == pytest.approx(sets.separated, rel=1e-12)
    assert after["separated_error"] == pytest.approx(sets.separated_error, rel=1e-9)
    assert after["mean_margin"] == sets.margin[n]
    assert after["mean_margin_error"] == pytest.approx(sets.margin_error[n], rel=1e-6)
    page.press("Reset")
    assert told(page)["sets"] == told(page)["points"] == 0
    assert told(page)["share"] is None


@pytest.mark.browser
def test_points_come_one_by_one_until_no_line_separates_them(shown):
    lab = CapacityLab(inputs=2, seed=5, running=False)
    page = shown(lab)
    margins = []
    while not margins or margins[-1] > 0:
        page.press("Step")
        now = told(page)
        margins.append(now["margin"])
        assert now["points"] == len(margins)
        signs = page.root.locator(".lab-dot:is(.plus, .minus):visible")
        assert signs.count() == len(margins) + 2  # two of them in the legend
        wedge = page.root.locator(".lab-chart .lab-region").get_attribute("d")
        assert bool(wedge) == (margins[-1] > 0)
    assert np.argmax(lab.simulate(1).failed) == len(margins)
    np.testing.assert_allclose(lab.simulate(1).margin_sums[0, 1 : len(margins) + 1], margins)
    assert "no longer separable" in described(page, f"Over: with point {len(margins)} no line through 0")
    page.press("Step")
    assert told(page)["points"] == 1


@pytest.mark.browser
def test_sizes_that_were_seen_stay_fainter_and_all_have_their_turn(shown):
    page = shown(CapacityLab(inputs=3, speed=1e5, running=False))
    page.run_for(200)
    page.press("N = 10")
    past = page.root.locator(".lab-chart:visible .lab-past .lab-line")
    assert told(page)["inputs"] == 10
    assert past.count() == 1
    assert page.root.locator(".lab-legend li", has_text="before: N = 3").is_visible()
    page.press("Reset")
    assert page.root.locator(".lab-legend li", has_text="before").is_hidden()
    page.button("All sizes, one after another").click()
    page.page.wait_for_function("window.saved.inputs === 3", timeout=20_000)
    page.page.wait_for_function("window.saved.inputs === 5", timeout=20_000)
    assert past.count() == 2
    page.type("Inputs N", 6)
    page.page.wait_for_timeout(2000)
    assert told(page)["inputs"] == 6  # a hand on it ends the tour


@pytest.mark.browser
def test_presets_begin_anew_and_leave_nothing_of_each_other(shown):
    page = shown(CapacityLab(inputs=22, view="margin", speed=1e6, running=False))
    page.run_for(400)
    page.button("All sizes, one after another").click()
    assert page.root.locator(".lab-legend li", has_text="before").is_hidden()  # no 22
    assert told(page)["inputs"] == 2
    assert page.root.locator("select").first.input_value() == "separable"
    page.type("Seed", 5)
    page.page.wait_for_function("window.saved.inputs === 3", timeout=20_000)  # goes on with another seed
    page.type("Inputs N", 2)
    page.button("Point by point in the plane").click()  # of N = 2 already
    assert told(page)["sets"] <= 1
    assert told(page)["points"] <= 2


@pytest.mark.browser
def test_only_sizes_that_were_measured_stay_and_no_more_than_can_be_told_apart(shown):
    page = shown(CapacityLab(inputs=3, speed=1e6, running=False))
    page.run_for(200)
    for n in (4, 5, 6):  # on the way, nothing is counted
        page.type("Inputs N", n)
    assert page.root.locator(".lab-legend li", has_text="before").inner_text() == "before: N = 3"
    line = page.root.locator(".lab-legend .lab-past .lab-line")
    assert line.get_attribute("visibility") == "visible"
    page.choose("Second chart", "margin")
    assert line.get_attribute("visibility") == "hidden"  # Gardner's curve is that of no size
    for n in (7, 8, 9, 10, 11, 12):
        page.run_for(200)
        page.type("Inputs N", n)
    assert (
        page.root.locator(".lab-legend li", has_text="before").inner_text() == "before: N = 7, 8, 9, 10, 11"
    )


@pytest.mark.browser
def test_the_scatter_of_a_few_sets_is_no_error(shown):
    page = shown(CapacityLab(inputs=2, view="margin", running=False))
    seen = set()
    while told_sets(page) < 7:
        page.press("Step")
        count = told_sets(page)
        bars = page.root.locator(".lab-chart:visible .lab-errors").get_attribute("d")
        assert bool(bars) == (count >= 5)
        seen.add(count)
    assert seen == set(range(8))


def told_sets(page):
    return page.page.evaluate("() => window.saved?.sets ?? 0")


@pytest.mark.browser
@pytest.mark.parametrize("view", ["separable", "margin"])
def test_each_view_shows_its_own(shown, view):
    page = shown(CapacityLab(inputs=20, view=view, speed=1e6, running=False))
    page.run_for(800)
    charts = page.root.locator(".lab-chart:visible")
    assert charts.count() == 2
    words = {"separable": "were separable with P = 2N = 40 points", "margin": "Gardner\u2019s"}
    label = charts.nth(1).get_attribute("aria-label")
    assert ("Gardner" in label) == (view == "margin")
    long = described(page, words[view].replace("\u2019", "'"))
    assert "where Cover's count says 50 %" in long
    assert "exactly it is 40" in long


@pytest.mark.browser
def test_fifty_inputs_leave_room_for_frames(shown):
    """Work is sliced: a frame with a hundred thousand points due takes no longer than any."""
    page = shown(CapacityLab(inputs=50, speed=1e6))
    page.page.wait_for_timeout(500)
    frames = np.array(page.page.evaluate(FRAMES, 1500))
    assert np.median(frames) < 60


@pytest.mark.browser
def test_nothing_sticks_out_on_a_narrow_page(alone):
    page = alone(CapacityLab(inputs=5, running=False), viewport={"width": 320, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(shown):
    page = shown(CapacityLab(), reduced_motion="reduce")
    assert not page.running
    assert "Paused" in page.status
