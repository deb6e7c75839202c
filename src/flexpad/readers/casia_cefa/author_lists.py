"""The lists of the author release: what they name together, and whether each follows its rule.

The lists of one protocol name a part of the videos, and most videos stand in several. An image list
decides which frames of a video are used; a video that no image list names is taken whole.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flexpad.data import lists
from flexpad.data.frames import frame_number, modality_folders
from flexpad.data.protocols.cefa import AUTHOR_LISTS, RULES, Part
from flexpad.data.reading import Source
from flexpad.readers.casia_cefa.videos import Listed, at, fits
from flexpad.types import ATTACK, BONAFIDE, SPLITS

LABELS = {"0": BONAFIDE, "1": ATTACK}
SHAPE = (
    "CASIA_CeFA/Ethnicity/<race>/<subject>/<video>/color, or the like in CASIA_CeFA/Mask, and a"
    " frame as 0015.jpg in an image list"
)
_NAME = re.compile(r"CASIA_CeFA@(p\d(?:\.\d)?)_(image|video)_(train|dev|test)\.txt")
_ROOT = re.compile(r"CASIA_CeFA/(?:Ethnicity|Mask)/")
_MODALITIES = frozenset(modality_folders().values())


@dataclass(frozen=True)
class Place:
    """Where a list is, and what it is for.

    Attributes:
        path: The file.
        protocol: As the authors write it, e.g. ``p4.1``.
        split: train, dev or test.
    """

    path: Path
    protocol: str
    split: str

    @property
    def part(self) -> Part:
        """What it should name."""
        return RULES[AUTHOR_LISTS[self.protocol]][self.split]


@dataclass
class Content:
    """What a list names.

    Attributes:
        place: The list.
        frames: How many of its frames it names, by video; 1 where it names whole videos.
        whole: Whether it names whole videos.
    """

    place: Place
    frames: Mapping[str, int]
    whole: bool


def find(folder: Path) -> list[Place]:
    """Find the lists to read: of each protocol and split the image list, or else the video list."""
    found: dict[tuple[str, str], Path] = {}
    for path in sorted(folder.glob("CASIA_CeFA@*.txt")):  # image before video
        match = _NAME.fullmatch(path.name)
        if match and match[1] in AUTHOR_LISTS:
            found.setdefault((match[1], match[3]), path)
    order = sorted(found, key=lambda key: (key[0], SPLITS.index(key[1])))
    return [Place(found[key], *key) for key in order]


def read(places: Iterable[Place], source: Source) -> list[Listed]:
    """Read lists and hold them against their rules.

    Args:
        places: As :func:`find` gives them.
        source: Where to note what is wrong.

    Returns:
        Every video that any list names, once, with all frames that any list names.

    Raises:
        BadInput: A list cannot be read or is empty.
    """
    videos = _Videos(source)
    contents = [videos.read(place) for place in places]
    _note_missing_lists(contents, source)
    for content in contents:
        _hold_against_rule(content, videos.found, source)
    return list(videos.found.values())


@dataclass
class _Videos:
    """The videos of all lists."""

    source: Source
    found: dict[str, Listed] = field(default_factory=dict)

    def read(self, place: Place) -> Content:
        """Read one list."""
        findings = self.source.findings
        listing = lists.read(place.path, LABELS, findings)
        name = f"list_{place.protocol}_{place.split}"
        self.source.header[name] = listing.source(self.source.root)
        named: dict[str, set[int]] = defaultdict(set)
        labels = []
        for line in listing.lines:
            folder, file = _video_of(line.paths[0])
            one = self._listed(folder, listing, line)
            labels.append(one.video.label if one else "")
            if one is None or not fits(one.video, place.split, listing, line, self.source):
                continue
            frame = frame_number(file) if file else 0
            if frame is None:
                self._malformed(listing, line)
                continue
            self.found[folder] = one
            named[folder].add(frame)
            if file:
                one.add(frame, file, listing, line, self.source)
        lists.check_labels(listing, labels, findings)
        whole = "_video_" in place.path.name
        return Content(place, {folder: len(frames) for folder, frames in named.items()}, whole)

    def _listed(self, folder: str, listing: lists.ListFile, line: lists.Line) -> Listed | None:
        """The video of a folder, one that is known or a new one."""
        known = self.found.get(folder)
        if known:
            return known
        video = at(folder) if _ROOT.match(folder) else None
        if video is None:
            self._malformed(listing, line)
            return None
        return Listed(video, folder, listing.where(line))

    def _malformed(self, listing: lists.ListFile, line: lists.Line) -> None:
        example = f"{listing.where(line)}: {line.paths[0]!r} should be {SHAPE}"
        self.source.findings.note("malformed_line", example, dropped=1)


def _video_of(path: str) -> tuple[str, str]:
    """Split a path into the video's folder and the file of a frame, "" for the whole video.

    Protocol 3 lists images of every modality; they are frames of the same video.
    """
    above, _, last = path.rpartition("/")
    if last in _MODALITIES:
        return above, ""
    video, _, folder = above.rpartition("/")
    return (video, last) if folder in _MODALITIES else ("", "")


def _note_missing_lists(contents: Iterable[Content], source: Source) -> None:
    """Note the lists that stand beside others of their protocol and are not there."""
    present: dict[str, set[str]] = defaultdict(set)
    for content in contents:
        present[content.place.protocol].add(content.place.split)
    for protocol, splits in present.items():
        for split in SPLITS:
            if split not in splits:
                example = f"CASIA_CeFA@{protocol}_*_{split}.txt, beside others of {protocol}"
                source.findings.note("missing_list", example)


def _hold_against_rule(content: Content, videos: Mapping[str, Listed], source: Source) -> None:
    """Note how a list differs from what its protocol says it should name."""
    part = content.place.part
    of_split = {f: v for f, v in videos.items() if v.video.split == content.place.split}
    expected = {
        folder: 1 if content.whole else len(listed.frames)
        for folder, listed in of_split.items()
        if part.has(listed.video.species, listed.video.ethnicity)
    }
    extra = sum(count for folder, count in content.frames.items() if folder not in expected)
    absent = sum(
        max(0, count - content.frames.get(folder, 0)) for folder, count in expected.items()
    )
    if extra or absent:
        rule = f"cefa@{AUTHOR_LISTS[content.place.protocol]} {content.place.split}"
        unit = "videos" if content.whole else "frames"
        source.findings.note(
            "list_against_rule",
            f"{content.place.path}: names {extra:,} {unit} that {rule} has not, and lacks"
            f" {absent:,} that it has",
        )
