"""Histogram matching agrees with scikit-image, keeps order, and gives the reference's values."""

import numpy as np
import pytest
import torch
from skimage.exposure import match_histograms as oracle

from nstkit.color import match_histograms


def picture(seed, *shape, levels=None):
    values = torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) ** (
        1 + seed
    )
    return values if levels is None else (values * levels).round() / levels


@pytest.mark.parametrize("levels", [(None, None), (9, 7), (None, 5), (11, None)])
def test_it_agrees_with_scikit_image(levels):
    source, reference = picture(0, 2, 3, 7, 5, levels=levels[0]), picture(1, 2, 3, 6, 9, levels=levels[1])
    matched = match_histograms(source, reference)
    for image, before, target in zip(matched, source, reference, strict=True):
        expected = oracle(before.numpy(), target.numpy(), channel_axis=0)
        np.testing.assert_allclose(image.numpy(), expected, rtol=0, atol=1e-14)


def test_pictures_of_one_size_get_exactly_the_reference_values():
    source, reference = picture(0, 2, 4, 6, 5), picture(2, 2, 4, 5, 6)
    matched = match_histograms(source, reference).flatten(2).sort(2).values
    torch.testing.assert_close(matched, reference.flatten(2).sort(2).values, rtol=0, atol=1e-14)


def test_order_and_ties_are_kept():
    source = picture(0, 1, 1, 8, 9, levels=6)
    flat, matched = source.flatten(), match_histograms(source, picture(1, 1, 1, 8, 9)).flatten()
    order = flat.argsort(stable=True)
    assert (matched[order].diff() >= 0).all()
    assert len(matched.unique()) == len(flat.unique())


def test_onto_itself_and_dtype_and_strides():
    source = picture(0, 2, 3, 7, 5)
    torch.testing.assert_close(match_histograms(source, source), source, rtol=0, atol=1e-15)
    single = source.float().mT.contiguous().mT
    before = single.clone()
    matched = match_histograms(single, picture(1, 1, 3, 4, 4).float())
    assert matched.dtype == torch.float32
    assert torch.equal(single, before)
    expected = match_histograms(source.float(), picture(1, 1, 3, 4, 4).float().expand(2, -1, -1, -1))
    torch.testing.assert_close(matched, expected, rtol=0, atol=0)


def test_a_constant_reference_makes_a_constant():
    matched = match_histograms(picture(0, 2, 3, 4, 5), torch.full((1, 3, 2, 2), 0.25, dtype=torch.float64))
    assert torch.equal(matched, torch.full_like(matched, 0.25))


@pytest.mark.parametrize(
    ("source", "reference", "words"),
    [
        (torch.rand(3, 4, 5), torch.rand(1, 3, 4, 5), r"source: expected \(B, C, H, W\)"),
        (
            torch.rand(2, 3, 4, 5),
            torch.rand(1, 1, 4, 5),
            r"reference: expected 3 channels and a batch of 1 or 2",
        ),
        (torch.rand(2, 3, 4, 5), torch.rand(3, 3, 4, 5), "as in source, got \\(3, 3, 4, 5\\)"),
        (torch.rand(2, 3, 4, 5), torch.rand(1, 3, 0, 5), "reference: .* no axis empty"),
    ],
)
def test_mistakes(source, reference, words):
    with pytest.raises(ValueError, match=words):
        match_histograms(source, reference)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    source, reference = picture(0, 2, 3, 7, 5), picture(1, 2, 3, 6, 9)
    gpu = match_histograms(source.cuda(), reference.cuda())
    torch.testing.assert_close(gpu.cpu(), match_histograms(source, reference), rtol=0, atol=1e-12)
