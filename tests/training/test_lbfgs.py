"""Our L-BFGS takes the steps of torch's, finds SciPy's minimum, and resumes exactly."""

import numpy as np
import pytest
import scipy.optimize
import torch

from nstkit.training import LBFGS


def problem(kind, size=12):
    generator = torch.Generator().manual_seed(5)
    a = torch.randn(size + 5, size, dtype=torch.float64, generator=generator)
    b = torch.randn(size + 5, dtype=torch.float64, generator=generator)
    start = torch.randn(size, dtype=torch.float64, generator=generator)
    if kind == "quadratic":
        return lambda x: 0.5 * (a @ x - b).square().sum() / size, start
    return (
        lambda x: (100 * (x[1:] - x[:-1].square()).square() + (1 - x[:-1]).square()).sum() / 200,
        start * 0.3,
    )


def run(objective, start, steps, **options):
    x, path = start.clone(), []
    optimizer = LBFGS(x, **options)
    for _ in range(steps):
        leaf = x.clone().requires_grad_()
        (grad,) = torch.autograd.grad(objective(leaf), leaf)
        optimizer.step(grad)
        path.append(x.clone())
    return path, optimizer


@pytest.mark.parametrize("kind", ["quadratic", "rosenbrock"])
@pytest.mark.parametrize("history", [3, 10])
def test_the_steps_are_those_of_torch(kind, history):
    objective, start = problem(kind)
    x = start.clone().requires_grad_()
    theirs = torch.optim.LBFGS(
        [x], lr=0.5, max_iter=1, history_size=history, tolerance_grad=0, tolerance_change=0
    )

    def closure():
        theirs.zero_grad()
        loss = objective(x)
        loss.backward()
        return loss

    path, _ = run(objective, start, 15, learning_rate=0.5, history=history)
    for step in path:
        theirs.step(closure)
        assert torch.allclose(step, x.detach(), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("kind", ["quadratic", "rosenbrock"])
def test_the_minimum_is_that_of_scipy(kind):
    objective, start = problem(kind)

    def numpy_objective(values):
        leaf = torch.from_numpy(values.copy()).requires_grad_()
        loss = objective(leaf)
        (grad,) = torch.autograd.grad(loss, leaf)
        return float(loss.detach()), grad.numpy()

    best = scipy.optimize.minimize(
        numpy_objective, start.numpy(), jac=True, method="L-BFGS-B", options={"ftol": 1e-15}
    )
    path, _ = run(objective, start, 400, max_rms=0.1)
    assert float(objective(path[-1])) <= best.fun + 1e-8


def test_no_step_is_longer_than_allowed():
    objective, start = problem("rosenbrock")
    path, _ = run(objective, start * 30, 20, max_rms=0.05)
    points = torch.stack([start * 30, *path])
    assert float((points[1:] - points[:-1]).square().mean(1).sqrt().max()) <= 0.05 * (1 + 1e-9)


@pytest.mark.parametrize("learning_rate", [1.0, 0.25])
def test_the_first_step_has_the_length_asked_for_and_goes_downhill(learning_rate):
    objective, start = problem("rosenbrock")
    path, _ = run(objective, start, 1, first_rms=0.01, learning_rate=learning_rate)
    move = path[0] - start
    leaf = start.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(leaf), leaf)
    assert float(move.square().mean().sqrt()) == pytest.approx(0.01 * learning_rate, rel=1e-9)
    assert float(torch.cosine_similarity(move, -gradient, dim=0)) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("factor", [2.0**-12, 2.0**9])
def test_with_a_first_step_of_its_own_length_a_factor_changes_no_bit(factor):
    objective, start = problem("rosenbrock")
    options = {"first_rms": 0.01, "max_rms": 0.2}
    one, _ = run(objective, start, 12, **options)
    other, _ = run(lambda x: factor * objective(x), start, 12, **options)
    for mine, theirs in zip(one, other, strict=True):
        assert torch.equal(mine, theirs)


def test_the_longest_step_bounds_the_first_one_too():
    objective, start = problem("rosenbrock")
    path, _ = run(objective, start, 1, first_rms=0.5, max_rms=0.05)
    assert float((path[0] - start).square().mean().sqrt()) == pytest.approx(0.05, rel=1e-9)


def test_a_pair_without_curvature_is_skipped():
    x = torch.zeros(4, dtype=torch.float64)
    optimizer = LBFGS(x, history=3)
    for _ in range(5):
        optimizer.step(torch.ones(4, dtype=torch.float64))
    assert torch.isfinite(x).all()
    assert (x < 0).all()


def test_going_on_from_a_stored_state_changes_nothing():
    objective, start = problem("rosenbrock")
    whole, _ = run(objective, start, 14, history=4, learning_rate=0.3)
    half, first = run(objective, start, 6, history=4, learning_rate=0.3)
    x = half[-1].clone()
    second = LBFGS(x, history=4, learning_rate=0.3)
    second.load_state_dict({k: v.clone() if torch.is_tensor(v) else v for k, v in first.state_dict().items()})
    for _ in range(8):
        leaf = x.clone().requires_grad_()
        second.step(torch.autograd.grad(objective(leaf), leaf)[0])
    assert torch.equal(x, whole[-1])


@pytest.mark.parametrize(("options", "words"), [
    ({"history": 0}, "history: expected at least 1, got 0"),
    ({"learning_rate": 0.0}, "learning_rate: expected a positive number, got 0.0"),
    ({"max_rms": -1.0}, "max_rms: expected a positive number, got -1.0"),
    ({"first_rms": 0.0}, "first_rms: expected a positive number, got 0.0"),
])  # fmt: skip
def test_mistakes(options, words):
    with pytest.raises(ValueError, match=words):
        LBFGS(torch.zeros(3, 4), **options)
    with pytest.raises(ValueError, match="contiguous"):
        LBFGS(torch.zeros(3, 4).T)
    with pytest.raises(ValueError, match=r"x: expected a batch \(B, …\) of items with per_image, got \(3,\)"):
        LBFGS(torch.zeros(3), per_image=True)


def test_two_dimensions_are_as_good_as_one():
    objective, start = problem("quadratic")
    flat, _ = run(objective, start, 9)
    square, _ = run(lambda x: objective(x.reshape(-1)), start.reshape(3, 4), 9)
    np.testing.assert_allclose(square[-1].reshape(-1), flat[-1], rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_each_image_of_a_batch_takes_the_steps_that_it_takes_alone(dtype):
    """Of one that is far from everything, one in a flat place and one where the curvature fails, bit by bit."""
    rosenbrock, start = problem("rosenbrock")
    quadratic, _ = problem("quadratic")
    objectives = [
        rosenbrock,
        lambda x: 1e-3 * quadratic(x),
        lambda x: x.sum(),
        lambda x: 50 * quadratic(x),
    ]
    if dtype == torch.float32:
        objectives = [lambda x, f=f: f(x.double()).float() for f in objectives]
    starts = [(factor * start).to(dtype) for factor in (1, 30, 1, 4)]
    options = {"history": 3, "max_rms": 0.05, "learning_rate": 0.7}

    def joint(x):
        return sum(f(row.flatten()) for f, row in zip(objectives, x, strict=True))

    both, _ = run(joint, torch.stack(starts).view(4, 3, 4), 12, per_image=True, **options)
    for number, (f, alone) in enumerate(zip(objectives, starts, strict=True)):
        path, _ = run(f, alone, 12, **options)
        for mine, theirs in zip(both, path, strict=True):
            assert torch.equal(mine[number].flatten(), theirs)
    as_one, _ = run(joint, torch.stack(starts).view(4, 3, 4), 12, **options)
    assert not torch.allclose(as_one[-1], both[-1])


def test_a_batch_goes_on_from_a_stored_state_and_not_from_that_of_one_variable():
    objective, start = problem("quadratic")
    batch = torch.stack([start, 3 * start])

    def joint(x):
        return objective(x[0]) + 7 * objective(x[1])

    whole, _ = run(joint, batch, 9, history=2, per_image=True)
    half, first = run(joint, batch, 4, history=2, per_image=True)
    x = half[-1].clone()
    second = LBFGS(x, history=2, per_image=True)
    second.load_state_dict(first.state_dict())
    for _ in range(5):
        leaf = x.clone().requires_grad_()
        second.step(torch.autograd.grad(joint(leaf), leaf)[0])
    assert torch.equal(x, whole[-1])
    _, as_one = run(joint, batch, 4, history=2)
    with pytest.raises(ValueError, match="state: expected 4 values of inverse, got 2; start anew"):
        second.load_state_dict(as_one.state_dict())


def test_a_state_of_version_0_1_is_taken_up():
    """Its buffers had no axis of images."""
    objective, start = problem("rosenbrock")
    whole, _ = run(objective, start, 8, history=3)
    half, first = run(objective, start, 5, history=3)
    state = first.state_dict()
    flat = {k: v.squeeze(1) for k, v in state.items() if k in ("moves", "turns")}
    flat |= {k: v.flatten() for k, v in state.items() if k in ("inverse", "last_x", "last_grad")}
    flat |= {"scale": state["scale"].reshape(()), "steps": 5}
    x = half[-1].clone()
    second = LBFGS(x, history=3)
    second.load_state_dict(flat)
    for _ in range(3):
        leaf = x.clone().requires_grad_()
        second.step(torch.autograd.grad(objective(leaf), leaf)[0])
    assert torch.equal(x, whole[-1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_batch_never_waits_for_the_gpu():
    x = torch.rand(3, 2, 40, device="cuda")
    optimizer, target = LBFGS(x, history=2, max_rms=0.2, per_image=True), torch.rand(3, 2, 40, device="cuda")
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(5):
            optimizer.step(2 * (x - target))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert float((x - target).abs().max()) < 1e-3
