"""What `stylize` does where nothing else is said: for each encoder what it does best, and published methods by name.

A published recipe has its paper's layers, losses, weights and optimiser. Networks differ from the papers' in how they
scale features (Gatys divided VGG-19's weights, Johnson fed it 0 to 255), so a weight copied from a paper is exact
as an objective and only a starting point for a picture.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Recipe:
    """Defaults of a transfer. None leaves a choice to `stylize`."""

    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    style_loss: str | Mapping[str, str] = "gram"
    balance: str = "none"
    content_weight: float = 1.0
    style_weight: float = 1.0
    precision: str = "float32"
    pooling: str | None = None
    extras: Mapping[str, float] = field(default_factory=dict)
    content_loss: str = "features"
    tv_weight: float = 0.0
    normalize: str = "hw"
    init: str = "content"
    optimizer: str | None = None
    learning_rate: float | None = None
    average: float = 0.0
    scale_factor: float = 2.0
    first: int = 1  # times as many steps at the first scale as at the others
    carry_over: bool = False
    beta2: float = 0.999
    border: str = "zeros"
    tv_loss: str = "squared"
    patch_sizes: tuple[float, ...] = ()
    patch_turns: tuple[float, ...] = ()


def _even(*layers: str) -> dict[str, float]:
    return dict.fromkeys(layers, 1.0 / len(layers))


TINY = Recipe(
    content_layers=_even("luma2", "luma4", "luma8"),
    style_layers=_even(
        "color1", "color2", "color4", "texture1", "texture2",
        "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1",
    ),
    style_loss="wasserstein",  # nearer to the style than centered_gram in 11 pairs of 12 or more: docs/quality.md
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

# Gatys, Ecker & Bethge, CVPR 2016: Eq. 1 (half the sum of squares), Eq. 4-5 (1/(4 N² M²), one fifth each), Eq. 7 with
# α/β = 1e-3, one of the ratios of Section 3; average pooling (Section 2), L-BFGS, from white noise.
GATYS = Recipe(
    content_layers={"relu4_2": 1.0},
    style_layers=_even("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    content_loss="half_sum",
    content_weight=1.0,
    style_weight=1e3,
    pooling="average",
    init="noise",
    optimizer="lbfgs",
)

# Johnson, Alahi & Fei-Fei, ECCV 2016, arXiv:1603.08155: Eq. 2 (the mean of squares, at relu2_2) and Eq. 4 (the squared
# Frobenius norm of Gram matrices divided by C·H·W, at the four layers of Section 4.1, of VGG-16). 4 C² undoes Gatys'
# 1/(4 C²). Weights 1 and 5 are those of the authors' code, as the paper gives none; their total variation, at 1e-6 of
# pixels from 0 to 255, is left out. From noise, by L-BFGS: their own comparison by optimisation.
JOHNSON = Recipe(
    content_layers={"relu2_2": 1.0},
    style_layers={
        "relu1_2": 4 * 64.0**2,
        "relu2_2": 4 * 128.0**2,
        "relu3_3": 4 * 256.0**2,
        "relu4_3": 4 * 512.0**2,
    },
    content_weight=1.0,
    style_weight=5.0,
    normalize="chw",
    init="noise",
    optimizer="lbfgs",
)

# Li & Wand, CVPR 2016, arXiv:1601.04589, Eq. 1-5: 3 x 3 patches of VGG-19's relu3_1 and relu4_1 (Eq. 2, 3), content at
# relu4_2 (Eq. 4) weighed by α₁ = 1, squared total variation (Eq. 5) by α₂ = 1e-3; patches also from copies of the style
# in seven sizes and five directions. Their sums over entries are written as means, all divided by H·W: at 1/4 and 1/8
# size a position has 9·256 and 9·512 entries of patches, 512 of content, and a pixel three. The paper minimises by
# L-BFGS over all patches; we by Adam over patches drawn anew at each step. We start from the content, as their code
# (chuanli11/CNNMRF) does, which has other weights: 20 for a mean at relu4_1, 1e-4 for patches, and no copies.
LI = Recipe(
    content_layers={"relu4_2": 512 / 8**2},
    style_layers={"relu3_1": 9 * 256 / 4**2, "relu4_1": 9 * 512 / 8**2},
    style_loss="patch",
    tv_weight=3e-3,
    pooling="max",
    optimizer="adam",
    patch_sizes=(0.85, 0.9, 0.95, 1.05, 1.1, 1.15),
    patch_turns=(-15.0, -7.5, 7.5, 15.0),
)

# Risser, Wilmot & Barnes, arXiv:1701.08893, 2017: Gram matrices at relu1_1 to relu4_1, histograms at relu1_1 and
# relu4_1, content at relu4_1, total variation. The paper sets weights by the size of gradients as it goes; in its place
# every term here starts at 1 (balance), and the weights of content and smoothness are ours.
RISSER = Recipe(
    content_layers={"relu4_1": 1.0},
    style_layers=_even("relu1_1", "relu2_1", "relu3_1", "relu4_1"),
    style_loss={
        "relu1_1": "gram+histogram", "relu2_1": "gram", "relu3_1": "gram", "relu4_1": "gram+histogram",
    },
    balance="start",
    content_weight=1.0,
    style_weight=30.0,
    tv_weight=1.0,
    pooling="average",
)  # fmt: skip

_ALPHA = 2.0
_STROTSS = ("relu1_1", "relu1_2", "relu2_1", "relu2_2", "relu3_1", "relu3_2", "relu3_3", "relu4_3", "relu5_3")
# Kolkin, Salavon & Shakhnarovich, CVPR 2019, arXiv:1904.12785, Section 3: (α ℓ_C + ℓ_m + ℓ_r + ℓ_p/α) / (2 + α + 1/α)
# over hypercolumns of VGG-16, the pixels among them. In the authors' code α starts at 16 and halves with each scale, to
# 2 at 512 pixels; here it is 2 at all scales. Adam on pixels in place of RMSprop on a Laplacian pyramid.
STROTSS = Recipe(
    content_layers=_even("pixels", *_STROTSS),
    # ℓ_r and ℓ_m of the hypercolumns weigh the sum of their layers, 1; ℓ_p what the pixels weigh, 1/α
    style_layers={"pixels": 1 / _ALPHA} | dict.fromkeys(_STROTSS, (1 - 1 / _ALPHA) / len(_STROTSS)),
    style_loss={"pixels": "relaxed_emd+palette"} | dict.fromkeys(_STROTSS, "relaxed_emd"),
    content_loss="self_similarity",
    content_weight=_ALPHA / (2 + _ALPHA + 1 / _ALPHA),
    style_weight=1 / (2 + _ALPHA + 1 / _ALPHA),
    optimizer="adam",
)

# Katherine Crowson's style-transfer-pytorch, as of its commit 015afe1: squares over absolute values for Gram matrices
# (divided by H·W) and content, style layers as 256 : 64 : 16 : 4 : 1, max pooling, a first convolution that repeats the
# border, Adam with 0.02, its moments enlarged from scale to scale, iterates averaged with 0.99, scales that grow by √2.
# It takes 1,000 steps at the first scale and 500 at each other, of which the recipe has the proportion. Pictures are
# enlarged there by the cubic with a = -3/4, and its average counts the picture that a scale starts from; not so here.
CROWSON = Recipe(
    content_layers={"relu4_2": 1.0},
    style_layers={f"relu{k + 1}_1": 4.0 ** (4 - k) / 341 for k in range(5)},
    balance="gradient",
    content_weight=0.015,
    style_weight=1.0,
    tv_weight=2.0,
    pooling="max",
    optimizer="adam",
    learning_rate=0.02,
    average=0.99,
    scale_factor=2**0.5,
    first=2,
    carry_over=True,
    border="replicate",
)

# The same at its commit e7e2c71, of May 2023: the Gaussian Wasserstein-2 distance over C as style loss, mean squares
# for content, total variation over nine points, and β₂ = 0.99. It adds 1e-4 to variances for its root's sake, which
# ours can do without, and compares with the moments of several styles mixed, where we mix distances.
CROWSON_2023 = replace(CROWSON, style_loss="wasserstein", balance="none", tv_loss="nine_point", beta2=0.99)

PUBLISHED: dict[str, Recipe] = {
    "gatys2016": GATYS, "johnson2016": JOHNSON, "li2016": LI, "risser2017": RISSER, "strotss2019": STROTSS,
    "crowson2021": CROWSON, "crowson2023": CROWSON_2023,
}  # fmt: skip


def fitted(recipe: Recipe, layers: Collection[str]) -> Recipe:
    """The recipe for an encoder with these layers: what it lacks, such as relu3_3, becomes the last of its block.

    Layers that fall together add up their weights. A layer whose block is missing stays, to be refused by name.
    """
    names = {old: _in_block(old, layers) for old in (*recipe.content_layers, *recipe.style_layers)}
    losses = recipe.style_loss
    if not isinstance(losses, str):
        losses = {names[old]: loss for old, loss in losses.items()}
    contents, styles = (_renamed(old, names) for old in (recipe.content_layers, recipe.style_layers))
    return replace(recipe, content_layers=contents, style_layers=styles, style_loss=losses)


def _in_block(name: str, layers: Collection[str]) -> str:
    block = [layer for layer in layers if name.startswith("relu") and layer.startswith(name[:6])]
    return block[-1] if block and name not in layers else name


def _renamed(weights: Mapping[str, float], names: Mapping[str, str]) -> dict[str, float]:
    found: dict[str, float] = {}
    for old, weight in weights.items():
        found[names[old]] = found.get(names[old], 0.0) + weight
    return found
