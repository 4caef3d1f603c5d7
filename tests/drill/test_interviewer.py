"""An interview: what is asked, what is kept, and that going on after a break changes nothing."""

import pytest

from nstkit.drill.desk import Clock
from nstkit.drill.drills import NothingDue, Wish, begin, run, write_scorecard
from nstkit.drill.interviewer import Paused
from nstkit.drill.memory import Memory

GOOD = ["The Gram matrix", "follow 1", "g", "follow 2", "p", "follow 3", "m", "", "4"]
"""Replies to one question: answer, three follow-ups with marks, the suggested points, communication."""


def hold(memory, bank, desk, wish, **options):
    return run(desk, memory, bank, begin(memory, bank, wish), **options)


def test_a_question_from_beginning_to_end(memory, bank, script, wish):
    desk = script(GOOD)
    card = hold(memory, bank, desk, wish)
    (told,) = card.told
    assert told.answer == "The Gram matrix"
    assert [f["mark"] for f in told.follow_ups] == ["good", "partly", "missed"]
    assert told.hits == [True, False, False]
    assert told.communication == 4
    heard = desk.heard()
    assert "Question 1 of 1" in heard
    assert heard.count("seen in your text") == 1
    assert "Not said, and it belonged there" in heard


def test_the_interview_is_in_the_language_that_was_chosen(memory, bank, script):
    desk = script(["术语Gram matrix", "", "m", "", "3"], "zh")
    card = hold(memory, bank, desk, Wish(minutes=8, seed=3, language="zh"))
    assert card.told[0].hits == [True, False, False]
    assert "参考回答：中文" in desk.heard()
    assert "小心这种说法：中文wrong中文because" in desk.heard()
    assert "Gram matrix（你的文字里有）" in desk.heard()
    assert "共 1 道题" in desk.heard()
    assert "English" not in desk.heard()


def test_follow_ups_stop_when_one_is_missed(memory, bank, script, wish):
    card = hold(memory, bank, script(["x", "a", "m", "0", "1"]), wish)
    assert len(card.told[0].follow_ups) == 1


def test_ones_own_numbers_overrule_what_was_seen(memory, bank, script, wish):
    card = hold(memory, bank, script(["The Gram matrix", "", "m", "2, 3", "5"]), wish)
    assert card.told[0].hits == [False, True, True]


def test_a_reply_that_makes_no_sense_is_asked_again(memory, bank, script, wish):
    desk = script(["x", "", "what?", "g", "", "m", "9", "zero", "0", "6", "2"])
    card = hold(memory, bank, desk, wish)
    assert card.told[0].communication == 2
    assert "Please answer g, p or m." in desk.heard()
    assert desk.heard().count("Please give numbers from 1 to 3") == 2


@pytest.mark.parametrize("cut", range(1, len(GOOD)))
def test_going_on_after_a_break_ends_as_without_one(tmp_path, bank, script, wish, cut):
    with Memory(tmp_path / "whole") as whole, Memory(tmp_path / "broken") as broken:
        straight = hold(whole, bank, script(GOOD), wish)
        session = begin(broken, bank, wish)
        with pytest.raises(Paused):
            run(script(GOOD[:cut]), broken, bank, session)
        assert broken.unfinished().id == session.id
        again = run(script(GOOD[cut:]), broken, bank, session)
    assert [t.hits for t in again.told] == [t.hits for t in straight.told]
    assert [t.follow_ups for t in again.told] == [t.follow_ups for t in straight.told]
    assert again.score == straight.score


def test_pause_skip_and_quit(memory, bank, script):
    wish = Wish(minutes=30, seed=1)
    session = begin(memory, bank, wish)
    with pytest.raises(Paused):
        run(script(["x", ":pause"]), memory, bank, session)
    card = run(script([":skip", *GOOD, ":quit"]), memory, bank, session)
    assert [t.answer for t in card.told] == ["x", "The Gram matrix"]
    assert memory.unfinished() is None


def test_who_quits_in_the_middle_keeps_what_was_marked_so_far(memory, bank, script, wish):
    card = hold(memory, bank, script(["The Gram matrix", "a", "g", "b", "p", ":quit"]), wish)
    (told,) = card.told
    assert ([f["mark"] for f in told.follow_ups], told.hits) == (["good", "partly"], [True, False, False])
    assert card.score.dimensions == {"concepts": (3 + 1 * 1.0 + 2 * 0.5) / (3 + 1 + 2), "mathematics": 0.0}
    assert card.score.musts == 0.5


def test_who_quits_after_speaking_is_judged_by_the_marks_alone(memory, bank, script, wish):
    card = hold(memory, bank, script(["", "", "g", "", "p", ":quit"]), wish)
    assert card.told[0].hits == []
    assert card.score.dimensions == {"concepts": (1 * 1.0 + 2 * 0.5) / (1 + 2)}


def test_who_quits_before_any_mark_is_not_scored(memory, bank, script, wish):
    card = hold(memory, bank, script(["x", ":quit"]), wish)
    assert (card.told, memory.cards()) == ([], {})


def test_when_the_time_is_up_the_question_is_finished_and_no_other_begun(memory, bank, script, monkeypatch):
    seconds = iter(range(0, 100_000, 400))
    monkeypatch.setattr("time.monotonic", lambda: float(next(seconds)))
    monkeypatch.setattr(Clock.__init__, "__defaults__", (0.0, lambda: float(next(seconds))))
    desk = script(["x", "a", "m", "0", "1"] * 4)
    card = hold(memory, bank, desk, Wish(minutes=30, seed=1))
    assert len(card.told) == 1
    assert "Time is up" in desk.heard()


def test_the_clock_does_not_run_backwards():
    times = iter([100.0, 50.0, 130.0])
    clock = Clock(1, 10.0, lambda: next(times))
    assert clock.elapsed == 10.0
    assert clock.elapsed == 40.0


def test_only_what_is_due_is_asked(memory, bank, script):
    with pytest.raises(NothingDue, match="no question was seen yet"):
        begin(memory, bank, Wish(due_only=True))
    hold(memory, bank, script(GOOD), Wish(minutes=8, seed=3))
    with pytest.raises(NothingDue, match="nothing is due before 20"):
        begin(memory, bank, Wish(due_only=True))


def test_the_scorecard_is_written_and_shows_both_sides(memory, bank, script, wish, tmp_path):
    evil = "<script>alert(1)</script>"
    card = hold(memory, bank, script([evil, *GOOD[1:]]), wish)
    page = write_scorecard(card, tmp_path).read_text("utf-8")
    assert evil not in page
    assert "&lt;script&gt;" in page
    assert "model" in page
    text = (tmp_path / "scorecard.md").read_text("utf-8")
    assert "- **Time used**: " in text
    assert f"> {evil}" in text
    assert "- [x] (must)" in text or "- [ ] (must)" in text
