"""What the chapter on spin glasses writes out agrees with smbook, and what it claims holds on other seeds."""

import ast
import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import curve_fit

from smbook import network, statistics
from smbook.network import SpinNetwork
from smbook.theory import spin_glass as theory
from smbook.widgets import Question, SpinGlassLab
from tests.chapters import Chapter, source

CHAPTER = Chapter(
    "ising/spin-glasses.ipynb",
    np=np,
    network=network,
    SpinNetwork=SpinNetwork,
    statistics=statistics,
    theory=theory,
    curve_fit=curve_fit,
    Question=Question,
)
SEEDS = range(10)


def constant(name, cell):
    """Return what a cell of the chapter assigns to a name, a literal."""
    (node,) = [
        node
        for node in ast.parse(source(CHAPTER.cell(cell))).body
        if isinstance(node, ast.Assign) and node.targets[0].id == name
    ]
    return ast.literal_eval(node.value)


def scores_are_honest(z):
    """Ten or more values of z, or rows of them: mean 0 and spread 1, beyond 1 in 1000 at most."""
    z = np.atleast_2d(z)
    n = z.shape[1]
    assert (abs(z.mean(axis=1)) < 4 / np.sqrt(n)).all()
    assert (abs(z.std(axis=1, ddof=1) - 1) < 3.5 / np.sqrt(2 * n)).all()


# ---- Replicas and frustration.


def test_the_pairs_of_a_ferromagnet_agree_and_those_of_a_glass_get_stuck():
    """In most samples pairs differ by much; one whose overlaps have a single peak may be soon there."""
    spreads = []
    for seed in SEEDS:
        magnet, glass = network.ferromagnet(256), network.sherrington_kirkpatrick(256, rng=seed)
        q, stuck = (
            sample.sample(2.5, 3000, n_chains=12, rng=seed).replica_overlap[:, 2000:].mean(axis=1)
            for sample in (magnet, glass)
        )
        assert abs(q) == pytest.approx(0.97, abs=0.01)
        assert abs(stuck).max() < 0.95
        spreads.append(np.ptp(abs(stuck)))
    assert np.median(spreads) > 0.2


def test_what_the_exercise_on_the_live_figure_says_belongs_to_the_sample():
    overlaps = {}
    for seed in (38, 59):
        lab = SpinGlassLab(model="SK", spins=256, temperature=0.4, algorithm="tempering", seed=seed)
        again = lab.network.temper(lab.betas, 6000, rng=77)
        runs = lab.simulate(6000), again
        overlaps[seed] = [abs(run.replica_overlap[0, -1, 3000:]).mean() for run in runs]
    assert overlaps[38] == pytest.approx([0.39, 0.39], abs=0.05)
    assert overlaps[59] == pytest.approx([0.81, 0.81], abs=0.05)
    stuck = SpinGlassLab(model="SK", spins=256, temperature=0.4, seed=59).simulate(6000)
    assert stuck.replica_overlap[0, 3000:].mean() == pytest.approx(0.02, abs=0.005)
    assert stuck.energy[:, 3000:].mean(axis=1) / 256 == pytest.approx([-0.705, -0.730], abs=0.001)


def test_disorder_can_be_undone_if_and_only_if_no_loop_is_frustrated():
    """All signs of the bonds of a complete graph of four spins, whose seven loops are listed."""
    pairs = list(itertools.combinations(range(4), 2))
    loops = [(0, 1, 2), (0, 1, 3), (0, 2, 3), (1, 2, 3), (0, 1, 2, 3), (0, 2, 1, 3), (0, 1, 3, 2)]
    undone = 0
    for signs in itertools.product((-1.0, 1.0), repeat=6):
        couplings = np.zeros((4, 4))
        for (i, j), sign in zip(pairs, signs, strict=True):
            couplings[i, j] = couplings[j, i] = sign
        frustrated = any(
            np.prod([couplings[i, j] for i, j in zip(loop, loop[1:] + loop[:1], strict=True)]) < 0
            for loop in loops
        )
        satisfied = SpinNetwork(couplings).enumerate(1.0).ground_energy == -6
        assert satisfied != frustrated
        undone += satisfied
    assert undone == 8


def test_gauge_transformations_keep_energies_and_frustration():
    cell = CHAPTER.functions("gauge-check")
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        couplings = network.edwards_anderson((4, 4), disorder="plus-minus", rng=rng).couplings.toarray()
        signs, spins = rng.choice([-1, 1], (2, 16)).astype(np.int8)
        turned = cell["gauge"](couplings, signs)
        assert SpinNetwork(turned).energy(signs * spins) == SpinNetwork(couplings).energy(spins)
        counts = [cell["frustrated_plaquettes"](J, 4) for J in (couplings, turned)]
        assert counts[0] == counts[1]
        assert counts[0] % 2 == 0
        assert cell["frustrated_plaquettes"](network.from_lattice((4, 4)).couplings.toarray(), 4) == 0
        one = couplings.copy()
        one[0, 1] = one[1, 0] = -one[0, 1]
        assert abs(cell["frustrated_plaquettes"](one, 4) - counts[0]) in (0, 2)


@pytest.mark.parametrize("seed", range(3))
def test_the_gray_code_visits_all_states(seed):
    sample = network.sherrington_kirkpatrick(10, rng=seed)
    energies = CHAPTER.definitions("algorithm-gray").gray_code_energies(sample.couplings)
    assert energies == pytest.approx(sample.enumerate(1.0).energies, abs=1e-12)


# ---- Averages over samples.


def test_energies_average_themselves_and_overlaps_do_not():
    row = CHAPTER.functions("averaging")["exact_row"]
    spreads = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        spreads.append([np.std([row(n, rng) for _ in range(60)], axis=0, ddof=1) for n in (4, 8, 13)])
    hot, cold, squares = np.moveaxis(spreads, -1, 0)
    assert (hot[:, 0] > 1.7 * hot[:, 2]).all()
    assert (cold[:, 0] > 1.4 * cold[:, 2]).all()
    assert np.mean(hot[:, 0] / hot[:, 2]) > np.mean(cold[:, 0] / cold[:, 2]) > 1.8
    assert squares.mean(axis=0) == pytest.approx([0.18, 0.18, 0.18], abs=0.02)


def test_the_average_of_z_is_exact_and_that_of_its_logarithm_tends_to_a_known_law():
    log_partitions = CHAPTER.functions("annealed")["log_partitions"]
    scores = []
    for seed in SEEDS:
        log_z = log_partitions(8, [2.0], 600, np.random.default_rng(seed))[:, 0]
        scores.append(statistics.mean(np.exp(log_z - 8 * np.log(2) - 7 / 16)).z(1))
    scores_are_honest(scores)
    beta = 1 / 3
    log_z = log_partitions(14, [1 / beta], 1500, np.random.default_rng(0))[:, 0]
    shift, variance = np.log(1 - beta**2) / 4, -np.log(1 - beta**2) / 2 - beta**2 / 2
    mean = statistics.mean(log_z - 14 * (np.log(2) + beta**2 / 4))
    assert abs(mean.value - shift) < 4 * mean.error + 0.003  # of order 1 / N
    assert mean.error < 0.003
    assert log_z.var() == pytest.approx(variance, rel=0.3)


def test_the_replicated_average_is_a_sum_over_overlaps():
    """For n = 1, 2 and 3 replicas of three spins, term by term."""
    beta, n_spins = 0.8, 3
    states = np.array(list(itertools.product((-1, 1), repeat=n_spins)))
    for n in (1, 2, 3):
        direct = by_overlaps = 0.0
        for replicas in itertools.product(states, repeat=n):
            s = np.array(replicas)
            pairs = [(s[:, i] @ s[:, j]) ** 2 for i, j in itertools.combinations(range(n_spins), 2)]
            direct += np.exp(beta**2 / (2 * n_spins) * sum(pairs))
            q = s @ s.T / n_spins
            by_overlaps += np.exp(n_spins * beta**2 / 4 * np.sum(q**2) - n**2 * beta**2 / 4)
        assert by_overlaps == pytest.approx(direct, rel=1e-12)
    assert np.log(8) + beta**2 / 2 == pytest.approx(
        np.log(sum(np.exp(beta**2 / 2) for _ in states)), rel=1e-12
    )


@pytest.mark.parametrize("temperature", [0.3, 0.7, 1.3])
def test_the_derivation_leads_to_the_replica_symmetric_solution(temperature):
    """The symmetric formula at a small n is that of the package, and stationary at its q."""
    beta, exact = 1 / temperature, theory.sk_replica_symmetric(1 / temperature)

    def per_replica(q, n=1e-5):
        def integrand(z):
            return np.exp(-(z**2) / 2) * (2 * np.cosh(beta * np.sqrt(q) * z)) ** n

        mean = quad(integrand, -12, 12, epsabs=1e-14)[0] / np.sqrt(2 * np.pi)
        energies = beta**2 / 4 * (n - n * (n - 1) * q**2) - n * beta**2 * q / 2
        return (energies + np.log(mean)) / n

    assert -temperature * per_replica(exact.q) == pytest.approx(exact.free_energy, abs=1e-4)
    step = 0.01
    if exact.q > step:
        slope = (per_replica(exact.q + step) - per_replica(exact.q - step)) / (2 * step)
        assert abs(slope) < 2e-3


def test_less_than_one_state():
    cold = theory.sk_replica_symmetric(1e5)
    assert 1e5 * (1 - cold.q) == pytest.approx(np.sqrt(2 / np.pi), rel=1e-4)
    assert theory.sk_replica_symmetric(np.inf).entropy == pytest.approx(-1 / (2 * np.pi))
    assert theory.sk_replica_symmetric(np.inf).energy == pytest.approx(-np.sqrt(2 / np.pi))
    assert "-0.7653 with one step, -0.7632 without end" in CHAPTER.printed("replica-symmetric")


def test_below_which_temperature_the_annealed_entropy_is_negative():
    t = 1 / (2 * np.sqrt(np.log(2)))
    assert t == pytest.approx(theory.RANDOM_ENERGY_TEMPERATURE)
    assert np.log(2) - 1 / (4 * t**2) == pytest.approx(0, abs=1e-15)  # -df/dT
    assert -t * np.log(2) - 1 / (4 * t) == pytest.approx(-np.sqrt(np.log(2)))


# ---- The random energy model.


def test_levels_freeze_as_the_exact_averages_say():
    freeze = CHAPTER.definitions("algorithm-rem").freeze
    temperatures = np.array([0.2, 0.45, 0.8])
    exact = theory.random_energy_model_finite(12, 1 / temperatures)
    scores = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        free, ratio = np.moveaxis([freeze(12, temperatures, rng) for _ in range(300)], 0, -1)
        columns = (*zip(free, exact.free_energy, strict=True), *zip(ratio, exact.participation, strict=True))
        scores.append([statistics.mean(column).z(value) for column, value in columns])
    scores_are_honest(np.transpose(scores))


def test_the_printed_table_of_the_random_energy_model_is_near_exact_and_far_from_the_limit():
    rows = [list(map(float, _without_errors(line))) for line in CHAPTER.printed("rem").splitlines()[1:]]
    assert np.max(np.abs(np.array(rows)[:, [3, 7]])) < 4
    cold = rows[1]
    assert cold[0] == 0.3
    assert cold[1] / cold[4] == pytest.approx(0.94, abs=0.015)  # six percent off


def _without_errors(line):
    return [word.partition("(")[0] for word in line.split()]


@pytest.mark.parametrize("m", [0.25, 0.5, 0.65])
def test_the_lowest_levels_are_a_poisson_process(m):
    rng, found = np.random.default_rng(8), []
    for _ in SEEDS:
        weights = np.cumsum(rng.exponential(size=(1000, 2000)), axis=1) ** (-1 / m)
        ratio = np.sum(weights**2, axis=1) / np.sum(weights, axis=1) ** 2
        variance = statistics.jackknife(np.var, ratio)
        found.append((statistics.mean(ratio).z(1 - m), variance.z(m * (1 - m) / 3)))
    assert (abs(np.mean(found, axis=0)) < 4 / np.sqrt(10)).all()


# ---- Tempering.


@pytest.fixture(scope="module")
def tempering():
    return CHAPTER.definitions("algorithm-tempering")


def test_cached_fields_change_nothing(tempering):
    """From the same random numbers the sweep turns the spins that the first chapter's sweep turns."""
    plain = Chapter("ising/ising-model.ipynb", np=np).definitions("algorithm-heat-bath").heat_bath_sweep
    couplings = network.sherrington_kirkpatrick(20, rng=3).couplings
    spins = np.random.default_rng(4).choice([-1.0, 1.0], 20)
    local_fields, other = couplings @ spins, spins.copy()
    first, second = (np.random.default_rng(5) for _ in range(2))
    for _ in range(50):
        tempering.heat_bath_sweep(spins, local_fields, couplings, 1.2, first)
        plain(other, couplings, np.zeros(20), 1.2, second)
        assert (spins == other).all()
    assert local_fields == pytest.approx(couplings @ spins, abs=1e-12)


def test_swaps_have_the_probability_of_the_theorem(tempering):
    class Fixed:
        def __init__(self, value):
            self.value = value

        def random(self):
            return self.value

    betas, energies = np.array([0.5, 2.0]), np.array([-3.0, -2.0])
    chance = np.exp((0.5 - 2.0) * (-3.0 + 2.0))
    assert chance > 1  # the lower energy belongs to the colder temperature
    at = [0, 1]
    tempering.swap_neighbours(betas, energies, at, 0, Fixed(0.999999))
    assert at == [1, 0]
    tempering.swap_neighbours(betas, energies, at, 0, Fixed(1 / chance + 1e-9))
    assert at == [1, 0]
    tempering.swap_neighbours(betas, energies, at, 0, Fixed(1 / chance - 1e-9))
    assert at == [0, 1]


def test_the_chapters_tempering_is_exact_on_ten_seeds_and_a_wrong_swap_is_not(tempering):
    sample = network.sherrington_kirkpatrick(6, rng=12)
    betas = np.array([0.5, 1.0, 2.0])
    exact = [sample.enumerate(beta).energy for beta in betas]

    def scores(seed, couplings=sample.couplings):
        rows = tempering.temper(couplings, betas, 1500, np.random.default_rng(seed))[50:]
        return [statistics.mean(row).z(value) for row, value in zip(rows.T, exact, strict=True)]

    scores_are_honest(np.transpose([scores(seed) for seed in SEEDS]))
    right = tempering.swap_neighbours
    names = tempering.temper.__globals__
    try:
        names["swap_neighbours"] = lambda betas, energies, *rest: right(betas, energies / 6, *rest)
        assert max(map(abs, scores(0))) > 6
    finally:
        names["swap_neighbours"] = right


def test_printed_averages_of_tempering_are_exact_within_their_errors():
    lines = CHAPTER.printed("tempering-check").splitlines()[1:]
    assert len(lines) == 8
    assert max(abs(float(line.split()[-1])) for line in lines) < 4


def test_large_samples_differ_by_more_than_their_errors():
    found = []
    for seed in SEEDS:
        sample = network.sherrington_kirkpatrick(128, rng=seed, dtype=np.float32)
        run = sample.temper(1 / np.geomspace(1.3, 0.4, 11), 5000, rng=seed)
        found.append(statistics.binned_error(run.replica_overlap[0, -1, 500:] ** 2))
        assert run.round_trips.sum() > 100
    mean = statistics.disorder_mean(found)
    assert mean.warning == ""
    assert mean.between > 0.08
    assert mean.between > 4 * mean.within


def test_the_swap_rules_on_two_levels():
    """The exact averages of a chain of two levels with the right rule and with the sign transposed."""
    cell = CHAPTER.definitions("algorithm-rules")
    energies, betas = np.array([0.0, 1.0]), (2.0, 0.5)
    exact = [1 / (1 + np.exp(beta)) for beta in betas]
    local = [np.array([[1 - x / 2, x / 2], [0.5, 0.5]]) for x in np.exp(-np.array(betas))]
    assert cell.energies_after_swaps(energies, betas, local, 1) == pytest.approx(exact, abs=1e-12)
    assert cell.energies_after_swaps(energies, betas, local, -1) == pytest.approx(
        (0.46777378, 0.13120563), abs=1e-8
    )


@pytest.mark.parametrize("seed", range(5))
def test_only_total_energies_keep_the_gibbs_distributions(seed):
    cell = CHAPTER.definitions("algorithm-rules")
    sample, betas = network.sherrington_kirkpatrick(4, rng=seed), (2.0, 0.5)
    laws = [sample.enumerate(beta) for beta in betas]
    local = [cell.heat_bath_matrix(law.probabilities) for law in laws]
    for matrix, law in zip(local, laws, strict=True):
        flow = law.probabilities[:, None] * matrix
        assert flow == pytest.approx(flow.T, abs=1e-15)
    exact = np.array([law.energy for law in laws])
    for factor, wrong in ((1, 0), (1 / 4, 0.05), (-1, 0.1)):
        off = cell.energies_after_swaps(laws[0].energies, betas, local, factor) - exact
        assert off == pytest.approx(0, abs=1e-12) if factor == 1 else (off[0] > wrong) & (off[1] < -wrong)


# ---- Ground states.


def test_tempering_beats_one_slow_annealing():
    cell = CHAPTER.definitions("algorithm-race")
    rng, found = np.random.default_rng(5), []
    for _ in range(40):
        sample = network.sherrington_kirkpatrick(128, rng=rng, dtype=np.float32)
        found.append(cell.found_by(sample, [450], rng)[0])
    tempered, slow, restarted = np.transpose(found)
    assert statistics.disorder_mean(tempered - slow).z(0) > 4
    assert tempered.mean() > 0.9
    assert 0.45 < slow.mean() < 0.8
    assert restarted.mean() > 0.8
    assert len(cell.schedule(100)) == 100


def test_many_tuned_annealings_are_as_good_as_tempering_at_128_spins():
    """At the highest cost of the chapter's table, 5850 sweeps."""
    rng, found = np.random.default_rng(6), []
    for _ in range(60):
        sample = network.sherrington_kirkpatrick(128, rng=rng, dtype=np.float32)
        tempered = sample.temper(1 / np.geomspace(1.3, 0.2, 13), 450, n_ladders=1, rng=rng).best_energy
        restarted = sample.anneal(1 / np.linspace(0.8, 0.1, 150), n_chains=39, rng=rng).energy
        lowest = min(tempered, restarted) + 1e-3
        found.append((tempered < lowest, restarted < lowest))
    assert np.mean(found, axis=0).min() > 0.92


def test_ground_states_are_those_of_enumeration():
    search = CHAPTER.definitions("algorithm-ground").ground_energies
    for number in range(60):
        sample = network.sherrington_kirkpatrick(
            16, rng=np.random.default_rng([16, number]), dtype=np.float32
        )
        exact = sample.enumerate(1.0).ground_energy / 16
        assert search(16, number).min() == pytest.approx(exact, abs=1e-6)


@pytest.mark.parametrize("n", [16, 32, 64, 128, 256])
def test_the_stored_ground_states_come_out_again(n):
    """The first ten samples, number by number, and for small sizes others that the table must agree with."""
    stored = constant("STORED", "ground")[n]
    search = CHAPTER.definitions("algorithm-ground").ground_energies
    pairs = np.array([search(n, number) for number in range(10)])
    assert pairs.min(axis=1).mean() == pytest.approx(stored[-1], abs=1e-5)
    if n <= 64:
        fresh = [search(n, number).min() for number in range(10**6, 10**6 + 200)]
        mean = statistics.disorder_mean(fresh)
        assert abs(mean.z(stored[1])) < 4
        assert stored[2] == pytest.approx(mean.between / np.sqrt(stored[0]), rel=0.3)


def test_a_run_of_twice_the_length_finds_nothing_lower():
    search = CHAPTER.definitions("algorithm-ground").ground_energies
    for number in range(30):
        assert search(64, number, twice=True).min() == pytest.approx(search(64, number).min(), abs=1e-6)


def test_the_fit_finds_the_limit_and_the_exponent_with_honest_errors():
    cell = CHAPTER.definitions("algorithm-extrapolation")
    sizes, errors = np.array([16.0, 32.0, 64.0, 128.0, 256.0]), np.full(5, 3e-4)
    true = -0.7632, 0.75, 0.66
    scores, chi2 = [], []
    for seed in range(40):
        noisy = cell.approach(sizes, *true) + np.random.default_rng(seed).normal(0, errors)
        parameters, misfit = cell.fit(sizes, noisy, errors)
        scores.append([one.z(value) for one, value in zip(parameters, true, strict=True)])
        chi2.append(misfit)
    scores_are_honest(np.transpose(scores))
    assert np.mean(chi2) == pytest.approx(2, abs=1.3)


def test_the_extrapolated_energy_is_parisis_and_no_other():
    stored = constant("STORED", "ground")
    cell = CHAPTER.definitions("algorithm-extrapolation")
    sizes = np.array(list(stored), dtype=float)
    means, errors = (np.array([row[k] for row in stored.values()]) for k in (1, 2))
    (energy, _, omega), chi2 = cell.fit(sizes, means, errors)
    assert sizes.max() >= 256
    assert abs(energy.z(theory.SK_GROUND_ENERGY)) < 3
    assert energy.z(theory.sk_replica_symmetric(np.inf).energy) > 10
    assert energy.error < 0.0015
    assert abs(omega.z(2 / 3)) < 3
    assert chi2 < 14  # two degrees of freedom, 1 in 1000
    assert min(means) > -np.sqrt(np.log(2))
    other = np.sqrt(sizes / (sizes - 1))  # the convention of variance 1 / (N - 1)
    (energy, _, omega), _ = cell.fit(sizes, other * means, other * errors)
    assert abs(energy.z(theory.SK_GROUND_ENERGY)) < 3
    assert omega.z(2 / 3) < -4


def test_coins_have_deeper_ground_states_than_gaussians_in_small_samples():
    coins = CHAPTER.functions("coins-code")["coin_network"]
    rng = np.random.default_rng(1)
    lowest = [
        [network_of(12, rng).enumerate(1.0).ground_energy / 12 for _ in range(3000)]
        for network_of in (coins, lambda n, rng: network.sherrington_kirkpatrick(n, rng=rng))
    ]
    means = [statistics.disorder_mean(values).mean for values in lowest]
    difference = means[0].value - means[1].value
    assert difference < -3 * np.hypot(means[0].error, means[1].error)


# ---- Memory and questions.


def test_a_memory_of_many_patterns_is_a_glass():
    for seed in SEEDS:
        rng, kept = np.random.default_rng(seed), {}
        for count in (12, 24, 60):
            patterns = rng.choice([-1, 1], (count, 256)).astype(np.int8)
            memory = SpinNetwork(sum(network.mattis(pattern).couplings for pattern in patterns))
            ends = memory.sample(20.0, 200, n_chains=8, initial=patterns[:8], rng=rng).spins
            kept[count] = np.mean(ends * patterns[:8])
        assert kept[12] > 0.99
        assert kept[24] > 0.9
        assert kept[60] < 0.7


def test_questions_take_right_answers_and_know_usual_mistakes():
    triangle = CHAPTER.question("question-triangle")
    assert triangle.check("6").right
    assert "same" in triangle.check("3").words
    freezing = CHAPTER.question("question-rem")
    assert freezing.check("0.3003").right
    assert "begins" in freezing.check("0.6").words
    cost = CHAPTER.question("question-cost")
    assert cost.check("240000").right
    assert "two ladders" in cost.check("120000").words
