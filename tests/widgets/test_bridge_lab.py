"""BridgeLab from Python and on a page: from Hopfield's network to the machine, one law, and what it says."""

import math
import re

import numpy as np
import pytest

from smbook.boltzmann import RBM
from smbook.hopfield import corrupt, hebb, overlap, random_patterns, recall
from smbook.kernels import bridge as kernels
from smbook.kernels.hopfield import find_sums
from smbook.kernels.rng import seed_state
from smbook.statistics import binned_error
from smbook.theory.boltzmann import marginal_energy, soft_retrieval, soft_unit
from smbook.widgets import BridgeLab, HopfieldLab, compiler
from tests.browser import PIXELS
from tests.wasm import Kernels
from tests.widgets.alone import FRAMES

# None, some and all hidden units drawn, Gaussian, soft and binary; sizes and seeds at the ends among them.
CASES = {
    "a network": {"side": 10, "count": 6, "cue": 3},
    "half-way": {"side": 9, "count": 5, "drawn": 2, "seed": 2**53 - 1},
    "a machine": {"side": 8, "count": 4, "drawn": 4, "temperature": 1.3, "noise": 0.5, "seed": 0},
    "soft, summed out": {"kind": "random", "side": 11, "count": 40, "softness": 0.6, "cue": 100},
    "soft, half-way": {"kind": "random", "side": 8, "count": 9, "drawn": 5, "softness": 0.3},
    "binary": {"side": 10, "count": 3, "drawn": 100, "softness": 0.0, "temperature": 0.05},
    "binary, summed out": {"side": 8, "count": 12, "softness": 0.0, "temperature": 2.0},
}


def of_each(case):
    return pytest.mark.parametrize("case", case.values(), ids=case)


# From Python


def test_patterns_are_those_of_the_memory():
    for given in ({"count": 14, "side": 12, "seed": 5}, {"kind": "random", "count": 3}):
        lab = BridgeLab(**given)
        np.testing.assert_array_equal(lab.patterns, HopfieldLab(**given).patterns)
    assert BridgeLab(count=14, side=12).load == 14 / 144


@pytest.mark.parametrize("count", [1, 5, 40])
@pytest.mark.parametrize("temperature", [0.05, 0.5, 1.0, 2.0])
def test_a_network_of_gaussian_units_is_the_recall_of_hebbs_rule(temperature, count):
    """Bit for bit, sweep by sweep, as long as no hidden unit is drawn."""
    for seed in (0, 3, 2**53 - 1):
        lab = BridgeLab(kind="random", side=9, count=count, temperature=temperature, noise=0.4, seed=seed)
        spoiled = corrupt(lab.patterns[0], 0.4, rng=seed)
        given = {"order": "random", "beta": 1.0 / temperature, "rng": seed}
        for n_sweeps in (0, 1, 2, 3, 20):
            run = lab.simulate(n_sweeps)
            expected = recall(hebb(lab.patterns), spoiled, max_sweeps=n_sweeps, **given)
            np.testing.assert_array_equal(run.spins, expected.spins)
            np.testing.assert_array_equal(run.overlaps, expected.overlaps)
            np.testing.assert_allclose(run.energy, expected.energy - count / 2, rtol=1e-12)
            assert np.isnan(run.drawn).all()


@of_each(CASES)
def test_what_is_noted_is_what_the_theory_says_of_the_neurons(case):
    lab = BridgeLab(**case)
    run, n, beta = lab.simulate(5), lab.side**2, 1 / lab.temperature
    np.testing.assert_array_equal(run.overlaps[-1], overlap(lab.patterns, run.spins))
    unit = soft_unit(math.sqrt(beta * n) * run.overlaps, lab.softness)
    np.testing.assert_allclose(run.hidden_means, unit.mean, rtol=1e-12, atol=1e-14)
    energy = marginal_energy(lab.patterns, run.spins, beta, softness=lab.softness)
    assert run.energy[-1] == pytest.approx(float(energy), rel=1e-12)
    drawn = np.isfinite(run.drawn)
    assert not drawn[0].any()
    assert (drawn[1:] == (np.arange(lab.count) < lab.drawn)).all()
    if lab.softness == 0:
        assert set(np.abs(run.drawn[drawn]).tolist()) <= {1.0}


@of_each(CASES)
def test_a_run_goes_on_from_a_shorter_one(case):
    lab = BridgeLab(**case)
    short, long = lab.simulate(3), lab.simulate(7)
    for one, other in zip(short[1:], long[1:], strict=True):
        np.testing.assert_array_equal(one, other[:4])
    assert lab.simulate(7) == long != short
    assert repr(long).startswith("BridgeRun(7 sweeps of ")


def test_means_of_the_neurons_are_the_same_wherever_the_slider_stands():
    """Means of sum_mu m_mu^2 over 19,000 sweeps each: |z| < 4, with errors of 1 %."""
    found = []
    for k in (0, 3, 6):
        lab = BridgeLab(kind="random", side=8, count=6, drawn=k, softness=0.8, temperature=0.9)
        squares = (lab.simulate(20_000).overlaps[1000:] ** 2).sum(axis=1)
        found.append(binned_error(squares, n_bins=40))
    for value, error in found[1:]:
        assert abs(value - found[0].value) < 4 * math.hypot(error, found[0].error)
        assert error < 0.02 * value


def test_with_all_units_drawn_it_is_the_restricted_machine():
    """The energy of the neurons is the free energy of a machine with weights sqrt(beta / N) xi."""
    lab = BridgeLab(drawn=4, temperature=0.7)
    weights = np.sqrt(1 / 0.7 / 256) * lab.patterns.T.astype(float)
    machine = RBM.from_parameters(weights, visible="spin", hidden="gaussian")
    run = lab.simulate(10)
    np.testing.assert_allclose(machine.free_energy(run.spins[None]), run.energy[-1] / 0.7, rtol=1e-6)


def test_retrieval_needs_a_temperature_below_the_softness():
    """Four random patterns of 576 neurons, beside m of a large network; binary units lose theirs at any T."""

    def m(temperature, softness, **given):
        lab = BridgeLab(
            kind="random", side=24, temperature=temperature, softness=softness, noise=0.1, **given
        )
        return lab.simulate(400).overlaps[100:, 0].mean()

    for temperature, softness in ((0.5, 1.0), (0.5, 0.8), (0.3, 0.5)):
        for k in (0, 4):
            assert m(temperature, softness, drawn=k) == pytest.approx(
                soft_retrieval(temperature, softness), abs=0.04
            )
    assert abs(m(0.5, 0.3)) < 0.25
    assert abs(m(0.5, 0.0)) < 0.15


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True, None])
def test_simulate_refuses_what_is_no_number_of_sweeps(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        BridgeLab().simulate(n_sweeps)


@pytest.mark.parametrize(("n_drawn", "softness"), [(0, 1.0), (3, 1.0), (2, 0.5), (0, 0.3), (5, 0.0)])
def test_webassembly_makes_the_same_sweeps(n_drawn, softness):
    """All bits of neurons, sums, hidden units, both states, tables, means and energies."""
    n, p, beta, wasm = 97, 5, 1.7, Kernels(compiler.WASM.read_bytes())
    patterns = random_patterns(p, n, rng=1)
    sites, start = np.array(patterns.T, order="C"), corrupt(patterns[0], 0.2, rng=1)

    def course(module):
        spins, sums, units = start.copy(), np.empty(p, np.int32), np.empty(n_drawn)
        levels, means = np.empty(2 * n + 1), np.empty(p)
        find_sums(sites, spins, sums)
        module.fill_log_cosh(math.sqrt(beta / n), softness, levels)
        states = seed_state(1), seed_state(2)
        room = np.empty(n, np.uint64), np.empty(n), np.arange(n), np.zeros(4, np.int64)
        for part in (n, 30, 2 * n - 30):
            module.retrieve(sites, spins, sums, units, levels, *states, *room, beta, softness, part)
        module.find_means(math.sqrt(beta / n), softness, sums, means)
        energy = np.array([module.marginal_energy(beta, softness, sums, levels)])
        return [part.tobytes() for part in (spins, sums, units, levels, *states, *room[1:], means, energy)]

    assert course(wasm) == course(kernels)


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(BridgeLab(**({"running": False} | given)))


REPORTED = "() => [...new Int8Array(saved._spins.buffer)]"
PLACES = """root => [...root.querySelectorAll(".lab-rows > div")].map(row => {
    const box = row.querySelector(".lab-overlap").getBoundingClientRect();
    const at = e => (e.left + e.width / 2 - box.left) / box.width;
    const [bar, mean, drawn] = [...row.querySelectorAll(".lab-overlap span")];
    const ends = bar.getBoundingClientRect();
    return {
        bar: (bar.classList.contains("negative") ? -1 : 1) * ends.width / box.width,
        mean: at(mean.getBoundingClientRect()),
        drawn: drawn.checkVisibility() ? at(drawn.getBoundingClientRect()) : null,
    };
})"""
REACH = 1.3


def neurons(lab):
    letters = np.array(list(lab.root.evaluate(PIXELS)))
    assert set(letters) <= {"u", "d"}
    return np.where(letters == "u", 1, -1)


def told(lab):
    return lab.page.evaluate("() => ({...saved, _kernels: 0, _esm: 0})")


def check_run(lab, python, n_sweeps):
    """Compare the page with the run of so many sweeps: neurons, hidden units, and what is said of them."""
    run, said = python.simulate(n_sweeps), told(lab)
    n, cue = python.side**2, min(python.cue, python.count) - 1
    scale = math.sqrt(n / python.temperature)
    np.testing.assert_array_equal(lab.page.evaluate(REPORTED), run.spins)
    np.testing.assert_array_equal(neurons(lab), run.spins)
    assert said["sweeps"] == n_sweeps
    assert said["overlap"] == run.overlaps[-1, cue]
    assert said["hidden_mean"] == pytest.approx(run.hidden_means[-1, cue] / scale, rel=1e-14)
    drawn = run.drawn[-1, cue]
    expected = None if np.isnan(drawn) else pytest.approx(drawn / scale, rel=1e-14)
    assert said["drawn_value"] == expected
    assert said["energy"] == pytest.approx(run.energy[-1] / n, rel=1e-13)
    readouts = lab.readouts()
    assert readouts["overlap m"] == pytest.approx(said["overlap"], abs=0.501e-3)
    assert readouts["E / N"] == pytest.approx(said["energy"], abs=0.501e-4)


@pytest.mark.browser
@of_each(CASES)
def test_the_page_and_numba_make_the_same_sweeps(shown, case):
    python, lab = BridgeLab(**case), shown(**case)
    for n_sweeps in range(4):
        check_run(lab, python, n_sweeps)
        lab.press("Step")
    python.set_state({"_spins": memoryview(bytes(np.array(lab.page.evaluate(REPORTED), np.int8)))})
    np.testing.assert_array_equal(python.spins, python.simulate(4).spins)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["half-way", "binary"])
def test_it_is_the_same_run_after_running_freely(shown, name):
    python, lab = BridgeLab(**CASES[name]), shown(**CASES[name], speed=1000.0)
    lab.start()
    lab.page.wait_for_function("window.saved?.sweeps > 150")
    lab.pause()
    check_run(lab, python, int(lab.readouts()["sweeps"]))


@pytest.mark.browser
@of_each({name: CASES[name] for name in ("half-way", "a machine", "soft, half-way", "binary")})
def test_bars_strokes_and_dots_show_overlaps_means_and_drawn_values_on_one_scale(shown, case):
    lab, python = shown(**case), BridgeLab(**case)
    lab.press("Step")
    run, scale = python.simulate(1), math.sqrt(python.side**2 / python.temperature)
    rows = lab.root.evaluate(PLACES)
    assert len(rows) == min(python.count, 8)
    for mu, row in enumerate(rows):
        assert row["bar"] == pytest.approx(run.overlaps[1, mu] / 2 / REACH, abs=2e-3)
        assert row["mean"] == pytest.approx(0.5 + run.hidden_means[1, mu] / scale / 2 / REACH, abs=2e-3)
        if mu < python.drawn:
            value = np.clip(run.drawn[1, mu] / scale / 2 / REACH, -0.5, 0.5)
            assert row["drawn"] == pytest.approx(0.5 + value, abs=2e-3)
        else:
            assert row["drawn"] is None


@pytest.mark.browser
def test_strokes_stand_at_the_ends_of_the_bars_of_gaussian_units_and_fall_behind_of_softer_ones(shown):
    lab = shown(noise=0.0)
    first = lab.root.evaluate(PLACES)[0]
    assert first["mean"] - 0.5 == pytest.approx(first["bar"], abs=1e-3)
    lab.type("Softness Ω", 0.5)
    behind = lab.root.evaluate(PLACES)[0]
    assert behind["bar"] == first["bar"]
    assert 0.5 * first["bar"] < behind["mean"] - 0.5 < 0.6 * first["bar"]


LINES = """root => Object.fromEntries(["guide", "measured", "unstable"].map(kind =>
    [kind, root.querySelector(`.lab-chart .lab-line.${kind}`).getAttribute("d")]))"""
POINTS = "root => root.querySelector('.lab-points.drawn').getAttribute('d')"


def heights(path):
    return np.array([float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", path)])


@pytest.mark.browser
@pytest.mark.parametrize(("temperature", "softness"), [(0.5, 1.0), (0.3, 0.5), (0.5, 0.4), (0.5, 0.0)])
def test_the_chart_shows_the_course_and_the_overlap_of_a_large_network(shown, temperature, softness):
    given = {"temperature": temperature, "softness": softness, "drawn": 2}
    lab, n = shown(**given), 12
    for _ in range(n):
        lab.press("Step")
    run, scale = BridgeLab(**given).simulate(n), math.sqrt(256 / temperature)
    lines, points = lab.root.evaluate(LINES), heights(lab.root.evaluate(POINTS))
    ticks = lab.root.evaluate(
        "root => [...root.querySelectorAll('.lab-axes text')].map(e => "
        "[e.textContent, Number(e.getAttribute('y')), e.getAttribute('text-anchor')])"
    )
    ends = {float(text.replace("\u2212", "-")): y - 4 for text, y, anchor in ticks if anchor == "end"}
    value = lambda y: (y - ends[0.0]) / (ends[1.0] - ends[0.0])  # noqa: E731
    np.testing.assert_allclose(value(heights(lines["measured"])), run.overlaps[:, 0], atol=2e-3)
    np.testing.assert_allclose(value(heights(lines["unstable"])), run.hidden_means[:, 0] / scale, atol=2e-3)
    np.testing.assert_allclose(value(points), run.drawn[1:, 0] / scale, atol=2e-3)
    level = soft_retrieval(temperature, softness)
    np.testing.assert_allclose(value(heights(lines["guide"])), level, atol=2e-3)


def said(lab, words):
    lab.root.locator(".lab-description").filter(has_text=words).wait_for()


@pytest.mark.browser
def test_buttons_lead_from_network_to_machine_and_out_of_retrieval(shown):
    """The law is the same under both, and this is said; what is lost with the softness, too."""
    lab = shown(speed=500.0, seed=2)
    lab.press("Hopfield network")
    said(lab, "No hidden unit is drawn: near letter A.")
    assert "they are summed out, and the neurons move as in Hopfield's network." in lab.root.inner_text()
    assert "the law of the neurons is the same" in lab.root.inner_text()
    lab.press("Restricted machine")
    said(lab, "All hidden units are drawn: near letter A.")
    assert "block Gibbs sampling of the restricted machine" in lab.root.inner_text()
    assert "the law of the neurons is the same" in lab.root.inner_text()
    lab.press("T above Ω")
    said(lab, "All hidden units are drawn: near none of the patterns, as T is above Ω.")
    assert lab.readouts()["T / Ω"] == 1.25
    lab.press("Binary hidden units")
    said(lab, "All hidden units are drawn: near none of the patterns")
    assert lab.root.get_by_text("∞", exact=True).is_visible()
    lab.type("Drawn units", 2)
    assert "2 of 4 hidden units are drawn once a sweep, the others are summed out." in lab.root.inner_text()


@pytest.mark.browser
def test_no_more_units_are_drawn_than_there_are(shown):
    lab = shown(drawn=100, count=5)
    assert lab.field("Drawn units").input_value() == "5"
    lab.type("Patterns P", 3)
    assert lab.field("Drawn units").input_value() == "3"
    lab.type("Drawn units", 4)
    assert "Drawn units is kept between 0 and 3." in lab.status
    lab.type("Patterns P", 7)
    lab.type("Drawn units", 7)
    assert "All hidden units are drawn" in lab.root.inner_text()
    lab.press("Step")
    check_run(lab, BridgeLab(count=7, drawn=7), 1)


@pytest.mark.browser
def test_what_has_nothing_to_say_is_hidden(shown):
    lab = shown()
    lab.press("Step")
    sign, value = (
        lab.root.get_by_text(words, exact=True) for words in ("hidden unit as drawn", "hidden unit drawn")
    )
    assert not sign.is_visible()
    assert not value.is_visible()
    lab.type("Drawn units", 1)
    assert sign.is_visible()
    assert value.is_visible()
    lab.root.get_by_role("button", name="C", exact=True).press("Enter")
    assert sign.is_visible()
    assert not value.is_visible()
    assert lab.page.evaluate("model.get('cue')") == 2


@pytest.mark.browser
def test_neurons_are_painted_and_go_on_from_there(shown):
    lab = shown(noise=0.0)
    box = lab.root.locator("canvas").bounding_box()
    mouse = lab.page.mouse
    mouse.move(box["x"] + 0.03 * box["width"], box["y"] + 0.1 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.03 * box["width"], box["y"] + 0.8 * box["height"])
    mouse.up()
    painted = (neurons(lab) != BridgeLab(noise=0.0).spins).reshape(16, 16)
    assert painted[3:9, 0].all()
    assert told(lab)["overlap"] == 1 - 2 * painted.mean()
    assert lab.root.locator(".lab-description").inner_text() == "What you painted."
    lab.press("Step")
    assert told(lab)["overlap"] > 0.8


@pytest.mark.browser
def test_corrupt_turns_other_neurons_and_reset_the_first_ones_again(shown):
    lab = shown()
    first = neurons(lab)
    lab.press("Corrupt")
    letter = BridgeLab().patterns[0]
    assert (neurons(lab) != first).any()
    assert (neurons(lab) != letter).sum() == (first != letter).sum() == 51
    lab.press("Reset")
    np.testing.assert_array_equal(neurons(lab), first)


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    given = {"kind": "random", "side": 10, "count": 7, "drawn": 6, "softness": 0.35, "cue": 5, "seed": 3}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert repr(again) == repr(BridgeLab(**given, running=False))


@pytest.mark.browser
def test_the_largest_network_is_quick(shown, record_property):
    """A thousand sweeps a second are asked for. Only a broken build misses the floor."""
    given = {"kind": "random", "side": 24, "count": 100, "drawn": 50, "softness": 0.5}
    lab = shown(**given, speed=1000.0, running=True)
    lab.page.wait_for_function("window.saved?.sweeps > 0")
    before = lab.readouts()["sweeps"]
    lengths = lab.page.evaluate(FRAMES, 1000)
    pace = {"frames": 1000 / np.mean(lengths), "sweeps": lab.readouts()["sweeps"] - before}
    for name, value in pace.items():
        record_property(name, float(value))
    print(f"N = 576, P = 100: {pace}, 95 of 100 within {np.percentile(lengths, 95):.0f} ms")
    assert pace["frames"] > 5
    assert pace["sweeps"] > 5
