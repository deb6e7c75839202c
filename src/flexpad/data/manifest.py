"""The manifest: one row per item, that is the frames of one moment. The border of data sets.

Left of it code knows data sets; right of it nothing does. It is plain CSV. Lines before the column
names start with ``#`` and carry ``key: value``; ``root`` is the folder all paths are relative to.
"""

from __future__ import annotations

import csv
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

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
        frame: Its number in the recording.
        label: ``bonafide`` or ``attack``.
        pai_species: The species of the instrument, "" for bona fide.
        rgb: Path relative to the manifest's root, or "" = absent. Absent is not black.
        depth: Likewise.
        ir: Likewise.
        box: Face box ``x0 y0 x1 y1`` in RGB pixels, "" = already cropped.
        groups: Attributes to break rates down by, without the prefix ``group_``.
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
    """Write a manifest, with its root relative to the file's own folder where that is possible."""
    groups = sorted({name for row in manifest.rows for name in row.groups})
    partial = path.with_name(path.name + ".partial")
    root = _relative(manifest.root, path.parent)
    with partial.open("w", encoding="utf-8", newline="") as out:
        out.write(f"# root: {root}\n")
        out.writelines(f"# {key}: {value}\n" for key, value in manifest.header.items())
        table = csv.writer(out, lineterminator="\n")
        table.writerow([*COLUMNS, *(GROUP_PREFIX + name for name in groups)])
        for row in manifest.rows:
            cells = [getattr(row, column) for column in COLUMNS]
            table.writerow([*cells, *(row.groups.get(name, "") for name in groups)])
    partial.replace(path)


def read(path: Path) -> Manifest:
    """Read and check a manifest.

    Raises:
        BadInput: The file is missing or empty, a column is missing or unknown, or a cell of a row
            does not fit.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    comments = [line for line in lines if line.startswith("#")]
    header = dict(_key_and_value(line) for line in comments)
    root = (path.parent / header.pop("root", ".")).resolve()
    rows = _read_rows(path, lines, skip=len(comments))
    manifest = Manifest(root, tuple(rows), header, str(path))
    validate(manifest)
    return manifest


def validate(manifest: Manifest) -> None:
    """Refuse a manifest that cannot be used.

    Raises:
        BadInput: No rows, a sample_id that stands twice, or a row whose label, split, species,
            paths or modalities do not fit together.
    """
    if not manifest.rows:
        raise BadInput(f"{manifest.name}: has no rows")
    sample, count = Counter(row.sample_id for row in manifest.rows).most_common(1)[0]
    if count > 1:
        raise BadInput(f"{manifest.name}: sample_id {sample!r} stands {count} times")
    for row in manifest.rows:
        complaint = _complaint(row)
        if complaint:
            raise BadInput(f"{manifest.name}: row {row.sample_id!r}: {complaint}")


def sha256(path: Path) -> str:
    """Hash a file, as it stands in headers."""
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _complaint(row: Row) -> str | None:
    """Say what is wrong with a row, or None."""
    checks = {
        "sample_id is empty": not row.sample_id,
        f"label {row.label!r} should be {BONAFIDE} or {ATTACK}": row.label
        not in (BONAFIDE, ATTACK),
        f"split {row.split!r} should be one of {', '.join(SPLITS)}": row.split not in SPLITS,
        "pai_species has to be given for an attack": row.label == ATTACK and not row.pai_species,
        "pai_species has to be empty for a bona fide": row.is_bonafide and bool(row.pai_species),
        "has no modality at all": not row.modalities,
        "subject_id and video_id have to be given": not (row.subject_id and row.video_id),
        "a path leaves the root": any(_escapes(row.path(m)) for m in row.modalities),
        f"box {row.box!r} should be four numbers 'x0 y0 x1 y1'": not _is_box(row.box),
    }
    return next((complaint for complaint, wrong in checks.items() if wrong), None)


def _is_box(box: str) -> bool:
    if not box:
        return True
    try:
        x0, y0, x1, y1 = (float(number) for number in box.split())
    except ValueError:
        return False
    return x0 < x1 and y0 < y1


def _escapes(path: str) -> bool:
    parts = Path(path).parts
    return Path(path).is_absolute() or ".." in parts


def _relative(root: Path, start: Path) -> Path:
    """Say how to get from one folder to another, so that both can be moved together."""
    root, start = root.resolve(), start.resolve()
    for up, parent in enumerate([start, *start.parents]):
        if root.is_relative_to(parent):
            return Path(*[".."] * up, root.relative_to(parent))
    return root  # another drive


def _key_and_value(line: str) -> tuple[str, str]:
    key, _, value = line[1:].partition(":")
    return key.strip(), value.strip()


def _read_rows(path: Path, lines: list[str], skip: int) -> Iterator[Row]:
    table = csv.reader(lines[skip:])
    names = next(table, None)
    if names is None:
        raise BadInput(f"{path}: has no rows")
    _check_columns(names, path)
    for cells in table:
        line = skip + table.line_num
        if len(cells) != len(names):
            raise BadInput(f"{path}, line {line}: has {len(cells)} cells, not {len(names)}")
        yield _read_row(dict(zip(names, cells, strict=True)), path, line)


def _check_columns(names: Iterable[str], path: Path) -> None:
    names = list(names)
    for column in COLUMNS:
        if column not in names:
            raise BadInput(f"{path}: column {column!r} is missing")
    for name in names:
        if name not in COLUMNS and not name.startswith(GROUP_PREFIX):
            raise BadInput(f"{path}: column {name!r} is unknown; {did_you_mean(name, COLUMNS)}")


def _read_row(cells: dict[str, str], path: Path, line: int) -> Row:
    groups = {
        name.removeprefix(GROUP_PREFIX): value
        for name, value in cells.items()
        if name.startswith(GROUP_PREFIX)
    }
    values = {name: cells[name] for name in COLUMNS if name != "frame"}
    try:
        frame = int(cells["frame"])
    except ValueError:
        raise BadInput(
            f"{path}, line {line}: frame {cells['frame']!r} is not a whole number"
        ) from None
    return Row(**values, frame=frame, groups=groups)
