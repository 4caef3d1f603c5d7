"""Each filter of nstkit beside SciPy, scikit-image, OpenCV and, where it is installed, kornia.

    python benchmarks/filters_speed.py [--megapixels 1 12] [--repeats 5] [--threads 2] [--only median] [--device cpu]

One gray picture, float32, the same arguments on all sides. The sides take turns, one call each; printed are the
medians, the ratio (above 1: nstkit is faster), and the largest difference of the results away from the border, which
says whether both sides computed the same thing. They do not in three places: scikit-image tabulates the range weights
of its bilateral filter, measures patches otherwise in NL-means, and iterates without momentum in total variation. A
side that needs more than --patience seconds is called once.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import scipy.ndimage
import skimage.filters
import skimage.restoration
import torch

from nstkit import enhance, filters

Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A filter with its arguments: our call and the others', each returning (H, W), or None for no comparison."""

    name: str
    ours: Callable[[torch.Tensor], torch.Tensor | list[torch.Tensor]]
    others: dict[str, Callable[[np.ndarray], np.ndarray | None]]


def cases() -> Iterator[Case]:
    reflect = cv2.BORDER_REFLECT
    for sigma in (1.0, 5.0):
        side = 2 * int(4 * sigma + 0.5) + 1
        yield Case(
            f"gaussian_blur sigma {sigma:g}",
            lambda x, s=sigma: filters.gaussian_blur(x, s),
            {
                "SciPy": lambda a, s=sigma: scipy.ndimage.gaussian_filter(a, s),
                "scikit-image": lambda a, s=sigma: skimage.filters.gaussian(a, s, mode="reflect"),
                "OpenCV": lambda a, s=sigma, k=side: cv2.GaussianBlur(a, (k, k), s, borderType=reflect),
                **kornia("gaussian_blur2d", (side, side), (sigma, sigma)),
            },
        )
    for radius in (2, 20):
        side = 2 * radius + 1
        yield Case(
            f"box_mean radius {radius}",
            lambda x, r=radius: filters.box_mean(x, r, border="symmetric"),
            {
                "SciPy": lambda a, k=side: scipy.ndimage.uniform_filter(a, k),
                "OpenCV": lambda a, k=side: cv2.blur(a, (k, k), borderType=reflect),
                **kornia("box_blur", (side, side)),
            },
        )
    yield Case(
        "bilateral_filter radius 4",
        lambda x: filters.bilateral_filter(x, 2.0, 0.1, 4),
        {
            "OpenCV": lambda a: cv2.bilateralFilter(a, 9, 0.1, 2.0, borderType=reflect),
            "scikit-image": lambda a: skimage.restoration.denoise_bilateral(a, 9, 0.1, 2.0, mode="symmetric"),
            **kornia("bilateral_blur", (9, 9), 0.1, (2.0, 2.0)),
        },
    )
    for radius in (1, 2, 3, 6):
        side = 2 * radius + 1
        others = {
            "SciPy": lambda a, k=side: scipy.ndimage.median_filter(a, k),
            **kornia("median_blur", (side, side)),
        }
        if side <= 5:  # OpenCV takes floats up to 5 x 5
            others["OpenCV"] = lambda a, k=side: cv2.medianBlur(a, k)
        yield Case(f"median_filter radius {radius}", lambda x, r=radius: filters.median_filter(x, r), others)
    yield Case(
        "nl_means patch 1, search 5",
        lambda x: filters.nl_means(x, 1, 5, 0.1),
        {"scikit-image": lambda a: skimage.restoration.denoise_nl_means(a, 3, 5, 0.1, fast_mode=True)},
    )
    yield Case(
        "tv_denoise 20 iterations",
        lambda x: filters.tv_denoise(x, 0.1, 20),
        {
            "scikit-image": lambda a: skimage.restoration.denoise_tv_chambolle(
                a, 0.1, eps=0, max_num_iter=20
            ),
        },
    )
    yield Case(
        "laplacian_pyramid 5 levels", lambda x: enhance.laplacian_pyramid(x, 5), {"OpenCV": opencv_pyramid}
    )
    yield Case(
        "local_range radius 2",
        lambda x: enhance.local_range(x, 2)[0],
        {
            "SciPy": lambda a: (
                scipy.ndimage.minimum_filter(a, 5) if scipy.ndimage.maximum_filter(a, 5).any() else None
            ),
            "OpenCV": lambda a: (
                cv2.erode(a, np.ones((5, 5))) if cv2.dilate(a, np.ones((5, 5))).any() else None
            ),
        },
    )


def kornia(name: str, *arguments: object) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    """kornia's function of that name as one more side, where kornia is installed."""
    if find_spec("kornia") is None:
        return {}
    function = getattr(import_module("kornia.filters"), name)
    return {"kornia": lambda a: function(torch.from_numpy(a)[None, None], *arguments)[0, 0].numpy()}


def opencv_pyramid(image: np.ndarray) -> np.ndarray:
    for _ in range(4):
        smaller = cv2.pyrDown(image)
        _ = image - cv2.pyrUp(smaller, dstsize=image.shape[::-1])
        image = smaller
    return image


def seconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def difference(ours: torch.Tensor | list[torch.Tensor], theirs: np.ndarray | None) -> str:
    """The largest difference more than 24 pixels from the border, where borders play no part."""
    last = ours[-1] if isinstance(ours, list) else ours
    if theirs is None or theirs.shape != last.shape[-2:]:
        return "-"
    gap = np.abs(last[0, 0].cpu().numpy() - theirs)
    return f"{gap[24:-24, 24:-24].max():.0e}"


def measure(case: Case, image: torch.Tensor, repeats: int, patience: float) -> None:
    array = np.ascontiguousarray(image[0, 0].cpu().numpy())
    result = case.ours(image)  # the first call of each side also warms it up
    runs: dict[str, Run] = {"nstkit": lambda: case.ours(image)}
    gaps = {}
    for name, other in case.others.items():
        gaps[name] = difference(result, other(array))
        runs[name] = lambda other=other: other(array)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            if not times[name] or times[name][0] < patience:
                times[name].append(seconds(run))
    median = {name: statistics.median(values) for name, values in times.items()}
    for name in case.others:
        ratio = median[name] / median["nstkit"]
        print(
            f"{case.name:<27} {image.numel() / 1e6:5.1f} MP  nstkit {median['nstkit']:7.3f} s  "
            f"{name:>12} {median[name]:7.3f} s  ratio {ratio:6.2f}  difference {gaps[name]}",
            flush=True,
        )


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine()
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1.0, 12.0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--patience", type=float, default=20.0)
    parser.add_argument("--only", default="")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    print(f"{cpu_name()}, {options.threads} threads, Python {platform.python_version()}, {platform.system()}")
    if options.device != "cpu":
        print(f"nstkit on {torch.cuda.get_device_name()}, the others on the CPU")
    for package in ("torch", "numpy", "scipy", "scikit-image", "opencv-python-headless", "kornia"):
        try:
            print(f"{package} {version(package)}", end="; ")
        except PackageNotFoundError:
            print(f"{package} not installed", end="; ")
    print()
    for megapixels in options.megapixels:
        height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
        shape = (1, 1, height, round(megapixels * 1e6 / height))
        smooth = filters.gaussian_blur(torch.rand(shape, generator=torch.Generator().manual_seed(0)), 3.0)
        grain = 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(1))
        image = (5 * (smooth - 0.5) + 0.5 + grain).clamp(0, 1).to(options.device)
        for case in cases():
            if options.only in case.name:
                measure(case, image, options.repeats, options.patience)


if __name__ == "__main__":
    main()
