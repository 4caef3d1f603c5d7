"""Training scenes: what is said of them is what is drawn."""

import pytest
import torch

from nstkit.encoders.procedural_scenes import (
    SHAPES,
    TEXTURE_CLASSES,
    Pool,
    draw_pool,
    draw_scenes,
    draw_shapes,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def pool():
    return draw_pool(1, 48, generator())


def test_a_pool_holds_every_class(pool):
    assert sorted(pool.classes.tolist()) == list(range(TEXTURE_CLASSES))
    assert pool.textures.shape == (TEXTURE_CLASSES, 3, 48, 48)


def test_scenes_are_images_with_masks_and_labels(pool):
    scenes = draw_scenes(pool, 10, 36, generator(1))
    assert scenes.image.shape == (10, 3, 36, 36)
    assert scenes.mask.shape == (10, 1, 36, 36)
    assert scenes.image.isfinite().all()
    for values in (scenes.image, scenes.mask):
        assert values.min() >= 0
        assert values.max() <= 1
    assert torch.equal(scenes.foreground, scenes.background.roll(1))


def test_the_mask_lies_where_the_foreground_is():
    """Two flat textures, black and white: the picture tells foreground from background."""
    flat = torch.stack([torch.zeros(3, 40, 40), torch.ones(3, 40, 40)])
    scenes = draw_scenes(Pool(flat, torch.tensor([0, 1])), 24, 30, generator(2))
    luma, mask = scenes.image.mean(1, keepdim=True), scenes.mask
    for luma_, mask_, back, front in zip(luma, mask, scenes.background, scenes.foreground, strict=True):
        if back != front and 0.05 < mask_.mean() < 0.95:
            inside, outside = luma_[mask_ > 0.9].mean(), luma_[mask_ < 0.1].mean()
            assert (inside > outside) == bool(front > back)


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_covers_a_sensible_share(name):
    masks = draw_shapes(torch.full((16,), SHAPES.index(name)), 50, generator(3))
    share = masks.mean((1, 2, 3))
    if name == "none":
        assert share.max() == 0
    else:
        assert share.min() > 0.01
        assert share.max() < 0.75


def test_the_same_generator_gives_the_same_scenes(pool):
    one, same = (draw_scenes(pool, 5, 30, generator(4)) for _ in range(2))
    assert torch.equal(one.image, same.image)
    assert torch.equal(one.shape, same.shape)
