"""CommitteeLab: the page learns as Python does, bit for bit, and its lines are Saad and Solla's equations."""

import numpy as np
import pytest

from smbook.dynamics import committee_overlaps, specialize, train_committee
from smbook.kernels import committee as kernels
from smbook.kernels.rng import seed_state
from smbook.theory.dynamics import (
    committee_curve,
    committee_error,
    committee_largest_rate,
    committee_plateau,
    specialization,
)
from smbook.widgets import CommitteeLab
from smbook.widgets.committee_lab import CommitteeRun, _known_plateaus
from tests.widgets.alone import FRAMES

# From Python


def test_a_run_is_told_by_its_overlaps():
    lab = CommitteeLab(hidden=3, inputs=60, seed=4)
    run = lab.simulate(600, pushes=[300])
    assert isinstance(run, CommitteeRun)
    assert run.examples.tolist() == list(range(0, 601, 6))
    assert run.student.shape == run.cross.shape == (101, 3, 3)
    np.testing.assert_allclose(run.error, committee_error(run.student, run.cross, np.eye(3)), atol=1e-13)
    np.testing.assert_allclose(run.specialization, specialization(run.cross), atol=1e-13)
    assert run == lab.simulate(600, pushes=[300]) != lab.simulate(600)
    assert repr(run).startswith("CommitteeRun(3 units, 600 examples: error ")


def test_a_push_is_that_of_the_package_and_what_came_before_stays():
    lab = CommitteeLab(inputs=100, push=0.1)
    run, pushed = lab.simulate(400), lab.simulate(400, pushes=[200, 200])
    np.testing.assert_array_equal(pushed.cross[:20], run.cross[:20])
    np.testing.assert_allclose(pushed.cross[20] - run.cross[20], 0.2 * (np.eye(2) - 1 / 2), atol=1e-12)
    units = np.empty((4, 100))
    kernels.draw_committee(seed_state(1), 1, 1.0, units[:2])
    before = committee_overlaps(specialize(np.zeros((2, 100)), units[:2], 0.1), units[:2])
    np.testing.assert_allclose(before.cross, 0.1 * (np.eye(2) - 1 / 2), atol=1e-12)


@pytest.mark.parametrize("k", [2, 3, 5])
def test_a_symmetric_start_is_and_a_random_one_is_not(k):
    alike = CommitteeLab(hidden=k, start="symmetric").simulate(0)
    np.testing.assert_allclose(alike.cross[0], 0.05, atol=1e-14)
    np.testing.assert_allclose(alike.student[0], 0.25 * np.eye(k) + 0.0025 * k, atol=1e-14)
    assert alike.specialization[0] < 1e-14
    scores = np.array([CommitteeLab(hidden=k, seed=s).simulate(0).cross[0] for s in range(10)])
    scores = scores * np.sqrt(500) / 0.5
    assert (np.abs(scores) < 4).all()
    assert 0.5 < scores.std() < 1.5


def test_runs_of_the_page_follow_the_equations():
    """Ten seeds, to alpha = 8, where all are on the plateau: within four errors, which are some .005."""
    runs = [CommitteeLab(inputs=200, seed=s, start="symmetric").simulate(1600) for s in range(10)]
    found = np.array([[run.cross[-1].mean(), run.student[-1].trace() / 2] for run in runs])
    curve = committee_curve(
        8.0, rate=1.0, student=runs[0].student[0], cross=runs[0].cross[0], teacher=np.eye(2)
    )
    wanted = np.array([curve.cross.mean(), curve.student.trace() / 2])
    error = found.std(axis=0, ddof=1) / np.sqrt(10)
    assert (np.abs(found.mean(axis=0) - wanted) < 4 * error).all()


def test_the_plateau_is_that_of_theory():
    lab = CommitteeLab(hidden=3, rate=0.7)
    assert lab.plateau == pytest.approx(committee_plateau(3, rate=0.7), rel=1e-8)
    assert CommitteeLab(hidden=3, rate=2.5).plateau is None
    assert lab.largest_rate == committee_largest_rate(3)


@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_the_table_of_the_page_is_close_to_theory_between_its_rates(k):
    """Its slider stands where the table is exact; between, to 1 in 100 of what is largest."""
    table = _known_plateaus()
    rates, known = table["rates"], table[str(k)]
    assert known["largest"] == pytest.approx(committee_largest_rate(k), abs=1e-4)
    for i in range(0, len(known["error"]) - 1, 9):
        exact = committee_plateau(k, rate=rates[i])
        found = [known[name][i] for name in ("cross", "error", "escape")]
        assert found == pytest.approx([exact.cross, exact.error, exact.escape_rate], abs=1e-6)
        middle = (rates[i] + rates[i + 1]) / 2
        plateau = committee_plateau(k, rate=middle)
        for name, value in (("cross", plateau.cross), ("error", plateau.error)):
            assert np.mean(known[name][i : i + 2]) == pytest.approx(value, rel=0.02)
        assert np.mean(known["escape"][i : i + 2]) == pytest.approx(plateau.escape_rate, abs=3e-4)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda lab: lab.simulate(-1), ValueError, "n_examples must be at least 0; got -1"),
        (lambda lab: lab.simulate(1.0), TypeError, r"n_examples must be an integer; got 1\.0"),
        (lambda lab: lab.simulate(100, pushes=[7]), ValueError, "pushes must be multiples of 50; got 7"),
        (
            lambda lab: lab.simulate(100, pushes=[150]),
            ValueError,
            "each of pushes must be at most 100; got 150",
        ),
        (lambda lab: lab.simulate(100, pushes=["50"]), TypeError, "each of pushes must be an integer"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(CommitteeLab())


# In a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab, in a narrower window."""
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1300}, **options)


NUMBERS = ["examples", "pushes", "overlap", "specialized", "error", "expected_error"]
NUMBERS += ["hidden", "rate", "inputs", "start", "running", "seed"]


def told(lab):
    """What the page reports to Python, to the last bit."""
    return lab.page.evaluate(f"() => Object.fromEntries({NUMBERS}.map(name => [name, window.saved[name]]))")


def lines(page, kind, chart=0):
    """The lines of a class in a chart, as arrays of points on the drawing."""
    drawn = page.root.locator(".lab-chart").nth(chart).locator(kind).first.get_attribute("d") or ""
    return [np.fromstring(piece.replace("L", " "), sep=" ").reshape(-1, 2) for piece in drawn.split("M")[1:]]


@pytest.mark.browser
@pytest.mark.parametrize(("k", "n", "start"), [(2, 500, "random"), (3, 63, "symmetric"), (5, 50, "random")])
def test_the_page_learns_what_simulate_does(shown, k, n, start):
    lab = CommitteeLab(hidden=k, inputs=n, start=start, speed=200, seed=2**53 - 1, running=False)
    page = shown(lab)
    page.run_for(400)
    after = told(page)
    assert after["examples"] > 0
    run = lab.simulate(after["examples"])
    assert after["examples"] == run.examples[-1]
    assert after["error"] == run.error[-1]
    assert after["specialized"] == run.specialization[-1]
    assert after["overlap"] == pytest.approx(run.cross[-1].mean(), rel=1e-13)


@pytest.mark.browser
def test_a_push_starts_the_equations_anew_from_where_the_student_is(shown):
    lab = CommitteeLab(inputs=100, push=0.1, running=False)
    page = shown(lab)
    for _ in range(20):
        page.press("Step")
    assert told(page)["examples"] == 2000
    curve_before = lines(page, "g:not(.lab-past) > .lab-line.theory")
    page.press("Push")
    page.press("Push")
    pushed = lab.simulate(2000, pushes=[2000, 2000])
    assert told(page)["pushes"] == 2
    assert told(page)["specialized"] == pushed.specialization[-1]
    assert told(page)["expected_error"] == pytest.approx(pushed.error[-1], rel=1e-12)
    past = lines(page, ".lab-past .lab-line.theory")
    assert [len(line) for line in past] == [len(line) for line in curve_before]
    for one, other in zip(past, curve_before, strict=True):
        np.testing.assert_array_equal(one, other)
    for _ in range(10):
        page.press("Step")
    curve = committee_curve(
        10.0, rate=1.0, student=pushed.student[-1], cross=pushed.cross[-1], teacher=np.eye(2)
    )
    assert told(page)["expected_error"] == pytest.approx(curve.error, rel=2e-3)
    assert told(page)["error"] == lab.simulate(3000, pushes=[2000, 2000]).error[-1]
    page.press("Reset")
    assert told(page)["pushes"] == told(page)["examples"] == 0
    assert page.root.locator(".lab-legend li", has_text="before").is_hidden()


@pytest.mark.browser
def test_lines_of_the_page_are_those_of_theory(shown):
    """To half a pixel, all along the axis."""
    lab = CommitteeLab(rate=1.5, seed=3, running=False)
    page = shown(lab)
    start = lab.simulate(0)
    drawn = lines(page, "g:not(.lab-past) > .lab-line.theory")
    left, right, bottom, top = 52, 348, 216, 34
    times = (drawn[0][:, 0] - left) / (right - left) * 100
    times = np.clip(times, 0, None)
    curve = committee_curve(
        times, rate=1.5, student=start.student[0], cross=start.cross[0], teacher=np.eye(2)
    )
    moving = times > 10  # where a line is not steep
    for c, line in enumerate(drawn):
        wanted = bottom - (curve.cross.reshape(-1, 4)[:, c] + 0.3) / 1.5 * (bottom - top)
        np.testing.assert_allclose(line[moving, 1], wanted[moving], atol=0.5)


@pytest.mark.browser
def test_another_rate_starts_the_equations_anew_and_the_run_goes_on(shown):
    lab = CommitteeLab(inputs=80, running=False)
    page = shown(lab)
    for _ in range(5):
        page.press("Step")
    before = told(page)
    page.type("Learning rate \u03b7", 0.5)
    assert told(page)["examples"] == before["examples"] == 400
    assert told(page)["error"] == before["error"]
    assert told(page)["expected_error"] == pytest.approx(before["error"], rel=1e-12)
    assert page.root.locator(".lab-legend li", has_text="before").is_visible()
    page.type("Learning rate \u03b7", 3.0)
    page.press("Reset")
    assert "3" in page.root.locator(".lab-unseen").text_content()
    page.type("Hidden units K", 5)
    assert told(page)["examples"] == 0
    assert "there is no plateau" in page.root.locator(".lab-unseen").text_content()


@pytest.mark.browser
def test_the_axis_grows_and_a_run_ends_when_nothing_is_left_to_learn(shown):
    lab = CommitteeLab(inputs=50, rate=1.5, push=0.3, speed=200, running=False)
    page = shown(lab)
    page.press("Push")
    page.button("Start").click()
    page.page.wait_for_function("window.saved.running === false", timeout=60_000)
    after = told(page)
    assert after["error"] < 1e-8
    assert after["examples"] > 100 * 50
    words = page.root.locator(".lab-chart").first.locator(".lab-axes").text_content()
    assert any(end in words for end in ("200", "400", "800"))
    assert "Learned" in page.root.locator(".lab-description").text_content()


@pytest.mark.browser
def test_axes_hold_weights_that_grow_and_words_say_so(shown):
    page = shown(CommitteeLab(hidden=5, inputs=50, rate=3.0, running=False))
    narrow = page.root.locator(".lab-chart").first.locator(".lab-axes").text_content()
    while told(page)["examples"] < 2500:
        page.press("Step")
    assert page.root.locator(".lab-chart").first.locator(".lab-axes").text_content() != narrow
    label = page.root.locator(".lab-chart").first.get_attribute("aria-label")
    assert float(label.split(" to ")[1].rstrip(".")) > 1.2
    assert "weights grow without bound" in page.root.locator(".lab-unseen").text_content()
    page.press("Reset")
    assert page.root.locator(".lab-chart").first.locator(".lab-axes").text_content() == narrow


@pytest.mark.browser
def test_growth_after_a_push_is_drawn_up_to_1_and_for_its_own_rate_only(shown):
    page = shown(CommitteeLab(inputs=100, push=0.1, running=False))
    sign = page.root.locator(".lab-legend li", has_text="after a push")
    assert sign.is_hidden()
    page.press("Push")
    assert sign.is_visible()
    [line] = lines(page, ".lab-line.third", chart=3)
    assert line[-1, 1] > 34
    page.type("Learning rate \u03b7", 0.5)
    assert sign.is_hidden()
    assert lines(page, ".lab-line.third", chart=3) == []


@pytest.mark.browser
def test_a_plateau_that_nothing_leaves_is_told_so(shown):
    lab = CommitteeLab(hidden=5, rate=1.0, running=False)
    assert lab.plateau.escape_rate < 0
    assert "shrinks by the factor e in" in shown(lab).root.locator(".lab-unseen").text_content()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("Plateau of two units", {"hidden": 2, "rate": 1, "start": "random"}),
        ("Three units", {"hidden": 3, "rate": 0.7, "start": "random"}),
        ("Exactly alike", {"hidden": 2, "rate": 1, "inputs": 1000, "start": "symmetric"}),
        ("Too fast", {"hidden": 2, "rate": 2.6, "start": "random"}),
    ],
)
def test_presets_do_what_they_are_called(shown, name, settings):
    page = shown(CommitteeLab(hidden=4, rate=0.2, push=0.3, speed=200, running=False))
    page.button(name).click()
    page.page.wait_for_function("window.saved.examples > 0")
    after = told(page)
    assert {key: after[key] for key in settings} == settings
    assert page.page.evaluate("[window.saved.push, window.saved.speed]") == [0.05, 10]
    assert after["running"] is True


@pytest.mark.browser
def test_words_say_where_the_student_is(shown):
    page = shown(CommitteeLab(inputs=1000, seed=2, push=0.3, speed=200, running=False))
    words = page.root.locator(".lab-description")
    assert "knows nothing yet" in words.text_content()
    while told(page)["examples"] < 15_000:
        page.press("Step")
    assert "On the plateau" in words.text_content()
    page.press("Push")
    assert "divide the work" in words.text_content()
    label = page.root.locator(".lab-chart").first.get_attribute("aria-label")
    assert "at \u03b1 = 15" in label


@pytest.mark.browser
def test_many_units_and_inputs_leave_room_for_frames(shown):
    page = shown(CommitteeLab(hidden=5, inputs=2000, speed=200))
    page.page.wait_for_timeout(500)
    frames = np.array(page.page.evaluate(FRAMES, 1500))
    assert np.median(frames) < 90


@pytest.mark.browser
def test_nothing_sticks_out_on_a_narrow_page(alone):
    page = alone(CommitteeLab(running=False), viewport={"width": 320, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(shown):
    page = shown(CommitteeLab(), reduced_motion="reduce")
    assert not page.running
    assert "Paused" in page.status


def test_the_package_trains_the_same_student():
    """From the same weights and the same state of the generator."""
    units, state = np.empty((4, 50)), seed_state(1)
    kernels.draw_committee(state, 1, 1.0, units[:2])
    kernels.draw_committee(state, 0, 0.5, units[2:])
    run = CommitteeLab(inputs=50).simulate(0)
    found = train_committee(units[2:], units[:2], 0, rate=1.0)
    np.testing.assert_array_equal(found.cross, run.cross)
    np.testing.assert_array_equal(found.error, run.error)
