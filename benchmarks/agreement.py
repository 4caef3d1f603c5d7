"""Agreement with independent libraries: function, arguments, largest difference on a photograph in float64.

    python benchmarks/agreement.py

Images are in [0, 1], so a difference of 1e-15 is rounding and 4e-3 is one 8-bit level.
"""

import argparse
import platform

import cv2
import numpy as np
import scipy
import scipy.ndimage
import skimage
import skimage.color
import skimage.exposure
import torch

from nstkit.color import linear_to_srgb, match_histograms, rgb_to_hsv, rgb_to_yiq, srgb_to_lab, srgb_to_linear
from nstkit.enhance import clahe, equalize_hist, local_range, pyramid_expand, pyramid_reduce
from nstkit.filters import bilateral_filter, box_mean, gaussian_blur, median_filter
from nstkit.images import photograph

COLOUR = photograph("coffee", size=320)[..., :208, :].double()  # (1, 3, 208, 320)
GRAY = (COLOUR * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(
    1, keepdim=True
)  # (1, 1, 208, 320)
G, C = GRAY[0, 0].numpy(), COLOUR[0].permute(1, 2, 0).numpy()  # (H, W), (H, W, 3)
BYTES = (255 * GRAY).round().byte()
B = BYTES[0, 0].numpy()


def gap(ours, theirs):
    """The largest absolute difference, ours as (1, C, H, W)."""
    ours = (
        ours[0].permute(1, 2, 0).double().numpy()
        if ours.ndim == 4 and ours.shape[1] == 3
        else ours[0, 0].double().numpy()
    )
    return float(np.abs(ours - np.asarray(theirs, dtype=np.float64)).max())


def rows():
    """(function, independent one, arguments, largest difference)."""
    scipy_name, opencv, skimage_name = (
        f"SciPy {scipy.__version__}",
        f"OpenCV {cv2.__version__}",
        f"scikit-image {skimage.__version__}",
    )
    yield (
        "gaussian_blur",
        f"{scipy_name} gaussian_filter",
        "sigma 2, truncate 4, symmetric",
        gap(gaussian_blur(GRAY, 2.0), scipy.ndimage.gaussian_filter(G, 2.0, mode="reflect", truncate=4)),
    )
    yield (
        "gaussian_blur",
        f"{scipy_name} gaussian_filter",
        "sigma 2, truncate 4, reflect-101",
        gap(
            gaussian_blur(GRAY, 2.0, border="reflect-101"),
            scipy.ndimage.gaussian_filter(G, 2.0, mode="mirror", truncate=4),
        ),
    )
    yield (
        "box_mean",
        f"{scipy_name} uniform_filter",
        "radius 3, symmetric",
        gap(box_mean(GRAY, 3, border="symmetric"), scipy.ndimage.uniform_filter(G, 7, mode="reflect")),
    )
    yield (
        "median_filter",
        f"{scipy_name} median_filter",
        "radius 2, symmetric",
        gap(median_filter(GRAY, 2), scipy.ndimage.median_filter(G, 5, mode="reflect")),
    )
    yield (
        "local_range",
        f"{scipy_name} maximum_filter",
        "radius 2, symmetric",
        gap(local_range(GRAY, 2)[1], scipy.ndimage.maximum_filter(G, 5, mode="reflect")),
    )
    yield (
        "bilateral_filter",
        f"{opencv} bilateralFilter",
        "space 2, range 0.15, radius 4 (float32 there)",
        bilateral(),
    )
    yield (
        "equalize_hist",
        f"{opencv} equalizeHist",
        "8-bit levels",
        gap(equalize_hist(BYTES), cv2.equalizeHist(B)),
    )
    yield (
        "clahe",
        f"{opencv} createCLAHE",
        "clip 2, 8 x 8 tiles, 8-bit levels",
        gap(clahe(BYTES, 2.0, (8, 8)), cv2.createCLAHE(2.0, (8, 8)).apply(B)),
    )
    yield "pyramid_reduce", f"{opencv} pyrDown", "reflect-101", gap(pyramid_reduce(GRAY), cv2.pyrDown(G))
    yield (
        "pyramid_expand",
        f"{opencv} pyrUp",
        "to twice the size",
        gap(pyramid_expand(pyramid_reduce(GRAY), (208, 320)), cv2.pyrUp(cv2.pyrDown(G))),
    )
    yield (
        "srgb_to_lab",
        f"{skimage_name} rgb2lab",
        "D65, 2 degrees; L* to 100",
        gap(srgb_to_lab(COLOUR), skimage.color.rgb2lab(C)),
    )
    yield "rgb_to_hsv", f"{skimage_name} rgb2hsv", "hue in turns", hsv()
    yield "rgb_to_yiq", f"{skimage_name} rgb2yiq", "", gap(rgb_to_yiq(COLOUR), skimage.color.rgb2yiq(C))
    yield (
        "match_histograms",
        f"{skimage_name} match_histograms",
        "per channel",
        gap(
            match_histograms(COLOUR, COLOUR.flip(-1) ** 2),
            skimage.exposure.match_histograms(C, C[:, ::-1] ** 2, channel_axis=-1),
        ),
    )
    yield "linear_to_srgb", "its inverse", "there and back", gap(linear_to_srgb(srgb_to_linear(COLOUR)), C)


def bilateral():
    """OpenCV takes the disc of a radius; so do we, by its own definition of the weights."""
    theirs = cv2.bilateralFilter(G.astype(np.float32), 9, 0.15, 2.0, borderType=cv2.BORDER_REFLECT)
    return gap(bilateral_filter(GRAY, 2.0, 0.15, 4), theirs)


def hsv():
    """The hue of ours is in degrees where scikit-image has turns."""
    ours = rgb_to_hsv(COLOUR).clone()
    if float(ours[:, 0].max()) > 1.5:
        ours[:, 0] /= 360
    return gap(ours, skimage.color.rgb2hsv(C))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args()
    print(f"{platform.machine()}, torch {torch.__version__}; 208 x 320 pixels, float64\n")
    print("| function | against | arguments | largest difference |\n|---|---|---|---|")
    for function, other, arguments, difference in rows():
        print(f"| `{function}` | {other} | {arguments} | {difference:.1e} |")


if __name__ == "__main__":
    main()
