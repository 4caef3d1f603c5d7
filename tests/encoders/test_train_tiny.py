"""Training tiny: same seed, same bits, also when stopped and resumed."""

import json
from dataclasses import asdict, replace
from functools import partial

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from nstkit.encoders import load_encoder
from nstkit.encoders.load import TINY_WEIGHTS
from nstkit.encoders.train_tiny import Options, Training, main, train

SHORT = Options(steps=2, size=32, batch=6, each=1, epoch=1)
short = partial(train, pictures=4)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained():
    return short(SHORT)


def same_bits(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_the_same_seed_gives_the_same_bits_and_another_does_not(trained):
    torch.rand(3)  # the global state plays no part
    assert same_bits(short(SHORT), trained)
    assert not same_bits(short(replace(SHORT, seed=1)), trained)


def test_training_leaves_the_global_state_alone():
    state = torch.random.get_rng_state()
    short(replace(SHORT, steps=1))
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_resumed_run_ends_on_the_same_bits(trained, tmp_path):
    first = Training(SHORT)
    first.advance()
    first.save(tmp_path / "half.pt")
    assert same_bits(short(SHORT, checkpoint=tmp_path / "half.pt"), trained)


def test_a_checkpoint_of_other_options_is_refused(tmp_path):
    Training(SHORT).save(tmp_path / "c.pt")
    with pytest.raises(ValueError, match=r"c.pt: written with .*'seed': 0.*, asked for .*'seed': 7"):
        short(replace(SHORT, seed=7), checkpoint=tmp_path / "c.pt")


def test_one_batch_can_be_learned():
    """Steps on one and the same scenes: the loss falls by a third."""
    training = Training(Options(steps=30, size=32, batch=8, each=1, epoch=100, rate=1e-2))
    losses = []
    for _ in range(30):
        losses.append(training.advance()["loss"])
        training.step = 0
    assert losses[-1] < 0.67 * losses[0]


def test_a_loss_that_is_not_finite_stops_the_training():
    training = Training(SHORT)
    training.heads.shape.bias.data.fill_(float("nan"))
    with pytest.raises(ArithmeticError, match="step 0: the loss is nan, training cannot go on"):
        training.advance()


def test_the_command_writes_weights_and_a_log(tmp_path, capsys):
    out, log = tmp_path / "tiny.safetensors", tmp_path / "log.jsonl"
    main(
        f"--steps 2 --size 32 --batch 6 --each 1 --epoch 1 --pictures 4 --out {out} --log {log} --threads 1".split()
    )
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [row["step"] for row in rows] == [2]
    assert {"loss", "material", "background", "shape"} <= rows[0].keys()
    assert "2/2  loss" in capsys.readouterr().err
    encoder = load_encoder("tiny", weights=out)
    assert torch.equal(encoder.steps["conv4_2"].weight, load_file(out)["conv4_2.weight"].float())


def test_the_file_that_ships_was_made_with_the_defaults():
    with safe_open(TINY_WEIGHTS, "pt") as file:
        assert file.metadata() == {name: str(value) for name, value in asdict(Options()).items()}
