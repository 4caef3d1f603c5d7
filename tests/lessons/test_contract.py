"""A stub keeps signature and docstring; marks that would break it are answered with file and line."""

import ast

import pytest
from study_folder import swap

from nstkit.lessons.contract import check_answer, without_marks, without_solution
from nstkit.lessons.master import read_master


def answer(lesson, name):
    (cell,) = (cell for cell in read_master(lesson.master) if cell.options.get("answer") == name)
    return cell


def test_a_function_without_its_solution(sums):
    assert without_solution(answer(sums, "running_sum").source) == (
        "def running_sum(a: np.ndarray, *, start: float = 0.0) -> np.ndarray:\n"
        '    """Partial sums of a vector (n,)."""\n'
        "    if a.ndim != 1:\n"
        "        # YOUR CODE HERE\n"
        "        raise NotImplementedError()\n"
        "    # YOUR CODE HERE\n"
        "    raise NotImplementedError()"
    )


def test_a_class_without_its_solution(meter):
    stub = ast.parse(without_solution(answer(meter, "Meter").source)).body[0]
    assert [node.name for node in stub.body if isinstance(node, ast.FunctionDef)] == ["__init__", "read"]
    assert ast.get_docstring(stub) == "Counts letters."
    assert "LIMIT = 3" in ast.unparse(stub)


def test_without_marks_nothing_else_is_missing(sums, meter):
    for cell in (answer(sums, "running_sum"), answer(meter, "Meter")):
        whole = without_marks(cell.source)
        assert "SOLUTION" not in whole
        assert ast.dump(ast.parse(whole)) == ast.dump(ast.parse(cell.source))


def test_good_answers_pass(sums, meter):
    check_answer(answer(sums, "running_sum"), "running_sum")
    check_answer(answer(sums, "last_sum"), "last_sum")
    check_answer(answer(meter, "Meter"), "Meter")


BEGIN, END = "    ### BEGIN SOLUTION\n", "    ### END SOLUTION\n"
CUT = "    return np.cumsum(a) + start\n"


@pytest.mark.parametrize(("old", "new", "words"), [
    (BEGIN + CUT, CUT, "py:27: a second `### END SOLUTION` without its other half"),
    (CUT + END, CUT, "py:26: the answer lacks `### END SOLUTION`"),
    (CUT, CUT + BEGIN, "py:28: a second `### BEGIN SOLUTION` without its other half"),
    (BEGIN, BEGIN.replace("###", "#"), "py:20: expected `### BEGIN SOLUTION` or `### END SOLUTION` on a line"),
    (CUT, "    return (\n", "py:27: .* was never closed"),
    ("def running_sum", "def run_sum", "py:16: the cell defines no function or class running_sum"),
    ('    """Partial sums of a vector (n,)."""\n', "", "py:16: running_sum has no docstring, which is all"),
    (CUT + END, CUT + "\ndef helper(): ...\n" + END, "py:16: the marks reach outside of running_sum"),
    ("def running_sum", f"{BEGIN.strip()}\nx = 1\n{END.strip()}\ndef running_sum",
     "py:16: the marks reach outside of running_sum; put lines of its body alone between them"),
    ("    if a.ndim != 1:\n    " + BEGIN, BEGIN + "    if a.ndim != 1:\n", ""),
])  # fmt: skip
def test_functions(sums, old, new, words):
    swap(sums.master, old, new)
    if not words:
        check_answer(answer(sums, "running_sum"), "running_sum")
        return
    with pytest.raises(ValueError, match=r"solutions.01_sums\." + words):
        check_answer(answer(sums, "running_sum"), "running_sum")


@pytest.mark.parametrize(("old", "new", "words"), [
    ("    def read(self) -> int:\n    " + BEGIN, BEGIN + "    def read(self) -> int:\n",
     "Meter.read is cut out with the solution; keep its signature above `### BEGIN SOLUTION`"),
    ('        """Start from a number."""\n    ' + BEGIN, "    " + BEGIN + '        """Start from a number."""\n',
     "the docstring of Meter.__init__ is cut out; write it above `### BEGIN SOLUTION`"),
    ('    """Counts letters."""\n', "", "Meter has no docstring"),
    ("    LIMIT = 3\n", BEGIN + "    LIMIT = 3\n" + END, "the marks lie in the body of class Meter; put them in"),
])  # fmt: skip
def test_classes(meter, old, new, words):
    swap(meter.master, old, new)
    with pytest.raises(ValueError, match=r"solutions.02_meter\.py:16: " + words):
        check_answer(answer(meter, "Meter"), "Meter")


def test_a_cut_that_leaves_no_python(sums):
    swap(sums.master, "    if a.ndim != 1:\n    " + BEGIN, BEGIN + "    if a.ndim != 1:\n")
    swap(
        sums.master,
        "    ### END SOLUTION\n" + BEGIN + CUT,
        "    ### END SOLUTION\n    else:\n    " + BEGIN + "    " + CUT,
    )
    with pytest.raises(ValueError, match="py:16: without its solution the cell is no Python: "):
        check_answer(answer(sums, "running_sum"), "running_sum")
