"""The pixel gradient agrees with finite differences and leaves image, target and network as they were."""

import pytest
import torch
from torch import nn

from nstkit.grading.draws import Draw
from nstkit.transfer import image_gradient


@pytest.fixture
def draw():
    return Draw(0, "image gradient")


@pytest.fixture
def encoder(draw):
    """Smooth, for finite differences; its parameters require gradients."""
    return draw.encoder(smooth=True)


@pytest.fixture
def image(draw):
    return draw.image(1, 8, 11)


def target_of(encoder, draw, layer, batch=1):
    with torch.no_grad():
        return encoder(draw.image(batch, 8, 11, dtype=next(encoder.parameters()).dtype))[layer]


def distance(encoder, image, target, layer):
    with torch.no_grad():
        return 0.5 * ((encoder(image)[layer] - target) ** 2).sum().item()


@pytest.mark.parametrize("layer", ["layer1", "layer2", "layer3"])
def test_it_agrees_with_central_differences_everywhere(draw, encoder, image, layer):
    target = target_of(encoder, draw, layer)
    gradient = image_gradient(encoder, image, target, layer)
    assert gradient.shape == image.shape
    assert gradient.dtype == torch.float64
    assert not gradient.requires_grad
    step, expected = torch.zeros_like(image), torch.empty_like(image)
    for k in range(image.numel()):
        step.view(-1)[k] = 1e-5
        up, down = (distance(encoder, image + sign * step, target, layer) for sign in (1, -1))
        expected.view(-1)[k] = (up - down) / 2e-5
        step.view(-1)[k] = 0.0
    torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-6 * gradient.abs().max().item())


def test_single_precision_stays_single(draw):
    encoder = draw.encoder(dtype=torch.float32)
    image, target = draw.image(1, 8, 11, dtype=torch.float32), target_of(encoder, draw, "layer2")
    gradient = image_gradient(encoder, image, target, "layer2")
    assert gradient.dtype == torch.float32
    expected = image_gradient(encoder.double(), image.double(), target.double(), "layer2")
    torch.testing.assert_close(gradient.double(), expected, rtol=1e-4, atol=1e-5)


def test_images_of_a_batch_do_not_mix(draw, encoder):
    batch, target = draw.image(2, 8, 11), target_of(encoder, draw, "layer2", batch=2)
    singly = [image_gradient(encoder, batch[k : k + 1], target[k : k + 1], "layer2") for k in range(2)]
    torch.testing.assert_close(
        image_gradient(encoder, batch, target, "layer2"), torch.cat(singly), rtol=1e-12, atol=1e-14
    )


def test_the_memory_layout_does_not_matter(draw, encoder, image):
    target = target_of(encoder, draw, "layer2")
    expected = image_gradient(encoder, image, target, "layer2")
    strided = image.mT.contiguous().mT
    torch.testing.assert_close(
        image_gradient(encoder, strided, target.mT.contiguous().mT, "layer2"), expected
    )


@pytest.mark.parametrize("requires_grad", [False, True])
def test_the_callers_image_and_target_stay_as_they_are(draw, encoder, image, requires_grad):
    target = target_of(encoder, draw, "layer2").requires_grad_(requires_grad)
    image.requires_grad_(requires_grad)
    before = image.detach().clone(), target.detach().clone()
    image_gradient(encoder, image, target, "layer2")
    for tensor, values in zip((image, target), before, strict=True):
        assert tensor.requires_grad is requires_grad
        assert tensor.grad is None
        assert torch.equal(tensor, values)


def test_a_gradient_that_the_image_carries_is_neither_added_to_nor_counted(draw, encoder, image):
    target = target_of(encoder, draw, "layer2")
    expected = image_gradient(encoder, image, target, "layer2")
    carried = image.clone().requires_grad_()
    carried.grad = torch.ones_like(image)
    torch.testing.assert_close(image_gradient(encoder, carried, target, "layer2"), expected, rtol=0, atol=0)
    assert (carried.grad == 1).all()


def test_the_network_stays_as_it_is_half_frozen_and_with_gradients_of_its_own(draw, encoder, image):
    target = target_of(encoder, draw, "layer2")
    parameters = list(encoder.parameters())
    for k, parameter in enumerate(parameters):
        parameter.requires_grad_(k % 2 == 0)
    parameters[0].grad = torch.full_like(parameters[0], 3.0)
    image_gradient(encoder, image, target, "layer2")
    assert [parameter.requires_grad for parameter in parameters] == [
        k % 2 == 0 for k in range(len(parameters))
    ]
    assert (parameters[0].grad == 3).all()
    assert all(parameter.grad is None for parameter in parameters[1:])


def test_a_second_image_has_its_own_gradient_after_a_first(draw, encoder, image):
    target, second = target_of(encoder, draw, "layer2"), draw.image(1, 8, 11)
    expected = image_gradient(encoder, second, target, "layer2")
    image_gradient(encoder, image, target, "layer2")
    torch.testing.assert_close(image_gradient(encoder, second, target, "layer2"), expected, rtol=0, atol=0)


def test_it_works_where_gradients_are_switched_off_and_a_frozen_network_is_as_good(draw, encoder, image):
    target = target_of(encoder, draw, "layer2")
    expected = image_gradient(encoder, image, target, "layer2")
    with torch.no_grad():
        torch.testing.assert_close(image_gradient(encoder, image, target, "layer2"), expected, rtol=0, atol=0)
    torch.testing.assert_close(
        image_gradient(encoder.requires_grad_(False), image, target, "layer2"), expected
    )


def test_any_callable_is_an_encoder(image):
    pool = nn.AvgPool2d((2, 1))
    target = torch.rand(1, 3, 4, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    gradient = image_gradient(lambda x: {"pooled": pool(x)}, image, target, "pooled")
    torch.testing.assert_close(gradient, (pool(image) - target).repeat_interleave(2, dim=2) / 2)


def test_an_unknown_layer_is_named_with_those_that_exist(encoder, image):
    with pytest.raises(KeyError, match="encoder: no layer 'relu4_2'; choose from layer1, layer2, layer3"):
        image_gradient(encoder, image, torch.zeros(1), "relu4_2")


@pytest.mark.parametrize("shape", [(1, 1, 4, 6), (2, 7, 4, 6), (1, 7, 6, 4), (7, 4, 6), ()])
def test_a_target_of_another_shape_is_refused(encoder, image, shape):
    message = r"target: expected the shape of the encoder's features, \(1, 7, 4, 6\), got \("
    with pytest.raises(ValueError, match=message):
        image_gradient(encoder, image, torch.zeros(shape, dtype=torch.float64), "layer2")
