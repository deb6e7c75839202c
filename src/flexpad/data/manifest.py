"""The manifest: one row per item, that is the frames of one moment. The border of data sets.

Left of it code knows data sets; right of it nothing does. It is plain CSV
(or Parquet with the same content). Lines before the column
names start with ``#`` and carry ``key: value``; ``root`` is the folder all paths are relative to.
A cell never holds a line break, so that a line is a row for every tool.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from flexpad import table_file
from flexpad.data import encoding
from flexpad.data.row import COLUMNS, GROUP_PREFIX, OPTIONAL, Row, is_line
from flexpad.data.rows import Rows, complaint
from flexpad.registry import did_you_mean
from flexpad.types import ATTACK, BONAFIDE, BadInput, is_rendered

__all__ = [
    "COLUMNS",
    "GROUP_PREFIX",
    "Manifest",
    "Row",
    "Rows",
    "read",
    "sha256",
    "validate",
    "write",
]


@dataclass(frozen=True)
class Manifest:
    """Rows with the folder their paths start from and the words about their origin.

    Attributes:
        root: Folder that the paths of the rows are relative to.
        rows: The items; any sequence of rows may be given.
        header: Source lists with sha256, licence line, reader and its version, ...
        name: What to call the manifest in messages, usually its file name.

    Raises:
        BadInput: A row holds what is not UTF-8 text.
    """

    root: Path
    rows: Rows
    header: Mapping[str, str] = field(default_factory=dict)
    name: str = "manifest"

    def __post_init__(self) -> None:
        if not isinstance(self.rows, Rows):
            object.__setattr__(self, "rows", Rows.of(self.rows, self.name))

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def where(self, condition: pl.Expr) -> Manifest:
        """Only the rows a condition on the columns holds for."""
        return replace(self, rows=self.rows.where(condition))

    def split(self, split: str) -> Manifest:
        """Only the rows of one split.

        Raises:
            BadInput: There are none.
        """
        found = self.where(pl.col("split") == split)
        if not found.rows:
            raise BadInput(f"{self.name}: has no rows with split {split!r}")
        return found

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets the rows are of, by name."""
        return tuple(sorted(self.rows.table["dataset"].unique()))

    @property
    def is_rendered(self) -> bool:
        """Whether any row shows a rendered face rather than a person."""
        return any(map(is_rendered, self.datasets))

    def require_both_classes(self) -> None:
        """Refuse rows that are all bona fide or all attacks.

        Raises:
            BadInput: A class is missing.
        """
        labels = set(self.rows.table["label"].unique())
        splits = "+".join(sorted(self.rows.table["split"].unique()))
        for label in (BONAFIDE, ATTACK):
            if label not in labels:
                raise BadInput(f"{self.name}: split {splits!r} has no {label} rows")


def write(manifest: Manifest, path: Path) -> None:
    """Write a manifest, with its root relative to the file's own folder where that is possible.

    The file appears whole or not at all; a name that ends with ``.parquet`` makes it Parquet.

    Raises:
        BadInput: The manifest is one that :func:`read` would refuse, or the file cannot be written.
    """
    validate(manifest)
    root = _relative(manifest.root, path.parent).as_posix()
    if not _is_header_text(root):
        raise BadInput(f"{manifest.name}: root {root!r} is not plain text; rename the folder")
    table = manifest.rows.table
    unused = [name for name in OPTIONAL if (table[name] == "").all()]
    table_file.write(path, {"root": root, **manifest.header}, table.drop(unused))


def read(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        BadInput: The file is missing or empty, a column is missing, unknown or there twice, a line
            has too few or too many cells, or a cell does not fit.
    """
    file = table_file.read(path)
    _check_columns(file.rows.columns, path)
    frames = file.rows["frame"]
    is_number = frames.str.contains("^[0-9]{1,18}$")
    if not is_number.all():
        place = (~is_number).arg_max() or 0
        sample = file.rows["sample_id"][place]
        raise BadInput(f"{path}: row {sample!r}: frame {frames[place]!r} is not a whole number")
    rows = Rows(file.rows.with_columns(frames.cast(pl.Int64)))
    header = dict(file.header)
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
    samples = manifest.rows.table["sample_id"]
    if samples.n_unique() < len(samples):
        sample, count = samples.value_counts(sort=True).row(0)
        raise BadInput(f"{manifest.name}: sample_id {sample!r} stands {count} times")
    table = manifest.rows.table
    for wrong in filter(None, (complaint(table), encoding.complaint(table))):
        place, words = wrong
        raise BadInput(f"{manifest.name}: row {samples[place]!r}: {words}")


def sha256(path: Path) -> str:
    """Hash a file, as it stands in headers."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


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


def _check_columns(names: Sequence[str], path: Path) -> None:
    for name in names:
        if name not in COLUMNS and not name.startswith(GROUP_PREFIX):
            raise BadInput(f"{path}: column {name!r} is unknown; {did_you_mean(name, COLUMNS)}")
    for column in COLUMNS:
        if column not in names and column not in OPTIONAL:
            raise BadInput(f"{path}: column {column!r} is missing")
