"""The random numbers of `lattice.single_site` and its order of visits, in plain Python as documented."""

import math

import numpy as np

from smbook.kernels.rng import next_uint64, seed_lanes


def in_groups(side):
    """The even places of a side, the odd ones, and the last of an odd number."""
    return [*range(0, side - side % 2, 2), *range(1, side, 2), *[side - 1] * (side % 2)]


def visiting_order(shape):
    """Plane after plane, in a plane row after row in groups, in a row site after site in groups."""
    planes, rows, length = math.prod(shape[:-2]), (1, *shape)[-2], shape[-1]
    return [
        (plane * rows + row) * length + site
        for plane in range(planes)
        for row in in_groups(rows)
        for site in in_groups(length)
    ]


class LatticeDraws:
    """What decides each sweep: a draw of 63 bits for each site and each row of the table."""

    def __init__(self, state, shape, table):
        self.state, self.shape, self.table = state, shape, table[:, : 2 * len(shape) + 1].tolist()
        lanes = np.empty((4, 64), dtype=np.uint64)
        seed_lanes(state, lanes)
        self.generators = [lane.copy() for lane in lanes.T]

    def sweep(self):
        """Return the draws of a sweep as Python integers, by row of the table and by site."""
        length = self.shape[-1]
        rows, at_once = (
            [site // length for site in visiting_order(self.shape)[::length]],
            max(1, 8192 // length),
        )
        draws = [[None] * math.prod(self.shape) for _ in self.table]
        for first in range(0, len(rows), at_once):
            some = rows[first : first + at_once]
            uppers = self.uppers(len(some) * length)
            for of_sites, thresholds in zip(draws, self.table, strict=True):
                drawn = self.completed(uppers, thresholds)
                for k, row in enumerate(some):
                    of_sites[row * length : (row + 1) * length] = drawn[k * length : (k + 1) * length]
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
