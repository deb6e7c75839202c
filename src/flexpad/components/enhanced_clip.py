"""CLIP with CMS-Enhancers and learned context: all that FM-CLIP has before its alignment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.class_text import ClassText
from flexpad.components.cms_enhancer import CmsEnhancer, EnhancedPass, Exchange
from flexpad.components.fusion import require_fusion
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip
from flexpad.encoders.text import class_sentences, require_room
from flexpad.engine.draws import Draws
from flexpad.types import BadInput, Batch


@dataclass(frozen=True, slots=True)
class EnhancedOptions:
    """What can be chosen; the ``config.yaml`` of a method says what it means."""

    width: int
    supplement_dropped: float
    prompts: int
    tune_class_words: bool
    class_residual: bool
    learn_scale: bool
    fusion: str

    def __post_init__(self) -> None:
        for key, least in (("width", 1), ("prompts", 0)):
            if getattr(self, key) < least:
                raise BadInput(f"key {key!r} should be at least {least}, not {getattr(self, key)}")
        if not 0 <= self.supplement_dropped <= 1:
            raise BadInput(
                f"key 'supplement_dropped' should be 0 to 1, not {self.supplement_dropped}"
            )
        require_fusion(self.fusion)


class Seen(NamedTuple):
    """What is seen in n present images.

    Attributes:
        of_image: Log odds of each image, (n,).
        of_patches: Log odds of each patch, (n, N).
        embeddings: Global features, normalised, (n, P).
        text: Class features, normalised, (1, 2, P).
        scale: Factor on cosines, one number.
    """

    of_image: Tensor
    of_patches: Tensor
    embeddings: Tensor
    text: Tensor
    scale: Tensor


class EnhancedClip(nn.Module):
    """Everything that is learned beside a CLIP, which it is given at each call.

    Args:
        encoder: Its CLIP sets the sizes, and its scale is freed where that is to be learned.
        options: What was chosen.

    Raises:
        BadInput: The context is longer than what the encoder reads.
    """

    def __init__(self, encoder: Encoder, options: EnhancedOptions) -> None:
        super().__init__()
        sizes = encoder.clip.config
        sentences = class_sentences(encoder.tokenizer, options.prompts)
        require_room(sentences, sizes.context_length)
        self.supplement_dropped = options.supplement_dropped
        self.enhancers = CmsEnhancer(sizes.vision, sizes.grid, options.width)
        self.context = None
        if options.prompts:
            self.context = nn.Parameter(torch.randn(options.prompts, sizes.text.width) * 0.02)
        self.class_text = ClassText(
            sizes.text.width,
            sentences,
            learns_words=options.tune_class_words,
            joint_width=sizes.joint_width if options.class_residual else None,
        )
        if options.learn_scale:
            encoder.clip.log_scale.requires_grad_(True)

    def forward(self, clip: Clip, batch: Batch, draws: Draws) -> Seen:
        """Encode a batch. Only present images are, packed to (n, 3, H, W).

        Args:
            clip: Whose towers are used.
            batch: What is to be judged.
            draws: Of the training step; not asked in evaluation.
        """
        exchange = Exchange(batch.present, self._supplemented(batch.present, draws))
        hook = EnhancedPass(self.enhancers, exchange)
        features = clip.vision(batch.images[batch.present], hook)
        image = F.normalize(features.image.float(), dim=-1)
        patches = F.normalize(features.patches.float(), dim=-1)
        text: Tensor = self.class_text(clip.text, self.context)
        scale = clip.log_scale.float().exp()
        direction = scale * (text[0, 1] - text[0, 0])
        # Not by @, which would round log odds in low precision.
        of_image, of_patches = ((part * direction).sum(dim=-1) for part in (image, patches))
        return Seen(of_image, of_patches, image, text, scale)

    def _supplemented(self, present: Tensor, draws: Draws) -> Tensor | None:
        """Draw whose modalities supplement each other in training, (B,); in evaluation all do."""
        if not self.training:
            return None
        drawn = draws.uniform("supplement", len(present)).to(present.device)
        return drawn >= self.supplement_dropped
