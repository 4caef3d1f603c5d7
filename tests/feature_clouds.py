"""Clouds of feature vectors for the tests of domains and of style statistics."""

import torch


def cloud(n, d, seed=0, offset=0.7, dtype=torch.float64):
    """(n, d) correlated samples whose mean is far from zero."""
    random = torch.Generator().manual_seed(seed)
    mix = torch.randn(d, d, generator=random, dtype=torch.float64)
    rows = torch.randn(n, d, generator=random, dtype=torch.float64) @ mix
    return (rows + offset * torch.randn(d, generator=random, dtype=torch.float64)).to(dtype)
