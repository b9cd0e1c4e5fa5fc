"""IsingLab from Python: settings that refuse nonsense, spins that go in and out, and the run of the page."""

import json
import math

import numpy as np
import pytest

from smbook import ising
from smbook.theory import ising as theory
from smbook.widgets import IsingLab
from smbook.widgets.compiler import WASM

DEFAULTS = {
    "size": 128,
    "temperature": 2.27,
    "field": 0.0,
    "algorithm": "heat-bath",
    "initial": "random",
    "speed": 60.0,
    "seed": 1,
    "running": True,
}
RANGES = {"temperature": (0.5, 5.0), "field": (-2.0, 2.0), "speed": (1.0, 10000.0)}
WHOLE = {"size": (8, 512), "seed": (0, 2**53 - 1)}
ALGORITHMS = ["heat-bath", "metropolis", "wolff", "swendsen-wang"]


def settings(lab):
    return {name: getattr(lab, name) for name in DEFAULTS}


def refused(error, words, **setting):
    """Check that a setting is refused by the class and by a lab, which stays as it is."""
    with pytest.raises(error, match=words):
        IsingLab(**setting)
    lab = IsingLab()
    ((name, value),) = setting.items()
    with pytest.raises(error, match=words):
        setattr(lab, name, value)
    assert settings(lab) == DEFAULTS


def test_the_defaults():
    assert settings(IsingLab()) == DEFAULTS


def test_the_repr_makes_the_lab_again():
    lab = IsingLab(size=33, field=-0.25, algorithm="metropolis", running=False)
    assert repr(lab) == (
        "IsingLab(size=33, temperature=2.27, field=-0.25, algorithm='metropolis', initial='random', "
        "speed=60.0, seed=1, running=False)"
    )
    assert settings(eval(repr(lab))) == settings(lab)


@pytest.mark.parametrize("name", RANGES)
def test_the_ends_of_a_range_belong_to_it(name):
    low, high = RANGES[name]
    assert [getattr(IsingLab(**{name: value}), name) for value in (low, high)] == [low, high]
    for value in (math.nextafter(low, -math.inf), math.nextafter(high, math.inf)):
        refused(ValueError, f"{name} must be at", **{name: value})


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_are_kept_in_their_range(name):
    low, high = WHOLE[name]
    assert [getattr(IsingLab(**{name: value}), name) for value in (low, high)] == [low, high]
    assert type(getattr(IsingLab(**{name: np.int32(17)}), name)) is int
    refused(ValueError, f"{name} must be at least {low}; got {low - 1}", **{name: low - 1})
    refused(ValueError, f"{name} must be at most {high}; got {high + 1}", **{name: high + 1})


@pytest.mark.parametrize("value", [0, -1, 10_000])
def test_a_size_out_of_range_is_refused(value):
    refused(ValueError, f"size must be at .*; got {value}", size=value)


@pytest.mark.parametrize("value", [3.5, 64.0, True, "64", None, [64]])
@pytest.mark.parametrize("name", WHOLE)
def test_what_is_no_whole_number_is_refused(name, value):
    refused(TypeError, f"{name} must be an integer; got", **{name: value})


@pytest.mark.parametrize("value", ["2.0", None, False, [2.0], 2j])
@pytest.mark.parametrize("name", RANGES)
def test_what_is_no_number_is_refused(name, value):
    refused(TypeError, f"{name} must be a real number; got", **{name: value})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", RANGES)
def test_what_is_not_finite_is_refused(name, value):
    refused(ValueError, f"{name} must be finite; got {value}", **{name: value})


@pytest.mark.parametrize("value", ["glauber", "Wolff", "", None, 1])
def test_an_unknown_algorithm_is_refused_with_the_list_of_them(value):
    refused(
        ValueError, f"algorithm must be one of 'heat-bath', 'metropolis'.*; got {value!r}", algorithm=value
    )


def test_an_unknown_start_is_refused():
    refused(ValueError, "initial must be one of 'random', 'up'; got 'down'", initial="down")


@pytest.mark.parametrize("value", [1, None, "yes"])
def test_running_is_true_or_false(value):
    refused(TypeError, "running must be True or False; got", running=value)


def test_an_unknown_setting_is_refused_with_the_list_of_them():
    with pytest.raises(TypeError, match="IsingLab has no setting 'beta'; it has size, temperature, field"):
        IsingLab(beta=0.4)


@pytest.mark.parametrize("algorithm", ["wolff", "swendsen-wang"])
def test_clusters_and_a_field_exclude_each_other(algorithm):
    with pytest.raises(ValueError, match="field"):
        IsingLab(algorithm=algorithm, field=0.5)
    clustered = IsingLab(algorithm=algorithm)
    with pytest.raises(ValueError, match=r"a field forbids; got field=0\.5"):
        clustered.field = 0.5
    assert clustered.field == 0.0
    pulled = IsingLab(field=0.5)
    with pytest.raises(ValueError, match=r"a field forbids; got field=0\.5"):
        pulled.algorithm = algorithm
    assert pulled.algorithm == "heat-bath"


def test_a_setting_can_be_watched():
    lab, seen = IsingLab(), []
    lab.observe(lambda change: seen.append((change.old, change.new)), "temperature")
    lab.temperature = 3
    assert seen == [(2.27, 3.0)]


@pytest.mark.parametrize("name", ["sweeps", "energy", "magnetization"])
def test_readouts_wait_for_a_page_and_cannot_be_set(name):
    lab = IsingLab()
    assert getattr(lab, name) is None
    with pytest.raises(Exception, match="read-only"):
        setattr(lab, name, 1.0)


# Spins in and out


@pytest.fixture
def stripes():
    return np.where(np.arange(30 * 30).reshape(30, 30) % 7 < 3, 1, -1).astype(np.int8)


def test_before_a_page_speaks_the_spins_are_those_of_reset():
    lab = IsingLab(size=20, seed=5)
    np.testing.assert_array_equal(lab.spins, lab.simulate(0).spins)
    assert (IsingLab(size=20, initial="up").spins == 1).all()


def test_spins_that_are_set_are_shown_and_give_the_lab_its_size(stripes):
    lab = IsingLab()
    lab.spins = stripes
    assert lab.size == 30
    np.testing.assert_array_equal(lab.spins, stripes)
    assert lab.get_state("_spins")["_spins"] == stripes.tobytes()
    lab.spins = -stripes
    np.testing.assert_array_equal(lab.spins, -stripes)


def test_the_spins_are_a_copy(stripes):
    lab = IsingLab()
    lab.spins = stripes
    lab.spins[:] = 1
    np.testing.assert_array_equal(lab.spins, stripes)


BAD_SPINS = {
    "zeros": np.zeros((16, 16), np.int8),
    "integers of another kind": np.ones((16, 16), np.int64),
    "a rectangle": np.ones((16, 17), np.int8),
    "a chain": np.ones(256, np.int8),
    "a cube": np.ones((16, 16, 16), np.int8),
    "too few": np.ones((4, 4), np.int8),
    "too many": np.ones((520, 520), np.int8),
    "a list": [[1, -1], [-1, 1]],
    "nothing": None,
}


@pytest.mark.parametrize("name", BAD_SPINS)
def test_bad_spins_are_refused_and_change_nothing(stripes, name):
    lab = IsingLab(seed=3)
    lab.spins = stripes
    with pytest.raises((TypeError, ValueError), match=r"spins|size"):
        lab.spins = BAD_SPINS[name]
    assert settings(lab) == DEFAULTS | {"size": 30, "seed": 3}
    np.testing.assert_array_equal(lab.spins, stripes)


# The run of the page


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_simulate_is_the_simulation_of_the_package(algorithm):
    lab = IsingLab(size=24, temperature=2.1, algorithm=algorithm, initial="up", seed=9)
    ours = lab.simulate(12, thin=3)
    theirs = ising.simulate((24, 24), 1 / 2.1, 12, algorithm=algorithm, initial="up", thin=3, rng=9)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert settings(lab)["seed"] == 9


def test_simulate_takes_the_field():
    lab = IsingLab(size=24, field=0.3)
    trace = ising.simulate((24, 24), 1 / 2.27, 5, field=0.3, rng=1)
    np.testing.assert_array_equal(lab.simulate(5).energy, trace.energy)


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True])
def test_simulate_refuses_what_simulate_refuses(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        IsingLab(size=8).simulate(n_sweeps)


# What goes along into the page


def test_the_page_is_given_all_it_needs():
    state = IsingLab(field=0.3).get_state()
    assert {name: state[name] for name in DEFAULTS} == DEFAULTS | {"field": 0.3}
    numbers = {name: list(ends) for name, ends in (RANGES | WHOLE).items()}
    choices = {"algorithm": ALGORITHMS, "initial": ["random", "up"], "running": [False, True]}
    assert state["_limits"] == numbers | choices
    assert list(state["_limits"]) == list(DEFAULTS)
    assert state["_whole"] == list(WHOLE)
    assert state["_kernels"] == WASM.read_bytes()
    for name in ("class IsingLab", "class Kernels", "exported.default = lab("):
        assert name in state["_esm"]
    assert ".smbook-lab" in state["_css"]


def test_the_state_is_json_without_nan():
    state = {name: value for name, value in IsingLab().get_state().items() if not isinstance(value, bytes)}
    json.dumps({name: value for name, value in state.items() if name != "layout"}, allow_nan=False)


def test_the_curves_are_those_of_the_theory():
    curves = {name: np.array(values) for name, values in IsingLab().get_state()["_curves"].items()}
    beta = 1 / curves["temperature"]
    assert (np.diff(beta) < 0).all()
    assert curves["temperature"][[0, -1]].tolist() == [0.5, 5.0]
    np.testing.assert_allclose(curves["energy"], theory.onsager(beta).energy, atol=1e-4)
    away = abs(curves["temperature"] - theory.CRITICAL_TEMPERATURE) > 1e-3
    exact = theory.spontaneous_magnetization(beta)
    np.testing.assert_allclose(curves["magnetization"][away], exact[away], atol=1e-3)


def test_the_curves_have_no_corner_that_a_reader_would_see():
    """Between two points of a curve the magnetization falls by less than a sixth."""
    magnetization = np.array(IsingLab().get_state()["_curves"]["magnetization"])
    falls = -np.diff(magnetization)
    assert falls.max() < 0.3
    assert (falls >= 0).all()
