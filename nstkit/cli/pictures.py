"""`nstkit paint`, `nstkit pictures`, `nstkit encoders`: what there is to work with."""

from pathlib import Path
from typing import Annotated

import typer

from nstkit.cli.console import messages
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
