"""Fields: statistics and spectra that their names promise."""

import pytest
import torch

from nstkit.encoders.procedural_fields import (
    band_noise,
    displace,
    flow_field,
    fractal_noise,
    frame,
    oriented_noise,
    spread,
    uniform,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def wavelengths(value, count=5):
    return torch.full((count,), value)


def power_by_radius(field):
    """Mean power at each whole number of cycles a picture, over the batch."""
    size = field.shape[-1]
    power = torch.fft.fft2(field[:, 0]).abs().square().mean(0)
    frequency = torch.fft.fftfreq(size) * size
    radius = (frequency.view(-1, 1).square() + frequency.square()).sqrt().round().long()
    sums = torch.zeros(size).index_add_(0, radius.flatten(), power.flatten())
    return sums / torch.bincount(radius.flatten(), minlength=size).clamp(min=1)[:size]


@pytest.mark.parametrize(
    "draw",
    [
        lambda g: fractal_noise(48, wavelengths(9.0), wavelengths(2.0), g),
        lambda g: band_noise(48, wavelengths(9.0), 0.3, g),
        lambda g: oriented_noise(48, wavelengths(9.0), wavelengths(5.0), g),
    ],
)
def test_noise_has_zero_mean_and_unit_deviation(draw):
    field = draw(generator())
    assert field.shape == (5, 1, 48, 48)
    torch.testing.assert_close(field.mean((2, 3)), torch.zeros(5, 1), rtol=0, atol=1e-5)
    torch.testing.assert_close(field.std((2, 3)), torch.ones(5, 1), rtol=1e-3, atol=0)


@pytest.mark.parametrize("wavelength", [6.0, 12.0])
def test_band_noise_peaks_at_its_wavelength(wavelength):
    power = power_by_radius(band_noise(96, wavelengths(wavelength, 16), 0.15, generator()))
    assert abs(int(power.argmax()) - 96 / wavelength) <= 1


def test_fractal_noise_falls_with_its_slope():
    power = power_by_radius(fractal_noise(128, wavelengths(64.0, 32), wavelengths(2.0, 32), generator()))
    slope = (power[32].log() - power[8].log()) / torch.tensor(
        4.0
    ).log()  # power falls twice as fast as amplitude
    assert slope.item() == pytest.approx(-4, abs=0.5)


def test_oriented_noise_is_longer_one_way():
    """The gradient's covariance has one small eigenvalue: the direction of the grain."""
    field = oriented_noise(96, wavelengths(8.0), wavelengths(8.0), generator())
    x, y = field.diff(dim=3)[:, 0, :-1].flatten(1), field.diff(dim=2)[:, 0, :, :-1].flatten(1)
    for dx, dy in zip(x, y, strict=True):
        values = torch.linalg.eigvalsh(torch.cov(torch.stack([dx, dy])))
        assert values[0] < 0.2 * values[1]


def test_a_frame_is_a_rotation_in_units_of_the_wavelength():
    grid = frame(3, 32, torch.tensor([4.0, 8.0, 16.0]), generator())
    steps = torch.stack([grid.diff(dim=3)[:, :, 0, 0], grid.diff(dim=2)[:, :, 0, 0]], dim=2)  # (3, 2, 2)
    gram = steps.mT @ steps
    expected = torch.eye(2) / torch.tensor([4.0, 8.0, 16.0]).view(-1, 1, 1) ** 2
    torch.testing.assert_close(gram, expected, rtol=1e-2, atol=1e-4)


def test_displace_by_whole_pixels_is_a_shift():
    field = torch.rand(2, 3, 16, 16, generator=generator())
    shift = torch.tensor([3.0, 1.0]).view(1, 2, 1, 1).expand(2, 2, 16, 16)
    torch.testing.assert_close(
        displace(field, shift)[..., :15, :13], field[..., 1:, 3:], rtol=1e-4, atol=1e-5
    )


def test_a_flow_has_unit_length_and_turns_slowly():
    flow = flow_field(64, wavelengths(40.0), generator())
    torch.testing.assert_close(flow.norm(dim=1), torch.ones(5, 64, 64))
    assert (flow[..., 1:] * flow[..., :-1]).sum(1).median() > 0.95


def test_spread_centres_and_clips():
    field = spread(3 + 7 * torch.randn(4, 1, 40, 41, generator=generator()))
    assert field.min() >= 0
    assert field.max() <= 1
    torch.testing.assert_close(field.mean((2, 3)), torch.full((4, 1), 0.5), rtol=0, atol=0.02)


def test_uniform_stays_in_its_interval():
    draw = uniform(2000, -2.0, 5.0, generator())
    assert draw.shape == (2000, 1, 1, 1)
    assert draw.min() >= -2
    assert draw.max() < 5
    assert draw.mean().item() == pytest.approx(1.5, abs=0.2)
