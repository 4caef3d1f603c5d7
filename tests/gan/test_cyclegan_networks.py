"""CycleGAN's networks: parameter counts by the paper's notation, and receptive fields measured by gradients."""

import pytest
import torch
from torch import nn

from nstkit.gan import build_patch_discriminator, build_resnet_generator


def count(net):
    return sum(p.numel() for p in net.parameters())


def test_the_generator_has_the_papers_layers():
    """c7s1-64, d128, d256, 9 x R256, u128, u64, c7s1-3; a bias at the output alone."""
    w = 64
    expected = (
        49 * 3 * w + 9 * w * 2 * w + 9 * 2 * w * 4 * w + 9 * 2 * 9 * (4 * w) ** 2
        + 9 * 4 * w * 2 * w + 9 * 2 * w * w + 49 * w * 3 + 3
    )  # fmt: skip
    assert count(build_resnet_generator()) == expected
    assert count(build_resnet_generator(blocks=6)) == expected - 3 * 2 * 9 * (4 * w) ** 2


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_generator_keeps_size_range_and_dtype(dtype):
    gen = build_resnet_generator(2, 4, 2).to(dtype)
    image = gen(torch.rand(3, 2, 24, 36, dtype=dtype).mT)
    assert image.shape == (3, 2, 36, 24)
    assert image.dtype == dtype
    assert image.abs().max() <= 1


def test_each_image_of_a_batch_is_redrawn_alone():
    gen = build_resnet_generator(3, 4, 1).double()
    images = torch.rand(2, 3, 16, 20, dtype=torch.float64)
    torch.testing.assert_close(gen(images)[1:], gen(images[1:]))


def test_the_discriminator_has_the_papers_layers():
    """C64-C128-C256-C512 and a score; biases where no norm follows."""
    expected = 16 * 3 * 64 + 64 + 16 * (64 * 128 + 128 * 256 + 256 * 512) + 16 * 512 + 1
    assert count(build_patch_discriminator()) == expected


@pytest.mark.parametrize(("layers", "field"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_each_score_sees_a_patch(layers, field):
    """Without norms, whose statistics see all: the pixels that have a gradient form a square of that size."""
    disc = build_patch_discriminator(1, 2, layers).double()
    for name, layer in list(disc.named_children()):
        if isinstance(layer, nn.InstanceNorm2d):
            setattr(disc, name, nn.Identity())
    image = torch.rand(1, 1, 3 * field, 3 * field, dtype=torch.float64, requires_grad=True)
    scores = disc(image)
    middle = scores.shape[-1] // 2
    scores[0, 0, middle, middle].backward()
    seen = image.grad[0, 0].abs() > 0
    assert (int(seen.any(0).sum()), int(seen.any(1).sum())) == (field, field)


def test_a_map_of_scores_for_images_of_any_shape():
    assert build_patch_discriminator(3, 4)(torch.rand(2, 3, 128, 96)).shape == (2, 1, 14, 10)


@pytest.mark.parametrize("build", [build_resnet_generator, build_patch_discriminator])
def test_numbers_below_one_are_refused(build):
    with pytest.raises(ValueError, match="width: expected at least 1, got 0"):
        build(width=0)
    with pytest.raises(ValueError, match="channels: expected at least 1, got -3"):
        build(channels=-3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_they_run_on_the_gpu():
    gen, disc = build_resnet_generator(3, 8, 2).cuda(), build_patch_discriminator(3, 8).cuda()
    assert disc(gen(torch.rand(2, 3, 64, 80, device="cuda"))).is_cuda
