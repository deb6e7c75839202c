"""Holes cut into a print at the eyes, the nose and the mouth, and who looks through them.

CASIA-SURF's six attacks are prints with the eyes, the eyes and the nose, or all three cut out,
held flat or bent (S. Zhang et al., "CASIA-SURF: a large-scale multi-modal benchmark for face
anti-spoofing", IEEE T-BIOM 2, 2020). The holes are real holes of the mesh: light falls through
them, their rims have the thickness of the paper and curl, and an uncut nose keeps the face away
from the paper while a nose that sticks out of its hole lets it come close.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, KDTree

from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.head import REGION, head_model
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.person import Person, draw_accomplice
from flexpad.synth.photo import Photo
from flexpad.synth.render import Part, rotation
from flexpad.synth.surface import Surface, surface_normals
from flexpad.synth.view import person_parts

CONTOUR = 26  # points around a hole
RIM_YIELDS = 1.30  # radii of a hole within which paper bends out of a nose's way  # inferred
ASLANT = 0.025  # metres beside a hole of what is seen through it or throws shadows there
TOUCH = 0.0012  # metres between paper and skin where they are closest
EYE, NOSE, MOUTH = "eye", "nose", "mouth"
# Canonical outlines, metres: centre, half width, half height, and how pointed at the top.
OUTLINES = {
    EYE: ((0.0312, -0.001, 0.014), 0.0175, 0.0095, 0.0),
    NOSE: ((0.0, -0.034, 0.040), 0.0215, 0.0205, 0.55),
    MOUTH: ((0.0, -0.0745, 0.034), 0.0300, 0.0150, 0.0),
}


@dataclass(frozen=True)
class Hole:
    """A star-shaped hole in the flat sheet.

    Attributes:
        centre: Metres from the middle of the sheet, (2,).
        angles: Of the points of its contour around the centre, ascending, (K,) radians.
        radii: Their distances from it, (K,) metres.
        curl: How far the rim bends toward the camera at each point, (K,) metres.
    """

    centre: Floats
    angles: Floats
    radii: Floats
    curl: Floats

    @property
    def contour(self) -> Floats:
        """Points of the rim, (K, 2)."""
        round_trip = np.stack([np.cos(self.angles), np.sin(self.angles)], axis=1)
        return np.asarray(self.centre + self.radii[:, None] * round_trip, np.float32)

    def distance(self, flat: Floats) -> Floats:
        """Distance of points (n, 2) from the centre in radii: below 1 is cut away, (n,)."""
        x, y = (flat - self.centre).T
        radius = np.interp(np.arctan2(y, x), self.angles, self.radii, period=2 * np.pi)
        return np.asarray(np.hypot(x, y) / radius, np.float32)


@dataclass(frozen=True)
class Mesh:
    """A flat sheet as triangles.

    Attributes:
        flat: Its points, metres, (n, 2); the points of the holes' rims come last.
        curl: How far they bend toward the camera, (n,) metres.
        triangles: (T, 3).
        rim: Consecutive points around every hole, (E, 2).
    """

    flat: Floats
    curl: Floats
    triangles: NDArray[np.int32]
    rim: NDArray[np.int32]


def draw_holes(rng: np.random.Generator, photo: Photo, parts: str) -> list[Hole]:
    """Cut a print by hand where its picture shows some parts of the face.

    Args:
        rng: Source of the hand's errors.
        photo: The picture.
        parts: ``e``, ``en`` or ``enm``: eyes, eyes and nose, eyes, nose and mouth.
    """
    size = float(rng.uniform(0.85, 1.20))
    holes = [_draw_hole(rng, photo, EYE, side, size) for side in (-1, 1)]
    for letter, name in (("n", NOSE), ("m", MOUTH)):
        if letter in parts:
            holes.append(_draw_hole(rng, photo, name, 1, float(rng.uniform(0.88, 1.15))))
    return holes


def _draw_hole(rng: np.random.Generator, photo: Photo, name: str, side: int, size: float) -> Hole:
    centre, width, height, pointed = OUTLINES[name]
    angles = np.linspace(-np.pi, np.pi, CONTOUR, endpoint=False) + np.pi / CONTOUR
    narrow = 1 - pointed * np.clip(np.sin(angles), 0, 1)
    outline = np.stack([width * np.cos(angles) * narrow, height * np.sin(angles)], axis=1) * size
    canonical = np.zeros((CONTOUR, 3), np.float32)
    canonical[:, :2] = outline
    canonical += np.array([side * centre[0], *centre[1:]], np.float32)
    points = photo.where(canonical) * photo.size
    middle = points.mean(axis=0) + rng.normal(0, 0.0008, 2)
    away = points - middle
    bearing = np.arctan2(away[:, 1], away[:, 0])
    order = np.argsort(bearing)
    wave = np.cumsum(rng.normal(0, 1, CONTOUR))
    wave = wave - np.linspace(wave[0], wave[-1], CONTOUR)  # so that the cut meets itself
    wobble = 1 + rng.uniform(0.005, 0.03) * np.clip(wave, -3, 3)
    curl = rng.normal(0, 0.0012) * (1 + 0.5 * np.sin(angles + rng.uniform(0, 6)))
    return Hole(
        centre=middle.astype(np.float32),
        angles=bearing[order].astype(np.float32),
        radii=(np.hypot(*away.T)[order] * wobble).astype(np.float32),
        curl=curl.astype(np.float32),
    )


def mesh_sheet(half: tuple[float, float], points: tuple[int, int], holes: list[Hole]) -> Mesh:
    """Triangulate a rectangle with holes.

    Args:
        half: Half width and half height, metres.
        points: Along the width and the height.
        holes: None of which overlap.
    """
    steps = [np.linspace(-h, h, n, dtype=np.float32) for h, n in zip(half, points, strict=True)]
    grid = np.stack(np.meshgrid(*steps), axis=-1).reshape(-1, 2)
    if not holes:
        return Mesh(grid, np.zeros(len(grid), np.float32), _grid_triangles(*points), _NO_RIM)
    near = np.min([hole.distance(grid) for hole in holes], axis=0)
    kept = grid[near > 1.12]
    flat = np.concatenate([kept, *(hole.contour for hole in holes)])
    triangles = Delaunay(flat).simplices.astype(np.int32)
    middle = flat[triangles].mean(axis=1)
    triangles = triangles[np.min([hole.distance(middle) for hole in holes], axis=0) > 1]
    starts = len(kept) + CONTOUR * np.arange(len(holes))
    here = np.arange(CONTOUR)
    loop = np.stack([here, (here + 1) % CONTOUR], axis=1)
    rim = np.concatenate([start + loop for start in starts]).astype(np.int32)
    curl = np.concatenate([np.zeros(len(kept)), *(hole.curl for hole in holes)])
    return Mesh(flat.astype(np.float32), curl.astype(np.float32), triangles, rim)


_NO_RIM = np.zeros((0, 2), np.int32)


def _grid_triangles(columns: int, rows: int) -> NDArray[np.int32]:
    number = np.arange(columns * rows).reshape(rows, columns)
    a, b = number[:-1, :-1].reshape(-1), number[:-1, 1:].reshape(-1)
    c, d = number[1:, :-1].reshape(-1), number[1:, 1:].reshape(-1)
    return np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]).astype(np.int32)


@dataclass(frozen=True)
class Peeper:
    """Somebody whose live face shows through the holes of a sheet.

    Attributes:
        person: Who.
        turn: Of the head in the axes of the sheet, (3, 3).
        place: Between the eyes, in the axes of the sheet, (3,) metres.
        near: Which vertices of the head can show through a hole, (N,).
    """

    person: Person
    turn: Floats
    place: Floats
    near: Booleans

    def part(self, sheet: Moment) -> Part:
        """The front of the face, behind a sheet that is somewhere."""
        head = person_parts(self.person, self.moment(sheet))[0]
        near = self.near[head.triangles].any(axis=1)
        regions = None if head.regions is None else head.regions[near]
        return replace(head, triangles=head.triangles[near], regions=regions)

    def moment(self, sheet: Moment) -> Moment:
        """Where the head is when the sheet is somewhere."""
        place = sheet.turn @ self.place + sheet.place
        return replace(
            sheet,
            turn=(sheet.turn @ self.turn).astype(np.float32),
            place=place.astype(np.float32),
        )


@cache
def _front() -> Booleans:
    """Which vertices of a head can show through a hole, (N,)."""
    place = head_model().mean
    front: Booleans = (place[:, 2] > -0.075) & (np.abs(place[:, 1] + 0.02) < 0.10)
    return front


def draw_peeper(
    rng: np.random.Generator,
    victim: Person,
    holes: list[Hole],
    mesh: Mesh,
    surface: Surface,
) -> Peeper:
    """Draw somebody behind a print, eyes at the holes, as close as the paper lets the face come."""
    person = draw_accomplice(rng, victim, hair_shows=False)
    yaw, pitch, roll = rng.normal(0, [0.05, 0.05, 0.02])
    turn = rotation(float(yaw), float(pitch), float(roll))
    eyes = np.stack([holes[0].centre, holes[1].centre]).mean(axis=0, keepdims=True)
    middle = surface.lift(eyes.astype(np.float32), 0.0)[0]
    model = head_model()
    # The sides of the face only push the borders of the sheet apart.
    front = (model.vertex_region == REGION["skin"]) & (model.mean[:, 2] > -0.02)
    front &= np.abs(model.mean[:, 0]) < 0.052
    skin = person.shape[front] @ turn.T + middle
    excess = _in_front(skin, mesh, surface, holes)
    back = float(excess.max()) + TOUCH + float(rng.uniform(0.0, 0.008))
    place = (middle - np.array([0, 0, back], np.float32)).astype(np.float32)
    rims = [surface.lift(hole.contour, 0.0) for hole in holes]
    return Peeper(person, turn, place, _front() & _near(person.shape @ turn.T + place, rims))


def _near(points: Floats, rims: list[Floats]) -> Booleans:
    """Which points (n, 3) in the axes of a sheet one may see through a hole aslant, (n,)."""
    near = np.zeros(len(points), bool)
    for rim in rims:
        low, high = rim.min(axis=0)[:2] - ASLANT, rim.max(axis=0)[:2] + ASLANT
        near |= ((points[:, :2] > low) & (points[:, :2] < high)).all(axis=1)
    return near


def _in_front(points: Floats, mesh: Mesh, surface: Surface, holes: list[Hole]) -> Floats:
    """How far points (n, 3) in the axes of a sheet stand in front of its paper, (n,) metres."""
    normals = surface_normals(surface, mesh.flat, 0.0)
    facing = normals[:, 2] > 0.3  # a strongly rolled sheet goes around the head
    normals, spread = normals[facing], mesh.flat[facing]
    lifted = surface.lift(spread, 0.0)
    nearest = KDTree(lifted[:, :2]).query(points[:, :2])[1]
    beside = points[:, :2] - lifted[nearest, :2]
    slope = -normals[nearest, :2] / normals[nearest, 2:]
    paper = lifted[nearest, 2] + (slope * beside).sum(axis=1)
    # A point over a hole finds no paper, and a rim yields; flat places are near enough.
    flat = spread[nearest] + beside
    over = np.min([hole.distance(flat.astype(np.float32)) for hole in holes], axis=0) < RIM_YIELDS
    return np.where(over, -np.inf, points[:, 2] - paper).astype(np.float32)


def through_holes(rims: tuple[Floats, ...], eye: Floats, aim: Floats) -> Booleans:
    """Which rays go through a hole.

    Args:
        rims: Contours of the holes in the axes of the sheet, (K, 3) each.
        eye: Where the rays start, in the same axes, (3,) metres.
        aim: Their directions, (n, 3).
    """
    found = np.zeros(len(aim), bool)
    across, along = aim[:, 0] / aim[:, 2], aim[:, 1] / aim[:, 2]
    for rim in rims:
        middle = rim.mean(axis=0)
        x, y = (rim[:, :2] - middle[:2]).T
        radii = np.hypot(x, y)
        behind, (left, low) = middle[2] - eye[2], middle[:2] - eye[:2]
        reach = 1.15 * radii.max() + 0.002
        near = np.flatnonzero(np.abs(across * behind - left) < reach)
        near = near[np.abs(along[near] * behind - low) < reach]
        right, up = across[near] * behind - left, along[near] * behind - low
        bearing = np.arctan2(up, right)
        radius = np.interp(bearing, np.arctan2(y, x), radii, period=2 * np.pi)
        found[near] |= np.hypot(right, up) < 1.1 * radius + 0.002
    return found


def dimming(depth: Floats) -> Floats:
    """Share of the room's light that reaches skin so far behind the paper (n,) metres, (n,)."""
    shade: Floats = 1 - np.float32(0.45) * smoothstep(0.0, 0.030, depth)
    return shade
