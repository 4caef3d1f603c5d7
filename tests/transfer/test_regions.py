"""Masks, style masks and the content map: ones change nothing, each rules its own region, runs resume to the bit."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from nstkit.color import luma
from nstkit.encoders import load_encoder
from nstkit.images import photograph
from nstkit.losses import gram_matrix, guided_gram
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.draws import Draw
from nstkit.transfer.moment_targets import MomentsTarget, WassersteinTarget
from nstkit.transfer.objective import Objective
from nstkit.transfer.options import Options
from nstkit.transfer.regions import EVERYWHERE, Guide, Regions
from nstkit.transfer.style_targets import GramTarget
from nstkit.transfer.taps import TappedEncoder

pytestmark = pytest.mark.usefixtures("one_thread")

CONTENT = photograph("coffee", size=160)[..., :104, :104]  # two scales
HEIGHT, WIDTH = CONTENT.shape[-2:]
STYLES = [paint("stained_glass", height=56, width=88), paint("ink_wash", height=56, width=88)]
FEW = dict.fromkeys(("color1", "relu1_1", "relu2_1"), 1.0)  # layers that are quick
QUICK = {"encoder": "tiny", "style_layers": FEW, "size": 104, "coarsest": 52, "steps": 4, "device": "cpu"}
LEFT = (torch.arange(WIDTH) < WIDTH // 2).float().expand(HEIGHT, WIDTH)
HALVES = torch.stack([LEFT, 1 - LEFT])


def noise(seed, *shape):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


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


@pytest.mark.parametrize("loss", ["gram+moments", "wasserstein"])
def test_a_mask_of_ones_changes_nothing(loss):
    options = QUICK | {"style_loss": loss, "steps": 2}
    plain = stylize(CONTENT, STYLES[0], **options).image
    masked = stylize(CONTENT, STYLES[0], **options, masks=torch.full((1, HEIGHT, WIDTH), 7.0)).image
    assert torch.equal(plain, masked)


@pytest.mark.parametrize("loss", ["gram", "patch"])
def test_each_style_rules_its_own_half(loss):
    side = 104 if loss == "gram" else 44  # patches are slow
    options = QUICK | {"steps": 10, "size": side, "coarsest": side, "style_loss": loss}
    content, halves = CONTENT[..., :side, :side], HALVES[..., :side, 52 - side // 2 : 52 + side // 2]
    options |= {} if loss == "gram" else {"learning_rate": 0.05}
    both = stylize(content, STYLES, **options, masks=halves).image
    first, second = (stylize(content, style, **options).image for style in STYLES)

    def gap(image, region):
        return float(((both - image).abs().mean(1) * region).sum() / region.sum())

    left, right = halves
    assert gap(first, left) < 0.6 * gap(second, left)
    assert gap(second, right) < 0.6 * gap(first, right)


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


# -- the content map and style masks, on small features in float64 --------------------------------------------


OPTIONS = Options(
    encoder="tiny", content_layers={"pixels": 0.7, "color2": 0.3}, style_layers={"color1": 1.0, "relu2_1": 0.5},
    style_weights=(1.0, 3.0), content_weight=2.0, style_weight=30.0, tv_weight=0.0, style_loss="gram", normalize="hw",
    balance="none", style_scale=1.0, size=60, coarsest=60, steps=1, optimizer="adam", learning_rate=0.1, history=2,
    average=0.0, init="content", seed=0, precision="float32", channels_last=False,
)  # fmt: skip
SIZE = (44, 60)
CONTENTS, IMAGE = noise(0, 2, 3, *SIZE), noise(1, 2, 3, *SIZE)
PAINTED = [noise(2, 1, 3, 40, 52).square(), noise(3, 1, 3, 46, 42)]
MAPS = noise(4, 2, *SIZE)
PARTS = (noise(5, 40, 52), noise(6, 46, 42))
LOSSES = ("gram", "centered_gram", "moments", "wasserstein")
MATCHING = ("histogram", "sliced_wasserstein", "patch", "contextual", "relaxed_emd")


@pytest.fixture(scope="module")
def tiny():
    return TappedEncoder(load_encoder("tiny"), ["pixels", "color1", "color2", "relu2_1"]).double()


def objective(tiny, regions=EVERYWHERE, contents=CONTENTS, **change):
    return Objective(tiny, contents, PAINTED, [0.25, 0.75], replace(OPTIONS, **change), regions)


@pytest.mark.parametrize(
    "change", [{}, {"content_loss": "half_sum"}, {"balance": "start"}, {"balance": "gradient"}]
)
@pytest.mark.parametrize("maps", [MAPS, MAPS[:1]], ids=["each", "one"])
def test_the_content_term_is_the_weighted_mean_of_squared_gaps(tiny, change, maps):
    terms = objective(tiny, Regions(content_map=maps), **change).terms(IMAGE)
    expected = 0.0
    for layer, weight in OPTIONS.content_layers.items():
        scale = 2 if layer == "color2" else 1
        for image, content, where in zip(IMAGE, CONTENTS, maps.expand(2, -1, -1), strict=True):
            x, p = (tiny(picture[None])[layer][0].numpy() for picture in (image, content))
            where = where.numpy().reshape(SIZE[0] // scale, scale, SIZE[1] // scale, scale).mean((1, 3))
            squares = np.average(((x - p) ** 2).mean(0), weights=where)
            if "content_loss" in change:
                squares *= x.size / 2
            if change.get("balance") == "start":
                squares /= (p**2).mean()
            if change.get("balance") == "gradient":
                squares /= np.average(np.abs(x - p).mean(0), weights=where)
            expected += weight * squares
    assert float(terms["content"]) == pytest.approx(2 * expected, rel=1e-6)


def test_where_the_map_is_black_the_content_pulls_at_nothing(tiny):
    left = torch.zeros(1, *SIZE, dtype=torch.float64)
    left[..., :24] = 0.3
    options = {"content_layers": {"pixels": 1.0}, "style_layers": {}, "style_weight": 0.0}
    _, gradient = objective(tiny, Regions(content_map=left), **options).value_and_gradient(IMAGE)
    assert float(gradient[..., 24:].abs().max()) == 0
    assert float(gradient[..., :24].abs().min()) > 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("loss", [*LOSSES, *MATCHING])
def test_maps_and_masks_of_ones_change_not_a_bit(loss, dtype):
    encoder = TappedEncoder(load_encoder("tiny"), ["pixels", "color1", "color2", "relu2_1"]).to(dtype)
    encoder = encoder.to(memory_format=torch.channels_last)
    ones = Regions(
        content_map=torch.ones(1, *SIZE, dtype=dtype),
        style_masks=tuple(torch.ones(s.shape[-2:], dtype=dtype) for s in PAINTED),
        masks=torch.ones(2, *SIZE, dtype=dtype) if loss in MATCHING else None,  # the others mix styles
    )
    found = [
        Objective(
            encoder, CONTENTS.to(dtype), [s.to(dtype) for s in PAINTED], [0.25, 0.75],
            replace(OPTIONS, style_loss=loss), regions,
        ).value_and_gradient(IMAGE.to(dtype))
        for regions in (EVERYWHERE, ones)
    ]  # fmt: skip
    assert all(torch.equal(found[0][0][name], found[1][0][name]) for name in found[0][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("loss", MATCHING)
def test_where_no_mask_is_the_style_pulls_at_nothing(tiny, loss):
    """At a layer of single pixels; interpolated points reach one pixel further."""
    masks = torch.zeros(2, *SIZE, dtype=torch.float64)
    masks[0, :, :24], masks[1, 8:30, :24] = 1, 0.7
    options = {
        "content_layers": {},
        "content_weight": 0.0,
        "style_layers": {"color1": 1.0},
        "style_loss": loss,
    }
    _, gradient = objective(tiny, Regions(masks=masks), **options).value_and_gradient(IMAGE)
    assert float(gradient[..., 25 if loss == "relaxed_emd" else 24 :].abs().max()) == 0
    assert float(gradient[..., :24].abs().sum((1, 2, 3)).min()) > 0


def targets(maps, sources, guide=None):
    weights = [0.25, 0.75]
    yield GramTarget(maps, weights, guide=guide, sources=sources)
    yield GramTarget(maps, weights, normalize="chw", centered=True, guide=guide, sources=sources)
    yield GramTarget(maps, weights, guide=guide, sources=sources, scaled=True)
    yield MomentsTarget(maps, weights, guide, sources)
    yield WassersteinTarget(maps[0], guide, sources[0] if sources else None)


@pytest.mark.parametrize("guide", [None, Guide(mask_of(6, 8))], ids=["everywhere", "masked"])
def test_a_style_mask_repeats_each_place_as_its_square_says(guide):
    """The statistics of a masked style are those of a style in which places occur 0 to 3 times."""
    maps = [noise(7, 2, 5, 4, 7), noise(8, 2, 5, 3, 9)]
    counts = [torch.arange(28).remainder(4), torch.arange(27).remainder(3)]
    repeated = [f.flatten(2).repeat_interleave(n, 2)[:, :, None] for f, n in zip(maps, counts, strict=True)]
    sources = [Guide(n.double().sqrt().view(f.shape[2:])) for f, n in zip(maps, counts, strict=True)]
    for masked, plain in zip(targets(maps, sources, guide), targets(repeated, None, guide), strict=True):
        torch.testing.assert_close(
            masked.gap(features(), Draw()), plain.gap(features(), Draw()), rtol=1e-9, atol=0
        )


def test_masks_on_both_sides_are_full_spatial_guidance():
    here, there = mask_of(6, 8), noise(9, 4, 7)
    target = GramTarget([style()], [1.0], guide=Guide(here), sources=[Guide(there)])
    gap = guided_gram(features(), here) - guided_gram(style(), there)
    torch.testing.assert_close(
        target.gap(features(), Draw()), gap.square().sum((1, 2)) / 100, rtol=1e-10, atol=0
    )


def test_contents_of_one_batch_have_maps_of_their_own(tiny):
    together, gradient = objective(tiny, Regions(content_map=MAPS), balance="start").value_and_gradient(IMAGE)
    alone = [
        objective(tiny, Regions(content_map=MAPS[k : k + 1]), CONTENTS[k : k + 1], balance="start").value_and_gradient(
            IMAGE[k : k + 1]
        )
        for k in range(2)
    ]  # fmt: skip
    assert float(together["content"]) == pytest.approx(sum(float(t["content"]) for t, _ in alone), rel=1e-9)
    torch.testing.assert_close(gradient, torch.cat([g for _, g in alone]), rtol=1e-8, atol=1e-12)


# -- whole transfers -------------------------------------------------------------------------------------------


def test_a_style_mask_picks_what_is_read():
    """A style that is half one painting, half another, masked, comes to what the painting alone comes to."""
    options = QUICK | {"steps": 12, "coarsest": 104}
    pasted = torch.cat(STYLES, 3)
    part = (torch.arange(176) < 88).float().expand(1, 56, 176)
    for k, mask in enumerate((part, 1 - part)):
        masked = stylize(CONTENT, pasted, **options, style_masks=[mask]).image
        own, other = (stylize(CONTENT, STYLES[n], **options).image for n in (k, 1 - k))
        assert float((masked - own).abs().mean()) < 0.4 * float((masked - other).abs().mean())


def test_the_content_map_keeps_what_it_shows():
    options = QUICK | {"steps": 7, "coarsest": 104, "content_weight": 30.0}
    images = [stylize(CONTENT, STYLES[0], **options, content_map=where[None]).image for where in HALVES]
    gaps = [(luma(image) - luma(CONTENT)).square()[0, 0] for image in images]
    for where, here, there in ((HALVES[0], *gaps), (HALVES[1], *gaps[::-1])):
        assert float((here * where).sum()) < 0.7 * float((there * where).sum())


CONTROLLED = {"content_map": LEFT[None], "style_masks": [None, STYLES[1][0, 0]], "masks": HALVES}


def test_a_controlled_run_that_was_stopped_ends_where_it_would_have(tmp_path):
    whole = stylize(CONTENT, STYLES, **QUICK, **CONTROLLED)
    half = stylize(CONTENT, STYLES, **QUICK, **CONTROLLED, on_step=lambda s: s.done == 5)
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors")
    stored = load_checkpoint(tmp_path / "half.safetensors")
    assert torch.equal(stylize(CONTENT, STYLES, **QUICK, **CONTROLLED, resume=stored).image, whole.image)
    for change in ({"content_map": 1 - LEFT[None]}, {"style_masks": [STYLES[0][0, 0], None]}):
        with pytest.raises(ValueError, match="give the same content, styles, masks and content_map"):
            stylize(CONTENT, STYLES, **QUICK, **CONTROLLED | change, resume=stored)


def test_the_same_mask_in_another_place_is_another_run():
    half = stylize(CONTENT, STYLES[0], **QUICK, masks=LEFT[None], on_step=lambda s: True).checkpoint
    with pytest.raises(ValueError, match="the stored run had other pictures"):
        stylize(CONTENT, STYLES[0], **QUICK, content_map=LEFT[None], resume=half)


@pytest.mark.parametrize(("given", "words"), [
    ({"content_map": LEFT}, rf"content_map: expected \(1, {HEIGHT}, {WIDTH}\), of the content's size, got \("),
    ({"content_map": LEFT[None, :, 1:]}, "content_map: expected "),
    ({"content_map": 0 * LEFT[None]}, "content_map: expected a number above 0 somewhere, got zeros only"),
    ({"content_map": LEFT[None] - 0.1}, "content_map: expected finite numbers of at least 0"),
    ({"content_map": 255 * LEFT[None]}, "content_map: expected numbers from 0 to 1, got 255"),
    ({"content_map": LEFT[None], "content_loss": "self_similarity"},
     "content_map: expected content_loss features or half_sum, got 'self_similarity'"),
    ({"style_masks": [None]}, "style_masks: expected one for each style, 2, got 1; None is all of it"),
    ({"style_masks": [None, LEFT]}, r"style_masks\[1\]: expected \(56, 88\), of the style's own size, got \("),
    ({"style_masks": [torch.zeros(56, 88), None]}, r"style_masks\[0\]: expected a number above 0 somewhere"),
])  # fmt: skip
def test_maps_and_style_masks_that_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        stylize(CONTENT, STYLES, **QUICK, **given)


def test_style_masks_that_are_none_are_no_style_masks():
    half = stylize(
        CONTENT, STYLES, **QUICK, style_loss="histogram", style_masks=[None, None], on_step=lambda s: True
    )
    stylize(CONTENT, STYLES, **QUICK, style_loss="histogram", resume=half.checkpoint, on_step=lambda s: True)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_same_terms_on_the_gpu(tiny):
    regions = Regions(content_map=MAPS, style_masks=PARTS)
    _, here = objective(tiny, regions).value_and_gradient(IMAGE)
    place = torch.device("cuda")
    there = copy.deepcopy(tiny).to(place)
    moved = regions.each(lambda mask: mask.to(place))
    arguments = (CONTENTS.to(place), [s.to(place) for s in PAINTED], [0.25, 0.75], OPTIONS, moved)
    _, gradient = Objective(there, *arguments).value_and_gradient(IMAGE.to(place))
    torch.testing.assert_close(gradient.cpu(), here, rtol=1e-6, atol=1e-9)
