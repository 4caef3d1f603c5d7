"""`nstkit build`: what it says, what it writes, and its exit codes."""

import json

import pytest
from study_folder import make_study, swap

from nstkit.cli import main


@pytest.fixture
def study(tmp_path, monkeypatch):
    monkeypatch.chdir(make_study(tmp_path))
    return tmp_path


@pytest.fixture
def run(monkeypatch, capsys):
    """Run the command: exit code, standard output, standard error."""

    def call(*words):
        monkeypatch.setattr("sys.argv", ["nstkit", "build", *words])
        with pytest.raises(SystemExit) as caught:
            main()
        out, err = capsys.readouterr()
        return caught.value.code or 0, out, err

    return call


def test_all_at_once_then_nothing(study, run):
    code, out, _ = run()
    assert code == 0
    assert out.splitlines() == [
        "built      lessons/01_sums/01_sums.ipynb", "built      lessons/02_meter/02_meter.ipynb", "2 built",
    ]  # fmt: skip
    assert run()[1].endswith("2 unchanged\n")


def test_check_names_each_stale_file(study, run):
    run()
    assert run("--check") == (0, "2 up to date\n", "")
    swap(study / "solutions" / "02_meter.py", "the end", "the very end")
    code, out, _ = run("--check")
    assert code == 1
    assert out == (
        "lessons/02_meter/02_meter.ipynb: is not what its master builds now; run `nstkit build 02` and commit it\n"
        "1 up to date · 1 stale\n"
    )


def test_a_changed_notebook(study, run):
    run("sums")
    path = study / "lessons" / "01_sums" / "01_sums.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    notebook["cells"][0]["source"] = "mine"
    path.write_text(json.dumps(notebook), "utf-8")
    code, out, _ = run("--check", "1")
    assert code == 1
    assert "was changed by hand; bring the change into solutions/01_sums.py" in out
    code, out, _ = run("1")
    assert code == 0
    assert out.startswith(
        "kept       lessons/01_sums/01_sums.ipynb  it has been changed since it was built; --force"
    )
    code, out, _ = run("1", "--force")
    assert out.startswith("replaced   lessons/01_sums/01_sums.ipynb  the changed one is beside it")
    assert len(list(path.parent.glob("*.ipynb"))) == 2


def test_solved_and_source_notebooks_go_elsewhere(study, run):
    assert run("--solved", "out")[0] == 0
    assert run("--source", "course/source")[0] == 0
    assert "SOLUTION" not in (study / "out" / "01_sums.ipynb").read_text("utf-8")
    assert "BEGIN SOLUTION" in (study / "course" / "source" / "01_sums" / "01_sums.ipynb").read_text("utf-8")
    assert not (study / "lessons" / "01_sums" / "01_sums.ipynb").exists()


def test_a_mistake_stops_one_lesson_and_is_named(study, run):
    swap(study / "solutions" / "01_sums.py", 'answer="last_sum"', 'answer="lst_sum"')
    (study / "solutions" / "09_new.py").write_text("# %%\n", "utf-8")
    code, out, err = run()
    assert code == 2
    assert out.splitlines()[-1] == "2 mistake · 1 built"
    assert err.splitlines() == [
        "nstkit: solutions/09_new.py: its lesson is missing; expected lessons/09_new/test_09_new.py",
        "nstkit: solutions/01_sums.py:40: answer: expected an exercise of test_01_sums.py (running_sum, last_sum), "
        "got 'lst_sum'",
    ]


def test_one_thing_at_a_time(study, run):
    code, _, err = run("--check", "--solved", "out")
    assert (code, err) == (2, "nstkit: --check, --solved, --source: choose one of them\n")


def test_an_unknown_lesson_builds_nothing(study, run):
    code, out, err = run("1", "metre")
    assert (code, out) == (2, "")
    assert "did you mean 02_meter?" in err
