"""The author release since 2024, and rendered sets in the same layout.

::

    CASIA_SURF/Data/{Training,Val,Testing}/{real_part,fake_part}/CLKJ_AS0005/
        {real.rssdk,04_en_b.rssdk}/{color,depth,ir}/0015.jpg
    CASIA_SURF/protocol/CASIA_SURF@p1_{image,video}_{train,dev,test}.txt
    CASIA_SURF/RENDERED.json      only in a rendered set: its subjects and their attributes

Layout and label polarity (0 = bona fide): the authors' readme at
https://github.com/liuajian/CASIA-FAS-Dataset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flexpad.data import lists, rendered
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.surf import PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.casia_surf import videos
from flexpad.types import ATTACK, BONAFIDE, SPLITS

FOLDER = "CASIA_SURF"
LABELS = {"0": BONAFIDE, "1": ATTACK}
FORM = videos.Form(
    re.compile(
        rf"(?P<video>{FOLDER}/Data/(?P<split>[^/]+)/(?P<part>real_part|fake_part)"
        r"/(?P<subject>[^/]+)/(?P<species>[^/]+?)(?:\.rssdk)?)/color(?:/(?P<file>[^/]+))?"
    ),
    f"{FOLDER}/Data/<split>/<real_part or fake_part>/<subject>/<species>/color, and a frame as"
    " 0015.jpg in an image list",
    {"train": "Training", "dev": "Val", "test": "Testing"},
    columns=False,
)


def find(root: Path) -> Path | None:
    """Find the folder that contains ``CASIA_SURF``: this one or its parent."""
    for candidate in (root, root.parent):
        inside = candidate / FOLDER
        if root in (inside, candidate) and (inside / "protocol").is_dir():
            return candidate
    return None


def read(source: Source) -> Iterator[Row]:
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
        found = videos.parse(listing, split, FORM, source)
        groups = {video.subject: faces.groups_of(video.subject, video.where) for video in found}
        yield from videos.rows(
            found, folders, "synth_surf" if faces else "casia_surf", groups if faces else {}
        )


def _listing_of(source: Source, split: str) -> lists.ListFile:
    """Read the image list of a split, or the video list of a release that has no image lists."""
    folder = source.root / FOLDER / "protocol"
    has_images = any((folder / f"{FOLDER}@p1_image_{name}.txt").exists() for name in SPLITS)
    kind = "image" if has_images else "video"
    return lists.read(folder / f"{FOLDER}@p1_{kind}_{split}.txt", LABELS, source.findings)


LAYOUT = Layout(
    "author",
    f"author release since 2024, {FOLDER}/Data and {FOLDER}/protocol",
    find,
    read,
    PUBLISHED,
)
