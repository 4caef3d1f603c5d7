"""The questions beyond the lessons: complete, in both languages, and scored as their own samples deserve."""

from functools import lru_cache

import pytest

from nstkit.drill.bank import BEYOND
from nstkit.drill.spot import seen_points
from nstkit.lessons.interview import DIMENSIONS, QUALITIES, WEIGHTS, Interview, Sample, read_interviews


@lru_cache(maxsize=1)
def _read() -> dict[str, Interview]:
    return read_interviews(BEYOND)


def _sample(interview: Interview, quality: str) -> Sample:
    (sample,) = (sample for sample in interview.samples if sample.quality == quality)
    return sample


def _musts(interview: Interview) -> list[int]:
    return [k for k, point in enumerate(interview.rubric) if point.weight == "must"]


@pytest.fixture(params=sorted(_read()))
def interview(request: pytest.FixtureRequest) -> Interview:
    return _read()[request.param]


def test_there_are_at_least_fifteen_and_no_question_is_asked_twice():
    questions = [found.question for found in _read().values()]
    assert len(questions) >= 15
    assert len({q.en for q in questions}) == len({q.zh for q in questions}) == len(questions)


@pytest.mark.parametrize(
    "topic",
    [
        "attention",
        "sdedit",
        "lpips",
        "fid",
        "video",
        "serving",
        "rights",
        "reproduc",
        "failure",
        "clip",
        "in_3d",
        "photoreal",
        "portrait",
        "similarity",
        "instruction",
        "few_step",
        "flow_matching",
        "normalisation",
        "debugging",
        "optimal_transport",
        "online",
    ],
)
def test_the_topics_of_today_are_there(topic):
    assert any(topic in name for name in _read())


@pytest.mark.parametrize("level", ["easy", "medium", "hard"])
def test_every_level_is_there(level):
    assert level in {found.level for found in _read().values()}


def test_an_interviewer_can_go_on_for_four_questions(interview):
    assert len(interview.follow_ups) >= 4
    assert interview.follow_ups[-1].level > interview.follow_ups[0].level


def test_the_rubric_has_all_three_weights(interview):
    assert {point.weight for point in interview.rubric} == set(WEIGHTS)


def test_the_rubric_asks_for_concepts_and_for_mathematics(interview):
    assert {point.dimension for point in interview.rubric} == set(DIMENSIONS)


def test_a_model_answer_can_be_spoken_in_one_to_two_minutes(interview):
    assert 120 <= len(interview.model_answer.en.split()) <= 300


def test_there_is_a_sample_of_each_quality(interview):
    assert sorted(sample.quality for sample in interview.samples) == sorted(QUALITIES)


def test_the_strong_sample_makes_every_must_point_and_the_weak_one_does_not(interview):
    strong, weak = (_sample(interview, quality).scores for quality in ("strong", "weak"))
    musts = _musts(interview)
    assert all(strong[k].hit for k in musts)
    assert not all(weak[k].hit for k in musts)


def test_better_samples_make_more_points(interview):
    weak, mediocre, strong = (sum(s.hit for s in _sample(interview, q).scores) for q in QUALITIES)
    assert weak < mediocre < strong


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_terms_see_at_least_half_of_the_must_points_of_a_strong_answer(interview, language):
    seen = seen_points(getattr(_sample(interview, "strong").text, language), interview.rubric)
    musts = _musts(interview)
    assert 2 * sum(seen[k] for k in musts) >= len(musts)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_terms_see_no_must_point_that_a_weak_answer_misses(interview, language):
    weak = _sample(interview, "weak")
    seen = seen_points(getattr(weak.text, language), interview.rubric)
    assert not [k + 1 for k in _musts(interview) if seen[k] and not weak.scores[k].hit]
