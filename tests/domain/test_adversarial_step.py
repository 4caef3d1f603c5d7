"""A domain-adversarial step moves each of the three networks along its own, separately computed gradient."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, softplus

from nstkit.domain import domain_adversarial_step

RATE = 0.1


def setting(source=5, target=8, dtype=torch.float64):
    torch.manual_seed(0)
    networks = (
        nn.Sequential(nn.Linear(4, 6), nn.Tanh()).to(dtype),
        nn.Linear(6, 3).to(dtype),
        nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 1)).to(dtype),
    )
    source_x, target_x = torch.randn(source, 4, dtype=dtype), 2 + torch.randn(target, 4, dtype=dtype)
    return networks, (source_x, torch.randint(0, 3, (source,)), target_x)


def optimizer(networks):
    return torch.optim.SGD([p for net in networks for p in net.parameters()], lr=RATE)


def losses(networks, data):
    """Both losses, the domain's sample by sample from softplus."""
    encoder, task_head, domain_head = networks
    source_x, source_y, target_x = data
    source, target = domain_head(encoder(source_x)), domain_head(encoder(target_x))
    every = torch.cat([softplus(source), softplus(-target)])  # −log(1 − p) and −log p
    return cross_entropy(task_head(encoder(source_x)), source_y), every.mean()


def gradients(loss, network):
    return torch.autograd.grad(loss, list(network.parameters()), retain_graph=True)


@pytest.mark.parametrize("lam", [0.0, 0.3, 2.0])
def test_each_network_moves_along_its_own_gradient(lam):
    networks, data = setting()
    before = copy.deepcopy(networks)
    report = domain_adversarial_step(*networks, optimizer(networks), *data, lam)
    task, domain = losses(before, data)
    assert report == pytest.approx({"task": task.item(), "domain": domain.item()}, rel=1e-12)
    encoder = [
        t - lam * d for t, d in zip(gradients(task, before[0]), gradients(domain, before[0]), strict=True)
    ]
    wanted = [encoder, gradients(task, before[1]), gradients(domain, before[2])]
    for old, new, grads in zip(before, networks, wanted, strict=True):
        for p, q, g in zip(old.parameters(), new.parameters(), grads, strict=True):
            torch.testing.assert_close(q, p - RATE * g, rtol=1e-10, atol=1e-14)


def test_stale_gradients_do_not_count():
    networks, data = setting()
    twin = copy.deepcopy(networks)
    for net in networks:
        for p in net.parameters():
            p.grad = torch.full_like(p, 100.0)
    reports = [domain_adversarial_step(*n, optimizer(n), *data, 1.0) for n in (networks, twin)]
    assert reports[0] == reports[1]
    for p, q in zip(networks[0].parameters(), twin[0].parameters(), strict=True):
        assert torch.equal(p, q)


def test_single_precision_and_plain_floats():
    networks, data = setting(dtype=torch.float32)
    report = domain_adversarial_step(*networks, optimizer(networks), *data, 1.0)
    assert {type(value) for value in report.values()} == {float}
    assert {p.dtype for p in networks[0].parameters()} == {torch.float32}


def test_the_encoder_learns_to_hide_the_domain():
    """Trained against it, a domain head ends near chance; trained with it (lam = 0 into the encoder), it wins."""

    def domain_loss(lam):
        networks, data = setting(64, 64)
        opt = optimizer(networks)
        for _ in range(300):
            report = domain_adversarial_step(*networks, opt, *data, lam)
        return report["domain"]

    assert domain_loss(0.0) < 0.2
    assert domain_loss(1.0) > 0.6


def test_labels_must_fit_the_source():
    networks, (source_x, source_y, target_x) = setting()
    before = copy.deepcopy(networks[0]).state_dict()
    with pytest.raises(
        ValueError, match="source_y: expected 5 labels, one for each sample of source_x, got 4"
    ):
        domain_adversarial_step(*networks, optimizer(networks), source_x, source_y[:4], target_x, 1.0)
    with pytest.raises(ValueError, match="lam: expected a finite number of at least 0"):
        domain_adversarial_step(*networks, optimizer(networks), source_x, source_y, target_x, -1.0)
    assert all(torch.equal(value, before[key]) for key, value in networks[0].state_dict().items())


def test_the_domain_loss_is_torchs_own():
    networks, data = setting()
    logits = torch.cat([networks[2](networks[0](x)) for x in (data[0], data[2])])
    labels = torch.cat([torch.zeros(5, 1), torch.ones(8, 1)]).double()
    expected = binary_cross_entropy_with_logits(logits, labels).item()
    report = domain_adversarial_step(*networks, optimizer(networks), *data, 1.0)
    assert report["domain"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_the_gpu():
    networks, data = setting()
    expected = domain_adversarial_step(*copy.deepcopy(networks), optimizer(networks), *data, 1.0)
    networks = tuple(net.cuda() for net in networks)
    report = domain_adversarial_step(*networks, optimizer(networks), *(x.cuda() for x in data), 1.0)
    assert report == pytest.approx(expected, rel=1e-9)
