"""The author release since 2024, and rendered sets in the same layout.

::

    CASIA_CeFA/Ethnicity/AF/AF-223/1_223_1_1_1/{color,depth,ir}/0001.jpg
    CASIA_CeFA/Mask/{3D-Mask,Silicone-Mask}/073/1_073_1_0_2_1_2/{color,depth,ir}/0001.jpg
    CASIA_CeFA/protocol/CASIA_CeFA@p4.1_{image,video}_{train,dev,test}.txt
    CASIA_CeFA/{AF,CA,EA}_Age_Gender.txt
    CASIA_CeFA/RENDERED.json      only in a rendered set: its subjects and their attributes

The lists of all protocols together say which videos and frames there are; a protocol is then a rule
over them, and each list is held against the rule it should follow. Layout and label polarity
(0 = bona fide): the authors' readme at https://github.com/liuajian/CASIA-FAS-Dataset.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flexpad.data import rendered
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.cefa import PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.casia_cefa import author_lists, demographics, disk, videos

FOLDER = "CASIA_CeFA"


def find(root: Path) -> Path | None:
    """Find the folder that contains ``CASIA_CeFA``: this one or its parent."""
    for candidate in (root, root.parent):
        inside = candidate / FOLDER
        if root in (inside, candidate) and any(
            (inside / name).is_dir() for name in ("Ethnicity", "protocol")
        ):
            return candidate
    return None


def read(source: Source) -> Iterator[Row]:
    """Read the author release; without any list, every video on disk."""
    base = source.root / FOLDER
    faces = rendered.read(base)
    if faces:
        source.header.update({"licence": rendered.LICENCE, **faces.header})
    lists = author_lists.find(base / "protocol")
    if lists:
        found = author_lists.read(lists, source)
    else:
        found = list(disk.videos(source, f"{FOLDER}/Ethnicity", f"{FOLDER}/Mask"))
    attributes = {one.video.subject: faces.groups_of(one.video.subject, one.where) for one in found}
    people = attributes if faces else demographics.read(base, source)
    folders = VideoFolders(source, modality_folders())
    yield from videos.rows(found, folders, people, rendered=bool(faces))


LAYOUT = Layout(
    "author",
    f"author release since 2024, {FOLDER}/Ethnicity, {FOLDER}/Mask and {FOLDER}/protocol",
    find,
    read,
    PUBLISHED,
)
