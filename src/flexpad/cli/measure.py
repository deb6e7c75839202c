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


def fuse(
    dev: DevTable,
    test: TestTable,
    out: Out,
    calibration: Literal["platt", "temperature", "isotonic"] = "platt",
) -> None:
    """Answer several modalities by the scores of each alone, calibrated on dev and added up.

    Any scores in two or all of R, D and I will do, also those of a system for each modality, which
    `flexpad scores import` makes one table of. `flexpad report` measures what is written.

    Args:
        dev: Score table the calibration is fitted to.
        test: Score table of the same system.
        out: Folder for fused-dev.csv and fused-test.csv.
        calibration: How a score becomes a probability.
    """
    from flexpad import calibrate, score_table

    fused = calibrate.fuse(score_table.read(dev), score_table.read(test), calibration)
    out.mkdir(parents=True, exist_ok=True)
    for split, table in zip(("dev", "test"), fused, strict=True):
        score_table.write(table, out / f"fused-{split}.csv")
    conditions = ", ".join(fused[0].conditions)
    console.print(f"{conditions}, from {dev} and {test}")
    console.print(
        f"[dim]Next: flexpad report {out / 'fused-dev.csv'} {out / 'fused-test.csv'} -o {out}[/dim]"
    )
