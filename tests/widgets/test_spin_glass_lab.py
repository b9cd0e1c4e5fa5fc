"""SpinGlassLab from Python and on a page: the sample of a seed, its replicas, overlaps, energies, bonds."""

import re

import numpy as np
import pytest

from smbook import network as networks
from smbook.kernels import spin_glass as kernels
from smbook.network import SpinNetwork
from smbook.widgets import SpinGlassLab, compiler
from tests.wasm import Kernels
from tests.widgets.alone import FRAMES

# One of each model and algorithm, small; N odd and a ladder above the model's own among them.
CASES = [
    {"model": "SK", "spins": 64, "temperature": 0.4},
    {"model": "SK", "spins": 33, "temperature": 0.3, "algorithm": "tempering", "seed": 2**53 - 1},
    {"model": "plus-minus", "size": 8, "temperature": 0.7, "seed": 0},
    {"model": "plus-minus", "size": 7, "temperature": 2.9, "algorithm": "tempering"},
    {"model": "ferromagnet", "size": 6, "temperature": 1.5, "algorithm": "tempering", "seed": 5},
]
IDS = [f"{case['model']} {case.get('algorithm', 'alone')}" for case in CASES]


def triangle():
    return SpinNetwork([[0, -1, -1], [-1, 0, -1], [-1, -1, 0]], [0.0, 0.5, 0.0])


# The sample and the run


def test_the_sample_is_that_of_the_package():
    sk = SpinGlassLab(spins=50, seed=9).network
    assert sk.dtype == np.float32
    expected = networks.sherrington_kirkpatrick(50, rng=9, dtype=np.float32)
    np.testing.assert_array_equal(sk.couplings, expected.couplings)
    lattice = SpinGlassLab(model="plus-minus", size=5, seed=9).network
    expected = networks.edwards_anderson((5, 5), disorder="plus-minus", rng=9)
    assert (lattice.couplings != expected.couplings).nnz == 0
    plain = SpinGlassLab(model="ferromagnet", size=5, seed=9).network
    assert (plain.couplings != networks.from_lattice((5, 5)).couplings).nnz == 0


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_simulate_is_a_run_of_the_package(case):
    """Its seed lies 2^53 beyond that of the sample: no seed of one is a seed of the other."""
    lab = SpinGlassLab(**case)
    run, rng = lab.simulate(6, thin=2), lab.seed
    assert run.energy.shape[-1] == 3
    if lab.algorithm == "tempering":
        assert run == lab.network.temper(lab.betas, 6, n_ladders=2, thin=2, rng=rng)
        np.testing.assert_array_equal(final(lab, 6), run.spins[:, -1])
    else:
        assert run == lab.network.sample(1 / lab.temperature, 6, n_chains=2, thin=2, rng=rng)
        np.testing.assert_array_equal(final(lab, 6), run.spins)


def final(lab, n_sweeps):
    run = lab.simulate(n_sweeps)
    return run.spins[:, -1] if lab.algorithm == "tempering" else run.spins


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True])
def test_simulate_refuses_what_sample_refuses(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        SpinGlassLab().simulate(n_sweeps)


@pytest.mark.parametrize("temperature", [0.1, 0.4, 1.6, 3.0])
@pytest.mark.parametrize(("model", "hottest"), [("SK", 1.6), ("plus-minus", 2.5), ("ferromagnet", 3.0)])
def test_the_ladder_goes_in_geometric_steps_from_a_high_temperature_to_this_one(model, hottest, temperature):
    lab = SpinGlassLab(model=model, temperature=temperature, algorithm="tempering")
    temperatures = 1 / lab.betas
    assert lab.betas.shape == (24,)
    assert lab.betas[-1] == 1 / temperature
    assert temperatures[0] == pytest.approx(max(hottest, 1.25 * temperature), rel=1e-14)
    steps = temperatures[:-1] / temperatures[1:]
    np.testing.assert_allclose(steps, steps[0], rtol=1e-12)
    lab.algorithm = "heat-bath"
    assert lab.betas.tolist() == [1 / temperature]


def test_replicas_agree_where_the_model_has_one_state_up_to_a_flip():
    """Tempered, a cold ferromagnet has |q| near 1; a hot glass has q near 0, of variance about 1 / N."""
    cold = SpinGlassLab(model="ferromagnet", size=6, temperature=1.0, algorithm="tempering").simulate(600)
    assert abs(cold.replica_overlap[0, -1, 200:]).mean() > 0.95
    hot = SpinGlassLab(spins=256, temperature=3.0).simulate(2000)
    q = hot.replica_overlap[0, 200:]
    assert abs(q.mean()) < 0.02
    assert 0.8 < 256 * q.var() < 2.0


def test_the_overlap_of_a_tempered_glass_is_that_of_enumeration():
    """At N = 16 and T = 0.5; the odd moments vanish."""
    lab = SpinGlassLab(spins=16, temperature=0.5, algorithm="tempering", seed=4)
    law = lab.network.enumerate(2.0).overlaps
    q = lab.simulate(20_000).replica_overlap[0, -1]
    for power in (1, 2, 4):
        moments = (q**power).reshape(40, -1).mean(axis=1)
        error = moments.std(ddof=1) / np.sqrt(40)
        assert abs(moments.mean() - law.probability @ law.q**power) < 4 * error


# A network of the reader's own


def test_an_own_network_is_shown_in_single_precision():
    rng = np.random.default_rng(3)
    couplings = rng.normal(size=(12, 12))
    couplings = (couplings + couplings.T) * (1 - np.eye(12))
    lab = SpinGlassLab(network=SpinNetwork(couplings, rng.normal(size=12)), temperature=2.0)
    assert lab.network.dtype == np.float32
    np.testing.assert_allclose(lab.network.couplings, couplings, rtol=1e-6)
    assert lab.simulate(5) == lab.network.sample(0.5, 5, n_chains=2, rng=1)
    scale = np.sqrt((couplings**2).sum() / 12)
    lab.algorithm = "tempering"
    assert 1 / lab.betas[0] == pytest.approx(1.6 * scale, rel=1e-6)
    lab.network = None
    assert lab.network.n_spins == lab.spins == 256
    assert 1 / lab.betas[0] == pytest.approx(2.5, rel=1e-14)


def test_a_sparse_network_becomes_a_dense_one():
    lattice = networks.from_lattice((4, 6), field=0.25)
    shown = SpinGlassLab(network=lattice).network
    np.testing.assert_array_equal(shown.couplings, lattice.couplings.toarray())
    np.testing.assert_array_equal(shown.fields, lattice.fields)


def test_what_is_no_network_or_too_large_is_refused_and_leaves_all_as_it_was():
    lab = SpinGlassLab(network=triangle())
    for wrong, error, words in (
        (np.zeros((3, 3)), TypeError, "network must be a smbook.network.SpinNetwork; got array"),
        (networks.ferromagnet(513), ValueError, "network must have at most 512 spins; got 513"),
    ):
        with pytest.raises(error, match=words):
            SpinGlassLab(network=wrong)
        with pytest.raises(error, match=words):
            lab.network = wrong
        assert lab.network.n_spins == 3


# The kernels of the page


@pytest.mark.parametrize("seed", [0, 3])
def test_overlap_and_unsatisfied_bonds_are_what_numpy_counts(seed):
    lab = SpinGlassLab(model="plus-minus", size=6, seed=seed)
    one, other = final(lab, 3)
    assert kernels.overlap(one, other) == np.mean(one * other.astype(float))
    rows, marks = lab.network.couplings, np.full(144, 7, dtype=np.int8)
    arrays = rows.data, rows.indices.astype(np.int64), rows.indptr.astype(np.int64)
    count = kernels.mark_unsatisfied(*arrays, one, marks)
    broken = rows.toarray() * np.outer(one, one) < 0
    assert count == broken.sum() / 2
    np.testing.assert_array_equal(marks, broken[rows.nonzero()])
    assert lab.network.energy(one) == 2 * count - 72


def as_a_page_does(wasm, lab, calls):
    """Return the coldest replicas, energies and states after calls of so many steps each, in WebAssembly."""
    state, betas = np.zeros(4, dtype=np.uint64), np.zeros(lab.betas.size)
    wasm.split_mix(state, lab.seed)
    wasm.split_mix(state, state[0])
    wasm.lay_out(lab.temperature, lab._facts[lab.model]["hottest"], betas)
    n, count = lab.network.n_spins, betas.size
    form, couplings, dtype = page_couplings(wasm, lab, state)
    streams_of = [np.zeros(4, dtype=np.uint64) for _ in range(2)]
    for stream in streams_of:
        wasm.split_mix(stream, lab.seed)
    wasm.jump(streams_of[1])
    found = []
    for stream in streams_of:
        spins, local = np.zeros((count, n), dtype=np.int8), np.zeros((count, n), dtype=dtype)
        totals, best = np.zeros(count), (np.zeros(1), np.zeros(n, dtype=np.int8))
        wasm.call(f"begin_{form}", *couplings, spins, local, stream, totals, *best)
        at, room = np.arange(count), (np.zeros(n, dtype=np.uint64), np.zeros(n), np.arange(n))
        ends = np.zeros((2, count), dtype=np.int64)
        ladder = at, np.zeros(1, dtype=np.int64), totals, np.zeros((2, count - 1), dtype=np.int64), *ends
        noted = np.zeros((1, count)), np.zeros((1, count), np.int64), np.zeros((1, count, n), np.int8)
        turned = np.zeros((count, 1), dtype=np.int64)
        for steps in calls:
            chains = *couplings, spins, local, turned, stream, *room, betas
            wasm.call(f"temper_{form}", *chains, *ladder, steps, *noted, *best)
        found.append((spins[at[-1]], totals[at[-1]], best[0][0], stream))
    return betas, couplings, found


def page_couplings(wasm, lab, state):
    if lab.model == "SK":
        matrix = np.zeros((lab.spins, lab.spins), dtype=np.float32)
        wasm.fill_gaussian(state, matrix)
        return "dense", (matrix, np.zeros(lab.spins, dtype=np.float32)), np.float32
    n = lab.size**2
    signs = np.ones(2 * n, dtype=np.int8)
    if lab.model == "plus-minus":
        wasm.randomize(signs, state)
    rows = np.zeros(4 * n), np.zeros(4 * n, dtype=np.int64), np.zeros(n + 1, dtype=np.int64)
    wasm.fill_lattice(np.array([lab.size, lab.size]), signs.astype(float).reshape(2, n), *rows)
    return "sparse", (*rows, np.zeros(n)), np.float64


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_a_seed_gives_the_same_replicas_in_wasm_and_in_numba(case):
    """Of a ladder, whatever part of it a call covers."""
    wasm, lab = Kernels(compiler.WASM.read_bytes()), SpinGlassLab(**case)
    count = lab.betas.size
    calls = [count] * 3 if count == 1 else [7, count - 7, 2 * count]
    betas, couplings, found = as_a_page_does(wasm, lab, calls)
    assert betas.tobytes() == lab.betas.tobytes()
    stored = lab.network.couplings
    assert couplings[0].tobytes() == (stored if lab.model == "SK" else stored.data).tobytes()
    run = lab.simulate(3)
    energies = run.energy[:, -1, -1] if count > 1 else run.energy[:, -1]
    for k, (spins, energy, lowest, _) in enumerate(found):
        np.testing.assert_array_equal(spins, final(lab, 3)[k])
        assert energy == energies[k]
        assert lowest <= energy
    assert kernels.overlap(found[0][0], found[1][0]) == run.replica_overlap.reshape(-1, 3)[-1, -1]


# On a page


@pytest.fixture
def shown(alone):
    """Open the page of a lab with these settings; it rests unless told."""
    return lambda **given: alone(SpinGlassLab(**({"running": False} | given)))


# The middle of each square of a picture: u and d for spins, x where the replicas disagree, else a dot.
SQUARES = r"""(root, [k, side]) => {
    const canvas = root.querySelectorAll("canvas.lab-replica")[k];
    const cell = canvas.width / side;
    const colour = name => getComputedStyle(root).getPropertyValue(name).trim().slice(1).toLowerCase();
    const letters = {
        [colour("--spin-up")]: "u", [colour("--spin-down")]: "d", [colour("--lab-ink")]: "x",
    };
    const context = canvas.getContext("2d");
    return Array.from({length: side * side}, (_, i) => {
        const [x, y] = [i % side, Math.floor(i / side)].map(j => Math.floor((j + 0.5) * cell));
        const [r, g, b] = context.getImageData(x, y, 1, 1).data;
        return letters[(r * 65536 + g * 256 + b).toString(16).padStart(6, "0")] ?? ".";
    }).join("");
}"""
REPORTED = "() => [...new Int8Array(saved._spins.buffer)]"


def pictures(lab, n):
    """Read both replicas off their pictures, and where they disagree off the third."""
    side = int(np.ceil(np.sqrt(n)))
    letters = np.array([list(lab.root.evaluate(SQUARES, [k, side]))[:n] for k in range(3)])
    assert set(letters[:2].flat) <= {"u", "d"}
    return np.where(letters[:2] == "u", 1, -1), letters[2] == "x"


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_page_and_numba_show_the_same_replicas(shown, case):
    lab, python = shown(**case), SpinGlassLab(**case)
    n = python.network.n_spins
    for n_sweeps in range(4):
        expected = final(python, n_sweeps)
        replicas, apart = pictures(lab, n)
        np.testing.assert_array_equal(replicas, expected)
        np.testing.assert_array_equal(apart, expected[0] != expected[1])
        told = lab.readouts()
        energies = python.network.energy(expected) / n
        assert told["sweeps"] == n_sweeps
        assert told["overlap q"] == pytest.approx(kernels.overlap(*expected), abs=0.5001e-3)
        for k in range(2):
            assert told[f"E / N, replica {k + 1}"] == pytest.approx(energies[k], abs=0.501e-4)
        lab.press("Step")


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_the_replicas_are_the_same_after_running_freely(shown, case):
    """A pause may come between the temperatures of a ladder, where the coldest has had its sweeps."""
    lab, python = shown(**case, speed=2000.0), SpinGlassLab(**case)
    for _ in range(3):
        lab.run_for(150)
    n_sweeps, n = int(lab.readouts()["sweeps"]), python.network.n_spins
    assert n_sweeps > 10
    expected = final(python, n_sweeps)
    np.testing.assert_array_equal(pictures(lab, n)[0], expected)
    np.testing.assert_array_equal(lab.page.evaluate(REPORTED), expected.ravel())
    python.set_state({"_spins": memoryview(expected.tobytes())})
    np.testing.assert_array_equal(python.replicas, expected)


@pytest.mark.browser
def test_an_own_network_is_shown_spin_by_spin(shown):
    rng = np.random.default_rng(3)
    couplings = rng.normal(size=(30, 30))
    network = SpinNetwork((couplings + couplings.T) * (1 - np.eye(30)), rng.normal(size=30))
    for algorithm in ("heat-bath", "tempering"):
        given = {"network": network, "temperature": 3.0, "algorithm": algorithm}
        lab, python = shown(**given), SpinGlassLab(**given)
        for hidden in ("Model", "Spins N", "Sites a side"):
            assert not lab.root.get_by_label(hidden, exact=True).is_visible()
        for _ in range(3):
            lab.press("Step")
        np.testing.assert_array_equal(pictures(lab, 30)[0], final(python, 3))
        told = lab.root.locator(".lab-unseen")
        told.filter(has_text="A network of 30 spins at temperature 3").wait_for(state="attached")


@pytest.mark.browser
def test_another_model_and_size_is_another_run_as_good_as_the_first(shown):
    """Its arrays take the place of the last ones."""
    lab, python = shown(spins=512), SpinGlassLab(spins=512)
    changes = [
        ("model", "plus-minus", "Model"),
        ("size", 32, "Sites a side"),
        ("algorithm", "tempering", "Tempering"),
    ]
    changes += [("model", "SK", "Model"), ("spins", 17, "Spins N"), ("model", "ferromagnet", "Model")]
    for name, value, label in changes:
        setattr(python, name, value)
        if type(value) is int:
            lab.type(label, value)
        else:
            lab.choose(label, value)
        lab.press("Step")
        np.testing.assert_array_equal(pictures(lab, python.network.n_spins)[0], final(python, 1))


STROKES = r"""(root, [k, side]) => {
    const canvas = root.querySelectorAll("canvas.lab-replica")[k];
    const [context, cell] = [canvas.getContext("2d"), canvas.width / side];
    const at = (x, y) => context.getImageData(x % canvas.width, y % canvas.height, 1, 1).data;
    const black = (x, y) => at(x, y).slice(0, 3).every(c => c < 60);
    return Array.from({length: side * side}, (_, i) => {
        const [x, y] = [(i % side + 1) * cell, (Math.floor(i / side) + 1) * cell];
        const inside = [x - cell / 2, y - cell / 2];
        return [black(x - 1, inside[1]), black(inside[0], y - 1)];
    });
}"""


@pytest.mark.browser
def test_strokes_lie_on_the_bonds_that_are_not_satisfied(shown):
    """Across the right and the lower edge of each square, those that lead around the torus included."""
    size = 9
    given = {"model": "plus-minus", "size": size, "temperature": 1.0}
    lab, python = shown(**given), SpinGlassLab(**given)
    lab.press("Step")
    couplings, sites = python.network.couplings.toarray(), np.arange(size**2).reshape(size, size)
    for k, spins in enumerate(final(python, 1)):
        drawn = np.array(lab.root.evaluate(STROKES, [k, size]))
        for direction, axis in ((0, 1), (1, 0)):
            after = np.roll(sites, -1, axis=axis).ravel()
            broken = couplings[sites.ravel(), after] * spins * spins[after] < 0
            np.testing.assert_array_equal(drawn[:, direction], broken)
    bonds = lab.root.locator("dt", has_text="unsatisfied bonds").locator("+ dd").inner_text()
    shares = [(2 + python.network.energy(spins) / size**2) / 4 for spins in final(python, 1)]
    assert [int(share) for share in re.findall(r"\d+", bonds)] == [round(100 * share) for share in shares]


BOXES = """root => root.querySelector(".lab-chart .lab-boxes").getAttribute("d")"""


def histogram(lab):
    """Return the left end, the right end and the density of each box that is drawn."""
    d = lab.root.evaluate(BOXES) or ""
    found = np.array(re.findall(r"M([\d.-]+) ([\d.-]+)V([\d.-]+)H([\d.-]+)V", d), dtype=float)
    left, right = (40 + (348 - 40) * (1.08 + end) / 2.16 for end in (-1, 1))  # of the axis
    q = (found[:, [0, 3]] - left) / (right - left) * 2 - 1
    return q[:, 0], q[:, 1], found[:, 1] - found[:, 2]


@pytest.mark.browser
@pytest.mark.parametrize("case", [*CASES[:2], {"model": "plus-minus", "size": 32}], ids=str)
def test_the_boxes_of_the_histogram_are_symmetric_and_hold_every_overlap(shown, case):
    """As many values of q in each but the two at the ends, which are cut off at 1."""
    low, high, _ = histogram(shown(**case))
    n = SpinGlassLab(**case).network.n_spins
    np.testing.assert_allclose(low, -high[::-1], atol=2e-3)
    np.testing.assert_allclose(low[1:], high[:-1], atol=2e-3)
    values = 1 - 2 * np.arange(n + 1) / n
    held = [((values > a) & (values < b)).sum() for a, b in zip(low, high, strict=True)]
    assert sum(held) == n + 1
    assert len(set(held[1:-1])) == 1
    assert len(low) <= 41


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES[:3], ids=IDS[:3])
def test_the_histogram_counts_the_overlaps_of_the_run(shown, case):
    """It forgets nothing in the first 150 sweeps."""
    lab = shown(**case)
    for _ in range(20):
        lab.press("Step")
    low, high, heights = histogram(lab)
    q = SpinGlassLab(**case).simulate(20).replica_overlap.reshape(-1, 20)[-1]
    counts = [((q > a) & (q < b)).sum() for a, b in zip(low, high, strict=True)]
    drawn = heights * (high - low)
    np.testing.assert_allclose(20 * drawn / drawn.sum(), counts, atol=0.1)


@pytest.mark.browser
def test_the_histogram_grows_is_cleared_and_begins_anew_when_the_temperature_moves(shown):
    lab = shown(spins=64, temperature=2.5, speed=2000.0)
    area = lambda: histogram(lab)[2].sum()  # noqa: E731
    assert area() == 0
    lab.start()
    lab.page.wait_for_function("window.saved?.sweeps > 1500")
    lab.pause()
    low, high, heights = histogram(lab)
    assert area() > 0
    mean = np.average(abs(low + high) / 2, weights=heights)
    assert lab.readouts()["mean |q|"] == pytest.approx(mean, abs=0.02)
    assert lab.page.evaluate("saved.mean_overlap") == pytest.approx(mean, abs=0.02)
    assert mean == pytest.approx(np.sqrt(2 / np.pi / 64), rel=0.4)  # 1.3 times what free spins have
    lab.press("Clear histogram")
    assert area() == 0
    lab.run_for(100)
    assert area() > 0
    lab.type("Temperature T", 2)
    assert area() == 0
    assert lab.readouts()["mean |q|"] is None


@pytest.mark.browser
def test_a_new_sample_is_that_of_the_next_seed(shown):
    lab = shown(spins=32, seed=2**53 - 1)
    for seed in (0, 1):
        lab.press("New sample")
        assert lab.running
        lab.pause()
        lab.press("Reset")
        lab.press("Step")
        assert lab.page.evaluate("model.get('seed')") == seed
        np.testing.assert_array_equal(pictures(lab, 32)[0], final(SpinGlassLab(spins=32, seed=seed), 1))


@pytest.mark.browser
def test_a_sample_is_cooled_slowly_to_the_temperature_that_was_chosen(shown):
    lab = shown(spins=32, temperature=1.2, speed=200.0)
    temperature = "() => model.get('temperature')"
    lab.press("Cool slowly")
    assert lab.running
    assert 1.5 < lab.page.evaluate(temperature) <= 1.6
    lab.page.wait_for_function("model.get('temperature') < 1.5")
    lab.page.wait_for_function("model.get('temperature') === 1.2", timeout=60_000)
    lab.page.wait_for_timeout(300)
    assert lab.page.evaluate(temperature) == 1.2
    assert lab.running


@pytest.mark.browser
def test_a_hand_or_reset_ends_the_cooling(shown):
    lab = shown(spins=32, temperature=0.3)
    temperature = "() => model.get('temperature')"
    lab.press("Cool slowly")
    lab.field("Temperature T").focus()
    held = lab.page.evaluate(temperature)
    lab.page.wait_for_timeout(500)
    assert lab.page.evaluate(temperature) == held > 1
    lab.type("Temperature T", 0.3)
    lab.press("Cool slowly")
    lab.page.wait_for_timeout(300)
    lab.press("Reset")
    assert lab.page.evaluate(temperature) == 0.3
    lab.type("Temperature T", 3)
    lab.press("Cool slowly")
    assert "choose a lower one" in lab.status
    assert lab.page.evaluate(temperature) == 3


@pytest.mark.browser
def test_the_lowest_energy_is_kept_as_long_as_the_sample(shown):
    lab, python = shown(spins=16, temperature=0.3, speed=2000.0), SpinGlassLab(spins=16)
    lab.run_for(1500)
    lowest = lab.readouts()["lowest E / N"]
    assert lowest >= python.network.enumerate(1.0).ground_energy / 16 - 1e-4
    assert lowest <= lab.readouts()["E / N, replica 1"]
    lab.press("Reset")
    assert lab.readouts()["lowest E / N"] == lowest
    lab.type("Seed", 2)
    assert lab.readouts()["lowest E / N"] > lowest


@pytest.mark.browser
def test_the_words_say_whether_the_replicas_agree(shown):
    lab = shown(model="ferromagnet", size=4, temperature=1.0, algorithm="tempering", speed=2000.0)
    said, told = lab.root.locator(".lab-description"), lab.root.locator(".lab-unseen")
    lab.start()
    said.filter(has_text="but for a flip of all spins").wait_for()
    told.filter(has_text="each replica the coldest of 24 temperatures").wait_for(state="attached")
    told.filter(has_text="nothing promises that this is equilibrium").wait_for(state="attached")
    lab.pause()
    for model, temperature, words in (
        ("SK", 2.0, "q stays near 0"),
        ("SK", 0.3, "from valley to valley"),
        ("plus-minus", 0.3, "from valley to valley"),
    ):
        lab.choose("Model", model)
        lab.type("Temperature T", temperature)
        said.filter(has_text=words).wait_for()
    lab.choose("Tempering", "heat-bath")
    lab.choose("Model", "SK")
    said.filter(has_text="in the valley where it fell").wait_for()
    q = lab.readouts()["overlap q"]
    share = round(100 * (1 - q) / 2)
    told.filter(
        has_text=re.compile(rf"disagree on ({share}|{share - 1}|{share + 1})\s% of the spins")
    ).wait_for(state="attached")


@pytest.mark.browser
def test_what_is_copied_makes_the_lab_again(shown):
    given = {"model": "plus-minus", "size": 10, "temperature": 0.75, "algorithm": "tempering", "seed": 5}
    lab = shown(**given)
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    again = eval(lab.status.removeprefix("Copied: "))
    assert repr(again) == repr(SpinGlassLab(**given, running=False))


@pytest.mark.browser
@pytest.mark.parametrize("algorithm", ["heat-bath", "tempering"])
def test_the_largest_sample_is_quick(shown, record_property, algorithm):
    """Only a broken build misses the floor; what a calm machine reaches is printed."""
    lab = shown(spins=512, speed=2000.0, algorithm=algorithm, running=True)
    lab.page.wait_for_timeout(500)
    before = lab.readouts()["sweeps"]
    lengths = lab.page.evaluate(FRAMES, 2500)
    pace = {"frames": 1000 / np.mean(lengths), "sweeps": (lab.readouts()["sweeps"] - before) / 2.5}
    for name, value in pace.items():
        record_property(name, float(value))
    print(f"N = 512, {algorithm}: {pace}, 95 of 100 frames within {np.percentile(lengths, 95):.0f} ms")
    assert pace["frames"] > 5
    assert pace["sweeps"] > 10
