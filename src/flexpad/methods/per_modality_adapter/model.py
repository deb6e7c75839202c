"""One encoder with a set of adapters for each modality, which an image gets by its modality's name.

The oracle for routing: it is told what a router has to find out, by the slot an image stands in.
Beside a method that learns to route it shows whether learning it helps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.conv_pass import AdapterOptions, ConvPass
from flexpad.components.heads import make_head
from flexpad.encoders import Encoder
from flexpad.methods import IndependentMethod, read_options, unpack
from flexpad.types import MODALITIES, Batch, Evidence


def build(encoder: Encoder, given: Mapping[str, Any]) -> PerModalityAdapter:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit, or the tokenizer lacks the words.
    """
    options = read_options(AdapterOptions, "per_modality_adapter", given)
    return PerModalityAdapter(encoder, options)


class AssignedPass:
    """One pass through the vision tower; the hook that gives each image its modality's adapters.

    Args:
        adapters: A list a modality, of one adapter a layer.
        counts: How many images there are of each; they stand in the order R, D, I.
    """

    def __init__(self, adapters: Sequence[nn.ModuleList], counts: Sequence[int]) -> None:
        self.shown = [pair for pair in zip(adapters, counts, strict=True) if pair[1]]

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Do nothing."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:  # noqa: ARG002 - nothing is put in
        """Leave the tokens as they are."""
        return tokens

    def beside(self, layer: int, normed: Tensor) -> Tensor:
        """Add to the MLP's answer what the adapter of an image's modality says."""
        parts = normed.split([count for _, count in self.shown])
        return torch.cat(
            [of_layer[layer](part) for (of_layer, _), part in zip(self.shown, parts, strict=True)]
        )


class PerModalityAdapter(IndependentMethod):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for.

    Attributes:
        adapters: Those of RGB, depth and IR in this order, one a layer in each.
    """

    def __init__(self, encoder: Encoder, options: AdapterOptions) -> None:
        super().__init__()
        self.clip = encoder.clip
        tower, grid = self.clip.config.vision, self.clip.config.grid
        self.adapters = nn.ModuleList(
            nn.ModuleList(
                ConvPass(tower.width, grid, options.rank, dropout=options.dropout)
                for _ in range(tower.layers)
            )
            for _ in MODALITIES
        )
        self.head = make_head(encoder, options)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, all of a modality together."""
        present, grid = batch.present.T, self.clip.config.grid  # (M, B)
        counts = present.sum(dim=1).tolist()
        of_modality = [layers for layers in self.adapters if isinstance(layers, nn.ModuleList)]
        adapted = AssignedPass(of_modality, counts)
        features = self.clip.vision(batch.images.transpose(0, 1)[present], adapted)
        judged = self.head(features, self.clip)
        embeddings = F.normalize(features.image.float(), dim=-1)
        evidence = Evidence(
            logits=unpack(judged.image, present, torch.nan).T,
            fused=torch.empty(0),
            patches=unpack(judged.patches, present, torch.nan)
            .transpose(0, 1)
            .unflatten(2, (grid, grid)),
            embeddings=unpack(embeddings, present, 0.0).transpose(0, 1),
        )
        return replace(evidence, fused=self.fuse(evidence, batch.present))
