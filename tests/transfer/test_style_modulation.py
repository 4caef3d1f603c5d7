"""Modulation is instance norm and a dense layer, and its means and deviations are what the code says."""

import pytest
import torch
from torch.nn import functional as F

from nstkit.transfer import ConditionalInstanceNorm, style_modulation


def draw(dtype=torch.float64):
    g = torch.Generator().manual_seed(14)
    shapes = [(3, 4, 3, 5), (3, 6), (8, 6), (8,)]
    return [torch.randn(*shape, dtype=dtype, generator=g) for shape in shapes]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
@pytest.mark.parametrize("eps", [1e-5, 0.3])
def test_it_is_instance_norm_and_a_dense_layer(dtype, tolerance, eps):
    x, code, weight, bias = draw(dtype)
    p = F.linear(code, weight, bias)
    expected = p[:, :4, None, None] * F.instance_norm(x, eps=eps) + p[:, 4:, None, None]
    result = style_modulation(x, code, weight, bias, eps)
    assert result.dtype == dtype
    torch.testing.assert_close(result, expected, rtol=tolerance, atol=tolerance)


def test_means_are_the_shifts_and_one_pixel_gives_the_shift():
    x, code, weight, bias = draw()
    shift = (code @ weight.T + bias)[:, 4:]
    torch.testing.assert_close(style_modulation(x, code, weight, bias).mean((2, 3)), shift)
    torch.testing.assert_close(style_modulation(x[:, :, :1, :1], code, weight, bias)[..., 0, 0], shift)


def test_gradients_and_layout():
    x, code, weight, bias = draw()
    leaves = [t.clone().requires_grad_() for t in (x[:, :, :2, :3], code, weight, bias)]
    assert torch.autograd.gradcheck(lambda *t: style_modulation(*t, 1e-2), leaves)
    strided = style_modulation(x.mT.contiguous().mT, code, weight, bias)
    torch.testing.assert_close(strided, style_modulation(x, code, weight, bias))


def test_the_layer_starts_as_plain_instance_norm_and_learns_codes():
    x, code, _, _ = draw(torch.float32)
    layer = ConditionalInstanceNorm(4, 6)
    torch.testing.assert_close(layer(x, code), F.instance_norm(x), rtol=1e-4, atol=1e-4)
    layer(x, code).square().sum().backward()
    assert layer.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(("position", "value", "words"), [
    (0, torch.ones(4, 3, 5), r"x: expected \(B, C, H, W\)"),
    (1, torch.ones(2, 6), r"code: expected \(3, S\), one row for each sample, got \(2, 6\)"),
    (2, torch.ones(4, 6), r"weight: expected \(8, 6\) for 4 channels, got \(4, 6\)"),
    (2, torch.ones(8, 5), r"weight: expected \(8, 6\)"),
    (3, torch.ones(4), r"bias: expected \(8,\), got \(4,\)"),
    (4, 0.0, "eps: expected a positive number, got 0"),
])  # fmt: skip
def test_mistakes_are_named(position, value, words):
    arguments = [*draw(), 1e-5]
    arguments[position] = value
    with pytest.raises(ValueError, match=words):
        style_modulation(*arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = style_modulation(*(t.cuda() for t in draw()))
    torch.testing.assert_close(gpu.cpu(), style_modulation(*draw()), rtol=1e-10, atol=1e-12)
