"""The objective is α content + β style over the pixels, from one pass of the encoder, with raw terms reported."""

from functools import partial

import numpy as np
import pytest
import torch

from nstkit.grading.draws import Draw
from nstkit.losses import nst_objective

CONTENT, STYLE = ("layer2", "layer3"), ("layer1", "layer2")
LAYER_WEIGHTS = {"layer1": 0.3, "layer2": 1.7}


@pytest.fixture
def draw():
    return Draw(0, "objective")


@pytest.fixture
def image(draw):
    return draw.image(2, 8, 11)


@pytest.fixture
def encoder(draw):
    """Smooth, so that finite differences agree; `.calls` counts the passes."""
    return draw.encoder(smooth=True)


@pytest.fixture
def targets(draw, encoder):
    return targets_for(encoder, draw.image(2, 8, 11), draw.image(1, 9, 13))


def gram(features):
    array = features.detach().double().numpy()
    return np.einsum("bchw,bdhw->bcd", array, array) / array[0].size


def targets_for(encoder, content, style):
    with torch.no_grad():
        content_features, style_features = encoder(content), encoder(style)
    grams = {layer: torch.from_numpy(gram(style_features[layer])).to(style.dtype) for layer in STYLE}
    return {"content": {layer: content_features[layer] for layer in CONTENT}, "style": grams}


def terms_by_numpy(image, encoder, targets, layer_weights):
    """L_c, L_s and every ‖G_l − A_l‖², image by image."""
    features = encoder(image)
    content = sum(
        np.mean((features[layer].detach().double().numpy() - target.double().numpy()) ** 2)
        for layer, target in targets["content"].items()
    )
    distances = {
        f"style/{layer}": np.mean(
            [np.sum((g - target.double().numpy()[0]) ** 2) for g in gram(features[layer])]
        )
        for layer, target in targets["style"].items()
    }
    style = sum(layer_weights[layer] * distances[f"style/{layer}"] for layer in targets["style"])
    return {"content": content, "style": style} | distances


@pytest.mark.parametrize("layer_weights", [None, LAYER_WEIGHTS])
def test_total_and_report_agree_with_numpy(image, encoder, targets, layer_weights):
    expected = terms_by_numpy(image, encoder, targets, layer_weights or {"layer1": 0.5, "layer2": 0.5})
    total, report = nst_objective(image, encoder, targets, 2.0, 300.0, layer_weights)
    expected["total"] = 2.0 * expected["content"] + 300.0 * expected["style"]
    assert total.shape == ()
    assert total.item() == pytest.approx(expected["total"], rel=1e-12)
    assert report == pytest.approx(expected, rel=1e-12)
    assert all(type(value) is float for value in report.values())


def test_single_precision_stays_single(draw):
    encoder = draw.encoder(dtype=torch.float32)
    image, content = (draw.image(2, 8, 11, dtype=torch.float32) for _ in range(2))
    targets = targets_for(encoder, content, draw.image(2, 7, 9, dtype=torch.float32)[:1])
    expected = terms_by_numpy(image, encoder, targets, LAYER_WEIGHTS)
    total, _ = nst_objective(image, encoder, targets, 1.0, 10.0, LAYER_WEIGHTS)
    assert total.dtype == torch.float32
    assert total.item() == pytest.approx(expected["content"] + 10 * expected["style"], rel=1e-5)


def test_the_encoder_runs_once(image, encoder, targets):
    before = encoder.calls
    nst_objective(image, encoder, targets, 1.0, 1.0)
    assert encoder.calls == before + 1


def test_every_image_has_the_same_say(draw, image, encoder):
    targets = targets_for(encoder, draw.image(2, 8, 11), draw.image(2, 6, 7))
    singly = []
    for k in range(2):
        one = {kind: {layer: t[k : k + 1] for layer, t in layers.items()} for kind, layers in targets.items()}
        singly.append(nst_objective(image[k : k + 1], encoder, one, 1.0, 50.0)[0])
    total, _ = nst_objective(image, encoder, targets, 1.0, 50.0)
    torch.testing.assert_close(total, torch.stack(singly).mean(), rtol=1e-12, atol=0)


def test_the_report_is_raw_and_the_total_is_not_normalised(image, encoder, targets):
    total, report = nst_objective(image, encoder, targets, 1.0, 40.0)
    doubled, doubled_report = nst_objective(image, encoder, targets, 2.0, 80.0)
    torch.testing.assert_close(doubled, 2 * total, rtol=1e-12, atol=0)
    for values in (report, doubled_report):
        del values["total"]
    assert doubled_report == report


def pixel_gradient(image, *arguments):
    leaf = image.clone().requires_grad_()
    total, _ = nst_objective(leaf, *arguments)
    return torch.autograd.grad(total, leaf)[0]


def test_the_pixel_gradient_agrees_with_finite_differences(image, encoder, targets):
    gradient = pixel_gradient(image, encoder, targets, 2.0, 30.0, LAYER_WEIGHTS)
    value = partial(nst_objective, encoder=encoder, targets=targets, content_weight=2.0, style_weight=30.0,
                    layer_weights=LAYER_WEIGHTS)  # fmt: skip
    for where in [(0, 0, 0, 0), (0, 2, 7, 10), (1, 1, 3, 4), (1, 2, 5, 9)]:
        step = torch.zeros_like(image)
        step[where] = 1e-5
        difference = (value(image + step)[0] - value(image - step)[0]) / 2e-5
        assert gradient[where].item() == pytest.approx(difference.item(), rel=1e-6, abs=1e-9)


def test_the_gradient_is_the_weighted_sum_of_the_terms_gradients(image, encoder, targets):
    content, style = (
        pixel_gradient(image, encoder, targets, *weights) for weights in ((1.0, 0.0), (0.0, 1.0))
    )
    both = pixel_gradient(image, encoder, targets, 0.5, 200.0)
    torch.testing.assert_close(both, 0.5 * content + 200.0 * style, rtol=1e-10, atol=1e-14)


def test_nothing_else_gets_a_gradient_and_no_input_changes(image, encoder, targets):
    encoder.requires_grad_(False)
    leaves = {
        kind: {layer: t.clone().requires_grad_() for layer, t in layers.items()}
        for kind, layers in targets.items()
    }
    pixels = image.clone().requires_grad_()
    nst_objective(pixels, encoder, leaves, 1.0, 1.0)[0].backward()
    assert pixels.grad is not None
    for kind, layers in leaves.items():
        for layer, leaf in layers.items():
            assert leaf.grad is None
            assert torch.equal(leaf, targets[kind][layer])
    assert torch.equal(pixels, image)


@pytest.mark.parametrize("missing", ["content", "style"])
def test_one_kind_of_target_is_enough(image, encoder, targets, missing):
    expected = terms_by_numpy(image, encoder, targets, {"layer1": 0.5, "layer2": 0.5}) | {missing: 0.0}
    total, report = nst_objective(image, encoder, targets | {missing: {}}, 1.0, 1.0)
    assert total.item() == pytest.approx(expected["content"] + expected["style"], rel=1e-12)
    assert report[missing] == 0.0


def test_without_any_target_it_is_refused(image, encoder):
    with pytest.raises(ValueError, match="targets: expected at least one content or style layer"):
        nst_objective(image, encoder, {"content": {}, "style": {}}, 1.0, 1.0)


@pytest.mark.parametrize("kind", ["content", "style"])
def test_a_layer_that_the_encoder_lacks_is_named(image, encoder, targets, kind):
    targets[kind]["layer9"] = targets[kind]["layer2"]
    with pytest.raises(KeyError, match="encoder: no layer 'layer9'; choose from layer1, layer2, layer3"):
        nst_objective(image, encoder, targets, 1.0, 1.0)


def test_a_layer_without_a_weight_is_named(image, encoder, targets):
    with pytest.raises(
        KeyError, match="layer_weights: no weight for 'layer2'; give one for each of layer1, layer2"
    ):
        nst_objective(image, encoder, targets, 1.0, 1.0, {"layer1": 1.0})


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ((-1.0, 1.0), "content_weight: expected a finite number ≥ 0, got -1.0"),
        ((1.0, -0.5), "style_weight: expected a finite number ≥ 0, got -0.5"),
        ((1.0, float("nan")), "style_weight: expected a finite number ≥ 0, got nan"),
        ((0.0, 0), "content_weight, style_weight: expected at least one above 0"),
        (
            (1.0, 1.0, {"layer1": 1.0, "layer2": -2.0}),
            r"layer_weights\['layer2'\]: expected a finite number ≥ 0",
        ),
    ],
)
def test_weights_that_make_no_sense_are_refused(image, encoder, targets, weights, message):
    with pytest.raises(ValueError, match=message):
        nst_objective(image, encoder, targets, *weights)


def test_targets_of_other_shapes_are_refused(image, encoder, targets):
    smaller = {"content": {"layer2": targets["content"]["layer2"][..., 1:]}, "style": {}}
    with pytest.raises(ValueError, match="target: expected the shape of generated"):
        nst_objective(image, encoder, smaller, 1.0, 1.0)
    features = {"content": {}, "style": {"layer2": targets["content"]["layer2"]}}
    with pytest.raises(
        ValueError, match=r"expected a Gram matrix \(2, 7, 7\) for style layer 'layer2', got \(2, 7, 4, 6\)"
    ):
        nst_objective(image, encoder, features, 1.0, 1.0)
