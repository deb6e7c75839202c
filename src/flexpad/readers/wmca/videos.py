"""What the name of a WMCA recording says.

``100_03_015_2_10`` is client, session, presenter, type and instrument. The client is whose face the
presentation shows; who presents it is another number, "000" where the client does. Type 0 is bona
fide, with the instrument for the glasses that are worn. The type alone is not the species: glasses
and rigid masks share type 1, prints and replays type 3.

Names and table: bob.pad.face 2.2.3 (``lists/batl/idiap_converter_v2.json``), by which the author
lists have 200 prints, 348 replays, 122 fake heads, 137 rigid masks, 379 flexible masks, 75 glasses
and 71 paper masks as in George et al., "Biometric Face Presentation Attack Detection With
Multi-Channel Convolutional Neural Network", TIFS 2019.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from flexpad.data.manifest import Row
from flexpad.data.rendered import Rendered
from flexpad.types import ATTACK, BONAFIDE

ENCODING = "8bit:wmca_mad"  # median +- n deviations of each image; n is not stated, 3 or 6
SYNTH_ENCODING = "8bit:synth"
GLASSES_WORN = {"00": "none", "01": "own", "02": "unisex"}
NAME = re.compile(r"(SYNT_[A-Z]+\d+|\d+)_(\d\d)_(\d+)_(\d)_(\d\d)")


def _instruments(type_digit: int, *numbers: int) -> set[str]:
    return {f"{type_digit}_{number:02d}" for number in numbers}


SPECIES = {
    instrument: species
    for species, instruments in {
        "glasses": _instruments(1, 1, *range(4, 8), 15, 16),
        "rigidmask": _instruments(1, 2, 13, 14) | _instruments(2, *range(12, 18)),
        "fakehead": _instruments(2, *range(1, 8)),
        "papermask": _instruments(2, *range(8, 12)),
        "flexiblemask": _instruments(2, 18, *range(75, 100)),
        "prints": _instruments(3, *range(1, 5), *range(6, 10), *range(11, 15)),
        "replay": _instruments(3, 5, 10, 15) | _instruments(4, *range(1, 19)),
    }.items()
    for instrument in instruments
}


@dataclass(frozen=True, slots=True)
class Video:
    """One recording.

    Attributes:
        name: E.g. ``100_03_015_2_10``.
        client: Whose face it shows.
        session: 01 to 07.
        presenter: Who presents it.
        instrument: Type and number, e.g. ``2_10``.
        species: What kind of instrument that is, "" for bona fide.
    """

    name: str
    client: str
    session: str
    presenter: str
    instrument: str
    species: str

    @property
    def label(self) -> str:
        """What the name says: ``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE

    @property
    def groups(self) -> dict[str, str]:
        """What to break rates down by."""
        glasses = "" if self.species else GLASSES_WORN.get(self.instrument[2:], "")
        return {
            "session": self.session,
            "presenter": self.presenter,
            "instrument": self.instrument,
            "glasses": glasses,
        }


@dataclass(frozen=True, slots=True)
class Listed:
    """A recording with its split, and the line that says so."""

    video: Video
    split: str
    where: str


def video_of(name: str) -> Video | None:
    """Understand a name; None if it is none, or its instrument is not known.

    >>> video_of("100_03_015_2_10").species
    'papermask'
    """
    match = NAME.fullmatch(name)
    if match is None:
        return None
    client, session, presenter, type_digit, number = match.groups()
    instrument = f"{type_digit}_{number}"
    species = "" if type_digit == "0" else SPECIES.get(instrument)
    if species is None:
        return None
    return Video(name, client, session, presenter, instrument, species)


def row(
    listed: Listed,
    frame: int,
    paths: Mapping[str, str],
    faces: Rendered,
    depth_encoding: str = ENCODING,
    ir_encoding: str = ENCODING,
) -> Row:
    """Make the row of one frame.

    Args:
        listed: The recording.
        frame: The frame's number.
        paths: Its images by modality.
        faces: The rendered subjects, where the set is rendered.
        depth_encoding: What a value of its depth image means, if it has one.
        ir_encoding: Likewise for infrared.
    """
    video = listed.video
    depth, ir = (SYNTH_ENCODING,) * 2 if faces else (depth_encoding, ir_encoding)
    return Row(
        sample_id=f"{listed.split}/{video.name}/{frame:04d}",
        dataset="synth_wmca" if faces else "wmca",
        split=listed.split,
        subject_id=video.client,
        video_id=video.name,
        frame=frame,
        label=video.label,
        pai_species=video.species,
        depth_encoding=depth if "depth" in paths else "",
        ir_encoding=ir if "ir" in paths else "",
        groups={**video.groups, **faces.groups_of(video.client, listed.where)},
        **paths,
    )
