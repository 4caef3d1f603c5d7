"""Domains: distances between distributions of features, and the remedies that shrink them."""

from nstkit.domain.adversarial_step import domain_adversarial_step
from nstkit.domain.coral import coral_loss
from nstkit.domain.feature_sets import mean_and_covariance
from nstkit.domain.frechet import frechet_distance
from nstkit.domain.gaussian_mmd import gaussian_kernel, median_distance, mmd2
from nstkit.domain.gradient_reversal import gradient_reverse
from nstkit.domain.matrix_root import symmetric_root
from nstkit.domain.mmd import gram_mmd2
from nstkit.domain.permutation_test import mmd_permutation_pvalue
from nstkit.domain.proxy_distance import proxy_a_distance
from nstkit.domain.whitening import whiten_color_map

__all__ = [
    "coral_loss",
    "domain_adversarial_step",
    "frechet_distance",
    "gaussian_kernel",
    "gradient_reverse",
    "gram_mmd2",
    "mean_and_covariance",
    "median_distance",
    "mmd2",
    "mmd_permutation_pvalue",
    "proxy_a_distance",
    "symmetric_root",
    "whiten_color_map",
]
