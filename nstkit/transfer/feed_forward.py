"""Trained networks that stylise in one pass: their files, and how to use them.

    model = load_model("run/model.safetensors")
    picture = model.stylize(load_image("photo.jpg"))

A file holds every weight that a pass needs, those of AdaIN's encoder too, and in its metadata what to build.
"""

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from nstkit import __version__
from nstkit.encoders import Encoder
from nstkit.encoders.architectures import ARCHITECTURES
from nstkit.encoders.tiny_export import save_weights
from nstkit.images import check_image
from nstkit.training.devices import lower_precision
from nstkit.transfer.adain_decoder import AdaInDecoder
from nstkit.transfer.fast_network import MINIMUM, FastNetwork
from nstkit.transfer.mix_styles import mix_styles
from nstkit.transfer.pyramid import PictureTooSmall

FORMAT, VERSION = "nstkit feed-forward", 1


class FeedForward(nn.Module, ABC):
    """A network in evaluation that turns contents into stylised pictures; see `stylize` of the two kinds."""

    kind = ""

    def stylize(
        self, content: Tensor, styles: Tensor | Sequence[Tensor] = (), *,
        style_weights: Sequence[float] | None = None, alpha: float = 1.0, precision: str = "auto",
    ) -> Tensor:  # fmt: skip
        """One pass, on the device of the content and the network.

        Args:
            content: (B, 3, H, W) in [0, 1], of any size.
            styles: one or several, (1, 3, h, w) each; none for a network that was trained for one style.
            style_weights: how much of each style; None is the same of all.
            alpha: 0 keeps the content, 1 is the full style.
            precision: auto, float32 or bfloat16.
        Returns:
            (B, 3, H, W) in [0, 1], float32.
        Raises:
            ValueError, TypeError: an argument, by name; too small a picture; styles that are missing or too many.
        """
        check_image(content, "content")
        pictures = [styles] if isinstance(styles, Tensor) else list(styles)
        self.check(pictures, style_weights, alpha)
        with torch.no_grad(), lower_precision(content.device, precision):
            return self._pass(content.float(), pictures, style_weights, alpha).float().clamp(0, 1)

    @property
    def metadata(self) -> dict[str, str]:
        """What to build, for the file."""
        return {"format": FORMAT, "version": str(VERSION), "nstkit": __version__, "kind": self.kind}

    @abstractmethod
    def check(self, styles: Sequence[Tensor], weights: Sequence[float] | None, alpha: float) -> None:
        """Raise what `stylize` would raise for these, before any work is done."""

    @abstractmethod
    def _pass(
        self, content: Tensor, styles: list[Tensor], weights: Sequence[float] | None, alpha: float
    ) -> Tensor: ...


class FastModel(FeedForward):
    """One style, in the weights.

    Args:
        network: trained by `train_fast`.
        style: the name of what it paints.
    """

    kind = "fast"

    def __init__(self, network: FastNetwork, style: str = "") -> None:
        super().__init__()
        self.network, self.style = network, style
        self.requires_grad_(False).eval()

    @property
    def metadata(self) -> dict[str, str]:
        """What to build: width and blocks; and the style's name."""
        sizes = {"width": self.network.width, "blocks": self.network.blocks}
        return super().metadata | {"architecture": json.dumps(sizes), "style": self.style}

    def check(self, styles: Sequence[Tensor], weights: Sequence[float] | None, alpha: float) -> None:
        """Refuse styles, weights, and an alpha other than 1."""
        what = f"the model paints one style, {self.style or 'the one it was trained for'}"
        if styles or weights is not None:
            raise ValueError(f"style: {what}; leave styles and their weights out")
        if alpha != 1:
            raise ValueError(f"alpha: {what}, and always in full; expected 1, got {alpha}")

    def _pass(
        self, content: Tensor, styles: list[Tensor], weights: Sequence[float] | None, alpha: float
    ) -> Tensor:
        _check_size(content, "content", MINIMUM)
        out: Tensor = self.network(content)
        return out


class AdaInModel(FeedForward):
    """Any style: the content's features with the style's means and deviations, decoded.

    Args:
        encoder: a copy is kept of what the decoder's layer needs.
        decoder: trained by `train_adain`.
    """

    kind = "adain"

    def __init__(self, encoder: Encoder, decoder: AdaInDecoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder.cut([decoder.layer]), decoder
        self.requires_grad_(False).eval()

    @property
    def metadata(self) -> dict[str, str]:
        """What to build: the encoder's name and the layer that is decoded."""
        parts = {"encoder": self.encoder.name, "layer": self.decoder.layer}
        weights = {"encoder weights": self.encoder.weights}
        return super().metadata | {"architecture": json.dumps(parts)} | weights

    def check(self, styles: Sequence[Tensor], weights: Sequence[float] | None, alpha: float) -> None:
        """Refuse no styles, what is no image or too small, other numbers of weights, alpha outside of [0, 1]."""
        if not styles:
            raise ValueError("style: the model needs at least one picture to take the style from, got none")
        least = self.encoder.minimum_size()
        for number, style in enumerate(styles):
            name = "style" if len(styles) == 1 else f"styles[{number}]"
            check_image(style, name)
            _check_size(style, name, least)
        if weights is not None and len(weights) != len(styles):
            raise ValueError(f"style_weights: expected one per style, {len(styles)}, got {len(weights)}")
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha: expected 0, the content, to 1, the full style, got {alpha}")

    def _pass(
        self, content: Tensor, styles: list[Tensor], weights: Sequence[float] | None, alpha: float
    ) -> Tensor:
        height, width = content.shape[2:]
        _check_size(content, "content", max(self.encoder.minimum_size(), self.decoder.stride))
        down, right = -height % self.decoder.stride, -width % self.decoder.stride
        base = self._features(F.pad(content, (0, right, 0, down), mode="reflect"))
        maps = [self._features(style.float()).expand(len(base), -1, -1, -1) for style in styles]
        stylized = mix_styles(base, maps, weights or [1.0] * len(maps))
        image: Tensor = self.decoder(torch.lerp(base, stylized, alpha))
        return image[..., :height, :width]

    def _features(self, image: Tensor) -> Tensor:
        layer = self.decoder.layer
        features: Tensor = self.encoder(image, [layer])[layer]
        return features.float()


def save_model(model: FeedForward, path: str | os.PathLike[str]) -> None:
    """Write a model, whole or not at all; a file of that name is replaced."""
    save_weights(
        {name: value.cpu() for name, value in model.state_dict().items()}, Path(path), model.metadata
    )


def load_model(path: str | os.PathLike[str]) -> FeedForward:
    """Read a model that `train_fast`, `train_adain` or `nstkit train` made; it is on the CPU.

    Raises:
        ValueError: no such file, another kind of file, one of a newer nstkit, or a damaged one.
    """
    if not Path(path).is_file():
        raise ValueError(
            f"{path}: no such file; `nstkit train fast` and `nstkit train adain` make model files"
        )
    try:
        with safe_open(str(path), framework="pt") as file:
            about = file.metadata() or {}
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: damaged, or no model file ({error})") from None
    _check_format(about, path)
    try:
        model = _KINDS[about["kind"]](about)
        model.load_state_dict(weights, assign=True)
    except (KeyError, TypeError, ValueError, RuntimeError):
        raise ValueError(f"{path}: damaged: weights and description do not fit together") from None
    if not all(bool(value.isfinite().all()) for value in weights.values()):
        raise ValueError(f"{path}: damaged: holds weights that are not finite")
    return model.requires_grad_(False).eval()


def _check_format(about: Mapping[str, str], path: str | os.PathLike[str]) -> None:
    if about.get("format") != FORMAT or about.get("kind") not in _KINDS:
        made = f" ({about['made by']})" if "made by" in about else ""
        raise ValueError(
            f"{path}: no model that transfers a style{made}; expected one of `nstkit train {' or '.join(_KINDS)}`"
        )
    if about.get("version") != str(VERSION):
        raise ValueError(
            f"{path}: made by nstkit {about.get('nstkit')}, which writes another format; use that version"
        )


def _build_fast(about: Mapping[str, str]) -> FeedForward:
    with torch.device("meta"):  # no time spent on weights that are replaced
        return FastModel(FastNetwork(**json.loads(about["architecture"])), about["style"])


def _build_adain(about: Mapping[str, str]) -> FeedForward:
    parts = json.loads(about["architecture"])
    found = ARCHITECTURES[parts["encoder"]]()
    encoder = Encoder(
        parts["encoder"],
        found.modules,
        mean=found.mean,
        deviation=found.deviation,
        reads=found.reads,
        weights=about["encoder weights"],
    )
    with torch.device("meta"):
        decoder = AdaInDecoder(encoder, parts["layer"])
    return AdaInModel(encoder, decoder)


_KINDS: dict[str, Callable[[Mapping[str, str]], FeedForward]] = {"fast": _build_fast, "adain": _build_adain}


def _check_size(image: Tensor, name: str, least: int) -> None:
    height, width = image.shape[2:]
    if min(height, width) < least:
        message = f"{name}: expected at least {least} x {least} pixels, got {width} x {height}; give a larger picture"
        raise PictureTooSmall(message, least) if name == "content" else ValueError(message)
