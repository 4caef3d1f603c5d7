"""Each published recipe against its paper's objective, written out on a small network; and what it defaults to."""

import copy
import itertools

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch import nn

from nstkit.encoders import Encoder, load_encoder
from nstkit.images import resize
from nstkit.transfer import stylize
from nstkit.transfer.column_targets import POINTS, STYLE_POINTS, points
from nstkit.transfer.draws import Draw
from nstkit.transfer.recipes import PUBLISHED, fitted
from nstkit.transfer.style_copies import turned

pytestmark = pytest.mark.usefixtures("one_thread")

CONVOLUTIONS = (2, 2, 3, 3, 3)  # per block


@pytest.fixture(scope="module")
def network():
    """VGG-16's layers, narrow, with 4, 5, 6, 7 and 8 channels."""
    torch.manual_seed(0)
    modules, channels = {}, 3
    for block, count in enumerate(CONVOLUTIONS, 1):
        for k in range(1, count + 1):
            modules[f"conv{block}_{k}"] = nn.Conv2d(channels, channels := block + 3, 3, padding=1)
            modules[f"relu{block}_{k}"] = nn.ReLU()
        modules[f"pool{block}"] = nn.AvgPool2d(2)
    return Encoder("toy", modules, mean=[0.5] * 3, deviation=[0.25] * 3)


def image(seed, height, width):
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(seed))


CONTENT, STYLE, START = image(0, 44, 52), image(1, 44, 52) ** 2, image(2, 44, 52)


def first_losses(recipe, network, **options):
    seen = []
    stylize(
        CONTENT, STYLE, recipe=recipe, encoder=network, size=52, coarsest=52, steps=1, init=START, device="cpu",
        precision="float32", on_step=lambda s: seen.append(s.losses), **options,
    )  # fmt: skip
    return seen[0]


def arrays(network, picture):
    with torch.no_grad():
        found = {name: map_[0].double().numpy() for name, map_ in network(picture).items()}
    return found | {"pixels": picture[0].double().numpy()}


def three(network):
    return (arrays(network, picture) for picture in (START, CONTENT, STYLE))


def gram(map_, divisor):
    flat = map_.reshape(len(map_), -1)
    return np.array([[a @ b for b in flat] for a in flat]) / divisor


def test_gatys(network):
    x, p, a = three(network)
    content = 0.5 * np.sum((x["relu4_2"] - p["relu4_2"]) ** 2)
    style = 0.0
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"):
        n, m = len(x[layer]), x[layer][0].size
        style += np.sum((gram(x[layer], 1) - gram(a[layer], 1)) ** 2) / (4 * n**2 * m**2) / 5
    losses = first_losses("gatys2016", network)
    assert losses["content"] == pytest.approx(content, rel=1e-4)
    assert losses["style"] == pytest.approx(1000 * style, rel=1e-3)  # α/β = 1e-3


def test_johnson():
    vgg = load_encoder("vgg16", weights="random", seed=2).cut(["relu4_3"])
    x, p, a = three(vgg)
    content = np.mean((x["relu2_2"] - p["relu2_2"]) ** 2)
    style = 0.0
    for layer in ("relu1_2", "relu2_2", "relu3_3", "relu4_3"):
        flat, wanted = (f[layer].reshape(len(f[layer]), -1) for f in (x, a))
        style += np.sum((flat @ flat.T - wanted @ wanted.T) ** 2) / flat.size**2
    losses = first_losses("johnson2016", vgg)
    assert losses["content"] == pytest.approx(content, rel=1e-4)
    assert losses["style"] == pytest.approx(5 * style, rel=1e-3)


def patches_of(map_):
    """All 3 x 3 patches, one to a row."""
    corners = [(y, x) for y in range(map_.shape[1] - 2) for x in range(map_.shape[2] - 2)]
    return np.array([map_[:, y : y + 3, x : x + 3].ravel() for y, x in corners])


def test_li():
    """Eq. 1 to 5, all sums over entries, divided by H·W; there are as many patches as positions, but for the rim."""
    vgg = load_encoder("vgg19", weights="random", seed=2).cut(["relu4_2"])
    content, style, start = image(0, 48, 64), image(1, 48, 64) ** 2, image(2, 48, 64)
    x, p = (arrays(vgg, picture) for picture in (start, content))
    sizes, turns = [0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15], [-15, -7.5, 0, 7.5, 15]
    copies = [
        turned(resize(style, (round(s * 48), round(s * 64))), turn)
        for s, turn in itertools.product(sizes, turns)
    ]
    known = [arrays(vgg, copy) for copy in copies]
    assert len(known) == 35
    energy = 0.0
    for layer in ("relu3_1", "relu4_1"):
        own, there = patches_of(x[layer]), np.concatenate([patches_of(features[layer]) for features in known])
        nearest = np.argmax(own @ (there / np.linalg.norm(there, axis=1, keepdims=True)).T, axis=1)
        energy += np.sum((own - there[nearest]) ** 2) * x[layer][0].size / len(own)
    energy += 1.0 * np.sum((x["relu4_2"] - p["relu4_2"]) ** 2)  # α₁
    pixels = start[0].double().numpy()
    smooth = 1e-3 * ((np.diff(pixels, axis=1) ** 2).sum() + (np.diff(pixels, axis=2) ** 2).sum())  # α₂
    seen = []
    stylize(
        content, style, recipe="li2016", encoder=vgg, size=64, coarsest=64, steps=1, init=start, device="cpu",
        precision="float32", on_step=lambda s: seen.append(s.losses),
    )  # fmt: skip
    assert seen[0]["tv"] == pytest.approx(smooth / (48 * 64), rel=1e-4)
    assert seen[0]["total"] == pytest.approx((energy + smooth) / (48 * 64), rel=1e-4)


def test_risser(network):
    """Gram and histogram terms and the content's, without our balance, which puts each at 1 at the start."""
    x, p, a = three(network)
    style = 0.0
    for layer in ("relu1_1", "relu2_1", "relu3_1", "relu4_1"):
        n, m = len(x[layer]), x[layer][0].size
        style += np.sum((gram(x[layer], 1) - gram(a[layer], 1)) ** 2) / (4 * n**2 * m**2) / 4
    for layer in ("relu1_1", "relu4_1"):
        squares = [
            (np.sort(o.ravel()) - np.sort(s.ravel())) ** 2 for o, s in zip(x[layer], a[layer], strict=True)
        ]
        style += np.mean(squares) / 4
    losses = first_losses("risser2017", network, balance="none")
    assert losses["style"] == pytest.approx(30 * style, rel=1e-3)
    assert losses["content"] == pytest.approx(np.mean((x["relu4_1"] - p["relu4_1"]) ** 2), rel=1e-4)
    s = START.double().numpy()
    total_variation = (np.diff(s, axis=2) ** 2).sum() + (np.diff(s, axis=3) ** 2).sum()
    assert losses["tv"] == pytest.approx(total_variation / s.size, rel=1e-4)


def columns(features, layers, where):
    """Bilinear by SciPy: one column per point, (D, N)."""
    rows = []
    for layer in layers:
        for channel in features[layer]:
            height, width = channel.shape
            places = [where[:, 1] * height - 0.5, where[:, 0] * width - 0.5]
            rows.append(map_coordinates(channel, places, order=1, mode="nearest"))
    return np.array(rows)


def cosine(x, y):
    units = [f / np.maximum(np.linalg.norm(f, axis=0), 1e-8) for f in (x, y)]
    return 1 - units[0].T @ units[1]


def matched(distances):
    return max(distances.min(1).mean(), distances.min(0).mean())


def test_strotss(network):
    layers = [
        "pixels",
        *(f"relu{layer}" for layer in ["1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "4_3", "5_3"]),
    ]
    x, c, s = three(network)

    def at(place, count):
        return points(CONTENT, count, Draw(0, 0, place)).double().numpy()

    here, there = (
        columns(x, layers, at("relaxed_emd", POINTS)),
        columns(s, layers, at("relaxed_emd:style", STYLE_POINTS)),
    )
    relaxed = matched(cosine(here, there))
    moments = np.abs(here.mean(1) - there.mean(1)).mean()
    moments += np.abs(np.cov(here, bias=True) - np.cov(there, bias=True)).mean()
    turn = np.array([[1, 1, 1], [1, -1, 0], [1, 1, -2]]) / np.sqrt([[3], [2], [6]])
    palette = [turn @ columns(f, ["pixels"], w) for f, w in (
        (x, at("pixels:palette", POINTS)), (s, at("pixels:palette:style", STYLE_POINTS)),
    )]  # fmt: skip
    euclidean = np.sqrt(((palette[0][:, :, None] - palette[1][:, None]) ** 2).mean(0) + 1e-5)
    colors = matched(cosine(*palette) + euclidean)
    patterns = [
        cosine(f, f) / cosine(f, f).sum(0)
        for f in (columns(f, layers, at("content", POINTS)) for f in (x, c))
    ]
    content = np.abs(patterns[0] - patterns[1]).sum() / len(patterns[0])
    alpha = 2.0
    expected = (alpha * content + moments + relaxed + colors / alpha) / (2 + alpha + 1 / alpha)
    assert first_losses("strotss2019", network)["total"] == pytest.approx(expected, rel=1e-3)


def edged(network):
    """The same, with the edge of the image repeated by a layer of its own in the place of the first padding."""
    modules = dict(network.steps.items())
    first = nn.Conv2d(3, modules["conv1_1"].out_channels, 3)
    first.load_state_dict(modules["conv1_1"].state_dict())
    modules["conv1_1"] = nn.Sequential(nn.ReplicationPad2d(1), first)
    return Encoder("edged", modules, mean=[0.5] * 3, deviation=[0.25] * 3)


def test_crowson(network):
    x, p, a = three(edged(network))

    def scaled(difference):
        return np.sum(difference**2) / np.sum(np.abs(difference))

    total = 0.015 * scaled(x["relu4_2"] - p["relu4_2"])
    for k, weight in enumerate((256, 64, 16, 4, 1), 1):
        layer = f"relu{k}_1"
        total += weight / 341 * scaled(gram(x[layer], x[layer][0].size) - gram(a[layer], a[layer][0].size))
    padded = np.pad(START[0].double().numpy(), ((0, 0), (0, 1), (0, 1)), mode="edge")
    dx, dy = padded[:, :-1, 1:] - padded[:, :-1, :-1], padded[:, 1:, :-1] - padded[:, :-1, :-1]
    total += 2 * np.mean(dx**2 + dy**2)
    assert first_losses("crowson2021", network)["total"] == pytest.approx(total, rel=1e-4)


def bures(x, y, eps):
    """W₂² of Gaussians with the moments of two maps over the channels, `eps` added to variances.

    The trace of (A^½ B A^½)^½ is the sum of the roots of AB's eigenvalues.
    """
    means, covariances = [], []
    for map_ in (x, y):
        flat = map_.reshape(len(map_), -1)
        means.append(flat.mean(1))
        covariances.append(np.cov(flat, bias=True) + eps * np.eye(len(flat)))
    one, two = covariances
    cross = np.sqrt(np.linalg.eigvals(one @ two).real.clip(min=0)).sum()
    return (np.sum((means[0] - means[1]) ** 2) + np.trace(one) + np.trace(two) - 2 * cross) / len(one)


def nine_points(image):
    """Mean squares over a picture padded by its edge: a third of each axis, a twelfth of each diagonal, twice."""
    padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
    inner = padded[:, 1:-1, 1:-1]
    axes = np.mean((padded[:, 1:-1, 2:] - inner) ** 2) + np.mean((padded[:, 2:, 1:-1] - inner) ** 2)
    diagonals = np.mean((padded[:, 1:, 1:] - padded[:, :-1, :-1]) ** 2)
    diagonals += np.mean((padded[:, 1:, :-1] - padded[:, :-1, 1:]) ** 2)
    return 2 * (axes / 3 + diagonals / 12)


@pytest.mark.parametrize("eps", [1e-4, 0.0], ids=["as published", "exact"])
def test_crowson_2023(network, eps):
    strong = copy.deepcopy(network)
    for parameter in strong.parameters():
        parameter.mul_(6**0.5)  # features as large in all layers, and far larger than eps
    x, p, a = three(edged(strong))
    total = 0.015 * np.mean((x["relu4_2"] - p["relu4_2"]) ** 2) + 2 * nine_points(START[0].double().numpy())
    for k, weight in enumerate((256, 64, 16, 4, 1), 1):
        total += weight / 341 * bures(x[f"relu{k}_1"], a[f"relu{k}_1"], eps)
    assert first_losses("crowson2023", strong)["total"] == pytest.approx(total, rel=1e-3)


@pytest.mark.parametrize(("recipe", "beta2"), [("crowson2021", 0.999), ("crowson2023", 0.99)])
def test_crowsons_scales_and_steps(network, recipe, beta2):
    """Scales by √2, twice as many steps at the first, Adam's moments carried over, and averaged iterates."""
    steps = []
    arguments = {
        "recipe": recipe,
        "encoder": network,
        "size": 52,
        "coarsest": 26,
        "device": "cpu",
        "steps": 2,
    }
    options = stylize(CONTENT, STYLE, **arguments, on_step=steps.append).options
    assert [(max(s.size), s.steps) for s in steps] == [(26, 4)] * 4 + [(37, 2)] * 2 + [(52, 2)] * 2
    assert (options.carry_over, options.border, options.learning_rate) == (True, "replicate", 0.02)
    assert (options.beta2, options.average) == (beta2, 0.99)
    changed = stylize(CONTENT, STYLE, **arguments | {"steps": 1}, optimizer="lbfgs", first_steps=1).options
    assert (changed.optimizer, changed.carry_over, changed.first_steps) == ("lbfgs", False, None)
    with pytest.raises(ValueError, match="carry_over: expected optimizer='adam' beside it, got 'lbfgs'"):
        stylize(CONTENT, STYLE, **arguments, optimizer="lbfgs", carry_over=True)


def test_options_beside_a_recipe_win(network):
    options = stylize(
        CONTENT, STYLE, recipe="crowson2021", encoder=network, size=52, steps=1, coarsest=52, device="cpu",
        tv_weight=0.0, optimizer="lbfgs", learning_rate=0.5, style_layers={"relu1_2": 1.0}, average=0.0,
    ).options  # fmt: skip
    assert (options.tv_weight, options.optimizer, options.learning_rate, options.average) == (
        0,
        "lbfgs",
        0.5,
        0,
    )
    assert options.style_layers == {"relu1_2": 1.0}
    assert (options.content_weight, options.balance) == (0.015, "gradient")


def test_optimisers_and_starts(network):
    made = {}
    for name in PUBLISHED:
        result = stylize(
            CONTENT, STYLE, recipe=name, encoder=network, size=52, steps=1, coarsest=52, device="cpu"
        )
        made[name] = (result.options.optimizer, result.options.init)
    assert made == {
        "gatys2016": ("lbfgs", "noise"), "johnson2016": ("lbfgs", "noise"), "risser2017": ("lbfgs", "content"),
        "strotss2019": ("adam", "content"), "crowson2021": ("adam", "content"),
        "crowson2023": ("adam", "content"), "li2016": ("adam", "content"),
    }  # fmt: skip


def test_an_encoder_without_a_layer_takes_the_last_of_its_block():
    layers = ("relu1_1", "relu2_1", "relu3_1", "relu3_2", "relu4_1", "relu5_1")
    recipe = fitted(PUBLISHED["strotss2019"], layers)
    assert set(recipe.style_layers) == {"pixels", *layers}
    assert recipe.style_layers["relu1_1"] == pytest.approx(1 / 9)  # of two layers, 1/18 each
    assert recipe.style_loss["relu4_1"] == "relaxed_emd"
    assert fitted(PUBLISHED["gatys2016"], layers).content_layers == {"relu4_1": 1.0}
    for name in PUBLISHED:
        assert set(fitted(PUBLISHED[name], load_encoder("tiny").layers).style_layers) <= {
            "pixels", *load_encoder("tiny").layers
        }  # fmt: skip
