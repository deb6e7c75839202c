"""Terms of the loss that act on routers alone: balance, information, magnitude.

They take a routing whose decisions stand in rows, gates (n, E), whether an image took one or many.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from flexpad.methods.fmm_rpl.routers import Routing
from flexpad.types import MODALITIES


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
        routing: Of one layer, n decisions.
        modality: Of their images, the place in R, D, I, (n,) int64.
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


BALANCES: dict[str, Callable[[Routing, Tensor], Tensor]] = {
    "switch": lambda routing, _: balance_loss(routing),
    "information": information_loss,
}


def mean_over_layers(
    term: Callable[[Routing, Tensor], Tensor], gates: Tensor, logits: Tensor, modality: Tensor
) -> Tensor:
    """Mean of a term over the layers of n images.

    Args:
        term: Of the decisions of a layer and the modality of their images.
        gates: (n, L, S, E).
        logits: (n, L, S, E).
        modality: Place in R, D, I, (n,) int64.
    """
    decisions = modality.repeat_interleave(gates.shape[2])
    values = []
    for opened, of_layer in zip(gates.unbind(dim=1), logits.unbind(dim=1), strict=True):
        rows = of_layer.flatten(0, 1)
        routing = Routing(opened.flatten(0, 1), rows.softmax(dim=-1), rows)
        values.append(term(routing, decisions))
    return torch.stack(values).mean()
