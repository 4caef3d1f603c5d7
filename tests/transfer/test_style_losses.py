"""Every style loss in the engine is the public one; masks, tiles, draws, layers of their own, and exact resumption."""

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
from nstkit.transfer.recipes import TINY
from nstkit.transfer.regions import Guide
from nstkit.transfer.style_targets import GramTarget

CONTENT = photograph("grace_hopper", size=52)
STYLES = [paint("mosaic", height=40, width=48), paint("ink_wash", height=48, width=40)]
FEW = dict.fromkeys(("color4", "relu2_1", "relu3_1"), 1.0)  # layers that are quick
QUICK = {"encoder": "tiny", "style_layers": FEW, "size": 52, "coarsest": 52, "steps": 4, "device": "cpu"}
RANDOM = ("sliced_wasserstein", "patch", "contextual", "relaxed_emd")
NAMES = ("gram", "centered_gram", "moments", "wasserstein", "histogram", *RANDOM)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


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


@pytest.mark.parametrize("kind", ["gram", "moments", "wasserstein"])
def test_a_mask_of_a_half_is_that_half_alone(kind):
    mask = torch.zeros(6, 8, dtype=torch.float64)
    mask[:, :5] = 2.0

    def target(guide):
        if kind == "wasserstein":
            return WassersteinTarget(STYLE, guide)
        return (GramTarget if kind == "gram" else MomentsTarget)([STYLE], [1.0], guide=guide)

    plain = target(None).gap(X[..., :5].contiguous(), DRAW)
    torch.testing.assert_close(target(Guide(mask)).gap(X, DRAW), plain, rtol=1e-6, atol=1e-12)


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
], ids=["sliced", "by layer", "self-similarity", "lbfgs"])  # fmt: skip
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
    ({"style_loss": "patch", "masks": True}, "masks: expected a style loss of moments, .* 'patch'"),
    ({"content_loss": "self"}, "content_loss: expected one of features, half_sum, self_similarity, got 'self'"),
    ({"recipe": "gatys"}, "recipe: expected one of gatys2016, .*, got 'gatys'; did you mean 'gatys2016'"),
])  # fmt: skip
def test_mistakes(options, words):
    if "masks" in options:
        options = options | {"masks": torch.ones(1, *CONTENT.shape[2:])}
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
@pytest.mark.parametrize("loss", NAMES)
def test_no_host_sync_between_looks_on_the_gpu(loss):
    def guard(step):
        torch.cuda.set_sync_debug_mode("error" if 1 <= step.step < 9 else "default")

    try:
        stylize(CONTENT, STYLES[0], **QUICK | {"device": "cuda", "steps": 9}, style_loss=loss, on_step=guard)
    finally:
        torch.cuda.set_sync_debug_mode("default")
