"""After rescaling every live channel's mean is 1, and every feature is the old one over its channel's mean."""

import copy

import pytest
import torch
from torch import nn

from nstkit.encoders import normalize_activations


def chain(dtype=torch.float64, inplace=False):
    """Three convolutions with dead channels, one without bias, a maximum and an average pooling."""
    torch.manual_seed(4)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace), nn.MaxPool2d(2),
        nn.Conv2d(6, 5, 3, padding=1, padding_mode="reflect"), nn.ReLU(inplace), nn.AvgPool2d(2),
        nn.Conv2d(5, 4, 1, bias=False), nn.ReLU(inplace),
    )  # fmt: skip
    with torch.no_grad():
        model[0].bias[2] = model[3].bias[0] = -50.0  # dead
        model[0].weight[1] *= 30
    return model.to(dtype)


def images(dtype=torch.float64):
    return torch.rand(3, 3, 12, 16, dtype=dtype, generator=torch.Generator().manual_seed(5))


def features(model, x):
    found = []
    for module in model:
        x = module(x)
        if isinstance(module, nn.ReLU):
            found.append(x.clone())
    return found


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
@pytest.mark.parametrize("inplace", [False, True])
def test_features_are_the_old_ones_over_their_means(dtype, tolerance, inplace):
    model, x = chain(dtype, inplace), images(dtype)
    scaled = normalize_activations(model, x)
    dead = 0
    for old, new in zip(features(model, x), features(scaled, x), strict=True):
        mean = old.mean((0, 2, 3), keepdim=True)
        alive = mean.ravel() > 1e-8
        dead += int((~alive).sum())
        torch.testing.assert_close(new[:, alive], (old / mean)[:, alive], rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(
            new.mean((0, 2, 3))[alive], torch.ones(int(alive.sum()), dtype=dtype), rtol=tolerance, atol=0
        )
        assert not new[:, ~alive].any()
    assert dead >= 2


def test_another_image_is_rescaled_by_the_same_factors():
    model = chain()
    scaled, other = normalize_activations(model, images()), torch.rand(2, 3, 8, 20, dtype=torch.float64)
    means = [f.mean((0, 2, 3), keepdim=True) for f in features(model, images())]
    for old, new, mean in zip(features(model, other), features(scaled, other), means, strict=True):
        divisor = torch.where(mean > 1e-8, mean, 1.0)
        torch.testing.assert_close(new, old / divisor, rtol=1e-10, atol=1e-12)


def test_the_original_and_the_images_stay_as_they_were():
    model, x = chain(inplace=True), images()
    before, pictures = copy.deepcopy(model.state_dict()), x.clone()
    scaled = normalize_activations(model, x)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(x, pictures)
    assert scaled[0].weight.requires_grad
    assert scaled[0].weight.data_ptr() != model[0].weight.data_ptr()


def test_a_relu_in_front_leaves_the_images():
    x = images() - 0.5
    before = x.clone()
    normalize_activations(nn.Sequential(nn.ReLU(inplace=True), *chain()), x)
    assert torch.equal(x, before)


@pytest.mark.parametrize(("model", "words"), [
    (nn.Sequential(nn.Conv2d(3, 4, 3)), r"model\[0\]: expected a ReLU straight after the convolution"),
    (nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2), nn.ReLU()), r"model\[0\]: expected a ReLU straight after"),
    (nn.Sequential(nn.Conv2d(3, 6, 3, groups=3), nn.ReLU()), r"model\[0\]: expected groups=1, got 3"),
    (nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Sigmoid()), r"model\[2\]: expected one of .* got Sigmoid"),
    (nn.Sequential(*[nn.Conv2d(3, 3, 3), nn.ReLU()] * 2), "used twice"),
], ids=["no relu", "pool between", "groups", "sigmoid", "shared"])  # fmt: skip
def test_chains_that_cannot_be_rescaled_are_refused(model, words):
    with pytest.raises(ValueError, match=words):
        normalize_activations(model.double(), images())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = normalize_activations(chain().cuda(), images().cuda())
    for a, b in zip(gpu.parameters(), normalize_activations(chain(), images()).parameters(), strict=True):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-10, atol=1e-12)
