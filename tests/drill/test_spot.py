"""Terms are found as words, in either language, and nothing else is."""

import pytest

from nstkit.drill.spot import seen_points
from nstkit.lessons.interview import Point, Text


def seen(answer, *terms):
    return seen_points(answer, [Point("must", Text("a", "中"), terms)])[0]


@pytest.mark.parametrize(("answer", "term"), [
    ("The Gram matrix.", "gram matrix"), ("two Gram matrices", "gram matrice"), ("FROZEN weights", "frozen"),
    ("f - p", "f - p"), ("用冻结的网络", "冻结"), ("ｆｒｏｚｅｎ", "frozen"), ("a Gram\n  matrix", "gram matrix"),
    ("layers", "layer"), ("(relu4_1)", "relu4_1"),
])  # fmt: skip
def test_seen(answer, term):
    assert seen(answer, "nowhere", term)


@pytest.mark.parametrize(("answer", "term"), [
    ("program matrix", "gram matrix"), ("unfrozen", "frozen"), ("lossy", "loss"), ("relu4_10", "relu4_1"), ("", "a"),
])  # fmt: skip
def test_not_seen(answer, term):
    assert not seen(answer, term)
