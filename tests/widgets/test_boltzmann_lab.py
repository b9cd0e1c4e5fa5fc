"""BoltzmannLab from Python and on a page: its data, its steps of learning, and what is pressed and shown."""

import math

import numpy as np
import pytest

from smbook.boltzmann import BoltzmannMachine
from smbook.kernels import boltzmann as kernels
from smbook.kernels.rng import seed_state
from smbook.widgets import BoltzmannLab, compiler
from tests.wasm import Kernels

# All data, kinds of averages and connections; more rows than chains among them, and the ends of the seeds.
CASES = [
    {"hidden": 1},
    {"hidden": 3, "averages": "sampled", "chains": 37, "seed": 2**53 - 1},
    {"data": "and", "hidden": 0, "rate": 1.0, "scale": 0.0, "seed": 0},
    {"data": "bars-2", "hidden": 2, "connections": "restricted", "rate": 0.3},
    {"data": "bars-3", "hidden": 3, "seed": 4},
    {"data": "ring", "hidden": 1, "averages": "sampled", "chains": 20, "scale": 1.0},
    {"data": "own", "hidden": 1, "averages": "sampled", "connections": "restricted"},
]
IDS = [f"{case.get('data', 'xor')} {case['hidden']} {case.get('averages', 'exact')}" for case in CASES]


def states(n):
    """Return the states of n units in the order of their numbers, (2^n, n)."""
    return 2.0 * (np.arange(2**n)[:, None] >> np.arange(n) & 1) - 1


# Data


def test_a_gate_is_its_truth_table():
    assert {tuple(row) for row in BoltzmannLab(data="xor").rows.tolist()} == {
        (a, b, 1 if a != b else -1) for a in (-1, 1) for b in (-1, 1)
    }
    assert {tuple(row) for row in BoltzmannLab(data="and").rows.tolist()} == {
        (a, b, 1 if a == b == 1 else -1) for a in (-1, 1) for b in (-1, 1)
    }


@pytest.mark.parametrize("side", [2, 3])
def test_bars_and_stripes_have_equal_rows_or_equal_columns(side):
    lab = BoltzmannLab(data=f"bars-{side}")
    pictures = states(side**2).reshape(-1, side, side)
    fits = (pictures == pictures[:, :1]).all(axis=(1, 2)) | (pictures == pictures[:, :, :1]).all(axis=(1, 2))
    np.testing.assert_array_equal(lab.law > 0, fits)
    np.testing.assert_allclose(lab.shares, 1 / (2 ** (side + 1) - 2), rtol=1e-15)


def test_the_ring_has_the_law_of_gibbs():
    spins = states(6)
    weights = np.exp(0.6 * (spins * np.roll(spins, 1, axis=1)).sum(axis=1))
    np.testing.assert_allclose(BoltzmannLab(data="ring").law, weights / weights.sum(), rtol=1e-13)


def test_own_rows_count_as_often_as_they_come_and_as_much_as_they_weigh():
    lab = BoltzmannLab(X=[[1, -1], [-1, 1], [1, -1]], sample_weight=[1.0, 2.0, 5.0])
    assert lab.data == "own"
    np.testing.assert_array_equal(lab.law, [0, 0.75, 0.25, 0])
    np.testing.assert_array_equal(lab.rows, [[1, -1], [-1, 1]])
    np.testing.assert_array_equal(lab.shares, [0.75, 0.25])
    lab.data = "xor"
    assert lab.rows.shape == (4, 3)
    lab.learn(np.ones((1, 9), dtype=np.int8))
    assert (lab.data, lab.law.size, lab.law[-1]) == ("own", 512, 1.0)
    assert BoltzmannLab(X=[[1, 1]], data="and").data == "own"


@pytest.mark.parametrize(
    ("rows", "weights", "error", "words"),
    [
        ([1, -1], None, ValueError, r"X must have the shape \(rows, visible units\); got \(2,\)"),
        (np.ones((0, 3), dtype=int), None, ValueError, "X must have at least one row"),
        (np.ones((2, 10), dtype=int), None, ValueError, "X must have at most 9 columns; got 10"),
        ([[1, 0]], None, ValueError, r"X must hold \+1 and -1 only; got 0 at \(0, 1\)"),
        ([[1, -1], [1]], None, TypeError, "X must hold real numbers in rows of one length"),
        (
            [[1, -1]],
            [1.0, 2.0],
            ValueError,
            r"must hold 1 numbers, one a row; got shape \(2,\)",
        ),
        ([[1, -1]], [-1.0], ValueError, "sample_weight must be at least 0; got -1"),
        ([[1, -1]], [math.nan], ValueError, "sample_weight must be finite; got nan"),
        ([[1, -1]], [0.0], ValueError, "sample_weight must be positive for some row"),
    ],
)
def test_rows_that_make_no_law_are_refused_and_leave_all_as_it_was(rows, weights, error, words):
    with pytest.raises(error, match=words):
        BoltzmannLab(X=rows, sample_weight=weights)
    lab = BoltzmannLab(data="and")
    with pytest.raises(error, match=words):
        lab.learn(rows, weights)
    assert (lab.data, lab._own) == ("and", b"")


def test_weights_without_rows_are_refused():
    with pytest.raises(TypeError, match="sample_weight needs X"):
        BoltzmannLab(sample_weight=[1.0])


# Learning


def by_numpy(lab, n_steps):
    """Return couplings, fields and KL of exact learning by the formulas, in the plainest way."""
    start = lab.simulate(0)
    couplings, fields, data = start.couplings.copy(), start.fields.copy(), lab.law
    n, n_hidden = fields.size, lab.hidden
    spins = states(n)
    visible = np.arange(n) < n - n_hidden
    mask = (visible[:, None] != visible) | (lab.connections == "full")
    np.fill_diagonal(mask, False)
    for step in range(n_steps + 1):
        weights = np.exp(0.5 * np.einsum("ki,ij,kj->k", spins, couplings, spins) + spins @ fields)
        free = (weights / weights.sum()).reshape(2**n_hidden, -1)
        law = free.sum(axis=0)
        clamped = free / law * data
        kl = (data * np.log(np.where(data > 0, data, 1) / law)).sum()
        push = (clamped - free).ravel()
        if step < n_steps:
            couplings += lab.rate * mask * (spins.T @ (push[:, None] * spins))
            fields += lab.rate * push @ spins
    gap = max(np.abs(push @ spins).max(), np.abs(mask * (spins.T @ (push[:, None] * spins))).max())
    return couplings, fields, law, kl, gap


@pytest.mark.parametrize("case", [case for case in CASES if "averages" not in case])
def test_exact_steps_are_those_of_the_formulas(case):
    lab = BoltzmannLab(**case)
    lesson = lab.simulate(12)
    couplings, fields, law, kl, gap = by_numpy(lab, 12)
    np.testing.assert_allclose(lesson.couplings, couplings, atol=1e-12)
    np.testing.assert_allclose(lesson.fields, fields, atol=1e-12)
    np.testing.assert_allclose(lesson.law, law, atol=1e-13)
    assert lesson.kl[-1] == pytest.approx(kl, abs=1e-12)
    assert lesson.difference[-1] == pytest.approx(gap, abs=1e-12)


@pytest.mark.parametrize("case", [case for case in CASES if "averages" not in case])
def test_the_class_learns_the_same_from_the_same_start(case):
    lab = BoltzmannLab(**case)
    lesson, given = lab.simulate(25), {"connections": lab.connections, "learning_rate": lab.rate}
    machine = BoltzmannMachine(lab.hidden, n_epochs=25, **given)
    machine.fit(lab.rows, sample_weight=lab.shares, initial=lab.network)
    np.testing.assert_allclose(machine.network_.couplings, lesson.couplings, atol=1e-11)
    np.testing.assert_allclose(machine.network_.fields, lesson.fields, atol=1e-11)
    np.testing.assert_allclose(machine.history_.kl, lesson.kl, atol=1e-11)
    np.testing.assert_allclose(machine.history_.gradient, lesson.difference, atol=1e-11)


def test_xor_needs_a_hidden_unit():
    """Its pairs are those of independent units, ln 2 away. Without a first push none is learned."""
    lab = BoltzmannLab(hidden=0)
    lesson = lab.simulate(600)
    assert lesson.kl[-1] == pytest.approx(math.log(2), abs=1e-10)
    assert np.abs(lesson.couplings).max() < 1e-9
    assert lesson.kl.min() > math.log(2) - 1e-12
    lab.hidden = 1
    assert lab.simulate(1000).kl[-1] < 0.08
    lab.scale = 0.0
    assert lab.simulate(1000).kl[-1] == pytest.approx(math.log(2), abs=1e-14)


def test_a_ring_is_found_again_from_its_averages():
    found = BoltzmannLab(data="ring", hidden=0).simulate(1000)
    neighbours = np.roll(np.eye(6), 1, axis=1) + np.roll(np.eye(6), -1, axis=1)
    np.testing.assert_allclose(found.couplings, 0.6 * neighbours, atol=1e-4)
    np.testing.assert_allclose(found.fields, 0, atol=1e-8)
    assert found.kl[-1] < 1e-8


def test_restricted_machines_couple_no_visible_units():
    couplings = BoltzmannLab(hidden=3, connections="restricted").simulate(20).couplings
    assert not couplings[:3, :3].any()
    assert not couplings[3:, 3:].any()
    assert np.all(couplings[:3, 3:] != 0)


def test_clamped_chains_show_the_rows_in_turn_and_there_is_one_for_each():
    lab = BoltzmannLab(data="ring", hidden=2, chains=10, averages="sampled")
    lesson = lab.simulate(5)
    np.testing.assert_array_equal(lesson.clamped[:, :6], lab.rows)
    assert lesson.free.shape == (10, 8)
    few = BoltzmannLab(chains=10).simulate(5)
    np.testing.assert_array_equal(few.clamped[:, :3], BoltzmannLab().rows[np.arange(10) % 4])


def test_samples_teach_what_exact_averages_teach():
    """Averages of 1000 chains scatter by 1/sqrt(1000); over 300 steps at a small rate this averages out."""
    given = {"data": "ring", "hidden": 0, "rate": 0.02, "scale": 0.0}
    exact = BoltzmannLab(**given).simulate(300)
    sampled = BoltzmannLab(**given, averages="sampled", chains=1000).simulate(300)
    assert np.abs(exact.couplings - sampled.couplings).max() < 0.06
    assert sampled.kl[-1] < 0.02
    assert sampled.difference[1:].mean() > 0.03


def test_the_first_couplings_have_the_given_deviation_and_are_the_same_whatever_is_connected():
    mask, wide = np.ones((100, 100), dtype=np.int8), np.empty((100, 100))
    kernels.draw_couplings(seed_state(3), 0.5, mask, wide)
    np.testing.assert_array_equal(wide, wide.T)
    assert not np.diag(wide).any()
    numbers = wide[np.tril_indices(100, -1)]
    assert abs(numbers.mean()) < 4 * 0.5 / math.sqrt(4950)
    assert abs(numbers.std() / 0.5 - 1) < 4 / math.sqrt(2 * 4950)
    full, restricted = (
        BoltzmannLab(hidden=2, connections=kind).simulate(0).couplings for kind in ("full", "restricted")
    )
    np.testing.assert_array_equal(full[:3, 3:], restricted[:3, 3:])


@pytest.mark.parametrize("n_steps", [-1, 2.5, True])
def test_simulate_refuses_what_is_no_number_of_steps(n_steps):
    with pytest.raises((TypeError, ValueError), match="n_steps"):
        BoltzmannLab().simulate(n_steps)


def test_a_lesson_is_equal_to_one_of_the_same_numbers():
    lab = BoltzmannLab(seed=5)
    lesson = lab.simulate(3)
    assert lesson == lab.simulate(3)
    assert lesson != lab.simulate(4)
    assert repr(lesson) == f"Lesson(3 steps, 3 visible and 1 hidden units, KL {lesson.kl[-1]:.4g})"


def test_the_network_is_that_of_reset_until_a_page_speaks():
    lab = BoltzmannLab(data="bars-2", hidden=1)
    lesson = lab.simulate(7)
    assert lab.network.energy(np.ones(5, np.int8)) == pytest.approx(-lab.simulate(0).couplings.sum() / 2)
    lab.set_state({"_weights": memoryview(np.append(lesson.couplings, lesson.fields).tobytes())})
    np.testing.assert_array_equal(lab.network.couplings, lesson.couplings)
    np.testing.assert_array_equal(lab.network.fields, lesson.fields)
    lab.hidden = 0
    np.testing.assert_array_equal(lab.network.couplings, lab.simulate(0).couplings)


def test_the_first_couplings_are_the_same_in_wasm():
    wasm, found, expected = Kernels(compiler.WASM.read_bytes()), np.empty((5, 5)), np.empty((5, 5))
    states = seed_state(8), seed_state(8)
    mask = np.tri(5, k=-1, dtype=np.int8) + np.tri(5, k=-1, dtype=np.int8).T
    mask[0, 1] = mask[1, 0] = 0
    wasm.draw_couplings(states[0], 0.3, mask, found)
    kernels.draw_couplings(states[1], 0.3, mask, expected)
    assert found.tobytes() == expected.tobytes()
    assert states[0].tobytes() == states[1].tobytes()


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(BoltzmannLab(**({"running": False} | given)))


TOLD = """() => ({
    steps: saved.steps, kl: saved.kl, difference: saved.difference, outside: saved.outside,
    weights: [...new Float64Array(saved._weights.buffer)], chains: [...new Int8Array(saved._chains.buffer)],
})"""
SETTING = "name => model.get(name)"
PRESS_STEP = """(root, times) => {
    const step = [...root.querySelectorAll("button")].find(e => e.textContent === "Step");
    for (let k = 0; k < times; k += 1) step.click();
}"""


def check_run(lab, python, n_steps):
    """Compare the page with the run of so many steps, bit for bit, and what it reads out."""
    lesson, told = python.simulate(n_steps), lab.page.evaluate(TOLD)
    assert told["steps"] == n_steps
    assert told["weights"] == [*lesson.couplings.ravel(), *lesson.fields]
    assert told["chains"] == [*lesson.clamped.ravel(), *lesson.free.ravel()]
    assert told["kl"] == lesson.kl[-1]
    assert told["difference"] == lesson.difference[-1]
    data = python.law
    assert told["outside"] == pytest.approx(lesson.law[data == 0].sum(), abs=1e-14)
    entropy = -(data[data > 0] * np.log(data[data > 0])).sum()
    readouts = lab.readouts()
    assert readouts["KL"] == pytest.approx(lesson.kl[-1], abs=0.501e-4)
    assert readouts["at best"] == pytest.approx(-entropy, abs=0.501e-4)
    assert readouts["log-likelihood"] == pytest.approx(-entropy - lesson.kl[-1], abs=0.501e-4)
    return lesson


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_page_and_numba_learn_the_same(shown, case):
    lab, python = shown(**case), BoltzmannLab(**case)
    for n_steps in range(3):
        check_run(lab, python, n_steps)
        lab.press("Step")
    lab.root.evaluate(PRESS_STEP, 30)
    lesson = check_run(lab, python, 33)
    told = lab.page.evaluate(TOLD)
    python.set_state({"_weights": memoryview(np.array(told["weights"]).tobytes())})
    np.testing.assert_array_equal(python.network.couplings, lesson.couplings)
    lab.press("Reset")
    check_run(lab, python, 0)


@pytest.mark.browser
@pytest.mark.parametrize("case", [CASES[0], CASES[5]], ids=[IDS[0], IDS[5]])
def test_the_page_has_learned_the_same_after_running_freely(shown, case):
    lab, python = shown(**case, speed=1000.0), BoltzmannLab(**case)
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 100")
    lab.pause()
    check_run(lab, python, int(lab.readouts()["steps"]))


@pytest.mark.browser
def test_own_rows_are_shown_and_learned(shown):
    given = {"X": [[1, 1, -1, -1, 1], [-1, 1, 1, 1, 1], [1, 1, 1, 1, 1]], "sample_weight": [1, 2, 5]}
    lab, python = shown(**given), BoltzmannLab(**given)
    lab.root.evaluate(PRESS_STEP, 5)
    check_run(lab, python, 5)
    assert "Data: 3 of 32 patterns." in lab.root.inner_text()
    assert lab.root.locator(".lab-patterns button").count() == 0


@pytest.mark.browser
def test_a_step_goes_on_when_rate_or_averages_change_and_all_else_begins_anew(shown):
    lab = shown()
    for label, value in (("Learning rate", 0.5), ("Averages", "sampled")):
        lab.press("Step")
        steps = lab.readouts()["steps"]
        if type(value) is str:
            lab.choose(label, value)
        else:
            lab.type(label, value)
        assert lab.readouts()["steps"] == steps > 0
    python = BoltzmannLab(rate=0.5, averages="sampled")
    for label, name, value in (
        ("Hidden units", "hidden", 2),
        ("Couplings", "connections", "restricted"),
        ("First couplings", "scale", 0.25),
        ("Chains", "chains", 12),
        ("Seed", "seed", 7),
        ("Data", "data", "bars-2"),
    ):
        lab.press("Step")
        if type(value) is str:
            lab.choose(label, value)
        else:
            lab.type(label, value)
        setattr(python, name, value)
        check_run(lab, python, 0)
    lab.press("Other weights")
    python.seed = 8
    check_run(lab, python, 0)


AXIS = """root => Math.max(...[...root.querySelectorAll(".lab-chart:has(.lab-boxes) .lab-axes text")]
    .map(e => parseFloat(e.textContent)).filter(Number.isFinite))"""
BOXES = """root => [...root.querySelectorAll(".lab-boxes.measured")].map(e => e.getAttribute("d"))"""


@pytest.mark.browser
def test_bars_are_as_high_as_the_law_of_the_machine(shown):
    lab = shown(hidden=2)
    lab.root.evaluate(PRESS_STEP, 200)
    path = lab.root.evaluate(BOXES)[0]
    heights = []
    for box in path.split("Z")[:-1]:
        foot, top = box.split("V")[0].split()[1], box.split("V")[1].split("H")[0]
        heights.append((float(foot) - float(top)) / (230 - 34 - 44) * 0.3)
    np.testing.assert_allclose(heights, BoltzmannLab(hidden=2).simulate(200).law, atol=2e-4)


@pytest.mark.browser
def test_the_axis_of_probabilities_grows_with_the_bars_and_shrinks_again(shown):
    """Strong couplings of the start make some pictures likelier than three times what the data say."""
    given = {"data": "bars-2", "hidden": 3, "scale": 1.0, "seed": 2}
    lab, python = shown(**given), BoltzmannLab(**given)
    heights = [python.simulate(k).law.max() for k in (0, 300)]
    assert heights[0] > 0.3 > 0.18 > heights[1]
    assert lab.root.evaluate(AXIS) >= heights[0]
    lab.root.evaluate(PRESS_STEP, 300)
    assert lab.root.evaluate(AXIS) == 0.2


def pressed(lab):
    buttons = lab.root.locator(".lab-patterns button")
    return buttons.evaluate_all("all => all.map(e => e.getAttribute('aria-pressed') === 'true')")


@pytest.mark.browser
def test_patterns_are_put_in_and_out_by_mouse_and_by_key(shown):
    lab = shown(data="bars-2")
    assert pressed(lab) == (BoltzmannLab(data="bars-2").law > 0).tolist()
    buttons = lab.root.locator(".lab-patterns button")
    buttons.nth(1).click()
    assert lab.page.evaluate(SETTING, "data") == "own"
    expected = BoltzmannLab(data="bars-2").law > 0
    expected[1] = True
    assert pressed(lab) == expected.tolist()
    assert lab.root.get_by_label("Data", exact=True).input_value() == "own"
    python = BoltzmannLab(X=states(4)[expected].astype(int))
    check_run(lab, python, 0)
    buttons.nth(0).focus()
    lab.page.keyboard.press("Space")
    expected[0] = False
    assert pressed(lab) == expected.tolist()
    assert buttons.nth(0).evaluate("e => e === document.activeElement")
    assert buttons.nth(1).inner_text() == "+\u2212\u2212\u2212"
    for k in np.flatnonzero(expected):
        buttons.nth(int(k)).click()
    assert sum(pressed(lab)) == 1
    assert lab.status == "One pattern at least must stay in the data."
    lab.press("Step")
    check_run(lab, BoltzmannLab(X=[[1, 1, 1, 1]]), 1)
    lab.choose("Data", "xor")
    assert pressed(lab) == (BoltzmannLab().law > 0).tolist()
    lab.choose("Data", "own")
    assert sum(pressed(lab)) == 1


@pytest.mark.browser
def test_what_a_page_was_given_as_own_comes_back_to_python(shown):
    lab = shown()
    lab.root.locator(".lab-patterns button").nth(7).click()
    own = lab.page.evaluate("[...new Uint8Array(saved._own.buffer)]")
    python = BoltzmannLab()
    python.set_state({"_own": memoryview(bytes(own)), "data": "own"})
    np.testing.assert_array_equal(python.law, np.where([1, 0, 0, 1, 0, 1, 1, 1], 0.2, 0))


CHAINS = """root => [...root.querySelectorAll(".lab-tiles")].map(svg =>
    [...svg.querySelectorAll(".lab-dot")].map(e => (e.getAttribute("d").match(/M/g) ?? []).length))"""


@pytest.mark.browser
def test_eight_chains_of_each_phase_are_seen(shown):
    lab = shown(hidden=2, averages="sampled")
    lab.root.evaluate(PRESS_STEP, 3)
    lesson = BoltzmannLab(hidden=2, averages="sampled").simulate(3)
    expected = [[(chains[:8] < 0).sum(), (chains[:8] > 0).sum()] for chains in (lesson.clamped, lesson.free)]
    assert lab.root.evaluate(CHAINS) == expected
    frames = lab.root.locator(".lab-clamp").evaluate_all(
        "all => all.map(e => e.getAttribute('d').length > 0)"
    )
    assert frames == [True, False]
    assert "one sweep a step" in lab.root.inner_text()


@pytest.mark.browser
def test_presets_ask_first_and_words_and_lines_tell_what_was_learned(shown):
    lab = shown(speed=1000.0, rate=0.2)
    words = lab.root.locator(".lab-description")
    lab.press("XOR, nothing hidden")
    assert not lab.running
    assert lab.status.startswith("Predict first")
    assert "Before the first step" in words.inner_text()
    lab.root.evaluate(PRESS_STEP, 300)
    assert "nothing is left to learn; the laws still differ" in words.inner_text()
    assert lab.readouts()["KL"] == pytest.approx(math.log(2), abs=1e-4)
    assert lab.readouts()["largest coupling"] == 0
    assert lab.root.locator(".lab-edge").count() == 0
    lab.press("XOR, one hidden unit")
    assert lab.status.endswith("Then press Start.")
    lab.start()
    assert lab.status == ""
    words.filter(has_text="Learned").wait_for(timeout=60_000)
    lab.pause()
    lab.press("Ising ring")
    assert not lab.running
    assert lab.page.evaluate(SETTING, "hidden") == 0
    assert lab.root.locator(".lab-edge").count() == 15
    lab.root.evaluate(PRESS_STEP, 600)
    assert lab.root.locator(".lab-edge").count() == 6
    assert lab.readouts()["largest coupling"] == 0.6
    lab.press("From samples")
    assert lab.status.endswith("Then press Start.")
    assert lab.page.evaluate(SETTING, "averages") == "sampled"
    lab.press("Step")
    assert "Learning from samples" in words.inner_text()
    long = lab.root.locator(".lab-unseen").text_content()
    assert "3 visible and 1 hidden units learn" in long
    assert "After 1 step KL is" in long


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    given = {"data": "bars-2", "hidden": 2, "averages": "sampled", "rate": 0.05, "seed": 5}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert repr(again) == repr(BoltzmannLab(**given, running=False))


OWN = [
    {"X": states(3)[[1, 6, 7]].astype(int)},
    {"X": [[1, -1], [-1, 1], [-1, -1]], "sample_weight": [1, 2, 5]},
    {"X": states(9)[::3].astype(int)},
]


def copied(lab):
    """Return what the lab copies; a long text is not shown to its end."""
    lab.page.evaluate(CLIPBOARD)
    lab.press("Copy link", "Copy as Python")
    return lab.page.wait_for_function("window.copied").json_value()


@pytest.mark.browser
@pytest.mark.parametrize("given", OWN, ids=["equal", "weighed", "many"])
def test_what_is_copied_carries_own_rows(alone, given):
    python = BoltzmannLab(**given, hidden=0, running=False)
    again = eval(copied(alone(python)))
    assert repr(again) == repr(python)
    np.testing.assert_array_equal(again.law, python.law)
    link = copied(alone(python, name="lab-1"))
    assert len(link) < 500
    lab = alone(BoltzmannLab(running=False), name="lab-1")
    lab.page.evaluate("link => { location.hash = link.split('#')[1]; }", link)
    lab.page.wait_for_function("model.get('data') === 'own'")
    assert lab.status == ""
    check_run(lab, python, 0)
    lab.press("Step")
    check_run(lab, python, 1)


CLIPBOARD = """() => {
    const clipboard = { writeText: async text => { window.copied = text; } };
    Object.defineProperty(navigator, "clipboard", { value: clipboard });
}"""


@pytest.mark.browser
@pytest.mark.parametrize(
    "own", ["", "x", "0_1", "10_1", "2_0", "2_1f", "2_g", "2_3_0.5", "2_3_0.5_0.6", "2_3_-1_2", "2_3_a_b"]
)
def test_a_link_without_rows_says_so_and_changes_nothing(alone, own):
    lab = alone(BoltzmannLab(running=False), name="lab-1")
    lab.page.evaluate("own => { location.hash = `lab-1?own=${own}`; }", own)
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    assert lab.status == f"There are no rows in own={own}."
    check_run(lab, BoltzmannLab(), 0)


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 400])
@pytest.mark.parametrize("data", ["bars-2", "ring"])
def test_a_narrow_page_does_not_scroll_sideways_and_can_be_read_and_touched(alone, width, data):
    lab = alone(BoltzmannLab(data=data, running=False), viewport={"width": width, "height": 700})
    assert lab.page.evaluate("document.documentElement.scrollWidth") == width
    sizes = lab.root.evaluate(
        """root => [...root.querySelectorAll("svg text")].map(e =>
            parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)"""
    )
    assert min(sizes) >= 11
    buttons = lab.root.locator("button").evaluate_all(
        "all => all.map(e => e.getBoundingClientRect()).map(({width, height}) => Math.min(width, height))"
    )
    assert min(buttons) >= 24
