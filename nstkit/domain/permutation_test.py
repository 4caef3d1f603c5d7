"""Is an MMD large, or would any split of the pooled samples give one like it? The permutation test.

Gretton et al., JMLR 13 (2012), Section 5; the +1 that keeps p from being 0: Phipson & Smyth, Statistical
Applications in Genetics and Molecular Biology 9 (2010), arXiv:1603.05766.
"""

import torch
from torch import Tensor


def mmd_permutation_pvalue(kernel: Tensor, m: int, perms: Tensor) -> float:
    """The share of splits, the observed one counted once, whose biased MMD² is at least the observed.

    p = (1 + #{b: T(perm_b) ≥ T_observed − 1e-12}) / (B + 1). With weights a_i = 1/m for the first domain and
    −1/(N − m) for the other, T = aᵀ K a: B splits are two matrix products, and no matrix is permuted.

    Args:
        kernel: K, (N, N), symmetric: k of every pair of the pooled sample, domain X first.
        m: Size of X, 1 … N − 1.
        perms: (B, N), int64. Split b calls perms[b, :m] X and the rest Y, as in kernel[perm][:, perm].

    Returns:
        p, in (0, 1].

    Raises:
        ValueError: `kernel` is not square, `m` is not in 1 … N − 1, or a row of `perms` is no permutation of N.
    """
    _check(kernel, m, perms)
    size = len(kernel)
    weights = torch.full((size,), -1 / (size - m), dtype=kernel.dtype, device=kernel.device)
    weights[:m] = 1 / m
    observed = weights @ kernel @ weights
    labels = torch.empty(perms.shape, dtype=kernel.dtype, device=kernel.device)
    labels.scatter_(1, perms, weights.expand(perms.shape))  # (B, N): the weight of each sample in each split
    permuted = ((labels @ kernel) * labels).sum(1)
    extreme = int((permuted >= observed - 1e-12).sum())
    return (1 + extreme) / (len(perms) + 1)


def _check(kernel: Tensor, m: int, perms: Tensor) -> None:
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"kernel: expected (N, N), got {tuple(kernel.shape)}; pool both domains first")
    size = len(kernel)
    if not 1 <= m <= size - 1:
        raise ValueError(f"m: expected 1 to {size - 1}, so that both domains have samples, got {m}")
    if perms.ndim != 2 or perms.shape[1] != size:
        raise ValueError(f"perms: expected (B, {size}), got {tuple(perms.shape)}; one permutation in a row")
    if perms.dtype != torch.int64:
        raise ValueError(f"perms: expected int64 indices, got {perms.dtype}; convert with .long()")
    if not torch.equal(perms.sort(1).values, torch.arange(size, device=perms.device).expand(perms.shape)):
        raise ValueError(f"perms: expected each of 0 … {size - 1} once in every row; use torch.randperm")
