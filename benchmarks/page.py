"""Flip attempts per nanosecond of the kernels as a page runs them: kernels.wasm in headless Chromium."""

from __future__ import annotations

import base64
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from benchmarks import timing
from benchmarks.first_visit import versions
from benchmarks.timing import Code
from smbook.widgets import _modules
from tests.browser import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.results import Table

__all__ = ["PACKAGES", "measure", "versions"]

PACKAGES = ("smbook", "playwright")
ROUNDS = 5
SECONDS = 0.3  # of a run, so that the way into the page and back is nothing beside it
SIDES = (64, 512)

# Each code makes n sweeps of a lattice at beta = 0.44.
BEGIN = """async (bytes) => {
    const modules = {};
    %s
    const module = await WebAssembly.compile(Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0)));
    const { Magnet } = modules["ising_lab.js"];
    const plain = (algorithm, size) => {
        const magnet = new Magnet(module, { size, seed: 1, initial: "up" });
        magnet.obey({ temperature: 1 / 0.44, field: 0, algorithm });
        const bonds = magnet.kernels.part(magnet.noted.bonds, 1);
        const sums = magnet.kernels.part(magnet.noted.sums, 1);
        return (n) => magnet.advance(n, bonds, sums);
    };
    return (size) => {
        globalThis.codes = {
            "Metropolis, plain": plain("metropolis", size),
            "heat bath, plain": plain("heat-bath", size),
        };
        return Object.keys(codes);
    };
}"""


def _script() -> str:
    modules = _modules.joined(_modules.ordered("ising_lab.js"))
    return BEGIN % modules.replace("class Magnet {", "exported.Magnet = class Magnet {", 1)


def measure() -> Iterator[Table]:
    """Yield a table of the kernels that pages have."""
    kernels = resources.files("smbook.widgets").joinpath("kernels.wasm").read_bytes()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()

        def run(name: str, n: int) -> None:
            page.evaluate("([name, n]) => void codes[name](n)", [name, n])

        make = page.evaluate_handle(_script(), base64.b64encode(kernels).decode())
        for side in SIDES:
            codes = {}
            for name in page.evaluate("([make, size]) => make(size)", [make, side]):
                n = timing.fitted(partial(run, name), SECONDS)
                codes[name] = Code(partial(run, name, n), float(n * side**2))
            yield timing.rates("In a page", codes, "attempts per ns", rounds=ROUNDS, column=f"L = {side}")
        browser.close()
