"""The projection keeps the exemplar's spectra, is the nearest such image, and leaves shifted exemplars alone."""

import numpy as np
import pytest
import torch

from nstkit.filters import spectrum_projection


def draw(*shape, seed=0):
    values = torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return values - values.mean((2, 3), keepdim=True)


@pytest.fixture(params=[(6, 9), (7, 8), (5, 5)], ids=str)
def pair(request):
    """Two images and two exemplars without a mean, H and W even and odd."""
    return draw(2, 3, *request.param), draw(2, 3, *request.param, seed=1)


def test_it_agrees_with_numpy(pair):
    image, exemplar = (side.numpy() for side in pair)
    theirs, goal = np.fft.fft2(image), np.fft.fft2(exemplar)
    common = (theirs * goal.conj()).sum(1, keepdims=True)
    phase = np.where(np.abs(common) < 1e-12, 1, common / np.maximum(np.abs(common), 1e-300))
    expected = np.fft.ifft2(phase * goal)
    assert np.abs(expected.imag).max() < 1e-12
    np.testing.assert_allclose(spectrum_projection(*pair).numpy(), expected.real, atol=1e-12)


def test_power_and_cross_spectra_are_the_exemplars(pair):
    found, goal = torch.fft.fft2(spectrum_projection(*pair)), torch.fft.fft2(pair[1])
    cross = [torch.einsum("bchw,bdhw->bcdhw", spectrum, spectrum.conj()) for spectrum in (found, goal)]
    torch.testing.assert_close(*cross, rtol=0, atol=1e-10)


def test_projecting_twice_changes_nothing(pair):
    once = spectrum_projection(*pair)
    torch.testing.assert_close(spectrum_projection(once, pair[1]), once, rtol=0, atol=1e-12)


def test_a_shifted_exemplar_is_already_there(pair):
    shifted = pair[1].roll((2, 3), (2, 3))
    torch.testing.assert_close(spectrum_projection(shifted, pair[1]), shifted, rtol=0, atol=1e-12)


def test_no_other_phase_comes_nearer(pair):
    image, exemplar = pair
    nearest = (spectrum_projection(image, exemplar) - image).square().sum((1, 2, 3))
    goal = torch.fft.fft2(exemplar)
    generator = torch.Generator().manual_seed(3)
    for _ in range(200):
        noise = torch.randn(2, 1, *image.shape[2:], dtype=torch.float64, generator=generator)
        phase = torch.fft.fft2(noise)  # of a real image, so that the result is real
        other = torch.fft.ifft2(phase / phase.abs() * goal).real
        assert ((other - image).square().sum((1, 2, 3)) >= nearest - 1e-12).all()


def test_the_gradient_of_the_texture_loss_is_the_way_to_the_projection():
    image, exemplar = draw(2, 3, 5, 6).requires_grad_(), draw(2, 3, 5, 6, seed=1)
    projection = spectrum_projection(image, exemplar)
    (through,) = torch.autograd.grad((image - projection).square().sum() / 2, image)
    torch.testing.assert_close(through, (image - projection).detach(), rtol=0, atol=1e-9)


def test_one_exemplar_for_a_batch_other_channels_and_single_precision():
    image, exemplar = draw(2, 2, 5, 6), draw(1, 2, 5, 6, seed=1)
    both = spectrum_projection(image, exemplar)
    singly = torch.cat([spectrum_projection(picture[None], exemplar) for picture in image])
    torch.testing.assert_close(both, singly, rtol=0, atol=1e-13)
    single = spectrum_projection(image.float(), exemplar.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), both, rtol=0, atol=1e-4)
    strided = image.mT.contiguous().mT
    torch.testing.assert_close(spectrum_projection(strided, exemplar), both, rtol=0, atol=1e-13)


def test_a_black_image_gets_the_exemplar_itself():
    exemplar = draw(2, 3, 5, 6)
    torch.testing.assert_close(spectrum_projection(torch.zeros_like(exemplar), exemplar), exemplar)


@pytest.mark.parametrize(
    ("image", "exemplar"),
    [
        ((2, 3, 5, 6), (2, 3, 6, 5)),
        ((3, 5, 6), (3, 5, 6)),
        ((2, 3, 5, 6), (2, 1, 5, 6)),
        ((3, 3, 5, 6), (2, 3, 5, 6)),
    ],
)
def test_shapes_that_do_not_fit_are_refused(image, exemplar):
    with pytest.raises(
        ValueError, match=r"image, exemplar: expected \(B, C, H, W\) with equal C, H, W .*got \("
    ):
        spectrum_projection(torch.ones(image), torch.ones(exemplar))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    gpu = spectrum_projection(pair[0].cuda(), pair[1].cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), spectrum_projection(*pair), rtol=0, atol=1e-9)
