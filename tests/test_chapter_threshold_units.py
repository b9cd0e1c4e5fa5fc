"""What the chapter on threshold units writes out agrees with smbook, and holds on other seeds."""

import itertools
from itertools import product
from math import comb

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import linprog
from scipy.special import expit
from scipy.stats import binom
from sklearn.datasets import load_digits

from smbook import statistics
from smbook.perceptron import (
    ThresholdNet,
    Unit,
    counter,
    heat_illusion,
    hebb,
    hebb_growth,
    net_of_table,
    oja,
    principal_component,
    threshold_output,
    threshold_unit_of,
    truth_table_inputs,
)
from smbook.widgets import NeuronLab, Question
from tests.chapters import Chapter

SEEDS = range(10)
VARIANCES = np.array([1, 0.25])
CHAPTER = Chapter(
    "neurons/threshold-units.ipynb",
    np=np,
    statistics=statistics,
    product=product,
    ThresholdNet=ThresholdNet,
    Unit=Unit,
    net_of_table=net_of_table,
    truth_table_inputs=truth_table_inputs,
    binom=binom,
    Question=Question,
    data=load_digits(),
    variances=VARIANCES,
)
PARITY = {n: truth_table_inputs(n).sum(axis=1) % 2 for n in range(2, 7)}


@pytest.fixture(scope="module")
def by_hand():
    return CHAPTER.definitions("algorithm-net")


@pytest.fixture(scope="module")
def counting():
    return CHAPTER.functions("counts")


@pytest.fixture(scope="module")
def tables(counting):
    return {n: counting["tables_of_units"](n, n) for n in (2, 3, 4)}


def random_net(rng, n_inputs=2, n_units=4, circles=True):
    """Return a net with synapses at random, without circles only from lower numbers to higher ones."""
    units = []
    for i in range(n_units):
        sources = np.arange(n_inputs + (n_units if circles else i))
        kinds = rng.choice([-1, 0, 1, 1], sources.size)
        exciting, forbidding = (tuple(sources[kinds == k].tolist()) for k in (1, -1))
        units.append(Unit(exciting, forbidding, int(rng.integers(0, 3))))
    return ThresholdNet(n_inputs, units)


def bits(number, n):
    """Return a table, which the chapter codes with its first row as the least significant bit."""
    return (number >> np.arange(2**n) & 1).tolist()


# ---- Units and nets.


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ten_lines_are_the_nets_of_the_package(by_hand, seed):
    rng = np.random.default_rng(seed)
    inputs = rng.integers(0, 2, (30, 2))
    for circles in (True, False):
        net = random_net(rng, circles=circles)
        assert by_hand.run_net(net.units, inputs).tolist() == net.run(inputs).tolist()
    assert by_hand.table_by_hand(net) == net.truth_table().tolist()


def test_the_live_net_is_that_of_the_paper_figure_and_of_1943():
    """The formulas: hot(t) = heat(t-1) or cold(t-3) and not cold(t-2); chill(t) = cold(t-2) and cold(t-1)."""
    lab = NeuronLab(net="heat-illusion", drive="pulses", second=True)
    assert lab.names == ("heat", "cold", "a", "b", "feels hot", "feels cold")
    rng = np.random.default_rng(1)
    given = rng.integers(0, 2, (200, 2))
    states = heat_illusion().run(given)
    assert (lab.simulate(200, given).states == states).all()
    heat, cold = given.T
    for t in range(3, 201):
        assert states[t, 2] == (heat[t - 1] or (cold[t - 3] and not cold[t - 2]))
        assert states[t, 3] == (cold[t - 2] and cold[t - 1])
    assert lab.simulate(4).states[:, 2].tolist() == [0, 0, 0, 1, 0]


def test_with_one_more_veto_heat_follows_a_touch_of_one_step_only():
    printed = CHAPTER.printed("heat-code").splitlines()
    assert [line.split("hot")[1] for line in printed] == [
        " [ 5 16]  cold [12 13 14]",
        " [5]  cold [12 13 14]",
    ]
    a, b, *felt = heat_illusion().units
    better = ThresholdNet(2, [a, b._replace(inhibitory=(*b.inhibitory, 5)), *felt])
    for length in range(1, 6):
        given = np.zeros((15, 2), dtype=int)
        given[4 : 4 + length, 1] = 1
        assert better.run(given)[:, 2].any() == (length == 1)
        assert heat_illusion().run(given)[:, 2].sum() == 1


def test_the_live_exclusive_or_and_its_other_nets_do_what_the_text_says():
    held = [
        NeuronLab(net="exclusive-or").simulate(2, [row] * 2).states[-1, -1] for row in truth_table_inputs(2)
    ]
    assert held == [0, 1, 1, 0]
    pulses = np.zeros((40, 1), dtype=int)
    pulses[::5] = 1
    for net in (counter(1).run(pulses), NeuronLab(net="counter").simulate(40, pulses).states):
        assert (net[4::5, -1] == np.arange(1, 9) % 2).all()


# ---- What one unit can tell.


def test_how_many_tables_one_unit_has(counting, tables):
    """Weights up to 3 and up to 4 give the same 1882 of four inputs; 94572 is that of Muroga and others."""
    assert [len(found) for found in tables.values()] == [14, 104, 1882]
    assert (counting["tables_of_units"](4, 3) == tables[4]).all()
    for n in (2, 3):
        solved = {number for number in range(2 ** (2**n)) if threshold_unit_of(bits(number, n)) is not None}
        assert solved == set(tables[n].tolist())
    row = CHAPTER.printed("counts").splitlines()[5].split()
    assert row[:4] == ["5", str(2**32), "-", "94572"]


def test_no_more_than_two_to_the_square_of_the_inputs():
    """By Cover's bound, twice the sum of binomials of 2**n - 1 over 0 to n."""
    for n in range(2, 40):
        assert 2 * sum(comb(2**n - 1, k) for k in range(n + 1)) <= 2 ** (n * n)


def test_what_a_veto_can_do_weights_can_do_and_not_both_needs_weights(counting, tables):
    assert [len(counting["tables_with_vetoes"](n, 3)) for n in (1, 2, 3, 4)] == [2, 7, 34, 249]
    assert len(counting["tables_with_vetoes"](4, 4)) == 249
    for n in (2, 3):
        places = 2 ** np.arange(2**n)
        found = {
            int(np.frombuffer(table, dtype=bool) @ places) for table in counting["tables_with_vetoes"](n, 4)
        }
        assert found < set(tables[n].tolist())
        assert len(found) == len(counting["tables_with_vetoes"](n, 3))
    assert threshold_output([-1, -1], -1, truth_table_inputs(2)).tolist() == [1, 1, 1, 0]
    assert np.array([1, 1, 1, 0], dtype=bool).tobytes() not in counting["tables_with_vetoes"](2, 4)


def test_where_there_is_no_unit_some_sum_of_demands_is_absurd(tables):
    """Gordan's theorem: nonnegative multipliers of the demands, not all zero, whose sum vanishes."""
    signs = np.hstack([2.0 * truth_table_inputs(3) - 1, np.ones((8, 1))])
    for number in range(0, 256, 3):
        demands = (2 * np.array(bits(number, 3)) - 1)[:, None] * signs
        balance = np.vstack([demands.T, np.ones(8)])
        absurd = linprog(np.zeros(8), A_eq=balance, b_eq=[0, 0, 0, 0, 1]).status == 0
        assert absurd == (number not in tables[3])


def test_signs_in_place_of_zeros_and_ones():
    rng = np.random.default_rng(3)
    n = truth_table_inputs(4)
    for _ in range(20):
        weights, theta = rng.normal(size=4), rng.normal()
        field = weights.sum() / 2 - theta
        assert (2 * n - 1) @ (weights / 2) + field == pytest.approx(n @ weights - theta, abs=1e-12)


@pytest.mark.parametrize(
    ("couplings", "field", "fires"),
    [
        ((0.5, 0.5, 0.5), 0, lambda a, b, c: a + b + c >= 2),
        ((1, 0.5, 0.5), 0.5, lambda a, b, c: a or (b and c)),
    ],
)
def test_the_units_of_the_exercise(couplings, field, fires):
    for row in product((0, 1), repeat=3):
        total = (2 * np.array(row) - 1) @ couplings + field
        assert (total > 0) == bool(fires(*row))
        assert total != 0
    one_of_three = [int(sum(row) == 1) for row in product((0, 1), repeat=3)]
    assert threshold_unit_of(one_of_three) is None


# ---- Two layers.


def test_any_table_and_what_it_takes():
    assert CHAPTER.printed("layers").splitlines()[:2] == [
        "tables of three inputs: 256   right: 256",
        "units needed: from 1 to 9",
    ]
    for seed in SEEDS:
        table = np.random.default_rng(seed).integers(0, 2, 16)
        net = net_of_table(table)
        assert net.truth_table().tolist() == table.tolist()
        assert net.n_units == table.sum() + 1
        assert any(unit.threshold == 0 for unit in net.units) == bool(table[0])


def test_parity_by_a_deep_net_and_why_two_layers_take_every_row():
    parity_net = CHAPTER.functions("parity-code")["parity_net"]
    for n, odd in PARITY.items():
        deep = parity_net(n)
        assert (deep.truth_table() == odd).all()
        assert (deep.n_units, deep.depth) == (3 * (n - 1), 2 * (n - 1))
        assert net_of_table(odd).n_units == 2 ** (n - 1) + 1
        rows = truth_table_inputs(n)
        for j in range(n):
            flipped = rows.copy()
            flipped[:, j] ^= 1
            assert (odd[flipped @ 2 ** np.arange(n - 1, -1, -1)] != odd).all()


# ---- Time.


@pytest.mark.parametrize("seed", SEEDS)
def test_without_circles_a_net_forgets_after_its_depth(seed):
    """And not before: some net does remember the step just within its depth, or how a chain began."""
    rng = np.random.default_rng(seed)
    net = random_net(rng, n_units=6, circles=False)
    last = rng.integers(0, 2, (net.depth, 2))
    ends = [net.run(np.vstack([rng.integers(0, 2, (7, 2)), last]))[-1].tolist() for _ in range(20)]
    assert all(end == ends[0] for end in ends)
    chain = ThresholdNet(1, [Unit((0,)), Unit((1,)), Unit((2,))])
    assert chain.run([[1], [0], [0]])[-1, -1] != chain.run([[0], [0], [0]])[-1, -1]
    apart = ThresholdNet(1, [Unit((), threshold=0), Unit((1,)), Unit((2,)), Unit((0,))])
    assert apart.depth == 3
    late = [apart.run([[0]] * 3, initial=start)[1:] for start in ([0, 0, 0, 0], [0, 1, 1, 0])]
    assert (late[0] != late[1]).any(axis=1).tolist() == [True, False, False]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_net_repeats_itself_in_time_with_a_rhythm_too(seed):
    rng = np.random.default_rng(seed)
    for q in (1, 2, 3):
        net = random_net(rng, n_units=4)
        rhythm = np.tile(rng.integers(0, 2, (q, 2)), (3 * 2**4, 1))
        states = [row.tobytes() for row in net.run(rhythm)[:-1:q]]
        first = next(k for k, state in enumerate(states) if state in states[:k])
        assert first <= 2**4
        period = first - states.index(states[first])
        tail = net.run(rhythm)[states.index(states[first]) * q :]
        assert (tail[period * q :] == tail[: len(tail) - period * q]).all()


def test_the_mean_period_of_random_tables_is_exact():
    """All maps of two, three and four states; then the limit, which has -1/3 and a term that vanishes."""
    exact_period = CHAPTER.functions("periods-figure")["exact_period"]
    period = CHAPTER.functions("periods")["period"]
    for states in (2, 4):
        maps = list(product(range(states), repeat=states))
        mean = np.mean([period(one.__getitem__, 0) for one in maps])
        assert exact_period(int(np.log2(states))) == pytest.approx(mean, rel=1e-12)
    for n in (10, 16, 20):
        limit = (1 + np.sqrt(np.pi * 2**n / 2) - 1 / 3) / 2
        assert exact_period(n) == pytest.approx(limit, rel=0.3 / 2**n + 1e-4)
    assert round((1 + np.sqrt(np.pi * 2**24 / 2) - 1 / 3) / 2) == 2567


def test_random_tables_lie_on_the_exact_mean_and_random_units_far_below():
    """A mean of sqrt(M), an eighth of pi forgotten, would be 60 errors off."""
    cell = CHAPTER.functions("periods")
    exact_period = CHAPTER.functions("periods-figure")["exact_period"]
    found = {}
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for n in (8, 12):
            found.setdefault(n, []).append(cell["mean_period"](cell["random_tables"], n, rng))
        for n in (12, 24):
            found.setdefault(-n, []).append(cell["mean_period"](cell["random_units"], n, rng).value)
    for n in (8, 12):
        scores = [estimate.z(exact_period(n)) for estimate in found[n]]
        assert abs(np.mean(scores)) < 4 / np.sqrt(10)
        assert abs(np.mean([e.z(np.sqrt(2**n)) for e in found[n]])) > 10
    rates = (np.array(found[-24]) / found[-12]) ** (1 / 12)
    assert rates.min() > 1.18
    assert rates.max() < 1.26
    assert 80 < min(found[-24]) < max(found[-24]) < 125
    assert max(found[-12]) < exact_period(12) / 4


def test_the_printed_periods_are_honest():
    *rows, early, late = (line.split() for line in CHAPTER.printed("periods-figure").splitlines()[1:])
    assert len(rows) == 12
    assert [row[-2] for row in rows[8:]] == ["321.18", "642.03", "1283.7", "2567.1"]
    assert (early[-1], late[-1]) == ("1.19", "1.23")
    assert max(abs(float(row[3])) for row in rows if len(row) == 5) < 4
    last, middle = (float(row[-1].split("(")[0]) for row in (rows[-1], rows[7]))
    assert (last / middle) ** (1 / 8) == pytest.approx(float(late[-1]), abs=0.01)


def test_with_symmetric_couplings_the_period_is_at_most_two():
    period = CHAPTER.functions("periods")["period"]
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        half, fields = rng.normal(size=(10, 10)), rng.normal(size=10)
        couplings = half + half.T

        def step(state, couplings=couplings, fields=fields):
            return np.sign(couplings @ np.frombuffer(state) + fields).tobytes()

        assert period(step, rng.choice([-1.0, 1.0], 10).tobytes()) <= 2


@pytest.mark.parametrize("beta", [1, 2, 3])
def test_a_noisy_memory_lasts_as_long_as_computed(beta):
    steps_to_failure = CHAPTER.functions("noise-code")["steps_to_failure"]
    scores = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        lasting = [steps_to_failure(beta, rng) for _ in range(400)]
        scores.append(statistics.disorder_mean(lasting).mean.z(1 + np.exp(beta)))
    assert abs(np.mean(scores)) < 4 / np.sqrt(10)


def test_many_units_keep_a_bit_longer_where_the_gain_is_above_one():
    """Couplings 1 / 2n: at beta = 1 the time hardly grows with n, at 2 as a power, at 4 exponentially."""
    mean_steps = CHAPTER.functions("noise-code")["mean_steps"]
    for beta in (0.5, 1, 4):
        assert mean_steps(beta, 1) == pytest.approx(1 + np.exp(beta), rel=1e-12)
    assert mean_steps(1, 9) / mean_steps(1, 1) < mean_steps(1, 39) / mean_steps(1, 1) < 1.5
    few, more, most = (np.log(mean_steps(4, n)) for n in (5, 11, 17))
    assert more - few > 3
    assert most - more == pytest.approx(more - few, rel=0.1)
    critical = [mean_steps(2, n) for n in (19, 39, 79)]
    assert max(critical[1] / critical[0], critical[2] / critical[1]) < 2


@pytest.mark.parametrize("seed", SEEDS)
def test_the_time_of_many_noisy_units_is_that_of_a_simulation(seed):
    mean_steps, rng = CHAPTER.functions("noise-code")["mean_steps"], np.random.default_rng(seed)
    lasting = []
    for _ in range(300):
        spins, steps = np.ones(3), 0
        while spins.sum() > 0:
            spins = np.where(rng.random(3) < expit(2 * 2 * spins.sum() / 6), 1, -1)
            steps += 1
        lasting.append(steps)
    assert abs(statistics.disorder_mean(lasting).mean.z(mean_steps(2, 3))) < 4


# ---- Hebb and Oja.


@pytest.fixture(scope="module")
def learning():
    tilt = np.radians(30)
    axes = np.array([[np.cos(tilt), np.sin(tilt)], [-np.sin(tilt), np.cos(tilt)]])
    found = CHAPTER.definitions("algorithm-oja", axes_of_cloud=axes)
    found.axes, found.first = axes, np.array([np.cos(np.radians(80)), np.sin(np.radians(80))]) @ axes
    return found


def test_both_rules_lie_on_common_rays_of_the_figure(learning):
    """After the same examples, to within a degree, since the steps are small; the last is in the picture."""
    seen = learning.cloud(2000, np.random.default_rng(1949))
    paths = [learning.learn(seen, 0.005, learning.first, forgets=f)[:601:200] for f in (0, 1)]
    angles = [np.degrees(np.arctan2(*(path @ learning.axes.T).T[::-1])) for path in paths]
    assert np.abs(angles[0] - angles[1]).max() < 1
    assert np.abs(paths[0]).max() < 3.3


@pytest.mark.parametrize("seed", SEEDS)
def test_learning_by_hand_is_that_of_the_package(learning, seed):
    seen = learning.cloud(300, np.random.default_rng(seed))
    options = {"rate": 0.01, "initial": learning.first, "order": "cyclic"}
    assert learning.learn(seen, 0.01, learning.first)[-1] == pytest.approx(
        oja(seen, **options).weights, rel=1e-9
    )
    grown = learning.learn(seen, 0.01, learning.first, forgets=0)[-1]
    assert grown == pytest.approx(np.asarray(hebb_growth(seen, **options))[-1], rel=1e-9)


def test_the_angle_is_that_of_the_mean_motion_and_of_hebbs_growth():
    """Integrate both equations in three dimensions; the ratios of the parts are the same."""
    sizes, start = np.array([1.3, 0.7, 0.2]), np.array([0.1, 0.9, -0.5])

    def oja_motion(_, a):
        return (sizes - sizes @ a**2) * a

    end = solve_ivp(oja_motion, (0, 4), start, rtol=1e-10, atol=1e-12).y[:, -1]
    ratios = start / start[0] * np.exp(-(sizes[0] - sizes) * 4)
    assert end / end[0] == pytest.approx(ratios, rel=1e-6)
    grown = start * np.exp(sizes * 4)
    assert grown / grown[0] == pytest.approx(ratios, rel=1e-12)
    late = solve_ivp(oja_motion, (0, 60), start, rtol=1e-10, atol=1e-12).y[:, -1]
    assert late == pytest.approx([1, 0, 0], abs=1e-7)
    for k in range(3):
        rest = np.eye(3)[k]
        jacobian = np.diag(sizes - sizes[k]) - 2 * np.outer(rest, sizes * rest)
        assert (np.linalg.eigvalsh(jacobian).max() < 0) == (k == 0)


def test_the_mean_angle_follows_the_exact_curve(learning):
    """Ten times the chapter's runs; with lambda_1 alone in the exponent they are far off."""
    slow, marks, runs = 0.002, np.array([600, 1500, 2400, 3000]), []
    for seed in range(100):
        path = learning.learn(learning.cloud(3000, np.random.default_rng(seed)), slow, learning.first)[marks]
        along, across = (path @ learning.axes.T).T
        runs.append(np.degrees(np.arctan2(across, along)))
    means = [statistics.disorder_mean(column).mean for column in np.transpose(runs)]
    exact = [np.degrees(np.arctan(np.tan(np.radians(80)) * np.exp(-0.75 * slow * marks)))]
    wrong = np.degrees(np.arctan(np.tan(np.radians(80)) * np.exp(-slow * marks)))
    assert max(abs(mean.z(angle)) for mean, angle in zip(means, exact[0], strict=True)) < 4
    assert min(abs(mean.z(angle)) for mean, angle in zip(means, wrong, strict=True)) > 8


def test_the_scatter_is_proportional_to_the_rate():
    """To first order; the next is about 1.5 times the rate. Without the factor 2 it would be half."""
    scatter = CHAPTER.functions("scatter-code")["scatter"]
    ratios = {rate: [] for rate in (0.02, 0.08)}
    for seed, rate in itertools.product(SEEDS, ratios):
        square = scatter(rate, np.random.default_rng(seed), n_units=4000)
        ratios[rate].append(square.value / (rate * 0.25 / (2 * 0.75)))
    means = {rate: statistics.disorder_mean(found).mean for rate, found in ratios.items()}
    assert means[0.02].value == pytest.approx(1.03, abs=0.03)
    assert means[0.08].value == pytest.approx(1.12, abs=0.04)


def test_two_inputs_that_go_together():
    sizes, directions = np.linalg.eigh([[2, 1], [1, 2]])
    assert sizes == pytest.approx([1, 3], abs=1e-12)
    assert abs(directions[0] / directions[1]) == pytest.approx([1, 1], abs=1e-12)
    u = np.roots([1, 0, 1, -200]).real.max()
    t = np.log(u) / 2
    assert (u, t, np.degrees(np.arctan(np.exp(-2 * t)))) == pytest.approx((5.79, 0.88, 9.8), abs=0.01)
    parts = np.exp(sizes * t) / np.sqrt(2)
    assert np.hypot(*parts) == pytest.approx(10, rel=1e-9)


def test_how_fast_it_may_learn():
    for degrees, examples, time in ((2, 930, 6.8), (1, 4200, 7.7)):
        goal = np.radians(degrees)
        rate = 2 * 0.75 * goal**2 / 0.25
        needed = np.log(np.tan(np.radians(80)) / np.tan(goal)) / 0.75
        assert needed == pytest.approx(time, abs=0.05)
        assert needed / rate == pytest.approx(examples, rel=0.01)


# ---- Digits and labels.


@pytest.mark.parametrize(("pair", "told"), [((0, 1), (0.97, 1.0)), ((8, 1), (0.5, 0.57))])
def test_a_unit_finds_what_varies(pair, told):
    images, labels = CHAPTER.functions("digits-figure")["two_digits"](*pair)
    first = principal_component(images)[1]
    for seed in SEEDS:
        w = oja(images, rate=0.002, n_passes=60, rng=seed).weights
        assert abs(w @ first) / np.linalg.norm(w) > 0.985
        agree = np.mean((images @ w > 0) == (labels > 0))
        assert told[0] <= max(agree, 1 - agree) <= told[1]


def test_ones_fall_into_two_groups_with_the_eights_between():
    images, labels = CHAPTER.functions("digits-figure")["two_digits"](8, 1)
    y = images @ principal_component(images)[1]
    y *= np.sign(y[np.argmax(np.abs(y))])
    ones, eights = np.histogram(y[labels < 0], [-2, -0.6, 0.4, 1, 3])[0], y[labels > 0]
    assert ones[2] < ones[3] < ones[0]
    assert abs(np.mean(eights)) < 0.3


def test_with_labels_hebb_makes_mistakes_that_another_unit_does_not_make():
    images, labels = CHAPTER.functions("digits-figure")["two_digits"](8, 1)
    assert np.mean(np.sign(images @ hebb(images, labels)) == labels) == pytest.approx(0.938, abs=0.001)
    demands = -labels[:, None] * images
    solved = linprog(np.zeros(64), A_ub=demands, b_ub=-np.ones(len(images)), bounds=[(None, None)] * 64)
    assert solved.status == 0


def test_hebb_finds_all_units_of_two_inputs_and_not_those_of_more(tables):
    """At zero a unit fires, as `threshold_output` does; without the rows at zero, 40 of 104 and 1402."""
    printed = [list(map(int, line.split())) for line in CHAPTER.printed("hebb-code").splitlines()[1:4]]
    assert printed == [[2, 14, 14, 14], [3, 104, 72, 104], [4, 1882, 1530, 1818]]
    strictly = []
    for n, _, right, with_field in printed:
        zeros_and_ones = truth_table_inputs(n)
        signs = np.hstack([2.0 * zeros_and_ones - 1, np.ones((2**n, 1))])
        labels = 2 * (tables[n][:, None] >> np.arange(2**n) & 1) - 1
        weights = labels @ signs / 2**n
        answers = [
            threshold_output(2 * w[:-1], w[:-1].sum() - w[-1], zeros_and_ones).tolist() for w in weights
        ]
        assert np.all(np.array(answers) == (labels > 0), axis=1).sum() == right
        strictly.append(np.all(labels * (weights @ signs.T) > 0, axis=1).sum())
        sums = weights[:, :-1] @ signs[:, :-1].T
        fields = np.unique(sums)
        fields = np.append(fields, fields.max() + 1)
        some = [np.all((sums >= field) == (labels > 0), axis=1) for field in fields]
        assert np.any(some, axis=0).sum() == with_field
    assert strictly == [14, 40, 1402]


def test_the_conjunction_by_hebb_and_exclusive_or():
    for n in (2, 3, 4, 6):
        rows = np.hstack([2.0 * truth_table_inputs(n) - 1, np.ones((2**n, 1))])
        w = hebb(rows, np.where(np.arange(2**n) == 2**n - 1, 1, -1))
        if n == 3:
            assert w.tolist() == [0.25, 0.25, 0.25, -0.75]
        assert np.sign(w.sum()) == np.sign(3 - n)
        if n == 3:  # so it is right, and the opposite table wrong, at zero
            assert ((rows @ w >= 0) == (np.arange(8) == 7)).all()
            assert ((rows @ -w >= 0) != (np.arange(8) != 7)).tolist() == [False] * 7 + [True]
    rows = np.hstack([2.0 * truth_table_inputs(2) - 1, np.ones((4, 1))])
    assert not hebb(rows, [-1, 1, 1, -1]).any()


def test_hebbs_weights_know_the_table(tables):
    """No other table at all, unit or not, has the weights of one that a unit has; others do share theirs."""
    rows = np.hstack([2.0 * truth_table_inputs(3) - 1, np.ones((8, 1))])
    weights = {k: tuple(hebb(rows, 2 * np.array(bits(k, 3)) - 1).tolist()) for k in range(256)}
    values = list(weights.values())
    alone = {k for k, w in weights.items() if values.count(w) == 1}
    assert set(tables[3].tolist()) <= alone
    assert len(alone) < 256


# ---- What the page asks.


def test_questions_take_right_answers_and_know_usual_mistakes():
    assert CHAPTER.tells_apart("question-field", "-2", ["-4.5", "0.5", "-2.5", "2"])
    assert CHAPTER.tells_apart("question-parity", "32", ["64", "33", "6", "31"])
    assert CHAPTER.tells_apart("question-rate", "9.92", ["1.72", "0.173", "14.0", "0.03"])
