"""How much memory tensors take, counted as they come and go; with tensors of shapes and no values, ahead of time.

Every operator passes by, those of a gradient included, so what is counted is what the program does: there is no formula
to keep in step with it. Not seen is the scratch space inside of an operator.
"""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class LiveTensors(TorchDispatchMode):
    """Counts the bytes of all storages that operators make while it is entered; views cost nothing.

    Attributes:
        now: bytes that are alive.
        most: the most that there were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._sizes: dict[int, int] = {}

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Let the operator work, and count what is new."""
        found = func(*args, **(kwargs or {}))
        for value in tree_iter(found):
            if isinstance(value, Tensor):
                self._count(value.untyped_storage())
        return found

    def _count(self, storage: torch.UntypedStorage) -> None:
        key = id(storage)  # PyTorch keeps the object for as long as the storage lives
        if key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        weakref.finalize(storage, self._forget, key)
        self.now += self._sizes[key]
        self.most = max(self.most, self.now)

    def _forget(self, key: int) -> None:
        self.now -= self._sizes.pop(key)


class Answers(TorchDispatchMode):
    """Where a program reads a value of a tensor that has none, it gets one: every flag is False, every number 1."""

    def __torch_dispatch__(
        self,
        func: Any,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Answer, or let the operator work."""
        if func is not torch.ops.aten._local_scalar_dense.default:
            return func(*args, **(kwargs or {}))
        kind = args[0].dtype
        return False if kind == torch.bool else 1.0 if kind.is_floating_point else 1


@contextmanager
def rehearsal() -> Iterator[LiveTensors]:
    """Within it tensors have shapes and devices but neither values nor memory; what they would take is counted."""
    counted = LiveTensors()
    with FakeTensorMode(allow_fallback_kernels=False, allow_non_fake_inputs=True), counted, Answers():
        yield counted
