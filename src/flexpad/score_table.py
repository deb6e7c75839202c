"""The score table: one row per item and condition. The border between models and measuring.

Anybody's scores may come in through it. A score is higher for more bona fide; an empty cell or NaN
is a non-response. Lines before the column names start with ``#`` and carry ``key: value``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl

from flexpad.files import whole_file
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
UNITS = ("frame", "video")
FRAMES_TO_VIDEO = {
    "mean": "mean of the answered frames",
    "median": "median of the answered frames",
    "first": "first answered frame",
}
OF_A_VIDEO = ("label", "pai_species", "subject_id", "split")  # the same for all its frames
_SUMMARY = {"mean": pl.Expr.mean, "median": pl.Expr.median, "first": pl.Expr.first}


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
        """Of the file the rows were read from, or of the file :func:`write` would write."""
        return self.file_sha256 or hashlib.sha256(_text(self).encode()).hexdigest()

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
        rows = pl.read_csv(path, skip_lines=skip, infer_schema=False).fill_null("")
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
    _check_keys(rows, path, first_row)
    scores = _read_scores(rows["score"], path, first_row)
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return ScoreTable(rows.with_columns(scores), header, str(path), digest)


def write(table: ScoreTable, path: Path) -> None:
    """Write a score table; floats keep every digit. The file appears whole or not at all.

    Raises:
        ValueError: A header key or value would not be read back: it holds a line break, or the key
            a colon.
    """
    text = _text(table)
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")


def per_unit(table: ScoreTable, unit: str, how: str = "mean") -> ScoreTable:
    """Turn a table of frames into the unit that is measured: ``frame`` or ``video``.

    A video's score is the mean, the median or the first of its answered frames' scores, in the
    order of the table; without an answered frame the video is a non-response. Its sample_id is its
    video_id; a group its frames do not share becomes "". A table of videos says so in its header,
    and how they were made, and is never summed up again.

    Args:
        table: Of frames, or already of the unit.
        unit: ``frame`` or ``video``.
        how: ``mean``, ``median`` or ``first``.

    Raises:
        BadInput: The unit or the way is unknown, the table is of another unit or its videos were
            made another way, a row has no video_id, or the frames of one video have several labels,
            species, subjects or splits.
    """
    if unit not in UNITS:
        raise BadInput(f"unit {unit!r} is unknown; choose {' or '.join(UNITS)}")
    if how not in FRAMES_TO_VIDEO:
        raise BadInput(f"frames to video: {how!r} is unknown; choose {', '.join(FRAMES_TO_VIDEO)}")
    already = table.header.get("unit", "frame")
    if already == unit:
        made = table.header.get("frames_to_video")
        if unit == "video" and made not in (None, FRAMES_TO_VIDEO[how]):
            raise BadInput(
                f"{table.name}: its videos are the {made}, not the {how}; do not mix them"
            )
        return table
    if already != "frame":
        raise BadInput(f"{table.name}: its rows are of unit {already!r}; give the frames' table")
    key = ["dataset", "protocol", "condition", "video_id"]
    _check_videos(table, key)
    videos = table.rows.group_by(key, maintain_order=True).agg(
        pl.col("video_id").first().alias("sample_id"),
        pl.col(OF_A_VIDEO).first(),
        *(_if_shared(column) for column in table.groups),
        _SUMMARY[how](pl.col("score").fill_nan(None).drop_nulls()),
    )
    header = {**table.header, "unit": unit, "frames_to_video": FRAMES_TO_VIDEO[how]}
    return replace(table, rows=videos.select(table.rows.columns), header=header)


def _if_shared(column: str) -> pl.Expr:
    several = pl.col(column).n_unique() > 1
    return pl.when(several).then(pl.lit("")).otherwise(pl.col(column).first()).alias(column)


def _check_videos(table: ScoreTable, key: list[str]) -> None:
    """Refuse rows that are of no video, and videos that are of two minds about what they show."""
    if (table.rows["video_id"] == "").any():
        sample = table.rows.filter(pl.col("video_id") == "")["sample_id"][0]
        raise BadInput(f"{table.name}: {sample!r} has no video_id; measure in unit 'frame'")
    kinds = table.rows.select(*key, *OF_A_VIDEO).unique(maintain_order=True)
    twice = kinds.filter(~pl.struct(key).is_unique())
    if twice.is_empty():
        return
    video = twice.filter(pl.struct(key) == pl.struct(key).first())
    column = next(column for column in OF_A_VIDEO if video[column].n_unique() > 1)
    found = " and ".join(map(repr, sorted(set(video[column]))))
    raise BadInput(
        f"{table.name}: video {video['video_id'][0]!r} has {column} {found}; give each video one"
    )


def _text(table: ScoreTable) -> str:
    """The whole file."""
    for key, value in table.header.items():
        if ":" in key or len(f"{key}{value}".splitlines()) > 1:
            raise ValueError(f"header {key!r}: {value!r} does not fit one '# key: value' line")
    lines = "".join(f"# {key}: {value}\n" for key, value in table.header.items())
    body = StringIO()
    words = pl.col(pl.String)
    table.rows.with_columns(pl.when(words != "").then(words)).write_csv(body)  # an empty cell
    return lines + body.getvalue()


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


def _check_keys(rows: pl.DataFrame, path: Path, first_row: int) -> None:
    """Refuse a row without sample_id, and an item that is scored twice in one condition."""
    nameless = (rows["sample_id"] == "").arg_true()
    if len(nameless):
        raise BadInput(f"{path}, line {first_row + nameless[0]}: sample_id is empty")
    key = pl.struct("dataset", "protocol", "sample_id", "condition")
    again = rows.select(~key.is_first_distinct()).to_series().arg_true()
    if len(again):
        sample, condition = rows.select("sample_id", "condition").row(int(again[0]))
        raise BadInput(
            f"{path}, line {first_row + again[0]}: {sample!r} has a second score in condition"
            f" {condition}; keep one"
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
