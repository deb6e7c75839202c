"""Everything the sensors gave, without loss, and one table that says what it is.

::

    images/<subject>/<take>/0001.{rgb,depth,ir}.png
    items.csv                   one row per item, which ``flexpad data folder`` reads

Depth has 16 bits and is in millimetres, 0 is no return. Species, videos and groups are called as
in the layout of the family's real set, so that the same protocols apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flexpad import table_file
from flexpad.data import rendered
from flexpad.data.row import GROUP_PREFIX
from flexpad.files import whole_folder
from flexpad.synth.layouts.pictures import png
from flexpad.synth.plan import Family, People, Subject, Take
from flexpad.synth.sensors import Shot

TABLE = "items.csv"
DEPTH_ENCODING = "mm:300-900"  # heads are held 0.38 to 0.70 m away
IR_ENCODING = "8bit:synth"
MODALITIES = ("rgb", "depth", "ir")


@dataclass(frozen=True)
class NativeLayout:
    """This project's own."""

    reader: str = "folder"
    base: str = ""
    pixels: int | None = None

    def places(self, subject: Subject, take: Take) -> tuple[str, ...]:
        """The folder of a take."""
        return (f"images/{subject.name}/{take.name}",)

    def write_take(self, root: Path, subject: Subject, take: Take, shots: Sequence[Shot]) -> None:
        """Write a folder of numbered images."""
        with whole_folder(root / self.places(subject, take)[0]) as partial:
            for frame, shot in zip(take.frames, shots, strict=True):
                files = (png(shot.colour), png(shot.millimetres), png(shot.infrared))
                for modality, content in zip(MODALITIES, files, strict=True):
                    (partial / f"{frame:04d}.{modality}.png").write_bytes(content)

    def write_lists(
        self,
        root: Path,
        family: Family,
        subjects: Sequence[Subject],
        people: People,  # noqa: ARG002
    ) -> None:
        """Write the table."""
        rows = [
            self._row(family, subject, take, frame)
            for subject in subjects
            for take in subject.takes
            for frame in take.frames
        ]
        table = pl.DataFrame(rows, infer_schema_length=None).fill_null("")
        table_file.write(root / TABLE, {"licence": rendered.LICENCE}, table)

    def _row(
        self, family: Family, subject: Subject, take: Take, frame: int
    ) -> dict[str, str | int]:
        """One item, by column of a manifest."""
        groups = {**take.groups}
        if subject.ethnicity:
            groups["ethnicity"] = subject.ethnicity
        beginning = f"{self.places(subject, take)[0]}/{frame:04d}"
        return {
            "sample_id": f"{subject.split}/{take.video_id}/{frame:04d}",
            "dataset": family.dataset,
            "split": subject.split,
            "subject_id": subject.name,
            "video_id": take.video_id,
            "frame": frame,
            "label": take.label,
            "pai_species": take.pai_species,
            **{modality: f"{beginning}.{modality}.png" for modality in MODALITIES},
            "depth_encoding": DEPTH_ENCODING,
            "ir_encoding": IR_ENCODING,
            **{f"{GROUP_PREFIX}{name}": value for name, value in groups.items()},
        }


LAYOUT = NativeLayout()
