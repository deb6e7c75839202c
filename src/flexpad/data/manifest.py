"""The manifest: one row per item, that is the frames of one moment. The border of data sets.

Left of it code knows data sets; right of it nothing does. It is plain CSV. Lines before the column
names start with ``#`` and carry ``key: value``; ``root`` is the folder all paths are relative to.
A cell never holds a line break, so that a line is a row for every tool.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, TextIO

from flexpad.data.row import COLUMNS, Row, complaint, is_line
from flexpad.files import whole_file
from flexpad.registry import did_you_mean
from flexpad.types import ATTACK, BONAFIDE, BadInput, is_rendered

__all__ = ["COLUMNS", "GROUP_PREFIX", "Manifest", "Row", "read", "sha256", "validate", "write"]

GROUP_PREFIX = "group_"
_FRAME = COLUMNS.index("frame")


@dataclass(frozen=True)
class Manifest:
    """Rows with the folder their paths start from and the words about their origin.

    Attributes:
        root: Folder that the paths of the rows are relative to.
        rows: The items.
        header: Source lists with sha256, licence line, reader and its version, ...
        name: What to call the manifest in messages, usually its file name.
    """

    root: Path
    rows: tuple[Row, ...]
    header: Mapping[str, str] = field(default_factory=dict)
    name: str = "manifest"

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def split(self, split: str) -> Manifest:
        """Only the rows of one split.

        Raises:
            BadInput: There are none.
        """
        rows = tuple(row for row in self.rows if row.split == split)
        if not rows:
            raise BadInput(f"{self.name}: has no rows with split {split!r}")
        return replace(self, rows=rows)

    @property
    def is_rendered(self) -> bool:
        """Whether any row shows a rendered face rather than a person."""
        return any(is_rendered(row.dataset) for row in self.rows)

    def require_both_classes(self) -> None:
        """Refuse rows that are all bona fide or all attacks.

        Raises:
            BadInput: A class is missing.
        """
        splits = "+".join(sorted({row.split for row in self.rows}))
        for label in (BONAFIDE, ATTACK):
            if not any(row.label == label for row in self.rows):
                raise BadInput(f"{self.name}: split {splits!r} has no {label} rows")


def write(manifest: Manifest, path: Path) -> None:
    """Write a manifest, with its root relative to the file's own folder where that is possible.

    The file appears whole or not at all.

    Raises:
        BadInput: The manifest is one that :func:`read` would refuse, or the file cannot be written.
    """
    validate(manifest)
    groups = sorted({name for row in manifest.rows for name in row.groups})
    root = _relative(manifest.root, path.parent).as_posix()
    if not _is_header_text(root):
        raise BadInput(f"{manifest.name}: root {root!r} is not plain text; rename the folder")
    header = {"root": root, **manifest.header}
    try:
        with whole_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as out:
            out.writelines(f"# {key}: {value}".rstrip() + "\n" for key, value in header.items())
            table = csv.writer(out, lineterminator="\n")
            table.writerow([*COLUMNS, *(GROUP_PREFIX + name for name in groups)])
            for row in manifest.rows:
                cells = [getattr(row, column) for column in COLUMNS]
                table.writerow([*cells, *(row.groups.get(name, "") for name in groups)])
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error


def read(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        BadInput: The file is missing or empty, a column is missing, unknown or there twice, a line
            has too few or too many cells, or a cell does not fit.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as content:
            header, names, skipped = _read_header(path, content)
            rows = tuple(_read_rows(path, content, names, skipped))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    root = (path.parent / header.pop("root", ".")).resolve()
    manifest = Manifest(root, rows, header, str(path))
    validate(manifest)
    return manifest


def validate(manifest: Manifest) -> None:
    """Refuse a manifest that cannot be used.

    Raises:
        BadInput: No rows, a sample_id that stands twice, a row whose label, split, species, paths
            or modalities do not fit together, or text that cannot stand in the file.
    """
    if not manifest.rows:
        raise BadInput(f"{manifest.name}: has no rows")
    _check_header(manifest)
    sample, count = Counter(row.sample_id for row in manifest.rows).most_common(1)[0]
    if count > 1:
        raise BadInput(f"{manifest.name}: sample_id {sample!r} stands {count} times")
    for row in manifest.rows:
        wrong = complaint(row)
        if wrong:
            raise BadInput(f"{manifest.name}: row {row.sample_id!r}: {wrong}")


def sha256(path: Path) -> str:
    """Hash a file, as it stands in headers."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _check_header(manifest: Manifest) -> None:
    """Refuse header entries that would not read back as they are."""
    if "root" in manifest.header:
        raise BadInput(f"{manifest.name}: header key 'root' is what the manifest's root is for")
    for key, value in manifest.header.items():
        if ":" in key or not key or not (_is_header_text(key) and _is_header_text(value)):
            raise BadInput(f"{manifest.name}: header '{key!r}: {value!r}' is not one line of text")


def _is_header_text(text: str) -> bool:
    return text == text.strip() and is_line(text)


def _relative(root: Path, start: Path) -> Path:
    """Say how to get from one folder to another, so that both can be moved together."""
    root, start = root.resolve(), start.resolve()
    for up, parent in enumerate([start, *start.parents]):
        if root.is_relative_to(parent):
            return Path(*[".."] * up, root.relative_to(parent))
    return root  # another drive


def _read_header(path: Path, content: TextIO) -> tuple[dict[str, str], list[str], int]:
    """Read the ``# key: value`` lines and the column names, and count the lines they take."""
    header: dict[str, str] = {}
    for number, line in enumerate(iter(content.readline, ""), start=1):
        if "\0" in line:
            raise BadInput(f"{path}: is not a text file")
        if line.startswith("#"):
            key, _, value = (part.strip() for part in line[1:].partition(":"))
            if header.setdefault(key, value) != value:
                raise BadInput(f"{path}, line {number}: header key {key!r} stands there already")
        elif line.strip():
            names = next(csv.reader([line]))
            _check_columns(names, path)
            header.pop("", None)  # an empty comment
            return header, names, number
    raise BadInput(f"{path}: has no column names")


def _read_rows(path: Path, content: TextIO, names: list[str], skipped: int) -> Iterator[Row]:
    pick = itemgetter(*(names.index(column) for column in COLUMNS))
    groups = [
        (name.removeprefix(GROUP_PREFIX), place)
        for place, name in enumerate(names)
        if name not in COLUMNS
    ]
    table = csv.reader(content, strict=True)
    try:
        for cells in table:
            if len(cells) == len(names):
                values: list[Any] = list(pick(cells))
                values[_FRAME] = _read_frame(values[_FRAME], path, skipped + table.line_num)
                values.append({name: cells[place] for name, place in groups})
                yield Row(*values)
            elif cells:
                line = skipped + table.line_num
                raise BadInput(f"{path}, line {line}: has {len(cells)} cells, not {len(names)}")
    except csv.Error as error:
        line = skipped + table.line_num
        raise BadInput(f"{path}, line {line}: is not CSV ({error})") from error


def _check_columns(names: Sequence[str], path: Path) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadInput(f"{path}: column {name!r} stands {count} times")
        if name not in COLUMNS and not name.startswith(GROUP_PREFIX):
            raise BadInput(f"{path}: column {name!r} is unknown; {did_you_mean(name, COLUMNS)}")
    for column in COLUMNS:
        if column not in names:
            raise BadInput(f"{path}: column {column!r} is missing")


def _read_frame(text: str, path: Path, line: int) -> int:
    if text.isascii() and text.isdigit():
        return int(text)
    raise BadInput(f"{path}, line {line}: frame {text!r} is not a whole number")
