"""What is no set of examples is refused by all rules alike, with the value and where it stands."""

import numpy as np
import pytest

from smbook.perceptron import (
    adatron,
    bayes_learning,
    gibbs_learning,
    minover,
    online,
    perceptron_rule,
    pseudo_inverse,
)
from smbook.perceptron._examples import checked_examples, checked_weights

INPUTS, LABELS = np.array([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]]), np.array([1, -1, 1])
RULES = {
    "perceptron_rule": perceptron_rule,
    "pseudo_inverse": pseudo_inverse,
    "adatron": adatron,
    "minover": minover,
    "gibbs_learning": lambda inputs, labels: gibbs_learning(inputs, labels, 3),
    "bayes_learning": lambda inputs, labels: bayes_learning(inputs, labels, 3),
    "online": online,
}


def changed(array, place, value):
    found = array.astype(float)
    found[place] = value
    return found


REFUSED = [
    (INPUTS, [1, 0, 1], ValueError, r"labels must be \+1 or -1; that of example 1 is 0"),
    (INPUTS, [1, 1, 2], ValueError, r"labels must be \+1 or -1; that of example 2 is 2"),
    (INPUTS, [0.5, 1, 1], ValueError, r"labels must be \+1 or -1; that of example 0 is 0\.5"),
    (INPUTS, [1, 1], ValueError, r"labels must be one for each of 3 examples; got the shape \(2,\)"),
    (INPUTS, [[1], [1], [-1]], ValueError, r"one for each of 3 examples; got the shape \(3, 1\)"),
    (INPUTS, [1, 1, np.nan], ValueError, "labels must be finite; got nan"),
    (INPUTS, [True, True, False], TypeError, "labels must hold real numbers; got dtype bool"),
    (INPUTS, ["a", "b", "c"], TypeError, "labels must hold real numbers; got dtype <U1"),
    (INPUTS, np.ma.array(LABELS, mask=[0, 1, 0]), TypeError, "labels must hold real numbers; got a masked"),
    (INPUTS, 1, ValueError, r"labels must be one for each of 3 examples; got the shape \(\)"),
    (np.empty((0, 2)), [], ValueError, r"at least one example of at least one number; got \(0, 2\)"),
    (np.empty((2, 0)), [1, 1], ValueError, r"at least one example of at least one number; got \(2, 0\)"),
    ([], [], ValueError, r"inputs must have the shape \(P, N\), an example a row; got \(0,\)"),
    ([1.0, 2.0], [1, 1], ValueError, r"inputs must have the shape \(P, N\), an example a row; got \(2,\)"),
    ([[1.0], [1.0, 2.0]], [1, 1], TypeError, "inputs must hold real numbers in rows of one length"),
    (INPUTS > 0, LABELS, TypeError, "inputs must hold real numbers; got dtype bool"),
    (INPUTS + 0j, LABELS, TypeError, "inputs must hold real numbers; got dtype complex128"),
    (np.ma.array(INPUTS, mask=INPUTS < 0), LABELS, TypeError, "got a masked array"),
    (changed(INPUTS, (1, 1), np.nan), LABELS, ValueError, "inputs must be finite; got nan"),
    (changed(INPUTS, (1, 1), -np.inf), LABELS, ValueError, "inputs must be finite; got -inf"),
    (changed(INPUTS, (1, 1), -1e200), LABELS, ValueError, r"at most 1e\+100 in size; example 1 has 1e\+200"),
]


@pytest.mark.parametrize(("inputs", "labels", "error", "message"), REFUSED)
@pytest.mark.parametrize("rule", RULES)
def test_what_is_no_set_of_examples_is_refused(rule, inputs, labels, error, message):
    with pytest.raises(error, match=message):
        RULES[rule](inputs, labels)


@pytest.mark.parametrize("rule", ["perceptron_rule", "adatron", "minover", "gibbs_learning"])
@pytest.mark.parametrize("size", [0.0, 1e-200])
def test_an_input_of_zeros_is_refused_where_it_makes_the_task_impossible(rule, size):
    message = r"inputs must (not be zero, which no weights .* 2 is \[|be at least 1e-100 .* 2 has 1e-200)"
    with pytest.raises(ValueError, match=message):
        RULES[rule](changed(INPUTS, 2, size), LABELS)


@pytest.mark.parametrize("rule", ["pseudo_inverse", "online"])
def test_an_input_of_zeros_does_no_harm_elsewhere(rule):
    RULES[rule](changed(INPUTS, 2, 0.0), LABELS)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64])
@pytest.mark.parametrize("order", ["C", "F"])
def test_examples_become_copies_of_one_kind(dtype, order):
    given = np.array([[1, 2], [3, -1], [2, 0]], dtype=dtype, order=order)
    inputs, labels = checked_examples(given, LABELS.astype(dtype))
    assert (inputs.dtype, labels.dtype, inputs.flags.c_contiguous) == (np.float64, np.int8, True)
    assert not np.shares_memory(inputs, given)
    np.testing.assert_array_equal(inputs, given)
    again, signs = checked_examples(inputs, labels)
    assert not np.shares_memory(again, inputs)
    assert not np.shares_memory(signs, labels)


def test_every_second_row_and_column_is_made_contiguous():
    inputs, _ = checked_examples(np.arange(24.0).reshape(6, 4)[::2, ::2], [1, 1, 1])
    assert inputs.flags.c_contiguous
    assert inputs.tolist() == [[0, 2], [8, 10], [16, 18]]


def test_weights_are_copied():
    given = np.ones(3)
    assert not np.shares_memory(checked_weights("weights", given, 3), given)


def test_what_is_too_small_is_not_called_zero():
    with pytest.raises(ValueError, match="inputs must be at least 1e-100 in size; example 1 has 1e-150"):
        checked_examples([[1.0], [1e-150]], [1, 1], nonzero=True)
