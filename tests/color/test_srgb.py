"""The sRGB curve: continuous, invertible, as in IEC 61966-2-1, and never steeper than a gradient can bear."""

import math

import pytest
import torch

from nstkit.color import linear_to_srgb, srgb_to_linear


def decoded(code):
    """IEC 61966-2-1 for one number."""
    return code / 12.92 if code <= 0.04045 else math.pow((code + 0.055) / 1.055, 2.4)


@pytest.mark.parametrize(("dtype", "rtol"), [(torch.float64, 1e-14), (torch.float32, 2e-6)])
def test_each_value_is_decoded_by_the_standard(dtype, rtol):
    codes = torch.linspace(0, 1, 257, dtype=dtype)
    light = srgb_to_linear(codes)
    expected = torch.tensor([decoded(c) for c in codes.tolist()], dtype=dtype)
    assert light.dtype == dtype
    torch.testing.assert_close(light, expected, rtol=rtol, atol=0)


def test_encoding_undoes_decoding():
    codes = torch.linspace(0, 1, 999, dtype=torch.float64).view(3, 333)
    torch.testing.assert_close(linear_to_srgb(srgb_to_linear(codes)), codes, rtol=0, atol=1e-7)


def test_the_two_pieces_nearly_meet():
    at = torch.tensor([0.04045, 0.04045 + 1e-12], dtype=torch.float64)
    assert float(srgb_to_linear(at).diff().abs()) < 1e-7


@pytest.mark.parametrize("function", [srgb_to_linear, linear_to_srgb])
def test_gradients_are_right_and_finite_at_black(function):
    x = torch.tensor([0.0, 0.001, 0.2, 0.7, 1.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, x)
    (slope,) = torch.autograd.grad(function(x).sum(), x)
    assert torch.isfinite(slope).all()
    assert (slope > 0).all()
