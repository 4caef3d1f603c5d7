"""Targets are features of the content and Gram matrices of the style, constants, from one pass of each image."""

import numpy as np
import pytest
import torch

from nstkit.grading.draws import Draw
from nstkit.losses import content_loss
from nstkit.transfer import precompute_targets

CONTENT, STYLE = ["layer2", "layer3"], ["layer1", "layer2"]
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


@pytest.fixture
def draw():
    return Draw(0, "targets")


def images(draw, dtype=torch.float64):
    return draw.image(2, 8, 11, dtype=dtype), draw.image(3, 9, 6, dtype=dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_they_agree_with_a_direct_computation(draw, dtype):
    encoder, (content, style) = draw.encoder(dtype=dtype), images(draw, dtype)
    targets = precompute_targets(encoder, content, style, CONTENT, STYLE)
    assert {kind: list(layers) for kind, layers in targets.items()} == {"content": CONTENT, "style": STYLE}
    for layer in CONTENT:
        torch.testing.assert_close(
            targets["content"][layer], encoder(content)[layer].detach(), rtol=0, atol=0
        )
    for layer in STYLE:
        features = encoder(style)[layer].detach().double().numpy()
        expected = np.einsum("bchw,bdhw->bcd", features, features) / features[0].size
        assert targets["style"][layer].dtype == dtype
        scale = np.abs(expected).max()
        np.testing.assert_allclose(
            targets["style"][layer].double().numpy(), expected, rtol=0, atol=TOLERANCE[dtype] * scale
        )


def test_they_are_constants_even_if_everything_requires_a_gradient(draw):
    encoder, (content, style) = draw.encoder(), images(draw)
    assert all(parameter.requires_grad for parameter in encoder.parameters())
    targets = precompute_targets(encoder, content.requires_grad_(), style.requires_grad_(), CONTENT, STYLE)
    for layers in targets.values():
        for target in layers.values():
            assert not target.requires_grad
            assert target.grad_fn is None
    assert content.grad is None
    assert style.grad is None


def test_an_encoder_that_hands_its_input_through_gives_constants_too(draw):
    content, style = (image.requires_grad_() for image in images(draw))
    targets = precompute_targets(lambda x: {"pixels": x}, content, style, ["pixels"], ["pixels"])
    assert not targets["content"]["pixels"].requires_grad
    assert not targets["style"]["pixels"].requires_grad


def test_they_serve_a_later_backward_pass(draw):
    encoder, (content, style) = draw.encoder(), images(draw)
    targets = precompute_targets(encoder, content, style, CONTENT, STYLE)
    pixels = draw.image(2, 8, 11).requires_grad_()
    content_loss(encoder(pixels)["layer2"], targets["content"]["layer2"]).backward()
    assert pixels.grad.abs().max() > 0
    assert not any(t.is_inference() for layers in targets.values() for t in layers.values())


@pytest.mark.parametrize(("content_layers", "style_layers"), [(CONTENT, STYLE), ([], STYLE), (CONTENT, [])])
def test_each_image_passes_once_and_in_its_own_role(draw, content_layers, style_layers):
    encoder, pair, seen = draw.encoder(), images(draw), []

    def watched(image):
        seen.append(image)
        return encoder(image)

    targets = precompute_targets(watched, *pair, content_layers, style_layers)
    assert sorted(map(id, seen)) == sorted(map(id, pair))
    assert list(targets["content"]) == content_layers
    assert list(targets["style"]) == style_layers


def test_inputs_of_any_layout_stay_as_they_are(draw):
    encoder, pair = draw.encoder(), images(draw)
    strided = [image.mT.contiguous().mT for image in pair]
    targets = precompute_targets(encoder, *strided, CONTENT, STYLE)
    torch.testing.assert_close(
        targets, precompute_targets(encoder, *pair, CONTENT, STYLE), rtol=1e-12, atol=1e-14
    )
    assert all(torch.equal(now, then) for now, then in zip(strided, pair, strict=True))


@pytest.mark.parametrize("layers", [(["relu4_2"], STYLE), (CONTENT, ["relu4_2"])])
def test_an_unknown_layer_is_named_with_those_that_exist(draw, layers):
    with pytest.raises(KeyError, match="encoder: no layer 'relu4_2'; choose from layer1, layer2, layer3"):
        precompute_targets(draw.encoder(), *images(draw), *layers)


def test_without_any_layer_they_are_refused(draw):
    with pytest.raises(
        ValueError, match="content_layers, style_layers: expected at least one layer, got none"
    ):
        precompute_targets(draw.encoder(), *images(draw), [], ())
