"""The discrete cosine transform of maps of patches."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def cosine_transform(size: int) -> Tensor:
    """Make the orthonormal DCT-II matrix, (size, size).

    >>> matrix = cosine_transform(7)
    >>> torch.allclose(matrix @ matrix.T, torch.eye(7), atol=1e-6)
    True
    """
    frequency = torch.arange(size, dtype=torch.float64)[:, None]
    place = torch.arange(size, dtype=torch.float64)[None]
    matrix = torch.cos(math.pi * (2 * place + 1) * frequency / (2 * size)) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def map_transform(grid: int) -> Tensor:
    """Make the matrix that transforms a map of patches along both sides, (N, N) with N = grid².

    It is applied to patches (n, N, C) in row-major order. One product of N x N takes less time than
    two of grid x grid, between which the map has to be turned.
    """
    along_a_side = cosine_transform(grid)
    return torch.kron(along_a_side, along_a_side)
