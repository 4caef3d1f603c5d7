"""Train a network that paints in swirls, on a processor, and show what it makes of a photograph it has never seen.

    OMP_NUM_THREADS=1 python benchmarks/fast_model.py [--folder docs/pictures] [--work DIR] [--steps 1975]

It learns from crops of the photographs inside matplotlib and scikit-image, without chelsea, which is what the picture
shows. Printed are the seconds of the training, on the clock and of the processor (where other programs run too, the
clock says more about them), and the milliseconds of a frame of 256 and 512 pixels.
"""

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path

import torch

from nstkit.cli import main as nstkit
from nstkit.images import contact_sheet, photograph, photograph_names, save_image
from nstkit.paintings import paint
from nstkit.transfer.feed_forward import load_model

HELD_OUT, STYLE = "chelsea", "swirls"
CROPS, SMALLEST, LARGEST = 16, 160, 360
"""Crops of each photograph, and their sides in pixels."""
OPTIONS = {
    "size": 128, "batch_size": 2, "width": 12, "blocks": 3, "encoder": "tiny", "style_size": 320,
    "style_layers": "color2,relu1_1,relu2_1,relu3_1,relu4_1", "style_weight": 10,
    "learning_rate": 0.001, "precision": "bfloat16", "device": "cpu", "sample_every": 500,
}  # fmt: skip


def crop_photographs(folder: Path) -> Path:
    """Write square crops of every photograph but the one that is held out; the same each time."""
    folder.mkdir(parents=True, exist_ok=True)
    random = torch.Generator().manual_seed(0)
    for name in photograph_names():
        image = photograph(name)
        height, width = image.shape[2:]
        for number in range(CROPS if name != HELD_OUT else 0):
            side = pick(SMALLEST, min(height, width, LARGEST), random)
            top, left = pick(0, height - side, random), pick(0, width - side, random)
            square = image[..., top : top + side, left : left + side]
            save_image(square, folder / f"{name}_{number:02}.png", overwrite=True)
    return folder


def pick(low: int, high: int, random: torch.Generator) -> int:
    return int(torch.randint(low, high + 1, (), generator=random))


def train(photographs: Path, run: Path, steps: int) -> None:
    """As a user would, and timed."""
    words = [f"--{name.replace('_', '-')}={value}" for name, value in (OPTIONS | {"steps": steps}).items()]
    clock, processor = time.perf_counter(), time.process_time()
    try:
        nstkit(["train", "fast", STYLE, str(photographs), "-o", str(run), *words])
    except SystemExit as end:
        if end.code:
            raise
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{steps} steps: {clock:.0f} s by the clock, {processor:.0f} s of processor time", flush=True)


def time_frames(model_file: Path) -> None:
    model = load_model(model_file)
    for side in (256, 512):
        content = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
        for precision in ("float32", "bfloat16"):
            seconds = []
            for _ in range(8):
                started = time.perf_counter()
                model.stylize(content, precision=precision)
                seconds.append(time.perf_counter() - started)
            print(f"{side} x {side}, {precision}: {1000 * statistics.median(seconds[1:]):.0f} ms a frame")


def sheet(model_file: Path) -> torch.Tensor:
    content = photograph(HELD_OUT)
    result = load_model(model_file).stylize(content)
    titles = ["the style, painted by nstkit", "a photograph it never saw", "one pass"]
    return contact_sheet([[paint(STYLE, 256, 320), content, result]], columns=titles, cell=400)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    parser.add_argument(
        "--work", type=Path, help="keep photographs and run here; a finished run is not repeated"
    )
    parser.add_argument("--steps", type=int, default=1975)
    asked = parser.parse_args()
    print(
        f"{platform.machine()}, {torch.get_num_threads()} threads, Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )
    with tempfile.TemporaryDirectory() as place:
        work = asked.work or Path(place)
        model = work / "run" / "model.safetensors"
        if not model.exists():
            train(crop_photographs(work / "photographs"), work / "run", asked.steps)
        time_frames(model)
        save_image(sheet(model), asked.folder / "fast_swirls.jpg", overwrite=True)


if __name__ == "__main__":
    main()
