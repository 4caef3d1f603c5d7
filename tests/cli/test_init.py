"""`nstkit --help` is quick and light; wrong names get the nearest; every command is there."""

import resource
import subprocess
import sys
from importlib import import_module, metadata

import pytest

from nstkit import __version__
from nstkit.cli import COMMANDS, GROUPS, main

LIGHT = """
import sys
from nstkit.cli import main
try:
    main({words!r})
except SystemExit as end:
    assert not end.code, end.code
print("heavy:", sorted({{"torch", "torchvision", "numpy", "PIL"}} & set(sys.modules)))
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["transfer", "--help"], ["paint", "--help"]])
def test_help_is_quick_and_loads_nothing_heavy(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, "-c", LIGHT.format(words=words)], capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout.splitlines()[-1:] == ["heavy: []"], done.stderr
    # seconds of processor, not of the clock: other work on the machine does not count
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 0.5


def test_status_loads_no_torch():
    done = subprocess.run(
        [sys.executable, "-c", LIGHT.format(words=["status"])], capture_output=True, text=True
    )
    assert "torch" not in done.stdout.splitlines()[-1], done.stderr


def test_help_names_every_command_with_its_line(nstkit):
    for words in ((), ("--help",), ("-h",)):
        code, out, err = nstkit(*words)
        assert (code, err) == (0, "")
        for name, (_, summary) in COMMANDS.items():
            assert any(line.split(maxsplit=1) == [name, summary] for line in out.splitlines()), name


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_explains_itself(name, nstkit):
    module = import_module(f"nstkit.cli.{COMMANDS[name][0]}")
    assert callable(module.group if name in GROUPS else getattr(module, name))
    code, out, err = nstkit(name, "--help")
    assert (code, err) == (0, "")
    assert f"nstkit {name}" in out


def test_the_version(nstkit):
    assert nstkit("--version") == nstkit("-V") == (0, f"nstkit {__version__}\n", "")


def test_a_wrong_name_gets_the_nearest(nstkit):
    assert nstkit("trasfer", "a.png") == (
        2,
        "",
        "nstkit: no command 'trasfer'; did you mean `nstkit transfer`?\n",
    )


def test_a_name_like_no_other_gets_the_list(nstkit):
    code, _, err = nstkit("xyzzy")
    assert code == 2
    assert err == f"nstkit: no command 'xyzzy'; there are {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--foo"], "no such option: --foo; see `nstkit --help`"),
        (["transfer", "--stepps", "3"], "see `nstkit transfer --help`"),
        (["transfer", "a.png", "b.png"], "missing option '-o' / '--output'; see `nstkit transfer --help`"),
        (["paint"], "missing argument"),
    ],
)
def test_a_command_line_that_does_not_fit_gets_one_sentence(words, expected, nstkit):
    code, out, err = nstkit(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


def test_the_console_script_is_main():
    (script,) = metadata.entry_points(group="console_scripts", name="nstkit")
    assert script.load() is main
