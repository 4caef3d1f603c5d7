"""The image pool: fills up first, then swaps half of the time, and never shows an old image twice."""

import pytest
import torch

from nstkit.gan import ImagePool


def numbered(first, count):
    """Images (count, 2, 3, 4) filled with their number."""
    return torch.arange(first, first + count, dtype=torch.float64).reshape(-1, 1, 1, 1).expand(count, 2, 3, 4)


def numbers(images):
    assert torch.equal(images, images[:, :1, :1, :1].expand_as(images))
    return images[:, 0, 0, 0].int().tolist()


def run(pool, batches, size=4):
    return [numbers(pool.query(numbered(size * k, size))) for k in range(batches)]


def test_the_first_come_back_unchanged():
    pool = ImagePool(6, torch.Generator().manual_seed(0))
    assert run(pool, 1) == [[0, 1, 2, 3]]
    assert len(pool) == 4
    assert numbers(pool.query(numbered(4, 2))) == [4, 5]
    assert len(pool) == 6


def test_later_half_are_swapped_and_none_comes_twice():
    pool = ImagePool(10, torch.Generator().manual_seed(1))
    given, found = list(range(4000)), [n for batch in run(pool, 1000) for n in batch]
    assert len(pool) == 10
    swapped = [g != f for g, f in zip(given[10:], found[10:], strict=True)]
    assert sum(swapped) / len(swapped) == pytest.approx(0.5, abs=0.03)
    assert len(set(found[10:])) == len(found[10:])
    assert sorted(set(found) | {int(i[0, 0, 0]) for i in pool.images}) == given


def test_every_slot_is_chosen_equally_often():
    pool = ImagePool(4, torch.Generator().manual_seed(2))
    run(pool, 1)
    before, changes = list(pool.images), [0] * 4
    for k in range(1500):
        pool.query(numbered(4 + 2 * k, 1))
        for slot, (a, b) in enumerate(zip(before, pool.images, strict=True)):
            changes[slot] += a is not b
        before = list(pool.images)
    expected = sum(changes) / 4
    assert (
        sum((c - expected) ** 2 / expected for c in changes) < 16.3
    )  # chi², 3 degrees of freedom, p = 0.001


def test_images_of_a_batch_have_their_own_coins():
    pool = ImagePool(8, torch.Generator().manual_seed(3))
    run(pool, 2)
    mixed = [len({f // 4 == k for f in batch}) == 2 for k, batch in enumerate(run(pool, 50))]
    assert any(mixed)


def test_the_pool_keeps_copies_without_a_graph():
    pool = ImagePool(3, torch.Generator())
    images = numbered(0, 3).clone().requires_grad_()
    assert not pool.query(images).requires_grad
    with torch.no_grad():
        images.fill_(99)
    assert [int(i[0, 0, 0]) for i in pool.images] == [0, 1, 2]
    assert not any(i.requires_grad for i in pool.images)


def test_no_capacity_gives_the_images_back():
    pool = ImagePool(0)
    images = numbered(5, 3).requires_grad_()
    found = pool.query(images)
    assert torch.equal(found, images)
    assert not found.requires_grad
    assert len(pool) == 0


def test_shape_and_dtype_stay():
    pool = ImagePool(2, torch.Generator())
    for dtype in (torch.float32, torch.float32):
        found = pool.query(torch.rand(3, 1, 5, 2).mT.to(dtype))
        assert found.shape == (3, 1, 2, 5)
        assert found.dtype == dtype


def test_a_negative_capacity_is_refused():
    with pytest.raises(ValueError, match="capacity: expected at least 0, got -1"):
        ImagePool(-1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_images_stay_on_their_device():
    assert ImagePool(2).query(torch.rand(4, 1, 3, 2, device="cuda")).is_cuda
