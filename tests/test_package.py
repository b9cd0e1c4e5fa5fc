"""The package by itself: what its wheel holds, and that it works in a clean place without the repository."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
MAX_IMPORT_SECONDS = 0.1

SHORT_RUN = """
import importlib
import pkgutil
import sys
from pathlib import Path
import smbook
assert Path(smbook.__file__).is_relative_to(sys.prefix), smbook.__file__
for module in pkgutil.walk_packages(smbook.__path__, "smbook."):
    if "landscape" not in module.name and module.name != "smbook.diffusion.networks":
        importlib.import_module(module.name)
from smbook import ising, statistics
from smbook.theory import ising as theory
trace = ising.simulate((16, 16), 0.3, 4000, rng=1, progress=True)
estimate = statistics.mean(trace.energy[400:])
z = estimate.z(theory.kaufman((16, 16), 0.3).energy)
assert abs(z) < 4, z
assert "torch" not in sys.modules
print("works")
"""

# numpy, matplotlib and scikit-learn come first: what smbook's modules change in them must be seen, and what
# scikit-learn itself puts into the environment, for the threads of OpenMP, is not smbook's.
NO_SIDE_EFFECT = """
import os
import matplotlib, numpy as np, sklearn
def state():
    kind, keys, *rest = np.random.get_state()
    return kind, keys.tobytes(), rest, dict(matplotlib.rcParams), np.geterr(), dict(os.environ)
before = state()
import smbook
for name in smbook.__all__:
    getattr(smbook, name)
assert state() == before
"""


WITHOUT_TORCH = """
from importlib.machinery import PathFinder
found = PathFinder.find_spec
PathFinder.find_spec = lambda name, *place: None if name == "torch" else found(name, *place)
from smbook import *
import smbook
assert "landscape" not in dir(smbook)
try:
    smbook.landscape
except ImportError as error:
    print(error)
from smbook.diffusion import *
assert nearest([[0.0]], [[1.0]]).distances == [1.0]
assert not {"ScoreNetwork", "ScoreTraining", "train_score"} & {*smbook.diffusion.__all__}
for name in ("ScoreNetwork", "train_score"):
    try:
        getattr(smbook.diffusion, name)
    except ImportError as error:
        print(error)
"""


def run(*command, cwd, **options):
    """Run a command away from the repository and return what it prints; show its errors when it fails."""
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=env, capture_output=True, text=True, **options)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def python(code, *, cwd, executable=sys.executable):
    """Run `code` in a fresh interpreter that does not see the current folder."""
    return run(executable, "-I", "-c", code, cwd=cwd).strip()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """Copy the files that git knows, or would take, to a repository of their own with one commit."""
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout: the installation from a git address and the wheel were NOT tested")
    folder = tmp_path_factory.mktemp("checkout")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT)
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run("git", "init", "--quiet", cwd=folder)
    run("git", "add", "--all", cwd=folder)
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    run("git", *who, "commit", "--quiet", "--message", "all", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def wheel(checkout, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, checkout, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


def plainly_required(requirements):
    """Keep what is required without an extra, on this machine."""
    return [r for r in requirements if r.marker is None or r.marker.evaluate({"extra": ""})]


def closure(requirements):
    """Return the installed distributions that these requirements ask for, directly or not, by their names."""
    found, waiting = {}, plainly_required(requirements)
    while waiting:
        requirement = waiting.pop()
        installed = distribution(requirement.name)
        assert requirement.specifier.contains(installed.version, prereleases=True), requirement
        if installed.name not in found:
            found[installed.name] = installed
            waiting += plainly_required(map(Requirement, installed.requires or []))
    return found


def lend(installed, site):
    """Link the files of an installed distribution into the folder `site`."""
    for top in {file.parts[0] for file in installed.files} - {"..", "__pycache__", "bin"}:
        if not (site / top).exists():
            (site / top).symlink_to(installed.locate_file(top))


def environment(folder, wheel, requirements):
    """Make an environment of a wheel and what is required, lent from here: installing takes minutes."""
    venv.create(folder, with_pip=False)
    (site,) = folder.glob("lib/python*/site-packages")
    for installed in closure(requirements).values():
        lend(installed, site)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    run(*pip, "--target", site, wheel, cwd=folder)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def requirements(metadata):
    return [Requirement(text) for text in metadata.get_all("Requires-Dist")]


@pytest.mark.wheel
def test_the_wheel_works_with_what_it_requires_and_nothing_else(wheel, requirements, tmp_path):
    executable = environment(tmp_path / "venv", wheel, requirements)
    assert python(SHORT_RUN, cwd=tmp_path, executable=executable) == "works"


@pytest.mark.wheel
def test_a_requirement_left_out_or_a_module_left_behind_is_seen(wheel, requirements, tmp_path):
    fewer = [requirement for requirement in requirements if requirement.name != "tqdm"]
    executable = environment(tmp_path / "venv", wheel, fewer)
    with pytest.raises(AssertionError, match="No module named 'tqdm'"):
        python(SHORT_RUN, cwd=tmp_path, executable=executable)
    (site,) = (tmp_path / "venv").glob("lib/python*/site-packages")
    lend(distribution("tqdm"), site)
    (site / "smbook" / "_checks.py").unlink()
    with pytest.raises(AssertionError, match="cannot import name '_checks'"):
        python(SHORT_RUN, cwd=tmp_path, executable=executable)


def imported(path):
    """Name the packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.partition(".")[0]


# Part of how the package on the right is used, which therefore will go on to bring it.
BROUGHT = {"cycler": "matplotlib", "llvmlite": "numba", "traitlets": "anywidget"}


def undeclared(folder, requirements):
    """List what the files of `folder` import though no requirement, of an extra neither, names it."""
    declared = {requirement.name.lower() for requirement in requirements} | set(BROUGHT)
    given = {*sys.stdlib_module_names, "smbook"}
    names = {name for path in folder.rglob("*.py") for name in imported(path)} - given
    providers = packages_distributions()
    return [name for name in sorted(names) if not declared & {p.lower() for p in providers.get(name, [name])}]


@pytest.mark.wheel
def test_every_import_is_declared(requirements, tmp_path):
    """What another package brings along can be imported, until that package no longer does."""
    assert undeclared(ROOT / "smbook", requirements) == []
    for name, package in BROUGHT.items():
        assert name in closure([r for r in requirements if r.name == package])
    (tmp_path / "module.py").write_text("def later():\n    import dateutil\n    from numpy import linalg\n")
    assert undeclared(tmp_path, requirements) == ["dateutil"]


@pytest.mark.wheel
def test_it_installs_from_a_git_address(checkout, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    run(*pip, "--target", tmp_path / "site", f"git+{checkout.as_uri()}", cwd=tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r}); import smbook; print(smbook.__file__)"
    )
    assert Path(python(code, cwd=tmp_path)).is_relative_to(tmp_path / "site")


@pytest.mark.wheel
def test_the_wheel_holds_the_package_and_nothing_else(checkout, wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"smbook"}
    assert "smbook/py.typed" in names
    assert not any("__pycache__" in name for name in names)
    files = (path for path in (checkout / "smbook").rglob("*") if path.is_file())
    assert {path.relative_to(checkout).as_posix() for path in files} <= set(names)


@pytest.mark.wheel
def test_heavy_tools_are_extras(requirements):
    plain = {requirement.name for requirement in requirements if requirement.marker is None}
    assert plain == {"anywidget", "matplotlib", "numba", "numpy", "scikit-learn", "scipy", "tqdm"}
    torch = [requirement for requirement in requirements if requirement.name == "torch"]
    for extra, wanted in {"": False, "test": False, "landscape": True, "book": True}.items():
        assert any(requirement.marker.evaluate({"extra": extra}) for requirement in torch) == wanted


@pytest.mark.wheel
def test_the_wheel_says_which_python_it_needs(metadata):
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"


def test_constraints_name_no_place():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(pin.url is None and str(pin.specifier).startswith("==") for pin in pins)
    assert not any("+" in str(pin.specifier) for pin in pins)
    assert len({pin.name.lower().replace("_", "-") for pin in pins}) == len(pins)


def test_import_is_quick(tmp_path):
    code = "import time; start = time.perf_counter(); import smbook; print(time.perf_counter() - start)"
    assert min(float(python(code, cwd=tmp_path)) for _ in range(7)) < MAX_IMPORT_SECONDS


def test_import_loads_nothing_heavy(tmp_path):
    heavy = {"numba", "scipy", "sklearn", "matplotlib", "torch", "tqdm", "IPython"}
    loaded = python("import sys, smbook; print(*sys.modules)", cwd=tmp_path).split()
    assert heavy.isdisjoint(loaded)


def test_no_module_has_a_side_effect(tmp_path):
    python(NO_SIDE_EFFECT, cwd=tmp_path)


def test_without_torch_what_needs_it_says_what_to_install(tmp_path):
    told = python(WITHOUT_TORCH, cwd=tmp_path).splitlines()
    names = ["smbook.landscape", "smbook.diffusion.ScoreNetwork", "smbook.diffusion.train_score"]
    for name, line in zip(names, told, strict=True):
        assert line.startswith(f'{name} needs PyTorch: pip install "smbook[landscape]". ')


def test_diffusion_loads_torch_only_for_what_learns(tmp_path):
    code = "import sys, smbook.diffusion as d; print('torch' in sys.modules, {*d.__all__} <= {*dir(d)})"
    assert python(code, cwd=tmp_path) == "False True"


def test_unknown_attribute_is_refused():
    import smbook

    assert set(smbook.__all__) == set(dir(smbook))
    with pytest.raises(AttributeError, match="no attribute 'spin'"):
        _ = smbook.spin
