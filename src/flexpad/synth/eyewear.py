"""Somebody's own glasses: frames that are seen and throw shadows, lenses that glare.

- A lens mirrors 4 % at either surface (Fresnel, index 1.5), coated ones a quarter of that with a
  green cast; polycarbonate and glass pass 0.9 of the light at 850 nm. Coatings against reflections
  are made for visible light, so in infrared all lenses mirror the flash.
- The front of a lens is part of a sphere of 80 to 130 mm, so lamps and the flash show as small
  bright images of themselves, and a window as a larger one.
- A depth camera's light passes a lens twice and is bent: where it is mirrored away nothing comes
  back, elsewhere less.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Floats, Indices
from flexpad.synth.head import head_model
from flexpad.synth.lights import Illumination
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.render import Part, Seen, unit
from flexpad.synth.shading import Material

EYES = np.array([[-0.0312, -0.001, 0.012], [0.0312, -0.001, 0.012]], np.float32)
EAR = (0.075, -0.006, -0.085)  # where a temple ends: to the side, over the hinge, back; metres
AROUND = 26  # points around a rim
POLISH = 1500.0  # exponent of the mirror image of a lamp
MIRRORED = 0.08  # both surfaces of an uncoated lens


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a pair of glasses in the axes of the head.

    Attributes:
        vertices: (N, 3) metres.
        attributes: Normals, then paint, (N, 3 + C).
        triangles: (T, 3).
        regions: (T,).
    """

    vertices: Floats
    attributes: Floats
    triangles: NDArray[np.int32]
    regions: NDArray[np.uint8]


@dataclass(frozen=True)
class Glasses:
    """Glasses that somebody wears to see.

    Attributes:
        frame: The frame; paint is nothing.
        middles: Of the lenses, (2, 3) metres in the axes of the head.
        half: Half width and half height of a lens, metres.
        corners: Exponent of its outline: 2 is an ellipse, more is a rounded rectangle.
        tilt: Of the lenses: lower border toward the cheeks, outer borders back, (2,) radians.
        radius: Of the front of a lens, metres.
        colour: Of the frame in R, G, B and at 850 nm, (4,).
        mirrored: Share of light that a lens mirrors in R, G, B, (3,).
        window: A bright patch in the room: tangents of its direction (2), half sizes (2), level.
        echo: Share of a depth camera's light that gets through.
    """

    frame: Piece
    middles: Floats
    half: tuple[float, float]
    corners: float
    tilt: tuple[float, float]
    radius: float
    colour: Floats
    mirrored: Floats
    window: Floats
    echo: float

    def part(self, moment: Moment) -> Part:
        """The frame in front of the camera."""
        return join("glasses", [self.frame], moment)

    def material(self, seen: Seen) -> tuple[Material, Floats]:
        """How points of the frame reflect, and their depth echo, (n,)."""
        count = len(seen.ray)
        material = Material(
            rgb=np.broadcast_to(self.colour[:3], (count, 3)),
            nir=np.full(count, self.colour[3], np.float32),
            gloss=np.full(count, 1.0, np.float32),
            sharpness=np.full(count, 60, np.float32),
            scatter=np.zeros(3, np.float32),
            ambient=np.full(count, 0.9, np.float32),
        )
        return material, np.full(count, min(1.0, 0.8 * float(self.colour[3])), np.float32)

    def find_lenses(self, moment: Moment, rays: Floats) -> tuple[Indices, Floats, Floats]:
        """Find where rays from the camera go through a lens.

        Args:
            moment: Where the head is.
            rays: Directions with z = -1, (R, 3).

        Returns:
            Number of each ray that does, (n,), the distance of the lens along it, (n,), and the
            normals of its front, (n, 3).
        """
        eye, aim = -moment.place @ moment.turn, rays @ moment.turn
        found = []
        for middle, side in zip(self.middles, (-1, 1), strict=True):
            pitch, wrap = self.tilt
            facing = unit(np.array([[side * wrap, -pitch, 1.0]], np.float32))[0]
            reach = float((middle - eye) @ facing) / (aim @ facing)
            place = reach[:, None] * aim[:, :2] + (eye[:2] - middle[:2])
            right, up = np.abs(place / np.array(self.half, np.float32)).T
            near = np.flatnonzero((right < 1) & (up < 1) & (reach > 0))
            far = right[near] ** self.corners + up[near] ** self.corners
            ray = near[far < 1]
            flat = np.zeros((len(ray), 1), np.float32)
            bulge = np.concatenate([place[ray], flat], axis=1) / self.radius
            normal = unit((facing + bulge).astype(np.float32)) @ moment.turn.T
            found.append((ray, reach[ray], normal))
        ray, reach, normal = (np.concatenate(column) for column in zip(*found, strict=True))
        return ray, reach.astype(np.float32), normal.astype(np.float32)

    def glare(
        self, points: Floats, normal: Floats, light: Illumination
    ) -> tuple[Floats, Floats, Floats]:
        """What lenses mirror toward the camera.

        Args:
            points: On the lenses, (n, 3) metres in camera axes.
            normal: Of their fronts, (n, 3).
            light: The light of the place.

        Returns:
            Radiance in RGB, (n, 3), at 850 nm, (n,), and how far a depth camera is dazzled, (n,)
            in [0, 1].
        """
        view = unit(-points)
        straight = np.einsum("ij,ij->i", normal, view)
        away = 2 * straight[:, None] * normal - view
        lamp = np.exp(POLISH * (np.clip(away @ light.key, 0, 1) - 1) / 4)
        flash = unit(light.flash_position - points)
        dazzle = np.exp(POLISH * (np.clip(np.einsum("ij,ij->i", away, flash), 0, 1) - 1) / 4)
        x, y = (away[:, :2] / np.maximum(away[:, 2:], 0.05)).T
        right, up, width, height, level = self.window
        patch = smoothstep(1.15, 0.85, np.abs(x - right) / width)
        patch = patch * smoothstep(1.15, 0.85, np.abs(y - up) / height) * level
        room = 0.5 * (light.sky + light.ground)
        rgb = lamp[:, None] * (60 * light.key_colour) + patch[:, None] + room
        nir = MIRRORED * (light.flash * 150 * dazzle + 60 * light.infrared_key * lamp)
        near = np.exp(POLISH * (np.clip(np.einsum("ij,ij->i", away, flash), 0, 1) - 1) / 40)
        return (rgb * self.mirrored).astype(np.float32), nir.astype(np.float32), near


def eye_places(shape: Floats) -> Floats:
    """Where the fronts of the eyes of a head (N, 3) are, (2, 3) metres."""
    mean = head_model().mean
    near = [int(np.argmin(((mean - eye) ** 2).sum(axis=1))) for eye in EYES]
    return np.asarray(EYES + shape[near] - mean[near], np.float32)


def superellipse(half: tuple[float, float], corners: float, count: int) -> Floats:
    """Points of an outline, (count, 2) metres from its middle."""
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    trip = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    reach = (np.abs(trip) ** corners).sum(axis=1) ** (-1 / corners)
    return np.asarray(trip * reach[:, None] * np.array(half), np.float32)


def bar(start: Floats, end: Floats, width: float, channels: int, region: int) -> Piece:
    """A square bar between two points, (3,) each, with so many channels of paint that are 0."""
    along = (end - start) / np.sqrt(((end - start) ** 2).sum())
    aside = np.cross(along, [0.0, 1.0, 0.0])
    aside = aside / np.sqrt((aside**2).sum())
    above = np.cross(aside, along)
    corners = np.array([aside + above, aside - above, -aside - above, -aside + above]) / np.sqrt(2)
    vertices = np.concatenate([start + 0.5 * width * corners, end + 0.5 * width * corners])
    attributes = np.zeros((8, 3 + channels), np.float32)
    attributes[:, :3] = np.tile(corners, (2, 1))
    here, beside = np.arange(4), np.roll(np.arange(4), -1)
    triangles = np.concatenate(
        [np.stack([here, beside, here + 4], 1), np.stack([beside, beside + 4, here + 4], 1)]
    )
    regions = np.full(len(triangles), region, np.uint8)
    return Piece(vertices.astype(np.float32), attributes, triangles.astype(np.int32), regions)


def temples(left: Floats, right: Floats, width: float, channels: int, region: int) -> list[Piece]:
    """The bridge between two lenses whose vertices are (n, 3) each, and a bar to either ear."""
    inner = left[left[:, 0].argmax()], right[right[:, 0].argmin()]
    pieces = [bar(*inner, width, channels, region)]
    for vertices, side in ((left, -1), (right, 1)):
        hinge = vertices[(side * vertices[:, 0]).argmax()]
        ear = [side * max(abs(float(hinge[0])), EAR[0]), hinge[1] + EAR[1], EAR[2]]
        pieces.append(bar(hinge, np.array(ear, np.float32), 0.9 * width, channels, region))
    return pieces


def fuse(pieces: list[Piece]) -> Piece:
    """Several pieces as one."""
    starts = np.cumsum([0, *(len(piece.vertices) for piece in pieces)])
    moved = zip(pieces, starts, strict=False)
    return Piece(
        np.concatenate([piece.vertices for piece in pieces]),
        np.concatenate([piece.attributes for piece in pieces]),
        np.concatenate([piece.triangles + start for piece, start in moved]).astype(np.int32),
        np.concatenate([piece.regions for piece in pieces]),
    )


def join(name: str, pieces: list[Piece], moment: Moment) -> Part:
    """Put pieces in front of the camera as one part."""
    whole = fuse(pieces)
    attributes = whole.attributes.copy()
    attributes[:, :3] = attributes[:, :3] @ moment.turn.T
    placed = (whole.vertices @ moment.turn.T + moment.place).astype(np.float32)
    return Part(name, placed, whole.triangles, attributes, whole.regions)


def _rim(middle: Floats, side: int, glasses: Glasses, width: float, deep: float) -> Piece:
    """The tube around a lens: four points across, ``AROUND`` along."""
    outline = superellipse(glasses.half, glasses.corners, AROUND)
    outward = unit(np.concatenate([outline, np.zeros((AROUND, 1), np.float32)], axis=1))
    pitch, wrap = glasses.tilt
    depth = outline[:, 1] * pitch - side * outline[:, 0] * wrap
    base = np.concatenate([outline, depth[:, None]], axis=1) + middle
    ahead = np.array([0, 0, 1], np.float32)
    across = np.stack([outward, ahead + 0 * outward, -outward, -ahead + 0 * outward], axis=1)
    size = np.array([width, deep, width, deep], np.float32)[None, :, None] / 2
    vertices = (base[:, None] + across * size).reshape(-1, 3)
    number = np.arange(AROUND * 4).reshape(AROUND, 4)
    follow = np.roll(number, -1, axis=0)
    a, b = number.reshape(-1), np.roll(number, -1, axis=1).reshape(-1)
    c, d = follow.reshape(-1), np.roll(follow, -1, axis=1).reshape(-1)
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]).astype(np.int32)
    normals = across.reshape(-1, 3).astype(np.float32)
    return Piece(
        vertices.astype(np.float32), normals, triangles, np.zeros(len(triangles), np.uint8)
    )


def draw_glasses(rng: np.random.Generator, shape: Floats) -> Glasses:
    """Fit glasses to a head, (N, 3) vertices."""
    gap = rng.uniform(0.013, 0.017)
    middles = eye_places(shape) + np.array([0, -0.002, gap], np.float32)
    coated = rng.random() < 0.6
    level = MIRRORED * rng.uniform(0.15, 0.35) if coated else MIRRORED
    tint = [0.8, 1.2, 1.0] if coated else [1.0, 1.0, 1.0]
    window = [rng.uniform(-0.8, 0.8), rng.uniform(-0.1, 0.8), *rng.uniform(0.08, 0.35, 2)]
    empty = Piece(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32),
                  np.zeros((0, 3), np.int32), np.zeros(0, np.uint8))  # fmt: skip
    glasses = Glasses(
        frame=empty,
        middles=np.asarray(middles, np.float32),
        half=(float(rng.uniform(0.021, 0.0275)), float(rng.uniform(0.014, 0.022))),
        corners=float(rng.uniform(2.0, 4.5)),
        tilt=(float(rng.uniform(0.06, 0.18)), float(rng.uniform(0.02, 0.12))),
        radius=float(rng.uniform(0.08, 0.13)),
        colour=_draw_frame_colour(rng),
        mirrored=np.array(level, np.float32) * np.array(tint, np.float32),
        window=np.array([*window, rng.uniform(0, 6)], np.float32),
        echo=float(rng.uniform(0.12, 0.75)),
    )
    width, deep = rng.uniform(0.0012, 0.0045), rng.uniform(0.0025, 0.0045)
    rims = [_rim(m, s, glasses, width, deep) for m, s in zip(glasses.middles, (-1, 1), strict=True)]
    bars = temples(rims[0].vertices, rims[1].vertices, max(width, 0.002), 0, 0)
    return replace(glasses, frame=fuse([*rims, *bars]))


def _draw_frame_colour(rng: np.random.Generator) -> Floats:
    """Acetate, mostly dark, or metal; dyes of dark plastic often vanish at 850 nm."""
    # inferred
    if rng.random() < 0.35:
        metal = rng.uniform(0.25, 0.55) * np.array([1.0, rng.uniform(0.8, 1.0), 0.9])
        return np.append(metal, rng.uniform(0.3, 0.6)).astype(np.float32)
    plastic = np.exp(rng.uniform(np.log(0.015), np.log(0.3))) * rng.uniform(0.4, 1.4, 3)
    return np.append(plastic, rng.uniform(0.04, 0.55)).astype(np.float32)
