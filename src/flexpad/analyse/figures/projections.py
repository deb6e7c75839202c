"""LDA and PCA of one run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from flexpad.analyse.figures import points as panels
from flexpad.report.figures import style

LDA_WORDS = "attack  ←  deviations within a class of train  →  bona fide"


def lda(points: pl.DataFrame, content: Mapping[str, Any]) -> Figure:
    """A row for each modality on one axis, found on train, with its numbers at the right."""
    shown = panels.modalities_in(points)
    figure = style.new_figure(7.2, 1.25 + 0.95 * len(shown), f"{content['title']}: LDA")
    axes = figure.subplots()
    panels.draw_lda(axes, points)
    axes.set_xlabel(LDA_WORDS)
    for row, modality in enumerate(shown):
        _numbers(axes, -1.1 * row, content["separability"][str(modality)])
    figure.legend(handles=panels.class_handles(), loc="outside lower right", ncols=2)
    return figure


def _numbers(axes: Axes, height: float, entry: Mapping[str, Any]) -> None:
    accuracy, ratio = entry["balanced_accuracy"], entry["fisher_ratio"]
    words = [
        f"probe {100 * accuracy:.1f} %" if accuracy is not None else "",
        f"Fisher {ratio:.2f}" if ratio is not None else "",
    ]
    axes.text(
        1.02,
        height,
        "\n".join(filter(None, words)),
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=8.5,
    )


def pca(points: pl.DataFrame, content: Mapping[str, Any]) -> Figure:
    """All modalities in one panel, then each with the others faint behind it."""
    shown = panels.modalities_in(points)
    several = len(shown) > 1
    figure = style.new_figure(
        7.2 if several else 5.0, 5.6 if several else 4.4, f"{content['title']}: PCA"
    )
    if not several:
        whole = figure.subplots()
    else:
        grid = figure.add_gridspec(len(shown), 2, width_ratios=[2.6, 1])
        whole = figure.add_subplot(grid[:, 0])
        for row, modality in enumerate(shown):
            axes = figure.add_subplot(grid[row, 1])
            panels.draw_pca(axes, points, modality)
            axes.set_title(panels.WORDS[modality], fontsize=9)
    panels.draw_pca(whole, points)
    whole.set_title("all modalities" if several else panels.WORDS[shown[0]], fontsize=9)
    across, up = content["projection"]["pca_explained"] or (0.0, 0.0)
    whole.set_xlabel(f"first component, {100 * across:.0f} % of the variance of train")
    whole.set_ylabel(f"second component, {100 * up:.0f} %")
    handles = [*panels.class_handles(panels.COLOURS), *panels.modality_handles(shown)]
    figure.legend(handles=handles, loc="outside lower left", ncols=len(handles))
    return figure
