"""The kernels of walls against binomials, enumeration and the ring, and the same bits in WebAssembly."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook import ising
from smbook.kernels import walls as kernels
from smbook.theory import ising as theory
from smbook.widgets.compiler import EXPORTS, WASM
from tests.wasm import Kernels

SIZES = (2, 3, 8, 9, 64, 301, 1024)
TEMPERATURES = (0.2, 0.5, 1.0, 4.0)
CASES = list(itertools.product(SIZES, TEMPERATURES))


def wall_law(n, beta, coupling=1.0):
    """Return the likeliest number of walls, and the rows E, T S, F and p."""
    rows = np.full((4, n // 2 + 1), np.nan)
    return kernels.wall_law(n, beta, coupling, *rows), rows


def first_pair(sizes, beta, coupling=1.0):
    heat, price = np.empty((2, len(sizes)))
    kernels.first_pair(np.array(sizes, dtype=float), beta, coupling, heat, price)
    return heat, price


@pytest.mark.parametrize(("n", "temperature"), CASES)
def test_the_law_is_that_of_binomials(n, temperature):
    """Python's integers hold them exactly."""
    walls = np.arange(0, n + 1, 2)
    least, (energy, heat, free_energy, probability) = wall_law(n, 1 / temperature, 0.8)
    entropy = np.array([math.log(2 * math.comb(n, w)) for w in walls])
    np.testing.assert_array_equal(energy, 1.6 * walls)
    np.testing.assert_allclose(heat, temperature * entropy, rtol=1e-13)
    np.testing.assert_allclose(free_energy, energy - heat, rtol=0, atol=1e-12 * heat.max())
    assert least == walls[free_energy.argmin()]
    weight = np.exp((free_energy.min() - free_energy) / temperature)
    np.testing.assert_allclose(probability, weight / weight.sum(), rtol=1e-11)


@pytest.mark.parametrize(("n", "temperature"), [case for case in CASES if case[0] > 2])
def test_the_law_is_that_of_the_ring(n, temperature):
    """Its free energies add up to ln Z, and both its mean and the closed form are the ring's mean energy."""
    beta = 1 / temperature
    _, (_, _, free_energy, probability) = wall_law(n, beta)
    exact = theory.ring(n, beta)
    log_partition = beta * n + np.logaddexp.reduce(-beta * free_energy)
    assert log_partition == pytest.approx(n * exact.log_partition, rel=1e-13)
    mean = probability @ np.arange(0, n + 1, 2)
    assert kernels.mean_walls(n, beta, 1.0) == pytest.approx(mean, rel=1e-11)
    assert mean == pytest.approx(n * (1 + exact.energy) / 2, rel=1e-11, abs=1e-14 * n)


@pytest.mark.parametrize("n", [3, 8, 11])
def test_the_law_is_that_of_all_states(n):
    states = np.where((np.arange(2**n)[:, None] >> np.arange(n)) & 1, 1, -1).astype(np.int8)
    walls = np.array([round(n * (1 + ising.energy(spins)) / 2) for spins in states])
    weight = np.exp(-2 * 0.7 * walls)
    _, (_, _, _, probability) = wall_law(n, 0.7)
    shares = np.bincount(walls, weight / weight.sum())
    np.testing.assert_allclose(probability, shares[::2], rtol=1e-12)
    assert not shares[1::2].any()


@given(st.integers(2, 1024), st.floats(0.2, 4.0))
def test_the_minimum_is_where_the_next_pair_is_free(n, temperature):
    """F falls as long as T ln[C(n, w + 2) / C(n, w)] is more than 4 J, and then it rises."""
    least, (_, _, free_energy, _) = wall_law(n, 1 / temperature)
    steps = np.diff(free_energy)
    assert (steps[: least // 2] < 0).all()
    assert (steps[least // 2 :] > -1e-9).all()


@pytest.mark.parametrize("temperature", [0.3, 0.5, 1.0, 4.0])
def test_in_a_long_ring_the_minimum_is_where_free_walls_would_be(temperature):
    """w / N = 1 / (1 + exp(2 / T)), that of independent bonds, to within the two walls of a step."""
    least, _ = wall_law(100_000, 1 / temperature)
    assert least == pytest.approx(100_000 / (1 + math.exp(2 / temperature)), abs=2)


def test_of_two_minima_the_smaller_counts():
    """At infinite temperature, nearly, a ring of six has as many states with two walls as with four."""
    assert wall_law(6, 1e-300)[0] == 2


# The first pair


@given(st.integers(2, 10**6), st.floats(0.2, 4.0), st.floats(0.1, 3.0))
def test_the_first_pair_costs_what_the_law_says(n, temperature, coupling):
    (heat,), (price,) = first_pair([n], 1 / temperature, coupling)
    assert heat == pytest.approx(temperature * math.log(math.comb(n, 2)), rel=1e-14, abs=1e-14)
    assert price == 4 * coupling - heat
    if n < 2000:
        _, (_, _, free_energy, _) = wall_law(n, 1 / temperature, coupling)
        assert price == pytest.approx(free_energy[1] - free_energy[0], rel=0, abs=1e-12 * (4 + heat))


@given(st.floats(0.2, 4.0))
def test_the_first_pair_is_free_where_its_price_vanishes(temperature):
    size = kernels.free_pair_size(1 / temperature, 1.0)
    assert first_pair([size], 1 / temperature)[1] == pytest.approx(0.0, abs=1e-12)
    assert size == pytest.approx(0.5 + math.sqrt(2) * math.exp(2 / temperature), rel=0.02)


@pytest.mark.parametrize("temperature", [0.25, 0.5, 1.0])
def test_walls_stay_away_from_shorter_rings_and_come_into_longer_ones(temperature):
    size = int(kernels.free_pair_size(1 / temperature, 1.0))
    assert wall_law(size, 1 / temperature)[0] == 0
    assert wall_law(size + 1, 1 / temperature)[0] == 2


# The same bits in a page

OURS = sorted(
    name for name, (kernel, _, _) in EXPORTS.items() if kernel.py_func.__module__ == kernels.__name__
)


@pytest.fixture(scope="module")
def page():
    return Kernels(WASM.read_bytes())


def arguments(name, n, beta):
    """Arguments for a kernel, with arrays of their own."""
    sizes = np.geomspace(2, 1e5, 201)
    return {
        "wall_law": (n, beta, 1.0, *np.zeros((4, n // 2 + 1))),
        "mean_walls": (n, beta, 1.0),
        "first_pair": (sizes, beta, 1.0, *np.zeros((2, sizes.size))),
        "free_pair_size": (beta, 1.0),
    }[name]


@pytest.mark.parametrize("name", OURS)
def test_numba_and_webassembly_give_the_same_bits(page, name):
    for n, temperature in CASES:
        native, foreign = (arguments(name, n, 1 / temperature) for _ in range(2))
        returned = EXPORTS[name][0](*native), page.call(name, *foreign)
        for here, there in zip((*native, returned[0]), (*foreign, returned[1]), strict=True):
            assert bits(here) == bits(there)


def bits(value):
    return b"" if value is None else np.asarray(value).tobytes()


def test_every_kernel_of_the_module_is_in_the_page():
    compiled = {name: value for name, value in vars(kernels).items() if hasattr(value, "py_func")}
    own = {name for name, value in compiled.items() if value.py_func.__module__ == kernels.__name__}
    assert own == set(OURS)
