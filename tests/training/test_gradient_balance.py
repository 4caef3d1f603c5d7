"""The balancing weight brings two gradient norms into the ratio that was asked for."""

import pytest
import torch

from nstkit.training import gradient_balanced_weight


@pytest.fixture(params=[torch.float64, torch.float32], ids=str)
def image(request):
    values = torch.randn(2, 3, 4, 5, dtype=request.param, generator=torch.Generator().manual_seed(0))
    return values.mT.contiguous().mT.requires_grad_()


def two_losses(image):
    return 2 * (image - 1).square().sum(), 50 * image.pow(4).sum()


def test_the_norms_come_into_the_ratio(image):
    content, style = two_losses(image)
    weight = gradient_balanced_weight(content, style, image, ratio=0.25)
    by_content = 4 * (image.detach() - 1)
    by_style = 200 * image.detach() ** 3
    assert float((weight * by_style).norm()) == pytest.approx(0.25 * float(by_content.norm()), rel=1e-5)


def test_it_is_a_float_that_leaves_the_graph_usable_and_grad_alone(image):
    content, style = two_losses(image)
    weight = gradient_balanced_weight(content, style, image)
    assert type(weight) is float
    assert image.grad is None
    (content + weight * style).backward()
    torch.testing.assert_close(
        image.grad, (4 * (image - 1) + weight * 200 * image**3).detach(), rtol=1e-4, atol=1e-4
    )


def test_a_stronger_style_gets_a_smaller_weight(image):
    content, style = two_losses(image)
    assert gradient_balanced_weight(content, 2 * style, image) == pytest.approx(
        gradient_balanced_weight(content, style, image) / 2, rel=1e-6
    )


def test_eps_keeps_a_vanishing_style_gradient_from_dividing_by_zero(image):
    content, _ = two_losses(image)
    weight = gradient_balanced_weight(content, 0 * image.sum(), image, eps=0.5)
    assert weight == pytest.approx(2 * float((4 * (image.detach() - 1)).norm()), rel=1e-5)


@pytest.mark.parametrize("ratio", [0.0, -1.0, float("nan")])
def test_a_ratio_that_is_not_positive_is_refused(image, ratio):
    with pytest.raises(ValueError, match="ratio: expected a finite number above 0, got"):
        gradient_balanced_weight(*two_losses(image), image, ratio)


def test_an_image_without_a_gradient_is_refused(image):
    with pytest.raises(ValueError, match=r"image: expected a tensor that requires a gradient; call"):
        gradient_balanced_weight(*two_losses(image), image.detach())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(image):
    there = image.detach().cuda().requires_grad_()
    assert gradient_balanced_weight(*two_losses(there), there) == pytest.approx(
        gradient_balanced_weight(*two_losses(image), image), rel=1e-5
    )
