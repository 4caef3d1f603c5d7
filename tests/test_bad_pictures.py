"""What no filter, enhancement or colour function may do with a wrong argument: fail in torch's words, or hang.

Every public function is called with one argument spoilt at a time. It either works or says in one sentence which
argument was wrong: `name: expected …, got …`.
"""

import contextlib
import re
import signal

import pytest
import torch

from nstkit import color, enhance, filters


def picture(channels=3, height=9, width=7):
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0))


SMALL, LARGE = picture(), picture(height=16, width=20)
CALLS = {
    filters.bilateral_filter: {"image": SMALL, "sigma_space": 1.5, "sigma_range": 0.1, "radius": 2},
    filters.box_mean: {"image": SMALL, "radius": 2},
    filters.gaussian_blur: {"image": SMALL, "sigma": 1.0},
    filters.gaussian_scale_space: {"image": SMALL, "sigmas": [1.0, 2.0]},
    filters.guided_filter: {"guide": picture(1), "src": SMALL, "radius": 2, "eps": 0.01},
    filters.median_filter: {"image": SMALL, "radius": 1},
    filters.nl_means: {"image": SMALL, "patch_radius": 1, "search_radius": 2, "h": 0.1},
    filters.pad_border: {"image": SMALL, "rows": 1, "columns": 2, "border": "edge"},
    filters.spectrum_projection: {"image": SMALL, "exemplar": SMALL[:1]},
    filters.switching_median: {"image": SMALL, "radius": 1, "threshold": 0.2},
    filters.tv_denoise: {"image": SMALL, "lam": 0.1, "n_iter": 5},
    enhance.boost_detail: {"image": LARGE, "gains": [2.0, 1.0]},
    enhance.clahe: {"image": picture(1, 32, 40)},
    enhance.contrast_stretch: {"image": SMALL, "low": 2.0, "high": 98.0},
    enhance.equalize_hist: {"image": picture(1)},
    enhance.gaussian_pyramid: {"image": LARGE, "levels": 2},
    enhance.halo_free_sharpen: {"image": SMALL, "sigma": 1.0, "amount": 1.0},
    enhance.laplacian_pyramid: {"image": LARGE, "levels": 2},
    enhance.local_range: {"image": SMALL, "radius": 1},
    enhance.pyramid_blend: {"a": LARGE, "b": LARGE, "mask": picture(1, 16, 20), "levels": 2},
    enhance.pyramid_expand: {"image": picture(3, 8, 10), "shape": (16, 20)},
    enhance.pyramid_reduce: {"image": LARGE},
    enhance.screened_poisson: {"stylized": SMALL, "content": SMALL, "lam": 0.5},
    enhance.unsharp_mask: {"image": SMALL, "sigma": 1.0, "amount": 1.0},
    color.adjust_hsv: {"image": SMALL, "hue_deg": 20.0, "sat_gain": 1.2, "val_gain": 0.9},
    color.hsv_to_rgb: {"hsv": SMALL},
    color.lab_to_srgb: {"lab": SMALL},
    color.linear_color_transfer: {"source": SMALL, "reference": LARGE},
    color.linear_to_srgb: {"light": SMALL},
    color.luma: {"image": SMALL},
    color.luminance_transfer: {"stylized": SMALL, "content": SMALL},
    color.match_histograms: {"source": SMALL, "reference": LARGE},
    color.rgb_to_hsv: {"image": SMALL},
    color.rgb_to_yiq: {"image": SMALL},
    color.srgb_to_lab: {"image": SMALL},
    color.srgb_to_linear: {"image": SMALL},
    color.yiq_to_rgb: {"yiq": SMALL},
}
OTHERS = {
    "BORDERS": "a table",
    "gaussian_taps": "takes no picture",
    "collapse_pyramid": "takes a list of them",
    "on_brightness": "takes another function",
}


def spoilt(tensor):
    """Pictures that are none, or unusual ones."""
    first = torch.arange(tensor.numel()).view(tensor.shape) == 5
    return {
        "NaN": tensor.masked_fill(first, torch.nan),
        "infinite": tensor.masked_fill(first, torch.inf),
        "8-bit": (255 * tensor).byte(),
        "without a batch axis": tensor[0],
        "an empty batch": tensor[:0],
        "half precision": tensor.half(),
        "one pixel": tensor[..., :1, :1],
        "two channels": tensor[:, :1].expand(-1, 2, -1, -1),
        "constant": torch.full_like(tensor, 0.5),
        "black": torch.zeros_like(tensor),
        "an array": tensor.numpy(),
    }


COUNTS = (-1, 0, 12, 1000, 1.5, float("nan"), float("inf"))
NUMBERS = (*COUNTS, 1e6)


def cases():
    for function, arguments in CALLS.items():
        for name, value in arguments.items():
            if isinstance(value, torch.Tensor):
                for what, wrong in spoilt(value).items():
                    yield pytest.param(function, name, wrong, id=f"{function.__name__}-{name}-{what}")
            elif isinstance(value, int | float):
                for wrong in COUNTS if isinstance(value, int) else NUMBERS:
                    yield pytest.param(function, name, wrong, id=f"{function.__name__}-{name}-{wrong}")


@contextlib.contextmanager
def no_longer_than(seconds):
    def too_long(*_):
        raise AssertionError(f"still at work after {seconds} s")

    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_every_public_function_is_among_these():
    public = {
        getattr(module, name)
        for module in (filters, enhance, color)
        for name in module.__all__
        if name not in OTHERS
    }
    assert public == set(CALLS)


@pytest.mark.parametrize(("function", "name", "wrong"), list(cases()))
def test_it_works_or_names_the_argument(function, name, wrong):
    said = "image: expected nothing, and it works"
    with no_longer_than(5):
        try:
            function(**CALLS[function] | {name: wrong})
        except (ValueError, TypeError) as error:
            said = str(error)
    assert re.fullmatch(r"[a-zA-Z_, ]+: .+", said)  # the dot matches no line break


ANY_NUMBERS = (
    filters.pad_border,
    enhance.pyramid_reduce,
    enhance.pyramid_expand,
    enhance.clahe,
    enhance.equalize_hist,
)
"""These take 8-bit pixels as what they are."""


@pytest.mark.parametrize("function", [f for f in CALLS if f not in ANY_NUMBERS])
def test_8_bit_pixels_are_refused_where_floats_are_expected(function):
    arguments = CALLS[function]
    name = next(name for name, value in arguments.items() if isinstance(value, torch.Tensor))
    with pytest.raises((ValueError, TypeError), match=r"uint8.*\.float\(\) / 255"):
        function(**arguments | {name: (255 * arguments[name]).byte()})


@pytest.mark.parametrize(
    "function", [filters.bilateral_filter, filters.median_filter, filters.switching_median]
)
def test_a_window_beyond_the_image_is_refused(function):
    with pytest.raises(
        ValueError, match="radius: expected at most 18, twice the image's longer side, got 19"
    ):
        function(**CALLS[function] | {"radius": 19})


SMOOTHERS = (
    filters.bilateral_filter,
    filters.box_mean,
    filters.gaussian_blur,
    filters.median_filter,
    filters.nl_means,
    filters.switching_median,
    filters.tv_denoise,
    enhance.halo_free_sharpen,
    enhance.unsharp_mask,
)


@pytest.mark.parametrize("function", SMOOTHERS)
def test_a_constant_picture_stays_constant(function):
    constant = torch.full_like(SMALL, 0.25)
    torch.testing.assert_close(function(**CALLS[function] | {"image": constant}), constant, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("function", "name", "wrong", "words"),
    [
        (enhance.unsharp_mask, "amount", torch.inf, "amount: expected a finite number of at least 0, got inf"),
        (enhance.halo_free_sharpen, "amount", torch.inf, "amount: expected a finite number of at least 0"),
        (enhance.boost_detail, "gains", [1.0, torch.inf], "gains: expected a finite number of at least 0"),
        (enhance.clahe, "clip_limit", torch.nan, "clip_limit: expected a finite number, got nan"),
        (enhance.clahe, "clip_limit", torch.inf, "clip_limit: expected a finite number, got inf; 0 sets no"),
    ],
)  # fmt: skip
def test_infinity_is_refused_where_it_would_make_nan_of_zero(function, name, wrong, words):
    with pytest.raises(ValueError, match=words):
        function(**CALLS[function] | {name: wrong})
