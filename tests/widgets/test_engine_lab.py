"""EngineLab: what its bits cost, the equalities that their works obey, and a page that counts the same."""

import math
import re

import numpy as np
import pytest

from smbook.kernels import overdamped
from smbook.thermodynamics import drive_particles, erasure
from smbook.widgets.engine_lab import EngineLab, Erasures
from tests.widgets.alone import FRAMES

LN2 = math.log(2)

# From Python


def test_both_means_of_exp_minus_work_stand_on_their_lines():
    """On ten seeds, with a fifth of errors, so that those are seen who give half of the mean."""
    scores = []
    for seed in range(10):
        runs = EngineLab(duration=6.0, barrier=5.0, tilt=1.0, seed=seed).simulate(5)
        assert 0.15 < runs.errors < 0.35
        assert runs.mean_work > runs.least_work
        (everyone, error), (right, right_error) = runs.jarzynski, runs.jarzynski_right
        scores.append((everyone / error, (right - LN2) / right_error))
    assert np.abs(scores).max() < 4
    assert np.abs(np.sum(scores, axis=0)).max() / math.sqrt(10) < 4


@pytest.mark.parametrize(("duration", "tilt"), [(2.0, 4.0), (16.0, 4.0), (8.0, 0.0), (8.0, 8.0)])
def test_no_speed_and_no_tilt_goes_below_the_least_work(duration, tilt):
    lab = EngineLab(duration=duration, tilt=tilt)
    runs = lab.simulate(3)
    assert runs.mean_work > runs.least_work - 4 * runs.mean_work_error
    if runs.errors < 0.01:
        assert runs.mean_work > lab.least_in_time - 4 * runs.mean_work_error


@pytest.mark.parametrize("barrier", [4.0, 8.0, 12.0])
def test_the_least_distance_is_that_of_quantiles(barrier):
    x = np.linspace(-2.3, 2.3, 200_001)
    density = np.exp(-barrier * (x * x - 1) ** 2)
    law = (np.cumsum(density) - density / 2) / density.sum()
    shares = (np.arange(20_000) + 0.5) / 20_000
    way = np.interp((1 + shares) / 2, law, x) - np.interp(shares, law, x)
    least = EngineLab(barrier=barrier, duration=4.0).least_in_time
    assert least == pytest.approx(LN2 + (way**2).mean() / 4, abs=1e-4)


def test_a_run_is_that_of_the_package():
    """The same protocol from the same places, with other random numbers: means agree within their errors."""
    lab = EngineLab(duration=3.0, barrier=6.0, tilt=3.0, bits=1000)
    runs = lab.simulate(2)
    protocol = erasure(3.0, barrier=6.0, tilt=3.0)
    assert overdamped.erasing_steps(3.0, 6.0) == protocol.n_steps
    other = drive_particles(protocol, runs.initial.ravel(), rng=5)
    error = math.hypot(runs.mean_work_error, other.work.std() / math.sqrt(2000))
    assert abs(runs.mean_work - other.work.mean()) < 4 * error
    change = protocol.potential(runs.positions) - protocol.potential(runs.initial)
    assert abs(change.mean()) < 4 * change.std() / math.sqrt(2000)


def test_runs_go_on_from_shorter_ones_and_differ():
    lab = EngineLab(duration=1.0, bits=60, seed=3)
    short, long = lab.simulate(1), lab.simulate(3)
    assert np.array_equal(short.work, long.work[:1])
    assert long == lab.simulate(3) != short
    assert long != EngineLab(duration=1.0, bits=60, seed=4).simulate(3)
    assert (long.work[0] != long.work[1]).all()
    assert repr(long).startswith("Erasures(3 runs of 60 bits: mean work ")


def test_a_record_derives_all_from_its_bits():
    work, ends = np.array([[1.0, 2.0], [0.0, -1.0]]), np.array([[1.0, 0.9], [1.1, -1.0]])
    runs = Erasures(work, ends, ends)
    assert (runs.n_bits, runs.errors, runs.mean_work) == (4, 0.25, 0.5)
    assert runs.errors_error == pytest.approx(math.sqrt(1 / 3 * 2 / 3 / 4))
    assert runs.mean_work_error == pytest.approx(np.std([1, 2, 0, -1], ddof=1) / 2)
    assert runs.least_work == pytest.approx(LN2 + 0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    assert runs.jarzynski[0] == pytest.approx(-math.log(np.exp([-1, -2, 0, 1]).mean()))
    assert runs.jarzynski_right[0] == pytest.approx(-math.log((np.exp([-1, -2, 0])).sum() / 4))
    weights = np.array([math.exp(-1), math.exp(-2), 1.0, 0.0])
    error = weights.std(ddof=1) / 2 / weights.mean()
    assert runs.jarzynski_right[1] == pytest.approx(error)
    kept = weights[:3]
    assert runs.jarzynski_right_worth == pytest.approx(kept.sum() ** 2 / (kept**2).sum())
    assert runs.jarzynski_worth == pytest.approx(1)  # a single bit ended on the left
    assert Erasures(work, np.abs(ends), ends).jarzynski_worth == 0


def test_means_that_few_bits_carry_are_known_as_such():
    """On ten seeds: in haste neither mean is seen, in a slow run one, with many errors both.

    A hundred bits in each well are asked for. With a count over all bits at once the mean over all would be
    taken for sure when hardly any bit has gone wrong, and lie many of its errors off: this is tried too.
    """
    hurried, slow, weak = (
        {"duration": 1.0},
        {"duration": 16.0},
        {"duration": 8.0, "barrier": 6.0, "tilt": 1.0},
    )
    fooled, z = 0, []
    for seed in range(10):
        runs = EngineLab(seed=seed, **hurried).simulate(10)
        assert max(runs.jarzynski_worth, runs.jarzynski_right_worth) < 100
        runs = EngineLab(seed=seed, **slow).simulate(1)
        assert runs.jarzynski_worth < 100 < runs.jarzynski_right_worth
        z.append((runs.jarzynski_right[0] - LN2) / runs.jarzynski_right[1])
        weights = np.exp(-runs.work)
        naive = weights.sum() ** 2 / (weights**2).sum()
        fooled += naive > 100 and abs(runs.jarzynski[0]) > 4 * runs.jarzynski[1]
        if seed > 2:
            continue
        runs = EngineLab(seed=seed, **weak).simulate(5)
        assert min(runs.jarzynski_worth, runs.jarzynski_right_worth) > 100
        z += [
            runs.jarzynski[0] / runs.jarzynski[1],
            (runs.jarzynski_right[0] - LN2) / runs.jarzynski_right[1],
        ]
    assert fooled >= 3
    assert np.abs(z).max() < 4


def test_without_runs_there_is_nothing_to_tell():
    runs = EngineLab(bits=50).simulate(0)
    told = runs.errors, runs.errors_error, runs.mean_work, runs.mean_work_error, runs.least_work
    told += runs.jarzynski_worth, runs.jarzynski_right_worth
    assert all(map(math.isnan, (*told, *runs.jarzynski, *runs.jarzynski_right)))
    assert repr(runs) == "Erasures(0 runs of 50 bits: none)"


@pytest.mark.parametrize(("count", "error"), [(-1, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_a_bad_number_of_runs_is_refused(count, error):
    with pytest.raises(error, match="n_runs must be"):
        EngineLab().simulate(count)


# In a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab, in a narrower window."""
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1300}, **options)


NUMBERS = ["time", "runs", "erased", "errors", "errors_error", "work", "work_error", "least_work", "duration"]
NUMBERS += [
    "jarzynski_worth",
    "jarzynski_right_worth",
    "jarzynski",
    "jarzynski_error",
    "jarzynski_right",
    "jarzynski_right_error",
    "speed",
    "running",
]


def told(lab):
    """What the page reports to Python, to the last bit."""
    return lab.page.evaluate(f"() => Object.fromEntries({NUMBERS}.map(name => [name, window.saved[name]]))")


def described(lab, words):
    """Wait until the page says something of that kind, and return the longer text."""
    lab.root.locator(".lab-description", has_text=words).wait_for()
    return lab.root.locator(".lab-unseen").evaluate("e => e.textContent")


def step(lab, times=1):
    """Make strokes, one after another, and wait for the end of each."""
    for _ in range(times):
        before = told(lab)
        stroke = before["duration"] / 4
        end = (math.floor(before["time"] / stroke + 1e-9) + 1) * stroke
        lab.press("Step")
        lab.page.wait_for_function("end => Math.abs(window.saved.time - end) < 0.02", arg=end, timeout=30_000)


def bits_of(lab, kind):
    """Where the marks of bits stand that began on one side, across the chart."""
    path = lab.root.locator(f".lab-chart .lab-bits.{kind}").get_attribute("d")
    return [float(mark.split(" ")[0]) for mark in path.split("M")[1:]]


@pytest.mark.browser
@pytest.mark.parametrize(
    "settings",
    [
        {"duration": 1.3, "barrier": 5.5, "tilt": 1.5, "bits": 77, "seed": 2**53 - 1},
        {"duration": 2.0, "barrier": 12.0, "tilt": 8.0, "bits": 150},
    ],
)
def test_the_page_counts_the_runs_of_simulate(shown, settings):
    lab = EngineLab(speed=1000, running=False, **settings)
    page = shown(lab)
    page.run_for(500)
    after = told(page)
    runs = lab.simulate(after["runs"])
    assert after["runs"] >= 2
    assert after["erased"] == runs.n_bits
    assert after["errors"] == runs.errors
    (everyone, error), (right, right_error) = runs.jarzynski, runs.jarzynski_right
    measured = {"errors_error": runs.errors_error, "work": runs.mean_work, "least_work": runs.least_work}
    measured |= {"work_error": runs.mean_work_error, "jarzynski": everyone, "jarzynski_error": error}
    measured |= {"jarzynski_right": right, "jarzynski_right_error": right_error}
    measured |= {name: getattr(runs, name) for name in ("jarzynski_worth", "jarzynski_right_worth")}
    for name, value in measured.items():
        assert after[name] == pytest.approx(value, rel=1e-9, abs=1e-11)
    page.press("Reset")
    assert told(page)["runs"] == told(page)["time"] == 0
    assert told(page)["work"] is None


@pytest.mark.browser
def test_four_steps_make_a_run_of_bits_that_forget_where_they_began(shown):
    lab = EngineLab(duration=4.0, bits=200, seed=5, running=False)
    page = shown(lab)
    begun = {kind: bits_of(page, kind) for kind in ("left", "right")}
    assert sum(map(len, begun.values())) == 200
    assert max(begun["left"]) < min(begun["right"])
    for stroke, words in enumerate(["barrier falls", "tilt rises", "barrier rises"], start=1):
        step(page)
        assert f"Stroke {stroke} of 4, the {words}" in described(page, f"Stroke {stroke}")
        assert told(page)["time"] == pytest.approx(stroke)
        assert told(page)["runs"] == 0
    step(page)
    run = lab.simulate(1)
    assert f"A run is over: {(run.positions > 0).sum()} of 200 bits" in described(page, "t = 4")
    middle = (max(begun["left"]) + min(begun["right"])) / 2
    assert np.mean(np.array(bits_of(page, "left")) > middle) > 0.9
    assert told(page)["work"] == pytest.approx(run.mean_work, rel=1e-12)
    step(page)
    assert told(page)["time"] == pytest.approx(5)


@pytest.mark.browser
def test_durations_that_were_seen_stay_until_the_wells_change(shown):
    page = shown(EngineLab(duration=2.0, bits=100, running=False))
    points = page.root.locator(".lab-chart .lab-points")
    for duration in (1, 3, 2):
        step(page, 4)
        page.type("Duration t", duration)
    assert points.get_attribute("d").count("M") == 2  # 2 itself is measured anew
    assert "Seen before: t = 1, 3." in described(page, "in equilibrium")
    page.type("Bits in a run", 60)
    assert points.get_attribute("d").count("M") == 2
    page.type("Tilt f", 3)
    assert points.get_attribute("d") == ""


@pytest.mark.browser
def test_all_speeds_have_their_turn_and_a_hand_ends_it(shown):
    page = shown(EngineLab(running=False))
    page.button("All speeds, one after another").click()
    page.page.wait_for_function("window.saved.duration === 2", timeout=30_000)
    page.page.wait_for_function("window.saved.duration === 4", timeout=30_000)
    assert page.root.locator(".lab-chart .lab-points").get_attribute("d").count("M") == 2
    page.type("Duration t", 3)
    page.page.wait_for_timeout(2500)
    assert told(page)["duration"] == 3


@pytest.mark.browser
def test_errors_are_told_with_the_less_work_that_they_need(shown):
    page = shown(EngineLab(tilt=0.5, barrier=5, duration=3, running=False))
    step(page, 4)
    assert "exactly ln 2 = 0.693" in described(page, "without errors it is ln 2 = 0.69")
    words = page.root.locator(".lab-description").text_content()
    value = r" = (\d\.\d+)"
    work, excess, least = map(
        float, re.search(rf"W⟩{value}.* kT, (.+) more than .* S\(p\){value};", words).groups()
    )
    assert work - excess == pytest.approx(least, abs=0.011)
    assert least == pytest.approx(told(page)["least_work"], abs=0.005)
    page.type("Tilt f", 8)
    step(page, 4)
    described(page, "more than the least for")


@pytest.mark.browser
def test_without_a_tilt_nothing_is_said_to_be_erased(shown):
    page = shown(EngineLab(tilt=0, duration=2, bits=100, running=False))
    step(page, 4)
    assert "Without a tilt nothing is erased." in described(page, "for nothing: without a tilt no bit is")
    assert "least" not in page.root.locator(".lab-description").text_content()


LONG_TASKS = """() => { window.tasks = []; new PerformanceObserver(list => window.tasks.push(
    ...list.getEntries().map(entry => entry.duration))).observe({type: "longtask"}); }"""


@pytest.mark.browser
def test_a_long_stroke_is_made_in_frames_and_comes_to_the_same(shown):
    """At the largest settings a stroke is 19 million updates: in one task it held up the page for 0.8 s."""
    lab = EngineLab(duration=50.0, barrier=12.0, bits=1000, running=False)
    page = shown(lab)
    page.page.evaluate(LONG_TASKS)
    step(page)
    assert max(page.page.evaluate("window.tasks"), default=0) < 200
    page.type("Duration t", 15)
    for _ in range(4):  # asked for at once, and made one after another
        page.press("Step")
    assert told(page)["runs"] == 0
    page.page.wait_for_function("window.saved.runs === 1", timeout=60_000)
    lab.duration = 15
    run, after = lab.simulate(1), told(page)
    assert after["errors"] == run.errors
    assert after["work"] == pytest.approx(run.mean_work, rel=1e-12)
    page.press("Step")
    page.press("Reset")
    page.page.wait_for_timeout(300)
    assert told(page)["time"] == 0


@pytest.mark.browser
def test_all_speeds_put_the_speed_back(shown):
    """When a hand ends them, but not a speed that it has chosen on the way, and when all had their turn."""
    lab = EngineLab(speed=3.0, bits=1000, running=False)
    whole = "[1, 2, 4, 8, 16, 32]"
    assert whole in lab._esm
    lab._esm = lab._esm.replace(whole, "[1, 2]")
    page = shown(lab)
    tour = page.button("All speeds, one after another")
    for end in (lambda: page.press("Step"), lambda: page.press("Reset"), lambda: page.type("Duration t", 3)):
        tour.click()
        assert told(page)["speed"] == 1000
        end()
        assert told(page)["speed"] == 3
    tour.click()
    page.type("Time a second", 7)
    page.press("Reset")
    assert told(page)["speed"] == 7
    tour.click()
    page.page.wait_for_function("window.saved.duration === 2", timeout=30_000)
    page.page.wait_for_function("window.saved.speed === 7", timeout=30_000)
    assert told(page)["running"]


@pytest.mark.browser
def test_a_slow_run_is_seen_when_it_is_over_and_a_thousand_bits_leave_room_for_frames(shown):
    page = shown(EngineLab(duration=1.0, bits=1000, speed=0.6))
    page.page.wait_for_function("window.saved?.runs === 1", timeout=20_000)
    assert "A run is over" in described(page, "t = 1")
    page.type("Time a second", 1000)
    page.type("Duration t", 50)
    frames = np.array(page.page.evaluate(FRAMES, 1500))
    assert np.median(frames) < 60


@pytest.mark.browser
def test_nothing_sticks_out_on_a_narrow_page(alone):
    page = alone(EngineLab(running=False), viewport={"width": 320, "height": 800})
    assert page.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(shown):
    page = shown(EngineLab(), reduced_motion="reduce")
    assert not page.running
    assert "Paused" in page.status


def axis(lab):
    """The numbers at the ends of the axis of works, as they are written."""
    texts = lab.root.locator(".lab-second > svg").first.locator(".lab-axes text").all_text_contents()
    numbers = [
        float(text.replace("\u2212", "-")) for text in texts if re.fullmatch(r"[\u2212-]?[\d.]+", text)
    ]
    return numbers


@pytest.mark.browser
def test_the_axis_of_works_holds_them_and_shrinks_again(shown):
    """Before any run is over an empty histogram once drew the axis out to 42."""
    page = shown(EngineLab(duration=16.0, running=False))
    assert max(axis(page)) <= 6
    step(page, 4)
    slow = max(axis(page))
    assert slow <= 10
    page.type("Duration t", 1)
    step(page, 4)
    assert max(axis(page)) > slow
    page.type("Duration t", 16)
    step(page, 8)
    assert max(axis(page)) <= 10


@pytest.mark.browser
def test_a_mean_that_few_works_carry_is_marked(shown):
    page = shown(EngineLab(duration=1.0, running=False))
    doubts = page.root.locator(".lab-second > svg").first.locator("text", has_text="?")
    assert [mark.get_attribute("visibility") for mark in doubts.all()] == ["hidden"] * 3
    step(page, 4)
    assert [mark.get_attribute("visibility") for mark in doubts.all()] == ["hidden", "visible", "visible"]
    assert "too few works carry this mean" in described(page, "t = 1")
    page.type("Barrier B", 6)
    page.type("Tilt f", 1)
    page.type("Duration t", 8)
    step(page, 20)
    assert [mark.get_attribute("visibility") for mark in doubts.all()] == ["hidden"] * 3
    assert "too few" not in described(page, "t = 8")
