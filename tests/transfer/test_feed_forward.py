"""Models: what a pass computes, what the file holds, and what is refused."""

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nstkit.encoders import load_encoder
from nstkit.transfer import adain
from nstkit.transfer.adain_decoder import AdaInDecoder
from nstkit.transfer.fast_network import FastNetwork
from nstkit.transfer.feed_forward import AdaInModel, FastModel, load_model, save_model

LAYER = "relu3_1"


@pytest.fixture(scope="module")
def fast():
    torch.manual_seed(5)
    return FastModel(FastNetwork(width=4, blocks=1), "swirls")


@pytest.fixture(scope="module")
def mixer():
    torch.manual_seed(6)
    encoder = load_encoder("tiny", weights="random", seed=3)
    return AdaInModel(encoder, AdaInDecoder(encoder, LAYER))


@pytest.fixture(scope="module")
def content():
    return torch.rand(2, 3, 21, 30, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module")
def styles():
    random = torch.Generator().manual_seed(2)
    return [torch.rand(1, 3, 40, 24, generator=random), 0.3 * torch.rand(1, 3, 17, 33, generator=random)]


def test_a_fast_model_is_its_network(fast, content):
    torch.testing.assert_close(fast.stylize(content), fast.network(content), rtol=0, atol=0)


def test_float64_comes_back_as_float32(fast, content):
    assert fast.stylize(content.double()).dtype == torch.float32


def test_an_adain_model_decodes_the_style_s_statistics(mixer, content, styles):
    """For sides that the stride divides; otherwise the border is reflected, and cut off again."""
    whole = content[..., :20, :28]
    with torch.no_grad():
        f, s = (mixer.encoder(x, [LAYER])[LAYER] for x in (whole, styles[0].expand(2, -1, -1, -1)))
        expected = mixer.decoder(adain(f, s)).clamp(0, 1)
    torch.testing.assert_close(mixer.stylize(whole, styles[0]), expected, rtol=1e-5, atol=1e-5)
    padded = nn.functional.pad(content, (0, 2, 0, 3), mode="reflect")
    cut = mixer.stylize(padded, styles[0])[..., :21, :30]
    torch.testing.assert_close(mixer.stylize(content, styles[0]), cut, rtol=1e-5, atol=1e-5)


def test_alpha_and_weights_go_from_one_to_the_other(mixer, content, styles):
    def made(**options):
        return mixer.stylize(content, styles, **options)

    with torch.no_grad():
        padded = nn.functional.pad(content, (0, 2, 0, 3), mode="reflect")
        plain = mixer.decoder(mixer.encoder(padded, [LAYER])[LAYER])[..., :21, :30].clamp(0, 1)
    torch.testing.assert_close(made(alpha=0.0), plain, rtol=1e-5, atol=1e-5)
    alone = mixer.stylize(content, styles[1])
    torch.testing.assert_close(made(style_weights=[0, 3]), alone, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(made(style_weights=[2, 2]), made(), rtol=0, atol=0)
    assert (made() - alone).abs().max() > 1e-3
    assert (made() - plain).abs().max() > 1e-3


def test_a_file_gives_the_same_pictures(fast, mixer, content, styles, tmp_path):
    for model, pictures in ((fast, ()), (mixer, styles)):
        save_model(model, tmp_path / "m.safetensors")
        found = load_model(tmp_path / "m.safetensors")
        assert (type(found), found.metadata) == (type(model), model.metadata)
        assert not any(p.requires_grad for p in found.parameters())
        assert torch.equal(found.stylize(content, pictures), model.stylize(content, pictures))
    assert found.encoder.weights == "random, seed 3"  # from the file: nothing else knows these


def test_styles_that_do_not_belong_are_refused(fast, mixer, content, styles):
    for call, message in (
        (lambda: fast.stylize(content, styles[0]), "style: the model paints one style, swirls; leave styles"),
        (lambda: fast.stylize(content, style_weights=[1]), "style: the model paints one style"),
        (lambda: fast.stylize(content, alpha=0.5), "alpha: the model paints one style, swirls, and always"),
        (lambda: mixer.stylize(content), "style: the model needs at least one picture"),
        (lambda: mixer.stylize(content, styles, style_weights=[1]), "expected one per style, 2, got 1"),
        (lambda: mixer.stylize(content, styles, alpha=1.5), "alpha: expected 0, the content, to 1"),
        (lambda: mixer.stylize(content, styles, alpha=float("nan")), "alpha: expected 0, the content"),
        (lambda: mixer.stylize(content, styles[0][..., :2]), "style: expected at least 4 x 4 pixels, got 2 x 40"),
        (lambda: mixer.stylize(content[..., :3, :], styles), "content: expected at least 4 x 4 pixels, got 30 x 3"),
        (lambda: fast.stylize(content[..., :4]), "content: expected at least 5 x 5 pixels, got 4 x 21"),
        (lambda: fast.stylize(content[0]), "content: expected (B, 3, H, W)"),
        (lambda: mixer.stylize(content, [styles[0], styles[1][0]]), "styles[1]: expected (B, 3, H, W)"),
    ):  # fmt: skip
        with pytest.raises(ValueError) as refused:
            call()
        assert message in str(refused.value)


def spoilt(path, kind):
    """A file that is nearly a model."""
    weights = load_file(path)
    about = FastModel(FastNetwork(4, 1), "swirls").metadata
    if kind == "lacking":
        del weights["network.last.weight"]
    elif kind == "wide":
        about |= {"architecture": '{"width": 5, "blocks": 1}'}
    elif kind == "strange":
        about |= {"architecture": "[1, 2"}
    elif kind == "newer":
        about |= {"version": "2", "nstkit": "9.9"}
    elif kind == "other":
        about = {"made by": "nstkit train dcgan, torch 2"}
    elif kind == "nan":
        weights["network.last.bias"][1] = float("nan")
    save_file(weights, path, about)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("lacking", "damaged: weights and description do not fit together"),
        ("wide", "damaged: weights and description do not fit together"),
        ("strange", "damaged: weights and description do not fit together"),
        ("newer", "made by nstkit 9.9, which writes another format; use that version"),
        ("other", r"no model that transfers a style \(nstkit train dcgan, torch 2\); expected one of `nstkit train"),
        ("nan", "damaged: holds weights that are not finite"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_model_is_refused(fast, tmp_path, kind, message):
    path = tmp_path / "m.safetensors"
    save_model(fast, path)
    spoilt(path, kind)
    with pytest.raises(ValueError, match=f"m.safetensors: {message}"):
        load_model(path)


def test_files_that_are_missing_or_cut_are_refused(fast, tmp_path):
    with pytest.raises(ValueError, match="no such file; `nstkit train fast` and"):
        load_model(tmp_path / "nowhere.safetensors")
    save_model(fast, tmp_path / "m.safetensors")
    whole = (tmp_path / "m.safetensors").read_bytes()
    (tmp_path / "m.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="damaged, or no model file"):
        load_model(tmp_path / "m.safetensors")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_gpu_agrees(fast, content, tmp_path):
    save_model(fast, tmp_path / "m.safetensors")
    gpu = load_model(tmp_path / "m.safetensors").cuda().stylize(content.cuda(), precision="float32")
    assert gpu.is_cuda
    torch.testing.assert_close(gpu.cpu(), fast.stylize(content), rtol=1e-2, atol=1e-3)
