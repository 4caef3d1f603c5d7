"""`nstkit paint` and `nstkit pictures`: what there is to work with."""

import shutil
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.cli.console import messages
from nstkit.cli.declarations import declaration_in_source
from nstkit.cli.options import options_of, takes_options
from nstkit.cli.outputs import made_by


@takes_options(options_of(declaration_in_source("nstkit.paintings.gallery", "paint")))
def paint(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="One of the paintings that `nstkit pictures` lists.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="PNG, JPEG, TIFF or WebP file to write.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    *,
    given: dict[str, Any],
) -> None:
    """Draw a style painting and save it."""
    from nstkit.images import check_target, save_image
    from nstkit.paintings import paint as draw

    check_target(output, overwrite=force)
    metadata = made_by("paint") | {"painting": name} | {key: str(value) for key, value in given.items()}
    image = draw(name, **given)
    save_image(image, output, metadata=metadata, overwrite=force)
    messages().print(f"wrote {output}, {image.shape[-1]}x{image.shape[-2]}")


def pictures() -> None:
    """List the photographs and paintings that are at hand, by the names that `nstkit transfer` takes."""
    from nstkit.images import photograph_names
    from nstkit.paintings import painting_names

    print(f"photographs, from the matplotlib and scikit-image packages:\n{in_columns(photograph_names())}")
    print(f"paintings, drawn by nstkit:\n{in_columns(painting_names())}")


def in_columns(names: Sequence[str]) -> str:
    """Names side by side, indented, as many on a line as the terminal has room for."""
    width = shutil.get_terminal_size((80, 24)).columns
    return textwrap.fill("  ".join(names), max(20, width), initial_indent="  ", subsequent_indent="  ")
