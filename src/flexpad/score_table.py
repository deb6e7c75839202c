"""The score table: one row per item and condition. The border between models and measuring.

Anybody's scores may come in through it. A score is higher for more bona fide; an empty cell or NaN
is a non-response. Lines before the column names start with ``#`` and carry ``key: value``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl

from flexpad.registry import did_you_mean
from flexpad.types import ATTACK, BONAFIDE, CONDITIONS, SPLITS, BadInput

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
    """

    rows: pl.DataFrame
    header: Mapping[str, str] = field(default_factory=dict)
    name: str = "score table"

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
        return ScoreTable(
            self.rows.filter(pl.col("condition") == condition), self.header, self.name
        )

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


def read(path: Path) -> ScoreTable:
    """Read and check a score table.

    Raises:
        BadInput: The file is missing, a column is missing or unknown, or a cell does not fit.
    """
    header, skip = _read_header(path)
    try:
        rows = pl.read_csv(path, skip_rows=skip, infer_schema=False).fill_null("")
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: is not a CSV table ({str(error).splitlines()[0]})") from error
    for column in COLUMNS:
        if column not in rows.columns:
            raise BadInput(f"{path}: column {column!r} is missing")
    for column in rows.columns:
        if column not in COLUMNS and not column.startswith(GROUP_PREFIX):
            raise BadInput(f"{path}: column {column!r} is unknown; {did_you_mean(column, COLUMNS)}")
    if rows.is_empty():
        raise BadInput(f"{path}: has no rows")
    first_row = skip + 2  # the line of the first row, counted from 1
    _check_words(rows, path, first_row)
    scores = _read_scores(rows["score"], path, first_row)
    return ScoreTable(rows.with_columns(scores), header, str(path))


def write(table: ScoreTable, path: Path) -> None:
    """Write a score table; floats keep every digit. The file appears whole or not at all."""
    lines = "".join(f"# {key}: {value}\n" for key, value in table.header.items())
    body = StringIO()
    table.rows.write_csv(body)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(lines + body.getvalue(), encoding="utf-8")
    partial.replace(path)


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """Read the ``# key: value`` lines and count them."""
    header: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for count, line in enumerate(lines):
                if not line.startswith("#"):
                    return header, count
                key, _, value = line[1:].partition(":")
                header[key.strip()] = value.strip()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    raise BadInput(f"{path}: has no column names")


def _check_words(rows: pl.DataFrame, path: Path, first_row: int) -> None:
    """Refuse a label, split or condition that is none, and a species against its label."""
    allowed = {"label": (BONAFIDE, ATTACK), "split": SPLITS, "condition": CONDITIONS}
    for column, words in allowed.items():
        wrong = (~rows[column].is_in(words)).arg_true()
        if len(wrong):
            line, value = first_row + wrong[0], rows[column][int(wrong[0])]
            raise BadInput(
                f"{path}, line {line}: {column} {value!r} should be {' or '.join(words)}"
            )
    clash = ((rows["label"] == ATTACK) == (rows["pai_species"] == "")).arg_true()
    if len(clash):
        raise BadInput(
            f"{path}, line {first_row + clash[0]}: pai_species has to be given for an attack"
            " and empty for a bona fide"
        )


def _read_scores(column: pl.Series, path: Path, first_row: int) -> pl.Series:
    """Text to float64; empty and NaN become null, infinite or other text is refused."""
    text = column.str.strip_chars()
    scores = text.cast(pl.Float64, strict=False)
    bad = (scores.is_null() & (text != "")) | scores.is_infinite().fill_null(value=False)
    wrong = bad.arg_true()
    if len(wrong):
        line, value = first_row + wrong[0], column[int(wrong[0])]
        raise BadInput(f"{path}, line {line}: score {value!r} is not a finite number")
    return scores.fill_nan(None).alias("score")
