"""Kernels for maximum entropy: states with levels at equal distances, their distributions, and many dice.

A system is one of

    DIE          the levels 1, 2, ... n of its n faces
    OSCILLATOR   the levels 0, 1, ... n - 1
    SPIN         the levels -1 and 1

Of all distributions with a given mean level the one of largest entropy is p_i = exp(-lambda x_i) / Z. Many
dice are given by their states, int8 (N,), each from 0 to n - 1; the total of the states fixes the mean level.
"""

from __future__ import annotations

import numpy as np

from smbook.kernels import kernel
from smbook.kernels.elementary import exp, log
from smbook.kernels.rng import uniform

DIE, OSCILLATOR, SPIN = 0, 1, 2

MARGIN = 0.01  # of the range of the levels, which a mean keeps from its ends

_DOUBLINGS = 60
_STEPS = 200
_LEAST = 1e-3  # of the room that a pulled probability has, which it keeps from its ends
_NOTHING = 1e-24  # a probability that is left out of a distribution, at its ends
_WIDTH = 6.0  # by which the range of the levels is divided for the first distribution of one's own


@kernel
def fill_levels(system, levels):
    """Fill `levels` (n,) with those of a system.

    Examples
    --------
    >>> levels = np.empty(2)
    >>> fill_levels(SPIN, levels)
    >>> levels.tolist()
    [-1.0, 1.0]
    """
    for i in range(levels.size):
        levels[i] = i
        if system == DIE:
            levels[i] = i + 1
        if system == SPIN:
            levels[i] = 2 * i - 1


@kernel
def nearest_mean(levels, mean):
    """Return `mean`, or the nearest that keeps `MARGIN` of the range from the lowest and the highest level.

    Examples
    --------
    >>> nearest_mean(np.array([0.0, 1.0]), 2.0)
    0.99
    """
    low, high = levels[0], levels[-1]
    room = MARGIN * (high - low)
    return min(max(mean, low + room), high - room)


@kernel
def tilt(levels, weights, mean, p):
    """Set p to w_i exp(-lambda x_i) / Z with the given mean level, and return lambda.

    Of all distributions with that mean p is the nearest to the weights in relative entropy, and with equal
    weights that of largest entropy. Some level with a weight above 0 must lie on each side of the mean.
    Newton's method, within ends between which the solution lies.

    Examples
    --------
    >>> p = np.empty(6)
    >>> round(tilt(np.arange(1.0, 7.0), np.ones(6), 4.5, p), 11)
    -0.37104893808
    """
    low, high = -1.0, 1.0
    for _ in range(_DOUBLINGS):
        if _apart(levels, weights, mean, low)[0] >= 0.0:
            break
        low *= 2.0
    for _ in range(_DOUBLINGS):
        if _apart(levels, weights, mean, high)[0] <= 0.0:
            break
        high *= 2.0
    found = 0.0
    for _ in range(_STEPS):
        missed, spread = _apart(levels, weights, mean, found)
        if missed > 0.0:
            low = found
        else:
            high = found
        there = (low + high) / 2.0
        if spread > 0.0 and low < found + missed / spread < high:
            there = found + missed / spread
        if missed == 0.0 or there == found:
            break
        found = there
    _spread(levels, weights, mean, found, p)
    return found


@kernel
def _apart(levels, weights, mean, multiplier):
    """Return by how much the mean level is above `mean`, and the variance of the level."""
    top = _top(levels, weights, mean, multiplier)
    total, first, second = 0.0, 0.0, 0.0
    for i in range(levels.size):
        if weights[i] > 0.0:
            away = levels[i] - mean
            share = weights[i] * exp(-multiplier * away - top)
            total += share
            first += share * away
            second += share * away * away
    first /= total
    return first, second / total - first * first


@kernel
def _top(levels, weights, mean, multiplier):
    """Return the largest exponent of a level with a weight."""
    top = -np.inf
    for i in range(levels.size):
        if weights[i] > 0.0:
            top = max(top, -multiplier * (levels[i] - mean))
    return top


@kernel
def _spread(levels, weights, mean, multiplier, p):
    top = _top(levels, weights, mean, multiplier)
    total = 0.0
    for i in range(levels.size):
        p[i] = 0.0
        if weights[i] > 0.0:
            p[i] = weights[i] * exp(-multiplier * (levels[i] - mean) - top)
        total += p[i]
    for i in range(levels.size):
        p[i] /= total


@kernel
def log_partition(levels, multiplier):
    """Return ln Z = ln sum_i exp(-lambda x_i).

    Examples
    --------
    >>> round(log_partition(np.arange(1.0, 7.0), 0.0), 10)
    1.7917594692
    """
    top = max(-multiplier * levels[0], -multiplier * levels[-1])
    total = 0.0
    for i in range(levels.size):
        total += exp(-multiplier * levels[i] - top)
    return top + log(total)


@kernel
def entropy(p):
    """Return -sum_i p_i ln p_i.

    Examples
    --------
    >>> round(entropy(np.array([0.5, 0.25, 0.25])), 10)
    1.0397207708
    """
    total = 0.0
    for i in range(p.size):
        if p[i] > 0.0:
            total -= p[i] * log(p[i])
    return total


@kernel
def relative_entropy(p, q):
    """Return sum_i p_i ln(p_i / q_i), for q above 0.

    Examples
    --------
    >>> round(relative_entropy(np.array([0.5, 0.5]), np.array([0.25, 0.75])), 10)
    0.1438410362
    """
    total = 0.0
    for i in range(p.size):
        if p[i] > 0.0:
            total += p[i] * log(p[i] / q[i])
    return max(total, 0.0)


@kernel
def fill_entropies(levels, weights, means, p, entropies):
    """Fill `entropies` with those of `tilt` at each of the means; p (n,) is room."""
    for k in range(means.size):
        tilt(levels, weights, means[k], p)
        entropies[k] = entropy(p)


# A distribution of one's own, and collisions


@kernel
def begin_own(levels, mean, weights, p):
    """Set p to a narrow distribution with the given mean; `weights` (n,) is room.

    It is a Gaussian around the mean, tilted to have it exactly.
    """
    width = (levels[-1] - levels[0]) / _WIDTH
    for i in range(levels.size):
        away = (levels[i] - mean) / width
        weights[i] = exp(-away * away / 2.0)
    tilt(levels, weights, mean, p)


@kernel
def pull(levels, mean, i, value, weights, p):
    """Set p_i to `value`, or as near as the mean allows, and tilt the others so that sum and mean stay.

    Of all distributions with this p_i and this mean the new one is nearest to the old one in relative
    entropy. `weights` (n,) is room.
    """
    lowest, highest = np.inf, -np.inf  # level of the others
    for j in range(levels.size):
        weights[j] = p[j]
        if j != i and p[j] > 0.0:
            lowest, highest = min(lowest, levels[j]), max(highest, levels[j])
    weights[i] = 0.0
    least, most = 0.0, 1.0
    if levels[i] > lowest:
        most = min(most, (mean - lowest) / (levels[i] - lowest))
    else:
        least = max(least, (lowest - mean) / (lowest - levels[i]))
    if levels[i] < highest:
        most = min(most, (highest - mean) / (highest - levels[i]))
    else:
        least = max(least, (mean - highest) / (levels[i] - highest))
    room = _LEAST * (most - least)
    if room > 0.0:
        kept = min(max(value, least + room), most - room)
        tilt(levels, weights, (mean - kept * levels[i]) / (1.0 - kept), p)
        for j in range(levels.size):
            p[j] *= 1.0 - kept
        p[i] = kept


@kernel
def collide(p, share, pairs):
    """Let a `share` of infinitely many dice collide in pairs: the distribution after it.

    Two dice that collide take any two states of the same total with equal probability, as in `exchange`.
    Boltzmann's equation of that gas: sum and mean stay, the entropy grows until p is that of largest entropy.
    `pairs` (2 n - 1,) is room.
    """
    n = p.size
    whole = 0.0  # 1, but for rounding, which would be squared in each step
    for i in range(n):
        whole += p[i]
    for total in range(2 * n - 1):
        pairs[total] = 0.0
        first, last = max(0, total - n + 1), min(n - 1, total)
        for i in range(first, last + 1):
            pairs[total] += p[i] * p[total - i] / (whole * (last - first + 1))
    for i in range(n):
        after = 0.0
        for j in range(n):
            after += pairs[i + j]
        p[i] += share * (after - p[i])


# Dice


@kernel
def throw(p, n_dice, random_state, record):
    """Throw independent dice as often as `record` (n_throws, n) has rows, and count their states in each."""
    for k in range(record.shape[0]):
        for i in range(p.size):
            record[k, i] = 0
        for _ in range(n_dice):
            draw, i = uniform(random_state) - p[0], 0
            while draw >= 0.0 and i < p.size - 1:
                i += 1
                draw -= p[i]
            record[k, i] += 1


@kernel
def nearest_total(levels, n_dice, mean):
    """Return the total of the states of N dice whose mean level is nearest, neither the least nor the most.

    Examples
    --------
    >>> int(nearest_total(np.arange(1.0, 7.0), 10, 4.5))
    35
    """
    place = (mean - levels[0]) / (levels[1] - levels[0])
    total = np.int64(n_dice * place + 0.5)
    return min(max(total, 1), n_dice * (levels.size - 1) - 1)


@kernel
def deal(total, dice):
    """Set the states of all dice as much alike as their total allows, the higher ones first."""
    low, rest = total // dice.size, total % dice.size
    for i in range(dice.size):
        dice[i] = low + 1 if i < rest else low


@kernel
def exchange(n_states, dice, random_state, record):
    """Make a sweep for each row of `record` (n_sweeps, n), and count the states of the dice after it.

    A sweep is N exchanges: two dice, drawn at random, take any two states of the same total with equal
    probability. In the long run every sequence of states with that total is equally likely, a microcanonical
    ensemble. N must be at least 2.
    """
    for k in range(record.shape[0]):
        for _ in range(dice.size):
            _exchange_one(n_states, dice, random_state)
        for i in range(n_states):
            record[k, i] = 0
        for a in range(dice.size):
            record[k, dice[a]] += 1


@kernel
def _exchange_one(n_states, dice, random_state):
    a = np.int64(uniform(random_state) * dice.size)
    b = np.int64(uniform(random_state) * (dice.size - 1))
    b += np.int64(b >= a)
    total = np.int64(dice[a]) + np.int64(dice[b])
    first, last = max(0, total - n_states + 1), min(n_states - 1, total)
    new = first + np.int64(uniform(random_state) * (last - first + 1))
    dice[a], dice[b] = new, total - new


@kernel
def fixed_total(p, n_dice, law, marginal):
    """Set `marginal` (n,) to the distribution of one of N dice whose states have a fixed total.

    `law` (total + 1,) is room, and says by its size what the total is. p is the distribution exp(-lambda x) /
    Z with that mean; the result depends on p only through rounding. Returned is ln P, P the probability of
    the total for independent dice: so many sequences have it as exp(N S) P says, S the entropy of p.
    """
    total, half = law.size - 1, (n_dice - 1) // 2
    first, last = _fill_law(p, half, law)
    for i in range(p.size):
        marginal[i] = 0.0
    # The others are two halves, and one die more where they are an odd number.
    for apart in range(min(2 * p.size - 2, total) + 1):
        met = _meet(law, first, last, total - apart)
        for i in range(max(0, apart - p.size + 1), min(p.size - 1, apart) + 1):
            if 2 * half < n_dice - 1:
                marginal[i] += p[i] * p[apart - i] * met
            elif i == apart:
                marginal[i] = p[i] * met
    whole = 0.0
    for i in range(p.size):
        whole += marginal[i]
    for i in range(p.size):
        marginal[i] /= whole
    return log(whole)


@kernel
def _fill_law(p, n_dice, law):
    """Set `law` to the distribution of the total of independent dice, from the first to the last returned.

    What is below `_NOTHING` at its ends is left out.
    """
    first, last = 0, 0
    law[0] = 1.0
    for _ in range(n_dice):
        end = min(last + p.size - 1, law.size - 1)
        for t in range(end, first - 1, -1):
            reached = 0.0
            for i in range(max(0, t - last), min(p.size - 1, t - first) + 1):
                reached += p[i] * law[t - i]
            law[t] = reached
        last = end
        while last > first and law[last] < _NOTHING:
            last -= 1
        while first < last and law[first] < _NOTHING:
            first += 1
    return first, last


@kernel
def _meet(law, first, last, total):
    """Return the probability that two draws from `law` have a total."""
    met = 0.0
    for t in range(max(first, total - last), min(last, total - first) + 1):
        met += law[t] * law[total - t]
    return met


@kernel
def log_slope(levels, counts):
    """Return the slope of ln counts against the level, by least squares with the counts as weights.

    What was never counted is left out; nan where fewer than two levels are left. Counts of a Gibbs
    distribution have the slope -lambda.

    Examples
    --------
    >>> round(log_slope(np.array([0.0, 1.0, 2.0]), np.array([4.0, 2.0, 1.0])), 10)
    -0.6931471806
    """
    total, mean_level, mean_log, seen = 0.0, 0.0, 0.0, 0
    for i in range(levels.size):
        if counts[i] > 0.0:
            seen += 1
            total += counts[i]
            mean_level += counts[i] * levels[i]
            mean_log += counts[i] * log(counts[i])
    if seen < 2:
        return np.nan
    mean_level, mean_log = mean_level / total, mean_log / total
    above, below = 0.0, 0.0
    for i in range(levels.size):
        if counts[i] > 0.0:
            away = levels[i] - mean_level
            above += counts[i] * away * (log(counts[i]) - mean_log)
            below += counts[i] * away * away
    return above / below
