"""No dead control: each slider, field, menu and button of a live figure changes what it shows.

All that each does is tried on one figure of each kind; where the same kind stands again, its wires are.
"""

from __future__ import annotations

import pytest

from tests.browser import PRESS, labs, one_of_each, open_lab

pytestmark = pytest.mark.browser

COMMON = {"Start", "Pause", "Step", "Copy link"}  # buttons that every lab has


ONE_OF_EACH = one_of_each()
AGAIN = [place for place in labs() if place not in ONE_OF_EACH]


@pytest.fixture(params=ONE_OF_EACH, ids=str)
def lab(request, addresses, context):
    """A lab of a page, paused, and quick when it runs."""
    opened = open_lab(context, addresses["file"], request.param, running="false", speed=1e9)
    yield opened
    opened.page.close()


PUT_BACK = """(e, value) => {
    e.value = value;
    for (const event of ["input", "change"]) e.dispatchEvent(new Event(event));
}"""


class Control:
    """A slider, field or menu of a lab, and values far apart that a reader can give it."""

    def __init__(self, lab, node):
        self.lab = lab
        self.node = node
        self.kind, self.name = node.evaluate("e => [e.type, e.ariaLabel ?? e.labels[0]?.textContent]")

    @property
    def values(self):
        if self.kind == "range":
            return ["Home", "End"]
        if self.kind == "number":
            return [self.node.get_attribute("min"), self.node.get_attribute("max")]
        return self.node.evaluate("e => [...e.options].map(option => option.value)")

    def put(self, value):
        if self.kind == "range":
            self.node.press(value)
        elif self.kind == "number":
            self.node.fill(value)
            self.node.press("Enter")
        else:
            self.node.select_option(value)

    def restore(self, value):
        self.node.evaluate(PUT_BACK, value)


def controls(lab):
    return [Control(lab, node) for node in lab.root.locator("input:visible, select:visible").all()]


def buttons(lab):
    return lab.root.locator("button:visible").all_inner_texts()


STEPS = f"(root, steps) => {{ for (let k = 0; k < steps; k += 1) ({PRESS})(root, ['Step']); }}"


def outcome(control, value):
    """Return what a lab shows after Reset, a value for a control, some steps, and a touch of the brush."""
    lab = control.lab
    lab.reset()
    control.put(value)
    lab.root.evaluate(STEPS, 3)
    if control.kind == "select-one":
        for canvas in lab.root.locator("canvas").all():
            canvas.click(force=True)  # where drawings lie over it, they take the click
    return lab.snapshot()


# Run for some frames, and return how many seconds a lab takes them for: a tenth at most each, as in its loop.
RUN_FRAMES = """(root, frames) => new Promise(resolve => {
    const press = name => [...root.querySelectorAll("button")].find(e => e.textContent === name)?.click();
    press("Start");
    let [last, seconds] = [undefined, 0];
    const tick = now => {
        seconds += Math.min(now - (last ?? now - 16), 100) / 1000;
        last = now;
        if (--frames > 0) return requestAnimationFrame(tick);
        press("Pause");
        resolve(seconds);
    };
    requestAnimationFrame(tick);
})"""


def pace(control, value, counters):
    """Return how much the counters of a lab grow a second after Reset, with a control at a value.

    The seconds are those of the lab: it slows down with the frames of a busy machine.
    """
    control.lab.reset()
    control.put(value)
    seconds = control.lab.root.evaluate(RUN_FRAMES, 12)
    readouts = control.lab.readouts()
    return [(readouts[name] or 0) / seconds for name in counters]


def changes_the_pace(control):
    """Tell whether what counts up from zero goes three times as fast at another value, twice over."""
    control.lab.reset()
    counters = [name for name, value in control.lab.readouts().items() if value == 0]
    slow, fast, *again = (
        pace(control, value, counters) for value in 2 * control.values[:: len(control.values) - 1]
    )
    if not any(b > 3 * a for a, b in zip(slow, fast, strict=True)):
        return False
    return any(
        min(b) > 3 * max(a)
        for a, b in zip(zip(slow, again[0], strict=True), zip(fast, again[1], strict=True), strict=True)
    )


def link(lab):
    """Return the link that a lab gives away, without the sign that it ends in when it is said twice."""
    lab.hush()
    lab.press("Copy link")
    lab.page.wait_for_function(
        "root => root.querySelector('.lab-status').textContent", arg=lab.root.element_handle()
    )
    return lab.status.encode("ascii", "ignore").decode().strip()


def is_wired(control):
    """Tell whether each value of a control makes another link; it is put back, as some values hide others."""
    before, links = control.node.input_value(), set()
    for value in control.values:
        control.put(value)
        links.add(link(control.lab))
    control.restore(before)
    return len(links) == len(control.values)


def answers(control):
    """Tell whether a lab shows something else for each value of a control."""
    before = control.node.input_value()
    outcomes = {outcome(control, value) for value in control.values}
    alive = len(outcomes) == len(control.values) or changes_the_pace(control)
    control.restore(before)
    return alive


def preparations(lab):
    """What may give a button something to do."""
    own = sorted({*buttons(lab)} - COMMON)
    return [
        lambda: None,
        lambda: lab.press("Step"),
        lambda: lab.run_for(600),
        *(lambda name=name: (lab.press(name), lab.run_for(600)) for name in own),
    ]


def responds(lab, name):
    """Tell whether a lab shows something else, or says something, soon after a button is pressed."""
    lab.hush()
    before = lab.snapshot()
    lab.button(name).click()
    for _ in range(5):
        if lab.status or lab.snapshot() != before:
            return True
        lab.page.wait_for_timeout(50)
    return False


def button_answers(lab, name):
    for prepare in preparations(lab):
        lab.reset()
        prepare()
        alive = responds(lab, name)
        lab.pause()
        if alive:
            return True
    return False


def put_back(menus):
    for menu, value in menus:
        if menu.node.input_value() != value:
            menu.put(value)


def dead(lab):
    """Name the controls that change nothing; menus are put back, as others may be gone after one of them."""
    menus = [(c, c.node.input_value()) for c in controls(lab) if c.kind == "select-one"]
    silent = []
    for control in controls(lab):
        put_back(menus)
        if not answers(control):
            silent.append(control.name)
    for name in buttons(lab):
        put_back(menus)
        if not button_answers(lab, name):
            silent.append(name)
    return silent


def still(lab):
    """Tell whether a lab that ran shows the same 0.3 s after Pause."""
    lab.run_for(300)
    before = lab.snapshot()
    lab.page.wait_for_timeout(300)
    return lab.snapshot() == before


def test_no_control_is_dead_and_pause_stops_what_start_started(lab):
    assert still(lab)
    assert len(controls(lab)) > 2
    assert len(buttons(lab)) > 2
    assert dead(lab) == []


@pytest.mark.parametrize("lab", AGAIN, ids=str, indirect=True)
def test_a_figure_that_stands_again_is_wired(lab):
    """The same class with other settings at the start; what is no setting, like a brush, must answer."""
    assert len(controls(lab)) > 2
    assert [control.name for control in controls(lab) if not (is_wired(control) or answers(control))] == []
    assert responds(lab, "Step")


DEADEN = """node => {
    for (const event of ["input", "change", "click", "keydown"])
        addEventListener(event, e => e.target === node && e.stopImmediatePropagation(), {capture: true});
}"""


@pytest.mark.parametrize(
    "lab", [place for place in ONE_OF_EACH if place.kind == "IsingLab"], ids=str, indirect=True
)
def test_a_dead_control_is_seen(lab):
    """Cut the wire of the first slider, field and menu, and of a button, one after the other."""
    for kind in ("range", "number", "select-one"):
        control = next(control for control in controls(lab) if control.kind == kind)
        assert is_wired(control)
        control.node.evaluate(DEADEN)
        assert not is_wired(control)
        assert not answers(control)
    lab.button("Step").evaluate(DEADEN)
    assert not responds(lab, "Step")
    lab.start()
    lab.button("Pause").evaluate(DEADEN)
    assert not still(lab)
