"""WCT agrees with SciPy's matrix powers, hands over mean and covariance, and survives dead channels."""

import numpy as np
import pytest
import torch
from feature_clouds import cloud
from scipy.linalg import fractional_matrix_power

from nstkit.domain import whiten_color_map
from nstkit.transfer import wct

TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-3}


def maps(channels=4, size=(5, 7), batch=2, seed=0, dtype=torch.float64):
    h, w = size
    rows = [cloud(h * w, channels, seed + b, offset=2.0).mT.reshape(channels, h, w) for b in range(batch)]
    return torch.stack(rows).to(dtype)


def by_scipy(content, style):
    c, s = content.double().numpy().reshape(len(content), -1), style.double().numpy().reshape(len(style), -1)
    color = fractional_matrix_power(np.cov(s), 0.5)
    whiten = fractional_matrix_power(np.cov(c), -0.5)
    result = color @ whiten @ (c - c.mean(1, keepdims=True)) + s.mean(1, keepdims=True)
    return result.reshape(content.shape)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_it_agrees_with_scipy_for_each_image_of_a_batch(dtype):
    content, style = maps(dtype=dtype), maps(size=(6, 9), seed=5, dtype=dtype)
    found = wct(content, style)
    assert found.dtype == dtype
    for b in range(2):
        expected = by_scipy(content[b], style[b])
        np.testing.assert_allclose(found[b], expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
        torch.testing.assert_close(wct(content[b], style[b]), found[b], rtol=TOLERANCE[dtype], atol=1e-4)


def test_one_style_serves_a_batch():
    content, style = maps(), maps(size=(6, 9), batch=1, seed=5)
    both = torch.stack([wct(image, style[0]) for image in content])
    torch.testing.assert_close(wct(content, style), both, rtol=1e-10, atol=1e-10)


def test_mean_and_covariance_become_the_styles():
    content, style = maps()[0], maps(size=(6, 9), seed=5)[0]
    found, wanted = wct(content, style).flatten(1).numpy(), style.flatten(1).numpy()
    np.testing.assert_allclose(found.mean(1), wanted.mean(1), rtol=1e-12)
    np.testing.assert_allclose(np.cov(found), np.cov(wanted), rtol=1e-9, atol=1e-10)


def test_alpha_blends_and_a_map_is_its_own_style():
    content, style = maps(), maps(size=(6, 9), seed=5)
    full = wct(content, style)
    torch.testing.assert_close(wct(content, style, 0.3), 0.3 * full + 0.7 * content)
    torch.testing.assert_close(wct(content, style, 0.0), content, rtol=0, atol=0)
    torch.testing.assert_close(wct(content, content), content, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_dead_channels_give_no_nan_and_no_new_directions(dtype):
    content, style = maps(dtype=dtype), maps(size=(6, 9), seed=5, dtype=dtype)
    content[:, 1] = 0.0
    content[:, 3] = content[:, 0]
    found = wct(content, style, tol=1e-3)
    assert found.isfinite().all()
    centred = (found - found.mean((2, 3), keepdim=True)).flatten(2)
    assert torch.linalg.matrix_rank(centred, rtol=1e-4).tolist() == [2, 2]


def test_it_is_the_map_of_lesson_nine_in_the_limit_of_no_regularisation():
    content, style = maps()[0], maps(size=(6, 9), seed=5)[0]
    mapped = whiten_color_map(content.flatten(1).mT, style.flatten(1).mT, eps=1e-12)
    torch.testing.assert_close(wct(content, style).flatten(1).mT, mapped, rtol=1e-8, atol=1e-8)


def test_gradients_and_layouts():
    leaves = [maps(3, (2, 4)).mT.contiguous().mT.requires_grad_(), maps(3, (3, 2), seed=5).requires_grad_()]
    assert torch.autograd.gradcheck(lambda c, s: wct(c, s, 0.8), leaves)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_stays_between_content_and_transform(alpha):
    with pytest.raises(ValueError, match="alpha: expected 0 to 1, got "):
        wct(maps(), maps(), alpha)


def test_maps_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="style: expected the axes and channels of content"):
        wct(maps(4), maps(3))
    with pytest.raises(ValueError, match="style: expected the axes and channels of content"):
        wct(maps()[0], maps())
    with pytest.raises(ValueError, match="style: expected a batch of 1 or 2 as in content, got 3"):
        wct(maps(), maps(batch=3))
    with pytest.raises(ValueError, match="style: expected at least 2 positions, got "):
        wct(maps(), maps()[..., :1, :1])
    with pytest.raises(ValueError, match=r"content: expected \(C, H, W\) or \(B, C, H, W\), got \(4, 35\)"):
        wct(maps()[0].flatten(1), maps()[0].flatten(1))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    content, style = maps(), maps(size=(6, 9), seed=5)
    torch.testing.assert_close(wct(content.cuda(), style.cuda()).cpu(), wct(content, style))
