"""exp, expm1, log, tanh and erfc against 200 bits of mpmath, and what the compiled kernels call: nothing."""

import math
import re
import types

import mpmath
import numpy as np
import pytest
import scipy.special
from hypothesis import given
from hypothesis import strategies as st
from numba import njit

from smbook.kernels import (
    associative,
    bernoulli,
    binary,
    binary_students,
    bipartite,
    boltzmann,
    bridge,
    cloud,
    clusters,
    committee,
    curves,
    descent,
    diffusion,
    driven_network,
    elementary,
    hebbian,
    hopfield,
    hopfield_theory,
    hull,
    inference,
    lattice,
    linear_network,
    margin,
    mean_field,
    multilayer,
    multispin,
    network,
    overdamped,
    perceptron,
    plane,
    projection,
    regression,
    restricted,
    rng,
    spin_glass,
    students,
    threshold,
    walls,
)
from smbook.kernels.elementary import (
    erfc,
    exp,
    exp2_single,
    exp_below_zero,
    expm1,
    log,
    log_of_normal,
    open_unit,
    sqrt,
    tanh,
)

LARGEST, SMALLEST_NORMAL, SMALLEST = 1.7976931348623157e308, 2.2250738585072014e-308, 5e-324


def errors_in_ulps(function, reference, arguments):
    """|function - reference| in units of the last place of the exact value, gradual underflow included."""
    with mpmath.workprec(200):
        exact = [reference(mpmath.mpf(float(x))) for x in arguments]
        units = [mpmath.mpf(float(np.spacing(abs(float(value))))) for value in exact]
        values = (mpmath.mpf(function(float(x))) for x in arguments)
        found = zip(values, exact, units, strict=True)
        return np.array([float(abs(value - right) / unit) for value, right, unit in found])


def logarithmic(random, low, high, size):
    """Numbers whose logarithm is uniform, so that every binary order of magnitude is visited."""
    return np.exp2(random.uniform(math.log2(low), math.log2(high), size))


random = np.random.default_rng(1)
BOTH_SIDES = np.array([[-np.inf], [np.inf]])

EXP_RANGES = {
    "all": random.uniform(-708, 709.78, 4000),
    "acceptances": random.uniform(-20, 20, 4000),
    "near zero": random.choice([-1, 1], 2000) * logarithmic(random, 1e-20, 1, 2000),
    "subnormal argument": random.choice([-1, 1], 200) * logarithmic(random, 1e-322, 1e-308, 200),
    "subnormal value": random.uniform(-745.13, -708, 2000),
    "borders of the reduction": np.nextafter(
        (np.arange(-1074, 1024) + 0.5) * math.log(2), BOTH_SIDES
    ).ravel(),
}
LOG_RANGES = {
    "all": logarithmic(random, SMALLEST_NORMAL, 1.79e308, 4000),
    "near one": 1 + random.choice([-1, 1], 4000) * logarithmic(random, 2.0**-52, 0.5, 4000),
    "subnormal": random.integers(1, 2**52, 1000) * SMALLEST,
    "borders of the reduction": np.nextafter(np.exp2(np.arange(-1021, 1023) + 0.5), BOTH_SIDES).ravel(),
    "powers of two": np.exp2(np.arange(-1074.0, 1024)),
}
EXPM1_RANGES = {
    "all": random.uniform(-708, 709.78, 2000),
    "middle": random.uniform(-40, 40, 4000),
    "near zero": random.choice([-1, 1], 4000) * logarithmic(random, 1e-320, 1, 4000),
    "borders of the reduction": np.nextafter((np.arange(-60, 60) + 0.5) * math.log(2), BOTH_SIDES).ravel(),
}
TANH_RANGES = {
    "all": random.uniform(-22, 22, 4000),
    "middle": random.uniform(-2, 2, 8000),
    "near zero": random.choice([-1, 1], 4000) * logarithmic(random, 1e-320, 1, 4000),
    "border of the two forms": 1 + np.arange(-500, 500) * 2.0**-53,
}


@pytest.mark.parametrize("name", EXP_RANGES)
def test_exp_is_right_to_an_ulp(name):
    assert errors_in_ulps(exp, mpmath.exp, EXP_RANGES[name]).max() < 1


@pytest.mark.parametrize("name", LOG_RANGES)
def test_log_is_right_to_an_ulp(name):
    assert errors_in_ulps(log, mpmath.log, LOG_RANGES[name]).max() < 1


@pytest.mark.parametrize("name", EXP_RANGES)
def test_exp_below_zero_is_right_to_an_ulp(name):
    """Without a branch: the same series, but other roundings of the multiple of ln 2."""
    below = np.maximum(-np.abs(EXP_RANGES[name]), -708.0)
    assert errors_in_ulps(exp_below_zero, mpmath.exp, below).max() < 1


@pytest.mark.parametrize("x", [-708.0, -708.1, -1e5, -LARGEST, -math.inf])
def test_exp_below_zero_ends_at_the_least_of_its_numbers(x):
    assert exp_below_zero(x) == exp_below_zero(-708.0) == pytest.approx(math.exp(-708.0), rel=3e-16)


EXP2_RANGES = {
    "all": random.uniform(-126, 126, 20_000),
    "chances": random.uniform(-30, 30, 20_000),
    "near zero": random.choice([-1, 1], 2000) * logarithmic(random, 1e-40, 1, 2000),
    "borders of the reduction": np.nextafter(
        np.arange(-126, 126, dtype=np.float32) + np.float32(0.5), BOTH_SIDES.astype(np.float32)
    ).ravel(),
}


@pytest.mark.parametrize("name", EXP2_RANGES)
def test_a_power_of_two_is_right_to_single_precision(name):
    arguments = EXP2_RANGES[name].astype(np.float32)
    with mpmath.workprec(200):
        exact = [mpmath.power(2, mpmath.mpf(float(x))) for x in arguments]
        found = (mpmath.mpf(float(exp2_single(x))) for x in arguments)
        wrong = max(abs(f / e - 1) for f, e in zip(found, exact, strict=True))
    assert wrong < 2e-7


@pytest.mark.parametrize("k", [-126, -125, -24, -1, 0, 1, 23, 126])
def test_whole_powers_of_two_are_exact(k):
    assert float(exp2_single(np.float32(k))) == 2.0**k


@pytest.mark.parametrize("x", [126.5, 1e30, math.inf])
def test_powers_of_two_end_where_their_numbers_do(x):
    assert float(exp2_single(np.float32(x))) == 2.0**126
    assert float(exp2_single(np.float32(-x))) == 2.0**-126


@given(st.floats(SMALLEST_NORMAL, LARGEST))
def test_the_logarithm_of_a_normal_number_is_the_logarithm(x):
    assert log_of_normal(x) == log(x)


@pytest.mark.parametrize("word", [0, 1, 2**12, 2**63 - 1, 2**63, 2**64 - 2**12, 2**64 - 1])
def test_a_word_names_a_number_inside_the_unit_interval_exactly(word):
    assert open_unit(np.uint64(word)) == (2 * (word >> 12) + 1) / 2**53
    assert 0.0 < open_unit(np.uint64(word)) < 1.0


@pytest.mark.parametrize("name", EXPM1_RANGES)
def test_expm1_is_right_to_two_ulps(name):
    assert errors_in_ulps(expm1, mpmath.expm1, EXPM1_RANGES[name]).max() < 2


@pytest.mark.parametrize("name", TANH_RANGES)
def test_tanh_is_right_to_three_ulps(name):
    assert errors_in_ulps(tanh, mpmath.tanh, TANH_RANGES[name]).max() < 3


own_random = np.random.default_rng(2)
ERFC_RANGES = {
    "all": own_random.uniform(-6, 26, 4000),
    "middle": own_random.uniform(-2, 3, 4000),
    "near zero": own_random.choice([-1, 1], 2000) * logarithmic(own_random, 1e-300, 1, 2000),
    "border of the two forms": 1.5 + np.arange(-500, 500) * 2.0**-52,
}


@pytest.mark.parametrize("name", ERFC_RANGES)
def test_erfc_is_right_to_1e_13(name):
    arguments = ERFC_RANGES[name]
    values = np.array([erfc(x) for x in arguments])
    with mpmath.workprec(200):
        exact = [mpmath.erfc(mpmath.mpf(float(x))) for x in arguments]
        wrong = max(abs(mpmath.mpf(v) / e - 1) for v, e in zip(values.tolist(), exact, strict=True))
    assert wrong < 1e-13
    np.testing.assert_allclose(values, scipy.special.erfc(arguments), rtol=1e-13)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, 1.0),
        (-0.0, 1.0),
        (SMALLEST, 1.0),
        (26.5, math.erfc(26.5)),
        (27.0, math.erfc(27.0)),
        (28.5, 0.0),
        (-28.5, 2.0),
        (math.inf, 0.0),
        (-math.inf, 2.0),
        (math.nan, math.nan),
    ],
)
def test_erfc_at_its_edges(x, expected):
    assert erfc(x) == pytest.approx(expected, rel=1e-12, abs=1e-322, nan_ok=True)


def test_the_yardstick_sees_two_ulps():
    arguments = np.linspace(-20, 20, 101)
    off = errors_in_ulps(lambda x: math.exp(x) * (1 + 4e-16), mpmath.exp, arguments)
    assert off.max() > 1


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, 1.0),
        (-0.0, 1.0),
        (SMALLEST, 1.0),
        (-SMALLEST, 1.0),
        (math.inf, math.inf),
        (-math.inf, 0.0),
        (709.782712893384, 1.797693134862273e308),
        (709.7827128933841, math.inf),
        (LARGEST, math.inf),
        (-745.1332191019411, SMALLEST),
        (-745.1332191019412, 0.0),
        (-746.0, 0.0),
        (-LARGEST, 0.0),
        (math.nan, math.nan),
    ],
)
def test_exp_at_its_edges(x, expected):
    assert exp(x) == pytest.approx(expected, rel=3e-16, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (1.0, 0.0),
        (0.0, -math.inf),
        (-0.0, -math.inf),
        (math.inf, math.inf),
        (-math.inf, math.nan),
        (-1.0, math.nan),
        (-SMALLEST, math.nan),
        (SMALLEST, -744.4400719213812),
        (SMALLEST_NORMAL, -708.3964185322641),
        (LARGEST, 709.782712893384),
        (math.nan, math.nan),
    ],
)
def test_log_at_its_edges(x, expected):
    assert log(x) == pytest.approx(expected, rel=3e-16, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, 0.0),
        (SMALLEST, SMALLEST),
        (-SMALLEST, -SMALLEST),
        (-36.0, math.expm1(-36.0)),
        (-38.0, -1.0),
        (-math.inf, -1.0),
        (709.782712893384, 1.797693134862273e308),
        (math.inf, math.inf),
        (math.nan, math.nan),
    ],
)
def test_expm1_at_its_edges(x, expected):
    assert expm1(x) == pytest.approx(expected, rel=3e-16, abs=0, nan_ok=True)


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (0.0, 0.0),
        (SMALLEST, SMALLEST),
        (1e-300, 1e-300),
        (19.0, math.tanh(19.0)),
        (20.0, 1.0),
        (LARGEST, 1.0),
        (math.inf, 1.0),
        (math.nan, math.nan),
    ],
)
def test_tanh_at_its_edges(x, expected):
    assert tanh(x) == pytest.approx(expected, rel=3e-16, abs=0, nan_ok=True)
    assert tanh(-x) == pytest.approx(-expected, rel=3e-16, abs=0, nan_ok=True)


@given(st.floats(0, LARGEST))
def test_the_square_root_is_that_of_ieee_754(x):
    assert sqrt(x) == math.sqrt(x)


def test_a_negative_number_has_no_square_root():
    assert math.isnan(sqrt(-1.0))


@given(st.floats(-30, 30))
def test_tanh_is_odd_to_the_last_bit(x):
    assert tanh(-x) == -tanh(x)


def test_the_logarithm_of_one_has_no_sign():
    assert math.copysign(1.0, log(1.0)) == 1.0


RISING = {
    "exp": (exp, random.uniform(-750, 712, 100_000)),
    "exp near 0": (exp, random.uniform(-1e-13, 1e-13, 100_000)),
    "exp at a border": (exp, math.log(2) / 2 + np.arange(-5000, 5000) * 2.0**-54),
    "log": (log, logarithmic(random, SMALLEST, LARGEST, 100_000)),
    "log near 1": (log, random.uniform(1 - 1e-13, 1 + 1e-13, 100_000)),
    "log at a border": (log, math.sqrt(0.5) + np.arange(-5000, 5000) * 2.0**-53),
}


@pytest.mark.parametrize("name", RISING)
def test_they_never_fall(name):
    """A step down between neighbouring arguments would put thresholds out of order."""
    function, arguments = RISING[name]
    values = np.array([function(x) for x in np.sort(arguments)])
    assert (values[1:] >= values[:-1]).all()


@given(st.floats(-700, 700))
def test_log_undoes_exp(x):
    assert log(exp(x)) == pytest.approx(x, rel=5e-16, abs=3e-16)


# What the compiled code calls

STATE, COUNT, NUMBER = np.ones(4, np.uint64), 1, 0.5
SPINS, SHAPE, SIGN = np.ones(4, np.int8), np.full(2, 2), np.int8(1)
WHOLE, TABLE, NOTED = np.zeros(4, np.int64), np.zeros((2, 7), np.int64), np.zeros(1, np.int64)
CURVES = (np.zeros((2, 64), np.int64), np.zeros((256, 5, 64)), np.array([0, 0, 1]), np.zeros((4, 64)))
REALS, PAIRS = np.zeros(4), np.zeros((3, 2))
WORDS, SOURCES = np.zeros((3, 5), np.uint64), np.ones(bernoulli.LANES_SIZE, np.uint64)
TRIALS = np.ones(bernoulli.TRIALS_SIZE, np.uint64)
DRAWS, LANES = np.zeros((3, 2), np.uint64), np.ones((4, 64), np.uint64)
FOR_ROWS = (
    np.zeros((32, 64), np.uint64),
    np.zeros(8192, np.int16),
    np.zeros((6, 8320), np.int8),
)  # room for rows
MATRIX, NARROW, ROWS = np.zeros((4, 4)), np.zeros((4, 4), np.float32), np.zeros((2, 4), np.int8)
DENSE, SPARSE = (MATRIX, None, None, None, REALS), (None, REALS, WHOLE, np.arange(5), REALS)
NARROW_DENSE = (NARROW, None, None, None, NARROW[0])
ROOM = np.zeros(4, np.uint64), REALS.copy(), np.arange(4)
DRIVEN = SPINS[np.newaxis], REALS[np.newaxis].copy(), NOTED[np.newaxis]
RULE, ORDER, ENERGY = network.METROPOLIS, network.RANDOM, np.zeros(1)
LADDER = np.arange(2), np.zeros(1, np.int64), np.zeros(2), np.zeros((2, 1), np.int64), *np.zeros((2, 2), int)


def of_run(model):
    chain = SPINS, model[-1].copy(), NOTED, STATE
    return model, chain, ROOM, RULE, ORDER, REALS[:2], COUNT, REALS[:2].copy(), WHOLE[:2], ROWS, ENERGY, SPINS


def of_temper(model):
    chains = ROWS, np.stack([model[-1]] * 2), np.zeros((2, 1), np.int64), STATE
    noted = np.zeros((1, 2)), np.zeros((1, 2), np.int64), np.zeros((1, 2, 4), np.int8)
    return model, chains, ROOM, RULE, ORDER, REALS[:2], LADDER, COUNT, *noted, ENERGY, SPINS


# What the pages call: a ladder of two temperatures and four spins, rows of couplings with one entry each.
PLAIN, LOCAL, FIELDS = np.zeros((4, 4), np.float32), np.zeros((2, 4), np.float32), np.zeros(4, np.float32)
BONDS = (np.ones(4), np.array([1, 0, 3, 2]), np.arange(5))
KEPT = (np.zeros((1, 2)), np.zeros((1, 2), np.int64), np.zeros((1, 2, 4), np.int8))
STEPS = (np.zeros((2, 1), np.int64), STATE, *ROOM, np.array([0.5, 1.0]), *LADDER, COUNT, *KEPT, REALS, SPINS)

# Recall: four neurons and two patterns, in the four stores, and one by one as the pages call them.
SITES, OWN, SUMS, WIDE = np.ones((4, 2), np.int8), np.full(4, 2), np.zeros(2, np.int16), np.zeros(2, np.int32)
LEVELS, DECAYS, CLOCK, WATCH = np.zeros(9), np.ones(9), np.zeros(4, np.int64), np.array([1, 0, 0])
NOTHING = (None,) * 6
BY_COUPLINGS = (PLAIN, PLAIN, None, None, None, REALS, None, None, None, None)
BY_ROWS = (None, None, REALS, WHOLE, np.arange(5), REALS, None, None, None, None)
BY_FACTORS = (*NOTHING, SITES, OWN, None, None)
BY_LEVELS, BY_DECAYS = (*NOTHING, SITES, None, LEVELS, None), (*NOTHING, SITES, None, None, DECAYS)
FELT, SUMMED = (SPINS, REALS.copy(), None, STATE), (SPINS, None, SUMS, STATE)
STORES = [BY_COUPLINGS, BY_ROWS, BY_FACTORS, BY_LEVELS, BY_DECAYS]
DESK, HOW = (*ROOM, SPINS.copy(), SPINS.copy()), (COUNT, 0, NUMBER, NUMBER, NUMBER)
ON_A_PAGE = (STATE, *ROOM, CLOCK, COUNT, NUMBER)

# Two layers of four units each, and two rows of them.
LAYER, SINGLE = np.zeros((3, 2, 4), np.float32), np.zeros((3, 1, 4), np.float32)
CHANCE = (STATE, ROOM[0], ROOM[0].view(np.uint32), np.zeros((2, 4)))
LAYERS = (PLAIN.copy(), PLAIN.copy(), FIELDS, FIELDS)
HALL = (CHANCE[3], np.zeros((2, 512)), LOCAL[:1].copy(), np.zeros(2))
LESSONS = (np.arange(2), WHOLE, *LAYERS, FIELDS, FIELDS, *CHANCE, *(LAYER.copy() for _ in range(4)))


# Two layers: two rows of four units, in single and in double precision, and an enumeration of two of them.
PAIR, DOUBLE_PAIR = np.zeros((2, 4), np.float32), np.zeros((2, 4))
DICE = (STATE, np.zeros(2, np.uint64), np.zeros(4, np.uint32), REALS.copy())
UNITS = (bipartite.BINARY, bipartite.SPIN, bipartite.GAUSSIAN)
CODE = (np.zeros(2), REALS.copy(), np.zeros((2, 512)), np.zeros(4))


def of_recall(store):
    by_sums = store[6] is not None
    noted = None if by_sums else SITES, WATCH, np.zeros((1, 2), np.int64), ENERGY
    return store, SUMMED if by_sums else FELT, DESK, HOW, CLOCK, COUNT, *noted


# Four units, two of them visible.
LAW, ALL, MEANS, CONNECTED = (
    np.full(4, 0.25),
    np.zeros(16),
    (REALS.copy(), MATRIX.copy()),
    np.ones((4, 4), np.int8),
)
CHAINS, WEIGHTS = np.ones((2, 4), np.int8), np.full(2, 0.5)
# Two sections of a Hessian of four eigenvalues.
FORMS, PAIRED, FOURFOLD = np.ones((2, 3)), np.zeros((2, 2)), np.zeros((2, 4))

# A network of two inputs, two units and one output on three examples, a batch of two.
WIDTHS, EXAMPLES, ANSWERS, THETA = np.array([2, 2, 1]), (np.ones((3, 2)), np.ones((3, 1))), np.ones((3, 3)), 9
WITH_LOSS = (WIDTHS, multilayer.TANH, multilayer.CROSS)
DESCENT_ROOM = (np.arange(3), STATE, ANSWERS, np.ones(3), np.ones(THETA), np.ones(4))

# A linear network of two inputs, two units and one output, and the correlations of its task.
LINEAR, FORWARD = (WIDTHS, np.ones(6)), np.ones((3, 2))
CORRELATED = np.ones((1, 2)), np.eye(2)

# Three optimizers, and what is noted of them.
RACE, MARKS = np.zeros((3, 8)), np.zeros((3, 4))

# Two examples of four numbers, one of either label, a unit that learns them, and one that answers right.
LEARNT = (np.arange(8.0).reshape(2, 4) + 1.0, np.array([1, -1], np.int8))
RIGHT = np.array([-1.0, -1.0, -1.0, 2.0])
WALKING = STATE, np.zeros(4), np.ones(2), np.ones(2), RIGHT.copy()
# One unit that two inputs excite and one inhibits.
SYNAPSES = (np.array([0, 3]), np.arange(3), np.array([1, 1, -1], np.int8), np.array([2]))

HULL = (
    np.eye(9, 2),
    *np.zeros((2, 2, 2)),
    np.zeros(2, np.int64),
    np.zeros(9),
    np.zeros(2),
    np.zeros((5, 2)),
    np.array([0, 0, 1, 0]),
)  # points, basis, factor, members, strengths, weights, room, tally

# Two by two by two spins in 64 lanes, bonds of both signs: what the multi-spin kernels take.
CUBE, ONE_BLOCK, GRID = np.array([2, 2, 2]), np.array([1, 1, 1]), np.zeros(multispin.GRID_SIZE, np.int64)
multispin.fill_grid(CUBE, ONE_BLOCK, GRID)
PACKED, PARITIES = np.zeros(2 * GRID[multispin.COLOUR_SIZE], np.uint64), np.zeros(70, np.uint64)
NEGATIVE, CROSSINGS = np.zeros(12 * 36, np.uint64), np.zeros(18, np.uint64)
WORKSHOP, BY_LANE = np.zeros(multispin.WORK_SIZE, np.uint64), np.zeros((2, 3, 64), np.int64)
WITH_SIGNS = PACKED, PARITIES, NEGATIVE, GRID, CROSSINGS
NO_SIGNS = PACKED, PARITIES, None, GRID, CROSSINGS
SWAPS = *np.zeros((2, 2), np.int64), *np.zeros((2, 64), np.int64)
SWEEPING = STATE[0], STATE[0], WORKSHOP  # sign, bath
KERNELS = [
    (elementary.exp, (NUMBER,)),
    (elementary.exp_below_zero, (-NUMBER,)),
    (elementary.exp2_single, (np.float32(NUMBER),)),
    (elementary.expm1, (NUMBER,)),
    (elementary.log, (NUMBER,)),
    (elementary.log_of_normal, (NUMBER,)),
    (elementary.open_unit, (np.uint64(7),)),
    (elementary.sqrt, (NUMBER,)),
    (elementary.tanh, (NUMBER,)),
    (elementary.erfc, (NUMBER,)),
    (rng.split_mix, (STATE, STATE[0])),
    (rng.split_mix, (STATE, np.uint64(COUNT))),
    (rng.next_uint64, (STATE,)),
    (rng.fill_uint64, (STATE, DRAWS[0])),
    (rng.uniform, (STATE,)),
    (rng.fill_normal, (STATE, REALS.copy())),
    (rng.jump, (STATE,)),
    (rng.seed_lanes, (STATE, LANES)),
    (rng.fill_lanes, (LANES, FOR_ROWS[0])),
    (multispin.fill_grid, (CUBE, ONE_BLOCK, GRID)),
    (multispin.fill_parities, (GRID, PARITIES)),
    (multispin.fill_crossings, (ONE_BLOCK, CROSSINGS)),
    (multispin.pack, (np.ones(8, np.int8), CUBE, ONE_BLOCK, GRID, COUNT, PACKED)),
    (multispin.unpack, (PACKED, CUBE, ONE_BLOCK, GRID, COUNT, np.ones(8, np.int8))),
    (multispin.pack_bonds, (np.ones((3, 8), np.int8), CUBE, ONE_BLOCK, GRID, True, NEGATIVE)),
    (multispin.repeat_borders, (PACKED, GRID, CROSSINGS, COUNT)),
    (multispin.begin_streams, (STATE.copy(), WORKSHOP)),
    (multispin.randomize_lanes, (PACKED, GRID, WORKSHOP)),
    (multispin.fill_thresholds, (np.ones(64), NUMBER, COUNT, COUNT, WORKSHOP)),
    (multispin.count_general, (*WITH_SIGNS, STATE[0], WORKSHOP, *np.zeros(4, np.int64))),
    (multispin.sweep, (*WITH_SIGNS, *SWEEPING, COUNT)),
    (multispin.sweep, (*NO_SIGNS, *SWEEPING, COUNT)),
    (multispin.measure, (*WITH_SIGNS, WORKSHOP, BY_LANE[0, 0])),
    (multispin.measure, (*NO_SIGNS, WORKSHOP, BY_LANE[0, 0])),
    (multispin.measure_lanes, (*WITH_SIGNS, WORKSHOP, BY_LANE[0, 0], BY_LANE[1, 0])),
    (multispin.measure_lanes, (*NO_SIGNS, WORKSHOP, BY_LANE[0, 0], BY_LANE[1, 0])),
    (multispin.run, (*WITH_SIGNS, *SWEEPING, BY_LANE[0, 0], COUNT, NOTED, NOTED)),
    (multispin.run, (*NO_SIGNS, *SWEEPING, BY_LANE[0, 0], COUNT, NOTED, NOTED)),
    (multispin.run_lanes, (*WITH_SIGNS, *SWEEPING, COUNT, *BY_LANE)),
    (multispin.run_lanes, (*NO_SIGNS, *SWEEPING, COUNT, *BY_LANE)),
    (multispin.run_square_lanes, (*WITH_SIGNS[:2], *WITH_SIGNS[3:], *SWEEPING[1:], COUNT, *BY_LANE)),
    (
        multispin.exchange,
        (np.ones(3), np.ones(64), COUNT, np.arange(3), STATE.copy(), WORKSHOP[None], *SWAPS),
    ),
    (lattice.probability_threshold, (NUMBER,)),
    (lattice.randomize, (SPINS, STATE)),
    (lattice.bond_sum, (SPINS, SHAPE)),
    (lattice.spin_sum, (SPINS,)),
    (lattice.heat_bath_table, (NUMBER, NUMBER, NUMBER, COUNT, TABLE)),
    (lattice.metropolis_table, (NUMBER, NUMBER, NUMBER, COUNT, TABLE)),
    (clusters.bond_threshold, (NUMBER, NUMBER)),
    (clusters.wolff_flips, (COUNT, COUNT, NUMBER, NUMBER)),
    (clusters.wolff, (SPINS, SHAPE, SIGN, COUNT, WORDS[0], TRIALS, STATE, COUNT, NOTED, NOTED)),
    (clusters.swendsen_wang, (SPINS, SHAPE, SIGN, WORDS, WORDS[0], TRIALS, STATE, COUNT, NOTED, NOTED)),
    (bernoulli.begin_trials, (STATE, COUNT, TRIALS.copy())),
    (bernoulli.next_trials, (TRIALS,)),
    (bernoulli.fill_bernoulli, (COUNT, SOURCES, np.zeros(bernoulli.LANES, np.uint64))),
    (lattice.draw_steps, (COUNT,)),
    (lattice.single_site, (SPINS, SHAPE, SIGN, TABLE, LANES, *FOR_ROWS, STATE, COUNT, NOTED, NOTED.copy())),
    (threshold.step_net, (*SYNAPSES, np.ones(4, np.int8), np.zeros(1, np.int8))),
    (hebbian.respond, (REALS, REALS)),
    (hebbian.hebb_pass, (MATRIX, WHOLE, NUMBER, REALS)),
    (hebbian.oja_pass, (MATRIX, WHOLE, NUMBER, REALS)),
    (mean_field.free_energy, (REALS, NUMBER, NUMBER, NUMBER, REALS)),
    (mean_field.equation_of_state, (NUMBER, NUMBER, NUMBER, REALS, REALS)),
    (mean_field.response, (REALS, NUMBER, NUMBER, NUMBER, REALS)),
    (mean_field.susceptibility, (NUMBER, NUMBER, NUMBER)),
    (mean_field.spinodal, (NUMBER, NUMBER, REALS)),
    (mean_field.fixed_points, (NUMBER, NUMBER, NUMBER, REALS, WHOLE)),
    (mean_field.flip_flop_fixed_points, (NUMBER, NUMBER, REALS, PAIRS, WHOLE)),
    (mean_field.relax, (REALS, NUMBER, NUMBER, REALS, NUMBER, COUNT, REALS)),
    (mean_field.relax_flip_flop, (REALS, NUMBER, NUMBER, PAIRS, NUMBER, COUNT, PAIRS)),
    (mean_field.logic_state, (NUMBER, NUMBER)),
    (walls.wall_law, (COUNT, NUMBER, NUMBER, REALS, REALS, REALS, REALS)),
    (walls.mean_walls, (COUNT, NUMBER, NUMBER)),
    (walls.first_pair, (REALS, NUMBER, NUMBER, REALS, REALS)),
    (walls.free_pair_size, (NUMBER, NUMBER)),
    (network.find_local_fields, (*DENSE, SPINS, REALS.copy())),
    (network.find_local_fields, (*SPARSE, SPINS, REALS.copy())),
    (network.draw_noise, (RULE, STATE, *ROOM[:2])),
    (network.energy, (SPINS, REALS, REALS)),
    (network.turn, (*NARROW_DENSE[:-1], SPINS, NARROW[0].copy(), COUNT)),
    (network.turn, (*SPARSE[:-1], SPINS, REALS.copy(), COUNT)),
    (network.sweep, (DENSE, SPINS, REALS.copy(), NOTED, STATE, ROOM, RULE, ORDER, NUMBER)),
    (network.run, of_run(DENSE)),
    (driven_network.switch, (DENSE, *DRIVEN, ENERGY)),
    (driven_network.relax, (DENSE, *DRIVEN, STATE, ROOM, RULE, ORDER, NUMBER, COUNT, ENERGY)),
    (network.run, of_run(NARROW_DENSE)),
    (network.run, of_run(SPARSE)),
    (network.temper, of_temper(DENSE)),
    (network.temper, of_temper(SPARSE)),
    (network.fill_gaussian, (STATE, MATRIX.copy())),
    (network.fill_lattice, (SHAPE[:1], REALS[None, :2].copy(), REALS.copy(), WHOLE, np.zeros(3, int))),
    (network.find_energies, (MATRIX, REALS, COUNT - 1, SPINS, REALS.copy(), np.zeros(16))),
    (network.walsh_transform, (REALS.copy(),)),
    (spin_glass.lay_out, (NUMBER, NUMBER, REALS)),
    (spin_glass.begin_dense, (PLAIN, FIELDS, ROWS, LOCAL, STATE, np.zeros(2), REALS, SPINS)),
    (spin_glass.begin_sparse, (*BONDS, REALS, ROWS, np.zeros((2, 4)), STATE, np.zeros(2), REALS, SPINS)),
    (spin_glass.temper_dense, (PLAIN, FIELDS, ROWS, LOCAL, *STEPS)),
    (spin_glass.temper_sparse, (*BONDS, REALS, ROWS, np.zeros((2, 4)), *STEPS)),
    (spin_glass.overlap, (SPINS, SPINS)),
    (spin_glass.mark_unsatisfied, (*BONDS, SPINS, SPINS.copy())),
    (hopfield.fill_patterns, (STATE, NUMBER, NUMBER, SPINS.copy())),
    (hopfield.spoil, (STATE, ROOM[0], np.arange(4), COUNT, SPINS.copy())),
    (hopfield.find_products, (ROWS, SPINS, WHOLE[:2].copy())),
    (hopfield.find_sums, (SITES, SPINS, SUMS)),
    (hopfield.find_sums, (SITES, SPINS, WIDE)),
    (hopfield.fill_levels, (COUNT, LEVELS)),
    (hopfield.fill_decays, (DECAYS,)),
    (hopfield.factor_energy, (OWN, SUMS)),
    (hopfield.factor_field, (SITES[0], COUNT, SIGN, SUMS)),
    (hopfield.factor_fields, (SITES, OWN, SPINS, SUMS, REALS.copy())),
    (hopfield.level_energy, (LEVELS, SUMS)),
    (hopfield.decay_energy, (DECAYS, SUMS)),
    *((hopfield.recall, of_recall(store)) for store in STORES),
    (hopfield.begin, (BY_FACTORS, SUMMED)),
    (hopfield.energy, (BY_FACTORS, SUMMED, NUMBER)),
    (hopfield.find_fields, (BY_DECAYS, SUMMED, NUMBER, REALS.copy())),
    (hopfield.note, (BY_FACTORS, SUMMED, NUMBER, None, WHOLE[:2].copy(), ENERGY)),
    (hopfield.retrieve, (BY_FACTORS, SUMMED, DESK, HOW, CLOCK, COUNT)),
    (hopfield.retrieve_at_once, (BY_FACTORS, SUMMED, DESK, HOW, CLOCK)),
    (hopfield.draw_sequence, (STATE, ROOM[0], np.arange(4))),
    (hopfield.turn_in_sums, (SITES, SPINS.copy(), SUMS.copy(), COUNT)),
    (bridge.fill_log_cosh, (NUMBER, NUMBER, LEVELS)),
    (bridge.draw_units, (STATE, NUMBER, NUMBER, WIDE, REALS[:2].copy())),
    (bridge.find_means, (NUMBER, NUMBER, WIDE, REALS[:2].copy())),
    (bridge.marginal_energy, (NUMBER, NUMBER, WIDE, LEVELS)),
    (
        bridge.retrieve,
        (SITES, SPINS, WIDE, REALS[:1].copy(), LEVELS, STATE, STATE, *ROOM, CLOCK, NUMBER, NUMBER, COUNT),
    ),
    (cloud.cluster_width, (NUMBER, NUMBER)),
    (cloud.signal, (NUMBER, NUMBER, NUMBER)),
    (cloud.speciation, (NUMBER, NUMBER)),
    (cloud.fill_sides, (NUMBER, NUMBER, REALS.copy(), REALS.copy())),
    (cloud.kept_side, (NUMBER, REALS, REALS)),
    (cloud.clone_right, (NUMBER, NUMBER, NUMBER, NUMBER)),
    (cloud.clone_agreement, (NUMBER,)),
    (cloud.own_weight, (NUMBER, COUNT, COUNT, NUMBER, NUMBER)),
    (cloud.collapse, (COUNT, COUNT, NUMBER, NUMBER)),
    (cloud.points_potential, (NUMBER, REALS, REALS, REALS.copy())),
    (cloud.draw_points, (MATRIX, STATE.copy(), MATRIX.copy())),
    (cloud.mean_nearest, (NUMBER, MATRIX, MATRIX)),
    (descent.loss, (COUNT, NUMBER, NUMBER, NUMBER)),
    (descent.fill_losses, (COUNT, NUMBER, NUMBER, NUMBER, MATRIX.copy())),
    (descent.gradient, (COUNT, NUMBER, NUMBER, NUMBER, REALS.copy())),
    (descent.curvatures, (COUNT, NUMBER, NUMBER, NUMBER, REALS.copy())),
    (descent.relative_rate, (COUNT, COUNT, NUMBER, NUMBER, NUMBER, RACE[0])),
    (descent.begin, (NUMBER, NUMBER, RACE.copy())),
    (descent.note, (COUNT, NUMBER, NUMBER, NUMBER, RACE, MARKS.copy())),
    (
        descent.advance,
        (COUNT, NUMBER, NUMBER, NUMBER, NUMBER, RACE.copy(), STATE, np.zeros(2), np.zeros((1, 3, 4))),
    ),
    (descent.flow_end, (COUNT, NUMBER, NUMBER, REALS.copy())),
    (descent.stable_minima, (NUMBER, REALS.copy())),
    (descent.period_two, (NUMBER, REALS.copy())),
    (descent.mean_loss, (COUNT, COUNT, NUMBER, NUMBER, NUMBER, NUMBER)),
    (diffusion.noise_variance, (NUMBER,)),
    (diffusion.draw_clusters, (REALS, NUMBER, STATE, np.empty((3, REALS.size)))),
    (diffusion.draw_rows, (FORWARD, STATE, np.empty((2, 2)))),
    (diffusion.draw_counted_spins, (np.array([0.2, 0.7, 1.0]), STATE, np.empty((3, 2)))),
    (diffusion.fill_noise, (STATE, np.empty((3, 2)))),
    (diffusion.add_noise, (FORWARD, NUMBER, STATE, np.empty((3, 2)))),
    (diffusion.reverse_step, (FORWARD, NUMBER, np.empty(2), STATE, FORWARD.copy())),
    (diffusion.clusters_score, (np.ones(2), NUMBER, NUMBER, FORWARD, np.empty((3, 2)))),
    (diffusion.clusters_log_density, (np.ones(2), NUMBER, NUMBER, FORWARD, np.empty(3))),
    (diffusion.clusters_potential, (NUMBER, NUMBER, NUMBER, REALS, REALS.copy())),
    (
        diffusion.empirical_score,
        (FORWARD, NUMBER, FORWARD, np.empty(3), np.empty((3, 2)), np.empty(3), np.zeros(3, np.int64)),
    ),
    (diffusion.curie_weiss_nodes, (NUMBER, COUNT)),
    (
        diffusion.curie_weiss_score,
        (NUMBER, NUMBER, FORWARD, np.empty(2), np.empty(2), np.empty((3, 2)), np.empty(3)),
    ),
    (diffusion.curie_weiss_log_partition, (NUMBER, np.ones(2), np.empty(2), np.empty(2))),
    (inference.fill_levels, (COUNT, REALS.copy())),
    (inference.nearest_mean, (REALS, NUMBER)),
    (inference.tilt, (REALS, REALS, NUMBER, REALS.copy())),
    (inference.log_partition, (REALS, NUMBER)),
    (inference.entropy, (REALS,)),
    (inference.relative_entropy, (REALS, REALS)),
    (inference.fill_entropies, (REALS, REALS, REALS, REALS.copy(), REALS.copy())),
    (inference.begin_own, (REALS, NUMBER, REALS.copy(), REALS.copy())),
    (inference.pull, (REALS, NUMBER, COUNT, NUMBER, REALS.copy(), REALS.copy())),
    (inference.collide, (REALS.copy(), NUMBER, np.zeros(7))),
    (inference.throw, (REALS, COUNT, STATE, TABLE.copy())),
    (inference.nearest_total, (REALS, COUNT, NUMBER)),
    (inference.deal, (COUNT, SPINS.copy())),
    (inference.exchange, (7, np.ones(4, np.int8), STATE, TABLE.copy())),
    (inference.fixed_total, (REALS, COUNT, REALS.copy(), REALS.copy())),
    (inference.log_slope, (REALS, REALS)),
    (associative.hebb_energy, (OWN, WIDE)),
    (associative.begin_couplings, (PLAIN, REALS, SPINS, REALS.copy())),
    (associative.learn_projection, (SITES, COUNT, np.zeros((2, 4)), PLAIN.copy())),
    (associative.mixture_overlap, (SITES, np.arange(2), SPINS[:2].copy(), SPINS)),
    (associative.crosstalk, (WIDE, WIDE, COUNT)),
    (hopfield_theory.order_parameters, (hopfield_theory.RETRIEVAL, NUMBER, NUMBER, np.zeros(6))),
    (linear_network.follow, (*LINEAR, FORWARD)),
    (linear_network.step, (*LINEAR, *CORRELATED, NUMBER, FORWARD, np.zeros((2, 2, 2)))),
    (
        linear_network.descend,
        (*LINEAR, *CORRELATED, NUMBER, COUNT, FORWARD, np.zeros((2, 2, 2)), np.zeros((2, 1, 2))),
    ),
    (linear_network.fill_random, (WIDTHS, NUMBER, STATE, LINEAR[1])),
    (linear_network.fill_aligned, (WIDTHS, NUMBER, np.ones((1, 1)), np.ones((2, 1)), LINEAR[1])),
    (linear_network.root_of, (NUMBER, COUNT)),
    (linear_network.compose, (np.ones((1, 1)), np.ones((2, 1)), np.ones(1), np.zeros((1, 2)))),
    (linear_network.read_modes, (np.ones((1, 1)), np.ones((2, 1)), np.ones((1, 2)), np.zeros(1))),
    (linear_network.white_loss, (CORRELATED[0], np.zeros((1, 2)))),
    (linear_network.largest_rate, (COUNT, REALS)),
    (linear_network.flow_modes, (COUNT, REALS, REALS, NUMBER, NUMBER, np.zeros((2, len(REALS))))),
    (linear_network.settling_time, (COUNT, REALS, NUMBER, NUMBER, NUMBER, NUMBER)),
    (curves.patience, (0.4, COUNT)),
    (curves.gather, (CURVES[0], CURVES[0], COUNT, CURVES[1], CURVES[2])),
    (
        curves.estimate,
        (CURVES[1], CURVES[2], np.full(64, 0.4), COUNT, COUNT, np.zeros(256), CURVES[3], CURVES[3].copy()),
    ),
    (hull.begin_hull, (*HULL[1:2], *HULL[4:])),
    (hull.add_to_hull, HULL),
    (hull.hull_margin, (REALS,)),
    (
        hull.grow_sets,
        (
            COUNT,
            COUNT,
            STATE,
            np.ones(9, np.int8),
            *HULL,
            np.zeros(10),
            np.zeros(10, np.int64),
            np.zeros((2, 10)),
        ),
    ),
    (hull.separable_shares, (COUNT, np.zeros(8), np.zeros(10))),
    (associative.retrieve_hebb, (SITES, OWN, SPINS, WIDE, *ON_A_PAGE, COUNT)),
    (associative.retrieve_couplings, (PLAIN, REALS, SPINS, REALS.copy(), *ON_A_PAGE, NUMBER, COUNT)),
    (associative.retrieve_levels, (SITES, LEVELS, SPINS, WIDE, *ON_A_PAGE, NUMBER, COUNT)),
    (associative.retrieve_decays, (SITES, DECAYS, SPINS, WIDE, *ON_A_PAGE, COUNT)),
    (restricted.draw_layer, (COUNT, NUMBER, PLAIN, FIELDS, LOCAL, FIELDS, *CHANCE, LAYER)),
    (restricted.find_free_energies, (COUNT, NUMBER, PLAIN, FIELDS, FIELDS, FIELDS, LOCAL, *HALL)),
    (restricted.forget, (COUNT, LOCAL, NUMBER, STATE, CHANCE[3], *LAYERS)),
    (restricted.learn_batch, (WHOLE, NUMBER, COUNT, COUNT, LOCAL, *LESSONS)),
    (restricted.reconstruction_error, (WHOLE, *LAYERS, FIELDS, LOCAL, CHANCE[3], SINGLE, SINGLE)),
    (
        boltzmann.exact_phases,
        (MATRIX, REALS, LAW, SPINS, REALS.copy(), ALL, REALS.copy(), LAW.copy(), ALL.copy(), *MEANS, *MEANS),
    ),
    (boltzmann.find_law, (ALL, REALS.copy(), LAW.copy())),
    (boltzmann.complete, (ALL, REALS, LAW, ALL.copy())),
    (boltzmann.average, (ALL.copy(), *MEANS)),
    (boltzmann.log_likelihood, (LAW, REALS, NUMBER)),
    (boltzmann.kl_divergence, (LAW, REALS, NUMBER)),
    (boltzmann.tally, (CHAINS, WEIGHTS, LAW.copy())),
    (boltzmann.draw_couplings, (STATE, NUMBER, CONNECTED, MATRIX.copy())),
    (boltzmann.begin_phase, (CHAINS[:, :2].copy(), WEIGHTS, STATE, CHAINS.copy(), WEIGHTS.copy())),
    (
        boltzmann.sample_phase,
        (MATRIX, REALS, CHAINS, WEIGHTS, ROOM[2], STATE, *ROOM[:2], REALS.copy(), NOTED, COUNT, *MEANS),
    ),
    (boltzmann.average_chains, (CHAINS, WEIGHTS, *MEANS)),
    (
        boltzmann.learn,
        (
            *MEANS,
            *MEANS,
            CONNECTED,
            NUMBER,
            NUMBER,
            NUMBER,
            MATRIX.copy(),
            REALS.copy(),
            MATRIX.copy(),
            REALS.copy(),
        ),
    ),
    (projection.draw_sections, (STATE, REALS, REALS.copy(), REALS.copy(), FORMS.copy())),
    (projection.find_curvatures, (FORMS, PAIRED)),
    (projection.look, (NUMBER, NUMBER)),
    (projection.note_sections, (FORMS, PAIRED.copy(), np.zeros(9), FOURFOLD)),
    (projection.principal_axes, (FORMS[0], PAIRED.copy())),
    (projection.fill_section, (FORMS[0], NUMBER, FOURFOLD.copy())),
    (projection.curvature_density, (REALS, NUMBER, NUMBER, COUNT, REALS.copy())),
    (projection.expect_sections, (NUMBER, NUMBER, np.zeros(2), np.zeros(3))),
    (projection.saddle_probability_exact, (COUNT, COUNT)),
    (projection.share_error, (NUMBER, NUMBER)),
    *((bipartite.activate, (k, NUMBER, PAIR, PAIR[0], *DICE, PAIR.copy(), PAIR.copy())) for k in UNITS),
    (bipartite.activate, (UNITS[0], NUMBER, DOUBLE_PAIR, REALS, *DICE, DOUBLE_PAIR, DOUBLE_PAIR.copy())),
    (bipartite.find_means, (UNITS[0], NUMBER, PAIR, PAIR[0], PAIR.copy())),
    (bipartite.find_means, (UNITS[1], NUMBER, DOUBLE_PAIR, REALS, DOUBLE_PAIR.copy())),
    (bipartite.sum_cumulants, (UNITS[0], NUMBER, PAIR, REALS, np.zeros((2, 512)), np.zeros(2))),
    (bipartite.find_log_weights, (OWN[:2], np.zeros((2, 4)), np.zeros(2), REALS, 0, *CODE)),
    (bipartite.gather, (ROWS, WHOLE[:2], PAIR.copy())),
    (bipartite.shuffle, (STATE, np.arange(4))),
    (multilayer.respond, (multilayer.LOGISTIC, NUMBER)),
    (multilayer.forward, (WIDTHS, multilayer.RELU, np.ones(THETA), EXAMPLES[0], ANSWERS)),
    (multilayer.mean_loss, (multilayer.CROSS, EXAMPLES[1], ANSWERS)),
    (multilayer.backward, (*WITH_LOSS, np.ones(THETA), *EXAMPLES, ANSWERS, np.ones(3), np.ones(THETA))),
    (
        multilayer.descend,
        (*WITH_LOSS, 0.1, 0.9, 2, *EXAMPLES, np.ones(THETA), np.zeros(THETA), *DESCENT_ROOM),
    ),
    (margin.largest_margin, (np.ones((2, 3)), SPINS[:2], REALS[:3].copy(), np.zeros(3, np.int64))),
    (margin.stability, (np.ones((2, 3)), SPINS[:2], REALS[:3])),
    (margin.radius, (np.ones((2, 3)),)),
    (margin.mistake_bound, (NUMBER, NUMBER)),
    (margin.length_bounds, (NUMBER, NUMBER, np.ones(2), np.ones(2), np.ones(2))),
    (plane.fill_points, (plane.MOONS, STATE, np.zeros(2), np.zeros((4, 2)), SPINS.copy())),
    (plane.on_grid, (NUMBER,)),
    (plane.draw_layers, (np.array([2, 1]), STATE, np.zeros(2), np.zeros(3))),
    (plane.fill_plane, (np.zeros((4, 2)),)),
    (plane.answers, (np.ones((2, 3)), NUMBER, np.zeros(2))),
    (plane.count_wrong, (np.ones((2, 3)), SPINS[:2])),
    (plane.length, (REALS,)),
    (perceptron.aligned_field, (*LEARNT, COUNT - 1, RIGHT)),
    (perceptron.perceptron_step, (*LEARNT, COUNT - 1, NUMBER, np.zeros(4))),
    (perceptron.perceptron_pass, (*LEARNT, np.arange(2), NUMBER, np.zeros(4))),
    (perceptron.weakest, (*LEARNT, RIGHT)),
    (perceptron.minover_steps, (*LEARNT, NUMBER, COUNT, COUNT, np.zeros(4))),
    (perceptron.adatron_pass, (*LEARNT, np.arange(2), NUMBER, np.zeros(2), np.zeros(4))),
    (perceptron.learn_online, (*LEARNT, perceptron.ADATRON, NUMBER, 2, np.zeros(4), np.zeros((1, 4)))),
    (perceptron.hazard, (NUMBER,)),
    (
        regression.stream_least_squares,
        (STATE, np.ones(4), NUMBER, NUMBER, 2, np.ones(4), np.zeros(5), np.zeros(2)),
    ),
    (binary.bit_count, (STATE[0],)),
    (binary.find_solutions, (STATE[:2], COUNT, COUNT, COUNT, STATE.copy())),
    (binary.find_fields, (np.ones((4, 2), np.int8), SPINS[:4], np.zeros(2, np.int32))),
    (binary.count_wrong, (COUNT, np.zeros(2, np.int32))),
    (
        binary.anneal_sweeps,
        (
            np.ones((4, 2), np.int8),
            0,
            NUMBER,
            STATE,
            SPINS[:4].copy(),
            np.zeros(2, np.int32),
            np.zeros(2, int),
        ),
    ),
    (binary_students.change_of_wrong, (SPINS[:2], np.int32(2), 0, np.zeros(2, np.int32))),
    (
        binary_students.sweep_weights,
        (np.ones((4, 2), np.int8), 0, NUMBER, STATE, SPINS[:4].copy(), np.full(2, 4, np.int32)),
    ),
    (
        binary_students.temper_weights,
        (
            np.ones((4, 2), np.int8),
            0,
            STATE,
            ROWS.copy(),
            np.full((2, 2), 4, np.int32),
            REALS[:2],
            LADDER,
            np.zeros(2, int),
            COUNT,
            np.zeros((1, 2), int),
            np.zeros((1, 2, 4), np.int8),
        ),
    ),
    (perceptron.arc_point, (NUMBER, -NUMBER, NUMBER, NUMBER, STATE, np.zeros(2))),
    (perceptron.consistent_arc, (*LEARNT, RIGHT, REALS, np.zeros(4))),
    (
        perceptron.billiard,
        (*LEARNT, np.eye(2), COUNT, 9, STATE, RIGHT.copy(), REALS.copy(), REALS.copy(), *np.ones((2, 2))),
    ),
    (perceptron.hit_and_run, (*LEARNT, COUNT, STATE, RIGHT.copy(), REALS.copy(), np.zeros(6))),
    (students.arccos, (NUMBER,)),
    (committee.draw_committee, (STATE, 1, NUMBER, np.ones((2, 4)))),
    (committee.lean_committee, (np.ones((2, 4)), np.ones((2, 4)), NUMBER, NUMBER)),
    (committee.committee_overlaps, (np.ones((2, 4)), np.ones((2, 4)), np.ones((4, 4)))),
    (committee.committee_answer, (np.ones((2, 4)), RIGHT)),
    (
        committee.learn_committee,
        (
            *(np.ones((2, 4)), np.ones((2, 4)), NUMBER, NUMBER, COUNT, STATE, np.zeros(6), np.zeros(2)),
            np.ones((1, 4, 4)),
        ),
    ),
    (committee.push_committee, (np.ones((2, 4)), np.ones((2, 4)), NUMBER)),
    (committee.specialization, (np.eye(4), 2)),
    (committee.arcsin, (NUMBER,)),
    (committee.committee_error, (np.eye(4), 2)),
    (committee.committee_slope, (np.eye(4), 2, NUMBER, NUMBER, np.eye(4), np.eye(4))),
    (committee.follow_committee, (np.eye(4), 2, NUMBER, NUMBER, NUMBER, 1, np.ones((4, 4, 4)))),
    (students.error_of, (RIGHT, RIGHT)),
    (students.draw_teacher, (STATE, np.zeros(4))),
    (students.draw_example, (RIGHT, 0, STATE, np.zeros((2, 4)), SPINS[:2].copy(), np.zeros((4, 2)))),
    (students.online_step, (*LEARNT, 0, perceptron.OPTIMAL, np.zeros(4))),
    (students.begin_least_squares, (np.zeros((4, 4)), np.zeros((4, 4)), np.zeros(4))),
    (students.least_squares_step, (*LEARNT, 0, np.eye(4), np.zeros((4, 4)), np.zeros((2, 4)), np.zeros(4))),
    (students.adatron_rest, (*LEARNT, COUNT, NUMBER, NUMBER, COUNT, np.zeros(2), np.zeros(4))),
    (students.truncated_normal, (NUMBER, 2 * NUMBER, STATE, np.zeros(2))),
    (students.sweep_version_space, (np.ones((4, 2)), 1, 1, *WALKING)),
    (students.meet_example, (*LEARNT, 0, COUNT, np.ones((4, 2)), *WALKING)),
    (students.gather_centre, (RIGHT, np.ones((4, 2)), 1, 1, *WALKING, np.zeros(4), np.zeros(2))),
    (students.error_of_centre, (RIGHT, RIGHT, RIGHT)),
    (students.add_run, (np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)), np.zeros((1, 2)))),
    (bipartite.exchange, (STATE, REALS[:2], 0, REALS, np.zeros((2, 1), np.int64), *np.zeros((2, 1), int))),
    (overdamped.potential, (REALS, NUMBER)),
    (overdamped.slope, (REALS, NUMBER)),
    (overdamped.fill_potential, (REALS, REALS, REALS.copy())),
    (overdamped.bound_law, (REALS, NUMBER, NUMBER, np.zeros(9))),
    (overdamped.draw_equilibrium, (REALS, NUMBER, NUMBER, np.zeros(9), STATE, REALS.copy())),
    (overdamped.erasing_steps, (NUMBER, NUMBER)),
    (overdamped.fill_wells, (REALS, REALS, REALS.copy())),
    (overdamped.tally_works, (REALS, REALS, NUMBER, NUMBER, NUMBER, np.zeros((2, 9), int), np.zeros((2, 5)))),
    (overdamped.erasing_work, (NUMBER,)),
    (overdamped.erasing_distance, (NUMBER, np.zeros(9))),
    (overdamped.erase_bit, (NUMBER, NUMBER, NUMBER, MATRIX.copy())),
    (overdamped.drive, (MATRIX, NUMBER, *np.zeros((3, 4)), STATE, np.zeros(4))),
]


LIBM = re.compile(r"llvm\.(exp(?!erimental)|log|pow|sin|cos|tan|sinh|cosh|tanh|ldexp|frexp|fma)")


def foreign_calls(kernel, arguments):
    """What the native code calls besides the book's own functions and LLVM's instructions.

    It is compiled anew, as what comes from the cache shows no code. The wrappers through which Python calls
    are left out, and so is the counting of references to array arguments, which a browser has none of.
    """
    function = kernel.py_func
    anew = njit(nogil=True, error_model="numpy")(
        types.FunctionType(function.__code__, function.__globals__, function.__name__)
    )
    anew(*arguments)
    (code,) = anew.inspect_llvm().values()
    definitions = re.findall(r'^define [^@]*@"?([^"(]+)"?\((.*?)^}', code, re.DOTALL | re.MULTILINE)
    native = {name: body for name, body in definitions if re.match("_ZN(?!7cpython)", name)}
    assert native
    called = set(re.findall(r'call [^@\n]*@"?([^"(]+)"?\(', "".join(native.values())))
    called -= {*native, "NRT_incref", "NRT_decref"}
    return {name for name in called if LIBM.match(name) or not name.startswith("llvm.")}


@pytest.mark.parametrize(("kernel", "arguments"), KERNELS, ids=[k.py_func.__name__ for k, _ in KERNELS])
def test_a_kernel_calls_no_library_and_allocates_nothing(kernel, arguments):
    """A call to libm's exp would give other bits in a browser, an allocation would need numba's runtime."""
    assert foreign_calls(kernel, arguments) == set()


def test_every_public_kernel_is_looked_at():
    looked_at = {kernel for kernel, _ in KERNELS}
    for module in (
        elementary,
        rng,
        lattice,
        bernoulli,
        clusters,
        mean_field,
        binary,
        binary_students,
        walls,
        network,
        spin_glass,
        hopfield,
        associative,
        bridge,
        cloud,
        descent,
        diffusion,
        inference,
        boltzmann,
        projection,
        hopfield_theory,
        curves,
        hull,
        linear_network,
        restricted,
        bipartite,
        multilayer,
        multispin,
        perceptron,
        students,
        committee,
        margin,
        plane,
        threshold,
        hebbian,
        overdamped,
        driven_network,
    ):
        public = [value for name, value in vars(module).items() if not name.startswith("_")]
        assert {value for value in public if isinstance(value, type(exp))} <= looked_at


def calls_exp(x):
    return math.exp(x)


def calls_pow(x):
    return x**0.3


def allocates(x):
    return np.full(int(x), x).sum()


@pytest.mark.parametrize("function", [calls_exp, calls_pow, allocates])
def test_a_call_to_a_library_or_an_allocation_is_seen(function):
    assert foreign_calls(njit(function), (2.0,))
