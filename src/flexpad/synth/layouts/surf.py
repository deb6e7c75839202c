"""The author release of CASIA-SURF.

::

    CASIA_SURF/Data/{Training,Val,Testing}/{real_part,fake_part}/<subject>/<video>.rssdk/
        {color,depth,ir}/0001.jpg
    CASIA_SURF/protocol/CASIA_SURF@p1_{image,video}_{train,dev,test}.txt

The lists have the release's polarity: 0 is bona fide, 1 is attack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flexpad.synth.layouts.pictures import write_lists, write_video
from flexpad.synth.plan import Family, People, Subject, Take
from flexpad.synth.sensors import Shot
from flexpad.types import BONAFIDE, SPLITS

SET = "CASIA_SURF"
FOLDERS = {"train": "Training", "dev": "Val", "test": "Testing"}


@dataclass(frozen=True)
class SurfLayout:
    """As the release has it."""

    reader: str = "casia_surf"
    base: str = SET
    pixels: int | None = None

    def places(self, subject: Subject, take: Take) -> tuple[str, ...]:
        """The folder of a video."""
        part = "real_part" if take.label == BONAFIDE else "fake_part"
        home = f"{SET}/Data/{FOLDERS[subject.split]}/{part}/{subject.name}"
        return (f"{home}/{take.name}.rssdk",)

    def write_take(self, root: Path, subject: Subject, take: Take, shots: Sequence[Shot]) -> None:
        """Write a video."""
        write_video(root / self.places(subject, take)[0], take.frames, shots)

    def write_lists(
        self,
        root: Path,
        family: Family,  # noqa: ARG002
        subjects: Sequence[Subject],
        people: People,  # noqa: ARG002
    ) -> None:
        """Write the lists of images and of videos, bona fide first, then species by species."""
        for split in SPLITS:
            videos = list(self._videos(split, subjects))
            write_lists(root / SET / "protocol", f"{SET}@p1", split, videos)

    def _videos(self, split: str, subjects: Sequence[Subject]) -> Iterator[tuple[str, int, Take]]:
        """The RGB folder of each video, its label and its take."""
        pairs = [(s, take) for s in subjects if s.split == split for take in s.takes]
        for subject, take in sorted(pairs, key=lambda pair: pair[1].pai_species):
            color = f"{self.places(subject, take)[0]}/color"
            yield color, int(take.label != BONAFIDE), take


LAYOUT = SurfLayout()
