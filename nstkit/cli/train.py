"""`nstkit train fast | adain | dcgan | cyclegan`: networks trained on folders of pictures."""

from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.cli.declarations import declaration_in_source
from nstkit.cli.options import options_of, takes_options

_SKIP = ("on_step", "resume", "style_name")
FAST = options_of(declaration_in_source("nstkit.transfer.fast_training", "train_fast"), skip=_SKIP)
ADAIN = options_of(declaration_in_source("nstkit.transfer.adain_folder_training", "train_adain"), skip=_SKIP)
DCGAN = options_of(declaration_in_source("nstkit.gan.dcgan_training", "train_dcgan"), skip=_SKIP)
CYCLEGAN = options_of(declaration_in_source("nstkit.gan.cyclegan_training", "train_cyclegan"), skip=_SKIP)

Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", metavar="RUN", help="Folder of the run: samples, checkpoint, log, networks."
    ),
]
SampleEvery = Annotated[
    int, typer.Option("--sample-every", min=1, help="Steps between two grids of samples.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN, exactly.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


@takes_options(FAST)
def fast(
    context: typer.Context,
    style: Annotated[
        str,
        typer.Argument(metavar="STYLE", help="A picture file, or a painting that `nstkit pictures` lists."),
    ],
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Photographs, with subfolders.")],
    output: Output,
    sample_every: SampleEvery = 500,
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a network that paints any photograph in one style, in one pass.

    RUN/model.safetensors is for `nstkit transfer PHOTO -o OUT --model FILE`. Ctrl-C stores a checkpoint; the same
    command with --resume goes on and ends where the uninterrupted run would have ended. Start it with
    `torchrun --nproc-per-node=N --no-python nstkit train …` to train on N processes.
    """
    from nstkit.cli.training_run import Order, carry_out

    words = tuple(context.obj or ())
    carry_out(Order("fast", (folder,), output, sample_every, resume, quiet, given, words, style))


@takes_options(ADAIN)
def adain(
    context: typer.Context,
    content_folder: Annotated[Path, typer.Argument(metavar="PHOTOS", help="Photographs, with subfolders.")],
    style_folder: Annotated[Path, typer.Argument(metavar="PAINTINGS", help="Pictures to learn styles from.")],
    output: Output,
    sample_every: SampleEvery = 500,
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a network that gives photographs the style of any picture, in one pass.

    RUN/model.safetensors is for `nstkit transfer PHOTO STYLE -o OUT --model FILE`. Ctrl-C stores a checkpoint; the
    same command with --resume goes on and ends where the uninterrupted run would have ended. Start it with
    `torchrun --nproc-per-node=N --no-python nstkit train …` to train on N processes.
    """
    from nstkit.cli.training_run import Order, carry_out

    words = tuple(context.obj or ())
    folders = (content_folder, style_folder)
    carry_out(Order("adain", folders, output, sample_every, resume, quiet, given, words))


@takes_options(DCGAN)
def dcgan(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Pictures, with subfolders.")],
    output: Output,
    sample_every: SampleEvery = 500,
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a DCGAN to make pictures like those of a folder.

    Ctrl-C stores a checkpoint; the same command with --resume goes on and ends where the uninterrupted run would have
    ended. Start it with `torchrun --nproc-per-node=N --no-python nstkit train …` to train on N processes.
    """
    from nstkit.cli.training_run import Order, carry_out

    words = tuple(context.obj or ())
    carry_out(Order("dcgan", (folder,), output, sample_every, resume, quiet, given, words))


@takes_options(CYCLEGAN)
def cyclegan(
    context: typer.Context,
    folder_a: Annotated[Path, typer.Argument(metavar="FOLDER_A", help="Pictures of the one kind.")],
    folder_b: Annotated[Path, typer.Argument(metavar="FOLDER_B", help="Pictures of the other kind.")],
    output: Output,
    sample_every: SampleEvery = 500,
    resume: Resume = False,
    quiet: Quiet = False,
    *,
    given: dict[str, Any],
) -> None:
    """Train a CycleGAN to turn pictures of one kind into the other, and back.

    Ctrl-C stores a checkpoint; the same command with --resume goes on and ends where the uninterrupted run would have
    ended. Start it with `torchrun --nproc-per-node=N --no-python nstkit train …` to train on N processes.
    """
    from nstkit.cli.training_run import Order, carry_out

    words = tuple(context.obj or ())
    carry_out(Order("cyclegan", (folder_a, folder_b), output, sample_every, resume, quiet, given, words))


def group(kind: str) -> typer.Typer:
    """The command `nstkit train`, with a command per kind of network."""
    app = typer.Typer(
        help="Train networks on folders of pictures; under torchrun, on several processes.",
        rich_markup_mode=None, no_args_is_help=True,
    )  # fmt: skip
    app.command("fast")(fast)
    app.command("adain")(adain)
    app.command("dcgan")(dcgan)
    app.command("cyclegan")(cyclegan)
    return app
