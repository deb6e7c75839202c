"""Where the scores lie: a panel per condition, a row per species, the threshold across."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from flexpad.metrics import Presentations
from flexpad.metrics.presentations import Floats
from flexpad.report import wording
from flexpad.report.figures import style
from flexpad.report.figures.style import (
    ATTACK,
    ATTACK_ERROR,
    BONAFIDE,
    BONAFIDE_ERROR,
    FAINT,
    INK,
    LINE,
)

BINS = 40
COLUMNS = 4
ROW_INCHES, PANEL_INCHES = 0.42, 2.75
AXIS_WORDS = "score, higher = more bona fide"


def draw_scores(measured: Mapping[str, Presentations], report: Mapping[str, Any]) -> Figure:
    """A panel for each condition and a legend.

    Args:
        measured: The presentations of test by condition.
        report: The content of report.json, for title and thresholds.
    """
    names = list(measured)
    columns = min(COLUMNS, len(names) + 1)  # one cell is left for the legend
    rows = -(-(len(names) + 1) // columns)
    kinds = _kinds(measured)
    height = rows * (ROW_INCHES * (len(kinds) + 1) + 0.75) + 0.65
    figure = style.new_figure(columns * PANEL_INCHES + 1.3, height, f"{report['title']}: scores")
    cells = style.grid_of_panels(figure, len(names) + 1, columns)
    thresholds = _thresholds(report)
    limits = _limits(measured, thresholds)
    for place, name in enumerate(names):
        _panel(cells[place], measured[name], thresholds[name], kinds, limits)
        cells[place].set_title(name)
        if place % columns:
            cells[place].set_yticklabels([])
        if place + columns >= len(names):
            cells[place].set_xlabel(AXIS_WORDS)
    cells[len(names)].set_axis_off()
    _legend(cells[len(names)])
    return figure


def inline_panels(
    measured: Mapping[str, Presentations], report: Mapping[str, Any]
) -> dict[str, str]:
    """One panel for each condition, to stand inside a page."""
    kinds, thresholds = _kinds(measured), _thresholds(report)
    limits = _limits(measured, thresholds)
    parts = {}
    for name, items in measured.items():
        figure = style.new_figure(4.4, ROW_INCHES * (len(kinds) + 1) + 0.75)
        axes = figure.subplots()
        _panel(axes, items, thresholds[name], kinds, limits)
        axes.set_xlabel(AXIS_WORDS)
        words = f"Histograms of the scores of bona fides and of each species, {name}"
        parts[name] = style.inline_svg(figure, f"scores-{name}", words)
    return parts


def _kinds(measured: Mapping[str, Presentations]) -> list[str]:
    return sorted({species for items in measured.values() for species in items.attacks})


def _thresholds(report: Mapping[str, Any]) -> dict[str, float]:
    found = {name: entry["threshold"] for name, entry in report["conditions"].items()}
    return {name: math.inf if value is None else value for name, value in found.items()}


def _limits(
    measured: Mapping[str, Presentations], thresholds: Mapping[str, float]
) -> tuple[float, float]:
    """The score axis, the same for all panels: [0, 1] for probabilities."""
    ends = [t for t in thresholds.values() if math.isfinite(t)]
    for items in measured.values():
        for scores in (items.bonafide, items.pooled):
            ends += [float(scores[0]), float(scores[-1])] if len(scores) else []
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    if low >= 0 and high <= 1:
        return 0.0, 1.0
    return (low, high) if low < high else (low - 0.5, high + 0.5)


def _panel(
    axes: Axes,
    items: Presentations,
    threshold: float,
    kinds: list[str],
    limits: tuple[float, float],
) -> None:
    """The rows of one condition: bona fide on top, species below it."""
    edges = np.linspace(*limits, BINS + 1)
    top = len(kinds)
    _row(axes, items.bonafide, threshold, edges, top, is_bonafide=True)
    for place, kind in enumerate(kinds):
        scores = items.attacks.get(kind, np.empty(0))
        _row(axes, scores, threshold, edges, top - 1 - place, is_bonafide=False)
    labels = ["bona fide", *(kind.replace("_", " ") for kind in kinds)]
    axes.set_yticks([top - place + 0.3 for place in range(len(labels))], labels, fontsize=8.5)
    axes.tick_params(axis="both", length=0, colors=INK)
    axes.tick_params(axis="x", length=3, labelsize=8, color=FAINT)
    axes.set_xlim(*limits)
    axes.set_ylim(-0.12, top + 1.12)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)
    if math.isfinite(threshold):
        axes.axvline(threshold, color=INK, linewidth=1.1, linestyle=(0, (4, 2)))
    word = f"threshold {wording.threshold(threshold if math.isfinite(threshold) else None)}"
    axes.set_title(word, loc="right", fontsize=8, fontweight="normal")


def _row(
    axes: Axes, scores: Floats, threshold: float, edges: Floats, base: int, *, is_bonafide: bool
) -> None:
    """One histogram on its own ground line, with its share of errors at the right end."""
    axes.axhline(base, color=LINE, linewidth=0.6, zorder=0)
    is_error = scores < threshold if is_bonafide else scores >= threshold
    colours = (BONAFIDE, BONAFIDE_ERROR) if is_bonafide else (ATTACK, ATTACK_ERROR)
    at_right = axes.get_yaxis_transform()
    if not len(scores):
        axes.text(1.02, base + 0.3, wording.DASH, transform=at_right, va="center", fontsize=8)
        return
    counts = np.histogram(scores, edges)[0]
    errors = np.histogram(scores[is_error], edges)[0]
    heights = 0.88 * np.sqrt(counts / counts.max())
    wrong = heights * errors / np.maximum(counts, 1)
    for bottom, height, colour in ((0 * wrong, wrong, colours[1]), (wrong, heights, colours[0])):
        axes.stairs(
            base + height, edges, baseline=base + bottom, fill=True, color=colour, linewidth=0
        )
    share = float(is_error.mean())
    axes.text(
        1.02,
        base + 0.3,
        f"{wording.percent(share)} %",
        transform=at_right,
        va="center",
        fontsize=8,
        color=colours[1] if share else FAINT,
        fontweight="bold" if share else "normal",
    )


def _legend(axes: Axes) -> None:
    entries = [
        Patch(color=BONAFIDE, label="bona fide, accepted"),
        Patch(color=BONAFIDE_ERROR, label="bona fide, rejected (BPCER)"),
        Patch(color=ATTACK, label="attack, rejected"),
        Patch(color=ATTACK_ERROR, label="attack, accepted (APCER)"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=(0, (4, 2)), label="threshold"),
    ]
    axes.legend(
        handles=entries,
        loc="upper left",
        frameon=False,
        fontsize=8.5,
        labelcolor=INK,
        title="Height: square root of the share\nof a row. At the right: its errors.",
        title_fontproperties={"size": 8.5},
        alignment="left",
    )
