"""Curvature of a loss along random directions, in the Gaussian limit and exactly.

The Hessian H of a loss of N parameters at a critical point has the trace t = tr H and the square s = tr H^2.
A section along two random directions shows two of its curvatures, kappa_- and kappa_+.
"""

from __future__ import annotations

from smbook.theory.curvature.exact import (
    ExactCurvatures,
    curvature_moments_exact,
    saddle_probability_exact,
)
from smbook.theory.curvature.forms import FormMoments, form_density, form_moments, form_probability
from smbook.theory.curvature.laws import curvature_cumulative_exact, curvature_density_exact
from smbook.theory.curvature.sections import (
    SectionMoments,
    UnitMoments,
    curvature_cumulative,
    curvature_density,
    hutchinson_variance,
    saddle_probability,
    section_moments,
    unit_section_moments,
)
from smbook.theory.curvature.toy import toy_gradient, toy_hessian, toy_loss, toy_spectrum

__all__ = [
    "ExactCurvatures",
    "FormMoments",
    "SectionMoments",
    "UnitMoments",
    "curvature_cumulative",
    "curvature_cumulative_exact",
    "curvature_density",
    "curvature_density_exact",
    "curvature_moments_exact",
    "form_density",
    "form_moments",
    "form_probability",
    "hutchinson_variance",
    "saddle_probability",
    "saddle_probability_exact",
    "section_moments",
    "toy_gradient",
    "toy_hessian",
    "toy_loss",
    "toy_spectrum",
    "unit_section_moments",
]
