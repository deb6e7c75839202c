"""Rates by demographic or other groups, and the gaps between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from flexpad import metrics
from flexpad.metrics import Proportion
from flexpad.registry import did_you_mean
from flexpad.score_table import GROUP_PREFIX, ScoreTable
from flexpad.types import BadInput

MOST = 12  # groups of a column that a reader can take in
BAND = 10  # years, where a column counts something
Json = dict[str, Any]


def columns_for(table: ScoreTable, asked: Sequence[str]) -> tuple[str, ...]:
    """The columns to break rates down by: those asked for, or all the table has.

    Args:
        table: Test.
        asked: With or without the prefix ``group_``.

    Raises:
        BadInput: A column is not there.
    """
    wanted = [name if name.startswith(GROUP_PREFIX) else GROUP_PREFIX + name for name in asked]
    for name in wanted:
        if name not in table.groups:
            known = [column.removeprefix(GROUP_PREFIX) for column in table.groups]
            hint = did_you_mean(name.removeprefix(GROUP_PREFIX), known) if known else "it has none"
            raise BadInput(f"{table.name}: has no column {name!r}; {hint}")
    return tuple(wanted or table.groups)


def banded(table: ScoreTable, columns: Sequence[str]) -> ScoreTable:
    """Put whole numbers of which there are many, such as ages, into bands of ten: ``20-29``."""
    bands = {}
    for column in columns:
        values = table.rows[column].cast(pl.String)
        numbers = values.cast(pl.Int64, strict=False)
        given = values != ""
        if given.any() and values.n_unique() > MOST and numbers.filter(given).is_not_null().all():
            low = numbers // BAND * BAND
            text = low.cast(pl.String) + "-" + (low + BAND - 1).cast(pl.String)
            bands[column] = text.fill_null("")
    return replace(table, rows=table.rows.with_columns(**bands))


def break_down(table: ScoreTable, column: str, threshold: float) -> Json:
    """Measure each group of a column at the one threshold.

    Args:
        table: One condition of test.
        column: A ``group_*`` column.
        threshold: For all groups the same.

    Returns:
        ``groups`` by name, ``gaps`` of each rate and ``bias_eer``. With more than :data:`MOST`
        groups only a reason: rates of single people say nothing about a group.
    """
    n_groups = len(set(map(str, table.rows[column].unique())) - {""})
    if n_groups > MOST:
        return {"groups": None, "groups_reason": f"{n_groups} groups; at most {MOST} are shown"}
    found = metrics.by_group(table, column, threshold)
    gaps = found.gaps
    content: Json = {
        "groups": {
            name: {
                "bpcer": _share(group.rates.bpcer),
                "apcer_max": _share(group.rates.apcer_max),
                "apcer_pooled": _share(group.rates.apcer_pooled),
                "worst_species": group.rates.worst_species,
                "eer": group.eer.rate,
            }
            for name, group in found.groups.items()
        },
        "n_unassigned": found.unassigned,
        "gaps": {
            name: {"gap": gap.value, "lowest": gap.lowest, "highest": gap.highest}
            | ({"gap_reason": gap.reason} if gap.value is None else {})
            for name, gap in gaps.items()
        },
        "bias_eer": found.bias_eer,
    }
    if found.bias_eer is None:
        content["bias_eer_reason"] = found.bias_eer_reason
    return content


def _share(share: Proportion) -> Json:
    limits = None if share.low is None else [share.low, share.high]
    entry: Json = {"rate": share.rate, "errors": share.errors, "n": share.n, "interval": limits}
    return entry if share.rate is not None else entry | {"rate_reason": share.reason}
