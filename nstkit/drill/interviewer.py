"""The interviewer: asks, follows up harder while it goes well, shows the rubric, and keeps every confirmed reply.

Each reply has the name of its step. A reply that is already in the memory is taken from there, so going on after
a pause, a Ctrl-C or a crash is nothing but starting again.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from nstkit.drill.bank import Question
from nstkit.drill.coding import Attempt, grade_attempt, prepare, shown
from nstkit.drill.desk import Clock, Desk, EndOfReplies
from nstkit.drill.memory import Memory
from nstkit.drill.plan import TALK_MINUTES, Item
from nstkit.drill.score import FollowUpMark, Outcome
from nstkit.drill.spot import seen_points
from nstkit.drill.titles import title
from nstkit.drill.words import gap, labelled, say
from nstkit.lessons import outline
from nstkit.lessons.interview import Text

_MARKS = {"g": "good", "p": "partly", "m": "missed"}


def _letter(allowed: str) -> Callable[[str], str | None]:
    """Reads a reply by its first letter, which must be one of those allowed."""
    return lambda reply: letter if (letter := reply[:1].lower()) and letter in allowed else None


class Paused(Exception):  # noqa: N818
    """The interview rests; the memory has everything."""


class _Skip(Exception):  # noqa: N818
    pass


class _Quit(Exception):  # noqa: N818
    pass


@dataclass
class Told:
    """What was said about one item: for the scorecard, beside the score."""

    question: str
    exercise: str = ""
    answer: str = ""
    hits: list[bool] = field(default_factory=list)
    follow_ups: list[dict[str, Any]] = field(default_factory=list)
    communication: int | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    complete: bool = False

    def outcome(self, bank: Mapping[str, Question]) -> Outcome:
        """What the score needs of it."""
        best = max(self.attempts, key=lambda a: a["points"], default=None)
        return Outcome(
            self.question,
            bank[self.question].interview.rubric if self.hits else (),
            self.hits,
            [FollowUpMark(f["level"], f["mark"]) for f in self.follow_ups],
            self.communication,
            [(best["points"], best["max_points"])] if best else [],
            self.seconds,
        )


class Interviewer:
    """One interview, from its first item to its last.

    Args:
        desk: where it takes place.
        memory, session: where replies are kept.
        language: "en" or "zh".
        on_confirmed: called with each step once its reply is safe; for tests.
    """

    def __init__(
        self, desk: Desk, memory: Memory, session: int, bank: Sequence[Question], items: Sequence[Item], *,
        minutes: float, language: str, on_confirmed: Callable[[str], None] | None = None,
    ) -> None:  # fmt: skip
        self.desk, self.memory, self.session = desk, memory, session
        self.bank = {question.key: question for question in bank}
        self.items, self.language, self._on_confirmed = list(items), language, on_confirmed
        self._known = memory.replies(session)
        spent = max((elapsed for _, elapsed in self._known.values()), default=0.0)
        self.clock = Clock(minutes, spent)

    def run(self) -> list[Told]:
        """Ask everything; returns what was told.

        Raises:
            Paused: one asked for a pause, pressed Ctrl-C, or nobody answers any more.
        """
        self._welcome()
        told: list[Told] = []
        try:
            for number in range(len(self.items)):
                if told and self.clock.left <= 0 and not self._began(number):
                    self.desk.show(self._say("time_up"), style="bad")
                    break
                told.append(Told(self.items[number].question, self.items[number].exercise))
                self._item(number, told[-1])
        except _Quit:
            pass
        except (EndOfReplies, KeyboardInterrupt):
            raise Paused from None
        return [one for one in told if one.complete]

    def _welcome(self) -> None:
        count = len(self.items)
        questions = self._say("one_question") if count == 1 else self._say("questions", n=count)
        minutes = f"{self.clock.total / 60:g}"
        self.desk.show(self._say("welcome", minutes=minutes, questions=questions), style="head")
        self.desk.show(self._say("how_to"), style="quiet")
        if self._known:
            self.desk.show(self._say("resumed", clock=self.clock.words(self.language)), style="quiet")

    def _began(self, number: int) -> bool:
        return any(step.startswith(f"{number}/") for step in self._known)

    def _item(self, number: int, told: Told) -> None:
        try:
            (self._code if told.exercise else self._talk)(number, told)
            told.complete = True
        except _Quit:
            told.complete = bool(told.follow_ups or told.attempts)  # what was marked so far counts
            told.hits = told.hits or (self._seen(told) if told.complete and told.answer else [])
            raise
        except _Skip:
            told.complete = bool(told.answer or told.follow_ups or told.attempts)
            told.hits = told.hits or (
                [False] * len(self._question(told).interview.rubric) if told.answer else []
            )
        finally:
            told.seconds = self._seconds(number)

    def _seconds(self, number: int) -> float:
        """From the last reply to the item before to the last reply to this one, over all sittings."""
        latest: dict[bool, float] = {True: 0.0, False: 0.0}
        for step, (_, elapsed) in self._known.items():
            place = int(step.split("/")[0])
            if place <= number:
                latest[place == number] = max(latest[place == number], elapsed)
        return max(0.0, latest[True] - latest[False])

    # -- talking --------------------------------------------------------------------------------

    def _talk(self, number: int, told: Told) -> None:
        question = self._question(told)
        interview = question.interview
        topic = title(question.topic, self.language)
        self._head("question", number, topic=topic, level=self._say(interview.level))
        self.desk.show(self._text(interview.question))
        told.answer = self._reply(f"{number}/answer", self._say("answer"), long=True)
        self._follow_ups(number, told)
        self._rubric(number, told)
        told.communication = int(
            self._choice(
                f"{number}/communication", "communication", lambda r: r if r in "12345" and r else None
            )
        )

    def _follow_ups(self, number: int, told: Told) -> None:
        """Follow-ups of rising difficulty, until one is missed or the question has had its time."""
        started = self.clock.elapsed
        for place, follow_up in enumerate(self._question(told).interview.follow_ups):
            known = f"{number}/follow-up/{place}" in self._known
            if place and self.clock.elapsed - started > 45 * TALK_MINUTES and not known:
                return
            self.desk.show(self._say("follow_up", level=follow_up.level), style="head")
            self.desk.show(self._text(follow_up.question))
            reply = self._reply(f"{number}/follow-up/{place}", self._say("answer"), long=True)
            self.desk.show(self._labelled("good_answer", self._text(follow_up.answer)))
            mark = _MARKS[self._choice(f"{number}/follow-up/{place}/mark", "mark", _letter("gpm"))]
            told.follow_ups.append({"place": place, "level": follow_up.level, "reply": reply, "mark": mark})
            if mark == "missed":
                return

    def _rubric(self, number: int, told: Told) -> None:
        rubric = self._question(told).interview.rubric
        seen = self._seen(told)
        self.desk.show(self._say("rubric"), style="head")
        for place, (point, there) in enumerate(zip(rubric, seen, strict=True), 1):
            note = self._say("seen") if there else ""
            self.desk.show(f"{place}. [{self._say(point.weight)}] {self._text(point.text)}{note}")
        told.hits = self._points(number, seen)
        missed = [p for p, hit in zip(rubric, told.hits, strict=True) if not hit and p.weight == "must"]
        for point in missed:
            self.desk.show(self._labelled("missed", self._text(point.text)), style="bad")
        for wrong in self._question(told).interview.wrong_answers[:2]:
            both = f"{self._text(wrong.text)}{gap(self.language)}{self._text(wrong.why)}"
            self.desk.show(self._labelled("wrong", both), style="quiet")
        self.desk.show(self._labelled("model", self._text(self._question(told).interview.model_answer)))

    def _seen(self, told: Told) -> list[bool]:
        """The points of the rubric that stand in what was typed."""
        text = "\n".join([told.answer, *(f["reply"] for f in told.follow_ups)])
        return seen_points(text, self._question(told).interview.rubric)

    def _points(self, number: int, seen: list[bool]) -> list[bool]:
        count = len(seen)
        listed = " ".join(str(k) for k, there in enumerate(seen, 1) if there) or self._say("none")

        def read(reply: str) -> str | None:
            numbers = reply.replace(",", " ").replace("，", " ").split()
            valid = all(n.isdecimal() and 0 <= int(n) <= count for n in numbers)
            return reply if valid else None

        reply = self._choice(f"{number}/points", "points", read, n=count, seen=listed)
        numbers = {int(n) for n in reply.replace(",", " ").replace("，", " ").split()}
        return [k in numbers for k in range(1, count + 1)] if numbers else seen

    # -- coding ---------------------------------------------------------------------------------

    def _code(self, number: int, told: Told) -> None:
        lesson = self._question(told).lesson
        assert lesson is not None
        item = next(e for e in outline(lesson.checks) if e.name == told.exercise)
        self._head("code", number, exercise=item.name, level=self._say(item.level), minutes=item.minutes)
        path = prepare(lesson, item.name, self.memory.folder / "interviews" / f"{self.session:04}")
        self.desk.show(shown(lesson, item.name))
        for attempt in range(1, 100):
            step = f"{number}/attempt/{attempt}"
            stored = self._known.get(step)
            result = Attempt(**json.loads(stored[0])) if stored else self._attempt(step, told, path)
            told.attempts.append(asdict(result))
            self.desk.show("\n".join(result.lines), style="good" if result.state == "passed" else "bad")
            if result.state == "passed" or self._done(f"{step}/again"):
                return

    def _attempt(self, step: str, told: Told, path: Any) -> Attempt:
        self.desk.edit(path, self.clock)
        self.desk.show(self._say("grading"), style="quiet")
        lesson = self._question(told).lesson
        assert lesson is not None
        result, isolated = grade_attempt(lesson, told.exercise, path)
        if not isolated:
            self.desk.show(self._say("not_isolated"), style="bad")
        self._confirm(step, json.dumps(asdict(result), ensure_ascii=False))
        return result

    def _done(self, step: str) -> bool:
        return self._choice(step, "again", _letter("ad")) == "d"

    # -- replies --------------------------------------------------------------------------------

    def _reply(self, step: str, prompt: str, *, long: bool = False) -> str:
        if step in self._known:
            return self._known[step][0]
        reply = self.desk.ask(prompt, self.clock, long=long)
        self._obey(reply)
        self._confirm(step, reply)
        return reply

    def _choice(self, step: str, key: str, read: Callable[[str], str | None], **values: object) -> str:
        """A short reply that `read` understands; asked again until it does."""
        if step in self._known:
            return self._known[step][0]
        prompt = self._say(key, **values)
        while True:
            reply = self.desk.ask(prompt, self.clock).strip()
            self._obey(reply)
            found = read(reply)
            if found is not None:
                self._confirm(step, found)
                return found
            self.desk.show(self._say(f"{key}_again", **values), style="bad")

    def _obey(self, reply: str) -> None:
        """Act on :pause, :skip and :quit."""
        for command, signal in ((":pause", Paused), (":skip", _Skip), (":quit", _Quit)):
            if reply.strip().lower() == command:
                raise signal

    def _confirm(self, step: str, reply: str) -> None:
        self.memory.confirm(self.session, step, reply, self.clock.elapsed)
        self._known[step] = (reply, self.clock.elapsed)
        if self._on_confirmed is not None:
            self._on_confirmed(step)

    # -- words ----------------------------------------------------------------------------------

    def _question(self, told: Told) -> Question:
        return self.bank[told.question]

    def _head(self, key: str, number: int, **values: object) -> None:
        self.desk.show("")
        self.desk.show(self._say(key, k=number + 1, n=len(self.items), **values), style="head")

    def _say(self, key: str, **values: object) -> str:
        return say(self.language, key, **values)

    def _labelled(self, word: str, text: str) -> str:
        return labelled(self.language, self._say(word), text)

    def _text(self, text: Text) -> str:
        return text.zh if self.language == "zh" else text.en
