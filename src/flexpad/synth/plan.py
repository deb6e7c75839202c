"""What is going to be rendered: subjects and takes, known before anything is drawn.

Every subject and every take has random numbers of its own, found by name. So a take is the same
whoever renders it and whatever else is rendered, and a small set is a part of a larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from flexpad.types import ATTACK, BONAFIDE

Attributes = Mapping[str, str | int]  # ethnicity, sex, age and so on of a subject
People = Mapping[str, Attributes]  # by subject


@dataclass(frozen=True, slots=True)
class Take:
    """One recording.

    Attributes:
        name: What the family's real set would call it; unique with its subject.
        species: Of the instrument, one of :data:`flexpad.synth.instruments.SPECIES`; "" for bona
            fide.
        pai_species: What the family's real set calls the species; "" for bona fide.
        video_id: As in a manifest.
        frames: Numbers of the frames that are kept.
        outdoors: Whether it is made in sunlight.
        groups: What the name says of it, as in a manifest.
    """

    name: str
    species: str
    pai_species: str
    video_id: str
    frames: tuple[int, ...]
    outdoors: bool = False
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose face is shown, in which split and in which takes.

    Attributes:
        name: With the prefix of rendered subjects.
        split: train, dev or test.
        takes: In the order they are rendered in.
        descent: Concentration of the mixture of African, Asian and Caucasian that the shape of the
            head is drawn from; None for anybody.
        ethnicity: What the family's real set calls the descent, "" if it does not say; None if it
            is called as the head is.
        glasses: Whether the subject wears glasses; None as it happens.
    """

    name: str
    split: str
    takes: tuple[Take, ...]
    descent: tuple[float, float, float] | None = None
    ethnicity: str | None = None
    glasses: bool | None = None

    @property
    def items(self) -> int:
        """How many moments are rendered of it."""
        return sum(len(take.frames) for take in self.takes)


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a size of a family holds.

    Attributes:
        subjects: In train, dev and test.
        bonafide_frames: Of each bona fide take.
        attack_frames: Of each attack.
        masks: Subjects that only masks show, by kind of mask; they are in test.
    """

    subjects: tuple[int, int, int]
    bonafide_frames: int
    attack_frames: int
    masks: tuple[int, ...] = ()

    def part(self, subjects: tuple[int, int, int]) -> Counts:
        """At most so many subjects of each split."""
        fewer = tuple(min(pair) for pair in zip(self.subjects, subjects, strict=True))
        return Counts(
            (fewer[0], fewer[1], fewer[2]),
            self.bonafide_frames,
            self.attack_frames,
            tuple(min(count, subjects[2]) for count in self.masks),
        )


@dataclass(frozen=True)
class Family:
    """A set that is modelled on a real one.

    Attributes:
        name: E.g. ``surf``.
        dataset: What manifests call it.
        sizes: How much each size holds; frozen with the version.
        subjects: Everybody in it, train first.
        background: Whether pictures show what is around the face, or black there.
    """

    name: str
    dataset: str
    sizes: Mapping[str, Counts]
    subjects: Callable[[Counts], Sequence[Subject]]
    background: bool = False


def generator(seed: int, *names: str) -> np.random.Generator:
    """The random numbers of something that has a name, e.g. family, subject and take."""
    digest = hashlib.sha256("/".join((str(seed), *names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))
