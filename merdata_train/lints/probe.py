"""One training step of a model under observation: which attention has a choice, which parameters learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

LossOf = Callable[[Any, Mapping[str, Tensor]], Tensor]


@dataclass(frozen=True)
class Observed:
    """What one step showed.

    Attributes:
        single_key: names of modules whose attention had one key to attend to, in every row.
        without_gradient: names of trainable parameters whose gradient is missing or exactly zero.
    """

    single_key: list[str]
    without_gradient: list[str]


def of_classes(output: Any, batch: Mapping[str, Tensor]) -> Tensor:
    """The cross-entropy of an output with `logits [B, classes]`."""
    return nn.functional.cross_entropy(output.logits, batch["labels"])


def observe(model: nn.Module, batch: Mapping[str, Tensor], loss_of: LossOf = of_classes) -> Observed:
    """Forward and backward of one batch; the model and the random numbers stay as they were.

    Args:
        model: takes the batch.
        batch: its tensors, `labels` among them.
        loss_of: the loss of the model's output, as it is trained.
    """
    watch = _Attention()
    was_training = model.training
    with torch.random.fork_rng(), torch.enable_grad():
        torch.manual_seed(0)
        model.train()
        with watch, _names(model, watch):
            output = model(batch)
        loss_of(output, batch).backward()  # type: ignore[no-untyped-call]
    still = [
        name
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and (parameter.grad is None or not parameter.grad.any())
    ]
    model.zero_grad(set_to_none=True)
    model.train(was_training)
    return Observed([name for name, keys in watch.keys.items() if max(keys) == 1], still)


class _Attention(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Notes how many keys each softmax and each fused attention had, under the module it ran in."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.inside: list[str] = []
        self.keys: dict[str, list[int]] = {}

    def __torch_dispatch__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = str(function)
        if name.startswith("aten._softmax"):
            self._note(args[0].shape[args[1]])
        elif name.startswith("aten._scaled_dot_product"):
            self._note(args[1].shape[-2])
        return function(*args, **(kwargs or {}))

    def enter(self, name: str, *_: Any) -> None:
        self.inside.append(name)

    def leave(self, *_: Any) -> None:
        self.inside.pop()

    def _note(self, keys: int) -> None:
        place = self.inside[-1] if self.inside else ""
        self.keys.setdefault(place or "the model", []).append(keys)


@contextmanager
def _names(model: nn.Module, watch: _Attention) -> Iterator[None]:
    """Keep `watch.inside` up to date with the modules that are running."""
    hooks = []
    for name, module in model.named_modules():
        hooks.append(module.register_forward_pre_hook(partial(watch.enter, name)))
        hooks.append(module.register_forward_hook(watch.leave))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
