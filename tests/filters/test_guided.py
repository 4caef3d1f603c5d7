"""The guided filter is a ridge regression in every window, written out with loops; its limits are box means."""

import numpy as np
import pytest
import torch

from nstkit.filters import box_mean, guided_filter


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(2, 3, 8, 11, dtype=torch.float64, generator=generator) for _ in range(2))


def by_least_squares(guide, src, radius, eps):
    """Per window the minimiser of Σ (a I + b - p)² + eps a², by the 2 x 2 normal equations; then averaged."""
    height, width = guide.shape
    line = np.zeros((height, width, 2))
    for y in range(height):
        for x in range(width):
            rows, columns = (
                slice(max(y - radius, 0), y + radius + 1),
                slice(max(x - radius, 0), x + radius + 1),
            )
            i, p = guide[rows, columns].ravel(), src[rows, columns].ravel()
            design = np.stack([i, np.ones_like(i)], 1)
            normal = design.T @ design + len(i) * eps * np.diag([1.0, 0.0])
            line[y, x] = np.linalg.solve(normal, design.T @ p)
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            window = line[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
            a, b = window.reshape(-1, 2).mean(0)
            out[y, x] = a * guide[y, x] + b
    return out


@pytest.mark.parametrize(("radius", "eps"), [(1, 1e-2), (3, 1e-4), (20, 0.3)])
def test_it_is_a_regression_in_every_window(pair, radius, eps):
    result = guided_filter(*pair, radius, eps).flatten(0, 1).numpy()
    for got, guide, src in zip(result, *(p.flatten(0, 1).numpy() for p in pair), strict=True):
        np.testing.assert_allclose(got, by_least_squares(guide, src, radius, eps), atol=1e-10)


def test_limits(pair):
    guide, src = pair
    twice = box_mean(box_mean(src, 2), 2)
    torch.testing.assert_close(
        guided_filter(torch.full_like(guide, 0.3), src, 2, 0.01), twice, rtol=0, atol=1e-12
    )
    torch.testing.assert_close(guided_filter(guide, src, 2, 1e9), twice, rtol=0, atol=1e-6)
    line = 0.4 * guide + 0.1
    torch.testing.assert_close(guided_filter(guide, line, 2, 1e-12), line, rtol=0, atol=1e-8)


def test_one_guide_for_all_channels(pair):
    guide, src = pair[0][:, :1], pair[1]
    singly = torch.cat([guided_filter(guide, src[:, k : k + 1], 2, 0.01) for k in range(3)], 1)
    torch.testing.assert_close(guided_filter(guide, src, 2, 0.01), singly, rtol=0, atol=1e-14)


def test_single_precision_far_from_zero(pair):
    """A variance as the difference of two large numbers would be lost in float32."""
    guide, src = pair[0] + 100, pair[1]
    single = guided_filter(guide.float(), src.float().mT.contiguous().mT, 2, 1e-3)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), guided_filter(guide, src, 2, 1e-3), rtol=0, atol=2e-3)


def test_gradients(pair):
    small = [image[:, :1, :4, :5].clone().requires_grad_() for image in pair]
    assert torch.autograd.gradcheck(lambda i, p: guided_filter(i, p, 1, 0.05), small)


@pytest.mark.parametrize(
    ("radius", "eps", "words"),
    [
        (0, 0.1, "radius: expected a whole number of at least 1, got 0"),
        (1, 0.0, "eps: expected a finite number above 0"),
    ],
)
def test_mistakes(pair, radius, eps, words):
    with pytest.raises(ValueError, match=words):
        guided_filter(*pair, radius, eps)
    with pytest.raises(
        ValueError, match=r"guide: expected the shape of src, \(2, 3, 8, 11\), or one channel of it"
    ):
        guided_filter(pair[0][:, :2], pair[1], 1, 0.1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    gpu = guided_filter(*(image.cuda() for image in pair), 2, 0.01)
    torch.testing.assert_close(gpu.cpu(), guided_filter(*pair, 2, 0.01), rtol=0, atol=1e-11)
