"""Laplacian loss: keep the coarse edges of the content, which a deep layer has forgotten.

Li, Xu, Nie & Liu, "Laplacian-Steered Neural Style Transfer", ACM MM 2017, arXiv:1707.01253. Pooling first makes it
blind to brush strokes, which are finer than the edges that matter.
"""

from torch import Tensor
from torch.nn.functional import avg_pool2d

from nstkit.losses.features import check_features, check_same_shape


def laplacian_loss(generated: Tensor, content: Tensor, pool: int = 4) -> Tensor:
    """Σ over positions of (D x - D c)², mean over the batch; D is the Laplacian of the pooled channel sum.

    Average pooling pool x pool with stride pool drops what does not fit; the Laplacian is the 4-neighbour kernel
    [[0, -1, 0], [-1, 4, -1], [0, -1, 0]], only where it fits.

    Args:
        generated: (B, C, H, W), the image that is optimised.
        content: the same shape. A constant: no gradient reaches it.
        pool: at least 1; 1 does not pool.
    Returns:
        0-d, a sum over positions; differentiable in `generated`.
    Raises:
        ValueError: shapes that differ or are not 4-D, pool below 1, or less than 3 x 3 left after pooling.
    Source: Li et al., ACM MM 2017.
    """
    check_features(generated, "generated")
    check_same_shape(generated, content, "generated", "content")
    if pool < 1:
        raise ValueError(f"pool: expected at least 1, got {pool}")
    if min(generated.shape[2:]) // pool < 3:
        height, width = generated.shape[2:]
        raise ValueError(
            f"pool: expected at least 3 x 3 cells, got {height // pool} x {width // pool} from {height} x {width} "
            f"pixels; pool less, or give a larger image"
        )
    # D is linear: the Laplacian of the difference is the difference of the Laplacians.
    gap = avg_pool2d((generated - content.detach()).sum(1, keepdim=True), pool)  # (B, 1, h, w)
    return _laplacian(gap).square().sum((1, 2, 3)).mean()


def _laplacian(x: Tensor) -> Tensor:
    """4 x - the four neighbours, without the outermost rows and columns."""
    inner = x[..., 1:-1, 1:-1]
    return 4 * inner - x[..., :-2, 1:-1] - x[..., 2:, 1:-1] - x[..., 1:-1, :-2] - x[..., 1:-1, 2:]
