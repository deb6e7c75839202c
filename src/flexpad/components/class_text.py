"""What the text tower says of the classes, attack and bona fide."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.encoders.clip import TextTower, TokenHook
from flexpad.encoders.text import ClassSentences


class ClassText(nn.Module):
    """Sentences of the classes to features, with or without learned words in them.

    In evaluation features that depend on no image are computed once and kept; they are forgotten
    when the mode is switched or weights are loaded.

    Args:
        width: Of the text tower, D_text.
        sentences: One a class, attack first.
        learns_words: Whether a shift of the class words' embeddings is learned, for an encoder
            that never saw them.
        joint_width: P, for a shift of the features to be learned too, which starts at zero (Yu et
            al., "Task Residual for Tuning Vision-Language Models", CVPR 2023); None for none.
        separates: Whether the features' mean over the classes is taken from them before they are
            normalised again. Features of two sentences that hardly differ then stand opposite each
            other, so that the largest possible log odds do not depend on how alike they were.
    """

    ids: Tensor
    ends: Tensor

    def __init__(
        self,
        width: int,
        sentences: ClassSentences,
        *,
        learns_words: bool,
        joint_width: int | None = None,
        separates: bool = False,
    ) -> None:
        super().__init__()
        self.context = sentences.context
        if learns_words:
            self.class_words = nn.Parameter(torch.zeros(len(sentences.ids), width))
        self.learns_words = learns_words
        self.residual = (
            None
            if joint_width is None
            else nn.Parameter(torch.zeros(len(sentences.ids), joint_width))
        )
        self.separates = separates
        self.register_buffer("ids", sentences.ids, persistent=False)
        self.register_buffer("ends", sentences.ends, persistent=False)
        self._kept: Tensor | None = None
        self.register_load_state_dict_post_hook(  # type: ignore[no-untyped-call]
            ClassText._forget
        )

    def forward(
        self,
        tower: TextTower,
        context: Tensor | None = None,
        hook: TokenHook | None = None,
        shift: Tensor | None = None,
    ) -> Tensor:
        """Give features in the joint space, normalised.

        Args:
            tower: Reads the sentences.
            context: Embeddings in place of the placeholders, (T, D_text); None leaves them.
            hook: Reaches between the blocks of the tower.
            shift: Added to the context, for each of n images its own, (n, D_text).

        Returns:
            (1, K, P), or (n, K, P) with a shift. Class 0 is attack, 1 is bona fide.
        """
        if shift is not None:
            return self._encode(tower, context, hook, shift)
        if self.training or torch.is_grad_enabled():
            return self._encode(tower, context, hook, None)
        if self._kept is None:
            self._kept = self._encode(tower, context, hook, None)
        return self._kept

    def train(self, mode: bool = True) -> ClassText:
        """Switch mode; features that were kept for evaluation are forgotten."""
        self._forget()
        super().train(mode)
        return self

    def _forget(self, _: object = None) -> None:
        self._kept = None

    def _encode(
        self,
        tower: TextTower,
        context: Tensor | None,
        hook: TokenHook | None,
        shift: Tensor | None,
    ) -> Tensor:
        words = tower.words(self.ids)  # (K, L, D_text)
        classes, count = len(words), self.context
        start, said, named = words.split([1, count, words.shape[1] - 1 - count], dim=1)
        if context is not None:
            said = context.expand(classes, -1, -1)
        if self.learns_words:
            named = torch.cat([named[:, :1] + self.class_words[:, None], named[:, 1:]], dim=1)
        if shift is None:
            shift = torch.zeros(1, words.shape[-1], device=words.device)
        shifted = said[None] + shift[:, None, None]  # (n, K, T, D_text)
        start, named = (part.expand(len(shift), -1, -1, -1) for part in (start, named))
        sentences = torch.cat([start, shifted, named], dim=2).flatten(0, 1)
        features = tower(sentences, self.ends.repeat(len(shift)), hook)
        normalised: Tensor = F.normalize(features.float(), dim=-1).unflatten(0, (-1, classes))
        return self._move(normalised)

    def _move(self, features: Tensor) -> Tensor:
        """Move the features of the classes (n, K, P) apart and by what is learned of them."""
        if self.separates:
            features = F.normalize(features - features.mean(dim=1, keepdim=True), dim=-1)
        if self.residual is not None:
            features = F.normalize(features + self.residual, dim=-1)
        return features
