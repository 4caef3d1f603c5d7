"""The toy DCGAN comes close to its data's mean and spread, by the seed alone."""

import pytest
import torch

from nstkit.gan import fit_toy_dcgan, two_blobs


def errors(gen):
    """Mean absolute errors of the mean picture and of each pixel's standard deviation."""
    generator = torch.Generator().manual_seed(99)
    with torch.no_grad():
        made = gen(torch.randn(256, 8, 1, 1, generator=generator))
    real = two_blobs(256, generator)
    return float((made.mean(0) - real.mean(0)).abs().mean()), float((made.std(0) - real.std(0)).abs().mean())


def test_it_learns_two_blobs():
    gen, history = fit_toy_dcgan(two_blobs, 80, 0)
    mean_error, spread_error = errors(gen)
    untrained_mean, untrained_spread = errors(fit_toy_dcgan(two_blobs, 0, 0)[0])
    assert mean_error < 0.25 < untrained_mean
    assert spread_error < 0.1 < untrained_spread
    assert [entry.keys() for entry in history] == [{"d_loss", "g_loss"}] * 80
    assert sum(p.numel() for p in gen.parameters()) == 12641


def test_the_seed_decides_and_nothing_global():
    runs = []
    for _ in range(2):
        torch.rand(3)
        state = torch.get_rng_state()
        runs.append(fit_toy_dcgan(two_blobs, 3, 4, batch_size=5))
        assert torch.equal(state, torch.get_rng_state())
    (one, first), (two, second) = runs
    assert first == second
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert first != fit_toy_dcgan(two_blobs, 3, 5, batch_size=5)[1]


def test_the_sampler_is_called_once_per_step_with_the_batch_size():
    counts = []

    def sampler(count, generator):
        counts.append(count)
        return two_blobs(count, generator)

    fit_toy_dcgan(sampler, 3, 0, batch_size=7)
    assert counts == [7, 7, 7]


@pytest.mark.parametrize("options", [{"steps": -1}, {"batch_size": 0}, {"lr": 0}])
def test_other_numbers_are_refused(options):
    with pytest.raises(ValueError, match="steps, batch_size, lr: expected ≥ 0, ≥ 1 and > 0, got "):
        fit_toy_dcgan(two_blobs, **{"steps": 1, "seed": 0, **options})
