"""FM-ViT: a branch a modality, whose weights are its own, and blocks that cross between branches.

After Liu et al., "FM-ViT: Flexible Modal Vision Transformers for Face Anti-Spoofing", IEEE TIFS 18,
2023 (arXiv 2305.03277), built again from what its abstract says. The README of this folder marks
what is inferred, which is every size and most formulas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.branches import Branches, joined
from flexpad.components.linear_head import LinearHead
from flexpad.components.presence import mean_of_present, shown_in_training, visible
from flexpad.components.terms import by_modality, classification
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Block, Clip, VisionTower
from flexpad.methods import Method, read_options, unpack
from flexpad.methods.fm_vit.crossing import CrossModalBlock
from flexpad.types import BadInput, Batch, Evidence


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; ``config.yaml`` says what it means."""

    every: int
    kept_share: float
    hidden: float

    def __post_init__(self) -> None:
        if self.every < 1:
            raise BadInput(f"key 'every' should be at least 1, not {self.every}")
        if not 0 < self.kept_share <= 1:
            raise BadInput(
                f"key 'kept_share' should be more than 0 and at most 1, not {self.kept_share}"
            )
        if not 0 <= self.hidden <= 1:
            raise BadInput(f"key 'hidden' should be 0 to 1, not {self.hidden}")


def build(encoder: Encoder, given: Mapping[str, Any]) -> FmVit:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    options = read_options(Options, "fm_vit", given)
    return FmVit(encoder.clip, options)


class FmVit(Method):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for.

    Branches cross inside, so that every condition is a pass of its own.
    """

    def __init__(self, clip: Clip, options: Options) -> None:
        super().__init__()
        size = clip.config.vision
        if options.every > size.layers:
            raise BadInput(
                f"options of fm_vit: key 'every' should be at most {size.layers}, the blocks of the"
                f" encoder's image tower, not {options.every}"
            )
        self.options = options
        self.clip = clip
        self.clip.text.requires_grad_(False)  # it is never asked
        self.clip.log_scale.requires_grad_(False)
        self.branches = Branches(clip.vision)
        self.copies = self.branches.copies()
        kept = max(1, round(options.kept_share * clip.config.grid**2))
        self.crossings = nn.ModuleList(
            CrossModalBlock(size.width, size.heads, kept)
            for _ in range(size.layers // options.every)
        )
        self.head = LinearHead(clip.config.joint_width)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Each branch runs on the present images of its modality."""
        present, grid = batch.present, self.clip.config.grid
        features = self._encode(batch)
        image = features[:, :, 0]
        logits = unpack(self.head(image[present]), present, torch.nan)
        of_patches = self.head(features[present][:, 1:])
        return Evidence(
            logits=logits,
            fused=mean_of_present(logits, present),
            patches=unpack(of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(F.normalize(image[present].float(), dim=-1), present, 0.0),
            parts={"of_mean": self.head(mean_of_present(image, present))},
        )

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Cross-entropy of each branch, and of the mean of the branches' class tokens."""
        return {
            **by_modality(evidence.logits, batch.present, batch.target),
            "fused": classification(evidence.parts["of_mean"], batch.target),
        }

    def is_encoder(self, parameter: str) -> bool:
        """The tower of the encoder and its copies."""
        return parameter.startswith(("clip.", "branches."))

    def compile_vision(self, compiled: bool) -> None:
        """Choose whether torch compiles the blocks, between which branches wait for each other."""
        for module in self.modules():
            if compiled and isinstance(module, Block):
                module.compile()

    def _encode(self, batch: Batch) -> Tensor:
        """Run all branches in step, with what crosses between them.

        Returns:
            Features in the joint space, class token first, (B, M, 1 + N, P); 0 where absent.
        """
        present, first, every = batch.present, self.clip.vision, self.options.every
        shown = present
        if self.training:
            shown = shown_in_training(present, self.options.hidden, self.draws)
        sees = visible(shown)
        tokens = self.branches.ask(first, VisionTower.embed, batch.images, present)
        for place, crossing in enumerate(self.crossings):
            stage = range(place * every, (place + 1) * every)
            tokens = self.branches.ask(first, _run(stage), tokens, present)
            tokens = crossing(tokens, present, sees)
        rest = range(len(self.crossings) * every, len(first.blocks))
        tokens = self.branches.ask(first, _run(rest), tokens, present)
        return self.branches.ask(first, _finish, tokens, present)


def _run(layers: range) -> Callable[[VisionTower, Tensor], Tensor]:
    """Make what runs tokens (n, 1 + N, D) through these blocks of a tower."""

    def run(tower: VisionTower, tokens: Tensor) -> Tensor:
        for layer in layers:
            tokens = tower.blocks.step(layer, tokens)
        return tokens

    return run


def _finish(tower: VisionTower, tokens: Tensor) -> Tensor:
    """Turn what leaves the last block into features, image first, (n, 1 + N, P)."""
    return joined(tower.finish(tokens))
