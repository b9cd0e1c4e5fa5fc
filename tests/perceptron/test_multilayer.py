"""Back-propagation beside other differentiations, batches by enumeration, nets that learn parity."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook.perceptron import Layer, Multilayer
from smbook.perceptron.multilayer import ACTIVATIONS, LOSSES
from tests.interrupts import interrupted

CORNERS = np.array(list(itertools.product([-1.0, 1.0], repeat=2)))
PARITY = CORNERS.prod(axis=1)


def examples(net, n_rows, seed):
    """Return theta, inputs and targets."""
    rng = np.random.default_rng(seed)
    targets = rng.standard_normal((n_rows, net.widths[-1]))
    if net.loss_name == "logistic":
        targets = np.where(targets > 0, 1.0, -1.0)
    return (
        net.initial(rng=seed) + 0.3 * rng.standard_normal(net.n_parameters),
        rng.standard_normal((n_rows, net.widths[0])),
        targets,
    )


def relative(found, exact):
    return np.linalg.norm(found - exact) / np.linalg.norm(exact)


def by_autograd(net, theta, inputs, targets):
    """Return the outputs, the loss and the gradient that torch finds."""
    torch = pytest.importorskip("torch")
    parameters = torch.tensor(theta, dtype=torch.float64, requires_grad=True)
    phi = {"identity": lambda x: x, "tanh": torch.tanh, "relu": torch.relu, "logistic": torch.sigmoid}
    answer, start = torch.tensor(inputs, dtype=torch.float64), 0
    for k, (n_in, n_out) in enumerate(itertools.pairwise(net.widths)):
        middle, end = start + n_in * n_out, start + (n_in + 1) * n_out
        answer = answer @ parameters[start:middle].reshape(n_out, n_in).T + parameters[middle:end]
        if k < len(net.widths) - 2:
            answer = phi[net.activation](answer)
        start = end
    wanted = torch.tensor(targets, dtype=torch.float64)
    if net.loss_name == "squared":
        loss = ((answer - wanted) ** 2).sum(dim=1).mean() / 2
    else:
        loss = torch.nn.functional.softplus(-wanted * answer, threshold=1e4).mean()
    loss.backward()
    return answer.detach().numpy(), loss.item(), parameters.grad.numpy()


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@settings(max_examples=15)
@given(
    depth=st.integers(1, 4),
    widths=st.lists(st.integers(1, 6), min_size=5, max_size=5),
    seed=st.integers(0, 999),
)
def test_the_gradient_is_that_of_automatic_differentiation(activation, loss, depth, widths, seed):
    widths = widths[: depth + 1]
    if loss == "logistic":
        widths[-1] = 1
    net = Multilayer(widths, activation=activation, loss=loss)
    theta, inputs, targets = examples(net, 7, seed)
    outputs, level, gradient = by_autograd(net, theta, inputs, targets)
    np.testing.assert_allclose(net.outputs(theta, inputs), outputs, rtol=1e-10, atol=1e-12)
    assert net.loss(theta, inputs, targets) == pytest.approx(level, rel=1e-10)
    assert relative(net.gradient(theta, inputs, targets), gradient) < 1e-10


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ["identity", "tanh", "logistic"])
def test_the_gradient_by_differences(activation, loss):
    net = Multilayer([3, 4, 2, 1], activation=activation, loss=loss)
    theta, inputs, targets = examples(net, 6, 3)
    ahead, behind = (
        np.array([net.loss(theta + sign * step, inputs, targets) for step in 1e-5 * np.eye(theta.size)])
        for sign in (1, -1)
    )
    gradient = net.gradient(theta, inputs, targets)
    np.testing.assert_allclose(gradient, (ahead - behind) / 2e-5, atol=1e-9)
    assert (
        relative(np.roll(gradient, 1), (ahead - behind) / 2e-5) > 0.1
    )  # parameters in another order are told


def test_weights_stand_row_by_row_before_their_biases():
    net = Multilayer([2, 3, 1], activation="relu")
    first = Layer(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), np.array([-1.0, -2.0, -3.0]))
    last = Layer(np.array([[1.0, -1.0, 2.0]]), np.array([0.5]))
    theta = np.concatenate([part.ravel() for layer in (first, last) for part in layer])
    assert net.layers(theta) == (first, last)
    assert net.layers(theta) != (last, first)
    inputs = np.array([[1.0, -1.0], [0.5, 2.0]])
    hidden = np.maximum(inputs @ first.weights.T + first.biases, 0.0)
    found = net.activations(theta, inputs)
    np.testing.assert_array_equal(found[0], hidden)
    np.testing.assert_array_equal(found[1], hidden @ last.weights.T + last.biases)
    net.layers(theta)[0].weights[:] = 0.0
    assert theta[0] == 1.0


def test_a_rectified_unit_has_no_slope_at_zero():
    net = Multilayer([1, 1, 1], activation="relu")
    assert net.gradient([1.0, 0.0, 1.0, 0.0], [[0.0]], [1.0]).tolist() == [0.0, 0.0, 0.0, -1.0]


def test_layers_without_activation_are_one():
    deep, flat = Multilayer([3, 4, 5, 2], activation="identity"), Multilayer([3, 2])
    theta = deep.initial(rng=1)
    layers = deep.layers(theta + 0.1)
    weights, biases = np.eye(3), np.zeros(3)
    for layer in layers:
        weights, biases = layer.weights @ weights, layer.weights @ biases + layer.biases
    inputs = np.random.default_rng(1).standard_normal((4, 3))
    together = np.concatenate([weights.ravel(), biases])
    np.testing.assert_allclose(deep.outputs(theta + 0.1, inputs), flat.outputs(together, inputs))


@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_initial_weights(scale):
    """Variance scale^2 / n_in, mean 0, at |z| < 4; biases are 0."""
    net = Multilayer([400, 50, 30])
    layers = net.layers(net.initial(rng=3, scale=scale))
    for layer, n_in in zip(layers, (400, 50), strict=True):
        scaled = layer.weights * math.sqrt(n_in) / scale
        assert abs(scaled.mean()) < 4 / math.sqrt(scaled.size)
        assert abs((scaled**2).mean() - 1) < 4 * math.sqrt(2 / scaled.size)
        assert not layer.biases.any()
    np.testing.assert_array_equal(net.initial(rng=3), net.initial(rng=3))
    assert not np.array_equal(net.initial(rng=3), net.initial(rng=4))
    assert not net.initial(rng=3, scale=0.0).any()


# Batches


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("loss", LOSSES)
def test_the_law_of_batch_gradients(size, loss):
    """All subsets of 5: the mean is the full gradient, the covariance C (P - B) / (P - 1) / B."""
    net = Multilayer([2, 3, 1], loss=loss)
    theta, inputs, targets = examples(net, 5, 8)
    batches = [list(some) for some in itertools.combinations(range(5), size)]
    gradients = np.array([net.gradient(theta, inputs[some], targets[some]) for some in batches])
    full, each = net.gradient(theta, inputs, targets), net.example_gradients(theta, inputs, targets)
    np.testing.assert_allclose(gradients.mean(axis=0), full, atol=1e-15)
    np.testing.assert_allclose(each.mean(axis=0), full, atol=1e-15)
    covariance = np.cov(each.T, bias=True)
    np.testing.assert_allclose(
        np.cov(gradients.T, bias=True), covariance * (5 - size) / (5 - 1) / size, atol=1e-15
    )
    if 1 < size < 5:  # with replacement it would be C / B
        assert relative(np.cov(gradients.T, bias=True), covariance / size) > 0.2


def test_a_step_goes_down_the_gradient_of_one_of_the_batches():
    net = Multilayer([2, 3, 1])
    theta, inputs, targets = examples(net, 5, 8)
    steps = [
        theta - 0.1 * net.gradient(theta, inputs[list(some)], targets[list(some)])
        for some in itertools.combinations(range(5), 2)
    ]
    reached = set()
    for seed in range(60):
        end = net.train(theta, inputs, targets, rate=0.1, n_steps=1, batch_size=2, rng=seed).theta
        nearest = np.argmin(np.linalg.norm(steps - end, axis=1))
        np.testing.assert_allclose(steps[nearest], end, atol=1e-15)
        reached.add(nearest)
    assert len(reached) == 10


def test_a_batch_of_all_is_full_descent():
    net = Multilayer([2, 3, 1], loss="logistic")
    theta, inputs, targets = examples(net, 9, 1)
    one, two = (
        net.train(theta, inputs, targets, rate=0.5, n_steps=20, batch_size=size, rng=4) for size in (None, 9)
    )
    assert one == two
    assert one != net.train(theta, inputs, targets, rate=0.5, n_steps=20, batch_size=8, rng=4)


# Training


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("seed", range(3))
def test_small_steps_lower_the_loss(activation, loss, seed):
    """Each of them, by rate |g|^2 to leading order."""
    net = Multilayer([3, 5, 1], activation=activation, loss=loss)
    theta, inputs, targets = examples(net, 10, seed)
    trained = net.train(theta, inputs, targets, rate=1e-3, n_steps=200)
    assert (np.diff(trained.losses) < 0).all()
    slope = net.gradient(theta, inputs, targets)
    first = net.train(theta, inputs, targets, rate=1e-6, n_steps=1)
    assert first.losses[0] - first.losses[1] == pytest.approx(1e-6 * slope @ slope, rel=1e-3)


def test_steps_written_out_in_numpy():
    net = Multilayer([2, 4, 1], activation="logistic", loss="logistic")
    theta, inputs, targets = examples(net, 6, 2)
    at, velocity, losses = theta.copy(), np.zeros_like(theta), []
    for _ in range(25):
        losses.append(net.loss(at, inputs, targets))
        velocity = 0.8 * velocity - 0.2 * net.gradient(at, inputs, targets)
        at = at + velocity
    losses.append(net.loss(at, inputs, targets))
    trained = net.train(theta, inputs, targets, rate=0.2, n_steps=25, momentum=0.8)
    np.testing.assert_array_equal(trained.theta, at)
    np.testing.assert_array_equal(trained.losses, losses)
    np.testing.assert_array_equal(trained.steps, np.arange(26))


def test_descent_ends_in_least_squares():
    net = Multilayer([3, 2])
    rng = np.random.default_rng(0)
    inputs, targets = rng.standard_normal((20, 3)), rng.standard_normal((20, 2))
    trained = net.train(net.initial(rng=1), inputs, targets, rate=0.3, n_steps=3000, momentum=0.5)
    exact = np.linalg.lstsq(np.column_stack([inputs, np.ones(20)]), targets, rcond=None)[0]
    (layer,) = net.layers(trained.theta)
    np.testing.assert_allclose(np.column_stack([layer.weights, layer.biases]), exact.T, atol=1e-12)


@pytest.mark.parametrize("every", [1, 3, 7, 20, 50])
def test_what_is_recorded(every):
    net = Multilayer([2, 3, 1])
    theta, inputs, targets = examples(net, 6, 2)
    setting = {"rate": 0.1, "n_steps": 20, "batch_size": 2, "rng": 5}
    whole = net.train(theta, inputs, targets, **setting)
    found = net.train(theta, inputs, targets, **setting, record_every=every)
    assert found.steps.tolist() == [*range(0, 20, every), 20]
    np.testing.assert_array_equal(found.losses, whole.losses[found.steps])
    np.testing.assert_array_equal(found.theta, whole.theta)
    assert found.losses[-1] == net.loss(found.theta, inputs, targets)


def test_no_steps_change_nothing():
    net = Multilayer([2, 3, 1])
    theta, inputs, targets = examples(net, 6, 2)
    found = net.train(theta, inputs, targets, rate=0.1, n_steps=0)
    np.testing.assert_array_equal(found.theta, theta)
    assert found.losses.tolist() == [net.loss(theta, inputs, targets)]
    found.theta[:] = 0.0
    assert theta.all()


def solved(widths, seed):
    """Tell whether descent makes a net answer parity of two inputs."""
    net = Multilayer(widths, loss="logistic")
    trained = net.train(net.initial(rng=seed), CORNERS, PARITY, rate=1.0, n_steps=1500, record_every=1500)
    return bool((net.outputs(trained.theta, CORNERS)[:, 0] * PARITY > 0).all())


@pytest.mark.parametrize(("widths", "least"), [((2, 2, 1), 0.5), ((2, 3, 1), 0.9)])
def test_parity_is_learned_with_hidden_units_and_not_without(widths, least):
    """By half of 40 seeds with two of them, nine tenths with three, and none with no layer between."""
    shares = np.mean([solved(widths, seed) for seed in range(40)])
    assert shares > least
    assert not any(solved((2, 1), seed) for seed in range(5))


def test_one_layer_cannot_do_better_on_parity_than_to_guess():
    """The logistic loss is convex, and its gradient vanishes where all parameters do, at ln 2."""
    net = Multilayer([2, 1], loss="logistic")
    assert not net.gradient(np.zeros(3), CORNERS, PARITY).any()
    trained = net.train(net.initial(rng=1), CORNERS, PARITY, rate=1.0, n_steps=2000)
    assert trained.losses[-1] == pytest.approx(math.log(2), rel=1e-12)


def test_large_outputs_leave_the_logistic_loss_finite():
    net = Multilayer([1, 1], loss="logistic")
    assert net.loss([1e90, 0.0], [[1.0]], [-1.0]) == 1e90
    assert net.loss([1e90, 0.0], [[1.0]], [1.0]) == 0.0
    assert net.loss([50.0, 0.0], [[1.0]], [1.0]) == pytest.approx(math.exp(-50), rel=1e-12)
    assert net.gradient([1e90, 0.0], [[1.0]], [-1.0]).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("batch_size", "every"), [(None, 1), (2, 1), (None, 1000)])
def test_a_rate_that_is_too_large_is_told_with_the_step(batch_size, every):
    """A slope of 4 bears rates to 1/2; at 1 each step multiplies parameters by 3."""
    net = Multilayer([1, 1])
    inputs, targets = np.full((3, 1), math.sqrt(3.0)), np.zeros(3)
    with pytest.raises(
        FloatingPointError, match=r"after (\d+) steps: descent has run away at the rate 1;"
    ) as caught:
        net.train(
            [1.0, 0.0], inputs, targets, rate=1.0, n_steps=1000, batch_size=batch_size, record_every=every
        )
    steps = int(str(caught.value).split(" after ")[1].split()[0])
    level = net.loss([1.0, 0.0], inputs, targets)
    assert steps == pytest.approx(math.log(1e100 / level) / math.log(9.0), abs=2)
    fine = net.train([1.0, 0.0], inputs, targets, rate=0.49, n_steps=2000, record_every=100)
    assert fine.losses[-1] < 1e-9


def test_numbers_beyond_the_range_are_told():
    net = Multilayer([1, 1, 1, 1, 1], activation="relu")
    huge = [1e100, 0.0] * 4
    for call in (
        net.outputs,
        lambda *given: net.loss(*given, [1.0]),
        lambda *given: net.gradient(*given, [1.0]),
    ):
        with pytest.raises(FloatingPointError, match="beyond the range of float64"):
            call(huge, [[1.0]])


def test_training_listens_to_interrupts():
    seconds, _ = interrupted(
        "import numpy as np\n"
        "from smbook.perceptron import Multilayer\n"
        "net = Multilayer([2, 30, 1])\n"
        "data = np.ones((200, 2)), np.ones(200)\n"
        "setting = {'rate': 1e-3, 'record_every': 10**7}\n"
        "net.train(net.initial(rng=1), *data, n_steps=1, **setting)\n"
        "print('starts', flush=True)\n"
        "try:\n"
        "    net.train(net.initial(rng=1), *data, n_steps=10**8, **setting)\n"
        "except KeyboardInterrupt:\n"
        "    print('heard', flush=True)\n"
    )
    assert seconds < 5


def test_what_is_given_is_left_alone():
    net = Multilayer([2, 3, 1])
    theta, inputs, targets = examples(net, 20, 1)
    before = theta.copy(), inputs.copy(), targets.copy()
    net.train(theta, inputs, targets, rate=0.1, n_steps=10, batch_size=3, rng=1)
    net.gradient(theta, inputs, targets)
    for now, then in zip((theta, inputs, targets), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_progress(capsys):
    net = Multilayer([1, 1])
    net.train([0.0, 0.0], [[1.0]], [1.0], rate=0.1, n_steps=50, progress=True)
    assert "50/50" in capsys.readouterr().err


def test_nets_compare_and_show_themselves():
    net = Multilayer((2, 3, 1), activation="relu", loss="logistic")
    assert repr(net) == "Multilayer(2-3-1, relu, logistic loss)"
    assert net == Multilayer(np.array([2, 3, 1]), activation="relu", loss="logistic")
    assert hash(net) == hash(Multilayer([2, 3, 1], activation="relu", loss="logistic"))
    assert net != Multilayer([2, 3, 1], activation="relu")
    assert net != "net"
    assert (net.widths, net.activation, net.loss_name, net.n_parameters) == (
        (2, 3, 1),
        "relu",
        "logistic",
        13,
    )
    trained = net.train(np.zeros(13), CORNERS, PARITY.astype(np.int8), rate=0.1, n_steps=2)
    assert repr(trained) == "Trained(2 steps, loss 0.693147 to 0.693147)"


NET, LOGISTIC = Multilayer([2, 2, 1]), Multilayer([2, 1], loss="logistic")
THETA, ROWS, WANTED = np.ones(9), np.ones((3, 2)), np.ones(3)


def train(**changed):
    return NET.train(THETA, ROWS, WANTED, **{"rate": 0.1, "n_steps": 3, **changed})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Multilayer([2]), ValueError, r"at least one layer; got \(2,\)"),
        (lambda: Multilayer([2, 0, 1]), ValueError, "each of widths must be at least 1; got 0"),
        (lambda: Multilayer([2, 1.5]), TypeError, r"each of widths must be an integer; got 1\.5"),
        (lambda: Multilayer([2, True]), TypeError, "each of widths must be an integer; got True"),
        (lambda: Multilayer("21"), TypeError, "widths must be a sequence of integers; got '21'"),
        (lambda: Multilayer(2), TypeError, "widths must be a sequence of integers; got 2"),
        (lambda: Multilayer([10**5, 10**5]), ValueError, r"at most 2\*\*31 parameters"),
        (lambda: Multilayer([2, 1], activation="sine"), ValueError, "activation must be one of"),
        (lambda: Multilayer([2, 1], loss="hinge"), ValueError, "loss must be one of 'squared', 'logistic'"),
        (
            lambda: Multilayer([2, 2], loss="logistic"),
            ValueError,
            "must end with one output for the logistic",
        ),
        (lambda: NET.initial(scale=-1.0), ValueError, r"scale must be at least 0; got -1\.0"),
        (lambda: NET.initial(rng=1.5), TypeError, "rng must be an integer"),
        (
            lambda: NET.layers(np.ones(8)),
            ValueError,
            r"theta must have the shape \(9,\) for Multilayer\(2-2-1",
        ),
        (lambda: NET.outputs(np.full(9, math.nan), ROWS), ValueError, "theta must be finite; got nan"),
        (lambda: NET.outputs(np.full(9, 1e200), ROWS), ValueError, r"theta must be at most 1e\+100 in size"),
        (lambda: NET.outputs("abc", ROWS), TypeError, "theta must hold real numbers"),
        (
            lambda: NET.outputs(THETA, np.ones((3, 3))),
            ValueError,
            "inputs must have 2 columns for Multilayer",
        ),
        (lambda: NET.outputs(THETA, np.ones(2)), ValueError, r"inputs must have the shape \(P, N\)"),
        (
            lambda: NET.outputs(THETA, np.ma.array(ROWS, mask=ROWS > 0)),
            TypeError,
            "inputs must hold real numbers; got a masked array",
        ),
        (lambda: NET.loss(THETA, ROWS, np.ones(4)), ValueError, r"targets must have the shape \(3, 1\); got"),
        (lambda: NET.loss(THETA, ROWS, np.full(3, 1e200)), ValueError, r"targets must be at most 1e\+100"),
        (lambda: NET.gradient(THETA, ROWS, [1, 2, math.inf]), ValueError, "targets must be finite; got inf"),
        (lambda: NET.example_gradients(THETA, ROWS, "abc"), TypeError, "targets must hold real numbers"),
        (
            lambda: Multilayer([2, 3]).loss(THETA, ROWS, WANTED),
            ValueError,
            r"targets must have the shape \(3, 3\)",
        ),
        (lambda: LOGISTIC.loss(np.ones(3), ROWS, [1, 0, 1]), ValueError, "targets must be .1 or -1 for the"),
        (lambda: train(rate=0.0), ValueError, r"rate must be positive; got 0\.0"),
        (lambda: train(rate=math.nan), ValueError, "rate must be finite; got nan"),
        (lambda: train(rate="1"), TypeError, "rate must be a real number; got '1'"),
        (lambda: train(n_steps=-1), ValueError, "n_steps must be at least 0; got -1"),
        (lambda: train(n_steps=2.0), TypeError, r"n_steps must be an integer; got 2\.0"),
        (lambda: train(batch_size=0), ValueError, "batch_size must be at least 1; got 0"),
        (lambda: train(batch_size=4), ValueError, "batch_size must be at most 3; got 4"),
        (lambda: train(momentum=1.0), ValueError, r"momentum must be below 1; got 1\.0"),
        (lambda: train(record_every=0), ValueError, "record_every must be at least 1; got 0"),
        (lambda: train(rng=-1), ValueError, "rng must be at least 0; got -1"),
    ],
)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
