"""The older research release, and the lists of Flex-Modal and MMDG over it.

::

    CeFA/CeFA-Race/EA/EA-012-198006250024/3_012_1_1_1/{profile,depth,ir}/0026.jpg
    CeFA/CeFA-Mask/{3D-Mask,Silicone-Mask}/001/1_001_1_0_2_1_2/{profile,depth,ir}/0001.jpg

What follows a subject's number in a folder is personal; it stays in paths and goes nowhere else.
The lists, see :mod:`flexpad.data.benchmark_lists`, are profile depth ir label with 1 = bona fide,
and name a few frames of each video. Without lists every video on disk is taken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from flexpad.data import benchmark_lists, columns, lists
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.cefa import PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.casia_cefa import demographics, disk, videos
from flexpad.types import ATTACK, BONAFIDE

LABELS = {"1": BONAFIDE, "0": ATTACK}
LISTS = (benchmark_lists.FLEX_MODAL, "C-{}.txt")
SHAPE = "CeFA/CeFA-Race/<race>/<subject>/<video>/profile/0026.jpg, or the like in CeFA-Mask"
OWN = re.compile(r"CeFA/(?=CeFA-(?:Race|Mask)/)")
FOLDERS = modality_folders("profile")
COLUMNS = {folder: modality for modality, folder in FOLDERS.items()}


def find(root: Path) -> Path | None:
    """Find the folder that paths of lists start from: the one that has ``CeFA``, or its lists."""
    if (root / "CeFA" / "CeFA-Race").is_dir() or benchmark_lists.find(root, LISTS):
        return root
    if (root / "CeFA-Race").is_dir():
        return root.parent if root.name == "CeFA" else root
    return None


def read(source: Source) -> Iterator[Row]:
    """Read the lists that are there, or every video on disk.

    Raises:
        BadInput: One of the lists is missing or empty.
    """
    base = "" if (source.root / "CeFA-Race").is_dir() else "CeFA/"
    found: Iterable[videos.Listed]
    paths = benchmark_lists.find(source.root, LISTS)
    if paths:
        found = _listed(paths, base, source)
    else:
        found = disk.videos(source, f"{base}CeFA-Race", f"{base}CeFA-Mask")
    people = demographics.read(source.root / base, source)
    yield from videos.rows(found, VideoFolders(source, FOLDERS), people)


def _listed(paths: Mapping[str, Path], base: str, source: Source) -> list[videos.Listed]:
    """Read the three lists of a benchmark; ``base`` is what the disk has before ``CeFA-Race``."""
    found: dict[str, videos.Listed] = {}
    for split, path in paths.items():
        listing = lists.read(path, LABELS, source.findings, 4)
        source.header[f"list_{split}"] = listing.source(source.root)
        own = columns.own_lines(listing, OWN, source.findings)
        labels = [_add(own, line, split, found, source) for line in own.lines]
        lists.check_labels(own, labels, source.findings)
    for one in found.values():
        one.folder = OWN.sub(base, one.folder)
    return list(found.values())


def _add(
    listing: lists.ListFile,
    line: lists.Line,
    split: str,
    found: dict[str, videos.Listed],
    source: Source,
) -> str:
    """Add the frame of a line; give the label that its path tells, "" if it cannot be used."""
    where = listing.where(line)
    paths = columns.by_folder(line, COLUMNS, listing, source.findings)
    named = columns.named(paths["rgb"], COLUMNS) if paths else None
    if paths is None or named is None or named.frame is None:
        return ""
    video = found[named.video].video if named.video in found else videos.at(named.video)
    if video is None:
        example = f"{where}: {paths['rgb']!r} should be {SHAPE}"
        source.findings.note("malformed_line", example, dropped=1)
        return ""
    if videos.fits(video, split, listing, line, source):
        listed = found.setdefault(named.video, videos.Listed(video, named.video, where))
        listed.add(named.frame, paths["rgb"].rpartition("/")[2], listing, line, source)
    return video.label


LAYOUT = Layout(
    "research",
    "older research release, CeFA/CeFA-Race and CeFA/CeFA-Mask, or lists of Flex-Modal or MMDG",
    find,
    read,
    tuple(count for count in PUBLISHED if not count.what.startswith("mask")),
)
