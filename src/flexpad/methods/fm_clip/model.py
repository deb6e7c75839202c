"""FM-CLIP: enhancers in a frozen CLIP, learned prompts, and patches aligned with the text.

Liu, Ma et al., "FM-CLIP: Flexible Modal CLIP for Face Anti-Spoofing", ACM MM 2024. The modalities
of an item supplement each other inside the tower, so that each subset needs a pass of its own. The
README of this folder marks what is inferred.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from flexpad.components.alignment import align_with_text
from flexpad.components.enhanced_clip import EnhancedClip, EnhancedOptions
from flexpad.components.fusion import fuse_logits
from flexpad.components.levels import mean_probability
from flexpad.components.terms import classification
from flexpad.encoders import Encoder
from flexpad.methods import Method, read_options, unpack
from flexpad.types import BadInput, Batch, Evidence

SCORES = ("both", "global", "local")


@dataclass(frozen=True, slots=True)
class Options(EnhancedOptions):
    """What can be chosen; ``config.yaml`` says what it means."""

    score: str

    def __post_init__(self) -> None:
        EnhancedOptions.__post_init__(self)  # super() does not find its class in one with slots
        if self.score not in SCORES:
            raise BadInput(f"key 'score' should be {' or '.join(SCORES)}, not {self.score!r}")


def build(encoder: Encoder, given: Mapping[str, Any]) -> FmClip:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    return FmClip(encoder, read_options(Options, "fm_clip", given))


class FmClip(Method):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    def __init__(self, encoder: Encoder, options: Options) -> None:
        super().__init__()
        self.options = options
        self.clip = encoder.clip
        self.enhanced = EnhancedClip(encoder, options)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch by what is present in it; modalities of an item supplement each other."""
        present, grid = batch.present, self.clip.config.grid
        seen = self.enhanced(self.clip, batch, self.draws)
        of_patches = align_with_text(seen.of_patches, seen.text, seen.scale)
        local = of_patches.mean(dim=1)  # inferred; no patch is chosen, and so none by the label
        logits = unpack(self._combine(seen.of_image, local), present, torch.nan)
        return Evidence(
            logits=logits,
            fused=fuse_logits(logits, present, self.options.fusion),
            patches=unpack(of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(seen.embeddings, present, 0.0),
            parts={
                "global": unpack(seen.of_image, present, 0.0),
                "local": unpack(local, present, 0.0),
            },
        )

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Cross-entropy of images and of their patches, of equal weight."""
        target = batch.target[batch.present.nonzero()[:, 0]]
        return {
            level: classification(evidence.parts[level][batch.present], target)
            for level in ("global", "local")
        }

    def _combine(self, of_image: Tensor, local: Tensor) -> Tensor:
        """Give the score of an image, (n,) log odds."""
        if self.options.score == "both":
            return mean_probability([of_image, local])
        return of_image if self.options.score == "global" else local
