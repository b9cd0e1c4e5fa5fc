"""Honest error bars: autocorrelation times, bins, resampling, histogram reweighting, means over disorder.

A series is one number a sweep, in the order of the run and with its transient cut off. Chains of one run
after another are not one series: treat each, then combine, samples of disorder by `disorder_mean`.
"""

from smbook.statistics.autocorrelation import (
    AutocorrelationTime,
    ChainTooShortError,
    integrated_autocorrelation_time,
)
from smbook.statistics.disorder import DisorderMean, disorder_mean
from smbook.statistics.errors import binder_cumulant, binned_error, bootstrap, jackknife, mean
from smbook.statistics.estimate import Estimate
from smbook.statistics.reweighting import Reweighted, ReweightingError, reweight, reweight_multiple
from smbook.statistics.weights import LogMean, log_mean

__all__ = [
    "AutocorrelationTime",
    "ChainTooShortError",
    "DisorderMean",
    "Estimate",
    "LogMean",
    "Reweighted",
    "ReweightingError",
    "binder_cumulant",
    "binned_error",
    "bootstrap",
    "disorder_mean",
    "integrated_autocorrelation_time",
    "jackknife",
    "log_mean",
    "mean",
    "reweight",
    "reweight_multiple",
]
