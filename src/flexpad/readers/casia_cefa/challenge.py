"""The challenge of CVPR 2020, which is protocol 4 alone.

::

    phase1/4@1_train.txt        train/1_000_1_1_1/profile/0001.jpg 1    frames, 1 = bona fide
    phase1/4@1_dev_ref.txt      dev/003000 1                            videos
    phase1/4@1_dev_res.txt      dev/003000                              the same without labels
    phase2/4@1_test_res.txt     test/000001
    phase1/{train/1_000_1_1_1,dev/003000}/{profile,depth,ir}/0001.jpg   phase2/test/000001 likewise

Dev and test are anonymous: a video is a subject of its own there, and no species is told. Labels of
the test were never given out; ``phase2/4@1_test_ref.txt``, written like the dev list, is read if
somebody has them. Lists as used by https://github.com/ZitongYu/CDCN and
https://github.com/AlexanderParkin/CASIA-SURF_CeFA.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from flexpad.data import lists
from flexpad.data.frames import VideoFolders, frame_number, modality_folders
from flexpad.data.manifest import Row
from flexpad.data.protocols.cefa import CHALLENGE
from flexpad.data.protocols.protocol import UNKNOWN
from flexpad.data.reading import Layout, Published, Source
from flexpad.readers.casia_cefa import demographics, videos
from flexpad.types import ATTACK, BONAFIDE

LABELS = {"1": BONAFIDE, "0": ATTACK}
NUMBERS = ("4@1", "4@2", "4@3")
PHASES = {"train": "phase1", "dev": "phase1", "test": "phase2"}
_TRAIN = re.compile(r"train/(?P<name>[\d_]+)/profile/(?P<file>[^/]+)")
_ANONYMOUS = re.compile(r"(?P<split>dev|test)/(?P<name>\d+)")


def find(root: Path) -> Path | None:
    """Find the folder that holds ``phase1``: this one or its parent."""
    for candidate in (root, root.parent):
        inside = candidate / "phase1"
        if root in (inside, candidate) and any(inside.glob("4@*_train.txt")):
            return candidate
    return None


def read(source: Source) -> Iterator[Row]:
    """Read the lists of all sub-protocols; a list without labels gives no rows."""
    folders = VideoFolders(source, modality_folders("profile"))
    people = demographics.read(source.root, source)
    named: dict[str, videos.Listed] = {}
    for number in NUMBERS:
        for one in _train(source, number):
            named.setdefault(one.folder, one)
    yield from videos.rows(named.values(), folders, people)
    for split in ("dev", "test"):
        yield from _anonymous(source, split, folders)


def _train(source: Source, number: str) -> Iterator[videos.Listed]:
    """Read the training frames of a sub-protocol."""
    listing = _list(source, number, "train", "", LABELS)
    if listing is None:
        source.findings.note("missing_list", f"{source.root}/phase1/{number}_train.txt")
        return
    found: dict[str, videos.Listed] = {}
    labels = []
    for line in listing.lines:
        where = listing.where(line)
        match = _TRAIN.fullmatch(line.paths[0])
        video = videos.parse(match["name"]) if match else None
        frame = frame_number(match["file"]) if match else None
        labels.append(video.label if video else "")
        if match is None or video is None or frame is None:
            _malformed(where, line, "train/<video>/profile/0001.jpg", source)
        elif videos.fits(video, "train", listing, line, source):
            video = replace(video, groups={**video.groups, CHALLENGE: number})
            folder = f"{PHASES['train']}/train/{match['name']}"
            one = found.setdefault(folder, videos.Listed(video, folder, where))
            one.add(frame, match["file"], listing, line, source)
    lists.check_labels(listing, labels, source.findings)
    yield from found.values()


@dataclass(slots=True)
class _Anonymous:
    """A video of dev or test.

    Attributes:
        path: ``dev/003000``, which is all that is known of it.
        label: ``bonafide`` or ``attack``.
        numbers: The sub-protocols whose lists name it.
        where: List and line, for messages.
    """

    path: str
    label: str
    numbers: list[str]
    where: str


def _anonymous(source: Source, split: str, folders: VideoFolders) -> Iterator[Row]:
    """Make the rows of the videos of dev or test that have labels."""
    found: dict[str, _Anonymous] = {}
    for number in NUMBERS:
        listing = _list(source, number, split, "_ref", LABELS)
        if listing is None:
            _note_unlabelled(source, number, split)
            continue
        for line in listing.lines:
            path, where = line.paths[0], listing.where(line)
            match = _ANONYMOUS.fullmatch(path)
            if match is None or match["split"] != split:
                _malformed(where, line, f"{split}/000001", source)
                continue
            one = found.setdefault(path, _Anonymous(path, line.label, [], where))
            if one.label == line.label:
                one.numbers.append(number)
            else:
                example = f"{where}: {path!r} has another label in {one.where}"
                source.findings.note("line_against_line", example, dropped=1)
    for one in found.values():
        yield from _rows(one, split, folders, source)


def _rows(one: _Anonymous, split: str, folders: VideoFolders, source: Source) -> Iterator[Row]:
    """Make the rows of an anonymous video."""
    source.findings.note("unknown_subject", one.where)
    if one.label == ATTACK:
        source.findings.note("unknown_species", one.where)
    for frame, paths in folders.frames(f"{PHASES[split]}/{one.path}", None, one.where):
        yield Row(
            sample_id=f"{one.path}/{frame:04d}",
            dataset="casia_cefa",
            split=split,
            subject_id=one.path,
            video_id=one.path,
            frame=frame,
            label=one.label,
            pai_species=UNKNOWN if one.label == ATTACK else "",
            groups={CHALLENGE: " ".join(one.numbers)},
            depth_encoding=videos.ENCODING if "depth" in paths else "",
            ir_encoding=videos.ENCODING if "ir" in paths else "",
            **paths,
        )


def _list(
    source: Source, number: str, split: str, kind: str, labels: Mapping[str, str] | None
) -> lists.ListFile | None:
    """Read a list of a sub-protocol; None where there is none."""
    path = source.root / PHASES[split] / f"{number}_{split}{kind}.txt"
    if not path.is_file():
        return None
    listing = lists.read(path, labels, source.findings, 1 if labels is None else 2)
    source.header[f"list_{number}_{split}{kind}"] = listing.source(source.root)
    return listing


def _note_unlabelled(source: Source, number: str, split: str) -> None:
    """Say that a split cannot be used, and what is missing for it."""
    wanted = f"{PHASES[split]}/{number}_{split}_ref.txt"
    listing = _list(source, number, split, "_res", None)
    if listing is None:
        source.findings.note("missing_list", f"{source.root / wanted}")
    else:
        count = len(listing.lines)
        example = f"{listing.path}: has no labels; {split} needs {wanted} ('{split}/000001 1')"
        source.findings.note("unlabelled_line", example, count=count, dropped=count)


def _malformed(where: str, line: lists.Line, shape: str, source: Source) -> None:
    example = f"{where}: {line.paths[0]!r} should be {shape}"
    source.findings.note("malformed_line", example, dropped=1)


LAYOUT = Layout(
    "challenge",
    "CVPR 2020 challenge, phase1/4@1_train.txt and its like",
    find,
    read,
    (
        Published("train", BONAFIDE, videos=600, subjects=600),
        Published("train", "replay", videos=600, subjects=600),
        Published("dev", BONAFIDE, videos=300),
        Published("dev", ATTACK, videos=300),
    ),
)
