"""The average of a model's weights over the steps, which is often better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Average:
    """Exponential moving average of what training changes: trainable weights and buffers.

    The first step is taken as it is. Weights that are not trained are not kept twice.

    Args:
        module: Whose weights are averaged.
        decay: Share of the old average that a step keeps; 0 = no average is made.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.live: dict[str, Tensor] = {
            **{name: value for name, value in module.named_parameters() if value.requires_grad},
            **dict(module.named_buffers()),
        }
        self.values: dict[str, Tensor] = {}

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights after a step."""
        if not self.decay:
            return
        if not self.values:
            self.values = {name: value.detach().clone() for name, value in self.live.items()}
            return
        floating = [name for name, value in self.live.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [self.values[name] for name in floating],
            [self.live[name] for name in floating],
            1 - self.decay,
        )
        for name in self.live.keys() - set(floating):  # counters are not averaged
            self.values[name].copy_(self.live[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the module have the averaged weights while the body runs."""
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def _exchange(self) -> None:
        for name, average in self.values.items():
            live = self.live[name]
            live.data, self.values[name] = average, live.data

    def state(self) -> dict[str, Tensor]:
        """Give what has to be kept to go on; empty before the first step or without an average."""
        return dict(self.values)

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        self.values = {
            name: value.to(self.live[name].device, copy=True) for name, value in state.items()
        }
