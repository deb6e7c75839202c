"""RPL, refined prompt learning: prompts from image and text, kept and added to over the layers.

VPT and MaPLe replace a layer's prompts by new ones; here what a block made of them flows on and the
next layer's are added. The paper publishes visual prompts from the image, text prompts from random
values, and accumulation; the rest is inferred.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImagePrompts(nn.Module):
    """Reads V prompts off an image's own patch embeddings, by cross-attention from V queries."""

    def __init__(self, width: int, prompts: int, inner: int, heads: int = 4) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(prompts, inner) * 0.02)
        self.keys = nn.Linear(width, inner)
        self.norm_attention = nn.LayerNorm(inner)
        self.attention = nn.MultiheadAttention(inner, heads, batch_first=True)
        self.norm_mlp = nn.LayerNorm(inner)
        self.mlp = nn.Sequential(
            nn.Linear(inner, 2 * inner), nn.GELU(), nn.Linear(2 * inner, inner)
        )
        self.out = nn.Linear(inner, width)

    def forward(self, patches: Tensor) -> Tensor:
        """Patch embeddings without class token and positions (n, N, D) to prompts (n, V, D)."""
        keys = self.keys(patches)
        queries = self.queries.expand(len(patches), -1, -1)
        asked = self.attention(self.norm_attention(queries), keys, keys, need_weights=False)[0]
        queries = queries + asked
        return self.out(queries + self.mlp(self.norm_mlp(queries)))  # type: ignore[no-any-return]


class Prompts(nn.Module):
    """RPL as a whole: prompts read off images, and those of both towers over J layers.

    Attributes:
        visual: (J, V, D).
        textual: (J, V, D_text), random, from no word.
        reinjection: How much of the image prompts is added again at a layer, (J,), 0 at start.
        count: V, how many there are; with 0 nothing is put in anywhere.
    """

    def __init__(
        self,
        depth: int,
        count: int,
        width: int,
        text_width: int,
        reader_width: int,
        coupling_width: int,
        *,
        accumulate: bool,
    ) -> None:
        super().__init__()
        self.depth = depth
        self.count = count
        self.accumulate = accumulate
        self.of_image = ImagePrompts(width, count, reader_width)
        self.visual = nn.Parameter(torch.randn(depth, count, width) * 0.02)
        self.textual = nn.Parameter(torch.randn(depth, count, text_width) * 0.02)
        self.reinjection = nn.Parameter(torch.zeros(depth))
        # One low-rank map for all layers couples text to vision, as MaPLe's does a layer.
        self.couple = nn.Sequential(
            nn.Linear(text_width, coupling_width), nn.Linear(coupling_width, width)
        )

    def add_visual(self, tokens: Tensor, layer: int, image: Tensor) -> Tensor:
        """Put in, or add to, the prompts behind the class token.

        Args:
            tokens: (n, 1 + N, D) at layer 0, (n, 1 + V + N, D) after it.
            layer: Counted from 0; from J on nothing is added.
            image: Prompts read off the image, (n, V, D).

        Returns:
            (n, 1 + V + N, D).
        """
        if layer >= self.depth or not self.count:
            return tokens
        learned = self.visual[layer] + self.couple(self.textual[layer].mean(dim=0))
        if layer == 0:
            return torch.cat([tokens[:, :1], (image + learned).to(tokens.dtype), tokens[:, 1:]], 1)
        return self._renew(tokens, learned + self.reinjection[layer] * image)

    def add_textual(self, tokens: Tensor, layer: int) -> Tensor:
        """Add to the context behind the start token of sentences (K, L, D_text).

        At layer 0 it is in already.
        """
        if not 0 < layer < self.depth or not self.count:
            return tokens
        return self._renew(tokens, self.textual[layer].expand(len(tokens), -1, -1))

    def _renew(self, tokens: Tensor, fresh: Tensor) -> Tensor:
        """Add to what the last block made of the prompts, or replace it."""
        place = slice(1, 1 + self.count)
        kept = tokens[:, place] + fresh if self.accumulate else fresh.to(tokens.dtype)
        return torch.cat([tokens[:, :1], kept, tokens[:, place.stop :]], dim=1)
