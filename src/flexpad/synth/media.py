"""What printing does to a picture, on paper and on cloth, in RGB and at 850 nm.

- Office and photo paper reflect 0.75 to 0.9 in RGB and not much less at 850 nm. Yellow and magenta
  dyes, and cyan dyes chosen for it, absorb little between 700 and 900 nm (the patent application
  "IR transparent cyan inkjet ink" names some), while black is mostly carbon, Pigment Black 7, and
  stays dark. How much of a print is left in infrared therefore depends on the printer: the share
  of carbon is drawn between none and nearly all.  # inferred
- Cotton and polyester reflect most of what they get beyond 700 nm, and the dyes that pictures are
  printed on cloth with lose their absorption there (Naval Research Laboratory, "Parametric models
  of NIR transmission and reflectivity spectra for dyed fabrics"): a printed cloth is nearly blank
  at 850 nm, and what shows is its folds. Ink runs along the threads; the darkest print keeps some
  per cent of the light and white is greyer than paper. The figures are  # inferred
- Light that falls on the back of a thin sheet comes through: 0.05 to 0.15 of it for paper, 0.10 to
  0.35 for cloth, coloured by the print.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.noise import noise
from flexpad.synth.shading import Material

_EQUALLY = np.full((3, 1), 1 / 3, np.float32)


class Medium(Protocol):
    """Something a picture can be printed on."""

    @property
    def through(self) -> float:
        """Share of the light on its back that comes through."""

    def material(self, picture: Floats, place: Floats) -> tuple[Material, Floats]:
        """Print a picture (n, 3) at places (n, 3); the material and the depth echo, (n,)."""


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
        through: Share of the light on its back that comes through.
    """

    paper: Floats
    black: float
    fade: float
    tint: Floats
    carbon: float
    halftone: float
    gloss: float
    sharpness: float
    through: float = 0.1

    def material(self, picture: Floats, place: Floats) -> tuple[Material, Floats]:
        """Print a picture (n, 3) at places (n, 3); the material and the depth echo, (n,)."""
        grey = picture @ _EQUALLY
        ink = (grey + (1 - self.fade) * (picture - grey)) * self.tint
        raster = 1 + self.halftone * noise(place, 0.0011)[:, None]
        fibre = 1 + 0.012 * noise(place, 0.003, 1)
        printed = (self.black + (1 - self.black) * np.clip(ink * raster, 0, 1)) * fibre[:, None]
        # Printers replace what cyan, magenta and yellow have in common by black.
        unblack = picture.max(axis=1)
        nir = self.paper[3] * _left(unblack, self.carbon) * fibre
        return _sheet_material(self.paper[:3] * printed, nir, (self.gloss, self.sharpness), 0.06)


@dataclass(frozen=True, slots=True)
class Cloth:
    """A printed cloth.

    Attributes:
        fibre: Reflectance of the cloth in R, G, B and at 850 nm, (4,).
        black: Reflectance of the darkest print.
        fade: How far colours are pulled toward grey.
        tint: Colour cast of the print, (3,).
        left: Share of the picture that is left at 850 nm, 0 to 1.
        weave: Contrast of the threads.
        thread: Distance over which a thread varies, metres.
        nap: Strength of the sheen of standing fibres at grazing angles.
        through: Share of the light on its back that comes through.
    """

    fibre: Floats
    black: float
    fade: float
    tint: Floats
    left: float
    weave: float
    thread: float
    nap: float
    through: float

    def material(self, picture: Floats, place: Floats) -> tuple[Material, Floats]:
        """Print a picture (n, 3) at places (n, 3); the material and the depth echo, (n,)."""
        grey = picture @ _EQUALLY
        dye = (grey + (1 - self.fade) * (picture - grey)) * self.tint
        warp = noise(place, (self.thread, 14 * self.thread, 1.0), 2)
        weft = noise(place, (14 * self.thread, self.thread, 1.0), 3)
        threads = 1 + self.weave * (warp + weft)
        printed = (self.black + (1 - self.black) * np.clip(dye, 0, 1)) * threads[:, None]
        nir = self.fibre[3] * _left(grey[:, 0], self.left) * (1 + 0.6 * (threads - 1))
        return _sheet_material(self.fibre[:3] * printed, nir, (self.nap, 2.0), 0.12)


def _left(grey: Floats, share: float) -> Floats:
    """Reflectance at 850 nm over that of the blank sheet where some of the print is left, (n,)."""
    left: Floats = 1 - np.float32(share) * (0.94 - 0.94 * np.clip(grey, 0, 1))
    return left


def _sheet_material(
    rgb: Floats, nir: Floats, shine: tuple[float, float], scatter: float
) -> tuple[Material, Floats]:
    count = len(nir)
    material = Material(
        rgb=rgb.astype(np.float32),
        nir=nir.astype(np.float32),
        gloss=np.full(count, shine[0], np.float32),
        sharpness=np.full(count, shine[1], np.float32),
        scatter=np.full(3, scatter, np.float32),
        ambient=np.full(count, 0.9, np.float32),
    )
    return material, np.clip(nir / 0.4, 0.2, 1).astype(np.float32)


def draw_ink(rng: np.random.Generator) -> Ink:
    """Draw a printer and its paper."""
    tint = np.array([1.0, rng.uniform(0.97, 1.01), rng.uniform(0.92, 1.03)])
    white = rng.uniform(0.80, 0.92) * tint
    return Ink(
        paper=np.append(white, rng.uniform(0.55, 0.82)).astype(np.float32),
        black=float(rng.uniform(0.003, 0.030)),
        fade=float(rng.uniform(-0.34, 0.02)),
        tint=np.exp(rng.normal(0, 0.05, 3)).astype(np.float32),
        carbon=float(rng.beta(2.5, 0.5)),
        halftone=float(rng.uniform(0.01, 0.06)),
        gloss=float(rng.uniform(0.0, 0.6)),
        sharpness=float(np.exp(rng.uniform(np.log(6), np.log(80)))),
        through=float(rng.uniform(0.05, 0.15)),
    )


def draw_cloth(rng: np.random.Generator) -> Cloth:
    """Draw a cloth and what it was printed with."""
    tint = np.array([1.0, rng.uniform(0.96, 1.01), rng.uniform(0.90, 1.02)])
    white = rng.uniform(0.66, 0.86) * tint
    return Cloth(
        fibre=np.append(white, rng.uniform(0.58, 0.84)).astype(np.float32),
        black=float(rng.uniform(0.010, 0.050)),
        fade=float(rng.uniform(-0.20, 0.20)),
        tint=np.exp(rng.normal(0, 0.06, 3)).astype(np.float32),
        left=float(rng.beta(0.9, 1.3)),
        weave=float(rng.uniform(0.010, 0.040)),
        thread=float(rng.uniform(0.0011, 0.0022)),
        nap=float(rng.uniform(0.05, 0.45)),
        through=float(rng.uniform(0.10, 0.35)),
    )
