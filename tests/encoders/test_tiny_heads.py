"""Heads: statistics under a mask, and losses that fall to zero for a perfect answer."""

import torch

from nstkit.encoders.tiny_heads import EPSILON, region_statistics


def test_region_statistics_against_indexing():
    draw = torch.Generator().manual_seed(0)
    features = torch.rand(3, 5, 8, 11, generator=draw)
    mask = (torch.rand(3, 1, 8, 11, generator=draw) < 0.4).float()
    measured = region_statistics(features, mask)
    assert measured.shape == (6, 10)
    for index in range(3):
        for row, region in ((index, mask[index, 0] == 0), (3 + index, mask[index, 0] == 1)):
            inside = features[index][:, region].double()
            expected = torch.cat([inside.mean(1), (inside.var(1, correction=0) + EPSILON).sqrt()])
            torch.testing.assert_close(measured[row].double(), expected, rtol=1e-2, atol=1e-3)


def test_a_mask_of_another_size_is_averaged_down():
    features = torch.rand(2, 3, 4, 6, generator=torch.Generator().manual_seed(1))
    mask = torch.zeros(2, 1, 16, 24)
    mask[..., :12] = 1  # the left half
    fine = region_statistics(features, mask)
    torch.testing.assert_close(fine[2:, :3], features[..., :3].mean((2, 3)), rtol=1e-2, atol=1e-3)
    torch.testing.assert_close(fine[:2, :3], features[..., 3:].mean((2, 3)), rtol=1e-2, atol=1e-3)
