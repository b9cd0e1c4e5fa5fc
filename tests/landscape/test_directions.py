import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from smbook.landscape import Loss
from smbook.landscape.directions import filter_normalized, random_directions
from tests.landscape.models import problem, same, snapshot


def curvatures(kind, n_draws, rng):
    """v^T H v along random directions, for one with trace 4 and trace of the square 12."""
    spectrum = np.array([3.0, 1.0, 1.0, -1.0, 0.0])
    if kind == "orthogonal":
        draws = [random_directions(5, 2, kind=kind, rng=rng)[1] for _ in range(n_draws)]
    else:
        draws = random_directions(5, n_draws, kind=kind, rng=rng)
    return np.asarray(draws) ** 2 @ spectrum


@pytest.mark.parametrize(
    ("kind", "mean", "variance"),
    [
        ("gaussian", 4.0, 24.0),
        ("unit", 0.8, 2 * (5 * 12 - 16) / (25 * 7)),
        ("orthogonal", 0.8, 2 * (5 * 12 - 16) / (25 * 7)),
    ],
)
def test_curvatures_have_their_moments(kind, mean, variance):
    """Uniform numbers in place of Gaussian ones, as others draw them, would have a mean of 1/3 of that."""
    found = curvatures(kind, 20_000, np.random.default_rng(1))
    assert abs(found.mean() - mean) < 4 * found.std() / np.sqrt(found.size)
    squares = (found - mean) ** 2
    assert abs(squares.mean() - variance) < 4 * squares.std() / np.sqrt(squares.size)


@given(st.integers(1, 6), st.integers(6, 12), st.integers(0, 2**32))
def test_lengths_and_angles(k, n, seed):
    unit = random_directions(n, k, kind="unit", rng=seed)
    assert np.linalg.norm(unit, axis=1) == pytest.approx(1.0)
    basis = random_directions(n, k, kind="orthogonal", rng=seed)
    assert basis @ basis.T == pytest.approx(np.eye(k), abs=1e-12)


def test_orthogonal_directions_prefer_no_sign():
    """Without the signs of R, QR gives a first vector against the first draw, and a skewed law."""
    found = [random_directions(3, 3, kind="orthogonal", rng=seed) for seed in range(2000)]
    assert abs(np.mean(found, axis=0)).max() < 4 / np.sqrt(3 * 2000)
    assert abs(np.mean([np.linalg.det(each) for each in found])) < 4 / np.sqrt(2000)


def test_a_seed_repeats_and_a_generator_goes_on():
    assert (random_directions(7, rng=3) == random_directions(7, rng=3)).all()
    assert (random_directions(7, 3, rng=3)[:2] == random_directions(7, rng=3)).all()
    rng = np.random.default_rng(3)
    assert (random_directions(7, rng=rng) != random_directions(7, rng=rng)).all()
    assert random_directions(7).shape == (2, 7)


def test_they_are_of_the_dtype_of_the_model():
    case = problem("tanh")
    assert random_directions(case.loss(), rng=1).dtype == np.float64
    assert random_directions(case.loss(), rng=1).shape == (2, case.loss().n_parameters)
    case.model.float()
    assert random_directions(case.loss(), rng=1).dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (("loss",), {}, TypeError, "loss must be a Loss or a number of parameters; got str"),
        ((0,), {}, ValueError, "loss must be at least 1; got 0"),
        ((5, 0), {}, ValueError, "n_directions must be at least 1; got 0"),
        ((5, 2.0), {}, TypeError, "n_directions must be an integer; got 2.0"),
        ((5, 6), {"kind": "orthogonal"}, ValueError, "at most the 5 parameters .* got 6"),
        ((5,), {"kind": "uniform"}, ValueError, "kind must be one of .* got 'uniform'"),
        ((5,), {"rng": "seed"}, TypeError, "rng must be an integer.* got 'seed'"),
        ((5,), {"rng": -1}, ValueError, "rng must be at least 0; got -1"),
    ],
)
def test_what_gives_no_directions_is_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        random_directions(*arguments, **options)


def filters(model, vector):
    """The rows of each parameter, as torch itself parts a vector."""
    parts = torch.as_tensor(vector).split([p.numel() for p in model.parameters()])
    pairs = zip(parts, model.parameters(), strict=True)
    return [part.reshape(len(p), -1) if p.ndim > 1 else part[None] for part, p in pairs]


@pytest.mark.parametrize("name", ["tanh", "convolution", "batch norm"])
@pytest.mark.parametrize("ignore", [True, False])
def test_filters_are_as_long_as_those_of_the_model(name, ignore):
    case = problem(name)
    loss = case.loss()
    before = snapshot(case.model)
    drawn = random_directions(loss, 3, rng=1)
    theta = loss.parameters * 1.5 + 0.1
    found = filter_normalized(loss, drawn, theta, ignore_vectors=ignore)
    for was, now in zip(drawn, found, strict=True):
        trios = zip(
            *(filters(case.model, each) for each in (was, now, theta)), case.model.parameters(), strict=True
        )
        for old, new, own, parameter in trios:
            if parameter.ndim < 2 and ignore:
                assert not new.any()
                continue
            assert new.norm(dim=1).numpy() == pytest.approx(own.norm(dim=1).numpy())
            cosine = (old * new).sum(1) / old.norm(dim=1) / new.norm(dim=1)
            assert cosine.numpy() == pytest.approx(1.0)
    assert same(before, snapshot(case.model))


def test_a_factor_that_networks_do_not_see_is_not_seen():
    """ReLU layers between which a factor moves have the same picture; without the lengths of filters not."""
    case = problem("relu")
    loss = case.loss()
    drawn = random_directions(loss, 1, rng=2)
    theta, moved = loss.parameters, loss.parameters
    first, bias, second, *_ = loss.layers.values()
    moved[first] *= 4.0
    moved[bias] *= 4.0
    moved[second] /= 4.0
    assert loss(moved) == pytest.approx(loss(theta))
    step = 0.3 * filter_normalized(loss, drawn)[0]
    assert loss(moved + 0.3 * filter_normalized(loss, drawn, moved)[0]) == pytest.approx(loss(theta + step))
    assert loss(moved + 0.3 * drawn[0]) != pytest.approx(loss(theta + 0.3 * drawn[0]), rel=1e-2)


def test_what_comes_in_goes_out():
    loss = problem("tanh").loss()
    drawn = random_directions(loss, 2, rng=1)
    plain = filter_normalized(loss, drawn)
    tensor = filter_normalized(loss, torch.as_tensor(drawn))
    assert isinstance(tensor, torch.Tensor)
    assert (tensor.numpy() == plain).all()
    assert (filter_normalized(loss, list(drawn)) == plain).all()
    assert (filter_normalized(loss, drawn[0]) == plain[0]).all()
    assert filter_normalized(loss, drawn[0]).shape == (loss.n_parameters,)


def test_a_direction_of_some_layers_stays_in_them():
    loss = problem("tanh").loss()
    lone = np.zeros(loss.n_parameters)
    lone[loss.layers["2.weight"]] = 1.0
    found = filter_normalized(loss, lone)
    assert np.flatnonzero(found).tolist() == np.flatnonzero(lone).tolist()


def test_filters_without_length_are_named():
    case = problem("tanh")
    with torch.no_grad():
        case.model[2].weight[1] = 0.0
        case.model[4].bias.zero_()
    loss = case.loss()
    drawn = random_directions(loss, 1, rng=1)
    with pytest.warns(UserWarning, match=r"filters of the model are 0, .* in 2\.weight$"):
        filter_normalized(loss, drawn)
    with pytest.warns(UserWarning, match=r"in 2\.weight, 4\.bias$"):
        filter_normalized(loss, drawn, ignore_vectors=False)


@pytest.mark.parametrize(
    ("directions", "error", "words"),
    [
        (np.ones((2, 3)), ValueError, r"each direction must have the shape"),
        (np.ones((0, 59)), ValueError, r"directions must be 1 to .* got 0"),
        ("ab", TypeError, "directions must be an array or a tensor; got str"),
        (np.ones(59, dtype=int), TypeError, "each direction must hold floating-point numbers"),
        (np.full(59, np.nan), ValueError, "each direction must be finite"),
    ],
)
def test_what_is_no_direction_is_refused(directions, error, words):
    case = problem("tanh")
    loss = Loss(case.model, case.loss_function, case.inputs, case.targets)
    assert loss.n_parameters == 64
    if isinstance(directions, np.ndarray) and 59 in directions.shape:
        directions = np.resize(directions, (*directions.shape[:-1], 64)).astype(directions.dtype)
    with pytest.raises(error, match=words):
        filter_normalized(loss, directions)
