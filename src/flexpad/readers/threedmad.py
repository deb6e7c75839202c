"""3DMAD: 17 subjects without and with rigid masks of their faces, by a Kinect.

::

    session01/Data/04_01_05.hdf5      subject, session, shot; sessions 01 and 02 are bona fide, in
                                      03 the subjects wear masks
        Color_Data (N, 3, 480, 640) uint8, Depth_Data (N, 1, 480, 640), Eye_Pos (N, 4)

Layout: bob.pad.face and public loaders; the set: Erdogmus and Marcel, "Spoofing in 2D Face
Recognition with 3D Masks and Anti-spoofing with Kinect", BTAS 2013.

There are no lists: a subject's number decides its split, see
:mod:`flexpad.data.protocols.threedmad`. There is no infrared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flexpad.data import containers
from flexpad.data.manifest import Row
from flexpad.data.protocols.threedmad import MASK, PUBLISHED, split_of
from flexpad.data.reading import DataSet, Layout, Source
from flexpad.types import ATTACK, BONAFIDE, BadInput

SESSIONS = ("session01", "session02", "session03")
MASK_SESSION = "03"
NAME = re.compile(r"(\d\d)_(\d\d)_(\d\d)\.hdf5")
EIGHT_BIT = "8bit:threedmad"
RAW = "mad:6"  # inferred: no source gives the unit of raw depth; n of bob.pad.face for depth
# Of the box, in distances between the eyes. # inferred
SIDE, ABOVE_EYES = 2.8, 2.8 / 3
NEAREST_EYES = 2.0  # pixels; eyes that were not marked lie on each other, or are not a number

Eyes = NDArray[np.float64]


def find(root: Path) -> Path | None:
    """Find the folder of the sessions: this one, or one in it."""
    for candidate in (root, *sorted(path.parent for path in root.glob(f"*/{SESSIONS[0]}"))):
        if any((candidate / session).is_dir() for session in SESSIONS):
            return candidate
    return None


def read(source: Source) -> Iterator[Row]:
    """Make the rows of all frames of all recordings."""
    for session in SESSIONS:
        files = sorted((source.root / session).glob("**/*"))
        if not files:
            source.findings.note("missing_item", f"{source.root / session}: there is nothing")
        for file in files:
            match = NAME.fullmatch(file.name)
            path = file.relative_to(source.root).as_posix()
            if match is None:
                if file.is_file():
                    source.findings.note("ignored_file", path)
            elif (match[2] == MASK_SESSION) != session.endswith(MASK_SESSION):
                example = f"{path}: its name says session {match[2]}, but it lies in {session}"
                source.findings.note("label_against_path", example, dropped=1)
            elif split_of(match[1]):
                yield from _rows(path, match[1], match[2], source)
            else:
                example = f"{path}: there is no subject {match[1]} in 3DMAD"
                source.findings.note("no_split", example, dropped=1)


def box_of(eyes: Eyes) -> str:
    """Give the box of a face by its eyes.

    A square of 2.8 times the distance between the eyes, its middle below theirs and the line of
    the eyes at a third of its height. # inferred

    Args:
        eyes: x and y of one eye, then of the other, (4,) in pixels.

    >>> box_of(np.array([300.0, 200.0, 350.0, 200.0]))
    '255 153 395 293'
    """
    x0, y0, x1, y1 = eyes
    distance = float(np.hypot(x1 - x0, y1 - y0))
    left = (x0 + x1) / 2 - SIDE * distance / 2
    top = (y0 + y1) / 2 - ABOVE_EYES * distance
    edges = (left, top, left + SIDE * distance, top + SIDE * distance)
    return " ".join(str(round(edge)) for edge in edges)


def _rows(path: str, subject: str, session: str, source: Source) -> Iterator[Row]:
    is_mask = session == MASK_SESSION
    video = Path(path).stem
    for frame, columns in _frames(path, source):
        yield Row(
            sample_id=f"{video}/{frame:04d}",
            dataset="threedmad",
            split=split_of(subject),
            subject_id=subject,
            video_id=video,
            frame=frame,
            label=ATTACK if is_mask else BONAFIDE,
            pai_species=MASK if is_mask else "",
            groups={"session": session},
            **columns,
        )


def _frames(path: str, source: Source) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the chosen frames of a recording, each with its images, its box and its encoding."""
    names = {"rgb": "Color_Data", "depth": "Depth_Data"}
    if source.options.lists_only:
        yield 0, {modality: f"{path}::{name}[0]" for modality, name in names.items()}
        return
    try:
        stored = containers.datasets(source.root / path)
        eyes = containers.read(source.root, f"{path}::Eye_Pos").astype(np.float64)
    except BadInput as error:
        source.findings.note("unreadable_image", str(error), dropped=1)
        return
    present = {modality: stored[name] for modality, name in names.items() if name in stored}
    count = min((len(images) for images in present.values()), default=0)
    if not count or eyes.shape != (count, 4):
        example = f"{path}: should have as many eye positions as frames, not {eyes.shape}, {count}"
        source.findings.note("missing_item", example, dropped=1)
        return
    known = _encoding(present["depth"].dtype) if "depth" in present else {}
    faces = np.hypot(eyes[:, 2] - eyes[:, 0], eyes[:, 3] - eyes[:, 1]) >= NEAREST_EYES
    without = int(count - faces.sum())
    if without:
        example = f"{path}: the eyes of frame {faces.argmin()} are nowhere"
        source.findings.note("no_face", example, count=without, dropped=without)
    usable = np.flatnonzero(faces).tolist()
    for frame in source.options.frames.choose_of(usable, path, source.findings):
        images = {modality: f"{path}::{names[modality]}[{frame}]" for modality in present}
        yield frame, {**images, **known, "box": box_of(eyes[frame])}


def _encoding(kind: np.dtype[np.generic]) -> dict[str, str]:
    return {"depth_encoding": EIGHT_BIT if kind == np.uint8 else RAW}


DATA_SET = DataSet(
    name="threedmad",
    title="3DMAD",
    licence="3DMAD licence of Idiap: research by its signatories, not to be passed on",
    version=1,
    layouts=(
        Layout(
            "hdf5",
            "session01, session02 and session03 with Data/<subject>_<session>_<shot>.hdf5",
            find,
            read,
            PUBLISHED,
        ),
    ),
)
