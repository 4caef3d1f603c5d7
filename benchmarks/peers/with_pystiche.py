"""pystiche 1.0.1: its `image_optimization` of a perceptual loss, as in its guide's first example.

It is of 2022: torchvision has since dropped the tables of addresses that it reads when it is imported, and it keeps a
folder in one's home.
"""

import importlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from types import ModuleType
from typing import Any

import torchvision

from .found import package_folder
from .plain import judge
from .problem import CONTENT_LAYERS, STYLE_LAYERS, Problem
from .taking_turns import wait_for

VGGS = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")]


class Silent:
    """Stands in for tqdm's bar, which is only drawn."""

    def __init__(self, iterable: Iterable[Any], **_: Any) -> None:
        self._iterable = iterable

    def __iter__(self) -> Iterator[Any]:
        return iter(self._iterable)

    def __enter__(self) -> "Silent":
        return self

    def __exit__(self, *_: object) -> None: ...

    def update(self, *_: object) -> None: ...

    def set_postfix(self, **_: object) -> None: ...


def load(problem: Problem) -> ModuleType:
    """The package, whose VGG-19 has our weights."""
    sys.path.insert(0, str(package_folder("pystiche", problem.folders.get("pystiche")).parent))
    torchvision.models.vgg19 = problem.vgg19
    for name, networks in {"vgg": VGGS, "alexnet": ["alexnet"]}.items():
        module = importlib.import_module(f"torchvision.models.{name}")
        module.model_urls = dict.fromkeys(networks, "")
    if importlib.util.find_spec("tqdm") is None:
        bars = ModuleType("tqdm.auto")
        bars.tqdm = Silent
        sys.modules |= {"tqdm": ModuleType("tqdm"), "tqdm.auto": bars}
    os.environ["PYSTICHE_HOME"] = tempfile.gettempdir()
    return importlib.import_module("pystiche")


def iteration(problem: Problem) -> Callable[[], dict[str, Any]]:
    """One step of its L-BFGS, the loss read at each, with the weights of `plain.Judge`."""
    pystiche = load(problem)
    content, style = problem.on_device()
    weights = judge(problem)
    network = pystiche.enc.vgg19_multi_layer_encoder(pretrained=False)
    content_loss = pystiche.loss.MultiLayerEncodingLoss(
        network,
        tuple(CONTENT_LAYERS),
        lambda encoder, weight: pystiche.loss.FeatureReconstructionLoss(encoder, score_weight=weight),
        layer_weights=[weights.content_weights[name] for name in CONTENT_LAYERS],
    )
    style_loss = pystiche.loss.MultiLayerEncodingLoss(
        network,
        tuple(STYLE_LAYERS),
        lambda encoder, weight: pystiche.loss.GramLoss(encoder, score_weight=weight),
        layer_weights=[weights.style_weights[name] for name in STYLE_LAYERS],
    )
    del weights
    goal = pystiche.loss.PerceptualLoss(content_loss, style_loss).to(problem.device)
    goal.set_content_image(content)
    goal.set_style_image(style)
    image = content.clone()
    optimizer = pystiche.optim.default_image_optimizer(image)

    def step() -> dict[str, Any]:
        pystiche.optim.image_optimization(image, goal, optimizer, num_steps=1, quiet=True)
        wait_for(problem.device)
        return {}

    return step
