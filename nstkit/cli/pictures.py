"""`nstkit paint`, `nstkit pictures`, `nstkit encoders`: what there is to work with."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from nstkit.cli.console import messages
from nstkit.encoders import encoder_names
from nstkit.encoders.weights import VARIABLE, find_weights, places
from nstkit.images import check_target, photograph_names, save_image
from nstkit.paintings import paint as draw
from nstkit.paintings import painting_names


def paint(
    name: Annotated[str, typer.Argument(help="One of the paintings that `nstkit pictures` lists.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="PNG, JPEG, TIFF or WebP file to write.")],
    height: Annotated[int, typer.Option(help="Pixels.")] = 768,
    width: Annotated[int, typer.Option(help="Pixels.")] = 1024,
    seed: Annotated[int, typer.Option(help="Another seed, another painting of the kind.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Draw a style painting and save it."""
    check_target(output, overwrite=force)
    metadata = {"painting": name, "seed": str(seed)}
    save_image(draw(name, height=height, width=width, seed=seed), output, metadata=metadata, overwrite=force)
    messages().print(f"wrote {output}, {width}x{height}")


def pictures() -> None:
    """List the photographs and paintings that are at hand."""
    print("photographs (from the matplotlib and scikit-image packages):")
    print("  " + "  ".join(photograph_names()))
    print("paintings (drawn by nstkit):")
    print("  " + "  ".join(painting_names()))


def encoders() -> None:
    """List the encoders, and which of them have weights here."""
    table = Table(box=None, pad_edge=False)
    for column in ("encoder", "weights", ""):
        table.add_column(column)
    for name in encoder_names()[1:]:
        found = next((path for place in places() if (path := find_weights(name, place))), None)
        shown = "embedded" if name == "tiny" else str(found or "not here")
        table.add_row(name, shown, "default" if _is_default(name) else "")
    messages().print(table)
    print(f"\nlooked in: {', '.join(map(str, places()))}")
    print(
        f"to add one: download torchvision's file (vgg19-dcbb9e9d.pth), and point {VARIABLE} at it or its folder,"
    )
    print("or call nstkit.encoders.load_encoder('vgg19', download=True) once")


def _is_default(name: str) -> bool:
    from nstkit.encoders.load import _resolve

    return _resolve("auto", None, False) == name
