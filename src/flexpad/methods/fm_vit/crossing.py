"""What crosses between the branches of FM-ViT: the cross-modal transformer block (CMTB).

Two attentions, one after the other. Mutual attention (MMA) lets the modalities of an item agree on
which places are worth looking at; fusion attention (MFA) lets the class token of each gather from
the patches of all. One set of weights serves every branch.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flexpad.components.cross_modal import CrossModalAttention
from flexpad.components.presence import unpack
from flexpad.encoders.clip import attend


def relevance(q: Tensor, k: Tensor) -> Tensor:
    """Tell how much the class token of an image attends to each patch, mean over heads, (n, N).

    Args:
        q: Queries, (n, heads, 1 + N, d); the first is the class token's.
        k: Keys, the same shape.
    """
    match = (q[:, :, :1].float() * q.shape[-1] ** -0.5) @ k[:, :, 1:].float().transpose(2, 3)
    of_patches: Tensor = match.softmax(dim=-1).mean(dim=1).squeeze(1)
    return of_patches


def most_relevant(relevant: Tensor, present: Tensor, sees: Tensor, count: int) -> Tensor:
    """Choose places by how relevant they are, on average, to the modalities an image sees.

    Args:
        relevant: Of the n present images in row-major order, (n, N).
        present: (B, M) bool with n True.
        sees: (B, M, M) bool.
        count: Places to keep.

    Returns:
        Indices of patches, (n, count).
    """
    of_all = unpack(relevant, present, 0.0)  # (B, M, N)
    shares = sees.to(of_all.dtype)
    mutual = shares @ of_all / shares.sum(dim=-1, keepdim=True)
    return mutual[present].topk(count, dim=-1).indices


class MutualAttention(nn.Module):
    """MMA: the tokens of an image read those of its patches that its modalities agree on.

    Args:
        width: Length D of a token.
        heads: Divides the width.
        kept: How many patches are read.
    """

    def __init__(self, width: int, heads: int, kept: int) -> None:
        super().__init__()
        self.heads = heads
        self.kept = kept
        self.norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        nn.init.zeros_(self.out.weight)  # inferred: training starts from the branches as they are
        nn.init.zeros_(self.out.bias)

    def forward(self, tokens: Tensor, present: Tensor, sees: Tensor) -> Tensor:
        """Give what is to be added to the tokens of the n present images.

        Args:
            tokens: Packed in row-major order, (n, 1 + N, D).
            present: (B, M) bool.
            sees: (B, M, M) bool, see :func:`flexpad.components.presence.visible`.

        Returns:
            (n, 1 + N, D).
        """
        split = self.qkv(self.norm(tokens)).unflatten(2, (3, self.heads, -1))
        q, k, v = split.permute(2, 0, 3, 1, 4)  # (n, h, 1 + N, d)
        with torch.no_grad():  # a choice has no gradient
            places = most_relevant(relevance(q, k), present, sees, self.kept)
        index = places[:, None, :, None].expand(-1, self.heads, -1, q.shape[-1])
        k, v = (patches[:, :, 1:].gather(2, index) for patches in (k, v))
        mixed = attend(q, k, v, causal=False).transpose(1, 2).flatten(2)
        added: Tensor = self.out(mixed)
        return added


class CrossModalBlock(nn.Module):
    """CMTB: mutual attention on all tokens, then fusion attention on class tokens.

    Args:
        width: Length D of a token.
        heads: Divides the width.
        kept: How many patches mutual attention reads.
    """

    def __init__(self, width: int, heads: int, kept: int) -> None:
        super().__init__()
        self.mutual = MutualAttention(width, heads, kept)
        self.fusion = CrossModalAttention(width, heads)

    def forward(self, tokens: Tensor, present: Tensor, sees: Tensor) -> Tensor:
        """Run the block on tokens (B, M, 1 + N, D); what is absent is not read, and junk after."""
        added = self.mutual(tokens[present], present, sees)
        tokens = tokens + unpack(added, present, 0.0)
        asking, patches = tokens[:, :, 0], tokens[:, :, 1:]
        asking = asking + self.fusion(asking, patches, present, sees)
        return torch.cat([asking[:, :, None], patches], dim=2)
