"""The objective of a picture that is read tile by tile: the same terms and the same gradient, in a tile's memory.

Style terms of means and second moments are sums over positions, so they can be gathered from tiles: once without
gradients, for the moments of the whole picture and the slope of the style terms in them; then tile by tile again,
where that slope, held constant, gives each tile its part of the gradient. Content terms are sums as they are. The
halos of the tiles make all of this exact up to rounding (see `tiles`), so there are no seams to hide.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from nstkit.transfer.options import Options
from nstkit.transfer.regions import EVERYWHERE, ContentMap, Guide, Regions
from nstkit.transfer.roughness import ROUGHNESS
from nstkit.transfer.style_losses import OF_MOMENTS, StyleTerm, style_terms
from nstkit.transfer.style_targets import MomentTarget
from nstkit.transfer.taps import TappedEncoder
from nstkit.transfer.tiles import View, views

Moments = tuple[Tensor, Tensor]


class TiledObjective:
    """As `Objective`, for pictures that do not fit into memory at once. Arguments as there.

    Raises:
        ValueError: a loss that needs all positions at once, or a tile too small for the layers.
    """

    def __init__(
        self, encoder: TappedEncoder, content: Tensor, styles: Sequence[Tensor], weights: Sequence[float],
        options: Options, regions: Regions = EVERYWHERE,
    ) -> None:  # fmt: skip
        check_tiles(encoder, options, (content.shape[-2], content.shape[-1]))
        self.encoder, self.options, self.step = encoder, options, 0
        self._map = None if regions.content_map is None else ContentMap(regions.content_map)
        self._views = self._views_of(content, encoder.layers)
        with torch.no_grad():
            painted = [
                self._stand_ins(*read) for read in zip(styles, regions.sources(len(styles)), strict=True)
            ]
            self.style_terms = style_terms(painted, weights, options, replace(regions, style_masks=None))
            self._content, self._sizes, self._energy = self._read_content(content)
            self._style_scale = {term.name: torch.ones(()) for term in self.style_terms}
            if options.balance == "start":
                gathered = self._gather(content)
                self._style_scale = {t.name: self._divisor(t, gathered[t.name]) for t in self.style_terms}

    def value_and_gradient(self, image: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """The weighted terms and their "total", 0-d, and the total's gradient, of the image's shape."""
        style, slopes = self._style(image)
        gradient, content = torch.zeros_like(image), image.new_zeros(())
        for number, view in enumerate(self._views):
            crop = image[..., view.rows, view.columns].detach().requires_grad_()
            features = self._cores(crop, view)
            own = self._content_share(features, number)
            pull = self.options.content_weight * own + self._style_pull(features, view, slopes)
            if pull.requires_grad:
                gradient[..., view.rows, view.columns] += torch.autograd.grad(pull, crop)[0]
            content += own.detach()
        terms = {"content": self.options.content_weight * content, "style": style}
        if self.options.tv_weight:
            leaf = image.detach().requires_grad_()
            rough = ROUGHNESS[self.options.tv_loss](leaf).sum()
            terms["tv"] = (self.options.tv_weight * rough).detach()
            gradient += torch.autograd.grad(self.options.tv_weight * rough, leaf)[0]
        return terms | {"total": torch.stack(list(terms.values())).sum()}, gradient

    # -- reading --------------------------------------------------------------------------------

    def _views_of(self, image: Tensor, layers: Sequence[str]) -> list[View]:
        assert self.options.tile is not None
        return views(self.encoder, layers, (image.shape[-2], image.shape[-1]), self.options.tile)

    def _cores(self, crop: Tensor, view: View) -> dict[str, Tensor]:
        """The view's own features by layer, float32."""
        lower = self.options.precision == "bfloat16"
        with torch.autocast(crop.device.type, torch.bfloat16, enabled=lower):
            features = self.encoder(crop, view.layers)
        return {k: f[..., view.cores[k][0], view.cores[k][1]].to(crop.dtype) for k, f in features.items()}

    def _read_content(
        self, content: Tensor
    ) -> tuple[list[dict[str, Tensor]], dict[str, tuple[int, int]], dict[str, Tensor]]:
        """Content targets view by view; the sizes of all maps; the targets' mean squares."""
        kept: list[dict[str, Tensor]] = []
        sizes: dict[str, tuple[int, int]] = {}
        energy: dict[str, Tensor] = {}
        for view in self._views:
            features = self._cores(content[..., view.rows, view.columns], view)
            sizes |= _sizes(view, features)
            mine = {k: features[k] for k in self.options.content_layers if k in features}
            for layer, f in mine.items():
                energy[layer] = energy.get(layer, 0) + f.square().sum((1, 2, 3))
            lower = torch.bfloat16 if self.options.precision == "bfloat16" else content.dtype
            kept.append({k: f.to(lower) for k, f in mine.items()})  # what the network computed, no more
        return kept, sizes, energy

    def _stand_ins(self, style: Tensor, source: Guide | None) -> dict[str, Tensor]:
        """For each style layer a small map with the mean and the covariance of the style's, which is all that counts.

        Of C + C columns μ ± √C r, with r the columns of a root of the covariance; of the part that `source` shows.
        """
        layers = tuple(self.options.style_layers)
        sums: dict[str, tuple[int, Tensor, Tensor]] = {}
        sizes: dict[str, tuple[int, int]] = {}
        for view in reversed(self._views_of(style, layers)):  # from the last one, which tells the sizes
            features = self._cores(style[..., view.rows, view.columns], view)
            sizes = _sizes(view, features) | sizes
            for layer, f in features.items():
                flat = f.flatten(2).double()  # (b, C, n)
                count, first, second = sums.get(layer, (0, flat.new_zeros(()), flat.new_zeros(())))
                if source is None:
                    mean, moment = flat.sum(2), flat @ flat.mT
                else:
                    shown = cut_out(source.at(*sizes[layer]), view, layer, f).flatten().double()
                    mean, moment = flat @ shown.square(), (flat * shown.square()) @ flat.mT
                sums[layer] = (count + flat.shape[2], first + mean, second + moment)
        return {layer: _stand_in(*sums[layer]).to(style) for layer in layers}

    # -- content --------------------------------------------------------------------------------

    def _content_share(self, features: Mapping[str, Tensor], number: int) -> Tensor:
        """What one view adds to the unweighted content term, 0-d."""
        share = torch.zeros((), device=next(iter(features.values())).device)
        view = self._views[number]
        for layer, target in self._content[number].items():
            height, width = self._sizes[layer]
            values = target.shape[1] * height * width
            squares = (features[layer] - target).square()
            if self._map is not None:
                squares = squares * cut_out(self._map.at(height, width), view, layer, target)
            gap = squares.sum((1, 2, 3))
            gap = gap / 2 if self.options.content_loss == "half_sum" else gap / values
            if self.options.balance == "start":
                gap = gap / (self._energy[layer] / values).clamp(min=1e-12)
            share = share + self.options.content_layers[layer] * gap.sum()
        return share

    # -- style ----------------------------------------------------------------------------------

    def _gather(self, image: Tensor) -> dict[str, list[Moments]]:
        """The moments of the whole picture, for each target of each term."""
        found: dict[str, list[Moments]] = {}
        for view in self._views:
            features = self._cores(image[..., view.rows, view.columns], view)
            for term in self._terms_of(view):
                parts = [self._part(target, features, view, term) for _, target in term.targets]
                before = found.get(term.name)
                found[term.name] = parts if before is None else [
                    (a + c, b + d) for (a, b), (c, d) in zip(before, parts, strict=True)
                ]  # fmt: skip
        return found

    def _terms_of(self, view: View) -> Iterator[StyleTerm]:
        return (term for term in self.style_terms if term.layers[0] in view.layers)

    def _part(
        self, target: MomentTarget, features: Mapping[str, Tensor], view: View, term: StyleTerm
    ) -> Moments:
        """What a view adds to the moments that a target asks for."""
        layer = term.layers[0]
        height, width = self._sizes[layer]
        guide = target.guide(height, width)
        if guide is not None:
            guide = cut_out(guide, view, layer, features[layer])
        return target.moments(features[layer], guide, height * width)

    def _gap(self, term: StyleTerm, moments: Sequence[Moments]) -> Tensor:
        height, width = self._sizes[term.layers[0]]
        gaps = [
            w * target.gap_of_moments(mean, second, height * width)
            for (w, target), (mean, second) in zip(term.targets, moments, strict=True)
        ]
        return torch.stack(gaps).sum(0)

    def _divisor(self, term: StyleTerm, moments: Sequence[Moments]) -> Tensor:
        """As the whole objective's: the term's value for the untouched content."""
        energy = torch.stack([w * target.energy for w, target in term.targets]).sum(0)
        return self._gap(term, moments).clamp(min=1e-6 * energy + 1e-20) / term.start

    def _style(self, image: Tensor) -> tuple[Tensor, dict[str, list[Moments]]]:
        """The weighted style term, and its slopes in the moments that it depends on."""
        with torch.no_grad():
            gathered = self._gather(image)
        leaves = {
            name: [(mean.requires_grad_(), second.requires_grad_()) for mean, second in moments]
            for name, moments in gathered.items()
        }
        total = image.new_zeros(())
        for term in self.style_terms:
            gap = self._gap(term, leaves[term.name]) / self._style_scale[term.name].to(image)
            total = total + self.options.style_weight * term.weight * gap.sum()
        flat = [leaf for moments in leaves.values() for pair in moments for leaf in pair]
        slopes = iter(
            torch.autograd.grad(total, flat, allow_unused=True, materialize_grads=True) if flat else ()
        )
        return total.detach(), {
            name: [(next(slopes), next(slopes)) for _ in moments] for name, moments in leaves.items()
        }

    def _style_pull(
        self, features: Mapping[str, Tensor], view: View, slopes: Mapping[str, Sequence[Moments]]
    ) -> Tensor:
        """A number whose gradient is this view's part of the style term's: ⟨slope, the view's own moments⟩."""
        pull = torch.zeros((), device=next(iter(features.values())).device)
        for term in self._terms_of(view):
            for (_, target), (of_mean, of_second) in zip(term.targets, slopes[term.name], strict=True):
                mean, second = self._part(target, features, view, term)
                pull = pull + (of_second * second).sum()
                if target.needs_mean:
                    pull = pull + (of_mean * mean).sum()
        return pull


def _sizes(view: View, features: Mapping[str, Tensor]) -> dict[str, tuple[int, int]]:
    """Where the view's features end in the whole map, by layer: its size, if the view is the last one of the layer."""
    ends = {}
    for layer, (top, left) in view.starts.items():
        height, width = features[layer].shape[-2:]
        ends[layer] = (top + height, left + width)
    return ends


def cut_out(whole: Tensor, view: View, layer: str, features: Tensor) -> Tensor:
    """The part of (…, H, W), a map as large as the whole layer, that lies over the view's features (…, h, w)."""
    (top, left), (height, width) = view.starts[layer], features.shape[-2:]
    return whole[..., top : top + height, left : left + width]


def _stand_in(count: int, first: Tensor, second: Tensor) -> Tensor:
    """(b, C, 1, 2C) from the sums over `count` positions of features (b, C) and of their products (b, C, C)."""
    mean = (first / count)[..., None]  # (b, C, 1)
    values, vectors = torch.linalg.eigh(second / count - mean * mean.mT)
    spread = vectors * (values.clamp(min=0) * mean.shape[1]).sqrt()[:, None]
    return torch.cat([mean + spread, mean - spread], 2)[:, :, None]


def check_tiles(encoder: TappedEncoder, options: Options, size: tuple[int, int]) -> None:
    """Raise ValueError where a term cannot be gathered from tiles, or tiles of a picture of `size` are too small."""
    assert options.tile is not None
    views(encoder, encoder.layers, size, options.tile)
    problem = ""
    for layer in options.style_layers:
        losses = [loss for loss in options.losses_of(layer) if loss not in OF_MOMENTS]
        if losses:
            problem = f"style losses of moments, {', '.join(OF_MOMENTS)}, got {losses[0]!r} for {layer}"
    if options.content_loss == "self_similarity":
        problem = "another content_loss than 'self_similarity'"
    if options.balance == "gradient":
        problem = "balance start or none, got 'gradient'"
    if options.normalize == "none":
        problem = "normalize hw or chw, got 'none'"
    if problem:
        raise ValueError(f"tile: expected {problem}; only sums over positions can be gathered from tiles")
