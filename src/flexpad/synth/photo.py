"""Photos and videos of somebody that an attacker has: another place, light and camera."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.spatial import KDTree

from flexpad.synth.arrays import Floats
from flexpad.synth.head import REGION, head_model
from flexpad.synth.lights import draw_illumination
from flexpad.synth.motion import Moment, Motion, draw_motion
from flexpad.synth.person import Person
from flexpad.synth.sensors import MIDDLE_GREY, draw_sensors, expose
from flexpad.synth.view import frame_face, see_person

PHOTO_SAMPLES = 180
PHOTO_ZOOM = 1.75
SHARE = 0.71  # of the pose that is in the photo; the rest is how the sheet is held
FRONTAL = 0.30  # share in photos that are taken straight on, to be cut or folded  # inferred
SHOOTINGS = 2  # per person and kind of use  # inferred
KEPT = 8  # frames of a video that are kept for the next recording that shows it
OUTDOORS = 0.25  # share of photos that were taken under the sky  # inferred


@dataclass(frozen=True)
class Photo:
    """A picture of a face.

    Attributes:
        pixels: Linear R, G, B and share of face, 0 to 1, (S, S, 4).
        anchors: Outermost points of the face, in sides of the picture from its centre, (n, 2).
        vertices: Likewise every vertex of the head, (N, 2).
        side: Of the picture at life size, metres.
        scale: Metres on the sheet for a metre of face.
    """

    pixels: Floats
    anchors: Floats
    vertices: Floats
    side: float
    scale: float = 1.0

    @property
    def size(self) -> float:
        """Side of the picture as it is shown, metres."""
        return self.side * self.scale

    def look_up(self, place: Floats) -> tuple[Floats, Floats]:
        """Colour (n, 3) and face (n,) at places (n, 2) in sides from the centre, interpolated."""
        size = len(self.pixels)
        column = np.clip((place[:, 0] + 0.5) * size - 0.5, 0, size - 1.001)
        row = np.clip((0.5 - place[:, 1]) * size - 0.5, 0, size - 1.001)
        left, top = column.astype(np.int32), row.astype(np.int32)
        right = (column - left).astype(np.float32)[:, None]
        down = (row - top).astype(np.float32)[:, None]
        planes = self.pixels.reshape(size * size, 4)
        first = top * size + left
        a, b, c, d = (planes.take(first + step, axis=0) for step in (0, 1, size, size + 1))
        found = _mix(_mix(a, b, right), _mix(c, d, right), down)
        return found[:, :3], found[:, 3]

    def where(self, canonical: Floats) -> Floats:
        """Where points of the face are in the picture.

        Args:
            canonical: Near the surface of the mean head, (n, 3) metres.

        Returns:
            In sides from the centre, (n, 2).
        """
        tree, numbers = _face_tree()
        near = numbers[tree.query(canonical)[1]]
        beside = (canonical - head_model().mean[near])[:, :2] / np.float32(self.side)
        found: Floats = self.vertices[near] + beside
        return found.astype(np.float32)

    def bled(self, width: float) -> Photo:
        """The picture after its colours ran by a width, metres on the sheet."""
        sigma = width / self.size * len(self.pixels)
        run = gaussian_filter(self.pixels[..., :3], sigma, axes=(0, 1), truncate=3.0)
        return replace(self, pixels=np.concatenate([run, self.pixels[..., 3:]], axis=-1))


def _mix(one: Floats, other: Floats, share: Floats) -> Floats:
    mixed: Floats = other - one
    mixed *= share
    mixed += one
    return mixed


@cache
def _face_tree() -> tuple[KDTree, np.ndarray]:
    """The front of the mean head to look points up in, and the numbers of its vertices."""
    model = head_model()
    front = (model.vertex_region == REGION["skin"]) & (model.mean[:, 2] > -0.09)
    numbers = np.flatnonzero(front)
    return KDTree(model.mean[numbers]), numbers


class Shooting:
    """Takes photos of a person: another place, light and camera than the presentation."""

    def __init__(
        self,
        rng: np.random.Generator,
        person: Person,
        share: float = SHARE,
        samples: int = PHOTO_SAMPLES,
    ) -> None:
        """Draw the place, the light, the camera and how the person moves.

        Args:
            rng: Source of everything.
            person: Whose face.
            share: Of the spread of poses that is in the photos.
            samples: Along a side of a photo.
        """
        self._person = person
        self._samples = samples
        outdoors = bool(rng.random() < OUTDOORS)
        self._light = draw_illumination(rng, outdoors)
        self._sensors = draw_sensors(rng, outdoors)
        self._motion: Motion = draw_motion(rng, share)
        self._grade = float(rng.uniform(0.8, 1.15))
        self._taken: dict[float, Photo] = {}

    def photo(self, seconds: float) -> Photo:
        """Take a photo at a moment, or give the one that was taken then."""
        if seconds not in self._taken:
            if len(self._taken) >= KEPT:
                self._taken.pop(next(iter(self._taken)))
            self._taken[seconds] = self._take(self._motion.at(seconds))
        return self._taken[seconds]

    def _take(self, moment: Moment) -> Photo:
        model = head_model()
        shape = model.express(self._person.shape, moment.actions)
        placed = shape @ moment.turn.T + moment.place
        camera = frame_face(placed[model.anchors], self._samples, PHOTO_ZOOM, (0.0, 0.02))
        view = see_person(self._person, moment, self._light, camera.rays())
        square = (self._samples, self._samples)
        place, _, _ = self._sensors.room.picture(camera, self._light)
        rgb = (view.rgb + (1 - view.solid)[:, None] * place).reshape(*square, 3)
        face = view.face.reshape(square)
        exposed = expose(rgb, face, self._sensors, self._light)
        # Cameras steepen contrast around middle grey, and colours with it.  # inferred
        steep = MIDDLE_GREY * (np.clip(exposed, 0, None) / MIDDLE_GREY) ** np.float32(self._grade)
        printed = np.clip(steep / (1 + 0.25 * steep), 0, 1)
        middle = np.array([camera.left + camera.side / 2, camera.top - camera.side / 2])
        vertices = ((placed[:, :2] / -placed[:, 2:]) - middle) / camera.side
        return Photo(
            pixels=np.concatenate([printed, face[..., None]], axis=-1).astype(np.float32),
            anchors=vertices[model.anchors].astype(np.float32),
            vertices=vertices.astype(np.float32),
            side=camera.side * float(-moment.place[2]),
        )


class _Album:
    """The shootings of one person, by share of the pose and number."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self._shootings: dict[tuple[float, int], Shooting] = {}

    def shooting(self, share: float, number: int) -> Shooting:
        if (share, number) not in self._shootings:
            # Seeded by the person alone: whoever asks, and in whatever order, gets the same.
            seed = [*self.person.phase.view(np.uint32).tolist(), round(1000 * share), number]
            rng = np.random.default_rng(seed)
            self._shootings[share, number] = Shooting(rng, self.person, share)
        return self._shootings[share, number]


_album: _Album | None = None


def find_shooting(rng: np.random.Generator, person: Person, share: float = SHARE) -> Shooting:
    """Pick one of the few shootings of a person that attackers have.

    Args:
        rng: Which one.
        person: Whose face.
        share: Of the spread of poses that is in the photos.
    """
    global _album  # of the last person: one subject is rendered at a time
    if _album is None or _album.person is not person:
        _album = _Album(person)
    return _album.shooting(share, int(rng.integers(SHOOTINGS)))
