"""IsingLab from Python: settings that refuse nonsense, spins that go in and out, and the run of the page."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from smbook import ising
from smbook.kernels import bernoulli
from smbook.theory import ising as theory
from smbook.widgets import IsingLab, compiler

ALGORITHMS = ["heat-bath", "metropolis", "wolff", "swendsen-wang"]


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
    assert repr(lab) == repr(IsingLab(size=30, seed=3))
    np.testing.assert_array_equal(lab.spins, stripes)


# The run of the page


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_simulate_is_the_simulation_of_the_package(algorithm):
    lab = IsingLab(size=24, temperature=2.1, algorithm=algorithm, initial="up", seed=9)
    ours = lab.simulate(12, thin=3)
    theirs = ising.simulate(
        (24, 24), 1 / 2.1, 12, algorithm=algorithm, engine="plain", initial="up", thin=3, rng=9
    )
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert lab.seed == 9


def test_simulate_takes_the_field():
    lab = IsingLab(size=24, field=0.3)
    trace = ising.simulate((24, 24), 1 / 2.27, 5, field=0.3, rng=1)
    np.testing.assert_array_equal(lab.simulate(5).energy, trace.energy)


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True])
def test_simulate_refuses_what_simulate_refuses(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        IsingLab(size=8).simulate(n_sweeps)


# What goes along into the page


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


def test_the_page_has_room_for_the_trials_of_clusters():
    script = Path(compiler.WASM).with_name("ising_lab.js").read_text(encoding="utf-8")
    assert re.findall(r"TRIALS_SIZE = (\d+);", script) == [str(bernoulli.TRIALS_SIZE)]
