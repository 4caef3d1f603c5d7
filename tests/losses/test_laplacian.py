"""The Laplacian loss agrees with SciPy's Laplacian, ignores ramps and what pooling removes, and pulls on one image."""

import numpy as np
import pytest
import torch
from scipy.ndimage import laplace

from nstkit.losses import laplacian_loss


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, 3, 17, 22, dtype=torch.float64, generator=generator) for _ in range(2))


def edges(image, pool):
    """The Laplacian of the pooled channel sum of one image, by loops and SciPy."""
    height, width = image.shape[1] // pool, image.shape[2] // pool
    cells = (
        image[:, : height * pool, : width * pool].reshape(3, height, pool, width, pool).mean((2, 4)).sum(0)
    )
    return -laplace(cells)[1:-1, 1:-1]


@pytest.mark.parametrize("pool", [1, 3, 4, 5])
def test_it_agrees_with_scipy(pair, pool):
    terms = [
        np.square(edges(g, pool) - edges(c, pool)).sum()
        for g, c in zip(*(p.numpy() for p in pair), strict=True)
    ]
    np.testing.assert_allclose(float(laplacian_loss(*pair, pool)), np.mean(terms), rtol=1e-12)


def test_a_ramp_is_no_edge(pair):
    y, x = torch.arange(17.0, dtype=torch.float64)[:, None], torch.arange(22.0, dtype=torch.float64)
    assert float(laplacian_loss(pair[0], pair[0] + 0.3 + 0.1 * y - 0.2 * x)) < 1e-20


def test_what_the_pooling_averages_away_does_not_count(pair):
    checkerboard = 0.1 * (-1.0) ** (torch.arange(17)[:, None] + torch.arange(22))
    assert float(laplacian_loss(pair[0] + checkerboard, pair[0])) < 1e-20


def test_gradient_reaches_the_generated_image_alone(pair):
    generated, content = (image[:, :, :9, :8].clone().requires_grad_() for image in pair)
    assert torch.autograd.gradcheck(lambda g: laplacian_loss(g, content, 2), generated)
    laplacian_loss(generated, content, 2).backward()
    assert content.grad is None
    assert generated.grad is not None


def test_single_precision_and_strides(pair):
    single = [image.float().mT.contiguous().mT for image in pair]
    loss = laplacian_loss(*single)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss.double(), laplacian_loss(*pair), rtol=1e-4, atol=0)


def test_mistakes(pair):
    with pytest.raises(
        ValueError, match="pool: expected at least 3 x 3 cells, got 2 x 3 from 17 x 22 pixels"
    ):
        laplacian_loss(*pair, pool=7)
    with pytest.raises(ValueError, match="pool: expected at least 1, got 0"):
        laplacian_loss(*pair, pool=0)
    with pytest.raises(ValueError, match="content: expected the shape of generated"):
        laplacian_loss(pair[0], pair[1][:1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    torch.testing.assert_close(
        laplacian_loss(*(p.cuda() for p in pair)).cpu(), laplacian_loss(*pair), rtol=1e-10, atol=0
    )
