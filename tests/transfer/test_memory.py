"""An estimate is what a run takes: counted in a real one, and measured from outside."""

import subprocess
import sys

import pytest
import torch

from nstkit.encoders import load_encoder
from nstkit.losses.wasserstein import principal
from nstkit.transfer import memory, stylize, tiles
from nstkit.transfer.live_tensors import LiveTensors, rehearsal
from nstkit.transfer.memory import estimate, largest_size
from nstkit.transfer.options import STYLE_LOSSES

SHORT = {"coarsest": 96, "size": 96, "steps": 2, "device": "cpu", "precision": "float32", "seed": 1}
LAYERS = {"relu1_1": 1.0, "relu3_1": 1.0}


@pytest.fixture(scope="module")
def pictures():
    """Two contents of 72 x 96 and a style of 64 x 80."""
    generator = torch.Generator().manual_seed(0)
    return torch.rand(2, 3, 72, 96, generator=generator), torch.rand(1, 3, 64, 80, generator=generator)


@pytest.fixture(scope="module")
def tiny():
    return load_encoder("tiny")


def counted(content, style, **options):
    """The most bytes of tensors in a real run, from its pictures on."""
    with LiveTensors() as tensors:
        stylize(content.clone(), style.clone(), **options)
    return tensors.most


def tensors_of(found):
    return found.held + found.step


@pytest.mark.parametrize(
    "options",
    [
        *(pytest.param({"style_loss": loss}, id=loss) for loss in STYLE_LOSSES if loss != "palette"),
        pytest.param({"style_layers": {"pixels": 1.0}, "style_loss": "palette"}, id="palette"),
        pytest.param({"precision": "bfloat16"}, id="bfloat16"),
        pytest.param({"optimizer": "lbfgs", "history": 3, "average": 0.9}, id="lbfgs"),
        pytest.param({"content_loss": "self_similarity"}, id="self_similarity"),
        pytest.param({"tile": 64, "style_layers": {"relu1_1": 1.0, "relu2_1": 1.0}}, id="tiles"),
        pytest.param({"preserve_color": "luminance"}, id="luminance"),
        pytest.param({"preserve_color": "histogram"}, id="histogram_of_colours"),
        pytest.param({"match_color": "covariance", "tv_weight": 1.0}, id="match_color"),
        pytest.param({"border": "replicate", "tv_weight": 1.0, "tv_loss": "nine_point"}, id="border"),
        pytest.param(
            {"optimizer": "adam", "first_steps": 3, "carry_over": True, "coarsest": 48, "scale_factor": 1.5},
            id="scales",
        ),
    ],
)
def test_what_is_foretold_is_what_a_run_takes(pictures, tiny, options):
    """The same program, counted with values and without; small tensors that live on differ."""
    asked = {"encoder": tiny, "style_layers": LAYERS, "content_layers": {"relu2_1": 1.0}} | SHORT | options
    found = estimate(*pictures, **asked)
    assert tensors_of(found) == pytest.approx(counted(*pictures, **asked), rel=0.1)


def test_masks_and_starts_are_counted(pictures, tiny):
    content, style = pictures
    asked = {"encoder": tiny, "style_layers": LAYERS, "content_layers": {"relu2_1": 1.0}} | SHORT
    mask = torch.ones(72, 96)
    mask[:, :40] = 0
    more = {"masks": torch.stack([mask, 1 - mask]), "init": content.flip(3)}
    styles = [style, style.flip(2)]
    with LiveTensors() as tensors:
        stylize(content, styles, **asked | more)
    given = 2 * style.nbytes + content.nbytes + more["masks"].nbytes
    found = estimate(content, styles, **asked | more)
    assert tensors_of(found) - given - content.nbytes == pytest.approx(tensors.most, rel=0.15)
    assert found.held > estimate(content, styles, **asked).held


@pytest.mark.parametrize("loss", ["patch", "contextual", "relaxed_emd", "sliced_wasserstein"])
def test_masks_of_losses_that_look_at_places_are_counted(pictures, tiny, loss):
    """Masks without values are taken for soft ones that show everything."""
    content, style = pictures
    asked = {"encoder": tiny, "style_layers": LAYERS, "style_loss": loss, "patch_turns": [20.0]} | SHORT
    mask = torch.linspace(0.9, 1, 96).expand(1, 72, 96)
    asked |= {"masks": mask, "style_masks": [mask[:, :64, :80]]}
    with LiveTensors() as tensors:
        stylize(content, style, **asked)
    found = estimate(content, style, **asked)
    assert tensors_of(found) - style.nbytes - content.nbytes == pytest.approx(tensors.most, rel=0.15)


def test_each_step_that_lbfgs_remembers_is_two_pictures_and_a_checkpoint_copies_them(pictures, tiny):
    asked = {"encoder": tiny, "style_layers": LAYERS, "optimizer": "lbfgs"} | SHORT
    three, seven = (estimate(*pictures, history=history, **asked) for history in (3, 7))
    picture = pictures[0].nbytes
    assert seven.held - three.held == pytest.approx(8 * picture, rel=0.01)
    assert seven.stored - three.stored == pytest.approx(8 * picture, rel=0.01)
    adam = estimate(*pictures, **asked | {"optimizer": "adam"})
    assert adam.stored == pytest.approx(3 * picture, rel=0.01)


def test_pictures_need_no_values(pictures, tiny):
    asked = {"encoder": tiny, "style_layers": LAYERS} | SHORT
    ghosts = [torch.empty(picture.shape, device="meta") for picture in pictures]
    assert estimate(*ghosts, **asked) == estimate(*pictures, **asked)


def test_a_batch_takes_what_its_images_take(pictures, tiny):
    content, style = pictures
    asked = {"encoder": tiny, "style_layers": LAYERS} | SHORT
    one, two = estimate(content[:1], style, **asked), estimate(content, style, **asked)
    assert two.step == pytest.approx(2 * one.step, rel=0.1)


@pytest.mark.parametrize("tile", [None, 96])
def test_large_pictures_are_read_off_smaller_ones(pictures, tiny, tile, monkeypatch):
    content, style = pictures
    layers = {"relu1_1": 1.0, "relu2_1": 1.0}
    asked = {
        "encoder": tiny,
        "style_layers": layers,
        "optimizer": "adam",
        "device": "cpu",
        "tile": tile,
        "size": 320,
    }
    monkeypatch.setattr(memory, "EXACT", 10**9)
    monkeypatch.setattr(tiles, "FEW", 10**9)
    exact = estimate(content, style, **asked)
    monkeypatch.setattr(memory, "EXACT", 160 * 120)
    monkeypatch.setattr(tiles, "FEW", 4)
    found = estimate(content, style, **asked)
    assert found != exact
    assert found.size == exact.size == (240, 320)
    assert found.held == pytest.approx(exact.held, rel=0.03)
    assert tensors_of(found) == pytest.approx(tensors_of(exact), rel=0.1)


def test_the_largest_size_that_fits(pictures, tiny):
    content, style = pictures
    asked = {"encoder": tiny, "style_layers": LAYERS, "device": "cpu", "size": 320}
    whole = estimate(content, style, **asked)
    assert largest_size(content, style, whole.bytes, **asked) == 320
    room = whole.process + whole.weights + (whole.held + whole.step) // 2
    size = largest_size(content, style, room, **asked)
    assert size is not None
    assert size % 16 == 0
    assert estimate(content, style, **asked | {"size": size}).bytes <= room
    assert estimate(content, style, **asked | {"size": round(1.1 * size)}).bytes > room
    assert largest_size(content, style, whole.process, **asked) is None


def test_what_stylize_refuses_is_refused(pictures):
    with pytest.raises(ValueError, match="tile: expected at least"):
        estimate(*pictures, encoder="tiny", size=200, tile=20, device="cpu")
    with pytest.raises(ValueError, match="style_loss: expected one of"):
        estimate(*pictures, encoder="tiny", style_loss="grim", device="cpu")


MEASURED = """
import sys, torch
torch.set_num_threads(1)
from nstkit.training.free_memory import peak
from nstkit.transfer import stylize
stylize(torch.rand(1, 3, 384, 512), torch.rand(1, 3, 256, 256), encoder=sys.argv[1], weights="random",
        size=512, coarsest=512, steps=1, optimizer="adam", precision=sys.argv[2], device="cpu")
print(peak(torch.device("cpu")))
"""


@pytest.mark.slow  # each takes a step at 512 pixels in a process of its own
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak from /proc")
@pytest.mark.parametrize(("encoder", "precision"), [("tiny", "float32"), ("vgg19", "bfloat16")])
def test_the_process_takes_what_was_foretold(encoder, precision):
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, encoder, precision], capture_output=True, text=True, check=True
    )
    ghosts = [torch.empty(1, 3, *size, device="meta") for size in ((384, 512), (256, 256))]
    found = estimate(*ghosts, encoder=encoder, optimizer="adam", precision=precision, device="cpu")
    assert found.bytes == pytest.approx(int(done.stdout), rel=0.25)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_device_takes_what_was_foretold(pictures, precision):
    content, style = (picture.cuda() for picture in pictures)
    asked = {
        "encoder": "vgg19",
        "weights": "random",
        "size": 512,
        "optimizer": "adam",
        "precision": precision,
    }
    found = estimate(content, style, device="cuda", **asked)
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    stylize(content, style, device="cuda", coarsest=512, steps=2, **asked)
    assert found.bytes == pytest.approx(torch.cuda.max_memory_allocated() - before, rel=0.25)
    assert found.process == 0


def test_a_rehearsal_takes_the_usual_way_to_eigenvectors(monkeypatch):
    def again(*_):
        raise AssertionError("float64 was asked, as after a failure")

    monkeypatch.setattr(torch.Tensor, "double", again)
    with rehearsal():
        values, vectors = principal(torch.ones(1, 6, 6), 4)
    assert (values.shape, vectors.shape) == ((1, 4), (1, 6, 4))
