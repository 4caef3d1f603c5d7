"""Random numbers of a run that do not depend on how it came to a step: seeded by seed, step and place.

A run that is stopped and taken up draws what it would have drawn, without storing a generator's state.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch


@dataclass(frozen=True)
class Draw:
    """What one place in the objective draws from at one step.

    Attributes:
        seed: of the run.
        step: done so far at this scale.
        place: any name; places are independent of each other.
    """

    seed: int = 0
    step: int = 0
    place: str = ""

    def at(self, place: str) -> "Draw":
        """For another place at the same step."""
        return replace(self, place=place)

    def generator(self, device: torch.device) -> torch.Generator:
        """A fresh generator on the device, the same one each time it is asked for."""
        entropy = [self.seed % 2**64, self.step, *self.place.encode()]
        state = np.random.SeedSequence(entropy).generate_state(1, np.uint64)
        return torch.Generator(device).manual_seed(int(state[0] >> np.uint64(1)))
