from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy.sparse import linalg
from torch import nn

from smbook.landscape import Loss, extreme_eigenpairs, hessian
from smbook.landscape.check import Finding, Report, check
from smbook.landscape.directions import random_directions
from smbook.landscape.sections import trace_from_sections
from smbook.landscape.surface import surface
from tests.landscape.models import dense_hessian, line, problem


def quadratic(*curvatures, shift=0.0):
    """The loss sum_i c_i (w_i - shift)^2 / 2 of a model whose weights are 0."""
    model = nn.Linear(len(curvatures), 1, bias=False).double()
    with torch.no_grad():
        model.weight.zero_()
    rows = np.diag(np.sqrt(curvatures))
    targets = shift * np.sqrt(curvatures)[:, None]
    return Loss(
        model, lambda outputs, goal: ((outputs - goal) ** 2).sum() / 2, rows, targets, reduction="sum"
    )


def test_a_surface_around_a_minimum_is_good():
    found = check(surface(quadratic(1.0, 4.0), np.eye(2), extent=0.5, n_points=5))
    assert found.good
    assert found.numbers["centre"] == 0.0
    assert found.numbers["gradient"] == 0.0
    lines = str(found).splitlines()
    assert lines[0].startswith("Surface(5 x 5 points")
    assert "  ok  along direction 2 slope 0 and curvature 4 change" in lines[6]
    assert lines[-1] == "  ok  no point is lower than theta"
    assert repr(found) == str(found)


def test_a_slope_is_told_from_curvature():
    """The loss falls along both directions at a point on a slope, though both curvatures are positive."""
    found = check(surface(quadratic(1.0, 4.0, shift=0.2), np.eye(2), extent=0.5, n_points=5))
    assert not found.good
    assert found.numbers["slope 1"] == pytest.approx(-0.2)
    assert found.numbers["slope 2"] == pytest.approx(-0.8)
    assert "slope -0.2 and curvature 1 change the loss by 0.1 and 0.125 up to the edge: NOT a crit" in str(
        found
    )
    assert found.numbers["below theta"] > 0
    assert "the lowest point, (0.25, 0.25), lies" in str(found)


@pytest.mark.parametrize("axis", [0, 1])
def test_curvature_is_that_of_the_hessian(axis):
    case = problem("tanh")
    rows = random_directions(case.loss(), 2, kind="unit", rng=1)
    found = surface(case.loss(), rows, extent=0.2, n_points=(5, 7))
    matrix = rows @ dense_hessian(case) @ rows.T
    words = next(each for each in check(found).findings if each.name == f"slope {axis + 1}").words
    assert f"curvature {matrix[axis, axis]:.3g} " in words
    alone = surface(case.loss(), rows[axis], extent=0.2, n_points=5)
    assert f"curvature {matrix[axis, axis]:.3g} " in str(check(alone))


def test_a_grid_that_misses_the_model_or_has_few_points_is_told():
    loss = quadratic(1.0)
    assert "but theta is not one of the points" in str(
        check(surface(loss, np.eye(1), extent=(-1, 2), n_points=3))
    )
    assert "one of them is not known" in str(check(surface(loss, np.eye(1), n_points=3)))
    moved = surface(loss, np.eye(1), n_points=5)._replace(centre=0.25)
    assert "differs from that at theta, 0.25, by -0.25" in str(check(moved))


def test_missing_points_and_changing_batches_are_told():
    case = problem("tanh")
    pairs = [(case.inputs[:5], case.targets[:5]), (case.inputs[5:], case.targets[5:])]
    loss = Loss(case.model, case.loss_function, pairs, keep=False)
    found = surface(loss, random_directions(loss, 1, rng=1), n_points=5)
    found.values[0] = np.nan
    report = check(found)
    assert report.numbers["not finite"] == 1
    assert report.numbers["fixed batch"] == 0.0
    assert "but the loss is not finite at 1 of 5 points" in str(report)
    assert "but points have seen batches that were read anew at each" in str(report)


def test_a_loss_without_a_gradient_is_told():
    model = nn.Linear(4, 3).double()
    loss = Loss(
        model, lambda outputs, _: outputs.detach().sum(), np.ones((2, 4)), np.zeros(2), reduction="sum"
    )
    report = check(surface(loss, random_directions(loss, 1, rng=1), n_points=5))
    assert "the loss has no gradient at theta" in str(report)
    assert not report.good


def test_a_trace_on_a_plateau_is_good_and_one_among_kinks_is_not():
    smooth = check(trace_from_sections(line(8, 8, activation=nn.Tanh).loss(), 40, rng=1))
    assert smooth.good
    assert "NO plateau" not in str(smooth)
    bent = check(trace_from_sections(line(8, 8).loss(), 40, step=1e-2, rng=1))
    assert not bent.good
    assert "NO plateau" in str(bent)
    assert bent.numbers["change"] > 1e3 * smooth.numbers["change"]


def test_a_trace_that_is_mostly_error_is_told():
    found = trace_from_sections(problem("tanh").loss(), 2, rng=1)
    assert not check(found._replace(value=found.error)).good
    assert not check(found._replace(value=0.0)).good


def test_a_trace_that_is_exactly_zero_has_no_error():
    found = trace_from_sections(problem("tanh").loss(), 2, rng=1)
    zero = np.zeros(2)
    assert check(found._replace(value=0.0, error=0.0, samples=zero, halved=zero)).good


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_is_no_residual_of_an_eigenvalue_zero(dtype):
    vector, other = np.array([0.6, -0.8]), np.array([0.8, 0.6])
    operator = (1e3 * np.outer(other, other)).astype(dtype)
    pair = np.zeros(1), vector[:, None]
    assert check(pair, operator).good
    assert not check(pair, operator + 1e-2 * np.outer(vector, vector).astype(dtype)).good
    assert check(pair, np.zeros((2, 2))).good


class Pairs(NamedTuple):
    values: np.ndarray
    vectors: np.ndarray


@pytest.mark.parametrize("name", ["tanh", "relu", "batch norm"])
def test_eigenpairs_have_small_residuals_and_wrong_ones_have_not(name):
    case = problem(name)
    operator = hessian(case.loss())
    values, vectors = np.linalg.eigh(dense_hessian(case))
    values, vectors = values[-3:], vectors[:, -3:]
    report = check((values, vectors), operator)
    assert report.good
    assert max(report.numbers[f"residual {k}"] for k in (1, 2, 3)) < 1e-12
    assert check(Pairs(values, vectors), operator) == report
    wrong = check((values + 0.1, vectors), operator)
    assert not wrong.good
    assert wrong.numbers["residual 2"] == pytest.approx(0.1)
    skew = check((values, vectors + 0.01), operator)
    assert skew.numbers["not orthonormal"] > 1e-3
    assert not skew.good


def test_what_eigsh_returns_is_checked():
    operator = hessian(problem("tanh").loss())
    found = linalg.eigsh(operator, k=2, which="LM", v0=np.ones(64))
    assert check(found, operator).good
    assert str(check(found, operator)).startswith("2 eigenpairs of a 64 x 64 operator")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ((3.0,), TypeError, "result must be a Surface, a SectionTrace, a Descent or eigenpairs; got float"),
        (({"values": 1},), TypeError, "got dict"),
        (
            ((np.ones(1), np.ones((3, 1))),),
            TypeError,
            "operator must be given with eigenpairs .* got NoneType",
        ),
        (((np.ones(2), np.ones((3, 1))), np.eye(3)), ValueError, r"got \(2,\) and \(3, 1\)"),
        (((np.ones(1), np.full((3, 1), np.nan)), np.eye(3)), ValueError, "vectors must be finite"),
        (((np.ones(1), np.ones((3, 1))), np.eye(4)), ValueError, r"operator must be 3 x 3; .* \(4, 4\)"),
        (((["a"], np.ones((3, 1))), np.eye(3)), TypeError, "values must hold real numbers"),
    ],
)
def test_what_cannot_be_checked_is_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        check(*arguments)


def test_an_operator_beside_a_surface_is_refused():
    with pytest.raises(TypeError, match="operator must be None beside a Surface; it is for eigenpairs"):
        check(surface(quadratic(1.0), np.eye(1), n_points=3), np.eye(1))


def test_a_report_is_good_if_all_of_it_is():
    fine, poor = Finding("a", 1.0, True, "a is 1"), Finding("b", 2.0, False, "b is 2")
    assert Report("title", (fine,)).good
    report = Report("title", (fine, poor))
    assert not report.good
    assert report.numbers == {"a": 1.0, "b": 2.0}
    assert str(report) == "title\n  ok  a is 1\n  but b is 2"


def test_both_ends_of_a_spectrum_are_judged_by_their_own_size():
    case = problem("tanh")
    operator = hessian(case.loss())
    found = extreme_eigenpairs(operator, rng=1)
    report = check(found)
    assert report.good
    assert report.numbers["residual of the largest"] < 1e-6
    assert report.numbers["sign"] == found.smallest
    assert "the smallest eigenvalue is negative: -0.343, known to" in str(report)
    assert check(found, operator).good
    short = check(extreme_eigenpairs(operator, n_steps=5, rng=1))
    assert not short.good
    assert "but NOT converged" in str(short)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_eigenvalue_within_its_error_has_no_sign(dtype):
    for smallest, told in ((-1e-2, True), (1e-2, True), (0.0, False), (-1e-17, False)):
        found = extreme_eigenpairs(np.diag([1e3, 1.0, smallest]).astype(dtype), rng=1)
        finding = next(each for each in check(found).findings if each.name == "sign")
        assert finding.good == told
        assert ("cannot be told from 0" in finding.words) != told
    blurred = found._replace(values=np.array([1.0, -0.1]), residuals=np.array([0.0, 0.2]))
    assert "cannot be told from 0: known to 0.2" in str(check(blurred))
