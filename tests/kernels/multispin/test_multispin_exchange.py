"""Replica exchange of lanes: who swaps, what swaps with it, and the walks up and down the temperatures."""

import math

import numpy as np
import pytest

from smbook.kernels import multispin
from smbook.kernels.rng import seed_state, uniform
from tests.kernels.multispin.reference import engine, thresholds_of


class Ladder:
    """Temperatures and the lattices at them, in the order in which the kernel takes them."""

    def __init__(self, betas, seed=1):
        self.betas = np.asarray(betas, dtype=float)
        count, n_groups = self.betas.size, -(-self.betas.size // 64)
        self.lane_of, self.state = np.arange(count), seed_state(seed)
        padded = np.resize(self.betas, 64 * n_groups)
        padded[count:] = self.betas[-1]
        groups = [engine((4, 4), part).arrays.work for part in padded.reshape(-1, 64)]
        self.works = np.stack(groups)
        self.tried, self.made = np.zeros((2, max(count - 1, 0)), dtype=np.int64)
        self.heading, self.trips = np.zeros((2, 64 * n_groups), dtype=np.int64)

    def exchange(self, energies, parity):
        multispin.exchange(
            self.betas, np.asarray(energies, dtype=float), parity, self.lane_of, self.state, self.works,
            self.tried, self.made, self.heading, self.trips,
        )  # fmt: skip

    def thresholds(self):
        return np.concatenate([thresholds_of(work) for work in self.works], axis=1)


@pytest.mark.parametrize("count", [2, 3, 40, 64, 65, 70, 130, 200])
def test_pairs_swap_by_the_rule_and_thresholds_go_with_the_temperatures(count):
    """Every decision once more in Python, from the same uniform numbers; what moves are thresholds alone."""
    random = np.random.default_rng(count)
    ladder = Ladder(np.sort(random.uniform(0, 1, count)), seed=count)
    start, before = ladder.thresholds(), ladder.works.copy()
    state, lane_of = seed_state(count), list(range(count))
    tried, made = np.zeros((2, count - 1), dtype=int)
    for step in range(10):
        energies = random.normal(0, 20, 64 * len(ladder.works))
        ladder.exchange(energies, step % 2)
        for k in range(step % 2, count - 1, 2):
            one, other = lane_of[k], lane_of[k + 1]
            gain = (ladder.betas[k + 1] - ladder.betas[k]) * (energies[other] - energies[one])
            tried[k] += 1
            if gain >= 0 or uniform(state) < math.exp(gain):
                made[k] += 1
                lane_of[k], lane_of[k + 1] = other, one
        assert ladder.lane_of.tolist() == lane_of
        assert ladder.state.tolist() == state.tolist()
        assert (ladder.thresholds()[:, lane_of] == start[:, :count]).all()
    assert ladder.tried.tolist() == tried.tolist()
    assert ladder.made.tolist() == made.tolist()
    assert 0 < made.sum() < tried.sum()
    assert (ladder.thresholds()[:, count:] == start[:, count:]).all()
    changed = np.flatnonzero((ladder.works != before).any(axis=0))
    assert changed.min() >= 19 * 32
    assert changed.max() < 19 * 32 + 192


def test_a_swap_that_gains_is_always_made_and_one_that_loses_much_never():
    ladder = Ladder([0.2, 0.5])
    ladder.exchange([*[0.0] * 64], 0)
    assert ladder.lane_of.tolist() == [1, 0]
    ladder.exchange([1.0, 0.0, *[0.0] * 62], 1)  # the other half has no pair
    assert ladder.lane_of.tolist() == [1, 0]
    for _ in range(100):
        ladder.exchange([-1e4, 1e4, *[0.0] * 62], 0)  # the lower energy is where it is colder
    assert ladder.lane_of.tolist() == [1, 0]
    ladder.exchange([1e4, -1e4, *[0.0] * 62], 0)
    assert ladder.lane_of.tolist() == [0, 1]
    assert (ladder.tried.tolist(), ladder.made.tolist()) == ([102], [2])


def test_round_trips_are_ways_from_the_first_temperature_to_the_last_and_back():
    """With all swaps made each lattice goes up and down in 2 K exchanges."""
    count, n_exchanges = 5, 1000
    ladder = Ladder(np.full(count, 0.4))
    heading, trips = [0] * count, [0] * count
    for step in range(n_exchanges):
        ladder.exchange(np.zeros(64), step % 2)
        first, last = int(ladder.lane_of[0]), int(ladder.lane_of[-1])
        trips[first] += heading[first] == 2
        heading[first] = 1
        heading[last] = 2 if heading[last] else 0
    assert ladder.trips[:count].tolist() == trips
    assert (abs(ladder.trips[:count] - n_exchanges / (2 * count)) <= 1).all()
    assert not ladder.trips[count:].any()


def test_one_temperature_has_no_pair_and_makes_no_trip():
    ladder = Ladder([0.4])
    for step in range(10):
        ladder.exchange(np.zeros(64), step % 2)
    assert ladder.lane_of.tolist() == [0]
    assert not ladder.trips.any()
    assert ladder.state.tolist() == seed_state(1).tolist()
