"""`nstkit drill` and `nstkit anki`: mock interviews in the terminal, and the bank as a deck of cards."""

import os
import random
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nstkit.drill.bank import Question
    from nstkit.drill.desk import Desk
    from nstkit.drill.drills import Wish
    from nstkit.drill.memory import Memory

DataFolder = Annotated[
    Path | None, typer.Option("--data", metavar="DIR", help="Where to remember; your data folder by default.")
]
Language = Annotated[Literal["en", "zh"], typer.Option(help="Language of the interview.")]
Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", help="Lesson number, topic, a word it speaks of, or beyond; may be repeated."),
]


def drill(
    minutes: Annotated[int, typer.Option(min=5, max=180, help="Length: 15, 30, 45 or 60.")] = 30,
    topics: Topics = None,
    level: Annotated[
        Literal["easy", "medium", "hard"] | None, typer.Option(help="Questions of this level alone.")
    ] = None,
    lang: Language = "en",
    mode: Annotated[Literal["talk", "code", "mixed"], typer.Option(help="What to be asked.")] = "talk",
    due: Annotated[bool, typer.Option("--due", help="Ten minutes of what is due today.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interview that was not finished.")
    ] = False,
    calibrate: Annotated[
        bool, typer.Option("--calibrate", help="Score sample answers, then see ours.")
    ] = False,
    stats: Annotated[bool, typer.Option("--stats", help="Show how it went so far, and what is due.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option("--answers", metavar="FILE", help="Take the replies from a file, one per line."),
    ] = None,
    plain: Annotated[
        bool, typer.Option("--plain", help="No colour and no live clock, for screen readers.")
    ] = False,
    data: DataFolder = None,
    seed: Annotated[int | None, typer.Option(help="Choose the same questions again.")] = None,
) -> None:
    """Hold a mock interview: questions, follow-ups, code, the clock, and an honest scorecard.

    Everything you confirm is kept at once; Ctrl-C pauses, and --resume goes on.
    """
    from nstkit.drill.bank import choose_topics, load_bank
    from nstkit.drill.drills import Wish
    from nstkit.drill.memory import Memory, data_folder

    bank = load_bank()
    chosen = choose_topics(bank, topics or ())
    with Memory(data_folder(data)) as memory:
        for note in memory.notes:
            typer.echo(note, err=True)
        if stats:
            _stats(memory, bank, lang)
            return
        desk = _desk(answers, lang, plain)
        if calibrate:
            from nstkit.drill.calibrate import calibrate as go_through

            go_through(desk, memory, chosen, language=lang, seed=_drawn(seed))
            return
        wish = Wish(10 if due else minutes, tuple(topics or ()), level, mode, lang, seed, due)
        _hold(desk, memory, bank, wish, resume)


def _stats(memory: "Memory", bank: "Sequence[Question]", language: str) -> None:
    from nstkit.drill.schedule import utc_now
    from nstkit.drill.stats import stats

    print("\n".join(stats(memory, bank, utc_now(), language)))


def _desk(answers: Path | None, language: str, plain: bool) -> "Desk":
    from nstkit.drill.desk import Script, Terminal, at_a_terminal

    if answers is not None:
        return Script.from_file(answers, language)
    with at_a_terminal():
        return Terminal(language, plain=plain)


def _hold(desk: "Desk", memory: "Memory", bank: "Sequence[Question]", wish: "Wish", resume: bool) -> None:
    """One interview; the scorecard at its end, or a word on how to go on."""
    from nstkit.drill.drills import begin, run, write_scorecard
    from nstkit.drill.interviewer import Paused
    from nstkit.drill.words import say, verdict_words

    open_session = memory.unfinished()
    if resume and open_session is None:
        raise ValueError("--resume: no interview is unfinished; begin one with `nstkit drill`")
    session = open_session if resume and open_session else begin(memory, bank, wish)
    language = desk.language = session.options["language"]
    try:
        card = run(desk, memory, bank, session)
    except Paused:
        desk.show(say(language, "paused"), style="head")
        return
    path = write_scorecard(card, memory.folder / "interviews" / f"{session.id:04}")
    desk.show(say(language, "done", verdict=verdict_words(language, card.score.verdict)), style="head")
    desk.show(say(language, "saved", path=path))


def _drawn(seed: int | None) -> int:
    return seed if seed is not None else random.SystemRandom().randrange(2**31)


def anki(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="deck.apkg, or deck.tsv without the extra [anki].")
    ],
    topics: Topics = None,
    lang: Language = "en",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the questions as an Anki deck; importing a newer one updates the cards you have."""
    from nstkit.drill.anki import write_deck
    from nstkit.drill.bank import choose_topics, load_bank

    if out.exists() and not force:
        raise FileExistsError(f"{out}: exists; name another file, or add --force")
    if not out.parent.is_dir():
        raise ValueError(f"--out: the folder {out.parent} does not exist; create it first")
    if not os.access(out.parent, os.W_OK):
        raise ValueError(f"--out: the folder {out.parent} may not be written to; choose another")
    count = write_deck(out, choose_topics(load_bank(), topics or ()), lang)
    print(f"wrote {out} with {count} notes")
