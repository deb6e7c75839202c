"""The manifest: one row per item, that is the frames of one moment. The border of data sets.

Left of it code knows data sets; right of it nothing does. It is plain CSV. Lines before the column
names start with ``#`` and carry ``key: value``; ``root`` is the folder all paths are relative to.
A cell never holds a line break, so that a line is a row for every tool.
"""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TextIO

from flexpad.registry import did_you_mean
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, SPLITS, BadInput, Modality

GROUP_PREFIX = "group_"


@dataclass(frozen=True, slots=True)
class Row:
    """One item.

    Attributes:
        sample_id: Unique in a manifest.
        dataset: E.g. ``casia_surf``; rendered sets begin with ``synth``.
        split: train, dev or test.
        subject_id: The person (or head) that is shown.
        video_id: The recording the frames come from.
        frame: Its number in the recording, not negative.
        label: ``bonafide`` or ``attack``.
        pai_species: The species of the instrument, "" for bona fide.
        rgb: Path relative to the manifest's root, or "" = absent. Absent is not black.
        depth: Likewise.
        ir: Likewise.
        box: Face box ``x0 y0 x1 y1`` in RGB pixels, "" = already cropped.
        groups: Attributes to break rates down by, without the prefix ``group_``; "" = unknown.
            Of a manifest that was read, every row has every group.
    """

    sample_id: str
    dataset: str
    split: str
    subject_id: str
    video_id: str
    frame: int
    label: str
    pai_species: str = ""
    rgb: str = ""
    depth: str = ""
    ir: str = ""
    box: str = ""
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_bonafide(self) -> bool:
        """Whether the item is a bona fide presentation."""
        return self.label == BONAFIDE

    def path(self, modality: Modality) -> str:
        """Where the image of a modality is, "" if it is absent."""
        return str(getattr(self, modality.value))

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """The modalities the item has."""
        return tuple(modality for modality in MODALITIES if self.path(modality))


COLUMNS = tuple(f.name for f in fields(Row) if f.name != "groups")


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
        return any(row.dataset.startswith("synth") for row in self.rows)

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
    header = {"root": _relative(manifest.root, path.parent).as_posix(), **manifest.header}
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as out:
            out.writelines(f"# {key}: {value}".rstrip() + "\n" for key, value in header.items())
            table = csv.writer(out, lineterminator="\n")
            table.writerow([*COLUMNS, *(GROUP_PREFIX + name for name in groups)])
            for row in manifest.rows:
                cells = [getattr(row, column) for column in COLUMNS]
                table.writerow([*cells, *(row.groups.get(name, "") for name in groups)])
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        partial.unlink(missing_ok=True)


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
        for complaint, fits in _RULES:
            if not fits(row):
                raise BadInput(
                    f"{manifest.name}: row {row.sample_id!r}: {complaint.format(row=row)}"
                )


def sha256(path: Path) -> str:
    """Hash a file, as it stands in headers."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def escapes(path: str) -> bool:
    """Whether a path leads, on any system, out of the folder it should be relative to.

    >>> [escapes(path) for path in ("a/b.jpg", "/a.jpg", "a/../../b.jpg", "C:/a.jpg")]
    [False, True, True, True]
    """
    return path.startswith(("/", "~")) or "\\" in path or path[1:3] == ":/" or _goes_up(path)


def _goes_up(path: str) -> bool:
    return ".." in path and ".." in path.split("/")


def _is_box(box: str) -> bool:
    if not box:
        return True
    try:
        x0, y0, x1, y1 = (float(number) for number in box.split())
    except ValueError:
        return False
    return x0 < x1 and y0 < y1 and all(map(math.isfinite, (x0, y0, x1, y1)))


def _is_line(text: str) -> bool:
    """Whether a text can stand in one line of a UTF-8 file."""
    if text.isascii():
        return not ("\n" in text or "\r" in text or "\0" in text)
    try:
        text.encode()
    except UnicodeEncodeError:  # a file name of another encoding
        return False
    return not any(mark in text for mark in "\n\r\0")


# What has to hold for every row, with what to say where it does not.
_RULES: tuple[tuple[str, Callable[[Row], bool]], ...] = (
    (
        "a cell holds a line break or what is not UTF-8 text",
        lambda row: _is_line(
            "".join([str(getattr(row, column)) for column in COLUMNS])
            + "".join([*row.groups, *row.groups.values()])
        ),
    ),
    (
        "sample_id, dataset, subject_id and video_id have to be given",
        lambda row: bool(row.sample_id and row.dataset and row.subject_id and row.video_id),
    ),
    (
        f"label {{row.label!r}} should be {BONAFIDE} or {ATTACK}",
        lambda row: row.label in (BONAFIDE, ATTACK),
    ),
    (
        f"split {{row.split!r}} should be one of {', '.join(SPLITS)}",
        lambda row: row.split in SPLITS,
    ),
    (
        "pai_species has to be given for an attack and to be empty for a bona fide",
        lambda row: bool(row.pai_species) == (row.label == ATTACK),
    ),
    ("frame {row.frame} should not be negative", lambda row: row.frame >= 0),
    ("has no modality at all", lambda row: bool(row.rgb or row.depth or row.ir)),
    (
        "a path should lie inside the root and be written with '/'",
        lambda row: not (escapes(row.rgb) or escapes(row.depth) or escapes(row.ir)),
    ),
    (
        "box {row.box!r} should be four numbers 'x0 y0 x1 y1' with x0 < x1 and y0 < y1",
        lambda row: _is_box(row.box),
    ),
    ("a group has no name", lambda row: "" not in row.groups),
)


def _check_header(manifest: Manifest) -> None:
    """Refuse header entries that would not read back as they are."""
    if "root" in manifest.header:
        raise BadInput(f"{manifest.name}: header key 'root' is what the manifest's root is for")
    for key, value in manifest.header.items():
        if ":" in key or not key or not (_is_header_text(key) and _is_header_text(value)):
            raise BadInput(f"{manifest.name}: header '{key!r}: {value!r}' is not one line of text")


def _is_header_text(text: str) -> bool:
    return text == text.strip() and _is_line(text)


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
    table = csv.reader(content, strict=True)
    try:
        for cells in table:
            line = skipped + table.line_num
            if len(cells) == len(names):
                yield _read_row(dict(zip(names, cells, strict=True)), f"{path}, line {line}")
            elif cells:
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


def _read_row(cells: dict[str, str], where: str) -> Row:
    frame = cells.pop("frame")
    if not (frame.isascii() and frame.isdigit()):
        raise BadInput(f"{where}: frame {frame!r} is not a whole number")
    groups = {
        name.removeprefix(GROUP_PREFIX): cells.pop(name)
        for name in list(cells)
        if name not in COLUMNS
    }
    return Row(**cells, frame=int(frame), groups=groups)
