"""The deck has a card per question and follow-up, with ids that stay; Anki's own library takes it twice."""

import csv
import io

import pytest

from nstkit.drill.anki import field, notes, tsv, write_deck


def test_a_note_per_question_and_follow_up(bank):
    found = list(notes(bank, "en"))
    assert len(found) == 4 * (1 + 4)
    assert len({note.id for note in found}) == len(found)
    assert found[0].tags == ("nstkit", "01_topic_1", "easy")


def test_the_back_says_how_much_each_point_weighs(bank):
    english, chinese = (next(iter(notes(bank, language))).back for language in ("en", "zh"))
    assert "<li>(must) English q1 Gram matrix</li>" in english
    assert "<li>（必须）中文q1 Gram matrix</li>" in chinese


def test_ids_stay_and_languages_are_apart(bank):
    assert [n.id for n in notes(bank, "en")] == [n.id for n in notes(bank[:], "en")]
    assert not {n.id for n in notes(bank, "en")} & {n.id for n in notes(bank, "zh")}


def test_formulas_are_anki_s_and_text_is_escaped():
    assert field("a < b & $G = FF^\\top$, `x`") == "a &lt; b &amp; \\(G = FF^\\top\\), <code>x</code>"
    assert field("$$x$$") == "\\[x\\]"


def test_tsv(bank):
    text = tsv(list(notes(bank, "zh")))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter="\t"))
    assert len(rows) == 20
    assert all(len(row) == 4 for row in rows)


def test_another_suffix_is_refused(bank, tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.apkg or \.tsv, got deck\.txt"):
        write_deck(tmp_path / "deck.txt", bank, "en")


def test_anki_imports_it_and_a_second_time_updates(bank, tmp_path):
    pytest.importorskip("genanki", reason="needs the extra [anki]")
    collection = pytest.importorskip(
        "anki.collection", reason="needs the package anki, which is Anki's own library"
    )
    write_deck(tmp_path / "deck.apkg", bank, "en")
    place = collection.Collection(str(tmp_path / "collection.anki2"))

    def bring_in():
        options = collection.ImportAnkiPackageOptions(merge_notetypes=True)
        request = collection.ImportAnkiPackageRequest(
            package_path=str(tmp_path / "deck.apkg"), options=options
        )
        return place.import_anki_package(request).log

    first = bring_in()
    assert (len(first.new), place.note_count()) == (20, 20)
    second = bring_in()
    assert (len(second.new), place.note_count()) == (0, 20)
    place.close()
