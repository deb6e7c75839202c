"""Tileable noise that is looked up rather than computed."""

from __future__ import annotations

from functools import cache

import numpy as np

from flexpad.synth.arrays import Floats

CELLS = 64  # cells along each side of a volume
FEATURE = 6.0  # cells from one bump to the next
VOLUMES = 4  # independent fields
_SEED = 20260311


@cache
def _volumes() -> Floats:
    """Band-limited Gaussian noise with zero mean and unit variance, (VOLUMES, C, C, C)."""
    rng = np.random.default_rng(_SEED)
    frequency = np.fft.fftfreq(CELLS)
    z, y, x = np.meshgrid(frequency, frequency, frequency, indexing="ij")
    radius = np.sqrt(x**2 + y**2 + z**2) * FEATURE
    band = np.exp(-(((radius - 1) / 0.55) ** 2))
    fields = []
    for _ in range(VOLUMES):
        white = np.fft.fftn(rng.standard_normal((CELLS,) * 3))
        field = np.fft.ifftn(white * band).real
        fields.append((field - field.mean()) / field.std())
    return np.stack(fields).astype(np.float32)


def noise(points: Floats, feature: float | tuple[float, float, float], volume: int = 0) -> Floats:
    """Look noise up at points, without interpolation: for features near or below a pixel.

    Args:
        points: Where, (n, 3).
        feature: Distance from one bump to the next in the unit of the points, one number or one
            per axis (anisotropic noise gives strands).
        volume: Which of the independent fields.

    Returns:
        Values with zero mean and unit variance, (n,).
    """
    scale = (FEATURE / np.asarray(feature, np.float32)).astype(np.float32)
    cell = np.floor(points * scale).astype(np.int32) & (CELLS - 1)
    flat = (cell[:, 0] * CELLS + cell[:, 1]) * CELLS + cell[:, 2]
    found: Floats = _volumes()[volume % VOLUMES].reshape(-1)[flat]
    return found


def smooth_noise(points: Floats, feature: float, volume: int = 0) -> Floats:
    """Look noise up at points (n, 3) with trilinear interpolation, (n,); three times as slow."""
    position = points * np.float32(FEATURE / feature)
    low = np.floor(position)
    weight = (position - low).astype(np.float32)
    base = low.astype(np.int32)
    table = _volumes()[volume % VOLUMES].reshape(-1)
    result = np.zeros(len(points), np.float32)
    for corner in range(8):
        bits = ((corner >> 2) & 1, (corner >> 1) & 1, corner & 1)
        share = np.ones(len(points), np.float32)
        index = np.zeros(len(points), np.int32)
        for axis, bit in enumerate(bits):
            share *= weight[:, axis] if bit else 1 - weight[:, axis]
            index = index * CELLS + ((base[:, axis] + bit) & (CELLS - 1))
        result += share * table[index]
    return result


def smoothstep(low: float, high: float, value: Floats) -> Floats:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    risen: Floats = t * t * (3 - 2 * t)
    return risen
