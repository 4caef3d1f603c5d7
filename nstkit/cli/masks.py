"""Masks as users draw them: the brightness of pictures drawn over the content, or over a style."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from nstkit.cli.sources import picture
from nstkit.color import luma

OPTIONS = ("masks", "content_map", "style_masks")
"""The options of `stylize` for which the command line names pictures of masks."""
WHOLE = ("-", "all")
"""In the place of a style's mask: all of the style is read."""


def read_masks(options: Mapping[str, Any], content: Tensor, styles: Sequence[Tensor]) -> dict[str, Any]:
    """What `stylize` takes in the place of the names that are in `options`.

    Args:
        content: (1, 3, H, W), as it goes into the transfer.
        styles: (1, 3, h, w) each, likewise.
    Raises:
        ValueError: no such picture, other proportions than what it is drawn over, one too many or too few.
    """
    found: dict[str, Any] = {}
    if "masks" in options:
        drawn = [_mask("masks", name, content, "the content") for name in options["masks"]]
        found["masks"] = torch.cat(drawn)
    if "content_map" in options:
        found["content_map"] = _mask("content_map", options["content_map"], content, "the content")
    if "style_masks" in options:
        names = options["style_masks"]
        if len(names) != len(styles):
            raise ValueError(
                f"style_masks: expected one for each style, {len(styles)}, got {len(names)}; - reads all of a style"
            )
        found["style_masks"] = [
            None if name in WHOLE else _mask("style_masks", name, style, "its style")
            for name, style in zip(names, styles, strict=True)
        ]
    return found


def named(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that name masks."""
    return {name: options[name] for name in OPTIONS if name in options}


def _mask(option: str, name: str, over: Tensor, what: str) -> Tensor:
    """(1, H, W) in [0, 1], of the size of the picture that it is drawn over."""
    try:
        mask = luma(picture(name, max(over.shape[-2:]), enlarge=True))[:, 0].clamp(0, 1)
    except ValueError as error:
        each = "a picture" if option == "content_map" else "one picture for each style"
        raise ValueError(f"{option}: expected {each}; {error}") from error
    if mask.shape[-2:] != over.shape[-2:]:
        (height, width), (wanted, across) = mask.shape[-2:], over.shape[-2:]
        raise ValueError(
            f"{option}: expected {name} in {what}'s proportions, "
            f"{across} x {wanted} at this size, got {width} x {height}; draw it over {what}"
        )
    return mask
