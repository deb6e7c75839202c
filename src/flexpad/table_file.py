"""Tables as files: ``# key: value`` lines, then CSV; or Parquet with that header as its metadata.

Both are read into text columns. A CSV file is parsed by polars where each line is plainly a row,
and by the slower strict parser of the standard library where cells are quoted or something is
wrong, so that the message can name the line.
"""

from __future__ import annotations

import codecs
import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO, StringIO
from pathlib import Path

import polars as pl

from flexpad.files import whole_file
from flexpad.types import BadInput

PARQUET = ".parquet"


@dataclass(frozen=True)
class TableFile:
    """What a file holds.

    Attributes:
        header: The ``# key: value`` lines.
        rows: (S, columns) text without nulls.
    """

    header: dict[str, str]
    rows: pl.DataFrame


def read(path: Path) -> TableFile:
    """Read a table.

    Raises:
        BadInput: The file is missing, no text, has no or repeated column names, a line has too few
            or too many cells, or a header key stands twice with different values.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    return _read_parquet(path, content) if path.suffix == PARQUET else _read_csv(path, content)


def write(path: Path, header: Mapping[str, str], rows: pl.DataFrame) -> None:
    """Write a table; the file appears whole or not at all, as Parquet if its name says so.

    Args:
        path: File to write.
        header: Keys and values of one line each.
        rows: Columns of text and numbers; an empty text is an empty cell.

    Raises:
        BadInput: The file cannot be written.
    """
    try:
        with whole_file(path) as partial:
            if path.suffix == PARQUET:
                rows.write_parquet(partial, metadata=dict(header))
            else:
                with partial.open("wb") as out:
                    for key, value in header.items():
                        out.write(f"# {key}: {value}".rstrip().encode() + b"\n")
                    words = pl.col(pl.String)
                    rows.with_columns(pl.when(words != "").then(words)).write_csv(out)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error


def _read_parquet(path: Path, content: bytes) -> TableFile:
    try:
        metadata = pl.read_parquet_metadata(BytesIO(content))
        rows = pl.read_parquet(BytesIO(content))
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{path}: is not a Parquet table") from error
    header = {key: value for key, value in metadata.items() if key != "ARROW:schema"}
    return TableFile(header, rows.cast(pl.String).fill_null(""))


def _read_csv(path: Path, content: bytes) -> TableFile:
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        header, names, body, line = _read_header(path, content)
        for name, count in Counter(names).items():
            if count > 1:
                raise BadInput(f"{path}: column {name!r} stands {count} times")
        rows = _parse_plain(content[body:], names)
        if rows is None:
            rows = _parse_strictly(path, content[body:].decode(), names, line)
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    return TableFile(header, rows)


def _read_header(path: Path, content: bytes) -> tuple[dict[str, str], list[str], int, int]:
    """Read the comment lines and the column names; say where they end, and in what line."""
    header: dict[str, str] = {}
    place = 0
    for number, raw in enumerate(BytesIO(content), start=1):
        place += len(raw)
        if b"\0" in raw:
            raise BadInput(f"{path}: is not a text file")
        line = raw.decode()
        if line.startswith("#"):
            key, _, value = (part.strip() for part in line[1:].partition(":"))
            if header.setdefault(key, value) != value:
                raise BadInput(f"{path}, line {number}: header key {key!r} stands there already")
        elif line.strip():
            header.pop("", None)  # an empty comment
            return header, next(csv.reader([line])), place, number
    raise BadInput(f"{path}: has no column names")


def _parse_plain(body: bytes, names: list[str]) -> pl.DataFrame | None:
    """Parse a body without quotes and blank lines; None if it is not plainly one row a line."""
    if b'"' in body or b"\r" in body or b"\n\n" in body or body.startswith(b"\n"):
        return None
    if not body:
        return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    if body.count(b",") != lines * (len(names) - 1):
        return None
    try:  # no line has too many cells or this would raise; so none has too few
        table = pl.read_csv(body, has_header=False, new_columns=names, infer_schema=False)
    except pl.exceptions.PolarsError:
        return None
    return table.fill_null("") if table.shape == (lines, len(names)) else None


def _parse_strictly(path: Path, body: str, names: list[str], skipped: int) -> pl.DataFrame:
    rows = list(_cells(path, body, len(names), skipped))
    return pl.DataFrame(rows, dict.fromkeys(names, pl.String), orient="row")


def _cells(path: Path, body: str, width: int, skipped: int) -> Iterator[list[str]]:
    table = csv.reader(StringIO(body, newline=""), strict=True)
    try:
        for cells in table:
            if len(cells) == width:
                yield cells
            elif cells:
                line = skipped + table.line_num
                raise BadInput(f"{path}, line {line}: has {len(cells)} cells, not {width}")
    except csv.Error as error:
        line = skipped + table.line_num
        raise BadInput(f"{path}, line {line}: is not CSV ({error})") from error
