"""report.md: what an evaluator reads, made from report.json and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from flexpad.report import wording


def render_markdown(report: Mapping[str, Any], histogram: str) -> str:
    """Write the Markdown of a report.

    Args:
        report: The content of report.json.
        histogram: File name of the figure beside it.
    """
    environment = Environment(
        loader=PackageLoader("flexpad.report"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is Markdown; cell() escapes what would break a table
    )
    environment.filters.update(
        percent=wording.percent,
        interval=wording.interval,
        threshold=wording.threshold,
        area=wording.area,
        listed=wording.listed,
        cell=_cell,
    )
    conditions = report["conditions"]
    fullest = max(conditions, key=len)
    return environment.get_template("report.md.j2").render(
        report=report,
        histogram=histogram,
        wording=wording,
        fullest=fullest,
        head=conditions[fullest],
        species=_species_by_condition(conditions),
    )


def _species_by_condition(
    conditions: Mapping[str, Any],
) -> dict[str, list[tuple[str, Mapping[str, Any]]]]:
    """The species of each condition, the worst first, those without an answer last."""
    return {
        name: sorted(
            entry["species"].items(),
            key=lambda item: (
                item[1]["apcer"] is None,
                -(item[1]["apcer"] or 0),
                -(item[1]["interval"] or [0, 0])[1],
            ),
        )
        for name, entry in conditions.items()
    }


def _cell(text: object) -> str:
    """Text that stays inside one cell of a table, whatever somebody called their things."""
    flat = " ".join(str(text).split())
    return flat.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
