"""Gram matrices as vectors: distances, products and gradients survive, and the way back is exact."""

import math

import numpy as np
import pytest
import torch

from nstkit.transfer import gram_to_vector, style_arrays, vector_to_gram


def grams(*batch, size=4, dtype=torch.float64, seed=0):
    random = torch.Generator().manual_seed(seed)
    half = torch.randn(*batch, size, size, generator=random, dtype=torch.float64)
    return (half + half.mT).to(dtype)


def test_a_two_by_two_matrix_by_hand():
    gram = torch.tensor([[1.0, 2.0], [2.0, 5.0]], dtype=torch.float64)
    assert gram_to_vector(gram).tolist() == pytest.approx([1, 2 * math.sqrt(2), 5], rel=1e-15)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_it_agrees_with_a_loop(size, dtype):
    gram = grams(3, size=size, dtype=dtype)
    vectors = gram_to_vector(gram)
    assert vectors.dtype == dtype
    for b in range(3):
        loop = [
            gram[b, i, j].item() * (1 if i == j else math.sqrt(2))
            for i in range(size)
            for j in range(i, size)
        ]
        np.testing.assert_allclose(vectors[b], loop, rtol=1e-14 if dtype == torch.float64 else 1e-6)


def test_distances_and_products_are_those_of_the_matrices():
    a, b = grams(seed=1), grams(seed=2)
    distance = (gram_to_vector(a) - gram_to_vector(b)).square().sum()
    torch.testing.assert_close(distance, (a - b).square().sum(), rtol=1e-12, atol=0)
    torch.testing.assert_close(gram_to_vector(a) @ gram_to_vector(b), (a @ b).trace(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_there_and_back(dtype):
    gram = grams(2, 3, size=5, dtype=dtype)
    back = vector_to_gram(gram_to_vector(gram.mT))
    tolerance = 4 * torch.finfo(dtype).eps
    torch.testing.assert_close(back, gram, rtol=tolerance, atol=0)
    assert torch.equal(back, back.mT)


def test_both_ways_have_the_right_gradients():
    gram = grams(2).requires_grad_()
    symmetric = lambda g: gram_to_vector((g + g.mT) / 2)  # noqa: E731
    assert torch.autograd.gradcheck(symmetric, gram)
    assert torch.autograd.gradcheck(vector_to_gram, gram_to_vector(gram.detach()).requires_grad_())


def test_a_gram_matrix_with_the_rounding_of_its_dtype_is_symmetric_enough():
    features = torch.randn(30, 500, generator=torch.Generator().manual_seed(0))
    gram = features @ features.T
    gram[0, 1] *= 1 + 1e-6
    assert gram_to_vector(gram).shape == (465,)


@pytest.mark.parametrize("shape", [(4,), (3, 4), (0, 0)])
def test_what_is_not_square_is_refused(shape):
    with pytest.raises(ValueError, match=r"gram: expected \(…, C, C\), got \("):
        gram_to_vector(torch.ones(shape))


def test_what_is_not_symmetric_is_refused():
    gram = grams(2)
    gram[1, 0, 3] += 1e-6 * gram.abs().max()
    with pytest.raises(ValueError, match="gram: expected a symmetric matrix, got a skewness of "):
        gram_to_vector(gram)


@pytest.mark.parametrize("length", [0, 2, 4, 5, 7, 9, 11])
def test_a_length_that_is_not_triangular_is_refused(length):
    with pytest.raises(
        ValueError, match=r"v: expected a length of C\(C \+ 1\)/2, as 1, 3, 6, 10, …, got shape"
    ):
        vector_to_gram(torch.ones(3, length))


def test_arrays_are_as_good_as_tensors():
    gram = grams(size=5)
    vector = style_arrays.gram_to_vector(gram.numpy()[::-1, ::-1])
    np.testing.assert_array_equal(vector, gram_to_vector(gram.flip(0, 1)))
    np.testing.assert_array_equal(style_arrays.vector_to_gram(vector), vector_to_gram(torch.tensor(vector)))
    with pytest.raises(ValueError, match=r"gram: expected 2 axes, got shape \(2, 4, 4\)"):
        style_arrays.gram_to_vector(grams(2).numpy())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees():
    gpu = gram_to_vector(grams(2).cuda())
    torch.testing.assert_close(gpu.cpu(), gram_to_vector(grams(2)))
    torch.testing.assert_close(vector_to_gram(gpu).cpu(), grams(2))
