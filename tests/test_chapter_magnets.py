"""The circuits that the chapter on magnets that compute writes out do what it says."""

import numpy as np
import pytest

from smbook.theory import ising as theory
from smbook.widgets import Question
from tests.chapters import Chapter

CHAPTER = Chapter("ising/computing-magnets.ipynb", np=np, theory=theory, Question=Question)


@pytest.mark.parametrize("coupling", [1.0, 0.4])
def test_the_mean_field_motion_rests_where_the_package_says(coupling):
    """The drift (gain - loss) of a large chain vanishes at the solutions of the mean-field equation."""
    n, beta, field = 200_000, 1.7, 0.05
    gain, loss = CHAPTER.definitions("algorithm-curie-weiss-chain").flip_probabilities(
        n, beta, field, coupling
    )
    drift = gain - loss
    rests = 2 * np.flatnonzero(np.diff(np.sign(drift))) / n - 1
    expected = theory.curie_weiss_solutions(beta, field=field, coupling=coupling)
    assert rests == pytest.approx(expected, abs=1e-4)


def states_of_one_magnet(beta, field):
    """Return the stable solutions of the mean-field equation with J = 1, off the spinodal."""
    roots = theory.curie_weiss_solutions(beta, field=field)
    return roots[beta * (1 - roots**2) < 1]


@pytest.mark.parametrize("beta", [0.7, 1.5, 2.0, 4.0])
@pytest.mark.parametrize("field", [0.0, 0.03, 0.2, 0.3, -0.1, -0.9])
def test_a_flip_flop_with_opposite_inputs_has_the_states_of_one_magnet(beta, field):
    one = states_of_one_magnet(beta, field)
    both = theory.flip_flop(beta, fields=(field, -field))
    assert both == pytest.approx(np.transpose([one, -one]), abs=1e-9)


def test_the_strength_of_the_inputs_that_the_chapter_quotes():
    def states(*fields):
        return len(theory.flip_flop(2.0, fields=fields))

    assert (states(0.26, -0.26), states(0.27, -0.27)) == (2, 1)
    assert (states(0.49, 0.0), states(0.50, 0.0)) == (2, 1)
    assert (states(1.14, 1.14), states(1.15, 1.15)) == (2, 1)


def test_a_trigger_ends_on_the_branch_that_it_started_on():
    output = CHAPTER.definitions("algorithm-trigger").output
    high, low = (output(np.full(8000, field), 1.5)[-1] for field in (-0.2, -0.22))
    roots = theory.curie_weiss_solutions(1.0, field=-0.2, coupling=1.5)
    assert high == pytest.approx(roots[-1], abs=1e-4)
    assert low < 0


def test_hysteresis_and_not_inertia_alone_keeps_the_trigger_from_chattering():
    trigger = CHAPTER.definitions("algorithm-trigger")
    t = np.arange(0.05, 100, 0.1)
    noise = np.repeat(np.random.default_rng(4).normal(0, 0.3, (100, 400)), 10, axis=0)
    noisy = 0.5 * np.sin(2 * np.pi * t / 40)[:, None] + noise
    counts = [trigger.switches(trigger.output(noisy, gain, step=0.1)) for gain in (0.0, 1.0, 1.5)]
    right = [np.mean(count == 4) for count in counts]
    assert right[0] < 0.1
    assert 0.4 < right[1] < 0.7
    assert right[2] > 0.85


@pytest.mark.parametrize(("loop_gain", "switches"), [(1.8, 4), (1.85, 0), (2.0, 0)])
def test_a_stubborn_trigger_misses_the_signal(loop_gain, switches):
    trigger = CHAPTER.definitions("algorithm-trigger")
    clean = 0.5 * np.sin(2 * np.pi * np.arange(0.005, 100, 0.01) / 40)
    assert trigger.switches(trigger.output(clean, loop_gain)) == switches
    assert theory.spinodal(1.0, coupling=1.95).field < 0.5 < theory.spinodal(1.0, coupling=1.96).field


def test_a_random_network_has_more_resting_places_than_one_can_visit():
    sweep = CHAPTER.definitions("algorithm-threshold-units").threshold_sweep
    rng = np.random.default_rng(8)
    weights = rng.normal(size=(200, 200))
    weights = weights + weights.T
    np.fill_diagonal(weights, 0)
    ends = set()
    for _ in range(100):
        state, before = rng.choice([-1.0, 1.0], 200), np.zeros(200)
        while not np.array_equal(state, before):
            before = state.copy()
            sweep(state, weights, np.zeros(200))
        ends.add((state * state[0]).tobytes())
    assert len(ends) == 100
