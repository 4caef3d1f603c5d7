"""L*a*b* agrees with scikit-image, goes back without loss, and knows black, white, grays and the gamut."""

import numpy as np
import pytest
import torch
from skimage import color as oracle

from nstkit.color import lab_to_srgb, srgb_to_lab


@pytest.fixture
def image():
    """(2, 3, 5, 7), with black, white and very dark pixels."""
    pixels = torch.rand(2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    pixels[0, :, 0] *= 0.02
    pixels[0, :, 1, 0], pixels[1, :, 4, 6] = 0.0, 1.0
    return pixels


def last(image):
    return image.permute(0, 2, 3, 1).numpy()


def test_it_agrees_with_scikit_image(image):
    # whose XYZ matrix has six digits: 0.005 at most
    np.testing.assert_allclose(last(srgb_to_lab(image)), oracle.rgb2lab(last(image)), atol=0.01)
    lab = srgb_to_lab(image)
    np.testing.assert_allclose(last(lab_to_srgb(lab)), oracle.lab2rgb(last(lab)), atol=1e-3)


def test_there_and_back(image):
    torch.testing.assert_close(lab_to_srgb(srgb_to_lab(image)), image, rtol=0, atol=1e-7)


def test_grays_have_no_colour_and_their_lightness_is_the_curve_of_their_light():
    gray = torch.linspace(0, 1, 22, dtype=torch.float64).view(2, 1, 1, 11).expand(2, 3, 1, 11)
    lab = srgb_to_lab(gray)
    assert float(lab[:, 1:].abs().max()) < 1e-4
    assert (lab[:, 0].flatten().diff() > 0).all()
    light = ((0.5 + 0.055) / 1.055) ** 2.4
    middle = srgb_to_lab(torch.full((1, 3, 1, 2), 0.5, dtype=torch.float64))
    assert float(middle[0, 0, 0, 0]) == pytest.approx(116 * light ** (1 / 3) - 16, abs=1e-4)


def test_signs_of_the_axes():
    red, green, blue, yellow = (
        srgb_to_lab(torch.tensor(c, dtype=torch.float64).view(1, 3, 1, 1))
        for c in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0], [1.0, 1, 0])
    )
    assert red[0, 1] > 50 > -50 > green[0, 1]
    assert yellow[0, 2] > 50 > -50 > blue[0, 2]


def test_what_no_screen_can_show_is_clipped():
    lab = torch.tensor([[50.0, 200.0, -200.0], [150.0, 0.0, 0.0]], dtype=torch.float64).T.reshape(1, 3, 1, 2)
    image = lab_to_srgb(lab)
    assert float(image.min()) == 0
    assert float(image.max()) == 1


def test_single_precision_and_layout(image):
    single = image.float().contiguous(memory_format=torch.channels_last)
    lab = srgb_to_lab(single)
    assert lab.dtype == torch.float32
    torch.testing.assert_close(lab.double(), srgb_to_lab(image), rtol=0, atol=1e-3)
    assert lab_to_srgb(lab).dtype == torch.float32


def test_gradients(image):
    inside = (0.1 + 0.8 * image[:, :, :2, :3]).requires_grad_()
    assert torch.autograd.gradcheck(srgb_to_lab, inside)
    assert torch.autograd.gradcheck(lab_to_srgb, srgb_to_lab(inside).detach().requires_grad_())
    black = torch.zeros(2, 3, 2, 3, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(srgb_to_lab(black).sum(), black)
    assert torch.isfinite(slope).all()


@pytest.mark.parametrize(
    ("function", "bad", "words"),
    [
        (
            srgb_to_lab,
            torch.rand(3, 4, 5),
            r"image: expected \(B, 3, H, W\), got \(3, 4, 5\); add a batch axis",
        ),
        (srgb_to_lab, torch.full((2, 3, 4, 5), 255.0), r"image: expected pixels in \[0, 1\].*divide by 255"),
        (lab_to_srgb, torch.rand(2, 4, 5, 3), r"lab: expected \(B, 3, H, W\), got \(2, 4, 5, 3\)"),
    ],
)
def test_mistakes(function, bad, words):
    with pytest.raises(ValueError, match=words):
        function(bad)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(image):
    torch.testing.assert_close(srgb_to_lab(image.cuda()).cpu(), srgb_to_lab(image), rtol=1e-10, atol=1e-10)
