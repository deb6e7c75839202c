"""WMCA as JPEG files that were made of the pre-processed release.

::

    R_CDIT/100_03_015_2_10/{color,depth,ir,thermal}/0012.jpg

The convention of the lists in https://github.com/liuajian/CASIA-FAS-Dataset and of Flex-Modal-FAS;
both hold the data below a folder of another name. Compression costs some of what 8 bits kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flexpad.data import rendered
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.wmca import PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.wmca import lists, stations
from flexpad.readers.wmca.videos import row

FOLDER = "R_CDIT"


def find(root: Path) -> Path | None:
    """Find ``R_CDIT``: this folder, in it, or one further down; or lists and nothing else."""
    if root.name == FOLDER:
        return root.parent
    if _videos(root):
        return root
    return root if lists.find(root) and not stations.find(root) else None


def read(source: Source) -> Iterator[Row]:
    """Make the rows of all frames of the listed recordings."""
    faces = rendered.read(source.root)
    source.header.update({"licence": rendered.LICENCE, **faces.header} if faces else {})
    folders = VideoFolders(source, {**modality_folders(), "thermal": "thermal"})
    videos = _videos(source.root) or FOLDER
    for listed in lists.read(source):
        for frame, paths in folders.frames(f"{videos}/{listed.video.name}", None, listed.where):
            yield row(listed, frame, paths, faces)


def _videos(root: Path) -> str:
    """Say where the recordings are, relative to the root; "" if nowhere."""
    found = sorted([*root.glob(FOLDER), *root.glob(f"*/{FOLDER}")])
    return found[0].relative_to(root).as_posix() if found else ""


LAYOUT = Layout(
    "jpg",
    f"JPEG files of the pre-processed release, {FOLDER}/<recording>/{{color,depth,ir,thermal}}",
    find,
    read,
    PUBLISHED,
)
