"""Anki: the bank as a deck of cards with stable ids, so that importing it again updates and adds nothing."""

import csv
import hashlib
import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nstkit.drill.bank import Question
from nstkit.drill.words import bracketed, gap, say
from nstkit.lessons.build import write_whole
from nstkit.lessons.interview import Text


@dataclass(frozen=True)
class Note:
    """One card: a stable id, front, back, and tags."""

    id: str
    front: str
    back: str
    tags: tuple[str, ...]


def notes(bank: Sequence[Question], language: str) -> Iterator[Note]:
    """A note per question and per follow-up; fields are HTML with formulas as Anki renders them."""

    def text(both: Text) -> str:
        return field(both.zh if language == "zh" else both.en)

    for question in bank:
        interview = question.interview
        tags = ("nstkit", question.key.replace("/", "::").replace(" ", "_"), interview.level)
        points = "".join(
            f"<li>{bracketed(language, say(language, point.weight))}{gap(language)}{text(point.text)}</li>"
            for point in interview.rubric
        )
        back = f"{text(interview.model_answer)}<hr><ul>{points}</ul>"
        yield Note(stable_id(question.key, language), text(interview.question), back, tags)
        for number, follow_up in enumerate(interview.follow_ups, 1):
            front = f"<small>{text(interview.question)}</small><br><br>{text(follow_up.question)}"
            yield Note(stable_id(f"{question.key}/{number}", language), front, text(follow_up.answer), tags)


def stable_id(key: str, language: str) -> str:
    """An id that stays the same as long as the question does."""
    return hashlib.sha256(f"nstkit/{key}/{language}".encode()).hexdigest()[:20]


def field(text: str) -> str:
    r"""Text as an Anki field: escaped, $x$ as \(x\) and $$x$$ as \[x\], `code` as code."""
    escaped = html.escape(text, quote=False).replace("\n", "<br>")
    escaped = re.sub(r"\$\$(.+?)\$\$", r"\\[\1\\]", escaped, flags=re.DOTALL)
    escaped = re.sub(r"\$([^$\n]+?)\$", r"\\(\1\\)", escaped)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)


def write_deck(path: Path, bank: Sequence[Question], language: str) -> int:
    """Write a .apkg (with genanki) or a .tsv (without anything); returns the number of notes.

    Raises:
        ValueError: another suffix, or an .apkg without the extra.
    """
    found = list(notes(bank, language))
    if path.suffix == ".tsv":
        write_whole(path, tsv(found).encode())
    elif path.suffix == ".apkg":
        _write_package(path, found, language)
    else:
        raise ValueError(f"--out: expected a name that ends in .apkg or .tsv, got {path.name}")
    return len(found)


def tsv(found: Sequence[Note]) -> str:
    """The notes as Anki imports text: tab-separated, with a header that says what each column is."""
    text = io.StringIO()
    text.write("#separator:tab\n#html:true\n#guid column:1\n#tags column:4\n")
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerows([note.id, note.front, note.back, " ".join(note.tags)] for note in found)
    return text.getvalue()


def _write_package(path: Path, found: Sequence[Note], language: str) -> None:
    try:
        import genanki
    except ImportError:
        raise ValueError(
            "an .apkg needs genanki: pip install 'nstkit[anki]', or name a .tsv instead"
        ) from None
    template = {"name": "Card", "qfmt": "{{Front}}", "afmt": "{{FrontSide}}<hr id=answer>{{Back}}"}
    model = genanki.Model(
        _number("model"), "nstkit", fields=[{"name": "Front"}, {"name": "Back"}], templates=[template],
        css=".card { font: 18px/1.5 sans-serif; max-width: 40em; margin: auto; }",
    )  # fmt: skip
    deck = genanki.Deck(_number(f"deck/{language}"), f"nstkit ({language})")
    for note in found:
        deck.add_note(genanki.Note(model, fields=[note.front, note.back], guid=note.id, tags=list(note.tags)))
    partial = path.with_name(f".{path.name}.part")
    try:
        genanki.Package(deck).write_to_file(str(partial))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _number(name: str) -> int:
    """A fixed number for a model or deck, as Anki wants it."""
    return int(hashlib.sha256(f"nstkit/{name}".encode()).hexdigest()[:8], 16) | 1 << 31
