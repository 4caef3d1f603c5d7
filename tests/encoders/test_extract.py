"""Features of a chain are those of its prefixes, whatever later modules do, and the model stays as it was."""

import copy

import pytest
import torch
from torch import nn

from nstkit.encoders import extract_features


def chain(inplace=True, pool=nn.MaxPool2d, seed=0):
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(inplace), pool(3, 2, 1, ceil_mode=True),
        nn.Conv2d(5, 4, 3), nn.Identity(), nn.ReLU(inplace),
    ).double()  # fmt: skip


@pytest.fixture
def x():
    return torch.randn(2, 3, 9, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_they_are_the_outputs_of_the_prefixes(x):
    features = extract_features(chain(), x, [0, 2, 3, 4, 5])
    plain = chain(inplace=False)
    assert sorted(features) == [0, 2, 3, 4, 5]
    for index, feature in features.items():
        torch.testing.assert_close(feature, plain[: index + 1](x), rtol=0, atol=0)
    assert (features[0] < 0).any()


def test_an_in_place_module_in_front_leaves_the_input(x):
    before = x.clone()
    features = extract_features(nn.Sequential(nn.ReLU(inplace=True)), x, [0])
    assert torch.equal(x, before)
    assert torch.equal(features[0], x.clamp(min=0))


def test_averages_take_the_place_of_maxima_at_any_depth(x):
    wanted = chain(inplace=False, pool=nn.AvgPool2d)(x)
    model = chain()
    torch.testing.assert_close(extract_features(model, x, [5], avg_pool=True)[5], wanted, rtol=0, atol=0)
    nested = nn.Sequential(nn.Sequential(*model[:3]), *model[3:])
    torch.testing.assert_close(extract_features(nested, x, [3], avg_pool=True)[3], wanted, rtol=0, atol=0)
    assert isinstance(model[2], nn.MaxPool2d)
    assert isinstance(nested[0][2], nn.MaxPool2d)


def test_nothing_runs_after_the_deepest(x):
    class Spy(nn.Module):
        def forward(self, _):
            raise AssertionError("ran")

    extract_features(nn.Sequential(*chain(), Spy()), x, [1, 3])


def test_the_model_is_left_as_it_was(x):
    model = chain().train()
    before = copy.deepcopy(model.state_dict())
    extract_features(model, x, [1, 5], avg_pool=True)
    assert model.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("avg_pool", [False, True])
def test_gradients_reach_the_input_and_the_parameters(x, avg_pool):
    model = chain()
    pixels = x.clone().requires_grad_()
    features = extract_features(model, pixels, [0, 1, 5], avg_pool=avg_pool)
    sum(f.square().sum() for f in features.values()).backward()
    plain = chain(inplace=False, pool=nn.AvgPool2d if avg_pool else nn.MaxPool2d)
    other = x.clone().requires_grad_()
    sum(plain[: i + 1](other).square().sum() for i in (0, 1, 5)).backward()
    torch.testing.assert_close(pixels.grad, other.grad)
    torch.testing.assert_close(model[0].weight.grad, plain[0].weight.grad)


def test_a_module_that_occurs_twice_counts_twice(x):
    shared = nn.Conv2d(3, 3, 3, padding=1).double()
    features = extract_features(nn.Sequential(shared, nn.ReLU(inplace=True), shared), x, [0, 2])
    torch.testing.assert_close(features[0], shared(x), rtol=0, atol=0)
    torch.testing.assert_close(features[2], shared(shared(x).relu()), rtol=0, atol=0)


@pytest.mark.parametrize("layers", [[-1], [0, 6], [100]])
def test_indices_out_of_range_are_refused(x, layers):
    with pytest.raises(IndexError, match="layers: expected indices from 0 to 5, got"):
        extract_features(chain(), x, layers)


def test_no_layers_and_dilated_pools_are_refused(x):
    with pytest.raises(ValueError, match="layers: expected at least one index"):
        extract_features(chain(), x, [])
    with pytest.raises(ValueError, match="dilation 2"):
        extract_features(nn.Sequential(nn.MaxPool2d(2, dilation=2)), x, [0], avg_pool=True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(x):
    gpu = extract_features(chain().cuda(), x.cuda(), [0, 5], avg_pool=True)
    cpu = extract_features(chain(), x, [0, 5], avg_pool=True)
    for index, feature in gpu.items():
        torch.testing.assert_close(feature.cpu(), cpu[index], rtol=1e-10, atol=1e-12)
