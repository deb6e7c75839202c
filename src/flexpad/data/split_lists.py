"""CSV lists that name a recording and the split it is in, as Idiap publishes them.

Three forms are known; which one a file has is told by what its cells hold::

    face-station/12.02.18/100_03_015_2_10,1,2,train                     path, label, type, split
    ,client_id,filepath,group,label  |  1,2,face-station/...,train,attack
    <any header>                     |  face-station/...,...,eval       path first, split last

A first line without ``train``, ``dev`` or ``eval`` in a cell is a header. # inferred
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from flexpad.data.findings import Findings
from flexpad.data.lists import Line, ListFile, text_of
from flexpad.data.row import escapes
from flexpad.types import ATTACK, BONAFIDE, BadInput

SPLIT_WORDS = {"train": "train", "dev": "dev", "eval": "test"}
LABELS = {"0": BONAFIDE, "1": ATTACK, "bonafide": BONAFIDE, "attack": ATTACK}
_WIDTH_WITH_LABEL = 4  # of a list without a header: path, label, type, split


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand; ``label`` is None in a list without labels."""

    path: int
    split: int
    label: int | None
    width: int


def read(path: Path, findings: Findings, labels: Mapping[str, str] = LABELS) -> ListFile:
    """Read such a list.

    A recording that stands in two splits is kept twice, so that the overlap is found.

    Args:
        path: The list.
        findings: Where to note what is wrong.
        labels: What a label says, and what it means.

    Raises:
        BadInput: The file cannot be read, is no text, or no line of it names a split.
    """
    text, digest = text_of(path, findings)
    table = [
        (number, [cell.strip() for cell in next(csv.reader([line]))])
        for number, line in enumerate(StringIO(text, newline=None), start=1)
        if line.strip()
    ]
    has_header = _place_of_split(table[0][1]) is None
    header = table.pop(0)[1] if has_header else []
    columns = _columns(header, [cells for _, cells in table], path)
    lines: dict[tuple[str, str], Line] = {}
    for number, cells in table:
        line = _line(cells, columns, labels, f"{path}, line {number}", number, findings)
        if line is None:
            continue
        first = lines.setdefault((line.paths[0], line.split), line)
        if first is not line:
            again = f"{path}, line {number}: {line.paths[0]!r} stands in line {first.number} too"
            kind = "repeated_line" if first.label == line.label else "line_against_line"
            findings.note(kind, again, dropped=1)
    return ListFile(path, digest, tuple(lines.values()))


def _place_of_split(cells: list[str]) -> int | None:
    """Say which cell names a split, the last if several do."""
    places = [place for place, cell in enumerate(cells) if cell in SPLIT_WORDS]
    return places[-1] if places else None


def _columns(header: list[str], table: list[list[str]], path: Path) -> _Columns:
    """Tell the columns by their names and by what the first useful line holds."""
    width = Counter(map(len, table)).most_common(1)[0][0] if table else 0
    for cells in table:
        split = _place_of_split(cells)
        if split is None or len(cells) != width:
            continue
        paths = (place for place, cell in enumerate(cells) if "/" in cell)
        label = header.index("label") if "label" in header else None
        if not header and width == _WIDTH_WITH_LABEL:
            label = 1
        return _Columns(next(paths, 0), split, label, width)
    raise BadInput(f"{path}: no line of it names {', '.join(SPLIT_WORDS)}; is this a split list?")


def _line(
    cells: list[str],
    columns: _Columns,
    labels: Mapping[str, str],
    where: str,
    number: int,
    findings: Findings,
) -> Line | None:
    if len(cells) != columns.width:
        example = f"{where}: has {len(cells)} columns, not {columns.width}"
        findings.note("malformed_line", example, dropped=1)
        return None
    path, split = cells[columns.path], cells[columns.split]
    label = "" if columns.label is None else cells[columns.label]
    if split not in SPLIT_WORDS:
        example = f"{where}: split {split!r} should be {' or '.join(SPLIT_WORDS)}"
        findings.note("malformed_line", example, dropped=1)
        return None
    if columns.label is not None and label not in labels:
        example = f"{where}: label {label!r} should be {' or '.join(labels)}"
        findings.note("malformed_line", example, dropped=1)
        return None
    if escapes(path):
        findings.note("outside_path", f"{where}: {path!r}", dropped=1)
        return None
    return Line(number, (path,), labels.get(label, ""), SPLIT_WORDS[split])
