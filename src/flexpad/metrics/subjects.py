"""Answers and errors by subject, the units that intervals take for independent."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from flexpad.metrics.presentations import IntArray, check_one_condition
from flexpad.score_table import ScoreTable
from flexpad.types import BONAFIDE, BadInput

SUBJECT = ["dataset", "subject_id"]


@dataclass(frozen=True, slots=True)
class SubjectCounts:
    """Answered presentations and errors of one condition at one threshold, by subject.

    Attributes:
        subjects: ``dataset/subject_id`` of the C subjects the table has, in order of both, whether
            any of their presentations was answered or not.
        species: The K PAI species, in alphabetical order.
        bonafide: Answered bona fide presentations, (C,).
        bonafide_errors: Those that were rejected, (C,).
        attacks: Answered attack presentations, (C, K).
        attack_errors: Those that were accepted, (C, K).
    """

    subjects: tuple[str, ...]
    species: tuple[str, ...]
    bonafide: IntArray
    bonafide_errors: IntArray
    attacks: IntArray
    attack_errors: IntArray


def subject_counts(table: ScoreTable, threshold: float) -> SubjectCounts:
    """Count answers and errors of every subject of a table of one condition.

    Raises:
        BadInput: The table holds several conditions, or a row has no subject_id.
        ValueError: The threshold is NaN or a score is infinite.
    """
    if math.isnan(threshold):
        raise ValueError("the threshold is NaN")
    answered = pl.col("score").is_not_null()
    accepted = pl.col("score") >= threshold
    error = pl.when(pl.col("label") == BONAFIDE).then(~accepted).otherwise(accepted)
    return _counts(table, answered, error)


def non_response_counts(table: ScoreTable) -> SubjectCounts:
    """Count all presentations as answered ones and those without a response as the errors.

    The rates of these counts are BPNRR for ``bpcer`` and APNRR for ``apcer``.

    Raises:
        BadInput: The table holds several conditions, or a row has no subject_id.
        ValueError: A score is infinite.
    """
    return _counts(table, pl.col("label").is_not_null(), pl.col("score").is_null())


def without_subject(table: ScoreTable) -> str | None:
    """Why the rows of a table cannot be clustered by subject; None if they can."""
    lacking = int((table.rows["subject_id"] == "").sum())
    return f"{lacking} of {len(table.rows)} rows have no subject_id" if lacking else None


def species_of(table: ScoreTable) -> tuple[str, ...]:
    """The PAI species of a table, answered or not, in alphabetical order."""
    return tuple(sorted(set(table.rows["pai_species"].unique()) - {""}))


def subject_codes(table: ScoreTable) -> tuple[tuple[str, ...], pl.DataFrame]:
    """Number the subjects of a table.

    Returns:
        ``dataset/subject_id`` of the C subjects in order of both; and of every row its ``label``,
        ``pai_species``, ``score`` and, as ``subject``, the place of its subject among them.

    Raises:
        BadInput: A row has no subject_id.
    """
    reason = without_subject(table)
    if reason:
        raise BadInput(f"{table.name}: {reason}, which intervals by subject need; add them")
    known = table.rows.select(SUBJECT).unique().sort(SUBJECT).with_row_index("subject")
    names = tuple(f"{dataset}/{subject}" for _, dataset, subject in known.iter_rows())
    rows = table.rows.select(*SUBJECT, "label", "pai_species", pl.col("score").fill_nan(None))
    return names, rows.join(known, on=SUBJECT, how="left", maintain_order="left").drop(SUBJECT)


def _counts(table: ScoreTable, answered: pl.Expr, error: pl.Expr) -> SubjectCounts:
    check_one_condition(table)
    names, rows = subject_codes(table)
    species = species_of(table)
    cells = rows.group_by("subject", "pai_species").agg(
        answered.sum().alias("answered"), (answered & error).sum().alias("errors")
    )
    place = {name: k for k, name in enumerate(("", *species))}  # a bona fide has no species
    column = cells["pai_species"].replace_strict(place, return_dtype=pl.Int64)
    counts = np.zeros((2, len(names), len(place)), dtype=np.int64)
    where = cells["subject"].to_numpy(), column.to_numpy()
    counts[0][where], counts[1][where] = cells["answered"], cells["errors"]
    return SubjectCounts(
        subjects=names,
        species=species,
        bonafide=counts[0, :, 0],
        bonafide_errors=counts[1, :, 0],
        attacks=counts[0, :, 1:],
        attack_errors=counts[1, :, 1:],
    )
