"""Attention from the class tokens of an item's modalities over the tokens of the others."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flexpad.components.presence import unpack


class CrossModalAttention(nn.Module):
    """Class tokens gather what they look for among the tokens of every modality they may see.

    One set of weights serves all modalities. Its last map starts at zero, so that training starts
    from the towers as they are.

    Args:
        width: Length D of a token.
        heads: Divides the width.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width)
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, asking: Tensor, tokens: Tensor, present: Tensor, sees: Tensor) -> Tensor:
        """Give what is to be added to class tokens.

        Args:
            asking: Class tokens, (B, M, D).
            tokens: What is gathered from, (B, M, L, D); read where it is present.
            present: (B, M) bool.
            sees: (B, M, M) bool, see :func:`flexpad.components.presence.visible`.

        Returns:
            (B, M, D), without meaning where absent.
        """
        items, modalities, length, width = tokens.shape
        split = (self.heads, width // self.heads)
        q = self.query(self.norm(asking)).unflatten(2, split).transpose(1, 2)  # (B, h, M, d)
        found = unpack(self.key_value(self.norm(tokens[present])), present, 0.0)
        k, v = found.view(items, modalities * length, 2, *split).permute(2, 0, 3, 1, 4)
        hidden = ~sees.repeat_interleave(length, dim=2)
        match = ((q * split[1] ** -0.5) @ k.transpose(2, 3)).float()
        shares = match.masked_fill(hidden[:, None], -torch.inf).softmax(dim=-1)
        mixed = shares.to(v.dtype) @ v
        added: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return added
