"""One image tower for all modalities, a linear head, nothing else.

Every present image is judged alone by the same weights, and a subset by the mean of its logits. It
shows how hard a data set is, and what a method adds has to beat it. Trained from random weights it
is a small ViT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F

from flexpad.components.linear_head import LinearHead
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip
from flexpad.methods import IndependentMethod, read_options, unpack
from flexpad.types import BadInput, Batch, Evidence

POOLINGS = ("patches", "class_token")


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; ``config.yaml`` says what it means."""

    pooling: str

    def __post_init__(self) -> None:
        if self.pooling not in POOLINGS:
            raise BadInput(f"key 'pooling' should be {' or '.join(POOLINGS)}, not {self.pooling!r}")


def build(encoder: Encoder, given: Mapping[str, Any]) -> SharedVit:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    options = read_options(Options, "shared_vit", given)
    return SharedVit(encoder.clip, options)


class SharedVit(IndependentMethod):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    reaches_into_tower = False

    def __init__(self, clip: Clip, options: Options) -> None:
        super().__init__()
        self.clip = clip
        self.clip.text.requires_grad_(False)  # it is never asked
        self.clip.log_scale.requires_grad_(False)
        self.pools_patches = options.pooling == "patches"
        self.head = LinearHead(clip.config.joint_width)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, packed to (n, 3, H, W)."""
        present, grid = batch.present, self.clip.config.grid
        features = self.clip.vision(batch.images[present])
        of_patches = self.head(features.patches)
        logits = of_patches.mean(dim=1) if self.pools_patches else self.head(features.image)
        evidence = Evidence(
            logits=unpack(logits, present, torch.nan),
            fused=torch.empty(0),
            patches=unpack(of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(F.normalize(features.image.float(), dim=-1), present, 0.0),
        )
        return replace(evidence, fused=self.fuse(evidence, present))
