"""The loop follows Adam written out in NumPy, keeps the pixels in range, and really transfers a style."""

import numpy as np
import pytest
import torch

from nstkit.grading.draws import Draw
from nstkit.losses import nst_objective
from nstkit.transfer import precompute_targets, run_transfer

SHAPE = (2, 3, 4, 5)
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


def start_and_goal(dtype=torch.float64):
    """Goals far outside [0, 1] for many pixels, so that clamping shows."""
    random = torch.Generator().manual_seed(0)
    start = torch.rand(SHAPE, generator=random, dtype=torch.float64)
    goal = 1.5 * torch.randn(SHAPE, generator=random, dtype=torch.float64)
    return start.to(dtype), goal.to(dtype)


def adam_by_hand(start, goal, steps, lr, bounds):
    """Kingma & Ba, Algorithm 1, on Σ (x − goal)², with a projection after each step."""
    x, goal = start.double().numpy().copy(), goal.double().numpy()
    first, second, history = np.zeros_like(x), np.zeros_like(x), []
    for t in range(1, steps + 1):
        history.append(((x - goal) ** 2).sum())
        gradient = 2 * (x - goal)
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        x = x - lr * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - 0.999**t)) + 1e-8)
        x = np.clip(x, *bounds)
    return x, history


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("options", [{}, {"lr": 0.2}, {"bounds": (-0.5, 0.8)}])
def test_it_follows_adam_written_out(dtype, options):
    start, goal = start_and_goal(dtype)
    image, history = run_transfer(lambda x: ((x - goal) ** 2).sum(), start, 25, **options)
    expected, losses = adam_by_hand(start, goal, 25, **({"lr": 0.05, "bounds": (0.0, 1.0)} | options))
    assert image.dtype == dtype
    assert not image.requires_grad
    np.testing.assert_allclose(image.double().numpy(), expected, rtol=0, atol=TOLERANCE[dtype])
    assert history == pytest.approx(losses, rel=TOLERANCE[dtype])
    assert all(type(loss) is float for loss in history)


def test_it_converges_to_the_nearest_image_in_range():
    start, goal = start_and_goal()
    image, _ = run_transfer(lambda x: ((x - goal) ** 2).sum(), start, 400)
    torch.testing.assert_close(image, goal.clamp(0, 1), rtol=0, atol=1e-3)


@pytest.fixture
def transfer():
    """The objective of a small transfer and its content image, 3 x 24 x 32, float64."""
    draw = Draw(0, "transfer")
    encoder, content, style = draw.encoder(), draw.image(2, 24, 32), draw.image(1, 20, 28)
    targets = precompute_targets(encoder, content, style, ["layer3"], ["layer1", "layer2", "layer3"])
    start = torch.from_numpy(draw.rng.uniform(size=content.shape))
    return encoder, start, lambda x: nst_objective(x, encoder, targets, 1.0, 1e4)[0]


def test_a_transfer_from_noise_lowers_its_objective_20_times(transfer):
    _, start, objective = transfer
    image, history = run_transfer(objective, start, 60)
    assert len(history) == 60
    assert history[0] == pytest.approx(objective(start).item(), rel=1e-12)
    assert objective(image).item() < history[0] / 20
    assert image.min() >= 0
    assert image.max() <= 1


def test_history_holds_the_objective_before_each_update(transfer):
    _, start, objective = transfer
    _, history = run_transfer(objective, start, 3)
    for steps, loss in enumerate(history):
        image, _ = run_transfer(objective, start, steps)
        assert objective(image).item() == pytest.approx(loss, rel=1e-12)


def test_a_trainable_network_in_the_objective_gets_no_gradients(transfer):
    encoder, start, objective = transfer
    run_transfer(objective, start, 2)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in encoder.parameters())


@pytest.mark.parametrize("requires_grad", [False, True])
@pytest.mark.parametrize("steps", [0, 2])
def test_the_start_stays_as_it_is(requires_grad, steps):
    start, goal = start_and_goal()
    strided = start.mT.contiguous().mT.requires_grad_(requires_grad)
    image, history = run_transfer(lambda x: ((x - goal) ** 2).sum(), strided, steps)
    assert torch.equal(strided, start)
    assert strided.requires_grad is requires_grad
    assert strided.grad is None
    assert image.data_ptr() != strided.data_ptr()
    assert len(history) == steps
    if steps == 0:
        assert torch.equal(image, start)
        assert not image.requires_grad


def test_two_runs_are_one_run_twice():
    start, goal = start_and_goal()
    runs = [run_transfer(lambda x: (x - goal).abs().sum(), start, 5) for _ in range(2)]
    assert torch.equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]


def test_it_works_where_gradients_are_switched_off():
    start, goal = start_and_goal()
    with torch.no_grad():
        image, _ = run_transfer(lambda x: ((x - goal) ** 2).sum(), start, 3)
    torch.testing.assert_close(image, run_transfer(lambda x: ((x - goal) ** 2).sum(), start, 3)[0])


def test_an_objective_may_return_a_view_of_the_image():
    _, history = run_transfer(lambda x: x[0, 0], torch.full((2, 3), 0.5), 2, lr=0.1)
    assert history == pytest.approx([0.5, 0.4], abs=1e-6)


def test_a_negative_number_of_steps_is_refused():
    with pytest.raises(ValueError, match="steps: expected 0 or more, got -1"):
        run_transfer(torch.sum, torch.rand(SHAPE), -1)


@pytest.mark.parametrize("bounds", [(1.0, 0.0), (0.5, 0.5), (0.0, float("nan"))])
@pytest.mark.parametrize("steps", [0, 3])
def test_bounds_that_do_not_increase_are_refused(bounds, steps):
    with pytest.raises(ValueError, match=r"bounds: expected \(lower, upper\) with lower < upper, got \("):
        run_transfer(torch.sum, torch.rand(SHAPE), steps, bounds=bounds)


@pytest.mark.parametrize(
    ("objective", "got"),
    [
        (lambda x: x.mean((1, 2, 3)), r"shape \(2,\)"),
        (lambda x: x.mean().reshape(1), r"shape \(1,\)"),
        (lambda x: x.mean().item(), "float"),
    ],
)
def test_an_objective_that_is_not_a_scalar_is_refused(objective, got):
    with pytest.raises(ValueError, match=f"objective: expected a 0-d tensor, got {got}; reduce it"):
        run_transfer(objective, torch.rand(SHAPE), 3)
