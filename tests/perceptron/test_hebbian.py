"""Hebb's rule with and without a teacher, and Oja's, beside the eigenvectors that they find."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.perceptron import Oja, hebb, hebb_growth, oja, principal_component

SEEDS = range(10)
seeds = st.integers(0, 10**6)


def examples(seed, n=4, p=60):
    """Return inputs whose second moments have a leading direction of no axis, and a mean that is not 0."""
    random = np.random.default_rng(seed)
    axes = np.linalg.qr(random.normal(size=(n, n)))[0]
    return random.normal(size=(p, n)) * np.r_[2.0, np.linspace(1.0, 0.3, n - 1)] @ axes + 0.2


def moments(inputs):
    return inputs.T @ inputs / len(inputs)


def leading(inputs):
    values, vectors = np.linalg.eigh(moments(inputs))
    return values[-1], vectors[:, -1]


# Hebb's rule with a teacher


@given(st.integers(1, 8), st.integers(1, 6), seeds)
def test_hebbs_weights_are_those_of_the_definition(p, n, seed):
    random = np.random.default_rng(seed)
    inputs, labels = random.normal(size=(p, n)), random.choice([-1, 1], p)
    found = hebb(inputs, labels)
    exact = [math.fsum(int(y) * x[i] for x, y in zip(inputs, labels, strict=True)) / p for i in range(n)]
    np.testing.assert_allclose(found, exact, atol=1e-13)
    np.testing.assert_allclose(hebb(inputs, -labels), -found, atol=0)


def test_hebbs_rule_learns_one_example_and_errs_on_some_of_many():
    """One is always right, w.x = y |x|^2; three that other weights get right are not all."""
    x = np.array([[1.0, -2.0, 0.5]])
    assert hebb(x, [-1]) @ x[0] == -(x[0] @ x[0])
    inputs, labels = np.array([[1.0, 0.1], [1.0, 0.1], [-0.9, 0.1]]), np.array([1, 1, 1])
    assert (inputs @ [0.0, 1.0] * labels > 0).all()
    assert (inputs @ hebb(inputs, labels) * labels > 0).tolist() == [True, True, False]


# The principal component


@given(st.integers(1, 12), st.integers(1, 6), seeds)
def test_the_principal_component_is_that_of_eigh(p, n, seed):
    inputs = np.random.default_rng(seed).normal(size=(p, n)) + 0.3
    value, vector = principal_component(inputs)
    assert value == pytest.approx(leading(inputs)[0], rel=1e-12)
    assert type(value) is float
    np.testing.assert_allclose(moments(inputs) @ vector, value * vector, atol=1e-12 * value)
    assert vector @ vector == pytest.approx(1.0, abs=1e-12)
    assert vector[np.abs(vector).argmax()] > 0


def test_the_principal_component_is_not_centred():
    """All inputs near (3, 0): their mean leads, while their variance is largest across it."""
    inputs = np.array([[3.0, 1.0], [3.0, -1.0], [3.1, 0.0], [2.9, 0.0]])
    assert abs(principal_component(inputs)[1][0]) > 0.999
    assert np.linalg.eigh(np.cov(inputs.T))[1][:, -1].tolist() == pytest.approx([0, 1], abs=1e-12)


# Oja's rule, averaged


def averaged(matrix, w):
    return matrix @ w - (w @ matrix @ w) * w


@pytest.mark.parametrize("seed", SEEDS)
def test_all_eigenvectors_are_fixed_and_the_leading_one_alone_is_stable(seed):
    """The Jacobian C - lambda_k - 2 lambda_k e_k e_k^T has eigenvalues lambda_j - lambda_k, -2 lambda_k."""
    matrix = moments(examples(seed))
    values, vectors = np.linalg.eigh(matrix)
    for k, vector in enumerate(vectors.T):
        assert np.abs(averaged(matrix, vector)).max() < 1e-13
        step = 1e-6
        columns = [
            (averaged(matrix, vector + step * e) - averaged(matrix, vector - step * e)) / (2 * step)
            for e in np.eye(4)
        ]
        exact = np.sort([-2 * values[k], *(values[j] - values[k] for j in range(4) if j != k)])
        found = np.linalg.eigvalsh((np.array(columns) + np.array(columns).T) / 2)
        np.testing.assert_allclose(found, exact, atol=1e-8)
        assert (exact.max() < 0) == (k == 3)
    none = np.linalg.eigvalsh(matrix)  # the Jacobian at w = 0 is C itself
    assert none.min() > 0


@pytest.mark.parametrize("seed", SEEDS)
def test_the_flow_has_no_other_fixed_points(seed):
    """C w = (w.C w) w makes w an eigenvector, whose length is 1; Newton's method finds no others."""
    matrix, random = moments(examples(seed)), np.random.default_rng(seed)
    for _ in range(20):
        w = random.normal(size=4)
        for _ in range(200):
            jacobian = matrix - (w @ matrix @ w) * np.eye(4) - 2 * np.outer(w, matrix @ w)
            w = w - np.linalg.solve(jacobian, averaged(matrix, w))
            if np.abs(averaged(matrix, w)).max() < 1e-13:
                break
        length = np.linalg.norm(w)
        assert length == pytest.approx(1.0, abs=1e-10) or length < 1e-10
        if length > 0.5:
            np.testing.assert_allclose(matrix @ w, (w @ matrix @ w) * w, atol=1e-11)


# Oja's rule


@pytest.mark.parametrize("order", ["random", "cyclic"])
@pytest.mark.parametrize("seed", SEEDS)
def test_oja_finds_the_leading_eigenvector(seed, order):
    inputs = examples(seed)
    found = oja(inputs, rate=1e-3, n_passes=300, order=order, rng=seed)
    _, vector = leading(inputs)
    assert 1 - abs(found.weights @ vector) < 1e-3
    assert np.linalg.norm(found.weights) == pytest.approx(1.0, abs=0.01)
    assert 1 - abs(found.path[0] @ vector) > 1e-2
    value, component = principal_component(inputs)
    assert found.weights @ moments(inputs) @ found.weights == pytest.approx(value, rel=0.02)
    assert 1 - abs(found.weights @ component) < 1e-3


def test_both_signs_are_found():
    inputs = examples(0)
    vector = leading(inputs)[1]
    signs = {float(np.sign(oja(inputs, rate=1e-2, n_passes=20, rng=k).weights @ vector)) for k in SEEDS}
    assert signs == {-1.0, 1.0}


def test_in_a_cyclic_order_the_error_is_proportional_to_the_rate():
    """To the eigenvector, the length included: halving the rate halves it, within a tenth."""
    for seed in SEEDS:
        inputs = examples(seed)
        vector = leading(inputs)[1]
        errors = []
        for rate in (2e-4, 1e-4):
            end = oja(inputs, rate=rate, n_passes=4000, initial=vector, order="cyclic").weights
            errors.append(np.linalg.norm(end - vector))
        assert 1.8 < errors[0] / errors[1] < 2.2


def test_a_rule_that_subtracts_another_term_is_seen_to_go_elsewhere():
    """y (x - w) instead of y (x - y w) has no fixed length: its mean vanishes at C w = (w.<x>) w."""
    inputs = examples(3)
    w = oja(inputs, rate=1e-3, n_passes=0, rng=3).weights
    for _ in range(300):
        for x in inputs:
            y = w @ x
            w = w + 1e-3 * y * (x - w)
    assert not abs(np.linalg.norm(w) - 1) < 0.01


def test_passes_go_on_from_where_others_ended():
    inputs = examples(1)
    whole = oja(inputs, rate=1e-2, n_passes=7, order="cyclic", initial=[1.0, 0, 0, 0])
    first = oja(inputs, rate=1e-2, n_passes=3, order="cyclic", initial=[1.0, 0, 0, 0])
    then = oja(inputs, rate=1e-2, n_passes=4, order="cyclic", initial=first.weights)
    assert whole.path.tolist() == [*first.path.tolist(), *then.path[1:].tolist()]


def test_runs_are_those_of_their_seed():
    inputs = examples(1)
    one = oja(inputs, rate=1e-2, n_passes=5, rng=1)
    assert one == oja(inputs, rate=1e-2, n_passes=5, rng=1)
    assert one != oja(inputs, rate=1e-2, n_passes=5, rng=2)
    assert not one != oja(inputs, rate=1e-2, n_passes=5, rng=1)  # noqa: SIM202
    generator, twin = np.random.default_rng(1), np.random.default_rng(1)
    oja(inputs, rate=1e-2, n_passes=2, rng=generator)
    twin.integers(0, 2**64, dtype=np.uint64)
    assert generator.bit_generator.state == twin.bit_generator.state


def test_what_a_run_leaves():
    inputs, initial = examples(1), np.ones(4)
    kept = inputs.copy()
    found = oja(inputs, rate=1e-3, n_passes=6, initial=initial, rng=1)
    assert isinstance(found, Oja)
    assert found.passes == 6
    assert found.path.shape == (7, 4)
    assert found.path[0].tolist() == [1.0] * 4 == initial.tolist()
    assert found.path[-1].tolist() == found.weights.tolist()
    assert not np.shares_memory(found.path, found.weights)
    assert inputs.tolist() == kept.tolist()
    assert (
        repr(oja(inputs, rate=1e-3, n_passes=0, initial=initial))
        == "Oja(4 weights of length 2 after 0 passes)"
    )
    assert np.linalg.norm(oja(inputs, rate=1e-3, n_passes=0, rng=1).weights) == pytest.approx(1.0)


def test_progress_is_told(capsys):
    oja(examples(1), rate=1e-3, n_passes=6, rng=1, progress=True)
    assert "6/6" in capsys.readouterr().err
    oja(examples(1), rate=1e-3, n_passes=6, rng=1)
    assert not capsys.readouterr().err


def test_too_high_a_rate_is_told_with_the_pass_and_the_bound():
    inputs = np.array([[2.0, 0.0]])
    assert np.isfinite(oja(inputs, rate=0.49, n_passes=3000, initial=[0.3, 0.1]).weights).all()
    with pytest.raises(
        ValueError, match=r"ran away in pass \d+ of 3000, from rate R\^2 = 2\.04 and \|w\|\^2 = 0\.1;"
    ):
        oja(inputs, rate=0.51, n_passes=3000, initial=[0.3, 0.1])
    with pytest.raises(ValueError, match=r"rate or initial must be smaller: .* and \|w\|\^2 = 9;"):
        oja(inputs, rate=0.1, n_passes=100, initial=[3.0, 0.0])


# Growth


@pytest.mark.parametrize("seed", SEEDS)
def test_hebbs_weights_grow_by_the_leading_eigenvalue_of_a_pass(seed):
    """A pass is the matrix prod (1 + rate x x^T): the weights turn to its leading eigenvector."""
    inputs, rate = examples(seed), 2e-3
    path = hebb_growth(inputs, rate=rate, n_passes=400, order="cyclic", rng=seed)
    matrix = np.linalg.multi_dot([np.eye(4) + rate * np.outer(x, x) for x in inputs[::-1]])
    values = np.linalg.eigvals(matrix)
    growth = np.linalg.norm(path[-1]) / np.linalg.norm(path[-2])
    assert growth == pytest.approx(np.abs(values).max(), rel=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_for_small_rates_growth_is_that_of_the_leading_eigenvalue(seed):
    """ln |w| by rate lambda_1 an example; and that of no other, nor of the trace."""
    inputs, rate = examples(seed), 1e-4
    values = np.linalg.eigvalsh(moments(inputs))
    path = hebb_growth(inputs, rate=rate, n_passes=2000, rng=seed)
    logs = np.log(np.linalg.norm(path, axis=1))
    found = (logs[-1] - logs[-501]) / (500 * len(inputs) * rate)
    assert found == pytest.approx(values[-1], rel=2e-3)
    assert abs(found - values[-2]) > 0.1 * found
    vector = path[-1] / np.linalg.norm(path[-1])
    assert abs(vector @ leading(inputs)[1]) > 1 - 1e-4


def test_growth_beyond_all_floats_is_told():
    with pytest.raises(ValueError, match=r"n_passes must be smaller: .* in pass 1024 of 2000, at rate 1"):
        hebb_growth([[1.0]], rate=1.0, n_passes=2000, initial=[1.0])
    assert hebb_growth([[1.0]], rate=1.0, n_passes=1023, initial=[1.0])[-1] == 2.0**1023


# Refusals

INPUTS = [
    ([1.0, 2.0], ValueError, r"inputs must have the shape \(P, N\), an example a row; got \(2,\)"),
    ([[]], ValueError, r"inputs must hold at least one example of at least one number; got \(1, 0\)"),
    ([[1.0, math.nan]], ValueError, "inputs must be finite; got nan"),
    ([[1.0, math.inf]], ValueError, "inputs must be finite; got inf"),
    ([[True, False]], TypeError, "inputs must hold real numbers; got dtype bool"),
    ([["1"]], TypeError, "inputs must hold real numbers; got dtype <U1"),
    ([[1.0], [1.0, 2.0]], TypeError, "inputs must hold real numbers in rows of one length"),
    (np.ma.array([[1.0]]), TypeError, "inputs must hold real numbers; got a masked array"),
    ([[1e200]], ValueError, r"inputs must be at most 1e\+100 in size; example 0 has 1e\+200"),
]


@pytest.mark.parametrize(("inputs", "error", "message"), INPUTS)
def test_bad_inputs_are_refused(inputs, error, message):
    for call in (
        lambda: hebb(inputs, [1]),
        lambda: oja(inputs, rate=0.1),
        lambda: hebb_growth(inputs, rate=0.1),
        lambda: principal_component(inputs),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1], ValueError, r"labels must be one for each of 2 examples; got the shape \(1,\)"),
        ([1, 0], ValueError, r"labels must be \+1 or -1; that of example 1 is 0"),
        ([True, True], TypeError, "labels must hold real numbers; got dtype bool"),
    ],
)
def test_bad_labels_are_refused(labels, error, message):
    with pytest.raises(error, match=message):
        hebb([[1.0], [2.0]], labels)


LEARNING = [
    ({"rate": 0.0}, ValueError, r"rate must be positive; got 0\.0"),
    ({"rate": -1}, ValueError, r"rate must be positive; got -1\.0"),
    ({"rate": math.nan}, ValueError, "rate must be finite; got nan"),
    ({"rate": "1"}, TypeError, "rate must be a real number; got '1'"),
    ({"n_passes": -1}, ValueError, "n_passes must be at least 0; got -1"),
    ({"n_passes": 1.0}, TypeError, r"n_passes must be an integer; got 1\.0"),
    ({"order": "sequential"}, ValueError, "order must be one of 'random', 'cyclic'; got 'sequential'"),
    ({"initial": [0.0, 0.0]}, ValueError, "initial must not be all zero, where weights stay for ever"),
    ({"initial": [1.0]}, ValueError, r"initial must be one weight for each of 2 inputs; got \(1,\)"),
    ({"initial": [1.0, math.inf]}, ValueError, "initial must be finite; got inf"),
    ({"rng": -1}, ValueError, "rng"),
    ({"rng": "1"}, TypeError, "rng"),
]


@pytest.mark.parametrize("learn", [oja, hebb_growth])
@pytest.mark.parametrize(("wrong", "error", "message"), LEARNING)
def test_bad_settings_are_refused(learn, wrong, error, message):
    with pytest.raises(error, match=message):
        learn([[1.0, 2.0]], **({"rate": 0.1} | wrong))
