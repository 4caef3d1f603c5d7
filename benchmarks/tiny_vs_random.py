"""What tiny's training is worth: the same transfer with trained and with random weights, side by side.

    python benchmarks/tiny_vs_random.py --out out/tiny_vs_random.png

Both sides get the same architecture, colour taps, content term, steps and start; only the encoder's weights
differ. Two judges that no side was trained on measure how far a result is from its style, as a share of the
distance of the untouched content (1 = nothing happened, 0 = the style's own statistics):

- `wavelets`: oriented band-pass energies at four scales and their correlations, in luma and two colour
  differences (after Portilla and Simoncelli, IJCV 2000);
- `deep`: means and covariances of four layers of a random VGG-16 with other seeds.
"""

import argparse
import math
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from nstkit.encoders import Encoder, load_encoder
from nstkit.images import contact_sheet, photograph, photograph_names, resize, save_image
from nstkit.paintings import paint, painting_names
from nstkit.transfer import stylize

LUMA_AND_COLOUR = torch.tensor([[0.299, 0.587, 0.114], [0.5, -0.5, 0.0], [0.25, 0.25, -0.5]])
DEEP_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
Judge = Callable[[Tensor], list[Tensor]]


def picture(name: str, size: int) -> Tensor:
    """A photograph or a painting by name, its long side `size` pixels."""
    found = photograph(name) if name in photograph_names() else paint(name)
    return resize(found, size)


def gabor_pairs(orientations: int = 6, size: int = 15, wavelength: float = 5.0) -> Tensor:
    """Even and odd oriented band-pass filters without response to a constant: (2 * orientations, 1, size, size)."""
    axis = torch.arange(size) - size // 2.0
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    envelope = torch.exp(-(x**2 + y**2) / (2 * (0.45 * wavelength) ** 2))
    filters = []
    for index in range(orientations):
        angle = math.pi * index / orientations
        phase = 2 * math.pi * (x * math.cos(angle) + y * math.sin(angle)) / wavelength
        for wave in (envelope * phase.cos(), envelope * phase.sin()):
            wave = wave - envelope * wave.sum() / envelope.sum()
            filters.append(wave / wave.norm())
    return torch.stack(filters).unsqueeze(1)


def wavelets(image: Tensor, levels: int = 4) -> list[Tensor]:
    """Statistics of oriented energies (1, 3, H, W) -> vectors, three for each level."""
    planes = torch.einsum("kc,bchw->bkhw", LUMA_AND_COLOUR, image).transpose(0, 1)  # (3, 1, H, W)
    filters, found = gabor_pairs(), []
    for _ in range(levels):
        response = F.conv2d(planes, filters)
        energy = (response[:, 0::2].square() + response[:, 1::2].square()).sqrt().flatten(0, 1).flatten(1)
        found += [
            energy.mean(1),
            energy.std(1),
            torch.corrcoef(energy + 1e-6 * torch.randn_like(energy)).flatten(),
        ]
        planes = F.avg_pool2d(planes, 2)
    return found


def deep(network: Encoder) -> Judge:
    """Means and covariances of a network's features."""

    def describe(image: Tensor) -> list[Tensor]:
        features = network(image, DEEP_LAYERS)
        flat = {layer: maps.flatten(2)[0] for layer, maps in features.items()}
        return [part for maps in flat.values() for part in (maps.mean(1), torch.cov(maps).flatten())]

    return describe


def distance(judge: Judge, image: Tensor, style: Tensor) -> float:
    """The mean relative difference of two pictures' statistics."""
    pairs = zip(judge(image), judge(style), strict=True)
    return statistics.mean(float((ours - theirs).norm() / theirs.norm()) for ours, theirs in pairs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/tiny_vs_random.png"))
    parser.add_argument("--contents", nargs="+", default=["chelsea", "astronaut", "rocket"])
    parser.add_argument(
        "--styles", nargs="+", default=list(painting_names())[:3] or ["gravel", "hubble", "brick"]
    )
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=50, help="at each scale")
    parser.add_argument("--trained", default=None, help="another weights file in place of the one that ships")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    judges = {
        "wavelets": wavelets,
        "deep": deep(load_encoder("vgg16", weights="random", seed=101, pooling="l2")),
    }
    sides = {
        "random weights": load_encoder("tiny", weights="random", seed=0),
        "trained weights": load_encoder("tiny", weights=options.trained),
    }
    print(f"torch {torch.__version__}, {platform.machine()}, {options.threads} threads, {options.size} px")
    rows, shares = [], {(side, judge): [] for side in sides for judge in judges}
    for content_name, style_name in zip(options.contents, options.styles, strict=True):
        content, style = picture(content_name, options.size), picture(style_name, options.size)
        row = [content, style]
        for side, encoder in sides.items():
            started = time.perf_counter()
            result = stylize(content, style, encoder=encoder, size=options.size, steps=options.steps).image
            seconds = time.perf_counter() - started
            row.append(result)
            for judge, describe in judges.items():
                share = distance(describe, result, style) / distance(describe, content, style)
                shares[side, judge].append(share)
                print(
                    f"{content_name} in {style_name}: {side}: {judge} {share:.3f} ({seconds:.1f} s)",
                    flush=True,
                )
        rows.append(row)
    for judge in judges:
        random, trained = (statistics.median(shares[side, judge]) for side in sides)
        print(f"median {judge}: random {random:.3f}, trained {trained:.3f}, ratio {random / trained:.2f}")
    sheet = contact_sheet(rows, columns=["content", "style", *sides])
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_image(sheet, options.out, overwrite=True)


if __name__ == "__main__":
    main()
