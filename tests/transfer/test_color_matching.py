"""Colours before the transfer: the content takes the styles' histograms, or their mean and covariance."""

import numpy as np
import pytest
import torch

from nstkit.encoders import load_encoder
from nstkit.images import photograph
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.color_matching import COLOR_MATCHERS, match_colors, palette_of
from nstkit.transfer.recipes import TINY
from nstkit.transfer.run import Run
from nstkit.transfer.settled import settled_options, tapped

pytestmark = pytest.mark.usefixtures("one_thread")

CONTENT = photograph("chelsea", size=160)[..., :104, :104]  # two scales
STYLE = paint("stained_glass", height=56, width=88)
FEW = dict.fromkeys(("color1", "relu1_1", "relu2_1"), 1.0)  # layers that are quick
QUICK = {"encoder": "tiny", "style_layers": FEW, "size": 104, "coarsest": 52, "steps": 2, "device": "cpu"}


def noise(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def ranked(source, reference):
    """What has the k-th largest value gets the reference's k-th largest: as many pixels, no two alike."""
    result = np.empty_like(source)
    for channel, wanted, out in zip(source, reference, result, strict=True):
        out.flat[np.argsort(channel, axis=None)] = np.sort(wanted, axis=None)
    return result


def test_histogram_gives_every_image_of_a_batch_the_palettes_histograms():
    images, palette = noise(0, 2, 3, 20, 30), noise(1, 1, 3, 25, 24).square()
    matched = match_colors(images, palette, "histogram")
    for image, found in zip(images, matched, strict=True):
        np.testing.assert_allclose(found.numpy(), ranked(image.numpy(), palette[0].numpy()), atol=1e-6)


def test_covariance_gives_them_its_mean_and_covariance():
    images, palette = noise(0, 2, 3, 20, 30), 0.4 + 0.1 * noise(1, 1, 3, 25, 14) @ noise(2, 14, 14) / 14
    wanted = palette[0].flatten(1).numpy()
    for found in match_colors(images, palette, "covariance"):
        pixels = found.flatten(1).numpy()
        assert 0 < pixels.min() < pixels.max() < 1  # nothing is clipped
        np.testing.assert_allclose(pixels.mean(1), wanted.mean(1), atol=1e-5)
        np.testing.assert_allclose(np.cov(pixels, bias=True), np.cov(wanted, bias=True), atol=1e-6)


def test_the_palette_of_one_style_is_the_style():
    assert palette_of([STYLE], [1.0]) is STYLE
    assert palette_of([1 - STYLE, STYLE], [0.0, 1.0], [None, None]) is STYLE


def test_several_styles_share_a_palette_by_weight_whatever_their_sizes():
    first, second = noise(0, 1, 3, 20, 31), noise(1, 1, 3, 7, 11).square()
    palette = palette_of([first, second], [0.25, 0.75])[0, :, 0].numpy()
    pixels = np.concatenate([first[0].flatten(1).numpy(), second[0].flatten(1).numpy()], 1)
    weights = np.repeat([0.25 / 620, 0.75 / 77], [620, 77])
    np.testing.assert_allclose(palette.mean(1), pixels @ weights, atol=1e-4)
    np.testing.assert_allclose(
        np.cov(palette, bias=True), np.cov(pixels, aweights=weights, ddof=0), atol=1e-4
    )
    for level in (0.2, 0.5, 0.9):
        np.testing.assert_allclose((palette < level).mean(1), (pixels < level) @ weights, atol=1e-4)


def test_of_a_masked_style_each_pixel_counts_as_its_squared_mask():
    style, counts = noise(0, 1, 3, 20, 31), np.arange(620) % 4
    part = torch.from_numpy(np.sqrt(counts)).float().view(20, 31)
    palette = palette_of([style], [1.0], [part])[0, :, 0].numpy()
    repeated = np.repeat(style[0].flatten(1).numpy(), counts, axis=1)
    np.testing.assert_allclose(palette.mean(1), repeated.mean(1), atol=1e-4)
    np.testing.assert_allclose(np.cov(palette, bias=True), np.cov(repeated, bias=True), atol=1e-4)


def first_image(content, start=None, **asked):
    """What a run starts from, at a single scale of the content's size."""
    fields = dict.fromkeys(
        ("content_layers", "style_weight", "content_weight", "tv_weight", "normalize", "balance", "content_loss",
         "style_loss", "optimizer", "learning_rate", "average", "preserve_color", "tile", "init", "scale_factor",
         "first_steps", "carry_over", "beta2", "border", "tv_loss", "patch_sizes", "patch_turns"),
    ) | {
        "encoder": "tiny", "style_layers": {"color1": 1.0}, "style_weights": (1.0,), "style_scale": 1.0, "size": 104,
        "coarsest": 104, "steps": 1, "history": 2, "seed": 0, "precision": "float32", "channels_last": False,
    }  # fmt: skip
    options = settled_options(TINY, torch.device("cpu"), **fields | asked)
    encoder = tapped(load_encoder("tiny"), options, torch.device("cpu"))
    return Run(encoder, content, [STYLE], start, options, None).x


def test_a_run_starts_from_the_recoloured_content_or_image():
    both = torch.cat([CONTENT, 1 - CONTENT])
    for how in COLOR_MATCHERS:
        x = first_image(both, match_color=how)
        torch.testing.assert_close(x, match_colors(both, STYLE, how), rtol=0, atol=1e-6)
        x = first_image(CONTENT, CONTENT.flip(3).sqrt(), match_color=how, init=CONTENT)
        torch.testing.assert_close(x, match_colors(CONTENT.flip(3).sqrt(), STYLE, how), rtol=0, atol=1e-6)
    assert torch.equal(first_image(CONTENT, match_color=how, init="gray"), torch.full_like(CONTENT, 0.5))


def palette_gap(image):
    """Distance of the sorted channels, at the same shares."""
    found, wanted = (
        np.quantile(picture[0].flatten(1).numpy(), np.linspace(0, 1, 99), axis=1)
        for picture in (image, STYLE)
    )
    return np.abs(found - wanted).mean()


def test_the_colours_land_at_once():
    options = QUICK | {"steps": 1, "coarsest": 104}
    gaps = {
        how: palette_gap(stylize(CONTENT, STYLE, **options, match_color=how).image)
        for how in (None, *COLOR_MATCHERS)
    }
    assert gaps["histogram"] < 0.5 * gaps[None]
    assert gaps["covariance"] < 0.6 * gaps[None]


def test_a_run_that_was_stopped_ends_where_it_would_have(tmp_path):
    arguments = QUICK | {"match_color": "histogram", "tile": None, "style_masks": [STYLE[0, 0]]}
    whole = stylize(CONTENT, STYLE, **arguments)
    half = stylize(CONTENT, STYLE, **arguments, on_step=lambda s: s.done == 3)
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors")
    stored = load_checkpoint(tmp_path / "half.safetensors")
    assert torch.equal(stylize(CONTENT, STYLE, **arguments, resume=stored).image, whole.image)
    with pytest.raises(ValueError, match="resume: the stored run has match_color='histogram', this one None"):
        stylize(CONTENT, STYLE, **arguments | {"match_color": None}, resume=stored)


def test_a_checkpoint_from_before_the_option_existed_can_be_resumed():
    half = stylize(CONTENT, STYLE, **QUICK, on_step=lambda s: s.done == 1)
    options = {k: v for k, v in half.checkpoint["options"].items() if k != "match_color"}
    resumed = stylize(CONTENT, STYLE, **QUICK, resume={**half.checkpoint, "options": options})
    assert torch.equal(resumed.image, stylize(CONTENT, STYLE, **QUICK).image)


@pytest.mark.parametrize(("given", "words"), [
    ({"match_color": "histogramm"}, "match_color: expected one of histogram, covariance, got 'histogramm'; did you"),
    ({"match_color": "covariance", "preserve_color": "luminance"},
     "match_color: expected no preserve_color beside it, got 'luminance'"),
    ({"match_color": "covariance", "masks": torch.ones(1, 104, 104)},
     "match_color: expected no masks beside it, got 'covariance'"),
])  # fmt: skip
def test_mistakes(given, words):
    with pytest.raises(ValueError, match=words):
        stylize(CONTENT, STYLE, **QUICK, **given)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_same_colours_on_the_gpu():
    for how in COLOR_MATCHERS:
        palette = palette_of([STYLE, 1 - STYLE], [0.3, 0.7])
        there = match_colors(CONTENT.cuda(), palette_of([STYLE.cuda(), 1 - STYLE.cuda()], [0.3, 0.7]), how)
        torch.testing.assert_close(there.cpu(), match_colors(CONTENT, palette, how), rtol=0, atol=1e-5)
