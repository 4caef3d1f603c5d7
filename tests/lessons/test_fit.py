"""What does not fit between a master and its lesson is answered with file and line."""

import pytest
from study_folder import swap

from nstkit.lessons.notebooks import stub_notebook


@pytest.mark.parametrize(("old", "new", "words"), [
    ('answer="running_sum"', 'answer="runing_sum"',
     r"py:16: answer: expected an exercise of test_01_sums.py \(running_sum, last_sum\), got 'runing_sum'"),
    ('check="running_sum"', 'check="runing_sum"', r"py:31: check: expected an exercise of .*, got 'runing_sum'"),
    ('# %% check="last_sum"\n', "", r'py: no cell `# %% check="last_sum"` for .*test_01_sums.py:24'),
    ('# %% answer="last_sum"\n', "# %%\n", r'py: no cell `# %% answer="last_sum"` for .*test_01_sums.py:24'),
    ('check="last_sum"', 'check="running_sum"', 'py:48: a second cell check="running_sum"; the first is in line 31'),
    ('interview="answer"', 'interview="question"', "py:50: a second cell interview="),
    ('# %% [markdown] interview="question"', "# %%", r'py: no cell `# %% \[markdown\] interview="question"`'),
    ('# %% check="running_sum"', '# %% check="running_sum"\nx = 1', "py:32: the build writes this cell"),
    ('interview="question"', 'interview="question"\n# words', "py:15: the build writes this cell; leave it empty"),
    ("# # 01 Sums", "# Between ### BEGIN SOLUTION and", "py:2: nbgrader would take 'BEGIN SOLUTION' here for a mark"),
    ("print(np", "### BEGIN HIDDEN TESTS\nprint(np", "py:12: nbgrader would take 'BEGIN HIDDEN TESTS' here"),
    ("import numpy as np", "import nstkit.losses", "py:6: nstkit.losses: graders run this cell without it; import"),
    ("import numpy as np", "import matplotlib.pyplot as plt", "py:6: matplotlib.pyplot: graders run this cell without"),
    ("    return np.cumsum(a)", "    from nstkit.losses import x\n    return x", "py:16: nstkit.losses.x: graders"),
    ("import numpy as np", "import numpy as", "py:7: "),
    ("from nstkit.grading import check", "", "py:31: no cell above says `from nstkit.grading import check`"),
])  # fmt: skip
def test_mistakes(sums, old, new, words):
    swap(sums.master, old, new)
    with pytest.raises(ValueError, match=r"solutions.01_sums\." + words):
        stub_notebook(sums)


def test_the_check_below_its_answer(sums):
    swap(sums.master, '# %% check="running_sum"', "# %%")
    swap(sums.master, "# %% answer=", '# %% check="running_sum"\n\n# %% answer=')
    with pytest.raises(ValueError, match=r"py:16: the check of running_sum stands above its answer"):
        stub_notebook(sums)


def test_magics_do_no_harm_in_demonstrations(sums):
    swap(sums.master, "print(np.arange(3))", "%timeit np.arange(3)")
    swap(
        sums.master, "# %% [markdown]", "# %%\nfrom nstkit.grading import (\n    check,\n)\n\n# %% [markdown]"
    )
    stub_notebook(sums)


def test_a_broken_interview_file_is_named(sums):
    swap(sums.interview, "answer_zh", "answer_cn")
    with pytest.raises(
        ValueError, match=r"toml: \[\[follow_ups\]\] number 1: unknown key answer_cn; did you mean"
    ):
        stub_notebook(sums)
