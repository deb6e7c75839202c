"""Write a whole report, or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flexpad import calibrate, metrics, score_table
from flexpad.metrics import Presentations
from flexpad.report.evaluation import evaluate
from flexpad.report.histogram import draw_histograms
from flexpad.report.inspection import check_tables, warnings
from flexpad.report.markdown import render_markdown
from flexpad.score_table import ScoreTable

HISTOGRAM = "score-histogram.png"


def report(
    dev: ScoreTable,
    test: ScoreTable,
    out: Path,
    rule: str = calibrate.DEFAULT_RULE,
    unit: str = "frame",
) -> dict[str, Any]:
    """Choose thresholds, measure test at them, and write what there is to read.

    Writes report.json, report.md, calibration.json and score-histogram.png into ``out``; other
    files there stay. They appear when all four are finished, report.json last.

    Args:
        dev: Scores of frames, of split dev: the thresholds come from here, unless the rule ends in
            ``@test``.
        test: Scores of frames, of split test: measured.
        out: Folder, made if it is missing.
        rule: Name of the operating point, see :mod:`flexpad.calibrate`.
        unit: ``frame`` or ``video``.

    Returns:
        The content of report.json.

    Raises:
        BadInput: The tables, the rule or the unit cannot be used; nothing is written.
    """
    check_tables(dev, test)
    oracle = calibrate.parse_rule(rule).split == "test"
    calibration = calibrate.choose(test if oracle else dev, rule, unit, test.conditions)
    chosen_on, measured = (_by_condition(t, unit, test.conditions) for t in (dev, test))
    content = evaluate(dev, test, calibration, measured)
    content["warnings"] = warnings(dev, test, content, chosen_on, measured)
    thresholds = {name: entry.value for name, entry in calibration.thresholds.items()}
    with _whole_or_not_at_all(out) as draft:
        draw_histograms(measured, thresholds, content, draft / HISTOGRAM)
        (draft / "calibration.json").write_text(calibrate.dumps(calibration), encoding="utf-8")
        markdown = render_markdown(content, HISTOGRAM)
        (draft / "report.md").write_text(markdown, encoding="utf-8")
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        (draft / "report.json").write_text(text + "\n", encoding="utf-8")
    return content


def _by_condition(
    table: ScoreTable, unit: str, conditions: tuple[str, ...]
) -> dict[str, Presentations]:
    counted = score_table.per_unit(table, unit)
    return {name: metrics.of_table(counted.condition(name)) for name in conditions}


@contextmanager
def _whole_or_not_at_all(out: Path) -> Iterator[Path]:
    """A folder whose files move to ``out`` when the body ends well, and are gone when not."""
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".report-", dir=out))
    try:
        yield draft
        for file in sorted(draft.iterdir(), key=lambda f: f.name == "report.json"):
            file.replace(out / file.name)
    except BaseException:
        shutil.rmtree(draft)
        if is_new and not any(out.iterdir()):
            out.rmdir()
        raise
    draft.rmdir()
