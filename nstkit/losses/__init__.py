"""Losses: how far a picture's features are from the content, and their statistics from the style.

Pure functions of tensors. Those that sum over layers take the mappings that an encoder returns.
"""

from nstkit.losses.blur import blur_losses
from nstkit.losses.content import content_loss
from nstkit.losses.contextual import contextual_loss
from nstkit.losses.gap import content_style_gap
from nstkit.losses.gatys import gatys_style_loss
from nstkit.losses.gram import gram_matrix
from nstkit.losses.guidance import guided_gram
from nstkit.losses.histogram import histogram_loss
from nstkit.losses.laplacian import laplacian_loss
from nstkit.losses.moments import moment_matching_loss
from nstkit.losses.objective import nst_objective
from nstkit.losses.patch import patch_loss
from nstkit.losses.relaxed_emd import (
    absolute_moment_loss,
    hypercolumns,
    relaxed_emd_loss,
    self_similarity_loss,
)
from nstkit.losses.sharpness import laplacian_variance, sharpness_gap
from nstkit.losses.shifted_gram import shifted_gram
from nstkit.losses.sliced_wasserstein import sliced_wasserstein_loss
from nstkit.losses.style_distance import style_distance
from nstkit.losses.total_variation import nine_point_variation, total_variation
from nstkit.losses.uncertainty import uncertainty_weighted_loss
from nstkit.losses.wasserstein import gaussian_wasserstein, wasserstein_loss
from nstkit.losses.weighted_content import weighted_content_loss
from nstkit.losses.weighted_total import weighted_total

__all__ = [
    "absolute_moment_loss",
    "blur_losses",
    "content_loss",
    "content_style_gap",
    "contextual_loss",
    "gatys_style_loss",
    "gaussian_wasserstein",
    "gram_matrix",
    "guided_gram",
    "histogram_loss",
    "hypercolumns",
    "laplacian_loss",
    "laplacian_variance",
    "moment_matching_loss",
    "nine_point_variation",
    "nst_objective",
    "patch_loss",
    "relaxed_emd_loss",
    "self_similarity_loss",
    "sharpness_gap",
    "shifted_gram",
    "sliced_wasserstein_loss",
    "style_distance",
    "total_variation",
    "uncertainty_weighted_loss",
    "wasserstein_loss",
    "weighted_content_loss",
    "weighted_total",
]
