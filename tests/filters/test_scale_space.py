"""Each level of a scale space is the image blurred by its total sigma."""

import pytest
import torch

from nstkit.filters import gaussian_blur, gaussian_scale_space

IMAGE = torch.rand(2, 3, 20, 31, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_levels_agree_with_direct_blurs():
    sigmas = (1.0, 1.1, 2.0, 4.0, 9.0)  # with a step of 0.46, which no sampled kernel does well
    levels = gaussian_scale_space(IMAGE, sigmas)
    assert levels.shape == (5, *IMAGE.shape)
    for level, sigma in zip(levels, sigmas, strict=True):
        torch.testing.assert_close(level, gaussian_blur(IMAGE, sigma), rtol=0, atol=1e-3)


def test_detail_only_gets_less():
    levels = gaussian_scale_space(IMAGE, torch.tensor([0.5, 1.5, 3.0]))
    spread = levels.flatten(2).std(2).mean(1)
    assert (spread.diff() < 0).all()


@pytest.mark.parametrize(
    ("sigmas", "message"),
    [
        ([], "sigmas: expected at least one"),
        ([0.0, 1.0], "sigmas: expected a finite number above 0"),
        ([1.0, 1.0], "sigmas: expected them strictly increasing"),
        ([2.0, 1.0], "sigmas: expected them strictly increasing"),
    ],
)
def test_sigmas_that_do_not_rise_are_refused(sigmas, message):
    with pytest.raises(ValueError, match=message):
        gaussian_scale_space(IMAGE, sigmas)
