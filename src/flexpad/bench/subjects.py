"""Errors of every job by test subject: all that tests of difference need to know of it.

A few kilobytes a job stand for megabytes of scores. So what is done on several machines, or on one
that is gone, can still be compared in pairs, by anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import polars as pl

from flexpad import calibrate, table_file
from flexpad.bench.results import RULE
from flexpad.compare.cell import measure
from flexpad.compare.system import System
from flexpad.metrics import SubjectCounts
from flexpad.report.inspection import check_tables
from flexpad.score_table import ScoreTable
from flexpad.types import ATTACK, BadInput

SUBJECTS = "subjects.parquet"
JOB = ("protocol", "method", "seed")
NUMBERS = ("bonafide", "bonafide_errors", "attacks", "attack_errors")
SCHEMA = pl.Schema(
    {**dict.fromkeys((*JOB, "condition", "subject"), pl.String), **dict.fromkeys(NUMBERS, pl.Int64)}
)


def count(
    dev: ScoreTable, test: ScoreTable, protocol: str, method: str, seed: int, unit: str
) -> pl.DataFrame:
    """Count answers and errors by subject, at the threshold of the job's own dev.

    Args:
        dev: Scores of frames.
        test: Scores of frames.
        protocol: It was trained and tested on.
        method: Name of the system.
        seed: Of the run.
        unit: What is counted.

    Returns:
        Rows with :data:`SCHEMA`: for each condition and subject the answered presentations, bona
        fide and attacks of all species, and the errors among them.

    Raises:
        BadInput: The tables are not dev and test of one evaluation.
    """
    check_tables(dev, test)
    cells = measure([System(method, test, dev)], calibrate.parse_rule(RULE), unit)
    parts = []
    for cell, (measured,) in cells.items():
        counts = measured.counts
        columns = {
            "protocol": protocol,
            "method": method,
            "seed": str(seed),
            "condition": cell.condition,
            "subject": counts.subjects,
            "bonafide": counts.bonafide,
            "bonafide_errors": counts.bonafide_errors,
            "attacks": counts.attacks.sum(axis=1),
            "attack_errors": counts.attack_errors.sum(axis=1),
        }
        parts.append(pl.DataFrame(columns, schema=SCHEMA))
    return pl.concat(parts)


def write(path: Path, rows: pl.DataFrame) -> None:
    """Write such rows as Parquet, whole or not at all.

    Raises:
        BadInput: The file cannot be written.
    """
    table_file.write(path, {}, rows)


def read(path: Path) -> pl.DataFrame:
    """Read such rows; none where there is no such file.

    Raises:
        BadInput: It cannot be read, or holds something else.
    """
    if not path.is_file():
        return SCHEMA.to_frame()
    rows = table_file.read(path).rows
    if set(rows.columns) != set(SCHEMA):
        raise BadInput(f"{path}: should have the columns {', '.join(SCHEMA)}")
    try:
        return rows.select(SCHEMA.names()).cast(SCHEMA)
    except pl.exceptions.PolarsError as error:
        raise BadInput(f"{path}: a count is no whole number") from error


def put(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """Put new rows in the place of old ones of the same jobs."""
    return pl.concat([old.join(new, on=list(JOB), how="anti", maintain_order="left"), new])


class Subjects:
    """Errors by subject of many jobs, found by system, protocol and seed."""

    def __init__(self, rows: pl.DataFrame) -> None:
        parts = rows.partition_by(JOB, as_dict=True, include_key=False, maintain_order=True)
        self._rows: Mapping[tuple[object, ...], pl.DataFrame] = parts

    def is_whole(self, system: str, protocols: Iterable[str], seeds: Sequence[int]) -> bool:
        """Whether every job of a system on some protocols is there."""
        return all(
            (protocol, system, str(seed)) in self._rows for protocol in protocols for seed in seeds
        )

    def of(self, system: str, protocol: str, seed: int) -> dict[str, SubjectCounts]:
        """Give the counts of a job by condition, attacks in one pool.

        Raises:
            KeyError: It is not there.
        """
        rows = self._rows[protocol, system, str(seed)]
        by_condition = rows.partition_by("condition", as_dict=True, maintain_order=True)
        return {str(name): _counts(part) for (name,), part in by_condition.items()}


def _counts(rows: pl.DataFrame) -> SubjectCounts:
    bonafide, bonafide_errors, attacks, attack_errors = (rows[name].to_numpy() for name in NUMBERS)
    return SubjectCounts(
        subjects=tuple(rows["subject"]),
        species=(ATTACK,),
        bonafide=bonafide,
        bonafide_errors=bonafide_errors,
        attacks=attacks[:, None],
        attack_errors=attack_errors[:, None],
    )
