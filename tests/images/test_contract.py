"""The contract lets every image pass and names what is wrong with everything else."""

import numpy as np
import pytest
import torch

from nstkit.images import check_image


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(1, 3, 1, 2), (2, 3, 5, 7), (5, 3, 40, 3)])
def test_images_pass_and_stay_as_they_are(shape, dtype):
    image = torch.rand(shape, dtype=dtype, generator=torch.Generator().manual_seed(0))
    before = image.clone()
    check_image(image)
    check_image(image.mT.contiguous().mT.requires_grad_())
    assert torch.equal(image, before)


def test_rounding_may_carry_a_pixel_a_little_out_of_range():
    check_image(torch.tensor([-1e-5, 1 + 1e-5]).expand(2, 3, 5, 2))


@pytest.mark.parametrize("value", [[[0.0]], np.zeros((2, 3, 5, 7)), None, "photo.jpg"])
def test_what_is_no_tensor_is_refused(value):
    message = rf"^style: expected a tensor \(B, 3, H, W\), got {type(value).__name__}; load_image makes one$"
    with pytest.raises(TypeError, match=message):
        check_image(value, "style")


@pytest.mark.parametrize(
    ("dtype", "way_out"),
    [
        (torch.uint8, r"convert 8-bit pixels with \.float\(\) / 255"),
        (torch.int64, r"convert 8-bit pixels with \.float\(\) / 255"),
        (torch.bool, r"convert 8-bit pixels with \.float\(\) / 255"),
        (torch.float16, r"convert with \.float\(\)"),
        (torch.bfloat16, r"convert with \.float\(\)"),
    ],
)
def test_other_dtypes_are_refused(dtype, way_out):
    with pytest.raises(
        TypeError, match=rf"^image: expected float32 or float64 in \[0, 1\], got {dtype}; {way_out}$"
    ):
        check_image(torch.zeros(2, 3, 5, 7, dtype=dtype))


@pytest.mark.parametrize(
    ("shape", "way_out"),
    [
        ((3, 5, 7), "add a batch axis"),
        ((5, 7), "an image has four axes"),
        ((1, 2, 3, 5, 7), "an image has four axes"),
        ((2, 5, 7, 3), r"move the channels forward with \.permute\(0, 3, 1, 2\)"),
        ((2, 1, 5, 7), r"repeat the gray channel with \.expand\(-1, 3, -1, -1\)"),
        ((2, 4, 5, 7), "blend the alpha channel with a background first"),
        ((2, 6, 5, 7), "an image has three channels"),
        ((0, 3, 5, 7), "an axis is empty"),
        ((2, 3, 0, 7), "an axis is empty"),
        ((2, 3, 5, 0), "an axis is empty"),
    ],
)
def test_other_shapes_are_refused_with_the_way_out(shape, way_out):
    got = str(tuple(shape)).replace("(", r"\(").replace(")", r"\)")
    with pytest.raises(ValueError, match=rf"^style: expected \(B, 3, H, W\), got {got}; {way_out}$"):
        check_image(torch.zeros(shape), "style")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("where", [(0, 0, 0, 0), (1, 2, 4, 6)])
def test_a_single_pixel_that_is_not_finite_is_found(bad, where):
    image = torch.full((2, 3, 5, 7), 0.5)
    image[where] = bad
    with pytest.raises(
        ValueError, match=r"^content: expected finite pixels in \[0, 1\], got NaN or infinity$"
    ):
        check_image(image, "content")


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (-1.0, 1.0, r"got \[-1, 1\]; clamp or rescale first"),
        (0.0, 1.01, r"got \[0, 1\.01\]; clamp or rescale first"),
        (0.0, 255.0, r"got \[0, 255\]; divide by 255"),
        (3.0, 200.0, r"got \[3, 200\]; divide by 255"),
        (-0.25, 0.5, r"got \[-0\.25, 0\.5\]; clamp or rescale first"),
    ],
)
def test_pixels_out_of_range_are_refused_with_their_range(low, high, message):
    image = torch.full((2, 3, 5, 7), low)
    image[1, 2, 4, 6] = high
    with pytest.raises(ValueError, match=rf"^image: expected pixels in \[0, 1\], {message}$"):
        check_image(image)
