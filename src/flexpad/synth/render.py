"""From a camera and triangles to the points that are seen: ray casting with Embree.

Letters: n points that are seen, N vertices, T triangles, C channels of paint, H the side of the
square view in samples.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

from flexpad.synth.arrays import Booleans, Floats, Indices

NONE = np.zeros(0, np.uint8)


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole at the origin looking along -z, and the square of its picture that is wanted.

    Attributes:
        left: x / -z of the left border of the square.
        top: y / -z of its upper border.
        side: Its side, in the same unit (tangents).
        samples: H, samples along a side.
    """

    left: float
    top: float
    side: float
    samples: int

    def rays(self) -> Floats:
        """Directions with z = -1, so that the distance along a ray is depth, (H * H, 3)."""
        steps = (np.arange(self.samples, dtype=np.float32) + 0.5) * (self.side / self.samples)
        x, y = np.meshgrid(self.left + steps, self.top - steps)
        return np.stack([x, y, np.full_like(x, -1)], axis=-1).reshape(-1, 3).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of surface with everything that is interpolated over it.

    Attributes:
        name: What it is, e.g. ``head`` or ``hair``.
        vertices: (N, 3) metres in camera axes.
        triangles: (T, 3).
        attributes: (N, 3 + C): normals, then paint.
        regions: One number per triangle, (T,), or None.
    """

    name: str
    vertices: Floats
    triangles: NDArray[np.int32]
    attributes: Floats
    regions: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """The points of one part that rays hit.

    Attributes:
        ray: Number of the ray in the list that was cast, (n,).
        position: (n, 3) metres.
        normal: Unit normals turned toward the camera, (n, 3).
        paint: Interpolated paint, (n, C).
        region: Region of the triangle, (n,); zeros if the part has none.
    """

    ray: Indices
    position: Floats
    normal: Floats
    paint: Floats
    region: NDArray[np.uint8]

    def pick(self, which: Booleans | Indices) -> Seen:
        """Only some of the points."""
        return Seen(
            self.ray[which],
            self.position[which],
            self.normal[which],
            self.paint[which],
            self.region[which],
        )


@dataclass
class Scene:
    """Parts that rays can hit.

    Attributes:
        parts: In the axes of the scene.
        beside: Another scene that is there, too: it throws shadows, but rays are cast at it apart.
        turn: Rotation from the axes of the scene to the camera's, (3, 3), or None if they are one.
        place: The scene's origin in the axes of the camera, (3,) metres.
    """

    parts: tuple[Part, ...]
    beside: Scene | None = None
    turn: Floats | None = field(init=False, default=None)
    place: Floats | None = field(init=False, default=None)
    _embree: EmbreeScene = field(init=False)
    _starts: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        offsets = np.cumsum([0, *(len(part.vertices) for part in self.parts)])
        triangles = [
            part.triangles + offset for part, offset in zip(self.parts, offsets, strict=False)
        ]
        self._starts = np.cumsum([0, *(len(part.triangles) for part in self.parts)])
        self._embree = EmbreeScene()
        vertices = np.concatenate([part.vertices for part in self.parts])
        corners = np.concatenate(triangles)
        # Embree's wrapper copies numbers one by one, so only what triangles use is handed over.
        used = np.zeros(len(vertices), bool)
        used[corners] = True
        renumbered = (np.cumsum(used) - 1).astype(np.int32)
        TriangleMesh(
            self._embree,
            np.ascontiguousarray(vertices[used], np.float32),
            np.ascontiguousarray(renumbered[corners], np.int32),
        )

    def at(self, turn: Floats, place: Floats) -> Scene:
        """The same things, moved as a whole in front of the camera; nothing is built anew."""
        moved = copy(self)
        moved.turn, moved.place = turn, place
        return moved

    def _inward(self, origins: Floats, directions: Floats) -> tuple[Floats, Floats]:
        """Rays, (n, 3) each, in the axes of the scene."""
        if self.turn is not None and self.place is not None:
            from_place: Floats = origins - self.place
            origins = np.matmul(from_place, self.turn)
            directions = np.matmul(directions, self.turn)
        return (
            np.ascontiguousarray(origins, np.float32),
            np.ascontiguousarray(directions, np.float32),
        )

    def cast(self, origins: Floats, directions: Floats) -> dict[str, Seen]:
        """Find the first point on every ray.

        Args:
            origins: (R, 3).
            directions: (R, 3).

        Returns:
            The points by name of the part; parts that no ray hits are left out.
        """
        hits = self._embree.run(*self._inward(origins, directions), output=True)
        triangle = hits["primID"]
        seen = {}
        for number, part in enumerate(self.parts):
            low, high = self._starts[number], self._starts[number + 1]
            rays = np.flatnonzero((triangle >= low) & (triangle < high))
            if len(rays):
                weights = hits["u"][rays], hits["v"][rays]
                along = directions[rays]
                position = origins[rays] + hits["tfar"][rays, None] * along
                seen[part.name] = _interpolate(
                    part,
                    triangle[rays] - low,
                    weights,
                    Seen(rays, position, along, along, NONE),
                    self.turn,
                )
        return seen

    def locate(self, origins: Floats, directions: Floats) -> tuple[Indices, Floats]:
        """Find the triangle that each ray (R, 3) hits first.

        Returns:
            Its number over all parts, (R,), and the weights of its corners, (R, 3); where nothing
            is hit, the first triangle.
        """
        hits = self._embree.run(origins, directions, output=True)
        u, v = hits["u"], hits["v"]
        return np.maximum(hits["primID"], 0), np.stack([1 - u - v, u, v], axis=1)

    def blocked(self, points: Floats, toward: Floats, reach: float = 1e6) -> Booleans:
        """Say which points do not see as far as they should.

        Args:
            points: (n, 3).
            toward: Unit directions, (3,) or (n, 3).
            reach: How far something must be free, metres.

        Returns:
            Whether something is in the way, (n,).
        """
        origins, directions = self._inward(points, np.broadcast_to(toward, points.shape))
        far = np.full(len(points), reach, np.float32)
        hit = self._embree.run(origins, directions, dists=far, query="OCCLUDED")
        found: Booleans = np.asarray(hit) >= 0
        if self.beside is not None:
            free = np.flatnonzero(~found)
            toward = toward if toward.ndim == 1 else toward[free]
            found[free] = self.beside.blocked(points[free], toward, reach)
        return found


def _interpolate(
    part: Part,
    triangle: Indices,
    weights: tuple[Floats, Floats],
    hit: Seen,
    turn: Floats | None,
) -> Seen:
    """Fill in what a part says about points; ``hit.normal`` is the direction of the ray."""
    u, v = (weight[:, None] for weight in weights)
    a, b, c = np.take(part.triangles, triangle, axis=0).T
    values = np.take(part.attributes, a, axis=0) * (1 - u - v)
    values += np.take(part.attributes, b, axis=0) * u
    values += np.take(part.attributes, c, axis=0) * v
    normal = unit(values[:, :3] if turn is None else values[:, :3] @ turn.T)
    away = np.einsum("ij,ij->i", normal, hit.normal) > 0
    normal[away] *= -1
    region = np.zeros(len(a), np.uint8) if part.regions is None else part.regions[triangle]
    return Seen(hit.ray, hit.position, normal, values[:, 3:], region)


def facing_camera(vertices: Floats, triangles: NDArray[np.int32]) -> Booleans:
    """Say which triangles (T, 3) of closed surfaces (N, 3) a camera at the origin can see, (T,).

    The others hide nothing, and the shadows they throw fall on what hides them, too.
    """
    a, b, c = (vertices[triangles[:, corner]] for corner in range(3))
    (ux, uy, uz), (vx, vy, vz) = (b - a).T, (c - a).T
    x, y, z = a.T
    volume = (uy * vz - uz * vy) * x + (uz * vx - ux * vz) * y + (ux * vy - uy * vx) * z
    facing: Booleans = volume < 0
    return facing


def unit(vectors: Floats) -> Floats:
    """Scale vectors (n, 3) to length 1."""
    length = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    scaled: Floats = vectors / np.maximum(length, np.float32(1e-9))[:, None]
    return scaled


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """Turn a head: yaw to the side, pitch up, roll in the image plane, radians; (3, 3)."""
    cy, sy = np.cos(yaw), np.sin(yaw)
    cp, sp = np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_x @ about_y, np.float32)
