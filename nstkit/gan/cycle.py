"""Cycle consistency: there and back again should be where one started, from both sides.

Zhu, Park, Isola & Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks",
ICCV 2017, arXiv:1703.10593, Eq. 2 (cycle) and Section 5.2 (identity). Computed on images, with the L1 distance.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

Translator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Translations:
    """Everything that two generators G: X → Y and F: Y → X make of a batch x and a batch y, with its graph."""

    fake_y: Tensor
    """G(x)."""
    fake_x: Tensor
    """F(y)."""
    back_x: Tensor
    """F(G(x)), to be compared with x."""
    back_y: Tensor
    """G(F(y)), to be compared with y."""
    same_x: Tensor | None
    """F(x), to be compared with x; None where nobody asks for the identity terms."""
    same_y: Tensor | None
    """G(y), to be compared with y; None where nobody asks for the identity terms."""


def translate(G: Translator, F: Translator, x: Tensor, y: Tensor, *, identity: bool) -> Translations:
    """Run both generators once around, and with `identity` each on its own target domain too."""
    fake_y, fake_x = G(x), F(y)
    same_x, same_y = (F(x), G(y)) if identity else (None, None)
    return Translations(fake_y, fake_x, F(fake_y), G(fake_x), same_x, same_y)


def losses_of(made: Translations, x: Tensor, y: Tensor, lam: float, lam_idt: float) -> dict[str, Tensor]:
    """The losses of `cycle_losses` for translations that are at hand."""
    nothing = x.new_zeros(())
    losses = {
        "forward": (made.back_x - x).abs().mean(),
        "backward": (made.back_y - y).abs().mean(),
        "idt_g": nothing if made.same_y is None else (made.same_y - y).abs().mean(),
        "idt_f": nothing if made.same_x is None else (made.same_x - x).abs().mean(),
    }
    cycle, identity = losses["forward"] + losses["backward"], losses["idt_g"] + losses["idt_f"]
    return losses | {"total": lam * cycle + lam * lam_idt * identity}


def cycle_losses(
    G: Translator, F: Translator, x: Tensor, y: Tensor, lam: float = 10.0, lam_idt: float = 0.5
) -> dict[str, Tensor]:
    """Mean absolute errors of both cycles and both identities, and their weighted total.

    total = λ (E|F(G(x)) - x| + E|G(F(y)) - y|) + λ λ_idt (E|G(y) - y| + E|F(x) - x|).

    Args:
        G: from domain X to domain Y.
        F: from domain Y to domain X.
        x: (N, C, H, W), images of X, in [-1, 1] as generators make them.
        y: (M, C, H, W), images of Y.
        lam: λ ≥ 0.
        lam_idt: ≥ 0, relative to λ. At 0 the identity passes are not run.

    Returns:
        "forward", "backward", "idt_g", "idt_f" without weights, and "total"; 0-d, differentiable in both
        generators.

    Raises:
        ValueError: a weight is negative.

    Source: Zhu et al., ICCV 2017, Eq. 2 and Section 5.2.
    """
    check_weights(lam=lam, lam_idt=lam_idt)
    return losses_of(translate(G, F, x, y, identity=lam_idt > 0), x, y, lam, lam_idt)


def check_weights(**weights: float) -> None:
    """Refuse weights that are negative or no number (ValueError)."""
    for name, weight in weights.items():
        if not weight >= 0:
            raise ValueError(f"{name}: expected a number of at least 0, got {weight}")
