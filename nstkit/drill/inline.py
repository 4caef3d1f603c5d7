"""`interview("03")` in a notebook: a lesson's questions, one after the other, where one is working."""

from typing import Any

from nstkit.drill.bank import Question, load_bank
from nstkit.drill.spot import seen_points
from nstkit.lessons import find_lesson
from nstkit.lessons.interview import Text


def interview(lesson: str, language: str = "en") -> None:
    """Ask a lesson's question and follow-ups inline; type an answer and press Enter, or just Enter if you spoke it.

    Where nobody can type (a notebook run from end to end), the questions are shown with their answers folded.

    Args:
        lesson: number, slug or name.
        language: "en" or "zh".
    Raises:
        ValueError: no such lesson, one without questions, or another language.
    """
    if language not in ("en", "zh"):
        raise ValueError(f"language: expected en or zh, got {language!r}")
    found = find_lesson(lesson)
    question = next((q for q in load_bank() if q.key == found.name), None)
    if question is None:
        raise ValueError(f"lesson: {found.name} has no interview questions yet")
    _Inline(question, language).ask_all()


class _Inline:
    def __init__(self, question: Question, language: str) -> None:
        self.question, self.language, self.typing = question, language, True

    def text(self, both: Text) -> str:
        return both.zh if self.language == "zh" else both.en

    def ask_all(self) -> None:
        item = self.question.interview
        answer = self._ask(self.text(item.question))
        seen = seen_points(answer, item.rubric)
        points = "\n".join(
            f"- {'✓' if there else '·'} {self.text(point.text)}"
            for point, there in zip(item.rubric, seen, strict=True)
        )
        self._fold("✓", f"{self.text(item.model_answer)}\n\n{points}")
        for follow_up in item.follow_ups:
            self._ask(self.text(follow_up.question))
            self._fold("✓", self.text(follow_up.answer))

    def _ask(self, question: str) -> str:
        _show_markdown(f"**{question}**")
        if not self.typing:
            return ""
        try:
            return input("> ")
        except Exception as error:  # noqa: BLE001  (StdinNotImplementedError is IPython's, EOFError a terminal's)
            if type(error).__name__ not in ("StdinNotImplementedError", "EOFError"):
                raise
            self.typing = False
            return ""

    def _fold(self, label: str, text: str) -> None:
        """The answer: open where somebody answered, folded where nobody could."""
        if self.typing:
            _show_markdown(text)
        else:
            _show_markdown(f"<details><summary>{label}</summary>\n\n{text}\n\n</details>")


def _show_markdown(text: str) -> Any:
    try:
        from IPython.display import Markdown, display
    except ImportError:
        print(text)
    else:
        display(Markdown(text))
