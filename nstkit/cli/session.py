"""One run of `nstkit transfer`: checked before any work, watched, stored now and then, finished or left to go on."""

import json
import shlex
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from nstkit.cli.checkpoints import Keeper, agreed_options, partial_path, resume_path, stored_run
from nstkit.cli.console import Meter, meter, work_done
from nstkit.cli.encoders import asked_network, encoder_line
from nstkit.cli.interrupt import Interrupt
from nstkit.cli.masks import named, read_masks
from nstkit.cli.memory import Memory
from nstkit.cli.outputs import check_own, made_by
from nstkit.cli.seeing import Seeing
from nstkit.cli.sources import picture
from nstkit.cli.transfer import OPTIONS
from nstkit.images import ImageError, check_target, save_image
from nstkit.training.checks import check_number
from nstkit.transfer import NonFiniteLoss, Result, Step, stylize
from nstkit.transfer.options import INITS


@dataclass(frozen=True)
class Order:
    """What was asked for.

    Attributes:
        given: the options of `stylize` that were named.
        words: the whole command line, to say how to go on.
        preview, preview_port: whether to serve a page, and where; port 0 is a free one.
        trace: the file of JSON lines to write, if any.
    """

    content: str
    styles: tuple[str, ...]
    output: Path
    force: bool
    resume: bool
    quiet: bool
    given: dict[str, Any]
    words: tuple[str, ...]
    preview: bool = False
    preview_port: int = 0
    trace: Path | None = None

    @property
    def metadata(self) -> dict[str, str]:
        """What every picture of this run is marked with."""
        pictures = {"content": self.content, "styles": json.dumps(self.styles)}
        masks = {name: json.dumps(value) for name, value in named(self.given).items()}
        return made_by("transfer") | pictures | masks


def carry_out(order: Order) -> None:
    """Do it; exits with 130 where Ctrl-C stopped it.

    Raises:
        ValueError, TypeError, KeyError, OSError: something in the order cannot be; nothing was written.
        TooLittleMemory: the message says what would fit; nothing was written.
        NonFiniteLoss: the run blew up; the last good picture is kept beside the output.
    """
    stored = _checked(order)
    options = agreed_options(order.given, stored, OPTIONS)
    order = replace(order, given=options)  # a run that is taken up marks its picture as it would have
    with meter(order.quiet) as progress:
        encoder = encoder_line(options.get("encoder", "auto"), options.get("weights"))
        interrupt = Interrupt(lambda: progress.say("finishing this step; Ctrl-C again quits at once"))
        with Seeing(order, options, progress, interrupt.ask) as seeing:
            content, styles, others = pictures(order.content, order.styles, options)
            asked = options | others | {"encoder": asked_network(options)}
            memory = Memory(content, styles, asked)
            for line in [] if order.quiet else memory.foretold():
                progress.say(line)
            keeper = Keeper(order.output, options, progress.say)
            watch = Watch(progress, keeper, interrupt, encoder, seeing.after)
            try:
                with interrupt, memory.watched():
                    result = stylize(content, styles, **asked, on_step=watch, resume=stored)
            except NonFiniteLoss as error:
                raise _blown_up(order, error) from error
            if result.finished:
                said = _finish(order, result, f"in {progress.elapsed:.0f} s{memory.taken()}")
            else:
                said = _stop(order, result, watch)
            for line in [] if order.quiet and result.finished else said:
                progress.say(line)
            seeing.end("finished" if result.finished else "stopped", said, result)
        if not result.finished:
            sys.exit(128 + interrupt.number)


def _checked(order: Order) -> dict[str, Any] | None:
    """Refuse now what would fail or do harm at the end; the run to go on from, if any."""
    check_target(order.output, overwrite=order.force)
    check_own(partial_path(order.output), "transfer", "move it away, or choose another --output")
    return stored_run(order.output, resume=order.resume, force=order.force)


def pictures(
    content_name: str, style_names: Sequence[str], options: Mapping[str, Any]
) -> tuple[Tensor, list[Tensor], dict[str, Any]]:
    """Content, styles, and what other options name as pictures: the one to start from, and masks."""
    size, scale = (options.get(name, OPTIONS[name].default) for name in ("size", "style_scale"))
    check_number("size", size, positive=True)
    check_number("style_scale", scale, positive=True)
    content = picture(content_name, size, enlarge=True)
    styles = [picture(style, max(1, round(size * scale))) for style in style_names]
    others = read_masks(options, content, styles)
    init = options.get("init", "content")
    if init in INITS:
        return content, styles, others
    try:
        return content, styles, others | {"init": picture(init, size, enlarge=True)}
    except ValueError as error:
        raise ValueError(f"init: expected {', '.join(INITS)} or a picture; {error}") from error


class Watch:
    """What happens after each step: show progress, store a checkpoint now and then, stop when asked to.

    Args:
        opening: said once the first step is done, and with it every check passed.
        see: told every step.
    """

    def __init__(
        self, progress: Meter, keeper: Keeper, interrupt: Interrupt, opening: str, see: Callable[[Step], None]
    ) -> None:
        self.progress, self.keeper, self._interrupt, self._opening = progress, keeper, interrupt, opening
        self._see = see
        self.place = ""

    def __call__(self, step: Step) -> bool:
        """Return True to stop the run."""
        if not self.place and not self.progress.quiet:
            self.progress.say(self._opening)
        self.place = f"{step.done}/{step.total}"
        self._see(step)
        if self.progress.due() or (step.done == step.total and not self.progress.quiet):
            terms = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items() if name != "total")
            height, width = step.size
            self.progress.update(work_done(step), f"{self.place} {width}x{height}", terms)
        if self._interrupt.number:
            self.keeper.store(step)
            return True
        self.keeper.after(step)
        return False


def _stop(order: Order, result: Result, watch: Watch) -> list[str]:
    """Keep the picture so far; what to say, and how to go on from the checkpoint that the watch stored."""
    said = [f"stopped at step {watch.place}; the picture so far is {_keep(order, result.image)}"]
    if watch.keeper.working:
        words = [word for word in order.words[1:] if word != "--resume"]
        said.append(f"to go on: {shlex.join(['nstkit', 'transfer', '--resume', *words])}")
    return said


def _blown_up(order: Order, error: NonFiniteLoss) -> NonFiniteLoss:
    """Keep the last good picture, and no checkpoint: to go on would be to blow up again."""
    path = _keep(order, error.image)
    resume_path(order.output).unlink(missing_ok=True)
    return NonFiniteLoss(f"{error}; the last good picture is {path}", error.image)


def _keep(order: Order, image: Tensor) -> Path:
    """Save a picture beside the output."""
    path = partial_path(order.output)
    save_image(image, path, metadata=order.metadata, overwrite=True)
    return path


def _rescued(order: Order, image: Tensor, metadata: Mapping[str, str]) -> Path:
    """Save a picture that has no other place left in a new folder for temporary files: it may have taken hours."""
    path = Path(tempfile.mkdtemp(prefix="nstkit-")) / order.output.name
    save_image(image, path, metadata=metadata)
    return path


def _finish(order: Order, result: Result, cost: str) -> list[str]:
    """Write the picture, and only then remove what an interruption would have needed; what to say."""
    metadata = order.metadata | {"options": json.dumps(result.options.to_json())}
    try:
        save_image(result.image, order.output, metadata=metadata, overwrite=order.force)
    except FileExistsError as error:  # it was not there when the run began
        raise FileExistsError(f"{error}; the result is {_keep(order, result.image)}") from error
    except ValueError as error:  # a full disk, or a folder that went away
        raise ImageError(f"{error}; the result is {_rescued(order, result.image, metadata)}") from error
    for leftover in (resume_path(order.output), partial_path(order.output)):
        leftover.unlink(missing_ok=True)
    height, width = result.image.shape[-2:]
    return [f"wrote {order.output}, {width}x{height}, {cost}"]
