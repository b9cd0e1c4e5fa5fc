"""Live random sections of a saddle: how curved they are, and what they look like."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np
import traitlets

from smbook import _checks
from smbook._records import equal
from smbook.kernels import projection as kernels
from smbook.kernels.rng import seed_state
from smbook.theory import curvature as theory
from smbook.widgets._lab import LARGEST_SEED, Integer, Lab, Real, RefusedValueError, Switch, read_out

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

MOST_DIRECTIONS = 1000  # of either sign
_LEAST = 2  # directions that are not flat: as many as a section has
_AT_ONCE = 4096  # sections in one call of the kernel, some tenths of a second


class Sections(NamedTuple):
    r"""Hold random sections in the order in which they were drawn, and what they come to.

    `forms` (n, 3) are A, B and C of the section (A x^2 + 2 B x y + C y^2) / 2, and `curvatures` (n, 2) its
    :math:`\kappa_-` and :math:`\kappa_+`. After each section, `averages` (n, 2) are the means of both so far,
    and `averaged` (n, 2) the two curvatures of the section that the means of A, B and C make. Two results
    are equal if all their numbers are.
    """

    forms: Floats
    curvatures: Floats
    averages: Floats
    averaged: Floats

    @property
    def saddles(self) -> float:
        r"""The share of sections that look like saddles, :math:`\kappa_- < 0 < \kappa_+`; nan of none."""
        low, high = self.curvatures.T
        return float(((low < 0) & (high > 0)).mean()) if low.size else np.nan

    def __eq__(self, other: object) -> bool:
        return equal(self, other)

    def __ne__(self, other: object) -> bool:
        return not equal(self, other)

    def __repr__(self) -> str:
        return f"Sections({len(self.forms)}, of which {self.saddles:.4g} look like saddles)"


class ProjectionLab(Lab, script="projection_lab.js"):
    r"""A saddle with `n_up` eigenvalues 1, `n_down` eigenvalues -1 and one 0, seen in random sections.

    It is the toy of Boettcher and Wheeler (2022), `smbook.theory.curvature.toy_loss`, at its saddle. A
    section goes along two directions of unit Gaussian entries, drawn anew, N = n_up + n_down + 1 of them
    each. With t = n_up - n_down and s = n_up + n_down its two curvatures are t -+ sqrt(pi s /
    2) on average, and it looks like a saddle with the probability exp(-t^2 / 4s) / sqrt(2): whatever saddle
    it is, its trace decides. The mean section is worse: both of its curvatures go to t.

    What the page counts begins anew where the saddle or the seed changes; after k sections it shows those of
    ``simulate(k)``, bit for bit. The law of the curvatures is that of many directions; the chance of a
    saddle is given for this many, too. Read-outs are None until a page shows the lab.

    Examples
    --------
    >>> lab = ProjectionLab(n_up=530, n_down=470, running=False)
    >>> lab
    ProjectionLab(n_up=530, n_down=470, speed=20.0, seed=1, running=False)
    >>> round(lab.saddle_probability, 4), round(lab.saddle_probability_exact, 4)
    (0.2875, 0.2869)
    >>> lab.simulate(1000)
    Sections(1000, of which 0.285 look like saddles)
    >>> lab.n_up = 1001
    Traceback (most recent call last):
        ...
    smbook.widgets._lab.RefusedValueError: n_up must be at most 1000; got 1001
    """

    alt: ClassVar[str] = (
        "A random section of a saddle as a square of two colours, with a solid axis along which it is curved "
        "up and a dashed one along which it is curved down; bars of how often a section looks like a saddle, "
        "a minimum and a maximum; histograms of the two curvatures on their laws, left and right of zero; "
        "and their means against the number of sections, which stay apart, beside those of the mean section, "
        "which meet."
    )

    n_up = Integer(500, 0, MOST_DIRECTIONS, doc="the number of directions of curvature 1")
    n_down = Integer(500, 0, MOST_DIRECTIONS, doc="the number of directions of curvature -1")
    speed = Real(20.0, 1.0, 5000.0, doc="sections a second, as far as the machine keeps up")
    seed = Integer(1, 0, LARGEST_SEED, doc="the seed of the directions")
    running = Switch(True, doc="whether the lab is running")

    sections = read_out("sections since Reset")
    saddles = read_out("the share of them that look like saddles")
    saddles_error = read_out("the error of that share")
    mean_low = read_out("the mean of the smaller curvature")
    mean_high = read_out("the mean of the larger curvature")
    averaged_low = read_out("the smaller curvature of the mean section")
    averaged_high = read_out("the larger curvature of the mean section")

    @traitlets.validate("n_up", "n_down")
    def _check_directions(self, proposal: Any) -> Any:
        counts = {"n_up": self.n_up, "n_down": self.n_down, proposal.trait.name: proposal.value}
        if sum(counts.values()) < _LEAST:
            raise RefusedValueError(
                f"n_up + n_down must be at least {_LEAST}, for a section to be curved both ways; "
                f"got n_up={counts['n_up']}, n_down={counts['n_down']}"
            )
        return proposal.value

    @property
    def eigenvalues(self) -> Floats:
        """Those of the Hessian, shape (n_up + n_down + 1,): first 1, then -1, and a 0 at the end."""
        return np.repeat([1.0, -1.0, 0.0], [self.n_up, self.n_down, 1])

    @property
    def trace(self) -> int:
        """t, the trace of the Hessian, to which both curvatures of the mean section go."""
        return self.n_up - self.n_down

    @property
    def square(self) -> int:
        """s, the trace of the square of the Hessian."""
        return self.n_up + self.n_down

    @property
    def expected(self) -> theory.SectionMoments:
        """What a section is on average, by `smbook.theory.curvature.section_moments`."""
        return theory.section_moments(self.trace, self.square)

    @property
    def saddle_probability(self) -> float:
        """The chance of a section to look like a saddle for many directions, exp(-t^2 / 4s) / sqrt(2)."""
        return float(theory.saddle_probability(self.trace, self.square))

    @property
    def saddle_probability_exact(self) -> float:
        """The chance of a section to look like a saddle for this many directions."""
        return theory.saddle_probability_exact(self.eigenvalues)

    def simulate(self, n_sections: int) -> Sections:
        """Return the sections that the page shows from Reset on.

        Parameters
        ----------
        n_sections
            Their number, at least 0.

        Raises
        ------
        TypeError, ValueError
            If it is no such number.

        Examples
        --------
        >>> lab = ProjectionLab(n_up=800, n_down=200)
        >>> found = lab.simulate(2000)
        >>> found.averages[-1].round(1), found.averaged[-1].round(1)
        (array([560.7, 640.1]), array([599.3, 601.6]))
        """
        n_sections = _checks.integer("n_sections", n_sections, minimum=0)
        return sections_of(self.eigenvalues, n_sections, rng=self.seed)


def sections_of(eigenvalues: Floats, n_sections: int, *, rng: int) -> Sections:
    """Return random sections of a Hessian of these eigenvalues."""
    state, (eta, delta) = seed_state(rng), np.empty((2, eigenvalues.size))
    forms, curvatures, averages = (np.empty((n_sections, width)) for width in (3, 2, 4))
    for first in range(0, n_sections, _AT_ONCE):
        kernels.draw_sections(state, eigenvalues, eta, delta, forms[first : first + _AT_ONCE])
    kernels.find_curvatures(forms, curvatures)
    kernels.note_sections(forms, curvatures, np.zeros(9), averages)
    return Sections(forms, curvatures, averages[:, :2].copy(), averages[:, 2:].copy())
