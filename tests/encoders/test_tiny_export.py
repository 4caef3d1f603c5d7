"""What ships equals what was trained: folding and evening out change the form, not the function."""

import os

import pytest
import torch
from safetensors import safe_open
from torch import nn

from nstkit.encoders.procedural import draw_textures
from nstkit.encoders.tiny_export import even_out, export, fold_batch_norm, save_weights
from nstkit.encoders.tiny_network import trunk_modules


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def worn(norm, seed):
    """A batch norm that has seen something."""
    draw = generator(seed)
    for value in (norm.weight.data, norm.bias.data, norm.running_mean, norm.running_var):
        value.copy_(0.5 + torch.rand(value.shape, generator=draw))
    return norm.eval()


def run(modules, maps):
    taps = {}
    for name, module in modules.items():
        maps = taps[name] = module(maps)
    return taps


def test_a_folded_convolution_equals_convolution_and_batch_norm():
    convolution, norm = nn.Conv2d(3, 5, 3, bias=False), worn(nn.BatchNorm2d(5), 1)
    maps = torch.rand(2, 3, 9, 11, generator=generator())
    weight, bias = fold_batch_norm(convolution.weight, norm)
    torch.testing.assert_close(nn.functional.conv2d(maps, weight, bias), norm(convolution(maps)))


@torch.no_grad()
def test_evening_out_scales_channels_and_nothing_else():
    modules = trunk_modules()
    pictures = torch.rand(4, 3, 40, 56, generator=generator()) - 0.5
    before = run(modules, pictures)
    before = {name: taps.clone() for name, taps in before.items()}
    even_out(modules, pictures, limit=1e-6)
    after = run(modules, pictures)
    for name in before:
        if not name.startswith("relu"):
            continue
        scale = before[name].std((0, 2, 3), keepdim=True)
        alive = (scale > 1e-5).flatten()
        torch.testing.assert_close(
            after[name][:, alive], (before[name] / scale)[:, alive], rtol=1e-3, atol=1e-3
        )
        torch.testing.assert_close(
            after[name][:, alive].std((0, 2, 3)), torch.ones(int(alive.sum())), rtol=1e-3, atol=0
        )


@torch.no_grad()
def test_the_exported_trunk_is_the_trained_one_up_to_a_factor_for_each_channel():
    trained = trunk_modules(batch_norm=True)
    for index, module in enumerate(trained.values()):
        if isinstance(module, nn.BatchNorm2d):
            worn(module, index)
    weights = export(trained, generator(1), pictures=6)
    shipped = trunk_modules()
    for name, module in shipped.items():
        if isinstance(module, nn.Conv2d):
            module.load_state_dict({key: weights[f"{name}.{key}"].float() for key in ("weight", "bias")})
    pictures = draw_textures(3, 64, generator(2))[..., :48] * 4 - 2
    ours, theirs = run(shipped, pictures), run(trained, pictures)
    for layer in ("relu1_1", "relu3_2", "relu5_1"):
        a, b = ours[layer].transpose(0, 1).flatten(1), theirs[layer].transpose(0, 1).flatten(1)
        alive = b.norm(dim=1) > 1e-2
        assert (nn.functional.cosine_similarity(a, b)[alive] > 0.999).all(), layer  # fp16 rounding is all


def test_saving_is_all_or_nothing(tmp_path, monkeypatch):
    path = tmp_path / "tiny.safetensors"
    save_weights({"w": torch.ones(2, 3).half()}, path, {"seed": "4"})
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("the disk is full")))
    with pytest.raises(OSError, match="disk is full"):
        save_weights({"w": torch.zeros(2, 3).half()}, path, {})
    with safe_open(path, framework="pt") as file:
        assert torch.equal(file.get_tensor("w"), torch.ones(2, 3).half())
        assert file.metadata() == {"seed": "4"}
