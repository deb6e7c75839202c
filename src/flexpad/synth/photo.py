"""Photos and videos of somebody that an attacker has: another place, light and camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.head import head_model
from flexpad.synth.motion import Motion, draw_motion
from flexpad.synth.person import Person
from flexpad.synth.sensors import draw_sensors, expose
from flexpad.synth.shading import draw_illumination
from flexpad.synth.view import frame_face, see_person

PHOTO_SAMPLES = 176
PHOTO_ZOOM = 1.75
SHARE = 0.71  # of the pose that is in the photo; the rest is how the sheet is held
EYES = np.array([[-0.0312, -0.001, 0.012], [0.0312, -0.001, 0.012]], np.float32)


@dataclass(frozen=True)
class Photo:
    """A picture of a face.

    Attributes:
        rgb: Linear, 0 to 1, (S, S, 3).
        face: Share of face, (S, S).
        anchors: Outermost points of the face, in sides of the picture from its centre, (n, 2).
        eyes: Likewise, (2, 2).
        side: Of the picture at life size, metres.
        scale: Metres on the sheet for a metre of face.
    """

    rgb: Floats
    face: Floats
    anchors: Floats
    eyes: Floats
    side: float
    scale: float

    def look_up(self, place: Floats) -> tuple[Floats, Floats]:
        """Colour (n, 3) and face (n,) at places (n, 2) in sides from the centre, interpolated."""
        size = len(self.rgb)
        column = np.clip((place[:, 0] + 0.5) * size - 0.5, 0, size - 1.001)
        row = np.clip((0.5 - place[:, 1]) * size - 0.5, 0, size - 1.001)
        left, top = column.astype(np.int32), row.astype(np.int32)
        right = (column - left).astype(np.float32)[:, None]
        down = (row - top).astype(np.float32)[:, None]
        planes = np.concatenate([self.rgb, self.face[..., None]], axis=-1).reshape(size * size, 4)
        first = top * size + left
        upper = planes[first] * (1 - right) + planes[first + 1] * right
        lower = planes[first + size] * (1 - right) + planes[first + size + 1] * right
        found = upper * (1 - down) + lower * down
        return found[:, :3], found[:, 3]


class Shooting:
    """Takes photos of a person: another place, light and camera than the presentation."""

    def __init__(self, rng: np.random.Generator, person: Person) -> None:
        self._person = person
        self._light = draw_illumination(rng)
        self._sensors = draw_sensors(rng)
        self._motion: Motion = draw_motion(rng, SHARE)
        self._scale = float(rng.uniform(0.88, 1.06))
        self._latest: tuple[float, Photo] | None = None
        self._wall = (rng.uniform(0.1, 0.8) * rng.uniform(0.85, 1.15, 3)).astype(np.float32)

    def photo(self, seconds: float) -> Photo:
        """Take a photo at a moment, or give the latest if it is of that moment."""
        if self._latest is None or self._latest[0] != seconds:
            self._latest = seconds, self._take(seconds)
        return self._latest[1]

    def _take(self, seconds: float) -> Photo:
        moment = self._motion.at(seconds)
        model = head_model()
        vertices = model.express(self._person.shape, moment.actions)
        placed = vertices[model.anchors] @ moment.turn.T + moment.place
        camera = frame_face(placed, PHOTO_SAMPLES, PHOTO_ZOOM, (0.0, 0.02))
        view = see_person(self._person, moment, self._light, camera.rays())
        square = (PHOTO_SAMPLES, PHOTO_SAMPLES)
        rgb = (view.rgb + (1 - view.solid)[:, None] * self._wall).reshape(*square, 3)
        face = view.face.reshape(square)
        exposed = expose(rgb, face, self._sensors, self._light)
        middle = np.array([camera.left + camera.side / 2, camera.top - camera.side / 2])
        eyes = EYES @ moment.turn.T + moment.place
        return Photo(
            rgb=np.clip(exposed / (1 + 0.25 * exposed), 0, 1),
            face=face,
            anchors=((placed[:, :2] / -placed[:, 2:]) - middle) / camera.side,
            eyes=((eyes[:, :2] / -eyes[:, 2:]) - middle) / camera.side,
            side=camera.side * float(-moment.place[2]),
            scale=self._scale,
        )
