"""Surfaces that go on from a file: broken off, killed, damaged, or of another model."""

import itertools
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from smbook.landscape import Loss, random_directions
from smbook.landscape.surface import surface
from tests.landscape.models import problem

ROOT = Path(__file__).parents[2]
NAMES = ("tanh", "batch norm")  # a stack of layers, and a model that is called point by point


def case(name="tanh", n_directions=2):
    loss = problem(name).loss()
    return loss, random_directions(loss, n_directions, rng=1)


def rows_in(path):
    with np.load(path) as file:
        return len(file["values"])


@pytest.mark.parametrize("n_directions", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_checkpoint_changes_no_value_beyond_rounding(name, n_directions, tmp_path):
    loss, rows = case(name, n_directions)
    plain = surface(loss, rows, n_points=5)
    kept = surface(loss, rows, n_points=5, checkpoint=tmp_path / "new" / "surface.npz")
    assert kept.values == pytest.approx(plain.values, rel=1e-13)
    assert kept.centre == plain.centre
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["surface.npz"]
    assert rows_in(tmp_path / "new" / "surface.npz") == 5


@pytest.mark.parametrize("stop", [1, 7, 12, 20])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_broken_off_loses_one_row_at_most_and_ends_in_the_same_bits(name, stop, tmp_path):
    """The loss is called point by point, so that what has been computed twice can be counted."""
    made, calls, limit = problem(name), itertools.count(), -1

    def counting(outputs, targets):
        if next(calls) == limit:
            raise KeyboardInterrupt
        return made.loss_function(outputs, targets)

    loss = Loss(made.model, counting, made.inputs, made.targets)
    rows, path = random_directions(loss, 2, rng=1), tmp_path / "surface.npz"
    for _ in range(2):  # the first may try what the loss can do
        start = next(calls)
        whole = surface(loss, rows, n_points=5, checkpoint=tmp_path / f"whole-{start}.npz")
    before = next(calls) - start - 26  # calls at the centre
    limit = start + 27 + 2 * before + stop
    with pytest.raises(KeyboardInterrupt):
        surface(loss, rows, n_points=5, checkpoint=path)
    done, start = rows_in(path), next(calls)
    assert done == stop // 5
    again = surface(loss, rows, n_points=5, checkpoint=path)
    assert again == whole
    assert next(calls) - start - 1 == before + 25 - 5 * done


def test_a_surface_that_is_there_is_only_read(tmp_path, monkeypatch):
    loss, rows = case()
    found = surface(loss, rows, n_points=5, checkpoint=str(tmp_path / "surface.npz"))
    monkeypatch.setattr("smbook.landscape._points.values", None)
    assert surface(loss, rows, n_points=5, checkpoint=tmp_path / "surface.npz") == found


def test_values_that_are_not_finite_are_kept_as_such(tmp_path):
    made, limit = problem("tanh"), torch.inf

    def jumping(outputs, targets):
        value = made.loss_function(outputs, targets)
        return torch.where(value > limit, torch.inf, value)

    loss = Loss(made.model, jumping, made.inputs, made.targets)
    rows = random_directions(loss, 2, rng=1)
    limit = float(np.quantile(surface(loss, rows, n_points=5).values, 0.6))
    for _ in range(2):
        with pytest.warns(UserWarning, match="not finite at 10 of 25 points"):
            found = surface(loss, rows, n_points=5, checkpoint=tmp_path / "surface.npz")
        assert np.isnan(found.values).sum() == 10


def changed(loss, rows):
    other = rows.copy()
    other[1, 3] += 1e-9
    return {
        "theta": {"theta": loss.parameters + 1e-9},
        "directions": {"directions": other},
        "axes": {"extent": 0.9},
        "axes ": {"n_points": (5, 7)},
    }


@pytest.mark.parametrize("what", ["theta", "directions", "axes", "axes "])
def test_the_file_of_another_surface_is_refused_with_what_differs(what, tmp_path):
    loss, rows = case()
    path = tmp_path / "surface.npz"
    surface(loss, rows, n_points=5, checkpoint=path)
    before = path.read_bytes()
    given = {"directions": rows, "n_points": 5} | changed(loss, rows)[what]
    with pytest.raises(ValueError, match=f"belongs to another surface: {what.strip()} differ"):
        surface(loss, **given, checkpoint=path)
    assert path.read_bytes() == before


def test_the_file_of_other_data_is_refused_with_both_losses(tmp_path):
    loss, rows = case()
    path, made = tmp_path / "surface.npz", problem("tanh")
    surface(loss, rows, n_points=5, checkpoint=path)
    other = Loss(made.model, made.loss_function, 1.001 * made.inputs, made.targets)
    with pytest.raises(ValueError, match=f"another loss: .* {loss():.9g} there and {other():.9g} here"):
        surface(other, rows, n_points=5, checkpoint=path)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_file_is_refused_and_left_alone(content, tmp_path):
    loss, rows = case()
    path = tmp_path / "surface.npz"
    surface(loss, rows, n_points=5, checkpoint=path)
    content = path.read_bytes()[:-100] if content is None else content
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"surface\.npz is no surface that was saved"):
        surface(loss, rows, n_points=5, checkpoint=path)
    assert path.read_bytes() == content
    with pytest.raises(ValueError, match="must be a file; got the folder"):
        surface(loss, rows, n_points=5, checkpoint=tmp_path)


KILLED = """
import sys, time, torch
from smbook.landscape import random_directions
from smbook.landscape.surface import surface
from tests.landscape.models import problem

made = problem("batch norm")
def slow(outputs, targets):
    time.sleep(0.002)
    return made.loss_function(outputs, targets)

from smbook.landscape import Loss
loss = Loss(made.model, slow, made.inputs, made.targets)
print("begins", flush=True)
surface(loss, random_directions(loss, 2, rng=1), n_points=31, checkpoint=sys.argv[1])
"""


def test_a_surface_that_is_killed_at_random_moments_goes_on_to_the_same_bits(tmp_path):
    """kill -9, twice, once two more rows are there; leftovers of what was written are no surfaces."""
    path, loss, rows = tmp_path / "surface.npz", *case("batch norm")
    command = [sys.executable, "-c", KILLED, str(path)]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    done = 0
    for _ in range(2):
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            while not path.exists() or rows_in(path) < done + 2:
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert done + 2 <= rows_in(path) < 31
        done = rows_in(path)
    found = surface(loss, rows, n_points=31, checkpoint=path)
    assert found == surface(loss, rows, n_points=31, checkpoint=tmp_path / "whole.npz")
