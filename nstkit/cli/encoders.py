"""`nstkit encoders`: which encoders there are, which have their weights at hand, and how to get more."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from nstkit.encoders import Encoder, encoder_names, load_encoder
from nstkit.encoders.weights import VARIABLE, find_weights, places
from nstkit.transfer.settled import settled_network


def encoders(
    download: Annotated[
        str | None, typer.Option(metavar="NAME", help="Fetch the weights of vgg19, vgg16 or squeezenet1_1.")
    ] = None,
) -> None:
    """List the encoders, and which of them have weights here."""
    if download is not None:
        _fetch(download)
    default = default_encoder()
    for name in encoder_names()[1:]:
        print(f"{name:<14} {_where(name)}{', the default' if name == default else ''}")
    print(f"\nlooked in {' and '.join(map(str, places()))}")
    if default == "tiny":
        print(
            "VGG-19 paints better than tiny. To get it: nstkit encoders --download vgg19 (550 MB), or let\n"
            f"{VARIABLE} name torchvision's file vgg19-dcbb9e9d.pth, or a folder that holds it."
        )


def _fetch(name: str) -> None:
    known = [other for other in encoder_names() if other not in ("auto", "tiny")]
    if name not in known:
        way_out = "; it ships with nstkit" if name == "tiny" else ""
        raise ValueError(f"--download: expected one of {', '.join(known)}, got {name!r}{way_out}")
    try:
        load_encoder(name, download=True)
    except OSError as error:  # urllib's
        reason = getattr(error, "reason", error)
        raise ValueError(
            f"--download {name}: could not be fetched ({reason}); copy the file here and point {VARIABLE} at it"
        ) from error


def _where(name: str) -> str:
    return "ships with nstkit" if name == "tiny" else str(at_hand(name) or "not here")


def at_hand(name: str) -> Path | None:
    """The weights file of an encoder, where one is found without downloading."""
    return next((path for place in places() if (path := find_weights(name, place)) is not None), None)


def default_encoder() -> str:
    """What `load_encoder("auto")` loads."""
    return "tiny" if at_hand("vgg19") is None else "vgg19"


def encoder_line(name: str, weights: str | None) -> str:
    """Which encoder a run uses and, where that is tiny for want of VGG, how to get VGG.

    Raises:
        ValueError: it needs weights that are not here.
    """
    if weights is not None:
        return f"encoder: {name}, weights: {weights}"
    name = default_encoder() if name == "auto" else name
    if name == "tiny":
        return "encoder: tiny, built in; for VGG-19, which paints better, see `nstkit encoders`"
    if name in encoder_names() and at_hand(name) is None:
        looked = " and ".join(map(str, places()))
        raise ValueError(
            f"encoder: no weights of {name} in {looked}; fetch them with `nstkit encoders --download {name}`"
        )
    return f"encoder: {name}, from {at_hand(name)}"


def asked_network(options: Mapping[str, Any]) -> Encoder:
    """The encoder that the options of a transfer ask for, loaded once, and before anything is said.

    Raises:
        ValueError: its file is missing or damaged.
    """
    names = ("encoder", "weights", "pooling", "recipe")
    encoder, weights, pooling, recipe = (options.get(name) for name in names)
    network, _ = settled_network(encoder or "auto", weights, pooling, recipe)
    return network
