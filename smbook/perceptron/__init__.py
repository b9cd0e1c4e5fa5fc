"""Threshold units and nets of them, rules by which one unit learns, and what it can learn at all.

Inputs are float64 arrays (P, N), an example a row; labels are +1 and -1. A unit answers with the sign of w.x. Its
bias, where it has one, is the weight of one more input that is always 1 (`with_constant`). The margin of weights
is the least y w.x of the examples, divided by the length of w.
"""

from __future__ import annotations

from smbook.perceptron.hebbian import Oja, hebb, hebb_growth, oja, principal_component
from smbook.perceptron.nets import (
    conjoined_negation,
    conjunction,
    counter,
    disjunction,
    heat_illusion,
    latch,
    net_of_automaton,
    net_of_table,
    oscillator,
    precession,
)
from smbook.perceptron.units import ThresholdNet, Unit, as_automaton, truth_table_inputs
from smbook.perceptron.weighted import threshold_output, threshold_unit_of

__all__ = [
    "Oja",
    "ThresholdNet",
    "Unit",
    "as_automaton",
    "conjoined_negation",
    "conjunction",
    "counter",
    "disjunction",
    "heat_illusion",
    "hebb",
    "hebb_growth",
    "latch",
    "net_of_automaton",
    "net_of_table",
    "oja",
    "oscillator",
    "precession",
    "principal_component",
    "threshold_output",
    "threshold_unit_of",
    "truth_table_inputs",
]
