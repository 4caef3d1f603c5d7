"""Adam against its algorithm written out, and its state enlarged against interpolation written out."""

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from nstkit.transfer.optimizers import Adam, enlarged


def noise(seed, *shape):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("beta2", [0.999, 0.99, 0.0])
def test_steps_are_those_of_the_algorithm(beta2):
    x, grads = noise(0, 2, 3, 5, 7), [noise(k, 2, 3, 5, 7) - 0.5 for k in range(1, 5)]
    theta, first, second = x.numpy().copy(), 0.0, 0.0
    adam = Adam(x, 0.05, beta2)
    for t, grad in enumerate(grads, 1):
        adam.step(grad.clone())
        g = grad.numpy()
        first, second = 0.9 * first + 0.1 * g, beta2 * second + (1 - beta2) * g**2
        theta -= 0.05 * (first / (1 - 0.9**t)) / (np.sqrt(second / (1 - beta2**t)) + 1e-8)
    np.testing.assert_allclose(x.numpy(), theta, rtol=1e-10)


def cubic(distance, a=-0.75):
    """Keys 1981, IEEE TASSP 29, with the a that PyTorch has where it does not shrink."""
    d = abs(distance)
    if d < 1:
        return (a + 2) * d**3 - (a + 3) * d**2 + 1
    return a * (d**3 - 5 * d**2 + 8 * d - 4) if d < 2 else 0.0


def matrix(length, wanted):
    """Cubic interpolation along one axis, edge repeated: (wanted, length)."""
    weights = np.zeros((wanted, length))
    for row in range(wanted):
        at = (row + 0.5) * length / wanted - 0.5
        for tap in range(int(np.floor(at)) - 1, int(np.floor(at)) + 3):
            weights[row, min(max(tap, 0), length - 1)] += cubic(at - tap)
    return weights


SIZE = (9, 11)


@pytest.fixture
def state():
    return {
        "step": torch.tensor(7.0),
        "exp_avg": noise(0, 2, 3, 5, 7) - 0.5,
        "exp_avg_sq": noise(1, 2, 3, 5, 7) ** 8,
    }


def test_first_moments_are_enlarged_by_cubics(state):
    rows, columns = matrix(5, 9), matrix(7, 11)
    expected = np.einsum("yi,bcij,xj->bcyx", rows, state["exp_avg"].numpy(), columns)
    np.testing.assert_allclose(enlarged(state, SIZE)["exp_avg"].numpy(), expected, atol=1e-12)


def test_second_moments_are_enlarged_by_lines_and_stay_at_0_or_above(state):
    found = enlarged(state, SIZE)["exp_avg_sq"]
    places = np.meshgrid(
        *((np.arange(n) + 0.5) * m / n - 0.5 for n, m in zip(SIZE, (5, 7), strict=True)), indexing="ij"
    )
    for picture, plane in zip(found.flatten(0, 1), state["exp_avg_sq"].flatten(0, 1), strict=True):
        expected = map_coordinates(plane.numpy(), places, order=1, mode="nearest")
        np.testing.assert_allclose(picture.numpy(), expected, atol=1e-12)
    assert found.min() >= 0


def test_the_number_of_steps_stays_and_the_state_of_before_is_left_alone(state):
    before = {name: value.clone() for name, value in state.items()}
    assert enlarged(state, SIZE)["step"] == 7
    assert all(torch.equal(state[name], value) for name, value in before.items())
