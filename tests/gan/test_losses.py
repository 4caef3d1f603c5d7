"""Adversarial losses against binary cross-entropy, closed values and the formulas written out in loops."""

import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import mse_loss

from nstkit.gan import adversarial_losses, gan_losses

LOG_KINDS = ("non_saturating", "minimax")
OTHER_KINDS = ("lsgan", "hinge", "wgan", "relativistic")
ALL = [(gan_losses, kind) for kind in LOG_KINDS] + [(adversarial_losses, kind) for kind in OTHER_KINDS]


@pytest.fixture
def scores():
    """Maps of patches, (2, 1, 3, 4) and (3, 1, 4, 5): other counts, so that a pooled mean would differ."""
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(2, 1, 3, 4, dtype=torch.float64, generator=generator) + 0.6
    return real, torch.randn(3, 1, 4, 5, dtype=torch.float64, generator=generator) * 2 - 0.3


def softplus(x):
    return max(x, 0) + math.log1p(math.exp(-abs(x)))


def written_out(real, fake, kind):
    """Both losses, score by score in plain Python."""
    real, fake = real.flatten().tolist(), fake.flatten().tolist()
    mean_r, mean_f = sum(real) / len(real), sum(fake) / len(fake)
    d_real, d_fake, g_fake, g_real = {
        "non_saturating": (lambda r: softplus(-r), softplus, lambda f: softplus(-f), None),
        "minimax": (lambda r: softplus(-r), softplus, lambda f: -softplus(f), None),
        "lsgan": (lambda r: (r - 1) ** 2 / 2, lambda f: f**2 / 2, lambda f: (f - 1) ** 2 / 2, None),
        "hinge": (lambda r: max(0, 1 - r), lambda f: max(0, 1 + f), lambda f: -f, None),
        "wgan": (lambda r: -r, lambda f: f, lambda f: -f, None),
        "relativistic": (
            lambda r: softplus(-(r - mean_f)),
            lambda f: softplus(f - mean_r),
            lambda f: softplus(-(f - mean_r)),
            lambda r: softplus(r - mean_f),
        ),
    }[kind]
    d = sum(map(d_real, real)) / len(real) + sum(map(d_fake, fake)) / len(fake)
    g = sum(map(g_fake, fake)) / len(fake) + (sum(map(g_real, real)) / len(real) if g_real else 0)
    return torch.tensor(d, dtype=torch.float64), torch.tensor(g, dtype=torch.float64)


@pytest.mark.parametrize(("losses", "kind"), ALL)
def test_they_agree_with_the_formulas_written_out(losses, kind, scores):
    torch.testing.assert_close(losses(*scores, kind), written_out(*scores, kind), rtol=1e-12, atol=1e-12)


def test_the_log_losses_are_binary_cross_entropies(scores):
    real, fake = scores
    d, g = gan_losses(real, fake)
    ones, zeros = torch.ones_like, torch.zeros_like
    torch.testing.assert_close(d, bce(real, ones(real)) + bce(fake, zeros(fake)), rtol=1e-12, atol=0)
    torch.testing.assert_close(g, bce(fake, ones(fake)), rtol=1e-12, atol=0)
    torch.testing.assert_close(
        gan_losses(real, fake, "minimax")[1], -bce(fake, zeros(fake)), rtol=1e-12, atol=0
    )


def test_the_least_squares_losses_are_half_the_mean_squares(scores):
    real, fake = scores
    d, g = adversarial_losses(real, fake, "lsgan")
    expected = mse_loss(real, torch.ones_like(real)) + mse_loss(fake, torch.zeros_like(fake))
    torch.testing.assert_close(d, expected / 2, rtol=1e-12, atol=0)
    torch.testing.assert_close(g, mse_loss(fake, torch.ones_like(fake)) / 2, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("kind", "d", "g"),
    [("lsgan", 0.5, 0.5), ("hinge", 2, 0), ("wgan", 0, 0), ("relativistic", math.log(4), math.log(4))],
)
def test_their_values_at_zero(kind, d, g):
    zero = torch.zeros(2, 3, dtype=torch.float64)
    losses = adversarial_losses(zero, zero[:, :2], kind)
    torch.testing.assert_close(torch.stack(losses), torch.tensor([d, g], dtype=torch.float64))


@pytest.mark.parametrize("kind", ["wgan", "relativistic"])
def test_only_differences_of_scores_matter_to_some_discriminators(kind, scores):
    real, fake = scores
    moved = adversarial_losses(real + 5, fake + 5, kind)[0]
    torch.testing.assert_close(moved, adversarial_losses(real, fake, kind)[0])


def test_the_generators_gradients_of_the_log_losses():
    logit = torch.tensor([-6.0, -1.0, 0.0, 2.0], dtype=torch.float64, requires_grad=True)
    for kind, slope in (("minimax", -logit.sigmoid()), ("non_saturating", logit.sigmoid() - 1)):
        (found,) = torch.autograd.grad(gan_losses(logit, logit, kind)[1], logit)
        torch.testing.assert_close(found, slope.detach() / 4)


@pytest.mark.parametrize(("losses", "kind"), ALL)
def test_gradients_are_right(losses, kind, scores):
    """The hinge's kinks at ±1 are farther away than the step of the finite difference."""
    real, fake = (s.clone().requires_grad_() for s in scores)
    assert min((real - 1).abs().min(), (fake + 1).abs().min()) > 1e-4
    assert torch.autograd.gradcheck(lambda r, f: losses(r, f, kind), (real, fake))


@pytest.mark.parametrize(("losses", "kind"), ALL)
@pytest.mark.parametrize("size", [1e3, -1e3])
def test_extreme_scores_stay_finite_in_single_precision(losses, kind, size):
    real = torch.full((2, 3), size, requires_grad=True)
    fake = torch.full((4,), -size, requires_grad=True)
    values = losses(real, fake, kind)
    assert all(value.isfinite() and value.dtype == torch.float32 for value in values)
    grads = torch.autograd.grad(sum(values), (real, fake))
    assert all(g.isfinite().all() for g in grads)


def test_the_layout_does_not_matter(scores):
    real, fake = scores
    torch.testing.assert_close(gan_losses(real.mT, fake.flip(0)), gan_losses(real, fake))


@pytest.mark.parametrize(("losses", "kind"), ALL)
def test_no_scores_are_refused(losses, kind):
    some, none = torch.zeros(2), torch.zeros(0, 1)
    with pytest.raises(ValueError, match=r"fake_logits: expected at least one score, got shape \(0, 1\)"):
        losses(some, none, kind)
    with pytest.raises(ValueError, match="real_logits: expected at least one"):
        losses(none, some, kind)


def test_other_kinds_are_refused_with_the_place_where_they_live(scores):
    with pytest.raises(ValueError, match=r"'minimax', got 'hinge'; 'hinge' belongs to adversarial_losses"):
        gan_losses(*scores, "hinge")
    with pytest.raises(ValueError, match=r"'relativistic', got 'minimax'; 'minimax' belongs to gan_losses"):
        adversarial_losses(*scores, "minimax")
    with pytest.raises(ValueError, match=r"kind: expected one of 'lsgan', .*, got 'LSGAN'$"):
        adversarial_losses(*scores, "LSGAN")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("losses", "kind"), ALL)
def test_the_gpu_agrees(losses, kind, scores):
    found = losses(*(s.cuda() for s in scores), kind)
    torch.testing.assert_close([f.cpu() for f in found], list(losses(*scores, kind)))
