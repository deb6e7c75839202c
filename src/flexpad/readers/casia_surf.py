"""CASIA-SURF as its authors release it since 2024, and rendered sets in the same layout.

::

    CASIA_SURF/Data/{Training,Val,Testing}/{real_part,fake_part}/CLKJ_AS0005/
        {real.rssdk,04_en_b.rssdk}/{color,depth,ir}/0015.jpg
    CASIA_SURF/protocol/CASIA_SURF@p1_{image,video}_{train,dev,test}.txt
    CASIA_SURF/RENDERED.json      only in a rendered set: its subjects and their attributes

Layout and label polarity (0 = bona fide): the authors' readme at
https://github.com/liuajian/CASIA-FAS-Dataset; species codes: Zhang et al., "CASIA-SURF: A
Large-Scale Multi-Modal Benchmark for Face Anti-Spoofing", TBIOM 2020.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flexpad.data import lists, rendered
from flexpad.data.frames import VideoFolders, frame_number, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.reading import DataSet, Layout, Source
from flexpad.types import ATTACK, BONAFIDE, SPLITS

FOLDER = "CASIA_SURF"
LABELS = {"0": BONAFIDE, "1": ATTACK}
SPLIT_FOLDERS = {"Training": "train", "Val": "dev", "Testing": "test"}
COLOUR_PATH = re.compile(
    rf"({FOLDER}/Data/([^/]+)/(real_part|fake_part)/([^/]+)/([^/]+?)(?:\.rssdk)?)"
    r"/color(?:/([^/]+))?"
)


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list: a video, or one frame of it.

    Attributes:
        split: train, dev or test.
        subject: The subject's folder, e.g. ``CLKJ_AS0005``.
        species: The species' folder without ``.rssdk``, "" for bona fide.
        folder: The video's folder as the list writes it, which holds color, depth and ir.
        file: File name of the frame, "" for a line that names the whole video.
        where: List and line, for messages.
    """

    split: str
    subject: str
    species: str
    folder: str
    file: str
    where: str

    @property
    def label(self) -> str:
        """What the path says: ``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE

    @property
    def video_id(self) -> str:
        """Subject and species; without the split, so that a video in two splits shows."""
        return f"{self.subject}/{self.species or BONAFIDE}"


def read_author_release(source: Source) -> Iterator[Row]:
    """Read the author release.

    The image lists decide which frames are used. Where there are none the video lists are taken,
    with every frame of their folders, in the order of the frame numbers.
    """
    faces = rendered.read(source.root / FOLDER)
    if faces:
        source.header.update({"licence": rendered.LICENCE, **faces.header})
    folders = VideoFolders(source, modality_folders())
    for split in SPLITS:
        listing = _listing_of(source, split)
        source.header[f"list_{split}"] = listing.source(source.root)
        for video in _by_video(parse(listing, split, source)):
            yield from _rows(video, folders, faces)


def find_author_release(root: Path) -> Path | None:
    """Find the folder that contains ``CASIA_SURF``: this one or its parent."""
    for candidate in (root, root.parent):
        inside = candidate / FOLDER
        if root in (inside, candidate) and (inside / "protocol").is_dir():
            return candidate
    return None


def parse(listing: lists.ListFile, split: str, source: Source) -> list[Listed]:
    """Understand the paths of a list; lines that cannot be used are noted and left out."""
    items = [_parse_path(listing, line, split, source) for line in listing.lines]
    lists.check_labels(listing, [item.label if item else "" for item in items], source.findings)
    return [item for item in items if item]


def _listing_of(source: Source, split: str) -> lists.ListFile:
    """Read the image list of a split, or the video list of a release that has no image lists."""
    folder = source.root / FOLDER / "protocol"
    has_images = any((folder / f"{FOLDER}@p1_image_{name}.txt").exists() for name in SPLITS)
    kind = "image" if has_images else "video"
    return lists.read(folder / f"{FOLDER}@p1_{kind}_{split}.txt", LABELS, source.findings)


def _parse_path(
    listing: lists.ListFile, line: lists.Line, split: str, source: Source
) -> Listed | None:
    path, where = line.paths[0], listing.where(line)
    match = COLOUR_PATH.fullmatch(path)
    if match is None or (match[6] and frame_number(match[6]) is None):
        example = (
            f"{where}: {path!r} should be {FOLDER}/Data/<split>/<real_part or fake_part>/<subject>"
            "/<species>/color, and a frame as 0015.jpg in an image list"
        )
        source.findings.note("malformed_line", example, dropped=1)
        return None
    folder, split_folder, part, subject, species, file = match.groups()
    if SPLIT_FOLDERS.get(split_folder) != split:
        example = f"{where}: {path!r} stands in the {split} list, but its folder is {split_folder}"
        source.findings.note("split_against_path", example, dropped=1)
        return None
    if (part == "real_part") != (species == "real"):
        example = f"{where}: {path!r} is in {part}, but its species is {species!r}"
        source.findings.note("malformed_line", example, dropped=1)
        return None
    return Listed(split, subject, "" if species == "real" else species, folder, file or "", where)


def _by_video(items: list[Listed]) -> list[list[Listed]]:
    """Put the lines of each video together, in the order of their first lines."""
    videos: dict[str, list[Listed]] = {}
    for item in items:
        videos.setdefault(item.folder, []).append(item)
    return list(videos.values())


def _rows(video: list[Listed], folders: VideoFolders, faces: rendered.Rendered) -> Iterator[Row]:
    """Make the rows of the listed frames, or those of all frames of a listed video."""
    first = video[0]
    groups = faces.groups_of(first.subject, first.where)
    listed = {frame_number(item.file): item.file for item in video if item.file}
    numbered = {frame: file for frame, file in listed.items() if frame is not None}
    for frame, paths in folders.frames(first.folder, numbered or None, first.where):
        yield Row(
            sample_id=f"{first.split}/{first.video_id}/{frame:04d}",
            dataset="synth_surf" if faces else "casia_surf",
            split=first.split,
            subject_id=first.subject,
            video_id=first.video_id,
            frame=frame,
            label=first.label,
            pai_species=first.species,
            groups=groups,
            **paths,
        )


DATA_SET = DataSet(
    name="casia_surf",
    title="CASIA-SURF",
    licence="CASIA-SURF academic agreement: for research by its signatories, not to be passed on",
    version=2,
    layouts=(
        Layout(
            "author",
            f"author release since 2024, {FOLDER}/Data and {FOLDER}/protocol",
            find_author_release,
            read_author_release,
        ),
    ),
)
