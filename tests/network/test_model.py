"""`SpinNetwork`: its energies, which couplings it takes, what it keeps and shares, and how soon it stops."""

import copy
import math
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from smbook import ising
from smbook.kernels import network as kernels
from smbook.kernels.rng import seed_state
from smbook.network import SpinNetwork, edwards_anderson, from_lattice, mattis, sherrington_kirkpatrick
from tests.interrupts import interrupted
from tests.network.exact import all_states, dense, energies, random_couplings

PAIR = np.array([[0.0, 1.0], [1.0, 0.0]])
UP = np.ones(2, dtype=np.int8)


# Energies


@given(st.integers(1, 8), st.integers(0, 1000), st.booleans())
def test_energies_and_local_fields_are_those_of_the_formula(n, seed, is_sparse):
    couplings, fields = random_couplings(n, seed), np.random.default_rng(seed).normal(size=n)
    network = SpinNetwork(sparse.csr_array(couplings) if is_sparse else couplings, fields)
    states = all_states(n)
    np.testing.assert_allclose(network.energy(states), energies(network), atol=1e-13)
    np.testing.assert_allclose(network.local_fields(states), states @ couplings + fields, atol=1e-13)
    one = network.energy(states[-1])
    assert type(one) is float
    assert one == network.energy(states)[-1]


@given(st.integers(2, 7), st.integers(0, 1000), st.integers(0, 6))
def test_a_flip_costs_twice_the_spin_times_its_local_field(n, seed, site):
    network = SpinNetwork(random_couplings(n, seed), 0.3)
    spins = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), n)
    cost = 2 * spins[site % n] * network.local_fields(spins)[site % n]
    before = network.energy(spins)
    spins[site % n] *= -1
    assert network.energy(spins) - before == pytest.approx(cost, abs=1e-13)


@given(st.lists(st.integers(2, 5), min_size=1, max_size=3).map(tuple), st.integers(0, 1000))
def test_the_energy_of_a_lattice_is_that_of_the_ising_model(shape, seed):
    """Sides of 2 too, whose two bonds add up."""
    spins = np.random.default_rng(seed).choice(np.array([-1, 1], dtype=np.int8), shape)
    network = from_lattice(shape, coupling=-0.75, field=0.5)
    total = ising.energy(spins, coupling=-0.75, field=0.5) * spins.size
    assert network.energy(spins.reshape(-1)) == pytest.approx(total, abs=1e-12)


def test_a_pattern_is_a_magnet_in_disguise():
    xi = np.array([1, -1, -1, 1, -1], dtype=np.int8)
    magnet, states = mattis(np.ones(5, dtype=np.int8), coupling=2.0), all_states(5)
    assert mattis(xi, coupling=2.0).energy(states * xi).tolist() == magnet.energy(states).tolist()


def test_spins_of_any_shape_and_layout_have_energies():
    network = sherrington_kirkpatrick(6, rng=1)
    states = np.random.default_rng(1).choice(np.array([-1, 1], dtype=np.int8), (3, 4, 6))
    expected = network.energy(states)
    assert expected.shape == (3, 4)
    assert network.local_fields(states).shape == (3, 4, 6)
    frozen = states.copy()
    frozen.flags.writeable = False
    for same in (np.asfortranarray(states), states[::-1].copy()[::-1], frozen):
        np.testing.assert_allclose(network.energy(same), expected, rtol=1e-14)
        assert network.local_fields(same).tolist() == network.local_fields(states).tolist()
    assert network.energy(states[:0]).shape == (0, 4)
    assert SpinNetwork(np.zeros((2, 2))).energy(UP) == 0.0
    assert not np.signbit(SpinNetwork(np.zeros((2, 2))).energy(UP))


WRONG_SPINS = [
    ([1, 1], TypeError, "spins must be an int8 array; got list"),
    (np.ones(2), TypeError, "got dtype float64"),
    (np.ones(2, dtype=np.int64), TypeError, "got dtype int64"),
    (np.ones(2, dtype=bool), TypeError, "got dtype bool"),
    (np.ma.array(UP), TypeError, "got MaskedArray"),
    (np.int8(1), TypeError, "got int8"),
    (np.array(1, dtype=np.int8), ValueError, r"spins must be those of 2 spins, \(..., 2\); got shape \(\)"),
    (np.ones(3, dtype=np.int8), ValueError, r"got shape \(3,\)"),
    (np.ones((2, 3), dtype=np.int8), ValueError, r"got shape \(2, 3\)"),
    (np.array([1, 0], dtype=np.int8), ValueError, r"spins must hold \+1 and -1 only; got 0"),
    (np.array([1, -128], dtype=np.int8), ValueError, r"spins must hold \+1 and -1 only; got -128"),
]


@pytest.mark.parametrize(("spins", "error", "message"), WRONG_SPINS)
def test_measuring_refuses_what_are_no_spins(spins, error, message):
    for measure in (SpinNetwork(PAIR).energy, SpinNetwork(PAIR).local_fields):
        with pytest.raises(error, match=message):
            measure(spins)


# Couplings that are taken


def test_floats_are_shared_and_not_copied_and_cannot_be_written_through_the_network():
    for dtype in (np.float64, np.float32):
        couplings = random_couplings(5, 1).astype(dtype)
        network = SpinNetwork(couplings, 0.5)
        assert np.shares_memory(network.couplings, couplings)
        assert network.dtype == network.couplings.dtype == network.fields.dtype == dtype
        assert couplings.flags.writeable
        for array in (network.couplings, network.fields):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1.0
    network = edwards_anderson((3, 3), rng=1)
    with pytest.raises(ValueError, match="read-only"):
        network.couplings.data[0] = 1.0
    written = network.couplings
    assert isinstance(written, sparse.csr_array)
    for array in (written.indices, written.indptr):
        if array.flags.writeable:
            array[:] = 0
    assert network.couplings.toarray().any()


def test_fields_are_copied():
    fields = np.array([0.5, -0.5])
    network = SpinNetwork(PAIR, fields)
    fields[:] = 7.0
    assert network.fields.tolist() == [0.5, -0.5]
    assert SpinNetwork(PAIR, 2).fields.tolist() == [2.0, 2.0]
    assert SpinNetwork(PAIR).fields.tolist() == [0.0, 0.0]


def layouts(couplings):
    """The same couplings in other layouts and types."""
    frozen, wide = couplings.copy(), np.zeros((5, 10))
    frozen.flags.writeable = False
    wide[:, ::2] = couplings
    yield from (frozen, np.asfortranarray(couplings), wide[:, ::2], couplings[::-1, ::-1].copy()[::-1, ::-1])
    yield from (
        couplings.astype(">f8"),
        couplings.astype(np.longdouble),
        couplings.view(np.matrix),
        couplings.tolist(),
    )
    yield np.frombuffer(b"x" + couplings.tobytes(), dtype=np.float64, offset=1).reshape(5, 5)


def test_any_layout_and_type_of_the_same_numbers_is_the_same_network():
    couplings = random_couplings(5, 1)
    expected = SpinNetwork(couplings).sample(0.8, 20, rng=1)
    for same in layouts(couplings):
        network = SpinNetwork(same)
        assert type(network.couplings) is np.ndarray
        assert network.dtype == np.float64
        assert network.sample(0.8, 20, rng=1) == expected


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float16, ">f4"])
def test_other_real_numbers_become_floats(dtype):
    whole = np.array([[0, 100, 3], [100, 0, 127], [3, 127, 0]])  # of int8 the sums would wrap
    network = SpinNetwork(whole.astype(dtype))
    assert network.dtype == np.float64
    assert network.energy(np.ones(3, dtype=np.int8)) == -230.0


def test_couplings_are_mapped_from_a_file(tmp_path):
    np.save(tmp_path / "couplings.npy", random_couplings(5, 1))
    mapped = np.load(tmp_path / "couplings.npy", mmap_mode="r")
    network = SpinNetwork(mapped)
    assert np.shares_memory(network.couplings, mapped)
    assert network.sample(0.8, 20, rng=1) == SpinNetwork(random_couplings(5, 1)).sample(0.8, 20, rng=1)


@pytest.mark.parametrize("kind", ["array", "matrix"])
@pytest.mark.parametrize("form", ["bsr", "coo", "csc", "csr", "dia", "dok", "lil"])
def test_sparse_couplings_of_any_form_are_the_same_network(form, kind):
    whole = random_couplings(6, 1, values=[-1.0, 0.0, 0.0, 2.0])
    given_form = getattr(sparse, f"{form}_{kind}")(whole)
    network = SpinNetwork(given_form, 0.5)
    assert isinstance(network.couplings, sparse.csr_array)
    assert network.couplings.toarray().tolist() == whole.tolist()
    assert network.sample(0.8, 20, rng=1) == SpinNetwork(whole, 0.5).sample(0.8, 20, rng=1)


def test_sparse_rows_may_be_unsorted_and_hold_zeros_and_stay_as_they_are():
    data, columns = np.array([2.0, 1.0, 1.0, 0.0, 0.0, 2.0]), np.array([2, 1, 0, 1, 2, 0])
    given_rows = sparse.csr_array((data, columns, np.array([0, 2, 4, 6])), shape=(3, 3))
    network = SpinNetwork(given_rows)
    assert given_rows.indices.tolist() == [2, 1, 0, 1, 2, 0]
    assert given_rows.data.tolist() == data.tolist()
    assert network.couplings.indices.tolist() == [1, 2, 0, 0]
    assert network.couplings.data.tolist() == [1.0, 2.0, 1.0, 2.0]
    data[:] = 9.0
    assert network.couplings.data.tolist() == [1.0, 2.0, 1.0, 2.0]


@pytest.mark.parametrize("dtype", [np.float32, np.int8, np.int64])
def test_sparse_types_are_those_of_dense_ones(dtype):
    network = SpinNetwork(sparse.csr_array(PAIR.astype(dtype)))
    assert network.dtype == SpinNetwork(PAIR.astype(dtype)).dtype
    assert SpinNetwork(sparse.csr_array((3, 3))).energy(np.ones(3, dtype=np.int8)) == 0.0


def test_asymmetry_of_rounding_is_no_asymmetry():
    assert SpinNetwork([[0, 0.1 + 0.2], [0.3, 0]]).n_spins == 2
    single = random_couplings(100, 1).astype(np.float32)
    single[3, 7] = np.nextafter(single[7, 3], np.float32(np.inf))
    assert SpinNetwork(single).n_spins == SpinNetwork(sparse.csr_array(single)).n_spins == 100


@pytest.mark.parametrize("scale", [1e-300, 5e-324, 1e300])
def test_couplings_may_be_small_or_large(scale):
    network = SpinNetwork(PAIR * scale)
    assert network.energy(UP) == -scale
    assert network.sample(1e-308 if scale > 1 else 1.0, 5, rng=1).energy.shape == (1, 5)


def test_networks_are_printed_in_one_line():
    assert repr(SpinNetwork(PAIR)) == "SpinNetwork(2 spins, dense couplings in float64)"
    network = SpinNetwork(sparse.csr_array(PAIR.astype(np.float32)), 0.5)
    assert repr(network) == "SpinNetwork(2 spins, sparse couplings in float32, in a field)"


def test_networks_can_be_copied_and_sent():
    for network in (sherrington_kirkpatrick(9, rng=1), edwards_anderson((3, 3), rng=1)):
        expected = network.temper([0.5, 1.0], 20, rng=1)
        for same in (pickle.loads(pickle.dumps(network)), copy.copy(network), copy.deepcopy(network)):
            assert same.temper([0.5, 1.0], 20, rng=1) == expected
            assert pickle.loads(pickle.dumps(expected)) == expected


# Couplings that are refused


def with_entry(value, i, j, n=100, both=False, order="C"):
    couplings = np.zeros((n, n), order=order)
    couplings[i, j] = value
    if both:
        couplings[j, i] = value
    return couplings


TWICE = sparse.coo_array((np.ones(3), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
TWICE_IN_ROWS = sparse.csr_array((np.ones(4), np.array([1, 1, 0, 0]), np.array([0, 2, 4])), shape=(2, 2))
ZERO_TWICE = sparse.coo_array((np.array([1.0, 0.0, 1.0]), ([0, 0, 1], [1, 1, 0])), shape=(2, 2))
SYMMETRIC = r"couplings must be symmetric; \|J - J.T\| reaches"
REFUSED = [
    (1.0, ValueError, r"couplings must be a square matrix; got shape \(\)"),
    ([], ValueError, r"couplings must be a square matrix; got shape \(0,\)"),
    (np.ones(4), ValueError, r"square matrix; got shape \(4,\)"),
    (np.zeros((2, 3)), ValueError, r"square matrix; got shape \(2, 3\)"),
    (np.zeros((2, 2, 2)), ValueError, r"square matrix; got shape \(2, 2, 2\)"),
    (np.zeros((0, 0)), ValueError, r"at least one spin; got shape \(0, 0\)"),
    (sparse.csr_array((2, 3)), ValueError, r"square matrix; got shape \(2, 3\)"),
    (sparse.csr_array((0, 0)), ValueError, r"at least one spin; got shape \(0, 0\)"),
    (sparse.coo_array(np.ones(3)), ValueError, r"square matrix; got shape \(3,\)"),
    (with_entry(0.3, 4, 7), ValueError, SYMMETRIC + r" 0.3 at \(4, 7\)"),
    (with_entry(0.3, 90, 7), ValueError, SYMMETRIC + r" 0.3 at \(7, 90\)"),
    (with_entry(0.3, 70, 90), ValueError, SYMMETRIC + r" 0.3 at \(70, 90\)"),
    (with_entry(0.3, 4, 7, order="F"), ValueError, SYMMETRIC + r" 0.3 at \(4, 7\)"),
    (sparse.csr_array(with_entry(0.3, 4, 7)), ValueError, SYMMETRIC + r" 0.3 at \(4, 7\)"),
    ([[0, 1], [1 + 1e-11, 0]], ValueError, SYMMETRIC + r" 1.*e-11 at \(0, 1\)"),
    ([[0, 1e308], [-1e308, 0]], ValueError, SYMMETRIC + r" inf at \(0, 1\)"),
    (sparse.csr_array([[0, 1e308], [-1e308, 0]]), ValueError, SYMMETRIC),
    (with_entry(0.5, 80, 80), ValueError, r"zero diagonal, as no spin acts on itself; got 0.5 at \(80, 80\)"),
    (sparse.csr_array(with_entry(0.5, 80, 80)), ValueError, r"zero diagonal.*; got 0.5 at \(80, 80\)"),
    (with_entry(math.nan, 4, 90, both=True), ValueError, r"couplings must be finite; got nan at \(4, 90\)"),
    (with_entry(math.inf, 90, 4), ValueError, r"couplings must be finite; got inf at \(90, 4\)"),
    (with_entry(-math.inf, 4, 90, order="F"), ValueError, r"must be finite; got -inf at \(4, 90\)"),
    (with_entry(math.nan, 3, 3), ValueError, r"couplings must be finite; got nan at \(3, 3\)"),
    (sparse.csr_array(with_entry(math.nan, 4, 90)), ValueError, r"must be finite; got nan at \(4, 90\)"),
    (PAIR.astype(np.longdouble) * np.longdouble("1e400"), ValueError, r"must be finite; got inf at \(0, 1\)"),
    (PAIR + 0j, TypeError, "couplings must hold real numbers; got dtype complex128"),
    (sparse.csr_array(PAIR + 0j), TypeError, "couplings must hold real numbers; got dtype complex128"),
    (PAIR.astype(bool), TypeError, "couplings must hold real numbers; got dtype bool"),
    (sparse.csr_array(PAIR.astype(bool)), TypeError, "couplings must hold real numbers; got dtype bool"),
    (PAIR.astype(object), TypeError, "couplings must hold real numbers; got dtype object"),
    (None, TypeError, "couplings must hold real numbers; got dtype object"),
    ("J", TypeError, "couplings must hold real numbers; got dtype <U1"),
    ([["0", "1"], ["1", "0"]], TypeError, "couplings must hold real numbers; got dtype <U1"),
    (np.ma.array(PAIR), TypeError, "couplings must hold real numbers; got a masked array"),
    ([[0, 1], [1]], TypeError, r"real numbers in rows of one length; got \[\[0, 1\], \[1\]\]"),
    (TWICE, ValueError, r"sparse couplings must name each entry once; got \(0, 1\) more often"),
    (TWICE_IN_ROWS, ValueError, r"sparse couplings must name each entry once; got \(0, 1\) more often"),
    (ZERO_TWICE, ValueError, r"sparse couplings must name each entry once; got \(0, 1\) more often"),
    (
        np.full((5, 5), 1e308) * (1 - np.eye(5)),
        ValueError,
        "energy overflows in float64; got local fields of",
    ),
    (sparse.csr_array(np.full((5, 5), 1e308) * (1 - np.eye(5))), ValueError, "energy overflows in float64"),
    (PAIR.astype(np.float32) * np.float32(3e38), ValueError, r"energy overflows in float32; .* to 3e\+38"),
]


@pytest.mark.parametrize(("couplings", "error", "message"), REFUSED)
def test_what_are_no_couplings_is_refused(couplings, error, message):
    held = couplings.copy() if isinstance(couplings, np.ndarray) else None
    with pytest.raises(error, match=message):
        SpinNetwork(couplings)
    if held is not None and held.dtype.kind == "f":
        assert np.array_equal(couplings, held, equal_nan=True)


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        (np.zeros(3), ValueError, r"fields must be one number or 2, one a spin; got shape \(3,\)"),
        (np.zeros((1, 2)), ValueError, r"fields must be one number or 2, one a spin; got shape \(1, 2\)"),
        ([0.0, math.nan], ValueError, "fields must be finite; got nan"),
        (math.inf, ValueError, "fields must be finite; got inf"),
        ("h", TypeError, "fields must hold real numbers"),
        (1j, TypeError, "fields must hold real numbers"),
        ([True, False], TypeError, "fields must hold real numbers; got dtype bool"),
        (np.ma.array([1.0, 2.0]), TypeError, "fields must hold real numbers; got a masked array"),
        (1e300, ValueError, r"fields must be finite in float32; got 1e\+300"),
        ([0.0, -1e300], ValueError, r"fields must be finite in float32; got -1e\+300"),
        (3e38, ValueError, r"energy overflows in float32; got local fields of up to 3e\+38"),
    ],
)
def test_what_are_no_fields_is_refused(fields, error, message):
    with pytest.raises(error, match=message):
        SpinNetwork(PAIR.astype(np.float32), fields)


# Memory and time


def peaks(*works):
    """MiB that NumPy's arrays take in each piece of work at its height, beyond what was there before all."""
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for work in works:
        tracemalloc.reset_peak()
        kept = work()
        yield (tracemalloc.get_traced_memory()[1] - before) / 2**20
        del kept
    tracemalloc.stop()


def works(n):
    """What there is to be done with a network of n spins, in float32."""
    couplings = np.empty((n, n), dtype=np.float32)
    kernels.fill_gaussian(seed_state(1), couplings)
    network = SpinNetwork(couplings)
    return (
        lambda: SpinNetwork(couplings, 0.5),
        lambda: network.sample(0.5, 20, n_chains=4, rng=1),
        lambda: network.anneal([0.5, 1.0], n_chains=4, rng=1),
        lambda: network.temper(np.linspace(0.2, 1.0, 8), 5, rng=1),
    )


def test_a_network_needs_the_memory_of_its_couplings_and_a_tenth():
    """The couplings of 4000 spins are 61 MiB in float32; a mask of them alone would be 15."""
    for work in works(9):  # compiles, which takes memory too
        work()
    assert max(peaks(*works(4000))) < 6.1


INTERRUPTED = """
import sys
import numpy as np
from smbook.network import edwards_anderson, sherrington_kirkpatrick
runs = {
    "sample": lambda network, length: network.sample(0.5, length, n_chains=16, rng=1),
    "anneal": lambda network, length: network.anneal(
        np.linspace(0.1, 1.0, length), sweeps_per_beta=10, n_chains=16, rng=1
    ),
    "temper": lambda network, length: network.temper(np.linspace(0.2, 1.0, 16), length, n_ladders=4, rng=1),
}
run, dense = runs[sys.argv[1]], sys.argv[2] == "dense"
def network(n):
    return sherrington_kirkpatrick(n, rng=1, dtype=np.float32) if dense else edwards_anderson(n, rng=1)

small, large = network(9), network(5000 if dense else 10_000)
expected = run(small, 20)
print("starts", flush=True)
try:
    run(large, 100_000)
except KeyboardInterrupt:
    print("heard", flush=True)
assert run(small, 20) == expected
"""


@pytest.mark.parametrize("form", ["dense", "sparse"])
@pytest.mark.parametrize("what", ["sample", "anneal", "temper"])
def test_ctrl_c_is_heard_at_once(what, form):
    """In 0.2 s where the machine has nothing else to do; here there may be much."""
    seconds, _ = interrupted(INTERRUPTED, what, form)
    assert seconds < 1.5


def test_dense_couplings_of_a_network_are_those_it_was_given():
    couplings = random_couplings(5, 1)
    assert dense(SpinNetwork(sparse.csr_array(couplings))).tolist() == couplings.tolist()
