"""Flat things that show a face: prints, whole or with the eyes cut out, and screens.

Optics, RGB and 850 nm:

- Office paper reflects 0.75 to 0.9 in both bands. Dye inks and colour toners are made to absorb in
  the visible and nearly vanish at 850 nm, while carbon black (laser black, pigment black) stays
  dark, so how much of a print is left in infrared depends on the printer. The share of carbon is
  drawn between none and nearly all.  # inferred
- A screen glows in RGB only. Its glass mirrors lamps and the flash, and returns little of what a
  depth sensor sends.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from flexpad.synth.head import Floats, head_model
from flexpad.synth.motion import Moment, Motion, draw_motion
from flexpad.synth.noise import noise, smooth_noise, smoothstep
from flexpad.synth.person import Person, draw_person
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.sensors import draw_sensors, expose
from flexpad.synth.shading import Illumination, Material, draw_illumination, shade
from flexpad.synth.view import Pose, View, frame_face, see_person

PHOTO_SAMPLES = 168
PHOTO_ZOOM = 1.75
GRID = 20
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
        pose = Pose(moment.turn, moment.place, moment.actions)
        view = see_person(self._person, pose, self._light, camera.rays())
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
            [np.sin(flat[:, 0] * self.bend) + 0.4 * self.tilt * (flat[:, 1] + 0.4 * flat[:, 0]),
             self.tilt * (flat[:, 1] + 0.4 * flat[:, 0]), np.cos(flat[:, 0] * self.bend)], axis=1
        ).astype(np.float32)
        attributes = np.concatenate([slope @ turn.T, flat], axis=1).astype(np.float32)
        vertices = self._to_camera(points, moment)
        return Part("sheet", vertices, triangles.astype(np.int32), attributes)

    def _holes(self, place: Floats, photo: Photo, size: float) -> np.ndarray:
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
        cut: np.ndarray = np.minimum(*distance) < 1 + wobble
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
        pose = Pose(moment.turn, place.astype(np.float32), moment.actions)
        inner = see_person(self.behind, pose, light, rays[holes.ray])
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
        return self.screen.material(picture, seen)


@dataclass(frozen=True, slots=True)
class Ink:
    """A printer and its paper.

    Attributes:
        paper: Reflectance of the paper in R, G, B and at 850 nm, (4,).
        black: Reflectance of the darkest print.
        fade: How far colours are pulled toward grey, 0 to 1.
        tint: Colour cast of the printer, (3,).
        carbon: Share of the picture that is left at 850 nm, 0 to 1.
        halftone: Contrast of the raster.
        gloss: Of the paper; 0 matt, 1 photo paper.
        sharpness: Of its highlights.
    """

    paper: Floats
    black: float
    fade: float
    tint: Floats
    carbon: float
    halftone: float
    gloss: float
    sharpness: float

    def material(self, picture: Floats, place: Floats) -> tuple[Material, Floats]:
        """Print a picture (n, 3) at places (n, 3); the material and the depth echo, (n,)."""
        grey = picture.mean(axis=1, keepdims=True)
        ink = (grey + (1 - self.fade) * (picture - grey)) * self.tint
        raster = 1 + self.halftone * noise(place, 0.0011)[:, None]
        fibre = 1 + 0.012 * noise(place, 0.003, 1)
        printed = (self.black + (1 - self.black) * np.clip(ink * raster, 0, 1)) * fibre[:, None]
        left = 1 - self.carbon * (1 - (0.12 + 0.88 * np.clip(grey[:, 0], 0, 1) ** 0.6))
        count = len(picture)
        nir = self.paper[3] * left * fibre
        material = Material(
            rgb=(self.paper[:3] * printed).astype(np.float32),
            nir=nir.astype(np.float32),
            gloss=np.full(count, self.gloss, np.float32),
            sharpness=np.full(count, self.sharpness, np.float32),
            scatter=np.full(3, 0.06, np.float32),
            ambient=np.full(count, 0.9, np.float32),
        )
        return material, np.clip(nir / 0.4, 0.2, 1).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Screen:
    """A phone, tablet or laptop.

    Attributes:
        brightness: Of white, against the light of the room.
        white: R, G, B of white, (3,).
        black: Glow of black.
        moire: Contrast of the beat between the two pixel grids.
        beat: Its wave vectors, (2, 2) per metre.
        window: Reflection of a bright patch: centre, half size (metres) and level, (5,).
        glass: Echo of a depth sensor, about 0.1 to 0.4.
        diffuse: Reflectance of the panel at 850 nm.
        polish: Exponent of the mirror image of a lamp: low for matt screens.
    """

    brightness: float
    white: Floats
    black: float
    moire: float
    beat: Floats
    window: Floats
    glass: float
    diffuse: float
    polish: float

    def material(self, picture: Floats, seen: Seen) -> tuple[Material, Floats]:
        """Show a picture (n, 3); the material and the depth echo, (n,)."""
        place = seen.paint
        phase = 2 * np.pi * (place @ self.beat.T)
        waves = np.stack([np.sin(phase[:, 0]), np.sin(phase[:, 0] + 2.1) * 0.6 + 0.4 * np.sin(phase[:, 1]),
                          np.sin(phase[:, 1] + 4.0)], axis=1)
        glow = self.brightness * self.white * (self.black + (1 - self.black) * picture)
        glow = glow * (1 + self.moire * waves)
        x, y, width, height, level = self.window
        patch = smoothstep(1.15, 0.85, np.abs(place[:, 0] - x) / width) * smoothstep(
            1.15, 0.85, np.abs(place[:, 1] - y) / height
        )
        glow = glow + (level * patch)[:, None]
        count = len(picture)
        material = Material(
            rgb=np.full((count, 3), 0.025, np.float32),
            nir=np.full(count, self.diffuse, np.float32),
            gloss=np.full(count, 0.5, np.float32),
            sharpness=np.full(count, self.polish, np.float32),
            scatter=np.zeros(3, np.float32),
            ambient=np.full(count, 0.9, np.float32),
            glow=glow.astype(np.float32),
        )
        return material, np.full(count, self.glass, np.float32)


def _draw_ink(rng: np.random.Generator) -> Ink:
    white = rng.uniform(0.80, 0.92) * np.array([1.0, rng.uniform(0.97, 1.01), rng.uniform(0.92, 1.03)])
    return Ink(
        paper=np.append(white, rng.uniform(0.55, 0.82)).astype(np.float32),
        black=float(rng.uniform(0.012, 0.05)),
        fade=float(rng.uniform(0.0, 0.18)),
        tint=np.exp(rng.normal(0, 0.05, 3)).astype(np.float32),
        carbon=float(rng.beta(1.1, 1.0)),
        halftone=float(rng.uniform(0.01, 0.06)),
        gloss=float(rng.uniform(0.0, 1.0)),
        sharpness=float(np.exp(rng.uniform(np.log(6), np.log(80)))),
    )


def draw_flat_print(rng: np.random.Generator, person: Person) -> Sheet:
    """A photo print held as flat as a hand holds paper."""
    shooting = Shooting(rng, person)
    return Sheet(
        shooting=shooting,
        still=shooting.photo(0.0),
        bend=float(rng.choice([-1, 1]) * rng.uniform(0.05, 1.2)),
        tilt=float(rng.normal(0, 0.5)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        ink=_draw_ink(rng),
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
        ink=_draw_ink(rng),
        behind=draw_person(rng),
        hole=(float(hole[0]), float(hole[1]), float(hole[2])),
    )


def draw_replay(rng: np.random.Generator, person: Person) -> Sheet:
    """A photo or a video on a screen."""
    shooting = Shooting(rng, person)
    angle = rng.uniform(0, np.pi, 2)
    waves = np.exp(rng.uniform(np.log(40), np.log(260), 2))
    window = [rng.uniform(-0.08, 0.08), rng.uniform(-0.06, 0.10), rng.uniform(0.015, 0.06),
              rng.uniform(0.02, 0.09), rng.uniform(0.0, 0.10)]
    screen = Screen(
        brightness=float(rng.uniform(0.7, 1.5)),
        white=np.array([rng.uniform(0.9, 1.0), 1.0, rng.uniform(1.0, 1.16)], np.float32),
        black=float(rng.uniform(0.005, 0.035)),
        moire=float(rng.uniform(0.0, 0.06)),
        beat=(np.stack([np.cos(angle), np.sin(angle)], axis=1) * waves[:, None]).astype(np.float32),
        window=np.array(window, np.float32),
        glass=float(rng.uniform(0.10, 0.45)),
        diffuse=float(rng.uniform(0.02, 0.10)),
        polish=float(np.exp(rng.uniform(np.log(300), np.log(30000)))),
    )
    moves = rng.random() < 0.5
    return Sheet(
        shooting=shooting,
        still=None if moves else shooting.photo(0.0),
        bend=1e-3,
        tilt=0.0,
        phase=rng.uniform(0, 1, 3).astype(np.float32),
        screen=screen,
    )

