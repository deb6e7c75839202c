"""Random numbers that do not remember: what a step draws depends on no step before it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import torch
from accelerate.utils import set_seed
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one training step.

    They depend on the seed, the step, what they are for, and where an item stands in the batch of
    the step; on nothing that was drawn before, and not on how the batch is divided. So a run that
    goes on in the middle draws what it would have drawn, and two processes draw what one does.

    Attributes:
        seed: Of the run.
        step: Counted from 0 over the whole run.
        first: Place of this part's first item in the batch of the step.
    """

    seed: int = 0
    step: int = 0
    first: int = 0

    def uniform(self, purpose: str, items: int, *shape: int) -> Tensor:
        """Draw from [0, 1), float32 (items, *shape)."""
        rows = self._stream(purpose).random((self.first + items, *shape), dtype=np.float32)
        return torch.from_numpy(rows[self.first :])

    def normal(self, purpose: str, items: int, *shape: int) -> Tensor:
        """Draw from the standard normal distribution, float32 (items, *shape)."""
        rows = self._stream(purpose).standard_normal((self.first + items, *shape), np.float32)
        return torch.from_numpy(rows[self.first :])

    def _stream(self, purpose: str) -> np.random.Generator:
        """Begin a purpose's numbers; they come one by one, so more items leave the first alone."""
        return np.random.default_rng((self.seed, self.step, zlib.crc32(purpose.encode())))


def seed_step(seed: int, step: int, process: int) -> None:
    """Set the generators of torch, numpy and Python, for code that draws from them in a step.

    They too become a function of seed and step, and are thus part of every saved state; processes
    draw differently.
    """
    set_seed(int(np.random.SeedSequence((seed, step, process)).generate_state(1)[0]))
