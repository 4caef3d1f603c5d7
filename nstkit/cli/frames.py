"""`nstkit transfer FOLDER -o FOLDER --frames`: a video's numbered frames, in their order, under the same names.

With --model each frame is one pass, and consistency comes from the training (`--temporal-weight`). Without, frames are
optimised, each from the result of the one before. There is no optical flow: what moves fast drags its strokes along.
"""

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from nstkit.cli.console import Meter, meter
from nstkit.cli.encoders import asked_network, encoder_line
from nstkit.cli.feed_forward import OnePass, Pass, content_picture
from nstkit.cli.interrupt import Interrupt
from nstkit.cli.masks import read_masks
from nstkit.cli.outputs import made_by
from nstkit.cli.sources import picture
from nstkit.cli.transfer import OPTIONS
from nstkit.images import load_image, read_metadata, save_image
from nstkit.images.folder import SUFFIXES
from nstkit.images.opening import ImageError, opened
from nstkit.images.writing import FORMATS
from nstkit.training.checks import check_number
from nstkit.transfer import stylize


def carry_out_frames(order: Pass, words: tuple[str, ...]) -> None:
    """Do it; exits with 130 where Ctrl-C stopped it.

    Raises:
        ValueError, OSError: something in the order cannot be; nothing was written.
    """
    frames = numbered(Path(order.content))
    check_one_size(frames)
    check_folder(order)
    paint: OnePass | Optimised = Optimised(order) if order.model is None else OnePass(
        order.model, order.styles, order.alpha, order.given
    )  # fmt: skip
    kept = _kept(order, frames, made_by("transfer") | paint.about)
    with (
        meter(order.quiet) as progress,
        Interrupt(lambda: progress.say("finishing this frame; Ctrl-C again quits at once")) as interrupt,
    ):
        done = _run(order, frames, kept, paint, progress, interrupt)
    if done < len(frames) and interrupt.number:
        progress.say(f"stopped: {done} of {len(frames)} frames are in {order.output}")
        again = [word for word in words if word not in ("--resume", "--force")]
        progress.say(f"to go on: {shlex.join(['nstkit', *again, '--resume'])}")
        sys.exit(128 + interrupt.number)


def _run(
    order: Pass, frames: list[Path], kept: set[Path], paint: "OnePass | Optimised", progress: Meter,
    interrupt: Interrupt,
) -> int:  # fmt: skip
    """Paint the frames that are not there yet; return how many are there at the end."""
    last: Path | None = None
    started, painted = time.perf_counter(), 0
    for number, frame in enumerate(frames):
        target = order.output / frame.name
        if frame not in kept:
            if interrupt.number:
                return number
            content = content_picture(str(frame), paint.size)
            result = paint(content) if isinstance(paint, OnePass) else paint(content, last)
            order.output.mkdir(exist_ok=True)
            about = made_by("transfer") | {"content": frame.name} | paint.about
            save_image(result, target, metadata=about, overwrite=order.force)
            if not painted and not order.quiet:
                progress.say(paint.opening)
            painted += 1
            rate = painted / (time.perf_counter() - started)
            if progress.due():
                progress.update((number + 1) / len(frames), f"{number + 1}/{len(frames)}", _per_second(rate))
        last = target
    if not order.quiet:
        before = f", {len(kept)} were there" if kept else ""
        progress.say(
            f"wrote {painted} frames to {order.output}{before}; {_per_second(rate) if painted else 'done'}"
        )
    return len(frames)


def _per_second(rate: float) -> str:
    return f"{rate:.1f} frames/s" if rate >= 1 else f"{1 / rate:.1f} s a frame"


class Optimised:
    """`stylize` for one frame after another: each starts from the last result, at full size.

    Attributes:
        size: long side of the results.
        opening: says which encoder it uses, and how frames follow each other.
        about: what a frame's metadata says of it.
    """

    def __init__(self, order: Pass) -> None:
        for name in ("init", "masks", "content_map"):
            if name in order.given:
                raise ValueError(f"{name}: a frame starts from the last result, without masks; leave it out")
        if not order.styles:
            raise ValueError("missing argument 'STYLE', or --model; see `nstkit transfer --help`")
        if order.alpha != 1:
            raise ValueError("--alpha: expected --model beside it; without, see --style-weight")
        self._options = dict(order.given)
        self.size, scale = (
            self._options.get(name, OPTIONS[name].default) for name in ("size", "style_scale")
        )
        check_number("size", self.size, positive=True)
        check_number("style_scale", scale, positive=True)
        encoder = encoder_line(self._options.get("encoder", "auto"), self._options.get("weights"))
        self.opening = f"{encoder}\neach frame starts from the last result; there is no optical flow"
        self._styles = [picture(style, max(1, round(self.size * scale))) for style in order.styles]
        self.about = {"styles": json.dumps(order.styles), "options": json.dumps(self._options)}
        self._options |= read_masks(self._options, self._styles[0], self._styles)  # of the styles alone
        self._options["encoder"] = asked_network(self._options)  # loaded once for all frames

    def __call__(self, content: Tensor, last: Path | None) -> Tensor:
        """The result, from the file of the one before: so a run that was resumed comes to the same."""
        options: dict[str, Any] = dict(self._options)
        if last is not None:
            options |= {"init": load_image(last), "coarsest": self.size}
        return stylize(content, self._styles, **options).image.cpu()


def numbered(folder: Path) -> list[Path]:
    """The pictures of a folder, by the last number in their names.

    Raises:
        ValueError: no folder, no pictures, a name without a number, a number twice, a format that is not written.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder}: expected a folder of numbered frames for --frames, found none")
    found: dict[int, Path] = {}
    for path in sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and p.is_file()):
        digits = re.findall(r"\d+", path.stem)
        if not digits:
            raise ValueError(f"{path}: a frame needs a number in its name, such as 0001.png")
        if path.suffix.lower() not in FORMATS:
            raise ValueError(
                f"{path}: frames keep their names; expected one that ends in {', '.join(FORMATS)}"
            )
        other = found.setdefault(int(digits[-1]), path)
        if other != path:
            raise ValueError(f"{path}: has the number of {other.name}; which comes first?")
    if not found:
        raise ValueError(f"{folder}: holds no frames; expected pictures such as 0001.png")
    return [found[number] for number in sorted(found)]


def check_one_size(frames: list[Path]) -> None:
    """Raise ValueError, with the first odd one's name, unless all frames have the first one's size."""
    wanted: tuple[int, int] | None = None
    for frame in frames:
        with opened(frame) as header:
            size = header.size
        wanted = wanted or size
        if size != wanted:
            (width, height), (across, down) = size, wanted
            raise ValueError(
                f"{frame}: {width} x {height} pixels, but {frames[0].name} has {across} x {down}; "
                "frames of one video have one size"
            )


def check_folder(order: Pass) -> None:
    """Raise unless the frames may be written: a new or empty folder, or one to go on with or to replace."""
    out = order.output
    if out.resolve() == Path(order.content).resolve():
        raise ValueError(f"--output: expected another folder than {order.content}, whose frames stay")
    if out.exists() and not out.is_dir():
        raise FileExistsError(f"{out}: is a file; name a folder for the frames")
    if not out.parent.is_dir():
        raise ValueError(f"{out}: the folder {out.parent} does not exist; create it first")
    if not os.access(out if out.exists() else out.parent, os.W_OK):
        raise ValueError(f"{out}: may not be written to; choose another folder")
    if not order.resume and not order.force and out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out}: is not empty; go on with --resume, or name a new folder")


def _kept(order: Pass, frames: list[Path], about: Mapping[str, str]) -> set[Path]:
    """The frames that are there already; with --resume they must be what this run would make."""
    if not order.resume:
        return set()
    kept = {frame for frame in frames if (order.output / frame.name).exists()}
    for frame in sorted(kept):
        target = order.output / frame.name
        try:
            found = read_metadata(target)
        except ImageError:
            found = {}
        if any(found.get(name) != about[name] for name in about if name != "software"):
            raise ValueError(
                f"--resume: {target} was made with other options, or by others; name a new folder"
            )
    return kept
