"""The loop as tutorials have it: VGG-19 whole, float32, gradients of its weights left on, torch.optim.LBFGS.

Also the objective that all sides are judged by, in the fewest lines: the mean square of the content's differences and
the mean squares of the Gram matrices' differences, each divided by what it is before anything is done (content: by its
own mean square).
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .problem import CONTENT_LAYERS, CONTENT_WEIGHT, STYLE_LAYERS, STYLE_WEIGHT, Problem
from .taking_turns import wait_for

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def features(network: nn.Sequential, image: Tensor) -> dict[str, Tensor]:
    """All layers are run; those that are asked for are kept."""
    wanted = {index: name for name, index in {**STYLE_LAYERS, **CONTENT_LAYERS}.items()}
    mean, deviation = (image.new_tensor(values).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    found, x = {}, (image - mean) / deviation
    for index, layer in enumerate(network):
        x = layer(x)
        if index in wanted:
            found[wanted[index]] = x
    return found


def gram(maps: Tensor) -> Tensor:
    """F Fᵀ / (H·W), (C, C), of one image's features."""
    _, channels, height, width = maps.shape
    flat = maps.reshape(channels, height * width)
    return flat @ flat.T / (height * width)


class Judge:
    """Gram and content loss of an image.

    Attributes:
        content_weights, style_weights: of each layer, all divisors included.
    """

    def __init__(self, network: nn.Sequential, content: Tensor, style: Tensor) -> None:
        self.network = network
        with torch.no_grad():
            mine, theirs = features(network, content), features(network, style)
            self.content = {name: mine[name].clone() for name in CONTENT_LAYERS}
            self.grams = {name: gram(theirs[name]) for name in STYLE_LAYERS}
            starts = {name: (gram(mine[name]) - goal).square().mean() for name, goal in self.grams.items()}
        self.content_weights = {
            name: CONTENT_WEIGHT / len(CONTENT_LAYERS) / float(maps.square().mean())
            for name, maps in self.content.items()
        }
        self.style_weights = {
            name: STYLE_WEIGHT / len(STYLE_LAYERS) / float(start) for name, start in starts.items()
        }

    def loss(self, image: Tensor) -> Tensor:
        """0-d, differentiable."""
        return self.of_features(features(self.network, image))

    def of_features(self, found: Mapping[str, Tensor]) -> Tensor:
        """0-d, of features by layer."""
        losses = [
            weight * nn.functional.mse_loss(found[name], self.content[name])
            for name, weight in self.content_weights.items()
        ]
        losses += [
            weight * nn.functional.mse_loss(gram(found[name]), self.grams[name])
            for name, weight in self.style_weights.items()
        ]
        return torch.stack(losses).sum()

    @torch.no_grad()
    def value(self, image: Tensor) -> float:
        """The loss of an image cut to [0, 1], as a number."""
        return float(self.loss(image.clamp(0, 1)))


def features_of_both(problem: Problem) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Features by layer of the content and of the style, without gradients."""
    network = problem.vgg19().features.to(problem.device)
    with torch.no_grad():
        mine, theirs = (features(network, picture) for picture in problem.on_device())
    return mine, theirs


def judge(problem: Problem) -> Judge:
    """In float32 on the problem's device, its weights frozen."""
    network = problem.vgg19().features.requires_grad_(False).to(problem.device)
    return Judge(network, *problem.on_device())


def loop(
    problem: Problem, *, frozen: bool = False, per_step: int = 1
) -> tuple[Callable[[], float], Tensor, list[float]]:
    """A step of the tutorial's optimiser, the image that it changes, and the losses of all evaluations so far."""
    content, style = problem.on_device()
    network = problem.vgg19().features.to(problem.device)
    if frozen:
        network = network[: max(STYLE_LAYERS.values()) + 1].requires_grad_(False)
    goal, image = Judge(network, content, style), content.clone().requires_grad_()
    optimizer, losses = torch.optim.LBFGS([image], max_iter=per_step), []

    def closure() -> Tensor:
        with torch.no_grad():
            image.clamp_(0, 1)
        optimizer.zero_grad()
        network.zero_grad()
        loss = goal.loss(image)
        loss.backward()
        losses.append(float(loss.detach()))
        return loss

    return lambda: optimizer.step(closure).item(), image, losses


def iteration(problem: Problem) -> Callable[[], dict[str, Any]]:
    """One evaluation and one step."""
    step, _, _ = loop(problem)
    return lambda: {"value": step()}


def frozen_iteration(problem: Problem) -> Callable[[], dict[str, Any]]:
    """The same with the network frozen and cut behind the last layer that is read, as the better tutorials do."""
    step, _, _ = loop(problem, frozen=True)
    return lambda: {"value": step()}


def whole_run(problem: Problem) -> Callable[[], dict[str, Any]]:
    """A run of so many evaluations, 20 in each of the optimiser's steps as torch has it; then it is judged."""
    referee = judge(problem)

    def run() -> dict[str, Any]:
        started = time.perf_counter()
        step, image, losses = loop(problem, per_step=min(20, problem.evaluations))
        while len(losses) < problem.evaluations:
            step()
        wait_for(problem.device)
        seconds = time.perf_counter() - started
        return {"seconds": seconds, "evaluations": len(losses), "value": referee.value(image.detach())}

    return run
