"""Schedules of a loss weight: from one value to another over a run.

A weight that spans decades moves along a geometric sequence, where each step multiplies by the same factor.
"""

import math
from collections.abc import Callable


def weight_schedule(step: int, total: int, start: float, end: float, mode: str = "geometric") -> float:
    """The weight at `step` of `total`, with t = step/(total − 1), held at `end` afterwards.

    "geometric": start · (end/start)^t. "linear": start + t (end − start).
    "cosine": end + ½ (start − end)(1 + cos πt), level at both ends.

    Args:
        step: 0, 1, …; from `total` − 1 on the result is `end`.
        total: Number of steps, at least 1; a single one gets `start`.
        start: The weight at step 0.
        end: The weight at the last step.
        mode: "geometric" (both weights above 0), "linear" or "cosine".

    Returns:
        A float.

    Raises:
        ValueError: `total` below 1, `step` below 0, another mode, or a geometric weight that is not above 0.

    Source: "cosine" is the half period of Loshchilov & Hutter, ICLR 2017, arXiv:1608.03983, Eq. 5.
    """
    if total < 1:
        raise ValueError(f"total: expected at least 1, got {total}")
    if step < 0:
        raise ValueError(f"step: expected at least 0, got {step}")
    if mode not in _MODES:
        raise ValueError(f"mode: expected one of {', '.join(map(repr, _MODES))}, got {mode!r}")
    if mode == "geometric" and not (start > 0 and end > 0):
        raise ValueError(f"start, end: expected weights above 0, got {start} and {end}; or use mode='linear'")
    if step == 0 or total == 1:
        return float(start)
    if step >= total - 1:
        return float(end)
    return float(_MODES[mode](step / (total - 1), start, end))


_MODES: dict[str, Callable[[float, float, float], float]] = {
    "geometric": lambda t, start, end: math.exp((1 - t) * math.log(start) + t * math.log(end)),
    "linear": lambda t, start, end: start + t * (end - start),
    "cosine": lambda t, start, end: end + 0.5 * (start - end) * (1 + math.cos(math.pi * t)),
}
