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

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flexpad.data import lists, manifest
from flexpad.data.manifest import Manifest, Row
from flexpad.types import ATTACK, BONAFIDE, SPLITS, BadInput, Modality

READER = "casia_surf 1"
FOLDER = "CASIA_SURF"
LABELS = {"0": BONAFIDE, "1": ATTACK}
SPLIT_FOLDERS = {"Training": "train", "Val": "dev", "Testing": "test"}
PART_FOLDERS = {"real_part": BONAFIDE, "fake_part": ATTACK}
MODALITY_FOLDERS = {Modality.RGB: "color", Modality.DEPTH: "depth", Modality.IR: "ir"}
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp"}
RENDERED_SUBJECT = "SYNT_"
LICENCE = "CASIA-SURF academic agreement: for research by its signatories, not to be passed on"
RENDERED_LICENCE = "rendered faces: none needed"


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
    rendered = _Rendered.read(root / FOLDER / "RENDERED.json")
    rendered.check(items)
    folders = _Folders(root)
    rows = tuple(_rows(items, folders, rendered))
    header = {
        "reader": READER,
        "licence": RENDERED_LICENCE if rendered else LICENCE,
        **rendered.header,
        **{
            f"list_{split}": f"{found.path.relative_to(root).as_posix()} sha256 {found.sha256}"
            for split, found in listings.items()
        },
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
    return items


def _listing_of(root: Path, split: str) -> lists.ListFile:
    """Read the image list of a split, or the video list of a release that has no image lists."""
    folder = root / FOLDER / "protocol"
    has_images = any((folder / f"{FOLDER}@p1_image_{name}.txt").exists() for name in SPLITS)
    kind = "image" if has_images else "video"
    return lists.read(folder / f"{FOLDER}@p1_{kind}_{split}.txt", LABELS)


def _parse_path(path: str, split: str, where: str) -> Listed:
    parts = path.split("/")
    frame = None
    if len(parts) == 8:  # the layout above, with a file
        frame = _frame_number(parts.pop())
        if frame is None:
            raise BadInput(f"{where}: {path!r} should end in a frame number, as 0015.jpg")
    if len(parts) != 7 or parts[:2] != [FOLDER, "Data"] or parts[6] != "color":
        raise BadInput(
            f"{where}: {path!r} should be {FOLDER}/Data/<split>/<part>/<subject>/<species>/color"
        )
    _, _, split_folder, part, subject, species_folder, _ = parts
    if SPLIT_FOLDERS.get(split_folder) != split:
        raise BadInput(f"{where}: {path!r} stands in the {split} list, not in its folder's")
    species = species_folder.removesuffix(".rssdk")
    bona_fide = species == "real"
    if PART_FOLDERS.get(part) != (BONAFIDE if bona_fide else ATTACK) or not (subject and species):
        raise BadInput(f"{where}: {part!r} and {species_folder!r} contradict each other")
    folder = path.rsplit("/color", 1)[0]
    return Listed(split, subject, "" if bona_fide else species, folder, frame, where)


def _frame_number(name: str) -> int | None:
    """Read ``0015.jpg`` as 15; None for what is no numbered image."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a Path a file is slow
    if suffix.lower() in IMAGE_SUFFIXES and stem.isascii() and stem.isdigit():
        return int(stem)
    return None


class _Folders:
    """Directory listings, one per folder however many of its frames are asked for."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._videos: dict[str, dict[Modality, dict[int, str]]] = {}
        self.ignored = 0

    def video(self, folder: str) -> dict[Modality, dict[int, str]]:
        """Path of each frame of each modality of a video, relative to the root."""
        if folder not in self._videos:
            self._videos[folder] = {
                modality: self._frames(f"{folder}/{name}")
                for modality, name in MODALITY_FOLDERS.items()
            }
        return self._videos[folder]

    def _frames(self, folder: str) -> dict[int, str]:
        try:
            names = sorted(os.listdir(f"{self._root}/{folder}"))  # noqa: PTH208 - as above
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise BadInput(f"{folder}: cannot be read ({error.strerror})") from error
        frames: dict[int, str] = {}
        for name in names:
            frame = _frame_number(name)
            if frame is None:
                self.ignored += 1
                continue
            path = f"{folder}/{name}"
            if frames.setdefault(frame, path) != path:
                raise BadInput(f"{self._root}/{path}: is frame {frame}, as {frames[frame]} is")
        return frames


@dataclass(frozen=True)
class _Rendered:
    """What a rendered set says about its subjects; empty for the set of real people."""

    path: Path
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    header: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.groups)

    @classmethod
    def read(cls, path: Path) -> _Rendered:
        if not path.exists():
            return cls(path)
        try:
            subjects = json.loads(path.read_text(encoding="utf-8-sig"))["subjects"]
            groups = {name: _scalars(values) for name, values in subjects.items()}
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(
                f"{path}: should hold the attributes of each of its 'subjects'; render again"
            ) from error
        if not groups:
            raise BadInput(f"{path}: names no subjects; render again")
        digest = manifest.sha256(path)
        header = {
            "faces": "rendered; no person is shown, and nothing here is about real faces",
            "rendered": f"{FOLDER}/{path.name} sha256 {digest}",
        }
        return cls(path, groups, header)

    @property
    def dataset(self) -> str:
        return "synth_surf" if self else "casia_surf"

    def check(self, items: Iterable[Listed]) -> None:
        """Refuse rendered subjects that are not known to be, and unknown ones among rendered."""
        for item in items:
            if self and item.subject not in self.groups:
                raise BadInput(f"{item.where}: subject {item.subject!r} is not in {self.path}")
            if not self and item.subject.startswith(RENDERED_SUBJECT):
                raise BadInput(
                    f"{item.where}: subject {item.subject!r} is rendered, but {self.path} is"
                    " missing; the rendering was interrupted, run it again"
                )


def _scalars(values: Mapping[str, Any]) -> dict[str, str]:
    """Take the attributes that are one word or number each."""
    return {
        name: str(value) for name, value in values.items() if isinstance(value, str | int | float)
    }


def _rows(items: Iterable[Listed], folders: _Folders, rendered: _Rendered) -> Iterator[Row]:
    for item in items:
        video = folders.video(item.folder)
        if item.frame is not None:
            frames = [item.frame]
        else:
            frames = sorted({frame for paths in video.values() for frame in paths})
        images = [
            (frame, {m: paths.get(frame, "") for m, paths in video.items()}) for frame in frames
        ]
        if not images or not all(any(paths.values()) for _, paths in images):
            raise BadInput(
                f"{item.where}: no image of {item.folder}"
                f"{'' if item.frame is None else f' frame {item.frame}'} is there, neither color,"
                " depth nor ir; unpack the data set completely"
            )
        for frame, paths in images:
            yield Row(
                sample_id=f"{item.split}/{item.video_id}/{frame:04d}",
                dataset=rendered.dataset,
                split=item.split,
                subject_id=item.subject,
                video_id=item.video_id,
                frame=frame,
                label=item.label,
                pai_species=item.species,
                rgb=paths[Modality.RGB],
                depth=paths[Modality.DEPTH],
                ir=paths[Modality.IR],
                groups=rendered.groups.get(item.subject, {}),
            )


def _absences(rows: Iterable[Row]) -> dict[str, str]:
    """Count the rows that lack each modality."""
    absent = Counter(m for row in rows for m in MODALITY_FOLDERS if not row.path(m))
    return {f"absent_{modality}": str(absent[modality]) for modality in MODALITY_FOLDERS}
