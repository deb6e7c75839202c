"""WMCA as its authors pre-processed it: a pair of HDF5 files for each recording.

::

    preprocessed-face-station_{RGB,CDIT}/WMCA/face-station/01.03.26/SYNT_W0001_01_000_0_00.hdf5
    WMCA_Grandtest.txt                  ,client_id,filepath,group,label
    PROTOCOL-grandtest.csv              path,label,split
    PROTOCOL-LOO_fakehead.csv           likewise, for each of the seven kinds of attack

In groups ``Frame_0``, ``Frame_1``, ... a dataset ``array`` is (3, 128, 128) in RGB, and (4, 128,
128) in CDIT: grey, depth, infrared and thermal. Nothing here feels warmth, so the thermal plane is
black; the reader knows it of a rendered set and takes the modality for absent. Depth is the window
of grey levels around the face that the other rendered sets have, not the median and its deviations.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from flexpad.data.protocols.wmca import SPECIES, is_left_in
from flexpad.files import whole_file
from flexpad.synth.arrays import Pixels
from flexpad.synth.layouts.pictures import write_text
from flexpad.synth.plan import Family, People, Subject, Take
from flexpad.synth.sensors import Shot
from flexpad.types import BadInput

MONTH = "03.26"  # a session is a day of it
KINDS = ("RGB", "CDIT")
GROUPS = {"train": "train", "dev": "dev", "test": "eval"}


@dataclass(frozen=True)
class WmcaLayout:
    """As the release has it."""

    reader: str = "wmca"
    base: str = ""
    pixels: int | None = 128

    def places(self, subject: Subject, take: Take) -> tuple[str, ...]:  # noqa: ARG002
        """The pair of files."""
        return tuple(f"preprocessed-face-station_{kind}/WMCA/{_path(take)}.hdf5" for kind in KINDS)

    def write_take(self, root: Path, subject: Subject, take: Take, shots: Sequence[Shot]) -> None:
        """Write the pair, each file whole or not at all."""
        stacks = (
            [shot.colour.transpose(2, 0, 1) for shot in shots],
            [_cdit(shot) for shot in shots],
        )
        for place, stack in zip(self.places(subject, take), stacks, strict=True):
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            with whole_file(root / place) as partial:
                partial.write_bytes(_hdf5(take.frames, stack))

    def write_lists(
        self,
        root: Path,
        family: Family,  # noqa: ARG002
        subjects: Sequence[Subject],
        people: People,  # noqa: ARG002
    ) -> None:
        """Write the lists of grandtest and of every kind of attack that is left out."""
        pairs = [(subject, take) for subject in subjects for take in subject.takes]
        rows = [
            f"{number},{subject.name},{_path(take)},{GROUPS[subject.split]},{take.label}"
            for number, (subject, take) in enumerate(pairs, start=1)
        ]
        write_text(root / "WMCA_Grandtest.txt", [",client_id,filepath,group,label", *rows])
        write_text(root / "PROTOCOL-grandtest.csv", list(_protocol(pairs)))
        for species in SPECIES:
            left = [
                (subject, take)
                for subject, take in pairs
                if is_left_in(species, subject.split, take.pai_species)
            ]
            write_text(root / f"PROTOCOL-LOO_{species}.csv", list(_protocol(left)))


def _path(take: Take) -> str:
    """Where a recording lies in its station, without the suffix."""
    return f"face-station/{take.groups['session']}.{MONTH}/{take.name}"


def _protocol(pairs: Sequence[tuple[Subject, Take]]) -> Iterator[str]:
    yield "path,label,split"
    for subject, take in pairs:
        yield f"{_path(take)},{take.label},{GROUPS[subject.split]}"


def _cdit(shot: Shot) -> Pixels:
    """Grey, depth, infrared and an empty thermal plane, (4, size, size)."""
    grey = np.asarray(Image.fromarray(shot.colour).convert("L"))
    return np.stack([grey, shot.depth, shot.infrared, np.zeros_like(grey)])


def _hdf5(frames: Sequence[int], stack: Sequence[Pixels]) -> bytes:
    """Build a file in memory, so that a full disk is met by Python's own writing."""
    try:
        import h5py
    except ImportError as error:
        raise BadInput("the layout wmca needs h5py; pip install flexpad[hdf5]") from error
    content = BytesIO()
    with h5py.File(content, "w") as file:
        for frame, array in zip(frames, stack, strict=True):
            file.create_group(f"Frame_{frame}")["array"] = array
    return content.getvalue()


LAYOUT = WmcaLayout()
