"""Cycle losses: zero for inverse maps, closed forms for shifts, gradients into both generators."""

import pytest
import torch
from torch import nn

from nstkit.gan import cycle_losses


@pytest.fixture
def pair():
    """Batches of other sizes, (2, 3, 6, 5) and (3, 3, 6, 5)."""
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.rand(n, 3, 6, 5, dtype=torch.float64, generator=generator) * 2 - 1 for n in (2, 3))


def net(seed):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh(), nn.Conv2d(4, 3, 1)).double()


class Counted:
    def __init__(self, function):
        self.function, self.calls = function, 0

    def __call__(self, x):
        self.calls += 1
        return self.function(x)


def test_inverse_maps_have_no_cycle_loss(pair):
    x, y = pair
    losses = cycle_losses(lambda t: 2 * t, lambda t: t / 2, x, y)
    assert losses["forward"] == losses["backward"] == 0
    torch.testing.assert_close(losses["idt_g"], y.abs().mean())
    torch.testing.assert_close(losses["idt_f"], x.abs().mean() / 2)


def test_a_shift_costs_its_length(pair):
    losses = cycle_losses(lambda t: t - 0.25, lambda t: t, *pair, lam=3.0, lam_idt=0.5)
    shift = torch.tensor(0.25, dtype=torch.float64)
    for key, factor in {"forward": 1, "backward": 1, "idt_g": 1, "idt_f": 0, "total": 3 * 2 + 1.5}.items():
        torch.testing.assert_close(losses[key], factor * shift)


def test_each_loss_is_a_mean_absolute_error(pair):
    G, F, (x, y) = net(1), net(2), pair
    losses = cycle_losses(G, F, x, y, 4.0, 0.25)
    expected = {
        "forward": (F(G(x)), x),
        "backward": (G(F(y)), y),
        "idt_g": (G(y), y),
        "idt_f": (F(x), x),
    }
    means = {key: torch.nn.functional.l1_loss(*both) for key, both in expected.items()}
    total = 4 * (means["forward"] + means["backward"]) + 1 * (means["idt_g"] + means["idt_f"])
    assert losses.keys() == {*means, "total"}
    torch.testing.assert_close(losses, means | {"total": total})


@pytest.mark.parametrize("key", ["forward", "backward"])
def test_each_cycle_teaches_both_generators(pair, key):
    G, F = net(1), net(2)
    cycle_losses(G, F, *pair)[key].backward()
    assert all(p.grad.abs().sum() > 0 for p in [*G.parameters(), *F.parameters()])


def test_gradients_are_right(pair):
    x, y = pair

    def total(a, b):
        return cycle_losses(lambda t: torch.tanh(a * t + b), lambda t: torch.tanh(b * t) + a, x, y)["total"]

    start = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.7, -0.4)]
    assert torch.autograd.gradcheck(total, start)


def test_without_an_identity_weight_the_identity_passes_are_not_run(pair):
    G, F = Counted(net(1)), Counted(net(2))
    losses = cycle_losses(G, F, *pair, lam_idt=0.0)
    assert (G.calls, F.calls) == (2, 2)
    assert losses["idt_g"] == losses["idt_f"] == 0
    torch.testing.assert_close(losses["total"], 10 * (losses["forward"] + losses["backward"]))
    cycle_losses(G, F, *pair)
    assert (G.calls, F.calls) == (5, 5)


def test_single_precision_and_layout(pair):
    x, y = (t.float().mT.contiguous().mT for t in pair)
    losses = cycle_losses(net(1).float(), net(2).float(), x, y)
    assert all(loss.dtype == torch.float32 for loss in losses.values())
    torch.testing.assert_close(
        losses["total"].double(), cycle_losses(net(1), net(2), *pair)["total"], rtol=1e-5, atol=0
    )


@pytest.mark.parametrize("name", ["lam", "lam_idt"])
def test_negative_weights_are_refused(pair, name):
    with pytest.raises(ValueError, match=f"{name}: expected a number of at least 0, got -0.5"):
        cycle_losses(net(1), net(2), *pair, **{name: -0.5})


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    found = cycle_losses(net(1).cuda(), net(2).cuda(), *(t.cuda() for t in pair))["total"]
    torch.testing.assert_close(found.cpu(), cycle_losses(net(1), net(2), *pair)["total"])
