"""Masks: ones change nothing, scale does not count, each style rules its own region, and runs resume to the bit."""

import pytest
import torch

from nstkit.images import photograph
from nstkit.losses import gram_matrix, guided_gram
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.draws import Draw
from nstkit.transfer.regions import Guide
from nstkit.transfer.style_targets import GramTarget

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


def style():
    return torch.rand(1, 5, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def mask_of(*size):
    return torch.rand(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize(("normalize", "factor"), [("hw", 1.0), ("chw", 1 / 5), ("none", 48.0)])
def test_the_gap_is_that_of_guided_gram_matrices(normalize, factor, centered):
    mask = mask_of(6, 8)
    target = GramTarget([style()], [1.0], normalize=normalize, centered=centered, guide=Guide(mask))
    center = style().mean((2, 3), keepdim=True) * centered
    wanted = gram_matrix(style() - center, normalize)
    gap = factor * guided_gram(features() - center, mask) - wanted
    torch.testing.assert_close(
        target.gap(features(), Draw()), gap.square().sum((1, 2)) / 100, rtol=1e-10, atol=0
    )


def test_a_target_without_a_mask_is_the_plain_gap():
    gap = GramTarget([style()], [1.0]).gap(features(), Draw())
    difference = gram_matrix(features(), "hw") - gram_matrix(style(), "hw")
    torch.testing.assert_close(gap, difference.square().sum((1, 2)) / 100)


def test_the_mask_is_averaged_down_to_the_layer():
    small = mask_of(6, 8)
    large = small.repeat_interleave(3, 0).repeat_interleave(2, 1)
    gaps = [
        GramTarget([style()], [1.0], guide=Guide(mask)).gap(features(), Draw()) for mask in (small, large)
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
    with pytest.raises(ValueError, match="give the same content, styles, masks and content_map"):
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
