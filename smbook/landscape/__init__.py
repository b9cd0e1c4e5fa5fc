"""Loss landscapes: the loss of a network over all its parameters, and its curvature.

A point is one flat vector of all parameters, a NumPy array or a torch tensor; what comes in goes out.
"""

from __future__ import annotations

from smbook._torch import explain as _explain

try:
    import torch as _torch  # noqa: F401
except ModuleNotFoundError as error:
    _explain("smbook.landscape", error)
    raise

from smbook.landscape.accuracy import accuracy
from smbook.landscape.check import Finding, Report, check
from smbook.landscape.curvature import (
    SectionCurvatures,
    principal_curvatures,
    projected_hessian,
    section_curvatures,
)
from smbook.landscape.density import SpectralDensity, spectral_density
from smbook.landscape.descent import Descent, descend_along
from smbook.landscape.diagonal import DiagonalEstimate, diagonal
from smbook.landscape.directions import filter_normalized, random_directions
from smbook.landscape.eigenpairs import Eigenpairs, NotConvergedError, extreme_eigenpairs
from smbook.landscape.gauss_newton import GaussNewton, gauss_newton
from smbook.landscape.hessian import Hessian, hessian
from smbook.landscape.hessian_directions import hessian_directions
from smbook.landscape.loss import Loss
from smbook.landscape.matching import Matching, match_units, rearrange_units
from smbook.landscape.networks import FullyConnected, LeNet, ResNet, fcnn_1, fcnn_2
from smbook.landscape.paths import LossPath, barrier, curve, straight_path
from smbook.landscape.sections import SectionTrace, trace_from_sections
from smbook.landscape.surface import Surface, surface
from smbook.landscape.trace import TraceEstimate, exact_trace, trace
from smbook.landscape.training import Training, train
from smbook.landscape.training_directions import (
    PathProjection,
    TrainingDirections,
    project_path,
    training_directions,
)

__all__ = [
    "Descent",
    "DiagonalEstimate",
    "Eigenpairs",
    "Finding",
    "FullyConnected",
    "GaussNewton",
    "Hessian",
    "LeNet",
    "Loss",
    "LossPath",
    "Matching",
    "NotConvergedError",
    "PathProjection",
    "Report",
    "ResNet",
    "SectionCurvatures",
    "SectionTrace",
    "SpectralDensity",
    "Surface",
    "TraceEstimate",
    "Training",
    "TrainingDirections",
    "accuracy",
    "barrier",
    "check",
    "curve",
    "descend_along",
    "diagonal",
    "exact_trace",
    "extreme_eigenpairs",
    "fcnn_1",
    "fcnn_2",
    "filter_normalized",
    "gauss_newton",
    "hessian",
    "hessian_directions",
    "match_units",
    "principal_curvatures",
    "project_path",
    "projected_hessian",
    "random_directions",
    "rearrange_units",
    "section_curvatures",
    "spectral_density",
    "straight_path",
    "surface",
    "trace",
    "trace_from_sections",
    "train",
    "training_directions",
]
