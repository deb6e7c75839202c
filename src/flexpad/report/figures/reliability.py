"""Reliability: what share of the presentations that claim a probability are bona fide."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexpad.report import wording
from flexpad.report.figures import style

PANEL = 2.6
COLUMNS = 4


def draw_reliability(report: Mapping[str, Any]) -> Figure:
    """A panel for each condition; hollow before calibration, filled after it."""
    conditions = report["conditions"]
    columns = min(COLUMNS, len(conditions))
    rows = -(-len(conditions) // columns)
    title = f"{report['title']}: reliability"
    figure = style.new_figure(max(columns * PANEL, 4.5), rows * (PANEL + 0.25) + 0.4, title)
    for axes, (name, entry) in zip(
        style.grid_of_panels(figure, len(conditions), columns), conditions.items(), strict=True
    ):
        reliability_panel(axes, entry["reliability"])
        axes.set_title(name)
    return figure


def inline_panels(report: Mapping[str, Any]) -> dict[str, str]:
    """One panel for each condition, to stand inside a page."""
    parts = {}
    for name, entry in report["conditions"].items():
        figure = style.new_figure(2.9, 2.9)
        reliability_panel(figure.subplots(), entry["reliability"])
        words = f"Share of bona fides against the probability claimed, {name}"
        parts[name] = style.inline_svg(figure, f"reliability-{name}", words)
    return parts


def reliability_panel(axes: Axes, entry: Mapping[str, Any]) -> None:
    """Bins before and after calibration against the diagonal; the larger a dot, the more weight."""
    axes.plot([0, 1], [0, 1], color=style.FAINT, lw=0.8, ls=(0, (4, 3)), zorder=0)
    has_after = entry["after"] is not None
    for key, colour in (("before", style.ATTACK_ERROR), ("after", style.BONAFIDE_ERROR)):
        found = entry[key]
        if not found or not found["bins"]:
            continue
        x = [b["mean"] for b in found["bins"]]
        y = [b["bonafide"] for b in found["bins"]]
        sizes = [14 + 300 * b["weight"] for b in found["bins"]]
        hollow = key == "before"
        axes.scatter(
            x, y, s=sizes, zorder=3, linewidths=1.2, edgecolors=colour,
            facecolors="none" if hollow else colour, clip_on=False,
        )  # fmt: skip
        word = (key + " " if has_after else "") + f"ECE {wording.percent(found['ece'])} %"
        place = 0.04 if key == "after" or not has_after else 0.13
        axes.text(
            0.97, place, word, transform=axes.transAxes, ha="right", color=colour, fontsize=8.5
        )
    if not any(entry[key] and entry[key]["bins"] for key in ("before", "after")):
        axes.text(0.5, 0.4, "no probabilities", transform=axes.transAxes, ha="center")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    axes.grid(visible=True)
    axes.set_xlabel("probability of bona fide claimed")
    axes.set_ylabel("share that is bona fide")
    style.bare(axes, "left", "bottom")
