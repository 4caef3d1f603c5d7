"""Adversarial losses: what the discriminator and the generator minimise, from raw scores.

    kind             discriminator                              generator
    non_saturating   E sp(-r) + E sp(f)                         E sp(-f)
    minimax          E sp(-r) + E sp(f)                         -E sp(f)  =  E log(1 - σ(f))
    lsgan            ½ E (r - 1)² + ½ E f²                      ½ E (f - 1)²
    hinge            E relu(1 - r) + E relu(1 + f)              -E f
    wgan             E f - E r                                  -E f
    relativistic     E sp(-(r - E f)) + E sp(f - E r)           E sp(-(f - E r)) + E sp(r - E f)

r are the scores of real and f those of generated images, E the mean over all elements, sp the softplus
log(1 + eˣ). Nothing is detached: the step that calls a loss decides who learns from it.

Goodfellow et al., NeurIPS 2014, Eq. 1 and Section 3 (the log losses); Mao et al., "Least Squares Generative
Adversarial Networks", ICCV 2017, Eq. 9 (b = c = 1, a = 0); Lim & Ye, "Geometric GAN", 2017, arXiv:1705.02894
(hinge); Arjovsky, Chintala & Bottou, ICML 2017 (WGAN); Jolicoeur-Martineau, ICLR 2019, arXiv:1807.00734
(relativistic average).
"""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import relu, softplus

from nstkit.gan.scores import check_kind, check_scores

Losses = tuple[Tensor, Tensor]


def gan_losses(real_logits: Tensor, fake_logits: Tensor, kind: str = "non_saturating") -> Losses:
    """The log losses of the original GAN, both to be minimised; finite at any logit.

    Args:
        real_logits: raw scores of real images, any shape.
        fake_logits: raw scores of generated images, any shape, also another.
        kind: "non_saturating", the generator minimises -E log σ(f); or "minimax", it minimises E log(1 - σ(f)),
            whose gradient -σ(f) vanishes where the discriminator rejects the image with certainty.

    Returns:
        The discriminator's and the generator's loss, each 0-d, differentiable.

    Raises:
        ValueError: `kind` is another name, or there are no scores.

    Source: Goodfellow et al., NeurIPS 2014, Eq. 1 and Section 3.
    """
    check_kind(kind, _LOG_LOSSES, _OTHER_LOSSES, "adversarial_losses")
    return _evaluate(_LOG_LOSSES[kind], real_logits, fake_logits)


def adversarial_losses(real_logits: Tensor, fake_logits: Tensor, kind: str) -> Losses:
    """The losses that came after the log losses, both to be minimised; finite at any score.

    Args:
        real_logits: raw scores of real images, any shape.
        fake_logits: raw scores of generated images, any shape, also another.
        kind: "lsgan", "hinge", "wgan" or "relativistic"; formulas in this module's docstring.

    Returns:
        The discriminator's and the generator's loss, each 0-d, differentiable. Only the relativistic generator
        loss depends on `real_logits`.

    Raises:
        ValueError: `kind` is another name, or there are no scores.

    Source: Mao et al., ICCV 2017; Lim & Ye, arXiv:1705.02894; Arjovsky et al., ICML 2017; Jolicoeur-Martineau,
        ICLR 2019.
    """
    check_kind(kind, _OTHER_LOSSES, _LOG_LOSSES, "gan_losses")
    return _evaluate(_OTHER_LOSSES[kind], real_logits, fake_logits)


def _evaluate(losses: Callable[[Tensor, Tensor], Losses], real: Tensor, fake: Tensor) -> Losses:
    check_scores(real, "real_logits")
    check_scores(fake, "fake_logits")
    return losses(real, fake)


def _non_saturating(r: Tensor, f: Tensor) -> Losses:
    return softplus(-r).mean() + softplus(f).mean(), softplus(-f).mean()


def _minimax(r: Tensor, f: Tensor) -> Losses:
    return softplus(-r).mean() + softplus(f).mean(), -softplus(f).mean()


def _lsgan(r: Tensor, f: Tensor) -> Losses:
    return ((r - 1).square().mean() + f.square().mean()) / 2, (f - 1).square().mean() / 2


def _hinge(r: Tensor, f: Tensor) -> Losses:
    return relu(1 - r).mean() + relu(1 + f).mean(), -f.mean()


def _wgan(r: Tensor, f: Tensor) -> Losses:
    return f.mean() - r.mean(), -f.mean()


def _relativistic(r: Tensor, f: Tensor) -> Losses:
    real, fake = r - f.mean(), f - r.mean()  # each score against the average opponent
    return softplus(-real).mean() + softplus(fake).mean(), softplus(-fake).mean() + softplus(real).mean()


_LOG_LOSSES: dict[str, Callable[[Tensor, Tensor], Losses]] = {
    "non_saturating": _non_saturating,
    "minimax": _minimax,
}
_OTHER_LOSSES: dict[str, Callable[[Tensor, Tensor], Losses]] = {
    "lsgan": _lsgan,
    "hinge": _hinge,
    "wgan": _wgan,
    "relativistic": _relativistic,
}
