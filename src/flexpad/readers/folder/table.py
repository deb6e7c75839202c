"""A user's own data as a folder with ``items.csv``, one row per item.

Columns are those of a manifest; ``split``, ``label``, ``subject_id``, ``video_id`` and one of
``rgb``, ``depth``, ``ir`` are needed. ``subject`` and ``video`` stand for ``subject_id`` and a
``video_id`` that is unique only within subject and species, ``species`` for ``pai_species``. Any
line ends, byte-order mark and blank lines will do, as spreadsheets write them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from flexpad import table_file
from flexpad.data import rendered
from flexpad.data.frames import used
from flexpad.data.manifest import COLUMNS, GROUP_PREFIX, Row, sha256
from flexpad.data.reading import Layout, Source
from flexpad.readers.folder.cells import Cells
from flexpad.registry import did_you_mean
from flexpad.types import MODALITIES, BadInput

FILE_NAME = "items.csv"
ALIASES = {"subject": "subject_id", "video": "video_id", "species": "pai_species"}
NEEDED = ("split", "label", "subject_id", "video_id")

Video = dict[int, Row]  # by frame


def find(root: Path) -> Path | None:
    """Find a folder with ``items.csv``."""
    return root if (root / FILE_NAME).is_file() else None


def read(source: Source) -> Iterator[Row]:
    """Read the rows of ``items.csv``, video by video.

    Raises:
        BadInput: It is no CSV, holds no row, or a column is missing, unknown or there twice.
    """
    path = source.root / FILE_NAME
    table = table_file.read(path)
    if "root" in table.header:
        raise BadInput(f"{path}: names a root, so it is a manifest; use it as it is")
    columns = _columns(path, table.rows.columns)
    if table.rows.is_empty():
        raise BadInput(f"{path}: is empty below its column names")
    faces = rendered.read(source.root)
    source.header["list"] = f"{FILE_NAME} sha256 {sha256(path)}"
    if "licence" in table.header:
        source.header["licence"] = table.header["licence"]
    if faces:
        source.header.update({"licence": rendered.LICENCE, **faces.header})
    cells = Cells(source, faces, within="video" in table.rows.columns)
    videos: dict[tuple[str, str], Video] = {}
    for number, values in enumerate(table.rows.iter_rows(), start=1):
        where = f"{path}, row {number}"
        row = cells.row(dict(zip(columns, values, strict=True)), where)
        if row is not None:
            _add(videos.setdefault((row.split, row.video_id), {}), row, where, source)
    for video in videos.values():
        yield from _chosen(video, source)


def _columns(path: Path, names: Sequence[str]) -> list[str]:
    """Give the columns as a manifest calls them."""
    known = [*COLUMNS, *ALIASES]
    columns = [ALIASES.get(name, name) for name in names]
    for name, column in zip(names, columns, strict=True):
        if name not in known and not name.startswith(GROUP_PREFIX):
            hint = did_you_mean(name, known)
            raise BadInput(f"{path}: column {name!r} is unknown; {hint}, or call it group_{name}")
        if columns.count(column) > 1:
            raise BadInput(f"{path}: column {column!r} stands there as {name!r} too; keep one")
    for column in NEEDED:
        if column not in columns:
            raise BadInput(f"{path}: column {column!r} is missing")
    if not any(modality.value in columns for modality in MODALITIES):
        raise BadInput(f"{path}: has none of the columns {', '.join(MODALITIES)}")
    return columns


def _add(video: Video, row: Row, where: str, source: Source) -> None:
    """Add a row to its video; what cannot be of the same video is noted and left out."""
    first = next(iter(video.values()), row)
    for column in ("subject_id", "label", "pai_species"):
        if getattr(first, column) != getattr(row, column):
            example = (
                f"{where}: {column} {getattr(row, column)!r}, but another row of video"
                f" {row.video_id!r} has {getattr(first, column)!r}"
            )
            source.findings.note("malformed_line", example, dropped=1)
            return
    if row.frame in video:
        example = f"{where}: video {row.video_id!r} has a frame {row.frame} already"
        source.findings.note("repeated_frame", example, dropped=1)
    else:
        video[row.frame] = row


def _chosen(video: Video, source: Source) -> Iterator[Row]:
    """Choose among the frames of a video."""
    found = {
        modality.value: {frame: row.path(modality) for frame, row in video.items()}
        for modality in MODALITIES
    }
    there = {
        m: {frame: path for frame, path in paths.items() if path} for m, paths in found.items()
    }
    name = next(iter(video.values())).video_id
    for frame, _ in used(there, video.keys(), name, source):
        yield video[frame]


LAYOUT = Layout("csv", f"any folder with {FILE_NAME}, one row per item", find, read)
