"""How every figure looks: palette, type, and how it is saved or put inside a page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

INK, FAINT, LINE = "#1d2430", "#78808c", "#dde1e7"

# Blue and vermilion of Okabe and Ito's palette for colour-blind readers (2008, "Color Universal
# Design"), and lighter tints of them; the dark one of each pair is the error.
BONAFIDE, BONAFIDE_ERROR = "#8ec3e6", "#00508f"
ATTACK, ATTACK_ERROR = "#f3c19c", "#c44601"

# A colour and a dash for each condition: singles are whole lines, pairs are dashed.
CONDITION = {
    "R": ("#d55e00", "-"),
    "D": ("#0072b2", "-"),
    "I": ("#009e73", "-"),
    "RD": ("#b0609a", (0, (5, 2))),
    "RI": ("#c98a00", (0, (5, 2))),
    "DI": ("#3d9fd3", (0, (5, 2))),
    "RDI": (INK, "-"),
}
SERIES = ("#d55f01", "#0073b3", "#019e74", "#b0619b", "#c98b01", "#3d9fd4", "#6b6b6b")
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 2, 1.5, 2)))

DPI = 130
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "flexpad",  # the same figure gives the same bytes
    "text.parse_math": False,  # a $ in the name of a species is a $
    "font.size": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 8.5,
    "axes.linewidth": 0.8,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "figure.facecolor": "white",
}

# Colours that follow the reader's light or dark page; all others stay as they are.
_VARIABLES = {
    INK: "--ink",
    FAINT: "--muted",
    LINE: "--line",
    BONAFIDE: "--bonafide",
    BONAFIDE_ERROR: "--bonafide-error",
    ATTACK: "--attack",
    ATTACK_ERROR: "--attack-error",
    "#d55e00": "--vermilion",
    "#0072b2": "--blue",
    "#009e73": "--green",
    "#b0609a": "--purple",
    "#c98a00": "--orange",
    "#3d9fd3": "--sky",
    "#ffffff": "--card",
}


@contextmanager
def house_style() -> Iterator[None]:
    """Everything drawn and saved in the body looks alike."""
    with mpl.rc_context(_SETTINGS):
        yield


def new_figure(width: float, height: float, title: str | None = None) -> Figure:
    """A figure of so many inches, with a title in the upper left."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    if title:
        figure.suptitle(title, fontsize=12, fontweight="bold", x=0.01, ha="left")
    return figure


def grid_of_panels(figure: Figure, n: int, columns: int) -> list[Axes]:
    """As many axes as asked, in rows of at most ``columns``; what is left over is hidden."""
    rows = -(-n // columns)
    cells: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).ravel())
    for cell in cells[n:]:
        cell.set_axis_off()
    return cells[:n]


def save(figure: Figure, stem: Path) -> None:
    """Write ``stem.png`` and ``stem.svg``; the same figure gives the same bytes."""
    figure.savefig(stem.with_suffix(".png"), metadata={"Software": None})
    figure.set_layout_engine("none")  # it is laid out, and need not be again
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def inline_svg(figure: Figure, name: str, description: str) -> str:
    """The figure as an ``<svg>`` element for the middle of a page.

    Its colours become variables of the page where the page has them, its type the page's, and its
    ids are its own.

    Args:
        figure: What to draw; its background stays clear.
        name: Unique in the page; a prefix of all ids.
        description: What a reader hears who cannot see it.
    """
    text = StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = text.getvalue()
    size = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', svg)
    if size is None:  # pragma: no cover - matplotlib always writes it
        raise RuntimeError("the figure has no size")
    width = f"{float(size[1]) * 4 / 3:.0f}"  # points to CSS pixels
    body = svg[svg.index(">", svg.index("<svg")) + 1 :]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r"<[^>]+>", lambda tag: _for_pages(tag[0], name), body)
    body = re.sub(r">\s+<", "><", body)
    return (
        f'<svg class="figure" style="max-width:{width}px" role="img"'
        f' aria-label="{description}" {size[0]}>{body}'
    )


def _for_pages(tag: str, name: str) -> str:
    """A tag as a page needs it: ids of its own, the type and colours of the page, fewer digits."""
    for pattern, instead in (
        (r'\bid="', f'id="{name}-'),
        (r'(xlink:)?href="#', f'href="#{name}-'),
        (r"url\(#", f"url(#{name}-"),
        (r" font-family: [^;\"]*;", ""),
        (r"font: (.*?)px '[^;\"]*", r"font: \1px var(--sans)"),
        (r' transform="rotate\(-0 [^"]*"', ""),
        (r"(\.\d\d)\d+", r"\1"),
        (r"\s+", " "),
    ):
        tag = re.sub(pattern, instead, tag)
    for colour, variable in _VARIABLES.items():
        tag = tag.replace(colour, f"var({variable})")
    return tag


def per_cent(axes: Axes, axis: str = "x") -> None:
    """Write the fractions of an axis in per cent."""
    one = axes.xaxis if axis == "x" else axes.yaxis
    one.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:g}"))


def bare(axes: Axes, *keep: str) -> None:
    """Hide all spines but those named."""
    hidden = [side for side in ("top", "right", "left", "bottom") if side not in keep]
    axes.spines[hidden].set_visible(False)
