"""What each recipe makes of the same photographs and paintings, measured by judges that took no part in making it.

    OMP_NUM_THREADS=2 python benchmarks/quality.py -o out/quality [--recipes default strotss2019] [--resume]
    python benchmarks/quality.py -o out/tiny --recipes default --encoders tiny tiny=random tiny=other.safetensors

An encoder is NAME or NAME=WEIGHTS, weights being a file or "random". Every picture is kept in OUT/cells; OUT/table.md
has the table and, of several encoders, who is better in how many pairs; OUT/quality.json all numbers, options and
versions; OUT/sheet-ENCODER.jpg the pictures. Ctrl-C keeps the finished ones, and --resume goes on after them.
"""

import argparse
import platform
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import skimage
import torch
from quality_cells import PAIRS, RECIPE_NAMES, STEPS, Cell, Mistake, Network, Pair, baselines
from quality_measures import TRAINED_LAYERS, Judge, Reference, random_judge, trained_judge, wavelet_judge
from quality_report import Row, columns_of, text, write_record, write_sheet

from nstkit import __version__
from nstkit.cli.console import Meter, meter, work_done
from nstkit.cli.interrupt import Interrupt
from nstkit.cli.mistakes import ended
from nstkit.encoders.weights import find_weights, places
from nstkit.images import photograph_path
from nstkit.lessons.build import write_whole

OWN_STEPS, SMALLEST = 80, 96


@dataclass(frozen=True)
class Plan:
    """What was asked for."""

    folder: Path
    pairs: list[Pair]
    networks: list[Network]
    recipes: list[str]
    steps: int | None
    sheet_width: int
    sheet_quality: int

    def cells(self) -> Iterator[Cell]:
        for network in self.networks:
            for recipe in self.recipes:
                for pair in self.pairs:
                    yield Cell(pair, network, recipe, self.steps or STEPS.get(recipe, OWN_STEPS))


def at_hand(name: str) -> bool:
    return any(find_weights(name, place) for place in places())


def planned(asked: argparse.Namespace) -> Plan:
    """Everything that can be refused is refused here, before any work."""
    if not 1 <= asked.pairs <= len(PAIRS):
        raise Mistake(f"--pairs: expected 1 to {len(PAIRS)}, got {asked.pairs}")
    if asked.size < SMALLEST:
        raise Mistake(f"--size: expected at least {SMALLEST}, for four scales of wavelets, got {asked.size}")
    pairs = [Pair(content, style, asked.size) for content, style in PAIRS[: asked.pairs]]
    for pair in pairs:
        photograph_path(pair.photograph)
    networks = [Network.parsed(name) for name in asked.encoders]
    for network in networks:
        network.load()
    if len({network.label for network in networks}) < len(networks):
        raise Mistake("--encoders: expected each once; give files of the same name other names")
    if asked.folder.is_dir() and any(asked.folder.iterdir()) and not asked.resume:
        raise Mistake(f"{asked.folder}: is not empty; go on with --resume, or name a new folder")
    return Plan(
        asked.folder, pairs, networks, asked.recipes, asked.steps, asked.sheet_width, asked.sheet_quality
    )


def judges_for(plan: Plan, named: list[str]) -> dict[str, Judge]:
    """Wavelets and random weights always; trained networks where their weights are at hand, if none was transferred
    with."""
    found = {"wavelets": wavelet_judge(), "random": random_judge()}
    used = {network.name for network in plan.networks}
    for network in map(Network.parsed, named or [n for n in TRAINED_LAYERS if n != "tiny" and at_hand(n)]):
        if network.name not in used:
            found[network.name] = trained_judge(network.name, network.weights)
        elif named:
            raise Mistake(f"--judges: expected a network that no transfer used, got {network.name}")
    return found


def make_all(plan: Plan, cells: list[Cell], progress: Meter) -> int:
    """Make what is missing; the number of the signal that ended the work, or 0."""
    (plan.folder / "cells").mkdir(parents=True, exist_ok=True)
    missing = [cell for cell in cells if not cell.finished(plan.folder)]
    progress.say(f"{len(cells)} pictures, {len(cells) - len(missing)} of them there already")
    with Interrupt(lambda: progress.say("stopping")) as interrupt:
        for done, cell in enumerate(missing):

            def watch(step, done=done, cell=cell):
                if progress.due():
                    where = f"{done + 1}/{len(missing)}"
                    detail = f"{cell.network.label} {cell.recipe} {cell.pair.name}"
                    progress.update((done + work_done(step)) / len(missing), where, detail)
                return bool(interrupt.number)

            if interrupt.number or not cell.make(plan.folder, watch):
                progress.say(
                    f"stopped; {len(cells) - len(missing) + done} of {len(cells)} pictures are kept; --resume goes on"
                )
                return interrupt.number
    return 0


def rows_of(plan: Plan, cells: list[Cell], judges: dict[str, Judge]) -> tuple[list[Row], list[Row]]:
    """Baselines, and a row for each encoder and recipe."""
    measures: dict[tuple[str, str], dict[str, dict[str, float]]] = {}
    for pair in plan.pairs:
        pictures = {("", name): picture for name, picture in baselines(pair).items()}
        pictures |= {(c.network.label, c.recipe): c.picture(plan.folder) for c in cells if c.pair == pair}
        reference = Reference.of(pair.content(), pair.style(), judges)
        for place, picture in pictures.items():
            measures.setdefault(place, {})[pair.name] = reference.judged(picture)
    rows = [Row(*place, found, processor_seconds(plan, cells, place)) for place, found in measures.items()]
    return [row for row in rows if not row.network], [row for row in rows if row.network]


def processor_seconds(plan: Plan, cells: list[Cell], place: tuple[str, str]) -> float | None:
    spent = [
        c.about(plan.folder)["seconds"]["processor"] for c in cells if (c.network.label, c.recipe) == place
    ]
    return statistics.median(spent) if spent else None


def report(plan: Plan, cells: list[Cell], judges: dict[str, Judge]) -> str:
    """Measure all pictures; write table, record and sheets; return the table."""
    base, rows = rows_of(plan, cells, judges)
    told = (
        f"{len(plan.pairs)} pairs of {plan.pairs[0].size} pixels; nstkit {__version__}, torch {torch.__version__}, "
        f"scikit-image {skimage.__version__}, Python {platform.python_version()}, {platform.machine()}, "
        f"{torch.get_num_threads()} threads"
    )
    written = text(told, judges, columns_of(judges), base, rows)
    write_whole(plan.folder / "table.md", written.encode())
    about = {"made": told, "judges": {key: [judge.name, judge.says] for key, judge in judges.items()}}
    stored = {cell.path(plan.folder).name: cell.about(plan.folder) for cell in cells}
    write_record(plan.folder / "quality.json", about, [*base, *rows], stored)
    for network in plan.networks:
        own = [cell for cell in cells if cell.network == network]
        path = plan.folder / f"sheet-{network.label}.jpg"
        write_sheet(path, plan.folder, plan.pairs, own, plan.sheet_width, plan.sheet_quality)
    return written


def run(words: list[str]) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    trained = [name for name in TRAINED_LAYERS if name != "tiny" and at_hand(name)]
    parser.add_argument("-o", "--output", dest="folder", type=Path, required=True, metavar="OUT")
    parser.add_argument("--pairs", type=int, default=6, help=f"so many of {len(PAIRS)}")
    parser.add_argument("--size", type=int, default=256, help="long sides, in pixels")
    parser.add_argument(
        "--steps", type=int, help=f"at each scale, for all; else {OWN_STEPS}, and for some {STEPS}"
    )
    parser.add_argument("--recipes", nargs="+", choices=RECIPE_NAMES, default=list(RECIPE_NAMES))
    parser.add_argument(
        "--encoders", nargs="+", metavar="NAME[=WEIGHTS]", default=["tiny", *trained[:1]],
        help="default: tiny, and a trained one that is at hand",
    )  # fmt: skip
    parser.add_argument(
        "--judges",
        nargs="+",
        default=[],
        metavar="NAME[=FILE]",
        help="trained networks; default: those at hand",
    )
    parser.add_argument("--sheet-width", type=int, default=170, help="of each picture on the sheets")
    parser.add_argument("--sheet-quality", type=int, default=82, help="of their JPEG files")
    parser.add_argument("--resume", action="store_true", help="keep the pictures that are there")
    asked = parser.parse_args(words)
    plan = planned(asked)
    judges, cells = judges_for(plan, asked.judges), list(plan.cells())
    with meter() as progress:
        stopped = make_all(plan, cells, progress)
    if stopped:
        raise SystemExit(128 + stopped)
    print(report(plan, cells, judges))


def main(words: list[str] | None = None) -> int:
    try:
        return ended(lambda: run(sys.argv[1:] if words is None else words))
    except Mistake as mistake:
        print(f"quality: {mistake}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
