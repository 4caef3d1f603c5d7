"""`nstkit transfer --model FILE`: one pass through a network that `nstkit train fast` or `adain` made."""

import hashlib
import json
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from nstkit.cli.console import messages
from nstkit.cli.outputs import made_by
from nstkit.cli.sources import picture
from nstkit.cli.transfer import OPTIONS
from nstkit.images import check_target, save_image
from nstkit.paintings import painting_names
from nstkit.training.checks import check_number
from nstkit.training.devices import pick_device
from nstkit.transfer.color_keeping import prepare_colors, restore_colors
from nstkit.transfer.feed_forward import load_model

USED = ("size", "style_weights", "preserve_color", "device", "precision")
"""The options of `stylize` that one pass has too."""
LARGEST, PAINTED = 1_000_000, 512
"""Where no size is given: long side that no file reaches, so that it keeps its own; and that of a painting of ours."""


@dataclass(frozen=True)
class Pass:
    """What was asked for: one pass through a model, or a video's frames, or both.

    Attributes:
        given: the options of `stylize` that were named.
    """

    content: str
    styles: tuple[str, ...]
    output: Path
    model: Path | None
    alpha: float
    frames: bool
    force: bool
    resume: bool
    quiet: bool
    given: Mapping[str, Any]


class OnePass:
    """A model with its styles: from a content (1, 3, H, W) in [0, 1] to a result of its size.

    Attributes:
        size: long side of the results; None is each content's own.
        opening: says which model it is.
        about: what a result's metadata says of it.
    Raises:
        ValueError: options that one pass does not have, no model in the file, a style that is missing or too many.
    """

    def __init__(self, model: Path, styles: Sequence[str], alpha: float, given: Mapping[str, Any]) -> None:
        for name in given:
            if name not in USED:
                raise ValueError(f"{name}: one pass with --model has no such option; leave it out")
        self.size: int | None = given.get("size")
        size = OPTIONS["size"].default if self.size is None else self.size
        check_number("size", size, positive=True)
        self.model, self._device = load_model(model), pick_device(given.get("device", "auto"))
        self._fixed, self._keep = self.model.kind == "fast", given.get("preserve_color")
        if self._fixed and self._keep not in (None, "luminance"):
            raise ValueError(
                f"preserve_color: the model's style is fixed; expected luminance, got {self._keep}"
            )
        self._alpha, self._weights = alpha, given.get("style_weights")
        self._precision = given.get("precision", "auto")
        self._styles = [picture(style, size) for style in styles]
        try:
            self.model.check(self._styles, self._weights, alpha)
        except ValueError as error:
            raise ValueError(re.sub("^alpha:", "--alpha:", str(error))) from None
        self._styles = [style.to(self._device) for style in self._styles]
        self.model.to(self._device)
        own = [getattr(self.model, "style", "")] if self._fixed else []
        options = json.dumps({**given, "alpha": alpha})
        digest = hashlib.sha256(model.read_bytes()).hexdigest()[:16]
        self.about = {
            "model": f"{model.name} {digest}",
            "styles": json.dumps([*styles, *own]),
            "options": options,
        }
        self.opening = f"model: {model}, {self.model.kind}"

    def __call__(self, content: Tensor) -> Tensor:
        """The result, on the CPU."""
        content = content.to(self._device)
        base, styles = prepare_colors(content, self._styles, self._keep)
        result = self.model.stylize(
            content if self._fixed else base, styles,
            style_weights=self._weights, alpha=self._alpha, precision=self._precision,
        )  # fmt: skip
        return restore_colors(result, content, self._keep).cpu()


def carry_out_pass(order: Pass, words: tuple[str, ...]) -> None:
    """Do it.

    Args:
        words: the whole command line, to say how to go on.
    Raises:
        ValueError, TypeError, OSError: something in the order cannot be; nothing was written.
    """
    if order.frames:
        from nstkit.cli.frames import carry_out_frames

        carry_out_frames(order, words)
        return
    if order.resume:
        raise ValueError("--resume: one pass is over at once and leaves nothing to resume; leave it out")
    check_target(order.output, overwrite=order.force)
    assert order.model is not None  # or there would be frames
    paint = OnePass(order.model, order.styles, order.alpha, order.given)
    content = content_picture(order.content, paint.size)
    started = time.perf_counter()
    result = paint(content)
    seconds = time.perf_counter() - started
    metadata = made_by("transfer") | {"content": order.content} | paint.about
    save_image(result, order.output, metadata=metadata, overwrite=order.force)
    if not order.quiet:
        height, width = result.shape[-2:]
        messages().print(f"wrote {order.output}, {width}x{height}, one pass of {1000 * seconds:.0f} ms")


def content_picture(name: str, size: int | None) -> Tensor:
    """A picture at a long side, or at its own size."""
    if size is not None:
        return picture(name, size, enlarge=True)
    painted = not Path(name).exists() and name in painting_names()
    return picture(name, PAINTED if painted else LARGEST)
