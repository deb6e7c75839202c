"""A cell is one condition of one protocol: where systems meet, each at its own threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from flexpad import calibrate, metrics, score_table
from flexpad.calibrate import Rule, Threshold
from flexpad.compare.system import System
from flexpad.metrics import Presentations, Rates, SubjectCounts
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

Flags = npt.NDArray[np.bool_]
CLUSTERS = ("subject", "video", "sample")


@dataclass(frozen=True, slots=True)
class Cell:
    """One condition of one protocol of one data set."""

    dataset: str
    protocol: str
    condition: str


@dataclass(frozen=True, slots=True)
class Measured:
    """One system in one cell, S items in the order of their names.

    Attributes:
        system: Its name.
        threshold: Its own, with what it does where it was chosen.
        items: Its scores.
        rates: At the threshold.
        counts: By cluster, the same C clusters for every system.
        cluster: What is drawn: ``subject``; without subjects ``video``, or the ``sample`` itself.
        is_bonafide: (S,).
        answered: (S,).
        wrong: A bona fide that was rejected or an attack that was accepted, (S,).
        scores: (S,) float64, NaN for a non-response.
    """

    system: str
    threshold: Threshold
    items: Presentations
    rates: Rates
    counts: SubjectCounts
    cluster: str
    is_bonafide: Flags
    answered: Flags
    wrong: Flags
    scores: npt.NDArray[np.float64]


def cells_of(table: ScoreTable) -> list[Cell]:
    """The cells of a table: data sets and protocols in order, in each the conditions in theirs."""
    names = table.rows.select("dataset", "protocol").unique().sort("dataset", "protocol")
    have = set(table.rows.select("dataset", "protocol", "condition").unique().iter_rows())
    return [
        Cell(dataset, protocol, condition)
        for dataset, protocol in names.iter_rows()
        for condition in table.conditions
        if (dataset, protocol, condition) in have
    ]


def measure(systems: Sequence[System], rule: Rule, unit: str) -> dict[Cell, list[Measured]]:
    """Every system in every cell, in the order of the systems.

    Raises:
        BadInput: A dev table has no rows of a protocol, or no threshold can be chosen there.
    """
    return {
        cell: [_measure(system, cell, rule, unit) for system in systems]
        for cell in cells_of(systems[0].test)
    }


def _measure(system: System, cell: Cell, rule: Rule, unit: str) -> Measured:
    test = _part(system.test, cell)
    source = test if system.dev is None else _dev_part(system.dev, cell)
    threshold = calibrate.choose(source, str(rule), unit, [cell.condition]).thresholds
    value = threshold[cell.condition].value
    table = score_table.per_unit(test, unit).condition(cell.condition)
    table = replace(table, rows=table.rows.sort("sample_id"))
    items = metrics.of_table(table)
    clustered, cluster = _clustered(table)
    scores = table.scores
    accepted = scores >= value  # never so for NaN
    return Measured(
        system=system.name,
        threshold=threshold[cell.condition],
        items=items,
        rates=metrics.rates(items, value),
        counts=metrics.subject_counts(clustered, value),
        cluster=cluster,
        is_bonafide=table.is_bonafide,
        answered=~np.isnan(scores),
        wrong=(accepted != table.is_bonafide) & ~np.isnan(scores),
        scores=scores,
    )


def _part(table: ScoreTable, cell: Cell) -> ScoreTable:
    """The rows of a cell."""
    of_cell = pl.all_horizontal(
        pl.col("dataset") == cell.dataset,
        pl.col("protocol") == cell.protocol,
        pl.col("condition") == cell.condition,
    )
    return replace(table, rows=table.rows.filter(of_cell))


def _dev_part(dev: ScoreTable, cell: Cell) -> ScoreTable:
    """The dev rows of a cell's protocol; a dev table of one protocol serves any."""
    have = dev.rows.select("dataset", "protocol").unique()
    if have.height == 1:
        dataset, protocol = have.row(0)
        return _part(dev, replace(cell, dataset=dataset, protocol=protocol))
    part = _part(dev, cell)
    if part.rows.is_empty():
        raise BadInput(
            f"{dev.name}: has several protocols, but no rows of {cell.dataset} {cell.protocol} in"
            f" condition {cell.condition}; add them, thresholds are chosen in each protocol"
        )
    return part


def _clustered(table: ScoreTable) -> tuple[ScoreTable, str]:
    """The table with what is drawn as its subjects."""
    known = [name for name in CLUSTERS if not (table.rows[f"{name}_id"] == "").any()]
    drawn = pl.col(f"{known[0]}_id")  # every sample has a name
    return replace(table, rows=table.rows.with_columns(subject_id=drawn)), known[0]
