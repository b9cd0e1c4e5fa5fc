"""The algorithms that the chapter on the Ising model writes out agree with the package."""

from itertools import product
from math import comb
from types import SimpleNamespace

import numpy as np
import pytest

from smbook import ising
from smbook.kernels import lattice
from smbook.kernels.rng import seed_state
from smbook.theory import ising as theory
from smbook.widgets import MeanFieldLab, Question
from tests.chapters import Chapter, source
from tests.lattice_draws import LatticeDraws, visiting_order

CHAPTER = Chapter("ising/ising-model.ipynb", np=np, theory=theory, Question=Question)


def lattice_couplings(shape, coupling):
    """Return the matrix J_ij of a periodic lattice, on a side of 2 with its double bonds."""
    sites = np.arange(np.prod(shape)).reshape(shape)
    couplings = np.zeros((sites.size, sites.size))
    for axis in range(sites.ndim):
        np.add.at(couplings, (sites.ravel(), np.roll(sites, 1, axis).ravel()), coupling)
    return couplings + couplings.T


class SameDraws:
    """Hand out the random numbers of one `simulate` sweep in the order of its visits."""

    def __init__(self, state, shape, table):
        self.draws, self.order, self.left = LatticeDraws(state, shape, table), visiting_order(shape), []

    def random(self):
        if not self.left:
            (drawn,) = self.draws.sweep()
            self.left = [drawn[site] / 2.0**63 for site in self.order][::-1]
        return self.left.pop()


@pytest.mark.parametrize("shape", [(8,), (7,), (2,), (4, 6), (3, 5), (2, 3, 4)])
@pytest.mark.parametrize(("beta", "coupling", "field"), [(0.4, 1.0, 0.0), (0.9, -0.7, 0.3), (0.0, 1.0, 0.5)])
def test_heat_bath_by_hand_is_the_package_spin_for_spin(shape, beta, coupling, field):
    sweep = CHAPTER.definitions("algorithm-heat-bath").heat_bath_sweep
    start = np.random.default_rng(5).choice(np.array([-1, 1], dtype=np.int8), shape)
    order, table = visiting_order(shape), np.empty((1, lattice.TABLE_WIDTH), dtype=np.int64)
    lattice.heat_bath_table(beta, coupling, field, len(shape), table)
    couplings = lattice_couplings(shape, coupling)[np.ix_(order, order)]
    draws = SameDraws(seed_state(11), shape, table)
    spins = start.ravel()[order].astype(float)
    magnetization = np.empty(1000)
    for count in range(1000):
        sweep(spins, couplings, np.full(spins.size, field), beta, draws)
        magnetization[count] = spins.mean()
    trace = ising.simulate(
        shape, beta, 1000, engine="plain", coupling=coupling, field=field, initial=start, rng=11
    )
    assert np.array_equal(spins, trace.spins.ravel()[order])
    assert magnetization == pytest.approx(trace.magnetization, abs=1e-12)


def test_ring_couplings_are_those_of_the_ring():
    ring_couplings = CHAPTER.definitions("algorithm-heat-bath").ring_couplings
    for n in (2, 3, 10):
        assert np.array_equal(ring_couplings(n), lattice_couplings((n,), 1.0))


@pytest.mark.parametrize("n", [2, 3, 10, 33])
@pytest.mark.parametrize("coupling", [1.0, -0.8])
@pytest.mark.parametrize("field", [0.0, 0.3])
def test_transfer_matrix_by_hand_agrees(n, coupling, field):
    by_hand = CHAPTER.definitions("algorithm-transfer-matrix").ring_log_partition
    expected = n * theory.ring(n, 0.6, coupling=coupling, field=field).log_partition
    assert by_hand(n, 0.6, coupling, field) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n", "beta", "field", "coupling"), [(10, 1.3, 0.0, 1.0), (25, 0.7, 0.2, -0.5)])
def test_curie_weiss_chain_keeps_the_package_distribution(n, beta, field, coupling):
    chain = CHAPTER.definitions("algorithm-curie-weiss-chain")
    gain, loss = chain.flip_probabilities(n, beta, field, coupling)
    p = theory.curie_weiss_finite(n, beta, field=field, coupling=coupling).probability
    after = p * (1 - gain - loss)
    after[1:] += (p * gain)[:-1]
    after[:-1] += (p * loss)[1:]
    assert after == pytest.approx(p, abs=1e-13)
    draws = (np.arange(100_000) + 0.5) / 100_000
    steps = chain.update(np.full(100_000, 4), gain, loss, SimpleNamespace(random=lambda _: draws)) - 4
    assert np.mean(steps == 1) == pytest.approx(gain[4], abs=2e-5)
    assert np.mean(steps == -1) == pytest.approx(loss[4], abs=2e-5)


def test_curie_weiss_chain_is_the_heat_bath_seen_from_afar():
    n, beta, field, coupling = 6, 0.9, 0.2, 1.1
    gain, loss = CHAPTER.definitions("algorithm-curie-weiss-chain").flip_probabilities(
        n, beta, field, coupling
    )
    couplings = coupling / n * (1 - np.eye(n))
    for spins in product([-1, 1], repeat=n):
        s = np.array(spins)
        p_up = (1 + np.tanh(beta * (couplings @ s + field))) / 2
        k = np.count_nonzero(s == 1)
        assert gain[k] == pytest.approx(np.mean((s == -1) * p_up), abs=1e-14)
        assert loss[k] == pytest.approx(np.mean((s == 1) * (1 - p_up)), abs=1e-14)


def lifetimes():
    """Return the functions of the chapter that compute and measure lifetimes."""
    return CHAPTER.definitions("algorithm-curie-weiss-chain", "algorithm-first-passage", ising=ising)


@pytest.mark.parametrize(
    ("beta", "field", "coupling", "n"), [(1 / 0.6, -0.05, 1.0, 30), (1 / 1.5, -0.3, 4.0, 16)]
)
def test_first_passage_by_hand_is_the_package(beta, field, coupling, n):
    low, _, high = theory.curie_weiss_solutions(beta, field=field, coupling=coupling)
    start, stop = (round(n * (1 + m) / 2) for m in (high, low))
    exact = theory.curie_weiss_first_passage(n, beta, start=start, stop=stop, field=field, coupling=coupling)
    assert lifetimes().exact_lifetime(n, beta, field, coupling) == pytest.approx(exact, rel=1e-10)


def test_in_mean_field_the_lifetime_grows_exponentially_with_the_barrier():
    """A barrier of 0.459676 T a spin (T = 1.5, h = -0.3, total coupling 4); the prefactor adds 1 / N."""
    lifetime = lifetimes().exact_lifetime
    growth = [
        np.log(lifetime(2 * n, 1 / 1.5, -0.3, 4.0) / lifetime(n, 1 / 1.5, -0.3, 4.0)) / n
        for n in (62, 125, 250)
    ]
    assert growth[-1] == pytest.approx(0.4597, abs=2e-3)
    assert abs(growth[-1] - 0.459676) < abs(growth[0] - 0.459676)


@pytest.mark.parametrize(("side", "expected"), [(8, 2183), (32, 264)])
def test_on_the_square_lattice_a_droplet_decides(side, expected):
    """In a field the lifetime falls with the lattice: 2183(56) and 264(5) sweeps in long runs."""
    rng = np.random.default_rng(side)
    times = np.array([lifetimes().time_to_turn(side, rng) for _ in range(300)])
    error = times.std() / np.sqrt(times.size)
    assert abs(times.mean() - expected) < 4 * error + 0.03 * expected
    assert error < 0.07 * times.mean()


def test_lifetimes_hang_on_the_rule_of_motion_and_barriers_do_not():
    """At h = -0.3 Metropolis is faster by 2.3; both grow by one factor to h = -0.25."""
    time_to_turn = lifetimes().time_to_turn

    def mean(algorithm, field):
        rng = np.random.default_rng(7)
        return np.mean([time_to_turn(32, rng, algorithm=algorithm, field=field) for _ in range(150)])

    table = np.array([[mean(rule, field) for field in (-0.3, -0.25)] for rule in ("heat-bath", "metropolis")])
    assert 1.8 < table[0, 0] / table[1, 0] < 2.9
    factors = table[:, 1] / table[:, 0]
    assert factors[0] == pytest.approx(factors[1], rel=0.35)


def test_the_gibbs_distribution_has_the_least_free_energy():
    cell = CHAPTER.definitions("algorithm-free-energy")
    rng = np.random.default_rng(3)
    energies = rng.normal(size=50)
    least = -np.log(np.sum(np.exp(-0.7 * energies))) / 0.7
    assert cell.free_energy(np.exp(-0.7 * (energies - least)), energies, 0.7)[2] == pytest.approx(least)
    for _ in range(100):
        assert cell.free_energy(rng.dirichlet(np.ones(50)), energies, 0.7)[2] > least


def test_the_ring_is_free_of_walls_in_46_of_100_sweeps_where_the_first_pair_costs_nothing():
    temperature = 4 / np.log(64 * 63 / 2)
    assert temperature == pytest.approx(0.526, abs=5e-4)
    weights = [comb(64, w) * np.exp(-2 * w / temperature) for w in range(0, 65, 2)]
    assert weights[:4] == pytest.approx([1, 1, 0.16, 0.01], abs=6e-3)
    assert weights[0] / sum(weights) == pytest.approx(0.46, abs=5e-3)
    energy = ising.simulate(64, 1 / temperature, 400_000, rng=5).energy[10_000:]
    assert np.mean(energy == -1.0) == pytest.approx(0.46, abs=0.03)


@pytest.mark.parametrize(("width", "length"), [(2, 3), (5, 4), (4, 9)])
def test_transfer_matrix_of_strips_agrees_with_kaufman(width, length):
    eigenvalues = CHAPTER.definitions("algorithm-strips").strip_eigenvalues(width, 0.44)
    expected = width * length * theory.kaufman((length, width), 0.44).log_partition
    assert np.log(np.sum(eigenvalues**length)) == pytest.approx(expected, rel=1e-12)


# The questions that the page checks


@pytest.mark.parametrize(
    ("typed", "right", "words"),
    [
        ("55,6", True, "1 + e⁴ = 55.6. At half the temperature patches are 6.6 times as long"),
        ("54.6", False, "do not forget the 1"),
        ("3.72", False, "βJ = 2, not 0.5"),
        ("27.3", False, "That is ξ"),
        ("8.4", False, "βJ = 2"),
        ("2982", False, "costs 2J, not 4J"),
        ("0.018", False, "share of bonds"),
        ("40", False, ""),
    ],
)
def test_the_length_of_a_patch(typed, right, words):
    verdict = CHAPTER.question("question-walls").check(typed)
    assert verdict.right == right
    assert words in verdict.words


@pytest.mark.parametrize(
    ("value", "error", "right", "words"),
    [
        (-0.265, 0.005, True, "the well ends at the spinodal field"),
        (0.265, 0.005, False, "the sign is not"),
        (-0.185, 0.005, False, "right for T = 0.6 J"),
        (0.71, 0.01, False, "Read off the field"),
        (-0.3, 0.02, False, "at most 0.01 is asked for. Take smaller steps"),
    ],
)
def test_the_end_of_the_upper_well(value, error, right, words):
    verdict = CHAPTER.question("question-spinodal").check(value, error)
    assert verdict.right == right
    assert words in verdict.words


def test_the_field_of_the_live_figure_answers_its_question():
    """Lower the field as the question says, a step of 0.01 J every 200 sweeps: the answer is right."""
    fields = -np.arange(40) / 100
    m = MeanFieldLab(temperature=0.5).simulate(fields, dwell=200.0)
    left = np.argmax(m < 0)
    assert CHAPTER.question("question-spinodal").check(fields[left - 1 : left + 1].mean(), 0.005).right


def test_the_magnet_of_ten_million_spins_is_that_of_a_thousand_in_a_field_as_much_stronger():
    mean = CHAPTER.definitions("algorithm-limits").mean_magnetization
    question = CHAPTER.question("question-pull", mean_magnetization=mean)
    state = theory.curie_weiss_finite(10**7, 1 / 0.8, field=1e-8)
    assert question.check(f"{state.probability @ state.magnetization:.2f}").right
    assert r"h = 10^{-8}\,J" in source(CHAPTER.cell("question-pull"))
