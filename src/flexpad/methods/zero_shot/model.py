"""Zero-shot CLIP: an image is held against a sentence a class, and nothing is trained.

As Radford et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021
(arXiv 2103.00020), classify images. It shows what an encoder knows of attacks before it is taught.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.components.class_text import ClassText
from flexpad.components.terms import classification
from flexpad.encoders import Encoder
from flexpad.encoders.text import CLASS_WORDS, require_room, template_sentences
from flexpad.methods import IndependentMethod, read_options, unpack
from flexpad.types import BadInput, Batch, Evidence


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen; ``config.yaml`` says what it means."""

    template: str | tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.templates:
            raise BadInput("key 'template' should be a sentence or a list of some, and is empty")
        for template in self.templates:
            if template.count("{}") != 1:
                raise BadInput(
                    f"key 'template': {template!r} should have one {{}}, for the class word"
                )

    @property
    def templates(self) -> tuple[str, ...]:
        """One or several."""
        return (self.template,) if isinstance(self.template, str) else self.template


def build(encoder: Encoder, given: Mapping[str, Any]) -> ZeroShot:
    """Make the method from ``config.yaml`` and what is given otherwise.

    Raises:
        BadInput: An option is unknown or does not fit.
    """
    return ZeroShot(encoder, read_options(Options, "zero_shot", given))


class ZeroShot(IndependentMethod):
    """The method. See :class:`flexpad.methods.Method` for what its verbs are for."""

    trains = False
    reaches_into_tower = False

    def __init__(self, encoder: Encoder, options: Options) -> None:
        super().__init__()
        self.clip = encoder.clip.requires_grad_(False)  # whatever a recipe calls trainable
        sentences = template_sentences(encoder.tokenizer, options.templates)
        require_room(sentences, self.clip.config.context_length)
        self.class_text = ClassText(self.clip.config.text.width, sentences, learns_words=False)

    def forward(self, batch: Batch) -> Evidence:
        """Judge a batch. Only present images are encoded, packed to (n, 3, H, W)."""
        present, grid = batch.present, self.clip.config.grid
        features = self.clip.vision(batch.images[present])
        image = F.normalize(features.image.float(), dim=-1)
        patches = F.normalize(features.patches.float(), dim=-1)
        text = self.text_features()
        direction = self.clip.log_scale.float().exp() * (text[1] - text[0])
        # Not by @, which would round log odds in low precision.
        of_image, of_patches = ((part * direction).sum(dim=-1) for part in (image, patches))
        evidence = Evidence(
            logits=unpack(of_image, present, torch.nan),
            fused=torch.empty(0),
            patches=unpack(of_patches, present, torch.nan).unflatten(2, (grid, grid)),
            embeddings=unpack(image, present, 0.0),
        )
        return replace(evidence, fused=self.fuse(evidence, present))

    def text_features(self) -> Tensor:
        """Class features in the joint space, of several templates the mean; normalised, (2, P)."""
        of_sentences = self.class_text(self.clip.text)[0].unflatten(0, (-1, len(CLASS_WORDS)))
        return F.normalize(of_sentences.mean(dim=0), dim=-1)

    def loss(self, batch: Batch, evidence: Evidence) -> dict[str, Tensor]:
        """Cross-entropy of every present image, which nothing is trained by."""
        target = batch.target[batch.present.nonzero()[:, 0]]
        return {"global": classification(evidence.logits[batch.present], target)}
