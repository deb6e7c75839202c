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
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from flexpad.data import lists, manifest, rendered
from flexpad.data.frames import VideoFolders, frame_number
from flexpad.data.manifest import Manifest, Row
from flexpad.types import ATTACK, BONAFIDE, SPLITS, BadInput, Modality

READER = "casia_surf 1"
FOLDER = "CASIA_SURF"
LABELS = {"0": BONAFIDE, "1": ATTACK}
SPLIT_FOLDERS = {"Training": "train", "Val": "dev", "Testing": "test"}
COLOUR_PATH = re.compile(
    rf"({FOLDER}/Data/([^/]+)/(real_part|fake_part)/([^/]+)/([^/]+?)(?:\.rssdk)?)"
    r"/color(?:/([^/]+))?"
)
MODALITY_FOLDERS = {Modality.RGB: "color", Modality.DEPTH: "depth", Modality.IR: "ir"}
LICENCE = "CASIA-SURF academic agreement: for research by its signatories, not to be passed on"


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list: a video, or one frame of it.

    Attributes:
        split: train, dev or test.
        subject: The subject's folder, e.g. ``CLKJ_AS0005``.
        species: The species' folder without ``.rssdk``, "" for bona fide.
        folder: The video's folder as the list writes it, which holds color, depth and ir.
        frame: Number of the frame, None for a line that names the whole video.
        where: List and line, for messages.
    """

    split: str
    subject: str
    species: str
    folder: str
    frame: int | None
    where: str

    @property
    def label(self) -> str:
        """What the path says: ``bonafide`` or ``attack``."""
        return ATTACK if self.species else BONAFIDE

    @property
    def video_id(self) -> str:
        """Subject and species; without the split, so that a video in two splits shows."""
        return f"{self.subject}/{self.species or BONAFIDE}"


def read(root: Path) -> Manifest:
    """Read the author release.

    The image lists decide which frames are used. Where there are none the video lists are taken,
    with every frame of their folders, in the order of the frame numbers. A modality whose file is
    not there is absent in that row, and counted in the header.

    Args:
        root: The folder that contains ``CASIA_SURF``, or that folder itself.

    Raises:
        BadInput: Lists are missing; a line, label or split contradicts its path; an item has no
            image at all; or rendered subjects stand without their ``RENDERED.json``.
    """
    root = find_root(root)
    listings = {split: _listing_of(root, split) for split in SPLITS}
    items = [item for split, found in listings.items() for item in parse(found, split)]
    faces = rendered.read(root / FOLDER)
    folders = VideoFolders(root, MODALITY_FOLDERS)
    rows = tuple(row for item in items for row in _rows(item, folders, faces))
    header = {
        "reader": READER,
        "licence": rendered.LICENCE if faces else LICENCE,
        **faces.header,
        **{f"list_{split}": _source(found, root) for split, found in listings.items()},
        **_absences(rows),
        "ignored_files": str(folders.ignored),
    }
    result = Manifest(root, rows, header, str(root / FOLDER))
    manifest.validate(result)
    return result


def find_root(root: Path) -> Path:
    """Find the folder that contains ``CASIA_SURF``.

    Raises:
        BadInput: Neither this folder nor its parent is it.
    """
    root = root.resolve()
    for candidate in (root, root.parent):
        inside = candidate / FOLDER
        if (inside == root or candidate == root) and (inside / "protocol").is_dir():
            return candidate
    raise BadInput(
        f"{root}: has no {FOLDER}/protocol; name the folder of the author release"
        f" that contains {FOLDER}"
    )


def read_list(path: Path, split: str) -> list[Listed]:
    """Read one list of the author release; no image needs to be there.

    Args:
        path: An image list or a video list.
        split: The split the list is for; its paths have to say the same.

    Raises:
        BadInput: A line cannot be read, or its label or split contradicts its path.
    """
    return parse(lists.read(path, LABELS), split)


def parse(listing: lists.ListFile, split: str) -> list[Listed]:
    """Understand the paths of a list; as :func:`read_list`."""
    items = [
        _parse_path(line.paths[0], split, f"{listing.path}, line {line.number}")
        for line in listing.lines
    ]
    lists.check_labels(listing, [item.label for item in items])
    for item in items:
        if (item.frame is None) != (items[0].frame is None):
            raise BadInput(f"{item.where}: a list should name videos or frames, not both")
    return items


def _listing_of(root: Path, split: str) -> lists.ListFile:
    """Read the image list of a split, or the video list of a release that has no image lists."""
    folder = root / FOLDER / "protocol"
    has_images = any((folder / f"{FOLDER}@p1_image_{name}.txt").exists() for name in SPLITS)
    kind = "image" if has_images else "video"
    return lists.read(folder / f"{FOLDER}@p1_{kind}_{split}.txt", LABELS)


def _parse_path(path: str, split: str, where: str) -> Listed:
    match = COLOUR_PATH.fullmatch(path)
    frame = frame_number(match[6]) if match and match[6] else None
    if match is None or (match[6] and frame is None):
        raise BadInput(
            f"{where}: {path!r} should be {FOLDER}/Data/<split>/<real_part or fake_part>/<subject>"
            "/<species>/color, and a frame as 0015.jpg in an image list"
        )
    folder, split_folder, part, subject, species, _ = match.groups()
    if SPLIT_FOLDERS.get(split_folder) != split:
        raise BadInput(
            f"{where}: {path!r} stands in the {split} list, but its folder is {split_folder}"
        )
    if (part == "real_part") != (species == "real"):
        raise BadInput(f"{where}: {path!r} is in {part}, but its species is {species!r}")
    return Listed(split, subject, "" if species == "real" else species, folder, frame, where)


def _rows(item: Listed, folders: VideoFolders, faces: rendered.Rendered) -> Iterator[Row]:
    """Make the row of a listed frame, or those of all frames of a listed video."""
    groups = faces.groups_of(item.subject, item.where)
    video = folders.video(item.folder)
    if item.frame is None:
        frames = sorted({frame for paths in video.values() for frame in paths})
    else:
        frames = [item.frame] if any(item.frame in paths for paths in video.values()) else []
    if not frames:
        what = "no frame" if item.frame is None else f"no frame {item.frame}"
        raise BadInput(
            f"{item.where}: {item.folder} has {what} in color, depth or ir;"
            " unpack the data set completely"
        )
    for frame in frames:
        yield Row(
            sample_id=f"{item.split}/{item.video_id}/{frame:04d}",
            dataset="synth_surf" if faces else "casia_surf",
            split=item.split,
            subject_id=item.subject,
            video_id=item.video_id,
            frame=frame,
            label=item.label,
            pai_species=item.species,
            rgb=video[Modality.RGB].get(frame, ""),
            depth=video[Modality.DEPTH].get(frame, ""),
            ir=video[Modality.IR].get(frame, ""),
            groups=groups,
        )


def _source(listing: lists.ListFile, root: Path) -> str:
    return f"{listing.path.relative_to(root).as_posix()} sha256 {listing.sha256}"


def _absences(rows: Iterable[Row]) -> dict[str, str]:
    """Count the rows that lack each modality."""
    absent = Counter(m for row in rows for m in MODALITY_FOLDERS if not row.path(m))
    return {f"absent_{modality}": str(absent[modality]) for modality in MODALITY_FOLDERS}
