"""Write a whole report, or nothing."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import polars as pl

from flexpad import calibrate, metrics, score_table
from flexpad.calibrate import Calibration
from flexpad.report import paper
from flexpad.report.breakdown import banded, columns_for
from flexpad.report.evaluation import evaluate
from flexpad.report.figures import NAMES, draw_figures, draw_panels
from flexpad.report.html import render_html
from flexpad.report.inspection import check_tables, warnings
from flexpad.report.markdown import render_markdown
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

FIGURES = "figures"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """What to measure, and at which operating point.

    Attributes:
        rule: Name of the operating point, see :mod:`flexpad.calibrate`.
        unit: ``frame`` or ``video``.
        group: ``group_*`` columns to break rates down by, with or without the prefix; by default
            all the table has.
        common: One threshold for all conditions.
        calibration: ``none``, ``temperature``, ``platt`` or ``isotonic``: what turns scores into
            probabilities. It changes no decision at a threshold of a single condition.
        like: ``paper`` adds the rows of a paper's table.
        sub_protocols: Finished report.json files of the other sub-protocols of that row.
    """

    rule: str = calibrate.DEFAULT_RULE
    unit: str = "frame"
    group: tuple[str, ...] = ()
    common: bool = False
    calibration: Literal["none", "temperature", "platt", "isotonic"] = "none"
    like: Literal["paper"] | None = None
    sub_protocols: tuple[Path, ...] = ()


def report(
    dev: ScoreTable,
    test: ScoreTable,
    out: Path,
    options: ReportOptions = ReportOptions(),
) -> Json:
    """Choose thresholds, measure test at them, and write what there is to read.

    Writes report.json, report.md, report.html, calibration.json and the figures into ``out``; other
    files there stay. They appear when all are finished, report.json last.

    Args:
        dev: Scores of frames, of split dev: the thresholds come from here, unless the rule ends in
            ``@test``; the maps to probabilities always do.
        test: Scores of frames, of split test: measured.
        out: Folder, made if it is missing.
        options: What to measure.

    Returns:
        The content of report.json.

    Raises:
        BadInput: The tables or an option cannot be used; nothing is written.
    """
    check_tables(dev, test)
    columns = columns_for(test, options.group)
    content, calibration = _evaluate(dev, test, options, columns)
    if options.like == "paper":
        content["paper"] = paper.table_rows(_sub_protocols(dev, test, content, options))
    elif options.sub_protocols:
        raise BadInput("sub_protocols are for the rows of a paper's table: ask for like paper")
    measured = _by_condition(test, options.unit, test)
    content["warnings"] = warnings(
        dev, test, content, _by_condition(dev, options.unit, test), measured
    )
    with _whole_or_not_at_all(out) as draft:
        (draft / FIGURES).mkdir()
        drawn = draw_figures(measured, content, draft / FIGURES)
        markdown = render_markdown(content, {name: f"{FIGURES}/{name}.png" for name in drawn})
        page = render_html(content, draw_panels(measured, content))
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        for name, written in (
            ("calibration.json", calibrate.dumps(calibration)),
            ("report.md", markdown),
            ("report.html", page),
            ("report.json", text),
        ):
            (draft / name).write_text(written, encoding="utf-8")
    return content


def _evaluate(
    dev: ScoreTable, test: ScoreTable, options: ReportOptions, columns: Sequence[str]
) -> tuple[Json, Calibration]:
    oracle = calibrate.parse_rule(options.rule).split == "test"
    found = None
    if options.calibration != "none":
        found = calibrate.fit(dev, options.calibration, options.unit, test.conditions)
    calibration = calibrate.choose(
        test if oracle else dev,
        options.rule,
        options.unit,
        test.conditions,
        common=options.common,
        probability=found,
    )
    counted = score_table.per_unit(banded(test, columns), options.unit)
    by_condition = {name: counted.condition(name) for name in test.conditions}
    return evaluate(dev, test, calibration, by_condition, columns), calibration


def _sub_protocols(
    dev: ScoreTable, test: ScoreTable, whole: Json, options: ReportOptions
) -> list[Json]:
    """One report for each sub-protocol: those of the tables, and those finished elsewhere."""
    names = whole["tables"]["test"]["protocols"]
    here = [whole]
    if len(names) > 1:
        here = [
            _evaluate(_of_protocol(dev, name), _of_protocol(test, name), options, ())[0]
            for name in names
        ]
    return here + [paper.read_report(path) for path in options.sub_protocols]


def _of_protocol(table: ScoreTable, name: str) -> ScoreTable:
    rows = table.rows.filter(pl.col("protocol") == name)
    if rows.is_empty():
        raise BadInput(f"{table.name}: has no rows of protocol {name}; score dev in it too")
    return replace(table, rows=rows)


def _by_condition(
    table: ScoreTable, unit: str, test: ScoreTable
) -> dict[str, metrics.Presentations]:
    counted = score_table.per_unit(table, unit)
    return {name: metrics.of_table(counted.condition(name)) for name in test.conditions}


@contextmanager
def _whole_or_not_at_all(out: Path) -> Iterator[Path]:
    """A folder whose files move to ``out`` when the body ends well, and are gone when not."""
    is_new = not out.exists()
    out.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".report-", dir=out))
    try:
        yield draft
        _move(draft, out)
    except BaseException:
        shutil.rmtree(draft)
        if is_new and not any(out.iterdir()):
            out.rmdir()
        raise
    shutil.rmtree(draft)


def _move(draft: Path, out: Path) -> None:
    """Move the figures, drop those of an older report, then the rest with report.json last."""
    (out / FIGURES).mkdir(exist_ok=True)
    for name in NAMES:
        for ending in (".png", ".svg"):
            file = draft / FIGURES / (name + ending)
            if file.exists():
                file.replace(out / FIGURES / file.name)
            else:
                (out / FIGURES / file.name).unlink(missing_ok=True)
    files = [file for file in draft.iterdir() if file.is_file()]
    for file in sorted(files, key=lambda f: f.name == "report.json"):
        file.replace(out / file.name)
