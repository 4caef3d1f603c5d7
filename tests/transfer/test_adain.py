"""AdaIN gives the style's statistics, leaves the content's arrangement, and agrees with torch's instance norm."""

import pytest
import torch
from torch.nn import functional as F

from nstkit.transfer import adain
from nstkit.transfer.adain import mean_and_deviation


@pytest.fixture
def pair():
    """Content (2, 5, 4, 7) and style (2, 5, 6, 3), float64, channels of different strength and mean."""
    g = torch.Generator().manual_seed(3)
    scale = torch.rand(2, 5, 1, 1, dtype=torch.float64, generator=g) * 3 + 0.2
    content = torch.randn(2, 5, 4, 7, dtype=torch.float64, generator=g) * scale + scale.flip(1)
    style = torch.randn(2, 5, 6, 3, dtype=torch.float64, generator=g) * scale.flip(0) - 0.3
    return content, style


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.3, 1.0, 2.5])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_it_agrees_with_instance_norm(pair, alpha, dtype, tolerance):
    content, style = (x.to(dtype) for x in pair)
    deviation = (style.var((2, 3), correction=0, keepdim=True) + 1e-5).sqrt()
    full = F.instance_norm(content, eps=1e-5) * deviation + style.mean((2, 3), keepdim=True)
    result = adain(content, style, alpha)
    assert result.dtype == dtype
    torch.testing.assert_close(result, content + alpha * (full - content), rtol=tolerance, atol=tolerance)


def test_the_statistics_are_the_styles(pair):
    content, style = pair
    result = adain(content, style, eps=0.0)
    torch.testing.assert_close(result.mean((2, 3)), style.mean((2, 3)), rtol=0, atol=1e-10)
    torch.testing.assert_close(
        result.var((2, 3), correction=0), style.var((2, 3), correction=0), rtol=1e-10, atol=0
    )


def test_a_picture_in_its_own_style_is_itself_and_alpha_0_is_the_content(pair):
    content, style = pair
    torch.testing.assert_close(adain(content, content), content, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(adain(content, style, 0.0), content, rtol=0, atol=0)


def test_where_things_are_in_the_style_does_not_matter(pair):
    content, style = pair
    order = torch.randperm(18, generator=torch.Generator().manual_seed(0))
    shuffled = style.flatten(2)[..., order].unflatten(2, (6, 3))
    torch.testing.assert_close(adain(content, shuffled), adain(content, style), rtol=1e-12, atol=1e-12)


def test_samples_do_not_mix(pair):
    content, style = pair
    singly = torch.cat([adain(c[None], s[None]) for c, s in zip(content, style, strict=True)])
    torch.testing.assert_close(adain(content, style), singly, rtol=1e-12, atol=1e-12)


def test_a_constant_channel_becomes_the_styles_mean(pair):
    _, style = pair
    result = adain(torch.full((2, 5, 3, 4), 7.0, dtype=torch.float64), style)
    torch.testing.assert_close(
        result, style.mean((2, 3), keepdim=True).expand(2, 5, 3, 4), rtol=0, atol=1e-10
    )


def test_gradients_are_right_in_both_and_the_layout_does_not_matter(pair):
    content, style = (x.detach() for x in pair)
    small = [x[:, :2, :3, :3].clone().requires_grad_() for x in (content, style)]
    assert torch.autograd.gradcheck(lambda c, s: adain(c, s, 0.7, 1e-2), small)
    strided = content.mT.contiguous().mT, style.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(adain(*strided), adain(content, style), rtol=1e-12, atol=1e-12)


def test_mean_and_deviation_are_the_populations(pair):
    content, _ = pair
    mean, deviation = mean_and_deviation(content, 0.25)
    rows = content.flatten(2)
    torch.testing.assert_close(mean[..., 0], rows.sum(2, keepdim=True) / 28)
    squares = ((rows - mean[..., 0]) ** 2).sum(2, keepdim=True) / 28
    torch.testing.assert_close(deviation[..., 0], (squares + 0.25) ** 0.5)


@pytest.mark.parametrize(("change", "words"), [
    ({"content": torch.ones(5, 4, 7)}, r"content: expected \(B, C, H, W\).*got \(5, 4, 7\)"),
    ({"style": torch.ones(2, 5, 28)}, r"style: expected \(B, C, H, W\).*got \(2, 5, 28\)"),
    ({"style": torch.ones(2, 4, 6, 3)}, r"style: expected the batch and channels of content, \(2, 5\), got \(2, 4\)"),
    ({"style": torch.ones(1, 5, 6, 3)}, r"got \(1, 5\); take both from one layer"),
    ({"alpha": float("nan")}, "alpha: expected a finite number, got nan"),
    ({"alpha": float("inf")}, "alpha: expected a finite number, got inf"),
    ({"eps": -1e-5}, "eps: expected 0 or more, got -1e-05"),
])  # fmt: skip
def test_mistakes_are_named(pair, change, words):
    arguments = {"content": pair[0], "style": pair[1]} | change
    with pytest.raises(ValueError, match=words):
        adain(**arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    content, style = pair
    gpu = adain(content.cuda(), style.cuda(), 0.6)
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), adain(content, style, 0.6), rtol=1e-10, atol=1e-12)
