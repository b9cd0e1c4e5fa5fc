import functools
import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from smbook.landscape import Loss, _stencil, sections
from smbook.landscape.directions import random_directions
from smbook.landscape.sections import in_double, trace_from_sections
from tests.landscape.models import dense_hessian, line, problem, same, snapshot

SMOOTH = ("tanh", "residual", "shared", "linear")


def along(function, steps):
    """Second derivatives of a function of one number at 0."""
    reach = np.append(steps, 2.0 * steps[-1])
    return _stencil.second_derivatives(function(reach), function(-reach), function(0.0), np.asarray(steps))


@given(st.lists(st.floats(-3.0, 3.0), min_size=6, max_size=6), st.floats(0.01, 1.0))
def test_the_stencil_is_exact_for_polynomials_of_degree_five(coefficients, step):
    polynomial = np.polynomial.Polynomial(coefficients)
    assert along(polynomial, [step])[0] == pytest.approx(2 * coefficients[2], abs=1e-9)


def test_the_stencil_is_of_fourth_order_and_a_plain_second_difference_is_not():
    def function(x):
        return np.exp(np.asarray(x)) * np.cos(3 * np.asarray(x))  # with l'' = -8, l'''''' = 352

    steps = _stencil.ladder(0.05, 3)
    errors = along(function, steps) + 8.0
    assert errors == pytest.approx(-(steps**4) / 90 * 352, rel=0.02)
    plain = (function(steps) - 2.0 + function(-steps)) / steps**2 + 8.0
    assert plain[1:] / plain[:-1] == pytest.approx(4.0, rel=0.02)


def test_rounding_is_amplified_as_it_says():
    rng = np.random.default_rng(1)
    above, below, centre = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2)), rng.normal(size=(4000, 1))
    found = _stencil.second_derivatives(above, below, centre, np.array([0.5]))[:, 0]
    assert found.std() == pytest.approx(_stencil.AMPLIFICATION / 0.25, rel=4 / np.sqrt(8000))


def ladder_of(rounding, truncation, kink=np.inf):
    steps = _stencil.ladder(1.0, 20)
    noise = np.random.default_rng(1).normal(size=(8, 20))
    found = 1.0 + rounding * noise / steps**2 - truncation * steps**4
    found[3, steps > kink] += 1.0 / steps[steps > kink]
    return steps, found


def test_the_plateau_lies_between_rounding_and_truncation_and_below_kinks():
    steps, found = ladder_of(1e-16, 1.0)
    smooth = _stencil.on_plateau(found)
    assert abs(found[:, smooth] - 1.0).max() < 1e-6
    steps, found = ladder_of(1e-16, 1.0, kink=3e-4)
    assert steps[_stencil.on_plateau(found)] < 2e-4
    assert abs(found[:, _stencil.on_plateau(found)] - 1.0).max() < 1e-6
    assert abs(found[:, smooth] - 1.0).max() > 100.0  # what the smooth one's step would give


def test_without_a_plateau_the_step_that_changes_least_is_taken():
    steps, found = ladder_of(1e-4, 1.0)
    assert 0.1 < steps[_stencil.on_plateau(found)] < 0.6
    found[:, 2:] = np.nan
    assert _stencil.on_plateau(found) == 1
    with pytest.raises(ValueError, match="no step of the ladder gives finite second derivatives"):
        _stencil.on_plateau(np.full((3, 4), np.nan))


def drawn(kind, n_sections, n, seed):
    """The directions and what v^T H v is to be multiplied by."""
    return random_directions(n, n_sections, kind=kind, rng=seed), 1.0 if kind == "gaussian" else float(n)


@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("kind", ["gaussian", "unit", "orthogonal"])
def test_each_section_has_the_curvature_of_the_dense_hessian(name, kind):
    """A relative bias of 1e-6 would show; that of the largest step of the ladder, above 1e-4, does."""
    case = problem(name)
    loss, matrix = case.loss(), dense_hessian(case)
    found = trace_from_sections(loss, 12, kind=kind, rng=1)
    rows, scale = drawn(kind, 12, loss.n_parameters, 1)
    exact = scale * np.einsum("ki,ij,kj->k", rows, matrix, rows)
    size = np.sqrt((exact**2).mean())
    assert abs(found.samples - exact).max() < 1e-6 * size
    assert found.flat
    assert found.change < 1e-6 * size
    assert found.value == pytest.approx(exact.mean(), abs=1e-7 * size)
    pilot = abs(found.values - exact[: found.n_pilot].mean())
    assert pilot[found.steps == found.step] < 1e-7 * size
    assert pilot[-1] > 1e-4 * size or name == "linear"
    assert found.errors[-2] == pytest.approx(found.errors[found.steps == found.step], rel=0.5)


def z_scores(loss, trace, kind, n_sections, seeds):
    found = [trace_from_sections(loss, n_sections, kind=kind, step=1e-3, rng=seed) for seed in seeds]
    return np.array([each.z(trace) for each in found])


@pytest.mark.parametrize(("kind", "n_sections"), [("gaussian", 30), ("unit", 30), ("orthogonal", 48)])
def test_the_trace_agrees_within_its_error_over_many_seeds(kind, n_sections):
    """Errors that are wrong by a third would be caught; a bias is, section by section, in the test above."""
    case = problem("tanh")
    trace, n_seeds = np.trace(dense_hessian(case)), 80
    z = z_scores(case.loss(), trace, kind, n_sections, range(n_seeds))
    assert abs(z.mean()) < 4 / np.sqrt(n_seeds)
    assert abs(z.std() - 1) < 4 / np.sqrt(2 * n_seeds)
    if kind == "orthogonal":  # errors as of independent directions are twice as large as they should be
        assert z.std() * np.sqrt(1 - n_sections / 64) < 0.75


def test_orthogonal_sections_in_all_directions_leave_nothing_to_chance():
    case = problem("tanh")
    found = trace_from_sections(case.loss(), 64, kind="orthogonal", rng=1)
    assert found.error == 0.0
    assert found.value == pytest.approx(np.trace(dense_hessian(case)), rel=1e-6)


@functools.cache
def case_of(activation):
    case = line(24, 24, activation=activation)
    return case.loss(), dense_hessian(case)


def test_steps_at_which_rounding_or_truncation_rules_are_told():
    loss = problem("tanh").loss()
    small, large = (trace_from_sections(loss, 20, step=step, rng=1) for step in (1e-8, 0.5))
    assert not small.flat
    assert 0.1 < small.change / small.rounding[0] < 10.0
    assert not large.flat
    assert large.change > 1e6 * large.rounding[0]


def biases(activation, step, n_sections=40):
    """What sections read more than the Hessian by automatic differentiation, on the same directions."""
    loss, matrix = case_of(activation)
    rows = random_directions(loss, n_sections, rng=2)
    found = trace_from_sections(loss, n_sections, step=step, rng=2)
    more = found.samples - np.einsum("ki,ij,kj->k", rows, matrix, rows)
    return more.mean(), more.std() / np.sqrt(n_sections), np.trace(matrix), found


def test_kinks_of_relu_add_to_the_curvature_and_tanh_has_none():
    """On a plateau below all kinks the two agree; steps that are good for tanh read several times more."""
    for step in (2.5e-4, 1e-3):
        more, error, trace, found = biases(nn.ReLU, step)
        assert more > max(4 * error, trace)
        assert not found.flat
        assert "NOT on a plateau" in repr(found)
        more, _, trace, found = biases(nn.Tanh, step)
        assert abs(more) < 1e-6 * trace
        assert found.flat
    more, _, trace, found = biases(nn.ReLU, 4e-6)
    assert abs(more) < 1e-4 * trace
    assert found.flat
    more, _, trace, found = biases(nn.ReLU, None)
    assert abs(more) < 1e-4 * trace
    assert found.step < 2e-5


def test_a_ladder_that_ends_among_kinks_is_told_from_one_that_reaches_below_them(monkeypatch):
    """Kinks of this network lie beyond 1e-5; a ladder of 12 steps ends at 4e-5."""
    case = line(30, 30)
    loss, matrix = case.loss(), dense_hessian(case)
    rows = random_directions(loss, 40, rng=2)
    exact = np.einsum("ki,ij,kj->k", rows, matrix, rows).mean()
    found = trace_from_sections(loss, 40, rng=2)
    assert (found.flat, found.value) == (True, pytest.approx(exact, rel=1e-4))
    monkeypatch.setattr(sections, "_N_STEPS", 12)
    found = trace_from_sections(loss, 40, rng=2)
    assert not found.flat
    assert found.value != pytest.approx(exact, rel=1e-4)


def test_kinks_count_with_their_density_times_their_jump():
    """The mean of |w - c| over many c is curved by twice their density, where each term is straight."""
    n = 2000
    model = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        model.weight.zero_()
    places = (torch.arange(n, dtype=torch.float64)[:, None] + 0.5) / n * 2 - 1  # density 1/2 on [-1, 1]
    loss = Loss(model, nn.L1Loss(), torch.ones_like(places), places)
    assert trace_from_sections(loss, 2, step=0.1, kind="unit", rng=1).value == pytest.approx(1.0, rel=1e-3)
    assert trace_from_sections(loss, 2, step=1e-4, kind="unit", rng=1).value == pytest.approx(0.0, abs=1e-6)


def with_logarithm():
    """A loss that is no number where its only parameter, 0, falls to -1."""
    model = nn.Linear(1, 1, bias=False).double()
    with torch.no_grad():
        model.weight.zero_()
    return Loss(model, lambda outputs, _: torch.log1p(outputs).mean(), np.ones((2, 1)), np.zeros(2))


def test_steps_that_leave_where_the_loss_is_finite_are_not_taken():
    found = trace_from_sections(with_logarithm(), 3, kind="unit", rng=1)
    assert (found.value, found.error) == (pytest.approx(-1.0, rel=1e-6), pytest.approx(0.0, abs=1e-6))
    assert np.isnan(found.values[-1])
    assert np.isinf(found.changes[-1])
    with pytest.raises(ValueError, match=r"step must be so small that the loss is finite; got 0\.6"):
        trace_from_sections(with_logarithm(), 3, kind="unit", step=0.6, rng=1)


@pytest.mark.parametrize("name", ["tanh", "residual", "shared"])
def test_a_loss_of_less_is_taken_in_float64(name):
    """In float32 rounding at that step would be 1e-7 / h^2, as large as the trace."""
    case = problem(name)
    case.model.float()
    before, loss = snapshot(case.model), case.loss()
    found = trace_from_sections(loss, 20, step=1e-4, rng=1)
    assert same(before, snapshot(case.model))
    assert loss.dtype is torch.float32
    double = in_double(loss)
    assert double.dtype is torch.float64
    assert double() == pytest.approx(loss(), rel=1e-6)
    exact = trace_from_sections(double, 20, rng=1)
    assert found.value == pytest.approx(exact.value, rel=1e-5)


def test_copies_in_float64_keep_what_the_loss_is_made_of():
    case = problem("tanh")
    case.model.float()
    weighted = case._replace(
        loss_function=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]), reduction="sum")
    )
    pairs = [(case.inputs[:5], case.targets[:5]), (case.inputs[5:], case.targets[5:])]
    for loss in (
        weighted.loss(),
        weighted.loss(chunk_size=5),
        Loss(case.model, case.loss_function, pairs, keep=False),
        Loss(case.model, case.loss_function, pairs),
    ):
        double = in_double(loss)
        assert double() == pytest.approx(loss(), rel=1e-6)
        assert (double.fixed, double.reduction, double.n_chunks) == (
            loss.fixed,
            loss.reduction,
            loss.n_chunks,
        )
    assert weighted.loss_function.weight.dtype is torch.float32
    assert in_double(double) is double


def test_theta_is_taken_with_all_its_digits():
    case = problem("tanh")
    loss = case.loss()
    theta = loss.parameters + 0.3
    matrix = dense_hessian(case, theta)
    found = trace_from_sections(loss, 64, kind="orthogonal", theta=theta, rng=1)
    assert found.value == pytest.approx(np.trace(matrix), rel=1e-6)
    assert trace_from_sections(loss, 64, kind="orthogonal", theta=torch.as_tensor(theta), rng=1) == found


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_run_leaves_the_model_as_it_was(error):
    case = problem("residual")
    calls = itertools.count()

    def interrupted(outputs, targets):
        if next(calls) == 50:
            raise error
        return case.loss_function(outputs, targets)

    loss = Loss(case.model, interrupted, case.inputs, case.targets)
    before = snapshot(case.model)
    with pytest.raises(error):
        trace_from_sections(loss, rng=1)
    assert same(before, snapshot(case.model))


def test_a_seed_repeats_and_results_compare():
    loss = problem("tanh").loss()
    one = trace_from_sections(loss, 5, rng=1)
    assert one == trace_from_sections(loss, 5, rng=1)
    assert one != trace_from_sections(loss, 5, rng=2)
    assert repr(one).startswith("SectionTrace(")
    assert "5 sections, step" in repr(one)


def test_progress_is_told(capsys):
    trace_from_sections(problem("tanh").loss(), 12, rng=1, progress=True)
    assert "12/12" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"n_sections": 1}, ValueError, "n_sections must be at least 2; got 1"),
        ({"n_sections": 2.5}, TypeError, "n_sections must be an integer; got 2.5"),
        (
            {"n_sections": 65, "kind": "orthogonal"},
            ValueError,
            "at most the 64 parameters if orthogonal; got 65",
        ),
        ({"step": 0.0}, ValueError, "step must be positive; got 0.0"),
        ({"step": "small"}, TypeError, "step must be a real number; got 'small'"),
        ({"kind": "uniform"}, ValueError, "kind must be one of 'gaussian', 'unit', 'orthogonal'"),
        ({"theta": np.zeros(3)}, ValueError, "theta must have the shape"),
        ({"rng": 0.5}, TypeError, "rng must be an integer"),
    ],
)
def test_what_gives_no_trace_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        trace_from_sections(problem("tanh").loss(), **options)


def test_a_matrix_is_no_loss():
    with pytest.raises(TypeError, match="loss must be a Loss; got ndarray"):
        trace_from_sections(np.eye(3))


@pytest.mark.filterwarnings("ignore:.*weight_norm.*is deprecated")
def test_a_model_whose_weights_hooks_compute_is_copied_too():
    case = problem("tanh")
    model = nn.Sequential(nn.utils.weight_norm(nn.Linear(4, 3)))
    model(case.inputs.float())
    loss = case._replace(model=model).loss()
    assert not model[0].weight.is_leaf
    assert np.isfinite(trace_from_sections(loss, 2, rng=1).value)


def test_a_loss_that_stays_in_less_than_float64_is_told():
    case = problem("tanh")
    weight = torch.tensor([1.0, 2.0, 0.3])
    loss = Loss(case.model.float(), lambda o, t: nn.functional.cross_entropy(o, t, weight=weight), *case[2:])
    with pytest.raises(TypeError, match=r"taken in torch\.float64; .* expected scalar type Double"):
        trace_from_sections(loss, 2, rng=1)
