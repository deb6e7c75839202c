"""Commands that start from score tables, whoever made them. None of them needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from flexpad.cli.arguments import DevTable, Out, TestTable
from flexpad.log import console


def report(
    dev: DevTable,
    test: TestTable,
    out: Out,
    rule: str = "eer@dev",
    unit: Literal["video", "frame"] = "frame",
    group: tuple[str, ...] = (),
    common: bool = False,
    calibration: Literal["none", "temperature", "platt", "isotonic"] = "none",
    like: Literal["paper"] | None = None,
    sub_protocols: tuple[Path, ...] = (),
) -> None:
    """Measure test at thresholds chosen on dev. Any system's scores will do.

    Args:
        dev: Score table the thresholds come from.
        test: Score table that is measured.
        out: Folder for report.json, report.md, report.html, calibration.json and the figures.
        rule: Operating point: eer@dev, bpcer<=1%@dev, apcer_max<=5%@dev, apcer_pooled<=5%@dev,
            fixed:0.5; @test for an oracle.
        unit: What is counted; a video's score is the mean of its answered frames.
        group: Columns to break rates down by, e.g. ethnicity sex; by default all group_* columns.
        common: One threshold for all conditions; of calibrated scores one probability.
        calibration: Map scores to probabilities, fitted on dev for each condition.
        like: Print the rows of the paper's Table 1 too, published ones set apart.
        sub_protocols: Finished report.json files of the row's other sub-protocols.
    """
    from flexpad import report as reports
    from flexpad import score_table

    options = reports.ReportOptions(rule, unit, group, common, calibration, like, sub_protocols)
    figures = reports.report(score_table.read(dev), score_table.read(test), out, options)
    console.print(reports.render_table(figures))
    if like:
        console.print()
        console.print(reports.render_paper(figures))
    console.print(f"[dim]Everything is in {out}; start with {out / 'report.html'}[/dim]")
