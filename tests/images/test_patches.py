"""Shuffled patches agree with a loop over patches; nothing is lost and the shuffle can be undone."""

import numpy as np
import pytest
import torch

from nstkit.images import patch_shuffle

SHAPE = (3, 8, 12)  # 2 x 3 patches of 4 x 4
PERM = torch.tensor([2, 0, 4, 5, 1, 3])  # not its own inverse


def order(count):
    return torch.randperm(count, generator=torch.Generator().manual_seed(count))


@pytest.fixture
def image():
    return torch.rand(SHAPE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def by_loop(image, patch, perm):
    source, result = image.numpy(), np.empty(image.shape)
    columns = image.shape[-1] // patch
    for k, j in enumerate(perm.tolist()):
        (row, column), (from_row, from_column) = divmod(k, columns), divmod(j, columns)
        for y in range(patch):
            for x in range(patch):
                result[..., row * patch + y, column * patch + x] = source[
                    ..., from_row * patch + y, from_column * patch + x
                ]
    return torch.from_numpy(result)


def assert_equal(actual, expected):
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


def test_the_permutation_of_these_tests_shows_direction():
    assert not torch.equal(PERM, PERM.argsort())


@pytest.mark.parametrize(("patch", "perm"), [(4, PERM), (2, order(24)), (1, order(96))])
def test_it_agrees_with_a_loop_over_patches(image, patch, perm):
    assert_equal(patch_shuffle(image, patch, perm), by_loop(image, patch, perm))


@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_it_keeps_the_dtype(image, dtype):
    coded = (image * 255).to(dtype)
    assert_equal(patch_shuffle(coded, 4, PERM), by_loop(coded, 4, PERM).to(dtype))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int16, torch.uint8])
def test_any_integers_will_do_for_the_order(image, dtype):
    assert_equal(patch_shuffle(image, 4, PERM.to(dtype)), by_loop(image, 4, PERM))


def test_the_inverse_order_restores_the_image(image):
    assert_equal(patch_shuffle(patch_shuffle(image, 4, PERM), 4, PERM.argsort()), image)


def test_every_patch_is_still_there_and_untouched(image):
    def patches(picture):
        found = torch.nn.functional.unfold(picture[None], 4, stride=4)[0].T
        return sorted(map(tuple, found.tolist()))

    assert patches(patch_shuffle(image, 4, PERM)) == patches(image)


def test_a_batch_is_shuffled_image_by_image(image):
    batch = torch.stack([image, image.flip(0)])
    assert_equal(patch_shuffle(batch, 4, PERM), torch.stack([patch_shuffle(one, 4, PERM) for one in batch]))


def test_a_single_patch_gives_a_copy():
    image = torch.rand(3, 4, 4)
    copy = patch_shuffle(image, 4, torch.tensor([0]))
    assert_equal(copy, image)
    assert copy.data_ptr() != image.data_ptr()


def test_the_memory_layout_does_not_matter_and_inputs_stay(image):
    strided = image.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    perm = PERM.clone()
    assert_equal(patch_shuffle(strided, 4, perm), by_loop(image, 4, PERM))
    assert_equal(strided, image)
    assert_equal(perm, PERM)


def test_the_gradient_moves_with_the_patches(image):
    weight = torch.arange(image.numel(), dtype=torch.float64).reshape(SHAPE)
    leaf = image.clone().requires_grad_()
    (patch_shuffle(leaf, 4, PERM) * weight).sum().backward()
    assert_equal(leaf.grad, by_loop(weight, 4, PERM.argsort()))


@pytest.mark.parametrize("patch", [3, 5, 8, 12, 16, 0, -4])
def test_a_patch_that_does_not_tile_the_image_is_refused(image, patch):
    with pytest.raises(ValueError, match=f"patch: expected a divisor of 8 and 12, got {patch}"):
        patch_shuffle(image, patch, PERM)


@pytest.mark.parametrize(
    "perm",
    [
        pytest.param([0, 1, 2, 3, 4, 4], id="one twice"),
        pytest.param([1, 2, 3, 4, 5, 6], id="from one"),
        pytest.param([-1, 0, 1, 2, 3, 4], id="negative"),
        pytest.param([0, 1, 2, 3, 4], id="too few"),
        pytest.param([0, 1, 2, 3, 4, 5, 6], id="too many"),
        pytest.param([[0, 1, 2], [3, 4, 5]], id="a grid"),
        pytest.param([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], id="not integers"),
        pytest.param([True, False, True, False, True, False], id="a mask"),
    ],
)
def test_an_order_that_is_no_permutation_is_refused(image, perm):
    with pytest.raises(ValueError, match=r"perm: expected a permutation of 0 … 5, shape \(6,\), got torch\."):
        patch_shuffle(image, 4, torch.tensor(perm))


@pytest.mark.parametrize("shape", [(8, 12), (1, 2, 3, 8, 12)])
def test_other_axes_are_refused(shape):
    with pytest.raises(ValueError, match=r"image: expected \(C, H, W\) or \(B, C, H, W\), got \("):
        patch_shuffle(torch.ones(shape), 4, PERM)
