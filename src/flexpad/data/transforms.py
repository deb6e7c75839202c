"""From images to a model's input: one geometry for all modalities, photometry for each.

Depth and IR become three equal channels, and every modality is normalised with CLIP's mean and
deviation, as in the public code of the FM-CLIP authors. Where a modality has another resolution
than RGB, the one geometry is applied in its own pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from flexpad.data.images import edges_of
from flexpad.recipe import AugmentRecipe
from flexpad.types import MODALITIES, BadInput, Modality

# OpenAI's CLIP preprocessing, RGB in [0, 1].
CLIP_MEAN = np.array([0.48145466, 0.4578275, 0.40821073], dtype=np.float32)
CLIP_STD = np.array([0.26862954, 0.26130258, 0.27577711], dtype=np.float32)
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # ITU-R BT.601
_ASPECT_TOLERANCE = 0.02  # a pixel of rounding in a crop of 50

Pixels = NDArray[np.float32]
Placed = NDArray[np.uint8] | NDArray[np.float32]  # in [0, 255]; float32 where values were raw


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where the model's square lies in an image, in shares of its sides.

    Attributes:
        angle: Turn in radians.
        side: Side of the square.
        x: Centre from the left.
        y: Centre from the top.
        mirrored: Left-right.
    """

    angle: float = 0.0
    side: float = 1.0
    x: float = 0.5
    y: float = 0.5
    mirrored: bool = False


def draw_geometry(rng: np.random.Generator, augment: AugmentRecipe) -> Geometry:
    """Draw a crop, a turn and a mirror for one item."""
    side = 1 / augment.enlarge
    slack = (1 - side) / 2
    return Geometry(
        angle=math.radians(rng.uniform(-augment.rotation, augment.rotation)),
        side=side,
        x=0.5 + rng.uniform(-slack, slack),
        y=0.5 + rng.uniform(-slack, slack),
        mirrored=bool(rng.random() < augment.flip),
    )


def check_same_view(images: Mapping[Modality, Image.Image], name: str) -> None:
    """Refuse images that cannot be the same view because their aspect ratios differ.

    Raises:
        BadInput: They do.
    """
    shapes = {modality: image.size for modality, image in images.items()}
    ratios = [math.log(width / height) for width, height in shapes.values()]
    if max(ratios) - min(ratios) > _ASPECT_TOLERANCE:
        sizes = ", ".join(f"{m.value} {w}x{h}" for m, (w, h) in shapes.items())
        raise BadInput(f"{name}: its images cannot be the same view ({sizes})")


def crop_box(images: Mapping[Modality, Image.Image], box: str) -> dict[Modality, Image.Image]:
    """Cut the face out of aligned images.

    Args:
        images: All of one view; sizes may differ.
        box: ``x0 y0 x1 y1`` in pixels of the RGB image, or of the first one if RGB is absent.
    """
    size = next(images[modality].size for modality in MODALITIES if modality in images)
    return {
        modality: image.crop(edges_of(box, size, image.size)) for modality, image in images.items()
    }


def place(image: Image.Image, geometry: Geometry, size: int) -> Placed:
    """Resample an image to the model's square.

    Args:
        image: In its own resolution.
        geometry: What to show.
        size: Side of the square in pixels.

    Returns:
        (size, size) or (size, size, 3) in [0, 255]; uint8, or float32 of an image of mode ``F``.
        What lies outside the image is black, as in face crops with their background removed.
    """
    enlarged = round(size / geometry.side)
    if image.size != (enlarged, enlarged):  # averages pixels, which the turn below would not
        image = image.resize((enlarged, enlarged), Image.Resampling.BILINEAR, reducing_gap=2)
    half = size / 2
    left, top = geometry.x * enlarged - half, geometry.y * enlarged - half
    if not geometry.angle and left.is_integer() and top.is_integer():  # as the turn below, faster
        cut = image.crop((int(left), int(top), int(left) + size, int(top) + size))
        return np.asarray(ImageOps.mirror(cut) if geometry.mirrored else cut)
    cos, sin = math.cos(geometry.angle), math.sin(geometry.angle)
    flip = -1 if geometry.mirrored else 1
    a, b, d, e = flip * cos, -sin, flip * sin, cos
    c = geometry.x * enlarged - a * half - b * half
    f = geometry.y * enlarged - d * half - e * half
    turned = image.transform(
        (size, size), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR
    )
    return np.asarray(turned)


def to_pixels(placed: Placed) -> Pixels:
    """Scale to [0, 1], channels first: (H, W) to (1, H, W), or (H, W, 3) to (3, H, W)."""
    channels_first = placed[None] if placed.ndim == 2 else placed.transpose(2, 0, 1)
    return np.multiply(channels_first, np.float32(1 / 255), dtype=np.float32)


def jitter(
    pixels: Pixels, modality: Modality, rng: np.random.Generator, augment: AugmentRecipe
) -> Pixels:
    """Vary brightness, contrast and (RGB) saturation; depth is a measurement and stays.

    Black stays black for every factor, so a removed background remains removed.

    Args:
        pixels: In [0, 1], (C, H, W).
        modality: Decides what is varied, and by how much.
        rng: Source of the draws.
        augment: The strengths.
    """
    if modality is Modality.DEPTH:
        return pixels
    strength = augment.colour if modality is Modality.RGB else augment.infrared
    drawn = rng.uniform(1 - strength, 1 + strength, size=3).astype(np.float32)
    brightness, contrast, saturation = drawn
    shown = pixels.any(axis=0)
    mean = brightness * pixels.sum() / max(1, len(pixels) * int(shown.sum()))
    varied: Pixels = pixels * (brightness * contrast) + mean * (1 - contrast) * shown
    if modality is Modality.RGB:
        grey = np.tensordot(LUMA, varied, axes=1)
        varied = grey + (varied - grey) * saturation
    return varied.clip(0, 1)


def normalise(pixels: Pixels) -> Pixels:
    """To the three channels CLIP expects, (..., 1 or 3, H, W) in [0, 1] to (..., 3, H, W)."""
    scaled: Pixels = (pixels - CLIP_MEAN[:, None, None]) / CLIP_STD[:, None, None]
    return scaled


def prepare(
    images: Mapping[Modality, Image.Image],
    size: int,
    augment: AugmentRecipe,
    rng: np.random.Generator | None = None,
) -> tuple[Pixels, NDArray[np.bool_]]:
    """Make a model's input from the images of one item.

    Args:
        images: The present modalities.
        size: Side of the model's square in pixels.
        augment: How images are enlarged and varied.
        rng: Source of the draws for training; None for evaluation, which shows the centre.

    Returns:
        Normalised images (M, 3, H, W), zero where absent, and which are present, (M,) bool.
    """
    centre = Geometry(side=1 / augment.enlarge)
    geometry = centre if rng is None else draw_geometry(rng, augment)
    stacked = np.zeros((len(MODALITIES), 3, size, size), dtype=np.float32)
    for index, modality in enumerate(MODALITIES):
        if modality not in images:
            continue
        pixels = to_pixels(place(images[modality], geometry, size))
        if rng is not None:
            pixels = jitter(pixels, modality, rng, augment)
        stacked[index] = normalise(pixels)
    present = np.array([modality in images for modality in MODALITIES])
    return stacked, present
