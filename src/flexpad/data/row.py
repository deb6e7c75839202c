"""One row of a manifest: an item, that is the frames of one moment, and what has to hold for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS, Modality


@dataclass(frozen=True, slots=True)
class Row:
    """One item.

    Attributes:
        sample_id: Unique in a manifest.
        dataset: E.g. ``casia_surf``; rendered sets begin with ``synth``.
        split: train, dev or test.
        subject_id: The person (or head) that is shown.
        video_id: The recording the frames come from.
        frame: Its number in the recording, not negative.
        label: ``bonafide`` or ``attack``.
        pai_species: The species of the instrument, "" for bona fide.
        rgb: Path relative to the manifest's root, or "" = absent. Absent is not black.
        depth: Likewise.
        ir: Likewise.
        box: Face box ``x0 y0 x1 y1`` in RGB pixels, "" = already cropped.
        groups: Attributes to break rates down by, without the prefix ``group_``; "" = unknown.
            Of a manifest that was read, every row has every group.
    """

    sample_id: str
    dataset: str
    split: str
    subject_id: str
    video_id: str
    frame: int
    label: str
    pai_species: str = ""
    rgb: str = ""
    depth: str = ""
    ir: str = ""
    box: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_bonafide(self) -> bool:
        """Whether the item is a bona fide presentation."""
        return self.label == BONAFIDE

    def path(self, modality: Modality) -> str:
        """Where the image of a modality is, "" if it is absent."""
        return str(getattr(self, modality.value))

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities the item has."""
        return tuple(modality for modality in MODALITIES if self.path(modality))


COLUMNS = tuple(f.name for f in fields(Row) if f.name != "groups")


def complaint(row: Row) -> str | None:
    """Say what is wrong with a row, None if nothing is."""
    for words, fits in _RULES:
        if not fits(row):
            return words.format(row=row)
    return None


def escapes(path: str) -> bool:
    """Whether a path leads, on any system, out of the folder it should be relative to.

    >>> [escapes(path) for path in ("a/b.jpg", "/a.jpg", "a/../../b.jpg", "C:/a.jpg")]
    [False, True, True, True]
    """
    return path.startswith(("/", "~")) or "\\" in path or path[1:3] == ":/" or _goes_up(path)


def _goes_up(path: str) -> bool:
    return ".." in path and ".." in path.split("/")


def is_line(text: str) -> bool:
    """Whether a text can stand in one line of a UTF-8 file."""
    if text.isascii():
        return not ("\n" in text or "\r" in text or "\0" in text)
    try:
        text.encode()
    except UnicodeEncodeError:  # a file name of another encoding
        return False
    return not any(mark in text for mark in "\n\r\0")


def _is_box(box: str) -> bool:
    if not box:
        return True
    try:
        x0, y0, x1, y1 = (float(number) for number in box.split())
    except ValueError:
        return False
    return x0 < x1 and y0 < y1 and all(map(math.isfinite, (x0, y0, x1, y1)))


# What has to hold for every row, with what to say where it does not.
_RULES: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    (
        "a cell holds a line break or what is not UTF-8 text",
        lambda row: is_line(
            f"{row.sample_id}{row.dataset}{row.subject_id}{row.video_id}{row.pai_species}"
            f"{row.rgb}{row.depth}{row.ir}{row.box}{''.join(row.groups)}"
            + "".join(row.groups.values())
        ),
    ),
    (
        "sample_id, dataset, subject_id and video_id have to be given",
        lambda row: bool(row.sample_id and row.dataset and row.subject_id and row.video_id),
    ),
    (
        f"label {{row.label!r}} should be {BONAFIDE} or {ATTACK}",
        lambda row: row.label in (BONAFIDE, ATTACK),
    ),
    (
        f"split {{row.split!r}} should be one of {', '.join(SPLITS)}",
        lambda row: row.split in SPLITS,
    ),
    (
        "pai_species has to be given for an attack and to be empty for a bona fide",
        lambda row: bool(row.pai_species) == (row.label == ATTACK),
    ),
    ("frame {row.frame} should not be negative", lambda row: row.frame >= 0),
    ("has no modality at all", lambda row: bool(row.rgb or row.depth or row.ir)),
    (
        "a path should lie inside the root and be written with '/'",
        lambda row: not (escapes(row.rgb) or escapes(row.depth) or escapes(row.ir)),
    ),
    (
        "box {row.box!r} should be four numbers 'x0 y0 x1 y1' with x0 < x1 and y0 < y1",
        lambda row: _is_box(row.box),
    ),
    ("a group has no name", lambda row: "" not in row.groups),
)
