"""Shifted Gram matrices agree with loops over the overlap, and with the Gram matrix where nothing is shifted."""

import numpy as np
import pytest
import torch

from nstkit.losses import gram_matrix, shifted_gram


@pytest.fixture
def features():
    return torch.randn(2, 5, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) + 0.5


def by_loops(features, dy, dx):
    batch, channels, height, width = features.shape
    array, result = features.numpy(), np.zeros((batch, channels, channels))
    for y in range(height - dy):
        for x in range(width - dx):
            result += array[:, :, y, x][:, :, None] * array[:, :, y + dy, x + dx][:, None, :]
    return torch.from_numpy(result / (channels * (height - dy) * (width - dx)))


@pytest.mark.parametrize("shift", [(0, 0), (1, 0), (0, 2), (2, 3), (3, 6)])
def test_it_agrees_with_loops(features, shift):
    torch.testing.assert_close(
        shifted_gram(features, *shift), by_loops(features, *shift), rtol=1e-12, atol=1e-14
    )


def test_without_a_shift_it_is_the_gram_matrix(features):
    torch.testing.assert_close(shifted_gram(features, 0, 0), gram_matrix(features), rtol=1e-12, atol=0)


def test_the_shift_the_other_way_is_the_transpose(features):
    flipped = features.flip(2, 3)
    torch.testing.assert_close(
        shifted_gram(flipped, 1, 2), shifted_gram(features, 1, 2).mT, rtol=1e-12, atol=1e-15
    )


def test_it_sees_a_period_to_which_the_gram_matrix_is_blind():
    stripes = torch.tensor([1.0, 1, 0, 0] * 3, dtype=torch.float64).expand(1, 2, 5, 12).clone()
    shuffled = stripes[..., torch.tensor([0, 4, 8, 2, 6, 10, 1, 5, 9, 3, 7, 11])]
    torch.testing.assert_close(gram_matrix(shuffled), gram_matrix(stripes))
    # half of the products are 1, divided by C = 2
    assert float(shifted_gram(stripes, 0, 4)[0, 0, 1]) == pytest.approx(0.25)
    assert shifted_gram(shuffled, 0, 4)[0, 0, 1] < 0.15


def test_dtype_layout_and_half_precision(features):
    single = shifted_gram(features.float(), 1, 2)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), shifted_gram(features, 1, 2), rtol=1e-4, atol=1e-6)
    strided = features.mT.contiguous().mT
    torch.testing.assert_close(
        shifted_gram(strided, 1, 2), shifted_gram(features, 1, 2), rtol=1e-12, atol=1e-15
    )
    strong = torch.full((2, 3, 41, 50), 30.0, dtype=torch.float16)
    assert torch.isfinite(shifted_gram(strong, 1, 0)).all()


def test_derivatives_agree_with_finite_differences(features):
    leaf = features[:, :3, :3, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: shifted_gram(f, 1, 2), leaf)


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        ((4, 0), r"dy: expected 0 … 3, .*got 4"),
        ((0, 7), r"dx: expected 0 … 6, .*got 7"),
        ((-1, 0), r"dy: expected 0 … 3, .*got -1; for a shift the other way transpose"),
    ],
)
def test_a_shift_out_of_the_map_is_refused(features, shift, message):
    with pytest.raises(ValueError, match=message):
        shifted_gram(features, *shift)


def test_what_is_no_feature_map_is_refused(features):
    with pytest.raises(ValueError, match=r"features: expected \(B, C, H, W\)"):
        shifted_gram(features[0], 0, 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(features):
    gpu = shifted_gram(features.cuda(), 1, 2)
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), shifted_gram(features, 1, 2), rtol=1e-10, atol=1e-12)
