"""Train `tiny`, the embedded encoder: `python -m nstkit.encoders.train_tiny --out nstkit/encoders/tiny.safetensors`.

A fixed number of steps from a seed. The pool of textures of epoch e and the scenes of step s depend on the seed
and on e or s alone, so a run that was stopped and resumed ends on the same bits.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from nstkit.encoders.procedural_scenes import Pool, draw_pool, draw_scenes
from nstkit.encoders.tiny_export import export, save_weights
from nstkit.encoders.tiny_heads import Heads
from nstkit.encoders.tiny_network import DEVIATION, MEAN, trunk_modules


@dataclass(frozen=True)
class Options:
    """How to train; the defaults are those of the file that ships.

    Sizes are in pixels; `each` is textures of every class drawn for an epoch of `epoch` steps.
    """

    steps: int = 1800
    seed: int = 0
    size: int = 64
    batch: int = 64
    each: int = 4
    epoch: int = 300
    rate: float = 3e-3
    decay: float = 0.02


class Trunk(nn.Module):
    """The network in training: returns every ReLU by name."""

    def __init__(self) -> None:
        super().__init__()
        self.modules_by_name = nn.ModuleDict(trunk_modules(batch_norm=True))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Image (N, 3, S, S) in [0, 1] to the features of every ReLU."""
        maps, taps = (image - MEAN[0]) / DEVIATION[0], {}
        for name, module in self.modules_by_name.items():
            maps = module(maps)
            if name.startswith("relu"):
                taps[name] = maps
        return taps

    def widths(self) -> dict[str, int]:
        """Channels of every ReLU."""
        convolutions = {n: m for n, m in self.modules_by_name.items() if isinstance(m, nn.Conv2d)}
        return {name.replace("conv", "relu"): m.out_channels for name, m in convolutions.items()}


class Training:
    """Everything that changes while training, and how it is saved and restored."""

    def __init__(self, options: Options) -> None:
        self.options, self.step = options, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.seed)
            self.trunk = Trunk().to(memory_format=torch.channels_last)
            self.heads = Heads(self.trunk.widths())
        parameters = [*self.trunk.parameters(), *self.heads.parameters()]
        self.optimizer = torch.optim.AdamW(parameters, options.rate, weight_decay=options.decay)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, options.rate, total_steps=options.steps + 1, pct_start=0.1
        )
        self.pool: tuple[int, Pool] | None = None

    def _generator(self, stream: int, index: int) -> Generator:
        return Generator().manual_seed(self.options.seed + 1_000_003 * index + stream)

    def _pool(self) -> Pool:
        epoch = self.step // self.options.epoch
        if self.pool is None or self.pool[0] != epoch:
            self.pool = (
                epoch,
                draw_pool(self.options.each, 4 * self.options.size // 3, self._generator(1, epoch)),
            )
        return self.pool[1]

    def advance(self) -> dict[str, float]:
        """Take one step; returns the losses and shares of right answers."""
        options = self.options
        scenes = draw_scenes(self._pool(), options.batch, options.size, self._generator(2, self.step))
        image = scenes.image.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            taps = self.trunk(image)
        losses, right = self.heads(taps, scenes)
        loss = torch.stack(list(losses.values())).sum()
        if not loss.isfinite():
            raise ArithmeticError(f"step {self.step}: the loss is {loss.item()}, training cannot go on")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.trunk.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.step += 1
        return {"loss": loss.item(), **{name: value.item() for name, value in losses.items()}, **right}

    def parts(self) -> dict[str, Any]:
        """What has a state_dict."""
        names = ("trunk", "heads", "optimizer", "schedule")
        return {name: getattr(self, name) for name in names}

    def save(self, path: Path) -> None:
        """Write a checkpoint in one piece."""
        state: dict[str, Any] = {name: part.state_dict() for name, part in self.parts().items()}
        partial = path.with_suffix(".partial")
        torch.save({**state, "step": self.step, "options": asdict(self.options)}, partial)
        os.replace(partial, path)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint of the same options; ValueError for another's."""
        state = torch.load(path, weights_only=True)
        if state["options"] != asdict(self.options):
            raise ValueError(f"{path}: written with {state['options']}, asked for {asdict(self.options)}")
        for name, part in self.parts().items():
            part.load_state_dict(state[name])
        self.step = state["step"]

    def export(self, pictures: int) -> dict[str, Tensor]:
        """The weights that ship, from the network as it is now, calibrated on `pictures` textures."""
        self.trunk.eval()
        try:
            return export(dict(self.trunk.modules_by_name), self._generator(3, 0), pictures=pictures)
        finally:
            self.trunk.train()


def train(
    options: Options,
    *,
    checkpoint: Path | None = None,
    on_record: Callable[[dict[str, float]], None] | None = None,
    every: int = 50,
    pictures: int = 96,
) -> dict[str, Tensor]:
    """Train from the start, or from `checkpoint` if it exists, and return the weights that ship.

    `on_record` gets the means of every `every` steps; `pictures` textures calibrate the taps at the end.
    """
    training = Training(options)
    if checkpoint is not None and checkpoint.exists():
        training.load(checkpoint)
    window: list[dict[str, float]] = []
    started = time.monotonic()
    while training.step < options.steps:
        window.append(training.advance())
        if training.step % every and training.step < options.steps:
            continue
        means = {name: round(sum(row[name] for row in window) / len(window), 4) for name in window[0]}
        window.clear()
        if on_record is not None:
            on_record({"step": training.step, **means, "seconds": round(time.monotonic() - started, 1)})
        if checkpoint is not None:
            training.save(checkpoint)
    return training.export(pictures)


def main(arguments: list[str] | None = None) -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m nstkit.encoders.train_tiny", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("tiny.safetensors"))
    parser.add_argument("--log", type=Path, default=Path(__file__).with_name("tiny_training.jsonl"))
    parser.add_argument(
        "--checkpoint", type=Path, default=None, help="saved while training, resumed if there"
    )
    parser.add_argument("--threads", type=int, default=1, help="bits are the same for the same number only")
    parser.add_argument("--pictures", type=int, default=96, help="textures for the calibration at the end")
    for name, default in asdict(Options()).items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    given = vars(parser.parse_args(arguments))
    out, log, checkpoint = given.pop("out"), given.pop("log"), given.pop("checkpoint")
    torch.set_num_threads(given.pop("threads"))
    pictures = given.pop("pictures")
    options = Options(**given)
    resumed = checkpoint is not None and checkpoint.exists()
    with log.open("a" if resumed else "w") as lines:

        def record(row: dict[str, float]) -> None:
            print(json.dumps(row), file=lines, flush=True)
            print(
                f"{row['step']}/{options.steps}  loss {row['loss']:.3f}  {row['seconds']:.0f} s",
                file=sys.stderr,
            )

        weights = train(options, checkpoint=checkpoint, on_record=record, pictures=pictures)
    save_weights(weights, out, {key: str(value) for key, value in asdict(options).items()})


if __name__ == "__main__":
    main()
