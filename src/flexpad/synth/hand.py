"""Hands that hold a print or a screen: rounded tubes with nails and creases, in somebody's skin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Floats
from flexpad.synth.head import NormalAverager
from flexpad.synth.lights import Illumination
from flexpad.synth.noise import noise, smoothstep
from flexpad.synth.person import MELANIN, SIMILAR, Person
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.shading import Material, shade
from flexpad.synth.skin import skin_reflectance
from flexpad.synth.surface import Surface, surface_normals
from flexpad.synth.view import View

AROUND, ALONG = 10, 9  # points around and along a finger
# Length and radius of a thumb and of a finger, metres: the width of a thumb is about 20 mm, of a
# forefinger 16 to 18 mm (A. R. Tilley, "The measure of man and woman", 1993).
THUMB, FINGER = (0.052, 0.0098), (0.026, 0.0080)


@dataclass(frozen=True)
class Digit:
    """A finger over the edge of a thing, or another part of a hand that is a rounded tube.

    Attributes:
        tip: Where it ends, in the axes of the thing, (3,) metres.
        toward: Unit vector from the root to the tip, (3,).
        length: Metres.
        radius: Metres.
    """

    tip: Floats
    toward: Floats
    length: float
    radius: float


@dataclass(frozen=True)
class Hand:
    """The digits that show of whoever holds something.

    Attributes:
        digits: In the axes of what they hold.
        skin: Reflectance in R, G, B and at 850 nm, (4,).
        phase: Moves all noise, (3,).
    """

    digits: tuple[Digit, ...]
    skin: Floats
    phase: Floats

    @cached_property
    def part(self) -> Part:
        """All digits as one part, in the axes of what they hold.

        Paint: along (0 root, 1 tip), around (radians), how far on top, whether it is a finger.
        """
        triangles, along, around = _tube()
        vertices, attributes, faces = [], [], []
        for number, digit in enumerate(self.digits):
            points, top = _place(digit, along, around)
            slim = np.full_like(along, digit.radius < 0.012)
            paint = np.stack([along, around, top, slim], axis=1)
            vertices.append(points)
            attributes.append(np.concatenate([_normals()(points), paint], axis=1))
            faces.append(triangles + number * len(points))
        return Part(
            "hand",
            np.concatenate(vertices).astype(np.float32),
            np.concatenate(faces).astype(np.int32),
            np.concatenate(attributes).astype(np.float32),
        )

    def lay(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        """Shade what is seen of the digits and lay it over a view; a parser calls it no face."""
        along, _, top, slim = seen.paint.T
        nail = smoothstep(0.74, 0.80, along) * smoothstep(0.99, 0.94, along)
        nail = nail * smoothstep(0.45, 0.70, top) * slim
        crease = np.exp(-(((along - 0.55) / 0.03) ** 2)) * 0.25 * slim
        place = seen.position + self.phase
        mottle = 1 + 0.05 * noise(place, 0.004) - crease
        rgb = self.skin[:3] * mottle[:, None]
        rgb = rgb + nail[:, None] * (self.skin[:3] * [1.12, 1.0, 0.98] + 0.03 - rgb)
        count = len(along)
        material = Material(
            rgb=rgb.astype(np.float32),
            nir=(self.skin[3] * (1 + 0.3 * (mottle - 1))).astype(np.float32),
            gloss=(0.35 + 0.9 * nail).astype(np.float32),
            sharpness=(14 + 60 * nail).astype(np.float32),
            scatter=np.array([0.30, 0.13, 0.08], np.float32),
            ambient=np.full(count, 0.8, np.float32),
        )
        lit = shade(seen, material, light, scene)
        echo = np.full(count, min(1.0, float(self.skin[3]) / 0.4), np.float32)
        view.lay(seen, lit, np.zeros(count, np.float32), echo)


@cache
def _tube() -> tuple[NDArray[np.int32], Floats, Floats]:
    """Triangles of a closed tube and its coordinates along (0 to 1) and around (radians)."""
    steps = np.concatenate([np.linspace(0, 0.80, ALONG - 4), [0.88, 0.94, 0.98, 1.0]])
    turns = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    along = np.repeat(steps, AROUND).astype(np.float32)
    around = np.tile(turns, ALONG).astype(np.float32)
    number = np.arange(AROUND * ALONG).reshape(ALONG, AROUND)
    beside = np.roll(number, -1, axis=1)
    a, b = number[:-1].reshape(-1), beside[:-1].reshape(-1)
    c, d = number[1:].reshape(-1), beside[1:].reshape(-1)
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return triangles.astype(np.int32), along, around


@cache
def _normals() -> NormalAverager:
    return NormalAverager(_tube()[0], AROUND * ALONG)


def _place(digit: Digit, along: Floats, around: Floats) -> tuple[Floats, Floats]:
    """Points of a digit, (n, 3), and how far on its upper side each is, (n,)."""
    front = np.array([0.0, 0.0, 1.0], np.float32)
    side = np.cross(digit.toward, front)
    side = side / np.sqrt((side**2).sum())
    top = np.cross(side, digit.toward)
    # A round end, a slight waist behind the last joint, thicker toward the root.
    round_end = np.sqrt(np.clip(1 - (np.clip(along - 0.80, 0, 0.2) / 0.2) ** 2, 0, 1))
    radius = digit.radius * round_end * (1.08 - 0.10 * np.exp(-(((along - 0.5) / 0.15) ** 2)))
    upper = np.sin(around)
    across = (radius * np.cos(around))[:, None] * side + (0.85 * radius * upper)[:, None] * top
    points = digit.tip - ((1 - along) * digit.length)[:, None] * digit.toward + across
    return points.astype(np.float32), upper


def draw_hand(
    rng: np.random.Generator,
    victim: Person,
    half: tuple[float, float],
    one_handed: bool,
    grip: tuple[float, float],
    surface: Surface | None = None,
) -> Hand:
    """Draw how somebody holds a thing by its sides.

    Args:
        rng: Source of everything.
        victim: Who is shown; whoever holds it mostly has similar skin.
        half: Half width and half height of the thing, metres.
        one_handed: Thumb on one side and fingertips on the other, or a thumb on either side.
        grip: Lowest and highest place of the hands, in half heights from the middle.
        surface: The shape of the thing, if it is not flat.
    """
    side = float(rng.choice([-1, 1]))
    height = float(rng.uniform(*grip)) * half[1]
    places = [_Grip(side, height, THUMB), _Grip(-side, height + float(rng.normal(0, 0.02)), THUMB)]
    fists = [0, 1]
    if one_handed:
        steps = height + 0.020 - 0.019 * np.arange(3) + rng.normal(0, 0.002, 3)
        places[1:] = [_Grip(-side, float(step), FINGER) for step in steps]
        fists = [0]
    digits = [_over_edge(rng, grip, half, surface) for grip in places]
    for number in fists:
        digits += _fist(places[number].side, digits[number])
    phase = rng.uniform(0, 1, 3).astype(np.float32)
    return Hand(tuple(digits), _draw_skin(rng, victim), phase)


def _draw_skin(rng: np.random.Generator, victim: Person) -> Floats:
    """Reflectance of the holder's fingers, (4,)."""
    melanin = victim.melanin
    if rng.random() > SIMILAR:
        melanin = MELANIN[str(rng.choice(list(MELANIN)))][0]
    melanin = float(np.clip(melanin * np.exp(rng.normal(0, 0.3)), 0.008, 0.40))
    blood = np.array([0.011 * np.exp(rng.normal(0, 0.2))], np.float32)
    skin: Floats = skin_reflectance(np.array([melanin], np.float32), blood)[0]
    return skin


@dataclass(frozen=True, slots=True)
class _Grip:
    """Where a digit lies over an edge: on which side, how high, its length and radius, metres."""

    side: float
    height: float
    kind: tuple[float, float]


def _over_edge(
    rng: np.random.Generator, grip: _Grip, half: tuple[float, float], surface: Surface | None
) -> Digit:
    length, radius = grip.kind
    reach = min(0.5 * length, 0.34 * half[0]) * float(rng.uniform(0.5, 1.1))
    flat = np.array([[grip.side * (half[0] - reach), grip.height]], np.float32)
    tip, outward = np.append(flat[0], 0.0), np.array([0.0, 0.0, 1.0])
    if surface is not None:
        tip, outward = surface.lift(flat, 0.0)[0], surface_normals(surface, flat, 0.0)[0]
    toward = np.array([-grip.side, rng.normal(0.25, 0.15), -0.12])
    toward = toward / np.sqrt((toward**2).sum())
    over = (tip + 0.9 * radius * outward).astype(np.float32)
    return Digit(over, toward.astype(np.float32), length, radius)


def _fist(side: float, thumb: Digit) -> list[Digit]:
    """The ball of the thumb, the fist behind the thing and the forearm that leads away from it."""
    root = thumb.tip - thumb.length * thumb.toward
    down = np.array([0.0, -1.0, 0.0], np.float32)
    ball = Digit(_beside(root, 0, 0.014, -0.014), -down, 0.060, 0.019)
    fist = Digit(_beside(root, 0, 0.022, -0.034), -down, 0.080, 0.026)
    away = np.array([-0.35 * side, 0.90, 0.20])
    away = away / np.sqrt((away**2).sum())
    wrist = _beside(root, 0.005 * side, -0.030, -0.040)
    return [ball, fist, Digit(wrist, away.astype(np.float32), 0.26, 0.027)]


def _beside(point: Floats, right: float, up: float, forward: float) -> Floats:
    moved: Floats = point + np.array([right, up, forward])
    return moved.astype(np.float32)
