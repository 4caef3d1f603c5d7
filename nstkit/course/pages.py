"""Pages: what a learner reads about their answers, and what an instructor reads about the class.

Each page stands alone, in at most 500 kB, without a script; whatever a learner wrote or is called is escaped.
"""

import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nstkit.course.tables import Learner
from nstkit.grading.markup import marked_up
from nstkit.grading.scoreboard import MARKS
from nstkit.lessons.build import write_whole

LARGEST_PAGE = 500_000
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 54em; margin: 2em auto; padding: 0 1em; color: #222;
  overflow-wrap: break-word; }
h1 { font-size: 1.5em; } h2 { font-size: 1.2em; margin: 2em 0 .4em; } h3 { font-size: 1em; margin: 1.4em 0 .2em; }
table { border-collapse: collapse; } td, th { text-align: left; vertical-align: top; padding: .2em .8em .2em 0; }
span.state { white-space: nowrap; } td.name { min-width: 6em; }
.number { text-align: right; font-variant-numeric: tabular-nums; } .note { color: #666; }
.passed { color: #0072B2; } .todo, .ungraded { color: #666; }
.wrong, .error, .timeout, .memory, .crashed { color: #B34700; }
pre { background: #f4f4f4; padding: .6em; overflow-x: auto; font-size: .85em; } img, svg { max-width: 100%; }
.bar { background: #0072B2; height: .8em; display: inline-block; width: calc(var(--share) * min(10em, 22vw)); }
svg text { font-size: 12px; fill: #444; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd; } pre { background: #2a2a2a; } .note, .todo, .ungraded { color: #aaa; }
  .passed { color: #56B4E9; } .wrong, .error, .timeout, .memory, .crashed { color: #E69F00; }
  svg text { fill: #ccc; } img { background: #fff; }
}
"""


def write_pages(results: Path, learners: Sequence[Learner]) -> None:
    """Write `index.html` for the class, and `learners/NAME.html` for each learner."""
    names = page_names([learner.name for learner in learners])
    for learner in learners:
        write_whole(results / "learners" / names[learner.name], learner_page(learner).encode())
    write_whole(results / "index.html", class_page(learners, names).encode())


def page_names(learners: Iterable[str]) -> dict[str, str]:
    """A file name for each learner: letters and digits of any script, and a number where two would be alike."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for learner in learners:
        base = re.sub(r"[^\w-]+", "-", learner).strip("-")[:80] or "learner"
        name, count = base, 1
        while name.lower() in taken:
            count += 1
            name = f"{base}-{count}"
        taken.add(name.lower())
        names[learner] = f"{name}.html"
    return names


# -- one learner ------------------------------------------------------------------------------------


def learner_page(learner: Learner) -> str:
    """The page of one learner; pictures are left out, the last first, where it would become too large."""
    pictures = sum(bool(e.get("picture")) for record in learner.records for e in record["exercises"])
    for shown in range(pictures, -1, -1):
        page = _page(learner.name, _learner_body(learner, shown))
        if len(page.encode()) <= LARGEST_PAGE:
            return page
    return _page(
        learner.name, _total(learner) + "<p>The details are in results.csv; they are too long for a page.</p>"
    )


def _learner_body(learner: Learner, pictures: int) -> str:
    parts = [_total(learner)]
    for record in learner.records:
        parts.append(f"<h2>{_text(record['lesson'].replace('_', ' '))}</h2>")
        if record["ungraded"]:
            parts.append(f"<p class='ungraded'><b>Not graded.</b> {_text(record['ungraded'])}</p>")
        for exercise in record["exercises"]:
            pictures -= bool(exercise.get("picture"))
            parts.append(_exercise(exercise, picture=pictures >= 0))
    parts += [f"<p class='note'>{_text(note)}</p>" for note in learner.notes]
    return "".join(parts)


def _total(learner: Learner) -> str:
    if not learner.max_points:
        return f"<p class='ungraded'><b>Not graded.</b> {_text('; '.join(learner.ungraded))}</p>"
    more = " in what could be graded" if learner.ungraded else ""
    return f"<p><b>{learner.points} of {learner.max_points} points</b>{more}</p>"


def _exercise(exercise: Mapping[str, Any], *, picture: bool) -> str:
    state = exercise["state"]
    parts = [
        f"<h3>{_badge(state)} {_text(exercise['exercise'])}: {exercise['points']} of {exercise['max_points']}</h3>"
    ]
    if exercise["message"]:
        parts.append(f"<p>{marked_up(exercise['message'])}</p>")
    if exercise["trace"]:
        parts.append(f"<pre>{_text(exercise['trace'])}</pre>")
    if state not in ("passed", "todo"):
        parts.append(
            f"<table>{''.join(_check(check, exercise['message']) for check in exercise['checks'])}</table>"
        )
    if picture and exercise.get("picture"):
        alt = "your result, the target, and their difference"
        parts.append(f"<img alt='{alt}' src='data:image/png;base64,{exercise['picture']}'>")
    return "".join(parts)


def _check(check: Mapping[str, Any], said: str) -> str:
    message = check["message"] if check["message"] != said else ""
    note = f"<br><span class='note'>{marked_up(message)}</span>" if message else ""
    points = f"{check['points']}/{check['max_points']}"
    return f"<tr><td>{_badge(check['state'])}</td><td>{marked_up(check['title'])}{note}</td><td>{points}</td></tr>"


def _badge(state: str) -> str:
    mark = MARKS[state][0] if state in MARKS else "?"
    return f"<span class='state {_text(state)}'>{mark} {_text(state)}</span>"


# -- the class --------------------------------------------------------------------------------------


def class_page(learners: Sequence[Learner], names: Mapping[str, str]) -> str:
    """The page of the class: who earned what, which exercises were hard, which misconceptions are about."""
    graded = [learner for learner in learners if learner.max_points]
    parts = [
        f"<p>{len(learners)} learners, {len(graded)} graded</p>",
        "<h2>Misconceptions in this class</h2>",
        _misconceptions(graded, names),
        "<h2>Hardest exercises</h2>",
        _hardest(graded),
        "<h2>Points</h2>",
        histogram([learner.points / learner.max_points for learner in graded]),
        "<h2>Learners</h2>",
        _roll(learners, names),
    ]
    return _page("Class", "".join(parts))


def _misconceptions(learners: Sequence[Learner], names: Mapping[str, str]) -> str:
    """Known mistakes by how many learners made them, and who: what to teach next."""
    holders: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for learner in learners:
        for exercise in (e for record in learner.records for e in record["exercises"] if e["misconception"]):
            holders[exercise["exercise"], exercise["misconception"], exercise["message"]].add(learner.name)
    if not holders:
        return "<p>No known misconception was met.</p>"
    ranked = sorted(holders.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:15]
    lines = "".join(
        f"<tr><td class='number'>{len(who)}</td><td>{_text(exercise)}</td><td>{marked_up(sentence)}</td>"
        f"<td class='name'>{_who(sorted(who), names)}</td></tr>"
        for (exercise, _, sentence), who in ranked
    )
    head = "<tr><th>learners</th><th>exercise</th><th>what they were told</th><th>who</th></tr>"
    return f"<table>{head}{lines}</table>"


def _who(learners: Sequence[str], names: Mapping[str, str]) -> str:
    """Links to the pages of the first eight learners, and how many more there are."""
    more = f" and {len(learners) - 8} more" if len(learners) > 8 else ""
    return ", ".join(_link(learner, names) for learner in learners[:8]) + more


def _link(learner: str, names: Mapping[str, str]) -> str:
    return f"<a href='learners/{html.escape(names[learner], quote=True)}'>{_text(learner)}</a>"


def _hardest(learners: Sequence[Learner]) -> str:
    earned: Counter[str] = Counter()
    possible: Counter[str] = Counter()
    todo: Counter[str] = Counter()
    for exercise in (e for learner in learners for record in learner.records for e in record["exercises"]):
        earned[exercise["exercise"]] += exercise["points"]
        possible[exercise["exercise"]] += exercise["max_points"]
        todo[exercise["exercise"]] += exercise["state"] == "todo"
    ranked = sorted((earned[name] / possible[name], name) for name in possible if possible[name])[:15]
    lines = "".join(
        f"<tr><td>{_text(name)}</td><td><span class='bar' style='--share:{share:.3f}'></span></td>"
        f"<td class='number'>{100 * share:.0f} %</td><td class='number'>{todo[name]}</td></tr>"
        for share, name in ranked
    )
    head = "<tr><th>exercise</th><th></th><th>of the points earned</th><th>not tried</th></tr>"
    return f"<table>{head}{lines}</table>"


def histogram(shares: Sequence[float], bins: int = 10) -> str:
    """An SVG of how many learners earned which share of the points (0 to 1)."""
    counts = [0] * bins
    for share in shares:
        counts[min(bins - 1, int(share * bins))] += 1
    tallest, bars = max([*counts, 1]), []
    for place, count in enumerate(counts):
        height, x = 100 * count / tallest, 50 * place
        bars.append(
            f"<rect x='{x + 4}' y='{118 - height:.1f}' width='42' height='{height:.1f}' fill='#0072B2'/>"
        )
        if count:
            bars.append(f"<text x='{x + 25}' y='{113 - height:.1f}' text-anchor='middle'>{count}</text>")
        bars.append(f"<text x='{x}' y='134' text-anchor='middle'>{100 * place // bins}</text>")
    label = f"Histogram: {len(shares)} learners by share of the points, in steps of {100 // bins} percent"
    bars.append(f"<text x='{50 * bins}' y='134' text-anchor='middle'>100 %</text>")
    box = f"viewBox='-10 0 {50 * bins + 40} 140' width='540'"
    return f"<svg role='img' aria-label='{label}' {box}>{''.join(bars)}</svg>"


def _roll(learners: Sequence[Learner], names: Mapping[str, str]) -> str:
    lines = []
    for learner in learners:
        link = _link(learner.name, names)
        points = f"{learner.points}/{learner.max_points}" if learner.max_points else "ungraded"
        note = _text("; ".join(learner.explained))
        lines.append(f"<tr><td>{link}</td><td class='number'>{points}</td><td class='note'>{note}</td></tr>")
    return f"<table>{''.join(lines)}</table>"


def _page(title: str, body: str) -> str:
    head = f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><title>{_text(title)}</title>"
    return (
        f"<!doctype html><html lang='en'>{head}<style>{_STYLE}</style><h1>{_text(title)}</h1>{body}</html>\n"
    )


def _text(value: str) -> str:
    return html.escape(str(value), quote=True)
