"""The sandbox gives the same verdicts as grading in process, and lets nothing out."""

import os
import sys
import time
from pathlib import Path

import pytest
from toy_lesson import RIGHT

from nstkit.grading.answers import Cell, source_cells
from nstkit.grading.grade import grade_text
from nstkit.grading.isolate import grade_cells_isolated, grade_file_isolated
from nstkit.grading.landlock import landlock_abi
from nstkit.grading.sandbox import Sandbox, missing_protections

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")
locked = pytest.mark.skipif(
    landlock_abi() < 4, reason=f"this kernel has Landlock ABI {landlock_abi()}, 4 is needed"
)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(seconds=2, memory_mb=1024) as place:
        yield place


def graded(lesson, sandbox, body, name="running_sum"):
    source = f"import numpy as np\ndef {name}(a):\n    {body}\n"
    cells = [Cell(name, f"07_toy.ipynb[{name}]", source)]
    return grade_cells_isolated(lesson / "test_07_toy.py", cells, sandbox, exercise=name)[name]


@pytest.mark.parametrize(
    "body",
    [
        "return np.cumsum(a)",
        "return a * 0 + a.sum()",
        "return 2 * np.cumsum(a)",
        "return None",
        "return 1 / 0",
        "raise NotImplementedError()",
        "a[:] = np.cumsum(a); return a",
        "print('x' * 1000); return np.cumsum(a)",
    ],
)
def test_the_verdict_is_the_one_reached_in_process(lesson, sandbox, body):
    source = f"import numpy as np\ndef running_sum(a):\n    {body}\n" + RIGHT["invert"]
    checks = lesson / "test_07_toy.py"
    inside = grade_cells_isolated(checks, source_cells(source, "07_toy.py"), sandbox)
    outside = grade_text(checks, source, "07_toy.py")
    assert {k: r.to_json() for k, r in inside.items()} == {k: r.to_json() for k, r in outside.items()}


def test_a_notebook_is_graded(lesson, sandbox):
    results = grade_file_isolated(lesson / "test_07_toy.py", lesson / "07_toy.ipynb", sandbox=sandbox)
    assert [(r.state, r.points) for r in results.values()] == [("passed", 3), ("passed", 2)]


def test_an_answer_that_is_missing_is_todo(lesson, sandbox):
    results = grade_cells_isolated(lesson / "test_07_toy.py", source_cells(RIGHT["invert"], "x.py"), sandbox)
    assert (results["running_sum"].state, results["running_sum"].message) == (
        "todo",
        "no answer defines running_sum",
    )


@pytest.mark.parametrize(
    ("body", "state"),
    [
        ("while True: pass", "timeout"),
        ("import time; time.sleep(60)", "timeout"),
        (
            "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 32))\n    while True: pass",
            "timeout",
        ),
        ("import os; os._exit(0)", "crashed"),
        ("import sys; sys.exit()", "crashed"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "crashed"),
        ("return np.ones(2**31)", "memory"),
        ("import torch; return torch.ones(2**31).numpy()", "memory"),
        ("import os\n    while True: os.fork()", "timeout"),
        ("return np.zeros(20_000_000)", "wrong"),
    ],
)
def test_what_breaks_costs_its_author_only(lesson, sandbox, body, state):
    start = time.monotonic()
    result = graded(lesson, sandbox, body)
    assert (result.state, result.points) == (state, 0)
    assert time.monotonic() - start < 12
    assert graded(lesson, sandbox, "return np.cumsum(a)").state == "passed"


@locked
@pytest.mark.parametrize(
    "body",
    [
        f"return open({str(Path(__file__).parents[2] / 'nstkit' / '__init__.py')!r}).read()",
        "import sys\n    for m in list(sys.modules): m[:6] != 'nstkit' or sys.modules.pop(m)\n    import nstkit.losses",
        "import os; return open(f'/proc/{os.getppid()}/environ').read()",
        "import os; return open(f'/proc/{os.getppid()}/mem', 'rb').read(1)",
        "open('/tmp/nstkit_escape', 'w').write('x')",
        "import os; os.kill(os.getppid(), 9)",
        "import os; return str(os.listdir('/root'))",
        "return open('/etc/passwd').read()",
        "import socket; socket.create_connection(('127.0.0.1', 9), 1)",
    ],
)
def test_locked_in(lesson, sandbox, body):
    result = graded(lesson, sandbox, body)
    assert result.state == "error"
    assert result.message.startswith(("PermissionError", "ModuleNotFoundError"))


def test_a_daemonised_grandchild_does_not_outlive_its_parent(lesson, sandbox):
    mark = "nstkit_grandchild_mark"
    body = (
        "import os, time, ctypes\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        f"            ctypes.CDLL(None).prctl(15, b'{mark[:15]}')\n"
        "            time.sleep(60)\n"
        "        os._exit(0)\n"
        "    return np.cumsum(a)"
    )
    assert graded(lesson, sandbox, body).state == "passed"
    assert mark[:15] not in _process_names()


def _process_names():
    names = set()
    for process in os.listdir("/proc"):
        if process.isdigit():
            try:
                names.add(Path(f"/proc/{process}/comm").read_text().strip())
            except OSError:
                continue
    return names


def test_a_file_of_2_gb_is_cut_off(lesson, sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = (
        "with open('big', 'wb') as file:\n"
        "        for _ in range(2048): file.write(bytes(2**20))\n"
        "    return np.cumsum(a)"
    )
    assert graded(lesson, sandbox, body).points == 0
    assert sum(path.stat().st_size for path in tmp_path.rglob("*") if path.is_file()) < 2**20
    assert graded(lesson, sandbox, "return np.cumsum(a)").state == "passed"


def test_printing_10_mb_costs_nothing(lesson, sandbox):
    result = graded(lesson, sandbox, "print('x' * 10_000_000); return np.cumsum(a)")
    assert result.state == "passed"
    assert len(str(result.to_json())) < 10_000


def test_nothing_is_left_in_the_temporary_folder(lesson, sandbox, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = "open('mine.txt', 'w').write('x'); return np.cumsum(a)"
    assert graded(lesson, sandbox, body).state == "passed"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("nstkit-")] == []


@pytest.mark.parametrize(
    "body",
    [
        "np.allclose = lambda *x, **k: True; np.testing = None; return a",
        "import torch; torch.equal = lambda *x: True; return a",
        "import builtins; builtins.all = lambda x: True; return a",
        "import nstkit.grading.observation as o; o.freeze = lambda v, d=0: None; return a",
        "class L(np.ndarray):\n        __eq__ = lambda s, o: True\n    return a.view(L)",
    ],
)
def test_patching_wins_no_points(lesson, sandbox, body):
    assert graded(lesson, sandbox, body).points == 0


def test_the_answers_of_the_lesson_are_not_in_the_childs_memory(lesson, sandbox):
    body = (
        "import gc, types\n"
        "    found = [o for o in gc.get_objects() if isinstance(o, types.FunctionType)]\n"
        "    names = {o.__name__ for o in found}\n"
        "    return a if names & {'total_everywhere', 'step_by_step', '_secret_total'} else np.cumsum(a)"
    )
    assert graded(lesson, sandbox, body).state == "passed"


def test_the_seed_is_not_in_the_childs_memory(lesson, sandbox):
    body = (
        "import sys, gc\n"
        "    frame, seen = sys._getframe(), []\n"
        "    while frame: seen.append(frame.f_locals); seen.append(frame.f_globals); frame = frame.f_back\n"
        "    seen += [o for o in gc.get_objects() if isinstance(o, dict)]\n"
        "    values = [v for d in seen for v in list(d.values()) if isinstance(v, (int, str))]\n"
        "    texts = [v for v in values if isinstance(v, str) and 'known' not in v]\n"
        "    known = 20260117 in values or any('20260117' in v for v in texts)\n"
        "    return a if known else np.cumsum(a)"
    )
    source = f"import numpy as np\ndef running_sum(a):\n    {body}\n"
    results = grade_cells_isolated(
        lesson / "test_07_toy.py",
        source_cells(source, "toy.py"),
        sandbox,
        exercise="running_sum",
        seed=20260117,
    )
    assert results["running_sum"].state == "passed"


def test_missing_protections_are_said(monkeypatch):
    monkeypatch.setattr("nstkit.grading.sandbox.landlock_abi", lambda: 0)
    assert "no Landlock" in missing_protections()[0]
    monkeypatch.setattr("nstkit.grading.sandbox.landlock_abi", lambda: 3)
    assert "network" in missing_protections()[0]
