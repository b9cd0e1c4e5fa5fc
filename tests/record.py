"""Record pictures of the live figures of the built book (after `make book`).

The README's is a figure cooled by its slider; those of `book/_static/figures` stand for each kind of figure
on paper and where scripts are off: name the folder, and the figures if it is not all of them.
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser import CHROMIUM, HTML, Place, one_of_each, open_lab

SHEET = Place("ising/ising-model.html", "lab-1", "IsingLab", running=True)
BEGIN = {"temperature": 3, "speed": 4000}
WINDOW = {"width": 874, "height": 1000}  # in which a spin is three pixels wide
TEMPERATURES = np.arange(3.0, 1.45, -0.1).round(2)
CRITICAL = (2.3, 2.2, 2.1)  # where a magnet takes its time
PICTURES = 3  # at each temperature
PACE, REST = 90, 1500  # milliseconds of each picture, and of the last


def count(lab, counter="sweeps"):
    return lab.readouts()[counter] or 0


def let_run(lab, number, counter="sweeps"):
    """Wait until the figure has counted `number` more sweeps, or units of time."""
    goal, end = count(lab, counter) + number, time.monotonic() + 120
    while count(lab, counter) < goal:
        if time.monotonic() > end:
            sys.exit(f"the figure stands still, after {count(lab, counter):.0f} of {counter}")
        lab.page.wait_for_timeout(100)


def picture(lab):
    return Image.open(io.BytesIO(lab.root.screenshot())).convert("RGB")


def pictures(lab):
    """Cool the magnet step by step, and look at it a few times at each temperature."""
    lab.page.add_style_tag(content="#pst-back-to-top { display: none !important; }")
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


# What each kind of figure shows on paper: its settings, and what is pressed, until it shows something.
# What is seen then must be what the `alt` of its class says.
ON_PAPER = {
    "IsingLab": ({"temperature": 2.2, "speed": 1000}, {"Start": ("sweeps", 2000)}),
    "WallLab": ({"temperature": 1, "size": 64, "speed": 200}, {"Start": ("sweeps", 1000)}),
    "MeanFieldLab": ({"temperature": 0.7, "speed": 100}, {"Sweep field": ("sweeps", 600)}),
    "FiniteMagnetLab-limits": (
        {"spins": 100, "temperature": 0.8, "field": 0.001, "speed": 1000},
        {"Start": ("sweeps", 5000)},
    ),
    "FiniteMagnetLab-escape": (
        {"spins": 30, "temperature": 0.6, "field": -0.05, "seed": 1, "speed": 300},
        {"Start": ("escapes", 2)},
    ),
    "HopfieldLab-full": (
        {"count": 8, "noise": 0.2, "cue": 6, "speed": 150, "seed": 1},
        {"Start": ("neurons asked", 130)},
    ),
    "HopfieldLab-compact": ({"speed": 150, "noise": 0.25, "seed": 1}, {"Start": ("neurons asked", 100)}),
    "SpinGlassLab-SK": (
        {"spins": 256, "temperature": 0.4, "algorithm": "tempering", "seed": 1, "speed": 400},
        {"Start": ("sweeps", 8000)},
    ),
    "SpinGlassLab-plus-minus": (
        {"size": 24, "temperature": 0.4, "algorithm": "heat-bath", "seed": 1, "speed": 2000},
        {"Start": ("sweeps", 20_000)},
    ),
    "SpinGlassLab-ferromagnet": (
        {"size": 24, "temperature": 1.5, "algorithm": "heat-bath", "seed": 1, "speed": 2000},
        {"Start": ("sweeps", 20_000)},
    ),
    "PhaseDiagramLab": (
        {"load": 0.05, "temperature": 0.4, "spins": 500, "seed": 1, "speed": 400},
        {"Start": ("sweeps", 1000)},
    ),
    "BoltzmannLab": (
        {"data": "bars-2", "hidden": 2, "rate": 0.1, "seed": 1, "speed": 300},
        {"Start": ("steps", 1000)},
    ),
    "RBMLab": ({"temperature": 1, "seed": 1, "speed": 20}, {"Start": ("sweeps", 60)}),
    "DescentLab": (
        {"rate": 0.2, "start_x": 3.5, "start_y": 0.1, "optimizers": "all", "speed": 20},
        {"Start": ("steps", 50)},
    ),
    "ModesLab": (
        {"depth": 2, "initial": 0.001, "rate": 0.02, "start": "aligned", "speed": 200},
        {"Start": ("steps", 460)},
    ),
    "MaxEntLab-maximum": ({"mean": 4.5, "dice": 100, "seed": 1, "speed": 20}, {"Start": ("throws", 30)}),
    "MaxEntLab-own": ({"mean": 4.5, "running": "false"}, {}),
    "MaxEntLab-rolls": ({"mean": 4.5, "dice": 60, "seed": 1, "speed": 20}, {"Start": ("sweeps", 100)}),
    "BridgeLab": (
        {"drawn": 4, "softness": 0.8, "temperature": 0.5, "seed": 1, "speed": 20},
        {"Start": ("sweeps", 150)},
    ),
    "NeuronLab": (
        {"net": "exclusive-or", "drive": "random", "probability": 0.5, "seed": 1, "speed": 20},
        {"Start": ("steps", 30)},
    ),
    "ProjectionLab": (
        {"n_up": 510, "n_down": 490, "seed": 1, "speed": 1000},
        {"Start": ("sections", 3000)},
    ),
    "PerceptronLab-perceptron": (
        {"data": "two-clouds", "sample": 2, "algorithm": "perceptron", "speed": 60},
        {"Start": ("steps", 190)},
    ),
    "PerceptronLab-two-layers": (
        {"data": "ring", "hidden": 4, "rate": 0.5, "seed": 1, "sample": 1, "speed": 400},
        {"Start": ("steps", 1200)},
    ),
    "CapacityLab-separable": (
        {"seed": 1},
        {"All sizes, one after another": ("sets tried", 1200)},  # the last size alone has more than 1000
    ),
    "CapacityLab-margin": (
        {"seed": 1},
        {"All sizes, one after another": ("sets tried", 1200)},
    ),
    "CurveLab-whole": ({"size": 32, "seed": 1}, {"Start": ("sweeps", 60_000)}),
    "CurveLab-transition": ({"size": 32, "seed": 1}, {"Start": ("sweeps", 60_000)}),
    "DiffusionLab": ({"learner": "memory", "count": 16, "time": 0.05, "running": "false"}, {}),
    "EngineLab": (
        {"duration": 8, "seed": 1},
        {"All speeds, one after another": ("time, all runs", 250)},  # of the last duration, 32
    ),
    "CommitteeLab": (
        {"hidden": 2, "rate": 1, "seed": 1, "speed": 20},
        {"Start": ("\u03b1 = examples / N", 20), "Push": ("\u03b1 = examples / N", 65)},
    ),
    "LearningCurveLab": (
        {"size": 50, "reach": 5, "load": 3, "stability": "true", "seed": 1, "speed": 5000},
        {"Start": ("runs", 12)},
    ),
    "SectionLab": ({"directions": "Hessian", "view": "map", "speed": 4}, {"Start": ("points passed", 4)}),
    "AmplifierLab-amplifier": ({"loop_gain": 1.5, "speed": 100}, {"Sweep input": ("time", 500)}),
    "AmplifierLab-flip-flop": ({"loop_gain": 1.5, "speed": 20}, {"Set": ("time", 30), "Reset": ("time", 20)}),
}
FIGURE_ALONE = """#pst-back-to-top { display: none !important; }
.smbook-lab > :not(.lab-figures, .lab-legend) { display: none !important; }
:is(.lab-main, .lab-words, .lab-how) { display: none !important; }
.smbook-lab ul.lab-legend.lab-paper { display: flex !important; }
.smbook-lab { border: 0 !important; padding: 0 !important; }"""


def on_paper(folder, chosen):
    """Record a picture of each kind of figure, or of the `chosen` ones, without its controls."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for place in one_of_each():
            name = place.kind.replace(" as ", "-")
            if chosen and name not in chosen:
                continue
            settings, presses = ON_PAPER[name]
            lab = open_lab(browser.new_context(viewport=WINDOW), HTML.as_uri() + "/", place, **settings)
            lab.root.scroll_into_view_if_needed()
            for button, (counter, number) in presses.items():
                lab.press(button)
                let_run(lab, number, counter)
            if "MeanFieldLab" in name:
                for field in np.arange(0.02, 0.21, 0.02).round(2):  # to where one well is left
                    lab.type("Field h", field)
            lab.page.add_style_tag(content=FIGURE_ALONE)
            lab.page.wait_for_timeout(300)
            path = folder / f"{name}.webp"
            picture(lab).quantize(64).convert("RGB").save(path, lossless=True, quality=100, method=6)
            print(f"{path}: {path.stat().st_size / 1e3:.1f} kB")
        browser.close()


if __name__ == "__main__":
    target, *names = map(Path, sys.argv[1:])
    if target.is_dir():
        on_paper(target, [*map(str, names)])
    else:
        record(target)
