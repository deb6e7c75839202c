"""The data statement: what a score table says about where it comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from flexpad.score_table import ScoreTable
from flexpad.types import BONAFIDE

Json = dict[str, Any]


def facts(table: ScoreTable) -> Json:
    """Name, hash, header and counts of a table, as it was read."""
    return {
        "name": Path(table.name).name,
        "sha256": table.sha256,
        "header": dict(table.header),
        "datasets": words(table, "dataset"),
        "protocols": words(table, "protocol"),
        "conditions": list(table.conditions),
        "n_rows": table.rows.height,
        "n_items": _distinct(table, "sample_id"),
        "n_videos": _distinct(table, "video_id"),
        "n_subjects": _distinct(table, "subject_id"),
        "species": words(table, "pai_species"),
        "presented": _presented(table),
    }


def words(table: ScoreTable, column: str) -> list[str]:
    """The different words of a column in order, without the empty one."""
    return sorted(set(map(str, table.rows[column].unique())) - {""})


def _distinct(table: ScoreTable, column: str) -> int:
    """How many different ones there are, not counting what is not given."""
    given = table.rows.filter(pl.col(column) != "")
    return given.select("dataset", column).n_unique() if given.height else 0


def _presented(table: ScoreTable) -> Json:
    """Items, videos and subjects of bona fides and of each species."""
    name = pl.when(pl.col("label") == BONAFIDE).then(pl.lit(BONAFIDE)).otherwise("pai_species")
    kinds = table.rows.with_columns(name.cast(pl.String).alias("kind"))
    content = {}
    for (kind,), rows in kinds.partition_by("kind", as_dict=True).items():
        part = ScoreTable(rows)
        content[str(kind)] = {
            "n_items": _distinct(part, "sample_id"),
            "n_videos": _distinct(part, "video_id"),
            "n_subjects": _distinct(part, "subject_id"),
        }
    return dict(sorted(content.items(), key=lambda item: (item[0] != BONAFIDE, item[0])))
