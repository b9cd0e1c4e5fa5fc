"""Sweeps: the same values however they were computed, nothing finished lost, and nothing wrong taken in."""

from __future__ import annotations

import collections
import functools
import json
import linecache
import logging
import math
import multiprocessing
import os
import pickle
import random
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from smbook import _pool, sweep
from smbook.statistics import Estimate
from smbook.sweep import Failure, SweepError, _executors, _run, _store, _values
from tests import sweeps
from tests.interrupts import interrupted

GRID = {"side": [3, 5], "beta": [0.1, 0.4, 0.8]}
threads = functools.partial(sweep.run, executor="threads")


@pytest.fixture(scope="module")
def drawn():
    """Return a sweep by the processes that are there by default."""
    return sweep.run(sweeps.draw, GRID, rng=7)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def endless():
    found = []
    found.append(found)
    return found


def nested(n):
    return (nested(n - 1),) if n else ()


# ---- The grid.


def test_points_are_all_combinations_the_last_axis_fastest():
    result = threads(lambda a, b: (a, b), {"a": [1, 2], "b": ["x", "y", None]})
    assert result.values == ((1, "x"), (1, "y"), (1, None), (2, "x"), (2, "y"), (2, None))
    assert result.parameters == tuple({"a": a, "b": b} for a, b in result.values)
    assert (result.shape, len(result), result.failures) == ((2, 3), 6, ())
    assert result.axes == {"a": [1, 2], "b": ["x", "y", None]}


def test_a_list_of_points_is_a_grid_of_one_dimension():
    result = threads(lambda a, b: a - b, [{"a": 5, "b": 1}, {"b": 2, "a": 4}])
    assert (result.values, result.shape, result.axes) == ((4, 2), (2,), {"a": [5, 4], "b": [1, 2]})


def test_iterators_are_read_once():
    assert threads(sweeps.square, {"x": (k for k in range(3))}).values == (0, 1, 4)
    assert threads(sweeps.square, ({"x": k} for k in range(3))).values == (0, 1, 4)


@pytest.mark.parametrize("grid", [{"x": []}, []])
def test_an_empty_grid_has_no_values(grid, tmp_path):
    result = threads(sweeps.square, grid, store=tmp_path / "store", rng=None)
    assert (result.values, result.shape, len(result)) == ((), (0,), 0)
    assert result.table().shape == (0,)


def test_functions_get_what_the_grid_holds():
    given = [np.float32(0.1), np.int8(3), "word", None, True, (8, 8), np.arange(3), 2 + 1j, {"k": [1]}, b"01"]
    got = threads(lambda x: type(x), {"x": given}).values
    assert got == tuple(map(type, given))


@pytest.mark.parametrize(
    ("grid", "error", "text"),
    [
        (3, TypeError, "grid must map names to values"),
        ("side", TypeError, "grid must map names to values"),
        ([3], TypeError, "it holds 3"),
        ({}, ValueError, "must name a parameter"),
        ([{}], ValueError, "must name a parameter"),
        ({1: [2]}, TypeError, "names of parameters must be strings; got 1"),
        ({"x": 3}, TypeError, "values of x must stand in a sequence, even a single one; got 3"),
        ({"x": "abc"}, TypeError, "got 'abc'"),
        ({"x": {1, 2}}, TypeError, "values of x"),
        ({"x": np.array(3)}, TypeError, "values of x"),
        ({"x": np.ma.masked_array([1, 2], [0, 1])}, TypeError, "values of x"),
        ({"x": [1, 2, 1.0]}, ValueError, r"\(x=1\.0\) twice"),
        ({"x": [0.0, -0.0]}, ValueError, "twice"),
        ([{"x": 1}, {"x": np.int32(1)}], ValueError, "twice. Repeats need a parameter that numbers them"),
        ([{"x": 1}, {"x": 2, "y": 1}], ValueError, r"same names; got \['x'\] and \['x', 'y'\]"),
        ({"x": [print]}, TypeError, "x must be one of None, numbers"),
        ({"x": [type("Size", (tuple,), {})((1, 2))]}, TypeError, "x must be one of None, numbers"),
        ({"x": [endless()]}, TypeError, "x must not be nested so deeply, or hold itself"),
        ({"x": [nested(100)]}, TypeError, "x must not be nested so deeply"),
        ({"x": [np.array([print])]}, TypeError, "x must hold plain numbers"),
        ({"x": range(2**20), "y": range(2**20)}, ValueError, r"fewer than 2\*\*31 points"),
    ],
)
def test_what_is_no_grid_is_refused(grid, error, text):
    with pytest.raises(error, match=text):
        threads(sweeps.square, grid)


numbers = st.one_of(st.booleans(), st.integers(-3, 3), st.floats(-3, 3).map(np.float64), st.floats(-3, 3))


@given(st.lists(numbers, min_size=2, max_size=2))
def test_parameters_are_the_same_point_if_they_are_equal_numbers(pair):
    one, other = pair
    alike = one == other and isinstance(one, bool) == isinstance(other, bool)
    assert (_values.key({"x": one}) == _values.key({"x": other})) == alike
    assert (_values.key({"x": (one, "a")}) == _values.key({"x": [other, "a"]})) == alike


def test_parameters_of_different_content_are_different_points():
    different = [
        None, "None", 1, "1", True, 1.5, math.nan, math.inf, 1j, b"1", (), (1,), ((1,),), {"a": 1}, {1: "a"},
        np.array(1), np.array([1]), np.array([1.0]), np.array([[1]]), np.datetime64("2001"), np.str_("1\0"),
        np.zeros(1, [("a", "i4")]), np.zeros(1, [("b", "i4")]), np.zeros(1, [("a", "f4")]),
    ]  # fmt: skip
    keys = [_values.key({"x": value}) for value in different] + [_values.key({"y": 1})]
    assert len(set(keys)) == len(keys)
    assert _values.key({"x": 1, "y": 2}) == _values.key({"y": 2, "x": 1}) != _values.key({"x": 2, "y": 1})


# ---- The function.


@pytest.mark.parametrize(
    ("function", "rng", "error", "text"),
    [
        (3, None, TypeError, "function must be callable; got 3"),
        (lambda y=0: y, None, TypeError, "cannot be called with this grid.*'x'"),
        (lambda x, y: x + y, None, TypeError, "cannot be called with this grid.*'y'"),
        (lambda x, rng: (x, rng), None, TypeError, "rng=None: missing a required argument: 'rng'"),
        (lambda x: x, 1, TypeError, "cannot be called with this grid.*'rng'"),
        (lambda x, rng: (x, rng), -1, ValueError, "rng must be at least 0; got -1"),
        (lambda x, rng: (x, rng), True, TypeError, "rng must be an integer"),
        (lambda x, rng: (x, rng), np.random.RandomState(1), TypeError, "rng must be an integer"),
    ],
)
def test_a_function_that_cannot_be_called_so_is_refused(function, rng, error, text, tmp_path):
    with pytest.raises(error, match=text):
        threads(function, {"x": [1]}, rng=rng, store=tmp_path / "store")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="grid must not hold rng"):
        threads(lambda rng: rng, {"rng": [1]}, rng=1)
    with pytest.raises(ValueError, match="errors must be one of"):
        threads(sweeps.square, {"x": [1]}, errors="ignore")


def test_a_function_of_no_module_is_refused_by_processes_with_a_remedy():
    for executor in (None, ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))):
        with pytest.raises(TypeError, match=r'lambda.*cannot be sent.*executor="threads" needs no other'):
            sweep.run(lambda x: x, {"x": [1]}, executor=executor)


NOTEBOOK = """
from smbook import sweep
def measure(x): return x
try:
    sweep.run(measure, {"x": [1, 2]})
except TypeError as error:
    print(error)
print(sweep.run(measure, {"x": [1, 2]}, executor="threads").values)
"""


def test_a_function_of_a_notebook_is_refused_by_processes_with_a_remedy():
    done = subprocess.run([sys.executable, "-c", NOTEBOOK], capture_output=True, text=True)
    assert done.stderr == ""
    assert "worker processes do not find measure" in done.stdout
    assert 'executor="threads" needs no other process' in done.stdout
    assert done.stdout.endswith("\n(1, 2)\n")


def test_a_script_that_each_worker_would_run_again_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text("from smbook import sweep\ndef f(x): return x\nsweep.run(f, {'x': [1, 2]})\n")
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 1
    assert "under `if __name__ == '__main__':`" in done.stderr.splitlines()[-1]
    script.write_text(
        script.read_text().replace("sweep.run", "if __name__ == '__main__': print(sweep.run") + ")"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("Sweep(2 points of x)\n", "")


def test_the_module_is_light():
    heavy = "{'dask', 'distributed', 'numba', 'scipy', 'matplotlib'} & set(sys.modules)"
    code = f"import sys, smbook.sweep; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- Values do not depend on who computes them.


def spawning(n):
    return ProcessPoolExecutor(n, multiprocessing.get_context("spawn"))


@pytest.mark.parametrize(
    "make", [lambda: ThreadPoolExecutor(1), lambda: ThreadPoolExecutor(5), lambda: spawning(1)]
)
def test_values_do_not_depend_on_the_executor(drawn, make):
    with make() as executor:
        assert sweep.run(sweeps.draw, GRID, rng=7, executor=executor) == drawn
        assert executor.submit(int).result() == 0  # it is left open


def check_values_do_not_depend_on_order_and_resuming(run, tmp_path):
    whole = run(sweeps.draw, GRID, rng=7)
    backwards = run(sweeps.draw, {"beta": GRID["beta"][::-1], "side": GRID["side"][::-1]}, rng=7)
    part = run(sweeps.draw, [{"side": 5, "beta": 0.4}], rng=7)
    assert sweep._result._values.same(part.values[0], whole.at(side=5, beta=0.4))
    for row, value in zip(whole.parameters, whole.values, strict=True):
        assert _values.same(value, backwards.at(**row))
    run(sweeps.draw, {**GRID, "beta": [0.4]}, rng=7, store=tmp_path / "grown")
    assert run(sweeps.draw, GRID, rng=7, store=tmp_path / "grown") == whole


def test_values_do_not_depend_on_order_and_resuming(drawn, tmp_path):
    check_values_do_not_depend_on_order_and_resuming(threads, tmp_path)
    assert threads(sweeps.draw, GRID, rng=7) == drawn != threads(sweeps.draw, GRID, rng=8)


def test_seeds_by_the_order_of_evaluation_would_be_noticed(monkeypatch, tmp_path):
    seeds = np.random.SeedSequence(7)

    def wrong(point, _seed, kept):
        return _run._work.Job(point.parameters, seeds.spawn(1)[0], kept and kept.place(point))

    monkeypatch.setattr(_run, "_job", wrong)
    with pytest.raises(AssertionError):
        check_values_do_not_depend_on_order_and_resuming(threads, tmp_path)


def test_each_point_has_random_numbers_of_its_own():
    """900 first numbers are uniform and their neighbours along both axes unrelated."""
    grid = {"a": range(30), "b": range(30)}
    for seed in range(10):
        u = threads(lambda a, b, rng: (rng.random(), a, b), grid, rng=seed).table(0)
        assert len(np.unique(u)) == u.size
        centred = (u - 0.5) * math.sqrt(12)
        assert abs(centred.mean() * 30) < 4
        for one, other in ((centred[1:], centred[:-1]), (centred[:, 1:], centred[:, :-1])):
            assert abs(np.mean(one * other) * math.sqrt(one.size)) < 4


def test_seeds_of_all_kinds():
    def first(x, rng):
        return rng.random() + x

    def values(rng):
        return threads(first, {"x": [1, 2]}, rng=rng).values

    assert values(5) == values(np.random.SeedSequence(5)) == values(np.int64(5))
    assert values(np.random.default_rng(5)) == values(np.random.default_rng(5)) != values(5)
    parent, generator = np.random.SeedSequence(5), np.random.default_rng(5)
    assert values(generator) != values(generator)
    assert len({values(child) for child in [parent, *parent.spawn(3)]}) == 4
    assert values(2**200) == values(2**200)
    assert values(np.random.SeedSequence([1, 2])) == values(np.random.SeedSequence([1, 2]))


def test_a_worker_keeps_to_one_core_and_leaves_no_process():
    result = sweep.run(sweeps.surroundings, {"x": range(6)})
    pids = {pid for pid, *_ in result.values}
    assert len(pids) <= _pool._cores()
    assert {tuple(rest[:2]) for _, *rest in result.values} == {(1, "1")}
    assert not any(map(lives, pids))


@pytest.mark.parametrize(
    ("executor", "error", "text"),
    [
        (3, TypeError, "executor must be a concurrent.futures.Executor; got 3"),
        (map, TypeError, "got <class 'map'>"),
        (ThreadPoolExecutor, TypeError, r"it is a class, of which ThreadPoolExecutor\(\) is one"),
        ("processes", ValueError, "executor must be \"threads\" if it is a word; got 'processes'"),
        (type("Client", (), {"get_executor": None})(), TypeError, r"its get_executor\(\) makes one"),
    ],
)
def test_what_is_no_executor_is_refused(executor, error, text, tmp_path):
    with pytest.raises(error, match=text):
        sweep.run(sweeps.square, {"x": [1]}, executor=executor, store=tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_a_pool_that_is_broken_says_so():
    with spawning(1) as pool:
        assert len(sweep.run(sweeps.dies, {"x": [1, 2]}, executor=pool).failures) == 1
        with pytest.raises(RuntimeError, match="could not be started, or have died"):
            sweep.run(sweeps.dies, {"x": [1]}, executor=pool)


def test_an_executor_that_was_shut_down_says_so():
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(RuntimeError, match="after shutdown"):
        sweep.run(sweeps.square, {"x": [1]}, executor=executor)


class Lazy(Executor):
    """Do the last of what was submitted when there are `most`, and note how much was waiting at once."""

    def __init__(self):
        self.waiting, self.most = [], 0

    def submit(self, work, /, *arguments):
        future = Future()
        self.waiting.append((future, work, arguments))
        self.most = max(self.most, len(self.waiting))
        if len(self.waiting) == _executors._WINDOW or arguments[1].parameters["x"] == 4999:
            for future_, work_, arguments_ in reversed(self.waiting):
                future_.set_result(work_(*arguments_))
            self.waiting.clear()
        return future


def test_a_large_grid_is_submitted_piece_by_piece():
    executor = Lazy()
    assert sweep.run(sweeps.square, {"x": range(5000)}, executor=executor).table().sum() == 41654167500
    assert executor.most == _executors._WINDOW


def test_dask_on_a_cluster_of_two_processes(drawn, tmp_path, caplog):
    import distributed  # not at the top: a second for all that run other tests

    options = {"dashboard_address": None, "host": "127.0.0.1", "processes": True, "threads_per_worker": 1}
    with distributed.LocalCluster(n_workers=2, **options) as cluster, distributed.Client(cluster) as client:
        run = functools.partial(sweep.run, executor=client.get_executor())
        assert run(sweeps.draw, GRID, rng=7, store=tmp_path / "dask") == drawn
        assert threads(sweeps.draw, GRID, rng=7, store=tmp_path / "dask") == drawn
        assert len({pid for pid, *_ in run(sweeps.surroundings, {"x": range(20)}).values}) == 2
        assert [failure.message for failure in run(sweeps.fails, {"x": range(4)}).failures] == ["no 2"]
        with pytest.raises(TypeError, match="get_executor"):
            sweep.run(sweeps.square, {"x": [1]}, executor=client)
    assert [record.getMessage() for record in caplog.records if record.name == "smbook.sweep"] == [
        "(x=2) failed: ArithmeticError: no 2"
    ]


# ---- Points that fail.


@pytest.mark.parametrize("executor", [None, "threads"])
def test_a_failing_point_is_reported_and_the_others_go_on(executor, caplog):
    result = sweep.run(sweeps.fails, {"x": range(6)}, executor=executor)
    assert [v for v in result.values if not isinstance(v, Failure)] == [0, 1, 3, 4]
    assert result.failures == (result.values[2], result.values[5])
    number, parameters, error, message, text = result.values[5]
    assert (number, parameters, error, message) == (5, {"x": 5}, "ArithmeticError", "no 5")
    assert text.splitlines()[0].startswith("Traceback")
    assert "in fails" in text
    assert "evaluate" not in text
    assert repr(result.values[5]) == "Failure(x=5: ArithmeticError: no 5)"
    assert repr(result) == "Sweep(6 points of x; 2 failed, the first at x=2: ArithmeticError)"
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said) == [f"(x={x}) failed: ArithmeticError: no {x}" for x in (2, 5)]


def test_many_failures_are_not_all_told_of(caplog):
    assert len(threads(sweeps.fails, {"x": range(2, 200, 3)}).failures) == 66
    assert len(caplog.records) == 11
    assert "further failures" in caplog.records[-1].getMessage()


def test_failures_can_raise_when_the_others_are_done():
    with pytest.raises(
        SweepError, match=r"2 of 6 points failed; the first is \(x=2\): ArithmeticError: no 2"
    ) as error:
        threads(sweeps.fails, {"x": range(6)}, errors="raise")
    assert error.value.sweep.values[4] == 4
    assert pickle.loads(pickle.dumps(error.value)).sweep == error.value.sweep


def test_failed_points_are_tried_again(tmp_path, caplog):
    ill = [True]

    def f(x):
        if ill and x == 1:
            raise SystemExit(3)
        return x

    run = functools.partial(threads, f, {"x": range(3)}, store=tmp_path / "store")
    assert repr(run().failures) == "(Failure(x=1: SystemExit: 3),)"
    assert len(content(tmp_path / "store")) == 3
    ill.clear()
    assert run().values == (0, 1, 2)
    assert len(caplog.records) == 1


class UnsaidError(Exception):
    def __str__(self):
        raise ValueError


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: {1}, "TypeError: a set cannot be stored; what can are None, numbers"),
        (lambda: [object()], "TypeError: a object cannot be stored"),
        (lambda: np.array([print]), "TypeError: an array of dtype object cannot be stored"),
        (lambda: np.ma.masked_array([1]), r"TypeError: a numpy.ma.*MaskedArray cannot be stored"),
        (lambda: collections.OrderedDict(), "TypeError: a collections.OrderedDict cannot be stored"),
        (endless, "RecursionError"),
        (lambda: nested(150), "TypeError: a value must not be nested so deeply"),
    ],
)
def test_a_value_that_cannot_be_stored_is_a_failure(make, text, tmp_path):
    result = threads(lambda x: make() if x else 0, {"x": [0, 1]}, store=tmp_path / "store")
    assert result.values[0] == 0
    assert len(result.failures) == 1
    assert result.failures[0].parameters == {"x": 1}
    assert re.search(text, repr(result.failures[0]))
    assert threads(lambda x: {x}, {"x": [0]}).values == ({0},)  # without a store anything goes


def test_a_point_of_an_integer_too_long_to_be_written_can_fail():
    assert repr(threads(sweeps.fails, {"x": [3 * 10**5000 + 2]}).failures[0]).startswith(
        "Failure(x=0x95a6180"
    )


def test_an_error_that_cannot_be_told_is_a_failure():
    def f(x):
        raise UnsaidError(x)

    assert threads(f, {"x": [1]}).failures[0][2:4] == ("UnsaidError", "it cannot be told")


def test_a_value_that_cannot_be_sent_is_a_failure():
    result = sweep.run(sweeps.unsendable, {"x": range(3)})
    assert result.values[1:] == (1, 2)
    assert "cannot pickle" in result.failures[0].message


def test_a_process_that_dies_takes_only_its_point_along(tmp_path):
    result = sweep.run(sweeps.dies, {"x": range(8)}, store=tmp_path / "store")
    assert [v for v in result.values if not isinstance(v, Failure)] == [0, 1, 3, 4, 5, 6, 7]
    assert result.failures[0].parameters == {"x": 2}
    assert "a worker that had this point, or was to get it, died" in result.failures[0].message


def test_a_process_that_does_not_end_by_itself_is_ended(monkeypatch):
    monkeypatch.setattr(_executors, "_PATIENCE", 0.2)
    result = sweep.run(sweeps.stays, {"x": [1, 2]})
    assert result.table(1).tolist() == [1, 2]
    assert not any(lives(pid) for pid, _ in result.values)


def test_a_given_pool_that_breaks_is_reported(tmp_path):
    with spawning(1) as pool:
        result = sweep.run(sweeps.dies, {"x": range(6)}, executor=pool, store=tmp_path / "store")
    assert result.values[:2] == (0, 1)
    assert [failure.parameters["x"] for failure in result.failures] == [2, 3, 4, 5]
    assert {failure.error for failure in result.failures} == {"BrokenProcessPool"}
    result = sweep.run(sweeps.dies, {"x": range(6)}, store=tmp_path / "store")
    assert [failure.parameters["x"] for failure in result.failures] == [2]


# ---- The store.

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.complex_numbers(), st.text(), st.binary(),
    st.builds(np.float32, st.floats(width=32)), st.builds(np.int16, st.integers(-9, 9)), st.just(np.True_),
    st.just(np.str_("word\0")), st.just(np.bytes_(b"a\0")),
    st.just(np.datetime64("2001-02-03")), st.just("\ud800"),
)  # fmt: skip
dtypes = st.one_of(arrays_of.scalar_dtypes(), st.just(np.dtype([("a", "i4"), ("b", "f8", 2)])))
contents = st.one_of(
    scalars, arrays_of.arrays(dtypes, arrays_of.array_shapes(min_dims=0, min_side=0, max_side=3))
)
values = st.recursive(
    contents,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(
            st.one_of(st.text(max_size=3), st.integers(), st.tuples(st.integers())), inner, max_size=3
        ),
        st.builds(Estimate, inner, inner),
        st.builds(sweeps.Measured, inner, inner),
    ),
    max_leaves=6,
)


def identical(one, other):
    """Tell whether two values have the same types and the same bits."""
    if isinstance(one, (np.str_, np.bytes_)):  # whose arrays and texts drop zeros at the end
        return type(one) is type(other) and one == other
    if isinstance(one, (np.ndarray, np.generic)):
        same = type(one) is type(other) and one.dtype == other.dtype and one.shape == other.shape
        return same and one.tobytes() == other.tobytes()
    if isinstance(one, (list, tuple)):
        return type(one) is type(other) and len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, dict):
        return identical(list(one.items()), list(other.items()))
    return type(one) is type(other) and repr(one) == repr(other)


def test_an_integer_that_is_too_long_for_python_to_write_can_be_stored():
    form = json.loads(json.dumps(_values.pack([10**5000, -(2**63), 2**63 - 1], {})))
    assert form[2] == 2**63 - 1
    assert _values.unpack(form, {}) == [10**5000, -(2**63), 2**63 - 1]
    assert _values.key({"x": 10**5000}) != _values.key({"x": 10**5000 + 1})


@given(values)
def test_what_is_stored_comes_back(value):
    arrays = {}
    form = json.loads(json.dumps(_values.pack(value, arrays)))
    assert identical(_values.unpack(form, arrays), value)


def test_layouts_of_arrays_come_back_and_values_are_no_views(tmp_path):
    shared = np.arange(24).reshape(4, 6)

    def f(x):
        return {"c": shared, "f": shared.T, "strided": shared[::2, ::3], "none": shared[:0]}[x]

    grid = {"x": ["c", "f", "strided", "none"]}
    first = threads(f, grid, store=tmp_path / "store")
    shared += 1
    again = threads(f, grid, store=tmp_path / "store")
    assert first == again
    assert first.values[0][0, 0] == 0
    flags = [[value.flags[name] for name in ("C_CONTIGUOUS", "F_CONTIGUOUS")] for value in again.values]
    assert flags == [
        [value.flags[name] for name in ("C_CONTIGUOUS", "F_CONTIGUOUS")] for value in first.values
    ]
    assert flags[:3] == [[True, False], [False, True], [True, False]]


def test_named_tuples_come_back_as_they_would_be_now(tmp_path):
    Local = collections.namedtuple("Local", "a b")

    def f(x):
        return [Estimate(1.0, 0.5), sweeps.Measured(1.0, np.arange(2)), Local(1, 2)][x]

    runs = [threads(f, {"x": range(3)}, store=tmp_path / "store") for _ in range(2)]
    assert runs[0] == runs[1]
    kinds = [type(value) for value in runs[0].values]
    assert kinds[:2] == [Estimate, sweeps.Measured]
    assert (kinds[2].__name__, kinds[2]._fields, runs[0].values[2]) == ("Local", ("a", "b"), (1, 2))
    renamed_fields = collections.namedtuple("Local", "a class", rename=True)(1, 2)
    named_oddly = type("no name", (Local,), {})(1, 2)
    for value in (renamed_fields, named_oddly):
        assert _values.unpack(_values.pack(value, {}), {}) == value
    for path in ("os:path", "not.there:A", "smbook.not_there:A", "os:PathLike", "smbook.sweep:run.a"):
        assert _values._class(path, ["a"])(3)._asdict() == {"a": 3}


def test_a_point_can_be_read_without_smbook(tmp_path):
    threads(sweeps.draw, {**GRID, "beta": np.array(GRID["beta"])}, rng=7, store=tmp_path)
    about = json.loads((tmp_path / "sweep.json").read_text())
    assert about["function"] == "tests.sweeps.draw"
    assert about["source"].startswith("def draw(side, beta, rng):")
    assert about["rng"] == {"entropy": [7], "spawn_key": []}
    found = {}
    for path in tmp_path.glob("*.npz"):
        with np.load(path, allow_pickle=False) as file:
            point = json.loads(file["about"].tobytes())
            measured, others = point["value"]["tuple"]
            _, fields, (mean, spread) = measured["named tuple"]
            assert fields == ["mean", "spread"]
            ((name, first),) = others["dict"]
            assert (name, first["number"][0]) == ("first", "float64")
            found[point["parameters"]["side"], point["parameters"]["beta"]] = mean, *file[spread["array"]]
    expected = threads(sweeps.draw, GRID, rng=7)
    for row, (measured, _) in zip(expected.parameters, expected.values, strict=True):
        np.testing.assert_array_equal(found[row["side"], row["beta"]], [measured.mean, *measured.spread])


def test_only_what_is_missing_is_computed_again(tmp_path):
    log, store = tmp_path / "log", tmp_path / "store"
    run = functools.partial(threads, functools.partial(sweeps.noted, log=str(log)), {"x": range(12)}, rng=1)
    whole = run(store=store)
    lost = sorted(store.glob("*.npz"))[::3]
    for path in lost:
        path.unlink()
    (store / ".0123.npz.abc.part").write_bytes(b"half a")
    assert run(store=store) == whole
    assert len(sweeps.notes(log)[0]) == 12 + len(lost)
    assert not list(store.glob(".*"))
    assert run() == whole


def test_a_store_of_another_run_is_refused(tmp_path):
    store = tmp_path / "store"
    run = functools.partial(threads, store=store)
    f = functools.partial(sweeps.draw, beta=0.1)
    run(f, {"side": [1, 2]}, rng=1)
    before = content(store)
    others = [
        ((functools.partial(sweeps.draw, beta=0.2), {"side": [1, 2]}, 1),
         r"function is 'partial\(tests.sweeps.draw, beta=0.1\)' there and 'partial.*beta=0.2\)' here"),
        ((sweeps.noted, [{"x": 1, "log": "log"}], 1), "function is .* there and 'tests.sweeps.noted' here"),
        ((f, {"side": [1, 2]}, 2), r"rng is {'entropy': \[1\].* there and {'entropy': \[2\].* here"),
        ((f, {"side": [1], "beta": [1]}, 1), r"parameters is \['side'\] there and \['beta', 'side'\] here"),
        ((f, {"side": [1]}, 1), r"it holds the point \(side=2\), which the grid does not"),
        ((f, {"side": [3, 4]}, 1), r".*which the grid does not. A grid may grow"),
    ]  # fmt: skip
    for (function, grid, rng), text in others:
        with pytest.raises(ValueError, match=f"store belongs to another run: {text}"):
            run(function, grid, rng=rng)
        assert content(store) == before
    assert len(run(f, {"side": [0, 1, 2, 3]}, rng=1).values) == 4


class Model:
    def __init__(self, coupling):
        self.coupling = coupling

    def measure(self, x):
        return self.coupling[5000] * x

    __call__ = measure


def test_a_function_is_known_by_what_it_is_bound_to(tmp_path):
    one, other = np.zeros(10_000), np.zeros(10_000)
    other[5000] = 1.0  # which no text of the array shows
    kinds = [
        Model,
        lambda coupling: Model(coupling).measure,
        lambda coupling: functools.partial(Model.measure, Model(coupling)),
        lambda coupling: functools.partial(np.dot, coupling),
        lambda coupling: functools.partial(sorted, key=Model(coupling).measure),
    ]
    for make in kinds:
        assert _store._name(make(one)) == _store._name(make(one.copy())) != _store._name(make(other))
    name = _store._name(functools.partial(sweeps.draw, np.float64(0.5), kind=random.random, at=object()))
    assert name.startswith("partial(tests.sweeps.draw, 0.5, kind=")
    assert name.endswith(", at=builtins.object)")
    threads(Model(one).measure, {"x": [1]}, store=tmp_path / "store")
    assert threads(Model(one).measure, {"x": [1, 2]}, store=tmp_path / "store").values == (0.0, 0.0)
    with pytest.raises(ValueError, match="belongs to another run: function is"):
        threads(Model(other).measure, {"x": [1, 2]}, store=tmp_path / "store")


def test_a_function_may_change_what_it_is_given(tmp_path):
    def f(numbers, array, other):
        numbers["k"].append(other)
        array += 1
        return numbers, array

    def grid():
        return {"numbers": [{"k": [(0, [1])]}], "array": [np.zeros(2)], "other": [1, 2, 3]}

    first = threads(f, grid(), store=tmp_path / "store")
    assert [numbers["k"] for numbers, _ in first.values] == [[(0, [1]), k] for k in (1, 2, 3)]
    assert all(array.tolist() == [1, 1] for _, array in first.values)
    assert first.parameters[0]["array"].tolist() == [0, 0]
    assert threads(f, grid(), store=tmp_path / "store") == first == threads(f, grid())


def test_a_function_that_processes_did_not_find_leaves_no_store(tmp_path):
    with pytest.raises(TypeError, match="cannot be sent"):
        sweep.run(lambda x: x, {"x": [1]}, store=tmp_path / "store")
    assert threads(sweeps.square, {"x": [1]}, store=tmp_path / "store").values == (1,)


def test_a_run_that_starts_in_the_folder_of_another_does_it_no_harm(monkeypatch, tmp_path):
    """A new run takes what others are about to write for what a killed one has left, and removes it."""
    threads(sweeps.square, {"x": [1]}, store=tmp_path)
    sync, removed = os.fsync, []

    def sync_and_remove(file):
        sync(file)
        if len(removed) < 3:
            threads(sweeps.square, {"x": [1]}, store=tmp_path)
            removed.append(not list(tmp_path.glob(".*")))

    monkeypatch.setattr(os, "fsync", sync_and_remove)
    assert threads(sweeps.square, {"x": [1, 2]}, store=tmp_path).values == (1, 4)
    assert removed == [True] * 3


def test_a_function_whose_text_has_changed_is_told_of(tmp_path, caplog):
    folder = tmp_path / "store"
    for text in ("x", "x + 1"):
        module = tmp_path / "changing.py"
        module.write_text(f"def f(x):\n    return {text}\n")
        space = {"__name__": "changing"}
        exec(compile(module.read_text(), module, "exec"), space)
        linecache.checkcache()
        assert threads(space["f"], {"x": [1]}, store=folder).values == (1,)
    assert "the text of changing.f has changed since" in caplog.text


def truncated(path):
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 4
    path.write_bytes(bytes(data))


def emptied(path):
    path.write_bytes(b"")


def renamed(path):
    other = next(other for other in path.parent.glob("*.npz") if other != path)
    path.write_bytes(other.read_bytes())


def said(about):
    def damage(path):
        _store._POINT.write(path, about, {})

    return damage


@pytest.mark.parametrize(
    "damage",
    [truncated, flipped, emptied, renamed, said({}), said({"parameters": {"x": 1}}),
     said({"parameters": [], "value": 1}), said({"parameters": {"x": {"array": "lost"}}, "value": 1}),
     said({"parameters": {"x": {"odd": 1}}, "value": 1}),
     said({"parameters": {"x": {"named tuple": ["a:a", ["_"], [1]]}}, "value": 1})],
)  # fmt: skip
def test_a_damaged_point_is_refused_and_nothing_computed(damage, tmp_path):
    log, store = tmp_path / "log", tmp_path / "store"
    f = functools.partial(sweeps.noted, log=str(log))
    threads(f, {"x": [1, 2]}, rng=1, store=store)
    path = min(store.glob("*.npz"))
    damage(path)
    before = content(store)
    with pytest.raises(ValueError, match=f"{path.name}.*Remove this file, and its point is computed again"):
        threads(f, {"x": range(5)}, rng=1, store=store)
    assert content(store) == before
    assert len(sweeps.notes(log)[0]) == 2
    path.unlink()
    assert threads(f, {"x": [1, 2]}, rng=1, store=store) == threads(f, {"x": [1, 2]}, rng=1)


@pytest.mark.parametrize(
    ("text", "reason"),
    [(b"", "sweep.json is damaged"), (b"{", "damaged"), (b"\xff", "damaged"), (b"[]", r"it says \[]"),
     (b'{"format": "other"}', "it says"),
     (b'{"format": "smbook.sweep", "version": 2, "id": ""}', "is of version 2; this reads version 1")],
)  # fmt: skip
def test_a_damaged_description_is_refused(text, reason, tmp_path):
    threads(sweeps.square, {"x": [1]}, store=tmp_path)
    (tmp_path / "sweep.json").write_bytes(text)
    before = content(tmp_path)
    with pytest.raises(ValueError, match=reason):
        threads(sweeps.square, {"x": [1, 2]}, store=tmp_path)
    assert content(tmp_path) == before


def test_what_is_no_store_is_refused(tmp_path):
    run = functools.partial(threads, sweeps.square, {"x": [1]})
    for store in (3, "", True, b"a", ["a"]):
        with pytest.raises(TypeError, match="store must be the path of a folder; got"):
            run(store=store)
    (tmp_path / "file").write_text("text")
    with pytest.raises(ValueError, match="store must be a folder; got the file"):
        run(store=tmp_path / "file")
    with pytest.raises(
        ValueError, match=r"store must be an empty folder or one of a sweep; .* has no sweep.json"
    ):
        run(store=str(tmp_path))
    with pytest.raises(OSError, match="file"):
        run(store=tmp_path / "file" / "below")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    run(store=tmp_path / "new" / "below")
    assert len(content(tmp_path / "new" / "below")) == 2


def test_a_disk_that_is_full_ends_the_sweep(monkeypatch, tmp_path):
    begun = []

    def f(x):
        begun.append(x)
        time.sleep(0.001)
        return x

    def write(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_store.Place, "write", write)
    with pytest.raises(OSError, match="No space left"):
        threads(f, {"x": range(1000)}, store=tmp_path)
    assert len(begun) < 100
    assert list(content(tmp_path)) == ["sweep.json"]


def test_a_folder_that_workers_do_not_see_is_written_from_here(monkeypatch, tmp_path):
    monkeypatch.setattr(_store.Place, "seen", lambda _: 1 / 0)
    threads(sweeps.square, {"x": range(3)}, store=tmp_path)
    assert len(content(tmp_path)) == 4


# ---- Killed, and interrupted.


def wait_for(fact, patience=20.0):
    until = time.monotonic() + patience
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.005)


def lives(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def kill_and_resume(folder, n_points, n_kills, rng):
    """Kill a sweep again and again, check what it keeps, and return how many points that is each time."""
    log, store = folder / "log", folder / "store"
    finished = []
    for _ in range(n_kills):
        with subprocess.Popen(
            [sys.executable, "-c", "from tests.sweeps import program; program()", store, log, str(n_points)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as run:
            assert run.stdout.readline() == b"starts\n"
            wanted = len(sweeps.notes(log)[0]) + rng.randrange(12)
            wait_for(lambda: len(sweeps.notes(log)[0]) >= wanted)  # noqa: B023
            time.sleep(rng.uniform(0.0, 0.05))
            run.send_signal(signal.SIGKILL)
        workers = sweeps.notes(log)[1]
        wait_for(lambda: not any(map(lives, workers)))  # noqa: B023
        kept = len(list(store.glob("*.npz")))
        points, _ = sweeps.notes(log)
        assert kept == len(points) == len(set(points)), f"{len(points) - kept} points lost"
        finished.append(kept)
    return finished


def test_kill_9_loses_no_finished_point(tmp_path):
    finished = kill_and_resume(tmp_path, 100, 3, random.Random(1))
    assert 0 < finished[-1] < 100
    f = functools.partial(sweeps.noted, log=str(tmp_path / "log"))
    run = functools.partial(sweep.run, f, {"x": range(100)}, rng=5, executor=ThreadPoolExecutor(20))
    resumed = run(store=tmp_path / "store")
    assert sorted(sweeps.notes(tmp_path / "log")[0]) == list(range(100))
    assert resumed == run()


INTERRUPTED = """
import sys
from smbook import sweep
from tests import sweeps
if __name__ == "__main__":
    try:
        sweep.run(sweeps.slow, {"x": range(100)}, store=sys.argv[1], executor=eval(sys.argv[2]))
    except KeyboardInterrupt:
        print("heard", flush=True)
"""


def test_ctrl_c_is_heard_at_once_and_what_is_finished_is_kept(tmp_path):
    seconds, _ = interrupted(INTERRUPTED, str(tmp_path / "store"), "None")
    assert seconds < 1.5
    kept = {name for name in content(tmp_path / "store") if name.endswith(".npz")}
    assert kept == {f"{_values.key({'x': x})}.npz" for x in range(4)}


# ---- Progress, and the result.


def test_a_progress_bar_counts_what_was_there(capsys, tmp_path):
    threads(sweeps.square, {"x": range(3)}, store=tmp_path, progress=True)
    assert "3/3" in capsys.readouterr().err
    threads(sweeps.square, {"x": range(3)}, store=tmp_path, progress=True)
    assert "3/3" in capsys.readouterr().err
    threads(sweeps.square, {"x": range(9)}, store=tmp_path)
    assert capsys.readouterr() == ("", "")


def test_tables_have_the_shape_of_the_grid():
    def f(side, beta):
        if (side, beta) == (3, 0.4):
            raise ValueError
        return {"e": Estimate(side * beta, 0.1), "vector": np.full(2, side), "n": side, "word": "a"}

    logging.disable()
    result = threads(f, GRID)
    logging.disable(logging.NOTSET)
    products = np.array([[0.1 * 3, np.nan, 0.8 * 3], [0.1 * 5, 0.4 * 5, 0.8 * 5]])
    np.testing.assert_array_equal(result.table("e", "value"), products)
    np.testing.assert_array_equal(result.table("e", 0), products)
    np.testing.assert_array_equal(result.table("e")[..., 0], products)
    assert result.table("vector").shape == (2, 3, 2)
    np.testing.assert_array_equal(result.table("n"), [[3, np.nan, 3], [5, 5, 5]])
    for names, error, text in [
        (("energy",), KeyError, "no part 'energy'"), (("e", "mean"), KeyError, "no part 'mean'"),
        (("e", 2), KeyError, "no part 2"), (("n", 0), KeyError, "no part 0"),
        ((), ValueError, "holds numbers"), (("word",), ValueError, "a table holds numbers; got 'a'"),
    ]:  # fmt: skip
        with pytest.raises(error, match=text):
            result.table(*names)
    with pytest.raises(ValueError, match=r"one shape; got \[\(1,\), \(2,\)\]"):
        threads(lambda x: np.ones(x), {"x": [1, 2]}).table()
    whole = threads(lambda x: x > 1, {"x": [1, 2]})
    assert whole.table().tolist() == [False, True]
    assert whole.table().dtype == bool


def test_values_are_found_by_their_parameters(drawn):
    assert drawn.at(side=5, beta=0.4) is drawn.values[4]
    assert list(drawn.items()) == list(zip(drawn.parameters, drawn.values, strict=True))
    assert drawn.at(beta=np.float64(0.4), side=5.0) is drawn.values[4]
    for wanted in ({"side": 5}, {"side": 5, "beta": 0.3}, {"side": 5, "beta": 0.4, "field": 1}):
        with pytest.raises(KeyError, match=r"(no|3) points have \(side=5"):
            drawn.at(**wanted)
    assert pickle.loads(pickle.dumps(drawn)).at(side=5, beta=0.4)[1] == drawn.values[4][1]
    many = threads(lambda self, k: self + k, {"self": [0], "k": range(2000)})
    assert [many.at(self=0, k=k) for k in range(2000)] == list(many.values)


def test_results_are_equal_if_their_values_are(drawn):
    assert repr(drawn) == "Sweep(6 points, side (2) x beta (3))"
    assert drawn == pickle.loads(pickle.dumps(drawn))
    assert drawn != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(drawn)
    one = threads(sweeps.square, {"x": [1, 2]})
    for other in (threads(sweeps.square, {"x": [1, 3]}), threads(sweeps.square, {"x": [1.0, 2]})):
        assert one != other
    dtype = [("a", int), ("b", float)]
    pairs = [
        (np.array([(1, math.nan)], dtype)[0], np.array([(2, math.nan)], dtype)[0]),
        (complex(math.nan, 1), complex(math.nan, 2)),
        ({1: "a"}, {True: "a"}),
        (1, True),
        (np.arange(2), np.arange(2.0)),
        ([1], (1,)),
        ({"a": 1}, {"b": 1}),
        (np.arange(2), np.arange(3)),
    ]
    assert not any(_values.same(one, other) for one, other in pairs)

    def unknown():
        times = np.array(["NaT"], "M8[s]")
        return {
            "a": [math.nan, np.array([math.nan])],
            float("nan"): [times, times[0], np.array([(1, math.nan)], dtype)],
        }

    assert _values.same(unknown(), unknown())
