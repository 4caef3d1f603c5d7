"""SIGKILL at random moments: nothing that was confirmed is lost, and the file opens every time."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from nstkit.drill.memory import Memory

DRIVER = """
import sys
from pathlib import Path
from nstkit.drill.bank import load_bank
from nstkit.drill.desk import Script
from nstkit.drill.drills import Wish, begin, run
from nstkit.drill.memory import Memory

with Memory(Path(sys.argv[1])) as memory:
    bank = load_bank()
    print("ready", flush=True)
    while True:
        session = memory.unfinished() or begin(memory, bank, Wish(minutes=60, seed=len(memory.sessions())))
        replies = ["an answer", "a reply", "g", "", "m", "", "4"] * 200
        run(Script(replies, "en", open("/dev/null", "w")), memory, bank, session,
            on_confirmed=lambda step: print(session.id, step, flush=True))
"""
SESSIONS = 50


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_no_confirmed_reply_is_lost(tmp_path):
    chance, confirmed = random.Random(0), set()
    for _ in range(SESSIONS):
        run = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert run.stdout.readline() == "ready\n"
        whole = [run.stdout.readline() for _ in range(chance.randrange(8))]
        time.sleep(chance.uniform(0, 0.02))
        os.kill(run.pid, signal.SIGKILL)
        rest, _ = run.communicate()
        whole += rest[: rest.rfind("\n") + 1].splitlines()
        confirmed |= {(int(line.split()[0]), line.split()[1]) for line in whole}
        with Memory(tmp_path) as memory:
            assert memory.notes == []
            kept = {(s.id, step) for s in memory.sessions() for step in memory.replies(s.id)}
        assert confirmed <= kept
    assert len(confirmed) > SESSIONS
