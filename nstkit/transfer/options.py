"""The options of a transfer, settled: encoder's recipe filled in, every value checked."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from nstkit.training.checks import PRECISIONS, check_number, choose
from nstkit.transfer.color_keeping import COLOR_KEEPERS

OPTIMIZERS = ("lbfgs", "adam")
STYLE_LOSSES = ("gram", "centered_gram")
NORMALIZATIONS = ("hw", "chw", "none")
BALANCES = ("start", "none")
INITS = ("content", "noise", "gray")


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
    style_loss: str
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

    def __post_init__(self) -> None:
        for name, allowed in _CHOICES.items():
            choose(name, getattr(self, name), allowed)
        if self.preserve_color is not None:
            choose("preserve_color", self.preserve_color, COLOR_KEEPERS)
        for name in _POSITIVE:
            check_number(name, getattr(self, name), positive=True)
        for name in ("content_weight", "style_weight", "tv_weight"):
            check_number(name, getattr(self, name))
        if self.content_weight == self.style_weight == 0:
            raise ValueError("content_weight, style_weight: expected at least one above 0, got both 0")
        check_weights("style_weights", enumerate(self.style_weights))
        check_weights("content_layers", self.content_layers.items(), may_be_empty=True)
        check_weights("style_layers", self.style_layers.items(), may_be_empty=self.style_weight == 0)
        if not 0 <= self.average < 1:
            raise ValueError(f"average: expected a decay in [0, 1), got {self.average}")

    def to_json(self) -> dict[str, Any]:
        """Plain values, for a checkpoint or a picture's metadata."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}


_CHOICES = {
    "optimizer": OPTIMIZERS, "style_loss": STYLE_LOSSES, "normalize": NORMALIZATIONS, "balance": BALANCES,
    "precision": PRECISIONS,
}  # fmt: skip
_POSITIVE = ("style_scale", "size", "coarsest", "steps", "learning_rate", "history")


def check_weights(name: str, weights: Iterable[tuple[Any, float]], *, may_be_empty: bool = False) -> None:
    """Raise ValueError unless the weights are finite, not negative, and at least one is positive."""
    values = dict(weights)
    for key, value in values.items():
        check_number(f"{name}[{key!r}]", value)
    if not may_be_empty and not any(values.values()):
        raise ValueError(
            f"{name}: expected at least one weight above 0, got {list(values.values()) or 'none'}"
        )
