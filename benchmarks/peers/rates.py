"""What the device itself can do, measured: bfloat16 convolutions of VGG's shapes, and a process that does nothing."""

import time
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from .problem import Problem
from .taking_turns import wait_for

SHAPES = ((64, 1), (128, 2), (256, 4), (512, 8))
"""Channels, and what the picture's side is divided by: these four make up nearly all of VGG-19."""


def convolutions(problem: Problem) -> Callable[[], dict[str, Any]]:
    """The best rate of one layer, forward and back to its input, in floating-point operations per second."""
    cases = [_case(channels, problem.size // divisor, problem.device) for channels, divisor in SHAPES]

    def step() -> dict[str, Any]:
        return {"rate": max(flops / _seconds(run, problem.device) for run, flops in cases)}

    return step


def _case(channels: int, side: int, device: str) -> tuple[Callable[[], object], float]:
    layer = nn.Conv2d(channels, channels, 3, padding=1).requires_grad_(False)
    layer = layer.to(device, torch.bfloat16, memory_format=torch.channels_last)
    maps = torch.randn(1, channels, side, side, device=device, dtype=torch.bfloat16)
    maps = maps.contiguous(memory_format=torch.channels_last).requires_grad_()
    back = torch.randn_like(maps)
    flops = 2 * 2 * side**2 * 9 * channels**2
    return lambda: torch.autograd.grad(layer(maps), maps, back), flops


def _seconds(run: Callable[[], object], device: str) -> float:
    """The fastest of five, each long enough to be timed."""
    times, repeats = [], 20 if device.startswith("cuda") else 1
    for _ in range(5):
        wait_for(device)
        started = time.perf_counter()
        for _ in range(repeats):
            run()
        wait_for(device)
        times.append((time.perf_counter() - started) / repeats)
    return min(times)


def idle(problem: Problem) -> Callable[[], dict[str, Any]]:
    """A process that has imported torch and torchvision and nothing else."""
    import torchvision  # noqa: F401

    return dict
