"""Every style loss in the engine is the public one; masks, tiles, draws, layers of their own, and exact resumption."""

import numpy as np
import pytest
import torch

from nstkit.cli.transfer import OPTIONS
from nstkit.images import photograph
from nstkit.losses import (
    absolute_moment_loss,
    contextual_loss,
    gram_matrix,
    histogram_loss,
    hypercolumns,
    moment_matching_loss,
    patch_loss,
    relaxed_emd_loss,
    sliced_wasserstein_loss,
    wasserstein_loss,
)
from nstkit.paintings import paint
from nstkit.transfer import load_checkpoint, save_checkpoint, stylize
from nstkit.transfer.column_targets import ColumnTarget, points
from nstkit.transfer.draws import Draw
from nstkit.transfer.matching_targets import (
    ContextualTarget,
    HistogramTarget,
    PatchTarget,
    SlicedTarget,
    drawn_columns,
    drawn_patches,
)
from nstkit.transfer.moment_targets import MomentsTarget, WassersteinTarget
from nstkit.transfer.places import chosen
from nstkit.transfer.recipes import TINY
from nstkit.transfer.regions import Guide
from nstkit.transfer.style_targets import GramTarget

pytestmark = pytest.mark.usefixtures("one_thread")

CONTENT = photograph("grace_hopper", size=52)
STYLES = [paint("mosaic", height=40, width=48), paint("ink_wash", height=48, width=40)]
FEW = dict.fromkeys(("color4", "relu2_1", "relu3_1"), 1.0)  # layers that are quick
QUICK = {"encoder": "tiny", "style_layers": FEW, "size": 52, "coarsest": 52, "steps": 4, "device": "cpu"}
RAMP = torch.linspace(0, 1, CONTENT.shape[3]).expand(*CONTENT.shape[2:])
MASKS = {"masks": torch.stack([RAMP, 1 - RAMP]), "style_masks": [STYLES[0][0, 0], None]}
RANDOM = ("sliced_wasserstein", "patch", "contextual", "relaxed_emd")
NAMES = ("gram", "centered_gram", "moments", "wasserstein", "histogram", *RANDOM)


def drawn(seed, *shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.3


X, STYLE, DRAW = drawn(0, 2, 5, 6, 8), drawn(1, 1, 5, 7, 4), Draw(3, 2, "layer")
DIRECTIONS = torch.randn(5, 5, generator=DRAW.generator(X.device)).double()


@pytest.mark.parametrize(("target", "loss"), [
    (MomentsTarget([STYLE], [1.0]), moment_matching_loss),
    (WassersteinTarget(STYLE), wasserstein_loss),
    (HistogramTarget(STYLE), histogram_loss),
    (SlicedTarget(STYLE), lambda x, y: sliced_wasserstein_loss(x, y, DIRECTIONS)),
    (PatchTarget(STYLE, DRAW), patch_loss),
    (ContextualTarget(STYLE, DRAW), lambda x, y: contextual_loss(x.flatten(2), y.flatten(2))),
], ids=lambda value: type(value).__name__)  # fmt: skip
def test_the_gap_of_each_image_is_the_public_loss(target, loss):
    expected = torch.stack([loss(image[None], STYLE) for image in X])
    torch.testing.assert_close(target.gap(X, DRAW), expected, rtol=1e-5, atol=0)


def test_relaxed_emd_compares_columns_of_all_layers_with_their_moments():
    maps, wanted = [X, drawn(2, 2, 3, 3, 4)], [STYLE, drawn(3, 1, 3, 4, 2)]
    found = ColumnTarget(wanted, Draw(9)).gap(maps, DRAW)
    columns = hypercolumns(maps, points(X, 1024, DRAW))
    target = hypercolumns(wanted, points(STYLE, 4096, Draw(9)))
    expected = [relaxed_emd_loss(c[None], target) + absolute_moment_loss(c[None], target) for c in columns]
    torch.testing.assert_close(found, torch.stack(expected))


MASKED = {
    "gram": lambda f, g, s: GramTarget([f], [1.0], guide=g, sources=[s]),
    "moments": lambda f, g, s: MomentsTarget([f], [1.0], g, [s]),
    "wasserstein": WassersteinTarget,
    "histogram": HistogramTarget,
    "sliced_wasserstein": SlicedTarget,
    "patch": lambda f, g, s: PatchTarget(f, DRAW, g, s),
    "contextual": lambda f, g, s: ContextualTarget(f, DRAW, g, s),
}


def left_of(height, width, columns):
    mask = torch.zeros(height, width, dtype=torch.float64)
    mask[:, :columns] = 2.0
    return Guide(mask)


@pytest.mark.parametrize("few", [False, True])
@pytest.mark.parametrize("kind", MASKED)
def test_masks_of_halves_are_those_halves_alone(kind, few, monkeypatch):
    """Of few places all are read; of many the same are drawn."""
    if few:
        monkeypatch.setattr("nstkit.transfer.matching_targets.COLUMNS", 9)
    masked = MASKED[kind](STYLE, left_of(6, 8, 5), left_of(7, 4, 3)).gap(X, DRAW)
    plain = MASKED[kind](STYLE[..., :3].contiguous(), None, None).gap(X[..., :5].contiguous(), DRAW)
    torch.testing.assert_close(masked, plain, rtol=1e-6, atol=1e-12)


def cells(seed, height, width):
    """A soft mask with black places, and the share of each place."""
    mask = (drawn(seed, height, width) - 0.3).clamp(min=0)
    return Guide(mask), (mask.square() / mask.square().sum()).flatten().numpy()


def quantiles_of(values, shares):
    order = np.argsort(values)
    order = order[shares[order] > 0]
    return values[order], shares[order], np.cumsum(shares[order]) - shares[order] / 2


@pytest.mark.parametrize("kind", ["histogram", "sliced_wasserstein"])
def test_soft_masks_weigh_each_place_by_its_square(kind):
    (guide, shares), (source, others) = cells(20, 6, 8), cells(21, 7, 4)
    gaps = MASKED[kind](STYLE, guide, source).gap(X, DRAW)
    units = torch.nn.functional.normalize(DIRECTIONS, dim=1).numpy() if kind != "histogram" else np.eye(5)
    for gap, image in zip(gaps, X, strict=True):
        rows = units @ image.flatten(1).numpy(), units @ STYLE[0].flatten(1).numpy()
        sums = []
        for row, target in zip(*rows, strict=True):
            (v, share, at), (q, _, there) = quantiles_of(row, shares), quantiles_of(target, others)
            sums.append(np.sum(share * (v - np.interp(at, there, q)) ** 2))
        assert float(gap) == pytest.approx(np.mean(sums), rel=1e-6)


def test_contextual_compares_the_places_that_are_drawn():
    (guide, _), (source, _) = cells(22, 6, 8), cells(23, 7, 4)
    here = chosen(guide.places(6, 8), 1024, DRAW, X.device)
    there = chosen(source.places(7, 4), 1024, Draw(9), X.device)
    found = ContextualTarget(STYLE, Draw(9), guide, source).gap(X, DRAW)
    columns = STYLE.flatten(2)[:, :, there]
    expected = [contextual_loss(image.flatten(1)[None, :, here], columns) for image in X]
    torch.testing.assert_close(found, torch.stack(expected))


def test_patches_lie_in_their_regions_as_a_whole():
    """Against Li & Wand's sum over the patches of either region, in loops, the odd shapes being no rectangles."""
    here, there = torch.zeros(6, 8), torch.zeros(7, 4)
    here[:, 2:6], here[2:5, 1:8], there[1:6, :], there[0, 0] = 1, 1, 1, 1

    def patches(map_, mask):
        corners = [(y, x) for y in range(mask.shape[0] - 2) for x in range(mask.shape[1] - 2)]
        inside = [(y, x) for y, x in corners if mask[y : y + 3, x : x + 3].all()]
        return [map_[:, y : y + 3, x : x + 3].numpy().ravel() for y, x in inside]

    found = PatchTarget(STYLE, DRAW, Guide(here.double()), Guide(there.double())).gap(X, DRAW)
    known = patches(STYLE[0], there)
    for gap, image in zip(found, X, strict=True):
        own = patches(image, here)
        assert len(own) == 4 * 2 + 3  # all in the columns that reach up and down, and those in the bar alone
        best = [max(known, key=lambda k, p=p: k @ p / np.linalg.norm(k)) for p in own]
        assert float(gap) == pytest.approx(np.mean((np.array(own) - np.array(best)) ** 2), rel=1e-6)


def test_a_region_narrower_than_a_patch_has_smaller_ones():
    thin = torch.zeros(6, 8, dtype=torch.float64)
    thin[1:5, 2:4] = 1
    found = PatchTarget(STYLE, DRAW, Guide(thin)).gap(X, DRAW)
    expected = [patch_loss(image[None, :, 1:5, 2:4], STYLE, size=2) for image in X]
    torch.testing.assert_close(found, torch.stack(expected))


def test_copies_are_also_looked_in():
    """Copies that are patches of the image itself leave nothing to be desired, also where all patches get smaller."""
    unfolded, both = torch.nn.functional.unfold(X, 3), STYLE.expand(2, -1, -1, -1)
    target = PatchTarget(both, DRAW, copies=[drawn(24, 2, 45, 2), unfolded])
    torch.testing.assert_close(target.gap(X, DRAW), torch.zeros(2, dtype=torch.float64))
    assert float(PatchTarget(both, DRAW, copies=[drawn(24, 2, 45, 2)]).gap(X, DRAW).min()) > 0.1
    one = PatchTarget(both[..., :1].contiguous(), DRAW, copies=[unfolded])
    corners = X[..., :4, :6].contiguous()  # the upper left entries of all patches
    torch.testing.assert_close(one.gap(corners, DRAW), torch.zeros(2, dtype=torch.float64))


def test_points_of_relaxed_emd_lie_where_masks_show():
    (guide, _), (source, _) = cells(25, 6, 8), cells(26, 7, 4)
    maps, wanted = [X, drawn(2, 2, 3, 3, 4)], [STYLE, drawn(3, 1, 3, 4, 2)]
    here, there = points(X, 1024, DRAW, guide), points(STYLE, 4096, Draw(9), source)
    assert len(here) == guide.places(6, 8).count < 48
    at = (here * torch.tensor([8, 6])).long()
    assert bool((guide.at(6, 8)[at[:, 1], at[:, 0]] > 0).all())
    found = ColumnTarget(wanted, Draw(9), guide, source).gap(maps, DRAW)
    columns, target = hypercolumns(maps, here), hypercolumns(wanted, there)
    expected = [relaxed_emd_loss(c[None], target) + absolute_moment_loss(c[None], target) for c in columns]
    torch.testing.assert_close(found, torch.stack(expected))


@pytest.mark.parametrize("target", [
    GramTarget([STYLE], [1.0], centered=True), GramTarget([STYLE], [1.0], normalize="none"),
    MomentsTarget([STYLE], [1.0]), WassersteinTarget(STYLE),
], ids=["centered", "sums", "moments", "wasserstein"])  # fmt: skip
def test_moments_can_be_gathered_from_tiles(target):
    assert target.of_moments
    mean, second = 0, 0
    for tile in (X[..., :3], X[..., 3:]):
        share = tile.shape[3] / 8
        shifted = target.shifted(tile)
        mean = mean + share * shifted.mean((2, 3))
        second = second + share * gram_matrix(shifted, "hw")
    torch.testing.assert_close(
        target.gap_of_moments(mean, second, 48), target.gap(X, DRAW), rtol=1e-6, atol=1e-12
    )


def test_the_moments_of_several_styles_are_averaged():
    other = drawn(4, 1, 5, 3, 9)
    gap = MomentsTarget([STYLE, other], [0.25, 0.75]).gap(X, DRAW)

    def deviation(f):
        return (f.var((2, 3), correction=0) + 1e-5).sqrt()

    mean = 0.25 * STYLE.mean((2, 3)) + 0.75 * other.mean((2, 3))
    wanted = 0.25 * deviation(STYLE) + 0.75 * deviation(other)
    expected = ((X.mean((2, 3)) - mean) ** 2 + (deviation(X) - wanted) ** 2).mean(1)
    torch.testing.assert_close(gap, expected)


def test_draws_depend_on_seed_step_and_place_alone():
    def numbers(draw):
        return torch.rand(4, generator=draw.generator(X.device))

    torch.manual_seed(5)
    state = torch.get_rng_state()
    first = numbers(Draw(1, 2, "a"))
    assert torch.equal(first, numbers(Draw(1, 2, "b").at("a")))
    for other in (Draw(2, 2, "a"), Draw(1, 3, "a"), Draw(1, 2, "b"), Draw(-1, 2, "a")):
        assert not torch.equal(first, numbers(other))
    assert torch.equal(state, torch.get_rng_state())


def test_few_places_are_all_taken_and_of_many_a_choice_without_repetition():
    wide = torch.arange(2.0 * 60 * 90).view(1, 2, 60, 90)
    columns = drawn_columns(wide, 500, DRAW)
    assert columns.shape == (1, 2, 500)
    assert len(columns[0, 0].unique()) == 500
    assert torch.equal(drawn_columns(wide, 5400, DRAW), wide.flatten(2))
    patches = drawn_patches(wide, DRAW, 3, 700)
    known = {tuple(p.tolist()) for p in torch.nn.functional.unfold(wide, 3)[0].T}
    got = {tuple(p.tolist()) for p in patches[0].T}
    assert len(got) == 700
    assert got <= known
    assert torch.equal(drawn_patches(wide, DRAW, 3, 10**6), torch.nn.functional.unfold(wide, 3))


@pytest.mark.parametrize("loss", NAMES)
def test_the_objective_starts_at_the_style_weight_and_falls(loss):
    styles = []
    result = stylize(CONTENT, STYLES[0], **QUICK | {"steps": 12}, style_loss=loss, style_weight=2.0,
                     on_step=lambda s: styles.append(s.losses["style"]))  # fmt: skip
    start = 0.1 if loss in ("patch", "contextual", "relaxed_emd") else 1.0
    assert styles[0] == pytest.approx(2.0 * 3 * start, rel=1e-4)  # three layers of weight 1, balanced
    assert styles[-1] < 0.9 * styles[0]
    assert result.options.optimizer == ("adam" if loss in RANDOM else "lbfgs")


@pytest.mark.parametrize("options", [
    {"style_loss": "sliced_wasserstein"},
    {"style_loss": {"color4": "patch", "relu2_1": "relaxed_emd", "relu3_1": "contextual+gram"}},
    {"content_loss": "self_similarity", "style_loss": "wasserstein", "content_layers": {"relu2_1": 1.0}},
    {"style_loss": "sliced_wasserstein", "optimizer": "lbfgs"},
    MASKS | {"style_loss": {"color4": "histogram+patch", "relu2_1": "relaxed_emd", "relu3_1": "contextual"}},
    MASKS | {"style_loss": {"color4": "sliced_wasserstein", "relu2_1": "patch", "relu3_1": "gram"}, "patch_turns": [9]},
], ids=["sliced", "by layer", "self-similarity", "lbfgs", "masked", "masked and turned"])  # fmt: skip
def test_a_run_that_was_stopped_ends_where_it_would_have(options, tmp_path):
    whole = stylize(CONTENT, STYLES, **QUICK, **options)
    torch.rand(3)  # the global generator has no say
    half = stylize(CONTENT, STYLES, **QUICK, **options, on_step=lambda s: s.done == 2)
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors")
    stored = load_checkpoint(tmp_path / "half.safetensors")
    assert torch.equal(stylize(CONTENT, STYLES, **QUICK, **options, resume=stored).image, whole.image)
    if options.get("optimizer") != "lbfgs":
        other = stylize(CONTENT, STYLES, **QUICK, **options, seed=8).image
        assert not torch.equal(other, whole.image)


def test_a_checkpoint_from_before_there_were_content_losses_is_taken_up():
    half = stylize(CONTENT, STYLES[0], **QUICK, on_step=lambda s: s.done == 2)
    del half.checkpoint["options"]["content_loss"]
    whole = stylize(CONTENT, STYLES[0], **QUICK).image
    assert torch.equal(stylize(CONTENT, STYLES[0], **QUICK, resume=half.checkpoint).image, whole)
    with pytest.raises(ValueError, match="resume: the stored run has content_loss='features'"):
        stylize(
            CONTENT,
            STYLES[0],
            **QUICK,
            optimizer="lbfgs",
            content_loss="self_similarity",
            resume=half.checkpoint,
        )


@pytest.mark.parametrize("loss", ["wasserstein", "histogram", "patch"])
def test_a_style_of_no_weight_does_not_count(loss):
    both = stylize(CONTENT, STYLES, **QUICK, style_loss=loss, style_weights=[3.0, 0.0]).losses
    alone = stylize(CONTENT, STYLES[0], **QUICK, style_loss=loss).losses
    assert both["total"] == pytest.approx(alone["total"], rel=1e-3)


def test_losses_of_layers_that_are_not_named_stay():
    asked = stylize(CONTENT, STYLES[0], **QUICK, style_loss={"relu3_1": "patch"}).options.style_loss
    assert asked == {"color4": TINY.style_loss, "relu2_1": TINY.style_loss, "relu3_1": "patch"}


@pytest.mark.parametrize(("options", "words"), [
    ({"style_loss": {"relu4_1": "gram"}}, "style_loss: .* each of style_layers, color4, .*, got one for relu4_1"),
    ({"style_loss": {"relu3_1": "grm"}}, "style_loss: expected one of gram, .*, got 'grm'; did you mean 'gram'"),
    ({"style_loss": "gram+ptch"}, "got 'ptch'; did you mean 'patch'"),
    ({"style_loss": "palette"}, "style_loss: expected 'palette' for the layer pixels alone, got it for color4"),
    ({"style_loss": "patch", "balance": "gradient"}, "balance: expected start or none with the style loss 'patch'"),
    ({"style_loss": "patch", "patch_sizes": [85]}, "patch_sizes: expected multiples of the style's size, .* got 85"),
    ({"style_loss": "patch", "patch_turns": [float("inf")]}, "patch_turns: expected degrees, finite numbers, got inf"),
    ({"content_loss": "self"}, "content_loss: expected one of features, half_sum, self_similarity, got 'self'"),
    ({"recipe": "gatys"}, "recipe: expected one of gatys2016, .*, got 'gatys'; did you mean 'gatys2016'"),
])  # fmt: skip
def test_mistakes(options, words):
    with pytest.raises(ValueError, match=words):
        stylize(CONTENT, STYLES[0], **QUICK | options)


def test_the_command_line_takes_one_name_or_one_for_each_layer():
    read = OPTIONS["style_loss"].read
    assert read(["gram"]) == "gram"
    assert read(["relu1_1=gram+histogram,relu4_1=patch"]) == {"relu1_1": "gram+histogram", "relu4_1": "patch"}
    for bad in ("a=gram,patch", "a=gram,a=patch", "a=b=c"):
        with pytest.raises(
            ValueError, match=f"--style-loss: expected one name, or each layer once, .*'{bad}'"
        ):
            read([bad])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("loss", NAMES)
def test_no_host_sync_between_looks_on_the_gpu(loss, masked):
    def guard(step):
        torch.cuda.set_sync_debug_mode("error" if 1 <= step.step < 9 else "default")

    try:
        regions = MASKS if masked else {}
        stylize(
            CONTENT,
            STYLES,
            **QUICK | {"device": "cuda", "steps": 9},
            style_loss=loss,
            on_step=guard,
            **regions,
        )
    finally:
        torch.cuda.set_sync_debug_mode("default")
