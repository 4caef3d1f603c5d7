"""Several steps agree with torch's Adam and AdamW."""

import numpy as np
import pytest
import torch

from nstkit.theory import adam_step

START = np.random.default_rng(9).normal(size=(3, 4))
GRADS = np.random.default_rng(10).normal(size=(6, 3, 4)) * np.geomspace(1e-9, 10, 12).reshape(3, 4)


@pytest.mark.parametrize("decoupled", [False, True])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.5), (0.5, 0.0)])
def test_it_is_torchs(decoupled, decay, betas):
    parameter = torch.from_numpy(START.copy()).requires_grad_()
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    optimizer = kind([parameter], lr=0.02, betas=betas, eps=1e-6, weight_decay=decay)
    theta, state = START, None
    for grad in GRADS:
        parameter.grad = torch.from_numpy(grad.copy())
        optimizer.step()
        theta, state = adam_step(theta, grad, state, 0.02, betas, 1e-6, decay, decoupled)
        np.testing.assert_allclose(theta, parameter.detach(), rtol=1e-12, atol=1e-14)


def test_nothing_is_changed_in_place_and_float32_stays():
    theta, grad = START.astype(np.float32), GRADS[0].astype(np.float32)
    first, state = adam_step(theta, grad, None)
    before = [theta.copy(), grad.copy(), first.copy(), {k: np.copy(v) for k, v in state.items()}]
    again = [adam_step(first, grad, state)[0] for _ in range(2)]
    np.testing.assert_array_equal(*again)
    assert again[0].dtype == np.float32
    for now, then in zip([theta, grad, first], before[:3], strict=True):
        np.testing.assert_array_equal(now, then)
    for name, value in state.items():
        np.testing.assert_array_equal(value, before[3][name])


@pytest.mark.parametrize(("change", "words"), [
    ({"grad": GRADS[0].T}, r"grad: expected \(3, 4\) as theta, got \(4, 3\)"),
    ({"lr": -1e-3}, "lr, betas: expected lr of at least 0"),
    ({"betas": (1.0, 0.9)}, r"betas in \[0, 1\)"),
    ({"betas": (0.9, -0.1)}, r"betas in \[0, 1\)"),
])  # fmt: skip
def test_mistakes_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        adam_step(**({"theta": START, "grad": GRADS[0], "state": None} | change))
