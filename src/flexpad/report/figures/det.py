"""Detection error trade-off on probit axes: BPCER against APCER, at every threshold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator
from scipy.special import ndtri

from flexpad import metrics
from flexpad.metrics import Presentations
from flexpad.report.figures import style
from flexpad.report.wording import condition_words

TICKS = (0.0001, 0.001, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99, 0.999)
LOW, HIGH = 0.01, 0.6  # what is shown at least
PANEL = 3.1  # inches
COLUMNS = 4


def draw_det(measured: Mapping[str, Presentations], report: Mapping[str, Any]) -> Figure:
    """All conditions in the first panel, then a panel for each with a curve for each species."""
    names = list(measured)
    columns = min(COLUMNS, len(names) + 1)
    rows = -(-(len(names) + 1) // columns)
    title = f"{report['title']}: detection error trade-off"
    figure = style.new_figure(columns * PANEL, rows * (PANEL + 0.5) + 0.4, title)
    cells = style.grid_of_panels(figure, len(names) + 1, columns)
    conditions_panel(cells[0], measured, report)
    cells[0].set_title("every condition, worst species")
    for axes, name in zip(cells[1:], names, strict=True):
        species_panel(axes, measured[name], report["conditions"][name])
        axes.set_title(name)
    return figure


def conditions_panel(
    axes: Axes,
    measured: Mapping[str, Presentations],
    report: Mapping[str, Any],
    below: float = 0.17,
) -> None:
    """A curve for each condition; ``below``, in heights of the axes, is where its legend begins."""
    ends = []
    for name, items in measured.items():
        colour, dash = style.CONDITION[name]
        points = metrics.det_points(items, "max")
        if points.reason:
            continue
        apcer, bpcer = points.clamped()
        width = 2.2 if len(name) == 3 else 1.4
        axes.plot(ndtri(apcer), ndtri(bpcer), color=colour, ls=dash, lw=width, label=name)
        entry = report["conditions"][name]
        _operating_point(axes, entry["apcer_max"], entry["bpcer"], points, colour)
        ends += [points.smallest_apcer, points.smallest_bpcer]
    _probit_axes(axes, [end for end in ends if end])
    axes.set_xlabel("APCER of the worst species, %")
    _legend(axes, 4, below)


def species_panel(axes: Axes, items: Presentations, entry: Mapping[str, Any]) -> None:
    """BPCER against the APCER of each species, in one condition."""
    ends = []
    for place, name in enumerate(items.attacks):
        points = metrics.det_points(items, name)
        if points.reason:
            continue
        colour = style.SERIES[place % len(style.SERIES)]
        apcer, bpcer = points.clamped()
        label = name.replace("_", " ")
        dash = style.DASHES[place % len(style.DASHES)]
        axes.plot(ndtri(apcer), ndtri(bpcer), color=colour, ls=dash, lw=1.5, label=label)
        rate = entry["species"][name]["apcer"]
        _operating_point(axes, rate, entry["bpcer"], points, colour)
        ends += [points.smallest_apcer, points.smallest_bpcer]
    _probit_axes(axes, [end for end in ends if end])
    axes.set_xlabel("APCER of a species, %")
    _legend(axes, 2, 0.17)


def inline_panels(
    measured: Mapping[str, Presentations], report: Mapping[str, Any]
) -> tuple[str, dict[str, str]]:
    """The panel of all conditions and one for each, to stand inside a page."""
    figure = style.new_figure(6.2, 6.2)
    axes = figure.subplots()
    conditions_panel(axes, measured, report, below=0.1)
    words = "BPCER against APCER of the worst species on probit axes, a curve for each condition"
    whole = style.inline_svg(figure, "det", words)
    parts = {}
    for name, items in measured.items():
        figure = style.new_figure(3.3, 3.6)
        axes = figure.subplots()
        species_panel(axes, items, report["conditions"][name])
        words = f"BPCER against APCER of each species, {condition_words(name)}"
        parts[name] = style.inline_svg(figure, f"det-{name}", words)
    return whole, parts


def _operating_point(
    axes: Axes, apcer: float | None, bpcer: float | None, points: metrics.DetPoints, colour: str
) -> None:
    if apcer is None or bpcer is None:
        return
    low_a, low_b = points.smallest_apcer or 0, points.smallest_bpcer or 0
    x, y = np.clip(apcer, low_a, 1 - low_a), np.clip(bpcer, low_b, 1 - low_b)
    axes.plot(
        [ndtri(x)],
        [ndtri(y)],
        "o",
        ms=6,
        color=colour,
        mec="white",
        mew=1.2,
        zorder=5,
        clip_on=False,
    )


def _probit_axes(axes: Axes, smallest: list[float]) -> None:
    """The same per cents on both axes, as far down as the sample reaches."""
    low = min([LOW, *smallest]) * 0.9
    ticks = [tick for tick in TICKS if low <= tick <= HIGH * 1.5]
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(FixedLocator([float(ndtri(tick)) for tick in ticks]))
        axis.set_minor_locator(NullLocator())
        axis.set_ticklabels([f"{100 * tick:g}" for tick in ticks])
    limits = float(ndtri(low)), float(ndtri(0.9))
    axes.set_xlim(*limits)
    axes.set_ylim(*limits)
    axes.set_aspect("equal")
    axes.grid(visible=True)
    axes.plot(limits, limits, color=style.FAINT, lw=0.7, ls=(0, (1, 3)), zorder=0)
    axes.set_ylabel("BPCER, %")
    style.bare(axes, "left", "bottom")
    axes.tick_params(length=3)


def _legend(axes: Axes, columns: int, below: float) -> None:
    """Below the axes, where no curve runs."""
    if axes.get_legend_handles_labels()[1]:
        axes.legend(
            loc="upper center",
            bbox_to_anchor=(0.5, -below),
            ncols=columns,
            handlelength=2.2,
            columnspacing=1.2,
            labelspacing=0.3,
            borderaxespad=0,
        )
    else:
        axes.text(0.5, 0.5, "undefined", transform=axes.transAxes, ha="center")
