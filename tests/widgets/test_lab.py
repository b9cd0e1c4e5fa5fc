"""What all labs promise: a refused setting changes nothing; a page is given all that it needs, in little."""

import json

import numpy as np
import pytest
import traitlets
from ipywidgets.embed import embed_data

from smbook.widgets import (
    AmplifierLab,
    BoltzmannLab,
    BridgeLab,
    CapacityLab,
    CommitteeLab,
    CurveLab,
    DescentLab,
    DiffusionLab,
    EngineLab,
    FiniteMagnetLab,
    HopfieldLab,
    IsingLab,
    LearningCurveLab,
    MaxEntLab,
    MeanFieldLab,
    ModesLab,
    NeuronLab,
    PerceptronLab,
    PhaseDiagramLab,
    ProjectionLab,
    RBMLab,
    SectionLab,
    SpinGlassLab,
    WallLab,
)
from smbook.widgets._lab import Binary, Choice, Integer, Lab, Real, Switch
from tests.browser import SNAPSHOT
from tests.widgets.alone import written

LABS = [
    IsingLab,
    LearningCurveLab,
    WallLab,
    MeanFieldLab,
    AmplifierLab,
    FiniteMagnetLab,
    SpinGlassLab,
    HopfieldLab,
    PhaseDiagramLab,
    BoltzmannLab,
    RBMLab,
    BridgeLab,
    ProjectionLab,
    DescentLab,
    ModesLab,
    SectionLab,
    NeuronLab,
    MaxEntLab,
    PerceptronLab,
    CapacityLab,
    EngineLab,
    CommitteeLab,
    CurveLab,
    DiffusionLab,
]
SHARED = {"_esm", "_css", "_kernels"}  # what a book holds once
LARGEST_STATE = 12_000  # bytes of JSON

# One refused value for each kind of trait, and what each kind of error is.
REFUSED = [
    (IsingLab, "temperature", float("nan"), ValueError),
    (IsingLab, "temperature", 9.0, ValueError),
    (IsingLab, "temperature", "hot", TypeError),
    (IsingLab, "size", 7, ValueError),
    (IsingLab, "size", 64.5, TypeError),
    (IsingLab, "algorithm", "glauber", ValueError),
    (IsingLab, "running", 1, TypeError),
    (IsingLab, "_spins", [1, -1], TypeError),
    (WallLab, "size", 7, ValueError),
    (WallLab, "initial", "down", ValueError),
    (MeanFieldLab, "magnetization", 1.5, ValueError),
    (AmplifierLab, "circuit", "oscillator", ValueError),
    (FiniteMagnetLab, "spins", 9, ValueError),
    (SpinGlassLab, "model", "sk", ValueError),
    (HopfieldLab, "rule", "storkey", ValueError),
    (PhaseDiagramLab, "load", 0.3, ValueError),
    (BoltzmannLab, "hidden", 4, ValueError),
    (RBMLab, "learning", "tempering", ValueError),
    (BridgeLab, "softness", 1.5, ValueError),
    (ProjectionLab, "n_up", 1001, ValueError),
    (DescentLab, "landscape", "valley", ValueError),
    (SectionLab, "directions", "principal", ValueError),
    (SectionLab, "tilt", 91.0, ValueError),
    (NeuronLab, "net", "xor", ValueError),
    (MaxEntLab, "system", "coin", ValueError),
    (MaxEntLab, "_own", [0.5, 0.5], TypeError),
    (PerceptronLab, "hidden", 9, ValueError),
    (CapacityLab, "inputs", 1, ValueError),
    (ModesLab, "depth", 5, ValueError),
    (ModesLab, "start", "orthogonal", ValueError),
    (EngineLab, "duration", 0.5, ValueError),
    (CommitteeLab, "rate", 3.5, ValueError),
    (CurveLab, "size", "48", ValueError),
    (CurveLab, "shown", 1.4, ValueError),
    (LearningCurveLab, "reach", 21, ValueError),
    (LearningCurveLab, "bayes", 1, TypeError),
    (DiffusionLab, "learner", "perfect", ValueError),
    (DiffusionLab, "dimensions", 33, ValueError),
]


def state_of(lab):
    return {name: value for name, value in lab.get_state().items() if name != "layout"}


def by_page(lab, **settings):
    lab.set_state(settings)


def held_back(lab, **settings):
    with lab.hold_trait_notifications():
        for name, value in settings.items():
            setattr(lab, name, value)


def unsent(lab, **settings):
    with lab.hold_sync():
        for name, value in settings.items():
            setattr(lab, name, value)


def one_by_one(lab, **settings):
    for name, value in settings.items():
        setattr(lab, name, value)


WAYS = [by_page, held_back, unsent, one_by_one]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "name", "value", "error"), REFUSED)
def test_a_refused_setting_is_not_kept(way, kind, name, value, error):
    lab = kind()
    before, seen = state_of(lab), []
    lab.observe(seen.append, name)
    with pytest.raises(error, match=name):
        way(lab, **{name: value})
    assert state_of(lab) == before
    assert seen == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "value"), [("field", 0.5), ("algorithm", "wolff")])
def test_what_two_settings_forbid_each_other_is_not_kept(way, name, value):
    lab = IsingLab(algorithm="wolff") if name == "field" else IsingLab(field=0.5)
    before = state_of(lab)
    with pytest.raises(ValueError, match="a field forbids"):
        way(lab, **{name: value})
    assert state_of(lab) == before


@pytest.mark.parametrize("way", [by_page, held_back])
def test_settings_that_come_together_are_taken_together_or_not_at_all(way):
    lab = IsingLab(algorithm="wolff")
    way(lab, field=0.5, algorithm="heat-bath")
    assert (lab.field, lab.algorithm) == (0.5, "heat-bath")
    before = state_of(lab)
    with pytest.raises(ValueError, match="a field forbids"):
        way(lab, temperature=3.0, algorithm="swendsen-wang")
    assert state_of(lab) == before


def test_a_page_that_is_refused_is_told_what_stands(monkeypatch):
    lab, sent = IsingLab(algorithm="wolff"), []
    monkeypatch.setattr(lab, "send_state", lambda key=None: sent.append(lab.get_state(key)))
    with pytest.raises(ValueError, match="a field forbids"):
        lab.set_state({"temperature": 3.0, "field": 0.5, "no such setting": 1})
    assert sent[-1] == {"temperature": 2.27, "field": 0.0}


@pytest.mark.parametrize("kind", LABS)
def test_a_lab_that_would_not_be_built_raises_both_kinds_of_error(kind):
    for error in (TypeError, traitlets.TraitError):
        with pytest.raises(error, match="running must be True or False; got 'no'"):
            kind(running="no")


def test_every_kind_of_setting_has_been_refused():
    tried = {type(kind.class_traits()[name]) for kind, name, *_ in REFUSED}
    assert tried == {Real, Integer, Choice, Switch, Binary}
    own = {trait for kind in LABS for trait in kind.class_traits().values() if trait.this_class in LABS}
    assert {type(trait) for trait in own if trait.metadata.get("sync") and not trait.read_only} == tried


def test_the_spins_that_a_page_reports_reach_python():
    """A kernel hands over what a page has sent as a view of the message."""
    lab = IsingLab(size=16)
    shown = np.where(np.arange(256) % 3, 1, -1).astype(np.int8)
    lab.set_state({"_spins": memoryview(shown.tobytes()), "energy": -0.5})
    np.testing.assert_array_equal(lab.spins.ravel(), shown)
    assert lab.energy == -0.5


# What goes along into a page


@pytest.mark.parametrize("kind", LABS)
def test_what_is_embedded_by_default_is_all_that_a_page_needs(kind):
    lab = kind()
    embedded = embed_data([lab])["manager_state"]["state"][lab.model_id]
    binary = {path for buffer in embedded["buffers"] for path in buffer["path"]}
    assert set(embedded["state"]) | binary == set(lab.keys)
    assert set(lab.keys) > SHARED | {"_limits", "_whole", "_kind", "_view_name", *lab._settings()}
    assert embedded["state"]["_esm"] == lab._esm


@pytest.mark.parametrize("kind", LABS)
def test_the_state_of_a_figure_is_small(kind):
    lab = kind()
    embedded = embed_data([lab])["manager_state"]["state"][lab.model_id]
    own = {name: value for name, value in embedded["state"].items() if name not in SHARED}
    assert 100 < len(json.dumps(own)) < LARGEST_STATE
    full = {buffer["path"][0]: len(buffer["data"]) for buffer in embedded["buffers"] if buffer["data"]}
    assert sum(size for name, size in full.items() if name not in SHARED) < 200


@pytest.mark.parametrize("kind", LABS)
def test_labs_are_told_from_other_figures(kind):
    assert issubclass(kind, Lab)
    assert kind().get_state("_kind") == {"_kind": "lab"}


@pytest.mark.parametrize("kind", LABS)
def test_every_aspect_of_a_lab_is_described_in_words(kind):
    """A picture stands for each on paper."""
    lab = kind()
    if not lab._aspect:
        assert len(kind.alt) > 30
        return
    assert set(kind.alt) == set(lab.class_traits()[lab._aspect].limits)
    assert all(len(words) > 30 for words in kind.alt.values())


@pytest.fixture
def page(browser):
    """A page on which nothing goes wrong."""
    page, errors = browser.new_page(), []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda message: errors.append(message.text))
    yield page
    page.close()
    assert errors == []


@pytest.mark.browser
@pytest.mark.parametrize("kind", LABS)
def test_a_lab_comes_to_a_place_that_joins_the_page_later(kind, page, tmp_path):
    page.goto(written(kind(), tmp_path / "page.html"))
    root = page.locator(".smbook-lab")
    root.get_by_role("button", name="Step", exact=True).wait_for()
    drawn = root.evaluate(SNAPSHOT)
    root.get_by_role("button", name="Step", exact=True).click()
    assert root.evaluate(SNAPSHOT) != drawn


@pytest.mark.browser
@pytest.mark.parametrize("kind", LABS)
def test_two_views_of_a_lab_both_live(kind, page, tmp_path):
    page.goto(written(kind(running=False), tmp_path / "page.html", views=2))
    roots = page.locator(".smbook-lab")
    roots.get_by_role("button", name="Step", exact=True).nth(1).wait_for()
    for root in roots.all():
        before = root.evaluate(SNAPSHOT)
        root.get_by_role("button", name="Step", exact=True).click()
        assert root.evaluate(SNAPSHOT) != before
    roots.first.get_by_role("button", name="Start", exact=True).click()
    before = [root.evaluate(SNAPSHOT) for root in roots.all()]
    page.wait_for_timeout(400)
    moving = [root.evaluate(SNAPSHOT) != old for root, old in zip(roots.all(), before, strict=True)]
    roots.last.get_by_role("button", name="Pause", exact=True).click()
    assert kind is not IsingLab or moving == [True, True]


UNSEEN = """root => {
    const seen = e => e.checkVisibility() && [...e.childNodes].some(t => t.nodeType === 3 && t.data.trim());
    const ground = getComputedStyle(document.documentElement).backgroundColor;
    return [...root.querySelectorAll(".lab-figures :not(svg *, option)")].filter(seen)
        .filter(e => getComputedStyle(e).color === ground).map(e => e.textContent);
}"""


@pytest.mark.browser
@pytest.mark.parametrize("kind", LABS)
def test_words_are_seen_where_the_system_sets_dark_colours_on_a_light_page(kind, browser, tmp_path):
    page = browser.new_page(forced_colors="active", color_scheme="dark")
    page.goto(written(kind(running=False), tmp_path / "page.html"))
    page.add_style_tag(content="html { background: Canvas; }")
    root = page.locator(".smbook-lab")
    root.get_by_role("button", name="Step", exact=True).wait_for()
    assert root.evaluate("() => getComputedStyle(document.documentElement).backgroundColor") == "rgb(0, 0, 0)"
    assert root.evaluate(UNSEEN) == []
    page.close()


@pytest.mark.browser
def test_a_view_shows_the_spins_that_another_has_reported(page, tmp_path):
    page.goto(written(IsingLab(size=16, running=False), tmp_path / "page.html", views=2))
    roots = page.locator(".smbook-lab")
    roots.get_by_role("button", name="Step", exact=True).nth(1).wait_for()
    for name in ("Step", "Start", "Pause", "Reset", "Step"):
        roots.first.get_by_role("button", name=name, exact=True).click()
        page.wait_for_timeout(200)
        drawn = roots.locator("canvas").evaluate_all("nodes => nodes.map(e => e.toDataURL())")
        assert name == "Start" or drawn[0] == drawn[1], name
