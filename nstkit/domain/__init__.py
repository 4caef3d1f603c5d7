"""Domains: distances between distributions of features."""

from nstkit.domain.mmd import gram_mmd2

__all__ = ["gram_mmd2"]
