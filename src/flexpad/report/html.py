"""report.html: one page that needs nothing but itself, made from report.json and the figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from flexpad.report import wording
from flexpad.report.figures import Panels
from flexpad.report.order import by_method, fullest, worst_first
from flexpad.report.template import template


def render_html(report: Mapping[str, Any], panels: Panels) -> str:
    """Write the page.

    Args:
        report: The content of report.json.
        panels: SVG elements that stand in it.

    Returns:
        HTML without scripts and without a link to anything outside; light and dark by the reader's
        settings, for a phone and for paper.
    """
    conditions = report["conditions"]
    name = fullest(conditions)
    return template("report.html.j2").render(
        report=report,
        wording=wording,
        fullest=name,
        head=conditions[name],
        species={key: worst_first(entry["species"]) for key, entry in conditions.items()},
        limit=_axis_limit(report),
        published=by_method(report["paper"]["published"]) if "paper" in report else {},
        det=Markup(panels.det),  # drawn by us; matplotlib escapes names
        det_species=_markup(panels.det_species),
        scores=_markup(panels.scores),
        reliability=_markup(panels.reliability),
    )


def _markup(parts: Mapping[str, str]) -> dict[str, Markup]:
    return {name: Markup(svg) for name, svg in parts.items()}


def _axis_limit(report: Mapping[str, Any]) -> float:
    """The right end of the tracks that rates are drawn on: one for all, so that all compare."""
    found = [
        entry[key][rate]
        for entry in report["conditions"].values()
        for key in ("intervals", "clustered_intervals")
        for rate in ("bpcer", "apcer_max")
    ]
    end = max((limits[1] for limits in found if limits), default=1.0)
    return next((step for step in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if end <= step), 1.0)
