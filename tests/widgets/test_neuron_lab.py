"""NeuronLab from Python and on a page: nets of 1943 and the reader's own, wired by hand, step by step."""

import itertools

import numpy as np
import pytest

from smbook import perceptron
from smbook.perceptron import ThresholdNet, Unit, as_automaton, truth_table_inputs
from smbook.widgets import NeuronLab

NAMED = {
    "precession": perceptron.precession(),
    "disjunction": perceptron.disjunction(),
    "conjunction": perceptron.conjunction(),
    "conjoined-negation": perceptron.conjoined_negation(),
    "heat-illusion": perceptron.heat_illusion(),
    "memory": perceptron.latch(),
    "oscillator": perceptron.oscillator(3),
    "counter": perceptron.counter(1),
}
NETS = [*NAMED, "exclusive-or"]
# Of the last unit: inputs count up in binary, the first one is the most significant bit.
TABLES = {
    "precession": [0, 1],
    "disjunction": [0, 1, 1, 1],
    "conjunction": [0, 0, 0, 1],
    "conjoined-negation": [0, 0, 1, 0],
    "exclusive-or": [0, 1, 1, 0],
}


def random_net(seed):
    """A net of any size that a page can show, with circles, double synapses and thresholds of 0."""
    rng = np.random.default_rng(seed)
    n_inputs, n_units = rng.integers(1, 4), rng.integers(1, 7)
    wiring = rng.choice([-1, 0, 0, 1, 1, 2], size=(n_units, n_inputs + n_units))
    return wiring, rng.integers(0, 4, size=n_units)


def by_hand(wiring, thresholds, inputs):
    """The rule of 1943, unit by unit."""
    states = [[0] * len(wiring)]
    for fired in inputs:
        active = [*fired, *states[-1]]
        states.append([])
        for row, threshold in zip(wiring, thresholds, strict=True):
            excited = sum(entry * x for entry, x in zip(row, active, strict=True) if entry > 0)
            vetoed = any(x for entry, x in zip(row, active, strict=True) if entry < 0)
            states[-1].append(int(excited >= threshold and not vetoed))
    return np.array(states)


# From Python


@pytest.mark.parametrize("name", NAMED)
def test_the_nets_that_have_a_name_are_those_of_the_package(name):
    net = NeuronLab(net=name).threshold_net
    assert (net.n_inputs, net.units) == (NAMED[name].n_inputs, NAMED[name].units)
    assert all(len(called) <= 14 for called in net.names)


@pytest.mark.parametrize("name", TABLES)
def test_truth_tables(name):
    assert NeuronLab(net=name).threshold_net.truth_table().tolist() == TABLES[name]


@pytest.mark.parametrize("name", TABLES)
def test_a_wrong_net_is_caught_by_its_table(name):
    """Another threshold, or another sign of one synapse, gives another table."""
    lab = NeuronLab(net=name)
    right = lab.threshold_net.truth_table().tolist()
    wiring, thresholds = lab.wiring, lab.thresholds
    last = len(thresholds) - 1
    thresholds[last] += 1 if thresholds[last] == 1 else -1
    assert NeuronLab(wiring=wiring, thresholds=thresholds).threshold_net.truth_table().tolist() != right
    for i, j in np.argwhere(wiring):
        turned = wiring.copy()
        turned[i, j] *= -1
        wrong = NeuronLab(wiring=turned, thresholds=lab.thresholds).threshold_net
        assert wrong.truth_table().tolist() != right


def test_cold_that_is_brief_feels_hot_and_cold_that_lasts_feels_cold():
    lab = NeuronLab(net="heat-illusion")
    hot, cold = lab.names.index("feels hot") - 2, lab.names.index("feels cold") - 2
    for duration in range(1, 6):
        inputs = np.zeros((12, 2), dtype=int)
        inputs[:duration, 1] = 1
        states = lab.simulate(12, inputs).states
        assert bool(states[:, cold].any()) == (duration > 1)
        first = {k: int(np.flatnonzero(states[:, k])[0]) for k in (hot, cold) if states[:, k].any()}
        assert first == ({hot: 3} if duration == 1 else {hot: duration + 2, cold: 2})


def test_a_memory_remembers_and_an_oscillator_oscillates():
    memory = NeuronLab(net="memory")
    inputs = np.zeros((30, 2), dtype=int)
    inputs[3, 0] = inputs[20, 1] = 1
    assert np.flatnonzero(memory.simulate(30, inputs).states).tolist() == list(range(4, 21))
    ring = NeuronLab(net="oscillator", drive="pulses", first=True).simulate(30).states
    assert np.flatnonzero(ring[:, 2]).tolist() == list(range(3, 31, 3))
    assert ring.sum(axis=1).tolist() == [0] + [1] * 30


@pytest.mark.parametrize("gap", [2, 3, 5])
def test_the_counter_counts_pulses_that_are_two_steps_apart(gap):
    lab, pulses = NeuronLab(net="counter"), np.zeros((40, 1), dtype=int)
    pulses[::gap] = 1
    _, carry, bit = lab.simulate(40, pulses).states.T
    count = np.cumsum(pulses)
    assert bit[2:].tolist() == (count[:-1] % 2).tolist()
    assert np.flatnonzero(carry).tolist() == list(range(gap + 1, 41, 2 * gap))


@pytest.mark.parametrize("seed", range(10))
def test_a_net_of_the_readers_own_goes_in_and_comes_out(seed):
    wiring, thresholds = random_net(seed)
    lab = NeuronLab(wiring=wiring, thresholds=thresholds)
    assert lab.net == "own"
    np.testing.assert_array_equal(lab.wiring, wiring)
    np.testing.assert_array_equal(lab.thresholds, thresholds)
    assert NeuronLab(net=lab.threshold_net).threshold_net == lab.threshold_net
    again = eval(repr(lab), {"NeuronLab": NeuronLab})
    assert again.threshold_net == lab.threshold_net
    assert repr(again) == repr(lab)


@pytest.mark.parametrize("seed", range(10))
def test_steps_are_those_of_the_rule_and_of_the_automaton(seed):
    wiring, thresholds = random_net(seed)
    lab = NeuronLab(wiring=wiring, thresholds=thresholds, drive="random", probability=0.4, seed=seed)
    run = lab.simulate(50)
    np.testing.assert_array_equal(run.states, by_hand(wiring.tolist(), thresholds, run.inputs))
    assert run == lab.simulate(50, run.inputs) != lab.simulate(49)
    assert repr(run).startswith(f"NeuronRun(50 steps of {run.inputs.shape[1]} inputs")
    table = as_automaton(lab.threshold_net)
    number = [rows @ (2 ** np.arange(rows.shape[1] - 1, -1, -1)) for rows in run]
    assert number[1][1:].tolist() == table[number[1][:-1], number[0]].tolist()


def test_a_veto_that_only_subtracts_is_caught():
    """With inhibition of -1 in the sum, three inputs would win over one veto."""
    wiring = [[1, 1, -1, 0]]
    run = NeuronLab(wiring=wiring).simulate(1, [[1, 1, 1]])
    assert run.states[-1].tolist() == [0] != [int(1 + 1 - 1 >= 1)]


@pytest.mark.parametrize(("drive", "lasts"), [("switches", 5), ("pulses", 1)])
def test_what_is_on_from_reset_on(drive, lasts):
    run = NeuronLab(net="disjunction", drive=drive, second=True, third=True).simulate(5)
    assert run.inputs.tolist() == [[0, int(t < lasts)] for t in range(5)]


def test_inputs_fire_at_random_with_their_probability():
    """|z| < 4 for ten seeds; 2 % more would be seen. Nothing and everything at the ends."""
    for seed in range(10):
        fired = (
            NeuronLab(net="disjunction", drive="random", probability=0.3, seed=seed).simulate(20_000).inputs
        )
        assert abs(fired.mean() - 0.3) < 4 * np.sqrt(0.3 * 0.7 / fired.size)
        assert abs(np.corrcoef(fired.T)[0, 1]) < 4 / np.sqrt(20_000)
    for probability in (0, 1):
        lab = NeuronLab(drive="random", probability=probability)
        assert (lab.simulate(100).inputs == probability).all()
    a, b = (NeuronLab(drive="random", seed=seed).simulate(100) for seed in (1, 2))
    assert a != b


def test_names_of_inputs_and_units():
    assert NeuronLab(wiring=[[1, 0]]).names == ("a", "1")
    assert NeuronLab(wiring=[[1, 0]], names=["eye", "hand"]).names == ("eye", "hand")
    assert NeuronLab(net=perceptron.latch()).names == ("set", "reset", "state")
    assert NeuronLab(net=perceptron.latch(), names=["on", "off", "lamp"]).names == ("on", "off", "lamp")
    assert NeuronLab(net="own").names == ("a", "b", "1")


REFUSED = [
    ({"net": "xor"}, ValueError, "net must be one of 'precession', "),
    ({"net": 3}, ValueError, "net must be one of 'precession', .*; got 3"),
    ({"net": "counter", "wiring": [[1, 0]]}, TypeError, "give either net or wiring"),
    ({"net": perceptron.latch(), "wiring": [[1, 0]]}, TypeError, "give either net or wiring"),
    ({"wiring": [1, 0]}, ValueError, "wiring must have a row for each unit"),
    ({"wiring": [[1]]}, ValueError, "columns of wiring beyond its rows must be at least 1; got 0"),
    ({"wiring": [[0] * 5]}, ValueError, "beyond its rows must be at most 3; got 4"),
    ({"wiring": np.zeros((7, 8), int)}, ValueError, "rows of wiring must be at most 6; got 7"),
    ({"wiring": np.zeros((0, 2), int)}, ValueError, "rows of wiring must be at least 1; got 0"),
    ({"wiring": [[3, 0]]}, ValueError, "wiring must hold -1, 0, 1 and 2 only; got 3"),
    ({"wiring": [[-2, 0]]}, ValueError, "wiring must hold -1, 0, 1 and 2 only; got -2"),
    ({"wiring": [[0.5, 0]]}, TypeError, "wiring must hold integers; got dtype float64"),
    ({"wiring": [[True, False]]}, TypeError, "wiring must hold integers; got dtype bool"),
    ({"wiring": np.ma.array([[1, 0]], mask=[[0, 1]])}, TypeError, "wiring must hold integers; got a masked"),
    ({"wiring": "ab"}, TypeError, "wiring must hold integers"),
    (
        {"wiring": [[1, 0]], "thresholds": [1, 1]},
        ValueError,
        r"thresholds must be those of 1 units; got .*\(2,\)",
    ),
    ({"wiring": [[1, 0]], "thresholds": [-1]}, ValueError, "thresholds must be at least 0; got -1"),
    ({"wiring": [[1, 0]], "thresholds": [10]}, ValueError, "thresholds must be at most 9; got 10"),
    ({"wiring": [[1, 0]], "thresholds": [float("nan")]}, TypeError, "thresholds must hold integers"),
    ({"wiring": [[1, 0]], "names": ["a"]}, ValueError, "names must be 2, of the inputs and the units; got 1"),
    (
        {"wiring": [[1, 0]], "names": ["a", ""]},
        ValueError,
        "a name must have 1 to 14 letters on one line; got ''",
    ),
    ({"wiring": [[1, 0]], "names": ["a", "b\nc"]}, ValueError, "a name must have 1 to 14 letters"),
    ({"wiring": [[1, 0]], "names": ["a", "b" * 15]}, ValueError, "a name must have 1 to 14 letters"),
    ({"wiring": [[1, 0]], "names": "ab"}, TypeError, "names must be a sequence of strings; got 'ab'"),
    ({"thresholds": [1]}, TypeError, "thresholds and names need wiring"),
    ({"net": perceptron.disjunction(4)}, ValueError, "n_inputs of the net must be at most 3; got 4"),
    ({"net": perceptron.counter(3)}, ValueError, "n_units of the net must be at most 6; got 9"),
    ({"net": ThresholdNet(0, [Unit(())])}, ValueError, "n_inputs of the net must be at least 1; got 0"),
    ({"net": ThresholdNet(1, [Unit((0, 0, 0))])}, ValueError, "at most 2 synapses from a source; got 3"),
    (
        {"net": ThresholdNet(1, [Unit((0,), (0,))])},
        ValueError,
        "excite or inhibit a unit, not both; source 0",
    ),
    ({"net": ThresholdNet(1, [Unit((0,), (), 12)])}, ValueError, "thresholds must be at most 9; got 12"),
    ({"net": perceptron.latch(), "thresholds": [1]}, TypeError, "a ThresholdNet has its own thresholds"),
]


@pytest.mark.parametrize(("given", "error", "words"), REFUSED)
def test_what_is_no_net_is_refused(given, error, words):
    with pytest.raises(error, match=words):
        NeuronLab(**given)


def test_a_refused_net_leaves_the_lab_as_it_was():
    lab = NeuronLab(wiring=[[1, -1, 1]], thresholds=[1], names=["on", "off", "lamp"])
    before = repr(lab)
    for given, error, _ in REFUSED:
        if "wiring" in given and "net" not in given:
            with pytest.raises(error):
                lab.wire(given["wiring"], given.get("thresholds"), names=given.get("names"))
    assert repr(lab) == before


@pytest.mark.parametrize("n_steps", [-1, 2.5, True, None])
def test_simulate_refuses_what_is_no_number_of_steps(n_steps):
    with pytest.raises((TypeError, ValueError), match="n_steps"):
        NeuronLab().simulate(n_steps)


@pytest.mark.parametrize("inputs", [[[1, 1]], [1], [[2]], [[0.5]], [["1"]], [[1], [1]]])
def test_simulate_refuses_what_is_no_input(inputs):
    with pytest.raises((TypeError, ValueError), match="inputs must"):
        NeuronLab().simulate(1, inputs)


def test_what_is_given_is_not_changed():
    wiring, thresholds, inputs = np.array([[1, 1, 0]]), np.array([2]), np.array([[1, 1], [0, 1]])
    lab = NeuronLab(wiring=wiring, thresholds=thresholds)
    lab.simulate(2, inputs)
    lab.wiring[:] = 0
    assert (wiring.tolist(), thresholds.tolist(), inputs.tolist()) == ([[1, 1, 0]], [2], [[1, 1], [0, 1]])
    assert lab.wiring.tolist() == [[1, 1, 0]]


# On a page


@pytest.fixture
def shown(alone):
    """Show a lab alone on a page, paused, with the settings given."""
    return lambda **given: alone(NeuronLab(**given))


LIT = """root => [...root.querySelectorAll(".lab-net .lab-neuron")]
    .map(e => Number(e.classList.contains("active")))"""
CELLS = """root => [...root.querySelectorAll(".lab-synapses tbody tr")]
    .map(row => [...row.querySelectorAll(".lab-entry")].map(e => e.textContent))"""
ENTRY = {"": 0, "+": 1, "++": 2, "\u2212": -1}
# The rows of the table below: what is written in them, which one is marked, and which cell.
ROWS = """root => [...root.querySelectorAll(".lab-answers tbody tr")].map(row => [
    [...row.children].map(e => e.textContent), row.ariaCurrent, [...row.children].map(e => e.ariaCurrent)])"""


def lit(lab):
    return lab.root.evaluate(LIT)


def wiring(lab):
    return [[ENTRY[text] for text in row] for row in lab.root.evaluate(CELLS)]


def press_input(lab, name):
    lab.root.locator(f".lab-neuron.input[aria-label^='{name},']").click()


def spikes(lab):
    """Read off the record where in time there are strokes, and all the places of strokes."""
    paths = lab.root.locator(".lab-spikes").evaluate_all("nodes => nodes.map(e => e.getAttribute('d'))")
    marks = [[float(x) for x in mark.split("v")[0].split()] for mark in "".join(paths).split("M")[1:]]
    return sorted({x for x, _ in marks}), marks


def check_step(lab, run, t):
    assert lab.readouts()["steps"] == t
    inputs = run.inputs[t].tolist() if t < len(run.inputs) else None
    units = lit(lab)
    n_inputs = run.inputs.shape[1]
    assert units[n_inputs:] == run.states[t].tolist()
    assert inputs is None or units[:n_inputs] == inputs


@pytest.mark.browser
def test_the_page_shows_the_run_of_python(shown):
    given = {"drive": "random", "probability": 0.4, "seed": 3}
    lab = shown(**given)
    for name in NETS:
        lab.choose("Net", name)
        lab.choose("Inputs", "random")
        run = NeuronLab(net=name, **given).simulate(13)
        for t in range(13):
            check_step(lab, run, t)
            lab.press("Step")
        assert lab.readouts()["firings so far"] == run.states.sum()
        lab.reset()
        check_step(lab, run, 0)


@pytest.mark.browser
@pytest.mark.parametrize("seed", range(3))
def test_the_page_shows_a_net_of_the_readers_own(seed, shown):
    matrix, thresholds = random_net(seed)
    given = {"wiring": matrix, "thresholds": thresholds, "drive": "random", "seed": seed}
    lab, run = shown(**given), NeuronLab(**given).simulate(20)
    assert wiring(lab) == matrix.tolist()
    for t in range(20):
        check_step(lab, run, t)
        lab.press("Step")


@pytest.mark.browser
@pytest.mark.parametrize("key", ["click", " ", "Enter"])
def test_what_is_pressed_is_told_to_python_which_replays_it(key, shown):
    lab = shown(net="heat-illusion", drive="pulses")
    cold = lab.root.locator(".lab-neuron.input").nth(1)
    told = []
    for fires in (1, 0, 0, 0, 1, 1, 0):
        if fires:
            cold.click() if key == "click" else cold.press(key)
        told.append([0, fires])
        assert lit(lab)[:2] == [0, fires]
        assert cold.get_attribute("aria-pressed") == str(bool(fires)).lower()
        lab.press("Step")
    record = lab.page.evaluate("[...new Uint8Array(saved._record.buffer)]")
    python = NeuronLab(net="heat-illusion")
    python.set_state({"_record": bytes(record)})
    assert python.inputs.tolist() == told
    run = python.simulate(7, python.inputs)
    assert lit(lab)[2:] == run.states[-1].tolist()
    saved = lab.page.evaluate("[saved.steps, saved.active, saved.output]")
    assert saved == [7, int(run.states[-1].sum()), int(run.states[-1, -1])]


@pytest.mark.browser
def test_a_switch_stays_on_and_a_pulse_does_not(shown):
    lab = shown(net="disjunction")
    press_input(lab, "2")
    assert lab.page.evaluate("[model.get('first'), model.get('second')]") == [False, True]
    for _ in range(3):
        lab.press("Step")
        assert lit(lab) == [0, 1, 1]
    press_input(lab, "2")
    lab.press("Step")
    assert lit(lab) == [0, 0, 0]
    lab.choose("Inputs", "pulses")
    press_input(lab, "1")
    assert lit(lab) == [1, 0, 0]
    lab.press("Step")
    assert lit(lab) == [0, 0, 1]


@pytest.mark.browser
def test_the_truth_table_is_that_of_python_and_marks_the_row(shown):
    lab = shown()
    for name in [*TABLES, "heat-illusion"]:
        lab.choose("Net", name)
        net = NeuronLab(net=name).threshold_net
        answers = np.array([net.truth_table(k) for k in range(net.n_units)]).T
        inputs = truth_table_inputs(net.n_inputs)
        rows = lab.root.evaluate(ROWS)
        assert [[int(text) for text in row] for row, *_ in rows] == np.hstack([inputs, answers]).tolist()
        assert [row for _, row, _ in rows] == ["true"] + [None] * (len(rows) - 1)
        press_input(lab, net.names[net.n_inputs - 1])
        assert [row for _, row, _ in lab.root.evaluate(ROWS)][1] == "true"
        assert lab.readouts()["steps to answer"] == net.depth


@pytest.mark.browser
@pytest.mark.parametrize("name", ["memory", "oscillator", "counter"])
def test_with_circles_the_table_is_the_automaton(name, shown):
    lab, net = shown(net=name), NeuronLab(net=name).threshold_net
    table = as_automaton(net)
    rows = lab.root.evaluate(ROWS)
    seen = {int(state, 2): [int(text, 2) for text in after] for (state, *after), *_ in rows}
    assert {state: table[state].tolist() for state in seen} == seen
    assert set(itertools.chain(*seen.values())) == set(seen) >= {0}
    press_input(lab, net.names[0])
    lab.press("Step")
    now = int("".join(map(str, lit(lab)[net.n_inputs :])), 2)
    (marked,) = [(int(row[0], 2), cells) for row, here, cells in lab.root.evaluate(ROWS) if here == "true"]
    given = int("".join(map(str, lit(lab)[: net.n_inputs])), 2)
    assert marked[0] == now
    assert marked[1].index("true") == 1 + given


@pytest.mark.browser
def test_a_net_is_wired_by_pointer(shown):
    lab = shown(net="own")
    cells = lab.root.locator(".lab-entry")
    for expected in (1, 2, -1, 0, 1):
        cells.nth(0).click()
        assert wiring(lab) == [[expected, 0, 0]]
    cells.nth(2).click()
    assert lab.root.locator(".lab-net .lab-axon").count() == 2
    lab.button("Add unit").click()
    lab.button("Add input").click()
    assert wiring(lab) == [[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    lab.root.get_by_label("threshold of 2").fill("3")
    lab.root.get_by_label("threshold of 2").press("Enter")
    python = NeuronLab()
    state = lab.page.evaluate(
        "({net: model.get('net'), _wiring: [...new Uint8Array(model.get('_wiring').buffer)],"
        " _called: [...new Uint8Array(model.get('_called').buffer)]})"
    )
    python.set_state({name: value if name == "net" else bytes(value) for name, value in state.items()})
    assert python.wiring.tolist() == [[1, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    assert python.thresholds.tolist() == [1, 3]
    assert python.names == ("a", "b", "c", "1", "2")
    for name in ("Remove unit", "Remove input", "Cut all"):
        lab.button(name).click()
    assert wiring(lab) == [[0, 0, 0]]


@pytest.mark.browser
def test_a_net_is_wired_by_keyboard(shown):
    """One stop of the tab key; arrows go from entry to entry, signs and digits set it, Enter goes on."""
    lab = shown(net="exclusive-or")
    before = wiring(lab)
    cell = lab.root.locator(".lab-entry[tabindex='0']")
    assert cell.count() == 1
    cell.press("2")
    before[0][0] = 2
    assert wiring(lab) == before
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        lab.page.keyboard.press(key)
    for key, entry in (("+", 1), ("-", -1), ("0", 0), ("Enter", 1), (" ", 2), ("Delete", 0), ("1", 1)):
        lab.page.keyboard.press(key)
        before[1][2] = entry
        assert wiring(lab) == before, key
    assert cell.count() == 1
    assert cell.get_attribute("aria-label") == "3 to 4: excites"
    for _ in range(9):
        lab.page.keyboard.press("ArrowUp")
        lab.page.keyboard.press("ArrowLeft")
    assert cell.get_attribute("aria-label") == "1 to 3: excites twice"
    assert lab.page.evaluate("model.get('net')") == "own"


@pytest.mark.browser
def test_the_wired_net_runs_as_it_is_wired(shown):
    """A double synapse alone reaches a threshold of two; a veto holds it."""
    lab = shown(wiring=[[2, -1, 0]], thresholds=[2])
    press_input(lab, "a")
    lab.press("Step")
    assert lit(lab) == [1, 0, 1]
    lab.root.locator(".lab-entry").nth(0).press("1")
    lab.press("Step")
    assert lit(lab) == [1, 0, 0]
    lab.root.locator(".lab-entry").nth(0).press("2")
    press_input(lab, "b")
    lab.press("Step")
    assert lit(lab) == [1, 1, 0]


@pytest.mark.browser
def test_what_does_not_fit_is_said(shown):
    lab = shown(wiring=np.zeros((6, 9), dtype=int))
    for name, words in (("Add unit", "6 units are the most"), ("Add input", "3 inputs are the most")):
        lab.button(name).click()
        assert words in lab.status
    for typed, kept, words in (
        ("99", "9", "between 0 and 9"),
        ("-1", "0", "between 0 and 9"),
        ("", "0", "number"),
    ):
        field = lab.root.get_by_label("threshold of 1")
        field.fill(typed)
        field.press("Enter")
        assert field.input_value() == kept
        assert words in lab.status
    for _ in range(5):
        lab.button("Remove unit").click()
    for _ in range(2):
        lab.button("Remove input").click()
    lab.button("Remove unit").click()
    assert "Unit 1 is the last one" in lab.status
    lab.button("Remove input").click()
    assert "Input a is the last one" in lab.status


@pytest.mark.browser
def test_a_net_chosen_by_hand_comes_with_inputs_that_suit_it(shown):
    lab = shown(first=True)
    lab.choose("Net", "memory")
    assert lab.page.evaluate("[model.get('drive'), model.get('first')]") == ["pulses", False]
    lab.choose("Net", "conjunction")
    assert lab.page.evaluate("model.get('drive')") == "switches"


def test_a_net_given_in_python_comes_with_inputs_that_suit_it():
    for name in ("heat-illusion", "memory", "oscillator", "counter"):
        assert NeuronLab(net=name).drive == "pulses"
        assert NeuronLab(net=name, drive="random").drive == "random"
    for given in ({"net": "exclusive-or"}, {"wiring": [[1, 0]]}, {"net": perceptron.latch()}):
        lab = NeuronLab(**given)
        assert (lab.drive, lab.first) == ("switches", False)
    assert NeuronLab().first
    assert not NeuronLab(second=True).first


@pytest.mark.browser
def test_python_and_the_menu_agree_on_what_suits_a_net(shown):
    lab = shown()
    for name in [*TABLES, "heat-illusion", "memory", "oscillator", "counter"]:
        lab.choose("Net", name)
        assert lab.page.evaluate("[model.get('drive'), model.get('first')]") == [
            NeuronLab(net=name).drive,
            False,
        ]


@pytest.mark.browser
def test_it_opens_alive_and_says_what_to_press(shown):
    lab = shown()
    words = lab.root.locator(".lab-description")
    assert lit(lab) == [1, 0]
    assert words.inner_text().startswith("Press Step.")
    lab.press("Step")
    assert lit(lab) == [1, 1]
    assert words.inner_text().startswith("After 1 step")
    lab.choose("Net", "conjunction")
    assert words.inner_text().startswith("Press input 1 in the drawing to switch it on")
    press_input(lab, "1")
    assert words.inner_text().startswith("Press Step.")
    lab.choose("Net", "memory")
    assert words.inner_text().startswith("Press input set in the drawing, which then fires once")
    assert "input: press it" in lab.root.locator(".lab-legend").inner_text()
    assert lab.root.locator("dt", has_text="steps to answer").locator("+ dd").text_content() == "\u2013"


@pytest.mark.browser
def test_an_edit_is_said_aloud(shown):
    lab = shown(net="exclusive-or")
    entry = lab.root.locator(".lab-synapses .lab-entry").first
    for words in ("1 to 3: excites twice", "1 to 3: inhibits", "1 to 3: none"):
        entry.press(" ")
        assert lab.status == words


@pytest.mark.browser
def test_controls_without_power_are_hidden(shown):
    lab = shown()
    assert not lab.field("Probability").is_visible()
    assert not lab.field("Seed").is_visible()
    lab.choose("Inputs", "random")
    assert lab.field("Probability").is_visible()
    assert lab.field("Seed").is_visible()


@pytest.mark.browser
def test_the_record_shows_forty_steps_and_the_delay(shown):
    lab = shown(net="precession", first=True)
    lab.press("Step")
    columns, marks = spikes(lab)
    assert len(columns) == 2
    assert len(marks) == 3  # the input at 0 and 1, the unit at 1
    for _ in range(60):
        lab.press("Step")
    columns, marks = spikes(lab)
    assert len(columns) == 40
    assert len(marks) == 80
    assert lab.root.locator(".lab-axes text", has_text="60").count() == 1


@pytest.mark.browser
def test_time_passes_at_its_speed(shown):
    lab = shown(net="oscillator", drive="pulses", first=True, speed=50.0)
    lab.run_for(1000)
    t = int(lab.readouts()["steps"])
    assert 5 < t <= 80
    assert lit(lab) == [0, *NeuronLab(net="oscillator").simulate(t, np.eye(t, 1, dtype=int)).states[-1]]


@pytest.mark.browser
def test_it_says_in_words_how_the_net_is_wired_and_what_fires(shown):
    lab = shown(wiring=[[2, -1, 0, 0], [0, 0, 1, 1]], thresholds=[2, 1], names=["go", "stop", "leg", "song"])
    press_input(lab, "go")
    lab.press("Step")
    lab.page.wait_for_function("document.querySelector('.lab-aloud').textContent.includes('leg')")
    assert "After 1 step: go is on, leg fires." in lab.root.inner_text()
    long = lab.root.locator(".lab-unseen").inner_text()
    assert "leg, of threshold 2, is excited twice by go and inhibited by stop." in long
    assert "song, of threshold 1, is excited by leg and song." in long


@pytest.mark.browser
def test_python_code_makes_the_net_again(shown):
    given = {"wiring": [[2, -1, 0]], "thresholds": [2], "names": ["go", "stop", "leg"], "drive": "pulses"}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    code = lab.status.split(": ", 1)[-1]
    assert repr(eval(code, {"NeuronLab": NeuronLab})) == repr(NeuronLab(**given))


@pytest.mark.browser
def test_a_link_carries_the_readers_own_net(alone):
    given = {
        "wiring": [[2, -1, 0, 1], [0, 0, 1, 1]],
        "thresholds": [2, 0],
        "names": ["a_b", "x & y", "1", "2"],
    }
    lab = alone(NeuronLab(**given, drive="random", seed=5), name="lab-1")
    lab.press("Copy link")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    query = lab.status.partition("#")[2].strip()
    again = alone(NeuronLab(), name="lab-1")
    again.page.evaluate("hash => { location.hash = hash; }", query)
    again.page.wait_for_function("model.get('net') === 'own' && model.get('seed') === 5")
    assert wiring(again) == given["wiring"]
    labels = again.root.locator(".lab-name").evaluate_all("nodes => nodes.map(e => e.textContent)")
    assert labels == given["names"]


@pytest.mark.browser
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("wiring=1x", "no net in wiring"),
        ("wiring=1%2B0_1%2B", "no net"),
        ("names=q", "no names"),
        ("net=xor", "no net xor"),
    ],
)
def test_a_link_with_nonsense_is_refused_aloud(query, words, alone):
    lab = alone(NeuronLab(), name="lab-1")
    lab.page.evaluate("hash => { location.hash = hash; }", f"lab-1?{query}")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    assert words in lab.status
    lab.press("Step")
    assert lab.readouts()["steps"] == 1


@pytest.mark.browser
def test_the_drawing_fits_a_phone_and_every_size_of_net(alone):
    for seed in range(3):
        matrix, thresholds = random_net(seed)
        lab = alone(NeuronLab(wiring=matrix, thresholds=thresholds), viewport={"width": 320, "height": 800})
        assert lab.page.evaluate("document.documentElement.scrollWidth") <= 320


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 400, 690, 1200])
def test_every_source_of_the_illusion_is_in_view_at_once(width, alone):
    """The columns of all six, "feels cold" with them, where a page has room for 328 pixels and more."""
    lab = alone(NeuronLab(net="heat-illusion"), viewport={"width": width, "height": 900})
    room = lab.root.locator(".lab-scroll:has(.lab-synapses)").evaluate("e => [e.scrollWidth, e.clientWidth]")
    assert room[0] <= room[1]
    assert lab.root.locator(".lab-synapses thead th").last.inner_text() == "feels cold"


@pytest.mark.browser
def test_what_fires_is_amber_in_the_drawing_and_in_the_record(shown):
    lab = shown(net="precession", first=True)
    lab.press("Step")
    fills = "nodes => nodes.map(e => getComputedStyle(e).fill)"
    amber = "rgb(244, 166, 58)"
    assert lab.root.locator(".lab-spikes").evaluate_all(fills) == [amber]
    assert lab.root.locator(".lab-neuron.active .lab-glow").evaluate_all(fills) == [amber] * 2


@pytest.mark.browser
def test_the_table_is_folded_and_no_word_tells_what_the_net_feels(shown):
    lab = shown(net="heat-illusion")
    table = lab.root.locator(".lab-answers")
    assert not table.is_visible()
    told = lab.root.locator(".lab-second .lab-told").inner_text()
    assert not {"feels", "hot", "three"} & set(told.replace(",", "").replace(".", "").split())
    lab.root.locator(".lab-figures summary").press("Enter")
    assert table.is_visible()
    for name, title in (("exclusive-or", "Truth table"), ("memory", "Table of states")):
        lab.choose("Net", name)
        assert lab.root.locator(".lab-figures summary").inner_text() == title
        assert table.is_visible()
