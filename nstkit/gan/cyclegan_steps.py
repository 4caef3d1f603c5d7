"""The two steps of CycleGAN's training: both generators at once, then each discriminator.

Zhu, Park, Isola & Efros, ICCV 2017, arXiv:1703.10593, Section 3 and 4: least-squares adversarial losses, λ = 10,
identity terms of 0.5 λ where colours should stay, the discriminators' objective divided by 2.
"""

import torch
from torch import Tensor, nn

from nstkit.gan.cycle import check_weights, losses_of, translate
from nstkit.gan.losses import adversarial_losses
from nstkit.gan.steps import discriminator_step, frozen


def cyclegan_generator_step(
    g_ab: nn.Module,
    g_ba: nn.Module,
    d_a: nn.Module,
    d_b: nn.Module,
    opt_g: torch.optim.Optimizer,
    real_a: Tensor,
    real_b: Tensor,
    lambda_cycle: float = 10.0,
    lambda_identity: float = 0.5,
) -> tuple[dict[str, float], Tensor, Tensor]:
    """One update of both generators through the frozen discriminators.

    adversarial E(D_B(G_AB(a)) - 1)² + E(D_A(G_BA(b)) - 1)², without ½; cycle and identity terms of `cycle_losses`.

    Args:
        g_ab, g_ba: generators A → B and B → A.
        d_a, d_b: discriminators of A and of B, raw scores; their gradients and flags stay as they are.
        opt_g: one optimiser of both generators' parameters; their old gradients are cleared first.
        real_a, real_b: (N, C, H, W) and (M, C, H, W) in [-1, 1].
        lambda_cycle: λ ≥ 0.
        lambda_identity: ≥ 0, relative to λ; at 0 the identity passes are not run.

    Returns:
        The weighted parts "adversarial", "cycle", "identity" and their sum "total", before the update; then
        G_AB(a) and G_BA(b), detached, for the discriminators.

    Raises:
        ValueError: a weight is negative.

    Source: Zhu et al., ICCV 2017, Eq. 3, Sections 4 and 5.2.
    """
    check_weights(lambda_cycle=lambda_cycle, lambda_identity=lambda_identity)
    opt_g.zero_grad(set_to_none=True)
    with frozen(d_a, d_b):
        made = translate(g_ab, g_ba, real_a, real_b, identity=lambda_identity > 0)
        parts = losses_of(made, real_a, real_b, lambda_cycle, lambda_identity)
        adversarial = (d_b(made.fake_y) - 1).square().mean() + (d_a(made.fake_x) - 1).square().mean()
        total = adversarial + parts["total"]
        total.backward()
    opt_g.step()
    cycle = lambda_cycle * (parts["forward"] + parts["backward"]).item()
    identity = lambda_cycle * lambda_identity * (parts["idt_g"] + parts["idt_f"]).item()
    report = {
        "adversarial": adversarial.item(),
        "cycle": cycle,
        "identity": identity,
        "total": total.item(),
    }
    return report, made.fake_y.detach(), made.fake_x.detach()


def cyclegan_discriminator_step(
    disc: nn.Module, opt_d: torch.optim.Optimizer, real: Tensor, fake: Tensor
) -> float:
    """One update of a discriminator by ½ [E(D(real) - 1)² + E D(fake)²].

    Args:
        disc: from images to raw scores.
        opt_d: the optimiser of its parameters; its old gradients are cleared first.
        real: (N, C, H, W).
        fake: (M, C, H, W), detached here; usually out of an `ImagePool`.

    Returns:
        The loss before the update.

    Source: Zhu et al., ICCV 2017, Section 4; Mao et al., ICCV 2017.
    """
    return discriminator_step(disc, opt_d, real, fake, lambda r, f: adversarial_losses(r, f, "lsgan")[0])
