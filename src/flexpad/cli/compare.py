"""The command that holds systems against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro
from tyro.conf import Positional

from flexpad.cli.arguments import Out
from flexpad.log import console

Tables = Annotated[Positional[tuple[Path, ...]], tyro.conf.arg(metavar="TEST.csv")]
Rate = Literal["bpcer", "apcer_max", "apcer_pooled", "acer_max", "acer_pooled"]


def compare(
    tests: Tables,
    out: Out,
    dev: tuple[Path, ...] = (),
    rule: str = "eer@dev",
    unit: Literal["frame", "video"] = "frame",
    conditions: tuple[str, ...] = (),
    by: Rate = "acer_pooled",
    draws: int | None = None,
    seed: int = 0,
) -> None:
    """Compare systems on the same items, each at its own operating point.

    Args:
        tests: Score tables of split test, one a system; others are compared with the first.
        out: Folder for compare.json, compare.md and the figure.
        dev: Their dev tables in the same order: the thresholds come from there.
        rule: Operating point: eer@dev, bpcer<=0.01@dev, apcer_max<=0.05@dev, fixed:0.5, ...
        unit: What is counted.
        conditions: Only these.
        by: The rate that decides who is better.
        draws: Of the bootstrap over subjects; by default 2000, or more for many comparisons.
        seed: Of the draws.
    """
    from flexpad import compare as comparisons
    from flexpad import score_table

    tables, devs = ([score_table.read(path) for path in paths] for paths in (tests, dev))
    content = comparisons.compare(
        tables, devs, out, rule, unit, conditions=conditions, by=by, draws=draws, seed=seed
    )
    console.print(comparisons.render_tables(content))
