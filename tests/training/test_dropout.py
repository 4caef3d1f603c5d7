"""Inverted dropout has the statistics that its formula promises, and is the identity outside training."""

import math

import pytest
import torch

from nstkit.training import inverted_dropout

P = 0.3  # never 0.5, where keeping and dropping look the same


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def x():
    """(20, 25, 8, 50): 200 000 entries, none of them 0."""
    values = torch.rand(20, 25, 8, 50, dtype=torch.float64, generator=seeded(3))
    return values + 0.5


def test_the_share_of_dropped_entries_is_p_and_the_mean_stays(x):
    y = inverted_dropout(x, P, True, seeded())
    deviation = math.sqrt(P * (1 - P) / x.numel())
    assert abs(float((y == 0).double().mean()) - P) < 5 * deviation
    assert float(y.mean() / x.mean()) == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_survivors_are_exactly_x_over_the_keep_probability(x, dtype):
    x = x.to(dtype)
    y = inverted_dropout(x, P, True, seeded())
    assert y.dtype == dtype
    torch.testing.assert_close(
        y[y != 0], x[y != 0] / 0.7, rtol=1e-12 if dtype == torch.float64 else 2e-3, atol=0
    )


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
def test_neighbours_share_their_fate_as_often_as_chance_has_it(x, axis):
    kept = inverted_dropout(x, P, True, seeded()) != 0
    first, second = kept.narrow(axis, 0, x.shape[axis] - 1), kept.narrow(axis, 1, x.shape[axis] - 1)
    assert float((first == second).double().mean()) == pytest.approx(P**2 + (1 - P) ** 2, abs=0.01)


def test_the_gradient_is_the_mask_over_the_keep_probability(x):
    x.requires_grad_()
    y = inverted_dropout(x, P, True, seeded())
    (gradient,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(gradient, (y.detach() != 0).double() / 0.7)


def test_gradcheck():
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=seeded()).requires_grad_()
    assert torch.autograd.gradcheck(lambda t: inverted_dropout(t, P, True, seeded(1)), x)


@pytest.mark.parametrize(("p", "training"), [(P, False), (1.0, False), (0.0, True)])
def test_inference_and_p_zero_change_nothing(x, p, training):
    assert torch.equal(inverted_dropout(x, p, training), x)


def test_p_one_leaves_zeros_and_a_graph_even_of_infinities(x):
    x[0, 0, 0, 0] = math.inf
    y = inverted_dropout(x.requires_grad_(), 1.0, True)
    assert torch.equal(y, torch.zeros_like(x))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert torch.equal(gradient, torch.zeros_like(x))


def test_a_generator_decides_alone(x):
    state = torch.get_rng_state()
    strided = x.mT.contiguous().mT
    one, same, other = (inverted_dropout(t, P, True, seeded(s)) for t, s in ((x, 4), (strided, 4), (x, 5)))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def test_without_a_generator_torchs_seed_decides(x):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        one = inverted_dropout(x, P, True)
        torch.manual_seed(1)
        assert torch.equal(one, inverted_dropout(x, P, True))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(x, p, training):
    with pytest.raises(ValueError, match=r"p: expected a probability in \[0, 1\], got"):
        inverted_dropout(x, p, training)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_cpu_generator_gives_the_gpu_the_same_mask(x):
    gpu = inverted_dropout(x.cuda(), P, True, seeded())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), inverted_dropout(x, P, True, seeded()), rtol=1e-12, atol=0)
    own = inverted_dropout(x.cuda(), P, True, torch.Generator("cuda").manual_seed(0))
    assert float((own == 0).double().mean()) == pytest.approx(P, abs=0.01)
