"""What a notebook shows of the interview: every text of the file in both languages, the answers folded."""

from nstkit.lessons.interview import read_interview
from nstkit.lessons.interview_cells import answer_markdown, question_markdown


def test_the_question_comes_without_its_answers(sums):
    shown = question_markdown(read_interview(sums.interview))
    assert shown.count("What is `a < b`?") == shown.count("什么是 `a < b`？") == 5
    assert "Because" not in shown


def test_everything_else_is_folded(sums):
    shown = answer_markdown(read_interview(sums.interview))
    folds = shown.split("<details>")
    assert len(folds) == 8  # model answer, four follow-ups, rubric, wrong answers
    assert all(fold.rstrip().endswith("</details>") for fold in folds[1:])
    assert "Because" not in folds[0]
    assert shown.count("Because.\n\n因为。") == 4
    assert "> “什么是 `a < b`？”\n\nNo.\n\n不。" in folds[-1]


def test_headlines_are_html(sums):
    shown = answer_markdown(read_interview(sums.interview))
    assert "What is <code>a &lt; b</code>?<br>什么是 <code>a &lt; b</code>？</summary>" in shown


def test_the_rubric_is_grouped_by_weight(sums):
    rubric = answer_markdown(read_interview(sums.interview)).split("<details>")[-2]
    assert rubric.index("Must / 必须说到") < rubric.index("Should / 最好说到") < rubric.index("Bonus / 加分")
