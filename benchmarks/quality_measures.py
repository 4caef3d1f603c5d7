"""How like its content and how like its style a picture is, by judges that took no part in making it.

A judge turns a picture into named maps of features, as an encoder does; what is compared is always the same:

- content distance: ‖F − P‖ / ‖P − mean P‖, place by place;
- Gram distance: ‖G − A‖ / ‖A‖ of the Gram matrices over H·W (Gatys et al., CVPR 2016, Eq. 3);
- Wasserstein distance: W₂ of the two Gaussians with the features' means and covariances, over the root of the style's
  total variance (the form of FID, Heusel et al., arXiv:1706.08500, Eq. 6, within one picture and for each layer).

Each is the mean over the judge's layers. Beside them, without a judge: SSIM of luma, the distance of the colours, and
the scale at which luma varies.
"""

import functools
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from skimage.metrics import structural_similarity
from tiny_vs_random import DEEP_LAYERS, LUMA_AND_COLOUR, gabor_pairs
from torch import Tensor
from torch.nn import functional as F

from nstkit.color import srgb_to_lab
from nstkit.domain import frechet_distance
from nstkit.encoders import load_encoder
from nstkit.enhance import laplacian_pyramid
from nstkit.losses import gram_matrix, sliced_wasserstein_loss

Features = dict[str, Tensor]
LEVELS, ORIENTATIONS = 4, 6
TRIPLES = 8
"""Orthonormal triples of directions in Lab."""
TRAINED_LAYERS = {
    "vgg19": ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"),
    "vgg16": ("relu1_2", "relu2_2", "relu3_3", "relu4_3"),
    "squeezenet1_1": ("relu1", "fire2", "fire3", "fire5", "fire8"),
    "tiny": ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1", "texture1", "texture2"),
}


@dataclass(frozen=True)
class Judge:
    """Who judges, what the verdict can tell, and how a picture (1, 3, H, W) becomes maps (1, C, h, w) by layer."""

    name: str
    says: str
    features: Callable[[Tensor], Features]


def wavelet_judge() -> Judge:
    """Oriented band-pass energies of luma and two colour differences, 18 channels at each of four scales."""
    says = (
        "energies of oriented filters at four scales, no network: how much of each stroke direction, where and in "
        "which mixture; blind to what the picture shows"
    )
    return Judge("wavelets", says, wavelet_energies)


def wavelet_energies(image: Tensor) -> Features:
    """Picture (1, 3, H, W) to maps (1, 18, h, w), each scale half the one before."""
    planes = torch.einsum("kc,bchw->bkhw", LUMA_AND_COLOUR.to(image), image).transpose(0, 1)  # (3, 1, H, W)
    filters, found = gabor_pairs(ORIENTATIONS).to(image), {}
    margin = filters.shape[-1] // 2
    for level in range(LEVELS):
        response = F.conv2d(F.pad(planes, 4 * [margin], mode="reflect"), filters)
        energy = (response[:, 0::2].square() + response[:, 1::2].square()).sqrt()  # (3, orientations, h, w)
        found[f"scale{level + 1}"] = energy.flatten(0, 1)[None]
        planes = F.avg_pool2d(planes, 2)
    return found


@functools.cache
def random_judge(seed: int = 101) -> Judge:
    """A VGG-16 whose weights were drawn and never trained."""
    network = load_encoder("vgg16", weights="random", seed=seed, pooling="l2")
    says = (
        "a VGG-16 of random weights: whether local statistics agree at several scales, colour above all; its content "
        "distance says whether places look alike, not whether anything can be recognised"
    )
    return Judge("random VGG-16", says, lambda image: network(image, DEEP_LAYERS))


def trained_judge(name: str, weights: str | None) -> Judge:
    """A trained network from a local file."""
    network = load_encoder(name, weights=weights)
    layers = TRAINED_LAYERS[name]
    return Judge(f"{name} ({network.weights})", "a trained network", lambda image: network(image, layers))


def content_distance(features: Features, target: Features) -> float:
    """0 where all maps agree, 1 for flat maps of the right mean, about √2 for others of the same statistics."""
    return _over_layers(
        features, target, lambda ours, theirs: (ours - theirs).norm() / (theirs - _mean(theirs)).norm()
    )


def gram_distance(features: Features, target: Features) -> float:
    """Relative Frobenius distance of Gram matrices."""

    def of_layer(ours: Tensor, theirs: Tensor) -> Tensor:
        goal = gram_matrix(theirs, "hw")
        return (gram_matrix(ours, "hw") - goal).norm() / goal.norm()

    return _over_layers(features, target, of_layer)


def gaussian_distance(features: Features, target: Features) -> float:
    """W₂ between Gaussians in units of the target's spread."""

    def of_layer(ours: Tensor, theirs: Tensor) -> Tensor:
        x, y = ours[0].flatten(1).T, theirs[0].flatten(1).T  # positions in rows
        return (frechet_distance(x, y).clamp(min=0) / y.var(0).sum()).sqrt()

    return _over_layers(features, target, of_layer)


def _over_layers(features: Features, target: Features, of_layer: Callable[[Tensor, Tensor], Tensor]) -> float:
    return statistics.mean(float(of_layer(features[k].double(), target[k].double())) for k in target)


def _mean(maps: Tensor) -> Tensor:
    return maps.mean((2, 3), keepdim=True)


def luma(image: Tensor) -> Tensor:
    """(1, 3, H, W) to (1, 1, H, W)."""
    return (image * LUMA_AND_COLOUR[0].to(image).view(1, 3, 1, 1)).sum(1, keepdim=True)


def ssim(image: Tensor, other: Tensor) -> float:
    """Structural similarity of luma, by scikit-image with the constants of Wang et al., IEEE TIP 2004."""
    ours, theirs = (luma(picture)[0, 0].double().numpy() for picture in (image, other))
    return float(
        structural_similarity(
            ours, theirs, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    )


def color_distance(image: Tensor, other: Tensor) -> float:
    """Sliced Wasserstein distance of the pixels in CIE L*a*b*, in its units; a shift of all pixels costs its length.

    Along orthonormal triples the squared parts of a shift add up to a third of its squared length each, hence the 3.
    """
    directions = lab_directions()
    ours, theirs = (srgb_to_lab(picture.double()) for picture in (image, other))
    return float((3 * sliced_wasserstein_loss(ours, theirs, directions)).sqrt())


def lab_directions() -> Tensor:
    """The same directions each time, (3 · TRIPLES, 3)."""
    generator = torch.Generator().manual_seed(3)
    drawn = torch.randn(TRIPLES, 3, 3, generator=generator, dtype=torch.float64)
    return torch.linalg.qr(drawn).Q.mT.reshape(-1, 3)


def stroke_octave(image: Tensor) -> float:
    """The octave around which luma varies: the mean number of a Laplacian band, 0 the finest, weighed by energy."""
    plane = luma(image).double()
    levels = max(2, min(plane.shape[2:]).bit_length() - 3)  # the last level keeps 8 pixels or more
    energies = [float(band.square().mean()) for band in laplacian_pyramid(plane, levels)[:-1]]
    return sum(k * energy for k, energy in enumerate(energies)) / max(sum(energies), 1e-12)


def stroke_gap(image: Tensor, style: Tensor) -> float:
    """How many octaves coarser (above 0) or finer than the style the picture is drawn."""
    return stroke_octave(image) - stroke_octave(style)


@dataclass(frozen=True)
class Reference:
    """A content (1, 3, H, W) and a style, and what the judges see in them."""

    content: Tensor
    style: Tensor
    judges: Mapping[str, Judge]
    seen: Mapping[str, tuple[Features, Features]]

    @classmethod
    def of(cls, content: Tensor, style: Tensor, judges: Mapping[str, Judge]) -> "Reference":
        seen = {key: (judge.features(content), judge.features(style)) for key, judge in judges.items()}
        return cls(content, style, judges, seen)

    def judged(self, image: Tensor) -> dict[str, float]:
        """All measures of a picture of the content's size, by name."""
        found = {
            "ssim": ssim(image, self.content),
            "color": color_distance(image, self.style),
            "stroke": stroke_gap(image, self.style),
        }
        for key, judge in self.judges.items():
            ours, (contents, styles) = judge.features(image), self.seen[key]
            found[f"{key} content"] = content_distance(ours, contents)
            found[f"{key} gram"] = gram_distance(ours, styles)
            found[f"{key} gaussian"] = gaussian_distance(ours, styles)
        return found
