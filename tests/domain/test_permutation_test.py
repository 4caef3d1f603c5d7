"""The permutation p-value agrees with permuted matrices, and is roughly uniform where nothing differs."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud

from nstkit.domain import gaussian_kernel, mmd_permutation_pvalue
from nstkit.domain.arrays import mmd_permutation_pvalue as array_pvalue


def pooled_kernel(x, y):
    pooled = torch.cat([x, y])
    return gaussian_kernel(pooled, pooled, [1.0, 3.0])


def permutations(count, size, seed=0):
    random = torch.Generator().manual_seed(seed)
    return torch.stack([torch.randperm(size, generator=random) for _ in range(count)])


def by_permuted_matrices(kernel, m, perms):
    def statistic(k):
        return k[:m, :m].mean() + k[m:, m:].mean() - 2 * k[:m, m:].mean()

    kernel = kernel.numpy()
    observed = statistic(kernel)
    extreme = sum(statistic(kernel[np.ix_(p, p)]) >= observed - 1e-12 for p in perms.numpy())
    return (1 + extreme) / (len(perms) + 1)


@pytest.mark.parametrize("sizes", [(6, 9), (9, 6), (1, 7)], ids=str)
def test_it_agrees_with_permuted_matrices(sizes):
    m, n = sizes
    kernel, perms = pooled_kernel(cloud(m, 3, 0), cloud(n, 3, 0) + 0.4), permutations(200, m + n)
    assert mmd_permutation_pvalue(kernel, m, perms) == by_permuted_matrices(kernel, m, perms)


def test_splits_equal_to_the_observed_count_as_extreme():
    kernel = pooled_kernel(cloud(5, 3, 0), cloud(6, 3, 1))
    same = torch.arange(11).expand(20, 11)
    assert mmd_permutation_pvalue(kernel, 5, same) == 1.0
    assert mmd_permutation_pvalue(kernel, 5, same[:0]) == 1.0


def test_far_apart_sets_have_the_smallest_p_there_is():
    kernel = pooled_kernel(cloud(20, 2, 0), cloud(20, 2, 0) + 30)
    assert mmd_permutation_pvalue(kernel, 20, permutations(199, 40)) == 1 / 200


def test_equal_distributions_give_a_uniform_p():
    random = torch.Generator().manual_seed(3)
    perms = permutations(99, 24)
    values = []
    for _ in range(200):
        x, y = torch.randn(2, 12, 2, generator=random, dtype=torch.float64)
        values.append(mmd_permutation_pvalue(pooled_kernel(x, y), 12, perms))
    counts = np.histogram(values, bins=4, range=(0, 1))[0]
    assert np.sum((counts - 50) ** 2 / 50) < 16.3  # χ² with 3 degrees of freedom, p = 0.001


def test_single_precision_and_strides():
    kernel, perms = pooled_kernel(cloud(6, 3, 0), cloud(9, 3, 1)), permutations(100, 15)
    expected = by_permuted_matrices(kernel, 6, perms)
    assert mmd_permutation_pvalue(kernel.float(), 6, perms) == expected
    assert mmd_permutation_pvalue(kernel, 6, perms.T.contiguous().T) == expected
    assert array_pvalue(kernel.numpy(), 6, perms.numpy().astype(np.int32)) == expected


@pytest.mark.parametrize("m", [0, 15, -1])
def test_both_domains_must_have_samples(m):
    kernel = pooled_kernel(cloud(6, 3, 0), cloud(9, 3, 1))
    with pytest.raises(ValueError, match=f"m: expected 1 to 14, so that both domains have samples, got {m}"):
        mmd_permutation_pvalue(kernel, m, permutations(5, 15))


def test_what_is_no_kernel_and_no_permutation_is_refused():
    kernel = pooled_kernel(cloud(6, 3, 0), cloud(9, 3, 1))
    with pytest.raises(ValueError, match=r"kernel: expected \(N, N\), got \(6, 15\)"):
        mmd_permutation_pvalue(kernel[:6], 3, permutations(5, 15))
    with pytest.raises(ValueError, match=r"perms: expected \(B, 15\), got \(5, 14\)"):
        mmd_permutation_pvalue(kernel, 6, permutations(5, 14))
    with pytest.raises(ValueError, match="perms: expected each of 0 … 14 once in every row"):
        mmd_permutation_pvalue(kernel, 6, torch.zeros(5, 15, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"perms: expected int64 indices, got torch\.float32"):
        mmd_permutation_pvalue(kernel, 6, permutations(5, 15).float())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    kernel, perms = pooled_kernel(cloud(6, 3, 0), cloud(9, 3, 1)), permutations(100, 15)
    assert mmd_permutation_pvalue(kernel.cuda(), 6, perms.cuda()) == mmd_permutation_pvalue(kernel, 6, perms)
