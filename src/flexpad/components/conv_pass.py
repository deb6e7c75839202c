"""ConvPass: a narrow path with a convolution over patches, for a frozen transformer.

Jie and Deng, "Convolutional Bypasses Are Better Vision Transformer Adapters", 2022, in the form of
the public code of the FM-ViT and FM-CLIP authors.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.heads import HeadOptions
from flexpad.types import BadInput


@dataclass(frozen=True, slots=True)
class AdapterOptions(HeadOptions):
    """What can be chosen about adapters and the head behind them.

    Attributes:
        rank: Width inside an adapter.
        dropout: Of what it says, in training.
    """

    rank: int
    dropout: float

    def __post_init__(self) -> None:
        HeadOptions.__post_init__(self)  # super() does not find its class in one with slots
        if self.rank < 1:
            raise BadInput(f"key 'rank' should be at least 1, not {self.rank}")
        if not 0 <= self.dropout < 1:
            raise BadInput(f"key 'dropout' should be at least 0 and below 1, not {self.dropout}")


class ConvPass(nn.Module):
    """Narrows tokens, convolves the map of patches, widens again.

    Widening starts at zero, so that a new one adds nothing, and the convolution at the identity.
    It has 2 width rank + width + 9 rank² + 2 rank parameters: 13,648 for 768 and 8.

    Args:
        width: Of tokens, D.
        grid: Patches along a side of an image; the last grid² tokens are patches, however many
            stand before them.
        rank: Channels of the narrow path.
        dropout: Share of what the narrow path says that is dropped in training.
    """

    def __init__(self, width: int, grid: int, rank: int, *, dropout: float = 0.0) -> None:
        super().__init__()
        self.grid = grid
        self.narrow = nn.Linear(width, rank)
        self.convolution = nn.Conv2d(rank, rank, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.widen = nn.Linear(rank, width)
        nn.init.xavier_uniform_(self.narrow.weight)
        nn.init.dirac_(self.convolution.weight)
        nn.init.zeros_(self.widen.weight)
        for part in (self.narrow, self.convolution, self.widen):
            nn.init.zeros_(part.bias)  # type: ignore[arg-type]

    def forward(self, tokens: Tensor) -> Tensor:
        """Map tokens (n, T, D) to what is added to them, (n, T, D)."""
        narrowed = _quick_gelu(self.narrow(tokens))
        patches = self.grid**2
        worked = torch.cat(
            [self._alone(narrowed[:, :-patches]), self._as_map(narrowed[:, -patches:])], dim=1
        )
        added: Tensor = self.widen(self.dropout(_quick_gelu(worked)))
        return added

    def _as_map(self, patches: Tensor) -> Tensor:
        """Convolve patches (n, N, r) in row-major order."""
        maps = patches.mT.unflatten(2, (self.grid, self.grid))
        convolved: Tensor = self.convolution(maps).flatten(2).mT
        return convolved

    def _alone(self, tokens: Tensor) -> Tensor:
        """Convolve tokens (n, T, r) that have no neighbours, each as a map of one place."""
        return F.linear(tokens, self.convolution.weight[:, :, 1, 1], self.convolution.bias)


def _quick_gelu(x: Tensor) -> Tensor:
    return x * (1.702 * x).sigmoid()
