"""What counts where: each style in the result, each place of a style picture, each place of the content.

Gatys et al., "Controlling Perceptual Factors in Neural Style Transfer", CVPR 2017, Section 4.1: the features are
multiplied by T, whose squares sum to 1, and the Gram matrix of the product is compared with that of the style, which
has a T of its own. All masks are averaged down to each layer's size.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, max_pool2d

from nstkit.images.contract import SLACK
from nstkit.losses.guidance import check_mask
from nstkit.transfer.places import Places, even, places_of


class Guide:
    """One mask, (H, W), averaged down to each layer's size on first use."""

    def __init__(self, mask: Tensor) -> None:
        self._mask = mask
        self._small: dict[tuple[int, int], Tensor] = {}
        self._even: dict[tuple[int, int], bool] = {}
        self._places: dict[tuple[int, int, int], Places | None] = {}

    def at(self, height: int, width: int) -> Tensor:
        """T·√(h·w), (h, w): a mask of ones is then no mask at all, to the bit."""
        if (height, width) not in self._small:
            small = adaptive_avg_pool2d(self._mask[None], (height, width))[0]
            scaled = small / small.amax()  # first to 1: the squares of small numbers would vanish
            self._small[height, width] = (scaled / scaled.square().mean().sqrt()).detach()
        return self._small[height, width]

    def everywhere(self, height: int, width: int) -> bool:
        """Whether it is the same everywhere, and so no mask. Keeps no map, unlike `places`."""
        if (height, width) not in self._even:
            self._even[height, width] = even(self.at(height, width))
        return self._even[height, width]

    def places(self, height: int, width: int, size: int = 1) -> Places | None:
        """The squares of size x size positions that it shows, by their upper left ones, (h - size + 1)·(w - size + 1).

        A square counts as the position in it that counts least, so that none reaches across the mask's border. None
        where no whole square is shown; of single positions there always is one.
        """
        if (height, width, size) not in self._places:
            weights = self.at(height, width).square()
            least = -max_pool2d(-weights[None, None], size, stride=1)[0, 0]
            self._places[height, width, size] = places_of(least)
        return self._places[height, width, size]


class ContentMap:
    """How much the content counts at each place, (1 or B, H, W), averaged down to each layer's size on first use."""

    def __init__(self, weights: Tensor) -> None:
        self._weights = weights
        self._small: dict[tuple[int, int], Tensor] = {}

    def at(self, height: int, width: int) -> Tensor:
        """(1 or B, 1, h, w), of mean 1 in each image: a map of ones is then no map at all, to the bit."""
        if (height, width) not in self._small:
            small = adaptive_avg_pool2d(self._weights[:, None], (height, width))
            self._small[height, width] = (small / small.mean((2, 3), keepdim=True)).detach()
        return self._small[height, width]


@dataclass(frozen=True)
class Regions:
    """The masks of a transfer; None is everywhere. `regions_of` makes checked ones.

    Attributes:
        masks: where each style counts in the result, (K, H, W), of the content's size.
        content_map: how much the content counts, (1 or B, H, W), of the content's size.
        style_masks: which part of each style is read, (h, w) each, of the style's own size.
    """

    masks: Tensor | None = None
    content_map: Tensor | None = None
    style_masks: tuple[Tensor | None, ...] | None = None

    def pictures(self) -> Iterator[tuple[str, Tensor]]:
        """Those that are there, with names."""
        if self.masks is not None:
            yield "masks", self.masks
        if self.content_map is not None:
            yield "content_map", self.content_map
        for number, mask in enumerate(self.style_masks or ()):
            if mask is not None:
                yield f"style_masks[{number}]", mask

    def each(self, change: Callable[[Tensor], Tensor]) -> "Regions":
        """The same with every mask changed."""
        moved = {name: change(picture) for name, picture in self.pictures()}
        parts = None
        if self.style_masks is not None:
            parts = tuple(moved.get(f"style_masks[{number}]") for number in range(len(self.style_masks)))
        return Regions(moved.get("masks"), moved.get("content_map"), parts)

    def guides(self, styles: int) -> list[Guide | None]:
        """For each of so many styles, where it counts in the result."""
        return [None] * styles if self.masks is None else [Guide(mask) for mask in self.masks]

    def sources(self, styles: int) -> list[Guide | None]:
        """For each of so many styles, which part of it is read."""
        parts = self.style_masks or (None,) * styles
        return [None if part is None else Guide(part) for part in parts]


EVERYWHERE = Regions()


def shown(guide: Guide | None, height: int, width: int, size: int = 1) -> Places | None:
    """See `Guide.places`; None in the place of a guide shows all."""
    if guide is None:
        return Places((height - size + 1) * (width - size + 1))
    return guide.places(height, width, size)


def regions_of(
    content: Tensor,
    styles: Sequence[Tensor],
    masks: Tensor | None,
    content_map: Tensor | None,
    style_masks: Sequence[Tensor | None] | None,
) -> Regions:
    """Checked masks, as `stylize` takes them.

    Raises:
        ValueError: a mask of another size, not finite, out of range, or empty; one too many or too few.
    """
    if masks is not None:
        check_masks(masks, len(styles), content)
    if content_map is not None:
        _check_content_map(content_map, content)
    parts = None if style_masks is None else _checked_parts(style_masks, styles)
    if parts is not None and all(part is None for part in parts):
        parts = None
    return Regions(masks, content_map, parts)


def check_masks(masks: Tensor, styles: int, content: Tensor) -> None:
    """Raise ValueError unless there is one mask of the content's size for each style, each finite and not empty."""
    expected = (styles, *content.shape[-2:])
    if tuple(masks.shape) != expected:
        raise ValueError(
            f"masks: expected {expected}, one of the content's size for each style, got {tuple(masks.shape)}"
        )
    for number, mask in enumerate(masks):
        check_mask(mask, f"masks[{number}]")


def _check_content_map(weights: Tensor, content: Tensor) -> None:
    size = tuple(content.shape[-2:])
    if weights.ndim != 3 or len(weights) not in (1, len(content)) or tuple(weights.shape[-2:]) != size:
        batch = "" if len(content) == 1 else f" or {(len(content), *size)}"
        raise ValueError(
            f"content_map: expected {(1, *size)}{batch}, of the content's size, got {tuple(weights.shape)}"
        )
    for number, image in enumerate(weights):
        name = "content_map" if len(weights) == 1 else f"content_map[{number}]"
        check_mask(image, name)
        if float(image.max()) > 1 + SLACK:
            raise ValueError(f"{name}: expected numbers from 0 to 1, got {float(image.max()):g}")


def _checked_parts(
    style_masks: Sequence[Tensor | None], styles: Sequence[Tensor]
) -> tuple[Tensor | None, ...]:
    if len(style_masks) != len(styles):
        raise ValueError(
            f"style_masks: expected one for each style, {len(styles)}, got {len(style_masks)}; None is all of it"
        )
    parts: list[Tensor | None] = []
    for number, (mask, style) in enumerate(zip(style_masks, styles, strict=True)):
        name, size = f"style_masks[{number}]", tuple(style.shape[-2:])
        if mask is not None and tuple(mask.shape) not in (size, (1, *size)):
            raise ValueError(f"{name}: expected {size}, of the style's own size, got {tuple(mask.shape)}")
        flat = None if mask is None else mask.reshape(size)
        if flat is not None:
            check_mask(flat, name)
        parts.append(flat)
    return tuple(parts)
