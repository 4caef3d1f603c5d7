"""nstkit's side: `stylize` as anybody calls it, watched through its callback; and its Wasserstein-2 loss alone."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from nstkit.transfer import stylize
from nstkit.transfer.draws import Draw
from nstkit.transfer.moment_targets import WassersteinTarget

from .plain import features_of_both, judge
from .problem import CONTENT_LAYERS, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT, Problem
from .taking_turns import Turns, wait_for

FOREVER = 10**6
Step = Callable[..., dict[str, Any]]


def settings(problem: Problem) -> dict[str, Any]:
    """The objective of `plain.Judge`, at one scale; maxima, as all peers pool."""
    return {
        "encoder": "vgg19", "weights": problem.weights, "pooling": "max",
        "device": problem.device, "size": problem.size, "coarsest": problem.size,
        "content_layers": dict.fromkeys(CONTENT_LAYERS, 1 / len(CONTENT_LAYERS)),
        "style_layers": dict.fromkeys(STYLE_LAYERS, 1 / len(STYLE_LAYERS)),
        "content_weight": CONTENT_WEIGHT, "style_weight": STYLE_WEIGHT, "style_loss": "gram", "balance": "start",
    }  # fmt: skip


def iteration(problem: Problem, **changed: Any) -> Step:
    """One evaluation and one step of L-BFGS, in bfloat16 where that is fast; `changed`: options of stylize."""
    content, style = problem.pictures()
    options = settings(problem) | {"steps": FOREVER} | changed
    turns = Turns(lambda callback: stylize(content, style, on_step=callback, **options), problem.device)

    def step() -> dict[str, Any]:
        turns.step()
        return {}

    return step


def float32_iteration(problem: Problem) -> Step:
    """The same in float32."""
    return iteration(problem, precision="float32")


def wasserstein_iteration(problem: Problem) -> Step:
    """What crowsonkb's loop minimises: Wasserstein-2 and squared total variation, by Adam, with averaged iterates."""
    return iteration(
        problem, style_loss="wasserstein", tv_weight=2.0, optimizer="adam", learning_rate=0.02, average=0.99
    )


def whole_run(problem: Problem) -> Step:
    """From half the size to the whole, at most the plain loop's evaluations at each, until it is judged `target`.

    The judge's own time does not count.
    """
    referee = judge(problem)

    def run(target: float) -> dict[str, Any]:
        found: dict[str, Any] = {"reached": False}
        started, judging = time.perf_counter(), 0.0

        def look(step: Any) -> bool:
            nonlocal judging
            if step.scale < step.scales:
                return False
            wait_for(problem.device)
            now = time.perf_counter()
            value = referee.value(step.image())
            found.update(value=value, evaluations=step.done, seconds=now - started - judging)
            found["reached"] = value <= target
            judging += time.perf_counter() - now
            return bool(found["reached"])

        options = settings(problem) | {"coarsest": problem.size // 2, "steps": problem.evaluations}
        stylize(*problem.pictures(), on_step=look, **options)
        return found

    return run


def wasserstein(problem: Problem) -> Step:
    """The loss at all style layers, forward and back to the features, of given features and targets."""
    mine, theirs = features_of_both(problem)
    targets = {name: WassersteinTarget(theirs[name]) for name in STYLE_LAYERS}
    leaves = [mine[name].requires_grad_() for name in STYLE_LAYERS]
    draw = Draw(0, 0)

    def step() -> dict[str, Any]:
        gaps = [target.gap(leaf, draw).sum() for target, leaf in zip(targets.values(), leaves, strict=True)]
        total: Tensor = torch.stack(gaps).sum()
        torch.autograd.grad(total, leaves)
        wait_for(problem.device)
        return {"value": float(total.detach())}

    return step
