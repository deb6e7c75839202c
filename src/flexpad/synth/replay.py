"""Replay: a photo or a video of a face on a phone, a tablet or a laptop, held or standing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from flexpad.synth.arrays import Floats
from flexpad.synth.cut import mesh_sheet
from flexpad.synth.hand import Hand, draw_hand
from flexpad.synth.lights import Illumination
from flexpad.synth.motion import Moment
from flexpad.synth.person import Person
from flexpad.synth.photo import SHARE, Photo, Shooting, find_shooting
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.screen import DEVICES, Screen, draw_screen
from flexpad.synth.shading import Material, shade
from flexpad.synth.view import View

FRONT, BODY, BASE = 0, 1, 2
LOW = (-0.95, -0.50)  # where devices are held
FRONT_POINTS = (34, 34)


@dataclass(frozen=True)
class Replay:
    """A device that shows a face.

    Attributes:
        shooting: Where its picture comes from.
        still: The picture, or None where it moves.
        screen: Its display.
        body: Its thickness, metres.
        size: Side of the square picture on the display, metres; the display shows its middle.
        offset: Of the picture's middle from the display's, (2,) metres.
        opening: Angle between the display and the keyboard of a laptop, radians; 0 without one.
        hand: Who holds it, or None where it stands.
    """

    shooting: Shooting
    still: Photo | None
    screen: Screen
    body: float
    size: float
    offset: Floats
    opening: float
    hand: Hand | None

    @property
    def pose_share(self) -> float:
        """Share of the pose of a recording that is left for the hand; the photo has the rest."""
        return float(np.sqrt(1 - SHARE**2))

    @property
    def outdoors(self) -> bool:
        """Screens are shown wherever anything is."""
        return False

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the shown face, (n, 3)."""
        flat = self._photo(moment).anchors * np.float32(self.size) + self.offset
        points = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
        anchors: Floats = points @ moment.turn.T + moment.place
        return anchors.astype(np.float32)

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the device and the fingers that hold it."""
        scene = self._scene.at(moment.turn, moment.place)
        seen = scene.cast(np.zeros_like(rays), rays)
        view = View.empty(len(rays))
        if "device" in seen:
            front = seen["device"].region == FRONT
            self._lay_front(view, seen["device"].pick(front), moment, light, scene)
            self._lay_body(view, seen["device"].pick(~front), light, scene)
        if self.hand is not None and "hand" in seen:
            self.hand.lay(view, seen["hand"], light, scene)
        return view

    def _photo(self, moment: Moment) -> Photo:
        return self.still if self.still is not None else self.shooting.photo(moment.seconds)

    @cached_property
    def _scene(self) -> Scene:
        """The device and who holds it, in the axes of the device."""
        return Scene((self._part(),) if self.hand is None else (self._part(), self.hand.part))

    def _part(self) -> Part:
        """The front, a box behind it and the keyboard of a laptop.

        Paint is the place in the axes of the device, with two more channels on the front.
        """
        vertices, normals, triangles, regions = self._box()
        flat, front = self._front
        middle = np.concatenate([flat, np.zeros((len(flat), 1), np.float32)], axis=1)
        paint = np.concatenate([flat, self.screen.unevenness(flat)], axis=1)
        body = np.concatenate([vertices, np.zeros((len(vertices), 1))], axis=1)
        everything = np.concatenate([middle, vertices])
        facing = np.concatenate([np.tile([0.0, 0.0, 1.0], (len(flat), 1)), normals])
        attributes = np.concatenate([facing, np.concatenate([paint, body])], axis=1)
        return Part(
            "device",
            everything.astype(np.float32),
            np.concatenate([front, triangles + len(flat)]).astype(np.int32),
            attributes.astype(np.float32),
            np.concatenate([np.full(len(front), FRONT), regions]).astype(np.uint8),
        )

    @cached_property
    def _front(self) -> tuple[Floats, NDArray[np.int32]]:
        mesh = mesh_sheet(self.screen.outer, FRONT_POINTS, [])
        return mesh.flat, mesh.triangles

    def _box(self) -> tuple[Floats, Floats, NDArray[np.int32], NDArray[np.uint8]]:
        """Vertices, normals, triangles and regions of all but the front."""
        width, height = self.screen.outer
        x, y = np.array([-1, 1, 1, -1]) * width, np.array([-1, -1, 1, 1]) * height
        front = np.stack([x, y, np.zeros(4)], axis=1)
        away = np.array([0, 0, self.body])
        faces = []
        for here, beside in ((0, 1), (1, 2), (2, 3), (3, 0)):
            a, b = front[here], front[beside]
            outward = (a + b) / np.hypot(*(a + b)[:2])
            faces.append((np.stack([a, a - away, b - away, b]), outward, BODY))
        if self.opening:
            faces.append((*self._keyboard(width, height), BASE))
        vertices = np.concatenate([corners for corners, _, _ in faces])
        normals = np.concatenate([np.tile(normal, (4, 1)) for _, normal, _ in faces])
        first = 4 * np.arange(len(faces))[:, None, None]
        triangles = (first + np.array([[0, 1, 2], [0, 2, 3]])).reshape(-1, 3)
        regions = np.repeat([region for _, _, region in faces], 2)
        return vertices, normals, triangles.astype(np.int32), regions.astype(np.uint8)

    def _keyboard(self, width: float, height: float) -> tuple[Floats, Floats]:
        """Corners (4, 3) and normal (3,) of a laptop's lower half, from the hinge forward."""
        down, forward = np.cos(self.opening), np.sin(self.opening)
        reach = 1.35 * height
        hinge = np.array([[-width, -height, 0], [width, -height, 0]])
        edge = hinge + np.array([0, reach * down, reach * forward])
        corners = np.stack([hinge[0], hinge[1], edge[1], edge[0]])
        return corners.astype(np.float32), np.array([0, forward, -down], np.float32)

    def _lay_front(
        self, view: View, seen: Seen, moment: Moment, light: Illumination, scene: Scene
    ) -> None:
        if not len(seen.ray):
            return
        flat = seen.paint[:, :2]
        place = (flat - self.offset) / np.float32(self.size)
        picture, face = self._photo(moment).look_up(place)
        on = (np.abs(place).max(axis=1) < 0.5) * self.screen.shows(flat)
        material, echo = self.screen.material(picture * on[:, None], seen, light, moment.seconds)
        lit = shade(seen, material, light, scene)
        error = seen.paint[:, 2] * self.screen.shows(flat)
        position = seen.position * (1 - error / seen.position[:, 2])[:, None]
        view.lay(replace(seen, position=position), lit, face * on, echo)

    def _lay_body(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        """Edges, and a keyboard of dark keys."""
        if not len(seen.ray):
            return
        count = len(seen.ray)
        base = seen.region == BASE
        keys = (np.sin(seen.paint[:, 0] * 330) > -0.7) & (np.sin(seen.paint[:, 2] * 330) > -0.7)
        dark = np.where(base & keys, 0.03, 1.0)[:, None]
        metal = np.maximum(self.screen.frame, 0.10)
        material = Material(
            rgb=(metal[:3] * dark).astype(np.float32),
            nir=(metal[3] * dark[:, 0]).astype(np.float32),
            gloss=np.full(count, 0.3, np.float32),
            sharpness=np.full(count, 20, np.float32),
            scatter=np.zeros(3, np.float32),
            ambient=np.full(count, 0.8, np.float32),
        )
        lit = shade(seen, material, light, scene)
        echo = np.clip(material.nir / 0.4, 0.12, 1)
        view.lay(seen, lit, np.zeros(count, np.float32), echo)


def draw_replay(rng: np.random.Generator, person: Person, kind: str) -> Replay:
    """A photo or a video on a ``phone``, a ``tablet`` or a ``laptop``."""
    device = DEVICES[kind]
    screen = draw_screen(rng, device)
    shooting = find_shooting(rng, person)
    photo = shooting.photo(0.0)
    moves = rng.random() < 0.5
    span = np.ptp(photo.anchors, axis=0)  # sides of the picture
    fill = rng.uniform(*device.face)
    size = fill * 2 * min(screen.half[0] / span[0], 0.86 * screen.half[1] / span[1])
    middle = (photo.anchors.max(axis=0) + photo.anchors.min(axis=0)) / 2
    offset = rng.normal(0, 0.02, 2) * np.array(screen.half) - middle * size
    held = rng.random() < device.held
    return Replay(
        shooting=shooting,
        still=None if moves else photo,
        screen=screen,
        body=device.body,
        size=float(size),
        offset=offset.astype(np.float32),
        opening=float(np.radians(rng.uniform(95, 125))) if kind == "laptop" else 0.0,
        hand=draw_hand(rng, person, screen.outer, kind == "phone", LOW) if held else None,
    )
