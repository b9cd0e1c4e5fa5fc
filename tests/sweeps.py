"""Functions that tests sweep over, where worker processes find them, and a sweep as a program of its own."""

from __future__ import annotations

import functools
import os
import sys
import threading
import time
from typing import NamedTuple

import numpy as np

from smbook import _pool, sweep


class Measured(NamedTuple):
    mean: float
    spread: np.ndarray


def square(x):
    return x * x


def draw(side, beta, rng):
    """Return something of each kind, of random numbers."""
    numbers = rng.standard_normal(side)
    return Measured(float(beta * numbers.sum()), np.array([numbers.std(), np.nan])), {"first": numbers[0]}


def noted(x, rng, log):
    """Note that a point is finished as its last deed; some take longer than others."""
    value = rng.random(3)
    time.sleep(0.02 + 0.03 * value[0])
    note(log, x)
    return value


def note(log, x):
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(file, f"{x} {os.getpid()}\n".encode())
    os.close(file)


def notes(log):
    """Return the points that were noted, and the processes that did it."""
    lines = [line.split() for line in log.read_text().splitlines()] if log.exists() else []
    return [int(x) for x, _ in lines], {int(pid) for _, pid in lines}


def fails(x):
    if x % 3 == 2:
        raise ArithmeticError(f"no {x}")
    return x


def dies(x):
    time.sleep(0.02)
    if x == 2:
        os._exit(9)
    return x


def surroundings(x):
    return os.getpid(), _pool._cores(), os.environ.get("OMP_NUM_THREADS"), x


def stays(x):
    """Leave a thread that keeps the process from ending."""
    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid(), x


def unsendable(x):
    return x if x else threading.Lock()


def slow(x):
    if x == 4:
        print("starts", flush=True)
    time.sleep(0.02 if x < 4 else 60)
    return x


def program():
    folder, log, n = sys.argv[1:]
    print("starts", flush=True)
    sweep.run(functools.partial(noted, log=log), {"x": range(int(n))}, rng=5, store=folder)
