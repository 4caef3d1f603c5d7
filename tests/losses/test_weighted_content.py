"""A constant weight is the plain mean square; only proportions count; a region counts as much as its weight says."""

import pytest
import torch
from torch.nn.functional import mse_loss

from nstkit.losses import weighted_content_loss


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, 5, 6, 8, dtype=torch.float64, generator=generator) for _ in range(2))


@pytest.fixture
def weight():
    return torch.rand(24, 16, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def by_loops(feat, target, weight):
    """Cells of 4 x 2 pixels, one by one."""
    cells = torch.stack(
        [
            torch.stack([weight[4 * y : 4 * y + 4, 2 * x : 2 * x + 2].mean() for x in range(8)])
            for y in range(6)
        ]
    )
    return (cells / cells.mean() * (feat - target) ** 2).mean()


def test_it_agrees_with_loops(pair, weight):
    torch.testing.assert_close(
        weighted_content_loss(*pair, weight), by_loops(*pair, weight), rtol=1e-12, atol=0
    )


def test_a_constant_weight_is_the_mean_square_at_any_size(pair):
    for size in ((6, 8), (23, 17), (2, 3)):
        torch.testing.assert_close(
            weighted_content_loss(*pair, torch.full(size, 3.0)), mse_loss(*pair), rtol=1e-6, atol=0
        )


def test_only_proportions_count(pair, weight):
    torch.testing.assert_close(
        weighted_content_loss(*pair, 1e-6 * weight), weighted_content_loss(*pair, weight), rtol=1e-9, atol=0
    )


def test_a_thin_part_of_the_mask_is_not_missed(pair):
    thin = torch.zeros(24, 16, dtype=torch.float64)
    thin[5, 3] = 1.0  # one pixel: nearest sampling would lose it
    expected = 48 * (pair[0] - pair[1])[:, :, 1, 1].square().sum() / pair[0].numel()
    torch.testing.assert_close(weighted_content_loss(*pair, thin), expected, rtol=1e-12, atol=0)


def test_gradient_reaches_the_features_alone(pair, weight):
    feat, target = (p[:, :2].clone().requires_grad_() for p in pair)
    heavy = weight.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: weighted_content_loss(f, target, heavy), feat)
    weighted_content_loss(feat, target, heavy).backward()
    assert target.grad is None
    assert heavy.grad is None


def test_single_precision_and_strides(pair, weight):
    single = [p.float().mT.contiguous().mT for p in pair]
    loss = weighted_content_loss(*single, weight)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), weighted_content_loss(*pair, weight), rtol=1e-5, atol=0)


@pytest.mark.parametrize(
    ("weight", "words"),
    [
        (torch.zeros(6, 8), "weight: expected a number above 0 somewhere, got zeros only"),
        (-torch.ones(6, 8), "weight: expected finite numbers of at least 0, got others"),
        (torch.ones(2, 6, 8), r"weight: expected \(H, W\), got \(2, 6, 8\)"),
        (torch.full((6, 8), float("nan")), "weight: expected finite numbers"),
    ],
)
def test_weights_that_are_refused(pair, weight, words):
    with pytest.raises(ValueError, match=words):
        weighted_content_loss(*pair, weight)


def test_shapes_that_differ_are_refused(pair, weight):
    with pytest.raises(ValueError, match="target: expected the shape of feat"):
        weighted_content_loss(pair[0], pair[1][:, :4], weight)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair, weight):
    gpu = weighted_content_loss(*(p.cuda() for p in pair), weight.cuda())
    torch.testing.assert_close(gpu.cpu(), weighted_content_loss(*pair, weight), rtol=1e-10, atol=0)
