"""Hair with volume: strands laid from the crown over the skull, as a thin translucent surface.

The surface is a grid: columns run around the crown (azimuth 0 is the face), rows run along the
strands from the crown (0) to their tips (1). It bends down to the skin where it ends, and where it
falls past the cheeks a wall leads inward from its front, so that nobody looks under it. Paint, 6
channels: azimuth in metres of arc, length
along the strand in metres, distance to the border in metres, and the direction of the strand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.head import NormalAverager, head_model
from flexpad.synth.noise import noise, smooth_noise, smoothstep
from flexpad.synth.render import Part, Scene, unit

COLUMNS, ROWS = 64, 18
POLAR, POLAR_END = 56, 2.45  # steps and end in radians of the map of the skull
CENTRE = np.array([0.0, 0.030, -0.070], np.float32)  # of the skull
CROWN = np.array([0.0, 0.93, -0.37], np.float32)
# Polar angle from the crown, degrees, at which the hair of a short cut ends, by |azimuth|:
# forehead, temple, sideburn, over the ear, nape.
AZIMUTHS = (0.0, 22.0, 42.0, 58.0, 72.0, 88.0, 104.0, 125.0, 150.0, 180.0)
HAIRLINE = (83.0, 84.0, 83.0, 95.0, 113.0, 106.0, 103.0, 113.0, 122.0, 124.0)
# Where hair falls, a wall leads from its front column, counted from the face, to the head: so much
# of the way to the middle, and so far back, metres.
SPAN = 0.046  # metres, the widest triangle of hair that falls
FRONT, WALL = 10, ((0.15, 0.001), (0.36, 0.010), (0.62, 0.034))


@dataclass(frozen=True, slots=True)
class Cut:
    """How hair is worn.

    Attributes:
        volume: Height of the hair over the crown, metres.
        edge: Height where it ends, metres.
        fringe: Degrees by which it hangs below the hairline at the forehead.
        recession: Degrees by which the hairline has drawn back at the temples.
        fall: How far the tips hang below the ears, metres; 0 = ends at the hairline.
        density: Opacity, 1 = no skin shines through.
        ragged: Unevenness of the border, metres.
        flare: How far what falls stands off the head beside the ears, metres.
        parting: Depth of a parting, metres.
        knot: Height of a bun on the crown, metres.
        bare: Degrees around the crown on which nothing grows any more.
        curls: Waviness of the strands, metres.
        tousle: Unevenness of the surface, metres.
    """

    volume: float
    edge: float
    fringe: float = 0.0
    recession: float = 0.0
    fall: float = 0.0
    density: float = 1.0
    ragged: float = 0.006
    flare: float = 0.0
    parting: float = 0.0
    knot: float = 0.0
    bare: float = 0.0
    curls: float = 0.002
    tousle: float = 0.0012


CUTS = {
    "shaved": Cut(0.0015, 0.0008, density=0.55, ragged=0.004, tousle=0.0),
    "buzz": Cut(0.004, 0.0015, density=0.85, ragged=0.004, tousle=0.0003),
    "short": Cut(0.014, 0.003),
    "quiff": Cut(0.028, 0.003, tousle=0.0025),
    "side": Cut(0.020, 0.003, parting=0.008),
    "slick": Cut(0.009, 0.003, ragged=0.003, tousle=0.0004),
    "fringe": Cut(0.018, 0.006, fringe=20.0, ragged=0.010),
    "curly": Cut(0.034, 0.012, ragged=0.008, curls=0.012, tousle=0.0035),
    "afro": Cut(0.058, 0.034, ragged=0.010, curls=0.014, tousle=0.0030),
    "wreath": Cut(0.009, 0.004, density=0.9, ragged=0.010, bare=62.0),
    "ponytail": Cut(0.008, 0.0025, ragged=0.004, tousle=0.0004),
    "bun": Cut(0.008, 0.0025, ragged=0.004, knot=0.045, tousle=0.0004),
    "pixie": Cut(0.020, 0.006, fringe=12.0, ragged=0.012, tousle=0.0025),
    "bob": Cut(0.022, 0.016, fall=0.105, ragged=0.008, flare=0.016, parting=0.010),
    "pageboy": Cut(0.020, 0.014, fringe=17.0, fall=0.100, ragged=0.008, flare=0.014),
    "long": Cut(0.017, 0.012, fall=0.20, ragged=0.010, flare=0.013, parting=0.010),
    "wavy": Cut(0.024, 0.016, fall=0.18, ragged=0.009, flare=0.026, parting=0.008, curls=0.008,
                tousle=0.0040),
}  # fmt: skip
# Which cuts women and men wear, and what becomes of some where hair is curled tightly.  # inferred
WORN = {
    0: {"long": 0.26, "wavy": 0.18, "bob": 0.14, "pageboy": 0.05, "ponytail": 0.15, "bun": 0.08,
        "pixie": 0.08, "short": 0.05, "buzz": 0.01},
    1: {"bald": 0.06, "shaved": 0.10, "buzz": 0.18, "short": 0.21, "side": 0.16, "quiff": 0.12,
        "slick": 0.06, "fringe": 0.05, "long": 0.03, "bun": 0.03},
}  # fmt: skip
COILED = {"short": "curly", "side": "curly", "quiff": "afro", "fringe": "curly", "slick": "buzz",
          "long": "afro", "pageboy": "curly", "pixie": "curly", "bob": "wavy"}  # fmt: skip


@dataclass(frozen=True)
class Hair:
    """Somebody's hair, in the axes of the head.

    Attributes:
        vertices: (V, 3): COLUMNS * ROWS and, where hair falls, those of the walls.
        paint: (V, 6), see the module.
        triangles: (T, 3).
        normals: (V, 3).
        colour: R, G, B and 850 nm, (4,).
        cut: How it is worn.
        ends: Polar angle of the hairline per column, degrees, (COLUMNS,).
        phase: Moves the pattern of the strands, (3,) metres.
        curl: Waviness in metres.
        buried: Which vertices of the head nobody sees through it, (N,).
    """

    vertices: Floats
    paint: Floats
    triangles: NDArray[np.int32]
    normals: Floats
    colour: Floats
    cut: Cut
    ends: Floats
    phase: Floats
    curl: float
    buried: Booleans

    @property
    def is_cap(self) -> bool:
        """Whether it lies on the head all over, so that nobody sees its inner side."""
        return self.cut.fall == 0 and self.cut.edge < 0.008


def grow_hair(shape: Floats, cut: Cut, colour: Floats, rng: np.random.Generator) -> Hair:
    """Lay hair over somebody's skull, (N, 3) vertices of the neutral head."""
    azimuth = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False, dtype=np.float32)
    along = np.linspace(0.0, 1.0, ROWS, dtype=np.float32)[None]
    ends = _ends(azimuth, cut, rng)
    degrees = np.abs(np.degrees(azimuth))
    falls = smoothstep(50.0, 56.0, degrees)[:, None] * (cut.fall > 0)
    # What falls leaves the skull where it is steep, and has half its rows left for the way down.
    lies = np.minimum(along * (1 + falls), 1)
    polar = np.radians(np.minimum(ends, np.where(falls[:, 0] > 0, 96.0, 180.0)))[:, None] * lies
    directions = _directions(azimuth, polar)
    radius = _skull_radius(shape, polar.astype(np.float32))
    height = cut.edge + (cut.volume - cut.edge) * smoothstep(1.0, 0.45, lies)
    height = height * _rounded(lies, cut, falls)
    height = height + falls * cut.flare * smoothstep(0.25, 0.75, along)
    height = height + cut.knot * smoothstep(0.42, 0.20, polar)
    phase = rng.uniform(0, 1, 3).astype(np.float32)
    height = height + _tousle(directions, along, cut, phase)
    bed = CENTRE + directions * radius[..., None]
    aside = bed[..., 0] - rng.choice([-1, 0, 1]) * 0.028
    groove = np.exp(-((aside / 0.007) ** 2)) * (bed[..., 2] > CENTRE[2]) * (1 - falls)
    height = np.maximum(height - cut.parting * groove, 0.001)
    points = bed + directions * height[..., None]
    down = falls * smoothstep(0.40, 1.0, along)
    points[..., 1] -= cut.fall * down
    # Tips turn in toward the neck, at the front they swing forward over the shoulders.
    points[..., 0] *= 1 - 0.22 * down**2
    points[..., 2] += 0.030 * down * smoothstep(110.0, 60.0, degrees)[:, None]
    hair = _as_surface(points, azimuth, ends, cut, colour, rng)
    return replace(hair, buried=_buried(hair, shape))


def _rounded(lies: Floats, cut: Cut, falls: Floats) -> Floats:
    """Factor on the height by which hair bends down to the skin at its border, (COLUMNS, ROWS)."""
    width = np.float32(np.clip(cut.edge / 0.13, 0.02, 0.28))
    out = np.clip((lies - (1 - width)) / width, 0, 1)
    rounded: Floats = falls + (1 - falls) * np.sqrt(1 - 0.98 * out**2)
    return rounded


def _tousle(directions: Floats, along: Floats, cut: Cut, phase: Floats) -> Floats:
    """Unevenness of the surface: locks that go along the strands, (COLUMNS, ROWS) metres."""
    place = directions.reshape(-1, 3) * 0.09 + phase
    coarse = smooth_noise(place.astype(np.float32), 0.035).reshape(directions.shape[:2])
    locks = smooth_noise(place.astype(np.float32), 0.016, 1).reshape(directions.shape[:2])
    uneven: Floats = np.float32(cut.tousle) * (coarse + 0.8 * locks) * smoothstep(0.0, 0.2, along)
    return uneven


def _ends(azimuth: Floats, cut: Cut, rng: np.random.Generator) -> Floats:
    """Polar angle at which the strands of each column end, degrees, (COLUMNS,)."""
    degrees = np.abs(np.degrees(azimuth))
    ends = np.interp(degrees, AZIMUTHS, HAIRLINE)
    ends += cut.fringe * smoothstep(55.0, 30.0, degrees)
    if cut.fall:  # the temples are under it, so that a forehead is an arch
        ends += 11 * smoothstep(16.0, 50.0, degrees) * smoothstep(75.0, 60.0, degrees) - 2
    ends -= cut.recession * np.exp(-(((degrees - 32.0) / 16.0) ** 2))
    ends -= 0.6 * cut.recession * np.exp(-((degrees / 30.0) ** 2))
    wander = rng.normal(0, 1, 6)
    harmonics = sum(wander[k] * np.sin((k // 2 + 2) * azimuth + k) for k in range(6))
    # Scissors leave no ruled line: locks end as they like, the more so the longer they hang.
    locks = gaussian_filter1d(rng.normal(0, 1, len(azimuth)), 1.1, mode="wrap")
    front = smoothstep(55.0, 30.0, degrees)
    swept = rng.normal(0, 0.22) * cut.fringe * front * np.sin(1.5 * azimuth)
    wild = 1.2 + 0.16 * cut.fringe * front
    return np.asarray(ends + 0.7 * harmonics + wild * locks + swept, np.float32)


def _bareness(degrees: Floats, cut: Cut) -> Floats:
    """Degrees from the crown up to which a bald head is bare, wider toward the forehead, (n,)."""
    bareness: Floats = cut.bare * (1 + 0.7 * smoothstep(75.0, 45.0, degrees))
    return bareness


def _directions(azimuth: Floats, polar: Floats) -> Floats:
    """Unit vectors from the centre of the skull, (COLUMNS, ROWS, 3)."""
    crown = CROWN / np.sqrt((CROWN**2).sum())
    side = np.array([1.0, 0.0, 0.0], np.float32)
    face = np.cross(side, crown)  # toward the face
    around = np.sin(azimuth)[:, None] * side + np.cos(azimuth)[:, None] * face
    directions = np.cos(polar)[..., None] * crown + np.sin(polar)[..., None] * around[:, None, :]
    return np.asarray(directions, np.float32)


@cache
def _skull_map() -> tuple[NDArray[np.int32], Floats]:
    """Where on the head rays from the middle of the skull come out, on a grid of angles.

    Returns:
        Corners of the triangle, (COLUMNS, POLAR, 3), and the weights of the first two, likewise.
    """
    model = head_model()
    azimuth = np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False, dtype=np.float32)
    polar = np.tile(np.linspace(0, POLAR_END, POLAR, dtype=np.float32), (COLUMNS, 1))
    outward = _directions(azimuth, polar).reshape(-1, 3)
    triangles = model.triangles[model.visible_closed]
    plain = np.zeros((len(model.mean), 3), np.float32)
    bare = Scene((Part("skull", model.mean, triangles, plain),))
    found, weights = bare.locate(CENTRE + np.float32(0.4) * outward, -outward)
    return triangles[found].reshape(COLUMNS, POLAR, 3), weights.reshape(COLUMNS, POLAR, 3)


def _skull_radius(shape: Floats, polar: Floats) -> Floats:
    """Distance from the middle of the skull to the skin at polar angles (COLUMNS, ROWS)."""
    corners, weights = _skull_map()
    skin = np.einsum("crkx,crk->crx", shape[corners], weights) - CENTRE
    grid = np.sqrt((skin**2).sum(axis=-1))
    steps = np.clip(polar * np.float32((POLAR - 1) / POLAR_END), 0, POLAR - 1.001)
    low = steps.astype(np.int32)
    inner = np.take_along_axis(grid, low, axis=1)
    outer = np.take_along_axis(grid, low + 1, axis=1)
    radius: Floats = inner + (steps - low) * (outer - inner)
    return radius.astype(np.float32)


def _as_surface(
    points: Floats,
    azimuth: Floats,
    ends: Floats,
    cut: Cut,
    colour: Floats,
    rng: np.random.Generator,
) -> Hair:
    step = np.sqrt((np.diff(points, axis=1) ** 2).sum(axis=-1))
    length = np.concatenate([np.zeros((COLUMNS, 1)), np.cumsum(step, axis=1)], axis=1)
    bare = 0.085 * np.radians(_bareness(np.abs(np.degrees(azimuth)), cut))[:, None]
    border = np.minimum(length[:, -1:] - length, np.where(bare > 0, length - bare, 1.0))
    tangent = unit(np.gradient(points, axis=1).reshape(-1, 3)).astype(np.float32)
    paint = np.stack(
        [np.broadcast_to(azimuth[:, None] * 0.09, length.shape), length, border],
        axis=-1,
    ).reshape(-1, 3)
    number = np.arange(COLUMNS * ROWS).reshape(COLUMNS, ROWS)
    triangles = _between_columns(number, np.roll(number, -1, axis=0))
    # What is beyond the border throws no shadow either.
    triangles = triangles[border.reshape(-1)[triangles].max(axis=1) > -0.5 * cut.ragged]
    vertices = points.reshape(-1, 3).astype(np.float32)
    paint = np.concatenate([paint, tangent], axis=1).astype(np.float32)
    if cut.fall:
        # Nothing spans from where a hairline ends to a strand that has fallen past it.
        reach = np.ptp(vertices[triangles], axis=1).max(axis=1)
        triangles = triangles[reach < SPAN]
        vertices, paint, triangles = _walled(vertices, paint, triangles)
    return Hair(
        vertices=vertices,
        paint=paint,
        triangles=triangles,
        normals=NormalAverager(triangles, len(vertices))(vertices),
        colour=colour,
        cut=cut,
        ends=ends,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        curl=cut.curls * float(rng.uniform(0.5, 1.5)),
        buried=np.zeros(0, bool),
    )


def _between_columns(these: NDArray[np.int64], following: NDArray[np.int64]) -> NDArray[np.int32]:
    """Triangles between columns of vertices and the next ones, numbers of (n, ROWS) each."""
    a, b = these[:, :-1].reshape(-1), these[:, 1:].reshape(-1)
    c, d = following[:, :-1].reshape(-1), following[:, 1:].reshape(-1)
    return np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)]).astype(np.int32)


def _walled(
    vertices: Floats, paint: Floats, triangles: NDArray[np.int32]
) -> tuple[Floats, Floats, NDArray[np.int32]]:
    """Add what closes hair that falls toward the head: on each side a wall from its front."""
    for side in (-1, 1):
        start = (COLUMNS // 2 + side * FRONT) * ROWS
        columns = [np.arange(start, start + ROWS)]
        front, painted = vertices[columns[0]], paint[columns[0]]
        for inward, back in WALL:
            moved = front * np.array([1 - inward, 1, 1], np.float32)
            # Below the jaw it lies on the chest rather than against the neck.
            moved[:, 2] -= np.float32(back) * (0.3 + 0.7 * smoothstep(-0.20, -0.10, front[:, 1]))
            beside = painted.copy()
            beside[:, 0] -= side * inward * np.abs(front[:, 0])
            columns.append(len(vertices) + np.arange(ROWS))
            vertices, paint = np.concatenate([vertices, moved]), np.concatenate([paint, beside])
        number = np.stack(columns)
        strip = (number[1:], number[:-1]) if side > 0 else (number[:-1], number[1:])
        triangles = np.concatenate([triangles, _between_columns(*strip)])
    return vertices, paint, triangles


def cover_of(hair: Hair, shape: Floats) -> Floats:
    """How densely hair grows out of each vertex of a head (N, 3), (N,) in [0, 1]."""
    inside = _inside(hair, shape)
    cover = smoothstep(-2.0, 9.0, inside)
    return np.asarray(cover * min(1.0, 0.35 + 0.65 * hair.cut.density), np.float32)


def _buried(hair: Hair, shape: Floats) -> Booleans:
    """Which vertices of a head (N, 3) are so far under thick hair that none is ever seen, (N,)."""
    thick = hair.cut.density >= 1
    stands_off = np.degrees(max(hair.cut.edge, hair.cut.volume / 2) / 0.09)
    buried: Booleans = thick & (_inside(hair, shape) > 14.0 + stands_off)
    return buried


def _inside(hair: Hair, shape: Floats) -> Floats:
    """How far inside the hairline each vertex of a head (N, 3) is, degrees, (N,)."""
    crown = CROWN / np.sqrt((CROWN**2).sum())
    face = np.cross(np.array([1.0, 0.0, 0.0]), crown)
    direction = unit(shape - CENTRE)
    polar = np.degrees(np.arccos(np.clip(direction @ crown, -1, 1)))
    azimuth = np.arctan2(direction[:, 0], direction @ face)
    column = (azimuth + np.pi) / (2 * np.pi) * COLUMNS
    fringe = hair.cut.fringe * smoothstep(55.0, 30.0, np.abs(np.degrees(azimuth)))
    rounded = np.round(column).astype(int) % COLUMNS
    line = np.minimum(hair.ends[rounded] - fringe, 126.0)
    inside = line - polar
    if hair.cut.bare:
        over = polar - _bareness(np.abs(np.degrees(azimuth)).astype(np.float32), hair.cut)
        inside = np.minimum(inside, over - 2.0)
    return np.asarray(inside, np.float32)


def opacity_and_streaks(hair: Hair, paint: Floats) -> tuple[Floats, Floats]:
    """How much of the head hair hides, and how bright its strands are.

    Args:
        hair: Whose hair.
        paint: Paint of the points that are seen, (n, 6).

    Returns:
        Opacity in [0, 1] and a brightness factor around 1, both (n,).
    """
    cut = hair.cut
    across, along, border = paint[:, 0], paint[:, 1], paint[:, 2]
    length = np.float32(0.03 + 0.10 * hair.phase[0])
    wave = hair.curl * np.sin(along * (2 * np.pi / length) + 25 * across)
    strand = np.stack([across + wave, along, np.zeros_like(along)], axis=1) + hair.phase
    strands = noise(strand, (0.0035, 0.05, 1.0)) + 0.6 * noise(strand, (0.0016, 0.03, 1.0), 1)
    tuft = noise(strand, (0.014, 0.06, 1.0), 2)
    uneven = np.float32(cut.ragged) * (0.32 * strands + 0.60 * tuft)
    edge = np.asarray(border + uneven, np.float32)
    thin = 0.12 * (strands < -0.9) * smoothstep(0.03, 0.0, border)
    opacity = cut.density * smoothstep(0.0, 0.008 + 0.8 * cut.ragged, edge) * (1 - thin)
    streaks = np.clip(1 + 0.22 * strands + 0.16 * tuft, 0.25, 2.2)
    return opacity, streaks.astype(np.float32)
