"""HopfieldLab from Python and on a page: patterns, the four rules, recall, painting, and what it says."""

import re

import numpy as np
import pytest

from smbook import hopfield
from smbook.datasets import LETTERS
from smbook.datasets import letters as drawn_letters
from smbook.hopfield import DenseMemory, corrupt, overlap, random_patterns
from smbook.kernels import associative as kernels
from smbook.theory.hopfield import CAPACITY
from smbook.widgets import HopfieldLab, compiler
from tests.browser import PIXELS
from tests.wasm import Kernels
from tests.widgets.alone import FRAMES

RULES = ("hebb", "pseudo-inverse", "polynomial", "exponential")
# One of each rule, cold and warm; N no square of an even number and seeds at the ends among them.
CASES = [
    {"rule": "hebb", "side": 10, "count": 6, "cue": 3},
    {"rule": "pseudo-inverse", "kind": "random", "side": 9, "count": 30, "cue": 30, "seed": 2**53 - 1},
    {"rule": "polynomial", "side": 11, "count": 40, "degree": 5, "cue": 12, "seed": 0},
    {"rule": "exponential", "side": 9, "count": 60, "noise": 0.5, "cue": 220},
    {"rule": "hebb", "temperature": 0.7, "side": 9},
    {"rule": "pseudo-inverse", "temperature": 0.3, "count": 9, "side": 8},
    {"rule": "polynomial", "temperature": 0.4, "kind": "random", "side": 8},
    {"rule": "exponential", "temperature": 1.5, "side": 10},
]
IDS = [f"{case['rule']} at {case.get('temperature', 0)}" for case in CASES]


# The patterns and the recall


def letters(side=16):
    return drawn_letters(side, units="spin")


def test_letters_come_first_and_random_patterns_behind_them():
    lab = HopfieldLab(count=14, side=12, seed=5)
    np.testing.assert_array_equal(lab.patterns[:10], letters(12))
    np.testing.assert_array_equal(lab.patterns[10:], random_patterns(4, 144, rng=5))
    assert lab.load == 14 / 144
    lab.kind = "random"
    np.testing.assert_array_equal(lab.patterns, random_patterns(14, 144, rng=5))


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_simulate_is_a_recall_of_the_package(case):
    lab = HopfieldLab(**case)
    patterns = lab.patterns
    spoiled = corrupt(patterns[min(lab.cue, len(patterns)) - 1], lab.noise, rng=lab.seed)
    given = {"order": "random", "max_sweeps": 5, "rng": lab.seed}
    if lab.temperature:
        given["beta"] = 1 / lab.temperature
    if lab.rule in ("polynomial", "exponential"):
        expected = DenseMemory(patterns, lab.rule, degree=lab.degree).recall(spoiled, **given)
    else:
        expected = hopfield.recall(lab.network, spoiled, patterns=patterns, **given)
    assert lab.simulate(5) == expected
    np.testing.assert_array_equal(lab.spins, spoiled)


def test_the_couplings_of_the_pseudo_inverse_are_those_of_the_package():
    lab = HopfieldLab(rule="pseudo-inverse", count=12)
    expected = hopfield.pseudo_inverse(lab.patterns).couplings
    np.testing.assert_allclose(lab.network.couplings, expected, atol=3e-7)
    assert lab.network.dtype == np.float32


def test_hebb_loses_a_letter_far_below_its_load_of_random_patterns_and_projection_does_not():
    """Eight letters leave J to Hebb's rule, nine do not; of random patterns it would keep many more."""
    given = {"noise": 0.2, "cue": 6}
    assert LETTERS[5] == "J"
    end = lambda **more: HopfieldLab(**given, **more).simulate(100).overlaps[-1, 5]  # noqa: E731
    assert end(count=8) == 1
    assert end(count=9) < 0.75
    assert end(count=9, rule="pseudo-inverse") == 1
    assert end(count=9, rule="polynomial") == 1
    assert end(count=9, kind="random") == 1
    assert HopfieldLab(count=9).load < CAPACITY / 3


@pytest.mark.parametrize("rule", RULES)
def test_the_energy_never_rises_where_there_is_no_noise(rule):
    for count, seed in ((4, 1), (40, 2), (90, 3)):
        lab = HopfieldLab(rule=rule, kind="random", side=10, count=count, noise=0.4, seed=seed)
        run = lab.simulate(100)
        assert run.period == 1
        assert (np.diff(run.energy) <= 1e-6 * abs(run.energy[0])).all()


def test_patterns_of_the_reader_are_stored():
    own = random_patterns(3, 50, rng=3)
    lab = HopfieldLab(patterns=own, cue=3, noise=0.1, count=99)
    np.testing.assert_array_equal(lab.patterns, own)
    assert lab.simulate(50).overlaps[-1, 2] == 1
    lab.patterns = None
    assert lab.patterns.shape == (99, 256)


def test_what_was_drawn_on_the_page_comes_last_until_the_size_changes():
    lab, drawn = HopfieldLab(), np.where(np.arange(256) % 3, 1, -1).astype(np.int8)
    lab.set_state({"_drawn": memoryview(drawn.tobytes())})
    assert lab.patterns.shape == (5, 256)
    np.testing.assert_array_equal(lab.patterns[4], drawn)
    lab.cue = 5
    assert lab.simulate(9).overlaps[-1, 4] == 1
    lab.side = 8
    assert lab.patterns.shape == (4, 64)


@pytest.mark.parametrize(
    ("patterns", "error", "words"),
    [
        ([[1, -1]], TypeError, "patterns must be an int8 array; got list"),
        (np.ones((2, 4)), TypeError, "patterns must be an int8 array; got dtype float64"),
        (np.ones(4, dtype=np.int8), ValueError, r"patterns must have the shape \(P, N\); got \(4,\)"),
        (np.zeros((2, 4), dtype=np.int8), ValueError, r"patterns must hold \+1 and -1 only; got 0"),
        (np.ones((0, 4), dtype=np.int8), ValueError, "patterns must be 1 to 200; got 0"),
        (np.ones((201, 4), dtype=np.int8), ValueError, "patterns must be 1 to 200; got 201"),
        (np.ones((1, 1025), dtype=np.int8), ValueError, "patterns must have at most 1024 neurons; got 1025"),
    ],
)
def test_what_are_no_patterns_is_refused_and_leaves_all_as_it_was(patterns, error, words):
    own = random_patterns(2, 30, rng=1)
    lab = HopfieldLab(patterns=own)
    with pytest.raises(error, match=words):
        HopfieldLab(patterns=patterns)
    with pytest.raises(error, match=words):
        lab.patterns = patterns
    np.testing.assert_array_equal(lab.patterns, own)


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True, None])
def test_simulate_refuses_what_is_no_number_of_sweeps(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        HopfieldLab().simulate(n_sweeps)


def mixture_of(patterns, signs):
    return np.sign(np.array(signs) @ patterns.astype(int)).astype(np.int8)


def test_the_kernel_compares_with_a_mixture():
    patterns = random_patterns(6, 99, rng=1)
    members, signs = np.array([1, 4, 5]), np.array([1, -1, 1], dtype=np.int8)
    mixed, sites = mixture_of(patterns[members], signs), np.ascontiguousarray(patterns.T)
    wasm = Kernels(compiler.WASM.read_bytes())
    for spins in (mixed, -mixed, corrupt(mixed, 0.2, rng=1), patterns[0]):
        expected = overlap(mixed, spins)
        assert kernels.mixture_overlap(sites, members, signs, spins) == expected
        assert wasm.mixture_overlap(sites, members, signs, spins.copy()) == expected


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(HopfieldLab(**({"running": False} | given)))


REPORTED = "() => [...new Int8Array(saved._spins.buffer)]"
COUNT = "() => model.get('updates')"


def neurons(lab, shape):
    """Read the state off the picture."""
    letters = np.array(list(lab.root.evaluate(PIXELS)))
    assert set(letters) <= {"u", "d"}
    return np.where(letters == "u", 1, -1).reshape(shape)


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_page_and_numba_recall_the_same(shown, case):
    """Neuron for neuron at the end of each of some sweeps, and the energy of each."""
    python = HopfieldLab(**case)
    n = python.patterns.shape[1]
    lab = shown(**case, speed=100_000.0)
    for n_sweeps in (0, 1, 2):
        missing = n_sweeps * n - lab.page.evaluate(COUNT)
        lab.root.evaluate(PRESS_STEP, missing)
        run = python.simulate(n_sweeps)
        np.testing.assert_array_equal(lab.page.evaluate(REPORTED), run.spins)
        np.testing.assert_array_equal(neurons(lab, n), run.spins)
        assert lab.page.evaluate("model.get('energy')") == pytest.approx(run.energy[-1] / n, rel=1e-13)
        told, nearest = lab.readouts(), np.abs(run.overlaps[-1]).argmax()
        assert told["its overlap m"] == pytest.approx(run.overlaps[-1, nearest], abs=0.501e-3)
        assert lab.page.evaluate("model.get('nearest')") == nearest + 1
        if run.sweeps < n_sweeps:
            assert told["sweeps"] == run.sweeps
            break
    python.set_state({"_spins": memoryview(run.spins.tobytes())})
    np.testing.assert_array_equal(python.spins, run.spins)


PRESS_STEP = """(root, times) => {
    const step = [...root.querySelectorAll("button")].find(e => e.textContent === "Step");
    for (let k = 0; k < times; k += 1) step.click();
}"""


ENERGIES = "root => root.querySelector('.lab-chart .lab-line.measured').getAttribute('d')"


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES[:4], ids=IDS[:4])
def test_the_page_comes_to_rest_where_numba_does_on_a_line_that_never_rises(shown, case):
    lab = shown(**case, speed=900.0)
    run = HopfieldLab(**case).simulate(100)
    lab.start()
    lab.page.wait_for_function(f"window.saved?.sweeps === {run.sweeps}")
    lab.page.wait_for_timeout(100)
    assert lab.page.evaluate(COUNT) == run.sweeps * run.spins.size
    np.testing.assert_array_equal(lab.page.evaluate(REPORTED), run.spins)
    heights = [float(y) for y in re.findall(r"[ML][\d.]+ ([\d.]+)", lab.root.evaluate(ENERGIES))]
    assert len(heights) > 20
    assert (np.diff(heights) >= 0).all()  # pixels are counted from the top
    assert heights[-1] > heights[0] + 5
    lab.press("Step")
    assert "At rest" in lab.status


@pytest.mark.browser
def test_patterns_of_any_size_are_shown_in_rows(shown):
    own = random_patterns(3, 30, rng=2)
    lab = shown(patterns=own, noise=0.0, cue=2)
    drawn = np.array(list(lab.root.evaluate(PIXELS))).reshape(5, 6)
    np.testing.assert_array_equal(np.where(drawn == "u", 1, -1).ravel(), own[1])
    for hidden in ("Patterns", "Neurons a side", "Patterns stored"):
        assert not lab.root.get_by_label(hidden, exact=True).is_visible()
    lab = shown(patterns=own[:, :29].copy(), noise=0.0)
    drawn = np.array(list(lab.root.evaluate(PIXELS)))
    assert drawn[29] == "?"
    np.testing.assert_array_equal(np.where(drawn[:29] == "u", 1, -1), own[0, :29])


def said(lab, words):
    lab.root.locator(".lab-description").filter(has_text=words).wait_for()


@pytest.mark.browser
def test_a_mixture_is_named_with_its_signs(shown):
    """The state sign(xi^1 - xi^2 + xi^3), painted with some neurons wrong, is a minimum of Hebb's rule."""
    stored = random_patterns(3, 144, rng=1)
    lab = shown(patterns=stored, speed=100_000.0)
    paint_all(lab, corrupt(mixture_of(stored, [1, -1, 1]), 0.03, rng=3))
    lab.start()
    said(lab, re.compile(r"Mixture of (.*1|.*2|.*3), .* and .*: (9\d|100)\s% of the neurons agree\."))
    words = lab.root.locator(".lab-description").inner_text()
    names = re.match(r"Mixture of (.*), (.*) and (.*):", words).groups()
    assert set(names) == {"1", "\u22122", "3"}


@pytest.mark.browser
def test_the_words_say_where_the_neurons_have_come_to_rest(shown):
    lab, drawn = shown(noise=0.2, speed=100_000.0), letters()
    lab.start()
    said(lab, "Letter A recalled: overlap 1.00.")
    long = lab.root.locator(".lab-unseen")
    long.filter(has_text="the nearest pattern is letter A, with an overlap of 1.00").wait_for(
        state="attached"
    )
    aloud = lab.root.locator(".lab-aloud")
    aloud.filter(has_text="Letter A recalled").wait_for(state="attached")
    seen = lab.root.evaluate("""root => {
        [...root.querySelectorAll("button")].find(e => e.textContent === "Corrupt").click();
        return root.querySelector(".lab-description").textContent;
    }""")
    assert seen == "Letter A, corrupted."  # at once, though it runs and has come to rest
    lab.press("Reset")
    paint_all(lab, -drawn[1])
    said(lab, "Mirror image of letter C: overlap \u22121.00.")
    lab.type("Temperature T", 0.3)
    said(lab, "Fluctuating near the mirror image of letter C.")
    lab.type("Temperature T", 1.5)
    said(lab, "Fluctuating, near none of the stored patterns.")


@pytest.mark.browser
def test_one_letter_too_many_and_the_cure(shown):
    lab = shown(speed=100_000.0)
    lab.press("Eight letters")
    lab.page.wait_for_function("saved.overlap === 1")
    lab.press("One too many")
    said(lab, "None of the stored ones (spurious): largest overlap 0.70, with letter J.")
    lab.press("The cure")
    lab.page.wait_for_function("saved.overlap === 1")
    assert "9/256 = 0.035" in lab.root.inner_text()
    assert lab.field("Patterns stored").input_value() == "9"
    lab.choose("Patterns", "random")
    assert lab.button("Eight letters").is_visible()


@pytest.mark.browser
def test_a_pattern_is_cued_by_its_picture_and_its_bar_shows_the_overlap(shown):
    lab = shown(noise=0.1, count=15)
    assert lab.root.locator(".lab-gallery button").count() == 12
    assert "and 3 more" in lab.root.inner_text()
    lab.root.get_by_role("button", name="V", exact=True).press("Enter")
    assert lab.page.evaluate("model.get('cue')") == 4
    pressed = "nodes => nodes.filter(e => e.ariaPressed === 'true').map(e => e.textContent)"
    assert lab.root.locator(".lab-gallery button").evaluate_all(pressed) == ["V"]
    python = HopfieldLab(noise=0.1, count=15, cue=4)
    told = lab.root.locator(".lab-gallery .lab-value").all_inner_texts()
    expected = overlap(python.patterns[:12], python.spins)
    np.testing.assert_allclose([float(text.replace("\u2212", "-")) for text in told], expected, atol=0.00501)
    lab.choose("Pattern cued", "15")
    np.testing.assert_array_equal(neurons(lab, 256), HopfieldLab(noise=0.1, count=15, cue=15).spins)


@pytest.mark.browser
def test_corrupt_tries_again_with_other_neurons_of_the_pattern_cued(shown):
    """Exactly as many as Python's `round` says: of 40.5 the even 40."""
    lab, letter = shown(noise=0.5, side=9), letters(9)[0]
    first = neurons(lab, 81)
    np.testing.assert_array_equal(first, HopfieldLab(noise=0.5, side=9).spins)
    for _ in range(3):
        lab.press("Corrupt")
        again = neurons(lab, 81)
        assert (again != letter).sum() == 40
        assert (again != first).any()
        assert lab.root.locator(".lab-description").inner_text() == "Letter A, corrupted."
        lab.root.evaluate(PRESS_STEP, 30)
    lab.press("Reset")
    np.testing.assert_array_equal(neurons(lab, 81), first)
    lab.press("Random start")
    assert 20 < (neurons(lab, 81) != letter).sum() < 61
    assert lab.root.locator(".lab-description").inner_text() == "Random neurons."
    lab.type("Corrupted share", 0)
    lab.press("Corrupt")
    assert "no neuron is turned" in lab.status
    np.testing.assert_array_equal(neurons(lab, 81), letter)
    assert lab.root.locator(".lab-description").inner_text() == "Letter A, as it is."


@pytest.mark.browser
def test_corrupt_spares_what_was_painted(shown):
    """It is corrupted in the place of the pattern, again and again, until Reset or another choice."""
    lab, letter = shown(noise=0.25, side=9), letters(9)[0]
    drawn = random_patterns(1, 81, rng=4)[0]
    paint_all(lab, drawn)
    assert lab.root.locator(".lab-description").inner_text() == "What you painted."
    for _ in range(2):
        lab.press("Corrupt")
        assert (neurons(lab, 81) != drawn).sum() == 20
        words = lab.root.locator(".lab-description").inner_text()
        assert words == "The picture you painted on, corrupted."
        lab.root.evaluate(PRESS_STEP, 100)
    for back in ("Reset", "Random start"):
        lab.press(back)
        lab.press("Corrupt")
        assert (neurons(lab, 81) != letter).sum() == 20


@pytest.mark.browser
def test_stories_of_letters_are_told_where_an_author_shows_letters(shown):
    lab = shown(kind="random", side=10, count=9)
    assert not lab.button("Eight letters").is_visible()
    lab.choose("Patterns", "letters")
    assert not lab.button("The cure").is_visible()


@pytest.mark.browser
def test_another_pattern_than_the_one_cued_is_told_from_it(shown):
    stored = random_patterns(2, 100, rng=1)
    given = {"patterns": stored, "noise": 0.5, "seed": 5, "speed": 100_000.0}
    assert HopfieldLab(**given).simulate(9).overlaps[-1, 1] == 1
    lab = shown(**given)
    lab.start()
    said(lab, "Pattern 2 recalled in the place of pattern 1: overlap 1.00.")


@pytest.mark.browser
def test_a_picture_is_painted_by_mouse_and_keys_and_recalled(shown):
    lab = shown(noise=0.0, speed=100_000.0)
    box = lab.root.locator("canvas").bounding_box()
    at = lambda u, v: (box["x"] + u * box["width"], box["y"] + v * box["height"])  # noqa: E731
    mouse = lab.page.mouse
    mouse.move(*at(0.02, 0.02))
    mouse.down()
    mouse.move(*at(0.02, 0.6))
    mouse.up()
    lab.choose("Brush paints", "-1")
    canvas = lab.root.locator("canvas")
    canvas.focus()
    for key in ["ArrowUp"] * 5 + [" ", "Tab"]:
        canvas.press(key)
    changed = (neurons(lab, 256) != letters()[0]).reshape(16, 16)
    assert changed[:9, 0].sum() == 9
    assert changed[2:7, 6:10].any()
    m = overlap(letters()[0], neurons(lab, 256).astype(np.int8))
    assert lab.readouts()["its overlap m"] == pytest.approx(m, abs=0.501e-3)
    lab.start()
    said(lab, "Letter A recalled: overlap 1.00.")


@pytest.mark.browser
def test_what_is_drawn_can_be_stored_recalled_and_forgotten(shown):
    lab = shown(noise=0.0, speed=100_000.0)
    lab.press("Store this picture")
    assert "letter A already" in lab.status
    assert not lab.button("Forget mine").is_visible()
    checks = np.where(np.add.outer(np.arange(16), np.arange(16) // 3) % 4 < 2, 1, -1).astype(np.int8).ravel()
    paint_all(lab, checks)
    lab.press("Store this picture")
    assert "Stored as your picture 1." in lab.status
    np.testing.assert_array_equal(lab.page.evaluate("[...new Int8Array(saved._drawn.buffer)]"), checks)
    lab.type("Corrupted share", 0.2)
    lab.press("mine 1")
    python = HopfieldLab(noise=0.2, cue=5)
    python.set_state({"_drawn": memoryview(checks.tobytes())})
    np.testing.assert_array_equal(neurons(lab, 256), python.spins)
    lab.start()
    said(lab, "Your picture 1 recalled: overlap 1.00.")
    lab.press("Forget mine")
    assert lab.root.locator(".lab-gallery button").count() == 4


@pytest.mark.browser
def test_drawings_of_another_size_are_forgotten(shown):
    lab = shown(noise=0.2)
    lab.press("Store this picture")
    lab.type("Neurons a side", 8)
    assert lab.root.locator(".lab-gallery button").count() == 4
    np.testing.assert_array_equal(neurons(lab, 64), HopfieldLab(noise=0.2, side=8).spins)


@pytest.mark.browser
def test_patterns_that_depend_on_others_add_nothing_to_the_projection_aloud(shown):
    stored = random_patterns(2, 64, rng=1)
    lab = shown(patterns=np.array([*stored, -stored[0]]), rule="pseudo-inverse")
    assert "1 of the patterns depend" in lab.status
    expected = hopfield.pseudo_inverse(stored).couplings
    python = HopfieldLab(patterns=np.array([*stored, -stored[0]]), rule="pseudo-inverse")
    np.testing.assert_allclose(python.network.couplings, expected, atol=1e-7)


@pytest.mark.browser
def test_the_compact_view_shows_itself_until_it_is_touched(shown):
    lab = shown(view="compact", running=True, speed=2000.0)
    lab.page.wait_for_function("model.get('cue') === 2", timeout=10_000)
    said(lab, "Paint over one.")
    lab.press("Corrupt")
    lab.page.wait_for_function("saved.overlap === 1")
    lab.page.wait_for_timeout(1200)
    assert lab.page.evaluate("model.get('cue')") == 2
    assert lab.root.locator("input:visible, select:visible").count() == 4


@pytest.mark.browser
def test_the_compact_view_waits_for_a_reader_who_asks_for_less_motion(alone):
    lab = alone(HopfieldLab(view="compact"), reduced_motion="reduce")
    assert not lab.running
    assert "motion" in lab.status
    lab.start()
    lab.page.wait_for_function("window.saved?.updates > 20")


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    given = {"kind": "random", "side": 10, "count": 7, "rule": "polynomial", "degree": 4, "cue": 5, "seed": 3}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert repr(again) == repr(HopfieldLab(**given, running=False))


@pytest.mark.browser
@pytest.mark.parametrize("rule", RULES)
def test_a_thousand_neurons_are_quick(shown, record_property, rule):
    """A sweep a frame, warm so that it never rests. Only a broken build misses the floor."""
    lab = shown(rule=rule, kind="random", side=32, count=100, temperature=0.2, speed=61_440.0, running=True)
    lab.page.wait_for_function("window.saved?.sweeps > 0")
    before = lab.page.evaluate(COUNT)
    lengths = lab.page.evaluate(FRAMES, 600)
    pace = {"frames": 1000 / np.mean(lengths), "sweeps": (lab.page.evaluate(COUNT) - before) / 1024}
    for name, value in pace.items():
        record_property(name, float(value))
    print(f"N = 1024, P = 100, {rule}: {pace}, 95 of 100 within {np.percentile(lengths, 95):.0f} ms")
    assert pace["frames"] > 5
    assert pace["sweeps"] > 3


def paint_all(lab, spins):
    """Paint neuron by neuron, with strokes that are as short as can be."""
    side = int(np.sqrt(spins.size))
    lab.root.evaluate(
        """(root, [spins, side]) => {
            const canvas = root.querySelector("canvas");
            const brush = root.querySelector("select[id^=lab-brush]");
            const box = canvas.getBoundingClientRect();
            canvas.setPointerCapture = () => {};
            for (const value of [1, -1]) {
                brush.value = String(value);
                brush.dispatchEvent(new Event("change"));
                spins.forEach((spin, i) => {
                    if (spin !== value) return;
                    const clientX = box.left + (i % side + 0.5) / side * box.width;
                    const clientY = box.top + (Math.floor(i / side) + 0.5) / side * box.height;
                    for (const kind of ["pointerdown", "pointerup"])
                        canvas.dispatchEvent(new PointerEvent(kind, {clientX, clientY, pointerId: 1}));
                });
            }
        }""",
        [spins.tolist(), side],
    )
