"""The contextual loss agrees with the paper's formulas written out in loops, and does not care about order."""

import math

import pytest
import torch

from nstkit.losses import contextual_loss


@pytest.fixture
def sets():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(4, 6, dtype=torch.float64, generator=generator) + 0.3
    return x, torch.randn(4, 9, dtype=torch.float64, generator=generator) - 0.5


def by_loops(x, y, h=0.5, eps=1e-5):
    x, y = x.T.tolist(), y.T.tolist()
    mean = [sum(column) / len(y) for column in zip(*y, strict=True)]

    def unit(vector):
        centred = [v - m for v, m in zip(vector, mean, strict=True)]
        norm = math.sqrt(sum(v * v for v in centred))
        return [v / max(norm, 1e-12) for v in centred]

    x, y = [unit(v) for v in x], [unit(v) for v in y]
    best = [0.0] * len(y)
    for a in x:
        d = [1 - sum(p * q for p, q in zip(a, b, strict=True)) for b in y]
        w = [math.exp((1 - value / (min(d) + eps)) / h) for value in d]
        best = [max(old, value / sum(w)) for old, value in zip(best, w, strict=True)]
    return -math.log(sum(best) / len(best))


@pytest.mark.parametrize("h", [0.1, 0.5, 2.0])
def test_it_agrees_with_loops(sets, h):
    assert float(contextual_loss(*sets, h=h)) == pytest.approx(by_loops(*sets, h=h), rel=1e-10)


def test_the_defaults_are_the_paper_s(sets):
    assert contextual_loss(*sets) == contextual_loss(*sets, h=0.5, eps=1e-5)


def test_a_set_matches_itself_in_any_order(sets):
    x = sets[0]
    assert 0 <= float(contextual_loss(x, x)) < 1e-3
    assert float(contextual_loss(x[:, [3, 1, 5, 0, 4, 2]], x)) < 1e-3


def test_order_and_a_common_shift_or_scale_change_nothing(sets):
    x, y = sets
    loss = contextual_loss(x, y)
    torch.testing.assert_close(contextual_loss(x[:, [3, 1, 5, 0, 4, 2]], y.flip(1)), loss, rtol=1e-10, atol=0)
    torch.testing.assert_close(contextual_loss(3 * x + 2, 3 * y + 2), loss, rtol=1e-9, atol=0)


def test_a_batch_is_averaged(sets):
    x, y = sets
    pairs = torch.stack([x, x.flip(0)]), torch.stack([y, 2 * y])
    expected = (contextual_loss(x, y) + contextual_loss(x.flip(0), 2 * y)) / 2
    torch.testing.assert_close(contextual_loss(*pairs), expected, rtol=1e-12, atol=0)


def test_a_tiny_bandwidth_does_not_overflow(sets):
    loss = contextual_loss(sets[0], sets[0], h=1e-4)
    assert torch.isfinite(loss)
    assert float(loss) < 1e-6


def test_the_gradient_reaches_x_alone(sets):
    x, y = (side.clone().requires_grad_() for side in sets)
    contextual_loss(x, y).backward()
    assert x.grad.abs().sum() > 0
    assert y.grad is None
    assert torch.autograd.gradcheck(lambda leaf: contextual_loss(leaf, sets[1]), x, atol=1e-6)


def test_single_precision_and_strides(sets):
    x, y = sets
    single = contextual_loss(x.float(), y.float())
    assert single.dtype == torch.float32
    assert float(single) == pytest.approx(float(contextual_loss(x, y)), rel=1e-4)
    torch.testing.assert_close(
        contextual_loss(x.T.contiguous().T, y), contextual_loss(x, y), rtol=1e-12, atol=0
    )


@pytest.mark.parametrize(
    ("x", "y", "h", "message"),
    [
        ((4, 6), (5, 9), 0.5, r"y: expected \(4,\) before the last axis as in x, got \(5, 9\)"),
        ((2, 4, 6), (3, 4, 9), 0.5, r"y: expected \(2, 4\) before the last axis as in x, got \(3, 4, 9\)"),
        ((4, 6), (4, 9), 0.0, r"h: expected a positive bandwidth, got 0.0"),
        ((2, 4, 6, 5), (2, 4, 6, 5), 0.5, r"got \(2, 4, 6, 5\) and \(2, 4, 6, 5\); flatten\(2\)"),
        ((4, 0), (4, 9), 0.5, r"no axis empty, got \(4, 0\)"),
    ],
)
def test_what_does_not_fit_is_refused(x, y, h, message):
    with pytest.raises(ValueError, match=message):
        contextual_loss(torch.ones(x), torch.ones(y), h)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(sets):
    gpu = contextual_loss(*(side.cuda() for side in sets))
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), contextual_loss(*sets), rtol=1e-9, atol=0)
