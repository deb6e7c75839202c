"""What prints and screens do to a picture, in RGB and at 850 nm.

- Office and photo paper reflect 0.75 to 0.9 in RGB and not much less at 850 nm. Dye inks and colour
  toners are made to absorb in the visible and nearly vanish at 850 nm, while carbon black (laser
  black, pigment black) stays dark, so how much of a print is left in infrared depends on the
  printer. The share of carbon is drawn between none and nearly all.  # inferred
- A screen glows in RGB only. Its glass mirrors lamps and the flash, and returns little of what a
  depth sensor sends.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.noise import noise, smoothstep
from flexpad.synth.shading import Material


@dataclass(frozen=True, slots=True)
class Ink:
    """A printer and its paper.

    Attributes:
        paper: Reflectance of the paper in R, G, B and at 850 nm, (4,).
        black: Reflectance of the darkest print.
        fade: How far colours are pulled toward grey; below 0 they are stronger.
        tint: Colour cast of the printer, (3,).
        carbon: Share of the picture that is left at 850 nm, 0 to 1.
        halftone: Contrast of the raster.
        gloss: Of the paper; 0 matt, 1 photo paper.
        sharpness: Of its highlights.
    """

    paper: Floats
    black: float
    fade: float
    tint: Floats
    carbon: float
    halftone: float
    gloss: float
    sharpness: float

    def material(self, picture: Floats, place: Floats) -> tuple[Material, Floats]:
        """Print a picture (n, 3) at places (n, 3); the material and the depth echo, (n,)."""
        grey = picture.mean(axis=1, keepdims=True)
        ink = (grey + (1 - self.fade) * (picture - grey)) * self.tint
        raster = 1 + self.halftone * noise(place, 0.0011)[:, None]
        fibre = 1 + 0.012 * noise(place, 0.003, 1)
        printed = (self.black + (1 - self.black) * np.clip(ink * raster, 0, 1)) * fibre[:, None]
        left = 1 - self.carbon * (1 - (0.12 + 0.88 * np.clip(grey[:, 0], 0, 1) ** 0.6))
        count = len(picture)
        nir = self.paper[3] * left * fibre
        material = Material(
            rgb=(self.paper[:3] * printed).astype(np.float32),
            nir=nir.astype(np.float32),
            gloss=np.full(count, self.gloss, np.float32),
            sharpness=np.full(count, self.sharpness, np.float32),
            scatter=np.full(3, 0.06, np.float32),
            ambient=np.full(count, 0.9, np.float32),
        )
        return material, np.clip(nir / 0.4, 0.2, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Screen:
    """A phone, tablet or laptop.

    Attributes:
        brightness: Of white, against the light of the room.
        white: R, G, B of white, (3,).
        black: Glow of black.
        moire: Contrast of the beat between the two pixel grids.
        beat: Its wave vectors, (2, 2) per metre.
        window: Reflection of a bright patch: centre, half size (metres) and level, (5,).
        glass: Echo of a depth sensor, about 0.1 to 0.4.
        diffuse: Reflectance of the panel at 850 nm.
        polish: Exponent of the mirror image of a lamp: low for matt screens.
    """

    brightness: float
    white: Floats
    black: float
    moire: float
    beat: Floats
    window: Floats
    glass: float
    diffuse: float
    polish: float

    def material(self, picture: Floats, place: Floats) -> tuple[Material, Floats]:
        """Show a picture (n, 3) at places (n, 2); the material and the depth echo, (n,)."""
        phase = 2 * np.pi * (place @ self.beat.T)
        first, second = phase.T
        green = 0.6 * np.sin(first + 2.1) + 0.4 * np.sin(second)
        waves = np.stack([np.sin(first), green, np.sin(second + 4.0)], axis=1)
        glow = self.brightness * self.white * (self.black + (1 - self.black) * picture)
        glow = glow * (1 + self.moire * waves)
        x, y, width, height, level = self.window
        patch = smoothstep(1.15, 0.85, np.abs(place[:, 0] - x) / width) * smoothstep(
            1.15, 0.85, np.abs(place[:, 1] - y) / height
        )
        glow = glow + (level * patch)[:, None]
        count = len(picture)
        material = Material(
            rgb=np.full((count, 3), 0.012, np.float32),
            nir=np.full(count, self.diffuse, np.float32),
            gloss=np.full(count, 0.5, np.float32),
            sharpness=np.full(count, self.polish, np.float32),
            scatter=np.zeros(3, np.float32),
            ambient=np.full(count, 0.9, np.float32),
            glow=glow.astype(np.float32),
        )
        return material, np.full(count, self.glass, np.float32)


def draw_ink(rng: np.random.Generator) -> Ink:
    """Draw a printer and its paper."""
    tint = np.array([1.0, rng.uniform(0.97, 1.01), rng.uniform(0.92, 1.03)])
    white = rng.uniform(0.80, 0.92) * tint
    return Ink(
        paper=np.append(white, rng.uniform(0.55, 0.82)).astype(np.float32),
        black=float(rng.uniform(0.003, 0.030)),
        fade=float(rng.uniform(-0.10, 0.15)),
        tint=np.exp(rng.normal(0, 0.05, 3)).astype(np.float32),
        carbon=float(rng.beta(1.1, 1.0)),
        halftone=float(rng.uniform(0.01, 0.06)),
        gloss=float(rng.uniform(0.0, 0.6)),
        sharpness=float(np.exp(rng.uniform(np.log(6), np.log(80)))),
    )


def draw_screen(rng: np.random.Generator) -> Screen:
    """Draw a phone, tablet or laptop, and what is mirrored in it."""
    angle = rng.uniform(0, np.pi, 2)
    waves = np.exp(rng.uniform(np.log(40), np.log(260), 2))
    window = [
        rng.uniform(-0.08, 0.08),
        rng.uniform(-0.06, 0.10),
        rng.uniform(0.015, 0.06),
        rng.uniform(0.02, 0.09),
        rng.uniform(0.0, 0.10),
    ]
    return Screen(
        brightness=float(rng.uniform(0.7, 1.5)),
        white=np.array([rng.uniform(0.93, 1.03), 1.0, rng.uniform(0.96, 1.10)], np.float32),
        black=float(rng.uniform(0.001, 0.018)),
        moire=float(rng.uniform(0.0, 0.06)),
        beat=(np.stack([np.cos(angle), np.sin(angle)], axis=1) * waves[:, None]).astype(np.float32),
        window=np.array(window, np.float32),
        glass=float(rng.uniform(0.10, 0.45)),
        diffuse=float(rng.uniform(0.02, 0.10)),
        polish=float(np.exp(rng.uniform(np.log(300), np.log(30000)))),
    )
