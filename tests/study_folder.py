"""A study folder with two small lessons: one asks for functions, the other for a class."""

from pathlib import Path

CHECKS = {
    "01_sums": '''"""Adding up."""
from nstkit.grading import exercise, outcome

running_sum = exercise("running_sum", reference="numpy:cumsum", level="easy", minutes=5,
                       hints=["the idea", "the " "shape", "nearly there"])

@running_sum.check(points=2)
def a_vector(answer, draw):
    """A vector of seven."""
    return answer(draw.array(7))

@running_sum.check()
def a_longer_one(answer, draw):
    """A vector of nine."""
    return answer(draw.array(9))

@running_sum.misconception("You returned the total; add up step by step.")
def total(a):
    return a.sum()

@running_sum.accepts
def by_loop(a): ...

last = exercise("last_sum", reference="numpy:sum", level="medium", minutes=9)

@last.check(points=4)
def a_matrix(answer, draw):
    """A matrix."""
    return answer(draw.array(4, 3))
''',
    "02_meter": '''"""Keeping count."""
from nstkit.grading import exercise

meter = exercise("Meter", reference="collections:Counter", level="hard", minutes=20, hints=["a", "b", "c"])

@meter.check(points=3)
def counts(answer, draw):
    """Counts."""
    return answer().update("ab")
''',
}

MASTERS = {
    "01_sums": '''# %% [markdown]
# # 01 Sums / 求和
#
# Where $s_k = \\\\sum_{i \\\\le k} a_i$.

# %% tags=["setup"]
import numpy as np

# %%
from nstkit.grading import check

print(np.arange(3))

# %% [markdown] interview="question"

# %% answer="running_sum"
def running_sum(a: np.ndarray, *, start: float = 0.0) -> np.ndarray:
    """Partial sums of a vector (n,)."""
    if a.ndim != 1:
        ### BEGIN SOLUTION
        raise ValueError("a")


        # blank lines and comments above belong to it
        ### END SOLUTION
    ### BEGIN SOLUTION
    return np.cumsum(a) + start
    ### END SOLUTION


# %% check="running_sum"

# %% [markdown]
r"""
The last of them is the total, $\\\\sum_i a_i$.

- a list
"""

# %% answer="last_sum"
@np.vectorize
def last_sum(a):
    """The last partial sum."""
    ### BEGIN SOLUTION
    return a.sum()
    ### END SOLUTION

# %% check="last_sum"

# %% [markdown] interview="answer"
'''.replace("\\\\", "\\"),
    "02_meter": '''# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown] interview="question"
#

# %%
from nstkit.grading import check

# %% tags=["setup"]
from collections import Counter

# %% answer="Meter"
class Meter(Counter):
    """Counts letters."""

    LIMIT = 3

    def __init__(self, start: int = 0) -> None:
        """Start from a number."""
        ### BEGIN SOLUTION
        self.start = start
        ### END SOLUTION

    def read(self) -> int:
        ### BEGIN SOLUTION
        return self._total()

    def _total(self) -> int:
        return sum(self.values())
        ### END SOLUTION

# %% check="Meter"

# %% [markdown] interview="answer"

# %%
print("the end")

# %%
print("the end")
''',
}


def interview_toml() -> str:
    """A complete interview file with samples."""
    both = 'en = "What is `a < b`?"\nzh = "什么是 `a < b`？"\n'
    why = 'why_en = "No."\nwhy_zh = "不。"\n'
    scores = ", ".join(f'{{ point = {k}, hit = true, why_en = "Yes.", why_zh = "是。" }}' for k in (1, 2, 3))
    answer = 'answer_en = "Because."\nanswer_zh = "因为。"\n'
    parts = [f'[question]\nlevel = "easy"\n{both}']
    parts += [f"[[follow_ups]]\nlevel = {k}\n{both}{answer}" for k in (1, 2, 2, 5)]
    parts += [
        f'[[rubric]]\nweight = "{weight}"\n{both}terms = ["a"]\n' for weight in ("must", "should", "bonus")
    ]
    parts += [f"[[wrong_answers]]\n{both}{why}", f"[model_answer]\n{both}"]
    qualities = ("weak", "mediocre", "strong")
    parts += [f'[[samples]]\nquality = "{quality}"\n{both}scores = [{scores}]\n' for quality in qualities]
    return "\n".join(parts)


def make_study(folder: Path) -> Path:
    """Write the two lessons into `folder`, as lessons/ and solutions/."""
    (folder / "solutions").mkdir()
    for name in MASTERS:
        lesson = folder / "lessons" / name
        lesson.mkdir(parents=True)
        (lesson / f"test_{name}.py").write_text(CHECKS[name], "utf-8")
        (lesson / "interview.toml").write_text(interview_toml(), "utf-8")
        (folder / "solutions" / f"{name}.py").write_text(MASTERS[name], "utf-8")
    return folder


def swap(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file, where it must occur."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
