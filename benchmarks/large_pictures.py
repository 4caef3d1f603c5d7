"""Peak memory and seconds of one optimisation step on large pictures, whole and in tiles, beside what was estimated.

    python benchmarks/large_pictures.py [--sizes 1024 2048] [--tile 1024] [--encoder tiny] [--optimizer adam]
                                        [--precision float32] [--threads 1]

Each case runs in a process of its own: one step at the full size (no smaller scales before it), square, a painting of
512 pixels as the style, random weights for all encoders but tiny. The peak is that of the whole process on the CPU,
Python and PyTorch included, which is printed for an empty one too; on a GPU that of tensors there. The estimate is
nstkit.transfer.memory's, made before. Sizes above --whole-up-to are read in tiles alone: `--sizes 8192` takes one step
at 8192 x 8192.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from typing import Any

CHILD, FORETOLD = "--child", "--foretold"


def one(size: int, tile: int | None, options: dict[str, Any], threads: int | None) -> None:
    """Take a step; print what it cost as JSON."""
    import torch

    from nstkit.images import resize
    from nstkit.paintings import paint
    from nstkit.training.free_memory import peak
    from nstkit.transfer import stylize

    place = torch.device(options["device"])
    if threads:
        torch.set_num_threads(threads)
    found: dict[str, Any] = {"torch": torch.__version__, "threads": torch.get_num_threads()}
    if size:
        content, style = resize(paint("mosaic", 512, 512), (size, size)), paint("swirls", 512, 512)
        started = time.perf_counter()
        result = stylize(content, style, size=size, coarsest=size, steps=1, tile=tile, **options)
        assert result.image.isfinite().all()
        found["seconds"] = time.perf_counter() - started
    print(json.dumps(found | {"peak": (peak(place) or 0) / 2**30}))


def foretold(size: int, tile: int | None, options: dict[str, Any]) -> None:
    """Print the estimate as JSON."""
    import torch

    from nstkit.transfer.memory import estimate

    content, style = (torch.empty(1, 3, side, side, device="meta") for side in (size, 512))
    found = estimate(content, style, size=size, tile=tile, **options)
    print(json.dumps({"estimate": found.bytes / 2**30}))


def measured(options: argparse.Namespace, size: int, tile: int | None) -> dict[str, Any] | None:
    """What a case cost and was to cost, or None where it did not end."""
    asked = {name: getattr(options, name) for name in ("encoder", "optimizer", "precision", "device")}
    asked |= {} if options.encoder == "tiny" else {"weights": "random"}
    found: dict[str, Any] = {}
    for what in (FORETOLD, CHILD) if size else (CHILD,):
        case = [size, tile, asked] + ([options.threads] if what == CHILD else [])
        done = subprocess.run(
            [sys.executable, __file__, what, json.dumps(case)], capture_output=True, text=True
        )
        if done.returncode:
            return None
        found |= json.loads(done.stdout.splitlines()[-1])
    return found


def parser() -> argparse.ArgumentParser:
    """The command line."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--sizes", type=int, nargs="+", default=[1024, 2048])
    words.add_argument(
        "--whole-up-to", type=int, default=2048, help="larger pictures are read in tiles alone"
    )
    words.add_argument("--tile", type=int, default=1024)
    words.add_argument("--encoder", default="tiny")
    words.add_argument("--optimizer", default="adam")
    words.add_argument("--precision", default="float32")
    words.add_argument("--device", default="cpu")
    words.add_argument("--threads", type=int, help="left out, as PyTorch has it")
    return words


def main() -> None:
    """Print a table."""
    if sys.argv[1:2] == [CHILD]:
        return one(*json.loads(sys.argv[2]))
    if sys.argv[1:2] == [FORETOLD]:
        return foretold(*json.loads(sys.argv[2]))
    options = parser().parse_args()
    empty = measured(options, 0, None)
    assert empty is not None
    print(
        f"{platform.machine()}, torch {empty['torch']}, {empty['threads']} threads, {options.encoder}, "
        f"{options.optimizer}, {options.precision}, tile {options.tile}; a process without a picture: "
        f"{empty['peak']:.2f} GiB"
    )
    print(f"{'size':>6} {'read':>8} {'peak GiB':>9} {'estimate':>9} {'ratio':>6} {'seconds':>8}")
    for size in options.sizes:
        for tile in (None, options.tile):
            if (tile is None and size > options.whole_up_to) or (tile is not None and size <= tile):
                continue
            cost = measured(options, size, tile)
            told = "did not end"
            if cost:
                peak, expected = cost["peak"], cost["estimate"]
                told = f"{peak:>9.2f} {expected:>9.2f} {expected / peak:>6.2f} {cost['seconds']:>8.1f}"
            print(f"{size:>6} {'in tiles' if tile else 'whole':>8} {told}", flush=True)
    return None


if __name__ == "__main__":
    main()
