"""`nstkit transfer CONTENT STYLE… -o OUT`: style transfer with every option of `stylize`."""

import difflib
import json
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from torch import Tensor

from nstkit import __version__
from nstkit.cli.console import Meter, messages, meter
from nstkit.cli.options import command_with_options, options_of
from nstkit.images import (
    check_target,
    load_image,
    photograph_names,
    photograph_path,
    resize,
    save_image,
)
from nstkit.paintings import paint, painting_names
from nstkit.transfer import NonFiniteLoss, Result, Step, load_checkpoint, save_checkpoint, stylize

STORE_EVERY = 20.0
"""Seconds between checkpoints."""

_OPTIONS = options_of(stylize, skip=("on_step", "resume", "generator"))


@command_with_options(_OPTIONS)
def transfer(
    content: Annotated[str, typer.Argument(help="A picture file, or a name that `nstkit pictures` lists.")],
    styles: Annotated[list[str], typer.Argument(help="One or more, likewise.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG, JPEG, TIFF or WebP file to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no messages.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Render CONTENT in the style of STYLE.

    Ctrl-C keeps the picture so far and a checkpoint; the same command with --resume goes on.
    """
    check_target(output, overwrite=force)
    stored = load_checkpoint(resume_path(output)) if resume else None
    options = _agreed(given, stored)
    size, scale = options.get("size", _default("size")), options.get("style_scale", _default("style_scale"))
    pictures = picture(content, size, enlarge=True), [picture(style, round(size * scale)) for style in styles]
    if Path(str(options.get("init", ""))).is_file():
        options["init"] = picture(str(options["init"]), size, enlarge=True)
    started = time.monotonic()
    with meter(quiet) as progress, _Interrupt() as interrupt:
        watch = Watch(progress, interrupt, output, {"options": json.dumps(given)})
        try:
            result = stylize(pictures[0], pictures[1], **options, on_step=watch, resume=stored)
        except NonFiniteLoss as error:
            _keep(error.image, output)
            raise
    _finish(
        result,
        output,
        {"content": content, "styles": json.dumps(styles)},
        force,
        quiet,
        time.monotonic() - started,
    )


def _default(name: str) -> Any:
    import inspect

    return inspect.signature(stylize).parameters[name].default


def _agreed(given: dict[str, Any], stored: dict[str, Any] | None) -> dict[str, Any]:
    """The options of this run: those of the stored run, where there is one, which those given must not contradict."""
    if stored is None:
        return dict(given)
    before: dict[str, Any] = json.loads(stored["extra"]["options"])
    for name, value in given.items():
        if before.get(name, _default(name)) != value:
            option, was = "--" + name.replace("_", "-"), before.get(name, _default(name))
            raise ValueError(
                f"{option}: the interrupted run has {was}, got {value}; leave it out, or start without --resume"
            )
    return before


def picture(name: str, size: int, *, enlarge: bool = False) -> Tensor:
    """A picture by file name, or by the name of a photograph or painting; a file wins.

    Args:
        size: long side in pixels to shrink to.
        enlarge: also enlarge a smaller picture.
    """
    if name in painting_names() and not Path(name).exists():
        return paint(name, height=round(size * 0.8), width=size)
    image = load_image(_picture_path(name))
    return resize(image, size) if enlarge or max(image.shape[-2:]) > size else image


def _picture_path(name: str) -> Path:
    path = Path(name)
    if not path.exists() and name in photograph_names():
        return photograph_path(name)
    if not path.exists() and not path.suffix and path.parent == Path():
        known = (*photograph_names(), *painting_names())
        near = difflib.get_close_matches(name, known, 1)
        hint = f"; did you mean {near[0]}?" if near else f"; there are {', '.join(known)}"
        raise ValueError(f"{name}: no such file, and no picture of that name{hint}")
    return path


def resume_path(output: Path) -> Path:
    """Where the checkpoint of an interrupted run lies."""
    return output.with_name(f"{output.name}.resume.safetensors")


def partial_path(output: Path) -> Path:
    """Where the picture of an interrupted run lies."""
    return output.with_name(f"{output.stem}.partial{output.suffix}")


class Watch:
    """What happens after each step: show progress, store a checkpoint now and then, stop when asked to."""

    def __init__(
        self, progress: Meter, interrupt: Callable[[], bool], output: Path, extra: dict[str, str]
    ) -> None:
        self._progress, self._interrupt, self._output, self._extra = progress, interrupt, output, extra
        self._stored = time.monotonic()

    def __call__(self, step: Step) -> bool:
        """Return True to stop the run."""
        if self._progress.due(self._progress.interval) or step.done == step.total:
            height, width = step.size
            terms = "  ".join(f"{name} {value:.3g}" for name, value in step.losses.items() if name != "total")
            self._progress.update(f"{width}x{height}", step.done, step.total, terms)
        stop = self._interrupt()
        if stop or time.monotonic() - self._stored > STORE_EVERY:
            save_checkpoint(step.checkpoint(), resume_path(self._output), self._extra)
            self._stored = time.monotonic()
        return stop


class _Interrupt:
    """While active, the first Ctrl-C is only noted; the second ends the program at once."""

    def __init__(self) -> None:
        self._noted = False

    def __call__(self) -> bool:
        return self._noted

    def __enter__(self) -> "_Interrupt":
        self._before = signal.signal(signal.SIGINT, self._note)
        return self

    def __exit__(self, *error: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._noted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _finish(
    result: Result, output: Path, metadata: dict[str, str], force: bool, quiet: bool, seconds: float
) -> None:
    console = messages()
    if not result.finished:
        _keep(result.image, output)
        words = [word for word in sys.argv[1:] if word != "--resume"]
        again = shlex.join(["nstkit", *words, "--resume"])
        console.print(f"\nstopped; the picture so far is {partial_path(output)}\nto go on: {again}")
        raise SystemExit(130)
    text = {"software": f"nstkit {__version__}", **metadata, "options": json.dumps(result.options.to_json())}
    save_image(result.image, output, metadata=text, overwrite=force)
    for leftover in (resume_path(output), partial_path(output)):
        leftover.unlink(missing_ok=True)
    if not quiet:
        height, width = result.image.shape[-2:]
        console.print(f"wrote {output}, {width}x{height}, in {seconds:.0f} s")
        console.print(encoder_line(result.options.encoder), style="dim")


def _keep(image: Tensor, output: Path) -> None:
    """Save the picture so far beside the output; it is our own file and may be replaced."""
    save_image(image.cpu(), partial_path(output), overwrite=True)


def encoder_line(encoder: str) -> str:
    """Which encoder was used and, for tiny, how to get VGG."""
    if not encoder.startswith("tiny"):
        return f"encoder {encoder}"
    return "encoder tiny (embedded). For VGG-19: point NSTKIT_WEIGHTS at vgg19-dcbb9e9d.pth, see `nstkit encoders`"
