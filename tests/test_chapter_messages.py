"""What the chapter on messages writes out agrees with smbook, and holds on other seeds."""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy.special import log_ndtr

from smbook import figures, network, statistics
from smbook.message_passing import amp, belief_propagation, naive_mean_field, tap
from smbook.network import SpinNetwork
from smbook.perceptron import binary_solutions, hebb, overlap, teacher, teacher_examples
from smbook.theory import ising, perceptron, spin_glass
from smbook.theory import message_passing as theory
from smbook.widgets import MessageLab, Question
from tests.chapters import Chapter, source

SEEDS = range(10)
GRID = [(i, i + 1) for i in range(9) if i % 3 < 2] + [(i, i + 3) for i in range(6)]
LIMITS = theory.binary_thresholds()
CHAPTER = Chapter(
    "ising/messages.ipynb",
    np=np,
    plt=plt,
    figures=figures,
    log_ndtr=log_ndtr,
    network=network,
    statistics=statistics,
    theory=theory,
    ising=ising,
    perceptron=perceptron,
    spin_glass=spin_glass,
    SpinNetwork=SpinNetwork,
    amp=amp,
    belief_propagation=belief_propagation,
    naive_mean_field=naive_mean_field,
    tap=tap,
    teacher_examples=teacher_examples,
    binary_solutions=binary_solutions,
    Question=Question,
    lattice=theory.bethe_critical_temperature(4),
    limits=LIMITS,
)
TEXT = "\n".join(source(cell) for cell in CHAPTER.cells if cell["cell_type"] == "markdown")


def average(values):
    return statistics.disorder_mean(values).mean


def random_network(n, edges, rng, strength=1.0):
    couplings = strength * rng.normal(size=len(edges))
    return network.from_edges(n, edges, couplings=couplings, fields=rng.normal(size=n))


def dense(one):
    return one.couplings.toarray(), one.fields


# ---- Mean field, and its echo.


def test_the_means_by_hand_are_those_of_the_package_and_bound_the_free_energy():
    by_hand = CHAPTER.definitions("algorithm-naive").iterate_means
    for seed in SEEDS:
        one = random_network(9, GRID, np.random.default_rng(seed), 0.5)
        told = naive_mean_field(one, 0.7, max_steps=30, tolerance=0.0)
        assert by_hand(*dense(one), 0.7, 30) == pytest.approx(told.magnetization, abs=1e-12)
        assert told.log_partition <= one.enumerate(0.7).log_partition
    assert by_hand(np.array([[0.0, 1], [1, 0]]), np.full(2, 1e-6), 1 / 0.9, 4000).min() > 0.5
    assert by_hand(np.array([[0.0, 1], [1, 0]]), np.full(2, 1e-6), 1 / 1.1, 4000).max() < 1e-4


def test_where_naive_mean_field_orders():
    assert CHAPTER.column("echo", "square lattice", 0) == 4
    assert CHAPTER.column("echo", "square lattice", 1) == round(ising.CRITICAL_TEMPERATURE, 3)
    tops = [
        np.linalg.eigvalsh(network.sherrington_kirkpatrick(400, rng=seed).couplings)[-1] for seed in SEEDS
    ]
    assert np.mean(tops) == pytest.approx(2, abs=0.06)


# ---- Trees.


@pytest.fixture(scope="module")
def written():
    return CHAPTER.definitions("algorithm-messages")


def longest_path(one):
    steps = np.asarray((one.couplings != 0).toarray(), dtype=float)
    reach, far = np.eye(len(steps)), 0
    while (grown := (reach + reach @ steps > 0).astype(float)).sum() > reach.sum():
        reach, far = grown, far + 1
    return far


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tree_is_exact_after_its_longest_path_and_not_a_step_before(written, seed):
    one = network.random_tree(12, fields=np.random.default_rng(seed).normal(size=12), rng=seed)
    (couplings, h), states, far = dense(one), one.enumerate(0.8), longest_path(one)
    errors = []
    for k in (far - 1, far, far + 3):
        m, pairs, log_z = written.beliefs(couplings, h, 0.8, written.pass_messages(couplings, h, 0.8, k))
        off = (
            np.abs(m - states.magnetization).max(),
            np.abs(pairs - states.correlations)[couplings != 0].max(),
        )
        errors.append(max(*off, abs(log_z - states.log_partition)))
    assert errors[0] > 1e-10
    assert max(errors[1:]) < 1e-11


def test_a_message_that_repeats_what_it_was_told_is_not_exact(written):
    """The echo left in, 0.1 off where the right messages are exact to rounding."""
    text = source(next(c for c in CHAPTER.cells if c["id"] == "messages")).split("\n\n\n")[0]
    scope = {"np": np}
    exec(text.replace("H[:, None] - u.T", "H[:, None] + 0 * u.T"), scope)
    one = network.random_tree(10, disorder="none", fields=0.1, rng=3)
    (couplings, h), exact = dense(one), one.enumerate(0.5).magnetization
    right = written.beliefs(couplings, h, 0.5, written.pass_messages(couplings, h, 0.5, 20))[0]
    wrong = np.tanh(0.5 * h + scope["pass_messages"](couplings, h, 0.5, 200).sum(axis=0))
    assert np.abs(right - exact).max() < 1e-13
    assert np.abs(wrong - exact).max() > 0.1


@pytest.mark.parametrize("seed", SEEDS)
def test_the_ten_lines_are_belief_propagation_on_any_graph(written, seed):
    one = random_network(9, GRID, np.random.default_rng(seed), 0.6)
    told = belief_propagation(one, 0.9, max_steps=25, tolerance=0.0)
    m, pairs, log_z = written.beliefs(*dense(one), 0.9, written.pass_messages(*dense(one), 0.9, 25))
    assert m == pytest.approx(told.magnetization, abs=1e-10)
    assert pairs[tuple(told.edges.T)] == pytest.approx(told.correlations, abs=1e-9)
    settled = belief_propagation(one, 0.9)
    log_z = written.beliefs(*dense(one), 0.9, written.pass_messages(*dense(one), 0.9, 300))[2]
    assert settled.converged
    assert log_z == pytest.approx(settled.log_partition, abs=1e-9)


def test_the_printed_trees():
    rows = CHAPTER.printed("messages").splitlines()[1:]
    assert [row.count("rounding") for row in rows] == [0, 0, 0, 1, 3, 3]
    ends = [int(row.split()[-2]) for row in CHAPTER.printed("steps").splitlines() if "exact" in row]
    assert ends == [15, 8, 2]
    assert "8 in this random tree" in CHAPTER.cell("steps")["metadata"]["mystnb"]["figure"]["caption"]


def test_a_tree_of_ten_thousand_spins_is_done_in_a_moment():
    """Its ln Z by summing out one spin after another, which knows nothing of messages."""
    h = np.random.default_rng(1982).normal(size=10_000)
    large = network.random_tree(10_000, fields=h, rng=1982)
    told = belief_propagation(large, 1.0)
    assert told.converged
    assert told.steps < 100
    small = network.random_tree(200, fields=h[:200], rng=1982)
    assert belief_propagation(small, 1.0).log_partition == pytest.approx(log_partition(small, 1.0), rel=1e-12)


# ---- Loops.


@pytest.mark.parametrize("seed", SEEDS)
def test_on_a_ring_messages_know_one_eigenvalue_of_two(written, seed):
    rng, n = np.random.default_rng(seed), 3 + seed % 5
    couplings, h = rng.normal(size=n), rng.normal(size=n)
    one = network.from_edges(n, [(i, (i + 1) % n) for i in range(n)], couplings=couplings, fields=h)
    first, second = CHAPTER.functions("rings")["around"](*dense(one), 0.9)
    known = theory.ring(0.9, couplings, fields=h)
    assert np.log(first) == pytest.approx(known.bethe, rel=1e-11)
    assert second / first == pytest.approx(known.echo, rel=1e-9)
    assert np.log(first + second) == pytest.approx(one.enumerate(0.9).log_partition, rel=1e-12)
    assert first * second == pytest.approx(np.prod(2 * np.sinh(1.8 * couplings)), rel=1e-9)
    assert np.sign(second) == np.sign(np.prod(couplings))
    turns = written.pass_messages(*dense(one), 0.9, 60 * n)
    m, _, log_z = written.beliefs(*dense(one), 0.9, turns)
    assert log_z == pytest.approx(np.log(first), abs=1e-8)
    exact = one.enumerate(0.9).magnetization
    assert exact == pytest.approx((first - second) / (first + second) * m, abs=1e-8)


def test_without_fields_the_echo_is_the_product_of_the_tanh():
    couplings = np.array([0.5, -1.2, 0.8, 2.0])
    assert theory.ring(0.7, couplings).echo == pytest.approx(np.prod(np.tanh(0.7 * couplings)))


def test_the_printed_rings():
    for row in CHAPTER.printed("rings").splitlines()[2:]:
        n, last, exact, both, bethe, first, mean, told = map(float, row.split())
        assert (exact, bethe) == (both, first)
        assert (bethe < exact) == (last > 0) == (told > mean)
        factor = (2 * np.exp(first) - np.exp(exact)) / np.exp(exact)
        assert mean == pytest.approx(factor * told, abs=3e-4)
        assert told == 0.4949 or last < 0
    assert n == 10


def test_where_messages_order_by_themselves():
    matrix = CHAPTER.functions("onset")["non_backtracking"]

    def radius(edges):
        return np.abs(np.linalg.eigvals(matrix(edges))).max()

    assert radius(GRID) == pytest.approx(np.sqrt(3), rel=1e-12)
    assert radius([(0, 1), (1, 2), (0, 2)]) == pytest.approx(1)
    assert radius([(0, 1), (1, 2), (1, 3)]) == pytest.approx(0, abs=1e-4)  # of a nilpotent matrix
    couplings = dense(network.from_edges(9, GRID))[0]
    assert theory.non_backtracking_radius(couplings, 0.5) == pytest.approx(np.tanh(0.5) * np.sqrt(3))
    onset = np.arctanh(1 / np.sqrt(3))
    for beta, ordered in ((onset * 0.97, False), (onset * 1.03, True)):
        told = belief_propagation(network.from_edges(9, GRID), beta, initial=0.5, max_steps=5000)
        assert (np.abs(told.magnetization).max() > 0.05) == ordered
    assert CHAPTER.column("onset", "nine spins: rho = 1.7321, and below T =", 0) == round(1 / onset, 4)
    assert theory.bethe_critical_temperature(4) == pytest.approx(1 / np.arctanh(1 / 3))


def bethe_of_means(one, beta, m, chi, edges):
    """Return beta F_Bethe as {eq}`eq-messages-bethe` has it."""
    couplings, h = dense(one)
    i, j = np.transpose(edges)
    s = np.array([1, -1])[:, None]
    pairs = (1 + s[:, None] * m[i] + s * m[j] + s[:, None] * s * chi) / 4
    spins = (1 + s * m) / 2
    entropy = -np.sum(pairs * np.log(pairs))
    entropy += np.sum(((couplings != 0).sum(axis=0) - 1) * np.sum(spins * np.log(spins), axis=0))
    return -beta * (np.sum(couplings[i, j] * chi) + h @ m) - entropy


@pytest.mark.parametrize("seed", range(4))
def test_messages_settle_where_the_bethe_free_energy_is_stationary(seed):
    """Its gradient at the exact means instead is not zero."""
    one = random_network(9, GRID, np.random.default_rng(seed), 0.7)
    told, states = belief_propagation(one, 0.8, damping=0.3), one.enumerate(0.8)
    assert told.converged
    i, j = told.edges.T
    gradients = []
    for m, chi in (
        (told.magnetization, told.correlations),
        (states.magnetization, states.correlations[i, j]),
    ):
        place, gradient = np.concatenate([m, chi]), []
        for k in range(place.size):
            step = 1e-5 * (np.arange(place.size) == k)
            up, down = (
                bethe_of_means(one, 0.8, x[:9], x[9:], told.edges) for x in (place + step, place - step)
            )
            gradient.append((up - down) / 2e-5)
        gradients.append(np.abs(gradient).max())
    assert gradients[0] < 1e-7 < 1e-4 < gradients[1]
    value = bethe_of_means(one, 0.8, told.magnetization, told.correlations, told.edges)
    assert value == pytest.approx(-told.log_partition, abs=1e-10)


def log_partition(one, beta):
    """Sum out one spin after another, that with the fewest neighbours first."""
    couplings, h, s = one.couplings.tocoo(), one.fields, np.array([1.0, -1.0])
    tables = [((i,), np.exp(beta * h[i] * s)) for i in range(one.n_spins)]
    bonds = zip(*couplings.coords, couplings.data, strict=True)
    tables += [((int(i), int(j)), np.exp(beta * x * np.outer(s, s))) for i, j, x in bonds if i < j]
    total, left = 0.0, set(range(one.n_spins))
    while left:
        near = {k: set().union(*(who for who, _ in tables if k in who)) for k in left}
        k = min(left, key=lambda k: len(near[k]))
        names = {v: n for n, v in enumerate(sorted(near[k]))}
        mine = [table for table in tables if k in table[0]]
        tables = [table for table in tables if k not in table[0]]
        operands = [part for who, table in mine for part in (table, [names[v] for v in who])]
        rest = tuple(v for v in sorted(near[k]) if v != k)
        summed = np.einsum(*operands, [names[v] for v in rest])
        total += np.log(summed.max())
        tables += [(rest, summed / summed.max())] if rest else []
        left.remove(k)
    return total


def test_long_loops_do_what_the_text_adds_up():
    """As the text has it of 40 spins, by elimination. With triangles alone ln Z would be 10 errors off."""
    made = CHAPTER.definitions("algorithm-regular")
    rng, rows = np.random.default_rng(40), []
    assert log_partition(network.from_edges(9, GRID, fields=0.1), 0.3) == pytest.approx(
        network.from_edges(9, GRID, fields=0.1).enumerate(0.3).log_partition, rel=1e-12
    )
    for _ in range(160):
        edges = made.cubic_graph(40, rng)
        log_z = [log_partition(network.from_edges(40, edges, fields=h), 0.3) for h in (0.0999, 0.1, 0.1001)]
        told = belief_propagation(network.from_edges(40, edges, fields=0.1), 0.3)
        over = told.magnetization.sum() - (log_z[2] - log_z[0]) / (2e-4 * 0.3)
        rows.append((log_z[1] - told.log_partition, over))
    missed, over = map(average, np.transpose(rows))
    slope = (made.loops(0.3, 0.0999) - made.loops(0.3, 0.1001)) / (2e-4 * 0.3)
    assert abs(missed.value - made.loops(0.3, 0.1)) < 4 * missed.error + 0.003
    assert abs(over.value - slope) < 4 * over.error + 0.003
    assert "0.0722(6) and 0.0621(6)" in TEXT
    assert max(abs(over.value - 0.0722) / over.error, abs(missed.value - 0.0621) / missed.error) < 4
    assert CHAPTER.column("regular-figure", "large N", 0) == round(slope, 4)
    rows = [row.split()[1:] for row in CHAPTER.printed("regular-figure").splitlines()[1:-1]]
    printed = [[float(value.split("(")[0]) for value in row] for row in rows]
    assert all(value == pytest.approx(slope, rel=0.04) for value, _ in printed)
    assert printed[0][0] == pytest.approx(1.025 * slope, abs=3e-4)
    assert [round(printed[k][1], 3) for k in (0, -1)] == [0.079, 0.065]


def test_random_graphs_are_drawn_evenly():
    """Of the 70 graphs of six spins with three neighbours, 60 have two triangles and 10 have none."""
    draw, rng = CHAPTER.definitions("algorithm-regular").cubic_graph, np.random.default_rng(6)
    found = []
    for _ in range(1500):
        couplings = dense(network.from_edges(6, draw(6, rng)))[0]
        found.append(np.trace(couplings @ couplings @ couplings) / 6)
    assert set(found) == {0.0, 2.0}
    assert abs(average(found).z(120 / 70)) < 4
    assert abs(np.mean(found) - 4 / 3) > 0.3  # so much do few spins differ from many


# ---- Many weak couplings.


def test_with_damping_the_samples_of_the_text_settle():
    rng = np.random.default_rng(7)
    for _ in range(100):
        couplings = network.sherrington_kirkpatrick(10, rng=rng).couplings
        one = SpinNetwork(couplings, np.full(10, 0.3))
        ways = naive_mean_field, tap, belief_propagation
        assert all(way(one, 1 / 2.5, damping=0.3).converged for way in ways)


def test_the_error_of_tap_falls_and_that_of_naive_mean_field_does_not():
    squares = CHAPTER.functions("glasses")["squares"]
    means = []
    for n, count in ((5, 300), (10, 200), (16, 100)):
        rng = np.random.default_rng(n)
        means.append(np.mean([squares(n, 2.5, rng)[2] for _ in range(count)], axis=0))
    naive, tap_errors, messages = np.transpose(means)
    assert naive == pytest.approx(naive.mean(), rel=0.5)
    assert np.array([5, 10, 16]) * tap_errors == pytest.approx(1.3e-4, rel=0.5)
    assert np.all(messages < naive / 50)
    rows = [row.split() for row in CHAPTER.printed("glasses").splitlines()[2:]]
    assert all(float(row[1]) > 5 * float(row[2]) for row in rows)
    assert float(rows[2][2]) < 0.7 * float(rows[0][2])


@pytest.fixture(scope="module")
def changes():
    return CHAPTER.definitions("algorithm-tap").tap_changes


@pytest.mark.parametrize("older", [True, False])
def test_the_steps_by_hand_are_those_of_tap(changes, older):
    couplings = network.sherrington_kirkpatrick(60, rng=4).couplings
    one, reaction = SpinNetwork(couplings, np.full(60, 0.6)), "older" if older else "same"
    path = [np.zeros(60)]
    for k in range(1, 8):
        told = tap(one, 1.5, reaction=reaction, max_steps=k, tolerance=0.0)
        path.append(told.magnetization)
    seen = [np.mean((b - a) ** 2) for a, b in pairwise(path)]
    assert changes(couplings, 0.6, 1.5, 7, older=older) == pytest.approx(seen, rel=1e-9)


def test_steps_shrink_by_the_number_of_de_almeida_and_thouless(changes):
    """In the median, as one sample of a thousand spins may be slower; with the present means they do not."""
    rate = 1 - spin_glass.almeida_thouless_stability(2.0, field=1.0)
    factors = []
    for seed in SEEDS:
        couplings = network.sherrington_kirkpatrick(1000, rng=100 + seed, dtype=np.float32).couplings
        walk = changes(couplings, 1.0, 2.0, 31, older=True)
        factors.append((walk[30] / walk[10]) ** (1 / 20))
        assert changes(couplings, 1.0, 2.0, 31, older=False)[-1] > 0.1
        assert changes(couplings, 0.3, 2.0, 31, older=True)[-1] > 1e-2
    assert np.median(factors) == pytest.approx(rate, abs=0.05)
    told = CHAPTER.printed("time-index").splitlines()
    assert f"Lambda = {rate:.3f} for h = 1 and 1.232" in told[0]
    assert [float(x) for x in told[1].split()[5:]] == pytest.approx([rate] * 3, abs=0.05)
    assert told[2].endswith("True")


# ---- A student.


@pytest.fixture(scope="module")
def student():
    return CHAPTER.definitions("algorithm-amp").message_student


@pytest.mark.parametrize("signs", [False, True])
def test_the_student_by_hand_is_amp(student, signs):
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        one = rng.choice([-1.0, 1.0], 200) if signs else teacher(200, rng=rng)
        draw = teacher_examples(one, 220, rng=rng)
        told = amp(*draw, prior="binary" if signs else "gaussian", max_steps=6, tolerance=0.0, teacher=one)
        path = student(*draw, 6, signs=signs)
        assert path[-1] == pytest.approx(told.weights, abs=1e-9)
        assert path @ one / 200 == pytest.approx(told.overlaps, abs=1e-10)
        assert signs or overlap(path[0], hebb(*draw)) == pytest.approx(1, abs=1e-12)
    assert "agree: True" in CHAPTER.printed("amp")


def test_students_follow_state_evolution_on_other_seeds():
    """Six percent more precision in each step would be 4 errors off."""
    seen = []
    for seed in range(24):
        one = teacher(800, rng=seed)
        draw = teacher_examples(one, 1200, rng=1000 + seed)
        seen.append(amp(*draw, teacher=one, max_steps=6, tolerance=0.0).overlaps)
    known = theory.state_evolution(1.5, n_steps=6).overlap[1:]
    means = [average(column) for column in np.transpose(seen)]
    assert all(abs(a.value - b) < 4 * a.error + 1.5e-3 for a, b in zip(means, known, strict=True))
    more = theory.state_evolution(1.5 * 1.06, n_steps=6).overlap[1:]
    assert abs(means[-1].z(more[-1])) > 4


def test_state_evolution_as_it_is_written():
    t = np.linspace(-9, 9, 4001)
    density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    for prior in ("gaussian", "binary"):
        q = 0.0
        for known in theory.state_evolution(1.2, prior=prior, n_steps=5).overlap[1:]:
            a = np.sqrt(q / (1 - q))
            ratio = np.exp(-((a * t) ** 2) - log_ndtr(a * t)) / (2 * np.pi)
            r = 2 * 1.2 / (1 - q) * np.trapezoid(density * ratio, t)
            q = r / (1 + r) if prior == "gaussian" else np.trapezoid(density * np.tanh(r + np.sqrt(r) * t), t)
            assert q == pytest.approx(known, abs=1e-8)


def test_the_printed_steps_lie_on_state_evolution_and_end_on_the_bayes_curve():
    for row in CHAPTER.printed("evolution-figure").splitlines()[1:]:
        load, q, known, error, bayes, hebb_error, good, _, count = row.split()
        assert good == count == "12"
        for told, limit in ((q, known), (error, bayes)):
            value, digits = told.rstrip(")").split("(")
            last = float(digits) * 10.0 ** -len(value.split(".")[1])
            assert abs(float(value) - float(limit)) < 4 * last
        assert float(bayes) == round(perceptron.bayes_curve(float(load)).error, 4)
        assert float(hebb_error) == round(perceptron.hebb_curve(float(load)).error, 4)
    assert max(CHAPTER.column("evolution-figure", "2 ", 2), perceptron.bayes_curve(2.0).error) < 0.18
    assert round(100 * perceptron.hebb_curve(2.0).error) == 23


def test_the_free_entropy_as_it_is_written():
    t = np.linspace(-10, 10, 1001)
    density = np.exp(-(t**2) / 2) / np.sqrt(2 * np.pi)
    for q in (0.3, 0.75):
        a = np.sqrt(q / (1 - q))
        part = 2 * 1.35 * np.trapezoid(density * np.exp(log_ndtr(a * t)) * log_ndtr(a * t), t)
        r = np.geomspace(0.2, 8, 800)[:, None]
        cosh = np.logaddexp(r + np.sqrt(r) * t, -r - np.sqrt(r) * t)
        least = np.min(np.trapezoid(density * cosh, t, axis=1) - r[:, 0] * (1 + q) / 2)
        assert least + part == pytest.approx(theory.free_entropy(1.35, q, prior="binary"), abs=1e-5)


def test_the_landscape_is_as_printed():
    assert f"from a load of {LIMITS.information:.4f} on" in CHAPTER.printed("landscape")
    assert f"from {LIMITS.algorithmic:.4f} on" in CHAPTER.printed("landscape")
    assert {f"{x:.4f}" for x in LIMITS} <= set(TEXT.replace(",", " ").replace(". ", " ").split())
    rest = theory.fixed_points(1.35, prior="binary")
    assert rest.overlap[1] == pytest.approx(0.964, abs=5e-4)
    assert rest.overlap[0] == pytest.approx(0.756, abs=5e-4)
    assert rest.free_entropy[0] < 0 < theory.fixed_points(1.2, prior="binary").free_entropy[0]


def test_the_hard_phase_on_other_seeds():
    """None of ten at 1.35, each of ten at 1.7; and the printed rows say so."""
    found = {1.35: [], 1.7: []}
    for load, ends in found.items():
        for seed in SEEDS:
            rng = np.random.default_rng([seed, 7])
            one = rng.choice([-1.0, 1.0], 1000)
            draw = teacher_examples(one, int(load * 1000), rng=rng)
            told = amp(*draw, prior="binary", teacher=one, max_steps=60, tolerance=1e-3)
            ends.append(told.overlaps[-1])
    assert sum(q > 0.999 for q in found[1.35]) <= 1
    assert sum(q > 0.999 for q in found[1.7]) == 10
    assert np.median(found[1.35]) == pytest.approx(0.756, abs=0.04)
    counts = [row.split()[1] for row in CHAPTER.printed("students").splitlines()[1:]]
    assert counts == ["0", "0", "0", "4", "4"]


def test_the_counted_chances():
    first, *_, third, last = [row.split()[1:] for row in CHAPTER.printed("counting").splitlines()[2:]]
    assert [float(x.split("(")[0]) for x in first] == sorted(
        (float(x.split("(")[0]) for x in first), reverse=True
    )
    assert all(float(x.split("(")[0]) > 0.8 for x in last)
    assert float(third[-1].split("(")[0]) == pytest.approx(0.6, abs=0.05)
    chances = []
    for seed in range(150):
        rng = np.random.default_rng([seed, 23])
        one = rng.choice([-1, 1], 23)
        draw = teacher_examples(one, 32, distribution="binary", rng=rng)
        chances.append(1 / len(binary_solutions(*draw)))
    assert average(chances).value == pytest.approx(0.6, abs=0.12)


# ---- Questions and exercises.


def test_the_questions():
    assert CHAPTER.tells_apart("question-chain", 99, (100, 98, 50, 198, 1))
    cubic = theory.bethe_critical_temperature(6)
    wrong = 6, 1 / np.arctanh(1 / 6), 5, 0.2, np.arctanh(0.2), 4.51, theory.bethe_critical_temperature(4)
    assert CHAPTER.tells_apart("question-cubic", cubic, wrong)
    assert all(CHAPTER.question("question-cubic").check(answer).right for answer in ("4.93", "4.9"))
    asked = CHAPTER.question("question-hard")
    right = "more examples, up to a load of 1.6"
    assert asked.check(right).right
    others = "more steps", "nothing; the examples do not determine the teacher", "a larger system"
    said = [asked.check(option) for option in others]
    assert not any(verdict.right for verdict in said)
    assert len({verdict.words for verdict in said} - {""}) == 3


def largest_error(**settings):
    return MessageLab(**settings).propagate(2000).errors[-1]


def test_what_the_live_figure_shows_at_the_beginning():
    for graph, off in (("tree", (0, 0.14, 0.37)), ("ring", (0.14, 0.49, 0.51))):
        methods = "belief-propagation", "tap", "naive-mean-field"
        found = [largest_error(graph=graph, method=method) for method in methods]
        assert found == pytest.approx(off, abs=0.005)
    chain = {"graph": "chain", "method": "tap"}
    assert MessageLab(**chain).propagate(2000).changes[-1] > 0.5
    assert MessageLab(**chain, damping=0.5).propagate(2000).changes[-1] < 1e-12


def test_messages_order_on_the_grid_of_the_live_figure():
    grid = {"graph": "grid", "field": -0.1}
    assert largest_error(**grid, beta=0.8) < 1e-12
    m = MessageLab(**grid, beta=0.8, start="up").propagate(2000).magnetization[-1]
    assert [m.min(), m.max()] == pytest.approx([0.80, 0.93], abs=0.005)
    assert largest_error(**grid, beta=0.67, start="up") > 0.1
    assert largest_error(**grid, beta=0.65, start="up") < 1e-3
    assert round(1 / CHAPTER.column("onset", "nine spins: rho = 1.7321, and below T =", 0), 3) == 0.658


def test_what_the_live_figure_shows_in_an_exercise():
    for couplings, told, exact in (((1, 1, -1), 3.4096, 2.8700), ((1, 1, 1), 3.6997, 3.9095)):
        lab = MessageLab(edges=[(0, 1), (1, 2), (0, 2)], couplings=couplings, fields=0.2, beta=1.0)
        assert lab.propagate(400).log_partition == pytest.approx(told, abs=5e-5)
        assert lab.exact.log_partition == pytest.approx(exact, abs=5.1e-5)
    assert MessageLab(graph="triangle").propagate(400).log_partition == pytest.approx(3.4096, abs=5e-5)
    assert (2 * np.sinh(2)) ** 3 == pytest.approx(381.7, abs=0.05)


def test_the_exercises_on_paper():
    assert perceptron.hebb_curve(np.pi / 2).error == pytest.approx(0.25)
    assert perceptron.bayes_curve(1.0).error == pytest.approx(0.25, abs=0.005)
    first = theory.state_evolution(0.8, n_steps=1).overlap[1]
    assert np.sqrt(first) == pytest.approx(perceptron.hebb_curve(0.8).overlap)


def test_a_loop_is_mended():
    told, mended = CHAPTER.printed("mend-code").splitlines()
    values = told.replace(",", "").split()
    assert values[-1] == mended.split()[-1] != values[4]


def test_at_zero_temperature_a_tree_gives_its_ground_state():
    made = CHAPTER.definitions("algorithm-ground")
    rng = np.random.default_rng(1)
    for _ in range(10):
        tree = [(int(rng.integers(i)), i) for i in range(1, 12)]
        assert made.finds_it(12, tree, rng)
    shares = [sum(made.finds_it(9, GRID, np.random.default_rng([s, k])) for k in range(40)) for s in range(5)]
    assert all(24 < share < 40 for share in shares)
    tree, grids = CHAPTER.printed("ground-code").splitlines()
    assert tree == "on the tree 20 of 20"
    assert 160 < int(grids.split()[2]) < 200


def test_a_hint_must_pass_the_barrier():
    told = CHAPTER.definitions("algorithm-hint").told_student
    for p, found in ((0.92, False), (0.99, True)):
        ends = []
        for seed in range(3):
            rng = np.random.default_rng([seed, 3])
            one = rng.choice([-1.0, 1.0], 1500)
            draw = teacher_examples(one, 2025, rng=rng)
            first = np.where(rng.random(1500) < p, one, 0)
            ends.append(told(*draw, first, 60) @ one / 1500)
        assert (np.median(ends) > 0.99) == found
    assert [row.split()[1] for row in CHAPTER.printed("hint-code").splitlines()[1:]] == ["0.73", "1.00"]
