"""Make the pictures of `nstkit/gan/README.md`: a DCGAN on drawn shapes, a CycleGAN between two kinds of filling.

    python benchmarks/gan_grids.py [dcgan] [cyclegan] [--folder docs/pictures] [--threads 2]

The training pictures are drawn here, from a fixed seed. Printed are the seconds of each training, on the clock and
of the processor: where other programs run too, the clock says more about them.
"""

import argparse
import math
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

from nstkit.gan.cyclegan_training import train_cyclegan
from nstkit.gan.dcgan_training import train_dcgan
from nstkit.images import contact_sheet, save_image
from nstkit.training.on_folders import FolderStep, Trained

SIZE, FINE = 32, 8
"""Pixels of a training picture, and how many times finer it is drawn."""
COLOURS, INK = ("#d7263d", "#1b73c4", "#1f9d55"), ("#27408b",)
DCGAN = {
    "steps": 2600, "size": SIZE, "batch_size": 32, "latent_dim": 32, "width": 24, "learning_rate": 4e-4,
    "average": 0.995,
}  # fmt: skip
CYCLEGAN = {
    "steps": 800, "size": SIZE, "batch_size": 4, "width": 12, "blocks": 3, "critic_width": 16, "critic_layers": 2,
    "learning_rate": 1e-3, "flip": False,
}  # fmt: skip


SHOWN, EARLY = 36, 300
"""Samples of a sheet, and the step of the earlier ones."""


def shape_mask(random: np.random.Generator, *, smallest: float, largest: float) -> Image.Image:
    """A circle, a square or a triangle somewhere near the middle, white on black."""
    side = SIZE * FINE
    mask = Image.new("L", (side, side), 0)
    canvas, radius = ImageDraw.Draw(mask), random.uniform(smallest, largest) * side
    x, y = side / 2 + random.uniform(-0.05, 0.05, 2) * side
    kind = random.integers(3)
    if kind == 0:
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    elif kind == 1:
        half = 0.86 * radius
        canvas.rectangle((x - half, y - half, x + half, y + half), fill=255)
    else:
        turns = [math.pi * (2 * k / 3 - 0.5) for k in range(3)]
        corners = [
            (x + 1.15 * radius * math.cos(t), y + 1.15 * radius * math.sin(t) + 0.15 * radius) for t in turns
        ]
        canvas.polygon(corners, fill=255)
    return mask


def plain() -> Image.Image:
    return Image.new("L", (SIZE * FINE, SIZE * FINE), 255)


def hatching() -> Image.Image:
    """Diagonal lines, 6 pixels apart along the row."""
    y, x = np.mgrid[: SIZE * FINE, : SIZE * FINE]
    return Image.fromarray(np.where((x + y) % (6 * FINE) < 3 * FINE, 255, 0).astype(np.uint8))


def dots() -> Image.Image:
    """Round dots, 6 pixels apart."""
    y, x = (np.mgrid[: SIZE * FINE, : SIZE * FINE] + 0.5) % (6 * FINE) - 3 * FINE
    return Image.fromarray(np.where(np.hypot(x, y) < 2.1 * FINE, 255, 0).astype(np.uint8))


def draw_folder(
    folder: Path, count: int, seed: int, filling: Image.Image, colours: Sequence[str], **sizes: float
) -> Path:
    """Write `count` pictures of filled shapes on white."""
    folder.mkdir(parents=True)
    random, empty = np.random.default_rng(seed), plain().point(lambda _: 0)
    for number in range(count):
        mask, colour = shape_mask(random, **sizes), colours[random.integers(len(colours))]
        picture = Image.new("RGB", mask.size, "white")
        picture.paste(colour, mask=Image.composite(filling, empty, mask))
        picture.resize((SIZE, SIZE), Image.Resampling.BOX).save(folder / f"{number:04}.png")
    return folder


def dcgan_sheet(work: Path) -> torch.Tensor:
    folder = draw_folder(work / "shapes", 1500, 1, plain(), COLOURS, smallest=0.30, largest=0.36)
    drawn = [torch.from_numpy(np.array(Image.open(folder / f"{k:04}.png"))) for k in range(SHOWN)]
    real = torch.stack(drawn).permute(0, 3, 1, 2).float() / 255
    seen: list[torch.Tensor] = []

    def watch(step: FolderStep) -> None:
        if step.step % 100 == 0 or step.step == step.steps:
            report(step)
        if step.step in (EARLY, step.steps):
            seen.append(step.samples())

    timed("dcgan", lambda: train_dcgan(folder, **DCGAN, on_step=watch))
    titles = [
        "drawn: what it learns from",
        f"made, after {EARLY} steps",
        f"made, after {DCGAN['steps']:,} steps",
    ]
    pictures = [[enlarged(grid(p[:SHOWN], 6), 2) for p in (real, *seen)]]
    return contact_sheet(pictures, columns=titles, cell=384)


def cyclegan_sheet(work: Path) -> torch.Tensor:
    sizes = {"smallest": 0.32, "largest": 0.40}
    hatched = draw_folder(work / "hatched", 400, 2, hatching(), INK, **sizes)
    dotted = draw_folder(work / "dotted", 400, 3, dots(), INK, **sizes)
    seen: list[torch.Tensor] = []

    def watch(step: FolderStep) -> None:
        if step.step % 100 == 0:
            report(step)
        if step.step == step.steps:
            seen.append(step.samples())

    timed("cyclegan", lambda: train_cyclegan(hatched, dotted, **CYCLEGAN, on_step=watch))
    rows = seen[0].unflatten(0, (4, 6))  # picture, then: a, b made of it, a again; b, a made of it, b again
    titles = ["hatched", "made dotted", "and back", "dotted", "made hatched", "and back"]
    return contact_sheet([[enlarged(p[None], 5) for p in row] for row in rows], columns=titles, cell=160)


def report(step: FolderStep) -> None:
    losses = "  ".join(f"{name} {value:.2f}" for name, value in step.losses.items())
    print(f"  {step.step}/{step.steps}  {losses}", flush=True)


def grid(pictures: torch.Tensor, columns: int) -> torch.Tensor:
    """(N, 3, S, S) as one picture (1, 3, H, W), without gaps."""
    rows = pictures.unflatten(0, (-1, columns)).permute(2, 0, 3, 1, 4)  # (3, rows, S, columns, S)
    return rows.flatten(3, 4).flatten(1, 2)[None].contiguous()


def enlarged(picture: torch.Tensor, times: int = 4) -> torch.Tensor:
    """Every pixel `times` as wide: nothing is smoothed over."""
    return picture.repeat_interleave(times, 2).repeat_interleave(times, 3)


def timed(name: str, train: Callable[[], Trained]) -> None:
    clock, processor = time.perf_counter(), time.process_time()
    train()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{name}: {clock:.0f} s by the clock, {processor:.0f} s of processor time", flush=True)


SHEETS = {
    "dcgan": (dcgan_sheet, "dcgan_shapes.png"),
    "cyclegan": (cyclegan_sheet, "cyclegan_hatched_dotted.png"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*SHEETS, []], help="left out, all")
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    print(
        f"{platform.machine()}, {asked.threads} threads, Python {platform.python_version()}, torch {torch.__version__}"
    )
    for name in asked.names or SHEETS:
        make, file = SHEETS[name]
        with tempfile.TemporaryDirectory() as work:
            save_image(make(Path(work)), asked.folder / file, overwrite=True)


if __name__ == "__main__":
    main()
