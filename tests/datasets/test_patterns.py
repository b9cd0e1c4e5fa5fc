"""Patterns to learn from: their counts and their rules."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.datasets import (
    LETTERS,
    bars_and_stripes,
    digits,
    ising_configurations,
    letters,
    logic_gate,
)

BOTH = {
    "bars and stripes": lambda units: bars_and_stripes(3, units=units),
    "gates": lambda units: logic_gate("or", units=units),
    "digits": lambda units: digits(units=units).images,
    "letters": lambda units: letters(units=units),
    "magnets": lambda units: ising_configurations((3, 3), 0.4, 50, units=units, rng=1),
}


@pytest.mark.parametrize("name", BOTH)
def test_units_are_named_and_binary_unless_said(name):
    binary, spin = BOTH[name]("binary"), BOTH[name]("spin")
    assert binary.dtype == spin.dtype == np.int8
    assert set(np.unique(binary)) == {0, 1}
    np.testing.assert_array_equal(spin, 2 * binary - 1)
    with pytest.raises(ValueError, match="units must be one of 'binary', 'spin'; got 'ising'"):
        BOTH[name]("ising")


def test_binary_is_the_default():
    assert (
        bars_and_stripes(2).min() == logic_gate("and").min() == digits().images.min() == letters().min() == 0
    )
    assert ising_configurations(4, 0.0, 20, rng=1).min() == 0


# Bars and stripes


@pytest.mark.parametrize("side", range(1, 8))
def test_bars_and_stripes_are_all_pictures_of_rows_or_columns_of_one_colour(side):
    rows = bars_and_stripes(side)
    assert rows.shape == (2 ** (side + 1) - 2, side**2)
    assert len(np.unique(rows, axis=0)) == len(rows)
    pictures = rows.reshape(-1, side, side)
    bars = (pictures == pictures[:, :, :1]).all(axis=(1, 2))
    stripes = (pictures == pictures[:, :1]).all(axis=(1, 2))
    assert (bars | stripes).all()
    assert bars.sum() == stripes.sum() == 2**side


def test_doubled_ones_hold_the_plain_pictures_twice():
    rows, counts = np.unique(bars_and_stripes(3, doubled=True), axis=0, return_counts=True)
    assert rows.tolist() == np.unique(bars_and_stripes(3), axis=0).tolist()
    plain = (rows == rows[:, :1]).all(axis=1)
    assert counts[plain].tolist() == [2, 2]
    assert (counts[~plain] == 1).all()


@pytest.mark.parametrize(
    ("side", "error", "message"),
    [
        (0, ValueError, "side must be at least 1; got 0"),
        (21, ValueError, "side must be at most 20; got 21"),
        (2.0, TypeError, "side must be an integer; got 2.0"),
    ],
)
def test_a_side_that_is_none_is_refused(side, error, message):
    with pytest.raises(error, match=message):
        bars_and_stripes(side)


# Gates


@pytest.mark.parametrize(
    ("name", "out"),
    [("and", 8), ("or", 14), ("xor", 6), ("nand", 7), ("nor", 1), ("xnor", 9)],
)
def test_a_gate_has_its_truth_table(name, out):
    """Bit k of the number is the output of inputs k."""
    rows = logic_gate(name)
    assert rows[:, :2].tolist() == [[0, 0], [1, 0], [0, 1], [1, 1]]
    assert (rows[:, 2] @ (1 << np.arange(4))) == out


def test_an_unknown_gate_is_refused():
    with pytest.raises(ValueError, match=r"name must be one of 'and', 'or', .*; got 'not'"):
        logic_gate("not")


# Digits


def test_digits_are_real_and_labelled():
    images, labels = digits()
    assert images.shape == (1797, 64)
    assert labels.dtype == np.int64
    assert sorted(set(labels.tolist())) == list(range(10))
    assert np.bincount(labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert images.mean() == pytest.approx(0.2892, abs=0.005)
    ring = images[labels == 0].mean(axis=0).reshape(8, 8)
    assert ring[3:5, 3:5].max() < 0.1 < 0.5 < ring[4, 2]


def test_ink_is_what_exceeds_the_threshold():
    from sklearn.datasets import load_digits

    grey = load_digits().data
    np.testing.assert_array_equal(digits(threshold=3).images, grey > 3)
    assert digits(threshold=15.5).images.sum() == (grey == 16).sum() > 0


def test_digits_compare_by_their_numbers():
    assert digits() == digits()
    assert digits() != digits(threshold=3)


@pytest.mark.parametrize("threshold", [-1, 16, math.nan])
def test_a_threshold_outside_the_greys_is_refused(threshold):
    with pytest.raises(ValueError, match=r"threshold must be (at|finite)"):
        digits(threshold=threshold)


# Letters


def test_the_first_letters_have_little_in_common_and_are_what_their_names_say():
    drawn = letters(units="spin")
    assert drawn.shape == (10, 256)
    assert set(LETTERS) == set("ACFVXJLTSZ")
    crosstalk = drawn[:4].astype(int) @ drawn[:4].T / 256 - np.eye(4)
    assert abs(crosstalk).max() < 0.1
    tee = drawn[LETTERS.index("T")].reshape(16, 16)
    assert (tee[:4] == 1).all()
    assert (tee[4:, 6:10] == 1).all()
    assert (tee[4:, [0, 15]] == -1).all()
    for side in (8, 11, 32):
        again = letters(side)[LETTERS.index("L")].reshape(side, side)
        assert (again[: side // 2, 1] == 1).all()
        assert (again[-2, side // 8 : -side // 8] == 1).all()
        assert (again[: side // 2, -1] == 0).all()


def test_letters_need_a_side():
    with pytest.raises(ValueError, match="side must be at least 1; got 0"):
        letters(0)


@given(st.integers(1, 20))
def test_letters_have_as_many_pixels_as_asked_for(side):
    assert letters(side).shape == (10, side**2)
