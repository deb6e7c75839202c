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
    cell = np.floor(points.T * scale.reshape(-1, 1)).astype(np.int32) & (CELLS - 1)
    flat = (cell[0] * CELLS + cell[1]) * CELLS + cell[2]
    found: Floats = _volumes()[volume % VOLUMES].reshape(-1).take(flat)
    return found


def smooth_noise(points: Floats, feature: float, volume: int = 0) -> Floats:
    """Look noise up at points (n, 3) with trilinear interpolation, (n,); three times as slow."""
    position = np.ascontiguousarray(points.T, np.float32) * np.float32(FEATURE / feature)
    low = np.floor(position)
    right, up, ahead = position - low
    base = low.astype(np.int32)
    x, y, z = (
        [((base[axis] + bit) & (CELLS - 1)) * CELLS ** (2 - axis) for bit in (0, 1)]
        for axis in range(3)
    )
    table = _volumes()[volume % VOLUMES].reshape(-1)
    planes = []
    for across in x:
        rows = []
        for column in y:
            start = across + column
            near, far = table.take(start + z[0]), table.take(start + z[1])
            rows.append(near + ahead * (far - near))
        planes.append(rows[0] + up * (rows[1] - rows[0]))
    result: Floats = planes[0] + right * (planes[1] - planes[0])
    return result


def smoothstep(low: float, high: float, value: Floats) -> Floats:
    """Rise smoothly from 0 at ``low`` to 1 at ``high``."""
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    risen: Floats = t * t * (3 - 2 * t)
    return risen
