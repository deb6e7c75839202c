"""Teeth: two arches behind the lips, of which the lower one moves with the jaw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Floats
from flexpad.synth.head import NormalAverager, head_model
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.render import Part, Seen
from flexpad.synth.shading import Material

ACROSS, DOWN = 17, 3
HALF_ARCH = 0.021  # metres from the middle to the last tooth that can be seen
UPPER, LOWER = (-0.0655, -0.0765, 0.0225), (-0.0870, -0.0770, 0.0205)  # root, edge, front; metres
LIP = (0.0, -0.0735, 0.030)  # canonical place where the lips meet


@dataclass(frozen=True, slots=True)
class Teeth:
    """Somebody's teeth.

    Attributes:
        shift: Of the mouth from that of the mean head, (3,) metres.
        colour: Of enamel in R, G, B and at 850 nm, (4,).
        width: Of a tooth, metres.
    """

    shift: Floats
    colour: Floats
    width: float

    def part(self, moment: Moment) -> Part:
        """Both arches; paint: along the arch in metres, and from the root (0) to the edge (1)."""
        model = head_model()
        points, paint, triangles = _arches()
        jaw = np.zeros(3, np.float32)
        for name in ("jawOpen", "jawForward", "jawLeft", "jawRight"):
            action = model.actions[model.action_number[name], _chin()]
            jaw = jaw + np.float32(moment.actions.get(name, 0.0)) * action
        half = len(points) // 2
        placed = points + self.shift
        placed[half:] += jaw
        normals = _normals()(placed)
        attributes = np.concatenate([normals @ moment.turn.T, paint], axis=1)
        vertices = (placed @ moment.turn.T + moment.place).astype(np.float32)
        return Part("teeth", vertices, triangles, attributes.astype(np.float32))

    def material(self, seen: Seen) -> Material:
        """Enamel, darker between teeth, toward the gums and back in the mouth."""
        along, down = seen.paint.T
        gap = np.abs(((along / np.float32(self.width)) % 1.0) - 0.5) * 2
        between = 1 - 0.5 * smoothstep(0.80, 0.98, gap)
        back = 1 - 0.75 * smoothstep(0.006, 0.021, np.abs(along))
        gum = smoothstep(0.30, 0.15, down)[:, None]
        colour = self.colour + gum * (np.array([0.38, 0.15, 0.14, 0.42], np.float32) - self.colour)
        colour = colour * (between * back)[:, None]
        count = len(along)
        return Material(
            rgb=colour[:, :3].astype(np.float32),
            nir=colour[:, 3].astype(np.float32),
            gloss=np.full(count, 0.8, np.float32),
            sharpness=np.full(count, 50, np.float32),
            scatter=np.full(3, 0.15, np.float32),
            ambient=np.full(count, 0.45, np.float32),
        )


@cache
def _chin() -> int:
    chin = np.array([0, -0.115, 0.02])
    return int(np.argmin(((head_model().mean - chin) ** 2).sum(axis=1)))


@cache
def _arches() -> tuple[Floats, Floats, NDArray[np.int32]]:
    x = np.linspace(-HALF_ARCH, HALF_ARCH, ACROSS)
    points, paint = [], []
    for root, edge, front in (UPPER, LOWER):
        for share in np.linspace(0, 1, DOWN):
            y = root + share * (edge - root)
            ahead = front - 55 * x**2 + 0.0015 * np.sin(np.pi * share)
            points.append(np.stack([x, np.full(ACROSS, y), ahead], axis=1))
            paint.append(np.stack([x, np.full(ACROSS, share)], axis=1))
    number = np.arange(ACROSS * DOWN).reshape(DOWN, ACROSS)
    a, b = number[:-1, :-1].reshape(-1), number[:-1, 1:].reshape(-1)
    c, d = number[1:, :-1].reshape(-1), number[1:, 1:].reshape(-1)
    upper = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    lower = upper[:, ::-1] + ACROSS * DOWN
    return (
        np.concatenate(points).astype(np.float32),
        np.concatenate(paint).astype(np.float32),
        np.concatenate([upper, lower]).astype(np.int32),
    )


@cache
def _normals() -> NormalAverager:
    points, _, triangles = _arches()
    return NormalAverager(triangles, len(points))


def draw_teeth(rng: np.random.Generator, shape: Floats, age: float) -> Teeth:
    """Draw the teeth of a head, (N, 3) vertices; they darken with age."""
    mean = head_model().mean
    lip = int(np.argmin(((mean - np.array(LIP)) ** 2).sum(axis=1)))
    yellow = np.clip(rng.normal(0.10 + (age - 20) / 250, 0.06), 0, 0.5)
    white = rng.uniform(0.50, 0.68) * np.array([1.0, 0.97 - 0.2 * yellow, 0.90 - 0.8 * yellow])
    return Teeth(
        shift=np.asarray(shape[lip] - mean[lip], np.float32),
        colour=np.append(white, rng.uniform(0.50, 0.62)).astype(np.float32),
        width=float(rng.uniform(0.0066, 0.0080)),
    )


def mouth_open(actions: Mapping[str, float]) -> bool:
    """Whether facial actions part the lips."""
    return sum(actions.get(name, 0.0) for name in LIP_PARTING) > 0.02


LIP_PARTING = ("jawOpen", "mouthFunnel", "mouthUpperUpLeft", "mouthLowerDownLeft", "tongueOut")
