"""List files, as data sets publish them: one item per line, its paths, then its label.

What every reader has to be wary of stands here once: label polarity differs between releases of the
same data, lists come with CRLF, byte-order marks, blank lines or no last newline, and with paths
that lead out of the data set (spec: the traps that published loaders fell into).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from flexpad.data.row import escapes
from flexpad.types import BONAFIDE, BadInput


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list.

    Attributes:
        number: Its number in the file, from 1, blank lines counted.
        paths: Its paths, as they stand there.
        label: ``bonafide`` or ``attack``.
    """

    number: int
    paths: tuple[str, ...]
    label: str


@dataclass(frozen=True)
class ListFile:
    """A list that was read.

    Attributes:
        path: Where it is.
        sha256: Hash of its bytes.
        lines: Its lines without the blank ones.
    """

    path: Path
    sha256: str
    lines: tuple[Line, ...]


def read(path: Path, labels: Mapping[str, str], columns: int = 2) -> ListFile:
    """Read a list whose last column is the label.

    With two columns the path may hold spaces; with more, columns are separated by white space.

    Args:
        path: The list.
        labels: What the label column says, and what it means: ``{"0": BONAFIDE, "1": ATTACK}``.
            There is no default, because releases of one data set contradict each other.
        columns: How many columns every line has, the label included.

    Raises:
        BadInput: The file cannot be read or is empty, a line has another number of columns or an
            unknown label, a path is absolute or leaves the root, or stands twice.
    """
    content = _read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    lines = tuple(
        _parse(line, f"{path}, line {number}", number, labels, columns)
        for number, line in enumerate(StringIO(text, newline=None), start=1)
        if line.strip()
    )
    if not lines:
        raise BadInput(f"{path}: is empty")
    _refuse_repeats(path, lines)
    return ListFile(path, hashlib.sha256(content).hexdigest(), lines)


def check_labels(listing: ListFile, by_path: Sequence[str]) -> None:
    """Refuse labels that contradict what the paths say.

    Args:
        listing: The list.
        by_path: For each of its lines, the label its path tells.

    Raises:
        BadInput: Labels and paths disagree; names the first such line and says how many do.
    """
    pairs = zip(listing.lines, by_path, strict=True)
    wrong = [(line, told) for line, told in pairs if line.label != told]
    if not wrong:
        return
    line, told = wrong[0]
    swapped = len(wrong) == len(listing.lines)
    raise BadInput(
        f"{listing.path}, line {line.number}: the label says {_in_words(line.label)}, but the path"
        f" {line.paths[0]!r} says {_in_words(told)} ({len(wrong)} of {len(listing.lines)} lines;"
        f" {'the two labels are swapped in this list' if swapped else 'correct the list'})"
    )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error


def _parse(line: str, where: str, number: int, labels: Mapping[str, str], columns: int) -> Line:
    cells = line.strip().rsplit(None, 1) if columns == 2 else line.split()
    if len(cells) != columns:
        raise BadInput(f"{where}: has {len(cells)} columns, not {columns}")
    *paths, label = cells
    if label not in labels:
        raise BadInput(f"{where}: label {label!r} should be {' or '.join(sorted(labels))}")
    for path in paths:
        if escapes(path):
            raise BadInput(f"{where}: {path!r} should be a path inside the data set, with '/'")
    return Line(number, tuple(paths), labels[label])


def _refuse_repeats(path: Path, lines: Sequence[Line]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for line in lines:
        first = seen.setdefault(line.paths, line.number)
        if first != line.number:
            raise BadInput(
                f"{path}, line {line.number}: {line.paths[0]!r} stands in line {first} already"
            )


def _in_words(label: str) -> str:
    return "bona fide" if label == BONAFIDE else label
