"""Face masks that are worn: of stiff resin, and of silicone that moves with the face.

A rigid mask shows the victim's face without life: the shape is stiff, fine geometry is smoothed by
casting, the shell has thickness and an edge that stands off the wearer's head, and the wearer's own
eyes move behind holes, a step back in depth. Its size seldom fits the wearer.

A silicone mask is pulled over the whole head. Its shape is the victim's as far as the wearer's
bones let it, its lips follow the wearer's and everything the wearer does comes through damped and
spread by some millimetres of rubber. It has a wig or is bald; eyes and the inside of the mouth are
live.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from flexpad.synth import person as channels
from flexpad.synth.arrays import Floats
from flexpad.synth.coat import RESIN, SILICONE, Coat, draw_coat
from flexpad.synth.hair import grow_hair
from flexpad.synth.head import head_model
from flexpad.synth.lights import Illumination
from flexpad.synth.motion import Moment
from flexpad.synth.noise import smooth_noise
from flexpad.synth.person import Person, draw_accomplice
from flexpad.synth.render import Scene, Seen
from flexpad.synth.shading import shade
from flexpad.synth.shell import (
    eye_distance,
    face_shell,
    fit_shell,
    head_shell,
    see_worn,
    shell_part,
    smooth,
)
from flexpad.synth.view import View

RECESSED = 0.35  # share of the light from around that a shell takes from the lids behind its holes


@dataclass(frozen=True)
class RigidMask:
    """A stiff mask and who wears it.

    Attributes:
        wearer: Whose head, hair and eyes are seen around and through it.
        outer: Its outer surface in the axes of the wearer's head, (N, 3).
        thickness: Of the shell, metres.
        coat: Its paint.
        pose_share: 1, it moves with the head.
        outdoors: It is worn wherever anything is shown.
    """

    wearer: Person
    outer: Floats
    thickness: float
    coat: Coat
    pose_share: float = 1.0
    outdoors: bool = False

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the mask's face, (n, 3)."""
        points = self.outer[head_model().anchors]
        anchors: Floats = points @ moment.turn.T + moment.place
        return anchors

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the mask on the wearer, whose eyes move and whose face is hidden."""
        actions = {k: v for k, v in moment.actions.items() if k.startswith("eye")}
        wearing = replace(moment, actions=actions)
        part = shell_part(face_shell, self.outer, self.thickness, self.coat.paint, moment)
        covered = face_shell().covered
        lay = _Layer(self.coat).lay
        return see_worn(self.wearer, covered, part, lay, wearing, light, rays)


@dataclass(frozen=True)
class SiliconeMask:
    """A rubber mask over the head of somebody who moves in it.

    Attributes:
        wearer: Whose eyes and mouth are seen; the hair is the mask's wig.
        rest: The mask's outer surface over a neutral face, (N, 3) in the axes of the head.
        thickness: Of its rim, metres.
        follows: How much of the wearer's expression comes through, (N, 1) in [0, 1].
        spread: Steps over which the rubber spreads a movement.
        coat: Its paint.
        pose_share: 1, it moves with the head.
        outdoors: It is worn wherever anything is shown.
    """

    wearer: Person
    rest: Floats
    thickness: float
    follows: Floats
    spread: int
    coat: Coat
    pose_share: float = 1.0
    outdoors: bool = False

    def outer(self, moment: Moment) -> Floats:
        """The outer surface at a moment in the axes of the head, (N, 3)."""
        # The lids are the wearer's own, behind the holes.
        moving = {k: v for k, v in moment.actions.items() if not k.startswith("eye")}
        face = head_model().express(np.zeros_like(self.rest), moving)
        return np.asarray(self.rest + self.follows * smooth(face, self.spread), np.float32)

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the mask's face, (n, 3)."""
        points = self.outer(moment)[head_model().anchors]
        anchors: Floats = points @ moment.turn.T + moment.place
        return anchors

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the mask, the wearer's eyes and the inside of the wearer's mouth."""
        outer = self.outer(moment)
        part = shell_part(head_shell, outer, self.thickness, self.coat.paint, moment)
        covered = head_shell().covered
        lay = _Layer(self.coat).lay
        return see_worn(self.wearer, covered, part, lay, moment, light, rays)


@dataclass(frozen=True)
class _Layer:
    """Shades the points of a coated mask and lays them over a view."""

    coat: Coat

    def lay(self, view: View, seen: Seen, light: Illumination, scene: Scene) -> None:
        material = self.coat.material(seen)
        lit = shade(seen, material, light, scene)
        face = np.ones(len(seen.ray), np.float32)
        view.lay(seen, lit, face, np.clip(material.nir / 0.4, 0.2, 1))


def _made_up(wearer: Person, coat: Coat, share: float) -> Person:
    """Paint a wearer's skin around the eyes like a mask, more or less; the shell takes its light.

    In infrared paint on skin changes little.
    """
    near = np.exp(-np.maximum(eye_distance(head_model().mean) - 1.5, 0) / 2.0)[:, None]
    paint = wearer.paint.copy()
    bare = np.maximum(paint[:, [channels.UPPER_RIM]], paint[:, [channels.LOWER_RIM]])
    cover = np.float32(share) * near * (1 - 0.5 * bare)
    paint[:, channels.RGB] += cover * (coat.paint[:, 3:6] - paint[:, channels.RGB])
    paint[:, [channels.SHADE]] *= 1 - np.float32(RECESSED) * near
    return replace(wearer, paint=paint)


def draw_rigid_mask(rng: np.random.Generator, victim: Person) -> RigidMask:
    """Cast a mask of somebody's face, paint it and put it on somebody else."""
    wearer = draw_accomplice(rng, victim)
    coat = draw_coat(rng, victim, RESIN)
    smile = float(rng.uniform(0, 0.25))
    frozen = {"mouthSmileLeft": smile, "mouthSmileRight": smile}
    cast = smooth(head_model().express(victim.shape, frozen), int(rng.integers(1, 5)))
    return RigidMask(
        wearer=_made_up(wearer, coat, 0.0),
        outer=fit_shell(rng, cast, wearer),
        thickness=float(rng.uniform(0.0012, 0.0035)),
        coat=coat,
    )


def draw_silicone_mask(rng: np.random.Generator, victim: Person) -> SiliconeMask:
    """Cast somebody's head in silicone and pull it over somebody else's."""
    wearer = draw_accomplice(rng, victim, hair_shows=False)
    model = head_model()
    thickness = float(rng.uniform(0.0015, 0.0040))
    sculpted = smooth(victim.shape, int(rng.integers(0, 3)))
    # Around the eyes the rubber is glued or pressed to the wearer.
    eyes = np.exp(-np.maximum(eye_distance(model.mean) - 1, 0) / 4.0)[:, None]
    likeness = np.float32(rng.uniform(0.55, 0.95)) * (1 - 0.9 * eyes)
    uneven = 1 + 0.25 * smooth_noise(model.mean + rng.uniform(0, 1, 3).astype(np.float32), 0.04)
    over = (thickness * uneven)[:, None] * model.normals(wearer.shape)
    rest = wearer.shape + likeness * (sculpted - wearer.shape) + over
    rest = np.asarray(rest, np.float32)
    place = model.mean
    loose = np.exp(-((place[:, 1] + 0.02) ** 2) / 0.09**2)[:, None]
    hair = victim.hair
    if hair is not None:
        hair = grow_hair(rest, hair.cut, victim.hair_colour, rng)
    # Who wants to pass for somebody paints the lids, too.  # inferred
    coat = draw_coat(rng, victim, SILICONE)
    wearer = _made_up(wearer, coat, float(rng.uniform(0.3, 1.0)))
    return SiliconeMask(
        wearer=replace(wearer, hair=hair),
        rest=rest,
        thickness=thickness,
        follows=(rng.uniform(0.35, 0.8) * (0.7 + 0.3 * loose)).astype(np.float32),
        spread=int(rng.integers(1, 5)),
        coat=coat,
    )
