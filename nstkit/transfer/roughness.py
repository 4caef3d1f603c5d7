"""The squared total variations that `stylize` can add to its objective, by name: means, the same for every size."""

from collections.abc import Callable

from torch import Tensor

from nstkit.losses.total_variation import nine_point_variation, total_variation

ROUGHNESS: dict[str, Callable[[Tensor], Tensor]] = {
    "squared": lambda image: total_variation(image, "squared") / image[0].numel(),
    "nine_point": nine_point_variation,
}
"""From images (B, C, H, W) to (B,)."""
