"""The proxy A-distance: how well a linear classifier tells two domains apart on samples that it has not seen.

Ben-David, Blitzer, Crammer & Pereira, NIPS 2006, and Ben-David et al., Machine Learning 79 (2010): the
distance of two distributions is what the best classifier of a family can see of it. Here the family is linear, and
the classifier is ridge regression on the labels −1 (source) and +1 (target), which has a closed form.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def proxy_a_distance(
    src_train: Tensor, tgt_train: Tensor, src_test: Tensor, tgt_test: Tensor, ridge: float = 1e-3
) -> float:
    """max(0, 2 (1 − 2 err)), err the mean of the two domains' error rates on the test sets.

    Args:
        src_train: (n, d), samples in rows; so are the others, each with its own n ≥ 1.
        tgt_train: Fitted together with `src_train`.
        src_test: Samples that were not fitted.
        tgt_test: Likewise.
        ridge: ≥ 0, times ‖w‖² is added to the squared error; the intercept is free.

    Returns:
        0 (chance) … 2 (told apart without error).

    Raises:
        ValueError: A set is not (n, d) or empty, d differs, or `ridge` is negative.

    Source: Ben-David et al. 2006; 2 (1 − 2 err) as in Ganin et al., JMLR 17 (2016), Section 3.2.
    """
    sets = {"src_train": src_train, "tgt_train": tgt_train, "src_test": src_test, "tgt_test": tgt_test}
    _check(sets, ridge)
    score = _ridge_classifier(src_train, tgt_train, ridge)
    source_error = (score(src_test) >= 0).double().mean()
    target_error = (score(tgt_test) < 0).double().mean()
    error = (source_error + target_error).item() / 2
    return max(0.0, 2 * (1 - 2 * error))


def _ridge_classifier(source: Tensor, target: Tensor, ridge: float) -> Callable[[Tensor], Tensor]:
    """The score of rows, (n, d) to (n,). Centring rows and labels equals a free intercept, and is exact far off."""
    rows = torch.cat([source, target])
    labels = torch.cat([rows.new_full((len(source),), -1.0), rows.new_ones(len(target))])
    center, level = rows.mean(0), labels.mean()
    rows = rows - center
    normal = rows.mT @ rows + ridge * torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
    weights = torch.linalg.pinv(normal, hermitian=True) @ (rows.mT @ (labels - level))
    return lambda unseen: (unseen - center) @ weights + level


def _check(sets: dict[str, Tensor], ridge: float) -> None:
    width = next(iter(sets.values())).shape[-1:]
    for name, rows in sets.items():
        if rows.ndim != 2 or 0 in rows.shape:
            raise ValueError(f"{name}: expected at least one sample, (n, d), got {tuple(rows.shape)}")
        if rows.shape[1:] != width:
            raise ValueError(f"{name}: expected vectors of length {width[0]}, got {rows.shape[1]}")
    if not ridge >= 0:
        raise ValueError(f"ridge: expected a number of at least 0, got {ridge}")
