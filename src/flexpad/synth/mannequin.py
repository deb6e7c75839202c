"""A mannequin's head: the shape of somebody in painted plastic, with a wig, moulded hair or none.

It is rigid as a whole, its features are softened by the mould, eyes and lips are paint or glass,
and it ends flat at the neck or the shoulders, on a ``stand``. Its paint is that of masks
(``coat``). Synthetic hair is dyed polymer: in RGB like hair, at 850 nm anything between dark and
bright.  # inferred
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from flexpad.synth import person as channels
from flexpad.synth.arrays import Floats
from flexpad.synth.coat import PLASTIC, Coat, draw_coat
from flexpad.synth.head import REGION, head_model
from flexpad.synth.lights import Illumination
from flexpad.synth.looks import EYE_CENTRE, IRIS_RADIUS
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smoothstep
from flexpad.synth.person import Person
from flexpad.synth.render import Part, Scene, Seen
from flexpad.synth.shading import Material, shade
from flexpad.synth.shell import smooth
from flexpad.synth.stand import CUTS, cut_off, draw_stand
from flexpad.synth.view import EYE_ECHO, View, lay_person, person_parts

LIPSTICK = np.array([0.40, 0.10, 0.11], np.float32)


@dataclass(frozen=True)
class MannequinHead:
    """A mannequin's head on its stand.

    Attributes:
        sculpture: Its shape, its wig and its stand, as a person that never moves.
        still: The frozen expression.
        coat: Its paint.
        iris: R, G, B and 850 nm of the painted iris, (4,).
        white: Likewise of the white, (4,).
        glass: Whether the eyes are of glass, which mirrors.
        pose_share: 1, it is turned as heads are.
        outdoors: It is shown wherever anything is.
    """

    sculpture: Person
    still: dict[str, float]
    coat: Coat
    iris: Floats
    white: Floats
    glass: bool
    pose_share: float = 1.0
    outdoors: bool = False

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the face, (n, 3)."""
        points = self._shape()[head_model().anchors]
        anchors: Floats = points @ moment.turn.T + moment.place
        return anchors

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the head, its wig over it."""
        frozen = replace(moment, actions=self.still)
        head, *others = person_parts(self.sculpture, frozen)
        more = [part for part in others if part.name in ("hair", "clothes")]
        scene = Scene((self._painted(head), *more))
        seen = scene.cast(np.zeros_like(rays), rays)
        view = View.empty(len(rays))
        plastic = seen.pop("mask", None)
        lay_person(view, self.sculpture, seen, light, scene, rays, self._lay)
        if plastic is not None:
            self._lay(view, plastic, light, scene)
        return view

    def _shape(self) -> Floats:
        return head_model().express(self.sculpture.shape, self.still)

    def _painted(self, head: Part) -> Part:
        """The head with the coat's paint instead of skin's."""
        attributes = np.concatenate([head.attributes[:, :3], self.coat.paint], axis=1)
        return replace(head, name="mask", attributes=attributes)

    def _lay(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        material = self.coat.material(seen)
        echo = np.clip(material.nir / 0.4, 0.2, 1).astype(np.float32)
        for number, side in ((REGION["eye_left"], 1), (REGION["eye_right"], -1)):
            self._paint_eye(seen, seen.region == number, side, material, echo)
        lit = shade(seen, material, light, scene)
        face = (seen.paint[:, 1] > -0.145).astype(np.float32)
        view.lay(seen, lit, face, echo)

    def _paint_eye(
        self, seen: Seen, which: np.ndarray, side: int, material: Material, echo: Floats
    ) -> None:
        """White, iris with a dark rim, pupil; a painted glint where there is no glass."""
        if not which.any():
            return
        x = seen.paint[which, 0] - side * np.float32(EYE_CENTRE)
        y = seen.paint[which, 1]
        radius = np.hypot(x, y)
        inside = smoothstep(IRIS_RADIUS * 1.05, IRIS_RADIUS * 0.95, radius)[:, None]
        rim = smoothstep(IRIS_RADIUS * 0.75, IRIS_RADIUS, radius)[:, None]
        colour = self.white + inside * (self.iris * (1 - 0.6 * rim) - self.white)
        colour = colour * (1 - 0.9 * smoothstep(0.0026, 0.0020, radius))[:, None]
        if not self.glass:
            glint = smoothstep(0.0013, 0.0008, np.hypot(x + 0.0018, y - 0.0020))[:, None]
            colour = colour + glint * (0.8 - colour)
        material.rgb[which], material.nir[which] = colour[:, :3], colour[:, 3]
        if self.glass:
            material.gloss[which], material.sharpness[which] = 1.0, 300.0
            echo[which] = EYE_ECHO


def draw_mannequin_head(rng: np.random.Generator, victim: Person) -> MannequinHead:
    """Mould and paint somebody's head."""
    smile = float(rng.uniform(0, 0.2))
    still = {"mouthSmileLeft": smile, "mouthSmileRight": smile}
    still |= {"eyeWideLeft": 0.22, "eyeWideRight": 0.22}
    wig = victim.hair if rng.random() < 0.7 else None
    if wig is not None:
        colour = wig.colour.copy()
        colour[3] = rng.uniform(0.06, 0.6)
        wig = replace(wig, colour=colour)
    shape = smooth(victim.shape, int(rng.integers(1, 6)), 0.5)
    coat = draw_coat(rng, victim, PLASTIC)
    coat = replace(coat, paint=_make_up(rng, victim, coat.paint, wig is None))
    shape, hidden, border = cut_off(shape, float(rng.choice(CUTS, p=[0.6, 0.4])))
    blank = np.append(np.full(3, rng.uniform(0.6, 0.8)), rng.uniform(0.4, 0.8))
    return MannequinHead(
        sculpture=replace(victim, shape=shape, hair=wig, clothes=draw_stand(rng, border, hidden)),
        still=still,
        coat=coat,
        iris=np.append(victim.iris, rng.uniform(0.08, 0.5)).astype(np.float32),
        white=blank.astype(np.float32),
        glass=bool(rng.random() < 0.4),
    )


def _make_up(rng: np.random.Generator, victim: Person, paint: Floats, bare: bool) -> Floats:
    """Paint lips and, without a wig, now and then hair on a coat, (N, C)."""
    paint = paint.copy()
    lips = (head_model().lips * rng.uniform(0.0, 0.8))[:, None]
    paint[:, 3:6] += lips * (LIPSTICK * paint[:, 3:6].mean() / 0.25 - paint[:, 3:6])
    if bare and rng.random() < 0.6:
        cover = victim.paint[:, [channels.SCALP]]
        paint[:, 3:6] += cover * (victim.hair_colour[:3] - paint[:, 3:6])
        paint[:, 6:7] += cover * rng.uniform(0, 1) * (victim.hair_colour[3] - paint[:, 6:7])
    return np.clip(paint, [-1, -1, -1, 0.008, 0.008, 0.008, 0.02, 0], 1).astype(np.float32)
