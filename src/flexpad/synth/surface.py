"""The shapes thin things take: paper rolled and buckled by hands, cloth in folds and in the wind.

A surface answers where the points of a flat sheet go. Flat coordinates are metres to the right and
up from the middle; the lifted points are in the axes of the sheet, z toward the camera.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.noise import smooth_noise
from flexpad.synth.render import unit

_STEP = np.float32(0.0015)  # metres between the points a slope is taken from


class Surface(Protocol):
    """Anything flat that was bent."""

    @property
    def moves(self) -> bool:
        """Whether its shape depends on the moment."""

    def lift(self, flat: Floats, seconds: float) -> Floats:
        """Put points (n, 2) of the flat sheet where they are at a moment, (n, 3)."""


def surface_normals(surface: Surface, flat: Floats, seconds: float) -> Floats:
    """Unit normals toward the camera's side at points (n, 2) of a flat sheet, (n, 3)."""
    right = flat + np.array([_STEP, 0], np.float32)
    up = flat + np.array([0, _STEP], np.float32)
    here, across, along = np.split(
        surface.lift(np.concatenate([flat, right, up]).astype(np.float32), seconds), 3
    )
    return unit(np.cross(across - here, along - here).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Rolled:
    """Paper rolled around the vertical axis, edges away from the camera, slightly buckled.

    Paper bends one way only, so what is added to the roll is small.

    Attributes:
        curvature: Of the roll, 1/m; must not be 0.
        tilt: Second curvature about the horizontal axis, 1/m.
        twist: How far opposite corners are turned apart, 1/m.
        buckle: Height of the waves that hands and humidity leave, metres.
        phase: Moves them, (3,).
        pressed: Where a nose behind it pushes it out, and how far and wide: x, y, height and
            radius of the bump, (4,) metres.
    """

    curvature: float
    tilt: float
    twist: float
    buckle: float
    phase: Floats
    pressed: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)

    @property
    def moves(self) -> bool:
        """Paper keeps its shape in a hand."""
        return False

    def lift(self, flat: Floats, seconds: float) -> Floats:  # noqa: ARG002
        """Roll points (n, 2), (n, 3)."""
        x, y = flat[:, 0], flat[:, 1]
        across = np.sin(x * self.curvature) / self.curvature
        back = (np.cos(x * self.curvature) - 1) / self.curvature
        back = back - 0.5 * self.tilt * (y + 0.4 * x) ** 2 + self.twist * x * y
        waves = np.stack([x, 0.5 * y, np.zeros_like(x)], axis=1).astype(np.float32) + self.phase
        back = back + self.buckle * smooth_noise(waves, 0.11)
        right, up, height, radius = self.pressed
        if height:
            # Stiff across its width: the bump is longer than wide.
            back = back + height * np.exp(
                -(((x - right) / radius) ** 2) - ((y - up) / (1.6 * radius)) ** 2
            )
        return np.stack([across, y, back], axis=1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Draped:
    """Cloth that hangs from its upper corners, in folds, and moves in the wind.

    Folds of three kinds add up: vertical ones that grow toward the free lower hem, tension folds
    that fan out from where the cloth is held, and wrinkles of having been folded or crumpled.

    Attributes:
        half: Half width and half height of the cloth, metres.
        hanging: Height of the vertical folds, metres.
        spacing: From one to the next, metres.
        fan: Height of the tension folds, metres.
        rays: How many fan out in a quarter circle.
        wrinkles: Height of the wrinkles, metres.
        sag: How far the middle stands off the plane of the hands, metres; below 0 is back.
        wind: How far it billows, metres.
        gust: Of the wind, hertz.
        phase: Moves all folds, (3,).
    """

    half: tuple[float, float]
    hanging: float
    spacing: float
    fan: float
    rays: float
    wrinkles: float
    sag: float
    wind: float
    gust: float
    phase: Floats

    @property
    def moves(self) -> bool:
        """Cloth billows."""
        return True

    def lift(self, flat: Floats, seconds: float) -> Floats:
        """Drape points (n, 2), (n, 3)."""
        across, down = flat[:, 0] / self.half[0], 0.5 - 0.5 * flat[:, 1] / self.half[1]
        start = 2 * np.pi * self.phase
        lean = flat[:, 0] + 0.25 * (self.phase[1] - 0.5) * flat[:, 1]
        fold = np.cos(2 * np.pi * lean / self.spacing + start[0] + 0.8 * np.sin(3 * across))
        depth = self.hanging * (0.25 + 0.75 * np.clip(down, 0, 1.2)) * (fold - 0.25 * fold**2)
        for side in (-1.0, 1.0):
            right, below = flat[:, 0] - side * self.half[0], flat[:, 1] - self.half[1]
            away = np.hypot(right, below)
            angle = np.arctan2(-below, -side * right)
            fan = np.sin(4 * self.rays * angle + start[1] + side)
            depth = depth + self.fan * fan * np.exp(-away / 0.13) * np.tanh(away / 0.03)
        bulge = np.clip(1 - across**2, 0, 1) * np.clip(down, 0, 1)
        billow = np.sin(2 * np.pi * self.gust * seconds + start[2] - 2.5 * down)
        depth = depth + (self.sag + self.wind * billow) * bulge
        place = np.concatenate([flat, np.zeros((len(flat), 1), np.float32)], axis=1) + self.phase
        depth = depth + self.wrinkles * smooth_noise(place.astype(np.float32), 0.042)
        depth = depth + 0.45 * self.wrinkles * smooth_noise(place.astype(np.float32), 0.018, 1)
        return np.concatenate([flat, depth[:, None]], axis=1).astype(np.float32)


def roll_paper(rng: np.random.Generator, bent: bool) -> Rolled:
    """Draw how a print is held: as flat as hands hold paper, or bent around a face."""
    curvature = rng.uniform(4.5, 11.5) if bent else rng.choice([-1, 1]) * rng.uniform(0.05, 1.2)
    return Rolled(
        curvature=float(curvature),
        tilt=float(rng.normal(0, 0.6 if bent else 0.5)),
        twist=float(rng.normal(0, 0.10)),
        buckle=float(rng.uniform(0.0001, 0.0009)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
    )


def drape_cloth(rng: np.random.Generator, half: tuple[float, float], windy: bool) -> Draped:
    """Draw how a printed cloth hangs between two hands."""
    return Draped(
        half=half,
        hanging=float(rng.uniform(0.001, 0.007)),
        spacing=float(rng.uniform(0.07, 0.19)),
        fan=float(rng.uniform(0.0, 0.010)),
        rays=float(rng.uniform(1.0, 2.6)),
        wrinkles=float(rng.uniform(0.0004, 0.0020)),
        sag=float(rng.normal(0.004, 0.010)),
        wind=float(rng.uniform(0.003, 0.016) if windy else rng.uniform(0.0, 0.002)),
        gust=float(rng.uniform(0.3, 1.2)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
    )
