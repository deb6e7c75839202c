"""Glasses with eyes on them, on a live face: printed on card, or moulded and painted plastic.

A partial attack: WMCA counts such glasses as a species of its own (A. George et al., "Biometric
face presentation attack detection with multi-channel convolutional neural network", IEEE T-IFS 15,
2020). Only the region of the eyes is an instrument: two plates a finger's width in front of the
eyes, a bridge and temples. Printed eyes reflect as prints do (``media``); paints on plastic look as
they should in RGB and reflect anything at 850 nm.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.eyewear import EYES, Piece, eye_places, join, superellipse, temples
from flexpad.synth.lights import Illumination
from flexpad.synth.media import Ink, draw_ink
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.person import Person, draw_person
from flexpad.synth.photo import FRONTAL, Photo, Shooting
from flexpad.synth.render import Part, Scene, Seen, unit
from flexpad.synth.shading import Material, shade
from flexpad.synth.view import View, lay_person, person_anchors, person_parts

AROUND, RINGS = 28, 5  # points around a plate, rings from its middle to its border
BRIDGE = 0.0035  # width, metres
SAMPLES = 112  # along a side of the photo whose eyes are cut out
PLATE, EDGE = 0, 1


@dataclass(frozen=True)
class Cartoon:
    """Eyes as they are painted on a toy.

    Attributes:
        iris: Radius, metres.
        pupil: Radius, metres.
        lid: Height above the middle from which a lid is painted, metres.
        gaze: Where the iris is, (2,) metres from the middle of the plate.
        colours: R, G, B and 850 nm of white, iris, pupil and lid, (4, 4).
    """

    iris: float
    pupil: float
    lid: float
    gaze: Floats
    colours: Floats

    def paint(self, place: Floats) -> Floats:
        """R, G, B and 850 nm at places (n, 2) metres from the middle of a plate, (n, 4)."""
        white, iris, pupil, lid = self.colours
        radius = np.hypot(*(place - self.gaze).T)
        soft = 0.0006
        colour = np.repeat(white[None], len(place), axis=0)
        colour += smoothstep(self.iris + soft, self.iris - soft, radius)[:, None] * (iris - colour)
        dark = smoothstep(self.pupil + soft, self.pupil - soft, radius)[:, None]
        colour += dark * (pupil - colour)
        glint = smoothstep(0.0024, 0.0018, np.hypot(*(place - self.gaze - 0.3 * self.pupil).T))
        colour += glint[:, None] * (white - colour)
        closed = smoothstep(self.lid - soft, self.lid + soft, place[:, 1])
        colour += closed[:, None] * (lid - colour)
        return colour.astype(np.float32)


@dataclass(frozen=True)
class NoveltyGlasses:
    """Somebody who wears eyes on glasses.

    Attributes:
        person: Who; the face around the glasses is live.
        half: Half width and half height of a plate, metres.
        corners: Exponent of its outline: 2 is an ellipse, more is a rounded rectangle.
        dome: How far its middle bulges, metres.
        gap: From the eyes to the plates, metres.
        tilt: Of the plates: lower border toward the cheeks, outer borders back, (2,) radians.
        frame: Width of the coloured border, metres; 0 where the print reaches it.
        frame_colour: R, G, B and 850 nm, (4,).
        picture: Whose eyes are printed, or a cartoon.
        ink: How, or None for painted plastic.
        enlarged: Metres on the plate for a metre of the picture.
        gloss: Of plastic.
        phase: Moves all noise, (3,).
        pose_share: 1, it moves with the head.
        outdoors: It is worn wherever anything is shown.
    """

    person: Person
    half: tuple[float, float]
    corners: float
    dome: float
    gap: float
    tilt: tuple[float, float]
    frame: float
    frame_colour: Floats
    picture: Photo | Cartoon
    ink: Ink | None
    enlarged: float
    gloss: float
    phase: Floats
    pose_share: float = 1.0
    outdoors: bool = False

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the face, (n, 3)."""
        return person_anchors(self.person, moment)

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the person and, over the eyes, the glasses."""
        scene = Scene((*person_parts(self.person, moment), self._part(moment)))
        seen = scene.cast(np.zeros_like(rays), rays)
        view = View.empty(len(rays))
        glasses = seen.pop("mask", None)
        lay_person(view, self.person, seen, light, scene, rays, self._lay)
        if glasses is not None:
            self._lay(view, glasses, light, scene)
        return view

    def _centres(self) -> Floats:
        """The middle of the plates in the axes of the head, (2, 3)."""
        middles = eye_places(self.person.shape) + np.array([0, 0, self.gap], np.float32)
        return np.asarray(middles, np.float32)

    def _part(self, moment: Moment) -> Part:
        """Plates, bridge and temples; paint: place on the plate, which plate, how far inside."""
        middles = self._centres()
        plates = [self._plate(middle, side) for middle, side in zip(middles, (-1, 1), strict=True)]
        bars = temples(plates[0].vertices, plates[1].vertices, BRIDGE, 4, EDGE)
        return join("mask", [*plates, *bars], moment)

    def _plate(self, centre: Floats, side: int) -> Piece:
        """One plate around a centre: a domed disc whose outline is a superellipse."""
        border = superellipse(self.half, self.corners, AROUND)
        rings = np.linspace(0, 1, RINGS)[:, None, None]
        place = (rings * border).reshape(-1, 2)
        bulge = self.dome * (1 - np.repeat(np.linspace(0, 1, RINGS) ** 2, AROUND))
        pitch, wrap = self.tilt
        depth = bulge + place[:, 1] * pitch - side * place[:, 0] * wrap
        vertices = np.concatenate([place, depth[:, None]], axis=1) + centre
        slope = 2 * self.dome * place / np.square(self.half)
        normals = np.concatenate([slope, np.ones((len(place), 1))], axis=1)
        normals += np.array([side * wrap, -pitch, 0])
        inside = np.repeat(1 - np.linspace(0, 1, RINGS), AROUND)[:, None] * min(self.half)
        which = np.full((len(place), 1), side)
        attributes = np.concatenate([unit(normals), place, which, inside], axis=1)
        number = np.arange(AROUND * RINGS).reshape(RINGS, AROUND)
        beside = np.roll(number, -1, axis=1)
        a, b = number[:-1].reshape(-1), beside[:-1].reshape(-1)
        c, d = number[1:].reshape(-1), beside[1:].reshape(-1)
        triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([b, d, c], 1)])
        regions = np.full(len(triangles), PLATE, np.uint8)
        return Piece(vertices.astype(np.float32), attributes.astype(np.float32), triangles, regions)

    def _lay(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        place, side, inside = seen.paint[:, :2], seen.paint[:, 2], seen.paint[:, 3]
        material, echo = self._print(place, side)
        framed = (seen.region == EDGE) | (inside < self.frame)
        material.rgb[framed] = self.frame_colour[:3]
        material.nir[framed] = self.frame_colour[3]
        echo[framed] = np.clip(self.frame_colour[3] / 0.4, 0.15, 1)
        lit = shade(seen, material, light, scene)
        view.lay(seen, lit, np.ones(len(side), np.float32), echo)

    def _print(self, place: Floats, side: Floats) -> tuple[Material, Floats]:
        """The eyes at places (n, 2) on the plates at sides (n,): material and depth echo."""
        if isinstance(self.picture, Cartoon):
            colour = self.picture.paint(place)
        else:
            eyes = self.picture.where(EYES)
            middle = np.where(side[:, None] < 0, eyes[0], eyes[1])
            side_length = np.float32(self.picture.side * self.enlarged)
            rgb, _ = self.picture.look_up(middle + place / side_length)
            colour = np.concatenate([rgb, rgb.mean(axis=1, keepdims=True)], axis=1)
        if self.ink is not None:
            grain = np.concatenate([place, np.zeros((len(place), 1))], axis=1) + self.phase
            return self.ink.material(colour[:, :3], grain.astype(np.float32))
        count = len(place)
        material = Material(
            rgb=colour[:, :3].copy(),
            nir=colour[:, 3].copy(),
            gloss=np.full(count, self.gloss, np.float32),
            sharpness=np.full(count, 60, np.float32),
            scatter=np.full(3, 0.05, np.float32),
            ambient=np.full(count, 0.9, np.float32),
        )
        return material, np.clip(material.nir / 0.4, 0.15, 1).astype(np.float32)


def draw_novelty_glasses(rng: np.random.Generator, person: Person) -> NoveltyGlasses:
    """Put eyes on glasses on somebody: another person's, printed on card, or a cartoon's."""
    printed = rng.random() < 0.6
    shown = draw_person(rng, hair_shows=False) if printed else None
    if shown is None:
        picture: Photo | Cartoon = _draw_cartoon(rng)
    else:
        bare_eyed = replace(shown, glasses=None)
        picture = Shooting(rng, bare_eyed, FRONTAL, SAMPLES).photo(0.0)
    paper = printed or rng.random() < 0.3
    frame = rng.random(3) * rng.uniform(0.05, 0.7)
    return NoveltyGlasses(
        person=replace(person, glasses=None),
        half=(float(rng.uniform(0.024, 0.030)), float(rng.uniform(0.017, 0.026))),
        corners=float(rng.uniform(2.0, 5.0)),
        dome=0.0 if paper else float(rng.uniform(0.0, 0.010)),
        gap=float(rng.uniform(0.013, 0.020)),
        tilt=(float(rng.uniform(0.02, 0.18)), float(rng.uniform(0.0, 0.20))),
        frame=0.0 if paper and rng.random() < 0.5 else float(rng.uniform(0.0015, 0.0045)),
        frame_colour=np.append(frame, rng.uniform(0.05, 0.8)).astype(np.float32),
        picture=picture,
        ink=draw_ink(rng) if paper else None,
        enlarged=float(rng.uniform(1.0, 1.6)),
        gloss=float(rng.uniform(0.4, 1.4)),
        phase=rng.uniform(0, 1, 3).astype(np.float32),
    )


def _draw_cartoon(rng: np.random.Generator) -> Cartoon:
    white = np.append(np.full(3, rng.uniform(0.7, 0.88)), rng.uniform(0.5, 0.85))
    iris = np.append(rng.random(3) * 0.5, rng.uniform(0.1, 0.7))
    pupil = np.append(np.full(3, 0.02), rng.choice([0.04, rng.uniform(0.05, 0.5)]))
    lid = np.append([0.62, 0.40, 0.30] * rng.uniform(0.4, 1.2, 3), rng.uniform(0.3, 0.8))
    radius = float(rng.uniform(0.007, 0.012))
    return Cartoon(
        iris=radius,
        pupil=radius * float(rng.uniform(0.35, 0.6)),
        lid=float(rng.uniform(0.004, 0.030)),
        gaze=rng.normal(0, 0.002, 2).astype(np.float32),
        colours=np.stack([white, iris, pupil, lid]).astype(np.float32),
    )
