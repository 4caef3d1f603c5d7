"""How the pictures of a folder are painted: optimised with `stylize`, or in one pass through a model."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from nstkit.cli.encoders import asked_network, encoder_line
from nstkit.cli.feed_forward import OnePass, content_picture
from nstkit.cli.folder_plan import FolderOrder, Marks
from nstkit.cli.memory import Memory
from nstkit.cli.session import pictures
from nstkit.cli.transfer import OPTIONS
from nstkit.training.checks import check_number
from nstkit.transfer import Step, stylize


class Painter(ABC):
    """Turns contents of one size into results.

    Attributes:
        size: long side of the results; None is each picture's own.
        opening: what is used, in a line.
        marks: of the results.
        about: what else their metadata says, once there is one.
    """

    size: int | None
    opening: str
    marks: Marks
    about: dict[str, str]

    def read(self, path: Path) -> Tensor:
        """A content, (1, 3, H, W) (ImageError if it cannot be read)."""
        return content_picture(str(path), self.size)

    @abstractmethod
    def check(self, path: Path) -> None:
        """Raise ValueError if the options cannot go with a picture of this one's size."""

    @abstractmethod
    def __call__(self, path: Path, contents: Tensor, on_step: Callable[[Step], bool] | None) -> Tensor | None:
        """The results, on the CPU, or None where `on_step` stopped the work.

        Args:
            path: of the first of the contents.
            contents: (B, 3, H, W).
        """


class OptimisedPainter(Painter):
    """`stylize`, with the network and the styles read once.

    Raises:
        ValueError: no style, no weights, or what cannot go together.
    """

    def __init__(self, order: FolderOrder, device: torch.device) -> None:
        if not order.styles:
            raise ValueError("missing argument 'STYLE', or --model; see `nstkit transfer --help`")
        if order.alpha != 1:
            raise ValueError("--alpha: expected --model beside it; without, see --style-weight")
        self._asked = dict(order.given)
        self._options = self._asked | {"device": str(device)}
        size = self._options.get("size", OPTIONS["size"].default)
        check_number("size", size, positive=True)
        self.size = size
        self.opening = encoder_line(self._options.get("encoder", "auto"), self._options.get("weights"))
        network = asked_network(self._options)
        self._options["encoder"] = network
        self._styles = order.styles
        self._ready: tuple[list[Tensor], dict[str, Tensor]] = ([], {})
        self._ready_for: tuple[int, ...] | None = None
        self.marks = Marks(order, f"{network.name} ({network.weights})")
        self.about = {"styles": json.dumps(order.styles)}

    def check(self, path: Path) -> None:
        """Masks are drawn over the content: they must have its proportions."""
        if {"masks", "content_map"} & self._asked.keys():
            try:
                pictures(str(path), self._styles, self._asked)
            except ValueError as error:
                raise ValueError(f"{error} ({path.name})") from error

    def __call__(self, path: Path, contents: Tensor, on_step: Callable[[Step], bool] | None) -> Tensor | None:
        """See Painter."""
        if contents.shape[-2:] != self._ready_for:
            self._ready = pictures(str(path), self._styles, self._asked)[1:]
            self._ready_for = contents.shape[-2:]
        styles, others = self._ready
        if "init" in others:
            others = others | {"init": others["init"].expand(len(contents), -1, -1, -1)}
        options = self._options | others
        with Memory(contents, styles, options).watched():
            result = stylize(contents, styles, **options, on_step=on_step)
        self.about["options"] = json.dumps(result.options.to_json())
        return result.image.cpu() if result.finished else None


class OnePassPainter(Painter):
    """A model of `nstkit train`; see OnePass for what it refuses."""

    def __init__(self, order: FolderOrder, device: torch.device) -> None:
        assert order.model is not None
        self._paint = OnePass(order.model, order.styles, order.alpha, {**order.given, "device": str(device)})
        self.size, self.opening, self.about = self._paint.size, self._paint.opening, dict(self._paint.about)
        self.marks = Marks(order, None)

    def check(self, path: Path) -> None:
        """One pass has no option that depends on the size."""

    def __call__(self, path: Path, contents: Tensor, on_step: Callable[[Step], bool] | None) -> Tensor | None:
        """See Painter."""
        return self._paint(contents)


def painter(order: FolderOrder, device: torch.device) -> Painter:
    """The painter that was asked for."""
    return OptimisedPainter(order, device) if order.model is None else OnePassPainter(order, device)
