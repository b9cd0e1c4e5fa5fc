"""MessageLab from Python and on a page: graphs drawn by hand, news that takes a step an edge, and loops."""

import itertools

import numpy as np
import pytest

from smbook.message_passing import belief_propagation, naive_mean_field, tap
from smbook.network import SpinNetwork, from_edges, random_tree, sherrington_kirkpatrick
from smbook.widgets import MessageLab

GRAPHS = ["tree", "chain", "ring", "grid", "triangle", "islands", "own"]
METHODS = {"belief-propagation": belief_propagation, "tap": tap, "naive-mean-field": naive_mean_field}
TREE = [-0.5100157788, -0.4813147338, 0.7885371343, -0.5183949258, 0.3184005294, -0.70193849, 0.8065263083]
TRIANGLE = [(0, 1), (1, 2), (2, 0)]


def distances(n, edges):
    """Return how many edges lead from each spin to each, (n, n), inf where none do."""
    far = np.full((n, n), np.inf)
    far[tuple(np.array(edges).T)] = far[tuple(np.array(edges).T[::-1])] = 1
    np.fill_diagonal(far, 0)
    for k in range(n):
        far = np.minimum(far, far[:, k, None] + far[k])
    return far


def summed(network, beta):
    """Return means and ln Z, state by state."""
    states = np.array(list(itertools.product([1, -1], repeat=network.n_spins)), dtype=np.int8)
    exponents = -beta * network.energy(states)
    weights = np.exp(exponents - exponents.max())
    return weights @ states / weights.sum(), exponents.max() + np.log(weights.sum())


# ---- What is exact, and what each method makes of it.


def test_the_tree_is_the_oracle():
    lab = MessageLab(graph="tree", beta=1.0)
    exact = lab.exact
    np.testing.assert_allclose(exact.magnetization, TREE, atol=5e-11)
    assert exact.log_partition == pytest.approx(7.1199492713, abs=5e-11)
    assert exact.correlations[[0, 5]] == pytest.approx([0.5572583401, 0.8868714046], abs=1e-10)
    course = lab.propagate(6)
    assert (course.errors[:4] > 0.05).all()
    assert course.errors[4] < 1e-14
    assert course.changes[5] < 1e-14 < course.changes[4]
    assert course.log_partition == pytest.approx(exact.log_partition, abs=1e-13)


@pytest.mark.parametrize("graph", GRAPHS)
def test_exact_is_the_sum_over_all_states(graph):
    lab = MessageLab(graph=graph, beta=0.7, field=0.1)
    means, log_partition = summed(lab.network, 0.7)
    np.testing.assert_allclose(lab.exact.magnetization, means, atol=1e-14)
    assert lab.exact.log_partition == pytest.approx(log_partition, abs=1e-13)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("graph", GRAPHS)
def test_propagate_is_what_the_package_does_bit_for_bit(graph, method):
    lab = MessageLab(graph=graph, method=method, beta=0.8, field=0.05, damping=0.3, start="up")
    for n_steps in (1, 7):
        given = {"damping": 0.3, "initial": 1.0, "max_steps": n_steps, "tolerance": 0.0}
        found = METHODS[method](lab.network, 0.8, **given)
        course = lab.propagate(n_steps)
        np.testing.assert_array_equal(course.magnetization[-1], found.magnetization)
        assert (course.log_partition, course.changes[-1]) == (found.log_partition, found.change)
        if method == "belief-propagation":
            np.testing.assert_array_equal(course.messages, found.messages)


@pytest.mark.parametrize("seed", range(10))
def test_news_takes_a_step_an_edge_and_a_tree_is_exact_when_all_has_come(seed):
    """Turn the field of spin 0: after k steps those within k edges have changed, and no others."""
    network = random_tree(12, fields=np.cos(np.arange(12) + seed), rng=seed)
    lab = MessageLab(network=network, beta=0.9)
    far = distances(12, lab.edges)
    longest = int(far.max())
    course = lab.propagate(longest)
    assert course.errors[longest] < 1e-12 < course.errors[longest - 1]
    other = MessageLab(
        edges=lab.edges, couplings=lab.couplings, fields=network.fields + np.eye(12)[0], beta=0.9
    )
    apart = other.propagate(longest).magnetization != course.magnetization
    np.testing.assert_array_equal(apart, far[0] <= np.arange(longest + 1)[:, None])


@pytest.mark.parametrize(
    ("given", "beta", "exact", "bethe", "m", "believed"),
    [
        ({"edges": TRIANGLE, "fields": 0.2}, 0.3, 2.24622904, 2.22227698, 0.103597, 0.108744),
        ({"edges": TRIANGLE, "fields": 0.2}, 1.0, 3.90947938, 3.69966350, 0.515774, 0.829930),
        ({"graph": "triangle"}, 1.0, 2.87004121, 3.40960757, 0.197375, 0.081207),
        ({"graph": "grid"}, 0.5, 7.94312391, 7.75960924, 0.207751, 0.299710),
        ({"graph": "grid"}, 1.0, 13.15130317, 12.98899855, 0.675328, 0.956219),
    ],
)
def test_loops_make_it_err_by_as_much_as_they_should(given, beta, exact, bethe, m, believed):
    lab = MessageLab(**given, beta=beta)
    course = lab.propagate(400)
    assert lab.exact.log_partition == pytest.approx(exact, abs=5e-9)
    assert course.log_partition == pytest.approx(bethe, abs=5e-9)
    assert lab.exact.magnetization[0] == pytest.approx(m, abs=5e-7)
    assert course.magnetization[-1, 0] == pytest.approx(believed, abs=5e-7)


def test_a_loop_without_a_field_is_wrong_in_its_edges_alone():
    """Bethe drops the factor 1 + t^3 of a triangle, and its pairs are those of a chain, t."""
    lab = MessageLab(edges=TRIANGLE, beta=0.6)
    course, t = lab.propagate(3), np.tanh(0.6)
    assert course.errors.max() < 1e-15
    assert lab.exact.log_partition - course.log_partition == pytest.approx(np.log1p(t**3), abs=1e-14)
    assert lab.exact.correlations == pytest.approx([(t + t**2) / (1 + t**3)] * 3, abs=1e-14)


def test_the_worse_approximations_are_worse_on_the_tree():
    course = {method: MessageLab(graph="tree", method=method).propagate(300) for method in METHODS}
    logs = [course[method].log_partition for method in ("naive-mean-field", "tap", "belief-propagation")]
    assert logs == pytest.approx([6.8297, 7.0489, 7.1199], abs=6e-5)
    errors = [course[method].errors[-1] for method in ("naive-mean-field", "tap")]
    assert errors == pytest.approx([0.37, 0.14], abs=6e-3)


def test_a_part_by_itself_is_told_the_same_bit_for_bit():
    """Nothing passes between parts that no edge joins."""
    whole = MessageLab(graph="islands", beta=0.9)
    edges, fields = whole.edges, whole.network.fields
    for spins in (range(4), range(4, 7)):
        mine = edges[np.isin(edges, spins).all(axis=1)] - spins[0]
        part = MessageLab(edges=mine, fields=fields[list(spins)], beta=0.9)
        np.testing.assert_array_equal(
            part.propagate(9).magnetization, whole.propagate(9).magnetization[:, list(spins)]
        )
    errors = np.abs(whole.propagate(200).magnetization[-1] - whole.exact.magnetization)
    assert errors[:4].max() < 1e-14 < 0.01 < errors[4:].min()


def test_damping_and_the_start_leave_where_it_ends():
    ends = [
        MessageLab(graph="tree", damping=damping, start=start).propagate(900).magnetization[-1]
        for damping in (0.0, 0.5, 0.9)
        for start in ("nothing", "up")
    ]
    for end in ends:
        np.testing.assert_allclose(end, TREE, atol=1e-9)


def test_without_a_field_the_start_decides_beyond_the_transition_of_the_tree():
    """The 3 by 3 grid loses m = 0 at beta = 0.6585, where the exact means are 0 for good."""
    fields = np.zeros(9)
    for beta, end in ((0.64, 0.0), (0.68, 0.3)):
        lab = MessageLab(edges=MessageLab(graph="grid").edges, fields=fields, beta=beta, start="up")
        means = lab.propagate(2000).magnetization[-1]
        assert (means.min() > end) if end else (means.max() < 1e-10)
        assert np.abs(lab.exact.magnetization).max() < 1e-12


# ---- Graphs of the reader's own.


def test_a_network_is_taken_and_given_back():
    network = sherrington_kirkpatrick(6, rng=3, dtype=np.float32)
    lab = MessageLab(network=network, beta=0.5)
    np.testing.assert_array_equal(lab.network.couplings.toarray(), network.couplings)
    assert lab.propagate(5).magnetization.shape == (6, 6)
    lab.field = 0.25
    np.testing.assert_array_equal(lab.network.fields, 0.25)
    lab.network = from_edges(2, [(0, 1)], fields=[0.5, 0.0])
    assert (lab.field, lab.graph, len(lab.places)) == (0.0, "own", 2)
    np.testing.assert_array_equal(lab.network.fields, [0.5, 0.0])


@pytest.mark.parametrize(
    "given",
    [
        {"edges": [(0, 1), (1, 2)], "couplings": [1.0, -0.25], "fields": [0.1, 0.0, -1 / 3], "beta": 1.5},
        {"edges": [], "places": [[0.1, 0.2], [0.7, 0.9]], "method": "tap"},
        {"fields": [0.5]},
    ],
)
def test_the_repr_makes_the_lab_again(given):
    lab = MessageLab(**given)
    again = eval(repr(lab), {"MessageLab": MessageLab})
    assert repr(again) == repr(lab)
    assert again.propagate(3) == lab.propagate(3)
    assert again.exact == lab.exact


def test_results_tell_themselves_apart():
    lab = MessageLab(graph="ring")
    assert lab.propagate(3) == lab.propagate(3) != lab.propagate(4)
    assert repr(lab.propagate(0)) == "Propagation(0 steps of 6 spins: off by 0.357 at most)"


REFUSED = [
    ({"edges": [(0, 12)]}, ValueError, "number of spins must be at most 12; got 13"),
    ({"edges": [(0, 3)], "fields": [0, 0]}, ValueError, "edges must join spins 0 to 1; got 3"),
    ({"edges": [(0, 0)]}, ValueError, r"an edge must join two spins; got \(0, 0\)"),
    ({"edges": [(0, 1), (1, 0)]}, ValueError, r"twice; got \(1, 0\)"),
    ({"edges": [(0, -1)]}, ValueError, "edges must be at least 0; got -1"),
    ({"edges": [0, 1]}, ValueError, r"shape \(E, 2\); got \(2,\)"),
    ({"edges": [(0.0, 1.0)]}, TypeError, "edges must hold integers"),
    ({"edges": "01"}, TypeError, "edges must hold integers"),
    ({"edges": []}, ValueError, "number of spins must be at least 1; got 0"),
    ({"edges": [(0, 1)], "couplings": np.nan}, ValueError, "couplings must be finite; got nan"),
    ({"edges": [(0, 1)], "couplings": 0.0}, ValueError, "couplings must not be 0"),
    ({"edges": [(0, 1)], "couplings": 11}, ValueError, "couplings must lie between -10 and 10; got 11"),
    ({"edges": [(0, 1)], "couplings": [1, 2]}, ValueError, r"those of 1 edges; got shape \(2,\)"),
    ({"edges": [(0, 1)], "couplings": [True]}, TypeError, "couplings must hold real numbers"),
    ({"edges": [(0, 1)], "fields": [0, np.inf]}, ValueError, "fields must be finite; got inf"),
    ({"edges": [(0, 1)], "fields": np.ma.array([0.0, 1.0])}, TypeError, "masked"),
    ({"edges": [(0, 1)], "places": [[0, 0], [0, 2]]}, ValueError, "places must lie between 0 and 1; got 2"),
    ({"edges": [(0, 1)], "places": [[0, 0], [0, 0.05]]}, ValueError, "spins 0 and 1 are 0.05 apart"),
    ({"edges": [(0, 1)], "places": [[0, 0]]}, ValueError, "edges must join spins 0 to 0; got 1"),
    ({"edges": [(0, 1)], "fields": [0, 0], "places": [[0, 0]]}, ValueError, r"shape \(2, 2\); got \(1, 2\)"),
    ({"network": sherrington_kirkpatrick(13, rng=1)}, ValueError, "of network must be at most 12; got 13"),
    ({"network": SpinNetwork([[0, 20], [20, 0]])}, ValueError, "couplings must lie between"),
    ({"network": [[0, 1], [1, 0]]}, TypeError, "network must be a smbook.network.SpinNetwork; got"),
]


@pytest.mark.parametrize(("given", "error", "words"), REFUSED)
def test_what_is_no_graph_is_refused_and_changes_nothing(given, error, words):
    with pytest.raises(error, match=words):
        MessageLab(**given)
    lab = MessageLab(graph="ring")
    change = (
        (lambda: setattr(lab, "network", given["network"]))
        if "network" in given
        else lambda: lab.draw(**given)
    )
    with pytest.raises(error, match=words):
        change()
    assert repr(lab) == repr(MessageLab(graph="ring"))


def test_what_contradicts_itself_is_refused():
    network = from_edges(2, [(0, 1)])
    for given in (
        {"graph": "tree", "edges": [(0, 1)]},
        {"graph": "tree", "network": network},
        {"network": network, "fields": 0.1},
    ):
        with pytest.raises(TypeError, match="give either it or"):
            MessageLab(**given)
    with pytest.raises(TypeError, match="has its own couplings and fields"):
        MessageLab().draw(network, couplings=1.0)


@pytest.mark.parametrize("value", [-1, 2.0, True, None, "3"])
def test_steps_that_are_none_are_refused(value):
    with pytest.raises((TypeError, ValueError), match="n_steps"):
        MessageLab().propagate(value)


def test_what_is_given_is_left_as_it_was():
    places, fields = np.array([[0.1, 0.2], [0.9, 0.8]]), np.array([0.5, 0.0])
    lab = MessageLab(edges=np.array([[0, 1]]), places=places, fields=fields)
    places[:], fields[:] = 0.5, 2.0
    lab.couplings[:] = 7.0
    lab.edges[:] = 3
    assert lab.places.tolist() == [[0.1, 0.2], [0.9, 0.8]]
    assert (lab.edges.tolist(), lab.couplings.tolist()) == ([[0, 1]], [1.0])
    assert lab.network.fields.tolist() == [0.5, 0.0]


# ---- On a page.

TOLD = ["steps", "error", "log_partition", "exact_log_partition", "change"]
STATE = """() => ({
    graph: model.get("graph"),
    _own: [...new Uint8Array(model.get("_own")?.buffer ?? [])],
    told: Object.fromEntries(%s.map(name => [name, saved[name]])),
})""" % [*TOLD, "edge_error", "loops", "converged"]


@pytest.fixture
def shown(alone):
    return lambda name="", **settings: alone(MessageLab(**settings), name=name)


def drawn(lab):
    """Return a lab of Python with the graph that a page shows."""
    state = lab.page.evaluate(STATE)
    python = MessageLab()
    python.set_state({"graph": state["graph"], "_own": bytes(state["_own"])})
    return python


def told(lab):
    return lab.page.evaluate(STATE)["told"]


def spin(lab, i):
    return lab.root.locator(".lab-spin").nth(i)


def at(lab, u, v):
    """Return where in the window a place of the unit square is."""
    box = lab.root.locator(".lab-sketch").bounding_box()
    return box["x"] + (30 + 300 * u) * box["width"] / 360, box["y"] + (30 + 270 * v) * box["height"] / 330


def as_python(settings, n_steps):
    lab = MessageLab(**settings)
    course = lab.propagate(n_steps)
    last = None if n_steps == 0 else course.changes[-1]
    return [n_steps, course.errors[-1], course.log_partition, lab.exact.log_partition, last]


@pytest.mark.browser
@pytest.mark.parametrize("method", METHODS)
def test_the_page_and_python_say_the_same_bit_for_bit(method, shown):
    lab = shown(method=method, damping=0.2, field=0.1, beta=0.85)
    settings = {"method": method, "damping": 0.2, "field": 0.1, "beta": 0.85}
    for graph in GRAPHS:
        lab.choose("Graph", graph)
        lab.choose("Start from", "up" if graph == "ring" else "nothing")
        for n_steps in range(4):
            given = {**settings, "graph": graph, "start": "up" if graph == "ring" else "nothing"}
            assert [told(lab)[name] for name in TOLD] == as_python(given, n_steps), graph
            lab.press("Step")


@pytest.mark.browser
def test_settle_goes_on_until_nothing_changes_and_then_follows_the_hand(shown):
    lab = shown(graph="grid", beta=0.5)
    lab.press("Settle")
    state = told(lab)
    assert state["converged"] == 1
    assert [state[name] for name in TOLD] == as_python({"graph": "grid", "beta": 0.5}, int(state["steps"]))
    lab.type("Coupling strength \u03b2", 0.7)
    assert told(lab)["converged"] == 1
    assert told(lab)["error"] == pytest.approx(0.919497 - 0.475503, abs=1e-6)
    lab.press("Step")
    lab.type("Coupling strength \u03b2", 0.3)
    assert told(lab)["steps"] == 0
    lab.press("Settle")
    lab.press("Reset")
    assert told(lab)["steps"] == told(lab)["converged"] == 0


@pytest.mark.browser
def test_two_spins_are_joined_and_cut_apart_by_mouse(shown):
    lab = shown(graph="chain")
    for edges in ([(0, 6)], [], [(0, 6)], []):
        spin(lab, 0).click()
        assert spin(lab, 0).get_attribute("aria-pressed") == "true"
        assert "Spin 0 is chosen" in lab.status
        spin(lab, 6).click()
        python = drawn(lab)
        assert python.edges.tolist() == [[i, i + 1] for i in range(6)] + [list(edge) for edge in edges]
        assert python.couplings.tolist() == [1.0] * (6 + len(edges))
        assert ("are joined, J = 1" if edges else "The bond of 0 and 6 is cut") in lab.status
        assert lab.root.locator(".lab-spin.chosen").count() == 0
        assert told(lab)["loops"] == len(edges)
    spin(lab, 3).click()
    spin(lab, 3).click()
    assert lab.root.locator(".lab-spin.chosen").count() == 0
    assert drawn(lab).edges.tolist() == [[i, i + 1] for i in range(6)]


@pytest.mark.browser
def test_a_press_on_a_bond_turns_its_sign_whatever_it_is_and_delete_cuts_it(shown):
    lab = shown(edges=[(0, 1), (1, 2)], couplings=[0.5, -1.0], places=[[0, 0], [1, 0], [1, 1]])
    for couplings in ([-0.5, -1.0], [0.5, -1.0], [-0.5, -1.0]):
        lab.page.mouse.click(*at(lab, 0.5, 0.01))
        assert drawn(lab).couplings.tolist() == couplings
    lab.page.mouse.click(*at(lab, 0.99, 0.5))
    assert drawn(lab).couplings.tolist() == [-0.5, 1.0]
    lab.page.keyboard.press("Delete")  # the one that was pressed last
    assert drawn(lab).edges.tolist() == [[0, 1]]
    assert "The bond of 1 and 2 is cut" in lab.status
    lab.page.keyboard.press("Delete")
    assert drawn(lab).edges.size == 0
    assert len(drawn(lab).places) == 3
    assert lab.page.evaluate("document.activeElement.ariaLabel").startswith("spin 0,")


@pytest.mark.browser
def test_a_pressed_bond_of_the_triangle_frustrates_it_and_frees_it(shown):
    """The numbers of Bethe and of the sum over eight states; cut apart, the chain has no error."""
    lab = shown(graph="triangle", beta=1.0)
    for bethe, exact in (((3.4096, 2.8700), (3.6997, 3.9095)) * 2)[:3]:
        lab.press("Settle")
        assert told(lab)["log_partition"] == pytest.approx(bethe, abs=5e-5)
        assert told(lab)["exact_log_partition"] == pytest.approx(exact, abs=5e-5)
        assert told(lab)["loops"] == 1
        lab.page.mouse.click(*at(lab, 0.5, 0.85))
    for i in (0, 2):
        spin(lab, i).click()
    lab.press("Settle")
    assert told(lab)["loops"] == 0
    assert told(lab)["log_partition"] == pytest.approx(told(lab)["exact_log_partition"], abs=1e-13)


@pytest.mark.browser
def test_bonds_are_reached_and_turned_and_cut_by_keyboard(shown):
    lab = shown(graph="ring")
    keys, bonds = lab.page.keyboard, lab.root.locator(".lab-tie")
    here = lambda: lab.page.evaluate("document.activeElement.ariaLabel")  # noqa: E731
    assert lab.root.locator(".lab-tie[tabindex='0']").count() == 1
    bonds.nth(0).focus()
    assert here() == "bond of 0 and 1, J = 1"
    keys.press("ArrowRight")
    keys.press("Enter")
    assert here() == "bond of 1 and 2, J = \u22121"
    keys.press(" ")
    assert here() == "bond of 1 and 2, J = 1"
    keys.press("ArrowUp")
    keys.press("ArrowLeft")
    assert here() == "bond of 5 and 0, J = 1"
    keys.press("Delete")
    assert here() == "bond of 4 and 5, J = 1"
    assert drawn(lab).edges.tolist() == [[i, i + 1] for i in range(5)]
    assert lab.root.locator(".lab-tie[tabindex='0']").count() == 1
    keys.press("Shift+Tab")
    keys.press("Tab")
    assert here() == "bond of 4 and 5, J = 1"
    keys.press("Tab")
    assert here().startswith("spin 0,")
    bonds.nth(0).evaluate("e => e.dispatchEvent(new MouseEvent('click', {bubbles: true, detail: 0}))")
    assert drawn(lab).couplings.tolist() == [-1.0, 1.0, 1.0, 1.0, 1.0]
    bonds.nth(3).focus()
    keys.press("Enter")
    assert here() == "bond of 3 and 4, J = \u22121"
    assert drawn(lab).couplings.tolist() == [-1.0, 1.0, 1.0, -1.0, 1.0]


@pytest.mark.browser
def test_a_line_that_is_drawn_joins_and_leads_to_new_spins(shown):
    lab = shown(edges=[], places=[[0, 0], [1, 0]], fields=[0.5, 0])
    mouse = lab.page.mouse
    for start, end in (((0, 0), (1, 0)), ((1, 0), (0.5, 0.8))):
        mouse.move(*at(lab, *start))
        mouse.down()
        mouse.move(*at(lab, 0.4, 0.3), steps=3)
        assert lab.root.locator(".lab-draft").get_attribute("visibility") == "visible"
        mouse.move(*at(lab, *end))
        mouse.up()
        assert lab.root.locator(".lab-draft").get_attribute("visibility") == "hidden"
    python = drawn(lab)
    assert python.edges.tolist() == [[0, 1], [1, 2]]
    assert python.places[2] == pytest.approx([0.5, 0.8], abs=0.01)
    mouse.click(*at(lab, 0, 1))  # alone
    spin(lab, 2).click()
    mouse.click(*at(lab, 1, 1))  # joined to the one that is chosen
    assert drawn(lab).edges.tolist() == [[0, 1], [1, 2], [2, 4]]
    assert len(drawn(lab).places) == 5
    lab.press("Step")
    assert told(lab)["error"] == drawn(lab).propagate(1).errors[-1]


@pytest.mark.browser
def test_a_graph_is_drawn_by_keyboard(shown):
    lab = shown(graph="chain")
    keys = lab.page.keyboard
    assert lab.root.locator(".lab-spin[tabindex='0']").count() == 1
    spin(lab, 0).focus()
    keys.press("Enter")
    keys.press("ArrowDown")
    assert lab.page.evaluate("document.activeElement.ariaLabel").startswith("spin 6,")
    keys.press(" ")
    assert drawn(lab).edges.tolist()[-1] == [0, 6]
    assert lab.page.evaluate("document.activeElement.ariaLabel").startswith("spin 6,")
    keys.press("-")
    assert drawn(lab).network.fields.tolist() == [0.5, 0, 0, 0, 0, 0, -0.5]
    keys.press("0")
    keys.press("+")
    assert drawn(lab).network.fields[6] == 0.5
    keys.press("Delete")
    assert len(drawn(lab).places) == 6
    assert drawn(lab).edges.tolist() == [[i, i + 1] for i in range(5)]
    keys.press("Enter")
    keys.press("Escape")
    assert lab.root.locator(".lab-spin.chosen").count() == 0
    spin(lab, 2).press("Enter")
    lab.press("Turn field")
    lab.press("Turn field")
    assert drawn(lab).network.fields[2] == -0.5
    lab.press("Add spin")
    assert drawn(lab).edges.tolist()[-1] == [2, 6]


@pytest.mark.browser
def test_who_presses_without_a_pointer_presses_too(shown):
    """A screen reader sends a click that counts none."""
    lab = shown(graph="ring")
    for i in (0, 3):
        spin(lab, i).evaluate("e => e.dispatchEvent(new MouseEvent('click', {bubbles: true, detail: 0}))")
    assert drawn(lab).edges.tolist()[-1] == [0, 3]


@pytest.mark.browser
def test_a_finger_joins_and_draws_and_the_page_does_not_scroll(browser, tmp_path):
    from tests.browser import PHONE, Lab
    from tests.widgets.alone import written

    page = browser.new_page(viewport=PHONE, has_touch=True)
    page.goto(written(MessageLab(graph="chain"), tmp_path / "page.html"))
    page.locator(".smbook-lab").evaluate("e => { e.dataset.lab = 'lab-1'; }")
    lab = Lab(page, "lab-1")
    for i in (0, 6):
        page.touchscreen.tap(*at(lab, *MessageLab(graph="chain").places[i]))
    assert drawn(lab).edges.tolist()[-1] == [0, 6]
    finger = page.context.new_cdp_session(page)
    before = page.evaluate("scrollY")
    places = [at(lab, 0.38, 0.08), at(lab, 0.38, 0.4), at(lab, 0.38, 0.86)]
    for kind, points in (
        *(("touchStart" if k == 0 else "touchMove", [place]) for k, place in enumerate(places)),
        ("touchEnd", []),
    ):
        touches = [{"x": x, "y": y} for x, y in points]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    assert drawn(lab).edges.tolist()[-1] == [1, 5]
    page.touchscreen.tap(*at(lab, 0.5, 0.45))
    assert len(drawn(lab).places) == 8
    assert page.evaluate("scrollY") == before
    page.close()


@pytest.mark.browser
def test_loops_are_closed_and_cut_by_buttons(shown):
    lab = shown(graph="chain")
    lab.press("Settle")
    assert told(lab)["error"] < 1e-14
    lab.press("Close a loop")
    assert drawn(lab).edges.tolist()[-1] == [0, 6]
    assert told(lab)["loops"] == 1
    assert told(lab)["error"] > 0.01
    assert "with 1 loop" in lab.root.locator(".lab-description").inner_text()
    lab.press("Cut a loop")
    assert told(lab)["loops"] == 0
    assert told(lab)["error"] < 1e-14
    lab.press("Cut a loop")
    assert "There is no loop" in lab.status
    lab.press("Part all")
    lab.press("Close a loop")
    assert "All spins that could be are joined" in lab.status


@pytest.mark.browser
def test_what_does_not_fit_is_said(shown):
    lab = shown(edges=[], places=[[0.5, 0.5]])
    for name, words in (("Remove spin", "Choose a spin first"), ("Turn field", "Choose a spin first")):
        lab.press(name)
        assert words in lab.status
    spin(lab, 0).press("Delete")
    assert "The last spin stays" in lab.status
    x, y = at(lab, 0.58, 0.5)
    lab.page.mouse.click(x, y)
    assert "no room" in lab.status
    for _ in range(11):
        lab.press("Add spin")
    assert len(drawn(lab).places) == 12
    lab.press("Add spin")
    assert "12 spins are the most" in lab.status
    lab.press("Settle")
    assert told(lab)["converged"] == 1


@pytest.mark.browser
def test_what_is_said_follows_the_state(shown):
    lab = shown(graph="tree")
    words = lambda: lab.root.locator(".lab-description").inner_text()  # noqa: E731
    assert words().startswith("Nothing has been passed on yet: off by 0.61")
    lab.press("Step")
    assert words() == "News from 1 bond away has come: off by 0.34. The longest path has 4 bonds."
    for _ in range(3):
        lab.press("Step")
    assert words() == "Exact after 4 steps: the longest path has 4 bonds."
    spin(lab, 0).press("-")  # with another field all begins anew
    assert words().startswith("Nothing has been passed on yet")
    lab.choose("Method", "naive-mean-field")
    lab.press("Settle")
    assert words().startswith("Naive mean field has settled after")
    lab.choose("Method", "belief-propagation")
    lab.choose("Graph", "triangle")
    lab.press("Settle")
    assert words().startswith("Settled after")
    assert words().endswith("with 1 loop: off by 0.19.")
    lab.choose("Graph", "islands")
    assert words().endswith("with 1 loop: off by 0.31, and exact where there is no loop.")
    lab.press("Part all")
    assert words().startswith("No spin is joined")
    lab.page.wait_for_function("document.querySelector('.lab-aloud').textContent.startsWith('No spin')")
    assert "spin 0: " in lab.root.locator(".lab-unseen").inner_text()


RESTLESS = [  # graph, method, and the least damping of 0.5 and 0.9 with which it comes to rest
    ("chain", "tap", 0.5),
    ("islands", "tap", 0.5),
    ("triangle", "tap", 0.9),
    ("triangle", "naive-mean-field", 0.5),
]


@pytest.mark.parametrize(("graph", "method", "damping"), RESTLESS)
def test_some_methods_need_damping(graph, method, damping):
    lab = MessageLab(graph=graph, method=method)
    assert lab.propagate(2000).changes[-1] > 0.1
    for tried in (0.5, 0.9):
        lab.damping = tried
        assert (np.nanmin(lab.propagate(2000).changes) < 1e-13) == (tried >= damping)


@pytest.mark.browser
def test_a_method_that_does_not_settle_is_named_with_the_damping_that_helps(shown):
    lab = shown()
    words = lambda: lab.root.locator(".lab-description").inner_text()  # noqa: E731
    for graph, method, damping in RESTLESS:
        lab.choose("Graph", graph)
        lab.choose("Method", method)
        lab.type("Damping", 0)
        lab.press("Reset")
        lab.press("Settle")
        assert told(lab)["converged"] == 0
        assert " does not settle. After 2000 steps it is off by " in words()
        assert words().endswith(f"With damping {damping} it does.")
        given = {"graph": graph, "method": method}  # which the attempts with damping leave as they were
        assert [told(lab)[name] for name in TOLD] == as_python(given, 2000)
        lab.press("Step")
        assert [told(lab)[name] for name in TOLD] == as_python(given, 2001)
        lab.press("Reset")
        lab.press("Settle")
        lab.type("Damping", damping)
        assert " has settled after " in words()
    lab.type("Damping", 0.5)
    lab.choose("Method", "tap")
    assert words().endswith("Press Settle again.")
    lab.press("Settle")
    assert " has settled after " in words()


@pytest.mark.browser
def test_the_largest_error_stands_at_its_bar_until_it_is_one_of_rounding(shown):
    """After a loop is closed in the tree it is 0.014, less than a line is wide."""
    lab = shown(graph="tree")
    worst = lab.root.locator(".lab-worst")
    lab.press("Settle")
    assert worst.text_content() == ""
    lab.press("Close a loop")
    course = drawn(lab).propagate(int(told(lab)["steps"]))
    assert course.errors[-1] == pytest.approx(0.014, abs=5e-4)
    assert worst.text_content() == "off by 0.014"
    wrongest = np.abs(course.magnetization[-1] - drawn(lab).exact.magnetization).argmax()
    assert f"that of spin {wrongest}." in lab.root.locator(".lab-unseen").inner_text()


@pytest.mark.browser
def test_a_settled_ring_without_a_field_errs_in_its_pairs_alone(shown):
    lab = shown(edges=TRIANGLE, beta=0.6)
    assert lab.root.locator(".lab-description").inner_text().startswith("Without a field all means are 0")
    lab.press("Settle")
    t = np.tanh(0.6)
    assert told(lab)["edge_error"] == pytest.approx((t + t**2) / (1 + t**3) - t, abs=1e-12)
    assert "pairs on a bond are off by 0.18" in lab.root.locator(".lab-description").inner_text()


SEEN = """root => [...root.querySelectorAll(".lab-darts path")].map(e => [
    e.getAttribute("visibility") === "visible", e.classList.contains("up"), e.getAttribute("transform")])"""


@pytest.mark.browser
def test_darts_are_the_messages_that_say_something(shown):
    """In a chain whose first spin alone feels a field they come to one edge more a step."""
    lab = shown(graph="chain")
    for n_steps in range(4):
        seen = lab.root.evaluate(SEEN)
        assert len(seen) == 12
        assert sum(there for there, *_ in seen) == n_steps
        assert all(up for there, up, _ in seen if there)
        lab.press("Step")
    lab = shown(edges=[(0, 1)], couplings=-1.0, fields=[0.5, 0.0])
    lab.press("Step")
    assert [up for there, up, _ in lab.root.evaluate(SEEN) if there] == [False]


@pytest.mark.browser
@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_messages_travel_while_time_passes_and_less_motion_lets_them_jump(motion, shown):
    lab = shown(graph="tree", speed=0.5)
    lab.page.emulate_media(reduced_motion=motion)
    lab.start()
    places = set()
    for _ in range(8):
        places.add(str(lab.root.evaluate(SEEN)))
        lab.page.wait_for_timeout(50)
    lab.pause()
    assert (len(places) > 3) == (motion == "no-preference")
    assert told(lab)["steps"] <= 1


@pytest.mark.browser
def test_python_code_makes_the_graph_again(shown):
    given = {"edges": [(0, 1), (2, 1)], "couplings": [1.0, -0.3], "fields": [0.1, 0, 0], "method": "tap"}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.split(": ", 1)[-1], {"MessageLab": MessageLab})
    assert again.propagate(3) == MessageLab(**given).propagate(3)
    assert again.places.tolist() == MessageLab(**given).places.tolist()


@pytest.mark.browser
def test_a_link_carries_the_readers_own_graph(shown):
    given = {"edges": [(0, 1), (2, 1)], "couplings": [1.0, -1 / 3], "fields": [0.1, 0.0, -0.7]}
    lab = shown("lab-1", **given, beta=0.4)
    lab.press("Copy link")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    query = lab.status.partition("#")[2].strip()
    again = shown("lab-1")
    again.page.evaluate("hash => { location.hash = hash; }", query)
    again.page.wait_for_function("model.get('graph') === 'own' && model.get('beta') === 0.4")
    python = drawn(again)
    assert python.edges.tolist() == [[0, 1], [2, 1]]
    assert python.couplings.tolist() == given["couplings"]
    assert python.network.fields.tolist() == given["fields"]
    assert python.places.tolist() == MessageLab(**given).places.tolist()


NONSENSE = {
    "spins=1~2": "no spins in spins=1~2",
    "spins=0~0~x": "no spins",
    "spins=0~0~0_10~0~0": "no spins",
    "spins=2000~0~0": "no spins",
    "edges=0~1~1": "no edges",
    "spins=0~0~0_900~0~0&edges=0~2~1": "no edges",
    "spins=0~0~0_900~0~0&edges=0~1~1_1~0~1": "no edges",
    "spins=0~0~0_900~0~0&edges=0~1~0": "no edges",
    "graph=star": "no graph star",
}


@pytest.mark.browser
def test_a_link_with_nonsense_is_refused_aloud(shown):
    lab = shown("lab-1")
    for query, words in NONSENSE.items():
        lab.hush()
        lab.page.evaluate("hash => { location.hash = hash; }", f"lab-1?{query}")
        lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
        assert words in lab.status
    lab.press("Step")
    assert lab.readouts()["steps"] == 1


@pytest.mark.browser
def test_the_drawing_the_buttons_and_the_bars_are_on_one_screen_of_a_phone(alone):
    lab = alone(MessageLab(), viewport={"width": 400, "height": 800})
    top = lab.root.locator(".lab-sketch").bounding_box()["y"]
    step = lab.button("Step").bounding_box()["y"]
    bars = lab.root.locator(".lab-beside svg").first.bounding_box()
    assert top < step < bars["y"]
    assert bars["y"] + bars["height"] - top < 800


@pytest.mark.browser
def test_the_lab_fits_a_small_phone_and_its_letters_can_be_read(alone):
    complete = [(i, j) for i in range(12) for j in range(i)]
    lab = alone(MessageLab(edges=complete, beta=0.1), viewport={"width": 320, "height": 800})
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= 320
    heights = lab.root.locator("svg.lab-chart text").evaluate_all(
        "nodes => nodes.map(e => parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a)"
    )
    assert min(heights) >= 10
