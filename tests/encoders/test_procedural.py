"""Procedural textures: range, chance, and that a family looks like itself."""

import pytest
import torch

from nstkit.encoders.procedural import (
    FAMILIES,
    WAVELENGTHS,
    colourise,
    draw_labelled_textures,
    draw_textures,
    family_names,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_shape_range_and_dtype():
    textures = draw_textures(9, 40, generator())
    assert textures.shape == (9, 3, 40, 40)
    assert textures.dtype == torch.float32
    assert textures.min() >= 0
    assert textures.max() <= 1


def test_the_generator_decides_and_the_global_state_is_untouched():
    state = torch.random.get_rng_state()
    one, same, other = (draw_textures(7, 32, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_draws_fields_in_range_at_every_scale(name):
    edges = torch.tensor(WAVELENGTHS)
    for seed in range(3):
        value, shade = FAMILIES[name](48, edges.repeat(2), generator(seed))
        for field in (value, shade):
            assert field.shape == (10, 1, 48, 48)
            assert field.isfinite().all()
            assert field.min() >= 0
            assert field.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_has_something_to_see(name):
    number = family_names().index(name)
    textures = draw_labelled_textures(torch.full((12,), number), torch.arange(12) % 3, 64, generator(5))
    assert textures.std((2, 3)).amax(1).median() > 0.03


@pytest.mark.parametrize("name", ["bands", "labyrinth", "stripes", "weave", "checks", "discs"])
def test_longer_wavelengths_are_smoother(name):
    """Neighbouring pixels differ less when the same family is drawn larger."""
    rough = [
        (FAMILIES[name](96, torch.full((8,), wavelength), generator(3))[0].diff(dim=3)).abs().mean()
        for wavelength in (5.0, 20.0)
    ]
    assert rough[1] < 0.6 * rough[0]


def test_colours_run_through_the_palette():
    """A value ramp gets at most four straight pieces, and shade 0 is one flat colour."""
    value = torch.linspace(0, 1, 64).view(1, 1, 1, 64).expand(2, 1, 5, 64)
    coloured = colourise(value, torch.ones_like(value), generator())
    bends = coloured[:, :, 0].diff(n=2, dim=2).abs() > 1e-5
    assert bends.sum(2).max() <= 4
    lines = colourise(value, torch.zeros_like(value), generator())
    torch.testing.assert_close(lines, lines[..., :1, :1].expand_as(lines))


@pytest.mark.parametrize(("count", "size"), [(0, 32), (3, 4)])
def test_too_few_or_too_small(count, size):
    with pytest.raises(
        ValueError, match=rf"^draw_textures: expected count >= 1 and size >= 8, got {count} and {size}$"
    ):
        draw_textures(count, size, generator())
