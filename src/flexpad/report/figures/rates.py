"""Rates with their intervals: species, conditions and groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from flexpad.report import wording
from flexpad.report.figures import style
from flexpad.report.order import worst_first

ROW = 0.30  # inches
COLUMNS = 3
_HEAT = LinearSegmentedColormap.from_list("errors", ["#ffffff", "#f3c19c", "#c44601", "#6d2600"])


def draw_species(report: Mapping[str, Any]) -> Figure:
    """APCER of each species, the worst first, a panel for each condition."""
    conditions = report["conditions"]
    columns = min(COLUMNS, len(conditions))
    rows = -(-len(conditions) // columns)
    longest = max((len(entry["species"]) for entry in conditions.values()), default=1)
    title = f"{report['title']}: APCER of each species, the worst first"
    height = rows * (ROW * max(longest, 1) + 0.85) + 0.75
    figure = style.new_figure(max(columns * 3.5, 6.5), height, title)
    cells = style.grid_of_panels(figure, len(conditions), columns)
    limit = _limit(
        entry["interval"] for c in conditions.values() for entry in c["species"].values()
    )
    for axes, (name, entry) in zip(cells, conditions.items(), strict=True):
        rows_of = [
            (kind.replace("_", " "), found["apcer"], found["interval"], found["clustered_interval"])
            for kind, found in worst_first(entry["species"])
        ]
        _interval_rows(axes, rows_of, style.ATTACK_ERROR, style.ATTACK, limit)
        axes.set_title(f"{name}, BPCER {wording.percent(entry['bpcer'])} %")
        axes.set_xlabel("APCER, %")
    figure.supxlabel(
        "thick: 95 % Clopper-Pearson; thin: 95 %, clustered by subject",
        fontsize=8.5,
        x=0.01,
        ha="left",
    )
    return figure


def draw_conditions(report: Mapping[str, Any]) -> Figure:
    """The matrix: a row for each condition, a column for each error rate."""
    conditions = report["conditions"]
    kinds = sorted({kind for entry in conditions.values() for kind in entry["species"]})
    heads = ["BPCER", *(kind.replace("_", " ") for kind in kinds), "APCER max", "APCER pooled"]
    heads += ["ACER max", "ACER pooled"]
    cells = [
        [
            entry["bpcer"],
            *(entry["species"].get(kind, {}).get("apcer") for kind in kinds),
            *(entry[rate] for rate in ("apcer_max", "apcer_pooled", "acer_max", "acer_pooled")),
        ]
        for entry in conditions.values()
    ]
    figure = style.new_figure(
        0.92 * len(heads) + 1.3, 0.42 * len(cells) + 1.5, f"{report['title']}: error rates, %"
    )
    axes = figure.subplots()
    values = np.array([[np.nan if v is None else v for v in row] for row in cells], dtype=float)
    axes.imshow(values, cmap=_HEAT, vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        text = wording.percent(None if np.isnan(value) else float(value))
        dark = not np.isnan(value) and value > 0.55
        axes.text(column, row, text, ha="center", va="center", color="white" if dark else style.INK)
    axes.set_xticks(range(len(heads)), [head.replace(" ", "\n") for head in heads])
    axes.set_yticks(range(len(cells)), list(conditions), fontweight="bold")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    style.bare(axes)
    for edge in (0.5, len(kinds) + 0.5, len(kinds) + 2.5):
        axes.axvline(edge, color=style.INK, lw=1)
    return figure


def draw_groups(report: Mapping[str, Any], condition: str) -> Figure | None:
    """BPCER and worst APCER of each group in one condition; None without groups."""
    columns = {
        name: found
        for name, found in report["conditions"][condition]["groups"].items()
        if found["groups"]
    }
    if not columns:
        return None
    heights = [ROW * len(found["groups"]) + 0.75 for found in columns.values()]
    title = f"{report['title']}: groups, {wording.condition_words(condition)}"
    figure = style.new_figure(8.2, sum(heights) + 0.6, title)
    cells = figure.subplots(len(columns), 2, squeeze=False, height_ratios=heights)
    sides = (
        ("bpcer", style.BONAFIDE_ERROR, style.BONAFIDE),
        ("apcer_max", style.ATTACK_ERROR, style.ATTACK),
    )
    for place, (rate, dark, light) in enumerate(sides):
        limit = _limit(
            g[rate]["interval"] for found in columns.values() for g in found["groups"].values()
        )
        for row, (column, found) in enumerate(columns.items()):
            axes = cells[row][place]
            rows_of = [
                (f"{name}  ({g[rate]['n']})", g[rate]["rate"], g[rate]["interval"], None)
                for name, g in found["groups"].items()
            ]
            _interval_rows(axes, rows_of, dark, light, limit)
            gap = wording.percent(found["gaps"][rate]["gap"])
            axes.set_title(f"{wording.group_words(column)}: {wording.RATE_WORDS[rate]}, gap {gap}")
            axes.set_xlabel(f"{wording.RATE_WORDS[rate]}, %")
    return figure


def _interval_rows(
    axes: Axes,
    rows: Sequence[tuple[str, float | None, Sequence[float] | None, Sequence[float] | None]],
    dark: str,
    light: str,
    limit: float,
) -> None:
    """One row a rate: a thin clustered interval, a thick exact one, and the rate itself."""
    for place, (_, rate, exact, clustered) in enumerate(rows):
        y = len(rows) - 1 - place
        if clustered:
            axes.plot(clustered, [y, y], color=dark, lw=1.1, solid_capstyle="butt", zorder=2)
        if exact:
            axes.plot(exact, [y, y], color=light, lw=6, solid_capstyle="butt", zorder=1)
        if rate is not None:
            axes.plot([rate], [y], "o", ms=5.5, color=dark, mec="white", mew=0.8, zorder=3)
        at_right = axes.get_yaxis_transform()
        axes.text(1.02, y, wording.percent(rate), transform=at_right, va="center", fontsize=8.5)
    labels = [row[0] for row in rows] or ["no attack"]
    axes.set_yticks(range(len(labels)), labels[::-1])
    axes.set_ylim(-0.6, max(len(rows), 1) - 0.4)
    axes.set_xlim(0, limit)
    style.per_cent(axes)
    axes.grid(visible=True, axis="x")
    axes.tick_params(axis="y", length=0)
    style.bare(axes, "bottom")


def _limit(intervals: Iterable[Sequence[float] | None]) -> float:
    """The right end of an axis that holds every upper limit: 0.1, 0.2, 0.5 or 1."""
    highest = max((limits[1] for limits in intervals if limits), default=1.0)
    return next((end for end in (0.05, 0.1, 0.2, 0.4, 0.6, 0.8) if highest <= end), 1.0)
