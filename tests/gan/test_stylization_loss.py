"""The stylising generator's loss against binary cross-entropy plus an L1 distance."""

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as bce
from torch.nn.functional import l1_loss

from nstkit.gan import stylization_generator_loss


@pytest.fixture
def inputs():
    """A map of patch scores (2, 1, 3, 4) and two feature maps (2, 5, 4, 7)."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(2, 1, 3, 4), (2, 5, 4, 7), (2, 5, 4, 7)]
    return [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in shapes]


@pytest.mark.parametrize("weight", [0.0, 0.3, 10.0])
def test_it_is_the_sum_of_its_two_terms(inputs, weight):
    scores, fake, content = inputs
    total, report = stylization_generator_loss(scores, fake, content, weight)
    adversarial, distance = bce(scores, torch.ones_like(scores)), l1_loss(fake, content)
    torch.testing.assert_close(total, adversarial + weight * distance, rtol=1e-12, atol=0)
    expected = {"adversarial": adversarial.item(), "content": distance.item(), "total": total.item()}
    assert report == pytest.approx(expected)


def test_the_content_is_a_constant_and_the_rest_learns(inputs):
    scores, fake, content = (t.clone().requires_grad_() for t in inputs)
    stylization_generator_loss(scores, fake, content, 2.0)[0].backward()
    torch.testing.assert_close(scores.grad, (scores.detach().sigmoid() - 1) / scores.numel())
    torch.testing.assert_close(fake.grad, 2 * (fake - content).detach().sign() / fake.numel())
    assert content.grad is None


def test_single_precision_strides_and_extreme_scores(inputs):
    scores, fake, content = (t.float() for t in inputs)
    total, _ = stylization_generator_loss(1e4 * scores, fake.mT, content.mT.contiguous(), 1.0)
    assert total.dtype == torch.float32
    assert total.isfinite()


def test_what_does_not_fit_is_refused(inputs):
    scores, fake, content = inputs
    with pytest.raises(ValueError, match=r"content_features: expected .* \(2, 5, 4, 7\), got \(1, 5, 4, 7\)"):
        stylization_generator_loss(scores, fake, content[:1], 1.0)
    with pytest.raises(ValueError, match=r"content_weight: expected a number of at least 0, got -0\.1"):
        stylization_generator_loss(scores, fake, content, -0.1)
    with pytest.raises(ValueError, match="expected at least one score"):
        stylization_generator_loss(scores[:0], fake, content, 1.0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(inputs):
    found, _ = stylization_generator_loss(*(t.cuda() for t in inputs), 2.0)
    torch.testing.assert_close(found.cpu(), stylization_generator_loss(*inputs, 2.0)[0])
