"""Run the notebooks that changed, side by side, where the build finds what they show.

`make pages` does this. The build takes executed notebooks from a cache and would run those that are not there
one after another. The cache knows a notebook by its code cells alone; here it is thrown away, too, as soon as
smbook or anything that is installed differs. `make notebooks` then stores what they printed in their files.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import distributions
from pathlib import Path

import nbformat
import psutil
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import ValidationError
from nbformat.reader import NotJSONError

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "_build" / ".jupyter_cache"  # where myst-nb looks
TIMEOUT = 300  # seconds a cell
WIDGET = "application/vnd.jupyter.widget-view+json"
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError, NotJSONError, ValidationError, OSError)
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def fingerprint(package=ROOT / "smbook"):
    """Condense what outputs depend on besides a notebook's code: the package, all versions, the Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(path for path in package.rglob("*") if path.is_file()):
        if "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(package)} {path.stat().st_size} ".encode() + path.read_bytes())
    for line in sorted(f"{package.name}=={package.version}" for package in distributions()):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def fresh_cache(folder=CACHE, package=ROOT / "smbook"):
    """Return the cache of executed notebooks, empty if damaged or if smbook or anything installed changed."""
    note, now = folder / "fingerprint", fingerprint(package)
    if not note.exists() or note.read_text() != now or not is_whole(folder):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(now)
    return get_cache(folder)


def is_whole(folder):
    """Tell whether a cache, which a killed run may have left half written, can be read."""
    try:
        cache = get_cache(folder)
        return all(cache.get_cache_bundle(record.pk) for record in cache.list_cache_records())
    except Exception:  # of the database, of the files, of what stands in them
        return False


def seconds_of_runs(folder):
    """Return how long each notebook in the cache ran, by its path; nothing if there is no cache."""
    records = get_cache(folder).list_cache_records() if (folder / "fingerprint").exists() else []
    return {record.uri: record.data["execution_seconds"] for record in sorted(records, key=lambda r: r.pk)}


def found(cache, notebook):
    """Return the executed notebook that the cache holds for this one, or None."""
    try:
        return cache.merge_match_into_notebook(notebook)[1]
    except KeyError:
        return None


def execute(path):
    """Run the notebook at `path` in a folder of its own; return it with its outputs, and the seconds."""
    notebook = nbformat.read(path, as_version=4)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        client = NotebookClient(
            notebook, timeout=TIMEOUT, coalesce_streams=True, record_timing=False, resources=where
        )
        asyncio.run(client.async_execute())
    return notebook, time.perf_counter() - start


def attempt(path):
    """Do as `execute`, but return what a notebook that fails says in the place of the notebook."""
    start = time.perf_counter()
    try:
        return execute(path)
    except FAILURES as error:
        return str(error), time.perf_counter() - start


def is_known(path, cache):
    """Tell whether the cache holds the notebook at `path`; one that cannot be read is not known."""
    try:
        return found(cache, nbformat.read(path, as_version=4)) is not None
    except FAILURES:
        return False


@contextlib.contextmanager
def end_of_kernels():
    """After Ctrl-C, which kernels in sessions of their own do not hear, end them; their notebooks fail."""
    try:
        yield
    except KeyboardInterrupt:
        for process in psutil.Process().children(recursive=True):
            process.kill()
        raise


def run(paths, cache, n_workers):
    """Run what the cache lacks, `n_workers` at a time, largest first; return the paths that failed."""
    outdated = [path for path in paths if not is_known(path, cache)]
    outdated.sort(key=lambda path: path.stat().st_size, reverse=True)
    failed = []
    with ThreadPoolExecutor(n_workers) as pool, end_of_kernels():
        for path, (result, seconds) in zip(outdated, pool.map(attempt, outdated), strict=True):
            name = os.path.relpath(path)
            if isinstance(result, str):
                failed.append(path)
                print(f"{name} FAILED after {seconds:.1f} s:\n{result}", file=sys.stderr, flush=True)
                continue
            bundle = CacheBundleIn(result, str(path), data={"execution_seconds": seconds})
            cache.cache_notebook_bundle(bundle, overwrite=True)
            print(f"ran {name} in {seconds:.1f} s", flush=True)
    return failed


def text_only(output):
    """Drop images and widgets from an output's data; the build draws every figure anew."""
    if "data" in output:
        drawn = [kind for kind in output.data if kind.startswith("image/") or kind == WIDGET]
        output.data = {kind: text for kind, text in output.data.items() if kind not in drawn}
        output.metadata = {}
    return output


def tidied(notebook):
    """Keep of an executed notebook what is the same on every machine."""
    notebook.metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [text_only(output) for output in cell.outputs]
    return notebook


def store(path, cache):
    """Write what the cached run of the notebook at `path` printed into its file."""
    nbformat.write(tidied(found(cache, nbformat.read(path, as_version=4))), path)
    print(f"stored {os.path.relpath(path)}")


def main():
    parser = argparse.ArgumentParser(description="Run the notebooks that changed, side by side.")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--store", action="store_true", help="write what they print into their files")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), metavar="N")
    options = parser.parse_args()
    paths, cache = [path.resolve() for path in options.notebooks], fresh_cache()
    failed = run(paths, cache, options.workers)
    if options.store:
        for path in paths:
            if path not in failed:
                store(path, cache)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
