"""What N weights learn and what it costs: identities, limits, sums over all labels, and the second law."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp

from smbook.theory.thermodynamics import (
    LabelLearning,
    RuleLearning,
    label_information,
    label_learning,
    one_weight_engine,
    rule_learning,
)

fields = st.floats(-3, 2).map(lambda e: min(max(10.0**e, 1e-3), 100.0))
loads = st.floats(-3, 2).map(lambda e: min(max(10.0**e, 1e-3), 100.0))
durations = st.floats(-6, 2).map(lambda e: 10.0**e) | st.just(math.inf)


@settings(max_examples=80, deadline=None)
@given(fields, loads, durations)
def test_labels_obey_the_second_law(field, load, duration):
    found = label_learning(field, load, duration=duration)
    slack = 1 + 1e-9
    assert 0 < found.information_readout <= found.information_weights * slack
    assert found.information_weights <= found.entropy_change * slack
    assert found.information_weights <= load * math.log(2) * slack
    assert found.heat > 0
    assert 0 < found.efficiency < 0.5
    assert found.efficiency == pytest.approx(found.information_readout / (found.heat + found.entropy_change))
    assert found.information_readout == pytest.approx(
        load * label_information(found.probability), rel=1e-5, abs=1e-13
    )


@settings(max_examples=40, deadline=None)
@given(fields, loads, st.sampled_from(["hebb", "perceptron", "adatron"]))
def test_rules_obey_the_second_law(field, load, rule):
    """And none is more than half efficient: they start with a jump."""
    found = rule_learning(field, load, rule=rule)
    assert found.information > 0
    assert 0 < found.efficiency < 0.5
    assert found.information <= found.heat + found.entropy_change
    assert 0 < found.error < 0.5
    assert math.cos(math.pi * found.error) == pytest.approx(
        found.overlap / math.sqrt(found.square), abs=1e-12
    )
    assert found.information == pytest.approx(-math.log1p(-(found.overlap**2) / found.square) / 2, rel=1e-12)


def test_few_labels_are_as_one_weight_each():
    """Each label pulls a direction of its own: the one-weight engine, alpha times."""
    few, one = label_learning([0.3, 1.0, 2.0], 1e-3), one_weight_engine([0.3, 1.0, 2.0])
    for name in ("heat", "information_weights", "information_readout"):
        ratio = getattr(few, name) / getattr(one, name.replace("weights", "weight"))
        np.testing.assert_allclose(ratio, 1e-3, rtol=6e-3)
    np.testing.assert_allclose(few.probability, one.probability, rtol=1e-3)
    # but single weights share entropy with one another, alpha m^2 / 2: more than they know together
    assert (few.entropy_change > 1e-3 * one.entropy_change).all()


def test_weak_forces():
    found = label_learning(1e-3, [0.01, 1.0, 10.0])
    np.testing.assert_allclose(found.efficiency * math.pi, 1.0, atol=1e-4)
    rule = rule_learning(1e-3, [0.1, 1.0, 10.0])
    c = 2 / math.pi
    np.testing.assert_allclose(rule.efficiency, c * rule_load([0.1, 1.0, 10.0]), rtol=1e-4)


def rule_load(load):
    load = np.asarray(load)
    return load / (2 * (1 + 2 / math.pi * load))


def information_by_enumeration(mean, inputs, samples, seed):
    """I(labels : w | inputs) of P labels, by sums over all of them, for w = m x s / sqrt(N) + noise."""
    p, n = inputs.shape
    columns = mean * inputs / math.sqrt(n)
    labels = np.array(list(itertools.product([-1.0, 1.0], repeat=p)))
    random = np.random.default_rng(seed)
    means = labels @ columns
    found = []
    for _ in range(samples):
        true = random.integers(2**p)
        w = means[true] + random.normal(size=n)
        logs = -((w - means) ** 2).sum(axis=1) / 2
        found.append(p * math.log(2) + logs[true] - logsumexp(logs))
    return np.mean(found) / p, np.std(found) / math.sqrt(samples) / p


@pytest.mark.parametrize(("mean", "n"), [(1.0, 10), (1.5, 5)])
def test_information_of_all_weights_by_enumeration(mean, n):
    """Ten labels: the limit is within two hundredths already, averaged over inputs."""
    random = np.random.default_rng(1)
    runs = [
        information_by_enumeration(mean, random.choice([-1.0, 1.0], (10, n)), 60, seed) for seed in range(30)
    ]
    values = np.array([value for value, _ in runs])
    error = values.std() / math.sqrt(len(values))
    exact = label_learning(mean, 10 / n).information_weights * n / 10
    assert abs(values.mean() - exact) < 0.02 + 4 * error
    # neither the marginal entropies nor a channel without the others come as near
    assert abs(values.mean() - label_learning(mean, 10 / n).entropy_change * n / 10) > 0.02 + 4 * error
    assert abs(values.mean() - one_weight_engine(mean).information_weight) > 0.02 + 4 * error


@pytest.mark.parametrize(("field", "load"), [(0.1, 0.5), (1.0, 2.0), (10.0, 5.0), (100.0, 0.01)])
def test_equipartition_gives_the_heat_of_the_adatron(field, load):
    """Its energy is homogeneous of degree 2: 1/2 at the end, and 1/2 + nu alpha / 4 at the start."""
    assert rule_learning(field, load, rule="adatron").heat == pytest.approx(field * load / 4, rel=1e-9)


@pytest.mark.parametrize("rule", ["perceptron", "adatron"])
def test_weak_perceptrons_to_first_order(rule):
    """To first order in nu: R and <w^2> by the mean force of examples on weights N(0, 1)."""
    nu, load = 1e-3, 0.7
    found = rule_learning(nu, load, rule=rule)
    # <theta(-s l) s b> and <-l theta(-s l) b> of independent l and b, s = sign b
    along = {"perceptron": 1 / math.sqrt(2 * math.pi), "adatron": 1 / math.pi}[rule]
    assert found.overlap == pytest.approx(nu * load * along, rel=2e-3)
    slope = {"perceptron": -1 / math.sqrt(2 * math.pi), "adatron": -0.5}[rule]
    assert found.square - 1 == pytest.approx(nu * load * slope, rel=5e-3)


def test_heat_is_the_integral_of_energies():
    """The free energy of the end, by integrating the mean potential over nu, is bounded by the second law:
    heat >= -(change of the joint entropy given the examples), and that is below the marginal one."""
    load = 1.0
    fine = np.linspace(1e-3, 2.0, 61)
    found = rule_learning(fine, load, rule="perceptron")
    start = 1 / math.sqrt(2 * math.pi)
    potential = (0.5 + fine * load * start - found.square / 2 - found.heat) / (fine * load)
    assert (np.diff(potential) < 0).all()
    free = (
        np.trapezoid(np.r_[start, potential], np.r_[0.0, fine]) * load
    )  # of the end, less that of the start
    energy = found.square[-1] / 2 - 0.5 + fine[-1] * load * potential[-1]
    entropy = energy - free  # change of the entropy, given the examples
    assert entropy < 0
    assert entropy + found.heat[-1] > 0  # the second law, given the examples
    assert entropy < found.entropy_change[-1]


def test_shapes_and_equality():
    found = label_learning([[0.5], [1.0]], [0.1, 1.0, 2.0])
    assert found.heat.shape == (2, 3)
    assert found == label_learning([[0.5], [1.0]], [0.1, 1.0, 2.0])
    assert found != label_learning([[0.5], [1.0]], [0.1, 1.0, 2.0], duration=1.0)
    assert isinstance(found, LabelLearning)
    assert label_learning(1.0, 1.0, duration=0.0).efficiency == 0
    rule = rule_learning([[0.5], [1.0]], [0.1, 1.0, 2.0], rule="adatron")
    assert rule.error.shape == (2, 3)
    assert isinstance(rule, RuleLearning)
    assert isinstance(rule_learning(1.0, 1.0).error, float)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: label_learning(0.0, 1.0), ValueError, "field must be from 0.001 to 100; got 0.0"),
        (lambda: label_learning(1.0, -1.0), ValueError, "load must be from 0.001 to 100; got -1.0"),
        (lambda: label_learning(math.nan, 1.0), ValueError, "field must be finite; got nan"),
        (lambda: label_learning("1", 1.0), TypeError, "field must hold real numbers"),
        (
            lambda: label_learning(1.0, 1.0, duration=-1.0),
            ValueError,
            "duration must be at least 0; got -1.0",
        ),
        (lambda: label_learning([1.0, 2.0], [1.0, 2.0, 3.0]), ValueError, "must broadcast"),
        (
            lambda: rule_learning(1.0, 1.0, rule="gibbs"),
            ValueError,
            "rule must be one of 'hebb', 'perceptron', 'ada",
        ),
        (lambda: rule_learning(1e3, 1.0), ValueError, "field must be from 0.001 to 100; got 1000.0"),
        (lambda: rule_learning(1.0, True), TypeError, "load must hold real numbers"),
        (lambda: rule_learning(np.ma.array([1.0]), 1.0), TypeError, "masked"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
