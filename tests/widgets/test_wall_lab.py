"""WallLab from Python and on a page: settings that refuse nonsense, theory beside them, run and charts."""

import math
import re

import numpy as np
import pytest

from smbook import ising
from smbook.theory import ising as theory
from smbook.widgets import WallLab
from tests.browser import PIXELS

CASES = [(8, 0.2), (9, 4.0), (64, 1.0), (65, 0.5), (1024, 0.5), (1024, 2.0)]


# Theory beside the settings


@pytest.mark.parametrize(("size", "temperature"), CASES)
def test_the_properties_are_those_of_theory(size, temperature):
    lab = WallLab(size=size, temperature=temperature)
    walls = np.arange(0, size + 1, 2)
    states = np.array([math.log(2 * math.comb(size, w)) for w in walls])
    free_energy = 2 * walls - temperature * states
    np.testing.assert_allclose(lab.free_energy, free_energy, rtol=1e-12, atol=1e-10)
    assert lab.likeliest_walls == walls[free_energy.argmin()]
    assert lab.first_pair == pytest.approx(free_energy[1] - free_energy[0], abs=1e-10)
    assert lab.expected_walls == pytest.approx(size * (1 + theory.ring(size, 1 / temperature).energy) / 2)
    weight = np.exp((free_energy.min() - free_energy) / temperature)
    assert lab.expected_walls == pytest.approx(weight @ walls / weight.sum(), rel=1e-8)
    for value in (lab.expected_walls, lab.first_pair, lab.free_pair_size):
        assert type(value) is float
    assert type(lab.likeliest_walls) is int


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_price_of_the_first_pair_changes_its_sign_at_the_free_size(temperature):
    size = WallLab(temperature=temperature).free_pair_size
    for n in range(8, 200):
        assert (WallLab(size=n, temperature=temperature).first_pair > 0) == (n < size)


# The run of the page


@pytest.mark.parametrize("initial", ["up", "random"])
def test_simulate_is_the_simulation_of_the_package(initial):
    lab = WallLab(size=101, temperature=0.8, initial=initial, seed=9)
    ours = lab.simulate(40, thin=4)
    assert ours == ising.simulate(101, 1 / 0.8, 40, initial=initial, thin=4, rng=9)
    assert ours.energy.shape == (10,)


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True])
def test_simulate_refuses_what_simulate_refuses(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        WallLab().simulate(n_sweeps)


def test_the_ring_has_as_many_walls_as_expected():
    """A mean over 40,000 sweeps; its error is that of the means of 40 blocks."""
    lab = WallLab(size=64, temperature=1.0)
    walls = 64 * (1 + lab.simulate(41_000).energy[1000:]) / 2
    blocks = walls.reshape(40, -1).mean(axis=1)
    assert abs(blocks.mean() - lab.expected_walls) < 4 * blocks.std(ddof=1) / math.sqrt(40)


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(WallLab(**({"running": False} | given)))


def rows(lab, size):
    """Read the sweeps off the picture, one a row, the first on top."""
    letters = np.frombuffer(lab.root.evaluate(PIXELS).encode(), dtype="S1").reshape(-1, size)
    drawn = letters[letters[:, 0] != b"?"]
    assert set(drawn.flat) <= {b"u", b"d"}
    return np.where(drawn == b"u", 1, -1)


@pytest.mark.browser
@pytest.mark.parametrize(("size", "initial"), [(8, "up"), (65, "random"), (1024, "random")])
def test_the_page_and_numba_show_the_same_spins(shown, size, initial):
    given = {"size": size, "temperature": 1.3, "initial": initial, "seed": 2**53 - 1}
    lab, python = shown(**given), WallLab(**given)
    for _ in range(4):
        lab.press("Step")
    picture = rows(lab, size)
    assert len(picture) == 5
    for n_sweeps, row in enumerate(picture):
        np.testing.assert_array_equal(row, python.simulate(n_sweeps).spins)
    assert lab.readouts()["walls"] == np.count_nonzero(picture[-1] != np.roll(picture[-1], 1))


@pytest.mark.browser
def test_a_long_run_scrolls_and_keeps_its_latest_sweeps(shown):
    lab = shown(size=48, speed=2000.0)
    lab.run_for(800)
    picture, n_sweeps = rows(lab, 48), int(lab.readouts()["sweeps"])
    assert len(picture) == 150 < n_sweeps
    for age in (0, 1, 149):
        np.testing.assert_array_equal(picture[-1 - age], WallLab(size=48).simulate(n_sweeps - age).spins)


@pytest.mark.browser
def test_another_number_of_spins_is_another_run_as_good_as_the_first(shown):
    """Its arrays take the place of the last ones."""
    lab = shown(size=1024)
    for size in (8, 777, 9):
        lab.type("Spins N", size)
        lab.press("Step")
        np.testing.assert_array_equal(rows(lab, size)[-1], WallLab(size=size).simulate(1).spins)


@pytest.mark.browser
def test_the_read_outs_are_those_of_python(shown):
    lab = shown(size=64, temperature=1.0)
    for size, temperature in CASES:
        lab.type("Spins N", size)
        lab.type("Temperature T", temperature)
        python, told = WallLab(size=size, temperature=temperature), lab.readouts()
        assert told["exact mean"] == pytest.approx(python.expected_walls, rel=0.006)
        assert told["pair free at N"] == pytest.approx(python.free_pair_size, rel=0.006)
        assert told["walls"] == told["sweeps"] == 0
        words = lab.root.locator("dt", has_text="first pair costs").locator("+ dd").inner_text()
        assert float(words.replace("\u2212", "-").removesuffix(" J")) == pytest.approx(
            python.first_pair, abs=0.0501
        )


# The ticks of a chart, as their strokes and numbers, and the lines and dots that are drawn.
CHART = r"""(root, k) => {
    const chart = root.querySelectorAll(".lab-chart")[k];
    const last = e => e.getAttribute("class").split(" ").at(-1);
    const numbers = [...chart.querySelectorAll(".lab-axes path + text")];
    const seen = e => e.getAttribute("visibility") === "visible";
    return [
        numbers.map(e => [e.previousSibling.getAttribute("d"), e.textContent]),
        [...chart.querySelectorAll(".lab-line")].map(e => [last(e), e.getAttribute("d")]),
        [...chart.querySelectorAll("circle")].filter(seen)
            .map(e => [last(e), Number(e.getAttribute("cx")), Number(e.getAttribute("cy"))]),
    ];
}"""
POWERS = {f"10{sign}": f"1e{k}" for k, sign in enumerate("⁴⁵", start=4)}
PAIR, BALANCE, SHARES = range(3)  # the order of the charts


class Drawn:
    """What a chart of a lab shows, in the units of its axes; x may be the exponent of 10."""

    def __init__(self, lab, k, *, logarithmic=False):
        ticks, lines, dots = lab.root.evaluate(CHART, k)
        axes = ([], [])
        for stroke, text in ticks:
            x, y, dx, _ = map(float, re.findall(r"-?[\d.]+", stroke))
            value = float(POWERS.get(text, text).replace("\u2212", "-"))
            axes[dx != 0].append((y, value) if dx else (x, math.log10(value) if logarithmic else value))
        self.x, self.y = (np.poly1d(np.polyfit(*zip(*axis, strict=True), 1)) for axis in axes)
        self.pixels = 1.5 * abs(self.y[1])  # as exact as a drawing is
        self.dots = {kind: (self.x(u), self.y(v)) for kind, u, v in dots}
        self.lines = {kind: self.points(path or "") for kind, path in lines}

    def points(self, path):
        u, v = np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path), dtype=float).reshape(-1, 2).T
        return self.x(u), self.y(v)


@pytest.mark.browser
@pytest.mark.parametrize(("size", "temperature"), [(8, 0.5), (64, 1.0), (1024, 0.5), (1023, 4.0)])
def test_the_charts_of_walls_are_those_of_theory(shown, size, temperature):
    lab, python = shown(size=size, temperature=temperature), WallLab(size=size, temperature=temperature)
    balance, shares = Drawn(lab, BALANCE), Drawn(lab, SHARES)
    walls = 2 * np.arange(len(balance.lines["third"][0]))
    heat = np.array([temperature * math.log(2 * math.comb(size, w)) for w in walls])
    assert walls[-1] >= min(size - size % 2, 2 * python.expected_walls)
    for kind, exact in {"third": 2 * walls, "beyond": heat, "theory": 2 * walls - heat}.items():
        np.testing.assert_allclose(balance.lines[kind][0], walls, atol=0.01 * walls[-1])
        np.testing.assert_allclose(balance.lines[kind][1], exact, atol=balance.pixels)
    for kind, w in {"theory": python.likeliest_walls, "now": 0}.items():
        found_w, found = balance.dots[kind]
        assert found_w == pytest.approx(w, abs=0.01 * walls[-1])
        assert found == pytest.approx(python.free_energy[w // 2], abs=balance.pixels)
    weight = np.exp((python.free_energy.min() - python.free_energy) / temperature)
    exact = (weight / weight.sum())[: len(walls)]
    np.testing.assert_allclose(shares.lines["theory"][1][::2], exact, atol=shares.pixels)


@pytest.mark.browser
@pytest.mark.parametrize(("size", "temperature"), [(8, 0.5), (64, 1.0), (1024, 3.0)])
def test_the_chart_of_the_first_pair_is_that_of_theory(shown, size, temperature):
    pair = Drawn(shown(size=size, temperature=temperature), PAIR, logarithmic=True)
    python = WallLab(size=size, temperature=temperature)
    decades, gain = pair.lines["beyond"]
    inside = decades > 0.5
    exact = temperature * np.log(10**decades * (10**decades - 1) / 2)[inside]
    np.testing.assert_allclose(gain[inside], exact, atol=2 * pair.pixels)
    assert pair.lines["third"][1] == pytest.approx([4, 4], abs=pair.pixels)
    assert pair.dots["theory"] == pytest.approx((math.log10(python.free_pair_size), 4), abs=pair.pixels)
    assert pair.dots["now"] == pytest.approx((math.log10(size), 4 - python.first_pair), abs=pair.pixels)
    assert abs(np.diff(pair.lines["theory"][1])[0]) == pytest.approx(abs(python.first_pair), abs=pair.pixels)


@pytest.mark.browser
def test_the_charts_make_room_for_the_walls_that_there_are(shown):
    """From random spins half of the bonds are walls, where one is expected."""
    lab = shown(size=1024, temperature=0.3, initial="random")
    walls = lab.readouts()["walls"]
    assert walls > 400
    assert Drawn(lab, BALANCE).dots["now"][0] == pytest.approx(walls, abs=5)
    lab.type("Temperature T", 0.5)
    lab.type("Sweeps a second", 2000)
    lab.run_for(2000)
    end = Drawn(lab, BALANCE)
    assert end.lines["third"][0][-1] < 200
    assert end.dots["now"][0] == pytest.approx(lab.readouts()["walls"], abs=1)


@pytest.mark.browser
def test_the_mean_is_that_of_the_sweeps_since_the_temperature_was_moved(shown):
    lab, python = shown(size=64, speed=2000.0), WallLab(size=64)
    lab.start()
    lab.page.wait_for_function("window.saved?.sweeps > 4000")
    assert lab.readouts()["mean walls"] == pytest.approx(python.expected_walls, rel=0.15)
    lab.pause()
    told = lab.page.evaluate("[window.saved.mean_walls, window.saved.walls]")
    assert told[0] == pytest.approx(lab.readouts()["mean walls"], abs=0.05)
    assert told[1] == lab.readouts()["walls"]
    lab.type("Temperature T", 2)
    assert lab.readouts()["mean walls"] is None
    lab.start()
    lab.page.wait_for_function("before => saved.sweeps > before + 2000", arg=lab.readouts()["sweeps"])
    python.temperature = 2.0
    assert lab.readouts()["mean walls"] == pytest.approx(python.expected_walls, rel=0.15)
    lab.pause()
    lab.press("Clear histogram")
    assert lab.readouts()["mean walls"] is None


@pytest.mark.browser
def test_presets_and_a_pull_at_the_chart_set_the_ring(shown):
    lab = shown()
    for name, size, temperature in (("Short and cold", 16, 0.5), ("Long and cold", 1024, 0.5)):
        lab.press(name)
        assert lab.running
        assert [lab.page.evaluate(f"model.get('{key}')") for key in ("size", "temperature")] == [
            size,
            temperature,
        ]
    lab.pause()
    lab.press("N where the pair is free")
    assert lab.page.evaluate("model.get('size')") == 78 == round(WallLab(temperature=0.5).free_pair_size)
    lab.type("Temperature T", 0.2)
    lab.press("N where the pair is free")
    assert lab.page.evaluate("model.get('size')") == 1024
    assert "kept between 8 and 1024" in lab.status
    chart = lab.root.locator(".lab-chart").nth(PAIR)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    lab.page.mouse.click(box["x"] + 0.5 * box["width"], box["y"] + 0.5 * box["height"])
    drawn = Drawn(lab, PAIR, logarithmic=True)
    assert math.log10(lab.page.evaluate("model.get('size')")) == pytest.approx(drawn.x(180), abs=0.02)


@pytest.mark.browser
def test_the_words_say_whether_walls_come_in_and_do_not_chatter(shown):
    lab = shown(temperature=0.5)
    said = lab.root.locator(".lab-description")
    for size, words in ((16, "they stay away"), (78, "they come and go"), (300, "they come in")):
        lab.type("Spins N", size)
        gain = 4 - WallLab(size=size, temperature=0.5).first_pair
        said.filter(has_text=f"= 4.0 \u2212 {gain:.1f} =").filter(has_text=words).wait_for()
        told = lab.root.locator(".lab-unseen").inner_text()
        assert told.startswith(f"A ring of {size} spins at temperature 0.5, after 0 sweeps: no walls now")
    sentence = said.inner_text()
    lab.run_for(2500)
    assert lab.readouts()["walls"] > 0
    assert said.inner_text() == sentence


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    lab = shown(size=100, temperature=0.75, initial="random", seed=5)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert repr(again) == repr(WallLab(size=100, temperature=0.75, initial="random", seed=5, running=False))
