"""Fill the table."""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from . import __doc__ as idea
from .found import peers_found
from .problem import Problem, write_weights
from .row import Row, say
from .rows import MEASURES
from .turns import Plan


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "python -m benchmarks.peers", description=idea, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--crowsonkb", metavar="FOLDER", help="a checkout of crowsonkb/style-transfer-pytorch"
    )
    parser.add_argument("--pystiche", metavar="FOLDER", help="an unpacked wheel of pystiche 1.0.1")
    parser.add_argument(
        "--sides", nargs="+", choices=("plain", "crowsonkb", "pystiche"), help="only these peers"
    )
    parser.add_argument("--rows", nargs="+", choices=MEASURES, default=list(MEASURES))
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto",
                        help="auto is the CPU and, where there is one, the GPU")  # fmt: skip
    parser.add_argument("--size", type=int, help="for all rows in place of their own, to try it out")
    parser.add_argument("--repeats", type=int, default=5, help="turns of each side; 3 whole runs at most")
    parser.add_argument(
        "--evaluations", type=int, default=60, help="of the plain loop that is run to its end"
    )
    parser.add_argument("--threads", type=int)
    parser.add_argument(
        "--weights", type=Path, metavar="FILE", help="torchvision's VGG-19 in place of seeded noise"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="the table and the machine, as JSON")
    return parser.parse_args(given)


def measured(options: argparse.Namespace, weights: Path) -> Iterator[tuple[str, Row]]:
    """Rows with their devices. A measure that breaks is a row that says so."""
    folders = {name: str(Path(folder).resolve()) for name, folder in _folders(options).items()}
    for device in ("cpu", "cuda") if options.device == "auto" else (options.device,):
        for name in options.rows:
            measure = MEASURES[name]
            sizes = measure.on_cpu if device == "cpu" else measure.on_gpu
            if device == "cuda" and not torch.cuda.is_available():
                told = " and ".join(str(size) for size in sizes)
                yield (
                    device,
                    Row(f"{name}, {told} px", "ours", "all", why_not="no CUDA device on this machine"),
                )
                continue
            problem = Problem(sizes[-1], device, str(weights), folders, options.evaluations)
            group = 1 if device == "cpu" else 20
            plan = Plan(problem, options.threads, options.repeats, group, options.sides)
            try:
                for row in measure.rows(plan, sizes if options.size is None else (options.size,)):
                    yield device, row
            except Exception as error:
                yield device, Row(name, "ours", "all", why_not=f"{type(error).__name__}: {error}")


def _folders(options: argparse.Namespace) -> dict[str, str]:
    return {name: getattr(options, name) for name in ("crowsonkb", "pystiche") if getattr(options, name)}


def machine(options: argparse.Namespace) -> dict[str, str]:
    """What it was measured on and with."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    found = {
        "processor": processor(), "threads": str(options.threads or torch.get_num_threads()), "gpu": gpu,
        "python": platform.python_version(), "system": platform.system(),
    }  # fmt: skip
    for package in ("torch", "torchvision", "numpy", "nstkit"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def processor() -> str:
    """Its name."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


HEAD = ("", "measure", "ours", "theirs", "ratio", "target", "verdict")


def table(rows: Sequence[tuple[str, Row]]) -> str:
    """As text, columns aligned; reasons below."""
    lines = [HEAD] + [
        (device, f"{row.measure}: {row.mine} / {row.other}", row.ours or "-", row.theirs or "-",
         "-" if row.ratio is None else f"{row.ratio:.2f}", "-" if row.target is None else str(row.target), row.verdict)
        for device, row in rows
    ]  # fmt: skip
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    told = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    reasons = dict.fromkeys(
        f"not measured: {row.measure} ({row.other}): {row.why_not}" for _, row in rows if row.why_not
    )
    return "\n".join([*told, *reasons])


def main(given: Sequence[str] | None = None) -> int:
    options = arguments(given)
    here, peers = machine(options), peers_found(_folders(options))
    print("; ".join(f"{name} {value}" for name, value in here.items()))
    print("; ".join(f"{name}: {value}" for name, value in peers.items()), flush=True)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        weights = options.weights or Path(folder) / "vgg19.pth"
        if not options.weights:
            write_weights(weights)
        for device, row in measured(options, weights):
            rows.append((device, row))
            say(
                f"  {row.measure}: {row.mine} / {row.other}: {row.why_not or f'{row.ratio:.2f}'} {row.verdict}"
            )
    print(table(rows))
    if options.json:
        found = [asdict(row) | {"device": device, "verdict": row.verdict} for device, row in rows]
        options.json.write_text(
            json.dumps({"machine": here, "peers": peers, "rows": found}, indent=1), "utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
