"""The L2 penalty: its gradient is 2λW on weights alone, and SGD cannot tell it from weight decay."""

import copy

import pytest
import torch
from torch import nn

from nstkit.training import l2_penalty


class Mixer(nn.Module):
    """A network with kernels, matrices, biases, norm scales, a weight of another name, and a shared weight."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.PReLU(4))
        self.mixing = nn.Parameter(torch.randn(4, 5))
        self.head = nn.Linear(5, 6)
        self.again = self.head


@pytest.fixture(params=[torch.float64, torch.float32], ids=str)
def model(request):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Mixer().to(request.param)


def weights(model):
    return [model.body[0].weight, model.mixing, model.head.weight]


def test_it_is_lambda_times_the_sum_of_squares_of_weights_counted_once(model):
    penalty = l2_penalty(model, 0.3)
    entries = [float(entry) ** 2 for weight in weights(model) for entry in weight.detach().flatten()]
    assert penalty.shape == ()
    assert penalty.dtype == model.mixing.dtype
    assert float(penalty.detach()) == pytest.approx(0.3 * sum(entries), rel=1e-5)


def test_the_gradient_is_2_lambda_w_and_biases_and_scales_get_none(model):
    l2_penalty(model, 0.3).backward()
    for weight in weights(model):
        torch.testing.assert_close(weight.grad, 0.6 * weight.detach())
    assert all(p.grad is None for p in model.parameters() if p.ndim == 1)


def test_sgd_cannot_tell_it_from_weight_decay_of_twice_lambda(model):
    penalised, decayed = model, copy.deepcopy(model)
    penalty_only = torch.optim.SGD(weights(penalised), lr=0.1, momentum=0.9)
    decay = torch.optim.SGD(weights(decayed), lr=0.1, momentum=0.9, weight_decay=0.6)
    for _ in range(5):
        for network, optimizer in ((penalised, penalty_only), (decayed, decay)):
            optimizer.zero_grad()
            task = sum((weight - 1).square().sum() for weight in weights(network))
            (task + l2_penalty(network, 0.3) if network is penalised else task).backward()
            optimizer.step()
    for one, other in zip(weights(penalised), weights(decayed), strict=True):
        torch.testing.assert_close(one, other)


def test_a_frozen_weight_adds_nothing(model):
    model.mixing.requires_grad_(False)
    model.body.requires_grad_(False)
    expected = 0.3 * model.head.weight.square().sum()
    torch.testing.assert_close(l2_penalty(model, 0.3), expected)


@pytest.mark.parametrize("make", [lambda m: m.requires_grad_(False), lambda m: m.body[1]])
def test_nothing_to_penalise_gives_a_zero_of_the_models_dtype(model, make):
    penalty = l2_penalty(make(model), 0.3)
    assert penalty.shape == ()
    assert float(penalty) == 0
    assert penalty.dtype == model.mixing.dtype


def test_a_module_without_tensors_gives_zero_too():
    assert float(l2_penalty(nn.ReLU(), 1.0)) == 0


def test_lambda_zero_is_allowed_and_keeps_the_graph(model):
    assert l2_penalty(model, 0.0).requires_grad


@pytest.mark.parametrize("lam", [-0.1, float("nan"), float("inf")])
def test_a_lambda_that_is_no_strength_is_refused(model, lam):
    with pytest.raises(ValueError, match=r"lam: expected a finite number ≥ 0, got"):
        l2_penalty(model, lam)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(model):
    expected = l2_penalty(model, 0.3)
    penalty = l2_penalty(model.cuda(), 0.3)
    assert penalty.is_cuda
    torch.testing.assert_close(penalty.cpu(), expected)
    assert l2_penalty(model.requires_grad_(False), 0.3).is_cuda
