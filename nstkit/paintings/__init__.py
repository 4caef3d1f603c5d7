"""Paintings: style pictures drawn by code, so that there is something to transfer from without a download."""

from nstkit.paintings.gallery import paint, painting_names

__all__ = ["paint", "painting_names"]
