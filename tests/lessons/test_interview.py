"""A mistake in an interview file is named with its table and key."""

import pytest

from nstkit.lessons.interview import answer_markdown, question_markdown, read_interview


@pytest.mark.parametrize(("old", "new", "words"), [
    ('zh = "中文"', 'zh = ""', r"\[question\]: en, zh: expected text in both languages"),
    ('zh = "中文"\n', "", r"\[question\]: zh is missing"),
    ('level = "easy"', 'level = "hrd"', r"level: expected one of easy, medium, hard, got 'hrd'"),
    ("[[follow_ups]]\nlevel = 1", "[[follow_ups]]\nlevel = 9", r"follow_ups\]\] number 1: level: expected 1 to 5"),
    ('answer_zh = "因为。"', "answer_zh = 3", r"number 1: answer_zh: expected str, got int"),
    ('weight = "must"', 'weight = "maybe"', r"rubric\]\] number 1: weight: expected one of must"),
    ("[model_answer]", "[model_answr]", r"model_answer is missing"),
    ("[question]", "[question", r"not valid TOML"),
])  # fmt: skip
def test_mistakes(lesson, old, new, words):
    lesson.interview.write_text(lesson.interview.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(ValueError, match=words):
        read_interview(lesson.interview)


def test_samples_score_every_point(lesson):
    score = '{ point = 1, hit = true, why_en = "a", why_zh = "甲" }'
    sample = f'\n[[samples]]\nquality = "weak"\nen = "x"\nzh = "某"\nscores = [{score}]\n'
    lesson.interview.write_text(lesson.interview.read_text("utf-8") + sample, "utf-8")
    with pytest.raises(ValueError, match="expected one for each of the 3 rubric points"):
        read_interview(lesson.interview)


def test_what_a_notebook_shows(lesson):
    interview = read_interview(lesson.interview)
    assert question_markdown(interview).count("English / 中文") == 4
    folded = answer_markdown(interview)
    assert folded.count("<details>") == folded.count("</details>") == 7
