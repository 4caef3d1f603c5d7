"""Every filter, enhancement and colour command on one photograph, as one sheet.

python benchmarks/operations_sheet.py [--out docs/pictures/operations.jpg]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from nstkit.cli.operations import OPERATIONS
from nstkit.images import contact_sheet, load_image, photograph, resize, save_image

WORDS = {
    "gaussian_blur": "--sigma 3", "box_mean": "--radius 4",
    "bilateral_filter": "--sigma-space 4 --sigma-range .12 --radius 8",
    "guided_filter": "--radius 8 --eps .01", "median_filter": "--radius 3",
    "switching_median": "--radius 2 --threshold .1",
    "nl_means": "--patch-radius 2 --search-radius 5 --h .08", "tv_denoise": "--lam .1 --n-iter 100",
    "unsharp_mask": "--sigma 2 --amount 1.5", "boost_detail": "--gains 2,1.5,1.2",
    "halo_free_sharpen": "--sigma 2 --amount 1.5", "screened_poisson": "--content astronaut --lam .02",
    "adjust_hsv": "--hue-deg 40 --sat-gain 1.2 --val-gain 1", "luminance_transfer": "--content swirls",
    "linear_color_transfer": "--reference swirls", "match_histograms": "--reference swirls",
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("docs/pictures/operations.jpg"))
    options = parser.parse_args()
    before = resize(photograph("grace_hopper"), 384)
    tiles = [("the photograph", before)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "photo.png")
        save_image(before, source)
        for kind, table in OPERATIONS.items():
            for name in table:
                target = Path(folder, f"{name}.png")
                command = [sys.executable, "-m", "nstkit", kind, name, str(source), "-o", str(target)]
                subprocess.run([*command, *WORDS.get(name, "").split()], check=True, capture_output=True)
                tiles.append((name.replace("_", " "), load_image(target)))
    rows = [tiles[start : start + 5] for start in range(0, len(tiles), 5)]
    strips = [
        contact_sheet([[image for _, image in row]], columns=[name for name, _ in row], cell=300)
        for row in rows
    ]
    width = max(strip.shape[-1] for strip in strips)
    height = sum(strip.shape[-2] for strip in strips)
    sheet = strips[0].new_ones(1, 3, height, width)
    top = 0
    for strip in strips:
        sheet[..., top : top + strip.shape[-2], : strip.shape[-1]] = strip
        top += strip.shape[-2]
    save_image(sheet, options.out, overwrite=True)


if __name__ == "__main__":
    main()
