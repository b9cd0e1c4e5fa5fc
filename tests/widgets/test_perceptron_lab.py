"""PerceptronLab from Python and on a page: the same course, its bound, and points placed by hand."""

import re

import numpy as np
import pytest
from scipy.optimize import linprog, nnls

from smbook.kernels import multilayer
from smbook.perceptron import Multilayer, is_separable, margin, perceptron_rule
from smbook.theory.perceptron import novikoff_bound
from smbook.widgets import PerceptronLab
from smbook.widgets.perceptron_lab import MOST_POINTS, Course

XOR = [[-1, 1], [1, 1], [1, -1], [-1, -1]]
SIGNS = [1, -1, 1, -1]
CASES = {
    "clouds": {},
    "gap": {"data": "narrow-gap", "sample": 3, "count": 31},
    "corners": {"data": "xor"},
    "widest": {"algorithm": "adatron", "sample": 2},
    "own": {"points": [[0.3, -1.7], [1.2, 0.05], [-2, 2]], "labels": [1, -1, -1]},
    "layers": {"model": "two-layers", "data": "xor", "seed": 5},
    "ring": {"model": "two-layers", "data": "ring", "hidden": 4, "rate": 1.5},
    "moons": {"model": "two-layers", "data": "moons", "hidden": 8, "rate": 0.3, "seed": 2**53 - 1},
}
of_each = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


# From Python


@of_each
def test_a_course_goes_on_from_a_shorter_one(case):
    lab = PerceptronLab(**case)
    short, long = lab.simulate(3), lab.simulate(60)
    for name in ("mistakes", "length", "loss", "errors"):
        np.testing.assert_array_equal(getattr(short, name), getattr(long, name)[:4])
    assert long == lab.simulate(60) != short
    assert np.linalg.norm(long.weights) == pytest.approx(long.length[-1], rel=1e-14)
    np.testing.assert_array_equal(lab.weights, lab.simulate(0).weights)


def by_program(lab):
    """Return the largest margin by Lawson and Hanson's least distance program."""
    rows = lab.labels[:, None] * lab.inputs
    system, wanted = np.vstack([rows.T, np.ones(len(rows))]), np.array([0.0, 0.0, 0.0, 1.0])
    residual = wanted - system @ nnls(system, wanted)[0]
    return residual[3] / np.linalg.norm(residual[:3]) if np.linalg.norm(residual) > 1e-9 else 0.0


def has_a_line(lab):
    """Tell by a linear program whether weights with y w.x >= 1 exist."""
    rows = lab.labels[:, None] * lab.inputs
    return linprog(np.zeros(3), A_ub=-rows, b_ub=-np.ones(len(rows)), bounds=(None, None)).status == 0


@pytest.mark.parametrize("data", ["two-clouds", "narrow-gap", "xor", "ring", "moons"])
def test_margin_and_decision_are_those_of_programs_and_the_mistakes_keep_to_the_bound(data):
    for sample in range(12):
        lab = PerceptronLab(data=data, sample=sample, count=8 + 2 * sample)
        assert lab.separable == has_a_line(lab)
        assert lab.largest_margin == pytest.approx(by_program(lab), rel=1e-9, abs=1e-12)
        course = lab.simulate(1500)
        assert course.mistakes[-1] <= lab.mistake_bound
        radius = np.linalg.norm(lab.inputs, axis=1).max()
        assert (course.length <= np.sqrt(course.mistakes) * radius * (1 + 1e-12)).all()
        assert (course.length >= course.mistakes * lab.largest_margin * (1 - 1e-12)).all()
        if lab.separable:
            rows = lab.labels * (lab.inputs @ lab.best_weights)
            assert rows.min() == pytest.approx(lab.largest_margin, rel=1e-10)


@pytest.mark.parametrize("sample", range(1, 11))
def test_the_rule_comes_to_rest_where_a_line_parts_the_classes(sample):
    lab = PerceptronLab(sample=sample)
    course = lab.simulate(24 * 60)
    assert course.errors[-1] == 0
    assert course.mistakes[-1] == course.mistakes[-25]
    assert (lab.labels * (lab.inputs @ course.weights) > 0).all()


@pytest.mark.parametrize("data", ["xor", "ring"])
def test_where_no_line_does_mistakes_go_on_and_weights_stay_bounded(data):
    course = PerceptronLab(data=data).simulate(24 * 100)
    of_passes = np.diff(course.mistakes[::24])
    assert of_passes.min() > 0
    assert course.length[1200:].max() <= course.length[:1200].max() * 1.5
    assert course.length.max() < 10


def test_the_adatron_finds_the_largest_margin():
    lab = PerceptronLab(algorithm="adatron")
    course = lab.simulate(24 * 500)
    fields = lab.labels * (lab.inputs @ course.weights)
    assert fields.min() / course.length[-1] == pytest.approx(lab.largest_margin, rel=1e-6)
    assert fields.min() == pytest.approx(1.0, rel=1e-6)
    assert not course.mistakes.any()


def test_two_layers_descend_by_the_gradient_of_their_loss():
    """By differences of the loss, which the first step follows."""
    lab = PerceptronLab(model="two-layers", data="moons", hidden=3, rate=0.7, count=9)
    first, second = (lab.simulate(k) for k in (0, 1))

    def loss(theta):
        weights, biases = theta[:6].reshape(3, 2), theta[6:9]
        outputs = np.tanh(lab.points @ weights.T + biases) @ theta[9:12] + theta[12]
        return np.logaddexp(0, -lab.labels * outputs).mean()

    assert first.loss[0] == pytest.approx(loss(first.weights), rel=1e-13)
    shifts = 1e-6 * np.eye(13)
    slope = [(loss(first.weights + shift) - loss(first.weights - shift)) / 2e-6 for shift in shifts]
    np.testing.assert_allclose(second.weights, first.weights - 0.7 * np.array(slope), atol=1e-8)
    assert not first.weights[6:9].any()


@pytest.mark.parametrize("name", ["layers", "ring", "moons"])
def test_two_layers_are_those_of_the_package(name):
    lab = PerceptronLab(**CASES[name])
    network = Multilayer([2, lab.hidden, 1], loss="logistic")
    first, targets = network.initial(rng=lab.seed), lab.labels[:, None]
    trained = network.train(first, lab.points, targets, rate=lab.rate, n_steps=50)
    course = lab.simulate(50)
    np.testing.assert_array_equal(course.weights, trained.theta)
    np.testing.assert_array_equal(lab.simulate(0).weights, first)
    assert course.loss[-1] == network.loss(trained.theta, lab.points, targets)
    wrong = network.outputs(trained.theta, lab.points)[:, 0] * lab.labels <= 0
    assert course.errors[-1] == wrong.mean()


def test_one_unit_is_that_of_the_package():
    lab = PerceptronLab(data="narrow-gap", sample=4)
    learned = perceptron_rule(lab.inputs, lab.labels, max_passes=1000)
    course = lab.simulate(learned.passes * 24)
    assert learned.converged
    assert course.mistakes[-1] == learned.mistakes
    np.testing.assert_array_equal(course.weights, learned.weights)
    assert lab.largest_margin == pytest.approx(margin(lab.inputs, lab.labels).value, rel=1e-10)
    radius = np.linalg.norm(lab.inputs, axis=1).max()
    assert lab.mistake_bound == pytest.approx(novikoff_bound(radius, lab.largest_margin), rel=1e-12)
    assert is_separable(lab.inputs, lab.labels)


def test_two_hidden_units_solve_xor_from_most_weights_and_are_stuck_from_some():
    """Stuck, the output is torn between two points of each class, at a loss of ln 2 / 2."""
    courses = [
        PerceptronLab(model="two-layers", data="xor", seed=seed, rate=1.0).simulate(1000)
        for seed in range(40)
    ]
    solved = np.array([course.errors[-1] == 0 for course in courses])
    assert 20 < solved.sum() < 38
    stuck = [course.loss[-1] for course, done in zip(courses, solved, strict=True) if not done]
    assert np.median(stuck) == pytest.approx(np.log(2) / 2, abs=0.01)
    single = PerceptronLab(model="two-layers", data="xor", hidden=1, rate=1.0).simulate(1000)
    assert single.errors[-1] >= 0.25


def test_points_of_ones_own_come_out_as_they_went_in_to_the_grid():
    points = np.random.default_rng(3).uniform(-2, 2, (MOST_POINTS, 2))
    labels = np.where(points[:, 0] > points[:, 1], 1, -1)
    given = points.copy(), labels.copy()
    lab = PerceptronLab(points=points, labels=labels, sample=9)
    assert lab.data == "own"
    np.testing.assert_allclose(lab.points, points, atol=0.5001 / 1024)
    np.testing.assert_array_equal(lab.points * 1024, np.rint(points * 1024))
    np.testing.assert_array_equal(lab.labels, labels)
    assert lab.labels.dtype == np.int8
    np.testing.assert_array_equal(lab.inputs, np.column_stack([lab.points, np.ones(MOST_POINTS)]))
    np.testing.assert_array_equal(points, given[0])
    np.testing.assert_array_equal(labels, given[1])
    again = PerceptronLab(points=lab.points, labels=lab.labels)
    assert again.simulate(50) == lab.simulate(50)
    lab.data = "xor"
    assert lab.points.tolist() == XOR
    lab.data = "own"
    assert len(lab.points) == MOST_POINTS
    assert PerceptronLab(data="own").labels.tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("points", "labels", "error", "words"),
    [
        (XOR, [1, -1, 1], ValueError, r"one for each of 4 examples; got the shape \(3,\)"),
        (XOR, [1, -1, 0, 1], ValueError, r"labels must be \+1 or -1; that of example 2 is 0"),
        (XOR, ["a"] * 4, TypeError, "labels must hold real numbers"),
        ([[0, 2.5]], [1], ValueError, r"points must lie between -2 and 2; point 0 is at \(0.0, 2.5\)"),
        ([[0, np.nan]], [1], ValueError, "points must be finite; got nan"),
        ([0, 1], [1, 1], ValueError, r"points must have the shape \(P, 2\); got \(2,\)"),
        (np.zeros((2, 3)), [1, 1], ValueError, r"got \(2, 3\)"),
        (np.zeros((0, 2)), [], ValueError, "points must be 1 to 40; got 0"),
        (np.zeros((41, 2)), [1] * 41, ValueError, "points must be 1 to 40; got 41"),
        (np.ma.masked_array(XOR), SIGNS, TypeError, "masked array"),
        ([[True, False]], [1], TypeError, "dtype bool"),
        ("XOR", SIGNS, TypeError, "points must hold real numbers"),
        (XOR, None, TypeError, "points need labels, one for each"),
        (None, SIGNS, TypeError, "labels need points, one for each"),
    ],
)
def test_what_are_no_points_is_refused(points, labels, error, words):
    with pytest.raises(error, match=words):
        PerceptronLab(points=points, labels=labels)
    if points is None or labels is None:
        return
    lab = PerceptronLab(points=[[0.5, 0.5]], labels=[1])
    before = lab.get_state()
    with pytest.raises(error, match=words):
        lab.place(points, labels)
    assert lab.get_state() == before


@pytest.mark.parametrize(
    ("n_steps", "error", "words"),
    [
        (-1, ValueError, "n_steps must be at least 0; got -1"),
        (2.5, TypeError, "n_steps must be an integer; got 2.5"),
        (True, TypeError, "n_steps must be an integer; got True"),
    ],
)
def test_a_bad_number_of_steps_is_refused(n_steps, error, words):
    with pytest.raises(error, match=words):
        PerceptronLab().simulate(n_steps)


def test_a_course_tells_where_it_stands():
    assert repr(PerceptronLab(data="xor").simulate(4)) == "Course(4 steps: 4 mistakes, 100 % wrong now)"
    course = PerceptronLab(model="two-layers", data="xor").simulate(10)
    assert isinstance(course, Course)
    assert re.fullmatch(r"Course\(10 steps: loss 0\.\d+, \d+ % wrong now\)", repr(course))


def test_whether_mistakes_are_counted_by_passes_as_well():
    """A pass of the kernel over all points in their order is as many steps of the lab."""
    from smbook.kernels.perceptron import perceptron_pass

    lab = PerceptronLab(data="narrow-gap")
    weights, order = np.zeros(3), np.arange(24)
    made = [perceptron_pass(lab.inputs, lab.labels, order, 0.0, weights) for _ in range(5)]
    course = lab.simulate(5 * 24)
    assert course.mistakes[::24].tolist() == [0, *np.cumsum(made)]
    np.testing.assert_array_equal(course.weights, weights)


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(PerceptronLab(**({"running": False} | given)))


def told(lab):
    return lab.page.evaluate("() => ({...saved, _kernels: 0, _esm: 0, _css: 0})")


NUMBERS = """name => {
    const view = window.saved[name];
    return view ? [...new Uint8Array(view.buffer, view.byteOffset, view.byteLength)] : [];
}"""


def weights(lab):
    return np.frombuffer(bytes(lab.page.evaluate(NUMBERS, "_weights")))


def own(lab):
    """Return the points that the page has handed over, and their labels."""
    rows = np.frombuffer(bytes(lab.page.evaluate(NUMBERS, "_own")), dtype="<i2").reshape(-1, 3)
    return rows[:, :2] / 1024, rows[:, 2]


def check_course(lab, python, n_steps):
    """Compare the page with the end of so many steps, to the last bit, and with what is read out."""
    course, said = python.simulate(n_steps), told(lab)
    unit = python.model == "perceptron"
    rule = unit and python.algorithm == "perceptron"
    np.testing.assert_array_equal(weights(lab), course.weights)
    assert said["steps"] == n_steps
    assert said["length"] == course.length[-1]
    assert said["errors"] == course.errors[-1]
    assert said["mistakes"] == (course.mistakes[-1] if rule else None)
    assert said["loss"] == (None if unit else course.loss[-1])
    assert said["margin"] == (python.largest_margin if unit and python.separable else None)
    assert said["bound"] == (python.mistake_bound if rule and python.separable else None)
    if unit and course.length[-1]:
        fields = python.labels * (python.inputs @ course.weights)
        assert said["stability"] == pytest.approx(fields.min() / course.length[-1], rel=1e-12, abs=1e-15)
    assert lab.readouts()["steps"] == n_steps


@pytest.mark.browser
@of_each
def test_the_page_and_numba_learn_the_same(shown, case):
    python, lab = PerceptronLab(**case), shown(**case)
    for n_steps in range(4):
        check_course(lab, python, n_steps)
        lab.press("Step")


@pytest.mark.browser
@of_each
def test_it_is_the_same_course_after_running_freely(shown, case):
    python, lab = PerceptronLab(**case), shown(**case, speed=2000.0)
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 200")
    lab.pause()
    check_course(lab, python, int(lab.readouts()["steps"]))


STUCK = 3  # the seed of weights from which two hidden units do not solve XOR
WORDS = {
    "Two clouds": r"Learned: every point is on its side, after \d+ mistakes; the bound is [\d.]+\.",
    "Narrow gap": r"Learned: every point is on its side, after \d+ mistakes; the bound is [\d.]+\.",
    "XOR, one line": r"No line parts these classes: mistakes go on for ever, and the weights stay bounded\.",
    "XOR, two hidden units": r"Learned: every point is answered right, and the loss falls on\.",
    "Ring, four hidden units": r"Learned: every point is answered right, and the loss falls on\.",
}


@pytest.mark.browser
@pytest.mark.parametrize("name", WORDS)
def test_presets_do_what_they_are_called(shown, name):
    lab = shown(count=2, seed=STUCK, sample=9, hidden=1, rate=0.01)
    lab.press(name)
    assert lab.running
    assert len(lab.root.locator(".lab-dot:is(.plus, .minus)").all()) - 2 == (4 if "XOR" in name else 24)
    lab.type("Steps a second", 1000)
    words = lab.root.locator(".lab-description").filter(has_text=re.compile(f"^{WORDS[name]}$"))
    words.wait_for(timeout=20_000)


@pytest.mark.browser
def test_what_is_stuck_is_called_so(shown):
    seeds = range(20)
    stuck = next(
        s
        for s in seeds
        if PerceptronLab(model="two-layers", data="xor", seed=s).simulate(1500).errors[-1] == 0.5
    )
    lab = shown(model="two-layers", data="xor", seed=stuck, speed=2000.0)
    lab.start()
    words = lab.root.locator(".lab-description").filter(has_text="Stuck, or very slow: 2 of 4 points")
    words.wait_for(timeout=20_000)


@pytest.mark.browser
def test_the_adatron_says_when_no_line_keeps_farther(shown):
    lab = shown(algorithm="adatron", speed=5000.0)
    lab.start()
    lab.root.locator(".lab-description").filter(has_text="no line keeps farther").wait_for(timeout=20_000)
    lab.pause()
    said = told(lab)
    assert said["stability"] == pytest.approx(said["margin"], rel=1e-3)
    assert said["mistakes"] is None


# The plane


def on_plane(lab, x, y):
    """Return where on the screen a place of the plane is."""
    box = lab.root.locator(".lab-classes .lab-chart").bounding_box()
    u = (40 + (x + 2) / 4 * (360 - 40 - 12)) / 360
    v = (34 + (2 - y) / 4 * (386 - 34 - 44)) / 386
    return box["x"] + u * box["width"], box["y"] + v * box["height"]


LINE = "root => root.querySelector('.lab-classes .lab-line.boundary').getAttribute('d')"


def drawn(path):
    """Return the places of the plane through which a path goes."""
    places = np.array(re.findall(r"[ML](-?[\d.]+) (-?[\d.]+)", path), dtype=float)
    return np.column_stack([(places[:, 0] - 40) / 308 * 4 - 2, 2 - (places[:, 1] - 34) / 308 * 4])


@pytest.mark.browser
def test_the_line_is_where_the_weights_answer_nothing(shown):
    lab = shown(sample=2)
    for _ in range(4):
        lab.press("Step")
    places = drawn(lab.root.evaluate(LINE))
    w = weights(lab)
    np.testing.assert_allclose((places @ w[:2] + w[2]) / np.hypot(*w[:2]), 0, atol=2e-3)
    python = PerceptronLab(sample=2)
    band = lab.root.locator(".lab-region").get_attribute("d")
    distances = (drawn(band) @ python.best_weights[:2] + python.best_weights[2]) / python.largest_margin
    np.testing.assert_allclose(np.sort(distances), [-1, -1, 1, 1], atol=0.02)


@pytest.mark.browser
def test_the_border_of_a_network_is_where_it_answers_nothing(shown):
    lab = shown(model="two-layers", data="xor", speed=2000.0)
    lab.start()
    lab.page.wait_for_function("window.saved?.steps > 500")
    lab.pause()
    places = drawn(lab.root.evaluate(LINE))
    theta = weights(lab)
    answers = np.empty((len(places), 3))
    multilayer.forward(np.array([2, 2, 1]), multilayer.TANH, theta, places, answers)
    assert len(places) > 40
    assert np.abs(answers[:, 2]).max() < 0.1 * np.abs(theta).max()
    units = drawn(lab.root.locator(".lab-classes .lab-line.unit").get_attribute("d")).reshape(2, 2, 2)
    for unit, line in enumerate(units):
        w, b = theta[2 * unit : 2 * unit + 2], theta[4 + unit]
        np.testing.assert_allclose((line @ w + b) / np.hypot(*w), 0, atol=2e-3)


@pytest.mark.browser
def test_the_mouse_places_drags_and_removes(shown):
    lab = shown()
    lab.root.scroll_into_view_if_needed()
    mouse, brush = lab.page.mouse, lab.root.get_by_label("Click places", exact=True)
    before = PerceptronLab()
    lab.press("Step")
    mouse.click(*on_plane(lab, 1.7, -1.6))
    points, labels = own(lab)
    assert told(lab)["data"] == "own"
    np.testing.assert_array_equal(points[:-1], before.points)
    np.testing.assert_allclose(points[-1], (1.7, -1.6), atol=0.015)
    assert labels[-1] == 1
    assert lab.readouts()["steps"] == 0
    mouse.move(*on_plane(lab, 1.7, -1.6))
    mouse.down()
    mouse.move(*on_plane(lab, 0.5, -1.0))
    mouse.move(*on_plane(lab, -1.7, 2.6))
    mouse.up()
    mouse.move(*on_plane(lab, 1.0, 1.0))
    points, _ = own(lab)
    assert len(points) == 25
    np.testing.assert_allclose(points[-1], (-1.7, 2.0), atol=0.015)
    brush.select_option("-1")
    mouse.click(*on_plane(lab, -1.7, 2.0))
    assert own(lab)[1].tolist() == [*before.labels, -1]
    brush.select_option("0")
    mouse.click(*on_plane(lab, -1.7, 2.0))
    np.testing.assert_array_equal(own(lab)[0], before.points)
    mouse.click(*on_plane(lab, -1.7, 2.0))
    assert lab.status == "There is no point to remove."
    lab.press("Step")
    check_course(lab, PerceptronLab(points=before.points, labels=before.labels), 1)


@pytest.mark.browser
def test_there_is_room_for_forty_points_and_one_must_stay(shown):
    lab = shown(count=40)
    lab.page.mouse.click(*on_plane(lab, 1.95, -1.95))
    assert lab.status == "There is room for 40 points."
    lab.choose("Points", "own")
    lab.choose("Click places", "0")
    lab.page.mouse.click(*on_plane(lab, 1.0, 0.0))
    lab.page.mouse.click(*on_plane(lab, -1.0, 0.0))
    assert lab.status == "One point at least must stay."
    assert own(lab)[1].tolist() == [-1]
    lab.press("Step")
    assert lab.readouts()["mistakes"] == 1
    lab.press("Back to two points")
    assert own(lab)[1].tolist() == [-1, 1]


def hold(lab, *places):
    """Press the mouse at a place of the plane, move it over others, and let it go."""
    lab.page.mouse.move(*on_plane(lab, *places[0]))
    lab.page.mouse.down()
    for place in places[1:]:
        lab.page.mouse.move(*on_plane(lab, *place))
    lab.page.mouse.up()


@pytest.mark.browser
def test_a_point_that_is_dragged_keeps_its_class_and_one_that_is_clicked_takes_the_brushs(shown):
    lab = shown(points=[[-1, 0], [1, 0]], labels=[-1, 1])
    hold(lab, (-1, 0), (-1, 0.5), (-1, 1))
    assert own(lab)[1].tolist() == [-1, 1]
    np.testing.assert_allclose(own(lab)[0][0], [-1, 1], atol=0.015)
    hold(lab, (-1, 1), (-0.98, 1))
    assert own(lab)[1].tolist() == [1, 1]
    np.testing.assert_allclose(own(lab)[0][0], [-1, 1], atol=0.015)
    assert "All points are of one class" in lab.root.locator(".lab-description").inner_text()


@pytest.mark.browser
def test_of_two_points_at_one_place_the_upper_one_is_dragged(shown):
    lab = shown(points=[[0, 0], [0, 0], [1, 1]], labels=[1, -1, 1])
    hold(lab, (0, 0), (-0.5, 0), (-1, 0))
    np.testing.assert_allclose(own(lab)[0], [[0, 0], [-1, 0], [1, 1]], atol=0.015)
    assert own(lab)[1].tolist() == [1, -1, 1]


@pytest.mark.browser
def test_where_there_is_no_room_for_a_point_no_other_is_dragged(shown):
    lab = shown(count=40)
    hold(lab, (1.9, -1.9), (0, -1.9), (0, 0))
    assert lab.status == "There is room for 40 points."
    assert lab.page.evaluate("model.get('data')") == "two-clouds"


@pytest.mark.browser
def test_a_finger_that_removes_or_scrolls_does_no_more(alone):
    """Beside a point, within its reach."""
    lab = alone(
        PerceptronLab(points=[[0, 0], [0, -1], [1, 1]], labels=[1, -1, 1], running=False),
        viewport={"width": 400, "height": 700},
        has_touch=True,
    )
    lab.choose("Click places", "0")
    x, y = on_plane(lab, 0, -1)
    lab.page.touchscreen.tap(x + 15, y)
    lab.page.wait_for_function("model.get('_own').byteLength === 12")
    lab.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert lab.status == ""
    finger = lab.page.context.new_cdp_session(lab.page)
    before = lab.page.evaluate("scrollY")
    x, y = on_plane(lab, 0, 0)
    for k, kind in enumerate(["touchStart", *["touchMove"] * 4, "touchEnd"]):
        touches = [] if kind == "touchEnd" else [{"x": x + 15, "y": y - 40 * k}]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})
    lab.page.wait_for_function("before => scrollY > before", arg=before)
    assert lab.page.evaluate("model.get('_own').byteLength") == 12


@pytest.mark.browser
def test_a_finger_places_drags_and_elsewhere_scrolls(alone):
    lab = alone(
        PerceptronLab(points=[[0, 0]], labels=[1], running=False),
        viewport={"width": 400, "height": 700},
        has_touch=True,
    )
    page = lab.page
    finger = page.context.new_cdp_session(page)

    def glide(*points):
        kinds = "touchStart", "touchMove", "touchMove", "touchEnd"
        for kind, point in zip(kinds, [*points, None], strict=True):
            touches = [] if point is None else [dict(zip("xy", on_plane(lab, *point), strict=True))]
            finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    glide((0, 0), (0.5, 0.5), (1.0, 1.5))
    np.testing.assert_allclose(own(lab)[0], [[1.0, 1.5]], atol=0.03)
    assert page.evaluate("scrollY") == 0
    page.touchscreen.tap(*on_plane(lab, -1.0, -1.0))
    page.wait_for_function("model.get('_own').byteLength === 12")
    np.testing.assert_allclose(own(lab)[0][1], [-1.0, -1.0], atol=0.03)
    glide((1.0, -1.5), (1.0, 0.0), (1.0, 1.0))
    page.wait_for_function("scrollY > 0")
    assert len(own(lab)[0]) == 2


@pytest.mark.browser
def test_keys_place_carry_relabel_and_remove(shown):
    lab = shown(points=[[-1, 0], [1, 0]], labels=[-1, 1])
    plane = lab.root.locator(".lab-classes .lab-chart")
    plane.press("ArrowUp")
    assert lab.status == "Cursor at x 0, y 0.125: no point."
    plane.press("Enter")
    assert own(lab)[0].tolist() == [[-1, 0], [1, 0], [0, 0.125]]
    assert lab.status == "Cursor at x 0, y 0.125: point 3 of 3, class +1."
    plane.press("Space")
    assert lab.status.endswith("class +1, taken up.")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowDown"):
        plane.press(key)
    plane.press("Space")
    plane.press("ArrowLeft")
    assert own(lab)[0][2].tolist() == [0.25, 0.09375]
    lab.choose("Click places", "-1")
    plane.press("PageDown")
    assert lab.status == "Cursor at x \u22121, y 0: point 1 of 3, class \u22121."
    plane.press("PageDown")
    plane.press("Enter")
    assert own(lab)[1].tolist() == [-1, -1, 1]
    plane.press("PageUp")
    plane.press("Delete")
    assert own(lab)[0].tolist() == [[1, 0], [0.25, 0.09375]]
    assert lab.status == "Cursor at x \u22121, y 0: no point."
    plane.press("Tab")
    assert lab.root.locator(".lab-cursor").get_attribute("visibility") == "hidden"


@pytest.mark.browser
def test_a_point_that_is_removed_while_it_is_carried_leaves_the_others_where_they_are(shown):
    lab = shown(points=[[0, 0], [1, 1], [0, 0]], labels=[1, -1, -1])
    plane = lab.root.locator(".lab-classes .lab-chart")
    for key in ("PageDown", "Space", "ArrowRight", "Delete", "ArrowRight", "ArrowUp"):
        plane.press(key)
    assert own(lab)[0].tolist() == [[0, 0], [1, 1]]


@pytest.mark.browser
def test_what_has_no_power_or_nothing_to_say_is_hidden(shown):
    lab = shown()
    legend = lab.root.locator(".lab-legend")

    def seen(*names):
        return [lab.field(name).is_visible() for name in names]

    unit = ("Hidden units", "Learning rate", "Seed of weights")
    assert seen(*unit, "Points drawn", "Seed of points") == [False, False, False, True, True]
    assert lab.button("New points").is_visible()
    assert not lab.button("New weights").is_visible()
    assert legend.get_by_text("bound").is_visible()
    lab.choose("Points", "xor")
    assert seen("Points drawn", "Seed of points") == [False, False]
    assert not lab.button("New points").is_visible()
    assert not legend.get_by_text("bound").is_visible()
    lab.choose("Model", "two-layers")
    assert seen(*unit) == [True, True, True]
    assert lab.button("New weights").is_visible()
    assert not lab.root.get_by_label("Rule", exact=True).is_visible()
    assert legend.get_by_text("hidden unit").is_visible()
    assert not legend.get_by_text("point shown").is_visible()
    assert "mistakes" not in lab.root.locator("dt:visible").all_inner_texts()


@pytest.mark.browser
@pytest.mark.parametrize(
    "given",
    [
        {"data": "ring", "model": "two-layers", "hidden": 5, "rate": 0.25, "seed": 3, "count": 11},
        {"data": "narrow-gap", "algorithm": "adatron", "sample": 8},
    ],
)
def test_what_is_copied_makes_the_lab_again(shown, given):
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert again.get_state(list(given)) == given


@pytest.mark.browser
def test_own_points_are_copied_and_come_back_with_a_link(alone):
    lab = alone(PerceptronLab(points=XOR, labels=SIGNS, running=False))
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert again.points.tolist() == XOR
    assert again.labels.tolist() == SIGNS
    lab = alone(PerceptronLab(points=XOR[:3], labels=SIGNS[:3], running=False), name="lab-1")
    lab.press("Copy link")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    link = re.search(r"#(\S+)", lab.status)[1]
    assert "own=-1024_1024_1_1024_1024_-1_1024_-1024_1" in link
    lab.page.evaluate(
        "text => { location.hash = text; }", link.replace("own=-1024_1024_1_", "own=512_-3_-1_")
    )
    lab.page.wait_for_function("model.get('_own').getInt16(0, true) === 512")
    lab.page.evaluate("text => { location.hash = text; }", "lab-1?data=own&own=5000_1_1")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent.includes('no points in')")


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 320])
@pytest.mark.parametrize("model", ["perceptron", "two-layers"])
def test_nothing_scrolls_sideways_on_a_narrow_page(alone, width, model):
    lab = alone(PerceptronLab(model=model, running=False), viewport={"width": width, "height": 800})
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_a_small_loss_is_not_told_as_none(shown):
    lab = shown(model="two-layers", data="two-clouds", rate=10.0, speed=5000.0)
    lab.start()
    lab.page.wait_for_function("window.saved?.loss < 1e-4")
    lab.pause()
    assert lab.readouts()["loss"] == pytest.approx(told(lab)["loss"], rel=5e-3)
