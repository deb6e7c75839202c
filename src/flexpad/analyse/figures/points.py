"""Panels of points on the axes of :mod:`flexpad.analyse.projection`, for one run or many."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from flexpad.metrics import Floats
from flexpad.report.figures import style
from flexpad.types import ATTACK, BONAFIDE, MODALITIES, Modality

WORDS = {Modality.RGB: "RGB", Modality.DEPTH: "depth", Modality.IR: "infrared"}
MARKERS = {Modality.RGB: "o", Modality.DEPTH: "s", Modality.IR: "^"}
COLOURS = {BONAFIDE: style.BONAFIDE_ERROR, ATTACK: style.ATTACK_ERROR}
TINTS = {BONAFIDE: style.BONAFIDE, ATTACK: style.ATTACK}
CLASSES = {BONAFIDE: "bona fide", ATTACK: "attack"}
BINS = 60
SPREAD = 0.002  # of the points are left out at each end of an axis


def modalities_in(points: pl.DataFrame) -> list[Modality]:
    """The modalities that have a point."""
    seen = set(points["modality"].to_list())
    return [modality for modality in MODALITIES if modality in seen]


def limits(values: Floats) -> tuple[float, float]:
    """Where an axis begins and ends: almost all points, and some room."""
    low, high = np.quantile(values, [SPREAD, 1 - SPREAD])
    room = 0.05 * max(high - low, 1e-6)
    return float(low - room), float(high + room)


def draw_lda(axes: Axes, points: pl.DataFrame, span: tuple[float, float] | None = None) -> None:
    """A row for each modality: bona fides stand on its line, attacks hang from it.

    Each class of a row is scaled to its own highest bar; what lies outside the axis is in its
    outermost bars.

    Args:
        axes: Where to draw.
        points: Of one run.
        span: Ends of the axis; by default those of the points.
    """
    lda = points["lda"].to_numpy()
    if not np.isfinite(lda).all():
        axes.text(0.5, 0.5, "no axis: classes do not differ", ha="center", va="center", fontsize=8)
        axes.set_axis_off()
        return
    low, high = span or limits(lda)
    edges = np.linspace(low, high, BINS + 1)
    shown = modalities_in(points)
    for row, modality in enumerate(shown):
        base = -1.1 * row
        axes.axhline(base, color=style.LINE, lw=0.8, zorder=0)
        for label, way in ((BONAFIDE, 0.5), (ATTACK, -0.5)):
            chosen = (pl.col("modality") == str(modality)) & (pl.col("label") == label)
            counts = np.histogram(points.filter(chosen)["lda"].to_numpy().clip(low, high), edges)[0]
            heights = base + way * counts / max(counts.max(), 1)
            axes.stairs(heights, edges, baseline=base, fill=True, color=TINTS[label], lw=0)
            axes.stairs(heights, edges, baseline=base, color=COLOURS[label], lw=0.8)
    axes.axvline(0, color=style.FAINT, lw=0.9, ls=(0, (4, 2)))
    axes.set_yticks([-1.1 * row for row in range(len(shown))], [WORDS[m] for m in shown])
    axes.set_xlim(low, high)
    axes.set_ylim(-1.1 * (len(shown) - 1) - 0.6, 0.6)
    axes.tick_params(axis="y", length=0)
    style.bare(axes, "bottom")


def draw_pca(
    axes: Axes, points: pl.DataFrame, only: Modality | None = None, size: float = 9
) -> None:
    """Colour is the class, the marker is the modality.

    Points are drawn in a shuffled order, so that no class lies on top of the other.

    Args:
        axes: Where to draw.
        points: Of one run.
        only: The others are faint, behind it.
        size: Of a marker, in square points; halved where there are many.
    """
    size = size if len(points) < 3000 else size / 2
    for modality in sorted(modalities_in(points), key=lambda one: one == only):
        faint = only is not None and modality != only
        here = points.filter(pl.col("modality") == str(modality))
        order = np.random.default_rng(0).permutation(len(here))
        colours = np.array([style.LINE if faint else COLOURS[label] for label in here["label"]])
        axes.scatter(
            here["pca_1"].to_numpy()[order],
            here["pca_2"].to_numpy()[order],
            s=size,
            c=colours[order],
            marker=MARKERS[modality],
            alpha=0.8 if faint else 0.55,
            linewidths=0,
            rasterized=True,
        )
    axes.set_xlim(*limits(points["pca_1"].to_numpy()))
    axes.set_ylim(*limits(points["pca_2"].to_numpy()))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[["top", "right"]].set_visible(False)


def class_handles(fill: Mapping[str, str] = TINTS) -> list[Patch | Line2D]:
    """Legend entries of the two classes, filled as areas are, or with :data:`COLOURS` as points."""
    return [
        Patch(facecolor=fill[label], edgecolor=COLOURS[label], label=word)
        for label, word in CLASSES.items()
    ]


def modality_handles(shown: list[Modality]) -> list[Patch | Line2D]:
    """Legend entries of the modalities' markers."""
    return [
        Line2D([], [], ls="", marker=MARKERS[m], ms=5, color=style.FAINT, label=WORDS[m])
        for m in shown
    ]
