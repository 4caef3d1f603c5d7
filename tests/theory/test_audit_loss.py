"""The audit finds what is known of six losses, and does not disturb what it is given."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, cosine_similarity, mse_loss

from nstkit.losses import gram_matrix, moment_matching_loss
from nstkit.theory import audit_loss

KEYS = ("zero_at_identity", "symmetric", "layout_invariant", "scale_invariant", "shift_invariant")


def gram_loss(a, b):
    return (gram_matrix(a[None]) - gram_matrix(b[None])).square().sum()


def self_blur(a, b):
    return (a - avg_pool2d(a, 3, 1, 1, count_include_pad=False)).square().sum()


KNOWN = {
    "content": (mse_loss, "TTFFT"),
    "gram": (gram_loss, "TTTFF"),
    "moments": (lambda a, b: moment_matching_loss(a[None], b[None], eps=0.0), "TTTFT"),
    "cosine": (lambda a, b: 1 - cosine_similarity(a.flatten(), b.flatten(), 0), "TTFTF"),
    "relative": (lambda a, b: (a - b).square().sum() / b.square().sum(), "TFFTF"),
    "self-blur": (self_blur, "FFFFT"),
}


@pytest.fixture
def inputs():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(5, 4, 7, dtype=torch.float64, generator=generator) + 0.2 for _ in range(2))
    return a, b, torch.randperm(28, generator=generator)


@pytest.mark.parametrize("name", KNOWN)
def test_the_known_table(inputs, name):
    loss, expected = KNOWN[name]
    found = audit_loss(loss, *inputs)
    assert tuple(found) == KEYS
    assert {type(value) for value in found.values()} == {bool}
    assert "".join("FT"[value] for value in found.values()) == expected


def test_the_tolerance_is_relative_for_large_losses_and_absolute_for_small(inputs):
    a, b, perm = inputs
    assert audit_loss(lambda x, y: 1e11 + x.sum(), a, b, perm)["shift_invariant"]
    assert not audit_loss(lambda x, y: 1e-6 * x[0, 0, 0], a, b, perm)["scale_invariant"]
    assert audit_loss(lambda x, y: 1e-6 * x[0, 0, 0], a, b, perm, tol=1e-5)["scale_invariant"]


def test_inputs_survive_a_loss_that_modifies_its_arguments(inputs):
    a, b, perm = inputs
    copies = a.clone(), b.clone()
    assert audit_loss(lambda x, y: (x.mul_(2) - y.mul_(2)).abs().sum(), a, b, perm)["symmetric"]
    assert torch.equal(a, copies[0])
    assert torch.equal(b, copies[1])


def test_strided_inputs_that_require_gradients_are_fine(inputs):
    a, b, perm = inputs
    strided = a.mT.contiguous().mT.requires_grad_()
    assert audit_loss(gram_loss, strided, b, perm) == audit_loss(gram_loss, a, b, perm)
    assert strided.grad is None


def test_mistakes_are_refused(inputs):
    a, b, perm = inputs
    for wrong, words in (
        ((a, b[:4], perm), r"a, b: expected one shape \(C, H, W\), got \(5, 4, 7\) and \(4, 4, 7\)"),
        ((a[0], b[0], perm), r"a, b: expected one shape"),
        ((a, b, perm[:-1]), "perm: expected a permutation of 0 … 27"),
        ((a, b, perm.clamp(min=1)), "perm: expected a permutation"),
    ):
        with pytest.raises(ValueError, match=words):
            audit_loss(gram_loss, *wrong)
    with pytest.raises(ValueError, match=r"loss_fn: expected a 0-d loss, got \(5, 4, 7\)"):
        audit_loss(lambda x, y: x - y, a, b, perm)
