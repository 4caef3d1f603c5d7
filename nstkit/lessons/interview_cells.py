"""The interview material as a learner meets it in the notebook: the question on top, the answers folded below."""

import html
import re
from collections.abc import Iterator

from nstkit.lessons.interview import WEIGHTS, Interview, Text

_HEADS = {"must": "Must / 必须说到", "should": "Should / 最好说到", "bonus": "Bonus / 加分"}


def question_markdown(interview: Interview) -> str:
    """The question and its follow-ups."""
    question = interview.question
    rows = [f"{k}. {_inline(f.question)}" for k, f in enumerate(interview.follow_ups, 1)]
    return "\n".join(
        [
            "## The interview question / 面试题",
            "",
            *_quote(question.en, question.zh),
            "",
            "Follow-ups, harder as they go / 追问，由浅入深：",
            "",
            *rows,
        ]
    )


def answer_markdown(interview: Interview) -> str:
    """Model answer, answers to the follow-ups, rubric and wrong answers: each folded, to be opened after trying."""
    follow_ups = [
        _folded(
            f"Follow-up / 追问 {k}: {_html(f.question.en)}<br>{_html(f.question.zh)}", _paragraphs(f.answer)
        )
        for k, f in enumerate(interview.follow_ups, 1)
    ]
    parts = [
        "## Say it aloud / 先讲一遍",
        "Set a timer to ninety seconds, answer the question as you would in the room, and only then unfold.",
        "定时九十秒，像面试时那样讲一遍，再展开。",
        _folded("Model answer / 参考回答", _paragraphs(interview.model_answer)),
        *follow_ups,
        _folded("What an interviewer listens for / 评分要点", _rubric(interview)),
        _folded("Wrong answers that sound right / 常见错误回答", _wrong_answers(interview)),
    ]
    return "\n\n".join(parts)


def _rubric(interview: Interview) -> str:
    def group(weight: str) -> Iterator[str]:
        for point in interview.rubric:
            if point.weight == weight:
                yield f"- {_inline(point.text)}"

    return "\n\n".join(
        f"**{_HEADS[weight]}**\n\n" + "\n".join(rows) for weight in WEIGHTS if (rows := list(group(weight)))
    )


def _wrong_answers(interview: Interview) -> str:
    return "\n\n".join(
        "\n".join([*_quote(f"“{w.text.en}”", f"“{w.text.zh}”"), "", _paragraphs(w.why)])
        for w in interview.wrong_answers
    )


def _inline(text: Text) -> str:
    """Both languages as one item of a list."""
    return "<br>".join(" ".join(words.split()) for words in (text.en, text.zh))


def _paragraphs(text: Text) -> str:
    return f"{text.en}\n\n{text.zh}"


def _quote(en: str, zh: str) -> list[str]:
    return [f"> {' '.join(en.split())}", ">", f"> {' '.join(zh.split())}"]


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _html(text: str) -> str:
    """One line of Markdown as HTML: notebooks read no Markdown inside a `<summary>`."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(" ".join(text.split()), quote=False))
