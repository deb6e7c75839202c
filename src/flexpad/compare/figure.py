"""One figure: every difference with its interval, and the average ranks below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from flexpad.compare import wording
from flexpad.compare.evaluation import HIGHER, LOWER
from flexpad.report.figures import style
from flexpad.report.wording import RATE_WORDS

SHOWN = ("bpcer", "apcer_max", "apcer_pooled")
ROW, STEP = 0.34, 0.26  # inches of a cell; share of it from one system to the next
Json = Mapping[str, Any]


def draw_figure(content: Json) -> Figure:
    """Draw the differences of every system from the first, and how all rank.

    Args:
        content: Of compare.json.
    """
    others = [system["name"] for system in content["systems"][1:]]
    cells = len(content["cells"])
    panels = (*SHOWN, content["decided_by"]) if content["decided_by"] not in SHOWN else SHOWN
    height = cells * (ROW + 0.16 * (len(others) - 1)) + 1.4
    has_ranks = cells > 1 and None not in content["ranks"]["average"].values()
    ranks_height = 0.3 * (len(others) + 1) + 0.9 if has_ranks else 0
    heights = [height, ranks_height] if has_ranks else [height]
    with style.house_style():
        figure = style.new_figure(10.5, sum(heights), _title(content))
        parts = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
        axes = parts[0].subplots(1, len(panels), sharex=True, sharey=True)
        for panel, rate in zip(axes, panels, strict=True):
            _differences(panel, rate, others, content)
        names = [wording.cell_name(cell, content["cells"]) for cell in content["cells"]]
        axes[0].set_yticks(range(cells), names)
        _legend(parts[0], others)
        if has_ranks:
            _ranks(parts[1].subplots(), content)
    return figure


def _title(content: Json) -> str:
    first = content["systems"][0]["name"]
    return "\n".join([*wrap(wording.title(content), 110), f"Differences from {first}"])


def _differences(axes: Axes, rate: str, others: Sequence[str], content: Json) -> None:
    """One rate: a row a cell, in it a dot and an interval for each system."""
    first = content["systems"][0]["name"]
    axes.axvline(0, color=style.INK, lw=0.9, zorder=1)
    for row in range(len(content["cells"])):
        axes.axhline(row, color=style.LINE, lw=0.6, zorder=0)
    places = {other: _place(k, len(others)) for k, other in enumerate(others)}
    found = [one for one in content["comparisons"] if one["first"] == first]
    row_of = {_key(cell): row for row, cell in enumerate(content["cells"])}
    for one in found:
        difference = one["differences"][rate]
        if difference["value"] is None:
            continue
        colour = _colour(one["other"], others)
        y = row_of[_key(one)] + places[one["other"]]
        value, low, high = (difference[key] for key in ("value", "low", "high"))
        if low is not None:
            axes.plot([low, high], [y, y], color=colour, lw=1.6, solid_capstyle="butt", zorder=2)
        face = colour if _is_shown(one, rate, content) else "white"
        axes.plot(value, y, "o", ms=5.5, mfc=face, mec=colour, mew=1.3, zorder=3)
    decides = " (decides)" if rate == content["decided_by"] else ""
    axes.set_title(f"{RATE_WORDS[rate]}{decides}")
    axes.set_xlabel("percentage points")
    axes.xaxis.set_major_locator(MaxNLocator(5))
    style.per_cent(axes)
    style.bare(axes, "bottom")
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(content["cells"]) - 0.5, -0.5)  # the first cell is on top


def _key(cell: Json) -> tuple[str, str, str]:
    return cell["dataset"], cell["protocol"], cell["condition"]


def _place(k: int, n: int) -> float:
    """Where in its row the k-th of n systems stands."""
    return min(STEP, 0.7 / n) * (k - (n - 1) / 2)


def _colour(name: str, others: Sequence[str]) -> str:
    return style.SERIES[(1 + others.index(name)) % len(style.SERIES)]


def _is_shown(one: Json, rate: str, content: Json) -> bool:
    """For the rate that decides by Holm's p, else by the interval alone."""
    if rate == content["decided_by"]:
        return one["verdict"] in (LOWER, HIGHER)
    return bool(wording.side(one["differences"][rate]))


def _legend(figure: SubFigure, others: Sequence[str]) -> None:
    handles = [_dot(name, _colour(name, others), lw=1.6) for name in others]
    handles.append(_dot("shown: interval off 0; where it decides, with Holm", style.FAINT))
    handles.append(_dot("not shown", style.FAINT, mfc="white"))
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))


def _dot(label: str, colour: str, lw: float = 0.0, mfc: str | None = None) -> Line2D:
    return Line2D(
        [],
        [],
        label=label,
        color=colour,
        linewidth=lw,
        marker="o",
        markersize=5.5,
        markerfacecolor=mfc or colour,
    )


def _ranks(axes: Axes, content: Json) -> None:
    """Average ranks, each with half the critical difference on both sides."""
    average = content["ranks"]["average"]
    order = sorted(average, key=lambda name: average[name])
    distance = content["ranks"]["critical_difference"]
    first, *others = (system["name"] for system in content["systems"])
    if distance is not None:
        best = average[order[0]] + distance / 2
        axes.axvspan(average[order[0]] - distance / 2, best, color=style.LINE, lw=0, zorder=0)
    for row, name in enumerate(order):
        colour = style.SERIES[0] if name == first else _colour(name, others)
        if distance is not None:
            ends = [average[name] - distance / 2, average[name] + distance / 2]
            axes.plot(ends, [row, row], color=colour, lw=1.6, solid_capstyle="butt")
        axes.plot(average[name], row, "o", ms=6, color=colour)
    axes.set_xticks(range(1, len(order) + 1))
    axes.set_yticks(range(len(order)), order)
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.set_title(f"Average rank by {RATE_WORDS[content['decided_by']]}")
    axes.set_xlabel(
        "1 = fewest errors; lines are half the critical difference to each side: where they"
        " overlap, ranks are not told apart"
        if distance is not None
        else "1 = fewest errors; too few cells for a critical difference"
    )
    style.bare(axes, "bottom")
    axes.tick_params(axis="y", length=0)
