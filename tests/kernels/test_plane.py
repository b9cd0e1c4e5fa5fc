"""Points of two classes in the plane, as they are called; first weights; the same bits in a page."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels import margin
from smbook.kernels import plane as kernels
from smbook.kernels.plane import GRID, MOONS, NARROW_GAP, RING, TWO_CLOUDS, XOR
from smbook.kernels.rng import seed_state
from smbook.widgets.compiler import WASM
from tests.wasm import Kernels

KINDS = (TWO_CLOUDS, NARROW_GAP, XOR, RING, MOONS)


def drawn(kind, seed, count=24, fill=kernels.fill_points):
    points, labels = np.empty((count, 2)), np.empty(count, dtype=np.int8)
    fill(kind, seed_state(seed), np.empty(2), points, labels)
    return points, labels


def largest_margin(points, labels):
    inputs = np.column_stack([points, np.ones(len(points))])
    return margin.largest_margin(inputs, labels, np.empty(3), np.empty(3, dtype=np.int64))


@pytest.mark.parametrize("count", [2, 5, 40])
@pytest.mark.parametrize("kind", KINDS)
def test_points_lie_on_the_grid_in_the_plane_and_classes_alternate(kind, count):
    for seed in range(10):
        points, labels = drawn(kind, seed, count)
        np.testing.assert_array_equal(points * GRID, np.rint(points * GRID))
        assert np.abs(points).max() <= kernels.EDGE
        assert labels.tolist() == [1 - 2 * (i % 2) for i in range(count)]


@pytest.mark.parametrize("kind", [TWO_CLOUDS, NARROW_GAP])
def test_clouds_and_the_sides_of_a_gap_are_always_parted_by_a_line(kind):
    margins = [largest_margin(*drawn(kind, seed, 40)) for seed in range(50)]
    assert min(margins) > 0.03
    assert max(margins) < 0.6 if kind == TWO_CLOUDS else max(margins) < 0.25


def test_the_four_points_of_xor_and_a_disc_in_a_ring_are_not():
    points, labels = drawn(XOR, 1, 4)
    assert points.tolist() == [[-1, 1], [1, 1], [1, -1], [-1, -1]]
    assert (labels == -np.prod(points, axis=1)).all()
    assert largest_margin(points, labels) == 0.0
    assert all(largest_margin(*drawn(RING, seed)) == 0.0 for seed in range(50))


def test_discs_rings_and_moons_have_their_shapes():
    points, labels = drawn(RING, 1, 2000)
    radii = np.hypot(*points.T)
    assert radii[labels > 0].max() < 0.551
    assert 1.099 < radii[labels < 0].min() < radii.max() < 1.601
    assert (radii[labels > 0] ** 2).mean() == pytest.approx(0.55**2 / 2, rel=0.06)  # uniform in the area
    points, labels = drawn(MOONS, 1, 2000)
    own = points + 0.5 * labels[:, None] * [1.0, 0.0]  # around the middle of its own half circle
    own[:, 1] = labels * own[:, 1] + 0.3
    assert np.hypot(*own.T).mean() == pytest.approx(1.0, abs=0.02)
    assert own[:, 1].mean() == pytest.approx(2 / np.pi, abs=0.04)


@given(st.floats(-2.0, 2.0))
def test_the_nearest_place_of_the_grid_is_found(x):
    place = kernels.on_grid(x)
    assert place * GRID == round(place * GRID)
    assert abs(place - x) <= 0.5 / GRID


def test_first_weights_have_their_spread_and_biases_are_none():
    widths = np.array([2, 8, 1])
    weights = np.empty((500, 33))
    for seed in range(500):
        kernels.draw_layers(widths, seed_state(seed), np.empty(2), weights[seed])
    assert not weights[:, 16:24].any()
    assert not weights[:, 32].any()
    for part, n_inputs in ((weights[:, :16], 2), (weights[:, 24:32], 8)):
        z = (part.var() * n_inputs - 1) / np.sqrt(2 / part.size)
        assert abs(z) < 4
        assert abs(part.mean() * np.sqrt(n_inputs * part.size)) < 4


def test_the_plane_is_looked_at_row_by_row_from_the_top():
    points = np.empty((9, 2))
    kernels.fill_plane(points)
    np.testing.assert_allclose(points[:4], [[-4 / 3, 4 / 3], [0, 4 / 3], [4 / 3, 4 / 3], [-4 / 3, 0]])


def test_a_page_draws_the_same_points_and_weights():
    wasm = Kernels(WASM.read_bytes())
    for kind in KINDS:
        for one, other in zip(drawn(kind, 7), drawn(kind, 7, fill=wasm.fill_points), strict=True):
            np.testing.assert_array_equal(one, other)
    weights = np.empty((2, 17))
    for row, draw in zip(weights, (kernels.draw_layers, wasm.draw_layers), strict=True):
        draw(np.array([2, 4, 1]), seed_state(3), np.empty(2), row)
    np.testing.assert_array_equal(*weights)
