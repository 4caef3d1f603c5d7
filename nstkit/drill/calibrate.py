"""Calibration: score the sample answers, then see ours line by line, and learn where you are too kind."""

import random
from collections.abc import Sequence

from nstkit.drill.bank import Question
from nstkit.drill.desk import Clock, Desk, EndOfReplies
from nstkit.drill.memory import Memory
from nstkit.drill.words import gap
from nstkit.lessons.interview import Sample, Text

_WORDS = {
    "en": {
        "point": "{n}. {ours}: {why} ({word})",
        "intro": "You are the interviewer. Read an answer and say which points it made; then see how we scored it.",
        "ask": "Which points did this answer make? Their numbers, 0 for none",
        "again": "Please give numbers from 1 to {n}, with spaces between them, or 0.",
        "agree": "agreed",
        "kind": "you were kinder",
        "strict": "you were stricter",
        "yes": "made",
        "no": "not made",
        "sum": "{right} of {all} points as we did; too kind {kind} times, too strict {strict} times.",
        "lean_kind": "You tend to give points that were not quite made: look for the reason, not for the word.",
        "lean_strict": "You tend to withhold points that were made in other words.",
        "even": "You lean to neither side.",
    },
    "zh": {
        "point": "{n}. {ours}：{why}（{word}）",
        "intro": "现在你是面试官。读一段回答，判断它说到了哪些要点，然后看看我们怎么评。",
        "ask": "这段回答说到了哪些要点？输入编号，0 表示都没有",
        "again": "请输入 1 到 {n} 的编号，用空格隔开，或者 0。",
        "agree": "一致",
        "kind": "你更宽松",
        "strict": "你更严格",
        "yes": "说到了",
        "no": "没说到",
        "sum": "{all} 个要点里有 {right} 个和我们一致；偏宽 {kind} 次，偏严 {strict} 次。",
        "lean_kind": "你容易把没真正说清的要点也算上：要看理由，而不是看到词就给分。",
        "lean_strict": "换了说法的要点，你容易不给分。",
        "even": "你没有明显偏向。",
    },
}


def calibrate(
    desk: Desk, memory: Memory, bank: Sequence[Question], *, language: str, seed: int, count: int = 3
) -> tuple[int, int, int]:
    """Go through `count` sample answers; returns points too kind, too strict, and scored.

    Raises:
        ValueError: none of the questions has sample answers.
    """
    words = _WORDS[language]
    samples = [(question, sample) for question in bank for sample in question.interview.samples]
    if not samples:
        raise ValueError("drill --calibrate: none of these questions has sample answers")
    chosen = random.Random(seed).sample(samples, min(count, len(samples)))
    desk.show(words["intro"], style="head")
    total = [0, 0, 0]
    try:
        for question, sample in chosen:
            kind, strict = _one(desk, question, sample, language)
            points = len(sample.scores)
            memory.calibrated(question.key, sample.quality, kind, strict, points)
            total = [total[0] + kind, total[1] + strict, total[2] + points]
    except (EndOfReplies, KeyboardInterrupt):
        pass
    desk.show(summary(*total, language=language), style="head")
    return total[0], total[1], total[2]


def summary(kind: int, strict: int, points: int, *, language: str) -> str:
    """How close one was, and to which side one leans."""
    words = _WORDS[language]
    lean = (
        "even"
        if abs(kind - strict) < max(2, points // 10)
        else "lean_kind"
        if kind > strict
        else "lean_strict"
    )
    counts = words["sum"].format(right=points - kind - strict, all=points, kind=kind, strict=strict)
    return f"{counts}{gap(language)}{words[lean]}"


def _one(desk: Desk, question: Question, sample: Sample, language: str) -> tuple[int, int]:
    words = _WORDS[language]

    def text(both: Text) -> str:
        return both.zh if language == "zh" else both.en

    desk.show("")
    desk.show(text(question.interview.question), style="head")
    desk.show(text(sample.text))
    for number, point in enumerate(question.interview.rubric, 1):
        desk.show(f"{number}. {text(point.text)}", style="quiet")
    mine = _numbers(desk, language, len(sample.scores))
    kind = strict = 0
    for score in sample.scores:
        given = score.point in mine
        kind += given and not score.hit
        strict += score.hit and not given
        word = "agree" if given == score.hit else "kind" if given else "strict"
        ours = words["yes" if score.hit else "no"]
        desk.show(
            words["point"].format(n=score.point, ours=ours, why=text(score.why), word=words[word]),
            style="good" if word == "agree" else "bad",
        )
    return kind, strict


def _numbers(desk: Desk, language: str, count: int) -> set[int]:
    clock = Clock(minutes=5)
    while True:
        reply = desk.ask(_WORDS[language]["ask"], clock).replace(",", " ").replace("，", " ").split()
        if reply and all(word.isdecimal() and 0 <= int(word) <= count for word in reply):
            return {int(word) for word in reply} - {0}
        desk.show(_WORDS[language]["again"].format(n=count), style="bad")
