"""The kernels in WebAssembly against the same kernels in numba: the same bits, from seed to spins."""

import itertools
import json
import platform
import re
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smbook import ising
from smbook.ising._model import checked_model
from smbook.ising.simulation import PLAIN
from smbook.kernels import bernoulli, clusters, elementary, lattice
from smbook.kernels.rng import fill_uint64, seed_state
from smbook.widgets import compiler
from tests.wasm import Kernels, custom_section, sections

ALGORITHMS = ("heat-bath", "metropolis", "wolff", "swendsen-wang")
CLUSTERS = ALGORITHMS[2:]
FUNCTIONS = 3  # the number of a section
SHAPES = [(35, 35), (64, 64), (16, 33), (9,), (5, 6, 7)]


@pytest.fixture(scope="module")
def code():
    return compiler.WASM.read_bytes()


@pytest.fixture(scope="module")
def wasm(code):
    return Kernels(code)


# The module


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="its bytes are those of x86-64 Linux"
)
def test_the_committed_module_is_what_the_kernels_compile_to(code):
    """After a change to a kernel: make kernels."""
    assert compiler.build() == code


def test_the_module_imports_its_memory_alone(wasm):
    assert wasm.imports == [("env", "memory")]


def test_the_module_exports_what_its_signatures_say(wasm, code):
    assert set(wasm.exports) == {*compiler.EXPORTS, "__heap_base"}
    assert json.loads(custom_section(code, "signatures")) == json.loads(compiler.signatures())
    assert set(wasm.signatures) == set(compiler.EXPORTS)


def test_a_signature_lists_what_numba_takes(wasm):
    assert wasm.signatures["split_mix"] == {"arguments": ["uint64[1]", "uint64"], "returns": None}
    assert wasm.signatures["bond_threshold"] == {"arguments": ["float64", "float64"], "returns": "int64"}
    assert wasm.signatures["heat_bath_table"]["arguments"] == ["float64"] * 3 + ["int64", "int64[2]"]
    assert wasm.signatures["wolff"]["arguments"][:3] == ["int8[1]", "int64[1]", "int8"]


def test_the_module_names_nothing_but_its_exports(code):
    """A path or host name would tell of its builder; the name of an exception, that a kernel can raise it.

    The list of the types of functions is left out: it counts through the alphabet. So are words in which a
    letter stands three times in a row: machine code has them, and names do not.
    """
    told = b"\0".join(content for kind, content in sections(code) if kind != FUNCTIONS)
    words = re.findall(rb"[\w./-]{8,}", told.replace(compiler.signatures(), b""))
    spoken = {word.decode() for word in words if re.search(rb"[a-z]{4,}", word)}
    spoken = {word for word in spoken if not re.search(r"(.)\1\1", word)}
    assert "single_site" in spoken
    assert spoken <= {*compiler.EXPORTS, "__heap_base", "signatures"}


def test_without_a_linker_the_compiler_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(compiler.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RuntimeError, match=r"pip install 'smbook\[test\]'"):
        compiler.build()


def test_on_another_platform_the_compiler_refuses(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    with pytest.raises(RuntimeError, match=r"x86-64 Linux, .*; this is arm64"):
        compiler.build()


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 2**14, 123_456])
def test_lengths_are_written_seven_bits_a_byte(number):
    section = compiler._custom_section("of zeros", bytes(number))
    assert custom_section(b"\0asm\1\0\0\0" + section, "of zeros") == bytes(number)


# A run as a page does it


def run(wasm, shape, beta, n_sweeps, algorithm, *, field=0.0, coupling=1.0, initial="random", seed):
    """Return spins, state, bonds and sums after a run in WebAssembly, one call a sweep as it is in a page."""
    n_sites, sign = int(np.prod(shape)), -1 if coupling < 0.0 else 1
    spins, sides, state = np.ones(n_sites, dtype=np.int8), np.array(shape), np.zeros(4, dtype=np.uint64)
    wasm.split_mix(state, seed)
    if initial == "random":
        wasm.randomize(spins, state)
    kernel, rule = rule_of(wasm, shape, beta, algorithm, field, coupling, state)
    bonds, sums = np.zeros((2, n_sweeps), dtype=np.int64)
    for sweep in range(n_sweeps):
        noted = bonds[sweep : sweep + 1], sums[sweep : sweep + 1]
        wasm.call(kernel, spins, sides, sign, *rule, state, 1, *noted)
    return spins.reshape(shape), state, bonds, sums


def rule_of(wasm, shape, beta, algorithm, field, coupling, state):
    """Return the name of the kernel, and its arguments between the model and the state."""
    n_sites, dimension, length = int(np.prod(shape)), len(shape), shape[-1]
    if algorithm in CLUSTERS:
        sites, trials = (
            np.zeros(n_sites + 1, dtype=np.uint64),
            np.zeros(bernoulli.TRIALS_SIZE, dtype=np.uint64),
        )
        wasm.begin_trials(state, wasm.bond_threshold(beta, coupling), trials)
        if algorithm == "swendsen-wang":
            words = np.zeros((3, n_sites // length * -(-length // 64)), dtype=np.uint64)
            return "swendsen_wang", (words, sites, trials)
        return "wolff", (wasm.wolff_flips(n_sites, dimension, beta, coupling), sites, trials)
    table = np.zeros((1 if algorithm == "heat-bath" else 2, lattice.TABLE_WIDTH), dtype=np.int64)
    wasm.call(algorithm.replace("-", "_") + "_table", beta, coupling, field, dimension, table)
    lanes, steps = np.zeros((4, 64), dtype=np.uint64), int(wasm.draw_steps(length))
    wasm.seed_lanes(state, lanes)
    draws, parts = np.zeros((steps, 64), dtype=np.uint64), np.zeros(256 * steps, dtype=np.int16)
    return "single_site", (table, lanes, draws, parts, np.zeros((6, 256 * steps + 128), dtype=np.int8))


def native_run(shape, beta, n_sweeps, algorithm, *, field=0.0, coupling=1.0, initial="random", seed):
    """Return the same four from the kernels in numba, all sweeps in one call."""
    state, spins = seed_state(seed), np.ones(shape, dtype=np.int8)
    flat = spins.reshape(-1)
    if initial == "random":
        lattice.randomize(flat, state)
    model = checked_model(shape, beta, coupling, field)
    bonds, sums = np.zeros((2, n_sweeps), dtype=np.int64)
    PLAIN[algorithm](model)(flat, state)(1, bonds, sums)
    return spins, state, bonds, sums


def differences(wasm, shape, beta, n_sweeps, algorithm, *, seed, native_seed=None, **options):
    """Return the names of what differs, in any bit, from numba's run and from `ising.simulate`."""
    native_seed = seed if native_seed is None else native_seed
    setting = shape, beta, n_sweeps, algorithm
    found = run(wasm, *setting, seed=seed, **options)
    expected = native_run(*setting, seed=native_seed, **options)
    trace = ising.simulate(
        shape, beta, n_sweeps, algorithm=algorithm, engine="plain", rng=native_seed, **options
    )
    pairs = zip(
        ("spins", "state", "bonds", "sums", "simulated spins", "simulated magnetization"),
        (*found, found[0], found[3] / found[0].size),
        (*expected, trace.spins, trace.magnetization),
        strict=True,
    )
    return [name for name, one, other in pairs if one.tobytes() != other.tobytes()]


# Clusters need a zero field; Metropolis is refused on a ring without field.
RUNS = [
    (algorithm, shape, field)
    for algorithm, shape, field in itertools.product(ALGORITHMS, SHAPES, (0.0, 0.3, -1.7))
    if not (field and algorithm in CLUSTERS) and (field or len(shape) > 1 or algorithm != "metropolis")
]


@pytest.mark.parametrize(("algorithm", "shape", "field"), RUNS, ids=str)
def test_a_seed_gives_the_same_spins_in_wasm_and_in_numba(wasm, algorithm, shape, field):
    for initial in ("random", "up"):
        options = {"field": field, "initial": initial, "seed": 2**53 - 1}
        assert differences(wasm, shape, 0.43, 30, algorithm, **options) == []


@settings(max_examples=60)
@given(
    algorithm=st.sampled_from(ALGORITHMS),
    side=st.integers(8, 40),
    temperature=st.floats(0.5, 5.0),
    field=st.floats(-2.0, 2.0),
    coupling=st.sampled_from([1.0, -1.0]),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_setting_gives_the_same_bits(wasm, algorithm, side, temperature, field, coupling, seed):
    side += side % 2 if coupling < 0.0 else 0  # an odd antiferromagnet is refused
    field = 0.0 if algorithm in CLUSTERS else field
    options = {"field": field, "coupling": coupling, "seed": seed}
    assert differences(wasm, (side, side), 1.0 / temperature, 5, algorithm, **options) == []


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_another_seed_is_seen(wasm, algorithm):
    seen = differences(wasm, (35, 35), 0.43, 3, algorithm, seed=1, native_seed=2)
    assert {"spins", "state", "simulated spins"} <= set(seen)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_wrong_number_in_the_module_is_seen(code, algorithm):
    """The generator rotates by 24 bits in place of 23: i64.const 23, i64.rotl."""
    right, wrong = bytes([0x42, 23, 0x89]), bytes([0x42, 24, 0x89])
    assert right in code
    seen = differences(Kernels(code.replace(right, wrong)), (35, 35), 0.43, 3, algorithm, seed=1)
    assert {"spins", "simulated spins"} <= set(seen)


# Numbers


def arguments():
    """Numbers of every size and sign, and those at the edges of what a float64 holds."""
    random = np.random.default_rng(2)
    bits = np.empty(4000, dtype=np.uint64)
    fill_uint64(seed_state(3), bits)
    edges = [0.0, -0.0, 1.0, np.inf, -np.inf, np.nan, 5e-324, 709.782712893384, -745.1332191019411]
    return np.concatenate(
        [edges, random.uniform(-750, 712, 4000), random.normal(size=2000), bits.view(np.float64)]
    )


@pytest.mark.parametrize("name", ["exp", "log"])
def test_exp_and_log_are_the_same_to_the_bit(wasm, name):
    """The bits of a nan are left open by WebAssembly, and only they."""
    found, expected = (
        np.array([function(x) for x in arguments()])
        for function in (getattr(wasm, name), getattr(elementary, name))
    )
    assert (np.isnan(found) == np.isnan(expected)).all()
    assert np.isfinite(expected).sum() > 4000
    assert (found.view(np.int64) == expected.view(np.int64))[~np.isnan(expected)].all()


@pytest.mark.parametrize("name", ["heat_bath_table", "metropolis_table"])
def test_tables_are_the_same_to_the_bit(wasm, name):
    """They hold exp to its last bit, at cold and hot temperatures, in weak and strong fields."""
    random, n_rows = np.random.default_rng(4), 1 if name == "heat_bath_table" else 2
    for _ in range(1000):
        beta, coupling = random.exponential(), random.normal()
        field = random.normal() * 10.0 ** random.integers(-9, 3)
        found, expected = np.zeros((2, n_rows, lattice.TABLE_WIDTH), dtype=np.int64)
        setting = beta, coupling, field, int(random.integers(1, 4))
        getattr(wasm, name)(*setting, found)
        getattr(lattice, name)(*setting, expected)
        assert found.tolist() == expected.tolist()


@given(st.floats(0.0, 40.0), st.floats(-3.0, 3.0), st.sampled_from([(100, 1), (128 * 128, 2), (20**3, 3)]))
def test_thresholds_and_numbers_of_flips_are_the_same(wasm, beta, coupling, lattice_of):
    assert wasm.bond_threshold(beta, coupling) == clusters.bond_threshold(beta, coupling)
    assert wasm.wolff_flips(*lattice_of, beta, coupling) == clusters.wolff_flips(*lattice_of, beta, coupling)


@given(st.integers(0, 2**64 - 1))
def test_a_seed_gives_the_same_state(wasm, seed):
    state = np.zeros(4, dtype=np.uint64)
    wasm.split_mix(state, seed)
    assert state.tolist() == seed_state(seed).tolist()
