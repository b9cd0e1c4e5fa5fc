"""Threshold units and nets of them, rules by which one unit learns, and what it can learn at all.

Inputs are float64 arrays (P, N), an example a row; labels are +1 and -1. A unit answers with the sign of w.x.
Its bias, where it has one, is the weight of one more input that is always 1 (`with_constant`). The margin of
weights is the least y w.x of the examples, divided by the length of w.
"""

from __future__ import annotations

from smbook.perceptron.binary import (
    Annealed,
    anneal_binary,
    binary_solutions,
    count_binary_solutions,
)
from smbook.perceptron.ensembles import (
    Examples,
    generalization_error,
    overlap,
    random_dichotomy,
    random_inputs,
    random_labels,
    teacher,
    teacher_examples,
    with_constant,
)
from smbook.perceptron.gibbs import bayes_learning, gibbs_learning
from smbook.perceptron.hebbian import Oja, hebb, hebb_growth, oja, principal_component
from smbook.perceptron.multilayer import Layer, Multilayer, Trained
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
from smbook.perceptron.rules import Learned, perceptron_rule, pseudo_inverse
from smbook.perceptron.separability import (
    Margin,
    NotSeparableError,
    dichotomies,
    in_general_position,
    is_separable,
    margin,
)
from smbook.perceptron.stability import Adatron, adatron, minover
from smbook.perceptron.streaming import Online, online
from smbook.perceptron.units import ThresholdNet, Unit, as_automaton, truth_table_inputs
from smbook.perceptron.weighted import threshold_output, threshold_unit_of

__all__ = [
    "Adatron",
    "Annealed",
    "Examples",
    "Layer",
    "Learned",
    "Margin",
    "Multilayer",
    "NotSeparableError",
    "Oja",
    "Online",
    "ThresholdNet",
    "Trained",
    "Unit",
    "adatron",
    "anneal_binary",
    "as_automaton",
    "bayes_learning",
    "binary_solutions",
    "conjoined_negation",
    "conjunction",
    "count_binary_solutions",
    "counter",
    "dichotomies",
    "disjunction",
    "generalization_error",
    "gibbs_learning",
    "heat_illusion",
    "hebb",
    "hebb_growth",
    "in_general_position",
    "is_separable",
    "latch",
    "margin",
    "minover",
    "net_of_automaton",
    "net_of_table",
    "oja",
    "online",
    "oscillator",
    "overlap",
    "perceptron_rule",
    "precession",
    "principal_component",
    "pseudo_inverse",
    "random_dichotomy",
    "random_inputs",
    "random_labels",
    "teacher",
    "teacher_examples",
    "threshold_output",
    "threshold_unit_of",
    "truth_table_inputs",
    "with_constant",
]
