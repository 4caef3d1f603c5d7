"""The patch-wise contrastive loss against its definition in loops and its closed values."""

import math

import pytest
import torch

from nstkit.gan import patch_nce_loss


@pytest.fixture
def patches():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(6, 4, dtype=torch.float64, generator=generator) for _ in range(2))


def written_out(query, key, tau):
    total = 0.0
    for i, q in enumerate(query):
        cosines = [float(q @ k / (q.norm() * k.norm())) / tau for k in key]
        total += math.log(sum(math.exp(c) for c in cosines)) - cosines[i]
    return torch.tensor(total / len(query), dtype=query.dtype)


@pytest.mark.parametrize("tau", [0.07, 0.5, 2.0])
def test_it_is_its_definition(patches, tau):
    torch.testing.assert_close(patch_nce_loss(*patches, tau), written_out(*patches, tau))
    torch.testing.assert_close(patch_nce_loss(*patches), written_out(*patches, 0.07))


def test_equal_keys_leave_a_guess_among_all(patches):
    loss = patch_nce_loss(patches[0], patches[1][:1].expand(6, 4))
    torch.testing.assert_close(loss, torch.tensor(math.log(6), dtype=torch.float64))


def test_orthonormal_patches_that_agree():
    eye = torch.eye(5, dtype=torch.float64)
    expected = math.log(1 + 4 * math.exp(-1 / 0.2))
    torch.testing.assert_close(patch_nce_loss(eye, eye, 0.2), torch.tensor(expected, dtype=torch.float64))


def test_only_directions_count(patches):
    query, key = patches
    scale = torch.linspace(0.1, 30, 6, dtype=torch.float64)[:, None]
    torch.testing.assert_close(patch_nce_loss(query * scale, key * scale.flip(0)), patch_nce_loss(query, key))


def test_images_of_a_batch_are_contrasted_within_themselves(patches):
    query, key = (torch.stack([p, p.roll(2, 0) + 0.3, p.square()]) for p in patches)
    alone = [patch_nce_loss(q, k) for q, k in zip(query, key, strict=True)]
    torch.testing.assert_close(patch_nce_loss(query, key), torch.stack(alone).mean())


def test_the_gradient_reaches_the_query_alone(patches):
    query, key = (p.clone().requires_grad_() for p in patches)
    patch_nce_loss(query, key).backward()
    assert query.grad.abs().sum() > 0
    assert key.grad is None
    assert torch.autograd.gradcheck(lambda q: patch_nce_loss(q, key.detach(), 0.5), query)


def test_a_tiny_temperature_stays_finite_in_single_precision(patches):
    query, key = (p.float().T.contiguous().T for p in patches)
    loss = patch_nce_loss(query, key, 1e-3)
    assert loss.dtype == torch.float32
    assert loss.isfinite()


def test_what_does_not_fit_is_refused(patches):
    query, key = patches
    with pytest.raises(ValueError, match=r"key: expected the shape of query, \(6, 4\), got \(5, 4\)"):
        patch_nce_loss(query, key[:5])
    with pytest.raises(
        ValueError, match=r"query: expected \(S, C\) or .* at least two positions, got \(1, 4\)"
    ):
        patch_nce_loss(query[:1], key[:1])
    for tau in (0, -0.1):
        with pytest.raises(ValueError, match=f"tau: expected a number above 0, got {tau}"):
            patch_nce_loss(query, key, tau)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(patches):
    torch.testing.assert_close(patch_nce_loss(*(p.cuda() for p in patches)).cpu(), patch_nce_loss(*patches))
