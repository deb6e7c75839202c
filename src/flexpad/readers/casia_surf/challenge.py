"""The 2019 challenge (ChaLearn, CVPR 2019 workshop).

::

    Training/{real_part,fake_part}/CLKJ_AS0137/{real,04_en_b}.rssdk/{color,depth,ir}/31.jpg
    Val/0000/000000-{color,depth,ir}.jpg         Testing/... likewise
    train_list.txt                               color depth ir label, 1 = bona fide
    {val,test}_private_list.txt                  likewise
    {val,test}_public_list.txt                   the same without labels

Validation and test name neither subject nor species there, so every item is a subject and a video
of its own, and no interval by subject and no rate by species can be had. Lists as used by
https://github.com/SoftwareGift/FeatherNets_Face-Anti-spoofing-Attack-Detection-Challenge-CVPR2019.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from flexpad.data import columns, lists
from flexpad.data.frames import VideoFolders, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.presence import Presence
from flexpad.data.protocols.protocol import UNKNOWN
from flexpad.data.protocols.surf import CHALLENGE_PUBLISHED
from flexpad.data.reading import Layout, Source
from flexpad.readers.casia_surf import videos
from flexpad.types import ATTACK, BONAFIDE

LABELS = {"1": BONAFIDE, "0": ATTACK}
TRAIN_LIST = "train_list.txt"
FORM = videos.Form(
    re.compile(
        r"(?P<video>(?P<split>[^/]+)/(?P<part>real_part|fake_part)"
        r"/(?P<subject>[^/]+)/(?P<species>[^/]+?)(?:\.rssdk)?)/color/(?P<file>[^/]+)"
    ),
    "Training/<real_part or fake_part>/<subject>/<species>/color/31.jpg",
    {"train": "Training"},
    columns=True,
)
EVALUATED = {"dev": ("val", "Val"), "test": ("test", "Testing")}  # beginning of the list, folder


def find(root: Path) -> Path | None:
    """Find the folder that holds the training list."""
    return root if (root / TRAIN_LIST).is_file() else None


def read(source: Source) -> Iterator[Row]:
    """Read the challenge lists; a split whose labels are not there has no rows."""
    listing = _list(source, "train", TRAIN_LIST, labelled=True)
    found = videos.parse(listing, "train", FORM, source)
    yield from videos.rows(found, VideoFolders(source, modality_folders()), "casia_surf", {})
    for split in EVALUATED:
        yield from _evaluated(source, split)


def _evaluated(source: Source, split: str) -> Iterator[Row]:
    """Read the list with labels of a split; of one without, say that nothing can be used."""
    beginning, folder = EVALUATED[split]
    private, public = (f"{beginning}_{kind}_list.txt" for kind in ("private", "public"))
    if (source.root / private).is_file():
        items = _Items(source, split, folder)
        for line in (listing := _list(source, split, private, labelled=True)).lines:
            yield from items.row(line, listing)
    elif (source.root / public).is_file():
        listing = _list(source, split, public, labelled=False)
        example = f"{listing.path}: has no labels; {split} needs {private}"
        count = len(listing.lines)
        source.findings.note("unlabelled_line", example, count=count, dropped=count)
    else:
        source.findings.note("missing_list", f"{source.root / private}: {split} has no rows")


def _list(source: Source, split: str, name: str, *, labelled: bool) -> lists.ListFile:
    listing = lists.read(
        source.root / name, LABELS if labelled else None, source.findings, 4 if labelled else 3
    )
    source.header[f"list_{split}"] = listing.source(source.root)
    return listing


class _Items:
    """The images of validation or test, three to an item; a folder holds a thousand items."""

    def __init__(self, source: Source, split: str, folder: str) -> None:
        self._source = source
        self._split = split
        self._folder = folder
        self._presence = Presence(source.root)
        self._seen: set[str] = set()

    def row(self, line: lists.Line, listing: lists.ListFile) -> Iterator[Row]:
        """Make the row of a line; none if it cannot be used, which is noted."""
        where, findings = listing.where(line), self._source.findings
        paths = columns.by_folder(line, videos.COLUMNS, listing, findings)
        if paths is None:
            return
        item = paths["rgb"].rpartition("-")[0]  # as Val/0000/000007
        there = self._there(paths)
        if not item.startswith(f"{self._folder}/"):
            example = f"{where}: {paths['rgb']!r} stands in the {self._split} list, but is not in"
            findings.note("split_against_path", f"{example} {self._folder}", dropped=1)
        elif item in self._seen:  # with its columns in another order
            findings.note("repeated_line", f"{where}: {item} stands there twice", dropped=1)
        elif not there:
            findings.note("missing_item", f"{where}: {item} has no image", dropped=1)
        else:
            self._seen.add(item)
            findings.note("unknown_subject", where)
            if line.label == ATTACK:
                findings.note("unknown_species", where)
            yield self._row(item, line.label, there)

    def _row(self, item: str, label: str, paths: dict[str, str]) -> Row:
        return Row(
            sample_id=f"{self._split}/{item}/0000",
            dataset="casia_surf",
            split=self._split,
            subject_id=item,
            video_id=item,
            frame=0,
            label=label,
            pai_species=UNKNOWN if label == ATTACK else "",
            depth_encoding=videos.ENCODING if "depth" in paths else "",
            ir_encoding=videos.ENCODING if "ir" in paths else "",
            groups={},
            **paths,
        )

    def _there(self, paths: dict[str, str]) -> dict[str, str]:
        """Those of the paths that are there; with lists only, all."""
        if self._source.options.lists_only:
            return paths
        return {modality: path for modality, path in paths.items() if self._presence.has(path)}


LAYOUT = Layout(
    "challenge",
    f"2019 challenge, Training, Val, Testing and {TRAIN_LIST}",
    find,
    read,
    CHALLENGE_PUBLISHED,
)
