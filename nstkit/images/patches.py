"""Cut a picture into square patches and put them back in another order.

A shuffled picture has lost its layout and kept its texture, which separates what content and style losses see.
"""

import torch
from torch import Tensor


def patch_shuffle(image: Tensor, patch: int, perm: Tensor) -> Tensor:
    """Move whole patches: patch k of the result is patch perm[k] of the image, counted row by row.

    Args:
        image: (C, H, W), or (B, C, H, W) to shuffle every image alike; any dtype and range.
        patch: Side of a patch in pixels; divides H and W.
        perm: (P,), integer, a permutation of 0 … P−1 with P = (H/patch)·(W/patch).

    Returns:
        A new tensor of the shape of `image`; patches are unchanged inside. Differentiable.

    Raises:
        ValueError: `image` has other axes, `patch` does not divide H and W, or `perm` is not a permutation.
    """
    _check(image, patch, perm)
    rows, columns = image.shape[-2] // patch, image.shape[-1] // patch
    grid = image.unflatten(-2, (rows, patch)).unflatten(
        -1, (columns, patch)
    )  # (..., rows, patch, columns, patch)
    source = perm.long()
    moved = grid[..., source // columns, :, source % columns, :]  # (P, ..., patch, patch)
    moved = moved.unflatten(0, (rows, columns)).movedim(
        (0, 1), (-4, -2)
    )  # (..., rows, patch, columns, patch)
    return moved.reshape(image.shape)


def _check(image: Tensor, patch: int, perm: Tensor) -> None:
    if image.ndim not in (3, 4):
        raise ValueError(f"image: expected (C, H, W) or (B, C, H, W), got {tuple(image.shape)}")
    height, width = image.shape[-2:]
    if patch < 1 or height % patch or width % patch:
        raise ValueError(
            f"patch: expected a divisor of {height} and {width}, got {patch}; crop the image to fit"
        )
    count = (height // patch) * (width // patch)
    integers = not (perm.is_floating_point() or perm.is_complex() or perm.dtype == torch.bool)
    in_order = torch.arange(count, device=perm.device)
    if not integers or perm.shape != (count,) or not torch.equal(perm.long().sort().values, in_order):
        raise ValueError(
            f"perm: expected a permutation of 0 … {count - 1}, shape ({count},), got {perm.dtype} of shape "
            f"{tuple(perm.shape)}; torch.randperm({count}) gives one"
        )
