"""Images as the model saw them, and beside each what its patches say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure

from flexpad.analyse.examples import Example, View
from flexpad.analyse.figures.points import WORDS
from flexpad.report.figures import style
from flexpad.types import MODALITIES

MAP = LinearSegmentedColormap.from_list(
    "evidence", [style.ATTACK_ERROR, "#f7f7f5", style.BONAFIDE_ERROR]
)
CLEAR = 0.6  # how much of the evidence covers the image
LIFT = 0.5  # what black becomes under it, so that colours are those of the bar
CELL_INCHES = 1.22


def draw_patches(examples: Sequence[Example], content: Mapping[str, Any]) -> Figure:
    """A row for each item; for each modality its image, and the image under its patch evidence."""
    shown = [m for m in MODALITIES if any(m in one.views for one in examples)]
    width = 2 * CELL_INCHES * len(shown) + 1.7
    height = (CELL_INCHES + 0.26) * len(examples) + 1.15
    figure = style.new_figure(width, height, f"{content['title']}: patch evidence")
    cells = figure.subplots(len(examples), 2 * len(shown), squeeze=False)
    scale = Normalize(-(limit := _limit(examples)), limit)
    for row, example in zip(cells, examples, strict=True):
        words = f"{example.kind.replace('_', ' ')}\nscore {example.score:.3f}"
        row[0].set_ylabel(words, rotation=0, ha="right", va="center", labelpad=8)
        for place, modality in enumerate(shown):
            _pair(row[2 * place], row[2 * place + 1], example.views.get(modality), scale)
    for place, modality in enumerate(shown):
        cells[0][2 * place].set_title(WORDS[modality])
    bar = figure.colorbar(
        ScalarMappable(scale, MAP), ax=cells, location="bottom", shrink=0.5, aspect=40, pad=0.02
    )
    bar.set_label("attack  ←  log odds that a patch speaks for  →  bona fide")
    bar.outline.set_visible(False)
    return figure


def _pair(left: Axes, right: Axes, view: View | None, scale: Normalize) -> None:
    """An image, and the image in grey under its evidence, each patch a square of one colour."""
    for axes in (left, right):
        axes.set_xticks([])
        axes.set_yticks([])
        for side in axes.spines.values():
            side.set_visible(False)
    if view is None:
        left.text(0.5, 0.5, "absent", ha="center", va="center", transform=left.transAxes)
        return
    height, width = view.pixels.shape[:2]
    left.imshow(view.pixels)
    right.imshow(LIFT + (1 - LIFT) * view.pixels.mean(axis=2), cmap="gray", vmin=0, vmax=1)
    right.imshow(
        view.patches,
        cmap=MAP,
        norm=scale,
        alpha=CLEAR,
        interpolation="nearest",
        extent=(-0.5, width - 0.5, height - 0.5, -0.5),
    )
    mean = f"{view.patches.mean():+.1f}".replace("-", "\N{MINUS SIGN}")
    right.set_xlabel(f"mean {mean}", fontsize=8, labelpad=2)


def _limit(examples: Sequence[Example]) -> float:
    """One scale for all panels, so that colours can be compared."""
    values = np.concatenate(
        [view.patches.ravel() for one in examples for view in one.views.values()]
    )
    return max(float(np.quantile(np.abs(values), 0.98)), 1e-6)
