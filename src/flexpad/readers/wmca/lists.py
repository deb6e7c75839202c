"""Which split each WMCA recording is in, by whichever of its lists is there.

``PROTOCOL-grandtest.csv`` comes with the data; ``WMCA_Grandtest.txt`` and ``p1_video_*.txt`` say
the same in https://github.com/liuajian/CASIA-FAS-Dataset. The first of these is followed, and the
others are held against it, and the ``PROTOCOL-LOO_*.csv`` against their rule.

The ``p2@1`` to ``p2@7`` lists of that repository are refused: every bona fide presentation is in
their train, dev and test at once, and dev is train.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from flexpad.data import lists, split_lists
from flexpad.data.lists import ListFile
from flexpad.data.protocols.wmca import SPECIES as LEFT_OUT
from flexpad.data.protocols.wmca import is_left_in
from flexpad.data.reading import Source
from flexpad.readers.wmca.videos import Listed, Video, video_of
from flexpad.types import ATTACK, BONAFIDE, BadInput

CSV_LISTS = ("PROTOCOL-grandtest.csv", "WMCA_Grandtest.txt")
VIDEO_LISTS = {
    f"p1_video_{name}.txt": split
    for name, split in (("train", "train"), ("val", "dev"), ("test", "test"))
}
LABELS = {"0": BONAFIDE, "1": ATTACK}
LEAKED = re.compile(r"p2@\d.*\.txt")
DEPTH = 2  # how many folders below the root a list may lie
IMAGE_FOLDERS = re.compile(r"R_CDIT|\d\d\.\d\d\.\d\d")


def find(root: Path) -> list[Path]:
    """Find all lists, leaked ones too, that lie not too deep below a folder."""
    names = {*CSV_LISTS, *VIDEO_LISTS, *(f"PROTOCOL-LOO_{species}.csv" for species in LEFT_OUT)}
    found = []
    for folder, below, files in os.walk(root):
        deep = len(Path(folder).relative_to(root).parts)
        below[:] = sorted(b for b in below if deep < DEPTH and not IMAGE_FOLDERS.fullmatch(b))
        found += [Path(folder, name) for name in files if name in names or LEAKED.fullmatch(name)]
    return sorted(found)


def read(source: Source) -> list[Listed]:
    """List the recordings and their splits; what cannot be used is noted and left out.

    Raises:
        BadInput: There is no list, or one cannot be read.
    """
    found = {path.name: path for path in reversed(find(source.root))}
    for name in filter(LEAKED.fullmatch, sorted(found)):
        source.findings.note(
            "leaked_list",
            f"{found[name]}: its train, dev and test have the same bona fide presentations",
        )
    known = [
        part
        for part in (*([name] for name in CSV_LISTS), list(VIDEO_LISTS))
        if set(part) & set(found)
    ]
    if not known:
        raise BadInput(
            f"{source.root}: has none of {', '.join(CSV_LISTS)} and p1_video_train.txt; put the"
            " list that came with the data into it"
        )
    followed = list(_lists(known[0], found, source))
    source.header.update(
        (f"list_{split}" if split else "list", listing.source(source.root))
        for split, listing in followed
    )
    first = list(_listed(followed, source))
    for part in known[1:]:
        _compare(
            next(found[n] for n in part if n in found),
            _listed(_lists(part, found, source), source),
            first,
            source,
        )
    for species in LEFT_OUT:
        path = found.get(f"PROTOCOL-LOO_{species}.csv")
        if path:
            by_rule = [
                item for item in first if is_left_in(species, item.split, item.video.species)
            ]
            theirs = _listed([("", split_lists.read(path, source.findings))], source)
            _compare(path, theirs, by_rule, source)
    return first


def _lists(
    part: list[str], found: dict[str, Path], source: Source
) -> Iterator[tuple[str, ListFile]]:
    """Read one CSV list, or the three lists of videos, each after the split it is of."""
    for name in part:
        if name in VIDEO_LISTS:
            beside = next(path for other, path in found.items() if other in VIDEO_LISTS)
            listing = lists.read(beside.with_name(name), LABELS, source.findings)
            yield VIDEO_LISTS[name], listing
        else:
            yield "", split_lists.read(found[name], source.findings)


def _listed(followed: Iterable[tuple[str, ListFile]], source: Source) -> Iterator[Listed]:
    for split, listing in followed:
        yield from _parse(listing, split, source)


def _parse(listing: ListFile, split: str, source: Source) -> Iterator[Listed]:
    """Understand the names in a list."""
    videos = [_video(listing, line, source) for line in listing.lines]
    told = [
        video.label if video and line.label else ""
        for video, line in zip(videos, listing.lines, strict=True)
    ]
    lists.check_labels(listing, told, source.findings)
    for video, line in zip(videos, listing.lines, strict=True):
        if video:
            yield Listed(video, line.split or split, listing.where(line))


def _video(listing: ListFile, line: lists.Line, source: Source) -> Video | None:
    name = line.paths[0].rsplit("/", 1)[-1].removesuffix(".hdf5")
    video = video_of(name)
    if video is None:
        example = (
            f"{listing.where(line)}: {name!r} should be <client>_<session>_<presenter>_<type>"
            "_<instrument>, of an instrument WMCA has"
        )
        source.findings.note("malformed_line", example, dropped=1)
    return video


def _compare(
    path: Path, other: Iterable[Listed], expected: Iterable[Listed], source: Source
) -> None:
    """Note the recordings two lists, or a list and a rule, put into different splits."""
    ours, theirs = ({(item.video.name, item.split) for item in of} for of in (expected, other))
    differing = sorted({name for name, _ in ours ^ theirs})
    if differing:
        source.findings.note(
            "list_against_rule",
            f"{path}: {differing[0]} is in another split there, or in one of them alone",
            count=len(differing),
        )
