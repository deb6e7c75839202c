"""The fine relief of skin as a normal map: pores, and wrinkles that deepen with age.

Everything is a function of canonical coordinates, so it stays on the skin when the face moves. A
wrinkle is a groove along a line; what bends the normals is the slope of its walls.
"""

from __future__ import annotations

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.noise import noise, smoothstep

PORES = 0.0028  # metres from pore to pore
# Grooves as straight lines on one side of the face: from, to (x, y), half width, depth; metres and
# slope. The fold from nose to mouth shows in the young, too; the others come with age.
FOLDS = (((0.0175, -0.0420), (0.0310, -0.0720), 0.0030, 0.45),)
AGED = (
    ((0.0185, -0.0125), (0.0440, -0.0105), 0.0014, 0.40),  # under the eye
    ((0.0190, -0.0180), (0.0330, -0.0260), 0.0020, 0.30),  # from the inner corner of an eye
    ((0.0055, 0.0080), (0.0065, 0.0260), 0.0013, 0.35),  # between the brows
    ((0.0260, -0.0790), (0.0290, -0.0960), 0.0018, 0.30),  # below the corner of the mouth
)
CROW = (0.0460, -0.0020)  # the outer corner of an eye
SIDES, BACK = 0.065, -0.06  # what is farther out or back has pores only


def relief(place: Floats, phase: Floats, roughness: float, wrinkles: float) -> Floats:
    """Bend normals.

    Args:
        place: Canonical places on the skin, (n, 3).
        phase: Moves the noise, (3,).
        roughness: Depth of the pores, about 1.
        wrinkles: Depth of the wrinkles, 0 to 1.

    Returns:
        What is added to the normals, (n, 3).
    """
    here = place + phase
    tilt = np.stack([noise(here, PORES, volume) for volume in range(3)], axis=1)
    tilt *= np.float32(0.055 * roughness)
    face = np.flatnonzero((np.abs(place[:, 0]) < SIDES) & (place[:, 2] > BACK))
    x, y, _ = place[face].T
    side, sign = np.abs(x), np.sign(x)
    wander = np.float32(0.0007) * noise(here[face], 0.012, 1)
    grooves = [(*fold[:3], fold[3] * (0.35 + 0.65 * wrinkles)) for fold in FOLDS]
    if wrinkles > 0.03:
        grooves += [(*fold[:3], fold[3] * wrinkles) for fold in AGED]
        tilt[face, 1] += np.float32(0.20 * wrinkles) * _forehead(x, y, wander)
        around = np.float32(0.30 * wrinkles) * _crows_feet(side, y, wander)
        tilt[face, 0] += around[0] * sign
        tilt[face, 1] += around[1]
    for start, end, width, depth in grooves:
        bent = np.float32(depth) * _groove(side + wander, y, start, end, width)
        tilt[face, 0] += bent[0] * sign
        tilt[face, 1] += bent[1]
    return tilt


def _forehead(x: Floats, y: Floats, wander: Floats) -> Floats:
    """Slope upward of the lines across the forehead, (n,)."""
    here = smoothstep(0.028, 0.040, y) * smoothstep(0.075, 0.060, y)
    here = here * smoothstep(0.06, 0.03, np.abs(x))
    slope: Floats = here * np.sin((y + 2 * wander) * np.float32(2 * np.pi / 0.011))
    return slope


def _crows_feet(x: Floats, y: Floats, wander: Floats) -> Floats:
    """Slopes outward and upward of the lines that fan out from the corner of an eye, (2, n)."""
    right, up = x - CROW[0], y - CROW[1]
    reach, bearing = np.hypot(right, up), np.arctan2(up, np.maximum(right, 1e-6))
    near = smoothstep(0.003, 0.006, reach) * smoothstep(0.020, 0.012, reach) * (right > 0)
    near = near * smoothstep(1.0, 0.7, np.abs(bearing))
    slope = near * np.sin(bearing * 13 + 600 * wander)
    return np.stack([-slope * np.sin(bearing), slope * np.cos(bearing)])


def _groove(
    x: Floats, y: Floats, start: tuple[float, float], end: tuple[float, float], width: float
) -> Floats:
    """Slopes outward and upward of the walls of a groove along a line, (2, n)."""
    along = np.subtract(end, start)
    length = float(np.hypot(*along))
    ahead = along / length
    position = ((x - start[0]) * ahead[0] + (y - start[1]) * ahead[1]) / length
    off = ((x - start[0]) * -ahead[1] + (y - start[1]) * ahead[0]) / np.float32(width)
    ends = smoothstep(-0.15, 0.15, position) * smoothstep(1.15, 0.80, position)
    slope = (ends * off * np.exp(-(off**2))).astype(np.float32)
    # Walls lean toward the middle of the groove.
    return np.stack([slope * np.float32(ahead[1]), -slope * np.float32(ahead[0])])
