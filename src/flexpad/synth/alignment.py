"""Cutting faces out as the CASIA sets do: a face model is laid over a picture, all else is black.

CASIA-SURF's authors did it with PRNet's dense alignment (Zhang et al., TBIOM 2020), so that what is
kept is the projected model from chin to forehead and temple to temple: no neck, and no hair but
what hangs over it. It does not depend on what is really there, a face or a sheet of paper.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull

from flexpad.synth.arrays import Floats
from flexpad.synth.render import Camera

FINER = 4  # times the size of a pixel to draw at
SHIFT, GROWTH, WAVES = (
    0.012,
    0.025,
    0.012,
)  # how an alignment errs, in sides of the face  # inferred


def aligned_face(
    contour: Floats, camera: Camera, size: int, sloppiness: float, rng: np.random.Generator
) -> Floats:
    """Find the pixels of a face, a little off.

    Args:
        contour: Outermost points of the face, (n, 3) metres in camera axes.
        camera: The square of the picture that is wanted.
        size: Side of the picture in pixels.
        sloppiness: How far the alignment errs, 0 to 1.
        rng: For the errors.

    Returns:
        (size, size) of 0 and 1.
    """
    plane = contour[:, :2] / -contour[:, 2:]
    pixels = (plane - [camera.left, camera.top]) * [1, -1] * (size / camera.side)
    outline = pixels[ConvexHull(pixels).vertices]
    centre, side = outline.mean(axis=0), float(np.ptp(outline, axis=0).max())
    spokes = outline - centre
    angle = np.arctan2(spokes[:, 1], spokes[:, 0])
    start = rng.uniform(0, 2 * np.pi, 2)
    waves = np.sin(2 * angle + start[0]) + np.sin(3 * angle + start[1])
    growth = 1 + sloppiness * (GROWTH * rng.normal() + WAVES * waves)
    moved = centre + sloppiness * SHIFT * side * rng.normal(0, 1, 2) + spokes * growth[:, None]
    canvas = Image.new("L", (FINER * size, FINER * size))
    ImageDraw.Draw(canvas).polygon([tuple(point) for point in FINER * moved], fill=255)
    shown = np.asarray(canvas.resize((size, size), Image.Resampling.BOX))
    return (shown > 127).astype(np.float32)
