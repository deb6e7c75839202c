"""Error rates of demographic or other groups, and the gaps between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from flexpad.metrics.curve import EqualErrorRate, eer
from flexpad.metrics.presentations import check_one_condition, of_table
from flexpad.metrics.rates import Rates, rates
from flexpad.registry import did_you_mean
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

FEWER_THAN_TWO = "fewer than two groups have this rate"


@dataclass(frozen=True, slots=True)
class GroupRate:
    """What one group shows.

    Attributes:
        rates: At the threshold that holds for all groups.
        eer: Of the group alone, at its own threshold.
    """

    rates: Rates
    eer: EqualErrorRate


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest difference of a rate between two groups.

    Attributes:
        value: Highest minus lowest rate, a fraction.
        lowest: The group with the lowest rate.
        highest: The group with the highest.
        undefined: Groups without this rate, which no gap is known of.
        reason: Why value, lowest and highest are None.
    """

    value: float | None
    lowest: str | None
    highest: str | None
    undefined: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class GroupRates:
    """Rates by group.

    Attributes:
        column: The column that names the groups, e.g. ``group_ethnicity``.
        groups: By name, in alphabetical order.
        unassigned: How many rows name no group; they are in none.
        gaps: Of ``bpcer``, ``apcer_max`` and ``apcer_pooled``.
        bias_eer: Sum over groups of their equal error rate minus the least one.
        bias_eer_reason: Why that is None.
    """

    column: str
    groups: Mapping[str, GroupRate]
    unassigned: int
    gaps: Mapping[str, Gap]
    bias_eer: float | None
    bias_eer_reason: str | None = None


def by_group(table: ScoreTable, column: str, threshold: float) -> GroupRates:
    """Measure each group of a table of one condition at one threshold.

    Source: BiasEER is that of CASIA-SURF CeFA, protocol 5: the sum over ethnicities of the error
    of one minus the least error.

    Raises:
        BadInput: The table has no such column, or holds several conditions.
        ValueError: The threshold is NaN or a score is infinite.
    """
    if column not in table.groups:
        hint = did_you_mean(column, table.groups) if table.groups else "it has no group_* column"
        raise BadInput(f"{table.name}: group column {column!r} is unknown; {hint}")
    check_one_condition(table)
    names = sorted(set(table.rows[column].unique()) - {""})
    groups = {name: _measure(table, column, name, threshold) for name in names}
    errors = {name: group.eer.rate for name, group in groups.items()}
    bias, reason = _bias(errors)
    return GroupRates(
        column=column,
        groups=groups,
        unassigned=int((table.rows[column] == "").sum()),
        gaps={
            "bpcer": _gap({name: g.rates.bpcer.rate for name, g in groups.items()}),
            "apcer_max": _gap({name: g.rates.apcer_max.rate for name, g in groups.items()}),
            "apcer_pooled": _gap({name: g.rates.apcer_pooled.rate for name, g in groups.items()}),
        },
        bias_eer=bias,
        bias_eer_reason=reason,
    )


def _measure(table: ScoreTable, column: str, name: str, threshold: float) -> GroupRate:
    items = of_table(replace(table, rows=table.rows.filter(pl.col(column) == name)))
    return GroupRate(rates(items, threshold), eer(items))


def _gap(values: Mapping[str, float | None]) -> Gap:
    known = {name: value for name, value in values.items() if value is not None}
    undefined = tuple(name for name in values if name not in known)
    if len(known) < 2:
        return Gap(None, None, None, undefined, FEWER_THAN_TWO)
    lowest, highest = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    return Gap(known[highest] - known[lowest], lowest, highest, undefined)


def _bias(errors: Mapping[str, float | None]) -> tuple[float | None, str | None]:
    known = [error for error in errors.values() if error is not None]
    if len(errors) < 2:
        return None, FEWER_THAN_TWO
    if len(known) < len(errors):
        missing = ", ".join(name for name, error in errors.items() if error is None)
        return None, f"no equal error rate of group {missing}"
    return sum(error - min(known) for error in known), None
