"""The compiler from kernels to WebAssembly: `python -m smbook.widgets.compiler` writes `kernels.wasm`.

The widgets run the very kernels that numba runs, bit for bit. numba's code for a kernel is LLVM's
intermediate language; here it is aimed at WebAssembly instead of the processor. numba is told to compile for
a generic one, so that the result depends on the kernels and on the versions of numba and of the linker alone.

Python 3.11 to 3.13 agree on it as long as no kernel has two branches that join right before a `return`: some
give each branch a `return` of its own. Write `if ...: return a` and `return b`, not `return a if ... else b`.

The module imports its memory, "env" "memory", and nothing else. It exports each kernel of `EXPORTS` and
`__heap_base`, the first address that is free for arrays. A kernel is called as numba calls it,
`i32 f(result address, 0, arguments ...)`, and leaves what it returns at the result address. An array is
flattened to (0, 0, item count, item size, data address, each length, each stride), strides in bytes. Integers
are i64 but int8, which is i32; addresses are i32. A custom section "signatures" says in JSON what each kernel
takes and returns, an array as its item type with the number of dimensions in brackets:

    {"spin_sum": {"arguments": ["int8[1]"], "returns": "int64"}, ...}
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import llvmlite.binding as llvm
from numba import types

from smbook.kernels import (
    associative,
    bernoulli,
    boltzmann,
    bridge,
    cloud,
    clusters,
    committee,
    curves,
    descent,
    diffusion,
    elementary,
    finite_magnet,
    hopfield,
    hopfield_theory,
    hull,
    inference,
    lattice,
    linear_network,
    margin,
    mean_field,
    multilayer,
    multispin,
    network,
    overdamped,
    perceptron,
    plane,
    projection,
    restricted,
    rng,
    spin_glass,
    students,
    threshold,
    walls,
)

WASM = Path(__file__).with_name("kernels.wasm")

_NOTHING, _INT8, _INT64, _FLOAT64 = types.void, types.int8, types.int64, types.float64
_BYTES, _BYTE_ROWS = types.Array(types.int8, 1, "C"), types.Array(types.int8, 2, "C")
_WHOLES, _WHOLE_ROWS = types.Array(types.int64, 1, "C"), types.Array(types.int64, 2, "C")
_WORDS, _WORD_ROWS = types.Array(types.uint64, 1, "C"), types.Array(types.uint64, 2, "C")
_REALS, _REAL_ROWS = types.Array(types.float64, 1, "C"), types.Array(types.float64, 2, "C")

_RUN = (_WORDS, _INT64, _WHOLES, _WHOLES)  # state, thin, bonds, sums
_TABLE = (_FLOAT64, _FLOAT64, _FLOAT64, _INT64, _WHOLE_ROWS)  # beta, coupling, field, dimension, table
_LATTICE = (_BYTES, _WHOLES, _INT8)  # spins, shape, sign
_DRAWN = (_WORD_ROWS, _WORD_ROWS, types.Array(types.int16, 1, "C"), _BYTE_ROWS)  # lanes, draws, parts, room
_LOOP = (_FLOAT64, _FLOAT64)  # beta, coupling
_SINGLES = types.Array(types.float32, 1, "C")
_SINGLE_ROWS = types.Array(types.float32, 2, "C")
_DENSE = (_SINGLE_ROWS, _SINGLES, _BYTE_ROWS, _SINGLE_ROWS)  # matrix, fields, spins, local fields
_SPARSE = (_REALS, _WHOLES, _WHOLES, _REALS, _BYTE_ROWS, _REAL_ROWS)  # entries, columns, starts, and so on
_BEST = (_REALS, _BYTES)  # energy, spins
# at, clock, totals, swaps, heading, trips
_LADDER = (_WHOLES, _WHOLES, _REALS, _WHOLE_ROWS, _WHOLES, _WHOLES)
_NOTED = (_REAL_ROWS, _WHOLE_ROWS, types.Array(types.int8, 3, "C"))  # energies, sums, snapshots
# turned, state, room, betas, ladder, steps, noted, best
_STEPS = (_WHOLE_ROWS, _WORDS, _WORDS, _REALS, _WHOLES, _REALS, *_LADDER, _INT64, *_NOTED, *_BEST)
_COUNTS = types.Array(types.int32, 1, "C")
# random state, words, noise, sequence, clock, shuffled, beta
_RECALLED = (_WORDS, _WORDS, _REALS, _WHOLES, _WHOLES, _INT64, _FLOAT64)
_SUMMED = (_BYTES, _COUNTS, *_RECALLED)  # spins, sums, and so on
_LAYER = types.Array(types.float32, 3, "C")
_HALVES = types.Array(types.uint32, 1, "C")
_MACHINE = (_SINGLE_ROWS, _SINGLE_ROWS, _SINGLES, _SINGLES)  # weights, turned, visible and hidden biases
_CHANCE = (_WORDS, _WORDS, _HALVES, _REAL_ROWS)  # state, words, halves, room
_WORK = (_WORDS, _REALS, _REALS, _WHOLES)  # words, noise, local fields, turned
_PACE = (_FLOAT64, _FLOAT64, _FLOAT64)  # rate, momentum, decay or temperature
_LANDSCAPE = (_INT64, _FLOAT64)  # which one, condition
_AVERAGES = (_REALS, _REAL_ROWS)  # means, products
_MAGNETS = (_WHOLES, _WHOLE_ROWS, _WORD_ROWS)  # spins up, table, states
_CELLS = (_WHOLES, _INT64)  # widths, activation
# points, basis, factor, members, strengths, weights, room, tally
_HULL = (_REAL_ROWS, _REAL_ROWS, _REAL_ROWS, _WHOLES, _REALS, _REALS, _REAL_ROWS, _WHOLES)
_TAUGHT = (_REAL_ROWS, _REAL_ROWS)  # inputs, targets
_EXAMPLE = (_REAL_ROWS, _BYTES, _INT64)  # inputs, labels, number of one or of all
_SPACE = types.Array(types.float64, 3, "C")
_WALKED = (_WORDS, _REALS, _REALS, _REALS, _REALS)  # state, room, inverses, fields, weights

# words, parities, grid, crossings, bath, work
_LANES = (_WORDS, _WORDS, _WHOLES, _WORDS, types.uint64, _WORDS)
_GATHERED = (_SPACE, _WHOLES)  # blocks, tally

_REAL_STACK = types.Array(types.float64, 3, "C")

# What the pages call: the kernel, the types of its arguments and of what it returns.
EXPORTS: dict[str, tuple[Any, tuple[Any, ...], Any]] = {
    "exp": (elementary.exp, (_FLOAT64,), _FLOAT64),
    "log": (elementary.log, (_FLOAT64,), _FLOAT64),
    "split_mix": (rng.split_mix, (_WORDS, types.uint64), _NOTHING),
    "randomize": (lattice.randomize, (_BYTES, _WORDS), _NOTHING),
    "bond_sum": (lattice.bond_sum, (_BYTES, _WHOLES), _INT64),
    "spin_sum": (lattice.spin_sum, (_BYTES,), _INT64),
    "heat_bath_table": (lattice.heat_bath_table, _TABLE, _NOTHING),
    "metropolis_table": (lattice.metropolis_table, _TABLE, _NOTHING),
    "bond_threshold": (clusters.bond_threshold, (_FLOAT64, _FLOAT64), _INT64),
    "wolff_flips": (clusters.wolff_flips, (_INT64, _INT64, _FLOAT64, _FLOAT64), _INT64),
    "begin_trials": (bernoulli.begin_trials, (_WORDS, _INT64, _WORDS), _NOTHING),
    "wolff": (clusters.wolff, (*_LATTICE, _INT64, _WORDS, _WORDS, *_RUN), _NOTHING),
    "swendsen_wang": (clusters.swendsen_wang, (*_LATTICE, _WORD_ROWS, _WORDS, _WORDS, *_RUN), _NOTHING),
    "seed_lanes": (rng.seed_lanes, (_WORDS, _WORD_ROWS), _NOTHING),
    "draw_steps": (lattice.draw_steps, (_INT64,), _INT64),
    "single_site": (lattice.single_site, (*_LATTICE, _WHOLE_ROWS, *_DRAWN, *_RUN), _NOTHING),
    "free_energy": (mean_field.free_energy, (_REALS, *_LOOP, _FLOAT64, _REALS), _NOTHING),
    "equation_of_state": (mean_field.equation_of_state, (_FLOAT64, *_LOOP, _REALS, _REALS), _NOTHING),
    "response": (mean_field.response, (_REALS, *_LOOP, _FLOAT64, _REALS), _NOTHING),
    "susceptibility": (mean_field.susceptibility, (_FLOAT64, *_LOOP), _FLOAT64),
    "spinodal": (mean_field.spinodal, (*_LOOP, _REALS), _NOTHING),
    "fixed_points": (mean_field.fixed_points, (*_LOOP, _FLOAT64, _REALS, _WHOLES), _INT64),
    "flip_flop_fixed_points": (
        mean_field.flip_flop_fixed_points,
        (*_LOOP, _REALS, _REAL_ROWS, _WHOLES),
        _INT64,
    ),
    "relax": (mean_field.relax, (_REALS, *_LOOP, _REALS, _FLOAT64, _INT64, _REALS), _NOTHING),
    "relax_flip_flop": (
        mean_field.relax_flip_flop,
        (_REALS, *_LOOP, _REAL_ROWS, _FLOAT64, _INT64, _REAL_ROWS),
        _NOTHING,
    ),
    "flip_table": (finite_magnet.flip_table, (*_LOOP, _FLOAT64, _WHOLE_ROWS), _NOTHING),
    "walk": (finite_magnet.walk, (*_MAGNETS, _INT64, _WHOLE_ROWS), _NOTHING),
    "first_passage": (finite_magnet.first_passage, (*_MAGNETS, _INT64, _INT64, _WHOLES), _NOTHING),
    "passage_time": (finite_magnet.passage_time, (*_LOOP, _FLOAT64, _INT64, _INT64, _INT64), _FLOAT64),
    "log_law": (finite_magnet.log_law, (*_LOOP, _FLOAT64, _REALS), _NOTHING),
    "gather": (finite_magnet.gather, (_REALS, _INT64, _REALS), _NOTHING),
    "means": (finite_magnet.means, (_REALS, _FLOAT64, _REALS, _REALS, _REALS), _NOTHING),
    "grow_sets": (
        hull.grow_sets,
        (_INT64, _INT64, _WORDS, _BYTES, *_HULL, _REALS, _WHOLES, _REAL_ROWS),
        _INT64,
    ),
    "consistent_arc": (perceptron.consistent_arc, (_REAL_ROWS, _BYTES, _REALS, _REALS, _REALS), _NOTHING),
    "separable_shares": (hull.separable_shares, (_INT64, _REALS, _REALS), _NOTHING),
    "logic_state": (mean_field.logic_state, (_FLOAT64, _FLOAT64), _INT64),
    "wall_law": (walls.wall_law, (_INT64, *_LOOP, _REALS, _REALS, _REALS, _REALS), _INT64),
    "mean_walls": (walls.mean_walls, (_INT64, *_LOOP), _FLOAT64),
    "first_pair": (walls.first_pair, (_REALS, *_LOOP, _REALS, _REALS), _NOTHING),
    "free_pair_size": (walls.free_pair_size, _LOOP, _FLOAT64),
    "jump": (rng.jump, (_WORDS,), _NOTHING),
    "fill_gaussian": (network.fill_gaussian, (_WORDS, _SINGLE_ROWS), _NOTHING),
    "fill_lattice": (network.fill_lattice, (_WHOLES, _REAL_ROWS, _REALS, _WHOLES, _WHOLES), _NOTHING),
    "fill_patterns": (hopfield.fill_patterns, (_WORDS, _FLOAT64, _FLOAT64, _BYTES), _NOTHING),
    "spoil": (hopfield.spoil, (_WORDS, _WORDS, _WHOLES, _INT64, _BYTES), _NOTHING),
    "find_sums": (hopfield.find_sums, (_BYTE_ROWS, _BYTES, _COUNTS), _NOTHING),
    "fill_levels": (hopfield.fill_levels, (_INT64, _REALS), _NOTHING),
    "fill_decays": (hopfield.fill_decays, (_REALS,), _NOTHING),
    "hebb_energy": (associative.hebb_energy, (_WHOLES, _COUNTS), _FLOAT64),
    "level_energy": (hopfield.level_energy, (_REALS, _COUNTS), _FLOAT64),
    "decay_energy": (hopfield.decay_energy, (_REALS, _COUNTS), _FLOAT64),
    "couplings_energy": (network.energy, (_BYTES, _REALS, _REALS), _FLOAT64),
    "begin_couplings": (associative.begin_couplings, (_SINGLE_ROWS, _REALS, _BYTES, _REALS), _NOTHING),
    "learn_projection": (
        associative.learn_projection,
        (_BYTE_ROWS, _INT64, _REAL_ROWS, _SINGLE_ROWS),
        _INT64,
    ),
    "mixture_overlap": (associative.mixture_overlap, (_BYTE_ROWS, _WHOLES, _BYTES, _BYTES), _FLOAT64),
    "crosstalk": (associative.crosstalk, (_COUNTS, _COUNTS, _INT64), _FLOAT64),
    "retrieve_hebb": (associative.retrieve_hebb, (_BYTE_ROWS, _WHOLES, *_SUMMED, _INT64), _NOTHING),
    "retrieve_levels": (
        associative.retrieve_levels,
        (_BYTE_ROWS, _REALS, *_SUMMED, _FLOAT64, _INT64),
        _NOTHING,
    ),
    "retrieve_decays": (associative.retrieve_decays, (_BYTE_ROWS, _REALS, *_SUMMED, _INT64), _NOTHING),
    "retrieve_couplings": (
        associative.retrieve_couplings,
        (_SINGLE_ROWS, _REALS, _BYTES, _REALS, *_RECALLED, _FLOAT64, _INT64),
        _NOTHING,
    ),
    "fill_log_cosh": (bridge.fill_log_cosh, (_FLOAT64, _FLOAT64, _REALS), _NOTHING),
    "find_means": (bridge.find_means, (_FLOAT64, _FLOAT64, _COUNTS, _REALS), _NOTHING),
    "marginal_energy": (bridge.marginal_energy, (_FLOAT64, _FLOAT64, _COUNTS, _REALS), _FLOAT64),
    "retrieve": (
        bridge.retrieve,
        (
            *(_BYTE_ROWS, _BYTES, _COUNTS, _REALS, _REALS),
            *(_WORDS, _WORDS, _WORDS, _REALS, _WHOLES, _WHOLES, _FLOAT64, _FLOAT64, _INT64),
        ),
        _NOTHING,
    ),
    "draw_sections": (projection.draw_sections, (_WORDS, _REALS, _REALS, _REALS, _REAL_ROWS), _NOTHING),
    "find_curvatures": (projection.find_curvatures, (_REAL_ROWS, _REAL_ROWS), _NOTHING),
    "look": (projection.look, (_FLOAT64, _FLOAT64), _INT64),
    "note_sections": (projection.note_sections, (_REAL_ROWS, _REAL_ROWS, _REALS, _REAL_ROWS), _NOTHING),
    "principal_axes": (projection.principal_axes, (_REALS, _REAL_ROWS), _NOTHING),
    "fill_section": (projection.fill_section, (_REALS, _FLOAT64, _REAL_ROWS), _NOTHING),
    "curvature_density": (
        projection.curvature_density,
        (_REALS, _FLOAT64, _FLOAT64, _INT64, _REALS),
        _NOTHING,
    ),
    "expect_sections": (projection.expect_sections, (_FLOAT64, _FLOAT64, _REALS, _REALS), _NOTHING),
    "saddle_probability_exact": (projection.saddle_probability_exact, (_INT64, _INT64), _FLOAT64),
    "share_error": (projection.share_error, (_FLOAT64, _FLOAT64), _FLOAT64),
    "fill_losses": (
        descent.fill_losses,
        (_INT64, _FLOAT64, _FLOAT64, _FLOAT64, _REAL_ROWS),
        _NOTHING,
    ),
    "curvatures": (descent.curvatures, (*_LANDSCAPE, _FLOAT64, _FLOAT64, _REALS), _NOTHING),
    "begin_descent": (descent.begin, (_FLOAT64, _FLOAT64, _REAL_ROWS), _NOTHING),
    "note_descent": (descent.note, (*_LANDSCAPE, _FLOAT64, _FLOAT64, _REAL_ROWS, _REAL_ROWS), _NOTHING),
    "descend": (
        descent.advance,
        (*_LANDSCAPE, *_PACE, _REAL_ROWS, _WORDS, _REALS, types.Array(types.float64, 3, "C")),
        _NOTHING,
    ),
    "flow_end": (descent.flow_end, (_INT64, _FLOAT64, _FLOAT64, _REALS), _NOTHING),
    "stable_minima": (descent.stable_minima, (_FLOAT64, _REALS), _NOTHING),
    "period_two": (descent.period_two, (_FLOAT64, _REALS), _NOTHING),
    "mean_loss": (descent.mean_loss, (_INT64, *_LANDSCAPE, *_PACE), _FLOAT64),
    "follow_layers": (linear_network.follow, (_WHOLES, _REALS, _REAL_ROWS), _NOTHING),
    "descend_layers": (
        linear_network.descend,
        (_WHOLES, _REALS, _REAL_ROWS, _REAL_ROWS, _FLOAT64, _INT64, _REAL_ROWS, _SPACE, _SPACE),
        _NOTHING,
    ),
    "fill_random_layers": (linear_network.fill_random, (_WHOLES, _FLOAT64, _WORDS, _REALS), _NOTHING),
    "fill_aligned_layers": (
        linear_network.fill_aligned,
        (_WHOLES, _FLOAT64, _REAL_ROWS, _REAL_ROWS, _REALS),
        _NOTHING,
    ),
    "compose_modes": (linear_network.compose, (_REAL_ROWS, _REAL_ROWS, _REALS, _REAL_ROWS), _NOTHING),
    "read_modes": (linear_network.read_modes, (_REAL_ROWS, _REAL_ROWS, _REAL_ROWS, _REALS), _FLOAT64),
    "white_loss": (linear_network.white_loss, (_REAL_ROWS, _REAL_ROWS), _FLOAT64),
    "largest_rate_of_layers": (linear_network.largest_rate, (_INT64, _REALS), _FLOAT64),
    "flow_modes": (
        linear_network.flow_modes,
        (_INT64, _REALS, _REALS, _FLOAT64, _FLOAT64, _REAL_ROWS),
        _NOTHING,
    ),
    "settling_time": (
        linear_network.settling_time,
        (_INT64, _REALS, _FLOAT64, _FLOAT64, _FLOAT64, _FLOAT64),
        _FLOAT64,
    ),
    "fill_system": (inference.fill_levels, (_INT64, _REALS), _NOTHING),
    "nearest_mean": (inference.nearest_mean, (_REALS, _FLOAT64), _FLOAT64),
    "tilt": (inference.tilt, (_REALS, _REALS, _FLOAT64, _REALS), _FLOAT64),
    "log_partition": (inference.log_partition, (_REALS, _FLOAT64), _FLOAT64),
    "law_entropy": (inference.entropy, (_REALS,), _FLOAT64),
    "relative_entropy": (inference.relative_entropy, (_REALS, _REALS), _FLOAT64),
    "fill_entropies": (inference.fill_entropies, (_REALS, _REALS, _REALS, _REALS, _REALS), _NOTHING),
    "begin_own": (inference.begin_own, (_REALS, _FLOAT64, _REALS, _REALS), _NOTHING),
    "pull": (inference.pull, (_REALS, _FLOAT64, _INT64, _FLOAT64, _REALS, _REALS), _NOTHING),
    "collide": (inference.collide, (_REALS, _FLOAT64, _REALS), _NOTHING),
    "throw": (inference.throw, (_REALS, _INT64, _WORDS, _WHOLE_ROWS), _NOTHING),
    "nearest_total": (inference.nearest_total, (_REALS, _INT64, _FLOAT64), _INT64),
    "deal": (inference.deal, (_INT64, _BYTES), _NOTHING),
    "exchange": (inference.exchange, (_INT64, _BYTES, _WORDS, _WHOLE_ROWS), _NOTHING),
    "fixed_total": (inference.fixed_total, (_REALS, _INT64, _REALS, _REALS), _FLOAT64),
    "log_slope": (inference.log_slope, (_REALS, _REALS), _FLOAT64),
    "fill_wells": (overdamped.fill_wells, (_REALS, _REALS, _REALS), _NOTHING),
    "bound_law": (overdamped.bound_law, (_REALS, _FLOAT64, _FLOAT64, _REALS), _FLOAT64),
    "draw_equilibrium": (
        overdamped.draw_equilibrium,
        (_REALS, _FLOAT64, _FLOAT64, _REALS, _WORDS, _REALS),
        _NOTHING,
    ),
    "drive": (overdamped.drive, (_REAL_ROWS, _FLOAT64, _REALS, _REALS, _REALS, _WORDS, _REALS), _INT64),
    "erase_bit": (overdamped.erase_bit, (_FLOAT64, _FLOAT64, _FLOAT64, _REAL_ROWS), _NOTHING),
    "erasing_steps": (overdamped.erasing_steps, (_FLOAT64, _FLOAT64), _INT64),
    "erasing_work": (overdamped.erasing_work, (_FLOAT64,), _FLOAT64),
    "erasing_distance": (overdamped.erasing_distance, (_FLOAT64, _REALS), _FLOAT64),
    "tally_works": (
        overdamped.tally_works,
        (_REALS, _REALS, _FLOAT64, _FLOAT64, _FLOAT64, _WHOLE_ROWS, _REAL_ROWS),
        _NOTHING,
    ),
    "order_parameters": (
        hopfield_theory.order_parameters,
        (_INT64, _FLOAT64, _FLOAT64, _REALS),
        _INT64,
    ),
    "lay_out": (spin_glass.lay_out, (_FLOAT64, _FLOAT64, _REALS), _NOTHING),
    "begin_dense": (spin_glass.begin_dense, (*_DENSE, _WORDS, _REALS, *_BEST), _NOTHING),
    "begin_sparse": (spin_glass.begin_sparse, (*_SPARSE, _WORDS, _REALS, *_BEST), _NOTHING),
    "temper_dense": (spin_glass.temper_dense, (*_DENSE, *_STEPS), _NOTHING),
    "temper_sparse": (spin_glass.temper_sparse, (*_SPARSE, *_STEPS), _NOTHING),
    "overlap": (spin_glass.overlap, (_BYTES, _BYTES), _FLOAT64),
    "mark_unsatisfied": (
        spin_glass.mark_unsatisfied,
        (_REALS, _WHOLES, _WHOLES, _BYTES, _BYTES),
        _INT64,
    ),
    "draw_layer": (
        restricted.draw_layer,
        (_INT64, _FLOAT64, _SINGLE_ROWS, _SINGLES, _SINGLE_ROWS, _SINGLES, *_CHANCE, _LAYER),
        _NOTHING,
    ),
    "find_free_energies": (
        restricted.find_free_energies,
        (
            *(_INT64, _FLOAT64, _SINGLE_ROWS, _SINGLES, _SINGLES, _SINGLES),
            *(_SINGLE_ROWS, _REAL_ROWS, _REAL_ROWS, _SINGLE_ROWS, _REALS),
        ),
        _NOTHING,
    ),
    "forget": (
        restricted.forget,
        (_INT64, _SINGLE_ROWS, _FLOAT64, _WORDS, _REAL_ROWS, *_MACHINE),
        _NOTHING,
    ),
    "learn_batch": (
        restricted.learn_batch,
        (
            *(_WHOLES, _FLOAT64, _INT64, _INT64, _SINGLE_ROWS, _WHOLES, _WHOLES, *_MACHINE),
            *(_SINGLES, _SINGLES, *_CHANCE, _LAYER, _LAYER, _LAYER, _LAYER),
        ),
        _NOTHING,
    ),
    "reconstruction_error": (
        restricted.reconstruction_error,
        (_WHOLES, *_MACHINE, _SINGLES, _SINGLE_ROWS, _REAL_ROWS, _LAYER, _LAYER),
        _FLOAT64,
    ),
    "step_net": (
        threshold.step_net,
        (_WHOLES, _WHOLES, _BYTES, _WHOLES, _BYTES, _BYTES),
        _NOTHING,
    ),
    "exact_phases": (
        boltzmann.exact_phases,
        (_REAL_ROWS, _REALS, _REALS, _BYTES, _REALS, _REALS, _REALS, _REALS, _REALS, *_AVERAGES, *_AVERAGES),
        _FLOAT64,
    ),
    "log_likelihood": (boltzmann.log_likelihood, (_REALS, _REALS, _FLOAT64), _FLOAT64),
    "kl_divergence": (boltzmann.kl_divergence, (_REALS, _REALS, _FLOAT64), _FLOAT64),
    "tally": (boltzmann.tally, (_BYTE_ROWS, _REALS, _REALS), _NOTHING),
    "draw_couplings": (
        boltzmann.draw_couplings,
        (_WORDS, _FLOAT64, _BYTE_ROWS, _REAL_ROWS),
        _NOTHING,
    ),
    "begin_phase": (boltzmann.begin_phase, (_BYTE_ROWS, _REALS, _WORDS, _BYTE_ROWS, _REALS), _NOTHING),
    "sample_phase": (
        boltzmann.sample_phase,
        (_REAL_ROWS, _REALS, _BYTE_ROWS, _REALS, _WHOLES, _WORDS, *_WORK, _INT64, *_AVERAGES),
        _NOTHING,
    ),
    "learn": (
        boltzmann.learn,
        (*_AVERAGES, *_AVERAGES, _BYTE_ROWS, *_PACE, _REAL_ROWS, _REALS, _REAL_ROWS, _REALS),
        _NOTHING,
    ),
    "multilayer_outputs": (
        multilayer.forward,
        (*_CELLS, _REALS, _REAL_ROWS, _REAL_ROWS),
        _NOTHING,
    ),
    "multilayer_gradient": (
        multilayer.backward,
        (*_CELLS, _INT64, _REALS, *_TAUGHT, _REAL_ROWS, _REALS, _REALS),
        _FLOAT64,
    ),
    "multilayer_descend": (
        multilayer.descend,
        (
            *(*_CELLS, _INT64, _FLOAT64, _FLOAT64, _INT64, *_TAUGHT, _REALS, _REALS, _WHOLES, _WORDS),
            *(_REAL_ROWS, _REALS, _REALS, _REALS),
        ),
        _INT64,
    ),
    "perceptron_step": (
        perceptron.perceptron_step,
        (_REAL_ROWS, _BYTES, _INT64, _FLOAT64, _REALS),
        _INT64,
    ),
    "perceptron_pass": (
        perceptron.perceptron_pass,
        (_REAL_ROWS, _BYTES, _WHOLES, _FLOAT64, _REALS),
        _INT64,
    ),
    "adatron_pass": (
        perceptron.adatron_pass,
        (_REAL_ROWS, _BYTES, _WHOLES, _FLOAT64, _REALS, _REALS),
        _FLOAT64,
    ),
    "multilayer_loss": (multilayer.mean_loss, (_INT64, _REAL_ROWS, _REAL_ROWS), _FLOAT64),
    "largest_margin": (margin.largest_margin, (_REAL_ROWS, _BYTES, _REALS, _WHOLES), _FLOAT64),
    "stability": (margin.stability, (_REAL_ROWS, _BYTES, _REALS), _FLOAT64),
    "radius": (margin.radius, (_REAL_ROWS,), _FLOAT64),
    "mistake_bound": (margin.mistake_bound, (_FLOAT64, _FLOAT64), _FLOAT64),
    "length_bounds": (margin.length_bounds, (_FLOAT64, _FLOAT64, _REALS, _REALS, _REALS), _NOTHING),
    "fill_points": (plane.fill_points, (_INT64, _WORDS, _REALS, _REAL_ROWS, _BYTES), _NOTHING),
    "draw_layers": (plane.draw_layers, (_WHOLES, _WORDS, _REALS, _REALS), _NOTHING),
    "fill_plane": (plane.fill_plane, (_REAL_ROWS,), _NOTHING),
    "answers": (plane.answers, (_REAL_ROWS, _FLOAT64, _REALS), _NOTHING),
    "count_wrong": (plane.count_wrong, (_REAL_ROWS, _BYTES), _INT64),
    "length": (plane.length, (_REALS,), _FLOAT64),
    "draw_teacher": (students.draw_teacher, (_WORDS, _REALS), _NOTHING),
    "draw_example": (
        students.draw_example,
        (_REALS, _INT64, _WORDS, _REAL_ROWS, _BYTES, _REAL_ROWS),
        _NOTHING,
    ),
    "online_step": (students.online_step, (*_EXAMPLE, _INT64, _REALS), _NOTHING),
    "begin_least_squares": (
        students.begin_least_squares,
        (_REAL_ROWS, _REAL_ROWS, _REALS),
        _NOTHING,
    ),
    "least_squares_step": (
        students.least_squares_step,
        (*_EXAMPLE, _REAL_ROWS, _REAL_ROWS, _REAL_ROWS, _REALS),
        _FLOAT64,
    ),
    "adatron_rest": (
        students.adatron_rest,
        (*_EXAMPLE, _FLOAT64, _FLOAT64, _INT64, _REALS, _REALS),
        _INT64,
    ),
    "sweep_version_space": (
        students.sweep_version_space,
        (_REAL_ROWS, _INT64, _INT64, *_WALKED),
        _NOTHING,
    ),
    "meet_example": (students.meet_example, (*_EXAMPLE, _INT64, _REAL_ROWS, *_WALKED), _INT64),
    "gather_centre": (
        students.gather_centre,
        (_REALS, _REAL_ROWS, _INT64, _INT64, *_WALKED, _REALS, _REALS),
        _NOTHING,
    ),
    "error_of": (students.error_of, (_REALS, _REALS), _FLOAT64),
    "error_of_centre": (students.error_of_centre, (_REALS, _REALS, _REALS), _FLOAT64),
    "add_run": (students.add_run, (_REAL_ROWS, _REAL_ROWS, _REAL_ROWS, _REAL_ROWS), _NOTHING),
    "draw_committee": (committee.draw_committee, (_WORDS, _INT64, _FLOAT64, _REAL_ROWS), _NOTHING),
    "lean_committee": (
        committee.lean_committee,
        (_REAL_ROWS, _REAL_ROWS, _FLOAT64, _FLOAT64),
        _NOTHING,
    ),
    "committee_overlaps": (
        committee.committee_overlaps,
        (_REAL_ROWS, _REAL_ROWS, _REAL_ROWS),
        _NOTHING,
    ),
    "learn_committee": (
        committee.learn_committee,
        (_REAL_ROWS, _REAL_ROWS, _FLOAT64, _FLOAT64, _INT64, _WORDS, _REALS, _REALS, _REAL_STACK),
        _NOTHING,
    ),
    "push_committee": (committee.push_committee, (_REAL_ROWS, _REAL_ROWS, _FLOAT64), _NOTHING),
    "specialization": (committee.specialization, (_REAL_ROWS, _INT64), _FLOAT64),
    "committee_error": (committee.committee_error, (_REAL_ROWS, _INT64), _FLOAT64),
    "follow_committee": (
        committee.follow_committee,
        (_REAL_ROWS, _INT64, _FLOAT64, _FLOAT64, _FLOAT64, _INT64, _REAL_STACK),
        _NOTHING,
    ),
    "fill_grid": (multispin.fill_grid, (_WHOLES, _WHOLES, _WHOLES), _NOTHING),
    "fill_crossings": (multispin.fill_crossings, (_WHOLES, _WORDS), _NOTHING),
    "fill_parities": (multispin.fill_parities, (_WHOLES, _WORDS), _NOTHING),
    "begin_streams": (multispin.begin_streams, (_WORDS, _WORDS), _NOTHING),
    "fill_thresholds": (multispin.fill_thresholds, (_REALS, _FLOAT64, _INT64, _INT64, _WORDS), _NOTHING),
    "randomize_lanes": (multispin.randomize_lanes, (_WORDS, _WHOLES, _WORDS), _NOTHING),
    "run_square_lanes": (multispin.run_square_lanes, (*_LANES, _INT64, _WHOLE_ROWS, _WHOLE_ROWS), _NOTHING),
    "unpack_lattice": (
        multispin.unpack,
        (_WORDS, _WHOLES, _WHOLES, _WHOLES, _INT64, _BYTES),
        _NOTHING,
    ),
    "gather_curves": (curves.gather, (_WHOLE_ROWS, _WHOLE_ROWS, _INT64, *_GATHERED), _NOTHING),
    "estimate_curves": (
        curves.estimate,
        (*_GATHERED, _REALS, _INT64, _INT64, _REALS, _REAL_ROWS, _REAL_ROWS),
        _NOTHING,
    ),
    "draw_clusters": (diffusion.draw_clusters, (_REALS, _FLOAT64, _WORDS, _REAL_ROWS), _NOTHING),
    "fill_noise": (diffusion.fill_noise, (_WORDS, _REAL_ROWS), _NOTHING),
    "add_noise": (diffusion.add_noise, (_REAL_ROWS, _FLOAT64, _WORDS, _REAL_ROWS), _NOTHING),
    "reverse_step": (
        diffusion.reverse_step,
        (_REAL_ROWS, _FLOAT64, _REALS, _WORDS, _REAL_ROWS),
        _NOTHING,
    ),
    "noise_variance": (diffusion.noise_variance, (_FLOAT64,), _FLOAT64),
    "clusters_score": (
        diffusion.clusters_score,
        (_REALS, _FLOAT64, _FLOAT64, _REAL_ROWS, _REAL_ROWS),
        _NOTHING,
    ),
    "empirical_score": (
        diffusion.empirical_score,
        (_REAL_ROWS, _FLOAT64, _REAL_ROWS, _REALS, _REAL_ROWS, _REALS, _WHOLES),
        _NOTHING,
    ),
    "clusters_potential": (
        diffusion.clusters_potential,
        (_FLOAT64, _FLOAT64, _FLOAT64, _REALS, _REALS),
        _NOTHING,
    ),
    "points_potential": (cloud.points_potential, (_FLOAT64, _REALS, _REALS, _REALS), _NOTHING),
    "draw_points": (cloud.draw_points, (_REAL_ROWS, _WORDS, _REAL_ROWS), _NOTHING),
    "mean_nearest": (cloud.mean_nearest, (_FLOAT64, _REAL_ROWS, _REAL_ROWS), _FLOAT64),
    "cluster_width": (cloud.cluster_width, (_FLOAT64, _FLOAT64), _FLOAT64),
    "speciation": (cloud.speciation, (_FLOAT64, _FLOAT64), _FLOAT64),
    "collapse": (cloud.collapse, (_INT64, _INT64, _FLOAT64, _FLOAT64), _FLOAT64),
    "own_weight": (cloud.own_weight, (_FLOAT64, _INT64, _INT64, _FLOAT64, _FLOAT64), _FLOAT64),
    "fill_sides": (cloud.fill_sides, (_FLOAT64, _FLOAT64, _REALS, _REALS), _NOTHING),
    "kept_side": (cloud.kept_side, (_FLOAT64, _REALS, _REALS), _FLOAT64),
    "clone_right": (cloud.clone_right, (_FLOAT64, _FLOAT64, _FLOAT64, _FLOAT64), _FLOAT64),
    "clone_agreement": (cloud.clone_agreement, (_FLOAT64,), _FLOAT64),
    "signal": (cloud.signal, (_FLOAT64, _FLOAT64, _FLOAT64), _FLOAT64),
}

_TRIPLE = "wasm32-unknown-unknown"
_FEATURES = "+bulk-memory,+simd128"  # what every browser has had since 2023; no relaxed arithmetic

# numba counts references to array arguments; a page has none to count.
_NO_REFERENCE_COUNTING = "".join(
    f"define void @{name}(ptr %address) {{\n  ret void\n}}\n" for name in ("NRT_incref", "NRT_decref")
)


def build() -> bytes:
    """Return the WebAssembly module of all kernels of `EXPORTS`, the same bytes on every x86-64 Linux.

    A subprocess compiles, since numba reads what processor to compile for only when it is imported, and shows
    no code for what comes from its cache.

    Raises
    ------
    RuntimeError
        If the platform is not x86-64 Linux, or the linker (`ziglang`, of the extra "test") is not installed.
    subprocess.CalledProcessError
        If a kernel cannot be compiled or linked; the error stream says why.
    """
    _check_platform()
    with tempfile.TemporaryDirectory() as folder:
        compiled, linked = Path(folder, "kernels.o"), Path(folder, "kernels.wasm")
        script = "import sys; from smbook.widgets import compiler; compiler._write_object(sys.argv[1])"
        subprocess.run([sys.executable, "-c", script, str(compiled)], check=True, env=_environment(folder))
        _link(compiled, linked)
        return linked.read_bytes() + _custom_section("signatures", signatures())


def _environment(cache: str) -> dict[str, str]:
    """Return the environment without the user's settings of numba, with ours for the same code everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}
    return kept | {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": cache}


def signatures() -> bytes:
    """Return what each kernel of `EXPORTS` takes and returns, as JSON.

    Examples
    --------
    >>> json.loads(signatures())["bond_sum"]
    {'arguments': ['int8[1]', 'int64[1]'], 'returns': 'int64'}
    """
    described = {
        name: {"arguments": [_type_name(kind) for kind in arguments], "returns": _type_name(returned)}
        for name, (_, arguments, returned) in EXPORTS.items()
    }
    return json.dumps(described, sort_keys=True, separators=(",", ":")).encode()


def _type_name(kind: Any) -> str | None:
    if kind == types.void:
        return None
    return f"{kind.dtype}[{kind.ndim}]" if isinstance(kind, types.Array) else str(kind)


def _check_platform() -> None:
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        raise RuntimeError(
            "kernels.wasm is built on x86-64 Linux, where its bytes can be compared; "
            f"this is {platform.machine()} {sys.platform}"
        )
    if importlib.util.find_spec("ziglang") is None:
        raise RuntimeError("kernels.wasm needs a linker: python -m pip install 'smbook[test]' brings ziglang")


def _write_object(path: str) -> None:
    """Compile every kernel to one WebAssembly object file."""
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(_TRIPLE).create_target_machine(features=_FEATURES, opt=3, reloc="static")
    module = llvm.parse_assembly(_NO_REFERENCE_COUNTING)
    for name in EXPORTS:
        module.link_in(_kernel_module(name))
    module.triple, module.data_layout = _TRIPLE, str(target.target_data)
    _optimize(module, target)
    Path(path).write_bytes(target.emit_object(module))


def _kernel_module(name: str) -> llvm.ModuleRef:
    """Return numba's code for a kernel as a module that shows nothing but the function `name`."""
    kernel, arguments, returned = EXPORTS[name]
    kernel.compile(arguments)
    if kernel.overloads[arguments].signature.return_type != returned:
        raise TypeError(f"{name} must return {returned}; got {kernel.overloads[arguments].signature}")
    module = llvm.parse_assembly(kernel.inspect_llvm(arguments))
    native = kernel.overloads[arguments].fndesc.llvm_func_name
    for symbol in (*module.global_variables, *module.functions):
        if symbol.name == native:
            symbol.name = name
        elif not symbol.is_declaration:
            symbol.linkage = llvm.Linkage.linkonce_odr
    return module


def _optimize(module: llvm.ModuleRef, target: llvm.TargetMachine) -> None:
    """Run LLVM's passes for the target; what no kernel reaches falls away."""
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    options.loop_vectorization = options.slp_vectorization = True
    builder = llvm.create_pass_builder(target, options)
    builder.getModulePassManager().run(module, builder)


def _link(compiled: Path, linked: Path) -> None:
    """Link, without names; a call that no kernel answers is an error."""
    exports = [f"--export={name}" for name in (*EXPORTS, "__heap_base")]
    options = ["--no-entry", "--import-memory", "--strip-all", *exports, "-o", str(linked)]
    subprocess.run([sys.executable, "-m", "ziglang", "wasm-ld", *options, str(compiled)], check=True)


def _custom_section(name: str, payload: bytes) -> bytes:
    content = _leb128(len(name)) + name.encode() + payload
    return b"\0" + _leb128(len(content)) + content


def _leb128(number: int) -> bytes:
    """Encode a length, seven bits a byte, the lowest first, the top bit set on all but the last."""
    if number < 128:
        return bytes([number])
    return bytes([number & 127 | 128]) + _leb128(number >> 7)


def main(path: Path = WASM) -> None:
    """Write the module to `path` and say how large it is."""
    code = build()
    path.write_bytes(code)
    print(f"{path.name}: {len(EXPORTS)} kernels, {len(code):,} bytes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
