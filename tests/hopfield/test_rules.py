"""Rules against their definitions in loops; what Hebb's network keeps and forms; unlearning; refusals."""

import copy
import math
import pickle
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.hopfield import corrupt, hebb, overlap, pseudo_inverse, random_patterns, recall, storkey, unlearn
from smbook.network import SpinNetwork, sherrington_kirkpatrick
from tests.hopfield import plain
from tests.hopfield.plain import layouts, random_spins
from tests.hopfield.test_patterns import check_refusal

PATTERNS = random_patterns(6, 40, rng=1)
RULES = {"hebb": hebb, "pseudo_inverse": pseudo_inverse, "storkey": storkey}


# Hebb's rule


@given(st.integers(1, 9), st.integers(0, 5), st.booleans(), st.integers(0, 10**6))
def test_couplings_are_those_of_the_definition(n, p, blank, seed):
    patterns = random_patterns(p, n, dilution=0.3 * blank, rng=seed)
    network = hebb(patterns, diluted=blank)
    for i in range(n):
        for j in range(n):
            products = sum(int(row[i]) * int(row[j]) for row in patterns)
            assert network.couplings[i, j] == (products / n if i != j else 0.0)


@given(st.integers(1, 12), st.integers(0, 6), st.booleans(), st.integers(0, 10**6))
def test_energies_and_fields_are_exact(n, p, blank, seed):
    """Whole numbers over N: -(N/2) sum m^2 + (1/2N) sum xi_i^2, which is P/2 if nothing is blank."""
    patterns = random_patterns(p, n, dilution=0.3 * blank, rng=seed)
    network, states = hebb(patterns, diluted=blank), random_spins(4, n, seed=seed)
    sums = states.astype(int) @ patterns.astype(int).T
    exact = [Fraction(-int((row**2).sum() - (patterns != 0).sum()), 2 * n) for row in sums]
    assert network.energy(states).tolist() == pytest.approx([float(e) for e in exact], rel=1e-15, abs=0)
    assert [plain.hebb_energy(patterns, s) for s in states] == exact
    m = overlap(patterns, states)
    shift = p / 2 if not blank else (patterns != 0).sum() / (2 * n)
    np.testing.assert_allclose(network.energy(states), -n / 2 * (m**2).sum(axis=-1) + shift, atol=1e-12)
    np.testing.assert_allclose(network.local_fields(states), states @ network.couplings, atol=1e-13)
    assert type(network.energy(states[0])) is float


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_network_of_patterns_is_that_of_its_couplings(dtype):
    """In all that it can do, bit for bit; fields are rounded once through factors, and so closer."""
    network = hebb(PATTERNS[:3, :14], dtype=dtype)
    other = SpinNetwork(network.couplings.copy())
    assert network.dtype == network.couplings.dtype == network.fields.dtype == other.dtype == dtype
    for run in (
        lambda net: net.sample(0.7, 60, n_chains=3, keep_spins=True, rng=1),
        lambda net: net.sample(0.7, 60, algorithm="metropolis", order="random", rng=2),
        lambda net: net.temper([0.3, 0.8, 1.5], 50, rng=3),
        lambda net: net.anneal([0.2, 1.0, 3.0], n_chains=2, rng=4),
        lambda net: net.ladder(0.3, 2.0, 4, rng=5).tolist(),
    ):
        assert run(network) == run(other)
    one, same = network.enumerate(1.0), other.enumerate(1.0)
    assert (one.log_partition, one.energy) == (same.log_partition, same.energy)
    states = random_spins(20, 14)
    precision = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(network.energy(states), other.energy(states), atol=14 * precision)
    np.testing.assert_allclose(network.local_fields(states), other.local_fields(states), atol=precision)
    assert network.local_fields(states).dtype == dtype


def test_couplings_are_formed_when_they_are_asked_for_and_kept():
    network = hebb(random_patterns(20, 2000, rng=1))
    spins = random_spins(2000)
    tracemalloc.start()
    recall(network, spins)
    network.energy(spins)
    network.local_fields(spins)
    repr(network), network.fields, network.n_spins, network.patterns
    assert tracemalloc.get_traced_memory()[1] < 2**20  # couplings would be 31 MiB
    formed = network.couplings
    assert tracemalloc.get_traced_memory()[1] > 30 * 2**20
    tracemalloc.stop()
    assert np.shares_memory(formed, network.couplings)
    for array in (formed, network.fields, network.patterns):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_patterns_are_kept_as_a_copy(tmp_path):
    """One pattern, and one neuron, too: their transpose is contiguous as it is."""
    for patterns in (PATTERNS.copy(), PATTERNS[:1].copy(), PATTERNS[:, :1].copy()):
        network, before = hebb(patterns), patterns.copy()
        patterns[:] = -1
        assert network.patterns.tolist() == before.tolist()
        assert network.energy(before[0]) == hebb(before).energy(before[0])
    spins = random_spins(40)
    expected = recall(hebb(PATTERNS), spins)
    for same in layouts(PATTERNS, tmp_path):
        assert recall(hebb(same), spins) == expected
        for rule in (pseudo_inverse, storkey):
            assert rule(same).couplings.tolist() == rule(PATTERNS).couplings.tolist()
        assert same.tolist() == PATTERNS.tolist()


def test_networks_of_patterns_are_copied_and_pickled():
    spins = random_spins(40)
    for formed in (False, True):
        network = hebb(PATTERNS)
        if formed:
            assert network.couplings.any()
        for same in (copy.copy(network), copy.deepcopy(network), pickle.loads(pickle.dumps(network))):
            assert same.patterns.tolist() == PATTERNS.tolist()
            assert same.couplings.tolist() == network.couplings.tolist()
            assert recall(same, spins) == recall(network, spins)
            assert repr(same) == repr(network)


def test_networks_say_what_they_keep():
    assert repr(hebb(PATTERNS)) == "SpinNetwork(40 spins, couplings of 6 patterns in float64)"
    assert (
        repr(hebb(PATTERNS[:1], dtype=np.float32))
        == "SpinNetwork(40 spins, couplings of 1 pattern in float32)"
    )
    assert hebb(PATTERNS).patterns.shape == (6, 40)
    for network in (pseudo_inverse(PATTERNS), storkey(PATTERNS), hebb(PATTERNS, bias=0.1)):
        assert network.patterns is None
        assert repr(network) == "SpinNetwork(40 spins, dense couplings in float64)"


@given(st.floats(-0.9, 0.9), st.integers(0, 10**6))
def test_a_bias_is_taken_off_each_entry(bias, seed):
    patterns = random_patterns(4, 7, bias=bias, rng=seed)
    found = hebb(patterns, bias=bias).couplings
    for i in range(7):
        for j in range(7):
            exact = math.fsum((row[i] - bias) * (row[j] - bias) for row in patterns) / 7 if i != j else 0.0
            assert found[i, j] == pytest.approx(exact, abs=1e-14)
    assert found.tolist() == found.T.tolist()


def test_biased_patterns_are_kept_apart():
    """With mean 0.6 Hebb's rule draws all states to one; the rule with the bias keeps ten of ten."""
    patterns = random_patterns(10, 1000, bias=0.6, rng=2)
    plain_rule, right = (
        [recall(network, row, patterns=row[None]).overlaps[-1, 0] for row in patterns]
        for network in (hebb(patterns), hebb(patterns, bias=0.6))
    )
    assert min(right) > 0.95 > np.mean(plain_rule)


def test_a_neuron_that_is_blank_everywhere_feels_nothing():
    patterns = random_patterns(3, 10, rng=1)
    patterns[:, 4] = 0
    network = hebb(patterns, diluted=True)
    assert not network.couplings[4].any()
    for spin in (-1, 1):
        cue = random_spins(10)
        cue[4] = spin
        for dynamics in ("asynchronous", "parallel"):
            assert recall(network, cue, dynamics=dynamics).spins[4] == spin


def test_no_pattern_and_one_neuron():
    none = hebb(np.empty((0, 5), dtype=np.int8))
    assert not none.couplings.any()
    assert none.energy(np.ones(5, dtype=np.int8)) == 0.0
    assert recall(none, random_spins(5)).overlaps.shape == (2, 0)
    one = np.ones((1, 1), dtype=np.int8)
    for rule in RULES.values():
        assert rule(one).couplings.tolist() == [[0.0]]
        assert not rule(np.empty((0, 5), dtype=np.int8)).couplings.any()
        assert recall(rule(one), -one[0]).spins.tolist() == [-1]


def test_many_equal_patterns_add_up_exactly():
    """2^24 + 2 of them, more than float32 can count by ones."""
    count = 2**24 + 2
    network = hebb(np.ones((count, 2), dtype=np.int8))
    assert network.couplings[0, 1] == network.local_fields(np.ones(2, dtype=np.int8))[0] == count / 2


@pytest.mark.parametrize("p", [1, 50, 300])
def test_forty_thousand_neurons_are_no_matter(p):
    """Sums of 32 bits; couplings would be 12 GiB. Recall from 20 % noise comes home: 0.0075 N are few."""
    patterns = random_patterns(p, 40_000, rng=1)
    network = hebb(patterns)
    cue = patterns[0].copy()
    cue[:8000] *= -1
    found = recall(network, cue)
    assert found.overlaps[0].tolist() == (patterns.astype(int) @ cue / 40_000).tolist()
    assert found.overlaps[-1, 0] == 1.0
    assert network.energy(patterns[0]) == found.energy[-1]


# The pseudo-inverse


@pytest.mark.parametrize("p", [1, 5, 20, 39])
def test_with_its_diagonal_the_pseudo_inverse_projects(p):
    """The diagonal that was taken off is what makes patterns eigenvectors: J_ii = 1 - (field xi)_i."""
    patterns = random_patterns(p, 40, rng=2).astype(float)
    couplings = pseudo_inverse(patterns.astype(np.int8)).couplings
    assert not couplings.diagonal().any()
    assert couplings.tolist() == couplings.T.tolist()
    diagonal = np.diagonal(np.linalg.pinv(patterns) @ patterns)
    assert diagonal.mean() == pytest.approx(p / 40)
    projector = couplings + np.diag(diagonal)
    np.testing.assert_allclose(projector @ projector, projector, atol=1e-12)
    np.testing.assert_allclose(patterns @ projector, patterns, atol=1e-12)
    np.testing.assert_allclose(patterns @ couplings, patterns * (1 - diagonal), atol=1e-12)


@pytest.mark.parametrize("p", [3, 10, 25, 36])
def test_all_patterns_of_the_pseudo_inverse_are_fixed_points(p):
    for seed in range(10):
        patterns = random_patterns(p, 40, rng=seed)
        for dtype in (np.float64, np.float32):
            network = pseudo_inverse(patterns, dtype=dtype)
            for row in patterns:
                for dynamics in ("asynchronous", "parallel"):
                    assert recall(network, row, dynamics=dynamics).flips == 0


def test_without_its_diagonal_the_pseudo_inverse_has_wider_basins():
    """P = N/2: of cues with 5 % noise nearly all come home, of a neuron's own share in the field few."""
    patterns = random_patterns(100, 200, rng=1)
    network = pseudo_inverse(patterns)
    own = np.diagonal(np.linalg.pinv(patterns.astype(float)) @ patterns)
    home = np.zeros(2, dtype=int)
    for seed in range(30):
        cue = corrupt(patterns[seed], 0.05, rng=seed)
        home[0] += (recall(network, cue).spins == patterns[seed]).all()
        kept = cue.copy()
        for i in [*range(200)] * 10:
            kept[i] = 1 if network.couplings[i] @ kept + own[i] * kept[i] > 0 else -1
        home[1] += (kept == patterns[seed]).all()
    assert home[0] >= 27
    assert home[1] <= 3


A, B, C, D = np.tile(1 - 2 * np.eye(4, dtype=np.int8), 2)
DEPENDENT = [
    ([A, B, A], "0 and 2 are the same or mirror images"),
    ([C, A, B, -B], "2 and 3 are the same or mirror images"),
    ([A, B, C, D, np.ones(8, dtype=np.int8)], r"\d is a combination of \d, \d, \d, \d"),
]


@pytest.mark.parametrize(("rows", "message"), DEPENDENT)
def test_dependent_patterns_are_named(rows, message):
    with pytest.raises(ValueError, match="patterns must be linearly independent; " + message):
        pseudo_inverse(np.array(rows, dtype=np.int8))


@given(st.integers(2, 10), st.integers(0, 10**6))
def test_what_is_called_dependent_is(n, seed):
    """Against the rank in exact arithmetic: determinants of Gram matrices, as fractions."""
    patterns = random_patterns(n, n, rng=seed)
    rank = rank_of(patterns)
    if rank == n:
        pseudo_inverse(patterns)
        return
    with pytest.raises(ValueError, match="patterns must be linearly independent"):
        pseudo_inverse(patterns)


def rank_of(patterns):
    rows, rank = [[Fraction(int(x)) for x in row] for row in patterns], 0
    for column in range(patterns.shape[1]):
        pivot = next((k for k in range(rank, len(rows)) if rows[k][column]), None)
        if pivot is None:
            continue
        rows[rank], rows[pivot] = rows[pivot], rows[rank]
        for k in range(rank + 1, len(rows)):
            factor = rows[k][column] / rows[rank][column]
            rows[k] = [a - factor * b for a, b in zip(rows[k], rows[rank], strict=True)]
        rank += 1
    return rank


# Storkey's rule


@given(st.integers(1, 7), st.integers(0, 4), st.integers(0, 10**6))
def test_storkeys_rule_is_that_of_its_definition(n, p, seed):
    patterns = random_patterns(p, n, rng=seed).astype(int)
    old = [[Fraction(0)] * n for _ in range(n)]
    for xi in patterns.tolist():

        def h(i, j, xi=xi, old=old):
            return sum(old[i][k] * xi[k] for k in range(n) if k not in (i, j))

        old = [
            [
                old[i][j] + Fraction(1, n) * (xi[i] * xi[j] - xi[i] * h(j, i) - h(i, j) * xi[j])
                if i != j
                else Fraction(0)
                for j in range(n)
            ]
            for i in range(n)
        ]
    found = storkey(patterns.astype(np.int8)).couplings
    np.testing.assert_allclose(found, np.array(old, dtype=float).reshape(n, n), atol=1e-14)
    assert found.tolist() == found.T.tolist()


def test_better_rules_store_what_hebbs_cannot():
    """40 patterns of 200 neurons, alpha = 0.2: the mean overlap after recall from the patterns themselves."""
    ends = {name: [] for name in RULES}
    for seed in range(10):
        patterns = random_patterns(40, 200, rng=seed)
        for name, rule in RULES.items():
            network = rule(patterns)
            ends[name] += [recall(network, row, patterns=row[None]).overlaps[-1, 0] for row in patterns[:4]]
    assert np.mean(ends["hebb"]) < 0.75
    assert np.mean(ends["storkey"]) > 0.97
    assert min(ends["pseudo_inverse"]) == 1.0


# Unlearning


def test_a_dream_takes_off_the_state_that_it_falls_into():
    """One pattern: every start falls into it or its mirror image, and the coupling shrinks by the rate."""
    pattern = random_patterns(1, 30, rng=1)
    network = hebb(pattern)
    before = network.couplings.copy()
    for n_dreams in (0, 1, 7):
        after = unlearn(network, rate=0.02, n_dreams=n_dreams, rng=3)
        np.testing.assert_allclose(after.couplings, before * (1 - 0.02 * n_dreams), atol=1e-15)
        assert not after.couplings.diagonal().any()
    assert network.couplings.tolist() == before.tolist()
    assert unlearn(network, n_dreams=1, rng=1).couplings[0, 1] == pytest.approx(before[0, 1] * 0.99)


def test_dreams_keep_fields_types_and_seeds():
    network = SpinNetwork(sherrington_kirkpatrick(20, rng=1, dtype=np.float32).couplings, 0.25)
    found = unlearn(network, n_dreams=5, rng=2)
    assert found.dtype == np.float32
    assert found.fields.tolist() == [0.25] * 20
    assert found.couplings.tolist() == unlearn(network, n_dreams=5, rng=2).couplings.tolist()
    assert found.couplings.tolist() != unlearn(network, n_dreams=5, rng=3).couplings.tolist()
    generator, twin = np.random.default_rng(1), np.random.default_rng(1)
    unlearn(network, n_dreams=3, rng=generator)
    twin.integers(0, 2**64, dtype=np.uint64)
    assert generator.bit_generator.state == twin.bit_generator.state


def test_some_dreams_help_and_many_destroy():
    """16 patterns of 100, more than fit, from 15 % noise, ten seeds; errors of the means are 0.03 at most."""
    means = []
    for n_dreams in (0, 100, 400):
        ends = []
        for seed in range(10):
            patterns = random_patterns(16, 100, rng=seed)
            network = unlearn(hebb(patterns), rate=0.05, n_dreams=n_dreams, rng=seed)
            for row in patterns[:6]:
                ends.append(recall(network, corrupt(row, 0.15, rng=seed), patterns=row[None]).overlaps[-1, 0])
        means.append(np.mean(ends))
    assert means[0] < 0.95 < 0.99 < means[1]
    assert means[2] < 0.5


# Refusals

ROWS = np.ones((2, 3), dtype=np.int8)
WRONG = [
    (ROWS.tolist(), TypeError, "patterns must be an int8 array; got list"),
    (ROWS.astype(float), TypeError, "patterns must be an int8 array; got dtype float64"),
    (ROWS > 0, TypeError, "patterns must be an int8 array; got dtype bool"),
    (np.ma.array(ROWS), TypeError, "patterns must be an int8 array; got MaskedArray"),
    (None, TypeError, "patterns must be an int8 array; got NoneType"),
    (ROWS[0], ValueError, r"patterns must have the shape \(P, N\); got \(3,\)"),
    (ROWS[None], ValueError, r"patterns must have the shape \(P, N\); got \(1, 2, 3\)"),
    (ROWS[:, :0], ValueError, r"patterns must have the shape \(P, N\); got \(2, 0\)"),
    (ROWS * np.int8(2), ValueError, r"patterns must hold \+1 and -1 only; got 2 at \(0, 0\)"),
    (ROWS * np.int8(-128), ValueError, r"patterns must hold \+1 and -1 only; got -128 at \(0, 0\)"),
    (
        np.array([[1, 1], [1, 0]], dtype=np.int8),
        ValueError,
        r"patterns must hold \+1 and -1 only; got 0 at \(1, 1\); with diluted=True blank entries are allowed",
    ),
]


@pytest.mark.parametrize(("patterns", "error", "message"), WRONG)
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_what_are_no_patterns_is_refused(rule, patterns, error, message):
    with pytest.raises(error, match=message):
        rule(patterns)


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@pytest.mark.parametrize("dtype", [np.float16, int, ">f8"])
def test_couplings_of_another_type_are_refused(rule, dtype):
    with pytest.raises((TypeError, ValueError), match="dtype must be"):
        rule(PATTERNS, dtype=dtype)


OF_HEBB = [
    ({"bias": 1.0}, ValueError, r"bias must be more than -1 and less than 1; got 1\.0"),
    ({"bias": -1}, ValueError, r"bias must be more than -1 and less than 1; got -1\.0"),
    ({"bias": 1.5}, ValueError, r"bias must be at most 1; got 1\.5"),
    ({"bias": math.nan}, ValueError, "bias must be finite; got nan"),
    ({"bias": "0"}, TypeError, "bias must be a real number; got '0'"),
    (
        {"patterns": ROWS * np.int8(-128), "diluted": True},
        ValueError,
        r"patterns must hold \+1, -1 and 0 only; got -128 at \(0, 0\)",
    ),
]


@pytest.mark.parametrize(("wrong", "error", "message"), OF_HEBB)
def test_bad_input_of_hebbs_rule_is_refused(wrong, error, message):
    with pytest.raises(error, match=message):
        hebb(**({"patterns": ROWS} | wrong))


def test_more_patterns_than_a_rule_can_take_are_refused():
    with pytest.raises(ValueError, match=r"at most as many as spins, to be independent; got 5 of 4 spins"):
        pseudo_inverse(random_patterns(5, 4, rng=1))
    many = np.broadcast_to(np.ones((1, 1), dtype=np.int8), (2**16, 2**15))
    small = np.ones((2**8, 2**7), dtype=np.int8)
    assert many.size == 2**31
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("smbook.hopfield.rules._MOST_PRODUCTS", small.size)
        with pytest.raises(ValueError, match=r"fewer than 2\*\*31 entries in all; got \(256, 128\)"):
            hebb(small)


OF_UNLEARN = [
    ({"network": PATTERNS}, TypeError, r"network must be a smbook\.network\.SpinNetwork; got ndarray"),
    ({"rate": -0.1}, ValueError, r"rate must be at least 0; got -0\.1"),
    ({"rate": math.inf}, ValueError, "rate must be finite; got inf"),
    ({"n_dreams": -1}, ValueError, "n_dreams must be at least 0; got -1"),
    ({"n_dreams": 1.0}, TypeError, r"n_dreams must be an integer; got 1\.0"),
    ({"max_sweeps": 0}, ValueError, "max_sweeps must be at least 1; got 0"),
]


@pytest.mark.parametrize(("wrong", "error", "message"), OF_UNLEARN)
def test_bad_dreams_are_refused(wrong, error, message):
    check_refusal(unlearn, {"network": hebb(PATTERNS), "n_dreams": 2} | wrong, error, message)
