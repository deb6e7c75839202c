"""How much of the finest detail is left where a pixel is about as large.

Noise is looked up at points without interpolation, so what is finer than a few pixels comes out as
grain from pixel to pixel, which a camera would have averaged.
"""

from __future__ import annotations

import numpy as np

from flexpad.synth.render import Seen

SOME = 4000  # points that are looked at


def footprint(seen: Seen) -> float:
    """How far the points of neighbouring rays are from each other across the view, metres.

    0 if no rays of the points are neighbours.
    """
    start = max(len(seen.ray) - SOME, 0) // 2
    ray, x = seen.ray[start : start + SOME], seen.position[start : start + SOME, 0]
    steps = np.diff(x)[np.diff(ray) == 1]
    return float(np.median(np.abs(steps))) if len(steps) else 0.0


def left_of(feature: float, step: float) -> np.float32:
    """Contrast that is left of bumps so far apart in steps so wide, both in metres, 0 to 1."""
    return np.float32(1 / (1 + (2.4 * step / feature) ** 4))
