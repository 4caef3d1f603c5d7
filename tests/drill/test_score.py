"""Scores follow the published rule."""

import itertools

import pytest

from nstkit.drill.score import FollowUpMark, Outcome, question_share, rubric_share, score, verdict
from nstkit.lessons.interview import Point, Text


def point(weight, dimension="concepts"):
    return Point(weight, Text("a", "中"), ("a",), dimension)


RUBRIC = [point("must"), point("must", "mathematics"), point("should"), point("bonus")]


def test_by_hand():
    outcome = Outcome(
        "q",
        RUBRIC,
        [True, False, False, True],
        [FollowUpMark(1, "good"), FollowUpMark(3, "partly")],
        4,
        [(3, 6)],
    )
    result = score([outcome, outcome])
    concepts = (3 + 1 + 1 + 1.5) / (3 + 2 + 1 + 3)  # must and bonus of the rubric; follow-ups 1·1 + 3·½ of 4
    assert result.dimensions == pytest.approx(
        {"concepts": concepts, "mathematics": 0.0, "code": 0.5, "communication": 0.75}
    )
    assert result.overall == pytest.approx((concepts + 0 + 0.5 + 0.75) / 4)
    assert result.musts == 0.5


def test_everything_right_is_one_and_nothing_is_zero():
    assert rubric_share(RUBRIC, [True] * 4) == 1.0
    assert rubric_share(RUBRIC, [True, True, True, False]) == 1.0
    assert rubric_share(RUBRIC, [False] * 4) == 0.0


def test_more_points_never_lower_a_share():
    for hits in itertools.product([False, True], repeat=4):
        for place in range(4):
            more = [hit or k == place for k, hit in enumerate(hits)]
            assert rubric_share(RUBRIC, more) >= rubric_share(RUBRIC, list(hits))


@pytest.mark.parametrize(("overall", "musts", "expected"), [
    (0.85, 0.9, "strong hire"), (0.99, 0.89, "hire"), (0.7, 0.75, "hire"), (0.69, 1.0, "lean hire"),
    (0.9, 0.5, "lean no hire"), (0.4, 0.0, "lean no hire"), (0.39, 1.0, "no hire"), (0.8, None, "hire"),
])  # fmt: skip
def test_both_bars_must_be_cleared(overall, musts, expected):
    assert verdict(overall, musts, 3) == expected


def test_one_question_is_too_little():
    assert "too little" in verdict(1.0, 1.0, 1)
    assert "too little" in score([]).verdict


def test_a_question_of_code_alone_counts_its_code():
    assert question_share(Outcome("q", code=[(2, 4)])) == 0.5
    assert question_share(Outcome("q")) == 0.0
