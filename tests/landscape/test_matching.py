import itertools
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from torch import nn

from smbook.landscape import Loss, Matching, match_units, rearrange_units, straight_path
from tests.landscape.models import problem, same, snapshot


def of(model, seed=1, inputs=4, outputs=3):
    random = np.random.default_rng(seed)
    return Loss(model.double(), nn.MSELoss(), random.normal(size=(9, inputs)), np.zeros((9, outputs)))


def deep(activation, *, bias=True, widths=(4, 6, 5, 7, 3)):
    layers = [nn.Linear(*pair, bias=bias) for pair in itertools.pairwise(widths)]
    return nn.Sequential(*[part for layer in layers for part in (layer, activation())][:-1])


def point(loss, seed):
    return np.random.default_rng(seed).normal(size=loss.n_parameters)


def random_copy(loss, seed, *, signs=False):
    """A matching that rearranges the hidden layers at random."""
    random = np.random.default_rng(seed)
    names = [name.removesuffix(".weight") for name in loss.layers if name.endswith("weight")][:-1]
    widths = {name: loss.shapes[f"{name}.weight"][0] for name in names}
    turned = {n: random.choice([-1, 1], size=w) if signs else np.ones(w, int) for n, w in widths.items()}
    return Matching({n: random.permutation(w) for n, w in widths.items()}, turned, 0.0, 0.0)


def outputs(loss, theta):
    chunk = next(iter(loss._batches))
    return loss._outputs(loss._split(torch.as_tensor(theta)), chunk).detach().numpy()


STACKS = {
    "tanh": lambda: deep(nn.Tanh),
    "relu": lambda: deep(nn.ReLU),
    "no biases": lambda: deep(nn.Tanh, bias=False),
    "linear": lambda: deep(nn.Identity),
    "no functions": lambda: nn.Sequential(nn.Linear(4, 5), nn.Linear(5, 3)),
    "nested": lambda: nn.Sequential(nn.Sequential(nn.Linear(4, 5), nn.SiLU()), nn.Dropout(), nn.Linear(5, 3)),
    "functions at both ends": lambda: nn.Sequential(
        nn.Softplus(), nn.Linear(4, 5), nn.Tanh(), nn.Identity(), nn.Linear(5, 3), nn.ReLU()
    ),
    "mixed": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 6), nn.GELU(), nn.Linear(6, 3)
    ),
    "one bias": lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.ReLU(), nn.Linear(5, 3)),
}
ODD = ("tanh", "no biases", "linear", "no functions", "functions at both ends")


@pytest.mark.parametrize("name", STACKS)
def test_a_copy_computes_the_same_and_its_gradient_is_the_copy_of_the_gradient(name):
    loss = of(STACKS[name]())
    theta, copy = point(loss, 1), random_copy(loss, 2, signs=name in ODD)
    moved = rearrange_units(loss, theta, copy)
    assert (np.sort(np.abs(moved)) == np.sort(np.abs(theta))).all()
    assert np.abs(moved - theta).max() > 0.5
    assert outputs(loss, moved) == pytest.approx(outputs(loss, theta), rel=1e-12, abs=1e-12)
    expected = rearrange_units(loss, loss.gradient(theta), copy)
    assert loss.gradient(moved) == pytest.approx(expected, rel=1e-11, abs=1e-13)


def test_units_that_change_places_in_one_layer_only_change_the_function():
    """What `rearrange_units` would do if it forgot the weights out of the units."""
    loss = of(STACKS["tanh"]())
    theta, where = point(loss, 1), loss.layers["2.weight"]
    moved = theta.copy()
    moved[where] = theta[where].reshape(5, 6)[::-1].ravel()
    assert np.abs(outputs(loss, moved) - outputs(loss, theta)).max() > 1e-2


@pytest.mark.parametrize("name", STACKS)
def test_a_copy_is_recognized_whatever_the_depth(name):
    loss = of(STACKS[name]())
    theta = point(loss, 3)
    for seed in range(5):
        copy = random_copy(loss, seed, signs=name in ODD)
        found = match_units(loss, theta, rearrange_units(loss, theta, copy))
        assert found.distance_after == 0.0 < found.distance_before
        for layer, order in found.permutations.items():
            assert copy.permutations[layer][order].tolist() == list(range(order.size))


def test_a_copy_is_recognized_though_its_weights_have_moved():
    loss = of(STACKS["relu"]())
    theta = point(loss, 4)
    near = theta + 0.02 * point(loss, 5)
    found = match_units(loss, theta, rearrange_units(loss, near, random_copy(loss, 6)))
    assert found.distance_after == pytest.approx(np.linalg.norm(near - theta), rel=1e-12)


def all_copies(loss, theta, *, signs):
    """Every copy of a network with one hidden layer, by the names of places."""
    (name,) = [name.removesuffix(".weight") for name in loss.layers if name.endswith("weight")][:-1]
    width = loss.shapes[f"{name}.weight"][0]
    for order in itertools.permutations(range(width)):
        for turned in itertools.product((1, -1) if signs else (1,), repeat=width):
            matching = Matching({name: np.array(order)}, {name: np.array(turned)}, 0.0, 0.0)
            yield rearrange_units(loss, theta, matching)


@pytest.mark.parametrize(("activation", "signs"), [(nn.Tanh, True), (nn.ReLU, False)])
def test_one_hidden_layer_is_matched_as_near_as_any_copy(activation, signs):
    loss = of(deep(activation, widths=(4, 4, 3)))
    for seed in range(3):
        a, b = point(loss, seed), point(loss, 10 + seed)
        found = match_units(loss, a, b)
        least = min(np.linalg.norm(a - copy) for copy in all_copies(loss, b, signs=signs))
        assert found.distance_after == pytest.approx(least, rel=1e-13)
        assert found.distance_after < found.distance_before


def test_signs_bring_networks_nearer():
    """Without them a matching of tanh units would stay as far as one of ReLU units."""
    tanh, relu = (of(deep(activation, widths=(4, 8, 3))) for activation in (nn.Tanh, nn.ReLU))
    a, b = point(tanh, 1), point(tanh, 2)
    with_signs, without = match_units(tanh, a, b), match_units(relu, a, b)
    assert with_signs.distance_after < without.distance_after
    assert all((each == 1).all() for each in without.signs.values())
    assert any((each == -1).any() for each in with_signs.signs.values())


DEEP = of(deep(nn.Tanh, widths=(3, 4, 4, 4, 2)), inputs=3, outputs=2)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_a_matching_never_leads_away_and_tells_its_distances(seed):
    a, b = point(DEEP, seed), point(DEEP, seed + 20_000)
    found = match_units(DEEP, a, b)
    moved = rearrange_units(DEEP, b, found)
    assert found.distance_before == pytest.approx(np.linalg.norm(a - b), rel=1e-13)
    assert found.distance_after == pytest.approx(np.linalg.norm(a - moved), rel=1e-12)
    assert found.distance_after <= found.distance_before
    assert DEEP(moved) == pytest.approx(DEEP(b), rel=1e-11)
    again = match_units(DEEP, a, moved)  # whose starts are the same copies
    assert again.distance_after == pytest.approx(found.distance_after, rel=1e-12)


def test_no_single_layer_of_a_deep_matching_could_be_better():
    a, b = point(DEEP, 1), point(DEEP, 2)
    found = match_units(DEEP, a, b)
    moved = rearrange_units(DEEP, b, found)
    orders = [np.array(order) for order in itertools.permutations(range(4))]
    turns = [np.array(signs) for signs in itertools.product((1, -1), repeat=4)]
    for name in found.permutations:
        still = {other: np.arange(4) for other in found.permutations}
        kept = {other: np.ones(4, int) for other in found.permutations}
        distances = [
            np.linalg.norm(
                a - rearrange_units(DEEP, moved, Matching(still | {name: p}, kept | {name: s}, 0.0, 0.0))
            )
            for p, s in itertools.product(orders, turns)
        ]
        assert min(distances) >= found.distance_after * (1.0 - 1e-12)


def test_matched_units_have_no_barrier_between_their_copies():
    """relu(w_1 x) + relu(w_2 x) for the modulus: swapped units climb to 1/2, and are one network."""
    model = nn.Sequential(nn.Linear(1, 2, bias=False), nn.ReLU(), nn.Linear(2, 1, bias=False)).double()
    x = np.array([[-1.0], [1.0]])
    loss = Loss(model, lambda outputs, y: 0.5 * ((outputs - y) ** 2).mean(), x, np.abs(x))
    one, other = np.array([1.0, -1, 1, 1]), np.array([-1.0, 1, 1, 1])
    assert straight_path(loss, one, other).barrier == 0.5
    found = match_units(loss, one, other)
    assert found.permutations["0"].tolist() == [1, 0]
    assert straight_path(loss, one, rearrange_units(loss, other, found)).barrier == 0.0


def half_square(outputs, targets):
    return 0.5 * ((outputs - targets) ** 2).mean()


def student(width, teacher):
    """Four tanh units with weights of about length 1 teach 5 inputs to some others."""
    random = np.random.default_rng(teacher)
    weights, signs = 1.15 * random.normal(size=(4, 5)) / np.sqrt(5.0), random.choice([-1.0, 1.0], 4)
    x = random.normal(size=(500, 5))
    layers = (nn.Linear(5, width, bias=False), nn.Tanh(), nn.Linear(width, 1, bias=False))
    return Loss(nn.Sequential(*layers).double(), half_square, x, (np.tanh(x @ weights.T) @ signs)[:, None])


def trained(loss, width, seed, n_steps):
    random = np.random.default_rng(seed)
    start = np.concatenate(
        [random.normal(size=5 * width) / np.sqrt(5.0), random.normal(size=width) / width**0.5]
    )
    options = {"maxiter": n_steps, "maxfun": 2 * n_steps, "ftol": 1e-14, "gtol": 1e-8}
    return minimize(
        lambda theta: (loss(theta), loss.gradient(theta)), start, jac=True, method="L-BFGS-B", options=options
    ).x


@pytest.mark.parametrize("teacher", [1, 2, 3])
def test_students_as_wide_as_their_teacher_are_copies_of_it(teacher):
    """All barriers between them, of the order of the variance of what they learn, are those of copies."""
    loss = student(4, teacher)
    one, other = (trained(loss, 4, seed, 3000) for seed in (100, 101))
    assert max(loss(one), loss(other)) < 1e-8
    found = match_units(loss, one, other)
    assert found.distance_after < 1e-3 < 1.0 < found.distance_before
    assert straight_path(loss, one, other).barrier > 0.1
    assert straight_path(loss, one, rearrange_units(loss, other, found)).barrier < 1e-8


@pytest.mark.parametrize("teacher", [0, 1])
def test_wide_students_are_no_copies_but_in_one_valley_once_matched(teacher):
    loss = student(16, teacher)
    one, other = (trained(loss, 16, seed, 800) for seed in (100, 101))
    found = match_units(loss, one, other)
    before = straight_path(loss, one, other).barrier
    after = straight_path(loss, one, rearrange_units(loss, other, found)).barrier
    assert found.distance_after > 0.1 * found.distance_before
    assert before > 0.1
    assert after < 0.03 * before


def test_a_model_will_do_and_is_left_alone():
    case = problem("tanh")
    loss, before = case.loss(), snapshot(case.model)
    a, b = loss.parameters, point(loss, 2)
    found = match_units(case.model, a, b)
    assert found == match_units(loss, a, b)
    assert list(found.permutations) == list(found.signs) == ["0", "2"]
    assert (rearrange_units(case.model, b, found) == rearrange_units(loss, b, found)).all()
    assert same(before, snapshot(case.model))


def test_what_comes_in_goes_out_and_nothing_is_written_to():
    case = problem("relu")
    case.model.float()
    loss = case.loss()
    a, b = loss.parameters, point(loss, 2)
    kept = b.copy()
    found = match_units(loss, torch.as_tensor(a), b)
    moved = rearrange_units(loss, torch.as_tensor(b), found)
    assert isinstance(moved, torch.Tensor)
    assert moved.dtype is torch.float32
    assert rearrange_units(loss, b, found).dtype == np.float32
    assert (moved.numpy() == rearrange_units(loss, b, found)).all()
    assert (b == kept).all()


def test_results_compare_and_travel():
    loss = of(STACKS["tanh"]())
    found = match_units(loss, point(loss, 1), point(loss, 2))
    assert pickle.loads(pickle.dumps(found)) == found
    assert found != match_units(loss, point(loss, 1), point(loss, 3))
    assert found != 3
    assert repr(found).startswith("Matching(")
    moved = sum((order != np.arange(order.size)).sum() for order in found.permutations.values())
    assert f"({moved} of 18 units moved, " in repr(found)


class Doubled(nn.Linear):
    def forward(self, x):
        return 2.0 * super().forward(x)


def frozen():
    model = deep(nn.Tanh)
    model[2].bias.requires_grad_(False)
    return model


OTHERS = {
    "convolution": lambda: problem("convolution").model,
    "batch norm": lambda: problem("batch norm").model,
    "residual": lambda: problem("residual").model,
    "subclass": lambda: nn.Sequential(Doubled(4, 3), nn.Linear(3, 3)),
    "frozen": frozen,
    "learned slope": lambda: nn.Sequential(nn.Linear(4, 3), nn.PReLU(), nn.Linear(3, 3)),
    "softmax": lambda: nn.Sequential(nn.Linear(4, 3), nn.Softmax(1), nn.Linear(3, 3)),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_are_refused(name):
    model = OTHERS[name]().double()
    theta = np.zeros(sum(p.numel() for p in model.parameters() if p.requires_grad))
    with pytest.raises(TypeError, match=r"model must be a sequence of linear layers .* got (Seq|Resid)"):
        match_units(model, theta, theta)


def test_what_has_no_units_to_match_is_refused():
    with pytest.raises(TypeError, match=r"model must be a Loss or a torch\.nn\.Module; got str"):
        match_units("model", np.zeros(3), np.zeros(3))
    with pytest.raises(ValueError, match="model must have a hidden layer"):
        match_units(nn.Linear(2, 1), np.zeros(3), np.zeros(3))
    shared = nn.Sequential(*[nn.Linear(4, 4)] * 2, nn.Tanh(), nn.Linear(4, 3))
    with pytest.raises(ValueError, match="model must use each layer once"):
        match_units(shared, np.zeros(35), np.zeros(35))


@pytest.mark.parametrize(
    ("name", "theta", "error", "words"),
    [
        ("theta_a", np.zeros(63), ValueError, r"theta_a must have the shape \(64,\); got \(63,\)"),
        ("theta_b", np.zeros(65), ValueError, r"theta_b must have the shape \(64,\); got \(65,\)"),
        ("theta_b", [0.0] * 64, TypeError, "theta_b must be a NumPy array or a torch tensor; got list"),
        ("theta_a", np.full(64, np.nan), ValueError, "theta_a must be finite"),
    ],
)
def test_points_of_other_networks_are_refused(name, theta, error, words):
    points = {"theta_a": np.zeros(64), "theta_b": np.zeros(64)} | {name: theta}
    with pytest.raises(error, match=words):
        match_units(problem("tanh").model, **points)


def altered(matching, **parts):
    return matching._replace(**{name: getattr(matching, name) | part for name, part in parts.items()})


def test_matchings_of_other_networks_are_refused():
    loss, other = (of(STACKS[name]()) for name in ("relu", "mixed"))
    theta, found = point(loss, 1), random_copy(loss, 2)
    with pytest.raises(TypeError, match="matching must be a Matching; got dict"):
        rearrange_units(loss, theta, {})
    with pytest.raises(ValueError, match=r"hidden layers \['0', '2', '4'\] of the model; got \['1', '3'\]"):
        rearrange_units(loss, theta, random_copy(other, 2))
    with pytest.raises(ValueError, match="each of the 6 units of layer '0' once; got"):
        rearrange_units(loss, theta, altered(found, permutations={"0": np.array([0, 1, 2, 3, 4, 4])}))
    with pytest.raises(ValueError, match="each of the 6 units of layer '0' once; got"):
        rearrange_units(loss, theta, altered(found, permutations={"0": np.arange(5)}))
    with pytest.raises(ValueError, match=r"5 signs out of \(1,\) for layer '2'; got \[1, -1, 1, 1, 1\]"):
        rearrange_units(loss, theta, altered(found, signs={"2": np.array([1, -1, 1, 1, 1])}))
    with pytest.raises(ValueError, match=r"theta must have the shape"):
        rearrange_units(loss, theta[1:], found)
