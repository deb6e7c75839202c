"""The plainest thing that turns features into an answer."""

from __future__ import annotations

from torch import Tensor, nn


class LinearHead(nn.Module):
    """A norm and one linear map, in log odds of bona fide.

    Cross-entropy uses two logits only through their difference, so that one number is enough.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.odds = nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Judge features (..., P), giving (...) in fp32, computed in the type of autocast if on."""
        odds: Tensor = self.odds(self.norm(features.float())).float().squeeze(-1)
        return odds
