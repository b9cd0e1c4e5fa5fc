"""FiniteMagnetLab: settings that refuse nonsense, theory beside them, and runs of the page, bit for bit."""

import math

import numpy as np
import pytest

from smbook import curie_weiss
from smbook.theory import ising as theory
from smbook.widgets.compiler import WASM
from smbook.widgets.finite_magnet_lab import FiniteMagnetLab
from tests.wasm import Kernels


def waiting(**given):
    return FiniteMagnetLab(
        **{"view": "escape", "spins": 10, "temperature": 0.6, "field": -0.05, "running": False} | given
    )


# Theory beside the settings


@pytest.mark.parametrize(("spins", "mean"), [(100, 0.0579), (1000, 0.5028), (10_000, 0.7117)])
def test_the_mean_is_that_of_so_many_spins(spins, mean):
    assert FiniteMagnetLab(spins=spins).mean == pytest.approx(mean, abs=6e-5)
    assert FiniteMagnetLab(spins=spins, field=-0.001).mean == pytest.approx(-mean, abs=6e-5)
    assert FiniteMagnetLab(spins=spins, field=0.0).mean == pytest.approx(0, abs=1e-12)


def test_the_law_is_that_of_theory():
    assert FiniteMagnetLab(spins=50).law == theory.curie_weiss_finite(50, 1 / 0.8, field=0.001)


@pytest.mark.parametrize(("spins", "lifetime"), [(10, 36.6), (20, 109.4), (30, 316.0)])
def test_the_lifetime_of_a_well(spins, lifetime):
    lab = waiting(spins=spins)
    assert lab.lifetime == pytest.approx(lifetime, abs=0.05)
    mirrored = waiting(spins=spins, field=0.05)
    assert mirrored.well == tuple(spins - k for k in lab.well)
    assert mirrored.lifetime == pytest.approx(lab.lifetime, rel=1e-12)


def test_a_magnet_without_a_field_waits_in_the_upper_well_first():
    assert waiting(spins=30, field=0.0).well == (29, 1)


@pytest.mark.parametrize("given", [{"temperature": 1.2}, {"field": -0.3}, {"temperature": 0.999, "field": 0}])
def test_there_is_not_always_a_well(given):
    """Above the transition, beyond the spinodal, and where so few spins do not tell the minima apart."""
    lab = waiting(**given)
    assert lab.well is lab.lifetime is None
    assert 0 <= lab.start <= 10
    with pytest.raises(ValueError, match="there is no well to wait in; got spins=10, temperature="):
        lab.waits(1)


def test_a_large_magnet_waits_longer_than_a_float_can_say():
    lab = waiting(spins=100_000)
    assert lab.lifetime == math.inf
    with pytest.raises(ValueError, match="an escape would take inf sweeps on the mean; got spins=100000, "):
        lab.waits(1)


def test_it_starts_in_the_well_or_in_the_lowest_minimum():
    assert waiting(spins=30).start == 28
    assert FiniteMagnetLab(spins=30, temperature=0.6, field=-0.05).start == 1
    assert FiniteMagnetLab(spins=100, field=0.0).start == 86


# Runs


def page_of(lab):
    """The kernels of a page, and a magnet on them at Reset."""
    kernels = Kernels(WASM.read_bytes())
    table, state = np.zeros((2, lab.spins + 1), dtype=np.int64), np.zeros(4, dtype=np.uint64)
    kernels.flip_table(1 / lab.temperature, 1.0, lab.field, table)
    kernels.split_mix(state, lab.seed)
    return kernels, np.array([lab.start]), table, state.reshape(1, 4)


def test_simulate_is_the_run_of_the_page_bit_for_bit():
    lab = FiniteMagnetLab(spins=77, seed=5)
    kernels, up, table, states = page_of(lab)
    noted = []
    for sweeps in (1, 7, 40):  # in calls of any length
        record = np.zeros((sweeps, 1), dtype=np.int64)
        kernels.walk(up, table, states, 1, record)
        noted += record[:, 0].tolist()
    trace = lab.simulate(48)
    assert trace.magnetization[0].tolist() == [(2 * k - 77) / 77 for k in noted]
    assert trace == curie_weiss.simulate(77, 1 / 0.8, 48, field=0.001, initial=np.array([lab.start]), rng=5)


@pytest.mark.parametrize("field", [-0.05, 0.05, 0.0])
def test_waits_are_those_of_the_page_bit_for_bit(field):
    lab = waiting(field=field, seed=3)
    kernels, up, table, states = page_of(lab)
    (start, stop), elapsed, waits, since = lab.well, np.zeros(1, dtype=np.int64), [], 0
    while len(waits) < 5:
        left = 10 - elapsed[0] % 10  # to the end of a sweep
        kernels.first_passage(up, table, states, stop, left, elapsed)
        if up[0] == stop:
            waits.append((elapsed[0] - since) / 10)
            since = elapsed[0]
            if field == 0.0:
                start, stop = stop, start
            up[0] = start
    assert lab.waits(5).tolist() == waits


def test_the_first_wait_is_that_of_first_passage():
    lab = waiting()
    start, stop = lab.well
    alone = curie_weiss.first_passage(10, 1 / 0.6, start=start, stop=stop, field=-0.05, rng=1)
    assert lab.waits(1).tolist() == alone.tolist()
    assert lab.waits(0).shape == (0,)


@pytest.mark.parametrize("field", [-0.05, 0.05, 0.0])
def test_waits_have_the_exact_mean(field):
    """2000 waits: a mean that is off by 9 % is seen."""
    lab = waiting(field=field)
    waits = lab.waits(2000)
    assert abs(waits.mean() - lab.lifetime) < 4 * waits.std() / math.sqrt(2000)


@pytest.mark.parametrize(("count", "error"), [(-1, ValueError), (2.0, TypeError), ("2", TypeError)])
def test_a_bad_number_of_waits_is_refused(count, error):
    with pytest.raises(error, match="count must be"):
        waiting().waits(count)


# In a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab, in a narrower window."""
    return lambda lab, **options: alone(lab, viewport={"width": 900, "height": 1000}, **options)


def told(lab):
    """What the page reports to Python, to the last bit."""
    return lab.page.evaluate("""() => Object.fromEntries(["sweeps", "magnetization", "escapes", "wait",
        "wait_error", "field", "spins", "running"].map(name => [name, window.saved[name]]))""")


def described(lab, words):
    """Wait until the page says something of that kind, and return the longer text."""
    lab.root.locator(".lab-description", has_text=words).wait_for()
    return lab.root.locator(".lab-unseen").evaluate("e => e.textContent")


@pytest.mark.browser
def test_the_page_shows_the_run_of_simulate(shown):
    lab = FiniteMagnetLab(spins=200, seed=4, speed=2000, running=False)
    page, trace = shown(lab), lab.simulate(5)
    for sweep in range(5):
        page.press("Step")
        assert told(page)["magnetization"] == trace.magnetization[0, sweep]
    page.run_for(300)
    after = told(page)
    assert after["sweeps"] > 50
    assert after["magnetization"] == lab.simulate(after["sweeps"]).magnetization[0, -1]
    page.press("Reset")
    assert told(page)["sweeps"] == 0
    assert told(page)["magnetization"] == lab.simulate(0).up[0] / 100 - 1


@pytest.mark.browser
@pytest.mark.parametrize("field", [-0.05, 0.05, 0.0])
def test_the_page_counts_the_escapes_of_waits(shown, field):
    lab = waiting(field=field, speed=5000)
    page = shown(lab)
    page.run_for(500)
    after = told(page)
    waits = lab.waits(after["escapes"])
    assert after["escapes"] > 3
    assert waits.sum() < after["sweeps"] + 1e-6  # in sweeps, each of N updates
    assert after["wait"] == pytest.approx(waits.mean(), rel=1e-12)
    assert after["wait_error"] == pytest.approx(waits.std(ddof=1) / math.sqrt(waits.size), rel=1e-9)
    assert page.readouts()["exact mean wait"] == pytest.approx(lab.lifetime, rel=2e-3)


@pytest.mark.browser
def test_the_two_limits_do_not_commute(shown):
    """At fixed N the mean goes to zero with the field, at a fixed field to m* with N."""
    page = shown(FiniteMagnetLab(field=0.01, running=False))
    page.button("Let h \u2192 0").click()
    page.page.wait_for_function("window.saved.field === 0")
    assert page.readouts()["exact \u27e8m\u27e9"] == 0
    assert page.readouts()["infinite magnet"] is None  # two values
    page.type("Field h", 0.001)
    page.type("Spins N", 100)
    assert page.readouts()["exact \u27e8m\u27e9"] == pytest.approx(0.0579, abs=6e-5)
    page.button("Let N \u2192 \u221e").click()
    page.page.wait_for_function("window.saved.spins === 100000")
    exact = page.readouts()
    assert exact["exact \u27e8m\u27e9"] == pytest.approx(exact["infinite magnet"], abs=2e-4)


@pytest.mark.browser
def test_a_hand_on_the_setting_ends_the_way_to_its_limit(shown):
    page = shown(FiniteMagnetLab(field=0.1, running=False))
    page.button("Let h \u2192 0").click()
    page.page.wait_for_timeout(300)
    page.type("Field h", 0.3)
    page.page.wait_for_timeout(300)
    assert told(page)["field"] == 0.3


@pytest.mark.browser
def test_a_weak_field_is_within_reach_of_mouse_and_keys(shown):
    """The slider and the axis of the field have room for every power of ten, and for zero."""
    page = shown(FiniteMagnetLab(field=0.0, running=False))
    slider = page.root.get_by_label("Field h, slider")
    for count, low, high in ((30, 1e-4, 1e-3), (25, 1e-3, 1e-2), (100, 0.5, 0.5)):
        for _ in range(count):
            slider.press("ArrowRight")
        assert low <= told(page)["field"] <= high
    chart = page.root.locator(".lab-chart:visible").nth(1)
    box = chart.bounding_box()
    fields = []
    for share in (0.3, 0.56, 0.75, 0.95):
        chart.click(position={"x": share * box["width"], "y": box["height"] / 2})
        fields.append(told(page)["field"])
    assert fields[0] < 0 < fields[1] < fields[2] < fields[3] <= 0.5


@pytest.mark.browser
def test_each_view_shows_its_own(shown):
    page = shown(FiniteMagnetLab(running=False))
    for view, there, gone in (
        ("escape", "A well worth waiting in", "Let h \u2192 0"),
        ("limits", "Let h \u2192 0", "A well worth waiting in"),
    ):
        page.choose("View", view)
        assert page.root.locator(".lab-chart:visible").count() == 2
        assert page.button(there).is_visible()
        assert not page.button(gone).is_visible()
        assert page.root.locator("dt", has_text="barrier").is_visible() == (view == "escape")


@pytest.mark.browser
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"spins": 1000}, "Beyond patience: an escape would take about 10\u2074\u2079 sweeps."),
        ({"spins": 100_000}, "Beyond patience: an escape would take more than 10\u00b3\u2070\u2078 sweeps."),
        ({"field": 0.0}, "The magnet waits in one of two equal wells."),
        ({"field": -0.3}, "No well to wait in: the field is beyond the spinodal, one minimum is left."),
        ({"temperature": 1.5}, "No well to wait in: at T = 1 and above there is a single minimum."),
        (
            {"temperature": 0.999, "field": 0.0},
            "No well to wait in: so few spins do not tell the two minima apart.",
        ),
    ],
)
def test_it_says_in_words_whether_there_is_a_well_to_wait_in(shown, given, words):
    lab = waiting(**given)
    page = shown(lab)
    assert words in described(page, words)
    page.press("Step")
    assert told(page)["escapes"] == (None if lab.well is None else 0)
    assert page.readouts()["escapes"] == told(page)["escapes"]


@pytest.mark.browser
def test_a_preset_leads_to_a_well(shown):
    page = shown(waiting(temperature=1.5))
    page.button("A well worth waiting in").click()
    long = described(page, "waits in the upper well, against the field")
    assert long.startswith("30 spins at temperature 0.6 in a field of \u22120.05. ")
    assert "The barrier is 4.0 times the temperature. On the mean an escape takes 316 sweeps" in long
    assert page.running


@pytest.mark.browser
@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "In between: the field favours one sign, and the other still occurs."),
        ({"spins": 100}, "The field is too weak for so few spins: both signs occur, and the mean is small."),
        ({"spins": 10_000}, "The mean of so many spins is nearly that of the infinite magnet."),
        ({"field": 0.0}, "Without a field both signs are equally likely: the mean is 0, whatever N is."),
        ({"field": 0.0, "temperature": 1.5}, "No field, no order: one peak at m = 0."),
    ],
)
def test_it_says_in_words_how_the_mean_compares(shown, given, words):
    lab = FiniteMagnetLab(running=False, **given)
    long = described(shown(lab), words)
    assert f"{lab.spins} spins at temperature {lab.temperature:g} " in long
    assert f"The exact mean of m is {abs(lab.mean):.3f}" in long


@pytest.mark.browser
def test_who_asks_for_less_motion_starts_it_by_hand(shown):
    page = shown(FiniteMagnetLab(), reduced_motion="reduce")
    assert not page.running
    assert "Paused" in page.status
