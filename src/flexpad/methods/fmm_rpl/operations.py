"""What the experts of FMM-RPL do on the map of patches, each in ``rank`` channels of its own.

Tokens stay (n, N, C) throughout, which in memory is a map with its channels last.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from flexpad.components.spectrum import map_transform


class Pointwise(nn.Identity):
    """Global re-mapping: no exchange between patches."""

    def __init__(self, rank: int, grid: int) -> None:  # noqa: ARG002 - nothing to size
        super().__init__()


class Convolution(nn.Conv2d):
    """Smooth local geometry: a 3x3 convolution over patches."""

    bias: Tensor

    def __init__(self, rank: int, grid: int) -> None:  # noqa: ARG002 - any grid will do
        super().__init__(rank, rank, 3, padding=1)

    def kernel(self) -> Tensor:
        """Give what the map is convolved with, (r, r, 3, 3)."""
        return self.weight


class CentralDifference(Convolution):
    """Micro-texture: a 3x3 convolution less a share of its response to a constant.

    Yu et al., "Searching Central Difference Convolutional Networks for Face Anti-Spoofing",
    CVPR 2020, with their share of 0.7. The response to a constant is the sum of the weights, so
    that the difference is a convolution too, with that share of the sum taken from the centre.
    """

    SHARE = 0.7
    difference: Tensor

    def __init__(self, rank: int, grid: int) -> None:
        super().__init__(rank, grid)
        difference = torch.eye(9)
        difference[:, 4] -= self.SHARE
        self.register_buffer("difference", difference, persistent=False)

    def kernel(self) -> Tensor:
        """Give what the map is convolved with, (r, r, 3, 3); computed in fp32."""
        with torch.autocast(self.weight.device.type, enabled=False):
            return (self.weight.flatten(2) @ self.difference).view_as(self.weight)


class SpectralGate(nn.Module):
    """Spectra of reflectance and moire: a learned gate on the discrete cosine transform.

    The frequency extractor of FM-CLIP (Liu et al., ACM MM 2024), with the inverse transform that
    brings the result back to patches.
    """

    transform: Tensor

    def __init__(self, rank: int, grid: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(nn.Conv2d(rank, rank, 1), nn.GELU(), nn.Conv2d(rank, rank, 1))
        self.register_buffer("transform", map_transform(grid), persistent=False)

    def forward(self, patches: Tensor) -> Tensor:
        """Map (n, N, r) to the same shape; computed in fp32."""
        with torch.autocast(patches.device.type, enabled=False):
            transform = self.transform.expand(len(patches), -1, -1)
            spectrum = transform @ patches.float()
            gated = self._gate(spectrum).sigmoid() * spectrum
            return (transform.mT @ gated).to(patches.dtype)

    def _gate(self, spectrum: Tensor) -> Tensor:
        first, activation, second = self.gate
        return _by_channel(second, activation(_by_channel(first, spectrum)))


def _by_channel(convolution: nn.Module, patches: Tensor) -> Tensor:
    """Apply a 1x1 convolution to (n, N, C), for which it is a linear map."""
    assert isinstance(convolution, nn.Conv2d)
    return F.linear(patches, convolution.weight.flatten(1), convolution.bias)


EXPERTS: dict[str, type[Pointwise | Convolution | SpectralGate]] = {
    "linear": Pointwise,
    "conv": Convolution,
    "cdc": CentralDifference,
    "dct": SpectralGate,
}


class Operations(nn.ModuleList):
    """The operations of all experts of a layer; those that convolve do it together."""

    def __init__(self, kinds: Sequence[str], rank: int, grid: int) -> None:
        super().__init__(EXPERTS[kind](rank, grid) for kind in kinds)
        self.rank = rank
        self.grid = grid

    def forward(self, patches: Tensor) -> Tensor:
        """Map (n, N, K * r), of which every expert has r channels, to the same shape."""
        parts = list(zip(self, patches.split(self.rank, dim=2), strict=True))
        convolving = [part for operation, part in parts if isinstance(operation, Convolution)]
        convolved = iter(self._convolve(torch.cat(convolving, dim=2)) if convolving else ())
        worked = [
            next(convolved) if isinstance(operation, Convolution) else operation(part)
            for operation, part in parts
        ]
        return torch.cat(worked, dim=2)

    def _convolve(self, patches: Tensor) -> tuple[Tensor, ...]:
        """Run all convolutions as the groups of one, since a call costs more than its work."""
        convolutions = [operation for operation in self if isinstance(operation, Convolution)]
        maps = patches.transpose(1, 2).unflatten(2, (self.grid, self.grid))
        kernels = torch.cat([convolution.kernel() for convolution in convolutions])
        biases = torch.cat([convolution.bias for convolution in convolutions])
        worked = F.conv2d(maps, kernels, biases, padding=1, groups=len(convolutions))
        parts: tuple[Tensor, ...] = worked.flatten(2).mT.split(self.rank, dim=2)
        return parts
