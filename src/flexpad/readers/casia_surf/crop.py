"""The crops that Flex-Modal and the MMDG benchmarks use.

::

    CASIA-SURF-CROP/{real_part,fake_part}/{real,fake}_{train,val,test}_part/CLKJ_AS0005/
        {real,01_e_s}.rssdk/{color,depth,ir}/131.jpg
    CASIA-SURF_CeFA_{train,val,test}.txt   Flex-Modal: CASIA-SURF and CeFA in one list
    S-{train,val,test}.txt                 MMDG: CASIA-SURF alone

The lists are color depth ir label with 1 = bona fide, three frames of each video, and lie beside
``CASIA-SURF-CROP`` or in a folder there. All six cuts stand in every split: this is another task
than ``surf@1``, and the rows have a data set's name of their own. Lists:
https://github.com/ZitongYu/Flex-Modal-FAS and https://github.com/lxbuaa/mmdg_plus_plus.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flexpad.data import columns, lists
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.surf import CROP_PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.casia_surf import videos
from flexpad.types import ATTACK, BONAFIDE, BadInput

FOLDER = "CASIA-SURF-CROP"
DATASET = "casia_surf_crop"
LABELS = {"1": BONAFIDE, "0": ATTACK}
SPLIT_NAMES = {"train": "train", "dev": "val", "test": "test"}
LISTS = ("CASIA-SURF_CeFA_{}.txt", "S-{}.txt")
LIST_FOLDERS = (".", "FlexModal_Protocols", "MMDG-Benchmark")
OWN = re.compile(f"{FOLDER}/")
FORM = videos.Form(
    re.compile(
        rf"(?P<video>{FOLDER}/(?P<part>real_part|fake_part)/(?:real|fake)_(?P<split>[^/_]+)_part"
        r"/(?P<subject>[^/]+)/(?P<species>[^/]+?)(?:\.rssdk)?)/color/(?P<file>[^/]+)"
    ),
    f"{FOLDER}/<real_part or fake_part>/<real or fake>_<split>_part/<subject>/<species>/color"
    "/131.jpg",
    SPLIT_NAMES,
    columns=True,
)


def find(root: Path) -> Path | None:
    """Find the folder that holds ``CASIA-SURF-CROP`` or its lists: this one or its parent."""
    if root.name == FOLDER:
        return root.parent if _families(root.parent) else None
    return root if _families(root) else None


def read(source: Source) -> Iterator[Row]:
    """Read the crops with the lists that lie beside them.

    Raises:
        BadInput: Lists of several families are there, or one of them is missing or empty.
    """
    families = _families(source.root)
    if len(families) > 1:
        several = " and ".join(str(folder / form.format("*")) for folder, form in families)
        raise BadInput(f"{source.root}: has the lists {several}; keep those of one benchmark")
    folder, form = families[0]
    folders = VideoFolders(source, modality_folders())
    for split, name in SPLIT_NAMES.items():
        listing = lists.read(folder / form.format(name), LABELS, source.findings, 4)
        source.header[f"list_{split}"] = listing.source(source.root)
        own = columns.own_lines(listing, OWN, source.findings)
        yield from videos.rows(videos.parse(own, split, FORM, source), folders, DATASET, {})


def _families(root: Path) -> list[tuple[Path, str]]:
    """Which lists lie there: their folder, and how they are named."""
    return [
        (root / folder, form)
        for folder in LIST_FOLDERS
        for form in LISTS
        if any((root / folder / form.format(name)).is_file() for name in SPLIT_NAMES.values())
    ]


LAYOUT = Layout(
    "crop",
    f"crops of Flex-Modal and MMDG, {FOLDER} and {' or '.join(form.format('*') for form in LISTS)}",
    find,
    read,
    CROP_PUBLISHED,
)
