"""Shells worn over a face: what they cover, how they are made and how they sit on a head."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from flexpad.synth.arrays import Booleans, Floats, Indices
from flexpad.synth.head import REGION, NormalAverager, head_model
from flexpad.synth.lights import Illumination
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.person import Person
from flexpad.synth.render import Part, Scene, Seen, facing_camera
from flexpad.synth.view import View, lay_person, person_parts

EYE_HOLE = (0.0162, 0.0084)  # canonical half width and height around the middle of an eye, metres
CLEARANCE = 0.0020  # metres between a stiff shell and the wearer where they are closest
# Under a pulled-over mask the neck goes on below this canonical height, metres, at the throat; the
# border rises toward the nape by half a metre per metre.
THROAT, HEM = -0.042, -0.121
Layer = Callable[[View, Seen, Illumination, Scene], None]


@dataclass(frozen=True)
class Shell:
    """Which part of the head's surface a mask covers.

    Attributes:
        triangles: Of the outer surface, vertex numbers of the head, (T, 3).
        used: Vertices of the outer surface, (V,).
        covered: Which vertices of the wearer's head are hidden under it, (N,).
        rim: Edges of the border, pairs of vertices, (E, 2).
    """

    triangles: NDArray[np.int32]
    used: Indices
    covered: Booleans
    rim: NDArray[np.int32]


@cache
def face_shell() -> Shell:
    """The face from the forehead to the chin and the cheeks, with holes at the eyes."""
    model = head_model()
    return _cut(outline(model.mean[model.triangles].mean(axis=1)) < 1, outline(model.mean) < 0.85)


@cache
def head_shell() -> Shell:
    """The whole skin of the head, pulled over, with holes at the eyes; its lips can part."""
    model = head_model()
    above = model.mean[:, 1] > HEM + 0.5 * (THROAT - model.mean[:, 2])
    return _cut(np.ones(len(model.triangles), bool), above)


def _cut(inside: Booleans, hidden: Booleans) -> Shell:
    model = head_model()
    middle = model.mean[model.triangles].mean(axis=1)
    keep = inside & (eye_distance(middle) > 1) & (model.regions == REGION["skin"])
    triangles = model.triangles[keep]
    edges = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    unique, count = np.unique(edges, axis=0, return_counts=True)
    # Near the holes and the border the wearer goes on under the shell, so that no gap opens.
    skin = model.vertex_region == REGION["skin"]
    covered = hidden & skin & (eye_distance(model.mean) > 2.0)
    return Shell(triangles, np.unique(triangles), covered, unique[count == 1].astype(np.int32))


def eye_distance(places: Floats) -> Floats:
    """How far canonical places (n, 3) are from the middle of an eye, 1 at the rim of a hole."""
    side, y = np.abs(places[:, 0]), places[:, 1]
    far: Floats = ((side - 0.0312) / EYE_HOLE[0]) ** 2 + ((y + 0.001) / EYE_HOLE[1]) ** 2
    return far


def outline(places: Floats) -> Floats:
    """How far out canonical places (n, 3) are, 1 at the border of a face mask, (n,)."""
    x, y, z = places.T
    oval = np.sqrt((x / 0.079) ** 2 + ((y + 0.026) / 0.104) ** 2)
    return np.asarray(np.maximum(oval, 1 - (z + 0.062) / 0.15), np.float32)


@cache
def _smoother() -> sparse.csr_array:
    """One step of averaging each vertex with its neighbours, (N, N)."""
    model = head_model()
    a, b, c = model.triangles.T
    rows = np.concatenate([a, b, b, c, c, a])
    columns = np.concatenate([b, a, c, b, a, c])
    ones = np.ones(len(rows), np.float32)
    size = len(model.mean)
    links = sparse.csr_array((ones, (rows, columns)), shape=(size, size))
    links.data[:] = 1
    degree = np.maximum(links.sum(axis=1), 1)
    return sparse.csr_array(sparse.diags_array((1 / degree).astype(np.float32)) @ links)


def smooth(values: Floats, steps: int, share: float = 0.5) -> Floats:
    """Average values per vertex of the head (N, C) with their neighbours, some steps, (N, C)."""
    for _ in range(steps):
        values = values + np.float32(share) * (_smoother() @ values - values)
    return np.asarray(values, np.float32)


def fit_shell(rng: np.random.Generator, shape: Floats, wearer: Person) -> Floats:
    """Scale a stiff face shell, push it over the wearer's face and bend its border home.

    Args:
        rng: Source of how badly it fits.
        shape: Outer surface as cast, (N, 3) metres in the axes of a head.
        wearer: Who wears it.

    Returns:
        The outer surface in the axes of the wearer's head, (N, 3).
    """
    used = face_shell().used
    scaled = shape * np.float32(rng.uniform(0.98, 1.06))
    scaled = scaled + np.array([rng.normal(0, 0.0015), rng.normal(0, 0.002), 0], np.float32)
    into = wearer.shape[used, 2] - scaled[used, 2]
    forward = float(np.quantile(into, 0.60)) + CLEARANCE + rng.uniform(0, 0.003)
    moved = scaled + np.array([0, 0, forward], np.float32)
    # Where the wearer's face is larger the shell was cast over it.
    moved[:, 2] = np.maximum(moved[:, 2], wearer.shape[:, 2] + np.float32(CLEARANCE))
    moved = smooth(moved, 1, 0.6)
    gap = np.float32(rng.uniform(0.001, 0.008))
    home = wearer.shape + gap * head_model().normals(wearer.shape)
    near = smoothstep(0.72, 1.0, outline(head_model().mean))[:, None]
    fitted = moved + near * (home - moved)
    return np.asarray(fitted, np.float32)


@cache
def _averager(shell: Callable[[], Shell]) -> NormalAverager:
    return NormalAverager(shell().triangles, len(head_model().mean))


def shell_part(
    shell: Callable[[], Shell], outer: Floats, thickness: float, paint: Floats, moment: Moment
) -> Part:
    """Put a shell in front of the camera: its outer surface and a rim as thick as it is.

    Args:
        shell: Which part of the head it covers.
        outer: Its outer surface in the axes of the head, (N, 3) metres.
        thickness: Metres.
        paint: What is interpolated over it, (N, 3 + C), canonical places first; it is darker at
            the inner edge of the rim.
        moment: Where it is.
    """
    count = len(outer)
    normals = _averager(shell)(outer)
    inner = outer - np.float32(thickness) * normals
    a, b = shell().rim.T
    rim = np.concatenate([np.stack([a, b, a + count], 1), np.stack([b, b + count, a + count], 1)])
    both = np.concatenate([outer, inner])
    facing = normals @ moment.turn.T
    shaded = paint.copy()
    shaded[:, 3:] *= np.float32(0.6)
    attributes = np.concatenate(
        [np.concatenate([facing, facing]), np.concatenate([paint, shaded])], axis=1
    )
    placed = (both @ moment.turn.T + moment.place).astype(np.float32)
    seen = shell().triangles[facing_camera(placed, shell().triangles)]  # a head fills the rest
    triangles = np.concatenate([seen, rim]).astype(np.int32)
    return Part("mask", placed, triangles, attributes.astype(np.float32))


def see_worn(
    wearer: Person,
    covered: Booleans,
    mask: Part,
    lay: Layer,
    moment: Moment,
    light: Illumination,
    rays: Floats,
) -> View:
    """Render a mask on somebody.

    Args:
        wearer: Who, with the hair that is seen over the mask.
        covered: Which vertices of the wearer's head the mask hides, (N,).
        mask: The part that is worn, named ``mask``.
        lay: Shades its points and lays them over a view.
        moment: Where, and what the wearer's face does.
        light: The light of the place.
        rays: Directions from the camera, (R, 3).
    """
    head, *others = person_parts(wearer, moment)
    scene = Scene((_uncovered(head, covered), *others, mask))
    seen = scene.cast(np.zeros_like(rays), rays)
    view = View.empty(len(rays))
    shell = seen.pop("mask", None)
    lay_person(view, wearer, seen, light, scene, rays, lay)
    if shell is not None:
        lay(view, shell, light, scene)
    return view


def _uncovered(head: Part, covered: Booleans) -> Part:
    """A wearer's head without what the mask hides."""
    left = ~covered[head.triangles].all(axis=1)
    regions = None if head.regions is None else head.regions[left]
    return replace(head, triangles=head.triangles[left], regions=regions)
