"""What `tiny` is asked while it learns: which textures, which shape, where, and in which colours.

The heads are thrown away after training. Texture questions see the mean and the deviation of features under a
mask, the kind of statistic that a style loss will match later.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from nstkit.encoders.procedural_scenes import SHAPES, TEXTURE_CLASSES, Scenes

EPSILON = 1e-4


def region_statistics(features: Tensor, mask: Tensor) -> Tensor:
    """Mean and deviation of features (N, C, h, w) outside and inside a mask (N, 1, S, S): (2N, 2C).

    The first N rows are for outside. The two moments come from one matrix product each.
    """
    inside = F.interpolate(mask, features.shape[2:], mode="area").flatten(1)
    weight = torch.stack([1 - inside, inside], dim=2) + EPSILON  # (N, h*w, 2)
    weight = weight / weight.sum(1, keepdim=True)
    flat = features.permute(0, 2, 3, 1).flatten(1, 2).mT  # (N, C, h*w), a view if channels come last
    mean, square = (flat @ weight).permute(2, 0, 1), (flat.square() @ weight).permute(2, 0, 1)  # (2, N, C)
    deviation = ((square - mean.square()).clamp(min=0) + EPSILON).sqrt()
    return torch.cat([mean, deviation], dim=2).flatten(0, 1)


class Heads(nn.Module):
    """Questions asked of the features, and the losses of the answers.

    Args:
        widths: channels of each layer asked, from `channels(trunk)`.
    """

    TEXTURE_LAYERS = ("relu2_1", "relu3_2", "relu4_2", "relu5_1")

    def __init__(self, widths: dict[str, int]) -> None:
        super().__init__()
        asked = {layer: 2 * widths[layer] for layer in self.TEXTURE_LAYERS}
        self.texture = nn.ModuleDict({layer: nn.Linear(n, TEXTURE_CLASSES) for layer, n in asked.items()})
        self.material = nn.Linear(asked["relu4_2"] + asked["relu5_1"], 64)
        self.colour = nn.Linear(2 * widths["relu3_1"], 6)
        self.mask = nn.Conv2d(widths["relu4_2"], 1, 1)
        self.shape = nn.Linear(2 * widths["relu5_1"], len(SHAPES))

    def forward(
        self, features: dict[str, Tensor], scenes: Scenes
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        """The loss of each question and, for the log, the share of right answers."""
        asked = (*self.TEXTURE_LAYERS, "relu3_1")
        features = {layer: features[layer].float() for layer in asked}
        present = (
            torch.cat([1 - scenes.mask, scenes.mask]).mean((1, 2, 3)) > 0.03
        )  # outside, then inside: (2N,)
        statistics = {layer: region_statistics(tap, scenes.mask) for layer, tap in features.items()}
        losses, right = self._textures(statistics, scenes, present)
        losses["material"] = self._material(statistics, present)
        losses["colour"] = self._colour(statistics["relu3_1"], scenes, present)
        mask = F.interpolate(scenes.mask, features["relu4_2"].shape[2:], mode="area")
        losses["mask"] = F.binary_cross_entropy_with_logits(self.mask(features["relu4_2"]), mask)
        top = features["relu5_1"]
        guess = self.shape(torch.cat([top.mean((2, 3)), top.amax((2, 3))], dim=1))
        losses["shape"] = F.cross_entropy(guess, scenes.shape)
        right["shape"] = float((guess.argmax(1) == scenes.shape).float().mean())
        return losses, right

    def _textures(
        self, statistics: dict[str, Tensor], scenes: Scenes, present: Tensor
    ) -> tuple[dict[str, Tensor], dict[str, float]]:
        truth = torch.cat([scenes.background, scenes.foreground])[present]
        guesses = {layer: self.texture[layer](statistics[layer])[present] for layer in self.TEXTURE_LAYERS}
        losses = {f"texture {layer}": F.cross_entropy(guess, truth) for layer, guess in guesses.items()}
        correct = (guesses["relu5_1"].argmax(1) == truth).float()
        split = int(present[: len(scenes.mask)].sum())
        return losses, {
            "background": float(correct[:split].mean()),
            "foreground": float(correct[split:].mean()),
        }

    def _material(self, statistics: dict[str, Tensor], present: Tensor) -> Tensor:
        """Which foreground is the same texture as this background? (InfoNCE, arXiv 1807.03748, Eq. 4.)"""
        both = torch.cat([statistics["relu4_2"], statistics["relu5_1"]], dim=1)
        background, foreground = F.normalize(self.material(both), dim=1).chunk(2)
        likeness = 10 * background @ foreground.roll(-1, 0).T  # foreground i + 1 shows background i
        present_background, present_foreground = present.chunk(2)
        seen = present_foreground.roll(-1, 0)
        likeness = likeness.masked_fill(~seen, -1e4)
        rows = seen & present_background
        return F.cross_entropy(likeness[rows], torch.arange(len(rows), device=rows.device)[rows])

    def _colour(self, statistics: Tensor, scenes: Scenes, present: Tensor) -> Tensor:
        truth = region_statistics(scenes.image, scenes.mask)
        return 10 * F.mse_loss(self.colour(statistics)[present], truth[present])
