"""CMS-Enhancer: FM-CLIP without the alignment of patches, a row of its own in published tables.

Liu, Ma et al., "FM-CLIP: Flexible Modal CLIP for Face Anti-Spoofing", ACM MM 2024. What it is made
of is in :mod:`flexpad.components.cms_enhancer`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from flexpad.components.enhanced_clip import EnhancedClip, EnhancedOptions
from flexpad.components.fusion import fuse_logits
from flexpad.components.terms import classification
from flexpad.encoders import Encoder
from flexpad.methods import Method, read_options, unpack
from flexpad.types import Batch, Evidence


def build(encoder: Encoder, given: Mapping[str, Any]) -> Enhanced:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    options = read_options(EnhancedOptions, "cms_enhancer", given)
    return Enhanced(encoder, options)


class Enhanced(Method):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    def __init__(self, encoder: Encoder, options: EnhancedOptions) -> None:
        super().__init__()
        self.fusion = options.fusion
        self.clip = encoder.clip
        self.enhanced = EnhancedClip(encoder, options)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch by what is present in it; modalities of an item supplement each other."""
        present, grid = batch.present, self.clip.config.grid
        seen = self.enhanced(self.clip, batch, self.draws)
        logits = unpack(seen.of_image, present, torch.nan)
        return Evidence(
            logits=logits,
            fused=fuse_logits(logits, present, self.fusion),
            patches=unpack(seen.of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(seen.embeddings, present, 0.0),
        )

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Cross-entropy of every present image; patches are only looked at."""
        target = batch.target[batch.present.nonzero()[:, 0]]
        return {"global": classification(evidence.logits[batch.present], target)}
