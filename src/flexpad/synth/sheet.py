"""Flat things that show a face: prints, whole or with the eyes cut out, and screens."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from flexpad.synth.arrays import Booleans, Floats
from flexpad.synth.media import Ink, Screen, draw_ink, draw_screen
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smooth_noise
from flexpad.synth.person import Person, draw_accomplice
from flexpad.synth.photo import SHARE, Photo, Shooting
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.shading import Illumination, Material, shade
from flexpad.synth.view import View, see_person

GRID = 20  # points along a side of the sheet


@dataclass(frozen=True)
class Sheet:
    """A print or a screen in somebody's hand.

    Attributes:
        shooting: Where its picture comes from.
        still: The picture, or None where it moves (a video is replayed).
        bend: Curvature about the vertical axis of the sheet, 1/m.
        tilt: Direction of a slight second curvature, 1/m.
        ink: How the picture becomes reflectance, or None for a screen.
        screen: How the picture glows, or None for a print.
        behind: Somebody who looks through holes at the eyes, or None.
        hole: Half width and half height of the holes, metres; how far the face is behind.
        phase: Moves all noise, (3,).
    """

    shooting: Shooting
    still: Photo | None
    bend: float
    tilt: float
    phase: Floats
    ink: Ink | None = None
    screen: Screen | None = None
    behind: Person | None = None
    hole: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def pose_share(self) -> float:
        """Share of the pose of a recording that is left for the hand; the photo has the rest."""
        return float(np.sqrt(1 - SHARE**2))

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the shown face, (n, 3)."""
        photo = self._photo(moment)
        flat = photo.anchors * photo.side * photo.scale
        return self._to_camera(self._bend(flat), moment)

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the sheet, and through its holes whoever is behind."""
        photo = self._photo(moment)
        size = photo.side * photo.scale
        steps = np.linspace(-size / 2, size / 2, GRID, dtype=np.float32)
        flat = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
        part = self._part(flat, moment)
        scene = Scene((part,))
        view = View.empty(len(rays))
        seen = scene.cast(np.zeros_like(rays), rays).get("sheet")
        if seen is None:
            return view
        holes = self._holes(seen.paint / size, photo, size)
        solid = seen.pick(~holes)
        picture, face = photo.look_up(solid.paint / np.float32(size))
        material, echo = self._material(picture, solid)
        lit = shade(solid, material, light, scene)
        view.lay(solid, lit, face, echo)
        if self.behind is not None and holes.any():
            self._look_through(view, seen.pick(holes), moment, light, rays, photo)
        return view

    def _photo(self, moment: Moment) -> Photo:
        return self.still if self.still is not None else self.shooting.photo(moment.seconds)

    def _bend(self, flat: Floats) -> Floats:
        """Roll a flat sheet around a cylinder, edges away from the camera, (n, 3)."""
        x, y = flat[:, 0], flat[:, 1]
        across = np.sin(x * self.bend) / self.bend
        back = (np.cos(x * self.bend) - 1) / self.bend - 0.5 * self.tilt * (y + 0.4 * x) ** 2
        return np.stack([across, y, back], axis=1).astype(np.float32)

    def _to_camera(self, points: Floats, moment: Moment) -> Floats:
        placed: Floats = points @ moment.turn.T + moment.place
        return placed.astype(np.float32)

    def _part(self, flat: Floats, moment: Moment) -> Part:
        number = np.arange(GRID * GRID).reshape(GRID, GRID)
        a, b = number[:-1, :-1].reshape(-1), number[:-1, 1:].reshape(-1)
        c, d = number[1:, :-1].reshape(-1), number[1:, 1:].reshape(-1)
        triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
        points = self._bend(flat)
        turn = moment.turn
        slope = np.stack(
            [
                np.sin(flat[:, 0] * self.bend) + 0.4 * self.tilt * (flat[:, 1] + 0.4 * flat[:, 0]),
                self.tilt * (flat[:, 1] + 0.4 * flat[:, 0]),
                np.cos(flat[:, 0] * self.bend),
            ],
            axis=1,
        ).astype(np.float32)
        attributes = np.concatenate([slope @ turn.T, flat], axis=1).astype(np.float32)
        vertices = self._to_camera(points, moment)
        return Part("sheet", vertices, triangles.astype(np.int32), attributes)

    def _holes(self, place: Floats, photo: Photo, size: float) -> Booleans:
        """Which points of the sheet are cut away, (n,)."""
        if self.behind is None:
            return np.zeros(len(place), bool)
        ragged = np.concatenate([place * size, np.zeros((len(place), 1))], axis=1) + self.phase
        wobble = 0.12 * smooth_noise(ragged.astype(np.float32), 0.012)
        width, height, _ = self.hole
        distance = [
            np.hypot((place[:, 0] - eye[0]) * size / width, (place[:, 1] - eye[1]) * size / height)
            for eye in photo.eyes
        ]
        cut: Booleans = np.minimum(*distance) < 1 + wobble
        return cut

    def _look_through(
        self,
        view: View,
        holes: Seen,
        moment: Moment,
        light: Illumination,
        rays: Floats,
        photo: Photo,
    ) -> None:
        assert self.behind is not None
        middle = self._to_camera(
            self._bend(photo.eyes.mean(axis=0, keepdims=True) * photo.side * photo.scale), moment
        )[0]
        away = middle / np.sqrt((middle**2).sum())
        place = middle + away * np.float32(self.hole[2])
        there = replace(moment, place=place.astype(np.float32))
        inner = see_person(self.behind, there, light, rays[holes.ray])
        dim = np.float32(0.55)  # the sheet keeps most of the room's light off
        view.rgb[holes.ray] = inner.rgb * dim
        view.nir[holes.ray] = inner.nir
        view.depth[holes.ray] = inner.depth
        view.solid[holes.ray] = inner.solid
        view.echo[holes.ray] = inner.echo
        view.face[holes.ray] = 1.0

    def _material(self, picture: Floats, seen: Seen) -> tuple[Material, Floats]:
        place = np.concatenate([seen.paint, np.zeros((len(seen.ray), 1), np.float32)], axis=1)
        if self.ink is not None:
            return self.ink.material(picture, place + self.phase)
        assert self.screen is not None
        return self.screen.material(picture, seen.paint)


def draw_flat_print(rng: np.random.Generator, person: Person) -> Sheet:
    """A photo print held as flat as a hand holds paper."""
    shooting = Shooting(rng, person)
    return Sheet(
        shooting=shooting,
        still=shooting.photo(0.0),
        bend=float(rng.choice([-1, 1]) * rng.uniform(0.05, 1.2)),
        tilt=float(rng.normal(0, 0.5)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        ink=draw_ink(rng),
    )


def draw_bent_print_eyes(rng: np.random.Generator, person: Person) -> Sheet:
    """A photo print bent around a face, its eyes cut out, with somebody else behind it."""
    shooting = Shooting(rng, person)
    hole = (rng.uniform(0.014, 0.021), rng.uniform(0.007, 0.012), rng.uniform(0.008, 0.035))
    return Sheet(
        shooting=shooting,
        still=shooting.photo(0.0),
        bend=float(rng.uniform(5.5, 13.0)),
        tilt=float(rng.normal(0, 0.6)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        ink=draw_ink(rng),
        behind=draw_accomplice(rng, person, hair_shows=False),
        hole=(float(hole[0]), float(hole[1]), float(hole[2])),
    )


def draw_replay(rng: np.random.Generator, person: Person) -> Sheet:
    """A photo or a video on a screen."""
    shooting = Shooting(rng, person)
    moves = rng.random() < 0.5
    return Sheet(
        shooting=shooting,
        still=None if moves else shooting.photo(0.0),
        bend=1e-3,
        tilt=0.0,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        screen=draw_screen(rng),
    )
