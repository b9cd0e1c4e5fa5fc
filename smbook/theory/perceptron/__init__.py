"""What one threshold unit can learn, after how many mistakes, and how well it answers what it was not taught.

Loads alpha = P / N are examples per input; stabilities (margins) kappa belong to inputs of variance 1 and are
the least y w.x / norm(w); overlaps R are cosines of the angle between a student's weights and its teacher's.
"""

from __future__ import annotations

from smbook.theory.perceptron.binary_weights import (
    BinaryVolume,
    binary_capacity,
    binary_first_moment,
    binary_volume,
)
from smbook.theory.perceptron.counting import cover_count, separable_probability
from smbook.theory.perceptron.exponents import PowerLaw, learning_exponent
from smbook.theory.perceptron.gardner import (
    GardnerCapacity,
    GardnerVolume,
    almeida_thouless_load,
    gardner_capacity,
    gardner_stability,
    gardner_volume,
    stability_distribution,
    support_share,
)
from smbook.theory.perceptron.learning_curves import (
    LearningCurve,
    bayes_curve,
    gibbs_curve,
    hebb_curve,
    pseudo_inverse_curve,
)
from smbook.theory.perceptron.margin_curves import StabilityCurve, noisy_capacity, stability_curve
from smbook.theory.perceptron.mistakes import novikoff_bound
from smbook.theory.perceptron.online_curves import OnlineCurve, online_curve

__all__ = [
    "BinaryVolume",
    "GardnerCapacity",
    "GardnerVolume",
    "LearningCurve",
    "OnlineCurve",
    "PowerLaw",
    "StabilityCurve",
    "almeida_thouless_load",
    "bayes_curve",
    "binary_capacity",
    "binary_first_moment",
    "binary_volume",
    "cover_count",
    "gardner_capacity",
    "gardner_stability",
    "gardner_volume",
    "gibbs_curve",
    "hebb_curve",
    "learning_exponent",
    "noisy_capacity",
    "novikoff_bound",
    "online_curve",
    "pseudo_inverse_curve",
    "separable_probability",
    "stability_curve",
    "stability_distribution",
    "support_share",
]
