"""A picture read in tiles has the terms and the gradient of the whole picture, up to rounding."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from nstkit.encoders import Encoder, load_encoder, repeat_border
from nstkit.transfer import stylize
from nstkit.transfer.objective import Objective
from nstkit.transfer.options import Options
from nstkit.transfer.regions import EVERYWHERE, Regions
from nstkit.transfer.taps import TappedEncoder
from nstkit.transfer.tiled_objective import TiledObjective
from nstkit.transfer.tiles import Reach, views

CONTENT, STYLE = ("luma2", "relu2"), ("color1", "color4", "relu1", "relu2", "deep", "luma4")
PLAIN = Options(
    encoder="toy", content_layers=dict.fromkeys(CONTENT, 0.5), style_layers=dict.fromkeys(STYLE, 0.2),
    style_weights=(1.0,), content_weight=1.0, style_weight=30.0, tv_weight=0.1, style_loss="gram", normalize="hw",
    content_loss="features", balance="start", style_scale=1.0, size=90, coarsest=90, steps=1, optimizer="lbfgs",
    learning_rate=1.0, history=10, average=0.0, init="content", seed=0, precision="float32", channels_last=False,
)  # fmt: skip
TILED = replace(PLAIN, tile=56)
SIZE = (87, 70)  # no multiple of any stride


@pytest.fixture(scope="module")
def encoder():
    """Every kind of window that the encoders have: padded, strided without padding, overlapping, rounded up."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        modules = {
            "conv1": nn.Conv2d(3, 5, 3, padding=1),
            "relu1": nn.ReLU(),
            "pool1": nn.AvgPool2d(4, stride=2, padding=1),
            "conv2": nn.Conv2d(5, 7, 3, padding=1),
            "relu2": nn.ReLU(),
            "pool2": nn.MaxPool2d(3, stride=2, ceil_mode=True),
            "deep": nn.Conv2d(7, 6, 3, stride=2),
        }
        network = Encoder("toy", modules, mean=[0.5] * 3, deviation=[0.25] * 3)
    return TappedEncoder(network, [*CONTENT, *STYLE]).double()


def noise(seed, *shape):
    return torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


CONTENTS, STYLES, IMAGE = (
    noise(0, 2, 3, *SIZE),
    [noise(1, 1, 3, 64, 75).square(), noise(2, 1, 3, 90, 61)],
    noise(4, 2, 3, *SIZE),
)


def both(encoder, options, styles=1, regions=EVERYWHERE):
    arguments = (encoder, CONTENTS, STYLES[:styles], [1 / styles] * styles)
    whole = Objective(*arguments, replace(options, tile=None), regions)
    tiled = TiledObjective(*arguments, options, regions)
    assert len(tiled._views) > 4
    return whole.value_and_gradient(IMAGE), tiled.value_and_gradient(IMAGE)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({}, id="gram"),
        pytest.param({"style_loss": "centered_gram", "normalize": "chw"}, id="centered_gram"),
        pytest.param({"style_loss": "moments", "balance": "none"}, id="moments"),
        pytest.param({"style_loss": "wasserstein"}, id="wasserstein"),
        pytest.param({"content_loss": "half_sum", "balance": "none"}, id="half_sum"),
        pytest.param({"tv_loss": "nine_point"}, id="nine_point"),
        pytest.param(
            {"style_loss": {k: "gram+moments" if k == "relu1" else "gram" for k in STYLE}}, id="mixed"
        ),
    ],
)
def test_terms_and_gradient_are_those_of_the_whole(encoder, change):
    (terms, gradient), (tiled_terms, tiled_gradient) = both(encoder, replace(TILED, **change), styles=2)
    assert terms.keys() == tiled_terms.keys()
    for name, term in terms.items():
        torch.testing.assert_close(tiled_terms[name], term, rtol=1e-7, atol=0)
    torch.testing.assert_close(tiled_gradient, gradient, rtol=0, atol=1e-7 * gradient.abs().max().item())


def test_a_repeated_border_is_the_pictures_own(encoder):
    """What a tile repeats at its inner edges lies in its halo and reaches no feature of its core."""
    repeated = TappedEncoder(repeat_border(encoder.encoder), [*CONTENT, *STYLE]).double()
    (terms, gradient), (tiled_terms, tiled) = both(repeated, TILED, styles=2)
    for name, term in terms.items():
        torch.testing.assert_close(tiled_terms[name], term, rtol=1e-7, atol=0)
    torch.testing.assert_close(tiled, gradient, rtol=0, atol=1e-9 * gradient.abs().max().item())
    (_, zeros), _ = both(encoder, TILED, styles=2)
    assert (zeros - gradient).abs().max() > 1e-3 * gradient.abs().max()


def test_masks_are_cut_along(encoder):
    left = torch.zeros(SIZE, dtype=torch.float64)
    left[:, :33] = 1
    (_, gradient), (_, tiled) = both(encoder, TILED, styles=2, regions=Regions(torch.stack([left, 1 - left])))
    torch.testing.assert_close(tiled, gradient, rtol=0, atol=1e-9 * gradient.abs().max().item())


@pytest.mark.parametrize("change", [
    {}, {"content_loss": "half_sum", "balance": "none"}, {"style_loss": "centered_gram"}, {"style_loss": "moments"},
    {"style_loss": "wasserstein"},
])  # fmt: skip
def test_maps_and_style_masks_are_cut_along(encoder, change):
    regions = Regions(
        masks=noise(7, 2, *SIZE), content_map=noise(8, 2, *SIZE), style_masks=(None, noise(9, 90, 61))
    )
    (terms, gradient), (tiled_terms, tiled) = both(
        encoder, replace(TILED, **change), styles=2, regions=regions
    )
    for name, term in terms.items():
        torch.testing.assert_close(tiled_terms[name], term, rtol=1e-7, atol=0)
    torch.testing.assert_close(tiled, gradient, rtol=0, atol=1e-7 * gradient.abs().max().item())
    _, (_, plain) = both(encoder, replace(TILED, **change), styles=2)
    assert (plain - tiled).abs().max() > 1e-3 * gradient.abs().max()


@pytest.mark.parametrize("layer", ["relu2", "deep"])
def test_a_reach_is_where_a_feature_looks(encoder, layer):
    """Rows of pixels that the gradient of a feature in the middle reaches are rows that it reads."""
    network = encoder.encoder
    x = noise(5, 1, 3, 64, 64).requires_grad_()
    features = network(x, [layer])[layer]
    at = features.shape[-1] // 2
    (slope,) = torch.autograd.grad(features[0, :, at, at].square().sum() + features[0, :, at, at].sum(), x)
    rows = slope.abs().sum((0, 1, 3)).nonzero().flatten().tolist()
    reach = Reach()
    for window in [(3, 1, 1), (4, 2, 1), (3, 1, 1)] + ([(3, 2, 0), (3, 2, 0)] if layer == "deep" else []):
        reach = reach.through(*window)
    first = at * reach.jump - reach.before
    assert first <= rows[0]
    assert rows[-1] <= first + reach.extent - 1
    assert rows[-1] - rows[0] >= reach.extent - 4  # a maximum and a ReLU look away from some pixels


def test_cores_share_out_every_map(encoder):
    """Each feature of each layer belongs to exactly one view."""
    whole = encoder(IMAGE[:1])
    layers = [*CONTENT, *STYLE]
    counts = {name: torch.zeros(f.shape[-2:]) for name, f in whole.items()}
    for view in views(encoder, layers, SIZE, 56):
        part = encoder(IMAGE[:1, :, view.rows, view.columns], view.layers)
        assert max(IMAGE[0, 0, view.rows, view.columns].shape) <= 56 or view.layers == ("luma2", "luma4")
        for name, (rows, columns) in view.cores.items():
            core, (top, left) = part[name][..., rows, columns], view.starts[name]
            place = (..., slice(top, top + core.shape[-2]), slice(left, left + core.shape[-1]))
            torch.testing.assert_close(core, whole[name][place], rtol=1e-12, atol=1e-14)
            counts[name][place] += 1
    assert all((count == 1).all() for count in counts.values())


def test_no_seam_shows_in_the_gradient(encoder):
    """Beside a border of tiles the gradient differs from the whole picture's by no more than elsewhere: rounding."""
    (_, gradient), (_, tiled) = both(encoder, TILED)
    error = (tiled - gradient).abs().sum((0, 1)) / gradient.abs().max()
    seams = torch.zeros(SIZE, dtype=torch.bool)
    for view in views(encoder, list(STYLE), SIZE, 56):
        if "relu1" in view.starts:  # at full size its places are pixels
            top, left = view.starts["relu1"]
            seams[max(0, top - 2) : top + 2] = top > 0
            seams[:, max(0, left - 2) : left + 2] |= left > 0
    assert seams.any()
    assert error[seams].max() < 1e-12
    assert error.max() < 1e-12


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"style_loss": "patch"}, r"tile: expected style losses of moments, gram, .*got 'patch' for relu1"),
        ({"content_loss": "self_similarity"}, "tile: expected another content_loss"),
        ({"balance": "gradient"}, "tile: expected balance start or none, got 'gradient'"),
        ({"normalize": "none"}, "tile: expected normalize hw or chw, got 'none'"),
        ({"tile": 30}, r"tile: expected at least \d+ pixels for these layers, got 30"),
    ],
)
def test_what_cannot_be_gathered_from_tiles_is_refused(encoder, change, said):
    if "style_loss" in change:
        change = change | {"style_layers": {"relu1": 1.0}}
    with pytest.raises(ValueError, match=said):
        TiledObjective(encoder, CONTENTS, STYLES[:1], [1.0], replace(TILED, **change))


def test_a_transfer_in_tiles_ends_where_the_whole_one_does_and_resumes_exactly():
    encoder = load_encoder("tiny")
    layers = {"relu1_1": 1.0, "relu2_1": 1.0}
    arguments = {
        "encoder": encoder, "size": 120, "coarsest": 120, "steps": 4, "content_layers": {"luma2": 1.0},
        "style_layers": layers, "device": "cpu",
    }  # fmt: skip
    content, style = CONTENTS[:1].float(), STYLES[1].float()
    whole, tiled = stylize(content, style, **arguments), stylize(content, style, tile=64, **arguments)
    assert (tiled.image - whole.image).abs().mean() < 1e-4  # L-BFGS enlarges what float32 rounds
    assert whole.losses["style"] < 25  # it started at 30
    stopped = stylize(content, style, tile=64, on_step=lambda step: step.done == 2, **arguments)
    resumed = stylize(content, style, tile=64, resume=stopped.checkpoint, **arguments)
    assert torch.equal(resumed.image, tiled.image)


def test_no_seam_shows_in_a_finished_picture():
    """Steps between neighbouring pixels across a border of tiles are those of the picture that was read whole."""
    encoder, layers = load_encoder("tiny"), ["relu1_1", "relu2_1"]
    arguments = {
        "encoder": encoder, "size": 120, "coarsest": 120, "steps": 12, "content_layers": {"luma2": 1.0},
        "style_layers": dict.fromkeys(layers, 1.0), "device": "cpu", "optimizer": "adam", "init": "noise",
    }  # fmt: skip
    content, style = CONTENTS[:1].float(), STYLES[1].float()
    whole, tiled = (stylize(content, style, tile=tile, **arguments).image for tile in (None, 64))
    assert whole.diff(dim=2).abs().mean() > 0.01  # there is something in which a seam could hide
    cut = TappedEncoder(encoder, layers)
    size = (whole.shape[-2], whole.shape[-1])
    borders = [view.starts["relu1_1"] for view in views(cut, layers, size, 64)]  # its places are pixels
    for axis in (0, 1):
        seams = sorted({start[axis] for start in borders} - {0})
        assert seams
        steps, expected = (image.diff(dim=2 + axis).abs().mean((0, 1, 3 - axis)) for image in (tiled, whole))
        across = torch.zeros(len(steps), dtype=torch.bool)
        across[[seam - 1 for seam in seams]] = True  # entry k is the step from pixel k to k + 1
        for which in (across, ~across):
            torch.testing.assert_close(steps[which].mean(), expected[which].mean(), rtol=1e-3, atol=0)
        assert (steps[across] - expected[across]).abs().max() < 1e-3 * expected.mean()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_tiles_on_a_gpu_agree_with_the_whole_picture_there(encoder):
    place = torch.device("cuda")
    there = encoder.to(place)
    try:
        arguments = (there, CONTENTS.to(place), [STYLES[0].to(place)], [1.0])
        _, gradient = Objective(*arguments, PLAIN).value_and_gradient(IMAGE.to(place))
        _, tiled = TiledObjective(*arguments, TILED).value_and_gradient(IMAGE.to(place))
    finally:
        encoder.cpu()
    torch.testing.assert_close(tiled, gradient, rtol=0, atol=1e-9 * gradient.abs().max().item())
