"""What people wear below the neck: shirts, pullovers, roll necks, in cloth of any colour.

Crops that are masked to the face lose it; it fills the lower border of crops that keep what is
around a face. Most dyes do not absorb at 850 nm, so that cloth is bright there whatever its colour
(Naval Research Laboratory, "Parametric models of NIR transmission and reflectivity spectra for
dyed fabrics"); carbon-dyed black stays dark.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.head import REGION, NormalAverager, head_model
from flexpad.synth.motion import Moment
from flexpad.synth.noise import noise, smooth_noise, smoothstep
from flexpad.synth.render import Part, Seen, facing_camera, unit
from flexpad.synth.shading import Material

AROUND = 32
# From the collar down to the chest: half width and height at the sides, distance to the front and
# height there, the same at the back; canonical metres.
LOFT = np.array(
    [
        (0.070, -0.130, -0.028, -0.150, -0.160, -0.120),
        (0.078, -0.139, -0.032, -0.163, -0.168, -0.128),
        (0.100, -0.150, -0.036, -0.182, -0.178, -0.145),
        (0.134, -0.163, -0.038, -0.202, -0.186, -0.168),
        (0.168, -0.176, -0.034, -0.230, -0.190, -0.195),
        (0.196, -0.196, -0.026, -0.262, -0.192, -0.235),
        (0.212, -0.240, -0.018, -0.300, -0.192, -0.285),
        (0.222, -0.330, -0.012, -0.360, -0.192, -0.345),
        (0.226, -0.460, -0.012, -0.460, -0.192, -0.460),
    ],
    np.float32,
)
MARGIN = 0.020  # metres of skin that go on under the collar


@dataclass(frozen=True)
class Clothes:
    """Somebody's clothes in the axes of the head.

    Attributes:
        vertices: (N, 3) metres.
        normals: (N, 3).
        covered: Which vertices of the head are under cloth.
        cloth: R, G, B and 850 nm, (4,).
        stripes: A second colour, (4,).
        pattern: From stripe to stripe, metres across and down; 0 = none, (2,).
        weave: Contrast of the threads.
        phase: Moves all noise, (3,).
    """

    vertices: Floats
    normals: Floats
    covered: Booleans
    cloth: Floats
    stripes: Floats
    pattern: tuple[float, float]
    weave: float
    phase: Floats

    def part(self, moment: Moment) -> Part:
        """The clothes in front of the camera; paint is the place in the axes of the head."""
        attributes = np.concatenate([self.normals @ moment.turn.T, self.vertices], axis=1)
        placed = (self.vertices @ moment.turn.T + moment.place).astype(np.float32)
        # Beside the neck one sees into the collar, but nowhere else.
        row = np.arange(len(_triangles())) // AROUND % (len(LOFT) - 1)
        triangles = _triangles()[facing_camera(placed, _triangles()) | (row < 2)]
        return Part("clothes", placed, triangles, attributes.astype(np.float32))

    def material(self, seen: Seen) -> tuple[Seen, Material]:
        """Cloth with folds in its normals, and how it reflects."""
        place = seen.paint[:, :3] + self.phase
        fold = np.stack([smooth_noise(place, 0.045, volume) for volume in range(3)], axis=1)
        normal = unit(seen.normal + np.float32(0.14) * fold)
        striped = np.zeros(len(place), np.float32)
        for axis, spacing in enumerate(self.pattern):
            if spacing:
                wave = np.sin(place[:, axis] * np.float32(2 * np.pi / spacing))
                striped = np.maximum(striped, 0.8 * smoothstep(0.2, 0.5, wave))
        colour = self.cloth + striped[:, None] * (self.stripes - self.cloth)
        colour = colour * (1 + self.weave * noise(place, 0.0025, 3))[:, None]
        count = len(place)
        material = Material(
            rgb=colour[:, :3].astype(np.float32),
            nir=colour[:, 3].astype(np.float32),
            gloss=np.full(count, 0.12, np.float32),
            sharpness=np.full(count, 3, np.float32),
            scatter=np.full(3, 0.12, np.float32),
            ambient=np.full(count, 0.75, np.float32) * smoothstep(-0.10, -0.19, seen.paint[:, 1]),
        )
        return Seen(seen.ray, seen.position, normal, seen.paint, seen.region), material


@cache
def _triangles() -> NDArray[np.int32]:
    rows = len(LOFT)
    number = np.arange(rows * AROUND).reshape(rows, AROUND)
    beside = np.roll(number, -1, axis=1)
    a, b = number[:-1].reshape(-1), beside[:-1].reshape(-1)
    c, d = number[1:].reshape(-1), beside[1:].reshape(-1)
    return np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)]).astype(np.int32)


@cache
def _normals() -> NormalAverager:
    return NormalAverager(_triangles(), AROUND * len(LOFT))


def as_lathe(points: Floats) -> tuple[Floats, Floats]:
    """Rings of points (len(LOFT), AROUND, 3) from top to bottom as vertices and their normals."""
    vertices = points.reshape(-1, 3).astype(np.float32)
    return vertices, _normals()(vertices)


def draw_clothes(rng: np.random.Generator, shape: Floats) -> Clothes:
    """Dress a head, (N, 3) vertices of the neutral face."""
    loft = LOFT.copy()
    kind = str(rng.choice(["crew", "open", "roll", "hood"], p=[0.5, 0.25, 0.1, 0.15]))
    if kind == "roll":
        loft[0] += (-0.006, 0.022, -0.012, 0.022, 0.006, 0.026)
    elif kind == "hood":
        loft[:3, 0] += (0.004, 0.014, 0.006)
        loft[:3, 1::4] += np.array([[0.004], [0.014], [0.008]])
    drop = rng.uniform(0.015, 0.030) if kind == "open" else rng.uniform(0.0, 0.006)
    turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    sine, cosine = np.sin(turn), np.cos(turn)
    width, side, front, low, back, nape = (column[:, None] for column in loft.T)
    z = (front + back) / 2 + (front - back) / 2 * cosine
    y = side * sine**2 + np.where(cosine > 0, low, nape) * cosine**2
    y[:2] -= _opening(turn, drop) * np.array([[1.0], [0.5]])
    points = np.stack([width * sine, y, z], axis=-1)
    points = _fit(points.reshape(-1, 3), shape).astype(np.float32)
    cloth, stripes = _draw_cloth(rng), _draw_cloth(rng)
    spacing = [float(rng.uniform(0.012, 0.05)) if rng.random() < 0.2 else 0.0 for _ in range(2)]
    return Clothes(
        vertices=points,
        normals=_normals()(points),
        covered=_covered(loft, drop),
        cloth=cloth,
        stripes=stripes,
        pattern=(spacing[0], spacing[1]),
        weave=float(rng.uniform(0.02, 0.08)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
    )


def _opening(turn: NDArray[np.floating], drop: float) -> Floats:
    """How far a collar is open at some angles, (n,) metres."""
    opening: Floats = drop * np.exp(-((np.minimum(turn, 2 * np.pi - turn) / 0.45) ** 2))
    return opening


def _covered(loft: Floats, drop: float) -> Booleans:
    """Which vertices of a head are below the collar, (N,)."""
    x, y, z = head_model().mean.T
    _, side, front, low, back, nape = loft[0]
    turn = np.arctan2(x, z - (front + back) / 2) % (2 * np.pi)
    sine, cosine = np.sin(turn), np.cos(turn)
    collar = side * sine**2 + np.where(cosine > 0, low, nape) * cosine**2
    below = y < collar - _opening(turn, drop) - MARGIN
    covered: Booleans = below & (head_model().vertex_region == REGION["neck"])
    return covered


def _fit(points: Floats, shape: Floats) -> Floats:
    """Move and widen clothes for the mean head, (n, 3), to somebody's neck."""
    model = head_model()
    neck = (model.vertex_region == REGION["neck"]) & (np.abs(model.mean[:, 1] + 0.15) < 0.02)
    mine, mean = shape[neck], model.mean[neck]
    wider = mine[:, 0].std() / mean[:, 0].std()
    deeper = mine[:, 2].std() / mean[:, 2].std()
    scale = np.array([max(wider, 0.9), 1.0, max(deeper, 0.9)])
    middle = mean.mean(axis=0)
    fitted: Floats = (points - middle) * scale + mine.mean(axis=0)
    return fitted


def _draw_cloth(rng: np.random.Generator) -> Floats:
    grey = np.exp(rng.uniform(np.log(0.02), np.log(0.75)))
    rgb = np.clip(grey * np.exp(rng.normal(0, rng.choice([0.05, 0.30]), 3)), 0.01, 0.85)
    infrared = rng.uniform(0.05, 0.25) if rng.random() < 0.2 else rng.uniform(0.35, 0.80)
    return np.append(rgb, max(infrared, 0.8 * float(rgb.mean()))).astype(np.float32)
