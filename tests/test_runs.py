"""Runs in short calls: every step is made once, no call lasts, and what shows progress leaves nothing."""

import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook import _runs
from smbook.ising import simulate
from tests.interrupts import interrupted

LONGEST_CALL = 0.5  # seconds of the processor; some four times what is aimed at


class Paces:
    """A pace that follows a plan, and then goes on at its last."""

    def __init__(self, plan):
        self.plan = plan

    @property
    def steps(self):
        return self.plan.pop(0) if len(self.plan) > 1 else self.plan[0]


@given(
    n_steps=st.integers(0, 60),
    every=st.integers(1, 70),
    plan=st.lists(st.integers(1, 40), min_size=1, max_size=30),
)
def test_however_a_run_is_parted_its_entries_are_complete_and_its_steps_are_made(n_steps, every, plan):
    made, entries = 0, []
    for call in _runs.calls(n_steps, every, Paces(plan)):
        width = call.entries.stop - call.entries.start
        assert width == 1 or call.steps == every
        made += call.steps * width
        if call.complete:
            entries += range(call.entries.start, call.entries.stop)
            assert made == len(entries) * every
        else:
            assert call.entries.start == len(entries)
    assert made == n_steps
    assert entries == list(range(n_steps // every))


def test_a_pace_grows_to_what_fits_and_falls_at_once():
    pace = _runs.Pace(updates=100)
    paces = []
    for _ in range(9):
        paces.append(pace.steps)
        pace.note(pace.steps, pace.steps * 1e-5)
    assert paces == [1, 4, 16, 64, 256, 1024, 4096, 10_000, 10_000]
    pace.note(10_000, 10.0)
    assert pace.steps == 100
    pace.note(100, 1e9)
    assert pace.steps == 1


def test_a_pace_is_bounded_by_the_work_however_fast_it_goes():
    pace = _runs.Pace(updates=_runs.UPDATES_PER_CALL // 5)
    for _ in range(9):
        pace.note(pace.steps, 0.0)
    assert pace.steps == 5
    assert _runs.Pace(updates=10**12).steps == 1


@pytest.mark.parametrize(
    ("algorithm", "beta", "initial", "n_sweeps"),
    [
        ("heat-bath", 0.4, "random", 30),
        ("metropolis", 0.4, "random", 30),
        ("swendsen-wang", 0.4, "random", 10),
        ("wolff", 1e-4, "random", 2),
        ("wolff", 0.3, "random", 2),
        ("wolff", 0.4, "up", 1),  # the first clusters are larger than any that follow
        ("wolff", 0.6, "up", 20),
    ],
)
def test_no_call_of_a_kernel_lasts(algorithm, beta, initial, n_sweeps, monkeypatch):
    """Ctrl-C is heard between calls; two sweeps of hot clusters in one took half a second to several."""
    lasted, note = [], _runs.Pace.note
    monkeypatch.setattr(_runs, "time", SimpleNamespace(perf_counter=time.thread_time))
    monkeypatch.setattr(
        _runs.Pace, "note", lambda pace, n, seconds: [lasted.append(seconds), note(pace, n, seconds)]
    )
    simulate((4, 4), 0.3, 9, algorithm=algorithm, rng=1)  # compiles
    lasted.clear()
    simulate((1000, 1000), beta, n_sweeps, algorithm=algorithm, initial=initial, rng=1)
    assert max(lasted) < LONGEST_CALL


INTERRUPTED = """
from smbook.ising import simulate
simulate((4, 4), 0.1, 9, algorithm="wolff", rng=1)
print("starts", flush=True)
try:
    simulate((3000, 3000), 1e-4, 1000, algorithm="wolff", rng=1)
except KeyboardInterrupt:
    print("heard", flush=True)
"""


def test_ctrl_c_is_heard_at_once_in_hot_clusters():
    seconds, _ = interrupted(INTERRUPTED)
    assert seconds < 1.5


SPAWNS = """
import multiprocessing, os
from smbook.ising import simulate

def work():
    simulate((4, 4), 0.3, 10, rng=1)
    os._exit(7)  # as a worker that its pool terminates

if __name__ == "__main__":
    worker = multiprocessing.get_context("spawn").Process(target=work)
    worker.start()
    worker.join()
    print(worker.exitcode)
"""


def test_a_spawned_worker_leaves_no_semaphore(tmp_path):
    """tqdm makes a lock for any bar, even one that is not shown, which such a worker never gives back."""
    script = tmp_path / "spawns.py"
    script.write_text(SPAWNS)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("7\n", "")


def test_a_progress_bar_is_drawn_on_the_error_stream_only(capsys):
    simulate((4, 4), 0.3, 25, thin=10, progress=True, rng=1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "25/25" in shown.err
    simulate((4, 4), 0.01, 25, thin=10, algorithm="wolff", progress=True, rng=1)
    assert "25/25" in capsys.readouterr().err
    simulate((4, 4), 0.3, 25, rng=1)
    assert capsys.readouterr() == ("", "")


def test_progress_that_nobody_can_see_is_no_error(monkeypatch, tmp_path):
    """Python has no standard error stream under pythonw, and services close it."""
    expected = simulate((4, 4), 0.3, 25, rng=1).energy.tolist()
    with (tmp_path / "closed").open("w") as closed:
        pass
    for stream in (None, closed):
        monkeypatch.setattr(sys, "stderr", stream)
        assert simulate((4, 4), 0.3, 25, progress=True, rng=1).energy.tolist() == expected
