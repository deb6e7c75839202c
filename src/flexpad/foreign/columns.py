"""Scores in named columns: the score files of bob.pad, and any other CSV.

A bob.pad file has the columns ``claimed_id, test_label, is_bonafide, attack_type, score`` and what
else its data set knows (bob.pad.base 6.0.1 reads ``is_bonafide`` in any case). Its scores are
higher for bona fide. With frames, ``video_key`` names the video.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from flexpad.foreign.declaration import Declaration, meaning
from flexpad.foreign.rows import UNSPECIFIED, ForeignScores, sha256_of
from flexpad.registry import did_you_mean
from flexpad.score_table import GROUP_PREFIX
from flexpad.types import ATTACK, BONAFIDE, BadInput

if TYPE_CHECKING:
    from _csv import Reader

BOB_BONAFIDE, BOB_ATTACK = ("true", "1"), ("false", "0")
BOB_VIDEO = "video_key"
Cells = dict[str, list[str]]


def read_csv(path: Path, declared: Declaration) -> ForeignScores:
    """Read a CSV whose columns and labels are declared.

    Raises:
        BadInput: A declared column is missing, a row has another number of cells than the head, a
            label is unknown, or an attack has no species although a species column is declared.
    """
    for option, given in (("sample", declared.sample), ("label", declared.label)):
        if not given:
            raise BadInput(f"{path}: say which column is the {option} with --{option}")
    return _read(path, declared)


def read_bob(path: Path, declared: Declaration) -> ForeignScores:
    """Read a score file of bob.pad.

    Raises:
        BadInput: As :func:`read_csv`.
    """
    columns = _head(path, declared.separator)
    bob = replace(
        declared,
        sample=declared.sample or ("test_label",),
        label="is_bonafide",
        score="score",
        species=declared.species or "attack_type",
        subject=declared.subject or "claimed_id",
        video=declared.video or (BOB_VIDEO if BOB_VIDEO in columns else ""),
        bonafide_value=BOB_BONAFIDE,
        attack_value=BOB_ATTACK,
    )
    return _read(path, bob, fold=True)


def _read(path: Path, declared: Declaration, *, fold: bool = False) -> ForeignScores:
    """Read the declared columns.

    Args:
        path: The file.
        declared: Names its columns and labels.
        fold: Labels are the same in upper and lower case.
    """
    groups = {f"{GROUP_PREFIX}{name.removeprefix(GROUP_PREFIX)}": name for name in declared.group}
    optional = (declared.species, declared.subject, declared.video)
    wanted = [*declared.sample, declared.label, declared.score, *filter(None, optional)]
    cells, lines = _cells(path, declared.separator, [*wanted, *groups.values()])
    labels = [text.lower() for text in cells[declared.label]] if fold else cells[declared.label]
    means = meaning(
        declared,
        sorted(set(labels)),
        f"{path}, column {declared.label!r}",
        is_species=declared.species == declared.label,
    )
    kinds = [means[text] for text in labels]
    parts = [cells[name] for name in declared.sample]
    blank = [""] * len(kinds)
    rows = pl.DataFrame(
        {
            "sample_id": parts[0]
            if len(parts) == 1
            else list(map("/".join, zip(*parts, strict=True))),
            "video_id": cells[declared.video] if declared.video else blank,
            "subject_id": cells[declared.subject] if declared.subject else blank,
            "label": kinds,
            "pai_species": _species(path, declared.species, cells, kinds, lines),
            "score": cells[declared.score],
            **{group: cells[name] for group, name in groups.items()},
        },
        schema_overrides=dict.fromkeys(("sample_id", "score"), pl.String),
    )
    return ForeignScores(
        rows, path, tuple(lines), {"source": f"{path.name} sha256 {sha256_of(path)}"}
    )


def _species(
    path: Path, column: str, cells: Cells, kinds: Sequence[str], lines: Sequence[int]
) -> list[str]:
    """The species of every row, "" for a bona fide whatever its cell says."""
    if not column:
        return [UNSPECIFIED if kind == ATTACK else "" for kind in kinds]
    for line, kind, name in zip(lines, kinds, cells[column], strict=True):
        if kind == ATTACK and not name:
            raise BadInput(f"{path}, line {line}: {column} is empty, but the row is an attack")
    return [
        "" if kind == BONAFIDE else name for kind, name in zip(kinds, cells[column], strict=True)
    ]


def _head(path: Path, separator: str) -> list[str]:
    with _open(path, separator) as table:
        return next(table, [])


def _cells(path: Path, separator: str, wanted: Sequence[str]) -> tuple[Cells, list[int]]:
    """The wanted columns, and the line every row ends in. Cells come without outer blanks."""
    with _open(path, separator) as rows:
        head = [name.strip() for name in next(rows, [])]
        places = {name: _place(path, head, name) for name in wanted}
        cells: Cells = {name: [] for name in wanted}
        lines: list[int] = []
        for row in rows:
            if not row:
                continue  # a blank line
            if len(row) != len(head):
                raise BadInput(
                    f"{path}, line {rows.line_num}: has {len(row)} cells, the head has {len(head)}"
                )
            lines.append(rows.line_num)
            for name, place in places.items():
                cells[name].append(row[place].strip())
    if not lines:
        raise BadInput(f"{path}: has no rows")
    return cells, lines


def _place(path: Path, head: Sequence[str], name: str) -> int:
    found = [place for place, column in enumerate(head) if column == name]
    if not found:
        raise BadInput(f"{path}: has no column {name!r}; {did_you_mean(name, head)}")
    if len(found) > 1:
        raise BadInput(f"{path}: has {len(found)} columns {name!r}; keep one")
    return found[0]


@contextmanager
def _open(path: Path, separator: str) -> Iterator[Reader]:
    """Read rows of cells; whatever goes wrong names the file.

    Raises:
        BadInput: The file cannot be read, is not UTF-8 text or not a CSV table.
    """
    mark = "\t" if separator == "tab" else separator
    if len(mark) != 1:
        raise BadInput(f"separator {separator!r} should be one character or the word tab")
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            yield csv.reader(text, delimiter=mark, strict=True)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: is not UTF-8 text") from error
    except csv.Error as error:
        raise BadInput(f"{path}: is not a CSV table ({error})") from error
