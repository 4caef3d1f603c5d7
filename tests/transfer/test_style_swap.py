"""Style-swap agrees with three nested loops, gives a map back to itself, and refuses what does not fit."""

import numpy as np
import pytest
import torch

from nstkit.transfer import style_swap
from nstkit.transfer.style_swap import nearest_patches


def features(*shape, seed=0):
    """Not negative, with patches whose norms differ about fourfold."""
    rng = np.random.default_rng(seed)
    light = np.linspace(1, 4, shape[-1]) * rng.uniform(0.8, 1.2, size=shape[-2])[:, None]
    return torch.from_numpy(np.maximum(rng.normal(size=shape) + 0.5, 0) * light)


def by_loops(content, style, patch):
    """Position by position, patch by patch, in NumPy."""
    content, style = content.numpy(), style.numpy()
    _, height, width = content.shape
    total, count = np.zeros_like(content), np.zeros((height, width))
    for y in range(height - patch + 1):
        for x in range(width - patch + 1):
            wanted = content[:, y : y + patch, x : x + patch]
            best, score = None, -np.inf
            for v in range(style.shape[1] - patch + 1):
                for u in range(style.shape[2] - patch + 1):
                    candidate = style[:, v : v + patch, u : u + patch]
                    found = (wanted * candidate).sum() / (np.sqrt((candidate**2).sum()) + 1e-8)
                    if found > score:
                        best, score = candidate, found
            total[:, y : y + patch, x : x + patch] += best
            count[y : y + patch, x : x + patch] += 1
    return torch.from_numpy(total / count)


@pytest.mark.parametrize("patch", [1, 3, 5])
def test_it_agrees_with_loops(patch):
    content, style = features(4, 6, 7), features(4, 8, 5, seed=1)
    torch.testing.assert_close(
        style_swap(content, style, patch), by_loops(content, style, patch), rtol=1e-12, atol=1e-15
    )


def test_patches_are_three_by_three_unless_told_otherwise():
    content, style = features(4, 6, 7), features(4, 8, 5, seed=1)
    assert torch.equal(style_swap(content, style), style_swap(content, style, 3))


@pytest.mark.parametrize("patch", [1, 3])
def test_a_map_swapped_with_itself_stays_itself(patch):
    style = torch.randn(
        4, 6, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )  # none parallel
    torch.testing.assert_close(style_swap(style, style, patch), style, rtol=1e-12, atol=1e-15)


def test_the_brightness_of_the_content_does_not_matter():
    content, style = features(4, 6, 7), features(4, 8, 5, seed=1)
    torch.testing.assert_close(style_swap(7.5 * content, style), style_swap(content, style), rtol=0, atol=0)


def test_the_brightness_of_a_style_patch_does_not_help_it():
    content = features(4, 5, 6)
    dark, bright = content.clone(), 50 * features(4, 5, 6, seed=3)
    style = torch.cat([bright, dark], dim=2)  # (4, 5, 12): bright strangers beside the content itself
    chosen = nearest_patches(content, style) % (12 - 2)
    assert (chosen >= 6).all()


def test_where_the_content_is_silent_the_first_patch_is_taken():
    content, style = torch.zeros(3, 3, 4, dtype=torch.float64), features(3, 5, 6)
    assert torch.equal(nearest_patches(content, style), torch.zeros(1, 2, dtype=torch.int64))


@pytest.mark.parametrize("styles", [1, 2])
def test_a_batch_is_swapped_image_by_image(styles):
    content, style = features(2, 4, 6, 7), features(styles, 4, 5, 8, seed=2)
    expected = [style_swap(content[k], style[k % styles]) for k in range(2)]
    torch.testing.assert_close(style_swap(content, style), torch.stack(expected), rtol=0, atol=0)


def test_large_maps_are_scored_in_blocks(monkeypatch):
    content, style = features(4, 6, 7), features(4, 8, 5, seed=1)
    whole = style_swap(content, style)
    monkeypatch.setitem(nearest_patches.__globals__, "BLOCK", 7)
    torch.testing.assert_close(style_swap(content, style), whole, rtol=1e-12, atol=0)


def test_single_precision_and_strides():
    content, style = features(4, 6, 7), features(4, 8, 5, seed=1)
    strided = torch.stack([content, content], -1)[..., 0]
    torch.testing.assert_close(style_swap(strided, style), style_swap(content, style))
    single = style_swap(content.float(), style.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), style_swap(content, style), rtol=1e-5, atol=1e-6)


def test_the_pasted_patches_pass_gradients_to_the_style():
    content = features(2, 4, 5)
    style = features(2, 5, 4, seed=1).requires_grad_()
    swapped = style_swap(content, style)
    (grad,) = torch.autograd.grad(swapped.sum(), style)
    # each output position is a mean of pasted entries, so the weights over the style sum to the size of the output
    assert float(grad.sum()) == pytest.approx(swapped.numel(), rel=1e-12)
    assert float((grad * style.detach()).sum()) == pytest.approx(float(swapped.detach().sum()), rel=1e-12)


@pytest.mark.parametrize(
    ("content", "style", "patch", "message"),
    [
        ((3, 5, 6), (4, 5, 6), 3, r"style: expected 3 channels as in content, got 4"),
        ((3, 5, 6), (3, 7, 8), 2, r"patch: expected an odd number of at least 1, got 2"),
        ((3, 5, 6), (3, 7, 8), 0, r"patch: expected an odd number of at least 1, got 0"),
        ((3, 5, 6), (3, 4, 8), 5, r"patch: expected at most 4, .*got 5"),
        ((5, 6), (5, 6), 3, r"expected \(C, H, W\) both, or \(B, C, H, W\) both, got \(5, 6\) and \(5, 6\)"),
        ((2, 3, 5, 6), (3, 5, 6), 3, r"expected \(C, H, W\) both, .* got \(2, 3, 5, 6\) and \(3, 5, 6\)"),
        ((4, 3, 5, 6), (2, 3, 5, 6), 3, r"style: expected a batch of 1 or 4 as in content, got 2"),
    ],
)
def test_what_does_not_fit_is_refused(content, style, patch, message):
    with pytest.raises(ValueError, match=message):
        style_swap(torch.ones(content), torch.ones(style), patch)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    content, style = features(4, 6, 7), features(4, 8, 5, seed=1)
    gpu = style_swap(content.cuda(), style.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), style_swap(content, style), rtol=1e-10, atol=1e-12)
