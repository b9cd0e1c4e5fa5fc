"""Ensembles: the distributions of their couplings, and averages over samples with errors over samples."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook.kernels.rng import seed_state
from smbook.network import (
    edwards_anderson,
    ensembles,
    ferromagnet,
    from_lattice,
    mattis,
    sherrington_kirkpatrick,
)
from tests.network.exact import dense


def state_of(generator):
    return generator.bit_generator.state


def bonds_of(shape, disorder, rng):
    """The bonds of a lattice with sides above 2, in the order of their sites and directions."""
    couplings, sites = dense(edwards_anderson(shape, disorder=disorder, rng=rng)), np.arange(math.prod(shape))
    sites = sites.reshape(shape)
    return np.stack([couplings[sites, np.roll(sites, -1, axis)].ravel() for axis in range(len(shape))])


# Couplings


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_sk_couplings_are_gaussian_symmetric_and_of_variance_one_over_n(dtype):
    """177,000 couplings tell their variance to 0.4 %, so that 1 / (N - 1) for 1 / N is caught at N = 60."""
    n, moments = 60, []
    for seed in range(100):
        couplings = sherrington_kirkpatrick(n, rng=seed, dtype=dtype).couplings
        assert couplings.dtype == dtype
        assert (couplings == couplings.T).all()
        assert not couplings.diagonal().any()
        drawn = couplings[np.triu_indices(n, 1)].astype(float) * math.sqrt(n)
        moments.append([drawn.mean(), (drawn**2).mean(), (drawn**3).mean(), (drawn**4).mean()])
    mean, count = np.mean(moments, axis=0), 100 * n * (n - 1) // 2
    variances = np.array([1.0, 2.0, 15.0, 96.0])
    assert (abs(mean - [0.0, 1.0, 0.0, 3.0]) < 4 * np.sqrt(variances / count)).all()
    assert abs(mean[1] * (n - 1) / n - 1) > 4 * math.sqrt(2 / count)


def test_single_precision_rounds_the_same_sample():
    one, other = (
        sherrington_kirkpatrick(30, rng=7, dtype=dtype).couplings for dtype in (np.float64, np.float32)
    )
    np.testing.assert_allclose(one, other, rtol=3e-7)


@pytest.mark.parametrize(("disorder", "fourth"), [("gaussian", 3.0), ("plus-minus", 1.0)])
@pytest.mark.parametrize("shape", [(2000,), (50, 60), (12, 15, 20)], ids=str)
def test_lattice_couplings_have_mean_zero_and_variance_one(shape, disorder, fourth):
    drawn = bonds_of(shape, disorder, rng=3)
    n = drawn.size
    assert np.count_nonzero(drawn) == n == len(shape) * math.prod(shape)
    assert abs(drawn.mean()) < 4 / math.sqrt(n)
    assert abs((drawn**2).mean() - 1) <= 4 * math.sqrt((fourth - 1) / n)
    assert abs((drawn**4).mean() - fourth) <= 4 * math.sqrt((96 if fourth == 3.0 else 0) / n)
    for axis, other in itertools.combinations(range(len(shape)), 2):
        assert abs((drawn[axis] * drawn[other]).mean()) < 4 / math.sqrt(drawn.shape[1])
    assert abs((drawn[:, 1:] * drawn[:, :-1]).mean()) < 4 / math.sqrt(n)
    assert set(np.unique(drawn).tolist()) == {-1.0, 1.0} or disorder == "gaussian"


@given(
    st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple),
    st.sampled_from(["gaussian", "plus-minus"]),
)
def test_lattices_couple_neighbours_and_nobody_else(shape, disorder):
    couplings = dense(edwards_anderson(shape, disorder=disorder, rng=1))
    bonds = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij")).reshape(len(shape), -1).T
    steps = abs(bonds[:, None] - bonds)
    distance = np.minimum(steps, np.array(shape) - steps).sum(axis=-1)
    assert (couplings == couplings.T).all()
    assert not couplings[distance != 1].any()
    if disorder == "gaussian":
        assert couplings[distance == 1].all()
    even = from_lattice(shape, coupling=0.5)
    assert dense(even).sum(axis=1).tolist() == [len(shape)] * math.prod(shape)
    assert (dense(even) > 0).tolist() == (distance == 1).tolist()


def test_two_bonds_between_neighbours_add_up():
    """On a ring of two they are +2, 0 and -2 in a quarter, a half and a quarter of samples."""
    signs = [dense(edwards_anderson(2, disorder="plus-minus", rng=seed))[0, 1] for seed in range(1000)]
    counts = np.array([signs.count(value) for value in (-2.0, 0.0, 2.0)])
    assert (abs(counts - [250, 500, 250]) < 4 * np.sqrt([187.5, 250, 187.5])).all()
    sums = np.array([dense(edwards_anderson(2, rng=seed))[0, 1] for seed in range(1000)])
    assert abs((sums**2).mean() - 2) < 4 * math.sqrt(8 / 1000)
    assert dense(from_lattice(2, coupling=0.75))[0, 1] == 1.5


def test_magnets_couple_every_pair():
    couplings = ferromagnet(5, coupling=-2.0, field=0.5)
    assert couplings.couplings.tolist() == (-0.4 * (1 - np.eye(5))).tolist()
    assert couplings.fields.tolist() == [0.5] * 5
    xi = np.array([1, -1, -1, 1], dtype=np.int8)
    assert mattis(xi, coupling=3.0).couplings.tolist() == (0.75 * (np.outer(xi, xi) - np.eye(4))).tolist()
    assert (
        ferromagnet(1).couplings.tolist() == sherrington_kirkpatrick(1, rng=1).couplings.tolist() == [[0.0]]
    )


# Averages over samples, with errors over samples


def mean_and_error(values):
    return np.mean(values), np.std(values, ddof=1) / math.sqrt(len(values))


def test_the_energy_of_sk_above_its_transition_is_minus_beta_over_two():
    """Within 1.5 % at N = 200, with the first correction: e = -(beta / 2) (1 - 1 / N) + O(beta^3 / N)."""
    n, beta, found = 200, 0.3, []
    for seed in range(40):
        network = sherrington_kirkpatrick(n, rng=seed)
        found.append(network.sample(beta, 400, rng=seed).energy[0, 50:].mean() / n)
    mean, error = mean_and_error(found)
    assert error < 0.01 * beta / 2
    assert abs(mean + beta / 2) < 4 * error + beta / n
    assert abs(mean + beta) > 20 * error


@pytest.mark.parametrize(
    ("shape", "disorder"), [((20, 20), "gaussian"), ((20, 20), "plus-minus"), ((7, 7, 7), "gaussian")]
)
def test_the_energy_of_a_hot_lattice_is_that_of_free_bonds(shape, disorder):
    """Each bond has the mean energy -<J tanh(beta J)> to the order of beta^3, as loops come in at beta^4."""
    beta, found = 0.15, []
    for seed in range(30):
        network = edwards_anderson(shape, disorder=disorder, rng=seed)
        found.append(network.sample(beta, 400, rng=seed).energy[0, 50:].mean() / network.n_spins)
    x, weights = np.polynomial.hermite_e.hermegauss(40)
    bond = weights @ (x * np.tanh(beta * x)) / weights.sum() if disorder == "gaussian" else math.tanh(beta)
    mean, error = mean_and_error(found)
    assert error < 0.02 * len(shape) * beta
    assert abs(mean + len(shape) * bond) < 4 * error


def test_annealing_sk_comes_near_its_ground_state():
    """At N = 128 the ground energy is about -0.763 + 0.7 N^(-2/3); its mean is not below the limit."""
    found = []
    for seed in range(10):
        network = sherrington_kirkpatrick(128, rng=seed)
        found.append(network.anneal(np.linspace(0.2, 5.0, 300), n_chains=4, rng=seed).energy / 128)
    mean, error = mean_and_error(found)
    assert -0.763 - 4 * error < mean < -0.70


# A sample and a run from one seed

KINDS = {
    "ring": lambda rng: edwards_anderson(100, disorder="plus-minus", rng=rng),
    "square": lambda rng: edwards_anderson((10, 10), disorder="plus-minus", rng=rng),
    "gaussian": lambda rng: edwards_anderson((10, 10), rng=rng),
    "sk": lambda rng: sherrington_kirkpatrick(64, rng=rng),
}


def pulls_of_one_seed(make, n=300):
    """How many errors a run from the seed of its sample is off one from another seed, sweep by sweep."""
    apart = []
    for seed in range(n):
        network = make(seed)
        same, other = (network.sample(1.0, 8, rng=number) for number in (seed, 10**6 + seed))
        apart.append([same.magnetization[0], (same.energy - other.energy)[0] / network.n_spins])
    apart = np.array(apart)
    return abs(apart.mean(axis=0) / apart.std(axis=0) * math.sqrt(n)).max()


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_independent_of_a_sample_from_the_same_seed(kind):
    """16 numbers; the magnetization is known to 6e-3."""
    assert pulls_of_one_seed(KINDS[kind]) < 4


@pytest.mark.parametrize("kind", ["ring", "square"])
def test_couplings_from_the_numbers_of_a_run_are_caught(kind, monkeypatch):
    """The spins of the ring start as its bonds, and 12 % of them turn up too many in the first sweep."""
    monkeypatch.setattr(ensembles, "state_apart", seed_state)
    assert pulls_of_one_seed(KINDS[kind]) > 5


# Seeds and refusals


@pytest.mark.parametrize(
    "make", [lambda rng: sherrington_kirkpatrick(6, rng=rng), lambda rng: edwards_anderson((3, 4), rng=rng)]
)
def test_a_seed_fixes_a_sample_and_a_generator_advances_by_one_draw(make):
    generator, again, twin = (np.random.default_rng(5) for _ in range(3))
    assert dense(make(generator)).tolist() == dense(make(again)).tolist()
    twin.integers(0, 2**64, dtype=np.uint64)
    assert state_of(generator) == state_of(twin)
    assert dense(make(1)).tolist() == dense(make(1)).tolist()
    assert dense(make(1)).tolist() != dense(make(2)).tolist()
    assert dense(make(None)).tolist() != dense(make(None)).tolist()


REFUSED = [
    (sherrington_kirkpatrick, {"n": 0}, ValueError, "n must be at least 1; got 0"),
    (sherrington_kirkpatrick, {"n": 4.0}, TypeError, r"n must be an integer; got 4\.0"),
    (sherrington_kirkpatrick, {"n": 4, "dtype": np.float16}, ValueError, "float64 or float32; got float16"),
    (
        sherrington_kirkpatrick,
        {"n": 4, "dtype": ">f8"},
        ValueError,
        "dtype must be float64 or float32; got >f8",
    ),
    (sherrington_kirkpatrick, {"n": 4, "dtype": "J"}, TypeError, "data type 'J' not understood"),
    (edwards_anderson, {"shape": (4, 1)}, ValueError, "a side of 1 couples a spin to itself"),
    (edwards_anderson, {"shape": (4, 4, 4, 4)}, ValueError, "sides; got 4"),
    (edwards_anderson, {"shape": 4.0}, TypeError, "each side of shape must be an integer"),
    (edwards_anderson, {"shape": 4, "disorder": "binary"}, ValueError, "one of 'gaussian', 'plus-minus'"),
    (ferromagnet, {"n": 0}, ValueError, "n must be at least 1; got 0"),
    (ferromagnet, {"n": 3, "coupling": math.nan}, ValueError, "coupling must be finite; got nan"),
    (ferromagnet, {"n": 3, "field": "h"}, TypeError, "field must be a real number; got 'h'"),
    (ferromagnet, {"n": 3, "field": [0.1] * 3}, TypeError, "field must be a real number"),
    (ferromagnet, {"n": 30, "coupling": 1e308}, ValueError, "energy overflows"),
    (from_lattice, {"shape": (4, 0)}, ValueError, "zero length"),
    (from_lattice, {"shape": 4, "coupling": 1e308}, ValueError, "energy overflows"),
    (from_lattice, {"shape": 4, "coupling": None}, TypeError, "coupling must be a real number; got None"),
    (from_lattice, {"shape": 4, "field": math.inf}, ValueError, "field must be finite; got inf"),
    (mattis, {"pattern": [1, -1]}, TypeError, "pattern must be an int8 array; got list"),
    (mattis, {"pattern": [[1], [1, 1]]}, TypeError, "pattern must be an int8 array; got list"),
    (mattis, {"pattern": np.ones(3)}, TypeError, "pattern must be an int8 array; got dtype float64"),
    (
        mattis,
        {"pattern": np.zeros(3, dtype=np.int8)},
        ValueError,
        r"pattern must hold \+1 and -1 only; got 0",
    ),
    (
        mattis,
        {"pattern": np.ones(0, dtype=np.int8)},
        ValueError,
        r"must be one row of spins; got shape \(0,\)",
    ),
    (
        mattis,
        {"pattern": np.ones((1, 3), dtype=np.int8)},
        ValueError,
        r"one row of spins; got shape \(1, 3\)",
    ),
    (mattis, {"pattern": np.array(1, dtype=np.int8)}, ValueError, r"pattern must .* got shape \(\)"),
    (
        mattis,
        {"pattern": np.ones(3, dtype=np.int8), "coupling": 1j},
        TypeError,
        "coupling must be a real number",
    ),
]


@pytest.mark.parametrize(("make", "arguments", "error", "message"), REFUSED)
def test_bad_input_is_refused_before_anything_is_drawn(make, arguments, error, message):
    generator = np.random.default_rng(1)
    before = state_of(generator)
    random = {"rng": generator} if make in (sherrington_kirkpatrick, edwards_anderson) else {}
    with pytest.raises(error, match=message):
        make(**arguments, **random)
    assert state_of(generator) == before


@pytest.mark.parametrize("rng", [-1, 1.5, "1", True])
def test_a_bad_seed_is_refused(rng):
    for make in (sherrington_kirkpatrick, edwards_anderson):
        with pytest.raises((TypeError, ValueError), match="rng must be"):
            make(4, rng=rng)
