"""Score tables as files: checked cell by cell, and ten million rows within seconds.

A file that is plainly one row a line is parsed where it lies, with scores as floats. Whatever is
not so plain goes the slower way of :mod:`flexpad.table_file`, which knows quotes, blank lines and
Parquet and can say what is wrong.
"""

from __future__ import annotations

import csv
import hashlib
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl

from flexpad import table_file
from flexpad.registry import did_you_mean
from flexpad.score_table.table import COLUMNS, GROUP_PREFIX, ScoreTable
from flexpad.table_file import TableFile
from flexpad.types import ATTACK, BONAFIDE, CONDITIONS, SPLITS, BadInput

WORDS = {"label": (BONAFIDE, ATTACK), "split": SPLITS, "condition": CONDITIONS}
KEY = ("dataset", "protocol", "sample_id", "condition")  # of which there is one score
CHUNK = 1 << 20  # bytes
COMMA, QUOTE, NEWLINE = b',"\n'


def read(path: Path) -> ScoreTable:
    """Read and check a score table, CSV or Parquet.

    Raises:
        BadInput: The file is missing or no table, a column is missing or unknown, or a cell does
            not fit.
    """
    file = _read_plainly(path) or table_file.read(path)
    rows = file.rows
    for column in COLUMNS:
        if column not in rows.columns:
            raise BadInput(f"{path}: column {column!r} is missing")
    for column in rows.columns:
        if column not in COLUMNS and not column.startswith(GROUP_PREFIX):
            raise BadInput(f"{path}: column {column!r} is unknown; {did_you_mean(column, COLUMNS)}")
    if rows.is_empty():
        raise BadInput(f"{path}: has no rows")
    _check_words(rows, path)
    _check_keys(rows, path)
    scores = _read_scores(rows["score"], path)
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return ScoreTable(rows.with_columns(scores), file.header, str(path), digest)


def write(table: ScoreTable, path: Path) -> None:
    """Write a score table; floats keep every digit. The file appears whole or not at all.

    Raises:
        BadInput: The file cannot be written.
        ValueError: A header key or value would not be read back: it holds a line break, or the key
            a colon.
    """
    for key, value in table.header.items():
        if ":" in key or len(f"{key}{value}".splitlines()) > 1:
            raise ValueError(f"header {key!r}: {value!r} does not fit one '# key: value' line")
    table_file.write(path, table.header, table.rows)


def _read_plainly(path: Path) -> TableFile | None:
    """Read a file that has one row a line and no quotes; None if it is not so or cannot be read."""
    try:
        with path.open("rb") as content:
            head = _read_head(content)
            if not head or not _is_plain(content, len(head[1])):
                return None
    except (OSError, UnicodeDecodeError):
        return None
    header, names, lines = head
    words = dict.fromkeys(names, pl.String)
    for number in (pl.Float64, pl.String):  # as text, so that what is no finite score can be shown
        try:
            rows = pl.read_csv(
                path, has_header=False, skip_lines=lines, schema=words | {"score": number}
            )
        except pl.exceptions.PolarsError:
            continue
        if number == pl.String or not rows["score"].is_infinite().any():
            return TableFile(header, rows.with_columns(pl.exclude("score").fill_null("")))
    return None


def _read_head(content: BinaryIO) -> tuple[dict[str, str], list[str], int] | None:
    """Read the ``# key: value`` lines and the column names, and count these lines."""
    header: dict[str, str] = {}
    for number, line in enumerate(content, start=1):
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").rstrip("\r\n")
        if not text.startswith("#"):
            names = text.split(",")
            plain = '"' not in text and len(set(names)) == len(names) and set(COLUMNS) <= set(names)
            header.pop("", None)  # an empty comment
            return (header, names, number) if plain else None
        key, _, value = (part.strip() for part in text[1:].partition(":"))
        if header.setdefault(key, value) != value:
            return None
    return None


def _is_plain(content: BinaryIO, columns: int) -> bool:
    """Whether the rest of a file has as many commas as so many lines should have, and no quote.

    With as many, one line can only have too few cells if another has too many, which polars
    refuses.
    """
    commas = lines = 0
    last = NEWLINE
    while chunk := content.read(CHUNK):
        marks = np.frombuffer(chunk, np.uint8)
        if (marks == QUOTE).any():
            return False
        commas += int(np.count_nonzero(marks == COMMA))
        lines += int(np.count_nonzero(marks == NEWLINE))
        last = marks[-1]
    lines += last != NEWLINE
    return commas == lines * (columns - 1)


def _check_words(rows: pl.DataFrame, path: Path) -> None:
    """Refuse a label, split or condition that is none, and a species against its label."""
    for column, words in WORDS.items():
        if set(rows[column].unique()) <= set(words):
            continue
        wrong = int((~rows[column].is_in(words)).arg_true()[0])
        raise BadInput(
            f"{_place(path, wrong)}: {column} {rows[column][wrong]!r} should be"
            f" {' or '.join(words)}"
        )
    clash = ((rows["label"] == ATTACK) == (rows["pai_species"] == "")).arg_true()
    if len(clash):
        raise BadInput(
            f"{_place(path, clash[0])}: pai_species has to be given for an attack and empty for a"
            " bona fide"
        )


def _check_keys(rows: pl.DataFrame, path: Path) -> None:
    """Refuse a row without sample_id, and an item that is scored twice in one condition."""
    nameless = (rows["sample_id"] == "").arg_true()
    if len(nameless):
        raise BadInput(f"{_place(path, nameless[0])}: sample_id is empty")
    key = pl.struct(KEY)
    hashes = rows.lazy().select(key.hash()).collect(engine="streaming").to_series()
    if hashes.n_unique() == len(rows):
        return  # where hashes differ keys do; only where two agree, the keys are compared
    again = rows.select(~key.is_first_distinct()).to_series().arg_true()
    if len(again):
        sample, condition = rows.select("sample_id", "condition").row(int(again[0]))
        raise BadInput(
            f"{_place(path, again[0])}: {sample!r} has a second score in condition {condition};"
            " keep one"
        )


def _read_scores(column: pl.Series, path: Path) -> pl.Series:
    """Scores as float64; empty and NaN become null, infinite or other text is refused."""
    if column.dtype == pl.Float64:
        return column.fill_nan(None)
    text = column.fill_null("").str.strip_chars()
    scores = text.cast(pl.Float64, strict=False)
    bad = (scores.is_null() & (text != "")) | scores.is_infinite().fill_null(value=False)
    wrong = bad.arg_true()
    if len(wrong):
        value = column[int(wrong[0])]
        raise BadInput(f"{_place(path, wrong[0])}: score {value!r} is not a finite number")
    return scores.fill_nan(None).alias("score")


def _place(path: Path, row: int) -> str:
    """Name the line of a row, counted from 0; blank lines are no rows."""
    if path.suffix == table_file.PARQUET:
        return f"{path}, row {row + 1}"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        names = next(n for n, line in enumerate(lines, 1) if line.strip() and line[0] != "#")
        table = csv.reader(lines)
        rows = (table.line_num for cells in table if cells)
        return f"{path}, line {names + next(islice(rows, row, None))}"
