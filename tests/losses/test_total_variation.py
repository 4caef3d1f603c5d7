"""Total variation against loops, closed forms and gradcheck."""

import numpy as np
import pytest
import torch

from nstkit.losses import nine_point_variation, total_variation

IMAGE = torch.randn(2, 3, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def loops(image, kind, eps=1e-8):
    totals = []
    for picture in image.numpy():
        total = 0.0
        for plane in picture:
            height, width = plane.shape
            for y in range(height):
                for x in range(width):
                    dx = plane[y, x + 1] - plane[y, x] if x + 1 < width else None
                    dy = plane[y + 1, x] - plane[y, x] if y + 1 < height else None
                    if kind == "isotropic":
                        total += 0 if dx is None or dy is None else np.sqrt(dx**2 + dy**2 + eps)
                    else:
                        power = 1 if kind == "anisotropic" else 2
                        total += sum(abs(d) ** power for d in (dx, dy) if d is not None)
        totals.append(total)
    return totals


@pytest.mark.parametrize("kind", ["anisotropic", "squared", "isotropic"])
def test_it_equals_the_loops(kind):
    np.testing.assert_allclose(total_variation(IMAGE, kind), loops(IMAGE, kind), rtol=1e-12)
    assert total_variation(IMAGE.float(), kind).dtype == torch.float32


def test_an_edge_counts_its_height_on_every_row():
    image = torch.zeros(2, 3, 4, 6)
    image[..., 3:] = 0.7
    torch.testing.assert_close(total_variation(image), torch.full((2,), 3 * 4 * 0.7))


def test_eps_is_what_a_flat_cell_costs():
    flat = torch.full((2, 3, 4, 6), 0.3, dtype=torch.float64)
    torch.testing.assert_close(
        total_variation(flat, "isotropic", eps=0.04), torch.full((2,), 3 * 3 * 5 * 0.2, dtype=torch.float64)
    )
    assert total_variation(flat).tolist() == total_variation(flat, "squared").tolist() == [0, 0]


@pytest.mark.parametrize("kind", ["anisotropic", "squared", "isotropic"])
def test_neither_transposing_nor_the_memory_layout_matters(kind):
    strided = IMAGE.mT.contiguous().mT
    before = strided.clone()
    torch.testing.assert_close(total_variation(strided, kind), total_variation(IMAGE, kind))
    torch.testing.assert_close(total_variation(IMAGE.mT, kind), total_variation(IMAGE, kind))
    assert torch.equal(strided, before)


@pytest.mark.parametrize("kind", ["anisotropic", "squared", "isotropic"])
def test_gradients(kind):
    assert torch.autograd.gradcheck(lambda x: total_variation(x, kind), (IMAGE.clone().requires_grad_(),))
    flat = torch.full((2, 3, 4, 5), 0.5, requires_grad=True)
    (grad,) = torch.autograd.grad(total_variation(flat, kind).sum(), flat)
    assert torch.isfinite(grad).all()


@pytest.mark.parametrize(("image", "kind", "words"), [
    (IMAGE[0], "squared", r"expected \(B, C, H, W\) with H and W at least 2, got \(3, 4, 5\)"),
    (IMAGE[..., :1], "squared", "at least 2"),
    (IMAGE, "isotropc", "expected one of anisotropic, squared, isotropic, got 'isotropc'"),
])  # fmt: skip
def test_mistakes(image, kind, words):
    with pytest.raises(ValueError, match=words):
        total_variation(image, kind)


def test_nine_points_equal_the_loops():
    padded = np.pad(IMAGE.numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    for found, picture in zip(nine_point_variation(IMAGE), padded, strict=True):
        total = 0.0
        for dy, dx, rows, columns, part in (
            (0, 1, 4, 5, 3),
            (1, 0, 4, 5, 3),
            (1, 1, 5, 6, 12),
            (1, -1, 5, 6, 12),
        ):
            top, left = (1, 1) if part == 3 else (0, int(dx < 0))
            gaps = [
                (plane[y + dy, x + dx] - plane[y, x]) ** 2
                for plane in picture for y in range(top, top + rows) for x in range(left, left + columns)
            ]  # fmt: skip
            total += 2 * sum(gaps) / len(gaps) / part
        assert found.item() == pytest.approx(total, rel=1e-12)


def test_the_gradient_of_nine_points_is_their_laplacian():
    image = torch.randn(
        2, 3, 9, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(3), requires_grad=True
    )
    (slope,) = torch.autograd.grad(nine_point_variation(image).sum(), image)
    sides, corners = (2 * 2 / 3 / (3 * 9 * 8), 2 / 6 / (3 * 10 * 9))
    stencil = torch.tensor([[corners, sides, corners], [sides, 0, sides], [corners, sides, corners]])
    stencil[1, 1] = -stencil.sum()
    with torch.no_grad():
        expected = torch.nn.functional.conv2d(image.flatten(0, 1)[:, None], -stencil.double()[None, None])
    torch.testing.assert_close(slope[..., 1:-1, 1:-1].flatten(0, 1)[:, None], expected, rtol=1e-6, atol=1e-9)


def test_on_a_slope_nine_points_and_two_differences_agree():
    rows, columns = torch.meshgrid(torch.arange(200.0), torch.arange(300.0), indexing="ij")
    image = (0.001 * rows + 0.0015 * columns).expand(2, 3, 200, 300).double()
    squared = total_variation(image, "squared") / image[0].numel()
    torch.testing.assert_close(nine_point_variation(image), squared, rtol=0.02, atol=0)
    with pytest.raises(ValueError, match=r"image: expected \(B, C, H, W\), got \(3, 4, 5\)"):
        nine_point_variation(IMAGE[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", ["anisotropic", "squared", "isotropic"])
def test_the_gpu_agrees(kind):
    gpu = total_variation(IMAGE.cuda(), kind)
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), total_variation(IMAGE, kind), rtol=1e-10, atol=0)
