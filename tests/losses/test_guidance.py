"""The guided Gram matrix is a weighted second moment: of a region for a binary mask, of everything for ones."""

import numpy as np
import pytest
import torch

from nstkit.losses import gram_matrix, guided_gram


@pytest.fixture
def features():
    return torch.randn(2, 5, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5


@pytest.fixture
def mask():
    return torch.rand(4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_it_agrees_with_a_sum_over_positions(features, mask):
    share = mask.numpy() ** 2 / (mask.numpy() ** 2).sum()
    expected = np.einsum("hw,bchw,bdhw->bcd", share, features.numpy(), features.numpy())
    np.testing.assert_allclose(guided_gram(features, mask).numpy(), expected, rtol=1e-12)


def test_all_ones_is_the_gram_matrix_over_positions(features):
    torch.testing.assert_close(
        guided_gram(features, torch.ones(4, 7)), gram_matrix(features, "hw"), rtol=1e-12, atol=0
    )


def test_a_binary_mask_is_the_mean_over_the_region(features):
    mask = torch.zeros(4, 7)
    mask[1:3, 2:6] = 1
    region = features[..., 1:3, 2:6].flatten(2)
    torch.testing.assert_close(guided_gram(features, mask), region @ region.mT / 8, rtol=1e-12, atol=0)


@pytest.mark.parametrize("scale", [1e-3, 7.0, 1e-200])
def test_the_scale_of_the_mask_does_not_count(features, mask, scale):
    torch.testing.assert_close(
        guided_gram(features, scale * mask), guided_gram(features, mask), rtol=1e-9, atol=0
    )


def test_one_image_alone(features, mask):
    torch.testing.assert_close(
        guided_gram(features[1], mask), guided_gram(features, mask)[1], rtol=1e-12, atol=0
    )


def test_gradient_dtype_and_strides(features, mask):
    assert torch.autograd.gradcheck(lambda f: guided_gram(f, mask), features[:, :2].clone().requires_grad_())
    single = guided_gram(features.float().mT.contiguous().mT, mask)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), guided_gram(features, mask), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (torch.ones(7, 4), r"mask: expected \(4, 7\) as feat has, got \(7, 4\); resize it to the layer"),
        (torch.zeros(4, 7), "mask: expected a number above 0 somewhere"),
        (-torch.ones(4, 7), "mask: expected finite numbers of at least 0"),
        (torch.ones(1, 4, 7), r"mask: expected \(H, W\)"),
    ],
)
def test_masks_that_are_refused(features, mask, words):
    with pytest.raises(ValueError, match=words):
        guided_gram(features, mask)


def test_features_that_are_refused(mask):
    with pytest.raises(ValueError, match=r"feat: expected \(C, H, W\) or \(B, C, H, W\)"):
        guided_gram(torch.ones(4, 7), mask)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(features, mask):
    gpu = guided_gram(features.cuda(), mask.cuda())
    torch.testing.assert_close(gpu.cpu(), guided_gram(features, mask), rtol=1e-10, atol=0)
