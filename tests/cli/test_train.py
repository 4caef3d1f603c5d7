"""`nstkit train` as a program of its own: real signals, exact resume, what lies in the run's folder, bad input."""

import json
import math
import os
import re
import resource
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import torch
from safetensors.torch import load_file

from nstkit.cli import main, training_run
from nstkit.cli.declarations import declaration
from nstkit.cli.run_folder import RunFolder
from nstkit.cli.train import CYCLEGAN, DCGAN
from nstkit.gan import build_dcgan, dcgan_training
from nstkit.gan.cyclegan_training import train_cyclegan
from nstkit.gan.dcgan_training import train_dcgan
from nstkit.images import load_image, save_image
from nstkit.training import load_training

SHORT = ("--size", "16", "--width", "4", "--device", "cpu")
TINY = {
    "dcgan": ("red", *SHORT, "--batch-size", "4", "--latent-dim", "4"),
    "cyclegan": (
        "red",
        "blue",
        *SHORT,
        "--blocks",
        "1",
        "--critic-width",
        "4",
        "--critic-layers",
        "1",
        "--pool",
        "2",
    ),
}
LONG = (*TINY["dcgan"], "--steps", "120", "--sample-every", "50")
"""A second or two of work."""
PROGRAM = (
    "import sys; from nstkit.cli import main, training_run; "
    "training_run.CHECKPOINT_SECONDS = float(sys.argv[1]); main(['train', *sys.argv[2:]])"
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A folder with two folders of five pictures each."""
    root, random = tmp_path_factory.mktemp("pictures"), torch.Generator().manual_seed(0)
    for name, channel in (("red", 0), ("blue", 2)):
        (root / name).mkdir()
        for number in range(5):
            image = 0.1 * torch.rand(1, 3, 20, 24, generator=random)
            image[:, channel] += 0.7
            save_image(image, root / name / f"{number}.png")
    return root


@pytest.fixture
def folders(here, pictures):
    """The same, in the current folder."""
    for name in ("red", "blue"):
        (here / name).symlink_to(pictures / name)
    return here


@pytest.fixture(scope="module")
def whole(pictures):
    """The generator of the run that nothing interrupted."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    words = [str(pictures / word) if word == "red" else word for word in LONG]
    with pytest.raises(SystemExit) as end:
        main(["train", "dcgan", *words, "-o", str(pictures / "whole"), "-q"])
    torch.set_num_threads(threads)
    assert not end.value.code
    return (pictures / "whole" / "generator.safetensors").read_bytes()


def started(*words, seconds=60.0):
    """A program of its own, one step after the tenth at least."""
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", PROGRAM, str(seconds), *words]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def waited_for(path, process, seconds=100):
    end = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end
        time.sleep(0.005)


def steps_logged(run):
    return [json.loads(line)["step"] for line in (run / "log.jsonl").read_text().splitlines()]


def test_ctrl_c_stores_and_resume_ends_where_the_uninterrupted_run_ends(nstkit, folders, whole):
    process = started("dcgan", *LONG, "-o", "run")
    waited_for(folders / "run" / "log.jsonl", process)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "finishing this step; Ctrl-C again quits at once" in said
    step = int(re.search(r"stopped at step (\d+), which is stored", said)[1])
    assert 10 <= step < 120
    assert "to go on: nstkit train" in said
    assert said.rstrip().endswith("--resume")
    assert load_training("run/checkpoint.safetensors")["step"] == step
    code, _, said = nstkit("train", "dcgan", *LONG, "-o", "run", "--resume")
    assert (code, "done: run/samples" in said) == (0, True)
    assert (folders / "run" / "generator.safetensors").read_bytes() == whole
    assert steps_logged(folders / "run") == list(range(10, 121, 10))
    assert [path.name for path in sorted((folders / "run" / "samples").iterdir())] == [
        "000050.png", "000100.png", "000120.png",
    ]  # fmt: skip
    assert load_image("run/samples/000120.png").shape == (1, 3, 8 * 18 + 2, 8 * 18 + 2)


def test_a_killed_run_is_taken_up_from_its_last_checkpoint(nstkit, folders, whole):
    process = started("dcgan", *LONG, "-o", "run", "-q", seconds=0.2)
    waited_for(folders / "run" / "checkpoint.safetensors", process)
    process.kill()
    process.communicate()
    with open("run/log.jsonl", "a") as log:  # what it did after its checkpoint, and a line cut short
        log.write('{"step": 119, "d_loss": 99.0}\n{"step": 12')
    assert nstkit("train", "dcgan", *LONG, "-o", "run", "--resume", "-q") == (0, "", "")
    assert (folders / "run" / "generator.safetensors").read_bytes() == whole
    assert steps_logged(folders / "run") == list(range(10, 121, 10))
    assert "99.0" not in (folders / "run" / "log.jsonl").read_text()


def test_a_second_ctrl_c_ends_at_once(folders):
    process = started("dcgan", *LONG, "-o", "run")
    waited_for(folders / "run" / "log.jsonl", process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in said
    assert not list(folders.rglob("*.part"))


def test_a_stopped_cyclegan_goes_on_exactly(nstkit, folders, monkeypatch):
    words = ("train", "cyclegan", *TINY["cyclegan"], "--steps", "20", "-q")
    assert nstkit(*words, "-o", "whole") == (0, "", "")
    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "add_to_log", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        assert nstkit(*words, "-o", "run").code == 130
    assert load_training("run/checkpoint.safetensors")["step"] == 11  # the signal came after it was asked for
    assert nstkit(*words, "-o", "run", "--resume").code == 0
    for name in ("a_to_b.safetensors", "b_to_a.safetensors"):
        assert (folders / "run" / name).read_bytes() == (folders / "whole" / name).read_bytes()


def test_a_longer_run_of_a_dcgan_is_the_run_that_was_long_from_the_start(nstkit, folders):
    words = ("train", "dcgan", *TINY["dcgan"], "-q")
    assert nstkit(*words, "-o", "long", "--steps", "6").code == 0
    assert nstkit(*words, "-o", "run", "--steps", "3").code == 0
    assert (
        nstkit(*words, "-o", "run", "--steps", "6", "--seed", "0", "--resume").code == 0
    )  # seed 0 is the default
    name = "generator.safetensors"
    assert (folders / "run" / name).read_bytes() == (folders / "long" / name).read_bytes()
    assert json.loads((folders / "run" / "options.json").read_text())["options"]["steps"] == 6


def test_what_is_no_picture_is_named_and_passed_over_and_one_picture_is_enough(nstkit, here):
    (here / "mixed").mkdir()
    save_image(torch.rand(1, 3, 18, 16), here / "mixed" / "fine.png")
    save_image(torch.rand(1, 3, 15, 40), here / "mixed" / "small.png")
    (here / "mixed" / "text.jpg").write_text("no picture")
    code, _, said = nstkit("train", "dcgan", "mixed", *TINY["dcgan"][1:], "--steps", "1", "-o", "run")
    assert code == 0
    assert "passed over: mixed/small.png: 40 x 15 pixels, smaller than the crop of 16" in said
    assert "passed over: mixed/text.jpg: not a picture" in said
    assert {path.name for path in (here / "run").iterdir()} == {
        "options.json", "checkpoint.safetensors", "log.jsonl", "samples", "generator.safetensors",
    }  # fmt: skip


def test_of_many_bad_files_ten_are_named(nstkit, here, folders):
    (here / "mixed").mkdir()
    (here / "mixed" / "fine.png").write_bytes((here / "red" / "0.png").read_bytes())
    for number in range(13):
        (here / "mixed" / f"{number}.jpg").write_text("no picture")
    said = nstkit("train", "dcgan", "mixed", *TINY["dcgan"][1:], "--steps", "2", "-o", "run").err
    assert said.count("passed over: mixed/") == 10
    assert said.count("passed over: 3 more") == 1


@contextmanager
def files_of_at_most(size):
    """Files that grow further meet an error as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_one_sentence_and_the_earlier_checkpoint_stays(nstkit, folders, monkeypatch):
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    words = ("train", "dcgan", *TINY["dcgan"], "-q")
    with files_of_at_most(20_000):
        said = one_sentence(nstkit(*words, "-o", "run", "--steps", "2"))
    assert (
        "run/checkpoint.safetensors: could not be written (File too large); no checkpoint was stored yet"
        in said
    )
    assert nstkit(*words, "-o", "run", "--steps", "2", "--resume").code == 0
    with files_of_at_most(20_000):
        said = one_sentence(nstkit(*words, "-o", "run", "--steps", "4", "--resume"))
    assert "could not be written (File too large); the checkpoint of step 2 stays" in said
    assert load_training("run/checkpoint.safetensors")["step"] == 2
    assert not list(folders.rglob("*.part"))


def test_a_loss_that_is_no_number_is_one_sentence_and_the_latest_good_checkpoint_stays(
    nstkit, folders, monkeypatch
):
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    losses = iter([1.0, 2.0, math.nan])
    monkeypatch.setattr(dcgan_training, "generator_step", lambda *_: next(losses))
    said = one_sentence(nstkit("train", "dcgan", *TINY["dcgan"], "-q", "-o", "run"))
    found = (
        "the loss 'g_loss' is not finite (step 3); lower the learning rate; the checkpoint of step 2 stays"
    )
    assert found in said
    assert load_training("run/checkpoint.safetensors")["step"] == 2


def test_weights_that_blew_up_are_never_stored(nstkit, folders, monkeypatch):
    monkeypatch.setattr(training_run, "CHECKPOINT_SECONDS", 0.0)
    words = ("train", "dcgan", *TINY["dcgan"], "-q", "-o", "run", "--learning-rate", "1e30")
    assert "not finite (step 1); lower the learning rate; no checkpoint was" in one_sentence(nstkit(*words))
    assert not (folders / "run" / "checkpoint.safetensors").exists()


def one_sentence(ended):
    """The error of a command: exit code 2 and one line."""
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("nstkit: ")
    assert ended.err.count("\n") == 1
    return ended.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("dcgan nowhere -o run", "nowhere: expected a folder of pictures, found none"),
        ("dcgan empty -o run", "empty: holds no picture that can be used"),
        ("dcgan red --size 64 -o run", "20 pixels, smaller than the crop of 64"),
        ("cyclegan red empty --size 16 --critic-layers 1 -o run", "empty: holds no picture that can be used"),
        ("dcgan red -o full", "full: is not empty; go on with --resume, or name a new folder"),
        ("dcgan red -o full/notes", "full/notes: is a file; name a new folder"),
        ("dcgan red -o pictures/run", "pictures/run/options.json: could not be written (Not a directory)"),
        ("dcgan red -o red/run", "--output: expected a folder outside of red"),
        ("dcgan red -o run --resume", "--resume: run holds no run of `nstkit train`"),
        ("dcgan red -o run --size 24", "--size: expected a power of two from 8 up, got 24"),
        ("dcgan red -o run --steps 0", "--steps: expected at least 1, got 0"),
        ("dcgan red -o run --width 0", "--width: expected at least 1, got 0"),
        ("dcgan red -o run --learning-rate nan", "--learning-rate: expected a positive number, got nan"),
        ("dcgan red -o run --average 1", "--average: expected a decay in [0, 1), got 1"),
        ("dcgan red -o run --precision half", "--precision: expected auto or float32 or bfloat16, got 'half'"),
        ("dcgan red -o run --device gpu", "--device: expected auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        ("cyclegan red blue -o run --size 18", "--size: expected a multiple of 4 from 16 up, got 18"),
        ("cyclegan red blue -o run --size 16", "--size: expected at least 24, which critic_layers=3 halvings need"),
        ("cyclegan red blue -o run --critic-layers 0", "--critic-layers: expected at least 1, got 0"),
        ("cyclegan red blue -o run --pool -1", "--pool: expected a number of at least 0, got -1"),
        ("cyclegan red blue -o run --cycle-weight -1", "--cycle-weight: expected a number of at least 0, got -1"),
        ("cyclegan red -o run", "missing argument 'FOLDER_B'"),
        ("dcgan red", "missing option '-o' / '--output'"),
    ],
)  # fmt: skip
def test_a_bad_order_is_one_sentence_and_leaves_nothing(nstkit, here, folders, words, message):
    (here / "empty").mkdir()
    (here / "full").mkdir()
    (here / "full" / "notes").write_text("mine")
    (here / "pictures").write_text("a file where the run's folder should be")
    small = ("--size", "16") if "pictures" in words else ()
    assert message in one_sentence(nstkit("train", *words.split(), *small))
    assert not (here / "run").exists()
    assert [path.name for path in (here / "full").iterdir()] == ["notes"]


def test_a_run_goes_on_only_as_what_it_was(nstkit, folders):
    words = ("train", "dcgan", *TINY["dcgan"], "-o", "run", "--resume")
    assert nstkit(*words[:-1], "--steps", "2", "-q").code == 0
    before = {path: path.read_bytes() for path in (folders / "run").rglob("*") if path.is_file()}
    for more, message in (
        (("--seed", "5"), "--seed: the run in run has 0, got 5; leave it out"),
        (("--width", "8"), "--width: the run in run has 4, got 8"),
        (("--steps", "1"), "done 2 steps, more than steps=1"),
    ):
        assert message in one_sentence(nstkit(*words, *more))
    other = ("train", "cyclegan", *TINY["cyclegan"], "-o", "run", "--resume")
    assert "--resume: run holds a run of dcgan, not of cyclegan" in one_sentence(nstkit(*other))
    other = ("train", "dcgan", "blue", "-o", "run", "--resume")
    assert "--resume: the run in run learns from " in one_sentence(nstkit(*other))
    (folders / "run" / "options.json").write_text("{")
    assert "options.json: damaged" in one_sentence(nstkit(*words))
    (folders / "run" / "options.json").write_bytes(before[folders / "run" / "options.json"])
    (folders / "run" / "checkpoint.safetensors").write_bytes(b"cut")
    assert "checkpoint.safetensors: damaged" in one_sentence(nstkit(*words))


def test_the_network_s_file_fits_the_network_and_makes_pictures(nstkit, folders):
    assert nstkit("train", "dcgan", *TINY["dcgan"], "--steps", "3", "-o", "run", "-q").code == 0
    generator, _ = build_dcgan(16, 3, 4, 4)
    generator.load_state_dict(load_file("run/generator.safetensors"))
    with torch.no_grad():
        one, other = generator.eval()(torch.randn(2, 4, 1, 1))
    assert one.shape == (3, 16, 16)
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("options", "function"), [(DCGAN, train_dcgan), (CYCLEGAN, train_cyclegan)])
def test_every_option_of_the_trainer_is_there(options, function):
    parameters = declaration(function).parameters
    expected = {name for name, p in parameters.items() if p.kind is p.KEYWORD_ONLY} - {"on_step", "resume"}
    assert set(options) == expected
    assert all(options[name].default == parameters[name].default for name in options)


def test_help_loads_no_torch():
    code = (
        "import sys\nfrom nstkit.cli import main\n"
        "for words in (['train', '--help'], ['train', 'dcgan', '--help'], ['train', 'cyclegan', '--help']):\n"
        "    try:\n        main(words)\n    except SystemExit as end:\n        assert not end.code\n"
        "assert 'torch' not in sys.modules"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "--critic-layers" in shown
    assert "[default: 20000]" in " ".join(shown.split())
