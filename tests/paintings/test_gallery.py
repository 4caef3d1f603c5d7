"""Paintings repeat for a seed, keep their look at every size, and are unlike each other."""

import itertools

import pytest
import torch
import torch.nn.functional as F

from nstkit.images import check_image
from nstkit.paintings import paint, painting_names

SMALL = {"height": 96, "width": 128}
every_painting = pytest.mark.parametrize("name", painting_names())


def test_there_are_at_least_six():
    assert {"swirls", "stained_glass", "woodcut", "pointillism", "ink_wash", "mosaic"} <= set(
        painting_names()
    )


@every_painting
def test_a_painting_is_an_image(name):
    image = paint(name, height=80, width=120)
    check_image(image)
    assert image.shape == (1, 3, 80, 120)
    assert image.dtype == torch.float32
    assert float(image.std()) > 0.08


@every_painting
def test_a_seed_repeats_to_the_bit_and_another_does_not(name):
    assert torch.equal(paint(name, **SMALL, seed=3), paint(name, **SMALL, seed=3))
    assert float((paint(name, **SMALL, seed=3) - paint(name, **SMALL, seed=4)).abs().mean()) > 0.01


@every_painting
def test_the_global_random_state_is_left_alone(name):
    before = torch.get_rng_state()
    paint(name, **SMALL)
    assert torch.equal(before, torch.get_rng_state())


def look(image):
    """Colour and stroke statistics: mean colour, covariance of colour, energy of gradients by direction."""
    flat = image.flatten(2)[0]
    luma = image.mean(1)[0]
    dx, dy = luma.diff(dim=1)[:-1], luma.diff(dim=0)[:, :-1]
    angle, energy = torch.atan2(dy, dx) % torch.pi, torch.hypot(dx, dy)
    turns = torch.stack([energy[(angle // (torch.pi / 6)) == k].sum() for k in range(6)]) / energy.numel()
    return torch.cat([flat.mean(1), 3 * torch.cov(flat).flatten(), 3 * turns])


def test_no_two_paintings_look_alike():
    looks = {name: look(paint(name, height=192, width=256)) for name in painting_names()}
    again = {name: look(paint(name, height=192, width=256, seed=1)) for name in painting_names()}
    for a, b in itertools.combinations(painting_names(), 2):
        apart = float((looks[a] - looks[b]).norm())
        own = max(float((looks[n] - again[n]).norm()) for n in (a, b))
        assert apart > 1.3 * own, (a, b)


@every_painting
def test_a_larger_painting_is_the_same_painting(name):
    small, large = paint(name, height=120, width=160), paint(name, height=240, width=320)
    shrunk = [F.interpolate(image, (15, 20), mode="area").flatten() for image in (small, large)]
    correlation = torch.corrcoef(torch.stack(shrunk))[0, 1]
    assert correlation > 0.75


@pytest.mark.parametrize(("arguments", "words"), [
    ({"name": "swirl"}, "expected one of swirls, .* got 'swirl'; did you mean 'swirls'"),
    ({"name": "mosaic", "height": 31}, "expected at least 32 pixels, got 31 x 640"),
])  # fmt: skip
def test_mistakes(arguments, words):
    with pytest.raises(ValueError, match=words):
        paint(**arguments)
