"""Means over 64 lattices in blocks that grow: what they add up to, and errors that hold over many seeds."""

import math

import numpy as np
import pytest

from smbook import statistics
from smbook.kernels import curves, multispin
from smbook.widgets.compiler import EXPORTS, WASM
from tests.wasm import Kernels

N_SITES, SIDE = 64, 8


def gathered(totals, sums, calls=(1,)):
    """Return blocks and tally of measurements (kept, 64) that come in so many calls."""
    blocks, tally = np.zeros((curves.MOST, curves.N_SUMS, curves.LANES)), np.array([0, 0, 1])
    ends = np.cumsum(calls) * len(totals) // sum(calls)
    for first, last in zip([0, *ends[:-1]], ends, strict=True):
        curves.gather(totals[first:last], sums[first:last], N_SITES, blocks, tally)
    return blocks, tally


def estimated(blocks, tally, thin=1_000_000, beta=0.3):
    values, errors = np.empty((2, 4, curves.LANES))
    betas = np.full(curves.LANES, beta)
    curves.estimate(blocks, tally, betas, SIDE, thin, np.empty(curves.MOST), values, errors)
    return values, errors


def drawn(rng, kept, memory=0.0):
    """Draw totals and sums that forget themselves as exp(-t / tau), with `memory` exp(-1 / tau)."""
    noise, series = rng.standard_normal((2, kept, curves.LANES)), np.zeros((2, kept, curves.LANES))
    series[:, 0] = noise[:, 0]
    for t in range(1, kept):
        series[:, t] = memory * series[:, t - 1] + math.sqrt(1 - memory**2) * noise[:, t]
    return np.rint(6 * series[0] + 60).astype(np.int64), np.rint(9 * series[1] + 20).astype(np.int64)


@pytest.mark.parametrize("kept", [1, 7, 255, 256, 257, 1000, 5000])
def test_blocks_hold_all_that_came_however_it_came(kept):
    totals, sums = drawn(np.random.default_rng(kept), kept)
    blocks, tally = gathered(totals, sums)
    others, other = gathered(totals, sums, (3, 1, 2))
    np.testing.assert_array_equal(tally, other)
    full, filled, length = tally
    assert full * length + filled == kept
    assert full < curves.MOST
    assert length == 1 or full >= curves.MOST // 2
    np.testing.assert_array_equal(blocks[:full], others[:full])
    energy, m = -totals / N_SITES, abs(sums) / N_SITES
    used = full * length
    for row, values in enumerate((energy, energy**2, m, m**2, m**4)):
        np.testing.assert_allclose(blocks[:full, row].sum(axis=0), values[:used].sum(axis=0), rtol=1e-12)


def test_values_are_those_of_the_later_three_quarters():
    totals, sums = drawn(np.random.default_rng(1), 4096)
    values, errors = estimated(*gathered(totals, sums), beta=0.3)
    energy, m = -totals[1024:] / N_SITES, abs(sums[1024:]) / N_SITES
    np.testing.assert_allclose(values[0], m.mean(axis=0))
    np.testing.assert_allclose(values[1], energy.mean(axis=0))
    heat = 0.3**2 * N_SITES * (energy.var(axis=0) + errors[1] ** 2)
    np.testing.assert_allclose(values[2], heat, rtol=1e-9)
    np.testing.assert_allclose(values[3], 1 - (m**4).mean(axis=0) / 3 / (m**2).mean(axis=0) ** 2)
    binder = [statistics.binder_cumulant(column).error for column in m.T]
    assert np.mean(errors[3] / binder) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("memory", [0.0, 0.8, 0.95])
def test_errors_are_as_large_as_the_scatter(memory):
    """Of 640 series with a known law; an error for independent values is three times too small."""
    scores, naive = [], []
    for seed in range(10):
        totals, sums = drawn(np.random.default_rng(seed), 6000, memory)
        values, errors = estimated(*gathered(totals, sums))
        exact = 0.3**2 * (6**2 + 1 / 12) / N_SITES
        scores.append(((values[1] + 60 / N_SITES) / errors[1], (values[2] - exact) / errors[2]))
        naive.append((values[1] + 60 / N_SITES) / (6 / N_SITES / math.sqrt(4500)))
    scores = np.array(scores)
    assert np.isfinite(scores).mean() > 0.95
    assert np.sqrt(np.nanmean(scores**2, axis=(0, 2))) == pytest.approx(1, abs=0.12)
    assert abs(np.nanmean(scores, axis=(0, 2))).max() < 4 / math.sqrt(640)
    assert memory < 0.9 or np.std(naive) > 3


def test_a_run_that_is_too_short_gives_no_error():
    totals, sums = drawn(np.random.default_rng(3), 400, 0.98)
    values, errors = estimated(*gathered(totals, sums))
    assert np.isfinite(values).all()
    assert np.isnan(errors[1]).mean() > 0.9  # some 3 independent ones
    totals, sums = drawn(np.random.default_rng(3), 400)
    enough = math.ceil(curves.patience(0.44, SIDE) / 300)
    assert np.isfinite(estimated(*gathered(totals, sums), thin=enough, beta=0.44)[1]).all()
    assert np.isnan(estimated(*gathered(totals, sums), thin=enough - 2, beta=0.44)[1]).all()
    values, errors = estimated(*gathered(totals[:0], sums[:0]))
    assert np.isnan(values).all()
    assert np.isnan(errors).all()


def test_what_never_changes_has_no_error_to_tell():
    totals = np.full((500, curves.LANES), 128)
    values, errors = estimated(*gathered(totals, totals // 2))
    assert (values[0] == 1).all()
    assert (values[1] == -2).all()
    assert (values[2] == 0).all()
    assert np.isnan(errors).all()


def test_patience_grows_with_the_size_at_the_transition_only():
    at, off = (
        np.array([curves.patience(beta, side) for side in (16, 32, 64, 128)]) for beta in (0.4407, 0.6)
    )
    assert at[1:] / at[:-1] == pytest.approx(2**2.25)
    assert (off == off[0]).all()
    assert at[-1] > 700 * off[0] > 0


def test_a_page_runs_and_judges_64_lattices_to_the_last_bit():
    page, found = Kernels(WASM.read_bytes()), []
    for kernels in (page, None):
        sides, blocks = np.array([1, 16, 16]), np.ones(3, dtype=np.int64)
        call = Calls(kernels)
        grid, crossings = np.zeros(multispin.GRID_SIZE, dtype=np.int64), np.zeros(18, dtype=np.uint64)
        call("fill_grid", sides, blocks, grid)
        call("fill_crossings", blocks, crossings)
        parities = np.zeros(2 * (128 + multispin.BLOCK), dtype=np.uint64)
        call("fill_parities", grid, parities)
        words = np.zeros(2 * grid[multispin.COLOUR_SIZE], dtype=np.uint64)
        work, state = np.zeros(multispin.WORK_SIZE, dtype=np.uint64), np.zeros(4, dtype=np.uint64)
        betas = np.linspace(0.3, 0.7, 64)
        call("split_mix", state, 2024)
        call("begin_streams", state, work)
        call("fill_thresholds", betas, 1.0, 2, 1, work)
        call("randomize_lanes", words, grid, work)
        totals, sums = np.zeros((2, 1000, 64), dtype=np.int64)
        bath = np.uint64(0xFFFFFFFFFFFFFFFF)
        call("run_square_lanes", words, parities, grid, crossings, bath, work, 5, totals, sums)
        gathered, tally = np.zeros((curves.MOST, curves.N_SUMS, curves.LANES)), np.array([0, 0, 1])
        call("gather_curves", totals, sums, 256, gathered, tally)
        values, errors = np.empty((2, 4, curves.LANES))
        call("estimate_curves", gathered, tally, betas, 16, 5, np.empty(curves.MOST), values, errors)
        spins = np.zeros(256, dtype=np.int8)
        call("unpack_lattice", words, sides, blocks, grid, 17, spins)
        assert sums[-1, 17] == spins.sum()
        found.append((words, totals, sums, gathered, tally, values, errors, spins))
    for one, other in zip(*found, strict=True):
        assert one.tobytes() == other.tobytes()
    assert 20 < np.isfinite(found[0][-2][1]).sum() < 64


class Calls:
    """Call exported kernels by their names, in a page or as numba compiles them."""

    def __init__(self, page):
        self.page = page

    def __call__(self, name, *arguments):
        if self.page:
            return self.page.call(name, *arguments)
        native = [np.uint64(x) if name == "split_mix" and type(x) is int else x for x in arguments]
        return EXPORTS[name][0](*native)
