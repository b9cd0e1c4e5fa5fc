"""Record the README's picture: a live figure of the built book, cooled by its slider (after `make book`)."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser import CHROMIUM, HTML, Place, open_lab

SHEET = Place("ising/ising-model.html", "lab-1", "IsingLab", running=True)
BEGIN = {"temperature": 3, "speed": 4000}
WINDOW = {"width": 874, "height": 1000}  # in which a spin is three pixels wide
TEMPERATURES = np.arange(3.0, 1.45, -0.1).round(2)
CRITICAL = (2.3, 2.2, 2.1)  # where a magnet takes its time
PICTURES = 3  # at each temperature
PACE, REST = 90, 1500  # milliseconds of each picture, and of the last


def sweeps(lab):
    return lab.readouts()["sweeps"] or 0


def let_run(lab, number):
    """Wait until the figure has counted `number` more sweeps."""
    goal, end = sweeps(lab) + number, time.monotonic() + 120
    while sweeps(lab) < goal:
        if time.monotonic() > end:
            sys.exit(f"the figure stands still, after {sweeps(lab):.0f} sweeps")
        lab.page.wait_for_timeout(100)


def picture(lab):
    return Image.open(io.BytesIO(lab.root.screenshot())).convert("RGB")


def pictures(lab):
    """Cool the magnet step by step, and look at it a few times at each temperature."""
    slider = lab.root.get_by_label("Temperature T, slider")
    for temperature in TEMPERATURES:
        slider.fill(str(temperature))
        for _ in range(PICTURES):
            let_run(lab, 10_000 if temperature in CRITICAL else 1_500)
            yield picture(lab)


def record(path):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        lab = open_lab(browser.new_context(viewport=WINDOW), HTML.as_uri() + "/", SHEET, **BEGIN)
        first, *others = list(pictures(lab))
        magnetization = lab.readouts()["m"]
        browser.close()
    if abs(magnetization) < 0.9:
        sys.exit(f"both colours are left (m = {magnetization}): a state that lives long; record again")
    times = [PACE] * len(others) + [REST]
    first.save(path, save_all=True, append_images=others, duration=times, loop=0, lossless=True, method=6)
    kilobytes = path.stat().st_size / 1e3
    print(f"{path}: {len(times)} pictures of {first.width} x {first.height}, {kilobytes:.0f} kB")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
