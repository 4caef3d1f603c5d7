"""Grading accepts what is right, rejects what is wrong, and says why."""

import random
import re
import warnings

import numpy as np
import pytest
import torch
from toy_lesson import RIGHT, write_notebook

from nstkit.grading.grade import grade_file, grade_implementation, grade_text
from nstkit.grading.load import load_exercises


@pytest.fixture
def exercises(lesson):
    return load_exercises(lesson / "test_07_toy.py")


def graded(exercises, implementation, name="running_sum"):
    return grade_implementation(exercises[name], implementation)


def test_the_right_notebook_earns_everything(lesson):
    results = grade_file(lesson / "test_07_toy.py", lesson / "07_toy.ipynb")
    assert {name: (r.state, r.points, r.max_points) for name, r in results.items()} == {
        "running_sum": ("passed", 3, 3),
        "invert": ("passed", 2, 2),
    }


def test_prints_and_warnings_cost_nothing(exercises, capsys):
    def noisy(a):
        print("x" * 100_000)
        warnings.warn("careful", stacklevel=1)
        return np.cumsum(a)

    assert graded(exercises, noisy).state == "passed"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("answer", "name"), [
    (lambda a: a * 0 + a.sum(), "total_everywhere"),
    (lambda a: np.concatenate([[0], np.cumsum(a)[:-1]]).astype(a.dtype), "starts_at_zero"),
])  # fmt: skip
def test_a_known_mistake_is_named(exercises, answer, name):
    result = graded(exercises, answer)
    sentence = next(m.sentence for m in exercises["running_sum"].misconceptions if m.name == name)
    assert (result.state, result.points, result.misconception, result.message) == ("wrong", 0, name, sentence)


def test_an_unknown_mistake_is_described(exercises):
    result = graded(exercises, lambda a: 2 * np.cumsum(a))
    assert (result.state, result.misconception) == ("wrong", None)
    assert "factor of 2" in result.message


def test_a_changed_input_is_wrong(exercises):
    def in_place(a):
        np.cumsum(a, out=a)
        return a

    result = graded(exercises, in_place)
    assert result.state == "wrong"
    assert "changes its input" in result.message


def test_memory_between_calls_is_wrong(exercises):
    seen = []

    def forgetful(a):
        seen.append(a)
        return np.cumsum(a) + (len(seen) > 2)

    assert "the second time" in graded(exercises, forgetful).checks[0].message


@pytest.mark.parametrize(
    "disturb",
    [
        lambda: np.random.seed(0),  # noqa: NPY002
        lambda: torch.manual_seed(0),
        lambda: random.seed(0),
    ],
)
def test_the_global_random_state_must_be_left_alone(exercises, disturb):
    def seeds(a):
        disturb()
        return np.cumsum(a)

    result = graded(exercises, seeds)
    assert result.state == "wrong"
    assert "random state" in result.message


@pytest.mark.parametrize(("body", "state", "words"), [
    ("raise NotImplementedError()", "todo", ""),
    ("return 1 / 0", "error", r"ZeroDivisionError: division by zero \(07_toy.py:3\)"),
    ("import sys; sys.exit()", "crashed", "ended the program"),
    ("import os; os._exit(0)", "crashed", "ended the program"),
    ("return np.ones(2**40)", "memory", "memory"),
    ("while True: pass", "timeout", "longer than"),
    ("return None", "wrong", "forget `return`"),
    ("yield 1", "wrong", "generator"),
    ("return lambda: 1", "wrong", "got a function"),
    ("return a * np.nan", "wrong", "NaN"),
])  # fmt: skip
def test_states(lesson, body, state, words):
    source = f"import numpy as np\ndef running_sum(a):\n    {body}\n" + RIGHT["invert"]
    results = grade_text(lesson / "test_07_toy.py", source, "07_toy.py")
    assert (results["running_sum"].state, results["running_sum"].points) == (state, 0)
    assert re.search(words, results["running_sum"].message)
    assert results["invert"].state == "passed"


def test_raising_the_right_error_for_everything_earns_nothing(lesson):
    source = "import numpy as np\ndef invert(a):\n    raise np.linalg.LinAlgError('no')\n"
    result = grade_text(lesson / "test_07_toy.py", source, "07_toy.py")["invert"]
    assert (result.state, result.points) == ("error", 0)


def test_refusals_count_beside_a_right_value(exercises):
    result = graded(exercises, lambda a: np.linalg.inv(a) if a.ndim == 2 else a, "invert")
    assert (result.state, result.points) == ("wrong", 1)
    assert "expected LinAlgError to be raised" in result.message


def test_a_class_that_claims_to_equal_everything_is_wrong(exercises):
    class Liar:
        def __eq__(self, other):
            return True

    assert graded(exercises, lambda a: Liar()).state == "wrong"


def test_a_syntax_error_costs_its_own_exercise_only(lesson, tmp_path):
    path = write_notebook(tmp_path / "07_toy.ipynb", RIGHT | {"running_sum": "def running_sum(a:\n"})
    results = grade_file(lesson / "test_07_toy.py", path)
    assert results["running_sum"].state == "error"
    assert "[running_sum]:1" in results["running_sum"].trace
    assert results["invert"].state == "passed"


def test_deleted_and_duplicated_cells(lesson, tmp_path):
    path = write_notebook(tmp_path / "07_toy.ipynb", {"invert": RIGHT["invert"], "copy": RIGHT["invert"]})
    results = grade_file(lesson / "test_07_toy.py", path)
    assert (results["running_sum"].state, results["running_sum"].message) == (
        "todo",
        "no answer defines running_sum",
    )
    assert results["invert"].state == "passed"


def test_an_unreadable_notebook_is_one_sentence_for_all(lesson, tmp_path):
    (tmp_path / "x.ipynb").write_text("{")
    results = grade_file(lesson / "test_07_toy.py", tmp_path / "x.ipynb")
    assert {r.state for r in results.values()} == {"error"}
    assert all("broken JSON" in r.message for r in results.values())


def test_another_seed_draws_other_inputs(exercises):
    seen = []

    def spy(a):
        seen.append(a.copy())
        return np.cumsum(a)

    grade_implementation(exercises["running_sum"], spy, seed=0)
    half = len(seen)
    grade_implementation(exercises["running_sum"], spy, seed=1)
    assert not np.allclose(seen[0], seen[half])
    np.testing.assert_array_equal(seen[0], seen[2])


def test_an_unknown_exercise_is_named(lesson):
    with pytest.raises(ValueError, match="expected one of running_sum, invert, got 'rnning_sum'"):
        grade_text(lesson / "test_07_toy.py", "", "x.py", exercise="rnning_sum")


def test_results_are_json(lesson):
    import json

    results = grade_text(lesson / "test_07_toy.py", "def running_sum(a):\n    return a\n", "x.py")
    fields = json.loads(json.dumps(results["running_sum"].to_json()))
    assert {"state", "points", "max_points", "checks", "misconception", "message"} <= fields.keys()
    assert fields["checks"][0]["state"] == "wrong"


def test_a_cell_that_runs_in_a_kernel_is_named_as_such(exercises):
    source = "def running_sum(a):\n    return 1 / 0\n"
    namespace = {}
    exec(compile(source, "/tmp/ipykernel_99/1501562247.py", "exec"), namespace)
    result = graded(exercises, namespace["running_sum"])
    assert result.message == "ZeroDivisionError: division by zero (your cell:2)"
    assert "ipykernel" not in result.trace
