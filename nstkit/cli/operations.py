"""`nstkit filter`, `enhance` and `color`: the library's picture operations, each a command of its own.

An operation's options are its function's parameters, read from the source, so that help loads no torch. A second
picture that a function takes is an option too.
"""

import inspect
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.cli.declarations import Declaration, Foreign, declaration_in_source
from nstkit.cli.option_kinds import Kind, kind_of
from nstkit.cli.options import Option, options_of, takes_options

PICTURE = Kind("PICTURE", str)


@dataclass(frozen=True)
class Operation:
    """One operation: where its function lives, and how the command line calls it.

    Attributes:
        picture: the parameter that the user's picture goes to.
        itself: a second picture that is the user's own where none is given.
        brightness: it is meant for one channel, so colour pictures have their brightness worked on.
        tiles: the picture's sides must be divisible by its tiles, so it is padded and cropped.
    """

    module: str
    name: str
    picture: str = "image"
    itself: str = ""
    brightness: bool = False
    tiles: bool = False

    @property
    def declared(self) -> Declaration:
        """What the function declares."""
        return declaration_in_source(self.module, self.name)

    @property
    def summary(self) -> str:
        """What one gets, then what is computed: the first line of its docstring."""
        whole = "\n\nOf a colour picture the brightness alone is worked on." if self.brightness else ""
        return f"{_LINES[self.name]}\n\n{self.declared.doc.splitlines()[0]}{whole}"

    @property
    def needed(self) -> tuple[str, ...]:
        """Parameters without a default, which must be given."""
        empty = inspect.Parameter.empty
        parameters = self.declared.parameters.items()
        return tuple(n for n, p in parameters if p.default is empty and n not in (self.picture, self.itself))

    @property
    def pictures(self) -> tuple[str, ...]:
        """The parameters that are further pictures."""
        parameters = self.declared.parameters.items()
        return tuple(n for n, p in parameters if isinstance(p.annotation, Foreign) and n != self.picture)

    def options(self) -> dict[str, Option]:
        """Its parameters as options."""
        declared = self.declared
        instead: dict[str, Kind] = dict.fromkeys(self.pictures, PICTURE)
        for name in self.needed:
            kind = kind_of(declared.parameters[name].annotation)
            if name not in instead and kind is not None:
                instead[name] = kind
        options = options_of(declared, skip=(self.picture,), instead=instead)
        return options | {name: replace(options[name], help=self._of_picture(name)) for name in self.pictures}

    def _of_picture(self, name: str) -> str:
        fitted = "of any size" if name == "reference" else "resized to the first where it differs"
        return f"A file, or a name as above, {fitted}{'; left out, PICTURE itself' if name == self.itself else ''}"


def _table(package: str, *rows: tuple[Any, ...]) -> dict[str, Operation]:
    return {row[1]: Operation(f"nstkit.{package}.{row[0]}", *row[1:]) for row in rows}


OPERATIONS: dict[str, dict[str, Operation]] = {
    "filter": _table(
        "filters",
        ("gaussian", "gaussian_blur"), ("box", "box_mean"), ("bilateral", "bilateral_filter"),
        ("guided", "guided_filter", "src", "guide"), ("median", "median_filter"), ("median", "switching_median"),
        ("nonlocal_means", "nl_means"), ("rof", "tv_denoise"),
    ),
    "enhance": _table(
        "enhance",
        ("equalize", "equalize_hist", "image", "", True), ("clahe", "clahe", "image", "", True, True),
        ("stretch", "contrast_stretch", "image", "", True), ("unsharp", "unsharp_mask"), ("detail", "boost_detail"),
        ("halo_free", "halo_free_sharpen"), ("screened_poisson", "screened_poisson", "stylized"),
    ),
    "color": _table(
        "color",
        ("hsv", "adjust_hsv"), ("yiq", "luminance_transfer", "stylized"),
        ("linear_transfer", "linear_color_transfer", "source"), ("histograms", "match_histograms", "source"),
    ),
}  # fmt: skip
_LINES = {
    "gaussian_blur": "Blur.",
    "box_mean": "Blur by the mean of a square window.",
    "bilateral_filter": "Smooth, and keep edges of colour.",
    "guided_filter": "Smooth, and keep the edges of a guide.",
    "median_filter": "Remove specks, and some detail with them.",
    "switching_median": "Remove specks, and leave all other pixels.",
    "nl_means": "Remove noise: average similar patches.",
    "tv_denoise": "Remove noise and texture, and keep edges.",
    "equalize_hist": "Spread the tones over the whole range.",
    "clahe": "Strengthen contrast, place by place.",
    "contrast_stretch": "Stretch the tones from black to white.",
    "unsharp_mask": "Sharpen.",
    "boost_detail": "Strengthen detail, scale by scale.",
    "halo_free_sharpen": "Sharpen without halos along edges.",
    "screened_poisson": "Give it another picture's fine structure.",
    "adjust_hsv": "Change hue, saturation and brightness.",
    "luminance_transfer": "Keep its brightness, take another's colours.",
    "linear_color_transfer": "Take another's colours, by one affine map.",
    "match_histograms": "Take another's colours, by histograms.",
}
"""What a picture comes out like, for people who look for an operation."""
_ABOUT = {
    "filter": "Blur, smooth or denoise pictures.",
    "enhance": "Sharpen pictures, or stretch and equalise their tones.",
    "color": "Change the colours of pictures, or take them from another.",
}

Pictures = Annotated[
    list[str],
    typer.Argument(metavar="PICTURE", help="Files, folders of them, or names that `nstkit pictures` lists."),
]
Target = Annotated[
    Path, typer.Option("-o", "--output", metavar="PATH", help="File to write; a folder for several pictures.")
]


def group(kind: str) -> typer.Typer:
    """The command `nstkit filter`, `nstkit enhance` or `nstkit color`, with a command per operation."""
    app = typer.Typer(help=_ABOUT[kind], rich_markup_mode=None, no_args_is_help=True)
    for name, operation in OPERATIONS[kind].items():
        app.command(name, help=operation.summary)(_command(kind, operation))
    return app


def _command(kind: str, operation: Operation) -> Any:
    def apply(
        pictures: Pictures,
        output: Target,
        compare: Annotated[
            bool, typer.Option("--compare", help="Write before and after side by side.")
        ] = False,
        device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "cpu",
        force: Annotated[bool, typer.Option("--force", help="Replace existing files.")] = False,
        *,
        given: dict[str, Any],
    ) -> None:
        from nstkit.cli.apply import Order, carry_out

        missing = [name for name in operation.needed if name not in given]
        if missing:
            raise ValueError(f"--{missing[0].replace('_', '-')}: {operation.name} needs it; see --help")
        carry_out(Order(kind, operation, tuple(pictures), output, compare, device, force, given))

    apply.__doc__ = operation.summary
    return takes_options(operation.options())(apply)
