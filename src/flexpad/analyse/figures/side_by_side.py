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
    columns = min(COLUMNS, len(runs))
    bands = -(-len(runs) // columns)
    figure = style.new_figure(columns * PANEL_INCHES + 0.9, bands * 4.1 + 0.7, title)
    cells = np.reshape(figure.subplots(2 * bands, columns, squeeze=False), (bands, 2, columns))
    for place in range(bands * columns):
        band, column = divmod(place, columns)
        above, below = cells[band, :, column]
        if place >= len(runs):
            above.set_axis_off()
            below.set_axis_off()
            continue
        name, points = list(runs.items())[place]
        panels.draw_lda(above, points)
        panels.draw_pca(below, points)
        above.set_title(name)
        if column:
            above.set_yticklabels([])
        else:
            below.set_ylabel("PCA")
        above.set_xlabel("LDA, deviations" if len(runs) == 1 else "LDA")
    shown = panels.modalities_in(pl.concat(list(runs.values())))
    handles = [*panels.class_handles(), *panels.modality_handles(shown)]
    figure.legend(handles=handles, loc="outside lower left", ncols=3)
    return figure
