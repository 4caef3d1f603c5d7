"""`nstkit demo`: the main job in one command."""

import shutil
import time
from pathlib import Path
from typing import Annotated

import typer
from torch import Tensor

from nstkit.cli.console import messages, meter
from nstkit.cli.grading import board
from nstkit.grading.grade import grade_file
from nstkit.grading.scoreboard import render
from nstkit.images import contact_sheet, photograph, photograph_names, read_metadata, save_image
from nstkit.lessons import find_lessons
from nstkit.paintings import paint
from nstkit.transfer import Step, stylize

PHOTOGRAPHS = ("chelsea", "grace_hopper", "coffee", "astronaut")
STYLES = ("stained_glass", "swirls")
MARK = "nstkit demo"


def demo(
    out: Annotated[Path, typer.Option(help="The picture to write.")] = Path("out/demo.png"),
    size: Annotated[int, typer.Option(help="Long side of each result in pixels.")] = 320,
    steps: Annotated[int, typer.Option(help="Steps at each scale.")] = 60,
) -> None:
    """Show what nstkit does: two photographs, two styles, and the worked lessons graded."""
    _make_room(out)
    console, started = messages(), time.monotonic()
    names = [name for name in PHOTOGRAPHS if name in photograph_names()][:2]
    contents = [photograph(name, size=size) for name in names]
    styles = [paint(name, height=size, width=round(size * 1.25)) for name in STYLES]
    results = _results(names, contents, styles, size, steps)
    rows: list[list[Tensor | None]] = [[None, *styles]]
    rows += [[content, *row] for content, row in zip(contents, results, strict=True)]
    sheet = contact_sheet(rows, rows=["", *_titles(names)], columns=["", *_titles(STYLES)], cell=size)
    save_image(sheet, out, metadata={"made by": MARK}, overwrite=True)
    for name, row in zip(names, results, strict=True):
        for style, result in zip(STYLES, row, strict=True):
            save_image(
                result,
                out.with_name(f"{out.stem}-{name}-{style}.png"),
                metadata={"made by": MARK},
                overwrite=True,
            )
    console.print(
        f"wrote {out}, four transfers in {time.monotonic() - started:.0f} s on the embedded encoder"
    )
    grade_solutions()


def _titles(names: tuple[str, ...] | list[str]) -> list[str]:
    return [name.replace("_", " ") for name in names]


def _make_room(out: Path) -> None:
    """Make the folder; refuse to replace a picture that this command did not make."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.exists() and read_metadata(out).get("made by") != MARK:
        raise FileExistsError(
            f"{out}: exists, and `nstkit demo` did not make it; choose another name with --out"
        )


def _results(
    names: list[str], contents: list[Tensor], styles: list[Tensor], size: int, steps: int
) -> list[list[Tensor]]:
    results: list[list[Tensor]] = []
    count = len(contents) * len(styles)
    with meter() as progress:
        for name, content in zip(names, contents, strict=True):
            results.append([])
            for number, style in enumerate(styles):
                job = (len(results) - 1) * len(styles) + number

                def watch(step: Step, job: int = job, label: str = f"{name} + {STYLES[number]}") -> None:
                    if progress.due(progress.interval):
                        progress.update(label, job * step.total + step.done, count * step.total)

                results[-1].append(
                    stylize(content, style, encoder="tiny", size=size, steps=steps, on_step=watch).image
                )
    return results


def grade_solutions() -> None:
    """Grade the worked solutions that exist and print the scoreboard."""
    solved = [lesson for lesson in find_lessons() if lesson.master.exists()]
    results = {lesson.name: grade_file(lesson.checks, lesson.master) for lesson in solved}
    print("\nthe worked solutions, graded:")
    print("\n".join(render(board(results), shutil.get_terminal_size((80, 24)).columns)))
