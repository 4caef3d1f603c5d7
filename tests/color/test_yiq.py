"""YIQ agrees with scikit-image; luminance transfer takes Y from one picture and colour from the other."""

import numpy as np
import pytest
import torch
from skimage import color as oracle

from nstkit.color import luma, luminance_transfer, rgb_to_yiq, yiq_to_rgb


@pytest.fixture
def pair():
    """Two images (2, 3, 4, 6); mild enough at the left that nothing is clipped there."""
    generator = torch.Generator().manual_seed(0)
    stylized, content = (torch.rand(2, 3, 4, 6, dtype=torch.float64, generator=generator) for _ in range(2))
    stylized[..., :3] = 0.4 + 0.2 * stylized[..., :3]
    content[..., :3] = 0.4 + 0.2 * content[..., :3]
    return stylized, content


def last(image):
    return image.permute(0, 2, 3, 1).numpy()


def test_the_space_agrees_with_scikit_image(pair):
    yiq = rgb_to_yiq(pair[0])
    np.testing.assert_allclose(last(yiq), oracle.rgb2yiq(last(pair[0])), atol=1e-7)
    torch.testing.assert_close(yiq_to_rgb(yiq), pair[0], rtol=0, atol=1e-14)
    torch.testing.assert_close(yiq[:, :1], luma(pair[0]), rtol=0, atol=1e-15)


def test_the_transfer_is_y_of_one_and_chroma_of_the_other(pair):
    stylized, content = (oracle.rgb2yiq(last(image)) for image in pair)
    mixed = np.concatenate([stylized[..., :1], content[..., 1:]], -1)
    expected = np.clip(oracle.yiq2rgb(mixed), 0, 1)
    np.testing.assert_allclose(last(luminance_transfer(*pair)), expected, atol=1e-6)


def test_where_nothing_is_clipped_the_parts_come_back(pair):
    result = rgb_to_yiq(luminance_transfer(*pair))[..., :3]
    torch.testing.assert_close(result[:, :1], rgb_to_yiq(pair[0])[:, :1, :, :3], rtol=0, atol=1e-12)
    torch.testing.assert_close(result[:, 1:], rgb_to_yiq(pair[1])[:, 1:, :, :3], rtol=0, atol=1e-12)


def test_range_dtype_and_inputs(pair):
    copies = [image.clone() for image in pair]
    result = luminance_transfer(*(image.float() for image in pair))
    assert result.dtype == torch.float32
    assert 0 <= float(result.min()) <= float(result.max()) <= 1
    assert all(torch.equal(a, b) for a, b in zip(pair, copies, strict=True))


def test_gradients(pair):
    mild = [image[..., :2].clone().requires_grad_() for image in pair]
    assert torch.autograd.gradcheck(luminance_transfer, mild)


def test_shapes_that_differ_are_refused(pair):
    with pytest.raises(
        ValueError, match=r"content: expected the shape of stylized, \(2, 3, 4, 6\), got \(1, 3"
    ):
        luminance_transfer(pair[0], pair[1][:1])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    gpu = luminance_transfer(*(image.cuda() for image in pair))
    torch.testing.assert_close(gpu.cpu(), luminance_transfer(*pair), rtol=0, atol=1e-12)
