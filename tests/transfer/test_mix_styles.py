"""A mix of styles is one AdaIN towards the mean of their means and of their deviations."""

import pytest
import torch

from nstkit.transfer import adain, mix_styles
from nstkit.transfer.adain import mean_and_deviation


@pytest.fixture
def scene():
    generator = torch.Generator().manual_seed(0)
    shapes = ((2, 5, 6, 9), (2, 5, 3, 4), (2, 5, 8, 7), (2, 5, 6, 9))
    content, *styles = (torch.randn(*shape, dtype=torch.float64, generator=generator) for shape in shapes)
    return content, [styles[0], 4 * styles[1] + 1, 0.2 * styles[2] - 3]


def test_the_statistics_are_mixed_linearly(scene):
    content, styles = scene
    result = mix_styles(content, styles, [1.0, 2.0, 5.0])
    mean, deviation = mean_and_deviation(result)
    parts = [mean_and_deviation(style) for style in styles]
    shares = [1 / 8, 2 / 8, 5 / 8]
    torch.testing.assert_close(
        mean, sum(w * p[0] for w, p in zip(shares, parts, strict=True)), rtol=0, atol=1e-12
    )
    torch.testing.assert_close(
        deviation, sum(w * p[1] for w, p in zip(shares, parts, strict=True)), rtol=1e-4, atol=0
    )


def test_one_style_alone_is_adain(scene):
    content, styles = scene
    torch.testing.assert_close(
        mix_styles(content, styles, [0, 3, 0]), adain(content, styles[1]), rtol=0, atol=1e-12
    )


def test_the_scale_of_the_weights_does_not_count(scene):
    torch.testing.assert_close(
        mix_styles(*scene, [2, 4, 6]), mix_styles(*scene, [1, 2, 3]), rtol=0, atol=1e-12
    )


def test_gradients_and_dtype(scene):
    content, styles = scene
    leaves = [x[:, :2, :2, :3].clone().requires_grad_() for x in (content, *styles)]
    assert torch.autograd.gradcheck(lambda c, *s: mix_styles(c, s, [1, 2, 3]), leaves)
    assert mix_styles(content.float(), [s.float() for s in styles], [1, 2, 3]).dtype == torch.float32


@pytest.mark.parametrize("weights", [[1, 2], [1, 2, -3], [0, 0, 0], [1, float("nan"), 1], []])
def test_weights_that_are_refused(scene, weights):
    with pytest.raises(ValueError, match="weights: expected"):
        mix_styles(*scene, weights)


def test_batches_that_differ_are_refused(scene):
    with pytest.raises(ValueError, match="style: expected the batch and channels of content"):
        mix_styles(scene[0], [scene[1][0][:1]], [1.0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(scene):
    content, styles = scene
    gpu = mix_styles(content.cuda(), [s.cuda() for s in styles], [1, 2, 5])
    torch.testing.assert_close(gpu.cpu(), mix_styles(content, styles, [1, 2, 5]), rtol=0, atol=1e-12)
