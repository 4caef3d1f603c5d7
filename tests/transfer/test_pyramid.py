"""Sizes from coarse to fine: by factors of two, of the root of two, and near one."""

import math
from itertools import pairwise

import pytest

from nstkit.transfer.pyramid import PictureTooSmall, pyramid


@pytest.mark.parametrize(("shape", "size", "coarsest", "minimum", "sizes"), [
    ((300, 400), 400, 128, 40, [(150, 200), (300, 400)]),
    ((300, 400), 512, 128, 40, [(96, 128), (192, 256), (384, 512)]),
    ((100, 400), 400, 64, 40, [(50, 200), (100, 400)]),
    ((300, 400), 100, 128, 40, [(75, 100)]),
])  # fmt: skip
def test_by_two(shape, size, coarsest, minimum, sizes):
    assert pyramid(shape, size, coarsest, minimum) == sizes


@pytest.mark.parametrize("size", [1023, 107, 513])
def test_by_two_odd_sizes_are_halved_downwards(size):
    """As they were before there were other factors: checkpoints depend on it."""
    longest = [max(s) for s in pyramid((size, size // 2), size, 20, 1)]
    expected = [size >> k for k in range(9) if size >> k >= 20]
    assert longest == expected[::-1]


@pytest.mark.parametrize("size", [256, 512, 700, 768, 1024, 1920])
def test_by_the_root_of_two_sizes_are_those_of_the_published_rule(size):
    """crowsonkb/style-transfer-pytorch at e7e2c71: end / √2^k, rounded, down to 128; here from one to the next."""
    longest = [max(s) for s in pyramid((300, 400), size, 128, 1, 2**0.5)]
    expected = [round(size / 2 ** (k / 2)) for k in range(20) if round(size / 2 ** (k / 2)) >= 128]
    assert len(longest) == len(expected)
    assert all(abs(a - b) <= 1 for a, b in zip(longest, expected[::-1], strict=True))


@pytest.mark.parametrize("factor", [1 + 1e-9, 1.001, 1.3, 7.0, 1e300])
def test_every_factor_above_one_ends(factor):
    longest = [max(s) for s in pyramid((90, 60), 90, 33, 5, factor)]
    assert longest[-1] == 90
    assert longest[0] >= 33
    assert all(a < b for a, b in pairwise(longest))
    assert math.ceil(longest[0] / factor - 0.5) < 33 or longest[0] == 33


def test_a_last_scale_below_the_minimum_is_refused():
    with pytest.raises(
        PictureTooSmall, match=r"size: 60 gives 30 x 60 .* need 40 .* a size of at least 80"
    ) as caught:
        pyramid((300, 600), 60, 16, 40, 1.5)
    assert caught.value.least == 40
