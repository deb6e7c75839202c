"""Commands that start from score tables, whoever made them. None of them needs torch."""

from __future__ import annotations

from flexpad.cli.arguments import DevTable, Out, TestTable
from flexpad.log import console


def report(
    dev: DevTable,
    test: TestTable,
    out: Out,
    rule: str = "eer@dev",
    unit: str = "frame",
) -> None:
    """Measure test at thresholds chosen on dev. Any system's scores will do.

    Args:
        dev: Score table the thresholds come from.
        test: Score table that is measured.
        out: Folder for report.json, report.md, calibration.json and the figure.
        rule: Operating point: eer@dev, bpcer<=0.01@dev, apcer_max<=0.05@dev, fixed:0.5, ...
        unit: frame or video.
    """
    from flexpad import report as reports
    from flexpad import score_table

    figures = reports.report(score_table.read(dev), score_table.read(test), out, rule, unit)
    console.print(reports.render_table(figures))
