"""RPL, refined prompt learning: prompts from image and text, kept and added to over the layers.

VPT and MaPLe replace a layer's prompts by new ones; here what a block made of them flows on and the
next layer's are added. The paper publishes visual prompts from the image, text prompts from random
values, and accumulation; the rest is inferred.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from flexpad.methods.fmm_rpl.options import Options


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

    What the options leave out is None, and has no parameters.

    Attributes:
        visual: (J, V, D).
        textual: (J, V, D_text), random, from no word.
        reinjection: How much of the image prompts is added again at a layer, (J,), 0 at start.
        ahead: How many visual prompts stand ahead of the patches: V or 0.
        couple: One low-rank map for all layers from text to vision, as MaPLe has one a layer.
    """

    def __init__(self, width: int, text_width: int, options: Options) -> None:
        super().__init__()
        depth, count = options.depth, options.prompts
        sees, says = options.has_visual_prompts, options.has_text_prompts
        self.depth = depth
        self.count = count
        self.ahead = count if sees else 0
        self.accumulate = options.prompt_mode == "accumulate"
        self.of_image = (
            ImagePrompts(width, count, options.prompt_width) if options.reads_images else None
        )
        self.visual = _start(depth, count, width) if sees else None
        self.textual = _start(depth, count, text_width) if says else None
        self.reinjection = (
            nn.Parameter(torch.zeros(depth)) if options.reads_images and options.reinject else None
        )
        inner = options.coupling_width
        self.couple = (
            nn.Sequential(nn.Linear(text_width, inner), nn.Linear(inner, width))
            if sees and says and options.couple
            else None
        )

    @property
    def context(self) -> Tensor | None:
        """What stands in the place of the placeholders of a sentence, (V, D_text), or None."""
        return None if self.textual is None else self.textual[0]

    def read(self, patches: Tensor) -> Tensor | None:
        """Read prompts off patch embeddings (n, N, D), (n, V, D), or None if none are read."""
        return None if self.of_image is None else self.of_image(patches)

    def add_visual(self, tokens: Tensor, layer: int, image: Tensor | None) -> Tensor:
        """Put in, or add to, the prompts behind the class token.

        Args:
            tokens: (n, 1 + N, D) at layer 0, (n, 1 + V + N, D) after it.
            layer: Counted from 0; from J on nothing is added.
            image: Prompts read off the image, (n, V, D), or None.

        Returns:
            (n, 1 + V + N, D).
        """
        if layer >= self.depth or self.visual is None:
            return tokens
        fresh = self._learned_for_vision(self.visual[layer], layer)
        if image is not None:
            fresh = fresh + self._share_of_image(layer) * image
        fresh = fresh.expand(len(tokens), -1, -1)
        if layer == 0:
            return torch.cat([tokens[:, :1], fresh.to(tokens.dtype), tokens[:, 1:]], 1)
        return self._renew(tokens, fresh)

    def add_textual(self, tokens: Tensor, layer: int) -> Tensor:
        """Add to the context behind the start token of sentences (K, L, D_text).

        At layer 0 it is in already.
        """
        if not 0 < layer < self.depth or self.textual is None:
            return tokens
        return self._renew(tokens, self.textual[layer].expand(len(tokens), -1, -1))

    def _learned_for_vision(self, visual: Tensor, layer: int) -> Tensor:
        """Give the prompts of a layer that depend on no image, (V, D)."""
        if self.couple is None or self.textual is None:
            return visual
        coupled: Tensor = self.couple(self.textual[layer].mean(dim=0))
        return visual + coupled

    def _share_of_image(self, layer: int) -> Tensor | float:
        if layer == 0:
            return 1.0
        return 0.0 if self.reinjection is None else self.reinjection[layer]

    def _renew(self, tokens: Tensor, fresh: Tensor) -> Tensor:
        """Add to what the last block made of the prompts, or replace it."""
        place = slice(1, 1 + self.count)
        kept = tokens[:, place] + fresh if self.accumulate else fresh.to(tokens.dtype)
        return torch.cat([tokens[:, :1], kept, tokens[:, place.stop :]], dim=1)


def _start(depth: int, count: int, width: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(depth, count, width) * 0.02)
