"""What the style of an image says: channel statistics of its regions, in the shallow layers.

Texture, which is what tells a print from skin in RGB, shows in how strongly channels vary over
neighbouring patches more than in the class token at the end; and where in a face it is says which
kind of instrument it might be, since crops are aligned. CFPL-FAS (CVPR 2024) makes prompts of
such statistics; no paper on FMM-RPL has this, so that all of it is inferred.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST_VARIANCE = 1e-8  # the root of 0 has no gradient


def region_statistics(patches: Tensor, grid: int, regions: int) -> Tensor:
    """Mean and deviation of each channel in every region of an image.

    Regions are squares that cover the grid evenly and overlap where it does not divide.

    Args:
        patches: (n, N, D), row by row.
        grid: Patches along a side.
        regions: R, regions along a side.

    Returns:
        (n, 2D, R, R) in fp32, means first.
    """
    maps = patches.float().transpose(1, 2).unflatten(2, (grid, grid))
    mean = F.adaptive_avg_pool2d(maps, regions)
    variance = F.adaptive_avg_pool2d(maps.square(), regions) - mean.square()
    return torch.cat([mean, variance.clamp_min(SMALLEST_VARIANCE).sqrt()], dim=1)


class StyleJudges(nn.Module):
    """Linear judges of style, weighed by what the image seems to be.

    What a texture means differs between modalities, which nobody tells at test. So there are as
    many judges as routed experts, and they are weighed by the description that routers read.

    Args:
        features: How many statistics an image has, S.
        descriptor_width: Length of the description, d; None if there is none: judges weigh alike.
        judges: How many.
    """

    def __init__(self, features: int, descriptor_width: int | None, judges: int) -> None:
        super().__init__()
        self.standardise = nn.BatchNorm1d(features, affine=False)
        self.judge = nn.Linear(features, judges)
        self.weigh = nn.Linear(descriptor_width, judges) if descriptor_width else None
        nn.init.zeros_(self.judge.weight)
        nn.init.zeros_(self.judge.bias)

    def forward(self, statistics: Tensor, descriptor: Tensor | None) -> Tensor:
        """Statistics (n, S) and descriptions (n, d) to log odds (n,), in fp32."""
        with torch.autocast(statistics.device.type, enabled=False):
            odds: Tensor = self.judge(self.standardise(statistics.float()))
            if self.weigh is None or descriptor is None:
                return odds.mean(dim=1)
            weights: Tensor = self.weigh(descriptor.float()).softmax(dim=1)
            return (odds * weights).sum(dim=1)
