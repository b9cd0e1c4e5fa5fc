"""Pieces of work on all cores: each is done once, errors come out, and no thread is left behind."""

import os
import threading
import time

import pytest

from smbook import _pool


@pytest.fixture(params=[1, 2, 5], ids="{} cores".format)
def cores(request, monkeypatch):
    monkeypatch.setattr(_pool, "_cores", lambda: request.param)
    return request.param


@pytest.mark.parametrize("count", [1, 2, 3, 20])
def test_every_piece_is_done_once_in_each_round(cores, count):
    with _pool.over(count) as each:
        for _ in range(3):
            done = []
            each(done.append)
            assert sorted(done) == list(range(count))
            assert done == sorted(done) or cores > 1


def test_pieces_run_side_by_side_on_as_many_threads_as_there_are_cores(cores):
    """Each waits for all others of its row, which only threads at once can meet."""
    meet, names = threading.Barrier(cores), set()

    def work(_piece):
        meet.wait(timeout=30)
        names.add(threading.get_ident())

    with _pool.over(3 * cores) as each:
        each(work)
    assert len(names) == cores


def test_one_piece_or_one_core_makes_no_thread(monkeypatch):
    for count, cores in ((1, 8), (5, 1)):
        monkeypatch.setattr(_pool, "_cores", lambda cores=cores: cores)
        names = set()
        with _pool.over(count) as each:
            each(lambda _, names=names: names.add(threading.get_ident()))
        assert names == {threading.get_ident()}


@pytest.mark.usefixtures("cores")
def test_an_error_comes_out_and_pieces_that_have_not_begun_are_dropped():
    done = []

    def work(piece):
        if piece == 0:
            raise OSError("piece 0")
        time.sleep(0.01)
        done.append(piece)

    with pytest.raises(OSError, match="piece 0"), _pool.over(1000) as each:
        each(work)
    assert len(done) < 500


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_no_thread_is_left_behind(error):
    def work(piece):
        if piece == 3:
            raise error

    before = threading.active_count()
    with _pool.over(10) as each:
        each(lambda _: None)
    assert threading.active_count() == before
    with pytest.raises(error), _pool.over(10) as each:
        each(work)
    assert threading.active_count() == before


def test_many_small_pieces_cost_little(monkeypatch):
    """A task for each took a third of a millisecond; here 20,000 pieces may take a second in all."""
    monkeypatch.setattr(_pool, "_cores", lambda: 2)
    start = time.process_time()
    with _pool.over(20_000) as each:
        each(lambda _: None)
    assert time.process_time() - start < 1


def test_as_many_cores_count_as_this_process_may_use(monkeypatch):
    assert 1 <= _pool._cores() <= os.cpu_count()
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)  # as on macOS and Windows
    assert _pool._cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert _pool._cores() == 1
