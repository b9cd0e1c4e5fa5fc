"""Both ends of a spectrum against all eigenvalues of small matrices and networks."""

import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg
from scipy.sparse.linalg import aslinearoperator
from torch import nn

from smbook.landscape import (
    Eigenpairs,
    Loss,
    NotConvergedError,
    extreme_eigenpairs,
    hessian,
    hessian_directions,
    projected_hessian,
)
from smbook.landscape._lanczos import lanczos
from tests.landscape.models import (
    SMOOTH_OR_NOT,
    dense_hessian,
    function_loss,
    line,
    problem,
    saddle,
    same,
    snapshot,
    trained,
)

METHODS = ("lanczos", "shifted")


def spread(values, seed=1):
    """A matrix with these eigenvalues in a random basis."""
    noise = np.random.default_rng(seed).normal(size=(len(values), len(values)))
    turn = np.linalg.qr(noise)[0]
    found = (turn * np.asarray(values, dtype=float)) @ turn.T
    return (found + found.T) / 2


# Values


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
@pytest.mark.parametrize("method", METHODS)
def test_both_ends_of_networks(name, method):
    case = problem(name)
    dense = dense_hessian(case)
    exact = np.linalg.eigvalsh(dense)
    found = extreme_eigenpairs(hessian(case.loss()), method=method, rng=1)
    assert found.values == pytest.approx(exact[[-1, 0]], rel=1e-10)
    assert (found.largest, found.smallest) == tuple(found.values)
    assert found.converged
    assert found.vectors @ found.vectors.T == pytest.approx(np.eye(2), abs=1e-7)
    off = dense @ found.vectors.T - found.vectors.T * found.values
    assert found.residuals == pytest.approx(np.linalg.norm(off, axis=0), abs=1e-13)


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
@pytest.mark.parametrize("method", METHODS)
def test_single_precision(name, method):
    case = problem(name)
    exact = np.linalg.eigvalsh(dense_hessian(case))
    case.model.float()
    found = extreme_eigenpairs(hessian(case.loss()), method=method, rng=1)
    assert found.values == pytest.approx(exact[[-1, 0]], rel=1e-5)
    assert found.vectors.dtype == np.float32
    assert found.converged


@pytest.fixture(scope="module")
def net():
    """A trained network, whose smallest eigenvalue is 1e-5 of its largest."""
    case = trained(line(20, 20, activation=nn.Tanh))
    return hessian(case.loss()), np.linalg.eigvalsh(dense_hessian(case))


@pytest.mark.parametrize("seed", range(10))
def test_a_small_eigenvalue_beside_a_large_one_is_not_missed(net, seed):
    operator, exact = net
    assert -1e-4 < exact[0] / exact[-1] < 0
    found = extreme_eigenpairs(operator, rng=seed)
    assert found.values == pytest.approx(exact[[-1, 0]], rel=1e-6)
    assert found.converged


def test_a_tolerance_of_the_larger_one_would_miss_it(net):
    """As eigsh has it after a shift: at 1e-5 of the largest it stops at values that are next to nothing."""
    operator, exact = net

    def met(middle, beside, rest):
        values, vectors = linalg.eigh_tridiagonal(middle, beside)
        bounds = np.abs(rest * vectors[-1, [-1, 0]])
        return bool((bounds <= 1e-5 * np.abs(values).max()).all())

    missed = 0
    for seed in range(10):
        start = np.random.default_rng(seed).standard_normal(len(operator.theta))
        run = lanczos(lambda v: operator @ v, start, 100, np.dtype(float), lambda _: None, met)
        smallest = linalg.eigh_tridiagonal(run.middle, run.beside)[0][0]
        missed += smallest > exact[0] / 2
        found = extreme_eigenpairs(operator, tolerance=1e-5, rng=seed)
        assert found.smallest == pytest.approx(exact[0], rel=1e-6)
    assert missed >= 9


def test_both_methods_agree_on_a_trained_network(net):
    operator, exact = net
    one, two = (extreme_eigenpairs(operator, method=method, rng=1) for method in METHODS)
    assert one.values == pytest.approx(exact[[-1, 0]], rel=1e-6)
    assert two.values == pytest.approx(one.values, rel=1e-6)
    assert np.abs(np.sum(one.vectors * two.vectors, axis=1)) == pytest.approx(1.0, abs=1e-6)
    assert one.n_products < two.n_products


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("x", "y"), [(1.0, 1.0), (4.0, 0.25), (-0.5, -2.0)])
def test_the_valley_of_a_product(x, y, method):
    """L = (1 - x y)^2 / 2 has the curvatures x^2 + y^2 and 0 where x y = 1."""
    loss = function_loss(lambda w: (1 - w[0] * w[1]) ** 2 / 2, [x, y])
    found = extreme_eigenpairs(hessian(loss), method=method, rng=1)
    assert found.values == pytest.approx([x**2 + y**2, 0.0], abs=1e-12)
    assert found.converged


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n_up", [500, 800])
def test_the_saddle_of_the_paper(n_up, method):
    loss = saddle(n_up)
    found = extreme_eigenpairs(hessian(loss), method=method, rng=1)
    assert found.values == pytest.approx([1.0, -1.0], abs=1e-9)
    assert projected_hessian(loss, found.vectors) == pytest.approx(np.diag([1.0, -1.0]), abs=1e-9)
    assert found.vectors[0, n_up:] == pytest.approx(0.0, abs=1e-6)


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=6), copies=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
@pytest.mark.parametrize("method", METHODS)
def test_few_different_eigenvalues(method, values, copies):
    dense = np.diag(np.repeat(np.array(values, dtype=float), copies))
    found = extreme_eigenpairs(dense, method=method, rng=1)
    size = max(map(abs, values))
    assert found.values == pytest.approx([max(values), min(values)], abs=1e-9 * size)
    assert found.converged
    expected = np.eye(2) if len(dense) > 1 else np.ones((2, 2))
    assert found.vectors @ found.vectors.T == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
def test_any_scale_and_precision(scale, dtype, method):
    values = np.r_[np.linspace(-1.0, 2.0, 57), 3.0, -4.0, 6.0]
    found = extreme_eigenpairs((scale * spread(values)).astype(dtype), method=method, rng=1)
    assert found.values / scale == pytest.approx([6.0, -4.0], rel=1e-5 if dtype is np.float32 else 1e-10)
    assert found.converged


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 5])
def test_nothing_but_zero(n, method):
    found = extreme_eigenpairs(np.zeros((n, n)), method=method, rng=1)
    assert found.values.tolist() == found.residuals.tolist() == [0.0, 0.0]
    assert found.converged


def test_one_end_of_a_definite_operator_is_zero_up_to_rounding():
    factors = np.random.default_rng(1).normal(size=(60, 3))
    found = extreme_eigenpairs(factors @ factors.T, rng=1)
    assert found.largest == pytest.approx(np.linalg.eigvalsh(factors.T @ factors)[-1])
    assert abs(found.smallest) < 1e-13 * found.largest
    assert found.converged


def test_values_lie_within_the_spectrum_and_within_their_residuals():
    """A residual tells of an eigenvalue that near, of which the outermost one may be another."""
    values = np.linspace(-1.0, 1.0, 300)
    for steps in (1, 3, 10):
        found = extreme_eigenpairs(spread(values), n_steps=steps, rng=1)
        assert not found.converged
        assert -1.0 <= found.smallest <= found.largest <= 1.0
        for value, residual in zip(found.values, found.residuals, strict=True):
            assert np.abs(values - value).min() <= residual + 1e-12
        assert "NOT converged" in repr(found)


def test_a_start_without_the_outermost_vector_converges_to_another():
    """What the docstring warns of: the residual is small, and the value is not the outermost one."""
    dense = np.diag(np.r_[5.0, np.linspace(-1.0, 1.0, 99)])
    blind = np.random.default_rng(1).standard_normal(100)
    blind[0] = 0.0
    run = lanczos(lambda v: dense @ v, blind, 99, np.dtype(float), lambda _: None)
    assert linalg.eigh_tridiagonal(run.middle, run.beside)[0].max() == pytest.approx(1.0)
    assert extreme_eigenpairs(dense, rng=1).largest == pytest.approx(5.0)


# What it takes and gives


@pytest.mark.parametrize("method", METHODS)
def test_any_operator(method):
    dense = spread(np.linspace(-1.0, 3.0, 30))
    exact = extreme_eigenpairs(dense, method=method, rng=1)
    for operator in (torch.as_tensor(dense), aslinearoperator(dense), dense.tolist()):
        if isinstance(operator, list):
            with pytest.raises(TypeError, match="operator must have a shape and products by @; got list"):
                extreme_eigenpairs(operator, method=method)
            continue
        found = extreme_eigenpairs(operator, method=method, rng=1)
        assert found.values == pytest.approx(exact.values, rel=1e-9)
    case = problem("tanh")
    block = hessian(case.loss(), layers="2.weight")
    whole = dense_hessian(case)[case.loss().layers["2.weight"], case.loss().layers["2.weight"]]
    found = extreme_eigenpairs(block, method=method, rng=1)
    assert found.values == pytest.approx(np.linalg.eigvalsh(whole)[[-1, 0]], rel=1e-9)
    assert found.vectors.shape == (2, len(whole))


@pytest.mark.parametrize("method", METHODS)
def test_equal_seeds_give_equal_pairs_and_products_are_counted(method, capsys):
    calls = itertools.count()

    class Counted:
        shape, dtype = (40, 40), np.dtype(float)
        dense = spread(np.linspace(-1.0, 3.0, 40))

        def __matmul__(self, columns):
            for _ in range(columns.shape[1]):
                next(calls)
            return self.dense @ columns

    one = extreme_eigenpairs(Counted(), method=method, rng=1)
    assert one.n_products == next(calls)
    two = extreme_eigenpairs(Counted(), method=method, rng=1, progress=True)
    assert one == two
    assert one != extreme_eigenpairs(Counted(), method=method, rng=2)
    assert "product" in capsys.readouterr().err
    assert one.method == method
    assert pickle.loads(pickle.dumps(one)) == one
    assert repr(one).startswith("Eigenpairs(largest 3 +- ")
    assert repr(one).endswith(f"{one.n_products} products by {method!r})")


def test_a_run_ends_as_soon_as_both_ends_are_found(capsys):
    found = extreme_eigenpairs(np.diag([3.0, 1.0, 0.0, -0.25] * 25), rng=1, progress=True)
    assert found.n_products == 6
    assert "100/100" in capsys.readouterr().err


def test_a_search_that_fails_tells_what_it_has():
    dense = spread(np.linspace(-1.0, 2.0, 400))
    with pytest.raises(NotConvergedError, match="n_steps must be more than the 2 restarts") as caught:
        extreme_eigenpairs(dense, method="shifted", n_steps=2, rng=1)
    found = caught.value.estimate
    assert isinstance(found, Eigenpairs)
    assert not found.converged
    assert 1.8 < found.largest < 2.0
    assert -1.0 < found.smallest < found.largest
    off = dense @ found.vectors.T - found.vectors.T * found.values
    assert found.residuals == pytest.approx(np.linalg.norm(off, axis=0), abs=1e-12)
    assert repr(found) in str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).estimate == found


class Stop(KeyboardInterrupt):
    pass


@pytest.mark.parametrize("method", METHODS)
def test_an_interrupt_leaves_the_model_as_it_was(method):
    case = problem("batch norm")
    calls = itertools.count()

    def interrupted(outputs, targets):
        if next(calls) > 20:
            raise Stop
        return case.loss_function(outputs, targets)

    case.model.train()
    before = snapshot(case.model)
    loss = Loss(case.model, interrupted, case.inputs, case.targets, chunk_size=6)
    with pytest.raises(Stop):
        extreme_eigenpairs(hessian(loss), method=method, rng=1)
    assert same(before, snapshot(case.model))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"method": "power"}, ValueError, "method must be one of 'lanczos', 'shifted'; got 'power'"),
        ({"n_steps": 0}, ValueError, "n_steps must be at least 1; got 0"),
        ({"tolerance": 0.0}, ValueError, "tolerance must be positive; got 0.0"),
        ({"rng": "seed"}, TypeError, "rng must be an integer.* got 'seed'"),
    ],
)
def test_wrong_options_are_refused(options, error, words):
    with pytest.raises(error, match=words):
        extreme_eigenpairs(np.eye(3), **options)


@pytest.mark.parametrize("method", METHODS)
def test_wrong_operators_are_refused(method):
    with pytest.raises(ValueError, match="operator must be square"):
        extreme_eigenpairs(np.ones((3, 2)), method=method)
    with pytest.raises(ValueError, match="operator must have finite products; got nan"):
        extreme_eigenpairs(np.full((3, 3), np.nan), method=method)
    with pytest.raises(TypeError, match="operator must be real; got dtype complex128"):
        extreme_eigenpairs(np.eye(3, dtype=complex), method=method)


# Directions


@pytest.mark.parametrize("name", SMOOTH_OR_NOT)
@pytest.mark.parametrize("tensor", [False, True])
def test_the_plane_of_both_directions_shows_both_ends(name, tensor):
    case = problem(name)
    loss = case.loss()
    theta = torch.as_tensor(loss.parameters) if tensor else loss.parameters
    found = hessian_directions(loss, theta, rng=1)
    assert isinstance(found, torch.Tensor) == tensor
    rows = np.asarray(found)
    exact = np.linalg.eigvalsh(dense_hessian(case))
    assert projected_hessian(loss, rows) == pytest.approx(np.diag(exact[[-1, 0]]), abs=1e-5)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0)
    slopes = rows @ loss.gradient()
    assert (slopes < 0).all()
    for row, slope in zip(rows, slopes, strict=True):
        assert loss(loss.parameters + 1e-5 * row) - loss() == pytest.approx(1e-5 * slope, rel=1e-2)


@given(st.integers(0, 2**32))
@settings(max_examples=20, deadline=None)
def test_no_other_plane_shows_more(seed):
    """Courant and Fischer: curvatures of any plane lie between those of this one."""
    case = problem("tanh")
    ends = extreme_eigenpairs(hessian(case.loss()), rng=1)
    plane = np.linalg.qr(np.random.default_rng(seed).normal(size=(64, 2)))[0].T
    inner = np.linalg.eigvalsh(projected_hessian(case.loss(), plane))
    assert ends.smallest <= inner[0] <= inner[1] <= ends.largest


def test_pairs_that_are_known_are_taken_and_left_as_they_are():
    case = problem("residual")
    loss = case.loss()
    pairs = extreme_eigenpairs(hessian(loss), rng=1)
    for sign in (1.0, -1.0):
        given_now = pairs._replace(vectors=sign * pairs.vectors)
        found = hessian_directions(loss, pairs=given_now)
        assert (found == hessian_directions(loss, rng=1)).all()
        assert (given_now.vectors == sign * pairs.vectors).all()


def test_directions_are_of_the_dtype_of_the_model():
    case = problem("tanh")
    case.model.float()
    assert hessian_directions(case.loss(), rng=1).dtype == np.float32
    pairs = extreme_eigenpairs(dense_hessian(problem("tanh")), rng=1)
    assert hessian_directions(case.loss(), pairs=pairs).dtype == np.float32


def test_directions_that_have_not_converged_are_told():
    with pytest.warns(UserWarning, match=r"directions have not converged: Eigenpairs\(.*NOT converged\)"):
        hessian_directions(problem("tanh").loss(), n_steps=3, rng=1)


def test_what_gives_no_directions_is_refused():
    loss = problem("tanh").loss()
    pairs = extreme_eigenpairs(np.diag([1.0, 2.0, 3.0]), rng=1)
    with pytest.raises(ValueError, match=r"pairs must be vectors of the loss's 64 .* shape \(2, 3\)"):
        hessian_directions(loss, pairs=pairs)
    with pytest.raises(TypeError, match="pairs must be Eigenpairs; got tuple"):
        hessian_directions(loss, pairs=(1, 2))
    with pytest.raises(TypeError, match="pairs are found already; got options for a search: n_steps, rng"):
        hessian_directions(loss, pairs=pairs, n_steps=3, rng=1)
    with pytest.raises(ValueError, match="theta must have the shape"):
        hessian_directions(loss, np.zeros(3))
    with pytest.raises(TypeError, match="loss must be a Loss; got int"):
        hessian_directions(3)
    with pytest.raises(ValueError, match="method must be one of"):
        hessian_directions(loss, method="power")
