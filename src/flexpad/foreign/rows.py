"""The rows of one foreign file, whatever its format was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from flexpad.types import BadInput

UNSPECIFIED = "unspecified"  # the species of attacks of which nobody says what they are


@dataclass(frozen=True, slots=True)
class ForeignScores:
    """What a foreign file says about S items.

    Attributes:
        rows: ``sample_id``, ``video_id``, ``subject_id``, ``label``, ``pai_species``, ``score`` and
            any ``group_*``; everything is text as it stood there, S rows.
        path: The file.
        lines: The line each row is in, S of them.
        sources: What was read, for the header of the score table.
    """

    rows: pl.DataFrame
    path: Path
    lines: tuple[int, ...]
    sources: Mapping[str, str]


def sha256_of(path: Path) -> str:
    """Hash of a file's bytes.

    Raises:
        BadInput: It cannot be read.
    """
    try:
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
