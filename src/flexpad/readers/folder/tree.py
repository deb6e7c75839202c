"""A user's own data as a folder tree.

::

    <split>/<bonafide or species>/<subject>/<video>/<frame>.<modality>.<extension>
    train/bonafide/person-001/video-1/0001.rgb.jpg
    test/flat_print/person-007/video-2/0001.depth.png

Splits are train, dev and test; modalities are rgb, depth, ir and thermal.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flexpad.data import rendered
from flexpad.data.frames import IMAGE_SUFFIXES, used
from flexpad.data.manifest import Row
from flexpad.data.reading import Layout, Source
from flexpad.data.row import PATHS
from flexpad.readers.folder.names import DATASET, SYNTH_DATASET, image_name, is_called_bonafide
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS, BadInput


@dataclass(frozen=True, slots=True)
class Video:
    """A folder of images.

    Attributes:
        split: train, dev or test.
        species: Name of the folder, "" for bona fide.
        subject: Likewise.
        name: Likewise.
        folder: Relative to the root.
    """

    split: str
    species: str
    subject: str
    name: str
    folder: str

    @property
    def video_id(self) -> str:
        """Without the split, so that a video in two splits shows."""
        return f"{self.subject}/{self.species or BONAFIDE}/{self.name}"


def find(root: Path) -> Path | None:
    """Find a folder with a folder for any split."""
    return root if any((root / split).is_dir() for split in SPLITS) else None


def read(source: Source) -> Iterator[Row]:
    """Read every image of the tree.

    Raises:
        BadInput: Only lists are to be read, and a tree has none.
    """
    if source.options.lists_only:
        raise BadInput(f"{source.root}: a folder tree has no lists; leave --lists-only out")
    faces = rendered.read(source.root)
    if faces:
        source.header.update({"licence": rendered.LICENCE, **faces.header})
    for video in _videos(source):
        groups = faces.groups_of(video.subject, video.folder)
        found = _images(source, video.folder)
        pool = {frame for m in MODALITIES for frame in found[m.value]}
        if not pool:
            example = f"{video.folder}: has no <frame>.<modality>.<extension> of rgb, depth or ir"
            source.findings.note("missing_item", example, dropped=1)
        for frame, paths in used(found, pool, video.folder, source):
            yield Row(
                sample_id=f"{video.split}/{video.video_id}/{frame:04d}",
                dataset=SYNTH_DATASET if faces else DATASET,
                split=video.split,
                subject_id=video.subject,
                video_id=video.video_id,
                frame=frame,
                label=ATTACK if video.species else BONAFIDE,
                pai_species=video.species,
                groups=groups,
                **paths,
            )


def _videos(source: Source) -> Iterator[Video]:
    """Go down the tree in the order of names, splits in their own order."""
    found = _folders(source, "")
    for name in sorted(set(found) - set(SPLITS)):
        source.findings.note("ignored_folder", f"{name}: is none of {', '.join(SPLITS)}")
    for split in (split for split in SPLITS if split in found):
        for name in _folders(source, split):
            if name != BONAFIDE and is_called_bonafide(name):
                source.findings.note("ambiguous_species", f"{split}/{name}", dropped=1)
                continue
            species = "" if name == BONAFIDE else name
            for subject in _folders(source, f"{split}/{name}"):
                for video in _folders(source, folder := f"{split}/{name}/{subject}"):
                    yield Video(split, species, subject, video, f"{folder}/{video}")


def _folders(source: Source, folder: str) -> list[str]:
    """List the folders in one; images do not belong there, other files do not matter."""
    names = []
    for name, is_folder in _entries(source, folder):
        path = f"{folder}/{name}" if folder else name
        if is_folder and name.startswith("."):
            source.findings.note("ignored_folder", path)
        elif is_folder:
            names.append(name)
        elif os.path.splitext(name)[1].lower() in IMAGE_SUFFIXES:  # noqa: PTH122 - as frames
            source.findings.note("ignored_file", path)
    return names


def _images(source: Source, folder: str) -> dict[str, dict[int, str]]:
    """Give the path of each frame of each modality of a video."""
    found: dict[str, dict[int, str]] = {modality: {} for modality in PATHS}
    for name, is_folder in _entries(source, folder):
        path = f"{folder}/{name}"
        told = image_name(name)
        if is_folder:
            source.findings.note("ignored_folder", path)
        elif told is None:
            source.findings.note("ignored_file", path)
        elif found[told[1]].setdefault(told[0], path) != path:
            example = f"{path}: is frame {told[0]}, and so is {found[told[1]][told[0]]}"
            source.findings.note("repeated_frame", example)
    return {modality: frames for modality, frames in found.items() if frames} | {
        m.value: found[m.value] for m in MODALITIES
    }


def _entries(source: Source, folder: str) -> list[tuple[str, bool]]:
    """List a folder by name, each with whether it is a folder itself."""
    try:
        with os.scandir(source.root / folder) as entries:
            return sorted((entry.name, entry.is_dir()) for entry in entries)
    except OSError as error:
        raise BadInput(f"{source.root / folder}: cannot be read ({error.strerror})") from error


LAYOUT = Layout(
    "tree",
    "<split>/<bonafide or species>/<subject>/<video>/<frame>.<modality>.<extension>",
    find,
    read,
)
