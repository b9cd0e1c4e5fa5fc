"""The checks of arguments: what passes comes back in one type, what does not is named with its value."""

import math
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smbook import _checks, curie_weiss, dynamics, figures, ising, statistics, widgets
from smbook.kernels import rng
from smbook.perceptron import (
    adatron,
    anneal_binary,
    bayes_learning,
    count_binary_solutions,
    gibbs_learning,
    minover,
    online,
    perceptron_rule,
    pseudo_inverse,
)
from smbook.theory import dynamics as dynamics_theory
from smbook.theory import inference
from smbook.theory import ising as theory
from smbook.thermodynamics import drive_particles, equilibrium, erasure, moving_trap, trap_protocol


class Indexable:
    def __index__(self):
        return 7


@pytest.mark.parametrize("value", [7, np.int8(7), np.uint64(7), np.array(7), Indexable()])
def test_an_integer_of_any_kind_comes_back_as_an_int(value):
    assert _checks.integer("n", value, minimum=0) == 7
    assert type(_checks.integer("n", value, minimum=7)) is int


@pytest.mark.parametrize(
    "value", [7.0, np.float64(7), "7", True, np.True_, None, [7], np.array([7, 7]), 7j, Fraction(7)]
)
def test_what_is_no_integer_is_refused(value):
    with pytest.raises(TypeError, match=r"^n must be an integer; got "):
        _checks.integer("n", value, minimum=0)


@given(st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1))
def test_an_integer_is_refused_exactly_below_its_minimum(value, minimum):
    if value >= minimum:
        assert _checks.integer("n", value, minimum=minimum) == value
    else:
        with pytest.raises(ValueError, match=rf"^n must be at least {minimum}; got {value}$"):
            _checks.integer("n", value, minimum=minimum)


def test_an_integer_beyond_64_bits_is_refused():
    """Kernels count in int64."""
    assert _checks.integer("n", 2**63 - 1, minimum=0) == 2**63 - 1
    with pytest.raises(ValueError, match=r"^n must be at most .*; got 9223372036854775808$"):
        _checks.integer("n", 2**63, minimum=0)


NARROW = (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64)


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("values", [7, [], [3, 120], [[1], [2]]], ids=str)
def test_integers_come_back_as_a_new_int64_array_of_their_shape(values, dtype):
    given_array = np.array(values, dtype=dtype)
    array = _checks.integers("r", given_array, minimum=0, maximum=120)
    assert array.dtype == np.int64
    assert array.tolist() == given_array.tolist()
    assert not np.shares_memory(array, given_array)


@pytest.mark.parametrize(
    "values", ["2", 2.0, [1, 2.5], [True], None, [None], [[1], [1, 2]], np.ma.array([1]), [2**64]], ids=str
)
def test_what_are_no_integers_is_refused(values):
    with pytest.raises(TypeError, match=r"^r must hold integers"):
        _checks.integers("r", values)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([3, -1, -2], "r must be at least 0; got -2"),
        (np.array([3, 255, 254], dtype=np.uint8), "r must be at most 9; got 255"),
        (np.array([2**63 + 1], dtype=np.uint64), "r must be at most 9; got 9223372036854775809"),
    ],
)
def test_integers_name_the_entry_that_is_out_of_range(values, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        _checks.integers("r", values, minimum=0, maximum=9)


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int8(2), np.array(2.0), Fraction(2)])
def test_a_real_number_of_any_kind_comes_back_as_a_float(value):
    assert _checks.real("x", value) == 2.0
    assert type(_checks.real("x", value, minimum=2.0)) is float


@pytest.mark.parametrize(
    "value",
    ["2", b"2", True, np.False_, None, 2j, np.complex128(2), [2.0], np.array([2.0]), (), {}, np.ma.masked],
)
def test_what_is_no_real_number_is_refused(value):
    with pytest.raises(TypeError, match=r"^x must be a real number; got "):
        _checks.real("x", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400])
def test_a_number_that_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match=r"^x must be finite; got "):
        _checks.real("x", value)


def test_a_real_number_below_its_minimum_is_refused():
    with pytest.raises(ValueError, match=r"^x must be at least 0; got -5e-324$"):
        _checks.real("x", -5e-324, minimum=0.0)
    assert _checks.real("x", -0.0, minimum=0.0) == 0.0


@pytest.mark.parametrize("values", [3, 0.5, [1, 2], np.ones((2, 3), dtype=np.float32), np.ones(3)])
def test_reals_come_back_as_a_new_float64_array_of_their_shape(values):
    array = _checks.reals("x", values)
    assert array.dtype == np.float64
    assert array.shape == np.shape(values)
    assert (array == values).all()
    assert not np.shares_memory(array, np.asarray(values))


@pytest.mark.parametrize(
    "values", ["2", ["2"], [True], [1j], [None], None, [[1], [1, 2]], np.ma.array([1.0])]
)
def test_what_are_no_reals_is_refused(values):
    with pytest.raises(TypeError, match=r"^x must hold real numbers"):
        _checks.reals("x", values)


@pytest.mark.parametrize("culprit", [math.nan, math.inf, -math.inf])
def test_reals_name_the_entry_that_is_not_finite(culprit):
    with pytest.raises(ValueError, match=rf"^x must be finite; got {culprit}$"):
        _checks.reals("x", [[1.0, culprit], [2.0, 3.0]])


def test_reals_name_the_lowest_entry_below_the_minimum():
    with pytest.raises(ValueError, match=r"^x must be at least 0; got -2.0$"):
        _checks.reals("x", [3.0, -1.0, -2.0], minimum=0.0)


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        (5, (5,)),
        (np.int64(5), (5,)),
        ((5,), (5,)),
        ([2, 3], (2, 3)),
        (np.array([2, 3, 4]), (2, 3, 4)),
        (range(2, 5), (2, 3, 4)),
    ],
)
def test_a_shape_comes_back_as_a_tuple_of_sides(shape, sides):
    assert _checks.lattice_shape(shape) == sides
    assert all(type(side) is int for side in _checks.lattice_shape(shape))


@pytest.mark.parametrize(
    ("shape", "error", "message"),
    [
        ((), ValueError, "shape must have 1 or 2 or 3 sides; got 0"),
        ((2, 2, 2, 2), ValueError, r"shape must have 1 or 2 or 3 sides; got 4: \(2, 2, 2, 2\)"),
        ((3, 0), ValueError, r"must not have a side of zero length; got \(3, 0\)"),
        ((1, 3), ValueError, r"a side of 1 couples a spin to itself; drop it from the shape \(1, 3\)"),
        ((4, -3), ValueError, r"each side of shape must be at least 2; got .*-3"),
        ((3, 2.0), TypeError, "each side of shape must be an integer; got 2.0"),
        ("33", TypeError, "each side of shape must be an integer; got '33'"),
        ((2**21, 2**21, 2**21), ValueError, r"must have at most 2\*\*63 - 1 sites; got \(2097152,"),
        (("3", 3), TypeError, "each side of shape must be an integer; got '3'"),
        (None, TypeError, "each side of shape must be an integer; got None"),
        (True, TypeError, "each side of shape must be an integer; got True"),
        ([[2, 3], [4, 5]], TypeError, r"each side of shape must be an integer; got \[2, 3\]"),
    ],
)
def test_what_is_no_shape_of_a_lattice_is_refused(shape, error, message):
    with pytest.raises(error, match=message):
        _checks.lattice_shape(shape)


def test_the_number_of_sides_can_be_prescribed():
    assert _checks.lattice_shape((2, 3), dimensions=(2,)) == (2, 3)
    with pytest.raises(ValueError, match="shape must have 2 sides; got 1: 5"):
        _checks.lattice_shape(5, dimensions=(2,))


def test_a_choice_is_one_of_its_options():
    assert _checks.choice("engine", "plain", ("auto", "plain")) == "plain"


@pytest.mark.parametrize("value", ["Plain", "", "plai", None, 1, b"plain", ["plain"]])
def test_what_is_no_option_is_refused_with_the_options(value):
    with pytest.raises(ValueError, match=r"^engine must be one of 'auto', 'plain'; got "):
        _checks.choice("engine", value, (option for option in ("auto", "plain")))


# Integers of every type, everywhere

# Each public function that takes whole numbers; `i` gives them a type. None is too large for an int8.
SERIES = np.random.default_rng(1).integers(0, 100, 400).tolist()
EXAMPLES = [[100, 1, 0], [2, 120, 3], [0, 7, 90]], [1, 1, 1]
WITH_INTEGERS = {
    "chain": lambda i: theory.chain(i([0, 1, 2]), coupling=i(2), field=i(100)),
    "correlation_length": lambda i: theory.correlation_length(i([0, 1, 2]), coupling=i(3)),
    "curie_weiss_finite": lambda i: theory.curie_weiss_finite(i(100), i(1), field=i(2)),
    "curie_weiss_first_passage": lambda i: [
        theory.curie_weiss_first_passage(i(100), i(1), start=i(90), stop=i(3), field=i(2))
    ],
    "curie_weiss_free_energy": lambda i: theory.curie_weiss_free_energy(i([0, 1]), i(2), field=i(100)),
    "curie_weiss_magnetization": lambda i: theory.curie_weiss_magnetization(i([1, 2]), coupling=i(100)),
    "curie_weiss_solutions": lambda i: theory.curie_weiss_solutions(i(100), field=i(0), coupling=i(100)),
    "curie_weiss_susceptibility": lambda i: theory.curie_weiss_susceptibility(i([0, 1]), i(100)),
    "density_of_states": lambda i: vars(theory.density_of_states((i(3), i(4)))).values(),
    "flip_flop": lambda i: theory.flip_flop(i(2), fields=i([1, 0])),
    "kaufman": lambda i: theory.kaufman(i([6, 120]), i([1, 100]), coupling=i(2)),
    "moments": lambda i: theory.density_of_states(i([2, 3])).moments(i(1), coupling=i(2), field=i(100)),
    "observables": lambda i: theory.density_of_states(i(9)).observables(i([0, 1]), field=i(100)),
    "onsager": lambda i: theory.onsager(i([0, 1, 100]), coupling=i(2)),
    "ring": lambda i: theory.ring(i(120), i([0, 1]), coupling=i(2), field=i(100)),
    "ring_correlation": lambda i: theory.ring_correlation(
        i(5), 0.5, distance=i([0, 1, 2, 3, 4, 5]), coupling=-1.0
    ),
    "ring_correlation, long": lambda i: theory.ring_correlation(i(127), i(3), distance=i([0, 64, 126])),
    "ring_correlation, one": lambda i: [theory.ring_correlation(i(7), 0.5, distance=i(5), coupling=-1.0)],
    "spinodal": lambda i: theory.spinodal(i(2), coupling=i(100)),
    "spontaneous_magnetization": lambda i: theory.spontaneous_magnetization(i([0, 1, 100]), coupling=i(2)),
    "surface_tension": lambda i: theory.surface_tension(i([0, 1, 100]), coupling=i(2)),
    "transfer_matrix": lambda i: theory.transfer_matrix(i(2), coupling=i(100), field=i(100)),
    "simulate": lambda i: ising.simulate(
        i([4, 6]), i(1), i(120), coupling=i(2), field=i(100), thin=i(7), rng=i(100)
    ),
    "curie_weiss.simulate": lambda i: curie_weiss.simulate(
        i(100),
        i(1),
        i(120),
        coupling=i(2),
        field=i(1),
        initial=i([90, 3]),
        n_magnets=i(2),
        thin=i(7),
        rng=i(1),
    ),
    "first_passage": lambda i: curie_weiss.first_passage(
        i(100), i(1), start=i(90), stop=i(60), n_magnets=i(2), longest=i(127), rng=i(100)
    ),
    "wolff_flips_per_sweep": lambda i: [ising.wolff_flips_per_sweep(i([100, 100]), 0.2, coupling=i(1))],
    "seed_state": lambda i: rng.seed_state(i(100)),
    "streams": lambda i: rng.streams(i(100), i(3)),
    "mean": lambda i: statistics.mean(i(SERIES)),
    "integrated_autocorrelation_time": lambda i: statistics.integrated_autocorrelation_time(
        i(SERIES), window=i(5)
    )[:2],
    "binned_error": lambda i: statistics.binned_error(i(SERIES), n_bins=i(100)),
    "binder_cumulant": lambda i: statistics.binder_cumulant(i(SERIES), n_bins=i(20)),
    "jackknife": lambda i: statistics.jackknife(lambda x: np.mean(x * 100), i(SERIES), n_bins=i(20)),
    "bootstrap": lambda i: statistics.bootstrap(
        lambda x: np.mean(x * 100), i(SERIES), n_bins=i(20), n_resamples=i(10), rng=i(1)
    ),
    "perceptron_rule": lambda i: perceptron_rule(
        *map(i, EXAMPLES), margin=i(100), max_passes=i(100), initial=i([0, 1, 2]), order="random", rng=i(100)
    ),
    "adatron": lambda i: adatron(*map(i, EXAMPLES), rate=i(1), max_passes=i(100)),
    "minover": lambda i: minover(*map(i, EXAMPLES), max_passes=i(100)),
    "pseudo_inverse": lambda i: pseudo_inverse(*map(i, EXAMPLES)),
    "gibbs_learning": lambda i: gibbs_learning(
        *map(i, EXAMPLES), i(5), thin=i(2), initial=i([1, 1, 1]), rng=i(100)
    ),
    "bayes_learning": lambda i: bayes_learning(*map(i, EXAMPLES), i(5), thin=i(2), rng=i(100)),
    "anneal_binary": lambda i: anneal_binary(
        i([[1, 1, 1]]), i([1]), betas=i([1, 2]), n_sweeps=i(3), rng=i(1)
    ),
    "count_binary_solutions": lambda i: [count_binary_solutions(i([[1, 1, 1]]), i([1]), stability=i(1))],
    "online": lambda i: online(*map(i, EXAMPLES), rate=i(100), initial=i([0, 0, 1]), every=i(2)),
    "show_spins": lambda i: figures.show_spins(i([[1, 1], [1, 1]])).images[0].get_array(),
    "IsingLab": lambda i: widgets.IsingLab(size=i(100), seed=i(100)).simulate(i(4), thin=i(2)),
    "MeanFieldLab": lambda i: widgets.MeanFieldLab(field=i(1)).simulate(i([0, 1, 100]), dwell=i(2)),
    "WallLab": lambda i: widgets.WallLab(size=i(100), seed=i(100)).simulate(i(4), thin=i(2)),
    "SpinGlassLab": lambda i: widgets.SpinGlassLab(spins=i(100), seed=i(100)).simulate(i(4), thin=i(2)),
    "HopfieldLab": lambda i: widgets.HopfieldLab(side=i(8), count=i(3), seed=i(100)).simulate(i(4)),
    "PhaseDiagramLab": lambda i: widgets.PhaseDiagramLab(seed=i(100)).simulate(i(4)),
    "BoltzmannLab": lambda i: widgets.BoltzmannLab(
        X=i([[1, 1], [1, 1]]), hidden=i(2), chains=i(50), seed=i(100)
    ).simulate(i(4)),
    "RBMLab": lambda i: widgets.RBMLab(batch=i(5), seed=i(100)).simulate(i(4)),
    "BridgeLab": lambda i: widgets.BridgeLab(drawn=i(2), softness=i(1), seed=i(100)).simulate(i(4))[:3],
    "ProjectionLab": lambda i: widgets.ProjectionLab(n_up=i(20), n_down=i(9), seed=i(100)).simulate(i(4)),
    "DescentLab": lambda i: widgets.DescentLab(condition=i(50), seed=i(100)).simulate(i(4))[:3],
    "NeuronLab": lambda i: widgets.NeuronLab(
        wiring=i([[1, 2, 0]]), thresholds=i([2]), drive="random", seed=i(100)
    ).simulate(i(4)),
    "NeuronLab, driven": lambda i: widgets.NeuronLab(net="counter").simulate(i(3), i([[1], [0], [0]])),
    "MaxEntLab": lambda i: widgets.MaxEntLab(view="rolls", mean=i(4), dice=i(20)).simulate(i(30)),
    "maximum_entropy": lambda i: inference.maximum_entropy(i([[0, 1, 2, 5]]), i([2]), prior=i([1, 2, 1, 1])),
    "entropy": lambda i: [inference.entropy(i([0, 1]), base=i(2))],
    "gibbs": lambda i: inference.gibbs(i([0, 100, 7]), i(1)),
    "log_multiplicity": lambda i: [inference.log_multiplicity(i([3, 100, 20]))],
    "PerceptronLab": lambda i: widgets.PerceptronLab(
        points=i([[1, 1], [0, 1]]), labels=i([1, 1]), hidden=i(3), model="two-layers", seed=i(100)
    ).simulate(i(4)),
    "mode_strength": lambda i: [dynamics_theory.mode_strength(i([0, 1, 2]), i(2), i([1, 3, 1]), depth=i(3))],
    "learning_time": lambda i: [dynamics_theory.learning_time(i([2, 120]), i(1), depth=i(3))],
    "two_layer_mode": lambda i: dynamics_theory.two_layer_mode(i(1), i(2), i([0, 1]), i([1, 2])),
    "correlation_modes": lambda i: dynamics_theory.correlation_modes(*map(i, EXAMPLES[:1] * 2)),
    "train_linear": lambda i: dynamics.train_linear(
        [i([[1, 0], [0, 2]])], i([[100, 0], [1, 2]]), rate=0.1, n_steps=i(4), thin=i(2)
    )[2:],
    "linear_network": lambda i: dynamics.linear_network(
        i([2, 3, 2]), strength=i(1), cross_covariance=i([[100, 1], [0, 2]]), rng=i(100)
    ),
    "ModesLab": lambda i: widgets.ModesLab(depth=i(3), first=i(2), seed=i(100)).simulate(i(4)),
    "EngineLab": lambda i: widgets.EngineLab(bits=i(60), duration=i(1), seed=i(100)).simulate(i(2)),
    "drive_particles": lambda i: drive_particles(i([[0, 0, 1, 0, 1]] * 3), i([1, 0, 2]), step=i(1), rng=i(1))[
        :4
    ],
    "equilibrium": lambda i: [equilibrium(i([3, 0, 1, 0, 1]), i(5), rng=i(1))],
    "erasure": lambda i: erasure(i(1), barrier=i(5), tilt=i(2), lowest=i(1)),
    "trap_protocol": lambda i: trap_protocol(i([0, 100, 3]), i(2), duration=i(1)),
    "moving_trap": lambda i: moving_trap(i(2), distance=i(3), stiffness=i(2), jump=i(0)),
    "DiffusionLab": lambda i: widgets.DiffusionLab(
        learner="memory", count=i(5), dimensions=i(3), particles=i(50), seed=i(100), mean_norm=i(3)
    ).simulate(i(4)),
    "DiffusionLab, own": lambda i: widgets.DiffusionLab(i([[1, 2], [0, 3]]), particles=i(50)).simulate(i(4)),
    "CapacityLab": lambda i: widgets.CapacityLab(inputs=i(3), seed=i(100)).simulate(i(4)),
    "CommitteeLab": lambda i: widgets.CommitteeLab(inputs=i(60), seed=i(100)).simulate(
        i(120), pushes=i([6, 60])
    )[1:],
    "CurveLab": lambda i: widgets.CurveLab(size="16", seed=i(100)).simulate(i(20))[:-4],
    "LearningCurveLab": lambda i: widgets.LearningCurveLab(size=i(20), reach=i(2), seed=i(100)).simulate(
        i(2)
    )[1:],
    "FiniteMagnetLab": lambda i: widgets.FiniteMagnetLab(spins=i(100), seed=i(100)).simulate(i(4), thin=i(2)),
    "waits": lambda i: widgets.FiniteMagnetLab(spins=i(10), temperature=0.6, field=-0.1).waits(i(3)),
    "AmplifierLab": lambda i: widgets.AmplifierLab(loop_gain=i(2)).simulate(i([0, 1, 100]), start=i(1)),
}


def numbers(result):
    """All numbers of a result, one after another."""
    return np.concatenate([np.ravel(part).astype(float) for part in result if not isinstance(part, str)])


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("name", WITH_INTEGERS)
def test_whole_numbers_of_every_type_give_the_same_answer(name, dtype):
    """An unsigned or a narrow type would wrap in n - r, in -x and in a product."""
    call = WITH_INTEGERS[name]
    expected = numbers(call(lambda values: values))
    given_typed = numbers(call(lambda values: np.array(values, dtype=dtype)[()]))
    assert given_typed.tolist() == expected.tolist()
    plt.close("all")


@pytest.mark.parametrize("value", [0.0, -1e-9, -3])
def test_what_is_not_positive_is_refused(value):
    with pytest.raises(ValueError, match=r"^x must be positive; got "):
        _checks.positive("x", value)
    assert _checks.positive("x", 5e-324) == 5e-324


def test_a_share_of_one_is_not_below_one():
    with pytest.raises(ValueError, match=r"^x must be below 1; got 1\.0$"):
        _checks.share_below_one("x", 1)
    with pytest.raises(ValueError, match=r"^x must be at least 0; got -0\.1$"):
        _checks.share_below_one("x", -0.1)
    assert _checks.share_below_one("x", 0) == 0.0
