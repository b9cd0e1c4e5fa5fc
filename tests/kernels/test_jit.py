"""Kernels where nothing can be written, where the cache is damaged, in a zip file, and without numba."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numba
import pytest

from smbook.ising import simulate
from smbook.kernels._jit import kernel

ROOT = Path(__file__).parents[2]
ALGORITHMS = ("heat-bath", "metropolis", "wolff", "swendsen-wang")
RUN = f"""
from smbook.ising import simulate
traces = [simulate((4, 5), 0.4, 20, algorithm=algorithm, rng=3) for algorithm in {ALGORITHMS}]
print(*(value for trace in traces for value in trace.energy.tolist()))
"""
LAYERS = """
from smbook.boltzmann import RBM
rows = [[1, 0, 1, 1, 0], [0, 0, 1, 1, 0], [1, 1, 1, 0, 0]]
for method in ("tempered", "exact"):
    for hidden in ("binary", "spin", "gaussian"):
        options = dict(hidden=hidden, method=method, n_chains=3, n_temperatures=3, n_epochs=2)
        machine = RBM(2, rng=3, dtype="float64", **options).fit(rows)
        print(*machine.weights_.ravel().tolist(), *machine.history_.log_likelihood.tolist())
        print(machine.log_partition("annealed", n_chains=3, betas=4, rng=1).value)
"""
SHORT = """
import numpy as np
from smbook import ising
from smbook.kernels.rng import seed_state
print(ising.energy(np.ones((4, 6), dtype=np.int8), field=0.5), *seed_state(0))
"""
PRINTED = "-2.5 16294208416658607535 7960286522194355700 487617019471545679 17909611376780542444"


def printed(code, *, path, **environment):
    """Run `code` in a fresh interpreter that finds the package at `path`, and return what it prints."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=kept | {"PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        cwd=path.parent,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.fixture
def package(tmp_path):
    """Copy the package to a place of its own, without what is compiled."""
    shutil.copytree(
        ROOT / "smbook", tmp_path / "site" / "smbook", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path / "site"


def test_where_nothing_can_be_written_kernels_are_compiled_without_a_cache(package, tmp_path):
    """A file stands in the way of each folder that numba would make: root, too, cannot write there."""
    in_the_way = tmp_path / "file"
    in_the_way.touch()
    folders = [path for path in (package / "smbook").rglob("*") if path.is_dir()]
    for folder in (package / "smbook", *folders):
        (folder / "__pycache__").touch()
    nowhere = {name: str(in_the_way / "x") for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "HOME")}
    before = sorted(tmp_path.rglob("*"))
    assert printed(SHORT, path=package, **nowhere) == PRINTED
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["smbook.zip", "smbook.pyz"])
def test_a_zipped_package_works(package, tmp_path, name):
    archive = tmp_path / name
    with zipfile.ZipFile(archive, "w") as zipped:
        for path in package.rglob("*"):
            zipped.write(path, path.relative_to(package))
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert printed(SHORT, path=archive, **cache) == PRINTED


def test_without_compilation_python_gives_the_same_bits():
    traces = [simulate((4, 5), 0.4, 20, algorithm=algorithm, rng=3) for algorithm in ALGORITHMS]
    compiled = [value for trace in traces for value in trace.energy.tolist()]
    words = printed(RUN, path=ROOT, NUMBA_DISABLE_JIT="1").split()
    assert [float(word) for word in words] == compiled


def test_without_compilation_restricted_machines_learn_the_same():
    """Their products of matrices are NumPy's in both cases."""
    words = printed(LAYERS, path=ROOT, NUMBA_DISABLE_JIT="1").split()
    assert words == printed(LAYERS, path=ROOT).split()


# A damaged cache

SOURCE = """
from smbook.kernels import kernel

@kernel
def twice(x):
    return 2 * x
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Return a function that imports one kernel anew, as a further process would, with a cache on disk."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "doubling.py"
    path.write_text(SOURCE)

    def imported():
        spec = importlib.util.spec_from_file_location("doubling", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.twice

    return imported


def hits(function):
    return sum(function.stats.cache_hits.values())


def flipped(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda _: b"",
    "cut": lambda content: content[: len(content) // 2],
    "flipped": flipped,
    "foreign": lambda content: b"no pickle" + content,
    "appended": lambda content: content + b"x",
}


def test_a_kernel_is_kept_on_disk(load):
    for expected_hits in (0, 1):
        function = load()
        assert function(3) == 6
        assert hits(function) == expected_hits


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_cache_is_written_anew(load, tmp_path, suffix, damage):
    assert load()(3) == 6
    (file,) = (tmp_path / "cache").rglob(f"*.{suffix}")
    file.write_bytes(DAMAGES[damage](file.read_bytes()))
    assert load()(3) == 6
    again = load()
    assert again(3) == 6
    assert hits(again) == 1


def test_a_cache_that_can_no_longer_be_written_is_done_without(load, tmp_path):
    function = load()
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").touch()
    assert function(3) == 6
    assert function(1.5) == 3.0
    assert load()(3) == 6


def test_a_full_disk_is_no_obstacle(load, monkeypatch):
    function = load()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(function._cache._cache_file), "_save_data", full)
    assert function(3) == 6


def test_the_decorator_takes_what_numba_takes():
    assert kernel(lambda x: x + 1)(1) == 2
