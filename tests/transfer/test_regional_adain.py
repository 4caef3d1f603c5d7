"""Regional AdaIN is AdaIN: of the whole for one mask, of each pixel set for masks that cut the picture in two."""

import pytest
import torch

from nstkit.transfer import adain, regional_adain


@pytest.fixture
def scene():
    """Content (5, 6, 9), two styles of other sizes, two soft masks that do not sum to 1."""
    generator = torch.Generator().manual_seed(0)
    content, small, large, masks = (
        torch.rand(*shape, dtype=torch.float64, generator=generator) + 0.1
        for shape in ((5, 6, 9), (5, 3, 4), (5, 8, 7), (2, 6, 9))
    )
    content[:, :3] *= 4
    return content, [small, 2 * large], masks


def test_one_mask_is_plain_adain(scene):
    content, styles, masks = scene
    plain = adain(content[None], styles[0][None])[0]
    torch.testing.assert_close(regional_adain(content, styles[:1], masks[:1]), plain, rtol=0, atol=1e-12)


def test_complementary_masks_are_two_transfers(scene):
    content, styles, _ = scene
    inside = torch.zeros(6, 9, dtype=torch.bool)
    inside[1:4, 2:7] = True
    result = regional_adain(content, styles, torch.stack([inside, ~inside]).double())
    for region, style in ((inside, styles[0]), (~inside, styles[1])):
        pixels = content[:, region]  # (C, n)
        expected = adain(pixels[None, :, None], style[None])[0, :, 0]
        torch.testing.assert_close(result[:, region], expected, rtol=0, atol=1e-12)


def test_only_proportions_of_the_masks_count(scene):
    content, styles, masks = scene
    factor = torch.rand(6, 9, dtype=torch.float64) + 0.5
    torch.testing.assert_close(
        regional_adain(content, styles, factor * masks),
        regional_adain(content, styles, masks),
        rtol=0,
        atol=1e-12,
    )


def test_weighted_statistics_arrive_where_one_mask_rules(scene):
    content, styles, masks = scene
    nearly = torch.stack([torch.ones(6, 9), torch.full((6, 9), 1e-9)]).double()
    result = regional_adain(content, styles, nearly)
    torch.testing.assert_close(result.mean((1, 2)), styles[0].mean((1, 2)), rtol=0, atol=1e-6)
    assert masks.shape == nearly.shape


def test_strength(scene):
    content, styles, masks = scene
    full = regional_adain(content, styles, masks)
    assert torch.equal(regional_adain(content, styles, masks, alpha=0.0), content)
    torch.testing.assert_close(
        regional_adain(content, styles, masks, alpha=1.7),
        content + 1.7 * (full - content),
        rtol=0,
        atol=1e-12,
    )


def test_gradients_dtype_and_inputs(scene):
    content, styles, masks = scene
    leaves = [
        content[:2, :2, :3].clone(),
        styles[0][:2].clone(),
        styles[1][:2].clone(),
        masks[:, :2, :3].clone(),
    ]
    for leaf in leaves:
        leaf.requires_grad_()
    assert torch.autograd.gradcheck(lambda c, a, b, m: regional_adain(c, [a, b], m), leaves)
    single = regional_adain(content.float(), [s.float() for s in styles], masks.float())
    assert single.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda c, s, m: (c, s[:1], m),
            r"masks: expected \(1, 6, 9\), one of content's size per style, got \(2, 6, 9\)",
        ),
        (lambda c, s, m: (c, [s[0], s[1][:4]], m), r"styles\[1\]: expected \(5, H, W\)"),
        (lambda c, s, m: (c, s, -m), "masks: expected finite numbers of at least 0"),
        (lambda c, s, m: (c, s, m * (torch.arange(9) > 0)), "got a position that no mask covers"),
        (lambda c, s, m: (c, s, m * torch.tensor([1.0, 0]).view(2, 1, 1)), "got one that is empty"),
        (lambda c, s, m: (c[None], s, m), r"content: expected \(C, H, W\)"),
        (lambda c, s, m: (c, [], m), "styles: expected at least one feature map, got none"),
        (lambda c, s, m: (c, s, m, -0.1), "alpha: expected a finite number of at least 0, got -0.1"),
    ],
)
def test_mistakes(scene, change, words):
    with pytest.raises(ValueError, match=words):
        regional_adain(*change(*scene))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(scene):
    content, styles, masks = scene
    gpu = regional_adain(content.cuda(), [s.cuda() for s in styles], masks.cuda())
    torch.testing.assert_close(gpu.cpu(), regional_adain(content, styles, masks), rtol=0, atol=1e-12)
