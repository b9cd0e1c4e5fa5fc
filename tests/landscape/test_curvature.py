import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg

from smbook.landscape.curvature import (
    SectionCurvatures,
    principal_curvatures,
    projected_hessian,
    section_curvatures,
)
from smbook.landscape.directions import random_directions
from tests.landscape.models import SMOOTH_OR_NOT, dense_hessian, problem

numbers = st.floats(-10.0, 10.0)


def forms(gradient, hessian):
    """The eigenvalues of I^-1 II by SciPy's generalized solver."""
    first = np.eye(len(gradient)) + np.outer(gradient, gradient)
    return linalg.eigh(hessian / np.sqrt(1.0 + gradient @ gradient), first, eigvals_only=True)


@given(st.lists(numbers, min_size=9, max_size=9))
def test_principal_curvatures_are_those_of_the_two_fundamental_forms(entries):
    gradient, half = np.array(entries[:3]), np.array(entries[:9]).reshape(3, 3)
    found = principal_curvatures(gradient, half + half.T)
    assert found == pytest.approx(forms(gradient, half + half.T), abs=1e-10, rel=1e-10)


@given(numbers, numbers, numbers, numbers, numbers)
def test_mean_and_gaussian_curvature_of_a_graph_come_out(p, q, a, b, c):
    """The textbook's closed forms for z = f(x, y), which need no eigenvalue."""
    found = principal_curvatures([p, q], [[a, b], [b, c]])
    normal = 1.0 + p**2 + q**2
    mean = ((1 + q**2) * a - 2 * p * q * b + (1 + p**2) * c) / (2.0 * normal**1.5)
    assert found.mean() == pytest.approx(mean, abs=1e-10)
    assert np.prod(found) == pytest.approx((a * c - b * b) / normal**2, abs=1e-9)


def test_a_sphere_is_curved_alike_everywhere_and_the_bare_hessian_is_not():
    """z = -sqrt(R^2 - x^2 - y^2) has the curvatures 1 / R; its Hessian has them at the pole alone."""
    radius = 2.0
    for x, y in [(0.0, 0.0), (0.5, -1.0), (1.2, 1.3)]:
        depth = np.sqrt(radius**2 - x * x - y * y)
        place = np.array([x, y])
        gradient = place / depth
        hessian = np.eye(2) / depth + np.outer(place, place) / depth**3
        assert principal_curvatures(gradient, hessian) == pytest.approx([1 / radius] * 2, rel=1e-12)
        if x:
            assert np.linalg.eigvalsh(hessian).max() > 1.2 / radius


def test_at_a_critical_point_they_are_the_eigenvalues_and_signs_stay_on_a_slope():
    rng = np.random.default_rng(1)
    half = rng.normal(size=(200, 4, 4))
    hessians = half + np.swapaxes(half, 1, 2)
    assert principal_curvatures(np.zeros((200, 4)), hessians) == pytest.approx(np.linalg.eigvalsh(hessians))
    steep = principal_curvatures(rng.normal(size=(200, 4)), hessians)
    assert (np.sign(steep) == np.sign(np.linalg.eigvalsh(hessians))).all()  # Sylvester's law of inertia


def test_many_points_go_at_once_and_steep_slopes_do_not_overflow():
    rng = np.random.default_rng(2)
    gradients, half = rng.normal(size=(3, 5, 2)), rng.normal(size=(3, 5, 2, 2))
    hessians = half + np.swapaxes(half, -1, -2)
    found = principal_curvatures(gradients, hessians)
    assert found.shape == (3, 5, 2)
    for place in itertools.product(range(3), range(5)):
        assert found[place] == pytest.approx(forms(gradients[place], hessians[place]))
    assert principal_curvatures([1e100], [[1e300]]) == pytest.approx([1.0])


@pytest.mark.parametrize(
    ("gradient", "hessian", "error", "words"),
    [
        ([0.0], [[1.0, 0.0], [0.0, 1.0]], ValueError, r"hessian must be .* got \(2, 2\) and \(1,\)"),
        (0.0, 1.0, ValueError, r"got \(\) and \(\)"),
        ([], np.zeros((0, 0)), ValueError, r"got \(0, 0\) and \(0,\)"),
        ([0.0, 0.0], [[1.0, 2.0], [3.0, 1.0]], ValueError, "hessian must be symmetric; .* up to 1"),
        ([0.0, np.nan], np.eye(2), ValueError, "gradient must be finite; got nan"),
        ([0.0, 1.0], np.eye(2) * 1j, TypeError, "hessian must hold real numbers"),
    ],
)
def test_what_is_no_gradient_and_hessian_is_refused(gradient, hessian, error, words):
    with pytest.raises(error, match=words):
        principal_curvatures(gradient, hessian)


def test_an_operator_is_projected_on_directions():
    rng = np.random.default_rng(3)
    half, rows = rng.normal(size=(6, 6)), rng.normal(size=(3, 6))
    matrix = half + half.T
    found = projected_hessian(matrix, rows)
    assert found == pytest.approx(rows @ matrix @ rows.T)
    assert (found == found.T).all()
    assert projected_hessian(torch.as_tensor(matrix), torch.as_tensor(rows)) == pytest.approx(found)
    assert projected_hessian(matrix, rows[0]) == pytest.approx(found[:1, :1])
    assert projected_hessian(matrix, [torch.as_tensor(row) for row in rows]) == pytest.approx(found)


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_a_section_has_the_curvatures_of_the_dense_hessian(name):
    case = problem(name)
    loss, matrix = case.loss(), dense_hessian(case)
    rows = random_directions(loss, 2, rng=4)
    found = section_curvatures(loss, rows)
    slopes = rows @ loss.gradient()
    assert found.gradient == pytest.approx(slopes, rel=1e-10)
    assert found.hessian == pytest.approx(rows @ matrix @ rows.T, rel=1e-9, abs=1e-9)
    assert found.curvatures == pytest.approx(forms(slopes, rows @ matrix @ rows.T), rel=1e-7, abs=1e-10)
    assert projected_hessian(loss, rows) == pytest.approx(found.hessian)
    assert found == section_curvatures(loss, torch.as_tensor(rows), theta=loss.parameters)
    assert found != found._replace(gradient=slopes + 1.0)
    assert repr(found).startswith("SectionCurvatures(")


def test_a_model_of_single_precision_has_them_to_its_digits():
    case = problem("tanh")
    matrix = dense_hessian(case)
    case.model.float()
    loss = case.loss()
    rows = random_directions(loss, 2, rng=4)
    found = section_curvatures(loss, torch.as_tensor(rows))
    assert found.hessian.dtype == np.float64
    assert found.hessian == pytest.approx(rows @ matrix @ rows.T, rel=1e-4, abs=1e-4)


def test_in_the_plane_of_eigenvectors_the_section_is_diagonal():
    case = problem("tanh")
    matrix = dense_hessian(case)
    values, vectors = np.linalg.eigh(matrix)
    plane = vectors[:, [0, -1]].T
    assert projected_hessian(case.loss(), plane) == pytest.approx(np.diag(values[[0, -1]]), abs=1e-12)


def test_another_point_has_another_curvature():
    case = problem("tanh")
    loss = case.loss()
    away = loss.parameters + 0.1
    rows = random_directions(loss, 2, rng=5)
    assert section_curvatures(loss, rows, away).hessian == pytest.approx(
        rows @ dense_hessian(case, away) @ rows.T, rel=1e-9
    )


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: projected_hessian(np.eye(3), np.ones((2, 4))), ValueError, r"directions must .*\(2, 4\)"),
        (lambda: projected_hessian(np.eye(3)[:2], np.ones(3)), ValueError, r"square; got the shape \(2, 3\)"),
        (lambda: projected_hessian(np.eye(3), np.ones(3), np.ones(3)), ValueError, "theta must be None"),
        (lambda: projected_hessian("H", np.ones(3)), TypeError, "operator must be a Loss .* got str"),
        (lambda: section_curvatures(np.eye(3), np.ones(3)), TypeError, "loss must be a Loss; got ndarray"),
    ],
)
def test_what_cannot_be_projected_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_section_curvatures_compare_as_numbers():
    one = SectionCurvatures(np.zeros(1), np.eye(1), np.ones(1))
    assert one == SectionCurvatures(np.zeros(1), np.eye(1), np.ones(1))
    assert one != 3
