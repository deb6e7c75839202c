"""The systems that are compared: what they are called, and that they were asked the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from flexpad.calibrate import Rule, check_split
from flexpad.report.inspection import check_tables
from flexpad.report.wording import listed, plural
from flexpad.score_table import ScoreTable
from flexpad.types import CONDITIONS, BadInput

KEY = ["dataset", "protocol", "condition", "sample_id"]
FACTS = ["label", "pai_species", "subject_id", "video_id"]


@dataclass(frozen=True, slots=True)
class System:
    """One system's scores.

    Attributes:
        name: Unique among those compared.
        test: What is compared, frames or videos as read.
        dev: Where its thresholds come from; None if the rule asks no dev.
    """

    name: str
    test: ScoreTable
    dev: ScoreTable | None


def gather(
    tests: Sequence[ScoreTable],
    devs: Sequence[ScoreTable],
    rule: Rule,
    conditions: Sequence[str] = (),
) -> list[System]:
    """Put test and dev tables together, and check that they can be compared.

    Args:
        tests: One table of split test for each system.
        devs: Their dev tables, in the same order. Not read where the rule asks no dev.
        rule: Where thresholds come from.
        conditions: Those to compare; () = all that the tables have.

    Raises:
        BadInput: There are fewer than two systems, a dev table is missing or of another system, a
            subject is in dev and test, or the systems were not tested on the same items.
    """
    if len(tests) < 2:
        raise BadInput("there is nothing to compare; give the score tables of two or more systems")
    if rule.split != "dev":
        devs = ()
    elif len(devs) != len(tests):
        raise BadInput(
            f"rule {rule} takes thresholds from dev, but there are {plural(len(devs), 'dev table')}"
            f" for {len(tests)} systems; give --dev with one each, in the same order, or a rule"
            " such as fixed:0.5"
        )
    tests = [_only(table, conditions) for table in tests]
    for table in tests:
        check_split(table, "test")
    for dev, test in zip(devs, tests, strict=False):
        check_tables(dev, test)
    for other in tests[1:]:
        _same_items(tests[0], other)
    of_each = devs or (None,) * len(tests)
    named = zip(_names(tests), tests, of_each, strict=True)
    return [System(name, test, dev) for name, test, dev in named]


def _only(table: ScoreTable, conditions: Sequence[str]) -> ScoreTable:
    """The wanted conditions of a table."""
    for condition in conditions:
        if condition not in CONDITIONS:
            raise BadInput(
                f"condition {condition!r} is unknown; choose from {', '.join(CONDITIONS)}"
            )
        if condition not in table.conditions:
            raise BadInput(f"{table.name}: has no scores of condition {condition}")
    if not conditions:
        return table
    return replace(table, rows=table.rows.filter(pl.col("condition").is_in(list(conditions))))


def _same_items(first: ScoreTable, other: ScoreTable) -> None:
    """Refuse two tables that do not say the same about the same items."""
    if first.conditions != other.conditions:
        raise BadInput(
            f"{other.name}: has conditions {' '.join(other.conditions)}, but {first.name} has"
            f" {' '.join(first.conditions)}; choose common ones with --conditions"
        )
    for here, there in ((first, other), (other, first)):
        lacking = here.rows.join(there.rows, on=KEY, how="anti", maintain_order="left")
        if lacking.height:
            dataset, protocol, condition, sample = lacking.select(KEY).row(0)
            raise BadInput(
                f"{there.name}: has no {sample!r} ({' '.join(filter(None, (dataset, protocol)))},"
                f" condition {condition}), which {here.name} has; {plural(lacking.height, 'row')}"
                " differ: score the same items"
            )
    both = first.rows.select(*KEY, *FACTS).join(other.rows.select(*KEY, *FACTS), on=KEY)
    for column in FACTS:
        wrong = both.filter(pl.col(column) != pl.col(f"{column}_right"))
        if wrong.height:
            sample, one, two = wrong.select("sample_id", column, f"{column}_right").row(0)
            raise BadInput(
                f"{other.name}: {column} of {sample!r} is {two!r}, but {first.name} has {one!r};"
                f" {plural(wrong.height, 'row')} differ: they are not the same items"
            )


def _names(tables: Sequence[ScoreTable]) -> list[str]:
    """The method each header names; where that is missing or not unique, the file's name."""
    methods = [table.header.get("method", "") for table in tables]
    stems = [Path(table.name).stem for table in tables]
    count = Counter(methods)
    names = [
        method if method and count[method] == 1 else stem
        for method, stem in zip(methods, stems, strict=True)
    ]
    twice = [name for name, number in Counter(names).items() if number > 1]
    if twice:
        names = [
            f"{Path(table.name).parent.name}/{name}" if name in twice else name
            for table, name in zip(tables, names, strict=True)
        ]
    again = [name for name, number in Counter(names).items() if number > 1]
    if again:
        raise BadInput(
            f"{listed([t.name for t, n in zip(tables, names, strict=True) if n == again[0]])} are"
            f" both called {again[0]!r}; name the systems by 'method' in their headers"
        )
    return names
