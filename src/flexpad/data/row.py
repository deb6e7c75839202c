"""One row of a manifest: an item, that is the frames of one moment, and what has to hold for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from flexpad.types import BONAFIDE, MODALITIES, Modality


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
        thermal: Likewise; no model reads it yet.
        box: Face box ``x0 y0 x1 y1`` in RGB pixels, "" = already cropped.
        depth_encoding: What a value of the depth image means, see :mod:`flexpad.data.encoding`.
        ir_encoding: Likewise for infrared.
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
    thermal: str = ""
    box: str = ""
    depth_encoding: str = ""
    ir_encoding: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_bonafide(self) -> bool:
        """Whether the item is a bona fide presentation."""
        return self.label == BONAFIDE

    def path(self, modality: Modality) -> str:
        """Where the image of a modality is, "" if it is absent."""
        return str(getattr(self, modality.value))

    def encoding(self, modality: Modality) -> str:
        """What a value of its image means, "" if that is unknown; RGB needs no encoding."""
        return "" if modality is Modality.RGB else str(getattr(self, f"{modality.value}_encoding"))

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities the item has."""
        return tuple(modality for modality in MODALITIES if self.path(modality))


COLUMNS = tuple(f.name for f in fields(Row) if f.name != "groups")
OPTIONAL = ("thermal", "depth_encoding", "ir_encoding")  # written where any row has one
GROUP_PREFIX = "group_"
PATHS = (*(modality.value for modality in MODALITIES), "thermal")


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
