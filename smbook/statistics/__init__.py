"""Honest error bars for correlated data: autocorrelation times, bins, resampling, histogram reweighting.

A series is one number a sweep, in the order of the run and with its transient cut off. Chains of one run
after another are not one series: treat each, then combine.
"""

from smbook.statistics.autocorrelation import (
    AutocorrelationTime,
    ChainTooShortError,
    integrated_autocorrelation_time,
)
from smbook.statistics.errors import binder_cumulant, binned_error, bootstrap, jackknife, mean
from smbook.statistics.estimate import Estimate
from smbook.statistics.reweighting import Reweighted, ReweightingError, reweight, reweight_multiple

__all__ = [
    "AutocorrelationTime",
    "ChainTooShortError",
    "Estimate",
    "Reweighted",
    "ReweightingError",
    "binder_cumulant",
    "binned_error",
    "bootstrap",
    "integrated_autocorrelation_time",
    "jackknife",
    "mean",
    "reweight",
    "reweight_multiple",
]
