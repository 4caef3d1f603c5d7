"""`nstkit demo`: the main job in one command."""

import shutil
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor

from nstkit.cli.console import Meter, meter, work_done
from nstkit.cli.outputs import check_own, made_by
from nstkit.images import check_target, contact_sheet, photograph, photograph_names, save_image
from nstkit.images.writing import check_name
from nstkit.paintings import paint
from nstkit.transfer import Step, stylize

PHOTOGRAPHS = ("chelsea", "astronaut", "grace_hopper")
"""In order of preference; the demo takes two of those that are installed."""

STYLES = ("mosaic", "stained_glass")


@dataclass(frozen=True)
class Job:
    """One of the demo's transfers."""

    photograph: str
    style: str
    number: int
    jobs: int

    def target(self, out: Path) -> Path:
        """Where its result goes, beside the sheet."""
        return out.with_name(f"{out.stem}-{self.photograph}-{self.style}{out.suffix}")


def demo(
    out: Annotated[Path, typer.Option(metavar="FILE", help="The picture to write.")] = Path("out/demo.png"),
    size: Annotated[int, typer.Option(metavar="N", help="Long side of each result in pixels.")] = 320,
    steps: Annotated[int, typer.Option(metavar="N", help="Optimisation steps at each scale.")] = 60,
) -> None:
    """Show what nstkit does: two photographs, two styles, and the worked solutions graded.

    Needs no download: the encoder ships with nstkit, the styles are drawn by it, and the photographs lie inside
    packages that it needs anyway.
    """
    names = [name for name in PHOTOGRAPHS if name in photograph_names()][:2]
    pairs = list(product(names, STYLES))
    jobs = [Job(*pair, number, len(pairs)) for number, pair in enumerate(pairs)]
    _make_room([out, *(job.target(out) for job in jobs)])
    contents = {name: photograph(name, size=size) for name in names}
    styles = {name: paint(name, height=size, width=round(1.25 * size)) for name in STYLES}
    with meter() as progress:
        if len(names) < 2:
            progress.say("one photograph only, for scikit-image is not installed: pip install scikit-image")
        results = [_result(job, contents, styles, size, steps, progress) for job in jobs]
        for job, result in zip(jobs, results, strict=True):
            save_image(result, job.target(out), metadata=made_by("demo"), overwrite=True)
        save_image(_sheet(contents, styles, results, size), out, metadata=made_by("demo"), overwrite=True)
        progress.say(f"wrote {out}: {len(jobs)} transfers in {progress.elapsed:.0f} s, with the encoder tiny")
    grade_solutions()


def _make_room(targets: list[Path]) -> None:
    """Make the folder; refuse to replace a picture that this command did not make."""
    check_name(targets[0])
    targets[0].parent.mkdir(parents=True, exist_ok=True)
    for target in targets:
        check_target(target, overwrite=True)
        check_own(target, "demo", "choose another name with --out")


def _result(
    job: Job, contents: dict[str, Tensor], styles: dict[str, Tensor], size: int, steps: int, progress: Meter
) -> Tensor:
    """Do one job, with its share of the progress shown."""

    def watch(step: Step) -> None:
        if progress.due():
            share = (job.number + work_done(step)) / job.jobs
            progress.update(share, f"{job.number + 1}/{job.jobs}", f"{job.photograph} in {job.style}")

    content, style = contents[job.photograph], styles[job.style]
    return stylize(content, style, encoder="tiny", size=size, steps=steps, on_step=watch).image


def _sheet(
    contents: dict[str, Tensor], styles: dict[str, Tensor], results: list[Tensor], size: int
) -> Tensor:
    """Styles along the top, photographs down the side, results where they meet."""
    across = len(styles)
    rows = [results[start : start + across] for start in range(0, len(results), across)]
    pictures: list[list[Tensor | None]] = [[None, *styles.values()]]
    pictures += [[content, *row] for content, row in zip(contents.values(), rows, strict=True)]
    titles = [["", *(name.replace("_", " ") for name in names)] for names in (contents, styles)]
    return contact_sheet(pictures, rows=titles[0], columns=titles[1], cell=size)


def grade_solutions() -> None:
    """Grade the worked solutions that exist and print the scoreboard."""
    from nstkit.cli.grading import board
    from nstkit.grading.grade import grade_file
    from nstkit.grading.scoreboard import render
    from nstkit.lessons import find_lessons

    solved = [lesson for lesson in find_lessons() if lesson.master.exists()]
    results = {lesson.name: grade_file(lesson.checks, lesson.master) for lesson in solved}
    print("\nthe worked solutions, graded:")
    print("\n".join(render(board(results), shutil.get_terminal_size((80, 24)).columns)))
