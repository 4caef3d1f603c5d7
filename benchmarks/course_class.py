"""A class graded three ways: `nstkit grade`, nbgrader with a course of ours, and stock nbgrader with its kernel.

    python benchmarks/course_class.py [--learners 40] [--hostile 10] [--stock 6] [--folder out/class]

The learners' scores are known by construction: each hands in the worked answers of some exercises of lesson 03, a
known mistake in some, and the untouched stub in the rest; the hostile ones do harm in the first exercise. Printed:
whether all three agree with what is known, seconds per submission, and the memory of the process that hands out work.
"""

import argparse
import copy
import csv
import json
import os
import platform
import random
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from nstkit.course.make import make_course
from nstkit.lessons import find_lesson, outline
from nstkit.lessons.build import solved_notebook

LESSON = find_lesson("03")
POINTS = {item.name: item.points for item in outline(LESSON.checks)}
FIRST = next(iter(POINTS))
HOSTILE = (
    "import os; os._exit(0)",
    "while True: pass",
    "import os\n    while True: os.fork()",
    "return torch.ones(2**31)",
    "return torch.ones(60_000_000)",
    "open('big', 'wb').write(b'x' * 2**31)",
    "return open('/etc/passwd').read()",
    "import os; os.kill(os.getppid(), 9)",
    "print('x' * 50_000_000)\n    return features",
    "import numpy as np; np.allclose = torch.equal = lambda *a, **k: True\n    return features",
)


def handed_in(release, solved, number, hostile):
    """A notebook, and the points that it must earn."""
    notebook, points, chance = copy.deepcopy(release), 0, random.Random(number)
    for cell in notebook["cells"]:
        grading = cell["metadata"].get("nbgrader", {})
        name = grading.get("grade_id", "")
        if not grading.get("solution"):
            continue
        if hostile and name == FIRST:
            body = HOSTILE[number % len(HOSTILE)]
            cell["source"] = f"def {name}(features, normalize='chw'):\n    {body}\n"
        elif hostile or chance.random() < 0.6:
            cell["source"] = solved[name]
            points += POINTS[name]
        elif chance.random() < 0.5:
            cell["source"] = f"def {name}(*args, **kwargs):\n    return None\n"
    return notebook, points


def nbgrader(folder, *words):
    """Seconds that one of nbgrader's commands took."""
    tools = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *words], cwd=folder, capture_output=True, text=True,
        env=os.environ | {"PATH": tools, "PYTHONWARNINGS": "ignore"},
    )  # fmt: skip
    if done.returncode:
        print(done.stderr[-1500:], file=sys.stderr)
    return time.perf_counter() - started


def exported(course):
    """Points by learner, from nbgrader's gradebook."""
    nbgrader(course, "export")
    with open(course / "grades.csv", encoding="utf-8-sig") as file:
        return {
            row["student_id"]: float(row["score"]) if row["score"] else None for row in csv.DictReader(file)
        }


def by_nstkit(course, results):
    """Points by learner, seconds, and megabytes of the parent at most."""
    command = [
        sys.executable,
        "-c",
        "from nstkit.cli import main; main()",
        "grade",
        str(course / "submitted"),
    ]
    started = time.perf_counter()
    run = subprocess.Popen(
        [*command, "-o", str(results), "--seed-file", str(course / "seed.txt")], stderr=subprocess.DEVNULL
    )
    memory = []
    while run.poll() is None:
        memory.append(resident(run.pid))
        time.sleep(0.2)
    seconds = time.perf_counter() - started
    with open(results / "summary.csv", encoding="utf-8-sig") as file:
        points = {
            row["learner"]: float(row["points"]) if row["points"] else None for row in csv.DictReader(file)
        }
    return points, seconds, [m for m in memory if m]


def resident(pid):
    """Megabytes of a process."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20
    except (OSError, IndexError, ValueError):
        return 0


def stock(course, folder, names):
    """Seconds that stock nbgrader takes for some of the same submissions, each cell limited to 5 s."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "source").mkdir(parents=True)
    shutil.copytree(course / "source", folder / "source", dirs_exist_ok=True)
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.ExecutePreprocessor.timeout = 60\n")
    nbgrader(folder, "generate_assignment", LESSON.name)
    for name in names:
        shutil.copytree(course / "submitted" / name, folder / "submitted" / name)
    return nbgrader(folder, "autograde", LESSON.name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--learners", type=int, default=40)
    parser.add_argument("--hostile", type=int, default=10, help="of the learners")
    parser.add_argument(
        "--stock", type=int, default=0, help="honest submissions that stock nbgrader grades too"
    )
    parser.add_argument("--folder", type=Path, default=Path("out/class"))
    options = parser.parse_args()
    shutil.rmtree(options.folder, ignore_errors=True)
    course = (options.folder / "course").absolute()
    list(make_course(course, [LESSON]))
    nbgrader(course, "generate_assignment", LESSON.name)
    release = json.loads((course / "release" / LESSON.name / f"{LESSON.name}.ipynb").read_text("utf-8"))
    cells = solved_notebook(LESSON)["cells"]
    solved = {
        c["metadata"]["nbgrader"]["grade_id"]: c["source"]
        for c in cells
        if c["metadata"].get("nbgrader", {}).get("solution")
    }
    known = {}
    for number in range(options.learners):
        name = f"learner-{number:03}"
        notebook, known[name] = handed_in(release, solved, number, number < options.hostile)
        path = course / "submitted" / name / LESSON.name / f"{LESSON.name}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(notebook), "utf-8")
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; lesson {LESSON.name}"
    )
    print(f"{options.learners} learners, {options.hostile} of them hostile")
    points, seconds, memory = by_nstkit(course, (options.folder / "results").absolute())
    wrong = {n: (points.get(n), known[n]) for n in known if points.get(n) != known[n]}
    print(
        f"nstkit grade: {seconds:.1f} s, {seconds / len(known):.2f} s each; scores as known: {not wrong} {wrong or ''}"
    )
    later = memory[len(memory) // 4 :]
    print(f"  memory of the parent: {min(later):.0f} to {max(later):.0f} MB over the last three quarters")
    ours = nbgrader(course, "autograde", LESSON.name)
    scores = exported(course)
    wrong = {n: (scores.get(n), known[n]) for n in known if scores.get(n) != known[n]}
    each = ours / len(known)
    print(
        f"nbgrader, our course: {ours:.1f} s, {each:.2f} s each; scores as known: {not wrong} {wrong or ''}"
    )
    if options.stock:
        names = [f"learner-{n:03}" for n in range(options.hostile, options.hostile + options.stock)]
        theirs = stock(course, (options.folder / "stock").absolute(), names) / len(names)
        ratio = theirs / (seconds / len(known))
        print(
            f"stock nbgrader, {len(names)} honest ones: {theirs:.2f} s each; nstkit grade is {ratio:.1f} times faster"
        )


if __name__ == "__main__":
    main()
