"""Features of images and patches to log odds of bona fide: by sentences, or by a linear map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.class_text import ClassText
from flexpad.encoders import Encoder
from flexpad.encoders.clip import Clip, VisionFeatures
from flexpad.encoders.text import written_sentences
from flexpad.types import BadInput


@dataclass(frozen=True, slots=True)
class HeadOptions:
    """What can be chosen about a head.

    Attributes:
        head: ``text`` or ``linear``.
        sentences: Of the classes, with ``{}`` for the class word; the first that the tokenizer
            knows every word of is used.
        tune_class_words: Whether a shift of the class words' embeddings is learned.
        learn_scale: Whether the factor on cosines is learned with a frozen encoder.
    """

    head: str
    sentences: tuple[str, ...]
    tune_class_words: bool
    learn_scale: bool

    def __post_init__(self) -> None:
        if self.head not in ("text", "linear"):
            raise BadInput(f"key 'head' should be text or linear, not {self.head!r}")
        for key in ("tune_class_words", "learn_scale"):
            if self.head == "linear" and getattr(self, key):
                raise BadInput(f"key {key!r} is for 'head: text'; a linear head has no words")


class Judged(NamedTuple):
    """Log odds of bona fide.

    Attributes:
        image: (n,).
        patches: (n, N).
    """

    image: Tensor
    patches: Tensor


class TextJudge(nn.Module):
    """Cosines with one sentence a class, times the factor CLIP learned for cosines.

    Args:
        encoder: Whose sentences and scale they are.
        options: ``sentences``, ``tune_class_words`` and ``learn_scale`` of it.

    Raises:
        BadInput: The tokenizer does not know the words of any sentence.
    """

    def __init__(self, encoder: Encoder, options: HeadOptions) -> None:
        super().__init__()
        sentences = written_sentences(encoder.tokenizer, options.sentences)
        width = encoder.clip.config.text.width
        self.class_text = ClassText(width, sentences, learns_words=options.tune_class_words)
        if options.learn_scale:
            encoder.clip.log_scale.requires_grad_(True)

    def forward(self, features: VisionFeatures, clip: Clip) -> Judged:
        """Judge n images and their patches, in fp32."""
        text = self.class_text(clip.text)[0]
        direction = clip.log_scale.float().exp() * (text[1] - text[0])
        return Judged(
            *((F.normalize(said.float(), dim=-1) * direction).sum(dim=-1) for said in features)
        )


class LinearJudge(nn.Module):
    """A linear map of normalised features.

    The norm has no weights: a linear map follows, which could undo them. Two logits, as papers
    have them, are used only through their difference.

    Args:
        encoder: Whose features are read; its text tower is frozen, since it is never asked.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        width = encoder.clip.config.joint_width
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.linear = nn.Linear(width, 1)
        encoder.clip.text.requires_grad_(False)
        encoder.clip.log_scale.requires_grad_(False)

    def forward(self, features: VisionFeatures, clip: Clip) -> Judged:  # noqa: ARG002 - as above
        """Judge n images and their patches."""
        return Judged(
            *(self.linear(self.norm(said.float())).float().squeeze(-1) for said in features)
        )


def make_head(encoder: Encoder, options: HeadOptions) -> TextJudge | LinearJudge:
    """Make the head that is chosen.

    Raises:
        BadInput: The tokenizer does not know the words of any sentence.
    """
    return TextJudge(encoder, options) if options.head == "text" else LinearJudge(encoder)
