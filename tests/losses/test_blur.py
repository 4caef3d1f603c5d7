"""The three blur losses against SciPy's convolution, and what each of them rewards."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve

from nstkit.losses import blur_losses


def drawn(seed, *shape):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


G, C = drawn(0, 2, 3, 6, 9), drawn(1, 2, 3, 6, 9)
SKEWED = torch.tensor([[1.0, 2, 0], [0, 3, 1], [0, 0, 5]]).double() / 12  # neither symmetric nor separable
KERNELS = {
    "skewed": SKEWED,
    "wide": drawn(2, 3, 7) / drawn(2, 3, 7).sum(),
    "signed": torch.tensor([[0.0, -1, 0], [-1, 5, -1], [0, -1, 0]]).double(),
    "one": torch.ones(1, 1).double(),
}


def blurred(image, kernel):
    planes = [[convolve(plane, kernel.numpy(), mode="mirror") for plane in one] for one in image.numpy()]
    return np.array(planes)


def energy(d):
    return (d**2).sum((1, 2, 3)).mean()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS)
def test_they_agree_with_scipy(kernel, dtype):
    g, c = G.numpy(), C.numpy()
    found = blur_losses(G.to(dtype), C.to(dtype), kernel.to(dtype))
    expected = {
        "self_blur": energy(g - blurred(G, kernel)),
        "blurred_vs_content": energy(blurred(G, kernel) - c),
        "low_frequency": energy(blurred(G, kernel) - blurred(C, kernel)),
    }
    assert list(found) == list(expected)
    for name, value in expected.items():
        assert found[name].dtype == dtype
        assert float(found[name]) == pytest.approx(value, rel=1e-5, abs=1e-10)


def test_a_constant_image_has_no_self_blur_and_equal_images_no_gap_at_low_frequencies():
    assert float(blur_losses(torch.full_like(G, 0.3), C, SKEWED)["self_blur"]) < 1e-25
    same = blur_losses(C, C, SKEWED)
    assert float(same["low_frequency"]) == 0
    assert float(same["self_blur"]) == pytest.approx(float(same["blurred_vs_content"]))


def test_strides_do_not_matter_and_the_content_is_a_constant():
    strided, content = G.mT.contiguous().mT.requires_grad_(), C.clone().requires_grad_()
    losses = blur_losses(strided, content, SKEWED.mT.contiguous().mT)
    for name, value in blur_losses(G, C, SKEWED).items():
        torch.testing.assert_close(losses[name].detach(), value)
    sum(losses.values()).backward()
    assert content.grad is None


@pytest.mark.parametrize("name", ["self_blur", "blurred_vs_content", "low_frequency"])
def test_gradcheck(name):
    g = G[:, :, :4, :5].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda t: blur_losses(t, C[:, :, :4, :5], SKEWED)[name], g)


@pytest.mark.parametrize(
    ("content", "kernel", "words"),
    [
        (C[:1], SKEWED, r"content: expected the shape of generated, \(2, 3, 6, 9\), got \(1, 3, 6, 9\)"),
        (C, torch.full((2, 3), 1 / 6), r"kernel: expected \(kh, kw\) with odd sides, got \(2, 3\)"),
        (C, torch.ones(3) / 3, r"kernel: expected \(kh, kw\) with odd sides, got \(3,\)"),
        (C, torch.ones(3, 3), "kernel: expected a sum of 1, got 9; divide it by its sum"),
        (C, torch.full((3, 3), float("nan")), "kernel: expected a sum of 1, got nan"),
        (C, torch.full((13, 1), 1 / 13), r"kernel: expected half its sides below \(6, 9\), got \(13, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused(content, kernel, words):
    with pytest.raises(ValueError, match=words):
        blur_losses(G, content, kernel)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = blur_losses(G.cuda(), C.cuda(), SKEWED)
    for name, value in blur_losses(G, C, SKEWED).items():
        assert gpu[name].is_cuda
        torch.testing.assert_close(gpu[name].cpu(), value)
