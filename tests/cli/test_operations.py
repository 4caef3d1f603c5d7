"""`nstkit filter`, `enhance` and `color`: the library's functions on files and folders."""

import subprocess
import sys

import numpy as np
import pytest
import scipy.ndimage
import torch
from PIL import Image

from nstkit.cli.declarations import declaration
from nstkit.cli.operations import OPERATIONS
from nstkit.color import linear_color_transfer
from nstkit.filters import gaussian_blur, guided_filter
from nstkit.images import load_image, read_metadata

EVERY = [operation for operations in OPERATIONS.values() for operation in operations.values()]
WORDS = {
    "gaussian_blur": ["--sigma", "2"], "box_mean": ["--radius", "2"], "median_filter": ["--radius", "1"],
    "bilateral_filter": ["--sigma-space", "2", "--sigma-range", ".1", "--radius", "3"],
    "guided_filter": ["--radius", "3", "--eps", ".01"], "switching_median": ["--radius", "1", "--threshold", ".1"],
    "nl_means": ["--patch-radius", "1", "--search-radius", "2", "--h", ".1"],
    "tv_denoise": ["--lam", ".05", "--n-iter", "20"],
    "unsharp_mask": ["--sigma", "1", "--amount", ".5"], "boost_detail": ["--gains", "1.5,1.2"],
    "halo_free_sharpen": ["--sigma", "1", "--amount", "1"], "screened_poisson": ["--content", "mosaic", "--lam", "1"],
    "adjust_hsv": ["--hue-deg", "30", "--sat-gain", "1.2", "--val-gain", "1"],
    "luminance_transfer": ["--content", "mosaic"], "linear_color_transfer": ["--reference", "swirls"],
    "match_histograms": ["--reference", "swirls"],
}  # fmt: skip


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.name)
def test_every_operation_runs_on_a_photograph(nstkit, photo, operation):
    kind = next(kind for kind, table in OPERATIONS.items() if operation.name in table)
    ended = nstkit(kind, operation.name, photo, "-o", "out.png", *WORDS.get(operation.name, []))
    assert ended.code == 0, ended.err
    assert load_image("out.png").shape == load_image(photo).shape
    assert read_metadata("out.png")["operation"] == operation.name


@pytest.mark.parametrize("operation", EVERY, ids=lambda operation: operation.name)
def test_options_are_those_of_the_function(operation):
    import importlib

    function = getattr(importlib.import_module(operation.module), operation.name)
    declared = declaration(function)
    assert {*operation.options(), operation.picture} == set(declared.parameters)
    assert declared.doc == operation.declared.doc


def test_the_result_is_the_function_s(nstkit, photo):
    nstkit("filter", "gaussian_blur", photo, "-o", "out.png", "--sigma", 1.5)
    expected = (gaussian_blur(load_image(photo), 1.5).clamp(0, 1) * 255).round() / 255
    torch.testing.assert_close(load_image("out.png"), expected, rtol=0, atol=1 / 250)


def test_a_second_picture_and_a_picture_that_guides_itself(nstkit, photo, style):
    nstkit("color", "linear_color_transfer", photo, "--reference", style, "-o", "out.png")
    expected = linear_color_transfer(load_image(photo), load_image(style)).clamp(0, 1)
    torch.testing.assert_close(load_image("out.png"), expected, rtol=0, atol=1 / 250)
    nstkit("filter", "guided_filter", photo, "-o", "guided.png", "--radius", 2, "--eps", 0.01)
    image = load_image(photo)
    torch.testing.assert_close(
        load_image("guided.png"), guided_filter(image, image, 2, 0.01).clamp(0, 1), rtol=0, atol=1 / 250
    )


@pytest.mark.parametrize("kind", OPERATIONS)
def test_help_says_of_every_operation_what_one_gets_on_one_line(nstkit, kind):
    lines = nstkit(kind, "--help").out.splitlines()
    for name, operation in OPERATIONS[kind].items():
        assert [name, operation.summary.splitlines()[0]] in [line.split(maxsplit=1) for line in lines]


def test_help_speaks_of_files_and_names_and_not_of_tensors(nstkit):
    for kind, operations in OPERATIONS.items():
        for name in operations:
            options = nstkit(kind, name, "--help").out.partition("\nOptions:")[2]
            assert "(B," not in options, name
            assert "name of" not in options, name
    assert "mean_std, cholesky, symmetric or mk" in nstkit("color", "linear_color_transfer", "--help").out
    of_box = " ".join(nstkit("filter", "box_mean", "--help").out.split())
    assert "symmetric, reflect-101, edge, wrap or zero" in of_box


@pytest.mark.parametrize("name", ["taken", "new.png"])
def test_several_pictures_want_a_folder(nstkit, here, photo, style, name):
    (here / "taken").write_text("mine")
    ended = nstkit("filter", "gaussian_blur", photo, style, "-o", name, "--sigma", 1)
    assert (ended.code, ended.err) == (
        2,
        f"nstkit: --output: expected a folder for several pictures, got {name}\n",
    )
    assert (here / "taken").read_text() == "mine"
    assert not (here / "new.png").exists()


def test_a_folder_becomes_a_folder_and_a_damaged_file_is_named(nstkit, here, photo, style):
    folder = here / "in"
    folder.mkdir()
    for name in (photo, style):
        (here / name).rename(folder / name)
    (folder / "broken.png").write_text("no picture")
    ended = nstkit("enhance", "equalize_hist", "in", "-o", "out")
    assert ended.code == 1
    assert sorted(path.name for path in (here / "out").iterdir()) == ["photo.png", "style.png"]
    assert "passed over" in ended.err
    assert "broken.png" in ended.err


def test_before_and_after_side_by_side(nstkit, photo):
    assert nstkit("enhance", "clahe", photo, "-o", "pair.png", "--compare").code == 0
    assert load_image("pair.png").shape[-1] > 2 * load_image(photo).shape[-1]


@pytest.mark.parametrize(("words", "sentence"), [
    (["filter", "gaussian_blur", "photo.png", "-o", "o.png"], "--sigma: gaussian_blur needs it"),
    (["filter", "gaussian_blur", "photo.png", "-o", "o.png", "--sigma", "-1"], "--sigma: "),
    (["filter", "gaussian_blur", "photo.png", "-o", "o.png", "--sigma", "two"], "--sigma: expected a number, got"),
    (["filter", "median_filter", "photo.png", "-o", "photo.png", "--radius", "1", "--force"], "is the picture itself"),
    (["filter", "median_filter", "photo.png", "-o", "o.txt", "--radius", "1"], "expected a name that ends in"),
    (["filter", "median_filter", "photo.png", "-o", "o.png", "--radius", "1", "--device", "cuda"], "device: cuda"),
    (["filter", "median_filter", "empty", "-o", "o", "--radius", "1"], "empty: holds no picture"),
    (["enhance", "clahe", "photo.png", "-o", "o.png", "--tiles", "0,0"], "--tiles: expected 1,1 to 36,48"),
    (["enhance", "clahe", "photo.png", "-o", "o.png", "--tiles", "80,80"], "--tiles: expected 1,1 to 36,48"),
    (["enhance", "clahe", "photo.png", "-o", "o.png", "--clip-limit", "inf"], "--clip-limit: expected a finite"),
    (["enhance", "unsharp_mask", "photo.png", "-o", "o.png", "--sigma", "1", "--amount", "inf"], "--amount: exp"),
    (["color", "match_histograms", "photo.png", "-o", "o.png", "--reference", "swirl"], "did you mean swirls?"),
    (["filter", "gausian", "photo.png", "-o", "o.png"], "gausian"),
])  # fmt: skip
def test_mistakes(nstkit, here, photo, words, sentence):
    (here / "empty").mkdir()
    ended = nstkit(*words)
    assert ended.code == 2
    assert sentence in ended.err
    assert not list(here.glob("o.*"))


def test_every_kind_of_picture_is_read(nstkit, here):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 28, 3), dtype=np.uint8)
    colour = Image.fromarray(pixels)
    pictures = {
        "gray.png": colour.convert("L"), "palette.png": colour.convert("P"), "cmyk.jpg": colour.convert("CMYK"),
        "alpha.png": Image.fromarray(np.dstack([pixels, pixels[..., :1]])),
        "sixteen.png": Image.fromarray(257 * pixels[..., 0].astype(np.uint16)),
    }  # fmt: skip
    for name, picture in pictures.items():
        picture.save(name)
        assert nstkit("filter", "median_filter", name, "-o", f"of_{name}", "--radius", 1).code == 0
        assert load_image(f"of_{name}").shape == (1, 3, 20, 28)
    gray, sixteen = load_image("of_gray.png"), load_image("of_sixteen.png")
    assert torch.equal(gray[:, 0], gray[:, 2])
    expected = scipy.ndimage.median_filter(pixels[..., 0], 3, mode="reflect")
    np.testing.assert_allclose(sixteen[0, 0].numpy() * 255, expected, atol=1)


@pytest.mark.parametrize(("name", "sentence"), [
    ("cut.png", "cut.png: damaged or incomplete"), ("none.png", "none.png: the file is empty"),
    ("text.png", "text.png: not a picture"), ("folder.png", "folder.png: holds no picture"),
    ("missing.png", "missing.png: no such file"), ("pixel.png", "pixel.png: 1 x 1 pixels; a picture needs at least 16"),
])  # fmt: skip
@pytest.mark.parametrize("command", [("filter", "tv_denoise"), ("enhance", "clahe"), ("color", "adjust_hsv")])
def test_what_is_no_picture_is_one_sentence(nstkit, here, photo, command, name, sentence):
    whole = (here / photo).read_bytes()
    (here / "cut.png").write_bytes(whole[: len(whole) // 2])
    (here / "none.png").touch()
    (here / "text.png").write_text("no picture")
    (here / "folder.png").mkdir()
    Image.new("RGB", (1, 1)).save("pixel.png")
    ended = nstkit(*command, name, "-o", "o.png", *WORDS.get(command[1], []))
    assert ended.code == 2
    assert ended.err.startswith(f"nstkit: {sentence}")
    assert ended.err.count("\n") == 1
    assert not (here / "o.png").exists()


def test_help_loads_no_torch():
    code = (
        "import sys; from nstkit.cli import run\n"
        "for words in (['filter', '--help'], ['filter', 'nl_means', '--help']):\n"
        "    try: run(words)\n"
        "    except BaseException: pass\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
