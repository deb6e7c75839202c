"""What is held in front of the cameras: a face, or an instrument that shows one.

Every presentation answers two questions for a moment: where its face is (so that it is cropped as
any face is) and what the rays of the crop see. A new species is a class here and a line in
``SPECIES``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from flexpad.synth.arrays import Floats
from flexpad.synth.lights import Illumination
from flexpad.synth.mannequin import draw_mannequin_head
from flexpad.synth.mask import draw_rigid_mask, draw_silicone_mask
from flexpad.synth.motion import Moment
from flexpad.synth.novelty_glasses import draw_novelty_glasses
from flexpad.synth.paper_mask import draw_paper_mask
from flexpad.synth.person import Person
from flexpad.synth.replay import draw_replay
from flexpad.synth.sheet import draw_cloth_print, draw_cut_print, draw_print
from flexpad.synth.view import View, person_anchors, see_person

BONAFIDE_VIDEO = "real"


class Presentation(Protocol):
    """Anything that can be in front of the cameras."""

    @property
    def pose_share(self) -> float:
        """Share of the pose of a recording that is this thing's own; 1 for a head."""

    @property
    def outdoors(self) -> bool:
        """Whether it is shown outdoors only; otherwise wherever anything is shown."""

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the presented face, (n, 3) metres in camera axes."""

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """What rays (R, 3) from the camera see, R samples."""


@dataclass(frozen=True)
class BonaFide:
    """Somebody who shows the own face."""

    person: Person
    pose_share: float = 1.0
    outdoors: bool = False

    def anchors(self, moment: Moment) -> Floats:
        """Outermost points of the face, (n, 3)."""
        return person_anchors(self.person, moment)

    def see(self, moment: Moment, light: Illumination, rays: Floats) -> View:
        """Render the person."""
        return see_person(self.person, moment, light, rays)


def _draw_bonafide(_rng: np.random.Generator, person: Person) -> Presentation:
    return BonaFide(person)


SPECIES: dict[str, Callable[[np.random.Generator, Person], Presentation]] = {
    "flat_print": partial(draw_print, bent=False),
    "bent_print": partial(draw_print, bent=True),
    "flat_cut_e": partial(draw_cut_print, parts="e", bent=False),
    "bent_cut_e": partial(draw_cut_print, parts="e", bent=True),
    "flat_cut_en": partial(draw_cut_print, parts="en", bent=False),
    "bent_cut_en": partial(draw_cut_print, parts="en", bent=True),
    "flat_cut_enm": partial(draw_cut_print, parts="enm", bent=False),
    "bent_cut_enm": partial(draw_cut_print, parts="enm", bent=True),
    "cloth_print_indoor": partial(draw_cloth_print, outdoors=False),
    "cloth_print_outdoor": partial(draw_cloth_print, outdoors=True),
    "replay_phone": partial(draw_replay, kind="phone"),
    "replay_tablet": partial(draw_replay, kind="tablet"),
    "replay_laptop": partial(draw_replay, kind="laptop"),
    "rigid_mask": draw_rigid_mask,
    "silicone_mask": draw_silicone_mask,
    "paper_mask": draw_paper_mask,
    "mannequin_head": draw_mannequin_head,
    "funny_eye_glasses": draw_novelty_glasses,
}


def draw_presentation(rng: np.random.Generator, species: str, person: Person) -> Presentation:
    """Draw an instrument of a species that shows a person; "" is the person.

    Raises:
        KeyError: There is no such species.
    """
    draw = SPECIES[species] if species else _draw_bonafide
    return draw(rng, person)
