"""Densities of eigenvalues by Lanczos quadrature against all eigenvalues of small matrices."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.landscape import SpectralDensity, hessian, spectral_density
from smbook.landscape._lanczos import lanczos
from tests.landscape.models import dense_hessian, problem


def symmetric(n=80, seed=1):
    noise = np.random.default_rng(seed).normal(size=(n, n))
    return (noise + noise.T) / np.sqrt(8 * n)  # a semicircle on [-1, 1]


def tridiagonal(dense, n_steps, dtype=np.float64, seed=1):
    start = np.random.default_rng(seed).normal(size=len(dense))
    run = lanczos(lambda v: dense @ v.astype(float), start, n_steps, np.dtype(dtype), lambda _: None)
    return start, run.middle, run.beside


# One direction


@pytest.mark.parametrize("n_steps", [1, 2, 5, 12])
def test_the_quadrature_is_exact_up_to_twice_the_steps(n_steps):
    dense = symmetric()
    start, middle, beside = tridiagonal(dense, n_steps)
    small = np.diag(middle) + np.diag(beside, 1) + np.diag(beside, -1)
    vector = start / np.linalg.norm(start)
    for power in range(2 * n_steps + 1):
        exact = vector @ np.linalg.matrix_power(dense, power) @ vector
        found = np.linalg.matrix_power(small, power)[0, 0]
        if power < 2 * n_steps:
            assert found == pytest.approx(exact, abs=1e-13)
        else:
            assert abs(found - exact) > 1e-12  # where it ends


def test_as_many_steps_as_rows_find_every_eigenvalue_once():
    """Without orthogonalisation some would come twice, and others not at all."""
    spread = np.r_[np.linspace(0.0, 1.0, 76), 10.0, 30.0, 100.0, 1000.0]
    turn = np.linalg.qr(symmetric())[0]
    dense = (turn * spread) @ turn.T
    found = spectral_density(dense, n_probes=1, n_steps=80, rng=1)
    np.testing.assert_allclose(found.nodes, spread, atol=1e-8)
    plain = plain_lanczos(dense, 80)
    assert (np.abs(plain - 1000.0) < 1e-6).sum() > 1


def plain_lanczos(dense, n_steps):
    before, vector, size = 0.0, np.random.default_rng(1).normal(size=len(dense)), 0.0
    vector /= np.linalg.norm(vector)
    middle, beside = [], []
    for _ in range(n_steps):
        left = dense @ vector - size * before
        middle.append(vector @ left)
        left = left - middle[-1] * vector
        before, size = vector, np.linalg.norm(left)
        beside.append(size)
        vector = left / size
    return np.linalg.eigvalsh(np.diag(middle) + np.diag(beside[:-1], 1) + np.diag(beside[:-1], -1))


@given(values=st.lists(st.integers(-50, 50), min_size=1, max_size=6, unique=True), copies=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_nodes_are_eigenvalues_where_there_are_few(values, copies):
    found = spectral_density(np.diag(np.repeat(np.array(values, dtype=float), copies)), n_probes=2, rng=1)
    np.testing.assert_allclose(np.unique(found.nodes.round(6)), np.sort(values), atol=1e-6)
    assert found.weights.sum() == pytest.approx(1.0)


@pytest.mark.parametrize("values", [[3.0], [-1.0, 2.0], [0.0, 1.0, 5.0], [3.0, 2.0, 0.0, 20.0]])
def test_a_few_different_eigenvalues_exhaust_the_space(values):
    found = spectral_density(np.diag(np.repeat(values, 20)), n_probes=9, rng=1)
    assert found.n_products == 9 * len(values)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-20, 1.0, 1e15])
def test_low_rank_at_any_scale_and_precision(scale, dtype):
    factors = np.random.default_rng(1).normal(size=(60, 3))
    dense = scale * (factors @ factors.T)
    found = spectral_density(dense.astype(dtype), n_probes=3, n_steps=30, rng=1)
    assert found.n_products <= 15
    tolerance = {np.float32: 1e-4, np.float64: 1e-10}[dtype]
    exact = np.linalg.eigvalsh(factors.T @ factors)
    assert found.largest == pytest.approx(scale * exact[-1], rel=tolerance)
    assert abs(found.smallest) < scale * 100 * tolerance


def test_nothing_but_zero():
    found = spectral_density(np.zeros((5, 5)), n_probes=3, rng=1)
    assert (found.smallest, found.largest, found.n_products) == (0.0, 0.0, 3)
    assert found.cumulative([-1e-9, 0.0]).tolist() == [0.0, pytest.approx(1.0)]


# The density


@pytest.mark.parametrize("name", ["relu", "residual", "shared"])
def test_the_density_of_a_network(name):
    case = problem(name)
    exact = np.linalg.eigvalsh(dense_hessian(case))
    found = spectral_density(hessian(case.loss()), n_probes=20, n_steps=25, rng=1)
    assert found.smallest == pytest.approx(exact[0], abs=1e-6)
    assert found.largest == pytest.approx(exact[-1], abs=1e-6)
    for order in range(5):
        assert abs(found.moment(order).z((exact**order).mean())) < 4 or found.moment(order).error < 1e-12
    grid, width = np.linspace(-2.0, 4.0, 400), 0.1
    smooth = np.exp(-(((grid[:, None] - exact) / width) ** 2) / 2).mean(axis=1) / (width * np.sqrt(2 * np.pi))
    assert np.abs(found.density(grid, width) - smooth).max() < 0.25 * smooth.max()


def test_the_semicircle():
    found = spectral_density(symmetric(400), n_probes=60, n_steps=30, rng=1)
    x = np.linspace(-0.9, 0.9, 19)
    exact = 0.5 + (x * np.sqrt(1 - x**2) + np.arcsin(x)) / np.pi
    assert np.abs(found.cumulative(x, 0.05) - exact).max() < 0.03
    assert np.abs(found.density(x, 0.1) - 2 / np.pi * np.sqrt(1 - x**2)).max() < 0.06
    assert found.moment(2).value == pytest.approx(0.25, abs=0.01)


def test_errors_of_moments_are_honest():
    """Weights by |tau| and not tau^2 would put the second moment off by ten errors, and more."""
    dense = symmetric()
    exact = (np.linalg.eigvalsh(dense) ** 2).mean()
    found = [spectral_density(dense, n_probes=20, n_steps=3, rng=seed) for seed in range(150)]
    z = np.array([each.moment(2).z(exact) for each in found])
    assert abs(z.mean()) < 4 / np.sqrt(150)
    assert 0.85 < z.std() < 1.25
    wrong = [each._replace(weights=each.weights**0.5 / (each.weights**0.5).sum()) for each in found]
    assert np.mean([each.moment(2).z(exact) for each in wrong]) > 10 * 4 / np.sqrt(150)


def test_densities_integrate_to_one_and_to_their_cumulative():
    found = spectral_density(symmetric(), n_probes=3, n_steps=10, rng=1)
    grid = np.linspace(-3.0, 3.0, 6001)
    total = np.cumsum(found.density(grid, 0.1)) * 0.001
    assert total[-1] == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(total, found.cumulative(grid, 0.1), atol=3e-3)
    assert found.density(np.zeros((2, 3)), 0.1).shape == (2, 3)
    steps = found.cumulative(found.nodes)
    np.testing.assert_allclose(steps, np.cumsum(found.weights), atol=1e-12)


def test_one_probe_has_no_error():
    assert np.isnan(spectral_density(symmetric(), n_probes=1, rng=1).moment(1).error)


def test_equal_seeds_give_equal_densities_and_it_shows_progress(capsys):
    one, two = (
        spectral_density(symmetric(), n_probes=2, n_steps=5, rng=1, progress=p) for p in (False, True)
    )
    assert one == two
    assert one != spectral_density(symmetric(), n_probes=2, n_steps=5, rng=2)
    assert "10/10" in capsys.readouterr().err
    assert isinstance(one, SpectralDensity)
    assert repr(one).startswith("SpectralDensity(80 eigenvalues between -")
    assert repr(one).endswith("2 probes, 10 products)")


def test_wrong_options_are_refused():
    with pytest.raises(ValueError, match="n_probes must be at least 1; got 0"):
        spectral_density(np.eye(3), n_probes=0)
    with pytest.raises(ValueError, match="n_steps must be at least 1; got 0"):
        spectral_density(np.eye(3), n_steps=0)
    with pytest.raises(ValueError, match="operator must be square"):
        spectral_density(np.ones((3, 2)))
    found = spectral_density(np.eye(3), rng=1)
    with pytest.raises(ValueError, match="width must be positive; got 0"):
        found.density(0.0, 0.0)
    with pytest.raises(ValueError, match="grid must be finite; got nan"):
        found.density([np.nan], 0.1)
    with pytest.raises(ValueError, match="width must be at least 0; got -1"):
        found.cumulative(0.0, -1.0)
    with pytest.raises(ValueError, match="order must be at least 0; got -1"):
        found.moment(-1)
