"""A dense layer slid over a map equals the dense layer on every crop; costs equal torch's own counts."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from nstkit.encoders import dense_as_conv, layer_cost


def draw(dtype=torch.float64):
    g = torch.Generator().manual_seed(6)
    shapes = [(2, 4, 6, 9), (5, 4 * 2 * 3), (5,)]
    return [torch.randn(*s, dtype=dtype, generator=g) for s in shapes]


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_it_is_the_dense_layer_on_every_crop(dtype, tolerance):
    feat, weight, bias = draw(dtype)
    result = dense_as_conv(feat, weight, bias, (2, 3))
    assert result.shape == (2, 5, 5, 7)
    assert result.dtype == dtype
    for y in range(5):
        for x in range(7):
            crop = F.linear(feat[:, :, y : y + 2, x : x + 3].flatten(1), weight, bias)
            torch.testing.assert_close(result[:, :, y, x], crop, rtol=tolerance, atol=tolerance)


def test_on_a_map_of_the_kernels_size_it_is_the_layer():
    feat, weight, bias = draw()
    crop = feat[:, :, :2, :3]
    torch.testing.assert_close(
        dense_as_conv(crop, weight, bias, (2, 3))[:, :, 0, 0], F.linear(crop.flatten(1), weight, bias)
    )


def test_gradients_are_right_and_the_layout_does_not_matter():
    feat, weight, bias = draw()
    small = [x.clone().requires_grad_() for x in (feat[:, :, :3, :4], weight, bias)]
    assert torch.autograd.gradcheck(lambda *tensors: dense_as_conv(*tensors, (2, 3)), small)
    strided = dense_as_conv(feat.mT.contiguous().mT, weight.T.contiguous().T, bias, (2, 3))
    torch.testing.assert_close(strided, dense_as_conv(feat, weight, bias, (2, 3)))


@pytest.mark.parametrize(("change", "words"), [
    ({"feat": torch.ones(4, 6, 9)}, r"feat: expected \(N, C, H, W\), got \(4, 6, 9\)"),
    ({"weight": torch.ones(5, 23)}, r"weight: expected \(O, 24\) for 4 channels of 2 x 3, got \(5, 23\)"),
    ({"bias": torch.ones(4)}, r"bias: expected \(5,\)"),
    ({"kernel_hw": (7, 3)}, "kernel_hw: expected at least 1 x 1 and at most the map's 6 x 9, got 7 x 3"),
    ({"kernel_hw": (0, 3)}, "kernel_hw"),
])  # fmt: skip
def test_mistakes_are_named(change, words):
    arguments = dict(zip(("feat", "weight", "bias"), draw(), strict=True)) | {"kernel_hw": (2, 3)} | change
    with pytest.raises(ValueError, match=words):
        dense_as_conv(**arguments)


@pytest.mark.parametrize("size", [(2, 3, 4, 5, 3), (1, 1, 1, 1, 1), (3, 2, 1, 6, 5)])
def test_costs_are_what_torch_counts(size):
    h, w, c_in, c_out, k = size
    cost = layer_cost(*size)
    dense = nn.Linear(c_in * h * w, c_out * h * w)
    convolution = nn.Conv2d(c_in, c_out, k, padding=k // 2)
    assert cost["dense_params"] == sum(p.numel() for p in dense.parameters())
    assert cost["conv_params"] == sum(p.numel() for p in convolution.parameters())
    assert cost["dense_macs"] == dense.weight.numel()
    assert cost["conv_macs"] == convolution.weight.numel() * h * w


def test_large_layers_do_not_overflow_and_sizes_below_one_are_refused():
    assert layer_cost(4096, 4096, 512, 512, 3)["dense_macs"] == (512 * 4096 * 4096) ** 2
    for position in range(5):
        size = [2, 3, 4, 5, 3]
        size[position] = 0
        with pytest.raises(ValueError, match="expected at least 1, got 0"):
            layer_cost(*size)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = dense_as_conv(*(x.cuda() for x in draw()), (2, 3))
    torch.testing.assert_close(gpu.cpu(), dense_as_conv(*draw(), (2, 3)), rtol=1e-10, atol=1e-12)
