"""`nstkit transfer CONTENT STYLE… -o OUT`: style transfer with every option of `stylize`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.cli.declarations import declaration_in_source
from nstkit.cli.option_kinds import Kind
from nstkit.cli.options import options_of, takes_options


def _style_loss(text: str) -> str | dict[str, str]:
    """One name for all layers, or LAYER=NAME,…"""
    if "=" not in text:
        return text
    pairs = [part.split("=") for part in text.split(",") if part.strip()]
    losses = {pair[0].strip(): pair[-1].strip() for pair in pairs}
    if any(len(pair) != 2 for pair in pairs) or len(losses) < len(pairs):
        raise ValueError(f"expected one name, or each layer once, as LAYER=NAME,…, got {text!r}")
    return losses


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


OPTIONS = options_of(
    declaration_in_source("nstkit.transfer.stylize", "stylize"),
    skip=("on_step", "resume", "generator"),
    instead={
        "style_loss": Kind("NAME|LAYER=NAME,…", _style_loss, many=True),
        "init": Kind("content|noise|gray|FILE", str),
        "masks": Kind("FILE,…", _names, many=True),
        "style_masks": Kind("FILE|-,…", _names, many=True),
        "content_map": Kind("FILE", str),
    },
)


@takes_options(OPTIONS)
def transfer(
    context: typer.Context,
    content: Annotated[
        str,
        typer.Argument(
            metavar="CONTENT",
            help="A picture file, a folder of them, or a photograph or painting that `nstkit pictures` lists, such "
            "as chelsea; a file of that name wins.",
        ),
    ],
    styles: Annotated[
        list[str] | None, typer.Argument(metavar="STYLE", help="One or more, likewise, such as swirls.")
    ] = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="PNG, JPEG, TIFF or WebP file to write, or a folder for a folder.",
        ),
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an interrupted run stopped, with its options.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say nothing unless something is wrong.")
    ] = False,
    model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="One pass through a model of `nstkit train fast` (no STYLE) or `nstkit train adain`.",
        ),
    ] = None,
    alpha: Annotated[
        float, typer.Option(metavar="X", help="With --model: 0 keeps the content, 1 is the full style.")
    ] = 1.0,
    frames: Annotated[
        bool,
        typer.Option("--frames", help="CONTENT is a folder of a video's numbered frames, --output a folder."),
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="With a folder: as many pictures of one size are worked on at once. [default: 1]",
        ),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option(
            "--preview", help="Serve a page on this machine with the picture as it grows, and a stop button."
        ),
    ] = False,
    preview_port: Annotated[
        int | None, typer.Option(metavar="N", help="Port of that page; left out, a free one.")
    ] = None,
    trace: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl", help="Write every step's losses as JSON lines, and a plot beside them."
        ),
    ] = None,
    given: dict[str, Any],
) -> None:
    """Render CONTENT in the style of one or several pictures.

    Ctrl-C keeps the picture so far and a checkpoint; the same command with --resume goes on and ends where
    the uninterrupted run would have ended. Of a folder it keeps the pictures that are finished, and --resume does
    the others. Under `torchrun --nproc-per-node=N -m nstkit transfer …` N processes share a folder's pictures.
    """
    preview, words = preview or preview_port is not None, tuple(context.obj or ())
    folder = Path(content).is_dir() and not frames
    asked = (content, tuple(styles or ()), output, model, alpha, frames, force, resume, quiet, given)
    watched = "--preview" if preview else "--trace" if trace is not None else ""
    if watched and (folder or model is not None or frames):
        wanted = "no --model and no --frames beside it"
        if folder:
            wanted = f"one picture as CONTENT, got the folder {content}"
        raise ValueError(f"{watched}: expected {wanted}")
    if batch is not None and not folder:
        raise ValueError(f"--batch: expected a folder of pictures as CONTENT, and no --frames, got {content}")
    if folder:
        from nstkit.cli.folder_plan import FolderOrder
        from nstkit.cli.folder_work import carry_out_folder

        carry_out_folder(FolderOrder(*asked, words, batch or 1))
        return
    if model is not None or frames:
        from nstkit.cli.feed_forward import Pass, carry_out_pass

        carry_out_pass(Pass(*asked), words)
        return
    if not styles:
        raise ValueError("missing argument 'STYLE'; see `nstkit transfer --help`")
    if alpha != 1:
        raise ValueError("--alpha: expected --model beside it; without, see --style-weight")
    from nstkit.cli.session import Order, carry_out

    port = preview_port or 0
    carry_out(Order(content, tuple(styles), output, force, resume, quiet, given, words, preview, port, trace))
