"""report.md: what an evaluator reads, made from report.json and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flexpad.report import wording
from flexpad.report.order import by_method, fullest, worst_first
from flexpad.report.template import template
from flexpad.report.wording import cell

__all__ = ["cell", "render_markdown"]


def render_markdown(report: Mapping[str, Any], figures: Mapping[str, str]) -> str:
    """Write the Markdown of a report.

    Args:
        report: The content of report.json.
        figures: Where each figure lies, by name.
    """
    conditions = report["conditions"]
    name = fullest(conditions)
    return template("report.md.j2").render(
        report=report,
        figures=figures,
        wording=wording,
        fullest=name,
        head=conditions[name],
        species={key: worst_first(entry["species"]) for key, entry in conditions.items()},
        published=by_method(report["paper"]["published"]) if "paper" in report else {},
    )
