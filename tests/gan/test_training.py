"""Training on folders: it learns, resumes exactly, names bad files, and two processes come to what one comes to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from nstkit.gan.cyclegan_training import train_cyclegan
from nstkit.gan.dcgan_training import train_dcgan
from nstkit.images import save_image
from nstkit.images.folder import PictureFolder, center_square
from nstkit.training import NonFiniteTraining

TINY_DCGAN = {"size": 16, "batch_size": 4, "latent_dim": 4, "width": 4, "device": "cpu"}
TINY_CYCLEGAN = {
    "size": 16,
    "batch_size": 2,
    "width": 4,
    "blocks": 1,
    "critic_width": 4,
    "critic_layers": 1,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of six pictures each: of one colour with a bright corner."""
    root, random = tmp_path_factory.mktemp("pictures"), torch.Generator().manual_seed(0)
    for name, channel in (("red", 0), ("blue", 2)):
        (root / name).mkdir()
        for number in range(6):
            image = 0.1 * torch.rand(1, 3, 24, 28, generator=random)
            image[:, channel] += 0.7
            save_image(image, root / name / f"{number}.png")
    return root / "red", root / "blue"


def weights(trained):
    return torch.cat([p.detach().flatten() for g in trained.networks.values() for p in g.parameters()])


def stopping_at(step):
    return lambda seen: seen.step == step


@pytest.mark.parametrize("kind", ["dcgan", "cyclegan"])
def test_a_run_that_was_stopped_ends_where_the_other_does(folders, kind):
    def train(**options):
        if kind == "dcgan":
            return train_dcgan(folders[0], steps=8, **TINY_DCGAN, **options)
        return train_cyclegan(*folders, steps=8, pool=2, **TINY_CYCLEGAN, **options)

    whole = train()
    stopped = train(on_step=stopping_at(3))
    assert (stopped.finished, stopped.fitted.step) == (False, 3)
    torch.manual_seed(99)  # what happens elsewhere does not matter
    resumed = train(resume=stopped.fitted.checkpoint)
    assert resumed.finished
    assert torch.equal(weights(resumed), weights(whole))
    assert resumed.fitted.losses == whole.fitted.losses


@pytest.mark.slow
def test_a_dcgan_learns_the_colour_of_its_pictures(folders):
    seen = []
    options = TINY_DCGAN | {"batch_size": 8, "width": 8}
    train_dcgan(
        folders[0],
        steps=200,
        learning_rate=2e-3,
        average=0.95,
        **options,
        on_step=lambda s: seen.append(s) and None,
    )
    picture = seen[-1].samples()
    assert picture.shape == (64, 3, 16, 16)
    pictures = PictureFolder(folders[0], 16)
    target = torch.cat([pictures[k] for k in range(len(pictures))]).mean((0, 2, 3))
    assert (picture.mean((0, 2, 3)) - target).abs().max() < 0.15


def test_samples_of_a_cyclegan_are_rows_of_there_and_back(folders):
    seen = []
    train_cyclegan(
        *folders, steps=1, **TINY_CYCLEGAN, on_step=lambda s: seen.append((s.samples(), s.columns)) and None
    )
    picture, columns = seen[0]
    assert picture.shape == (24, 3, 16, 16)
    assert columns == 6
    red = center_square(PictureFolder(folders[0], 16)[0], 16)
    torch.testing.assert_close(picture[:1], (red + 1) / 2)


def test_the_global_random_state_is_left_alone(folders):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    train_dcgan(folders[0], steps=1, **TINY_DCGAN)
    assert torch.equal(torch.get_rng_state(), before)


def state(trained):
    return torch.cat([v.double().flatten() for v in trained.networks["generator"].state_dict().values()])


def test_looking_at_samples_does_not_change_a_run(folders):
    plain = train_dcgan(folders[0], steps=4, **TINY_DCGAN)
    seen = []
    watched = train_dcgan(
        folders[0], steps=4, **TINY_DCGAN, on_step=lambda s: seen.append(s.samples()) and None
    )
    assert len(seen) == 4
    assert torch.equal(state(watched), state(plain))


def test_the_averaged_generator_has_the_statistics_of_its_own_weights(folders):
    """In eval mode its batch norms subtract the means that its activations have."""
    generator = train_dcgan(folders[0], steps=6, **TINY_DCGAN, learning_rate=5e-3).networks["generator"]
    assert not generator.training
    z = torch.randn(4096, 4, 1, 1, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        activations = generator[0](z)
    norm = generator[1]
    deviation = activations.std((0, 2, 3))
    assert ((norm.running_mean - activations.mean((0, 2, 3))).abs() < 0.1 * deviation).all()
    torch.testing.assert_close(norm.running_var.sqrt(), deviation, rtol=0.1, atol=0)


def test_bad_files_are_named_and_passed_over(folders, tmp_path):
    for path in folders[0].iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "text.png").write_text("no picture")
    save_image(torch.rand(1, 3, 8, 40), tmp_path / "small.png")
    whole = (tmp_path / "0.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    trained = train_dcgan(tmp_path, steps=4, **TINY_DCGAN)
    said = "\n".join(trained.passed_over)
    assert "text.png" in said
    assert "small.png: 40 x 8 pixels, smaller than the crop of 16" in said
    assert "cut.png" in said


def test_folders_without_pictures_are_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere: expected a folder of pictures, found none"):
        train_dcgan(tmp_path / "nowhere", **TINY_DCGAN)
    with pytest.raises(ValueError, match="holds no picture that can be used"):
        train_dcgan(tmp_path, **TINY_DCGAN)
    save_image(torch.rand(1, 3, 8, 8), tmp_path / "s.png")
    with pytest.raises(ValueError, match=r"s\.png: 8 x 8 pixels, smaller than the crop of 16"):
        train_dcgan(tmp_path, **TINY_DCGAN)


def test_one_picture_is_enough_to_run(tmp_path):
    save_image(torch.rand(1, 3, 20, 20), tmp_path / "one.png")
    assert train_dcgan(tmp_path, steps=2, **TINY_DCGAN).finished


def test_a_loss_that_is_no_number_ends_the_run_and_says_where(folders):
    with pytest.raises(NonFiniteTraining, match=r"the loss '\w+' is not finite \(step \d+\)"):
        train_dcgan(folders[0], steps=50, learning_rate=1e30, **TINY_DCGAN)


JOINED = """
import os, sys, torch
from pathlib import Path
from nstkit.gan.cyclegan_training import train_cyclegan
losses = []
train_cyclegan(Path(sys.argv[1]), Path(sys.argv[2]), steps=3, size=16, batch_size=4, width=4, blocks=1, critic_width=4,
               critic_layers=1, device="cpu", pool=0, on_step=lambda s: losses.append(dict(s.losses)) and None)
if os.environ.get("RANK", "0") == "0":
    torch.save(losses, sys.argv[3])
"""


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_two_processes_have_the_losses_of_one_with_the_joined_batch(folders, tmp_path):
    script = tmp_path / "joined.py"
    script.write_text(JOINED)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    for command, out in (([sys.executable], "one.pt"), (torchrun, "two.pt")):
        words = [*command, str(script), *map(str, folders), str(tmp_path / out)]
        done = subprocess.run(words, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
    one, two = (torch.load(tmp_path / name, weights_only=True) for name in ("one.pt", "two.pt"))
    for alone, together in zip(one, two, strict=True):
        assert together == pytest.approx(alone, rel=1e-4)
    assert len({round(step["total"], 6) for step in one}) == 3
    assert Path(tmp_path / "two.pt").exists()
