"""List files, as data sets publish them: one item per line, its paths, then its label.

What every reader has to be wary of stands here once: label polarity differs between releases of the
same data, lists come with CRLF, byte-order marks, blank lines or no last newline, and with paths
that lead out of the data set (spec: the traps that published loaders fell into). All of it is
noted; a line that cannot be used is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from flexpad.data.findings import Findings
from flexpad.data.row import escapes
from flexpad.types import BONAFIDE, BadInput


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a list.

    Attributes:
        number: Its number in the file, from 1, blank lines counted.
        paths: Its paths, as they stand there.
        label: ``bonafide`` or ``attack``; "" in a list without labels.
        split: ``train``, ``dev`` or ``test``; "" where the list is of one split.
    """

    number: int
    paths: tuple[str, ...]
    label: str
    split: str = ""


@dataclass(frozen=True)
class ListFile:
    """A list that was read.

    Attributes:
        path: Where it is.
        sha256: Hash of its bytes.
        lines: Its lines without the blank ones and those that were left out.
    """

    path: Path
    sha256: str
    lines: tuple[Line, ...]

    def where(self, line: Line) -> str:
        """Name a line in a message."""
        return f"{self.path}, line {line.number}"

    def source(self, root: Path) -> str:
        """Name the list in the header of a manifest."""
        path = self.path.relative_to(root) if self.path.is_relative_to(root) else self.path
        return f"{path.as_posix()} sha256 {self.sha256}"


def read(
    path: Path, labels: Mapping[str, str] | None, findings: Findings, columns: int = 2
) -> ListFile:
    """Read a list.

    With two columns, or one, the path may hold spaces; with more, columns are separated by white
    space.

    Args:
        path: The list.
        labels: What the last column says, and what it means: ``{"0": BONAFIDE, "1": ATTACK}``.
            There is no default, because releases of one data set contradict each other. None for
            a list without labels.
        findings: Where to note what is wrong.
        columns: How many columns every line has, the label included.

    Raises:
        BadInput: The file cannot be read, is no text or holds no line.
    """
    text, digest = text_of(path, findings)
    lines: dict[tuple[str, ...], Line] = {}
    for number, line in enumerate(StringIO(text, newline=None), start=1):
        parsed = _parse(line, f"{path}, line {number}", number, labels, columns, findings)
        if parsed is None:
            continue
        first = lines.setdefault(parsed.paths, parsed)
        if first is not parsed:
            again = f"{path}, line {number}: {parsed.paths[0]!r} stands in line {first.number} too"
            kind = "repeated_line" if first.label == parsed.label else "line_against_line"
            findings.note(kind, again, dropped=1)
    return ListFile(path, digest, tuple(lines.values()))


def text_of(path: Path, findings: Findings) -> tuple[str, str]:
    """Read the text of a list, and note its line ends and what else misleads simpler readers.

    Returns:
        The text without a byte-order mark, and the sha256 of the file.

    Raises:
        BadInput: The file cannot be read, is no text or holds no line.
    """
    content = _read_bytes(path)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    if not text.strip():
        raise BadInput(f"{path}: is empty")
    _note_dress(path, content, findings)
    return text, hashlib.sha256(content).hexdigest()


def check_labels(listing: ListFile, by_path: Sequence[str], findings: Findings) -> None:
    """Note labels that contradict what the paths say.

    Args:
        listing: The list.
        by_path: For each of its lines, the label its path tells; "" where it tells none.
        findings: Where to note them.
    """
    pairs = zip(listing.lines, by_path, strict=True)
    wrong = [(line, told) for line, told in pairs if told and line.label != told]
    told = sum(map(bool, by_path))
    swapped = ", as in every line: the two labels are swapped in this list"
    for line, by_its_path in wrong:
        findings.note(
            "label_against_path",
            f"{listing.where(line)}: the label says {_in_words(line.label)}, but the path"
            f" {line.paths[0]!r} says {_in_words(by_its_path)}"
            f"{swapped if len(wrong) == told else ''}",
        )


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error


def _note_dress(path: Path, content: bytes, findings: Findings) -> None:
    """Note what editors and other systems do to a text, which misleads simpler readers."""
    text = content.replace(b"\r\n", b"\n")
    if text != content:
        findings.note("crlf", str(path))
    if content.startswith(b"\xef\xbb\xbf"):
        findings.note("byte_order_mark", str(path))
    if b"\n\n" in text.strip():
        findings.note("blank_line", str(path))
    if not content.endswith(b"\n"):
        findings.note("no_last_newline", str(path))


def _parse(
    line: str,
    where: str,
    number: int,
    labels: Mapping[str, str] | None,
    columns: int,
    findings: Findings,
) -> Line | None:
    cells = _cells(line, columns)
    if not cells:
        return None
    if len(cells) != columns:
        example = f"{where}: has {len(cells)} columns, not {columns}"
        findings.note("malformed_line", example, dropped=1)
        return None
    label = "" if labels is None else cells.pop()
    if labels is not None and label not in labels:
        example = f"{where}: label {label!r} should be {' or '.join(sorted(labels))}"
        findings.note("malformed_line", example, dropped=1)
        return None
    for path in cells:
        if escapes(path):
            findings.note("outside_path", f"{where}: {path!r}", dropped=1)
            return None
    return Line(number, tuple(cells), "" if labels is None else labels[label])


def _cells(line: str, columns: int) -> list[str]:
    text = line.strip()
    if not text:
        return []
    if columns == 1:
        return [text]
    return text.rsplit(None, 1) if columns == 2 else text.split()


def _in_words(label: str) -> str:
    return "bona fide" if label == BONAFIDE else label
