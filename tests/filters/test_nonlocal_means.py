"""Non-local means agrees with loops over pixels; its limits are the box mean and the identity."""

import numpy as np
import pytest
import scipy.ndimage
import torch

from nstkit.filters import nl_means

IMAGE = torch.rand(2, 3, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def by_loops(image, p, s, h, sigma):
    """(C, H, W), one pixel and one offset after the other."""
    padded = np.pad(image, ((0, 0), (p + s, p + s), (p + s, p + s)), "symmetric")
    out = np.empty_like(image)
    for y in range(image.shape[1]):
        for x in range(image.shape[2]):
            total, weights = 0.0, 0.0
            here = padded[:, y + s : y + s + 2 * p + 1, x + s : x + s + 2 * p + 1]
            for dy in range(2 * s + 1):
                for dx in range(2 * s + 1):
                    there = padded[:, y + dy : y + dy + 2 * p + 1, x + dx : x + dx + 2 * p + 1]
                    w = np.exp(-max(((here - there) ** 2).mean() - 2 * sigma**2, 0) / h**2)
                    total, weights = total + w * there[:, p, p], weights + w
            out[:, y, x] = total / weights
    return out


@pytest.mark.parametrize("arguments", [(1, 2, 0.3, 0.0), (2, 1, 0.2, 0.1), (3, 4, 0.4, 0.25)])
def test_it_agrees_with_loops(arguments):
    for channels in (1, 3):
        images = IMAGE[:, :channels]
        for image, filtered in zip(images.numpy(), nl_means(images, *arguments).numpy(), strict=True):
            np.testing.assert_allclose(filtered, by_loops(image, *arguments), atol=1e-14)


def test_a_large_h_makes_it_the_mean_over_the_search_window():
    expected = scipy.ndimage.uniform_filter(IMAGE.numpy(), (1, 1, 7, 7), mode="reflect")
    np.testing.assert_allclose(nl_means(IMAGE, 1, 3, 1e5).numpy(), expected, atol=1e-9)


def test_a_small_h_leaves_the_image():
    torch.testing.assert_close(nl_means(IMAGE, 1, 2, 1e-3), IMAGE, rtol=0, atol=1e-12)


def test_it_lowers_the_noise_of_a_repeating_texture_and_keeps_the_texture():
    stripes = (torch.arange(60) % 6 < 3).to(torch.float64).expand(1, 1, 48, 60)
    noise = 0.1 * torch.randn(stripes.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    cleaned = nl_means(stripes + noise, 2, 6, 0.08, 0.1)
    assert (cleaned - stripes).std() < 0.3 * noise.std()


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ((0, 1, 1.0), "patch_radius"),
        ((1, 0, 1.0), "search_radius"),
        ((1, 1, 0.0), "h"),
        ((1, 1, 1.0, -1.0), "sigma"),
    ],
)
def test_bad_sizes_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        nl_means(IMAGE, *arguments)
