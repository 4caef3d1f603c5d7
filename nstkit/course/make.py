"""Making a course: a folder that stock nbgrader takes for its own.

    nbgrader_config.py   plugs in our grading
    source/NN_slug/      the masters as nbgrader's source notebooks, with points and grade ids
    seed.txt             the secret seed of the hidden inputs; never released
    README.md            the five commands

What is there and was changed is kept; a second call brings new lessons and mended ones.
"""

import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path

from nstkit.lessons import Lesson
from nstkit.lessons.build import keep_copy, source_notebook, write_notebook, write_whole
from nstkit.lessons.find import shown

SEED = "seed.txt"
CONFIG = "nbgrader_config.py"

_CONFIG = '''"""nbgrader's configuration for this course. Add to it: `nstkit course` does not overwrite it."""

from nstkit.course.nbgrader import configure

c = get_config()  # noqa: F821  (nbgrader provides it)
configure(c, database={database!r})
'''

_README = """# A course with nstkit

The folder is an ordinary nbgrader course. Run these here:

```
nbgrader generate_assignment 03_style_loss      # source/ -> release/
nbgrader release_assignment 03_style_loss       # to the exchange; or hand release/ out yourself
nbgrader collect 03_style_loss                  # or put files at submitted/LEARNER/03_style_loss/
nbgrader autograde 03_style_loss                # graded in the sandbox, by grade id
nbgrader generate_feedback 03_style_loss        # then `nbgrader release_feedback` and `nbgrader export`
```

- **Learners** need `pip install 'nstkit[lessons]'`: the check cells in their notebooks grade on public inputs.
- **Hidden inputs** come from the secret in `seed.txt`. It must stay in this folder: it belongs neither into `source/`
  nor `release/`. `nstkit course . --reseed` draws another and keeps the old one aside.
- **Points** are those of the checks; a partly right answer earns a part. A grade that is empty in `nbgrader export`'s
  `grades.csv` was not graded, which is not the same as 0; the column `ungraded` says so.
- **Protection**: learners' code runs in a locked process. Where this machine cannot lock it (no Linux, no Landlock),
  autograding refuses; set `NSTKIT_ALLOW_UNPROTECTED=1` if you trust every learner.
- Without nbgrader: `nstkit grade SUBMISSIONS/ -o RESULTS/ --seed-file seed.txt`.
"""


def make_course(
    folder: Path, lessons: Sequence[Lesson], *, database: str | None = None, reseed: bool = False
) -> Iterator[str]:
    """Write a course, or bring one up to date, saying what was done line by line.

    Args:
        folder: new or empty, or a course that an earlier call made.
        lessons: those to put into source/.
        database: the gradebook's URL, as nbgrader takes it; None is SQLite in the course.
        reseed: draw a new secret seed and keep the old one under a dated name.
    Raises:
        ValueError: the folder holds something else, or a lesson has no master.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / CONFIG).exists():
        raise ValueError(f"{folder}: is not empty and no course of ours; name a new folder")
    for lesson in lessons:
        if not lesson.master.exists():
            raise ValueError(f"lessons: {lesson.name} has no master yet; leave it out")
    if not (folder / CONFIG).exists():
        write_whole(folder / CONFIG, _CONFIG.format(database=database).encode())
        yield f"wrote {shown(folder / CONFIG)}"
    elif database is not None:
        raise ValueError(f"--db: {shown(folder / CONFIG)} is there already; change the database in it")
    if not (folder / "README.md").exists():
        write_whole(folder / "README.md", _README.encode())
    yield from _seeded(folder / SEED, reseed)
    for lesson in lessons:
        path = folder / "source" / lesson.name / f"{lesson.name}.ipynb"
        outcome = write_notebook(path, source_notebook(lesson))
        yield f"{outcome:<9}  {shown(path)}" + (
            "  it was changed here, and stays" if outcome == "kept" else ""
        )


def _seeded(path: Path, reseed: bool) -> Iterator[str]:
    if path.exists() and not reseed:
        return
    if path.exists():
        copy = keep_copy(path)
        os.chmod(copy, 0o600)
        yield f"kept the old seed as {shown(copy)}; grades given with it can be reproduced"
    write_whole(path, f"{secrets.randbits(63)}\n".encode())
    os.chmod(path, 0o600)
    yield f"drew a secret seed into {shown(path)}; keep it out of what you hand out"


def read_seed(path: Path) -> int:
    """The seed in a course's seed.txt.

    Raises:
        ValueError: no such file, or no whole number in it.
    """
    try:
        return int(path.read_text("utf-8").strip())
    except FileNotFoundError:
        raise ValueError(f"{shown(path)}: no such file; `nstkit course DIR --reseed` draws a seed") from None
    except (ValueError, OSError) as error:
        raise ValueError(f"{shown(path)}: expected one whole number ({error})") from None
