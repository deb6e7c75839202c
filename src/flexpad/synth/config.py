"""What can be chosen about a rendered set."""

from __future__ import annotations

from dataclasses import dataclass

from flexpad.types import SPLITS, BadInput


@dataclass(frozen=True, slots=True)
class SynthConfig:
    """What to render.

    Attributes:
        seed: The same seed gives the same files, byte for byte, with the same versions of the
            libraries on the same kind of processor.
        subjects: How many heads in train, dev and test.
        bonafide_frames: Frames of a bona fide recording; every subject has one.
        attack_frames: Frames of an attack recording; every subject has one per species.
        size: Side of the pictures in pixels.
    """

    seed: int = 0
    subjects: tuple[int, int, int] = (160, 40, 80)
    bonafide_frames: int = 4
    attack_frames: int = 2
    size: int = 128

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise BadInput(f"synth: seed is {self.seed}, it should be 0 or more")
        if len(self.subjects) != len(SPLITS) or min(self.subjects) < 1:
            raise BadInput(
                f"synth: subjects is {self.subjects}, it should be three numbers (train, dev, test)"
                " of 1 or more"
            )
        if sum(self.subjects) > 9999:
            raise BadInput(f"synth: subjects adds up to {sum(self.subjects)}, more than 9999")
        for name in ("bonafide_frames", "attack_frames"):
            if not 1 <= getattr(self, name) <= 999:
                raise BadInput(f"synth: {name} is {getattr(self, name)}, it should be 1 to 999")
        if not 16 <= self.size <= 1024:
            raise BadInput(f"synth: size is {self.size} pixels, it should be 16 to 1024")
