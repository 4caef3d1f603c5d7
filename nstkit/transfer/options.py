"""The options of a transfer, settled: encoder's recipe filled in, every value checked."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nstkit.training.checks import PRECISIONS, check_learning_rate, check_number, choose
from nstkit.transfer.color_keeping import COLOR_KEEPERS
from nstkit.transfer.color_matching import COLOR_MATCHERS
from nstkit.transfer.roughness import ROUGHNESS

OPTIMIZERS = ("lbfgs", "adam")
STYLE_LOSSES = (
    "gram", "centered_gram", "moments", "wasserstein", "sliced_wasserstein", "patch", "contextual", "relaxed_emd",
    "histogram", "palette",
)  # fmt: skip
RANDOM_LOSSES = ("sliced_wasserstein", "patch", "contextual", "relaxed_emd", "palette")
"""Those that draw something anew at each step, if the optimiser can stand it."""
CONTENT_LOSSES = ("features", "half_sum", "self_similarity")
NORMALIZATIONS = ("hw", "chw", "none")
BALANCES = ("start", "gradient", "none")
INITS = ("content", "noise", "gray")
BORDERS = ("zeros", "replicate")

ADDED: dict[str, Any] = {
    "content_loss": "features", "tile": None, "match_color": None, "scale_factor": 2.0, "first_steps": None,
    "carry_over": False, "beta2": 0.999, "border": "zeros", "tv_loss": "squared", "patch_sizes": [], "patch_turns": [],
}  # fmt: skip
"""Options that checkpoints of 0.1 lack, as they were then."""


@dataclass(frozen=True)
class Options:
    """What a run depends on beside its pictures. See `stylize` for the meaning of each."""

    encoder: str
    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    style_weights: tuple[float, ...]
    content_weight: float
    style_weight: float
    tv_weight: float
    style_loss: str | Mapping[str, str]
    normalize: str
    balance: str
    style_scale: float
    size: int
    coarsest: int
    steps: int
    optimizer: str
    learning_rate: float
    history: int
    average: float
    init: str
    seed: int
    precision: str
    channels_last: bool
    preserve_color: str | None = None
    tile: int | None = None
    content_loss: str = "features"
    match_color: str | None = None
    scale_factor: float = 2.0
    first_steps: int | None = None
    carry_over: bool = False
    beta2: float = 0.999
    border: str = "zeros"
    tv_loss: str = "squared"
    patch_sizes: tuple[float, ...] = ()
    patch_turns: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        self._check_style_loss()
        for name, allowed in _CHOICES.items():
            choose(name, getattr(self, name), allowed)
        if self.tile is not None:
            check_number("tile", self.tile, positive=True)
        if self.preserve_color is not None:
            choose("preserve_color", self.preserve_color, COLOR_KEEPERS)
        self._check_match_color()
        for name in _POSITIVE:
            check_number(name, getattr(self, name), positive=True, whole=name != "style_scale")
        check_learning_rate(self.learning_rate)
        self._check_copies()
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name))
        if self.content_weight == self.style_weight == 0:
            raise ValueError("content_weight, style_weight: expected at least one above 0, got both 0")
        check_weights("style_weights", enumerate(self.style_weights))
        check_weights("content_layers", self.content_layers.items(), may_be_empty=True)
        check_weights("style_layers", self.style_layers.items(), may_be_empty=self.style_weight == 0)
        for name in ("average", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}: expected a decay in [0, 1), got {getattr(self, name)}")
        self._check_scales()

    def steps_at(self, scale: int) -> int:
        """Steps at a scale, of which the first is 0."""
        return self.first_steps if self.first_steps is not None and scale == 0 else self.steps

    def losses_of(self, layer: str) -> list[str]:
        """The style losses of one layer, by name."""
        named = self.style_loss if isinstance(self.style_loss, str) else self.style_loss[layer]
        return named.split("+")

    @property
    def draws_anew(self) -> bool:
        """Whether what is random in the losses changes with each step: L-BFGS needs an objective that stays."""
        return self.optimizer != "lbfgs"

    def _check_scales(self) -> None:
        if not 1 < self.scale_factor < math.inf:
            raise ValueError(f"scale_factor: expected a number above 1, got {self.scale_factor}")
        if self.first_steps is not None:
            check_number("first_steps", self.first_steps, positive=True, whole=True)
        if self.carry_over and self.optimizer != "adam":
            raise ValueError(
                f"carry_over: expected optimizer='adam' beside it, got {self.optimizer!r}, whose memory of one size is "
                "of no use to another; leave it out"
            )

    def _check_copies(self) -> None:
        for size in self.patch_sizes:
            if not 0.25 <= size <= 4:
                raise ValueError(
                    f"patch_sizes: expected multiples of the style's size, 0.25 to 4, got {size:g}"
                )
        for turn in self.patch_turns:
            if not math.isfinite(turn):
                raise ValueError(f"patch_turns: expected degrees, finite numbers, got {turn:g}")

    def _check_match_color(self) -> None:
        if self.match_color is None:
            return
        choose("match_color", self.match_color, COLOR_MATCHERS)
        if self.preserve_color is not None:
            raise ValueError(
                f"match_color: expected no preserve_color beside it, got {self.preserve_color!r}; one takes the "
                "styles' colours, the other keeps the content's"
            )

    def _check_style_loss(self) -> None:
        if not isinstance(self.style_loss, str):
            missing = [layer for layer in self.style_layers if layer not in self.style_loss]
            unknown = [layer for layer in self.style_loss if layer not in self.style_layers]
            if missing or unknown:
                fault = f"no loss for {missing[0]}" if missing else f"one for {unknown[0]}"
                raise ValueError(
                    f"style_loss: expected one for each of style_layers, {', '.join(self.style_layers)}, got {fault}"
                )
        for layer in self.style_layers:
            for loss in self.losses_of(layer):
                choose("style_loss", loss, STYLE_LOSSES)
                if self.balance == "gradient" and loss not in ("gram", "centered_gram"):
                    raise ValueError(
                        f"balance: expected start or none with the style loss {loss!r}, got 'gradient'; only gram "
                        "and centered_gram are differences that can be scaled so"
                    )
                if loss == "palette" and layer != "pixels":
                    raise ValueError(
                        f"style_loss: expected 'palette' for the layer pixels alone, got it for {layer}"
                    )

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a checkpoint or a picture's metadata."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


_CHOICES = {
    "optimizer": OPTIMIZERS, "content_loss": CONTENT_LOSSES, "normalize": NORMALIZATIONS, "balance": BALANCES,
    "precision": PRECISIONS, "border": BORDERS, "tv_loss": tuple(ROUGHNESS),
}  # fmt: skip
_POSITIVE = ("style_scale", "size", "coarsest", "steps", "history")


def check_weights(name: str, weights: Iterable[tuple[Any, float]], *, may_be_empty: bool = False) -> None:
    """Raise ValueError unless the weights are finite, not negative, and at least one is positive."""
    values = dict(weights)
    for key, value in values.items():
        check_number(f"{name}[{key!r}]", value)
    if not may_be_empty and not any(values.values()):
        raise ValueError(
            f"{name}: expected at least one weight above 0, got {list(values.values()) or 'none'}"
        )
