"""CMS-Enhancer: what FM-CLIP (Liu et al., ACM MM 2024) puts between the blocks of a frozen CLIP.

A spatial extractor, a frequency extractor and a cross-modal interactor work on the map of patches.
Their formulas are published as far as a reading note repeats them; that is marked at each. Tokens
stay (n, N, D) throughout, for which a 1x1 convolution is a linear map.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.spectrum import map_transform
from flexpad.encoders.clip import TowerConfig


class SpatialExtractor(nn.Module):
    """Conv1(GELU(Conv3(GELU(Conv1(F))))), the part of S that is added to F.

    Its form is published. # inferred: the bottleneck's width, and the starts, which are those of
    the adapter in the authors' public code: the 3x3 convolution passes on what it gets, the last
    map is zero.
    """

    def __init__(self, tokens_width: int, width: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.narrow = nn.Linear(tokens_width, width)
        self.convolution = nn.Conv2d(width, width, 3, padding=1)
        self.widen = nn.Linear(width, tokens_width)
        nn.init.dirac_(self.convolution.weight)
        for start in (self.convolution.bias, self.widen.weight, self.widen.bias):
            assert start is not None
            nn.init.zeros_(start)

    def forward(self, patches: Tensor) -> Tensor:
        """Map (n, N, D) to the same shape."""
        narrowed = F.gelu(self.narrow(patches))
        added: Tensor = self.widen(F.gelu(_convolve(self.convolution, narrowed, self.grid)))
        return added


class FrequencyExtractor(nn.Module):
    """Fq = U * F with U = sigmoid(Conv1(GELU(Conv1(DCT(F))))).

    So the note has it: the gate is read off the cosine transform and multiplied with the map
    itself, place (u, v) of the spectrum with patch (u, v), and no inverse transform is mentioned.
    # inferred: the bottleneck's width.
    """

    transform: Tensor

    def __init__(self, tokens_width: int, width: int, grid: int) -> None:
        super().__init__()
        self.narrow = nn.Linear(tokens_width, width)
        self.widen = nn.Linear(width, tokens_width)
        self.register_buffer("transform", map_transform(grid), persistent=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Map (n, N, D) to the same shape; the transform is computed in fp32."""
        # One map mixes patches and the other channels, so that they may change places: narrowed
        # first, the transform is of few channels. The bias belongs behind it.
        narrowed = F.linear(patches, self.narrow.weight)
        with torch.autocast(patches.device.type, enabled=False):
            transform = self.transform.expand(len(patches), -1, -1)
            spectrum = transform @ narrowed.float() + self.narrow.bias
        gate: Tensor = self.widen(F.gelu(spectrum)).sigmoid()
        return gate * patches


class Exchange:
    """Which modality is supplemented by which, for the packed present images of a batch.

    Args:
        present: (B, M) bool with n True.
        supplemented: Items whose modalities supplement each other, (B,) bool; None = all.
    """

    def __init__(self, present: Tensor, supplemented: Tensor | None = None) -> None:
        self.size = present.shape
        self.places = present.flatten().nonzero()[:, 0]  # (n,)
        itself = torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
        others = present[:, :, None] & present[:, None, :] & ~itself  # (B, M, M)
        if supplemented is not None:
            others = others & supplemented[:, None, None]
        self.shares = others / others.sum(dim=2, keepdim=True).clamp_min(1)

    def mean_of_others(self, packed: Tensor) -> Tensor:
        """Give for each image the mean over the other present modalities of its item.

        Args:
            packed: Maps of the present images, (n, N, D).

        Returns:
            (n, N, D); zero where an item has no other modality or is not supplemented.
        """
        items, modalities = self.size
        maps = packed.new_zeros(items * modalities, packed[0].numel())
        maps = maps.index_copy(0, self.places, packed.flatten(1)).unflatten(0, self.size)
        mixed: Tensor = self.shares.to(maps.dtype) @ maps  # (B, M, N * D)
        return mixed.flatten(0, 1)[self.places].view_as(packed)


class CrossModalInteractor(nn.Module):
    """E = Fq + eFq + (1 - M) * eFq of the others, with M = sigmoid(Conv3(Fq)) and eFq = M * Fq.

    Where a modality is sure of itself it keeps to itself; elsewhere the others supplement it. The
    sum is published for two modalities, R and D. # inferred: eFq; the mean over the others where
    there are three, and no supplement where there is one; a convolution of each channel by itself,
    since a full one would have 5 million weights in each block of a ViT-B/16.
    """

    def __init__(self, tokens_width: int, grid: int) -> None:
        super().__init__()
        self.grid = grid
        self.convolution = nn.Conv2d(tokens_width, tokens_width, 3, padding=1, groups=tokens_width)

    def forward(self, patches: Tensor, exchange: Exchange) -> Tensor:
        """Map (n, N, D), the Fq of all present images, to the same shape."""
        mask = _convolve(self.convolution, patches, self.grid).sigmoid()
        sure = mask * patches
        supplement = (1 - mask) * exchange.mean_of_others(sure)
        return patches + sure + supplement


class Enhancer(nn.Module):
    """One enhancer: what is added to the map of patches before a block.

    # inferred: the norm before it; the addition of both streams; and the factor on each channel of
    the second, zero at start as the last map of the first is, so that CLIP begins as it was.
    """

    def __init__(self, tokens_width: int, width: int, grid: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(tokens_width)
        self.spatial = SpatialExtractor(tokens_width, width, grid)
        self.frequency = FrequencyExtractor(tokens_width, width, grid)
        self.interactor = CrossModalInteractor(tokens_width, grid)
        self.gain = nn.Parameter(torch.zeros(tokens_width))

    def forward(self, patches: Tensor, exchange: Exchange) -> Tensor:
        """Map (n, N, D) to what is added to it."""
        normed = self.norm(patches)
        enhanced = self.interactor(self.frequency(normed), exchange)
        added: Tensor = self.spatial(normed) + self.gain * enhanced
        return added


class CmsEnhancer(nn.ModuleList):
    """The enhancers of all blocks of a vision tower.

    Args:
        tower: Which one.
        grid: Patches along a side of an image.
        width: Of the bottlenecks.
    """

    def __init__(self, tower: TowerConfig, grid: int, width: int) -> None:
        super().__init__(Enhancer(tower.width, width, grid) for _ in range(tower.layers))
        self.patches = grid**2


class EnhancedPass:
    """One pass through the vision tower: the hook that puts the enhancers into it."""

    def __init__(self, enhancers: CmsEnhancer, exchange: Exchange) -> None:
        self.enhancers = enhancers
        self.exchange = exchange

    def start(self, patches: Tensor, tokens: Tensor) -> None:
        """Do nothing; every block's own tokens are enhanced."""

    def before(self, layer: int, tokens: Tensor) -> Tensor:
        """Enhance the patches, the last N tokens; the class token learns of it in the block."""
        count = self.enhancers.patches
        ahead, patches = tokens[:, :-count], tokens[:, -count:]
        added = self.enhancers[layer](patches, self.exchange)
        return torch.cat([ahead, patches + added.to(patches.dtype)], dim=1)

    def beside(self, layer: int, normed: Tensor) -> None:  # noqa: ARG002 - nothing stands there
        """Add nothing."""
        return


def _convolve(convolution: nn.Conv2d, patches: Tensor, grid: int) -> Tensor:
    """Convolve the map that patches (n, N, C) make; the result has the same layout."""
    maps = patches.mT.unflatten(2, (grid, grid))
    convolved: Tensor = convolution(maps)
    return convolved.flatten(2).mT
