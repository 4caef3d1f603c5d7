"""One step of domain-adversarial training (DANN): task on the source, a domain classifier behind a reversal.

Ganin et al., "Domain-Adversarial Training of Neural Networks", JMLR 17 (2016), arXiv:1505.07818, Section 4.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from nstkit.domain.gradient_reversal import gradient_reverse

Network = Callable[[Tensor], Tensor]


def domain_adversarial_step(
    encoder: Network,
    task_head: Network,
    domain_head: Network,
    opt: torch.optim.Optimizer,
    source_x: Tensor,
    source_y: Tensor,
    target_x: Tensor,
    lam: float,
) -> dict[str, float]:
    """One update of all three networks by the gradient of task + domain, reversed on its way into the encoder.

    The encoder moves along ∇task − lam·∇domain, the domain head along +∇domain whatever lam, the task head along
    ∇task.

    Args:
        encoder: From inputs to features (n, d).
        task_head: From features to class logits (n, K).
        domain_head: From features to one logit (n, 1): source is 0, target is 1.
        opt: Over the parameters of all three; stale gradients are cleared.
        source_x: (n_s, …).
        source_y: (n_s,), int64 classes.
        target_x: (n_t, …), without labels; n_t may differ from n_s.
        lam: ≥ 0; DANN raises it from 0 to 1 over training.

    Returns:
        {"task": …, "domain": …}: mean cross-entropies before the step, the domain's over all n_s + n_t samples.

    Raises:
        ValueError: `source_y` has another length than `source_x`, or `lam` is negative.
    """
    if len(source_x) != len(source_y):
        raise ValueError(
            f"source_y: expected {len(source_x)} labels, one for each sample of source_x, got {len(source_y)}"
        )
    opt.zero_grad(set_to_none=True)
    source, target = encoder(source_x), encoder(target_x)
    task = cross_entropy(task_head(source), source_y)
    logits = domain_head(gradient_reverse(torch.cat([source, target]), lam))  # (n_s + n_t, 1)
    is_target = torch.cat([logits.new_zeros(len(source), 1), logits.new_ones(len(target), 1)])
    domain = binary_cross_entropy_with_logits(logits, is_target)
    (task + domain).backward()
    opt.step()
    return {"task": task.item(), "domain": domain.item()}
