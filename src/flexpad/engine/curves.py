"""Two pictures at the end of a run: how it went, and which modality used which experts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from flexpad.engine import diary
from flexpad.files import whole_file

CURVES = "curves.png"
EXPERTS = "experts.png"
DPI = 120

Lines = Sequence[dict[str, Any]]


def draw_curves(run: Path) -> None:
    """Draw a run's diary to ``curves.png`` and, of a method with routers, ``experts.png``."""
    lines = list(diary.read(run))
    _save(_curves(lines), run / CURVES)
    steps = [line for line in lines if "expert_usage" in line]
    if steps:
        _save(_experts(steps), run / EXPERTS)


def _curves(lines: Lines) -> Figure:
    """Terms of the loss, errors on dev, and learning rates over steps."""
    figure = Figure((11, 4.2), layout="constrained")
    of_loss, of_dev, of_rate = figure.subplots(1, 3)
    _plot(of_loss, lines, ("loss",), "Terms of the loss")
    of_loss.set_yscale("symlog", linthresh=1e-3)
    _plot(of_dev, lines, ("dev", "eer"), "Equal error rate on dev", marker="o")
    of_dev.set_ylim(bottom=0)
    _plot(of_rate, lines, ("learning_rate",), "Learning rate")
    return figure


def _plot(axes: Axes, lines: Lines, way: tuple[str, ...], title: str, marker: str = "") -> None:
    """Draw a curve for every name that lines have at the end of a way into them."""
    said = [(line["step"], found) for line in lines if (found := _follow(line, way))]
    for name in dict.fromkeys(chain.from_iterable(values for _, values in said)):
        values = [np.nan if of.get(name) is None else of[name] for _, of in said]
        axes.plot(
            [step for step, _ in said], values, label=name, marker=marker, markersize=3, lw=1.3
        )
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("step", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.3)
    if said:
        where = (0.5, -0.14)  # below
        axes.legend(loc="upper center", bbox_to_anchor=where, ncols=4, fontsize=7, frameon=False)


def _follow(line: dict[str, Any], way: tuple[str, ...]) -> dict[str, Any]:
    found: Any = line
    for key in way:
        found = found.get(key, {})
    return dict(found)


def _experts(lines: Lines) -> Figure:
    """For each modality, the use of experts over steps, and by layer at the end."""
    names = list(dict.fromkeys(chain.from_iterable(line["expert_usage"] for line in lines)))
    figure = Figure((3.6 * len(names), 5.6), layout="constrained")
    columns = figure.subplots(2, len(names), squeeze=False).T
    for (over, by_layer), name in zip(columns, names, strict=True):
        steps = [line["step"] for line in lines if name in line["expert_usage"]]
        usage = np.array(
            [line["expert_usage"][name] for line in lines if name in line["expert_usage"]]
        )  # (steps, L, E)
        for expert, curve in enumerate(usage.mean(axis=1).T, start=1):
            over.plot(steps, curve, label=f"expert {expert}", lw=1.3)
        over.set_title(f"{name}: mean over layers", loc="left", fontsize=10)
        over.set_ylim(0, 1)
        over.set_xlabel("step", fontsize=8)
        over.tick_params(labelsize=8)
        over.grid(alpha=0.3)
        _by_layer(by_layer, usage[-1])
    columns[0][0].legend(fontsize=7, frameon=False)
    return figure


def _by_layer(axes: Axes, usage: np.ndarray[Any, Any]) -> None:
    """Show shares (L, E) as a table of shades with their numbers."""
    axes.imshow(usage, vmin=0, vmax=1, cmap="Blues", aspect="auto")
    for (layer, expert), share in np.ndenumerate(usage):
        colour = "white" if share > 0.5 else "black"
        axes.text(expert, layer, f"{share:.2f}", ha="center", va="center", color=colour, fontsize=7)
    axes.set_xticks(range(usage.shape[1]), [f"expert {e + 1}" for e in range(usage.shape[1])])
    axes.set_yticks(range(usage.shape[0]), [f"layer {i + 1}" for i in range(usage.shape[0])])
    axes.set_title("at the end, by layer", loc="left", fontsize=9)
    axes.tick_params(labelsize=7, length=0)


def _save(figure: Figure, path: Path) -> None:
    with whole_file(path) as partial:
        FigureCanvasAgg(figure).print_figure(str(partial), format="png", dpi=DPI)
