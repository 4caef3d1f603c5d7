"""What was asked of `stylize`, settled before any work: pictures checked, network loaded, open options filled in.

An option that is None takes the recipe's value where a recipe has one.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from nstkit.encoders import Encoder, load_encoder, repeat_border
from nstkit.images import check_image
from nstkit.training.checks import choose
from nstkit.training.devices import pick_precision
from nstkit.transfer.options import INITS, RANDOM_LOSSES, Options
from nstkit.transfer.pyramid import PictureTooSmall
from nstkit.transfer.recipes import PUBLISHED, RECIPES, TINY, Recipe, fitted
from nstkit.transfer.regions import Regions
from nstkit.transfer.taps import TappedEncoder, check_layers


def check_pictures(content: Tensor, styles: Sequence[Tensor], weights: Sequence[float] | None) -> None:
    """Raise unless content and styles keep the image contract, each style is one image, and weights are as many."""
    check_image(content, "content")
    if not styles:
        raise ValueError("styles: expected at least one image, got none")
    for number, style in enumerate(styles):
        name = "style" if len(styles) == 1 else f"styles[{number}]"
        check_image(style, name)
        if style.shape[0] != 1:
            raise ValueError(f"{name}: expected one image (1, 3, H, W), got a batch of {style.shape[0]}")
    if weights is not None and len(weights) != len(styles):
        raise ValueError(f"style_weights: expected one per style, {len(styles)}, got {len(weights)}")


def check_sizes(content: Tensor, styles: Sequence[Tensor], minimum: int) -> None:
    """Pictures smaller than the layers allow are refused, enlarged or not: there is nothing in them to read.

    Raises:
        PictureTooSmall: the content is.
        ValueError: a style is.
    """
    for name, picture in (("content", content), *(("style", style) for style in styles)):
        height, width = picture.shape[-2:]
        if min(height, width) < minimum:
            message = (
                f"{name}: expected at least {minimum} x {minimum} pixels for these layers, got {width} x {height}; "
                "give a larger picture, or leave the deepest layers out"
            )
            raise PictureTooSmall(message, minimum) if picture is content else ValueError(message)


def settled_network(
    encoder: str | Encoder, weights: str | None, pooling: Any, recipe: str | None
) -> tuple[Encoder, Recipe]:
    """The encoder, and what is to be done with it where nothing else is said."""
    if recipe is not None:
        choose("recipe", recipe, tuple(PUBLISHED))
    if isinstance(encoder, Encoder):
        return encoder, _plan(encoder, recipe)
    network = load_encoder(encoder, weights=weights, pooling=pooling)
    plan = _plan(network, recipe)
    if pooling is None and plan.pooling is not None:
        network = load_encoder(network.name, weights=weights, pooling=plan.pooling)  # type: ignore[arg-type]
    return network, plan


def settled_start(init: Any, content: Tensor) -> Tensor | None:
    """The image to start from, checked, where `init` is one; None where it is a name, checked, or left open."""
    if isinstance(init, str):
        choose("init", init, INITS)
    if not isinstance(init, Tensor):
        return None
    check_image(init, "init")
    if init.shape[0] != content.shape[0]:
        raise ValueError(f"init: expected as many images as content, {content.shape[0]}, got {init.shape[0]}")
    return init


def settled_options(plan: Recipe, place: torch.device, **asked: Any) -> Options:
    """The options of a run.

    Args:
        plan: what is done where nothing else is said.
        place: the device; what is fast there decides on the precision.
        asked: the fields of `Options`, None where left open; `init` may be an image.
    Raises:
        ValueError, TypeError: a value that cannot be.
    """
    found = {name: _given(value, getattr(plan, name, None)) for name, value in asked.items()}
    found["content_layers"] = _by_layer("content_layers", found["content_layers"])
    found["style_layers"] = layers = _by_layer("style_layers", found["style_layers"])
    found["style_loss"] = _losses(asked["style_loss"], plan, layers, asked["style_layers"] is None)
    for name in ("patch_sizes", "patch_turns"):
        found[name] = tuple(float(value) for value in found.get(name) or ())
    found["optimizer"] = _given(found["optimizer"], _optimizer(found["style_loss"], found["content_loss"]))
    found["learning_rate"] = _given(found["learning_rate"], _rate(found["optimizer"]))
    found["init"] = "image" if isinstance(asked["init"], Tensor) else str(found["init"])
    found["precision"] = pick_precision(asked["precision"], plan.precision, place)
    found["first_steps"] = _first_steps(asked["first_steps"], asked["steps"], plan.first)
    if asked["carry_over"] is None:
        found["carry_over"] = plan.carry_over and found["optimizer"] == "adam"
    return Options(**found)


def _by_layer(name: str, weights: Any) -> dict[str, float]:
    if not isinstance(weights, Mapping):
        raise TypeError(
            f"{name}: expected layers with their weights, such as {{'relu1_1': 1.0}}, got {weights!r}"
        )
    return dict(weights)


def check_regions(regions: Regions, options: Options) -> None:
    """Raise ValueError if masks were given that cannot go with the other options."""
    if regions.content_map is not None and options.content_loss == "self_similarity":
        raise ValueError(
            "content_map: expected content_loss features or half_sum, got 'self_similarity', which compares places "
            "with each other and knows no weights"
        )
    if regions.masks is not None and options.match_color is not None:
        raise ValueError(
            f"match_color: expected no masks beside it, got {options.match_color!r}; the whole content would take one "
            "palette, where masks give each style a region"
        )


def tapped(network: Encoder, options: Options, device: torch.device) -> TappedEncoder:
    """A copy of the network for the layers of the options, on the device, with their border and memory layout.

    In bfloat16 the weights are rounded now, as autocast would round them again at every step.
    """
    check_layers(network, list(options.content_layers), "content_layers")
    check_layers(network, list(options.style_layers), "style_layers")
    network = repeat_border(network) if options.border == "replicate" else network
    encoder = copy.deepcopy(TappedEncoder(network, [*options.content_layers, *options.style_layers]))
    layout = torch.channels_last if options.channels_last else torch.contiguous_format
    encoder = encoder.to(device, torch.float32).to(memory_format=layout)
    if options.precision == "bfloat16":
        for module in encoder.modules():
            if isinstance(module, nn.Conv2d):
                module.to(torch.bfloat16)
    return encoder


def _plan(network: Encoder, recipe: str | None) -> Recipe:
    own = RECIPES.get(network.name, TINY)
    if recipe is None:
        return own
    return replace(fitted(PUBLISHED[recipe], network.layers), precision=own.precision)


def _given(value: Any, otherwise: Any) -> Any:
    return otherwise if value is None else value


def _losses(
    asked: str | Mapping[str, str] | None, plan: Recipe, layers: Mapping[str, float], own_layers: bool
) -> str | dict[str, str]:
    """The loss of every style layer: what was asked for wins; layers of one's own take a recipe's first loss."""
    if isinstance(asked, str):
        return asked
    known = plan.style_loss
    if asked is None and (isinstance(known, str) or own_layers):
        return known if isinstance(known, str) else dict(known)
    first = known if isinstance(known, str) else next(iter(known.values()))
    before = dict.fromkeys(layers, first) | ({} if isinstance(known, str) else dict(known))
    return {
        layer: loss
        for layer, loss in (before | dict(asked or {})).items()
        if layer in {*layers, *(asked or {})}
    }


def _optimizer(losses: str | Mapping[str, str], content_loss: str) -> str:
    names = [losses] if isinstance(losses, str) else losses.values()
    random = any(loss in RANDOM_LOSSES for name in names for loss in name.split("+"))
    return "adam" if random or content_loss == "self_similarity" else "lbfgs"


def _first_steps(asked: int | None, steps: int, times: int) -> int | None:
    """None where the first scale takes as many steps as the others, as in checkpoints that know nothing else."""
    first = _given(asked, times * steps)
    return None if first == steps else first


def _rate(optimizer: str) -> float:
    return 0.02 if optimizer == "adam" else 1.0
