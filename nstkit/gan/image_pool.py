"""The history buffer: half of the time the discriminator sees an older fake instead of the newest.

Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial Training", CVPR 2017,
arXiv:1612.07828, Section 2.3; with one coin per image and swaps as in Zhu et al., ICCV 2017 (50 images).
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


class ImagePool:
    """A pool of at most `capacity` generated images; `query` trades new ones for old ones.

    Args:
        capacity: the number of images that are kept, ≥ 0.
        generator: a source of randomness on the CPU; None is torch's global one.

    Raises:
        ValueError: `capacity` is negative.
    """

    def __init__(self, capacity: int, generator: torch.Generator | None = None) -> None:
        if capacity < 0:
            raise ValueError(f"capacity: expected at least 0, got {capacity}")
        self.capacity, self.generator = capacity, generator
        self.images: list[Tensor] = []

    def __len__(self) -> int:
        return len(self.images)

    def query(self, images: Tensor) -> Tensor:
        """Exchange images, one after the other.

        While the pool is not full an image is stored and comes back itself. Later it comes back with
        probability ½; else a random stored image comes back, and the new one takes its place.

        Args:
            images: (B, C, H, W).

        Returns:
            (B, C, H, W), detached, a copy; the pool keeps no graph either.
        """
        if not len(images) or not self.capacity:
            return images.detach().clone()
        return torch.stack([self._exchange(image) for image in images.detach()])

    def _exchange(self, image: Tensor) -> Tensor:
        if len(self) < self.capacity:
            self.images.append(image.clone())
            return image
        if torch.rand((), generator=self.generator) < 0.5:
            return image
        place = int(torch.randint(self.capacity, (), generator=self.generator))
        old, self.images[place] = self.images[place], image.clone()
        return old.to(image.device)  # it may come from a checkpoint, which is read on the CPU

    def state_dict(self) -> dict[str, Any]:
        """The images and the random state; torch's global one is nobody's part."""
        random = None if self.generator is None else self.generator.get_state()
        return {"images": list(self.images), "random": random}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        self.images = list(state["images"])
        if self.generator is not None and state["random"] is not None:
            self.generator.set_state(state["random"])
