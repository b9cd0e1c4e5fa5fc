"""The random numbers of `lattice.single_site` and its order of visits, in plain Python as documented."""

import math

import numpy as np

from smbook.kernels.rng import next_uint64, seed_lanes


def visiting_order(shape):
    """Row after row; within one the even sites, the odd ones, then the last one of an odd row."""
    length = shape[-1]
    columns = [*range(0, length - length % 2, 2), *range(1, length, 2), *[length - 1] * (length % 2)]
    return [start + column for start in range(0, math.prod(shape), length) for column in columns]


class LatticeDraws:
    """What decides each sweep: a draw of 63 bits for each site and each row of the table."""

    def __init__(self, state, shape, table):
        self.state, self.shape, self.table = state, shape, table[:, : 2 * len(shape) + 1].tolist()
        lanes = np.empty((4, 64), dtype=np.uint64)
        seed_lanes(state, lanes)
        self.generators = [lane.copy() for lane in lanes.T]

    def sweep(self):
        """Return the draws of a sweep as Python integers, by row of the table and by site."""
        n_sites, length = math.prod(self.shape), self.shape[-1]
        draws, at_once = [[] for _ in self.table], max(1, 8192 // length) * length
        for first in range(0, n_sites, at_once):
            some = min(at_once, n_sites - first)
            uppers = self.uppers(some)
            for of_sites, thresholds in zip(draws, self.table, strict=True):
                of_sites += self.completed(uppers, thresholds)[:some]
        return draws

    def uppers(self, n_sites):
        """Sixteen bits for each site, and for those that fill up the last step."""
        found = []
        for _ in range(-(-n_sites // 256)):
            words = [int(next_uint64(generator)) for generator in self.generators]
            found += [(word >> shift) + 2**15 & 2**16 - 1 for shift in (0, 16, 32, 48) for word in words]
        return found

    def completed(self, uppers, thresholds):
        """Forty-seven bits more where they matter."""
        edges = {max(threshold, 0) >> 47 for threshold in thresholds}
        return [
            upper << 47 | (int(next_uint64(self.state)) >> 17 if upper in edges else 0) for upper in uppers
        ]
