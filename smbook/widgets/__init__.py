"""Live figures, whose physics is the package's kernels run by the reader's browser, and questions.

The same classes work in JupyterLab and, with no Python behind them, on the pages of the published book.
"""

from __future__ import annotations

from smbook.widgets.amplifier_lab import AmplifierLab
from smbook.widgets.boltzmann_lab import BoltzmannLab
from smbook.widgets.bridge_lab import BridgeLab
from smbook.widgets.capacity_lab import CapacityLab
from smbook.widgets.committee_lab import CommitteeLab
from smbook.widgets.curve_lab import CurveLab
from smbook.widgets.descent_lab import DescentLab
from smbook.widgets.diffusion_lab import DiffusionLab
from smbook.widgets.engine_lab import EngineLab
from smbook.widgets.finite_magnet_lab import FiniteMagnetLab
from smbook.widgets.hopfield_lab import HopfieldLab
from smbook.widgets.ising_lab import IsingLab
from smbook.widgets.learning_curve_lab import LearningCurveLab
from smbook.widgets.max_ent_lab import MaxEntLab
from smbook.widgets.mean_field_lab import MeanFieldLab
from smbook.widgets.modes_lab import ModesLab
from smbook.widgets.neuron_lab import NeuronLab
from smbook.widgets.perceptron_lab import PerceptronLab
from smbook.widgets.phase_diagram_lab import PhaseDiagramLab
from smbook.widgets.projection_lab import ProjectionLab
from smbook.widgets.question import Question
from smbook.widgets.rbm_lab import RBMLab
from smbook.widgets.section_lab import SectionLab
from smbook.widgets.spin_glass_lab import SpinGlassLab
from smbook.widgets.wall_lab import WallLab

__all__ = [
    "AmplifierLab",
    "BoltzmannLab",
    "BridgeLab",
    "CapacityLab",
    "CommitteeLab",
    "CurveLab",
    "DescentLab",
    "DiffusionLab",
    "EngineLab",
    "FiniteMagnetLab",
    "HopfieldLab",
    "IsingLab",
    "LearningCurveLab",
    "MaxEntLab",
    "MeanFieldLab",
    "ModesLab",
    "NeuronLab",
    "PerceptronLab",
    "PhaseDiagramLab",
    "ProjectionLab",
    "Question",
    "RBMLab",
    "SectionLab",
    "SpinGlassLab",
    "WallLab",
]
