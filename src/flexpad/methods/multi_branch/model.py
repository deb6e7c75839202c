"""One tuned encoder a modality, and one cross-modal attention layer that all of them share.

It is the design that FMM-RPL (DOI 10.1007/s11704-026-50892-9) argues against, as panel (a) of its
figure draws it. The towers know nothing of each other, so that one pass through them answers every
subset: only the layer on top is asked again. The README marks what is not published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.components.branches import Branches, joined
from flexpad.components.cross_modal import CrossModalAttention
from flexpad.components.linear_head import LinearHead
from flexpad.components.presence import mean_of_present, shown_in_training, visible
from flexpad.components.terms import by_modality, classification
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, VisionTower
from flexpad.methods import Method, read_options, unpack
from flexpad.types import BadInput, Batch, Evidence

GATHERED = ("all_tokens", "class_tokens")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; ``config.yaml`` says what it means."""

    heads: int
    gathers: str
    hidden: float

    def __post_init__(self) -> None:
        if self.heads < 1:
            raise BadInput(f"key 'heads' should be at least 1, not {self.heads}")
        if self.gathers not in GATHERED:
            known = " or ".join(GATHERED)
            raise BadInput(f"key 'gathers' should be {known}, not {self.gathers!r}")
        if not 0 <= self.hidden <= 1:
            raise BadInput(f"key 'hidden' should be 0 to 1, not {self.hidden}")


def build(encoder: Encoder, given: Mapping[str, Any]) -> MultiBranch:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    options = read_options(Options, "multi_branch", given)
    return MultiBranch(encoder.clip, options)


class MultiBranch(Method):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    encodes_independently = True
    reaches_into_tower = False

    def __init__(self, clip: Clip, options: Options) -> None:
        super().__init__()
        width = clip.config.joint_width
        if width % options.heads:
            raise BadInput(
                f"options of multi_branch: key 'heads': {options.heads} does not divide the joint"
                f" width {width} of the encoder"
            )
        self.options = options
        self.clip = clip
        self.clip.text.requires_grad_(False)  # it is never asked
        self.clip.log_scale.requires_grad_(False)
        self.branches = Branches(clip.vision)
        self.copies = self.branches.copies()
        self.crossing = CrossModalAttention(width, options.heads)
        self.head = LinearHead(width)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Each branch encodes the present images of its modality."""
        present, grid = batch.present, self.clip.config.grid
        shown = present
        if self.training:
            shown = shown_in_training(present, self.options.hidden, self.draws)
        tokens = self.branches.ask(self.clip.vision, _encode, batch.images, present)
        enriched = self._cross(tokens, present, shown)
        of_patches = self.head(tokens[present][:, 1:])
        return Evidence(
            logits=unpack(self.head(enriched[present]), present, torch.nan),
            fused=self.head(mean_of_present(enriched, present)),
            patches=unpack(of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(F.normalize(enriched[present], dim=-1), present, 0.0),
            # No loss reads them, and in training processes would exchange them.
            parts={} if self.training else {"tokens": tokens},
        )

    def fuse(self, evidence: Evidence, present: Tensor) -> Tensor:
        """Answer for a subset of what was encoded, (B, M) bool, at least one True per row.

        The evidence is that of a pass in evaluation mode.
        """
        enriched = self._cross(evidence.parts["tokens"], present, present)
        return self.head(mean_of_present(enriched, present))  # type: ignore[no-any-return]

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Cross-entropy of each branch and of all present branches together."""
        return {
            **by_modality(evidence.logits, batch.present, batch.target),
            "fused": classification(evidence.fused, batch.target),
        }

    def is_encoder(self, parameter: str) -> bool:
        """The tower of the encoder and its copies."""
        return parameter.startswith(("clip.", "branches."))

    def _cross(self, tokens: Tensor, present: Tensor, shown: Tensor) -> Tensor:
        """Let class tokens see each other: (B, M, 1 + N, P) to (B, M, P), in fp32.

        Args:
            tokens: Class token first.
            present: (B, M) bool.
            shown: What of it other modalities see, (B, M) bool.
        """
        asking = tokens[:, :, 0]
        gathered = tokens if self.options.gathers == "all_tokens" else tokens[:, :, :1]
        added: Tensor = self.crossing(asking, gathered, present, visible(shown))
        return asking.float() + added.float()


def _encode(tower: VisionTower, images: Tensor) -> Tensor:
    """Encode normalised images (n, 3, H, W) to features, image first, (n, 1 + N, P)."""
    return joined(tower(images))
