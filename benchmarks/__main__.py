"""Run benchmarks and keep what they find, in `benchmarks/results/`, a file each.

All of them, or those named: the files of the others stay as they are. With `--quick` everything is done once
and briefly, to try whether the code runs, and nothing is kept.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys

# One thread each, unless a benchmark says otherwise; before anything is loaded that counts them.
os.environ |= dict.fromkeys(("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

NAMES = {
    "lattice": "flip attempts per ns on the square lattice",
    "clusters": "sites per ns of Wolff and Swendsen-Wang",
    "start": "seconds of a first call, compiled anew and from the disk",
    "page": "flip attempts per ns of the kernels in a page (needs Chromium)",
    "first_visit": "what a first visit to the book costs (needs Chromium and the built book)",
    "network": "updates per microsecond with couplings between all spins",
    "hopfield": "storing and recalling patterns",
    "boltzmann": "learning and ln Z of a restricted machine",
    "landscape": "products with a Hessian, traces, surfaces",
    "margin": "the largest margin",
}


def main(arguments: list[str] | None = None) -> None:
    """Run the benchmarks that are named, or all."""
    listed = "\n".join(f"  {name:12} {words}" for name, words in NAMES.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Run benchmarks and keep what they find in benchmarks/results/.\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", metavar="benchmark", help="which, of those above; all if left out"
    )
    parser.add_argument("--quick", action="store_true", help="try whether the code runs, and keep nothing")
    options = parser.parse_args(arguments)
    if unknown := [name for name in options.names if name not in NAMES]:
        parser.error(f"no benchmark {', '.join(unknown)}")
    for name in options.names or NAMES:
        _run(name, quick=options.quick)


def _run(name: str, *, quick: bool) -> None:
    from benchmarks import results, timing

    if quick:
        timing.hurry()
    module = importlib.import_module(f"benchmarks.{name}")
    before = os.getloadavg()
    tables = []
    for table in module.measure():
        print(results.markdown([table]), end="\n\n", flush=True)
        tables.append(table)
    measured = results.machine(module.PACKAGES, before)
    measured["versions"] |= module.versions() if hasattr(module, "versions") else {}
    print(results.sentence(measured), end="\n\n")
    if not quick:
        print(f"Kept in {results.save(name, tables, measured).name}.", end="\n\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
