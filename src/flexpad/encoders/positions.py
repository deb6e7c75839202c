"""Position embeddings for images of another size than the weights were trained on."""

from __future__ import annotations

from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from flexpad.encoders.clip import ClipConfig
from flexpad.types import BadInput


def resized(config: ClipConfig, image_size: int | None) -> ClipConfig:
    """Give the sizes of the same CLIP for other images; None = those it has.

    Raises:
        BadInput: Patches do not tile such an image.
    """
    if image_size is None or image_size == config.image_size:
        return config
    if image_size % config.patch_size:
        lower = image_size // config.patch_size * config.patch_size
        raise BadInput(
            f"image_size {image_size} should be a multiple of the patch size {config.patch_size},"
            f" such as {lower or config.patch_size} or {lower + config.patch_size}"
        )
    return replace(config, image_size=image_size)


def interpolate(positions: Tensor, grid: int, *, antialias: bool) -> Tensor:
    """Stretch position embeddings to another grid, bicubically; that of the class token stays.

    Args:
        positions: The class token's, then those of a square grid row by row, (1 + N, D).
        grid: Patches along a side of the new one.
        antialias: Smooth before the grid gets smaller, as open_clip does and transformers does not.

    Returns:
        The same for the new grid, (1 + grid², D).
    """
    width = positions.shape[1]
    before = round((len(positions) - 1) ** 0.5)
    if before == grid:
        return positions
    of_class, of_patches = positions[:1], positions[1:]
    planes = of_patches.reshape(1, before, before, width).permute(0, 3, 1, 2).float()
    planes = F.interpolate(
        planes, size=(grid, grid), mode="bicubic", align_corners=False, antialias=antialias
    )
    of_patches = planes.permute(0, 2, 3, 1).reshape(grid**2, width).to(positions.dtype)
    return torch.cat([of_class, of_patches])
