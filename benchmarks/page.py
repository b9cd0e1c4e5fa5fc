"""Flip attempts per nanosecond of the kernels as a page runs them: kernels.wasm in headless Chromium.

Arrays are made here as the simulators make them, and sent to an empty page. What a kernel notes there after
its first sweeps is to be what it notes here, bit for bit.
"""

from __future__ import annotations

import base64
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from playwright.sync_api import sync_playwright

from benchmarks import timing
from benchmarks.first_visit import versions
from benchmarks.timing import Code
from smbook.ising import _model, _multispin, _plain
from smbook.kernels import multispin
from smbook.kernels.rng import seed_state
from smbook.widgets import _modules, compiler
from tests.browser import CHROMIUM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Page

    from benchmarks.results import Table

__all__ = ["PACKAGES", "measure", "versions"]

PACKAGES = ("smbook", "playwright")
ROUNDS = 5
SECONDS = 0.3  # of a run, so that the way into the page and back is nothing beside it
SIDES = (64, 512)
BETA = 0.44
SEED = 1

BEGIN = """async (bytes) => {
    const modules = {};
    %s
    const { Kernels } = modules["runtime/kernels.js"];
    const decoded = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const module = await WebAssembly.compile(decoded(bytes));
    globalThis.codes = {};
    return ([name, kernel, before, after, room]) => {
        const kernels = new Kernels(module, room);
        const made = (value) => {
            if (value === null || typeof value !== "object") return value;
            const array = kernels.array(value.type, ...value.shape);
            new Uint8Array(kernels.memory.buffer, array.address).set(decoded(value.bytes));
            return array;
        };
        const first = before.map(made), last = after.map(made);
        codes[name] = (n) => {
            kernels.run[kernel](...first, n, ...last);
            return last.map(({ data }) => Array.from(data, Number));
        };
    };
}"""


class Call(NamedTuple):
    """A kernel, its arguments before the number of sweeps, those behind, where it notes, and its sites."""

    kernel: Callable[..., None]
    before: tuple[Any, ...]
    after: tuple[Any, ...]
    sites: int


def _lanes(side: int, algorithm: str) -> Call:
    model = _model.checked_model((side, side), BETA, 1.0, 0.0)
    betas = np.linspace(0.3, 0.6, multispin.LANES)
    found = _multispin.arrays(model, _multispin.lanes(model.sides), algorithm, betas, seed_state(SEED))
    multispin.randomize_lanes(found.words, found.grid, found.work)
    noted = tuple(np.zeros((2, 1, multispin.LANES), dtype=np.int64))
    before = (found.words, found.parities, found.grid, found.crossings, found.bath, found.work)
    return Call(multispin.run_square_lanes, before, noted, multispin.LANES * side**2)


def _single(side: int, algorithm: str) -> Call:
    model = _model.checked_model((side, side), BETA, 1.0, 0.0)
    make = _plain.metropolis if algorithm == "metropolis" else _plain.heat_bath
    kernel = make(model)(np.ones(side**2, dtype=np.int8), seed_state(SEED)).kernel
    return Call(kernel.func, kernel.args, tuple(np.zeros((2, 1), dtype=np.int64)), side**2)


CALLS: dict[str, Callable[[int], Call]] = {
    "64 temperatures, Metropolis": partial(_lanes, algorithm="metropolis"),
    "64 temperatures, heat bath": partial(_lanes, algorithm="heat-bath"),
    "plain, Metropolis": partial(_single, algorithm="metropolis"),
    "plain, heat bath": partial(_single, algorithm="heat-bath"),
}


def _sent(value: Any) -> Any:
    """Return an argument as a page takes it: whole numbers beyond its own as text."""
    if not isinstance(value, np.ndarray):
        return value.item() if abs(int(value)) < 2**53 else str(value)
    content = base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()
    return {"type": value.dtype.name, "shape": list(value.shape), "bytes": content}


def _code(page: Page, begin: Any, name: str, call: Call) -> Code:
    """Return the code of a kernel in the page, which has been seen to do there what it does here."""
    exported = {kernel: key for key, (kernel, *_) in compiler.EXPORTS.items()}[call.kernel]
    arguments = (*call.before, *call.after)
    room = sum(value.nbytes + 16 for value in arguments if isinstance(value, np.ndarray))
    before, after = ([_sent(value) for value in part] for part in (call.before, call.after))
    page.evaluate("([begin, call]) => begin(call)", [begin, [name, exported, before, after, room]])

    def run(n: int) -> Any:
        return page.evaluate("([name, n]) => codes[name](n)", [name, n])

    there = run(3)
    call.kernel(*call.before, 3, *call.after)
    if there != [noted.ravel().tolist() for noted in call.after]:
        raise RuntimeError(f"{name}: the page and numba do not agree")
    n = timing.fitted(run, SECONDS)
    return Code(partial(run, n), float(n * call.sites))


def measure() -> Iterator[Table]:
    """Yield a table for each size, of the kernels that pages have."""
    kernels = resources.files("smbook.widgets").joinpath("kernels.wasm").read_bytes()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        script = BEGIN % _modules.joined(_modules.ordered("runtime/kernels.js"))
        begin = page.evaluate_handle(script, base64.b64encode(kernels).decode())
        for side in SIDES:
            calls = {name: make(side) for name, make in CALLS.items()}
            codes = {
                name: _code(page, begin, name, call)
                for name, call in calls.items()
                if any(kernel is call.kernel for kernel, *_ in compiler.EXPORTS.values())
            }
            yield timing.rates("In a page", codes, "attempts per ns", rounds=ROUNDS, column=f"L = {side}")
        browser.close()
