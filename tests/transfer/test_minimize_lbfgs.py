"""L-BFGS beats first-order methods on ill-conditioned smooth objectives, and leaves its inputs alone."""

import pytest
import torch

from nstkit.transfer import minimize_lbfgs, run_transfer


def quadratic(n=100, condition=1e4):
    """½ (x − x*)ᵀ A (x − x*) with A of the given condition, A full, and a start far away."""
    g = torch.Generator().manual_seed(13)
    q, _ = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=g))
    matrix = q @ torch.diag(torch.logspace(0, torch.tensor(condition).log10(), n, dtype=torch.float64)) @ q.T
    goal = torch.randn(n, dtype=torch.float64, generator=g)
    return (lambda x: 0.5 * (x - goal) @ matrix @ (x - goal)), 4 * torch.randn(
        n, dtype=torch.float64, generator=g
    )


def test_it_gets_far_lower_than_adam_with_as_many_evaluations():
    f, start = quadratic()
    x, history = minimize_lbfgs(f, start)
    assert history[0] == float(f(start))
    assert float(f(x)) == pytest.approx(min(history))
    assert len(history) <= 75
    adam = min(float(f(run_transfer(f, start, 75, lr=lr, bounds=(-1e9, 1e9))[0])) for lr in (0.05, 0.2, 0.5))
    assert float(f(x)) < adam / 4


def test_memory_helps():
    f, start = quadratic()
    assert float(f(minimize_lbfgs(f, start, history_size=1)[0])) > float(f(minimize_lbfgs(f, start)[0]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_shape_layout_and_dtype(dtype):
    wide = torch.randn(2, 5, 4, 3, dtype=dtype, generator=torch.Generator().manual_seed(1))
    init = wide.permute(0, 3, 1, 2)
    before = init.clone()
    goal = torch.linspace(0, 1, 120, dtype=dtype).view(2, 3, 5, 4)
    x, _ = minimize_lbfgs(lambda x: (x - goal).pow(2).sum() + (x - goal).pow(4).sum(), init, 40)
    assert x.dtype == dtype
    assert not x.requires_grad
    assert torch.equal(init, before)
    torch.testing.assert_close(x, goal, rtol=0, atol=1e-3)


def test_a_network_in_the_objective_stays_clean():
    net = torch.nn.Linear(4, 3)
    with torch.no_grad():
        x, _ = minimize_lbfgs(lambda x: net(x).square().sum(), torch.ones(2, 4), 5)
        assert net.weight.grad is None
        assert float(net(x).square().sum()) < float(net(torch.ones(2, 4)).square().sum())


@pytest.mark.parametrize(("arguments", "words"), [
    ((lambda x: x.sum(), torch.ones(3), 0), "max_iter, history_size: expected at least 1, got 0, 10"),
    ((lambda x: x.sum(), torch.ones(3), 5, 0), "max_iter, history_size: expected at least 1, got 5, 0"),
    ((lambda x: x.square(), torch.ones(3)), r"objective: expected a 0-d tensor, got shape \(3,\)"),
])  # fmt: skip
def test_mistakes_are_named(arguments, words):
    with pytest.raises(ValueError, match=words):
        minimize_lbfgs(*arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    f = lambda x: (x - 0.5).square().sum() + x.pow(4).sum()  # noqa: E731
    start = torch.linspace(-1, 1, 24, dtype=torch.float64).view(2, 3, 4)
    torch.testing.assert_close(minimize_lbfgs(f, start.cuda())[0].cpu(), minimize_lbfgs(f, start)[0])
