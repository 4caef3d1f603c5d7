"""TV denoising reaches the least energy, keeps the mean, and lowers a step by the computed amount."""

import numpy as np
import pytest
import torch
from skimage.restoration import denoise_tv_chambolle

from nstkit.filters import tv_denoise

GENERATOR = torch.Generator().manual_seed(0)
STEP = torch.zeros(2, 1, 30, 24, dtype=torch.float64)
STEP[..., 10:] = 0.7
NOISY = STEP + 0.1 * torch.randn(STEP.shape, dtype=torch.float64, generator=GENERATOR)


def energy(u, f, lam):
    down = np.zeros_like(u)
    right = np.zeros_like(u)
    down[:-1], right[:, :-1] = np.diff(u, axis=0), np.diff(u, axis=1)
    return 0.5 * ((u - f) ** 2).sum() + lam * np.hypot(down, right).sum()


@pytest.mark.parametrize("lam", [0.02, 0.06, 0.2])
def test_it_reaches_the_energy_of_scikit_image_after_many_iterations(lam):
    for noisy, ours in zip(NOISY[:, 0].numpy(), tv_denoise(NOISY, lam)[:, 0].numpy(), strict=True):
        best = energy(denoise_tv_chambolle(noisy, weight=lam, eps=1e-12, max_num_iter=4000), noisy, lam)
        assert energy(ours, noisy, lam) < 1.0008 * best


def test_more_iterations_lower_the_energy_towards_the_dual_bound():
    """½ ‖f‖² − ½ ‖u‖² with u = f − λ div p bounds the energy from below for every |p| ≤ 1."""
    f = NOISY[0, 0].numpy()
    u = {n: tv_denoise(NOISY[:1], 0.1, n)[0, 0].numpy() for n in (20, 100, 1000)}
    gaps = [energy(u[n], f, 0.1) - 0.5 * ((f**2).sum() - (u[n] ** 2).sum()) for n in (20, 100, 1000)]
    assert gaps[0] > gaps[1] > gaps[2] > -1e-9
    assert gaps[2] < 1e-3 * energy(u[1000], f, 0.1)


def test_a_step_loses_lambda_over_the_width_of_each_plateau():
    u = tv_denoise(STEP, 0.05, 500)
    torch.testing.assert_close(u[..., :10], torch.full_like(u[..., :10], 0.05 / 10), rtol=0, atol=1e-4)
    torch.testing.assert_close(u[..., 10:], torch.full_like(u[..., 10:], 0.7 - 0.05 / 14), rtol=0, atol=1e-4)


def test_the_mean_stays_and_images_may_be_single_rows():
    torch.testing.assert_close(
        tv_denoise(NOISY, 0.3, 50).mean((2, 3)), NOISY.mean((2, 3)), rtol=1e-12, atol=0
    )
    row = NOISY[:, :, :1]
    torch.testing.assert_close(tv_denoise(row.mT, 0.1, 50), tv_denoise(row, 0.1, 50).mT, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "name"), [((0.0,), "lam"), ((-1.0,), "lam"), ((0.1, 0), "n_iter"), ((0.1, 2.5), "n_iter")]
)
def test_bad_sizes_are_refused_by_name(arguments, name):
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        tv_denoise(NOISY, *arguments)
