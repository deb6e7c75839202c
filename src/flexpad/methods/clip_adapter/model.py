"""CLIP with one ConvPass for all layers and both halves of each: the lab's own baseline.

After the public code of the FM-ViT and FM-CLIP authors. Every present image is judged alone by the
same weights, whichever its modality. The README of this folder says what differs from their code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.components.conv_pass import AdapterOptions, ConvPass
from flexpad.components.heads import make_head
from flexpad.encoders import Encoder
from flexpad.encoders.clip import BetweenHalves, Block, Blocks
from flexpad.methods import IndependentMethod, read_options, unpack
from flexpad.types import Batch, Evidence


def build(encoder: Encoder, given: Mapping[str, Any]) -> ClipAdapter:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit, or the tokenizer lacks the words.
    """
    options = read_options(AdapterOptions, "clip_adapter", given)
    return ClipAdapter(encoder, options)


class AdapterPass(BetweenHalves):
    """One pass through the vision tower; the hook that adds to both halves of every block.

    Either half is given the adapter's answer to the tokens that enter it, normalised as for the
    attention. That the MLP half takes this norm too, and not its own, is how the code has it.
    """

    added: Tensor  # what the half that runs is given

    def __init__(self, adapter: ConvPass, blocks: Blocks) -> None:
        self.adapter = adapter
        self.norms = [block.norm_attention for block in blocks if isinstance(block, Block)]

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Do nothing."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Ask the adapter about what enters the attention."""
        self.added = self.adapter(self.norms[layer](tokens))
        return tokens

    def between(self, layer: int, tokens: Tensor) -> Tensor:
        """Add its answer to that of the attention, and ask about what enters the MLP."""
        tokens = tokens + self.added
        self.added = self.adapter(self.norms[layer](tokens))
        return tokens

    def beside(self, layer: int, normed: Tensor) -> Tensor:  # noqa: ARG002 - see the class
        """Add its answer to that of the MLP."""
        return self.added


class ClipAdapter(IndependentMethod):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    def __init__(self, encoder: Encoder, options: AdapterOptions) -> None:
        super().__init__()
        self.clip = encoder.clip
        sizes = self.clip.config
        self.adapter = ConvPass(
            sizes.vision.width, sizes.grid, options.rank, dropout=options.dropout
        )
        self.head = make_head(encoder, options)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, packed to (n, 3, H, W)."""
        present, grid = batch.present, self.clip.config.grid
        adapted = AdapterPass(self.adapter, self.clip.vision.blocks)
        features = self.clip.vision(batch.images[present], adapted)
        judged = self.head(features, self.clip)
        evidence = Evidence(
            logits=unpack(judged.image, present, torch.nan),
            fused=torch.empty(0),
            patches=unpack(judged.patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(F.normalize(features.image.float(), dim=-1), present, 0.0),
        )
        return replace(evidence, fused=self.fuse(evidence, present))
