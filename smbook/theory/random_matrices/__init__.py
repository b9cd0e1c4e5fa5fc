"""Large random matrices: the bulk of the eigenvalues, what leaves it, and the largest one at finite size.

Symmetric matrices have independent entries of variance sigma^2 / N, so that the eigenvalues have the variance
sigma^2. Covariance matrices are X^T X / n of n samples of p features; their ratio is gamma = p / n.
"""

from __future__ import annotations

from smbook.theory.random_matrices.bulk import (
    Edges,
    marchenko_pastur,
    marchenko_pastur_atom,
    marchenko_pastur_cumulative,
    marchenko_pastur_edges,
    marchenko_pastur_moment,
    marchenko_pastur_quantile,
    semicircle,
    semicircle_cumulative,
    semicircle_edges,
    semicircle_moment,
    semicircle_quantile,
)
from smbook.theory.random_matrices.edge import (
    EdgeLaw,
    LawMoments,
    covariance_edge,
    tracy_widom,
    tracy_widom_moments,
    wigner_edge,
)
from smbook.theory.random_matrices.spikes import (
    Outlier,
    SingularOutlier,
    spiked_covariance,
    spiked_rectangular,
    spiked_wigner,
    spiked_wigner_signs,
)
from smbook.theory.random_matrices.wishart import wishart_density, wishart_mean, wishart_smallest

__all__ = [
    "EdgeLaw",
    "Edges",
    "LawMoments",
    "Outlier",
    "SingularOutlier",
    "covariance_edge",
    "marchenko_pastur",
    "marchenko_pastur_atom",
    "marchenko_pastur_cumulative",
    "marchenko_pastur_edges",
    "marchenko_pastur_moment",
    "marchenko_pastur_quantile",
    "semicircle",
    "semicircle_cumulative",
    "semicircle_edges",
    "semicircle_moment",
    "semicircle_quantile",
    "spiked_covariance",
    "spiked_rectangular",
    "spiked_wigner",
    "spiked_wigner_signs",
    "tracy_widom",
    "tracy_widom_moments",
    "wigner_edge",
    "wishart_density",
    "wishart_mean",
    "wishart_smallest",
]
