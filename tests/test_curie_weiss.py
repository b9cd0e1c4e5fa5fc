"""Finite magnets against their exact law and first-passage times, deliberately wrong ones, and bad input."""

import math

import numpy as np
import pytest
from scipy.stats import chi2

from smbook import _runs
from smbook.curie_weiss import CurieWeissTrace, first_passage, simulate
from smbook.kernels import finite_magnet
from smbook.kernels.rng import streams
from smbook.theory.ising import (
    curie_weiss_finite,
    curie_weiss_first_passage,
    curie_weiss_solutions,
)


def state_of(generator):
    return generator.bit_generator.state


# Against the exact law

# n, beta, coupling, field, and a number of sweeps over which the magnet forgets where it was
CASES = [
    (1, 1.0, 1.0, 0.4, 20),
    (7, 0.8, 1.0, 0.0, 60),
    (20, 1.25, 1.0, 0.05, 300),
    (50, 0.9, 1.0, -0.02, 80),
    (50, 1.2, -1.0, 0.3, 20),
    (33, 0.0, 1.0, 1.0, 20),
]


def p_value(n, beta, coupling, field, n_sweeps, *, n_magnets=100_000):
    """Of chi-square for independent magnets against the exact law, with all rare states in one bin."""
    start = {"initial": "random", "n_magnets": n_magnets, "thin": n_sweeps, "rng": 11}
    trace = simulate(n, beta, n_sweeps, coupling=coupling, field=field, **start)
    counts = np.bincount(trace.up, minlength=n + 1)
    law = curie_weiss_finite(n, beta, coupling=coupling, field=field)
    assert trace.magnetization[:, -1].tolist() == law.magnetization[trace.up].tolist()
    expected = n_magnets * law.probability
    common = expected >= 20
    seen = np.append(counts[common], counts[~common].sum())
    due = np.append(expected[common], expected[~common].sum())
    seen, due = (seen, due) if due[-1] >= 5 else (seen[:-1], due[:-1])
    return chi2.sf(((seen - due) ** 2 / due).sum(), seen.size - 1)


@pytest.mark.parametrize(("n", "beta", "coupling", "field", "n_sweeps"), CASES)
def test_the_law_is_exact(n, beta, coupling, field, n_sweeps):
    """10^5 magnets tell a shift of the temperature by 1 % at n = 20, as the next test shows."""
    assert p_value(n, beta, coupling, field, n_sweeps) > 1e-4


def test_a_magnet_a_little_too_cold_is_caught(monkeypatch):
    right = finite_magnet.flip_table
    monkeypatch.setattr(finite_magnet, "flip_table", lambda beta, *rest: right(1.01 * beta, *rest))
    assert p_value(*CASES[2]) < 1e-6


def test_a_magnet_relaxes_as_its_matrix_says():
    """The mean of many magnets after each sweep, from all spins up, is that of the powers of the matrix."""
    n, beta, field, n_magnets = 16, 1 / 0.7, -0.1, 20_000
    table = np.empty((2, n + 1), dtype=np.int64)
    finite_magnet.flip_table(beta, 1.0, field, table)
    gain, loss = ((table[0] + 1.0) * 2.0**-63, 1 - (table[1] + 1.0) * 2.0**-63)
    matrix = np.diag(1 - gain - loss) + np.diag(gain[:-1], 1) + np.diag(loss[1:], -1)
    sweep, m = np.linalg.matrix_power(matrix, n), np.arange(-n, n + 1, 2) / n
    p = np.zeros(n + 1)
    p[n] = 1.0
    trace = simulate(n, beta, 20, field=field, initial="up", n_magnets=n_magnets, rng=4)
    for kept in trace.magnetization.T:
        p = p @ sweep
        error = math.sqrt((p @ m**2 - (p @ m) ** 2) / n_magnets)
        assert abs(kept.mean() - p @ m) < 4 * error


def test_the_two_limits_do_not_commute():
    """At T = 0.8, h = 1e-3: a magnet of 100 averages to almost nothing, one of 10^4 is magnetized."""
    for n, expected in ((100, 0.0579), (1000, 0.5028), (10_000, 0.7117)):
        law = curie_weiss_finite(n, 1.25, field=1e-3)
        assert law.magnetization @ law.probability == pytest.approx(expected, abs=6e-5)


# First passage


@pytest.mark.parametrize("n", [10, 20])
def test_the_mean_time_of_escape_is_exact(n):
    """4000 escapes: the mean is known to 1.6 %, as the times scatter like their mean."""
    low, _, high = curie_weiss_solutions(1 / 0.6, field=-0.05)
    ends = {"start": round(n * (1 + high) / 2), "stop": round(n * (1 + low) / 2)}
    times = first_passage(n, 1 / 0.6, field=-0.05, n_magnets=4000, rng=1, **ends)
    exact = curie_weiss_first_passage(n, 1 / 0.6, field=-0.05, **ends)
    assert times.shape == (4000,)
    assert abs(times.mean() - exact) < 4 * times.std() / math.sqrt(4000)
    wrong = curie_weiss_first_passage(n, 1 / 0.6, field=-0.06, **ends)
    assert abs(times.mean() - wrong) > 4 * times.std() / math.sqrt(4000)


def test_a_passage_is_the_walk_until_it_is_there():
    """The walk of the same seed first holds so few spins up in the sweep in which the passage ends."""
    options = {"field": -0.05, "n_magnets": 20, "rng": 8}
    times = first_passage(10, 1 / 0.6, start=10, stop=2, **options)
    np.testing.assert_allclose(times * 10, np.rint(times * 10), rtol=1e-14)
    trace = simulate(10, 1 / 0.6, math.ceil(times.max()), initial="up", **options)
    for time, magnetization in zip(times, trace.magnetization, strict=True):
        assert (magnetization[: math.ceil(time) - 1] > -0.6).all()


def test_times_do_not_hang_on_how_the_run_is_parted(monkeypatch):
    options = {"start": 9, "stop": 2, "field": -0.1, "n_magnets": 7, "rng": 3}
    whole = first_passage(10, 1.5, **options)
    for updates in (1, 50, 1000):
        monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
        assert first_passage(10, 1.5, **options).tolist() == whole.tolist()
    assert first_passage(10, 1.5, **options | {"n_magnets": 3}).tolist() == whole[:3].tolist()


@pytest.mark.parametrize(("n", "beta"), [(30, 1 / 0.6), (30, 1e9)])
def test_who_waits_too_long_is_told(n, beta):
    with pytest.raises(RuntimeError, match=r"of 5 magnets had not come from 28 to 1 .* longest=10 sweeps"):
        first_passage(n, beta, start=28, stop=1, n_magnets=5, longest=10, rng=1)


def test_a_passage_in_the_last_update_counts():
    times = first_passage(10, 1.5, start=9, stop=2, field=-0.1, rng=3)
    longest = math.ceil(times[0])
    assert (
        first_passage(10, 1.5, start=9, stop=2, field=-0.1, longest=longest, rng=3).tolist() == times.tolist()
    )
    with pytest.raises(RuntimeError, match="1 of 1 magnets"):
        first_passage(10, 1.5, start=9, stop=2, field=-0.1, longest=longest - 1, rng=3)


# What a run returns


def test_a_trace_holds_a_row_a_magnet():
    trace = simulate(50, 1.1, 12, n_magnets=5, thin=4, rng=1)
    assert trace.magnetization.shape == (5, 3)
    assert trace.magnetization.dtype == np.float64
    assert trace.magnetization.flags.c_contiguous
    assert trace.up.shape == (5,)
    assert trace.up.dtype == np.int64
    assert trace.magnetization[:, -1].tolist() == ((2 * trace.up - 50) / 50).tolist()


def test_a_seed_fixes_a_run_whatever_its_chunks_and_thinning(monkeypatch):
    options = {"field": 0.1, "n_magnets": 6, "rng": 9}
    whole = simulate(12, 1.2, 100, **options)
    assert simulate(12, 1.2, 100, **options | {"rng": 10}) != whole
    assert simulate(12, 1.2, 100, **options, progress=True) == whole
    for updates in (1, 30, 3000):  # from a sweep of one magnet a call to several sweeps of all
        monkeypatch.setattr(_runs, "UPDATES_PER_CALL", updates)
        for thin in (1, 7, 25):
            thinned = simulate(12, 1.2, 100, thin=thin, **options)
            assert thinned.magnetization.tolist() == whole.magnetization[:, thin - 1 :: thin].tolist()
            assert thinned.up.tolist() == whole.up.tolist()


def test_a_magnet_is_the_same_however_many_run_beside_it():
    many, few = (simulate(12, 1.2, 30, n_magnets=n, rng=9) for n in (6, 2))
    assert many.magnetization[:2].tolist() == few.magnetization.tolist()


def test_the_walk_is_the_kernels():
    """What a live figure does with the same seed: a table, a toss, and sweeps."""
    states, up, record = streams(7, 1), np.zeros(1, dtype=np.int64), np.empty((40, 1), dtype=np.int64)
    table = np.empty((2, 31), dtype=np.int64)
    finite_magnet.flip_table(1.3, 1.0, 0.02, table)
    finite_magnet.randomize(up, 30, states)
    finite_magnet.walk(up, table, states, 1, record)
    trace = simulate(30, 1.3, 40, field=0.02, rng=7)
    assert trace.magnetization[0].tolist() == ((2 * record[:, 0] - 30) / 30).tolist()


def test_a_run_of_no_sweep_returns_its_start():
    given = np.array([3, 0, 5])
    trace = simulate(5, 1.0, 0, initial=given, n_magnets=3, rng=1)
    assert trace.magnetization.shape == (3, 0)
    assert trace.up.tolist() == given.tolist()
    assert not np.shares_memory(trace.up, given)
    assert simulate(5, 1.0, 0, initial="up", n_magnets=2, rng=1).up.tolist() == [5, 5]
    tossed = simulate(100, 1.0, 0, n_magnets=10_000, rng=1).up
    assert abs(tossed.mean() - 50) < 4 * 5 / 100
    assert tossed.var() == pytest.approx(25, rel=0.06)


def test_a_run_goes_on_from_another():
    trace = simulate(10, 1.0, 10, n_magnets=3, rng=1)
    before = trace.up.copy()
    again = simulate(10, 1.0, 10, n_magnets=3, initial=trace.up, rng=2)
    assert trace.up.tolist() == before.tolist()
    assert again == simulate(10, 1.0, 10, n_magnets=3, initial=before.astype(np.int16), rng=2)


def test_a_generator_seeds_a_run_by_one_draw():
    generator, twin = np.random.default_rng(5), np.random.default_rng(5)
    trace = simulate(10, 1.0, 10, n_magnets=3, rng=generator)
    seed = int(twin.integers(0, 2**64, dtype=np.uint64))
    assert trace == simulate(10, 1.0, 10, n_magnets=3, rng=seed)
    assert state_of(generator) == state_of(twin)
    assert simulate(10, 1.0, 10) != simulate(10, 1.0, 10)


def test_traces_are_equal_if_their_numbers_are():
    trace = simulate(10, 1.0, 10, n_magnets=3, rng=1)
    assert trace == simulate(10, 1.0, 10, n_magnets=3, rng=1)
    assert trace != simulate(10, 1.0, 10, n_magnets=3, rng=2)
    assert trace != trace._replace(up=trace.up + 1)
    assert trace != trace._replace(magnetization=trace.magnetization[:, :-1])
    assert trace == CurieWeissTrace(trace.magnetization.copy(), trace.up.copy())
    assert trace != "trace"


def test_a_trace_prints_its_mean_and_not_its_arrays():
    trace = simulate(10, 1.0, 10, n_magnets=3, rng=1)
    mean = f"mean magnetization {trace.magnetization.mean():.6g}"
    assert repr(trace) == f"CurieWeissTrace(10 kept sweeps of 3 magnets, {mean})"
    assert repr(simulate(10, 1.0, 0, rng=1)) == "CurieWeissTrace(0 kept sweeps of 1 magnet)"


def test_units_of_energy_are_free():
    one = simulate(20, 1.2, 50, coupling=0.9, field=0.3, rng=1)
    for unit in (2.0**900, 2.0**-900):
        assert simulate(20, 1.2 / unit, 50, coupling=0.9 * unit, field=0.3 * unit, rng=1) == one


# Refusals: each before anything is touched

REFUSED = [
    ({"n_spins": 0}, ValueError, "n_spins must be at least 1; got 0"),
    ({"n_spins": 10**7 + 1}, ValueError, "n_spins must be at most 10000000; got 10000001"),
    ({"n_spins": 5.0}, TypeError, r"n_spins must be an integer; got 5\.0"),
    ({"n_spins": (4, 4)}, TypeError, "n_spins must be an integer"),
    ({"beta": -0.1}, ValueError, "beta must be at least 0; got -0.1"),
    ({"beta": math.nan}, ValueError, "beta must be finite; got nan"),
    ({"beta": "1"}, TypeError, "beta must be a real number; got '1'"),
    ({"beta": 1e308, "coupling": 1e3}, ValueError, r"overflows; got beta=1e\+308, coupling=1000.0"),
    ({"field": 1e308}, ValueError, "energy or beta times energy overflows"),
    ({"field": math.inf}, ValueError, "field must be finite; got inf"),
    ({"coupling": "J"}, TypeError, "coupling must be a real number; got 'J'"),
    ({"n_magnets": 0}, ValueError, "n_magnets must be at least 1; got 0"),
    ({"n_magnets": 2.0}, TypeError, r"n_magnets must be an integer; got 2\.0"),
]
OF_SIMULATE = [
    *REFUSED,
    ({"n_sweeps": -1}, ValueError, "n_sweeps must be at least 0; got -1"),
    ({"n_sweeps": 1e3}, TypeError, r"n_sweeps must be an integer; got 1000\.0"),
    ({"thin": 0}, ValueError, "thin must be at least 1; got 0"),
    ({"initial": "down"}, ValueError, "initial must be one of 'random', 'up'; got 'down'"),
    ({"initial": None}, TypeError, "initial must hold integers"),
    ({"initial": np.array([0.5, 1.0])}, TypeError, "initial must hold integers; got dtype float64"),
    ({"initial": np.array([3, 11])}, ValueError, "initial must be at most 10; got 11"),
    ({"initial": np.array([-1, 3])}, ValueError, "initial must be at least 0; got -1"),
    ({"initial": np.array([3])}, ValueError, r"initial must have the shape \(2,\); got \(1,\)"),
    ({"initial": 3}, ValueError, r"initial must have the shape \(2,\); got \(\)"),
]
OF_PASSAGE = [
    *REFUSED,
    ({"start": 0}, ValueError, "start must be at least 1; got 0"),
    ({"start": 11}, ValueError, "start must be at most 10; got 11"),
    ({"start": 8.0}, TypeError, r"start must be an integer; got 8\.0"),
    ({"stop": -1}, ValueError, "stop must be at least 0; got -1"),
    ({"stop": 8}, ValueError, "stop must be at most 7; got 8"),
    ({"longest": 0}, ValueError, "longest must be at least 1; got 0"),
    ({"longest": math.inf}, TypeError, "longest must be an integer; got inf"),
]


def check_refusal(function, arguments, error, message):
    generator = np.random.default_rng(1)
    before = state_of(generator)
    with pytest.raises(error, match=message):
        function(**arguments, rng=generator)
    assert state_of(generator) == before


@pytest.mark.parametrize(("wrong", "error", "message"), OF_SIMULATE)
def test_bad_input_is_refused_before_anything_is_touched(wrong, error, message):
    good = {"n_spins": 10, "beta": 1.0, "n_sweeps": 5, "n_magnets": 2}
    check_refusal(simulate, good | wrong, error, message)


@pytest.mark.parametrize(("wrong", "error", "message"), OF_PASSAGE)
def test_an_impossible_passage_is_refused_before_anything_is_touched(wrong, error, message):
    good = {"n_spins": 10, "beta": 1.0, "start": 8, "stop": 2}
    check_refusal(first_passage, good | wrong, error, message)


@pytest.mark.parametrize("rng", [-1, 1.5, "1", True])
def test_a_bad_seed_is_refused(rng):
    with pytest.raises((TypeError, ValueError), match="rng must be"):
        simulate(10, 1.0, 5, rng=rng)
