"""Laws over every lesson that exists, and every one to come."""

import ast
import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from nstkit.grading.audit import audits
from nstkit.grading.grade import grade_file
from nstkit.grading.isolate import grade_file_isolated
from nstkit.grading.landlock import landlock_abi
from nstkit.grading.load import load_exercises
from nstkit.grading.sandbox import Sandbox
from nstkit.lessons import find_lessons, outline
from nstkit.lessons.build import solved_notebook, stub_notebook, to_bytes
from nstkit.lessons.interview import read_interview

LESSONS = {lesson.name: lesson for lesson in find_lessons()}
FINISHED = {name: lesson for name, lesson in LESSONS.items() if lesson.master.exists()}
every_lesson = pytest.mark.parametrize("name", LESSONS)
every_finished_lesson = pytest.mark.parametrize("name", FINISHED)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as place:
        yield place


def test_some_lesson_is_finished():
    assert FINISHED


def test_every_folder_holds_a_whole_lesson():
    for lesson in FINISHED.values():
        for path in (lesson.notebook, lesson.checks, lesson.interview, lesson.master):
            assert path.exists(), path


@every_finished_lesson
def test_the_committed_notebook_is_what_the_master_builds(name):
    lesson = FINISHED[name]
    assert lesson.notebook.read_bytes() == to_bytes(stub_notebook(lesson))


@every_finished_lesson
def test_the_solved_lesson_earns_every_point(name, tmp_path):
    lesson = FINISHED[name]
    solved = tmp_path / f"{name}.ipynb"
    solved.write_bytes(to_bytes(solved_notebook(lesson)))
    for answers in (solved, lesson.master):
        results = grade_file(lesson.checks, answers)
        assert {r.exercise: (r.state, r.points, r.message) for r in results.values()} == {
            r.exercise: ("passed", r.max_points, "") for r in results.values()
        }


@pytest.mark.skipif(landlock_abi() == 0, reason="this kernel has no Landlock")
@every_finished_lesson
def test_the_solved_lesson_earns_every_point_in_the_sandbox(name, sandbox):
    lesson = FINISHED[name]
    results = grade_file_isolated(lesson.checks, lesson.master, seed=11, sandbox=sandbox)
    assert {r.exercise: (r.state, r.message) for r in results.values()} == dict.fromkeys(
        results, ("passed", "")
    )


@every_finished_lesson
def test_the_untouched_stub_earns_nothing(name):
    lesson = FINISHED[name]
    results = grade_file(lesson.checks, lesson.notebook)
    assert {(r.state, r.points) for r in results.values()} == {("todo", 0)}


@every_lesson
def test_every_check_can_fail_and_every_mistake_hears_its_own_sentence(name):
    exercises = load_exercises(LESSONS[name].checks).values()
    complaints = [c for exercise in exercises for finding in audits(exercise) if (c := finding.complaint())]
    assert complaints == []


@every_lesson
def test_exercises_are_declared_in_full(name):
    for exercise in load_exercises(LESSONS[name].checks).values():
        assert len(exercise.hints) == 3, exercise.name
        assert len(exercise.misconceptions) >= 3, exercise.name
        assert exercise.variants, exercise.name
        assert 5 <= exercise.minutes <= 60, exercise.name


@every_lesson
def test_checks_depend_on_numpy_and_torch_alone(name):
    tree = ast.parse(LESSONS[name].checks.read_text("utf-8"))
    roots = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            roots |= {alias.name.split(".")[0] for alias in node.names}
        if isinstance(node, ast.ImportFrom):
            roots.add(node.module if node.module.startswith("nstkit") else node.module.split(".")[0])
    assert roots - sys.stdlib_module_names <= {"numpy", "torch", "nstkit.grading"}


def test_exercise_names_are_unique():
    names = [item.name for lesson in LESSONS.values() for item in outline(lesson.checks)]
    assert len(names) == len(set(names))


@every_finished_lesson
def test_interview_files_are_complete_in_both_languages(name):
    interview = read_interview(FINISHED[name].interview)
    assert [f.level for f in interview.follow_ups] == sorted(f.level for f in interview.follow_ups)
    assert {p.weight for p in interview.rubric} == {"must", "should", "bonus"}
    for text in (interview.question, interview.model_answer, *(f.answer for f in interview.follow_ups)):
        assert any("\u4e00" <= letter <= "\u9fff" for letter in text.zh)
        assert not any("\u4e00" <= letter <= "\u9fff" for letter in text.en)


@every_finished_lesson
def test_no_line_of_prose_starts_a_list_by_accident(name):
    """Broken before its plus, a sum becomes a bullet in nbconvert and on GitHub; a year at a line's start, an item."""
    display, accidents = False, []
    for line in FINISHED[name].master.read_text("utf-8").splitlines():
        if re.match(r"# (\+|\d{2,}[.)]) ", line) and not display:
            accidents.append(line)
        display ^= line.startswith("# ") and line.count("$$") % 2 == 1
    assert accidents == []


@every_finished_lesson
def test_committed_notebooks_carry_no_outputs(name):
    notebook = json.loads(FINISHED[name].notebook.read_text("utf-8"))
    for cell in notebook["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("make", [stub_notebook, solved_notebook], ids=["stub", "solved"])
@every_finished_lesson
def test_notebooks_run_from_top_to_bottom(name, make):
    lesson = FINISHED[name]
    notebook = nbformat.reads(to_bytes(make(lesson)).decode(), as_version=4)
    folder = str(lesson.folder)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": folder}}).execute()
    reports = [
        output["data"]["text/plain"]
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade")
        for output in cell.outputs
        if "data" in output
    ]
    wanted = "todo" if make is stub_notebook else "passed"
    assert len(reports) == len(outline(lesson.checks))
    assert all(f": {wanted}," in report for report in reports)


LAYERS = (
    {"images"}, {"paintings", "color", "filters", "enhance", "encoders"}, {"losses", "training", "theory"},
    {"transfer", "gan", "domain"}, {"lessons"}, {"grading"}, {"course", "drill"}, {"cli"},
)  # fmt: skip


def _imports(path: Path) -> set[str]:
    """The nstkit subpackages that a module imports at its top level."""
    found = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("nstkit."):
            found.add(node.module.split(".")[1])
    return found


def test_imports_only_go_down():
    package = Path(__file__).parents[1] / "nstkit"
    rank = {name: level for level, names in enumerate(LAYERS) for name in names}
    for path in package.rglob("*.py"):
        home = path.relative_to(package).parts[0]
        if home in rank:
            upward = {name for name in _imports(path) - {home} if rank[name] > rank[home]}
            assert not upward, f"{path.relative_to(package)} imports {upward}"


def test_folders_are_two_levels_deep_at_most():
    package = Path(__file__).parents[1] / "nstkit"
    assert all(len(path.relative_to(package).parts) <= 2 for path in package.rglob("*.py"))
