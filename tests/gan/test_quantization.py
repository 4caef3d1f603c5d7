"""The quantisation gap: none for honest maps, everything for a generator that hides the source."""

import numpy as np
import pytest
import torch

from nstkit.gan import quantization_gap

LEVEL = 2 * 191 / 255 - 1


@pytest.fixture
def x():
    return torch.rand(2, 3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_identity_maps_pay_the_rounding_error(x):
    found = quantization_gap(lambda t: t, lambda t: t, x)
    steps = np.round((x.numpy() + 1) / 2 * 255)
    expected = np.abs(steps / 255 * 2 - 1 - x.numpy()).mean()
    assert found["plain"] == 0
    assert found["gap"] == pytest.approx(expected)
    assert found["quantized"] == pytest.approx(expected)
    assert 0 < expected <= 1 / 255


def test_what_is_hidden_below_a_step_is_lost(x):
    found = quantization_gap(lambda t: LEVEL + 1e-4 * t, lambda t: (t - LEVEL) * 1e4, x)
    assert found["plain"] < 1e-9
    assert found["gap"] == pytest.approx(float(x.abs().mean()), rel=1e-6)


def test_two_levels_keep_the_sign(x):
    found = quantization_gap(lambda t: t, lambda t: t, x, levels=1)
    assert found["quantized"] == pytest.approx(float((x.sign() - x).abs().mean()))


def test_values_outside_the_range_are_stored_as_its_ends(x):
    found = quantization_gap(lambda t: 3 * t, lambda t: t / 3, x, levels=10**9)
    assert found["quantized"] == pytest.approx(float(((3 * x).clamp(-1, 1) / 3 - x).abs().mean()), rel=1e-6)


def test_it_builds_no_graph_and_works_in_single_precision(x):
    scale = torch.ones(1, requires_grad=True)
    found = quantization_gap(lambda t: t * scale, lambda t: t / scale, x.float())
    assert scale.grad is None
    assert all(type(value) is float for value in found.values())


def test_no_levels_are_refused(x):
    with pytest.raises(ValueError, match="levels: expected at least 1, got 0"):
        quantization_gap(lambda t: t, lambda t: t, x, levels=0)
