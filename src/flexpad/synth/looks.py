"""From points on a head and its hair to what they reflect: skin detail, brows, lashes, eyes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from flexpad.synth import person as channels
from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.footprint import footprint, left_of
from flexpad.synth.hair import Hair, opacity_and_streaks
from flexpad.synth.head import REGION
from flexpad.synth.noise import noise, smoothstep
from flexpad.synth.person import Person
from flexpad.synth.relief import PORES, relief
from flexpad.synth.render import Seen, unit
from flexpad.synth.shading import Material

SKIN_SCATTER = np.array([0.30, 0.13, 0.08], np.float32)  # red light travels furthest in skin
EYE_CENTRE = 0.0312  # metres to the side, canonical
IRIS_RADIUS, PUPIL_RADIUS = 0.0060, 0.0023  # metres; the head's eyes are a little large


def head_material(person: Person, seen: Seen) -> tuple[Seen, Material]:
    """Paint the points of a head.

    Returns:
        The points with the fine relief of skin in their normals, and their material.
    """
    paint = seen.paint
    here = paint[:, :3]
    step = footprint(seen)
    seen = _with_relief(person, seen, step)
    rgb, nir = paint[:, channels.RGB].copy(), paint[:, channels.NIR].copy()
    fine = 0.04 * person.roughness * left_of(0.0035, step)
    mottle = 1 + fine * noise(here + person.phase, 0.0035)
    spots = np.clip(noise(here + person.phase, 0.0055, 2) - 1.1, 0, 1)
    mottle -= np.float32(0.45 * person.freckles) * spots
    mottle += 0.03 * noise(here + person.phase, 0.009, 1)
    mottle *= 1 - person.lid_crease * _lid_crease(here)
    rgb *= mottle[:, None]
    nir *= 1 + 0.25 * (mottle - 1)
    gloss = paint[:, channels.OIL] * np.clip(
        0.9 + 0.35 * left_of(0.004, step) * noise(here, 0.004, 3), 0.2, 2
    )
    sharp = 9 + 16 * paint[:, channels.OIL]
    _paint_hairs(person, here, paint, rgb, nir)
    _paint_inside(seen.region, here, rgb, nir, gloss)
    for number, side in ((REGION["eye_left"], 1), (REGION["eye_right"], -1)):
        _paint_eye(person, seen.region == number, side, here, (rgb, nir, gloss, sharp))
    material = Material(rgb, nir, gloss, sharp, SKIN_SCATTER, paint[:, channels.SHADE])
    return seen, material


def _with_relief(person: Person, seen: Seen, step: float) -> Seen:
    """Bend normals by pores, as far as they show at a step, and, with age, wrinkles."""
    skin = np.flatnonzero((seen.region == REGION["skin"]) | (seen.region == REGION["neck"]))
    roughness = person.roughness * float(left_of(PORES, step))
    tilt = relief(seen.paint[skin, :3], person.phase, roughness, person.wrinkles)
    normal = seen.normal.copy()
    normal[skin] = unit(normal[skin] + tilt)
    return Seen(seen.ray, seen.position, normal, seen.paint, seen.region)


def _paint_hairs(person: Person, here: Floats, paint: Floats, rgb: Floats, nir: Floats) -> None:
    """Lay brows, lashes and beard over the skin."""
    cover = np.maximum(paint_brows(person, here), _beard(person, here, paint))
    cover = np.maximum(cover, _lashes(paint))
    uneven = 0.22 * noise(here + person.phase, (0.0018, 0.005, 0.005), 2)
    roots = smoothstep(
        0.15, 0.85, paint[:, channels.SCALP] + uneven * (paint[:, channels.SCALP] > 0)
    )
    cover = np.maximum(cover, 0.85 * roots)
    tint = person.hair_colour * np.float32(0.85)
    rgb += cover[:, None] * (tint[:3] - rgb)
    nir += cover * (tint[3] - nir)


def _lid_crease(here: Floats) -> Floats:
    """Where an upper lid folds, (n,) in [0, 1]."""
    across = (np.abs(here[:, 0]) - EYE_CENTRE) / np.float32(0.0165)
    height = here[:, 1] - (0.0125 - 0.0065 * across**2)
    fold = np.exp(-((height / 0.0012) ** 2)) * (np.abs(across) < 1.1) * (here[:, 2] > 0)
    return np.asarray(fold, np.float32)


def paint_brows(person: Person, here: Floats) -> Floats:
    """How much of the skin brows hide at canonical places (n, 3), (n,)."""
    thick, density, arch, height = person.brow
    x, y, z = here.T
    side = np.abs(x)
    along = (side - 0.013) / 0.042  # 0 near the nose, 1 at the temple
    bow = arch * np.sin(np.clip(along, 0, 1) * np.pi * 0.75) - 0.004 * np.clip(along - 0.6, 0, 1)
    middle = 0.0165 + height + bow
    half = thick * (1 - 0.65 * smoothstep(0.45, 1.0, along))
    hairs = np.stack([side - 0.9 * (y - middle), y + 0.6 * side, 0 * x], axis=1) + person.phase
    strands = noise(hairs, (0.0022, 0.009, 1.0), 2)
    across = np.abs(y - middle + 0.0006 * strands) / half
    ends = smoothstep(-0.06, 0.10, along) * smoothstep(1.06, 0.80, along)
    cover = density * smoothstep(1.25, 0.55, across) * ends * (z > -0.045)
    return np.asarray(np.clip(cover * (0.88 + 0.22 * strands), 0, 1), np.float32)


def _beard(person: Person, here: Floats, paint: Floats) -> Floats:
    density = paint[:, channels.BEARD]
    if person.phenotype.male < 0.5:
        return density
    grain = noise(here + person.phase, (0.0022, 0.006, 0.0022), 3)
    return np.asarray(np.clip(density * (0.85 + 0.28 * grain) - 0.03, 0, 1), np.float32)


def _lashes(paint: Floats) -> Floats:
    upper = smoothstep(0.35, 0.85, paint[:, channels.UPPER_RIM])
    lower = smoothstep(0.55, 1.0, paint[:, channels.LOWER_RIM])
    return np.asarray(np.maximum(0.85 * upper, 0.30 * lower), np.float32)


def _paint_inside(
    region: NDArray[np.uint8], here: Floats, rgb: Floats, nir: Floats, gloss: Floats
) -> None:
    """Sockets are wet pink flesh, the mouth is dark red, the tongue pink."""
    socket, mouth = region == REGION["eye_socket"], region == REGION["mouth"]
    tongue = region == REGION["tongue"]
    rgb[socket] *= np.array([0.80, 0.62, 0.60], np.float32)
    deep = smoothstep(0.018, -0.01, here[mouth, 2])[:, None]
    rgb[mouth] = np.array([0.22, 0.07, 0.06], np.float32) * (1 - 0.8 * deep)
    nir[mouth] = 0.28 * (1 - 0.8 * deep[:, 0])
    rgb[tongue] = np.array([0.36, 0.13, 0.12], np.float32)
    nir[tongue] = 0.40
    gloss[socket | mouth | tongue] = 0.8


def _paint_eye(
    person: Person,
    which: Booleans,
    side: int,
    here: Floats,
    layers: tuple[Floats, Floats, Floats, Floats],
) -> None:
    """White of the eye with veins toward the corners, iris with a dark rim, pupil, wet cornea."""
    if not which.any():
        return
    rgb, nir, gloss, sharp = layers
    place = here[which]
    x = place[:, 0] - side * EYE_CENTRE
    radius = np.sqrt(x**2 + place[:, 1] ** 2)
    corner = smoothstep(0.006, 0.014, np.abs(x))[:, None]
    colour = np.array([0.66, 0.61, 0.56], np.float32) * (
        1 - corner * np.array([0.12, 0.32, 0.34], np.float32)
    )
    angle = np.arctan2(place[:, 1], x)
    spokes = 1 + 0.25 * np.sin(angle * 23 + 5 * np.sin(angle * 5)) * (radius > PUPIL_RADIUS)
    rim = smoothstep(IRIS_RADIUS * 0.72, IRIS_RADIUS, radius)
    iris = person.iris * (spokes * (1 - 0.65 * rim))[:, None]
    inside = smoothstep(IRIS_RADIUS * 1.06, IRIS_RADIUS * 0.94, radius)[:, None]
    pupil = smoothstep(PUPIL_RADIUS * 1.15, PUPIL_RADIUS * 0.85, radius)[:, None]
    colour = (colour + inside * (iris - colour)) * (1 - 0.96 * pupil)
    rgb[which] = colour
    bright = 0.48 + inside[:, 0] * (0.24 + 0.5 * person.iris.mean() - 0.48)
    nir[which] = bright * (1 - 0.92 * pupil[:, 0])
    gloss[which], sharp[which] = 1.0, 260.0


def hair_material(hair: Hair, seen: Seen) -> tuple[Material, Floats, Floats]:
    """Paint the points of hair.

    Strands shine where the half vector is across them (J. T. Kajiya, T. L. Kay, SIGGRAPH 1989);
    here the highlight comes with the brightness of the streaks on a broad lobe.

    Returns:
        The material, the opacity of each point and the brightness of its strand, (n,) each.
    """
    opacity, streaks = opacity_and_streaks(hair, seen.paint)
    root = smoothstep(0.0, 0.012, seen.paint[:, 2])
    rgb = hair.colour[:3] * (streaks * (0.75 + 0.25 * root))[:, None]
    nir = hair.colour[3] * (0.5 + 0.5 * streaks)
    gloss = 0.32 * np.clip(streaks - 0.55, 0, 1.2)
    count = len(opacity)
    material = Material(
        rgb=rgb.astype(np.float32),
        nir=nir.astype(np.float32),
        gloss=gloss.astype(np.float32),
        sharpness=np.full(count, 11, np.float32),
        scatter=np.full(3, 0.25, np.float32),
        ambient=np.full(count, 0.85, np.float32),
    )
    return material, opacity, streaks
