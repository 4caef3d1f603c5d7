"""The patch loss against a search by loops; shuffles of patches, brightness, memory and mistakes."""

import numpy as np
import pytest
import torch

from nstkit.losses import patch_loss


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


X, Y = drawn(0, 2, 5, 4, 7), drawn(1, 2, 5, 6, 3) + 0.4


def patches_of(image, size):
    rows, columns = image.shape[1] - size + 1, image.shape[2] - size + 1
    return [image[:, i : i + size, j : j + size].ravel() for i in range(rows) for j in range(columns)]


def by_loops(x, y, size):
    values = []
    for one, other in zip(x.numpy(), y.numpy(), strict=True):
        known = patches_of(other, size)
        for patch in patches_of(one, size):
            likeness = [patch @ k / (np.linalg.norm(patch) * np.linalg.norm(k)) for k in known]
            values.append(((patch - known[int(np.argmax(likeness))]) ** 2).mean())
    return np.mean(values)


@pytest.mark.parametrize("size", [1, 2, 3])
@pytest.mark.parametrize("block", [1, 37, 2**24])
def test_it_equals_a_search_by_loops_in_blocks_of_any_size(size, block):
    found = patch_loss(X, Y, size, block)
    assert found.dtype == torch.float64
    assert float(found) == pytest.approx(by_loops(X, Y, size))
    assert float(patch_loss(X.float(), Y.float(), size, block)) == pytest.approx(
        by_loops(X, Y, size), rel=1e-5
    )


def test_what_is_cut_out_of_the_style_costs_nothing():
    assert float(patch_loss(Y[..., 1:5, :].clone(), Y)) < 1e-25


def test_the_match_does_not_depend_on_strength_but_the_loss_does():
    """Every patch of 3 Y is best matched by the same patch of Y: what is left is (3 − 1)² of its square."""
    entries = torch.nn.functional.unfold(Y, 3)
    assert float(patch_loss(3 * Y, Y)) == pytest.approx(4 * float(entries.square().mean()))


def test_the_gradient_is_that_of_fixed_matches():
    x = X.clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda t: patch_loss(t, Y, 2), x, eps=1e-7, atol=1e-5)
    style = Y.clone().requires_grad_()
    patch_loss(x, style).backward()
    assert style.grad is None


def test_similarities_are_never_held_all_at_once(monkeypatch):
    seen = []
    real = torch.Tensor.argmax
    monkeypatch.setattr(torch.Tensor, "argmax", lambda t, *a: seen.append(t.numel()) or real(t, *a))
    patch_loss(X, Y, 2, 40)
    assert max(seen) <= 40
    assert len(seen) > 2


@pytest.mark.parametrize(("call", "words"), [
    (lambda: patch_loss(X, Y, 4), r"size: expected 1 to the sides of style, \(6, 3\), got 4; take an earlier layer"),
    (lambda: patch_loss(X[:, :, :2], Y, 3), r"size: expected 1 to the sides of generated, \(2, 7\), got 3"),
    (lambda: patch_loss(X, Y, 0), r"size: expected 1 to"),
    (lambda: patch_loss(X, Y[:, :4]), r"style: expected \(B, C\) = \(2, 5\) as in generated"),
    (lambda: patch_loss(X[0], Y), r"generated: expected \(B, C, H, W\)"),
])  # fmt: skip
def test_mistakes_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    torch.testing.assert_close(patch_loss(X.cuda(), Y.cuda()).cpu(), patch_loss(X, Y), rtol=1e-10, atol=0)
