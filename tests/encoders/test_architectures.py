"""Named layers against torchvision's own networks with the same weights."""

import pytest
import torch
import torchvision
from torch import nn

from nstkit.encoders import load_encoder
from nstkit.encoders.architectures import ARCHITECTURES, IMAGENET_DEVIATION, IMAGENET_MEAN
from nstkit.encoders.weights import random_weights

VGG19_BLOCKS, VGG16_BLOCKS = (2, 2, 4, 4, 4), (2, 2, 3, 3, 3)


def torchvision_features(name, seed):
    """torchvision's `features` with our random weights, its pixels normalised by torchvision's own transform."""
    network = torchvision.models.get_model(name, weights=None).features.eval()
    shapes = {f"features.{key}": value.shape for key, value in network.state_dict().items()}
    weights = random_weights(shapes, seed)
    network.load_state_dict({key: weights[f"features.{key}"] for key in network.state_dict()})
    return network


@pytest.mark.parametrize("name", ["vgg19", "vgg16", "squeezenet1_1"])
def test_taps_equal_torchvisions_features(name):
    image = torch.rand(2, 3, 40, 51, generator=torch.Generator().manual_seed(0))
    network = torchvision_features(name, seed=4)
    ours = load_encoder(name, weights="random", seed=4)(image)
    maps = torchvision.transforms.functional.normalize(image, IMAGENET_MEAN, IMAGENET_DEVIATION)
    with torch.no_grad():
        for layer, module in zip(ours, network, strict=True):
            maps = nn.functional.relu(maps) if isinstance(module, nn.ReLU) else module(maps)
            torch.testing.assert_close(ours[layer], maps, rtol=1e-4, atol=1e-5)


def test_the_normalisation_is_the_one_torchvisions_weights_expect():
    transform = torchvision.models.VGG19_Weights.IMAGENET1K_V1.transforms()
    assert (tuple(transform.mean), tuple(transform.std)) == (IMAGENET_MEAN, IMAGENET_DEVIATION)


@pytest.mark.parametrize(("name", "blocks"), [("vgg19", VGG19_BLOCKS), ("vgg16", VGG16_BLOCKS)])
def test_vgg_layers_have_the_papers_names(name, blocks):
    expected = []
    for block, depth in enumerate(blocks, start=1):
        for index in range(1, depth + 1):
            expected += [f"conv{block}_{index}", f"relu{block}_{index}"]
        expected.append(f"pool{block}")
    modules = ARCHITECTURES[name]().modules
    assert list(modules) == expected
    for layer, module in modules.items():
        kind = {"conv": nn.Conv2d, "relu": nn.ReLU, "pool": nn.MaxPool2d}[layer[:4]]
        assert isinstance(module, kind)


def test_squeezenet_layers_have_the_papers_names():
    layers = list(ARCHITECTURES["squeezenet1_1"]().modules)
    assert layers[:3] == ["conv1", "relu1", "pool1"]
    assert [layer for layer in layers if layer.startswith("fire")] == [f"fire{n}" for n in range(2, 10)]


def test_building_spends_no_random_numbers_and_no_memory():
    state = torch.random.get_rng_state()
    for build in ARCHITECTURES.values():
        modules = build().modules
        assert all(parameter.is_meta for module in modules.values() for parameter in module.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)
