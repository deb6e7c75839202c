"""What a score table is, once it is in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl

from flexpad import table_file
from flexpad.types import BONAFIDE, CONDITIONS

COLUMNS = (
    "sample_id",
    "video_id",
    "subject_id",
    "dataset",
    "protocol",
    "split",
    "condition",
    "label",
    "pai_species",
    "score",
)
GROUP_PREFIX = "group_"


@dataclass(frozen=True)
class ScoreTable:
    """Scores with all that is needed to measure them, S rows.

    Attributes:
        rows: A data frame with :data:`COLUMNS` and any ``group_*`` columns. ``score`` is float64
            with null for a non-response; everything else is text, ``pai_species`` and groups "" if
            they do not apply.
        header: Where the scores come from: method, weights sha256, manifest sha256, commit, ...
        name: What to call the table in messages, usually its file name.
        file_sha256: Of the file the rows were read from, also for a part of them; "" for rows that
            come from no file.
    """

    rows: pl.DataFrame
    header: Mapping[str, str] = field(default_factory=dict)
    name: str = "score table"
    file_sha256: str = ""

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions that have rows, in the order of :data:`flexpad.types.CONDITIONS`."""
        have = set(self.rows["condition"].unique())
        return tuple(condition for condition in CONDITIONS if condition in have)

    @property
    def groups(self) -> tuple[str, ...]:
        """The ``group_*`` columns, with their prefix."""
        return tuple(name for name in self.rows.columns if name.startswith(GROUP_PREFIX))

    def condition(self, condition: str) -> ScoreTable:
        """Only the rows of one condition."""
        return replace(self, rows=self.rows.filter(pl.col("condition") == condition))

    @property
    def sha256(self) -> str:
        """Of the file the rows were read from, or of the CSV file they would be written to."""
        if self.file_sha256:
            return self.file_sha256
        with TemporaryDirectory() as folder:
            path = Path(folder) / "scores.csv"
            table_file.write(path, self.header, self.rows)
            with path.open("rb") as content:
                return hashlib.file_digest(content, "sha256").hexdigest()

    @property
    def scores(self) -> np.ndarray:
        """(S,) float64, NaN for a non-response."""
        return self.rows["score"].fill_null(np.nan).to_numpy()

    @property
    def is_bonafide(self) -> np.ndarray:
        """(S,) bool."""
        return (self.rows["label"] == BONAFIDE).to_numpy()

    @property
    def species(self) -> np.ndarray:
        """(S,) PAI species, "" for bona fide."""
        return self.rows["pai_species"].to_numpy()
