"""Methods beside each other: for each, LDA by modality above PCA of all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from matplotlib.figure import Figure

from flexpad.analyse.figures import points as panels
from flexpad.report.figures import style

COLUMNS = 4
PANEL_INCHES = 2.3


def draw_side_by_side(runs: Mapping[str, pl.DataFrame], title: str) -> Figure:
    """Draw points of several runs.

    Args:
        runs: Tables of points by the name of the method.
        title: Of the whole figure.
    """
    bands = -(-len(runs) // COLUMNS)
    columns = -(-len(runs) // bands)
    figure = style.new_figure(columns * PANEL_INCHES + 0.9, bands * 4.1 + 0.7, title)
    cells = np.reshape(figure.subplots(2 * bands, columns, squeeze=False), (bands, 2, columns))
    pairs = [cells[band, :, column] for band, column in np.ndindex(bands, columns)]
    span = _span(runs)
    for place, ((name, points), (above, below)) in enumerate(
        zip(runs.items(), pairs, strict=False)
    ):
        panels.draw_lda(above, points, span)
        panels.draw_pca(below, points, size=4)
        above.set_title(name)
        above.set_xlabel("LDA")
        if place % columns:
            above.set_yticklabels([])
        else:
            below.set_ylabel("PCA")
    for axes in [axes for pair in pairs[len(runs) :] for axes in pair]:
        axes.set_axis_off()
    shown = panels.modalities_in(pl.concat(list(runs.values())))
    handles = [*panels.class_handles(), *panels.modality_handles(shown)]
    figure.legend(
        handles=handles, loc="outside lower left", ncols=len(handles) if columns > 2 else 3
    )
    return figure


def _span(runs: Mapping[str, pl.DataFrame]) -> tuple[float, float] | None:
    """One axis for all, since its unit is a deviation within a class; None if nobody has one."""
    lda = [points["lda"].to_numpy() for points in runs.values()]
    ends = np.array([panels.limits(values) for values in lda if np.isfinite(values).all()])
    return (float(ends[:, 0].min()), float(ends[:, 1].max())) if len(ends) else None
