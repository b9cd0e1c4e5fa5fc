"""LearningCurveLab from Python and on a page: students beside their theory, the same runs to the last bit."""

import re

import numpy as np
import pytest

from smbook.perceptron import adatron, hebb, online, pseudo_inverse
from smbook.theory import perceptron as theory
from smbook.widgets import LearningCurveLab
from smbook.widgets.learning_curve_lab import RULES, LearningCurves, _School

ALL = dict.fromkeys(RULES, True)
QUICK = {"gibbs": False, "bayes": False, "pseudo_inverse": True, "optimal": True}
NONE = dict.fromkeys(RULES, False)


# From Python


@pytest.fixture(scope="module")
def runs():
    """24 runs of all students with 50 inputs."""
    return LearningCurveLab(**ALL, size=50, reach=3, seed=3).simulate(24)


def theory_at(lab, loads):
    """Return the exact errors of the rules that are shown."""
    curves = {
        "hebb": theory.hebb_curve(loads),
        "pseudo_inverse": theory.pseudo_inverse_curve(loads),
        "perceptron": theory.online_curve(loads, rule="perceptron"),
        "optimal": theory.online_curve(loads, rule="optimal"),
        "stability": theory.stability_curve(loads),
        "gibbs": theory.gibbs_curve(loads),
        "bayes": theory.bayes_curve(loads),
    }
    return np.array([curves[rule].error for rule in lab.shown])


def test_students_follow_their_curves(runs):
    """Within four errors and a share 1.5 / N of the error, but for the pseudo-inverse near alpha = 1."""
    lab = LearningCurveLab(**ALL, size=50, reach=3)
    expected = theory_at(lab, runs.loads)
    allowed = 4 * runs.standard_error + 0.03 * expected
    apart = np.abs(runs.mean - expected)
    near = np.abs(runs.loads - 1) < 0.35
    apart[RULES.index("pseudo_inverse"), near] = 0.0
    assert (apart < allowed).all()
    swapped = expected[[1, 0, 3, 2, 5, 4, 6]]
    assert (np.abs(runs.mean - swapped) > allowed).any(axis=1)[:6].all()


def test_nobody_beats_the_centre_of_the_version_space(runs):
    """On the mean over teachers, at any N: differences within a run, four errors of them."""
    centre = runs.errors[:, RULES.index("bayes")]
    for k in range(len(RULES) - 1):
        gain = runs.errors[:, k] - centre
        assert (gain.mean(axis=0) > -4 * gain.std(axis=0, ddof=1) / np.sqrt(len(gain))).all()


@pytest.mark.parametrize(("size", "expected"), [(50, 0.46), (200, 0.48)])
def test_the_pseudo_inverse_guesses_where_examples_are_as_many_as_inputs(size, expected):
    lab = LearningCurveLab(**(NONE | {"pseudo_inverse": True}), size=size, reach=2, seed=2)
    curves = lab.simulate(60)
    peak = curves.mean[0, np.flatnonzero(curves.loads == 1)[0]]
    later = curves.loads > 0.5
    assert curves.mean[0, later].max() == peak
    assert peak == pytest.approx(expected, abs=0.025)


def test_students_are_those_of_the_package():
    """Learning all examples of a run at once gives the same directions."""
    lab = LearningCurveLab(**ALL, size=20, reach=2, seed=9)
    school = _School(lab)
    errors = np.empty((len(RULES), len(school.stops)))
    school.run(errors)
    inputs, labels = school._inputs, school._labels
    np.testing.assert_array_equal(labels, np.sign(inputs @ school.teacher))
    expected = {
        "hebb": hebb(inputs, labels),
        "pseudo_inverse": pseudo_inverse(inputs, labels),
        "perceptron": online(inputs, labels, rule="perceptron").weights,
        "optimal": online(inputs, labels, rule="optimal").weights,
        "stability": adatron(inputs, labels).weights,
    }
    for rule, weights in expected.items():
        found = school.weights[rule]
        cosine = found @ weights / np.linalg.norm(found) / np.linalg.norm(weights)
        assert cosine == pytest.approx(1, abs=1e-4 if rule == "stability" else 1e-9)
    assert (labels * (inputs @ school.weights["gibbs"]) > 0).all()
    assert (labels * (inputs @ school.weights["bayes"]) > 0).all()


def test_a_rule_learns_the_same_whoever_else_is_shown():
    everyone = LearningCurveLab(**ALL, size=10, reach=2).simulate(2)
    for k, rule in enumerate(RULES):
        alone = LearningCurveLab(**(NONE | {rule: True}), size=10, reach=2).simulate(2)
        np.testing.assert_array_equal(alone.errors[:, 0], everyone.errors[:, k])


def test_runs_go_on_from_fewer_and_differ_from_another_seed():
    lab = LearningCurveLab(**QUICK, size=10, reach=2)
    short, long = lab.simulate(2), lab.simulate(5)
    np.testing.assert_array_equal(short.errors, long.errors[:2])
    assert short == lab.simulate(2) != long
    np.testing.assert_allclose(long.mean, long.errors.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(long.standard_error, long.errors.std(axis=0, ddof=1) / np.sqrt(5), rtol=1e-10)
    assert np.isnan(lab.simulate(1).standard_error).all()
    lab.seed = 2
    assert not (lab.simulate(2).errors == short.errors).any(axis=(0, 2)).all()
    assert isinstance(short, LearningCurves)
    assert repr(short) == "LearningCurves(2 runs of 4 rules, 20 loads up to 2)"


@pytest.mark.parametrize(("size", "reach"), [(10, 2), (50, 5), (200, 20), (37, 3)])
def test_stops_are_even_and_finer_at_first(size, reach):
    lab = LearningCurveLab(size=size, reach=reach)
    stops = lab.stops
    assert stops[0] >= 1
    assert stops[-1] == size * reach
    assert (np.diff(stops) > 0).all()
    assert set(np.floor(size * reach * np.arange(1, 21) / 20 + 0.5)) <= set(stops)
    assert size in stops
    np.testing.assert_array_equal(lab.loads, stops / size)


def test_the_curves_on_the_page_are_the_theory():
    lab = LearningCurveLab(**ALL)
    curves = lab.curves
    np.testing.assert_allclose([curves[rule] for rule in RULES], theory_at(lab, curves["load"]), rtol=1e-12)
    np.testing.assert_allclose(lab._curves[1:], theory_at(lab, curves["load"]), rtol=6e-5)
    assert lab._powers["hebb"] == pytest.approx([1 / np.sqrt(2 * np.pi), 0.5])


@pytest.mark.parametrize(
    ("n_runs", "error", "words"),
    [
        (0, ValueError, "n_runs must be at least 1; got 0"),
        (1.5, TypeError, "n_runs must be an integer; got 1.5"),
        (True, TypeError, "n_runs must be an integer; got True"),
    ],
)
def test_a_bad_number_of_runs_is_refused(n_runs, error, words):
    with pytest.raises(error, match=words):
        LearningCurveLab().simulate(n_runs)


def test_nothing_is_measured_before_a_page_shows_it():
    measured = LearningCurveLab().measured
    assert not measured.counts.any()
    assert np.isnan(measured.mean).all()
    assert repr(measured) == "Measured(0 runs, 25 loads)"


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda viewport=None, **given: alone(
        LearningCurveLab(**({"running": False} | given)), **({"viewport": viewport} if viewport else {})
    )


def told(lab):
    return lab.page.evaluate("() => ({...saved, _kernels: 0, _esm: 0, _css: 0, _curves: 0, _counted: 0})")


def measured(lab, **given):
    """Return what the page has handed over, as Python reads it."""
    sent = lab.page.evaluate(
        "() => (({buffer, byteOffset, byteLength}) => [...new Uint8Array(buffer, byteOffset, byteLength)])"
        "(saved._counted)"
    )
    python = LearningCurveLab(**given)
    python._counted = bytes(sent)
    return python.measured


def run_until(lab, runs):
    lab.start()
    lab.page.wait_for_function(f"window.saved?.runs >= {runs}", timeout=30_000)
    lab.pause()


@pytest.mark.browser
@pytest.mark.parametrize(
    "given",
    [{**ALL, "size": 20, "reach": 2}, {**QUICK, "size": 50, "reach": 3, "seed": 2**53 - 1}],
    ids=["all", "quick"],
)
def test_the_page_and_numba_learn_the_same(shown, given):
    lab = shown(**given, speed=5000.0)
    for runs in (1, 3):
        run_until(lab, runs)
        made = told(lab)["runs"]
        found, python = measured(lab, **given), LearningCurveLab(**given)
        expected = python.simulate(made)
        rows = [RULES.index(rule) for rule in python.shown]
        np.testing.assert_array_equal(found.counts[rows], made)
        np.testing.assert_array_equal(found.mean[rows], expected.mean)
        np.testing.assert_array_equal(found.standard_error[rows], expected.standard_error)
        assert lab.readouts()["runs"] == made


@pytest.mark.browser
def test_a_step_shows_one_example_and_reset_forgets_all(shown):
    lab = shown(size=10, reach=2, **QUICK)
    assert lab.readouts() == {"load \u03b1": 0, "examples P": 0, "runs": 0}
    for count in range(1, 24):
        lab.press("Step")
        made = lab.readouts()
        assert made["examples P"] + 20 * made["runs"] == pytest.approx(count, abs=1)
        assert made["load \u03b1"] == pytest.approx(made["examples P"] / 10)
    assert made["runs"] == 1
    lab.press("Reset")
    assert lab.readouts()["runs"] == lab.readouts()["examples P"] == 0
    assert not measured(lab, size=10, reach=2).counts.any()


TIMED = "button => { const start = performance.now(); button.click(); return performance.now() - start; }"

ANGLES = """root => [...root.querySelectorAll(".lab-needle:not([hidden])")].map(line => {
    const [a, b, c, d] = line.getAttribute("d").match(/[-\\d.]+/g).map(Number);
    return Math.atan2(c - a, b - d) / Math.PI;
})"""


@pytest.mark.browser
def test_needles_stand_at_the_true_angles(shown):
    """At the end of a run they are those of Python's students, whatever has been drawn before."""
    given = {**(NONE | {"hebb": True, "pseudo_inverse": True, "perceptron": True}), "size": 10, "reach": 2}
    lab = shown(**given)
    assert lab.root.evaluate(ANGLES) == pytest.approx([0.5] * 3, abs=0.01)
    for _ in range(20):
        lab.press("Step")
    errors = LearningCurveLab(**given).simulate(1).errors[0, :, -1]
    assert lab.root.evaluate(ANGLES) == pytest.approx(np.minimum(errors, 0.55), abs=2e-3)


@pytest.mark.browser
def test_who_is_hidden_rests_and_who_is_new_begins_with_all_others(shown):
    lab = shown(size=10, reach=2, speed=5000.0, **QUICK)
    run_until(lab, 2)
    runs = told(lab)["runs"]
    lab.press("Hebb")
    assert not told(lab)["hebb"]
    assert lab.button("Hebb").get_attribute("aria-pressed") == "false"
    assert lab.readouts()["runs"] == runs
    assert "Hebb" not in lab.root.locator("table tbody tr:visible").all_inner_texts()[0]
    lab.press("Gibbs")
    assert lab.readouts()["runs"] == 0
    run_until(lab, 1)
    counts = measured(lab, size=10, reach=2).counts
    assert not counts[RULES.index("hebb")].any()
    assert counts[RULES.index("gibbs")].all()


@pytest.mark.browser
@pytest.mark.parametrize(
    ("name", "students", "axes"),
    [
        ("Three exponents", ("hebb", "perceptron", "gibbs"), "logarithmic"),
        ("The peak at \u03b1 = 1", ("hebb", "pseudo_inverse"), "linear"),
        ("Who is best?", ("hebb", "optimal", "stability", "gibbs", "bayes"), "linear"),
    ],
)
def test_presets_do_what_they_are_called(shown, name, students, axes):
    lab = shown(seed=4)
    lab.button(name).click()
    assert lab.running
    lab.page.wait_for_function("window.saved?.examples > 40", timeout=30_000)
    lab.pause()
    state = told(lab)
    assert [rule for rule in RULES if state[rule]] == list(students)
    assert state["axes"] == axes
    assert lab.root.locator("table tbody tr:visible").count() == len(students)


@pytest.mark.browser
def test_the_table_tells_means_errors_and_theory_at_the_load_that_is_read(shown):
    given = {**QUICK, "size": 20, "reach": 4}
    lab = shown(**given, speed=5000.0)
    run_until(lab, 4)
    python = LearningCurveLab(**given)
    curves = python.simulate(told(lab)["runs"])
    for load in (0.07, 0.2, 0.6, 0.8, 1.0, 1.2, 2.2, 3.8):
        lab.type("Read at load \u03b1", load)
        stop = np.abs(np.log(curves.loads / load)).argmin()
        caption = lab.root.locator("caption").inner_text()
        assert float(re.search(r"\u03b1 = ([\d.]+):", caption)[1]) == pytest.approx(
            curves.loads[stop], rel=1e-3
        )
        rows = lab.root.locator("table tbody tr:visible").all_inner_texts()
        exact = theory_at(python, curves.loads[stop])
        for k, row in enumerate(rows):
            mean, error, limit = map(float, re.findall(r"0\.\d{4}", row)[:3])
            assert mean == pytest.approx(curves.mean[k, stop], abs=6e-5)
            assert error == pytest.approx(curves.standard_error[k, stop], abs=6e-5)
            assert limit == pytest.approx(exact[k], abs=7e-5)


@pytest.mark.browser
@pytest.mark.parametrize("axes", ["linear", "logarithmic"])
def test_a_pointer_on_the_chart_reads_there(shown, axes):
    lab = shown(axes=axes, reach=5, **QUICK)
    chart = lab.root.locator(".lab-chart").nth(1)
    box = chart.bounding_box()
    loads = []
    for share in (0.3, 0.6, 0.9):
        chart.click(position={"x": share * box["width"], "y": box["height"] / 2})
        loads.append(told(lab)["load"])
    across = (np.array([0.3, 0.6, 0.9]) * 360 - 46) / 302
    expected = 5 * across if axes == "linear" else 0.1 * 50**across
    assert loads == pytest.approx(expected, rel=0.03)


@pytest.mark.browser
def test_it_says_in_words_who_is_best(shown):
    lab = shown(**(NONE | {"hebb": True, "pseudo_inverse": True}), size=20, reach=4, load=4.0, speed=5000.0)
    words = lab.root.locator(".lab-description").first
    assert words.inner_text() == "Before the first example: nobody knows anything of the teacher."
    run_until(lab, 4)
    assert re.match(
        r"At load 4, on the mean of \d+ runs, the best is pseudo-inverse \(\d+\.\d % wrong\), the worst Heb",
        words.inner_text(),
    )
    lab.press("Hebb")
    lab.press("pseudo-inverse")
    assert words.inner_text() == "No student is shown: choose one above."
    assert lab.root.locator("caption").inner_text() == "No student is shown"
    before = lab.readouts()
    lab.press("Step")
    lab.start()
    lab.page.wait_for_timeout(700)
    assert lab.readouts() == before  # nobody learns


@pytest.mark.browser
def test_the_scatter_of_two_runs_is_no_error(shown):
    """Two runs that happen to agree would say +- 0.0001: errors come with the fourth."""
    lab = shown(**QUICK, size=10, reach=2)
    for runs in range(1, 6):
        for _ in range(20 if runs > 1 else 21):
            lab.press("Step")
        assert lab.readouts()["runs"] == runs
        rows = lab.root.locator("table tbody tr:visible").all_inner_texts()
        assert all(("\u00b1" in row) == (runs >= 4) for row in rows)
        bars = lab.root.locator(".lab-errors.hebb").get_attribute("d")
        assert bool(bars) == (runs >= 4)


@pytest.mark.browser
def test_what_is_read_is_where_the_line_stands(shown):
    """Beyond the largest load the last stop is read, and the line is there."""
    lab = shown(size=20, reach=4, **QUICK)
    lab.type("Read at load \u03b1", 12)
    line = lab.root.locator(".lab-line.guide").first.get_attribute("d")
    assert float(re.match(r"M([\d.]+)", line)[1]) == pytest.approx(360 - 12)
    assert "\u03b1 = 4:" in lab.root.locator("caption").inner_text()


@pytest.mark.browser
def test_a_step_that_takes_seconds_leaves_the_page_alive(alone):
    """At a stop the walk thinks long, in pieces: further steps follow it, and Reset ends all."""
    python = LearningCurveLab(size=20, reach=2, running=False)
    python.set_trait("_work", python._work | {"warm": 60_000})
    lab = alone(python)
    assert list(python.stops[:3]) == [1, 2, 3]
    slowest = max(lab.button("Step").evaluate(TIMED) for _ in range(3))
    assert slowest < 400  # milliseconds; a whole stop takes over a second
    assert told(lab)["examples"] < 3
    lab.page.wait_for_function("window.saved.examples === 3", timeout=60_000)
    lab.press("Reset")
    lab.page.wait_for_timeout(300)
    assert told(lab)["examples"] == 0
    python.set_trait("_work", python._work | {"warm": 120_000})
    lab = alone(python)
    lab.press("Start")
    lab.root.locator(".lab-description", has_text="Waiting at load 0.05: the walk").wait_for()
    lab.pause()
    words = "The first run, now at load 0.1: means come with its end, errors with run 4."
    lab.root.locator(".lab-description", has_text=words).wait_for()


@pytest.mark.browser
def test_start_takes_over_from_a_step(alone):
    python = LearningCurveLab(size=20, reach=2, running=False)
    python.set_trait("_work", python._work | {"warm": 10_000})
    lab = alone(python)
    lab.press("Step")
    lab.press("Start")
    lab.page.wait_for_function("window.saved.examples >= 3", timeout=30_000)


@pytest.mark.browser
@pytest.mark.parametrize(("axes", "reach"), [("linear", 4), ("logarithmic", 4), ("logarithmic", 10)])
def test_marks_stay_between_the_ends_of_the_axes(shown, axes, reach):
    """Of 10 alpha a stop is at .18, but the axis begins at .2."""
    lab = shown(axes=axes, reach=reach, size=20, speed=5000.0, **QUICK)
    run_until(lab, 1)
    marks = lab.root.locator(".lab-chart .lab-mark.hebb").last.get_attribute("d")
    centres = [float(x) + 3.1 for x in re.findall(r"M([\d.]+) ", marks)]
    assert len(centres) > 10
    assert min(centres) >= 46 - 0.1
    assert max(centres) <= 348 + 0.1


@pytest.mark.browser
def test_dashed_lines_are_explained_where_there_are_any(shown):
    lab = shown(axes="logarithmic", **QUICK)
    note = lab.root.locator(".lab-chart .lab-note", has_text="dashed: for large \u03b1")
    assert note.is_visible()
    lab.page.evaluate("model.set('axes', 'linear')")
    assert note.is_hidden()


@pytest.mark.browser
def test_a_link_carries_all_settings(alone):
    lab = alone(LearningCurveLab(running=False), name="lab-1")
    lab.page.evaluate(
        "location.hash = 'lab-1?hebb=false&stability=true&size=20&reach=3&axes=logarithmic&load=2.5'"
    )
    lab.page.wait_for_function("window.saved?.load === 2.5")
    state = told(lab)
    assert (state["hebb"], state["stability"], state["size"], state["axes"]) == (
        False,
        True,
        20,
        "logarithmic",
    )
    lab.press("Copy link")
    assert "stability=true" in lab.status


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 400, 700])
def test_it_fits_narrow_pages(shown, width):
    lab = shown(viewport={"width": width, "height": 800}, **ALL, size=10, reach=2, speed=5000.0)
    run_until(lab, 2)
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(alone):
    lab = alone(LearningCurveLab(), reduced_motion="reduce")
    assert not lab.running
    assert "Paused" in lab.status
