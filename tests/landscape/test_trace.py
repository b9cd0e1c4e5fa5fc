"""Traces and diagonals from products: exact values, honest errors, and what a biased probe would show."""

import functools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator
from torch import nn

from smbook.landscape import (
    DiagonalEstimate,
    Loss,
    TraceEstimate,
    diagonal,
    exact_trace,
    gauss_newton,
    hessian,
    trace,
)
from smbook.landscape._piecewise import piecewise_trace
from smbook.landscape._probes import draw
from tests.landscape.models import SMOOTH_OR_NOT, dense_hessian, line, problem

METHODS = [
    ("hutchinson", "rademacher"),
    ("hutchinson", "gaussian"),
    ("hutch++", "rademacher"),
    ("hutch++", "gaussian"),
]


class Counted:
    """An array that counts the vectors that it multiplies."""

    def __init__(self, matrix):
        self.matrix, self.shape, self.count = matrix, matrix.shape, 0

    def __matmul__(self, columns):
        self.count += columns.shape[1]
        return self.matrix @ columns


@functools.cache
def matrix(n=60, decay=0.9, seed=3):
    """A symmetric matrix whose eigenvalues fall off, of both signs."""
    random = np.random.default_rng(seed)
    turn = np.linalg.qr(random.normal(size=(n, n)))[0]
    return (turn * 10 * random.choice([-1, 1, 1], n) * decay ** np.arange(n)) @ turn.T


# Probes


@pytest.mark.parametrize("kind", ["rademacher", "gaussian"])
def test_probes_have_mean_zero_and_covariance_one(kind):
    """A probe of variance 1.003, or a correlation of 0.003 between entries, would be five errors off."""
    vectors = draw(np.random.default_rng(1), kind, 21, 150_000, np.dtype(np.float64))
    covariance = vectors @ vectors.T / 150_000
    fourth = np.where(np.eye(21) > 0, 0.0 if kind == "rademacher" else 2.0, 1.0)
    assert np.abs(vectors.mean(axis=1)).max() < 4.5 / np.sqrt(150_000)
    assert (np.abs(covariance - np.eye(21)) <= 4.5 * np.sqrt(fourth / 150_000) + 1e-12).all()


@given(n=st.integers(1, 40), count=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_signs_are_signs(n, count):
    vectors = draw(np.random.default_rng(n), "rademacher", n, count, np.dtype(np.float32))
    assert vectors.shape == (n, count)
    assert vectors.dtype == np.float32
    assert (np.abs(vectors) == 1).all()


# Estimates of the trace


@pytest.mark.parametrize(("method", "probes"), METHODS)
def test_errors_are_those_by_which_estimates_scatter(method, probes):
    """z over 400 runs has mean 0 and a spread near 1; errors that are too small by a third would be seen."""
    dense = matrix(decay=1.0)
    found = [trace(dense, 60, method=method, probes=probes, rng=seed) for seed in range(400)]
    z = np.array([each.z(np.trace(dense)) for each in found])
    assert abs(z.mean()) < 4 / np.sqrt(400)
    assert 0.85 < z.std() < 1.25
    assert not 0.85 < (1.5 * z).std() < 1.25


@pytest.mark.parametrize(("probes", "corrected"), [("gaussian", False), ("rademacher", True)])
def test_the_variance_of_a_probe_is_known(probes, corrected):
    dense = matrix(decay=1.0)
    samples = trace(dense, 20_000, probes=probes, rng=1).samples
    exact = 2 * ((dense**2).sum() - corrected * (np.diagonal(dense) ** 2).sum())
    assert samples.var() == pytest.approx(exact, rel=0.06)


def test_a_probe_of_another_length_would_be_seen():
    """Entries of size 1.01 put the trace off by 2 %, which 20,000 probes tell from 0."""
    dense = matrix(decay=1.0) + 10 * np.eye(60)
    right, wrong = trace(dense, 20_000, rng=1), trace(1.01**2 * dense, 20_000, rng=1)
    assert abs(right.z(np.trace(dense))) < 4
    assert abs(wrong.z(np.trace(dense))) > 10


def test_hutch_plus_plus_is_better_where_eigenvalues_fall_off():
    plain, better = (
        trace(matrix(decay=0.7), 60, method=method, rng=1) for method in ("hutchinson", "hutch++")
    )
    assert better.error < 0.1 * plain.error
    assert abs(better.z(np.trace(matrix(decay=0.7)))) < 4


@pytest.mark.parametrize("rank", [0, 1, 4])
def test_hutch_plus_plus_is_exact_for_few_directions(rank):
    random = np.random.default_rng(1)
    factors = random.normal(size=(50, rank))
    found = trace(factors @ factors.T, 18, method="hutch++", rng=1)
    assert found.value == pytest.approx((factors**2).sum(), rel=1e-12)
    assert found.error < 1e-11
    assert found.n_products == 18


def test_a_diagonal_matrix_is_exact_with_signs_and_not_with_gaussians():
    dense = np.diag(np.arange(9.0))
    assert trace(dense, 2, rng=1) == TraceEstimate(36.0, 0.0, 2, np.array([36.0, 36.0]))
    assert trace(dense, 50, probes="gaussian", rng=1).error > 0.5


def test_more_products_than_rows_leave_nothing_to_chance():
    found = trace(matrix(), 200, method="hutch++", rng=1)
    assert (found.error, found.n_products) == (0.0, 120)
    assert found.value == pytest.approx(np.trace(matrix()), abs=1e-11)


@pytest.mark.parametrize(("method", "n_probes"), [("hutchinson", 25), ("hutch++", 25), ("hutch++", 6)])
def test_products_are_counted(method, n_probes):
    counted = Counted(matrix())
    assert trace(counted, n_probes, method=method, rng=1).n_products == counted.count == n_probes


def test_many_long_vectors_go_in_blocks(monkeypatch):
    whole = trace(matrix(), 50, probes="gaussian", rng=1)
    monkeypatch.setattr("smbook.landscape._probes._ENTRIES", 60 * 7)
    parts = trace(matrix(), 50, probes="gaussian", rng=1)
    np.testing.assert_allclose(parts.samples, whole.samples, rtol=1e-12)
    assert trace(matrix(), 50, method="hutch++", rng=1).n_products == 50


def test_any_operator_will_do():
    dense = matrix()
    whole = trace(dense, 20, rng=1)
    for operator in (aslinearoperator(dense), torch.from_numpy(dense), Counted(dense)):
        np.testing.assert_allclose(trace(operator, 20, rng=1).samples, whole.samples, rtol=1e-12)
    assert trace(np.diag([1, 2]), 2, rng=1).value == 3.0
    assert trace(dense.astype(np.float32), 20, rng=1).value == pytest.approx(whole.value, rel=1e-4)


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
def test_the_trace_of_a_network(name):
    case = problem(name)
    found = trace(hessian(case.loss()), 300, rng=1)
    assert abs(found.z(np.trace(dense_hessian(case)))) < 4
    assert found.error < 0.1 * np.linalg.norm(dense_hessian(case))


def test_equal_seeds_give_equal_estimates_and_it_shows_progress(capsys):
    one, two = trace(matrix(), 20, rng=5), trace(matrix(), 20, rng=5, progress=True)
    assert one == two
    assert one != trace(matrix(), 20, rng=6)
    assert "20/20" in capsys.readouterr().err
    assert one != "a trace"
    assert repr(TraceEstimate(12.34, 0.56, 7, np.ones(2))) == "TraceEstimate(12.34(56), 7 products)"


# The exact trace


@pytest.mark.parametrize("options", [{}, {"chunk_size": 5}])
@pytest.mark.parametrize("name", [*SMOOTH_OR_NOT, "dropout", "linear"])
def test_the_exact_trace_is_that_of_the_dense_hessian(name, options):
    case = problem(name)
    theta = case.loss().parameters + 0.1
    found = exact_trace(case.loss(**options), theta)
    assert found == pytest.approx(np.trace(dense_hessian(case, theta)), abs=1e-12)


class Skips(nn.Module):
    """Linear layers with a way around them, and one that is used in another place."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.out = nn.Linear(4, 4), nn.Linear(4, 4, bias=False), nn.Linear(4, 3)

    def forward(self, x):
        x = x + nn.functional.leaky_relu(self.one(x), 0.1)
        return self.out(x + self.two(torch.relu(x)))


class Sine(torch.autograd.Function):
    """A function that torch does not tell of."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(context, slope):
        return slope * context.saved_tensors[0].cos()


class Hidden(nn.Module):
    """Linear layers with something between that is no piecewise linear unit of a layer."""

    def __init__(self, what):
        super().__init__()
        self.what, self.one, self.out = what, nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        x = self.one(x)
        if self.what == "custom":
            return self.out(Sine.apply(x))
        if self.what == "last":
            return Sine.apply(self.out(x))
        if self.what == "tied":
            return self.out(nn.functional.linear(torch.relu(x), torch.abs(self.one.weight)))
        if self.what == "bias twice":
            return self.out(torch.add(torch.relu(x), self.one.bias))
        return torch.add(x[:, :3] if self.what == "part" else self.out(x), self.out(torch.ones(1, 4).to(x)))


def with_model(case, model, function=None):
    return case._replace(model=model.double(), loss_function=function or case.loss_function)


@pytest.mark.parametrize(
    "function", [None, lambda o, _: torch.cos(3 * o).mean(), lambda o, _: torch.logsumexp(o, 1).mean()]
)
def test_the_recursion_knows_any_loss_of_separate_rows(function):
    case = with_model(problem("relu"), Skips(), function)
    loss = case.loss()
    found = piecewise_trace(loss, loss._leaves(loss._point(None)))
    assert found == pytest.approx(np.trace(dense_hessian(case)), abs=1e-12)


def test_a_frozen_layer_is_left_out():
    case = problem("relu")
    case.model[2].requires_grad_(False)
    case.model[4].bias.requires_grad_(False)
    loss = case.loss()
    found = piecewise_trace(loss, loss._leaves(loss._point(None)))
    case.model.requires_grad_(True)
    kept = np.r_[0:25, 49:61]
    assert found == pytest.approx(np.diagonal(dense_hessian(case))[kept].sum(), abs=1e-12)


@pytest.mark.parametrize(
    ("model", "function"),
    [
        (nn.Sequential(nn.Linear(4, 3), nn.Sigmoid(), nn.Linear(3, 3)), None),
        (nn.Sequential(nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Linear(3, 3)), None),
        (nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), None),
        (nn.Sequential(*[nn.Linear(4, 4)] * 2, nn.Linear(4, 3)), None),
        (Skips(), lambda o, _: o.var()),  # rows that are not separate
        *((Hidden(what), None) for what in ("custom", "last", "tied", "bias twice", "part", "row")),
    ],
)
def test_other_models_go_by_products(model, function):
    case = with_model(problem("relu"), model, function)
    loss = case.loss()
    assert piecewise_trace(loss, loss._leaves(loss._point(None))) is None
    exact = np.trace(hessian(loss) @ np.eye(loss.n_parameters))
    assert exact_trace(loss) == pytest.approx(exact, abs=1e-12)


def test_a_deep_network_of_one_variable():
    case = line(50, 50)
    assert exact_trace(case.loss()) == pytest.approx(trace(hessian(case.loss()), 300, rng=1).value, rel=0.2)
    assert exact_trace(case.loss()) == pytest.approx(
        diagonal(gauss_newton(case.loss())).values.sum(), rel=1e-10
    )


# The diagonal


def test_the_exact_diagonal():
    case = problem("tanh")
    found = diagonal(hessian(case.loss()))
    np.testing.assert_allclose(found.values, np.diagonal(dense_hessian(case)), atol=1e-14)
    assert found.n_products == 64
    assert not found.errors.any()


def test_errors_of_the_diagonal_are_honest():
    """Signs that agree too often, one more time in fifty, would make z of the mean far from 0."""
    dense, exact = matrix(decay=1.0), np.diagonal(matrix(decay=1.0))
    found = [diagonal(dense, 80, rng=seed) for seed in range(200)]
    z = np.array([(each.values - exact) / each.errors for each in found])
    assert np.abs(z.mean(axis=0)).max() < 4 / np.sqrt(200)
    assert 0.9 < z.std() < 1.1
    expected = np.sqrt(((dense**2).sum(axis=0) - exact**2) / 80)
    np.testing.assert_allclose(np.mean([each.errors for each in found], axis=0), expected, rtol=0.05)


def test_errors_are_not_lost_beside_a_large_diagonal():
    small = 1e-3 * matrix(decay=1.0)
    found = diagonal(small + 1e6 * np.eye(len(small)), 200, rng=1)
    np.testing.assert_allclose(found.errors, diagonal(small, 200, rng=1).errors, rtol=1e-3)


def test_diagonals_in_blocks_and_of_diagonal_matrices(monkeypatch):
    monkeypatch.setattr("smbook.landscape._probes._ENTRIES", 60 * 7)
    np.testing.assert_allclose(diagonal(matrix()).values, np.diagonal(matrix()), atol=1e-14)
    assert diagonal(np.diag([1.0, 2.0]), 5, rng=1) == DiagonalEstimate(np.array([1.0, 2.0]), np.zeros(2), 5)
    assert diagonal(matrix(), 5, rng=1) != diagonal(matrix(), 5, rng=2)
    assert (
        repr(diagonal(np.diag([1.0, 2.0])))
        == "DiagonalEstimate(2 entries, mean 1.5, error 0 each, 2 products)"
    )


# Refusals


@pytest.mark.parametrize("estimate", [trace, diagonal])
@pytest.mark.parametrize(
    ("error", "match", "operator"),
    [
        (TypeError, "operator must have a shape and products by @; got str", "abc"),
        (TypeError, "operator must be real; got dtype complex128", np.eye(3) * 1j),
        (
            ValueError,
            r"operator must be square, with at least one row; got the shape \(2, 3\)",
            np.ones((2, 3)),
        ),
        (ValueError, r"got the shape \(3,\)", np.ones(3)),
        (ValueError, r"got the shape \(0, 0\)", np.ones((0, 0))),
        (ValueError, "operator must have finite products; got", np.full((3, 3), np.nan)),
    ],
)
def test_what_is_no_operator_is_refused(estimate, error, match, operator):
    with pytest.raises(error, match=match):
        estimate(operator, 10, rng=1)


@pytest.mark.parametrize(
    ("error", "match", "options"),
    [
        (ValueError, "n_probes must be at least 2; got 1", {"n_probes": 1}),
        (ValueError, "n_probes must be at least 6; got 5", {"n_probes": 5, "method": "hutch++"}),
        (TypeError, "n_probes must be an integer; got 2.5", {"n_probes": 2.5}),
        (ValueError, "method must be one of 'hutchinson', 'hutch\\+\\+'; got 'exact'", {"method": "exact"}),
        (ValueError, "probes must be one of .*; got 'uniform'", {"probes": "uniform"}),
        (TypeError, "rng must be an integer", {"rng": "1"}),
    ],
)
def test_wrong_options_are_refused(error, match, options):
    with pytest.raises(error, match=match):
        trace(np.eye(3), **options)


def test_more_refusals():
    with pytest.raises(ValueError, match="n_probes must be at least 2; got 1"):
        diagonal(np.eye(3), 1)
    with pytest.raises(TypeError, match="loss must be a Loss; got ndarray"):
        exact_trace(np.eye(3))
    loss = Loss(nn.Linear(2, 1), nn.MSELoss(), torch.eye(2), torch.zeros(2, 1))
    with pytest.raises(ValueError, match=r"theta must have the shape \(3,\)"):
        exact_trace(loss, np.zeros(2))
