"""How the present modalities of an item answer together; each was encoded alone."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.levels import mean_probability
from flexpad.types import Evidence


class Fused(NamedTuple):
    """What the modalities of B items answer together, in log odds.

    Attributes:
        score: (B,).
        trained: What the fusion term of the loss acts on, (B,).
    """

    score: Tensor
    trained: Tensor


class AttentionFusion(nn.Module):
    """Weighs the present modalities of an item by what their features say.

    Args:
        joint_width: P.
        inner: Width inside.
        levels: Whose answers make the score.
    """

    def __init__(self, joint_width: int, inner: int, levels: tuple[str, ...]) -> None:
        super().__init__()
        self.inner = nn.Linear(joint_width, inner)
        self.outer = nn.Linear(inner, 1, bias=False)  # one for all would change no weight
        self.levels = levels

    def forward(self, embeddings: Tensor, present: Tensor) -> Tensor:
        """Attend over modalities: (B, M, P) and (B, M) bool to weights (B, M), 0 where absent."""
        importance = self.outer(self.inner(embeddings).tanh()).squeeze(-1)
        weights: Tensor = importance.masked_fill(~present, -torch.inf).softmax(dim=1)
        return weights

    def fuse(self, evidence: Evidence, present: Tensor, scale: Tensor) -> Fused:
        """Answer for a subset of what was encoded, (B, M) bool, with the factor on cosines.

        The features of whole images are put together and judged as one; what other levels answer
        is put together with the same weights.
        """
        # What is absent is put to 0 before it is weighed with 0, since 0 * NaN is NaN.
        kept = evidence.embeddings.masked_fill(~present[..., None], 0.0)
        weight = self(kept, present)
        fused = F.normalize((weight[..., None] * kept).sum(dim=1), dim=-1)
        text = evidence.parts["text"].masked_fill(~present[..., None, None], 0.0)
        text = F.normalize((weight[..., None, None] * text).sum(dim=1), dim=-1)  # (B, 2, P)
        of_image = scale * (fused * (text[:, 1] - text[:, 0])).sum(dim=-1)

        def together(part: str) -> Tensor:
            answers = evidence.parts[part].masked_fill(~present, 0.0)
            weighed: Tensor = (weight * answers).sum(dim=1)
            return weighed

        if "style" in evidence.parts:  # it is a part of what the whole image answers
            of_image = of_image + together("style")
        answers = {level: together(level) for level in self.levels if level != "global"}
        answers["global"] = of_image
        return Fused(mean_probability([answers[level] for level in self.levels]), of_image)


class LogitFusion(nn.Module):
    """Adds the score logits of the present modalities, or takes their mean.

    The sum is what the public code of the FM-ViT and FM-CLIP authors does.
    """

    def __init__(self, *, mean: bool) -> None:
        super().__init__()
        self.mean = mean

    def fuse(self, evidence: Evidence, present: Tensor, scale: Tensor) -> Fused:  # noqa: ARG002
        """Answer for a subset of what was encoded, (B, M) bool."""
        together = evidence.logits.masked_fill(~present, 0.0).sum(dim=1)
        if self.mean:
            together = together / present.sum(dim=1)
        return Fused(together, together)


FUSIONS = ("attention", "sum", "mean")


def make_fusion(
    kind: str, joint_width: int, inner: int, levels: tuple[str, ...]
) -> AttentionFusion | LogitFusion:
    """Make the fusion of this name, one of :data:`FUSIONS`."""
    if kind == "attention":
        return AttentionFusion(joint_width, inner, levels)
    return LogitFusion(mean=kind == "mean")
