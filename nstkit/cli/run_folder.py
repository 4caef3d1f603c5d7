"""The folder of one run of `nstkit train`: what lies in it, written whole, and taken up again.

RUN/options.json           what the run was started with
RUN/checkpoint.safetensors the latest good state
RUN/log.jsonl              the losses, every few steps
RUN/samples/000500.png     what it makes
RUN/generator.safetensors  the networks at the end (a_to_b and b_to_a for CycleGAN, model for what `transfer` uses)
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor, nn

from nstkit.images import ImageError, save_image
from nstkit.lessons.build import write_whole
from nstkit.training import load_training, save_training


class RunFolder:
    """The files of one run; a file that cannot be written is named, with what is left to go on from.

    Attributes:
        stored: the step of the checkpoint; None while there is none.
    """

    def __init__(self, path: Path) -> None:
        self.path, self.stored = path, None  # type: Path, int | None
        self.options, self.log = path / "options.json", path / "log.jsonl"
        self.checkpoint, self.samples = path / "checkpoint.safetensors", path / "samples"

    def check_free(self) -> None:
        """Raise FileExistsError if there is anything that a new run would be mixed with."""
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            what = (
                "is not empty; go on with --resume, or name a new folder"
                if self.path.is_dir()
                else "is a file; name a new folder"
            )
            raise FileExistsError(f"{self.path}: {what}")

    def begin(self, described: Mapping[str, Any]) -> None:
        """Make the folder, and write down what the run was started with."""
        with self._writing(self.options):
            self.samples.mkdir(parents=True, exist_ok=True)
            write_whole(self.options, (json.dumps(described, indent=1) + "\n").encode())

    def described(self) -> dict[str, Any]:
        """What `begin` wrote (ValueError where there is no run)."""
        if not self.options.exists():
            raise ValueError(
                f"--resume: {self.path} holds no run of `nstkit train`; leave --resume out to start one"
            )
        try:
            found = json.loads(self.options.read_text("utf-8"))
            return {name: found[name] for name in ("kind", "folders", "options")}
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{self.options}: damaged; start anew in another folder") from None

    def state(self) -> dict[str, Any] | None:
        """The checkpoint to go on from, if one was stored; the log ends with it."""
        if not self.checkpoint.exists():
            self._cut_log(0)
            return None
        found = load_training(self.checkpoint)
        self.stored = int(found["step"])
        self._cut_log(self.stored)
        return found

    def _cut_log(self, step: int) -> None:
        """Leave out what a run that was killed logged after its last checkpoint: it will be done again."""
        if self.log.exists():
            lines = self.log.read_text("utf-8").splitlines(keepends=True)
            with self._writing(self.log):
                write_whole(self.log, "".join(line for line in lines if _up_to(line, step)).encode())

    def add_to_log(self, step: int, losses: Mapping[str, float]) -> None:
        """One line of JSON."""
        line = json.dumps({"step": step, **{name: round(value, 6) for name, value in losses.items()}})
        with self._writing(self.log), open(self.log, "a", encoding="utf-8") as log:
            log.write(line + "\n")

    def add_samples(self, step: int, pictures: Tensor, columns: int) -> None:
        """Pictures (N, 3, S, S) in [0, 1], as one grid."""
        from torchvision.utils import make_grid

        path = self.samples / f"{step:06}.png"
        with self._writing(path):
            grid = make_grid(pictures, nrow=columns, padding=2, pad_value=1.0)[None]
            save_image(grid, path, overwrite=True)

    def store(self, checkpoint: Mapping[str, Any]) -> None:
        """Replace the checkpoint."""
        with self._writing(self.checkpoint):
            save_training(checkpoint, self.checkpoint)
        self.stored = int(checkpoint["step"])

    def add_networks(self, kind: str, networks: Mapping[str, nn.Module]) -> None:
        """The weights of each network, by its name."""
        for name, network in networks.items():
            path = self.path / f"{name}.safetensors"
            weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
            about = {"made by": f"nstkit train {kind}, torch {torch.__version__}"}
            with self._writing(path):
                write_whole(path, save(weights, about | getattr(network, "metadata", {})))

    @property
    def left(self) -> str:
        """What there is to go on from, in words."""
        return (
            "no checkpoint was stored yet"
            if self.stored is None
            else f"the checkpoint of step {self.stored} stays"
        )

    @contextmanager
    def _writing(self, path: Path) -> Iterator[None]:
        """Turn a full disk, and whatever else keeps a file from being written, into one sentence."""
        try:
            yield
        except (OSError, ImageError) as error:
            cause = error.__cause__ if isinstance(error, ImageError) else error
            reason = getattr(cause, "strerror", None) or cause
            raise OSError(f"{path}: could not be written ({reason}); {self.left}") from error


def _up_to(line: str, step: int) -> bool:
    try:
        return int(json.loads(line)["step"]) <= step
    except (ValueError, KeyError, TypeError):  # a line that the end of the program cut off
        return False
