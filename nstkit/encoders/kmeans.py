"""Filters learned by k-means, layer by layer (Coates and Ng, "Learning feature representations with K-means", 2012).

Patches are centred, whitened and clustered on the sphere; each centre, carried back through the whitening, is
the kernel of one convolution.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional as F


def kmeans_filters(
    maps: Tensor, count: int, size: int, generator: Generator, *, each: int = 400, rounds: int = 12
) -> tuple[Tensor, Tensor]:
    """Learn a convolution whose kernels are the typical patches of some feature maps.

    Args:
        maps: (N, C, H, W) pictures or features.
        count: how many filters to learn.
        size: height and width of a filter in pixels.
        generator: the source of the patches and of the first centres.
        each: how many patches to look at in each picture.
        rounds: rounds of k-means.

    Returns:
        weight (count, C, size, size) and bias (count,), such that a response has mean near zero and unit
        deviation over the patches, less a quarter, so that weak matches stay silent after a ReLU.
    """
    data = _draw_patches(maps, size, each, generator)
    mean = data.mean(0)
    whitening = _whitening(data - mean)
    white = (data - mean) @ whitening
    centres = spherical_kmeans(white, count, rounds, generator)
    kernels = centres @ whitening.T
    kernels = kernels / ((data - mean) @ kernels.T).std(0).unsqueeze(1)
    bias = -(kernels @ mean) - 0.25
    return kernels.view(count, maps.shape[1], size, size), bias


def spherical_kmeans(data: Tensor, count: int, rounds: int, generator: Generator) -> Tensor:
    """Unit centres (count, D) that maximise the summed |cosine-weighted| fit to `data` (M, D).

    A patch belongs to the centre with the largest inner product; empty centres are drawn anew from the data.
    """
    centres = F.normalize(data[torch.randperm(len(data), generator=generator)[:count]], dim=1)
    for _ in range(rounds):
        fit, owner = (data @ centres.T).max(dim=1)
        sums = torch.zeros_like(centres).index_add_(0, owner, data * fit.unsqueeze(1))
        empty = sums.norm(dim=1) < 1e-6
        fresh = torch.randperm(len(data), generator=generator)[: int(empty.sum())]
        sums[empty] = data[fresh]
        centres = F.normalize(sums, dim=1)
    return centres


def _draw_patches(maps: Tensor, size: int, each: int, generator: Generator) -> Tensor:
    rows = []
    for picture in maps:
        unfolded = F.unfold(picture.unsqueeze(0), size).squeeze(0).T  # (positions, C * size * size)
        rows.append(unfolded[torch.randperm(len(unfolded), generator=generator)[:each]])
    return torch.cat(rows)


def _whitening(centred: Tensor, floor: float = 0.02) -> Tensor:
    """ZCA: the symmetric matrix that makes the covariance nearly the identity.

    `floor`, a share of the mean variance, keeps noise from being blown up.
    """
    covariance = (centred.T @ centred).double() / len(centred)
    values, vectors = torch.linalg.eigh(covariance)
    values = values.clamp(min=0) + floor * values.mean()
    return ((vectors * values.rsqrt()) @ vectors.T).to(centred.dtype)
