"""FMM, the flexible-modality mixture of experts that stands beside the MLP of every visual block.

One expert is shared and always on; the others are of different kind, and ``routers.py`` says who
gets which. The paper publishes the idea; the shapes below are inferred from its precedents, which
the README of this folder names.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.encoders.clip import TowerConfig
from flexpad.methods.fmm_rpl.operations import Operations
from flexpad.methods.fmm_rpl.options import Options
from flexpad.methods.fmm_rpl.routers import (
    READINGS,
    ROUTERS,
    Clues,
    ModalityDescriptor,
    NoRouter,
    RouterShape,
    Routing,
)


class ExpertMixture(nn.Module):
    """The shared expert and the routed ones of one layer.

    Every expert narrows tokens to ``rank``, works on the map of patches, and widens again. All
    narrow with one matrix and widen with one, before which each is weighed by its gate. An expert
    that is closed for an image is computed all the same: on a CPU, to gather its images for each
    expert takes longer than one product for all (docs/speed.md). Widening starts at zero:
    an untrained mixture leaves CLIP as it is.

    Args:
        width: Of tokens, D.
        grid: Patches along a side of an image.
        rank: Channels of each expert.
        routed: Their kinds; there may be none.
        shared: Whether there is a shared expert, which stands first.
    """

    SHARED = "conv"

    def __init__(
        self, width: int, grid: int, rank: int, routed: tuple[str, ...], *, shared: bool = True
    ) -> None:
        super().__init__()
        self.patches = grid**2
        self.rank = rank
        self.always_on = int(shared)
        kinds = (self.SHARED,) * self.always_on + routed
        self.narrow = nn.Linear(width, len(kinds) * rank)
        self.operations = Operations(kinds, rank, grid)
        self.widen = nn.Linear(len(kinds) * rank, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(len(kinds), width))
        nn.init.zeros_(self.widen.weight)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Map tokens (n, T, D) by the gates of the routed experts.

        The last ``grid * grid`` tokens are patches; class token and prompts before them go through
        every expert but not through its work on the map.

        Args:
            tokens: (n, T, D).
            gates: For whole images, (n, E) or (n, 1, E), or for each token, (n, T, E).
        """
        narrowed = F.gelu(self.narrow(tokens))
        ahead, patches = narrowed[:, : -self.patches], narrowed[:, -self.patches :]
        hidden = F.gelu(torch.cat([ahead, self.operations(patches)], dim=1))
        decided = gates if gates.dim() == 3 else gates[:, None]
        weights = F.pad(decided, (self.always_on, 0), value=1.0).to(hidden.dtype)
        weighed = hidden.unflatten(2, (-1, self.rank)) * weights[..., None]
        added: Tensor = self.widen(weighed.flatten(2))
        return added + weights @ self.bias.to(weights.dtype)


class NoMixture(nn.Module):
    """Stands where there is no expert at all."""

    def forward(self, tokens: Tensor, gates: Tensor) -> None:
        """Add nothing."""


def rank_of_one_alone(width: int, grid: int, rank: int, routed: tuple[str, ...]) -> int:
    """Give the rank at which a shared expert alone has as many parameters as a mixture.

    Routers are not counted, as in the specification: 110 for the default mixture at ViT-B/16.

    Args:
        width: Of tokens, D.
        grid: Patches along a side of an image.
        rank: Of the mixture.
        routed: Kinds of its routed experts.

    Returns:
        The rank that comes nearest.
    """
    with torch.device("meta"):
        mixture = ExpertMixture(width, grid, rank, routed)
    wanted = sum(parameter.numel() for parameter in mixture.parameters())
    # At rank r one has 9 r^2 + (2 D + 2) r + D parameters: its convolution, two matrices, biases.
    half = (2 * width + 2) / 18
    return round(math.sqrt(half**2 + (wanted - width) / 9) - half)


class Experts(nn.Module):
    """FMM as a whole: what describes images, and in every layer routes them and works on them.

    Attributes:
        grid: Patches along a side of an image.
        shallow: How many layers are of the first half.
        routed: How many experts there are to choose from, E.
        open: Routed experts an image gets in a layer, at present.
        learns_routing: Whether routers learn; only then is there a descriptor for them to read.
    """

    def __init__(self, tower: TowerConfig, grid: int, options: Options) -> None:
        super().__init__()
        width, kinds = tower.width, options.experts
        self.grid = grid
        self.shallow = (tower.layers + 1) // 2
        self.routed = len(kinds)
        self.top_k = self.open = options.top_k
        router = ROUTERS[options.router] if kinds else NoRouter
        self.learns_routing = router.learns
        self.reading = READINGS[options.router_input]
        shape = RouterShape(
            width=width,
            patches=grid**2,
            experts=self.routed,
            descriptor_width=options.descriptor_width,
            reading=self.reading,
            owners=options.oracle_experts,
        )
        self.descriptor = (
            ModalityDescriptor(width, options.descriptor_width) if router.learns else None
        )
        self.routers = nn.ModuleList(router(shape) for _ in range(tower.layers))
        self.mixtures = nn.ModuleList(
            ExpertMixture(width, grid, options.rank, kinds, shared=options.shared_expert)
            if kinds or options.shared_expert
            else NoMixture()
            for _ in range(tower.layers)
        )

    def set_dense(self, dense: bool) -> None:
        """Open every expert, so that each gets a gradient, or only the best ``top_k``."""
        self.open = self.routed if dense else self.top_k

    def noise_shape(self, tokens: int) -> tuple[int, int, int] | None:
        """Give the shape (L, S, E) of an image's exploration, of T tokens; None where none is."""
        if not self.learns_routing:
            return None
        return len(self.routers), tokens if self.reading.per_token else 1, self.routed

    def describe(self, patches: Tensor, labels: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Describe images for the routers, see :class:`ModalityDescriptor`, if they learn."""
        if self.descriptor is None:
            return None, None
        described: tuple[Tensor, Tensor] = self.descriptor(patches, labels)
        return described

    def forward(self, layer: int, normed: Tensor, clues: Clues) -> tuple[Tensor | None, Routing]:
        """Say what a layer adds to tokens (n, T, D), and where it sent the n images."""
        routing = self.routers[layer](normed, clues, self.open)
        return self.mixtures[layer](normed, routing.gates), routing
