"""What is counted is what the shapes and dtypes come to."""

import torch
import torch.nn.functional as F
from torch import nn

from nstkit.transfer.live_tensors import LiveTensors, rehearsal

SHAPE = (2, 3, 8, 10)
PICTURE = 4 * 2 * 3 * 8 * 10


def test_tensors_come_and_go_and_views_cost_nothing():
    with rehearsal() as tensors:
        x = torch.empty(SHAPE)
        view = x.flatten(1)[:, 3:]
        assert tensors.now == PICTURE
        y = x.double()
        assert tensors.now == 3 * PICTURE
        del x
        assert tensors.now == 3 * PICTURE  # the view still holds it
        del view, y
        assert tensors.now == 0
        assert tensors.most == 3 * PICTURE


def test_a_billion_pixels_take_no_memory():
    with rehearsal() as tensors:
        x = torch.empty(1, 3, 32768, 32768)
        x = F.relu(x) + 1
        assert tensors.most == 3 * 4 * 3 * 2**30  # of the last line's three tensors all are alive at once


def test_what_the_backward_pass_needs_is_counted():
    """A ReLU keeps its result, which is what the next convolution keeps too."""
    features = 4 * 2 * 5 * 8 * 10

    def alive(depth):
        layers = [layer for _ in range(depth) for layer in (nn.Conv2d(5, 5, 3, padding=1), nn.ReLU())]
        network = nn.Sequential(*layers).requires_grad_(False)
        with rehearsal() as tensors:
            total = network(torch.empty(2, 5, 8, 10, requires_grad=True)).sum()
            assert total.requires_grad
            return tensors.now

    assert alive(7) - alive(3) == 4 * features


def test_in_lower_precision_half_is_kept():
    def alive(lower):
        network = nn.Sequential(nn.Conv2d(5, 5, 3, padding=1), nn.ReLU()).requires_grad_(False)
        with rehearsal() as tensors, torch.autocast("cpu", torch.bfloat16, enabled=lower):
            found = network(torch.empty(2, 5, 8, 10, requires_grad=True))
            assert found.dtype == (torch.bfloat16 if lower else torch.float32)
            return tensors.now

    features, weights = 4 * 2 * 5 * 8 * 10, 4 * 5 * 5 * 3 * 3
    assert alive(False) == 2 * features  # what goes in, and what comes out
    assert (
        alive(True) == features + 2 * features / 2 + weights / 2
    )  # in, the same rounded, out, and rounded weights


def test_values_that_nobody_has_are_answered():
    with rehearsal():
        x = torch.empty(3)
        assert float(x.sum()) == 1.0
        assert int(torch.empty(2, dtype=torch.int64).sum()) == 1
        assert not bool((x > 0).any())


def test_real_tensors_are_counted_likewise():
    with LiveTensors() as tensors:
        x = torch.rand(SHAPE)
        y = x.square()
        del x
        assert (tensors.now, tensors.most) == (PICTURE, 2 * PICTURE)
    assert y.shape == SHAPE
