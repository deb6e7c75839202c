"""The paint of masks and mannequins, made to look like skin in RGB.

- Pigments of paints and resins are mixed by eye, so in RGB they come close to skin, with a cast and
  with less of the blotches of blood and melanin. Nothing tunes them at 850 nm, where skin of all
  people lies near 0.4 to 0.6: iron oxides and titanium dioxide stay bright there, carbon stays
  dark. Y. Kim et al., "Masked fake face detection using radiance measurements", JOSA A 26, 2009,
  tell the materials of masks from skin by radiance at 685 and 850 nm. So that no detector gets by
  with one grey level, part of all coats are near the victim's skin at 850 nm and part lie
  anywhere.  # inferred
- Coats are uneven by brush, airbrush or casting, in infrared too.  # inferred
- Silicone is translucent: light bleeds past the edges of shadows, but less red than in skin, whose
  blood takes green and blue out.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth import person as channels
from flexpad.synth.arrays import Floats
from flexpad.synth.footprint import footprint, left_of
from flexpad.synth.head import head_model
from flexpad.synth.looks import paint_brows
from flexpad.synth.noise import noise, smooth_noise
from flexpad.synth.person import Person, ambient_share
from flexpad.synth.render import Seen
from flexpad.synth.shading import Material


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a kind of mask is painted: ranges from which a coat is drawn.

    Attributes:
        detail: Share of the victim's own variation of colour that is painted on.
        cast: Spread of the logarithm of the error in each of R, G, B.
        level: Spread of the logarithm of the error in brightness.
        skin_like: Chance that its brightness at 850 nm is near that of skin.
        infrared: Its brightness there otherwise.
        contrast: Share of what is painted that is left at 850 nm.
        uneven: Unevenness at 850 nm, relative.
        gloss: Strength of highlights.
        sharpness: Their exponent.
        scatter: How far light bleeds past shadows, R, G, B.
        brows: How strongly brows are painted or punched in, in RGB.
        brush: Contrast of the traces of the brush.
    """

    detail: tuple[float, float]
    cast: float
    level: float
    skin_like: float
    infrared: tuple[float, float]
    contrast: tuple[float, float]
    uneven: tuple[float, float]
    gloss: tuple[float, float]
    sharpness: tuple[float, float]
    scatter: tuple[float, float, float]
    brows: tuple[float, float]
    brush: float


RESIN = Recipe(
    detail=(0.5, 1.0), cast=0.05, level=0.12, skin_like=0.5, infrared=(0.26, 0.85),
    contrast=(0.0, 0.5), uneven=(0.01, 0.09), gloss=(0.3, 1.5), sharpness=(8, 90),
    scatter=(0.08, 0.08, 0.08), brows=(0.6, 1.0), brush=0.02,
)  # fmt: skip
SILICONE = Recipe(
    detail=(0.35, 0.9), cast=0.04, level=0.12, skin_like=0.6, infrared=(0.30, 0.78),
    contrast=(0.1, 0.7), uneven=(0.01, 0.07), gloss=(0.25, 0.9), sharpness=(6, 28),
    scatter=(0.22, 0.15, 0.11), brows=(0.7, 1.0), brush=0.025,
)  # fmt: skip
PLASTIC = Recipe(
    detail=(0.0, 0.5), cast=0.06, level=0.18, skin_like=0.4, infrared=(0.25, 0.85),
    contrast=(0.0, 0.6), uneven=(0.005, 0.05), gloss=(0.2, 1.4), sharpness=(7, 80),
    scatter=(0.06, 0.06, 0.06), brows=(0.4, 1.0), brush=0.030,
)  # fmt: skip


@dataclass(frozen=True)
class Coat:
    """The paint of one mask.

    Attributes:
        victim: Whose brows are painted on.
        paint: Canonical place, R, G, B and 850 nm per vertex of the head, (N, 7).
        gloss: Strength of its highlights.
        sharpness: Their exponent.
        scatter: How far light bleeds past the edge of a shadow, (3,).
        brows: How strongly brows show, in RGB and at 850 nm.
        brush: Contrast of the traces of the brush.
        phase: Moves all noise, (3,).
    """

    victim: Person
    paint: Floats
    gloss: float
    sharpness: float
    scatter: Floats
    brows: tuple[float, float]
    brush: float
    phase: Floats

    def material(self, seen: Seen) -> Material:
        """How points whose paint is that of the coat reflect."""
        here = seen.paint[:, :3]
        rgb, nir = seen.paint[:, 3:6].copy(), seen.paint[:, 6].copy()
        cover = paint_brows(self.victim, here)
        rgb += (cover * self.brows[0])[:, None] * (self.victim.hair_colour[:3] - rgb)
        nir += cover * self.brows[1] * (0.25 - nir)
        brush = self.brush * left_of(0.004, footprint(seen))
        brushed = 1 + brush * noise(here + self.phase, (0.004, 0.012, 0.004))
        brushed += brush * noise(here + self.phase, 0.0045, 1)
        count = len(nir)
        shine = np.clip(1 + 0.35 * noise(here + self.phase, 0.006, 3), 0.2, 2)
        return Material(
            rgb=(rgb * brushed[:, None]).astype(np.float32),
            nir=(nir * (1 + 0.5 * (brushed - 1))).astype(np.float32),
            gloss=(self.gloss * shine).astype(np.float32),
            sharpness=np.full(count, self.sharpness, np.float32),
            scatter=self.scatter,
            ambient=np.clip(seen.paint[:, 7], 0, 1).astype(np.float32),
        )


def draw_coat(rng: np.random.Generator, victim: Person, recipe: Recipe) -> Coat:
    """Draw the paint of a mask of somebody."""
    rgb = victim.paint[:, channels.RGB]
    average = np.median(rgb, axis=0)
    error = np.exp(rng.normal(0, recipe.cast, 3)) * np.exp(rng.normal(0, recipe.level))
    painted = (average + rng.uniform(*recipe.detail) * (rgb - average)) * error
    place = head_model().mean
    phase = rng.uniform(0, 1, 3).astype(np.float32)
    skin_like = rng.random() < recipe.skin_like
    skin = float(np.median(victim.paint[:, channels.NIR]))
    base = skin * np.exp(rng.normal(0.04, 0.14)) if skin_like else rng.uniform(*recipe.infrared)
    grey = painted.mean(axis=1) / painted.mean()
    nir = base * (1 + rng.uniform(*recipe.contrast) * (grey - 1))
    clouds = smooth_noise(place + phase, 0.028, 2) + 0.6 * smooth_noise(place + phase, 0.011, 3)
    nir = nir * (1 + rng.uniform(*recipe.uneven) * clouds)
    share = np.clip(ambient_share(), 0, 1) ** np.float32(1.1)
    columns = [place, np.clip(painted, 0.01, 0.9), np.clip(nir, 0.03, 0.9)[:, None]]
    sharpness = np.exp(rng.uniform(*np.log(recipe.sharpness)))
    return Coat(
        victim=victim,
        paint=np.concatenate([*columns, share[:, None]], axis=1).astype(np.float32),
        gloss=float(rng.uniform(*recipe.gloss)),
        sharpness=float(sharpness),
        scatter=np.array(recipe.scatter, np.float32),
        brows=(float(rng.uniform(*recipe.brows)), float(rng.uniform(0.0, 0.9))),
        brush=recipe.brush * float(rng.uniform(0.5, 1.5)),
        phase=phase,
    )
