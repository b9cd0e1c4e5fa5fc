"""A network that learns the score of points from how noise on them can be taken off again."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from smbook import _checks
from smbook._records import equal
from smbook._runs import progress_bar
from smbook.diffusion._arguments import checked_points, checked_time, within_reach
from smbook.kernels.rng import seed_state
from smbook.landscape import FullyConnected, _vectors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import ArrayLike, NDArray

    from smbook.diffusion._arguments import Floats
    from smbook.kernels.rng import Randomness

TIMES = (0.02, 3.0)

_WAVES = 4  # of the logarithm of the noise, each as a cosine and a sine
_LATE = 40.0  # from when on the logarithm of e^t sqrt(Delta) is t, and e^2t soon is no float of 32 bits
_SCALES = (1e-6, 1e6)
_RISE = 0.05  # of all steps, in which the learning rate comes up from 0: Adam's first steps are its worst


class ScoreNetwork(torch.nn.Module):
    r"""A fully connected network as the score of points at all times of a range.

    .. math:: S(x, t) = -\frac{y}{\sqrt{\Gamma_t}} + \frac{e^{-t} s}{\sqrt{\Gamma_t \Delta_t}}\, F(y, t),
              \qquad y = \frac{x - e^{-t} c}{\sqrt{\Gamma_t}}

    with :math:`\Delta_t = 1 - e^{-2t}` and :math:`\Gamma_t = s^2 e^{-2t} + \Delta_t`.

    The first term is the score of one round Gaussian, around c and of the deviation s in each direction; the
    network F, whose last layer begins at 0, learns what there is beyond. Its inputs and what it is to answer
    are of size 1 at all times (Karras, Aittala, Aila and Laine 2022; with s = 1 it learns the "v" of Salimans
    and Ho 2022). Of the time it sees cosines and sines of multiples of the logarithm of
    :math:`e^t \sqrt{\Delta_t}`, the noise against what is left of the point.

    `train_score` makes and trains one. It works wherever an object with a score does, as in
    `smbook.diffusion.reverse` and `generate`.

    Parameters
    ----------
    n_dimensions
        d, at least 1.
    widths
        The units of each hidden layer, at least one layer.
    activation
        Of `smbook.landscape.FullyConnected`.
    centre
        c, (d,); None is 0.
    scale
        s, from 1e-6 to 1e6.
    times
        The smallest and the largest time that it learns. Later than that F is what it is at the largest, and
        counts little; earlier it has no answer.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system. Torch's own generator is left as it was.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.

    Examples
    --------
    >>> network = ScoreNetwork(2, widths=(16,), scale=2.0, rng=1)
    >>> network
    ScoreNetwork(2 dimensions, hidden layer of 16, 210 parameters, times from 0.02 to 3)
    >>> network.score([[1.0, -2.0]], np.log(2.0))
    array([[-0.57142857,  1.14285714]])
    """

    centre: torch.Tensor

    def __init__(
        self,
        n_dimensions: int,
        *,
        widths: Iterable[int] = (256, 256),
        activation: str = "gelu",
        centre: ArrayLike | None = None,
        scale: float = 1.0,
        times: tuple[float, float] = TIMES,
        rng: Randomness = None,
    ) -> None:
        d = _checks.integer("n_dimensions", n_dimensions, minimum=1)
        hidden = _checked_widths(widths)
        middle = np.zeros(d) if centre is None else _checked_centre(centre, d)
        size = _checks.real("scale", scale, minimum=_SCALES[0], maximum=_SCALES[1])
        known = _checked_times(times)
        super().__init__()
        with _single_precision():
            self.layers = FullyConnected([d + 2 * _WAVES, *hidden, d], activation, rng=rng)
        self.widths, self.scale, self.times = hidden, size, known
        last = self.layers[-1]
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.zeros_(last.bias)
        self.register_buffer("centre", torch.from_numpy(middle))

    @property
    def n_dimensions(self) -> int:
        """How many coordinates a point has, d."""
        return len(self.centre)

    def __repr__(self) -> str:
        count, d = sum(each.numel() for each in self.parameters()), self.n_dimensions
        return (
            f"ScoreNetwork({d} dimension{'s' * (d != 1)}, hidden layer{'s' * (len(self.widths) != 1)} of "
            f"{', '.join(map(str, self.widths))}, {count} parameters, times from {self.times[0]:g} to "
            f"{self.times[1]:g})"
        )

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """Return the scores (m, d) at places x (m, d), each at its own time t (m,) or all at one (1,)."""
        left, noise, spread = self._process(t)
        apart = x - left * self.centre
        answer = self._answer(apart / spread.sqrt(), t)
        return -apart / spread + left * self.scale / (spread * noise).sqrt() * answer

    def score(self, x: ArrayLike, t: float) -> Floats:
        """Return the gradient of ln P_t at places x (m, d), as it was learnt, at a time t.

        Raises
        ------
        TypeError, ValueError
            If an argument is of the wrong kind or shape, or t is below the smallest time learnt or above 350.
        """
        places, time = checked_points("x", x, self.n_dimensions), self._checked_time(t)
        with torch.no_grad():
            one = torch.tensor([time], dtype=torch.float64, device=self.centre.device)
            found: Floats = self(torch.from_numpy(places).to(one.device), one).cpu().numpy()
        return found

    def denoise(self, x: ArrayLike, t: float) -> Floats:
        r"""Return the mean of the points at t = 0 that x (m, d) may come from, by the score.

        .. math:: \langle a \rangle = e^t\, [x + \Delta_t S(x, t)]

        It is the last step of a run that ends at t > 0, and takes off all noise that is left (Tweedie's
        formula; Efron 2011).

        Raises
        ------
        TypeError, ValueError
            As `score`.
        """
        places, time = checked_points("x", x, self.n_dimensions), self._checked_time(t)
        return math.exp(time) * (places - math.expm1(-2 * time) * self.score(places, time))

    def loss(self, points: ArrayLike, t: float, *, rng: Randomness = None) -> float:
        r"""Return the loss on points (n, d) at a time t, with noise drawn anew: what training brings down.

        .. math:: L_t = \frac{\Gamma_t \Delta_t}{s^2 e^{-2t}}\; \frac1d \Bigl\langle \Bigl| S(x_t, t)
                  + \frac{z}{\sqrt{\Delta_t}} \Bigr|^2 \Bigr\rangle,
                  \qquad x_t = e^{-t} a + \sqrt{\Delta_t}\, z

        The score of the round Gaussian, where training begins, has 1 on the points whose c and s it has. The
        least that any function has is what x leaves open of a, the variance
        :math:`\langle \operatorname{Var}(a | x_t) \rangle` of a coordinate, in units of
        :math:`s^2 \Delta_t / \Gamma_t`, which it would be for the Gaussian; only the exact score has it
        (Vincent 2011).

        Raises
        ------
        TypeError, ValueError
            As `score`, or if there are no points.
        """
        places, time = checked_points("points", points, self.n_dimensions), self._checked_time(t)
        if not len(places):
            raise ValueError("points must be at least one; got none")
        random = _generator(seed_state(rng))
        with torch.no_grad():
            known = torch.from_numpy(places).to(self.centre.device)
            noise = torch.randn(known.shape, generator=random, dtype=torch.float64, device="cpu")
            one = torch.tensor([time], dtype=torch.float64, device=known.device)
            return float(self._loss((known - self.centre) / self.scale, one, noise.to(known.device)))

    def _checked_time(self, value: Any) -> float:
        time = checked_time("t", value)
        if time < self.times[0]:
            raise ValueError(
                f"t must be at least {self.times[0]:g}, the smallest time of this network; got {time!r}"
            )
        return time

    def _process(self, t: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return e^-t, Delta and Gamma as columns."""
        left, noise = torch.exp(-t)[:, None], -torch.expm1(-2 * t)[:, None]
        return left, noise, self.scale**2 * left * left + noise

    def _answer(self, inputs: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """Return F, in the precision of its weights, for inputs (m, d) and times (m,) or (1,)."""
        seen = t.clamp(max=self.times[1])
        logarithms = 0.5 * torch.log(torch.expm1(2 * seen.clamp(max=_LATE))) + (seen - _LATE).clamp(min=0)
        waves = 0.5 * logarithms[:, None] * torch.arange(1, _WAVES + 1, dtype=t.dtype, device=t.device)
        phases = torch.cat([waves.cos(), waves.sin()], dim=1).expand(len(inputs), -1)
        kind = self.layers[0].weight.dtype
        found: torch.Tensor = self.layers(torch.cat([inputs.to(kind), phases.to(kind)], dim=1))
        return found.to(inputs.dtype)

    def _loss(self, shifted: torch.Tensor, t: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
        """Return the mean square of what F misses, for (a - c) / s, times and noise."""
        left, variance, spread = self._process(t)
        deviation, width = variance.sqrt(), spread.sqrt()
        inputs = (left * self.scale * shifted + deviation * noise) / width
        wanted = (deviation * shifted - left * self.scale * noise) / width
        return (self._answer(inputs, t) - wanted).square().mean()


class ScoreTraining(NamedTuple):
    """How a score was learnt: the network, and the mean loss of the batches between steps that were noted.

    `losses` (m,) are means of the loss over the steps up to each of `steps` (m,) from the one before, all
    times together; 1 is where a network begins. Two are equal if all their numbers are, those of the networks
    included.
    """

    network: ScoreNetwork
    steps: NDArray[np.int64]
    losses: Floats

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ScoreTraining) and equal(_numbers(self), _numbers(other))

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __repr__(self) -> str:
        return (
            f"ScoreTraining({self.steps[-1]} steps, loss {self.losses[0]:.4g} to {self.losses[-1]:.4g}, "
            f"{self.network!r})"
        )


def train_score(
    points: ArrayLike,
    *,
    widths: Iterable[int] = (256, 256),
    activation: str = "gelu",
    n_steps: int = 2000,
    batch_size: int = 128,
    learning_rate: float = 1e-2,
    times: tuple[float, float] = TIMES,
    every: int = 100,
    rng: Randomness = None,
    progress: bool = False,
    callback: Callable[[int, float, ScoreNetwork], Any] | None = None,
) -> ScoreTraining:
    r"""Train a network to take noise off points: what it learns is the score of their law under noise.

    In each step a batch of points a, drawn from all of them, is put under noise z of times drawn with
    uniform logarithms, :math:`x = e^{-t} a + \sqrt{\Delta_t}\, z`, and Adam (Kingma and Ba 2015) makes the
    network's score more like :math:`-z / \sqrt{\Delta_t}`, in the units of `ScoreNetwork.loss`. Nobody can
    tell z from x alone, and the mean of that over all that may have led to x is the score (Vincent 2011). The
    learning rate rises for a twentieth of the steps and falls to 0 as half a wave of a cosine.

    Of n points the best that can be learnt is `PointCloud.score`, which remembers and makes nothing new. A
    network of few steps or of few weights, for many points, does not get there.

    All is drawn from `rng`, and torch's own generator is left alone: one seed gives the same bits on one
    machine with one number of threads.

    Parameters
    ----------
    points
        (n, d), at least two that differ. Their mean and their deviation, of all coordinates together, become
        c and s of the network.
    widths, activation, times
        As for `ScoreNetwork`.
    n_steps
        At least 1.
    batch_size
        Points of a step, at least 1, which may be drawn more than once.
    learning_rate
        The largest of all steps, positive.
    every
        The loss is noted after every so many steps, and the last.
    rng
        An int seed, a `numpy.random.SeedSequence` or a `numpy.random.Generator`; None draws a seed from the
        operating system.
    progress
        Show a progress bar.
    callback
        Called as callback(step, loss, network) whenever the loss was noted; training ends there if it returns
        True.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of range.
    FloatingPointError
        If the loss is not finite, as where the learning rate is too large.

    References
    ----------
    Vincent (2011); Song et al. (2021); Karras, Aittala, Aila and Laine (2022).

    Examples
    --------
    >>> points = np.random.default_rng(1).choice([-1.0, 1.0], (200, 2))
    >>> found = train_score(points, widths=(32, 32), n_steps=300, rng=1)
    >>> bool(found.losses[-1] < 0.8 * found.losses[0])
    True
    >>> bool((found.network.score([[0.6, -0.7]], 0.1) * [[1, -1]] > 0).all())
    True
    """
    known = checked_points("points", points)
    n_steps = _checks.integer("n_steps", n_steps, minimum=1)
    batch_size = _checks.integer("batch_size", batch_size, minimum=1)
    rate = _checks.positive("learning_rate", learning_rate)
    every = _checks.integer("every", every, minimum=1)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback must be callable; got {type(callback).__name__}")
    centre, scale = _centre_and_scale(known)
    random = np.random.default_rng(seed_state(rng))
    noted: list[tuple[int, float]] = []
    with _vectors.differentiated(), torch.device("cpu"), progress_bar(n_steps, "step", progress) as tell:
        network = ScoreNetwork(
            known.shape[1],
            widths=widths,
            activation=activation,
            centre=centre,
            scale=scale,
            times=times,
            rng=random,
        )
        shifted = torch.from_numpy(((known - centre) / scale).astype(np.float32))
        batches = _batches(shifted, batch_size, network.times, _generator(seed_state(random)))
        run = _Run(network, rate, n_steps)
        for step in range(1, n_steps + 1):
            run.step(step, *next(batches))
            tell(1)
            if step % every == 0 or step == n_steps:
                noted.append((step, run.mean_loss(step)))
                if callback is not None and _true(callback(*noted[-1], network)):
                    break
    steps, losses = zip(*noted, strict=True)
    return ScoreTraining(network, np.array(steps, dtype=np.int64), np.array(losses))


def _checked_centre(values: ArrayLike, d: int) -> Floats:
    centre = _checks.reals("centre", values)
    if centre.shape != (d,):
        raise ValueError(f"centre must have {d} coordinates; got the shape {centre.shape}")
    return within_reach("centre", centre)


def _checked_widths(widths: Any) -> tuple[int, ...]:
    """Return the units of hidden layers, or raise."""
    if isinstance(widths, (str, bytes)) or not hasattr(widths, "__iter__"):
        raise TypeError(f"widths must be numbers of units, one for each hidden layer; got {widths!r}")
    found = tuple(_checks.integer("each of widths", width, minimum=1) for width in widths)
    if not found:
        raise ValueError("widths must be at least one number; got none, which leaves no hidden layer")
    return found


def _checked_times(times: Any) -> tuple[float, float]:
    """Return the smallest and the largest time, or raise."""
    try:
        smallest, largest = times
    except (TypeError, ValueError):
        raise TypeError(f"times must be two numbers, the smallest and the largest; got {times!r}") from None
    found = checked_time("the smallest of times", smallest), checked_time("the largest of times", largest)
    if not found[0] < found[1]:
        raise ValueError(f"times must be the smallest and the largest, in this order; got {times!r}")
    return found


class _Run:
    """A network that descends."""

    def __init__(self, network: ScoreNetwork, rate: float, n_steps: int) -> None:
        self._network, self._rate, self._n_steps = network, rate, n_steps
        self._adam = torch.optim.Adam(network.parameters(), lr=rate, fused=True)
        self._sum, self._count = torch.zeros((), dtype=torch.float32), 0

    def step(self, step: int, shifted: torch.Tensor, t: torch.Tensor, noise: torch.Tensor) -> None:
        for group in self._adam.param_groups:
            group["lr"] = self._rate * _factor(step, self._n_steps)
        value = self._network._loss(shifted, t, noise)
        self._adam.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        self._adam.step()
        self._sum, self._count = self._sum + value.detach(), self._count + 1

    def mean_loss(self, step: int) -> float:
        """Return the mean loss of the steps since the last call, or raise if it is not finite."""
        mean = float(self._sum) / self._count
        self._sum, self._count = torch.zeros((), dtype=torch.float32), 0
        if not math.isfinite(mean):
            raise FloatingPointError(
                f"the loss became {mean} by step {step}, with a learning rate of {self._rate:g}"
            )
        return mean


def _factor(step: int, n_steps: int) -> float:
    """Return what the learning rate is multiplied by: up along a line, and down along a cosine."""
    rising = min(1.0, step / (_RISE * n_steps))
    return rising * 0.5 * (1.0 + math.cos(math.pi * (step - 1) / n_steps))


def _batches(
    shifted: torch.Tensor, size: int, times: tuple[float, float], random: torch.Generator
) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Yield points, times and noise, again and again."""
    low, high = map(math.log, times)
    kind = {"generator": random, "dtype": torch.float32}
    while True:
        rows = torch.randint(len(shifted), (size,), generator=random)
        t = torch.exp(low + (high - low) * torch.rand(size, **kind))  # type: ignore[call-overload]
        yield shifted[rows], t, torch.randn(size, shifted.shape[1], **kind)  # type: ignore[call-overload]


def _centre_and_scale(points: Floats) -> tuple[Floats, float]:
    if len(points) < 2:
        raise ValueError(f"points must be at least two; got {len(points)}")
    centre = points.mean(axis=0)
    scale = math.sqrt(np.square(points - centre).mean())
    if not _SCALES[0] <= scale <= _SCALES[1]:
        raise ValueError(
            f"points must have a deviation from {_SCALES[0]:g} to {_SCALES[1]:g}, beside noise of "
            f"deviation 1; got {scale:g}"
        )
    return centre, scale


@contextlib.contextmanager
def _single_precision() -> Iterator[None]:
    """Have the first weights drawn as float32, whatever the caller has told torch to draw."""
    kind = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        yield
    finally:
        torch.set_default_dtype(kind)


def _generator(state: NDArray[np.uint64]) -> torch.Generator:
    """Return a generator of torch on the CPU, apart from its own."""
    return torch.Generator("cpu").manual_seed(int(state[0] >> np.uint64(1)))


def _numbers(training: ScoreTraining) -> tuple[Any, ...]:
    network = training.network
    arrays = (value.detach().cpu().numpy() for value in network.state_dict().values())
    return training.steps, training.losses, network.scale, network.times, network.widths, *arrays


def _true(answer: Any) -> bool:
    return isinstance(answer, (bool, np.bool_)) and bool(answer)
