"""Peak memory and seconds of one optimisation step on large pictures, whole and in tiles.

    python benchmarks/large_pictures.py [--sizes 1024 2048] [--tile 1024] [--encoder tiny] [--optimizer adam]

Each case runs in a process of its own: one step at the full size (no smaller scales before it), square, float32, a
painting of 512 pixels as the style. The peak is that of the whole process, Python and PyTorch included, which is
printed for an empty one too.
"""

import argparse
import json
import platform
import resource
import subprocess
import sys
import time

CHILD = "--child"


def one(size: int, tile: int | None, encoder: str, optimizer: str, device: str) -> None:
    """Take a step; print what it cost as JSON."""
    import torch

    from nstkit.images import resize
    from nstkit.paintings import paint
    from nstkit.transfer import stylize

    found = {"empty": _peak()}
    if size:
        content, style = resize(paint("mosaic", 512, 512), (size, size)), paint("swirls", 512, 512)
        weights = None if encoder == "tiny" else "random"
        started = time.perf_counter()
        result = stylize(
            content, style, encoder=encoder, weights=weights, size=size, coarsest=size, steps=1, tile=tile,
            optimizer=optimizer, device=device,
        )  # fmt: skip
        assert result.image.isfinite().all()
        found = {"seconds": time.perf_counter() - started}
        on_gpu = device.startswith("cuda")
        found["peak"] = torch.cuda.max_memory_allocated() / 2**30 if on_gpu else _peak()
    print(json.dumps(found))


def _peak() -> float:
    """GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def measured(options: argparse.Namespace, size: int, tile: int | None) -> dict[str, float] | None:
    """What a case cost, or None where it did not end."""
    case = json.dumps([size, tile, options.encoder, options.optimizer, options.device])
    done = subprocess.run([sys.executable, __file__, CHILD, case], capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None


def main() -> None:
    if sys.argv[1:2] == [CHILD]:
        return one(*json.loads(sys.argv[2]))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1024, 2048])
    parser.add_argument(
        "--whole-up-to", type=int, default=2048, help="larger pictures are read in tiles alone"
    )
    parser.add_argument("--tile", type=int, default=1024)
    parser.add_argument("--encoder", default="tiny")
    parser.add_argument("--optimizer", default="adam")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    empty = measured(options, 0, None)
    assert empty is not None
    print(f"{platform.machine()}, {options.encoder}, {options.optimizer}, tile {options.tile}; a process without a "
          f"picture: {empty['empty']:.2f} GiB")  # fmt: skip
    print(f"{'size':>6} {'read':>8} {'peak GiB':>9} {'seconds':>8}")
    for size in options.sizes:
        for tile in (None, options.tile):
            if tile is None and size > options.whole_up_to:
                continue
            cost = measured(options, size, tile)
            told = f"{cost['peak']:>9.2f} {cost['seconds']:>8.1f}" if cost else "did not end"
            print(f"{size:>6} {'in tiles' if tile else 'whole':>8} {told}", flush=True)
    return None


if __name__ == "__main__":
    main()
