"""`nstkit train fast | adain` and `nstkit transfer --model`: from a folder to a picture, and what is refused."""

import itertools
import json

import pytest
import torch

from nstkit.cli.declarations import declaration
from nstkit.cli.train import ADAIN, FAST
from nstkit.encoders import load_encoder
from nstkit.images import load_image, read_metadata, save_image
from nstkit.paintings import paint
from nstkit.training import load_training
from nstkit.transfer.adain_decoder import AdaInDecoder
from nstkit.transfer.adain_folder_training import train_adain
from nstkit.transfer.fast_network import FastNetwork
from nstkit.transfer.fast_training import train_fast
from nstkit.transfer.feed_forward import AdaInModel, FastModel, load_model, save_model

SHORT = ("--steps", "3", "--batch-size", "2", "--encoder", "tiny", "--device", "cpu")
FAST_RUN = ("train", "fast", "style.png", "photos", *SHORT, "--size", "40", "--width", "4", "--blocks", "1",
            "--style-size", "64")  # fmt: skip
ADAIN_RUN = ("train", "adain", "photos", "paintings", *SHORT, "--size", "16", "--layer", "relu2_1",
             "--style-layers", "relu1_1,relu2_1")  # fmt: skip


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with two folders of three pictures each."""
    root = tmp_path_factory.mktemp("pictures")
    for name, kind in (("photos", "pointillism"), ("paintings", "swirls")):
        (root / name).mkdir()
        whole = paint(kind, 72, 90)
        for number in range(3):
            save_image(whole[..., 10 * number :], root / name / f"{number}.png")
    return root


@pytest.fixture
def folders(here, photo, style, pictures):
    """The same, in the current folder, beside a photo and a style."""
    for name in ("photos", "paintings"):
        (here / name).symlink_to(pictures / name)
    return here


@pytest.fixture
def models(here):
    """Two models that nobody trained: fast.safetensors and adain.safetensors."""
    torch.manual_seed(7)
    encoder = load_encoder("tiny")
    save_model(FastModel(FastNetwork(4, 1), "swirls"), here / "fast.safetensors")
    save_model(AdaInModel(encoder, AdaInDecoder(encoder, "relu2_1")), here / "adain.safetensors")
    return here


def one_sentence(ended):
    """The error of a command: exit code 2 and one line."""
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nstkit: ")
    assert ended.err.count("\n") == 1
    return ended.err


def test_a_run_makes_a_model_that_transfer_uses(nstkit, folders):
    code, _, said = nstkit(*FAST_RUN, "-o", "run", "--sample-every", "2")
    assert code == 0
    assert "encoder: tiny, built in" in said
    assert "to use it: nstkit transfer PHOTO -o OUT.png --model run/model.safetensors" in said
    assert {path.name for path in (folders / "run").iterdir()} == {
        "options.json", "checkpoint.safetensors", "log.jsonl", "samples", "model.safetensors",
    }  # fmt: skip
    assert load_image("run/samples/000002.png").shape == (1, 3, 4 * 42 + 2, 2 * 42 + 2)
    code, _, said = nstkit("transfer", "photo.png", "-o", "out.png", "--model", "run/model.safetensors")
    assert code == 0
    assert said.startswith("wrote out.png, 96x72, one pass of ")
    expected = load_model("run/model.safetensors").stylize(load_image("photo.png"))
    torch.testing.assert_close(load_image("out.png"), expected, rtol=0, atol=0.51 / 255)
    found = read_metadata("out.png")
    assert found["content"] == "photo.png"
    assert found["model"].startswith("model.safetensors ")
    assert json.loads(found["styles"]) == ["style"]


@pytest.mark.parametrize("words", [FAST_RUN, ADAIN_RUN], ids=["fast", "adain"])
def test_a_longer_run_is_the_run_that_was_long_from_the_start(nstkit, folders, words):
    assert nstkit(*words, "-q", "-o", "short").code == 0
    assert nstkit(*words, "-q", "-o", "short", "--steps", "5", "--resume") == (0, "", "")
    assert nstkit(*words, "-q", "-o", "long", "--steps", "5").code == 0
    short, long = (load_model(folders / name / "model.safetensors") for name in ("short", "long"))
    assert short.metadata == long.metadata
    assert all(map(torch.equal, short.state_dict().values(), long.state_dict().values()))
    assert load_training("short/checkpoint.safetensors")["step"] == 5


def test_a_run_goes_on_only_with_its_style(nstkit, folders):
    assert nstkit(*FAST_RUN, "-q", "-o", "run").code == 0
    words = [word if word != "style.png" else "swirls" for word in FAST_RUN]
    assert "--resume: the run in run learns from " in one_sentence(nstkit(*words, "-o", "run", "--resume"))
    save_image(load_image("photo.png"), folders / "style.png", overwrite=True)
    said = one_sentence(nstkit(*FAST_RUN, "-o", "run", "--resume", "--steps", "5"))
    assert "resume: the stored run had another style" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("fast nowhere.png photos", "nowhere.png: no such file"),
        ("fast style.png nowhere", "nowhere: expected a folder of pictures, found none"),
        ("fast style.png photos --size 20", "--size: expected at least 40, which the encoder's layers need, got 20"),
        ("fast style.png photos --style-size 0", "--style-size: expected a positive number, got 0"),
        ("fast style.png photos --temporal-weight -1", "--temporal-weight: expected a number of at least 0, got -1"),
        ("fast style.png photos --encoder vgg19", "--encoder: no weights of vgg19 in"),
        ("fast photos", "missing argument 'FOLDER'"),
        ("adain photos paintings --layer relu9_1 --encoder tiny", "tiny has no 'relu9_1'"),
        ("adain photos paintings --size 17 --encoder tiny", "--size: expected a multiple of 8, the stride of relu4_1"),
        ("adain photos", "missing argument 'PAINTINGS'"),
    ],
)  # fmt: skip
def test_a_bad_order_is_one_sentence_and_leaves_nothing(nstkit, folders, words, message):
    assert message in one_sentence(nstkit("train", *words.split(), "-o", "run"))
    assert not (folders / "run").exists()


@pytest.mark.parametrize(("options", "function"), [(FAST, train_fast), (ADAIN, train_adain)])
def test_every_option_of_the_trainer_is_there(options, function):
    parameters = declaration(function).parameters
    expected = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY}
    assert set(options) == expected - {"on_step", "resume", "style_name"}
    assert all(options[name].default == parameters[name].default for name in options)


def test_several_styles_a_size_and_the_content_s_colours(nstkit, models, photo, style):
    words = ("transfer", photo, style, "swirls", "--model", "adain.safetensors", "-q", "--size", "64")
    assert nstkit(*words, "-o", "even.png") == (0, "", "")
    assert nstkit(*words, "-o", "one.png", "--style-weights", "1,0").code == 0
    assert nstkit(*words, "-o", "half.png", "--style-weights", "1,0", "--alpha", "0.5").code == 0
    assert nstkit(*words, "-o", "kept.png", "--preserve-color", "luminance").code == 0
    pictures = [load_image(f"{name}.png") for name in ("even", "one", "half", "kept")]
    assert {tuple(picture.shape) for picture in pictures} == {(1, 3, 48, 64)}
    assert all((a - b).abs().max() > 0.02 for a, b in itertools.pairwise(pictures))
    model = load_model("adain.safetensors")
    only = model.stylize(load_image(photo, size=64), load_image(style, size=64))
    torch.testing.assert_close(pictures[1], only, rtol=0, atol=0.51 / 255)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("photo.png style.png --model fast.safetensors", "the model paints one style, swirls; leave styles"),
        ("photo.png --model fast.safetensors --alpha 0.5", "--alpha: the model paints one style, swirls, and always"),
        ("photo.png --model fast.safetensors --preserve-color histogram", "expected luminance, got histogram"),
        ("photo.png --model adain.safetensors", "the model needs at least one picture to take the style from"),
        ("photo.png style.png --model adain.safetensors --alpha 2", "--alpha: expected 0, the content, to 1"),
        ("photo.png style.png --model adain.safetensors --style-weights 1,2", "expected one per style, 1, got 2"),
        ("photo.png style.png --model adain.safetensors --steps 9", "--steps: one pass with --model has no such"),
        ("photo.png --model fast.safetensors --size 0", "--size: expected a positive number, got 0"),
        ("photo.png --model fast.safetensors --resume", "--resume: one pass is over at once"),
        ("photo.png --model nowhere.safetensors", "nowhere.safetensors: no such file; `nstkit train fast`"),
        ("photo.png --model style.png", "style.png: damaged, or no model file"),
        ("nowhere.png --model fast.safetensors", "nowhere.png: no such file"),
        (". --model fast.safetensors", "--output: expected a folder, as . is one, got out.png"),
        ("photo.png --model fast.safetensors -o out.gif", "out.gif: expected a name that ends in .png"),
        ("photo.png --model fast.safetensors -o style.png", "style.png: exists already"),
        ("photo.png style.png --alpha 0.5", "--alpha: expected --model beside it"),
    ],
)  # fmt: skip
def test_a_bad_pass_is_one_sentence_and_leaves_nothing(nstkit, models, photo, style, words, message):
    before = {path.name: path.read_bytes() for path in models.iterdir()}
    output = () if "-o" in words else ("-o", "out.png")
    assert message in one_sentence(nstkit("transfer", *words.split(), *output))
    assert {path.name: path.read_bytes() for path in models.iterdir()} == before
