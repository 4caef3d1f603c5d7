"""Accumulated gradients are those of one backward pass over the whole batch."""

import weakref

import pytest
import torch
from torch import nn

from nstkit.training import accumulate_gradients


@pytest.fixture
def problem():
    """A small network, a mean loss over rows, and 11 rows in uneven pieces."""
    g = torch.Generator().manual_seed(12)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, dtype=p.dtype, generator=g))
    rows = torch.randn(11, 3, dtype=torch.float64, generator=g)
    return net, lambda x: net(x).square().sum(1).mean(), rows


def whole(net, loss_fn, rows):
    loss = loss_fn(rows)
    return loss.detach(), torch.autograd.grad(loss, list(net.parameters()))


@pytest.mark.parametrize("lengths", [(11,), (4, 4, 3), (1, 7, 3), (1,) * 11])
def test_it_is_one_backward_pass(problem, lengths):
    net, loss_fn, rows = problem
    expected_loss, expected = whole(net, loss_fn, rows)
    for p in net.parameters():
        p.grad = torch.full_like(p, 99.0)  # stale
    for _ in range(2):
        loss = accumulate_gradients(loss_fn, list(net.parameters()), rows.split(lengths))
        torch.testing.assert_close(loss, expected_loss, rtol=1e-12, atol=0)
        assert not loss.requires_grad
        for p, grad in zip(net.parameters(), expected, strict=True):
            torch.testing.assert_close(p.grad, grad, rtol=1e-12, atol=1e-14)


def test_order_does_not_matter_and_float32_stays(problem):
    net, loss_fn, rows = problem
    net.float()
    pieces = rows.float().split((2, 5, 4))
    accumulate_gradients(loss_fn, list(net.parameters()), pieces)
    first = [p.grad.clone() for p in net.parameters()]
    loss = accumulate_gradients(loss_fn, list(net.parameters()), pieces[::-1])
    assert loss.dtype == torch.float32
    for p, grad in zip(net.parameters(), first, strict=True):
        torch.testing.assert_close(p.grad, grad)


class Box:
    """What a graph keeps for its backward pass."""

    def __init__(self, tensor):
        self.tensor = tensor


def test_the_graph_of_a_piece_is_gone_before_the_next(problem):
    net, loss_fn, rows = problem
    kept, counts = weakref.WeakSet(), []

    def pack(tensor):
        box = Box(tensor)
        kept.add(box)
        return box

    def watched(piece):
        counts.append(len(kept))
        return loss_fn(piece)

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.tensor):
        accumulate_gradients(watched, list(net.parameters()), rows.split(3))
        assert counts == [0, 0, 0, 0]
        held = [watched(piece) for piece in rows.split(3)]
    assert counts[-1] > 0  # the probe sees graphs that are alive
    del held


def test_only_the_parameters_get_gradients(problem):
    net, _, rows = problem
    outside, unused = (
        torch.ones(3, dtype=torch.float64, requires_grad=True),
        torch.ones(2, requires_grad=True),
    )
    frozen = torch.ones(2)
    parameters = [*net.parameters(), unused, frozen]
    accumulate_gradients(lambda x: net(x * outside).square().mean(), parameters, rows.split(4))
    assert outside.grad is None
    assert unused.grad is None
    assert frozen.grad is None
    assert net[0].weight.grad is not None


@pytest.mark.parametrize(("pieces", "words"), [
    ([], r"pieces: expected at least one, each with rows, got lengths \[\]"),
    ([torch.ones(2, 3), torch.ones(0, 3)], r"got lengths \[2, 0\]"),
])  # fmt: skip
def test_no_rows_are_refused_before_anything_is_cleared(problem, pieces, words):
    net, loss_fn, _ = problem
    net[0].weight.grad = torch.ones_like(net[0].weight)
    with pytest.raises(ValueError, match=words):
        accumulate_gradients(loss_fn, list(net.parameters()), pieces)
    assert net[0].weight.grad.sum() == 15


def test_a_loss_per_row_is_refused(problem):
    net, _, rows = problem
    with pytest.raises(ValueError, match=r"loss_fn: expected a 0-d tensor, got \(11, 2\)"):
        accumulate_gradients(net, list(net.parameters()), [rows])
