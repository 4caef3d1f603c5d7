"""Rescale a network so that every channel's mean activation is 1, without changing what it computes.

Gatys, Ecker & Bethge, CVPR 2016, Section 2: possible because ReLU and pooling commute with positive factors.
"""

import copy
from itertools import pairwise

import torch
from torch import Tensor, nn

_KEEP_SCALE = (
    nn.ReLU, nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveMaxPool2d, nn.AdaptiveAvgPool2d, nn.ReflectionPad2d,
    nn.ReplicationPad2d, nn.ZeroPad2d, nn.Identity,
)  # fmt: skip


def normalize_activations(model: nn.Sequential, images: Tensor, eps: float = 1e-8) -> nn.Sequential:
    """A copy in which each channel's mean after the ReLU, over images and positions, is 1.

    With m_l the means of the original: W'_l[o, i] = W_l[o, i] m_{l-1}[i] / m_l[o] and b'_l = b_l / m_l, m_0 = 1.
    Each new feature is the old one divided by its channel's mean.

    Args:
        model: a chain of Conv2d with ReLU straight behind each, pooling and padding; not changed.
        images: (B, C, H, W), many enough to be typical; dtype and device as the model's.
        eps: channels with a mean up to this are dead and keep their scale.

    Raises:
        ValueError: a convolution without a ReLU behind it, with groups, or used twice; a module whose output
            does not scale with its input.

    Source: Gatys, Ecker & Bethge, CVPR 2016, Section 2.
    """
    _check_chain(model)
    scaled = copy.deepcopy(model)
    x, before = images.clone(), images.new_ones(images.shape[1])
    with torch.no_grad():
        for index, module in enumerate(model):
            x = module(x)
            if isinstance(module, nn.ReLU) and index and isinstance(model[index - 1], nn.Conv2d):
                mean = x.mean((0, 2, 3))
                after = torch.where(mean > eps, mean, 1.0)
                _rescale(scaled[index - 1], before, after)
                before = after
    return scaled


def _rescale(convolution: nn.Module, before: Tensor, after: Tensor) -> None:
    """Take inputs that were divided by `before`, give outputs divided by `after`."""
    assert isinstance(convolution, nn.Conv2d)
    convolution.weight.mul_(before[:, None, None] / after[:, None, None, None])  # (O, I, kh, kw)
    if convolution.bias is not None:
        convolution.bias.div_(after)


def _check_chain(model: nn.Sequential) -> None:
    convolutions = [module for module in model if isinstance(module, nn.Conv2d)]
    if len(set(map(id, convolutions))) < len(convolutions):
        raise ValueError("model: one convolution is used twice, and can have only one scale; copy it first")
    for index, (module, following) in enumerate(pairwise([*model, nn.Identity()])):
        if isinstance(module, nn.Conv2d):
            if not isinstance(following, nn.ReLU):
                raise ValueError(f"model[{index}]: expected a ReLU straight after the convolution")
            if module.groups != 1:
                raise ValueError(f"model[{index}]: expected groups=1, got {module.groups}")
        elif not isinstance(module, _KEEP_SCALE):
            known = ", ".join(kind.__name__ for kind in (nn.Conv2d, *_KEEP_SCALE))
            raise ValueError(f"model[{index}]: expected one of {known}, got {type(module).__name__}")
