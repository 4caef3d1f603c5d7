"""Both trainings on folders: they learn, resume exactly, and refuse to go on as another run."""

import os
import subprocess
import sys

import pytest
import torch

from nstkit.encoders import load_encoder
from nstkit.images import save_image
from nstkit.paintings import paint
from nstkit.training import NonFiniteTraining
from nstkit.training.distributed import Team, averaged_terms
from nstkit.transfer.adain_folder_training import train_adain
from nstkit.transfer.fast_objective import FastObjective
from nstkit.transfer.fast_training import train_fast
from nstkit.transfer.recipes import Recipe
from nstkit.transfer.taps import TappedEncoder

pytestmark = pytest.mark.usefixtures("one_thread")

FAST = {"size": 40, "batch_size": 2, "width": 4, "blocks": 1, "encoder": "tiny", "device": "cpu"}
ADAIN = {"size": 16, "batch_size": 2, "layer": "relu2_1", "style_layers": ("relu1_1", "relu2_1"), "encoder": "tiny",
         "device": "cpu", "learning_rate": 3e-3}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders: of drawn pictures, cut differently."""
    root = tmp_path_factory.mktemp("pictures")
    for name, kinds in (("photos", ("mosaic", "pointillism")), ("paintings", ("swirls", "woodcut"))):
        (root / name).mkdir()
        for kind in kinds:
            whole = paint(kind, 72, 100)
            for number in range(2):
                save_image(
                    whole[..., 20 * number : 20 * number + 52, :60], root / name / f"{kind}_{number}.png"
                )
    return root / "photos", root / "paintings"


@pytest.fixture(scope="module")
def style():
    return paint("swirls", 64, 80)


def weights(trained):
    return torch.cat([p.flatten() for p in trained.networks["model"].parameters()])


def stopping_at(step):
    return lambda seen: seen.step == step


@pytest.mark.parametrize("kind", ["fast", "adain"])
def test_a_run_that_was_stopped_ends_where_the_other_does(folders, style, kind):
    def train(**options):
        if kind == "fast":
            return train_fast(
                style, folders[0], steps=6, **FAST, temporal_weight=10.0, tv_weight=0.1, **options
            )
        return train_adain(*folders, steps=6, **ADAIN, **options)

    whole = train()
    stopped = train(on_step=stopping_at(2))
    assert (stopped.finished, stopped.fitted.step) == (False, 2)
    torch.manual_seed(99)  # what happens elsewhere does not matter
    resumed = train(resume=stopped.fitted.checkpoint)
    assert resumed.finished
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.fitted.losses == whole.fitted.losses
    assert (weights(whole) != weights(stopped)).any()


def test_a_fast_network_learns(folders, style):
    seen = []
    options = FAST | {"learning_rate": 3e-3}
    train_fast(
        style, folders[0], steps=40, **options, on_step=lambda s: seen.append(s.losses["total"]) and None
    )
    assert sum(seen[-8:]) < 0.5 * sum(seen[:8])


def test_a_decoder_learns(folders):
    seen = []
    train_adain(*folders, steps=40, **ADAIN, on_step=lambda s: seen.append(s.losses["total"]) and None)
    assert sum(seen[-8:]) < 0.5 * sum(seen[:8])


def test_total_is_the_sum_and_weights_of_zero_leave_terms_out(folders, style):
    seen = []
    train_fast(
        style,
        folders[0],
        steps=1,
        **FAST,
        temporal_weight=5.0,
        on_step=lambda s: seen.append(s.losses) and None,
    )
    assert set(seen[0]) == {"content", "style", "temporal", "total"}
    assert seen[0]["total"] == pytest.approx(sum(seen[0][name] for name in ("content", "style", "temporal")))
    assert seen[0]["temporal"] > 0


def test_samples_are_rows_of_photographs_and_results(folders, style):
    seen = []
    train_fast(
        style, folders[0], steps=1, **FAST, on_step=lambda s: seen.append((s.samples(), s.columns)) and None
    )
    train_adain(*folders, steps=1, **ADAIN, on_step=lambda s: seen.append((s.samples(), s.columns)) and None)
    assert [(found.shape, columns) for found, columns in seen] == [((8, 3, 40, 40), 2), ((12, 3, 16, 16), 3)]
    assert all(found.min() >= 0 and found.max() <= 1 for found, _ in seen)


def test_the_encoder_is_never_trained_and_the_global_random_state_is_left_alone(folders, style):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    model = train_adain(*folders, steps=2, **ADAIN).networks["model"]
    train_fast(style, folders[0], steps=1, **FAST)
    assert torch.equal(torch.get_rng_state(), before)
    fresh = load_encoder("tiny").cut(["relu2_1"]).state_dict()
    assert all(torch.equal(value, fresh[name]) for name, value in model.encoder.state_dict().items())


def test_another_style_or_encoder_does_not_go_on(folders, style, monkeypatch):
    stopped = train_fast(style, folders[0], steps=4, **FAST, on_step=stopping_at(1)).fitted.checkpoint
    with pytest.raises(ValueError, match="resume: the stored run had another style"):
        train_fast(1 - style, folders[0], steps=4, **FAST, resume=stopped)
    with pytest.raises(ValueError, match="resume: the stored run had another encoder"):
        train_fast(style, folders[0], steps=4, **FAST, weights="random", resume=stopped)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 20}, "size: expected at least 40, which the encoder's layers need, got 20"),
        ({"width": 0}, "width: expected at least 1, got 0"),
        ({"style_weight": -1.0}, "style_weight: expected a number of at least 0, got -1"),
        ({"temporal_weight": float("nan")}, "temporal_weight: expected a number of at least 0, got nan"),
        ({"precision": "half"}, "precision: expected one of auto, float32, bfloat16, got 'half'"),
        ({"style_layers": {}}, "style_layers: expected at least one weight above 0, got none"),
        ({"content_layers": {"luma2": -1.0}}, "expected a number of at least 0, got -1"),
        ({"encoder": "vgg"}, "encoder: expected one of auto, vgg19"),
    ],
)
def test_what_a_fast_network_cannot_be_is_refused(folders, style, options, message):
    with pytest.raises(ValueError, match=message):
        train_fast(style, folders[0], **FAST | options)


def test_layers_are_those_asked_for(folders, style):
    with pytest.raises(KeyError, match="style_layers: tiny has no 'relu9_1'"):
        train_fast(style, folders[0], **FAST, style_layers={"relu9_1": 1.0})

    def first(**layers):
        seen = []
        train_fast(
            style, folders[0], steps=1, **FAST, **layers, on_step=lambda s: seen.append(s.losses) and None
        )
        return seen[0]

    one = first(style_layers={"color2": 1.0}, content_layers={"luma2": 1.0})
    two = first(style_layers={"color2": 3.0}, content_layers={"luma2": 0.5})
    assert two["style"] == pytest.approx(3 * one["style"], rel=1e-5)
    assert two["content"] == pytest.approx(0.5 * one["content"], rel=1e-5)


def test_a_style_that_is_no_image_or_too_small_is_refused(folders, style):
    with pytest.raises(ValueError, match=r"style: expected \(B, 3, H, W\), got \(3, 64, 80\)"):
        train_fast(style[0], folders[0], **FAST)
    with pytest.raises(ValueError, match=r"style: expected \(1, 3, h, w\) of at least 40 x 40 pixels, got"):
        train_fast(style[..., :30], folders[0], **FAST)


def test_what_a_decoder_cannot_be_is_refused(folders):
    with pytest.raises(
        ValueError, match="size: expected a multiple of 2, the stride of relu2_1, from 4 up, got 17"
    ):
        train_adain(*folders, **ADAIN | {"size": 17})
    with pytest.raises(KeyError, match="tiny has no 'relu9_1'"):
        train_adain(*folders, **ADAIN | {"layer": "relu9_1"})


def test_a_loss_that_is_no_number_ends_the_run(folders, style):
    with pytest.raises(NonFiniteTraining, match=r"the loss '\w+' is not finite \(step \d+"):
        train_fast(style, folders[0], steps=20, **FAST | {"learning_rate": 1e30})


def test_the_objective_is_0_for_the_style_and_1_for_what_it_is_scaled_by(style):
    """Gram matrices of the style itself leave no gap; the photographs' own gap is the unit."""
    recipe = Recipe({"relu2_1": 1.0}, {"relu1_1": 0.25, "relu3_1": 0.75})
    encoder = TappedEncoder(load_encoder("tiny"), ["relu2_1", "relu1_1", "relu3_1"])
    objective = FastObjective(encoder, style, recipe)
    assert objective.terms(style, style)["style"] < 1e-12
    photos = torch.rand(2, 3, 40, 52, generator=torch.Generator().manual_seed(1))
    objective.scales = objective.gaps(photos)
    terms = objective.terms(photos, photos)
    assert float(terms["style"]) == pytest.approx(1.0, rel=1e-5)
    assert terms["content"] == 0
    assert float(objective.terms(photos, style.expand(2, -1, -1, -1)[..., :40, :52])["content"]) > 0


def test_the_objective_is_written_out(style):
    """Centred second moments over H·W, their mean squared gap; content as a share of its energy."""
    recipe = Recipe({"relu2_1": 2.0}, {"relu1_1": 3.0}, style_loss="centered_gram")
    encoder = TappedEncoder(load_encoder("tiny"), ["relu2_1", "relu1_1"])
    objective = FastObjective(encoder, style, recipe)
    random = torch.Generator().manual_seed(1)
    content, output = (torch.rand(2, 3, 40, 52, generator=random) for _ in range(2))
    f, goal, s = encoder(output), encoder(content)["relu2_1"], encoder(style)["relu1_1"]
    center = s.mean((0, 2, 3))[None, :, None]

    def moments(x):
        flat = x.flatten(2) - center
        return torch.einsum("bcn,bdn->bcd", flat, flat) / flat.shape[2]

    style_term = 3 * (moments(f["relu1_1"]) - moments(s)).pow(2).mean()
    gaps = (f["relu2_1"] - goal).pow(2).mean((1, 2, 3)) / goal.pow(2).mean((1, 2, 3))
    terms = objective.terms(content, output)
    torch.testing.assert_close(terms["style"], style_term, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(terms["content"], 2 * gaps.mean(), rtol=1e-4, atol=1e-6)


def test_terms_of_one_process_are_themselves():
    terms = averaged_terms(
        {"a": torch.tensor(2.0, requires_grad=True) * 3, "b": torch.tensor(-1.0)}, Team(torch.device("cpu"))
    )
    assert {name: float(value) for name, value in terms.items()} == {"a": 6.0, "b": -1.0}
    assert not any(value.requires_grad for value in terms.values())


JOINED = """
import os, sys, torch
from pathlib import Path
from nstkit.paintings import paint
from nstkit.transfer.adain_folder_training import train_adain
from nstkit.transfer.fast_training import train_fast
losses = []
watch = lambda s: losses.append(dict(s.losses)) and None
style = paint("swirls", 64, 80)
train_fast(style, Path(sys.argv[1]), steps=3, size=40, batch_size=4, width=4, blocks=1, encoder="tiny",
           device="cpu", temporal_weight=10.0, on_step=watch)
train_adain(Path(sys.argv[1]), Path(sys.argv[2]), steps=3, size=16, batch_size=4, layer="relu2_1",
            style_layers=["relu1_1"], encoder="tiny", device="cpu", on_step=watch)
if os.environ.get("RANK", "0") == "0":
    torch.save(losses, sys.argv[3])
"""


@pytest.mark.slow  # three processes load torch
def test_two_processes_have_the_losses_of_one_with_the_joined_batch(folders, tmp_path):
    script = tmp_path / "joined.py"
    script.write_text(JOINED)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for command, out in (([sys.executable], "one.pt"), (torchrun, "two.pt")):
        words = [*command, str(script), *map(str, folders), str(tmp_path / out)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (torch.load(tmp_path / name, weights_only=True) for name in ("one.pt", "two.pt"))
    assert len(one) == 6
    for alone, together in zip(one, two, strict=True):
        assert together == pytest.approx(alone, rel=1e-3)
