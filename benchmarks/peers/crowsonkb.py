"""crowsonkb's style-transfer-pytorch: its `StyleTransfer.stylize`, watched through its callback, and its loss alone.

Imported without the package's own `__init__`, which would ask for its web page's dependencies.
"""

import importlib
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import torch
import torchvision
from torchvision.transforms.functional import to_pil_image

from .found import package_folder
from .plain import features_of_both
from .problem import STYLE_LAYERS, Problem
from .taking_turns import Turns, wait_for

FOREVER = 10**6


def load(problem: Problem) -> ModuleType:
    """Its module `style_transfer.style_transfer`, whose VGG-19 has our weights."""
    torchvision.models.vgg19 = problem.vgg19
    package = ModuleType("style_transfer")
    package.__path__ = [str(package_folder("crowsonkb", problem.folders.get("crowsonkb")))]
    sys.modules["style_transfer"] = package
    return importlib.import_module("style_transfer.style_transfer")


def iteration(problem: Problem) -> Callable[[], dict[str, Any]]:
    """One iteration as its command line has it: Adam, Wasserstein-2, averaged iterates, the loss read at each."""
    transfer = load(problem).StyleTransfer(devices=[problem.device])
    content, style = (to_pil_image(picture[0]) for picture in problem.pictures())
    one_scale = {"min_scale": problem.size, "end_scale": problem.size, "initial_iterations": FOREVER}
    turns = Turns(
        lambda callback: transfer.stylize(content, [style], callback=callback, **one_scale), problem.device
    )

    def step() -> dict[str, Any]:
        turns.step()
        return {}

    return step


def wasserstein(problem: Problem) -> Callable[[], dict[str, Any]]:
    """Its loss at all style layers, forward and back to the features, of given features and targets."""
    loss = load(problem).StyleLossW2
    mine, theirs = features_of_both(problem)
    losses = [loss(loss.get_target(theirs[name])).to(problem.device) for name in STYLE_LAYERS]
    leaves = [mine[name].requires_grad_() for name in STYLE_LAYERS]

    def step() -> dict[str, Any]:
        gaps = [one(leaf).sum() for one, leaf in zip(losses, leaves, strict=True)]
        total = torch.stack(gaps).sum()
        torch.autograd.grad(total, leaves)
        wait_for(problem.device)
        return {"value": float(total.detach())}

    return step
