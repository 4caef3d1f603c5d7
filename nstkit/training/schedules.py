"""Learning-rate schedules as factors of the initial rate, for `torch.optim.lr_scheduler.LambdaLR`."""


def linear_decay_factor(epoch: int, constant_epochs: int = 100, decay_epochs: int = 100) -> float:
    """1 up to `constant_epochs`, then down a straight line to 0 at constant_epochs + decay_epochs, and 0 after.

    Args:
        epoch: counted from 0.
        constant_epochs: ≥ 0.
        decay_epochs: ≥ 1. CycleGAN's published code divides by one more, so that its last epoch still learns;
            this is the paper's rule.

    Returns:
        The factor of the *initial* rate, in [0, 1].

    Raises:
        ValueError: an argument is negative or `decay_epochs` is 0.

    Source: Zhu et al., ICCV 2017, arXiv:1703.10593, Section 4.
    """
    for name, value, least in (
        ("epoch", epoch, 0),
        ("constant_epochs", constant_epochs, 0),
        ("decay_epochs", decay_epochs, 1),
    ):
        if value < least:
            raise ValueError(f"{name}: expected at least {least}, got {value}")
    return min(1.0, max(0.0, 1 - (epoch - constant_epochs) / decay_epochs))
