"""Gatys' style loss agrees with the constants of the paper written out, and leaves the style alone."""

import numpy as np
import pytest
import torch

from nstkit.losses import gatys_style_loss

SHAPES = {"relu1": (5, 4, 7), "relu2": (3, 6, 5)}
WEIGHTS = {"relu1": 0.3, "relu2": 2.0}
TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5}


def maps(seed, *, batch=2, shapes=SHAPES, dtype=torch.float64):
    random = torch.Generator().manual_seed(seed)
    draw = {
        name: torch.randn(batch, *shape, generator=random, dtype=torch.float64)
        for name, shape in shapes.items()
    }
    return {name: (features + 0.5).to(dtype) for name, features in draw.items()}


def as_gatys_wrote_it(generated, style, weights):
    """Σ_l w_l · 1/(4 N² M²) · Σ_ij (G_ij − A_ij)² by loops over images and layers, for images of one size."""
    total = 0.0
    for layer, weight in weights.items():
        batch, n, height, width = generated[layer].shape
        m = height * width
        for f, p in zip(generated[layer].double().numpy(), style[layer].double().numpy(), strict=True):
            f, p = f.reshape(n, m), p.reshape(n, m)
            gap = np.einsum("ik,jk->ij", f, f) - np.einsum("ik,jk->ij", p, p)
            total += weight * (gap**2).sum() / (4 * n**2 * m**2) / batch
    return total


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_it_is_gatys_loss_for_images_of_one_size(dtype):
    generated, style = maps(0, dtype=dtype), maps(1, dtype=dtype)
    loss = gatys_style_loss(generated, style, WEIGHTS)
    assert loss.shape == ()
    assert loss.dtype == dtype
    assert loss.item() == pytest.approx(as_gatys_wrote_it(generated, style, WEIGHTS), rel=TOLERANCE[dtype])


def test_a_style_tiled_to_another_size_is_the_same_style():
    generated, style = maps(0), maps(1)
    tiled = {layer: features.tile(1, 1, 3, 2) for layer, features in style.items()}
    expected = as_gatys_wrote_it(generated, style, WEIGHTS)
    assert gatys_style_loss(generated, tiled, WEIGHTS).item() == pytest.approx(expected, rel=1e-12)
    bigger = {layer: features.tile(1, 1, 3, 2) for layer, features in generated.items()}
    assert gatys_style_loss(bigger, style, WEIGHTS).item() == pytest.approx(expected, rel=1e-12)


def test_one_style_serves_every_image_of_the_batch():
    generated, style = maps(0, batch=3), maps(1, batch=1)
    repeated = {layer: features.expand(3, -1, -1, -1) for layer, features in style.items()}
    expected = as_gatys_wrote_it(generated, repeated, WEIGHTS)
    assert gatys_style_loss(generated, style, WEIGHTS).item() == pytest.approx(expected, rel=1e-12)


def test_only_weighted_layers_count_each_by_its_own_weight():
    generated, style = maps(0), maps(1)
    first, second = (gatys_style_loss(generated, style, {layer: 1.0}) for layer in SHAPES)
    both = gatys_style_loss(generated, style, {"relu1": 4.0, "relu2": 0.25})
    torch.testing.assert_close(both, 4 * first + 0.25 * second, rtol=1e-12, atol=0)


def test_it_is_zero_at_the_style_and_after_a_shuffle_of_positions():
    style = maps(1)
    shuffled = {layer: f.flatten(2).flip(2).unflatten(2, f.shape[2:]) for layer, f in style.items()}
    assert gatys_style_loss(style, style, WEIGHTS) == 0
    assert gatys_style_loss(shuffled, style, WEIGHTS) < 1e-25


def test_the_gradient_is_right_in_generated_features_of_any_layout():
    style = maps(1)
    leaves = [f.mT.contiguous().mT.requires_grad_() for f in maps(0).values()]
    before = [f.detach().clone() for f in leaves]

    def loss(*features):
        return gatys_style_loss(dict(zip(SHAPES, features, strict=True)), style, WEIGHTS)

    assert torch.autograd.gradcheck(loss, leaves)
    assert all(torch.equal(now, then) for now, then in zip(leaves, before, strict=True))


def test_no_gradient_reaches_the_style():
    generated = {layer: f.requires_grad_() for layer, f in maps(0).items()}
    style = {layer: f.requires_grad_() for layer, f in maps(1).items()}
    gatys_style_loss(generated, style, WEIGHTS).backward()
    assert all(f.grad is not None for f in generated.values())
    assert all(f.grad is None for f in style.values())


@pytest.mark.parametrize("lacking", ["generated", "style"])
def test_a_missing_layer_is_named_with_those_that_exist(lacking):
    inputs = {"generated": maps(0), "style": maps(1)}
    del inputs[lacking]["relu2"]
    with pytest.raises(KeyError, match=rf"{lacking}: no layer 'relu2'; choose from relu1"):
        gatys_style_loss(**inputs, weights=WEIGHTS)


def test_no_weights_are_refused():
    with pytest.raises(ValueError, match="weights: expected at least one layer"):
        gatys_style_loss(maps(0), maps(1), {})


def test_layers_that_cannot_be_compared_are_refused():
    generated = maps(0, batch=3)
    with pytest.raises(ValueError, match="style: expected 5 channels as in generated, got 4"):
        gatys_style_loss(generated, maps(1, shapes=SHAPES | {"relu1": (4, 4, 7)}), WEIGHTS)
    with pytest.raises(ValueError, match="style: expected a batch of 1 or 3 as in generated, got 2"):
        gatys_style_loss(generated, maps(1, batch=2), WEIGHTS)
    with pytest.raises(ValueError, match=r"style: expected \(B, C, H, W\)"):
        gatys_style_loss(generated, {layer: f[0] for layer, f in maps(1).items()}, WEIGHTS)
