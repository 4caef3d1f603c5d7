"""The two gaps agree with einsum; a shuffle of positions changes the content gap and leaves the style gap."""

import numpy as np
import pytest
import torch

from nstkit.losses import content_style_gap

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def pair(dtype=torch.float64):
    random = torch.Generator().manual_seed(0)
    return (torch.randn(2, 5, 4, 7, generator=random, dtype=torch.float64) * 2 + 0.5).to(dtype).unbind()


def by_einsum(a, b):
    a, b = a.double().numpy(), b.double().numpy()
    gram_a, gram_b = (np.einsum("chw,dhw->cd", f, f) / (4 * 7) for f in (a, b))
    return np.mean((a - b) ** 2), np.mean((gram_a - gram_b) ** 2)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_they_agree_with_einsum(dtype):
    a, b = pair(dtype)
    for gap, expected in zip(content_style_gap(a, b), by_einsum(a, b), strict=True):
        assert gap.shape == ()
        assert gap.dtype == dtype
        assert gap.item() == pytest.approx(expected, rel=TOLERANCE[dtype])


def test_a_shuffle_of_positions_changes_the_content_gap_only():
    a, b = pair()
    order = torch.randperm(28, generator=torch.Generator().manual_seed(1))
    content, style = content_style_gap(a, b)
    shuffled_content, shuffled_style = content_style_gap(a, b.flatten(1)[:, order].unflatten(1, (4, 7)))
    assert abs(shuffled_content - content) > 0.01 * content
    torch.testing.assert_close(shuffled_style, style, rtol=1e-10, atol=0)


def test_features_of_equal_means_can_differ_in_style():
    together = torch.tensor([1.0, -1.0, 1.0, -1.0, 1.0, -1.0]).reshape(1, 2, 3)
    apart = torch.tensor([1.0, -1.0, -1.0, 1.0, 0.0, 0.0]).reshape(1, 2, 3)
    _, style = content_style_gap(torch.cat([together] * 4), torch.cat([together, apart] * 2))
    assert style > 0.1


def test_both_gaps_have_the_right_gradients_in_both_arguments_of_any_layout():
    leaves = [f.mT.contiguous().mT.requires_grad_() for f in pair()]
    assert torch.autograd.gradcheck(content_style_gap, leaves)
    assert all(torch.equal(now, then) for now, then in zip(leaves, pair(), strict=True))


@pytest.mark.parametrize("name", ["feat_a", "feat_b"])
@pytest.mark.parametrize("shape", [(2, 5, 4, 7), (5, 28)])
def test_features_that_are_not_of_one_image_are_refused(name, shape):
    features = dict(zip(("feat_a", "feat_b"), pair(), strict=True)) | {name: torch.ones(shape)}
    with pytest.raises(ValueError, match=rf"{name}: expected \(C, H, W\).*single image"):
        content_style_gap(**features)


@pytest.mark.parametrize("shape", [(1, 4, 7), (5, 1, 1), (5, 7, 4)])
def test_different_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"feat_b: expected the shape of feat_a, \(5, 4, 7\), got "):
        content_style_gap(pair()[0], torch.ones(shape, dtype=torch.float64))
