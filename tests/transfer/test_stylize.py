"""Laws of a transfer: what it minimises, what it leaves alone, what it refuses, and that it can be taken up again."""

import math

import pytest
import torch

from nstkit.encoders import load_encoder
from nstkit.images import photograph
from nstkit.paintings import paint
from nstkit.transfer import NonFiniteLoss, load_checkpoint, save_checkpoint, stylize

pytestmark = pytest.mark.usefixtures("one_thread")

CONTENT = photograph("grace_hopper", size=104)
STYLE = paint("mosaic", height=56, width=88)
QUICK = {"encoder": "tiny", "size": 104, "coarsest": 52, "steps": 4, "device": "cpu"}


def apart(a, b):
    """Mean distance of two pictures: rounding grows in an optimiser, but not on average."""
    return float((a - b).abs().mean())


def test_the_result_is_an_image_of_the_size_asked_for():
    result = stylize(CONTENT, STYLE, **QUICK)
    assert result.finished
    assert result.checkpoint is None
    assert max(result.image.shape[-2:]) == 104
    assert 0 <= float(result.image.min()) <= float(result.image.max()) <= 1
    assert not result.image.requires_grad


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_the_objective_falls(optimizer):
    totals = []
    stylize(
        CONTENT,
        STYLE,
        **QUICK | {"steps": 25},
        optimizer=optimizer,
        on_step=lambda s: totals.append(s.losses["total"]),
    )
    assert totals[24] < 0.8 * totals[0]
    assert totals[-1] < totals[25]


def gatys(network, image, content, style, content_layer, style_layers):
    """Gatys' objective written out: mean square for content, 1/(4C²) ‖G/M - A/M‖² for style."""
    features, target, painting = network(image), network(content), network(style)
    total = 2.0 * (features[content_layer] - target[content_layer]).square().mean()
    for layer in style_layers:
        f, s = features[layer][0].flatten(1), painting[layer][0].flatten(1)
        gap = f @ f.T / f.shape[1] - s @ s.T / s.shape[1]
        total = total + 50.0 * 0.5 * gap.square().sum() / (4 * f.shape[0] ** 2)
    return total


def test_without_balance_the_objective_is_gatys():
    network = load_encoder("vgg16", weights="random", seed=3)
    seen = []
    stylize(
        CONTENT, STYLE, encoder=network, size=104, coarsest=104, steps=1, init="gray", balance="none",
        style_loss="gram",
        content_layers={"relu3_1": 1.0}, style_layers={"relu1_1": 0.5, "relu2_1": 0.5}, content_weight=2.0,
        style_weight=50.0, precision="float32", device="cpu", on_step=lambda s: seen.append(s.losses),
    )  # fmt: skip
    gray = torch.full_like(CONTENT, 0.5)
    with torch.no_grad():
        expected = gatys(network, gray, CONTENT, STYLE, "relu3_1", ["relu1_1", "relu2_1"])
    assert math.isclose(seen[0]["total"], float(expected), rel_tol=1e-4)


def test_the_style_as_its_own_content_is_left_as_it_is():
    result = stylize(STYLE, STYLE, **QUICK | {"size": 88})
    assert float((result.image - STYLE).abs().max()) < 0.02


def test_a_common_factor_of_the_weights_changes_nothing():
    one = stylize(CONTENT, STYLE, **QUICK, content_weight=1.0, style_weight=3.0).image
    two = stylize(CONTENT, STYLE, **QUICK, content_weight=2.0, style_weight=6.0).image
    assert float((one - two).abs().max()) < 0.02


def test_a_style_of_no_weight_does_not_count():
    other = paint("ink_wash", height=56, width=88)
    both = stylize(CONTENT, [STYLE, other], **QUICK, style_weights=[2.0, 0.0]).image
    assert apart(both, stylize(CONTENT, STYLE, **QUICK).image) < 1e-3
    mixed = stylize(CONTENT, [STYLE, other], **QUICK).image
    assert float((mixed - both).abs().max()) > 0.05


def test_two_equal_styles_are_one():
    options = QUICK | {"coarsest": 104, "optimizer": "adam"}
    one = stylize(CONTENT, STYLE, **options).image
    two = stylize(CONTENT, [STYLE, STYLE.clone()], **options, style_weights=[1.0, 1.0]).image
    assert apart(one, two) < 1e-3


def test_the_inputs_and_the_global_random_state_are_left_alone():
    content, style, state = CONTENT.clone(), STYLE.clone(), torch.get_rng_state()
    stylize(content, style, **QUICK, init="noise")
    assert torch.equal(content, CONTENT)
    assert torch.equal(style, STYLE)
    assert torch.equal(state, torch.get_rng_state())


def test_nothing_is_printed(capfd):
    stylize(CONTENT, STYLE, **QUICK)
    assert capfd.readouterr() == ("", "")


def test_starts():
    noise = [stylize(CONTENT, STYLE, **QUICK, init="noise", seed=seed).image for seed in (1, 1, 2)]
    assert torch.equal(noise[0], noise[1])
    assert not torch.allclose(noise[0], noise[2], atol=0.05)
    generator = torch.Generator().manual_seed(1)
    assert torch.equal(stylize(CONTENT, STYLE, **QUICK, init="noise", generator=generator).image, noise[0])
    # of gray all covariances are rounding errors, whose roots the default loss would follow
    smooth = QUICK | {"style_loss": "centered_gram"}
    gray = stylize(CONTENT, STYLE, **smooth, init="gray").image
    picture = stylize(CONTENT, STYLE, **smooth, init=torch.full_like(CONTENT, 0.5)).image
    assert apart(gray, picture) < 1e-3


def test_several_contents_at_once_equal_one_by_one():
    other = CONTENT.flip(-1)
    both = stylize(torch.cat([CONTENT, other]), STYLE, **QUICK, optimizer="adam").image
    alone = [stylize(c, STYLE, **QUICK, optimizer="adam").image for c in (CONTENT, other)]
    assert apart(both, torch.cat(alone)) < 1e-3


def test_the_average_of_iterates():
    kept = []
    result = stylize(
        CONTENT, STYLE, **QUICK | {"coarsest": 104}, average=0.6, on_step=lambda s: kept.append(s.image())
    )
    assert torch.equal(result.image, kept[-1])
    last = stylize(CONTENT, STYLE, **QUICK | {"coarsest": 104}).image
    assert float((result.image - last).abs().max()) > 0.01


def test_the_whole_network_and_the_cut_one_agree():
    network = load_encoder("tiny")
    layers = {"relu2_1": 1.0}
    plain = stylize(
        CONTENT, STYLE, **QUICK | {"encoder": network}, style_layers=layers, channels_last=False
    ).image
    tuned = stylize(
        CONTENT, STYLE, **QUICK | {"encoder": network.cut(["relu2_1"])}, style_layers=layers
    ).image
    assert apart(plain, tuned) < 1e-3


def test_steps_are_counted():
    seen = []
    stylize(
        CONTENT,
        STYLE,
        **QUICK | {"coarsest": 52},
        on_step=lambda s: seen.append((s.scale, s.step, s.done, s.size)),
    )
    assert [s[2] for s in seen] == list(range(1, 9))
    assert [s[:2] for s in seen] == [(1, 1), (1, 2), (1, 3), (1, 4), (2, 1), (2, 2), (2, 3), (2, 4)]
    assert max(seen[0][3]) * 2 == max(seen[-1][3]) == 104


@pytest.mark.parametrize(
    "options", [{}, {"optimizer": "adam"}, {"init": "noise", "seed": 5}, {"average": 0.7}]
)
@pytest.mark.parametrize("stop", [1, 3, 4, 6])
def test_a_run_that_was_stopped_ends_where_it_would_have(options, stop, tmp_path):
    whole = stylize(CONTENT, STYLE, **QUICK | {"coarsest": 52}, **options)
    half = stylize(CONTENT, STYLE, **QUICK | {"coarsest": 52}, **options, on_step=lambda s: s.done == stop)
    assert not half.finished
    save_checkpoint(half.checkpoint, tmp_path / "half.safetensors", {"note": "五"})
    stored = load_checkpoint(tmp_path / "half.safetensors")
    assert stored["extra"] == {"note": "五"}
    resumed = stylize(CONTENT, STYLE, **QUICK | {"coarsest": 52}, **options, resume=stored)
    assert torch.equal(resumed.image, whole.image)


def test_a_run_is_resumed_with_its_own_options_and_pictures_only(tmp_path):
    half = stylize(CONTENT, STYLE, **QUICK, on_step=lambda s: True)
    with pytest.raises(ValueError, match=r"resume: the stored run has style_weight=30\.0, this one 7\.0"):
        stylize(CONTENT, STYLE, **QUICK, style_weight=7.0, resume=half.checkpoint)
    with pytest.raises(ValueError, match="resume: the stored run had other pictures"):
        stylize(CONTENT, STYLE.flip(-1), **QUICK, resume=half.checkpoint)
    (tmp_path / "bad").write_bytes(b"nothing")
    for name, words in (("bad", "damaged"), ("missing", "no such checkpoint")):
        with pytest.raises(ValueError, match=words):
            load_checkpoint(tmp_path / name)


def test_a_loss_that_is_not_finite_stops_the_run_with_the_last_good_image(monkeypatch):
    from nstkit.transfer.objective import Objective

    real, calls = Objective.terms, []

    def poisoned(self, image):
        calls.append(1)
        terms = real(self, image)
        return terms | {"style": terms["style"] * (float("nan") if len(calls) > 14 else 1.0)}

    monkeypatch.setattr(Objective, "terms", poisoned)
    with pytest.raises(
        NonFiniteLoss, match=r"the style term is not finite \(scale 1 of 1, step 20"
    ) as caught:
        stylize(CONTENT, STYLE, **QUICK | {"coarsest": 104, "steps": 30})
    assert torch.isfinite(caught.value.image).all()


@pytest.mark.parametrize(("options", "words"), [
    ({"size": 30}, r"size: 30 gives 30 x \d+ pixels, too small for these layers, which need 40 on the short side"),
    ({"steps": 0}, "steps: expected a positive number, got 0"),
    ({"steps": 1.5}, "steps: expected a whole number, got 1.5"),
    ({"first_steps": 1.5}, "first_steps: expected a whole number, got 1.5"),
    ({"style_weight": float("nan")}, "style_weight: expected a number of at least 0, got nan"),
    ({"content_weight": -1.0}, "content_weight: expected a number of at least 0, got -1"),
    ({"content_weight": 0.0, "style_weight": 0.0}, "expected at least one above 0, got both 0"),
    ({"style_layers": {"relu1_1": 0.0}}, r"style_layers: expected at least one weight above 0, got \[0.0\]"),
    ({"style_layers": {"relu1_1": float("inf")}}, r"style_layers\['relu1_1'\]: expected a number"),
    ({"style_weights": [1.0, 2.0]}, "style_weights: expected one per style, 1, got 2"),
    ({"optimizer": "adm"}, "optimizer: expected one of lbfgs, adam, got 'adm'; did you mean 'adam'"),
    ({"style_loss": "grm"}, r"style_loss: expected one of gram, centered_gram, moments, .* 'grm'; did you mean 'gram'"),
    ({"init": "nois"}, "init: expected one of content, noise, gray, got 'nois'; did you mean 'noise'"),
    ({"device": "gpu"}, "device: expected auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
    ({"encoder": "vgg13"}, "encoder: expected one of auto, .* got 'vgg13'"),
    ({"average": 1.0}, r"average: expected a decay in \[0, 1\), got 1.0"),
    ({"beta2": 1.0}, r"beta2: expected a decay in \[0, 1\), got 1.0"),
    ({"scale_factor": 1.0}, "scale_factor: expected a number above 1, got 1.0"),
    ({"scale_factor": float("nan")}, "scale_factor: expected a number above 1, got nan"),
    ({"first_steps": 0}, "first_steps: expected a positive number, got 0"),
    ({"carry_over": True}, "carry_over: expected optimizer='adam' beside it, got 'lbfgs', whose memory"),
    ({"border": "reflect"}, "border: expected one of zeros, replicate, got 'reflect'"),
    ({"tv_loss": "nine"}, "tv_loss: expected one of squared, nine_point, got 'nine'"),
    ({"learning_rate": 0.0}, "learning_rate: expected a positive number, got 0.0"),
    ({"learning_rate": 1e38}, r"learning_rate: expected at most 1e\+36, got 1e\+38; 1 is large already"),
    ({"history": 0}, "history: expected a positive number, got 0"),
    ({"coarsest": 0}, "coarsest: expected a positive number, got 0"),
])  # fmt: skip
def test_mistakes(options, words):
    with pytest.raises(ValueError, match=words):
        stylize(CONTENT, STYLE, **QUICK | options)


@pytest.mark.parametrize(("styles", "options", "words"), [
    (None, {}, r"styles: expected an image, \(1, 3, h, w\), or a list of them, got None"),
    (STYLE, {"style_layers": ["relu1_1"]}, r"style_layers: expected layers with their weights, .*got \['relu1_1'\]"),
    (STYLE, {"content_layers": "relu1_1"}, "content_layers: expected layers with their weights, .*got 'relu1_1'"),
])  # fmt: skip
def test_other_types_are_named(styles, options, words):
    with pytest.raises(TypeError, match=words):
        stylize(CONTENT, styles, **QUICK | options)


def test_an_unknown_layer_gets_a_suggestion():
    with pytest.raises(
        KeyError, match=r"style_layers: tiny has no 'relu3_3'; did you mean 'relu3_\d'\? It has .*color1"
    ):
        stylize(CONTENT, STYLE, **QUICK, style_layers={"relu3_3": 1.0})


@pytest.mark.parametrize(("content", "styles", "words"), [
    (CONTENT, [], "styles: expected at least one image, got none"),
    (CONTENT[0], STYLE, r"content: expected \(B, 3, H, W\)"),
    (CONTENT, torch.cat([STYLE, STYLE]), r"style: expected one image \(1, 3, H, W\), got a batch of 2"),
    (CONTENT, [STYLE, STYLE * 2], r"styles\[1\]: expected"),
    (CONTENT * float("nan"), STYLE, "content: expected"),
    (CONTENT[..., :1, :1], STYLE, "content: expected at least 40 x 40 pixels for these layers, got 1 x 1"),
    (CONTENT, STYLE[..., :9], "style: expected at least 40 x 40 pixels for these layers, got 9 x 56"),
])  # fmt: skip
def test_pictures_that_are_refused(content, styles, words):
    with pytest.raises(ValueError, match=words):
        stylize(content, styles, **QUICK)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has CUDA")
def test_cuda_where_there_is_none():
    with pytest.raises(ValueError, match="device: cuda was asked for, but this machine has only cpu"):
        stylize(CONTENT, STYLE, **QUICK | {"device": "cuda"})


def test_bfloat16_stays_close_and_keeps_statistics_in_float32():
    network = load_encoder("vgg16", weights="random", seed=1)
    layers = {"content_layers": {"relu2_2": 1.0}, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}
    options = QUICK | {"encoder": network, "coarsest": 104, "steps": 1} | layers
    losses = [
        stylize(CONTENT, STYLE, **options, init="gray", precision=p).losses for p in ("float32", "bfloat16")
    ]
    assert math.isclose(losses[0]["total"], losses[1]["total"], rel_tol=0.03)


def test_a_gram_matrix_in_half_precision_overflows_and_ours_does_not():
    features = 40 * torch.rand(1, 4, 300, 300, generator=torch.Generator().manual_seed(0))
    flat = features.half().flatten(2)
    assert not torch.isfinite((flat @ flat.mT).float()).all()
    from nstkit.losses import gram_matrix

    assert torch.isfinite(gram_matrix(features.float(), "none")).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
class TestOnTheGpu:
    def test_the_same_picture_as_on_the_cpu(self):
        images = [
            stylize(CONTENT, STYLE, **QUICK | {"device": d, "optimizer": "adam"}).image.cpu()
            for d in ("cpu", "cuda")
        ]
        assert float((images[0] - images[1]).abs().mean()) < 5e-3

    def test_no_host_sync_between_looks(self):
        def guard(step):
            torch.cuda.set_sync_debug_mode("error" if 1 <= step.step < 9 else "default")

        try:
            stylize(CONTENT, STYLE, **QUICK | {"device": "cuda", "steps": 9}, on_step=guard)
        finally:
            torch.cuda.set_sync_debug_mode("default")
