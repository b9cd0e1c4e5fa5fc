"""A live diffusion: a cloud that dissolves in noise and flows back, to its law or to points remembered."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.diffusion import time_grid
from smbook.kernels import cloud
from smbook.kernels import diffusion as kernels
from smbook.kernels.rng import seed_state, state_apart
from smbook.widgets._lab import (
    LARGEST_SEED,
    Binary,
    Choice,
    Integer,
    Lab,
    Real,
    RefusedValueError,
    Switch,
    read_out,
    refusing,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

FIRST, LAST = 4.0, 0.001  # times of a run
MOST_POINTS, MOST_DIMENSIONS, MOST_PARTICLES = 1024, 32, 500
FARTHEST = 10.0  # a coordinate of points of the reader's own


class Cloud(NamedTuple):
    """Hold the particles of a run at one time.

    Attributes
    ----------
    positions
        Where they are, (m, d); the clusters lie along the first coordinate.
    time
        The time t.
    points
        The training points, (n, d); none where the learner knows the law.
    participation
        The sum of the squared weights that each particle gives the training points, (m,): 1 where all weight
        is on one of them; nan without points.
    nearest
        The training point of the largest weight, int64 (m,); -1 without points.
    """

    positions: Floats
    time: float
    points: Floats
    participation: Floats
    nearest: NDArray[np.int64]

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        m, d = self.positions.shape
        told = f", {self.memorized:.1%} memorized" if len(self.points) else ""
        return f"Cloud({m} particles in {d} dimensions at t = {self.time:.3g}: {self.right:.1%} right{told})"

    @property
    def right(self) -> float:
        """The share of particles with u > 0."""
        return float((self.positions[:, 0] > 0.0).mean())

    @property
    def memorized(self) -> float:
        """The share of particles that are left with one training point: sum w^2 > 1/2; nan without points."""
        return float((self.participation > 0.5).mean()) if len(self.points) else math.nan


class DiffusionLab(Lab, script="diffusion_lab.js"):
    r"""A cloud of particles that flows back from noise, led by the score of two clusters, or of n points.

    The data are two clusters, at +-`mean_norm` on the first of d = `dimensions` axes, normal with a standard
    deviation `deviation` in each. Forward, each coordinate decays at the rate 1 and takes up noise: at the
    time t a point a has become e^-t a + sqrt(Delta) z with Delta = 1 - e^-2t. Back, particles begin as noise
    at t = 4 and move to t = 0.001 by

        x <- x + (x + 2 grad ln P_t(x)) dt + sqrt(2 dt) z,    dt = min(0.05, 0.1 t).

    Such steps leave the clusters a little too wide and too near, by some 2 % with the settings at first.

    The learner "exact" knows P_t. The "memory" is the perfect learner of `count` points drawn from the
    clusters: its P_t is that of noise around these points. It has learned them by heart, and below
    `collapse_time` each particle falls onto one of them; until then it makes new ones as the exact learner
    does. `points` are points of your own, (n, d), for the memory.

    The clusters part at `speciation_time`: the potential -ln P_t(u) along u, the first coordinate, gets two
    wells, and a particle keeps the side on which it is with a probability that the page draws as a line (see
    `smbook.theory.diffusion`). `cloned_at` starts all particles from one point of that time: clones, which
    end on one side or on both.

    The page computes a run when a setting changes; `time` is what it shows of it, and what Start moves. After
    `steps` of them it shows ``simulate(steps)``, bit for bit, unless `time` has been moved by hand. Read-outs
    are None until a page shows the lab, and where there is no such number.

    Raises
    ------
    TypeError, ValueError
        As other labs do, or if `points` is no such array of 2 to 1024 points in 2 to 32 dimensions, with
        coordinates from -10 to 10.

    References
    ----------
    Biroli, Bonnaire, de Bortoli and Mezard (2024) for both times.

    Examples
    --------
    >>> lab = DiffusionLab(learner="memory", count=16, running=False)
    >>> lab.simulate(lab.n_steps).memorized
    1.0
    >>> round(lab.speciation_time, 3), round(lab.collapse_time, 3)
    (1.386, 0.449)
    >>> lab.dimensions = 64
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: dimensions must be at most 32; got 64
    """

    alt = (
        "A cloud of particles that has flowed back from noise into two clusters, onto crosses, the training "
        "points; beside it a potential with two wells above a histogram of the particles, and two curves "
        "against time with marks where the clusters part and where particles fall onto single points."
    )

    learner = Choice("exact", "memory", doc="who leads back: one who knows the law, or n points by heart")
    direction = Choice("back", "forward", doc="noise is taken away, or added")
    time = Real(FIRST, LAST, FIRST, doc="t, the time that is shown")
    count = Integer(16, 2, MOST_POINTS, doc="n, the number of training points")
    dimensions = Integer(8, 2, MOST_DIMENSIONS, doc="d, the number of dimensions")
    mean_norm = Real(4.0, 0.0, 8.0, doc="how far from 0 the clusters lie")
    deviation = Real(1.0, 0.1, 2.0, doc="sigma, their standard deviation")
    particles = Integer(400, 50, MOST_PARTICLES, doc="m, the number of particles")
    cloned_at = Real(0.0, 0.0, FIRST, doc="the time at which all are clones of one; 0 for no clones")
    colours = Choice("end", "now", doc="colours by the side at the end without noise, or by that now")
    speed = Real(20.0, 1.0, 1000.0, doc="steps a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed that Reset starts from")
    running = Switch(True, doc="whether the lab is running")

    steps = read_out("steps since Reset, those of earlier runs included")
    right = read_out("the share of particles with u > 0")
    kept = read_out("the share on the side on which it is at the end where there is no noise")
    expected_kept = read_out("that share by theory; None for clones")
    memorized = read_out("the share of particles with sum w^2 > 1/2; None without training points")
    own_weight = read_out("the mean of sum w^2, the chance that two clones end on one training point")
    expected_own_weight = read_out("that mean by theory; None for clones and for points of your own")
    distance = read_out("the mean distance from the nearest e^-t a, in units of that of fresh data at t = 0")
    clones_right = read_out("the share of clones with u > 0 at the end")
    expected_clones_right = read_out("that share by theory, for this point")
    agreement = read_out("the share of pairs of clones that end on one side")
    expected_agreement = read_out("that share by theory, for this point")

    _times = traitlets.List(traitlets.Float(), read_only=True).tag(sync=True)
    _own = Binary()  # float64: points of the reader's own

    def __init__(self, points: ArrayLike | None = None, **settings: Any) -> None:
        with refusing():
            own = None if points is None else _checked(points)
        if own is not None:
            self._options = {"learner": ["memory"]}
            settings = {"learner": "memory", "count": len(own), "dimensions": own.shape[1]} | settings
            if (settings["count"], settings["dimensions"]) != own.shape:
                raise RefusedValueError(
                    f"points of shape {own.shape} have a count and dimensions of their own; got "
                    f"count={settings['count']!r}, dimensions={settings['dimensions']!r}"
                )
        if settings.get("direction") == "forward":
            settings = {"time": LAST} | settings
        super().__init__(**settings)
        if own is not None:
            self._own = own.tobytes()

    @traitlets.default("_times")
    def _grid(self) -> list[float]:
        return [float(t) for t in time_grid(FIRST, LAST)]

    @property
    def n_steps(self) -> int:
        """The number of steps of a run; of clones from where they begin."""
        return len(_Flow(self).times) - 1

    @property
    def points(self) -> Floats:
        """The training points, (n, d); none, (0, d), where the learner knows the law."""
        return _Flow(self).points.copy()

    @property
    def signal(self) -> float:
        """The signal a = e^-t mean_norm / sqrt(Gamma) at the time that is shown; 1 at speciation."""
        return float(cloud.signal(self.time, self.mean_norm, self.deviation))

    @property
    def speciation_time(self) -> float:
        """When the clusters part, 1/2 ln(1 + mean_norm^2 - deviation^2); 0 where they never do."""
        return float(cloud.speciation(self.mean_norm, self.deviation))

    @property
    def collapse_time(self) -> float:
        """When particles fall onto single points of n: a particle tells ln n about where it comes from.

        It is `smbook.theory.diffusion.collapse_time` of the n / 2 points of a cluster, where this is well
        below the speciation.
        """
        return float(cloud.collapse(self.count, self.dimensions, self.mean_norm, self.deviation))

    @property
    def cloning_probability(self) -> float:
        """How likely two clones from `cloned_at` end in one cluster, whatever point they are clones of."""
        return float(cloud.clone_agreement(cloud.signal(self.cloned_at, self.mean_norm, self.deviation)))

    def simulate(self, n_steps: int) -> Cloud:
        """Return the particles that the page shows after so many steps from Reset on.

        Parameters
        ----------
        n_steps
            The number of steps, at least 0; after `n_steps` of the lab another run begins, from fresh noise.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> DiffusionLab().simulate(0)
        Cloud(400 particles in 8 dimensions at t = 4: 49.5% right)
        """
        n_steps = _checks.integer("n_steps", n_steps, minimum=0)
        flow = _Flow(self)
        flow.begin()
        for _ in range(n_steps):
            flow.step()
        return flow.seen()


class _Flow:
    """Particles that flow, run after run, as on the page."""

    def __init__(self, lab: DiffusionLab) -> None:
        m, d = lab.particles, lab.dimensions
        self._back, self._exact = lab.direction == "back", lab.learner == "exact"
        self._law = np.zeros(d), lab.deviation
        self._law[0][0] = lab.mean_norm
        self._state = seed_state(lab.seed)
        times = np.array(lab._times)
        self._clones = self._back and lab.cloned_at > 0.0
        first = int(np.abs(np.log(times / max(lab.cloned_at, LAST))).argmin()) if self._clones else 0
        self.times = times[min(first, len(times) - 2) :] if self._back else times[::-1]
        own = np.frombuffer(lab._own)
        given = own.size == lab.count * d and not self._exact
        self.points = own.reshape(-1, d) if given else np.empty((0 if self._exact else lab.count, d))
        if not given:
            kernels.draw_clusters(*self._law, state_apart(lab.seed), self.points)
        self.positions, self._scores = np.empty((2, m, d))
        self._noise, self._weights = np.empty(d), np.empty(len(self.points))
        self.participation, self.nearest = np.full(m, np.nan), np.full(m, -1)

    @property
    def time(self) -> float:
        return float(self.times[self._done])

    def begin(self) -> None:
        """Begin a run: with noise, with clones of one point, or forward with data."""
        self._done = 0
        if self._back and not self._clones:
            kernels.fill_noise(self._state, self.positions)
        else:
            begun = self.positions[:1] if self._clones else self.positions
            data = np.empty_like(begun)
            if self._exact:
                kernels.draw_clusters(*self._law, self._state, data)
            else:
                cloud.draw_points(self.points, self._state, data)
            kernels.add_noise(data, self.time, self._state, begun)
            self.positions[:] = begun
        self._judge()

    def step(self) -> None:
        """Make a step, or begin another run with one."""
        if self._done == len(self.times) - 1:
            self.begin()
        t, self._done = self.time, self._done + 1
        if self._back:
            kernels.reverse_step(self._scores, t - self.time, self._noise, self._state, self.positions)
        else:
            kernels.add_noise(self.positions.copy(), self.time - t, self._state, self.positions)
        self._judge()

    def _judge(self) -> None:
        """Find the scores, and what the particles remember."""
        if self._exact:
            kernels.clusters_score(*self._law, self.time, self.positions, self._scores)
            return
        found = self._weights, self._scores, self.participation, self.nearest
        kernels.empirical_score(self.points, self.time, self.positions, *found)

    def seen(self) -> Cloud:
        return Cloud(self.positions, self.time, self.points.copy(), self.participation, self.nearest)


def _checked(points: ArrayLike) -> Floats:
    """Return points of the reader's own, or raise."""
    own = _checks.reals("points", points)
    if own.ndim != 2:
        raise RefusedValueError(f"points must have the shape (n, d); got {own.shape}")
    n, d = own.shape
    if not 2 <= n <= MOST_POINTS or not 2 <= d <= MOST_DIMENSIONS:
        raise RefusedValueError(
            f"points must be 2 to {MOST_POINTS} in 2 to {MOST_DIMENSIONS} dimensions; got {n} in {d}"
        )
    if np.abs(own).max() > FARTHEST:
        raise RefusedValueError(
            f"points must have coordinates from -10 to 10; one is {own.flat[np.abs(own).argmax()]:g}"
        )
    return np.ascontiguousarray(own, dtype=np.float64)
