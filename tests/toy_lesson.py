"""A toy lesson whose references live in NumPy, and notebooks written cell by cell."""

import json
from pathlib import Path

CHECKS = '''
"""A toy lesson."""
import numpy as np

from nstkit.grading import exercise, outcome

running_sum = exercise("running_sum", reference="numpy:cumsum", level="easy", minutes=5,
                       hints=["idea", "shape", "nearly there"])


@running_sum.check(points=2)
def a_vector(answer, draw):
    """A vector of seven."""
    return answer(draw.array(7))


@running_sum.check(points=1)
def single_precision(answer, draw):
    """float32 stays float32."""
    return answer(draw.array(5, dtype=np.float32))


def _secret_total(a):
    return a * 0 + a.sum()


@running_sum.misconception("You returned the total everywhere; add up step by step.")
def total_everywhere(a):
    return _secret_total(a)


@running_sum.misconception("You started at zero; the first element counts.")
def starts_at_zero(a):
    return np.cumsum(a) - a


@running_sum.accepts
def step_by_step(a):
    out = a.copy()
    for k in range(1, len(a)):
        out[k] += out[k - 1]
    return out


invert = exercise("invert", reference="numpy.linalg:inv", level="medium", minutes=9,
                  hints=["idea", "shape", "nearly there"])


@invert.check(points=1)
def a_matrix(answer, draw):
    """A 4 x 4 matrix."""
    return answer(draw.array(4, 4))


@invert.check(points=1)
def a_vector_is_refused(answer, draw):
    """LinAlgError for a vector."""
    return outcome(answer, draw.array(4))


@invert.misconception("You transposed; that inverts rotations only.")
def transposes(a):
    if a.ndim != 2:
        raise np.linalg.LinAlgError
    return a.T
'''

RIGHT = {
    "running_sum": "def running_sum(a):\n    return np.cumsum(a)\n",
    "invert": "def invert(a):\n    return np.linalg.inv(a)\n",
}


def write_notebook(
    path: Path, answers: dict[str, str], *, setup: str = "import numpy as np\n", **changes: object
) -> Path:
    """A notebook with a setup cell and one answer cell per entry, in order."""
    cells = [{"cell_type": "code", "metadata": {"tags": ["setup"]}, "source": setup, "outputs": []}]
    cells += [
        {
            "cell_type": "code",
            "metadata": {"nbgrader": {"grade_id": name, "solution": True}},
            "source": text.splitlines(True),
        }
        for name, text in answers.items()
    ]
    cells.append(
        {
            "cell_type": "code",
            "metadata": {},
            "source": "raise RuntimeError('a demonstration that is skipped')",
        }
    )
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"language": "python"}},
        "cells": cells,
    }
    path.write_text(json.dumps(notebook | changes), "utf-8")
    return path


MASTER = '''# %% [markdown]
# # A toy lesson
#
# Adding up.

# %% tags=["setup"]
import numpy as np

# %%
from nstkit.grading import check

# %% [markdown] interview="question"

# %% answer="running_sum"
def running_sum(a):
    """Partial sums of a vector (n,)."""
    ### BEGIN SOLUTION
    return np.cumsum(a)
    ### END SOLUTION

# %% check="running_sum"

# %% answer="invert"
def invert(a):
    """The inverse of a matrix (n, n)."""
    if a.ndim != 2:
        ### BEGIN SOLUTION
        raise np.linalg.LinAlgError("not a matrix")
        ### END SOLUTION
    ### BEGIN SOLUTION
    return np.linalg.inv(a)
    ### END SOLUTION

# %% check="invert"

# %% [markdown] interview="answer"
'''


def interview() -> str:
    """A complete interview file."""
    both = 'en = "English"\nzh = "中文"\n'
    answer = 'answer_en = "Because."\nanswer_zh = "因为。"\n'
    parts = [f'[question]\nlevel = "easy"\n{both}']
    parts += [f"[[follow_ups]]\nlevel = {k}\n{both}{answer}" for k in (1, 2, 3, 4)]
    parts += [f'[[rubric]]\nweight = "{w}"\n{both}terms = ["a"]\n' for w in ("must", "should", "bonus")]
    parts += [f'[[wrong_answers]]\n{both}why_en = "No."\nwhy_zh = "不。"\n' for _ in range(2)]
    return "\n".join([*parts, f"[model_answer]\n{both}"])
