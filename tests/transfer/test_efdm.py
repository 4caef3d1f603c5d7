"""EFDM gives every channel the style's values, to the bit, at the content's ranks."""

import numpy as np
import pytest
import torch

from nstkit.transfer import efdm


@pytest.fixture
def pair():
    generator = torch.Generator().manual_seed(0)
    return tuple(torch.randn(2, 5, 4, 7, dtype=torch.float64, generator=generator) for _ in range(2))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_it_agrees_with_numpy_to_the_bit(pair, dtype):
    content, style = (p.to(dtype) for p in pair)
    result = efdm(content, style)
    assert result.dtype == dtype
    rows = [p.flatten(2).flatten(0, 1).numpy() for p in (result, content, style)]
    for got, c, s in zip(*rows, strict=True):
        np.testing.assert_array_equal(got, np.sort(s)[c.argsort(kind="stable").argsort(kind="stable")])


def test_ties_keep_their_order(pair):
    content = (2 * pair[0]).round() / 2
    row, got = content[0, 0].flatten(), efdm(content, pair[1])[0, 0].flatten()
    for value in row.unique():
        assert (got[row == value].diff() >= 0).all()


def test_an_increasing_line_of_the_content_comes_back(pair):
    torch.testing.assert_close(efdm(pair[0], 3 * pair[0] + 1), 3 * pair[0] + 1, rtol=0, atol=0)


def test_the_gradient_passes_straight_through_to_the_content_alone(pair):
    content, style = (p.clone().requires_grad_() for p in pair)
    weights = torch.randn_like(pair[0])
    (efdm(content, style) * weights).sum().backward()
    assert torch.equal(content.grad, weights)
    assert style.grad is None


def test_strides_and_inputs(pair):
    content, style = (p.mT.contiguous().mT for p in pair)
    result = efdm(content, style)
    assert torch.equal(result, efdm(*pair))
    assert torch.equal(content, pair[0])
    assert torch.equal(style, pair[1])


@pytest.mark.parametrize("index", [slice(0, 1), (slice(None), slice(0, 4)), (Ellipsis, slice(0, 6))])
def test_shapes_that_differ_are_refused(pair, index):
    with pytest.raises(ValueError, match="style: expected the shape of content"):
        efdm(pair[0], pair[1][index])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(pair):
    assert torch.equal(efdm(*(p.cuda() for p in pair)).cpu(), efdm(*pair))
