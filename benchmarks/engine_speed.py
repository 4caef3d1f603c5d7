"""The engine tuned (cut network, channels_last, bfloat16) against the same engine plain.

    python benchmarks/engine_speed.py [--sizes 256 512] [--repeats 7] [--device cpu]

Plain means: the whole VGG-19, float32, contiguous, gradients of the weights computed too, as in a tutorial.
Both sides run the same objective on the same seeded random weights; they take turns, one step each, and the
printed ratio is that of the medians.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from nstkit.encoders import load_encoder
from nstkit.images import resize
from nstkit.paintings import paint
from nstkit.training.devices import fast_bfloat16
from nstkit.transfer.objective import Objective
from nstkit.transfer.optimizers import make_optimizer
from nstkit.transfer.options import Options
from nstkit.transfer.recipes import VGG
from nstkit.transfer.settled import tapped

OPTIONS = Options(
    encoder="vgg19", content_layers=VGG.content_layers, style_layers=VGG.style_layers, style_weights=(1.0,),
    content_weight=1.0, style_weight=30.0, tv_weight=0.0, style_loss="gram", normalize="hw", balance="start",
    style_scale=1.0, size=512, coarsest=512, steps=1, optimizer="lbfgs", learning_rate=1.0, history=10, average=0.0,
    init="content", seed=0, precision="float32", channels_last=False,
)  # fmt: skip


class WholeNetwork(torch.nn.Module):
    """The whole VGG, run to its end whatever is asked for."""

    def __init__(self, encoder: torch.nn.Module, layers: list[str]) -> None:
        super().__init__()
        self.encoder, self.layers = encoder, layers

    def forward(self, image: torch.Tensor) -> dict[str, torch.Tensor]:
        features = self.encoder(image)
        return {name: features[name] for name in self.layers}


def stepper(size: int, device: str, *, tuned: bool) -> Callable[[], None]:
    """A function that takes one optimisation step."""
    network = load_encoder("vgg19", weights="random", pooling="average")
    layers = [*OPTIONS.content_layers, *OPTIONS.style_layers]
    precision = "bfloat16" if tuned and fast_bfloat16(torch.device(device)) else "float32"
    options = replace(OPTIONS, precision=precision, channels_last=tuned)
    content = resize(paint("mosaic", 512, 640), (size, size)).to(device)
    style = resize(paint("swirls", 512, 640), (size, size)).to(device)
    if tuned:
        encoder = tapped(network, options, torch.device(device))
    else:
        encoder = WholeNetwork(network, layers).to(device).requires_grad_()
    objective = Objective(encoder, content, [style], [1.0], options)
    x = content.clone()
    optimizer = make_optimizer(x, options)

    def step() -> None:
        leaf = x.requires_grad_()
        total = objective.terms(leaf)["total"]
        if tuned:
            (grad,) = torch.autograd.grad(total, leaf)
        else:
            encoder.zero_grad()
            leaf.grad = None
            total.backward()
            grad = leaf.grad
        x.requires_grad_(False)
        optimizer.step(grad)
        x.clamp_(0, 1)
        if device != "cpu":
            torch.cuda.synchronize()

    return step


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    name = (
        torch.cuda.get_device_name()
        if options.device.startswith("cuda")
        else platform.processor() or platform.machine()
    )
    fast = fast_bfloat16(torch.device(options.device))
    print(f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}, fast bfloat16: {fast}")
    print(f"{'size':>6} {'plain s':>9} {'tuned s':>9} {'ratio':>6}")
    for size in options.sizes:
        sides = [stepper(size, options.device, tuned=False), stepper(size, options.device, tuned=True)]
        times: list[list[float]] = [[], []]
        for turn in range(options.repeats + 1):
            for side, step in enumerate(sides):
                started = time.perf_counter()
                step()
                if turn:  # the first turn warms up
                    times[side].append(time.perf_counter() - started)
        plain, tuned = (statistics.median(values) for values in times)
        print(f"{size:>6} {plain:>9.3f} {tuned:>9.3f} {plain / tuned:>6.2f}", flush=True)


if __name__ == "__main__":
    main()
