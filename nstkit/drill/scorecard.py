"""The scorecard: what an interview came to, as Markdown and as a page that stands alone.

Your words stand beside the model answer; the history of all interviews is a plot.
"""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nstkit.drill.bank import Question
from nstkit.drill.interviewer import Told
from nstkit.drill.score import DIMENSIONS, Score
from nstkit.drill.titles import title
from nstkit.drill.words import bracketed, clock_words, gap, labelled, say, verdict_words
from nstkit.lessons.interview import Point, Text

_LABELS = {"communication": "communication_dimension", "code": "code_dimension"}
_STYLE = """
body { font: 16px/1.55 system-ui, "Noto Sans CJK SC", sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em;
  color: #222; background: #fff; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin-top: 2.2em; } h3 { font-size: 1em; margin: 1.4em 0 .3em; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15em 1.2em .15em 0; vertical-align: top; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 1.5em; } .pair > div { white-space: pre-wrap; }
.verdict { font-size: 1.3em; } .no { color: #B34700; } .yes { color: #0072B2; } .quiet { color: #666; }
.bar { display: inline-block; height: .8em; background: #0072B2; } pre { background: #f4f4f4; padding: .7em;
  overflow-x: auto; } svg text { font-size: 11px; fill: #555; }
@media (max-width: 44em) { .pair { grid-template-columns: 1fr; } }
@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1b; } pre { background: #2a2a2a; }
  .quiet { color: #aaa; } .no { color: #E69F00; } .yes { color: #56B4E9; } svg text { fill: #bbb; } }
"""


@dataclass(frozen=True)
class Card:
    """All that a scorecard shows.

    Attributes:
        history: (date, overall share) of the interviews so far, this one last.
        due: when each question comes again, by key.
    """

    language: str
    date: datetime
    seconds: float
    score: Score
    told: Sequence[Told]
    bank: Mapping[str, Question]
    history: Sequence[tuple[str, float]]
    due: Mapping[str, datetime]

    def say(self, key: str, **values: object) -> str:
        """A text in the card's language."""
        return say(self.language, key, **values)

    def text(self, text: Text) -> str:
        """One of the bank's texts in the card's language."""
        return text.zh if self.language == "zh" else text.en

    def title(self, told: Told) -> str:
        """What an item was about."""
        topic = title(self.bank[told.question].topic, self.language)
        return f"{topic} · {told.exercise}" if told.exercise else topic

    def rows(self) -> list[tuple[str, str]]:
        """The facts on top."""
        rows = [
            (self.say("verdict"), verdict_words(self.language, self.score.verdict)),
            (self.say("date"), f"{self.date:%Y-%m-%d %H:%M}"),
            (self.say("duration"), clock_words(self.seconds)),
        ]
        if self.score.overall is not None:
            rows.append((self.say("overall"), percent(self.score.overall)))
        if self.score.musts is not None:
            rows.append((self.say("musts"), percent(self.score.musts)))
        return rows

    def dimensions(self) -> list[tuple[str, float]]:
        """Name and share of each dimension that was asked."""
        shares = self.score.dimensions
        return [(self.say(_LABELS.get(name, name)), shares[name]) for name in DIMENSIONS if name in shares]


def percent(share: float) -> str:
    """A share from 0 to 1 in words."""
    return f"{100 * share:.0f} %"


# -- Markdown ---------------------------------------------------------------------------------------


def markdown(card: Card) -> str:
    """The scorecard as Markdown."""
    lines = [f"# {card.say('scorecard')}", ""]
    lines += [f"- {labelled(card.language, f'**{name}**', value)}" for name, value in card.rows()]
    shares = [labelled(card.language, name, percent(share)) for name, share in card.dimensions()]
    lines += ["", *(f"- {share}" for share in shares)]
    for told in card.told:
        lines += ["", f"## {card.title(told)} ({clock_words(told.seconds)})", ""]
        lines += _code_lines(card, told) if told.exercise else _talk_lines(card, told)
        if told.question in card.due:
            lines += ["", f"*{card.say('next_time')} {card.due[told.question]:%Y-%m-%d}*"]
    return "\n".join([*lines, "", card.say("rule"), ""])


def _talk_lines(card: Card, told: Told) -> list[str]:
    interview = card.bank[told.question].interview
    lines = [
        card.text(interview.question),
        "",
        f"**{card.say('you_said')}**",
        "",
        _quoted(card, told.answer),
        "",
    ]
    lines += [f"**{card.say('model')}**", "", card.text(interview.model_answer), ""]
    for point, hit in zip(interview.rubric, told.hits, strict=False):
        weight = bracketed(card.language, card.say(point.weight)) + gap(card.language)
        lines.append(f"- [{'x' if hit else ' '}] {weight}{card.text(point.text)}")
    for asked in told.follow_ups:
        follow_up = interview.follow_ups[asked["place"]]
        lines += ["", f"**{card.text(follow_up.question)}** {_mark(card, asked['mark'])}", ""]
        lines += [_quoted(card, asked["reply"]), "", card.text(follow_up.answer)]
    return lines


def _quoted(card: Card, text: str) -> str:
    return "\n".join(f"> {line}" for line in (text or card.say("nothing_typed")).splitlines())


def _mark(card: Card, mark: str) -> str:
    signs = {"good": "●", "partly": "◐", "missed": "○"}
    return signs[mark]


def _code_lines(card: Card, told: Told) -> list[str]:
    lines = [labelled(card.language, card.say("attempts"), "").rstrip(), ""]
    for attempt in told.attempts:
        lines.append(
            f"- {attempt['points']}/{attempt['max_points']} {attempt['state']}: {attempt['message']}".rstrip(
                ": "
            )
        )
    return [*lines, "", "```python", told.attempts[-1]["source"].strip(), "```"] if told.attempts else lines


# -- HTML -------------------------------------------------------------------------------------------


def page(card: Card) -> str:
    """The scorecard as one self-contained page."""
    parts = [f"<h1>{_e(card.say('scorecard'))}</h1>", _facts(card), _bars(card)]
    for told in card.told:
        parts.append(
            f"<h2>{_e(card.title(told))} <span class='quiet'>{clock_words(told.seconds)}</span></h2>"
        )
        parts.append(_code_html(card, told) if told.exercise else _talk_html(card, told))
        if told.question in card.due:
            parts.append(
                f"<p class='quiet'>{_e(card.say('next_time'))} {card.due[told.question]:%Y-%m-%d}</p>"
            )
    if len(card.history) > 1:
        parts += [f"<h2>{_e(card.say('history'))}</h2>", history_plot(card.history, card.say("history"))]
    parts.append(f"<p class='quiet'>{_e(card.say('rule'))}</p>")
    head = "<meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
    title = f"<title>{_e(card.say('scorecard'))}</title>"
    lang = "zh-CN" if card.language == "zh" else "en"
    return f"<!doctype html><html lang='{lang}'>{head}{title}<style>{_STYLE}</style>{''.join(parts)}</html>\n"


def _facts(card: Card) -> str:
    (_, verdict), *rest = card.rows()
    rows = "".join(f"<tr><td class='quiet'>{_e(name)}</td><td>{_e(value)}</td></tr>" for name, value in rest)
    return f"<p class='verdict'>{_e(verdict)}</p><table>{rows}</table>"


def _bars(card: Card) -> str:
    def row(name: str, share: float) -> str:
        bar = f"<span class='bar' style='width:{12 * share:.2f}em'></span>"
        return f"<tr><td>{_e(name)}</td><td>{bar} {percent(share)}</td></tr>"

    return f"<table>{''.join(row(name, share) for name, share in card.dimensions())}</table>"


def _talk_html(card: Card, told: Told) -> str:
    interview = card.bank[told.question].interview
    parts = [f"<p><b>{_e(card.text(interview.question))}</b></p>"]
    parts.append(_pair(card, told.answer, "model", card.text(interview.model_answer)))
    points = zip(interview.rubric, told.hits, strict=False)
    parts.append(f"<table>{''.join(_point(card, point, hit) for point, hit in points)}</table>")
    for asked in told.follow_ups:
        follow_up = interview.follow_ups[asked["place"]]
        parts.append(f"<h3>{_mark(card, asked['mark'])} {_e(card.text(follow_up.question))}</h3>")
        parts.append(_pair(card, asked["reply"], "good_answer", card.text(follow_up.answer)))
    return "".join(parts)


def _point(card: Card, point: Point, hit: bool) -> str:
    sign = "<span class='yes'>✓</span>" if hit else "<span class='no'>✗</span>"
    weight = f"<td class='quiet'>{_e(card.say(point.weight))}</td>"
    return f"<tr><td>{sign}</td>{weight}<td>{_e(card.text(point.text))}</td></tr>"


def _pair(card: Card, mine: str, label: str, theirs: str) -> str:
    left = f"<div><b>{_e(card.say('you_said'))}</b>\n{_e(mine or card.say('nothing_typed'))}</div>"
    return f"<div class='pair'>{left}<div><b>{_e(card.say(label))}</b>\n{_e(theirs)}</div></div>"


def _code_html(card: Card, told: Told) -> str:
    rows = "".join(
        f"<tr><td>{k}</td><td>{a['points']}/{a['max_points']}</td><td>{_e(a['state'])}</td><td>{_e(a['message'])}</td></tr>"
        for k, a in enumerate(told.attempts, 1)
    )
    source = f"<pre>{_e(told.attempts[-1]['source'].strip())}</pre>" if told.attempts else ""
    return f"<p>{_e(card.say('attempts'))}</p><table>{rows}</table>{source}"


def history_plot(history: Sequence[tuple[str, float]], label: str) -> str:
    """An SVG line over the interviews so far: overall share against the number of the interview."""
    shown = list(history)[-40:]
    step = 560 / max(1, len(shown) - 1)
    points = [(40 + step * k, 120 - 100 * share) for k, (_, share) in enumerate(shown)]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dots = "".join(_dot(x, y, *entry) for (x, y), entry in zip(points, shown, strict=True))
    grid = "".join(
        f"<line x1='40' x2='600' y1='{120 - s}' y2='{120 - s}' stroke='#8884'/><text x='0' y='{124 - s}'>{s} %</text>"
        for s in (0, 50, 100)
    )
    first, last = (_e(shown[place][0][:10]) for place in (0, -1))
    ends = f"<text x='40' y='140'>{first}</text><text x='600' y='140' text-anchor='end'>{last}</text>"
    path = f"<polyline points='{line}' fill='none' stroke='#0072B2' stroke-width='2'/>"
    box = "viewBox='0 0 620 145' width='620'"
    return f"<svg role='img' aria-label='{_e(label)}' {box}>{grid}{path}{dots}{ends}</svg>"


def _dot(x: float, y: float, date: str, share: float) -> str:
    title = f"<title>{_e(date[:10])}: {percent(share)}</title>"
    return f"<circle cx='{x:.1f}' cy='{y:.1f}' r='3' fill='#0072B2'>{title}</circle>"


def _e(text: Any) -> str:
    return html.escape(str(text), quote=True)
