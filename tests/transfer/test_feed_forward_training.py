"""Both ways of training a feed-forward network, against written-out objectives and autograd."""

import copy

import pytest
import torch
from torch import nn

from nstkit.transfer import adain_training_losses, fast_nst_step
from nstkit.transfer.frozen import frozen


class Encoder(nn.Module):
    """Two layers, trainable as a fresh module is."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 5, 3, padding=1), nn.Conv2d(5, 4, 3, stride=2)

    def forward(self, x):
        a = torch.relu(self.one(x))
        return {"a": a, "b": torch.tanh(self.two(a))}


@pytest.fixture
def parts():
    torch.manual_seed(15)
    encoder, net = Encoder().double(), nn.Conv2d(3, 3, 3, padding=1).double()
    content, style = torch.rand(2, 3, 6, 9).double(), torch.rand(2, 3, 8, 7).double()
    return encoder, net, content, style


def gram(f):
    f = f.flatten(2)
    return torch.einsum("bcn,bdn->bcd", f, f) / f[0].numel()


def snapshot(encoder):
    return [p.detach().clone() for p in encoder.parameters()]


def test_three_steps_of_sgd_are_the_written_out_objectives(parts):
    encoder, net, content, style = parts
    grams = {k: gram(f.detach()).mean(0, keepdim=True) for k, f in encoder(style).items()}
    twin = copy.deepcopy(net)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    net.weight.grad = torch.full_like(net.weight, 50.0)  # stale
    before = snapshot(encoder)
    for _ in range(3):
        report = fast_nst_step(net, encoder, content, grams, optimizer, "b", 1.5, 20.0)
        f, goal = encoder(twin(content)), encoder(content)["b"]
        l_c = (f["b"] - goal).pow(2).mean()
        l_s = sum((gram(f[k]) - grams[k]).pow(2).mean() for k in grams)
        grads = torch.autograd.grad(1.5 * l_c + 20 * l_s, list(twin.parameters()))
        expected = [l_c.item(), l_s.item(), (1.5 * l_c + 20 * l_s).item()]
        assert [report[k] for k in ("content", "style", "total")] == pytest.approx(expected, rel=1e-9)
        with torch.no_grad():
            for p, grad in zip(twin.parameters(), grads, strict=True):
                p -= 0.1 * grad
        torch.testing.assert_close(net.weight, twin.weight, rtol=1e-9, atol=1e-12)
    assert all(torch.equal(a, b) for a, b in zip(snapshot(encoder), before, strict=True))
    assert all(p.grad is None and p.requires_grad for p in encoder.parameters())
    assert not content.requires_grad


def test_an_existing_gradient_of_the_encoder_stays(parts):
    encoder, net, content, _ = parts
    encoder.one.weight.grad = torch.ones_like(encoder.one.weight)
    fast_nst_step(net, encoder, content, {}, torch.optim.SGD(net.parameters(), lr=0.1), "a", 1.0, 0.0)
    assert torch.equal(encoder.one.weight.grad, torch.ones_like(encoder.one.weight))


def test_a_network_that_copies_has_no_content_loss(parts):
    encoder, net, content, _ = parts
    with torch.no_grad():
        net.weight.zero_()
        net.bias.zero_()
        for c in range(3):
            net.weight[c, c, 1, 1] = 1
    report = fast_nst_step(
        net, encoder, content, {}, torch.optim.SGD(net.parameters(), lr=0.1), "a", 1.0, 1.0
    )
    assert report["content"] < 1e-25


def test_mistakes_of_the_step_are_named(parts):
    encoder, net, content, _ = parts
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(KeyError, match="no layer 'c'; choose from a, b"):
        fast_nst_step(net, encoder, content, {}, optimizer, "c", 1.0, 1.0)
    with pytest.raises(KeyError, match="no layer 'd'"):
        fast_nst_step(net, encoder, content, {"d": torch.ones(1, 2, 2)}, optimizer, "a", 1.0, 1.0)
    for alpha, beta in ((-1.0, 1.0), (1.0, -1.0)):
        with pytest.raises(ValueError, match="alpha, beta: expected at least 0"):
            fast_nst_step(net, encoder, content, {}, optimizer, "a", alpha, beta)


def decoder():
    torch.manual_seed(16)
    return nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 3, 3, padding=2)).double()


def written_out(encoder, net, content, style, layers, eps):
    def statistics(f):
        mean = f.mean((2, 3))
        return mean, ((f - mean[..., None, None]).pow(2).mean((2, 3)) + eps).sqrt()

    c, s = encoder(content)["b"], encoder(style)
    (mc, sc), (ms, ss) = statistics(c), statistics(s["b"])
    t = ((c - mc[..., None, None]) / sc[..., None, None] * ss[..., None, None] + ms[..., None, None]).detach()
    out = net(t)
    f, style_loss = encoder(out), 0
    for k in layers:
        for mine, wanted in zip(statistics(f[k]), statistics(s[k]), strict=True):
            style_loss = style_loss + (mine - wanted.detach()).pow(2).mean()
    return {"content": (f["b"] - t).pow(2).mean(), "style": style_loss, "output": out}


@pytest.mark.parametrize("eps", [1e-5, 0.1])
def test_the_losses_of_the_decoder_are_the_written_out_ones(parts, eps):
    encoder, _, content, style = parts
    content = content[..., :8]
    net = decoder()
    losses = adain_training_losses(encoder, net, content, style, "b", ["a", "b"], eps)
    expected = written_out(encoder, net, content, style, ["a", "b"], eps)
    for name in ("content", "style", "output"):
        torch.testing.assert_close(losses[name], expected[name], rtol=1e-10, atol=1e-12)
    wanted = torch.autograd.grad(expected["content"] + 10 * expected["style"], list(net.parameters()))
    (losses["content"] + 10 * losses["style"]).backward()
    for p, grad in zip(net.parameters(), wanted, strict=True):
        torch.testing.assert_close(p.grad, grad, rtol=1e-9, atol=1e-12)
    assert all(p.grad is None for p in encoder.parameters())


def test_images_get_no_gradient_and_a_plain_function_is_an_encoder(parts):
    encoder, _, content, style = parts
    content, style = content.clone().requires_grad_(), style.clone().requires_grad_()
    losses = adain_training_losses(lambda x: encoder(x), decoder(), content, style, "b", [])
    losses["content"].backward()
    assert content.grad is None
    assert style.grad is None
    assert losses["style"] == 0


def test_mistakes_of_the_losses_are_named(parts):
    encoder, _, content, style = parts
    with pytest.raises(ValueError, match="style: expected a batch of 2 as content, got 1"):
        adain_training_losses(encoder, decoder(), content, style[:1], "b", ["a"])
    for layer, layers in (("c", ["a"]), ("b", ["c"])):
        with pytest.raises(KeyError, match="no layer 'c'"):
            adain_training_losses(encoder, decoder(), content, style, layer, layers)


def test_frozen_leaves_what_is_frozen_as_it_is(parts):
    encoder = parts[0].requires_grad_(False)
    assert frozen(encoder) is encoder
