"""What a run depends on and never changes: part of its checkpoint, so that it cannot go on with something else."""

import hashlib
from collections.abc import Mapping

from torch import Tensor, nn


class Unchanged:
    """A part for `fit`, next to modules and optimisers, that refuses a checkpoint which was made with other values.

    Args:
        values: tensors or frozen modules, by the name that the refusal gives them.
    """

    def __init__(self, **values: Tensor | nn.Module) -> None:
        self._digests = {name: _digest(value) for name, value in values.items()}

    def state_dict(self) -> dict[str, str]:
        """The SHA-256 of each value."""
        return dict(self._digests)

    def load_state_dict(self, state: Mapping[str, str]) -> None:
        """Raise ValueError unless all values are those of the stored run."""
        for name, digest in self._digests.items():
            if state.get(name) != digest:
                raise ValueError(
                    f"resume: the stored run had another {name}; give the one that it began with"
                )


def _digest(value: Tensor | nn.Module) -> str:
    tensors = [value] if isinstance(value, Tensor) else value.state_dict().values()
    found = hashlib.sha256()
    for tensor in tensors:
        found.update(str(tuple(tensor.shape)).encode())
        found.update(tensor.detach().cpu().double().numpy().tobytes())  # any layout, any floating dtype
    return found.hexdigest()
