"""Wide networks against automatic differentiation, the kernels of infinite width, and the linear equation."""

import math

import numpy as np
import pytest

from smbook.dynamics import WideNetwork, empirical_kernel, outputs, train_network, wide_network
from smbook.theory.dynamics import lazy_outputs, nngp_kernel, tangent_kernel

SEEDS = range(10)
# Theory notes of the book: scale, kernel distance, relative change of the kernel, of the parameters.
LAZY_OR_RICH = {
    0.1: (0.0303, 1.25, 0.505),
    0.3: (0.0038, 0.240, 0.208),
    1.0: (2.4e-4, 0.031, 0.0662),
    3.0: (9e-5, 0.0135, 0.0220),
    10.0: (3e-5, 0.0076, 0.0066),
    100.0: (2e-6, 0.0013, 0.00066),
}


def examples(seed, n=20, dimension=10):
    """Unit vectors, and the sign of the product of their first two numbers."""
    inputs = np.random.default_rng(seed).standard_normal((n, dimension))
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    return inputs, np.sign(inputs[:, 0] * inputs[:, 1])


def by_autograd(network, inputs):
    """Answers, and the Jacobian by all weights, as torch finds them."""
    torch = pytest.importorskip("torch")
    weights = [torch.tensor(part, requires_grad=True) for part in (*network.hidden, network.readout)]
    found, gradients = [], []
    for x in torch.tensor(inputs):
        h = x
        for part in weights[:-1]:
            h = math.sqrt(2 / network.width) * torch.relu(part @ h)
        answer = weights[-1] @ h
        gradients.append(torch.cat([part.ravel() for part in torch.autograd.grad(answer, weights)]).numpy())
        found.append(answer.item())
    return np.array(found), np.array(gradients)


@pytest.mark.parametrize(("width", "depth"), [(10_000, 1), (300, 2), (150, 4)])
def test_answers_and_kernel_are_those_of_autograd(width, depth):
    network, inputs = wide_network(6, width, depth=depth, rng=depth), 2 * examples(1, 5, 6)[0]
    answers, gradients = by_autograd(network, inputs)
    np.testing.assert_allclose(outputs(network, inputs), answers, rtol=1e-12, atol=1e-12)
    kernel = gradients @ gradients.T
    np.testing.assert_allclose(empirical_kernel(network, inputs), kernel, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(empirical_kernel(network, inputs[:2], inputs), kernel[:2], atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_at_width_ten_thousand_the_kernel_is_that_of_infinite_width_within_its_root(seed):
    """One entry on the diagonal has the variance 12 / m; 4 errors of it tell a kernel that is 0.07 off."""
    inputs, _ = examples(seed)
    apart = empirical_kernel(wide_network(10, 10_000, rng=seed), inputs) - tangent_kernel(inputs)
    assert np.abs(np.diag(apart)).max() < 4.5 * math.sqrt(12 / 10_000)
    assert np.linalg.norm(apart) / np.linalg.norm(tangent_kernel(inputs)) < 2 * 2.05 / 100


def test_the_variance_of_the_kernel_is_twelve_over_the_width():
    """Mean 2 and variance 12 / m; a twentieth more would be seen."""
    x, width, n_draws = [[0.6, 0.8]], 50, 20_000
    draws = np.array([empirical_kernel(wide_network(2, width, rng=k), x)[0, 0] for k in range(n_draws)])
    assert abs(draws.mean() - 2) < 4 * math.sqrt(12 / width / n_draws)
    squares = (draws - 2) ** 2 * width
    error = squares.std() / math.sqrt(n_draws)
    assert abs(squares.mean() - 12) < 4 * error < 12 * 0.1 / 2


def test_the_error_of_the_kernel_falls_with_the_root_of_the_width():
    """Over ten draws of a network: 2.1 / sqrt(m), four deviations of 0.4 / sqrt(10) wide."""
    inputs, _ = examples(0)
    exact = tangent_kernel(inputs)
    for width in (64, 256, 1024, 4096):
        found = [empirical_kernel(wide_network(10, width, rng=seed), inputs) for seed in SEEDS]
        errors = [np.linalg.norm(kernel - exact) / np.linalg.norm(exact) for kernel in found]
        assert np.mean(errors) * math.sqrt(width) == pytest.approx(2.1, abs=0.5)


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_answers_before_training_have_the_covariance_of_the_gaussian_process(depth):
    """Mean products over networks, at any width for one layer, with corrections of 1 / m for more."""
    inputs, _ = examples(3, 3)
    width = 20 if depth == 1 else 150
    answers = np.array([outputs(wide_network(10, width, depth=depth, rng=k), inputs) for k in range(1500)])
    products = answers[:, :, np.newaxis] * answers[:, np.newaxis]
    error = products.std(axis=0) / math.sqrt(len(products))
    assert (np.abs(products.mean(axis=0) - nngp_kernel(inputs, depth=depth)) < 4 * error + 0.03).all()


def test_deeper_kernels_also_tend_to_theirs():
    inputs, _ = examples(2, 5)
    exact = tangent_kernel(inputs, depth=3)
    errors = {}
    for width in (100, 400):
        found = [empirical_kernel(wide_network(10, width, depth=3, rng=s), inputs) for s in SEEDS]
        errors[width] = np.mean([np.linalg.norm(kernel - exact) / np.linalg.norm(exact) for kernel in found])
    assert errors[400] < 0.25
    assert 1.5 < errors[100] / errors[400] < 2.7


# Training


def test_a_step_is_one_of_gradient_descent():
    inputs, targets = examples(4, 6, 3)
    network = wide_network(3, 40, depth=2, rng=4)
    answers, gradients = by_autograd(network, inputs)
    first = train_network(network, inputs, targets, scale=0.5, rate=0.03, n_steps=1)
    second = train_network(first.network, inputs, targets, n_steps=0)
    assert second.network == first.network
    gradient = -targets @ gradients / 6 / 0.5  # of sum (f - y)^2 / (2 P scale^2), where f = 0
    flat = [
        np.concatenate([part.ravel() for part in (*net.hidden, net.readout)])
        for net in (network, first.network)
    ]
    np.testing.assert_allclose(flat[1], flat[0] - 0.03 * gradient, atol=1e-15)
    np.testing.assert_array_equal(first.outputs[0], 0.0)
    np.testing.assert_allclose(first.outputs[1], 0.5 * (outputs(first.network, inputs) - answers), atol=1e-14)


def deviation(seed, width, network_seed, n_steps=500, rate=0.2):
    """How far training is from what a kernel that stays would do with steps of that size, in all |y|."""
    inputs, targets = examples(seed)
    values, modes = np.linalg.eigh(tangent_kernel(inputs))
    network = wide_network(10, width, rng=network_seed)
    trained = train_network(network, inputs, targets, rate=rate, n_steps=n_steps)
    left = (1 - rate * values / 20) ** np.arange(n_steps + 1)[:, np.newaxis] * (modes.T @ targets)
    apart = np.linalg.norm(trained.outputs - (targets - left @ modes.T), axis=1)
    return apart.max() / np.linalg.norm(targets)


def test_lazy_training_is_linear_up_to_the_root_of_the_width():
    """Theory notes, up to t = 100: .052 at m = 256 and .0117 at m = 4096 of one draw."""
    narrow = [deviation(seed, 256, seed) for seed in SEEDS]
    wide = [deviation(seed, 4096, seed) for seed in SEEDS]
    assert np.mean(narrow) == pytest.approx(0.052, abs=0.02)
    assert np.mean(wide) == pytest.approx(0.0125, abs=0.005)
    assert np.mean(narrow) / np.mean(wide) == pytest.approx(4.0, abs=1.0)


def test_the_flow_is_the_limit_of_small_steps():
    """With a kernel that stays, scale 1e4, the distance to the flow halves with the rate."""
    inputs, targets = examples(0)
    network = wide_network(10, 1000, rng=0)
    kernel = empirical_kernel(network, inputs)
    apart = []
    for rate in (0.2, 0.1):
        found = train_network(
            network, inputs, targets, scale=1e4, rate=rate, n_steps=round(20 / rate), thin=20
        )
        apart.append(np.abs(found.outputs - lazy_outputs(kernel, targets, found.times)).max())
    assert apart[0] < 0.06
    assert apart[0] / apart[1] == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize("scale", LAZY_OR_RICH)
def test_lazy_or_rich_by_the_scale_of_the_output(scale):
    """The notes' numbers are those of one set of examples: within three deviations of ten sets."""
    found = []
    for seed in SEEDS:
        trained = train_network(wide_network(10, 512, rng=seed), *examples(seed), scale=scale, tolerance=1e-3)
        assert trained.losses[-1] <= 1e-3 < trained.losses[-2]
        found.append((trained.kernel_distance, trained.kernel_change, trained.parameter_change))
    logs = np.log(found)
    apart = (np.log(LAZY_OR_RICH[scale]) - logs.mean(axis=0)) / logs.std(axis=0, ddof=1)
    assert (np.abs(apart) < 3).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_how_far_lazy_weights_move(seed):
    """|dw|^2 = y Theta^-1 y / scale^2 when all is learned by a kernel that stays."""
    inputs, targets = examples(seed)
    network = wide_network(10, 1024, rng=seed)
    trained = train_network(network, inputs, targets, scale=100.0, tolerance=1e-5)
    length = math.sqrt((network.hidden[0] ** 2).sum() + (network.readout**2).sum())
    expected = math.sqrt(targets @ np.linalg.solve(tangent_kernel(inputs), targets)) / 100 / length
    assert trained.parameter_change == pytest.approx(expected, rel=0.1)


def test_weights_move_less_in_wider_networks():
    moved = {
        width: np.mean(
            [
                train_network(wide_network(10, width, rng=s), *examples(s), tolerance=1e-3).parameter_change
                for s in range(5)
            ]
        )
        for width in (128, 2048)
    }
    assert moved[128] / moved[2048] == pytest.approx(4, abs=0.4)


def test_nothing_of_what_is_given_changes_and_seeds_repeat():
    inputs, targets = examples(0, 5, 3)
    network = wide_network(3, 50, depth=2, rng=7)
    before = wide_network(3, 50, depth=2, rng=7)
    found = train_network(network, inputs, targets, n_steps=25, thin=10)
    assert network == before
    assert network != wide_network(3, 50, depth=2, rng=8)
    assert found == train_network(before, inputs, targets, n_steps=25, thin=10)
    np.testing.assert_allclose(found.times / found.times[-1] * 25, [0, 10, 20, 25])
    assert found.n_steps == 25
    assert repr(found.network) == "WideNetwork(3-50-50-1)"
    assert repr(found).startswith("WideTraining(WideNetwork(3-50-50-1), 25 steps, loss 0.5 to 0.")


def test_targets_of_zero_are_learned_at_once():
    inputs, _ = examples(0, 5, 3)
    found = train_network(wide_network(3, 50, rng=1), inputs, np.zeros(5))
    assert (found.n_steps, found.kernel_distance, found.parameter_change) == (0, 0.0, 0.0)


def test_descent_that_runs_away_says_so():
    """With these weights; of others all units may fall silent before, and descent stands still."""
    inputs, targets = examples(0, 5, 3)
    for rate in (100.0, 1e10, 1e300):
        with pytest.raises(FloatingPointError, match="descent has run away at the rate 1"):
            train_network(wide_network(3, 50, rng=1), inputs, targets, rate=rate)


@pytest.mark.parametrize("call", [outputs, empirical_kernel])
def test_numbers_beyond_floats_are_told(call):
    large = WideNetwork((np.full((2, 1), 1e20), *[np.full((2, 2), 1e20)] * 20), np.ones(2))
    with pytest.raises(FloatingPointError, match="beyond the range of floats"):
        call(large, [[1.0]])


NETWORK = wide_network(2, 3, rng=1)
BAD = [
    (wide_network, (0, 3), {}, ValueError, "n_inputs must be at least 1; got 0"),
    (wide_network, (2, 3.0), {}, TypeError, "width must be an integer; got 3.0"),
    (wide_network, (2, 3), {"depth": 0}, ValueError, "depth must be at least 1; got 0"),
    (wide_network, (2, 1), {"depth": 10**9}, ValueError, "depth must be at most 10000"),
    (wide_network, (2, 2**31), {}, ValueError, "at most 2\\*\\*31 weights"),
    (wide_network, (2, 3), {"rng": -1}, ValueError, "rng"),
    (outputs, ("net", [[1.0, 2.0]]), {}, TypeError, "network must be a WideNetwork; got str"),
    (outputs, (WideNetwork((), np.ones(2)), [[1.0]]), {}, ValueError, "at least one hidden layer"),
    (
        outputs,
        (WideNetwork((np.ones((3, 2)),), np.ones(2)), [[1.0, 2.0]]),
        {},
        ValueError,
        "must have the shape",
    ),
    (outputs, (WideNetwork((np.ones(3),), np.ones(3)), [[1.0]]), {}, ValueError, "hidden layers of matrices"),
    (outputs, (NETWORK, [1.0, 2.0]), {}, ValueError, "inputs must have the shape"),
    (outputs, (NETWORK, [[1.0, 2.0, 3.0]]), {}, ValueError, "inputs must have the shape"),
    (outputs, (NETWORK, [[math.nan, 2.0]]), {}, ValueError, "inputs must be finite; got nan"),
    (outputs, (NETWORK, [[1e30, 2.0]]), {}, ValueError, "inputs must be at most"),
    (empirical_kernel, (NETWORK, [[1.0, 2.0]], [[1.0]]), {}, ValueError, "others must have the shape"),
    (train_network, (NETWORK, [[1.0, 2.0]], [1.0, 2.0]), {}, ValueError, "targets must be one for each of 1"),
    (train_network, (NETWORK, [[1.0, 2.0]], ["a"]), {}, TypeError, "targets must hold real numbers"),
    (train_network, (NETWORK, [[1.0, 2.0]], [1.0]), {"scale": 0.0}, ValueError, "scale must be at least"),
    (
        train_network,
        (NETWORK, [[1.0, 2.0]], [1.0]),
        {"rate": 0.0},
        ValueError,
        "rate must be positive; got 0.0",
    ),
    (
        train_network,
        (NETWORK, [[1.0, 2.0]], [1.0]),
        {"n_steps": -1},
        ValueError,
        "n_steps must be at least 0",
    ),
    (train_network, (NETWORK, [[1.0, 2.0]], [1.0]), {"tolerance": math.inf}, ValueError, "tolerance"),
    (
        train_network,
        (NETWORK, [[1.0, 2.0]], [1.0]),
        {"thin": 0},
        ValueError,
        "thin must be at least 1; got 0",
    ),
]


@pytest.mark.parametrize(("function", "arguments", "options", "error", "words"), BAD)
def test_bad_input_is_refused(function, arguments, options, error, words):
    with pytest.raises(error, match=words):
        function(*arguments, **options)
