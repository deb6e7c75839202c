"""A depth sensor: structured light or time of flight, from distances to what is reported.

- Axial noise grows with the square of the distance and where little light returns (for structured
  light: K. Khoshelham, S. O. Elberink, "Accuracy and resolution of Kinect depth data", Sensors 12,
  2012; for time of flight noise falls with the square root of the returned light).
- At edges a sample that sees two surfaces reports something between them: flying pixels, many for
  time of flight, few for structured light, which reports nothing there more often.
- The projector of structured light stands beside the camera, so what is near throws a shadow
  without returns on what is far: as wide as the difference of their disparities.
- Too little light comes back from dark hair, glass and screens; sunlight outshines the pattern.
- What is missing is often filled in from beside by the software that comes with a camera, small
  holes only (the hole-filling filter of librealsense takes the value of a neighbour).
- Distances are whole millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from scipy.special import ndtr

from flexpad.synth.arrays import Booleans, Floats

STEP = 0.001  # metres, quantisation
LEAST_SHADOW = 0.8  # pixels that a point lies beyond what covers it before it counts as in shadow


@dataclass(frozen=True, slots=True)
class DepthSensor:
    """The depth sensor of one recording.

    Attributes:
        baseline: From the camera to the projector, metres to the right; 0 for time of flight.
        axial: Noise at half a metre, metres.
        ripple: Slow error over the picture, metres.
        grid: How far apart its own samples are: blur, pixels of 128 on a side.
        leap: Second difference from which a pixel is taken for an edge, metres.
        flying: Share of edge pixels that lie between two surfaces.
        holes: Share of edge pixels that are missing.
        echo_floor: Echo below which a pixel is missing.
        reach: Farthest distance that is reported, metres.
        fills: Widest hole that is filled in afterwards, pixels of 128 on a side; 0 for none.
        phase: Start of the slow error, (2,).
    """

    baseline: float
    axial: float
    ripple: float
    grid: float
    leap: float
    flying: float
    holes: float
    echo_floor: float
    reach: float
    fills: float
    phase: Floats


def draw_depth_sensor(rng: np.random.Generator) -> DepthSensor:
    """Draw a depth sensor as desktop and phone cameras have them."""
    structured = rng.random() < 0.65
    return DepthSensor(
        baseline=float(rng.choice([-1, 1]) * rng.uniform(0.020, 0.055)) if structured else 0.0,
        axial=float(np.exp(rng.normal(np.log(0.0010), 0.6))),
        ripple=float(rng.uniform(0.0003, 0.0012)),
        grid=float(rng.uniform(0.6, 1.1) if structured else rng.uniform(0.4, 0.8)),
        leap=float(rng.uniform(0.009, 0.016)),
        flying=float(rng.uniform(0.10, 0.30) if structured else rng.uniform(0.35, 0.70)),
        holes=float(rng.uniform(0.35, 0.60) if structured else rng.uniform(0.05, 0.30)),
        echo_floor=float(rng.uniform(0.08, 0.14)),
        reach=float(rng.uniform(1.2, 3.5)),
        fills=float(rng.uniform(3.0, 16.0) if rng.random() < 0.75 else 0.0),
        phase=rng.uniform(0, 2 * np.pi, 2).astype(np.float32),
    )


def measure(
    z: Floats,
    echo: Floats,
    pixel: float,
    sunlight: float,
    sensor: DepthSensor,
    rng: np.random.Generator,
) -> Floats:
    """Measure distances.

    Args:
        z: Distance per pixel, infinite where nothing is, (size, size) metres.
        echo: Share of its own light the sensor can use, (size, size).
        pixel: Side of a pixel as a tangent.
        sunlight: Infrared light of the place over that of a flash at arm's length.
        sensor: The sensor.
        rng: For noise.

    Returns:
        What is reported, (size, size) metres; 0 where there is no return.
    """
    shape, scale = z.shape, z.shape[0] / 128
    far = ~(z < sensor.reach)
    z = np.where(far, 9.0, z).astype(np.float32)
    jump = _jump(z)
    edge, chance = jump > sensor.leap, _patches(shape, rng)
    missing = far | (edge & (chance < sensor.holes))
    if sensor.baseline:
        missing |= _in_shadow(z, pixel, sensor.baseline)
    between = edge & (chance > 1 - sensor.flying) & (jump < 0.3)
    middle = float(np.median(z[~far])) if not far.all() else 0.0
    smoothed = _blur(np.minimum(z, middle + 0.3), sensor.grid * scale)
    z = np.where(jump < 0.05, smoothed, z)
    z = np.where(between, ndimage.uniform_filter(z, 3), z)
    dim = (1 + 0.6 * np.clip(0.35 - echo, 0, 1)) * (1 + 0.4 * sunlight)
    axial = sensor.axial * (z / 0.5) ** 2 * dim
    z = z + axial * 2.2 * _blur(rng.standard_normal(shape, np.float32), 0.8)
    steps: Floats = np.round((z + _ripple(shape[0], sensor)) / STEP)
    z = steps * np.float32(STEP)
    flicker = 1 + 1.05 * _blur(rng.standard_normal(shape, np.float32), 1.5)
    missing |= echo * flicker < sensor.echo_floor * (1 + 0.6 * sunlight)
    missing |= rng.random(shape, np.float32) < 0.0006
    if sensor.fills:
        z, missing = _fill(z, missing, far, sensor.fills * scale)
    return np.where(missing, 0, z).astype(np.float32)


def _fill(z: Floats, missing: Booleans, far: Booleans, width: float) -> tuple[Floats, Booleans]:
    """Fill holes that are no wider than a width, pixels, from the nearest pixel beside them.

    What is out of reach is no hole, and what is missing before it no part of a wide one.
    """
    if missing.all():
        return z, missing
    away, (row, column) = ndimage.distance_transform_edt(missing, return_indices=True)
    holes, count = ndimage.label(missing & ~far)
    widest = np.zeros(count + 1)
    np.maximum.at(widest, holes.reshape(-1), away.reshape(-1))
    wide = 2 * widest > width
    wide[0] = False  # what is no hole
    left: Booleans = wide[holes] | far
    return np.where(left, z, z[row, column]), left


def _in_shadow(z: Floats, pixel: float, baseline: float) -> Booleans:
    """Where the projector's light is blocked by something nearer in the same row, (size, size).

    A pixel in column c at distance z is column c - baseline / (z pixel) of the projector, which
    sees of all pixels with one column the nearest.
    """
    if baseline < 0:
        return _in_shadow(z[:, ::-1], pixel, -baseline)[:, ::-1]
    column = np.arange(z.shape[1], dtype=np.float32) - np.float32(baseline / pixel) / z
    nearer = np.minimum.accumulate(column[:, ::-1], axis=1)[:, ::-1]
    shadow: Booleans = column > nearer + LEAST_SHADOW
    return shadow


def _jump(z: Floats) -> Floats:
    """How far depth leaps at a pixel rather than slopes: its second difference, metres."""
    padded = np.pad(z, 1, mode="edge")
    middle = padded[1:-1, 1:-1]
    down = np.abs(padded[:-2, 1:-1] + padded[2:, 1:-1] - 2 * middle)
    across = np.abs(padded[1:-1, :-2] + padded[1:-1, 2:] - 2 * middle)
    return np.asarray(np.maximum(down, across), np.float32)


def _ripple(size: int, sensor: DepthSensor) -> Floats:
    """The slow error of a depth sensor's calibration, metres, (size, size)."""
    y, x = np.mgrid[0 : 1 : size * 1j, 0 : 1 : size * 1j].astype(np.float32)
    waves = np.sin(5 * x + 3 * y + sensor.phase[0]) + np.sin(7 * y - 4 * x + sensor.phase[1])
    ripple: Floats = (sensor.ripple * waves).astype(np.float32)
    return ripple


def _patches(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Numbers uniform in [0, 1] that are alike side by side, since dropouts come in runs."""
    noise = _blur(rng.standard_normal(shape, np.float32), 1.2)
    return np.asarray(ndtr(noise / noise.std()), np.float32)


def _blur(image: Floats, sigma: float) -> Floats:
    blurred: Floats = ndimage.gaussian_filter(image, sigma, truncate=2.5)
    return blurred
