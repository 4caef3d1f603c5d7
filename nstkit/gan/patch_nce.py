"""Patch-wise contrast: each output patch should recognise the input patch that it was made from.

Park, Efros, Zhang & Zhu, "Contrastive Learning for Unpaired Image-to-Image Translation", ECCV 2020,
arXiv:2007.15651, Eq. 2 and 3: the one-sided replacement of the cycle in CUT.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize


def patch_nce_loss(query: Tensor, key: Tensor, tau: float = 0.07) -> Tensor:
    """Mean over i of -l_ii + log Σ_j exp l_ij, with l = q kᵀ/τ for rows q, k of length 1.

    Args:
        query: (S, C), features of the output at S positions; or (B, S, C), where the patches of each image are
            contrasted with each other and never across images.
        key: the same shape, features of the *input* at the same positions. A constant.
        tau: temperature, > 0.

    Returns:
        0-d, differentiable in `query`.

    Raises:
        ValueError: The shapes differ or are no (S, C) or (B, S, C), S < 2, or τ ≤ 0.

    Source: Park et al., ECCV 2020, Eq. 2 and 3.
    """
    if query.ndim not in (2, 3) or 0 in query.shape or query.shape[-2] < 2:
        raise ValueError(
            f"query: expected (S, C) or (B, S, C) with at least two positions, got {tuple(query.shape)}"
        )
    if key.shape != query.shape:
        raise ValueError(f"key: expected the shape of query, {tuple(query.shape)}, got {tuple(key.shape)}")
    if not tau > 0:
        raise ValueError(f"tau: expected a number above 0, got {tau}")
    queries, keys = normalize(query, dim=-1), normalize(key.detach(), dim=-1)
    logits = (queries @ keys.mT / tau).flatten(0, -2)  # (B·S, S): each query against all keys of its image
    positives = torch.arange(query.shape[-2], device=query.device).repeat(len(logits) // query.shape[-2])
    return cross_entropy(logits, positives)
