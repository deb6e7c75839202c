"""Global statistics of an image: what could tell attacks without looking at a face.

A benchmark that is to measure presentation attack detection must not be solved by these: mean
brightness, noise, the outline of the face or how well a file compresses say nothing of instruments.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from flexpad.data.images import file_content, open_image
from flexpad.data.manifest import Row
from flexpad.types import Modality

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

BLACK = 16  # what a face parser cut away is darker, with what JPEG adds to it
BRIGHT, DARK = 250, 8
FRAME = 16  # one part in so many of a side is never face
LEAST = 0.02  # of an image; where less is far from the face, what is near counts as background
LEVELS = ("mean", "deviation", "5 %", "25 %", "median", "75 %", "95 %")
TEXTURE = ("gradient energy", "noise level", "saturated share", "dark share", "entropy")
OUTLINE = ("face area", "face aspect", "outline", "centre x", "centre y")
FILE = ("file size", "JPEG table")
COLOUR = ("red to green", "blue to green", "colourfulness")
SURROUND = ("background mean", "background deviation")
BACKGROUND = (*LEVELS, *TEXTURE)
# How far values spread within a face. In depth that is its relief, and in infrared the reflectance
# and the roundness of what lies in the flash: what those cameras are bought for.
# The mean belongs to it in depth, whose window follows the median.
SPREAD = {
    Modality.RGB: frozenset[str](),
    Modality.DEPTH: frozenset({*LEVELS, "gradient energy", "entropy"}),
    Modality.IR: frozenset({*LEVELS[1:], "gradient energy", "entropy"}),
}


def names_of(modality: Modality) -> tuple[str, ...]:
    """What :func:`measure` gives for an image of a modality, in order."""
    colour = COLOUR if modality is Modality.RGB else ()
    return (*LEVELS, *TEXTURE, *OUTLINE, *SURROUND, *FILE, *colour)


def of_capture(modality: Modality) -> tuple[bool, ...]:
    """Which of :func:`names_of` tell how a picture was taken rather than what is in it, in order.

    All in RGB; in depth and infrared all but the spread of values within the face.
    """
    return tuple(name not in SPREAD[modality] for name in names_of(modality))


def measure(root: Path, row: Row) -> dict[Modality, tuple[Floats, Floats]]:
    """Measure the images of an item.

    Args:
        root: What its paths are relative to.
        row: The item.

    Returns:
        By modality it has: the statistics that :func:`names_of` names, and those of the background
        alone, named in :data:`BACKGROUND`.

    Raises:
        BadInput: An image cannot be read.
    """
    found = {}
    face: Mask | None = None
    for modality in row.modalities:
        locator = row.path(modality)
        image = open_image(root, locator, modality, row.encoding(modality), row.box)
        pixels = np.asarray(image, np.float64)
        grey = pixels if pixels.ndim == 2 else pixels.mean(axis=2)
        if face is None:  # of RGB, where there is one
            face = find_face(pixels if pixels.ndim == 2 else pixels.max(axis=2))
        here = _of_size(face, grey.shape)
        around = find_background(here)
        values = [
            *_levels(grey[here]),
            *_texture(grey, here),
            *_outline(here),
            *_levels(grey[around])[:2],
            *_file(file_content(root, locator)),
            *(_colour(pixels[here]) if modality is Modality.RGB else ()),
        ]
        background = [*_levels(grey[around]), *_texture(grey, around)]
        found[modality] = np.array(values), np.array(background)
    return found


def find_face(brightness: Floats) -> Mask:
    """Tell the face from what is around it.

    In a crop with the surroundings cut away it is what is not black; in any other nearly
    everything, but never the outermost frame.

    Args:
        brightness: (H, W) in [0, 255].
    """
    shown = ndimage.binary_opening(brightness > BLACK, iterations=1)
    pieces = np.asarray(ndimage.label(shown)[0])
    if pieces.any():
        sizes = np.bincount(pieces.ravel())[1:]
        shown = np.asarray(ndimage.binary_fill_holes(pieces == 1 + int(sizes.argmax())))
    height, width = brightness.shape
    down, across = max(1, height // FRAME), max(1, width // FRAME)
    inside = np.zeros_like(shown)
    inside[down : height - down, across : width - across] = True
    face: Mask = shown & inside
    return face if face.any() else inside


def find_background(face: Mask) -> Mask:
    """What is around a face and not so near that an edge or a JPEG block of it reaches there."""
    margin = max(1, len(face) // FRAME)
    block = np.ones((3, 3), bool)  # reaches as far across corners
    around: Mask = ~ndimage.binary_dilation(face, block, iterations=margin)
    return around if around.mean() > LEAST else ~face


def _of_size(face: Mask, shape: tuple[int, ...]) -> Mask:
    if face.shape == shape:
        return face
    resized = Image.fromarray(face).resize((shape[1], shape[0]), Image.Resampling.NEAREST)
    return np.asarray(resized)


def _levels(values: Floats) -> Floats:
    """Mean, deviation and percentiles."""
    return np.array([values.mean(), values.std(), *np.percentile(values, [5, 25, 50, 75, 95])])


def _texture(grey: Floats, where: Mask) -> Floats:
    """Gradient energy, noise level, shares of extremes and entropy of a part of an image."""
    slopes = np.asarray(np.gradient(grey))[:, where]
    # Immerkaer, "Fast noise variance estimation", CVIU 1996: the mask that a plane does not move.
    mask = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float64)
    rest = np.abs(np.asarray(ndimage.convolve(grey, mask, mode="nearest")))[where]
    values = grey[where]
    shares = np.bincount(np.clip(values, 0, 255).astype(int) // 8, minlength=32) / len(values)
    shares = shares[shares > 0]
    return np.array(
        [
            np.log1p((slopes**2).sum(axis=0).mean()),
            np.log1p(np.sqrt(np.pi / 2) * rest.mean() / 6),
            (values >= BRIGHT).mean(),
            (values <= DARK).mean(),
            -(shares * np.log2(shares)).sum(),
        ]
    )


def _outline(face: Mask) -> Floats:
    """Area, aspect, roundness and centre of the face, in shares of the image."""
    rows, columns = np.nonzero(face)
    height, width = face.shape
    edge = face & ~ndimage.binary_erosion(face)
    return np.array(
        [
            face.mean(),
            float(np.ptp(columns)) / max(1.0, float(np.ptp(rows))),
            edge.sum() / np.sqrt(face.sum()),
            columns.mean() / width,
            rows.mean() / height,
        ]
    )


def _file(content: bytes | None) -> Floats:
    """Size of the file and mean of its JPEG tables, in logarithms; zeros where there is none."""
    if content is None:
        return np.zeros(2)
    tables = getattr(Image.open(BytesIO(content)), "quantization", None) or {}
    coarseness = np.mean([np.mean(table) for table in tables.values()]) if tables else 0.0
    return np.array([np.log(len(content)), np.log1p(coarseness)])


def _colour(pixels: Floats) -> Floats:
    """Balance of the colours of a face, and how colourful it is."""
    red, green, blue = pixels.mean(axis=0) + 1
    spread = pixels.max(axis=1) - pixels.min(axis=1)
    return np.array([np.log(red / green), np.log(blue / green), spread.mean()])
