"""What the head of a mannequin stands on: it is cut off flat and rests on a plate, a pole below it.

A head ends at the neck or, as a bust, at the shoulders. The plate and what carries it are of wood,
metal or plastic; they take the place of clothes.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from flexpad.synth.arrays import Booleans, Floats, Indices
from flexpad.synth.clothes import AROUND, LOFT, Clothes, as_lathe
from flexpad.synth.head import head_model
from flexpad.synth.noise import noise, smoothstep
from flexpad.synth.render import Seen
from flexpad.synth.shading import Material

CUTS = (-0.152, -0.176)  # canonical height of the lower end of a neck and of a bust, metres
FLOOR = -0.46  # height down to which the stand goes on, metres
WOOD = np.array([0.42, 0.27, 0.15, 0.60], np.float32)


@dataclass(frozen=True)
class Stand(Clothes):
    """A stand in the axes of the head; its attributes are those of clothes, without a pattern.

    Attributes:
        gloss: Strength of its highlights.
        sharpness: Their exponent.
    """

    gloss: float
    sharpness: float

    def material(self, seen: Seen) -> tuple[Seen, Material]:
        """How the stand reflects; a head above it takes light away."""
        place = seen.paint[:, :3]
        grain = 1 + self.weave * noise(place + self.phase, (0.004, 0.05, 0.004), 3)
        colour = self.cloth * grain[:, None]
        count = len(place)
        material = Material(
            rgb=colour[:, :3].astype(np.float32),
            nir=colour[:, 3].astype(np.float32),
            gloss=np.full(count, self.gloss, np.float32),
            sharpness=np.full(count, self.sharpness, np.float32),
            scatter=np.full(3, 0.05, np.float32),
            ambient=np.float32(0.8) * smoothstep(-0.10, -0.20, place[:, 1]),
        )
        return seen, material


@cache
def _crossing(height: float) -> tuple[Indices, Indices, Floats]:
    """Edges of the head that cross a canonical height: above, below, and how far down it is."""
    model = head_model()
    edges = model.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    edges = np.concatenate([edges, edges[:, ::-1]])
    level = model.mean[:, 1]
    above, below = edges[(level[edges[:, 0]] > height) & (level[edges[:, 1]] <= height)].T
    share = (level[above] - height) / (level[above] - level[below])
    return above, below, share.astype(np.float32)


def cut_off(shape: Floats, height: float) -> tuple[Floats, Booleans, Floats]:
    """Cut a head off flat.

    Args:
        shape: Its vertices, (N, 3) metres.
        height: Canonical height of the cut, one of ``CUTS``.

    Returns:
        The vertices, those just below the cut moved up to it, (N, 3); which of them are not above
        it, (N,); and the points of the border, (E, 3).
    """
    above, below, share = _crossing(height)
    crossing = shape[above] + share[:, None] * (shape[below] - shape[above])
    crossing[:, 1] = crossing[:, 1].mean()
    total = np.zeros((len(shape), 4), np.float32)
    np.add.at(total, below, np.concatenate([crossing, np.ones((len(below), 1))], axis=1))
    moved = total[:, 3] > 0
    flat = shape.copy()
    flat[moved] = total[moved, :3] / total[moved, 3:]
    return flat, head_model().mean[:, 1] <= height, crossing


def draw_stand(rng: np.random.Generator, border: Floats, hidden: Booleans) -> Stand:
    """Draw what a head stands on.

    Args:
        rng: Source of its kind, its size and its material.
        border: Points of the lower border of the head, (E, 3) metres.
        hidden: Which vertices of the head are cut off, (N,).
    """
    middle = (border.max(axis=0) + border.min(axis=0)) / 2
    half = np.ptp(border, axis=0) / 2
    plate = float(rng.uniform(1.08, 1.35))
    carries = plate if rng.random() < 0.5 else float(rng.uniform(0.18, 0.5))
    thick = float(rng.uniform(0.008, 0.030))
    down = np.array([0, 0, 0.002, thick - 0.001, thick, thick + 0.001, 0.08, 0.2, 1], np.float32)
    wide = [0, plate - 0.02, plate, plate, plate - 0.02, carries, carries, carries, carries]
    down[-1] = middle[1] - FLOOR
    assert len(down) == len(LOFT)
    turn = np.linspace(0, 2 * np.pi, AROUND, endpoint=False)
    around = np.stack([half[0] * np.sin(turn), np.zeros(AROUND), half[2] * np.cos(turn)], axis=1)
    points = middle + np.array(wide)[:, None, None] * around
    points[..., 1] -= down[:, None]
    vertices, normals = as_lathe(points)
    kind = rng.choice(3, p=[0.35, 0.30, 0.35])
    grey = np.append(np.full(3, np.exp(rng.uniform(*np.log([0.02, 0.7])))), rng.uniform(0.04, 0.7))
    colour = WOOD * np.float32(rng.uniform(0.4, 1.3)) if kind == 0 else grey
    return Stand(
        vertices=vertices,
        normals=normals,
        covered=hidden,
        cloth=np.asarray(colour, np.float32),
        stripes=np.asarray(colour, np.float32),
        pattern=(0.0, 0.0),
        weave=0.10 if kind == 0 else 0.01,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        gloss=float(rng.uniform(0.1, 0.4) if kind == 0 else rng.uniform(0.3, 1.2)),
        sharpness=float(rng.uniform(8, 60)),
    )
