"""`nstkit drill` and `nstkit anki` as one types them."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
import time

import pytest

COMMAND = [sys.executable, "-c", "from nstkit.cli import main; main()", "drill"]
REPLIES = ["Gram matrices of frozen features", "C by C", "g", "I do not know", "m", "", "3"]


@pytest.fixture
def replies(here):
    path = here / "replies.txt"
    path.write_text("\n".join(REPLIES) + "\n", "utf-8")
    return path


@pytest.fixture
def data(here, monkeypatch):
    monkeypatch.setenv("NSTKIT_DATA", str(here / "data"))
    return here / "data"


def test_a_replayed_interview_ends_in_a_scorecard(nstkit, replies, data):
    ended = nstkit("drill", "--minutes", 8, "--topic", "03", "--answers", replies, "--seed", 1)
    assert ended.code == 0
    assert "Question 1 of 1: style loss (medium)" in ended.out
    card = data / "interviews" / "0001" / "scorecard.html"
    assert str(card) in ended.out
    assert "Gram matrices of frozen features" in card.read_text("utf-8")
    assert (card.parent / "scorecard.md").exists()


def test_an_interview_that_stops_goes_on(nstkit, here, data):
    (here / "a.txt").write_text("\n".join(REPLIES[:3]))
    (here / "b.txt").write_text("\n".join(REPLIES[3:]) + "\n")
    first = nstkit("drill", "--minutes", 8, "--topic", "03", "--answers", here / "a.txt")
    assert "`nstkit drill --resume` goes on" in first.out
    second = nstkit("drill", "--resume", "--answers", here / "b.txt")
    assert "on the clock" in second.out
    assert "scorecard.html" in second.out
    assert nstkit("drill", "--resume", "--answers", here / "b.txt").code == 2


def test_statistics(nstkit, replies, data):
    nstkit("drill", "--minutes", 8, "--topic", "03", "--answers", replies)
    out = nstkit("drill", "--stats").out
    assert "interviews: 1" in out
    assert re.search(r"style loss\s+recall 100 %\s+again ", out)
    chinese = nstkit("drill", "--stats", "--lang", "zh").out
    assert "面试：1 次" in chinese
    assert re.search(r"风格损失\s+记得的概率 100 %\s+下次 ", chinese)
    assert nstkit("drill", "--due", "--answers", replies).code == 2


def test_calibration(nstkit, here, data):
    (here / "c.txt").write_text("1 2\n0\n1\n")
    out = nstkit("drill", "--calibrate", "--answers", here / "c.txt", "--topic", "04", "--seed", 2).out
    assert re.search(r"of 21 points as we did; too kind \d+ times, too strict \d+ times", out)


@pytest.mark.parametrize(("words", "sentence"), [
    (["--topic", "stile_loss"], "did you mean style_loss?"),
    (["--answers", "none.txt"], "--answers: none.txt cannot be read"),
    ([], "drill: needs a terminal; `--answers FILE` replays a session without one"),
    (["--resume", "--answers", "replies.txt"], "no interview is unfinished"),
    (["--due", "--answers", "replies.txt"], "no question was seen yet"),
])  # fmt: skip
def test_mistakes(nstkit, replies, data, words, sentence):
    ended = nstkit("drill", *words)
    assert ended.code == 2
    assert sentence in ended.err


def test_help_loads_no_torch():
    code = (
        "import sys; from nstkit.cli import run\n"
        "try: run(['drill', '--help'])\n"
        "except BaseException: pass\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_a_deck(nstkit, here):
    ended = nstkit("anki", "-o", "deck.tsv", "--topic", "03", "--lang", "zh")
    assert ended.out == "wrote deck.tsv with 6 notes\n"
    assert nstkit("anki", "-o", "deck.tsv").code == 2
    assert (
        nstkit("anki", "-o", "new/deck.apkg").err
        == "nstkit: --out: the folder new does not exist; create it first\n"
    )
    assert nstkit("anki", "-o", "deck.pdf").err.startswith(
        "nstkit: --out: expected a name that ends in .apkg or .tsv"
    )


def test_a_deck_where_nothing_may_be_written(nstkit, here, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # a superuser may write everywhere
    assert (
        nstkit("anki", "-o", "deck.tsv").err
        == "nstkit: --out: the folder . may not be written to; choose another\n"
    )


class Typist:
    """Types into the command in a pseudo-terminal, waiting for what it says."""

    def __init__(self, words, env, cwd):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
        self.process = subprocess.Popen(
            [*COMMAND, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=os.environ | env,
            start_new_session=True,
        )
        os.close(slave)
        self.heard = ""

    def wait_for(self, words, seconds=90):
        start, end = len(self.heard), time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    said = os.read(self.master, 65536).decode("utf-8", "replace")
                    self.heard += said
                    if "\x1b[6n" in said:  # where is the cursor? a real terminal answers
                        os.write(self.master, b"\x1b[5;1R")
                except OSError:
                    break
            if words in self.heard[start:]:
                return
        pytest.fail(f"did not hear {words!r} in {self.heard[start:]!r}")

    def type(self, text):
        os.write(self.master, text.encode())

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)


@pytest.fixture
def typist(here, data):
    made = []

    def start(*words, **env):
        made.append(
            Typist(
                [str(w) for w in words],
                {"TERM": "xterm", "COLUMNS": "40", "PYTHONWARNINGS": "ignore"} | env,
                here,
            )
        )
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.mark.slow
def test_typed_in_a_terminal_with_the_clock_in_view(typist):
    person = typist("--minutes", 8, "--topic", "03")
    person.wait_for("Your answer")
    person.wait_for("left")
    person.type("Gram matrices\rof frozen features\r\r")
    person.wait_for("level 1")
    person.type("\r")
    person.wait_for("[m]issed")
    person.type("m\r")
    person.wait_for("Which points")
    person.wait_for("left")
    person.type("\x03")
    person.wait_for("--resume")
    again = typist("--resume")
    again.wait_for("Which points")
    again.type("1 2\r")
    again.wait_for("crystal clear")
    again.type("4\r")
    again.wait_for("scorecard.html")
    assert again.process.wait(30) == 0


@pytest.mark.slow
def test_going_on_speaks_the_language_it_began_in(nstkit, here, typist):
    (here / "a.txt").write_text("冻结的特征\n")
    nstkit("drill", "--minutes", 8, "--topic", "03", "--lang", "zh", "--answers", here / "a.txt")
    person = typist("--resume")
    person.wait_for("追问")
    person.wait_for("剩余")


@pytest.mark.slow
def test_plain_in_a_locale_without_utf8(typist):
    person = typist(
        "--minutes",
        8,
        "--topic",
        "03",
        "--plain",
        "--lang",
        "zh",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING="ascii",
    )
    person.wait_for("> ")
    assert "\x1b[" not in person.heard
    person.type(":quit\n")
    assert person.process.wait(30) == 0


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_code_failed_for_a_named_mistake_and_then_solved(typist, here):
    editor = here / "editor.py"
    editor.write_text(
        "import sys, pathlib\n"
        "path, mark = pathlib.Path(sys.argv[1]), pathlib.Path('edited')\n"
        "name = path.stem\n"
        "from nstkit.lessons import find_exercise\n"
        "from nstkit.cli.study import worked_answer\n"
        "stub = path.read_text().replace('raise NotImplementedError()', 'return None')\n"
        "setup = 'from collections.abc import Mapping\\nimport numpy as np\\nimport torch\\n'\n"
        "right = setup + worked_answer(find_exercise(name), name)\n"
        "path.write_text(right if mark.exists() else stub)\n"
        "mark.write_text('x')\n"
    )
    person = typist("--minutes", 10, "--topic", "03", "--mode", "code", EDITOR=f"{sys.executable} {editor}")
    person.wait_for("[d]one?", 150)
    assert "forget" in person.heard
    person.type("a\r")
    person.wait_for("scorecard.html", 150)
    assert "passed" in person.heard
