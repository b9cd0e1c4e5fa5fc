"""What every lab promises of its settings: defaults, ranges, refusals that name the value, a telling repr."""

import math

import numpy as np
import pytest
import traitlets

from smbook import widgets
from smbook.widgets.compiler import WASM

SEED = (1, 0, 2**53 - 1)
# Of each setting of a lab: a number's default, least and largest value, or what there is to choose.
LABS = {
    "IsingLab": {
        "size": (128, 8, 512),
        "temperature": (2.27, 0.5, 5.0),
        "field": (0.0, -2.0, 2.0),
        "algorithm": ["heat-bath", "metropolis", "wolff", "swendsen-wang"],
        "initial": ["random", "up"],
        "speed": (60.0, 1.0, 10_000.0),
        "seed": SEED,
        "running": True,
    },
    "WallLab": {
        "size": (64, 8, 1024),
        "temperature": (1.0, 0.2, 4.0),
        "initial": ["up", "random"],
        "speed": (60.0, 1.0, 2000.0),
        "seed": SEED,
        "running": True,
    },
    "MeanFieldLab": {
        "temperature": (0.7, 0.2, 2.0),
        "field": (0.0, -1.0, 1.0),
        "magnetization": (0.9, -1.0, 1.0),
        "speed": (20.0, 0.5, 100.0),
        "running": True,
    },
    "FiniteMagnetLab": {
        "view": ["limits", "escape"],
        "spins": (1000, 10, 100_000),
        "temperature": (0.8, 0.3, 2.0),
        "field": (0.001, -0.5, 0.5),
        "speed": (60.0, 1.0, 10_000.0),
        "seed": SEED,
        "running": True,
    },
    "AmplifierLab": {
        "circuit": ["amplifier", "flip-flop"],
        "loop_gain": (0.5, 0.0, 2.0),
        "voltage": (0.0, -1.0, 1.0),
        "pulse": (0.8, 0.0, 1.0),
        "speed": (20.0, 0.5, 100.0),
        "running": True,
    },
    "HopfieldLab": {
        "view": ["full", "compact"],
        "kind": ["letters", "random"],
        "side": (16, 8, 32),
        "count": (4, 1, 200),
        "rule": ["hebb", "pseudo-inverse", "polynomial", "exponential"],
        "degree": (3, 2, 8),
        "noise": (0.25, 0.0, 0.5),
        "temperature": (0.0, 0.0, 1.5),
        "cue": (1, 1, 220),
        "speed": (150.0, 5.0, 100_000.0),
        "seed": SEED,
        "running": True,
    },
    "BridgeLab": {
        "kind": ["letters", "random"],
        "side": (16, 8, 24),
        "count": (4, 1, 100),
        "drawn": (0, 0, 100),
        "softness": (1.0, 0.0, 1.0),
        "temperature": (0.5, 0.05, 2.0),
        "noise": (0.2, 0.0, 0.5),
        "cue": (1, 1, 100),
        "speed": (20.0, 1.0, 1000.0),
        "seed": SEED,
        "running": True,
    },
    "DescentLab": {
        "landscape": ["product", "bowl", "double-well"],
        "optimizers": ["all", "gradient-descent", "heavy-ball", "adam"],
        "rate": (0.2, 0.001, 4.0),
        "momentum": (0.9, 0.0, 0.99),
        "temperature": (0.0, 0.0, 1.0),
        "condition": (10.0, 1.0, 100.0),
        "start_x": (3.5, -4.0, 4.0),
        "start_y": (0.1, -4.0, 4.0),
        "speed": (20.0, 0.5, 1000.0),
        "seed": SEED,
        "running": True,
    },
    "MaxEntLab": {
        "view": ["maximum", "rolls", "own"],
        "system": ["die", "oscillator", "spin"],
        "states": (6, 2, 20),
        "mean": (4.5, -1.0, 20.0),
        "bars": ["linear", "logarithmic"],
        "dice": (100, 2, 1000),
        "speed": (10.0, 0.5, 1000.0),
        "seed": SEED,
        "running": True,
    },
    "SpinGlassLab": {
        "model": ["SK", "plus-minus", "ferromagnet"],
        "spins": (256, 16, 512),
        "size": (24, 4, 32),
        "temperature": (0.4, 0.1, 3.0),
        "algorithm": ["heat-bath", "tempering"],
        "speed": (200.0, 1.0, 2000.0),
        "seed": SEED,
        "running": True,
    },
    "BoltzmannLab": {
        "data": ["xor", "and", "bars-2", "bars-3", "ring", "own"],
        "hidden": (1, 0, 3),
        "averages": ["exact", "sampled"],
        "rate": (0.1, 0.005, 1.0),
        "connections": ["full", "restricted"],
        "scale": (0.5, 0.0, 1.0),
        "chains": (100, 10, 1000),
        "speed": (100.0, 1.0, 1000.0),
        "seed": SEED,
        "running": True,
    },
    "PhaseDiagramLab": {
        "load": (0.05, 0.0, 0.2),
        "temperature": (0.4, 0.0, 1.5),
        "spins": (500, 200, 1000),
        "start": ["pattern", "random"],
        "speed": (60.0, 1.0, 2000.0),
        "seed": SEED,
        "running": True,
    },
    "ProjectionLab": {
        "n_up": (500, 0, 1000),
        "n_down": (500, 0, 1000),
        "speed": (20.0, 1.0, 5000.0),
        "seed": SEED,
        "running": True,
    },
    "SectionLab": {
        "network": ["saddle of 1001 parameters"],
        "directions": ["random", "Hessian"],
        "data": ["train"],
        "zoom": ["1"],
        "view": ["map", "relief"],
        "colours": ["linear", "logarithmic", "centred", "common"],
        "turn": (-35.0, -180.0, 180.0),
        "tilt": (35.0, 5.0, 90.0),
        "speed": (10.0, 1.0, 200.0),
        "running": False,
    },
    "NeuronLab": {
        "net": [
            "precession",
            "disjunction",
            "conjunction",
            "conjoined-negation",
            "exclusive-or",
            "heat-illusion",
            "memory",
            "oscillator",
            "counter",
            "own",
        ],
        "drive": ["switches", "pulses", "random"],
        "first": True,
        "second": False,
        "third": False,
        "probability": (0.2, 0.0, 1.0),
        "speed": (2.0, 0.5, 50.0),
        "seed": SEED,
        "running": False,
    },
    "DiffusionLab": {
        "learner": ["exact", "memory"],
        "direction": ["back", "forward"],
        "time": (4.0, 0.001, 4.0),
        "count": (16, 2, 1024),
        "dimensions": (8, 2, 32),
        "mean_norm": (4.0, 0.0, 8.0),
        "deviation": (1.0, 0.1, 2.0),
        "particles": (400, 50, 500),
        "cloned_at": (0.0, 0.0, 4.0),
        "colours": ["end", "now"],
        "speed": (20.0, 1.0, 1000.0),
        "seed": SEED,
        "running": True,
    },
    "LearningCurveLab": {
        "hebb": True,
        "pseudo_inverse": False,
        "perceptron": True,
        "optimal": False,
        "stability": False,
        "gibbs": True,
        "bayes": True,
        "load": (1.0, 0.05, 20.0),
        "size": (50, 10, 200),
        "reach": (5, 2, 20),
        "axes": ["linear", "logarithmic"],
        "speed": (60.0, 1.0, 5000.0),
        "seed": SEED,
        "running": True,
    },
    "PerceptronLab": {
        "data": ["two-clouds", "narrow-gap", "xor", "ring", "moons", "own"],
        "model": ["perceptron", "two-layers"],
        "algorithm": ["perceptron", "adatron"],
        "hidden": (2, 1, 8),
        "rate": (0.5, 0.01, 10.0),
        "count": (24, 2, 40),
        "speed": (4.0, 0.5, 5000.0),
        "sample": (2, 0, 2**53 - 1),
        "seed": SEED,
        "running": True,
    },
    "ModesLab": {
        "start": ["aligned", "random"],
        "depth": (2, 1, 4),
        "initial": (0.001, 0.00001, 1.0),
        "rate": (0.02, 0.001, 1.0),
        "first": (2.0, 0.0, 3.0),
        "second": (1.2, 0.0, 3.0),
        "third": (0.8, 0.0, 3.0),
        "fourth": (0.5, 0.0, 3.0),
        "speed": (60.0, 1.0, 20_000.0),
        "seed": SEED,
        "running": True,
    },
    "CapacityLab": {
        "view": ["separable", "margin"],
        "inputs": (2, 2, 50),
        "speed": (3.0, 0.5, 1e6),
        "seed": SEED,
        "running": True,
    },
    "EngineLab": {
        "duration": (8.0, 1.0, 50.0),
        "barrier": (8.0, 4.0, 12.0),
        "tilt": (4.0, 0.0, 8.0),
        "bits": (400, 50, 1000),
        "speed": (2.0, 0.25, 1000.0),
        "seed": SEED,
        "running": True,
    },
    "CommitteeLab": {
        "hidden": (2, 2, 5),
        "rate": (1.0, 0.1, 3.0),
        "push": (0.05, 0.001, 0.3),
        "inputs": (500, 50, 2000),
        "start": ["random", "symmetric"],
        "speed": (10.0, 0.5, 200.0),
        "seed": SEED,
        "running": True,
    },
    "CurveLab": {
        "view": ["whole", "transition"],
        "size": ["64", "16", "32", "128"],
        "algorithm": ["heat-bath", "metropolis"],
        "initial": ["up", "random"],
        "shown": (2.27, 1.5, 3.5),
        "speed": (100_000.0, 5.0, 100_000.0),
        "seed": SEED,
        "running": True,
    },
    "RBMLab": {
        "temperature": (1.0, 0.2, 5.0),
        "start": ["noise", "image"],
        "image": (1, 1, 1000),
        "shows": ["means", "states"],
        "parameters": ["given", "random"],
        "learning": ["off", "pcd", "cd"],
        "rate": (0.05, 0.001, 1.0),
        "batch": (50, 1, 100),
        "n_steps": (1, 1, 20),
        "speed": (20.0, 1.0, 1000.0),
        "seed": SEED,
        "running": True,
    },
}
NUMBERS = [
    (lab, name) for lab, settings in LABS.items() for name, form in settings.items() if type(form) is tuple
]
CHOICES = [
    (lab, name) for lab, settings in LABS.items() for name, form in settings.items() if type(form) is list
]


def is_whole(lab, name):
    return type(LABS[lab][name][0]) is int


REAL = [(lab, name) for lab, name in NUMBERS if not is_whole(lab, name)]
WHOLE = [(lab, name) for lab, name in NUMBERS if is_whole(lab, name)]


def made(name, **settings):
    return getattr(widgets, name)(**settings)


def defaults(name):
    return {key: form if type(form) is bool else form[0] for key, form in LABS[name].items()}


def settings_of(name, lab):
    return {key: getattr(lab, key) for key in LABS[name]}


def refused(error, words, name, **setting):
    """Check that a setting is refused by the class and by a lab, which stays as it is."""
    with pytest.raises(error, match=words):
        made(name, **setting)
    lab = made(name)
    ((key, value),) = setting.items()
    with pytest.raises(error, match=words):
        setattr(lab, key, value)
    assert settings_of(name, lab) == defaults(name)


def test_every_lab_stands_here():
    assert {name for name in widgets.__all__ if name.endswith("Lab")} == set(LABS)


@pytest.mark.parametrize("name", LABS)
def test_the_defaults_and_the_repr_which_makes_the_lab_again(name):
    lab = made(name, running=False)
    assert settings_of(name, lab) == defaults(name) | {"running": False}
    written = ", ".join(f"{key}={value!r}" for key, value in settings_of(name, lab).items())
    assert repr(lab) == f"{name}({written})"
    assert settings_of(name, eval(repr(lab), vars(widgets))) == settings_of(name, lab)


@pytest.mark.parametrize("name", LABS)
def test_a_page_is_given_all_it_needs(name):
    state = made(name, running=False).get_state()
    assert {key: state[key] for key in LABS[name]} == defaults(name) | {"running": False}
    limits = {
        key: [False, True] if type(form) is bool else form if type(form) is list else list(form[1:])
        for key, form in LABS[name].items()
    }
    assert list(state["_limits"].items()) == list(limits.items())
    assert state["_whole"] == [key for lab, key in WHOLE if lab == name]
    assert state["_kernels"] == WASM.read_bytes()
    for words in (f"class {name}", "class Kernels", "exported.default = lab("):
        assert words in state["_esm"]
    assert ".smbook-lab" in state["_css"]


@pytest.mark.parametrize("name", LABS)
def test_readouts_wait_for_a_page_and_cannot_be_set(name):
    lab = made(name)
    told = lab.traits(sync=True).items()
    readouts = [key for key, trait in told if isinstance(trait, traitlets.Float) and trait.allow_none]
    assert readouts
    for key in readouts:
        assert getattr(lab, key) is None
        with pytest.raises(traitlets.TraitError, match=key):
            setattr(lab, key, 1.0)


@pytest.mark.parametrize(("name", "key"), NUMBERS)
def test_the_ends_of_a_range_belong_to_it(name, key):
    _, low, high = LABS[name][key]
    assert [getattr(made(name, **{key: value}), key) for value in (low, high)] == [low, high]
    whole = is_whole(name, key)
    given = np.int32(low + 3) if whole else np.float32((low + high) / 2)
    assert type(getattr(made(name, **{key: given}), key)) is (int if whole else float)
    below, beyond = (
        (low - 1, high + 1) if whole else (math.nextafter(low, -math.inf), math.nextafter(high, 1e9))
    )
    refused(ValueError, f"{key} must be at least .*; got {below}", name, **{key: below})
    refused(ValueError, f"{key} must be at most .*; got {beyond}", name, **{key: beyond})


@pytest.mark.parametrize("value", ["1", None, False, [0.5], 0.5j])
@pytest.mark.parametrize(("name", "key"), REAL)
def test_what_is_no_number_is_refused(name, key, value):
    refused(TypeError, f"{key} must be a real number; got", name, **{key: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("name", "key"), REAL)
def test_what_is_not_finite_is_refused(name, key, value):
    refused(ValueError, f"{key} must be finite; got {value}", name, **{key: value})


@pytest.mark.parametrize("value", [3.5, 64.0, True, "64", None, [64]])
@pytest.mark.parametrize(("name", "key"), WHOLE)
def test_what_is_no_whole_number_is_refused(name, key, value):
    refused(TypeError, f"{key} must be an integer; got", name, **{key: value})


@pytest.mark.parametrize("value", ["glauber", "Up", "", None, 1])
@pytest.mark.parametrize(("name", "key"), CHOICES)
def test_an_unknown_choice_is_refused_with_the_list_of_them(name, key, value):
    options = ", ".join(map(repr, LABS[name][key]))
    refused(ValueError, f"{key} must be one of {options}; got {value!r}", name, **{key: value})


@pytest.mark.parametrize("value", [1, None, "yes"])
@pytest.mark.parametrize("name", LABS)
def test_running_is_true_or_false(name, value):
    refused(TypeError, "running must be True or False; got", name, running=value)


@pytest.mark.parametrize("name", LABS)
def test_settings_are_keywords_of_the_lab(name):
    first = next(iter(LABS[name]))
    with pytest.raises(TypeError, match=f"{name} has no setting 'beta'; it has {first}, "):
        made(name, beta=0.4)
    with pytest.raises(TypeError):
        getattr(widgets, name)(defaults(name)[first])
