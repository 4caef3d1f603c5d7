"""Masks: ones change nothing, scale does not count, each style rules its own region, and runs resume to the bit."""

import pytest
import torch

from nstkit.images import photograph
from nstkit.losses import gram_matrix, guided_gram
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.regions import Region

CONTENT = photograph("coffee", size=160)[..., :104, :104]  # two scales
HEIGHT, WIDTH = CONTENT.shape[-2:]
STYLES = [paint("stained_glass", height=56, width=88), paint("ink_wash", height=56, width=88)]
FEW = dict.fromkeys(("color1", "relu1_1", "relu2_1"), 1.0)  # layers that are quick
QUICK = {"encoder": "tiny", "style_layers": FEW, "size": 104, "coarsest": 52, "steps": 4, "device": "cpu"}
LEFT = (torch.arange(WIDTH) < WIDTH // 2).float().expand(HEIGHT, WIDTH)
HALVES = torch.stack([LEFT, 1 - LEFT])


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def features():
    return torch.rand(2, 5, 6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("normalize", "factor"), [("hw", 1.0), ("chw", 1 / 5), ("none", 48.0)])
def test_the_gap_is_that_of_guided_gram_matrices(normalize, factor):
    mask = torch.rand(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    target = torch.ones(2, 5, 5, dtype=torch.float64)
    center = torch.full((1, 5, 1, 1), 0.3, dtype=torch.float64)
    region = Region(0.7, {"layer": center}, {"layer": target}, mask)
    expected = 0.7 * (factor * guided_gram(features() - 0.3, mask) - target).square().sum((1, 2))
    torch.testing.assert_close(region.gap(features(), "layer", normalize), expected, rtol=1e-10, atol=0)


def test_a_region_without_a_mask_is_the_plain_gap():
    zero, target = torch.zeros(1, 5, 1, 1, dtype=torch.float64), torch.ones(2, 5, 5, dtype=torch.float64)
    gap = Region(1.0, {"layer": zero}, {"layer": target}).gap(features(), "layer", "hw")
    torch.testing.assert_close(gap, (gram_matrix(features(), "hw") - target).square().sum((1, 2)))


def test_the_mask_is_averaged_down_to_the_layer():
    small = torch.rand(6, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    large = small.repeat_interleave(3, 0).repeat_interleave(2, 1)
    zero, target = torch.zeros(1, 5, 1, 1, dtype=torch.float64), torch.ones(2, 5, 5, dtype=torch.float64)
    gaps = [
        Region(1.0, {"l": zero}, {"l": target}, mask).gap(features(), "l", "hw") for mask in (small, large)
    ]
    torch.testing.assert_close(*gaps, rtol=1e-10, atol=0)


def test_a_mask_of_ones_changes_nothing():
    plain = stylize(CONTENT, STYLES[0], **QUICK).image
    masked = stylize(CONTENT, STYLES[0], **QUICK, masks=torch.full((1, HEIGHT, WIDTH), 7.0)).image
    assert float((plain - masked).abs().mean()) < 1e-3


def test_each_style_rules_its_own_half():
    options = QUICK | {"steps": 10, "coarsest": 104}
    both = stylize(CONTENT, STYLES, **options, masks=HALVES).image
    first, second = (stylize(CONTENT, style, **options).image for style in STYLES)

    def gap(image, region):
        return float(((both - image).abs().mean(1) * region).sum() / region.sum())

    assert gap(first, LEFT) < 0.6 * gap(second, LEFT)
    assert gap(second, 1 - LEFT) < 0.6 * gap(first, 1 - LEFT)


def test_where_no_mask_is_the_content_stays():
    options = QUICK | {"steps": 15, "coarsest": 104}
    result = stylize(CONTENT, STYLES[0], **options, masks=LEFT[None]).image
    change = (result - CONTENT).abs().mean(1)[0]
    assert float(change[:, : WIDTH // 2 - 8].mean()) > 5 * float(change[:, WIDTH // 2 + 24 :].mean())


@pytest.mark.parametrize("stop", [2, 5])
def test_a_run_that_was_stopped_ends_where_it_would_have(stop, tmp_path):
    whole = stylize(CONTENT, STYLES, **QUICK, masks=HALVES)
    half = stylize(CONTENT, STYLES, **QUICK, masks=HALVES, on_step=lambda s: s.done == stop)
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors")
    stored = load_checkpoint(tmp_path / "half.safetensors")
    assert torch.equal(stylize(CONTENT, STYLES, **QUICK, masks=HALVES, resume=stored).image, whole.image)
    with pytest.raises(ValueError, match="give the same content, styles and masks"):
        stylize(CONTENT, STYLES, **QUICK, masks=HALVES.flip(0), resume=stored)


@pytest.mark.parametrize(("masks", "words"), [
    (LEFT[None], rf"masks: expected \(2, {HEIGHT}, {WIDTH}\), one of the content's size for each style, got \(1, "),
    (HALVES[..., :-1], r"masks: expected \(2, "),
    (-HALVES, r"masks\[0\]: expected finite numbers of at least 0"),
    (HALVES * torch.tensor([1.0, 0]).view(2, 1, 1), r"masks\[1\]: expected a number above 0 somewhere"),
])  # fmt: skip
def test_masks_that_are_refused(masks, words):
    with pytest.raises(ValueError, match=words):
        stylize(CONTENT, STYLES, **QUICK, masks=masks)
