"""The memory survives damage, migrations, newer versions and two readers."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest

from nstkit.drill.memory import _MIGRATIONS, FILE, VERSION, Memory, MemoryUnusable, data_folder
from nstkit.drill.schedule import due, recall, reviewed

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_confirmed_replies_are_there_again(tmp_path):
    with Memory(tmp_path) as memory:
        number = memory.begin({"language": "zh"})
        memory.confirm(number, "0/answer", "风格 ' \" \n x", 12.5)
        assert memory.unfinished().id == number
    with Memory(tmp_path) as memory:
        assert memory.replies(number) == {"0/answer": ("风格 ' \" \n x", 12.5)}
        assert memory.unfinished().options == {"language": "zh"}
        memory.finish(number, {"overall": 0.5}, {"q": (0.5, reviewed(None, 0.9, NOW), NOW)})
        assert memory.unfinished() is None
        assert memory.due(NOW) == ["q"]


def test_a_damaged_file_is_kept_and_said(tmp_path):
    (tmp_path / FILE).write_bytes(b"not a database at all" * 100)
    with Memory(tmp_path) as memory:
        assert memory.sessions() == []
        assert "was damaged; it is kept as drill.sqlite3.damaged" in memory.notes[0]
    assert (tmp_path / f"{FILE}.damaged").read_bytes().startswith(b"not a database")


def test_a_file_damaged_in_the_middle_is_kept_too(tmp_path):
    with Memory(tmp_path) as memory:
        for number in range(300):
            memory.confirm(memory.begin({}), "0/answer", "x" * 500, number)
    path = tmp_path / FILE
    data = bytearray(path.read_bytes())
    data[4096:12288] = b"\xff" * 8192
    path.write_bytes(data)
    with Memory(tmp_path) as memory:
        assert memory.sessions() == []
        assert memory.notes


def test_a_newer_file_is_left_alone(tmp_path):
    with Memory(tmp_path):
        pass
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute(f"PRAGMA user_version = {VERSION + 1}")
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(MemoryUnusable, match=r"written by a newer nstkit .* left\s+as it is; update nstkit"):
        Memory(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


def test_an_older_file_is_copied_and_migrated(tmp_path):
    with sqlite3.connect(tmp_path / FILE) as file:
        file.executescript(_MIGRATIONS[1])
        file.execute("INSERT INTO sessions (started, options) VALUES ('2026-01-01T00:00:00+00:00', '{}')")
        file.execute("PRAGMA user_version = 1")
    file.close()
    with Memory(tmp_path) as memory:
        assert len(memory.sessions()) == 1
        assert memory.calibration() == (0, 0, 0)
        assert f"kept as {FILE}.version-1" in memory.notes[0]
    with sqlite3.connect(tmp_path / f"{FILE}.version-1") as old:
        assert old.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(MemoryUnusable, match=r"cannot be written .*--data DIR"):
        Memory(tmp_path / "file" / "data")


def test_where_it_lies(tmp_path, monkeypatch):
    monkeypatch.delenv("NSTKIT_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    assert data_folder() == tmp_path / "nstkit"
    monkeypatch.setenv("NSTKIT_DATA", str(tmp_path / "other"))
    assert data_folder() == tmp_path / "other"
    assert data_folder(tmp_path / "given") == tmp_path / "given"


def test_what_went_well_comes_later():
    dates = [due(reviewed(None, share, NOW)) for share in (0.0, 0.4, 0.7, 1.0)]
    assert dates == sorted(dates)
    assert dates[0] < dates[3]


def test_a_question_is_due_when_recall_falls_to_ninety_percent():
    card = reviewed(None, 0.7, NOW)
    for _ in range(4):
        card = reviewed(card, 0.7, due(card))
    assert recall(card, due(card)) == pytest.approx(0.9, abs=0.01)


def test_the_same_reviews_give_the_same_dates():
    def year():
        card = None
        for step in range(6):
            card = reviewed(card, (step % 3) / 2, NOW + timedelta(days=9 * step))
        return card

    assert year() == year()


def test_a_clock_that_was_set_back_does_no_harm():
    card = reviewed(reviewed(None, 0.7, NOW), 0.7, NOW - timedelta(days=400))
    assert due(card) >= NOW
