"""The circuits that the chapter on magnets that compute writes out do what it says, on other seeds, too."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import eigh_tridiagonal
from scipy.stats import binom

from smbook import curie_weiss, statistics
from smbook.theory import ising as theory
from smbook.widgets import AmplifierLab, Question, amplifier_lab
from tests.chapters import Chapter, source

CHAPTER = Chapter(
    "ising/computing-magnets.ipynb",
    np=np,
    quad=quad,
    eigh_tridiagonal=eigh_tridiagonal,
    curie_weiss=curie_weiss,
    statistics=statistics,
    theory=theory,
    Question=Question,
)


def test_the_heat_bath_is_that_of_the_chapter_before():
    def written(chapter):
        (cell,) = [c for c in chapter.cells if "algorithm-heat-bath" in c["metadata"].get("tags", ())]
        nodes = [node for node in ast.parse(source(cell)).body if isinstance(node, ast.FunctionDef)]
        return next(ast.dump(node) for node in nodes if node.name == "heat_bath_sweep")

    assert written(CHAPTER) == written(Chapter("ising/ising-model.ipynb"))


# ---- Spins and neurons.


def test_the_rules_differ_at_zero_input_and_nowhere_else():
    chances = CHAPTER.definitions("algorithm-threshold-units").chances_to_fire
    for was in (-1, 1):
        _, cold, unit, neuron = chances(0.0, was)
        assert (cold, bool(unit), bool(neuron)) == (0.5, was > 0, True)
        for total_input in (-0.3, -1e-6, 1e-6, 0.3):
            _, cold, unit, neuron = chances(total_input, was)
            assert cold == unit == neuron == (total_input > 0)


@pytest.mark.parametrize("seed", range(10))
def test_a_random_network_settles_in_more_places_than_one_can_visit(seed):
    """100 starts, 100 different ends, and no rise of the energy; a state and its reverse count as one."""
    sweep = CHAPTER.definitions("algorithm-threshold-units").threshold_sweep
    rng = np.random.default_rng(seed)
    half = np.triu(rng.normal(size=(200, 200)), 1)
    weights, ends = half + half.T, set()
    for _ in range(100 if seed == 0 else 20):
        state, energies, before = rng.choice([-1.0, 1.0], 200), [], np.zeros(200)
        while not np.array_equal(state, before):
            before = state.copy()
            sweep(state, weights, np.zeros(200))
            energies.append(-state @ weights @ state / 2)
        assert max(np.diff(energies), default=0) <= 1e-9
        assert (weights @ state * state >= 0).all()
        ends.add((state * state[0]).tobytes())
    assert len(ends) == (100 if seed == 0 else 20)


def test_a_symmetric_network_updated_at_once_ends_in_a_cycle_of_two_at_most():
    """Also where inputs vanish, as they often do with small whole numbers for weights."""
    rng, lengths = np.random.default_rng(3), []
    for _ in range(300):
        half = np.triu(rng.integers(-1, 2, (8, 8)))
        weights, state, seen = half + half.T, rng.choice([-1, 1], 8), []
        while state.tolist() not in seen:
            seen.append(state.tolist())
            inputs = weights @ state
            state = np.where(inputs == 0, state, np.sign(inputs))
        lengths.append(len(seen) - seen.index(state.tolist()))
    assert set(lengths) == {1, 2}


def test_two_neurons_show_what_the_conditions_are_for():
    printed = [re.findall(r"\(.*?\)", line) for line in CHAPTER.printed("two-neurons").splitlines()]
    rests, alternates, circles = printed
    assert len(set(rests[1:])) == 1
    assert len(set(rests)) == 2
    assert (len(set(alternates)), len(set(circles))) == (2, 4)
    assert alternates[0] == alternates[2]
    assert circles[0] == circles[4]


# ---- The amplifier.


@pytest.fixture(scope="module")
def at_one():
    return CHAPTER.functions("exactly-one")


def test_at_loop_gain_one_the_output_is_a_cube_root_and_slow(at_one):
    rest, rise = at_one["at_rest"], at_one["rise_time"]
    weak = np.array([1e-6, 1e-5])
    assert [rest(1.0, x) for x in weak] == pytest.approx(np.cbrt(3 * weak), rel=1e-3)
    assert rest(1.0, 0.1) == pytest.approx(0.6118, abs=5e-5)
    assert rise(1.0, 1e-6) / rise(1.0, 1e-5) == pytest.approx(10 ** (2 / 3), rel=2e-3)
    assert rise(0.9, 1e-6) == pytest.approx(np.log(10) / 0.1, rel=1e-3)


def test_the_rise_time_is_that_of_the_motion(at_one):
    """The integral over dm / (dm/dt) agrees with small steps in time."""
    m, step, n_steps, end = 0.0, 1e-3, 0, 0.9 * at_one["at_rest"](1.0, 0.01)
    while m < end:
        m += step * (np.tanh(0.01 + m) - m)
        n_steps += 1
    assert n_steps * step == pytest.approx(at_one["rise_time"](1.0, 0.01), rel=2e-3)


def test_the_gain_is_read_from_noise_without_bias_and_with_honest_errors():
    """Ten seeds of the chapter's own estimator: z has mean 0 and spread 1 at every loop gain."""
    gain = CHAPTER.functions("gain", n_spins=100)
    for loop_gain in (-1.0, 0.5, 0.9, 1.0):
        true = gain["exact_gain"](loop_gain, 100)
        z = [gain["measured_gain"](loop_gain, np.random.default_rng(s)).z(true) for s in range(10)]
        assert abs(np.mean(z)) < 4 / np.sqrt(10)
        assert 0.4 < np.std(z, ddof=1) < 1.9  # chi-square of 9 degrees, beyond 1 in 1000
    assert gain["exact_gain"](0.9, 100) < 0.7 / (1 - 0.9)  # the infinite magnet would be refused


def test_sixty_sweeps_are_enough_at_loop_gain_one():
    k = np.arange(101)
    up = (1 - k / 100) / (1 + np.exp(-2 * (2 * k - 99) / 100))
    down = k / 100 / (1 + np.exp(2 * (2 * k - 101) / 100))
    chain = np.diag(1 - up - down) + np.diag(up[:-1], 1) + np.diag(down[1:], -1)
    start = binom.pmf(k, 100, 0.5)
    after = 100 * (start @ np.linalg.matrix_power(chain, 6000)) @ (2 * k / 100 - 1) ** 2
    assert after == pytest.approx(CHAPTER.functions("gain")["exact_gain"](1.0, 100), rel=1e-6)


def test_noise_is_gain_means_the_derivative_of_the_mean():
    def mean(drive):
        state = theory.curie_weiss_finite(50, 1.0, field=drive, coupling=0.8)
        return state.probability @ state.magnetization

    exact = CHAPTER.functions("gain")["exact_gain"]
    assert (mean(1e-4) - mean(-1e-4)) / 2e-4 == pytest.approx(exact(0.8, 50), rel=1e-5)


@pytest.mark.parametrize("coupling", [1.0, 0.4])
def test_the_mean_field_motion_rests_where_the_package_says(coupling):
    """A large magnet's mean change in an update vanishes at the solutions of the mean-field equation."""
    n, beta, field = 200_000, 1.7, 0.05
    k = np.arange(n + 1)
    up = (1 - k / n) / (1 + np.exp(-2 * beta * (coupling * (2 * k + 1 - n) / n + field)))
    down = k / n / (1 + np.exp(2 * beta * (coupling * (2 * k - 1 - n) / n + field)))
    rests = 2 * np.flatnonzero(np.diff(np.sign(up - down))) / n - 1
    assert rests == pytest.approx(
        theory.curie_weiss_solutions(beta, field=field, coupling=coupling), abs=1e-4
    )


def test_gain_and_response_time_of_a_large_magnet_are_one_for_one():
    time = CHAPTER.functions("bandwidth-code")["response_time"]
    assert time(4000, 0.5) == pytest.approx(2.0, rel=1e-3)
    assert time(4000, 0.9) == pytest.approx(10.0, rel=0.03)


# ---- The trigger.


@pytest.fixture(scope="module")
def trigger():
    return CHAPTER.definitions("algorithm-trigger")


def test_a_trigger_ends_on_the_branch_that_it_started_on(trigger):
    high, low = (trigger.output(np.full(8000, field), 1.5)[-1] for field in (-0.2, -0.22))
    roots = theory.curie_weiss_solutions(1.0, field=-0.2, coupling=1.5)
    assert high == pytest.approx(roots[-1], abs=1e-4)
    assert low < 0


@pytest.mark.parametrize("seed", range(10))
def test_what_hysteresis_and_slowness_do_to_noise(trigger, seed):
    """An element twelve times as slow does as well as the trigger, and a trigger made fast does not."""
    t = np.arange(0.05, 100, 0.1)
    noise = np.repeat(np.random.default_rng(seed).normal(0, 0.3, (100, 400)), 10, axis=0)
    noisy = 0.5 * np.sin(2 * np.pi * t / 40)[:, None] + noise

    def four(loop_gain, step=0.1, drive=noisy):
        return np.mean(trigger.switches(trigger.output(drive, loop_gain, step=step)) == 4)

    assert four(0.0) < 0.05
    assert 0.46 < four(1.0) < 0.68
    assert 0.84 < four(1.5) < 0.97
    assert four(2.0) < 0.1
    assert four(1.5, step=1.0, drive=np.repeat(noisy[:, :100], 10, axis=0)) < 0.08
    assert abs(four(0.0, step=0.1 / 12) - four(1.5)) < 0.08


@pytest.mark.parametrize(("loop_gain", "above"), [(1.29, True), (1.31, False)])
def test_a_trigger_still_answers_small_signals(loop_gain, above):
    def rest(drive):
        return theory.curie_weiss_solutions(1.0, field=drive, coupling=loop_gain)[-1]

    m, gain = rest(0.0), (rest(1e-5) - rest(-1e-5)) / 2e-5
    assert gain == pytest.approx((1 - m**2) / (1 - loop_gain * (1 - m**2)), rel=1e-4)
    assert (gain > 1) == above


@pytest.mark.parametrize(("loop_gain", "switches"), [(1.81, 4), (1.82, 4), (1.83, 0), (2.0, 0)])
def test_a_stubborn_trigger_misses_the_signal(trigger, loop_gain, switches):
    _, clean = trigger.clean_signal(40, 100)
    assert trigger.switches(trigger.output(clean, loop_gain)) == switches


def test_a_slow_trigger_is_stubborn_from_1953_on():
    assert theory.spinodal(1.0, coupling=1.9532).field < 0.5 < theory.spinodal(1.0, coupling=1.9533).field
    assert "at loop gain 1.953" in CHAPTER.printed("trigger-figure")
    assert "from loop gain 1.83 on" in CHAPTER.printed("trigger-figure")


# ---- The flip-flop.


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

    assert CHAPTER.column("input-strengths", "  opposite", 0) == pytest.approx(
        theory.spinodal(2.0).field, abs=1e-3
    )
    assert (states(0.49, 0.0), states(0.50, 0.0)) == (2, 1)
    assert (states(1.14, 1.14), states(1.15, 1.15)) == (2, 1)
    assert (states(0.2, -0.2), states(0.8, 0.8), states(1.3, 1.3)) == (2, 2, 1)  # the question's options


def test_the_exact_value_of_a_small_flip_flop_is_that_of_all_its_configurations():
    exact = CHAPTER.functions("flip-flop-run", party=4)["exact_difference"]
    s = 2 * (np.arange(2**8)[:, None] >> np.arange(8) & 1) - 1
    m1, m2 = s[:, :4].mean(axis=1), s[:, 4:].mean(axis=1)
    for pulse, sign in ((0.0, 1), (0.0, -1), (0.3, 1), (-0.8, -1)):
        weight = np.exp(2.0 * 4 * (pulse * (m1 - m2) - m1 * m2)) * (sign * (m1 - m2) > 0)
        assert exact(pulse, sign) == pytest.approx(weight @ (m1 - m2) / 2 / weight.sum(), rel=1e-12)


def test_a_flip_flop_is_set_and_holds_and_agrees_with_the_exact_values(capsys):
    """The chapter's own cell on ten seeds: every error is found, and z has mean 0 and spread 1."""
    sweep = CHAPTER.definitions("algorithm-heat-bath").heat_bath_sweep
    code, head = source(CHAPTER.cell("flip-flop-run")), "rng = np.random.default_rng(1919)\n"
    at_rest = CHAPTER.functions("exactly-one")["at_rest"]
    z = []
    assert code.startswith(head)
    for seed in range(10):
        scope = CHAPTER.names | {"heat_bath_sweep": sweep, "at_rest": at_rest}
        exec(code.replace(head, f"rng = np.random.default_rng({seed})\n"), scope)
        z.append([float(line.split()[-2]) for line in capsys.readouterr().out.splitlines()[1:]])
    assert np.shape(z) == (10, 4)
    assert (abs(np.mean(z, axis=0)) < 4 / np.sqrt(10)).all()
    assert (np.std(z, axis=0, ddof=1) < 2).all()
    assert (np.std(z, axis=0, ddof=1) > 0.35).all()


def equal_pulse(n, strength, n_copies, rng):
    """Give both parties the same input for 60 sweeps, then none for 15; how many hold their bit?"""
    k, copies = np.array([[n], [0]]) * np.ones(n_copies, int), np.arange(n_copies)
    for update in range(2 * n * 75):
        field = strength if update < 2 * n * 60 else 0.0
        which = rng.integers(2, size=n_copies)
        own, other = k[which, copies], k[1 - which, copies]
        was_up = rng.random(n_copies) < own / n
        p_up = (1 + np.tanh(2.0 * (field - (2 * other / n - 1)))) / 2
        k[which, copies] += (rng.random(n_copies) < p_up).astype(int) - was_up
    return np.sum(k[0] > k[1])


def test_strong_equal_inputs_lose_the_bit_to_noise_and_weaker_ones_do_not():
    rng = np.random.default_rng(13)
    assert abs(equal_pulse(100, 1.3, 1000, rng) - 500) < 4 * np.sqrt(250)
    assert equal_pulse(100, 0.8, 100, rng) == 100


@pytest.mark.parametrize(("loop_gain", "pulse"), [(2.0, 2.6), (1.2, 1.0)])
def test_without_noise_the_bit_comes_back(loop_gain, pulse):
    assert len(theory.flip_flop(1.0, fields=(pulse, pulse), coupling=loop_gain)) == 1
    lab = AmplifierLab(circuit="flip-flop", loop_gain=loop_gain)
    state = theory.curie_weiss_magnetization(1.0, coupling=loop_gain)
    for start in ([state, -state], [-state, state]):
        for dwell in (6, 60, 120):
            after = lab.simulate([(pulse, pulse)], dwell=dwell, start=start)[-1]
            assert lab.simulate([(0, 0)], dwell=400, start=after)[-1] == pytest.approx(start, abs=1e-3)


@pytest.mark.parametrize(("pulse", "sets"), [(0.54, False), (0.68, False), (0.69, True)])
def test_a_pulse_just_above_the_threshold_is_too_short(pulse, sets):
    """The page's pulse lasts six response times."""
    script = Path(amplifier_lab.__file__).with_suffix(".js").read_text()
    assert "const PULSE = 6;" in script
    assert theory.spinodal(1.0, coupling=2.0).field == pytest.approx(0.533, abs=5e-4)
    lab, state = AmplifierLab(circuit="flip-flop", loop_gain=2.0), theory.curie_weiss_magnetization(2.0)
    after = lab.simulate([(pulse, -pulse)], dwell=6, start=(-state, state))[-1]
    end = lab.simulate([(0, 0)], dwell=400, start=after)[-1]
    assert end == pytest.approx([state, -state] if sets else [-state, state], abs=1e-3)


# ---- How long the bit lasts.

WELL = {"beta": 1 / 0.6, "field": -0.05}


@pytest.fixture(scope="module")
def lifetimes():
    low, hilltop, high = theory.curie_weiss_solutions(**WELL)
    f = theory.curie_weiss_free_energy(np.array([high, hilltop]), **WELL)
    return CHAPTER.functions("lifetime", well=WELL, low=low, high=high) | {"barrier": (f[1] - f[0]) / 0.6}


def test_the_measured_lifetimes_are_the_exact_ones(lifetimes):
    for size in (10, 20):
        z = []
        for seed in range(10):
            ends = lifetimes["ends"](size)
            times = curie_weiss.first_passage(size, **WELL, **ends, n_magnets=1000, rng=seed)
            error = times.std() / np.sqrt(times.size)
            z.append((times.mean() - lifetimes["exact_lifetime"](size)) / error)
        assert abs(np.mean(z)) < 4 / np.sqrt(10)
        assert 0.4 < np.std(z, ddof=1) < 1.9


def test_the_step_in_the_landscape_exceeds_the_barrier_by_a_constant(lifetimes):
    """What the live figure calls barrier / T; the text quotes it for 20 spins."""

    def step(n):
        exact = theory.curie_weiss_finite(n, **WELL)
        height, m = -np.log(exact.probability), exact.magnetization
        return height[(m > -0.3) & (m < 0.6)].max() - height[m > 0.6].min()

    assert (step(20), 20 * lifetimes["barrier"]) == pytest.approx((2.97, 2.22), abs=5e-3)
    assert step(400) - 400 * lifetimes["barrier"] == pytest.approx(0.75, abs=0.02)
    assert step(100) - 100 * lifetimes["barrier"] == pytest.approx(0.75, abs=0.05)


def test_the_factor_per_spin_is_asymptotic(lifetimes):
    """It is e^0.108 at the sizes of the figure, and e^(beta Delta f) = e^0.1111 far beyond."""
    exact = lifetimes["exact_lifetime"]

    def growth(few, many):
        return np.log(exact(many) / exact(few)) / (many - few)

    assert lifetimes["barrier"] == pytest.approx(0.11106, abs=1e-5)
    assert growth(10, 30) == pytest.approx(0.1078, abs=5e-5)
    assert growth(1000, 2000) == pytest.approx(lifetimes["barrier"], abs=1e-4)
    assert growth(3000, 6000) == pytest.approx(lifetimes["barrier"], abs=1e-5)


def test_the_factor_before_the_exponential_tends_to_a_constant(lifetimes):
    """From above, by a part of order 1/N but for the rounding to whole spins."""
    sizes = np.array([50, 100, 200, 400, 800, 1600, 3200])
    factor = [lifetimes["exact_lifetime"](n) / np.exp(n * lifetimes["barrier"]) for n in sizes]
    assert (np.diff(factor) < 0).all()
    assert factor[-1] == pytest.approx(9.9, abs=0.1)
    assert factor[0] == pytest.approx(10.6, abs=0.1)
    over = (np.array(factor[:4]) - factor[-1]) * sizes[:4]
    assert over.max() / over.min() < 1.6


def test_the_price_of_a_bit():
    """The work is the area under the upper branch; so much heat is left when a magnet is driven that way."""
    end = theory.spinodal(1 / 0.6).field
    fields = np.linspace(-end, end, 20001)
    branch = [theory.curie_weiss_solutions(1 / 0.6, field=field)[-1] for field in fields[::20]]
    work = np.trapezoid(branch, fields[::20]) / 0.6
    assert work == pytest.approx(CHAPTER.column("growth", "work to reverse it:", 0), abs=1e-3)
    state = theory.curie_weiss_magnetization(1 / 0.6)
    barrier = -theory.curie_weiss_free_energy(state, 1 / 0.6) / 0.6 - np.log(2)
    assert barrier == pytest.approx(CHAPTER.column("growth", "one magnet, T = 0.6 J: barrier", 0), abs=1e-4)
    assert np.log(8.766e4) / barrier == pytest.approx(63, abs=0.5)  # the exercise's ten years


# ---- Exercises and questions.


def test_the_readings_of_the_exercise_on_small_signals(at_one):
    """The outputs that stand in the solution, and where the gain is a tenth too small."""
    (cell,) = [cell for cell in CHAPTER.cells if "{solution} ex-magnets-range" in source(cell)]
    (inputs,) = re.findall(r"^\| input \|(.*)\|$", source(cell), re.M)
    (outputs,) = re.findall(r"^\| output \|(.*)\|$", source(cell), re.M)
    for x, m in zip(inputs.split("|"), outputs.split("|"), strict=True):
        assert at_one["at_rest"](0.8, float(x)) == pytest.approx(float(m), abs=6e-5)
    assert at_one["at_rest"](0.5, 0.02) == pytest.approx(0.040, abs=1e-4)  # the first two things to try
    assert at_one["at_rest"](0.9, 0.02) == pytest.approx(0.180, abs=2e-4)
    assert at_one["at_rest"](0.8, 0.056) / 0.056 == pytest.approx(4.5, abs=0.02)


def test_three_parties_turn_from_a_loop_gain_of_two_on():
    three = CHAPTER.functions("three-code")["three_parties"]
    circle, mutual = -np.roll(np.eye(3), 1, axis=0), (np.eye(3) - 1) / 2
    assert np.ptp(three(circle, 1.9, n_sweeps=600)) < 1e-4
    assert np.ptp(three(circle, 2.1, n_sweeps=600)[:, 0]) > 0.3
    assert np.ptp(three(mutual, 3.0), axis=0).max() < 1e-3


@pytest.mark.parametrize("seed", range(3))
def test_the_race_at_power_up(seed):
    race = CHAPTER.functions("race-code")["race"]
    fraction = race(100, 0.03, 2.0, 2000, np.random.default_rng(seed), n_sweeps=15)
    expected = 0.7257  # of a normal variable, 0.6 standard deviations
    assert abs(fraction - expected) < 4 * np.sqrt(expected * (1 - expected) / 2000)


def test_the_questions(at_one):
    critical = CHAPTER.question("question-critical", at_rest=at_one["at_rest"])
    assert critical.check(0.502, 0.002).right
    assert "weak" in critical.check(0.531, 0.002).words
    noise = CHAPTER.question("question-noise")
    assert noise.check(0.8).right
    assert "gain" in noise.check(5).words
    assert "variance" in noise.check(0.99).words
    bit = CHAPTER.question("question-bit")
    assert [bit.check(option).right for option in bit._options] == [False, False, True, False]
