"""Heat maps of expert usage: a column for each modality, a row for bona fide and each species."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from flexpad.analyse.figures.points import WORDS
from flexpad.metrics import Floats
from flexpad.report.figures import style
from flexpad.types import Modality

CELL_INCHES = 0.19
NUMBERS_UP_TO = 8  # layers; more have no room for numbers
SHADES = "Blues"


def draw_experts(content: Mapping[str, Any]) -> Figure:
    """Layers from left to right, experts from top to bottom, a darker cell is a larger share."""
    usage = content["experts"]["usage"]
    modalities = list(usage)
    kinds = list(dict.fromkeys(kind for by_kind in usage.values() for kind in by_kind))
    layers, experts = np.shape(next(iter(next(iter(usage.values())).values()))["share"])
    height = len(kinds) * (CELL_INCHES * experts + 0.42) + 1.25
    figure = style.new_figure(8.2, height, f"{content['title']}: use of experts")
    cells = figure.subplots(len(kinds), len(modalities), squeeze=False, sharex=True, sharey=True)
    for row, kind in zip(cells, kinds, strict=True):
        for axes, modality in zip(row, modalities, strict=True):
            entry = usage[modality].get(kind)
            if entry is None:
                axes.text(0.5, 0.5, "none", ha="center", va="center", transform=axes.transAxes)
                continue
            _map(axes, np.array(entry["share"]))
            axes.set_title(f"{kind.replace('_', ' ')}, {entry['n']:,}", fontsize=8.5,
                           fontweight="normal")  # fmt: skip
    _label(cells, modalities, layers, experts)
    scale = ScalarMappable(Normalize(0, 1), SHADES)
    bar = figure.colorbar(scale, ax=cells, shrink=0.6, aspect=30, pad=0.01)
    bar.set_label("mean share of an expert, %")
    style.per_cent(bar.ax, "y")
    bar.outline.set_visible(False)
    return figure


def _label(
    cells: NDArray[np.object_], modalities: Sequence[str], layers: int, experts: int
) -> None:
    """Name the columns above all, layers below and experts at the left."""
    for axes, modality in zip(cells[0], modalities, strict=True):
        axes.annotate(
            WORDS[Modality(modality)],
            (0, 1),
            (0, 17),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=10.5,
            fontweight="bold",
            annotation_clip=False,
        )
    for axes in cells[-1]:
        axes.set_xlabel("layer")
        axes.set_xticks(range(layers), [str(layer + 1) for layer in range(layers)])
    for axes in cells[:, 0]:
        axes.set_ylabel("expert")
        axes.set_yticks(range(experts), [str(expert + 1) for expert in range(experts)])


def _map(axes: Axes, shares: Floats) -> None:
    """Shares (L, E) as shades, with their numbers in per cent where there is room."""
    axes.imshow(shares.T, vmin=0, vmax=1, cmap=SHADES, aspect="auto")
    axes.tick_params(length=0, labelsize=7.5)
    for side in axes.spines.values():
        side.set_visible(False)
    if len(shares) <= NUMBERS_UP_TO:
        for (layer, expert), share in np.ndenumerate(shares):
            colour = "white" if share > 0.55 else style.INK
            words = f"{100 * share:.0f}"
            axes.text(layer, expert, words, ha="center", va="center", color=colour, fontsize=7)
