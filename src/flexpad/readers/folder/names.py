"""What names say in a user's own data: a file's frame and modality, a word's polarity."""

from __future__ import annotations

import re
from collections.abc import Iterable

from flexpad.data.frames import frame_number
from flexpad.data.row import PATHS
from flexpad.types import ATTACK, BONAFIDE

DATASET = "folder"
SYNTH_DATASET = "synth_folder"
UNKNOWN = "unknown"  # the species of an attack that nobody named
_IMAGE = re.compile(rf"(\d+)\.({'|'.join(PATHS)})(\.[^.]+)")
_BONAFIDE_WORDS = {"bonafide", "genuine", "live", "real"}


def image_name(name: str) -> tuple[int, str] | None:
    """Read a file name ``<frame>.<modality>.<extension>``; None for any other.

    >>> [image_name(name) for name in ("0015.depth.png", "15.RGB.jpg", "0015.jpg", "15.ir.txt")]
    [(15, 'depth'), None, None, None]
    """
    match = _IMAGE.fullmatch(name)
    frame = frame_number(match[1] + match[3]) if match else None
    return (frame, match[2]) if match and frame is not None else None


def is_called_bonafide(species: str) -> bool:
    """Whether a name for a species is a word for bona fide presentations.

    >>> [is_called_bonafide(name) for name in ("Live", "bona_fide", "real.rssdk", "live_mask")]
    [True, True, False, False]
    """
    return re.sub(r"[\W_]", "", species).casefold() in _BONAFIDE_WORDS


def label_of(paths: Iterable[str]) -> str:
    """Say what the folders of some paths are called: ``bonafide``, ``attack``, or "" = neither."""
    told = {folder for path in paths for folder in path.split("/")[:-1]} & {BONAFIDE, ATTACK}
    return told.pop() if len(told) == 1 else ""
