"""Write a whole comparison, or nothing."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flexpad import calibrate, score_table
from flexpad.compare.cell import measure
from flexpad.compare.difference import RATES
from flexpad.compare.evaluation import evaluate
from flexpad.compare.figure import draw_figure
from flexpad.compare.inspection import warnings
from flexpad.compare.markdown import render_markdown
from flexpad.compare.system import gather
from flexpad.metrics.bootstrap import DRAWS
from flexpad.registry import did_you_mean
from flexpad.report.figures import style
from flexpad.score_table import ScoreTable
from flexpad.types import BadInput

NAME = "compare"
DECIDES = "acer_pooled"


def compare(
    tests: Sequence[ScoreTable],
    devs: Sequence[ScoreTable],
    out: Path,
    rule: str = calibrate.DEFAULT_RULE,
    unit: str = "frame",
    conditions: Sequence[str] = (),
    by: str = DECIDES,
    draws: int | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Compare systems on the same items, each at its own operating point.

    Writes compare.json, compare.md, compare.png and compare.svg into ``out``; other files there
    stay. They appear when all are finished, compare.json last.

    Args:
        tests: A table of split test for each system; the first is what others are compared with.
        devs: Their dev tables in the same order; () if the rule asks no dev.
        out: Folder, made if it is missing.
        rule: Name of the operating point, see :mod:`flexpad.calibrate`.
        unit: ``frame`` or ``video``.
        conditions: Those to compare; () = all.
        by: The rate that decides who is better.
        draws: Of the bootstrap; by default as many as the number of comparisons asks for.
        seed: Of the draws.

    Returns:
        The content of compare.json.

    Raises:
        BadInput: The systems cannot be compared; nothing is written.
    """
    parsed = calibrate.parse_rule(rule)
    if by not in RATES:
        raise BadInput(f"rate {by!r} decides nothing; {did_you_mean(by, RATES)}")
    if unit not in score_table.UNITS:
        raise BadInput(f"unit {unit!r} is unknown; choose {' or '.join(score_table.UNITS)}")
    if draws is not None and draws < 1:
        raise BadInput(f"{draws} draws make no interval; take {DRAWS} or more")
    systems = gather(tests, devs, parsed, conditions)
    cells = measure(systems, parsed, unit)
    number = draws or draws_for(len(cells) * math.comb(len(systems), 2))
    content = evaluate(systems, cells, parsed, unit=unit, by=by, draws=number, seed=seed)
    content["warnings"] = warnings(cells, content)
    _write(content, out)
    return content


def draws_for(comparisons: int) -> int:
    """How many draws show a difference among so many comparisons.

    The least p of a bootstrap is ``2 / (draws + 1)``, and Holm multiplies it by the number of
    comparisons; with 200 draws for each that is 0.01.
    """
    return max(DRAWS, 200 * comparisons)


def _write(content: dict[str, Any], out: Path) -> None:
    figure = draw_figure(content)
    markdown = render_markdown(content, f"{NAME}.png")
    text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{NAME}-", dir=out) as folder:
        draft = Path(folder) / NAME
        with style.house_style():
            style.save(figure, draft)
        draft.with_suffix(".md").write_text(markdown, encoding="utf-8")
        draft.with_suffix(".json").write_text(text, encoding="utf-8")
        for ending in (".svg", ".png", ".md", ".json"):  # the figures are there first
            draft.with_suffix(ending).replace(out / f"{NAME}{ending}")
