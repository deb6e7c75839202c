"""The refined cross-level loss: globals, patches, and what should agree between them.

Everything here is a log odds: positive says bona fide.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.types import MODALITIES


def agreement(of_image: Tensor, of_patches: Tensor) -> Tensor:
    """Symmetric divergence of two answers (n,), each pulled toward the other held still."""
    return 0.5 * (
        _divergence(of_image.detach(), of_patches) + _divergence(of_patches.detach(), of_image)
    )


def _divergence(held: Tensor, moved: Tensor) -> Tensor:
    """KL divergence of Bernoulli distributions given by log odds, mean over n."""
    bonafide = held.sigmoid() * (F.logsigmoid(held) - F.logsigmoid(moved))
    attack = (-held).sigmoid() * (F.logsigmoid(-held) - F.logsigmoid(-moved))
    return (bonafide + attack).mean()


def shared_cues(embeddings: Tensor, target: Tensor, item: Tensor, temperature: float) -> Tensor:
    """Supervised contrast over modalities, tight for bona fide and loose for attacks.

    The positives of a bona fide image are all bona fide images of any modality; those of an attack
    only the other modalities of the same item, since attacks need not look alike. The form is that
    of Khosla et al., "Supervised Contrastive Learning", 2020; the asymmetry follows DADM (2025).

    Args:
        embeddings: Normalised global features, (n, P).
        target: 1 for bona fide, (n,).
        item: Which item an image belongs to, (n,) int64.
        temperature: Divides the cosines.
    """
    cosines = embeddings @ embeddings.T / temperature
    itself = torch.eye(len(cosines), dtype=torch.bool, device=cosines.device)
    log_share = cosines - cosines.masked_fill(itself, -torch.inf).logsumexp(dim=1, keepdim=True)
    both_bonafide = (target[:, None] == 1) & (target[None] == 1)
    positive = (both_bonafide | (item[:, None] == item[None])) & ~itself
    count = positive.sum(dim=1)
    anchors = count > 0
    per_anchor = (log_share * positive).sum(dim=1) / count.clamp_min(1)
    return -(per_anchor * anchors).sum() / anchors.sum().clamp_min(1)


def choose_subsets(present: Tensor, drawn: Tensor) -> Tensor:
    """Choose for each item which of its modalities the fusion is trained on.

    Uniform over RD, RI, DI, RDI for an item with all three. An item that has none of the drawn
    pair keeps what it has.

    Args:
        present: (B, M) bool.
        drawn: A number in [0, 1) for each item, (B,); at 0 an item keeps all it has.

    Returns:
        (B, M) bool; a row has fewer than two True only where the item has fewer than two.
    """
    subsets = torch.ones(len(MODALITIES) + 1, len(MODALITIES), dtype=torch.bool)
    subsets[1:] ^= torch.eye(len(MODALITIES), dtype=torch.bool)
    chosen = subsets.to(present.device)[(drawn * len(subsets)).long()] & present
    enough = chosen.sum(dim=1, keepdim=True) >= 2
    return torch.where(enough, chosen, present)
