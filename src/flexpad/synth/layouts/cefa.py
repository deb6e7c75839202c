"""The author release of CASIA-SURF CeFA.

::

    CASIA_CeFA/Ethnicity/AF/SYNT_AF-000/1_000_1_1_1/{color,depth,ir}/0001.jpg
    CASIA_CeFA/Mask/{3D-Mask,Silicone-Mask}/SYNT_073/1_073_0_0_1_1_1/{color,depth,ir}/0001.jpg
    CASIA_CeFA/protocol/CASIA_CeFA@p4.1_{image,video}_{train,dev,test}.txt
    CASIA_CeFA/{AF,CA,EA}_Age_Gender.txt        SYNT_AF-000 1984 F

The lists have the release's polarity, 0 is bona fide, and its numbers: p1.1, p1.3, p1.5 and so on.
Its list of protocol 3, which names every frame once per modality, is not written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexpad.data.protocols.cefa import AUTHOR_LISTS, RULES, Part
from flexpad.data.rendered import SUBJECT_PREFIX
from flexpad.synth.families.cefa import MASK_FOLDERS, RACES
from flexpad.synth.layouts.pictures import write_lists, write_text, write_video
from flexpad.synth.plan import Family, People, Subject, Take
from flexpad.synth.sensors import Shot
from flexpad.types import BONAFIDE

SET = "CASIA_CeFA"
RECORDED = 2019  # the year that ages are counted back from  # inferred
LISTS = {name: RULES[rule] for name, rule in AUTHOR_LISTS.items() if name != "p3"}


@dataclass(frozen=True)
class CefaLayout:
    """As the release has it."""

    reader: str = "casia_cefa"
    base: str = SET
    pixels: int | None = None

    def places(self, subject: Subject, take: Take) -> tuple[str, ...]:
        """The folder of a video."""
        name = subject.name.removeprefix(SUBJECT_PREFIX)
        for folder in MASK_FOLDERS:
            if name.startswith(folder):
                number = name.removeprefix(f"{folder}-")
                return (f"{SET}/Mask/{folder}/{SUBJECT_PREFIX}{number}/{take.name}",)
        return (f"{SET}/Ethnicity/{name[:2]}/{subject.name}/{take.name}",)

    def write_take(self, root: Path, subject: Subject, take: Take, shots: Sequence[Shot]) -> None:
        """Write a video."""
        write_video(root / self.places(subject, take)[0], take.frames, shots)

    def write_lists(
        self,
        root: Path,
        family: Family,  # noqa: ARG002
        subjects: Sequence[Subject],
        people: People,
    ) -> None:
        """Write the lists of images and of videos of every protocol, and who the subjects are."""
        for protocol, rule in LISTS.items():
            for split, part in rule.items():
                videos = list(self._videos(split, part, subjects))
                write_lists(root / SET / "protocol", f"{SET}@{protocol}", split, videos)
        for race in RACES:
            beginning = f"{SUBJECT_PREFIX}{race}-"
            lines = [
                f"{name} {RECORDED - int(who['age'])} {str(who['sex'])[0].upper()}"
                for name, who in people.items()
                if name.startswith(beginning)
            ]
            write_text(root / SET / f"{race}_Age_Gender.txt", lines)

    def _videos(
        self, split: str, part: Part, subjects: Sequence[Subject]
    ) -> Iterator[tuple[str, int, Take]]:
        """The RGB folder of each video of a protocol's split, its label and its take."""
        for subject in subjects:
            for take in subject.takes:
                if subject.split == split and part.has(take.pai_species, subject.ethnicity or ""):
                    color = f"{self.places(subject, take)[0]}/color"
                    yield color, int(take.label != BONAFIDE), take


LAYOUT = CefaLayout()
