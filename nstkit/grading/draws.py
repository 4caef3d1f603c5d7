"""Seeded inputs for probes: features, images, masks, small encoders.

Every probe gets a `Draw` of its own, seeded by (seed, exercise, check), so that the learner's answer, the
reference and every misconception see the same inputs, and a secret seed gives inputs nobody has seen. The
sandbox gets the exercise's key, from which the seed cannot be found. A Draw remembers what it handed out and
can say afterwards which of it was changed.

This module runs inside the sandbox too: it needs nothing but numpy and torch.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


def exercise_key(seed: int | str, exercise: str) -> str:
    """What stands for the seed in one exercise's draws: a digest that says nothing about the seed."""
    return hashlib.sha256(f"{seed}/{exercise}".encode()).hexdigest()


class Draw:
    """A source of inputs. Tensors are float64 and contiguous unless asked otherwise."""

    def __init__(self, seed: int | str, *path: str) -> None:
        digest = hashlib.sha256("/".join([str(seed), *path]).encode()).digest()
        self.rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
        self._watched: list[tuple[str, Any, Any]] = []

    # -- numbers and arrays ---------------------------------------------------------------------

    def number(self, low: float = 0.5, high: float = 2.0) -> float:
        """One float, uniform in [low, high)."""
        return float(self.rng.uniform(low, high))

    def integers(self, low: int, high: int, *shape: int) -> np.ndarray:
        """int64 array, uniform in [low, high)."""
        return self.watch(self.rng.integers(low, high, size=shape), "integers")

    def array(self, *shape: int, dtype: Any = np.float64, strided: bool = False) -> np.ndarray:
        """Standard normal array; `strided` gives a view with gaps and a negative stride."""
        if strided:
            wide = self.rng.normal(size=(*shape[:-1], 2 * shape[-1])).astype(dtype)
            return self.watch(wide[..., ::-2], "array")
        return self.watch(self.rng.normal(size=shape).astype(dtype), "array")

    def pixels(self, height: int, width: int, *channels: int) -> np.ndarray:
        """uint8 picture (H, W) or (H, W, 3) that uses the whole range 0 … 255."""
        picture = self.rng.integers(0, 256, size=(height, width, *channels), dtype=np.uint8)
        picture.flat[0], picture.flat[-1] = 0, 255
        return self.watch(picture, "pixels")

    def permutation(self, n: int) -> Tensor:
        """A permutation of 0 … n-1 that is not its own inverse (n ≥ 3), int64 (n,)."""
        while True:
            order = self.rng.permutation(n)
            if n < 3 or not np.array_equal(order[order], np.arange(n)):
                return self.watch(torch.from_numpy(order), "permutation")

    # -- tensors --------------------------------------------------------------------------------

    def tensor(self, *shape: int, dtype: torch.dtype = torch.float64, strided: bool = False) -> Tensor:
        """Standard normal tensor; `strided` gives one that is not contiguous."""
        values = torch.from_numpy(self.rng.normal(size=shape)).to(dtype)
        return self.watch(_spread(values) if strided else values, "tensor")

    def features(
        self, batch: int, channels: int, height: int, width: int, *, dtype: torch.dtype = torch.float64,
        strided: bool = False,
    ) -> Tensor:  # fmt: skip
        """(B, C, H, W) like a ReLU layer's: not negative, channels of very different strength, all alive."""
        strength = np.exp(self.rng.normal(size=(batch, channels, 1, 1)))
        offset = self.rng.normal(size=(batch, channels, 1, 1))
        values = np.maximum(self.rng.normal(size=(batch, channels, height, width)) + 0.5 * offset, 0.0)
        tensor = torch.from_numpy(strength * values).to(dtype)
        return self.watch(_spread(tensor) if strided else tensor, "features")

    def image(self, batch: int, height: int, width: int, *, dtype: torch.dtype = torch.float64,
              strided: bool = False) -> Tensor:  # fmt: skip
        """(B, 3, H, W) in [0, 1]: smooth waves of colour with grain."""
        y = np.linspace(0, 1, height)[:, None]
        x = np.linspace(0, 1, width)[None, :]
        phase = self.rng.uniform(0, 6.28, size=(4, batch, 3, 1, 1))
        waves = 0.5 + 0.25 * np.sin(9 * x + phase[0]) + 0.2 * np.sin(7 * y + 5 * x * y + phase[1])
        grain = 0.05 * self.rng.normal(size=(batch, 3, height, width))
        tensor = torch.from_numpy(np.clip(waves + grain, 0, 1)).to(dtype)
        return self.watch(_spread(tensor) if strided else tensor, "image")

    def mask(self, batch: int, height: int, width: int, *, dtype: torch.dtype = torch.float64) -> Tensor:
        """(B, 1, H, W) soft mask in [0, 1]."""
        return self.watch(
            torch.from_numpy(self.rng.uniform(size=(batch, 1, height, width))).to(dtype), "mask"
        )

    # -- networks -------------------------------------------------------------------------------

    def encoder(self, *widths: int, smooth: bool = False, dtype: torch.dtype = torch.float64) -> nn.Module:
        """A small frozen-looking network from (B, 3, H, W) to a dict "layer1", "layer2", … of features.

        Channels are live and dead mixed; `smooth` uses softplus in place of ReLU, for finite differences.
        Its parameters require gradients, as a fresh torch module's do. `.calls` counts forward passes.
        """
        return SmallEncoder(self.rng, widths or (5, 7, 4), smooth).to(dtype)

    def generator(self) -> torch.Generator:
        """A seeded torch.Generator on the CPU."""
        return torch.Generator().manual_seed(int(self.rng.integers(2**31)))

    # -- watching -------------------------------------------------------------------------------

    def watch(self, value: Any, name: str = "input") -> Any:
        """Remember `value` (a tensor, an array, or a mapping or list of them) and return it."""
        for tag, leaf in _leaves(value, name):
            self._watched.append((tag, leaf, _copy(leaf)))
        return value

    def modified(self) -> tuple[str, ...]:
        """The names of the watched inputs whose values are no longer what was handed out."""
        return tuple(dict.fromkeys(name for name, now, before in self._watched if not _same(now, before)))


class SmallEncoder(nn.Module):
    """Strided 3x3 convolutions with ReLU or softplus; layer k is named "layerk"."""

    def __init__(self, rng: np.random.Generator, widths: Sequence[int], smooth: bool) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList()
        self.activation = nn.Softplus() if smooth else nn.ReLU()
        self.calls = 0
        channels = 3
        for depth, width in enumerate(widths):
            layer = nn.utils.skip_init(nn.Conv2d, channels, width, 3, stride=1 + depth % 2, padding=1)
            weight = rng.normal(size=(width, channels, 3, 3)) / np.sqrt(4.5 * channels)
            bias = rng.normal(size=width) * 0.1
            bias[-1] = 0.1 if smooth else -4.0  # a channel that is dead nearly everywhere
            layer.weight.data = torch.from_numpy(weight)
            layer.bias.data = torch.from_numpy(bias)
            self.convolutions.append(layer)
            channels = width

    @property
    def layers(self) -> tuple[str, ...]:
        """Layer names from shallow to deep."""
        return tuple(f"layer{k}" for k in range(1, len(self.convolutions) + 1))

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) to the features of every layer."""
        self.calls += 1
        features = {}
        for name, convolution in zip(self.layers, self.convolutions, strict=True):
            image = self.activation(convolution(image))
            features[name] = image
        return features


def _spread(tensor: Tensor) -> Tensor:
    """The same values in a memory layout that `view` refuses: the last axis first, with gaps."""
    wide = torch.zeros(tensor.shape[-1], *tensor.shape[:-1], 2, dtype=tensor.dtype)
    view = wide[..., 0].movedim(0, -1)
    view.copy_(tensor)
    return view


def _leaves(value: Any, name: str) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, f"{name}[{key!r}]")]
    if isinstance(value, list | tuple):
        return [leaf for k, item in enumerate(value) for leaf in _leaves(item, f"{name}[{k}]")]
    return [(name, value)] if isinstance(value, Tensor | np.ndarray) else []


def _copy(leaf: Any) -> Any:
    return leaf.detach().clone() if isinstance(leaf, Tensor) else leaf.copy()


def _same(now: Any, before: Any) -> bool:
    if now.shape != before.shape or now.dtype != before.dtype:
        return False
    if isinstance(now, Tensor):
        return bool(torch.equal(now.detach(), before))
    return bool(np.array_equal(now, before))
