"""Keeping colours: what each way does to the pictures, and what a whole transfer then keeps."""

import numpy as np
import pytest
import torch
from skimage.exposure import match_histograms as oracle

from nstkit.color import rgb_to_yiq
from nstkit.images import photograph, resize
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.color_keeping import COLOR_KEEPERS, prepare_colors, restore_colors

pytestmark = pytest.mark.usefixtures("one_thread")

CONTENT = photograph("chelsea", size=160)[..., :104, :104]  # two scales
STYLE = paint("stained_glass", height=56, width=88)
FEW = dict.fromkeys(("color1", "relu1_1", "relu2_1"), 1.0)  # layers that are quick
QUICK = {"encoder": "tiny", "style_layers": FEW, "size": 104, "coarsest": 52, "steps": 3, "device": "cpu"}


def chroma_gap(image, content=CONTENT):
    return float((rgb_to_yiq(image) - rgb_to_yiq(content))[:, 1:].square().mean().sqrt())


def test_nothing_is_prepared_or_restored_unless_asked():
    content, styles = prepare_colors(CONTENT, [STYLE], None)
    assert content is CONTENT
    assert styles[0] is STYLE
    assert restore_colors(STYLE, CONTENT, None) is STYLE


def test_luminance_makes_all_gray_with_the_contents_mean_and_deviation():
    content, (style,) = prepare_colors(CONTENT, [STYLE], "luminance")
    for image in (content, style):
        assert float((image.amax(1) - image.amin(1)).max()) < 1e-6
    assert float(style.mean()) == pytest.approx(float(content.mean()), abs=2e-3)
    assert float(style.std()) == pytest.approx(float(content.std()), abs=5e-3)  # a few pixels are clipped


def test_histogram_agrees_with_scikit_image():
    content, (style,) = prepare_colors(CONTENT, [STYLE], "histogram")
    assert content is CONTENT
    expected = oracle(STYLE[0].numpy(), CONTENT[0].numpy(), channel_axis=0)
    np.testing.assert_allclose(style[0].numpy(), expected, atol=1e-6)


def test_covariance_gives_the_style_the_contents_mean_and_covariance():
    _, (style,) = prepare_colors(CONTENT, [STYLE], "covariance")
    pixels, wanted = style[0].flatten(1), CONTENT[0].flatten(1)
    torch.testing.assert_close(pixels.mean(1), wanted.mean(1), rtol=0, atol=2e-3)
    torch.testing.assert_close(torch.cov(pixels), torch.cov(wanted), rtol=0, atol=1e-3)


def test_every_content_of_a_batch_gets_a_style_of_its_own():
    both = torch.cat([CONTENT, 1 - CONTENT])
    for how in COLOR_KEEPERS:
        _, (style,) = prepare_colors(both, [STYLE], how)
        alone = [prepare_colors(image[None], [STYLE], how)[1][0] for image in both]
        torch.testing.assert_close(style, torch.cat(alone), rtol=0, atol=1e-5)


def test_luminance_returns_the_contents_colours_exactly_but_for_clipping():
    content = 0.4 + 0.2 * CONTENT
    image = 0.45 + 0.1 * torch.rand(1, 3, 30, 40, generator=torch.Generator().manual_seed(0))
    shown = restore_colors(image, content, "luminance")
    small = resize(content, (30, 40))
    assert chroma_gap(shown, small) < 1e-6
    torch.testing.assert_close(rgb_to_yiq(shown)[:, 0], rgb_to_yiq(image)[:, 0], rtol=0, atol=1e-6)


def test_a_transfer_keeps_the_colours_it_was_asked_to_keep():
    gaps = {
        how: chroma_gap(stylize(CONTENT, STYLE, **QUICK, preserve_color=how).image, CONTENT)
        for how in (None, *COLOR_KEEPERS)
    }
    assert gaps["luminance"] < 0.02
    assert max(gaps["histogram"], gaps["covariance"]) < 0.7 * gaps[None]


def test_steps_show_the_kept_colours_too():
    seen = []
    result = stylize(
        CONTENT, STYLE, **QUICK, preserve_color="luminance", on_step=lambda s: seen.append(s.image())
    )
    assert torch.equal(seen[-1], result.image)
    assert chroma_gap(seen[0], resize(CONTENT, seen[0].shape[-2:]).clamp(0, 1)) < 0.02


@pytest.mark.parametrize("how", COLOR_KEEPERS)
@pytest.mark.parametrize("stop", [2, 4])
def test_a_run_that_was_stopped_ends_where_it_would_have(how, stop, tmp_path):
    whole = stylize(CONTENT, STYLE, **QUICK, preserve_color=how)
    half = stylize(CONTENT, STYLE, **QUICK, preserve_color=how, on_step=lambda s: s.done == stop)
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors")
    stored = load_checkpoint(tmp_path / "half.safetensors")
    resumed = stylize(CONTENT, STYLE, **QUICK, preserve_color=how, resume=stored)
    assert torch.equal(resumed.image, whole.image)
    with pytest.raises(ValueError, match=f"resume: the stored run has preserve_color='{how}', this one None"):
        stylize(CONTENT, STYLE, **QUICK, resume=stored)


def test_a_checkpoint_from_before_the_option_existed_can_be_resumed():
    half = stylize(CONTENT, STYLE, **QUICK, on_step=lambda s: s.done == 2)
    options = {k: v for k, v in half.checkpoint["options"].items() if k != "preserve_color"}
    resumed = stylize(CONTENT, STYLE, **QUICK, resume={**half.checkpoint, "options": options})
    assert torch.equal(resumed.image, stylize(CONTENT, STYLE, **QUICK).image)


def test_another_name_is_refused():
    words = "preserve_color: expected one of luminance, histogram, covariance, got 'luma'; did you mean 'luminance'"
    with pytest.raises(ValueError, match=words):
        stylize(CONTENT, STYLE, **QUICK, preserve_color="luma")
