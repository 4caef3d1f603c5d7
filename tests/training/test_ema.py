"""The bias-corrected average is a weighted mean with weights decay^(T−i)."""

import numpy as np
import pytest
import torch
from torch import nn

from nstkit.training import WeightEMA, ema_weights

SNAPSHOTS = list(np.random.default_rng(1).normal(size=(6, 3, 4)) + 5)


def normalised(snapshots, decay):
    powers = np.array([decay ** (len(snapshots) - 1 - i) for i in range(len(snapshots))])
    return np.tensordot(powers / powers.sum(), np.stack(snapshots), 1)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.9, 0.999])
def test_it_is_the_normalised_weighted_mean(decay):
    np.testing.assert_allclose(ema_weights(SNAPSHOTS, decay), normalised(SNAPSHOTS, decay), rtol=1e-10)
    tensors = ema_weights([torch.from_numpy(p) for p in SNAPSHOTS], decay)
    np.testing.assert_allclose(tensors, normalised(SNAPSHOTS, decay), rtol=1e-10)


def test_constants_stay_one_snapshot_is_itself_and_inputs_are_not_changed():
    before = [p.copy() for p in SNAPSHOTS]
    np.testing.assert_allclose(ema_weights([SNAPSHOTS[0]] * 5, 0.9), SNAPSHOTS[0], rtol=1e-12)
    np.testing.assert_allclose(ema_weights(SNAPSHOTS[:1], 0.9), SNAPSHOTS[0], rtol=1e-12)
    assert ema_weights([p.astype(np.float32) for p in SNAPSHOTS], 0.9).dtype == np.float32
    ema_weights(SNAPSHOTS, 0.5)
    for now, then in zip(SNAPSHOTS, before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("decay", [1.0, -0.1, 2.0, float("nan")])
def test_mistakes_are_named(decay):
    with pytest.raises(ValueError, match="decay: expected 0 <= decay < 1, got"):
        ema_weights(SNAPSHOTS, decay)
    with pytest.raises(ValueError, match="decay"):
        WeightEMA(nn.Linear(2, 2), decay)
    with pytest.raises(ValueError, match="snapshots: expected at least one"):
        ema_weights([], 0.5)


def walk(module, ema, count, seed=0):
    """Move the weights `count` times and return the snapshots of the weight matrix."""
    g, seen = torch.Generator().manual_seed(seed), []
    for _ in range(count):
        with torch.no_grad():
            for p in module.parameters():
                p.add_(torch.randn(p.shape, generator=g, dtype=p.dtype))
        ema.update()
        seen.append(module.weight.detach().clone())
    return seen


def test_the_running_average_of_a_module_agrees():
    module = nn.Linear(3, 4).double()
    ema = WeightEMA(module, 0.8)
    torch.testing.assert_close(ema.weights()["weight"], module.weight.detach())
    seen = walk(module, ema, 7)
    torch.testing.assert_close(ema.weights()["weight"], ema_weights(seen, 0.8), rtol=1e-12, atol=0)


def test_averages_are_lent_and_given_back_even_after_an_error():
    module = nn.Linear(3, 4)
    ema = WeightEMA(module, 0.5)
    last = walk(module, ema, 3)[-1]
    with ema.averaged() as averaged:
        torch.testing.assert_close(averaged.weight.detach(), ema.weights()["weight"])
        assert not torch.equal(averaged.weight, last)
    assert torch.equal(module.weight, last)
    with pytest.raises(RuntimeError), ema.averaged():
        raise RuntimeError
    assert torch.equal(module.weight, last)


def test_the_state_goes_on():
    module, other = nn.Linear(3, 4), nn.Linear(3, 4)
    ema, twin = WeightEMA(module, 0.9), WeightEMA(other, 0.9)
    walk(module, ema, 3)
    other.load_state_dict(module.state_dict())
    twin.load_state_dict(ema.state_dict())
    walk(module, ema, 2, seed=5)
    walk(other, twin, 2, seed=5)
    assert torch.equal(ema.weights()["weight"], twin.weights()["weight"])
    with pytest.raises(ValueError, match="another decay or to another module"):
        WeightEMA(other, 0.8).load_state_dict(ema.state_dict())
