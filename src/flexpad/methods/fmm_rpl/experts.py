"""FMM, the flexible-modality mixture of experts that stands beside the MLP of every visual block.

One expert is shared and always on; the others are of different kind, and an image is routed to the
best k of them by what its own patch statistics show, without being told its modality. The paper
publishes the idea; the shapes below are inferred from its precedents, which the README of this
folder names.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.encoders.clip import TowerConfig
from flexpad.methods.fmm_rpl.operations import Operations
from flexpad.types import MODALITIES

UNKNOWN = len(MODALITIES)  # the modality label of an image whose modality is not told


def patch_statistics(patches: Tensor) -> Tensor:
    """Mean and deviation of each channel over the patches, normalised, (n, N, D) to (n, 2D).

    Channel statistics carry style, and with it the modality (as in CFPL-FAS, CVPR 2024).
    """
    patches = patches.float()
    mean = patches.mean(dim=1, keepdim=True)
    # Not patches.std(dim=1), which on a CPU takes five times as long along this axis.
    variance = (patches - mean).square().sum(dim=1) / (patches.shape[1] - 1)
    deviation = variance.clamp_min(torch.finfo(torch.float32).tiny).sqrt()  # 0 has no gradient
    statistics = torch.cat([mean.squeeze(1), deviation], dim=-1)
    return F.layer_norm(statistics, statistics.shape[-1:])


class ModalityDescriptor(nn.Module):
    """Says, once an image, what kind of image it seems to be."""

    def __init__(self, width: int, descriptor_width: int) -> None:
        super().__init__()
        self.describe = nn.Linear(2 * width, descriptor_width)
        self.modality = nn.Linear(descriptor_width, len(MODALITIES))
        self.label = nn.Embedding(len(MODALITIES) + 1, descriptor_width)
        nn.init.zeros_(self.label.weight)

    def forward(self, patches: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Describe images.

        Args:
            patches: Patches on their way into the first block, (n, N, D).
            labels: Place of the modality in R, D, I, or :data:`UNKNOWN`, (n,) int64.

        Returns:
            The descriptor (n, d) and the logits of the modality it was guessed from, (n, 3), which
            do not depend on the labels.
        """
        with torch.autocast(patches.device.type, enabled=False):
            described = F.gelu(self.describe(patch_statistics(patches)))
            return described + self.label(labels), self.modality(described)


class Routing(NamedTuple):
    """Where one layer sends n images.

    Attributes:
        gates: Weight of each routed expert, (n, E); rows sum to 1, k entries are not 0.
        probabilities: What the gates were chosen from, (n, E).
        logits: Before softmax, (n, E).
    """

    gates: Tensor
    probabilities: Tensor
    logits: Tensor


class Router(nn.Module):
    """Chooses experts for whole images, so that all patches of one agree."""

    def __init__(self, width: int, descriptor_width: int, experts: int) -> None:
        super().__init__()
        self.gate = nn.Linear(2 * width, experts)
        self.gate_descriptor = nn.Linear(descriptor_width, experts, bias=False)

    def forward(
        self, patches: Tensor, descriptor: Tensor, top_k: int, noise: Tensor | None
    ) -> Routing:
        """Route n images by their patches (n, N, D) and descriptor (n, d), in fp32.

        ``noise`` (n, E), standard normal, makes them explore in training, as in V-MoE (Riquelme et
        al., 2021).
        """
        with torch.autocast(patches.device.type, enabled=False):
            logits = self.gate(patch_statistics(patches)) + self.gate_descriptor(descriptor.float())
            if noise is not None:
                logits = logits + noise / logits.shape[-1]
            probabilities = logits.softmax(dim=-1)
            chosen = probabilities.topk(top_k, dim=-1).indices
            kept = torch.zeros_like(probabilities).scatter(1, chosen, 1.0) * probabilities
            return Routing(kept / kept.sum(dim=-1, keepdim=True), probabilities, logits)


class ExpertMixture(nn.Module):
    """The shared expert and the routed ones of one layer.

    Every expert narrows tokens to ``rank``, works on the map of patches, and widens again. All
    narrow with one matrix and widen with one, before which each is weighed by its gate. An expert
    that is closed for an image is computed all the same: on a CPU, to gather its images for each
    expert takes longer than one product for all (docs/speed.md). Widening starts at zero:
    an untrained mixture leaves CLIP as it is.
    """

    SHARED = "conv"

    def __init__(self, width: int, grid: int, rank: int, routed: tuple[str, ...]) -> None:
        super().__init__()
        self.patches = grid**2
        self.rank = rank
        kinds = (self.SHARED, *routed)
        self.narrow = nn.Linear(width, len(kinds) * rank)
        self.operations = Operations(kinds, rank, grid)
        self.widen = nn.Linear(len(kinds) * rank, width, bias=False)
        self.bias = nn.Parameter(torch.zeros(len(kinds), width))
        nn.init.zeros_(self.widen.weight)

    def forward(self, tokens: Tensor, gates: Tensor) -> Tensor:
        """Map tokens (n, T, D) by the gates (n, E) of the routed experts.

        The last ``grid * grid`` tokens are patches; class token and prompts before them go through
        every expert but not through its work on the map.
        """
        narrowed = F.gelu(self.narrow(tokens))
        ahead, patches = narrowed[:, : -self.patches], narrowed[:, -self.patches :]
        hidden = F.gelu(torch.cat([ahead, self.operations(patches)], dim=1))
        weights = F.pad(gates, (1, 0), value=1.0).to(hidden.dtype)  # the shared expert's is 1
        weighed = hidden.unflatten(2, (-1, self.rank)) * weights[:, None, :, None]
        added: Tensor = self.widen(weighed.flatten(2))
        return added + (weights @ self.bias.to(weights.dtype))[:, None]


class Experts(nn.Module):
    """FMM as a whole: what describes images, and in every layer routes them and works on them.

    Attributes:
        open: Routed experts an image gets in a layer, at present.
    """

    def __init__(
        self,
        tower: TowerConfig,
        grid: int,
        rank: int,
        routed: tuple[str, ...],
        top_k: int,
        descriptor_width: int,
    ) -> None:
        super().__init__()
        self.routed = len(routed)
        self.top_k = self.open = top_k
        self.patches = grid**2
        layers = range(tower.layers)
        self.descriptor = ModalityDescriptor(tower.width, descriptor_width)
        self.routers = nn.ModuleList(
            Router(tower.width, descriptor_width, self.routed) for _ in layers
        )
        self.mixtures = nn.ModuleList(
            ExpertMixture(tower.width, grid, rank, routed) for _ in layers
        )

    def set_dense(self, dense: bool) -> None:
        """Open every expert, so that each gets a gradient, or only the best ``top_k``."""
        self.open = self.routed if dense else self.top_k

    def forward(
        self, layer: int, normed: Tensor, descriptor: Tensor, noise: Tensor | None = None
    ) -> tuple[Tensor, Routing]:
        """Say what a layer adds to tokens (n, T, D), and where it sent the n images."""
        routing = self.routers[layer](normed[:, -self.patches :], descriptor, self.open, noise)
        return self.mixtures[layer](normed, routing.gates), routing


def balance_loss(routing: Routing) -> Tensor:
    """Punish a few experts getting all images (Fedus et al., Switch Transformers, 2021).

    E times the sum over experts of the share of choices and the mean probability; 1 when even. Over
    a batch with equal parts R, D, I it leaves every modality free to own experts.
    """
    chosen = (routing.gates > 0).float()
    share = (chosen / chosen.sum(dim=-1, keepdim=True)).mean(dim=0)
    return routing.gates.shape[-1] * (share * routing.probabilities.mean(dim=0)).sum()


def information_loss(routing: Routing, modality: Tensor) -> Tensor:
    """Reward experts that belong to modalities: minus the information one gives of the other.

    Chen et al., "Mod-Squad", 2023, with their task being our modality.

    Args:
        routing: Of one layer, n images.
        modality: Their place in R, D, I, (n,) int64.
    """

    def entropy(mean: Tensor) -> Tensor:
        return -(mean * mean.clamp_min(1e-9).log()).sum()

    gates = routing.probabilities
    parts = [gates[modality == m] for m in range(len(MODALITIES)) if bool((modality == m).any())]
    within = torch.stack([len(part) / len(gates) * entropy(part.mean(dim=0)) for part in parts])
    return within.sum() - entropy(gates.mean(dim=0))


def magnitude_loss(routing: Routing) -> Tensor:
    """Keep router logits small, the z-loss of ST-MoE (Zoph et al., 2022)."""
    return routing.logits.logsumexp(dim=-1).square().mean()
