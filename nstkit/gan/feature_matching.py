"""Feature matching: the generator learns from what the discriminator sees, not from its verdict.

Without pairs only the *means* over the batch can be compared: Salimans et al., "Improved Techniques for Training
GANs", NeurIPS 2016, arXiv:1606.03498, Section 3.1. With pairs, sample against sample at several scales: Wang et
al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs" (pix2pixHD), CVPR 2018,
arXiv:1711.11585, Section 3.2.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


def feature_matching_loss(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Σ_l ‖mean_n real_l − mean_n fake_l‖²: squared, summed over features and positions.

    Args:
        real: one (N_r, ...) for each layer of the discriminator; constants, no gradient reaches them.
        fake: one (N_f, ...) for each layer, of the same trailing shape; N_f may differ from N_r.

    Returns:
        0-d, differentiable in `fake`.

    Raises:
        ValueError: no layer, a different number of layers, other trailing shapes, or an empty batch.

    Source: Salimans et al., NeurIPS 2016, arXiv:1606.03498, Section 3.1 (there for one layer).
    """
    _check_lengths(real, fake, "layer")
    terms = []
    for number, (r, f) in enumerate(zip(real, fake, strict=True)):
        _check_samples(r, f, number)
        terms.append((f.mean(0) - r.detach().mean(0)).square().sum())
    return torch.stack(terms).sum()


def multiscale_feature_matching(
    real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]], lam: float = 10.0
) -> Tensor:
    """λ · mean over scales of the mean over layers of mean |real − fake|, sample against sample.

    Args:
        real: real[d][l] is layer l of the discriminator at scale d, (N, ...). The last layer of each scale is its
            score map, which is a verdict and no feature: it is left out. Constants, no gradient reaches them.
        fake: the same for the generated partners; sample i of `fake` belongs to sample i of `real`.
        lam: λ, 10 in the paper.

    Returns:
        0-d, differentiable in `fake`.

    Raises:
        ValueError: no scale, a scale with fewer than two layers, or shapes that differ.

    Source: Wang et al., CVPR 2018, arXiv:1711.11585, Section 3.2, who sum over layers and scales. With means,
        λ need not change when a discriminator gets another layer.
    """
    _check_lengths(real, fake, "scale")
    scales = [_mean_gap(r, f, number) for number, (r, f) in enumerate(zip(real, fake, strict=True))]
    return lam * torch.stack(scales).mean()


def _mean_gap(real: Sequence[Tensor], fake: Sequence[Tensor], scale: int) -> Tensor:
    """The mean L1 gap over the layers of one scale, its score map left out."""
    _check_lengths(real, fake, "layer")
    if len(real) < 2:
        raise ValueError(f"real[{scale}]: expected features and then the score map, got {len(real)} layer")
    for layer, (r, f) in enumerate(zip(real, fake, strict=True)):
        if r.shape != f.shape:
            raise ValueError(
                f"fake[{scale}][{layer}]: expected {tuple(r.shape)} as in real, got {tuple(f.shape)}; "
                "samples are compared in pairs, so batch and size agree"
            )
    gaps = [(f - r.detach()).abs().mean() for r, f in zip(real[:-1], fake[:-1], strict=True)]
    return torch.stack(gaps).mean()


def _check_lengths(real: Sequence[object], fake: Sequence[object], what: str) -> None:
    if not len(real) or len(real) != len(fake):
        raise ValueError(
            f"real, fake: expected one entry per {what} in both, got {len(real)} and {len(fake)}"
        )


def _check_samples(real: Tensor, fake: Tensor, layer: int) -> None:
    if not real.ndim or not fake.ndim or 0 in (len(real), len(fake)):
        raise ValueError(f"real, fake: expected (N, ...) with samples at layer {layer}, got none")
    if real.shape[1:] != fake.shape[1:]:
        raise ValueError(
            f"fake: expected (N, {', '.join(map(str, real.shape[1:]))}) at layer {layer} as in real, "
            f"got {tuple(fake.shape)}; take both from the same layer, for images of one size"
        )
