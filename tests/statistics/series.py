"""Series whose autocorrelation times are known, and what honest errors look like."""

import math

import numpy as np
from scipy import stats
from scipy.signal import lfilter


def autoregressive(phi, shape, seed):
    """Stationary series x_t = phi x_{t-1} + noise along the last axis: tau = (1 + phi) / (1 - phi) / 2."""
    noise = np.random.default_rng(seed).normal(size=shape)
    noise[..., 0] /= math.sqrt(1 - phi**2)
    return lfilter([1.0], [1.0, -phi], noise)


def exact_tau(phi):
    return 0.5 * (1 + phi) / (1 - phi)


def honest(pulls, *, bias=0.0):
    """Whether pulls have the mean 0 (up to a bias) and the spread 1 to four standard errors."""
    pulls = np.asarray(pulls)
    low, high = stats.chi2.ppf([3e-5, 1 - 3e-5], pulls.size)
    return abs(pulls.mean()) < bias + 4 / math.sqrt(pulls.size) and low < np.sum(pulls**2) < high
