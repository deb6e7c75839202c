"""An analysis in the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich import box
from rich.table import Table

from flexpad.analyse.markdown import WORDS, ratio
from flexpad.report.wording import percent

COLUMNS = ("balanced accuracy, %", "ACER pooled, %", "Fisher ratio", "by chance")


def render_table(content: Mapping[str, Any]) -> Table:
    """How well features part bona fides from attacks, a line for each modality.

    Args:
        content: Of analysis.json.
    """
    table = Table(title=content["title"], title_justify="left", box=box.SIMPLE)
    table.add_column("")
    for name in COLUMNS:
        table.add_column(name, justify="right")
    for name, entry in content["separability"].items():
        table.add_row(
            WORDS[name],
            percent(entry["balanced_accuracy"]),
            percent(entry["acer_pooled"]),
            ratio(entry["fisher_ratio"]),
            ratio(entry["fisher_ratio_by_chance"]),
        )
    return table
