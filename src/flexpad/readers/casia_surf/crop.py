"""The crops that Flex-Modal and the MMDG benchmarks use.

::

    CASIA-SURF-CROP/{real_part,fake_part}/{real,fake}_{train,val,test}_part/CLKJ_AS0005/
        {real,01_e_s}.rssdk/{color,depth,ir}/131.jpg

The lists, see :mod:`flexpad.data.benchmark_lists`, are color depth ir label with 1 = bona fide,
three frames of each video. All six cuts stand in every split: this is another task than ``surf@1``,
and the rows have a data set's name of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flexpad.data import benchmark_lists, columns, lists
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.surf import CROP_PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.casia_surf import videos
from flexpad.types import ATTACK, BONAFIDE

FOLDER = "CASIA-SURF-CROP"
DATASET = "casia_surf_crop"
LABELS = {"1": BONAFIDE, "0": ATTACK}
LISTS = (benchmark_lists.FLEX_MODAL, "S-{}.txt")
OWN = re.compile(f"{FOLDER}/")
FORM = videos.Form(
    re.compile(
        rf"(?P<video>{FOLDER}/(?P<part>real_part|fake_part)/(?:real|fake)_(?P<split>[^/_]+)_part"
        r"/(?P<subject>[^/]+)/(?P<species>[^/]+?)(?:\.rssdk)?)/color/(?P<file>[^/]+)"
    ),
    f"{FOLDER}/<real_part or fake_part>/<real or fake>_<split>_part/<subject>/<species>/color"
    "/131.jpg",
    benchmark_lists.SPLIT_NAMES,
    columns=True,
)


def find(root: Path) -> Path | None:
    """Find the folder that holds ``CASIA-SURF-CROP`` or its lists: this one or its parent."""
    if root.name == FOLDER:
        root = root.parent
    return root if benchmark_lists.find(root, LISTS) else None


def read(source: Source) -> Iterator[Row]:
    """Read the crops with the lists that lie beside them.

    Raises:
        BadInput: One of them is missing or empty.
    """
    folders = VideoFolders(source, modality_folders())
    for split, path in (benchmark_lists.find(source.root, LISTS) or {}).items():
        listing = lists.read(path, LABELS, source.findings, 4)
        source.header[f"list_{split}"] = listing.source(source.root)
        own = columns.own_lines(listing, OWN, source.findings)
        yield from videos.rows(videos.parse(own, split, FORM, source), folders, DATASET, {})


LAYOUT = Layout(
    "crop",
    f"crops of Flex-Modal and MMDG, {FOLDER} and {' or '.join(form.format('*') for form in LISTS)};"
    " their numbers never compare with those of other layouts",
    find,
    read,
    CROP_PUBLISHED,
)
