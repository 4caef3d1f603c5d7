"""A small bank in two languages, a memory in a folder, and replies from a list."""

import io

import pytest

from nstkit.drill.bank import Question
from nstkit.drill.desk import Script
from nstkit.drill.drills import Wish
from nstkit.drill.memory import Memory
from nstkit.lessons.interview import FollowUp, Interview, Point, Sample, Score, Text, WrongAnswer


def text(word):
    return Text(f"English {word}", f"中文{word}")


def interview(name, level="medium"):
    points = [
        ("must", "Gram matrix", "concepts"),
        ("must", "positions", "mathematics"),
        ("bonus", "kernel", "concepts"),
    ]
    rubric = tuple(Point(w, text(f"{name} {t}"), (t.lower(), f"术语{t}"), d) for w, t, d in points)
    scores = tuple(Score(k, k == 1, text("why")) for k in (1, 2, 3))
    return Interview(
        level, text(f"{name}?"),
        tuple(FollowUp(k, text(f"{name} follow {k}"), text(f"answer {k}")) for k in (1, 2, 3, 5)),
        rubric, (WrongAnswer(text("wrong"), text("because")),), text(f"{name} model"),
        tuple(Sample(q, text(f"{name} {q}"), scores) for q in ("weak", "mediocre", "strong")),
    )  # fmt: skip


@pytest.fixture
def bank():
    levels = ["easy", "medium", "hard", "medium"]
    return [
        Question(f"0{k}_topic_{k}", f"topic_{k}", interview(f"q{k}", level))
        for k, level in enumerate(levels, 1)
    ]


@pytest.fixture
def memory(tmp_path):
    with Memory(tmp_path / "data") as place:
        yield place


@pytest.fixture
def script():
    """`script(replies)` makes a desk that says them, and whose output is in `.heard()`."""

    def make(replies, language="en"):
        out = io.StringIO()
        desk = Script(replies, language, out)
        desk.heard = out.getvalue
        return desk

    return make


@pytest.fixture
def wish():
    return Wish(minutes=8, seed=3)
