"""Draws repeat for a seed, differ between seeds, and notice changes to what they handed out."""

import numpy as np
import pytest
import torch

from nstkit.grading.draws import Draw


def everything(draw):
    return [
        draw.array(3, 4), draw.array(3, 4, strided=True), draw.tensor(2, 3), draw.features(2, 3, 4, 5),
        draw.image(2, 4, 6), draw.mask(2, 3, 5), draw.integers(0, 9, 4), draw.pixels(4, 5, 3), draw.permutation(6),
    ]  # fmt: skip


def test_a_seed_repeats_and_another_does_not():
    for a, b, c in zip(
        everything(Draw(1, "x")), everything(Draw(1, "x")), everything(Draw(2, "x")), strict=True
    ):
        assert np.array_equal(np.asarray(a), np.asarray(b))
        assert not np.array_equal(np.asarray(a), np.asarray(c))


def test_the_path_is_part_of_the_seed():
    assert Draw(1, "x", "y").number() != Draw(1, "x", "z").number()


def test_features_and_images_keep_their_range():
    draw = Draw(3)
    assert float(draw.features(2, 3, 4, 5).min()) >= 0
    image = draw.image(2, 5, 4)
    assert 0 <= float(image.min()) < float(image.max()) <= 1


@pytest.mark.parametrize("make", ["tensor", "features", "image"])
def test_strided_tensors_refuse_view_and_keep_values(make):
    shape = (2, 4, 6) if make == "image" else (2, 3, 4, 5)
    plain, strided = (getattr(Draw(5), make)(*shape, strided=s) for s in (False, True))
    assert torch.equal(plain, strided)
    assert not strided.is_contiguous()
    with pytest.raises(RuntimeError, match="view"):
        strided.view(-1)


def test_permutations_are_not_their_own_inverse():
    for seed in range(20):
        order = Draw(seed).permutation(5)
        assert not torch.equal(order[order], torch.arange(5))
        assert torch.equal(order.sort().values, torch.arange(5))


def test_a_change_is_noticed_and_named():
    draw = Draw(0)
    draw.tensor(2, 3)
    features, extra = draw.features(2, 3, 4, 5), draw.watch({"a": [torch.zeros(2)]}, "targets")
    assert draw.modified() == ()
    features[0, 0, 0, 0] += 1
    extra["a"][0] += 1
    assert draw.modified() == ("features", "targets['a'][0]")


def test_the_encoder_has_live_and_dead_channels_and_counts_passes():
    draw = Draw(4)
    encoder = draw.encoder(5, 7)
    features = encoder(draw.image(2, 8, 12))
    assert list(features) == ["layer1", "layer2"] == list(encoder.layers)
    assert encoder.calls == 1
    alive = (features["layer1"] > 0).double().mean((0, 2, 3))
    assert float(alive.min()) == 0 < 0.2 < float(alive.max())


def test_the_smooth_encoder_allows_finite_differences():
    draw = Draw(6)
    encoder, image = draw.encoder(4, smooth=True), draw.image(2, 5, 7)
    assert torch.autograd.gradcheck(lambda x: encoder(x)["layer1"], (image.requires_grad_(),), atol=1e-6)
