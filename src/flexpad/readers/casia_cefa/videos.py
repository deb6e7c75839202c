"""What the name of a video tells, and the rows that are made of videos: shared by all layouts.

::

    1_120_3_2_2        race 1 African 2 Central Asian 3 East Asian, subject, acquisition, session
                       1 indoor 2 outdoor 3 random, PAI 1 bona fide 2 cloth 3 photo 4 screen
    1_073_1_0_2_1_2    1 3D-printed or 2 silicone mask, subject, dressed, glasses, acquisition,
                       session, light 1 none 2 back 3 front 4 side

A cloth print is one species, indoors and outdoors: the instrument is the same, and the session is a
group. The names: the authors' readme at https://github.com/liuajian/CASIA-FAS-Dataset; the split
by the subject's number: Liu et al., WACV 2021, which counts from 1 where the folders count from 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from flexpad.data.frames import VideoFolders
from flexpad.data.lists import Line, ListFile
from flexpad.data.manifest import Row
from flexpad.data.protocols.cefa import CLOTH_PRINT, ETHNICITIES, MASKS, REPLAY
from flexpad.data.reading import Source
from flexpad.data.rendered import SUBJECT_PREFIX
from flexpad.types import ATTACK, BONAFIDE

ENCODING = "8bit:casia_cefa"  # JPEG by an undisclosed scaling
SYNTH_ENCODING = "8bit:synth"
RACES = ("AF", "CA", "EA")
MASK_FOLDERS = ("3D-Mask", "Silicone-Mask")
# What follows a subject's number is a birth date and a digit for the sex.
PERSONAL = r"(?<=(?:AF|CA|EA)-\d{3})-[^/\s'\"]+"

_NAME = re.compile(r"([123])_(\d{3})_[1-4]_([123])_([1-4])")
_MASK_NAME = re.compile(r"([12])_(\d{3})_([01])_([01])_[12]_([12])_([1-4])")
_SPECIES = {"1": "", "2": CLOTH_PRINT, "3": "photo_print", "4": REPLAY}
_SESSIONS = {"1": "indoor", "2": "outdoor", "3": "random"}
_LIGHTS = {"1": "none", "2": "back", "3": "front", "4": "side"}
_YES = {"0": "no", "1": "yes"}
_LAST = {"train": 199, "dev": 299, "test": 499}  # the last subject of each split


@dataclass(frozen=True, slots=True)
class Video:
    """What a video's name says.

    Attributes:
        name: E.g. ``1_120_3_2_2``.
        subject: E.g. ``AF-120`` or ``3D-Mask-073``; never with what follows the number.
        split: train, dev or test; "" for a subject that the published split leaves out.
        species: "" for bona fide.
        home: The folders it lies in: ``AF/AF-120`` (or that with a suffix), ``3D-Mask/073``.
        groups: Ethnicity, session, and of masks light, dress and glasses.
    """

    name: str
    subject: str
    split: str
    species: str
    home: str
    groups: Mapping[str, str]

    @property
    def label(self) -> str:
        """What the name says: ``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE

    @property
    def video_id(self) -> str:
        """Unique in the data set."""
        return f"{self.subject}/{self.name}"

    @property
    def ethnicity(self) -> str:
        """That of the subject; "" for a mask."""
        return self.groups.get("ethnicity", "")


def parse(name: str) -> Video | None:
    """Read the name of a video; None if it is not one of CeFA's.

    >>> video = parse("1_120_3_2_2")
    >>> video.subject, video.split, video.species, video.groups["session"]
    ('AF-120', 'train', 'cloth_print', 'outdoor')
    """
    match = _NAME.fullmatch(name)
    if match:
        race, number, session, pai = match.groups()
        place = int(race) - 1
        subject = f"{RACES[place]}-{number}"
        split = next((split for split, last in _LAST.items() if int(number) <= last), "")
        groups = {"ethnicity": ETHNICITIES[place], "session": _SESSIONS[session]}
        home = f"{RACES[place]}/{subject}"
        return Video(name, subject, split, _SPECIES[pai], home, groups)
    match = _MASK_NAME.fullmatch(name)
    if match is None:
        return None
    kind, number, dress, glasses, session, light = match.groups()
    folder = MASK_FOLDERS[int(kind) - 1]
    groups = {
        "session": _SESSIONS[session],
        "light": _LIGHTS[light],
        "dress": _YES[dress],
        "glasses": _YES[glasses],
    }
    species = MASKS[int(kind) - 1]
    return Video(name, f"{folder}-{number}", "test", species, f"{folder}/{number}", groups)


def at(folder: str) -> Video | None:
    """Read a video's folder, whose parents have to say the same as its name.

    >>> at("CeFA-Race/EA/EA-012-198006250024/3_012_1_1_1").subject
    'EA-012'
    >>> at("CeFA-Race/EA/EA-013/3_012_1_1_1") is None
    True
    """
    above, _, name = folder.rpartition("/")
    video = parse(name)
    if video is None:
        return None
    plain = re.sub(PERSONAL, "", above)
    if f"/{SUBJECT_PREFIX}" in plain:
        plain = plain.replace(f"/{SUBJECT_PREFIX}", "/")
        video = replace(video, subject=SUBJECT_PREFIX + video.subject)
    return video if plain.endswith(f"/{video.home}") else None


@dataclass(slots=True)
class Listed:
    """A video, and which of its frames are used.

    Attributes:
        video: What its name says.
        folder: Where it lies, relative to the root, as the disk has it.
        where: What names it: list and line, or folder; for messages.
        frames: The file name of each frame; empty where all of them are meant.
    """

    video: Video
    folder: str
    where: str
    frames: dict[int, str] = field(default_factory=dict)

    def add(self, frame: int, file: str, listing: ListFile, line: Line, source: Source) -> None:
        """Add a frame; a second file of the same frame is noted and left out."""
        if self.frames.setdefault(frame, file) != file:
            example = f"{listing.where(line)}: {file} is frame {frame}, and so is"
            words = f"{example} {self.frames[frame]}"
            source.findings.note("repeated_line", words, dropped=1)


def fits(video: Video, split: str, listing: ListFile, line: Line, source: Source) -> bool:
    """Whether a video may stand in the list of a split; if not, that is noted.

    Args:
        video: What its name says.
        split: That of the list.
        listing: The list.
        line: The line that names the video.
        source: Where to note it.
    """
    if video.split == split:
        return True
    what = f"{listing.where(line)}: {line.paths[0]!r}"
    if video.split:
        words = (
            f"{what} stands in the {split} list, but subject {video.subject} is of {video.split}"
        )
        source.findings.note("split_against_path", words, dropped=1)
    else:
        source.findings.note("no_split", f"{what}: subject {video.subject}", dropped=1)
    return False


def rows(
    listed: Iterable[Listed],
    folders: VideoFolders,
    people: Mapping[str, Mapping[str, str]],
    *,
    rendered: bool = False,
) -> Iterator[Row]:
    """Make the rows of videos, in the order of splits and names.

    Args:
        listed: Each video once.
        folders: Looks below the root.
        people: Attributes by subject.
        rendered: Whether the faces are.
    """
    encoding = SYNTH_ENCODING if rendered else ENCODING
    order = list(_LAST)
    for one in sorted(listed, key=lambda x: (order.index(x.video.split), x.video.video_id)):
        video = one.video
        groups = {**people.get(video.subject, {}), **video.groups}
        for frame, paths in folders.frames(one.folder, one.frames or None, one.where):
            yield Row(
                sample_id=f"{video.split}/{video.video_id}/{frame:04d}",
                dataset="synth_cefa" if rendered else "casia_cefa",
                split=video.split,
                subject_id=video.subject,
                video_id=video.video_id,
                frame=frame,
                label=video.label,
                pai_species=video.species,
                groups=groups,
                depth_encoding=encoding if "depth" in paths else "",
                ir_encoding=encoding if "ir" in paths else "",
                **paths,
            )
