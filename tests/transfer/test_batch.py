"""Contents of one batch come to what each comes to alone, whatever is asked for."""

import pytest
import torch

from nstkit.encoders import load_encoder
from nstkit.images import photograph
from nstkit.paintings import paint
from nstkit.transfer import column_targets, matching_targets, stylize
from nstkit.transfer.recipes import TINY
from nstkit.transfer.regions import EVERYWHERE, Regions
from nstkit.transfer.run import Run
from nstkit.transfer.settled import settled_options, tapped

pytestmark = pytest.mark.usefixtures("one_thread")

HEIGHT, WIDTH = 40, 52
CONTENTS = torch.cat([
    photograph("coffee", size=160)[..., :HEIGHT, :WIDTH],
    0.3 + 0.1 * photograph("chelsea", size=160)[..., :HEIGHT, 40 : 40 + WIDTH],  # dull: other scales by far
])  # fmt: skip
STYLES = [paint("mosaic", height=48, width=64), paint("swirls", height=56, width=44)]
FEW = {"color1": 1.0, "relu2_1": 2.0}
CASES = {
    "lbfgs": {},
    "adam": {"optimizer": "adam"},
    "average": {"average": 0.6, "tv_weight": 0.5},
    "noise": {"init": "noise", "seed": 3},
    "published": {"balance": "none", "content_loss": "half_sum", "content_weight": 1e-3, "normalize": "chw"},
    "gradient": {"balance": "gradient", "optimizer": "adam", "style_loss": "gram"},
    "luminance": {"preserve_color": "luminance"},
    "covariance": {"preserve_color": "covariance", "style_loss": "wasserstein"},
    "matched": {"match_color": "histogram"},
    "histogram": {"preserve_color": "histogram", "style_loss": "moments+histogram"},
    "sliced": {"style_loss": "sliced_wasserstein", "preserve_color": "covariance"},
    "patch": {
        "style_loss": "patch", "style_layers": {"color2": 1.0}, "preserve_color": "covariance", "optimizer": "adam",
    },
    "contextual": {"style_loss": "contextual", "preserve_color": "covariance", "optimizer": "adam"},
    "strotss": {
        "style_loss": "relaxed_emd", "content_loss": "self_similarity", "preserve_color": "covariance",
        "optimizer": "adam",
    },
    "palette": {
        "style_loss": "palette", "style_layers": {"pixels": 1.0}, "preserve_color": "covariance", "optimizer": "adam",
    },
    "tile": {"tile": 40, "preserve_color": "covariance"},
}  # fmt: skip


@pytest.fixture(scope="module")
def network():
    return load_encoder("tiny")


@pytest.fixture
def fewer(monkeypatch):
    """Fewer places are compared in pairs, which is most of the time."""
    for module, name in ((matching_targets, "PATCHES"), (matching_targets, "COLUMNS"), (column_targets, "POINTS"),
                         (column_targets, "STYLE_POINTS")):  # fmt: skip
        monkeypatch.setattr(module, name, 150)


def at_the_end(network, contents, dtype, regions=EVERYWHERE, **asked):
    """The image after three steps, in `dtype` throughout: `stylize` itself is float32."""
    open_options = dict.fromkeys(("recipe", "content_layers", "tv_weight", "normalize", "balance", "content_loss",
                                  "style_loss", "init", "optimizer", "learning_rate", "average", "style_weight",
                                  "content_weight", "preserve_color", "tile", "scale_factor", "first_steps",
                                  "carry_over", "beta2", "border", "tv_loss", "patch_sizes",
                                  "patch_turns"))  # fmt: skip
    open_options.pop("recipe")
    fixed = {
        "encoder": "tiny", "style_layers": FEW, "style_weights": (1.0, 2.0), "style_scale": 1.0, "size": WIDTH,
        "coarsest": WIDTH, "steps": 3, "history": 2, "seed": 0, "precision": "float32", "channels_last": False,
    }  # fmt: skip
    options = settled_options(TINY, torch.device("cpu"), **open_options | fixed | asked)
    encoder = tapped(network, options, torch.device("cpu")).to(dtype)
    run = Run(
        encoder, contents.to(dtype), [style.to(dtype) for style in STYLES], None, options, None, regions
    )
    while not run.finished:
        run.advance()
    return run.image()


@pytest.mark.parametrize("case", CASES)
def test_in_float64_to_many_digits(network, fewer, case):
    together = at_the_end(network, CONTENTS, torch.float64, **CASES[case])
    alone = [at_the_end(network, content[None], torch.float64, **CASES[case]) for content in CONTENTS]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-9)


@pytest.mark.parametrize("loss", ["histogram+patch", "sliced_wasserstein+contextual", "relaxed_emd"])
def test_masked_in_float64_to_many_digits(network, fewer, loss):
    ramp = torch.linspace(0, 1, WIDTH, dtype=torch.float64).expand(HEIGHT, WIDTH)
    regions = Regions(torch.stack([ramp, 1 - ramp]), None, (STYLES[0][0, 0].double(), None))
    asked = {"style_loss": loss, "optimizer": "adam", "preserve_color": "covariance", "patch_turns": (10.0,)}
    together = at_the_end(network, CONTENTS, torch.float64, regions, **asked)
    alone = [at_the_end(network, content[None], torch.float64, regions, **asked) for content in CONTENTS]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-9)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_in_float32_up_to_rounding(optimizer):
    quick = {
        "encoder": "tiny",
        "style_layers": FEW,
        "size": WIDTH,
        "coarsest": WIDTH,
        "steps": 5,
        "device": "cpu",
    }
    together = stylize(CONTENTS, STYLES, **quick, optimizer=optimizer).image
    alone = [stylize(content[None], STYLES, **quick, optimizer=optimizer).image for content in CONTENTS]
    assert float((together - torch.cat(alone)).abs().mean()) < 2e-4
    assert float((together[0] - together[1]).abs().mean()) > 0.02


def test_noise_of_a_generator_is_drawn_image_after_image():
    one = {"encoder": "tiny", "style_layers": {"color1": 1.0}, "content_layers": {}, "content_weight": 0.0,
           "size": WIDTH, "coarsest": WIDTH, "steps": 1, "device": "cpu", "init": "noise"}  # fmt: skip
    generator = torch.Generator().manual_seed(2)
    together = stylize(CONTENTS[:2], STYLES[0], **one, generator=generator).image
    generator.manual_seed(2)
    alone = [stylize(CONTENTS[:1], STYLES[0], **one, generator=generator).image for _ in range(2)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-5)
    assert float((together[0] - together[1]).abs().mean()) > 0.1
