"""Which places of a layer a mask shows, and how often each of them is looked at.

A mask is a distribution over places: each counts as the square of the mask there, since the mask multiplies features
and enters their products twice (Gatys et al., CVPR 2017, Section 4.1). Losses of distributions are weighted by it;
losses that compare place by place draw places from it. What is shown by a mask of one number and 0 is read as if there
were nothing else.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from nstkit.transfer.draws import Draw

_SAME = 1e-5
"""Weights that differ by less, relative to the largest, are taken for equal: averages of equal numbers are rounded."""


@dataclass(frozen=True)
class Places:
    """The places that count.

    Attributes:
        count: to how many equal ones they amount, (Σ w)² / Σ w².
        index: which of all they are, (n,), row by row; None for all.
        weights: w of each, (n,), of mean 1; None where all are equal.
    """

    count: int
    index: Tensor | None = None
    weights: Tensor | None = None

    @property
    def everywhere(self) -> bool:
        """Whether all places count the same."""
        return self.index is None and self.weights is None

    def of(self, columns: Tensor) -> Tensor:
        """The columns (B, C, N) at these places, (B, C, n)."""
        return columns if self.index is None else columns[:, :, self.index]


def places_of(weights: Tensor) -> Places | None:
    """The places with a weight above 0 in (h, w); None if there is none. Reads values: a host sync.

    What is asked is put so that "no" and 1, the answers where tensors have no values, stand for a map without zeros.
    """
    flat = weights.flatten()
    if bool((flat <= 0).all()):
        return None
    shown = len(flat) - int((flat <= 0).sum())
    index = None if shown == len(flat) else (flat > 0).byte().argsort(descending=True, stable=True)[:shown]
    positive = flat if index is None else flat[index]
    if even(positive):
        return Places(shown, index)
    scaled = positive / positive.mean()
    share = float(1 / scaled.square().mean())
    return Places(max(1, round(share * shown)), index, scaled)


def even(weights: Tensor) -> bool:
    """Whether all are the same, up to rounding. A host sync."""
    return bool(weights.amin() >= (1 - _SAME) * weights.amax())


def chosen(places: Places, most: int, draw: Draw, device: torch.device) -> Tensor | None:
    """At most `most` of the places, as many as they amount to, (n,); None for every place there is, each once.

    Equal ones are drawn without repetition. Of others each comes up as often as its weight says, at expectation to the
    digit: the places are laid end to end in random order, as long as their weights, and read at equal distances.
    """
    generator = draw.generator(device)
    if places.weights is None:
        if places.count <= most:
            return places.index
        found = torch.randperm(places.count, generator=generator, device=device)[:most]
    else:
        order = torch.randperm(len(places.weights), generator=generator, device=device)
        ends = places.weights[order].cumsum(0)
        count = min(places.count, most)
        start = torch.rand(1, generator=generator, device=device).to(ends)
        marks = (torch.arange(count, device=device) + start) * (ends[-1] / count)
        found = order[torch.searchsorted(ends, marks, right=True).clamp(max=len(order) - 1)]
    return found if places.index is None else places.index[found]


def moved(points: Tensor, density: Tensor) -> Tensor:
    """Points uniform in the unit square, (n, 2), x and y, moved to where a density (h, w) has them.

    The inverse of its distribution: first of the rows, then of the places along a row. Uniform ones stay.
    """
    rows = density.sum(1)
    row, y = _inverse(rows.expand(len(points), -1), points[:, 1])
    _, x = _inverse(density[row], points[:, 0])
    return torch.stack([x, y], 1)


def _inverse(mass: Tensor, at: Tensor) -> tuple[Tensor, Tensor]:
    """For n distributions over K equal intervals, (n, K): the interval that the quantile `at` (n,) lies in, and it."""
    ends = mass.cumsum(1)
    share, ends = mass / ends[:, -1:], ends / ends[:, -1:]
    at = at[:, None].contiguous()
    interval = torch.searchsorted(ends, at, right=True).clamp(max=mass.shape[1] - 1)
    own, end = share.gather(1, interval), ends.gather(1, interval)
    within = 1 - (end - at) / own
    return interval[:, 0], ((interval + within.clamp(0, 1)) / mass.shape[1])[:, 0]
