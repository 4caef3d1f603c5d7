"""What each encoder does best: the layers and weights that `stylize` takes where none are given."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Recipe:
    """Defaults of a transfer with one encoder."""

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    style_loss: str = "gram"
    balance: str = "none"
    content_weight: float = 1.0
    style_weight: float = 1.0
    precision: str = "float32"
    pooling: str | None = None
    extras: Mapping[str, float] = field(default_factory=dict)


def _even(*layers: str) -> dict[str, float]:
    return dict.fromkeys(layers, 1.0 / len(layers))


TINY = Recipe(
    content_layers=_even("luma2", "luma4", "luma8"),
    style_layers=_even(
        "color1", "color2", "color4", "texture1", "texture2",
        "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1",
    ),
    style_loss="centered_gram",
    balance="start",
    content_weight=1.0,
    style_weight=30.0,
)  # fmt: skip

# Gatys, Ecker & Bethge, CVPR 2016, Section 3: conv4_2 for content, conv1_1 to conv5_1 for style, one fifth each.
VGG = Recipe(
    content_layers={"relu4_2": 1.0},
    style_layers=_even("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    balance="start",
    content_weight=1.0,
    style_weight=30.0,
    precision="bfloat16",
    pooling="average",
)

SQUEEZENET = Recipe(
    content_layers={"fire5": 1.0},
    style_layers=_even("relu1", "fire2", "fire3", "fire5", "fire8"),
    balance="start",
    content_weight=1.0,
    style_weight=30.0,
)

RECIPES: dict[str, Recipe] = {"tiny": TINY, "vgg19": VGG, "vgg16": VGG, "squeezenet1_1": SQUEEZENET}
