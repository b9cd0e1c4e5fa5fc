"""RBMLab from Python and on a page: the machine, chains that dream and complete, and learning."""

import re
import types

import numpy as np
import pytest

from smbook import ising
from smbook.boltzmann import RBM
from smbook.boltzmann.training import reconstruction_error
from smbook.datasets import letters
from smbook.theory.ising import density_of_states, kaufman
from smbook.widgets import RBMLab

NAN = float("nan")


def machine_of(visible="binary", hidden="binary", shape=(4, 6), m=7, seed=1):
    """Return a machine of random parameters, and random images for it."""
    random, n = np.random.default_rng(seed), int(np.prod(shape))
    weights, b, c = random.normal(size=(n, m)), random.normal(size=n), random.normal(size=m)
    machine = RBM.from_parameters(weights, b, c, visible=visible, hidden=hidden)
    images = (random.random((30, n)) < 0.4).astype(np.int8)
    if visible == "spin":
        images = 2 * images - 1
    return machine, {"images": images, "labels": np.arange(30) % 10, "shape": shape}


def made(case):
    """Return a lab of a case: settings, and those of a machine and of what is held."""
    case = dict(case)
    held, off, kinds = case.pop("held", None), case.pop("off", ()), case.pop("machine", None)
    machine, data = machine_of(*kinds) if kinds else (None, {})
    lab = RBMLab(machine, **data, **({"running": False} | case))
    if held is not None:
        lab.clamped = np.array([held.get(i, NAN) for i in range(lab.clamped.size)])
    lab.switched_off = off
    return lab


CASES = {
    "letters, dreaming": {"seed": 0},
    "letters, learning": {"learning": "pcd", "rate": 0.2, "batch": 4, "seed": 2**53 - 1},
    "binary": {"machine": ("binary", "binary"), "temperature": 0.5, "start": "image", "image": 30},
    "binary, learning": {"machine": ("binary", "binary"), "learning": "cd", "n_steps": 3, "batch": 100},
    "spin, held": {
        "machine": ("spin", "spin"),
        "held": {0: 1, 5: -1, 23: 1},
        "off": [6, 2],
        "temperature": 2.5,
    },
    "mixed, learning": {
        "machine": ("binary", "spin"),
        "learning": "pcd",
        "held": {7: 0},
        "off": [1],
        "batch": 1,
    },
    "gaussian": {
        "machine": ("spin", "gaussian"),
        "learning": "cd",
        "rate": 0.01,
        "start": "image",
        "image": 4,
    },
    "random": {"machine": ("spin", "binary"), "parameters": "random", "learning": "pcd", "n_steps": 2},
}


# From Python


def test_without_a_machine_it_is_to_learn_letters():
    lab = RBMLab()
    np.testing.assert_array_equal(lab.images, letters(8))
    assert lab.given.weights.shape == (64, 36)
    assert abs(lab.learned.weights).max() < 0.06
    share = (lab.images.sum(axis=0) + 1) / 12
    np.testing.assert_allclose(1 / (1 + np.exp(-lab.learned.visible_biases)), share, atol=1e-6)


@pytest.mark.parametrize("kinds", [("binary", "binary"), ("spin", "gaussian")])
def test_a_page_has_the_machine_to_four_digits_and_the_images_exactly(kinds):
    machine, data = machine_of(*kinds)
    lab = RBMLab(machine, **data)
    exact = machine.weights_, machine.visible_biases_, machine.hidden_biases_
    largest = max(abs(part).max() for part in exact)
    for rounded, part in zip(lab.given, exact, strict=True):
        assert rounded.dtype == np.float32
        assert rounded.shape == part.shape
        assert abs(rounded - part).max() < largest / 30_000
    np.testing.assert_array_equal(lab.images, data["images"])
    assert lab.images.dtype == np.int8
    assert [*np.frombuffer(lab._labels, np.uint8)] == [*data["labels"]]
    again = RBM.from_parameters(*lab.given, visible=kinds[0], hidden=kinds[1])
    np.testing.assert_array_equal(RBMLab(again, **data).given.weights, lab.given.weights)
    run = lab.simulate(0)
    expected = machine.free_energy(run.visible)
    np.testing.assert_allclose(run.free_energy[0], expected, atol=6e-3)
    error = reconstruction_error(again._machine, data["images"])
    assert run.reconstruction_error == pytest.approx(error, rel=1e-5)


def test_a_machine_of_zeros_is_no_trouble():
    machine = RBM.from_parameters(np.zeros((4, 2)), visible="spin", hidden="spin")
    lab = RBMLab(machine, images=np.ones((1, 4), dtype=np.int8))
    assert not lab.given.weights.any()
    assert lab.simulate(2).visible.shape == (8, 4)


def test_the_state_of_a_page_is_small():
    """64 x 64 and 300 images: 16 bits a parameter, one a pixel."""
    machine, data = machine_of(shape=(8, 8), m=64)
    lab = RBMLab(machine, images=np.tile(data["images"], (10, 1)))
    state = {name: value for name, value in lab.get_state().items() if isinstance(value, bytes)}
    assert sum(len(value) for name, value in state.items() if name != "_kernels") < 11_000


def test_clamped_pixels_stay_and_hidden_units_that_are_off_are_at_zero():
    lab = made(CASES["spin, held"])
    held = lab.clamped
    assert np.isnan(held).sum() == 21
    for k in (0, 5):
        run = lab.simulate(k)
        assert (run.visible[:, [0, 5, 23]] == [1, -1, 1]).all()
        assert not run.hidden[:, [2, 6]].any()
    assert lab.switched_off == [2, 6]
    lab.clamped, lab.switched_off = None, []
    assert np.isnan(lab.clamped).all()
    assert lab.simulate(5).hidden.all()


def test_chains_start_at_an_image_the_last_if_there_are_fewer():
    lab = made(CASES["binary"] | {"image": 99})
    run = lab.simulate(0)
    np.testing.assert_array_equal(run.visible, np.tile(lab.images[29], (8, 1)))
    np.testing.assert_array_equal(lab.visible, run.visible)


def test_temperature_divides_all_parameters():
    lab = made(CASES["binary"] | {"temperature": 2.0})
    machine, data = machine_of()
    halved = RBM.from_parameters(*(part / 2 for part in lab.given), visible="binary", hidden="binary")
    other = RBMLab(halved, **data, start="image", image=30)
    np.testing.assert_array_equal(lab.simulate(20).visible, other.simulate(20).visible)
    np.testing.assert_allclose(lab.simulate(20).free_energy, other.simulate(20).free_energy, atol=1e-5)
    assert machine.n_features_in_ == 24


def test_without_learning_the_machine_stays_and_with_it_the_letters_are_learned():
    """Ten letters cannot be likelier than ln 10 = 2.3 nats each; single pixels alone give 37."""
    lab = RBMLab(rate=0.03)
    start = lab.simulate(0)
    np.testing.assert_array_equal(lab.simulate(50).weights, start.weights)
    lab.learning = "cd"
    run = lab.simulate(3000)
    assert run.reconstruction_error < 0.01 < 0.15 < start.reconstruction_error
    assert RBM.from_parameters(*run[4:7]).score(lab.images) > -12
    assert RBM.from_parameters(*start[4:7]).score(lab.images) < -35


def test_the_reconstruction_error_is_not_the_likelihood():
    """Ten persistent chains at a high rate drive the machine away from ten letters, and the error falls."""
    lab = RBMLab(rate=0.1, learning="pcd")
    start, run = lab.simulate(0), lab.simulate(3000)
    assert run.reconstruction_error < 0.01 < 0.15 < start.reconstruction_error
    likelihoods = [RBM.from_parameters(*found[4:7]).score(lab.images) for found in (start, run)]
    assert likelihoods[1] < likelihoods[0] - 20


def test_two_runs_are_equal_if_all_their_numbers_are():
    lab = RBMLab(learning="cd")
    assert lab.simulate(3) == lab.simulate(3)
    assert lab.simulate(3) != lab.simulate(4)
    assert repr(lab.simulate(3)) == "GibbsRun(3 sweeps of 8 chains, 64 visible and 36 hidden units)"


GOOD, DATA = machine_of()


def changed(**parts):
    values = {name: getattr(GOOD, name) for name in ("weights_", "visible_biases_", "hidden_biases_")}
    return types.SimpleNamespace(**({"visible": "binary", "hidden": "binary"} | values | parts))


@pytest.mark.parametrize(
    ("machine", "data", "error", "words"),
    [
        (None, {"images": DATA["images"]}, TypeError, "belong to a machine; got no machine"),
        (GOOD, {"images": None}, TypeError, "images must be the data of the machine; got None"),
        (GOOD, {"images": DATA["images"] * 0.5}, TypeError, "images must hold integers; got dtype float64"),
        (GOOD, {"images": DATA["images"][:, :20]}, ValueError, r"shape \(P, 24\); got \(30, 20\)"),
        (GOOD, {"images": DATA["images"][:0]}, ValueError, "images must be 1 to 1000; got 0"),
        (GOOD, {"images": 2 * DATA["images"] - 1}, ValueError, "images must hold 0 and 1 only; got -1"),
        (GOOD, {"labels": np.arange(29)}, ValueError, r"one for each of 30 images; got shape \(29,\)"),
        (GOOD, {"labels": np.full(30, 256)}, ValueError, "labels must be at most 255; got 256"),
        (GOOD, {"shape": None}, ValueError, "shape must be given, as 24 pixels are no square"),
        (GOOD, {"shape": (5, 5)}, ValueError, r"rows and columns of 24 pixels; got \(5, 5\)"),
        (RBM(3), {}, TypeError, r"machine must have weights_, as a fitted RBM has; got RBM\("),
        (0.5, {}, TypeError, "machine must have visible, as a fitted RBM has; got 0.5"),
        (
            changed(visible="gaussian"),
            {},
            ValueError,
            "visible must be one of 'binary', 'spin'; got 'gaussian'",
        ),
        (changed(weights_=np.ones(24)), {}, ValueError, r"weights_ must have the shape \(n, m\)"),
        (changed(weights_=np.ones((24, 257))), {}, ValueError, r"256 hidden units; got \(24, 257\)"),
        (changed(weights_=np.full((24, 7), NAN)), {}, ValueError, "weights_ must be finite; got nan"),
        (changed(hidden_biases_=np.ones(6)), {}, ValueError, r"hidden_biases_ must have the shape \(7,\)"),
    ],
)
def test_what_is_no_machine_or_no_data_is_refused(machine, data, error, words):
    given = data if machine is None else DATA | data
    with pytest.raises(error, match=words):
        RBMLab(machine, **given)


@pytest.mark.parametrize(
    ("name", "value", "error", "words"),
    [
        ("clamped", ["up"] * 24, TypeError, "clamped must hold numbers"),
        ("clamped", np.ones(23), ValueError, r"clamped must have the shape \(24,\); got \(23,\)"),
        ("clamped", np.full(24, 0.5), ValueError, "clamped must hold 0, 1 and nan only; got 0.5"),
        ("switched_off", [7], ValueError, "switched_off must be at most 6; got 7"),
        ("switched_off", [1.5], TypeError, "switched_off must be an integer; got 1.5"),
    ],
)
def test_what_cannot_be_held_is_refused_and_leaves_all_as_it_was(name, value, error, words):
    lab = RBMLab(GOOD, **DATA)
    lab.clamped, lab.switched_off = [1.0] * 3 + [NAN] * 21, [3]
    with pytest.raises(error, match=words):
        setattr(lab, name, value)
    assert lab.switched_off == [3]
    assert np.isfinite(lab.clamped).sum() == 3


@pytest.mark.parametrize("n_sweeps", [-1, 2.5, True, None])
def test_simulate_refuses_what_is_no_number_of_sweeps(n_sweeps):
    with pytest.raises((TypeError, ValueError), match="n_sweeps"):
        RBMLab().simulate(n_sweeps)


# With a magnet


def magnet_of(shape=(4, 4), beta=0.3, *, factor=1.0, visible="spin", **settings):
    """Return a lab of a machine whose visible law is exactly that of a magnet, or off by a factor in w.

    One hidden unit of two states a bond: sum_h exp(w h (s_i + s_j)) is exp(beta s_i s_j) up to a constant
    where cosh 2w = exp 2 beta. Binary visible units have twice the weights, and hidden biases.
    """
    sites = np.arange(np.prod(shape)).reshape(shape)
    pairs = [np.stack([sites, np.roll(sites, -1, axis)], -1).reshape(-1, 2) for axis in (0, 1)]
    weights = np.zeros((sites.size, 2 * sites.size))
    for k, pair in enumerate(np.concatenate(pairs)):
        np.add.at(weights[:, k], pair, factor * np.arccosh(np.exp(2 * beta)) / 2)
    low, biases = -1, None
    if visible == "binary":
        low, biases, weights = 0, -weights.sum(axis=0), 2 * weights
    machine = RBM.from_parameters(weights, None, biases, visible=visible, hidden="spin")
    images = np.random.default_rng(1).choice(np.array([low, 1]), (5, sites.size))
    data = {"images": images, "shape": shape}
    return RBMLab(machine, **data, **({"magnet": beta, "running": False} | settings))


@pytest.mark.parametrize(("shape", "visible"), [((4, 4), "spin"), ((2, 5), "spin"), ((3, 4), "binary")])
def test_energies_are_those_of_the_magnet_and_the_exact_one_is_kaufmans(shape, visible):
    lab = magnet_of(shape, 0.35, visible=visible)
    assert lab.magnet == 0.35
    assert lab.exact_energy == kaufman(shape, 0.35).energy
    spins = np.where(lab.images > 0, 1, -1).astype(np.int8).reshape(-1, *shape)
    assert lab.image_energy == pytest.approx(np.mean([ising.energy(s) for s in spins]), abs=1e-12)
    assert lab.image_magnetization == pytest.approx(np.mean([abs(s.mean()) for s in spins]), abs=1e-12)
    run = lab.simulate(3)
    assert run.energy.shape == run.magnetization.shape == (4, 8)
    for k in range(4):
        visible_units = lab.simulate(k).visible
        chains = np.where(visible_units > 0, 1, -1).astype(np.int8).reshape(-1, *shape)
        assert run.energy[k].tolist() == [ising.energy(s) for s in chains]
        assert run.magnetization[k].tolist() == [ising.magnetization(s) for s in chains]
    assert lab.dreams(20) is None


@pytest.mark.parametrize(("n_sweeps", "left_out"), [(21, 20), (199, 20), (399, 40), (400, 80), (2000, 320)])
def test_a_start_is_left_out_of_the_means_and_errors_are_those_of_eight_chains(n_sweeps, left_out):
    run, dreams = magnet_of().simulate(n_sweeps), magnet_of().dreams(n_sweeps)
    assert dreams.left_out == left_out
    late = run.energy[left_out + 1 :].mean(axis=0), abs(run.magnetization[left_out + 1 :]).mean(axis=0)
    for chains, mean, error in zip(late, dreams[:4:2], dreams[1:4:2], strict=True):
        assert mean == pytest.approx(chains.mean(), abs=1e-12)
        assert error == pytest.approx(chains.std(ddof=1) / np.sqrt(8), rel=1e-9)


@pytest.mark.parametrize("visible", ["spin", "binary"])
def test_a_machine_that_is_the_magnet_dreams_its_energy_and_one_that_is_not_does_not(visible):
    """It would catch couplings off by a few hundredths, bonds that miss a boundary, and a T that is not 1."""

    def deviation(lab):
        dreams = lab.dreams(1500)
        return (dreams.energy - lab.exact_energy) / dreams.energy_error

    assert abs(deviation(magnet_of(visible=visible))) < 4
    assert deviation(magnet_of(visible=visible, factor=1.1)) < -6
    assert deviation(magnet_of(visible=visible, factor=0.9)) > 6
    assert deviation(magnet_of(visible=visible, temperature=1.2)) > 6


def test_the_mean_of_the_size_of_m_is_exact_too():
    states, dreams = density_of_states((4, 4)), magnet_of(seed=2).dreams(1500)
    weights = states.count * np.exp(0.3 * states.bond_sum)
    exact = (weights * abs(states.spin_sum)).sum() / weights.sum() / 16
    assert abs(dreams.magnetization - exact) < 4 * dreams.magnetization_error


def test_what_is_held_or_off_is_measured_as_well_and_a_learning_machine_is_not():
    lab = magnet_of(beta=0.5)
    lab.clamped = [1.0] * 16
    assert lab.dreams(30) == (-2.0, 0.0, 1.0, 0.0, 20)
    lab.clamped, lab.switched_off = None, range(32)
    free = lab.dreams(400)
    assert abs(free.energy) < 4 * free.energy_error
    lab.learning = "cd"
    assert lab.dreams(30) is None
    assert lab.simulate(30).energy.shape == (31, 8)


def test_without_a_magnet_nothing_is_measured_and_the_chains_are_the_same():
    lab, other = magnet_of(), magnet_of(magnet=None)
    run, plain = lab.simulate(30), other.simulate(30)
    assert other.magnet is None
    assert other.exact_energy is None
    assert other.dreams(30) is None
    assert plain.energy.shape == plain.magnetization.shape == (0, 8)
    np.testing.assert_array_equal(run.visible, plain.visible)
    assert run != plain
    assert run == lab.simulate(30)


@pytest.mark.parametrize(
    ("magnet", "error", "words"),
    [
        (-0.1, ValueError, r"magnet must be at least 0; got -0\.1"),
        (float("inf"), ValueError, "magnet must be finite; got inf"),
        (NAN, ValueError, "magnet must be finite; got nan"),
        ("cold", TypeError, "magnet must be a real number; got 'cold'"),
        (True, TypeError, "magnet must be a real number; got True"),
    ],
)
def test_what_is_no_inverse_temperature_is_refused(magnet, error, words):
    with pytest.raises(error, match=words):
        magnet_of(magnet=magnet)


def test_a_magnet_needs_a_machine_its_images_and_two_sides():
    with pytest.raises(TypeError, match=r"belongs to a machine and its images; got 0\.4 and no"):
        RBMLab(magnet=0.4)
    with pytest.raises(TypeError, match="images must be the data of the machine; got None"):
        RBMLab(GOOD, magnet=0.4)
    with pytest.raises(ValueError, match=r"sides of at least 2; got \(1, 24\)"):
        RBMLab(GOOD, **DATA | {"shape": (1, 24)}, magnet=0.4)


# On a page


BYTES = "name => [...new Uint8Array(saved[name].buffer)]"
DRAWN = """(root, which) => {
    const canvas = root.querySelectorAll("canvas")[which];
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [...data].filter((_, k) => k % 4 === 1);
}"""


def reported(lab, name, dtype):
    return np.array(lab.page.evaluate(BYTES, name), np.uint8).view(dtype)


def told(lab):
    return lab.page.evaluate("() => ({...saved, _kernels: 0, _esm: 0})")


def check_run(lab, python, n_sweeps):
    """Compare the page with the run of so many sweeps: chains, machine, and all that is said of them."""
    run, said = python.simulate(n_sweeps), told(lab)
    assert said["sweeps"] == n_sweeps
    np.testing.assert_array_equal(reported(lab, "_visible", np.int8).reshape(8, -1), run.visible)
    if python.learning != "off" and n_sweeps:
        parts = run.weights.ravel(), run.visible_biases, run.hidden_biases
        np.testing.assert_array_equal(reported(lab, "_learned", np.float32), np.concatenate(parts))
        assert said["updates"] == n_sweeps
    assert said["free_energy"] == run.free_energy[-1, 0]
    assert said["reconstruction_error"] == run.reconstruction_error
    assert said["hidden_on"] == (pytest.approx((run.hidden[0] > 0).mean()) if n_sweeps else None)
    differences = (python.images != run.visible[0]).sum(axis=1)
    assert said["difference"] == differences.min()
    assert said["nearest"] == differences.argmin() + 1
    readouts = lab.readouts()
    assert readouts["F(v)"] == pytest.approx(run.free_energy[-1, 0], abs=0.501e-2)
    assert readouts["reconstruction error"] == pytest.approx(run.reconstruction_error, abs=0.501e-4)
    low = -1 if python._kinds[0] == "spin" else 0
    grey = np.array(lab.root.evaluate(DRAWN, 0))[: run.means.shape[1]]
    expected = np.floor(256 * (run.means[0].astype(float) - low) / (1 - low)).clip(0, 255)
    white, ink = 255, 0x1D
    np.testing.assert_allclose(grey, white + (ink - white) * expected / 255, atol=1.0)


@pytest.mark.browser
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_page_and_numba_have_the_same_chains_and_learn_the_same(alone, case):
    python = made(case)
    lab = alone(python)
    for n_sweeps in range(4):
        check_run(lab, python, n_sweeps)
        lab.press("Step")
    python.set_state({"_visible": memoryview(reported(lab, "_visible", np.int8).tobytes())})
    np.testing.assert_array_equal(python.visible, python.simulate(4).visible)
    if python.learning != "off":
        python.set_state({"_learned": memoryview(reported(lab, "_learned", np.uint8).tobytes())})
        np.testing.assert_array_equal(python.learned.weights, python.simulate(4).weights)


@pytest.mark.browser
@pytest.mark.parametrize("name", ["letters, learning", "spin, held"])
def test_it_is_the_same_run_after_running_freely(alone, name):
    python = made(CASES[name] | {"speed": 1000.0})
    lab = alone(python)
    lab.start()
    lab.page.wait_for_function("window.saved?.sweeps > 150")
    lab.pause()
    check_run(lab, python, int(lab.readouts()["sweeps"]))


def held(lab):
    return reported(lab, "_held", np.int8)


@pytest.fixture
def shown(alone):
    """Open the page of a lab of the machine of the tests with these settings; it rests unless told."""
    return lambda **given: alone(RBMLab(GOOD, **DATA, **({"running": False} | given)))


def at(lab, row, column):
    box = lab.root.locator("canvas").first.bounding_box()
    return box["x"] + (column + 0.5) / 6 * box["width"], box["y"] + (row + 0.5) / 4 * box["height"]


@pytest.mark.browser
def test_pixels_are_clamped_by_mouse_and_keys_and_freed_again(shown):
    lab = shown()
    lab.press("Step")
    mouse = lab.page.mouse
    mouse.move(*at(lab, 1, 0))
    mouse.down()
    mouse.move(*at(lab, 1, 3))
    mouse.up()
    lab.choose("Brush", "0")
    mouse.click(*at(lab, 3, 5))
    expected = np.full(24, 2)
    expected[[6, 7, 8, 9]], expected[23] = 1, 0
    np.testing.assert_array_equal(held(lab), expected)
    assert lab.root.locator(".lab-clamped").get_attribute("d").count("M") == 5
    lab.choose("Brush", "NaN")
    canvas = lab.root.locator("canvas").first
    canvas.focus()
    for key in ["ArrowUp"] * 5 + ["ArrowDown"] + ["ArrowRight"] * 7 + ["ArrowLeft"] * 4 + [" "]:
        canvas.press(key)
    expected[7] = 2
    np.testing.assert_array_equal(held(lab), expected)
    assert lab.readouts()["sweeps"] == 1
    lab.press("Step")
    assert (
        reported(lab, "_visible", np.int8).reshape(8, 24)[:, expected < 2] == expected[expected < 2]
    ).all()
    python = RBMLab(GOOD, **DATA)
    python.set_state({"_held": memoryview(held(lab).astype(np.int8).tobytes())})
    lab.press("Reset")
    check_run(lab, python, 0)
    assert lab.root.locator(".lab-unseen").inner_text().find("4 pixels clamped") > 0
    lab.press("Free all pixels")
    assert held(lab).size == 0
    assert lab.root.locator(".lab-clamped").get_attribute("d") == ""


@pytest.mark.browser
def test_a_finger_clamps_pixels(alone):
    lab = alone(RBMLab(GOOD, **DATA, running=False), viewport={"width": 400, "height": 800}, has_touch=True)
    lab.page.touchscreen.tap(*at(lab, 2, 4))
    assert np.flatnonzero(held(lab) == 1).tolist() == [16]


@pytest.mark.browser
def test_half_an_image_is_completed_and_one_image_after_the_other(shown):
    lab = shown()
    for image in (0, 1):
        lab.press("Complete half an image")
        lab.pause()
        np.testing.assert_array_equal(held(lab)[:12], DATA["images"][image, :12])
        assert (held(lab)[12:] == 2).all()
        lab.press("Step")
        chains = reported(lab, "_visible", np.int8).reshape(8, 24)
        assert (chains[:, :12] == DATA["images"][image, :12]).all()
        words = lab.root.locator(".lab-description").inner_text()
        assert words == f"Completing image {image + 1}: its upper half is clamped."
        assert lab.field("Image").input_value() == str(image + 1)
    mouse = lab.page.mouse
    mouse.click(*at(lab, 3, 5))
    assert lab.root.locator(".lab-description").inner_text() == "Completing: 13 of 24 pixels are clamped."
    lab.press("Dream")
    lab.pause()
    assert held(lab).size == 0
    assert not lab.page.evaluate("model.get('learning') === 'pcd'")


@pytest.mark.browser
def test_the_image_that_the_slider_shows_is_completed_and_then_the_next_one(shown):
    lab = shown(image=29)
    for typed, shows in ((None, 29), (None, 30), (None, 1), (7, 7), (None, 8)):
        if typed:
            lab.type("Image", typed)
        lab.press("Complete half an image")
        lab.pause()
        assert lab.field("Image").input_value() == str(shows)
        np.testing.assert_array_equal(held(lab)[:12], DATA["images"][shows - 1, :12])
    lab.press("Dream")
    lab.press("Complete half an image")
    lab.pause()
    assert lab.field("Image").input_value() == "8"


@pytest.mark.browser
def test_another_image_starts_only_chains_anew_that_start_there(shown):
    lab = shown()
    lab.press("Step")
    lab.type("Image", 4)
    assert lab.readouts()["sweeps"] == 1
    lab.press("From image")
    lab.press("Step")
    lab.type("Image", 5)
    check_run(lab, RBMLab(GOOD, **DATA, start="image", image=5), 0)


@pytest.mark.browser
def test_the_words_say_whether_it_was_trained(shown):
    lab = shown(rate=0.5)
    words, long = lab.root.locator(".lab-description"), lab.root.locator(".lab-unseen")
    assert "7 hidden units, trained beforehand, at temperature 1" in long.inner_text()
    lab.press("Forget")
    lab.press("Step")
    assert words.inner_text() == "Nothing is learned yet: no pixel knows of any other."
    assert "with random weights" in long.inner_text()
    lab.type("Temperature T", 2)
    assert words.inner_text().startswith("Nothing is learned yet")
    assert "after 1 sweep and 0 updates." in long.inner_text()
    lab.choose("Learning", "cd")
    lab.press("Step")
    lab.choose("Learning", "off")
    assert words.inner_text() == "Dreaming, hotter than it has learned."
    assert "which has learned here from random weights on" in long.inner_text()
    lab.press("Trained weights")
    lab.press("Step")
    assert "trained beforehand" in long.inner_text()


@pytest.mark.browser
@pytest.mark.parametrize(("name", "more"), [("lab-1", ""), ("", "the machine and its images, ")])
def test_a_copy_says_what_it_does_not_carry(alone, name, more):
    lab = alone(RBMLab(GOOD, **DATA, running=False), name=name)

    def said():
        lab.hush()
        lab.press("Copy link", "Copy as Python")
        lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
        return lab.status

    assert ("ithout the machine and its images: RBMLab(" in said()) == (not name)
    lab.page.mouse.click(*at(lab, 3, 5))
    lab.press("Switch off")
    assert f"ithout {more}clamped pixels and units that are off: " in said()
    lab.choose("Learning", "cd")
    lab.press("Step")
    assert f"ithout {more}clamped pixels, units that are off and what was learned here: " in said()


@pytest.mark.browser
def test_it_learns_from_nothing_and_goes_back_to_what_it_was(shown):
    lab = shown()
    before = lab.readouts()["reconstruction error"]
    lab.press("Forget")
    python = RBMLab(GOOD, **DATA, parameters="random")
    forgotten = lab.readouts()["reconstruction error"]
    assert forgotten == pytest.approx(python.simulate(0).reconstruction_error, abs=0.501e-4)
    lab.press("Learn from nothing")
    lab.page.wait_for_function("saved.updates > 400")
    lab.pause()
    assert lab.readouts()["reconstruction error"] < forgotten
    assert "not the likelihood" in lab.root.locator(".lab-unseen").inner_text()
    line = lab.root.locator(".lab-chart .lab-line.measured").get_attribute("d")
    assert line.count("L") > 2
    lab.press("Trained weights")
    assert lab.readouts()["reconstruction error"] == before
    assert lab.readouts()["updates"] == 0
    assert lab.page.evaluate("saved._learned.byteLength") == 0


@pytest.mark.browser
def test_learning_can_be_switched_on_and_off_without_losing_what_was_learned(shown):
    lab = shown(rate=0.5)
    lab.choose("Learning", "cd")
    lab.press("Step")
    lab.press("Step")
    lab.choose("Learning", "off")
    lab.press("Step")
    lab.press("From image")
    assert lab.readouts()["updates"] == 2
    assert lab.readouts()["sweeps"] == 0
    assert lab.root.locator(".lab-description").inner_text() == "At the start: image 1 (0)."
    python = RBMLab(GOOD, **DATA, rate=0.5, learning="cd").simulate(2)
    np.testing.assert_array_equal(reported(lab, "_learned", np.float32)[:168], python.weights.ravel())


@pytest.mark.browser
def test_a_filter_is_chosen_by_mouse_and_keys_and_its_unit_switched_off(shown):
    lab = shown()
    words, filters = lab.root.locator(".lab-unit-told p"), lab.root.get_by_label("Filters of 7 hidden units")
    assert words.inner_text().startswith("Hidden unit 1: bias")
    box = filters.bounding_box()
    filters.click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    assert words.inner_text().startswith("Hidden unit 5:")
    filters.press("ArrowLeft")
    filters.press("ArrowUp")
    assert words.inner_text().startswith("Hidden unit 1:")
    filters.press("ArrowLeft")
    filters.press("ArrowRight")
    filters.press(" ")
    assert words.inner_text().startswith("Hidden unit 2: switched off.")
    assert reported(lab, "_off", np.int16).tolist() == [1]
    lab.press("Reset")
    lab.press("Step")
    python = RBMLab(GOOD, **DATA)
    python.switched_off = [1]
    check_run(lab, python, 1)
    lab.press("Switch on")
    assert lab.page.evaluate("saved._off.byteLength") == 0


@pytest.mark.browser
def test_the_words_say_what_kind_of_state_it_is(shown):
    lab = shown()
    description = lab.root.locator(".lab-description")
    assert description.inner_text() == "At the start: noise."
    lab.press("Step")
    assert description.inner_text() == "Dreaming: nothing is clamped."
    for temperature, words in ((3, "hotter"), (0.5, "colder")):
        lab.type("Temperature T", temperature)
        assert words in description.inner_text()


@pytest.mark.browser
def test_pictures_show_means_or_units(shown):
    lab = shown(temperature=3.0)
    lab.press("Step")
    assert len(set(lab.root.evaluate(DRAWN, 0))) > 5
    lab.choose("Pictures show", "states")
    assert len(set(lab.root.evaluate(DRAWN, 0))) == 2


@pytest.mark.browser
def test_python_sets_what_is_held(shown):
    lab, python = shown(), RBMLab(GOOD, **DATA)
    python.clamped, python.switched_off = [1.0] * 10 + [NAN] * 14, [0, 4]
    lab.page.evaluate(
        """([held, off]) => {
            model.set("_held", new DataView(Uint8Array.from(held).buffer));
            model.set("_off", new DataView(Uint8Array.from(off).buffer));
        }""",
        [[*python._held], [*python._off]],
    )
    check_run(lab, python, 0)
    lab.press("Step")
    check_run(lab, python, 1)


# How large each text is on the screen, in pixels.
SIZES = """root => {
    const writes = e => [...e.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    const scale = svg => svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    return [...root.querySelectorAll("*")].filter(e => e.checkVisibility() && writes(e))
        .map(e => parseFloat(getComputedStyle(e).fontSize) * scale(e.ownerSVGElement));
}"""


@pytest.mark.browser
@pytest.mark.parametrize("width", [320, 400])
def test_nothing_is_too_small_to_read_or_too_wide(alone, width):
    lab = alone(RBMLab(GOOD, **DATA, magnet=0.4, running=False), viewport={"width": width, "height": 700})
    assert lab.page.evaluate("document.documentElement.scrollWidth") <= width
    assert min(lab.root.evaluate(SIZES)) >= 11


# With a magnet, on a page


def dreams_on(lab):
    said = told(lab)
    parts = [f"dream_{what}{error}" for what in ("energy", "magnetization") for error in ("", "_error")]
    return [said[name] for name in parts]


def below(lab):
    """Return the words below the chart of dreams."""
    return lab.root.locator(".lab-below .lab-told").last.inner_text()


@pytest.mark.browser
@pytest.mark.parametrize("visible", ["spin", "binary"])
def test_the_page_measures_what_python_measures(alone, visible):
    python = magnet_of((4, 6), 0.4, visible=visible, seed=5, speed=1000.0)
    lab = alone(python)
    assert dreams_on(lab) == [None] * 4
    assert lab.readouts()["energy of the dreams"] is None
    for _ in range(21):
        lab.press("Step")
    for n_sweeps in (21, None):
        if n_sweeps is None:
            lab.start()
            lab.page.wait_for_function("window.saved?.sweeps > 410")
            lab.pause()
            n_sweeps = int(lab.readouts()["sweeps"])
        dreams = python.dreams(n_sweeps)
        mean, error, size, size_error = dreams_on(lab)
        assert (mean, size) == (dreams.energy, dreams.magnetization)
        assert (error, size_error) == pytest.approx(
            (dreams.energy_error, dreams.magnetization_error), rel=1e-9
        )
        left_out = dreams.left_out
        assert f"over {n_sweeps - left_out} sweep" in below(lab)
        assert below(lab).endswith(f"the first {left_out} left out.")
    assert lab.readouts()["exact energy"] == pytest.approx(python.exact_energy, abs=0.501e-3)
    assert lab.readouts()["energy of the images"] == pytest.approx(python.image_energy, abs=0.501e-3)
    shown = lab.root.locator("dt", has_text="energy of the dreams").locator("xpath=../dd").inner_text()
    assert shown.replace("\u2212", "-").replace("\u00a0", " ") == f"{mean:.3f} ± {error:.3f}"
    words = lab.root.locator(".lab-unseen").inner_text()
    assert "of a magnet at inverse temperature 0.4, with the exact energy" in words
    assert "T = 1" not in words


@pytest.mark.browser
def test_measuring_begins_anew_when_the_machine_changes_and_says_when_the_exact_energy_does_not_hold(alone):
    lab = alone(magnet_of((4, 6), 0.4, speed=1000.0))

    def measured():
        lab.start()
        lab.page.wait_for_function("(window.saved?.dream_energy ?? null) !== null")
        lab.pause()

    def anew():
        return lab.page.evaluate("saved.dream_energy") is None

    condition = "The exact energy is that of T = 1, with every pixel free and every unit on."
    for change, undo in (
        (lambda: lab.type("Temperature T", 0.9), lambda: lab.type("Temperature T", 1)),
        (lambda: lab.page.mouse.click(*at(lab, 2, 3)), lambda: lab.press("Free all pixels")),
        (lambda: lab.press("Switch off"), lambda: lab.press("Switch on")),
    ):
        measured()
        assert condition not in below(lab)
        change()
        assert anew()
        measured()
        assert condition in below(lab)
        assert condition in lab.root.locator(".lab-unseen").inner_text()
        undo()
        assert anew()
    for press in ("Forget", "Trained weights", "From image", "Reset"):
        measured()
        lab.press(press)
        assert anew()


@pytest.mark.browser
def test_while_it_learns_the_reconstruction_error_is_drawn_and_no_energy_measured(alone):
    lab = alone(magnet_of((4, 6), 0.4, speed=1000.0))
    charts = lab.root.locator(".lab-below .lab-chart")
    errors, energies = charts.first, charts.last
    assert (errors.is_visible(), energies.is_visible()) == (False, True)
    lab.choose("Learning", "cd")
    assert (errors.is_visible(), energies.is_visible()) == (True, False)
    lab.start()
    lab.page.wait_for_function("window.saved?.updates > 60")
    lab.pause()
    assert dreams_on(lab) == [None] * 4
    assert "nothing is measured while it learns" in lab.root.locator(".lab-unseen").inner_text()
    lab.choose("Learning", "off")
    assert energies.is_visible()
    lab.start()
    lab.page.wait_for_function("(window.saved?.dream_energy ?? null) !== null")
    lab.pause()
    across = [energies.locator(f".lab-line.{kind}").get_attribute("d") for kind in ("theory", "guide")]
    assert all(re.fullmatch(r"M\S+ (\S+)L\S+ \1", path) for path in across)
    lab.hush()
    lab.press("Copy as Python")
    lab.page.wait_for_function("document.querySelector('.lab-status').textContent")
    assert "ithout the machine, its images and their magnet and what was learned here" in lab.status


@pytest.mark.browser
def test_without_a_magnet_the_page_is_as_it_was(shown):
    lab = shown()
    assert not [name for name in lab.readouts() if "dreams" in name or "exact" in name]
    assert lab.root.locator(".lab-below > *").count() == 2
    assert "magnet" not in lab.root.locator(".lab-unseen").inner_text()
