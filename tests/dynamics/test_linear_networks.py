"""Deep linear networks that learn: gradients, theory's sigmoids to the step size, symmetries, refusals."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.dynamics import linear_network, train_linear
from smbook.kernels import linear_network as kernels
from smbook.kernels.rng import seed_state
from smbook.theory.dynamics import learning_time, mode_strength, two_layer_mode

SINGULAR = np.array([3.0, 2.0, 0.5])


def task(seed=1, shape=(4, 5), singular=SINGULAR):
    """A correlation with these singular values and random modes."""
    random = np.random.default_rng(seed)
    left, right = (np.linalg.qr(random.normal(size=(n, n)))[0][:, : len(singular)] for n in shape)
    return (left * singular) @ right.T


def product(weights):
    return np.linalg.multi_dot(weights[::-1]) if len(weights) > 1 else weights[0]


def loss(weights, cross, covariance):
    """1/2 E|y - W x|^2 without its constant."""
    whole = product(weights)
    return np.trace(whole @ covariance @ whole.T) / 2 - np.trace(whole @ cross.T)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_a_step_goes_down_the_gradient(depth):
    """Against central differences of the loss, for all weights of a net of unequal widths."""
    random = np.random.default_rng(depth)
    widths = (3, *random.integers(2, 5, depth - 1), 4)
    weights = linear_network(widths, strength=1.0, kind="random", rng=depth)
    cross, root = random.normal(size=(4, 3)), random.normal(size=(3, 3))
    covariance = root @ root.T
    after = train_linear(weights, cross, rate=1e-3, n_steps=1, input_covariance=covariance).weights
    for layer, matrix in enumerate(weights):
        for place in np.ndindex(matrix.shape):
            shifted = []
            for move in (1e-5, -1e-5):
                moved = [w.copy() for w in weights]
                moved[layer][place] += move
                shifted.append(loss(moved, cross, covariance))
            slope = (shifted[0] - shifted[1]) / 2e-5
            step = (after[layer][place] - matrix[place]) / 1e-3
            assert step == pytest.approx(-slope, abs=1e-7)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_an_aligned_network_follows_the_sigmoids_to_the_step_size(depth):
    """The largest error is in proportion to the rate: half as large at half of it, to a tenth."""
    cross, start = task(), 0.02
    widths = (5, *[6] * (depth - 1), 4)
    weights = linear_network(widths, strength=start, cross_covariance=_padded(cross), rng=1)
    end = 1.3 * learning_time(0.5, start, depth=depth, fraction=0.9)
    errors = []
    for rate in (4e-3, 2e-3):
        found = train_linear(weights, _padded(cross), rate=rate, n_steps=int(end / rate), thin=4)
        theory = mode_strength(found.times[:, None], SINGULAR, start, depth=depth)
        errors.append(np.abs(found.strengths[:, :3] - theory).max())
        parts = ((SINGULAR - found.strengths[:, :3]) ** 2).sum(axis=1) / 2
        fourth = (1e-9 - found.strengths[:, 3]) ** 2 / 2
        np.testing.assert_allclose(found.losses, parts + fourth, atol=1e-12)
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] < 2e-3 * 30
    slower = mode_strength(found.times[:, None], SINGULAR, start * 1.2, depth=depth)
    assert np.abs(found.strengths[:, :3] - slower).max() > 1.5 * errors[1]  # another start would be seen


def _padded(cross):
    """The same task, whose fourth mode, of strength 1e-9, has a definite direction."""
    left, _, right = np.linalg.svd(cross)
    return cross + 1e-9 * np.outer(left[:, 3], right[3])


def test_extrapolated_to_no_step_at_all_the_sigmoid_is_exact():
    """By two rates and Richardson: the error falls from 1e-2 to 2e-5, so that none of first order is left."""
    cross = np.diag([2.0, 1.0])
    weights = linear_network((2, 2, 2), strength=0.05, cross_covariance=cross, rng=3)
    times = np.array([0.5, 1.0, 1.5, 2.0, 2.5])
    found = []
    for rate in (2e-3, 1e-3):
        run = train_linear(weights, cross, rate=rate, n_steps=round(2.5 / rate), thin=round(0.5 / rate))
        found.append(run.strengths[1:])
    theory = mode_strength(times[:, None], [2.0, 1.0], 0.05)
    assert np.abs(found[0] - theory).max() > 1e-3
    assert np.abs(2 * found[1] - found[0] - theory).max() < 2e-5


def test_unequal_layers_follow_the_hyperbola():
    cross = np.array([[1.5]])
    errors = []
    for rate in (2e-3, 1e-3):
        run = train_linear([[[0.3]], [[-0.05]]], cross, rate=rate, n_steps=round(4 / rate))
        theory = two_layer_mode(run.times, 1.5, 0.3, -0.05)
        errors.append(np.abs(run.strengths[:, 0] - theory.strength).max())
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.05)
    assert errors[1] < 2e-3


@pytest.mark.parametrize("kind", ["random", "orthogonal"])
def test_from_a_small_random_start_modes_follow_their_sigmoids_once_they_are_aligned(kind):
    """From a tenth on: within 3 % of s, on ten seeds; before that it may be far off.

    The clock is set when the mode has a tenth of its singular value; 0.05 later in time would be seen.
    """
    cross = np.diag([2.0, 1.0])
    for seed in range(10):
        weights = linear_network((2, 12, 2), strength=1e-4, kind=kind, rng=seed)
        run = train_linear(weights, cross, rate=2e-3, n_steps=8000, thin=5)
        for k, s in enumerate((2.0, 1.0)):
            first = np.argmax(run.strengths[:, k] > s / 10)
            later = run.times[first:] - run.times[first]
            theory = mode_strength(later, s, run.strengths[first, k])
            assert np.abs(run.strengths[first:, k] - theory).max() < 0.03 * s
            late = mode_strength(np.maximum(later - 0.1, 0), s, run.strengths[first, k])
            assert np.abs(run.strengths[first:, k] - late).max() > 0.04 * s


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_the_balance_of_layers_hardly_moves(seed, depth):
    """Gradient flow keeps W_(l+1)^T W_(l+1) - W_l W_l^T; steps move it by the order of the rate squared."""
    widths = (3, *[4] * (depth - 1), 3)
    weights = linear_network(widths, strength=0.5, kind="random", rng=seed)
    cross = task(seed % 1000, (3, 3))

    def balances(layers):
        return [b.T @ b - a @ a.T for a, b in itertools.pairwise(layers)]

    def drift(rate):
        after = train_linear(weights, cross, rate=rate, n_steps=round(0.2 / rate)).weights
        gaps = zip(balances(weights), balances(after), strict=True)
        return max((np.abs(x - y).max() for x, y in gaps), default=0.0)

    coarse, fine = drift(2e-3), drift(1e-3)
    assert coarse < 0.2
    assert depth == 1 or fine == pytest.approx(coarse / 2, rel=0.2)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_small_steps_never_climb(seed, depth):
    weights = linear_network((4, *[5] * (depth - 1), 4), strength=0.3, kind="random", rng=seed)
    run = train_linear(weights, task(seed % 997, (4, 4)), rate=1e-3, n_steps=300)
    assert (np.diff(run.losses) <= 1e-15).all()


def test_a_fixed_point_holds_up_to_the_largest_rate():
    """The curvature at the end is D s^(2 - 2/D): steps settle 3 % below 2 over it, and not 3 % above."""
    for depth in (1, 2, 3, 4):
        cross = np.diag([1.5, 0.5])
        edge = 2 / (depth * 1.5 ** (2 - 2 / depth))
        start = linear_network((2,) * (depth + 1), strength=1.48, cross_covariance=cross, rng=1)
        below = train_linear(start, cross, rate=0.97 * edge, n_steps=3000, thin=3000)
        above = train_linear(start, cross, rate=1.03 * edge, n_steps=3000, thin=3000)
        assert below.strengths[-1, 0] == pytest.approx(1.5, abs=1e-6)
        assert above.diverged or abs(above.strengths[-1, 0] - 1.5) > 1e-2


def test_what_runs_away_is_nan_from_then_on():
    run = train_linear([[[3.0]], [[3.0]]], [[1.0]], rate=1.0, n_steps=50)
    assert run.diverged
    assert np.isfinite(run.losses[:3]).all()
    lost = np.isnan(run.losses)
    assert (np.diff(lost.astype(int)) >= 0).all()
    assert np.isnan(run.strengths[lost]).all()
    assert all(np.isnan(w).all() for w in run.weights)
    assert repr(run) == "LinearTraining(2 layers, 50 steps, has run away)"


def test_colored_inputs_end_in_least_squares():
    random = np.random.default_rng(5)
    x = random.normal(size=(40, 3)) * [1.0, 0.5, 2.0]
    y = x @ random.normal(size=(3, 2)) + random.normal(size=(40, 2))
    cross, covariance = y.T @ x / 40, x.T @ x / 40
    start = linear_network((3, 3, 2), strength=0.01, kind="random", rng=1)
    run = train_linear(start, cross, rate=0.05, n_steps=8000, thin=100, input_covariance=covariance)
    best = np.linalg.lstsq(x, y, rcond=None)[0].T
    np.testing.assert_allclose(product(run.weights), best, atol=1e-6)
    for entry, weights in ((0, start), (-1, run.weights)):
        excess = ((y - x @ product(weights).T) ** 2).sum() / 80 - ((y - x @ best.T) ** 2).sum() / 80
        assert run.losses[entry] == pytest.approx(excess, abs=1e-10)


def test_starts():
    cross = task()
    for depth in (1, 2, 3):
        widths = (5, *[7] * (depth - 1), 4)
        aligned = linear_network(widths, strength=0.3, cross_covariance=cross, rng=2)
        left, _, right = np.linalg.svd(cross, full_matrices=False)
        np.testing.assert_allclose(product(aligned), 0.3 * left @ right, atol=1e-12)
        for one, other in itertools.pairwise(aligned):
            np.testing.assert_allclose(one @ one.T, other.T @ other, atol=1e-12)
        square = linear_network((5,) * (depth + 1), strength=0.3, kind="orthogonal", rng=2)
        whole = product(square)
        np.testing.assert_allclose(whole @ whole.T, 0.09 * np.eye(5), atol=1e-12)
        for a, b in itertools.pairwise(square):
            np.testing.assert_allclose(a @ a.T, b.T @ b, atol=1e-12)
    (wide,) = linear_network((300, 400), strength=2.0, kind="random", rng=1)
    deviation = (wide**2).mean() / (4 / 300) - 1
    assert abs(deviation) < 4 * math.sqrt(2 / wide.size)
    again = linear_network((300, 400), strength=2.0, kind="random", rng=1)
    assert (again[0] == wide).all()
    assert (linear_network((300, 400), strength=2.0, kind="random", rng=2)[0] != wide).any()


def test_orthogonal_starts_are_uniform():
    """The mean of a corner's square is 1/n, and that of the corner 0, over 4000 frames."""
    corners = np.array(
        [linear_network((3, 3), strength=1.0, kind="orthogonal", rng=s)[0][0, 0] for s in range(4000)]
    )
    for values, mean in ((corners, 0.0), (corners**2, 1 / 3)):
        z = (values.mean() - mean) / (values.std() / math.sqrt(len(values)))
        assert abs(z) < 4


def test_thinning_and_progress_change_nothing(capsys):
    cross = task()
    weights = linear_network((5, 6, 4), strength=0.1, kind="random", rng=4)
    copies = [w.copy() for w in weights]
    every = train_linear(weights, cross, rate=0.01, n_steps=103)
    some = train_linear(weights, cross, rate=0.01, n_steps=103, thin=10, progress=True)
    assert "step" in capsys.readouterr().err
    assert (some.strengths == every.strengths[::10]).all()
    assert some.steps.tolist() == list(range(0, 101, 10))
    assert all((a == b).all() for a, b in zip(some.weights, every.weights, strict=True))
    assert all((a == b).all() for a, b in zip(weights, copies, strict=True))
    assert every == train_linear(weights, cross, rate=0.01, n_steps=103)
    assert every != some
    assert every != train_linear(weights, cross, rate=0.02, n_steps=103)
    none = train_linear(weights, cross, rate=0.01, n_steps=0)
    assert none.losses.shape == (1,)
    on = train_linear(
        train_linear(weights, cross, rate=0.01, n_steps=50).weights, cross, rate=0.01, n_steps=53
    )
    assert (on.strengths[-1] == every.strengths[-1]).all()


@pytest.mark.parametrize("shape", [(2, 3), (1, 5), (4, 1), (7, 6)])
def test_what_is_noted_does_not_depend_on_what_is_noted_together(shape):
    """To the last bit: how many maps one call hands back depends on the speed of the machine."""
    weights = linear_network((shape[1], 4, shape[0]), strength=0.1, kind="random", rng=1)
    cross = np.random.default_rng(2).normal(size=shape)
    every = train_linear(weights, cross, rate=0.01, n_steps=60)
    for thin in (5, 30, 60):
        some = train_linear(weights, cross, rate=0.01, n_steps=60, thin=thin)
        assert (some.strengths == every.strengths[::thin]).all()
        assert (some.losses == every.losses[::thin]).all()


def test_what_runs_away_is_nan_and_no_warning():
    for rate in (1.0, 1e50):
        run = train_linear([[[2.0]], [[1e50]]], [[1e50]], rate=rate, n_steps=40)
        assert run.diverged
        assert run.losses[0] < math.inf


# The kernels that only the page calls


def test_kernels_agree_with_the_simulator():
    left, right = np.linalg.qr(np.random.default_rng(1).normal(size=(4, 4)))[0], np.eye(4)
    strengths = np.array([2.0, 1.5, 1.0, 0.5])
    cross = np.empty((4, 4))
    kernels.compose(left, right, strengths, cross)
    np.testing.assert_allclose(cross, left * strengths, atol=1e-15)
    for depth in (1, 2, 3, 4):
        widths = np.array([4, *[6] * (depth - 1), 4])
        theta = np.empty((widths[1:] * widths[:-1]).sum())
        kernels.fill_aligned(widths, 0.2, left, right, theta)
        forward = np.empty((widths[1:].sum(), 4))
        kernels.follow(widths, theta, forward)
        np.testing.assert_allclose(forward[-4:], 0.2 * left, atol=1e-14)
        read = np.empty(4)
        assert kernels.read_modes(left, right, forward[-4:], read) == pytest.approx(0, abs=1e-14)
        np.testing.assert_allclose(read, 0.2, rtol=1e-13)
        assert kernels.white_loss(cross, forward[-4:]) == pytest.approx(((strengths - 0.2) ** 2).sum() / 2)
        kernels.fill_random(widths, 0.2, seed_state(1), theta)
        kernels.follow(widths, theta, forward)
        share = kernels.read_modes(left, right, forward[-4:], read)
        whole = forward[-4:]
        assert share == pytest.approx(1 - (read**2).sum() / (whole**2).sum())
        np.testing.assert_allclose(read, np.diagonal(left.T @ whole @ right), atol=1e-14)


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_flow_of_the_page_is_the_theory(depth):
    """To 1e-7 at every setting that the page offers, where the strongest mode has s = 3."""
    singular = np.array([3.0, 1.0, 0.3, 0.0])
    for start in (1e-5, 1e-2, 0.5):
        flow = np.empty((41, 4))
        kernels.flow_modes(depth, singular, np.full(4, start), 0.5, 0.005, flow)
        theory = mode_strength(0.5 * np.arange(41)[:, None], singular, start, depth=depth)
        assert np.abs(flow - theory).max() < 1e-7
        settled = kernels.settling_time(depth, singular, start, 0.9, 0.005, 1e4)
        slow = max(learning_time(s, start, depth=depth, fraction=0.9) for s in singular if s > 2 * start)
        assert settled == pytest.approx(slow, abs=0.011) or slow > 1e4
    assert kernels.settling_time(4, singular, 1e-5, 0.9, 0.01, 50.0) == 50.0


# Bad input

GOOD = {
    "weights": (np.ones((2, 2)), np.ones((2, 2))),
    "cross_covariance": np.eye(2),
    "rate": 0.1,
    "n_steps": 3,
}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weights": ()}, TypeError, "weights must be a tuple of matrices"),
        ({"weights": "11"}, TypeError, "weights must be a tuple of matrices"),
        ({"weights": np.ones((2, 2, 2))}, TypeError, "weights must be a tuple of matrices"),
        ({"weights": [np.ones(2)]}, ValueError, r"weights\[0\] must be a matrix; got the shape \(2,\)"),
        ({"weights": [np.ones((3, 2)), np.ones((2, 2))]}, ValueError, r"weights\[1\] must have 3 columns"),
        ({"weights": [[[math.nan, 1], [0, 1]]]}, ValueError, r"weights\[0\] must be finite; got nan"),
        ({"cross_covariance": np.ones((3, 2))}, ValueError, r"must have the shape \(2, 2\); got \(3, 2\)"),
        ({"cross_covariance": [[True, False], [False, True]]}, TypeError, "cross_covariance must hold real"),
        ({"rate": 0.0}, ValueError, "rate must be positive; got 0.0"),
        ({"rate": math.nan}, ValueError, "rate must be finite; got nan"),
        ({"rate": 1e51}, ValueError, r"rate must be at most 1e\+50; got 1e\+51"),
        ({"weights": (1e60 * np.eye(2),) * 2}, ValueError, r"a product of at most 1e\+100"),
        ({"weights": (1e200 * np.eye(2),) * 2}, ValueError, r"a product of at most 1e\+100"),
        ({"cross_covariance": 1e51 * np.eye(2)}, ValueError, r"cross_covariance must be at most 1e\+50"),
        ({"input_covariance": 1e308 * np.eye(2)}, ValueError, r"input_covariance must be at most 1e\+50"),
        ({"input_covariance": 1e-320 * np.eye(2)}, ValueError, "input_covariance must not be so small"),
        ({"n_steps": -1}, ValueError, "n_steps must be at least 0; got -1"),
        ({"n_steps": 2.0}, TypeError, "n_steps must be an integer; got 2.0"),
        ({"thin": 0}, ValueError, "thin must be at least 1; got 0"),
        ({"input_covariance": np.eye(3)}, ValueError, r"input_covariance must have the shape \(2, 2\)"),
        ({"input_covariance": [[1, 0.5], [0, 1]]}, ValueError, "input_covariance must be symmetric; .* 0.5"),
        ({"input_covariance": -np.eye(2)}, ValueError, "must have no negative eigenvalue; got -1"),
        ({"input_covariance": np.diag([1.0, 0.0])}, ValueError, "cross_covariance must vanish where"),
        ({"input_covariance": np.ma.array(np.eye(2))}, TypeError, "input_covariance must hold real numbers"),
    ],
)
def test_bad_training_is_refused(change, error, message):
    given_all = GOOD | change
    with pytest.raises(error, match=message):
        train_linear(given_all.pop("weights"), given_all.pop("cross_covariance"), **given_all)


@pytest.mark.parametrize(
    ("widths", "options", "error", "message"),
    [
        ((2,), {}, ValueError, "widths must be at least two numbers in a row"),
        (3, {}, ValueError, "widths must be at least two numbers in a row"),
        ((2, 0), {}, ValueError, "widths must be at least 1; got 0"),
        ((2, 2.0), {}, TypeError, "widths must hold integers"),
        ("22", {}, TypeError, "widths must hold integers"),
        ((2, 2), {"strength": -0.1}, ValueError, "strength must be at least 0; got -0.1"),
        ((2, 2), {"strength": "1"}, TypeError, "strength must be a real number"),
        ((2, 2), {"kind": "small"}, ValueError, "kind must be one of 'aligned', 'random', 'orthogonal'"),
        ((2, 2), {"cross_covariance": None}, ValueError, "must be given for kind 'aligned'; got None"),
        ((2, 2), {"kind": "random"}, ValueError, "cross_covariance is for kind 'aligned'; got kind 'random'"),
        ((2, 3), {}, ValueError, r"cross_covariance must have the shape \(3, 2\)"),
        ((2, 1, 2), {}, ValueError, "widths must be at least 2, one unit a mode; got 1"),
        ((2, 2), {"rng": -1}, ValueError, "rng must be at least 0"),
    ],
)
def test_bad_networks_are_refused(widths, options, error, message):
    with pytest.raises(error, match=message):
        linear_network(widths, **{"strength": 0.1, "cross_covariance": np.eye(2)} | options)
