"""Weights +1 and -1: counts beside brute force and exact moments, their capacity, annealing that samples."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels import binary as kernels
from smbook.kernels.rng import seed_state
from smbook.perceptron import (
    Annealed,
    anneal_binary,
    binary_solutions,
    count_binary_solutions,
    random_dichotomy,
    random_inputs,
)
from smbook.theory.perceptron import binary_capacity

SEEDS = range(10)


def examples(seed, n_examples, n_inputs):
    return random_dichotomy(n_examples, n_inputs, distribution="binary", rng=seed)


def all_weights(n):
    return np.array(list(itertools.product([-1, 1], repeat=n)))


def by_hand(inputs, labels, stability=0.0):
    """Multiply everything out."""
    weights = all_weights(inputs.shape[1])
    fields = labels * (weights @ inputs.T)
    return weights[(fields > stability * math.sqrt(inputs.shape[1])).all(axis=1)]


@given(
    seed=st.integers(0, 10**6),
    n_inputs=st.integers(1, 9),
    n_examples=st.integers(1, 7),
    stability=st.one_of(st.just(0.0), st.floats(-4, 4)),
)
def test_all_solutions_are_found(seed, n_inputs, n_examples, stability):
    inputs, labels = examples(seed, n_examples, n_inputs)
    expected = by_hand(inputs, labels, stability)
    found = binary_solutions(inputs, labels, stability=stability)
    assert {*map(tuple, found.tolist())} == {*map(tuple, expected.tolist())}
    assert len(found) == count_binary_solutions(inputs, labels, stability=stability) == len(expected)
    assert found.dtype == np.int8
    words = (found > 0) @ (1 << np.arange(n_inputs))
    assert (np.diff(words) > 0).all()


def test_the_edges_of_stability():
    """Every field of N = 4 is at least -4, and none is above 4; 1 sqrt(4) is 2, which is not above 2."""
    inputs, labels = examples(1, 1, 4)
    counts = [count_binary_solutions(inputs, labels, stability=k) for k in (-9.0, -2.0, -1.0, 0.0, 1.0, 2.0)]
    assert counts == [16, 15, 11, 5, 1, 0]


def second_moment(p, n):
    """E[Z^2] by the overlap N - 2 k of two sets of weights, whose fields s + t and s - t are above 0."""
    total = 0.0
    for k in range(n + 1):
        agree, differ = _sums(n - k), _sums(k)
        both = sum(a * b for (s, a), (t, b) in itertools.product(agree, differ) if s + t > 0 and s - t > 0)
        total += math.comb(n, k) * both**p
    return 2.0**n * total


def _sums(n):
    """Values and probabilities of a sum of n signs."""
    return [(n - 2 * j, math.comb(n, j) / 2**n) for j in range(n + 1)]


@pytest.mark.parametrize(("n_inputs", "n_examples"), [(11, 4), (15, 9), (17, 12)])
def test_mean_and_square_of_the_number_of_solutions(n_inputs, n_examples):
    """E[Z] = 2^(N - P) exactly for odd N, with the exact variance as its error: |z| < 4 for 600 dichotomies.

    An enumeration that leaves out one weight in ten, or takes w.x = 0 as right at even N, is off by more.
    """
    runs = 600
    found = [count_binary_solutions(*examples(seed, n_examples, n_inputs)) for seed in range(runs)]
    mean, square = 2.0 ** (n_inputs - n_examples), second_moment(n_examples, n_inputs)
    error = math.sqrt((square - mean**2) / runs)
    assert abs(np.mean(found) - mean) < 4 * error
    squares = np.square(found, dtype=float)
    assert abs(squares.mean() - square) < 4 * squares.std() / math.sqrt(runs)
    if n_examples == 4:
        assert abs(0.9 * np.mean(found) - mean) > 4 * error


def examples_until_none_is_left(seed, n):
    """How many examples of a sequence some weights still answer right, all of them."""
    inputs, labels = examples(seed, 3 * n, n)
    weights = binary_solutions(inputs[: n // 2], labels[: n // 2])
    right = labels * (weights @ inputs.T) > 0
    return int(right.argmin(axis=1).max()) if len(weights) else n // 2 - 1


def test_the_capacity_from_enumeration():
    """Their mean number over N falls from .873(8) at N = 11 to .832(5) at 19, and stays: alpha_c is .833.

    From N = 19 on it is within 4 errors, and half an example, of the capacity, and more than 4 errors below
    1, up to which some weights are left on average.
    """
    found = {11: 1000, 15: 1000, 19: 1000, 21: 300, 23: 60}
    shares = {n: [examples_until_none_is_left(seed, n) / n for seed in range(k)] for n, k in found.items()}
    means = {n: np.mean(some) for n, some in shares.items()}
    errors = {n: np.std(some, ddof=1) / math.sqrt(len(some)) for n, some in shares.items()}
    assert means[11] - means[19] > 3 * math.hypot(errors[11], errors[19])
    for n in (19, 21, 23):
        assert abs(means[n] - binary_capacity()) < 4 * errors[n] + 0.5 / n
        assert means[n] < 1.0 - 4 * errors[n]


@pytest.mark.parametrize(("n_inputs", "n_examples"), [(15, 12), (17, 15)])
def test_the_share_that_can_be_solved_is_between_both_moments(n_inputs, n_examples):
    """E[Z]^2 / E[Z^2] <= P(Z > 0) <= E[Z], by Cauchy and Schwarz and by Markov."""
    runs = 400
    share = np.mean(
        [count_binary_solutions(*examples(seed, n_examples, n_inputs)) > 0 for seed in range(runs)]
    )
    error = math.sqrt(share * (1 - share) / runs)
    mean = 2.0 ** (n_inputs - n_examples)
    assert mean**2 / second_moment(n_examples, n_inputs) - 4 * error <= share <= min(mean, 1.0) + 4 * error


# Annealing


@pytest.mark.parametrize("seed", SEEDS)
def test_annealing_finds_what_enumeration_finds(seed):
    """At N = 21 and alpha = 1/2: it ends with weights that are among all solutions."""
    inputs, labels = examples(seed, 10, 21)
    found = anneal_binary(inputs, labels, betas=np.linspace(0.5, 5.0, 10), n_sweeps=300, rng=seed)
    assert found.wrong == (labels * (inputs @ found.weights) <= 0).sum()
    assert found.wrong == 0
    assert found.weights.tolist() in binary_solutions(inputs, labels).tolist()
    assert found.course[-1] == 0
    assert (found.course[:-1] > 0).all()


def test_what_has_no_solution_is_annealed_to_the_end():
    inputs, labels = examples(1, 40, 21)
    assert count_binary_solutions(inputs, labels) == 0
    kept = inputs.copy()
    found = anneal_binary(inputs, labels, betas=[0.5, 2.0], n_sweeps=30, rng=1)
    assert found.course.shape == (60,)
    assert found.course.min() >= 1
    assert found.wrong == found.course[-1] == (labels * (inputs @ found.weights) <= 0).sum()
    np.testing.assert_array_equal(inputs, kept)


def contradictory(seed, n):
    """Some examples with both labels, so that some answer is always wrong and a run never ends."""
    inputs, labels = examples(seed, 6, n)
    return np.vstack([inputs, inputs[:1]]), np.r_[labels, -labels[0]].astype(np.int8)


def measured_energies(inputs, labels, beta, n_sweeps, seed):
    """The number of wrong answers after each sweep at one temperature."""
    columns = np.array((labels[:, np.newaxis] * inputs).T, dtype=np.int8, order="C")
    weights, fields = np.ones(len(columns), np.int8), np.empty(len(labels), np.int32)
    kernels.find_fields(columns, weights, fields)
    course = np.empty(n_sweeps, np.int64)
    assert kernels.anneal_sweeps(columns, 0, beta, seed_state(seed), weights, fields, course) == n_sweeps
    return course[100:]


@pytest.mark.parametrize("seed", SEEDS)
def test_annealing_at_one_temperature_samples_the_gibbs_law(seed):
    """The mean energy beside the sum over all 2^7 weights, |z| < 4 by blocks; another beta is far off."""
    inputs, labels = contradictory(seed, 7)
    energies = (labels * (all_weights(7) @ inputs.T) <= 0).sum(axis=1)
    found = measured_energies(inputs, labels, 0.8, 20_100, seed).reshape(50, -1).mean(axis=1)
    error = found.std(ddof=1) / math.sqrt(50)

    def exact(beta):
        return np.average(energies, weights=np.exp(-beta * energies))

    assert abs(found.mean() - exact(0.8)) < 4 * error
    assert abs(found.mean() - exact(0.6)) > 4 * error


def test_runs_are_the_same_however_they_are_parted(monkeypatch):
    inputs, labels = examples(2, 40, 21)
    whole = anneal_binary(inputs, labels, betas=[0.5, 1.0, 2.0], n_sweeps=7, rng=5)
    monkeypatch.setattr("smbook._runs.UPDATES_PER_CALL", 2000)
    assert anneal_binary(inputs, labels, betas=[0.5, 1.0, 2.0], n_sweeps=7, rng=5) == whole
    assert anneal_binary(inputs, labels, betas=[0.5, 1.0, 2.0], n_sweeps=7, rng=6) != whole
    monkeypatch.setattr("smbook.perceptron.binary._WORDS_PER_CALL", 1000)
    assert len(binary_solutions(*examples(2, 5, 13))) == len(by_hand(*examples(2, 5, 13)))


def test_a_seed_that_drew_the_examples_begins_elsewhere():
    inputs, labels = examples(7, 3, 201)
    found = anneal_binary(inputs, labels, betas=[0.0], n_sweeps=1, rng=7)
    assert np.abs(random_inputs(1, 201, distribution="binary", rng=7) @ found.weights).max() < 60


def test_what_comes_out_shows_itself(capsys):
    inputs, labels = examples(3, 4, 9)
    count_binary_solutions(inputs, labels, progress=True)
    assert "block" in capsys.readouterr().err
    found = anneal_binary(inputs, labels, betas=[1.0], rng=1, progress=True)
    assert "sweep" in capsys.readouterr().err
    assert (
        repr(found)
        == f"Annealed(0 wrong after {found.course.size} sweep{'s' * (found.course.size != 1)}, 9 weights)"
    )
    assert found == Annealed(found.weights.copy(), found.wrong, found.course.copy())
    assert found != Annealed(-found.weights, found.wrong, found.course)


INPUTS, LABELS = np.ones((2, 3)), [1, 1]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: count_binary_solutions(np.ones((1, 31)), [1]),
            ValueError,
            "inputs must be at most 30 .* got 31",
        ),
        (
            lambda: count_binary_solutions([[1.0, 0.5]], [1]),
            ValueError,
            r"inputs must be \+1 or -1; example 0 has 0\.5",
        ),
        (lambda: count_binary_solutions([[1.0, np.nan]], [1]), ValueError, "inputs must be finite; got nan"),
        (
            lambda: count_binary_solutions(np.ma.array(INPUTS), LABELS),
            TypeError,
            "inputs must hold real numbers",
        ),
        (lambda: count_binary_solutions(np.ones((0, 3)), []), ValueError, "at least one example"),
        (
            lambda: count_binary_solutions(INPUTS, [1, 0]),
            ValueError,
            r"labels must be \+1 or -1; that of example 1",
        ),
        (lambda: count_binary_solutions(INPUTS, [True, True]), TypeError, "labels must hold real numbers"),
        (
            lambda: count_binary_solutions(INPUTS, LABELS, stability=math.inf),
            ValueError,
            "stability must be finite",
        ),
        (
            lambda: binary_solutions(INPUTS, LABELS, stability="0"),
            TypeError,
            "stability must be a real number",
        ),
        (lambda: anneal_binary(INPUTS, LABELS, betas=[]), ValueError, r"betas must have the shape \(K,\)"),
        (lambda: anneal_binary(INPUTS, LABELS, betas=1.0), ValueError, r"betas must have the shape \(K,\)"),
        (lambda: anneal_binary(INPUTS, LABELS, betas=[-1.0]), ValueError, "betas must be at least 0; got -1"),
        (lambda: anneal_binary(INPUTS, LABELS, betas=[math.inf]), ValueError, "betas must be finite"),
        (
            lambda: anneal_binary(INPUTS, LABELS, betas=[1.0], n_sweeps=0),
            ValueError,
            "n_sweeps must be at least 1",
        ),
        (
            lambda: anneal_binary(INPUTS, LABELS, betas=[1.0], rng=-1),
            ValueError,
            "rng must be at least 0; got -1",
        ),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
