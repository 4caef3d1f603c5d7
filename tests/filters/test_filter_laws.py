"""What holds for every filter and enhancer of this family: dtype, layout, batch, gradient, device, refusals, bands."""

import pytest
import torch

from nstkit import enhance, filters
from nstkit.filters import windows

LAWFUL = {
    "gaussian_blur": lambda x: filters.gaussian_blur(x, 1.3),
    "box_mean": lambda x: filters.box_mean(x, 2),
    "bilateral_filter": lambda x: filters.bilateral_filter(x, 1.5, 0.3, 2),
    "gaussian_scale_space": lambda x: filters.gaussian_scale_space(x, [0.7, 1.6])[1],
    "median_filter": lambda x: filters.median_filter(x, 1),
    "wide median_filter": lambda x: filters.median_filter(x, 8),
    "switching_median": lambda x: filters.switching_median(x, 1, 0.2),
    "nl_means": lambda x: filters.nl_means(x, 1, 2, 0.3, 0.05),
    "tv_denoise": lambda x: filters.tv_denoise(x, 0.1, 12),
    "boost_detail": lambda x: enhance.boost_detail(0.2 + 0.5 * x, [1.5, 0.5], 0.05),
    "halo_free_sharpen": lambda x: enhance.halo_free_sharpen(x, 1.0, 0.8, 1, 0.01),
    "pyramid_blend": lambda x: enhance.pyramid_blend(x, x.flip(2), x[:, :1], 3),
}
every_filter = pytest.mark.parametrize("name", LAWFUL)


def picture(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@every_filter
def test_shape_and_dtype_stay_and_float32_is_close_to_float64(name):
    image = picture(2, 3, 17, 22)
    single = LAWFUL[name](image.float())
    assert (single.shape, single.dtype) == (image.shape, torch.float32)
    torch.testing.assert_close(single.double(), LAWFUL[name](image), rtol=0, atol=2e-6)


@every_filter
def test_each_image_is_filtered_by_itself(name):
    images = picture(3, 2, 14, 19)
    singly = torch.cat([LAWFUL[name](image[None]) for image in images])
    torch.testing.assert_close(LAWFUL[name](images), singly, rtol=0, atol=1e-13)


@every_filter
@pytest.mark.parametrize(
    "layout",
    [
        pytest.param(lambda x: x.contiguous(memory_format=torch.channels_last), id="channels last"),
        pytest.param(lambda x: torch.stack([x, x], -1)[..., 0], id="with gaps"),
        pytest.param(lambda x: x[:1].expand(3, -1, -1, -1)[::2], id="expanded"),
    ],
)
def test_the_memory_layout_does_not_matter_and_the_input_stays(name, layout):
    strided = layout(picture(2, 3, 13, 16))
    before = strided.clone(memory_format=torch.contiguous_format)
    torch.testing.assert_close(LAWFUL[name](strided), LAWFUL[name](before), rtol=0, atol=1e-13)
    assert torch.equal(strided, before)


@every_filter
def test_a_constant_image_stays(name):
    image = torch.full((2, 3, 9, 12), 0.3, dtype=torch.float64)
    expected = 0.2 + 0.5 * image if name == "boost_detail" else image
    torch.testing.assert_close(LAWFUL[name](image), expected, rtol=0, atol=1e-15)


@every_filter
def test_the_gradient_is_that_of_finite_differences(name):
    image = picture(2, 2, 5, 6, seed=3).requires_grad_()
    assert torch.autograd.gradcheck(LAWFUL[name], image, eps=1e-7, atol=1e-5, fast_mode=True)


@every_filter
def test_narrow_bands_give_what_one_band_gives(name, monkeypatch):
    image = picture(1, 2, 150, 9)
    monkeypatch.setitem(windows._BAND_BYTES, "cpu", 1 << 30)
    whole = LAWFUL[name](image)
    monkeypatch.setitem(windows._BAND_BYTES, "cpu", 1)
    torch.testing.assert_close(LAWFUL[name](image), whole, rtol=0, atol=1e-14)


@every_filter
def test_what_is_no_picture_is_refused(name):
    with pytest.raises(ValueError, match=r"(image|a): expected .*B, C, H, W.*got"):
        LAWFUL[name](picture(3, 8, 9))
    with pytest.raises(ValueError, match=r"(image|a): expected .*float32 or float64.*got"):
        LAWFUL[name](picture(2, 3, 8, 9).half())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_filter
def test_the_gpu_agrees(name):
    image = picture(2, 3, 40, 33)
    gpu = LAWFUL[name](image.cuda())
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), LAWFUL[name](image), rtol=0, atol=1e-11)
