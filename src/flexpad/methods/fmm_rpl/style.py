"""What the style of an image says: the statistics of its channels, layer by layer.

Texture, which is what tells a print from skin in RGB, shows in how strongly channels vary over the
patches more than in the class token at the end. CFPL-FAS (CVPR 2024) makes prompts of such
statistics; no paper on FMM-RPL has this, so that all of it is inferred.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

# The judges learn as if at three times the rate of what stands beside them: they are linear and
# start at zero, and what they read is there from the first step.
GAIN = 3.0


class StyleJudges(nn.Module):
    """Linear judges of the statistics of all layers, weighed by what the image seems to be.

    What a texture means differs between modalities, which nobody tells at test. So there are as
    many judges as routed experts, and they are weighed by the description that routers read.

    Args:
        layers: Of the tower, L.
        width: Of tokens, D.
        descriptor_width: Length of the description, d; None if there is none: judges weigh alike.
        judges: How many.
    """

    def __init__(self, layers: int, width: int, descriptor_width: int | None, judges: int) -> None:
        super().__init__()
        self.standardise = nn.BatchNorm1d(2 * layers * width, affine=False)
        self.judge = nn.Linear(2 * layers * width, judges)
        self.weigh = nn.Linear(descriptor_width, judges) if descriptor_width else None
        nn.init.zeros_(self.judge.weight)
        nn.init.zeros_(self.judge.bias)

    def forward(self, statistics: Tensor, descriptor: Tensor | None) -> Tensor:
        """Statistics (n, L, 2D) and descriptions (n, d) to log odds (n,), in fp32."""
        with torch.autocast(statistics.device.type, enabled=False):
            odds: Tensor = GAIN * self.judge(self.standardise(statistics.float().flatten(1)))
            if self.weigh is None or descriptor is None:
                return odds.mean(dim=1)
            weights: Tensor = self.weigh(descriptor.float()).softmax(dim=1)
            return (odds * weights).sum(dim=1)
