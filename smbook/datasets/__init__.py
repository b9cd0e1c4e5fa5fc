"""Data to learn from: made here, drawn by our own samplers, part of scikit-learn, or read from your disk.

Nothing is downloaded. Patterns and configurations are int8, a row a sample, of units that are {0, 1}
("binary") or -1 and +1 ("spin"). What networks of real numbers learn from comes as a `Split`, in float32.
"""

from smbook.datasets.configurations import ising_configurations
from smbook.datasets.functions import oscillation, sampled_function
from smbook.datasets.images import cifar10, digit_images
from smbook.datasets.patterns import LETTERS, Digits, bars_and_stripes, digits, letters, logic_gate
from smbook.datasets.spiked import Spiked, spiked_covariance, spiked_wigner
from smbook.datasets.split import Split

__all__ = [
    "LETTERS",
    "Digits",
    "Spiked",
    "Split",
    "bars_and_stripes",
    "cifar10",
    "digit_images",
    "digits",
    "ising_configurations",
    "letters",
    "logic_gate",
    "oscillation",
    "sampled_function",
    "spiked_covariance",
    "spiked_wigner",
]
