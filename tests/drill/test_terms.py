"""The terms of the lessons' rubrics: a strong answer is seen by them, a weak one is not."""

import pytest

from nstkit.drill.spot import seen_points
from nstkit.lessons import find_lessons
from nstkit.lessons.interview import Interview, read_interview

WRITTEN = [lesson for lesson in find_lessons() if lesson.interview.exists()]


@pytest.fixture(params=WRITTEN, ids=lambda lesson: lesson.name)
def interview(request: pytest.FixtureRequest) -> Interview:
    return read_interview(request.param.interview)


def _seen_musts(interview: Interview, text: str) -> list[bool]:
    seen = seen_points(text, interview.rubric)
    return [found for found, point in zip(seen, interview.rubric, strict=True) if point.weight == "must"]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_terms_see_the_must_points_of_the_model_answer(interview, language):
    assert all(_seen_musts(interview, getattr(interview.model_answer, language)))


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("quality", ["weak", "strong"])
def test_the_terms_agree_with_the_scores_of_a_weak_and_a_strong_answer(interview, quality, language):
    for sample in (sample for sample in interview.samples if sample.quality == quality):
        seen = seen_points(getattr(sample.text, language), interview.rubric)
        wrong = sum(found != score.hit for found, score in zip(seen, sample.scores, strict=True))
        assert 2 * wrong <= len(interview.rubric) // 2, f"{wrong} of {len(seen)} points spotted wrongly"
