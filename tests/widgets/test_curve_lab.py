"""CurveLab: points on the exact curves, errors that are honest, and a page that finds the same."""

import json

import numpy as np
import pytest

from smbook import ising
from smbook.theory import ising as exact
from smbook.widgets.curve_lab import SIZES, THIN, CurveLab, Curves, _exact_curves, measured, temperatures
from tests.widgets.alone import FRAMES

# From Python


def test_temperatures_are_closer_near_the_transition():
    found = temperatures()
    assert found.shape == (64,)
    assert (found[0], found[-1]) == (1.5, 3.5)
    steps, middle = np.diff(found), (found[1:] + found[:-1]) / 2
    assert abs(middle[np.argmin(steps)] - exact.CRITICAL_TEMPERATURE) < 0.02
    assert 0.01 < steps.min() < 0.015
    assert steps.max() < 0.15


@pytest.mark.parametrize("size", SIZES)
def test_the_exact_curves_that_go_along_are_those_of_theory(size):
    curves = _exact_curves()
    here = np.array(curves["temperature"])
    np.testing.assert_array_equal(here, temperatures())
    found = exact.kaufman((int(size), int(size)), 1 / here)
    np.testing.assert_allclose(curves["sizes"][size]["energy"], found.energy, atol=5.1e-7)
    np.testing.assert_allclose(curves["sizes"][size]["specific_heat"], found.specific_heat, atol=5.1e-4)


def test_the_exact_curves_are_small_and_end_where_they_should():
    curves = _exact_curves()
    assert len(json.dumps(curves)) < 9000
    infinite = {name: np.array(values) for name, values in curves["infinite"].items()}
    cold = infinite["temperature"] < curves["critical"]
    assert (infinite["magnetization"][~cold] == 0).all()
    assert (infinite["magnetization"][cold] > 0.15).all()
    assert infinite["specific_heat"].max() > 3  # beyond the chart
    assert np.isfinite(infinite["specific_heat"]).all()
    assert curves["critical"] == pytest.approx(exact.CRITICAL_TEMPERATURE, abs=1e-6)


@pytest.mark.parametrize("algorithm", ["heat-bath", "metropolis"])
def test_energies_and_specific_heats_meet_the_exact_ones_with_honest_errors(algorithm):
    """Ten seeds: errors that ignored autocorrelation would be off by a factor of 2 or more."""
    here, scores = temperatures(), []
    found = exact.kaufman((16, 16), 1 / here)
    for seed in range(10):
        run = CurveLab(size="16", algorithm=algorithm, seed=seed, running=False).simulate(10_000)
        assert run.settled == 64
        np.testing.assert_allclose(run.scores, (run.energy - found.energy) / run.energy_error)
        heat = (run.specific_heat - found.specific_heat) / run.specific_heat_error
        scores.append([run.scores, heat])
        assert run.score == pytest.approx(1, abs=0.35)
    scores = np.array(scores)
    near = abs(here - exact.CRITICAL_TEMPERATURE) < 0.1
    for part in (scores, scores[:, :, near]):
        assert np.sqrt(np.nanmean(part**2, axis=(0, 2))) == pytest.approx(1, abs=0.25)
        assert abs(np.nanmean(part, axis=(0, 2))).max() < 0.3


def test_the_scatter_of_magnetizations_is_what_their_errors_say():
    """Over seeds. For U some of the errors are too small, where flips of the whole are rare."""
    runs = [CurveLab(size="16", seed=seed).simulate(10_000) for seed in range(12)]
    for name, most in (("magnetization", 1.3), ("cumulant", 1.6)):
        values, errors = (np.array([getattr(run, name + end) for run in runs]) for end in ("", "_error"))
        scores = (values - values.mean(axis=0)) / errors * np.sqrt(12 / 11)
        assert 0.8 < np.sqrt(np.nanmean(scores**2)) < most
        assert np.nanmean(abs(scores) < 1) > 0.6


def test_the_cumulant_has_its_limits_and_crosses_where_the_transition_is():
    runs = {size: CurveLab(size=size, seed=5).simulate(30_000) for size in ("16", "32")}
    for run in runs.values():
        np.testing.assert_allclose(run.cumulant[:5], 2 / 3, atol=0.002)
        assert abs(run.cumulant[-1]) < 5 * run.cumulant_error[-1] + 0.02
        at = np.argmin(abs(run.temperatures - exact.CRITICAL_TEMPERATURE))
        assert run.cumulant[at] == pytest.approx(_exact_curves()["cumulant"], abs=0.03)
    apart = runs["16"].cumulant - runs["32"].cumulant
    here = temperatures()
    assert apart[(here > 2.35) & (here < 2.6)].min() > 0
    assert apart[(here > 2.1) & (here < 2.25)].mean() < 0


def test_a_run_is_that_of_simulate_temperatures():
    lab = CurveLab(size="16", algorithm="metropolis", initial="random", seed=3)
    run = ising.simulate_temperatures(
        (16, 16), 1 / temperatures(), 4003, algorithm="metropolis", initial="random", thin=THIN, rng=3
    )
    found = lab.simulate(4003)
    assert found == measured(run) != lab.simulate(4000 - THIN)
    assert found.n_sweeps == 4000
    later = run.energy[:, 200:].mean(axis=1)  # 800 measurements in 200 blocks of 4
    np.testing.assert_allclose(found.energy, later, rtol=1e-12)
    assert repr(found) == f"Curves(4000 sweeps of 64 lattices of 16 x 16 spins, {found.settled} with errors)"


def test_too_short_a_run_knows_no_errors():
    found = CurveLab(size="64").simulate(1000)
    near = abs(found.temperatures - exact.CRITICAL_TEMPERATURE) < 0.1
    assert np.isnan(found.energy_error[near]).all()
    assert np.isfinite(found.energy_error[~near]).any()
    nothing = CurveLab(size="16").simulate(0)
    assert np.isnan(nothing.energy).all()
    assert nothing.settled == 0
    assert np.isnan(nothing.score)


@pytest.mark.parametrize(("count", "error"), [(-1, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_a_bad_number_of_sweeps_is_refused(count, error):
    with pytest.raises(error, match="n_sweeps must be"):
        CurveLab().simulate(count)


# In a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab, in a narrower window."""
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1100}, **options)


NAMES = ["sweeps", "rate", "settled", "score", "size", "view", "shown", "initial", "running"]


def told(page):
    return page.page.evaluate(f"() => Object.fromEntries({NAMES}.map(name => [name, window.saved[name]]))")


@pytest.mark.browser
@pytest.mark.parametrize(
    "settings",
    [
        {"size": "16", "seed": 1},
        {"size": "32", "seed": 2**53 - 1, "algorithm": "metropolis"},
        {"size": "16", "seed": 4, "initial": "random"},
    ],
    ids=lambda settings: "-".join(map(str, settings.values())),
)
def test_the_page_finds_what_python_does(shown, settings):
    lab = CurveLab(**settings, running=False)
    page = shown(lab)
    page.run_for(600)
    after = told(page)
    found: Curves = lab.simulate(after["sweeps"])
    assert after["sweeps"] > 500
    assert after["settled"] == found.settled > 10
    assert after["score"] == pytest.approx(found.score, rel=1e-3)  # exact energies have six digits there
    values = page.page.evaluate(POINTS)
    for chart, name in enumerate(("magnetization", "energy", "specific_heat", "cumulant")):
        errors = getattr(found, f"{name}_error")
        low, high = [(0, 1), (-2, -0.6), (0, 3), (-0.1, 0.7)][chart]
        heights = 176 - (getattr(found, name)[np.isfinite(errors)] - low) / (high - low) * 142
        np.testing.assert_allclose(values[chart], heights, atol=0.006)
    page.press("Reset")
    assert told(page)["sweeps"] == told(page)["settled"] == 0
    assert told(page)["score"] is None


POINTS = r"""() => [...document.querySelectorAll(".lab-chart")].map(chart =>
    [...chart.querySelectorAll("g:not(.lab-past) > .lab-points")].flatMap(path =>
        [...(path.getAttribute("d") ?? "").matchAll(/M[\d.-]+ ([\d.-]+)h0/g)].map(one => Number(one[1]))))"""


@pytest.mark.browser
def test_the_lattices_shown_are_those_of_their_temperatures(shown):
    lab = CurveLab(size="16", shown=2.27, seed=7, running=False)
    page = shown(lab)
    for _ in range(3):
        page.press("Step")
    run = ising.simulate_temperatures((16, 16), 1 / temperatures(), 3 * THIN, initial="up", thin=THIN, rng=7)
    middle = np.argmin(abs(temperatures() - 2.27))
    np.testing.assert_array_equal(page.spins(), run.spins[middle - 10])
    titles = page.root.locator(".lab-looks .lab-told").all_inner_texts()
    assert titles == [f"T = {temperatures()[middle + k]:.4g}" for k in (-10, 0, 10)]
    page.type("Show the lattice at T", 3.5)
    titles = page.root.locator(".lab-looks .lab-told").all_inner_texts()
    assert titles[-1] == "T = 3.5"
    chart = page.root.locator(".lab-chart").first
    box = chart.bounding_box()
    page.page.mouse.click(box["x"] + box["width"] * (52 + 296 / 2) / 360, box["y"] + box["height"] / 2)
    assert told(page)["shown"] == pytest.approx(2.5, abs=0.02)


@pytest.mark.browser
def test_sizes_that_were_seen_stay_fainter_until_reset(shown):
    page = shown(CurveLab(size="16", running=False))
    page.page.wait_for_timeout(100)
    page.run_for(700)
    page.press("L = 32")
    past = page.root.locator(".lab-chart .lab-past .lab-points")
    assert told(page)["size"] == "32"
    assert past.count() == 4
    assert page.root.locator(".lab-legend li", has_text="before: L = 16").is_visible()
    page.choose("Charts show", "transition")
    assert past.count() == 4
    page.press("Reset")
    assert past.count() == 0
    assert page.root.locator(".lab-legend li", has_text="before").is_hidden()


@pytest.mark.browser
def test_all_sizes_have_their_turn_and_a_hand_ends_it(shown):
    page = shown(CurveLab(running=False))
    page.button("Sizes, one after another, near the transition").click()
    assert told(page)["view"] == "transition"
    page.page.wait_for_function("window.saved.size === '32'", timeout=40_000)
    assert page.root.locator(".lab-legend li", has_text="before: L = 16").is_visible()
    page.press("L = 16")
    page.page.wait_for_timeout(500)
    assert told(page)["size"] == "16"


@pytest.mark.browser
def test_an_error_bar_appears_where_the_run_is_long_enough_and_words_say_so(shown):
    page = shown(CurveLab(size="16", speed=200, running=False))
    bars = page.root.locator(".lab-chart .lab-errors").nth(1)
    words = page.root.locator(".lab-description")
    assert not bars.get_attribute("d")
    assert words.inner_text().startswith("Just begun")
    page.run_for(1500)
    some = bars.get_attribute("d").count("M")
    assert some < 64
    page.type("Sweeps a second", 100_000)
    page.start()
    page.root.locator(".lab-description", has_text="All 64 points").wait_for(timeout=20_000)
    page.pause()
    assert bars.get_attribute("d").count("M") == 64
    assert "64 temperatures know their errors" in page.root.locator(".lab-unseen").evaluate(
        "e => e.textContent"
    )


@pytest.mark.browser
def test_the_page_answers_while_64_lattices_run(shown):
    """On a quiet machine it is 60 pictures and 10,000 sweeps a second."""
    page = shown(CurveLab())
    page.page.wait_for_timeout(1500)
    frames = np.array(page.page.evaluate(FRAMES, 1500))
    assert np.median(frames) < 40
    assert told(page)["rate"] > 0.1


@pytest.mark.browser
@pytest.mark.parametrize("width", [1200, 400])
@pytest.mark.parametrize("view", ["whole", "transition"])
def test_nothing_stands_out_of_the_page(alone, width, view):
    page = alone(CurveLab(view=view, running=False), viewport={"width": width, "height": 900})
    boxes = page.root.locator(".lab-chart").evaluate_all("all => all.map(e => e.getBoundingClientRect().x)")
    assert len(set(map(round, boxes))) == (2 if width == 1200 else 1)
    assert page.page.evaluate("document.documentElement.scrollWidth") <= width
